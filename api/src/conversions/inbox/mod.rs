//! The inbox of refused events: "my sale was not tracked" has an answer.
//!
//! Whatever reached us for a known brand and was refused for what it said is kept, in a transaction of its own behind the
//! refusal (`keep.rs`); a good event costs nothing. It is found by what it was about (`list.rs`), corrected and recorded
//! by the same code as if it had come again (`replay.rs`), or put aside (`close.rs`).
//!
//! Invariants: the same body refused for the same reason is one row that counts; a brand has at most [`keep::MAX_KEPT`]
//! rows, each for at most [`close::KEPT_DAYS`] days after it was last seen; no credential is ever kept; a row leaves OPEN
//! once.
//!
//! Deliberately absent: refusals at the door (nobody knows whose they were), visits of `/track/click` (a publishable key
//! stands in every page, so anyone could fill the inbox), and events refused only for the company they came in.

pub mod close;
pub mod keep;
pub mod list;
pub mod loaders;
pub mod mutations;
pub mod replay;
mod rules;
pub mod types;

pub use self::rules::{is_error_of_content, is_of_content};

use entity::{
    ids::RefusedEventId,
    refused_event::{self, RefusedEventState},
};
use sea_orm::{ActiveEnum, ConnectionTrait, EntityTrait};

use super::error::ConversionErrorCode as Code;
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    error::{ApiError, Failure},
};

type Result<T> = std::result::Result<T, Failure<Code>>;

/// A refused event, for one who may do this to it.
async fn get(
    connection: &impl ConnectionTrait,
    actor: &Actor,
    operation: Operation,
    id: RefusedEventId,
) -> Result<refused_event::Model> {
    let row = refused_event::Entity::find_by_id(id).one(connection).await?;
    let row = row.ok_or_else(not_found)?;
    match actor.authorise(operation, Place::brand(row.brand_id)) {
        Ok(()) => Ok(row),
        Err(ApiError::NotFound(_)) => Err(not_found().into()),
        Err(error) => Err(error.into()),
    }
}

fn not_found() -> ApiError {
    ApiError::not_found("refused event")
}

/// Only what is open is dealt with.
fn check_open(row: &refused_event::Model, to: RefusedEventState) -> Result<()> {
    if row.state == RefusedEventState::Open {
        return Ok(());
    }
    let (from, to) = (row.state.to_value(), to.to_value());
    Err(Failure::refused(
        Code::InvalidTransition,
        format!("a refused event cannot go from {from} to {to}"),
    ))
}
