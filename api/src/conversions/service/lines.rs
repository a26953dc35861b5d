//! Lines of an order: what they are checked for, and how what becomes of an order becomes of its lines.

use std::collections::{BTreeSet, HashMap};

use entity::{
    ids::{BrandId, OrderId, OrderLineId},
    order, order_line,
};
use rust_decimal::Decimal;
use sea_orm::{ActiveValue::Set, ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, QueryFilter, QueryOrder};
use serde::Serialize;

use super::{Code, Result, check_amount_at, check_external_id};
use crate::{
    app::App,
    commissions::{
        rules::{Line, fold_category},
        service::Measure,
    },
    conversions::rules::{LineStanding, Standing, carry_to_lines},
    error::{Failure, Fault},
    money::{MAX_AMOUNT_MINOR, Money},
};

/// Lines of an order.
pub const MAX_LINES: usize = 100;
/// Items of a line.
pub const MAX_QUANTITY: i32 = 1_000_000;
/// Longest product id, name and category of a line, in characters.
const MAX_TEXT_CHARS: usize = 200;

/// A line as it came in.
#[derive(Clone, Debug)]
pub struct NewLine {
    /// Its number in the order when absent.
    pub line_id: Option<String>,
    pub product_id: Option<String>,
    pub name: Option<String>,
    pub category: Option<String>,
    pub quantity: i32,
    /// All its items, net of discount.
    pub amount: (Decimal, String),
    /// Already taken off the amount.
    pub discount: Option<(Decimal, String)>,
}

/// A line in order.
#[derive(Clone, Debug, Serialize)]
pub struct CheckedLine {
    #[serde(skip)]
    pub id: OrderLineId,
    line_id: String,
    product_id: Option<String>,
    name: Option<String>,
    category: Option<String>,
    quantity: i32,
    amount_minor: i64,
    discount_minor: i64,
    #[serde(skip)]
    currency: crate::money::Currency,
}

/// Reads the lines of an order. Its amount, or their sum when it names none, is what they come to.
pub fn check_lines(app: &App, lines: &[NewLine], amount: Option<Money>) -> Result<(Vec<CheckedLine>, Option<Money>)> {
    if lines.len() > MAX_LINES {
        return Err(Failure::refused_field(
            Code::TooManyLines,
            "lines",
            format!("an order has at most {MAX_LINES} lines"),
        ));
    }
    let mut checked: Vec<CheckedLine> = Vec::with_capacity(lines.len());
    let mut ids = BTreeSet::new();
    for (index, line) in lines.iter().enumerate() {
        let currency = amount
            .map(|amount| amount.currency)
            .or(checked.first().map(|line| line.currency));
        let line = check_line(app, line, index, currency)?;
        if !ids.insert(line.line_id.clone()) {
            return Err(Failure::refused_field(
                Code::LineIdRepeated,
                &format!("lines.{index}.lineId"),
                format!("another line of the order has the id {}", line.line_id),
            ));
        }
        checked.push(line);
    }
    let Some(currency) = checked.first().map(|line| line.currency) else {
        return Ok((checked, amount));
    };
    let sum = Money::new(checked.iter().map(|line| line.amount_minor).sum(), currency);
    if sum.amount_minor > MAX_AMOUNT_MINOR {
        return Err(Failure::refused_field(
            Code::AmountTooLarge,
            "lines",
            "the lines add up to more than the largest amount accepted (10^12 minor units)",
        ));
    }
    if let Some(amount) = amount.filter(|amount| *amount != sum) {
        return Err(Failure::refused_field(
            Code::LinesDoNotAddUp,
            "lines",
            format!("the lines add up to {sum}, but the amount is {amount}"),
        ));
    }
    Ok((checked, Some(sum)))
}

