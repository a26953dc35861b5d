//! Terms that one side of an application or an invitation proposes, and the other answers.

use sea_orm_migration::{prelude::*, schema::*};

use crate::unique_index;

#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLE: &str = "terms_offers";

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
                    // Of one of the two.
                    .col(uuid_null("application_id"))
                    .col(uuid_null("invitation_id"))
                    .col(integer("number"))
                    .col(text("made_by"))
                    .col(uuid_null("user_id"))
                    .col(big_integer("rate_ppm"))
                    .col(text("message"))
                    .col(text("state"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone_null("answered_at"))
                    .foreign_key(ForeignKey::create().from(TABLE, "program_id").to("programs", "id"))
                    .foreign_key(ForeignKey::create().from(TABLE, "brand_id").to("brands", "id"))
                    .foreign_key(ForeignKey::create().from(TABLE, "partner_id").to("partners", "id"))
                    .foreign_key(
                        ForeignKey::create()
                            .from(TABLE, "application_id")
                            .to("applications", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from(TABLE, "invitation_id")
                            .to("program_invitations", "id"),
                    )
                    .to_owned(),
            )
            .await?;
        unique_index(manager, TABLE, &["application_id", "number"]).await?;
        unique_index(manager, TABLE, &["invitation_id", "number"]).await
    }
}
