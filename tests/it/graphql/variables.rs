//! Variables that are left out: most clients do not send what has no value.

use rstest::rstest;
use serde_json::json;

use crate::support::{app::with_app, database::Database};

#[rstest]
#[tokio::test]
async fn a_page_size_that_is_left_out_is_absent(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let owner = app.sign_up("owner").await;
        let brand = app.brand(&owner, "aurora").await;
        let query = "query ($id: ID!, $first: Int, $after: String, $last: Int, $size: Int = 1) {
            brand(id: $id) { ...Team programs(first: $size) { totalCount } } }
            fragment Team on Brand {
                members(first: $first, after: $after, last: $last) { totalCount nodes { role } } }";
        let members = app
            .graphql_ok(Some(&owner.token), query, json!({ "id": brand.id }), "brand.members")
            .await;
        assert_eq!(members, json!({ "totalCount": 1, "nodes": [{ "role": "OWNER" }] }));
    })
    .await;
}
