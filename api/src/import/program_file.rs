//! Reading published facts about programs: one JSON object a line, plain or gzipped.
//!
//! Pure: a line is understood whole, against the same bounds that the services check, before anything is written. A rate
//! that is not one number is not guessed at, for a rule pays: it becomes a note in the words of the line.

use std::{
    collections::HashSet,
    fmt::Write,
    io::{self, BufRead, Read},
    path::Path,
};

use entity::program::CustomerBinding;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Number;
use sha2::{Digest, Sha256};
use url::Url;

use super::source;
use crate::{
    accounts::rules::{clean_name, is_handle},
    marketplace::rules::{clean_pitch, clean_title, is_category},
    money::{Currency, Money, parse_decimal},
    programs::{
        rules::{clean_note, is_rate},
        service::{BINDING_MONTHS, MAX_DESCRIPTION_CHARS, WINDOW_DAYS},
    },
};

/// Longest line read, in bytes.
const MAX_LINE_BYTES: u64 = 64 * 1024;
/// Lines of one file.
const MAX_LINES: u64 = 20_000;
/// Longest slug of a line, in characters.
const MAX_SLUG_CHARS: usize = 100;
/// Longest piece of a line that a report repeats, in characters.
const MAX_FOUND_CHARS: usize = 60;
/// Longest handle, and how much of it tells two long slugs apart.
const HANDLE_LEN: usize = 30;
const HANDLE_HASH_LEN: usize = 8;
/// Parts per million in a percent.
const PERCENT_PPM: i64 = 10_000;
/// What a sign in front of an amount stands for.
const SIGNS: [(char, &str); 3] = [('$', "USD"), ('€', "EUR"), ('£', "GBP")];

/// A line as it is written. What is not named here is not read.
#[derive(Deserialize)]
struct Record {
    slug: String,
    name: String,
    url: String,
    category: String,
    #[serde(default)]
    tags: Vec<String>,
    summary: String,
    commission_type: String,
    commission_rate: String,
    commission_duration: Option<String>,
    commission_currency: Option<String>,
    cookie_days: i64,
    approval: Option<String>,
    payout_minimum: Option<Number>,
    payout_currency: Option<String>,
    network: Option<String>,
    signup_url: Option<String>,
}

/// Why a line is not imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    Malformed,
    TooLong,
    DuplicateSlug,
    TextInvalid,
    UrlInvalid,
    CategoryInvalid,
    RateNotUnderstood,
    TypeNotUnderstood,
    DurationNotUnderstood,
    CurrencyNotUnderstood,
    CookieDaysOutOfRange,
    PayoutMinimumInvalid,
    HandleTaken,
}

impl Reason {
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed => "MALFORMED_LINE",
            Self::TooLong => "LINE_TOO_LONG",
            Self::DuplicateSlug => "DUPLICATE_SLUG",
            Self::TextInvalid => "TEXT_INVALID",
            Self::UrlInvalid => "URL_INVALID",
            Self::CategoryInvalid => "CATEGORY_INVALID",
            Self::RateNotUnderstood => "RATE_NOT_UNDERSTOOD",
            Self::TypeNotUnderstood => "COMMISSION_TYPE_NOT_UNDERSTOOD",
            Self::DurationNotUnderstood => "DURATION_NOT_UNDERSTOOD",
            Self::CurrencyNotUnderstood => "CURRENCY_NOT_UNDERSTOOD",
            Self::CookieDaysOutOfRange => "COOKIE_DAYS_OUT_OF_RANGE",
            Self::PayoutMinimumInvalid => "PAYOUT_MINIMUM_INVALID",
            Self::HandleTaken => "HANDLE_TAKEN",
        }
    }

    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Malformed => "not a JSON object with the facts of a program",
            Self::TooLong => "a line has at most 64 KiB",
            Self::DuplicateSlug => "an earlier line has this slug",
            Self::TextInvalid => "slug, name, summary or tags are empty or too long",
            Self::UrlInvalid => "not an http or https address",
            Self::CategoryInvalid => "a category has 2 to 40 letters or digits",
            Self::RateNotUnderstood => "neither `varies` nor any number, or not 1 to 200 characters on one line",
            Self::TypeNotUnderstood => "one-time, recurring, tiered or hybrid",
            Self::DurationNotUnderstood => "`lifetime` or 1 to 120 months",
            Self::CurrencyNotUnderstood => "no known currency is stated, or another one than the rate's sign says",
            Self::CookieDaysOutOfRange => "an attribution window has at most 365 days",
            Self::PayoutMinimumInvalid => "not an amount of the payout currency",
            Self::HandleTaken => "every handle for this slug belongs to another brand",
        }
    }
}

