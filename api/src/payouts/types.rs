//! Payouts as the schema shows them.

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, Object, SimpleObject, Union};
use chrono::{DateTime, Utc};
use entity::{
    ids::{BrandId, PartnerId, PartnershipId},
    payout, payout_item,
};

use crate::{
    adjustments::types::Adjustment,
    commissions::types::Commission,
    connection,
    error::ApiError,
    graphql::{
        context::ContextExt,
        feed::{Advanced, Lagged},
        objects::Partnership,
        scalars::{CurrencyCode, Money},
    },
    page, payload,
    payouts::{
        batches::types::PayoutBatch,
        error::{PayoutError, PayoutErrorCode},
        loaders::ItemsOf,
        methods::types::PayoutDestination,
        service::{self, Of},
    },
};

/// Where a payout stands.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "payout::PayoutState")]
pub enum PayoutState {
    /// Prepared; the money is set aside.
    Draft,
    /// Released by finance.
    Approved,
    /// Sent to the rail.
    Submitted,
    /// The rail has not said what became of it.
    Unknown,
    /// Paid.
    Paid,
    /// The rail could not pay; the money is available again.
    Failed,
    /// Paid and come back; the money is available again.
    Returned,
    /// Taken back before it was paid; the money is available again.
    Cancelled,
}

/// How money leaves.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "payout::PayoutRail")]
pub enum PayoutRail {
    /// A person pays, and gives the bank's reference.
    Manual,
    /// A person hands a file to the bank, and brings back what the bank says.
    BankFile,
    /// RazorpayX.
    Razorpayx,
    /// PayPal Payouts.
    Paypal,
    /// Stripe transfers to connected accounts.
    Stripe,
}

/// Money leaving to a partner.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct Payout {
    /// Global id.
    pub id: ID,
    /// Where it stands.
    pub state: PayoutState,
    /// How it leaves.
    pub rail: PayoutRail,
    /// The bank's or provider's reference, once paid.
    pub reference: Option<String>,
    /// When it was drafted.
    pub created_at: DateTime<Utc>,
    /// When finance released it.
    pub approved_at: Option<DateTime<Utc>>,
    /// When it was handed over to its rail.
    pub submitted_at: Option<DateTime<Utc>>,
    /// When it was paid.
    pub paid_at: Option<DateTime<Utc>>,
    /// When it was known that it never left.
    pub failed_at: Option<DateTime<Utc>>,
    /// When it was known that it came back.
    pub returned_at: Option<DateTime<Utc>>,
    /// When it was taken back.
    pub cancelled_at: Option<DateTime<Utc>>,
    /// Where it stands, in the provider's own words.
    pub provider_state: Option<String>,
    /// What the provider calls it.
    pub provider_id: Option<String>,
    #[graphql(skip)]
    pub row: payout::Model,
}

impl From<payout::Model> for Payout {
    fn from(row: payout::Model) -> Self {
        Self {
            id: row.id.to_string().into(),
            state: row.state.into(),
            rail: row.rail.into(),
            reference: row.reference.clone(),
            created_at: row.created_at,
            approved_at: row.approved_at,
            submitted_at: row.submitted_at,
            paid_at: row.paid_at,
            failed_at: row.failed_at,
            returned_at: row.returned_at,
            cancelled_at: row.cancelled_at,
            provider_state: row.provider_state.clone(),
            provider_id: row.provider_id.clone(),
            row,
        }
    }
}

#[ComplexObject]
impl Payout {
    /// How much.
    async fn amount(&self) -> Result<Option<Money>, ApiError> {
        Money::stored(self.row.amount_minor, &self.row.currency).map(Some)
    }

    /// What the provider took beside the amount; absent while it is not known. For the brand.
    async fn fee(&self, ctx: &Context<'_>) -> Result<Option<Money>, ApiError> {
        let (Some(minor), Some(currency)) = (self.row.fee_minor, &self.row.fee_currency) else {
            return Ok(None);
        };
        if !service::may_see_costs(ctx.actor(), &self.row) {
            return Ok(None);
        }
        Money::stored(minor, currency).map(Some)
    }

    /// Why it failed or came back.
    async fn failure(&self) -> Option<PayoutFailure> {
        let reason = self.row.failure_reason.clone()?;
        Some(PayoutFailure {
            code: self.row.failure_code.clone(),
            reason,
        })
    }

    /// What a person must look into; absent when nothing is. For the brand.
    async fn attention(&self, ctx: &Context<'_>) -> Option<String> {
        let is_shown = service::may_see_costs(ctx.actor(), &self.row);
        self.row.attention.clone().filter(|_| is_shown)
    }

