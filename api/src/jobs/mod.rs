//! What runs beside the requests, in processes with the role for it: loops, and the jobs of the queue, one file a kind.

pub mod approve_due;
pub mod dead;
pub mod decide_applications;
pub mod error;
pub mod forget;
pub mod loaders;
pub mod mutations;
pub mod periodic;
pub mod queries;
pub mod send_mail;
pub mod send_payouts;
pub mod types;
pub mod worker;
pub mod write_clicks;
pub mod write_last_used;

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{app::App, config::Role, jobs::worker::Handlers, mail, marketplace::indexing, outbox, payouts::sending};

/// Who does which kind of job.
#[must_use]
pub fn handlers() -> Handlers {
    Handlers::default()
        .on(mail::SEND_MAIL, send_mail::run)
        .on(sending::SEND_PAYOUTS, send_payouts::run)
}

/// Starts the jobs of the role. They end soon after the token does; wait for the tracker.
#[must_use]
pub fn spawn(app: &App, stop: &CancellationToken, role: Role) -> TaskTracker {
    let jobs = TaskTracker::new();
    match role {
        Role::All | Role::Worker => {
            jobs.spawn(outbox::relay::run(app.clone(), stop.clone()));
            for periodic in periodic::ALL {
                jobs.spawn(periodic::run(app.clone(), periodic, stop.clone()));
            }
            jobs.spawn(worker::run(app.clone(), handlers(), stop.clone()));
        }
        Role::Api => {}
    }
    // Clicks, and which sessions and keys were used, wait in the process that answered.
    if role != Role::Worker {
        jobs.spawn(write_last_used::run(app.clone(), stop.clone()));
        jobs.spawn(write_clicks::run(app.clone(), stop.clone()));
    }
    // An index in memory is kept by the process that searches it, a shared one by whoever does the jobs.
    let away_from = if app.search.shared().is_some() {
        Role::Api
    } else {
        Role::Worker
    };
    if role != away_from {
        jobs.spawn(indexing::run(app.clone(), stop.clone()));
    }
    jobs.close();
    jobs
}
