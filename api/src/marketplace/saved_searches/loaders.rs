//! Batches of saved searches: to the people of their partner.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use entity::{ids::SavedSearchId, saved_search, saved_search_hit};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use super::service;
use crate::{
    accounts::{actor::Place, permissions::Operation},
    graphql::context::{Batch, LoadError},
};

/// How much is new to a search that the caller sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NewCountOf(pub SavedSearchId);

impl Loader<SavedSearchId> for Batch {
    type Value = saved_search::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[SavedSearchId]) -> Result<HashMap<SavedSearchId, saved_search::Model>, LoadError> {
        let rows = saved_search::Entity::find()
            .filter(saved_search::Column::Id.is_in(keys.iter().copied()))
            .filter(saved_search::Column::PartnerId.is_in(self.actor.reach().partners.iter().copied()))
            .all(self.app.db.read())
            .await?;
        let may_see = |row: &saved_search::Model| {
            let place = Place::partner(row.partner_id);
            self.actor.authorise(Operation::SeeSavedSearches, place).is_ok()
        };
        Ok(rows.into_iter().filter(may_see).map(|row| (row.id, row)).collect())
    }
}

impl Loader<NewCountOf> for Batch {
    type Value = i64;
    type Error = LoadError;

    async fn load(&self, keys: &[NewCountOf]) -> Result<HashMap<NewCountOf, i64>, LoadError> {
        use saved_search_hit::Column;
        let rows: Vec<(SavedSearchId, i64)> = service::new_of(keys.iter().map(|key| key.0))
            .select_only()
            .column(Column::SavedSearchId)
            .column_as(Column::ListingId.count(), "count")
            .group_by(Column::SavedSearchId)
            .into_tuple()
            .all(self.app.db.read())
            .await?;
        Ok(rows.into_iter().map(|(id, count)| (NewCountOf(id), count)).collect())
    }
}
