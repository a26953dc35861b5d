//! Use cases of payouts: one file a verb, and here what they share.

mod cancel;
mod create;
mod pay;

use entity::{
    TenantScoped,
    commission::{self, CommissionState},
    ids::{BrandId, CommissionId, PartnerId, PayoutId},
    ledger_account::LedgerAccountKind,
    ledger_transfer::TransferKind,
    payout::{self, PayoutState},
    payout_item,
};
use sea_orm::{
    ActiveEnum, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect, RelationDef,
};
use serde::Serialize;
use serde_json::json;

pub use self::{
    cancel::cancel_payout,
    create::{CreatePayout, create_payout},
    pay::mark_payout_paid,
};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    audit::{self, Change},
    error::{ApiError, Failure, Fault},
    idempotency::{self, Claim, Key},
    infra::db::INSERT_CHUNK,
    ledger::post::{Line, Owner, Posting},
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

enum Started {
    Replay(Box<payout::Model>),
    Fresh(idempotency::Pending),
}

/// Claims the key of a payout operation.
async fn start_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    brand: BrandId,
    operation: &'static str,
    key: &Key,
    fingerprint: &Fingerprint,
) -> Result<Started> {
    match idempotency::claim_in_tx(tx, app, brand.0, operation, key, fingerprint).await? {
        Claim::Fresh(pending) => Ok(Started::Fresh(pending)),
        Claim::Replay(id) => {
            let row = payout::Entity::find_by_id(PayoutId(id))
                .one(tx)
                .await?
                .ok_or_else(|| Fault::new("a replayed payout is gone"))?;
            Ok(Started::Replay(Box::new(row)))
        }
    }
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

fn posting<const N: usize>(
    app: &App,
    row: &payout::Model,
    cause: &str,
    kind: TransferKind,
    lines: [(LedgerAccountKind, i64); N],
) -> std::result::Result<Posting, Fault> {
    let partnership = Owner::Partnership {
        partnership: row.partnership_id,
        partner: row.partner_id,
    };
    let line = |(kind, amount_minor): (LedgerAccountKind, i64)| Line {
        owner: if kind == LedgerAccountKind::CashBank {
            Owner::Brand
        } else {
            partnership
        },
        kind,
        amount_minor,
    };
    Ok(Posting {
        key: format!("{}:{cause}", row.id),
        kind,
        brand: row.brand_id,
        currency: row.currency.parse().map_err(Fault::new)?,
        commission: None,
        payout: Some(row.id),
        adjustment: None,
        redemption: None,
        occurred_at: app.clock.now(),
        lines: lines.map(line).to_vec(),
    })
}

/// What the log says beside the payout itself: the state it came to.
#[must_use]
pub fn announced(state: payout::PayoutState) -> serde_json::Value {
    json!({ "state": state.to_value() })
}

async fn announce_in_tx(tx: &DatabaseTransaction, app: &App, row: &payout::Model) -> std::result::Result<(), Fault> {
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

/// One guarded transition with its audit row and announcement.
async fn move_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    row: &mut payout::Model,
    from: &[PayoutState],
    to: PayoutState,
    reason: Option<&str>,
) -> Result<()> {
    if !from.contains(&row.state) {
        return Err(Failure::refused(
            Code::InvalidTransition,
            format!("a payout cannot go from {} to {}", row.state.to_value(), to.to_value()),
        ));
    }
    let action = match to {
        PayoutState::Approved => "payout.approved",
        PayoutState::Paid => "payout.paid",
        _ => "payout.cancelled",
    };
    audit::record_in_tx(
        tx,
        app,
        actor,
        Change::of_state(row.brand_id, action, row.id, &row.state, &to, reason),
    )
    .await?;
    row.state = to;
    let at = Some(app.clock.now());
    match to {
        PayoutState::Approved => row.approved_at = at,
        PayoutState::Paid => row.paid_at = at,
        _ => row.cancelled_at = at,
    }
    payout::Entity::update(payout::ActiveModel {
        id: Set(row.id),
        state: Set(row.state),
        reference: Set(row.reference.clone()),
        approved_at: Set(row.approved_at),
        paid_at: Set(row.paid_at),
        cancelled_at: Set(row.cancelled_at),
        ..Default::default()
    })
    .exec_without_returning(tx)
    .await?;
    announce_in_tx(tx, app, row).await?;
    Ok(())
}

/// Releases a drafted payout.
pub async fn approve_payout(app: &App, actor: &Actor, id: PayoutId) -> Result<payout::Model> {
    let tx = app.db.begin().await?;
    let mut row = lock_in_tx(&tx, actor, Operation::ApprovePayout, id).await?;
    move_in_tx(
        &tx,
        app,
        actor,
        &mut row,
        &[PayoutState::Draft],
        PayoutState::Approved,
        None,
    )
    .await?;
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
