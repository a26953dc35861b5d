//! What all subscriptions share.

use async_graphql::SimpleObject;
use chrono::{DateTime, Utc};

/// Nothing for this subscriber happened for a while; the subscription goes on.
#[derive(SimpleObject)]
pub struct Advanced {
    /// Where the feed was read to. As `after` it spares looking again through what was passed over.
    pub cursor: String,
    /// When it was read to there.
    pub occurred_at: DateTime<Utc>,
}

/// The subscriber fell too far behind; the subscription ends here.
#[derive(SimpleObject)]
pub struct Lagged {
    /// Where this item lies in the feed.
    pub cursor: String,
    /// When the subscription was ended.
    pub occurred_at: DateTime<Utc>,
    /// Subscribe again with this as `after`: nothing was lost.
    pub resume_from: String,
}

impl Lagged {
    #[must_use]
    pub fn new(resume_from: String, occurred_at: DateTime<Utc>) -> Self {
        Self {
            cursor: resume_from.clone(),
            occurred_at,
            resume_from,
        }
    }
}
