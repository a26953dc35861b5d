//! How what is found is shown: pages, marked texts and counts, of whatever was searched.

use async_graphql::SimpleObject;
use sea_orm::ActiveEnum;

use crate::{
    graphql::scalars::Decimal,
    infra::search::{self, Field},
};

/// A piece of a text that was searched.
#[derive(Clone, Debug, SimpleObject)]
pub struct TextFragment {
    /// The piece, as it stands in the text.
    pub text: String,
    /// Whether it is why this was found.
    pub matched: bool,
}

/// A text in which the words that were looked for are marked.
#[derive(Clone, Debug, SimpleObject)]
pub struct Highlight {
    /// The field that was searched: `title`, `brand`, `program`, `pitch`, `name`, ….
    pub field: String,
    /// The text in pieces, in order; a long one is cut around its first match.
    pub fragments: Vec<TextFragment>,
}

/// A value and how often it is found.
#[derive(Clone, Debug, SimpleObject)]
pub struct FacetValue {
    /// The value.
    pub value: String,
    /// How many of everything that was found have it.
    pub count: i32,
}

/// The least and the greatest percentage.
#[derive(Clone, Debug, SimpleObject)]
pub struct PercentExtent {
    /// The least.
    pub min: Decimal,
    /// The greatest.
    pub max: Decimal,
}

/// The least and the greatest number of days.
#[derive(Clone, Debug, SimpleObject)]
pub struct DaysExtent {
    /// The least.
    pub min_days: i32,
    /// The greatest.
    pub max_days: i32,
}

/// A page of rows in the order in which they were found.
pub struct FoundPage<T> {
    pub items: Vec<FoundItem<T>>,
    pub has_previous: bool,
    pub has_next: bool,
    pub total: Option<u64>,
    pub facets: Vec<search::Facet>,
    pub degraded: bool,
}

pub struct FoundItem<T> {
    pub cursor: String,
    pub row: T,
    pub highlights: Vec<(Field, Vec<search::Fragment>)>,
}

pub(in crate::marketplace) fn bounded(count: u64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

pub(in crate::marketplace) fn values(facet: search::Facet) -> Vec<FacetValue> {
    let value = |(value, count)| FacetValue {
        value,
        count: bounded(count),
    };
    facet.values.into_iter().map(value).collect()
}

/// The same of values of an enum; what is none of them any more is left out.
pub(in crate::marketplace) fn enum_values<E: ActiveEnum<Value = String>, V>(
    facet: search::Facet,
    value: impl Fn(E, i32) -> V,
) -> Vec<V> {
    let read = |(word, count): (String, u64)| Some(value(E::try_from_value(&word).ok()?, bounded(count)));
    facet.values.into_iter().filter_map(read).collect()
}

pub(in crate::marketplace) fn highlight((field, fragments): (Field, Vec<search::Fragment>)) -> Option<Highlight> {
    let fragment = |fragment: search::Fragment| TextFragment {
        text: fragment.text,
        matched: fragment.matched,
    };
    fragments.iter().any(|fragment| fragment.matched).then(|| Highlight {
        field: field.name.to_owned(),
        fragments: fragments.into_iter().map(fragment).collect(),
    })
}

/// Declares the connection of something that is searched, and its edge.
macro_rules! found {
    ($(#[$meta:meta])* $connection:ident, $edge:ident of $node:ty, from $row:ty $(, facets $facets:ty)?) => {
        $(#[$meta])*
        #[derive(SimpleObject)]
        #[graphql(complex)]
        pub struct $connection {
            /// The items of this page, each with its cursor.
            pub edges: Vec<$edge>,
            /// Where this page lies in the list.
            pub page_info: PageInfo,
            /// Items of the whole list. Counted only when asked for.
            pub total_count: Option<i32>,
            $(
                /// What there is among everything that was found.
                pub facets: $facets,
            )?
            /// The search engine did not answer, and the database was searched instead: among the newest 1,000, of listings and
            /// brands those that contain the words to the letter. Counts and order are those of what it found.
            pub degraded: bool,
        }

        #[async_graphql::ComplexObject]
        impl $connection {
            /// The items of this page without their cursors.
            async fn nodes(&self) -> Vec<$node> {
                self.edges.iter().map(|edge| edge.node.clone()).collect()
            }
        }

        #[doc = concat!("One item of a `", stringify!($connection), "`.")]
        #[derive(SimpleObject, Clone)]
        pub struct $edge {
            /// Where the item lies in its list; give it to `after`. Opaque.
            pub cursor: String,
            /// The item.
            pub node: $node,
            /// Its texts with the words that were looked for marked, as they were indexed; empty without a text. Those without
            /// a match are left out.
            pub highlights: Vec<Highlight>,
        }

        impl From<FoundPage<$row>> for $connection {
            fn from(page: FoundPage<$row>) -> Self {
                let edges: Vec<$edge> = page
                    .items
                    .into_iter()
                    .map(|item| $edge {
                        cursor: item.cursor,
                        node: item.row.into(),
                        highlights: item.highlights.into_iter().filter_map(highlight).collect(),
                    })
                    .collect();
                Self {
                    page_info: PageInfo {
                        has_previous_page: page.has_previous,
                        has_next_page: page.has_next,
                        start_cursor: edges.first().map(|edge| edge.cursor.clone()),
                        end_cursor: edges.last().map(|edge| edge.cursor.clone()),
                    },
                    total_count: page.total.map(bounded),
                    $(facets: <$facets>::of(page.facets),)?
                    degraded: page.degraded,
                    edges,
                }
            }
        }
    };
}

pub(in crate::marketplace) use found;
