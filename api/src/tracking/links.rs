//! Links that were looked up a moment ago, and names under which there is none: a redirect costs no statement while its link
//! is remembered.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use entity::tracking_link;
use quick_cache::sync::Cache;

/// Names that are remembered; beyond it those that nobody asks for go.
const MAX_LINKS: usize = 10_000;
/// How long another process may not notice that a link changed.
const MAX_AGE_SECONDS: i64 = 10;

/// What a link is found by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LinkName {
    Slug(String),
    /// The first link of the partnership with this referral code.
    Referral(String),
}

#[derive(Clone)]
struct Known {
    /// Absent when there is no such link.
    link: Option<Arc<tracking_link::Model>>,
    read_at: DateTime<Utc>,
}

/// The links this process has looked up.
pub struct LinkCache(Cache<LinkName, Known>);

impl Default for LinkCache {
    fn default() -> Self {
        Self(Cache::new(MAX_LINKS))
    }
}

impl LinkCache {
    /// What is known of a name: nothing, that there is no such link, or the link.
    #[must_use]
    pub fn look_up(&self, name: &LinkName, now: DateTime<Utc>) -> Option<Option<Arc<tracking_link::Model>>> {
        let known = self.0.get(name)?;
        let age = now - known.read_at;
        (age < TimeDelta::seconds(MAX_AGE_SECONDS)).then_some(known.link)
    }

    pub fn remember(&self, name: LinkName, link: Option<Arc<tracking_link::Model>>, read_at: DateTime<Utc>) {
        self.0.insert(name, Known { link, read_at });
    }

    /// Whoever makes or changes a link says so here after the commit.
    pub fn forget(&self, slug: &str) {
        self.0.remove(&LinkName::Slug(slug.to_owned()));
    }
}
