//! Batches of profiles and channels: to whoever may see them.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use entity::{
    creator_channel, creator_profile,
    ids::{CreatorChannelId, CreatorProfileId, PartnerId},
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};

use super::service::visible_to;
use crate::graphql::context::{Batch, LoadError};

/// The profile of a partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CreatorProfileOf(pub PartnerId);

/// The channels of a partner whose profile the caller has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChannelsOf(pub PartnerId);

impl Loader<CreatorProfileId> for Batch {
    type Value = creator_profile::Model;
    type Error = LoadError;

    async fn load(
        &self,
        keys: &[CreatorProfileId],
    ) -> Result<HashMap<CreatorProfileId, creator_profile::Model>, LoadError> {
        let rows = creator_profile::Entity::find()
            .filter(creator_profile::Column::Id.is_in(keys.iter().copied()))
            .filter(visible_to(&self.actor))
            .all(self.app.db.read())
            .await?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}

impl Loader<CreatorProfileOf> for Batch {
    type Value = creator_profile::Model;
    type Error = LoadError;

    async fn load(
        &self,
        keys: &[CreatorProfileOf],
    ) -> Result<HashMap<CreatorProfileOf, creator_profile::Model>, LoadError> {
        let rows = creator_profile::Entity::find()
            .filter(creator_profile::Column::PartnerId.is_in(keys.iter().map(|key| key.0)))
            .filter(visible_to(&self.actor))
            .all(self.app.db.read())
            .await?;
        Ok(rows
            .into_iter()
            .map(|row| (CreatorProfileOf(row.partner_id), row))
            .collect())
    }
}

impl Loader<CreatorChannelId> for Batch {
    type Value = creator_channel::Model;
    type Error = LoadError;

    async fn load(
        &self,
        keys: &[CreatorChannelId],
    ) -> Result<HashMap<CreatorChannelId, creator_channel::Model>, LoadError> {
        let visible = creator_profile::Entity::find()
            .select_only()
            .column(creator_profile::Column::PartnerId)
            .filter(visible_to(&self.actor))
            .into_query();
        let rows = creator_channel::Entity::find()
            .filter(creator_channel::Column::Id.is_in(keys.iter().copied()))
            .filter(creator_channel::Column::PartnerId.in_subquery(visible))
            .all(self.app.db.read())
            .await?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}

impl Loader<ChannelsOf> for Batch {
    type Value = Vec<creator_channel::Model>;
    type Error = LoadError;

    async fn load(&self, keys: &[ChannelsOf]) -> Result<HashMap<ChannelsOf, Vec<creator_channel::Model>>, LoadError> {
        let rows = creator_channel::Entity::find()
            .filter(creator_channel::Column::PartnerId.is_in(keys.iter().map(|key| key.0)))
            .order_by_desc(creator_channel::Column::Followers)
            .order_by_asc(creator_channel::Column::Id)
            .all(self.app.db.read())
            .await?;
        let mut found: HashMap<ChannelsOf, Vec<creator_channel::Model>> = HashMap::new();
        for row in rows {
            found.entry(ChannelsOf(row.partner_id)).or_default().push(row);
        }
        Ok(found)
    }
}
