//! Writes once a minute which sessions and API keys were used.

use std::time::Duration;

use sea_orm::DbErr;
use tokio_util::sync::CancellationToken;

use crate::{accounts::service as accounts, app::App};

const EVERY: Duration = Duration::from_secs(60);

/// Runs until told to stop, and writes what is left then.
pub async fn run(app: App, stop: CancellationToken) {
    loop {
        let stopping = tokio::select! {
            () = stop.cancelled() => true,
            () = tokio::time::sleep(EVERY) => false,
        };
        if let Err(error) = write(&app).await {
            tracing::error!(%error, "which sessions and keys were used could not be written; it is forgotten");
        }
        if stopping {
            break;
        }
    }
}

async fn write(app: &App) -> Result<(), DbErr> {
    accounts::write_keys_last_used(app).await?;
    accounts::write_sessions_last_used(app).await
}
