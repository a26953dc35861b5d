//! Batches, and what their payouts come to, each within what the caller may see.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use entity::{
    TenantScoped,
    ids::PayoutBatchId,
    payout::{self, PayoutRail, PayoutState},
    payout_batch, payout_request,
};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, Func},
};

use super::service;
use crate::graphql::context::{Batch, LoadError};

impl Loader<PayoutBatchId> for Batch {
    type Value = payout_batch::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[PayoutBatchId]) -> Result<HashMap<PayoutBatchId, Self::Value>, LoadError> {
        let rows = payout_batch::Entity::find_within(&self.actor.reach())
            .filter(payout_batch::Column::Id.is_in(keys.iter().copied()))
            .all(self.app.db.read())
            .await?;
        Ok(rows
            .into_iter()
            .filter(|row| service::may_see_batch(&self.actor, row))
            .map(|row| (row.id, row))
            .collect())
    }
}

/// What the payouts of a batch come to, by rail and state. Reached only through a batch the caller may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TotalsOf(pub PayoutBatchId);

/// Payouts of one rail in one state.
#[derive(Clone, Debug)]
pub struct Total {
    pub rail: PayoutRail,
    pub state: PayoutState,
    pub count: i64,
    pub amount_minor: i64,
}

impl Loader<TotalsOf> for Batch {
    type Value = Vec<Total>;
    type Error = LoadError;

    async fn load(&self, keys: &[TotalsOf]) -> Result<HashMap<TotalsOf, Self::Value>, LoadError> {
        let rows: Vec<(PayoutBatchId, PayoutRail, PayoutState, i64, i64)> = payout::Entity::find()
            .select_only()
            .column(payout::Column::BatchId)
            .column(payout::Column::Rail)
            .column(payout::Column::State)
            .column_as(Func::count(Expr::col(payout::Column::Id)).cast_as("bigint"), "count")
            .column_as(
                Func::sum(Expr::col(payout::Column::AmountMinor)).cast_as("bigint"),
                "amount_minor",
            )
            .filter(payout::Column::BatchId.is_in(keys.iter().map(|key| key.0)))
            .group_by(payout::Column::BatchId)
            .group_by(payout::Column::Rail)
            .group_by(payout::Column::State)
            .order_by_asc(payout::Column::Rail)
            .order_by_asc(payout::Column::State)
            .into_tuple()
            .all(self.app.db.read())
            .await?;
        let mut totals: HashMap<TotalsOf, Self::Value> = HashMap::new();
        for (batch, rail, state, count, amount_minor) in rows {
            totals.entry(TotalsOf(batch)).or_default().push(Total {
                rail,
                state,
                count,
                amount_minor,
            });
        }
        Ok(totals)
    }
}

/// What was sent to providers for a batch and is not through, the oldest first, at most [`MAX_TROUBLES`] a batch. Reached only through a
/// batch the caller may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TroublesOf(pub PayoutBatchId);

/// Requests shown of a batch.
pub const MAX_TROUBLES: usize = 100;

impl Loader<TroublesOf> for Batch {
    type Value = Vec<payout_request::Model>;
    type Error = LoadError;

    async fn load(&self, keys: &[TroublesOf]) -> Result<HashMap<TroublesOf, Self::Value>, LoadError> {
        let rows = payout_request::Entity::find()
            .filter(payout_request::Column::BatchId.is_in(keys.iter().map(|key| key.0)))
            .filter(payout_request::Column::LastCode.is_not_null())
            .order_by_asc(payout_request::Column::Id)
            .all(self.app.db.read())
            .await?;
        let mut troubles: HashMap<TroublesOf, Self::Value> = HashMap::new();
        for row in rows {
            let of_batch = troubles.entry(TroublesOf(row.batch_id)).or_default();
            if of_batch.len() < MAX_TROUBLES {
                of_batch.push(row);
            }
        }
        Ok(troubles)
    }
}
