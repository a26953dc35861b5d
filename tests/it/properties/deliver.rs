//! Commands as the product's services take them, and what they answer.

use std::fmt;

use entity::{
    commission_rule::ConversionEvent,
    conversion,
    ids::{ConversionId, CustomerId, OrderId, PartnershipId, PayoutBatchId, PayoutId, StoreCreditTransferId},
    order::CaptureState,
    payout::{self, PayoutRail},
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use tributary::{
    accounts::actor::Actor,
    adjustments::service::{self as adjustments, Change, Direction},
    commissions::service::release_due,
    conversions::service::{
        chargeback::{DisputeOutcome, RecordChargeback, ResolveChargeback, record_chargeback, resolve_chargeback},
        record::{RecordEvent, record_conversion},
        refund::{RecordRefund, record_refund},
        review::{approve_conversion, reject_conversion},
    },
    error::{ApiError, Failure, RefusalCode},
    idempotency::{Key, Outcome},
    infra::rails::{
        Item, RailKind, Status,
        instruction::item_key,
        webhook::{About, Event},
    },
    money::Money,
    payouts::{
        batches::service as batches, files::service::record_funding, rails::Holder, sending::take_event_in_tx,
        service as payouts,
    },
    store_credit::service as store_credit,
};

use super::{
    operations::{Coin, Command, Fee, News, Rail},
    world::World,
};

const WHY: &str = "by chance";

/// What a command made, for those that come after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    Nothing,
    Order(ConversionId, OrderId, CustomerId),
    Payout(PayoutId),
    /// With the payout of each party in it.
    Batch(PayoutBatchId, [Option<PayoutId>; 2]),
    Transfer(StoreCreditTransferId),
}

pub enum Answer {
    Done(Made),
    /// What was made before.
    Replayed(Made),
    /// For this.
    Refused(String),
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done(_) => f.write_str("done"),
            Self::Replayed(_) => f.write_str("replayed"),
            Self::Refused(why) => write!(f, "refused, {why}"),
        }
    }
}

/// An answer, or a fault, which no command may end in.
type Delivered = Result<Answer, String>;

fn no<C: RefusalCode>(failure: Failure<C>) -> Delivered {
    let said = format!("{}: {}", failure.code(), failure.public_message());
    match failure {
        Failure::Refused(_) => Ok(Answer::Refused(said)),
        Failure::Api(ApiError::Internal(fault)) => Err(fault.to_string()),
        Failure::Api(_) => Err(said),
    }
}

fn kept<T, C: RefusalCode>(outcome: Result<Outcome<T>, Failure<C>>, made: impl FnOnce(T) -> Made) -> Delivered {
    match outcome {
        Ok(Outcome { value, replayed: true }) => Ok(Answer::Replayed(made(value))),
        Ok(Outcome { value, .. }) => Ok(Answer::Done(made(value))),
        Err(failure) => no(failure),
    }
}

fn done<T, C: RefusalCode>(result: Result<T, Failure<C>>) -> Delivered {
    result.map_or_else(no, |_| Ok(Answer::Done(Made::Nothing)))
}

fn nothing<T>(_: T) -> Made {
    Made::Nothing
}

fn sold(row: conversion::Model) -> Made {
    match (row.order_id, row.customer_id) {
        (Some(order), Some(customer)) => Made::Order(row.id, order, customer),
        _ => Made::Nothing,
    }
}

fn rail_of(rail: Rail) -> PayoutRail {
    match rail {
        Rail::Person => PayoutRail::Manual,
        Rail::Provider => PayoutRail::Paypal,
    }
}

fn money(fee: Fee) -> Money {
    Money::new(fee.minor, fee.coin.code().parse().unwrap())
}

fn status_of(news: News) -> (&'static str, Status) {
    let (code, reason) = ("RECEIVER_UNREGISTERED".to_owned(), WHY.to_owned());
    match news {
        News::Waiting => ("PENDING", Status::Waiting),
        News::Paid { fee } => {
            let fee = fee.map(money);
            ("SUCCESS", Status::Paid { fee, reference: None })
        }
        News::Failed => ("FAILED", Status::Failed { code, reason }),
        News::Returned { kept } => {
            let fee = kept.map(money);
            ("RETURNED", Status::Returned { code, reason, fee })
        }
    }
}

