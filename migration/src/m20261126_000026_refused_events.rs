//! Events that were refused for what they said.

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
                    .table("refused_events")
                    .col(uuid("id").primary_key())
                    .col(uuid("brand_id"))
                    .col(text("kind"))
                    .col(text("mode"))
                    .col(text("state"))
                    .col(text("door"))
                    .col(uuid_null("api_key_id"))
                    .col(uuid_null("user_id"))
                    .col(text("body"))
                    .col(boolean("body_cut"))
                    .col(text("content_hash"))
                    .col(text("code"))
                    .col(text("message"))
                    .col(text_null("field"))
                    .col(text_null("order_id"))
                    .col(text_null("customer_id"))
                    .col(text_null("idempotency_key"))
                    .col(integer("attempts"))
                    .col(text_null("became"))
                    .col(text_null("dismissal_reason"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone("last_seen_at"))
                    .col(timestamp_with_time_zone_null("closed_at"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("refused_events", "brand_id")
                            .to("brands", "id"),
                    )
                    .to_owned(),
            )
            .await?;
        unique_index(manager, "refused_events", &["brand_id", "content_hash"]).await?;
        index(manager, "refused_events", &["brand_id", "id"]).await?;
        index(manager, "refused_events", &["brand_id", "order_id"]).await?;
        index(manager, "refused_events", &["state", "id"]).await?;
        index(manager, "refused_events", &["last_seen_at"]).await
    }
}