/// A reason with the words that gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub reason: Reason,
    pub found: String,
}

impl Refused {
    /// Shortened, and on one line.
    pub fn new(reason: Reason, found: &str) -> Self {
        let found = found.chars().take(MAX_FOUND_CHARS);
        let found = found.map(|c| if c.is_control() { ' ' } else { c }).collect();
        Self { reason, found }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rate {
    /// Parts per million of a sale.
    Percent(i64),
    Fixed(Money),
    /// No promise, in the words of the line.
    OnRequest(String),
}

/// What a line says, in the words of the services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    pub slug: String,
    pub name: String,
    pub url: String,
    pub title: String,
    pub pitch: String,
    pub category: String,
    pub rate: Rate,
    pub currency: Currency,
    pub payout_currency: Currency,
    pub payout_minimum: Option<Decimal>,
    pub window_days: i32,
    pub binding: CustomerBinding,
    pub binding_months: Option<i32>,
    /// What the line states, as prose: becomes the terms.
    pub stated: String,
}

/// One line, understood or refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// In the file, from 1.
    pub number: u64,
    pub facts: Result<Facts, Refused>,
}

/// Reads the whole file; empty lines are passed over.
pub fn read(path: &Path) -> io::Result<Vec<Line>> {
    parse(source::open(path)?)
}

fn parse(mut source: impl BufRead) -> io::Result<Vec<Line>> {
    let mut seen = HashSet::new();
    let mut lines = Vec::new();
    for number in 1.. {
        let Some(bytes) = read_line(&mut source)? else {
            break;
        };
        if number > MAX_LINES {
            return Err(io::Error::other(format!("more than {MAX_LINES} lines")));
        }
        if bytes.trim_ascii().is_empty() {
            continue;
        }
        let facts = understand_line(&bytes).and_then(|facts| {
            if seen.insert(facts.slug.clone()) {
                Ok(facts)
            } else {
                Err(Refused::new(Reason::DuplicateSlug, &facts.slug))
            }
        });
        lines.push(Line { number, facts });
    }
    Ok(lines)
}

/// The next line; of an overlong one as much as shows that it is too long. The rest of it is skipped.
fn read_line(source: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let read = source.take(MAX_LINE_BYTES + 1).read_until(b'\n', &mut bytes)?;
    if is_too_long(&bytes) && !bytes.ends_with(b"\n") {
        source.skip_until(b'\n')?;
    }
    Ok((read > 0).then_some(bytes))
}

fn is_too_long(bytes: &[u8]) -> bool {
    u64::try_from(bytes.len()).is_ok_and(|len| len > MAX_LINE_BYTES)
}

fn understand_line(bytes: &[u8]) -> Result<Facts, Refused> {
    if is_too_long(bytes) {
        let start = bytes.get(..MAX_FOUND_CHARS).unwrap_or_default();
        return Err(Refused::new(Reason::TooLong, &String::from_utf8_lossy(start)));
    }
    let record: Record = serde_json::from_slice(bytes)
        .map_err(|_| Refused::new(Reason::Malformed, &String::from_utf8_lossy(bytes.trim_ascii())))?;
    understand(&record)
}

