//! Refunds: money of an order that went back, taken back proportionally at every level of the tree.

use chrono::{DateTime, Utc};
use entity::{
    conversion::{self, ConversionState},
    ids::{BrandId, RefundId},
    order, refund,
};
use rust_decimal::Decimal;
use sea_orm::{ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect};
use serde::Serialize;

use super::{Code, Result, check_amount, check_external_id, check_occurred_at, check_reason, record::announce_in_tx};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    audit::{self, Change},
    commissions::service as commissions,
    error::{Failure, Fault},
    idempotency::{self, Claim, Key, Outcome},
    money::Money,
    outbox::Topic,
};

/// A refund as it came in.
#[derive(Clone, Debug)]
pub struct RecordRefund {
    pub brand: BrandId,
    pub order_id: String,
    /// All that is left when absent.
    pub amount: Option<(Decimal, String)>,
    pub reason: Option<String>,
    pub occurred_at: Option<DateTime<Utc>>,
    pub idempotency_key: Key,
}

#[derive(Serialize)]
struct Fingerprint<'a> {
    order_id: &'a str,
    amount_minor: Option<i64>,
    currency: Option<&'static str>,
    reason: Option<&'a str>,
    occurred_at: Option<i64>,
}

/// Records a refund of an order, whole or in part.
pub async fn record_refund(app: &App, actor: &Actor, command: RecordRefund) -> Result<Outcome<refund::Model>> {
    actor.authorise(Operation::RecordRefund, Place::brand(command.brand))?;
    check_external_id(&command.order_id, Code::OrderIdInvalid, "orderId", "an order id")?;
    let amount = command
        .amount
        .as_ref()
        .map(|(amount, currency)| check_amount(*amount, currency))
        .transpose()?;
    if amount.is_some_and(|amount| amount.amount_minor == 0) {
        return Err(Failure::refused_field(
            Code::AmountZero,
            "amount.amount",
            "a refund is above zero",
        ));
    }
    let reason = command.reason.as_deref().map(check_reason).transpose()?;
    let occurred_at = check_occurred_at(app, command.occurred_at)?;
    let fingerprint = Fingerprint {
        order_id: &command.order_id,
        amount_minor: amount.map(|amount| amount.amount_minor),
        currency: amount.map(|amount| amount.currency.code()),
        reason: reason.as_deref(),
        occurred_at: command.occurred_at.map(|at| at.timestamp_micros()),
    };

    let tx = app.db.begin().await?;
    let claim = idempotency::claim_in_tx(
        &tx,
        app,
        command.brand.0,
        "recordRefund",
        &command.idempotency_key,
        &fingerprint,
    )
    .await?;
    let pending = match claim {
        Claim::Replay(id) => {
            let value = refund::Entity::find_by_id(RefundId(id))
                .one(&tx)
                .await?
                .ok_or_else(|| Fault::new("a replayed refund is gone"))?;
            tx.commit().await?;
            return Ok(Outcome { value, replayed: true });
        }
        Claim::Fresh(pending) => pending,
    };
    let order = order::Entity::find()
        .filter(order::Column::BrandId.eq(command.brand))
        .filter(order::Column::ExternalId.eq(&command.order_id))
        .lock_exclusive()
        .one(&tx)
        .await?
        .ok_or_else(|| {
            Failure::refused_field(Code::OrderNotFound, "orderId", "the brand has recorded no such order")
        })?;
    let amount_minor = check_against(&order, amount)?;
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
    apply_in_tx(&tx, app, actor, &order, order.refunded_minor + amount_minor, row.id).await?;
    pending.settle(&tx, row.id.0).await?;
    app.commit(tx).await?;
    Ok(Outcome {
        value: row,
        replayed: false,
    })
}

/// How much comes back, when the order allows it.
fn check_against(order: &order::Model, amount: Option<Money>) -> Result<i64> {
    let left = order.amount_minor - order.refunded_minor;
    let amount_minor = match amount {
        Some(amount) if amount.currency.code() != order.currency => {
            return Err(Failure::refused_field(
                Code::CurrencyMismatch,
                "amount.currency",
                format!("the sale was in {}", order.currency),
            ));
        }
        Some(amount) => amount.amount_minor,
        None => left,
    };
    if amount_minor == 0 || amount_minor > left {
        let left = Money::new(left, order.currency.parse().map_err(Fault::new)?);
        return Err(Failure::refused_field(
            Code::RefundExceedsSale,
            "amount.amount",
            format!("only {left} is left of this sale"),
        ));
    }
    Ok(amount_minor)
}

/// Carries the order's new total of refunds to its conversions and their commissions.
async fn apply_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    order: &order::Model,
    refunded_minor: i64,
    refund: RefundId,
) -> Result<()> {
    order::Entity::update(order::ActiveModel {
        id: Set(order.id),
        refunded_minor: Set(refunded_minor),
        ..Default::default()
    })
    .exec_without_returning(tx)
    .await?;
    let conversions = conversion::Entity::find()
        .filter(conversion::Column::OrderId.eq(order.id))
        .lock_exclusive()
        .all(tx)
        .await?;
    for mut row in conversions {
        row.refunded_minor = refunded_minor;
        if refunded_minor == order.amount_minor && row.state != ConversionState::Rejected {
            let to = ConversionState::Refunded;
            let change = Change::of_state(row.brand_id, "conversion.refunded", row.id, &row.state, &to, None);
            audit::record_in_tx(tx, app, actor, change).await?;
            row.state = to;
        }
        conversion::Entity::update(conversion::ActiveModel {
            id: Set(row.id),
            refunded_minor: Set(row.refunded_minor),
            state: Set(row.state),
            ..Default::default()
        })
        .exec_without_returning(tx)
        .await?;
        commissions::reverse_in_tx(tx, app, row.id, refunded_minor, &refund.to_string()).await?;
        announce_in_tx(tx, app, Topic::ConversionRefunded, &row).await?;
    }
    Ok(())
}
