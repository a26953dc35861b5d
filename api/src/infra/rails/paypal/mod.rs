//! PayPal Payouts.
//!
//! A `sender_batch_id` is taken once in 30 days; sent again, the refusal names the batch that has it, and that batch is ours. It
//! cannot be asked about in another way until its own id is known. So what is unclear is sent again as it is, and any refusal of
//! a repetition but that one proves nothing: the shortage that it tells of may be the first one's doing.

mod address;
mod prepare;
mod token;
pub mod wire;

use std::{collections::BTreeSet, fmt, time::Duration};

use async_trait::async_trait;
use chrono::TimeDelta;
use reqwest::{
    Method,
    header::{CONTENT_TYPE, HeaderValue},
};
use uuid::Uuid;

use self::token::Tokens;
pub use self::{address::is_address, wire::MAX_NOTE_CHARS};
use super::{
    Cancelled, Doubt, Instruction, Looked, Prepared, Problem, Question, Rail, RailKind, Refused, Request, Sending,
    Sent,
    instruction::minutes,
    transport::{Answer, Http, Surroundings, is_busy},
};
use crate::money::Money;

/// Where PayPal is.
pub const LIVE: &str = "https://api-m.paypal.com";
pub const SANDBOX: &str = "https://api-m.sandbox.paypal.com";
const PAYOUTS: &str = "v1/payments/payouts";
const ITEMS: &str = "v1/payments/payouts-item";
const PAGE_SIZE: usize = 1_000;

#[derive(Clone)]
pub struct Credentials {
    pub client_id: String,
    pub secret: String,
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
    /// What PayPal writes to receivers; of at most 255 characters.
    pub email_subject: String,
}

impl Settings {
    #[must_use]
    pub fn new(base_url: &str, credentials: Credentials, email_subject: &str) -> Self {
        Self {
            base_url: base_url.to_owned(),
            credentials,
            email_subject: email_subject.to_owned(),
        }
    }
}

pub struct PayPalRail {
    http: Http,
    tokens: Tokens,
    settings: Settings,
}

/// Why there is no answer to what was asked in our name.
enum NoAnswer {
    /// Nothing was asked: PayPal gave no token.
    NotAsked(Refused),
    Lost(Doubt),
}

impl From<NoAnswer> for Doubt {
    fn from(reason: NoAnswer) -> Self {
        match reason {
            NoAnswer::NotAsked(refused) => Self::new(refused.code, refused.message),
            NoAnswer::Lost(doubt) => doubt,
        }
    }
}

impl PayPalRail {
    /// An error says what is wrong with a setting.
    pub fn new(settings: Settings, around: Surroundings) -> Result<Self, String> {
        let subject = settings.email_subject.chars().count();
        if !(1..=wire::MAX_SUBJECT_CHARS).contains(&subject) {
            return Err(format!("the subject has 1 to {} characters", wire::MAX_SUBJECT_CHARS));
        }
        Ok(Self {
            http: Http::new(&settings.base_url, around)?,
            tokens: Tokens::default(),
            settings,
        })
    }

    /// Once, or twice when the token was not taken any more: then nothing was done the first time.
    async fn ask(&self, call: &Call<'_>) -> Result<Answer, NoAnswer> {
        let with = |token: &str| {
            let request = self.http.request(call.method.clone(), call.path, call.segments);
            let request = request.bearer_auth(token).query(&call.query);
            let request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            self.http.ask(request.body(call.body.to_owned()))
        };
        let credentials = &self.settings.credentials;
        let token = self.tokens.get(&self.http, credentials, None).await?;
        let answer = with(&token).await.map_err(NoAnswer::Lost)?;
        if answer.status != 401 {
            return Ok(answer);
        }
        let fresh = self.tokens.get(&self.http, credentials, Some(&token)).await?;
        with(&fresh).await.map_err(NoAnswer::Lost)
    }

    /// Reads, again where PayPal is busy or away.
    async fn read(&self, call: &Call<'_>) -> Result<Answer, Doubt> {
        let mut tries = 0;
        loop {
            tries += 1;
            let asked = self.ask(call).await;
            let goes_on = match &asked {
                Ok(answer) if is_busy(answer.status) => self.http.pause(tries, Some(answer)).await,
                Ok(_) | Err(NoAnswer::NotAsked(_)) => false,
                Err(NoAnswer::Lost(_)) => self.http.pause(tries, None).await,
            };
            if !goes_on {
                return Ok(asked?);
            }
        }
    }

