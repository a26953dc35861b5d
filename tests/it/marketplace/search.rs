//! Finding listings.

use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{
    answer::{data_at, error_code},
    app::{TestApp, with_app},
    builders::{BrandFixture, User, text},
    database::Database,
};

const SEARCH: &str = "query ($where: ListingWhere, $orderBy: ListingOrder, $first: Int, $after: String) {
    marketplaceListings(where: $where, orderBy: $orderBy, first: $first, after: $after) {
        degraded totalCount nodes { title } edges { cursor } pageInfo { hasNextPage endCursor } } }";

async fn search(app: &TestApp, variables: Value) -> Value {
    app.index().await;
    let answer = app.graphql(None, SEARCH, variables).await;
    let page = data_at(&answer, "marketplaceListings");
    assert_eq!(page["degraded"], false);
    page
}

fn titles(page: &Value) -> Vec<String> {
    let nodes = page["nodes"].as_array().unwrap();
    nodes.iter().map(|node| text(node, "title")).collect()
}

async fn found(app: &TestApp, filter: Value) -> Vec<String> {
    let page = search(app, json!({ "where": filter })).await;
    let titles = titles(&page);
    assert_eq!(page["totalCount"], titles.len());
    titles
}

/// An active program with a published listing.
async fn listed(app: &TestApp, owner: &User, brand: &BrandFixture, listing: Value) -> (String, String) {
    let program = app.draft_program(owner, &brand.id, "Program", json!({})).await;
    app.rule(owner, &program, "SALE", json!({ "percent": "10" })).await;
    let listing = app.draft_listing(owner, &program, listing).await;
    app.done(owner, "activateProgram", json!({ "id": program }), "program { id }")
        .await;
    app.done(owner, "publishListing", json!({ "id": listing }), "listing { id }")
        .await;
    app.advance(TimeDelta::seconds(1));
    (program, listing)
}

async fn shop(app: &TestApp) -> (User, BrandFixture) {
    let owner = app.sign_up("owner").await;
    let brand = app.brand(&owner, "aurora").await;
    (owner, brand)
}

#[rstest]
#[tokio::test]
async fn finds_by_words_category_and_country(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let (owner, brand) = shop(&app).await;
        for (title, pitch, category, countries) in [
            ("Café Élan", "Kaffee für alle", "food", json!(["DE", "FR"])),
            ("Coffee & cake", "Fresh every day", "food", json!([])),
            ("100% cotton_shirts", "Soft", "fashion", json!(["US"])),
            ("Rocket 🚀 toys", "For children", "toys", json!(["DE"])),
        ] {
            let listing = json!({ "title": title, "pitch": pitch, "category": category, "countries": countries });
            listed(&app, &owner, &brand, listing).await;
        }
        let words = async |text: &str| found(&app, json!({ "text": text })).await;
        assert_eq!(words("cafe").await, ["Café Élan"]);
        assert_eq!(words("ÉLAN KAFFEE").await, ["Café Élan"]);
        assert_eq!(words("kaffee nirgends").await, [""; 0]);
        assert_eq!(words("kafee").await, ["Café Élan"], "one typo in six letters");
        // What means something to a database means nothing here; a text without a word finds nothing.
        assert_eq!(words("%").await, [""; 0]);
        assert_eq!(words("100%").await, ["100% cotton_shirts"]);
        assert_eq!(words("_").await, [""; 0]);
        assert_eq!(words("cotton_shirts").await, ["100% cotton_shirts"]);
        assert_eq!(words("\\").await, [""; 0]);
        assert_eq!(words("' OR 1=1 --").await, [""; 0]);
        assert_eq!(words("🚀").await, [""; 0]);
        assert_eq!(words("🚀 toys").await, ["Rocket 🚀 toys"]);
        assert_eq!(words("   ").await.len(), 4, "blanks ask for everything");

        let food = json!({ "category": { "eq": "food" } });
        assert_eq!(found(&app, food).await, ["Coffee & cake", "Café Élan"]);
        let two = json!({ "category": { "in": ["toys", "fashion"] } });
        assert_eq!(found(&app, two).await, ["Rocket 🚀 toys", "100% cotton_shirts"]);
        // No country means everywhere.
        let us = json!({ "country": "US" });
        assert_eq!(found(&app, us).await, ["100% cotton_shirts", "Coffee & cake"]);
        let all = json!({ "country": "DE", "category": { "eq": "food" }, "text": "coffee" });
        assert_eq!(found(&app, all).await, ["Coffee & cake"]);

        let long = json!({ "where": { "text": "x".repeat(257) } });
        assert_eq!(error_code(&app.graphql(None, SEARCH, long).await), "BAD_USER_INPUT");
        assert_eq!(
            words(&"kaffee alle ".repeat(21)).await,
            ["Café Élan"],
            "as long as may be"
        );
        let nul = json!({ "where": { "text": "a\u{0}" } });
        assert_eq!(error_code(&app.graphql(None, SEARCH, nul).await), "BAD_USER_INPUT");
    })
    .await;
}

