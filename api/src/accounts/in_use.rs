//! Which sessions and API keys requests came in with lately.
//!
//! A request only notes it; once a minute a job writes what was noted. A killed process forgets a minute of it, which a
//! list can bear, and no request waits for the database.

use std::{
    collections::HashSet,
    hash::Hash,
    sync::{Mutex, PoisonError},
};

/// Ids noted in a minute. Beyond it they are not noted until the next.
const MAX_NOTED: usize = 50_000;

pub struct InUse<Id>(Mutex<HashSet<Id>>);

impl<Id> Default for InUse<Id> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<Id: Eq + Hash> InUse<Id> {
    pub fn note(&self, id: Id) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() < MAX_NOTED {
            noted.insert(id);
        }
    }

    /// What was noted since the last time.
    pub fn take(&self) -> Vec<Id> {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.drain().collect()
    }
}
