//! How often somebody may try a password, or have a link sent.
//!
//! Attempts are counted for a subject (an account, an address) and the client that makes them, and for a client whatever
//! the subject. Never for a subject alone: then anyone could lock its owner out. A subject that does not exist is counted
//! like one that does, so the limit tells nobody which is which.
//!
//! The counts live in the process: with several API processes a client has the limits once in each, which is enough
//! against guessing and needs no store that could fail. Whoever comes through a proxy is counted with everyone who does.
//! What must hold across processes, how many links a mailbox is sent, is counted in the database (`service/links.rs`).

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, Utc};

use crate::error::ApiError;

/// Wrong passwords of a client with one account in a window.
pub const FAILURES_PER_ACCOUNT: u32 = 10;
/// Wrong passwords of a client with all accounts, and sign-ups with addresses that are taken, in a window.
pub const FAILURES_PER_CLIENT: u32 = 100;
/// How long failures count.
pub const WINDOW_MINUTES: i64 = 15;
/// Links a client may ask for to one address in a window.
pub const LINKS_PER_ADDRESS: u32 = 5;
/// Links a client may ask for in a window.
pub const LINKS_PER_CLIENT: u32 = 50;
/// How long links count.
pub const LINK_WINDOW_MINUTES: i64 = 60;
/// Looks at channels of one partner by a client in a window.
pub const CHECKS_PER_PARTNER: u32 = 10;
/// Looks at channels by a client in a window.
pub const CHECKS_PER_CLIENT: u32 = 50;
/// How long looks count.
pub const CHECK_WINDOW_MINUTES: i64 = 60;
/// Counts of each kind that are kept. Beyond, an earlier one is forgotten and starts afresh.
const MAX_COUNTS: usize = 50_000;

/// Who tries; absent when the address is not known, which is one client for all of them.
pub type Client = Option<IpAddr>;

/// Too many of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// The limit in words.
    what: &'static str,
    limit: u32,
    window_minutes: i64,
    pub retry_after_seconds: i64,
}

impl From<Exceeded> for ApiError {
    fn from(exceeded: Exceeded) -> Self {
        let Exceeded {
            what,
            limit,
            window_minutes,
            retry_after_seconds,
        } = exceeded;
        // Minutes begun count whole.
        let minutes = (retry_after_seconds + 59) / 60;
        Self::RateLimited {
            message: format!("at most {limit} {what} in {window_minutes} min; try again in {minutes} min"),
            retry_after_seconds: Some(retry_after_seconds),
        }
    }
}

/// Fixed windows, the same for everyone, so that starting a new one is forgetting the old.
pub struct Throttle {
    what: &'static str,
    per_subject: u32,
    per_client: u32,
    window_minutes: i64,
    window: Mutex<Window>,
}

#[derive(Default)]
struct Window {
    number: i64,
    subjects: HashMap<(String, Client), u32>,
    clients: HashMap<Client, u32>,
}

impl Throttle {
    #[must_use]
    pub fn of_passwords() -> Self {
        Self {
            what: "wrong passwords",
            per_subject: FAILURES_PER_ACCOUNT,
            per_client: FAILURES_PER_CLIENT,
            window_minutes: WINDOW_MINUTES,
            window: Mutex::default(),
        }
    }

    #[must_use]
    pub fn of_links() -> Self {
        Self {
            what: "mails with a link",
            per_subject: LINKS_PER_ADDRESS,
            per_client: LINKS_PER_CLIENT,
            window_minutes: LINK_WINDOW_MINUTES,
            window: Mutex::default(),
        }
    }

    #[must_use]
    pub fn of_channels() -> Self {
        Self {
            what: "looks at channels",
            per_subject: CHECKS_PER_PARTNER,
            per_client: CHECKS_PER_CLIENT,
            window_minutes: CHECK_WINDOW_MINUTES,
            window: Mutex::default(),
        }
    }

    /// Takes one attempt, counted until it is taken back, so that many at once are not free. `subject` is of bounded
    /// length.
    pub fn attempt(&self, subject: &str, client: Client, now: DateTime<Utc>) -> Result<(), Exceeded> {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        self.turn(&mut window, now);
        let pair = (subject.to_owned(), client);
        let of_subject = window.subjects.get(&pair).copied().unwrap_or(0);
        let of_client = window.clients.get(&client).copied().unwrap_or(0);
        if of_subject >= self.per_subject {
            return Err(self.exceeded(self.per_subject, &window, now));
        }
        if of_client >= self.per_client {
            return Err(self.exceeded(self.per_client, &window, now));
        }
        count(&mut window.subjects, pair, of_subject + 1);
        count(&mut window.clients, client, of_client + 1);
        Ok(())
    }

