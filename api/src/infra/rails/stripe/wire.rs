//! What Stripe says, in our words.

use serde_json::Value;

use super::{REPLAYED_HEADER, SHOULD_RETRY_HEADER};
use crate::infra::rails::{
    Doubt, Item, Refused, Sent, Status,
    transport::{Answer, is_final, is_refusal, is_too_often},
};

pub const MAX_DESCRIPTION_CHARS: usize = 500;

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

pub(super) fn should_retry(answer: &Answer) -> bool {
    match answer.header(SHOULD_RETRY_HEADER) {
        Some("true") => true,
        Some("false") => false,
        _ => matches!(answer.status, 409 | 429) || answer.status >= 500,
    }
}

pub(super) fn sent(answer: &Answer, in_doubt: bool) -> Sent {
    if answer.is_success() {
        return match item(&answer.json()) {
            Some(item) => Sent::Accepted {
                provider_id: item.provider_id.clone(),
                items: vec![item],
                is_replay: answer.header(REPLAYED_HEADER) == Some("true"),
            },
            None => Sent::Unclear(Doubt::unreadable("id")),
        };
    }
    match refusal(answer) {
        Ok(refused) if is_of_type(answer, "idempotency_error") => {
            Sent::Unclear(Doubt::new("KEY_REUSED", refused.message))
        }
        // The key is looked at before anything is done: a refusal of what was asked is the outcome of the key, also the second
        // time. Who may ask, and how often, is looked at earlier still.
        Ok(refused) => {
            let is_before_key = !refused.is_final;
            refused.after(in_doubt && is_before_key)
        }
        Err(doubt) => Sent::Unclear(doubt),
    }
}

fn is_of_type(answer: &Answer, kind: &str) -> bool {
    let json = answer.json();
    json.get("error").and_then(|error| text(error, "type")) == Some(kind)
}

/// Why it was not done; a doubt where the answer does not say that.
pub(super) fn refusal(answer: &Answer) -> Result<Refused, Doubt> {
    let json = answer.json();
    let error = json.get("error").cloned().unwrap_or_default();
    let said = text(&error, "code").or_else(|| text(&error, "type"));
    let code = said.unwrap_or(match answer.status {
        401 => "UNAUTHORIZED",
        403 => "FORBIDDEN",
        429 => "RATE_LIMITED",
        500.. => "SERVER_ERROR",
        _ => "ANSWER_UNREADABLE",
    });
    let param = text(&error, "param")
        .map(|param| format!(" ({param})"))
        .unwrap_or_default();
    let message = text(&error, "message").map_or_else(|| format!("status {}", answer.status), str::to_owned);
    let message = format!("{message}{param}");
    if !is_refusal(answer.status, said.is_some()) {
        return Err(Doubt::new(code, message));
    }
    Ok(Refused {
        code: code.to_owned(),
        message,
        is_final: is_final(answer.status),
        is_busy: is_too_often(answer.status),
        items: Vec::new(),
    })
}

/// A transfer as it stands in an answer and in a webhook. It has no state, and no fee.
pub(in super::super) fn item(value: &Value) -> Option<Item> {
    if text(value, "object") != Some("transfer") {
        return None;
    }
    let back = value.get("amount_reversed").and_then(Value::as_i64).unwrap_or(0);
    let is_back = value.get("reversed").and_then(Value::as_bool)?;
    let paid = || Status::Paid {
        fee: None,
        reference: text(value, "balance_transaction").map(str::to_owned),
    };
    let (state, status) = match (is_back, back) {
        (true, _) => (
            "reversed",
            Status::Returned {
                code: "reversed".to_owned(),
                reason: "the transfer was reversed".to_owned(),
                fee: None,
            },
        ),
        (false, 0) => ("paid", paid()),
        // In part: still paid. How much came back stands at Stripe, and is for a person to post.
        (false, _) => ("partially_reversed", paid()),
    };
    Some(Item {
        key: text(value, "transfer_group").map(str::to_owned),
        provider_id: text(value, "id")?.to_owned(),
        state: state.to_owned(),
        status,
    })
}

/// `acct_` and letters and digits: it becomes part of addresses.
#[must_use]
pub fn is_account(text: &str) -> bool {
    text.len() <= 100
        && text
            .strip_prefix("acct_")
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}
