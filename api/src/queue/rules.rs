//! When a failed job is tried again.

use chrono::TimeDelta;

/// The pause behind the first failure, before it is shortened.
const FIRST_PAUSE_SECONDS: i64 = 10;
/// The longest pause.
const MAX_PAUSE_SECONDS: i64 = 3_600;

/// The pause behind the `attempts`-th failed run: twice the one before, up to an hour, and shortened by up to a half, so
/// that jobs that failed together do not come back together.
#[must_use]
pub fn pause(attempts: i32, dice: u64) -> TimeDelta {
    let doublings = u32::try_from(attempts - 1).unwrap_or(0);
    let whole = 2_i64
        .checked_pow(doublings)
        .and_then(|factor| FIRST_PAUSE_SECONDS.checked_mul(factor))
        .unwrap_or(MAX_PAUSE_SECONDS)
        .min(MAX_PAUSE_SECONDS);
    let half_millis = whole * 500;
    let jitter = i64::try_from(dice % (half_millis.unsigned_abs() + 1)).unwrap_or(0);
    TimeDelta::milliseconds(half_millis + jitter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_an_hour_and_lose_at_most_their_half() {
        for (attempts, whole) in [
            (1, 10),
            (2, 20),
            (3, 40),
            (9, 2_560),
            (10, 3_600),
            (64, 3_600),
            (i32::MAX, 3_600),
        ] {
            assert_eq!(pause(attempts, 0), TimeDelta::milliseconds(whole * 500));
            assert_eq!(
                pause(attempts, u64::try_from(whole * 500).unwrap()),
                TimeDelta::seconds(whole)
            );
            for dice in [1, 77, u64::MAX] {
                let pause = pause(attempts, dice);
                assert!(pause >= TimeDelta::milliseconds(whole * 500) && pause <= TimeDelta::seconds(whole));
            }
        }
    }
}
