//! Does the jobs of the queue: at least once each, a few at a time.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use entity::job;
use futures_util::{FutureExt, future::BoxFuture};
use sea_orm::DbErr;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    app::App,
    error::Fault,
    queue::claims::{self, Failed, Hope},
};

/// Jobs of one process at once.
const AT_ONCE: usize = 4;
/// Pause when nothing is due: how late a job that waited for its time may be.
const IDLE: Duration = Duration::from_secs(1);
/// Pause after a fault, so that a database that is down is not hammered.
const AFTER_FAULT: Duration = Duration::from_secs(1);
/// Well within the lease, so that one failed renewal is not the loss of the job.
const RENEW_EVERY: Duration = Duration::from_secs(10);
/// A run that takes longer has failed.
const MAX_RUN: Duration = Duration::from_secs(600);
/// What a stopping process gives its jobs to end; then they are handed back.
const DRAIN: Duration = Duration::from_secs(7);

/// Why a run failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobError {
    /// Another run may help: it is tried again later, until the attempts are used up.
    Retry(String),
    /// No other run can help: the job is dead at once.
    Hopeless(String),
}

impl JobError {
    pub fn hopeless(why: impl fmt::Display) -> Self {
        Self::Hopeless(why.to_string())
    }
}

impl From<Fault> for JobError {
    fn from(fault: Fault) -> Self {
        Self::Retry(fault.to_string())
    }
}

impl From<DbErr> for JobError {
    fn from(error: DbErr) -> Self {
        Self::Retry(error.to_string())
    }
}

type Handler = Arc<dyn Fn(App, job::Model) -> BoxFuture<'static, Result<(), JobError>> + Send + Sync>;

