//! Batches of adjustments, each within what the caller may see.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use entity::{TenantScoped, adjustment, ids::AdjustmentId};
use sea_orm::{ColumnTrait, QueryFilter};

use super::service;
use crate::graphql::context::{Batch, LoadError};

impl Loader<AdjustmentId> for Batch {
    type Value = adjustment::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[AdjustmentId]) -> Result<HashMap<AdjustmentId, adjustment::Model>, LoadError> {
        let rows = adjustment::Entity::find_within(&self.actor.reach())
            .filter(adjustment::Column::Id.is_in(keys.iter().copied()))
            .all(self.app.db.read())
            .await?;
        Ok(rows
            .into_iter()
            .filter(|row| service::may_see_adjustment(&self.actor, row))
            .map(|row| (row.id, row))
            .collect())
    }
}
