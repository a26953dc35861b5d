//! Keeping searches.

use entity::{
    ids::{ListingId, PartnerId, SavedSearchId},
    listing, partner,
    saved_search::{self, Notify},
    saved_search_hit,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect,
    QueryTrait,
    sea_query::{Expr, ExprTrait, LockType},
};

use super::{error::SavedSearchErrorCode as Code, rules};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    error::{ApiError, Failure},
    marketplace::service::open_to_all,
    page::{self, Page, Slice},
};

type Result<T> = std::result::Result<T, Failure<Code>>;

/// Searches a partner keeps.
pub const MAX_SEARCHES: u64 = 20;

/// What to change; what is absent stays.
#[derive(Default)]
pub struct Patch {
    pub name: Option<String>,
    /// The conditions, as JSON.
    pub query: Option<String>,
    pub notify: Option<Notify>,
}

pub async fn save_search(
    app: &App,
    actor: &Actor,
    partner: PartnerId,
    name: &str,
    query: String,
    notify: Notify,
) -> Result<saved_search::Model> {
    actor.authorise(Operation::SaveSearch, Place::partner(partner))?;
    let now = app.clock.now();
    let row = saved_search::Model {
        id: app.ids.new_id(now),
        partner_id: partner,
        name: check_name(name)?,
        query: check_query(query)?,
        notify,
        // At once: what there is already has to be known.
        due_at: now,
        checked_at: None,
        created_at: now,
    };
    let tx = app.db.begin().await?;
    // Whoever saves for a partner queues here, so that the limit holds.
    partner::Entity::find_by_id(partner)
        .lock(LockType::NoKeyUpdate)
        .one(&tx)
        .await?
        .ok_or_else(|| ApiError::not_found("partner"))?;
    let kept = saved_search::Entity::find()
        .filter(saved_search::Column::PartnerId.eq(partner))
        .count(&tx)
        .await?;
    if kept >= MAX_SEARCHES {
        return Err(Failure::refused(
            Code::TooManySearches,
            format!("a partner keeps at most {MAX_SEARCHES} searches"),
        ));
    }
    saved_search::Entity::insert(saved_search::ActiveModel::from(row.clone()))
        .exec_without_returning(&tx)
        .await?;
    tx.commit().await?;
    Ok(row)
}

pub async fn update_saved_search(
    app: &App,
    actor: &Actor,
    id: SavedSearchId,
    patch: Patch,
) -> Result<saved_search::Model> {
    let name = patch.name.as_deref().map(check_name).transpose()?;
    let query = patch.query.map(check_query).transpose()?;
    let tx = app.db.begin().await?;
    let mut row = lock_own_in_tx(&tx, actor, Operation::UpdateSavedSearch, id).await?;
    let now = app.clock.now();
    row.name = name.unwrap_or(row.name);
    if let Some(notify) = patch.notify {
        row.due_at = row.checked_at.map_or(now, |checked| checked + rules::pause(notify));
        row.notify = notify;
    }
    if let Some(query) = query.filter(|query| *query != row.query) {
        row.query = query;
        // What the new conditions find is not new: it is looked at first.
        row.checked_at = None;
        row.due_at = now;
        delete_hits_in_tx(&tx, id).await?;
    }
    let model = saved_search::ActiveModel::from(row.clone()).reset_all();
    saved_search::Entity::update(model).exec_without_returning(&tx).await?;
    tx.commit().await?;
    Ok(row)
}

pub async fn delete_saved_search(app: &App, actor: &Actor, id: SavedSearchId) -> Result<PartnerId> {
    let tx = app.db.begin().await?;
    let row = lock_own_in_tx(&tx, actor, Operation::DeleteSavedSearch, id).await?;
    delete_hits_in_tx(&tx, id).await?;
    saved_search::Entity::delete_by_id(id).exec(&tx).await?;
    tx.commit().await?;
    Ok(row.partner_id)
}

