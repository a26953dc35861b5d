//! What a payout pays: pure arithmetic.

use chrono::{DateTime, Utc};
use entity::{
    brand,
    ids::{AdjustmentId, CommissionId},
};

use crate::money::{Currency, Money};

/// What moved the available balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    Commission(CommissionId),
    Adjustment(AdjustmentId),
}

/// What of a source may be paid, and what earlier payouts hold of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payable {
    pub source: Source,
    /// Of a commission, what reached the available balance and was not taken back: C − reversed − what the reserve holds.
    pub payable_minor: i64,
    /// Items of payouts that stand.
    pub itemised_minor: i64,
    /// Since when it is available; what is absent counts as always.
    pub since: Option<DateTime<Utc>>,
}

/// A portion of it; negative where more was paid than is still owed, or something was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    pub source: Source,
    pub amount_minor: i64,
    /// Since when its source is available.
    pub since: Option<DateTime<Utc>>,
}

impl Item {
    /// The commission that something is paid of.
    #[must_use]
    pub fn paid_commission(&self) -> Option<CommissionId> {
        match self.source {
            Source::Commission(id) if self.amount_minor > 0 => Some(id),
            _ => None,
        }
    }
}

/// What of these became available until a moment; what was taken counts whenever it was.
#[must_use]
pub fn until(items: Vec<Item>, cutoff: Option<DateTime<Utc>>) -> Vec<Item> {
    let Some(cutoff) = cutoff else { return items };
    let counts = |item: &Item| item.amount_minor < 0 || item.since.is_none_or(|since| since <= cutoff);
    items.into_iter().filter(counts).collect()
}

/// The smallest payout in a currency. It is an amount of the brand's own currency; in another one there is none.
#[must_use]
pub fn minimum(brand: &brand::Model, currency: Currency) -> Money {
    let is_own = currency.code() == brand.currency;
    Money::new(if is_own { brand.payout_minimum_minor } else { 0 }, currency)
}

/// The items of a payout of everything that is available: each source's difference between what is payable and what was
/// itemised before, in the order given.
#[must_use]
pub fn items(payables: &[Payable]) -> Vec<Item> {
    payables
        .iter()
        .map(|payable| Item {
            source: payable.source,
            amount_minor: payable.payable_minor - payable.itemised_minor,
            since: payable.since,
        })
        .filter(|item| item.amount_minor != 0)
        .collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn payable(id: u128, payable_minor: i64, itemised_minor: i64) -> Payable {
        Payable {
            source: Source::Commission(CommissionId(Uuid::from_u128(id))),
            payable_minor,
            itemised_minor,
            since: None,
        }
    }

    #[test]
    fn a_clawback_of_a_paid_commission_is_made_good_by_a_negative_item() {
        // The first was paid 9.00 and wholly refunded since; the second brings 20.00: the payout is 11.00.
        let made = items(&[payable(1, 0, 900), payable(2, 2_000, 0), payable(3, 500, 500)]);
        let amounts: Vec<i64> = made.iter().map(|item| item.amount_minor).collect();
        assert_eq!(amounts, [-900, 2_000]);
        assert_eq!(amounts.iter().sum::<i64>(), 1_100);
    }
}
