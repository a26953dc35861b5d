//! When what is done periodically was done last, and by whom it is done now.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("periodic_runs")
                    .col(text("name").primary_key())
                    .col(timestamp_with_time_zone("next_at"))
                    .col(uuid_null("held_by"))
                    .col(timestamp_with_time_zone_null("held_until"))
                    .col(timestamp_with_time_zone_null("last_success_at"))
                    .col(text_null("last_error"))
                    .to_owned(),
            )
            .await
    }
}
