//! A user who acts for a partner.

use sea_orm::entity::prelude::*;

use crate::ids::{PartnerId, PartnerMemberId, UserId};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "partner_members")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PartnerMemberId,
    pub partner_id: PartnerId,
    pub user_id: UserId,
    pub created_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
