//! Where a program is in its life.

use entity::{
    ids::ProgramId,
    program::{self, ProgramState},
};
use sea_orm::{ActiveValue::Set, EntityTrait};

use super::{Result, announce_in_tx, lock_own_in_tx};
use crate::{
    accounts::{actor::Actor, permissions::Operation},
    app::App,
    audit::{self, Change},
    error::Failure,
    programs::{error::ProgramErrorCode as Code, rules},
};

/// Opens a draft or paused program.
pub async fn activate_program(app: &App, actor: &Actor, id: ProgramId, reason: Option<&str>) -> Result<program::Model> {
    let transition = Transition {
        operation: Operation::ActivateProgram,
        action: "program.activated",
        to: ProgramState::Active,
        reason,
    };
    change_state(app, actor, id, transition).await
}

/// Lets an active program rest: nobody joins, nothing is credited, what was earned stays.
pub async fn pause_program(app: &App, actor: &Actor, id: ProgramId, reason: Option<&str>) -> Result<program::Model> {
    let transition = Transition {
        operation: Operation::PauseProgram,
        action: "program.paused",
        to: ProgramState::Paused,
        reason,
    };
    change_state(app, actor, id, transition).await
}

/// Ends a draft or paused program for good. What was earned in it is approved, paid and reversed as ever.
pub async fn archive_program(app: &App, actor: &Actor, id: ProgramId, reason: Option<&str>) -> Result<program::Model> {
    let transition = Transition {
        operation: Operation::ArchiveProgram,
        action: "program.archived",
        to: ProgramState::Archived,
        reason,
    };
    change_state(app, actor, id, transition).await
}

struct Transition<'a> {
    operation: Operation,
    action: &'static str,
    to: ProgramState,
    reason: Option<&'a str>,
}

/// The only place where a program's state changes.
async fn change_state(app: &App, actor: &Actor, id: ProgramId, transition: Transition<'_>) -> Result<program::Model> {
    let reason = transition.reason.map(check_reason).transpose()?;
    let tx = app.db.begin().await?;
    let mut row = lock_own_in_tx(&tx, actor, transition.operation, id).await?;
    if !rules::may_go(row.state, transition.to) {
        return Err(Failure::refused(
            Code::InvalidTransition,
            audit::impossible("a program", &row.state, &transition.to),
        ));
    }
    let from = std::mem::replace(&mut row.state, transition.to);
    program::Entity::update(program::ActiveModel {
        id: Set(id),
        state: Set(row.state),
        ..Default::default()
    })
    .exec_without_returning(&tx)
    .await?;
    let change = Change::of_state(row.brand_id, transition.action, id, &from, &row.state, reason);
    audit::record_in_tx(&tx, app, actor, change).await?;
    announce_in_tx(&tx, app, row.brand_id, row.id).await?;
    app.commit(tx).await?;
    Ok(row)
}

fn check_reason(reason: &str) -> Result<&str> {
    audit::clean_reason(reason)
        .ok_or_else(|| Failure::refused_field(Code::ReasonInvalid, "reason", "a reason has 1 to 500 characters"))
}
