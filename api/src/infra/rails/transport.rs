//! How providers are spoken to: in bounded time, without redirects, and with nothing of addresses or keys in an error.

use std::{error::Error as _, sync::Arc, time::Duration};

use reqwest::{
    Client, Method, RequestBuilder, StatusCode,
    header::{HeaderMap, RETRY_AFTER},
    redirect::Policy,
};
use url::Url;

use super::{answer::Doubt, pace::Pace};
use crate::infra::clock::Clock;

const USER_AGENT: &str = concat!("Tributary/", env!("CARGO_PKG_VERSION"), " (payouts)");
/// An answer is read so far: a page of a thousand items is a tenth of it.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;
/// Tries of one request within one call.
pub const MAX_TRIES: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Longer nobody waits within one call, also when asked to: the caller comes back later.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// How long is waited for a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    pub connect: Duration,
    pub request: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            request: Duration::from_secs(60),
        }
    }
}

/// What every rail stands on.
#[derive(Clone)]
pub struct Surroundings {
    pub clock: Arc<dyn Clock>,
    pub pace: Arc<dyn Pace>,
    pub patience: Patience,
}

/// One provider's door.
#[derive(Clone)]
pub(super) struct Http {
    client: Client,
    base: Url,
    pub around: Surroundings,
}

/// What was answered, whole.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Null when it is no JSON: everything looked for in it is then missing.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Whole seconds; a date is not worth waiting for within one call.
    fn retry_after(&self) -> Option<Duration> {
        let seconds = self.header(RETRY_AFTER.as_str())?.trim().parse().ok()?;
        Some(Duration::from_secs(seconds))
    }
}

impl Http {
    pub fn new(base: &str, around: Surroundings) -> Result<Self, String> {
        let base = parse_base(base)?;
        let client = Client::builder()
            .redirect(Policy::none())
            .user_agent(USER_AGENT)
            .connect_timeout(around.patience.connect)
            .timeout(around.patience.request)
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self { client, base, around })
    }

    /// A request below the base address. `path` is ours; what comes from a provider goes in as whole `segments`.
    pub fn request(&self, method: Method, path: &str, segments: &[&str]) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.pop_if_empty().extend(path.split('/')).extend(segments);
        }
        self.client.request(method, url)
    }

    /// Once. What went wrong on the way says nothing about whether it arrived.
    pub async fn ask(&self, request: RequestBuilder) -> Result<Answer, Doubt> {
        let mut answer = request.send().await.map_err(|error| lost(&error))?;
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(|error| lost(&error))? {
            if body.len() + part.len() > MAX_ANSWER_BYTES {
                return Err(Doubt::new("ANSWER_UNREADABLE", "the answer is too long"));
            }
            body.extend_from_slice(&part);
        }
        Ok(Answer {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body,
        })
    }

    /// Before the next try, `tries` made: twice as long each time, up to half of it by chance; as long as the answer says,
    /// when it says. False when that is too long to wait here, or there were enough.
    pub async fn pause(&self, tries: u32, answer: Option<&Answer>) -> bool {
        if tries >= MAX_TRIES {
            return false;
        }
        let pause = FIRST_PAUSE * 2_u32.pow(tries.saturating_sub(1));
        let pause = pause / 2 + self.around.pace.jitter(pause / 2);
        let pause = pause.max(answer.and_then(Answer::retry_after).unwrap_or_default());
        if pause > LONGEST_PAUSE {
            return false;
        }
        self.around.pace.sleep(pause).await;
        true
    }

    /// Reads, again where the provider is busy or away: reading moves nothing.
    pub async fn read(&self, request: impl Fn() -> RequestBuilder) -> Result<Answer, Doubt> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.ask(request()).await {
                Ok(answer) if is_busy(answer.status) => {
                    if !self.pause(tries, Some(&answer)).await {
                        return Ok(answer);
                    }
                }
                Ok(answer) => return Ok(answer),
                Err(doubt) => {
                    if !self.pause(tries, None).await {
                        return Err(doubt);
                    }
                }
            }
        }
    }
}

/// Only an address without user, query and fragment is one to start from; https, or whatever it is on this machine.
pub fn parse_base(base: &str) -> Result<Url, String> {
    let mut base = Url::parse(base).map_err(|error| format!("its address: {error}"))?;
    let is_here = matches!(base.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let is_plain =
        base.username().is_empty() && base.password().is_none() && base.query().is_none() && base.fragment().is_none();
    if !is_plain || !(base.scheme() == "https" || base.scheme() == "http" && is_here) {
        return Err("its address must be https, without user and query".to_owned());
    }
    if !base.path().ends_with('/') {
        base.set_path(&format!("{}/", base.path()));
    }
    Ok(base)
}

/// A body of text, numbers and lists, which cannot fail to be written.
pub(super) fn json_text(body: &impl serde::Serialize) -> String {
    serde_json::to_string(body).unwrap_or_default()
}

/// Whether an answer is a refusal at all: one of 4xx, in the provider's own words, so that nobody in between speaks for it. Of who
/// may ask and how often, the status alone is believed. What timed out or met its twin may have been taken.
pub(super) fn is_refusal(status: u16, in_its_words: bool) -> bool {
    match status {
        401 | 403 | 429 => true,
        408 | 409 => false,
        400..500 => in_its_words,
        _ => false,
    }
}

/// Who may ask, and how often, can change; what is asked cannot.
pub(super) fn is_final(status: u16) -> bool {
    !matches!(status, 401 | 403 | 429)
}

pub(super) fn is_busy(status: u16) -> bool {
    is_too_often(status) || status >= 500
}

/// Asked more often than the provider likes: each has words of its own for it, and the status is the same.
pub(super) fn is_too_often(status: u16) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS.as_u16()
}

/// The last cause says what happened; the first only that something did.
fn lost(error: &reqwest::Error) -> Doubt {
    if error.is_timeout() {
        return Doubt::new("TIMEOUT", "there was no answer in time");
    }
    let mut cause = error.source();
    let mut text = "the connection broke".to_owned();
    while let Some(deeper) = cause {
        text = deeper.to_string();
        cause = deeper.source();
    }
    Doubt::new("CONNECTION_LOST", text)
}
