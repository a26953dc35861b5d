//! Keys of a brand's server and page.

use axum::http::StatusCode;
use rstest::rstest;
use serde_json::json;

use crate::support::{
    answer::{error_code, refusal},
    app::with_app,
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
        assert_eq!(status, StatusCode::FORBIDDEN);
        let error = json!({
            "code": "FORBIDDEN", "message": "a test key does not allow `Mutation.recordSale`: use a live key",
        });
        assert_eq!(answer["error"], error);
        assert_eq!(app.digest().await, before);

        // What is open to all is open to it.
        let query = "query ($id: ID!) { brand(id: $id) { slug } }";
        let slug = app
            .graphql_ok(Some(&key.secret), query, json!({ "id": brand.id }), "brand.slug")
            .await;
        assert_eq!(slug, "acme");
    })
    .await;
}
