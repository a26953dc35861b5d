//! Brand queries.

use async_graphql::{Context, ID, Object};

use crate::{
    brands::service,
    error::ApiError,
    graphql::{
        context::{ContextExt, parse_id},
        objects::Brand,
    },
};

#[derive(Default)]
pub struct BrandQueries;

#[Object]
impl BrandQueries {
    /// A brand by its id. Its public fields are for everyone; each list says whom it is for.
    async fn brand(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A brand id.")] id: ID,
    ) -> Result<Option<Brand>, ApiError> {
        let id = parse_id(&id, "id")?;
        service::get_brand(ctx.app(), id).await.map(|row| Some(row.into()))
    }
}
