//! The people of a brand.

use entity::brand_member::BrandRole;
use rstest::rstest;
use serde_json::json;

use crate::support::{app::with_app, builders::text, database::Database};

const MEMBERS: &str = "query ($id: ID!, $first: Int, $after: String) {
    brand(id: $id) { members(first: $first, after: $after) {
        totalCount
        pageInfo { hasNextPage endCursor }
        nodes { role user { email } }
    } }
}";

#[rstest]
#[tokio::test]
async fn pages_newest_first(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let brand = app.brand(&ada, "acme").await;
        for (name, role) in [("bob", BrandRole::Analyst), ("eve", BrandRole::Developer)] {
            let user = app.sign_up(name).await;
            app.db_member(&brand.id, &user.id, role).await;
        }
        let variables = json!({ "id": brand.id, "first": 2 });
        let page = app
            .graphql_ok(Some(&ada.token), MEMBERS, variables, "brand.members")
            .await;
        assert_eq!(page["totalCount"], 3);
        assert_eq!(page["pageInfo"]["hasNextPage"], true);
        let nodes = json!([
            { "role": "DEVELOPER", "user": { "email": "eve@example.org" } },
            { "role": "ANALYST", "user": { "email": "bob@example.org" } },
        ]);
        assert_eq!(page["nodes"], nodes);

        let after = text(&page["pageInfo"], "endCursor");
        let variables = json!({ "id": brand.id, "first": 2, "after": after });
        let page = app
            .graphql_ok(Some(&ada.token), MEMBERS, variables, "brand.members")
            .await;
        assert_eq!(page["pageInfo"]["hasNextPage"], false);
        assert_eq!(
            page["nodes"],
            json!([{ "role": "OWNER", "user": { "email": "ada@example.org" } }])
        );
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn costs_the_same_statements_for_one_as_for_many(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let brand = app.brand(&ada, "acme").await;
        let query = || app.graphql(Some(&ada.token), MEMBERS, json!({ "id": brand.id }));
        let one = app.count_statements(query).await;
        for name in ["bob", "eve", "mia"] {
            let user = app.sign_up(name).await;
            app.db_member(&brand.id, &user.id, BrandRole::Analyst).await;
        }
        let four = app.count_statements(query).await;
        assert!(one > 0);
        assert_eq!(four, one);
    })
    .await;
}
