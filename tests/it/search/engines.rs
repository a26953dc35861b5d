//! The engines that are there, each with indexes of its own.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use async_trait::async_trait;
use tributary::infra::search::{
    Change, Document, Found, Index, Query, Rebuild, SearchEngine, SearchError, Shared, embedded::EmbeddedEngine,
};
use uuid::Uuid;

use crate::support::meilisearch;

#[derive(Clone, Copy, Debug)]
pub enum Engine {
    Embedded,
    Meilisearch,
}

impl Engine {
    /// Without an index; absent where there is no server.
    pub fn made(self) -> Option<Arc<dyn SearchEngine>> {
        Some(match self {
            Self::Embedded => Arc::new(EmbeddedEngine::default()),
            Self::Meilisearch => Arc::new(meilisearch::server()?.engine()),
        })
    }

    /// Engine with these documents and nothing else.
    pub async fn filled(self, index: Index, documents: Vec<Document>) -> Option<Indexed> {
        let engine = self.made()?;
        let mut rebuild = engine.rebuild(Uuid::from_u128(1)).await.unwrap();
        rebuild.add(index, documents).await.unwrap();
        rebuild.finish().await.unwrap();
        Some(Indexed { engine, index })
    }
}

/// One index of an engine.
pub struct Indexed {
    pub engine: Arc<dyn SearchEngine>,
    index: Index,
}

impl Indexed {
    pub async fn ask(&self, query: Query) -> Found {
        self.engine.search(self.index, &query).await.unwrap()
    }

    pub async fn apply(&self, changes: Vec<Change>) {
        self.engine.apply(self.index, changes).await.unwrap();
    }
}

/// An engine that can be away, counts how often it is built and asked, and may be one that processes share.
#[derive(Default)]
pub struct Switch {
    engine: EmbeddedEngine,
    shared: Mutex<Option<Shared>>,
    is_off: AtomicBool,
    is_empty: AtomicBool,
    rebuilds: AtomicU32,
    questions: AtomicU32,
}

impl Switch {
    pub fn shared_by(fingerprint: &str) -> Self {
        let switch = Self::default();
        switch.set_fingerprint(fingerprint);
        switch
    }

    pub fn set_fingerprint(&self, fingerprint: &str) {
        *self.shared.lock().unwrap() = Some(Shared {
            name: "switch".to_owned(),
            fingerprint: fingerprint.to_owned(),
        });
    }

    pub fn turn_off(&self) {
        self.is_off.store(true, Ordering::SeqCst);
    }

    pub fn turn_on(&self) {
        self.is_off.store(false, Ordering::SeqCst);
    }

    /// As if somebody had deleted its indexes.
    pub fn empty(&self) {
        self.is_empty.store(true, Ordering::SeqCst);
    }

    pub fn rebuilds(&self) -> u32 {
        self.rebuilds.load(Ordering::SeqCst)
    }

    pub fn questions(&self) -> u32 {
        self.questions.load(Ordering::SeqCst)
    }

    fn check(&self) -> Result<(), SearchError> {
        if self.is_off.load(Ordering::SeqCst) {
            return Err(SearchError::Unavailable("switched off".to_owned()));
        }
        Ok(())
    }
}

#[async_trait]
impl SearchEngine for Switch {
    async fn search(&self, index: Index, query: &Query) -> Result<Found, SearchError> {
        self.questions.fetch_add(1, Ordering::SeqCst);
        self.check()?;
        self.engine.search(index, query).await
    }

    async fn apply(&self, index: Index, changes: Vec<Change>) -> Result<(), SearchError> {
        self.check()?;
        self.engine.apply(index, changes).await
    }

    async fn rebuild(&self, name: Uuid) -> Result<Box<dyn Rebuild>, SearchError> {
        self.check()?;
        self.is_empty.store(false, Ordering::SeqCst);
        self.rebuilds.fetch_add(1, Ordering::SeqCst);
        self.engine.rebuild(name).await
    }

    fn shared(&self) -> Option<Shared> {
        self.shared.lock().unwrap().clone()
    }

    async fn is_built(&self) -> Result<bool, SearchError> {
        self.check()?;
        Ok(!self.is_empty.load(Ordering::SeqCst) && self.engine.is_built().await?)
    }
}
