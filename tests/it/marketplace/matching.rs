//! Programs like another one, and programs for a partner: with points worked by hand, and why.

use rstest::rstest;
use serde_json::{Value, json};
use tributary::{marketplace::trust::measure, outbox::relay};

use crate::support::{
    answer::{data_at, error_code},
    app::{TestApp, with_app},
    builders::text,
    database::Database,
    marketplace::{Market, ProgramFixture, Promoter, merged},
};

const SIMILAR: &str = "query ($id: ID!, $first: Int) { similarListings(listingId: $id, first: $first) {
    points listing { title } reasons { code points message } } }";
const RECOMMENDED: &str = "query ($id: ID!, $first: Int) { recommendedListings(partnerId: $id, first: $first) {
    points listing { title } reasons { code points message } } }";

/// A listing of a brand's program that pays so much of a sale.
async fn listed(app: &TestApp, market: &Market, title: &str, percent: &str, listing: Value) -> ProgramFixture {
    let owner = &market.owner;
    let program = app.draft_program(owner, &market.brand.id, title, json!({})).await;
    app.rule(owner, &program, "SALE", json!({ "percent": percent })).await;
    let listing = app
        .draft_listing(owner, &program, merged(json!({ "title": title }), listing))
        .await;
    app.done(owner, "activateProgram", json!({ "id": program }), "program { id }")
        .await;
    app.done(owner, "publishListing", json!({ "id": listing }), "listing { id }")
        .await;
    ProgramFixture { id: program, listing }
}

/// Tea in Germany and France, tea elsewhere, travel everywhere, and a bank. Mia and Leo sell tea, and Leo and Ada travel,
/// and Leo tea, too.
struct World {
    market: Market,
    tea: ProgramFixture,
    other_tea: ProgramFixture,
    travel: ProgramFixture,
    mia: Promoter,
}

async fn world(app: &TestApp) -> World {
    let market = app.market("aurora").await;
    let pause = json!({ "id": market.program.listing });
    app.done(&market.owner, "pauseListing", pause, "listing { id }").await;
    let tea = json!({ "category": "tea", "countries": ["DE", "FR"] });
    let tea = listed(app, &market, "tea", "10", tea).await;
    let other_tea = json!({ "category": "tea", "countries": ["ES", "FR", "IT"] });
    let other_tea = listed(app, &market, "other tea", "5", other_tea).await;
    let travel = listed(app, &market, "travel", "10", json!({ "category": "travel" })).await;
    let bank = app
        .draft_program(&market.owner, &market.brand.id, "bank", json!({}))
        .await;
    let lead = json!({ "fixed": { "amount": "5.00", "currency": "EUR" } });
    app.rule(&market.owner, &bank, "LEAD", lead).await;
    let listing = json!({ "title": "bank", "category": "finance", "countries": ["US"] });
    let listing = app.draft_listing(&market.owner, &bank, listing).await;
    for (mutation, id) in [("activateProgram", &bank), ("publishListing", &listing)] {
        app.done(&market.owner, mutation, json!({ "id": id }), "userErrors { code }")
            .await;
    }
    let mut people = Vec::new();
    for (name, programs) in [
        ("mia", vec![&tea]),
        ("leo", vec![&tea, &travel]),
        ("ada", vec![&tea, &travel]),
    ] {
        let user = app.sign_up(name).await;
        let partner = app.partner(&user, name).await;
        for program in programs {
            people.push(app.join(&market, program, &user, &partner, None).await);
        }
    }
    app.index().await;
    World {
        market,
        tea,
        other_tea,
        travel,
        mia: people.remove(0),
    }
}

/// A title, its points, and what they are for.
type Counted = (String, i64, Vec<(String, i64)>);

fn counted(matches: &Value) -> Vec<Counted> {
    let reason = |reason: &Value| (text(reason, "code"), reason["points"].as_i64().unwrap());
    let all = matches.as_array().unwrap().iter();
    all.map(|found| {
        let reasons = found["reasons"].as_array().unwrap().iter().map(reason).collect();
        (
            text(&found["listing"], "title"),
            found["points"].as_i64().unwrap(),
            reasons,
        )
    })
    .collect()
}

fn named(title: &str, points: i64, reasons: &[(&str, i64)]) -> Counted {
    let reasons = reasons
        .iter()
        .map(|(code, points)| ((*code).to_owned(), *points))
        .collect();
    (title.to_owned(), points, reasons)
}

