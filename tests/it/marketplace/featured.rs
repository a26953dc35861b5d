//! What is new, and what the platform shows first.

use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{
    answer::{data_at, refusal},
    app::{TestApp, with_app},
    builders::text,
    database::Database,
};

async fn found(app: &TestApp, filter: Value) -> Vec<String> {
    app.index().await;
    let query = "query ($where: ListingWhere) { marketplaceListings(where: $where) { degraded nodes { title } } }";
    let answer = app.graphql(None, query, json!({ "where": filter })).await;
    let page = data_at(&answer, "marketplaceListings");
    assert_eq!(page["degraded"], false);
    let nodes = page["nodes"].as_array().unwrap();
    nodes.iter().map(|node| text(node, "title")).collect()
}

#[rstest]
#[tokio::test]
async fn the_platform_shows_a_listing_first_for_a_while(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let mut market = app.market("aurora").await;
        let other = app.program(&market.owner, &market.brand.id, "other", json!({})).await;
        let mut admin = app.sign_up("admin").await;
        app.db_platform_admin(&admin.id).await;
        let until = app.now() + TimeDelta::days(7);
        let input = json!({ "id": market.program.listing, "until": until, "reason": "of the week" });
        let shown = app
            .done(&admin, "featureListing", input, "listing { title featuredUntil }")
            .await;
        assert_eq!(shown["listing"]["title"], "aurora");
        assert_eq!(found(&app, json!({ "featured": true })).await, ["aurora"]);
        assert_eq!(found(&app, json!({ "featured": false })).await, ["other"]);

        // It ends by itself, without anything being written.
        app.advance_days(7, [&mut market.owner, &mut admin]).await;
        app.advance(TimeDelta::seconds(1));
        assert_eq!(found(&app, json!({ "featured": true })).await, [""; 0]);
        assert_eq!(found(&app, json!({ "featured": false })).await, ["other", "aurora"]);
        let log = "query ($id: ID!) { brand(id: $id) { auditLog(first: 1) { nodes { action reason } } } }";
        let answer = app
            .graphql(Some(&market.owner.token), log, json!({ "id": market.brand.id }))
            .await;
        assert_eq!(
            data_at(&answer, "brand.auditLog.nodes"),
            json!([{ "action": "listing.featured", "reason": "of the week" }])
        );

        let feature = async |listing: &str, until: Value| {
            let input = json!({ "id": listing, "until": until });
            app.mutation(Some(&admin.token), "featureListing", input, "listing { featuredUntil }")
                .await
        };
        for wrong in [
            app.now(),
            app.now() - TimeDelta::days(1),
            app.now() + TimeDelta::days(367),
        ] {
            assert_eq!(
                refusal(&feature(&other.listing, json!(wrong)).await),
                "FEATURED_UNTIL_INVALID"
            );
        }
        let until = json!(app.now() + TimeDelta::days(366));
        let paused = json!({ "id": market.program.listing });
        app.done(&market.owner, "pauseListing", paused, "listing { state }")
            .await;
        assert_eq!(
            refusal(&feature(&market.program.listing, until.clone()).await),
            "LISTING_NOT_PUBLISHED"
        );
        data_at(&feature(&other.listing, until).await, "featureListing.listing");
        assert_eq!(found(&app, json!({ "featured": true })).await, ["other"]);
        let no_longer = feature(&other.listing, Value::Null).await;
        assert_eq!(data_at(&no_longer, "featureListing.listing.featuredUntil"), Value::Null);
        assert_eq!(found(&app, json!({ "featured": true })).await, [""; 0]);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn what_is_new_is_found_since_a_moment(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let mut market = app.market("aurora").await;
        app.advance_days(7, [&mut market.owner]).await;
        let since = app.now();
        app.program(&market.owner, &market.brand.id, "new", json!({})).await;
        assert_eq!(found(&app, json!({ "publishedSince": since })).await, ["new"]);
        let later = since + TimeDelta::days(1);
        assert_eq!(found(&app, json!({ "publishedSince": later })).await, [""; 0]);
        assert_eq!(
            found(&app, json!({ "not": { "publishedSince": since } })).await,
            ["aurora"]
        );
    })
    .await;
}
