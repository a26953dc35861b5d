//! SEPA credit transfers: pain.001.001.09, one payment block of one date.

use std::io;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use quick_xml::{
    Writer,
    events::{BytesDecl, BytesText, Event},
};
use rust_decimal::Decimal;

use super::{BankFile, FileProblem, FileProblemCode, Line, Problems, narrowed, plain_letters};

pub const MAX_LINES: usize = 10_000;
const NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09";
const EUROS: &str = "EUR";
const MAX_NAME_CHARS: usize = 70;
const MAX_WORDS_CHARS: usize = 140;
/// 999,999,999.99 euros.
const MAX_AMOUNT_CENTS: i64 = 99_999_999_999;
/// Whose IBANs a SEPA transfer reaches.
const COUNTRIES: [&str; 45] = [
    "AD", "AL", "AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GI", "GR", "HR", "HU",
    "IE", "IS", "IT", "LI", "LT", "LU", "LV", "MC", "MD", "ME", "MK", "MT", "NL", "NO", "PL", "PT", "RO", "RS", "SE",
    "SI", "SK", "SM", "VA", "GG", "JE", "IM",
];

/// Who pays, when, and what the file is called.
#[derive(Clone, Debug)]
pub struct Order {
    /// At most 35 characters; no other file of ours has it.
    pub message_id: String,
    pub created_at: DateTime<Utc>,
    pub execution_date: NaiveDate,
    pub debtor_name: String,
    pub debtor_iban: String,
    pub debtor_bic: String,
}

/// Names and words are written in the letters that every bank takes: marks fall off (`é` is `e`), `ß` is `ss`. What has no such
/// letter is a problem of its line.
pub fn write(order: &Order, lines: &[Line]) -> Result<BankFile, Vec<FileProblem>> {
    let mut problems = Problems::of(lines, MAX_LINES);
    check_order(order, &mut problems);
    for line in lines {
        check_line(line, &mut problems);
    }
    problems.none()?;
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 1);
    if let Err(error) = document(&mut writer, order, lines) {
        // Memory takes everything.
        tracing::error!(%error, "a bank file was not written");
        return Err(vec![FileProblem {
            key: None,
            code: FileProblemCode::SettingInvalid,
            message: "the file could not be written".to_owned(),
        }]);
    }
    Ok(BankFile::new(writer.into_inner(), lines))
}

fn check_order(order: &Order, problems: &mut Problems) {
    let is_id = is_plain(&order.message_id)
        && (1..=35).contains(&order.message_id.len())
        && !order.message_id.starts_with('/')
        && !order.message_id.ends_with('/')
        && !order.message_id.contains("//");
    if !is_id {
        problems.file(
            FileProblemCode::SettingInvalid,
            "the file's id is 1 to 35 SEPA characters",
        );
    }
    if !is_carried(&order.debtor_name, MAX_NAME_CHARS) || order.debtor_name.is_empty() {
        problems.file(
            FileProblemCode::SettingInvalid,
            "the payer's name is 1 to 70 characters that SEPA carries",
        );
    }
    if !is_iban(&order.debtor_iban) {
        problems.file(FileProblemCode::SettingInvalid, "the payer's IBAN is none");
    }
    if !is_bic(&order.debtor_bic) {
        problems.file(FileProblemCode::SettingInvalid, "the payer's BIC is none");
    }
}

fn check_line(line: &Line, problems: &mut Problems) {
    if line.amount.currency.code() != EUROS {
        problems.line(line, FileProblemCode::CurrencyNotCarried, "SEPA carries euros");
    }
    if line.amount.amount_minor > MAX_AMOUNT_CENTS {
        problems.line(
            line,
            FileProblemCode::AmountInvalid,
            "SEPA carries at most 999999999.99 euros",
        );
    }
    if line.name.is_empty() || !is_carried(&line.name, MAX_NAME_CHARS) {
        problems.line(
            line,
            FileProblemCode::NameInvalid,
            "a name is 1 to 70 characters that SEPA carries",
        );
    }
    if !is_iban(&line.account) {
        problems.line(line, FileProblemCode::AccountInvalid, "this is no IBAN");
    } else if !COUNTRIES.contains(&&line.account[..2]) {
        problems.line(
            line,
            FileProblemCode::AccountInvalid,
            "SEPA does not reach this country",
        );
    }
    if !line.routing.is_empty() && !is_bic(&line.routing) {
        problems.line(line, FileProblemCode::RoutingInvalid, "this is no BIC");
    }
    if !is_carried(&line.reference, MAX_WORDS_CHARS) {
        let message = "a reference is at most 140 characters that SEPA carries";
        problems.line(line, FileProblemCode::ReferenceInvalid, message);
    }
}

type Xml = Writer<Vec<u8>>;

fn leaf(xml: &mut Xml, name: &str, text: &str) -> io::Result<()> {
    xml.create_element(name)
        .write_text_content(BytesText::new(text))
        .map(drop)
}

fn node(xml: &mut Xml, name: &str, inside: impl FnOnce(&mut Xml) -> io::Result<()>) -> io::Result<()> {
    xml.create_element(name).write_inner_content(inside).map(drop)
}

fn document(xml: &mut Xml, order: &Order, lines: &[Line]) -> io::Result<()> {
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    xml.create_element("Document")
        .with_attribute(("xmlns", NAMESPACE))
        .write_inner_content(|xml| {
            node(xml, "CstmrCdtTrfInitn", |xml| {
                header(xml, order, lines)?;
                payments(xml, order, lines)
            })
        })
        .map(drop)
}

