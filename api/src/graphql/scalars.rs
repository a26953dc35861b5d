//! Scalars of the contract, and money as clients see it.

use async_graphql::{InputObject, InputValueError, InputValueResult, Scalar, ScalarType, SimpleObject, Value};

use crate::money;

/// Longest URL accepted, in bytes.
const MAX_URL_LEN: usize = 2_048;

fn text(value: Value) -> Result<String, InputValueError<String>> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(InputValueError::expected_type(other)),
    }
}

/// A decimal number as a string, so that no client reads it as a float.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal(pub rust_decimal::Decimal);

/// A decimal number as a string, so that no client reads it as a float.
#[Scalar(
    name = "Decimal",
    specified_by_url = "https://en.wikipedia.org/wiki/Decimal_separator"
)]
impl ScalarType for Decimal {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = value else {
            return Err(InputValueError::expected_type(value));
        };
        money::parse_decimal(&text)
            .map(Self)
            .ok_or_else(|| InputValueError::custom("not a decimal number such as \"12.50\""))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// An ISO 4217 currency code in upper case: `EUR`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrencyCode(pub String);

/// An ISO 4217 currency code in upper case: `EUR`.
#[Scalar(
    name = "CurrencyCode",
    specified_by_url = "https://www.iso.org/iso-4217-currency-codes.html"
)]
impl ScalarType for CurrencyCode {
    fn parse(value: Value) -> InputValueResult<Self> {
        let code = text(value).map_err(InputValueError::propagate)?;
        // Form only: whether the currency exists is answered with a code of its own, the same as under /track.
        if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()) {
            Ok(Self(code))
        } else {
            Err(InputValueError::custom(
                "a currency code has three capital letters, such as \"EUR\"",
            ))
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

/// An ISO 3166-1 alpha-2 country code in upper case: `DE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountryCode(pub String);

/// An ISO 3166-1 alpha-2 country code in upper case: `DE`.
#[Scalar(
    name = "CountryCode",
    specified_by_url = "https://www.iso.org/iso-3166-country-codes.html"
)]
impl ScalarType for CountryCode {
    fn parse(value: Value) -> InputValueResult<Self> {
        let code = text(value).map_err(InputValueError::propagate)?;
        if code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()) {
            Ok(Self(code))
        } else {
            Err(InputValueError::custom(
                "a country code has two capital letters, such as \"DE\"",
            ))
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

/// An absolute http or https address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url(pub String);

/// An absolute http or https address.
#[Scalar(name = "URL", specified_by_url = "https://url.spec.whatwg.org/")]
impl ScalarType for Url {
    fn parse(value: Value) -> InputValueResult<Self> {
        let text = text(value).map_err(InputValueError::propagate)?;
        if text.len() > MAX_URL_LEN {
            return Err(InputValueError::custom("an address has at most 2048 bytes"));
        }
        match url::Url::parse(&text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.host_str().is_some() => Ok(Self(url.into())),
            _ => Err(InputValueError::custom("not an absolute http or https address")),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

/// An amount of money in major units, with exactly the decimals of its currency.
#[derive(Clone, Debug, SimpleObject)]
pub struct Money {
    /// The amount, such as `"12.50"`; `"1250"` for a currency without decimals.
    pub amount: Decimal,
    /// The currency.
    pub currency: CurrencyCode,
}

impl From<money::Money> for Money {
    fn from(money: money::Money) -> Self {
        Self {
            amount: Decimal(money.to_decimal()),
            currency: CurrencyCode(money.currency.code().to_owned()),
        }
    }
}

impl Money {
    /// From stored columns. A stored code that is no currency is a fault of ours.
    pub fn stored(amount_minor: i64, currency: &str) -> Result<Self, crate::error::ApiError> {
        let currency = currency.parse().map_err(crate::error::ApiError::internal)?;
        Ok(money::Money::new(amount_minor, currency).into())
    }
}

/// An amount of money in major units.
#[derive(Clone, Debug, InputObject)]
pub struct MoneyInput {
    /// Not negative, with no more decimals than the currency has.
    pub amount: Decimal,
    /// The currency.
    pub currency: CurrencyCode,
}

/// A percentage as parts per million: `12.5` is 125,000. Finer than a ten-thousandth of a percent is refused.
pub fn percent_to_ppm(percent: Decimal, field: &str) -> Result<i64, crate::error::ApiError> {
    use rust_decimal::prelude::ToPrimitive;

    const PPM_PER_PERCENT: i64 = 10_000;
    let ppm = percent
        .0
        .checked_mul(rust_decimal::Decimal::from(PPM_PER_PERCENT))
        .map(|ppm| ppm.normalize());
    ppm.filter(|ppm| ppm.scale() == 0)
        .and_then(|ppm| ppm.to_i64())
        .ok_or_else(|| {
            crate::error::ApiError::bad_field(field, "a percentage has at most four decimals, such as \"12.5\"")
        })
}

/// Parts per million as a percentage.
#[must_use]
pub fn ppm_to_percent(ppm: i64) -> Decimal {
    Decimal(rust_decimal::Decimal::new(ppm, 4).normalize())
}
