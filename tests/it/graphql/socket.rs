//! Operations over `graphql-transport-ws`.

use std::time::Duration;

use rstest::rstest;
use serde_json::json;

use crate::support::{app::with_app, database::Database};

const VIEWER: &str = "{ viewer { user { id } } }";

#[rstest]
#[tokio::test]
async fn answers_in_the_name_of_its_token(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let served = app.serve().await;
        let mut socket = served.connect().await;
        socket.init(Some(&ada.token)).await;
        socket.subscribe("1", VIEWER, json!({})).await;
        let data = socket.next_data("1").await;
        assert_eq!(data["viewer"]["user"]["id"], ada.id);
        assert_eq!(socket.next().await, json!({ "type": "complete", "id": "1" }));
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn closes_on_who_does_not_introduce_itself(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let served = app.serve().await;
        let mut socket = served.connect().await;
        socket.subscribe("1", VIEWER, json!({})).await;
        assert_eq!(socket.closed().await, (4401, "Unauthorized".to_owned()));
    })
    .await;
}

/// Client and server may complete an operation at the same moment: what is unknown by then is no error.
#[rstest]
#[tokio::test]
async fn takes_a_late_completion_calmly(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let served = app.serve().await;
        let mut socket = served.connect().await;
        socket.init(None).await;
        socket.complete("gone").await;
        assert!(socket.is_quiet(Duration::from_millis(100)).await);
        socket.subscribe("1", "{ __typename }", json!({})).await;
        assert_eq!(socket.next_data("1").await["__typename"], "Query");
    })
    .await;
}
