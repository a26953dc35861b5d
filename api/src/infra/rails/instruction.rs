//! What a rail is asked to do.

use std::{fmt, time::Duration};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::money::Money;

/// An item's attempts are numbered so far: its key must fit what the strictest provider takes (36 characters).
pub const MAX_ATTEMPT: u32 = 999;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RailKind {
    Paypal,
    Razorpayx,
    Stripe,
}

impl RailKind {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Paypal => "PAYPAL",
            Self::Razorpayx => "RAZORPAYX",
            Self::Stripe => "STRIPE",
        }
    }

    /// The words that go with a payment, as far as this rail carries them: anything else becomes a space, and what is too long
    /// is cut. A rail refuses words that it would have to change, so whoever writes them asks here first.
    #[must_use]
    pub fn narration(self, text: &str) -> String {
        let (carries, most): (fn(char) -> bool, usize) = match self {
            Self::Razorpayx => (
                |sign| sign.is_ascii_alphanumeric(),
                super::razorpay::MAX_NARRATION_CHARS,
            ),
            Self::Paypal => (|sign| sign.is_ascii_graphic(), super::paypal::MAX_NOTE_CHARS),
            Self::Stripe => (
                |sign| !sign.is_control() && !sign.is_whitespace(),
                super::stripe::MAX_DESCRIPTION_CHARS,
            ),
        };
        let words = text.split(|sign| !carries(sign)).filter(|word| !word.is_empty());
        let kept: String = words.collect::<Vec<_>>().join(" ").chars().take(most).collect();
        kept.trim_end().to_owned()
    }
}

/// Where the money goes. Printed without what would let somebody else use it.
#[derive(Clone, PartialEq, Eq)]
pub enum Destination {
    /// An account with an Indian bank.
    IndianBank {
        name: String,
        ifsc: String,
        account_number: String,
    },
    /// An address of India's Unified Payments Interface.
    Upi { name: String, address: String },
    PayPal {
        receiver: PayPalReceiver,
        wallet: PayPalWallet,
    },
    /// A connected account, `acct_…`.
    StripeAccount { account: String },
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IndianBank { .. } => "IndianBank(…)",
            Self::Upi { .. } => "Upi(…)",
            Self::PayPal { .. } => "PayPal(…)",
            Self::StripeAccount { .. } => "StripeAccount(…)",
        })
    }
}

/// How PayPal finds whom it pays.
#[derive(Clone, PartialEq, Eq)]
pub enum PayPalReceiver {
    Email(String),
    Phone(String),
    PayPalId(String),
    UserHandle(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayPalWallet {
    PayPal,
    Venmo,
    RecipientSelected,
}

/// One payment.
#[derive(Clone, Debug)]
pub struct Instruction {
    /// The payout.
    pub payout: Uuid,
    /// From 1. Another attempt gets another key, so there is one only after it is certain that those before it paid nothing.
    pub attempt: u32,
    pub amount: Money,
    pub destination: Destination,
    /// Words for the receiver; empty for none.
    pub narration: String,
}

impl Instruction {
    /// What the provider knows this attempt by: key, reference and item id in one.
    #[must_use]
    pub fn key(&self) -> String {
        item_key(self.payout, self.attempt)
    }
}

#[must_use]
pub fn item_key(payout: Uuid, attempt: u32) -> String {
    format!("{}-{attempt}", payout.simple())
}

/// The payout and attempt of an item's key; absent when it is none of ours.
#[must_use]
pub fn parse_item_key(key: &str) -> Option<(Uuid, u32)> {
    let (payout, attempt) = key.split_once('-')?;
    let found = (Uuid::try_parse(payout).ok()?, attempt.parse().ok()?);
    // Only as it is written here: `+1` and upper case are numbers and ids too.
    (item_key(found.0, found.1) == key).then_some(found)
}

/// Why a payment cannot be sent by a rail. The codes are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProblemCode {
    CurrencyNotCarried,
    AmountBelowMinimum,
    AmountAboveMaximum,
    /// Finer than the provider counts this currency.
    AmountTooFine,
    /// This rail leads to another kind of account.
    DestinationNotCarried,
    /// The account cannot be one.
    DestinationInvalid,
    /// The name is shorter, longer or of other letters than the provider takes.
    NameInvalid,
    NarrationNotCarried,
    /// There were too many attempts.
    AttemptTooHigh,
    /// The same attempt stands in the same batch twice.
    DuplicateItem,
}

impl ProblemCode {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CurrencyNotCarried => "CURRENCY_NOT_CARRIED",
            Self::AmountBelowMinimum => "AMOUNT_BELOW_MINIMUM",
            Self::AmountAboveMaximum => "AMOUNT_ABOVE_MAXIMUM",
            Self::AmountTooFine => "AMOUNT_TOO_FINE",
            Self::DestinationNotCarried => "DESTINATION_NOT_CARRIED",
            Self::DestinationInvalid => "DESTINATION_INVALID",
            Self::NameInvalid => "NAME_INVALID",
            Self::NarrationNotCarried => "NARRATION_NOT_CARRIED",
            Self::AttemptTooHigh => "ATTEMPT_TOO_HIGH",
            Self::DuplicateItem => "DUPLICATE_ITEM",
        }
    }
}

