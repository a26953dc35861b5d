//! Making an account.

use rstest::rstest;
use serde_json::json;

use crate::support::{
    answer::refusal,
    app::with_app,
    builders::{PASSWORD, SIGN_UP},
    database::Database,
};

#[rstest]
#[tokio::test]
async fn signs_in_at_once(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let query = "{ viewer { user { id email displayName } memberships { role } partners { id } } }";
        let viewer = app.graphql_ok(Some(&ada.token), query, json!({}), "viewer").await;
        let user = json!({ "id": ada.id, "email": "ada@example.org", "displayName": "ada" });
        assert_eq!(viewer, json!({ "user": user, "memberships": [], "partners": [] }));
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn refuses_a_taken_address_in_any_spelling(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        app.sign_up("ada").await;
        let before = app.digest().await;
        let input = json!({ "email": " ADA@Example.org", "password": PASSWORD, "displayName": "Ada" });
        let answer = app.graphql(None, SIGN_UP, json!({ "input": input })).await;
        assert_eq!(refusal(&answer), "EMAIL_TAKEN");
        assert_eq!(app.digest().await, before);
    })
    .await;
}

#[rstest]
#[case::address(json!({ "email": "ada", "password": PASSWORD, "displayName": "Ada" }), "EMAIL_INVALID", "email")]
#[case::short(json!({ "email": "a@b.org", "password": "123456789", "displayName": "Ada" }), "PASSWORD_LENGTH", "password")]
#[case::long(json!({ "email": "a@b.org", "password": "x".repeat(201), "displayName": "Ada" }), "PASSWORD_LENGTH", "password")]
#[case::name(json!({ "email": "a@b.org", "password": PASSWORD, "displayName": "  " }), "NAME_INVALID", "displayName")]
#[tokio::test]
async fn names_the_field_that_is_wrong(
    #[case] input: serde_json::Value,
    #[case] code: &str,
    #[case] field: &str,
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let (code, field) = (code.to_owned(), field.to_owned());
    with_app(database, |app| async move {
        let answer = app.graphql(None, SIGN_UP, json!({ "input": input })).await;
        assert_eq!(refusal(&answer), code);
        assert_eq!(answer["data"]["signUp"]["userErrors"][0]["field"], json!([field]));
    })
    .await;
}
