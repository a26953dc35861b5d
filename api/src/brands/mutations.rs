//! Brand mutations.

use async_graphql::{Context, Object};

use crate::{
    brands::{
        service::{self, CreateApiKey, CreateBrand},
        types::{
            CreateApiKeyInput, CreateApiKeyPayload, CreateBrandInput, CreateBrandPayload, RevokeApiKeyInput,
            RevokeApiKeyPayload, RotateApiKeyInput, RotateApiKeyPayload,
        },
    },
    error::ApiError,
    graphql::{
        context::{ContextExt, parse_id},
        scalars::percent_to_ppm,
    },
};

#[derive(Default)]
pub struct BrandMutations;

#[Object]
impl BrandMutations {
    /// Makes a brand; the caller becomes its owner.
    async fn create_brand(
        &self,
        ctx: &Context<'_>,
        input: CreateBrandInput,
    ) -> Result<Option<CreateBrandPayload>, ApiError> {
        let command = CreateBrand {
            slug: input.slug,
            name: input.name,
            website_url: input.website_url.0,
            currency: input.currency.0,
            reserve_ppm: input
                .reserve_percent
                .map(|percent| percent_to_ppm(percent, "reservePercent"))
                .transpose()?,
            payout_minimum: input.payout_minimum.map(|amount| amount.0),
        };
        CreateBrandPayload::of(service::create_brand(ctx.app(), ctx.actor(), command).await)
    }

    /// Makes an API key. Its text is in the answer and nowhere else.
    async fn create_api_key(
        &self,
        ctx: &Context<'_>,
        input: CreateApiKeyInput,
    ) -> Result<Option<CreateApiKeyPayload>, ApiError> {
        let command = CreateApiKey {
            brand: parse_id(&input.brand_id, "brandId")?,
            kind: input.kind.into(),
            mode: input.mode.into(),
            name: input.name,
            scopes: input.scopes.map(|scopes| scopes.into_iter().map(Into::into).collect()),
            expires_at: input.expires_at,
        };
        CreateApiKeyPayload::of(service::create_api_key(ctx.app(), ctx.actor(), command).await)
    }

    /// Makes a key in the place of another, with the same name, kind, mode and scopes. The old one works on for the overlap.
    async fn rotate_api_key(
        &self,
        ctx: &Context<'_>,
        input: RotateApiKeyInput,
    ) -> Result<Option<RotateApiKeyPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        let hours = input.overlap_hours.into();
        RotateApiKeyPayload::of(service::rotate_api_key(ctx.app(), ctx.actor(), id, hours).await)
    }

    /// Revokes an API key at once.
    async fn revoke_api_key(
        &self,
        ctx: &Context<'_>,
        input: RevokeApiKeyInput,
    ) -> Result<Option<RevokeApiKeyPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        RevokeApiKeyPayload::of(service::revoke_api_key(ctx.app(), ctx.actor(), id).await)
    }
}
