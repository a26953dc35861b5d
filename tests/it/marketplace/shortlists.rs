//! What partners mark of listings, and brands of creators.

use chrono::TimeDelta;
use entity::{
    brand_member::BrandRole,
    creator_mark,
    ids::{ListingId, PartnerId},
    listing::{self, ListingState},
    listing_mark, partner,
};
use rstest::rstest;
use sea_orm::{ActiveValue::Set, EntityTrait, PaginatorTrait};
use serde_json::{Value, json};

use crate::support::{
    answer::{error_code, refusal},
    app::{TestApp, with_app},
    builders::{PartnerFixture, User, text},
    database::Database,
    marketplace::{Market, merged},
};

const MARK: &str = "saved savedAt hidden hiddenAt note notedAt";

async fn mark(app: &TestApp, user: &User, partner: &str, listing: &str, marks: Value) -> Value {
    let input = merged(json!({ "partnerId": partner, "listingId": listing }), marks);
    app.mutation(Some(&user.token), "markListing", input, "listing { title }")
        .await
}

async fn mark_creator(app: &TestApp, user: &User, brand: &str, partner: &str, marks: Value) -> Value {
    let input = merged(json!({ "brandId": brand, "partnerId": partner }), marks);
    app.mutation(Some(&user.token), "markCreator", input, "partner { handle }")
        .await
}

/// The mark of a listing as somebody sees it.
async fn seen(app: &TestApp, token: Option<&str>, partner: &str, listing: &str) -> Value {
    let query = format!(
        "query ($id: ID!, $partner: ID!) {{ node(id: $id) {{ ... on Listing {{ mark(partnerId: $partner) {{ {MARK} }} }} }} }}"
    );
    let variables = json!({ "id": listing, "partner": partner });
    app.graphql_ok(token, &query, variables, "node.mark").await
}

/// The titles of what a partner marked.
async fn listed(app: &TestApp, user: &User, partner: &str, kind: &str) -> Vec<String> {
    let query = "query ($id: ID!, $kind: MarkKind!) { partner(id: $id) {
        listingMarks(kind: $kind) { totalCount nodes { listing { title } } } } }";
    let variables = json!({ "id": partner, "kind": kind });
    let page = app
        .graphql_ok(Some(&user.token), query, variables, "partner.listingMarks")
        .await;
    let nodes = page["nodes"].as_array().unwrap();
    assert_eq!(page["totalCount"], nodes.len());
    nodes.iter().map(|node| text(&node["listing"], "title")).collect()
}

/// A market with a second program, and a partner with a second person.
struct World {
    market: Market,
    /// The listings of its two programs, and their programs.
    first: (String, String),
    second: (String, String),
    creator: User,
    assistant: User,
    partner: PartnerFixture,
}

impl World {
    async fn new(app: &TestApp) -> Self {
        let market = app.market("aurora").await;
        let other = app
            .program(&market.owner, &market.brand.id, "borealis", json!({}))
            .await;
        let creator = app.sign_up("creator").await;
        let partner = app.partner(&creator, "creator").await;
        let assistant = app.sign_up("assistant").await;
        app.db_partner_member(&partner.id, &assistant.id).await;
        Self {
            first: (market.program.listing.clone(), market.program.id.clone()),
            second: (other.listing, other.id),
            market,
            creator,
            assistant,
            partner,
        }
    }

    async fn mark(&self, app: &TestApp, listing: &str, marks: Value) {
        let answer = mark(app, &self.creator, &self.partner.id, listing, marks).await;
        assert!(answer["data"]["markListing"]["listing"].is_object(), "{answer:#}");
        app.advance(TimeDelta::seconds(1));
    }

    async fn listed(&self, app: &TestApp, kind: &str) -> Vec<String> {
        listed(app, &self.creator, &self.partner.id, kind).await
    }
}

