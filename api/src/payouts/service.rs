//! Use cases of payouts: one file a verb, and here what they share.

mod cancel;
mod create;
pub(in crate::payouts) mod draft;
mod hold;
mod pay;
pub(in crate::payouts) mod settle;
mod unpaid;

use entity::{
    TenantScoped,
    commission::{self, CommissionState},
    ids::{BrandId, CommissionId, PartnerId, PayoutId, UserId},
    ledger_account::LedgerAccountKind,
    ledger_transfer::TransferKind,
    payout::{self, PayoutRail, PayoutState},
    payout_item,
};
use sea_orm::{
    ActiveEnum, ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel,
    QueryFilter, QuerySelect, RelationDef,
};
use serde::Serialize;
use serde_json::json;

pub use self::{
    cancel::cancel_payout,
    create::{CreatePayout, create_payout},
    hold::{hold_payouts, release_payout_hold},
    pay::mark_payout_paid,
    unpaid::mark_payout_unpaid,
};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    audit::{self, Change},
    error::{ApiError, Failure, Fault},
    idempotency::{self, Claim, Key, Outcome, Pending},
    infra::db::INSERT_CHUNK,
    ledger::post::{Line, Owner, Posting},
    money::Currency,
    outbox::{self, Fact, Topic},
    page::{self, Page, Slice},
    payouts::error::PayoutErrorCode as Code,
};

type Result<T> = std::result::Result<T, Failure<Code>>;

#[derive(Serialize)]
struct Fingerprint {
    subject: String,
    detail: String,
}

/// What is done to a payout, or to a batch, under a key.
pub(in crate::payouts) struct Doing<'a> {
    pub permission: Operation,
    /// As the key knows it.
    pub name: &'static str,
    /// What is said with it: another one under the same key is another request.
    pub detail: &'a str,
    pub key: &'a Key,
}

impl Doing<'_> {
    /// Claims the key for what is done to a row that is locked; nothing when it was done before, to the same row.
    pub(in crate::payouts) async fn claim_in_tx(
        &self,
        tx: &DatabaseTransaction,
        app: &App,
        brand: BrandId,
        subject: String,
    ) -> std::result::Result<Option<Pending>, ApiError> {
        let fingerprint = Fingerprint {
            subject,
            detail: self.detail.to_owned(),
        };
        match idempotency::claim_in_tx(tx, app, brand.0, self.name, self.key, &fingerprint).await? {
            Claim::Fresh(pending) => Ok(Some(pending)),
            Claim::Replay(_) => Ok(None),
        }
    }
}

/// Does something to a payout, which is locked, and commits; what was done under its key before is answered again.
async fn do_once(
    app: &App,
    actor: &Actor,
    id: PayoutId,
    doing: Doing<'_>,
    act: impl AsyncFnOnce(&DatabaseTransaction, &mut payout::Model) -> Result<()>,
) -> Result<Outcome<payout::Model>> {
    let tx = app.db.begin().await?;
    let mut row = lock_in_tx(&tx, actor, doing.permission, id).await?;
    let pending = doing.claim_in_tx(&tx, app, row.brand_id, id.to_string()).await?;
    let replayed = pending.is_none();
    if let Some(pending) = pending {
        act(&tx, &mut row).await?;
        pending.settle(&tx, row.id.0).await?;
    }
    app.commit(tx).await?;
    Ok(Outcome { value: row, replayed })
}

async fn move_commissions_in_tx(
    tx: &DatabaseTransaction,
    ids: &[CommissionId],
    from: CommissionState,
    to: CommissionState,
) -> std::result::Result<(), Fault> {
    for chunk in ids.chunks(INSERT_CHUNK) {
        commission::Entity::update_many()
            .set(commission::ActiveModel {
                state: Set(to),
                ..Default::default()
            })
            .filter(commission::Column::Id.is_in(chunk.iter().copied()))
            .filter(commission::Column::State.eq(from))
            .exec(tx)
            .await?;
    }
    Ok(())
}

/// From an item to its payout.
fn of_payout() -> RelationDef {
    payout_item::Entity::belongs_to(payout::Entity)
        .from(payout_item::Column::PayoutId)
        .to(payout::Column::Id)
        .into()
}

