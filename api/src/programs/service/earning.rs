//! What a rule or a level pays, checked against its program.

use entity::program;
use rust_decimal::Decimal;

use super::Result;
use crate::{
    error::Failure,
    money::{Currency, Money},
    programs::{error::ProgramErrorCode as Code, rules},
};

/// What a rule or a level pays.
pub enum Earning {
    /// Parts per million of a sale.
    PercentOfSale(i64),
    /// Parts per million of what the credited partnership earns: levels only.
    PercentOfCommission(i64),
    Fixed {
        amount: Decimal,
        currency: String,
    },
    /// The same for each item of a line: rules only.
    FixedPerItem {
        amount: Decimal,
        currency: String,
    },
}

/// An earning as its columns.
pub(super) struct Columns {
    pub rate_ppm: Option<i64>,
    pub amount_minor: Option<i64>,
    pub currency: Option<String>,
}

pub(super) fn check_earning(program: &program::Model, earning: Earning, field: &str) -> Result<Columns> {
    let (amount, currency, way) = match earning {
        Earning::PercentOfSale(ppm) | Earning::PercentOfCommission(ppm) => {
            if !rules::is_rate(ppm) {
                return Err(Failure::refused_field(
                    Code::PercentOutOfRange,
                    field,
                    "a percentage is above 0 and at most 100",
                ));
            }
            return Ok(Columns {
                rate_ppm: Some(ppm),
                amount_minor: None,
                currency: None,
            });
        }
        Earning::Fixed { amount, currency } => (amount, currency, "fixed"),
        Earning::FixedPerItem { amount, currency } => (amount, currency, "fixedPerItem"),
    };
    let currency: Currency = currency
        .parse()
        .map_err(|error| Failure::refused_field(Code::CurrencyUnknown, &format!("{field}.{way}.currency"), error))?;
    if !rules::accepts(&program.currencies, currency.code()) {
        return Err(Failure::refused_field(
            Code::CurrencyNotAccepted,
            &format!("{field}.{way}.currency"),
            format!(
                "this program does not accept {currency}; it accepts {}",
                program.currencies
            ),
        ));
    }
    let amount_field = format!("{field}.{way}.amount");
    let money = Money::from_decimal(amount, currency)
        .map_err(|error| Failure::refused_field(Code::AmountInvalid, &amount_field, error))?;
    if money.amount_minor == 0 {
        return Err(Failure::refused_field(
            Code::AmountInvalid,
            &amount_field,
            "a fixed amount is above 0",
        ));
    }
    Ok(Columns {
        rate_ppm: None,
        amount_minor: Some(money.amount_minor),
        currency: Some(currency.code().to_owned()),
    })
}
