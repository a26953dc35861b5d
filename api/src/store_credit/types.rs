//! Store credit as the schema shows it.

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{
    ids::{BrandId, CustomerId, PartnerId, PartnershipId},
    store_credit_redemption, store_credit_transfer,
};

use super::{
    error::{StoreCreditError, StoreCreditErrorCode},
    loaders::{CreditOf, TransferOf},
    service::{self, Between, Of},
};
use crate::{
    accounts::{actor::Place, permissions::Operation},
    adjustments::types::Adjustment,
    connection,
    error::ApiError,
    graphql::{
        context::ContextExt,
        objects::{Customer, Partnership},
        scalars::{CurrencyCode, Money, MoneyInput},
    },
    ledger::entries::Line,
    page, payload,
    payouts::statement::types::LedgerTransferKind,
};

/// Where a request of store credit stands.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "store_credit_transfer::StoreCreditTransferState")]
pub enum StoreCreditTransferState {
    /// The brand has not decided. Nothing is held.
    Requested,
    /// The customer has it.
    Approved,
    /// The brand said no; the reason says why.
    Refused,
    /// The partner took it back.
    Withdrawn,
}

/// A partner's request that some of what it has available becomes store credit of a customer.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct StoreCreditTransfer {
    /// Global id.
    pub id: ID,
    /// Where it stands.
    pub state: StoreCreditTransferState,
    /// The brand's own id of the customer, as the partner wrote it.
    pub customer_external_id: String,
    /// What the partner says about it.
    pub note: Option<String>,
    /// Why it was refused.
    pub reason: Option<String>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it was approved, refused or withdrawn.
    pub decided_at: Option<DateTime<Utc>>,
    #[graphql(skip)]
    pub row: store_credit_transfer::Model,
}

impl From<store_credit_transfer::Model> for StoreCreditTransfer {
    fn from(row: store_credit_transfer::Model) -> Self {
        Self {
            id: row.id.to_string().into(),
            state: row.state.into(),
            customer_external_id: row.customer_external_id.clone(),
            note: row.note.clone(),
            reason: row.reason.clone(),
            created_at: row.created_at,
            decided_at: row.decided_at,
            row,
        }
    }
}

#[ComplexObject]
impl StoreCreditTransfer {
    /// How much.
    async fn amount(&self) -> Result<Option<Money>, ApiError> {
        Money::stored(self.row.amount_minor, &self.row.currency).map(Some)
    }

    /// Of whose balance.
    async fn partnership(&self, ctx: &Context<'_>) -> Result<Option<Partnership>, ApiError> {
        Ok(ctx.load(self.row.partnership_id).await?.map(Partnership::from))
    }

    /// Who is to have it. For the brand.
    async fn customer(&self, ctx: &Context<'_>) -> Result<Option<Customer>, ApiError> {
        Ok(ctx.load(self.row.customer_id).await?.map(Customer::from))
    }

    /// What took it from the partner, once approved.
    async fn adjustment(&self, ctx: &Context<'_>) -> Result<Option<Adjustment>, ApiError> {
        match self.row.adjustment_id {
            Some(id) => Ok(ctx.load(id).await?.map(Adjustment::from)),
            None => Ok(None),
        }
    }
}

connection! {
    /// Transfers to customers, as store credit.
    StoreCreditTransferConnection, StoreCreditTransferEdge of StoreCreditTransfer
}

/// Narrows a list of transfers.
#[derive(Default, InputObject)]
pub struct StoreCreditTransferWhere {
    /// Only these states.
    pub state: Option<StoreCreditTransferStateFilter>,
}

/// States to keep.
#[derive(InputObject)]
pub struct StoreCreditTransferStateFilter {
    /// One of these.
    #[graphql(name = "in", validator(max_items = 10))]
    pub any_of: Vec<StoreCreditTransferState>,
}

impl StoreCreditTransferWhere {
    fn states(self) -> Vec<store_credit_transfer::StoreCreditTransferState> {
        self.state
            .map(|state| state.any_of.into_iter().map(Into::into).collect())
            .unwrap_or_default()
    }
}

/// Store credit's part of `Brand`.
#[derive(Clone)]
pub struct StoreCreditOfBrand(pub BrandId);

#[Object]
impl StoreCreditOfBrand {
    /// What the brand's partners asked to give to customers, newest first. For those who see money.
    #[graphql(complexity = "page::cost(first, last, child_complexity)")]
    async fn store_credit_transfers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Narrows the list.")] r#where: Option<StoreCreditTransferWhere>,
        #[graphql(desc = "Items from the front, at most 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Items from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items in front of this cursor.")] before: Option<String>,
    ) -> Result<Option<StoreCreditTransferConnection>, ApiError> {
        let page = ctx.page(first, after, last, before)?;
        let states = r#where.unwrap_or_default().states();
        let slice = service::list_transfers(ctx.app(), ctx.actor(), Of::Brand(self.0), &states, &page).await?;
        Ok(Some(slice.into()))
    }
}

