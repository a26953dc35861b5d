//! Who accepted which version of a program's terms, and when.

use sea_orm_migration::{prelude::*, schema::*};

use crate::{index, unique_index};

#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLE: &str = "terms_acceptances";

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
                    .col(uuid("partner_id"))
                    .col(uuid("terms_id"))
                    .col(integer("version"))
                    .col(uuid_null("user_id"))
                    .col(text_null("client_address"))
                    .col(timestamp_with_time_zone("accepted_at"))
                    .foreign_key(ForeignKey::create().from(TABLE, "program_id").to("programs", "id"))
                    .foreign_key(ForeignKey::create().from(TABLE, "brand_id").to("brands", "id"))
                    .foreign_key(ForeignKey::create().from(TABLE, "partner_id").to("partners", "id"))
                    .foreign_key(ForeignKey::create().from(TABLE, "terms_id").to("program_terms", "id"))
                    .foreign_key(ForeignKey::create().from(TABLE, "user_id").to("users", "id"))
                    .to_owned(),
            )
            .await?;
        unique_index(manager, TABLE, &["program_id", "partner_id", "version"]).await?;
        index(manager, TABLE, &["brand_id"]).await?;
        index(manager, TABLE, &["partner_id"]).await?;
        // Whoever applied accepted then; who it was and from where nobody wrote down. An application's id is unique among
        // these too, and as old as the acceptance.
        manager
            .get_connection()
            .execute_unprepared(
                "INSERT INTO terms_acceptances
                     (id, program_id, brand_id, partner_id, terms_id, version, accepted_at)
                 SELECT a.id, a.program_id, a.brand_id, a.partner_id, a.terms_id, t.version, a.created_at
                 FROM applications a JOIN program_terms t ON t.id = a.terms_id
                 WHERE NOT EXISTS (
                     SELECT 1 FROM applications b
                     WHERE b.partner_id = a.partner_id AND b.terms_id = a.terms_id AND b.id < a.id
                 )",
            )
            .await
            .map(drop)
    }
}
