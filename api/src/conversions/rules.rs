//! What an order comes to: pure arithmetic over the parts of its amount.

use entity::order::CaptureState;

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

#[cfg(test)]
mod tests {
    use super::*;

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
