//! What may happen: operations as they are drawn, which name what they act on by its place among what there is, and the commands
//! that they come to.

use super::{
    model::{Dispute, MINIMUM, Model, Order, Owner},
    payouts::{BatchIs, PayoutIs},
    store_credit::TransferIs,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Coin {
    /// The brand's own.
    Eur,
    Usd,
    /// No program accepts it.
    Gbp,
}

impl Coin {
    pub fn code(self) -> &'static str {
        match self {
            Self::Eur => "EUR",
            Self::Usd => "USD",
            Self::Gbp => "GBP",
        }
    }
}

/// Who brings a payout's money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rail {
    Person,
    Provider,
}

impl Rail {
    pub fn cash(self) -> &'static str {
        match self {
            Self::Person => "CASH_BANK",
            Self::Provider => "CASH_PAYPAL",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fee {
    pub coin: Coin,
    pub minor: i64,
}

/// What a provider tells of a payout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    Waiting,
    Paid {
        fee: Option<Fee>,
    },
    Failed,
    /// With what it keeps of its fee, where it tells.
    Returned {
        kept: Option<Fee>,
    },
}

/// Something to be done, with everything it needs. Numbers are places in the model's lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    Sell {
        coin: Coin,
        minor: i64,
    },
    Approve {
        order: usize,
    },
    Reject {
        order: usize,
    },
    Refund {
        order: usize,
        minor: Option<i64>,
    },
    ChargeBack {
        order: usize,
        reference: u8,
        minor: Option<i64>,
    },
    Resolve {
        order: usize,
        reference: u8,
        won: bool,
    },
    Wait {
        days: i64,
    },
    ReleaseDue,
    ReleaseNow {
        party: usize,
        coin: Coin,
    },
    Adjust {
        party: usize,
        coin: Coin,
        minor: i64,
    },
    Penalise {
        order: usize,
        minor: i64,
    },
    WriteOff {
        party: usize,
        coin: Coin,
        minor: i64,
    },
    Draft {
        party: usize,
        coin: Coin,
        rail: Rail,
    },
    /// A batch of everybody who is due.
    DraftBoth {
        coin: Coin,
    },
    ApprovePayout {
        payout: usize,
    },
    ApproveBatch {
        batch: usize,
    },
    SubmitBatch {
        batch: usize,
    },
    CancelBatch {
        batch: usize,
    },
    Cancel {
        payout: usize,
    },
    MarkPaid {
        payout: usize,
    },
    MarkUnpaid {
        payout: usize,
    },
    Hear {
        payout: usize,
        news: News,
    },
    Request {
        party: usize,
        coin: Coin,
        minor: i64,
    },
    Give {
        transfer: usize,
    },
    Refuse {
        transfer: usize,
    },
    Redeem {
        coin: Coin,
        minor: i64,
    },
    Fund {
        rail: Rail,
        coin: Coin,
        minor: i64,
    },
}

impl Command {
    /// Whether it comes with an idempotency key: others are told apart by the state of what they act on.
    pub fn is_keyed(&self) -> bool {
        !matches!(
            self,
            Self::Wait { .. }
                | Self::ReleaseDue
                | Self::ApprovePayout { .. }
                | Self::ApproveBatch { .. }
                | Self::Hear { .. }
                | Self::Refuse { .. }
        )
    }
}

/// How much of what there is: all of it, a part, or more.
#[derive(Clone, Copy, Debug)]
pub enum Part {
    All,
    PerMille(i64),
    TooMuch,
}

impl Part {
    fn of(self, whole: i64) -> i64 {
        match self {
            Self::All => whole.max(1),
            Self::PerMille(part) => (whole * part / 1_000).max(1),
            Self::TooMuch => whole.max(0) + 1,
        }
    }
}

/// Which of those that there are; of those for which it makes sense, unless it strays.
#[derive(Clone, Copy, Debug)]
pub struct Pick {
    pub place: u8,
    pub strays: bool,
}

impl Pick {
    pub const FIRST: Self = Self {
        place: 0,
        strays: false,
    };

    fn of<T>(self, all: &[T], makes_sense: impl Fn(&T) -> bool) -> Option<usize> {
        let sensible = |index: &usize| self.strays || makes_sense(&all[*index]);
        let found: Vec<usize> = (0..all.len()).filter(sensible).collect();
        let place = usize::from(self.place) % found.len().max(1);
        found.get(place).copied()
    }
}

/// Whose balance, in what; another one where that makes no sense, unless it strays.
#[derive(Clone, Copy, Debug)]
pub struct Spot {
    pub party: usize,
    pub coin: Coin,
    pub strays: bool,
}

impl Spot {
    fn of(self, model: &Model, kind: &'static str, makes_sense: impl Fn(Coin, i64) -> bool) -> Option<(usize, Coin)> {
        let sensible = |(party, coin): &(usize, Coin)| {
            self.strays || makes_sense(*coin, model.balance(Owner::Party(*party), kind, *coin))
        };
        let spots = [0, 1]
            .into_iter()
            .flat_map(|party| [(party, Coin::Eur), (party, Coin::Usd)]);
        [(self.party, self.coin)].into_iter().chain(spots).find(sensible)
    }
}

