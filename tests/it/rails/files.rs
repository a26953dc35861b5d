//! Files for banks: to the byte, and as their formats have it. The pain.001 in `tests/data` was checked against the published
//! schema of pain.001.001.09.

use chrono::NaiveDate;
use quick_xml::{Reader, events::Event};
use tributary::infra::rails::files::{
    BankFile, FileProblem, Line, neutral, paypal,
    sepa::{self, Order},
    wise::{self, Column, Value},
};

use super::{at, key, money};

fn line(number: u128, minor: i64, currency: &str) -> Line {
    Line {
        key: key(number),
        name: "Ada Lovelace".to_owned(),
        country: "DE".to_owned(),
        account: "DE89370400440532013000".to_owned(),
        routing: String::new(),
        email: format!("p{number}@example.org"),
        amount: money(minor, currency),
        reference: String::new(),
    }
}

fn codes(file: Result<BankFile, Vec<FileProblem>>) -> Vec<&'static str> {
    file.err()
        .unwrap_or_default()
        .iter()
        .map(|problem| problem.code.as_str())
        .collect()
}

fn text(file: &BankFile) -> &str {
    std::str::from_utf8(&file.content).unwrap()
}

#[test]
fn the_neutral_file_computes_nothing() {
    let mut strange = line(2, 1_234, "KWD");
    strange.name = "=HYPERLINK(\"https://example.org\")".to_owned();
    strange.account = "+49 30 1".to_owned();
    strange.reference = "@sum, or \"not\"".to_owned();
    let file = neutral::write(&[line(1, 5, "EUR"), strange, line(3, 500, "JPY")]).unwrap();
    let expected = concat!(
        "payout_id,name,country,account,routing,amount,currency,reference\r\n",
        "01920000000070008000000000000001-1,Ada Lovelace,DE,DE89370400440532013000,,0.05,EUR,\r\n",
        "01920000000070008000000000000002-1,\"'=HYPERLINK(\"\"https://example.org\"\")\",DE,'+49 30 1,,1.234,KWD,\"'@sum, or \"\"not\"\"\"\r\n",
        "01920000000070008000000000000003-1,Ada Lovelace,DE,DE89370400440532013000,,500,JPY,\r\n",
    );
    assert_eq!(text(&file), expected);
    assert_eq!(file.keys, [key(1), key(2), key(3)]);
}

/// The digest is that of `sha256sum`.
#[test]
fn a_file_has_the_hash_of_its_bytes() {
    let file = neutral::write(&[line(1, 5, "EUR")]).unwrap();
    assert_eq!(
        file.sha256,
        "b91f49b4235e7c7799078446d77e14adf6083ad3f6d6568fb594aa5080051ad6"
    );
    assert_eq!(neutral::write(&[line(1, 5, "EUR")]).unwrap(), file);
}

#[test]
fn what_a_file_cannot_hold_is_named() {
    let changed = |change: fn(&mut Line)| {
        let mut line = line(1, 100, "EUR");
        change(&mut line);
        codes(neutral::write(&[line]))
    };
    assert_eq!(codes(neutral::write(&[])), ["NO_LINES"]);
    assert_eq!(changed(|line| line.amount.amount_minor = 0), ["AMOUNT_INVALID"]);
    assert_eq!(changed(|line| line.key = "x y".to_owned()), ["KEY_INVALID"]);
    assert_eq!(changed(|line| line.name = "two\nlines".to_owned()), ["NAME_INVALID"]);
    assert_eq!(changed(|line| line.country = "de".to_owned()), ["COUNTRY_INVALID"]);
    assert_eq!(changed(|line| line.account.clear()), ["ACCOUNT_INVALID"]);
    assert_eq!(changed(|line| line.routing = "x".repeat(36)), ["ROUTING_INVALID"]);
    assert_eq!(changed(|line| line.reference = "x".repeat(141)), ["REFERENCE_INVALID"]);
    assert_eq!(
        codes(neutral::write(&[line(1, 1, "EUR"), line(1, 2, "EUR")])),
        ["DUPLICATE_LINE"]
    );
    let many: Vec<Line> = (1..=10_001).map(|number| line(number, 1, "EUR")).collect();
    assert_eq!(codes(neutral::write(&many)), ["TOO_MANY_LINES"]);
    assert!(neutral::write(&many[..10_000]).is_ok());
}

