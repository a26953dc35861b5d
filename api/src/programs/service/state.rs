//! Where a program is in its life.

use entity::{
    ids::ProgramId,
    program::{self, ProgramState},
};
use sea_orm::{ActiveEnum, ActiveValue::Set, EntityTrait};

use super::{Result, lock_own_in_tx};
use crate::{
    accounts::{actor::Actor, permissions::Operation},
    app::App,
    audit::{self, Change},
    error::Failure,
    programs::error::ProgramErrorCode as Code,
};

pub async fn activate_program(app: &App, actor: &Actor, id: ProgramId) -> Result<program::Model> {
    let transition = Transition {
        operation: Operation::ActivateProgram,
        action: "program.activated",
        from: &[ProgramState::Draft, ProgramState::Paused],
        to: ProgramState::Active,
    };
    change_state(app, actor, id, transition).await
}

pub async fn pause_program(app: &App, actor: &Actor, id: ProgramId) -> Result<program::Model> {
    let transition = Transition {
        operation: Operation::PauseProgram,
        action: "program.paused",
        from: &[ProgramState::Active],
        to: ProgramState::Paused,
    };
    change_state(app, actor, id, transition).await
}

struct Transition {
    operation: Operation,
    action: &'static str,
    from: &'static [ProgramState],
    to: ProgramState,
}

async fn change_state(app: &App, actor: &Actor, id: ProgramId, transition: Transition) -> Result<program::Model> {
    let tx = app.db.begin().await?;
    let mut row = lock_own_in_tx(&tx, actor, transition.operation, id).await?;
    if !transition.from.contains(&row.state) {
        return Err(Failure::refused(
            Code::InvalidTransition,
            format!(
                "a program cannot go from {} to {}",
                row.state.to_value(),
                transition.to.to_value()
            ),
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
    let change = Change::of_state(row.brand_id, transition.action, id, &from, &row.state, None);
    audit::record_in_tx(&tx, app, actor, change).await?;
    tx.commit().await?;
    Ok(row)
}
