//! Batches of brand rows. A brand's own fields are public; its lists are guarded where they are listed.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use entity::{
    brand,
    ids::{BrandId, UserId},
    user,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::graphql::context::{Batch, LoadError};

impl Loader<BrandId> for Batch {
    type Value = brand::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[BrandId]) -> Result<HashMap<BrandId, brand::Model>, LoadError> {
        let rows = brand::Entity::find()
            .filter(brand::Column::Id.is_in(keys.iter().copied()))
            .all(self.app.db.read())
            .await?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}

/// Users, for lists of members that were authorised as lists.
impl Loader<UserId> for Batch {
    type Value = user::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[UserId]) -> Result<HashMap<UserId, user::Model>, LoadError> {
        let rows = user::Entity::find()
            .filter(user::Column::Id.is_in(keys.iter().copied()))
            .all(self.app.db.read())
            .await?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}
