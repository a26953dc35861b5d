//! What runs beside the requests, in processes with the role for it.

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{app::App, config::Role, outbox};

/// Starts the jobs of the role. They end soon after the token does; wait for the tracker.
#[must_use]
pub fn spawn(app: &App, stop: &CancellationToken, role: Role) -> TaskTracker {
    let jobs = TaskTracker::new();
    match role {
        Role::All | Role::Worker => {
            jobs.spawn(outbox::relay::run(app.clone(), stop.clone()));
        }
        Role::Api => {}
    }
    jobs.close();
    jobs
}
