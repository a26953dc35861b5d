//! The index follows the rows, and nobody sees what is not open, however far it lags.

use std::sync::Arc;

use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};
use tributary::{
    infra::search::{Index, Query, breaker},
    marketplace::{documents, indexing},
    outbox,
};

use super::engines::Switch;
use crate::support::{
    answer::error_code,
    app::{TestApp, with_app, with_engine},
    builders::{BrandFixture, User, text},
    database::Database,
};

const SEARCH: &str = "query ($where: ListingWhere, $orderBy: ListingOrder) {
    marketplaceListings(where: $where, orderBy: $orderBy) { degraded totalCount nodes { title }
        edges { highlights { field fragments { text matched } } }
        facets { categories { value count } countries { value count } commissions { value count }
            autoApproval { value count } salePercent { min max } attributionWindowDays { minDays maxDays } } } }";

pub async fn search(app: &TestApp, filter: Value) -> Value {
    let variables = json!({ "where": filter });
    app.graphql_ok(None, SEARCH, variables, "marketplaceListings").await
}

pub fn titles(page: &Value) -> Vec<String> {
    let nodes = page["nodes"].as_array().unwrap();
    nodes.iter().map(|node| text(node, "title")).collect()
}

pub async fn found(app: &TestApp, filter: Value) -> Vec<String> {
    app.index().await;
    let page = search(app, filter).await;
    assert_eq!(page["degraded"], false);
    titles(&page)
}

pub struct Shop {
    pub owner: User,
    pub brand: BrandFixture,
}

pub async fn shop(app: &TestApp) -> Shop {
    let owner = app.sign_up("owner").await;
    let brand = app.brand(&owner, "aurora").await;
    Shop { owner, brand }
}

impl Shop {
    /// An active program with one rule and a published listing: its id, the rule's and the listing's.
    pub async fn list(&self, app: &TestApp, title: &str, event: &str, earning: Value, listing: Value) -> [String; 3] {
        let program = app.draft_program(&self.owner, &self.brand.id, title, json!({})).await;
        let rule = app.rule(&self.owner, &program, event, earning).await;
        let mut content = json!({ "title": title });
        content
            .as_object_mut()
            .unwrap()
            .extend(listing.as_object().unwrap().clone());
        let listing = app.draft_listing(&self.owner, &program, content).await;
        self.done(app, "activateProgram", &program).await;
        self.done(app, "publishListing", &listing).await;
        app.advance(TimeDelta::seconds(1));
        [program, rule, listing]
    }

    pub async fn done(&self, app: &TestApp, mutation: &str, id: &str) {
        app.done(&self.owner, mutation, json!({ "id": id }), "userErrors { code }")
            .await;
    }
}

