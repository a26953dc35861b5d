//! Feeds: everything of some topics behind a cursor, then live, from the one log. Each room says what it watches and how
//! its rows are read; the rest is the same for all.

use std::{collections::HashMap, time::Duration};

use async_stream::try_stream;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use entity::{Reach, outbox_event};
use futures_util::{Stream, StreamExt, stream::BoxStream};
use uuid::Uuid;

use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
        service as accounts,
    },
    app::App,
    error::ApiError,
    outbox::{self, Topic},
};

/// How much a feed reads, and how long it bears with its reader.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Events read at a time.
    pub batch: u64,
    /// A live subscriber with a batch of its own events waiting and this many positions behind is told to resume instead
    /// of being served from ever older news.
    pub max_live_lag: i64,
    /// After this many positions without an event for it, a subscriber gets a cursor from which to resume.
    pub advance_after: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            batch: 100,
            max_live_lag: 10_000,
            advance_after: 1_000,
        }
    }
}

/// A look at the log even when nobody rang: what another process stamped is found this late at the latest.
const POLL: Duration = Duration::from_secs(1);

/// Within a batch, rights that were read no longer ago than this are good.
const RIGHTS_GOOD_FOR: TimeDelta = TimeDelta::seconds(1);
/// How often a silent subscription asks whether it may stay.
const RIGHTS_EVERY: TimeDelta = TimeDelta::seconds(15);

/// What a subscription watches, and where.
#[derive(Clone, Debug)]
pub struct Watch {
    pub operation: Operation,
    /// The brand or the partner whose events they are.
    pub place: Place,
    pub topics: Vec<Topic>,
}

impl Watch {
    fn reach(&self) -> Reach {
        match (self.place.brand, self.place.partner) {
            (Some(brand), _) => Reach::of_brand(brand),
            (None, Some(partner)) => Reach::of_partner(partner),
            (None, None) => Reach::default(),
        }
    }
}

/// One item of a feed.
pub enum FeedItem<T> {
    Event(Box<FeedEvent<T>>),
    /// There was nothing for this subscriber for long.
    Advanced {
        cursor: String,
        occurred_at: DateTime<Utc>,
    },
    Lagged {
        resume_from: String,
        occurred_at: DateTime<Utc>,
    },
}

/// Something that happened, with the row it is about as that stands now.
pub struct FeedEvent<T> {
    pub cursor: String,
    pub occurred_at: DateTime<Utc>,
    pub topic: String,
    /// JSON: what the event says beyond its subject.
    pub payload: String,
    pub subject: Option<T>,
}

fn encode(position: i64) -> String {
    URL_SAFE_NO_PAD.encode(position.to_be_bytes())
}

fn decode(cursor: &str) -> Option<i64> {
    URL_SAFE_NO_PAD
        .decode(cursor)
        .ok()
        .and_then(|bytes| Some(i64::from_be_bytes(bytes.try_into().ok()?)))
        .filter(|position| *position >= 0)
}

/// Opens a feed behind `after`, or at its end. `load` reads the rows of a batch of subjects in one statement; events that
/// `keep` does not want are passed over like those of other topics.
pub async fn open<T, F>(
    app: &App,
    actor: &Actor,
    watch: Watch,
    after: Option<String>,
    keep: impl Fn(&FeedEvent<T>) -> bool + Send + 'static,
    load: impl Fn(App, Vec<Uuid>) -> F + Send + 'static,
) -> Result<BoxStream<'static, Result<FeedItem<T>, ApiError>>, ApiError>
where
    T: Clone + Send + 'static,
    F: Future<Output = Result<HashMap<Uuid, T>, ApiError>> + Send + 'static,
{
    actor.authorise(watch.operation, watch.place)?;
    let end = outbox::last_position(app).await.map_err(ApiError::internal)?;
    let from = match after {
        // A cursor ahead of the log is of another log: following it would pass over what comes now.
        Some(cursor) => decode(&cursor)
            .filter(|position| *position <= end)
            .ok_or_else(|| ApiError::bad_field("after", "`after` is not a cursor of this feed"))?,
        None => end,
    };
    Ok(follow(app.clone(), actor.clone(), watch, from, keep, load).boxed())
}

