//! Search behind one trait: ids in rank order, counts and marked texts, never a row. Rows are always re-read from the
//! database through a visibility filter, so an engine that lags can only miss, never leak.
//!
//! `schema.rs` says what is indexed, `query.rs` what can be asked, `words.rs` how words are cut, folded and forgiven; an engine
//! is one file or folder. `plain.rs` answers from documents in memory: what is left when the engine is away; `breaker.rs` says
//! when it is not even asked.

pub mod breaker;
pub mod document;
pub mod embedded;
pub mod meilisearch;
pub mod plain;
pub mod query;
pub mod schema;
pub mod words;

use async_trait::async_trait;
use uuid::Uuid;

pub use self::{
    document::{Change, Document},
    query::{Filter, Point, Query, Sort},
    schema::{Field, Index},
    words::{MAX_QUERY_CHARS, MAX_QUERY_WORDS, Text, fold},
};

/// A piece of a text that was searched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    pub text: String,
    /// Why the document was found.
    pub matched: bool,
}

/// One document that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    pub id: Uuid,
    /// The texts that were asked for and that the document has.
    pub highlights: Vec<(Field, Vec<Fragment>)>,
}

/// What is there among everything that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facet {
    pub field: Field,
    /// Keywords and flags: the values with how many documents have each, the most frequent first, then by name.
    pub values: Vec<(String, u64)>,
    /// Numbers: the least and the greatest.
    pub range: Option<(i64, i64)>,
}

/// Most values of a facet that are counted out.
pub const MAX_FACET_VALUES: usize = 100;

/// The answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    pub hits: Vec<Hit>,
    pub has_more: bool,
    /// When it was to be counted.
    pub total: Option<u64>,
    /// In the order they were asked for.
    pub facets: Vec<Facet>,
}

impl Found {
    #[must_use]
    pub fn ids(&self) -> Vec<Uuid> {
        self.hits.iter().map(|hit| hit.id).collect()
    }

    /// The answer to a query that cannot find anything.
    #[must_use]
    pub fn nothing(query: &Query) -> Self {
        let facets = query.facets.iter().map(|field| Facet {
            field: *field,
            values: Vec::new(),
            range: None,
        });
        Self {
            total: query.count.then_some(0),
            facets: facets.collect(),
            ..Self::default()
        }
    }
}

/// Why an engine could not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    #[error("the index is still being built")]
    NotReady,
    /// It is there, and takes this question or change for a wrong one.
    #[error("refused: {0}")]
    Refused(String),
    #[error("{0}")]
    Unavailable(String),
}

/// An engine whose indexes outlive the process, and which several processes use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shared {
    /// Which it is, for those who note how far it follows.
    pub name: String,
    /// What its indexes must have been built by; of another, they are built anew.
    pub fingerprint: String,
}

#[async_trait]
pub trait SearchEngine: Send + Sync {
    async fn search(&self, index: Index, query: &Query) -> Result<Found, SearchError>;

    /// Changes, at most one a document; they can be found when it returns.
    async fn apply(&self, index: Index, changes: Vec<Change>) -> Result<(), SearchError>;

    /// Begins new, empty indexes beside those that answer; `name` is one that no other rebuild has.
    async fn rebuild(&self, name: Uuid) -> Result<Box<dyn Rebuild>, SearchError>;

    /// Absent when each process has indexes of its own, in its memory.
    fn shared(&self) -> Option<Shared> {
        None
    }

    /// Are the indexes there that a finished rebuild left? Somebody may have emptied a shared engine.
    async fn is_built(&self) -> Result<bool, SearchError>;
}

/// Indexes that are being built beside those that answer. Dropped unfinished, they were never there.
#[async_trait]
pub trait Rebuild: Send {
    async fn add(&mut self, index: Index, documents: Vec<Document>) -> Result<(), SearchError>;

    /// Lets them answer in place of the others.
    async fn finish(self: Box<Self>) -> Result<(), SearchError>;
}
