//! Writes the clicks that wait behind their redirects.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{app::App, tracking::clicks};

const EVERY: Duration = Duration::from_millis(250);

/// Runs until told to stop, and writes what is left then.
pub async fn run(app: App, stop: CancellationToken) {
    loop {
        let stopping = tokio::select! {
            () = stop.cancelled() => true,
            () = tokio::time::sleep(EVERY) => false,
        };
        if let Err(error) = clicks::flush(&app).await {
            tracing::error!(%error, "clicks could not be written; they wait");
        }
        if stopping {
            break;
        }
    }
}
