//! Batches of listings. What is open is for everyone, the rest for its brand.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use entity::{
    ids::{ListingId, ProgramId},
    listing::{self, ListingState},
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::{
    graphql::context::{Batch, LoadError},
    marketplace::service,
};

/// The listing of a program, unless it is archived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ListingOf(pub ProgramId);

impl Loader<ListingId> for Batch {
    type Value = listing::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[ListingId]) -> Result<HashMap<ListingId, listing::Model>, LoadError> {
        let rows = listing::Entity::find()
            .filter(listing::Column::Id.is_in(keys.iter().copied()))
            .filter(service::visible_to(&self.actor))
            .all(self.app.db.read())
            .await?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}

impl Loader<ListingOf> for Batch {
    type Value = listing::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[ListingOf]) -> Result<HashMap<ListingOf, listing::Model>, LoadError> {
        let rows = listing::Entity::find()
            .filter(listing::Column::ProgramId.is_in(keys.iter().map(|key| key.0)))
            .filter(listing::Column::State.ne(ListingState::Archived))
            .filter(service::visible_to(&self.actor))
            .all(self.app.db.read())
            .await?;
        Ok(rows.into_iter().map(|row| (ListingOf(row.program_id), row)).collect())
    }
}
