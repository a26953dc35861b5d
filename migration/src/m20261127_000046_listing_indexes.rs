//! Listings are looked up by their ids and those of their programs more than by anything else.
//!
//! Almost every listing is published. SQLite, which keeps no statistics here, took an index that begins with the state for better
//! than the primary key, and read all listings to find twenty. The state is left to be looked at in the row.

use sea_orm_migration::prelude::*;

use crate::index;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in ["listings_state_category_id", "listings_state_published_at_id"] {
            manager
                .drop_index(Index::drop().name(name).table("listings").to_owned())
                .await?;
        }
        index(manager, "listings", &["category", "state", "id"]).await?;
        index(manager, "listings", &["published_at", "id"]).await
    }
}
