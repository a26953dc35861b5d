//! Mutations of payout rails.

use async_graphql::{Context, Object};

use super::{
    service,
    types::{ConnectPayoutRailInput, ConnectPayoutRailPayload, DisconnectPayoutRailInput, DisconnectPayoutRailPayload},
};
use crate::{
    error::ApiError,
    graphql::context::{ContextExt, parse_id},
    payouts::methods::service::Confirmation,
};

#[derive(Default)]
pub struct PayoutRailMutations;

#[Object]
impl PayoutRailMutations {
    /// Has a brand pay through a provider by credentials of its own, in place of those it had, or of the platform's. They are
    /// encrypted and never answered again, only masked. What is on its way is followed by the new ones. A wrong password counts
    /// like one of `signIn`.
    async fn connect_payout_rail(
        &self,
        ctx: &Context<'_>,
        input: ConnectPayoutRailInput,
    ) -> Result<Option<ConnectPayoutRailPayload>, ApiError> {
        let brand = parse_id(&input.brand_id, "brandId")?;
        let (environment, credentials) = (input.environment.into(), input.credentials.into());
        let confirmation = confirmation(ctx, input.current_password);
        let (app, actor) = (ctx.app(), ctx.actor());
        ConnectPayoutRailPayload::of(
            service::connect_payout_rail(app, actor, brand, environment, credentials, confirmation).await,
        )
    }

    /// Has a brand pay by its own credentials no more; where the platform has some, by those. What is on its way is still followed
    /// by the brand's.
    async fn disconnect_payout_rail(
        &self,
        ctx: &Context<'_>,
        input: DisconnectPayoutRailInput,
    ) -> Result<Option<DisconnectPayoutRailPayload>, ApiError> {
        let brand = parse_id(&input.brand_id, "brandId")?;
        let confirmation = confirmation(ctx, input.current_password);
        let rail = input.provider.into();
        DisconnectPayoutRailPayload::of(
            service::disconnect_payout_rail(ctx.app(), ctx.actor(), brand, rail, confirmation).await,
        )
    }
}

fn confirmation(ctx: &Context<'_>, current_password: String) -> Confirmation {
    Confirmation {
        current_password,
        client: ctx.client(),
    }
}
