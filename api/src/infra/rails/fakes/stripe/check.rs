//! What a form must hold.

use std::collections::BTreeMap;

use super::super::strict::{Wrong, wrong};
use crate::{infra::rails::stripe::wire::is_account, money::Currency};

pub(super) type Form = BTreeMap<String, String>;

pub(super) fn form(body: &str, allowed: &[&str]) -> Result<Form, Wrong> {
    let mut form = Form::new();
    for (name, value) in url::form_urlencoded::parse(body.as_bytes()) {
        let is_metadata = name.strip_prefix("metadata[").is_some_and(|name| name.ends_with(']'));
        if !is_metadata && !allowed.contains(&name.as_ref()) {
            return wrong(&name, "Received unknown parameter");
        }
        if value.is_empty() || form.insert(name.clone().into_owned(), value.into_owned()).is_some() {
            return wrong(&name, "Invalid parameter");
        }
    }
    Ok(form)
}

pub(super) fn needed<'a>(form: &'a Form, name: &str) -> Result<&'a str, Wrong> {
    match form.get(name) {
        Some(value) => Ok(value),
        None => wrong(name, "Missing required param"),
    }
}

pub(super) fn amount(form: &Form) -> Result<i64, Wrong> {
    match needed(form, "amount")?.parse::<i64>() {
        Ok(amount) if amount > 0 => Ok(amount),
        _ => wrong("amount", "Invalid positive integer"),
    }
}

/// In small letters, and of three decimals only such amounts as end in zero.
pub(super) fn currency(form: &Form, amount: i64) -> Result<&str, Wrong> {
    let text = needed(form, "currency")?;
    let currency = text.to_ascii_uppercase().parse::<Currency>();
    let Some(currency) = currency
        .ok()
        .filter(|_| text.bytes().all(|byte| byte.is_ascii_lowercase()))
    else {
        return wrong("currency", "Invalid currency");
    };
    if currency.scale() == 3 && amount % 10 != 0 {
        return wrong("amount", "Invalid amount: the last digit must be 0");
    }
    Ok(text)
}

pub(super) fn destination(form: &Form) -> Result<&str, Wrong> {
    let account = needed(form, "destination")?;
    if is_account(account) {
        Ok(account)
    } else {
        wrong("destination", "No such destination")
    }
}

pub(super) fn metadata(form: &Form) -> BTreeMap<String, String> {
    let pairs = form.iter().filter_map(|(name, value)| {
        let name = name.strip_prefix("metadata[")?.strip_suffix(']')?;
        Some((name.to_owned(), value.clone()))
    });
    pairs.collect()
}
