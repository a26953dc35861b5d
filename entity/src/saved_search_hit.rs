//! A listing that was found for a saved search; a listing is new to a search once.

use sea_orm::entity::prelude::*;

use crate::ids::{ListingId, SavedSearchId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "saved_search_hits")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub saved_search_id: SavedSearchId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub listing_id: ListingId,
    /// Where it stands in the list of what is new: grows with time.
    pub place: Uuid,
    /// Not new any more, or there from the beginning.
    pub seen: bool,
    pub found_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
