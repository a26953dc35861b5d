//! Discovery.

use async_graphql::{Context, ID, Object};

use crate::{
    error::ApiError,
    graphql::context::{ContextExt, parse_id},
    infra::search::{
        Filter, MAX_QUERY_CHARS, Query, Sort, Text,
        query::MAX_OFFSET,
        schema::{brands, listings},
    },
    marketplace::{
        find, rules,
        shortlists::service as shortlists,
        types::{
            OrderDirection,
            conditions::Where,
            find::{
                BrandConnection, BrandWhere, ListingConnection, ListingFacets, ListingOrder, ListingOrderField,
                ListingWhere, MarketplaceSuggestions,
            },
        },
    },
    page::{self, Page},
};

#[derive(Default)]
pub struct MarketplaceQueries;

#[Object]
impl MarketplaceQueries {
    /// Listings open to partners. By relevance when a text is asked for, else the newest first; forward only, as ranks
    /// move. With `forPartnerId`, without those that the partner has hidden.
    #[graphql(complexity = "page::cost(first, None, child_complexity)")]
    #[allow(clippy::too_many_arguments)]
    async fn marketplace_listings(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "where", desc = "Which ones; all when absent.")] filter: Option<ListingWhere>,
        #[graphql(desc = "In which order.")] order_by: Option<ListingOrder>,
        #[graphql(desc = "Items of the page, at most 100; 20 when absent.")] first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor; it may lie at most 10,000 items into the list.")]
        after: Option<String>,
        #[graphql(desc = "The partner in whose name the caller looks: what it has hidden is left out.")]
        for_partner_id: Option<ID>,
    ) -> Result<Option<ListingConnection>, ApiError> {
        let filter = filter.unwrap_or_default();
        let text = read_text(filter.text.as_deref(), "where.text")?;
        let hidden = match for_partner_id {
            Some(id) => {
                let partner = parse_id(&id, "forPartnerId")?;
                shortlists::list_hidden_listings(ctx.app(), ctx.actor(), partner).await?
            }
            None => Vec::new(),
        };
        let asked = ctx.look_ahead();
        let facets = asked.field("facets");
        let compared = order_by.as_ref().map(ListingOrder::filter).transpose()?.flatten();
        let query = Query {
            sort: read_order(order_by, text.is_some()),
            filter: filter
                .filter(ctx.app().clock.now())?
                .with(compared)
                .without(hidden.into_iter().map(|id| id.0)),
            count: asked.field("totalCount").exists(),
            facets: ListingFacets::FIELDS
                .into_iter()
                .filter(|(name, _)| facets.field(name).exists())
                .map(|(_, field)| field)
                .collect(),
            highlight: if text.is_some() && asked.field("edges").field("highlights").exists() {
                vec![listings::TITLE, listings::BRAND, listings::PROGRAM, listings::PITCH]
            } else {
                Vec::new()
            },
            text,
            ..read_page(first, after)?
        };
        Ok(Some(find::find_listings(ctx.app(), &query).await?.into()))
    }

    /// Brands with a listing that is open to partners: by relevance when a text is asked for, else the newest first. Forward
    /// only, as ranks move.
    #[graphql(complexity = "page::cost(first, None, child_complexity)")]
    async fn marketplace_brands(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "where", desc = "Which ones; all when absent.")] filter: Option<BrandWhere>,
        #[graphql(desc = "Items of the page, at most 100; 20 when absent.")] first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor; it may lie at most 10,000 items into the list.")]
        after: Option<String>,
    ) -> Result<Option<BrandConnection>, ApiError> {
        let filter = filter.unwrap_or_default();
        let text = read_text(filter.text.as_deref(), "where.text")?;
        let asked = ctx.look_ahead();
        let query = Query {
            sort: if text.is_some() {
                Sort::Relevance
            } else {
                Sort::Descending(brands::CREATED_AT)
            },
            filter: filter.filter()?,
            count: asked.field("totalCount").exists(),
            highlight: if text.is_some() && asked.field("edges").field("highlights").exists() {
                vec![brands::NAME]
            } else {
                Vec::new()
            },
            text,
            ..read_page(first, after)?
        };
        Ok(Some(find::find_brands(ctx.app(), &query).await?.into()))
    }

    /// What a search box may show while somebody types, in one answer: listings, brands and categories. A blank text
    /// suggests the newest.
    #[graphql(complexity = "page::cost(Some(first.unwrap_or(DEFAULT_SUGGESTIONS)), None, child_complexity)")]
    async fn marketplace_suggestions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What was typed so far; read as `ListingWhere.text` is.")] text: String,
        #[graphql(desc = "How many of each kind, at most 10; 5 when absent.")] first: Option<i32>,
    ) -> Result<Option<MarketplaceSuggestions>, ApiError> {
        let first = first.unwrap_or(DEFAULT_SUGGESTIONS);
        if !(1..=MAX_SUGGESTIONS).contains(&first) {
            return Err(ApiError::bad_field(
                "first",
                format!("`first` must be between 1 and {MAX_SUGGESTIONS}"),
            ));
        }
        let text = read_text(Some(&text), "text")?;
        let query = |newest| Query {
            sort: if text.is_some() {
                Sort::Relevance
            } else {
                Sort::Descending(newest)
            },
            text: text.clone(),
            limit: first.unsigned_abs().into(),
            ..Query::default()
        };
        let listings = Query {
            facets: vec![listings::CATEGORY],
            ..query(listings::PUBLISHED_AT)
        };
        let brands = query(brands::CREATED_AT);
        let (listings, brands) = tokio::try_join!(
            find::find_listings(ctx.app(), &listings),
            find::find_brands(ctx.app(), &brands)
        )?;
        let limit = usize::try_from(first).unwrap_or_default();
        Ok(Some(MarketplaceSuggestions::of(listings, brands, limit)))
    }
}

