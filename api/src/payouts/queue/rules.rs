//! What stands in the way of a payout: pure decisions.

use std::collections::BTreeSet;

use chrono::{DateTime, SecondsFormat, Utc};
use entity::{partnership, payout::PayoutRail, payout_method, payout_method::PayoutMethodKind as Kind};

use crate::{
    infra::rails::{Problem, RailKind, paypal, razorpay, stripe},
    money::Money,
};

/// Why a partner is not paid now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BlockCode {
    Negative,
    NothingDue,
    BelowMinimum,
    OnHold,
    Undecided,
    NoMethod,
    CoolingOff,
    NoRail,
    NotCarried,
}

/// One reason, in words too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    pub code: BlockCode,
    pub message: String,
}

/// What is known of a partner who has a balance.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    pub partnership: &'a partnership::Model,
    pub available: Money,
    /// What of it is due: all, or what was available at a cut-off.
    pub due: Money,
    pub minimum: Money,
    pub method: Option<&'a payout_method::Model>,
    pub rail: Option<PayoutRail>,
    /// Commissions of a banned partner that nobody has decided on.
    pub undecided: u64,
    pub now: DateTime<Utc>,
}

/// Everything that stands in the way; empty when nothing does.
#[must_use]
pub fn blocks(standing: &Standing<'_>) -> Vec<Block> {
    let Standing {
        partnership,
        available,
        due,
        minimum,
        method,
        rail,
        undecided,
        now,
    } = standing;
    let mut blocks = Vec::new();
    let mut block = |code, message: String| blocks.push(Block { code, message });
    if available.amount_minor < 0 {
        block(
            BlockCode::Negative,
            format!("{available} is available: it is carried forward until it is earned back"),
        );
    } else if due.amount_minor <= 0 {
        block(BlockCode::NothingDue, format!("{due} is due"));
    } else if due.amount_minor < minimum.amount_minor {
        block(
            BlockCode::BelowMinimum,
            format!("{due} is due, the smallest payout is {minimum}"),
        );
    }
    if let Some(reason) = &partnership.payouts_held_for {
        block(BlockCode::OnHold, format!("payouts are held: {reason}"));
    }
    if *undecided > 0 {
        block(
            BlockCode::Undecided,
            format!("the partner was banned: {undecided} pending commissions are to be approved or rejected first"),
        );
    }
    match method {
        None => block(
            BlockCode::NoMethod,
            format!("the partner has named nothing that receives {}", due.currency),
        ),
        Some(method) => {
            if method.cooling_off_until > *now {
                let until = method.cooling_off_until.to_rfc3339_opts(SecondsFormat::Secs, true);
                block(
                    BlockCode::CoolingOff,
                    format!("where the partner is paid was changed: no payout before {until}"),
                );
            }
            if rail.is_none() {
                block(
                    BlockCode::NoRail,
                    "no connected provider pays to where the partner wants it".to_owned(),
                );
            }
            if due.amount_minor > 0
                && let Some(problem) = rail.and_then(|rail| refuses(rail, method.kind, *due))
            {
                block(BlockCode::NotCarried, problem.message);
            }
        }
    }
    blocks
}

/// The rail to a kind of account: the provider for it where one is connected, else a file for the bank, where files know such accounts.
#[must_use]
pub fn rail_to(kind: Kind, connected: &BTreeSet<RailKind>) -> Option<PayoutRail> {
    let has = |rail| connected.contains(&rail);
    match kind {
        Kind::IndianBankAccount if has(RailKind::Razorpayx) => Some(PayoutRail::Razorpayx),
        Kind::Upi => has(RailKind::Razorpayx).then_some(PayoutRail::Razorpayx),
        Kind::Paypal if has(RailKind::Paypal) => Some(PayoutRail::Paypal),
        Kind::Stripe => has(RailKind::Stripe).then_some(PayoutRail::Stripe),
        Kind::IndianBankAccount | Kind::Paypal | Kind::Iban | Kind::OtherBank => Some(PayoutRail::BankFile),
    }
}

/// What the provider of a rail does not carry of an amount: it would fail each time anew.
fn refuses(rail: PayoutRail, kind: Kind, amount: Money) -> Option<Problem> {
    match rail {
        PayoutRail::Razorpayx => razorpay::refuses(amount, kind == Kind::Upi),
        PayoutRail::Paypal => paypal::refuses(amount),
        PayoutRail::Stripe => stripe::refuses(amount),
        PayoutRail::Manual | PayoutRail::BankFile => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connected_provider_goes_before_the_bank() {
        let none = BTreeSet::new();
        let all = BTreeSet::from([RailKind::Paypal, RailKind::Razorpayx, RailKind::Stripe]);
        for (kind, without, with) in [
            (
                Kind::IndianBankAccount,
                Some(PayoutRail::BankFile),
                PayoutRail::Razorpayx,
            ),
            (Kind::Upi, None, PayoutRail::Razorpayx),
            (Kind::Paypal, Some(PayoutRail::BankFile), PayoutRail::Paypal),
            (Kind::Stripe, None, PayoutRail::Stripe),
            (Kind::Iban, Some(PayoutRail::BankFile), PayoutRail::BankFile),
            (Kind::OtherBank, Some(PayoutRail::BankFile), PayoutRail::BankFile),
        ] {
            assert_eq!(rail_to(kind, &none), without, "{kind:?}");
            assert_eq!(rail_to(kind, &all), Some(with), "{kind:?}");
        }
    }

    #[test]
    fn a_provider_says_what_it_does_not_carry() {
        use PayoutRail::{BankFile, Paypal, Razorpayx, Stripe};
        for (rail, kind, minor, currency, refused) in [
            (Paypal, Kind::Paypal, 2_000_000, "USD", None),
            (
                Paypal,
                Kind::Paypal,
                2_000_001,
                "USD",
                Some("PayPal pays at most 20000.00 USD at once"),
            ),
            (Paypal, Kind::Paypal, 2_000_001, "EUR", None),
            (Paypal, Kind::Paypal, 900, "CNY", Some("PayPal does not pay out in CNY")),
            (
                Paypal,
                Kind::Paypal,
                90_050,
                "HUF",
                Some("PayPal counts HUF in whole units"),
            ),
            (Paypal, Kind::Paypal, 90_000, "HUF", None),
            (BankFile, Kind::Paypal, 90_050, "HUF", None),
            (Razorpayx, Kind::Upi, 10_000_000, "INR", None),
            (
                Razorpayx,
                Kind::Upi,
                10_000_001,
                "INR",
                Some("UPI carries at most 100000.00 INR"),
            ),
            (Razorpayx, Kind::IndianBankAccount, 10_000_001, "INR", None),
            (
                Razorpayx,
                Kind::IndianBankAccount,
                99,
                "INR",
                Some("RazorpayX pays 1.00 INR or more"),
            ),
            (
                Stripe,
                Kind::Stripe,
                12_345,
                "KWD",
                Some("Stripe takes no third decimal of KWD but zero"),
            ),
            (Stripe, Kind::Stripe, 12_340, "KWD", None),
            (
                Stripe,
                Kind::Stripe,
                12_340,
                "ISK",
                Some("Stripe counts ISK by another unit"),
            ),
        ] {
            let amount = Money::new(minor, currency.parse().unwrap());
            let found = refuses(rail, kind, amount).map(|problem| problem.message);
            assert_eq!(found.as_deref(), refused, "{rail:?} {amount}");
        }
    }
}
