//! Amounts are `i64` minor units with a currency; rates are integer parts per million. No float anywhere.
//!
//! Rounding is half-even and happens in two places only: where a decimal text enters (it must not need any) and in
//! [`proportion`], which every rate, reversal and reserve goes through. What is divided so that its parts add up goes through
//! [`divide`], which rounds nothing away.

use std::{fmt, str::FromStr};

use rust_decimal::Decimal;

/// The largest amount one event or setting may carry: a trillion minor units, far from overflow in every sum.
pub const MAX_AMOUNT_MINOR: i64 = 1_000_000_000_000;

/// One whole, in parts per million.
pub const WHOLE_PPM: i64 = 1_000_000;

/// An ISO 4217 currency. Its minor unit decides the scale of every amount (JPY 0, EUR 2, KWD 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

impl PartialOrd for Currency {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Currency {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.code().cmp(other.code())
    }
}

impl Currency {
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// Digits behind the decimal point.
    #[must_use]
    pub fn scale(self) -> u32 {
        u32::from(self.0.exponent().unwrap_or(0))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The text is not the code of a currency in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an ISO 4217 currency code")]
pub struct UnknownCurrency;

impl FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(code: &str) -> Result<Self, UnknownCurrency> {
        iso_currency::Currency::from_code(code).map(Self).ok_or(UnknownCurrency)
    }
}

/// Longest text of a decimal, in bytes: more digits than any amount has.
const MAX_DECIMAL_LEN: usize = 40;

/// Reads a decimal text such as `12.50` exactly. The decimal type's own reader rounds what has too many digits, and takes
/// digits in groups.
#[must_use]
pub fn parse_decimal(text: &str) -> Option<Decimal> {
    let plain = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
    (text.len() <= MAX_DECIMAL_LEN && text.bytes().all(plain))
        .then(|| Decimal::from_str_exact(text).ok())
        .flatten()
}

/// Why a decimal is not an amount of its currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    #[error("the amount is negative")]
    Negative,
    #[error("the amount has more decimals than {currency} has ({scale})")]
    TooManyDecimals { currency: Currency, scale: u32 },
    #[error("the amount is above the largest one accepted (10^12 minor units)")]
    TooLarge,
}

/// An amount of one currency, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    pub amount_minor: i64,
    pub currency: Currency,
}

impl Money {
    #[must_use]
    pub fn new(amount_minor: i64, currency: Currency) -> Self {
        Self { amount_minor, currency }
    }

    /// Reads an amount that arrives from outside: not negative, no finer than the currency, within bounds. Nothing is
    /// rounded here: an amount that does not fit its currency is the sender's mistake.
    pub fn from_decimal(amount: Decimal, currency: Currency) -> Result<Self, AmountError> {
        if amount.is_sign_negative() && !amount.is_zero() {
            return Err(AmountError::Negative);
        }
        let scale = currency.scale();
        let amount = amount.normalize();
        if amount.scale() > scale {
            return Err(AmountError::TooManyDecimals { currency, scale });
        }
        let minor = Decimal::from(10_i64.pow(scale))
            .checked_mul(amount)
            .ok_or(AmountError::TooLarge)?;
        let amount_minor = i64::try_from(minor).map_err(|_| AmountError::TooLarge)?;
        if amount_minor > MAX_AMOUNT_MINOR {
            return Err(AmountError::TooLarge);
        }
        Ok(Self { amount_minor, currency })
    }

    /// The amount in major units, with exactly the currency's decimals.
    #[must_use]
    pub fn to_decimal(self) -> Decimal {
        Decimal::new(self.amount_minor, self.currency.scale())
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.to_decimal(), self.currency)
    }
}