fn understand(record: &Record) -> Result<Facts, Refused> {
    let refuse = |reason, found: &str| Refused::new(reason, found);
    let slug = clean_name(&record.slug)
        .filter(|slug| slug.chars().count() <= MAX_SLUG_CHARS)
        .ok_or_else(|| refuse(Reason::TextInvalid, &record.slug))?;
    let name = clean_name(&record.name).ok_or_else(|| refuse(Reason::TextInvalid, &record.name))?;
    let url = clean_url(&record.url)?;
    if let Some(signup) = &record.signup_url {
        clean_url(signup)?;
    }
    let category = hyphenated(&record.category);
    if !is_category(&category) {
        return Err(refuse(Reason::CategoryInvalid, &record.category));
    }
    let (currency, payout_currency) = read_currencies(record)?;
    let rate = read_promise(record, currency)?;
    let (binding, binding_months) = read_binding(record)?;
    let window_days = i32::try_from(record.cookie_days)
        .ok()
        .filter(|days| (0..=*WINDOW_DAYS.end()).contains(days))
        .ok_or_else(|| refuse(Reason::CookieDaysOutOfRange, &record.cookie_days.to_string()))?
        .max(*WINDOW_DAYS.start());
    let payout_minimum = read_payout_minimum(record, payout_currency)?;

    let title = match &rate {
        Rate::OnRequest(note) => format!("{name}: rate on request ({note})"),
        Rate::Percent(_) | Rate::Fixed(_) => format!("{name}: {} for a sale", record.commission_rate.trim()),
    };
    let title = clean_title(&title).ok_or_else(|| refuse(Reason::TextInvalid, &title))?;
    let pitch = clean_pitch(&pitch(record))
        .filter(|pitch| !record.summary.trim().is_empty() && pitch.chars().count() <= MAX_DESCRIPTION_CHARS)
        .ok_or_else(|| refuse(Reason::TextInvalid, &record.summary))?;
    Ok(Facts {
        slug,
        name,
        url,
        title,
        pitch,
        category,
        rate,
        currency,
        payout_currency,
        payout_minimum,
        window_days,
        binding,
        binding_months,
        stated: stated(record),
    })
}

fn clean_url(text: &str) -> Result<String, Refused> {
    Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some())
        .map(String::from)
        .ok_or_else(|| Refused::new(Reason::UrlInvalid, text))
}

/// Tags are words that people search by, and listings have no field for them.
fn pitch(record: &Record) -> String {
    if record.tags.is_empty() {
        record.summary.clone()
    } else {
        format!("{}\n\n{}", record.summary.trim(), record.tags.join(", "))
    }
}

/// The commission's currency and the payout's; one that is absent is the other one.
fn read_currencies(record: &Record) -> Result<(Currency, Currency), Refused> {
    let known = |code: &Option<String>| match code {
        None => Ok(None),
        Some(code) => code
            .parse()
            .map(Some)
            .map_err(|_| Refused::new(Reason::CurrencyNotUnderstood, code)),
    };
    let commission: Option<Currency> = known(&record.commission_currency)?;
    let payout = known(&record.payout_currency)?;
    commission
        .or(payout)
        .zip(payout.or(commission))
        .ok_or_else(|| Refused::new(Reason::CurrencyNotUnderstood, "no currency"))
}

/// What a rule can promise of a line. Neither several rates in one nor a rate for clicks that count for no time is one.
fn read_promise(record: &Record, currency: Currency) -> Result<Rate, Refused> {
    let rate = read_rate(&record.commission_rate, currency)?;
    let words = record.commission_rate.trim();
    let on_request = |beside: &str| note(&format!("{words}, {beside}"));
    match record.commission_type.as_str() {
        "one-time" | "recurring" if record.cookie_days != 0 => Ok(rate),
        "one-time" | "recurring" => on_request("cookie 0 days"),
        kind @ ("tiered" | "hybrid") => on_request(kind),
        other => Err(Refused::new(Reason::TypeNotUnderstood, other)),
    }
}

