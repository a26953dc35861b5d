//! What a program decides by itself, by the policy its brand set. Never about a flagged application; and who was rejected,
//! took its application back or was in the program before is looked at by a person.

use chrono::TimeDelta;
use entity::{
    admission_policy::DecisionPolicy,
    application::{self, ApplicationState, RejectionReason},
    ids::ApplicationId,
    partnership,
    program::{self, ProgramState},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect,
    sea_query::LockType,
};

use super::{
    Result, check_reason,
    decide::{self, Joining},
    eligibility::{self, Reason},
    lock_application_in_tx, offer,
};
use crate::{
    accounts::{actor::Actor, permissions::Operation},
    app::App,
    audit::{self, Change},
    error::{Failure, RefusalCode},
    partnerships::error::PartnershipErrorCode as Code,
    programs::service as programs,
};

/// Lets in as it asks whoever the program, or the group it would come into, lets in so.
pub(super) async fn approve_at_once_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    program: &program::Model,
    row: application::Model,
) -> Result<application::Model> {
    if approving_rule_in_tx(tx, program).await?.is_none()
        || !is_first_in_tx(tx, &row).await?
        || offer::has_open_offer_in_tx(tx, row.id).await?
    {
        return Ok(row);
    }
    // Read again behind the lock: the program may rest, and be of another mind.
    let program = decide::lock_program_in_tx(tx, row.program_id).await?;
    let rule = approving_rule_in_tx(tx, &program).await?;
    let Some(rule) = rule.filter(|_| program.state == ProgramState::Active) else {
        return Ok(row);
    };
    approve_in_tx(tx, app, &program, &row, &rule).await
}

/// The rule by which a program approves applications as they are sent, in words; none when it does not.
async fn approving_rule_in_tx(tx: &DatabaseTransaction, program: &program::Model) -> Result<Option<String>> {
    let policy = programs::find_admission_in_tx(tx, program).await?;
    if policy.decision == DecisionPolicy::ApproveAtOnce {
        return Ok(Some(
            "APPROVE_AT_ONCE: the program approves applications as they are sent".to_owned(),
        ));
    }
    let groups = programs::list_groups_in_tx(tx, program.default_group_id.as_slice()).await?;
    let approving = groups.into_iter().find(|group| group.auto_approve_applications);
    Ok(approving.map(|group| format!("the group {} approves applications as they are sent", group.name)))
}

/// Whether a partner never asked before, and never was in the program.
async fn is_first_in_tx(tx: &DatabaseTransaction, row: &application::Model) -> Result<bool> {
    let joined = partnership::Entity::find()
        .filter(partnership::Column::ProgramId.eq(row.program_id))
        .filter(partnership::Column::PartnerId.eq(row.partner_id))
        .count(tx)
        .await?;
    let asked = application::Entity::find()
        .filter(application::Column::ProgramId.eq(row.program_id))
        .filter(application::Column::PartnerId.eq(row.partner_id))
        .count(tx)
        .await?;
    Ok(joined == 0 && asked == 1)
}

async fn approve_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    program: &program::Model,
    row: &application::Model,
    rule: &str,
) -> Result<application::Model> {
    let decided = application::Model {
        state: ApplicationState::Approved,
        ..row.clone()
    };
    let actor = Actor::system();
    let action = "application.approved";
    let decided = decide::change_state_in_tx(tx, app, &actor, row, decided, action, Some(rule)).await?;
    decide::open_partnership_in_tx(tx, app, &actor, &Joining::by(&decided, program.default_group_id)).await?;
    Ok(decided)
}

/// An application that may still be decided without a person, locked, with its program locked.
async fn lock_undecided_in_tx(
    tx: &DatabaseTransaction,
    id: ApplicationId,
) -> Result<Option<(application::Model, program::Model)>> {
    let row = application::Entity::find_by_id(id)
        .lock(LockType::NoKeyUpdate)
        .one(tx)
        .await?;
    let is_open = |row: &application::Model| {
        matches!(row.state, ApplicationState::Submitted | ApplicationState::InReview) && row.flagged_at.is_none()
    };
    let Some(row) = row.filter(is_open) else {
        return Ok(None);
    };
    let program = decide::lock_program_in_tx(tx, row.program_id).await?;
    Ok((program.state == ProgramState::Active).then_some((row, program)))
}

