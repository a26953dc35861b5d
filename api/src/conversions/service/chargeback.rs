//! Chargebacks: money that a customer's bank takes back, and gives again when the brand wins the dispute.

use chrono::{DateTime, Utc};
use entity::{
    chargeback::{self, ChargebackState},
    ids::BrandId,
};
use rust_decimal::Decimal;
use sea_orm::{
    ActiveEnum, ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect,
    sea_query::OnConflict,
};
use serde::Serialize;

use super::{
    Code, Result,
    book::Book,
    change::{apply_in_tx, check_returned, check_returned_amount, check_room, lock_order_in_tx},
    check_external_id, check_occurred_at, check_reason,
};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    audit::{self, Change},
    conversions::rules::Standing,
    error::Failure,
    idempotency::{self, Begun, Key, Outcome},
    outbox::Topic,
};

/// A chargeback as it came in.
#[derive(Clone, Debug)]
pub struct RecordChargeback {
    pub brand: BrandId,
    pub order_id: String,
    pub reference: String,
    /// All that is left when absent.
    pub amount: Option<(Decimal, String)>,
    pub reason: Option<String>,
    pub occurred_at: Option<DateTime<Utc>>,
    pub idempotency_key: Key,
}

#[derive(Serialize)]
struct Fingerprint<'a> {
    order_id: &'a str,
    reference: &'a str,
    amount_minor: Option<i64>,
    currency: Option<&'static str>,
    reason: Option<&'a str>,
    occurred_at: Option<i64>,
}

fn check_reference(reference: &str) -> Result<()> {
    check_external_id(
        reference,
        Code::ReferenceInvalid,
        "reference",
        "a chargeback's reference",
    )
}

/// Records that a payment was charged back: commissions come back as with a refund, until the dispute is decided.
pub async fn record_chargeback(
    app: &App,
    actor: &Actor,
    command: RecordChargeback,
) -> Result<Outcome<chargeback::Model>> {
    actor.authorise(Operation::RecordChargeback, Place::brand(command.brand))?;
    check_external_id(&command.order_id, Code::OrderIdInvalid, "orderId", "an order id")?;
    check_reference(&command.reference)?;
    let amount = check_returned_amount(command.amount.as_ref(), "a chargeback is above zero")?;
    let reason = command.reason.as_deref().map(check_reason).transpose()?;
    let occurred_at = check_occurred_at(app, command.occurred_at)?;
    let fingerprint = Fingerprint {
        order_id: &command.order_id,
        reference: &command.reference,
        amount_minor: amount.map(|amount| amount.amount_minor),
        currency: amount.map(|amount| amount.currency.code()),
        reason: reason.as_deref(),
        occurred_at: command.occurred_at.map(|at| at.timestamp_micros()),
    };
    let tx = app.db.begin().await?;
    let book = Book::of(actor, command.brand);
    let (keys, key) = (book.keys(), &command.idempotency_key);
    let begun =
        idempotency::begin_in_tx::<chargeback::Entity>(&tx, app, keys, "recordChargeback", key, &fingerprint).await?;
    let pending = match begun {
        Begun::Fresh(pending) => pending,
        Begun::Replay(value) => {
            tx.commit().await?;
            return Ok(Outcome { value, replayed: true });
        }
    };
    let order = lock_order_in_tx(&tx, book, &command.order_id).await?;
    let earlier = chargeback::Entity::find()
        .filter(chargeback::Column::OrderId.eq(order.id))
        .count(&tx)
        .await?;
    check_room(earlier, "chargebacks")?;
    let now = app.clock.now();
    let row = chargeback::Model {
        id: app.ids.new_id(now),
        brand_id: command.brand,
        order_id: order.id,
        reference: command.reference,
        state: ChargebackState::Open,
        amount_minor: check_returned(&order, amount)?,
        currency: order.currency.clone(),
        reason,
        occurred_at,
        created_at: now,
        resolved_at: None,
    };
    let inserted = chargeback::Entity::insert(chargeback::ActiveModel::from(row.clone()))
        .on_conflict(
            OnConflict::columns([chargeback::Column::OrderId, chargeback::Column::Reference])
                .do_nothing()
                .to_owned(),
        )
        .exec_without_returning(&tx)
        .await?;
    if inserted == 0 {
        return Err(Failure::refused_field(
            Code::ChargebackAlreadyRecorded,
            "reference",
            "the order has this chargeback already, under another idempotency key",
        ));
    }
    let standing = Standing::from(&order);
    let to = Standing {
        charged_back_minor: standing.charged_back_minor + row.amount_minor,
        ..standing
    };
    let topic = Topic::ConversionChargedBack;
    apply_in_tx(&tx, app, actor, &order, to, topic, &row.id.to_string()).await?;
    audit::record_in_tx(
        &tx,
        app,
        actor,
        Change::of_fact(row.brand_id, "chargeback.opened", row.id),
    )
    .await?;
    pending.settle(&tx, row.id.0).await?;
    app.commit(tx).await?;
    Ok(Outcome {
        value: row,
        replayed: false,
    })
}

