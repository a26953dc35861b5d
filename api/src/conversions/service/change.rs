//! What refunds, chargebacks, captures and amendments share: one order, locked, whose new standing is carried to its
//! conversions and to the commissions of every level.

use entity::{
    conversion::{self, ConversionState},
    order,
};
use rust_decimal::Decimal;
use sea_orm::{ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect};

use super::{Code, Result, book::Book, check_amount, lines, record::announce_in_tx};
use crate::{
    accounts::actor::Actor,
    app::App,
    audit::{self, Change},
    commissions::service::{self as commissions, Measure, Measures},
    conversions::rules::Standing,
    error::{Failure, Fault},
    money::Money,
    outbox::Topic,
};

impl From<&order::Model> for Standing {
    fn from(row: &order::Model) -> Self {
        Self {
            amount_minor: row.amount_minor,
            released_minor: row.released_minor,
            refunded_minor: row.refunded_minor,
            charged_back_minor: row.charged_back_minor,
            capture_state: row.capture_state,
            captured_minor: row.captured_minor,
        }
    }
}

/// The most amendments, the most captures and the most chargebacks of an order.
const MAX_CHANGES: u64 = 100;

/// Whether an order that has had `earlier` changes of a kind takes another.
pub fn check_room(earlier: u64, what: &str) -> Result<()> {
    if earlier < MAX_CHANGES {
        return Ok(());
    }
    Err(Failure::refused_field(
        Code::TooManyChanges,
        "orderId",
        format!("an order takes at most {MAX_CHANGES} {what}"),
    ))
}

/// The order of a book, locked until the transaction ends.
pub async fn lock_order_in_tx(tx: &DatabaseTransaction, book: Book, external_id: &str) -> Result<order::Model> {
    order::Entity::find()
        .filter(order::Column::BrandId.eq(book.brand))
        .filter(order::Column::Mode.eq(book.mode))
        .filter(order::Column::ExternalId.eq(external_id))
        .lock_exclusive()
        .one(tx)
        .await?
        .ok_or_else(|| Failure::refused_field(Code::OrderNotFound, "orderId", "the brand has recorded no such order"))
}

/// An amount of an order as the order's own currency has it.
pub fn money_of(order: &order::Model, amount_minor: i64) -> std::result::Result<Money, Fault> {
    Ok(Money::new(amount_minor, order.currency.parse().map_err(Fault::new)?))
}

/// An amount that names another currency than its order is the sender's mistake.
pub fn check_currency(order: &order::Model, amount: Money) -> Result<()> {
    if amount.currency.code() == order.currency {
        return Ok(());
    }
    Err(Failure::refused_field(
        Code::CurrencyMismatch,
        "amount.currency",
        format!("the sale was in {}", order.currency),
    ))
}

/// An amount that goes back, as it came in; `why` refuses nothing.
pub fn check_returned_amount(amount: Option<&(Decimal, String)>, why: &str) -> Result<Option<Money>> {
    let amount = amount
        .map(|(amount, currency)| check_amount(*amount, currency))
        .transpose()?;
    if amount.is_some_and(|amount| amount.amount_minor == 0) {
        return Err(Failure::refused_field(Code::AmountZero, "amount.amount", why));
    }
    Ok(amount)
}

/// How much goes back, when the order allows it: all that is left when no amount is named.
pub fn check_returned(order: &order::Model, amount: Option<Money>) -> Result<i64> {
    let left = Standing::from(order).returnable_minor();
    let amount_minor = match amount {
        Some(amount) => {
            check_currency(order, amount)?;
            amount.amount_minor
        }
        None => left,
    };
    if amount_minor == 0 || amount_minor > left {
        let left = money_of(order, left)?;
        return Err(Failure::refused_field(
            Code::RefundExceedsSale,
            "amount.amount",
            format!("only {left} is left of this sale"),
        ));
    }
    Ok(amount_minor)
}

/// Writes the order's new standing and carries it to its lines, its conversions and their commissions. `cause` names what changed
/// it, once.
pub async fn apply_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    order: &order::Model,
    to: Standing,
    topic: Topic,
    cause: &str,
) -> Result<()> {
    order::Entity::update(order::ActiveModel {
        id: Set(order.id),
        amount_minor: Set(to.amount_minor),
        refunded_minor: Set(to.refunded_minor),
        charged_back_minor: Set(to.charged_back_minor),
        released_minor: Set(to.released_minor),
        capture_state: Set(to.capture_state),
        captured_minor: Set(to.captured_minor),
        ..Default::default()
    })
    .exec_without_returning(tx)
    .await?;
    let lines = lines::load_in_tx(tx, order).await?;
    let measures = Measures {
        whole: Measure {
            base_minor: to.amount_minor,
            gone_minor: to.gone_minor(),
        },
        lines: lines::carry_in_tx(tx, &lines, to).await?,
    };
    let conversions = conversion::Entity::find()
        .filter(conversion::Column::OrderId.eq(order.id))
        .lock_exclusive()
        .all(tx)
        .await?;
    for mut row in conversions {
        let raised = to.amount_minor > row.amount_minor;
        row.amount_minor = to.amount_minor;
        row.refunded_minor = to.gone_minor();
        if let Some((state, action)) = next_state(&row) {
            let change = Change::of_state(row.brand_id, action, row.id, &row.state, &state, None);
            audit::record_in_tx(tx, app, actor, change).await?;
            row.state = state;
        }
        conversion::Entity::update(conversion::ActiveModel {
            id: Set(row.id),
            amount_minor: Set(row.amount_minor),
            refunded_minor: Set(row.refunded_minor),
            state: Set(row.state),
            ..Default::default()
        })
        .exec_without_returning(tx)
        .await?;
        if raised {
            commissions::raise_base_in_tx(tx, app, row.id, &measures, cause).await?;
        }
        commissions::settle_in_tx(tx, app, &row, &measures, cause).await?;
        announce_in_tx(tx, app, topic, &row).await?;
    }
    Ok(())
}

/// A conversion of which everything is gone is REFUNDED; when something of it comes again, it stands where it stood.
fn next_state(row: &conversion::Model) -> Option<(ConversionState, &'static str)> {
    let everything = row.refunded_minor == row.amount_minor;
    match row.state {
        ConversionState::Pending | ConversionState::Approved if everything && row.amount_minor > 0 => {
            Some((ConversionState::Refunded, "conversion.refunded"))
        }
        ConversionState::Refunded if !everything => {
            let before = if row.approved_at.is_some() {
                ConversionState::Approved
            } else {
                ConversionState::Pending
            };
            Some((before, "conversion.restored"))
        }
        _ => None,
    }
}
