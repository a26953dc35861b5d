//! Saved searches as the schema shows them.

use async_graphql::{
    ComplexObject, Context, Enum, ID, InputObject, InputType, MaybeUndefined, Object, SimpleObject, Value,
};
use chrono::{DateTime, Utc};
use entity::{
    ids::{ListingId, PartnerId, SavedSearchId},
    saved_search, saved_search_hit,
};

use super::{
    error::{SavedSearchError, SavedSearchErrorCode},
    loaders::NewCountOf,
    rules, service,
};
use crate::{
    connection,
    error::ApiError,
    graphql::{context::ContextExt, objects::Partner},
    marketplace::{
        queries::read_text,
        types::{Listing, conditions::Where, find::ListingWhere},
    },
    page, payload,
};

/// How often its owner is told by mail of what is new.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "saved_search::Notify")]
pub enum SavedSearchNotify {
    /// Not at all; what is new is counted daily.
    Never,
    /// Within about ten minutes.
    AtOnce,
    /// Once a day at most.
    Daily,
    /// Once a week at most.
    Weekly,
}

/// A search of listings that a partner keeps. Only its people see it.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct SavedSearch {
    /// Global id.
    pub id: ID,
    /// What its owner calls it.
    pub name: String,
    /// The conditions (`ListingWhere`) as they were given, JSON: to be given to `marketplaceListings` again.
    pub where_json: String,
    /// How often its owner is told by mail.
    pub notify: SavedSearchNotify,
    /// When it was last looked at; absent until what there was already is known, within about a minute.
    pub checked_at: Option<DateTime<Utc>>,
    /// When it was saved.
    pub created_at: DateTime<Utc>,
    #[graphql(skip)]
    pub row_id: SavedSearchId,
}

impl From<saved_search::Model> for SavedSearch {
    fn from(row: saved_search::Model) -> Self {
        Self {
            id: row.id.to_string().into(),
            name: row.name,
            where_json: row.query,
            notify: row.notify.into(),
            checked_at: row.checked_at,
            created_at: row.created_at,
            row_id: row.id,
        }
    }
}

#[ComplexObject]
impl SavedSearch {
    /// How many listings are new and open to partners.
    async fn new_count(&self, ctx: &Context<'_>) -> Result<Option<i32>, ApiError> {
        let count = ctx.load(NewCountOf(self.row_id)).await?.unwrap_or_default();
        Ok(Some(i32::try_from(count).unwrap_or(i32::MAX)))
    }

    /// What is new and open to partners, found last first: until `markSavedSearchSeen`.
    #[graphql(complexity = "page::cost(first, last, child_complexity)")]
    async fn new_listings(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, at most 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Items from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items in front of this cursor.")] before: Option<String>,
    ) -> Result<Option<SavedSearchHitConnection>, ApiError> {
        let page = ctx.page(first, after, last, before)?;
        Ok(Some(service::list_new(ctx.app(), self.row_id, &page).await?.into()))
    }
}

connection! {
    /// Searches that a partner keeps.
    SavedSearchConnection, SavedSearchEdge of SavedSearch
}

/// A listing that is new to a saved search.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct SavedSearchHit {
    /// When it was found.
    pub found_at: DateTime<Utc>,
    #[graphql(skip)]
    pub listing_id: ListingId,
}

impl From<saved_search_hit::Model> for SavedSearchHit {
    fn from(row: saved_search_hit::Model) -> Self {
        Self {
            found_at: row.found_at,
            listing_id: row.listing_id,
        }
    }
}

#[ComplexObject]
impl SavedSearchHit {
    /// The listing.
    async fn listing(&self, ctx: &Context<'_>) -> Result<Option<Listing>, ApiError> {
        Ok(ctx.load(self.listing_id).await?.map(Listing::from))
    }
}

connection! {
    /// What is new to a saved search.
    SavedSearchHitConnection, SavedSearchHitEdge of SavedSearchHit
}