fn check_line(
    app: &App,
    line: &NewLine,
    index: usize,
    currency: Option<crate::money::Currency>,
) -> Result<CheckedLine> {
    let field = |name: &str| format!("lines.{index}.{name}");
    let line_id = line.line_id.clone().unwrap_or_else(|| (index + 1).to_string());
    check_external_id(&line_id, Code::LineIdInvalid, &field("lineId"), "a line's id")?;
    for (name, text) in [
        ("productId", &line.product_id),
        ("name", &line.name),
        ("category", &line.category),
    ] {
        if text.as_ref().is_some_and(|text| !is_text(text)) {
            return Err(Failure::refused_field(
                Code::LineTextInvalid,
                &field(name),
                format!("a line's product id, name and category have 1 to {MAX_TEXT_CHARS} characters on one line"),
            ));
        }
    }
    if !(1..=MAX_QUANTITY).contains(&line.quantity) {
        return Err(Failure::refused_field(
            Code::QuantityInvalid,
            &field("quantity"),
            "a line has 1 to 1,000,000 items",
        ));
    }
    let money = |(amount, code): &(Decimal, String), name: &str| {
        let money = check_amount_at(*amount, code, &field(name))?;
        match currency.filter(|currency| *currency != money.currency) {
            Some(currency) => Err(Failure::refused_field(
                Code::CurrencyMismatch,
                &field(&format!("{name}.currency")),
                format!("the order is in {currency}"),
            )),
            None => Ok(money),
        }
    };
    let amount = money(&line.amount, "amount")?;
    let discount = line
        .discount
        .as_ref()
        .map(|discount| money(discount, "discount"))
        .transpose()?;
    if let Some(discount) = discount.filter(|discount| discount.currency != amount.currency) {
        return Err(Failure::refused_field(
            Code::CurrencyMismatch,
            &field("discount.currency"),
            format!("the line is in {}, not in {}", amount.currency, discount.currency),
        ));
    }
    Ok(CheckedLine {
        id: app.ids.new_id(app.clock.now()),
        line_id,
        product_id: line.product_id.clone(),
        name: line.name.clone(),
        category: line.category.clone(),
        quantity: line.quantity,
        amount_minor: amount.amount_minor,
        discount_minor: discount.map_or(0, |discount| discount.amount_minor),
        currency: amount.currency,
    })
}

fn is_text(text: &str) -> bool {
    !text.is_empty()
        && text.chars().count() <= MAX_TEXT_CHARS
        && !text.chars().any(char::is_control)
        && text.trim() == text
}

impl CheckedLine {
    /// The line as commission rules look at it.
    pub fn for_rules(&self) -> Line {
        Line {
            id: self.id,
            external_id: self.line_id.clone(),
            product_id: self.product_id.clone(),
            category: self.category.as_deref().map(fold_category),
            quantity: self.quantity,
            base: Money::new(self.amount_minor, self.currency),
        }
    }

    /// The line as it is stored; `position` counts from 1.
    pub fn row(&self, brand: BrandId, order: OrderId, position: i32) -> order_line::Model {
        order_line::Model {
            id: self.id,
            brand_id: brand,
            order_id: order,
            position,
            external_id: self.line_id.clone(),
            product_id: self.product_id.clone(),
            name: self.name.clone(),
            category: self.category.clone(),
            quantity: self.quantity,
            amount_minor: self.amount_minor,
            discount_minor: self.discount_minor,
            refunded_minor: 0,
            refunded_quantity: 0,
            shared_minor: 0,
        }
    }
}

impl From<&order_line::Model> for LineStanding {
    fn from(row: &order_line::Model) -> Self {
        Self {
            amount_minor: row.amount_minor,
            refunded_minor: row.refunded_minor,
            shared_minor: row.shared_minor,
        }
    }
}

/// The lines of an order in their order. Who changes them has locked the order.
pub async fn load_in_tx(
    tx: &DatabaseTransaction,
    order: &order::Model,
) -> std::result::Result<Vec<order_line::Model>, DbErr> {
    order_line::Entity::find()
        .filter(order_line::Column::OrderId.eq(order.id))
        .order_by_asc(order_line::Column::Position)
        .all(tx)
        .await
}

/// Carries an order's new standing to its lines, and returns what each of them comes to and has lost.
pub async fn carry_in_tx(
    tx: &DatabaseTransaction,
    rows: &[order_line::Model],
    to: Standing,
) -> std::result::Result<HashMap<OrderLineId, Measure>, Fault> {
    let mut standings: Vec<LineStanding> = rows.iter().map(LineStanding::from).collect();
    carry_to_lines(&mut standings, to);
    let mut measures = HashMap::new();
    for (row, standing) in rows.iter().zip(standings) {
        let measure = Measure {
            base_minor: standing.amount_minor,
            gone_minor: standing.gone_minor(),
        };
        measures.insert(row.id, measure);
        if standing == LineStanding::from(row) {
            continue;
        }
        order_line::Entity::update(order_line::ActiveModel {
            id: Set(row.id),
            amount_minor: Set(standing.amount_minor),
            shared_minor: Set(standing.shared_minor),
            ..Default::default()
        })
        .exec_without_returning(tx)
        .await?;
    }
    Ok(measures)
}
