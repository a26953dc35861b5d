//! Programs like another one, programs for a partner, and creators for a program: with points worked by hand, and why.

use rstest::rstest;
use serde_json::{Value, json};
use tributary::{marketplace::trust::measure, outbox::relay};

use crate::support::{
    answer::{data_at, error_code},
    app::{TestApp, with_app},
    builders::{PartnerFixture, User, text},
    database::Database,
    marketplace::{Market, ProgramFixture, Promoter, merged},
};

const SIMILAR: &str = "query ($id: ID!, $first: Int) { similarListings(listingId: $id, first: $first) {
    points listing { title } reasons { code points message } } }";
const RECOMMENDED: &str = "query ($id: ID!, $first: Int) { recommendedListings(partnerId: $id, first: $first) {
    points listing { title } reasons { code points message } } }";
const CREATORS: &str = "query ($id: ID!, $first: Int) { recommendedCreators(programId: $id, first: $first) {
    points creatorProfile { partner { handle } } reasons { code points message } } }";

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

/// A creator with a profile that is public.
async fn creator(app: &TestApp, name: &str, niche: &str, followers: i64, audience: Value) -> (User, PartnerFixture) {
    let user = app.sign_up(name).await;
    let partner = app.partner(&user, name).await;
    publish(app, &user, &partner, niche, followers, audience).await;
    (user, partner)
}

async fn publish(app: &TestApp, user: &User, partner: &PartnerFixture, niche: &str, followers: i64, audience: Value) {
    let channel = json!({ "platform": "WEBSITE", "handle": partner.id, "url": "https://blog.example/",
        "followersCount": followers });
    for (mutation, input) in [
        ("updateCreatorProfile", json!({ "patch": { "niches": [niche] } })),
        ("setCreatorAudience", json!({ "audience": audience })),
        ("addCreatorChannel", channel),
        ("publishCreatorProfile", json!({})),
    ] {
        let input = merged(json!({ "partnerId": partner.id }), input);
        app.done(user, mutation, input, "userErrors { code }").await;
    }
}

/// A title or a handle, its points, and what they are for.
type Counted = (String, i64, Vec<(String, i64)>);

