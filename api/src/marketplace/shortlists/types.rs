//! Marks as the schema shows them.

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{
    creator_mark,
    ids::{BrandId, ListingId, PartnerId},
    listing_mark,
};

use super::{
    error::{MarkError, MarkErrorCode},
    loaders::CreatorMarkOf,
    service::{self, MarkPatch},
};
use crate::{
    connection,
    error::ApiError,
    graphql::{
        context::{ContextExt, not_null, nullable, parse_id},
        objects::Partner,
    },
    marketplace::types::Listing,
    page, payload,
};

/// Which marks to list.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "service::MarkKind")]
pub enum MarkKind {
    /// What is saved.
    Saved,
    /// What is hidden.
    Hidden,
    /// What has a note.
    Noted,
}

/// What a partner's people marked of a listing. Nobody else sees it.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct ListingMark {
    /// Whether it is saved.
    pub saved: bool,
    /// Since when it is saved.
    pub saved_at: Option<DateTime<Utc>>,
    /// Whether it is hidden: a search with `forPartnerId` leaves it out.
    pub hidden: bool,
    /// Since when it is hidden.
    pub hidden_at: Option<DateTime<Utc>>,
    /// The note on it.
    pub note: Option<String>,
    /// When the note was written.
    pub noted_at: Option<DateTime<Utc>>,
    #[graphql(skip)]
    pub listing_id: ListingId,
}

impl From<listing_mark::Model> for ListingMark {
    fn from(row: listing_mark::Model) -> Self {
        Self {
            saved: row.saved_id.is_some(),
            saved_at: row.saved_at,
            hidden: row.hidden_id.is_some(),
            hidden_at: row.hidden_at,
            note: row.note,
            noted_at: row.noted_at,
            listing_id: row.listing_id,
        }
    }
}

#[ComplexObject]
impl ListingMark {
    /// The listing.
    async fn listing(&self, ctx: &Context<'_>) -> Result<Option<Listing>, ApiError> {
        Ok(ctx.load(self.listing_id).await?.map(Listing::from))
    }
}

connection! {
    /// What a partner marked.
    ListingMarkConnection, ListingMarkEdge of ListingMark
}

/// What a brand's members marked of a creator. Nobody else sees it, the creator neither.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct CreatorMark {
    /// Whether it is saved.
    pub saved: bool,
    /// Since when it is saved.
    pub saved_at: Option<DateTime<Utc>>,
    /// Whether it is hidden: `marketplaceCreators` leaves it out.
    pub hidden: bool,
    /// Since when it is hidden.
    pub hidden_at: Option<DateTime<Utc>>,
    /// The note on it.
    pub note: Option<String>,
    /// When the note was written.
    pub noted_at: Option<DateTime<Utc>>,
    #[graphql(skip)]
    pub partner_id: PartnerId,
}

impl From<creator_mark::Model> for CreatorMark {
    fn from(row: creator_mark::Model) -> Self {
        Self {
            saved: row.saved_id.is_some(),
            saved_at: row.saved_at,
            hidden: row.hidden_id.is_some(),
            hidden_at: row.hidden_at,
            note: row.note,
            noted_at: row.noted_at,
            partner_id: row.partner_id,
        }
    }
}

#[ComplexObject]
impl CreatorMark {
    /// The creator.
    async fn partner(&self, ctx: &Context<'_>) -> Result<Option<Partner>, ApiError> {
        Ok(ctx.load(self.partner_id).await?.map(Partner::from))
    }
}

connection! {
    /// What a brand marked.
    CreatorMarkConnection, CreatorMarkEdge of CreatorMark
}

/// What marks add to `Partner`.
#[derive(Clone)]
pub struct MarksOfPartner(pub PartnerId);

#[Object]
impl MarksOfPartner {
    /// The listings the partner has saved, hidden or noted, the one marked last first. What is no longer open to partners is
    /// left out. For the partner's people only.
    #[graphql(complexity = "page::cost(first, last, child_complexity)")]
    #[allow(clippy::too_many_arguments)]
    async fn listing_marks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones.")] kind: MarkKind,
        #[graphql(desc = "Items from the front, at most 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Items from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items in front of this cursor.")] before: Option<String>,
    ) -> Result<Option<ListingMarkConnection>, ApiError> {
        let page = ctx.page(first, after, last, before)?;
        let slice = service::list_listing_marks(ctx.app(), ctx.actor(), self.0, kind.into(), &page).await?;
        Ok(Some(slice.into()))
    }

    /// What a brand of the caller marked of this creator. Absent when it marked nothing, and for whoever is not of the brand.
    async fn mark(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The brand in whose name the caller looks.")] brand_id: ID,
    ) -> Result<Option<CreatorMark>, ApiError> {
        let brand = parse_id(&brand_id, "brandId")?;
        Ok(ctx.load(CreatorMarkOf(brand, self.0)).await?.map(CreatorMark::from))
    }
}

/// What marks add to `Brand`.
#[derive(Clone)]
pub struct MarksOfBrand(pub BrandId);

#[Object]
impl MarksOfBrand {
    /// The creators the brand has saved, hidden or noted, the one marked last first. For the brand's members only.
    #[graphql(complexity = "page::cost(first, last, child_complexity)")]
    #[allow(clippy::too_many_arguments)]
    async fn creator_marks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones.")] kind: MarkKind,
        #[graphql(desc = "Items from the front, at most 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Items from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items in front of this cursor.")] before: Option<String>,
    ) -> Result<Option<CreatorMarkConnection>, ApiError> {
        let page = ctx.page(first, after, last, before)?;
        let slice = service::list_creator_marks(ctx.app(), ctx.actor(), self.0, kind.into(), &page).await?;
        Ok(Some(slice.into()))
    }
}

/// What a partner marks of a listing; what is absent stays.
#[derive(InputObject)]
pub struct MarkListingInput {
    /// The listing; the caller must be able to see it.
    pub listing_id: ID,
    /// The partner in whose name it is marked.
    pub partner_id: ID,
    /// Whether it is to be saved.
    pub saved: MaybeUndefined<bool>,
    /// Whether it is to be hidden; at most 1,000 are.
    pub hidden: MaybeUndefined<bool>,
    /// 1 to 2,000 characters. Null takes the note away.
    pub note: MaybeUndefined<String>,
}

/// What a brand marks of a creator; what is absent stays.
#[derive(InputObject)]
pub struct MarkCreatorInput {
    /// The creator.
    pub partner_id: ID,
    /// The brand in whose name it is marked.
    pub brand_id: ID,
    /// Whether it is to be saved.
    pub saved: MaybeUndefined<bool>,
    /// Whether it is to be hidden; at most 1,000 are.
    pub hidden: MaybeUndefined<bool>,
    /// 1 to 2,000 characters. Null takes the note away.
    pub note: MaybeUndefined<String>,
}

pub(super) fn read_patch(
    saved: MaybeUndefined<bool>,
    hidden: MaybeUndefined<bool>,
    note: MaybeUndefined<String>,
) -> Result<MarkPatch, ApiError> {
    Ok(MarkPatch {
        saved: not_null(saved, "saved")?,
        hidden: not_null(hidden, "hidden")?,
        note: nullable(note),
    })
}

payload! {
    /// What `markListing` answers.
    MarkListingPayload {
        /// The listing; its `mark` is as it is now.
        listing: Listing
    } refused by MarkError, MarkErrorCode
}

payload! {
    /// What `markCreator` answers.
    MarkCreatorPayload {
        /// The creator; its `mark` is as it is now.
        partner: Partner
    } refused by MarkError, MarkErrorCode
}