/// `amount × part / whole`, rounded half-even. `whole` must be positive; a zero whole is nobody's share and gives 0.
#[must_use]
pub fn proportion(amount: i64, part: i64, whole: i64) -> i64 {
    if whole <= 0 {
        return 0;
    }
    let product = i128::from(amount) * i128::from(part);
    let whole = i128::from(whole);
    let floor = product.div_euclid(whole);
    let twice_rest = product.rem_euclid(whole) * 2;
    let up = twice_rest > whole || (twice_rest == whole && floor % 2 != 0);
    let rounded = floor + i128::from(up);
    // |part| ≤ whole for every caller, so the result is no larger than the amount; saturate rather than wrap.
    i64::try_from(rounded).unwrap_or(if rounded > 0 { i64::MAX } else { i64::MIN })
}

/// `total` in parts by `weights` that add up to it: each unit goes to whoever has the least for its weight then, the first of
/// those that are alike (the divisor method of Sainte-Laguë). No part shrinks when the total grows, and none exceeds its
/// weight while the total is no more than all weights together. Without any weight the parts are even. Neither may be
/// negative.
#[must_use]
pub fn divide(total: i64, weights: &[i64]) -> Vec<i64> {
    let weighs = weights.iter().any(|weight| *weight > 0);
    let weights: Vec<i128> = weights
        .iter()
        .map(|weight| if weighs { i128::from(*weight) } else { 1 })
        .collect();
    let all: i128 = weights.iter().sum();
    // The nearest unit, half down, so that the rest goes in the order of precedence.
    let nearest = |weight: &i128| {
        let exact = i128::from(total) * weight;
        exact / all + i128::from(exact % all * 2 > all)
    };
    let mut parts: Vec<i128> = weights.iter().map(nearest).collect();
    let mut rest = i128::from(total) - parts.iter().sum::<i128>();
    while rest > 0 && !parts.is_empty() {
        let next = (1..parts.len()).fold(0, |best, other| {
            let is_before = weights[other] * (2 * parts[best] + 1) > weights[best] * (2 * parts[other] + 1);
            if is_before { other } else { best }
        });
        parts[next] += 1;
        rest -= 1;
    }
    while rest < 0 {
        let held = (0..parts.len()).filter(|index| parts[*index] > 0);
        let Some(last) = held.reduce(|last, other| {
            let is_before = weights[last] * (2 * parts[other] - 1) < weights[other] * (2 * parts[last] - 1);
            if is_before { last } else { other }
        }) else {
            break;
        };
        parts[last] -= 1;
        rest += 1;
    }
    parts
        .into_iter()
        .map(|part| i64::try_from(part).unwrap_or(i64::MAX))
        .collect()
}

/// A share of an amount: `rate_ppm` parts per million, rounded half-even.
#[must_use]
pub fn share(amount_minor: i64, rate_ppm: i64) -> i64 {
    proportion(amount_minor, rate_ppm, WHOLE_PPM)
}

/// Parts per million as a percentage text: 125000 → `12.5`.
#[must_use]
pub fn percent_text(rate_ppm: i64) -> String {
    Decimal::new(rate_ppm, 4).normalize().to_string()
}

