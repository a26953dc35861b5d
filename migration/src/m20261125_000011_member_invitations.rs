//! Asking people into a brand's or a partner's account.

use sea_orm_migration::{prelude::*, schema::*};

use crate::{index, unique_index};

#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLE: &str = "member_invitations";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(TABLE)
                    .col(uuid("id").primary_key())
                    .col(uuid_null("brand_id"))
                    .col(uuid_null("partner_id"))
                    .col(text_null("role"))
                    .col(text("email"))
                    .col(text("email_key"))
                    .col(text("token_hash"))
                    .col(text("state"))
                    .col(uuid("invited_by"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone("expires_at"))
                    .col(timestamp_with_time_zone_null("decided_at"))
                    .foreign_key(ForeignKey::create().from(TABLE, "brand_id").to("brands", "id"))
                    .foreign_key(ForeignKey::create().from(TABLE, "partner_id").to("partners", "id"))
                    .foreign_key(ForeignKey::create().from(TABLE, "invited_by").to("users", "id"))
                    .to_owned(),
            )
            .await?;
        unique_index(manager, TABLE, &["token_hash"]).await?;
        index(manager, TABLE, &["brand_id", "id"]).await?;
        index(manager, TABLE, &["partner_id", "id"]).await
    }
}
