//! Reading a retailer's invoices: one line an invoice, in time order, plain or gzipped CSV.
//!
//! Pure: what a line means is decided here, before anything is recorded. Refunds are matched here too, from the file
//! alone, so that a second replay of the same file asks for exactly the same things.

use std::{
    collections::HashMap,
    io::{self, Read},
    path::Path,
};

use chrono::{DateTime, NaiveDateTime, Utc};
use rust_decimal::{Decimal, RoundingStrategy};
use serde::Deserialize;

use super::source;
use crate::money::Currency;

/// The columns that are read; others are passed over.
const COLUMNS: [&str; 5] = ["InvoiceNo", "InvoiceDate", "CustomerID", "Quantity", "UnitPrice"];

/// How the file writes an unknown customer.
const GUEST: &str = "(blank)";

#[derive(Deserialize)]
struct Record {
    #[serde(rename = "InvoiceNo")]
    number: String,
    #[serde(rename = "InvoiceDate")]
    date: String,
    #[serde(rename = "CustomerID")]
    customer: String,
    #[serde(rename = "Quantity")]
    quantity: Decimal,
    #[serde(rename = "UnitPrice")]
    unit_price: Decimal,
}

/// What a line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// An order with its amount in minor units.
    Order { amount_minor: i64 },
    /// Refunds of earlier orders of the same customer: order id and minor units, newest order first.
    Refund {
        parts: Vec<(String, i64)>,
        unmatched_minor: i64,
    },
    /// Nothing can be recorded; why.
    Refuse(Refused),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refused {
    /// The line could not be read.
    Malformed,
    /// A cancellation by an unknown customer names no order.
    GuestCancellation,
    /// A cancellation of a customer with nothing left to refund.
    UnmatchedCancellation,
    /// A cancellation of nothing.
    ZeroCancellation,
    /// A quantity below zero that is no cancellation: a correction of stock, not a sale.
    NegativeQuantity,
    /// A price below zero.
    NegativePrice,
}

impl Refused {
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed => "MALFORMED_LINE",
            Self::GuestCancellation => "GUEST_CANCELLATION",
            Self::UnmatchedCancellation => "UNMATCHED_CANCELLATION",
            Self::ZeroCancellation => "ZERO_CANCELLATION",
            Self::NegativeQuantity => "NEGATIVE_QUANTITY",
            Self::NegativePrice => "NEGATIVE_PRICE",
        }
    }
}

/// One line, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// In the file, from 1; the header is line 1.
    pub number: u64,
    /// The invoice's number, with `#2` behind the second of the same number, and so on.
    pub invoice: String,
    pub at: DateTime<Utc>,
    /// Absent for a guest.
    pub customer: Option<String>,
    pub action: Action,
}

/// An order as later cancellations see it.
struct Open {
    invoice: String,
    left_minor: i64,
}

/// Reads the whole file and decides what each line means.
pub fn read(path: &Path, currency: Currency) -> io::Result<Vec<Line>> {
    parse(source::open(path)?, currency)
}

fn parse(source: impl Read, currency: Currency) -> io::Result<Vec<Line>> {
    let mut seen: HashMap<String, u32> = HashMap::new();
    let mut open: HashMap<String, Vec<Open>> = HashMap::new();
    let mut lines: Vec<Line> = Vec::new();
    let mut reader = csv::Reader::from_reader(source);
    let header = reader.headers().map_err(io::Error::other)?;
    if !header.is_empty()
        && COLUMNS
            .iter()
            .any(|column| !header.iter().any(|found| found == *column))
    {
        let wanted = format!("the first line must name the columns {}", COLUMNS.join(", "));
        return Err(io::Error::other(wanted));
    }
    for (record, number) in reader.deserialize::<Record>().zip(2..) {
        let record = match record {
            Ok(record) => record,
            Err(error) if matches!(error.kind(), csv::ErrorKind::Io(_)) => return Err(io::Error::other(error)),
            Err(_) => {
                lines.push(malformed(number, lines.last()));
                continue;
            }
        };
        let Some(at) = parse_date(&record.date) else {
            lines.push(malformed(number, lines.last()));
            continue;
        };
        let occurrence = seen.entry(record.number.clone()).or_insert(0);
        *occurrence += 1;
        let invoice = if *occurrence == 1 {
            record.number.clone()
        } else {
            format!("{}#{occurrence}", record.number)
        };
        let customer = (record.customer != GUEST).then(|| record.customer.clone());
        let action = decide(&record, &invoice, customer.as_deref(), currency, &mut open);
        lines.push(Line {
            number,
            invoice,
            at,
            customer,
            action,
        });
    }
    Ok(lines)
}

