//! Taking a payout back before it is paid.

use std::collections::HashSet;

use entity::{
    commission::{self, CommissionState},
    ids::{CommissionId, PayoutId},
    ledger_account::LedgerAccountKind,
    ledger_transfer::TransferKind,
    payout::{self, PayoutState},
    payout_item,
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, DatabaseTransaction, EntityTrait, JoinType, QueryFilter, QuerySelect,
    sea_query::{Expr, ExprTrait},
};

use super::{
    Code, Fingerprint, Result, Started, lock_in_tx, move_commissions_in_tx, move_in_tx, of_payout, posting, start_in_tx,
};
use crate::{
    accounts::{actor::Actor, permissions::Operation},
    app::App,
    error::{Failure, Fault},
    idempotency::{Key, Outcome},
    infra::db::INSERT_CHUNK,
    ledger::{balances, post},
};

const MAX_REASON_CHARS: usize = 500;

/// Takes a payout back before it is paid: the money is available again.
pub async fn cancel_payout(
    app: &App,
    actor: &Actor,
    id: PayoutId,
    reason: &str,
    key: &Key,
) -> Result<Outcome<payout::Model>> {
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > MAX_REASON_CHARS {
        return Err(Failure::refused_field(
            Code::ReasonInvalid,
            "reason",
            "a reason has 1 to 500 characters",
        ));
    }
    let tx = app.db.begin().await?;
    let mut row = lock_in_tx(&tx, actor, Operation::CancelPayout, id).await?;
    let fingerprint = Fingerprint {
        subject: id.to_string(),
        detail: reason.to_owned(),
    };
    let pending = match start_in_tx(&tx, app, row.brand_id, "cancelPayout", key, &fingerprint).await? {
        Started::Replay(value) => {
            tx.commit().await?;
            return Ok(Outcome {
                value: *value,
                replayed: true,
            });
        }
        Started::Fresh(pending) => pending,
    };
    let open = [PayoutState::Draft, PayoutState::Approved];
    move_in_tx(&tx, app, actor, &mut row, &open, PayoutState::Cancelled, Some(reason)).await?;
    balances::lock_all_available_in_tx(&tx, [row.partnership_id]).await?;
    let items = payout_item::Entity::find()
        .filter(payout_item::Column::PayoutId.eq(row.id))
        .all(&tx)
        .await?;
    reopen_commissions_in_tx(&tx, row.id, &items).await?;
    post::post_in_tx(
        &tx,
        app,
        vec![posting(
            app,
            &row,
            "cancelled",
            TransferKind::PayoutCancelled,
            [
                (LedgerAccountKind::InTransit, -row.amount_minor),
                (LedgerAccountKind::Available, row.amount_minor),
            ],
        )?],
    )
    .await?;
    pending.settle(&tx, row.id.0).await?;
    app.commit(tx).await?;
    Ok(Outcome {
        value: row,
        replayed: false,
    })
}

/// Lets go of what a cancelled payout would have paid. Negative items only netted a commission off: an earlier payout may
/// still be paying it, as it may where only a released reserve was to be paid. What came back whole meanwhile is reversed.
async fn reopen_commissions_in_tx(
    tx: &DatabaseTransaction,
    cancelled: PayoutId,
    items: &[payout_item::Model],
) -> std::result::Result<(), Fault> {
    let ids: Vec<CommissionId> = items
        .iter()
        .filter(|item| item.amount_minor > 0)
        .filter_map(|item| item.commission_id)
        .collect();
    let elsewhere = in_other_payouts_in_tx(tx, cancelled, &ids).await?;
    let ids: Vec<CommissionId> = ids.into_iter().filter(|id| !elsewhere.contains(id)).collect();
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
    cancelled: PayoutId,
    ids: &[CommissionId],
) -> std::result::Result<HashSet<CommissionId>, Fault> {
    let open = [
        PayoutState::Draft,
        PayoutState::Approved,
        PayoutState::Submitted,
        PayoutState::Unknown,
    ];
    let mut found = HashSet::new();
    for chunk in ids.chunks(INSERT_CHUNK) {
        let rows: Vec<CommissionId> = payout_item::Entity::find()
            .select_only()
            .column(payout_item::Column::CommissionId)
            .join(JoinType::InnerJoin, of_payout())
            .filter(payout_item::Column::CommissionId.is_in(chunk.iter().copied()))
            .filter(payout_item::Column::AmountMinor.gt(0))
            .filter(payout::Column::Id.ne(cancelled))
            .filter(payout::Column::State.is_in(open))
            .into_tuple()
            .all(tx)
            .await?;
        found.extend(rows);
    }
    Ok(found)
}
