//! Mutations of payout methods.

use async_graphql::{Context, Object};

use super::{
    service::{self, Confirmation},
    types::{
        AddPayoutMethodInput, AddPayoutMethodPayload, RemovePayoutMethodInput, RemovePayoutMethodPayload,
        SetPreferredPayoutMethodInput, SetPreferredPayoutMethodPayload,
    },
};
use crate::{
    error::{ApiError, Failure},
    graphql::context::{ContextExt, parse_id},
};

#[derive(Default)]
pub struct PayoutMethodMutations;

#[Object]
impl PayoutMethodMutations {
    /// Names an account that a partner is paid to. What is given is encrypted and never answered again, only masked. The
    /// partner's people are told by mail, and no payout goes there before `coolingOffUntil`. A wrong password counts like one
    /// of `signIn`.
    async fn add_payout_method(
        &self,
        ctx: &Context<'_>,
        input: AddPayoutMethodInput,
    ) -> Result<Option<AddPayoutMethodPayload>, ApiError> {
        let partner = parse_id(&input.partner_id, "partnerId")?;
        let confirmation = confirmation(ctx, input.current_password);
        let details = input.details.into();
        AddPayoutMethodPayload::of(
            service::add_payout_method(ctx.app(), ctx.actor(), partner, details, confirmation).await,
        )
    }

    /// Has payouts in a currency go to a method, in place of the oldest that receives it. When they went elsewhere before,
    /// the method cools off anew. The partner's people are told by mail.
    async fn set_preferred_payout_method(
        &self,
        ctx: &Context<'_>,
        input: SetPreferredPayoutMethodInput,
    ) -> Result<Option<SetPreferredPayoutMethodPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        let confirmation = confirmation(ctx, input.current_password);
        let (app, currency) = (ctx.app(), &input.currency.0);
        SetPreferredPayoutMethodPayload::of(
            service::set_preferred_payout_method(app, ctx.actor(), id, currency, confirmation).await,
        )
    }

    /// Takes a method away. Payouts that were drafted to it still go there; where later ones go instead cools off anew. The
    /// partner's people are told by mail.
    async fn remove_payout_method(
        &self,
        ctx: &Context<'_>,
        input: RemovePayoutMethodInput,
    ) -> Result<Option<RemovePayoutMethodPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        let confirmation = confirmation(ctx, input.current_password);
        let removed = async {
            let partner = service::remove_payout_method(ctx.app(), ctx.actor(), id, confirmation).await?;
            let partner = ctx.load(partner).await?;
            partner.ok_or_else(|| Failure::from(ApiError::not_found("partner")))
        };
        RemovePayoutMethodPayload::of(removed.await)
    }
}

fn confirmation(ctx: &Context<'_>, current_password: String) -> Confirmation {
    Confirmation {
        current_password,
        client: ctx.client(),
    }
}
