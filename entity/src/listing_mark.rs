//! What a partner marked of a listing: for its own people only.

use sea_orm::entity::prelude::*;

use crate::ids::{ListingId, ListingMarkId, PartnerId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "listing_marks")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ListingMarkId,
    pub partner_id: PartnerId,
    pub listing_id: ListingId,
    /// Where it stands among what is saved; absent when it is not.
    pub saved_id: Option<Uuid>,
    pub saved_at: Option<DateTimeUtc>,
    /// Where it stands among what is hidden; absent when it is not.
    pub hidden_id: Option<Uuid>,
    pub hidden_at: Option<DateTimeUtc>,
    #[sea_orm(column_type = "Text", nullable)]
    pub note: Option<String>,
    /// Where it stands among what has a note; absent when it has none.
    pub noted_id: Option<Uuid>,
    pub noted_at: Option<DateTimeUtc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
