//! Searches that partners keep, and what was found for them.

use sea_orm_migration::{prelude::*, schema::*};

use crate::index;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("saved_searches")
                    .col(uuid("id").primary_key())
                    .col(uuid("partner_id"))
                    .col(text("name"))
                    .col(text("query"))
                    .col(text("notify"))
                    .col(timestamp_with_time_zone("due_at"))
                    .col(timestamp_with_time_zone_null("checked_at"))
                    .col(timestamp_with_time_zone("created_at"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("saved_searches", "partner_id")
                            .to("partners", "id"),
                    )
                    .to_owned(),
            )
            .await?;
        index(manager, "saved_searches", &["partner_id", "id"]).await?;
        index(manager, "saved_searches", &["due_at"]).await?;
        manager
            .create_table(
                Table::create()
                    .table("saved_search_hits")
                    .col(uuid("saved_search_id"))
                    .col(uuid("listing_id"))
                    .col(uuid("place"))
                    .col(boolean("seen"))
                    .col(timestamp_with_time_zone("found_at"))
                    .primary_key(Index::create().col("saved_search_id").col("listing_id"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("saved_search_hits", "saved_search_id")
                            .to("saved_searches", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("saved_search_hits", "listing_id")
                            .to("listings", "id"),
                    )
                    .to_owned(),
            )
            .await?;
        index(manager, "saved_search_hits", &["saved_search_id", "seen", "place"]).await
    }
}
