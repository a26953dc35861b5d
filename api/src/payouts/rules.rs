//! What a payout pays: pure arithmetic.

use entity::ids::CommissionId;

/// What of a commission may be paid, and what earlier payouts hold of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payable {
    pub commission: CommissionId,
    /// What reached the available balance and was not taken back: C − reversed − what the reserve holds.
    pub payable_minor: i64,
    /// Items of payouts that stand.
    pub itemised_minor: i64,
}

/// A portion of a commission; negative where more was paid than is still owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    pub commission: CommissionId,
    pub amount_minor: i64,
}

/// The items of a payout of everything that is available: each commission's difference between what is payable and what
/// was itemised before. `payables` come oldest first.
#[must_use]
pub fn items(payables: &[Payable]) -> Vec<Item> {
    payables
        .iter()
        .map(|payable| Item {
            commission: payable.commission,
            amount_minor: payable.payable_minor - payable.itemised_minor,
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
            commission: CommissionId(Uuid::from_u128(id)),
            payable_minor,
            itemised_minor,
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
