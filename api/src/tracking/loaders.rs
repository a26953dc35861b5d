//! Batches of links and codes, for `node`: what the lists of their partnership show, and to whom.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use entity::{
    TenantScoped,
    ids::{PromoCodeId, TrackingLinkId},
    promo_code, tracking_link,
};
use sea_orm::{ColumnTrait, QueryFilter};

use crate::{
    accounts::{actor::Place, permissions::Operation},
    graphql::context::{Batch, LoadError},
};

impl Loader<TrackingLinkId> for Batch {
    type Value = tracking_link::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[TrackingLinkId]) -> Result<HashMap<TrackingLinkId, Self::Value>, LoadError> {
        let rows = tracking_link::Entity::find_within(&self.actor.reach())
            .filter(tracking_link::Column::Id.is_in(keys.iter().copied()))
            .all(self.app.db.read())
            .await?;
        let may_see = |brand, partner| {
            let place = Place::shared(brand, partner);
            self.actor.authorise(Operation::SeeLinks, place).is_ok()
        };
        Ok(rows
            .into_iter()
            .filter(|row| may_see(row.brand_id, row.partner_id))
            .map(|row| (row.id, row))
            .collect())
    }
}

impl Loader<PromoCodeId> for Batch {
    type Value = promo_code::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[PromoCodeId]) -> Result<HashMap<PromoCodeId, Self::Value>, LoadError> {
        let rows = promo_code::Entity::find_within(&self.actor.reach())
            .filter(promo_code::Column::Id.is_in(keys.iter().copied()))
            .all(self.app.db.read())
            .await?;
        let may_see = |brand, partner| {
            let place = Place::shared(brand, partner);
            self.actor.authorise(Operation::SeePromoCodes, place).is_ok()
        };
        Ok(rows
            .into_iter()
            .filter(|row| may_see(row.brand_id, row.partner_id))
            .map(|row| (row.id, row))
            .collect())
    }
}
