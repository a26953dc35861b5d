//! Mutations of payouts.

use async_graphql::{Context, Object};

use crate::{
    error::ApiError,
    graphql::context::{ContextExt, parse_id},
    idempotency::Key,
    payouts::{
        service::{self, CreatePayout},
        types::{
            ApprovePayoutInput, ApprovePayoutPayload, CancelPayoutInput, CancelPayoutPayload, CreatePayoutInput,
            CreatePayoutPayload, MarkPayoutPaidInput, MarkPayoutPaidPayload,
        },
    },
};

#[derive(Default)]
pub struct PayoutMutations;

#[Object]
impl PayoutMutations {
    /// Drafts a payout of everything a partnership has available in a currency. The money is set aside at once. It goes to the
    /// method that the partner prefers for the currency, else to its oldest that receives it (`Payout.method`); not while that
    /// one cools off.
    async fn create_payout(
        &self,
        ctx: &Context<'_>,
        input: CreatePayoutInput,
    ) -> Result<Option<CreatePayoutPayload>, ApiError> {
        let command = CreatePayout {
            partnership: parse_id(&input.partnership_id, "partnershipId")?,
            currency: input.currency.0,
            idempotency_key: Key::parse(&input.idempotency_key)?,
        };
        CreatePayoutPayload::of(service::create_payout(ctx.app(), ctx.actor(), command).await)
    }

    /// Releases a drafted payout.
    async fn approve_payout(
        &self,
        ctx: &Context<'_>,
        input: ApprovePayoutInput,
    ) -> Result<Option<ApprovePayoutPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        ApprovePayoutPayload::of(service::approve_payout(ctx.app(), ctx.actor(), id).await)
    }

    /// Records that a person has paid an approved payout.
    async fn mark_payout_paid(
        &self,
        ctx: &Context<'_>,
        input: MarkPayoutPaidInput,
    ) -> Result<Option<MarkPayoutPaidPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        let key = Key::parse(&input.idempotency_key)?;
        MarkPayoutPaidPayload::of(service::mark_payout_paid(ctx.app(), ctx.actor(), id, &input.reference, &key).await)
    }

    /// Takes a payout back before it is paid; the money is available again.
    async fn cancel_payout(
        &self,
        ctx: &Context<'_>,
        input: CancelPayoutInput,
    ) -> Result<Option<CancelPayoutPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        let key = Key::parse(&input.idempotency_key)?;
        CancelPayoutPayload::of(service::cancel_payout(ctx.app(), ctx.actor(), id, &input.reason, &key).await)
    }
}
