//! The design's payouts: what they pay, and what becomes of their money.

use std::collections::BTreeMap;

use super::{
    model::{Applied, MINIMUM, Model, Owner, Review},
    operations::{Coin, Fee, News, Rail},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayoutIs {
    Draft,
    Approved,
    Submitted,
    Paid,
    Failed,
    Returned,
    Cancelled,
}

impl PayoutIs {
    pub fn text(self) -> &'static str {
        match self {
            Self::Draft => "DRAFT",
            Self::Approved => "APPROVED",
            Self::Submitted => "SUBMITTED",
            Self::Paid => "PAID",
            Self::Failed => "FAILED",
            Self::Returned => "RETURNED",
            Self::Cancelled => "CANCELLED",
        }
    }
}

/// What an item pays a portion of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    Commission(usize),
    Adjustment(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchIs {
    Draft,
    Approved,
    Submitted,
    Cancelled,
}

#[derive(Clone, Debug)]
pub struct Payout {
    /// What a provider pays is part of a batch.
    pub batch: Option<usize>,
    pub party: usize,
    pub coin: Coin,
    pub rail: Rail,
    pub amount: i64,
    pub state: PayoutIs,
    /// As it is known.
    pub fee: Option<Fee>,
    /// Its provider has said something of it.
    was_heard_of: bool,
    items: BTreeMap<Source, i64>,
}

impl Model {
    /// Portions of what is available, each what is payable of its source and in no payout that stands.
    fn items(&self, party: usize, coin: Coin) -> BTreeMap<Source, i64> {
        let mut items = BTreeMap::new();
        for (index, row) in self.commissions.iter().enumerate() {
            let is_approved = matches!(self.orders[row.order].review, Review::Approved { .. });
            if row.party == party && row.coin == coin && is_approved {
                items.insert(Source::Commission(index), row.amount - row.reversed - row.reserve_left);
            }
        }
        for (index, row) in self.adjustments.iter().enumerate() {
            if row.party == party && row.coin == coin {
                items.insert(Source::Adjustment(index), row.amount);
            }
        }
        let stands = |payout: &&Payout| {
            use PayoutIs::{Cancelled, Failed, Returned};
            !matches!(payout.state, Cancelled | Failed | Returned)
        };
        for payout in self.payouts.iter().filter(stands) {
            for (source, amount) in &payout.items {
                items.entry(*source).and_modify(|left| *left -= amount);
            }
        }
        items.retain(|_, amount| *amount != 0);
        items
    }

    pub(super) fn is_due(&self, party: usize, coin: Coin) -> bool {
        let minimum = if coin == Coin::Eur { MINIMUM } else { 1 };
        self.balance(Owner::Party(party), "AVAILABLE", coin) >= minimum
    }

    /// Of one party, by hand or as a batch of its own.
    pub(super) fn draft(&mut self, party: usize, coin: Coin, rail: Rail) -> Applied {
        if rail == Rail::Provider {
            return self.draft_batch(&[party], coin);
        }
        if !self.is_due(party, coin) {
            return Err("below the minimum");
        }
        self.draft_payout(party, coin, rail, None);
        Ok(())
    }

    /// Of those of these who are due.
    pub(super) fn draft_batch(&mut self, parties: &[usize], coin: Coin) -> Applied {
        let due: Vec<usize> = parties
            .iter()
            .copied()
            .filter(|party| self.is_due(*party, coin))
            .collect();
        if due.is_empty() {
            return Err("nothing due");
        }
        let batch = self.batches.len();
        self.batches.push(BatchIs::Draft);
        for party in due {
            self.draft_payout(party, coin, Rail::Provider, Some(batch));
        }
        Ok(())
    }

    fn draft_payout(&mut self, party: usize, coin: Coin, rail: Rail, batch: Option<usize>) {
        let amount = self.balance(Owner::Party(party), "AVAILABLE", coin);
        let items = self.items(party, coin);
        assert_eq!(
            items.values().sum::<i64>(),
            amount,
            "the model itself: items do not add up"
        );
        self.payouts.push(Payout {
            batch,
            party,
            coin,
            rail,
            amount,
            state: PayoutIs::Draft,
            fee: None,
            was_heard_of: false,
            items,
        });
        let party = Owner::Party(party);
        self.post(coin, [(party, "AVAILABLE", -amount), (party, "IN_TRANSIT", amount)]);
    }

    fn check_state(&self, payout: usize, states: &[PayoutIs]) -> Applied {
        if states.contains(&self.payouts[payout].state) {
            return Ok(());
        }
        Err("impossible in this state")
    }

    fn check_rail(&self, payout: usize, rail: Rail) -> Applied {
        if self.payouts[payout].rail == rail {
            return Ok(());
        }
        Err("paid otherwise")
    }

    pub(super) fn approve_payout(&mut self, payout: usize) -> Applied {
        if self.payouts[payout].batch.is_some() {
            return Err("part of a batch");
        }
        self.check_state(payout, &[PayoutIs::Draft])?;
        self.payouts[payout].state = PayoutIs::Approved;
        Ok(())
    }

    pub(super) fn approve_batch(&mut self, batch: usize) -> Applied {
        self.move_batch(
            batch,
            (BatchIs::Draft, PayoutIs::Draft),
            (BatchIs::Approved, PayoutIs::Approved),
        )
    }

    pub(super) fn submit_batch(&mut self, batch: usize) -> Applied {
        self.move_batch(
            batch,
            (BatchIs::Approved, PayoutIs::Approved),
            (BatchIs::Submitted, PayoutIs::Submitted),
        )
    }

    /// Moves a batch with what is left in it.
    fn move_batch(&mut self, batch: usize, from: (BatchIs, PayoutIs), to: (BatchIs, PayoutIs)) -> Applied {
        let left = self.left_in(batch, &[from.1]);
        if self.batches[batch] != from.0 || left.is_empty() {
            return Err("impossible in this state, or empty");
        }
        self.batches[batch] = to.0;
        for payout in left {
            self.payouts[payout].state = to.1;
        }
        Ok(())
    }

    fn left_in(&self, batch: usize, states: &[PayoutIs]) -> Vec<usize> {
        let is_left = |payout: &Payout| payout.batch == Some(batch) && states.contains(&payout.state);
        (0..self.payouts.len())
            .filter(|index| is_left(&self.payouts[*index]))
            .collect()
    }

    /// Of one that was handed over nothing has left, as long as its provider has said nothing of it: here nobody sends anything.
    pub(super) fn cancel_batch(&mut self, batch: usize) -> Applied {
        use PayoutIs::{Approved, Draft, Submitted};
        let was_heard_of = self
            .payouts
            .iter()
            .any(|row| row.batch == Some(batch) && row.was_heard_of);
        if self.batches[batch] == BatchIs::Cancelled || was_heard_of {
            return Err("impossible in this state, or sent");
        }
        self.batches[batch] = BatchIs::Cancelled;
        for payout in self.left_in(batch, &[Draft, Approved, Submitted]) {
            self.come_back(payout, PayoutIs::Cancelled);
        }
        Ok(())
    }

    pub(super) fn cancel(&mut self, payout: usize) -> Applied {
        self.check_state(payout, &[PayoutIs::Draft, PayoutIs::Approved])?;
        self.come_back(payout, PayoutIs::Cancelled);
        Ok(())
    }

    pub(super) fn mark_paid(&mut self, payout: usize) -> Applied {
        self.check_rail(payout, Rail::Person)?;
        self.check_state(payout, &[PayoutIs::Approved])?;
        self.arrive(payout, None);
        Ok(())
    }

    pub(super) fn mark_unpaid(&mut self, payout: usize) -> Applied {
        self.check_rail(payout, Rail::Person)?;
        self.check_state(payout, &[PayoutIs::Paid])?;
        self.come_back(payout, PayoutIs::Returned);
        Ok(())
    }

    /// Adds what a payout pays of its commissions, or takes it back.
    fn count_paid(&mut self, payout: usize, sign: i64) {
        for (source, amount) in self.payouts[payout].items.clone() {
            if let Source::Commission(index) = source {
                self.commissions[index].paid += sign * amount;
            }
        }
    }

    fn charge(&mut self, payout: usize, fee: Fee) {
        let cash = self.payouts[payout].rail.cash();
        self.post(
            fee.coin,
            [
                (Owner::Brand, "PAYOUT_FEE_EXPENSE", -fee.minor),
                (Owner::Brand, cash, fee.minor),
            ],
        );
    }

    fn arrive(&mut self, payout: usize, fee: Option<Fee>) {
        self.count_paid(payout, 1);
        let row = &mut self.payouts[payout];
        row.state = PayoutIs::Paid;
        row.fee = fee;
        let (coin, amount, party, cash) = (row.coin, row.amount, Owner::Party(row.party), row.rail.cash());
        self.post(coin, [(party, "IN_TRANSIT", -amount), (Owner::Brand, cash, amount)]);
        if let Some(fee) = fee {
            self.charge(payout, fee);
        }
    }

    fn come_back(&mut self, payout: usize, to: PayoutIs) {
        let was_paid = self.payouts[payout].state == PayoutIs::Paid;
        if was_paid {
            self.count_paid(payout, -1);
        }
        let row = &mut self.payouts[payout];
        row.state = to;
        let (coin, amount, party, cash) = (row.coin, row.amount, Owner::Party(row.party), row.rail.cash());
        let from = if was_paid {
            (Owner::Brand, cash, -amount)
        } else {
            (party, "IN_TRANSIT", -amount)
        };
        self.post(coin, [from, (party, "AVAILABLE", amount)]);
    }

    /// What a provider tells counts for what it was given, once: what is older than what is known, or known, changes nothing.
    pub(super) fn hear(&mut self, payout: usize, news: News) {
        let row = &self.payouts[payout];
        let (state, known) = (row.state, row.fee);
        if row.rail != Rail::Provider || !matches!(state, PayoutIs::Submitted | PayoutIs::Paid) {
            return;
        }
        self.payouts[payout].was_heard_of = true;
        let was_paid = state == PayoutIs::Paid;
        match news {
            News::Waiting => {}
            News::Paid { fee } if was_paid => {
                if let (None, Some(fee)) = (known, fee) {
                    self.payouts[payout].fee = Some(fee);
                    self.charge(payout, fee);
                }
            }
            News::Paid { fee } => self.arrive(payout, fee),
            News::Failed => self.come_back(payout, if was_paid { PayoutIs::Returned } else { PayoutIs::Failed }),
            News::Returned { kept } => {
                self.come_back(payout, PayoutIs::Returned);
                let Some(kept) = kept else { return };
                match known {
                    // Given back is what was charged and is not kept; what is told in another currency says nothing of it.
                    Some(charged) if charged.coin == kept.coin => {
                        let back = (charged.minor - kept.minor).max(0);
                        self.charge(
                            payout,
                            Fee {
                                coin: kept.coin,
                                minor: -back,
                            },
                        );
                    }
                    Some(_) => {}
                    None if kept.minor > 0 => {
                        self.payouts[payout].fee = Some(kept);
                        self.charge(payout, kept);
                    }
                    None => {}
                }
            }
        }
    }
}
