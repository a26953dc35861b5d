//! Refunds: money of an order that went back, taken back proportionally at every level of the tree.

use chrono::{DateTime, Utc};
use entity::{ids::BrandId, refund};
use rust_decimal::Decimal;
use sea_orm::EntityTrait;
use serde::Serialize;

use super::{
    Code, Result,
    book::Book,
    change::{apply_in_tx, check_returned, check_returned_amount, lock_order_in_tx, money_of},
    check_external_id, check_occurred_at, check_reason, lines,
    refund_lines::{self, CheckedRefund, RefundOfLine},
};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    conversions::rules::Standing,
    idempotency::{self, Begun, Key, Outcome},
    outbox::Topic,
};

/// A refund as it came in.
#[derive(Clone, Debug)]
pub struct RecordRefund {
    pub brand: BrandId,
    pub order_id: String,
    /// All that is left, or the sum of the lines, when absent.
    pub amount: Option<(Decimal, String)>,
    /// Of which lines it goes back; none: of the order as a whole.
    pub lines: Vec<RefundOfLine>,
    pub reason: Option<String>,
    pub occurred_at: Option<DateTime<Utc>>,
    pub idempotency_key: Key,
}

#[derive(Serialize)]
struct Fingerprint<'a> {
    order_id: &'a str,
    amount_minor: Option<i64>,
    currency: Option<&'static str>,
    /// Absent when there are none, so that keys of earlier versions stay what they were.
    #[serde(skip_serializing_if = "<[CheckedRefund]>::is_empty")]
    lines: &'a [CheckedRefund],
    reason: Option<&'a str>,
    occurred_at: Option<i64>,
}

/// Records a refund of an order, whole or in part, or of some of its lines.
pub async fn record_refund(app: &App, actor: &Actor, command: RecordRefund) -> Result<Outcome<refund::Model>> {
    actor.authorise(Operation::RecordRefund, Place::brand(command.brand))?;
    check_external_id(&command.order_id, Code::OrderIdInvalid, "orderId", "an order id")?;
    let amount = check_returned_amount(command.amount.as_ref(), "a refund is above zero")?;
    let named = refund_lines::check(&command.lines)?;
    let reason = command.reason.as_deref().map(check_reason).transpose()?;
    let occurred_at = check_occurred_at(app, command.occurred_at)?;
    let fingerprint = Fingerprint {
        order_id: &command.order_id,
        amount_minor: amount.map(|amount| amount.amount_minor),
        currency: amount.map(|amount| amount.currency.code()),
        lines: &named,
        reason: reason.as_deref(),
        occurred_at: command.occurred_at.map(|at| at.timestamp_micros()),
    };

    let tx = app.db.begin().await?;
    let book = Book::of(actor, command.brand);
    let (keys, key) = (book.keys(), &command.idempotency_key);
    let pending =
        match idempotency::begin_in_tx::<refund::Entity>(&tx, app, keys, "recordRefund", key, &fingerprint).await? {
            Begun::Fresh(pending) => pending,
            Begun::Replay(value) => {
                tx.commit().await?;
                return Ok(Outcome { value, replayed: true });
            }
        };
    let order = lock_order_in_tx(&tx, book, &command.order_id).await?;
    let rows = if named.is_empty() {
        Vec::new()
    } else {
        lines::load_in_tx(&tx, &order).await?
    };
    let parts = if named.is_empty() {
        Vec::new()
    } else {
        refund_lines::part(&order, &rows, &named, amount)?
    };
    let amount = if named.is_empty() {
        amount
    } else {
        Some(money_of(&order, refund_lines::sum(&parts))?)
    };
    let amount_minor = check_returned(&order, amount)?;
    let now = app.clock.now();
    let row = refund::Model {
        id: app.ids.new_id(now),
        brand_id: command.brand,
        order_id: order.id,
        amount_minor,
        currency: order.currency.clone(),
        reason,
        occurred_at,
        created_at: now,
    };
    refund::Entity::insert(refund::ActiveModel::from(row.clone()))
        .exec_without_returning(&tx)
        .await?;
    refund_lines::write_in_tx(&tx, app, command.brand, &row, &parts).await?;
    let standing = Standing::from(&order);
    let to = Standing {
        refunded_minor: standing.refunded_minor + amount_minor,
        ..standing
    };
    let topic = Topic::ConversionRefunded;
    apply_in_tx(&tx, app, actor, &order, to, topic, &row.id.to_string()).await?;
    pending.settle(&tx, row.id.0).await?;
    app.commit(tx).await?;
    Ok(Outcome {
        value: row,
        replayed: false,
    })
}