#[derive(Clone, Copy, Debug)]
pub enum Op {
    Sell {
        coin: Coin,
        minor: i64,
    },
    Approve(Pick),
    Reject(Pick),
    Refund(Pick, Part),
    ChargeBack(Pick, u8, Part),
    Resolve(Pick, u8, bool),
    Wait(i64),
    ReleaseDue,
    ReleaseNow(Spot),
    Adjust(Spot, i64),
    Penalise(Pick, Part),
    WriteOff(Spot, Part),
    Draft(Spot, Rail),
    DraftBoth(Spot),
    ApprovePayout(Pick),
    ApproveBatch(Pick),
    SubmitBatch(Pick),
    CancelBatch(Pick),
    Cancel(Pick),
    MarkPaid(Pick),
    MarkUnpaid(Pick),
    Hear(Pick, News),
    /// Whatever comes next for a payout.
    Proceed(Pick, News),
    Request(Spot, Part),
    Give(Pick),
    Refuse(Pick),
    Redeem(Spot, Part),
    Fund(Rail, Coin, i64),
    /// Something that was delivered before comes once more.
    Again(u8),
}

impl Op {
    /// The command it comes to now. Where it makes no sense, what would have to come before it does, so that no step is lost.
    pub fn resolve(self, model: &Model) -> Command {
        let mut op = self;
        loop {
            let resolved = op
                .resolve_sale(model)
                .or_else(|| op.resolve_balance(model))
                .or_else(|| op.resolve_payout(model));
            match (resolved, op.before()) {
                (Some(command), _) => return command,
                (None, Some(before)) => op = before,
                (None, None) => return Self::earn(model),
            }
        }
    }

    /// What brings about that an operation makes sense, where that is not only something earned.
    fn before(self) -> Option<Self> {
        let spot = Spot {
            party: 0,
            coin: Coin::Eur,
            strays: false,
        };
        Some(match self {
            Self::Redeem(..) => Self::Give(Pick::FIRST),
            Self::Give(_) | Self::Refuse(_) => Self::Request(spot, Part::PerMille(500)),
            Self::Resolve(..) => Self::ChargeBack(Pick::FIRST, 0, Part::PerMille(500)),
            Self::WriteOff(..) => Self::Adjust(spot, -2_500),
            Self::Hear(_, news) => Self::Proceed(Pick::FIRST, news),
            Self::ApprovePayout(_)
            | Self::SubmitBatch(_)
            | Self::Cancel(_)
            | Self::MarkPaid(_)
            | Self::MarkUnpaid(_) => Self::Proceed(Pick::FIRST, News::Paid { fee: None }),
            Self::ApproveBatch(_) | Self::CancelBatch(_) => Self::DraftBoth(spot),
            Self::Proceed(..) => Self::Draft(spot, Rail::Provider),
            _ => return None,
        })
    }

    fn earn(model: &Model) -> Command {
        match Pick::FIRST.of(&model.orders, Order::is_undecided) {
            Some(order) => Command::Approve { order },
            None => Command::Sell {
                coin: Coin::Eur,
                minor: 12_345,
            },
        }
    }

    fn resolve_sale(self, model: &Model) -> Option<Command> {
        let orders = &model.orders;
        let returned = |pick: Pick, part: Part| {
            let order = pick.of(orders, |row| row.left() > 0)?;
            let minor = (!matches!(part, Part::All)).then(|| part.of(orders[order].left()));
            Some((order, minor))
        };
        Some(match self {
            Self::Sell { coin, minor } => Command::Sell { coin, minor },
            Self::Approve(pick) => Command::Approve {
                order: pick.of(orders, Order::is_undecided)?,
            },
            Self::Reject(pick) => Command::Reject {
                order: pick.of(orders, Order::is_undecided)?,
            },
            Self::Refund(pick, part) => {
                let (order, minor) = returned(pick, part)?;
                Command::Refund { order, minor }
            }
            Self::ChargeBack(pick, reference, part) => {
                let (order, minor) = returned(pick, part)?;
                Command::ChargeBack {
                    order,
                    reference,
                    minor,
                }
            }
            Self::Resolve(pick, reference, won) => {
                let is_open = |dispute: &(i64, Dispute)| dispute.1 == Dispute::Open;
                let order = pick.of(orders, |row| row.disputes.values().any(is_open))?;
                let open = orders[order].disputes.iter().find(|(_, dispute)| is_open(dispute));
                let reference = match open {
                    Some((open, _)) if !pick.strays => *open,
                    _ => reference,
                };
                Command::Resolve { order, reference, won }
            }
            Self::Penalise(pick, part) => {
                let order = pick.of(orders, |row| row.penalised < row.amount)?;
                let minor = part.of(orders[order].amount - orders[order].penalised);
                Command::Penalise { order, minor }
            }
            _ => return None,
        })
    }

