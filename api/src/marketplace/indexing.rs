//! Keeps the engine's indexes true to the rows: built from all of them at the start, then behind the log of the outbox.
//!
//! An event only says which row to read again; what is indexed is that row as it is now, or that it is not for everyone any
//! more. So events may come twice, late or in another order, and the index ends equal to the rows.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use entity::{commission_rule, ids::ProgramId, listing, outbox_event, program_trust};
use sea_orm::{ColumnTrait, Condition, DbErr, EntityTrait, QueryFilter, QuerySelect};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    app::App,
    infra::search::{Change, Index, SearchError},
    marketplace::documents,
    outbox::{self, Topic},
};

/// Events that are read at once.
const BATCH: u64 = 1_000;
/// Looks at the log without being woken: rules begin and end by themselves.
const POLL: Duration = Duration::from_secs(1);
/// Pause after a fault.
const AFTER_FAULT: Duration = Duration::from_secs(2);
/// How often rules are looked at that begin or end by themselves.
const RULES_EVERY: TimeDelta = TimeDelta::seconds(10);
/// How far back they are looked at: clocks of processes differ a little.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::seconds(60);

/// How far this process has followed.
pub struct Indexing {
    place: Mutex<Option<Place>>,
    /// Kept beside its place, which is locked while a batch is taken in.
    position: AtomicI64,
}

/// In place of a position, before the first build.
const UNBUILT: i64 = -1;

impl Default for Indexing {
    fn default() -> Self {
        Self {
            place: Mutex::default(),
            position: AtomicI64::new(UNBUILT),
        }
    }
}

#[derive(Clone, Copy)]
struct Place {
    position: i64,
    /// Rules that begin or end up to then are in the index as they are.
    rules_until: DateTime<Utc>,
}

impl Indexing {
    /// The position of the log up to which everything can be found; absent before the first build.
    #[must_use]
    pub fn position(&self) -> Option<i64> {
        Some(self.position.load(Ordering::Relaxed)).filter(|position| *position != UNBUILT)
    }
}