    /// The batch it is part of. For the brand.
    async fn batch(&self, ctx: &Context<'_>) -> Result<Option<PayoutBatch>, ApiError> {
        match self.row.batch_id {
            Some(id) => Ok(ctx.load(id).await?.map(PayoutBatch::from)),
            None => Ok(None),
        }
    }

    /// To whom.
    async fn partnership(&self, ctx: &Context<'_>) -> Result<Option<Partnership>, ApiError> {
        let id: PartnershipId = self.row.partnership_id;
        Ok(ctx.load(id).await?.map(Partnership::from))
    }

    /// Where it goes, as that was when it was drafted; absent when the partner had named nothing that receives the currency.
    async fn method(&self) -> Option<PayoutDestination> {
        PayoutDestination::of(&self.row)
    }

    /// What it pays: portions of commissions, oldest first, and of adjustments, which add up to it.
    async fn items(&self, ctx: &Context<'_>) -> Result<Option<Vec<PayoutItem>>, ApiError> {
        let items = ctx.load(ItemsOf(self.row.id)).await?.unwrap_or_default();
        let currency = &self.row.currency;
        Ok(Some(
            items
                .into_iter()
                .map(|row| PayoutItem {
                    row,
                    currency: currency.clone(),
                })
                .collect(),
        ))
    }
}

/// The portion of a commission or of an adjustment that a payout pays.
#[derive(Clone, Debug)]
pub struct PayoutItem {
    row: payout_item::Model,
    currency: String,
}

/// The portion of a commission or of an adjustment that a payout pays.
#[Object]
impl PayoutItem {
    /// How much; negative where a clawback of an earlier payout is made good, or something was taken.
    async fn amount(&self) -> Result<Option<Money>, ApiError> {
        Money::stored(self.row.amount_minor, &self.currency).map(Some)
    }

    /// Which commission: what of it is available, or was released from its reserve since.
    async fn commission(&self, ctx: &Context<'_>) -> Result<Option<Commission>, ApiError> {
        match self.row.commission_id {
            Some(id) => Ok(ctx.load(id).await?.map(Commission::from)),
            None => Ok(None),
        }
    }

    /// Or which adjustment.
    async fn adjustment(&self, ctx: &Context<'_>) -> Result<Option<Adjustment>, ApiError> {
        match self.row.adjustment_id {
            Some(id) => Ok(ctx.load(id).await?.map(Adjustment::from)),
            None => Ok(None),
        }
    }
}

/// Why a payout failed or came back.
#[derive(SimpleObject)]
pub struct PayoutFailure {
    /// The provider's code, or that of what its rail does not carry; absent where a person said it.
    pub code: Option<String>,
    /// In words.
    pub reason: String,
}

connection! {
    /// Payouts.
    PayoutConnection, PayoutEdge of Payout
}

/// Narrows a list of payouts.
#[derive(Default, InputObject)]
pub struct PayoutWhere {
    /// Only these states.
    pub state: Option<PayoutStateFilter>,
}

/// States to keep.
#[derive(InputObject)]
pub struct PayoutStateFilter {
    /// One of these.
    #[graphql(name = "in", validator(max_items = 10))]
    pub any_of: Vec<PayoutState>,
}

impl PayoutWhere {
    fn states(self) -> Vec<payout::PayoutState> {
        self.state
            .map(|state| state.any_of.into_iter().map(Into::into).collect())
            .unwrap_or_default()
    }
}

