//! How far the index of each search engine follows, and how often building it anew was asked for.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("search_places")
                    .col(text("engine").primary_key())
                    .col(big_integer("wanted"))
                    .col(big_integer("built"))
                    .col(text_null("fingerprint"))
                    .col(big_integer("position"))
                    .col(timestamp_with_time_zone_null("rules_until"))
                    .to_owned(),
            )
            .await
    }
}
