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

/// A commission is let go of by payouts that ended, and kept by those that are open.
#[rstest]
#[tokio::test]
async fn commissions_that_were_left_in_ended_payouts_are_owed_again(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let Some(test_database) = database.create_empty().await else {
        return;
    };
    let db = Db::connect(&test_database.url(), 1).await.unwrap();
    let connection = db.schema_connection();
    let before = Migrator::migrations()
        .iter()
        .position(|migration| migration.name() == "m20261127_000051_ledger_guards")
        .unwrap();
    Migrator::up(connection, Some(u32::try_from(before).unwrap()))
        .await
        .unwrap();
    let unchecked = match database {
        Database::Sqlite => "PRAGMA foreign_keys = OFF",
        Database::Postgres => "SET session_replication_role = replica",
    };
    connection.execute_unprepared(unchecked).await.unwrap();
    const NOW: &str = "'2026-11-27 00:00:00+00:00'";
    const NOBODY: &str = "'0193a5b0-0000-7000-8000-000000000000'";
    let id = |n: usize| format!("'0193a5b0-0000-7000-8000-{n:012}'");
    let commission = |n: usize, state: &str, reversed: i64| {
        format!(
            "INSERT INTO commissions (id, conversion_id, brand_id, mode, program_id, partnership_id, partner_id, level, state,
                 currency, base_minor, amount_minor, reversed_minor, reserve_minor, reserve_left_minor, paid_minor,
                 rule_snapshot, arithmetic, hold_until, occurred_at, created_at)
             VALUES ({0}, {0}, {NOBODY}, 'LIVE', {NOBODY}, {NOBODY}, {NOBODY}, 0, '{state}', 'EUR', 1000, 100, {reversed},
                 10, 0, 90, '', '', {NOW}, {NOW}, {NOW})",
            id(n)
        )
    };
    let payout = |n: usize, state: &str| {
        format!(
            "INSERT INTO payouts (id, brand_id, program_id, partnership_id, partner_id, state, rail, currency, amount_minor,
                 needs_second_person, created_at)
             VALUES ({}, {NOBODY}, {NOBODY}, {NOBODY}, {NOBODY}, '{state}', 'MANUAL', 'EUR', 90, FALSE, {NOW})",
            id(n)
        )
    };
    // The number of an item is that of the commission and the payout together.
    let item = |payout: usize, commission: usize, amount: i64| {
        format!(
            "INSERT INTO payout_items (id, payout_id, commission_id, amount_minor) VALUES ({}, {}, {}, {amount})",
            id(payout * 1000 + commission),
            id(payout),
            id(commission)
        )
    };
    for statement in [
        payout(100, "RETURNED"),
        payout(101, "PAID"),
        payout(102, "UNKNOWN"),
        // Left behind; wholly refunded since; in another payout that is open; only netted off there; and paid.
        commission(1, "IN_PAYOUT", 0),
        commission(2, "IN_PAYOUT", 100),
        commission(3, "IN_PAYOUT", 0),
        commission(4, "IN_PAYOUT", 20),
        commission(5, "PAID", 0),
        item(100, 1, 90),
        item(101, 1, 10),
        item(100, 2, 90),
        item(100, 3, 90),
        item(102, 3, 10),
        item(101, 4, 90),
        item(102, 4, -10),
        item(101, 5, 90),
    ] {
        connection.execute_unprepared(&statement).await.unwrap();
    }

    Migrator::up(connection, None).await.unwrap();

    let read = Statement::from_string(
        connection.get_database_backend(),
        "SELECT state FROM commissions ORDER BY id",
    );
    let rows = connection.query_all_raw(read).await.unwrap();
    let states: Vec<String> = rows.iter().map(|row| row.try_get("", "state").unwrap()).collect();
    assert_eq!(states, ["APPROVED", "REVERSED", "IN_PAYOUT", "APPROVED", "PAID"]);

    db.close().await.unwrap();
    test_database.drop().await;
}
