//! Finding creators.

use async_graphql::{Context, ID, Object};

use super::types::find::{CreatorConnection, CreatorFacets, CreatorOrder, CreatorWhere};
use crate::{
    error::ApiError,
    graphql::context::{ContextExt, parse_id},
    infra::search::{Query, schema::creators},
    marketplace::{
        find,
        queries::{read_page, read_text},
        shortlists::service as shortlists,
        types::conditions::Where,
    },
    page,
};

#[derive(Default)]
pub struct CreatorQueries;

#[Object]
impl CreatorQueries {
    /// Creators with a public profile, for the people of brands: by relevance when a text is asked for, else the newest
    /// first; forward only, as ranks move. Those that the brand has hidden are left out.
    #[graphql(complexity = "page::cost(first, None, child_complexity)")]
    #[allow(clippy::too_many_arguments)]
    async fn marketplace_creators(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The brand in whose name the caller looks.")] for_brand_id: ID,
        #[graphql(name = "where", desc = "Which ones; all when absent.")] filter: Option<CreatorWhere>,
        #[graphql(desc = "In which order.")] order_by: Option<CreatorOrder>,
        #[graphql(desc = "Items of the page, at most 100; 20 when absent.")] first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor; it may lie at most 10,000 items into the list.")]
        after: Option<String>,
    ) -> Result<Option<CreatorConnection>, ApiError> {
        let brand = parse_id(&for_brand_id, "forBrandId")?;
        let hidden = shortlists::list_hidden_creators(ctx.app(), ctx.actor(), brand).await?;
        let filter = filter.unwrap_or_default();
        let text = read_text(filter.text.as_deref(), "where.text")?;
        let asked = ctx.look_ahead();
        let facets = asked.field("facets");
        let query = Query {
            sort: CreatorOrder::sort(order_by, &filter, text.is_some())?,
            filter: filter
                .filter(ctx.app().clock.now())?
                .without(hidden.into_iter().map(|id| id.0)),
            count: asked.field("totalCount").exists(),
            facets: CreatorFacets::FIELDS
                .into_iter()
                .filter(|(name, _)| facets.field(name).exists())
                .map(|(_, field)| field)
                .collect(),
            highlight: if text.is_some() && asked.field("edges").field("highlights").exists() {
                vec![creators::NAME, creators::HANDLES, creators::HEADLINE, creators::BIO]
            } else {
                Vec::new()
            },
            text,
            ..read_page(first, after)?
        };
        Ok(Some(find::find_creators(ctx.app(), &query).await?.into()))
    }
}