/// One percentage or one amount with its sign. Anything else that speaks of a rate (a range, two rates, a bare number that
/// could be either) is a note.
fn read_rate(text: &str, currency: Currency) -> Result<Rate, Refused> {
    let rate = text.trim();
    if let Some(percent) = rate.strip_suffix('%').and_then(read_number) {
        let ppm = percent
            .checked_mul(PERCENT_PPM.into())
            .filter(|ppm| ppm.fract().is_zero())
            .and_then(|ppm| i64::try_from(ppm).ok())
            .filter(|ppm| is_rate(*ppm));
        return ppm.map_or_else(|| note(rate), |ppm| Ok(Rate::Percent(ppm)));
    }
    for (sign, code) in SIGNS {
        if let Some(amount) = rate.strip_prefix(sign).and_then(read_number) {
            if code != currency.code() {
                return Err(Refused::new(Reason::CurrencyNotUnderstood, text));
            }
            let money = Money::from_decimal(amount, currency).ok();
            let money = money.filter(|money| money.amount_minor > 0);
            return money.map_or_else(|| note(rate), |money| Ok(Rate::Fixed(money)));
        }
    }
    note(rate)
}

fn note(words: &str) -> Result<Rate, Refused> {
    let speaks = words.eq_ignore_ascii_case("varies") || words.contains(|c: char| c.is_ascii_digit());
    clean_note(words)
        .filter(|_| speaks)
        .map(|note| Rate::OnRequest(note.to_owned()))
        .ok_or_else(|| Refused::new(Reason::RateNotUnderstood, words))
}

/// Not negative; thousands may stand in groups: `1,000.50`.
fn read_number(text: &str) -> Option<Decimal> {
    let text = text.trim();
    let (whole, _) = text.split_once('.').unwrap_or((text, ""));
    let mut groups = whole.split(',');
    let first = groups.next()?;
    let in_groups = first.len() <= 3 && groups.clone().all(|group| group.len() == 3);
    let is_plain = groups.next().is_none();
    let starts = text.starts_with(|c: char| c.is_ascii_digit());
    (starts && (is_plain || in_groups))
        .then(|| parse_decimal(&text.replacen(',', "", whole.matches(',').count())))
        .flatten()
}

/// A customer brings commissions again only where the line says so: a one-time commission binds nobody, and neither does a
/// recurring one that does not say for how long.
fn read_binding(record: &Record) -> Result<(CustomerBinding, Option<i32>), Refused> {
    let is_recurring = record.commission_type == "recurring";
    let Some(duration) = record.commission_duration.as_deref().filter(|_| is_recurring) else {
        return Ok((CustomerBinding::Never, None));
    };
    if duration.eq_ignore_ascii_case("lifetime") {
        return Ok((CustomerBinding::Forever, None));
    }
    duration
        .strip_suffix(" months")
        .or_else(|| duration.strip_suffix(" month"))
        .and_then(|months| months.parse().ok())
        .filter(|months| BINDING_MONTHS.contains(months))
        .map(|months| (CustomerBinding::Months, Some(months)))
        .ok_or_else(|| Refused::new(Reason::DurationNotUnderstood, duration))
}

fn read_payout_minimum(record: &Record, currency: Currency) -> Result<Option<Decimal>, Refused> {
    let Some(number) = &record.payout_minimum else {
        return Ok(None);
    };
    let text = number.to_string();
    parse_decimal(&text)
        .filter(|amount| Money::from_decimal(*amount, currency).is_ok())
        .map(Some)
        .ok_or_else(|| Refused::new(Reason::PayoutMinimumInvalid, &text))
}

/// The facts in the line's own words, also those that no setting of a program holds.
fn stated(record: &Record) -> String {
    let mut out = format!(
        "Commission: {}, {}",
        record.commission_rate.trim(),
        record.commission_type
    );
    if let Some(duration) = &record.commission_duration {
        let _ = write!(out, ", {duration}");
    }
    let _ = write!(out, "\nCookie: {} days", record.cookie_days);
    let minimum = record.payout_minimum.as_ref().map(|minimum| {
        let currency = record
            .payout_currency
            .as_ref()
            .or(record.commission_currency.as_ref())
            .map_or("", String::as_str);
        format!("{minimum} {currency}")
    });
    for (label, fact) in [
        ("Approval", &record.approval),
        ("Payouts from", &minimum),
        ("Network", &record.network),
        ("Published at", &record.signup_url),
    ] {
        if let Some(fact) = fact {
            let _ = write!(out, "\n{label}: {fact}");
        }
    }
    out
}

