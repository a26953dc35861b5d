//! What of a refused event is kept: pure decisions over texts.

use entity::refused_event::EventKind;
use serde_json::{Map, Value};

use crate::error::{ApiError, Failure};

/// Longest id of the brand's own that is kept for searching, in characters.
const MAX_ID_CHARS: usize = 200;
/// Bytes of a body that are kept.
pub const MAX_BODY: usize = 16 * 1024;
/// Characters of a message that are kept.
const MAX_MESSAGE_CHARS: usize = 500;
/// What stands where a credential stood.
const MASK: &str = "***";
/// What the name of a field holds that holds a credential.
const SECRET_NAMES: [&str; 7] = [
    "password",
    "secret",
    "token",
    "authorization",
    "apikey",
    "cardnumber",
    "cvv",
];
/// How credentials begin: our own keys, and what stands in an `Authorization` header.
const SECRET_STARTS: [&str; 2] = ["trk_", "Bearer "];

/// Whether an event was refused for what it said, and not for who sent it, for its neighbours, or by a fault of ours.
#[must_use]
pub fn is_of_content<C>(failure: &Failure<C>) -> bool {
    match failure {
        Failure::Refused(_) => true,
        Failure::Api(error) => is_error_of_content(error),
    }
}

/// The same of an error.
#[must_use]
pub fn is_error_of_content(error: &ApiError) -> bool {
    matches!(error, ApiError::BadUserInput { .. } | ApiError::IdempotencyKeyReused)
}

/// A body without credentials, as text.
#[must_use]
pub fn clean(body: &Value) -> String {
    match body {
        // What could not be read as JSON.
        Value::String(text) => clean_text(text),
        other => {
            let mut copy = other.clone();
            mask(&mut copy);
            copy.to_string()
        }
    }
}

