//! A request as it arrived: read before it is judged, so that what is refused for its content can be kept.

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use entity::{ids::BrandId, refused_event::EventKind};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Call, IDEMPOTENCY_KEY, MAX_BODY, answer::TrackError, check_media, server_of};
use crate::{
    accounts::{actor::Actor, permissions::Operation},
    app::App,
    conversions::{
        body::malformed,
        inbox::keep::{self, Refused},
    },
    error::ApiError,
    idempotency::Key,
};

/// A door of `/track`: what comes in through it, and whose right that takes.
pub struct Door {
    pub path: &'static str,
    pub kind: EventKind,
    pub operation: Operation,
}

impl Door {
    /// Keeps what was refused here in the brand's inbox.
    pub async fn keep(&self, app: &App, actor: &Actor, brand: BrandId, refused: Vec<Refused>) {
        let door = keep::Door {
            app,
            actor,
            brand,
            operation: self.operation,
            name: self.path,
        };
        keep::keep(&door, refused).await;
    }
}

pub struct Arrived {
    /// What is wrong with its form or length, said when it is looked at.
    media: Result<(), TrackError>,
    size: Result<(), TrackError>,
    key: Option<String>,
    /// Its beginning, when it is too long.
    bytes: Bytes,
}

impl Arrived {
    pub async fn read(headers: &HeaderMap, body: Body, max_bytes: usize, what: &str) -> Self {
        let key = headers.get(IDEMPOTENCY_KEY).and_then(|value| value.to_str().ok());
        let (bytes, is_whole) = read_beginning(body, max_bytes).await;
        let message = format!("{what} has at most {max_bytes} bytes");
        let too_long = TrackError::unfit(StatusCode::PAYLOAD_TOO_LARGE, message);
        Self {
            media: check_media(headers),
            size: if is_whole { Ok(()) } else { Err(too_long) },
            key: key.map(str::to_owned),
            bytes,
        }
    }

    /// What it holds, when it is in order.
    pub fn parse<T: DeserializeOwned>(&mut self) -> Result<T, TrackError> {
        std::mem::replace(&mut self.media, Ok(()))?;
        std::mem::replace(&mut self.size, Ok(()))?;
        Ok(serde_json::from_slice(&self.bytes).map_err(malformed)?)
    }

    /// The same with its key.
    pub fn event<T: DeserializeOwned>(&mut self) -> Result<(Key, T), TrackError> {
        std::mem::replace(&mut self.media, Ok(()))?;
        let key = self
            .key
            .as_deref()
            .ok_or_else(|| ApiError::bad_field("idempotencyKey", "send an Idempotency-Key header"))?;
        let key = Key::parse(key)?;
        Ok((key, self.parse()?))
    }

    /// The body as the inbox keeps it.
    pub fn body(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&self.bytes).into_owned()))
    }
}

/// A body, or as much of one that is too long as may be read; whether that is all of it.
async fn read_beginning(body: Body, max_bytes: usize) -> (Bytes, bool) {
    let mut bytes = Vec::new();
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let Ok(chunk) = chunk else {
            return (bytes.into(), false);
        };
        let room = max_bytes - bytes.len();
        bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            return (bytes.into(), false);
        }
    }
    (bytes.into(), true)
}

/// One event of a brand's server. What is refused for its content is kept in the brand's inbox.
pub async fn take<T: DeserializeOwned>(
    app: &App,
    headers: &HeaderMap,
    body: Body,
    door: Door,
    record: impl AsyncFnOnce(Call, T) -> Result<Response, TrackError>,
) -> Result<Response, TrackError> {
    let (actor, brand) = server_of(app, headers).await?;
    let mut arrived = Arrived::read(headers, body, MAX_BODY, "an event").await;
    let answer = match arrived.event() {
        Ok((key, body)) => {
            let actor = actor.clone();
            record(Call { actor, brand, key }, body).await
        }
        Err(error) => Err(error),
    };
    if let Err(error) = &answer
        && error.of_content
    {
        let refused = error.refused(door.kind, arrived.body(), arrived.key);
        door.keep(app, &actor, brand, vec![refused]).await;
    }
    answer
}
