//! Brands' own credentials with providers of payouts, sealed; and which events of providers have come.

use sea_orm_migration::{prelude::*, schema::*};

use crate::index;

#[derive(DeriveMigrationName)]
pub struct Migration;

const CONNECTIONS: &str = "payout_rail_connections";
const EVENTS: &str = "rail_events";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(CONNECTIONS)
                    .col(uuid("id").primary_key())
                    .col(uuid("brand_id"))
                    .col(text("rail"))
                    .col(text("environment"))
                    .col(text("masked"))
                    .col(text("credentials"))
                    .col(timestamp_with_time_zone("created_at"))
                    .col(uuid("created_by"))
                    .col(timestamp_with_time_zone_null("disconnected_at"))
                    .foreign_key(ForeignKey::create().from(CONNECTIONS, "brand_id").to("brands", "id"))
                    .foreign_key(ForeignKey::create().from(CONNECTIONS, "created_by").to("users", "id"))
                    .to_owned(),
            )
            .await?;
        index(manager, CONNECTIONS, &["brand_id", "rail", "id"]).await?;
        // A partial index: one standing connection a brand and rail, any number of former ones.
        manager
            .get_connection()
            .execute_unprepared(
                "CREATE UNIQUE INDEX payout_rail_connections_one_standing
                     ON payout_rail_connections (brand_id, rail) WHERE disconnected_at IS NULL",
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table(EVENTS)
                    .col(text("holder"))
                    .col(text("rail"))
                    .col(text("event_id"))
                    .col(text("kind"))
                    .col(timestamp_with_time_zone("received_at"))
                    .primary_key(Index::create().col("holder").col("rail").col("event_id"))
                    .to_owned(),
            )
            .await?;
        index(manager, EVENTS, &["received_at"]).await
    }
}