/// Where the money of a rail is counted.
#[must_use]
pub(in crate::payouts) fn cash(rail: PayoutRail) -> LedgerAccountKind {
    match rail {
        PayoutRail::Manual | PayoutRail::BankFile => LedgerAccountKind::CashBank,
        PayoutRail::Razorpayx => LedgerAccountKind::CashRazorpayx,
        PayoutRail::Paypal => LedgerAccountKind::CashPaypal,
        PayoutRail::Stripe => LedgerAccountKind::CashStripe,
    }
}

/// Lines in the payout's own currency.
fn posting<const N: usize>(
    app: &App,
    row: &payout::Model,
    cause: &str,
    kind: TransferKind,
    lines: [(LedgerAccountKind, i64); N],
) -> std::result::Result<Posting, Fault> {
    let currency = row.currency.parse().map_err(Fault::new)?;
    Ok(posting_in(app, row, cause, kind, currency, lines))
}

fn posting_in<const N: usize>(
    app: &App,
    row: &payout::Model,
    cause: &str,
    kind: TransferKind,
    currency: Currency,
    lines: [(LedgerAccountKind, i64); N],
) -> Posting {
    let partnership = Owner::Partnership {
        partnership: row.partnership_id,
        partner: row.partner_id,
    };
    let line = |(kind, amount_minor): (LedgerAccountKind, i64)| Line {
        owner: match kind {
            LedgerAccountKind::Available | LedgerAccountKind::InTransit => partnership,
            _ => Owner::Brand,
        },
        kind,
        amount_minor,
    };
    Posting {
        key: format!("{}:{cause}", row.id),
        kind,
        brand: row.brand_id,
        currency,
        commission: None,
        payout: Some(row.id),
        adjustment: None,
        redemption: None,
        occurred_at: app.clock.now(),
        lines: lines.map(line).to_vec(),
    }
}

/// What the log says beside the payout itself: the state it came to.
#[must_use]
pub fn announced(state: payout::PayoutState) -> serde_json::Value {
    json!({ "state": state.to_value() })
}

pub(in crate::payouts) async fn announce_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    row: &payout::Model,
) -> std::result::Result<(), Fault> {
    let fact = Fact {
        topic: Topic::PayoutChanged,
        brand: Some(row.brand_id),
        partner: Some(row.partner_id),
        subject: row.id.0,
        payload: announced(row.state),
    };
    outbox::enqueue_in_tx(tx, app, fact).await?;
    Ok(())
}

async fn lock_in_tx(
    tx: &DatabaseTransaction,
    actor: &Actor,
    operation: Operation,
    id: PayoutId,
) -> Result<payout::Model> {
    let row = payout::Entity::find_within(&actor.reach())
        .filter(payout::Column::Id.eq(id))
        .lock_exclusive()
        .one(tx)
        .await?
        .ok_or_else(|| ApiError::not_found("payout"))?;
    actor.authorise(operation, Place::brand(row.brand_id))?;
    Ok(row)
}

/// A transition that does not exist is refused, naming both states.
fn check_move(row: &payout::Model, from: &[PayoutState], to: PayoutState) -> Result<()> {
    if from.contains(&row.state) {
        return Ok(());
    }
    Err(Failure::refused(
        Code::InvalidTransition,
        audit::impossible("a payout", &row.state, &to),
    ))
}

