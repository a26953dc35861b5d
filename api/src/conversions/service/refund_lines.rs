//! Refunds that name the lines of their order: how much goes back of each.

use std::collections::{BTreeSet, HashMap};

use entity::{ids::BrandId, order, order_line, refund, refund_line};
use rust_decimal::Decimal;
use sea_orm::{ActiveValue::Set, DatabaseTransaction, EntityTrait};
use serde::Serialize;

use super::{
    Code, Result,
    change::money_of,
    check_amount_at, check_external_id,
    lines::{MAX_LINES, MAX_QUANTITY},
};
use crate::{
    app::App,
    conversions::rules::{LineStanding, Standing},
    error::Failure,
    money::{Money, proportion},
};

/// What goes back of a line, as it came in: an amount, a number of items, both, or without either all that is left.
#[derive(Clone, Debug)]
pub struct RefundOfLine {
    pub line_id: String,
    pub amount: Option<(Decimal, String)>,
    pub quantity: Option<i32>,
}

/// What goes back of a line, in order.
#[derive(Clone, Debug, Serialize)]
pub struct CheckedRefund {
    line_id: String,
    amount_minor: Option<i64>,
    currency: Option<&'static str>,
    quantity: Option<i32>,
}

/// Everything that can be refused without the database.
pub fn check(lines: &[RefundOfLine]) -> Result<Vec<CheckedRefund>> {
    if lines.len() > MAX_LINES {
        return Err(Failure::refused_field(
            Code::TooManyLines,
            "lines",
            format!("an order has at most {MAX_LINES} lines"),
        ));
    }
    let mut ids = BTreeSet::new();
    let mut checked = Vec::with_capacity(lines.len());
    for (index, line) in lines.iter().enumerate() {
        let field = |name: &str| format!("lines.{index}.{name}");
        check_external_id(&line.line_id, Code::LineIdInvalid, &field("lineId"), "a line's id")?;
        if !ids.insert(&line.line_id) {
            return Err(Failure::refused_field(
                Code::LineIdRepeated,
                &field("lineId"),
                format!("the refund names line {} twice", line.line_id),
            ));
        }
        if line
            .quantity
            .is_some_and(|quantity| !(1..=MAX_QUANTITY).contains(&quantity))
        {
            return Err(Failure::refused_field(
                Code::QuantityInvalid,
                &field("quantity"),
                "a line has 1 to 1,000,000 items",
            ));
        }
        let amount = line
            .amount
            .as_ref()
            .map(|(amount, currency)| check_amount_at(*amount, currency, &field("amount")))
            .transpose()?;
        if amount.is_some_and(|amount| amount.amount_minor == 0) {
            return Err(Failure::refused_field(
                Code::AmountZero,
                &field("amount.amount"),
                "a refund is above zero",
            ));
        }
        checked.push(CheckedRefund {
            line_id: line.line_id.clone(),
            amount_minor: amount.map(|amount| amount.amount_minor),
            currency: amount.map(|amount| amount.currency.code()),
            quantity: line.quantity,
        });
    }
    Ok(checked)
}

/// What goes back of one line.
pub struct Part<'a> {
    line: &'a order_line::Model,
    amount_minor: i64,
    quantity: i32,
}

