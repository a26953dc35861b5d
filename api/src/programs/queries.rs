//! Program queries.

use async_graphql::{Context, ID, Object};

use crate::{
    error::ApiError,
    graphql::{
        context::{ContextExt, parse_id},
        objects::Program,
    },
    programs::service,
};

#[derive(Default)]
pub struct ProgramQueries;

#[Object]
impl ProgramQueries {
    /// A program by its id. Active and paused programs are for everyone; drafts and archived ones for their brand.
    async fn program(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A program id.")] id: ID,
    ) -> Result<Option<Program>, ApiError> {
        let id = parse_id(&id, "id")?;
        service::get_program(ctx.app(), ctx.actor(), id)
            .await
            .map(|row| Some(row.into()))
    }
}