/// One transition, checked before, with its audit row and announcement; writes the rest of the row, too.
pub(in crate::payouts) async fn move_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    row: &mut payout::Model,
    to: PayoutState,
    reason: Option<&str>,
) -> std::result::Result<(), Fault> {
    let now = Some(app.clock.now());
    let action = match to {
        PayoutState::Draft => "payout.drafted",
        PayoutState::Unknown => "payout.unclear",
        PayoutState::Approved => {
            row.approved_at = now;
            "payout.approved"
        }
        PayoutState::Submitted => {
            // What was handed over once was handed over then, whatever is found out in between.
            row.submitted_at = row.submitted_at.or(now);
            "payout.submitted"
        }
        PayoutState::Paid => {
            row.paid_at = now;
            "payout.paid"
        }
        PayoutState::Failed => {
            row.failed_at = now;
            "payout.failed"
        }
        PayoutState::Returned => {
            row.returned_at = now;
            "payout.returned"
        }
        PayoutState::Cancelled => {
            row.cancelled_at = now;
            "payout.cancelled"
        }
    };
    let change = Change::of_state(row.brand_id, action, row.id, &row.state, &to, reason);
    audit::record_in_tx(tx, app, actor, change).await?;
    row.state = to;
    write_in_tx(tx, row).await?;
    announce_in_tx(tx, app, row).await
}

pub(in crate::payouts) async fn write_in_tx(
    tx: &DatabaseTransaction,
    row: &payout::Model,
) -> std::result::Result<(), Fault> {
    payout::Entity::update(row.clone().into_active_model().reset_all())
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

/// What belongs to a batch is released and taken back with it.
fn refuse_of_batch(row: &payout::Model) -> Result<()> {
    match row.batch_id {
        None => Ok(()),
        Some(batch) => Err(Failure::refused_field(
            Code::PayoutInBatch,
            "id",
            format!("this payout is part of {batch}: approve that"),
        )),
    }
}

/// Whether whoever drafted something may release it.
pub(in crate::payouts) fn is_second_person(actor: &Actor, created_by: Option<UserId>) -> bool {
    created_by.is_none() || actor.user().ok() != created_by
}

/// Releases a drafted payout.
pub async fn approve_payout(app: &App, actor: &Actor, id: PayoutId) -> Result<payout::Model> {
    let tx = app.db.begin().await?;
    let mut row = lock_in_tx(&tx, actor, Operation::ApprovePayout, id).await?;
    refuse_of_batch(&row)?;
    check_move(&row, &[PayoutState::Draft], PayoutState::Approved)?;
    if row.needs_second_person && !is_second_person(actor, row.created_by) {
        return Err(Failure::refused_field(
            Code::SecondPersonRequired,
            "id",
            "you drafted this payout: somebody else must release it",
        ));
    }
    move_in_tx(&tx, app, actor, &mut row, PayoutState::Approved, None).await?;
    app.commit(tx).await?;
    Ok(row)
}

/// Reach is not enough: not everyone in a brand sees money.
#[must_use]
pub fn may_see_payout(actor: &Actor, row: &payout::Model) -> bool {
    actor
        .authorise(Operation::SeePayouts, Place::brand(row.brand_id))
        .is_ok()
        || actor
            .authorise(Operation::SeeOwnPayouts, Place::partner(row.partner_id))
            .is_ok()
}

/// What a payout cost, and what is wrong with it, is the brand's.
#[must_use]
pub fn may_see_costs(actor: &Actor, row: &payout::Model) -> bool {
    actor
        .authorise(Operation::SeePayouts, Place::brand(row.brand_id))
        .is_ok()
}

/// Whose payouts to list.
#[derive(Clone, Copy, Debug)]
pub enum Of {
    Brand(BrandId),
    Partner(PartnerId),
}

pub async fn list_payouts(
    app: &App,
    actor: &Actor,
    of: Of,
    states: &[PayoutState],
    page: &Page,
) -> std::result::Result<Slice<payout::Model>, ApiError> {
    let select = payout::Entity::find_within(&actor.reach());
    let mut select = match of {
        Of::Brand(brand) => {
            actor.authorise(Operation::SeePayouts, Place::brand(brand))?;
            select.filter(payout::Column::BrandId.eq(brand))
        }
        Of::Partner(partner) => {
            actor.authorise(Operation::SeeOwnPayouts, Place::partner(partner))?;
            select.filter(payout::Column::PartnerId.eq(partner))
        }
    };
    if !states.is_empty() {
        select = select.filter(payout::Column::State.is_in(states.iter().copied()));
    }
    page::fetch(
        app.db.read(),
        select,
        payout::Column::Id,
        |row: &payout::Model| row.id.0,
        page,
    )
    .await
    .map_err(ApiError::internal)
}
