//! Batches of account rows. A partner's public face may be seen by whoever holds its id; what lies behind it (lists,
//! money) is guarded where it is listed.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use entity::{
    ids::{PartnerId, SessionId},
    partner, session,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::graphql::context::{Batch, LoadError};

impl Loader<PartnerId> for Batch {
    type Value = partner::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[PartnerId]) -> Result<HashMap<PartnerId, partner::Model>, LoadError> {
        let rows = partner::Entity::find()
            .filter(partner::Column::Id.is_in(keys.iter().copied()))
            .all(self.app.db.read())
            .await?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}

/// Sessions, for `node`: each to its own user.
impl Loader<SessionId> for Batch {
    type Value = session::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[SessionId]) -> Result<HashMap<SessionId, session::Model>, LoadError> {
        let Ok(user) = self.actor.user() else {
            return Ok(HashMap::new());
        };
        let rows = session::Entity::find()
            .filter(session::Column::UserId.eq(user))
            .filter(session::Column::Id.is_in(keys.iter().copied()))
            .all(self.app.db.read())
            .await?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}
