//! Mutations of marks.

use async_graphql::{Context, Object};

use super::{
    service,
    types::{MarkCreatorInput, MarkCreatorPayload, MarkListingInput, MarkListingPayload, read_patch},
};
use crate::{
    error::ApiError,
    graphql::context::{ContextExt, parse_id},
};

#[derive(Default)]
pub struct ShortlistMutations;

#[Object]
impl ShortlistMutations {
    /// Saves or hides a listing for a partner, or keeps a note on it; what is left out stays as it is. Only the partner's
    /// people see it. The same again changes nothing.
    async fn mark_listing(
        &self,
        ctx: &Context<'_>,
        input: MarkListingInput,
    ) -> Result<Option<MarkListingPayload>, ApiError> {
        let partner = parse_id(&input.partner_id, "partnerId")?;
        let listing = parse_id(&input.listing_id, "listingId")?;
        let patch = read_patch(input.saved, input.hidden, input.note)?;
        MarkListingPayload::of(service::mark_listing(ctx.app(), ctx.actor(), partner, listing, patch).await)
    }

    /// Saves or hides a creator for a brand, or keeps a note on it; what is left out stays as it is. Only the brand's members
    /// see it. The same again changes nothing.
    async fn mark_creator(
        &self,
        ctx: &Context<'_>,
        input: MarkCreatorInput,
    ) -> Result<Option<MarkCreatorPayload>, ApiError> {
        let brand = parse_id(&input.brand_id, "brandId")?;
        let creator = parse_id(&input.partner_id, "partnerId")?;
        let patch = read_patch(input.saved, input.hidden, input.note)?;
        MarkCreatorPayload::of(service::mark_creator(ctx.app(), ctx.actor(), brand, creator, patch).await)
    }
}