macro_rules! payouts_of {
    ($(#[$meta:meta])* $name:ident($id:ty), $of:path, $field_doc:literal) => {
        $(#[$meta])*
        #[derive(Clone)]
        pub struct $name(pub $id);

        #[Object]
        impl $name {
            #[doc = $field_doc]
            #[graphql(complexity = "page::cost(first, last, child_complexity)")]
            async fn payouts(
                &self,
                ctx: &Context<'_>,
                #[graphql(desc = "Narrows the list.")] r#where: Option<PayoutWhere>,
                #[graphql(desc = "Items from the front, at most 100; 20 when neither `first` nor `last` is given.")]
                first: Option<i32>,
                #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
                #[graphql(desc = "Items from the end, at most 100.")] last: Option<i32>,
                #[graphql(desc = "Only items in front of this cursor.")] before: Option<String>,
            ) -> Result<Option<PayoutConnection>, ApiError> {
                let page = ctx.page(first, after, last, before)?;
                let states = r#where.unwrap_or_default().states();
                let slice = service::list_payouts(ctx.app(), ctx.actor(), $of(self.0), &states, &page).await?;
                Ok(Some(slice.into()))
            }
        }
    };
}

payouts_of! {
    /// Payouts' part of `Brand`.
    PayoutsOfBrand(BrandId), Of::Brand, "The brand's payouts, newest first. For those who see money."
}

payouts_of! {
    /// Payouts' part of `Partner`.
    PayoutsOfPartner(PartnerId), Of::Partner, "What this partner was paid or is about to be, newest first. For the partner."
}

/// A payout to draft.
#[derive(InputObject)]
pub struct CreatePayoutInput {
    /// 1 to 128 printable ASCII characters, unique a brand and operation.
    pub idempotency_key: String,
    /// Whom to pay.
    pub partnership_id: ID,
    /// Which currency: everything available in it.
    pub currency: CurrencyCode,
}

/// A payout to release.
#[derive(InputObject)]
pub struct ApprovePayoutInput {
    /// The payout.
    pub id: ID,
}

/// A payout that a person has paid.
#[derive(InputObject)]
pub struct MarkPayoutPaidInput {
    /// 1 to 128 printable ASCII characters, unique a brand and operation.
    pub idempotency_key: String,
    /// The payout.
    pub id: ID,
    /// The bank's reference: 1 to 100 characters. The partner sees it.
    pub reference: String,
}

/// A payout that was marked as paid and was not.
#[derive(InputObject)]
pub struct MarkPayoutUnpaidInput {
    /// 1 to 128 printable ASCII characters, unique a brand and operation.
    pub idempotency_key: String,
    /// The payout.
    pub id: ID,
    /// Why: 1 to 500 characters. The partner sees it.
    pub reason: String,
}

/// A payout to ask back from its provider.
#[derive(InputObject)]
pub struct RecallPayoutInput {
    /// The payout.
    pub id: ID,
}

/// A partner to pay nothing for now.
#[derive(InputObject)]
pub struct HoldPayoutsInput {
    /// Whom.
    pub partnership_id: ID,
    /// Why: 1 to 500 characters. The partner sees it.
    pub reason: String,
}

/// A partner to pay again.
#[derive(InputObject)]
pub struct ReleasePayoutHoldInput {
    /// Whom.
    pub partnership_id: ID,
}

/// A payout to take back.
#[derive(InputObject)]
pub struct CancelPayoutInput {
    /// 1 to 128 printable ASCII characters, unique a brand and operation.
    pub idempotency_key: String,
    /// The payout.
    pub id: ID,
    /// Why: 1 to 500 characters.
    pub reason: String,
}

payload! {
    /// What `createPayout` answers.
    replayable CreatePayoutPayload {
        /// The draft.
        payout: Payout
    } refused by PayoutError, PayoutErrorCode
}

payload! {
    /// What `approvePayout` answers.
    ApprovePayoutPayload {
        /// The payout, released.
        payout: Payout
    } refused by PayoutError, PayoutErrorCode
}

payload! {
    /// What `markPayoutPaid` answers.
    replayable MarkPayoutPaidPayload {
        /// The payout, paid.
        payout: Payout
    } refused by PayoutError, PayoutErrorCode
}

payload! {
    /// What `markPayoutUnpaid` answers.
    replayable MarkPayoutUnpaidPayload {
        /// The payout, returned.
        payout: Payout
    } refused by PayoutError, PayoutErrorCode
}

payload! {
    /// What `recallPayout` answers.
    RecallPayoutPayload {
        /// The payout, taken back.
        payout: Payout
    } refused by PayoutError, PayoutErrorCode
}

payload! {
    /// What `holdPayouts` answers.
    HoldPayoutsPayload {
        /// The partnership.
        partnership: Partnership
    } refused by PayoutError, PayoutErrorCode
}

payload! {
    /// What `releasePayoutHold` answers.
    ReleasePayoutHoldPayload {
        /// The partnership.
        partnership: Partnership
    } refused by PayoutError, PayoutErrorCode
}

payload! {
    /// What `cancelPayout` answers.
    replayable CancelPayoutPayload {
        /// The payout, taken back.
        payout: Payout
    } refused by PayoutError, PayoutErrorCode
}

/// A payout was drafted or changed its state.
#[derive(SimpleObject)]
pub struct PayoutFeedEvent {
    /// Where it lies in the feed; give it to `after` to go on behind it. Opaque.
    pub cursor: String,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// The payout as it stands now.
    pub payout: Option<Payout>,
}

/// Narrows the payouts feed; every field given must hold.
#[derive(Default, InputObject)]
pub struct PayoutFeedWhere {
    /// Only when a payout came to one of these states: 1 to 10.
    #[graphql(validator(min_items = 1, max_items = 10))]
    pub states: Option<Vec<PayoutState>>,
}

/// An item of the payouts feed.
#[derive(Union)]
#[allow(
    clippy::large_enum_variant,
    reason = "one item at a time lives, and the library's union takes no box"
)]
pub enum PayoutFeedItem {
    Event(PayoutFeedEvent),
    Advanced(Advanced),
    Lagged(Lagged),
}
