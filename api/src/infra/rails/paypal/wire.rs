//! What PayPal says, in our words.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    infra::rails::{
        Doubt, Item, Looked, Refused, RefusedItem, Sent, Status,
        instruction::parse_item_key,
        transport::{Answer, is_final, is_refusal, is_too_often},
    },
    money::{Money, parse_decimal},
};

pub const MAX_ITEMS: usize = 15_000;
pub const MAX_RECEIVER_CHARS: usize = 127;
pub const MAX_NOTE_CHARS: usize = 4_000;
pub const MAX_SUBJECT_CHARS: usize = 255;
pub const MAX_BATCH_ID_CHARS: usize = 256;
pub const MAX_ITEM_ID_CHARS: usize = 63;

/// Counted in whole units here, whatever their minor unit is elsewhere.
pub const WHOLE: [&str; 3] = ["HUF", "JPY", "TWD"];

/// The amount as PayPal writes it; absent when it is finer than PayPal counts.
#[must_use]
pub fn decimal(amount: Money) -> Option<String> {
    let exact = amount.to_decimal();
    if WHOLE.contains(&amount.currency.code()) {
        let whole = exact.normalize();
        return (whole.scale() == 0).then(|| whole.to_string());
    }
    Some(exact.to_string())
}

fn money(value: Option<&Value>) -> Option<Money> {
    let value = value?;
    let currency = value.get("currency")?.as_str()?.parse().ok()?;
    Money::from_decimal(parse_decimal(value.get("value")?.as_str()?)?, currency).ok()
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

/// What a new batch is called.
pub(super) fn accepted(answer: &Answer) -> Sent {
    let json = answer.json();
    let id = json
        .get("batch_header")
        .and_then(|header| text(header, "payout_batch_id"));
    match id {
        Some(id) if !id.is_empty() => Sent::Accepted {
            provider_id: id.to_owned(),
            items: Vec::new(),
            is_replay: false,
        },
        _ => Sent::Unclear(Doubt::unreadable("payout_batch_id")),
    }
}

/// The batch that has our id already, when that is what a refusal is about. One that does not say which is no refusal.
pub(super) fn adopted(answer: &Answer) -> Option<Sent> {
    let json = answer.json();
    let details = json.get("details").and_then(Value::as_array)?;
    let about = details.iter().find(|detail| {
        let issue = text(detail, "issue").unwrap_or_default();
        let field = text(detail, "field").unwrap_or_default();
        field.to_ascii_uppercase().ends_with("SENDER_BATCH_ID") && issue.contains("already exists")
    })?;
    // `link` in the refusal itself, `links` everywhere else.
    let lists = [about.get("link"), about.get("links"), json.get("links")];
    let links = lists.into_iter().flatten().filter_map(Value::as_array).flatten();
    let id = links.filter_map(|link| text(link, "href")).find_map(batch_of);
    Some(match id {
        Some(id) => Sent::Accepted {
            provider_id: id.to_owned(),
            items: Vec::new(),
            is_replay: true,
        },
        None => Sent::Unclear(Doubt::new(
            "DUPLICATE_WITHOUT_LINK",
            "PayPal has a batch of this id, and does not say which",
        )),
    })
}

fn batch_of(href: &str) -> Option<&str> {
    let (_, id) = href.rsplit_once("/v1/payments/payouts/")?;
    let id = id.split(['?', '/', '#']).next()?;
    (!id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')).then_some(id)
}

/// Which items of a request a refusal is about, with what PayPal says of each: it counts them as they were sent, from zero.
pub(super) fn named(answer: &Answer, keys: &[String]) -> Vec<RefusedItem> {
    let json = answer.json();
    let details = json.get("details").and_then(Value::as_array);
    let mut said: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for detail in details.into_iter().flatten() {
        let found = text(detail, "field").and_then(item_field);
        if let Some((index, field)) = found
            && index < keys.len()
        {
            said.entry(index).or_default().push(words([Some(field), issue(detail)]));
        }
    }
    let item = |(index, words): (usize, Vec<String>)| RefusedItem {
        key: keys[index].clone(),
        message: words.join("; "),
    };
    said.into_iter().map(item).collect()
}

/// The item and the field in it that `items[3].receiver`, or `/items/3/receiver`, speaks of.
fn item_field(field: &str) -> Option<(usize, &str)> {
    let rest = field.trim_start_matches(['$', '.', '/']).strip_prefix("items")?;
    let rest = rest.strip_prefix(['[', '/', '.'])?;
    let (index, field) = rest.split_at(rest.find(|sign: char| !sign.is_ascii_digit()).unwrap_or(rest.len()));
    Some((index.parse().ok()?, field.trim_start_matches([']', '.', '/'])))
}

fn issue(detail: &Value) -> Option<&str> {
    text(detail, "issue").or_else(|| text(detail, "description"))
}

/// What there is of these, as one sentence.
fn words<const N: usize>(parts: [Option<&str>; N]) -> String {
    let parts = parts.into_iter().flatten().filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(": ")
}

/// Why it was not done; a doubt where the answer does not say that.
pub(super) fn refusal(answer: &Answer) -> Result<Refused, Doubt> {
    let json = answer.json();
    let detail = json.get("details").and_then(|details| details.get(0));
    let field = detail.and_then(|detail| text(detail, "field"));
    let message = words([text(&json, "message"), field, detail.and_then(issue)]);
    let message = if message.is_empty() {
        format!("status {}", answer.status)
    } else {
        message
    };
    let name = text(&json, "name");
    let code = name.unwrap_or(match answer.status {
        401 => "UNAUTHORIZED",
        403 => "FORBIDDEN",
        429 => "RATE_LIMIT_REACHED",
        500.. => "SERVER_ERROR",
        _ => "ANSWER_UNREADABLE",
    });
    if !is_refusal(answer.status, name.is_some()) {
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

/// States of items that end nothing.
const WAITING: [&str; 3] = ["PENDING", "ONHOLD", "UNCLAIMED"];
/// States of items in which nothing is to come, or it came back.
const SETTLED: [&str; 7] = [
    "SUCCESS", "FAILED", "BLOCKED", "DENIED", "RETURNED", "REFUNDED", "REVERSED",
];

/// Whether it is known here what a state of an item means.
pub(in super::super) fn is_known(state: &str) -> bool {
    WAITING.contains(&state) || SETTLED.contains(&state)
}

/// An item as it stands in a batch, in an answer of its own and in a webhook.
pub(in super::super) fn item(value: &Value) -> Option<Item> {
    let state = text(value, "transaction_status")?.to_owned();
    let errors = value.get("errors").map(|errors| errors.get(0).unwrap_or(errors));
    let said = |name: &str| errors.and_then(|errors| text(errors, name)).map(str::to_owned);
    let code = said("name").unwrap_or_else(|| state.clone());
    let reason = said("message").unwrap_or_default();
    let fee = money(value.get("payout_item_fee"));
    let status = match state.as_str() {
        "SUCCESS" => Status::Paid {
            fee,
            reference: text(value, "transaction_id").map(str::to_owned),
        },
        // DENIED: PayPal let nothing leave.
        "FAILED" | "BLOCKED" | "DENIED" => Status::Failed { code, reason },
        "RETURNED" | "REFUNDED" | "REVERSED" => Status::Returned { code, reason, fee },
        // Those of `WAITING`, and what is not known.
        _ => Status::Waiting,
    };
    let payout_item = value.get("payout_item");
    Some(Item {
        key: payout_item
            .and_then(|item| text(item, "sender_item_id"))
            .map(str::to_owned),
        provider_id: text(value, "payout_item_id")?.to_owned(),
        state,
        status,
    })
}

/// A batch, page by page.
#[derive(Debug, Default)]
pub(super) struct Batch {
    state: String,
    items: Vec<Item>,
    /// How many items PayPal says it has.
    told: Option<u64>,
}

impl Batch {
    /// Whether that was all of it.
    pub fn add(&mut self, page: &Value) -> Result<bool, Doubt> {
        let header = page.get("batch_header");
        let state = header.and_then(|header| text(header, "batch_status"));
        self.state = state.ok_or_else(|| Doubt::unreadable("batch_status"))?.to_owned();
        let items = page
            .get("items")
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice);
        for value in items {
            self.items
                .push(item(value).ok_or_else(|| Doubt::unreadable("payout_item_id"))?);
        }
        let pages = page.get("total_pages").and_then(Value::as_u64);
        let total = page.get("total_items").and_then(Value::as_u64);
        self.told = self.told.max(total);
        let read = self.items.len() as u64;
        Ok(items.is_empty() || total.is_some_and(|total| read >= total) || pages.is_some_and(|pages| pages <= 1))
    }

    /// What it says of the items of one request.
    pub fn about(self, batch: &str, keys: &[String]) -> Looked {
        let found: BTreeSet<&String> = self.items.iter().filter_map(|item| item.key.as_ref()).collect();
        // While PayPal works on a batch, what is not in it may still come.
        let is_whole = matches!(self.state.as_str(), "SUCCESS" | "DENIED" | "CANCELED");
        let missing: Vec<String> = keys.iter().filter(|key| !found.contains(key)).cloned().collect();
        // What is called absent is paid by somebody else: every item that there is must be known not to be it.
        if is_whole && !missing.is_empty() && !self.is_counted(&found) {
            return Looked::Unclear(Doubt::new(
                "BATCH_INCOMPLETE",
                "PayPal has done with the batch, and did not show all of its items with our keys",
            ));
        }
        let absent = if is_whole { missing } else { Vec::new() };
        let keys: BTreeSet<&String> = keys.iter().collect();
        let ours = |item: &Item| item.key.as_ref().is_some_and(|key| keys.contains(key));
        Looked::Found {
            provider_id: batch.to_owned(),
            items: self.items.into_iter().filter(ours).collect(),
            absent,
        }
    }

    /// Whether as many items were read as PayPal says there are, each with a key that was made here and no other has.
    fn is_counted(&self, found: &BTreeSet<&String>) -> bool {
        // A batch that paid has something in it, whatever it says.
        let is_hollow = self.state == "SUCCESS" && self.items.is_empty();
        !is_hollow && self.told == Some(found.len() as u64) && found.len() == self.items.len() && all_ours(found)
    }
}

fn all_ours(keys: &BTreeSet<&String>) -> bool {
    keys.iter().all(|key| parse_item_key(key).is_some())
}
