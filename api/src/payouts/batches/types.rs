//! Batches of payouts as the schema shows them.

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{
    ids::{BrandId, PayoutBatchId},
    payout_batch, payout_request,
};

use super::{
    error::{PayoutBatchError, PayoutBatchErrorCode},
    loaders::{TotalsOf, TroublesOf},
    service,
};
use crate::{
    accounts::{actor::Place, permissions::Operation},
    connection,
    error::ApiError,
    graphql::{
        context::ContextExt,
        scalars::{CurrencyCode, Money},
    },
    page, payload,
    payouts::{
        files::{loaders::FilesOf, types::PayoutFile},
        types::{PayoutConnection, PayoutRail, PayoutState},
    },
};

/// Where a batch stands.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "payout_batch::PayoutBatchState")]
pub enum PayoutBatchState {
    /// Prepared; the money of its payouts is set aside.
    Draft,
    /// Released by finance.
    Approved,
    /// Handed over to its rails; its payouts say what becomes of it.
    Submitted,
    /// Taken back before it was handed over.
    Cancelled,
}

/// Payouts that are drafted, released and sent together.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct PayoutBatch {
    /// Global id.
    pub id: ID,
    /// Where it stands.
    pub state: PayoutBatchState,
    /// The currency of all its payouts.
    pub currency: CurrencyCode,
    /// What became available later was left for the next one.
    pub cutoff_at: Option<DateTime<Utc>>,
    /// The brand's schedule made it, and nobody in person.
    pub is_scheduled: bool,
    /// Whoever made it may not approve it.
    pub needs_second_person: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was approved.
    pub approved_at: Option<DateTime<Utc>>,
    /// When it was handed over.
    pub submitted_at: Option<DateTime<Utc>>,
    /// When it was taken back.
    pub cancelled_at: Option<DateTime<Utc>>,
    #[graphql(skip)]
    pub row: payout_batch::Model,
}

impl From<payout_batch::Model> for PayoutBatch {
    fn from(row: payout_batch::Model) -> Self {
        Self {
            id: row.id.to_string().into(),
            state: row.state.into(),
            currency: CurrencyCode(row.currency.clone()),
            cutoff_at: row.cutoff_at,
            is_scheduled: row.is_scheduled,
            needs_second_person: row.needs_second_person,
            created_at: row.created_at,
            approved_at: row.approved_at,
            submitted_at: row.submitted_at,
            cancelled_at: row.cancelled_at,
            row,
        }
    }
}

#[ComplexObject]
impl PayoutBatch {
    /// What its payouts come to, by rail and state.
    async fn totals(&self, ctx: &Context<'_>) -> Result<Option<Vec<PayoutTotal>>, ApiError> {
        let id: PayoutBatchId = self.row.id;
        let totals = ctx.load(TotalsOf(id)).await?.unwrap_or_default();
        let total = |total: super::loaders::Total| {
            Ok(PayoutTotal {
                rail: total.rail.into(),
                state: total.state.into(),
                count: i32::try_from(total.count).map_err(ApiError::internal)?,
                amount: Money::stored(total.amount_minor, &self.row.currency)?,
            })
        };
        totals.into_iter().map(total).collect::<Result<_, _>>().map(Some)
    }

    /// Its payouts, newest first.
    #[graphql(complexity = "page::cost(first, last, child_complexity)")]
    async fn payouts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, at most 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Items from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items in front of this cursor.")] before: Option<String>,
    ) -> Result<Option<PayoutConnection>, ApiError> {
        let page = ctx.page(first, after, last, before)?;
        Ok(Some(
            service::list_payouts_of(ctx.app(), self.row.id, &page).await?.into(),
        ))
    }

    /// The files that were written of it, the oldest first. For those who release money.
    async fn files(&self, ctx: &Context<'_>) -> Result<Option<Vec<PayoutFile>>, ApiError> {
        let place = Place::brand(self.row.brand_id);
        ctx.actor().authorise(Operation::ExportPayoutFile, place)?;
        let rows = ctx.load(FilesOf(self.row.id)).await?.unwrap_or_default();
        Ok(Some(rows.into_iter().map(PayoutFile::from).collect()))
    }

    /// What was sent to a provider and is not through, the oldest first; at most 100.
    async fn troubles(&self, ctx: &Context<'_>) -> Result<Option<Vec<PayoutTrouble>>, ApiError> {
        let rows = ctx.load(TroublesOf(self.row.id)).await?.unwrap_or_default();
        Ok(Some(rows.into_iter().map(PayoutTrouble::from).collect()))
    }
}

/// Payouts of a batch on one rail in one state.
#[derive(Clone, Debug, SimpleObject)]
pub struct PayoutTotal {
    /// The rail.
    pub rail: PayoutRail,
    /// The state.
    pub state: PayoutState,
    /// How many.
    pub count: i32,
    /// What they come to.
    pub amount: Money,
}

