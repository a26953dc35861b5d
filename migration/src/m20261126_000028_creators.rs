//! Creators in the marketplace: profiles and channels. What happens to them is no brand's, so the log's events may have none.

use sea_orm_migration::{prelude::*, schema::*, sea_orm::DatabaseBackend};

use crate::{index, unique_index};

#[derive(DeriveMigrationName)]
pub struct Migration;

const PROFILES: &str = "creator_profiles";
const CHANNELS: &str = "creator_channels";
const EVENTS: &str = "outbox_events";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// On SQLite too: a table is made anew there, and a process that is killed meanwhile must leave the old one.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(PROFILES)
                    .col(uuid("id").primary_key())
                    .col(uuid("partner_id"))
                    .col(text_null("headline"))
                    .col(integer_null("latitude_micro"))
                    .col(integer_null("longitude_micro"))
                    .col(text("languages"))
                    .col(text("niches"))
                    .col(text("media_kit_urls"))
                    .col(text("audience"))
                    .col(text("rates"))
                    .col(text("availability"))
                    .col(text("visibility"))
                    .col(text("vetting"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone("updated_at"))
                    .foreign_key(ForeignKey::create().from(PROFILES, "partner_id").to("partners", "id"))
                    .to_owned(),
            )
            .await?;
        unique_index(manager, PROFILES, &["partner_id"]).await?;
        // What is found, in the order in which it is read into an index, and newest first.
        index(manager, PROFILES, &["visibility", "partner_id"]).await?;
        index(manager, PROFILES, &["visibility", "created_at"]).await?;
        manager
            .create_table(
                Table::create()
                    .table(CHANNELS)
                    .col(uuid("id").primary_key())
                    .col(uuid("partner_id"))
                    .col(text("platform"))
                    .col(text("handle"))
                    .col(text("folded_handle"))
                    .col(text("url"))
                    .col(big_integer("followers"))
                    .col(integer_null("engagement_bps"))
                    .col(text_null("verification_token"))
                    .col(timestamp_with_time_zone_null("verified_at"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(timestamp_with_time_zone("updated_at"))
                    .foreign_key(ForeignKey::create().from(CHANNELS, "partner_id").to("partners", "id"))
                    .to_owned(),
            )
            .await?;
        unique_index(manager, CHANNELS, &["partner_id", "platform", "folded_handle"]).await?;
        events_without_a_brand(manager).await
    }
}

async fn events_without_a_brand(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    if manager.get_database_backend() != DatabaseBackend::Sqlite {
        let change = "ALTER TABLE outbox_events ALTER COLUMN brand_id DROP NOT NULL";
        manager.get_connection().execute_unprepared(change).await?;
        return Ok(());
    }
    // SQLite changes no column: the table is made anew, with what is in it. Sequence numbers go on behind the last one.
    const NEW: &str = "outbox_events_new";
    manager
        .create_table(
            Table::create()
                .table(NEW)
                .col(big_integer("seq").auto_increment().primary_key())
                .col(uuid("id"))
                .col(big_integer_null("position"))
                .col(uuid_null("brand_id"))
                .col(uuid_null("partner_id"))
                .col(text("topic"))
                .col(uuid("subject_id"))
                .col(text("payload"))
                .col(timestamp_with_time_zone("occurred_at"))
                .foreign_key(ForeignKey::create().from(NEW, "brand_id").to("brands", "id"))
                .foreign_key(ForeignKey::create().from(NEW, "partner_id").to("partners", "id"))
                .to_owned(),
        )
        .await?;
    manager
        .get_connection()
        .execute_unprepared(
            "INSERT INTO outbox_events_new
                 (seq, id, position, brand_id, partner_id, topic, subject_id, payload, occurred_at)
             SELECT seq, id, position, brand_id, partner_id, topic, subject_id, payload, occurred_at
             FROM outbox_events ORDER BY seq",
        )
        .await?;
    manager.drop_table(Table::drop().table(EVENTS).to_owned()).await?;
    manager
        .rename_table(Table::rename().table(NEW, EVENTS).to_owned())
        .await?;
    unique_index(manager, EVENTS, &["id"]).await?;
    unique_index(manager, EVENTS, &["position"]).await?;
    index(manager, EVENTS, &["brand_id", "position"]).await?;
    index(manager, EVENTS, &["partner_id", "position"]).await
}
