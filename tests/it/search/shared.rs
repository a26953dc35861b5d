//! An index that processes share: one keeps it at a time, its place lies in the database, and it is built anew when it must be.

use std::sync::Arc;

use chrono::TimeDelta;
use rstest::rstest;
use serde_json::json;
use tributary::{
    infra::search::{Index, breaker},
    lease,
    marketplace::indexing,
    outbox,
};
use uuid::Uuid;

use super::{
    engines::Switch,
    index::{Shop, assert_index_is_true, found, search, shop, titles},
};
use crate::support::{
    app::{TestApp, with_app, with_engine},
    database::Database,
};

async fn list(app: &TestApp, shop: &Shop, title: &str) -> [String; 3] {
    shop.list(app, title, "SALE", json!({ "percent": "10" }), json!({}))
        .await
}

#[rstest]
#[tokio::test]
async fn a_shared_index_is_built_once_and_followed(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let switch = Arc::new(Switch::shared_by("first"));
    with_engine(database, Arc::<Switch>::clone(&switch), |app| async move {
        let shop = shop(&app).await;
        assert_eq!(indexing::position(&app.app).await.unwrap(), None);
        list(&app, &shop, "Kettles").await;
        assert_eq!(found(&app, json!({})).await, ["Kettles"]);
        list(&app, &shop, "Teapots").await;
        assert_eq!(found(&app, json!({})).await, ["Teapots", "Kettles"]);
        assert_eq!(switch.rebuilds(), 1);
        let last = outbox::last_position(&app.app).await.unwrap();
        assert_eq!(indexing::position(&app.app).await.unwrap(), Some(last));

        // Nothing to do: nothing is written.
        let before = app.digest().await;
        app.index().await;
        assert_eq!(app.digest().await, before);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn one_process_keeps_a_shared_index(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let switch = Arc::new(Switch::shared_by("first"));
    with_engine(database, Arc::<Switch>::clone(&switch), |app| async move {
        let shop = shop(&app).await;
        list(&app, &shop, "Kettles").await;
        let other = Uuid::from_u128(7);
        assert!(
            lease::hold(&app.app, "search-indexing", other, TimeDelta::seconds(30))
                .await
                .unwrap()
        );
        app.index().await;
        assert_eq!(switch.rebuilds(), 0);
        assert_eq!(search(&app, json!({})).await["degraded"], true);
        // It was killed.
        app.advance(TimeDelta::seconds(31));
        assert_eq!(found(&app, json!({})).await, ["Kettles"]);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_shared_index_is_built_anew_when_it_must_be(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let switch = Arc::new(Switch::shared_by("first"));
    with_engine(database, Arc::<Switch>::clone(&switch), |app| async move {
        let shop = shop(&app).await;
        list(&app, &shop, "Kettles").await;
        app.index().await;

        // A new version of the program indexes otherwise.
        switch.set_fingerprint("second");
        app.index().await;
        assert_eq!(switch.rebuilds(), 2);
        app.index().await;
        assert_eq!(switch.rebuilds(), 2);

        // Somebody emptied the engine: noticed when there is something to do, which is every ten seconds at least.
        switch.empty();
        app.advance(TimeDelta::seconds(11));
        app.index().await;
        assert_eq!(switch.rebuilds(), 3);

        // Somebody asks.
        let built = indexing::reindex(&app.app).await.unwrap();
        assert_eq!(
            built,
            Some(vec![(Index::Listings, 1), (Index::Brands, 1), (Index::Creators, 0)])
        );
        assert_eq!(switch.rebuilds(), 4);
        assert_eq!(found(&app, json!({})).await, ["Kettles"]);

        // Somebody asks while it is away: it is done when it is back.
        switch.turn_off();
        assert!(indexing::reindex(&app.app).await.is_err());
        switch.turn_on();
        app.index().await;
        assert_eq!(switch.rebuilds(), 5);
        assert_index_is_true(&app).await;
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn an_index_in_memory_is_built_anew_by_its_process(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let switch = Arc::new(Switch::default());
    with_engine(database, Arc::<Switch>::clone(&switch), |app| async move {
        app.index().await;
        assert_eq!(indexing::reindex(&app.app).await.unwrap(), None);
        assert_eq!(indexing::reindex(&app.app).await.unwrap(), None);
        assert_eq!(switch.rebuilds(), 1);
        app.index().await;
        app.index().await;
        assert_eq!(switch.rebuilds(), 2);
    })
    .await;
}

#[tokio::test]
async fn an_engine_that_is_away_is_asked_now_and_then() {
    let switch = Arc::new(Switch::default());
    with_engine(Database::Sqlite, Arc::<Switch>::clone(&switch), |app| async move {
        let shop = shop(&app).await;
        list(&app, &shop, "Kettles").await;
        app.index().await;
        switch.turn_off();
        let before = switch.questions();
        for _ in 0..5 {
            let page = search(&app, json!({ "text": "kettles" })).await;
            assert_eq!(
                (&page["degraded"], titles(&page)),
                (&json!(true), vec!["Kettles".to_owned()])
            );
        }
        assert_eq!(switch.questions(), before + 1);
        app.advance(breaker::REST);
        search(&app, json!({})).await;
        search(&app, json!({})).await;
        assert_eq!(switch.questions(), before + 2);
        switch.turn_on();
        assert_eq!(search(&app, json!({})).await["degraded"], true, "it rests");
        app.advance(breaker::REST);
        assert_eq!(search(&app, json!({})).await["degraded"], false);
    })
    .await;
}

#[tokio::test]
async fn what_is_not_built_yet_is_no_failure() {
    with_app(Database::Sqlite, |app| async move {
        assert_eq!(search(&app, json!({})).await["degraded"], true);
        app.index().await;
        assert_eq!(search(&app, json!({})).await["degraded"], false);
    })
    .await;
}