/// Exact: amounts are whole cents, and there are too few of them to run over.
fn sum(lines: &[Line]) -> String {
    let cents: i128 = lines.iter().map(|line| i128::from(line.amount.amount_minor)).sum();
    Decimal::from_i128_with_scale(cents, 2).to_string()
}

fn header(xml: &mut Xml, order: &Order, lines: &[Line]) -> io::Result<()> {
    node(xml, "GrpHdr", |xml| {
        leaf(xml, "MsgId", &order.message_id)?;
        leaf(
            xml,
            "CreDtTm",
            &order.created_at.to_rfc3339_opts(SecondsFormat::Secs, true),
        )?;
        leaf(xml, "NbOfTxs", &lines.len().to_string())?;
        leaf(xml, "CtrlSum", &sum(lines))?;
        node(xml, "InitgPty", |xml| leaf(xml, "Nm", &fold(&order.debtor_name)))
    })
}

fn payments(xml: &mut Xml, order: &Order, lines: &[Line]) -> io::Result<()> {
    node(xml, "PmtInf", |xml| {
        leaf(xml, "PmtInfId", &order.message_id)?;
        leaf(xml, "PmtMtd", "TRF")?;
        leaf(xml, "NbOfTxs", &lines.len().to_string())?;
        leaf(xml, "CtrlSum", &sum(lines))?;
        node(xml, "PmtTpInf", |xml| {
            node(xml, "SvcLvl", |xml| leaf(xml, "Cd", "SEPA"))
        })?;
        node(xml, "ReqdExctnDt", |xml| {
            leaf(xml, "Dt", &order.execution_date.to_string())
        })?;
        node(xml, "Dbtr", |xml| leaf(xml, "Nm", &fold(&order.debtor_name)))?;
        account(xml, "DbtrAcct", &order.debtor_iban)?;
        bank(xml, "DbtrAgt", &order.debtor_bic)?;
        leaf(xml, "ChrgBr", "SLEV")?;
        lines.iter().try_for_each(|line| transfer(xml, line))
    })
}

fn transfer(xml: &mut Xml, line: &Line) -> io::Result<()> {
    node(xml, "CdtTrfTxInf", |xml| {
        node(xml, "PmtId", |xml| leaf(xml, "EndToEndId", &line.key))?;
        node(xml, "Amt", |xml| {
            xml.create_element("InstdAmt")
                .with_attribute(("Ccy", EUROS))
                .write_text_content(BytesText::new(&line.amount.to_decimal().to_string()))
                .map(drop)
        })?;
        if !line.routing.is_empty() {
            bank(xml, "CdtrAgt", &line.routing)?;
        }
        node(xml, "Cdtr", |xml| leaf(xml, "Nm", &fold(&line.name)))?;
        account(xml, "CdtrAcct", &line.account)?;
        if line.reference.is_empty() {
            return Ok(());
        }
        node(xml, "RmtInf", |xml| leaf(xml, "Ustrd", &fold(&line.reference)))
    })
}

fn account(xml: &mut Xml, name: &str, iban: &str) -> io::Result<()> {
    node(xml, name, |xml| node(xml, "Id", |xml| leaf(xml, "IBAN", iban)))
}

fn bank(xml: &mut Xml, name: &str, bic: &str) -> io::Result<()> {
    node(xml, name, |xml| node(xml, "FinInstnId", |xml| leaf(xml, "BICFI", bic)))
}

/// In letters that every bank takes, as far as there are any.
fn fold(text: &str) -> String {
    let sign = |sign| match sign {
        '&' => '+',
        '’' | '‘' => '\'',
        '–' | '—' | '_' => '-',
        other => other,
    };
    plain_letters(text).chars().map(sign).collect()
}

/// The words that go with a payment, as far as SEPA carries them: in its letters, anything else a space.
#[must_use]
pub fn words(text: &str) -> String {
    narrowed(
        &fold(text),
        |sign| is_plain(sign.encode_utf8(&mut [0; 4])),
        MAX_WORDS_CHARS,
    )
}

fn is_plain(text: &str) -> bool {
    let takes = |byte: u8| byte.is_ascii_alphanumeric() || b"/-?:().,'+ ".contains(&byte);
    text.bytes().all(takes)
}

fn is_carried(text: &str, most: usize) -> bool {
    let folded = fold(text);
    folded.len() <= most && is_plain(&folded) && folded.trim() == folded
}

/// Country, two check digits, and the account that they check: the whole is 1 modulo 97, letters being 10 to 35.
#[must_use]
pub fn is_iban(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_shaped = (15..=34).contains(&bytes.len())
        && bytes[..2].iter().all(u8::is_ascii_uppercase)
        && bytes[2..4].iter().all(u8::is_ascii_digit)
        && bytes[4..]
            .iter()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    if !is_shaped {
        return false;
    }
    let digits = bytes[4..].iter().chain(&bytes[..4]);
    let rest = digits.fold(0_u32, |rest, byte| match byte {
        b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
        letter => (rest * 100 + u32::from(letter - b'A') + 10) % 97,
    });
    rest == 1
}

fn is_bic(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_sign = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    matches!(bytes.len(), 8 | 11) && bytes.iter().all(is_sign) && bytes[4..6].iter().all(u8::is_ascii_uppercase)
}
