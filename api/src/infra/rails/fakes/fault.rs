//! What goes wrong when it is told to.

use std::{io, sync::Mutex, time::Duration};

use axum::{
    Json,
    body::{Body, Bytes},
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use serde_json::Value;

use super::locked;

/// Longer than anybody waits.
const FOR_EVER: Duration = Duration::from_secs(3_600);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection breaks; nothing was done.
    DropBefore,
    /// It is done, and the connection breaks before anybody hears of it.
    DropAfter,
    /// It is done, and no answer comes.
    HangAfter,
    /// 503; nothing was done.
    ErrorBefore,
    /// Somebody in between answers with a page of its own; nothing was done.
    Page { status: u16 },
    /// It is done, and answered with 500.
    ErrorAfter,
    /// 429; nothing was done.
    TooMany { retry_after_seconds: Option<u32> },
}

/// Where it goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Token,
    Create,
    Read,
    Cancel,
}

/// Faults to come: each happens once, in order.
#[derive(Debug)]
pub struct Faults {
    planned: Mutex<Vec<(Place, Fault)>>,
    /// How the provider says that it was asked too often.
    too_many: Value,
}

impl Faults {
    pub(super) fn with(too_many: Value) -> Self {
        Self {
            planned: Mutex::default(),
            too_many,
        }
    }

    pub fn add(&self, place: Place, fault: Fault) {
        locked(&self.planned).push((place, fault));
    }

    pub(super) fn take(&self, place: Place) -> Option<Fault> {
        let mut faults = locked(&self.planned);
        let index = faults.iter().position(|(at, _)| *at == place)?;
        Some(faults.remove(index).1)
    }

    pub(super) fn is_next(&self, place: Place, fault: Fault) -> bool {
        let faults = locked(&self.planned);
        faults
            .iter()
            .find(|(at, _)| *at == place)
            .is_some_and(|(_, next)| *next == fault)
    }

    pub(super) fn take_if(&self, place: Place, fault: Fault) -> bool {
        self.is_next(place, fault) && self.take(place).is_some()
    }

    /// What is done, with what goes wrong about it.
    pub(super) async fn around(&self, place: Place, act: impl FnOnce() -> Response) -> Response {
        let Some(fault) = self.take(place) else {
            return act();
        };
        match fault {
            Fault::DropBefore => broken(),
            Fault::ErrorBefore => StatusCode::SERVICE_UNAVAILABLE.into_response(),
            Fault::TooMany { retry_after_seconds } => too_many(&self.too_many, retry_after_seconds),
            Fault::Page { status } => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
                (status, "<html>Please wait.</html>").into_response()
            }
            Fault::DropAfter => {
                drop(act());
                broken()
            }
            Fault::HangAfter => {
                drop(act());
                tokio::time::sleep(FOR_EVER).await;
                broken()
            }
            Fault::ErrorAfter => {
                drop(act());
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

fn too_many(words: &Value, retry_after_seconds: Option<u32>) -> Response {
    let mut answer = (StatusCode::TOO_MANY_REQUESTS, Json(words)).into_response();
    if let Some(seconds) = retry_after_seconds {
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    answer
}

/// An answer that ends before it began.
fn broken() -> Response {
    let end = Err::<Bytes, _>(io::Error::from(io::ErrorKind::ConnectionReset));
    Response::new(Body::from_stream(stream::iter([end])))
}
