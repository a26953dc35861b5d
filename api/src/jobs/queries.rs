//! Queries of jobs.

use async_graphql::{Context, Object};

use crate::{
    error::ApiError,
    graphql::context::ContextExt,
    jobs::{dead, types::JobConnection},
    page,
};

#[derive(Default)]
pub struct JobQueries;

#[Object]
impl JobQueries {
    /// Jobs that failed for good, the youngest first. For platform administrators.
    #[graphql(complexity = "page::cost(first, last, child_complexity)")]
    async fn dead_jobs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, at most 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Items from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items in front of this cursor.")] before: Option<String>,
    ) -> Result<Option<JobConnection>, ApiError> {
        let page = ctx.page(first, after, last, before)?;
        let slice = dead::list_dead_jobs(ctx.app(), ctx.actor(), &page).await?;
        Ok(Some(slice.into()))
    }
}