/// The reverse of [`percent_text`]: `12.5` → 125000.
#[must_use]
pub fn parse_percent(text: &str) -> Option<i64> {
    let ppm = parse_decimal(text)?.checked_mul(Decimal::from(10_000))?.normalize();
    (ppm.scale() == 0).then(|| i64::try_from(ppm).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn currency(code: &str) -> Currency {
        code.parse().unwrap()
    }

    #[test]
    fn proportions_round_half_to_even() {
        assert_eq!(proportion(5, 1, 2), 2);
        assert_eq!(proportion(7, 1, 2), 4);
        assert_eq!(proportion(10_000, 1, 3), 3_333);
        assert_eq!(proportion(10_000, 2, 3), 6_667);
        assert_eq!(proportion(-5, 1, 2), -2);
        assert_eq!(proportion(100, 1, 0), 0);
        assert_eq!(share(1_000, 100_000), 100);
    }

    #[test]
    fn what_is_divided_adds_up() {
        // 10.01 over 30, 20 and 10: exactly 500.5, 333.67 and 166.83.
        assert_eq!(divide(1_001, &[30, 20, 10]), [500, 334, 167]);
        assert_eq!(divide(1, &[1, 1, 1]), [1, 0, 0]);
        assert_eq!(divide(2, &[1, 1, 1]), [1, 1, 0]);
        assert_eq!(divide(7, &[0, 5, 2]), [0, 5, 2]);
        assert_eq!(divide(5, &[0, 0]), [3, 2]);
        assert_eq!(divide(0, &[3, 4]), [0, 0]);
        assert_eq!(divide(0, &[]), [0; 0]);
        // Four times a half: two of them are rounded up, the first two.
        assert_eq!(divide(100, &[35, 35, 35, 45, 50]), [18, 18, 17, 22, 25]);
        let most = 1_000_000_000_000;
        assert_eq!(divide(most, &[most, most, 1]), [most / 2, most / 2, 0]);
    }

    /// What the books of an order's lines lean on.
    #[test]
    fn parts_only_grow_with_the_total_and_stay_within_their_weights() {
        for weights in [
            &[7, 1, 1, 1, 13, 0][..],
            &[1, 1, 1],
            &[100, 3, 3, 3, 3, 3],
            &[33, 33, 34],
            &[2, 40],
        ] {
            let all: i64 = weights.iter().sum();
            let mut before = vec![0; weights.len()];
            for total in 0..=all {
                let parts = divide(total, weights);
                assert_eq!(parts.iter().sum::<i64>(), total, "{total} over {weights:?}");
                for ((part, earlier), weight) in parts.iter().zip(&before).zip(weights) {
                    assert!(earlier <= part && part <= weight, "{total} over {weights:?}: {parts:?}");
                }
                // What one of them is given by name comes off its weight: nobody gets less for it, nor has more left.
                for (index, weight) in weights.iter().enumerate() {
                    for named in 1..=(*weight).min(all - total) {
                        let mut lighter = weights.to_vec();
                        lighter[index] -= named;
                        let after = divide(total, &lighter);
                        assert!(
                            after[index] + named >= parts[index],
                            "{total} over {weights:?}, {named} of {index}"
                        );
                        let others = (0..weights.len()).filter(|other| *other != index);
                        for other in others {
                            assert!(
                                after[other] >= parts[other],
                                "{total} over {weights:?}, {named} of {index}"
                            );
                        }
                    }
                }
                before = parts;
            }
        }
    }

    #[test]
    fn a_decimal_is_read_exactly_or_not_at_all() {
        assert_eq!(parse_decimal("-12.50"), Some(Decimal::new(-1_250, 2)));
        let too_fine = format!("10.{}1", "0".repeat(30));
        let too_long = "0".repeat(MAX_DECIMAL_LEN + 1);
        for wrong in ["", "-", ".", "1e3", "1_000", "+1", " 1", "1,5", &too_fine, &too_long] {
            assert_eq!(parse_decimal(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_amount_has_the_scale_of_its_currency() {
        let parse = |text: &str, code: &str| Money::from_decimal(text.parse().unwrap(), currency(code));
        assert_eq!(parse("12.5", "EUR").unwrap().amount_minor, 1_250);
        assert_eq!(parse("12.500", "EUR").unwrap().amount_minor, 1_250);
        assert_eq!(parse("12", "JPY").unwrap().amount_minor, 12);
        assert_eq!(parse("1.234", "KWD").unwrap().amount_minor, 1_234);
        assert!(matches!(parse("1.5", "JPY"), Err(AmountError::TooManyDecimals { .. })));
        assert_eq!(parse("-1", "EUR"), Err(AmountError::Negative));
        assert_eq!(parse("99999999999999999999", "EUR"), Err(AmountError::TooLarge));
        assert_eq!(Money::new(1_250, currency("EUR")).to_string(), "12.50 EUR");
    }
}
