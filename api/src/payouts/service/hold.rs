//! Holding what is due to a partner: nothing is drafted to it until somebody lets go.

use entity::{TenantScoped, ids::PartnershipId, partnership};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect, sea_query::LockType,
};

use super::{Code, Result, cancel::check_reason};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    audit::{self, Change},
    error::{ApiError, Failure},
};

async fn lock_partnership_in_tx(
    tx: &DatabaseTransaction,
    actor: &Actor,
    operation: Operation,
    id: PartnershipId,
) -> Result<partnership::Model> {
    let row = partnership::Entity::find_within(&actor.reach())
        .filter(partnership::Column::Id.eq(id))
        .lock(LockType::NoKeyUpdate)
        .one(tx)
        .await?
        .ok_or_else(|| ApiError::not_found("partnership"))?;
    actor.authorise(operation, Place::brand(row.brand_id))?;
    Ok(row)
}

/// Drafts no payout to a partner from now on. What is drafted already goes on.
pub async fn hold_payouts(app: &App, actor: &Actor, id: PartnershipId, reason: &str) -> Result<partnership::Model> {
    let reason = check_reason(reason)?;
    let tx = app.db.begin().await?;
    let mut row = lock_partnership_in_tx(&tx, actor, Operation::HoldPayouts, id).await?;
    row.payouts_held_at = Some(row.payouts_held_at.unwrap_or_else(|| app.clock.now()));
    row.payouts_held_for = Some(reason.to_owned());
    write_hold_in_tx(&tx, app, actor, &row, "partnership.payouts_held", Some(reason)).await?;
    app.commit(tx).await?;
    Ok(row)
}

pub async fn release_payout_hold(app: &App, actor: &Actor, id: PartnershipId) -> Result<partnership::Model> {
    let tx = app.db.begin().await?;
    let mut row = lock_partnership_in_tx(&tx, actor, Operation::ReleasePayoutHold, id).await?;
    if row.payouts_held_at.is_none() {
        return Err(Failure::refused_field(
            Code::PayoutsNotHeld,
            "partnershipId",
            "payouts to this partner are not held",
        ));
    }
    row.payouts_held_at = None;
    row.payouts_held_for = None;
    write_hold_in_tx(&tx, app, actor, &row, "partnership.payouts_let_go", None).await?;
    app.commit(tx).await?;
    Ok(row)
}

async fn write_hold_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    row: &partnership::Model,
    action: &'static str,
    reason: Option<&str>,
) -> Result<()> {
    partnership::Entity::update(partnership::ActiveModel {
        id: Set(row.id),
        payouts_held_at: Set(row.payouts_held_at),
        payouts_held_for: Set(row.payouts_held_for.clone()),
        ..Default::default()
    })
    .exec_without_returning(tx)
    .await?;
    let change = Change {
        reason,
        ..Change::of_fact(row.brand_id, action, row.id)
    };
    audit::record_in_tx(tx, app, actor, change).await?;
    Ok(())
}
