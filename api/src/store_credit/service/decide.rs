//! What becomes of a request: approved or refused by the brand, withdrawn by the partner.

use entity::{
    TenantScoped,
    ids::StoreCreditTransferId,
    partnership::{self, PartnershipState},
    store_credit_transfer::{self, ActiveModel, Column, Entity, Model},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect};
use serde::Serialize;

use super::{Code, Result, announce_in_tx, banned, check_words, request::check_available_in_tx};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    adjustments::service as adjustments,
    app::App,
    audit::{self, Change},
    error::{ApiError, Failure, Fault},
    idempotency::{self, Begun, Key, Outcome},
    money::Money,
    store_credit::rules::Step,
};

#[derive(Serialize)]
struct Fingerprint {
    subject: String,
}

async fn lock_in_tx(
    tx: &DatabaseTransaction,
    actor: &Actor,
    operation: Operation,
    id: StoreCreditTransferId,
) -> Result<Model> {
    let row = Entity::find_within(&actor.reach())
        .filter(Column::Id.eq(id))
        .lock_exclusive()
        .one(tx)
        .await?
        .ok_or_else(|| ApiError::not_found("store credit transfer"))?;
    actor.authorise(operation, Place::shared(row.brand_id, row.partner_id))?;
    Ok(row)
}

fn check_step(row: &Model, step: Step) -> Result<()> {
    if step.starts_from(row.state) {
        return Ok(());
    }
    Err(Failure::refused(
        Code::InvalidTransition,
        audit::impossible("a store credit transfer", &row.state, &step.leads_to()),
    ))
}

/// The only place where the state of a request changes; `row` says what else does.
async fn change_state_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    row: Model,
    step: Step,
) -> Result<Model> {
    check_step(&row, step)?;
    let (from, to) = (row.state, step.leads_to());
    let row = Model {
        state: to,
        decided_at: Some(app.clock.now()),
        ..row
    };
    Entity::update(ActiveModel {
        id: Set(row.id),
        state: Set(row.state),
        reason: Set(row.reason.clone()),
        adjustment_id: Set(row.adjustment_id),
        decided_at: Set(row.decided_at),
        ..Default::default()
    })
    .exec_without_returning(tx)
    .await?;
    let reason = row.reason.as_deref();
    let change = Change::of_state(row.brand_id, step.action(), row.id, &from, &to, reason);
    audit::record_in_tx(tx, app, actor, change).await?;
    announce_in_tx(tx, app, &row).await?;
    Ok(row)
}

/// Gives what was asked for, when it is available now.
pub async fn approve_transfer(
    app: &App,
    actor: &Actor,
    id: StoreCreditTransferId,
    key: &Key,
) -> Result<Outcome<store_credit_transfer::Model>> {
    let tx = app.db.begin().await?;
    let row = lock_in_tx(&tx, actor, Operation::ApproveStoreCreditTransfer, id).await?;
    let fingerprint = Fingerprint {
        subject: id.to_string(),
    };
    let (tenant, operation) = (row.brand_id.0, "approveStoreCreditTransfer");
    let pending = match idempotency::begin_in_tx::<Entity>(&tx, app, tenant, operation, key, &fingerprint).await? {
        Begun::Fresh(pending) => pending,
        Begun::Replay(value) => {
            tx.commit().await?;
            return Ok(Outcome { value, replayed: true });
        }
    };
    check_step(&row, Step::Approve)?;
    let partnership = partnership::Entity::find_by_id(row.partnership_id)
        .one(&tx)
        .await?
        .ok_or_else(|| Fault::new("a store credit transfer without its partnership"))?;
    // Somebody has to look at what was earned by it first; a correction gives what is to be given after all.
    if partnership.state == PartnershipState::Banned {
        return Err(banned());
    }
    let amount = Money::new(row.amount_minor, row.currency.parse().map_err(Fault::new)?);
    check_available_in_tx(&tx, row.partnership_id, amount).await?;
    let reason = format!("store credit for {}", row.customer_external_id);
    let adjustment =
        adjustments::give_store_credit_in_tx(&tx, app, actor, &partnership, row.customer_id, amount, reason).await?;
    let row = Model {
        adjustment_id: Some(adjustment.id),
        ..row
    };
    let row = change_state_in_tx(&tx, app, actor, row, Step::Approve).await?;
    pending.settle(&tx, row.id.0).await?;
    app.commit(tx).await?;
    Ok(Outcome {
        value: row,
        replayed: false,
    })
}

/// Says no, and why.
pub async fn refuse_transfer(app: &App, actor: &Actor, id: StoreCreditTransferId, reason: &str) -> Result<Model> {
    let reason = check_words(reason, Code::ReasonInvalid, "reason", "a reason")?;
    let tx = app.db.begin().await?;
    let row = lock_in_tx(&tx, actor, Operation::RefuseStoreCreditTransfer, id).await?;
    let row = Model {
        reason: Some(reason),
        ..row
    };
    let row = change_state_in_tx(&tx, app, actor, row, Step::Refuse).await?;
    app.commit(tx).await?;
    Ok(row)
}

/// Takes a request back in the partner's name.
pub async fn withdraw_transfer(app: &App, actor: &Actor, id: StoreCreditTransferId) -> Result<Model> {
    let tx = app.db.begin().await?;
    let row = lock_in_tx(&tx, actor, Operation::WithdrawStoreCreditTransfer, id).await?;
    let row = change_state_in_tx(&tx, app, actor, row, Step::Withdraw).await?;
    app.commit(tx).await?;
    Ok(row)
}
