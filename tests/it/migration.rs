//! The schema that migrations make and the entities that read it agree, on both databases.

use std::collections::BTreeSet;

use entity::*;
use migration::{Migrator, MigratorTrait};
use rstest::rstest;
use sea_orm::{ConnectionTrait, EntityName, EntityTrait, QuerySelect, Statement};
use tributary::infra::db::Db;

use crate::support::{app::with_app, database::Database, digest::list_tables};

/// The migrator's own table has no entity.
const MIGRATIONS: &str = "seaql_migrations";

/// Selects every column of every named entity, and returns the tables they stand for.
macro_rules! read_all {
    ($app:ident: $($module:ident),* $(,)?) => {{
        let mut tables = BTreeSet::new();
        $(
            let read = $module::Entity::find().limit(1).all($app.db()).await;
            assert!(read.is_ok(), "{}: {read:?}", stringify!($module));
            tables.insert($module::Entity.table_name().to_owned());
        )*
        tables
    }};
}

#[rstest]
#[tokio::test]
async fn every_table_has_an_entity_that_fits(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let read = read_all!(app: account_link, adjustment, admission_policy, api_key, application, audit_entry, brand, brand_member, capture, chargeback,
            click, commission, commission_rule, conversion, conversion_touch, creator_channel, creator_mark, creator_profile, customer, customer_binding, idempotency_key,
            installation_secret, job, lease, ledger_account, ledger_entry, ledger_transfer, listing, listing_mark, mail,
            member_invitation, message, message_thread, order, order_amendment, order_line, outbox_event, partner, partner_group, partner_member, partner_trust, partnership,
            partnership_ancestor, payout, payout_batch, payout_file, payout_import, payout_item, payout_method, payout_preference, payout_request, payout_rail_connection, periodic_run, program, program_invitation,
            program_terms, program_trust, promo_code, questionnaire, rail_event, referral_level, refund, refund_line, refused_event, saved_search, saved_search_hit, search_place, session, store_credit_redemption, store_credit_transfer, terms_acceptance, terms_offer, thread_read, tracking_link,
            trust_day, trust_earning, trust_progress, trust_stale_day, trust_wait,
            used_refresh_token, user);
        let tables: BTreeSet<String> = list_tables(app.db())
            .await
            .into_iter()
            .filter(|table| table != MIGRATIONS)
            .collect();
        assert_eq!(tables, read);
    })
    .await;
}

/// What was stored before a migration that rewrites rows reads the same after it.
#[rstest]
#[tokio::test]
async fn rows_outlive_the_migrations_that_rewrite_them(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let Some(test_database) = database.create_empty().await else {
        return;
    };
    let db = Db::connect(&test_database.url(), 1).await.unwrap();
    let connection = db.schema_connection();
    let before = Migrator::migrations()
        .iter()
        .position(|migration| migration.name() == "m20261126_000041_stale_notes")
        .unwrap();
    Migrator::up(connection, Some(u32::try_from(before).unwrap()))
        .await
        .unwrap();
    // The rows of people and partnerships behind these are of no matter here.
    let unchecked = match database {
        Database::Sqlite => "PRAGMA foreign_keys = OFF",
        Database::Postgres => "SET session_replication_role = replica",
    };
    const ID: &str = "'0193a5b0-0000-7000-8000-000000000001'";
    const OTHER: &str = "'0193a5b0-0000-7000-8000-000000000002'";
    const NOW: &str = "'2026-11-26 00:00:00+00:00'";
    let profile = |id: &str, audience: &str| {
        format!(
            "INSERT INTO creator_profiles (id, partner_id, languages, niches, media_kit_urls, audience, rates,
                 availability, visibility, vetting, created_at, updated_at)
             VALUES ({id}, {id}, '', '', '', '{audience}', '', 'OPEN', 'PUBLIC', 'NONE', {NOW}, {NOW})"
        )
    };
    let channel = |id: &str, engagement: &str| {
        format!(
            "INSERT INTO creator_channels (id, partner_id, platform, handle, folded_handle, url, followers,
                 engagement_bps, created_at, updated_at)
             VALUES ({id}, {id}, 'BLOG', 'a', 'a', 'https://example.com', 1, {engagement}, {NOW}, {NOW})"
        )
    };
    for statement in [
        unchecked.to_owned(),
        format!("INSERT INTO trust_stale_days (partnership_id, day) VALUES ({ID}, 20783)"),
        profile(ID, "DE:4000,FR:25"),
        profile(OTHER, ""),
        channel(ID, "325"),
        channel(OTHER, "NULL"),
    ] {
        connection.execute_unprepared(&statement).await.unwrap();
    }

    Migrator::up(connection, None).await.unwrap();

    let read = async |sql: &str| {
        let rows = connection
            .query_all_raw(Statement::from_string(connection.get_database_backend(), sql))
            .await;
        rows.unwrap()
    };
    let notes = read("SELECT seq, day FROM trust_stale_days").await;
    assert_eq!(notes.len(), 1);
    assert_eq!(notes[0].try_get::<i64>("", "seq").unwrap(), 1);
    assert_eq!(notes[0].try_get::<i32>("", "day").unwrap(), 20_783);
    let audiences = read("SELECT audience FROM creator_profiles ORDER BY audience").await;
    let audiences: Vec<String> = audiences
        .iter()
        .map(|row| row.try_get("", "audience").unwrap())
        .collect();
    assert_eq!(audiences, ["", "DE:400000,FR:2500"]);
    let engagement = read("SELECT engagement_ppm FROM creator_channels ORDER BY partner_id").await;
    let engagement: Vec<Option<i64>> = engagement
        .iter()
        .map(|row| row.try_get("", "engagement_ppm").unwrap())
        .collect();
    assert_eq!(engagement, [Some(32_500), None]);

    db.close().await.unwrap();
    test_database.drop().await;
}