    fn resolve_balance(self, model: &Model) -> Option<Command> {
        let available = |party, coin| model.balance(Owner::Party(party), "AVAILABLE", coin);
        let is_due = |coin, available| available >= if coin == Coin::Eur { MINIMUM } else { 1 };
        let transfer = |pick: Pick| pick.of(&model.transfers, |row| row.state == TransferIs::Requested);
        Some(match self {
            Self::Wait(days) => Command::Wait { days },
            Self::ReleaseDue => Command::ReleaseDue,
            Self::ReleaseNow(spot) => {
                let (party, coin) = spot.of(model, "RESERVE", |_, reserve| reserve > 0)?;
                Command::ReleaseNow { party, coin }
            }
            Self::Adjust(Spot { party, coin, .. }, minor) => Command::Adjust { party, coin, minor },
            Self::WriteOff(spot, part) => {
                let (party, coin) = spot.of(model, "AVAILABLE", |_, available| available < 0)?;
                let minor = part.of(-available(party, coin));
                Command::WriteOff { party, coin, minor }
            }
            Self::Draft(spot, rail) => {
                let (party, coin) = spot.of(model, "AVAILABLE", is_due)?;
                Command::Draft { party, coin, rail }
            }
            Self::DraftBoth(spot) => Command::DraftBoth {
                coin: spot.of(model, "AVAILABLE", is_due)?.1,
            },
            Self::Request(spot, part) => {
                let (party, coin) = spot.of(model, "AVAILABLE", |_, available| available > 0)?;
                let minor = part.of(available(party, coin));
                Command::Request { party, coin, minor }
            }
            Self::Give(pick) => Command::Give {
                transfer: transfer(pick)?,
            },
            Self::Refuse(pick) => Command::Refuse {
                transfer: transfer(pick)?,
            },
            Self::Redeem(spot, part) => {
                let there = |coin| model.balance(Owner::Customer, "STORE_CREDIT", coin);
                let sensible = |coin: &Coin| spot.strays || there(*coin) > 0;
                let coin = [spot.coin, Coin::Eur, Coin::Usd].into_iter().find(sensible)?;
                let minor = part.of(there(coin));
                Command::Redeem { coin, minor }
            }
            Self::Fund(rail, coin, minor) => Command::Fund { rail, coin, minor },
            _ => return None,
        })
    }

    fn resolve_payout(self, model: &Model) -> Option<Command> {
        let which = |pick: Pick, states: &[PayoutIs], rail: Option<Rail>| {
            pick.of(&model.payouts, |row| {
                states.contains(&row.state) && rail.is_none_or(|rail| rail == row.rail)
            })
        };
        Some(match self {
            Self::ApprovePayout(pick) => Command::ApprovePayout {
                payout: which(pick, &[PayoutIs::Draft], Some(Rail::Person))?,
            },
            Self::ApproveBatch(pick) => Command::ApproveBatch {
                batch: pick.of(&model.batches, |batch| *batch == BatchIs::Draft)?,
            },
            Self::SubmitBatch(pick) => Command::SubmitBatch {
                batch: pick.of(&model.batches, |batch| *batch == BatchIs::Approved)?,
            },
            Self::CancelBatch(pick) => Command::CancelBatch {
                batch: pick.of(&model.batches, |batch| *batch != BatchIs::Cancelled)?,
            },
            Self::Cancel(pick) => Command::Cancel {
                payout: which(pick, &[PayoutIs::Draft, PayoutIs::Approved], None)?,
            },
            Self::MarkPaid(pick) => Command::MarkPaid {
                payout: which(pick, &[PayoutIs::Approved], Some(Rail::Person))?,
            },
            Self::MarkUnpaid(pick) => Command::MarkUnpaid {
                payout: which(pick, &[PayoutIs::Paid], Some(Rail::Person))?,
            },
            Self::Hear(pick, news) => {
                let states = [PayoutIs::Submitted, PayoutIs::Paid];
                let payout = which(pick, &states, Some(Rail::Provider))?;
                Command::Hear { payout, news }
            }
            Self::Proceed(pick, news) => {
                use PayoutIs::{Approved, Draft, Paid, Submitted};
                let payout = which(pick, &[Draft, Approved, Submitted, Paid], None)?;
                match (model.payouts[payout].batch, model.payouts[payout].state) {
                    (None, Draft) => Command::ApprovePayout { payout },
                    (None, Approved) => Command::MarkPaid { payout },
                    (None, _) => Command::MarkUnpaid { payout },
                    (Some(batch), Draft) => Command::ApproveBatch { batch },
                    (Some(batch), Approved) => Command::SubmitBatch { batch },
                    (Some(_), _) => Command::Hear { payout, news },
                }
            }
            _ => return None,
        })
    }
}
