//! The engine outside the process: a Meilisearch server that all processes of an installation share.
//!
//! It is given words as `words.rs` cuts and folds them, and asked for the same, so that no word is cut in two ways; the texts
//! as they were written lie beside them, to be shown. `settings.rs` says what the server is told of the schema,
//! `conditions.rs` writes filters, `answer.rs` asks and reads, `client.rs` speaks and waits.
//!
//! Each index answers under one name. A rebuild fills others beside them, and the server swaps all of them in one step.

mod answer;
mod client;
mod conditions;
mod settings;

use std::time::Duration;

use async_trait::async_trait;
use meilisearch_sdk::{
    client::SwapIndexes,
    errors::{Error, ErrorCode, ErrorType},
    indexes::IndexesQuery,
    task_info::TaskInfo,
};
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use self::client::{Http, Server, done};
use super::{
    Change, Document, Found, Index, Query, Rebuild, SearchEngine, SearchError, Shared,
    document::Value,
    schema::{Field, Kind},
    words,
};

type Remote = meilisearch_sdk::indexes::Index<Http>;

/// The document's id, and what the server sorts by last.
const ID: &str = "id";
/// Where the server looks for a place.
const GEO: &str = "_geo";
/// The texts as they were written.
const SHOWN: &str = "shown";

/// Longest wait for a change to be found: a server that is busy takes seconds.
const APPLY_PATIENCE: Duration = Duration::from_secs(60);
/// Longest wait for one step of a rebuild.
const BUILD_PATIENCE: Duration = Duration::from_secs(30 * 60);
/// Indexes that are listed at once.
const LISTED: usize = 1_000;

/// Longest prefix of the names of indexes, in characters.
pub const MAX_PREFIX_CHARS: usize = 64;

#[derive(Clone)]
pub struct MeilisearchEngine {
    server: Server,
    prefix: String,
}

impl MeilisearchEngine {
    /// Speaks to the server when it is first asked; an error says what is wrong with the key.
    pub fn new(url: &str, key: Option<&str>, prefix: &str) -> Result<Self, String> {
        Ok(Self {
            server: client::connect(url.trim_end_matches('/'), key)?,
            prefix: prefix.to_owned(),
        })
    }

    /// What answers.
    fn live(&self, index: Index) -> Remote {
        self.server.index(self.live_name(index))
    }

    fn live_name(&self, index: Index) -> String {
        format!("{}{}", self.prefix, index.name())
    }

    /// What the names of indexes begin with that are being built.
    fn building_prefix(&self, index: Index) -> String {
        format!("{}-building-", self.live_name(index))
    }

    /// The names of all indexes that are of this installation, by their prefix.
    pub async fn index_names(&self) -> Result<Vec<String>, SearchError> {
        let mut names = Vec::new();
        let mut offset = 0;
        loop {
            let mut page = IndexesQuery::new(&self.server);
            page.with_offset(offset).with_limit(LISTED);
            let listed = page.execute().await.map_err(unavailable)?.results;
            offset += listed.len();
            let is_last = listed.len() < LISTED;
            names.extend(listed.into_iter().map(|index| index.uid));
            if is_last {
                break;
            }
        }
        names.retain(|name| name.starts_with(&self.prefix));
        Ok(names)
    }