/// What an applicant does not meet of what its program asks.
async fn find_obstacle_in_tx(
    tx: &DatabaseTransaction,
    policy: &entity::admission_policy::Model,
    row: &application::Model,
) -> Result<Option<Reason>> {
    let who = (row.partner_id, row.applicant_id);
    let applicant = eligibility::list_applicants_in_tx(tx, &[who]).await?.remove(&who);
    Ok(applicant.and_then(|applicant| eligibility::of_requirements(policy, &applicant).into_iter().next()))
}

/// Approves an application whose days are over; false when it is not for the program to decide any more.
pub async fn approve_due_application(app: &App, id: ApplicationId) -> Result<bool> {
    let tx = app.db.begin().await?;
    let Some((row, program)) = lock_undecided_in_tx(&tx, id).await? else {
        return Ok(false);
    };
    let policy = programs::find_admission_in_tx(&tx, &program).await?;
    let days = policy
        .approve_after_days
        .filter(|_| policy.decision == DecisionPolicy::ApproveAfterDays);
    let Some(days) = days.filter(|days| row.created_at + TimeDelta::days(i64::from(*days)) <= app.clock.now()) else {
        return Ok(false);
    };
    // Terms are for people to agree on.
    if offer::has_open_offer_in_tx(&tx, row.id).await? {
        return Ok(false);
    }
    if !is_first_in_tx(&tx, &row).await? || find_obstacle_in_tx(&tx, &policy, &row).await?.is_some() {
        return Ok(false);
    }
    let rule = format!("APPROVE_AFTER_DAYS: the program approves what is not decided after {days} days");
    approve_in_tx(&tx, app, &program, &row, &rule).await?;
    app.commit(tx).await?;
    Ok(true)
}

/// Rejects an open application of a partner who may not apply any more; false when that is not, or no longer, so.
pub async fn reject_ineligible_application(app: &App, id: ApplicationId) -> Result<bool> {
    let tx = app.db.begin().await?;
    let Some((row, program)) = lock_undecided_in_tx(&tx, id).await? else {
        return Ok(false);
    };
    let policy = programs::find_admission_in_tx(&tx, &program).await?;
    if !policy.reject_ineligible {
        return Ok(false);
    }
    let Some(obstacle) = find_obstacle_in_tx(&tx, &policy, &row).await? else {
        return Ok(false);
    };
    let rule = format!("REJECT_INELIGIBLE: {}", obstacle.code.as_str());
    let decided = application::Model {
        state: ApplicationState::Rejected,
        rejection_reason: Some(RejectionReason::DoesNotMeetRequirements),
        rejection_note: Some(obstacle.message),
        ..row.clone()
    };
    let action = "application.rejected";
    decide::change_state_in_tx(&tx, app, &Actor::system(), &row, decided, action, Some(&rule)).await?;
    app.commit(tx).await?;
    Ok(true)
}

/// Says of an open application that a person must look at it, or that one did. Saying it again changes nothing.
pub async fn set_application_flag(
    app: &App,
    actor: &Actor,
    id: ApplicationId,
    flagged: bool,
    reason: Option<&str>,
) -> Result<application::Model> {
    let reason = reason.map(|reason| check_reason(reason, "reason")).transpose()?;
    if flagged && reason.is_none() {
        check_reason("", "reason")?;
    }
    let tx = app.db.begin().await?;
    let row = lock_application_in_tx(&tx, actor, Operation::SetApplicationFlag, id).await?;
    if row.decided_at.is_some() {
        return Err(Failure::refused(
            Code::ApplicationDecided,
            "this application was decided before",
        ));
    }
    if row.flagged_at.is_some() == flagged {
        tx.commit().await?;
        return Ok(row);
    }
    let row = application::Model {
        flagged_at: flagged.then(|| app.clock.now()),
        flag_reason: reason.filter(|_| flagged).map(str::to_owned),
        ..row
    };
    application::Entity::update(application::ActiveModel {
        id: Set(id),
        flagged_at: Set(row.flagged_at),
        flag_reason: Set(row.flag_reason.clone()),
        ..Default::default()
    })
    .exec_without_returning(&tx)
    .await?;
    let action = if flagged {
        "application.flagged"
    } else {
        "application.unflagged"
    };
    let change = Change {
        reason,
        ..Change::of_fact(row.brand_id, action, row.id)
    };
    audit::record_in_tx(&tx, app, actor, change).await?;
    tx.commit().await?;
    Ok(row)
}
