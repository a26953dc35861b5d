//! Keeps the engine's indexes true to the rows: built from all of them, then behind the log of the outbox.
//!
//! An event only says which row to read again; what is indexed is that row as it is now, or that it is not for everyone any
//! more. So events may come twice, late or in another order, and the index ends equal to the rows.
//!
//! An index in the memory of the process is built as the process starts, and its place in the log lies beside it. A shared one
//! is kept by one process at a time, by a lease; its place lies in the database, with what it was built by. `reindex` raises a
//! number there, and whoever keeps an index that was built for a lower one builds it anew.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use entity::{commission_rule, ids::ProgramId, listing, outbox_event, program_trust, search_place};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, DbErr, EntityTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, ExprTrait, OnConflict},
};
use tokio::{sync::Mutex, time::sleep};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    app::App,
    infra::search::{Change, Index, Query, SearchError, Shared},
    lease,
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

const LEASE_NAME: &str = "search-indexing";
/// How long a shared index stands still at most when the process is killed that keeps it.
const LEASE: TimeDelta = TimeDelta::seconds(30);
const RENEW: Duration = Duration::from_secs(10);

/// The row of all indexes that lie in the memory of a process: they share only what is asked of them.
const IN_MEMORY: &str = "memory";

/// How far the index in the memory of this process follows.
pub struct Indexing {
    own: Mutex<Option<Place>>,
    /// Kept beside its place, which is locked while a batch is taken in.
    position: AtomicI64,
}

/// In place of a position, before the first build.
const UNBUILT: i64 = -1;

impl Default for Indexing {
    fn default() -> Self {
        Self {
            own: Mutex::default(),
            position: AtomicI64::new(UNBUILT),
        }
    }
}

/// How far an index follows.
#[derive(Clone, Copy)]
struct Place {
    /// How often building it had been asked for when this was done.
    built: i64,
    position: i64,
    /// Rules that begin or end up to then are in the index as they are.
    rules_until: DateTime<Utc>,
}

impl Place {
    /// Where a shared index stands; absent when it is not there, was built by another program, or is to be built anew.
    fn of(row: &search_place::Model, shared: &Shared) -> Option<Self> {
        if row.fingerprint.as_ref() != Some(&shared.fingerprint) || row.built < row.wanted {
            return None;
        }
        Some(Self {
            built: row.built,
            position: row.position,
            rules_until: row.rules_until?,
        })
    }

    fn looks_at_rules(&self, now: DateTime<Utc>) -> bool {
        now - self.rules_until >= RULES_EVERY
    }
}

/// The position of the log up to which everything can be found; absent before the first build.
pub async fn position(app: &App) -> Result<Option<i64>, DbErr> {
    let Some(shared) = app.search.shared() else {
        let position = app.indexing.position.load(Ordering::Relaxed);
        return Ok(Some(position).filter(|position| *position != UNBUILT));
    };
    let row = find_row(app, &shared.name).await?;
    // What is to be built anew answers as long as it is.
    Ok(row.filter(|row| row.fingerprint.is_some()).map(|row| row.position))
}

/// Why the index stands still.
#[derive(Debug, thiserror::Error)]
pub enum IndexingError {
    #[error("search: {0}")]
    Search(#[from] SearchError),
    #[error("database: {0}")]
    Database(#[from] DbErr),
    #[error("another process has taken over keeping the index")]
    TakenOver,
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
            () = sleep(pause) => {}
        }
    }
}

/// Builds the indexes if that is not done or was asked for again, then follows the log to its end. Where another process keeps
/// a shared index just now, there is nothing to do.
pub async fn catch_up(app: &App) -> Result<(), IndexingError> {
    let mut own = app.indexing.own.lock().await;
    match app.search.shared() {
        None => catch_up_own(app, &mut own).await,
        Some(shared) => catch_up_shared(app, &shared).await,
    }
}

async fn catch_up_own(app: &App, own: &mut Option<Place>) -> Result<(), IndexingError> {
    let wanted = find_row(app, IN_MEMORY).await?.map_or(0, |row| row.wanted);
    let mut at = match *own {
        Some(at) if at.built >= wanted => at,
        _ => build(app, wanted).await?,
    };
    loop {
        *own = Some(at);
        app.indexing.position.store(at.position, Ordering::Relaxed);
        match follow(app, at).await? {
            Some(next) => at = next,
            None => return Ok(()),
        }
    }
}

async fn catch_up_shared(app: &App, shared: &Shared) -> Result<(), IndexingError> {
    // A cheap look first: a process with nothing to do must not take the writer of a SQLite file every second.
    let row = find_row(app, &shared.name).await?;
    let is_true = match row.and_then(|row| Place::of(&row, shared)) {
        Some(at) => outbox::last_position(app).await? <= at.position && !at.looks_at_rules(app.clock.now()),
        None => false,
    };
    if is_true {
        return Ok(());
    }
    let holder = app.ids.uuid(app.clock.now());
    if !lease::hold(app, LEASE_NAME, holder, LEASE).await? {
        return Ok(());
    }
    let worked = tokio::select! {
        worked = follow_shared(app, shared, holder) => worked,
        error = renew(app, holder) => Err(error),
    };
    // Whatever came of it, others need not wait.
    let released = lease::release(app, LEASE_NAME, holder).await;
    worked?;
    Ok(released?)
}

/// Keeps the lease for as long as it is waited for; ends when it is lost.
async fn renew(app: &App, holder: Uuid) -> IndexingError {
    loop {
        sleep(RENEW).await;
        match lease::hold(app, LEASE_NAME, holder, LEASE).await {
            Ok(true) => {}
            Ok(false) => return IndexingError::TakenOver,
            Err(error) => return error.into(),
        }
    }
}