#[test]
fn the_file_of_wise_has_the_columns_of_its_country() {
    let euros = "EUR".parse().unwrap();
    let column = |heading: &str, value| Column {
        heading: heading.to_owned(),
        value,
    };
    let columns = [
        column("IBAN", Value::Account),
        column("paymentReference", Value::Reference),
    ];
    let mut first = line(1, 123_456, "GBP");
    first.reference = "May payout".to_owned();
    let file = wise::write(&[first], euros, &columns).unwrap();
    let expected = concat!(
        "name,recipientEmail,sourceCurrency,targetCurrency,amount,amountCurrency,IBAN,paymentReference\r\n",
        "Ada Lovelace,p1@example.org,EUR,GBP,1234.56,GBP,DE89370400440532013000,May payout\r\n",
    );
    assert_eq!(text(&file), expected);
    let many: Vec<Line> = (1..=1_001).map(|number| line(number, 1, "EUR")).collect();
    assert_eq!(codes(wise::write(&many, euros, &columns)), ["TOO_MANY_LINES"]);
    assert!(wise::write(&many[..1_000], euros, &[]).is_ok());
    let mut formula = line(1, 1, "EUR");
    formula.name = "=1+1".to_owned();
    formula.email = "nobody".to_owned();
    assert_eq!(
        codes(wise::write(&[formula], euros, &columns)),
        ["NAME_INVALID", "EMAIL_INVALID"]
    );
    let wrong = [column("IBAN", Value::Account), column("IBAN", Value::Key)];
    assert_eq!(codes(wise::write(&many[..1], euros, &wrong)), ["SETTING_INVALID"]);
    assert_eq!(
        codes(wise::write(&many[..1], euros, &[column("name", Value::Key)])),
        ["SETTING_INVALID"]
    );
}

/// Whoever writes the words asks the format first; what it answers stands in every file of that format.
#[test]
fn words_are_narrowed_to_what_a_format_carries() {
    let long = format!("{} payout", "Æ".repeat(100));
    for (text, neutral_words, paypal_words, sepa_words, wise_words) in [
        (
            "Müller & Söhne payout",
            "Müller & Söhne payout",
            "Muller & Sohne payout",
            "Muller + Sohne payout",
            "Müller & Söhne payout",
        ),
        (
            "Café Luna™ payout",
            "Café Luna™ payout",
            "Cafe Luna payout",
            "Cafe Luna payout",
            "Café Luna™ payout",
        ),
        ("=Sum payout", "=Sum payout", "Sum payout", "Sum payout", "Sum payout"),
        ("@ + - =x", "@ + - =x", "x", "+ - x", "x"),
        (
            "＝Sum\n payout ",
            "＝Sum payout",
            "Sum payout",
            "Sum payout",
            "Sum payout",
        ),
        ("दुकान payout", "दुकान payout", "payout", "payout", "दुकान payout"),
        ("店", "店", "payout", "payout", "店"),
        ("+", "+", "payout", "+", "payout"),
        ("", "payout", "payout", "payout", "payout"),
    ] {
        let words = [neutral::words, paypal::words, sepa::words, wise::words].map(|words| words(text));
        assert_eq!(words, [neutral_words, paypal_words, sepa_words, wise_words], "{text}");
        let with = |reference: &str| {
            let mut line = line(1, 100, "EUR");
            reference.clone_into(&mut line.reference);
            [line]
        };
        assert!(neutral::write(&with(&words[0])).is_ok(), "{text}");
        assert!(paypal::write(&with(&words[1])).is_ok(), "{text}");
        assert!(sepa::write(&order(), &with(&words[2])).is_ok(), "{text}");
        assert!(
            wise::write(&with(&words[3]), "EUR".parse().unwrap(), &[]).is_ok(),
            "{text}"
        );
    }
    assert_eq!(sepa::words(&long), "AE".repeat(70));
    assert_eq!(neutral::words(&long), long);
}

#[test]
fn the_file_of_paypal_has_one_currency_and_no_headings() {
    let mut noted = line(2, 5, "USD");
    noted.reference = "May, 2026".to_owned();
    let file = paypal::write(&[line(1, 1_250, "USD"), noted]).unwrap();
    let expected = concat!(
        "p1@example.org,12.50,USD,01920000000070008000000000000001-1,\r\n",
        "p2@example.org,0.05,USD,01920000000070008000000000000002-1,\"May, 2026\"\r\n",
    );
    assert_eq!(text(&file), expected);
    assert_eq!(
        codes(paypal::write(&[line(1, 1, "USD"), line(2, 1, "EUR")])),
        ["CURRENCY_NOT_CARRIED"]
    );
    assert_eq!(codes(paypal::write(&[line(1, 150, "HUF")])), ["AMOUNT_INVALID"]);
    let mut wrong = line(1, 1, "USD");
    wrong.email = "+1@example.org".to_owned();
    wrong.reference = "Grüße".to_owned();
    assert_eq!(codes(paypal::write(&[wrong])), ["EMAIL_INVALID", "REFERENCE_INVALID"]);
    let many: Vec<Line> = (1..=5_001).map(|number| line(number, 1, "USD")).collect();
    assert_eq!(codes(paypal::write(&many)), ["TOO_MANY_LINES"]);
    assert!(paypal::write(&many[..5_000]).is_ok());
}