#[rstest]
#[tokio::test]
async fn offers_are_found_by_what_they_pay(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let shop = shop(&app).await;
        let percent = |percent: &str| json!({ "percent": percent });
        let fixed = |amount: &str| json!({ "fixed": { "amount": amount, "currency": "EUR" } });
        shop.list(&app, "Ten", "SALE", percent("10"), json!({ "category": "food", "countries": ["DE"] })).await;
        shop.list(&app, "Twenty", "SALE", percent("20"), json!({ "category": "food" })).await;
        shop.list(&app, "Five euros", "SALE", fixed("5.00"), json!({ "category": "toys" })).await;
        shop.list(&app, "A lead", "LEAD", fixed("12.50"), json!({ "category": "toys" })).await;
        for (filter, expected) in [
            (json!({ "salePercent": { "gte": "10" } }), vec!["Twenty", "Ten"]),
            (json!({ "salePercent": { "gte": "10.0001" } }), vec!["Twenty"]),
            (json!({ "salePercent": { "lte": "10" } }), vec!["Ten"]),
            (json!({ "commission": { "eq": "LEAD_FIXED" } }), vec!["A lead"]),
            (json!({ "commission": { "in": ["LEAD_FIXED", "SALE_FIXED"] } }), vec!["A lead", "Five euros"]),
            (json!({ "fixedAmount": { "currency": "EUR", "gte": "5.01" } }), vec!["A lead"]),
            (json!({ "fixedAmount": { "currency": "USD" } }), vec![]),
            (json!({ "country": "FR", "category": { "eq": "food" } }), vec!["Twenty"]),
            (
                json!({ "or": [{ "country": "FR", "category": { "eq": "food" } }, { "commission": { "eq": "SALE_FIXED" } }] }),
                vec!["Five euros", "Twenty"],
            ),
            (json!({ "not": { "category": { "eq": "food" } } }), vec!["A lead", "Five euros"]),
            (json!({ "and": [{ "category": { "eq": "food" } }, { "salePercent": { "gte": "15" } }] }), vec!["Twenty"]),
            (json!({ "or": [] }), vec![]),
        ] {
            assert_eq!(found(&app, filter.clone()).await, expected, "{filter}");
        }
        let order = json!({ "orderBy": { "field": "SALE_PERCENT" } });
        let page = app.graphql_ok(None, SEARCH, order, "marketplaceListings").await;
        assert_eq!(titles(&page), ["Twenty", "Ten", "A lead", "Five euros"], "those without come last");
        let facets = &page["facets"];
        assert_eq!(
            facets["categories"],
            json!([{ "value": "food", "count": 2 }, { "value": "toys", "count": 2 }])
        );
        assert_eq!(facets["countries"], json!([{ "value": "DE", "count": 1 }]));
        assert_eq!(
            facets["commissions"],
            json!([{ "value": "SALE_PERCENT", "count": 2 }, { "value": "LEAD_FIXED", "count": 1 },
                { "value": "SALE_FIXED", "count": 1 }])
        );
        assert_eq!(facets["autoApproval"], json!([{ "value": "false", "count": 4 }]));
        assert_eq!(facets["salePercent"], json!({ "min": "10", "max": "20" }));
        let page = search(&app, json!({ "text": "twentty" })).await;
        assert_eq!(
            page["edges"][0]["highlights"],
            json!([{ "field": "title", "fragments": [{ "text": "Twenty", "matched": true }] },
                { "field": "program", "fragments": [{ "text": "Twenty", "matched": true }] }])
        );
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn the_index_follows_what_changes(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let shop = shop(&app).await;
        let ten = || json!({ "percent": "10" });
        let [program, rule, listing] = shop.list(&app, "Kettles", "SALE", ten(), json!({})).await;
        let all = || json!({});
        let paying = || json!({ "salePercent": { "gte": "1" } });
        assert_eq!(found(&app, paying()).await, ["Kettles"]);

        let patch = json!({ "id": listing, "patch": { "title": "Teapots" } });
        app.done(&shop.owner, "updateListing", patch, "listing { id }").await;
        assert_eq!(found(&app, json!({ "text": "teapot" })).await, ["Teapots"]);

        shop.done(&app, "pauseListing", &listing).await;
        assert_eq!(found(&app, all()).await, [""; 0]);
        shop.done(&app, "publishListing", &listing).await;
        shop.done(&app, "pauseProgram", &program).await;
        assert_eq!(found(&app, all()).await, [""; 0]);
        shop.done(&app, "activateProgram", &program).await;
        assert_eq!(found(&app, all()).await, ["Teapots"]);

        // A rule that is over, and one that has not begun.
        let from = app.now() + TimeDelta::minutes(5);
        let later = json!({ "programId": program, "event": "SALE", "earning": { "percent": "30" }, "validFrom": from });
        app.done(&shop.owner, "createCommissionRule", later, "commissionRule { id }")
            .await;
        shop.done(&app, "archiveCommissionRule", &rule).await;
        assert_eq!(found(&app, paying()).await, [""; 0]);
        app.advance(TimeDelta::minutes(6));
        assert_eq!(
            found(&app, json!({ "salePercent": { "gte": "30" } })).await,
            ["Teapots"],
            "it began by itself"
        );

        let patch = json!({ "id": program, "patch": { "holdDays": 3 } });
        app.done(&shop.owner, "updateProgram", patch, "program { id }").await;
        assert_eq!(found(&app, json!({ "holdDays": { "maxDays": 3 } })).await, ["Teapots"]);
        assert_eq!(found(&app, json!({ "autoApproval": true })).await, [""; 0]);
        let group = json!({ "programId": program, "name": "Everybody", "autoApproveApplications": true });
        let group = app
            .done(&shop.owner, "createPartnerGroup", group, "partnerGroup { id }")
            .await;
        let group = group["partnerGroup"]["id"].clone();
        let default = json!({ "programId": program, "groupId": group });
        app.done(&shop.owner, "setDefaultPartnerGroup", default, "program { id }")
            .await;
        assert_eq!(found(&app, json!({ "autoApproval": true })).await, ["Teapots"]);
        // The policy of the program may say so as well as the group that newcomers come to.
        let none = json!({ "programId": program, "groupId": null });
        app.done(&shop.owner, "setDefaultPartnerGroup", none, "program { id }")
            .await;
        assert_eq!(found(&app, json!({ "autoApproval": true })).await, [""; 0]);
        let policy = json!({ "programId": program, "decision": "APPROVE_AT_ONCE" });
        app.done(&shop.owner, "setAdmissionPolicy", policy, "program { id }")
            .await;
        assert_eq!(found(&app, json!({ "autoApproval": true })).await, ["Teapots"]);
    })
    .await;
}