fn malformed(number: u64, previous: Option<&Line>) -> Line {
    Line {
        number,
        invoice: format!("line {number}"),
        at: previous.map_or(DateTime::UNIX_EPOCH, |line| line.at),
        customer: None,
        action: Action::Refuse(Refused::Malformed),
    }
}

fn parse_date(text: &str) -> Option<DateTime<Utc>> {
    NaiveDateTime::parse_from_str(text, "%m/%d/%Y %H:%M")
        .ok()
        .map(|at| at.and_utc())
}

/// Quantity × price in minor units. Prices carry four decimals: the product is rounded half-even, once.
fn amount_minor(record: &Record, currency: Currency) -> Option<i64> {
    let amount = record.quantity.checked_mul(record.unit_price)?;
    let rounded = amount.round_dp_with_strategy(currency.scale(), RoundingStrategy::MidpointNearestEven);
    i64::try_from(rounded.checked_mul(Decimal::from(10_i64.pow(currency.scale())))?).ok()
}

fn decide(
    record: &Record,
    invoice: &str,
    customer: Option<&str>,
    currency: Currency,
    open: &mut HashMap<String, Vec<Open>>,
) -> Action {
    if record.unit_price.is_sign_negative() && !record.unit_price.is_zero() {
        return Action::Refuse(Refused::NegativePrice);
    }
    let Some(amount_minor) = amount_minor(record, currency) else {
        return Action::Refuse(Refused::Malformed);
    };
    if record.number.starts_with('C') {
        return cancel(
            -amount_minor,
            customer.and_then(|customer| open.get_mut(customer)),
            customer.is_none(),
        );
    }
    if record.quantity.is_sign_negative() {
        return Action::Refuse(Refused::NegativeQuantity);
    }
    if let Some(customer) = customer {
        let orders = open.entry(customer.to_owned()).or_default();
        orders.push(Open {
            invoice: invoice.to_owned(),
            left_minor: amount_minor,
        });
    }
    Action::Order { amount_minor }
}

/// Takes a cancellation from the customer's earlier orders, newest first, up to what is left of them.
fn cancel(amount_minor: i64, orders: Option<&mut Vec<Open>>, is_guest: bool) -> Action {
    if amount_minor <= 0 {
        return Action::Refuse(Refused::ZeroCancellation);
    }
    if is_guest {
        return Action::Refuse(Refused::GuestCancellation);
    }
    let mut wanted = amount_minor;
    let mut parts = Vec::new();
    for order in orders.into_iter().flatten().rev() {
        let part = wanted.min(order.left_minor);
        if part > 0 {
            order.left_minor -= part;
            wanted -= part;
            parts.push((order.invoice.clone(), part));
        }
    }
    if parts.is_empty() {
        return Action::Refuse(Refused::UnmatchedCancellation);
    }
    Action::Refund {
        parts,
        unmatched_minor: wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "InvoiceNo,InvoiceDate,CustomerID,Country,Quantity,UnitPrice\n\
        1,12/1/2010 8:26,77,UK,3,1.0050\n\
        1,12/1/2010 8:27,77,UK,1,10\n\
        2,12/1/2010 8:28,(blank),UK,2,0\n\
        C3,12/1/2010 9:00,77,UK,-1,11.00\n\
        C4,12/1/2010 9:01,77,UK,-1,5.00\n\
        C5,12/1/2010 9:02,(blank),UK,-1,5.00\n\
        C6,12/1/2010 9:03,77,UK,-1,5.00\n\
        7,12/1/2010 9:04,(blank),UK,-5,0\n\
        8,yesterday,77,UK,1,1\n";

    #[test]
    fn every_line_is_understood_or_refused() {
        let lines = parse(FILE.as_bytes(), "GBP".parse().unwrap()).unwrap();
        let actions: Vec<&Action> = lines.iter().map(|line| &line.action).collect();
        // 3 × 1.0050 = 3.015, which rounds half-even to 3.02.
        assert_eq!(actions[0], &Action::Order { amount_minor: 302 });
        assert_eq!(lines[1].invoice, "1#2");
        assert_eq!(actions[2], &Action::Order { amount_minor: 0 });
        let taken = vec![("1#2".to_owned(), 1_000), ("1".to_owned(), 100)];
        assert_eq!(
            actions[3],
            &Action::Refund {
                parts: taken,
                unmatched_minor: 0
            }
        );
        assert_eq!(
            actions[4],
            &Action::Refund {
                parts: vec![("1".to_owned(), 202)],
                unmatched_minor: 298
            }
        );
        assert_eq!(actions[5], &Action::Refuse(Refused::GuestCancellation));
        assert_eq!(actions[6], &Action::Refuse(Refused::UnmatchedCancellation));
        assert_eq!(actions[7], &Action::Refuse(Refused::NegativeQuantity));
        assert_eq!(actions[8], &Action::Refuse(Refused::Malformed));
        assert_eq!(lines[8].number, 10);
    }
}