fn order() -> Order {
    Order {
        message_id: "01920000000070008000000000000b00".to_owned(),
        created_at: at(1_700_000_000),
        execution_date: NaiveDate::from_ymd_opt(2023, 11, 15).unwrap(),
        debtor_name: "Müller & Søn".to_owned(),
        debtor_iban: "DE89370400440532013000".to_owned(),
        debtor_bic: "COBADEFFXXX".to_owned(),
    }
}

fn sepa_lines() -> [Line; 3] {
    let mut second = line(2, 99_999_999_999, "EUR");
    second.name = "Łukasz Groß-O’Neil".to_owned();
    second.account = "GB29NWBK60161331926819".to_owned();
    second.routing = "NWBKGB2L".to_owned();
    second.reference = "Provision für Mai: 1/2 (Rest folgt)".to_owned();
    let mut third = line(3, 10, "EUR");
    third.name = "N".repeat(70);
    third.reference = "r".repeat(140);
    [line(1, 1_005, "EUR"), second, third]
}

#[test]
fn a_sepa_file_is_the_same_to_the_byte() {
    let file = sepa::write(&order(), &sepa_lines()).unwrap();
    assert_eq!(text(&file), include_str!("../../data/pain.001.001.09.xml"));
}

#[test]
fn what_sepa_does_not_carry_is_named() {
    let changed = |change: fn(&mut Line)| {
        let mut line = line(1, 100, "EUR");
        change(&mut line);
        codes(sepa::write(&order(), &[line]))
    };
    assert_eq!(changed(|_| ()), [""; 0]);
    assert_eq!(
        changed(|line| line.amount = money(100, "USD")),
        ["CURRENCY_NOT_CARRIED"]
    );
    assert_eq!(
        changed(|line| line.amount.amount_minor = 100_000_000_000),
        ["AMOUNT_INVALID"]
    );
    for (name, is_carried) in [
        ("Ada Lovelace", true),
        ("Æsa Þórsdóttir", true),
        ("", false),
        (" Ada", false),
        ("Ада", false),
        ("Ada 😀", false),
        ("Ada;Eve", false),
    ] {
        let mut line = line(1, 100, "EUR");
        line.name = name.to_owned();
        let expected: &[&str] = if is_carried { &[] } else { &["NAME_INVALID"] };
        assert_eq!(codes(sepa::write(&order(), &[line])), expected, "{name}");
    }
    // 35 `ß` are 70 letters; one more is too much.
    assert_eq!(changed(|line| line.name = "ß".repeat(35)), [""; 0]);
    assert_eq!(changed(|line| line.name = "ß".repeat(36)), ["NAME_INVALID"]);
    assert_eq!(changed(|line| line.reference = "x".repeat(141)), ["REFERENCE_INVALID"]);
    assert_eq!(changed(|line| line.routing = "COBADE".to_owned()), ["ROUTING_INVALID"]);
    assert_eq!(
        changed(|line| line.account = "DE88370400440532013000".to_owned()),
        ["ACCOUNT_INVALID"]
    );
    // A good IBAN of Brazil, where SEPA does not go.
    assert_eq!(
        changed(|line| line.account = "BR1800360305000010009795493C1".to_owned()),
        ["ACCOUNT_INVALID"]
    );
    let with = |change: fn(&mut Order)| {
        let mut order = order();
        change(&mut order);
        codes(sepa::write(&order, &[line(1, 100, "EUR")]))
    };
    assert_eq!(with(|order| order.message_id = "x".repeat(36)), ["SETTING_INVALID"]);
    assert_eq!(with(|order| order.message_id = "a//b".to_owned()), ["SETTING_INVALID"]);
    assert_eq!(with(|order| order.debtor_name.clear()), ["SETTING_INVALID"]);
    assert_eq!(with(|order| order.debtor_iban = "DE00".to_owned()), ["SETTING_INVALID"]);
    assert_eq!(
        with(|order| order.debtor_bic = "cobadeff".to_owned()),
        ["SETTING_INVALID"]
    );
}