/// Nothing of it is new any more.
pub async fn mark_saved_search_seen(app: &App, actor: &Actor, id: SavedSearchId) -> Result<saved_search::Model> {
    let tx = app.db.begin().await?;
    let row = lock_own_in_tx(&tx, actor, Operation::MarkSavedSearchSeen, id).await?;
    saved_search_hit::Entity::update_many()
        .col_expr(saved_search_hit::Column::Seen, Expr::value(true))
        .filter(saved_search_hit::Column::SavedSearchId.eq(id))
        .filter(saved_search_hit::Column::Seen.eq(false))
        .exec(&tx)
        .await?;
    tx.commit().await?;
    Ok(row)
}

/// A partner's searches, the newest first.
pub async fn list_saved_searches(
    app: &App,
    actor: &Actor,
    partner: PartnerId,
    page: &Page,
) -> std::result::Result<Slice<saved_search::Model>, ApiError> {
    actor.authorise(Operation::SeeSavedSearches, Place::partner(partner))?;
    let select = saved_search::Entity::find().filter(saved_search::Column::PartnerId.eq(partner));
    let id = saved_search::Column::Id;
    page::fetch(app.db.read(), select, id, |row: &saved_search::Model| row.id.0, page)
        .await
        .map_err(ApiError::internal)
}

/// What is new to a search, and open to everyone, the newest first. Reached through a search that the caller sees.
pub async fn list_new(
    app: &App,
    search: SavedSearchId,
    page: &Page,
) -> std::result::Result<Slice<saved_search_hit::Model>, ApiError> {
    use saved_search_hit::{Column, Model};
    let select = new_of([search]);
    page::fetch(app.db.read(), select, Column::Place, |row: &Model| row.place, page)
        .await
        .map_err(ApiError::internal)
}

/// What is new to searches, as far as it is open to everyone.
pub(super) fn new_of(searches: impl IntoIterator<Item = SavedSearchId>) -> sea_orm::Select<saved_search_hit::Entity> {
    use saved_search_hit::{Column, Entity};
    let open = listing::Entity::find()
        .select_only()
        .column(listing::Column::Id)
        .filter(Expr::col(listing::Column::Id.as_column_ref()).equals(Column::ListingId.as_column_ref()))
        .filter(open_to_all())
        .into_query();
    Entity::find()
        .filter(Column::SavedSearchId.is_in(searches))
        .filter(Column::Seen.eq(false))
        .filter(Expr::exists(open))
}

/// The listings that a search knows.
pub(super) async fn list_known_in_tx(
    tx: &DatabaseTransaction,
    id: SavedSearchId,
) -> std::result::Result<Vec<ListingId>, sea_orm::DbErr> {
    saved_search_hit::Entity::find()
        .select_only()
        .column(saved_search_hit::Column::ListingId)
        .filter(saved_search_hit::Column::SavedSearchId.eq(id))
        .into_tuple()
        .all(tx)
        .await
}

async fn lock_own_in_tx(
    tx: &DatabaseTransaction,
    actor: &Actor,
    operation: Operation,
    id: SavedSearchId,
) -> Result<saved_search::Model> {
    let row = saved_search::Entity::find_by_id(id)
        .lock(LockType::Update)
        .one(tx)
        .await?
        .filter(|row| actor.authorise(operation, Place::partner(row.partner_id)).is_ok())
        .ok_or_else(|| ApiError::not_found("saved search"))?;
    Ok(row)
}

async fn delete_hits_in_tx(tx: &DatabaseTransaction, id: SavedSearchId) -> Result<()> {
    saved_search_hit::Entity::delete_many()
        .filter(saved_search_hit::Column::SavedSearchId.eq(id))
        .exec(tx)
        .await?;
    Ok(())
}

fn check_name(name: &str) -> Result<String> {
    rules::clean_name(name)
        .ok_or_else(|| Failure::refused_field(Code::NameInvalid, "name", "a name has 1 to 80 characters on one line"))
}

fn check_query(query: String) -> Result<String> {
    if query.len() > rules::MAX_QUERY_BYTES {
        return Err(Failure::refused_field(
            Code::SearchTooLarge,
            "where",
            format!("the conditions take more than {} bytes", rules::MAX_QUERY_BYTES),
        ));
    }
    Ok(query)
}
