//! The schema that migrations make and the entities that read it agree, on both databases.

use std::collections::BTreeSet;

use entity::*;
use rstest::rstest;
use sea_orm::{EntityName, EntityTrait, QuerySelect};

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
        let read = read_all!(app: account_link, admission_policy, api_key, application, audit_entry, brand, brand_member, capture, chargeback,
            click, commission, commission_rule, conversion, conversion_touch, creator_channel, creator_mark, creator_profile, customer, customer_binding, idempotency_key,
            installation_secret, job, lease, ledger_account, ledger_entry, ledger_transfer, listing, listing_mark, mail,
            member_invitation, message, message_thread, order, order_amendment, order_line, outbox_event, partner, partner_group, partner_member, partner_trust, partnership,
            partnership_ancestor, payout, payout_item, periodic_run, program, program_invitation, program_terms, program_trust,
            promo_code, questionnaire, referral_level, refund, refund_line, refused_event, saved_search, saved_search_hit, search_place, session, terms_acceptance, terms_offer, thread_read, tracking_link,
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
