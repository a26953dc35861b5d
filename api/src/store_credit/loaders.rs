//! Batches of transfers, redemptions and what customers have, each within what the caller may see.

use std::collections::{BTreeMap, HashMap};

use async_graphql::dataloader::Loader;
use entity::{
    TenantScoped,
    ids::{AdjustmentId, CustomerId, StoreCreditRedemptionId, StoreCreditTransferId},
    store_credit_redemption, store_credit_transfer,
};
use sea_orm::{ColumnTrait, QueryFilter};

use super::service;
use crate::{
    graphql::context::{Batch, LoadError},
    ledger::balances,
};

impl Loader<StoreCreditTransferId> for Batch {
    type Value = store_credit_transfer::Model;
    type Error = LoadError;

    async fn load(
        &self,
        keys: &[StoreCreditTransferId],
    ) -> Result<HashMap<StoreCreditTransferId, Self::Value>, LoadError> {
        let rows = store_credit_transfer::Entity::find_within(&self.actor.reach())
            .filter(store_credit_transfer::Column::Id.is_in(keys.iter().copied()))
            .all(self.app.db.read())
            .await?;
        Ok(rows
            .into_iter()
            .filter(|row| service::may_see_transfer(&self.actor, row))
            .map(|row| (row.id, row))
            .collect())
    }
}

/// The transfer that an adjustment was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TransferOf(pub AdjustmentId);

impl Loader<TransferOf> for Batch {
    type Value = store_credit_transfer::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[TransferOf]) -> Result<HashMap<TransferOf, Self::Value>, LoadError> {
        let rows = store_credit_transfer::Entity::find_within(&self.actor.reach())
            .filter(store_credit_transfer::Column::AdjustmentId.is_in(keys.iter().map(|key| key.0)))
            .all(self.app.db.read())
            .await?;
        Ok(rows
            .into_iter()
            .filter(|row| service::may_see_transfer(&self.actor, row))
            .filter_map(|row| Some((TransferOf(row.adjustment_id?), row)))
            .collect())
    }
}

impl Loader<StoreCreditRedemptionId> for Batch {
    type Value = store_credit_redemption::Model;
    type Error = LoadError;

    async fn load(
        &self,
        keys: &[StoreCreditRedemptionId],
    ) -> Result<HashMap<StoreCreditRedemptionId, Self::Value>, LoadError> {
        let rows = store_credit_redemption::Entity::find_within(&self.actor.reach())
            .filter(store_credit_redemption::Column::Id.is_in(keys.iter().copied()))
            .all(self.app.db.read())
            .await?;
        Ok(rows
            .into_iter()
            .filter(|row| service::may_see_redemption(&self.actor, row))
            .map(|row| (row.id, row))
            .collect())
    }
}

/// What a customer has, by currency. Reached only by those who may see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CreditOf(pub CustomerId);

impl Loader<CreditOf> for Batch {
    type Value = BTreeMap<String, i64>;
    type Error = LoadError;

    async fn load(&self, keys: &[CreditOf]) -> Result<HashMap<CreditOf, Self::Value>, LoadError> {
        let ids: Vec<CustomerId> = keys.iter().map(|key| key.0).collect();
        let credit = balances::list_store_credit(&self.app, &ids).await?;
        Ok(credit.into_iter().map(|(id, credit)| (CreditOf(id), credit)).collect())
    }
}
