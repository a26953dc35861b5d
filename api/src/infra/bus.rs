//! Wakes whoever waits for new events. The bus carries only "the log has grown to this position": listeners read the
//! events themselves from the database, so a lost or doubled wake-up can neither lose nor double an event.

use std::sync::Arc;

use tokio::sync::watch;

/// The in-process bus. Clones share one channel.
#[derive(Clone)]
pub struct Bus(Arc<watch::Sender<i64>>);

impl Default for Bus {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

impl Bus {
    /// The log has grown to `position`.
    pub fn announce(&self, position: i64) {
        self.0.send_modify(|current| *current = (*current).max(position));
    }

    #[must_use]
    pub fn listen(&self) -> watch::Receiver<i64> {
        self.0.subscribe()
    }
}
