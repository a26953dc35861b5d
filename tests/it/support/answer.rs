//! Reading GraphQL answers. Whatever is not as asserted panics with the whole answer.

use axum::http::StatusCode;
use serde_json::Value;

/// The value of `data` at a dotted path (`"createBrand.brand.id"`, `"brand.members.nodes.0.role"`; empty for all of it), of an answer without
/// errors and without refusals.
#[track_caller]
pub fn data_at(answer: &Value, path: &str) -> Value {
    assert!(
        answer.get("errors").is_none_or(Value::is_null),
        "no errors wanted: {answer:#}"
    );
    assert!(user_errors(answer).is_empty(), "no refusal wanted: {answer:#}");
    find(&answer["data"], path).unwrap_or_else(|| panic!("nothing at `{path}`: {answer:#}"))
}

fn find(value: &Value, path: &str) -> Option<Value> {
    if path.is_empty() {
        return Some(value.clone());
    }
    path.split('.')
        .try_fold(value, |value, step| match value {
            Value::Array(items) => items.get(step.parse::<usize>().ok()?),
            other => other.get(step),
        })
        .cloned()
}

/// The code of the answer's one top-level error.
#[track_caller]
pub fn error_code(answer: &Value) -> String {
    match error_codes(answer).as_slice() {
        [code] => code.clone(),
        _ => panic!("one error wanted: {answer:#}"),
    }
}

/// The codes of all top-level errors.
pub fn error_codes(answer: &Value) -> Vec<String> {
    answer["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|error| error["extensions"]["code"].as_str().unwrap_or("(no code)").to_owned())
        .collect()
}

/// The code of the answer's one refusal; there must be no top-level error.
#[track_caller]
pub fn refusal(answer: &Value) -> String {
    assert!(answer.get("errors").is_none_or(Value::is_null), "{answer:#}");
    match user_errors(answer).as_slice() {
        [only] => only["code"].as_str().unwrap_or("(no code)").to_owned(),
        _ => panic!("one refusal wanted: {answer:#}"),
    }
}

/// The entries of every root field's `userErrors`.
pub fn user_errors(answer: &Value) -> Vec<Value> {
    let roots = answer["data"].as_object().into_iter().flat_map(|data| data.values());
    roots
        .filter_map(|root| root["userErrors"].as_array())
        .flatten()
        .cloned()
        .collect()
}

/// An HTTP answer of a plain endpoint or of `/graphql`, with its status.
pub type Answered = (StatusCode, Value);
