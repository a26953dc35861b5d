//! Which API keys requests came in with lately.
//!
//! A request only notes it; once a minute a job writes what was noted. A killed process forgets a minute of it, which a
//! list of keys can bear, and no request waits for the database.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use entity::ids::ApiKeyId;

/// Keys noted in a minute. Beyond it they are not noted until the next.
const MAX_KEYS: usize = 50_000;

#[derive(Default)]
pub struct KeysInUse(Mutex<HashSet<ApiKeyId>>);

impl KeysInUse {
    pub fn note(&self, key: ApiKeyId) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() < MAX_KEYS {
            noted.insert(key);
        }
    }

    /// What was noted since the last time.
    pub fn take(&self) -> Vec<ApiKeyId> {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.drain().collect()
    }
}
