//! Partner accounts.

use rstest::rstest;
use serde_json::json;

use crate::support::{
    answer::{error_code, refusal},
    app::with_app,
    database::Database,
};

const CREATE: &str = "mutation ($input: CreatePartnerInput!) {
    createPartner(input: $input) { partner { handle displayName bio country } userErrors { code field message } }
}";

#[rstest]
#[tokio::test]
async fn shows_a_partner_to_its_people(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let eve = app.sign_up("eve").await;
        let partner = app.partner(&ada, "ada-writes").await;
        let query = "query ($id: ID!) { partner(id: $id) { handle } }";
        let variables = json!({ "id": partner.id });
        let handle = app
            .graphql_ok(Some(&ada.token), query, variables.clone(), "partner.handle")
            .await;
        assert_eq!(handle, "ada-writes");
        let answer = app.graphql(Some(&eve.token), query, variables).await;
        assert_eq!(error_code(&answer), "NOT_FOUND");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn refuses_a_taken_handle(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        app.partner(&ada, "ada-writes").await;
        let before = app.digest().await;
        let input = json!({ "input": { "handle": "ada-writes", "displayName": "Ada" } });
        let answer = app.graphql(Some(&ada.token), CREATE, input).await;
        assert_eq!(refusal(&answer), "HANDLE_TAKEN");
        assert_eq!(app.digest().await, before);
    })
    .await;
}
