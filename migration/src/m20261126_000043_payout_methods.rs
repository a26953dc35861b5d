//! Where partners are paid, sealed; which of them they prefer for a currency; and where a payout goes.

use sea_orm_migration::{prelude::*, schema::*};

use crate::index;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table("payout_methods")
                    .col(uuid("id").primary_key())
                    .col(uuid("partner_id"))
                    .col(text("kind"))
                    .col(text_null("currency"))
                    .col(text("masked"))
                    .col(text("details"))
                    .col(text("fingerprint"))
                    .col(timestamp_with_time_zone("cooling_off_until"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone_null("removed_at"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("payout_methods", "partner_id")
                            .to("partners", "id"),
                    )
                    .to_owned(),
            )
            .await?;
        index(manager, "payout_methods", &["partner_id", "id"]).await?;
        // The same account in two partners, for whoever looks into abuse.
        index(manager, "payout_methods", &["fingerprint"]).await?;
        manager
            .create_table(
                Table::create()
                    .table("payout_preferences")
                    .col(uuid("partner_id"))
                    .col(text("currency"))
                    .col(uuid("payout_method_id"))
                    .col(timestamp_with_time_zone("created_at"))
                    .primary_key(Index::create().col("partner_id").col("currency"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("payout_preferences", "partner_id")
                            .to("partners", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("payout_preferences", "payout_method_id")
                            .to("payout_methods", "id"),
                    )
                    .to_owned(),
            )
            .await?;
        index(manager, "payout_preferences", &["payout_method_id"]).await?;
        // SQLite adds one column a statement.
        for column in [
            uuid_null("payout_method_id"),
            text_null("payout_method_kind"),
            text_null("payout_method_masked"),
        ] {
            manager
                .alter_table(Table::alter().table("payouts").add_column(column).to_owned())
                .await?;
        }
        Ok(())
    }
}
