//! Taking a payout back before it is paid.

use entity::{
    ids::PayoutId,
    payout::{self, PayoutState},
};

use super::{
    Code, Fingerprint, Result, Started, check_move, lock_in_tx,
    settle::{Undone, undo_in_tx},
    start_in_tx,
};
use crate::{
    accounts::{actor::Actor, permissions::Operation},
    app::App,
    audit,
    error::Failure,
    idempotency::{Key, Outcome},
};

/// Takes a payout back before it is paid: the money is available again.
pub async fn cancel_payout(
    app: &App,
    actor: &Actor,
    id: PayoutId,
    reason: &str,
    key: &Key,
) -> Result<Outcome<payout::Model>> {
    let reason = check_reason(reason)?;
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
    check_move(
        &row,
        &[PayoutState::Draft, PayoutState::Approved],
        PayoutState::Cancelled,
    )?;
    undo_in_tx(&tx, app, actor, &mut row, Undone::Cancelled, Some(reason), None).await?;
    pending.settle(&tx, row.id.0).await?;
    app.commit(tx).await?;
    Ok(Outcome {
        value: row,
        replayed: false,
    })
}

pub(super) fn check_reason(reason: &str) -> Result<&str> {
    audit::clean_reason(reason)
        .ok_or_else(|| Failure::refused_field(Code::ReasonInvalid, "reason", "a reason has 1 to 500 characters"))
}
