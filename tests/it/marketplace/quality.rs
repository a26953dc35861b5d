//! What a listing lacks is said before it is published.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{
    answer::{data_at, error_code, refusal},
    app::{TestApp, with_app},
    builders::User,
    database::Database,
};

async fn quality(app: &TestApp, user: &User, listing: &str) -> Value {
    let query = "query ($id: ID!) { node(id: $id) { ... on Listing { quality {
        isReady passedCount checkCount gaps { code isBlocking } } } } }";
    app.graphql_ok(Some(&user.token), query, json!({ "id": listing }), "node.quality")
        .await
}

fn codes(quality: &Value) -> Vec<&str> {
    let gaps = quality["gaps"].as_array().unwrap();
    gaps.iter().map(|gap| gap["code"].as_str().unwrap()).collect()
}

#[rstest]
#[tokio::test]
async fn what_is_missing_is_told_until_nothing_is(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let owner = app.sign_up("owner").await;
        let brand = app.brand(&owner, "aurora").await;
        let settings = json!({ "description": "" });
        let program = app.draft_program(&owner, &brand.id, "Program", settings).await;
        let listing = json!({ "title": "Tea", "pitch": "Good tea.", "category": "food" });
        let listing = app.draft_listing(&owner, &program, listing).await;

        let found = quality(&app, &owner, &listing).await;
        assert_eq!(
            codes(&found),
            [
                "PROGRAM_ACTIVE",
                "SOMETHING_TO_EARN",
                "TITLE",
                "PITCH",
                "PAYOUT_METHODS",
                "PROGRAM_DESCRIPTION"
            ]
        );
        assert_eq!((&found["isReady"], &found["passedCount"]), (&json!(false), &json!(1)));
        let blocking: Vec<bool> = found["gaps"]
            .as_array()
            .unwrap()
            .iter()
            .map(|gap| gap["isBlocking"] == true)
            .collect();
        assert_eq!(blocking, [true, true, false, false, false, false]);
        let publish = app
            .mutation(
                Some(&owner.token),
                "publishListing",
                json!({ "id": listing }),
                "listing { id }",
            )
            .await;
        assert_eq!(refusal(&publish), "PROGRAM_NOT_ACTIVE", "the first of what is told");

        app.rule(&owner, &program, "SALE", json!({ "percent": "10" })).await;
        app.done(&owner, "activateProgram", json!({ "id": program }), "program { id }")
            .await;
        let patch = json!({ "title": "Tea for all your friends", "pitch": "Good tea. ".repeat(12),
            "payoutMethods": ["PAYPAL", "BANK_TRANSFER", "PAYPAL"] });
        let changed = app
            .done(
                &owner,
                "updateListing",
                json!({ "id": listing, "patch": patch }),
                "listing { payoutMethods }",
            )
            .await;
        assert_eq!(changed["listing"]["payoutMethods"], json!(["BANK_TRANSFER", "PAYPAL"]));
        let found = quality(&app, &owner, &listing).await;
        assert_eq!(
            codes(&found),
            ["PITCH", "PROGRAM_DESCRIPTION"],
            "119 characters when trimmed"
        );
        assert_eq!(
            (&found["isReady"], &found["passedCount"], &found["checkCount"]),
            (&json!(true), &json!(5), &json!(7))
        );
        let patch = json!({ "id": program, "patch": { "description": "All of our tea." } });
        app.done(&owner, "updateProgram", patch, "program { id }").await;
        let patch = json!({ "id": listing, "patch": { "pitch": "Good tea! ".repeat(13) } });
        app.done(&owner, "updateListing", patch, "listing { id }").await;
        let found = quality(&app, &owner, &listing).await;
        assert_eq!((codes(&found), &found["passedCount"]), (Vec::new(), &json!(7)));

        app.done(&owner, "publishListing", json!({ "id": listing }), "listing { id }")
            .await;
        let stranger = app.sign_up("stranger").await;
        let query = "query ($id: ID!) { node(id: $id) { ... on Listing { title quality { isReady } } } }";
        let answer = app
            .graphql(Some(&stranger.token), query, json!({ "id": listing }))
            .await;
        assert_eq!(error_code(&answer), "NOT_FOUND");
        assert_eq!(
            answer["data"]["node"]["title"], "Tea for all your friends",
            "the listing itself is open"
        );
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn listings_are_found_by_how_they_pay(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let owner = app.sign_up("owner").await;
        let brand = app.brand(&owner, "aurora").await;
        for (name, methods) in [
            ("both", json!(["UPI", "PAYPAL"])),
            ("upi", json!(["UPI"])),
            ("unsaid", json!([])),
        ] {
            let program = app.program(&owner, &brand.id, name, json!({})).await;
            let patch = json!({ "id": program.listing, "patch": { "payoutMethods": methods } });
            app.done(&owner, "updateListing", patch, "listing { id }").await;
        }
        app.index().await;
        let found = async |filter: Value| {
            let query = "query ($where: ListingWhere) { marketplaceListings(where: $where) {
                degraded nodes { title } facets { payoutMethods { value count } } } }";
            let answer = app.graphql(None, query, json!({ "where": filter })).await;
            data_at(&answer, "marketplaceListings")
        };
        let titles = |page: &Value| {
            let nodes = page["nodes"].as_array().unwrap();
            let mut titles: Vec<String> = nodes
                .iter()
                .map(|node| node["title"].as_str().unwrap().to_owned())
                .collect();
            titles.sort();
            titles
        };
        let all = found(json!({})).await;
        assert_eq!(all["degraded"], false);
        let counted = json!([{ "value": "UPI", "count": 2 }, { "value": "PAYPAL", "count": 1 }]);
        assert_eq!(all["facets"]["payoutMethods"], counted);
        assert_eq!(
            titles(&found(json!({ "payoutMethod": { "eq": "UPI" } })).await),
            ["both", "upi"]
        );
        assert_eq!(
            titles(&found(json!({ "payoutMethod": { "in": ["PAYPAL", "STRIPE"] } })).await),
            ["both"]
        );
        let not_upi = json!({ "not": { "payoutMethod": { "eq": "UPI" } } });
        assert_eq!(titles(&found(not_upi).await), ["unsaid"]);
    })
    .await;
}