    /// Were these indexes given their settings? The server makes one up for a document that it has nowhere to put.
    async fn are_ours(&self, name: impl Fn(Index) -> String) -> Result<bool, SearchError> {
        for index in Index::ALL {
            let found = self.server.index(name(index)).get_settings().await;
            match found.map_err(unavailable) {
                Ok(found) if settings::are_ours(index, &found) => {}
                Ok(_) | Err(SearchError::NotReady) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Deletes what does not answer: what was swapped away, and what rebuilds left that were killed.
    async fn delete_leftovers(&self) -> Result<(), SearchError> {
        let building = Index::ALL.map(|index| self.building_prefix(index));
        for name in self.index_names().await? {
            if building.iter().any(|prefix| name.starts_with(prefix)) {
                delete(&self.server, &name).await?;
            }
        }
        Ok(())
    }
}

/// Deletes an index, if it is there.
async fn delete(server: &Server, name: &str) -> Result<(), SearchError> {
    let task = server.delete_index(name).await.map_err(unavailable)?;
    match done(server, &task, BUILD_PATIENCE).await {
        Err(SearchError::NotReady) => Ok(()),
        other => other,
    }
}

/// Why the server did not do it. Which index is not there is no news to anybody: it is to be built.
fn unavailable(error: Error) -> SearchError {
    match error {
        Error::Meilisearch(error) if error.error_code == ErrorCode::IndexNotFound => SearchError::NotReady,
        Error::Meilisearch(error) if error.error_type == ErrorType::InvalidRequest => {
            SearchError::Refused(error.error_message)
        }
        Error::Meilisearch(error) if error.error_type == ErrorType::Auth => {
            SearchError::Unavailable(format!("--meilisearch-key: {}", error.error_message))
        }
        Error::Meilisearch(error) => SearchError::Unavailable(error.error_message),
        Error::MeilisearchCommunication(error) => {
            SearchError::Unavailable(format!("the server answered with status {}", error.status_code))
        }
        other => SearchError::Unavailable(other.to_string()),
    }
}

/// The name of a field at the server.
fn attribute(field: Field) -> &'static str {
    match field.kind {
        Kind::Point => GEO,
        _ => field.name,
    }
}

fn id_text(id: Uuid) -> String {
    id.simple().to_string()
}

fn written(document: &Document) -> Json {
    let mut shown = Map::new();
    let mut fields = Map::new();
    fields.insert(ID.to_owned(), Json::String(id_text(document.id)));
    for (field, value) in document.values() {
        let written = match value {
            Value::Text(text) => {
                shown.insert(field.name.to_owned(), Json::String(text.clone()));
                let words: Vec<String> = words::tokens(text).into_iter().map(|token| token.word).collect();
                Json::String(words.join(" "))
            }
            Value::Keywords(words) => json!(words),
            Value::Number(number) => json!(number),
            Value::Flag(flag) => Json::Bool(*flag),
            Value::Point(point) => json!({ "lat": point.latitude, "lng": point.longitude }),
        };
        fields.insert(attribute(field).to_owned(), written);
    }
    fields.insert(SHOWN.to_owned(), Json::Object(shown));
    Json::Object(fields)
}

#[async_trait]
impl SearchEngine for MeilisearchEngine {
    async fn search(&self, index: Index, query: &Query) -> Result<Found, SearchError> {
        answer::search(&self.live(index), query).await
    }

    async fn apply(&self, index: Index, changes: Vec<Change>) -> Result<(), SearchError> {
        let mut put = Vec::new();
        let mut gone = Vec::new();
        for change in &changes {
            match change {
                Change::Put(document) => put.push(written(document)),
                Change::Remove(id) => gone.push(id_text(*id)),
            }
        }
        let live = self.live(index);
        let mut tasks = Vec::new();
        if !put.is_empty() {
            tasks.push(live.add_or_replace(&put, Some(ID)).await.map_err(unavailable)?);
        }
        if !gone.is_empty() {
            tasks.push(live.delete_documents(&gone).await.map_err(unavailable)?);
        }
        for task in &tasks {
            done(&self.server, task, APPLY_PATIENCE).await?;
        }
        Ok(())
    }

    async fn rebuild(&self, name: Uuid) -> Result<Box<dyn Rebuild>, SearchError> {
        self.delete_leftovers().await?;
        let mut building = Building {
            engine: self.clone(),
            name: id_text(name),
            begun: Vec::new(),
        };
        for index in Index::ALL {
            let name = building.name(index);
            let created = self.server.create_index(&name, Some(ID)).await;
            building.begun.push(created.map_err(unavailable)?);
            let set = self.server.index(&name).set_settings(&settings::of(index)).await;
            building.begun.push(set.map_err(unavailable)?);
        }
        Ok(Box::new(building))
    }

    fn shared(&self) -> Option<Shared> {
        Some(Shared {
            name: format!("meilisearch:{}", self.prefix),
            fingerprint: settings::fingerprint(),
        })
    }

    async fn is_built(&self) -> Result<bool, SearchError> {
        self.are_ours(|index| self.live_name(index)).await
    }
}

/// Indexes of names that nobody asks. Dropped unfinished, they stay at the server until the next rebuild.
struct Building {
    engine: MeilisearchEngine,
    /// What the names of its indexes end with.
    name: String,
    /// What the server said it would do.
    begun: Vec<TaskInfo>,
}

impl Building {
    fn name(&self, index: Index) -> String {
        format!("{}{}", self.engine.building_prefix(index), self.name)
    }
}

#[async_trait]
impl Rebuild for Building {
    async fn add(&mut self, index: Index, documents: Vec<Document>) -> Result<(), SearchError> {
        let documents: Vec<Json> = documents.iter().map(written).collect();
        let remote = self.engine.server.index(self.name(index));
        let added = remote.add_or_replace(&documents, Some(ID)).await;
        self.begun.push(added.map_err(unavailable)?);
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<(), SearchError> {
        let engine = &self.engine;
        for task in &self.begun {
            done(&engine.server, task, BUILD_PATIENCE).await?;
        }
        // Somebody who took this for a leftover may have deleted them meanwhile.
        if !engine.are_ours(|index| self.name(index)).await? {
            return Err(SearchError::Unavailable(
                "the new indexes were deleted meanwhile".to_owned(),
            ));
        }
        let mut swaps = Vec::with_capacity(Index::ALL.len());
        for index in Index::ALL {
            let live = engine.live_name(index);
            // Only what is there can be swapped: the first time, with nothing.
            match engine.server.get_raw_index(&live).await.map_err(unavailable) {
                Ok(_) => {}
                Err(SearchError::NotReady) => {
                    let created = engine.server.create_index(&live, Some(ID)).await.map_err(unavailable)?;
                    done(&engine.server, &created, BUILD_PATIENCE).await?;
                }
                Err(error) => return Err(error),
            }
            swaps.push(SwapIndexes {
                indexes: (self.name(index), live),
                rename: None,
            });
        }
        let swapped = engine.server.swap_indexes(&swaps).await.map_err(unavailable)?;
        done(&engine.server, &swapped, BUILD_PATIENCE).await?;
        // The server does one thing after the other: whatever a killed rebuild had still asked for is there by now.
        engine.delete_leftovers().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infra::search::{Point, schema::creators};

    #[test]
    fn documents_bring_their_words_and_their_texts() {
        let document = Document::new(Uuid::from_u128(1))
            .text(creators::NAME, "Café-Élan!")
            .keywords(creators::NICHES, ["tea"])
            .number(creators::FOLLOWERS, Some(5))
            .flag(creators::VERIFIED, true)
            .point(
                creators::LOCATION,
                Some(Point {
                    latitude: 1.5,
                    longitude: -2.5,
                }),
            );
        assert_eq!(
            written(&document),
            json!({
                "id": "00000000000000000000000000000001", "name": "cafe elan", "niches": ["tea"], "followers": 5,
                "verified": true, "_geo": { "lat": 1.5, "lng": -2.5 }, "shown": { "name": "Café-Élan!" },
            })
        );
    }
}