/// How a dispute ended, for the brand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisputeOutcome {
    Won,
    Lost,
}

impl DisputeOutcome {
    fn state(self) -> ChargebackState {
        match self {
            Self::Won => ChargebackState::Won,
            Self::Lost => ChargebackState::Lost,
        }
    }
}

/// The end of a dispute as it came in.
#[derive(Clone, Debug)]
pub struct ResolveChargeback {
    pub brand: BrandId,
    pub order_id: String,
    pub reference: String,
    pub outcome: DisputeOutcome,
    pub idempotency_key: Key,
}

#[derive(Serialize)]
struct Resolution<'a> {
    order_id: &'a str,
    reference: &'a str,
    outcome: String,
}

/// Closes an open chargeback. Won, the reversal is taken back at every level; lost, it stays.
pub async fn resolve_chargeback(
    app: &App,
    actor: &Actor,
    command: ResolveChargeback,
) -> Result<Outcome<chargeback::Model>> {
    actor.authorise(Operation::ResolveChargeback, Place::brand(command.brand))?;
    check_external_id(&command.order_id, Code::OrderIdInvalid, "orderId", "an order id")?;
    check_reference(&command.reference)?;
    let to_state = command.outcome.state();
    let fingerprint = Resolution {
        order_id: &command.order_id,
        reference: &command.reference,
        outcome: to_state.to_value(),
    };
    let tx = app.db.begin().await?;
    let book = Book::of(actor, command.brand);
    let (keys, key) = (book.keys(), &command.idempotency_key);
    let begun =
        idempotency::begin_in_tx::<chargeback::Entity>(&tx, app, keys, "resolveChargeback", key, &fingerprint).await?;
    let pending = match begun {
        Begun::Fresh(pending) => pending,
        Begun::Replay(value) => {
            tx.commit().await?;
            return Ok(Outcome { value, replayed: true });
        }
    };
    let order = lock_order_in_tx(&tx, book, &command.order_id).await?;
    let mut row = chargeback::Entity::find()
        .filter(chargeback::Column::OrderId.eq(order.id))
        .filter(chargeback::Column::Reference.eq(&command.reference))
        .lock_exclusive()
        .one(&tx)
        .await?
        .ok_or_else(|| {
            Failure::refused_field(
                Code::ChargebackNotFound,
                "reference",
                "the order has no chargeback with this reference",
            )
        })?;
    if row.state != ChargebackState::Open {
        let (from, to) = (row.state.to_value(), to_state.to_value());
        return Err(Failure::refused(
            Code::InvalidTransition,
            format!("a chargeback cannot go from {from} to {to}"),
        ));
    }
    let change = Change::of_state(row.brand_id, "chargeback.resolved", row.id, &row.state, &to_state, None);
    audit::record_in_tx(&tx, app, actor, change).await?;
    row.state = to_state;
    row.resolved_at = Some(app.clock.now());
    chargeback::Entity::update(chargeback::ActiveModel {
        id: Set(row.id),
        state: Set(row.state),
        resolved_at: Set(row.resolved_at),
        ..Default::default()
    })
    .exec_without_returning(&tx)
    .await?;
    let standing = Standing::from(&order);
    let (to, topic) = match command.outcome {
        DisputeOutcome::Lost => (standing, Topic::ConversionChargebackLost),
        DisputeOutcome::Won => (
            Standing {
                charged_back_minor: standing.charged_back_minor - row.amount_minor,
                ..standing
            },
            Topic::ConversionChargebackWon,
        ),
    };
    apply_in_tx(&tx, app, actor, &order, to, topic, &format!("{}:resolved", row.id)).await?;
    pending.settle(&tx, row.id.0).await?;
    app.commit(tx).await?;
    Ok(Outcome {
        value: row,
        replayed: false,
    })
}
