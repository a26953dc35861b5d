//! What providers send by themselves: each event once, however often it comes.

use chrono::{DateTime, TimeDelta, Utc};
use entity::rail_event::{ActiveModel, Column, Entity};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::OnConflict,
};

use super::Holder;
use crate::{
    app::App,
    error::Fault,
    infra::rails::{
        RailKind,
        webhook::{Event, WebhookError},
    },
    payouts::sending::take_event_in_tx,
};

/// Longer than any provider tries to tell something.
const KEPT_DAYS: i64 = 90;
/// Rows of one transaction.
const BATCH: u64 = 500;
/// What providers give out is a tenth of it, and an index holds no more than some.
const MAX_NAME_LEN: usize = 255;

/// Whether an event had come before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    New,
    Known,
}

/// An event whose names can be kept.
pub(super) fn check(event: Event) -> Result<Event, WebhookError> {
    let fits =
        |text: &str| (1..=MAX_NAME_LEN).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if !fits(&event.id) {
        return Err(WebhookError::Unreadable("id that can be kept"));
    }
    if !fits(&event.kind) {
        return Err(WebhookError::Unreadable("kind that can be kept"));
    }
    Ok(event)
}

/// Takes in an event that was proved; a repetition changes nothing.
pub async fn take_in(app: &App, holder: Holder, rail: RailKind, event: &Event) -> Result<Taken, Fault> {
    let tx = app.db.begin().await?;
    let inserted = Entity::insert(ActiveModel {
        holder: Set(holder.to_string()),
        rail: Set(rail.into()),
        event_id: Set(event.id.clone()),
        kind: Set(event.kind.clone()),
        received_at: Set(app.clock.now()),
    })
    .on_conflict(
        OnConflict::columns([Column::Holder, Column::Rail, Column::EventId])
            .do_nothing()
            .to_owned(),
    )
    .exec_without_returning(&tx)
    .await?;
    if inserted == 0 {
        tx.commit().await?;
        return Ok(Taken::Known);
    }
    take_event_in_tx(&tx, app, holder, rail, event).await?;
    app.commit(tx).await?;
    Ok(Taken::New)
}

/// Deletes what came so long ago that nobody repeats it.
pub async fn forget(app: &App) -> Result<(), Fault> {
    let before = app.clock.now() - TimeDelta::days(KEPT_DAYS);
    loop {
        let tx = app.db.begin().await?;
        let old: Vec<DateTime<Utc>> = Entity::find()
            .select_only()
            .column(Column::ReceivedAt)
            .filter(Column::ReceivedAt.lte(before))
            .order_by_asc(Column::ReceivedAt)
            .limit(BATCH)
            .into_tuple()
            .all(&tx)
            .await?;
        if let Some(last) = old.last() {
            Entity::delete_many()
                .filter(Column::ReceivedAt.lte(*last))
                .exec(&tx)
                .await?;
        }
        tx.commit().await?;
        if (old.len() as u64) < BATCH {
            return Ok(());
        }
    }
}