impl World {
    /// Delivers a command; `number` names it in its sequence, and is its key.
    pub async fn deliver(&self, command: &Command, number: usize) -> Delivered {
        let (app, actor) = (&self.app.app, Actor::system());
        let key = Key::parse(&format!("{}-{number}", self.number)).unwrap();
        match *command {
            Command::Sell { .. } | Command::Refund { .. } | Command::ChargeBack { .. } | Command::Resolve { .. } => {
                self.track(command, number, key).await
            }
            Command::Approve { order } => kept(
                approve_conversion(app, &actor, self.orders[order].0, &key).await,
                nothing,
            ),
            Command::Reject { order } => kept(
                reject_conversion(app, &actor, self.orders[order].0, WHY, &key).await,
                nothing,
            ),
            Command::Wait { .. } => Ok(Answer::Done(Made::Nothing)),
            Command::ReleaseDue => match release_due(app).await {
                Ok(_) => Ok(Answer::Done(Made::Nothing)),
                Err(fault) => Err(fault.to_string()),
            },
            Command::ReleaseNow { .. }
            | Command::Adjust { .. }
            | Command::Penalise { .. }
            | Command::WriteOff { .. } => self.change_balance(command, key).await,
            Command::Draft { .. }
            | Command::DraftBoth { .. }
            | Command::ApprovePayout { .. }
            | Command::ApproveBatch { .. }
            | Command::SubmitBatch { .. }
            | Command::CancelBatch { .. }
            | Command::Cancel { .. }
            | Command::MarkPaid { .. }
            | Command::MarkUnpaid { .. } => self.pay(command, key).await,
            Command::Hear { payout, news } => self.hear(self.payouts[payout], news).await,
            Command::Request { party, coin, minor } => {
                let command = store_credit::RequestTransfer {
                    partnership: self.parties[party],
                    customer_external_id: self.customer_id(),
                    amount: Self::amount(coin, minor),
                    note: None,
                    idempotency_key: key,
                };
                let made = store_credit::request_transfer(app, &actor, command).await;
                kept(made, |row| Made::Transfer(row.id))
            }
            Command::Give { transfer } => {
                let id = self.transfers[transfer];
                kept(store_credit::approve_transfer(app, &actor, id, &key).await, nothing)
            }
            Command::Refuse { transfer } => {
                let id = self.transfers[transfer];
                done(store_credit::refuse_transfer(app, &actor, id, WHY).await)
            }
            Command::Redeem { coin, minor } => {
                let command = store_credit::Redeem {
                    brand: self.stage.brand,
                    customer_external_id: self.customer_id(),
                    amount: Self::amount(coin, minor),
                    order_external_id: None,
                    idempotency_key: key,
                };
                kept(store_credit::redeem(app, &actor, command).await, nothing)
            }
            Command::Fund { rail, coin, minor } => {
                let (brand, amount) = (self.stage.brand, Self::amount(coin, minor));
                let funded = record_funding(app, &actor, brand, rail_of(rail), amount, WHY, &key).await;
                kept(funded, nothing)
            }
        }
    }

    /// What the brand's shop tells.
    async fn track(&self, command: &Command, number: usize, key: Key) -> Delivered {
        let (app, actor, brand) = (&self.app.app, Actor::system(), self.stage.brand);
        match *command {
            Command::Refund { order, minor } => {
                let (order_id, amount) = self.of_order(order, minor);
                let command = RecordRefund {
                    brand,
                    order_id,
                    amount,
                    lines: Vec::new(),
                    reason: None,
                    occurred_at: None,
                    idempotency_key: key,
                };
                kept(record_refund(app, &actor, command).await, nothing)
            }
            Command::ChargeBack {
                order,
                reference,
                minor,
            } => {
                let (order_id, amount) = self.of_order(order, minor);
                let command = RecordChargeback {
                    brand,
                    order_id,
                    reference: format!("dispute-{reference}"),
                    amount,
                    reason: None,
                    occurred_at: None,
                    idempotency_key: key,
                };
                kept(record_chargeback(app, &actor, command).await, nothing)
            }
            Command::Resolve { order, reference, won } => {
                let command = ResolveChargeback {
                    brand,
                    order_id: self.of_order(order, None).0,
                    reference: format!("dispute-{reference}"),
                    outcome: if won { DisputeOutcome::Won } else { DisputeOutcome::Lost },
                    idempotency_key: key,
                };
                kept(resolve_chargeback(app, &actor, command).await, nothing)
            }
            Command::Sell { coin, minor } => {
                let command = RecordEvent {
                    brand,
                    event: ConversionEvent::Sale,
                    program: Some(self.program),
                    customer_id: Some(self.customer_id()),
                    order_id: Some(self.order_id(number)),
                    amount: Some(Self::amount(coin, minor)),
                    lines: Vec::new(),
                    capture: CaptureState::Captured,
                    promo_codes: vec![Self::code(self.number)],
                    click_id: None,
                    occurred_at: None,
                    idempotency_key: key,
                };
                kept(record_conversion(app, &actor, command).await, sold)
            }
            _ => Err(format!("{command:?} is nothing that a shop tells")),
        }
    }