#[rstest]
#[tokio::test]
async fn a_partner_saves_hides_and_notes(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let world = World::new(&app).await;
        let (first, second) = (&world.first.0, &world.second.0);
        let token = Some(&*world.creator.token);
        let own = async |listing: &str| seen(&app, token, &world.partner.id, listing).await;
        assert_eq!(own(first).await, Value::Null);

        world
            .mark(&app, first, json!({ "saved": true, "note": "  Ask for\r\nsamples. " }))
            .await;
        let whole = json!({
            "saved": true, "savedAt": "2026-01-15T12:00:00+00:00", "hidden": false, "hiddenAt": null,
            "note": "Ask for\nsamples.", "notedAt": "2026-01-15T12:00:00+00:00",
        });
        assert_eq!(own(first).await, whole);
        // The same again, and nothing at all, change nothing.
        world
            .mark(&app, first, json!({ "saved": true, "note": "Ask for\nsamples." }))
            .await;
        world.mark(&app, first, json!({})).await;
        assert_eq!(own(first).await, whole);

        world.mark(&app, second, json!({ "saved": true, "hidden": true })).await;
        assert_eq!(world.listed(&app, "SAVED").await, ["borealis", "aurora"]);
        assert_eq!(world.listed(&app, "HIDDEN").await, ["borealis"]);
        assert_eq!(world.listed(&app, "NOTED").await, ["aurora"]);
        // Saved anew it stands in front; another note is a new one.
        world.mark(&app, first, json!({ "saved": false })).await;
        assert_eq!(world.listed(&app, "SAVED").await, ["borealis"]);
        world.mark(&app, first, json!({ "saved": true })).await;
        assert_eq!(world.listed(&app, "SAVED").await, ["aurora", "borealis"]);
        world.mark(&app, second, json!({ "note": "Later." })).await;
        assert_eq!(world.listed(&app, "NOTED").await, ["borealis", "aurora"]);

        // What says nothing is not kept.
        world.mark(&app, first, json!({ "saved": false, "note": null })).await;
        assert_eq!(own(first).await, Value::Null);
        world
            .mark(&app, first, json!({ "saved": false, "hidden": false, "note": null }))
            .await;
        assert_eq!(listing_mark::Entity::find().count(app.db()).await.unwrap(), 1);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn marks_are_their_owners_own(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let world = World::new(&app).await;
        let (listing, partner) = (&world.first.0, &world.partner.id);
        world.mark(&app, listing, json!({ "note": "Too cheap." })).await;
        let shared = seen(&app, Some(&world.assistant.token), partner, listing).await;
        assert_eq!(shared["note"], "Too cheap.");
        let admin = app.sign_up("admin").await;
        app.db_platform_admin(&admin.id).await;
        let stranger = app.sign_up("stranger").await;
        let other = app.partner(&stranger, "stranger").await;
        for token in [
            None,
            Some(&*world.market.owner.token),
            Some(&*world.market.key.secret),
            Some(&*admin.token),
            Some(&*stranger.token),
        ] {
            assert_eq!(seen(&app, token, partner, listing).await, Value::Null, "{token:?}");
        }
        let foreign = mark(&app, &stranger, partner, listing, json!({ "saved": true })).await;
        assert_eq!(error_code(&foreign), "NOT_FOUND");
        // One's own is another row.
        mark(&app, &stranger, &other.id, listing, json!({ "saved": true })).await;
        assert_eq!(world.listed(&app, "SAVED").await, [""; 0]);
        assert_eq!(listed(&app, &stranger, &other.id, "SAVED").await, ["aurora"]);
        // The brand's log says nothing of it.
        let log = "query ($id: ID!) { brand(id: $id) { auditLog(first: 100) { nodes { action } } } }";
        let variables = json!({ "id": world.market.brand.id });
        let log = app
            .graphql_ok(Some(&world.market.owner.token), log, variables, "brand.auditLog.nodes")
            .await;
        assert!(!log.to_string().contains("mark"), "{log:#}");
    })
    .await;
}

const SEARCH: &str = "query ($partner: ID, $where: ListingWhere, $first: Int, $after: String) {
    marketplaceListings(forPartnerId: $partner, where: $where, first: $first, after: $after) {
        totalCount nodes { title } pageInfo { hasNextPage endCursor } } }";

