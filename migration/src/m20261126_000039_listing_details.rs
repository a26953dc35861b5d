//! How a listing's program pays its partners, and until when the platform shows it first.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in [
            text("payout_methods").default("").to_owned(),
            timestamp_with_time_zone_null("featured_until"),
        ] {
            manager
                .alter_table(Table::alter().table("listings").add_column(column).to_owned())
                .await?;
        }
        Ok(())
    }
}
