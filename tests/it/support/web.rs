//! The pages of tests: what stands on them is put there, and nothing else is found.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use tributary::infra::web::{Web, WebError};

#[derive(Default)]
pub struct Pages(Mutex<BTreeMap<String, String>>);

impl Pages {
    pub fn put(&self, address: &str, text: &str) {
        let mut pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pages.insert(address.to_owned(), text.to_owned());
    }
}

#[async_trait::async_trait]
impl Web for Pages {
    async fn read(&self, address: &str) -> Result<String, WebError> {
        let pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let nothing = || WebError::Unreachable("there is nothing".to_owned());
        pages.get(address).cloned().ok_or_else(nothing)
    }
}
