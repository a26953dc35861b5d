//! A brand asks a partner into a program.

use sea_orm_migration::{prelude::*, schema::*};

use crate::{index, unique_index};

#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLE: &str = "program_invitations";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(TABLE)
                    .col(uuid("id").primary_key())
                    .col(uuid("program_id"))
                    .col(uuid("brand_id"))
                    .col(uuid_null("partner_id"))
                    .col(text_null("email"))
                    .col(text_null("email_key"))
                    .col(uuid_null("group_id"))
                    .col(text("message"))
                    .col(text("state"))
                    .col(uuid_null("mail_id"))
                    .col(text_null("token_hash"))
                    .col(uuid_null("terms_id"))
                    .col(text_null("decline_reason"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone("sent_at"))
                    .col(integer("sent_count"))
                    .col(timestamp_with_time_zone("expires_at"))
                    .col(timestamp_with_time_zone_null("decided_at"))
                    .foreign_key(ForeignKey::create().from(TABLE, "program_id").to("programs", "id"))
                    .foreign_key(ForeignKey::create().from(TABLE, "brand_id").to("brands", "id"))
                    .foreign_key(ForeignKey::create().from(TABLE, "partner_id").to("partners", "id"))
                    .foreign_key(ForeignKey::create().from(TABLE, "group_id").to("partner_groups", "id"))
                    .foreign_key(ForeignKey::create().from(TABLE, "terms_id").to("program_terms", "id"))
                    .to_owned(),
            )
            .await?;
        unique_index(manager, TABLE, &["token_hash"]).await?;
        index(manager, TABLE, &["program_id", "id"]).await?;
        index(manager, TABLE, &["partner_id", "id"]).await?;
        index(manager, TABLE, &["brand_id", "state"]).await?;
        index(manager, TABLE, &["state", "expires_at"]).await?;
        index(manager, TABLE, &["mail_id"]).await
    }
}
