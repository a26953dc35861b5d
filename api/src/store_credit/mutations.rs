//! Mutations of store credit.

use async_graphql::{Context, Object};

use super::{
    service::{self, Redeem, RequestTransfer},
    types::{
        ApproveStoreCreditTransferInput, ApproveStoreCreditTransferPayload, RedeemStoreCreditInput,
        RedeemStoreCreditPayload, RefuseStoreCreditTransferInput, RefuseStoreCreditTransferPayload,
        RequestStoreCreditTransferInput, RequestStoreCreditTransferPayload, WithdrawStoreCreditTransferInput,
        WithdrawStoreCreditTransferPayload,
    },
};
use crate::{
    error::ApiError,
    graphql::context::{ContextExt, parse_id},
    idempotency::Key,
};

#[derive(Default)]
pub struct StoreCreditMutations;

#[Object]
impl StoreCreditMutations {
    /// Asks the brand to give some of what a partnership has available to a customer, as store credit. Nothing is held meanwhile.
    /// For the partner.
    async fn request_store_credit_transfer(
        &self,
        ctx: &Context<'_>,
        input: RequestStoreCreditTransferInput,
    ) -> Result<Option<RequestStoreCreditTransferPayload>, ApiError> {
        let command = RequestTransfer {
            partnership: parse_id(&input.partnership_id, "partnershipId")?,
            customer_external_id: input.customer_external_id,
            amount: (input.amount.amount.0, input.amount.currency.0),
            note: input.note,
            idempotency_key: Key::parse(&input.idempotency_key)?,
        };
        RequestStoreCreditTransferPayload::of(service::request_transfer(ctx.app(), ctx.actor(), command).await)
    }

    /// Takes a request back that is still open. For the partner.
    async fn withdraw_store_credit_transfer(
        &self,
        ctx: &Context<'_>,
        input: WithdrawStoreCreditTransferInput,
    ) -> Result<Option<WithdrawStoreCreditTransferPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        WithdrawStoreCreditTransferPayload::of(service::withdraw_transfer(ctx.app(), ctx.actor(), id).await)
    }

    /// Approves a request: the money goes from the partner's available balance to the customer's store credit, when it is there.
    async fn approve_store_credit_transfer(
        &self,
        ctx: &Context<'_>,
        input: ApproveStoreCreditTransferInput,
    ) -> Result<Option<ApproveStoreCreditTransferPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        let key = Key::parse(&input.idempotency_key)?;
        ApproveStoreCreditTransferPayload::of(service::approve_transfer(ctx.app(), ctx.actor(), id, &key).await)
    }

    /// Refuses a request.
    async fn refuse_store_credit_transfer(
        &self,
        ctx: &Context<'_>,
        input: RefuseStoreCreditTransferInput,
    ) -> Result<Option<RefuseStoreCreditTransferPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        let refused = service::refuse_transfer(ctx.app(), ctx.actor(), id, &input.reason).await;
        RefuseStoreCreditTransferPayload::of(refused)
    }

    /// Spends store credit of a customer: as much as is asked, or nothing. The same as `POST /track/redeem`.
    async fn redeem_store_credit(
        &self,
        ctx: &Context<'_>,
        input: RedeemStoreCreditInput,
    ) -> Result<Option<RedeemStoreCreditPayload>, ApiError> {
        let command = Redeem {
            brand: parse_id(&input.brand_id, "brandId")?,
            customer_external_id: input.customer_external_id,
            amount: (input.amount.amount.0, input.amount.currency.0),
            order_external_id: input.order_external_id,
            idempotency_key: Key::parse(&input.idempotency_key)?,
        };
        RedeemStoreCreditPayload::of(service::redeem(ctx.app(), ctx.actor(), command).await)
    }
}
