//! Listings as the schema shows them.

pub mod find;

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{
    ids::{BrandId, ListingId, ProgramId},
    listing,
};

use crate::{
    error::ApiError,
    graphql::{
        context::{ContextExt, parse_id},
        objects::{Brand, Program},
        scalars::CountryCode,
    },
    marketplace::{
        error::{ListingError, ListingErrorCode},
        loaders::ListingOf,
        service,
        shortlists::{loaders::ListingMarkOf, types::ListingMark},
        trust::{loaders::ProgramTrustOf, types::ListingTrust},
    },
    payload,
};

/// Where a listing is in its life.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "listing::ListingState")]
pub enum ListingState {
    /// Being prepared; seen by its brand only.
    Draft,
    /// In the marketplace, while its program is active.
    Published,
    /// Taken out of the marketplace for the time being.
    Paused,
    /// Over for good. The program may have another listing.
    Archived,
}

/// A program's face in the marketplace.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct Listing {
    /// Global id.
    pub id: ID,
    /// One line that says what is promoted.
    pub title: String,
    /// Why a partner should join.
    pub pitch: String,
    /// A slug such as `home-garden`.
    pub category: String,
    /// The countries it is open to; empty means everywhere.
    pub countries: Vec<CountryCode>,
    /// Where it is in its life.
    pub state: ListingState,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was first published.
    pub published_at: Option<DateTime<Utc>>,
    #[graphql(skip)]
    pub listing_id: ListingId,
    #[graphql(skip)]
    pub program_id: ProgramId,
    #[graphql(skip)]
    pub brand_id: BrandId,
}

impl From<listing::Model> for Listing {
    fn from(row: listing::Model) -> Self {
        Self {
            id: row.id.to_string().into(),
            title: row.title,
            pitch: row.pitch,
            category: row.category,
            countries: service::split(&row.countries).into_iter().map(CountryCode).collect(),
            state: row.state.into(),
            created_at: row.created_at,
            published_at: row.published_at,
            listing_id: row.id,
            program_id: row.program_id,
            brand_id: row.brand_id,
        }
    }
}

#[ComplexObject]
impl Listing {
    /// The program it stands for.
    async fn program(&self, ctx: &Context<'_>) -> Result<Option<Program>, ApiError> {
        Ok(ctx.load(self.program_id).await?.map(Program::from))
    }

    /// The brand whose program it is.
    async fn brand(&self, ctx: &Context<'_>) -> Result<Option<Brand>, ApiError> {
        Ok(ctx.load(self.brand_id).await?.map(Brand::from))
    }

    /// How its program does by its partners. Absent until something was counted.
    async fn trust(&self, ctx: &Context<'_>) -> Result<Option<ListingTrust>, ApiError> {
        Ok(ctx.load(ProgramTrustOf(self.program_id)).await?.map(Into::into))
    }

    /// What a partner of the caller marked of it. Absent when it marked nothing, and for whoever is not of the partner.
    async fn mark(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The partner in whose name the caller looks.")] partner_id: ID,
    ) -> Result<Option<ListingMark>, ApiError> {
        let partner = parse_id(&partner_id, "partnerId")?;
        let mark = ctx.load(ListingMarkOf(partner, self.listing_id)).await?;
        Ok(mark.map(ListingMark::from))
    }
}

/// What the marketplace adds to `Program`.
#[derive(Clone)]
pub struct ListingOfProgram(pub ProgramId);

#[Object]
impl ListingOfProgram {
    /// The program's face in the marketplace. Absent when it has none but archived ones, and for whoever is not of the
    /// brand while it is not published or the program is not active.
    async fn listing(&self, ctx: &Context<'_>) -> Result<Option<Listing>, ApiError> {
        Ok(ctx.load(ListingOf(self.0)).await?.map(Listing::from))
    }
}

/// Which end of an order comes first.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
pub enum OrderDirection {
    /// From the least to the greatest: the oldest first.
    Asc,
    /// From the greatest to the least: the newest first.
    Desc,
}

/// A new listing, as a draft.
#[derive(InputObject)]
pub struct CreateListingInput {
    /// The program it stands for; a program has one listing that is not archived.
    pub program_id: ID,
    /// 1 to 120 characters on one line.
    pub title: String,
    /// Why a partner should join: 1 to 2,000 characters.
    pub pitch: String,
    /// 2 to 40 lower-case letters, digits or hyphens.
    pub category: String,
    /// The countries it is open to, at most 250; everywhere when empty.
    #[graphql(default)]
    pub countries: Vec<CountryCode>,
}

/// What to change of a listing; what is absent stays.
#[derive(InputObject)]
pub struct ListingPatchInput {
    /// 1 to 120 characters on one line.
    pub title: MaybeUndefined<String>,
    /// 1 to 2,000 characters.
    pub pitch: MaybeUndefined<String>,
    /// 2 to 40 lower-case letters, digits or hyphens.
    pub category: MaybeUndefined<String>,
    /// The countries it is open to, at most 250; everywhere when empty.
    pub countries: MaybeUndefined<Vec<CountryCode>>,
}

/// A change of a listing.
#[derive(InputObject)]
pub struct UpdateListingInput {
    /// The listing.
    pub id: ID,
    /// What to change.
    pub patch: ListingPatchInput,
}

/// A listing to publish.
#[derive(InputObject)]
pub struct PublishListingInput {
    /// The listing.
    pub id: ID,
    /// Why, for the audit log: 1 to 500 characters.
    pub reason: Option<String>,
}

/// A listing to pause.
#[derive(InputObject)]
pub struct PauseListingInput {
    /// The listing.
    pub id: ID,
    /// Why, for the audit log: 1 to 500 characters.
    pub reason: Option<String>,
}

/// A listing to archive.
#[derive(InputObject)]
pub struct ArchiveListingInput {
    /// The listing.
    pub id: ID,
    /// Why, for the audit log: 1 to 500 characters.
    pub reason: Option<String>,
}

payload! {
    /// What `createListing` answers.
    CreateListingPayload {
        /// The new listing, a draft.
        listing: Listing
    } refused by ListingError, ListingErrorCode
}

payload! {
    /// What `updateListing` answers.
    UpdateListingPayload {
        /// The listing as it is now.
        listing: Listing
    } refused by ListingError, ListingErrorCode
}

payload! {
    /// What `publishListing` answers.
    PublishListingPayload {
        /// The listing, published.
        listing: Listing
    } refused by ListingError, ListingErrorCode
}

payload! {
    /// What `pauseListing` answers.
    PauseListingPayload {
        /// The listing, paused.
        listing: Listing
    } refused by ListingError, ListingErrorCode
}

payload! {
    /// What `archiveListing` answers.
    ArchiveListingPayload {
        /// The listing, archived.
        listing: Listing
    } refused by ListingError, ListingErrorCode
}
