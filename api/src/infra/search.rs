//! Search behind one trait: ids in rank order, nothing else. Rows are always re-read from the database through a
//! visibility filter, so an engine that lags can only miss, never leak.
//!
//! Today's engine is the database itself. Deliberately absent today: Meilisearch and the embedded engine.

use std::fmt;

use async_trait::async_trait;
use entity::{
    ids::ListingId,
    listing::{Column, Entity, ListingState},
    program::{self, ProgramState},
};
use sea_orm::{
    ColumnTrait, EntityTrait, Order, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait, LikeExpr, SimpleExpr},
};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};
use uuid::Uuid;

use crate::infra::db::Db;

/// Longest query text, in characters.
pub const MAX_QUERY_CHARS: usize = 256;
/// Words of a query that count; further ones are ignored as any engine does.
pub const MAX_QUERY_WORDS: usize = 10;

/// What to look for among published listings.
#[derive(Clone, Debug, Default)]
pub struct ListingQuery {
    /// Every word must occur.
    pub text: Option<String>,
    /// Any of these; an empty list finds nothing.
    pub categories: Option<Vec<String>>,
    /// ISO 3166-1 alpha-2: listings open to this country.
    pub country: Option<String>,
    /// The best first instead of the newest first.
    pub by_relevance: bool,
    /// The order turned round: the oldest or the worst match first.
    pub ascending: bool,
    pub limit: u64,
    /// Rows of the same order to leave out in front.
    pub offset: u64,
    pub count: bool,
}

/// The answer: ids in rank order.
#[derive(Clone, Debug, Default)]
pub struct Found {
    pub ids: Vec<ListingId>,
    pub has_more: bool,
    pub total: Option<u64>,
}

/// The engine could not answer.
#[derive(Debug)]
pub struct SearchError(pub String);

impl fmt::Display for SearchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[async_trait]
pub trait Search: Send + Sync {
    async fn listings(&self, query: &ListingQuery) -> Result<Found, SearchError>;
}

/// Case and accents folded away, as both databases must see it: SQL `lower()` differs between them.
#[must_use]
pub fn fold(text: &str) -> String {
    text.nfkd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .collect()
}

/// Plain search in the database: every word somewhere in the listing's folded text.
pub struct DatabaseSearch {
    db: Db,
}

impl DatabaseSearch {
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { db }
    }
}

fn escaped(words: &str) -> String {
    words.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

fn contains(word: &str) -> String {
    format!("%{}%", escaped(word))
}

#[async_trait]
impl Search for DatabaseSearch {
    async fn listings(&self, query: &ListingQuery) -> Result<Found, SearchError> {
        // Resting programs are left out here too, so that pages are full and the count is right.
        let running = program::Entity::find()
            .select_only()
            .column(program::Column::Id)
            .filter(program::Column::State.eq(ProgramState::Active))
            .into_query();
        let mut select = Entity::find()
            .filter(Column::State.eq(ListingState::Published))
            .filter(Column::ProgramId.in_subquery(running));
        let folded = query.text.as_deref().map(fold).unwrap_or_default();
        let words: Vec<&str> = folded.split_whitespace().take(MAX_QUERY_WORDS).collect();
        for word in &words {
            select = select.filter(Expr::col(Column::SearchText).like(LikeExpr::new(contains(word)).escape('\\')));
        }
        if let Some(categories) = &query.categories {
            select = select.filter(Column::Category.is_in(categories.iter().map(String::as_str)));
        }
        if let Some(country) = &query.country {
            select = select.filter(
                Expr::col(Column::Countries)
                    .eq("")
                    .or(Expr::col(Column::Countries).like(LikeExpr::new(contains(country)).escape('\\'))),
            );
        }
        let fault = |error: sea_orm::DbErr| SearchError(error.to_string());
        let total = if query.count {
            Some(select.clone().count(self.db.read()).await.map_err(fault)?)
        } else {
            None
        };
        let direction = if query.ascending { Order::Asc } else { Order::Desc };
        // The folded text begins with the title: a listing whose title begins with the words is the better match.
        if query.by_relevance && !words.is_empty() {
            let starts = Expr::col(Column::SearchText)
                .like(LikeExpr::new(format!("{}%", escaped(&words.join(" ")))).escape('\\'));
            let rank: SimpleExpr = Expr::case(starts, 1).finally(0).into();
            select = select.order_by(rank, direction.clone());
        }
        let mut ids: Vec<Uuid> = select
            .order_by(Column::PublishedAt, direction.clone())
            .order_by(Column::Id, direction)
            .select_only()
            .column(Column::Id)
            .offset(query.offset)
            .limit(query.limit + 1)
            .into_tuple()
            .all(self.db.read())
            .await
            .map_err(fault)?;
        let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
        let has_more = ids.len() > limit;
        ids.truncate(limit);
        Ok(Found {
            ids: ids.into_iter().map(ListingId).collect(),
            has_more,
            total,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_takes_case_and_accents_away() {
        assert_eq!(fold("Café ÉLAN"), "cafe elan");
        assert_eq!(contains("50%_"), "%50\\%\\_%");
    }
}
