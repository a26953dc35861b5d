//! Refused events by their ids, for `node`: to those whom their brand's list shows them.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use entity::{ids::RefusedEventId, refused_event};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::{
    accounts::{actor::Place, permissions::Operation},
    graphql::context::{Batch, LoadError},
};

impl Loader<RefusedEventId> for Batch {
    type Value = refused_event::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[RefusedEventId]) -> Result<HashMap<RefusedEventId, refused_event::Model>, LoadError> {
        let rows = refused_event::Entity::find()
            .filter(refused_event::Column::Id.is_in(keys.iter().copied()))
            .all(self.app.db.read())
            .await?;
        let may_see = |brand| {
            let place = Place::brand(brand);
            self.actor.authorise(Operation::SeeRefusedEvents, place).is_ok()
        };
        Ok(rows
            .into_iter()
            .filter(|row| may_see(row.brand_id))
            .map(|row| (row.id, row))
            .collect())
    }
}
