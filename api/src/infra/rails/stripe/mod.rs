//! Stripe transfers to connected accounts: one a request, done when it is answered.
//!
//! Stripe keeps the first outcome of a key for a day, errors of its own included, and answers it again. So a transfer is sent
//! again within that day, and afterwards looked for by its `transfer_group`, which is the key.

pub mod onboarding;
mod prepare;
pub mod wire;

use std::{fmt, time::Duration};

use async_trait::async_trait;
use chrono::TimeDelta;
use reqwest::{
    Method, RequestBuilder,
    header::{CONTENT_TYPE, HeaderValue},
};
use serde_json::Value;
use uuid::Uuid;

pub use self::wire::MAX_DESCRIPTION_CHARS;
use super::{
    Cancelled, Doubt, Instruction, Looked, Prepared, Problem, Question, Rail, RailKind, Sending, Sent,
    instruction::minutes,
    transport::{Answer, Http, Surroundings},
};
use crate::money::Money;

pub const LIVE: &str = "https://api.stripe.com";
const TRANSFERS: &str = "v1/transfers";
pub const IDEMPOTENCY_HEADER: &str = "Idempotency-Key";
pub const REPLAYED_HEADER: &str = "Idempotent-Replayed";
pub const SHOULD_RETRY_HEADER: &str = "Stripe-Should-Retry";

#[derive(Clone)]
pub struct Credentials {
    pub secret_key: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

#[derive(Clone, Debug)]
pub struct Settings {
    pub base_url: String,
    pub credentials: Credentials,
}

pub struct StripeRail {
    http: Http,
    settings: Settings,
}

/// What a try came to, and whether Stripe would have another.
enum Try {
    Answered(Answer),
    Lost(Doubt),
}

impl StripeRail {
    /// An error says what is wrong with a setting.
    pub fn new(settings: Settings, around: Surroundings) -> Result<Self, String> {
        Ok(Self {
            http: Http::new(&settings.base_url, around)?,
            settings,
        })
    }

    fn request(&self, method: Method, path: &str, segments: &[&str]) -> RequestBuilder {
        let request = self.http.request(method, path, segments);
        request.bearer_auth(&self.settings.credentials.secret_key)
    }

    /// Posts under a key, again as long as Stripe would have it. With whether an earlier try may have been taken.
    async fn post(&self, path: &str, key: &str, body: &str) -> (Try, bool) {
        let mut in_doubt = false;
        let mut tries = 0;
        loop {
            tries += 1;
            let request = self.request(Method::POST, path, &[]).header(IDEMPOTENCY_HEADER, key);
            let form = HeaderValue::from_static("application/x-www-form-urlencoded");
            let request = request.header(CONTENT_TYPE, form);
            match self.http.ask(request.body(body.to_owned())).await {
                Ok(answer) => {
                    if !wire::should_retry(&answer) || !self.http.pause(tries, Some(&answer)).await {
                        return (Try::Answered(answer), in_doubt);
                    }
                    in_doubt |= wire::refusal(&answer).is_err();
                }
                Err(doubt) => {
                    if !self.http.pause(tries, None).await {
                        return (Try::Lost(doubt), true);
                    }
                    in_doubt = true;
                }
            }
        }
    }
}

/// What Stripe does not carry of an amount.
#[must_use]
pub fn refuses(amount: Money) -> Option<Problem> {
    let mut problems = Vec::new();
    prepare::check_amount(amount, &mut problems);
    problems.pop()
}

#[async_trait]
impl Rail for StripeRail {
    fn kind(&self) -> RailKind {
        RailKind::Stripe
    }

    /// `batch` names nothing here: a transfer stands for itself.
    fn prepare(&self, _batch: Uuid, instructions: &[Instruction]) -> Prepared {
        prepare::prepare(instructions)
    }

    fn key_life(&self) -> TimeDelta {
        TimeDelta::hours(24)
    }

    fn resend_after(&self, sends: u32) -> Option<Duration> {
        match sends {
            0 | 1 => Some(minutes(1)),
            2 => Some(minutes(10)),
            3 => Some(minutes(60)),
            _ => None,
        }
    }

    async fn send(&self, sending: &Sending<'_>) -> Sent {
        let now = self.http.around.clock.now();
        if sending
            .first_sent_at
            .is_some_and(|first| now - first >= self.key_life())
        {
            return Sent::Unclear(Doubt::expired());
        }
        let (came, in_doubt) = self.post(TRANSFERS, &sending.request.key, &sending.request.body).await;
        match came {
            Try::Answered(answer) => wire::sent(&answer, in_doubt || sending.first_sent_at.is_some()),
            Try::Lost(doubt) => Sent::Unclear(doubt),
        }
    }

    async fn look_up(&self, question: &Question<'_>) -> Looked {
        let group = [("transfer_group", question.request.key.as_str()), ("limit", "10")];
        let answer = match question.provider_id {
            Some(id) => self.http.read(|| self.request(Method::GET, TRANSFERS, &[id])).await,
            None => {
                self.http
                    .read(|| self.request(Method::GET, TRANSFERS, &[]).query(&group))
                    .await
            }
        };
        let answer = match answer {
            Ok(answer) if answer.is_success() => answer.json(),
            Ok(answer) => return Looked::Unclear(wire::refusal(&answer).map_or_else(|doubt| doubt, Doubt::from)),
            Err(doubt) => return Looked::Unclear(doubt),
        };
        let found: Vec<&Value> = if question.provider_id.is_some() {
            vec![&answer]
        } else {
            let Some(items) = answer.get("data").and_then(Value::as_array) else {
                return Looked::Unclear(Doubt::unreadable("data"));
            };
            let is_ours =
                |item: &&Value| item.get("transfer_group").and_then(Value::as_str) == Some(&question.request.key);
            items.iter().filter(is_ours).collect()
        };
        match found[..] {
            [] => Looked::Absent {
                is_final: self.http.around.clock.now() - question.last_sent_at >= self.key_life(),
            },
            [one] => match wire::item(one) {
                Some(item) => Looked::Found {
                    provider_id: item.provider_id.clone(),
                    items: vec![item],
                    absent: Vec::new(),
                },
                None => Looked::Unclear(Doubt::unreadable("id")),
            },
            _ => Looked::Unclear(Doubt::new("SEVERAL_FOUND", "several transfers have this group")),
        }
    }

    /// A transfer is done at once; what takes it back is another movement, and another decision.
    async fn cancel(&self, _provider_id: &str) -> Cancelled {
        Cancelled::NotOffered
    }
}
