//! What becomes of a payout's money: it arrived, it never left, or it came back. Whoever finds out calls this, once or again.

use std::collections::{HashMap, HashSet};

use entity::{
    commission::{self, CommissionState},
    ids::{CommissionId, PayoutId},
    ledger_account::LedgerAccountKind,
    ledger_entry,
    ledger_transfer::{self, TransferKind},
    payout::{self, PayoutState},
    payout_item,
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, DatabaseTransaction, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, Func},
};
use serde_json::json;

use super::{cash, draft::OPEN, move_commissions_in_tx, move_in_tx, of_payout, posting, posting_in};
use crate::{
    accounts::actor::Actor,
    app::App,
    error::Fault,
    infra::db::INSERT_CHUNK,
    ledger::{
        balances,
        post::{self, Posting},
    },
    money::Money,
    outbox::{self, Fact, Topic},
};

/// Books that a payout in transit has arrived, with what its row says of it; `fee` is what the rail took beside.
pub(in crate::payouts) async fn pay_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    row: &mut payout::Model,
    fee: Option<Money>,
) -> Result<(), Fault> {
    set_fee(row, fee);
    move_in_tx(tx, app, actor, row, PayoutState::Paid, None).await?;
    // What is drafted meanwhile counts what is on its way and what was paid: neither twice, nor neither.
    balances::lock_all_available_in_tx(tx, [row.partnership_id]).await?;
    settle_commissions_in_tx(tx, app, row).await?;
    let amount = row.amount_minor;
    let same = fee.filter(|fee| fee.currency.code() == row.currency);
    let fee_minor = same.map_or(0, |fee| fee.amount_minor);
    let paid = posting(
        app,
        row,
        "paid",
        TransferKind::PayoutPaid,
        [
            (LedgerAccountKind::InTransit, -amount),
            (LedgerAccountKind::PayoutFeeExpense, -fee_minor),
            (cash(row.rail), amount + fee_minor),
        ],
    )?;
    let elsewhere = fee.filter(|_| same.is_none()).map(|fee| fee_charged(app, row, fee));
    post::post_in_tx(tx, app, [paid].into_iter().chain(elsewhere).collect()).await
}

/// Books a fee that became known after the payout had arrived.
pub(in crate::payouts) async fn charge_fee_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    row: &mut payout::Model,
    fee: Money,
) -> Result<(), Fault> {
    set_fee(row, Some(fee));
    post::post_in_tx(tx, app, vec![fee_charged(app, row, fee)]).await
}

fn set_fee(row: &mut payout::Model, fee: Option<Money>) {
    if let Some(fee) = fee {
        row.fee_minor = Some(fee.amount_minor);
        row.fee_currency = Some(fee.currency.code().to_owned());
    }
}

fn fee_charged(app: &App, row: &payout::Model, fee: Money) -> Posting {
    posting_in(
        app,
        row,
        "fee",
        TransferKind::PayoutFeeCharged,
        fee.currency,
        [
            (LedgerAccountKind::PayoutFeeExpense, -fee.amount_minor),
            (cash(row.rail), fee.amount_minor),
        ],
    )
}

/// How a payout ended that does not stand: before it left, or after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::payouts) enum Undone {
    Cancelled,
    Failed,
    Returned,
}

impl Undone {
    fn state(self) -> PayoutState {
        match self {
            Self::Cancelled => PayoutState::Cancelled,
            Self::Failed => PayoutState::Failed,
            Self::Returned => PayoutState::Returned,
        }
    }

    fn kind(self) -> (&'static str, TransferKind) {
        match self {
            Self::Cancelled => ("cancelled", TransferKind::PayoutCancelled),
            Self::Failed => ("failed", TransferKind::PayoutFailed),
            Self::Returned => ("returned", TransferKind::PayoutReturned),
        }
    }
}

/// Books that a payout does not stand: its money is available again, and what it paid is owed again. `kept` is what the rail keeps
/// of its fee, as far as it tells.
pub(in crate::payouts) async fn undo_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    row: &mut payout::Model,
    undone: Undone,
    reason: Option<&str>,
    kept: Option<Money>,
) -> Result<(), Fault> {
    let was_paid = row.state == PayoutState::Paid;
    let known = row.fee_minor.zip(row.fee_currency.clone());
    if known.is_none() {
        set_fee(row, kept.filter(|kept| kept.amount_minor > 0));
    }
    move_in_tx(tx, app, actor, row, undone.state(), reason).await?;
    balances::lock_all_available_in_tx(tx, [row.partnership_id]).await?;
    let items = payout_item::Entity::find()
        .filter(payout_item::Column::PayoutId.eq(row.id))
        .all(tx)
        .await?;
    if was_paid {
        unsettle_commissions_in_tx(tx, &items).await?;
    }
    reopen_commissions_in_tx(tx, row.id, &items).await?;
    let (cause, kind) = undone.kind();
    let from = if was_paid {
        cash(row.rail)
    } else {
        LedgerAccountKind::InTransit
    };
    let back = posting(
        app,
        row,
        cause,
        kind,
        [
            (from, -row.amount_minor),
            (LedgerAccountKind::Available, row.amount_minor),
        ],
    )?;
    let fee = fee_after(app, row, known, kept);
    post::post_in_tx(tx, app, [back].into_iter().chain(fee).collect()).await
}