/// One thing that is wrong with an instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub code: ProblemCode,
    /// In words, for people; names no account.
    pub message: String,
}

impl Problem {
    pub(super) fn new(code: ProblemCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

/// An instruction that is not sent, with everything that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    pub key: String,
    pub problems: Vec<Problem>,
}

/// What comes of preparing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prepared {
    pub requests: Vec<Request>,
    pub rejected: Vec<Rejected>,
}

/// One request, to be stored as it is before it is sent. Its body names accounts: it is stored as they are.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    pub rail: RailKind,
    /// What the provider tells a repetition by.
    pub key: String,
    /// To the byte: another body under the same key is another request.
    pub body: String,
    /// Keys of the items in it, in its order.
    pub items: Vec<String>,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rail, key, items, .. } = self;
        f.debug_struct("Request")
            .field("rail", rail)
            .field("key", key)
            .field("items", items)
            .finish_non_exhaustive()
    }
}

/// A stored request on its way.
#[derive(Clone, Copy, Debug)]
pub struct Sending<'a> {
    pub request: &'a Request,
    /// When it was first sent, when this is not the first time: what came of it then is not known.
    pub first_sent_at: Option<DateTime<Utc>>,
}

/// Asks what became of a request.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    pub request: &'a Request,
    /// What the provider called it, once it was taken.
    pub provider_id: Option<&'a str>,
    /// When it was sent last: only so long after that is it certain that nothing is on its way any more.
    pub last_sent_at: DateTime<Utc>,
}

/// Checks that every rail makes; `seen` are keys of this batch so far.
pub(super) fn check_key(
    instruction: &Instruction,
    seen: &mut std::collections::BTreeSet<String>,
    problems: &mut Vec<Problem>,
) {
    if !(1..=MAX_ATTEMPT).contains(&instruction.attempt) {
        let message = format!("attempts are numbered from 1 to {MAX_ATTEMPT}");
        problems.push(Problem::new(ProblemCode::AttemptTooHigh, message));
    }
    if !seen.insert(instruction.key()) {
        let message = "this attempt stands in the batch already";
        problems.push(Problem::new(ProblemCode::DuplicateItem, message));
    }
}

pub(super) fn check_narration(rail: RailKind, text: &str, problems: &mut Vec<Problem>) {
    if rail.narration(text) != text {
        let message = "these words are longer than the provider takes, or hold signs that it does not take";
        problems.push(Problem::new(ProblemCode::NarrationNotCarried, message));
    }
}

pub(super) const fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_its_attempt_and_fits_everywhere() {
        let payout = Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_00ff);
        let key = item_key(payout, MAX_ATTEMPT);
        assert_eq!(key, "019200000000700080000000000000ff-999");
        assert_eq!(key.len(), 36);
        assert_eq!(parse_item_key(&key), Some((payout, 999)));
        for other in [
            "",
            "019200000000700080000000000000ff",
            "019200000000700080000000000000ff-",
            "019200000000700080000000000000ff-+1",
            "019200000000700080000000000000ff-01",
            "019200000000700080000000000000FF-1",
            "01920000-0000-7000-8000-0000000000ff-1",
        ] {
            assert_eq!(parse_item_key(other), None, "{other}");
        }
    }

    #[test]
    fn words_are_cut_to_what_a_rail_carries() {
        assert_eq!(
            RailKind::Razorpayx.narration("Café & Co: May payout, no. 12345678"),
            "Caf Co May payout no 12345678"
        );
        assert_eq!(RailKind::Razorpayx.narration("  a  b  "), "a b");
        assert_eq!(RailKind::Razorpayx.narration("अक्टूबर"), "");
        assert_eq!(RailKind::Razorpayx.narration(&"x".repeat(31)).len(), 30);
        assert_eq!(RailKind::Paypal.narration("Grüße\nan alle!"), "Gr e an alle!");
        assert_eq!(RailKind::Stripe.narration("Grüße\nan alle!"), "Grüße an alle!");
    }
}