fn follow<T, F>(
    app: App,
    actor: Actor,
    watch: Watch,
    from: i64,
    keep: impl Fn(&FeedEvent<T>) -> bool + Send + 'static,
    load: impl Fn(App, Vec<Uuid>) -> F + Send + 'static,
) -> impl Stream<Item = Result<FeedItem<T>, ApiError>> + Send
where
    T: Clone + Send + 'static,
    F: Future<Output = Result<HashMap<Uuid, T>, ApiError>> + Send + 'static,
{
    try_stream! {
        let limits = app.feeds;
        let _subscribed = app.metrics.subscribe();
        let mut bus = app.bus.listen();
        // How far the log was read, and how far the subscriber knows it was.
        let (mut position, mut told) = (from, from);
        let mut live = false;
        let mut checked_at = app.clock.now();
        loop {
            // The end is taken before the log is read: whatever is announced meanwhile wakes us afterwards, and all
            // up to the end is committed, so an empty answer means that nothing of this tenant lies before it. Nobody
            // rings for what another process stamped.
            let rung = *bus.borrow_and_update();
            let end = if rung > position {
                rung
            } else {
                outbox::last_position(&app).await.map_err(ApiError::internal)?
            };
            let events = if end > position {
                outbox::list_after(&app, &watch.reach(), &watch.topics, position, limits.batch)
                    .await
                    .map_err(ApiError::internal)?
            } else {
                Vec::new()
            };
            let ended = |now| actor.valid_until.is_some_and(|until| until <= now);
            let now = app.clock.now();
            if !events.is_empty() || ended(now) || now - checked_at >= RIGHTS_EVERY {
                recheck(&app, &actor, &watch).await?;
                checked_at = now;
            }
            let waiting = u64::try_from(events.len()).unwrap_or(u64::MAX);
            if live && waiting >= limits.batch && end - position > limits.max_live_lag {
                yield FeedItem::Lagged { resume_from: encode(position), occurred_at: now };
                break;
            }
            if waiting == 0 {
                position = position.max(end);
            } else {
                let subjects = load(app.clone(), events.iter().map(|event| event.subject_id).collect()).await?;
                for event in events {
                    position = event.position.unwrap_or(position);
                    let event = item(event, position, &subjects);
                    if !keep(&event) {
                        continue;
                    }
                    // A slow client takes its time over a batch.
                    if app.clock.now() - checked_at >= RIGHTS_GOOD_FOR {
                        recheck(&app, &actor, &watch).await?;
                        checked_at = app.clock.now();
                    }
                    told = position;
                    yield FeedItem::Event(Box::new(event));
                }
            }
            if position - told >= limits.advance_after {
                told = position;
                yield FeedItem::Advanced { cursor: encode(position), occurred_at: app.clock.now() };
            }
            if waiting == 0 {
                live = true;
                tokio::select! {
                    changed = bus.changed() => if changed.is_err() { break },
                    () = tokio::time::sleep(POLL) => {}
                }
            }
        }
    }
}

/// Rights may have been taken away, and the token or key may have ended, since the subscription began. What an event shows
/// is resolved with the rights of the beginning, so other rights end it too.
async fn recheck(app: &App, actor: &Actor, watch: &Watch) -> Result<(), ApiError> {
    let fresh = accounts::reload(app, actor).await?;
    fresh.authorise(watch.operation, watch.place)?;
    if fresh.has_rights_of(actor) {
        Ok(())
    } else {
        Err(ApiError::Forbidden(
            "your rights have changed; subscribe again and resume".to_owned(),
        ))
    }
}

fn item<T: Clone>(event: outbox_event::Model, position: i64, subjects: &HashMap<Uuid, T>) -> FeedEvent<T> {
    FeedEvent {
        cursor: encode(position),
        occurred_at: event.occurred_at,
        topic: event.topic,
        payload: event.payload,
        subject: subjects.get(&event.subject_id).cloned(),
    }
}
