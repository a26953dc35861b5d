//! A Meilisearch server that dies, comes back, and comes back empty. Needs the program.

use std::sync::Arc;

use chrono::TimeDelta;
use rstest::rstest;
use serde_json::json;
use tributary::{
    infra::search::{Index, Query, SearchEngine, SearchError, breaker},
    marketplace::indexing,
    outbox,
};
use uuid::Uuid;

use super::index::{assert_index_is_true, found, search, shop, titles};
use crate::support::{app::with_engine, database::Database, meilisearch};

#[rstest]
#[tokio::test]
async fn search_survives_the_end_of_its_server(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let Some(server) = meilisearch::own_server() else {
        return;
    };
    let engine = Arc::new(server.engine_of("test-"));
    with_engine(database, engine, |app| async move {
        let shop = shop(&app).await;
        let percent = |percent: &str| json!({ "percent": percent });
        let [_, _, first] = shop
            .list(
                &app,
                "First kettle",
                "SALE",
                percent("10"),
                json!({ "category": "food" }),
            )
            .await;
        assert_eq!(found(&app, json!({ "text": "ketle" })).await, ["First kettle"]);

        server.crash();
        shop.list(
            &app,
            "Second kettle",
            "SALE",
            percent("20"),
            json!({ "category": "toys" }),
        )
        .await;
        shop.done(&app, "pauseListing", &first).await;
        for _ in 0..3 {
            let page = search(&app, json!({ "text": "kettle" })).await;
            assert_eq!(page["degraded"], true);
            assert_eq!(titles(&page), ["Second kettle"]);
        }
        outbox::relay::drain(&app.app).await.unwrap();
        assert!(indexing::catch_up(&app.app).await.is_err());

        server.recover();
        app.advance(breaker::REST);
        assert_eq!(found(&app, json!({ "text": "ketle" })).await, ["Second kettle"]);
        assert_index_is_true(&app).await;

        // It comes back with nothing: the index is built anew when it is next looked at.
        server.crash();
        server.empty();
        server.recover();
        let page = search(&app, json!({ "text": "kettle" })).await;
        assert_eq!(
            (&page["degraded"], titles(&page)),
            (&json!(true), vec!["Second kettle".to_owned()])
        );
        app.advance(TimeDelta::seconds(11));
        assert_eq!(found(&app, json!({ "text": "ketle" })).await, ["Second kettle"]);
        assert_index_is_true(&app).await;

        let built = indexing::reindex(&app.app).await.unwrap();
        assert_eq!(
            built,
            Some(vec![(Index::Listings, 1), (Index::Brands, 1), (Index::Creators, 0)])
        );
        assert_index_is_true(&app).await;
    })
    .await;
}

/// What a killed rebuild leaves is deleted by the next one, and never answers.
#[tokio::test]
async fn half_built_indexes_are_deleted() {
    let Some(server) = meilisearch::own_server() else {
        return;
    };
    let engine = server.engine_of("test-");
    let everything = Query::default();
    let asked = engine.search(Index::Listings, &everything).await;
    assert_eq!(asked, Err(SearchError::NotReady));
    assert!(!engine.is_built().await.unwrap());
    let killed = engine.rebuild(Uuid::from_u128(1)).await.unwrap();
    drop(killed);
    assert_eq!(
        engine.search(Index::Listings, &everything).await,
        Err(SearchError::NotReady)
    );
    let rebuild = engine.rebuild(Uuid::from_u128(2)).await.unwrap();
    rebuild.finish().await.unwrap();
    assert!(engine.is_built().await.unwrap());
    assert!(!server.engine_of("other-").is_built().await.unwrap());
    let mut names = engine.index_names().await.unwrap();
    names.sort();
    assert_eq!(names, ["test-brands", "test-creators", "test-listings"]);
}

#[tokio::test]
async fn a_wrong_key_is_named() {
    let Some(server) = meilisearch::own_server() else {
        return;
    };
    let stranger = server.engine_with_key("wrong");
    for error in [
        stranger.search(Index::Brands, &Query::default()).await.unwrap_err(),
        stranger.is_built().await.unwrap_err(),
    ] {
        let SearchError::Unavailable(text) = error else {
            panic!("{error:?}");
        };
        assert!(text.starts_with("--meilisearch-key"), "{text}");
    }
}
