//! Keys that payout methods are sealed with: other ones, lost ones, and sealing anew.

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use entity::{
    ids::{PartnerId, PayoutMethodId},
    payout_method,
};
use rstest::rstest;
use sea_orm::{ActiveModelTrait, EntityTrait, QueryOrder};
use serde_json::{Value, json};
use tributary::{
    config::Config,
    infra::sealing::Place,
    payouts::{methods::service::reseal_payout_methods, reseal::Resealed},
};

use crate::support::{
    answer::{data_at, refusal},
    app::{TestApp, with_app},
    builders::{PASSWORD, PartnerFixture, User},
    database::Database,
    program::output,
};

const SECRET: &str = "a secret of an installation, long enough";

fn key(id: &str, byte: u8) -> String {
    format!("{id}:{}", STANDARD.encode([byte; 32]))
}

/// The same installation with other keys, `minutes` later, so that what it makes is younger.
async fn with_keys(app: &TestApp, minutes: i64, keys: &[String]) -> TestApp {
    let config = Config {
        encryption_keys: keys.to_vec(),
        ..app.app.config.clone()
    };
    let other = TestApp::configured(config).await;
    other.advance(TimeDelta::minutes(minutes));
    other
}

async fn add(app: &TestApp, user: &User, partner: &PartnerFixture, address: &str) -> Value {
    let details = json!({ "upi": { "address": address } });
    let input = json!({ "partnerId": partner.id, "details": details, "currentPassword": PASSWORD });
    app.mutation(Some(&user.token), "addPayoutMethod", input, "payoutMethod { id }")
        .await
}

async fn rows(app: &TestApp) -> Vec<payout_method::Model> {
    payout_method::Entity::find()
        .order_by_asc(payout_method::Column::Id)
        .all(app.db())
        .await
        .unwrap()
}

fn open(app: &TestApp, row: &payout_method::Model) -> Result<String, String> {
    let place = Place {
        table: "payout_methods",
        column: "details",
        row: row.id.0,
    };
    app.app
        .key_ring
        .open(place, &row.details)
        .map_err(|error| error.to_string())
}

fn counts(report: &Resealed) -> (u64, u64, u64) {
    (report.resealed, report.kept, report.failed)
}

#[rstest]
#[tokio::test]
async fn another_key_takes_over_step_by_step(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        // On a fresh machine nothing is set.
        let maya = app.sign_up("maya").await;
        let partner = app.partner(&maya, "maya").await;
        data_at(&add(&app, &maya, &partner, "one@okbank").await, "addPayoutMethod");
        assert!(rows(&app).await[0].details.starts_with("1.secret-"));

        // A key is configured: the old text opens, new ones are sealed under it.
        let first = with_keys(&app, 1, &[key("k1", 1)]).await;
        data_at(&add(&first, &maya, &partner, "two@okbank").await, "addPayoutMethod");
        assert_eq!(
            refusal(&add(&first, &maya, &partner, "one@okbank").await),
            "ALREADY_ADDED"
        );
        let before = rows(&app).await;
        assert!(before[1].details.starts_with("1.k1."));
        assert_eq!(counts(&reseal_payout_methods(&first.app).await.unwrap()), (1, 1, 0));
        assert_eq!(
            counts(&reseal_payout_methods(&first.app).await.unwrap()),
            (0, 2, 0),
            "again"
        );

        // The next key; the one before still opens, until all is sealed anew.
        let second = with_keys(&app, 2, &[key("k2", 2), key("k1", 1)]).await;
        assert_eq!(
            refusal(&add(&second, &maya, &partner, "two@okbank").await),
            "ALREADY_ADDED"
        );
        assert_eq!(counts(&reseal_payout_methods(&second.app).await.unwrap()), (2, 0, 0));
        let after = rows(&app).await;
        let alone = with_keys(&app, 3, &[key("k2", 2)]).await;
        for (row, address) in after.iter().zip(["one@okbank", "two@okbank"]) {
            assert!(row.details.starts_with("1.k2."));
            let details: Value = serde_json::from_str(&open(&alone, row).unwrap()).unwrap();
            assert_eq!(details, json!({ "kind": "UPI", "address": address }));
        }
        assert_ne!(before[1].fingerprint, after[1].fingerprint);
        assert_eq!(
            refusal(&add(&alone, &maya, &partner, "one@okbank").await),
            "ALREADY_ADDED"
        );
        for other in [first, second, alone] {
            other.app.db.close().await.unwrap();
        }
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_missing_or_wrong_key_is_said_and_nothing_is_lost(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let with_first = with_keys(&app, 1, &[key("k1", 1)]).await;
        let maya = app.sign_up("maya").await;
        let partner = app.partner(&maya, "maya").await;
        data_at(
            &add(&with_first, &maya, &partner, "one@okbank").await,
            "addPayoutMethod",
        );
        let before = rows(&app).await;

        for (keys, code) in [
            (vec![key("k2", 2)], "ENCRYPTION_KEY_MISSING"),
            (vec![key("k2", 2), key("k1", 3)], "ENCRYPTION_KEY_WRONG"),
        ] {
            let without = with_keys(&app, 2, &keys).await;
            let report = reseal_payout_methods(&without.app).await.unwrap();
            assert_eq!(counts(&report), (0, 0, 1));
            assert!(report.reasons[0].contains(code), "{:?}", report.reasons);
            assert_eq!(rows(&app).await, before);
            without.app.db.close().await.unwrap();
        }
        // At the terminal: one line says which, another that it failed.
        let url = &app.app.config.database_url;
        let failed = output(url, &["encryption", "rotate", "--encryption-keys", &key("k2", 2)]).await;
        let said = String::from_utf8(failed.stderr).unwrap();
        assert_eq!(failed.status.code(), Some(1), "{said}");
        assert!(
            said.contains("ENCRYPTION_KEY_MISSING") && said.contains("1 payout methods did not open"),
            "{said}"
        );
        let both = format!("{},{}", key("k2", 2), key("k1", 1));
        let done = output(url, &["encryption", "rotate", "--encryption-keys", &both]).await;
        assert_eq!(done.status.code(), Some(0));
        assert_eq!(
            String::from_utf8(done.stdout).unwrap(),
            "1 payout methods are sealed anew under `k2`, 0 were already\n\
             0 rail connections are sealed anew under `k2`, 0 were already\n\
             0 payout requests are sealed anew under `k2`, 0 were already\n\
             0 payout files are sealed anew under `k2`, 0 were already\n"
        );
        // A wrong setting is never repeated.
        let wrong = output(url, &["serve", "--encryption-keys", "k1:c2VjcmV0"]).await;
        let said = String::from_utf8(wrong.stderr).unwrap();
        assert_eq!(wrong.status.code(), Some(2));
        assert!(
            said.starts_with("tributary: --encryption-keys must have 32 bytes") && !said.contains("c2VjcmV0"),
            "{said}"
        );
        with_first.app.db.close().await.unwrap();
    })
    .await;
}

