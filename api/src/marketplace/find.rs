//! Asking the engine, and what is done without it.

use std::{collections::HashMap, time::Duration};

use entity::{
    brand,
    creator_profile::{self, Visibility},
    ids::{BrandId, ListingId, PartnerId},
    listing,
};
use sea_orm::{
    ColumnTrait, DbErr, EntityTrait, QueryFilter, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

use tokio::time::timeout;

use crate::{
    app::App,
    error::ApiError,
    infra::search::{Found, Index, Query, SearchError, plain},
    marketplace::{
        documents, rules,
        service::open_to_all,
        types::found::{FoundItem, FoundPage},
    },
};

/// Longer nobody waits for an engine: what the database finds comes sooner.
const PATIENCE: Duration = Duration::from_secs(2);

/// What was found, and by whom.
#[derive(Clone, Debug)]
pub struct Answer {
    pub found: Found,
    /// The engine did not answer: the database did, to the letter and among the newest only.
    pub degraded: bool,
}

/// Asks the engine; when it does not answer, the database.
pub async fn find(app: &App, index: Index, query: &Query) -> Result<Answer, ApiError> {
    if let Some(found) = ask(app, index, query).await {
        return Ok(Answer { found, degraded: false });
    }
    if query.finds_nothing() {
        return Ok(Answer {
            found: Found::nothing(query),
            degraded: true,
        });
    }
    let documents = documents::candidates(app.db.read(), index, query, app.clock.now())
        .await
        .map_err(ApiError::internal)?;
    let query = query.clone();
    let found = tokio::task::spawn_blocking(move || plain::search(index, &documents, &query))
        .await
        .map_err(ApiError::internal)?;
    Ok(Answer { found, degraded: true })
}

/// The engine's answer; absent when it has none, or is not even asked because it was away a moment ago.
async fn ask(app: &App, index: Index, query: &Query) -> Option<Found> {
    let turn = app.search_breaker.turn(app.clock.now())?;
    let asked = timeout(PATIENCE, app.search.search(index, query)).await;
    let late = || Err(SearchError::Unavailable("the engine did not answer in time".to_owned()));
    match asked.unwrap_or_else(|_| late()) {
        Ok(found) => {
            turn.answered();
            Some(found)
        }
        Err(error @ SearchError::Unavailable(_)) => {
            turn.failed(app.clock.now());
            tracing::warn!(%error, "searching in the database for a while");
            None
        }
        // One question that it does not take says nothing about others.
        Err(error @ SearchError::Refused(_)) => {
            turn.answered();
            tracing::error!(%error, index = index.name(), "searched in the database");
            None
        }
        Err(error @ SearchError::NotReady) => {
            turn.answered();
            tracing::debug!(%error, "searched in the database");
            None
        }
    }
}

/// One page of the listings that are open to everyone, in the engine's order. The engine is asked for ids only; what it lags
/// behind (a listing paused just now, a program resting) falls out when the rows are read again.
pub async fn find_listings(app: &App, query: &Query) -> Result<FoundPage<listing::Model>, ApiError> {
    let answer = find(app, Index::Listings, query).await?;
    let ids = answer.found.ids().into_iter().map(ListingId);
    let rows = listing::Entity::find()
        .filter(listing::Column::Id.is_in(ids))
        .filter(open_to_all())
        .all(app.db.read())
        .await;
    page(query, answer, rows, |row| row.id.0)
}

/// One page of the brands with something open to everyone.
pub async fn find_brands(app: &App, query: &Query) -> Result<FoundPage<brand::Model>, ApiError> {
    let answer = find(app, Index::Brands, query).await?;
    let ids = answer.found.ids().into_iter().map(BrandId);
    let open = listing::Entity::find()
        .select_only()
        .column(listing::Column::Id)
        .filter(Expr::col(listing::Column::BrandId.as_column_ref()).equals(brand::Column::Id.as_column_ref()))
        .filter(open_to_all())
        .into_query();
    let rows = brand::Entity::find()
        .filter(brand::Column::Id.is_in(ids))
        .filter(Expr::exists(open))
        .all(app.db.read())
        .await;
    page(query, answer, rows, |row| row.id.0)
}

/// One page of the creators whose profile is public.
pub async fn find_creators(app: &App, query: &Query) -> Result<FoundPage<creator_profile::Model>, ApiError> {
    let answer = find(app, Index::Creators, query).await?;
    let ids = answer.found.ids().into_iter().map(PartnerId);
    let rows = creator_profile::Entity::find()
        .filter(creator_profile::Column::PartnerId.is_in(ids))
        .filter(creator_profile::Column::Visibility.eq(Visibility::Public))
        .all(app.db.read())
        .await;
    page(query, answer, rows, |row| row.partner_id.0)
}

fn page<T>(
    query: &Query,
    answer: Answer,
    rows: Result<Vec<T>, DbErr>,
    id: impl Fn(&T) -> Uuid,
) -> Result<FoundPage<T>, ApiError> {
    let rows = rows.map_err(ApiError::internal)?.into_iter();
    let mut rows: HashMap<Uuid, T> = rows.map(|row| (id(&row), row)).collect();
    let found = answer.found;
    // A cursor counts the engine's answers, not the rows that are left, so that the next page begins where this one ended.
    let items = (query.offset + 1..)
        .zip(found.hits)
        .filter_map(|(rank, hit)| {
            Some(FoundItem {
                cursor: rules::encode_offset(rank),
                row: rows.remove(&hit.id)?,
                highlights: hit.highlights,
            })
        })
        .collect();
    Ok(FoundPage {
        items,
        has_previous: query.offset > 0,
        has_next: found.has_more,
        total: found.total,
        facets: found.facets,
        degraded: answer.degraded,
    })
}
