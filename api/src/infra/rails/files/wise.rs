//! The file of Wise's batch payments. What a currency's accounts are made of differs, and so do the columns behind the fixed ones.

use super::{BankFile, FileProblem, FileProblemCode, Line, Problems, is_email, is_text, narrowed_cell};
use crate::{
    infra::sheets::{csv_text, is_formula},
    money::Currency,
};

pub const MAX_LINES: usize = 1_000;
const MAX_COLUMNS: usize = 20;
const MAX_WORDS_CHARS: usize = 140;
const HEADINGS: [&str; 6] = [
    "name",
    "recipientEmail",
    "sourceCurrency",
    "targetCurrency",
    "amount",
    "amountCurrency",
];

/// What stands in a column of a country's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    Account,
    Routing,
    Country,
    Reference,
    Key,
}

impl Value {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Account => "ACCOUNT",
            Self::Routing => "ROUTING",
            Self::Country => "COUNTRY",
            Self::Reference => "REFERENCE",
            Self::Key => "KEY",
        }
    }
}

/// A column behind the fixed ones, by Wise's name: `IBAN`, `sortCode`, `accountNumber`, `paymentReference`, …
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub heading: String,
    pub value: Value,
}

/// The words that go with a payment, as far as this file carries them.
#[must_use]
pub fn words(text: &str) -> String {
    narrowed_cell(text, |sign| !sign.is_control(), MAX_WORDS_CHARS)
}

/// From our account in `source`; amounts are what receivers get.
pub fn write(lines: &[Line], source: Currency, columns: &[Column]) -> Result<BankFile, Vec<FileProblem>> {
    let mut problems = Problems::of(lines, MAX_LINES);
    check_columns(columns, &mut problems);
    for line in lines {
        if !is_text(&line.name, 1..=140) || is_formula(&line.name) {
            problems.line(
                line,
                FileProblemCode::NameInvalid,
                "a name is 1 to 140 characters and begins no formula",
            );
        }
        if !line.email.is_empty() && (!is_email(&line.email) || is_formula(&line.email)) {
            problems.line(line, FileProblemCode::EmailInvalid, "this is no mail address");
        }
        for (text, code) in [
            (&line.account, FileProblemCode::AccountInvalid),
            (&line.routing, FileProblemCode::RoutingInvalid),
            (&line.reference, FileProblemCode::ReferenceInvalid),
            (&line.country, FileProblemCode::CountryInvalid),
        ] {
            if !is_text(text, 0..=MAX_WORDS_CHARS) || is_formula(text) {
                problems.line(
                    line,
                    code,
                    "this is one line of at most 140 characters that begins no formula",
                );
            }
        }
    }
    problems.none()?;
    let fixed = HEADINGS.iter().map(|heading| (*heading).to_owned());
    let header = fixed
        .chain(columns.iter().map(|column| column.heading.clone()))
        .collect();
    let rows = lines.iter().map(|line| {
        let currency = line.amount.currency.code();
        let mut row = vec![
            line.name.clone(),
            line.email.clone(),
            source.code().to_owned(),
            currency.to_owned(),
            line.amount.to_decimal().to_string(),
            currency.to_owned(),
        ];
        row.extend(columns.iter().map(|column| cell(column.value, line).to_owned()));
        row
    });
    Ok(BankFile::new(csv_text(std::iter::once(header).chain(rows)), lines))
}

fn cell(value: Value, line: &Line) -> &str {
    match value {
        Value::Account => &line.account,
        Value::Routing => &line.routing,
        Value::Country => &line.country,
        Value::Reference => &line.reference,
        Value::Key => &line.key,
    }
}

fn check_columns(columns: &[Column], problems: &mut Problems) {
    let mut seen: Vec<&str> = HEADINGS.to_vec();
    let mut is_wrong = columns.len() > MAX_COLUMNS;
    for Column { heading, .. } in columns {
        is_wrong |= !is_text(heading, 1..=64) || is_formula(heading) || seen.contains(&heading.as_str());
        seen.push(heading);
    }
    if is_wrong {
        let message = format!("columns are at most {MAX_COLUMNS}, each with a heading of its own");
        problems.file(FileProblemCode::SettingInvalid, &message);
    }
}