/// How much goes back of each line, when the order and the lines allow it; `amount` is what it says to be in all.
pub fn part<'a>(
    order: &order::Model,
    rows: &'a [order_line::Model],
    lines: &[CheckedRefund],
    amount: Option<Money>,
) -> Result<Vec<Part<'a>>> {
    let rows: HashMap<&str, &order_line::Model> = rows.iter().map(|row| (row.external_id.as_str(), row)).collect();
    let returnable = Standing::from(order).returnable_minor();
    let mut sum = 0;
    let mut parts = Vec::with_capacity(lines.len());
    for (index, line) in lines.iter().enumerate() {
        let field = |name: &str| format!("lines.{index}.{name}");
        let row = rows.get(line.line_id.as_str()).copied().ok_or_else(|| {
            let what = if rows.is_empty() {
                "came without lines"
            } else {
                "has no such line"
            };
            Failure::refused_field(
                Code::LineNotFound,
                &field("lineId"),
                format!("there is no line {}: the order {what}", line.line_id),
            )
        })?;
        if line.currency.is_some_and(|currency| currency != order.currency) {
            return Err(Failure::refused_field(
                Code::CurrencyMismatch,
                &field("amount.currency"),
                format!("the sale was in {}", order.currency),
            ));
        }
        let part = part_of(order, row, line, returnable - sum, index)?;
        sum += part.amount_minor;
        parts.push(part);
    }
    let sum = money_of(order, sum)?;
    if let Some(amount) = amount.filter(|amount| *amount != sum) {
        return Err(Failure::refused_field(
            Code::LinesDoNotAddUp,
            "lines",
            format!("the lines add up to {sum}, but the amount is {amount}"),
        ));
    }
    if sum.amount_minor == 0 {
        return Err(Failure::refused_field(
            Code::AmountZero,
            "lines",
            "a refund is above zero",
        ));
    }
    Ok(parts)
}

/// `left_minor` is what can still go back of the order.
fn part_of<'a>(
    order: &order::Model,
    row: &'a order_line::Model,
    line: &CheckedRefund,
    left_minor: i64,
    index: usize,
) -> Result<Part<'a>> {
    let exceeds = |what: String, name: &str| {
        let message = format!("only {what} of line {} can still be refunded", row.external_id);
        Failure::refused_field(Code::RefundExceedsLine, &format!("lines.{index}.{name}"), message)
    };
    let refundable = LineStanding::from(row).refundable_minor();
    let items = row.quantity - row.refunded_quantity;
    let quantity = match (line.quantity, line.amount_minor) {
        (Some(quantity), _) => quantity,
        (None, Some(_)) => 0,
        (None, None) => items,
    };
    if quantity > items {
        return Err(exceeds(format!("{items} item(s)"), "quantity"));
    }
    let amount_minor = match (line.amount_minor, line.quantity) {
        (Some(amount), _) => amount,
        (None, None) => refundable.min(left_minor.max(0)),
        (None, Some(_)) => {
            let of_items = |items: i32| proportion(row.amount_minor, i64::from(items), i64::from(row.quantity));
            let amount = of_items(row.refunded_quantity + quantity) - of_items(row.refunded_quantity);
            // The last items bring no more than what is left.
            if quantity == items {
                amount.min(refundable)
            } else {
                amount
            }
        }
    };
    let is_nothing = amount_minor == 0 && line.quantity.is_none();
    if amount_minor > refundable || is_nothing {
        let left = money_of(order, refundable.min(left_minor.max(0)))?;
        return Err(exceeds(left.to_string(), "amount"));
    }
    Ok(Part {
        line: row,
        amount_minor,
        quantity,
    })
}

/// Writes what a refund took of each line; that the order's standing follows is the caller's business.
pub async fn write_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    brand: BrandId,
    refund: &refund::Model,
    parts: &[Part<'_>],
) -> Result<()> {
    let mut rows = Vec::with_capacity(parts.len());
    for part in parts {
        rows.push(refund_line::ActiveModel::from(refund_line::Model {
            id: app.ids.new_id(refund.created_at),
            brand_id: brand,
            refund_id: refund.id,
            order_line_id: part.line.id,
            amount_minor: part.amount_minor,
            quantity: part.quantity,
        }));
        order_line::Entity::update(order_line::ActiveModel {
            id: Set(part.line.id),
            refunded_minor: Set(part.line.refunded_minor + part.amount_minor),
            refunded_quantity: Set(part.line.refunded_quantity + part.quantity),
            ..Default::default()
        })
        .exec_without_returning(tx)
        .await?;
    }
    if !rows.is_empty() {
        refund_line::Entity::insert_many(rows)
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

/// What goes back in all.
#[must_use]
pub fn sum(parts: &[Part<'_>]) -> i64 {
    parts.iter().map(|part| part.amount_minor).sum()
}