/// Store credit's part of `Partnership`.
#[derive(Clone)]
pub struct StoreCreditOfPartnership {
    pub partnership: PartnershipId,
    pub brand: BrandId,
    pub partner: PartnerId,
}

#[Object]
impl StoreCreditOfPartnership {
    /// What its partner asked to give to customers, newest first. For the partner and those who see money.
    #[graphql(complexity = "page::cost(first, last, child_complexity)")]
    async fn store_credit_transfers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Narrows the list.")] r#where: Option<StoreCreditTransferWhere>,
        #[graphql(desc = "Items from the front, at most 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Items from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items in front of this cursor.")] before: Option<String>,
    ) -> Result<Option<StoreCreditTransferConnection>, ApiError> {
        let page = ctx.page(first, after, last, before)?;
        let states = r#where.unwrap_or_default().states();
        let of = Of::Partnership {
            partnership: self.partnership,
            brand: self.brand,
            partner: self.partner,
        };
        let slice = service::list_transfers(ctx.app(), ctx.actor(), of, &states, &page).await?;
        Ok(Some(slice.into()))
    }
}

/// Store credit that a customer has spent.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct StoreCreditRedemption {
    /// Global id.
    pub id: ID,
    /// The brand's own id of the order it was spent on.
    pub order_external_id: Option<String>,
    /// When it was spent.
    pub created_at: DateTime<Utc>,
    #[graphql(skip)]
    pub row: store_credit_redemption::Model,
}

impl From<store_credit_redemption::Model> for StoreCreditRedemption {
    fn from(row: store_credit_redemption::Model) -> Self {
        Self {
            id: row.id.to_string().into(),
            order_external_id: row.order_external_id.clone(),
            created_at: row.created_at,
            row,
        }
    }
}

#[ComplexObject]
impl StoreCreditRedemption {
    /// How much.
    async fn amount(&self) -> Result<Option<Money>, ApiError> {
        Money::stored(self.row.amount_minor, &self.row.currency).map(Some)
    }

    /// What the customer had left in this currency then.
    async fn left(&self) -> Result<Option<Money>, ApiError> {
        Money::stored(self.row.left_minor, &self.row.currency).map(Some)
    }

    /// Who has spent it, where that is the caller's to see.
    async fn customer(&self, ctx: &Context<'_>) -> Result<Option<Customer>, ApiError> {
        Ok(ctx.load(self.row.customer_id).await?.map(Customer::from))
    }
}

/// Something that came to a customer's account, or went from it.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct StoreCreditEntry {
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// What moved it.
    pub kind: LedgerTransferKind,
    #[graphql(skip)]
    pub line: Line,
}

impl From<Line> for StoreCreditEntry {
    fn from(line: Line) -> Self {
        Self {
            occurred_at: line.transfer.occurred_at,
            kind: line.transfer.kind.into(),
            line,
        }
    }
}

#[ComplexObject]
impl StoreCreditEntry {
    /// What came; below zero where it went.
    async fn amount(&self) -> Result<Option<Money>, ApiError> {
        Money::stored(self.line.entry.amount_minor, &self.line.transfer.currency).map(Some)
    }

    /// What was on the account then.
    async fn balance(&self) -> Result<Option<Money>, ApiError> {
        Money::stored(self.line.balance_minor, &self.line.transfer.currency).map(Some)
    }

    /// The transfer that brought it.
    async fn transfer(&self, ctx: &Context<'_>) -> Result<Option<StoreCreditTransfer>, ApiError> {
        match self.line.transfer.adjustment_id {
            Some(id) => Ok(ctx.load(TransferOf(id)).await?.map(StoreCreditTransfer::from)),
            None => Ok(None),
        }
    }

    /// The redemption that took it.
    async fn redemption(&self, ctx: &Context<'_>) -> Result<Option<StoreCreditRedemption>, ApiError> {
        match self.line.transfer.redemption_id {
            Some(id) => Ok(ctx.load(id).await?.map(StoreCreditRedemption::from)),
            None => Ok(None),
        }
    }
}

connection! {
    /// A customer's account.
    StoreCreditEntryConnection, StoreCreditEntryEdge of StoreCreditEntry
}

/// Which entries; everything given must hold.
#[derive(Default, InputObject)]
pub struct StoreCreditStatementWhere {
    /// Not before then.
    pub from: Option<DateTime<Utc>>,
    /// Before then.
    pub until: Option<DateTime<Utc>>,
}

/// Store credit's part of `Customer`.
#[derive(Clone, Debug)]
pub struct StoreCreditOfCustomer {
    pub customer: CustomerId,
    pub brand: BrandId,
}

