//! The engine inside the process: tantivy, in memory, one index for each of the three things that are found.
//!
//! Every word has the same rarity here and none but its field, its nearness and the field's length count, as in Meilisearch;
//! `terms.rs` finds the words near to one of a query, `conditions.rs` writes filters, `answer.rs` runs a query.

mod answer;
mod conditions;
mod fields;
mod terms;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use async_trait::async_trait;
use tantivy::{Index as Tantivy, IndexReader, IndexWriter, ReloadPolicy, TantivyError, Term};
use tokio::task::spawn_blocking;
use uuid::Uuid;

use self::fields::Fields;
use super::{Change, Document, Found, Index, Query, Rebuild, SearchEngine, SearchError};

/// What a writer may hold before it makes a segment of it.
const WRITER_BYTES: usize = 64 << 20;

/// One index that answers.
struct Shelf {
    fields: Fields,
    reader: IndexReader,
    writer: Mutex<IndexWriter>,
}

type Shelves = [Arc<Shelf>; Index::ALL.len()];

/// Not ready until it was built once.
#[derive(Default)]
pub struct EmbeddedEngine {
    live: Arc<RwLock<Option<Shelves>>>,
}

impl EmbeddedEngine {
    fn shelf(&self, index: Index) -> Result<Arc<Shelf>, SearchError> {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        live.as_ref()
            .map(|shelves| Arc::clone(&shelves[place(index)]))
            .ok_or(SearchError::NotReady)
    }
}

fn place(index: Index) -> usize {
    match index {
        Index::Listings => 0,
        Index::Brands => 1,
        Index::Creators => 2,
    }
}

impl From<TantivyError> for SearchError {
    fn from(error: TantivyError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl Shelf {
    fn new(index: Index) -> Result<Self, SearchError> {
        let (schema, fields) = Fields::of(index);
        let tantivy = Tantivy::create_in_ram(schema);
        tantivy
            .tokenizers()
            .register(fields::TOKENIZER, fields::WordTokenizer::default());
        let writer = tantivy.writer_with_num_threads(1, WRITER_BYTES)?;
        // Reloaded by hand, so that what was written is found when the writer returns.
        let reader = tantivy
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .try_into()?;
        Ok(Self {
            fields,
            reader,
            writer: Mutex::new(writer),
        })
    }

    fn writer(&self) -> MutexGuard<'_, IndexWriter> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, writer: &IndexWriter, document: &Document) -> Result<(), SearchError> {
        writer.add_document(self.fields.written(document))?;
        Ok(())
    }

    fn apply(&self, changes: &[Change]) -> Result<(), SearchError> {
        let mut writer = self.writer();
        for change in changes {
            let id = match change {
                Change::Put(document) => document.id,
                Change::Remove(id) => *id,
            };
            writer.delete_term(Term::from_field_text(self.fields.id, &fields::id_text(id)));
            if let Change::Put(document) = change {
                self.put(&writer, document)?;
            }
        }
        writer.commit()?;
        self.reader.reload()?;
        Ok(())
    }
}

/// Away from the threads that serve requests.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SearchError> + Send + 'static,
) -> Result<T, SearchError> {
    spawn_blocking(work)
        .await
        .map_err(|error| SearchError::Unavailable(error.to_string()))?
}

#[async_trait]
impl SearchEngine for EmbeddedEngine {
    async fn search(&self, index: Index, query: &Query) -> Result<Found, SearchError> {
        let shelf = self.shelf(index)?;
        if query.finds_nothing() {
            return Ok(Found::nothing(query));
        }
        let query = query.clone();
        aside(move || answer::search(&shelf, index, &query)).await
    }

    async fn apply(&self, index: Index, changes: Vec<Change>) -> Result<(), SearchError> {
        let shelf = self.shelf(index)?;
        aside(move || shelf.apply(&changes)).await
    }

    async fn rebuild(&self, _: Uuid) -> Result<Box<dyn Rebuild>, SearchError> {
        let [listings, brands, creators] = Index::ALL.map(Shelf::new);
        Ok(Box::new(Building {
            shelves: [Arc::new(listings?), Arc::new(brands?), Arc::new(creators?)],
            live: Arc::clone(&self.live),
        }))
    }

    async fn is_built(&self) -> Result<bool, SearchError> {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        Ok(live.is_some())
    }
}

struct Building {
    shelves: Shelves,
    live: Arc<RwLock<Option<Shelves>>>,
}

#[async_trait]
impl Rebuild for Building {
    async fn add(&mut self, index: Index, documents: Vec<Document>) -> Result<(), SearchError> {
        let shelf = Arc::clone(&self.shelves[place(index)]);
        aside(move || {
            let writer = shelf.writer();
            documents.iter().try_for_each(|document| shelf.put(&writer, document))
        })
        .await
    }

    async fn finish(self: Box<Self>) -> Result<(), SearchError> {
        let Self { shelves, live } = *self;
        aside(move || {
            for shelf in &shelves {
                shelf.writer().commit()?;
                shelf.reader.reload()?;
            }
            *live.write().unwrap_or_else(PoisonError::into_inner) = Some(shelves);
            Ok(())
        })
        .await
    }
}
