//! What a bank did with a file, as a person types it or a bank exports it: `line_id`, `status`, `bank_reference`.
//!
//! All of it or nothing: a file with something wrong in it is named row by row and posts nothing.

use std::collections::BTreeMap;

use csv::{ReaderBuilder, StringRecord};

use crate::infra::rails::instruction::parse_item_key;

pub const MAX_BYTES: usize = 4 * 1024 * 1024;
pub const MAX_ROWS: usize = 20_000;
/// More than this is not read by anybody.
pub const MAX_ERRORS: usize = 100;
pub const MAX_REFERENCE_CHARS: usize = 140;
const COLUMNS: [&str; 3] = ["line_id", "status", "bank_reference"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Paid,
    Returned,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultLine {
    /// Its first line in the file; the headings are line 1.
    pub row: u64,
    /// The line's key.
    pub key: String,
    pub outcome: Outcome,
    pub bank_reference: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowErrorCode {
    FileTooLarge,
    NotCsv,
    ColumnMissing,
    ColumnRepeated,
    NoRows,
    TooManyRows,
    LineIdInvalid,
    LineIdRepeated,
    StatusUnknown,
    ReferenceMissing,
    ReferenceInvalid,
}

impl RowErrorCode {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FileTooLarge => "FILE_TOO_LARGE",
            Self::NotCsv => "NOT_CSV",
            Self::ColumnMissing => "COLUMN_MISSING",
            Self::ColumnRepeated => "COLUMN_REPEATED",
            Self::NoRows => "NO_ROWS",
            Self::TooManyRows => "TOO_MANY_ROWS",
            Self::LineIdInvalid => "LINE_ID_INVALID",
            Self::LineIdRepeated => "LINE_ID_REPEATED",
            Self::StatusUnknown => "STATUS_UNKNOWN",
            Self::ReferenceMissing => "REFERENCE_MISSING",
            Self::ReferenceInvalid => "REFERENCE_INVALID",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError {
    /// Absent when it is about the file.
    pub row: Option<u64>,
    pub code: RowErrorCode,
    pub message: String,
}

fn about_file(code: RowErrorCode, message: impl Into<String>) -> Vec<RowError> {
    vec![RowError {
        row: None,
        code,
        message: message.into(),
    }]
}

/// Other columns may be there, and are not looked at.
pub fn read(content: &[u8]) -> Result<Vec<ResultLine>, Vec<RowError>> {
    if content.len() > MAX_BYTES {
        let message = format!("a file has at most {MAX_BYTES} bytes");
        return Err(about_file(RowErrorCode::FileTooLarge, message));
    }
    // Spreadsheets put a mark in front.
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(content);
    let mut records = reader.records();
    let Some(Ok(headings)) = records.next() else {
        return Err(about_file(RowErrorCode::NotCsv, "there are no headings"));
    };
    let columns = columns(&headings)?;
    let mut lines = Vec::new();
    let mut errors = Vec::new();
    let mut seen = BTreeMap::new();
    let mut place = Place::new(content);
    for record in records {
        let position = match &record {
            Ok(record) => record.position(),
            Err(error) => error.position(),
        };
        let row = place.line(position.map_or(0, csv::Position::byte));
        if lines.len() >= MAX_ROWS {
            let message = format!("a file has at most {MAX_ROWS} rows");
            return Err(about_file(RowErrorCode::TooManyRows, message));
        }
        if errors.len() >= MAX_ERRORS {
            break;
        }
        match record {
            Ok(record) => match line(&record, row, &columns, &mut seen) {
                Ok(line) => lines.push(line),
                Err((code, message)) => errors.push(RowError {
                    row: Some(row),
                    code,
                    message,
                }),
            },
            Err(_) => errors.push(RowError {
                row: Some(row),
                code: RowErrorCode::NotCsv,
                message: "this row is no text of UTF-8".to_owned(),
            }),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    if lines.is_empty() {
        return Err(about_file(RowErrorCode::NoRows, "there are no rows below the headings"));
    }
    Ok(lines)
}

/// Counts lines. The reader's own count is behind where lines end in two characters.
struct Place<'a> {
    content: &'a [u8],
    counted: usize,
    line: u64,
}

impl<'a> Place<'a> {
    fn new(content: &'a [u8]) -> Self {
        Self {
            content,
            counted: 0,
            line: 1,
        }
    }

    /// Of the record that begins there, or behind the empty lines there. Asked in order.
    fn line(&mut self, byte: u64) -> u64 {
        let mut start = usize::try_from(byte)
            .unwrap_or(usize::MAX)
            .clamp(self.counted, self.content.len());
        while matches!(self.content.get(start), Some(b'\r' | b'\n')) {
            start += 1;
        }
        let ends = self.content[self.counted..start].iter().filter(|byte| **byte == b'\n');
        self.line += ends.count() as u64;
        self.counted = start;
        self.line
    }
}

/// Where each column is.
fn columns(headings: &StringRecord) -> Result<[usize; 3], Vec<RowError>> {
    let mut found = [0; 3];
    for (column, place) in COLUMNS.iter().zip(&mut found) {
        let mut places = (0..headings.len()).filter(|index| headings[*index].trim().eq_ignore_ascii_case(column));
        match (places.next(), places.next()) {
            (Some(index), None) => *place = index,
            (None, _) => {
                let message = format!("there is no column {column}");
                return Err(about_file(RowErrorCode::ColumnMissing, message));
            }
            (Some(_), Some(_)) => {
                let message = format!("there are two columns {column}");
                return Err(about_file(RowErrorCode::ColumnRepeated, message));
            }
        }
    }
    Ok(found)
}

fn line(
    record: &StringRecord,
    row: u64,
    columns: &[usize; 3],
    seen: &mut BTreeMap<String, u64>,
) -> Result<ResultLine, (RowErrorCode, String)> {
    let [key, status, reference] = columns.map(|column| record.get(column).unwrap_or_default().trim());
    if parse_item_key(key).is_none() {
        let message = "this is no id of a line of ours".to_owned();
        return Err((RowErrorCode::LineIdInvalid, message));
    }
    if let Some(earlier) = seen.insert(key.to_owned(), row) {
        let message = format!("row {earlier} is about the same line");
        return Err((RowErrorCode::LineIdRepeated, message));
    }
    let outcome = match status.to_ascii_lowercase().as_str() {
        "paid" => Outcome::Paid,
        "returned" => Outcome::Returned,
        _ => return Err((RowErrorCode::StatusUnknown, "a status is paid or returned".to_owned())),
    };
    if reference.is_empty() && outcome == Outcome::Paid {
        let message = "what was paid has the bank's reference".to_owned();
        return Err((RowErrorCode::ReferenceMissing, message));
    }
    if reference.chars().count() > MAX_REFERENCE_CHARS || reference.chars().any(char::is_control) {
        let message = format!("a reference is one line of at most {MAX_REFERENCE_CHARS} characters");
        return Err((RowErrorCode::ReferenceInvalid, message));
    }
    Ok(ResultLine {
        row,
        key: key.to_owned(),
        outcome,
        bank_reference: reference.to_owned(),
    })
}