/// Lower-case letters and digits, with one hyphen for whatever stands between them.
fn hyphenated(text: &str) -> String {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_ascii_alphanumeric());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
}

/// The handles a brand of this slug may have, the best first: the slug itself when it is one, and one that is made from it
/// and belongs to no other slug. They depend on nothing else, so that a second run finds what the first one made.
#[must_use]
pub fn handles(slug: &str) -> Vec<String> {
    let hash = Sha256::digest(slug.as_bytes());
    let mut tail = String::new();
    for byte in hash.iter().take(HANDLE_HASH_LEN / 2) {
        let _ = write!(tail, "{byte:02x}");
    }
    let mut made = hyphenated(slug);
    if !made.starts_with(|c: char| c.is_ascii_lowercase()) {
        made.insert_str(0, "brand-");
    }
    made.truncate(HANDLE_LEN - HANDLE_HASH_LEN - 1);
    let made = format!("{}-{tail}", made.trim_end_matches('-'));
    let plain = is_handle(slug).then(|| slug.to_owned());
    plain.into_iter().chain([made]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(text: &str) -> Result<Rate, Reason> {
        read_rate(text, "USD".parse().unwrap()).map_err(|refused| refused.reason)
    }

    fn dollars(minor: i64) -> Result<Rate, Reason> {
        Ok(Rate::Fixed(Money::new(minor, "USD".parse().unwrap())))
    }

    #[test]
    fn one_number_is_a_rate() {
        assert_eq!(rate("20%"), Ok(Rate::Percent(200_000)));
        assert_eq!(rate(" 12.5 % "), Ok(Rate::Percent(125_000)));
        assert_eq!(rate("20.0%"), Ok(Rate::Percent(200_000)));
        assert_eq!(rate("$100"), dollars(10_000));
        assert_eq!(rate("$10,000"), dollars(1_000_000));
        assert_eq!(rate("$1,000.50"), dollars(100_050));
    }

    #[test]
    fn what_is_no_single_rate_is_a_note_in_its_own_words() {
        for text in [
            "Varies",
            "20-30%",
            "20% – 30%",
            "$15-20",
            "Up to 60%",
            "0%",
            "101%",
            "1.00001%",
            "$0",
            "$1.001",
            "20",
            "-5%",
            "$1,00",
            "$1.0,000",
            "$75 or 20%",
            "60% of first month",
        ] {
            assert_eq!(rate(text), Ok(Rate::OnRequest(text.to_owned())), "{text}");
        }
    }

    #[test]
    fn words_without_a_rate_and_wrong_signs_are_refused() {
        let long = "9".repeat(201);
        for (text, reason) in [
            ("€5", Reason::CurrencyNotUnderstood),
            ("ask us", Reason::RateNotUnderstood),
            ("%", Reason::RateNotUnderstood),
            ("", Reason::RateNotUnderstood),
            ("5\n6", Reason::RateNotUnderstood),
            (long.as_str(), Reason::RateNotUnderstood),
        ] {
            assert_eq!(rate(text), Err(reason), "{text}");
        }
    }

    #[test]
    fn handles_are_valid_and_differ() {
        assert_eq!(handles("north-tea")[0], "north-tea");
        let slugs = [
            "north-tea",
            "11x",
            "v7",
            "",
            "ä",
            "Big Co",
            &"a-".repeat(50),
            &"a-".repeat(49),
        ];
        let mut made: Vec<String> = slugs.iter().flat_map(|slug| handles(slug)).collect();
        assert!(made.iter().all(|handle| is_handle(handle)), "{made:?}");
        made.sort();
        made.dedup();
        assert_eq!(made.len(), slugs.len() + 1);
    }

    #[test]
    fn an_overlong_line_does_not_hide_the_next() {
        let file = format!("{}\n\nnot JSON", "x".repeat(100_000));
        let lines = parse(file.as_bytes()).unwrap();
        let reasons: Vec<_> = lines
            .iter()
            .map(|line| (line.number, line.facts.as_ref().unwrap_err().reason))
            .collect();
        assert_eq!(reasons, [(1, Reason::TooLong), (3, Reason::Malformed)]);
    }
}
