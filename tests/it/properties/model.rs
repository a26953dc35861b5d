//! The ledger as its design says it, in plain numbers: who holds what after each event, and which events are refused. Nothing of
//! the product is called here, its arithmetic least of all.

use std::collections::BTreeMap;

use super::{
    operations::{Coin, Command},
    payouts::{BatchIs, Payout},
    store_credit::Transfer,
};

/// What is kept in reserve of an approved commission, parts per million.
pub const RESERVE_PPM: i64 = 100_000;
/// Days until a reserve is released.
pub const RESERVE_DAYS: i64 = 3;
/// The smallest payout in the brand's own currency.
pub const MINIMUM: i64 = 500;
/// What a sale earns in the program that pays a share, and of that the recruiter, parts per million.
pub const SHARE_PPM: i64 = 125_000;
pub const SHARE_ABOVE_PPM: i64 = 100_000;
/// What a sale earns in the program that pays a fixed amount in euro, and of the sale the recruiter, parts per million.
pub const FIXED: i64 = 777;
pub const FIXED_ABOVE_PPM: i64 = 25_000;

/// Who is refused, and why in one word.
pub type Applied = Result<(), &'static str>;

/// Whose money, by kind of account, in a currency. The seller is 0, who recruited it 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    Party(usize),
    Customer,
    Brand,
}

