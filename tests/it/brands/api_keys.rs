//! Keys of a brand's server and page.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};
use tributary::{accounts, outbox};

use crate::support::{
    answer::{data_at, error_code, refusal},
    app::{TestApp, with_app},
    builders::{User, text},
    database::Database,
};

const REVOKE: &str = "mutation ($input: RevokeApiKeyInput!) {
    revokeApiKey(input: $input) { apiKey { revokedAt } userErrors { code message } }
}";
const KEYS: &str = "query ($id: ID!) {
    brand(id: $id) { apiKeys(first: 5) { totalCount nodes { id kind mode name lastFour revokedAt } } }
}";

#[rstest]
#[tokio::test]
async fn shows_a_key_once(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let brand = app.brand(&ada, "acme").await;
        let key = app.secret_key(&ada, &brand.id).await;
        assert!(key.secret.starts_with("trk_secret_"));

        let answer = app.graphql(Some(&ada.token), KEYS, json!({ "id": brand.id })).await;
        let last_four = &key.secret[key.secret.len() - 4..];
        let listed = json!({
            "id": key.id, "kind": "SECRET", "mode": "LIVE", "name": "test", "lastFour": last_four, "revokedAt": null,
        });
        let keys = &answer["data"]["brand"]["apiKeys"];
        assert_eq!(*keys, json!({ "totalCount": 1, "nodes": [listed] }));
        assert!(!answer.to_string().contains(&key.secret));
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn works_until_it_is_revoked(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let brand = app.brand(&ada, "acme").await;
        let key = app.secret_key(&ada, &brand.id).await;
        let query = "query ($id: ID!) { brand(id: $id) { slug } }";
        let variables = json!({ "id": brand.id });
        app.graphql_ok(Some(&key.secret), query, variables.clone(), "brand.slug")
            .await;

        let revoke = json!({ "input": { "id": key.id } });
        app.graphql_ok(
            Some(&ada.token),
            REVOKE,
            revoke.clone(),
            "revokeApiKey.apiKey.revokedAt",
        )
        .await;
        let (status, answer) = app.graphql_answer(Some(&key.secret), query, variables).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert_eq!(error_code(&answer), "UNAUTHENTICATED");
        let again = app.graphql(Some(&ada.token), REVOKE, revoke).await;
        assert_eq!(refusal(&again), "API_KEY_REVOKED");
    })
    .await;
}

/// A key belongs to a brand, not to a person.
#[rstest]
#[tokio::test]
async fn makes_no_further_keys(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let brand = app.brand(&ada, "acme").await;
        let key = app.secret_key(&ada, &brand.id).await;
        let before = app.digest().await;
        let create = "mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { userErrors { code } } }";
        let input = json!({ "input": { "brandId": brand.id, "kind": "SECRET", "name": "twin" } });
        let answer = app.graphql(Some(&key.secret), create, input).await;
        assert_eq!(error_code(&answer), "FORBIDDEN");
        assert_eq!(app.digest().await, before);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_test_key_touches_nothing_that_counts(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let brand = app.brand(&ada, "acme").await;
        let key = app
            .api_key(&ada, &brand.id, json!({ "kind": "SECRET", "mode": "TEST" }))
            .await;
        assert!(key.secret.starts_with("trk_test_secret_"));
        let public = json!({ "kind": "PUBLISHABLE", "mode": "TEST" });
        let public = app.api_key(&ada, &brand.id, public).await;
        assert!(public.secret.starts_with("trk_test_public_"));

        let listed = app.graphql(Some(&ada.token), KEYS, json!({ "id": brand.id })).await;
        assert_eq!(listed["data"]["brand"]["apiKeys"]["nodes"][1]["mode"], "TEST");

        let before = app.digest().await;
        let body = json!({ "orderId": "A-1", "amount": "10.00", "currency": "EUR" });
        let headers = [("idempotency-key", "a-1")];
        let (status, answer) = app
            .rest("POST", "/track/purchase", Some(&key.secret), &headers, body)
            .await;
        // What it records stands in a book of its own (`conversions/test_mode.rs`).
        assert_eq!(
            (status, &answer["conversion"]["mode"]),
            (StatusCode::CREATED, &json!("TEST"))
        );
        let after = app.digest().await;
        for table in ["ledger_transfers", "ledger_entries", "outbox_events"] {
            assert_eq!(before[table], after[table]);
        }

        // What is open to all is open to it.
        let query = "query ($id: ID!) { brand(id: $id) { slug } }";
        let slug = app
            .graphql_ok(Some(&key.secret), query, json!({ "id": brand.id }), "brand.slug")
            .await;
        assert_eq!(slug, "acme");
    })
    .await;
}

const FEED: &str = "subscription ($brand: ID!) { conversionFeed(brandId: $brand) {
    ... on ConversionFeedEvent { conversion { id } } } }";
const ROTATED: &str = "created { secret apiKey { id name mode scopes expiresAt replaces { id } } }";

