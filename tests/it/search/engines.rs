//! The engines that are there, each with indexes of its own.

use std::sync::Arc;

use tributary::infra::search::{Change, Document, Found, Index, Query, SearchEngine, embedded::EmbeddedEngine};

#[derive(Clone, Copy, Debug)]
pub enum Engine {
    Embedded,
}

impl Engine {
    /// Engine with these documents and nothing else.
    pub async fn filled(self, index: Index, documents: Vec<Document>) -> Indexed {
        let engine: Arc<dyn SearchEngine> = match self {
            Self::Embedded => Arc::new(EmbeddedEngine::default()),
        };
        let mut rebuild = engine.rebuild().await.unwrap();
        rebuild.add(index, documents).await.unwrap();
        rebuild.finish().await.unwrap();
        Indexed { engine, index }
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