/// A request to a provider that is not through: what stands in its way, and when it is tried or looked up again.
#[derive(Clone, Debug, SimpleObject)]
pub struct PayoutTrouble {
    /// The rail.
    pub rail: PayoutRail,
    /// The provider's code, or what happened on the way.
    pub code: String,
    /// In words.
    pub message: String,
    /// How often it was sent, always under the same key.
    pub send_count: i32,
    /// When it was sent last.
    pub last_sent_at: Option<DateTime<Utc>>,
    /// When it is sent or looked up again; absent when it was given up.
    pub next_at: Option<DateTime<Utc>>,
}

impl From<payout_request::Model> for PayoutTrouble {
    fn from(row: payout_request::Model) -> Self {
        Self {
            rail: row.rail.into(),
            code: row.last_code.unwrap_or_default(),
            message: row.last_message.unwrap_or_default(),
            send_count: row.sends,
            last_sent_at: row.last_sent_at,
            next_at: row.next_at,
        }
    }
}

connection! {
    /// Batches of payouts.
    PayoutBatchConnection, PayoutBatchEdge of PayoutBatch
}

/// Narrows a list of batches.
#[derive(Default, InputObject)]
pub struct PayoutBatchWhere {
    /// Only these states: 1 to 4.
    #[graphql(validator(min_items = 1, max_items = 4))]
    pub states: Option<Vec<PayoutBatchState>>,
}

/// The batches' part of `Brand`.
#[derive(Clone)]
pub struct BatchesOfBrand(pub BrandId);

#[Object]
impl BatchesOfBrand {
    /// The brand's batches of payouts, newest first. For those who see money.
    #[graphql(complexity = "page::cost(first, last, child_complexity)")]
    async fn payout_batches(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Narrows the list.")] r#where: Option<PayoutBatchWhere>,
        #[graphql(desc = "Items from the front, at most 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Items from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items in front of this cursor.")] before: Option<String>,
    ) -> Result<Option<PayoutBatchConnection>, ApiError> {
        let page = ctx.page(first, after, last, before)?;
        let states = r#where.unwrap_or_default().states.unwrap_or_default();
        let states: Vec<_> = states.into_iter().map(Into::into).collect();
        let slice = service::list_batches(ctx.app(), ctx.actor(), self.0, &states, &page).await?;
        Ok(Some(slice.into()))
    }
}

/// A batch to draft.
#[derive(InputObject)]
pub struct CreatePayoutBatchInput {
    /// 1 to 128 printable ASCII characters, unique a brand and operation.
    pub idempotency_key: String,
    /// Who pays.
    pub brand_id: ID,
    /// Which currency.
    pub currency: CurrencyCode,
    /// Only what was available then, in the past: commissions approved and adjustments made until that moment, less everything that
    /// was taken whenever it was. All that is available when absent.
    pub cutoff_at: Option<DateTime<Utc>>,
    /// Only these partnerships: at most 1,000. Everybody who is due when absent or empty.
    #[graphql(validator(max_items = 1000))]
    pub include: Option<Vec<ID>>,
    /// Not these: at most 1,000.
    #[graphql(validator(max_items = 1000))]
    pub exclude: Option<Vec<ID>>,
}

/// A batch to release.
#[derive(InputObject)]
pub struct ApprovePayoutBatchInput {
    /// The batch.
    pub id: ID,
}

/// A batch to hand over.
#[derive(InputObject)]
pub struct SubmitPayoutBatchInput {
    /// 1 to 128 printable ASCII characters, unique a brand and operation.
    pub idempotency_key: String,
    /// The batch.
    pub id: ID,
}

/// A batch to take back, or what is left of it here.
#[derive(InputObject)]
pub struct CancelPayoutBatchInput {
    /// 1 to 128 printable ASCII characters, unique a brand and operation.
    pub idempotency_key: String,
    /// The batch.
    pub id: ID,
    /// Why: 1 to 500 characters.
    pub reason: String,
}

payload! {
    /// What `createPayoutBatch` answers.
    replayable CreatePayoutBatchPayload {
        /// The batch, drafted.
        batch: PayoutBatch
    } refused by PayoutBatchError, PayoutBatchErrorCode
}

payload! {
    /// What `approvePayoutBatch` answers.
    ApprovePayoutBatchPayload {
        /// The batch, released.
        batch: PayoutBatch
    } refused by PayoutBatchError, PayoutBatchErrorCode
}

payload! {
    /// What `submitPayoutBatch` answers.
    replayable SubmitPayoutBatchPayload {
        /// The batch, handed over.
        batch: PayoutBatch
    } refused by PayoutBatchError, PayoutBatchErrorCode
}

payload! {
    /// What `cancelPayoutBatch` answers.
    replayable CancelPayoutBatchPayload {
        /// The batch, cancelled; still handed over where something of it has left.
        batch: PayoutBatch
    } refused by PayoutBatchError, PayoutBatchErrorCode
}