    /// The same for an attempt that has no subject.
    pub fn attempt_of_client(&self, client: Client, now: DateTime<Utc>) -> Result<(), Exceeded> {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        self.turn(&mut window, now);
        let of_client = window.clients.get(&client).copied().unwrap_or(0);
        if of_client >= self.per_client {
            return Err(self.exceeded(self.per_client, &window, now));
        }
        count(&mut window.clients, client, of_client + 1);
        Ok(())
    }

    /// The attempt was a good one: forgets this client's attempts at the subject, and the attempt itself.
    pub fn succeed(&self, subject: &str, client: Client) {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        window.subjects.remove(&(subject.to_owned(), client));
        take_back(&mut window, client);
    }

    /// The same for an attempt that has no subject.
    pub fn succeed_of_client(&self, client: Client) {
        take_back(&mut self.window.lock().unwrap_or_else(PoisonError::into_inner), client);
    }

    fn seconds(&self) -> i64 {
        self.window_minutes * 60
    }

    fn turn(&self, window: &mut Window, now: DateTime<Utc>) {
        let number = now.timestamp().div_euclid(self.seconds());
        if window.number != number {
            *window = Window {
                number,
                ..Window::default()
            };
        }
    }

    fn exceeded(&self, limit: u32, window: &Window, now: DateTime<Utc>) -> Exceeded {
        Exceeded {
            what: self.what,
            limit,
            window_minutes: self.window_minutes,
            retry_after_seconds: (window.number + 1) * self.seconds() - now.timestamp(),
        }
    }
}

fn take_back(window: &mut Window, client: Client) {
    if let Some(attempts) = window.clients.get_mut(&client) {
        *attempts = attempts.saturating_sub(1);
    }
}

fn count<K: Eq + std::hash::Hash + Clone>(counts: &mut HashMap<K, u32>, key: K, number: u32) {
    if counts.len() >= MAX_COUNTS
        && !counts.contains_key(&key)
        && let Some(forgotten) = counts.keys().next().cloned()
    {
        counts.remove(&forgotten);
    }
    counts.insert(key, number);
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn noon() -> DateTime<Utc> {
        DateTime::from_timestamp(1_699_963_200, 0).unwrap()
    }

    fn client(last: u8) -> Client {
        Some(IpAddr::from([127, 0, 0, last]))
    }

    #[test]
    fn attempts_run_out_for_one_client_and_account() {
        let throttle = Throttle::of_passwords();
        for _ in 0..FAILURES_PER_ACCOUNT {
            assert_eq!(throttle.attempt("ada", client(1), noon()), Ok(()));
        }
        let later = noon() + TimeDelta::seconds(61);
        let exceeded = throttle.attempt("ada", client(1), later).unwrap_err();
        assert_eq!(exceeded.retry_after_seconds, WINDOW_MINUTES * 60 - 61);
        assert_eq!(
            ApiError::from(exceeded).public_message(),
            "at most 10 wrong passwords in 15 min; try again in 14 min"
        );
        assert_eq!(throttle.attempt("ada", client(2), later), Ok(()), "elsewhere");
        assert_eq!(throttle.attempt("eve", client(1), later), Ok(()), "another account");
        let next = noon() + TimeDelta::minutes(WINDOW_MINUTES);
        assert_eq!(throttle.attempt("ada", client(1), next), Ok(()));
    }

    #[test]
    fn attempts_run_out_for_one_client_whatever_the_account() {
        let throttle = Throttle::of_passwords();
        for number in 0..FAILURES_PER_CLIENT {
            assert_eq!(throttle.attempt(&number.to_string(), client(1), noon()), Ok(()));
        }
        assert!(throttle.attempt("ada", client(1), noon()).is_err());
        assert_eq!(throttle.attempt("ada", client(2), noon()), Ok(()));
    }

    #[test]
    fn success_is_no_failure_and_forgives_no_other_account() {
        let throttle = Throttle::of_passwords();
        for _ in 0..FAILURES_PER_CLIENT * 2 {
            assert_eq!(throttle.attempt("ada", client(1), noon()), Ok(()));
            throttle.succeed("ada", client(1));
        }
        for _ in 0..FAILURES_PER_ACCOUNT {
            assert_eq!(throttle.attempt("eve", client(1), noon()), Ok(()));
        }
        throttle.succeed("ada", client(1));
        assert!(throttle.attempt("eve", client(1), noon()).is_err());
    }

    #[test]
    fn memory_is_bounded() {
        let throttle = Throttle::of_passwords();
        for number in 0..(u32::try_from(MAX_COUNTS).unwrap() + 100) {
            let client = Some(IpAddr::from(number.to_be_bytes()));
            assert_eq!(throttle.attempt("ada", client, noon()), Ok(()));
        }
        let window = throttle.window.lock().unwrap();
        assert_eq!((window.subjects.len(), window.clients.len()), (MAX_COUNTS, MAX_COUNTS));
    }
}