/// What saved searches add to `Partner`.
#[derive(Clone)]
pub struct SavedSearchesOfPartner(pub PartnerId);

#[Object]
impl SavedSearchesOfPartner {
    /// The searches it keeps, the newest first: at most 20. For the partner's people only.
    #[graphql(complexity = "page::cost(first, last, child_complexity)")]
    async fn saved_searches(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, at most 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Items from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items in front of this cursor.")] before: Option<String>,
    ) -> Result<Option<SavedSearchConnection>, ApiError> {
        let page = ctx.page(first, after, last, before)?;
        let slice = service::list_saved_searches(ctx.app(), ctx.actor(), self.0, &page).await?;
        Ok(Some(slice.into()))
    }
}

/// A search to keep.
#[derive(InputObject)]
pub struct SaveSearchInput {
    /// The partner who keeps it.
    pub partner_id: ID,
    /// 1 to 80 characters on one line.
    pub name: String,
    /// What to find; everything when empty. At most 10,000 bytes as JSON.
    #[graphql(name = "where")]
    pub filter: ListingWhere,
    /// How often to tell the partner's people, whose addresses are proved, what is new.
    #[graphql(default_with = "SavedSearchNotify::Daily")]
    pub notify: SavedSearchNotify,
}

/// What to change of a saved search; what is absent stays.
#[derive(InputObject)]
pub struct SavedSearchPatchInput {
    /// 1 to 80 characters on one line.
    pub name: MaybeUndefined<String>,
    /// Other conditions: what they find at first is not new.
    #[graphql(name = "where")]
    pub filter: MaybeUndefined<ListingWhere>,
    /// How often to tell.
    pub notify: MaybeUndefined<SavedSearchNotify>,
}

/// A change of a saved search.
#[derive(InputObject)]
pub struct UpdateSavedSearchInput {
    /// The search.
    pub id: ID,
    /// What to change.
    pub patch: SavedSearchPatchInput,
}

/// A saved search to delete.
#[derive(InputObject)]
pub struct DeleteSavedSearchInput {
    /// The search.
    pub id: ID,
}

/// A saved search of which nothing is new any more.
#[derive(InputObject)]
pub struct MarkSavedSearchSeenInput {
    /// The search.
    pub id: ID,
}

payload! {
    /// What `saveSearch` answers.
    SaveSearchPayload {
        /// The search.
        saved_search: SavedSearch
    } refused by SavedSearchError, SavedSearchErrorCode
}

payload! {
    /// What `updateSavedSearch` answers.
    UpdateSavedSearchPayload {
        /// The search as it is now.
        saved_search: SavedSearch
    } refused by SavedSearchError, SavedSearchErrorCode
}

payload! {
    /// What `deleteSavedSearch` answers.
    DeleteSavedSearchPayload {
        /// Whose search it was.
        partner: Partner
    } refused by SavedSearchError, SavedSearchErrorCode
}

payload! {
    /// What `markSavedSearchSeen` answers.
    MarkSavedSearchSeenPayload {
        /// The search as it is now.
        saved_search: SavedSearch
    } refused by SavedSearchError, SavedSearchErrorCode
}

/// Conditions as they are kept, once they can be asked.
pub(super) fn write_where(filter: &ListingWhere, now: DateTime<Utc>) -> Result<String, ApiError> {
    filter.filter(now)?;
    read_text(filter.text.as_deref(), "where.text")?;
    let json = filter.to_value().into_json().map_err(ApiError::internal)?;
    Ok(rules::given(json).to_string())
}

/// The conditions that were kept.
pub(super) fn read_where(json: &str) -> Result<ListingWhere, ApiError> {
    let json: serde_json::Value = serde_json::from_str(json).map_err(ApiError::internal)?;
    let value = Value::from_json(json).map_err(ApiError::internal)?;
    ListingWhere::parse(Some(value))
        .map_err(|error| ApiError::internal(error.into_server_error(Default::default()).message))
}