    async fn read_batch(&self, batch: &str) -> Result<wire::Batch, Doubt> {
        let mut found = wire::Batch::default();
        for page in 1..=wire::MAX_ITEMS.div_ceil(PAGE_SIZE) {
            let answer = self
                .read(&Call {
                    segments: &[batch],
                    query: vec![
                        ("page", page.to_string()),
                        ("page_size", PAGE_SIZE.to_string()),
                        ("total_required", "true".to_owned()),
                    ],
                    ..Call::get(PAYOUTS)
                })
                .await?;
            if answer.status != 200 {
                return Err(wire::refusal(&answer).map_or_else(|doubt| doubt, Doubt::from));
            }
            if found.add(&answer.json())? {
                return Ok(found);
            }
        }
        Err(Doubt::new(
            "ANSWER_UNREADABLE",
            "the batch has more pages than a batch can have",
        ))
    }
}

/// What is asked of PayPal.
struct Call<'a> {
    method: Method,
    path: &'a str,
    segments: &'a [&'a str],
    query: Vec<(&'static str, String)>,
    body: &'a str,
}

impl<'a> Call<'a> {
    fn get(path: &'a str) -> Self {
        Self {
            method: Method::GET,
            path,
            segments: &[],
            query: Vec::new(),
            body: "",
        }
    }

    fn post(path: &'a str, body: &'a str) -> Self {
        Self {
            method: Method::POST,
            body,
            ..Self::get(path)
        }
    }
}

/// What PayPal does not carry of an amount.
#[must_use]
pub fn refuses(amount: Money) -> Option<Problem> {
    prepare::value_of(amount).err()
}

#[async_trait]
impl Rail for PayPalRail {
    fn kind(&self) -> RailKind {
        RailKind::Paypal
    }

    fn prepare(&self, batch: Uuid, instructions: &[Instruction]) -> Prepared {
        prepare::prepare(&self.settings, batch, instructions)
    }

    fn without(&self, request: &Request, keys: &BTreeSet<String>) -> Option<Request> {
        prepare::without(request, keys)
    }

    fn key_life(&self) -> TimeDelta {
        TimeDelta::days(30)
    }

    fn resend_after(&self, sends: u32) -> Option<Duration> {
        // As long as the key lives: there is no other way to ask.
        Some(minutes(match sends {
            0 | 1 => 1,
            2 => 5,
            3 => 15,
            _ => 60,
        }))
    }

    async fn send(&self, sending: &Sending<'_>) -> Sent {
        let now = self.http.around.clock.now();
        if sending
            .first_sent_at
            .is_some_and(|first| now - first >= self.key_life())
        {
            return Sent::Unclear(Doubt::expired());
        }
        let mut in_doubt = sending.first_sent_at.is_some();
        let mut tries = 0;
        loop {
            tries += 1;
            let (outcome, goes_on) = match self.ask(&Call::post(PAYOUTS, &sending.request.body)).await {
                Ok(answer) if answer.is_success() => return wire::accepted(&answer),
                Ok(answer) => {
                    if let Some(adopted) = wire::adopted(&answer) {
                        return adopted;
                    }
                    let goes_on = is_busy(answer.status) && self.http.pause(tries, Some(&answer)).await;
                    let outcome = match wire::refusal(&answer) {
                        Ok(refused) => {
                            let items = wire::named(&answer, &sending.request.items);
                            Refused { items, ..refused }.after(in_doubt)
                        }
                        Err(doubt) => {
                            in_doubt = true;
                            Sent::Unclear(doubt)
                        }
                    };
                    (outcome, goes_on)
                }
                Err(NoAnswer::NotAsked(refused)) => (refused.after(in_doubt), false),
                Err(NoAnswer::Lost(doubt)) => {
                    in_doubt = true;
                    (Sent::Unclear(doubt), self.http.pause(tries, None).await)
                }
            };
            if !goes_on {
                return outcome;
            }
        }
    }

    async fn look_up(&self, question: &Question<'_>) -> Looked {
        let Some(batch) = question.provider_id else {
            return Looked::OnlyBySending;
        };
        match self.read_batch(batch).await {
            Ok(found) => found.about(batch, &question.request.items),
            Err(doubt) => Looked::Unclear(doubt),
        }
    }

    /// Only what its receiver has not claimed can be taken back.
    async fn cancel(&self, provider_id: &str) -> Cancelled {
        let call = Call {
            segments: &[provider_id, "cancel"],
            ..Call::post(ITEMS, "{}")
        };
        match self.ask(&call).await {
            Ok(answer) if answer.is_success() => match wire::item(&answer.json()) {
                Some(item) => Cancelled::Done(item),
                None => Cancelled::Unclear(Doubt::unreadable("payout_item_id")),
            },
            Ok(answer) => wire::refusal(&answer).map_or_else(Cancelled::Unclear, Cancelled::Refused),
            Err(NoAnswer::NotAsked(refused)) => Cancelled::Refused(refused),
            Err(NoAnswer::Lost(doubt)) => Cancelled::Unclear(doubt),
        }
    }
}