/// A title that begins with the words goes before one that only contains them, whatever the words are made of.
#[rstest]
#[tokio::test]
async fn the_better_match_comes_first(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let (owner, brand) = shop(&app).await;
        for title in ["50% off coffee", "Up to 50% off coffee", "Tea"] {
            listed(&app, &owner, &brand, json!({ "title": title })).await;
        }
        for words in ["50%", "50% off", "50"] {
            let by_relevance = found(&app, json!({ "text": words })).await;
            assert_eq!(by_relevance, ["50% off coffee", "Up to 50% off coffee"], "{words}");
        }
        let newest = json!({ "where": { "text": "50" }, "orderBy": { "field": "NEWEST" } });
        assert_eq!(
            titles(&search(&app, newest).await),
            ["Up to 50% off coffee", "50% off coffee"]
        );
        let oldest = json!({ "orderBy": { "field": "NEWEST", "direction": "ASC" } });
        assert_eq!(titles(&search(&app, oldest).await)[0], "50% off coffee");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn pages_cover_the_list_once(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let (owner, brand) = shop(&app).await;
        for n in 0..7 {
            listed(&app, &owner, &brand, json!({ "title": format!("Listing {n}") })).await;
        }
        let mut seen = Vec::new();
        let mut after = Value::Null;
        for (size, more) in [(3, true), (3, true), (1, false)] {
            let page = search(&app, json!({ "first": 3, "after": after })).await;
            assert_eq!(page["totalCount"], 7);
            assert_eq!(titles(&page).len(), size);
            assert_eq!(page["pageInfo"]["hasNextPage"], more);
            assert_eq!(page["pageInfo"]["endCursor"], page["edges"][size - 1]["cursor"]);
            seen.extend(titles(&page));
            after = page["pageInfo"]["endCursor"].clone();
        }
        let newest_first: Vec<String> = (0..7).rev().map(|n| format!("Listing {n}")).collect();
        assert_eq!(seen, newest_first);
        let beyond = search(&app, json!({ "first": 3, "after": after })).await;
        assert_eq!(titles(&beyond), [""; 0]);
        for wrong in [
            json!({ "first": 0 }),
            json!({ "first": 101 }),
            json!({ "after": "nonsense" }),
        ] {
            assert_eq!(
                error_code(&app.graphql(None, SEARCH, wrong.clone()).await),
                "BAD_USER_INPUT",
                "{wrong}"
            );
        }
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn what_is_not_open_is_not_shown(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let (owner, brand) = shop(&app).await;
        let draft = app.draft_program(&owner, &brand.id, "Draft", json!({})).await;
        app.draft_listing(&owner, &draft, json!({ "title": "Draft" })).await;
        let (program, _) = listed(&app, &owner, &brand, json!({ "title": "Of a resting program" })).await;
        let (_, listing) = listed(&app, &owner, &brand, json!({ "title": "Resting" })).await;
        listed(&app, &owner, &brand, json!({ "title": "Open" })).await;
        assert_eq!(found(&app, json!({})).await.len(), 3);
        app.done(&owner, "pauseListing", json!({ "id": listing }), "listing { state }")
            .await;
        app.done(&owner, "pauseProgram", json!({ "id": program }), "program { state }")
            .await;
        assert_eq!(found(&app, json!({})).await, ["Open"]);
        // Nor by its id.
        let query = "query ($id: ID!) { node(id: $id) { id } }";
        let resting = app.graphql(None, query, json!({ "id": listing })).await;
        assert_eq!(resting["data"]["node"], Value::Null, "{resting:#}");
        app.done(&owner, "publishListing", json!({ "id": listing }), "listing { state }")
            .await;
        app.done(&owner, "activateProgram", json!({ "id": program }), "program { state }")
            .await;
        assert_eq!(found(&app, json!({})).await.len(), 3);
    })
    .await;
}
