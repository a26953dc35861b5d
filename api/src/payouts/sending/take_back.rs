//! Closing what was written down and never sent.

use std::collections::BTreeSet;

use entity::{
    ids::{PayoutBatchId, PayoutRequestId},
    payout::{self, PayoutState},
    payout_request::{Column, Entity, PayoutRequestState},
};
use sea_orm::{
    ColumnTrait, Condition, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr,
};

use crate::{app::App, error::Fault};

/// Closes the requests of a batch that nobody has tried to send, and is not trying now, and of which no provider has said anything;
/// `payouts` are the batch's, locked. Returns which.
pub async fn take_back_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    batch: PayoutBatchId,
    payouts: &[payout::Model],
    reason: &str,
) -> Result<BTreeSet<PayoutRequestId>, Fault> {
    let free = Condition::any()
        .add(Column::HeldUntil.is_null())
        .add(Column::HeldUntil.lte(app.clock.now()));
    let rows = Entity::find()
        .filter(Column::BatchId.eq(batch))
        .filter(Column::State.eq(PayoutRequestState::Prepared))
        .filter(Column::FirstSentAt.is_null())
        .filter(free)
        .order_by_asc(Column::Id)
        .lock_exclusive()
        .all(tx)
        .await?;
    let was_heard_of: BTreeSet<PayoutRequestId> = payouts
        .iter()
        .filter(|payout| payout.state != PayoutState::Submitted || payout.provider_id.is_some())
        .filter_map(|payout| payout.request_id)
        .collect();
    let unsent: BTreeSet<PayoutRequestId> = rows
        .into_iter()
        .map(|row| row.id)
        .filter(|id| !was_heard_of.contains(id))
        .collect();
    Entity::update_many()
        .col_expr(Column::State, Expr::value(PayoutRequestState::Refused))
        .col_expr(
            Column::NextAt,
            Expr::value(Option::<chrono::DateTime<chrono::Utc>>::None),
        )
        .col_expr(Column::LastCode, Expr::value("CANCELLED"))
        .col_expr(Column::LastMessage, Expr::value(reason))
        .filter(Column::Id.is_in(unsent.iter().copied()))
        .exec(tx)
        .await?;
    Ok(unsent)
}
