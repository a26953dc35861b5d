//! What is done again and again, by one process of the installation at a time: whoever takes the row of its name.

use std::time::Duration;

use chrono::TimeDelta;
use entity::periodic_run::{ActiveModel, Column, Entity};
use futures_util::{FutureExt, future::BoxFuture};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, Condition, DbErr, EntityTrait, QueryFilter,
    sea_query::OnConflict,
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::{
    accounts::service as accounts,
    app::App,
    commissions::service::release_due,
    conversions::inbox,
    jobs::{approve_due, decide_applications, forget},
    marketplace::{saved_searches::check::check_saved_searches, trust::measure},
    partnerships::service as partnerships,
    payouts::{batches::service::draft_scheduled, sending::follow},
    queue::claims::MAX_ERROR_CHARS,
};

/// How often a process looks whether it is time.
const LOOK: Duration = Duration::from_secs(1);
/// A run that takes longer is broken off; what it has committed stays.
const MAX_RUN: Duration = Duration::from_secs(100);
/// How long a run keeps others out: longer than it may take, and what is left undone at most when its process is killed.
const HOLD: TimeDelta = TimeDelta::seconds(120);

/// Something to do again and again.
#[derive(Clone, Copy)]
pub struct Periodic {
    pub name: &'static str,
    /// From the end of one run to the beginning of the next.
    pub every: TimeDelta,
    pub run: fn(App) -> BoxFuture<'static, Result<(), String>>,
}

/// Everything that is done periodically.
pub const ALL: [Periodic; 11] = [
    Periodic {
        name: "approve-due",
        every: TimeDelta::seconds(30),
        run: |app| async move { approve_due::approve_due(&app).await.map(drop) }.boxed(),
    },
    Periodic {
        name: "release-reserves",
        every: TimeDelta::minutes(10),
        run: |app| async move { release_due(&app).await.map(drop).map_err(|fault| fault.to_string()) }.boxed(),
    },
    Periodic {
        name: "draft-scheduled-payouts",
        every: TimeDelta::minutes(5),
        run: |app| async move { draft_scheduled(&app).await.map(drop).map_err(|fault| fault.to_string()) }.boxed(),
    },
    // What was just handed over is sent by its job; this is for what must be looked up, or sent again.
    Periodic {
        name: "follow-payouts",
        every: TimeDelta::seconds(30),
        run: |app| async move { follow(&app).await.map(drop).map_err(|fault| fault.to_string()) }.boxed(),
    },
    Periodic {
        name: "decide-applications",
        every: TimeDelta::minutes(10),
        run: |app| async move { decide_applications::decide_applications(&app).await.map(drop) }.boxed(),
    },
    Periodic {
        name: "expire-invitations",
        every: TimeDelta::hours(1),
        run: |app| async move { partnerships::expire_invitations(&app).await.map(drop) }.boxed(),
    },
    Periodic {
        name: "forget-sessions",
        every: TimeDelta::hours(1),
        run: |app| {
            async move {
                accounts::forget_sessions(&app)
                    .await
                    .map(drop)
                    .map_err(|error| error.to_string())
            }
            .boxed()
        },
    },
    Periodic {
        name: "close-recorded",
        every: TimeDelta::minutes(5),
        run: |app| {
            async move {
                inbox::close::close_recorded(&app)
                    .await
                    .map_err(|fault| fault.to_string())
            }
            .boxed()
        },
    },
    Periodic {
        name: "check-saved-searches",
        every: TimeDelta::seconds(60),
        run: |app| async move { check_saved_searches(&app).await.map(drop) }.boxed(),
    },
    Periodic {
        name: "measure-trust",
        every: TimeDelta::seconds(60),
        run: |app| async move { measure::measure(&app).await.map_err(|error| error.to_string()) }.boxed(),
    },
    Periodic {
        name: "forget",
        every: TimeDelta::hours(1),
        run: |app| async move { forget::forget(&app).await.map_err(|fault| fault.to_string()) }.boxed(),
    },
];

/// Runs until told to stop; what is running then is waited for by whoever waits for this.
pub async fn run(app: App, periodic: Periodic, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = run_when_due(&app, &periodic).await {
            tracing::error!(%error, periodic = periodic.name, "a periodic run could not be taken or noted");
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// Does it when it is time and nobody else does; false when it was not ours to do.
pub async fn run_when_due(app: &App, periodic: &Periodic) -> Result<bool, DbErr> {
    let now = app.clock.now();
    // A cheap look first: it is rarely time, and the writer of a SQLite file has other things to do.
    let row = Entity::find_by_id(periodic.name).one(app.db.read()).await?;
    if row.is_some_and(|row| row.next_at > now || row.held_until.is_some_and(|until| until > now)) {
        return Ok(false);
    }
    let run = app.ids.uuid(now);
    let tx = app.db.begin().await?;
    Entity::insert(ActiveModel {
        name: Set(periodic.name.to_owned()),
        next_at: Set(now),
        held_by: Set(None),
        held_until: Set(None),
        last_success_at: Set(None),
        last_error: Set(None),
    })
    .on_conflict(OnConflict::column(Column::Name).do_nothing().to_owned())
    .exec_without_returning(&tx)
    .await?;
    let taken = Entity::update_many()
        .set(ActiveModel {
            held_by: Set(Some(run)),
            held_until: Set(Some(now + HOLD)),
            ..Default::default()
        })
        .filter(Column::Name.eq(periodic.name))
        .filter(Column::NextAt.lte(now))
        .filter(
            Condition::any()
                .add(Column::HeldUntil.is_null())
                .add(Column::HeldUntil.lte(now)),
        )
        .exec(&tx)
        .await?;
    tx.commit().await?;
    if taken.rows_affected == 0 {
        return Ok(false);
    }
    let ended = timeout(MAX_RUN, (periodic.run)(app.clone()))
        .await
        .unwrap_or_else(|_| Err(format!("broken off after {} seconds", MAX_RUN.as_secs())));
    if let Err(error) = &ended {
        tracing::error!(
            error,
            periodic = periodic.name,
            "a periodic run failed; it is tried again later"
        );
    }
    let now = app.clock.now();
    let tx = app.db.begin().await?;
    Entity::update_many()
        .set(ActiveModel {
            next_at: Set(now + periodic.every),
            held_by: Set(None),
            held_until: Set(None),
            last_success_at: if ended.is_ok() { Set(Some(now)) } else { NotSet },
            last_error: Set(ended.err().map(|error| error.chars().take(MAX_ERROR_CHARS).collect())),
            ..Default::default()
        })
        .filter(Column::Name.eq(periodic.name))
        .filter(Column::HeldBy.eq(run))
        .exec(&tx)
        .await?;
    tx.commit().await?;
    Ok(true)
}
