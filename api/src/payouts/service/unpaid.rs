//! Marking a payout as unpaid that a person had marked as paid: it came back, or was never made.

use entity::{
    ids::PayoutId,
    payout::{self, PayoutState},
};

use super::{
    Fingerprint, Result, Started,
    cancel::check_reason,
    check_move, lock_in_tx,
    pay::refuse_of_provider,
    settle::{Undone, undo_in_tx},
    start_in_tx,
};
use crate::{
    accounts::{actor::Actor, permissions::Operation},
    app::App,
    idempotency::{Key, Outcome},
};

/// Records that what was marked as paid did not arrive: its money is available again, and what it paid is owed again.
pub async fn mark_payout_unpaid(
    app: &App,
    actor: &Actor,
    id: PayoutId,
    reason: &str,
    key: &Key,
) -> Result<Outcome<payout::Model>> {
    let reason = check_reason(reason)?;
    let tx = app.db.begin().await?;
    let mut row = lock_in_tx(&tx, actor, Operation::MarkPayoutUnpaid, id).await?;
    let fingerprint = Fingerprint {
        subject: id.to_string(),
        detail: reason.to_owned(),
    };
    let pending = match start_in_tx(&tx, app, row.brand_id, "markPayoutUnpaid", key, &fingerprint).await? {
        Started::Replay(value) => {
            tx.commit().await?;
            return Ok(Outcome {
                value: *value,
                replayed: true,
            });
        }
        Started::Fresh(pending) => pending,
    };
    refuse_of_provider(&row)?;
    check_move(&row, &[PayoutState::Paid], PayoutState::Returned)?;
    row.failure_reason = Some(reason.to_owned());
    undo_in_tx(&tx, app, actor, &mut row, Undone::Returned, Some(reason), None).await?;
    pending.settle(&tx, row.id.0).await?;
    app.commit(tx).await?;
    Ok(Outcome {
        value: row,
        replayed: false,
    })
}
