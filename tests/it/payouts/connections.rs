//! By whose credentials a brand pays: connecting, replacing and taking away, what is shown of it, and how it is kept.

use base64::{Engine, engine::general_purpose::STANDARD};
use entity::{
    audit_entry,
    ids::BrandId,
    payout_rail_connection::{Entity, Model},
};
use rstest::rstest;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};
use tributary::{
    config::Config,
    fake_rails::FakeRails,
    infra::rails::{
        Destination, Instruction, PayPalReceiver, PayPalWallet, Rail, RailKind, Sending, Sent,
        fakes::paypal::WEBHOOK_ID, fakes::razorpay::ACCOUNT_NUMBER,
    },
    money::Money,
    payouts::{
        rails::{Holder, connected, open, service::reseal_rail_connections},
        reseal::Resealed,
    },
};
use uuid::Uuid;

use crate::support::{
    answer::{data_at, error_codes, refusal, user_errors},
    app::{TestApp, with_app, with_rails_app},
    builders::{BrandFixture, PASSWORD, User},
    database::Database,
    digest,
    program::output,
};

const RAIL: &str = "payoutRail { provider holder environment masked connectedAt webhookUrl ownWebhookUrl }";

struct Shop {
    ada: User,
    brand: BrandFixture,
}

impl Shop {
    async fn of(app: &TestApp) -> Self {
        let ada = app.sign_up("ada").await;
        let brand = app.brand(&ada, "lumen").await;
        Self { ada, brand }
    }

    fn id(&self) -> BrandId {
        self.brand.id.parse().unwrap()
    }

    async fn connect(&self, app: &TestApp, environment: &str, credentials: Value) -> Value {
        let input = json!({
            "brandId": self.brand.id, "environment": environment, "credentials": credentials, "currentPassword": PASSWORD,
        });
        app.mutation(Some(&self.ada.token), "connectPayoutRail", input, RAIL)
            .await
    }

    async fn connected(&self, app: &TestApp, environment: &str, credentials: Value) -> Value {
        data_at(
            &self.connect(app, environment, credentials).await,
            "connectPayoutRail.payoutRail",
        )
    }

    async fn disconnect(&self, app: &TestApp, rail: &str) -> Value {
        let input = json!({ "brandId": self.brand.id, "provider": rail, "currentPassword": PASSWORD });
        app.mutation(Some(&self.ada.token), "disconnectPayoutRail", input, RAIL)
            .await
    }

    /// Kind, holder, environment and mask of every rail.
    async fn rails(&self, app: &TestApp) -> Value {
        let query = "query ($id: ID!) { brand(id: $id) { payoutRails { provider holder environment masked } } }";
        let variables = json!({ "id": self.brand.id });
        let rails = app
            .graphql_ok(Some(&self.ada.token), query, variables, "brand.payoutRails")
            .await;
        let row = |rail: &Value| json!([rail["provider"], rail["holder"], rail["environment"], rail["masked"]]);
        rails.as_array().unwrap().iter().map(row).collect()
    }
}

fn stripe(key: &str) -> Value {
    json!({ "stripe": { "secretKey": key, "webhookSecret": "whsec_of_the_brand" } })
}

fn paypal(client_id: &str, client_secret: &str) -> Value {
    json!({ "paypal": { "clientId": client_id, "clientSecret": client_secret, "webhookId": WEBHOOK_ID } })
}

/// What PayPal's fake takes.
fn own_paypal(fakes: &FakeRails) -> Value {
    let credentials = fakes.paypal.credentials();
    paypal(&credentials.client_id, &credentials.secret)
}

async fn rows(app: &TestApp) -> Vec<Model> {
    Entity::find()
        .order_by_asc(entity::payout_rail_connection::Column::Id)
        .all(app.db())
        .await
        .unwrap()
}

