//! Deletes what nobody needs any more: links that have run out, and the rows of mails long closed.

use crate::{accounts::service as accounts, app::App, error::Fault, mail};

/// Deletes what has run out by the clock.
pub async fn forget(app: &App) -> Result<(), Fault> {
    accounts::forget_links(app).await?;
    mail::forget(app).await?;
    Ok(())
}
