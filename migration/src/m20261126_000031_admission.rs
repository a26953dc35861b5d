//! Who may apply to a program, who decides about it, and when somebody may ask again.

use sea_orm_migration::{prelude::*, schema::*};

use crate::index;

#[derive(DeriveMigrationName)]
pub struct Migration;

const TABLE: &str = "admission_policies";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(TABLE)
                    .col(uuid("program_id").primary_key())
                    .col(uuid("brand_id"))
                    .col(text("allowed_countries"))
                    .col(text("excluded_countries"))
                    .col(text("allowed_email_domains"))
                    .col(text("blocked_email_domains"))
                    .col(text("decision"))
                    .col(integer_null("approve_after_days"))
                    .col(boolean("reject_ineligible"))
                    .col(text("after_rejection"))
                    .col(integer_null("after_rejection_days"))
                    .col(text("after_withdrawal"))
                    .col(integer_null("after_withdrawal_days"))
                    .col(timestamp_with_time_zone("updated_at"))
                    .foreign_key(ForeignKey::create().from(TABLE, "program_id").to("programs", "id"))
                    .foreign_key(ForeignKey::create().from(TABLE, "brand_id").to("brands", "id"))
                    .to_owned(),
            )
            .await?;
        index(manager, TABLE, &["decision", "approve_after_days"]).await?;
        // SQLite adds one column a statement.
        for column in [
            uuid_null("applicant_id"),
            timestamp_with_time_zone_null("flagged_at"),
            text_null("flag_reason"),
        ] {
            manager
                .alter_table(Table::alter().table("applications").add_column(column).to_owned())
                .await?;
        }
        index(manager, "applications", &["state", "program_id", "created_at"]).await
    }
}