#[rstest]
#[tokio::test]
async fn a_brands_own_credentials_go_before_the_installations(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_rails_app(database, |app, _fakes| async move {
        let shop = Shop::of(&app).await;
        let installation = |kind: &str| json!([kind, "INSTALLATION", "SANDBOX", null]);
        let all = json!([
            installation("PAYPAL"),
            installation("RAZORPAYX"),
            installation("STRIPE")
        ]);
        assert_eq!(shop.rails(&app).await, all);
        let rail = open(&app.app, Holder::INSTALLATION, RailKind::Stripe).await.unwrap();
        assert_eq!(rail.unwrap().connection_id, None);

        let first = shop
            .connected(&app, "SANDBOX", stripe("sk_test_0123456789abcdef"))
            .await;
        assert_eq!(
            first,
            json!({
                "provider": "STRIPE", "holder": "BRAND", "environment": "SANDBOX", "masked": "sk_test_***cdef",
                "connectedAt": "2026-01-15T12:00:00+00:00",
                "webhookUrl": format!("http://127.0.0.1:4000/webhooks/stripe/{}", shop.brand.id),
                "ownWebhookUrl": format!("http://127.0.0.1:4000/webhooks/stripe/{}", shop.brand.id),
            })
        );
        assert_eq!(
            shop.rails(&app).await,
            json!([
                installation("PAYPAL"),
                installation("RAZORPAYX"),
                ["STRIPE", "BRAND", "SANDBOX", "sk_test_***cdef"]
            ])
        );
        let now = connected(&app.app, app.db(), shop.id()).await.unwrap();
        let own = Holder::brand(shop.id());
        assert_eq!(
            now.into_iter().collect::<Vec<_>>(),
            [
                (RailKind::Paypal, Holder::INSTALLATION),
                (RailKind::Razorpayx, Holder::INSTALLATION),
                (RailKind::Stripe, own),
            ]
        );
        let before = open(&app.app, own, RailKind::Stripe).await.unwrap().unwrap();

        // Another key takes its place, and follows what the first one sent.
        let second = shop.connected(&app, "LIVE", stripe("rk_live_9876543210abcdef")).await;
        assert_eq!(
            (&second["environment"], &second["masked"]),
            (&json!("LIVE"), &json!("rk_live_***cdef"))
        );
        let after = open(&app.app, own, RailKind::Stripe).await.unwrap().unwrap();
        assert_ne!(before.connection_id, after.connection_id);
        assert_ne!(before.account, after.account);
        let kept = rows(&app).await;
        assert_eq!(kept.len(), 2);
        assert!(kept[0].disconnected_at.is_some() && kept[1].disconnected_at.is_none());

        // Taken away: nothing new is sent by it, and what was sent is still followed.
        let none = data_at(
            &shop.disconnect(&app, "STRIPE").await,
            "disconnectPayoutRail.payoutRail",
        );
        assert_eq!(none["holder"], "INSTALLATION");
        assert_eq!(none["webhookUrl"], "http://127.0.0.1:4000/webhooks/stripe");
        assert_eq!(shop.rails(&app).await, all);
        let now = connected(&app.app, app.db(), shop.id()).await.unwrap();
        assert_eq!(now[&RailKind::Stripe], Holder::INSTALLATION);
        let followed = open(&app.app, own, RailKind::Stripe).await.unwrap().unwrap();
        assert_eq!(followed.connection_id, after.connection_id);
        assert_eq!(followed.account, after.account);
        assert_eq!(refusal(&shop.disconnect(&app, "STRIPE").await), "NOT_CONNECTED");
        assert!(open(&app.app, own, RailKind::Paypal).await.unwrap().is_none());

        let told = audit_entry::Entity::find()
            .filter(audit_entry::Column::Action.starts_with("payout_rail."))
            .order_by_asc(audit_entry::Column::Id)
            .all(app.db())
            .await
            .unwrap();
        let told: Vec<(String, String)> = told
            .into_iter()
            .map(|row| (row.action, row.reason.unwrap_or_default()))
            .collect();
        let replaced = format!("STRIPE, LIVE, rk_live_***cdef, in place of {}", kept[0].id);
        assert_eq!(
            told,
            [
                ("payout_rail.connected", "STRIPE, SANDBOX, sk_test_***cdef"),
                ("payout_rail.connected", replaced.as_str()),
                ("payout_rail.disconnected", "STRIPE, LIVE, rk_live_***cdef"),
            ]
            .map(|(action, reason)| (action.to_owned(), reason.to_owned()))
        );
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn without_any_there_is_nothing_to_pay_through(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let shop = Shop::of(&app).await;
        assert_eq!(
            shop.rails(&app).await,
            json!([
                ["PAYPAL", null, null, null],
                ["RAZORPAYX", null, null, null],
                ["STRIPE", null, null, null]
            ])
        );
        assert!(connected(&app.app, app.db(), shop.id()).await.unwrap().is_empty());
        assert!(
            open(&app.app, Holder::INSTALLATION, RailKind::Paypal)
                .await
                .unwrap()
                .is_none()
        );
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn credentials_stand_nowhere_in_clear(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_rails_app(database, |app, _fakes| async move {
        let shop = Shop::of(&app).await;
        let razorpay = json!({ "razorpayx": {
            "keyId": "rzp_test_keyOfTheBrand", "keySecret": "secretOfTheBrand", "accountNumber": "4564563559247998",
            "webhookSecret": "webhookOfTheBrand",
        } });
        let mut said = String::new();
        for credentials in [
            stripe("sk_test_keyOfTheBrand"),
            razorpay,
            paypal("clientOfTheBrand", "secretOfTheBrand"),
        ] {
            said.push_str(&shop.connected(&app, "SANDBOX", credentials).await.to_string());
        }
        said.push_str(&shop.rails(&app).await.to_string());
        for (_, row) in digest::contents(app.db()).await {
            said.push_str(&row);
        }
        for secret in [
            "keyOfTheBrand",
            "secretOfTheBrand",
            "4564563559247998",
            "webhookOfTheBrand",
            "clientOfTheBrand",
            "whsec_of_the_brand",
            WEBHOOK_ID,
        ] {
            assert!(!said.contains(secret), "{secret} stands somewhere");
        }
        assert!(
            rows(&app)
                .await
                .iter()
                .all(|row| row.credentials.starts_with("1.secret-"))
        );
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn what_cannot_be_credentials_is_refused_and_nothing_is_written(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_rails_app(database, |app, _fakes| async move {
        let shop = Shop::of(&app).await;
        let razorpay = |key: &str, account: &str| {
            json!({ "razorpayx": {
                "keyId": key, "keySecret": "s", "accountNumber": account, "webhookSecret": "s",
            } })
        };
        let before = app.digest().await;
        for (environment, credentials, code, field) in [
            (
                "LIVE",
                stripe("sk_test_0123456789"),
                "ENVIRONMENT_MISMATCH",
                "stripe.secretKey",
            ),
            (
                "SANDBOX",
                razorpay("rzp_live_1", "78787"),
                "ENVIRONMENT_MISMATCH",
                "razorpayx.keyId",
            ),
            (
                "LIVE",
                stripe("pk_live_0123456789"),
                "PROVIDER_CREDENTIALS_INVALID",
                "stripe.secretKey",
            ),
            (
                "LIVE",
                json!({ "stripe": { "secretKey": "sk_live_0123456789", "webhookSecret": "" } }),
                "PROVIDER_CREDENTIALS_INVALID",
                "stripe.webhookSecret",
            ),
            (
                "LIVE",
                razorpay("rzp_live_1", "78 787"),
                "PROVIDER_CREDENTIALS_INVALID",
                "razorpayx.accountNumber",
            ),
            (
                "LIVE",
                paypal("", "s"),
                "PROVIDER_CREDENTIALS_INVALID",
                "paypal.clientId",
            ),
            (
                "LIVE",
                paypal("c", &"s".repeat(256)),
                "PROVIDER_CREDENTIALS_INVALID",
                "paypal.clientSecret",
            ),
        ] {
            let answer = shop.connect(&app, environment, credentials).await;
            assert_eq!(refusal(&answer), code, "{field}");
            let path: Vec<Value> = user_errors(&answer)[0]["field"].as_array().unwrap().clone();
            let path: Vec<&str> = path.iter().map(|step| step.as_str().unwrap()).collect();
            assert_eq!(path.join("."), format!("credentials.{field}"));
        }
        // Of two, none is asked for.
        let both = json!({
            "stripe": { "secretKey": "sk_live_0123456789", "webhookSecret": "whsec_1" },
            "paypal": { "clientId": "c", "clientSecret": "s", "webhookId": "w" },
        });
        let answer = shop.connect(&app, "LIVE", both).await;
        assert_eq!(error_codes(&answer).len(), 1, "{answer:#}");
        assert_eq!(app.digest().await, before);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn it_takes_the_callers_password(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_rails_app(database, |app, _fakes| async move {
        let shop = Shop::of(&app).await;
        shop.connected(&app, "SANDBOX", stripe("sk_test_0123456789")).await;
        let before = app.digest().await;
        let token = Some(shop.ada.token.as_str());
        let input = json!({
            "brandId": shop.brand.id, "environment": "SANDBOX", "credentials": stripe("sk_test_9876543210"),
            "currentPassword": "not the password",
        });
        let answer = app.mutation(token, "connectPayoutRail", input, RAIL).await;
        assert_eq!(refusal(&answer), "CREDENTIALS_INVALID");
        let input = json!({ "brandId": shop.brand.id, "provider": "STRIPE", "currentPassword": "not the password" });
        let answer = app.mutation(token, "disconnectPayoutRail", input, RAIL).await;
        assert_eq!(refusal(&answer), "CREDENTIALS_INVALID");
        assert_eq!(app.digest().await, before);
    })
    .await;
}

/// Two at once: one after the other, and one stands.
#[rstest]
#[tokio::test]
async fn of_two_at_once_one_stands(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_rails_app(database, |app, _fakes| async move {
        let shop = Shop::of(&app).await;
        let (one, other) = tokio::join!(
            shop.connected(&app, "SANDBOX", stripe("sk_test_0123456789")),
            shop.connected(&app, "SANDBOX", stripe("sk_test_9876543210")),
        );
        assert_eq!((&one["holder"], &other["holder"]), (&json!("BRAND"), &json!("BRAND")));
        let kept = rows(&app).await;
        assert_eq!(kept.len(), 2);
        assert_eq!(kept.iter().filter(|row| row.disconnected_at.is_none()).count(), 1);
    })
    .await;
}

/// A payment by a brand's own credentials reaches the provider that they are for.
#[rstest]
#[tokio::test]
async fn a_brand_pays_by_its_own(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_rails_app(database, |app, fakes| async move {
        let shop = Shop::of(&app).await;
        shop.connected(&app, "SANDBOX", own_paypal(&fakes)).await;
        let own = Holder::brand(shop.id());
        let connection = open(&app.app, own, RailKind::Paypal).await.unwrap().unwrap();
        let sent = pay(connection.rail.as_ref(), 1).await;
        assert!(matches!(sent, Sent::Accepted { .. }), "{sent:?}");
        fakes.paypal.tick();
        fakes.paypal.tick();
        assert_eq!(fakes.paypal.book().len(), 1);
        // Credentials that the provider does not know are refused by it, and nothing is paid.
        shop.connected(&app, "SANDBOX", paypal("another", "secret")).await;
        let connection = open(&app.app, own, RailKind::Paypal).await.unwrap().unwrap();
        let sent = pay(connection.rail.as_ref(), 2).await;
        assert!(matches!(&sent, Sent::Refused(refused) if !refused.is_final), "{sent:?}");
        assert_eq!(fakes.paypal.book().len(), 1);
    })
    .await;
}

async fn pay(rail: &dyn Rail, number: u128) -> Sent {
    let instruction = Instruction {
        payout: Uuid::from_u128(number),
        attempt: 1,
        amount: Money::new(1_000, "EUR".parse().unwrap()),
        destination: Destination::PayPal {
            receiver: PayPalReceiver::Email("maya@example.com".to_owned()),
            wallet: PayPalWallet::PayPal,
        },
        narration: String::new(),
    };
    let prepared = rail.prepare(Uuid::from_u128(number), &[instruction]);
    let request = &prepared.requests[0];
    let first_sent_at = None;
    rail.send(&Sending { request, first_sent_at }).await
}

fn key(id: &str, byte: u8) -> String {
    format!("{id}:{}", STANDARD.encode([byte; 32]))
}

fn counts(report: &Resealed) -> (u64, u64, u64) {
    (report.resealed, report.kept, report.failed)
}

#[rstest]
#[tokio::test]
async fn another_key_takes_over(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_rails_app(database, |app, _fakes| async move {
        let shop = Shop::of(&app).await;
        let razorpay = json!({ "razorpayx": {
            "keyId": "rzp_test_1", "keySecret": "s", "accountNumber": ACCOUNT_NUMBER, "webhookSecret": "s",
        } });
        shop.connected(&app, "SANDBOX", stripe("sk_test_0123456789")).await;
        shop.connected(&app, "SANDBOX", stripe("sk_test_9876543210")).await;
        shop.connected(&app, "SANDBOX", razorpay).await;
        let before = rows(&app).await;

        let keyed = async |keys: &[String]| {
            TestApp::configured(Config {
                encryption_keys: keys.to_vec(),
                ..app.app.config.clone()
            })
            .await
        };
        // At the terminal; former ones too.
        let url = &app.app.config.database_url;
        let done = output(url, &["encryption", "rotate", "--encryption-keys", &key("k1", 1)]).await;
        assert_eq!(
            String::from_utf8(done.stdout).unwrap(),
            "0 payout methods are sealed anew under `k1`, 0 were already\n\
             3 rail connections are sealed anew under `k1`, 0 were already\n\
             0 payout requests are sealed anew under `k1`, 0 were already\n\
             0 payout files are sealed anew under `k1`, 0 were already\n"
        );
        let after = rows(&app).await;
        for (before, after) in before.iter().zip(&after) {
            assert!(after.credentials.starts_with("1.k1."));
            assert_eq!((before.id, &before.masked), (after.id, &after.masked));
        }
        let next = keyed(&[key("k2", 2), key("k1", 1)]).await;
        assert_eq!(counts(&reseal_rail_connections(&next.app).await.unwrap()), (3, 0, 0));
        assert_eq!(
            counts(&reseal_rail_connections(&next.app).await.unwrap()),
            (0, 3, 0),
            "again"
        );

        // Without its key nothing opens, and nothing is lost.
        let without = keyed(&[key("k3", 3)]).await;
        let own = Holder::brand(shop.id());
        let fault = open(&without.app, own, RailKind::Stripe).await.map(drop).unwrap_err();
        assert!(fault.to_string().contains("ENCRYPTION_KEY_MISSING"), "{fault}");
        let report = reseal_rail_connections(&without.app).await.unwrap();
        assert_eq!(counts(&report), (0, 0, 3));
        assert!(report.reasons[0].starts_with("rconn_") && report.reasons[0].contains("ENCRYPTION_KEY_MISSING"));
        let with = keyed(&[key("k2", 2)]).await;
        assert!(open(&with.app, own, RailKind::Stripe).await.unwrap().is_some());
        for other in [next, without, with] {
            other.app.db.close().await.unwrap();
        }
    })
    .await;
}
