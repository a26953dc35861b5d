//! Another secret signs nobody out, and costs nobody a commission.

use rstest::rstest;
use serde_json::json;
use tributary::{accounts::tokens, config::Config};

use crate::support::{
    app::{TestApp, with_app},
    database::Database,
};

const OLD: &str = "the first secret, of 32 characters or more";
const NEW: &str = "the second secret, of 32 characters or more";
const VIEWER: &str = "{ viewer { user { id } } }";

async fn with_secrets(app: &TestApp, secret: &str, previous: &[&str]) -> TestApp {
    let config = Config {
        secret: Some(secret.to_owned()),
        previous_secrets: previous.iter().map(|&secret| secret.to_owned()).collect(),
        ..app.app.config.clone()
    };
    TestApp::configured(config).await
}

#[rstest]
#[tokio::test]
async fn what_the_previous_secret_signed_is_good_and_nothing_new_is_signed_with_it(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let before = with_secrets(&app, OLD, &[]).await;
        let during = with_secrets(&app, NEW, &[OLD]).await;
        let after = with_secrets(&app, NEW, &[]).await;
        let ada = before.sign_up("ada").await;
        let session = before.session_id(&ada.token).await.parse().unwrap();
        let (newer, _) = tokens::sign_access(&during.app, ada.id.parse().unwrap(), session).unwrap();

        for (app, token, is_good) in [
            (&during, &ada.token, true),
            (&after, &ada.token, false),
            (&before, &newer, false),
            (&after, &newer, true),
        ] {
            let (status, _) = app.graphql_answer(Some(token), VIEWER, json!({})).await;
            assert_eq!(status.is_success(), is_good);
        }

        let click = |app: &TestApp| app.app.keys.click_ids().copied().collect::<Vec<_>>();
        assert_eq!(click(&during), [click(&after), click(&before)].concat());
        assert_eq!(during.app.keys.click_id, after.app.keys.click_id);
        for app in [before, during, after] {
            app.app.db.close().await.unwrap();
        }
    })
    .await;
}
