//! Batches of payout methods: to the people of their partner.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use entity::{ids::PayoutMethodId, payout_method, payout_preference};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::{
    accounts::{actor::Place, permissions::Operation},
    graphql::context::{Batch, LoadError},
};

impl Loader<PayoutMethodId> for Batch {
    type Value = payout_method::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[PayoutMethodId]) -> Result<HashMap<PayoutMethodId, Self::Value>, LoadError> {
        let rows = payout_method::Entity::find()
            .filter(payout_method::Column::Id.is_in(keys.iter().copied()))
            .filter(payout_method::Column::PartnerId.is_in(self.actor.partners.iter().copied()))
            .filter(payout_method::Column::RemovedAt.is_null())
            .all(self.app.db.read())
            .await?;
        let may_see = |row: &payout_method::Model| {
            let place = Place::partner(row.partner_id);
            self.actor.authorise(Operation::SeePayoutMethods, place).is_ok()
        };
        Ok(rows.into_iter().filter(may_see).map(|row| (row.id, row)).collect())
    }
}

/// The currencies for which a method that the caller sees is preferred, by their code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PreferredFor(pub PayoutMethodId);

impl Loader<PreferredFor> for Batch {
    type Value = Vec<String>;
    type Error = LoadError;

    async fn load(&self, keys: &[PreferredFor]) -> Result<HashMap<PreferredFor, Vec<String>>, LoadError> {
        use payout_preference::{Column, Entity};
        let rows = Entity::find()
            .filter(Column::PayoutMethodId.is_in(keys.iter().map(|key| key.0)))
            .order_by_asc(Column::Currency)
            .all(self.app.db.read())
            .await?;
        let mut found: HashMap<PreferredFor, Vec<String>> = HashMap::new();
        for row in rows {
            found
                .entry(PreferredFor(row.payout_method_id))
                .or_default()
                .push(row.currency);
        }
        Ok(found)
    }
}
