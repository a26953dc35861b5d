//! Mutations of partners' balances.

use async_graphql::{Context, Object};

use super::{
    service::{self, Change},
    types::{
        AdjustBalanceInput, AdjustBalancePayload, ChargeShippingPenaltyInput, ChargeShippingPenaltyPayload,
        ReleaseReserveInput, ReleaseReservePayload, WriteOffBalanceInput, WriteOffBalancePayload,
    },
};
use crate::{
    error::ApiError,
    graphql::context::{ContextExt, parse_id},
    idempotency::Key,
};

#[derive(Default)]
pub struct AdjustmentMutations;

#[Object]
impl AdjustmentMutations {
    /// Gives a partner something beside its commissions, or takes it: what is taken may leave its balance below zero, which is
    /// carried forward.
    async fn adjust_balance(
        &self,
        ctx: &Context<'_>,
        input: AdjustBalanceInput,
    ) -> Result<Option<AdjustBalancePayload>, ApiError> {
        let partnership = parse_id(&input.partnership_id, "partnershipId")?;
        let change = Change {
            amount: (input.amount.amount.0, input.amount.currency.0),
            reason: input.reason,
            key: Key::parse(&input.idempotency_key)?,
        };
        AdjustBalancePayload::of(
            service::adjust_balance(ctx.app(), ctx.actor(), partnership, input.direction.into(), change).await,
        )
    }

    /// Charges the partner that was credited with an order what sending it in vain has cost. All penalties of an order come to no
    /// more than it did.
    async fn charge_shipping_penalty(
        &self,
        ctx: &Context<'_>,
        input: ChargeShippingPenaltyInput,
    ) -> Result<Option<ChargeShippingPenaltyPayload>, ApiError> {
        let order = parse_id(&input.order_id, "orderId")?;
        let change = Change {
            amount: (input.amount.amount.0, input.amount.currency.0),
            reason: input.reason,
            key: Key::parse(&input.idempotency_key)?,
        };
        ChargeShippingPenaltyPayload::of(service::charge_penalty(ctx.app(), ctx.actor(), order, change).await)
    }

    /// Gives up what a partner owes: its balance, which is below zero, comes nearer to zero by this.
    async fn write_off_balance(
        &self,
        ctx: &Context<'_>,
        input: WriteOffBalanceInput,
    ) -> Result<Option<WriteOffBalancePayload>, ApiError> {
        let partnership = parse_id(&input.partnership_id, "partnershipId")?;
        let change = Change {
            amount: (input.amount.amount.0, input.amount.currency.0),
            reason: input.reason,
            key: Key::parse(&input.idempotency_key)?,
        };
        WriteOffBalancePayload::of(service::write_off_balance(ctx.app(), ctx.actor(), partnership, change).await)
    }

    /// Releases what is kept in reserve of a partnership in a currency before its time: it becomes available.
    async fn release_reserve(
        &self,
        ctx: &Context<'_>,
        input: ReleaseReserveInput,
    ) -> Result<Option<ReleaseReservePayload>, ApiError> {
        let partnership = parse_id(&input.partnership_id, "partnershipId")?;
        let key = Key::parse(&input.idempotency_key)?;
        let currency = &input.currency.0;
        ReleaseReservePayload::of(
            service::release_reserve(ctx.app(), ctx.actor(), partnership, currency, &input.reason, &key).await,
        )
    }
}
