//! Spares an engine that is away, and those who wait for it: after a failure nobody asks for a while, then one tries.

use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

/// How long nobody asks after a failure.
pub const REST: TimeDelta = TimeDelta::seconds(5);

#[derive(Clone, Copy)]
enum State {
    Answers,
    /// It failed; nobody asks before then.
    Rests(DateTime<Utc>),
    /// Somebody tries whether it answers again; a trial that is given up leaves the time from which the next may begin.
    Tried(DateTime<Utc>),
}

pub struct Breaker(Mutex<State>);

impl Default for Breaker {
    fn default() -> Self {
        Self(Mutex::new(State::Answers))
    }
}

/// The right to ask once. Dropped without a word, it was never used.
pub struct Turn<'a> {
    breaker: &'a Breaker,
    is_trial: bool,
}

impl Breaker {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whoever may ask now gets a turn.
    pub fn turn(&self, now: DateTime<Utc>) -> Option<Turn<'_>> {
        let mut state = self.state();
        let is_trial = match *state {
            State::Answers => false,
            State::Rests(until) if until <= now => {
                *state = State::Tried(until);
                true
            }
            State::Rests(_) | State::Tried(_) => return None,
        };
        Some(Turn {
            breaker: self,
            is_trial,
        })
    }
}

impl Turn<'_> {
    /// It answered, whatever it said.
    pub fn answered(self) {
        if self.is_trial {
            *self.breaker.state() = State::Answers;
        }
    }

    /// It did not answer.
    pub fn failed(self, now: DateTime<Utc>) {
        *self.breaker.state() = State::Rests(now + REST);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if !self.is_trial {
            return;
        }
        let mut state = self.breaker.state();
        if let State::Tried(until) = *state {
            *state = State::Rests(until);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_tries_after_a_rest() {
        let breaker = Breaker::default();
        let began = DateTime::UNIX_EPOCH;
        let (first, second) = (breaker.turn(began).unwrap(), breaker.turn(began).unwrap());
        first.failed(began);
        // One that was under way says nothing about now.
        second.answered();
        assert!(breaker.turn(began).is_none());
        let later = began + REST;
        let trial = breaker.turn(later).unwrap();
        assert!(breaker.turn(later).is_none(), "one at a time");
        drop(trial);
        let trial = breaker.turn(later).unwrap();
        trial.failed(later);
        assert!(breaker.turn(later).is_none());
        breaker.turn(later + REST).unwrap().answered();
        assert!(breaker.turn(later).is_some() && breaker.turn(later).is_some());
    }
}
