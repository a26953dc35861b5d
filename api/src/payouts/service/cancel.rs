//! Taking a payout back before it is paid.

use entity::{
    ids::PayoutId,
    payout::{self, PayoutState},
};

use super::{
    Code, Doing, Result, check_move, do_once,
    settle::{Undone, undo_in_tx},
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
    let doing = Doing {
        permission: Operation::CancelPayout,
        name: "cancelPayout",
        detail: reason,
        key,
    };
    do_once(app, actor, id, doing, async |tx, row| {
        check_move(
            row,
            &[PayoutState::Draft, PayoutState::Approved],
            PayoutState::Cancelled,
        )?;
        undo_in_tx(tx, app, actor, row, Undone::Cancelled, Some(reason), None).await?;
        Ok(())
    })
    .await
}

pub(super) fn check_reason(reason: &str) -> Result<&str> {
    audit::clean_reason(reason)
        .ok_or_else(|| Failure::refused_field(Code::ReasonInvalid, "reason", "a reason has 1 to 500 characters"))
}