fn counted(matches: &Value) -> Vec<Counted> {
    let reason = |reason: &Value| (text(reason, "code"), reason["points"].as_i64().unwrap());
    let name = |found: &Value| match found.get("listing") {
        Some(listing) => text(listing, "title"),
        None => text(&found["creatorProfile"]["partner"], "handle"),
    };
    let all = matches.as_array().unwrap().iter();
    all.map(|found| {
        let reasons = found["reasons"].as_array().unwrap().iter().map(reason).collect();
        (name(found), found["points"].as_i64().unwrap(), reasons)
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
async fn a_program_is_shown_who_suits_it(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let world = world(&app).await;
        let owner = &world.market.owner;
        let half = json!([{ "country": "DE", "percent": "50" }, { "country": "US", "percent": "50" }]);
        let (rob, rob_partner) = creator(&app, "rob", "tea", 20_000, half.clone()).await;
        let (kim, kim_partner) = creator(&app, "kim", "yoga", 500, json!([])).await;
        let (sam, sam_partner) = creator(&app, "sam", "tea", 5_000_000, half.clone()).await;
        let (eve, eve_partner) = creator(&app, "eve", "tea", 5_000_000, half.clone()).await;
        creator(
            &app,
            "tom",
            "tea",
            5_000_000,
            json!([{ "country": "US", "percent": "100" }]),
        )
        .await;
        // Sam takes no work, Eve shows herself to nobody any more, Mia is in the program already, and Tom's audience is
        // elsewhere.
        let closed = json!({ "partnerId": sam_partner.id, "patch": { "availability": "CLOSED" } });
        app.done(&sam, "updateCreatorProfile", closed, "creatorProfile { id }")
            .await;
        let private = json!({ "partnerId": eve_partner.id });
        app.done(&eve, "hideCreatorProfile", private, "creatorProfile { id }")
            .await;
        publish(&app, &world.mia.user, &world.mia.partner, "tea", 5_000_000, half).await;
        let rob_travels = app.join(&world.market, &world.travel, &rob, &rob_partner, None).await;
        let rob_drinks = app
            .join(&world.market, &world.other_tea, &rob, &rob_partner, None)
            .await;
        app.join(&world.market, &world.travel, &kim, &kim_partner, None).await;
        app.index().await;
        let recommended = async || {
            let variables = json!({ "id": world.tea.id });
            app.graphql_ok(Some(&owner.token), CREATORS, variables, "recommendedCreators")
                .await
        };
        // Rob is about tea 30; half of his audience is where it is open, 20 × 1/2; more than 10,000 follow him 6; in travel with
        // Leo and Ada, 15 × 1/5. Kim is there too.
        let found = recommended().await;
        let rob_is = |points: i64, performance: &[(&str, i64)]| {
            let mut reasons = vec![("CATEGORY", 30)];
            reasons.extend(performance);
            reasons.extend([("COUNTRIES", 10), ("SIZE", 6), ("SHARED_PARTNERS", 3)]);
            named("rob", points, &reasons)
        };
        let kim_is = named("kim", 3, &[("SHARED_PARTNERS", 3)]);
        assert_eq!(counted(&found), [rob_is(49, &[]), kim_is.clone()]);
        let said = |n: usize| text(&found[0]["reasons"][n], "message");
        assert_eq!(said(0), "it is about tea");
        assert_eq!(said(1), "50 % of its audience is where the program is open");
        assert_eq!(said(2), "20000 follow its greatest channel, as it says");
        assert_eq!(said(3), "it is in 1 program with partners of yours");

        // Of 20 sales 12 were of tea: 25 × 12/20.
        app.code(&rob_drinks, "ROBTEA", json!({})).await;
        app.code(&rob_travels, "ROBFAR", json!({})).await;
        for n in 0..20 {
            let code = if n < 12 { "ROBTEA" } else { "ROBFAR" };
            let evidence = json!({ "promoCodes": [code], "customerId": format!("c{n}") });
            app.sale(&world.market, &format!("S-{n}"), "10.00", evidence).await;
        }
        relay::drain(&app.app).await.unwrap();
        measure::measure(&app.app).await.unwrap();
        let found = recommended().await;
        assert_eq!(counted(&found), [rob_is(64, &[("PERFORMANCE", 15)]), kim_is.clone()]);
        assert_eq!(
            found[0]["reasons"][1]["message"],
            "12 of its 20 sales of the last 90 days were of tea"
        );

        // Who was asked is not recommended, nor who is hidden.
        let ask = json!({ "programId": world.tea.id, "invitee": { "partnerId": rob_partner.id } });
        app.done(owner, "inviteToProgram", ask, "programInvitation { id }")
            .await;
        assert_eq!(counted(&recommended().await), [kim_is]);
        let hide = json!({ "brandId": world.market.brand.id, "partnerId": kim_partner.id, "hidden": true });
        app.done(owner, "markCreator", hide, "partner { id }").await;
        assert_eq!(counted(&recommended().await), []);

        // A program is compared by its newest listing; one without any has nothing to go by.
        let bare = app
            .draft_program(owner, &world.market.brand.id, "bare", json!({}))
            .await;
        let none = app
            .graphql_ok(
                Some(&owner.token),
                CREATORS,
                json!({ "id": bare }),
                "recommendedCreators",
            )
            .await;
        assert_eq!(none, json!([]));
        let stranger = app
            .graphql(Some(&rob.token), CREATORS, json!({ "id": world.tea.id }))
            .await;
        assert_eq!(error_code(&stranger), "NOT_FOUND");
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

        let count = async || {
            let counted = app.count_statements(async || {
                let variables = json!({ "id": world.tea.id, "first": 20 });
                let token = Some(world.market.owner.token.as_str());
                app.graphql_ok(token, CREATORS, variables, "recommendedCreators").await;
            });
            counted.await
        };
        let audience = json!([{ "country": "DE", "percent": "100" }]);
        creator(&app, "rob", "tea", 20_000, audience.clone()).await;
        app.index().await;
        let few = count().await;
        for n in 0..12 {
            creator(&app, &format!("creator{n}"), "tea", 20_000, audience.clone()).await;
        }
        app.index().await;
        let many = count().await;
        println!("{database:?}: statements of recommended creators: {few}, with twelve more {many}");
        assert_eq!(few, many);
        assert!(many <= 13, "{many}");
    })
    .await;
}
