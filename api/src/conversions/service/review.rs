//! Approving and rejecting conversions; their commissions follow at every level.

use entity::{
    TenantScoped,
    api_key::ApiKeyMode,
    conversion::{self, ConversionState},
    ids::ConversionId,
    order::{self, CaptureState},
};
use sea_orm::{ActiveEnum, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect};
use serde::Serialize;

use super::{Code, Result, check_reason, record::announce_in_tx};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    audit::{self, Change},
    commissions::service as commissions,
    error::{ApiError, Failure},
    idempotency::{self, Claim, Key, Outcome},
    outbox::Topic,
};

async fn lock_in_tx(
    tx: &DatabaseTransaction,
    actor: &Actor,
    operation: Operation,
    id: ConversionId,
) -> Result<conversion::Model> {
    let row = conversion::Entity::find_within_any_mode(&actor.reach())
        .filter(conversion::Column::Id.eq(id))
        .lock_exclusive()
        .one(tx)
        .await?
        .ok_or_else(|| ApiError::not_found("conversion"))?;
    actor.authorise(operation, Place::brand(row.brand_id))?;
    if row.mode == ApiKeyMode::Test {
        return Err(Failure::refused_field(
            Code::TestNotReviewed,
            "id",
            "the conversion is for trying things out: there is nothing to be paid, and nothing to be decided",
        ));
    }
    Ok(row)
}

/// What "the same content" means for a review.
#[derive(Serialize)]
struct Fingerprint<'a> {
    conversion: String,
    reason: Option<&'a str>,
}

/// Claims the key of a review; the conversion of an earlier one when there was one.
async fn claim_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    row: &conversion::Model,
    operation: &'static str,
    key: &Key,
    reason: Option<&str>,
) -> Result<Claim> {
    let fingerprint = Fingerprint {
        conversion: row.id.to_string(),
        reason,
    };
    Ok(idempotency::claim_in_tx(tx, app, row.brand_id.0, operation, key, &fingerprint).await?)
}

/// Approves a conversion whose hold period is over: its commissions become available, less the reserve.
pub async fn approve_conversion(
    app: &App,
    actor: &Actor,
    id: ConversionId,
    key: &Key,
) -> Result<Outcome<conversion::Model>> {
    let tx = app.db.begin().await?;
    let row = lock_in_tx(&tx, actor, Operation::ApproveConversion, id).await?;
    let pending = match claim_in_tx(&tx, app, &row, "approveConversion", key, None).await? {
        Claim::Replay(_) => {
            tx.commit().await?;
            return Ok(Outcome {
                value: row,
                replayed: true,
            });
        }
        Claim::Fresh(pending) => pending,
    };
    let value = approve_in_tx(&tx, app, actor, row).await?;
    pending.settle(&tx, value.id.0).await?;
    app.commit(tx).await?;
    Ok(Outcome { value, replayed: false })
}

/// The same for the worker, whose repetitions find another state and stop there.
pub async fn approve_due_conversion(app: &App, id: ConversionId) -> Result<conversion::Model> {
    let actor = Actor::system();
    let tx = app.db.begin().await?;
    let row = lock_in_tx(&tx, &actor, Operation::ApproveConversion, id).await?;
    let row = approve_in_tx(&tx, app, &actor, row).await?;
    app.commit(tx).await?;
    Ok(row)
}

async fn approve_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    row: conversion::Model,
) -> Result<conversion::Model> {
    check_pending(&row, ConversionState::Approved)?;
    if row.partnership_id.is_none() {
        return Err(Failure::refused(
            Code::NotCredited,
            "nobody is credited, so there is nothing to approve",
        ));
    }
    check_captured_in_tx(tx, &row).await?;
    if let Some(hold_until) = row.hold_until.filter(|until| *until > app.clock.now()) {
        return Err(Failure::refused(
            Code::HoldNotOver,
            format!("the hold period lasts until {}", hold_until.to_rfc3339()),
        ));
    }
    commissions::approve_in_tx(tx, app, row.brand_id, row.id).await?;
    move_in_tx(tx, app, actor, row, ConversionState::Approved, None).await
}

/// What is only authorised may still come to less.
async fn check_captured_in_tx(tx: &DatabaseTransaction, row: &conversion::Model) -> Result<()> {
    let Some(order) = row.order_id else { return Ok(()) };
    let authorized = order::Entity::find_by_id(order)
        .filter(order::Column::CaptureState.eq(CaptureState::Authorized))
        .one(tx)
        .await?;
    match authorized {
        None => Ok(()),
        Some(order) => Err(Failure::refused(
            Code::NotCaptured,
            format!(
                "the order is {}, not {}: it can be approved after its final capture",
                order.capture_state.to_value(),
                CaptureState::Captured.to_value()
            ),
        )),
    }
}

/// Rejects a pending conversion with a reason: its commissions go back to the brand.
pub async fn reject_conversion(
    app: &App,
    actor: &Actor,
    id: ConversionId,
    reason: &str,
    key: &Key,
) -> Result<Outcome<conversion::Model>> {
    let reason = check_reason(reason)?;
    let tx = app.db.begin().await?;
    let row = lock_in_tx(&tx, actor, Operation::RejectConversion, id).await?;
    let pending = match claim_in_tx(&tx, app, &row, "rejectConversion", key, Some(&reason)).await? {
        Claim::Replay(_) => {
            tx.commit().await?;
            return Ok(Outcome {
                value: row,
                replayed: true,
            });
        }
        Claim::Fresh(pending) => pending,
    };
    check_pending(&row, ConversionState::Rejected)?;
    commissions::reject_in_tx(&tx, app, row.id).await?;
    let value = move_in_tx(&tx, app, actor, row, ConversionState::Rejected, Some(reason)).await?;
    pending.settle(&tx, value.id.0).await?;
    app.commit(tx).await?;
    Ok(Outcome { value, replayed: false })
}

fn check_pending(row: &conversion::Model, to: ConversionState) -> Result<()> {
    if row.state == ConversionState::Pending {
        return Ok(());
    }
    Err(Failure::refused(
        Code::InvalidTransition,
        format!(
            "a conversion cannot go from {} to {}",
            row.state.to_value(),
            to.to_value()
        ),
    ))
}

async fn move_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    mut row: conversion::Model,
    to: ConversionState,
    reason: Option<String>,
) -> Result<conversion::Model> {
    let (action, topic) = match to {
        ConversionState::Approved => ("conversion.approved", Topic::ConversionApproved),
        _ => ("conversion.rejected", Topic::ConversionRejected),
    };
    let change = Change::of_state(row.brand_id, action, row.id, &row.state, &to, reason.as_deref());
    audit::record_in_tx(tx, app, actor, change).await?;
    row.state = to;
    row.rejection_reason = reason;
    row.approved_at = (to == ConversionState::Approved).then(|| app.clock.now());
    conversion::Entity::update(conversion::ActiveModel {
        id: Set(row.id),
        state: Set(row.state),
        rejection_reason: Set(row.rejection_reason.clone()),
        approved_at: Set(row.approved_at),
        ..Default::default()
    })
    .exec_without_returning(tx)
    .await?;
    announce_in_tx(tx, app, topic, &row).await?;
    Ok(row)
}