#[rstest]
#[tokio::test]
async fn what_is_hidden_is_not_found(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let world = World::new(&app).await;
        app.advance(TimeDelta::seconds(1));
        app.program(&world.market.owner, &world.market.brand.id, "corona", json!({}))
            .await;
        let titles = async |variables: Value| {
            let page = app
                .graphql_ok(Some(&world.creator.token), SEARCH, variables, "marketplaceListings")
                .await;
            let nodes = page["nodes"].as_array().unwrap();
            assert_eq!(page["totalCount"], nodes.len());
            let mut titles: Vec<String> = nodes.iter().map(|node| text(node, "title")).collect();
            titles.sort_unstable();
            titles
        };
        let own = json!({ "partner": world.partner.id });
        world.mark(&app, &world.second.0, json!({ "hidden": true })).await;
        assert_eq!(titles(own.clone()).await, ["aurora", "corona"]);
        let by_name = merged(own.clone(), json!({ "where": { "text": "borealis" } }));
        assert_eq!(titles(by_name).await, [""; 0]);
        // It is there for all others, and by its id.
        assert_eq!(titles(json!({})).await, ["aurora", "borealis", "corona"]);
        let mark = seen(&app, Some(&world.creator.token), &world.partner.id, &world.second.0).await;
        assert_eq!(mark["hidden"], true);
        // Pages are full, and the last one knows it is the last.
        let page = app
            .graphql_ok(
                Some(&world.creator.token),
                SEARCH,
                merged(own.clone(), json!({ "first": 2 })),
                "marketplaceListings",
            )
            .await;
        assert_eq!(page["nodes"].as_array().unwrap().len(), 2);
        assert_eq!(page["pageInfo"]["hasNextPage"], false);
        world.mark(&app, &world.second.0, json!({ "hidden": false })).await;
        assert_eq!(titles(own.clone()).await, ["aurora", "borealis", "corona"]);

        let stranger = app.sign_up("stranger").await;
        let foreign = app.graphql(Some(&stranger.token), SEARCH, own.clone()).await;
        assert_eq!(error_code(&foreign), "NOT_FOUND");
        assert_eq!(error_code(&app.graphql(None, SEARCH, own).await), "UNAUTHENTICATED");
        let nonsense = json!({ "partner": world.market.brand.id });
        assert_eq!(error_code(&app.graphql(None, SEARCH, nonsense).await), "BAD_USER_INPUT");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn what_is_no_longer_open_is_left_out(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let world = World::new(&app).await;
        let owner = &world.market.owner;
        for (listing, _) in [&world.first, &world.second] {
            world
                .mark(&app, listing, json!({ "saved": true, "note": "Nice." }))
                .await;
        }
        app.done(owner, "pauseListing", json!({ "id": world.first.0 }), "listing { id }")
            .await;
        app.done(owner, "pauseProgram", json!({ "id": world.second.1 }), "program { id }")
            .await;
        assert_eq!(world.listed(&app, "SAVED").await, [""; 0]);
        assert_eq!(world.listed(&app, "NOTED").await, [""; 0]);
        let unseen = mark(
            &app,
            &world.creator,
            &world.partner.id,
            &world.first.0,
            json!({ "saved": false }),
        )
        .await;
        assert_eq!(error_code(&unseen), "NOT_FOUND");
        app.done(
            owner,
            "publishListing",
            json!({ "id": world.first.0 }),
            "listing { id }",
        )
        .await;
        assert_eq!(world.listed(&app, "SAVED").await, ["aurora"]);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_brand_marks_creators_among_its_own(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let world = World::new(&app).await;
        let (brand, creator) = (&world.market.brand.id, &world.partner.id);
        let owner = &world.market.owner;
        let second_user = app.sign_up("second").await;
        let second = app.partner(&second_user, "second").await;
        mark_creator(&app, owner, brand, creator, json!({ "saved": true, "note": "Great reels." })).await;
        app.advance(TimeDelta::seconds(1));
        mark_creator(&app, owner, brand, &second.id, json!({ "saved": true, "hidden": true })).await;
        let analyst = app.sign_up("analyst").await;
        app.db_member(brand, &analyst.id, BrandRole::Analyst).await;
        let list = format!(
            "query ($id: ID!, $brand: ID!, $kind: MarkKind!) {{ brand(id: $id) {{ creatorMarks(kind: $kind) {{ totalCount
                nodes {{ {MARK} partner {{ handle mark(brandId: $brand) {{ saved hidden note }} }} }} }} }} }}"
        );
        let marks = async |user: &User, kind: &str| {
            let variables = json!({ "id": brand, "brand": brand, "kind": kind });
            app.graphql_ok(Some(&user.token), &list, variables, "brand.creatorMarks").await
        };
        let saved = marks(&analyst, "SAVED").await;
        assert_eq!(saved["totalCount"], 2);
        assert_eq!(saved["nodes"][0]["partner"]["handle"], "second");
        assert_eq!(
            saved["nodes"][1],
            json!({
                "saved": true, "savedAt": "2026-01-15T12:00:00+00:00", "hidden": false, "hiddenAt": null,
                "note": "Great reels.", "notedAt": "2026-01-15T12:00:00+00:00",
                "partner": { "handle": "creator", "mark": { "saved": true, "hidden": false, "note": "Great reels." } },
            })
        );
        assert_eq!(marks(owner, "HIDDEN").await["nodes"].as_array().unwrap().len(), 1);
        // To look is everybody's, to mark is not.
        let refused = mark_creator(&app, &analyst, brand, creator, json!({ "saved": false })).await;
        assert_eq!(error_code(&refused), "FORBIDDEN");

        // Neither the creator nor another brand learns of it.
        let other_owner = app.sign_up("other-owner").await;
        let other = app.brand(&other_owner, "other").await;
        let query = "query ($id: ID!, $brand: ID!) { partner(id: $id) { mark(brandId: $brand) { note } } }";
        let variables = json!({ "id": creator, "brand": brand });
        let by_creator = app
            .graphql_ok(Some(&world.creator.token), query, variables, "partner.mark")
            .await;
        assert_eq!(by_creator, Value::Null);
        mark_creator(&app, &other_owner, &other.id, creator, json!({ "hidden": true })).await;
        let foreign = mark_creator(&app, &other_owner, brand, creator, json!({ "hidden": true })).await;
        assert_eq!(error_code(&foreign), "NOT_FOUND");
        let variables = json!({ "id": other.id, "brand": brand, "kind": "HIDDEN" });
        let theirs = app
            .graphql_ok(Some(&other_owner.token), &list, variables, "brand.creatorMarks")
            .await;
        assert_eq!(theirs["totalCount"], 1);
        assert_eq!(theirs["nodes"][0]["partner"], json!({ "handle": "creator", "mark": null }));
        let nobody = "partner_00000000000000000000000000";
        let missing = mark_creator(&app, owner, brand, nobody, json!({ "saved": true })).await;
        assert_eq!(error_code(&missing), "NOT_FOUND");
        for creator in [creator, &second.id] {
            let nothing = json!({ "saved": false, "hidden": false, "note": null });
            mark_creator(&app, owner, brand, creator, nothing).await;
        }
        assert_eq!(creator_mark::Entity::find().count(app.db()).await.unwrap(), 1);
    })
    .await;
}

