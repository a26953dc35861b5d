//! Writes once a minute which API keys were used.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{accounts::service::write_last_used, app::App};

const EVERY: Duration = Duration::from_secs(60);

/// Runs until told to stop, and writes what is left then.
pub async fn run(app: App, stop: CancellationToken) {
    loop {
        let stopping = tokio::select! {
            () = stop.cancelled() => true,
            () = tokio::time::sleep(EVERY) => false,
        };
        if let Err(error) = write_last_used(&app).await {
            tracing::error!(%error, "which keys were used could not be written; it is forgotten");
        }
        if stopping {
            break;
        }
    }
}
