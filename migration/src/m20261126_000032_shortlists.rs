//! What partners mark of listings, and brands of creators.

use sea_orm_migration::{prelude::*, schema::*};

use crate::{index, unique_index};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        marks(
            manager,
            "listing_marks",
            ("partner_id", "partners"),
            ("listing_id", "listings"),
        )
        .await?;
        marks(
            manager,
            "creator_marks",
            ("brand_id", "brands"),
            ("partner_id", "partners"),
        )
        .await
    }
}

/// One row for whatever an owner has marked. The `…_id` columns are where the row stands in the owner's lists: ids grow with
/// time, so the newest mark comes first.
async fn marks(
    manager: &SchemaManager<'_>,
    table: &'static str,
    (owner, owners): (&'static str, &'static str),
    (marked, of): (&'static str, &'static str),
) -> Result<(), DbErr> {
    manager
        .create_table(
            Table::create()
                .table(table)
                .col(uuid("id").primary_key())
                .col(uuid(owner))
                .col(uuid(marked))
                .col(uuid_null("saved_id"))
                .col(timestamp_with_time_zone_null("saved_at"))
                .col(uuid_null("hidden_id"))
                .col(timestamp_with_time_zone_null("hidden_at"))
                .col(text_null("note"))
                .col(uuid_null("noted_id"))
                .col(timestamp_with_time_zone_null("noted_at"))
                .foreign_key(ForeignKey::create().from(table, owner).to(owners, "id"))
                .foreign_key(ForeignKey::create().from(table, marked).to(of, "id"))
                .to_owned(),
        )
        .await?;
    unique_index(manager, table, &[owner, marked]).await?;
    index(manager, table, &[owner, "saved_id"]).await?;
    index(manager, table, &[owner, "hidden_id"]).await?;
    index(manager, table, &[owner, "noted_id"]).await
}
