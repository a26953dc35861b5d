//! Decides about applications where programs do that by themselves: rejects those of partners who may not apply any more, and
//! approves those whose days are over.

use chrono::TimeDelta;
use entity::{
    admission_policy::{self, DecisionPolicy},
    application::{self, ApplicationState},
    ids::ApplicationId,
};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect, Select};

use crate::{
    app::App, error::Failure, partnerships::service as partnerships, programs::rules::admission::APPROVE_AFTER_DAYS,
};

/// Applications looked at in one go.
const BATCH: u64 = 100;

/// Decides everything that is due by the clock; returns about how many.
pub async fn decide_applications(app: &App) -> Result<usize, String> {
    let mut decided = 0;
    let ineligible = undecided().filter(admission_policy::Column::RejectIneligible.eq(true));
    decided += sweep(app, ineligible, Decision::Reject).await?;
    // The days a program may set are few, and an application is due by them alone.
    for days in list_days(app).await.map_err(|error| error.to_string())? {
        let due = undecided()
            .filter(admission_policy::Column::Decision.eq(DecisionPolicy::ApproveAfterDays))
            .filter(admission_policy::Column::ApproveAfterDays.eq(days))
            .filter(application::Column::CreatedAt.lte(app.clock.now() - TimeDelta::days(i64::from(days))));
        decided += sweep(app, due, Decision::Approve).await?;
    }
    Ok(decided)
}

/// Open applications that nobody flagged, with the policy of their program.
fn undecided() -> Select<application::Entity> {
    application::Entity::find()
        .join(
            JoinType::InnerJoin,
            application::Entity::belongs_to(admission_policy::Entity)
                .from(application::Column::ProgramId)
                .to(admission_policy::Column::ProgramId)
                .into(),
        )
        .filter(application::Column::State.is_in([ApplicationState::Submitted, ApplicationState::InReview]))
        .filter(application::Column::FlaggedAt.is_null())
}

/// The numbers of days after which some program approves.
async fn list_days(app: &App) -> Result<Vec<i32>, DbErr> {
    admission_policy::Entity::find()
        .select_only()
        .column(admission_policy::Column::ApproveAfterDays)
        .distinct()
        .filter(admission_policy::Column::Decision.eq(DecisionPolicy::ApproveAfterDays))
        .filter(admission_policy::Column::ApproveAfterDays.is_in(APPROVE_AFTER_DAYS))
        .into_tuple()
        .all(app.db.read())
        .await
}

/// What a program does by itself.
#[derive(Clone, Copy)]
enum Decision {
    Reject,
    Approve,
}

/// Goes through applications in the order of their ids, and tries to decide each.
async fn sweep(app: &App, due: Select<application::Entity>, wanted: Decision) -> Result<usize, String> {
    let mut decided = 0;
    let mut after: Option<ApplicationId> = None;
    loop {
        let mut select = due.clone();
        if let Some(after) = after {
            select = select.filter(application::Column::Id.gt(after));
        }
        let ids: Vec<ApplicationId> = select
            .select_only()
            .column(application::Column::Id)
            .order_by_asc(application::Column::Id)
            .limit(BATCH)
            .into_tuple()
            .all(app.db.read())
            .await
            .map_err(|error| error.to_string())?;
        let Some(last) = ids.last() else { return Ok(decided) };
        after = Some(*last);
        for id in ids {
            let done = match wanted {
                Decision::Reject => partnerships::reject_ineligible_application(app, id).await,
                Decision::Approve => partnerships::approve_due_application(app, id).await,
            };
            match done {
                Ok(true) => decided += 1,
                // Not for the program to decide, or not possible: it waits for a person.
                Ok(false) | Err(Failure::Refused(_)) => {}
                Err(Failure::Api(error)) => return Err(error.log_text()),
            }
        }
    }
}
