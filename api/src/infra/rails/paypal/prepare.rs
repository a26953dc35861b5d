//! Instructions as batches: of one currency each, so that no item of one is refused for another's.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::{
    Settings,
    address::is_address,
    wire::{self, MAX_ITEMS, MAX_RECEIVER_CHARS},
};
use crate::{
    infra::rails::{
        Destination, Instruction, PayPalReceiver, PayPalWallet, Prepared, Problem, ProblemCode, RailKind, Rejected,
        Request, instruction, transport::json_text,
    },
    money::{Currency, Money},
};

/// What PayPal pays out in.
const CURRENCIES: [&str; 22] = [
    "AUD", "BRL", "CAD", "CHF", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "ILS", "JPY", "MXN", "MYR", "NOK", "NZD",
    "PHP", "PLN", "SEK", "SGD", "THB", "TWD",
];
const DOLLARS: &str = "USD";
/// The most of one item in US dollars; of other currencies PayPal alone decides.
const MOST_CENTS: i64 = 2_000_000;

#[derive(Serialize)]
struct Body<'a> {
    sender_batch_header: Header<'a>,
    items: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Header<'a> {
    sender_batch_id: &'a str,
    email_subject: &'a str,
}

#[derive(Serialize)]
struct Item<'a> {
    recipient_type: &'static str,
    amount: Amount,
    receiver: &'a str,
    sender_item_id: String,
    recipient_wallet: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    note: &'a str,
}

#[derive(Serialize)]
struct Amount {
    currency: &'static str,
    value: String,
}

pub(super) fn prepare(settings: &Settings, batch: Uuid, instructions: &[Instruction]) -> Prepared {
    let mut prepared = Prepared::default();
    let mut seen = BTreeSet::new();
    let mut by_currency: BTreeMap<Currency, Vec<Item<'_>>> = BTreeMap::new();
    for instruction in instructions {
        match item(instruction, &mut seen) {
            Ok(item) => by_currency.entry(instruction.amount.currency).or_default().push(item),
            Err(problems) => prepared.rejected.push(Rejected {
                key: instruction.key(),
                problems,
            }),
        }
    }
    for mut items in by_currency.into_values() {
        while !items.is_empty() {
            let rest = items.split_off(items.len().min(MAX_ITEMS));
            let key = format!("{}-{}", batch.simple(), prepared.requests.len() + 1);
            prepared.requests.push(request(settings, key, items));
            items = rest;
        }
    }
    prepared
}

fn request(settings: &Settings, key: String, items: Vec<Item<'_>>) -> Request {
    let keys = items.iter().map(|item| item.sender_item_id.clone()).collect();
    let body = Body {
        sender_batch_header: Header {
            sender_batch_id: &key,
            email_subject: &settings.email_subject,
        },
        items,
    };
    Request {
        rail: RailKind::Paypal,
        body: json_text(&body),
        items: keys,
        key,
    }
}

/// PayPal took nothing of the first one, so the items keep their keys; a `sender_batch_id` is never used for two bodies.
pub(super) fn without(request: &Request, keys: &BTreeSet<String>) -> Option<Request> {
    let is_kept = |key: &str| !keys.contains(key);
    let items: Vec<String> = request.items.iter().filter(|key| is_kept(key)).cloned().collect();
    if items.is_empty() {
        return None;
    }
    let key = next_key(&request.key);
    let mut body: Value = serde_json::from_str(&request.body).ok()?;
    let id_of = |item: &Value| item.get("sender_item_id").and_then(Value::as_str).map(str::to_owned);
    let list = body.get_mut("items")?.as_array_mut()?;
    list.retain(|item| id_of(item).is_some_and(|key| is_kept(&key)));
    if list.len() != items.len() {
        return None;
    }
    *body.get_mut("sender_batch_header")?.get_mut("sender_batch_id")? = key.as_str().into();
    Some(Request {
        rail: request.rail,
        body: json_text(&body),
        items,
        key,
    })
}

