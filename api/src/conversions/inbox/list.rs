//! Finding refused events.

use chrono::{DateTime, Utc};
use entity::{
    api_key::ApiKeyMode,
    ids::BrandId,
    refused_event::{Column, Entity, EventKind, Model, RefusedEventState},
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Select};

use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    error::ApiError,
    page::{self, Page, Slice},
};

/// What narrows a list of refused events; every one given must hold.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub states: Vec<RefusedEventState>,
    pub kinds: Vec<EventKind>,
    pub codes: Vec<String>,
    pub order_id: Option<String>,
    pub customer_id: Option<String>,
    pub idempotency_key: Option<String>,
    pub from: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
    /// Those that were to count unless it says otherwise.
    pub mode: Option<ApiKeyMode>,
}

impl Filter {
    pub(super) fn select(self, brand: BrandId) -> Select<Entity> {
        let mut select = Entity::find()
            .filter(Column::BrandId.eq(brand))
            .filter(Column::Mode.eq(self.mode.unwrap_or(ApiKeyMode::Live)));
        if !self.states.is_empty() {
            select = select.filter(Column::State.is_in(self.states));
        }
        if !self.kinds.is_empty() {
            select = select.filter(Column::Kind.is_in(self.kinds));
        }
        if !self.codes.is_empty() {
            select = select.filter(Column::Code.is_in(self.codes));
        }
        for (column, wanted) in [
            (Column::OrderId, self.order_id),
            (Column::CustomerId, self.customer_id),
            (Column::IdempotencyKey, self.idempotency_key),
        ] {
            if let Some(wanted) = wanted {
                // PostgreSQL takes no NUL, and nothing that is kept has one.
                select = select.filter(column.eq(wanted.replace('\0', "\u{fffd}")));
            }
        }
        if let Some(from) = self.from {
            select = select.filter(Column::LastSeenAt.gte(from));
        }
        if let Some(until) = self.until {
            select = select.filter(Column::LastSeenAt.lt(until));
        }
        select
    }
}

/// A brand's refused events, the newest first or the oldest first.
pub async fn list_refused_events(
    app: &App,
    actor: &Actor,
    brand: BrandId,
    filter: Filter,
    oldest_first: bool,
    page: &Page,
) -> Result<Slice<Model>, ApiError> {
    actor.authorise(Operation::SeeRefusedEvents, Place::brand(brand))?;
    let page = if oldest_first {
        page.clone().reversed()
    } else {
        page.clone()
    };
    let slice = page::fetch(
        app.db.read(),
        filter.select(brand),
        Column::Id,
        |row: &Model| row.id.0,
        &page,
    )
    .await
    .map_err(ApiError::internal)?;
    Ok(if oldest_first { slice.reversed() } else { slice })
}
