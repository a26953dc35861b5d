//! The right to ask, which PayPal gives for a few hours.

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::{
    Method,
    header::{CONTENT_TYPE, HeaderValue},
};
use serde_json::Value;
use tokio::sync::Mutex;

use super::{Credentials, NoAnswer};
use crate::infra::rails::{
    Refused,
    transport::{Http, is_too_often},
};

/// A token is not used in its last minute: it could end on its way.
const RESERVE: TimeDelta = TimeDelta::seconds(60);

/// The token in use. Whoever needs a new one fetches it while the others wait.
#[derive(Default)]
pub(super) struct Tokens(Mutex<Option<Token>>);

struct Token {
    text: String,
    ends_at: DateTime<Utc>,
}

impl Tokens {
    /// A token that still holds; not `refused`, which PayPal did not take.
    pub async fn get(&self, http: &Http, credentials: &Credentials, refused: Option<&str>) -> Result<String, NoAnswer> {
        let mut kept = self.0.lock().await;
        let now = http.around.clock.now();
        if let Some(token) = &*kept
            && now < token.ends_at
            && refused != Some(&token.text)
        {
            return Ok(token.text.clone());
        }
        let request = http
            .request(Method::POST, "v1/oauth2/token", &[])
            .basic_auth(&credentials.client_id, Some(&credentials.secret))
            .header(
                CONTENT_TYPE,
                HeaderValue::from_static("application/x-www-form-urlencoded"),
            )
            .body("grant_type=client_credentials");
        let not_asked = |code: &str, message: &str, is_busy: bool| {
            NoAnswer::NotAsked(Refused {
                code: code.to_owned(),
                message: message.to_owned(),
                is_final: false,
                is_busy,
                items: Vec::new(),
            })
        };
        // Whatever went wrong here, no money was spoken of.
        let answer = http
            .ask(request)
            .await
            .map_err(|doubt| not_asked(&doubt.code, &doubt.message, false))?;
        let json = answer.json();
        let text = |name: &str| json.get(name).and_then(Value::as_str);
        let lives = json.get("expires_in").and_then(Value::as_i64);
        match (answer.status, text("access_token"), lives) {
            (200, Some(token), Some(seconds)) => {
                let lives = TimeDelta::try_seconds(seconds).unwrap_or(TimeDelta::zero());
                *kept = Some(Token {
                    text: token.to_owned(),
                    ends_at: now + lives - RESERVE,
                });
                Ok(token.to_owned())
            }
            (401, ..) => Err(not_asked(
                text("error").unwrap_or("invalid_client"),
                text("error_description").unwrap_or("the credentials were not taken"),
                false,
            )),
            (status, ..) => Err(not_asked(
                "TOKEN_UNAVAILABLE",
                &format!("no token, but status {status}"),
                is_too_often(status),
            )),
        }
    }
}
