//! Mutations of saved searches.

use async_graphql::{Context, Object};

use super::{
    service::{self, Patch},
    types::{
        DeleteSavedSearchInput, DeleteSavedSearchPayload, MarkSavedSearchSeenInput, MarkSavedSearchSeenPayload,
        SaveSearchInput, SaveSearchPayload, UpdateSavedSearchInput, UpdateSavedSearchPayload, write_where,
    },
};
use crate::{
    error::{ApiError, Failure},
    graphql::context::{ContextExt, not_null, parse_id},
};

#[derive(Default)]
pub struct SavedSearchMutations;

#[Object]
impl SavedSearchMutations {
    /// Keeps a search of listings for a partner, at most 20. What it finds within the first minute is not new; what comes
    /// later is in `SavedSearch.newListings`, and in a mail when that is wanted.
    async fn save_search(
        &self,
        ctx: &Context<'_>,
        input: SaveSearchInput,
    ) -> Result<Option<SaveSearchPayload>, ApiError> {
        let partner = parse_id(&input.partner_id, "partnerId")?;
        let query = write_where(&input.filter, ctx.app().clock.now())?;
        let notify = input.notify.into();
        SaveSearchPayload::of(service::save_search(ctx.app(), ctx.actor(), partner, &input.name, query, notify).await)
    }

    /// Changes a saved search. What the patch leaves out stays as it is.
    async fn update_saved_search(
        &self,
        ctx: &Context<'_>,
        input: UpdateSavedSearchInput,
    ) -> Result<Option<UpdateSavedSearchPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        let now = ctx.app().clock.now();
        let query = not_null(input.patch.filter, "patch.where")?
            .map(|filter| write_where(&filter, now))
            .transpose()?;
        let patch = Patch {
            name: not_null(input.patch.name, "patch.name")?,
            query,
            notify: not_null(input.patch.notify, "patch.notify")?.map(Into::into),
        };
        UpdateSavedSearchPayload::of(service::update_saved_search(ctx.app(), ctx.actor(), id, patch).await)
    }

    /// Deletes a saved search, and what was found for it.
    async fn delete_saved_search(
        &self,
        ctx: &Context<'_>,
        input: DeleteSavedSearchInput,
    ) -> Result<Option<DeleteSavedSearchPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        let deleted = async {
            let partner = service::delete_saved_search(ctx.app(), ctx.actor(), id).await?;
            let partner = ctx.load(partner).await?;
            partner.ok_or_else(|| Failure::from(ApiError::not_found("partner")))
        };
        DeleteSavedSearchPayload::of(deleted.await)
    }

    /// Says that what is new to a saved search was seen.
    async fn mark_saved_search_seen(
        &self,
        ctx: &Context<'_>,
        input: MarkSavedSearchSeenInput,
    ) -> Result<Option<MarkSavedSearchSeenPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        MarkSavedSearchSeenPayload::of(service::mark_saved_search_seen(ctx.app(), ctx.actor(), id).await)
    }
}