pub type Account = (Owner, &'static str, Coin);

/// amount × part / whole, to the nearest unit, and to the even one of two that are equally near.
pub fn half_even(amount: i64, part: i64, whole: i64) -> i64 {
    let product = i128::from(amount) * i128::from(part);
    let whole = i128::from(whole);
    let (down, rest) = (product / whole, product % whole);
    let rounded = match (rest * 2).cmp(&whole) {
        std::cmp::Ordering::Less => down,
        std::cmp::Ordering::Greater => down + 1,
        std::cmp::Ordering::Equal => down + down % 2,
    };
    i64::try_from(rounded).unwrap()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Review {
    Pending,
    Approved { day: i64 },
    Rejected,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dispute {
    Open,
    Closed,
}

#[derive(Clone, Debug)]
pub struct Order {
    pub coin: Coin,
    pub amount: i64,
    pub refunded: i64,
    pub charged_back: i64,
    /// By their references.
    pub disputes: BTreeMap<u8, (i64, Dispute)>,
    pub penalised: i64,
    pub review: Review,
}

impl Order {
    fn gone(&self) -> i64 {
        self.refunded + self.charged_back
    }

    pub fn left(&self) -> i64 {
        self.amount - self.gone()
    }

    /// Of an order of which nothing is left there is nothing to decide.
    pub fn is_undecided(&self) -> bool {
        self.review == Review::Pending && self.left() > 0
    }
}

/// What one party earns of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commission {
    pub order: usize,
    pub party: usize,
    pub coin: Coin,
    /// C.
    pub amount: i64,
    pub reversed: i64,
    /// R.
    pub reserve: i64,
    pub reserve_left: i64,
    pub paid: i64,
}

/// A change of an available balance that is no commission.
#[derive(Clone, Copy, Debug)]
pub struct Adjustment {
    pub party: usize,
    pub coin: Coin,
    pub amount: i64,
}

#[derive(Clone, Debug, Default)]
pub struct Model {
    /// The program pays a fixed amount.
    pub is_fixed: bool,
    pub day: i64,
    pub balances: BTreeMap<Account, i64>,
    pub orders: Vec<Order>,
    pub commissions: Vec<Commission>,
    pub adjustments: Vec<Adjustment>,
    pub payouts: Vec<Payout>,
    pub batches: Vec<BatchIs>,
    pub transfers: Vec<Transfer>,
}

impl Model {
    pub fn new(is_fixed: bool) -> Self {
        Self {
            is_fixed,
            ..Self::default()
        }
    }

    pub fn balance(&self, owner: Owner, kind: &'static str, coin: Coin) -> i64 {
        self.balances.get(&(owner, kind, coin)).copied().unwrap_or(0)
    }

    /// Credits are positive, debits negative.
    pub(super) fn post<const N: usize>(&mut self, coin: Coin, lines: [(Owner, &'static str, i64); N]) {
        for (owner, kind, amount) in lines {
            *self.balances.entry((owner, kind, coin)).or_default() += amount;
        }
    }

    /// What an event does to the books; nothing when it is refused.
    pub fn apply(&mut self, command: &Command) -> Applied {
        match *command {
            Command::Sell { coin, minor } => self.sell(coin, minor),
            Command::Approve { order } => self.approve(order),
            Command::Reject { order } => self.reject(order),
            Command::Refund { order, minor } => self.refund(order, minor),
            Command::ChargeBack {
                order,
                reference,
                minor,
            } => self.charge_back(order, reference, minor),
            Command::Resolve { order, reference, won } => self.resolve(order, reference, won),
            Command::Wait { days } => {
                self.day += days;
                Ok(())
            }
            Command::ReleaseDue => {
                self.release_due();
                Ok(())
            }
            Command::ReleaseNow { party, coin } => self.release_now(party, coin),
            Command::Adjust { party, coin, minor } => {
                self.adjust(party, coin, minor, "COMMISSION_EXPENSE");
                Ok(())
            }
            Command::Penalise { order, minor } => self.penalise(order, minor),
            Command::WriteOff { party, coin, minor } => self.write_off(party, coin, minor),
            Command::Draft { party, coin, rail } => self.draft(party, coin, rail),
            Command::ApprovePayout { payout } => self.approve_payout(payout),
            Command::DraftBoth { coin } => self.draft_batch(&[0, 1], coin),
            Command::ApproveBatch { batch } => self.approve_batch(batch),
            Command::SubmitBatch { batch } => self.submit_batch(batch),
            Command::CancelBatch { batch } => self.cancel_batch(batch),
            Command::Cancel { payout } => self.cancel(payout),
            Command::MarkPaid { payout } => self.mark_paid(payout),
            Command::MarkUnpaid { payout } => self.mark_unpaid(payout),
            Command::Hear { payout, news } => {
                self.hear(payout, news);
                Ok(())
            }
            Command::Request { party, coin, minor } => self.request(party, coin, minor),
            Command::Give { transfer } => self.give(transfer),
            Command::Refuse { transfer } => self.refuse(transfer),
            Command::Redeem { coin, minor } => self.redeem(coin, minor),
            Command::Fund { rail, coin, minor } => {
                self.post(
                    coin,
                    [(Owner::Brand, rail.cash(), -minor), (Owner::Brand, "FUNDING", minor)],
                );
                Ok(())
            }
        }
    }

    fn earnings(&self, coin: Coin, minor: i64) -> [i64; 2] {
        // What the program does not accept earns nothing, and what is fixed in another currency neither.
        let (own, above) = match (self.is_fixed, coin) {
            (_, Coin::Gbp) | (true, Coin::Usd) => (0, 0),
            (true, Coin::Eur) => (FIXED, half_even(minor, FIXED_ABOVE_PPM, 1_000_000)),
            (false, _) => {
                let own = half_even(minor, SHARE_PPM, 1_000_000);
                (own, half_even(own, SHARE_ABOVE_PPM, 1_000_000))
            }
        };
        [own, above]
    }

    fn sell(&mut self, coin: Coin, minor: i64) -> Applied {
        let order = self.orders.len();
        self.orders.push(Order {
            coin,
            amount: minor,
            refunded: 0,
            charged_back: 0,
            disputes: BTreeMap::new(),
            penalised: 0,
            review: Review::Pending,
        });
        for (party, amount) in self.earnings(coin, minor).into_iter().enumerate() {
            if amount == 0 {
                continue;
            }
            self.commissions.push(Commission {
                order,
                party,
                coin,
                amount,
                reversed: 0,
                reserve: 0,
                reserve_left: 0,
                paid: 0,
            });
            self.post(
                coin,
                [
                    (Owner::Brand, "COMMISSION_EXPENSE", -amount),
                    (Owner::Party(party), "PENDING", amount),
                ],
            );
        }
        Ok(())
    }

    fn check_undecided(&self, order: usize) -> Applied {
        if self.orders[order].is_undecided() {
            return Ok(());
        }
        Err("decided, or refunded")
    }

    fn approve(&mut self, order: usize) -> Applied {
        self.check_undecided(order)?;
        self.orders[order].review = Review::Approved { day: self.day };
        for mut commission in self.commissions_of(order) {
            let (index, row) = &mut commission;
            let left = row.amount - row.reversed;
            row.reserve = half_even(left, RESERVE_PPM, 1_000_000);
            row.reserve_left = row.reserve;
            self.commissions[*index] = *row;
            let party = Owner::Party(row.party);
            self.post(
                row.coin,
                [
                    (party, "PENDING", -left),
                    (party, "RESERVE", row.reserve),
                    (party, "AVAILABLE", left - row.reserve),
                ],
            );
        }
        Ok(())
    }

    fn reject(&mut self, order: usize) -> Applied {
        self.check_undecided(order)?;
        self.orders[order].review = Review::Rejected;
        for (_, row) in self.commissions_of(order) {
            let left = row.amount - row.reversed;
            self.post(
                row.coin,
                [
                    (Owner::Party(row.party), "PENDING", -left),
                    (Owner::Brand, "COMMISSION_EXPENSE", left),
                ],
            );
        }
        Ok(())
    }

    fn commissions_of(&self, order: usize) -> Vec<(usize, Commission)> {
        let all = self.commissions.iter().copied().enumerate();
        all.filter(|(_, row)| row.order == order).collect()
    }

    fn check_returned(&self, order: usize, minor: Option<i64>) -> Result<i64, &'static str> {
        let left = self.orders[order].left();
        let minor = minor.unwrap_or(left);
        if minor == 0 || minor > left {
            return Err("more than the sale");
        }
        Ok(minor)
    }

    fn refund(&mut self, order: usize, minor: Option<i64>) -> Applied {
        let minor = self.check_returned(order, minor)?;
        self.orders[order].refunded += minor;
        self.settle(order);
        Ok(())
    }

    fn charge_back(&mut self, order: usize, reference: u8, minor: Option<i64>) -> Applied {
        let minor = self.check_returned(order, minor)?;
        if self.orders[order].disputes.contains_key(&reference) {
            return Err("recorded");
        }
        self.orders[order].disputes.insert(reference, (minor, Dispute::Open));
        self.orders[order].charged_back += minor;
        self.settle(order);
        Ok(())
    }

    fn resolve(&mut self, order: usize, reference: u8, won: bool) -> Applied {
        let row = &mut self.orders[order];
        let Some((minor, state)) = row.disputes.get_mut(&reference) else {
            return Err("no such chargeback");
        };
        if *state == Dispute::Closed {
            return Err("closed");
        }
        *state = Dispute::Closed;
        if won {
            row.charged_back -= *minor;
            self.settle(order);
        }
        Ok(())
    }

    /// Brings what is reversed of an order's commissions in line with what is gone of it.
    fn settle(&mut self, order: usize) {
        let (amount, gone, review) = {
            let order = &self.orders[order];
            (order.amount, order.gone(), order.review)
        };
        if review == Review::Rejected {
            return;
        }
        for (index, mut row) in self.commissions_of(order) {
            let more = half_even(row.amount, gone, amount) - row.reversed;
            row.reversed += more;
            let party = Owner::Party(row.party);
            let expense = (Owner::Brand, "COMMISSION_EXPENSE", more);
            if review == Review::Pending {
                self.post(row.coin, [(party, "PENDING", -more), expense]);
            } else {
                // What comes again is available: a reserve, once taken, stays taken.
                let from_reserve = more.min(row.reserve_left).max(0);
                row.reserve_left -= from_reserve;
                self.post(
                    row.coin,
                    [
                        (party, "RESERVE", -from_reserve),
                        (party, "AVAILABLE", from_reserve - more),
                        expense,
                    ],
                );
            }
            self.commissions[index] = row;
        }
    }

    fn release(&mut self, index: usize) {
        let row = &mut self.commissions[index];
        let (left, party, coin) = (row.reserve_left, Owner::Party(row.party), row.coin);
        row.reserve_left = 0;
        self.post(coin, [(party, "RESERVE", -left), (party, "AVAILABLE", left)]);
    }

    fn release_due(&mut self) {
        for index in 0..self.commissions.len() {
            let order = self.commissions[index].order;
            if matches!(self.orders[order].review, Review::Approved { day } if day + RESERVE_DAYS <= self.day) {
                self.release(index);
            }
        }
    }

    fn release_now(&mut self, party: usize, coin: Coin) -> Applied {
        if self.balance(Owner::Party(party), "RESERVE", coin) == 0 {
            return Err("nothing reserved");
        }
        for index in 0..self.commissions.len() {
            let row = self.commissions[index];
            if row.party == party && row.coin == coin {
                self.release(index);
            }
        }
        Ok(())
    }

    fn adjust(&mut self, party: usize, coin: Coin, amount: i64, other: &'static str) {
        self.adjustments.push(Adjustment { party, coin, amount });
        self.post(
            coin,
            [
                (Owner::Brand, other, -amount),
                (Owner::Party(party), "AVAILABLE", amount),
            ],
        );
    }

    fn penalise(&mut self, order: usize, minor: i64) -> Applied {
        let row = &mut self.orders[order];
        if row.penalised + minor > row.amount {
            return Err("more than the order");
        }
        row.penalised += minor;
        let coin = row.coin;
        self.adjust(0, coin, -minor, "PENALTY_INCOME");
        Ok(())
    }

    fn write_off(&mut self, party: usize, coin: Coin, minor: i64) -> Applied {
        if minor > -self.balance(Owner::Party(party), "AVAILABLE", coin) {
            return Err("no such debt");
        }
        self.adjust(party, coin, minor, "BAD_DEBT");
        Ok(())
    }

    pub(super) fn check_available(&self, party: usize, coin: Coin, minor: i64) -> Applied {
        if minor > self.balance(Owner::Party(party), "AVAILABLE", coin) {
            return Err("not available");
        }
        Ok(())
    }
}
