//! What a bank says of a file.

use tributary::infra::rails::files::results::{MAX_BYTES, Outcome, RowError, read};

use super::key;

fn errors(content: &str) -> Vec<(Option<u64>, &'static str)> {
    let found = read(content.as_bytes()).unwrap_err();
    found
        .iter()
        .map(|RowError { row, code, .. }| (*row, code.as_str()))
        .collect()
}

#[test]
fn lines_are_found_whatever_is_around_them() {
    let content = format!(
        "\u{feff}Bank,STATUS,line_id,bank_reference\r\nx,PAID,{},\"TRX 1, May\"\r\n\r\ny, returned ,{},\r\n",
        key(1),
        key(2)
    );
    let lines = read(content.as_bytes()).unwrap();
    let found: Vec<_> = lines
        .iter()
        .map(|line| (line.row, line.key.as_str(), line.outcome, line.bank_reference.as_str()))
        .collect();
    let expected = [
        (2, key(1), Outcome::Paid, "TRX 1, May"),
        (4, key(2), Outcome::Returned, ""),
    ];
    let expected: Vec<_> = expected
        .iter()
        .map(|(row, key, outcome, text)| (*row, key.as_str(), *outcome, *text))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn a_file_with_anything_wrong_is_none() {
    let (one, two) = (key(1), key(2));
    let rows = |rows: &str| errors(&format!("line_id,status,bank_reference\n{rows}"));
    assert_eq!(rows(""), [(None, "NO_ROWS")]);
    assert_eq!(
        rows(&format!("{one},paid,A\n{one},returned,B\nx,paid,C\n{two},perhaps,D\n")),
        [
            (Some(3), "LINE_ID_REPEATED"),
            (Some(4), "LINE_ID_INVALID"),
            (Some(5), "STATUS_UNKNOWN")
        ]
    );
    assert_eq!(rows(&format!("{one},paid,\n")), [(Some(2), "REFERENCE_MISSING")]);
    assert_eq!(
        rows(&format!("{one},paid,{}\n", "x".repeat(141))),
        [(Some(2), "REFERENCE_INVALID")]
    );
    assert_eq!(
        rows(&format!("{one},paid,\"a\nb\"\n")),
        [(Some(2), "REFERENCE_INVALID")]
    );
    assert_eq!(rows(&format!("{one}\n")), [(Some(2), "STATUS_UNKNOWN")]);
    assert_eq!(rows(&"x,paid,A\n".repeat(150)).len(), 100);
    assert_eq!(errors(""), [(None, "NOT_CSV")]);
    assert_eq!(errors("line_id,status\nx,paid\n"), [(None, "COLUMN_MISSING")]);
    assert_eq!(
        errors("line_id,status,status,bank_reference\n"),
        [(None, "COLUMN_REPEATED")]
    );
    assert_eq!(errors(&"x".repeat(MAX_BYTES + 1)), [(None, "FILE_TOO_LARGE")]);
    let latin = [
        b"line_id,status,bank_reference\n".as_slice(),
        one.as_bytes(),
        b",paid,Gr\xfc\xdfe\n",
    ]
    .concat();
    let found = read(&latin).unwrap_err();
    assert_eq!((found[0].row, found[0].code.as_str()), (Some(2), "NOT_CSV"));
}