#[Object]
impl StoreCreditOfCustomer {
    /// What the customer can spend, one amount a currency. Empty until something was given. For those who see money.
    async fn store_credit(&self, ctx: &Context<'_>) -> Result<Option<Vec<Money>>, ApiError> {
        ctx.actor()
            .authorise(Operation::SeeStoreCredit, Place::brand(self.brand))?;
        let credit = ctx.load(CreditOf(self.customer)).await?.unwrap_or_default();
        credit
            .iter()
            .map(|(currency, amount_minor)| Money::stored(*amount_minor, currency))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// What came to the customer's account in a currency and went from it, with what it left there, newest first. For those who
    /// see money.
    #[graphql(complexity = "page::cost(first, last, child_complexity)")]
    #[allow(clippy::too_many_arguments)]
    async fn store_credit_statement(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "In which currency.")] currency: CurrencyCode,
        #[graphql(desc = "Narrows it.")] r#where: Option<StoreCreditStatementWhere>,
        #[graphql(desc = "Items from the front, at most 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Items from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items in front of this cursor.")] before: Option<String>,
    ) -> Result<Option<StoreCreditEntryConnection>, ApiError> {
        let page = ctx.page(first, after, last, before)?;
        let r#where = r#where.unwrap_or_default();
        let between = Between {
            from: r#where.from,
            until: r#where.until,
        };
        let whose = (self.brand, self.customer);
        let slice = service::list_statement(ctx.app(), ctx.actor(), whose, &currency.0, between, &page);
        Ok(Some(slice.await?.into()))
    }
}

/// Something to give to a customer.
#[derive(InputObject)]
pub struct RequestStoreCreditTransferInput {
    /// 1 to 128 printable ASCII characters, unique a partnership and operation.
    pub idempotency_key: String,
    /// Of whose balance.
    pub partnership_id: ID,
    /// The brand's own id of the customer: 1 to 200 characters.
    pub customer_external_id: String,
    /// How much: above zero, and no more than is available.
    pub amount: MoneyInput,
    /// What the brand should know: 1 to 500 characters.
    pub note: Option<String>,
}

/// A request to take back.
#[derive(InputObject)]
pub struct WithdrawStoreCreditTransferInput {
    /// The request.
    pub id: ID,
}

/// A request to approve.
#[derive(InputObject)]
pub struct ApproveStoreCreditTransferInput {
    /// 1 to 128 printable ASCII characters, unique a brand and operation.
    pub idempotency_key: String,
    /// The request.
    pub id: ID,
}

/// A request to refuse.
#[derive(InputObject)]
pub struct RefuseStoreCreditTransferInput {
    /// The request.
    pub id: ID,
    /// Why: 1 to 500 characters. The partner sees it.
    pub reason: String,
}

/// Store credit to spend.
#[derive(InputObject)]
pub struct RedeemStoreCreditInput {
    /// 1 to 128 printable ASCII characters, unique a brand and operation. The same key with the same content gives the
    /// first result again; with other content it is refused.
    pub idempotency_key: String,
    /// The brand.
    pub brand_id: ID,
    /// The brand's own id of the customer: 1 to 200 characters.
    pub customer_external_id: String,
    /// How much: above zero, and no more than the customer has.
    pub amount: MoneyInput,
    /// The brand's own id of the order it is spent on: 1 to 200 characters. The order need not be recorded here.
    pub order_external_id: Option<String>,
}

payload! {
    /// What `requestStoreCreditTransfer` answers.
    replayable RequestStoreCreditTransferPayload {
        /// The request.
        store_credit_transfer: StoreCreditTransfer
    } refused by StoreCreditError, StoreCreditErrorCode
}

payload! {
    /// What `withdrawStoreCreditTransfer` answers.
    WithdrawStoreCreditTransferPayload {
        /// The request, withdrawn.
        store_credit_transfer: StoreCreditTransfer
    } refused by StoreCreditError, StoreCreditErrorCode
}

payload! {
    /// What `approveStoreCreditTransfer` answers.
    replayable ApproveStoreCreditTransferPayload {
        /// The request, approved.
        store_credit_transfer: StoreCreditTransfer
    } refused by StoreCreditError, StoreCreditErrorCode
}

payload! {
    /// What `refuseStoreCreditTransfer` answers.
    RefuseStoreCreditTransferPayload {
        /// The request, refused.
        store_credit_transfer: StoreCreditTransfer
    } refused by StoreCreditError, StoreCreditErrorCode
}

payload! {
    /// What `redeemStoreCredit` answers.
    replayable RedeemStoreCreditPayload {
        /// What was spent.
        store_credit_redemption: StoreCreditRedemption
    } refused by StoreCreditError, StoreCreditErrorCode
}