/// `…-1` is followed by `…-1-2`, and that by `…-1-3`.
fn next_key(key: &str) -> String {
    match key.rsplit_once('-') {
        Some((first, count)) if first.contains('-') => {
            let count = count.parse::<u32>().map_or(2, |count| count.saturating_add(1));
            format!("{first}-{count}")
        }
        _ => format!("{key}-2"),
    }
}

fn item<'a>(instruction: &'a Instruction, seen: &mut BTreeSet<String>) -> Result<Item<'a>, Vec<Problem>> {
    let mut problems = Vec::new();
    instruction::check_key(instruction, seen, &mut problems);
    instruction::check_narration(RailKind::Paypal, &instruction.narration, &mut problems);
    let value = value_of(instruction.amount).map_err(|problem| problems.push(problem));
    let recipient = recipient(&instruction.destination, instruction.amount.currency, &mut problems);
    match (value, recipient) {
        (Ok(value), Some((recipient_type, receiver, recipient_wallet))) if problems.is_empty() => Ok(Item {
            recipient_type,
            amount: Amount {
                currency: instruction.amount.currency.code(),
                value,
            },
            receiver,
            sender_item_id: instruction.key(),
            recipient_wallet,
            note: &instruction.narration,
        }),
        _ => Err(problems),
    }
}

/// An amount as PayPal writes it, or why it does not carry it.
pub(super) fn value_of(amount: Money) -> Result<String, Problem> {
    let code = amount.currency.code();
    if code != DOLLARS && !CURRENCIES.contains(&code) {
        let message = format!("PayPal does not pay out in {code}");
        return Err(Problem::new(ProblemCode::CurrencyNotCarried, message));
    }
    if amount.amount_minor < 1 {
        let message = "an amount is above zero";
        return Err(Problem::new(ProblemCode::AmountBelowMinimum, message));
    }
    if code == DOLLARS && amount.amount_minor > MOST_CENTS {
        let message = format!(
            "PayPal pays at most {} at once",
            Money::new(MOST_CENTS, amount.currency)
        );
        return Err(Problem::new(ProblemCode::AmountAboveMaximum, message));
    }
    wire::decimal(amount).ok_or_else(|| {
        let message = format!("PayPal counts {code} in whole units");
        Problem::new(ProblemCode::AmountTooFine, message)
    })
}

type Recipient<'a> = (&'static str, &'a str, &'static str);

fn recipient<'a>(
    destination: &'a Destination,
    currency: Currency,
    problems: &mut Vec<Problem>,
) -> Option<Recipient<'a>> {
    let Destination::PayPal { receiver, wallet } = destination else {
        let message = "PayPal pays PayPal and Venmo accounts";
        problems.push(Problem::new(ProblemCode::DestinationNotCarried, message));
        return None;
    };
    let (kind, text) = match receiver {
        PayPalReceiver::Email(text) => ("EMAIL", text),
        PayPalReceiver::Phone(text) => ("PHONE", text),
        PayPalReceiver::PayPalId(text) => ("PAYPAL_ID", text),
        PayPalReceiver::UserHandle(text) => ("USER_HANDLE", text),
    };
    let is_plain = !text.chars().any(|sign| sign.is_whitespace() || sign.is_control());
    let fits = (1..=MAX_RECEIVER_CHARS).contains(&text.chars().count());
    let looks_right = match receiver {
        PayPalReceiver::Email(text) => is_address(text),
        PayPalReceiver::Phone(text) => text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-')),
        PayPalReceiver::PayPalId(text) => text.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        PayPalReceiver::UserHandle(_) => true,
    };
    if !(is_plain && fits && looks_right) {
        let message = format!("this is no receiver of the kind {kind}");
        problems.push(Problem::new(ProblemCode::DestinationInvalid, message));
        return None;
    }
    if *wallet == PayPalWallet::Venmo && currency.code() != DOLLARS {
        let message = "Venmo takes US dollars only";
        problems.push(Problem::new(ProblemCode::CurrencyNotCarried, message));
        return None;
    }
    let wallet = match wallet {
        PayPalWallet::PayPal => "PAYPAL",
        PayPalWallet::Venmo => "VENMO",
        PayPalWallet::RecipientSelected => "RECIPIENT_SELECTED",
    };
    Some((kind, text, wallet))
}