/// What a rail gave back of the fee that was known, or took although nothing arrived.
fn fee_after(app: &App, row: &payout::Model, known: Option<(i64, String)>, kept: Option<Money>) -> Option<Posting> {
    let kept = kept?;
    let Some((charged, currency)) = known else {
        return (kept.amount_minor > 0).then(|| fee_charged(app, row, kept));
    };
    let back = charged - kept.amount_minor;
    if currency != kept.currency.code() || back <= 0 {
        return None;
    }
    Some(posting_in(
        app,
        row,
        "fee-refunded",
        TransferKind::PayoutFeeRefunded,
        kept.currency,
        [(cash(row.rail), -back), (LedgerAccountKind::PayoutFeeExpense, back)],
    ))
}

fn by_commission(items: &[payout_item::Model]) -> HashMap<CommissionId, i64> {
    let mut amounts: HashMap<CommissionId, i64> = HashMap::new();
    for item in items {
        if let Some(commission) = item.commission_id {
            *amounts.entry(commission).or_default() += item.amount_minor;
        }
    }
    amounts
}

async fn lock_commissions_in_tx(
    tx: &DatabaseTransaction,
    amounts: &HashMap<CommissionId, i64>,
) -> Result<Vec<commission::Model>, Fault> {
    let mut ids: Vec<CommissionId> = amounts.keys().copied().collect();
    ids.sort_unstable();
    let mut rows = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(INSERT_CHUNK) {
        let locked = commission::Entity::find()
            .filter(commission::Column::Id.is_in(chunk.iter().copied()))
            .order_by_asc(commission::Column::Id)
            .lock_exclusive()
            .all(tx)
            .await?;
        rows.extend(locked);
    }
    Ok(rows)
}

/// Adds a paid payout's items to their commissions; what is paid in full becomes PAID.
async fn settle_commissions_in_tx(tx: &DatabaseTransaction, app: &App, row: &payout::Model) -> Result<(), Fault> {
    let items = payout_item::Entity::find()
        .filter(payout_item::Column::PayoutId.eq(row.id))
        .all(tx)
        .await?;
    let amounts = by_commission(&items);
    let commissions = lock_commissions_in_tx(tx, &amounts).await?;
    let released = list_released_in_tx(tx, &commissions).await?;
    let mut facts = Vec::new();
    let mut rest = Vec::new();
    for commission in commissions {
        let paid_minor = commission.paid_minor + amounts.get(&commission.id).copied().unwrap_or(0);
        let owed = owed_first(&commission, &released);
        let is_paid = commission.state == CommissionState::InPayout && paid_minor >= owed;
        if commission.state == CommissionState::InPayout && !is_paid {
            rest.push(commission.id);
        }
        if is_paid {
            facts.push(Fact {
                topic: Topic::CommissionPaid,
                brand: Some(commission.brand_id),
                partner: Some(commission.partner_id),
                subject: commission.id.0,
                payload: json!({ "payout": row.id.to_string() }),
            });
        }
        let state = if is_paid {
            CommissionState::Paid
        } else {
            commission.state
        };
        write_paid_in_tx(tx, commission.id, paid_minor, state).await?;
    }
    // More of it has become due since this payout was drafted.
    let_go_in_tx(tx, row.id, &rest).await?;
    outbox::enqueue_all_in_tx(tx, app, facts).await?;
    Ok(())
}

/// What must have been paid of a commission before it is PAID. What was kept in reserve and is still due follows by itself when
/// it is released; what refunds have taken from the reserve is gone, and is not taken a second time.
fn owed_first(row: &commission::Model, released: &HashMap<CommissionId, i64>) -> i64 {
    let released = released.get(&row.id).copied().unwrap_or(0);
    row.amount_minor - row.reversed_minor - row.reserve_left_minor - released
}

