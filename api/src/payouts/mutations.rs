//! Mutations of payouts.

use async_graphql::{Context, Object};

use crate::{
    error::ApiError,
    graphql::context::{ContextExt, parse_id},
    idempotency::Key,
    payouts::{
        sending,
        service::{self, CreatePayout},
        types::{
            ApprovePayoutInput, ApprovePayoutPayload, CancelPayoutInput, CancelPayoutPayload, CreatePayoutInput,
            CreatePayoutPayload, HoldPayoutsInput, HoldPayoutsPayload, MarkPayoutPaidInput, MarkPayoutPaidPayload,
            MarkPayoutUnpaidInput, MarkPayoutUnpaidPayload, RecallPayoutInput, RecallPayoutPayload,
            ReleasePayoutHoldInput, ReleasePayoutHoldPayload,
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

    /// Records that a person has paid an approved payout, by hand or through a file for the bank.
    async fn mark_payout_paid(
        &self,
        ctx: &Context<'_>,
        input: MarkPayoutPaidInput,
    ) -> Result<Option<MarkPayoutPaidPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        let key = Key::parse(&input.idempotency_key)?;
        MarkPayoutPaidPayload::of(service::mark_payout_paid(ctx.app(), ctx.actor(), id, &input.reference, &key).await)
    }

    /// Asks the provider to take back a payout that has not reached its partner: what RazorpayX has queued, what nobody has claimed at
    /// PayPal. Stripe takes nothing back. Its money is available again, and what it was to pay is owed again.
    async fn recall_payout(
        &self,
        ctx: &Context<'_>,
        input: RecallPayoutInput,
    ) -> Result<Option<RecallPayoutPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        RecallPayoutPayload::of(sending::recall_payout(ctx.app(), ctx.actor(), id).await)
    }

    /// Records that a payout which a person had marked as paid did not arrive. Its money is available again, and what it paid is
    /// owed again.
    async fn mark_payout_unpaid(
        &self,
        ctx: &Context<'_>,
        input: MarkPayoutUnpaidInput,
    ) -> Result<Option<MarkPayoutUnpaidPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        let key = Key::parse(&input.idempotency_key)?;
        MarkPayoutUnpaidPayload::of(service::mark_payout_unpaid(ctx.app(), ctx.actor(), id, &input.reason, &key).await)
    }

    /// Drafts no payout to a partner until it is let go; what is drafted already goes on.
    async fn hold_payouts(
        &self,
        ctx: &Context<'_>,
        input: HoldPayoutsInput,
    ) -> Result<Option<HoldPayoutsPayload>, ApiError> {
        let id = parse_id(&input.partnership_id, "partnershipId")?;
        HoldPayoutsPayload::of(service::hold_payouts(ctx.app(), ctx.actor(), id, &input.reason).await)
    }

    /// Lets payouts to a partner go again.
    async fn release_payout_hold(
        &self,
        ctx: &Context<'_>,
        input: ReleasePayoutHoldInput,
    ) -> Result<Option<ReleasePayoutHoldPayload>, ApiError> {
        let id = parse_id(&input.partnership_id, "partnershipId")?;
        ReleasePayoutHoldPayload::of(service::release_payout_hold(ctx.app(), ctx.actor(), id).await)
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
