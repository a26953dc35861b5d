//! Partnership queries.

use async_graphql::{Context, Object};

use crate::{
    error::ApiError,
    graphql::context::ContextExt,
    partnerships::{service, types::ProgramInvitation},
};

#[derive(Default)]
pub struct PartnershipQueries;

#[Object]
impl PartnershipQueries {
    /// The invitation whose link was mailed, for whoever has the link; null when there is none, or when a newer link was
    /// sent.
    async fn program_invitation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What stands behind `#` in the link.")] token: String,
    ) -> Result<Option<ProgramInvitation>, ApiError> {
        let found = service::find_mailed_invitation(ctx.app(), ctx.actor(), &token).await?;
        Ok(found.map(ProgramInvitation::from))
    }
}
