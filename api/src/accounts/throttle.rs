//! How often somebody may try a password.
//!
//! Failures are counted for an account and the client that tries it, and for a client whatever the account. Never for an
//! account alone: then anyone could lock its owner out. An account that does not exist is counted like one that does, so
//! the limit tells nobody which is which.
//!
//! The counts live in the process: with several API processes a client has the limits once in each, which is enough
//! against guessing and needs no store that could fail. Whoever comes through a proxy is counted with everyone who does.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use chrono::{DateTime, Utc};

/// Failures of a client with one account in a window.
pub const FAILURES_PER_ACCOUNT: u32 = 10;
/// Failures of a client with all accounts in a window.
pub const FAILURES_PER_CLIENT: u32 = 100;
/// How long failures count.
pub const WINDOW_MINUTES: i64 = 15;
const SECONDS_PER_WINDOW: i64 = WINDOW_MINUTES * 60;
/// Counts of each kind that are kept. Beyond, an earlier one is forgotten and starts afresh.
const MAX_COUNTS: usize = 50_000;

/// Who tries; absent when the address is not known, which is one client for all of them.
pub type Client = Option<IpAddr>;

/// Fixed windows, the same for everyone, so that starting a new one is forgetting the old.
#[derive(Default)]
pub struct PasswordThrottle(Mutex<Window>);

#[derive(Default)]
struct Window {
    number: i64,
    accounts: HashMap<(String, Client), u32>,
    clients: HashMap<Client, u32>,
}

impl PasswordThrottle {
    /// Takes one attempt, counted as a failure until it succeeds, so that many at once are not free. Over the limit it
    /// answers how many minutes to wait. `account` is of bounded length.
    pub fn attempt(&self, account: &str, client: Client, now: DateTime<Utc>) -> Result<(), i64> {
        let number = now.timestamp().div_euclid(SECONDS_PER_WINDOW);
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if window.number != number {
            *window = Window {
                number,
                ..Window::default()
            };
        }
        let pair = (account.to_owned(), client);
        let of_account = window.accounts.get(&pair).copied().unwrap_or(0);
        let of_client = window.clients.get(&client).copied().unwrap_or(0);
        if of_account >= FAILURES_PER_ACCOUNT || of_client >= FAILURES_PER_CLIENT {
            let left = (number + 1) * SECONDS_PER_WINDOW - now.timestamp();
            // Minutes begun count whole.
            return Err((left + 59) / 60);
        }
        count(&mut window.accounts, pair, of_account + 1);
        count(&mut window.clients, client, of_client + 1);
        Ok(())
    }

    /// The password was right: forgets this client's failures with the account, and the attempt itself.
    pub fn succeed(&self, account: &str, client: Client) {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        window.accounts.remove(&(account.to_owned(), client));
        if let Some(failures) = window.clients.get_mut(&client) {
            *failures = failures.saturating_sub(1);
        }
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
        let throttle = PasswordThrottle::default();
        for _ in 0..FAILURES_PER_ACCOUNT {
            assert_eq!(throttle.attempt("ada", client(1), noon()), Ok(()));
        }
        let later = noon() + TimeDelta::seconds(61);
        assert_eq!(throttle.attempt("ada", client(1), later), Err(WINDOW_MINUTES - 1));
        assert_eq!(throttle.attempt("ada", client(2), later), Ok(()), "elsewhere");
        assert_eq!(throttle.attempt("eve", client(1), later), Ok(()), "another account");
        let next = noon() + TimeDelta::minutes(WINDOW_MINUTES);
        assert_eq!(throttle.attempt("ada", client(1), next), Ok(()));
    }

    #[test]
    fn attempts_run_out_for_one_client_whatever_the_account() {
        let throttle = PasswordThrottle::default();
        for number in 0..FAILURES_PER_CLIENT {
            assert_eq!(throttle.attempt(&number.to_string(), client(1), noon()), Ok(()));
        }
        assert!(throttle.attempt("ada", client(1), noon()).is_err());
        assert_eq!(throttle.attempt("ada", client(2), noon()), Ok(()));
    }

    #[test]
    fn success_is_no_failure_and_forgives_no_other_account() {
        let throttle = PasswordThrottle::default();
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
        let throttle = PasswordThrottle::default();
        for number in 0..(u32::try_from(MAX_COUNTS).unwrap() + 100) {
            let client = Some(IpAddr::from(number.to_be_bytes()));
            assert_eq!(throttle.attempt("ada", client, noon()), Ok(()));
        }
        let window = throttle.0.lock().unwrap();
        assert_eq!((window.accounts.len(), window.clients.len()), (MAX_COUNTS, MAX_COUNTS));
    }
}
