//! What a fake tells by itself: events, signed as they are sent.

use std::{sync::Mutex, time::Duration};

use axum::http::HeaderMap;
use reqwest::Client;

use super::locked;

/// Something that happened, and has not been told yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    /// The same in every repetition.
    pub event_id: String,
    pub body: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    AsHappened,
    Backwards,
}

/// How events are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manner {
    pub copies: usize,
    pub order: Order,
    /// Before each.
    pub delay: Duration,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            copies: 1,
            order: Order::AsHappened,
            delay: Duration::ZERO,
        }
    }
}

type Sign = dyn Fn(&Happened) -> HeaderMap + Send + Sync;

/// Events that wait to be told.
pub struct Events {
    waiting: Mutex<Vec<Happened>>,
    count: Mutex<u64>,
    sign: Box<Sign>,
}

impl Events {
    pub(super) fn signed_by(sign: impl Fn(&Happened) -> HeaderMap + Send + Sync + 'static) -> Self {
        Self {
            waiting: Mutex::default(),
            count: Mutex::default(),
            sign: Box::new(sign),
        }
    }

    pub(super) fn next_id(&self, prefix: &str) -> String {
        let mut count = locked(&self.count);
        *count += 1;
        format!("{prefix}{:014}", *count)
    }

    pub(super) fn add(&self, event_id: String, body: String) {
        locked(&self.waiting).push(Happened { event_id, body });
    }

    /// Takes what waits, in the order it happened.
    pub fn take(&self) -> Vec<Happened> {
        std::mem::take(&mut *locked(&self.waiting))
    }

    /// With the signature of now.
    #[must_use]
    pub fn headers(&self, happened: &Happened) -> HeaderMap {
        (self.sign)(happened)
    }

    /// Tells what waits to whoever listens there; with the status of each answer. What is not taken is told no more: whoever
    /// tries things out sees it at once.
    pub async fn tell(&self, url: &str, manner: Manner) -> Result<Vec<u16>, String> {
        let mut all = self.take();
        if all.is_empty() {
            return Ok(Vec::new());
        }
        if manner.order == Order::Backwards {
            all.reverse();
        }
        let client = Client::new();
        let mut answers = Vec::new();
        for happened in &all {
            for _ in 0..manner.copies {
                tokio::time::sleep(manner.delay).await;
                let request = client
                    .post(url)
                    .headers(self.headers(happened))
                    .body(happened.body.clone());
                let answer = request.send().await.map_err(|error| error.without_url().to_string())?;
                answers.push(answer.status().as_u16());
            }
        }
        Ok(answers)
    }
}