async fn follow_shared(app: &App, shared: &Shared, holder: Uuid) -> Result<(), IndexingError> {
    let row = find_row(app, &shared.name).await?;
    // Whoever emptied the engine told nobody.
    let is_built = app.search.is_built().await?;
    let mut at = match row.as_ref().and_then(|row| Place::of(row, shared)) {
        Some(at) if is_built => at,
        _ => {
            tracing::info!("building the search index from the database");
            let at = build(app, row.map_or(0, |row| row.wanted)).await?;
            note_place(app, shared, holder, at).await?;
            at
        }
    };
    while let Some(next) = follow(app, at).await? {
        note_place(app, shared, holder, next).await?;
        at = next;
    }
    Ok(())
}

async fn find_row(app: &App, engine: &str) -> Result<Option<search_place::Model>, DbErr> {
    search_place::Entity::find_by_id(engine).one(app.db.read()).await
}

/// Writes down how far a shared index is, unless another process has taken over meanwhile.
async fn note_place(app: &App, shared: &Shared, holder: Uuid, at: Place) -> Result<(), IndexingError> {
    use search_place::Column;
    let tx = app.db.begin().await?;
    if !lease::hold_in_tx(&tx, app, LEASE_NAME, holder, LEASE).await? {
        tx.rollback().await?;
        return Err(IndexingError::TakenOver);
    }
    search_place::Entity::insert(search_place::ActiveModel {
        engine: Set(shared.name.clone()),
        wanted: Set(at.built),
        built: Set(at.built),
        fingerprint: Set(Some(shared.fingerprint.clone())),
        position: Set(at.position),
        rules_until: Set(Some(at.rules_until)),
    })
    .on_conflict(
        OnConflict::column(Column::Engine)
            .update_columns([Column::Built, Column::Fingerprint, Column::Position, Column::RulesUntil])
            .to_owned(),
    )
    .exec_without_returning(&tx)
    .await?;
    tx.commit().await?;
    Ok(())
}

/// Has all indexes built anew, beside those that answer. A shared one is built when this returns: how many documents there are
/// of each kind. Of one in memory nothing is known here: absent, the processes that serve requests do it within a second.
pub async fn reindex(app: &App) -> Result<Option<Vec<(Index, u64)>>, IndexingError> {
    let Some(shared) = app.search.shared() else {
        ask_anew(app, IN_MEMORY).await?;
        return Ok(None);
    };
    let wish = ask_anew(app, &shared.name).await?;
    loop {
        catch_up(app).await?;
        let row = find_row(app, &shared.name).await?;
        if row.is_some_and(|row| row.built >= wish) {
            break;
        }
        // Another process keeps it, and has heard of it.
        sleep(POLL).await;
    }
    let mut documents = Vec::new();
    for index in Index::ALL {
        let everything = Query {
            count: true,
            ..Query::default()
        };
        let found = app.search.search(index, &everything).await?;
        documents.push((index, found.total.unwrap_or_default()));
    }
    Ok(Some(documents))
}

/// Asks for building it anew; how often that was done.
async fn ask_anew(app: &App, engine: &str) -> Result<i64, DbErr> {
    use search_place::Column;
    let tx = app.db.begin().await?;
    search_place::Entity::insert(search_place::ActiveModel {
        engine: Set(engine.to_owned()),
        wanted: Set(1),
        built: Set(0),
        fingerprint: Set(None),
        position: Set(0),
        rules_until: Set(None),
    })
    .on_conflict(
        OnConflict::column(Column::Engine)
            .value(Column::Wanted, Expr::col((search_place::Entity, Column::Wanted)).add(1))
            .to_owned(),
    )
    .exec_without_returning(&tx)
    .await?;
    let row = search_place::Entity::find_by_id(engine).one(&tx).await?;
    tx.commit().await?;
    Ok(row.map_or(1, |row| row.wanted))
}

async fn build(app: &App, wanted: i64) -> Result<Place, IndexingError> {
    // First the place, then the rows: what changes meanwhile is read again.
    let at = Place {
        built: wanted,
        position: outbox::last_position(app).await?,
        rules_until: app.clock.now(),
    };
    let mut rebuild = app.search.rebuild(app.ids.uuid(at.rules_until)).await?;
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
    creators: BTreeSet<Uuid>,
}

/// Takes one batch of events into the index; `None` when there was nothing.
async fn follow(app: &App, at: Place) -> Result<Option<Place>, IndexingError> {
    let now = app.clock.now();
    let events = outbox::log_after(app, at.position, BATCH).await?;
    let mut touched = Touched::default();
    for event in &events {
        note(&mut touched, event);
    }
    let looks_at_rules = at.looks_at_rules(now);
    if looks_at_rules {
        touched
            .programs
            .extend(programs_turning(app, at.rules_until, now).await?);
        touched
            .programs
            .extend(programs_measured(app, at.rules_until, now).await?);
    }
    let next = Place {
        built: at.built,
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
    for (index, ids) in [
        (Index::Listings, touched.listings),
        (Index::Brands, touched.brands),
        (Index::Creators, touched.creators),
    ] {
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
        touched.brands.extend(event.brand_id.map(|brand| brand.0));
    } else if event.topic == Topic::ProgramChanged.as_str() {
        touched.programs.insert(event.subject_id);
        touched.brands.extend(event.brand_id.map(|brand| brand.0));
    } else if event.topic == Topic::CreatorChanged.as_str() {
        touched.creators.insert(event.subject_id);
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
