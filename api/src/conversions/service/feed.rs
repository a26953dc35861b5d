//! The feed of a brand's conversions: everything behind a cursor, then live, from the one log.

use std::time::Duration;

use async_stream::try_stream;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use entity::{
    Reach, conversion,
    ids::{BrandId, ConversionId},
    outbox_event,
};
use futures_util::Stream;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

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

/// Events read at a time.
const BATCH: u64 = 100;
/// A live subscriber this many positions behind is told to resume instead of being served from ever older news.
const MAX_LIVE_LAG: i64 = 10_000;
/// A look at the log even when nobody rang: what another process stamped is found this late at the latest.
const POLL: Duration = Duration::from_secs(1);

/// One item of the feed.
pub enum FeedItem {
    Event {
        topic: String,
        cursor: String,
        occurred_at: DateTime<Utc>,
        /// Boxed: far larger than all the rest.
        conversion: Option<Box<conversion::Model>>,
    },
    Lagged {
        resume_from: String,
        occurred_at: DateTime<Utc>,
    },
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

/// Opens the feed behind `after`, or at its end.
pub async fn open(
    app: &App,
    actor: &Actor,
    brand: BrandId,
    after: Option<String>,
) -> Result<impl Stream<Item = Result<FeedItem, ApiError>> + use<>, ApiError> {
    actor.authorise(Operation::ConversionFeed, Place::brand(brand))?;
    let end = outbox::last_position(app).await.map_err(ApiError::internal)?;
    let from = match after {
        // A cursor ahead of the log is of another log: following it would pass over what comes now.
        Some(cursor) => decode(&cursor)
            .filter(|position| *position <= end)
            .ok_or_else(|| ApiError::bad_field("after", "`after` is not a cursor of this feed"))?,
        None => end,
    };
    Ok(follow(app.clone(), actor.clone(), brand, from))
}

fn follow(app: App, actor: Actor, brand: BrandId, from: i64) -> impl Stream<Item = Result<FeedItem, ApiError>> {
    try_stream! {
        let mut bus = app.bus.listen();
        let mut position = from;
        let mut live = false;
        loop {
            // The end is taken before the log is read: whatever is announced meanwhile wakes us afterwards, and all
            // up to the end is committed, so an empty answer means that nothing of this brand lies before it.
            let end = *bus.borrow_and_update();
            if live && end - position > MAX_LIVE_LAG {
                yield FeedItem::Lagged { resume_from: encode(position), occurred_at: app.clock.now() };
                break;
            }
            let events = outbox::list_after(&app, &Reach::of_brand(brand), &Topic::CONVERSIONS, position, BATCH)
                .await
                .map_err(ApiError::internal)?;
            // Rights may have been taken away, and the token may have ended, since the subscription began.
            if !events.is_empty() || actor.valid_until.is_some_and(|until| until <= app.clock.now()) {
                accounts::reload(&app, &actor).await?.authorise(Operation::ConversionFeed, Place::brand(brand))?;
            }
            if events.is_empty() {
                position = position.max(end);
                live = true;
                tokio::select! {
                    changed = bus.changed() => if changed.is_err() { break },
                    () = tokio::time::sleep(POLL) => {}
                }
                continue;
            }
            let conversions = load(&app, brand, &events).await?;
            for event in events {
                position = event.position.unwrap_or(position);
                let id = ConversionId(event.subject_id);
                yield FeedItem::Event {
                    topic: event.topic,
                    cursor: encode(position),
                    occurred_at: event.occurred_at,
                    conversion: conversions.iter().find(|row| row.id == id).cloned().map(Box::new),
                };
            }
        }
    }
}

async fn load(app: &App, brand: BrandId, events: &[outbox_event::Model]) -> Result<Vec<conversion::Model>, ApiError> {
    conversion::Entity::find()
        .filter(conversion::Column::BrandId.eq(brand))
        .filter(conversion::Column::Id.is_in(events.iter().map(|event| event.subject_id)))
        .all(app.db.read())
        .await
        .map_err(ApiError::internal)
}
