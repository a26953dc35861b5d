//! Mutations of jobs.

use async_graphql::{Context, Object};

use crate::{
    error::ApiError,
    graphql::context::{ContextExt, parse_id},
    jobs::{
        dead,
        types::{DiscardDeadJobInput, DiscardDeadJobPayload, RetryDeadJobInput, RetryDeadJobPayload},
    },
};

#[derive(Default)]
pub struct JobMutations;

#[Object]
impl JobMutations {
    /// Queues a dead job again, with all its attempts before it. For platform administrators.
    async fn retry_dead_job(
        &self,
        ctx: &Context<'_>,
        input: RetryDeadJobInput,
    ) -> Result<Option<RetryDeadJobPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        RetryDeadJobPayload::of(dead::retry_dead_job(ctx.app(), ctx.actor(), id).await)
    }

    /// Deletes a dead job: what it was to do is not done. For platform administrators.
    async fn discard_dead_job(
        &self,
        ctx: &Context<'_>,
        input: DiscardDeadJobInput,
    ) -> Result<Option<DiscardDeadJobPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        DiscardDeadJobPayload::of(dead::discard_dead_job(ctx.app(), ctx.actor(), id).await)
    }
}