/// Rows are read again: an index that lags can miss, never show.
#[rstest]
#[tokio::test]
async fn nobody_sees_what_the_index_does_not_know_yet(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let shop = shop(&app).await;
        let [_, _, listing] = shop
            .list(&app, "Kettles", "SALE", json!({ "percent": "10" }), json!({}))
            .await;
        app.index().await;
        shop.done(&app, "pauseListing", &listing).await;
        let page = search(&app, json!({})).await;
        assert_eq!((titles(&page).len(), &page["degraded"]), (0, &json!(false)));
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn brands_are_found_by_name_category_and_country(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let shop = shop(&app).await;
        let ten = || json!({ "percent": "10" });
        let german = json!({ "category": "food", "countries": ["DE"] });
        let [_, _, listing] = shop.list(&app, "Kettles", "SALE", ten(), german).await;
        app.brand(&shop.owner, "borealis").await;
        app.index().await;
        let query = "query ($where: BrandWhere) { marketplaceBrands(where: $where) { totalCount nodes { slug } } }";
        let slugs = async |filter: Value| {
            let found = app
                .graphql_ok(None, query, json!({ "where": filter }), "marketplaceBrands")
                .await;
            let nodes = found["nodes"].as_array().unwrap().clone();
            nodes.iter().map(|node| text(node, "slug")).collect::<Vec<_>>()
        };
        for filter in [
            json!({}),
            json!({ "text": "auro" }),
            json!({ "text": "aurrora" }),
            json!({ "category": { "eq": "food" } }),
            json!({ "country": "DE" }),
        ] {
            assert_eq!(slugs(filter.clone()).await, ["aurora"], "{filter}");
        }
        for filter in [
            json!({ "text": "borealis" }),
            json!({ "category": { "eq": "toys" } }),
            json!({ "country": "FR" }),
        ] {
            assert_eq!(slugs(filter.clone()).await, [""; 0], "{filter}");
        }
        shop.done(&app, "pauseListing", &listing).await;
        assert_eq!(
            slugs(json!({})).await,
            [""; 0],
            "what is not open any more is not shown"
        );
        app.index().await;
        assert_eq!(slugs(json!({})).await, [""; 0]);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_search_box_is_served_in_one_answer(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let shop = shop(&app).await;
        let ten = || json!({ "percent": "10" });
        shop.list(&app, "Aurum rings", "SALE", ten(), json!({ "category": "jewelry" })).await;
        shop.list(&app, "Tea", "SALE", ten(), json!({ "category": "food" })).await;
        app.index().await;
        let query = "query ($text: String!, $first: Int) { marketplaceSuggestions(text: $text, first: $first) {
            listings { title } brands { slug } categories { value count } degraded } }";
        let ask = async |text: &str| {
            app.graphql_ok(None, query, json!({ "text": text }), "marketplaceSuggestions").await
        };
        // Both are of the brand Aurora, which counts for as much as a title: the newest first.
        assert_eq!(
            ask("aur").await,
            json!({ "listings": [{ "title": "Tea" }, { "title": "Aurum rings" }], "brands": [{ "slug": "aurora" }],
                "categories": [{ "value": "food", "count": 1 }, { "value": "jewelry", "count": 1 }], "degraded": false })
        );
        assert_eq!(
            ask("jewel").await["categories"],
            json!([{ "value": "jewelry", "count": 1 }])
        );
        assert_eq!(ask(" ").await["listings"], json!([{ "title": "Tea" }, { "title": "Aurum rings" }]));
        assert_eq!(ask("🔥").await["brands"], json!([]));
        let statements = app
            .count_statements(async || {
                ask("au").await;
            })
            .await;
        assert_eq!(statements, 2);
        for wrong in [json!({ "text": "x".repeat(257) }), json!({ "text": "a", "first": 11 }), json!({ "text": "a", "first": 0 })] {
            assert_eq!(error_code(&app.graphql(None, query, wrong).await), "BAD_USER_INPUT");
        }
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn bad_questions_are_refused_by_name(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        app.index().await;
        let deep = |depth| (0..depth).fold(json!({ "recurring": true }), |inner, _| json!({ "not": inner }));
        let wide = |size| json!({ "or": vec![json!({ "recurring": true }); size] });
        for (filter, field) in [
            (json!({ "text": "x".repeat(257) }), "where.text"),
            (deep(6), "where.not.not.not.not.not.not"),
            (wide(51), "where.or"),
            (wide(50), "where"),
            (json!({ "category": { "in": vec!["food"; 101] } }), "where.category.in"),
            (json!({ "not": { "text": "tea" } }), "where.not.text"),
            (json!({ "and": [{}, { "text": "tea" }] }), "where.and[1].text"),
            (json!({ "salePercent": { "gte": "1.00001" } }), "where.salePercent"),
            (
                json!({ "fixedAmount": { "currency": "EUR", "gte": "1.001" } }),
                "where.fixedAmount",
            ),
            (
                json!({ "fixedAmount": { "currency": "ABC", "gte": "1" } }),
                "where.fixedAmount",
            ),
        ] {
            let answer = app.graphql(None, SEARCH, json!({ "where": filter })).await;
            assert_eq!(error_code(&answer), "BAD_USER_INPUT", "{filter}: {answer}");
            assert_eq!(answer["errors"][0]["extensions"]["field"], field, "{filter}: {answer}");
        }
        for text in [
            "🔥🔥",
            "שלום",
            "\u{202e}abc",
            "a\tb",
            "\"",
            "-",
            "x y ".repeat(60).as_str(),
        ] {
            let page = search(&app, json!({ "text": text })).await;
            assert_eq!(page["totalCount"], 0, "{text:?}");
        }
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn without_its_engine_search_goes_on_and_catches_up(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let switch = Arc::new(Switch::default());
    with_engine(database, Arc::<Switch>::clone(&switch), |app| async move {
        let shop = shop(&app).await;
        let ten = || json!({ "percent": "10" });
        let [_, _, first] = shop
            .list(&app, "First kettle", "SALE", ten(), json!({ "category": "food" }))
            .await;
        app.index().await;
        switch.turn_off();

        // What is written meanwhile is written, and found at once, by words to the letter.
        shop.list(
            &app,
            "Second kettle",
            "SALE",
            json!({ "percent": "20" }),
            json!({ "category": "toys" }),
        )
        .await;
        shop.done(&app, "pauseListing", &first).await;
        shop.list(&app, "Teapot", "SALE", ten(), json!({ "category": "toys" }))
            .await;
        let page = search(&app, json!({ "text": "kettle" })).await;
        assert_eq!(page["degraded"], true);
        assert_eq!(titles(&page), ["Second kettle"]);
        assert_eq!(page["facets"]["categories"], json!([{ "value": "toys", "count": 1 }]));
        let page = search(&app, json!({ "salePercent": { "gte": "15" } })).await;
        assert_eq!(titles(&page), ["Second kettle"]);
        assert_eq!(titles(&search(&app, json!({ "text": "ketle" })).await), [""; 0]);
        outbox::relay::drain(&app.app).await.unwrap();
        assert!(indexing::catch_up(&app.app).await.is_err());

        switch.turn_on();
        app.advance(breaker::REST);
        assert_eq!(found(&app, json!({ "text": "ketle" })).await, ["Second kettle"]);
        assert_index_is_true(&app).await;
    })
    .await;
}

/// What can be found is what is open, no more and no less.
pub async fn assert_index_is_true(app: &TestApp) {
    for index in Index::ALL {
        let everything = Query {
            limit: 100,
            ..Query::default()
        };
        let found = app.app.search.search(index, &everything).await.unwrap();
        let mut ids = found.ids();
        ids.sort_unstable();
        let open = documents::ids_after(app.app.db.read(), index, None).await.unwrap();
        assert_eq!(ids, open, "{index:?}");
    }
}
