//! Where a creator speaks to people.

use sea_orm::entity::prelude::*;

use crate::ids::{CreatorChannelId, PartnerId};

/// Where a channel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Platform {
    Instagram,
    Youtube,
    Tiktok,
    X,
    Twitch,
    Facebook,
    Pinterest,
    Linkedin,
    Newsletter,
    Podcast,
    Website,
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "creator_channels")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CreatorChannelId,
    pub partner_id: PartnerId,
    pub platform: Platform,
    #[sea_orm(column_type = "Text")]
    pub handle: String,
    /// Lower case: a partner has a platform and handle once.
    #[sea_orm(column_type = "Text")]
    pub folded_handle: String,
    #[sea_orm(column_type = "Text")]
    pub url: String,
    /// As the creator says.
    pub followers: i64,
    /// Parts per million, as the creator says.
    pub engagement_ppm: Option<i64>,
    /// What is to be placed on the channel; absent until it is asked for.
    #[sea_orm(column_type = "Text", nullable)]
    pub verification_token: Option<String>,
    /// When the token was found there.
    pub verified_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
