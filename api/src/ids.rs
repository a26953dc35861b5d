//! Where ids and secrets come from: one injected source, seeded in tests.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use entity::ids::TypedId;
use rand::{RngCore, SeedableRng, rngs::StdRng};
use uuid::{Builder, Uuid};

/// Makes UUIDv7 that grow within the process even inside one millisecond, so that "by id" means "by creation".
pub struct Ids(Mutex<State>);

struct State {
    random: StdRng,
    last_millis: u64,
    counter: u16,
}

/// Ids of one millisecond before the next one is borrowed: what the 12 bits behind the version hold.
const MAX_PER_MILLI: u16 = 0x0fff;

impl Ids {
    #[must_use]
    pub fn from_os() -> Self {
        Self::with_random(StdRng::from_os_rng())
    }

    /// The same sequence for the same seed: for tests and replays only, never for secrets of a real installation.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self::with_random(StdRng::seed_from_u64(seed))
    }

    fn with_random(random: StdRng) -> Self {
        Self(Mutex::new(State {
            random,
            last_millis: 0,
            counter: 0,
        }))
    }

    #[must_use]
    pub fn uuid(&self, now: DateTime<Utc>) -> Uuid {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let millis = u64::try_from(now.timestamp_millis()).unwrap_or(0);
        // Compare with a window: a clock set back by hand (a replay of old data) starts a sequence of its own.
        let near = millis <= state.last_millis && state.last_millis - millis < 1_000;
        if near {
            if state.counter == MAX_PER_MILLI {
                state.last_millis += 1;
                state.counter = 0;
            } else {
                state.counter += 1;
            }
        } else {
            state.last_millis = millis;
            state.counter = 0;
        }
        let mut tail = [0; 10];
        state.random.fill_bytes(&mut tail);
        tail[..2].copy_from_slice(&state.counter.to_be_bytes());
        Builder::from_unix_timestamp_millis(state.last_millis, &tail).into_uuid()
    }

    pub fn new_id<T: TypedId>(&self, now: DateTime<Utc>) -> T {
        T::from_uuid(self.uuid(now))
    }

    /// Unpredictable bytes for keys, tokens and nonces.
    #[must_use]
    pub fn secret<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .random
            .fill_bytes(&mut bytes);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_one_millisecond_grow() {
        let ids = Ids::seeded(1);
        let now = DateTime::from_timestamp_millis(1_700_000_000_000).unwrap();
        let made: Vec<Uuid> = (0..10_000).map(|_| ids.uuid(now)).collect();
        assert!(made.is_sorted_by(|a, b| a < b));
        assert_eq!(made[0].get_version_num(), 7);
    }
}
