//! Deletes what nobody needs any more: links that have run out, and the rows of mails long closed.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{accounts::service as accounts, app::App, error::Fault, mail};

const EVERY: Duration = Duration::from_secs(60 * 60);

/// Runs until told to stop.
pub async fn run(app: App, stop: CancellationToken) {
    loop {
        if let Err(fault) = forget(&app).await {
            tracing::error!(%fault, "what has run out could not be deleted; trying again later");
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// Deletes what has run out by the clock.
pub async fn forget(app: &App) -> Result<(), Fault> {
    accounts::forget_links(app).await?;
    mail::forget(app).await?;
    Ok(())
}
