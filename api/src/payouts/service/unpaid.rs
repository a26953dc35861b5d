//! Marking a payout as unpaid that a person had marked as paid: it came back, or was never made.

use entity::{
    ids::PayoutId,
    payout::{self, PayoutState},
};

use super::{
    Doing, Result,
    cancel::check_reason,
    check_move, do_once,
    pay::refuse_of_provider,
    settle::{Undone, undo_in_tx},
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
    let doing = Doing {
        permission: Operation::MarkPayoutUnpaid,
        name: "markPayoutUnpaid",
        detail: reason,
        key,
    };
    do_once(app, actor, id, doing, async |tx, row| {
        refuse_of_provider(row)?;
        check_move(row, &[PayoutState::Paid], PayoutState::Returned)?;
        row.failure_reason = Some(reason.to_owned());
        undo_in_tx(tx, app, actor, row, Undone::Returned, Some(reason), None).await?;
        Ok(())
    })
    .await
}
