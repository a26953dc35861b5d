//! Taking a batch back: all of it before it is handed over, and afterwards what has not left.

use entity::{
    ids::PayoutBatchId,
    payout::{self, PayoutRail, PayoutState},
    payout_batch::{self, PayoutBatchState},
};
use sea_orm::DatabaseTransaction;

use super::{Code, Result, check_move, do_once, lock_payouts_in_tx, move_in_tx};
use crate::{
    accounts::{actor::Actor, permissions::Operation},
    app::App,
    audit::{self, Change},
    error::Failure,
    idempotency::{Key, Outcome},
    ledger::balances,
    payouts::{
        sending,
        service::{
            Doing,
            settle::{Undone, undo_in_tx},
        },
    },
};

/// Takes back what has not left of a batch: its money is available again. What has left goes on.
pub async fn cancel_batch(
    app: &App,
    actor: &Actor,
    id: PayoutBatchId,
    reason: &str,
    key: &Key,
) -> Result<Outcome<payout_batch::Model>> {
    let reason = audit::clean_reason(reason)
        .ok_or_else(|| Failure::refused_field(Code::ReasonInvalid, "reason", "a reason has 1 to 500 characters"))?;
    let doing = Doing {
        permission: Operation::CancelPayoutBatch,
        name: "cancelPayoutBatch",
        detail: reason,
        key,
    };
    do_once(app, actor, id, doing, async |tx, row| {
        cancel_in_tx(tx, app, actor, row, reason).await
    })
    .await
}

async fn cancel_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    row: &mut payout_batch::Model,
    reason: &str,
) -> Result<()> {
    use PayoutBatchState::{Approved, Cancelled, Draft, Submitted};
    check_move(row, &[Draft, Approved, Submitted], Cancelled)?;
    let (taken, left) = if row.state == Submitted {
        take_back_in_tx(tx, app, row, reason).await?
    } else {
        let open = [PayoutState::Draft, PayoutState::Approved];
        (lock_payouts_in_tx(tx, row.id, &open).await?, false)
    };
    balances::lock_all_available_in_tx(tx, taken.iter().map(|payout| payout.partnership_id)).await?;
    for mut payout in taken {
        undo_in_tx(tx, app, actor, &mut payout, Undone::Cancelled, Some(reason), None).await?;
    }
    if left {
        let change = Change::of_fact(row.brand_id, "payout_batch.taken_back_in_part", row.id);
        audit::record_in_tx(tx, app, actor, change).await?;
        return Ok(());
    }
    move_in_tx(tx, app, actor, row, Cancelled, Some(reason)).await?;
    Ok(())
}

/// What has not left of a batch that was handed over, and whether something has.
async fn take_back_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    row: &payout_batch::Model,
    reason: &str,
) -> Result<(Vec<payout::Model>, bool)> {
    use PayoutState::{Paid, Submitted, Unknown};
    let payouts = lock_payouts_in_tx(tx, row.id, &[Submitted, Unknown, Paid]).await?;
    let unsent = sending::take_back_in_tx(tx, app, row.id, &payouts, reason).await?;
    let is_here = |payout: &payout::Model| match payout.rail {
        PayoutRail::Manual | PayoutRail::BankFile => payout.state == Submitted && payout.file_id.is_none(),
        PayoutRail::Razorpayx | PayoutRail::Paypal | PayoutRail::Stripe => {
            payout.request_id.is_some_and(|request| unsent.contains(&request))
        }
    };
    let (taken, left): (Vec<_>, Vec<_>) = payouts.into_iter().partition(is_here);
    if taken.is_empty() {
        return Err(Failure::refused_field(
            Code::InvalidTransition,
            "id",
            "every payout of this batch has left, or is being sent at this moment",
        ));
    }
    Ok((taken, !left.is_empty()))
}