/// A brand's keys as its list shows them, newest first.
async fn list(app: &TestApp, user: &User, brand: &str) -> Vec<Value> {
    let query = "query ($id: ID!) { brand(id: $id) { apiKeys { nodes {
        id scopes lastUsedAt expiresAt revokedAt replaces { id } replacedBy { id }
    } } } }";
    let keys = app
        .graphql_ok(Some(&user.token), query, json!({ "id": brand }), "brand.apiKeys.nodes")
        .await;
    keys.as_array().unwrap().clone()
}

async fn works(app: &TestApp, secret: &str) -> bool {
    let (status, _) = app.graphql_answer(Some(secret), "{ __typename }", json!({})).await;
    assert!([StatusCode::OK, StatusCode::UNAUTHORIZED].contains(&status));
    status == StatusCode::OK
}

#[rstest]
#[tokio::test]
async fn a_key_does_what_its_scopes_say(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let (owner, brand) = (&market.owner, market.brand.id.as_str());
        let input = json!({ "kind": "SECRET", "scopes": ["RECORD_EVENTS"] });
        let recorder = app.api_key(owner, brand, input).await;
        let keys = list(&app, owner, brand).await;
        assert_eq!(keys[0]["scopes"], json!(["RECORD_EVENTS"]));
        assert_eq!(
            keys[1]["scopes"],
            json!([
                "RECORD_EVENTS",
                "RECORD_REFUNDS",
                "READ_CONVERSIONS",
                "TRACK_CLICKS",
                "REDEEM_STORE_CREDIT"
            ])
        );

        let body = json!({ "orderId": "A-1", "amount": "10.00", "currency": "EUR" });
        let (status, _) = app.track(&recorder.secret, "purchase", "a-1", body).await;
        assert_eq!(status, StatusCode::CREATED);
        let before = app.digest().await;
        let (status, answer) = app
            .track(&recorder.secret, "refund", "a-1", json!({ "orderId": "A-1" }))
            .await;
        assert_eq!(status, StatusCode::FORBIDDEN);
        let message = "this key lacks the scope RECORD_REFUNDS that `Mutation.recordRefund` takes";
        assert_eq!(answer["error"], json!({ "code": "FORBIDDEN", "message": message }));

        // What stands in a page's source reports nothing.
        let input = json!({ "brandId": brand, "kind": "PUBLISHABLE", "name": "page", "scopes": ["RECORD_EVENTS"] });
        let answer = app
            .mutation(Some(&owner.token), "createApiKey", input, "created { secret }")
            .await;
        assert_eq!(refusal(&answer), "SCOPE_NOT_ALLOWED");
        let message = &answer["data"]["createApiKey"]["userErrors"][0]["message"];
        assert_eq!(message, "a PUBLISHABLE key cannot have the scope RECORD_EVENTS");
        assert_eq!(app.digest().await, before);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_rotated_key_works_on_for_the_overlap(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let mut ada = app.sign_up("ada").await;
        let brand = app.brand(&ada, "acme").await;
        let input = json!({ "kind": "SECRET", "mode": "TEST", "scopes": ["READ_CONVERSIONS"] });
        let old = app.api_key(&ada, &brand.id, input).await;

        let before = app.digest().await;
        for hours in [-1, 169] {
            let input = json!({ "id": old.id, "overlapHours": hours });
            let answer = app.mutation(Some(&ada.token), "rotateApiKey", input, ROTATED).await;
            assert_eq!(refusal(&answer), "OVERLAP_OUT_OF_RANGE");
        }
        assert_eq!(app.digest().await, before);

        let rotate = json!({ "id": old.id, "overlapHours": 2 });
        let made = app.done(&ada, "rotateApiKey", rotate.clone(), ROTATED).await["created"].clone();
        let (new, secret) = (text(&made["apiKey"], "id"), text(&made, "secret"));
        assert!(secret.starts_with("trk_test_secret_"));
        let successor = json!({
            "id": new, "name": "test", "mode": "TEST", "scopes": ["READ_CONVERSIONS"], "expiresAt": null,
            "replaces": { "id": old.id },
        });
        assert_eq!(made["apiKey"], successor);
        let keys = list(&app, &ada, &brand.id).await;
        assert_eq!(keys[1]["replacedBy"], json!({ "id": new }));
        assert_eq!(keys[1]["expiresAt"], "2026-01-15T14:00:00+00:00");

        // One key, one successor.
        let before = app.digest().await;
        let answer = app.mutation(Some(&ada.token), "rotateApiKey", rotate, ROTATED).await;
        assert_eq!(refusal(&answer), "API_KEY_REPLACED");
        assert_eq!(app.digest().await, before);

        app.advance(TimeDelta::minutes(119));
        assert!(works(&app, &old.secret).await && works(&app, &secret).await);
        app.advance(TimeDelta::minutes(1));
        assert!(!works(&app, &old.secret).await);
        assert!(works(&app, &secret).await);
        app.sign_in_again(&mut ada).await;
        let again = json!({ "id": old.id, "overlapHours": 2 });
        let answer = app.mutation(Some(&ada.token), "rotateApiKey", again, ROTATED).await;
        assert_eq!(refusal(&answer), "API_KEY_REVOKED");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_key_may_have_an_end(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let brand = app.brand(&ada, "acme").await;
        let before = app.digest().await;
        for wrong in ["2026-01-15T12:00:00Z", "2036-01-14T12:00:00Z"] {
            let input = json!({ "brandId": brand.id, "kind": "SECRET", "name": "test", "expiresAt": wrong });
            let answer = app
                .mutation(Some(&ada.token), "createApiKey", input, "created { secret }")
                .await;
            assert_eq!(refusal(&answer), "API_KEY_EXPIRY_INVALID", "{wrong}");
        }
        assert_eq!(app.digest().await, before);
        let input = json!({ "kind": "SECRET", "expiresAt": "2026-01-15T12:10:00Z" });
        let key = app.api_key(&ada, &brand.id, input).await;
        assert!(works(&app, &key.secret).await);
        app.advance(TimeDelta::minutes(10));
        assert!(!works(&app, &key.secret).await);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn says_when_a_key_was_last_used(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let brand = app.brand(&ada, "acme").await;
        let key = app.secret_key(&ada, &brand.id).await;
        app.secret_key(&ada, &brand.id).await;
        // Requests write nothing.
        let before = app.digest().await;
        for _ in 0..3 {
            assert!(works(&app, &key.secret).await);
        }
        assert_eq!(app.digest().await, before);
        let written = app
            .count_statements(|| async { accounts::service::write_keys_last_used(&app.app).await.unwrap() })
            .await;
        // BEGIN and COMMIT are not counted.
        assert_eq!(written, 1);
        let keys = list(&app, &ada, &brand.id).await;
        assert_eq!(keys[0]["lastUsedAt"], Value::Null);
        assert_eq!(keys[1]["lastUsedAt"], "2026-01-15T12:00:00+00:00");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_brand_has_fifty_keys_in_use(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let brand = app.brand(&ada, "acme").await;
        let first = app.secret_key(&ada, &brand.id).await;
        for _ in 1..50 {
            app.secret_key(&ada, &brand.id).await;
        }
        let before = app.digest().await;
        let input = json!({ "brandId": brand.id, "kind": "SECRET", "name": "test" });
        let answer = app
            .mutation(Some(&ada.token), "createApiKey", input, "created { secret }")
            .await;
        assert_eq!(refusal(&answer), "TOO_MANY_API_KEYS");
        let rotate = json!({ "id": first.id, "overlapHours": 1 });
        let answer = app.mutation(Some(&ada.token), "rotateApiKey", rotate, ROTATED).await;
        assert_eq!(refusal(&answer), "TOO_MANY_API_KEYS");
        assert_eq!(app.digest().await, before);
        // A key that ends at once makes room for its successor.
        let rotate = json!({ "id": first.id, "overlapHours": 0 });
        app.done(&ada, "rotateApiKey", rotate, ROTATED).await;
        assert!(!works(&app, &first.secret).await);
    })
    .await;
}

/// Two processes over one database: what one revokes, the other stops.
#[rstest]
#[tokio::test]
async fn a_revoked_key_stops_on_every_process(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let brand = json!({ "brand": market.brand.id });
        let watching = app.secret_key(&market.owner, &market.brand.id).await;
        let other = TestApp::over(&app.app.config.database_url).await;
        let served = other.serve().await;
        let mut socket = served.connect().await;
        socket.init(Some(&watching.secret)).await;
        socket.subscribe("feed", FEED, brand.clone()).await;
        let mut stream = served.event_stream(&watching.secret, FEED, brand).await;
        // Both begin at the end of the log: they must be there before something happens.
        assert!(socket.is_quiet(Duration::from_millis(500)).await);

        let sale = app.sale(&market, "A-1", "10.00", json!({})).await;
        outbox::relay::drain(&app.app).await.unwrap();
        let wanted = json!({ "conversion": { "id": sale } });
        assert_eq!(socket.next_data("feed").await["conversionFeed"], wanted);
        assert_eq!(data_at(&stream.next().await, "conversionFeed"), wanted);

        let input = json!({ "id": watching.id });
        app.done(&market.owner, "revokeApiKey", input, "apiKey { id }").await;
        let revoked = Instant::now();
        assert!(!works(&other, &watching.secret).await);
        assert!(revoked.elapsed() < Duration::from_secs(1));
        app.sale(&market, "A-2", "10.00", json!({})).await;
        outbox::relay::drain(&app.app).await.unwrap();
        // The sale is announced to nobody: the next thing either hears is that the key is no more.
        let told = socket.next().await;
        assert_eq!(error_code(&told["payload"]), "UNAUTHENTICATED", "{told}");
        assert_eq!(told["payload"]["data"]["conversionFeed"], Value::Null);
        let told = stream.next().await;
        assert_eq!(error_code(&told), "UNAUTHENTICATED", "{told}");
        assert_eq!(socket.next().await["type"], "complete");
        socket
            .subscribe("again", FEED, json!({ "brand": market.brand.id }))
            .await;
        let again = socket.next().await;
        assert!(again.to_string().contains("UNAUTHENTICATED"), "{again}");
        other.app.db.close().await.unwrap();
    })
    .await;
}