/// Examples of the IBAN registry, and what a slip makes of them.
#[test]
fn an_iban_checks_itself() {
    for good in [
        "GB29NWBK60161331926819",
        "NO9386011117947",
        "MT84MALT011000012345MTLCAST001S",
        "FR1420041010050500013M02606",
    ] {
        assert!(sepa::is_iban(good), "{good}");
    }
    for wrong in [
        "GB29NWBK60161331926818",
        "GB29NWBK60161331929681",
        "gb29NWBK60161331926819",
        "GB29 NWBK 6016 1331 9268 19",
        "NO938601111794",
        "",
    ] {
        assert!(!sepa::is_iban(wrong), "{wrong}");
    }
}

/// What stands in an element, in order; whether each has to.
const SCHEMA: [(&str, &[(&str, bool)]); 20] = [
    ("Document", &[("CstmrCdtTrfInitn", true)]),
    ("CstmrCdtTrfInitn", &[("GrpHdr", true), ("PmtInf", true)]),
    (
        "GrpHdr",
        &[
            ("MsgId", true),
            ("CreDtTm", true),
            ("NbOfTxs", true),
            ("CtrlSum", true),
            ("InitgPty", true),
        ],
    ),
    ("InitgPty", &[("Nm", true)]),
    (
        "PmtInf",
        &[
            ("PmtInfId", true),
            ("PmtMtd", true),
            ("NbOfTxs", true),
            ("CtrlSum", true),
            ("PmtTpInf", true),
            ("ReqdExctnDt", true),
            ("Dbtr", true),
            ("DbtrAcct", true),
            ("DbtrAgt", true),
            ("ChrgBr", true),
            ("CdtTrfTxInf", true),
        ],
    ),
    ("PmtTpInf", &[("SvcLvl", true)]),
    ("SvcLvl", &[("Cd", true)]),
    ("ReqdExctnDt", &[("Dt", true)]),
    ("Dbtr", &[("Nm", true)]),
    ("DbtrAcct", &[("Id", true)]),
    ("DbtrAgt", &[("FinInstnId", true)]),
    (
        "CdtTrfTxInf",
        &[
            ("PmtId", true),
            ("Amt", true),
            ("CdtrAgt", false),
            ("Cdtr", true),
            ("CdtrAcct", true),
            ("RmtInf", false),
        ],
    ),
    ("PmtId", &[("EndToEndId", true)]),
    ("Amt", &[("InstdAmt", true)]),
    ("CdtrAgt", &[("FinInstnId", true)]),
    ("Cdtr", &[("Nm", true)]),
    ("CdtrAcct", &[("Id", true)]),
    ("RmtInf", &[("Ustrd", true)]),
    ("Id", &[("IBAN", true)]),
    ("FinInstnId", &[("BICFI", true)]),
];

#[derive(Debug, Default)]
struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    text: String,
    children: Vec<Element>,
}

impl Element {
    fn all(&self, name: &str) -> Vec<&Self> {
        let own = (self.name == name).then_some(self);
        own.into_iter()
            .chain(self.children.iter().flat_map(|child| child.all(name)))
            .collect()
    }
}

