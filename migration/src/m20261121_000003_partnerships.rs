//! The partnership, how it comes about, and what it promotes with.

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
                    .table("partnerships")
                    .col(uuid("id").primary_key())
                    .col(uuid("program_id"))
                    .col(uuid("brand_id"))
                    .col(uuid("partner_id"))
                    .col(text("state"))
                    .col(text("referral_code"))
                    .col(uuid_null("referrer_id"))
                    .col(uuid_null("application_id"))
                    .col(timestamp_with_time_zone("created_at"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("partnerships", "program_id")
                            .to("programs", "id"),
                    )
                    .foreign_key(ForeignKey::create().from("partnerships", "brand_id").to("brands", "id"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("partnerships", "partner_id")
                            .to("partners", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("partnerships", "referrer_id")
                            .to("partnerships", "id"),
                    )
                    .to_owned(),
            )
            .await?;
        unique_index(manager, "partnerships", &["program_id", "partner_id"]).await?;
        unique_index(manager, "partnerships", &["referral_code"]).await?;
        index(manager, "partnerships", &["brand_id", "id"]).await?;
        index(manager, "partnerships", &["partner_id", "id"]).await?;
        index(manager, "partnerships", &["referrer_id"]).await?;
        manager
            .create_table(
                Table::create()
                    .table("partnership_ancestors")
                    .col(uuid("descendant_id"))
                    .col(integer("level"))
                    .col(uuid("ancestor_id"))
                    .primary_key(Index::create().col("descendant_id").col("level"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("partnership_ancestors", "descendant_id")
                            .to("partnerships", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("partnership_ancestors", "ancestor_id")
                            .to("partnerships", "id"),
                    )
                    .to_owned(),
            )
            .await?;
        index(manager, "partnership_ancestors", &["ancestor_id"]).await?;
        manager
            .create_table(
                Table::create()
                    .table("applications")
                    .col(uuid("id").primary_key())
                    .col(uuid("program_id"))
                    .col(uuid("brand_id"))
                    .col(uuid("partner_id"))
                    .col(text("state"))
                    .col(text("message"))
                    .col(uuid("terms_id"))
                    .col(uuid_null("referrer_id"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone_null("decided_at"))
                    .col(text_null("rejection_reason"))
                    .col(text_null("rejection_note"))
                    .col(text_null("reapply_policy"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("applications", "program_id")
                            .to("programs", "id"),
                    )
                    .foreign_key(ForeignKey::create().from("applications", "brand_id").to("brands", "id"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("applications", "partner_id")
                            .to("partners", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("applications", "terms_id")
                            .to("program_terms", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("applications", "referrer_id")
                            .to("partnerships", "id"),
                    )
                    .to_owned(),
            )
            .await?;
        index(manager, "applications", &["brand_id", "id"]).await?;
        index(manager, "applications", &["partner_id", "id"]).await?;
        index(manager, "applications", &["program_id", "partner_id"]).await?;
        // A partial index: one undecided application per partner and program, any number of decided ones.
        manager
            .get_connection()
            .execute_unprepared(
                "CREATE UNIQUE INDEX applications_one_open ON applications (program_id, partner_id)
                 WHERE state IN ('SUBMITTED', 'IN_REVIEW')",
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table("tracking_links")
                    .col(uuid("id").primary_key())
                    .col(uuid("partnership_id"))
                    .col(uuid("program_id"))
                    .col(uuid("brand_id"))
                    .col(uuid("partner_id"))
                    .col(text("slug"))
                    .col(text("destination_url"))
                    .col(text_null("name"))
                    .col(timestamp_with_time_zone("created_at"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("tracking_links", "partnership_id")
                            .to("partnerships", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("tracking_links", "program_id")
                            .to("programs", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("tracking_links", "brand_id")
                            .to("brands", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("tracking_links", "partner_id")
                            .to("partners", "id"),
                    )
                    .to_owned(),
            )
            .await?;
        unique_index(manager, "tracking_links", &["slug"]).await?;
        index(manager, "tracking_links", &["partnership_id", "id"]).await?;
        index(manager, "tracking_links", &["partner_id"]).await?;
        manager
            .create_table(
                Table::create()
                    .table("clicks")
                    .col(uuid("id").primary_key())
                    .col(uuid("link_id"))
                    .col(uuid("partnership_id"))
                    .col(uuid("program_id"))
                    .col(uuid("brand_id"))
                    .col(uuid("partner_id"))
                    .col(timestamp_with_time_zone("occurred_at"))
                    .col(text_null("referer"))
                    .col(text_null("user_agent"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("clicks", "link_id")
                            .to("tracking_links", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("clicks", "partnership_id")
                            .to("partnerships", "id"),
                    )
                    .foreign_key(ForeignKey::create().from("clicks", "program_id").to("programs", "id"))
                    .foreign_key(ForeignKey::create().from("clicks", "brand_id").to("brands", "id"))
                    .foreign_key(ForeignKey::create().from("clicks", "partner_id").to("partners", "id"))
                    .to_owned(),
            )
            .await?;
        index(manager, "clicks", &["link_id", "id"]).await?;
        index(manager, "clicks", &["partnership_id", "id"]).await?;
        manager
            .create_table(
                Table::create()
                    .table("promo_codes")
                    .col(uuid("id").primary_key())
                    .col(uuid("partnership_id"))
                    .col(uuid("program_id"))
                    .col(uuid("brand_id"))
                    .col(uuid("partner_id"))
                    .col(text("code"))
                    .col(text("code_key"))
                    .col(timestamp_with_time_zone_null("expires_at"))
                    .col(big_integer_null("usage_limit"))
                    .col(big_integer("used_count"))
                    .col(timestamp_with_time_zone("created_at"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("promo_codes", "partnership_id")
                            .to("partnerships", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("promo_codes", "program_id")
                            .to("programs", "id"),
                    )
                    .foreign_key(ForeignKey::create().from("promo_codes", "brand_id").to("brands", "id"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("promo_codes", "partner_id")
                            .to("partners", "id"),
                    )
                    .to_owned(),
            )
            .await?;
        unique_index(manager, "promo_codes", &["brand_id", "code_key"]).await?;
        index(manager, "promo_codes", &["partnership_id", "id"]).await?;
        Ok(())
    }
}
