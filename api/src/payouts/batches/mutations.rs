//! Mutations of batches of payouts.

use async_graphql::{Context, ID, Object};
use entity::ids::PartnershipId;

use super::{
    service::{self, CreateBatch},
    types::{
        ApprovePayoutBatchInput, ApprovePayoutBatchPayload, CancelPayoutBatchInput, CancelPayoutBatchPayload,
        CreatePayoutBatchInput, CreatePayoutBatchPayload, SubmitPayoutBatchInput, SubmitPayoutBatchPayload,
    },
};
use crate::{
    error::ApiError,
    graphql::context::{ContextExt, parse_id},
    idempotency::Key,
};

#[derive(Default)]
pub struct PayoutBatchMutations;

/// Partnerships that are named one by one.
pub fn parse_partnerships(ids: Option<&[ID]>, field: &'static str) -> Result<Vec<PartnershipId>, ApiError> {
    ids.unwrap_or_default().iter().map(|id| parse_id(id, field)).collect()
}

#[Object]
impl PayoutBatchMutations {
    /// Drafts a payout to everybody who is due in a currency, as `Brand.payoutPreview` shows it: at most 1,000, the oldest balances
    /// first; those who found no room are due for the next one. The money is set aside at once.
    async fn create_payout_batch(
        &self,
        ctx: &Context<'_>,
        input: CreatePayoutBatchInput,
    ) -> Result<Option<CreatePayoutBatchPayload>, ApiError> {
        let command = CreateBatch {
            brand: parse_id(&input.brand_id, "brandId")?,
            currency: input.currency.0,
            cutoff: input.cutoff_at,
            include: parse_partnerships(input.include.as_deref(), "include")?,
            exclude: parse_partnerships(input.exclude.as_deref(), "exclude")?,
            key: Key::parse(&input.idempotency_key)?,
        };
        CreatePayoutBatchPayload::of(service::create_batch(ctx.app(), ctx.actor(), command).await)
    }

    /// Releases a batch with all its payouts. Whoever made it may not where the brand demands two people.
    async fn approve_payout_batch(
        &self,
        ctx: &Context<'_>,
        input: ApprovePayoutBatchInput,
    ) -> Result<Option<ApprovePayoutBatchPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        ApprovePayoutBatchPayload::of(service::approve_batch(ctx.app(), ctx.actor(), id).await)
    }

    /// Hands a released batch over: providers are sent what is theirs within seconds, and what goes through the bank waits for its file
    /// (`exportPayoutFile`). What a provider would not take fails at once and is due again; its payout says why.
    async fn submit_payout_batch(
        &self,
        ctx: &Context<'_>,
        input: SubmitPayoutBatchInput,
    ) -> Result<Option<SubmitPayoutBatchPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        let key = Key::parse(&input.idempotency_key)?;
        SubmitPayoutBatchPayload::of(service::submit_batch(ctx.app(), ctx.actor(), id, &key).await)
    }

    /// Takes a batch back; the money of all its payouts is available again. Of one that was handed over it takes back what has not
    /// left: what nobody has tried to send, because its provider is not connected any more or takes nothing, and what stands in no file
    /// yet. Single ones are left out with `cancelPayout` before the batch is handed over.
    async fn cancel_payout_batch(
        &self,
        ctx: &Context<'_>,
        input: CancelPayoutBatchInput,
    ) -> Result<Option<CancelPayoutBatchPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        let key = Key::parse(&input.idempotency_key)?;
        CancelPayoutBatchPayload::of(service::cancel_batch(ctx.app(), ctx.actor(), id, &input.reason, &key).await)
    }
}