/// What was released of the reserves of these commissions.
async fn list_released_in_tx(
    tx: &DatabaseTransaction,
    rows: &[commission::Model],
) -> Result<HashMap<CommissionId, i64>, Fault> {
    let reserved = rows.iter().filter(|row| row.reserve_minor > row.reserve_left_minor);
    let ids: Vec<CommissionId> = reserved.map(|row| row.id).collect();
    let mut released = HashMap::new();
    for chunk in ids.chunks(INSERT_CHUNK) {
        let sums: Vec<(CommissionId, i64)> = ledger_entry::Entity::find()
            .select_only()
            .column(ledger_transfer::Column::CommissionId)
            .column_as(
                Func::sum(Expr::col(ledger_entry::Column::AmountMinor.as_column_ref())).cast_as("bigint"),
                "released_minor",
            )
            .join(
                JoinType::InnerJoin,
                ledger_entry::Entity::belongs_to(ledger_transfer::Entity)
                    .from(ledger_entry::Column::TransferId)
                    .to(ledger_transfer::Column::Id)
                    .into(),
            )
            .filter(ledger_transfer::Column::CommissionId.is_in(chunk.iter().copied()))
            .filter(ledger_transfer::Column::Kind.eq(TransferKind::ReserveReleased))
            .filter(ledger_entry::Column::AmountMinor.gt(0))
            .group_by(ledger_transfer::Column::CommissionId)
            .into_tuple()
            .all(tx)
            .await?;
        released.extend(sums);
    }
    Ok(released)
}

/// Takes a paid payout's items back from their commissions: what was paid by it is owed again.
async fn unsettle_commissions_in_tx(tx: &DatabaseTransaction, items: &[payout_item::Model]) -> Result<(), Fault> {
    let amounts = by_commission(items);
    let commissions = lock_commissions_in_tx(tx, &amounts).await?;
    let released = list_released_in_tx(tx, &commissions).await?;
    for commission in commissions {
        let paid_minor = commission.paid_minor - amounts.get(&commission.id).copied().unwrap_or(0);
        let is_unpaid = paid_minor <= 0 || paid_minor < owed_first(&commission, &released);
        let is_open = commission.state == CommissionState::Paid && is_unpaid;
        let state = if is_open {
            CommissionState::InPayout
        } else {
            commission.state
        };
        write_paid_in_tx(tx, commission.id, paid_minor, state).await?;
    }
    Ok(())
}

async fn write_paid_in_tx(
    tx: &DatabaseTransaction,
    id: CommissionId,
    paid_minor: i64,
    state: CommissionState,
) -> Result<(), Fault> {
    commission::Entity::update(commission::ActiveModel {
        id: Set(id),
        paid_minor: Set(paid_minor),
        state: Set(state),
        ..Default::default()
    })
    .exec_without_returning(tx)
    .await?;
    Ok(())
}

/// Lets go of what a payout that does not stand would have paid. Negative items only netted a commission off: an earlier payout may
/// still be paying it, as it may where only a released reserve was to be paid.
async fn reopen_commissions_in_tx(
    tx: &DatabaseTransaction,
    undone: PayoutId,
    items: &[payout_item::Model],
) -> Result<(), Fault> {
    let ids: Vec<CommissionId> = items
        .iter()
        .filter(|item| item.amount_minor > 0)
        .filter_map(|item| item.commission_id)
        .collect();
    let_go_in_tx(tx, undone, &ids).await
}

/// What no payout but this one was paying of these commissions is due again; what has come back whole is reversed.
async fn let_go_in_tx(tx: &DatabaseTransaction, payout: PayoutId, ids: &[CommissionId]) -> Result<(), Fault> {
    if ids.is_empty() {
        return Ok(());
    }
    let elsewhere = in_other_payouts_in_tx(tx, payout, ids).await?;
    let ids: Vec<CommissionId> = ids.iter().copied().filter(|id| !elsewhere.contains(id)).collect();
    move_commissions_in_tx(tx, &ids, CommissionState::InPayout, CommissionState::Approved).await?;
    for chunk in ids.chunks(INSERT_CHUNK) {
        commission::Entity::update_many()
            .set(commission::ActiveModel {
                state: Set(CommissionState::Reversed),
                ..Default::default()
            })
            .filter(commission::Column::Id.is_in(chunk.iter().copied()))
            .filter(commission::Column::State.eq(CommissionState::Approved))
            .filter(Expr::col(commission::Column::ReversedMinor).eq(Expr::col(commission::Column::AmountMinor)))
            .exec(tx)
            .await?;
    }
    Ok(())
}

/// Those of these commissions that another payout, which is not finished, pays a portion of.
async fn in_other_payouts_in_tx(
    tx: &DatabaseTransaction,
    undone: PayoutId,
    ids: &[CommissionId],
) -> Result<HashSet<CommissionId>, Fault> {
    let mut found = HashSet::new();
    for chunk in ids.chunks(INSERT_CHUNK) {
        let rows: Vec<CommissionId> = payout_item::Entity::find()
            .select_only()
            .column(payout_item::Column::CommissionId)
            .join(JoinType::InnerJoin, of_payout())
            .filter(payout_item::Column::CommissionId.is_in(chunk.iter().copied()))
            .filter(payout_item::Column::AmountMinor.gt(0))
            .filter(payout::Column::Id.ne(undone))
            .filter(payout::Column::State.is_in(OPEN))
            .into_tuple()
            .all(tx)
            .await?;
        found.extend(rows);
    }
    Ok(found)
}
