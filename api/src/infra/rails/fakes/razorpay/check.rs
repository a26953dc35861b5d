//! What a composite payout must be.

use serde_json::Value;

use super::{
    super::strict::{Wrong, one_of, only, optional, text, wrong},
    ACCOUNT_NUMBER,
};
use crate::infra::rails::razorpay::wire::{
    MAX_IMPS_PAISE, MAX_NARRATION_CHARS, MAX_UPI_PAISE, MIN_PAISE, RTGS_ABOVE_PAISE,
};

const PURPOSES: [&str; 6] = ["payout", "refund", "cashback", "salary", "utility bill", "vendor bill"];
const MODES: [&str; 4] = ["NEFT", "RTGS", "IMPS", "UPI"];
const FIELDS: [&str; 10] = [
    "account_number",
    "fund_account",
    "amount",
    "currency",
    "mode",
    "purpose",
    "queue_if_low_balance",
    "reference_id",
    "narration",
    "notes",
];

pub(super) struct Wanted {
    pub to: String,
    pub amount: i64,
    pub mode: String,
    pub waits: bool,
    pub reference: String,
    pub narration: String,
}

pub(super) fn payout(body: &Value) -> Result<Wanted, Wrong> {
    only(body, "", &FIELDS)?;
    if text(body, "account_number", 1..=40)? != ACCOUNT_NUMBER {
        return wrong("account_number", "is not an account of yours");
    }
    let Some(amount) = body.get("amount").and_then(Value::as_i64) else {
        return wrong("amount", "must be an integer");
    };
    if amount < MIN_PAISE {
        return wrong("amount", "must be at least INR 1.00");
    }
    one_of(body, "currency", &["INR"])?;
    one_of(body, "purpose", &PURPOSES)?;
    let mode = one_of(body, "mode", &MODES)?;
    let Some(fund_account) = body.get("fund_account") else {
        return wrong("fund_account", "is missing");
    };
    let (to, is_upi) = account(fund_account)?;
    let fits = match mode {
        "UPI" => is_upi && amount <= MAX_UPI_PAISE,
        "IMPS" => !is_upi && amount <= MAX_IMPS_PAISE,
        "RTGS" => !is_upi && amount > RTGS_ABOVE_PAISE,
        _ => !is_upi,
    };
    if !fits {
        return wrong("mode", "does not carry this amount to this account");
    }
    let narration = optional(body, "narration", MAX_NARRATION_CHARS)?;
    if !narration
        .chars()
        .all(|sign| sign.is_ascii_alphanumeric() || sign == ' ')
    {
        return wrong("narration", "may only contain letters, digits and spaces");
    }
    let notes = body
        .get("notes")
        .map(|notes| notes.as_object().map(serde_json::Map::len));
    if notes.is_some_and(|count| count.is_none_or(|count| count > 15)) {
        return wrong("notes", "are at most 15 pairs");
    }
    let waits = body.get("queue_if_low_balance");
    if waits.is_some_and(|waits| !waits.is_boolean()) {
        return wrong("queue_if_low_balance", "is true or false");
    }
    Ok(Wanted {
        to,
        amount,
        mode: mode.to_owned(),
        waits: waits.and_then(Value::as_bool).unwrap_or(false),
        reference: optional(body, "reference_id", 40)?.to_owned(),
        narration: narration.to_owned(),
    })
}

/// Whom it leads to, and whether over UPI.
fn account(value: &Value) -> Result<(String, bool), Wrong> {
    only(
        value,
        "fund_account",
        &["account_type", "bank_account", "vpa", "contact"],
    )?;
    let Some(contact) = value.get("contact") else {
        return wrong("contact", "is missing");
    };
    only(
        contact,
        "contact",
        &["name", "email", "contact", "type", "reference_id", "notes"],
    )?;
    text(contact, "name", 3..=50)?;
    optional(contact, "reference_id", 40)?;
    match one_of(value, "account_type", &["bank_account", "vpa"])? {
        "vpa" => {
            let vpa = value.get("vpa").unwrap_or(&Value::Null);
            only(vpa, "vpa", &["address"])?;
            let address = text(vpa, "address", 3..=100)?;
            if !address.contains('@') || value.get("bank_account").is_some() {
                return wrong("vpa.address", "is invalid");
            }
            Ok((address.to_owned(), true))
        }
        _ => {
            let bank = value.get("bank_account").unwrap_or(&Value::Null);
            only(bank, "bank_account", &["name", "ifsc", "account_number"])?;
            text(bank, "name", 3..=120)?;
            let ifsc = text(bank, "ifsc", 11..=11)?;
            let number = text(bank, "account_number", 5..=35)?;
            if !ifsc.bytes().all(|byte| byte.is_ascii_alphanumeric()) || value.get("vpa").is_some() {
                return wrong("ifsc", "is invalid");
            }
            Ok((format!("{ifsc}/{number}"), false))
        }
    }
}
