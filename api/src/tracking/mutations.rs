//! Mutations of links and codes.

use async_graphql::{Context, Object};

use crate::{
    error::ApiError,
    graphql::context::{ContextExt, parse_id},
    tracking::{
        service::{self, CreateCode, CreateLink},
        types::{CreatePromoCodeInput, CreatePromoCodePayload, CreateTrackingLinkInput, CreateTrackingLinkPayload},
    },
};

#[derive(Default)]
pub struct TrackingMutations;

#[Object]
impl TrackingMutations {
    /// Makes a short link for a partnership.
    async fn create_tracking_link(
        &self,
        ctx: &Context<'_>,
        input: CreateTrackingLinkInput,
    ) -> Result<Option<CreateTrackingLinkPayload>, ApiError> {
        let command = CreateLink {
            partnership: parse_id(&input.partnership_id, "partnershipId")?,
            destination_url: input.destination_url.map(|url| url.0),
            slug: input.slug,
            name: input.name,
        };
        CreateTrackingLinkPayload::of(service::create_tracking_link(ctx.app(), ctx.actor(), command).await)
    }

    /// Makes a promo code for a partnership.
    async fn create_promo_code(
        &self,
        ctx: &Context<'_>,
        input: CreatePromoCodeInput,
    ) -> Result<Option<CreatePromoCodePayload>, ApiError> {
        let command = CreateCode {
            partnership: parse_id(&input.partnership_id, "partnershipId")?,
            code: input.code,
            expires_at: input.expires_at,
            usage_limit: input.usage_limit.map(i64::from),
        };
        CreatePromoCodePayload::of(service::create_promo_code(ctx.app(), ctx.actor(), command).await)
    }
}
