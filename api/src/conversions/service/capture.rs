//! Captures: an authorised order's money is taken, in one or in parts.

use chrono::{DateTime, Utc};
use entity::{capture, ids::BrandId, order, order::CaptureState};
use rust_decimal::Decimal;
use sea_orm::{ActiveEnum, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde::Serialize;

use super::{
    Code, Result,
    book::Book,
    change::{apply_in_tx, check_currency, check_room, lock_order_in_tx, money_of},
    check_amount, check_external_id, check_occurred_at,
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
    money::Money,
    outbox::Topic,
};

/// A capture as it came in.
#[derive(Clone, Debug)]
pub struct RecordCapture {
    pub brand: BrandId,
    pub order_id: String,
    /// All that is left when absent. Nothing, in a final capture, voids what is left.
    pub amount: Option<(Decimal, String)>,
    /// Nothing more will be captured. What takes all that is left is final by itself.
    pub is_final: bool,
    pub occurred_at: Option<DateTime<Utc>>,
    pub idempotency_key: Key,
}

#[derive(Serialize)]
struct Fingerprint<'a> {
    order_id: &'a str,
    amount_minor: Option<i64>,
    currency: Option<&'static str>,
    is_final: bool,
    occurred_at: Option<i64>,
}

/// Records a capture. The final one releases what was not captured: its share of every commission comes back.
pub async fn record_capture(app: &App, actor: &Actor, command: RecordCapture) -> Result<Outcome<capture::Model>> {
    actor.authorise(Operation::RecordCapture, Place::brand(command.brand))?;
    check_external_id(&command.order_id, Code::OrderIdInvalid, "orderId", "an order id")?;
    let amount = command
        .amount
        .as_ref()
        .map(|(amount, currency)| check_amount(*amount, currency))
        .transpose()?;
    let occurred_at = check_occurred_at(app, command.occurred_at)?;
    let fingerprint = Fingerprint {
        order_id: &command.order_id,
        amount_minor: amount.map(|amount| amount.amount_minor),
        currency: amount.map(|amount| amount.currency.code()),
        is_final: command.is_final,
        occurred_at: command.occurred_at.map(|at| at.timestamp_micros()),
    };
    let tx = app.db.begin().await?;
    let book = Book::of(actor, command.brand);
    let (keys, key) = (book.keys(), &command.idempotency_key);
    let begun = idempotency::begin_in_tx::<capture::Entity>(&tx, app, keys, "recordCapture", key, &fingerprint).await?;
    let pending = match begun {
        Begun::Fresh(pending) => pending,
        Begun::Replay(value) => {
            tx.commit().await?;
            return Ok(Outcome { value, replayed: true });
        }
    };
    let order = lock_order_in_tx(&tx, book, &command.order_id).await?;
    let standing = Standing::from(&order);
    let amount_minor = check_capture(&order, standing, amount, command.is_final)?;
    let to = standing.captured_by(
        amount_minor,
        command.is_final || amount_minor == standing.capturable_minor(),
    );
    let earlier = capture::Entity::find()
        .filter(capture::Column::OrderId.eq(order.id))
        .count(&tx)
        .await?;
    check_room(earlier, "captures")?;
    let now = app.clock.now();
    let row = capture::Model {
        id: app.ids.new_id(now),
        brand_id: command.brand,
        order_id: order.id,
        amount_minor,
        currency: order.currency.clone(),
        is_final: to.capture_state == CaptureState::Captured,
        occurred_at,
        created_at: now,
    };
    capture::Entity::insert(capture::ActiveModel::from(row.clone()))
        .exec_without_returning(&tx)
        .await?;
    if to.capture_state != standing.capture_state {
        let (from, to) = (&standing.capture_state, &to.capture_state);
        let change = Change::of_state(row.brand_id, "order.captured", order.id, from, to, None);
        audit::record_in_tx(&tx, app, actor, change).await?;
    }
    let topic = Topic::ConversionCaptured;
    apply_in_tx(&tx, app, actor, &order, to, topic, &row.id.to_string()).await?;
    pending.settle(&tx, row.id.0).await?;
    app.commit(tx).await?;
    Ok(Outcome {
        value: row,
        replayed: false,
    })
}

/// How much is captured, when the order allows it.
fn check_capture(order: &order::Model, standing: Standing, amount: Option<Money>, is_final: bool) -> Result<i64> {
    if standing.capture_state == CaptureState::Captured {
        let state = standing.capture_state.to_value();
        return Err(Failure::refused_field(
            Code::AlreadyCaptured,
            "orderId",
            format!("the order is {state}: nothing of it is left to be captured"),
        ));
    }
    let left = standing.capturable_minor();
    let Some(amount) = amount else { return Ok(left) };
    check_currency(order, amount)?;
    if amount.amount_minor > left {
        let left = money_of(order, left)?;
        return Err(Failure::refused_field(
            Code::CaptureExceedsOrder,
            "amount.amount",
            format!("only {left} of this order is left to be captured"),
        ));
    }
    if amount.amount_minor == 0 && !is_final {
        return Err(Failure::refused_field(
            Code::AmountZero,
            "amount.amount",
            "a capture of nothing is a final one",
        ));
    }
    Ok(amount.amount_minor)
}
