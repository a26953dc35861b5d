//! What an order and its lines come to: pure arithmetic over the parts of their amounts.

use entity::order::CaptureState;

use crate::money::divide;

/// The parts of an order's amount, in minor units of its currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What it came to, or was last raised to.
    pub amount_minor: i64,
    /// What amendments took off, and what was never captured.
    pub released_minor: i64,
    pub refunded_minor: i64,
    /// In chargebacks that are open or lost.
    pub charged_back_minor: i64,
    pub capture_state: CaptureState,
    pub captured_minor: i64,
}

impl Standing {
    /// What the order comes to now.
    #[must_use]
    pub fn total_minor(self) -> i64 {
        self.amount_minor - self.released_minor
    }

    /// What of its amount is gone in all: what commissions are reversed by.
    #[must_use]
    pub fn gone_minor(self) -> i64 {
        self.released_minor + self.refunded_minor + self.charged_back_minor
    }

    /// What can still be refunded or charged back: of an authorised order, what was captured.
    #[must_use]
    pub fn returnable_minor(self) -> i64 {
        let taken = match self.capture_state {
            CaptureState::Authorized => self.captured_minor,
            CaptureState::Captured => self.total_minor(),
        };
        taken - self.refunded_minor - self.charged_back_minor
    }

    /// What can still be captured.
    #[must_use]
    pub fn capturable_minor(self) -> i64 {
        match self.capture_state {
            CaptureState::Authorized => self.total_minor() - self.captured_minor,
            CaptureState::Captured => 0,
        }
    }

    /// The least an amendment may leave: what was taken and what went back stands.
    #[must_use]
    pub fn settled_minor(self) -> i64 {
        (self.refunded_minor + self.charged_back_minor).max(self.captured_minor)
    }

    /// With another total: less releases, more takes releases back and raises the amount by the rest.
    #[must_use]
    pub fn amended_to(self, total_minor: i64) -> Self {
        let amount_minor = self.amount_minor.max(total_minor);
        Self {
            amount_minor,
            released_minor: amount_minor - total_minor,
            ..self
        }
    }

    /// With another capture; a final one releases what was not captured.
    #[must_use]
    pub fn captured_by(self, amount_minor: i64, is_final: bool) -> Self {
        let captured_minor = self.captured_minor + amount_minor;
        if !is_final {
            return Self { captured_minor, ..self };
        }
        Self {
            captured_minor,
            released_minor: self.amount_minor - captured_minor,
            capture_state: CaptureState::Captured,
            ..self
        }
    }
}

/// The parts of a line's amount, in minor units of its order's currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineStanding {
    /// What it came to, or was last raised to.
    pub amount_minor: i64,
    /// What was refunded of this very line.
    pub refunded_minor: i64,
    /// Its share of what is gone of the order as a whole.
    pub shared_minor: i64,
}

impl LineStanding {
    /// What of it is gone in all: what its commissions are reversed by.
    #[must_use]
    pub fn gone_minor(self) -> i64 {
        self.refunded_minor + self.shared_minor
    }

    /// What can still be refunded of this very line. Its share of what is gone of the whole then passes to the others.
    #[must_use]
    pub fn refundable_minor(self) -> i64 {
        self.amount_minor - self.refunded_minor
    }
}

/// Brings an order's lines in line with its new standing. A raise is divided by what they come to. What is gone of the order
/// as a whole is divided anew, by what of each line was not refunded by itself: so what becomes of the lines depends on the
/// totals alone, not on the order in which they came about.
pub fn carry_to_lines(lines: &mut [LineStanding], to: Standing) {
    let amounts: Vec<i64> = lines.iter().map(|line| line.amount_minor).collect();
    let raise = to.amount_minor - amounts.iter().sum::<i64>();
    if raise > 0 {
        for (line, part) in lines.iter_mut().zip(divide(raise, &amounts)) {
            line.amount_minor += part;
        }
    }
    let by_itself: i64 = lines.iter().map(|line| line.refunded_minor).sum();
    let left: Vec<i64> = lines.iter().map(|line| line.refundable_minor()).collect();
    for (line, part) in lines.iter_mut().zip(divide(to.gone_minor() - by_itself, &left)) {
        line.shared_minor = part;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn line(amount_minor: i64) -> LineStanding {
        LineStanding {
            amount_minor,
            refunded_minor: 0,
            shared_minor: 0,
        }
    }

    fn gone(lines: &[LineStanding]) -> Vec<i64> {
        lines.iter().map(|line| line.gone_minor()).collect()
    }

    #[test]
    fn what_becomes_of_lines_depends_on_the_totals_alone() {
        let order = Standing {
            amount_minor: 10_001,
            ..CAPTURED
        };
        let refunded = |minor| Standing {
            refunded_minor: minor,
            ..order
        };
        let new = [line(5_000), line(3_001), line(2_000)];
        // 10.01 of the whole, then 30.00 of the first line by itself.
        let mut one = new;
        carry_to_lines(&mut one, refunded(1_001));
        assert_eq!(gone(&one), [501, 300, 200]);
        one[0].refunded_minor = 3_000;
        carry_to_lines(&mut one, refunded(4_001));
        // The other way round. 10.01 over the 20.00, 30.01 and 20.00 that are left: 2.86, 4.29 and 2.86.
        let mut other = new;
        other[0].refunded_minor = 3_000;
        carry_to_lines(&mut other, refunded(3_000));
        assert_eq!(gone(&other), [3_000, 0, 0]);
        carry_to_lines(&mut other, refunded(4_001));
        assert_eq!(gone(&other), [3_286, 429, 286]);
        assert_eq!(one, other);
        // Raised by 19.99, of which the refund of the first line takes nothing away.
        carry_to_lines(&mut other, refunded(4_001).amended_to(12_000));
        let amounts: Vec<i64> = other.iter().map(|line| line.amount_minor).collect();
        assert_eq!(amounts, [5_999, 3_601, 2_400]);
        // Everything gone is all of each.
        carry_to_lines(&mut other, refunded(12_000).amended_to(12_000));
        assert_eq!(gone(&other), amounts);
    }

    const CAPTURED: Standing = Standing {
        amount_minor: 10_000,
        released_minor: 0,
        refunded_minor: 0,
        charged_back_minor: 0,
        capture_state: CaptureState::Captured,
        captured_minor: 0,
    };

    #[test]
    fn amending_releases_first_and_raises_last() {
        let less = CAPTURED.amended_to(7_000);
        assert_eq!((less.amount_minor, less.released_minor), (10_000, 3_000));
        let more = less.amended_to(9_000);
        assert_eq!((more.amount_minor, more.released_minor), (10_000, 1_000));
        let raised = more.amended_to(12_000);
        assert_eq!((raised.amount_minor, raised.released_minor), (12_000, 0));
    }

    #[test]
    fn what_was_never_captured_is_released_at_the_end() {
        let authorised = Standing {
            capture_state: CaptureState::Authorized,
            ..CAPTURED
        };
        let once = authorised.captured_by(4_000, false);
        assert_eq!((once.capturable_minor(), once.returnable_minor()), (6_000, 4_000));
        let end = once.captured_by(2_500, true);
        assert_eq!((end.released_minor, end.total_minor()), (3_500, 6_500));
        assert_eq!((end.capturable_minor(), end.returnable_minor()), (0, 6_500));
    }
}
