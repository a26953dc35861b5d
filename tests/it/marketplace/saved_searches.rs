//! Searches that partners keep tell them once what is new.

use chrono::TimeDelta;
use rstest::rstest;
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};
use tributary::{infra::mail::Letter, marketplace::saved_searches::check::check_saved_searches};

use crate::support::{
    answer::{data_at, error_code, refusal},
    app::{TestApp, with_app},
    builders::{PartnerFixture, User, text},
    database::Database,
    marketplace::Market,
};

const SEARCHES: &str = "query ($id: ID!) { partner(id: $id) { savedSearches { nodes {
    id name whereJson notify checkedAt newCount newListings { totalCount nodes { foundAt listing { title } } } } } } }";

struct World {
    market: Market,
    mia: User,
    partner: PartnerFixture,
}

impl World {
    /// A market with one listing, and a partner whose address is proved.
    async fn new(app: &TestApp) -> Self {
        let market = app.market("aurora").await;
        let mia = app.sign_up("mia").await;
        let token = app.mailed_token(&mia.email).await;
        app.done(&mia, "verifyEmail", json!({ "token": token }), "user { id }")
            .await;
        let partner = app.partner(&mia, "mia").await;
        Self { market, mia, partner }
    }

    async fn save(&self, app: &TestApp, name: &str, filter: Value, notify: &str) -> String {
        let input = json!({ "partnerId": self.partner.id, "name": name, "where": filter, "notify": notify });
        let saved = app.done(&self.mia, "saveSearch", input, "savedSearch { id }").await;
        text(&saved["savedSearch"], "id")
    }

    async fn list(&self, app: &TestApp, title: &str) -> String {
        let market = &self.market;
        app.program(&market.owner, &market.brand.id, title, json!({}))
            .await
            .listing
    }

    async fn searches(&self, app: &TestApp) -> Vec<Value> {
        let variables = json!({ "id": self.partner.id });
        let nodes = app
            .graphql_ok(
                Some(&self.mia.token),
                SEARCHES,
                variables,
                "partner.savedSearches.nodes",
            )
            .await;
        nodes.as_array().unwrap().clone()
    }
}

/// Lets so many minutes pass, looks, and returns what was mailed meanwhile.
async fn after(app: &TestApp, minutes: i64) -> Vec<Letter> {
    app.advance(TimeDelta::minutes(minutes));
    app.index().await;
    check_saved_searches(&app.app).await.unwrap();
    app.send_mails().await
}

fn new_titles(search: &Value) -> Vec<String> {
    let listings = &search["newListings"];
    let nodes = listings["nodes"].as_array().unwrap();
    assert_eq!(
        (&listings["totalCount"], &search["newCount"]),
        (&json!(nodes.len()), &json!(nodes.len()))
    );
    nodes.iter().map(|node| text(&node["listing"], "title")).collect()
}