/// Who does which kind of job.
#[derive(Clone, Default)]
pub struct Handlers(BTreeMap<&'static str, Handler>);

impl Handlers {
    /// Names the handler of a kind. It may be run again after it has done its work, and must then change nothing.
    #[must_use]
    pub fn on<Run, Running>(mut self, kind: &'static str, run: Run) -> Self
    where
        Run: Fn(App, job::Model) -> Running + Send + Sync + 'static,
        Running: Future<Output = Result<(), JobError>> + Send + 'static,
    {
        self.0.insert(kind, Arc::new(move |app, job| run(app, job).boxed()));
        self
    }

    fn kinds(&self) -> Vec<&'static str> {
        self.0.keys().copied().collect()
    }
}

/// Runs until told to stop, then gives what runs a while to end.
pub async fn run(app: App, handlers: Handlers, stop: CancellationToken) {
    let mut running = JoinSet::new();
    let give_up = CancellationToken::new();
    while !stop.is_cancelled() {
        let free = AT_ONCE - running.len();
        let mut pause = IDLE;
        if free > 0 {
            match start_due(&app, &handlers, free, &mut running, &give_up).await {
                Ok(0) => {}
                Ok(_) => continue,
                Err(error) => {
                    tracing::error!(%error, "due jobs could not be taken; trying again later");
                    pause = AFTER_FAULT;
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => break,
            Some(ended) = running.join_next() => report(ended),
            () = app.jobs_wakeup.notified(), if free > 0 => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
    let drained = async {
        while let Some(ended) = running.join_next().await {
            report(ended);
        }
    };
    if tokio::time::timeout(DRAIN, drained).await.is_err() {
        tracing::warn!(jobs = running.len(), "jobs that did not end in time are handed back");
        give_up.cancel();
        while let Some(ended) = running.join_next().await {
            report(ended);
        }
    }
}

/// Runs everything that is due now, one after another; returns how many runs that were. For tests and commands.
pub async fn run_due(app: &App, handlers: &Handlers) -> Result<usize, DbErr> {
    let mut runs = 0;
    loop {
        let claimed = claims::claim(app, &handlers.kinds(), 1).await?;
        if claimed.is_empty() {
            return Ok(runs);
        }
        for job in claimed {
            do_job(app.clone(), handlers.clone(), job, CancellationToken::new()).await;
            runs += 1;
        }
    }
}

fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a job's keeper ended badly; its lease runs out by itself");
    }
}

async fn start_due(
    app: &App,
    handlers: &Handlers,
    free: usize,
    running: &mut JoinSet<()>,
    give_up: &CancellationToken,
) -> Result<usize, DbErr> {
    let limit = u64::try_from(free).unwrap_or(1);
    let claimed = claims::claim(app, &handlers.kinds(), limit).await?;
    let started = claimed.len();
    for job in claimed {
        running.spawn(do_job(app.clone(), handlers.clone(), job, give_up.clone()));
    }
    Ok(started)
}

/// How a run came to its end.
enum Ended {
    Done,
    Failed(JobError),
    /// The lease could not be kept: whoever has the job now decides.
    Lost,
    /// The process stops.
    BrokenOff,
}

/// One run with everything that belongs to it. Whatever cannot be written here is settled by the lease, which runs out.
async fn do_job(app: App, handlers: Handlers, job: job::Model, give_up: CancellationToken) {
    let (Some(handler), Some(run)) = (handlers.0.get(job.kind.as_str()), job.leased_by) else {
        return;
    };
    let ended = watch(&app, handler(app.clone(), job.clone()), &job, run, &give_up).await;
    if let Err(error) = settle(&app, &job, run, ended).await {
        tracing::error!(%error, job = %job.id, "what became of a job could not be written; it will be done again");
    }
}

/// Runs the work, renewing the lease beside it. The work is a task of its own, so that its panic is only its failure.
async fn watch(
    app: &App,
    work: BoxFuture<'static, Result<(), JobError>>,
    job: &job::Model,
    run: Uuid,
    give_up: &CancellationToken,
) -> Ended {
    let mut work = JoinSet::from_iter([work]);
    let deadline = tokio::time::sleep(MAX_RUN);
    tokio::pin!(deadline);
    loop {
        tokio::select! {
            Some(ended) = work.join_next() => return match ended {
                Ok(Ok(())) => Ended::Done,
                Ok(Err(error)) => Ended::Failed(error),
                Err(_) => Ended::Failed(JobError::Retry("the job panicked".to_owned())),
            },
            () = give_up.cancelled() => return Ended::BrokenOff,
            () = &mut deadline => {
                let seconds = MAX_RUN.as_secs();
                return Ended::Failed(JobError::Retry(format!("the job took more than {seconds} seconds")));
            }
            () = tokio::time::sleep(RENEW_EVERY) => match claims::renew(app, job.id, run).await {
                Ok(true) => {}
                Ok(false) => return Ended::Lost,
                Err(error) => tracing::warn!(%error, job = %job.id, "a job's lease could not be renewed"),
            },
        }
    }
}

async fn settle(app: &App, job: &job::Model, run: Uuid, ended: Ended) -> Result<(), DbErr> {
    let ran = |outcome| app.metrics.job_ran(&job.kind, outcome);
    let (error, hope) = match ended {
        Ended::Done => {
            ran("done");
            if !claims::finish(app, job.id, run).await? {
                tracing::warn!(job = %job.id, kind = job.kind, "a job was done after its lease; it is done again");
            }
            return Ok(());
        }
        Ended::Lost => {
            ran("lost");
            tracing::warn!(job = %job.id, kind = job.kind, "a job's lease was lost; another worker has it");
            return Ok(());
        }
        Ended::BrokenOff => {
            ran("handed_back");
            return claims::hand_back(app, job.id, run).await;
        }
        Ended::Failed(JobError::Retry(error)) => (error, Hope::Retry),
        Ended::Failed(JobError::Hopeless(error)) => (error, Hope::None),
    };
    match claims::fail(app, job, run, &error, hope).await? {
        Failed::Again(run_at) => {
            ran("failed");
            tracing::warn!(job = %job.id, kind = job.kind, error, %run_at, "a job failed and is tried again");
        }
        Failed::Dead => {
            ran("dead");
            tracing::error!(job = %job.id, kind = job.kind, error, "a job failed for good and is dead");
        }
        Failed::Lost => {
            ran("lost");
            tracing::warn!(job = %job.id, kind = job.kind, error, "a job failed after its lease");
        }
    }
    Ok(())
}
