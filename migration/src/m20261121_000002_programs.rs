//! Programs with their rules, levels and terms, and their face in the marketplace.

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
                    .table("programs")
                    .col(uuid("id").primary_key())
                    .col(uuid("brand_id"))
                    .col(text("name"))
                    .col(text("description"))
                    .col(text("state"))
                    .col(text("currencies"))
                    .col(text("destination_url"))
                    .col(integer("hold_days"))
                    .col(integer("attribution_window_days"))
                    .col(text("attribution_order"))
                    .col(text("customer_binding"))
                    .col(integer_null("customer_binding_months"))
                    .col(boolean("auto_approve_commissions"))
                    .col(timestamp_with_time_zone("created_at"))
                    .foreign_key(ForeignKey::create().from("programs", "brand_id").to("brands", "id"))
                    .to_owned(),
            )
            .await?;
        index(manager, "programs", &["brand_id", "id"]).await?;
        manager
            .create_table(
                Table::create()
                    .table("program_terms")
                    .col(uuid("id").primary_key())
                    .col(uuid("program_id"))
                    .col(uuid("brand_id"))
                    .col(integer("version"))
                    .col(text("body"))
                    .col(timestamp_with_time_zone("created_at"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("program_terms", "program_id")
                            .to("programs", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("program_terms", "brand_id")
                            .to("brands", "id"),
                    )
                    .to_owned(),
            )
            .await?;
        unique_index(manager, "program_terms", &["program_id", "version"]).await?;
        manager
            .create_table(
                Table::create()
                    .table("commission_rules")
                    .col(uuid("id").primary_key())
                    .col(uuid("program_id"))
                    .col(uuid("brand_id"))
                    .col(text("event"))
                    .col(text("kind"))
                    .col(big_integer_null("rate_ppm"))
                    .col(big_integer_null("amount_minor"))
                    .col(text_null("currency"))
                    .col(integer("position"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone_null("archived_at"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("commission_rules", "program_id")
                            .to("programs", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("commission_rules", "brand_id")
                            .to("brands", "id"),
                    )
                    .to_owned(),
            )
            .await?;
        index(manager, "commission_rules", &["program_id", "event", "position"]).await?;
        manager
            .create_table(
                Table::create()
                    .table("referral_levels")
                    .col(uuid("id").primary_key())
                    .col(uuid("program_id"))
                    .col(uuid("brand_id"))
                    .col(integer("level"))
                    .col(text("kind"))
                    .col(big_integer_null("rate_ppm"))
                    .col(big_integer_null("amount_minor"))
                    .col(text_null("currency"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("referral_levels", "program_id")
                            .to("programs", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("referral_levels", "brand_id")
                            .to("brands", "id"),
                    )
                    .to_owned(),
            )
            .await?;
        unique_index(manager, "referral_levels", &["program_id", "level"]).await?;
        manager
            .create_table(
                Table::create()
                    .table("listings")
                    .col(uuid("id").primary_key())
                    .col(uuid("program_id"))
                    .col(uuid("brand_id"))
                    .col(text("state"))
                    .col(text("title"))
                    .col(text("pitch"))
                    .col(text("category"))
                    .col(text("countries"))
                    .col(text("search_text"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone_null("published_at"))
                    .foreign_key(ForeignKey::create().from("listings", "program_id").to("programs", "id"))
                    .foreign_key(ForeignKey::create().from("listings", "brand_id").to("brands", "id"))
                    .to_owned(),
            )
            .await?;
        unique_index(manager, "listings", &["program_id"]).await?;
        index(manager, "listings", &["state", "category", "id"]).await?;
        index(manager, "listings", &["state", "published_at", "id"]).await?;
        index(manager, "listings", &["brand_id"]).await?;
        Ok(())
    }
}
