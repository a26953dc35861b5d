//! What Razorpay says, in our words.

use serde_json::Value;

use crate::{
    infra::rails::{
        Doubt, Item, Refused, Sent, Status,
        transport::{Answer, is_final, is_refusal, is_too_often},
    },
    money::Money,
};

pub const MAX_NARRATION_CHARS: usize = 30;
pub const MIN_PAISE: i64 = 100;
/// 5 lakh rupees.
pub const MAX_IMPS_PAISE: i64 = 50_000_000;
/// 1 lakh rupees.
pub const MAX_UPI_PAISE: i64 = 10_000_000;
/// 2 lakh rupees: RTGS is for more.
pub const RTGS_ABOVE_PAISE: i64 = 20_000_000;
/// What a key is refused with that came with another body.
pub const OTHER_BODY: &str = "Different request body sent for the same Idempotency Header.";

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

pub(super) fn sent(answer: &Answer, in_doubt: bool) -> Sent {
    if answer.is_success() {
        return match item(&answer.json()) {
            Some(item) => Sent::Accepted {
                provider_id: item.provider_id.clone(),
                items: vec![item],
                is_replay: false,
            },
            None => Sent::Unclear(Doubt::unreadable("id and status")),
        };
    }
    match refusal(answer) {
        // Something went out under this key, though not this.
        Ok(refused) if answer.status == 400 && refused.message.starts_with(OTHER_BODY.trim_end_matches('.')) => {
            Sent::Unclear(Doubt::new("KEY_REUSED", refused.message))
        }
        Ok(refused) => refused.after(in_doubt),
        Err(doubt) => Sent::Unclear(doubt),
    }
}

/// Why it was not done; a doubt where the answer does not say that.
pub(super) fn refusal(answer: &Answer) -> Result<Refused, Doubt> {
    let json = answer.json();
    let error = json.get("error").cloned().unwrap_or_default();
    let said = text(&error, "code");
    let code = said.unwrap_or(match answer.status {
        401 => "UNAUTHORIZED",
        403 => "FORBIDDEN",
        429 => "RATE_LIMITED",
        500.. => "SERVER_ERROR",
        _ => "ANSWER_UNREADABLE",
    });
    // `reason` is what tells apart; "NA" is what stands there for nothing.
    let reason = text(&error, "reason").filter(|reason| !reason.eq_ignore_ascii_case("na"));
    let code = reason.unwrap_or(code);
    let message = text(&error, "description").map_or_else(|| format!("status {}", answer.status), str::to_owned);
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

/// A payout as it stands in an answer and in a webhook.
pub(in super::super) fn item(value: &Value) -> Option<Item> {
    let state = text(value, "status")?.to_owned();
    let rupees = "INR".parse().ok()?;
    // With the tax on them.
    let fee = value.get("fees").and_then(Value::as_i64).filter(|fees| *fees >= 0);
    let fee = fee.map(|fees| Money::new(fees, rupees));
    let details = value.get("status_details").cloned().unwrap_or_default();
    let code = text(&details, "reason").unwrap_or(&state).to_owned();
    let reason = text(&details, "description").or_else(|| text(value, "failure_reason"));
    let reason = reason.unwrap_or_default().to_owned();
    let status = match state.as_str() {
        "processed" => Status::Paid {
            fee,
            reference: text(value, "utr").map(str::to_owned),
        },
        "failed" | "rejected" | "cancelled" => Status::Failed { code, reason },
        "reversed" => Status::Returned { code, reason, fee },
        // pending, queued, scheduled, processing, and what is not known.
        _ => Status::Waiting,
    };
    Some(Item {
        key: text(value, "reference_id").map(str::to_owned),
        provider_id: text(value, "id")?.to_owned(),
        state,
        status,
    })
}
