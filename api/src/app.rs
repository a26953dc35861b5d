//! The one thing handed around: database, clock, ids, search, bus, keys and configuration.

use std::{ops::Deref, sync::Arc};

use entity::ids::{ApiKeyId, SessionId};
use migration::{Migrator, MigratorTrait};
use sea_orm::{DatabaseTransaction, DbErr};
use tokio::sync::Notify;

use crate::{
    accounts::{in_use::InUse, throttle::Throttle},
    config::{Config, Environment},
    error::Fault,
    feed,
    ids::Ids,
    infra::{
        bus::Bus,
        clock::{Clock, SystemClock},
        db::Db,
        mail::{LogMailer, Mailer, SmtpMailer},
        sealing::KeyRing,
        search::{SearchEngine, breaker::Breaker, embedded::EmbeddedEngine},
        web::{Web, WorldWide},
    },
    keys::Keys,
    marketplace::indexing::Indexing,
    metrics::Metrics,
    payouts::rails::{Outside, Rails},
    tracking::{clicks::ClickQueue, links::LinkCache},
};

/// Cheap to clone; every clone is the same application.
#[derive(Clone)]
pub struct App(Arc<AppState>);

pub struct AppState {
    pub config: Config,
    pub db: Db,
    pub clock: Arc<dyn Clock>,
    pub ids: Ids,
    pub search: Arc<dyn SearchEngine>,
    /// Whether the engine is asked at all.
    pub search_breaker: Breaker,
    /// How far the engine follows the log.
    pub indexing: Indexing,
    pub bus: Bus,
    pub mailer: Arc<dyn Mailer>,
    /// Pages elsewhere.
    pub web: Arc<dyn Web>,
    /// Providers of payouts.
    pub rails: Rails,
    pub feeds: feed::Limits,
    pub keys: Keys,
    /// Seals what must not be read in the database.
    pub key_ring: KeyRing,
    /// Wrong passwords of the last minutes.
    pub passwords: Throttle,
    /// Links asked for in the last hour.
    pub link_mails: Throttle,
    /// Looks at channels in the last hour.
    pub channel_checks: Throttle,
    /// Sessions that requests came in during the last minute.
    pub sessions_in_use: InUse<SessionId>,
    /// API keys that were used in the last minute.
    pub keys_in_use: InUse<ApiKeyId>,
    /// Clicks that answered their redirect and wait to be written.
    pub clicks: ClickQueue,
    /// Links looked up a moment ago.
    pub links: LinkCache,
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
    /// In place of the one that the configuration asks for.
    pub mailer: Option<Arc<dyn Mailer>>,
    /// In place of the one that the configuration asks for.
    pub search: Option<Arc<dyn SearchEngine>>,
    /// In place of the world.
    pub web: Option<Arc<dyn Web>>,
    pub rails: Outside,
    pub feeds: feed::Limits,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            ids: Ids::from_os(),
            mailer: None,
            search: None,
            web: None,
            rails: Outside::default(),
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
        let key_ring = keys.ring(&config)?;
        let search = match parts.search {
            Some(search) => search,
            None => configured_engine(&config).map_err(Fault::new)?,
        };
        let mailer = match parts.mailer {
            Some(mailer) => mailer,
            None => configured_mailer(&config).map_err(Fault::new)?,
        };
        let web = match parts.web {
            Some(web) => web,
            None => Arc::new(WorldWide),
        };
        let rails = Rails::new(&config.rails, Arc::clone(&parts.clock), parts.rails).map_err(Fault::new)?;
        Ok(Self(Arc::new(AppState {
            config,
            db,
            clock: parts.clock,
            ids: parts.ids,
            search,
            search_breaker: Breaker::default(),
            indexing: Indexing::default(),
            bus: Bus::default(),
            mailer,
            web,
            rails,
            feeds: parts.feeds,
            keys,
            key_ring,
            passwords: Throttle::of_passwords(),
            link_mails: Throttle::of_links(),
            channel_checks: Throttle::of_channels(),
            sessions_in_use: InUse::default(),
            keys_in_use: InUse::default(),
            clicks: ClickQueue::default(),
            links: LinkCache::default(),
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

fn configured_engine(config: &Config) -> Result<Arc<dyn SearchEngine>, String> {
    Ok(match config.meilisearch()? {
        Some(engine) => Arc::new(engine),
        None => Arc::new(EmbeddedEngine::default()),
    })
}

fn configured_mailer(config: &Config) -> Result<Arc<dyn Mailer>, String> {
    match (&config.smtp_url, &config.mail_from) {
        (Some(url), Some(from)) => Ok(Arc::new(SmtpMailer::new(url, from)?)),
        _ if config.environment == Environment::Production => Ok(Arc::new(LogMailer::Outside)),
        _ => Ok(Arc::new(LogMailer::Whole)),
    }
}
