//! Lines of orders, as the schema shows them.

use async_graphql::{ComplexObject, Context, InputObject, SimpleObject};
use entity::{ids::OrderLineId, order_line, refund_line};

use crate::{
    conversions::{
        rules::LineStanding,
        service::{lines::NewLine, refund_lines::RefundOfLine},
    },
    error::ApiError,
    graphql::{
        context::ContextExt,
        scalars::{Money, MoneyInput},
    },
};

/// A line of an order: some of one product. Part of its order.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct OrderLine {
    /// The brand's own id of the line, unique in the order; its number when the brand gave none.
    pub line_id: String,
    /// 1 for the order's first line.
    pub position: i32,
    /// The brand's own id of the product.
    pub product_id: Option<String>,
    /// The product as buyers read it.
    pub name: Option<String>,
    /// The product's category.
    pub category: Option<String>,
    /// How many items it has.
    pub quantity: i32,
    /// Items of it that were refunded by their number.
    pub refunded_quantity: i32,
    #[graphql(skip)]
    pub row: order_line::Model,
    #[graphql(skip)]
    pub currency: String,
}

impl OrderLine {
    /// A line of an order in `currency`.
    #[must_use]
    pub fn new(row: order_line::Model, currency: String) -> Self {
        Self {
            line_id: row.external_id.clone(),
            position: row.position,
            product_id: row.product_id.clone(),
            name: row.name.clone(),
            category: row.category.clone(),
            quantity: row.quantity,
            refunded_quantity: row.refunded_quantity,
            row,
            currency,
        }
    }

    fn money(&self, amount_minor: i64) -> Result<Option<Money>, ApiError> {
        Money::stored(amount_minor, &self.currency).map(Some)
    }
}

#[ComplexObject]
impl OrderLine {
    /// What all its items came to, net of discount, or were last raised to: the base of its commissions.
    async fn amount(&self) -> Result<Option<Money>, ApiError> {
        self.money(self.row.amount_minor)
    }

    /// What was taken off the amount.
    async fn discount(&self) -> Result<Option<Money>, ApiError> {
        self.money(self.row.discount_minor)
    }

    /// What of it is gone in all: what was refunded of it, and its share of what is gone of the order as a whole by refunds
    /// of an amount, chargebacks, amendments downward and what was never captured.
    async fn refunded(&self) -> Result<Option<Money>, ApiError> {
        self.money(LineStanding::from(&self.row).gone_minor())
    }
}

/// A line of an order as the brand's server reports it.
#[derive(InputObject)]
pub struct OrderLineInput {
    /// The brand's own id of the line: 1 to 200 characters, unique in the order. When absent: its number in the list, from
    /// 1. Refunds name it.
    pub line_id: Option<String>,
    /// The brand's own id of the product: 1 to 200 characters. Commission rules may be for products.
    pub product_id: Option<String>,
    /// The product as buyers read it: 1 to 200 characters.
    pub name: Option<String>,
    /// The product's category: 1 to 200 characters. Commission rules may be for categories.
    pub category: Option<String>,
    /// How many items it has: 1 to 1,000,000.
    #[graphql(default = 1)]
    pub quantity: i32,
    /// What all its items come to, net of discount, in the order's currency.
    pub amount: MoneyInput,
    /// What was taken off, for information: the amount is net of it.
    pub discount: Option<MoneyInput>,
}

impl From<OrderLineInput> for NewLine {
    fn from(input: OrderLineInput) -> Self {
        Self {
            line_id: input.line_id,
            product_id: input.product_id,
            name: input.name,
            category: input.category,
            quantity: input.quantity,
            amount: (input.amount.amount.0, input.amount.currency.0),
            discount: input.discount.map(|money| (money.amount.0, money.currency.0)),
        }
    }
}

/// What a refund took of one line of its order.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct RefundLine {
    /// Items that came back; 0 when only money went back.
    pub quantity: i32,
    #[graphql(skip)]
    pub row: refund_line::Model,
    #[graphql(skip)]
    pub currency: String,
}

impl RefundLine {
    /// Of a refund in `currency`.
    #[must_use]
    pub fn new(row: refund_line::Model, currency: String) -> Self {
        Self {
            quantity: row.quantity,
            row,
            currency,
        }
    }
}

#[ComplexObject]
impl RefundLine {
    /// How much of it went back.
    async fn amount(&self) -> Result<Option<Money>, ApiError> {
        Money::stored(self.row.amount_minor, &self.currency).map(Some)
    }

    /// The line as it stands now.
    async fn order_line(&self, ctx: &Context<'_>) -> Result<Option<OrderLine>, ApiError> {
        let id: OrderLineId = self.row.order_line_id;
        let line = ctx.load(id).await?;
        Ok(line.map(|line| OrderLine::new(line, self.currency.clone())))
    }
}

/// What went back of a line of an order: an amount, a number of items at what they came to, both, or without either all of the
/// line that was not refunded by itself before.
#[derive(InputObject)]
pub struct RefundLineInput {
    /// The brand's own id of the line.
    pub line_id: String,
    /// How much of it went back; not more than was not refunded of it by itself before.
    pub amount: Option<MoneyInput>,
    /// How many items came back; not more than are left.
    pub quantity: Option<i32>,
}

impl From<RefundLineInput> for RefundOfLine {
    fn from(input: RefundLineInput) -> Self {
        Self {
            line_id: input.line_id,
            amount: input.amount.map(|money| (money.amount.0, money.currency.0)),
            quantity: input.quantity,
        }
    }
}
