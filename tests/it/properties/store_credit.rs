//! The design's store credit: what a partner gives of what is available, and what a customer spends.

use super::{
    model::{Adjustment, Applied, Model, Owner},
    operations::Coin,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferIs {
    Requested,
    Approved,
    Refused,
}

#[derive(Clone, Copy, Debug)]
pub struct Transfer {
    pub party: usize,
    pub coin: Coin,
    pub amount: i64,
    pub state: TransferIs,
}

impl Model {
    /// Only somebody who bought something is a customer.
    pub(super) fn request(&mut self, party: usize, coin: Coin, amount: i64) -> Applied {
        if self.orders.is_empty() {
            return Err("no customer");
        }
        self.check_available(party, coin, amount)?;
        self.transfers.push(Transfer {
            party,
            coin,
            amount,
            state: TransferIs::Requested,
        });
        Ok(())
    }

    pub(super) fn give(&mut self, transfer: usize) -> Applied {
        let row = self.transfers[transfer];
        if row.state != TransferIs::Requested {
            return Err("decided");
        }
        self.check_available(row.party, row.coin, row.amount)?;
        self.transfers[transfer].state = TransferIs::Approved;
        self.adjustments.push(Adjustment {
            party: row.party,
            coin: row.coin,
            amount: -row.amount,
        });
        self.post(
            row.coin,
            [
                (Owner::Party(row.party), "AVAILABLE", -row.amount),
                (Owner::Customer, "STORE_CREDIT", row.amount),
            ],
        );
        Ok(())
    }

    pub(super) fn refuse(&mut self, transfer: usize) -> Applied {
        let row = &mut self.transfers[transfer];
        if row.state != TransferIs::Requested {
            return Err("decided");
        }
        row.state = TransferIs::Refused;
        Ok(())
    }

    pub(super) fn redeem(&mut self, coin: Coin, minor: i64) -> Applied {
        if minor > self.balance(Owner::Customer, "STORE_CREDIT", coin) {
            return Err("not enough store credit");
        }
        self.post(
            coin,
            [
                (Owner::Customer, "STORE_CREDIT", -minor),
                (Owner::Brand, "STORE_CREDIT_REDEEMED", minor),
            ],
        );
        Ok(())
    }
}
