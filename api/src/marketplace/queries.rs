//! Discovery.

use async_graphql::{Context, Object};

use crate::{
    error::ApiError,
    graphql::context::ContextExt,
    infra::search::{ListingQuery, MAX_QUERY_CHARS},
    marketplace::{
        rules, service,
        types::{ListingConnection, ListingOrder, ListingOrderField, ListingWhere, OrderDirection},
    },
    page::{self, Page},
};

/// How far into a ranked list a page may begin: further back nobody looks, and the engine would count for nothing.
const MAX_OFFSET: u64 = 10_000;
const MAX_CATEGORIES: usize = 20;

#[derive(Default)]
pub struct MarketplaceQueries;

#[Object]
impl MarketplaceQueries {
    /// Listings open to partners. By relevance when a text is asked for, else the newest first; forward only, as ranks
    /// move.
    #[graphql(complexity = "page::cost(first, None, child_complexity)")]
    async fn marketplace_listings(
        &self,
        ctx: &Context<'_>,
        #[graphql(name = "where", desc = "Which ones; all when absent.")] filter: Option<ListingWhere>,
        #[graphql(desc = "In which order.")] order_by: Option<ListingOrder>,
        #[graphql(desc = "Items of the page, at most 100; 20 when absent.")] first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor; it may lie at most 10,000 items into the list.")]
        after: Option<String>,
    ) -> Result<Option<ListingConnection>, ApiError> {
        let query = read_query(filter.unwrap_or_default(), order_by, first, after)?;
        let query = ListingQuery {
            count: ctx.look_ahead().field("totalCount").exists(),
            ..query
        };
        Ok(Some(service::find_listings(ctx.app(), &query).await?.into()))
    }
}

fn read_query(
    filter: ListingWhere,
    order_by: Option<ListingOrder>,
    first: Option<i32>,
    after: Option<String>,
) -> Result<ListingQuery, ApiError> {
    // The size of a page is checked as everywhere; the cursor is of another kind.
    let limit = Page::new(first, None, None, None, false)?.limit;
    let text = filter.text.filter(|text| !text.trim().is_empty());
    if text.as_ref().is_some_and(|text| text.chars().count() > MAX_QUERY_CHARS) {
        return Err(ApiError::bad_field(
            "where.text",
            format!("`text` has at most {MAX_QUERY_CHARS} characters"),
        ));
    }
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
    let (field, direction) = match order_by {
        Some(order) => (order.field, order.direction),
        None if text.is_some() => (ListingOrderField::Relevance, OrderDirection::Desc),
        None => (ListingOrderField::Newest, OrderDirection::Desc),
    };
    Ok(ListingQuery {
        text,
        categories: match filter.category {
            None => None,
            Some(category) => read_categories(category.eq, category.any_of)?,
        },
        country: filter.country.map(|country| country.0),
        by_relevance: field == ListingOrderField::Relevance,
        ascending: direction == OrderDirection::Asc,
        limit,
        offset,
        count: false,
    })
}

/// The categories that pass both operators; `None` when there is no condition.
fn read_categories(eq: Option<String>, any_of: Option<Vec<String>>) -> Result<Option<Vec<String>>, ApiError> {
    if any_of.as_ref().is_some_and(|any| any.len() > MAX_CATEGORIES) {
        return Err(ApiError::bad_field(
            "where.category.in",
            format!("`in` takes at most {MAX_CATEGORIES} categories"),
        ));
    }
    Ok(match (eq, any_of) {
        (None, None) => None,
        (Some(one), None) => Some(vec![one]),
        (None, Some(any)) => Some(any),
        (Some(one), Some(any)) => Some(any.into_iter().filter(|category| *category == one).collect()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_bounded() {
        let read = |first, after: Option<String>| read_query(ListingWhere::default(), None, first, after);
        assert_eq!(read(None, None).unwrap().limit, 20);
        assert_eq!(read(Some(5), Some(rules::encode_offset(7))).unwrap().offset, 7);
        assert!(read(Some(page::MAX_PAGE + 1), None).is_err());
        assert!(read(None, Some("nonsense".to_owned())).is_err());
        assert!(read(None, Some(rules::encode_offset(MAX_OFFSET + 1))).is_err());
    }

    #[test]
    fn a_text_is_ordered_by_relevance_unless_told() {
        let text = || ListingWhere {
            text: Some("coffee".to_owned()),
            ..ListingWhere::default()
        };
        assert!(read_query(text(), None, None, None).unwrap().by_relevance);
        let newest = ListingOrder {
            field: ListingOrderField::Newest,
            direction: OrderDirection::Asc,
        };
        let query = read_query(text(), Some(newest), None, None).unwrap();
        assert!(!query.by_relevance && query.ascending);
    }

    #[test]
    fn both_operators_must_hold() {
        let any = || Some(vec!["home".to_owned(), "food".to_owned()]);
        let read = |eq: Option<&str>, any| read_categories(eq.map(str::to_owned), any).unwrap();
        assert_eq!(read(None, None), None);
        assert_eq!(read(Some("food"), any()), Some(vec!["food".to_owned()]));
        assert_eq!(read(Some("toys"), any()), Some(Vec::new()));
    }
}
