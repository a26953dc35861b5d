//! Asking for matches.

use async_graphql::{Context, ID, Object};

use super::{
    creators, service,
    types::{CreatorMatch, ListingMatch},
};
use crate::{
    error::ApiError,
    graphql::context::{ContextExt, parse_id},
    page,
};

/// Matches of one answer at most, and when nobody says how many.
const MAX_MATCHES: i32 = 20;
const DEFAULT_MATCHES: i32 = 5;
/// What one answer costs beside what is asked of each match: its statements do not grow with it.
const COST: usize = 100;

#[derive(Default)]
pub struct MatchingQueries;

#[Object]
impl MatchingQueries {
    /// Open listings of other programs that are like this one, the most alike first: by category, partners in common,
    /// countries and terms. At most 200 are compared: the newest of its category, and those with the most partners in common.
    #[graphql(complexity = "COST + page::cost(Some(first.unwrap_or(DEFAULT_MATCHES)), None, child_complexity)")]
    async fn similar_listings(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "An open listing.")] listing_id: ID,
        #[graphql(desc = "How many, at most 20; 5 when absent.")] first: Option<i32>,
    ) -> Result<Option<Vec<ListingMatch>>, ApiError> {
        let listing = parse_id(&listing_id, "listingId")?;
        let found = service::similar_listings(ctx.app(), listing, read_first(first)?).await?;
        Ok(Some(found.into_iter().map(Into::into).collect()))
    }

    /// Open listings of programs for a partner, the best match first: by what its public profile says, the programs it is in,
    /// what it sold in the last 90 days, and where partners of its programs are too. Left out are programs it is or was in or
    /// has asked, and what it has hidden. At most 200 are compared: the newest of its categories, and those with the most
    /// partners in common. Empty for a partner of whom nothing is known.
    #[graphql(complexity = "COST + page::cost(Some(first.unwrap_or(DEFAULT_MATCHES)), None, child_complexity)")]
    async fn recommended_listings(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The partner.")] partner_id: ID,
        #[graphql(desc = "How many, at most 20; 5 when absent.")] first: Option<i32>,
    ) -> Result<Option<Vec<ListingMatch>>, ApiError> {
        let partner = parse_id(&partner_id, "partnerId")?;
        let found = service::recommended_listings(ctx.app(), ctx.actor(), partner, read_first(first)?).await?;
        Ok(Some(found.into_iter().map(Into::into).collect()))
    }

    /// Creators with a public profile for a program, for the people of its brand, the best match first: by what they are
    /// about, what they sold in the last 90 days, where their audience is, how many follow them, and the programs they are in
    /// with its partners; it is compared by its newest listing. Left out is who takes no work, is or was in the program, has
    /// asked or was asked into it, or was hidden by the brand. At most 200 are compared: the most followed of its category
    /// where it is open, and those in most programs with its partners.
    #[graphql(complexity = "COST + page::cost(Some(first.unwrap_or(DEFAULT_MATCHES)), None, child_complexity)")]
    async fn recommended_creators(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The program.")] program_id: ID,
        #[graphql(desc = "How many, at most 20; 5 when absent.")] first: Option<i32>,
    ) -> Result<Option<Vec<CreatorMatch>>, ApiError> {
        let program = parse_id(&program_id, "programId")?;
        let found = creators::recommended_creators(ctx.app(), ctx.actor(), program, read_first(first)?).await?;
        Ok(Some(found.into_iter().map(Into::into).collect()))
    }
}

fn read_first(first: Option<i32>) -> Result<usize, ApiError> {
    let first = first.unwrap_or(DEFAULT_MATCHES);
    let fits = usize::try_from(first)
        .ok()
        .filter(|_| (1..=MAX_MATCHES).contains(&first));
    fits.ok_or_else(|| ApiError::bad_field("first", format!("`first` must be between 1 and {MAX_MATCHES}")))
}
