//! The database schema, append-only: a migration that has landed is never edited.
//!
//! The same statements serve SQLite and PostgreSQL; where the dialects differ (triggers), both forms stand side by side.
//! Never imports `entity`: yesterday's migration must not change its meaning with today's code.

pub use sea_orm_migration::prelude::*;

mod m20261121_000001_accounts;
mod m20261121_000002_programs;
mod m20261121_000003_partnerships;
mod m20261121_000004_conversions;
mod m20261121_000005_money;
mod m20261121_000006_delivery;
mod m20261121_000007_sessions;
mod m20261125_000008_mail;
mod m20261125_000009_identity;
mod m20261125_000010_api_key_rights;
mod m20261125_000011_member_invitations;
mod m20261125_000012_commission_note;
mod m20261125_000013_rule_scopes;
mod m20261125_000014_click_pages;
mod m20261125_000016_order_changes;
mod m20261125_000018_jobs;
mod m20261125_000019_periodic_runs;
mod m20261126_000020_standing;
mod m20261126_000021_terms_acceptances;
mod m20261126_000022_partner_groups;
mod m20261126_000023_program_invitations;
mod m20261126_000024_order_lines;
mod m20261126_000025_refund_lines;
mod m20261126_000026_refused_events;
mod m20261126_000027_modes;
mod m20261126_000028_creators;
mod m20261126_000029_questionnaires;
mod m20261126_000030_invitation_mail;
mod m20261126_000031_admission;
mod m20261126_000032_shortlists;
mod m20261126_000033_messages;
mod m20261126_000034_search_places;
mod m20261126_000035_trust;
mod m20261126_000036_terms_offers;
mod m20261126_000037_admission_channels;
mod m20261126_000039_listing_details;
mod m20261126_000040_saved_searches;
mod m20261126_000041_stale_notes;
mod m20261126_000042_creator_shares;
mod m20261126_000043_payout_methods;
mod m20261126_000045_money_moves;
mod m20261127_000046_listing_indexes;
mod m20261127_000047_payout_batches;
mod m20261127_000048_store_credit;
mod m20261127_000049_rail_connections;
mod m20261127_000050_provider_ids;
mod m20261127_000051_ledger_guards;

pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261121_000001_accounts::Migration),
            Box::new(m20261121_000002_programs::Migration),
            Box::new(m20261121_000003_partnerships::Migration),
            Box::new(m20261121_000004_conversions::Migration),
            Box::new(m20261121_000005_money::Migration),
            Box::new(m20261121_000006_delivery::Migration),
            Box::new(m20261121_000007_sessions::Migration),
            Box::new(m20261125_000008_mail::Migration),
            Box::new(m20261125_000009_identity::Migration),
            Box::new(m20261125_000010_api_key_rights::Migration),
            Box::new(m20261125_000011_member_invitations::Migration),
            Box::new(m20261125_000012_commission_note::Migration),
            Box::new(m20261125_000016_order_changes::Migration),
            Box::new(m20261125_000013_rule_scopes::Migration),
            Box::new(m20261125_000014_click_pages::Migration),
            Box::new(m20261125_000018_jobs::Migration),
            Box::new(m20261125_000019_periodic_runs::Migration),
            Box::new(m20261126_000020_standing::Migration),
            Box::new(m20261126_000022_partner_groups::Migration),
            Box::new(m20261126_000023_program_invitations::Migration),
            Box::new(m20261126_000026_refused_events::Migration),
            Box::new(m20261126_000024_order_lines::Migration),
            Box::new(m20261126_000030_invitation_mail::Migration),
            Box::new(m20261126_000021_terms_acceptances::Migration),
            Box::new(m20261126_000027_modes::Migration),
            Box::new(m20261126_000025_refund_lines::Migration),
            Box::new(m20261126_000029_questionnaires::Migration),
            Box::new(m20261126_000031_admission::Migration),
            Box::new(m20261126_000036_terms_offers::Migration),
            Box::new(m20261126_000032_shortlists::Migration),
            Box::new(m20261126_000033_messages::Migration),
            Box::new(m20261126_000035_trust::Migration),
            Box::new(m20261126_000039_listing_details::Migration),
            Box::new(m20261126_000040_saved_searches::Migration),
            Box::new(m20261126_000034_search_places::Migration),
            Box::new(m20261126_000028_creators::Migration),
            Box::new(m20261126_000037_admission_channels::Migration),
            Box::new(m20261126_000041_stale_notes::Migration),
            Box::new(m20261126_000042_creator_shares::Migration),
            Box::new(m20261126_000043_payout_methods::Migration),
            Box::new(m20261126_000045_money_moves::Migration),
            Box::new(m20261127_000046_listing_indexes::Migration),
            Box::new(m20261127_000047_payout_batches::Migration),
            Box::new(m20261127_000048_store_credit::Migration),
            Box::new(m20261127_000049_rail_connections::Migration),
            Box::new(m20261127_000050_provider_ids::Migration),
            Box::new(m20261127_000051_ledger_guards::Migration),
        ]
    }
}

async fn create_index(
    manager: &SchemaManager<'_>,
    table: &'static str,
    columns: &[&'static str],
    mut index: IndexCreateStatement,
) -> Result<(), DbErr> {
    index.name(format!("{table}_{}", columns.join("_"))).table(table);
    for column in columns {
        index.col(*column);
    }
    manager.create_index(index).await
}

pub(crate) async fn index(
    manager: &SchemaManager<'_>,
    table: &'static str,
    columns: &[&'static str],
) -> Result<(), DbErr> {
    create_index(manager, table, columns, Index::create()).await
}

pub(crate) async fn unique_index(
    manager: &SchemaManager<'_>,
    table: &'static str,
    columns: &[&'static str],
) -> Result<(), DbErr> {
    create_index(manager, table, columns, Index::create().unique().to_owned()).await
}
