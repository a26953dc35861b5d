//! Providers to try things out with: small servers on this machine that are as strict as the real ones, keep a book of what they
//! paid, and fail when told to.
//!
//! What they know is in memory. States go on by [`tick`](paypal::FakePayPal::tick), as fast as whoever holds them likes; each
//! change leaves a signed event that is sent when, how often and in which order is asked for.

pub mod events;
pub mod fault;
pub mod paypal;
pub mod razorpay;
mod strict;
pub mod stripe;

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

pub use self::{
    events::{Events, Happened, Manner, Order},
    fault::{Fault, Faults, Place},
};

/// Money that left, once for each time that it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// Our key of the item.
    pub key: String,
    /// The receiver, as the provider was told.
    pub to: String,
    pub amount_minor: i64,
    pub currency: String,
}

/// What a fake has, and what it paid.
#[derive(Debug, Default)]
pub(super) struct Book {
    movements: Vec<Movement>,
    /// What is there, by currency; without a bound where nothing is said.
    balances: BTreeMap<String, i64>,
}

impl Book {
    fn covers(&self, currency: &str, amount_minor: i64) -> bool {
        self.balances
            .get(currency)
            .is_none_or(|balance| *balance >= amount_minor)
    }

    fn take(&mut self, currency: &str, amount_minor: i64) {
        if let Some(balance) = self.balances.get_mut(currency) {
            *balance -= amount_minor;
        }
    }
}

/// A server that stops when it is dropped.
struct Server {
    address: SocketAddr,
    _serving: AbortOnDropHandle<()>,
}

impl Server {
    /// On a free port of this machine.
    async fn start(router: Router) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let serving = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "a fake provider stopped");
            }
        });
        Ok(Self {
            address,
            _serving: AbortOnDropHandle::new(serving),
        })
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