/// Whoever set no key first, and then a secret, loses nothing: what the installation made for itself still opens.
#[rstest]
#[tokio::test]
async fn a_secret_that_is_configured_later_loses_nothing(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let maya = app.sign_up("maya").await;
        let partner = app.partner(&maya, "maya").await;
        data_at(&add(&app, &maya, &partner, "one@okbank").await, "addPayoutMethod");
        let before = rows(&app).await;
        let config = Config {
            secret: Some(SECRET.to_owned()),
            ..app.app.config.clone()
        };
        let later = TestApp::configured(config.clone()).await;
        assert!(open(&later, &before[0]).is_ok());
        assert_eq!(counts(&reseal_payout_methods(&later.app).await.unwrap()), (1, 0, 0));
        assert!(
            open(&app, &rows(&app).await[0])
                .unwrap_err()
                .contains("ENCRYPTION_KEY_MISSING")
        );

        // And the next secret opens what the one before sealed, while that one is named.
        let next = Config {
            secret: Some(format!("{SECRET}, the next")),
            previous_secrets: vec![SECRET.to_owned()],
            ..config
        };
        let next = TestApp::configured(next).await;
        assert_eq!(counts(&reseal_payout_methods(&next.app).await.unwrap()), (1, 0, 0));
        for other in [later, next] {
            other.app.db.close().await.unwrap();
        }
    })
    .await;
}

/// More than one batch.
#[rstest]
#[tokio::test]
async fn many_are_sealed_anew_in_batches(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    const MANY: usize = 250;
    with_app(database, |app| async move {
        let maya = app.sign_up("maya").await;
        let partner: PartnerId = app.partner(&maya, "maya").await.id.parse().unwrap();
        db_methods(&app, partner, MANY).await;
        let other = with_keys(&app, 1, &[key("k1", 1)]).await;
        // One in the middle does not open, and stops none behind it.
        let rows_before = rows(&app).await;
        let broken = payout_method::Model {
            details: rows_before[0].details.clone(),
            ..rows_before[120].clone()
        };
        let broken_id = broken.id;
        payout_method::Entity::update(payout_method::ActiveModel::from(broken).reset_all())
            .exec_without_returning(app.db_writer())
            .await
            .unwrap();
        let report = reseal_payout_methods(&other.app).await.unwrap();
        assert_eq!(counts(&report), (249, 0, 1));
        assert!(report.reasons[0].starts_with(&broken_id.to_string()));
        let report = reseal_payout_methods(&other.app).await.unwrap();
        assert_eq!(counts(&report), (0, 249, 1), "again");
        other.app.db.close().await.unwrap();
    })
    .await;
}

/// Far more than a partner may have, removed ones.
async fn db_methods(app: &TestApp, partner: PartnerId, count: usize) {
    let models: Vec<payout_method::ActiveModel> = (0..count)
        .map(|number| {
            let id: PayoutMethodId = app.app.ids.new_id(app.now());
            let place = Place {
                table: "payout_methods",
                column: "details",
                row: id.0,
            };
            let details = json!({ "kind": "UPI", "address": format!("m{number}@okbank") }).to_string();
            payout_method::Model {
                id,
                partner_id: partner,
                kind: payout_method::PayoutMethodKind::Upi,
                currency: None,
                masked: "m***@okbank".to_owned(),
                details: app.app.key_ring.seal(&app.app.ids, place, &details).unwrap(),
                fingerprint: String::new(),
                cooling_off_until: app.now(),
                created_at: app.now(),
                removed_at: Some(app.now()),
            }
            .into()
        })
        .collect();
    payout_method::Entity::insert_many(models)
        .exec_without_returning(app.db_writer())
        .await
        .unwrap();
}
