//! The file of PayPal's mass payments by hand: no headings, one currency.

use super::{BankFile, FileProblem, FileProblemCode, Line, Problems, is_email, is_text, narrowed_cell, plain_letters};
use crate::infra::{
    rails::paypal::wire,
    sheets::{csv_text, is_formula},
};

pub const MAX_LINES: usize = 5_000;

/// The words that go with a payment, as far as PayPal carries them: in ASCII, anything else a space.
#[must_use]
pub fn words(text: &str) -> String {
    narrowed_cell(
        &plain_letters(text),
        |sign| sign.is_ascii_graphic(),
        wire::MAX_NOTE_CHARS,
    )
}

pub fn write(lines: &[Line]) -> Result<BankFile, Vec<FileProblem>> {
    let mut problems = Problems::of(lines, MAX_LINES);
    for line in lines {
        if !is_email(&line.email) || is_formula(&line.email) {
            problems.line(
                line,
                FileProblemCode::EmailInvalid,
                "PayPal finds a receiver by a mail address",
            );
        }
        if lines[0].amount.currency != line.amount.currency {
            problems.line(line, FileProblemCode::CurrencyNotCarried, "a file has one currency");
        }
        if wire::decimal(line.amount).is_none() {
            problems.line(
                line,
                FileProblemCode::AmountInvalid,
                "PayPal counts this currency in whole units",
            );
        }
        let note = &line.reference;
        if !is_text(note, 0..=wire::MAX_NOTE_CHARS) || !note.is_ascii() || is_formula(note) {
            problems.line(
                line,
                FileProblemCode::ReferenceInvalid,
                "a note is ASCII and begins no formula",
            );
        }
    }
    problems.none()?;
    let rows = lines.iter().map(|line| {
        vec![
            line.email.clone(),
            wire::decimal(line.amount).unwrap_or_default(),
            line.amount.currency.code().to_owned(),
            line.key.clone(),
            line.reference.clone(),
        ]
    });
    Ok(BankFile::new(csv_text(rows), lines))
}
