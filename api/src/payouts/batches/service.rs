//! Use cases of batches: drafting and releasing here, handing over, taking back and schedules beside. `sending` does the rest.

mod cancel;
mod notice;
mod schedule;
mod submit;

use std::collections::BTreeSet;

use chrono::{DateTime, SecondsFormat, Utc};
use entity::{
    TenantScoped, brand,
    ids::{BrandId, PartnershipId, PayoutBatchId},
    payout::{self, PayoutState},
    payout_batch::{self, PayoutBatchState},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect, sea_query::Expr,
};
use serde::Serialize;

pub use self::{cancel::cancel_batch, schedule::draft_scheduled, submit::submit_batch};
use super::error::PayoutBatchErrorCode as Code;
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    audit::{self, Change},
    error::{ApiError, Failure, Fault},
    idempotency::{self, Begun, Key, Outcome},
    ledger::balances,
    money::Currency,
    outbox::{self, Fact, Topic},
    page::{self, Page, Slice},
    payouts::{
        queue::service::{Account, Candidate, Depth, MAX_NAMED, Scope, find_brand, look, look_through},
        service::{
            Doing, announced,
            draft::{Draft, Drafting, draft_in_tx},
            is_second_person,
        },
    },
};

pub(super) type Result<T> = std::result::Result<T, Failure<Code>>;

/// What a batch is to be made of, as it was asked for.
#[derive(Clone, Debug)]
pub struct CreateBatch {
    pub brand: BrandId,
    pub currency: String,
    pub cutoff: Option<DateTime<Utc>>,
    pub include: Vec<PartnershipId>,
    pub exclude: Vec<PartnershipId>,
    pub key: Key,
}

#[derive(Serialize)]
struct Fingerprint {
    currency: String,
    cutoff: Option<String>,
    include: BTreeSet<String>,
    exclude: BTreeSet<String>,
}

impl From<&Scope> for Fingerprint {
    fn from(scope: &Scope) -> Self {
        let names = |ids: &BTreeSet<PartnershipId>| ids.iter().map(ToString::to_string).collect();
        Self {
            currency: scope.currency.code().to_owned(),
            cutoff: scope
                .cutoff
                .map(|cutoff| cutoff.to_rfc3339_opts(SecondsFormat::Micros, true)),
            include: names(&scope.include),
            exclude: names(&scope.exclude),
        }
    }
}

/// Reads what is asked for; the same for a preview and a batch.
pub fn check_scope(
    app: &App,
    currency: &str,
    cutoff: Option<DateTime<Utc>>,
    include: Vec<PartnershipId>,
    exclude: Vec<PartnershipId>,
) -> Result<Scope> {
    let currency: Currency = currency
        .parse()
        .map_err(|error| Failure::refused_field(Code::CurrencyUnknown, "currency", error))?;
    if cutoff.is_some_and(|cutoff| cutoff > app.clock.now()) {
        return Err(Failure::refused_field(
            Code::CutoffInFuture,
            "cutoffAt",
            "a cut-off lies in the past: nobody knows what is available then",
        ));
    }
    for (field, ids) in [("include", &include), ("exclude", &exclude)] {
        if ids.len() > MAX_NAMED {
            return Err(Failure::refused_field(
                Code::PartnershipsInvalid,
                field,
                format!("at most {MAX_NAMED} partnerships"),
            ));
        }
    }
    let include: BTreeSet<PartnershipId> = include.into_iter().collect();
    let exclude: BTreeSet<PartnershipId> = exclude.into_iter().collect();
    if let Some(both) = include.intersection(&exclude).next() {
        return Err(Failure::refused_field(
            Code::PartnershipsInvalid,
            "exclude",
            format!("{both} is both included and excluded"),
        ));
    }
    Ok(Scope {
        currency,
        cutoff,
        include,
        exclude,
    })
}

/// Drafts a payout to everybody who is due, up to as many as a batch has.
pub async fn create_batch(app: &App, actor: &Actor, command: CreateBatch) -> Result<Outcome<payout_batch::Model>> {
    actor.authorise(Operation::CreatePayoutBatch, Place::brand(command.brand))?;
    let CreateBatch {
        brand,
        currency,
        cutoff,
        include,
        exclude,
        key,
    } = command;
    let scope = check_scope(app, &currency, cutoff, include, exclude)?;
    let tx = app.db.begin().await?;
    let fingerprint = Fingerprint::from(&scope);
    let begun =
        idempotency::begin_in_tx::<payout_batch::Entity>(&tx, app, brand.0, "createPayoutBatch", &key, &fingerprint);
    let pending = match begun.await? {
        Begun::Fresh(pending) => pending,
        Begun::Replay(value) => {
            tx.commit().await?;
            return Ok(Outcome { value, replayed: true });
        }
    };
    let brand = find_brand(&tx, brand).await?;
    let Some(value) = draft_batch_in_tx(&tx, app, actor, &brand, &scope, false).await? else {
        return Err(Failure::refused(
            Code::NothingDue,
            format!("nobody is due in {}", scope.currency),
        ));
    };
    pending.settle(&tx, value.id.0).await?;
    app.commit(tx).await?;
    Ok(Outcome { value, replayed: false })
}