    async fn change_balance(&self, command: &Command, key: Key) -> Delivered {
        let (app, actor) = (&self.app.app, Actor::system());
        let change = |coin, minor| Change {
            amount: Self::amount(coin, minor),
            reason: WHY.to_owned(),
            key: key.clone(),
        };
        match *command {
            Command::ReleaseNow { party, coin } => {
                let id = self.parties[party];
                kept(
                    adjustments::release_reserve(app, &actor, id, coin.code(), WHY, &key).await,
                    nothing,
                )
            }
            Command::Adjust { party, coin, minor } => {
                let direction = if minor > 0 { Direction::Credit } else { Direction::Debit };
                let (id, change) = (self.parties[party], change(coin, minor.abs()));
                kept(
                    adjustments::adjust_balance(app, &actor, id, direction, change).await,
                    nothing,
                )
            }
            Command::Penalise { order, minor } => {
                let (id, change) = (self.orders[order].1, change(self.coins[order], minor));
                kept(adjustments::charge_penalty(app, &actor, id, change).await, nothing)
            }
            Command::WriteOff { party, coin, minor } => {
                let (id, change) = (self.parties[party], change(coin, minor));
                kept(adjustments::write_off_balance(app, &actor, id, change).await, nothing)
            }
            _ => Err(format!("{command:?} changes no balance")),
        }
    }

    async fn pay(&self, command: &Command, key: Key) -> Delivered {
        let (app, actor) = (&self.app.app, Actor::system());
        match *command {
            Command::Draft {
                party,
                coin,
                rail: Rail::Person,
            } => {
                let command = payouts::CreatePayout {
                    partnership: self.parties[party],
                    currency: coin.code().to_owned(),
                    idempotency_key: key,
                };
                kept(payouts::create_payout(app, &actor, command).await, |row| {
                    Made::Payout(row.id)
                })
            }
            Command::Draft { party, coin, .. } => self.draft_batch(vec![self.parties[party]], coin, key).await,
            Command::DraftBoth { coin } => self.draft_batch(self.parties.to_vec(), coin, key).await,
            Command::ApprovePayout { payout } => done(payouts::approve_payout(app, &actor, self.payouts[payout]).await),
            Command::ApproveBatch { batch } => done(batches::approve_batch(app, &actor, self.batches[batch]).await),
            Command::SubmitBatch { batch } => kept(
                batches::submit_batch(app, &actor, self.batches[batch], &key).await,
                nothing,
            ),
            Command::CancelBatch { batch } => kept(
                batches::cancel_batch(app, &actor, self.batches[batch], WHY, &key).await,
                nothing,
            ),
            Command::Cancel { payout } => {
                let id = self.payouts[payout];
                kept(payouts::cancel_payout(app, &actor, id, WHY, &key).await, nothing)
            }
            Command::MarkPaid { payout } => {
                let id = self.payouts[payout];
                kept(payouts::mark_payout_paid(app, &actor, id, WHY, &key).await, nothing)
            }
            Command::MarkUnpaid { payout } => {
                let id = self.payouts[payout];
                kept(payouts::mark_payout_unpaid(app, &actor, id, WHY, &key).await, nothing)
            }
            _ => Err(format!("{command:?} is nothing that becomes of a payout")),
        }
    }

    async fn draft_batch(&self, include: Vec<PartnershipId>, coin: Coin, key: Key) -> Delivered {
        let (app, actor) = (&self.app.app, Actor::system());
        let command = batches::CreateBatch {
            brand: self.stage.brand,
            currency: coin.code().to_owned(),
            cutoff: None,
            include,
            exclude: Vec::new(),
            key,
        };
        let outcome = match batches::create_batch(app, &actor, command).await {
            Ok(outcome) => outcome,
            Err(failure) => return no(failure),
        };
        let batch = outcome.value.id;
        let rows = payout::Entity::find()
            .filter(payout::Column::BatchId.eq(batch))
            .all(self.app.db())
            .await
            .map_err(|error| error.to_string())?;
        let of = |party| rows.iter().find(|row| row.partnership_id == party).map(|row| row.id);
        let payouts = self.parties.map(of);
        if payouts.iter().flatten().count() != rows.len() {
            return Err(format!("{} payouts in a batch for {payouts:?}", rows.len()));
        }
        let made = Made::Batch(batch, payouts);
        Ok(if outcome.replayed {
            Answer::Replayed(made)
        } else {
            Answer::Done(made)
        })
    }

    async fn hear(&self, payout: PayoutId, news: News) -> Delivered {
        let (state, status) = status_of(news);
        let event = Event {
            id: String::new(),
            kind: state.to_owned(),
            about: About::Item(Item {
                key: Some(item_key(payout.0, 1)),
                provider_id: format!("item-{payout}"),
                state: state.to_owned(),
                status,
            }),
        };
        let app = &self.app.app;
        let taken = async {
            let tx = app.db.begin().await?;
            take_event_in_tx(&tx, app, Holder::INSTALLATION, RailKind::Paypal, &event).await?;
            app.commit(tx).await?;
            Ok::<(), tributary::error::Fault>(())
        };
        match taken.await {
            Ok(()) => Ok(Answer::Done(Made::Nothing)),
            Err(fault) => Err(fault.to_string()),
        }
    }
}
