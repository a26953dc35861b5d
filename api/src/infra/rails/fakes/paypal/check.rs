//! What a batch must be.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use serde_json::Value;

pub(super) use super::super::strict::Wrong;
use super::super::strict::{one_of, only, optional, text, wrong};
use crate::{
    infra::rails::paypal::wire::{
        MAX_BATCH_ID_CHARS, MAX_ITEM_ID_CHARS, MAX_ITEMS, MAX_NOTE_CHARS, MAX_RECEIVER_CHARS, MAX_SUBJECT_CHARS, WHOLE,
    },
    money::{Currency, Money, parse_decimal},
};

const TYPES: [&str; 4] = ["EMAIL", "PHONE", "PAYPAL_ID", "USER_HANDLE"];
const WALLETS: [&str; 3] = ["PAYPAL", "VENMO", "RECIPIENT_SELECTED"];
/// 20,000 dollars.
const MAX_DOLLAR_CENTS: i64 = 2_000_000;

pub(super) struct Wanted {
    pub sender_batch_id: String,
    pub items: Vec<WantedItem>,
}

pub(super) struct WantedItem {
    pub key: String,
    pub receiver: String,
    pub amount: Money,
}

/// Of items, everything that is wrong is named, and of the rest the first.
pub(super) fn batch(body: &Value, disliked: &BTreeSet<String>) -> Result<Wanted, Vec<Wrong>> {
    let (sender_batch_id, items) = frame(body).map_err(|wrong| vec![wrong])?;
    let mut wanted = Vec::with_capacity(items.len());
    let mut wrongs = Vec::new();
    for (number, value) in items.iter().enumerate() {
        match item(value, disliked) {
            Ok(item) => wanted.push(item),
            Err(wrong) => wrongs.push(Wrong {
                field: format!("items[{number}].{}", wrong.field.trim_start_matches('.')),
                ..wrong
            }),
        }
    }
    if !wrongs.is_empty() {
        return Err(wrongs);
    }
    alike(&wanted).map_err(|wrong| vec![wrong])?;
    Ok(Wanted {
        sender_batch_id,
        items: wanted,
    })
}

/// What the items stand in, and the items.
fn frame(body: &Value) -> Result<(String, &Vec<Value>), Wrong> {
    only(body, "", &["sender_batch_header", "items"])?;
    let Some(header) = body.get("sender_batch_header") else {
        return wrong("sender_batch_header", "is missing");
    };
    let fields = [
        "sender_batch_id",
        "email_subject",
        "email_message",
        "note",
        "recipient_type",
    ];
    only(header, "sender_batch_header", &fields)?;
    let sender_batch_id = text(header, "sender_batch_id", 1..=MAX_BATCH_ID_CHARS)?;
    optional(header, "email_subject", MAX_SUBJECT_CHARS)?;
    optional(header, "email_message", 1_000)?;
    optional(header, "note", 1_000)?;
    let Some(items) = body.get("items").and_then(Value::as_array) else {
        return wrong("items", "is missing, or no list");
    };
    if !(1..=MAX_ITEMS).contains(&items.len()) {
        return wrong("items", "are too few or too many");
    }
    Ok((sender_batch_id.to_owned(), items))
}

fn alike(items: &[WantedItem]) -> Result<(), Wrong> {
    let keys: BTreeSet<&str> = items.iter().map(|item| item.key.as_str()).collect();
    if keys.len() < items.len() {
        return wrong("sender_item_id", "is there twice");
    }
    if items
        .iter()
        .any(|item| item.amount.currency != items[0].amount.currency)
    {
        return wrong("amount.currency", "is not the same everywhere");
    }
    Ok(())
}

fn item(item: &Value, disliked: &BTreeSet<String>) -> Result<WantedItem, Wrong> {
    let fields = [
        "recipient_type",
        "amount",
        "receiver",
        "sender_item_id",
        "note",
        "recipient_wallet",
        "purpose",
        "notification_language",
    ];
    only(item, "", &fields)?;
    let kind = one_of(item, "recipient_type", &TYPES)?;
    let receiver = text(item, "receiver", 1..=MAX_RECEIVER_CHARS)?;
    if disliked.contains(receiver) || kind == "EMAIL" && !is_mail(receiver) {
        return wrong("receiver", "Receiver is invalid or does not match with type");
    }
    let key = text(item, "sender_item_id", 1..=MAX_ITEM_ID_CHARS)?;
    if !optional(item, "note", MAX_NOTE_CHARS)?.is_ascii() {
        return wrong("note", "is not ASCII");
    }
    if item.get("recipient_wallet").is_some() {
        one_of(item, "recipient_wallet", &WALLETS)?;
    }
    let Some(amount) = item.get("amount") else {
        return wrong("amount", "is missing");
    };
    only(amount, "amount", &["currency", "value"])?;
    let Ok(currency) = text(amount, "currency", 3..=3)?.parse::<Currency>() else {
        return wrong("amount.currency", "is none");
    };
    Ok(WantedItem {
        key: key.to_owned(),
        receiver: receiver.to_owned(),
        amount: money(text(amount, "value", 1..=20)?, currency)?,
    })
}

/// Roughly: what PayPal takes beyond that, it does not say.
fn is_mail(receiver: &str) -> bool {
    let is_plain = receiver
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"\"(),:;<>[\\]".contains(&byte));
    let is_dotted = receiver.split(['@', '.']).all(|part| !part.is_empty());
    let parts: Vec<&str> = receiver.split('@').collect();
    is_plain && is_dotted && matches!(parts[..], [_, host] if host.contains('.'))
}

/// Written with all decimals of its currency, and no other.
fn money(value: &str, currency: Currency) -> Result<Money, Wrong> {
    let scale = if WHOLE.contains(&currency.code()) {
        0
    } else {
        currency.scale()
    };
    let decimal = parse_decimal(value).filter(|decimal| decimal.scale() == scale && *decimal > Decimal::ZERO);
    let Some(money) = decimal.and_then(|decimal| Money::from_decimal(decimal, currency).ok()) else {
        return wrong("amount.value", "is no amount of this currency");
    };
    if currency.code() == "USD" && money.amount_minor > MAX_DOLLAR_CENTS {
        return wrong("amount.value", "is above what an item may be");
    }
    Ok(money)
}
