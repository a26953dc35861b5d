//! Text that people open in spreadsheets.

use csv::{Terminator, WriterBuilder};

/// Begins something that a spreadsheet would compute.
#[must_use]
pub fn is_formula(cell: &str) -> bool {
    // Full-width forms are the same to some of them.
    cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}

/// An apostrophe tells a spreadsheet that text is text.
#[must_use]
pub fn harmless(cell: String) -> String {
    if is_formula(&cell) { format!("'{cell}") } else { cell }
}

/// RFC 4180. Writing to memory does not fail.
#[must_use]
pub fn csv_text(records: impl IntoIterator<Item = Vec<String>>) -> Vec<u8> {
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .flexible(true)
        .from_writer(Vec::new());
    for record in records {
        if let Err(error) = writer.write_record(record) {
            tracing::error!(%error, "a line of a file was not written");
        }
    }
    writer.into_inner().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        let records = [
            vec!["a,b".to_owned(), "say \"no\"".to_owned()],
            vec![String::new(), "é".to_owned()],
        ];
        assert_eq!(csv_text(records), "\"a,b\",\"say \"\"no\"\"\"\r\n,é\r\n".as_bytes());
    }

    #[test]
    fn what_would_be_computed_is_text() {
        for cell in ["=1+1", "+1", "-1", "@sum", "\tx", "＝1"] {
            assert_eq!(harmless(cell.to_owned()), format!("'{cell}"));
        }
        assert_eq!(harmless("because".to_owned()), "because");
    }
}
