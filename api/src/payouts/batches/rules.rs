//! When a schedule comes round: pure decisions. Days are those of UTC.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, Utc};
use entity::brand::PayoutSchedule;

/// Between the two days of a month on which payouts are made twice a month.
const HALF: u32 = 15;

/// Days that a schedule knows.
#[must_use]
pub fn days(schedule: PayoutSchedule) -> std::ops::RangeInclusive<i32> {
    match schedule {
        PayoutSchedule::None => 1..=1,
        PayoutSchedule::Weekly => 1..=7,
        PayoutSchedule::TwiceAMonth => 1..=13,
        // Every month has it.
        PayoutSchedule::Monthly => 1..=28,
    }
}

/// The next midnight of a schedule after a moment.
#[must_use]
pub fn next(schedule: PayoutSchedule, day: i32, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let day = u32::try_from(day).ok()?;
    let is_due = |date: NaiveDate| match schedule {
        PayoutSchedule::None => false,
        PayoutSchedule::Weekly => date.weekday().number_from_monday() == day,
        PayoutSchedule::TwiceAMonth => date.day() == day || date.day() == day + HALF,
        PayoutSchedule::Monthly => date.day() == day,
    };
    let today = after.date_naive();
    // No schedule has a longer pause than a month.
    (1..=31)
        .filter_map(|days| today.checked_add_days(Days::new(days)))
        .find(|date| is_due(*date))
        .map(|date| date.and_time(NaiveTime::MIN).and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_schedule_comes_round_on_its_days() {
        // The 27th of November 2026 is a Friday.
        let now = at("2026-11-27T10:00:00Z");
        for (schedule, day, expected) in [
            (PayoutSchedule::Weekly, 1, "2026-11-30T00:00:00Z"),
            (PayoutSchedule::Weekly, 5, "2026-12-04T00:00:00Z"),
            (PayoutSchedule::TwiceAMonth, 1, "2026-12-01T00:00:00Z"),
            (PayoutSchedule::TwiceAMonth, 13, "2026-11-28T00:00:00Z"),
            (PayoutSchedule::Monthly, 27, "2026-12-27T00:00:00Z"),
            (PayoutSchedule::Monthly, 28, "2026-11-28T00:00:00Z"),
        ] {
            assert_eq!(next(schedule, day, now), Some(at(expected)), "{schedule:?} {day}");
        }
        assert_eq!(next(PayoutSchedule::None, 1, now), None);
        // From the end of January over February.
        assert_eq!(
            next(PayoutSchedule::Monthly, 28, at("2027-01-28T00:00:00Z")),
            Some(at("2027-02-28T00:00:00Z"))
        );
    }
}
