//! The relay: gives committed events their place in the log, then wakes the listeners.

use std::time::Duration;

use chrono::TimeDelta;
use entity::outbox_event;
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::CaseStatement};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{app::App, lease};

/// Events stamped in one transaction at the most.
const BATCH: u64 = 500;
/// How long a process may hold the relay without renewing: what a feed is silent at most when a relay is killed. Short is
/// safe, since the lease's row is locked while it stamps.
const LEASE: TimeDelta = TimeDelta::seconds(3);
/// Pause when there is nothing to stamp.
const IDLE: Duration = Duration::from_millis(100);
/// Pause after a fault, so that a database that is down is not hammered.
const AFTER_FAULT: Duration = Duration::from_secs(1);

const LEASE_NAME: &str = "outbox-relay";

/// Runs until told to stop.
pub async fn run(app: App, stop: CancellationToken) {
    let holder = app.ids.uuid(app.clock.now());
    while !stop.is_cancelled() {
        let pause = match stamp_batch(&app, holder).await {
            Ok(0) => IDLE,
            Ok(_) => continue,
            Err(error) => {
                tracing::error!(%error, "the outbox relay failed; it will try again");
                AFTER_FAULT
            }
        };
        tokio::select! {
            () = stop.cancelled() => break,
            () = app.outbox_wakeup.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
    if let Err(error) = lease::release(&app, LEASE_NAME, holder).await {
        tracing::warn!(%error, "the outbox relay's lease could not be given back; it runs out by itself");
    }
}

/// Stamps everything that is committed now. For commands and tests that must see the log complete.
pub async fn drain(app: &App) -> Result<(), DbErr> {
    let holder = app.ids.uuid(app.clock.now());
    while stamp_batch(app, holder).await? > 0 {}
    lease::release(app, LEASE_NAME, holder).await
}

/// Stamps one batch; 0 when there was nothing to do or another process holds the lease.
async fn stamp_batch(app: &App, holder: Uuid) -> Result<usize, DbErr> {
    // A cheap look first: an idle relay must not take the writer of a SQLite file ten times a second.
    let waiting = outbox_event::Entity::find()
        .filter(outbox_event::Column::Position.is_null())
        .limit(1)
        .one(app.db.read())
        .await?;
    if waiting.is_none() {
        return Ok(0);
    }
    let tx = app.db.begin().await?;
    if !lease::hold_in_tx(&tx, app, LEASE_NAME, holder, LEASE).await? {
        tx.rollback().await?;
        return Ok(0);
    }
    let last: Option<Option<i64>> = outbox_event::Entity::find()
        .select_only()
        .column_as(outbox_event::Column::Position.max(), "position")
        .into_tuple()
        .one(&tx)
        .await?;
    let mut position = last.flatten().unwrap_or(0);
    let seqs: Vec<i64> = outbox_event::Entity::find()
        .select_only()
        .column(outbox_event::Column::Seq)
        .filter(outbox_event::Column::Position.is_null())
        .order_by_asc(outbox_event::Column::Seq)
        .limit(BATCH)
        .into_tuple()
        .all(&tx)
        .await?;
    if seqs.is_empty() {
        tx.rollback().await?;
        return Ok(0);
    }
    // One statement for the batch: the transaction holds the writer of a SQLite file for as long as it lasts.
    let mut places = CaseStatement::new();
    for seq in &seqs {
        position += 1;
        places = places.case(outbox_event::Column::Seq.eq(*seq), position);
    }
    outbox_event::Entity::update_many()
        .col_expr(outbox_event::Column::Position, places.into())
        .filter(outbox_event::Column::Seq.is_in(seqs.iter().copied()))
        .exec(&tx)
        .await?;
    tx.commit().await?;
    app.bus.announce(position);
    Ok(seqs.len())
}
