//! A file for people: any account anywhere, for a bank's own upload or for typing off.

use super::{BankFile, FileProblem, FileProblemCode, Line, Problems, is_country, is_text, narrowed};
use crate::infra::sheets::{csv_text, harmless};

pub const MAX_LINES: usize = 10_000;
const MAX_WORDS_CHARS: usize = 140;
const HEADINGS: [&str; 8] = [
    "payout_id",
    "name",
    "country",
    "account",
    "routing",
    "amount",
    "currency",
    "reference",
];

/// The words that go with a payment, as far as this file carries them.
#[must_use]
pub fn words(text: &str) -> String {
    narrowed(text, |sign| !sign.is_control(), MAX_WORDS_CHARS)
}

pub fn write(lines: &[Line]) -> Result<BankFile, Vec<FileProblem>> {
    let mut problems = Problems::of(lines, MAX_LINES);
    for line in lines {
        if !is_text(&line.name, 1..=140) {
            problems.line(
                line,
                FileProblemCode::NameInvalid,
                "a name is 1 to 140 characters in one line",
            );
        }
        if !is_country(&line.country) {
            problems.line(
                line,
                FileProblemCode::CountryInvalid,
                "a country is two capital letters",
            );
        }
        if !is_text(&line.account, 1..=64) {
            problems.line(
                line,
                FileProblemCode::AccountInvalid,
                "an account is 1 to 64 characters in one line",
            );
        }
        if !is_text(&line.routing, 0..=35) {
            problems.line(
                line,
                FileProblemCode::RoutingInvalid,
                "a routing is at most 35 characters in one line",
            );
        }
        if !is_text(&line.reference, 0..=MAX_WORDS_CHARS) {
            problems.line(
                line,
                FileProblemCode::ReferenceInvalid,
                "a reference is at most 140 characters in one line",
            );
        }
    }
    problems.none()?;
    let header = HEADINGS.map(str::to_owned).to_vec();
    let rows = lines.iter().map(|line| {
        let cells = [
            line.key.clone(),
            line.name.clone(),
            line.country.clone(),
            line.account.clone(),
            line.routing.clone(),
            line.amount.to_decimal().to_string(),
            line.amount.currency.code().to_owned(),
            line.reference.clone(),
        ];
        cells.into_iter().map(harmless).collect()
    });
    Ok(BankFile::new(csv_text(std::iter::once(header).chain(rows)), lines))
}