/// Drafts a batch of everybody who is due; `None` when nobody is.
async fn draft_batch_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    brand: &brand::Model,
    scope: &Scope,
    is_scheduled: bool,
) -> std::result::Result<Option<payout_batch::Model>, Fault> {
    let seen = look_through(app, tx, brand, scope).await?;
    let due = lock_due_in_tx(tx, app, brand, scope, &seen.due).await?;
    if due.is_empty() {
        return Ok(None);
    }
    let now = app.clock.now();
    let batch = payout_batch::Model {
        id: app.ids.new_id(now),
        brand_id: brand.id,
        state: PayoutBatchState::Draft,
        currency: scope.currency.code().to_owned(),
        cutoff_at: scope.cutoff,
        is_scheduled,
        needs_second_person: brand.payouts_need_two,
        created_by: actor.user().ok(),
        created_at: now,
        approved_by: None,
        approved_at: None,
        submitted_at: None,
        cancelled_at: None,
    };
    payout_batch::Entity::insert(batch.clone().into_active_model())
        .exec_without_returning(tx)
        .await?;
    let drafting = Drafting {
        actor,
        batch: Some(batch.id),
        needs_second_person: batch.needs_second_person,
    };
    let drafts = due.into_iter().filter_map(|candidate| {
        Some(Draft {
            rail: candidate.rail?,
            partnership: candidate.partnership,
            amount: candidate.due,
            method: candidate.method,
            items: candidate.items,
        })
    });
    draft_in_tx(tx, app, &drafting, drafts.collect()).await?;
    let change = Change::of_fact(brand.id, "payout_batch.drafted", batch.id);
    audit::record_in_tx(tx, app, actor, change).await?;
    Ok(Some(batch))
}

/// The same partners with their balances locked: what has changed since they were looked at counts.
async fn lock_due_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    brand: &brand::Model,
    scope: &Scope,
    seen: &[Candidate],
) -> std::result::Result<Vec<Candidate>, Fault> {
    let ids = seen.iter().map(|candidate| candidate.partnership.id);
    let locked: Vec<Account> = balances::lock_available_of_in_tx(tx, ids, scope.currency.code()).await?;
    let mut due = look(app, tx, brand, scope, &locked, Depth::Items).await?;
    due.retain(|candidate| candidate.blocks.is_empty());
    Ok(due)
}

pub(super) async fn lock_batch_in_tx(
    tx: &DatabaseTransaction,
    actor: &Actor,
    operation: Operation,
    id: PayoutBatchId,
) -> Result<payout_batch::Model> {
    let row = payout_batch::Entity::find_within(&actor.reach())
        .filter(payout_batch::Column::Id.eq(id))
        .lock_exclusive()
        .one(tx)
        .await?
        .ok_or_else(|| ApiError::not_found("payout batch"))?;
    actor.authorise(operation, Place::brand(row.brand_id))?;
    Ok(row)
}

/// Does something to a batch, which is locked, and commits; what was done under its key before is answered again.
async fn do_once(
    app: &App,
    actor: &Actor,
    id: PayoutBatchId,
    doing: Doing<'_>,
    act: impl AsyncFnOnce(&DatabaseTransaction, &mut payout_batch::Model) -> Result<()>,
) -> Result<Outcome<payout_batch::Model>> {
    let tx = app.db.begin().await?;
    let mut row = lock_batch_in_tx(&tx, actor, doing.permission, id).await?;
    let pending = doing.claim_in_tx(&tx, app, row.brand_id, id.to_string()).await?;
    let replayed = pending.is_none();
    if let Some(pending) = pending {
        act(&tx, &mut row).await?;
        pending.settle(&tx, row.id.0).await?;
    }
    app.commit(tx).await?;
    Ok(Outcome { value: row, replayed })
}

/// Its payouts in one of these states, locked, the oldest first.
pub(super) async fn lock_payouts_in_tx(
    tx: &DatabaseTransaction,
    batch: PayoutBatchId,
    states: &[PayoutState],
) -> std::result::Result<Vec<payout::Model>, DbErr> {
    payout::Entity::find()
        .filter(payout::Column::BatchId.eq(batch))
        .filter(payout::Column::State.is_in(states.iter().copied()))
        .order_by_asc(payout::Column::Id)
        .lock_exclusive()
        .all(tx)
        .await
}

