//! Amending an order: its total changes after the sale.

use chrono::{DateTime, Utc};
use entity::{
    conversion::{self, ConversionState},
    ids::BrandId,
    order, order_amendment,
};
use rust_decimal::Decimal;
use sea_orm::{ActiveEnum, ColumnTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect};
use serde::Serialize;

use super::{
    Code, Result,
    book::Book,
    change::{apply_in_tx, check_currency, check_room, lock_order_in_tx, money_of},
    check_amount, check_external_id, check_occurred_at, check_reason,
};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    audit::{self, Change},
    conversions::rules::Standing,
    error::{Failure, Fault},
    idempotency::{self, Begun, Key, Outcome},
    money::Money,
    outbox::Topic,
};

/// An amendment as it came in.
#[derive(Clone, Debug)]
pub struct AmendOrder {
    pub brand: BrandId,
    pub order_id: String,
    /// What the order comes to from now on, before refunds and chargebacks.
    pub amount: (Decimal, String),
    pub reason: Option<String>,
    pub occurred_at: Option<DateTime<Utc>>,
    pub idempotency_key: Key,
}

#[derive(Serialize)]
struct Fingerprint<'a> {
    order_id: &'a str,
    amount_minor: i64,
    currency: &'static str,
    reason: Option<&'a str>,
    occurred_at: Option<i64>,
}

/// Changes what an order comes to. Less takes commissions back as a refund does; more, above what the order ever came to,
/// is earned on by the frozen rules, and only before approval.
pub async fn amend_order(app: &App, actor: &Actor, command: AmendOrder) -> Result<Outcome<order_amendment::Model>> {
    actor.authorise(Operation::AmendOrder, Place::brand(command.brand))?;
    check_external_id(&command.order_id, Code::OrderIdInvalid, "orderId", "an order id")?;
    let amount = check_amount(command.amount.0, &command.amount.1)?;
    let reason = command.reason.as_deref().map(check_reason).transpose()?;
    let occurred_at = check_occurred_at(app, command.occurred_at)?;
    let fingerprint = Fingerprint {
        order_id: &command.order_id,
        amount_minor: amount.amount_minor,
        currency: amount.currency.code(),
        reason: reason.as_deref(),
        occurred_at: command.occurred_at.map(|at| at.timestamp_micros()),
    };
    let tx = app.db.begin().await?;
    let book = Book::of(actor, command.brand);
    let (keys, key) = (book.keys(), &command.idempotency_key);
    let begun =
        idempotency::begin_in_tx::<order_amendment::Entity>(&tx, app, keys, "amendOrder", key, &fingerprint).await?;
    let pending = match begun {
        Begun::Fresh(pending) => pending,
        Begun::Replay(value) => {
            tx.commit().await?;
            return Ok(Outcome { value, replayed: true });
        }
    };
    let order = lock_order_in_tx(&tx, book, &command.order_id).await?;
    let standing = Standing::from(&order);
    check_amendment(&order, standing, amount)?;
    let to = standing.amended_to(amount.amount_minor);
    if to.amount_minor > standing.amount_minor {
        check_may_grow_in_tx(&tx, &order).await?;
    }
    let earlier = order_amendment::Entity::find()
        .filter(order_amendment::Column::OrderId.eq(order.id))
        .count(&tx)
        .await?;
    check_room(earlier, "amendments")?;
    let now = app.clock.now();
    let row = order_amendment::Model {
        id: app.ids.new_id(now),
        brand_id: command.brand,
        order_id: order.id,
        number: i32::try_from(earlier + 1).map_err(Fault::new)?,
        from_minor: standing.total_minor(),
        to_minor: to.total_minor(),
        currency: order.currency.clone(),
        reason,
        occurred_at,
        created_at: now,
    };
    order_amendment::Entity::insert(order_amendment::ActiveModel::from(row.clone()))
        .exec_without_returning(&tx)
        .await?;
    let change = Change {
        from: Some(money_of(&order, row.from_minor)?.to_string()),
        to: Some(amount.to_string()),
        reason: row.reason.as_deref(),
        ..Change::of_fact(row.brand_id, "order.amended", order.id)
    };
    audit::record_in_tx(&tx, app, actor, change).await?;
    let topic = Topic::ConversionAmended;
    apply_in_tx(&tx, app, actor, &order, to, topic, &row.id.to_string()).await?;
    pending.settle(&tx, row.id.0).await?;
    app.commit(tx).await?;
    Ok(Outcome {
        value: row,
        replayed: false,
    })
}

fn check_amendment(order: &order::Model, standing: Standing, amount: Money) -> Result<()> {
    check_currency(order, amount)?;
    if amount.amount_minor == standing.total_minor() {
        return Err(Failure::refused_field(
            Code::AmendmentChangesNothing,
            "amount.amount",
            format!("the order comes to {amount} already"),
        ));
    }
    if amount.amount_minor < standing.settled_minor() {
        let settled = money_of(order, standing.settled_minor())?;
        return Err(Failure::refused_field(
            Code::AmendmentBelowSettled,
            "amount.amount",
            format!("{settled} of this order was captured, refunded or charged back already"),
        ));
    }
    Ok(())
}

/// What was approved has been reviewed, reserved and perhaps paid on the amount it had: it does not grow.
async fn check_may_grow_in_tx(tx: &DatabaseTransaction, order: &order::Model) -> Result<()> {
    let decided = conversion::Entity::find()
        .filter(conversion::Column::OrderId.eq(order.id))
        // Whoever decides meanwhile is waited for.
        .lock_exclusive()
        .all(tx)
        .await?
        .into_iter()
        .find(|row| row.approved_at.is_some() || row.state == ConversionState::Rejected);
    match decided {
        None => Ok(()),
        Some(row) => Err(Failure::refused_field(
            Code::InvalidTransition,
            "amount.amount",
            format!(
                "a conversion that is {} cannot be raised as one that is {} can: report the difference as a sale",
                row.state.to_value(),
                ConversionState::Pending.to_value()
            ),
        )),
    }
}