fn mask(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let named = std::mem::take(fields);
            for (name, mut value) in named {
                if is_secret_name(&name) {
                    value = Value::String(MASK.to_owned());
                } else {
                    mask(&mut value);
                }
                fields.insert(clean_text(&name), value);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::String(text) => *text = mask_words(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn is_secret_name(name: &str) -> bool {
    let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let letters = letters.to_ascii_lowercase();
    SECRET_NAMES.iter().any(|secret| letters.contains(secret))
}

/// Takes out every word that begins as a credential does.
fn mask_words(text: &str) -> String {
    let mut rest = text;
    let mut clean = String::with_capacity(text.len());
    while let Some((at, start)) = SECRET_STARTS
        .iter()
        .filter_map(|start| rest.find(start).map(|at| (at, *start)))
        .min()
    {
        clean.push_str(&rest[..at]);
        clean.push_str(MASK);
        let word = &rest[at + start.len()..];
        let end = word.find(|c: char| c.is_whitespace() || "\"'`,;<>{}[]()".contains(c));
        rest = &word[end.unwrap_or(word.len())..];
    }
    clean.push_str(rest);
    clean
}

/// Text without credentials, and without what PostgreSQL does not keep.
fn clean_text(text: &str) -> String {
    mask_words(text).replace('\0', "\u{fffd}")
}

/// Why it was refused, as it is kept.
#[must_use]
pub fn clean_message(message: &str) -> String {
    clean_text(message).chars().take(MAX_MESSAGE_CHARS).collect()
}

/// As much of a text as is kept, and whether anything was cut off.
#[must_use]
pub fn cut(mut text: String) -> (String, bool) {
    if text.len() <= MAX_BODY {
        return (text, false);
    }
    text.truncate(text.floor_char_boundary(MAX_BODY));
    (text, true)
}

/// An id of the brand's own that can be searched for.
#[must_use]
pub fn searchable(body: &Value, field: &str) -> Option<String> {
    let id = body.get(field)?.as_str()?;
    let fits = !id.is_empty() && id.chars().count() <= MAX_ID_CHARS && !id.chars().any(char::is_control);
    fits.then(|| mask_words(id))
}

/// The input of a mutation as its `/track` door takes it: the brand and the key stand elsewhere there, and an amount beside
/// its currency.
#[must_use]
pub fn body_of_input(input: &Value) -> Value {
    let Value::Object(fields) = input else {
        return input.clone();
    };
    let currency = currency_of(fields);
    let mut body = Map::new();
    body.extend(currency.map(|currency| ("currency".to_owned(), currency.clone())));
    for (name, value) in fields {
        match (name.as_str(), value) {
            ("brandId" | "idempotencyKey", _) => {}
            ("amount", Value::Object(money)) => {
                for (name, part) in money {
                    body.insert(name.clone(), part.clone());
                }
            }
            (_, Value::Array(items)) => {
                let items = items.iter().map(|item| part_of_input(item, currency));
                body.insert(name.clone(), items.collect());
            }
            _ => {
                body.insert(name.clone(), value.clone());
            }
        }
    }
    Value::Object(body)
}

/// The currency of the whole: of its amount, or of the first of its parts that has one.
fn currency_of(input: &Map<String, Value>) -> Option<&Value> {
    let own = input.get("amount").and_then(|amount| amount.get("currency"));
    let mut parts = input.values().filter_map(Value::as_array).flatten();
    own.or_else(|| parts.find_map(|part| part.get("amount")?.get("currency")))
}

/// A part of the whole is in the currency of the whole. One in another stays as it was sent, for no door would read its amount
/// as what it was.
fn part_of_input(part: &Value, currency: Option<&Value>) -> Value {
    let Value::Object(fields) = part else {
        return part.clone();
    };
    let fields = fields.iter().map(|(name, value)| {
        let is_money = value.get("currency").is_some_and(|own| Some(own) == currency);
        let amount = value.get("amount").filter(|_| is_money);
        (name.clone(), amount.unwrap_or(value).clone())
    });
    Value::Object(fields.collect())
}

/// The operation under whose name an event's idempotency key is held.
#[must_use]
pub fn keyed_operation(kind: EventKind) -> Option<&'static str> {
    Some(match kind {
        EventKind::Signup => "recordSignup",
        EventKind::Lead => "recordLead",
        EventKind::Sale => "recordSale",
        EventKind::Refund => "recordRefund",
        EventKind::Amendment => "amendOrder",
        EventKind::Capture => "recordCapture",
        EventKind::Chargeback => "recordChargeback",
        EventKind::ChargebackResolution => "resolveChargeback",
        EventKind::Unreadable => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn no_credential_is_kept() {
        let body = json!({
            "orderId": "A-1", "apiKey": "x", "card_number": 4_111, "note": "sent with trk_secret_abc, please",
            "lines": [{ "accessToken": "y" }], "trk_test_secret_q": 1,
        });
        assert_eq!(
            clean(&body),
            json!({
                "orderId": "A-1", "apiKey": "***", "card_number": "***", "note": "sent with ***, please",
                "lines": [{ "accessToken": "***" }], "***": "***",
            })
            .to_string()
        );
        let text = "{\"a\": \"Bearer abc\", trk_secret_x\0";
        assert_eq!(clean(&Value::String(text.to_owned())), "{\"a\": \"***\", ***");
    }

    #[test]
    fn a_long_body_is_cut_at_a_character() {
        let (text, cut_off) = cut("ü".repeat(MAX_BODY));
        assert!(cut_off && text.len() == MAX_BODY);
        let odd = format!("x{}", "ü".repeat(MAX_BODY));
        assert_eq!(cut(odd).0.len(), MAX_BODY - 1);
        assert_eq!(cut("short".to_owned()), ("short".to_owned(), false));
    }

    #[test]
    fn an_input_reads_as_its_door_takes_it() {
        let input = json!({
            "brandId": "b", "idempotencyKey": "k", "orderId": "A-1",
            "amount": { "amount": "12.50", "currency": "EUR" },
            "lines": [{ "sku": "s", "amount": { "amount": "12.50", "currency": "EUR" } }],
        });
        let body = json!({
            "orderId": "A-1", "amount": "12.50", "currency": "EUR", "lines": [{ "sku": "s", "amount": "12.50" }],
        });
        assert_eq!(body_of_input(&input), body);
        // What the lines say stands for the whole, and nothing is taken for another currency than it came in.
        let money = |currency: &str| json!({ "amount": "1.00", "currency": currency });
        let input = json!({
            "orderId": "A-1", "promoCodes": ["X"],
            "lines": [{ "lineId": "1" }, { "amount": money("EUR"), "discount": money("EUR") }, { "amount": money("USD") }],
        });
        let body = json!({
            "orderId": "A-1", "promoCodes": ["X"], "currency": "EUR",
            "lines": [{ "lineId": "1" }, { "amount": "1.00", "discount": "1.00" }, { "amount": money("USD") }],
        });
        assert_eq!(body_of_input(&input), body);
    }

    #[test]
    fn only_what_can_be_searched_for_is_an_id() {
        let body = json!({ "a": "A-1", "b": "", "c": 7, "d": "x\0y", "e": "x".repeat(201) });
        let found: Vec<Option<String>> = ["a", "b", "c", "d", "e", "f"]
            .map(|name| searchable(&body, name))
            .into();
        assert_eq!(found, [Some("A-1".to_owned()), None, None, None, None, None]);
    }
}
