//! What stands in the way of a payout: pure decisions.

use std::collections::BTreeSet;

use chrono::{DateTime, SecondsFormat, Utc};
use entity::{partnership, payout::PayoutRail, payout_method, payout_method::PayoutMethodKind as Kind};

use crate::{infra::rails::RailKind, money::Money};

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
}