/// Marks of this many listings of a program, in a state in which a program may have many.
async fn db_marks(app: &TestApp, world: &World, count: u32, state: ListingState, hidden: bool) {
    let (program, brand) = (world.first.1.parse().unwrap(), world.market.brand.id.parse().unwrap());
    let now = app.now();
    let (mut listings, mut marks) = (Vec::new(), Vec::new());
    for n in 0..count {
        let id: ListingId = app.app.ids.new_id(now);
        listings.push(listing::ActiveModel::from(listing::Model {
            id,
            program_id: program,
            brand_id: brand,
            state,
            title: format!("Old {n}"),
            pitch: "Gone.".to_owned(),
            category: "general".to_owned(),
            countries: String::new(),
            payout_methods: String::new(),
            featured_until: None,
            search_text: String::new(),
            created_at: now,
            published_at: None,
        }));
        let place = app.app.ids.uuid(now);
        marks.push(listing_mark::ActiveModel::from(listing_mark::Model {
            id: app.app.ids.new_id(now),
            partner_id: world.partner.id.parse().unwrap(),
            listing_id: id,
            saved_id: (!hidden).then_some(place),
            saved_at: (!hidden).then_some(now),
            hidden_id: hidden.then_some(place),
            hidden_at: hidden.then_some(now),
            note: None,
            noted_id: None,
            noted_at: None,
        }));
    }
    for chunk in listings.chunks(500) {
        let insert = listing::Entity::insert_many(chunk.to_vec());
        insert.exec_without_returning(app.db_writer()).await.unwrap();
    }
    for chunk in marks.chunks(500) {
        let insert = listing_mark::Entity::insert_many(chunk.to_vec());
        insert.exec_without_returning(app.db_writer()).await.unwrap();
    }
}

