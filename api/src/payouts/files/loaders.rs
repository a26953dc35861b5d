//! Files, each within what the caller may see.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use entity::{
    TenantScoped,
    ids::{PayoutBatchId, PayoutFileId},
    payout_file,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::service;
use crate::graphql::context::{Batch, LoadError};

impl Loader<PayoutFileId> for Batch {
    type Value = payout_file::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[PayoutFileId]) -> Result<HashMap<PayoutFileId, Self::Value>, LoadError> {
        let rows = payout_file::Entity::find_within(&self.actor.reach())
            .filter(payout_file::Column::Id.is_in(keys.iter().copied()))
            .all(self.app.db.read())
            .await?;
        Ok(rows
            .into_iter()
            .filter(|row| service::may_see_file(&self.actor, row))
            .map(|row| (row.id, row))
            .collect())
    }
}

/// The files of a batch, the oldest first. Reached only through a batch the caller may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FilesOf(pub PayoutBatchId);

impl Loader<FilesOf> for Batch {
    type Value = Vec<payout_file::Model>;
    type Error = LoadError;

    async fn load(&self, keys: &[FilesOf]) -> Result<HashMap<FilesOf, Self::Value>, LoadError> {
        let rows = payout_file::Entity::find()
            .filter(payout_file::Column::BatchId.is_in(keys.iter().map(|key| key.0)))
            .order_by_asc(payout_file::Column::Id)
            .all(self.app.db.read())
            .await?;
        let mut files: HashMap<FilesOf, Self::Value> = HashMap::new();
        for row in rows {
            files.entry(FilesOf(row.batch_id)).or_default().push(row);
        }
        Ok(files)
    }
}