#[rstest]
#[tokio::test]
async fn listings_are_like_others_for_reasons(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let world = world(&app).await;
        let similar = async |listing: &str| {
            let answer = app.graphql(None, SIMILAR, json!({ "id": listing })).await;
            data_at(&answer, "similarListings")
        };
        let found = similar(&world.tea.listing).await;
        // Other tea: the same category 40; one of two countries, 15 × 1/2 half-even 8; paid alike 10, and 5 × 5/10 half-even 2.
        // Travel: two partners in both, 30 × 2/5; one of them everywhere 8; paid alike 10 + 5. The bank: nothing.
        assert_eq!(
            counted(&found),
            [
                named("other tea", 60, &[("CATEGORY", 40), ("TERMS", 12), ("COUNTRIES", 8)]),
                named(
                    "travel",
                    35,
                    &[("TERMS", 15), ("SHARED_PARTNERS", 12), ("COUNTRIES", 8)]
                ),
            ]
        );
        assert_eq!(found[0]["reasons"][0]["message"], "both are about tea");
        assert_eq!(found[1]["reasons"][1]["message"], "2 partners are in both");
        assert_eq!(found, similar(&world.tea.listing).await, "the same again");

        // What is not open is neither asked about nor answered.
        let pause = json!({ "id": world.other_tea.listing });
        app.done(&world.market.owner, "pauseListing", pause, "listing { id }")
            .await;
        assert_eq!(counted(&similar(&world.tea.listing).await).len(), 1);
        let closed = app
            .graphql(None, SIMILAR, json!({ "id": world.other_tea.listing }))
            .await;
        assert_eq!(error_code(&closed), "NOT_FOUND");
        for first in [0, 21, -1] {
            let variables = json!({ "id": world.tea.listing, "first": first });
            assert_eq!(
                error_code(&app.graphql(None, SIMILAR, variables).await),
                "BAD_USER_INPUT"
            );
        }
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_partner_is_shown_what_suits_it(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let world = world(&app).await;
        let token = Some(world.mia.user.token.as_str());
        let recommended = async || {
            let variables = json!({ "id": world.mia.partner.id });
            counted(
                &app.graphql_ok(token, RECOMMENDED, variables, "recommendedListings")
                    .await,
            )
        };
        // Mia is in one program about tea; of the two others in it both are in travel, which is open everywhere: 15 × 2/5.
        let travel = named("travel", 21, &[("COUNTRIES", 15), ("SHARED_PARTNERS", 6)]);
        assert_eq!(
            recommended().await,
            [travel.clone(), named("other tea", 20, &[("CATEGORY", 20)])]
        );
        // All she sold was tea.
        app.code(&world.mia, "MIA", json!({})).await;
        for n in 0..3 {
            let evidence = json!({ "promoCodes": ["MIA"], "customerId": format!("c{n}") });
            app.sale(&world.market, &format!("S-{n}"), "10.00", evidence).await;
        }
        relay::drain(&app.app).await.unwrap();
        measure::measure(&app.app).await.unwrap();
        let other_tea = named("other tea", 45, &[("PERFORMANCE", 25), ("CATEGORY", 20)]);
        assert_eq!(recommended().await, [other_tea.clone(), travel.clone()]);

        // What she has hidden or asked is not for her.
        let hide = json!({ "partnerId": world.mia.partner.id, "listingId": world.other_tea.listing, "hidden": true });
        app.done(&world.mia.user, "markListing", hide, "listing { id }").await;
        assert_eq!(recommended().await, [travel]);
        let apply = json!({ "partnerId": world.mia.partner.id, "programId": world.travel.id, "message": "hi",
            "acceptedTermsVersion": 1 });
        app.done(&world.mia.user, "applyToProgram", apply, "application { id }")
            .await;
        assert_eq!(recommended().await, []);

        // Of a partner who is in nothing and says nothing there is nothing to compare.
        let new = app.sign_up("new").await;
        let partner = app.partner(&new, "new").await;
        let variables = json!({ "id": partner.id });
        let none = app
            .graphql_ok(Some(&new.token), RECOMMENDED, variables, "recommendedListings")
            .await;
        assert_eq!(none, json!([]));
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn matches_cost_the_same_however_many(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let world = world(&app).await;
        let count = async || {
            app.count_statements(async || {
                let variables = json!({ "id": world.tea.listing, "first": 20 });
                app.graphql_ok(None, SIMILAR, variables, "similarListings").await;
            })
            .await
        };
        let few = count().await;
        for n in 0..12 {
            listed(
                &app,
                &world.market,
                &format!("tea {n}"),
                "10",
                json!({ "category": "tea" }),
            )
            .await;
        }
        app.index().await;
        let many = count().await;
        println!("{database:?}: statements of similar listings: {few}, with twelve more {many}");
        assert_eq!(few, many);
        assert!(many <= 12, "{many}");
    })
    .await;
}
