//! Batches of marks: each to the people of its owner.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use entity::{
    creator_mark,
    ids::{BrandId, ListingId, PartnerId},
    listing_mark,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::{
    accounts::{actor::Place, permissions::Operation},
    graphql::context::{Batch, LoadError},
};

/// What a partner marked of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ListingMarkOf(pub PartnerId, pub ListingId);

/// What a brand marked of a creator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CreatorMarkOf(pub BrandId, pub PartnerId);

impl Loader<ListingMarkOf> for Batch {
    type Value = listing_mark::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[ListingMarkOf]) -> Result<HashMap<ListingMarkOf, listing_mark::Model>, LoadError> {
        let may_see = |partner| {
            let place = Place::partner(partner);
            self.actor.authorise(Operation::SeeListingMarks, place).is_ok()
        };
        let partners: Vec<PartnerId> = keys.iter().map(|key| key.0).filter(|id| may_see(*id)).collect();
        if partners.is_empty() {
            return Ok(HashMap::new());
        }
        let rows = listing_mark::Entity::find()
            .filter(listing_mark::Column::PartnerId.is_in(partners))
            .filter(listing_mark::Column::ListingId.is_in(keys.iter().map(|key| key.1)))
            .all(self.app.db.read())
            .await?;
        Ok(rows
            .into_iter()
            .map(|row| (ListingMarkOf(row.partner_id, row.listing_id), row))
            .collect())
    }
}

impl Loader<CreatorMarkOf> for Batch {
    type Value = creator_mark::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[CreatorMarkOf]) -> Result<HashMap<CreatorMarkOf, creator_mark::Model>, LoadError> {
        let may_see = |brand| {
            let place = Place::brand(brand);
            self.actor.authorise(Operation::SeeCreatorMarks, place).is_ok()
        };
        let brands: Vec<BrandId> = keys.iter().map(|key| key.0).filter(|id| may_see(*id)).collect();
        if brands.is_empty() {
            return Ok(HashMap::new());
        }
        let rows = creator_mark::Entity::find()
            .filter(creator_mark::Column::BrandId.is_in(brands))
            .filter(creator_mark::Column::PartnerId.is_in(keys.iter().map(|key| key.1)))
            .all(self.app.db.read())
            .await?;
        Ok(rows
            .into_iter()
            .map(|row| (CreatorMarkOf(row.brand_id, row.partner_id), row))
            .collect())
    }
}
