//! The outbox, leases, idempotency keys and the audit log.

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
                    .table("outbox_events")
                    .col(big_integer("seq").auto_increment().primary_key())
                    .col(uuid("id"))
                    .col(big_integer_null("position"))
                    .col(uuid("brand_id"))
                    .col(uuid_null("partner_id"))
                    .col(text("topic"))
                    .col(uuid("subject_id"))
                    .col(text("payload"))
                    .col(timestamp_with_time_zone("occurred_at"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("outbox_events", "brand_id")
                            .to("brands", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("outbox_events", "partner_id")
                            .to("partners", "id"),
                    )
                    .to_owned(),
            )
            .await?;
        unique_index(manager, "outbox_events", &["id"]).await?;
        unique_index(manager, "outbox_events", &["position"]).await?;
        index(manager, "outbox_events", &["brand_id", "position"]).await?;
        index(manager, "outbox_events", &["partner_id", "position"]).await?;
        manager
            .create_table(
                Table::create()
                    .table("leases")
                    .col(text("name").primary_key())
                    .col(uuid("holder"))
                    .col(timestamp_with_time_zone("expires_at"))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("idempotency_keys")
                    .col(uuid("id").primary_key())
                    .col(uuid("tenant_id"))
                    .col(text("operation"))
                    .col(text("key"))
                    .col(text("request_hash"))
                    .col(uuid_null("outcome_id"))
                    .col(timestamp_with_time_zone("created_at"))
                    .to_owned(),
            )
            .await?;
        unique_index(manager, "idempotency_keys", &["tenant_id", "operation", "key"]).await?;
        manager
            .create_table(
                Table::create()
                    .table("audit_entries")
                    .col(uuid("id").primary_key())
                    .col(uuid_null("brand_id"))
                    .col(text("actor"))
                    .col(text("action"))
                    .col(text("subject"))
                    .col(text_null("from_state"))
                    .col(text_null("to_state"))
                    .col(text_null("reason"))
                    .col(timestamp_with_time_zone("occurred_at"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("audit_entries", "brand_id")
                            .to("brands", "id"),
                    )
                    .to_owned(),
            )
            .await?;
        index(manager, "audit_entries", &["brand_id", "id"]).await?;
        index(manager, "audit_entries", &["subject"]).await?;
        Ok(())
    }
}
