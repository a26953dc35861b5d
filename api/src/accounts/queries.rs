//! Account queries.

use async_graphql::{Context, ID, Object};

use crate::{
    accounts::{service, types::Viewer},
    error::ApiError,
    graphql::{
        context::{ContextExt, parse_id},
        objects::Partner,
    },
};

#[derive(Default)]
pub struct AccountQueries;

#[Object]
impl AccountQueries {
    /// The signed-in user.
    async fn viewer(&self, ctx: &Context<'_>) -> Result<Option<Viewer>, ApiError> {
        service::get_viewer(ctx.app(), ctx.actor()).await.map(Viewer).map(Some)
    }

    /// A partner account the caller acts for.
    async fn partner(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A partner id.")] id: ID,
    ) -> Result<Option<Partner>, ApiError> {
        let id = parse_id(&id, "id")?;
        service::get_partner(ctx.app(), ctx.actor(), id)
            .await
            .map(|row| Some(row.into()))
    }
}
