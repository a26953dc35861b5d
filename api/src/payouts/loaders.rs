//! Batches of payouts and their items, each within what the caller may see.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use entity::{TenantScoped, ids::PayoutId, payout, payout_item};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use crate::{
    app::App,
    error::ApiError,
    graphql::context::{Batch, LoadError},
    payouts::service,
};

impl Loader<PayoutId> for Batch {
    type Value = payout::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[PayoutId]) -> Result<HashMap<PayoutId, Self::Value>, LoadError> {
        let rows = payout::Entity::find_within(&self.actor.reach())
            .filter(payout::Column::Id.is_in(keys.iter().copied()))
            .all(self.app.db.read())
            .await?;
        Ok(rows
            .into_iter()
            .filter(|row| service::may_see_payout(&self.actor, row))
            .map(|row| (row.id, row))
            .collect())
    }
}

/// The items of a payout: of commissions, the oldest first, and then of adjustments. Reached only through a payout the caller may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ItemsOf(pub PayoutId);

impl Loader<ItemsOf> for Batch {
    type Value = Vec<payout_item::Model>;
    type Error = LoadError;

    async fn load(&self, keys: &[ItemsOf]) -> Result<HashMap<ItemsOf, Self::Value>, LoadError> {
        let rows = payout_item::Entity::find()
            .filter(payout_item::Column::PayoutId.is_in(keys.iter().map(|key| key.0)))
            // Made in the order in which they are shown.
            .order_by_asc(payout_item::Column::Id)
            .all(self.app.db.read())
            .await?;
        let mut items: HashMap<ItemsOf, Self::Value> = HashMap::new();
        for row in rows {
            items.entry(ItemsOf(row.payout_id)).or_default().push(row);
        }
        Ok(items)
    }
}

/// The rows that feed events are about. The feed has authorised its tenant, and its events are that tenant's own.
pub async fn by_subject(app: App, ids: Vec<Uuid>) -> Result<HashMap<Uuid, payout::Model>, ApiError> {
    let rows = payout::Entity::find()
        .filter(payout::Column::Id.is_in(ids))
        .all(app.db.read())
        .await
        .map_err(ApiError::internal)?;
    Ok(rows.into_iter().map(|row| (row.id.0, row)).collect())
}
