//! What is asked for, looked at field by field: nothing is overlooked that the real provider would refuse.

use std::ops::RangeInclusive;

use serde_json::Value;

/// The first thing that is wrong.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub field: String,
    pub issue: String,
}

pub(super) fn wrong<T>(field: &str, issue: &str) -> Result<T, Wrong> {
    Err(Wrong {
        field: field.to_owned(),
        issue: issue.to_owned(),
    })
}

/// An object with no other fields than these.
pub(super) fn only(value: &Value, path: &str, allowed: &[&str]) -> Result<(), Wrong> {
    let Some(object) = value.as_object() else {
        return wrong(path, "is no object");
    };
    match object.keys().find(|name| !allowed.contains(&name.as_str())) {
        Some(name) => wrong(&format!("{path}.{name}"), "is not known"),
        None => Ok(()),
    }
}

/// A text of so many characters.
pub(super) fn text<'a>(value: &'a Value, name: &str, chars: RangeInclusive<usize>) -> Result<&'a str, Wrong> {
    let Some(text) = value.get(name).and_then(Value::as_str) else {
        return wrong(name, "is missing, or no text");
    };
    if chars.contains(&text.chars().count()) {
        Ok(text)
    } else {
        wrong(name, "is too short or too long")
    }
}

/// A text that may be absent, and then is empty.
pub(super) fn optional<'a>(value: &'a Value, name: &str, most: usize) -> Result<&'a str, Wrong> {
    if value.get(name).is_none() {
        return Ok("");
    }
    text(value, name, 1..=most)
}

pub(super) fn one_of<'a>(value: &'a Value, name: &str, allowed: &[&str]) -> Result<&'a str, Wrong> {
    let text = text(value, name, 1..=100)?;
    if allowed.contains(&text) {
        Ok(text)
    } else {
        wrong(name, "is none of what it may be")
    }
}

/// The part of an address' query by that name.
pub(super) fn query(query: Option<&str>, name: &str) -> Option<String> {
    let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    pairs
        .into_iter()
        .find(|(found, _)| found == name)
        .map(|(_, value)| value.into_owned())
}

/// What comes with `Authorization: Basic`.
pub(super) fn basic(headers: &axum::http::HeaderMap) -> Option<String> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let value = headers.get("authorization")?.to_str().ok()?.strip_prefix("Basic ")?;
    String::from_utf8(STANDARD.decode(value).ok()?).ok()
}

pub(super) fn is_of_kind(headers: &axum::http::HeaderMap, kind: &str) -> bool {
    headers.get("content-type").is_some_and(|value| value == kind)
}
