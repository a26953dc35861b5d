//! The one thing handed around: database, clock, ids, search, bus, keys and configuration.

use std::{ops::Deref, sync::Arc};

use migration::{Migrator, MigratorTrait};
use sea_orm::{DatabaseTransaction, DbErr};
use tokio::sync::Notify;

use crate::{
    accounts::{keys_in_use::KeysInUse, throttle::PasswordThrottle},
    config::Config,
    error::Fault,
    feed,
    ids::Ids,
    infra::{
        bus::Bus,
        clock::{Clock, SystemClock},
        db::Db,
        search::{DatabaseSearch, Search},
    },
    keys::Keys,
    metrics::Metrics,
    tracking::clicks::ClickQueue,
};

/// Cheap to clone; every clone is the same application.
#[derive(Clone)]
pub struct App(Arc<AppState>);

pub struct AppState {
    pub config: Config,
    pub db: Db,
    pub clock: Arc<dyn Clock>,
    pub ids: Ids,
    pub search: Arc<dyn Search>,
    pub bus: Bus,
    pub feeds: feed::Limits,
    pub keys: Keys,
    /// Wrong passwords of the last minutes.
    pub passwords: PasswordThrottle,
    /// API keys that were used in the last minute.
    pub keys_in_use: KeysInUse,
    /// Clicks that answered their redirect and wait to be written.
    pub clicks: ClickQueue,
    pub metrics: Metrics,
    /// Rings when a transaction with outbox rows has committed.
    pub outbox_wakeup: Notify,
    /// Rings when a transaction with jobs has committed.
    pub jobs_wakeup: Notify,
}

impl Deref for App {
    type Target = AppState;

    fn deref(&self) -> &AppState {
        &self.0
    }
}

/// What tests and replays put in place of the world.
pub struct Parts {
    pub clock: Arc<dyn Clock>,
    pub ids: Ids,
    pub feeds: feed::Limits,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            ids: Ids::from_os(),
            feeds: feed::Limits::default(),
        }
    }
}

impl App {
    /// Connects, migrates and assembles.
    pub async fn start(config: Config, parts: Parts) -> Result<Self, Fault> {
        let db = Db::connect(&config.database_url, config.database_connections).await?;
        Migrator::up(db.schema_connection(), None).await?;
        Self::assemble(config, db, parts).await
    }

    /// Assembles over a database whose schema is up to date.
    pub async fn assemble(config: Config, db: Db, parts: Parts) -> Result<Self, Fault> {
        let keys = Keys::load(&config, &db, &parts.ids, parts.clock.as_ref()).await?;
        let search = Arc::new(DatabaseSearch::new(db.clone()));
        Ok(Self(Arc::new(AppState {
            config,
            db,
            clock: parts.clock,
            ids: parts.ids,
            search,
            bus: Bus::default(),
            feeds: parts.feeds,
            keys,
            passwords: PasswordThrottle::default(),
            keys_in_use: KeysInUse::default(),
            clicks: ClickQueue::default(),
            metrics: Metrics::default(),
            outbox_wakeup: Notify::new(),
            jobs_wakeup: Notify::new(),
        })))
    }

    /// Commits a use case and wakes the relay and the worker: the last line of every service that enqueued a fact or a job.
    pub async fn commit(&self, tx: DatabaseTransaction) -> Result<(), DbErr> {
        tx.commit().await?;
        self.outbox_wakeup.notify_one();
        self.jobs_wakeup.notify_one();
        Ok(())
    }
}
