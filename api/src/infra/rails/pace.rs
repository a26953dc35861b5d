//! Waiting between tries, injected so that tests do not.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use rand::{Rng, SeedableRng, rngs::StdRng};

#[async_trait]
pub trait Pace: Send + Sync {
    async fn sleep(&self, pause: Duration);

    /// Somewhere between nothing and `most`, so that many who wait do not come back at once.
    fn jitter(&self, most: Duration) -> Duration;
}

/// Really waits.
pub struct RealPace(Mutex<StdRng>);

impl Default for RealPace {
    fn default() -> Self {
        Self(Mutex::new(StdRng::from_os_rng()))
    }
}

#[async_trait]
impl Pace for RealPace {
    async fn sleep(&self, pause: Duration) {
        tokio::time::sleep(pause).await;
    }

    fn jitter(&self, most: Duration) -> Duration {
        let most = u64::try_from(most.as_millis()).unwrap_or(u64::MAX);
        let mut random = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Duration::from_millis(random.random_range(0..=most))
    }
}

/// Does not wait, and remembers for how long it would have. Its jitter is the most there is.
#[derive(Default)]
pub struct NoPace(Mutex<Vec<Duration>>);

impl NoPace {
    #[must_use]
    pub fn slept(&self) -> Vec<Duration> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Pace for NoPace {
    async fn sleep(&self, pause: Duration) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(pause);
    }

    fn jitter(&self, most: Duration) -> Duration {
        most
    }
}
