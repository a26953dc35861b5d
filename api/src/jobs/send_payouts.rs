//! Sends what was just handed over to providers. Run again, it goes on where it stopped.

use entity::job;

use crate::{app::App, jobs::worker::JobError, payouts::sending::follow};

pub async fn run(app: App, _job: job::Model) -> Result<(), JobError> {
    follow(&app).await?;
    Ok(())
}
