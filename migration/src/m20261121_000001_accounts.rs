//! People, brands, partners and what signs them in.

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
                    .table("users")
                    .col(uuid("id").primary_key())
                    .col(text("email"))
                    .col(text("email_key"))
                    .col(text("display_name"))
                    .col(text("password_hash"))
                    .col(boolean("platform_admin"))
                    .col(timestamp_with_time_zone("created_at"))
                    .to_owned(),
            )
            .await?;
        unique_index(manager, "users", &["email_key"]).await?;
        manager
            .create_table(
                Table::create()
                    .table("sessions")
                    .col(uuid("id").primary_key())
                    .col(uuid("user_id"))
                    .col(text("refresh_hash"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone("expires_at"))
                    .col(timestamp_with_time_zone_null("revoked_at"))
                    .foreign_key(ForeignKey::create().from("sessions", "user_id").to("users", "id"))
                    .to_owned(),
            )
            .await?;
        unique_index(manager, "sessions", &["refresh_hash"]).await?;
        index(manager, "sessions", &["user_id"]).await?;
        manager
            .create_table(
                Table::create()
                    .table("brands")
                    .col(uuid("id").primary_key())
                    .col(text("slug"))
                    .col(text("name"))
                    .col(text("website_url"))
                    .col(text("currency"))
                    .col(big_integer("reserve_ppm"))
                    .col(big_integer("payout_minimum_minor"))
                    .col(timestamp_with_time_zone("created_at"))
                    .to_owned(),
            )
            .await?;
        unique_index(manager, "brands", &["slug"]).await?;
        manager
            .create_table(
                Table::create()
                    .table("brand_members")
                    .col(uuid("id").primary_key())
                    .col(uuid("brand_id"))
                    .col(uuid("user_id"))
                    .col(text("role"))
                    .col(timestamp_with_time_zone("created_at"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("brand_members", "brand_id")
                            .to("brands", "id"),
                    )
                    .foreign_key(ForeignKey::create().from("brand_members", "user_id").to("users", "id"))
                    .to_owned(),
            )
            .await?;
        unique_index(manager, "brand_members", &["brand_id", "user_id"]).await?;
        index(manager, "brand_members", &["user_id"]).await?;
        manager
            .create_table(
                Table::create()
                    .table("api_keys")
                    .col(uuid("id").primary_key())
                    .col(uuid("brand_id"))
                    .col(text("kind"))
                    .col(text("name"))
                    .col(text("last_four"))
                    .col(text("key_hash"))
                    .col(uuid("created_by"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone_null("revoked_at"))
                    .foreign_key(ForeignKey::create().from("api_keys", "brand_id").to("brands", "id"))
                    .foreign_key(ForeignKey::create().from("api_keys", "created_by").to("users", "id"))
                    .to_owned(),
            )
            .await?;
        unique_index(manager, "api_keys", &["key_hash"]).await?;
        index(manager, "api_keys", &["brand_id", "id"]).await?;
        manager
            .create_table(
                Table::create()
                    .table("partners")
                    .col(uuid("id").primary_key())
                    .col(text("handle"))
                    .col(text("display_name"))
                    .col(text_null("bio"))
                    .col(text_null("country"))
                    .col(timestamp_with_time_zone("created_at"))
                    .to_owned(),
            )
            .await?;
        unique_index(manager, "partners", &["handle"]).await?;
        manager
            .create_table(
                Table::create()
                    .table("partner_members")
                    .col(uuid("id").primary_key())
                    .col(uuid("partner_id"))
                    .col(uuid("user_id"))
                    .col(timestamp_with_time_zone("created_at"))
                    .foreign_key(
                        ForeignKey::create()
                            .from("partner_members", "partner_id")
                            .to("partners", "id"),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from("partner_members", "user_id")
                            .to("users", "id"),
                    )
                    .to_owned(),
            )
            .await?;
        unique_index(manager, "partner_members", &["partner_id", "user_id"]).await?;
        index(manager, "partner_members", &["user_id"]).await?;
        manager
            .create_table(
                Table::create()
                    .table("installation_secrets")
                    .col(text("name").primary_key())
                    .col(text("value"))
                    .col(timestamp_with_time_zone("created_at"))
                    .to_owned(),
            )
            .await?;
        Ok(())
    }
}