#[rstest]
#[tokio::test]
async fn what_is_new_is_told_once(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let mut world = World::new(&app).await;
        let filter =
            json!({ "text": "aurora tea", "or": [{ "country": "DE" }, { "recurring": true }], "category": null });
        world.list(&app, "aurora tea for all").await;
        let search = world.save(&app, "Tea", filter, "AT_ONCE").await;
        world.save(&app, "All", json!({}), "NEVER").await;
        assert!(after(&app, 0).await.is_empty());
        let found = world.searches(&app).await;
        assert_eq!((&found[0]["name"], &found[1]["name"]), (&json!("All"), &json!("Tea")));
        assert_eq!(found[1]["notify"], "AT_ONCE");
        let kept: Value = serde_json::from_str(found[1]["whereJson"].as_str().unwrap()).unwrap();
        assert_eq!(
            kept,
            json!({ "text": "aurora tea", "or": [{ "country": "DE" }, { "recurring": true }] })
        );
        assert!(new_titles(&found[1]).is_empty(), "what was there is not new");

        let second = world.list(&app, "aurora tea at night").await;
        world.list(&app, "aurora coffee").await;
        assert!(after(&app, 9).await.is_empty(), "not yet");
        let letters = after(&app, 1).await;
        let [letter] = letters.as_slice() else {
            panic!("one mail: {letters:#?}")
        };
        assert_eq!(
            (letter.to.as_str(), letter.subject.as_str()),
            ("mia@example.org", "1 new listing: Tea")
        );
        assert!(
            letter.text.contains("- aurora tea at night (aurora)\n"),
            "{}",
            letter.text
        );
        assert_eq!(new_titles(&world.searches(&app).await[1]), ["aurora tea at night"]);

        // Paused and published again it is no news, and meanwhile it is in no list.
        app.sign_in_again(&mut world.market.owner).await;
        let owner = world.market.owner.clone();
        app.done(&owner, "pauseListing", json!({ "id": second }), "listing { id }")
            .await;
        assert!(new_titles(&world.searches(&app).await[1]).is_empty());
        app.done(&owner, "publishListing", json!({ "id": second }), "listing { id }")
            .await;
        assert!(after(&app, 10).await.is_empty());
        app.sign_in_again(&mut world.mia).await;
        assert_eq!(new_titles(&world.searches(&app).await[1]), ["aurora tea at night"]);
        app.done(
            &world.mia,
            "markSavedSearchSeen",
            json!({ "id": search }),
            "savedSearch { newCount }",
        )
        .await;
        assert!(new_titles(&world.searches(&app).await[1]).is_empty());

        // Whoever is not mailed is shown all the same, within a day.
        assert!(after(&app, 24 * 60).await.is_empty());
        app.sign_in_again(&mut world.mia).await;
        let all = &world.searches(&app).await[0];
        assert_eq!(new_titles(all), ["aurora coffee", "aurora tea at night"]);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn other_conditions_begin_anew(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let mut world = World::new(&app).await;
        let search = world.save(&app, "Tea", json!({ "text": "tea" }), "AT_ONCE").await;
        after(&app, 0).await;
        world.list(&app, "tea").await;
        assert_eq!(after(&app, 10).await.len(), 1);
        world.list(&app, "cake").await;
        let hidden = world.list(&app, "cake again").await;
        let patch = json!({ "id": search, "patch": { "name": "Cake", "where": { "text": "cake" } } });
        let changed = app
            .done(
                &world.mia,
                "updateSavedSearch",
                patch,
                "savedSearch { name newCount checkedAt }",
            )
            .await;
        assert_eq!(
            changed["savedSearch"],
            json!({ "name": "Cake", "newCount": 0, "checkedAt": null })
        );
        assert!(after(&app, 0).await.is_empty(), "cake that was there is not new");
        world.list(&app, "cake three").await;
        app.sign_in_again(&mut world.mia).await;
        // What is hidden is not found for its partner, now or later.
        let four = world.list(&app, "cake four").await;
        for listing in [&hidden, &four] {
            let mark = json!({ "partnerId": world.partner.id, "listingId": listing, "hidden": true });
            app.done(&world.mia, "markListing", mark, "listing { id }").await;
        }
        let letters = after(&app, 10).await;
        assert_eq!(letters.len(), 1);
        assert!(letters[0].text.contains("- cake three (aurora)\n") && !letters[0].text.contains("four"));
        app.done(
            &world.mia,
            "deleteSavedSearch",
            json!({ "id": search }),
            "partner { handle }",
        )
        .await;
        assert!(world.searches(&app).await.is_empty());
        assert_eq!(
            entity::saved_search_hit::Entity::find().count(app.db()).await.unwrap(),
            0
        );
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn bad_searches_are_refused_and_others_people_find_none(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let world = World::new(&app).await;
        let save = async |name: &str, filter: Value| {
            let input = json!({ "partnerId": world.partner.id, "name": name, "where": filter });
            app.mutation(Some(&world.mia.token), "saveSearch", input, "savedSearch { id }")
                .await
        };
        for name in ["", " ", "two\nlines", &"x".repeat(81)] {
            assert_eq!(refusal(&save(name, json!({})).await), "NAME_INVALID", "{name:?}");
        }
        let long: Vec<String> = (0..100).map(|n| format!("{n:0>120}")).collect();
        assert_eq!(
            refusal(&save("Long", json!({ "category": { "in": long } })).await),
            "SEARCH_TOO_LARGE"
        );
        let bomb = json!({ "and": vec![json!({ "recurring": true }); 60] });
        assert_eq!(error_code(&save("Bomb", bomb).await), "BAD_USER_INPUT");
        assert_eq!(
            error_code(&save("Long", json!({ "text": "x".repeat(257) })).await),
            "BAD_USER_INPUT"
        );
        let strange = save("עברית 🚀", json!({ "text": "🚀 שלום \u{7} %_" })).await;
        let id = text(&data_at(&strange, "saveSearch.savedSearch"), "id");
        assert!(after(&app, 0).await.is_empty());
        for n in 1..20 {
            data_at(&save(&format!("{n}"), json!({})).await, "saveSearch.savedSearch");
        }
        assert_eq!(refusal(&save("21", json!({})).await), "TOO_MANY_SEARCHES");

        let leo = app.sign_up("leo").await;
        let node = "query ($id: ID!) { node(id: $id) { id } }";
        let found = app.graphql(Some(&leo.token), node, json!({ "id": id })).await;
        assert_eq!(found["data"]["node"], Value::Null);
        let stolen = app
            .mutation(
                Some(&leo.token),
                "deleteSavedSearch",
                json!({ "id": id }),
                "partner { id }",
            )
            .await;
        assert_eq!(error_code(&stolen), "NOT_FOUND");
    })
    .await;
}