/// Suggestions of a kind that are shown at most, and when nobody says how many.
const MAX_SUGGESTIONS: i32 = 10;
const DEFAULT_SUGGESTIONS: i32 = 5;

/// A text that is blank asks for everything; one without a word in it finds nothing.
pub(in crate::marketplace) fn read_text(text: Option<&str>, path: &str) -> Result<Option<Text>, ApiError> {
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else {
        return Ok(None);
    };
    if text.chars().count() > MAX_QUERY_CHARS {
        return Err(ApiError::bad_field(
            path,
            format!("`text` has at most {MAX_QUERY_CHARS} characters"),
        ));
    }
    Ok(Some(Text::parse(text)))
}

fn read_order(order: Option<ListingOrder>, has_text: bool) -> Sort {
    let order = order.unwrap_or(ListingOrder {
        field: ListingOrderField::Relevance,
        direction: OrderDirection::Desc,
        currency: None,
    });
    let field = match order.field {
        ListingOrderField::Relevance if has_text => return Sort::Relevance,
        ListingOrderField::Relevance | ListingOrderField::Newest => listings::PUBLISHED_AT,
        ListingOrderField::SalePercent => listings::SALE_PPM,
        ListingOrderField::AttributionWindow => listings::WINDOW_DAYS,
        ListingOrderField::EarningsPerClick => listings::CLICK_MICRO,
        ListingOrderField::ApprovalRate => listings::APPROVAL_PPM,
        ListingOrderField::DaysToPay => listings::PAY_DAYS,
    };
    match order.direction {
        OrderDirection::Asc => Sort::Ascending(field),
        OrderDirection::Desc => Sort::Descending(field),
    }
}

/// A query for everything, with the page that is asked for.
pub(in crate::marketplace) fn read_page(first: Option<i32>, after: Option<String>) -> Result<Query, ApiError> {
    // The size of a page is checked as everywhere; the cursor is of another kind.
    let limit = Page::new(first, None, None, None, false)?.limit;
    let offset = match after {
        None => 0,
        Some(cursor) => rules::decode_offset(&cursor)
            .ok_or_else(|| ApiError::bad_field("after", "`after` is not a cursor of this list"))?,
    };
    if offset > MAX_OFFSET {
        return Err(ApiError::bad_field(
            "after",
            format!("a page begins at most {MAX_OFFSET} items into the list; narrow the search"),
        ));
    }
    Ok(Query {
        filter: Filter::default(),
        offset,
        limit,
        ..Query::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_bounded() {
        assert_eq!(read_page(None, None).unwrap().limit, 20);
        assert_eq!(read_page(Some(5), Some(rules::encode_offset(7))).unwrap().offset, 7);
        assert!(read_page(Some(page::MAX_PAGE + 1), None).is_err());
        assert!(read_page(None, Some("nonsense".to_owned())).is_err());
        assert!(read_page(None, Some(rules::encode_offset(MAX_OFFSET + 1))).is_err());
    }

    #[test]
    fn a_text_is_ordered_by_relevance_unless_told() {
        assert_eq!(read_order(None, true), Sort::Relevance);
        assert_eq!(read_order(None, false), Sort::Descending(listings::PUBLISHED_AT));
        let newest = ListingOrder {
            field: ListingOrderField::Newest,
            direction: OrderDirection::Asc,
            currency: None,
        };
        assert_eq!(read_order(Some(newest), true), Sort::Ascending(listings::PUBLISHED_AT));
    }

    #[test]
    fn blanks_ask_for_everything_and_signs_for_nothing() {
        assert_eq!(read_text(Some("  "), "text").unwrap(), None);
        assert!(read_text(Some("🔥"), "text").unwrap().unwrap().is_empty());
        assert!(read_text(Some(&"x".repeat(MAX_QUERY_CHARS + 1)), "text").is_err());
    }
}
