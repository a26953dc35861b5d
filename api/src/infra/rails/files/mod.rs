//! Files that a person brings to a bank, and what the bank says of them afterwards.
//!
//! A file is the same to the byte for the same lines, ids and time, so that its hash says which one was paid. A line that the
//! format cannot carry is named with what is wrong with it, and there is no file: what a bank would pay without it is another one.

pub mod neutral;
pub mod paypal;
pub mod results;
pub mod sepa;
pub mod wise;

use std::{collections::BTreeSet, fmt};

use sha2::{Digest, Sha256};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use crate::{idempotency::hex, infra::sheets::is_formula, money::Money};

/// One payment of a file. Printed without where it goes.
#[derive(Clone, PartialEq, Eq)]
pub struct Line {
    /// The item's key, by which the bank's answer names it.
    pub key: String,
    pub name: String,
    /// ISO 3166-1, two letters.
    pub country: String,
    /// IBAN or account number; for PayPal and Wise by mail, empty.
    pub account: String,
    /// IFSC, BIC, ABA number; may be empty.
    pub routing: String,
    pub email: String,
    pub amount: Money,
    /// Words that the receiver reads.
    pub reference: String,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line")
            .field("key", &self.key)
            .field("amount", &self.amount)
            .finish_non_exhaustive()
    }
}

/// A file, ready to be handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankFile {
    pub content: Vec<u8>,
    /// SHA-256 of the content, in hexadecimal.
    pub sha256: String,
    /// Keys of its lines, in order.
    pub keys: Vec<String>,
}

impl BankFile {
    fn new(content: Vec<u8>, lines: &[Line]) -> Self {
        Self {
            sha256: hex(&Sha256::digest(&content)),
            keys: lines.iter().map(|line| line.key.clone()).collect(),
            content,
        }
    }
}

/// Why there is no file. The codes are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileProblemCode {
    NoLines,
    TooManyLines,
    DuplicateLine,
    KeyInvalid,
    NameInvalid,
    CountryInvalid,
    AccountInvalid,
    RoutingInvalid,
    EmailInvalid,
    AmountInvalid,
    CurrencyNotCarried,
    ReferenceInvalid,
    SettingInvalid,
}

impl FileProblemCode {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoLines => "NO_LINES",
            Self::TooManyLines => "TOO_MANY_LINES",
            Self::DuplicateLine => "DUPLICATE_LINE",
            Self::KeyInvalid => "KEY_INVALID",
            Self::NameInvalid => "NAME_INVALID",
            Self::CountryInvalid => "COUNTRY_INVALID",
            Self::AccountInvalid => "ACCOUNT_INVALID",
            Self::RoutingInvalid => "ROUTING_INVALID",
            Self::EmailInvalid => "EMAIL_INVALID",
            Self::AmountInvalid => "AMOUNT_INVALID",
            Self::CurrencyNotCarried => "CURRENCY_NOT_CARRIED",
            Self::ReferenceInvalid => "REFERENCE_INVALID",
            Self::SettingInvalid => "SETTING_INVALID",
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileProblem {
    /// The line's key; absent when it is about the file.
    pub key: Option<String>,
    pub code: FileProblemCode,
    pub message: String,
}

/// Gathers what is wrong.
struct Problems(Vec<FileProblem>);

impl Problems {
    /// With what is wrong in every format.
    fn of(lines: &[Line], max_lines: usize) -> Self {
        let mut problems = Self(Vec::new());
        if lines.is_empty() {
            problems.file(FileProblemCode::NoLines, "there is nothing to pay");
        }
        if lines.len() > max_lines {
            let message = format!("there are {} lines, and at most {max_lines} in a file", lines.len());
            problems.file(FileProblemCode::TooManyLines, &message);
        }
        let mut seen = BTreeSet::new();
        for line in lines {
            let is_key = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            if line.key.is_empty() || line.key.len() > MAX_KEY_LEN || !line.key.bytes().all(is_key) {
                problems.line(
                    line,
                    FileProblemCode::KeyInvalid,
                    "a key is 1 to 35 letters, digits and hyphens",
                );
            }
            if !seen.insert(&line.key) {
                problems.line(line, FileProblemCode::DuplicateLine, "another line has the same key");
            }
            if line.amount.amount_minor < 1 {
                problems.line(line, FileProblemCode::AmountInvalid, "an amount is above zero");
            }
        }
        problems
    }

    fn file(&mut self, code: FileProblemCode, message: &str) {
        self.0.push(FileProblem {
            key: None,
            code,
            message: message.to_owned(),
        });
    }

    fn line(&mut self, line: &Line, code: FileProblemCode, message: &str) {
        self.0.push(FileProblem {
            key: Some(line.key.clone()),
            code,
            message: message.to_owned(),
        });
    }

    fn none(self) -> Result<(), Vec<FileProblem>> {
        if self.0.is_empty() { Ok(()) } else { Err(self.0) }
    }
}

/// As long as the strictest format takes.
const MAX_KEY_LEN: usize = 35;

/// In place of words of which a format carries nothing.
const WORD: &str = "payout";

/// Marks fall off (`é` is `e`), and letters that are not made of others are written with those that they sound like.
fn plain_letters(text: &str) -> String {
    let mut plain = String::new();
    for sign in text.nfd().filter(|sign| !is_combining_mark(*sign)) {
        match sign {
            'ß' => plain.push_str("ss"),
            'ẞ' => plain.push_str("SS"),
            'Æ' => plain.push_str("AE"),
            'æ' => plain.push_str("ae"),
            'Œ' => plain.push_str("OE"),
            'œ' => plain.push_str("oe"),
            'Ø' => plain.push('O'),
            'ø' => plain.push('o'),
            'Ł' => plain.push('L'),
            'ł' => plain.push('l'),
            'Đ' | 'Ð' => plain.push('D'),
            'đ' | 'ð' => plain.push('d'),
            'Þ' => plain.push_str("TH"),
            'þ' => plain.push_str("th"),
            'ı' => plain.push('i'),
            other => plain.push(other),
        }
    }
    plain
}

/// Words of what a format carries, one space between them, cut where it ends: what it does not carry becomes a space. Never empty.
fn narrowed(text: &str, carries: impl Fn(char) -> bool, most: usize) -> String {
    let words = text.split(|sign: char| sign.is_whitespace() || !carries(sign));
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let kept: String = words.join(" ").chars().take(most).collect();
    let kept = kept.trim_end();
    if kept.is_empty() { WORD } else { kept }.to_owned()
}

/// The same, without what begins a formula.
fn narrowed_cell(text: &str, carries: impl Fn(char) -> bool, most: usize) -> String {
    let mut cell = narrowed(text, carries, most);
    while is_formula(&cell) {
        let rest: String = cell.chars().skip(1).collect();
        rest.trim_start().clone_into(&mut cell);
    }
    if cell.is_empty() { WORD.to_owned() } else { cell }
}

/// One line without control characters, of so many characters.
fn is_text(text: &str, chars: std::ops::RangeInclusive<usize>) -> bool {
    chars.contains(&text.chars().count()) && !text.chars().any(char::is_control) && text.trim() == text
}

fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn is_email(text: &str) -> bool {
    let is_part = |part: &str| !part.is_empty() && !part.chars().any(|sign| sign.is_whitespace() || sign.is_control());
    text.len() <= 254
        && text
            .split_once('@')
            .is_some_and(|(name, host)| is_part(name) && is_part(host) && !host.contains('@'))
}
