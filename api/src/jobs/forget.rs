//! Deletes what nobody needs any more: links that have run out, the rows of mails long closed, refused events
//! that nobody has sent again for long, and the names of events that no provider repeats any more.

use crate::{accounts::service as accounts, app::App, conversions::inbox, error::Fault, mail, payouts::rails};

/// Deletes what has run out by the clock.
pub async fn forget(app: &App) -> Result<(), Fault> {
    accounts::forget_links(app).await?;
    mail::forget(app).await?;
    inbox::close::forget(app).await?;
    rails::service::forget(app).await?;
    Ok(())
}