#[rstest]
#[tokio::test]
async fn marks_have_bounds(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let world = World::new(&app).await;
        let (listing, partner) = (&world.first.0, &world.partner.id);
        let marked = async |marks: Value| mark(&app, &world.creator, partner, listing, marks).await;
        for note in ["", "  \n ", "a\u{7}", &"x".repeat(2_001)] {
            assert_eq!(
                refusal(&marked(json!({ "note": note })).await),
                "NOTE_INVALID",
                "{note:?}"
            );
        }
        let nul = marked(json!({ "note": "a\u{0}" })).await;
        assert_eq!(error_code(&nul), "BAD_USER_INPUT");
        let whole = "🚀".repeat(2_000);
        assert!(marked(json!({ "note": whole })).await["data"]["markListing"]["listing"].is_object());
        for nothing in [json!({ "saved": null }), json!({ "hidden": null })] {
            assert_eq!(error_code(&marked(nothing).await), "BAD_USER_INPUT");
        }
        // Archived ones can never be found again, and do not count.
        db_marks(&app, &world, 1_000, ListingState::Archived, true).await;
        assert!(marked(json!({ "hidden": true })).await["data"]["markListing"]["listing"].is_object());
        marked(json!({ "hidden": false })).await;
        // With the note, 1,001 of 5,000.
        db_marks(&app, &world, 3_999, ListingState::Archived, false).await;
        let over = mark(&app, &world.creator, partner, &world.second.0, json!({ "saved": true })).await;
        assert_eq!(refusal(&over), "TOO_MANY_MARKS");
        // What is marked can be marked otherwise, and taken away.
        assert!(marked(json!({ "saved": true })).await["data"]["markListing"]["listing"].is_object());
        marked(json!({ "saved": false, "note": null })).await;
        let under = mark(&app, &world.creator, partner, &world.second.0, json!({ "saved": true })).await;
        assert!(under["data"]["markListing"]["listing"].is_object(), "{under:#}");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_thousand_creators_are_hidden_at_most(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let world = World::new(&app).await;
        let (brand, owner) = (&world.market.brand.id, &world.market.owner);
        let now = app.now();
        let (mut partners, mut marks) = (Vec::new(), Vec::new());
        for n in 0..1_000 {
            let id: PartnerId = app.app.ids.new_id(now);
            partners.push(partner::ActiveModel {
                id: Set(id),
                handle: Set(format!("hidden-{n}")),
                display_name: Set("Hidden".to_owned()),
                created_at: Set(now),
                ..Default::default()
            });
            marks.push(creator_mark::ActiveModel {
                id: Set(app.app.ids.new_id(now)),
                brand_id: Set(brand.parse().unwrap()),
                partner_id: Set(id),
                hidden_id: Set(Some(app.app.ids.uuid(now))),
                hidden_at: Set(Some(now)),
                ..Default::default()
            });
        }
        let insert = partner::Entity::insert_many(partners);
        insert.exec_without_returning(app.db_writer()).await.unwrap();
        let insert = creator_mark::Entity::insert_many(marks);
        insert.exec_without_returning(app.db_writer()).await.unwrap();
        let marked = async |marks: Value| mark_creator(&app, owner, brand, &world.partner.id, marks).await;
        assert_eq!(refusal(&marked(json!({ "hidden": true })).await), "TOO_MANY_HIDDEN");
        // To save and to note is another matter.
        let saved = marked(json!({ "saved": true, "note": "Later." })).await;
        assert!(saved["data"]["markCreator"]["partner"].is_object(), "{saved:#}");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_page_of_marks_costs_a_few_statements(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let world = World::new(&app).await;
        for n in 0..10 {
            let program = app
                .program(
                    &world.market.owner,
                    &world.market.brand.id,
                    &format!("Program {n}"),
                    json!({}),
                )
                .await;
            world
                .mark(&app, &program.listing, json!({ "saved": true, "note": "Nice." }))
                .await;
        }
        let query = "query ($id: ID!, $first: Int, $after: String) { partner(id: $id) {
            listingMarks(kind: SAVED, first: $first, after: $after) { pageInfo { endCursor } nodes {
                listing { title brand { name } program { name } mark(partnerId: $id) { note } } } } } }";
        let mut counts = Vec::new();
        for first in [2, 10] {
            let variables = json!({ "id": world.partner.id, "first": first });
            let count = app
                .count_statements(async || {
                    let path = "partner.listingMarks.nodes";
                    let nodes = app.graphql_ok(Some(&world.creator.token), query, variables, path).await;
                    assert_eq!(nodes.as_array().unwrap().len(), first);
                })
                .await;
            counts.push(count);
        }
        println!("{database:?}: statements of a page of marks: {counts:?}");
        assert!(counts[0].abs_diff(counts[1]) <= 1 && counts[1] <= 9, "{counts:?}");
        // Pages go on behind their cursor.
        let mut seen = Vec::new();
        let mut after = Value::Null;
        for _ in 0..4 {
            let variables = json!({ "id": world.partner.id, "first": 3, "after": after });
            let page = app
                .graphql_ok(Some(&world.creator.token), query, variables, "partner.listingMarks")
                .await;
            let nodes = page["nodes"].as_array().unwrap();
            seen.extend(nodes.iter().map(|node| text(&node["listing"], "title")));
            after = page["pageInfo"]["endCursor"].clone();
        }
        let newest_first: Vec<String> = (0..10).rev().map(|n| format!("Program {n}")).collect();
        assert_eq!(seen, newest_first);
    })
    .await;
}
