//! Every answer says what it cost.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{app::with_app, database::Database};

fn assert_cost(answer: &Value) {
    let cost = &answer["extensions"]["cost"];
    assert!(cost["requested"].is_u64(), "{answer:#}");
    assert!(cost["actual"].is_u64(), "{answer:#}");
    let throttle = &cost["throttle"];
    assert!(throttle["limit"].is_u64(), "{answer:#}");
    assert!(throttle["remaining"].is_u64(), "{answer:#}");
    assert!(throttle["resetAt"].is_string(), "{answer:#}");
}

#[rstest]
#[case::data("{ __typename }")]
#[case::resolver_error("{ viewer { user { id } } }")]
#[case::unknown_field("{ nothing }")]
#[case::no_document("{")]
#[tokio::test]
async fn stands_in_every_answer(
    #[case] query: &str,
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let query = query.to_owned();
    with_app(database, |app| async move {
        assert_cost(&app.graphql(None, &query, json!({})).await);
    })
    .await;
}
