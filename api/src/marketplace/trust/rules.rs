//! What counts of a number, and when it is shown.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use entity::{partner_trust, program_trust};

use crate::money::{self, WHOLE_PPM};

/// Days that are added up, today's included.
pub const WINDOW_DAYS: i32 = 90;
/// Fewer clicks say nothing about what a click brings.
pub const MIN_CLICKS: i64 = 100;
/// Fewer conversions say nothing about what becomes of them.
pub const MIN_CONVERSIONS: i64 = 20;
/// Longest wait that is told from others, in days.
pub const MAX_WAIT_DAYS: i32 = 366;

/// A share with what it is a share of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub ppm: i64,
    pub sample: i64,
}

/// A median with how many there were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    pub days: i32,
    pub sample: i64,
}

/// What clicks earned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PerClick {
    /// Of all clicks together.
    pub earned_minor: i64,
    pub currency: String,
    pub clicks: i64,
}

impl PerClick {
    /// In millionths of the currency's minor unit, half-even: what listings are ordered by.
    #[must_use]
    pub fn micro_minor(&self) -> i64 {
        money::proportion(self.earned_minor, WHOLE_PPM, self.clicks)
    }
}

/// The day of a moment (UTC), in days since 1970-01-01.
#[must_use]
pub fn day_of(at: DateTime<Utc>) -> i32 {
    let days = at.date_naive().signed_duration_since(NaiveDate::default()).num_days();
    i32::try_from(days).unwrap_or_default()
}

/// When a day begins.
#[must_use]
pub fn begin_of(day: i32) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(i64::from(day))
}

/// The first day of the window that ends with `day`.
#[must_use]
pub fn window_begin(day: i32) -> i32 {
    day - (WINDOW_DAYS - 1)
}

/// Whole days of a wait, as they are told apart.
#[must_use]
pub fn whole_days(from: DateTime<Utc>, to: DateTime<Utc>) -> i32 {
    let days = i32::try_from((to - from).num_days()).unwrap_or(MAX_WAIT_DAYS);
    days.clamp(0, MAX_WAIT_DAYS)
}

/// The lower median of what is counted by value: one that was really waited.
#[must_use]
pub fn median(counts: &BTreeMap<i32, i64>) -> Option<i32> {
    let total: i64 = counts.values().sum();
    let mut seen = 0;
    counts.iter().find_map(|(value, count)| {
        seen += count;
        (seen * 2 >= total && total > 0).then_some(*value)
    })
}

fn rate(part: i64, of: i64, least: i64) -> Option<Rate> {
    let ppm = money::proportion(WHOLE_PPM, part, of);
    (of >= least).then_some(Rate { ppm, sample: of })
}

/// Of clicks, how many led to a conversion they won.
#[must_use]
pub fn conversion_rate(clicked: i64, clicks: i64) -> Option<Rate> {
    rate(clicked, clicks, MIN_CLICKS)
}

/// Of conversions with an amount, from how many something came back.
#[must_use]
pub fn reversal_rate(reversed: i64, kept: i64) -> Option<Rate> {
    rate(reversed, kept, MIN_CONVERSIONS)
}

/// Of conversions that were decided, how many were approved.
#[must_use]
pub fn approval_rate(row: &program_trust::Model) -> Option<Rate> {
    rate(row.approved, row.approved + row.rejected, MIN_CONVERSIONS)
}

#[must_use]
pub fn per_click(row: &program_trust::Model) -> Option<PerClick> {
    let currency = row.currency.clone().filter(|_| row.clicks >= MIN_CLICKS)?;
    Some(PerClick {
        earned_minor: row.earned_minor,
        currency,
        clicks: row.clicks,
    })
}

#[must_use]
pub fn days_to_approve(row: &program_trust::Model) -> Option<Wait> {
    wait(row.approve_days, row.approvals)
}

#[must_use]
pub fn days_to_pay(row: &program_trust::Model) -> Option<Wait> {
    wait(row.pay_days, row.payments)
}

fn wait(days: Option<i32>, sample: i64) -> Option<Wait> {
    let days = days.filter(|_| sample >= MIN_CONVERSIONS)?;
    Some(Wait { days, sample })
}

/// The same numbers, whenever they were summed?
#[must_use]
pub fn same_program(a: &program_trust::Model, b: &program_trust::Model) -> bool {
    let at = b.measured_at;
    program_trust::Model {
        measured_at: at,
        ..a.clone()
    } == *b
}

/// The same numbers, whenever they were summed?
#[must_use]
pub fn same_partner(a: &partner_trust::Model, b: &partner_trust::Model) -> bool {
    let at = b.measured_at;
    partner_trust::Model {
        measured_at: at,
        ..a.clone()
    } == *b
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_one_that_was_waited() {
        let of = |counts: &[(i32, i64)]| median(&counts.iter().copied().collect());
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[(7, 1)]), Some(7));
        // 1 1 30 30: the lower of the two in the middle.
        assert_eq!(of(&[(1, 2), (30, 2)]), Some(1));
        assert_eq!(of(&[(1, 2), (30, 3)]), Some(30));
        assert_eq!(of(&[(0, 0), (3, 1)]), Some(3));
    }

    #[test]
    fn shares_are_shown_from_their_least_sample_on() {
        assert_eq!(conversion_rate(3, 99), None);
        assert_eq!(
            conversion_rate(3, 100),
            Some(Rate {
                ppm: 30_000,
                sample: 100
            })
        );
        assert_eq!(reversal_rate(0, 19), None);
        assert_eq!(
            reversal_rate(1, 30),
            Some(Rate {
                ppm: 33_333,
                sample: 30
            })
        );
        assert_eq!(reversal_rate(0, 0), None);
    }

    #[test]
    fn days_begin_at_midnight() {
        let noon = begin_of(20_000) + TimeDelta::hours(12);
        assert_eq!(day_of(noon), 20_000);
        assert_eq!(day_of(begin_of(20_000)), 20_000);
        assert_eq!(day_of(begin_of(20_000) - TimeDelta::microseconds(1)), 19_999);
        assert_eq!(window_begin(100), 11, "90 days: 11 to 100");
        assert_eq!(whole_days(noon, noon + TimeDelta::hours(47)), 1);
        assert_eq!(whole_days(noon, noon - TimeDelta::hours(1)), 0);
        assert_eq!(whole_days(noon, noon + TimeDelta::days(4_000)), MAX_WAIT_DAYS);
    }

    #[test]
    fn a_click_earns_millionths() {
        let earned = PerClick {
            earned_minor: 1_000,
            currency: "EUR".to_owned(),
            clicks: 300,
        };
        assert_eq!(earned.micro_minor(), 3_333_333);
    }
}
