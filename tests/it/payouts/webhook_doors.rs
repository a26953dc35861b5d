//! The doors that providers send their events to: what is proved is taken in once, and nothing else is.

use std::sync::Arc;

use axum::{
    body::Body,
    http::{HeaderMap, Request, StatusCode},
};
use chrono::TimeDelta;
use entity::rail_event::Entity;
use rstest::rstest;
use sea_orm::{EntityTrait, PaginatorTrait, QueryOrder};
use serde_json::{Value, json};
use tributary::{
    fake_rails::FakeRails,
    infra::{
        clock::Clock,
        rails::{
            Destination, Instruction, PayPalReceiver, PayPalWallet, RailKind, Sending, Sent,
            fakes::{
                Happened,
                paypal::WEBHOOK_ID,
                razorpay::{ACCOUNT_NUMBER, WEBHOOK_SECRET},
            },
            pace::NoPace,
            stripe::{self, StripeRail, onboarding::NewAccount},
            transport::{Patience, Surroundings},
        },
    },
    jobs,
    money::Money,
    payouts::rails::{Holder, open},
};
use uuid::Uuid;

use crate::support::{
    answer::data_at,
    app::{TestApp, with_rails_app},
    builders::{BrandFixture, PASSWORD, User},
    database::Database,
};

/// Sends an event as its provider does.
async fn knock(app: &TestApp, path: &str, headers: HeaderMap, body: impl Into<Body>) -> (StatusCode, Value) {
    let mut request = Request::post(path).body(body.into()).unwrap();
    *request.headers_mut() = headers;
    let (status, _, bytes) = app.send(request).await;
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

async fn kept(app: &TestApp) -> Vec<(String, String)> {
    let rows = Entity::find()
        .order_by_asc(entity::rail_event::Column::EventId)
        .all(app.db())
        .await
        .unwrap();
    rows.into_iter().map(|row| (row.holder, row.kind)).collect()
}

async fn pay(app: &TestApp, kind: RailKind, destination: Destination, currency: &str) {
    let rail = open(&app.app, Holder::INSTALLATION, kind).await.unwrap().unwrap().rail;
    let instruction = Instruction {
        payout: Uuid::from_u128(1),
        attempt: 1,
        amount: Money::new(10_000, currency.parse().unwrap()),
        destination,
        narration: String::new(),
    };
    let prepared = rail.prepare(Uuid::from_u128(2), &[instruction]);
    let request = &prepared.requests[0];
    let first_sent_at = None;
    let sent = rail.send(&Sending { request, first_sent_at }).await;
    assert!(matches!(sent, Sent::Accepted { .. }), "{sent:?}");
}

async fn pay_by_paypal(app: &TestApp) {
    let to = Destination::PayPal {
        receiver: PayPalReceiver::Email("maya@example.com".to_owned()),
        wallet: PayPalWallet::PayPal,
    };
    pay(app, RailKind::Paypal, to, "EUR").await;
}

async fn pay_by_razorpay(app: &TestApp) {
    let to = Destination::Upi {
        name: "Maya Rao".to_owned(),
        address: "maya@okbank".to_owned(),
    };
    pay(app, RailKind::Razorpayx, to, "INR").await;
}

/// Makes an account at Stripe's fake, of which it then tells.
async fn join_stripe(app: &TestApp, fakes: &FakeRails) {
    let settings = stripe::Settings {
        base_url: fakes.stripe.base_url(),
        credentials: fakes.stripe.credentials(),
    };
    let around = Surroundings {
        clock: Arc::clone(&app.clock) as Arc<dyn Clock>,
        pace: Arc::new(NoPace::default()),
        patience: Patience::default(),
    };
    let new = NewAccount {
        reference: "maya".to_owned(),
        country: "DE".to_owned(),
        email: None,
    };
    StripeRail::new(settings, around)
        .unwrap()
        .create_account(&new)
        .await
        .unwrap();
}

/// One event of each provider that the fakes have to tell.
async fn one_of_each(app: &TestApp, fakes: &FakeRails) -> Vec<(&'static str, HeaderMap, Happened)> {
    pay_by_paypal(app).await;
    pay_by_razorpay(app).await;
    join_stripe(app, fakes).await;
    fakes.paypal.tick();
    fakes.paypal.tick();
    fakes.razorpay.tick();
    fakes.stripe.tick();
    let providers = [
        ("paypal", fakes.paypal.events()),
        ("razorpay", fakes.razorpay.events()),
        ("stripe", fakes.stripe.events()),
    ];
    providers
        .into_iter()
        .map(|(name, events)| {
            let last = events.take().pop().unwrap();
            (name, events.headers(&last), last)
        })
        .collect()
}

struct Shop {
    ada: User,
    brand: BrandFixture,
}

impl Shop {
    async fn of(app: &TestApp, name: &str) -> Self {
        let ada = app.sign_up(name).await;
        let brand = app.brand(&ada, name).await;
        Self { ada, brand }
    }

    async fn connect(&self, app: &TestApp, credentials: Value) {
        let input = json!({
            "brandId": self.brand.id, "environment": "SANDBOX", "credentials": credentials, "currentPassword": PASSWORD,
        });
        let token = Some(self.ada.token.as_str());
        let answer = app
            .mutation(token, "connectPayoutRail", input, "payoutRail { provider }")
            .await;
        data_at(&answer, "connectPayoutRail.payoutRail");
    }

    async fn disconnect(&self, app: &TestApp, rail: &str) {
        let input = json!({ "brandId": self.brand.id, "provider": rail, "currentPassword": PASSWORD });
        let token = Some(self.ada.token.as_str());
        let answer = app
            .mutation(token, "disconnectPayoutRail", input, "payoutRail { provider }")
            .await;
        data_at(&answer, "disconnectPayoutRail.payoutRail");
    }

    fn door(&self, provider: &str) -> String {
        format!("/webhooks/{provider}/{}", self.brand.id)
    }
}

fn razorpay(webhook_secret: &str) -> Value {
    json!({ "razorpayx": {
        "keyId": "rzp_test_1", "keySecret": "s", "accountNumber": ACCOUNT_NUMBER, "webhookSecret": webhook_secret,
    } })
}

fn paypal(webhook_id: &str) -> Value {
    json!({ "paypal": { "clientId": "c", "clientSecret": "s", "webhookId": webhook_id } })
}

fn stripe_of(webhook_secret: &str) -> Value {
    json!({ "stripe": { "secretKey": "sk_test_0123456789", "webhookSecret": webhook_secret } })
}

#[rstest]
#[tokio::test]
async fn an_event_is_taken_once(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_rails_app(database, |app, fakes| async move {
        for (name, headers, happened) in one_of_each(&app, &fakes).await {
            let path = format!("/webhooks/{name}");
            for repeated in [false, true, true] {
                let (status, answer) = knock(&app, &path, headers.clone(), happened.body.clone()).await;
                assert_eq!(status, StatusCode::OK, "{name}: {answer}");
                assert_eq!(answer, json!({ "received": true, "repeated": repeated }), "{name}");
            }
        }
        let mut kinds: Vec<String> = kept(&app)
            .await
            .into_iter()
            .map(|(holder, kind)| {
                assert_eq!(holder, "installation");
                kind
            })
            .collect();
        kinds.sort();
        assert_eq!(
            kinds,
            ["PAYMENT.PAYOUTSBATCH.SUCCESS", "account.updated", "payout.processed"]
        );

        // Nobody repeats it after so long, and it is forgotten.
        app.advance(TimeDelta::days(89));
        jobs::forget::forget(&app.app).await.unwrap();
        assert_eq!(Entity::find().count(app.db()).await.unwrap(), 3);
        app.advance(TimeDelta::days(1));
        jobs::forget::forget(&app.app).await.unwrap();
        assert_eq!(Entity::find().count(app.db()).await.unwrap(), 0);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn what_is_not_proved_is_refused_and_leaves_nothing(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_rails_app(database, |app, fakes| async move {
        let events = one_of_each(&app, &fakes).await;
        let before = app.digest().await;
        for (name, headers, happened) in &events {
            let path = format!("/webhooks/{name}");
            let altered = happened.body.replacen('{', "{ ", 1);
            let (status, answer) = knock(&app, &path, headers.clone(), altered).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{name}: {answer}");
            assert_eq!(answer["error"]["code"], "WEBHOOK_SIGNATURE_INVALID", "{name}");
            let (status, answer) = knock(&app, &path, HeaderMap::new(), happened.body.clone()).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{name}: {answer}");
            assert_eq!(answer["error"]["code"], "WEBHOOK_HEADER_MISSING", "{name}");
            let (status, answer) = knock(&app, &path, headers.clone(), vec![b' '; 256 * 1024 + 1]).await;
            assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE, "{name}: {answer}");
        }
        // PayPal's certificate from elsewhere, and a kind of signature that is not known.
        let (_, headers, happened) = &events[0];
        for (header, value, code) in [
            (
                "paypal-cert-url",
                "https://paypal.example/v1/notifications/certs/CERT-1",
                "WEBHOOK_CERTIFICATE_NOT_ALLOWED",
            ),
            ("paypal-auth-algo", "none", "WEBHOOK_ALGORITHM_UNKNOWN"),
        ] {
            let mut headers = headers.clone();
            headers.insert(header, value.parse().unwrap());
            let (status, answer) = knock(&app, "/webhooks/paypal", headers, happened.body.clone()).await;
            assert_eq!(
                (status, &answer["error"]["code"]),
                (StatusCode::UNAUTHORIZED, &json!(code))
            );
        }
        // One that is where PayPal keeps its own, and cannot be had: it is to come again.
        let mut elsewhere = headers.clone();
        let place = "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-gone";
        elsewhere.insert("paypal-cert-url", place.parse().unwrap());
        let (status, answer) = knock(&app, "/webhooks/paypal", elsewhere, happened.body.clone()).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer["error"]["code"], "WEBHOOK_CERTIFICATE_UNAVAILABLE");
        // Stripe's signature has a time.
        app.advance(TimeDelta::seconds(301));
        let (_, headers, happened) = &events[2];
        let (status, answer) = knock(&app, "/webhooks/stripe", headers.clone(), happened.body.clone()).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer["error"]["code"], "WEBHOOK_SIGNATURE_STALE");

        // Where nothing is connected, and where no door is.
        let shop = Shop::of(&app, "lumen").await;
        let known = app.digest().await;
        let (_, headers, happened) = &events[1];
        for path in [
            shop.door("razorpay").as_str(),
            "/webhooks/razorpay/brand_01h00000000000000000000000",
            "/webhooks/razorpay/lumen",
            "/webhooks/razorpayx",
            "/webhooks/bank",
        ] {
            let (status, answer) = knock(&app, path, headers.clone(), happened.body.clone()).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{path}: {answer}");
            assert_eq!(answer["error"]["code"], "NOT_FOUND", "{path}");
        }
        assert_eq!(app.digest().await, known);
        assert_eq!(before["rail_events"], known["rail_events"]);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn one_brands_door_does_not_take_anothers(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_rails_app(database, |app, fakes| async move {
        let (lumen, other) = (Shop::of(&app, "lumen").await, Shop::of(&app, "other").await);
        for credentials in [razorpay(WEBHOOK_SECRET), paypal(WEBHOOK_ID), stripe_of("whsec_fake")] {
            lumen.connect(&app, credentials).await;
        }
        for credentials in [razorpay("another"), paypal("ANOTHER"), stripe_of("whsec_another")] {
            other.connect(&app, credentials).await;
        }
        let events = one_of_each(&app, &fakes).await;
        for (name, headers, happened) in &events {
            let (status, answer) = knock(&app, &other.door(name), headers.clone(), happened.body.clone()).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{name}: {answer}");
            assert_eq!(answer["error"]["code"], "WEBHOOK_SIGNATURE_INVALID", "{name}");
            assert!(kept(&app).await.iter().all(|(holder, _)| *holder == lumen.brand.id));
            let (status, answer) = knock(&app, &lumen.door(name), headers.clone(), happened.body.clone()).await;
            assert_eq!((status, &answer["repeated"]), (StatusCode::OK, &json!(false)), "{name}");
        }
        // What was sent is followed after the credentials were taken away, so its events are still taken.
        lumen.disconnect(&app, "RAZORPAYX").await;
        let (name, headers, happened) = &events[1];
        let (status, answer) = knock(&app, &lumen.door(name), headers.clone(), happened.body.clone()).await;
        assert_eq!((status, &answer["repeated"]), (StatusCode::OK, &json!(true)));
        // At another door the same event is another one.
        let (status, answer) = knock(&app, "/webhooks/razorpay", headers.clone(), happened.body.clone()).await;
        assert_eq!((status, &answer["repeated"]), (StatusCode::OK, &json!(false)));
        assert_eq!(kept(&app).await.len(), 4);
    })
    .await;
}

/// As with `--fake-rails`: what is paid goes on by itself, and the server hears of it.
#[rstest]
#[tokio::test]
async fn fakes_go_on_and_tell(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_rails_app(database, |app, fakes| async move {
        let served = app.serve().await;
        let server = format!("http://{}", served.address);
        pay_by_paypal(&app).await;
        pay_by_razorpay(&app).await;
        join_stripe(&app, &fakes).await;
        for _ in 0..3 {
            fakes.step(&server).await;
        }
        assert_eq!((fakes.paypal.book().len(), fakes.razorpay.book().len()), (1, 1));
        let kinds: Vec<String> = kept(&app).await.into_iter().map(|(_, kind)| kind).collect();
        for kind in ["PAYMENT.PAYOUTS-ITEM.SUCCEEDED", "payout.processed", "account.updated"] {
            assert!(kinds.iter().any(|known| known == kind), "{kind} of {kinds:?}");
        }
        assert!(fakes.paypal.events().take().is_empty());
    })
    .await;
}
