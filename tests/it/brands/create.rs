//! Making a brand.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{answer::refusal, app::with_app, database::Database};

const CREATE: &str = "mutation ($input: CreateBrandInput!) {
    createBrand(input: $input) {
        brand { slug name websiteUrl currency createdAt }
        userErrors { code field message }
    }
}";

fn input(changes: &Value) -> Value {
    let mut input = json!({
        "slug": "acme", "name": " Acme ", "websiteUrl": "https://acme.example", "currency": "EUR",
    });
    for (field, value) in changes.as_object().unwrap() {
        input[field] = value.clone();
    }
    json!({ "input": input })
}

#[rstest]
#[tokio::test]
async fn makes_the_caller_its_owner(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let brand = app
            .graphql_ok(Some(&ada.token), CREATE, input(&json!({})), "createBrand.brand")
            .await;
        let wanted = json!({
            "slug": "acme", "name": "Acme", "websiteUrl": "https://acme.example/", "currency": "EUR",
            "createdAt": "2026-01-15T12:00:00+00:00",
        });
        assert_eq!(brand, wanted);
        let query = "{ viewer { memberships { role brand { slug } } } }";
        let mine = app
            .graphql_ok(Some(&ada.token), query, json!({}), "viewer.memberships")
            .await;
        assert_eq!(mine, json!([{ "role": "OWNER", "brand": { "slug": "acme" } }]));
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn refuses_a_taken_slug(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let eve = app.sign_up("eve").await;
        app.brand(&ada, "acme").await;
        let before = app.digest().await;
        let answer = app.graphql(Some(&eve.token), CREATE, input(&json!({}))).await;
        assert_eq!(refusal(&answer), "SLUG_TAKEN");
        assert_eq!(app.digest().await, before);
    })
    .await;
}

#[rstest]
#[case::slug(json!({ "slug": "Ac" }), "SLUG_INVALID")]
#[case::name(json!({ "name": " " }), "NAME_INVALID")]
#[case::currency(json!({ "currency": "XQQ" }), "CURRENCY_UNKNOWN")]
#[case::reserve_below(json!({ "reservePercent": "-0.0001" }), "RESERVE_OUT_OF_RANGE")]
#[case::reserve_above(json!({ "reservePercent": "50.0001" }), "RESERVE_OUT_OF_RANGE")]
#[case::too_fine(json!({ "payoutMinimum": "10.001" }), "PAYOUT_MINIMUM_INVALID")]
#[case::negative(json!({ "payoutMinimum": "-1" }), "PAYOUT_MINIMUM_INVALID")]
#[tokio::test]
async fn refuses_what_is_out_of_range(
    #[case] changes: Value,
    #[case] code: &str,
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let code = code.to_owned();
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let before = app.digest().await;
        let answer = app.graphql(Some(&ada.token), CREATE, input(&changes)).await;
        assert_eq!(refusal(&answer), code);
        assert_eq!(app.digest().await, before);
    })
    .await;
}

#[rstest]
#[case::none("0")]
#[case::most("50")]
#[tokio::test]
async fn accepts_the_ends_of_the_reserve(
    #[case] percent: &str,
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let changes = json!({ "reservePercent": percent });
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        app.graphql_ok(Some(&ada.token), CREATE, input(&changes), "createBrand.brand.slug")
            .await;
    })
    .await;
}