fn parse(xml: &[u8]) -> Element {
    let mut reader = Reader::from_reader(xml);
    reader.config_mut().trim_text(true);
    let mut open = vec![Element::default()];
    let mut buffer = Vec::new();
    loop {
        match reader.read_event_into(&mut buffer).unwrap() {
            Event::Start(start) => {
                let attribute = |found: quick_xml::events::attributes::Attribute<'_>| {
                    let name = String::from_utf8(found.key.as_ref().to_vec()).unwrap();
                    (name, found.unescape_value().unwrap().into_owned())
                };
                open.push(Element {
                    name: String::from_utf8(start.name().as_ref().to_vec()).unwrap(),
                    attributes: start.attributes().map(|found| attribute(found.unwrap())).collect(),
                    ..Element::default()
                });
            }
            Event::Text(text) => open.last_mut().unwrap().text += &text.decode().unwrap(),
            Event::GeneralRef(name) => match &name.decode().unwrap()[..] {
                "apos" => open.last_mut().unwrap().text.push('\''),
                other => panic!("&{other};"),
            },
            Event::End(_) => {
                let closed = open.pop().unwrap();
                open.last_mut().unwrap().children.push(closed);
            }
            Event::Eof => return open.pop().unwrap().children.pop().unwrap(),
            Event::Decl(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// What is wrong with an element and everything in it.
fn faults(element: &Element) -> Vec<String> {
    let mut found = Vec::new();
    let (name, text) = (element.name.as_str(), element.text.as_str());
    let Some((_, allowed)) = SCHEMA.iter().find(|(parent, _)| *parent == name) else {
        let chars = text.chars().count();
        let is_plain = text
            .chars()
            .all(|sign| sign.is_ascii_alphanumeric() || "/-?:().,'+ ".contains(sign));
        let fits = match name {
            "MsgId" | "PmtInfId" | "EndToEndId" => (1..=35).contains(&chars),
            "Nm" => (1..=70).contains(&chars),
            "Ustrd" => (1..=140).contains(&chars),
            "PmtMtd" => text == "TRF",
            "Cd" => text == "SEPA",
            "ChrgBr" => text == "SLEV",
            "NbOfTxs" => text.parse::<u32>().is_ok(),
            "CtrlSum" | "InstdAmt" => text.rsplit_once('.').is_some_and(|(_, cents)| cents.len() == 2),
            "CreDtTm" => chrono::DateTime::parse_from_rfc3339(text).is_ok(),
            "Dt" => text.parse::<NaiveDate>().is_ok(),
            "IBAN" => sepa::is_iban(text),
            "BICFI" => matches!(chars, 8 | 11),
            _ => false,
        };
        if !fits || !is_plain || !element.children.is_empty() {
            found.push(format!("{name}: {text}"));
        }
        return found;
    };
    let place = |child: &Element| allowed.iter().position(|(name, _)| *name == child.name);
    let places: Vec<_> = element.children.iter().map(place).collect();
    if places.contains(&None) || !places.is_sorted() || !text.is_empty() {
        found.push(format!("{name}: its order"));
    }
    for (index, (child, is_needed)) in allowed.iter().enumerate() {
        let count = places.iter().filter(|place| **place == Some(index)).count();
        let most = if *child == "CdtTrfTxInf" { usize::MAX } else { 1 };
        if count > most || (*is_needed && count == 0) {
            found.push(format!("{name}: {count} of {child}"));
        }
    }
    found.extend(element.children.iter().flat_map(faults));
    found
}

#[test]
fn a_sepa_file_is_as_its_schema_has_it() {
    let lines = sepa_lines();
    let file = sepa::write(&order(), &lines).unwrap();
    let document = parse(&file.content);
    assert_eq!(faults(&document), [""; 0]);
    let namespace = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09".to_owned();
    assert_eq!(document.attributes, [("xmlns".to_owned(), namespace)]);
    let texts = |name: &str| {
        document
            .all(name)
            .into_iter()
            .map(|found| found.text.as_str())
            .collect::<Vec<_>>()
    };
    // 10.05 + 999,999,999.99 + 0.10.
    assert_eq!(texts("CtrlSum"), ["1000000010.14", "1000000010.14"]);
    assert_eq!(texts("InstdAmt"), ["10.05", "999999999.99", "0.10"]);
    assert_eq!(texts("NbOfTxs"), ["3", "3"]);
    assert_eq!(texts("EndToEndId"), file.keys);
    assert_eq!(
        texts("Nm")[..4],
        ["Muller + Son", "Muller + Son", "Ada Lovelace", "Lukasz Gross-O'Neil"]
    );
    assert_eq!(texts("CreDtTm"), ["2023-11-14T22:13:20Z"]);
    assert_eq!(texts("Dt"), ["2023-11-15"]);
    for amount in document.all("InstdAmt") {
        assert_eq!(amount.attributes, [("Ccy".to_owned(), "EUR".to_owned())]);
    }
}

/// A check that finds nothing must be one that could.
#[test]
fn a_wrong_sepa_file_is_told() {
    let right = include_str!("../../data/pain.001.001.09.xml");
    for (from, to) in [
        ("<PmtMtd>TRF</PmtMtd>", ""),
        ("<PmtMtd>TRF</PmtMtd>", "<PmtMtd>CHK</PmtMtd>"),
        ("Ada Lovelace", "Ada; Lovelace"),
        ("<ChrgBr>SLEV</ChrgBr>", "<ChrgBr>SLEV</ChrgBr><ChrgBr>SLEV</ChrgBr>"),
        ("DE89370400440532013000", "DE88370400440532013000"),
        ("10.05", "10.5"),
        ("EndToEndId", "InstrId"),
    ] {
        assert!(right.contains(from), "{from}");
        assert_ne!(
            faults(&parse(right.replace(from, to).as_bytes())),
            [""; 0],
            "{from} {to}"
        );
    }
    let swapped = right
        .replace("GrpHdr", "X")
        .replace("PmtInf>", "GrpHdr>")
        .replace('X', "PmtInf");
    assert_ne!(faults(&parse(swapped.as_bytes())), [""; 0]);
}
