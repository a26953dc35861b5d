//! Work to be done later.

use sea_orm_migration::{prelude::*, schema::*};

use crate::{index, unique_index};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("jobs")
                    .col(uuid("id").primary_key())
                    .col(text("kind"))
                    .col(text("payload"))
                    .col(text_null("unique_key"))
                    .col(text("state"))
                    .col(timestamp_with_time_zone("run_at"))
                    .col(integer("attempts"))
                    .col(integer("max_attempts"))
                    .col(uuid_null("leased_by"))
                    .col(timestamp_with_time_zone_null("lease_until"))
                    .col(text_null("last_error"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone_null("dead_at"))
                    .to_owned(),
            )
            .await?;
        // Jobs without a key are all different: a null equals no other on either database.
        unique_index(manager, "jobs", &["kind", "unique_key"]).await?;
        index(manager, "jobs", &["state", "run_at"]).await?;
        index(manager, "jobs", &["state", "lease_until"]).await
    }
}