/// Why the index stands still.
#[derive(Debug, thiserror::Error)]
pub enum IndexingError {
    #[error("search: {0}")]
    Search(#[from] SearchError),
    #[error("database: {0}")]
    Database(#[from] DbErr),
}

/// Runs until told to stop.
pub async fn run(app: App, stop: CancellationToken) {
    let mut bus = app.bus.listen();
    while !stop.is_cancelled() {
        let pause = match catch_up(&app).await {
            Ok(()) => POLL,
            Err(error) => {
                tracing::error!(%error, "the search index falls behind; it will catch up");
                AFTER_FAULT
            }
        };
        tokio::select! {
            () = stop.cancelled() => break,
            changed = bus.changed(), if pause == POLL => if changed.is_err() { break },
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Builds the indexes if that was not done yet, then follows the log to its end.
pub async fn catch_up(app: &App) -> Result<(), IndexingError> {
    let mut place = app.indexing.place.lock().await;
    let mut at = match *place {
        Some(at) => at,
        None => build(app).await?,
    };
    loop {
        *place = Some(at);
        app.indexing.position.store(at.position, Ordering::Relaxed);
        match follow(app, at).await? {
            Some(next) => at = next,
            None => return Ok(()),
        }
    }
}

/// Builds all indexes anew, beside those that answer.
pub async fn rebuild(app: &App) -> Result<(), IndexingError> {
    let mut place = app.indexing.place.lock().await;
    let at = build(app).await?;
    *place = Some(at);
    app.indexing.position.store(at.position, Ordering::Relaxed);
    Ok(())
}

async fn build(app: &App) -> Result<Place, IndexingError> {
    // First the place, then the rows: what changes meanwhile is read again.
    let at = Place {
        position: outbox::last_position(app).await?,
        rules_until: app.clock.now(),
    };
    let mut rebuild = app.search.rebuild().await?;
    for index in Index::ALL {
        let mut last = None;
        loop {
            let ids = documents::ids_after(app.db.read(), index, last).await?;
            let Some(newest) = ids.last().copied() else { break };
            last = Some(newest);
            let documents = documents::load(app.db.read(), index, &ids, at.rules_until).await?;
            rebuild.add(index, documents).await?;
        }
    }
    rebuild.finish().await?;
    Ok(at)
}

/// What may have changed.
#[derive(Default)]
struct Touched {
    listings: BTreeSet<Uuid>,
    programs: BTreeSet<Uuid>,
    brands: BTreeSet<Uuid>,
}

/// Takes one batch of events into the index; `None` when there was nothing.
async fn follow(app: &App, at: Place) -> Result<Option<Place>, IndexingError> {
    let now = app.clock.now();
    let events = outbox::log_after(app, at.position, BATCH).await?;
    let mut touched = Touched::default();
    for event in &events {
        note(&mut touched, event);
    }
    let looks_at_rules = now - at.rules_until >= RULES_EVERY;
    if looks_at_rules {
        touched
            .programs
            .extend(programs_turning(app, at.rules_until, now).await?);
        touched
            .programs
            .extend(programs_measured(app, at.rules_until, now).await?);
    }
    let next = Place {
        position: events.last().and_then(|event| event.position).unwrap_or(at.position),
        rules_until: if looks_at_rules { now } else { at.rules_until },
    };
    if !touched.programs.is_empty() {
        let of_programs: Vec<(Uuid, Uuid)> = listing::Entity::find()
            .select_only()
            .column(listing::Column::Id)
            .column(listing::Column::BrandId)
            .filter(listing::Column::ProgramId.is_in(touched.programs.iter().map(|id| ProgramId(*id))))
            .into_tuple()
            .all(app.db.read())
            .await?;
        for (listing, brand) in of_programs {
            touched.listings.insert(listing);
            touched.brands.insert(brand);
        }
    }
    for (index, ids) in [(Index::Listings, touched.listings), (Index::Brands, touched.brands)] {
        let ids: Vec<Uuid> = ids.into_iter().collect();
        for ids in ids.chunks(documents::BATCH) {
            let documents = documents::load(app.db.read(), index, ids, now).await?;
            let mut gone: BTreeSet<Uuid> = ids.iter().copied().collect();
            let mut changes: Vec<Change> = Vec::with_capacity(ids.len());
            for document in documents {
                gone.remove(&document.id);
                changes.push(Change::Put(document));
            }
            changes.extend(gone.into_iter().map(Change::Remove));
            app.search.apply(index, changes).await?;
        }
    }
    Ok((!events.is_empty() || looks_at_rules).then_some(next))
}

fn note(touched: &mut Touched, event: &outbox_event::Model) {
    if event.topic == Topic::ListingChanged.as_str() {
        touched.listings.insert(event.subject_id);
        touched.brands.insert(event.brand_id.0);
    } else if event.topic == Topic::ProgramChanged.as_str() {
        touched.programs.insert(event.subject_id);
        touched.brands.insert(event.brand_id.0);
    }
}

/// Programs one of whose rules began or ended meanwhile.
async fn programs_turning(app: &App, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<Uuid>, DbErr> {
    let from = from - CLOCKS_DIFFER;
    let turns = |column: commission_rule::Column| Condition::all().add(column.gt(from)).add(column.lte(to));
    commission_rule::Entity::find()
        .select_only()
        .column(commission_rule::Column::ProgramId)
        .distinct()
        .filter(
            Condition::any()
                .add(turns(commission_rule::Column::ValidFrom))
                .add(turns(commission_rule::Column::ValidUntil)),
        )
        .into_tuple()
        .all(app.db.read())
        .await
}

/// Programs whose trust metrics changed meanwhile. That many small changes are no events of the log.
async fn programs_measured(app: &App, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<Uuid>, DbErr> {
    program_trust::Entity::find()
        .select_only()
        .column(program_trust::Column::ProgramId)
        .filter(program_trust::Column::MeasuredAt.between(from - CLOCKS_DIFFER, to))
        .into_tuple()
        .all(app.db.read())
        .await
}
