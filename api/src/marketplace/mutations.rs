//! Listing mutations.

use async_graphql::{Context, Object};
use entity::listing::PayoutMethods;

use crate::{
    error::ApiError,
    graphql::{
        context::{ContextExt, not_null, parse_id},
        scalars::CountryCode,
    },
    marketplace::{
        service::{self, Content, Patch},
        types::{
            ArchiveListingInput, ArchiveListingPayload, CreateListingInput, CreateListingPayload, FeatureListingInput,
            FeatureListingPayload, ListingPayoutMethod, PauseListingInput, PauseListingPayload, PublishListingInput,
            PublishListingPayload, UpdateListingInput, UpdateListingPayload,
        },
    },
};

#[derive(Default)]
pub struct MarketplaceMutations;

#[Object]
impl MarketplaceMutations {
    /// Makes the listing of a program, as a draft.
    async fn create_listing(
        &self,
        ctx: &Context<'_>,
        input: CreateListingInput,
    ) -> Result<Option<CreateListingPayload>, ApiError> {
        let program = parse_id(&input.program_id, "programId")?;
        let content = Content {
            title: input.title,
            pitch: input.pitch,
            category: input.category,
            countries: codes(input.countries),
            payout_methods: methods(input.payout_methods),
        };
        CreateListingPayload::of(service::create_listing(ctx.app(), ctx.actor(), program, content).await)
    }

    /// Changes a listing. What the patch leaves out stays as it is.
    async fn update_listing(
        &self,
        ctx: &Context<'_>,
        input: UpdateListingInput,
    ) -> Result<Option<UpdateListingPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        let patch = Patch {
            title: not_null(input.patch.title, "patch.title")?,
            pitch: not_null(input.patch.pitch, "patch.pitch")?,
            category: not_null(input.patch.category, "patch.category")?,
            countries: not_null(input.patch.countries, "patch.countries")?.map(codes),
            payout_methods: not_null(input.patch.payout_methods, "patch.payoutMethods")?.map(methods),
        };
        UpdateListingPayload::of(service::update_listing(ctx.app(), ctx.actor(), id, patch).await)
    }

    /// Puts a draft or paused listing into the marketplace. Its program must be active and have a
    /// commission rule, or at least a note that says what to ask for.
    async fn publish_listing(
        &self,
        ctx: &Context<'_>,
        input: PublishListingInput,
    ) -> Result<Option<PublishListingPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        PublishListingPayload::of(service::publish_listing(ctx.app(), ctx.actor(), id, input.reason.as_deref()).await)
    }

    /// Takes a published listing out of the marketplace for the time being.
    async fn pause_listing(
        &self,
        ctx: &Context<'_>,
        input: PauseListingInput,
    ) -> Result<Option<PauseListingPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        PauseListingPayload::of(service::pause_listing(ctx.app(), ctx.actor(), id, input.reason.as_deref()).await)
    }

    /// Ends a draft or paused listing for good; a published one is paused first. Its program may have another listing.
    async fn archive_listing(
        &self,
        ctx: &Context<'_>,
        input: ArchiveListingInput,
    ) -> Result<Option<ArchiveListingPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        ArchiveListingPayload::of(service::archive_listing(ctx.app(), ctx.actor(), id, input.reason.as_deref()).await)
    }

    /// Shows a published listing first (`ListingWhere.featured`) until a moment, or no longer. For the platform.
    async fn feature_listing(
        &self,
        ctx: &Context<'_>,
        input: FeatureListingInput,
    ) -> Result<Option<FeatureListingPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        let (until, reason) = (input.until, input.reason.as_deref());
        FeatureListingPayload::of(service::feature_listing(ctx.app(), ctx.actor(), id, until, reason).await)
    }
}

fn methods(methods: Vec<ListingPayoutMethod>) -> PayoutMethods {
    methods.into_iter().map(Into::into).collect()
}

fn codes(countries: Vec<CountryCode>) -> Vec<String> {
    countries.into_iter().map(|code| code.0).collect()
}