pub(super) fn check_move(row: &payout_batch::Model, from: &[PayoutBatchState], to: PayoutBatchState) -> Result<()> {
    if from.contains(&row.state) {
        return Ok(());
    }
    Err(Failure::refused(
        Code::InvalidTransition,
        audit::impossible("a payout batch", &row.state, &to),
    ))
}

pub(super) async fn move_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    row: &mut payout_batch::Model,
    to: PayoutBatchState,
    reason: Option<&str>,
) -> std::result::Result<(), Fault> {
    let now = Some(app.clock.now());
    let action = match to {
        PayoutBatchState::Draft => "payout_batch.drafted",
        PayoutBatchState::Approved => {
            row.approved_at = now;
            row.approved_by = actor.user().ok();
            "payout_batch.approved"
        }
        PayoutBatchState::Submitted => {
            row.submitted_at = now;
            "payout_batch.submitted"
        }
        PayoutBatchState::Cancelled => {
            row.cancelled_at = now;
            "payout_batch.cancelled"
        }
    };
    let change = Change::of_state(row.brand_id, action, row.id, &row.state, &to, reason);
    audit::record_in_tx(tx, app, actor, change).await?;
    row.state = to;
    payout_batch::Entity::update(row.clone().into_active_model().reset_all())
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

/// Releases a batch with all its payouts.
pub async fn approve_batch(app: &App, actor: &Actor, id: PayoutBatchId) -> Result<payout_batch::Model> {
    let tx = app.db.begin().await?;
    let mut row = lock_batch_in_tx(&tx, actor, Operation::ApprovePayoutBatch, id).await?;
    check_move(&row, &[PayoutBatchState::Draft], PayoutBatchState::Approved)?;
    if row.needs_second_person && !is_second_person(actor, row.created_by) {
        return Err(Failure::refused_field(
            Code::SecondPersonRequired,
            "id",
            "you made this batch: somebody else must approve it",
        ));
    }
    let payouts = lock_payouts_in_tx(&tx, id, &[PayoutState::Draft]).await?;
    if payouts.is_empty() {
        return Err(Failure::refused(Code::BatchEmpty, "every payout of it was taken back"));
    }
    payout::Entity::update_many()
        .col_expr(payout::Column::State, Expr::value(PayoutState::Approved))
        .col_expr(payout::Column::ApprovedAt, Expr::value(app.clock.now()))
        .filter(payout::Column::BatchId.eq(id))
        .filter(payout::Column::State.eq(PayoutState::Draft))
        .exec(&tx)
        .await
        .map_err(Fault::from)?;
    announce_all_in_tx(&tx, app, &payouts, PayoutState::Approved).await?;
    move_in_tx(&tx, app, actor, &mut row, PayoutBatchState::Approved, None).await?;
    app.commit(tx).await?;
    Ok(row)
}

/// Says of payouts that changed together what they came to.
pub(super) async fn announce_all_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    rows: &[payout::Model],
    to: PayoutState,
) -> std::result::Result<(), DbErr> {
    let facts = rows.iter().map(|row| Fact {
        topic: Topic::PayoutChanged,
        brand: Some(row.brand_id),
        partner: Some(row.partner_id),
        subject: row.id.0,
        payload: announced(to),
    });
    outbox::enqueue_all_in_tx(tx, app, facts.collect()).await
}

pub async fn list_batches(
    app: &App,
    actor: &Actor,
    brand: BrandId,
    states: &[PayoutBatchState],
    page: &Page,
) -> std::result::Result<Slice<payout_batch::Model>, ApiError> {
    actor.authorise(Operation::SeePayoutBatches, Place::brand(brand))?;
    let mut select = payout_batch::Entity::find_within(&actor.reach()).filter(payout_batch::Column::BrandId.eq(brand));
    if !states.is_empty() {
        select = select.filter(payout_batch::Column::State.is_in(states.iter().copied()));
    }
    page::fetch(
        app.db.read(),
        select,
        payout_batch::Column::Id,
        |row: &payout_batch::Model| row.id.0,
        page,
    )
    .await
    .map_err(ApiError::internal)
}

/// Reach is not enough: not everyone in a brand sees money.
#[must_use]
pub fn may_see_batch(actor: &Actor, row: &payout_batch::Model) -> bool {
    actor
        .authorise(Operation::SeePayoutBatches, Place::brand(row.brand_id))
        .is_ok()
}

/// The payouts of a batch that the caller may see.
pub async fn list_payouts_of(
    app: &App,
    batch: PayoutBatchId,
    page: &Page,
) -> std::result::Result<Slice<payout::Model>, ApiError> {
    page::fetch(
        app.db.read(),
        payout::Entity::find().filter(payout::Column::BatchId.eq(batch)),
        payout::Column::Id,
        |row: &payout::Model| row.id.0,
        page,
    )
    .await
    .map_err(ApiError::internal)
}
