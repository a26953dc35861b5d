//! All feeds: what they carry, whom they end for, what their filters keep, and what becomes of a slow reader.

use std::time::Duration;

use chrono::TimeDelta;
use entity::{brand_member, ids::UserId, partner_member};
use rstest::rstest;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use tokio::time::timeout;
use tributary::{feed::Limits, outbox};

use crate::support::{
    answer::{error_code, error_codes},
    app::{LazyEvents, TestApp, with_app, with_app_and},
    builders::{User, text},
    database::Database,
    marketplace::{Market, Promoter},
    socket::{Served, Socket},
};

/// The cursor in front of everything.
const START: &str = "AAAAAAAAAAA";

/// Reads `count` events of a feed behind a cursor: what `shown` makes of each, and the last cursor.
async fn read(
    socket: &mut Socket,
    (feed, owner, selection): (&str, &str, &str),
    id: &str,
    after: &str,
    count: usize,
) -> (Vec<Value>, String) {
    let event = format!(
        "{}{}FeedEvent",
        &feed[..1].to_uppercase(),
        feed[1..].trim_end_matches("Feed")
    );
    let document = format!(
        "subscription ($id: ID!, $after: String) {{ {feed}({owner}: $id, after: $after) {{
            ... on {event} {{ cursor {selection} }} }} }}"
    );
    socket
        .subscribe(feed, &document, json!({ "id": id, "after": after }))
        .await;
    let (mut events, mut cursor) = (Vec::new(), String::new());
    for _ in 0..count {
        let event = socket.next_data(feed).await[feed].clone();
        cursor = text(&event, "cursor");
        events.push(event);
    }
    socket.complete(feed).await;
    (events, cursor)
}

/// 10 % of 100.00 for the seller, 2 % for the recruiter, 10 % kept in reserve; a quarter comes back after approval.
#[rstest]
#[tokio::test]
async fn a_recruiter_watches_its_earnings(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        app.two_levels(&market.owner, &market.program.id).await;
        let top = app.promoter(&market, "top", None).await;
        let seller = app.promoter(&market, "seller", Some(&top)).await;
        app.code(&seller, "SELLER", json!({})).await;
        let sale = app
            .sale(&market, "A-1", "100.00", json!({ "promoCodes": ["SELLER"] }))
            .await;
        app.approve(&market, &sale).await;
        app.refund(&market, "A-1", 1, "25.00").await;
        outbox::relay::drain(&app.app).await.unwrap();

        let served = app.serve().await;
        let mut socket = served.connect().await;
        socket.init(Some(&top.user.token)).await;
        let feed = (
            "earningsFeed",
            "partnerId",
            "kind commission { level amount { amount } reversed { amount } }",
        );
        let (events, cursor) = read(&mut socket, feed, &top.partner.id, START, 3).await;
        let kinds: Vec<&Value> = events.iter().map(|event| &event["kind"]).collect();
        assert_eq!(kinds, ["ACCRUED", "APPROVED", "REVERSED"]);
        assert_eq!(
            events[2]["commission"],
            json!({ "level": 1, "amount": { "amount": "2.00" }, "reversed": { "amount": "0.50" } })
        );

        // What is paid comes behind the cursor, and nothing else again.
        let input = json!({ "idempotencyKey": "p", "partnershipId": top.partnership, "currency": "EUR" });
        let payout = text(
            &app.done(&market.owner, "createPayout", input, "payout { id }").await["payout"],
            "id",
        );
        app.done(&market.owner, "approvePayout", json!({ "id": payout }), "payout { id }")
            .await;
        let input = json!({ "idempotencyKey": "paid", "id": payout, "reference": "R-1" });
        app.done(&market.owner, "markPayoutPaid", input, "payout { id }").await;
        outbox::relay::drain(&app.app).await.unwrap();
        let (events, _) = read(&mut socket, feed, &top.partner.id, &cursor, 1).await;
        assert_eq!(events[0]["kind"], "PAID");

        // The brand sees the payout's way; the other partner's feed is closed to this one.
        let mut brand = served.connect().await;
        brand.init(Some(&market.owner.token)).await;
        let feed = ("payoutFeed", "brandId", "payout { id state }");
        let (events, _) = read(&mut brand, feed, &market.brand.id, START, 3).await;
        assert!(
            events
                .iter()
                .all(|event| event["payout"] == json!({ "id": payout, "state": "PAID" })),
            "{events:?}"
        );
        let feed = (
            "applicationFeed",
            "brandId",
            "kind application { partner { handle } state }",
        );
        let (events, _) = read(&mut brand, feed, &market.brand.id, START, 4).await;
        let seen: Vec<(&str, &str)> = events
            .iter()
            .map(|event| {
                let handle = event["application"]["partner"]["handle"].as_str().unwrap();
                (event["kind"].as_str().unwrap(), handle)
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("SUBMITTED", "top"),
                ("DECIDED", "top"),
                ("SUBMITTED", "seller"),
                ("DECIDED", "seller")
            ]
        );
    })
    .await;
}

/// Field, argument, and what an event is of.
const FEEDS: [(&str, &str, &str); 5] = [
    ("conversionFeed", "brandId", "ConversionFeedEvent"),
    ("applicationFeed", "brandId", "ApplicationFeedEvent"),
    ("payoutFeed", "brandId", "PayoutFeedEvent"),
    ("messageFeed", "brandId", "MessageFeedEvent"),
    ("earningsFeed", "partnerId", "EarningsFeedEvent"),
];
const BRAND_FEEDS: [&str; 4] = ["conversionFeed", "applicationFeed", "payoutFeed", "messageFeed"];
const QUIET: Duration = Duration::from_millis(300);

/// A brand with a seller who has something to be paid, and a second person in each team.
struct World {
    market: Market,
    seller: Promoter,
    /// Of the brand's team.
    analyst: User,
    /// Of the seller's team.
    assistant: User,
    happened: u32,
}

impl World {
    async fn new(app: &TestApp) -> Self {
        let market = app.market("aurora").await;
        let seller = app.promoter(&market, "seller", None).await;
        app.code(&seller, "SELLER", json!({})).await;
        let sale = app
            .sale(&market, "A-0", "100.00", json!({ "promoCodes": ["SELLER"] }))
            .await;
        app.approve(&market, &sale).await;
        let analyst = app.sign_up("analyst").await;
        let assistant = app.sign_up("assistant").await;
        let mut world = Self {
            market,
            seller,
            analyst,
            assistant,
            happened: 0,
        };
        world.join_teams(app).await;
        outbox::relay::drain(&app.app).await.unwrap();
        world
    }

    async fn join_teams(&mut self, app: &TestApp) {
        app.db_member(&self.market.brand.id, &self.analyst.id, brand_member::BrandRole::Admin)
            .await;
        let member = partner_member::ActiveModel {
            id: Set(app.app.ids.new_id(app.now())),
            partner_id: Set(self.seller.partner.id.parse().unwrap()),
            user_id: Set(self.assistant.id.parse().unwrap()),
            created_at: Set(app.now()),
        };
        partner_member::Entity::insert(member)
            .exec_without_returning(app.db_writer())
            .await
            .unwrap();
    }

    /// One event for each feed: a sale by the seller, an application, a message, a drafted payout; the payout is cancelled,
    /// which is a second event of its feed.
    async fn happen(&mut self, app: &TestApp) {
        self.happened += 1;
        let n = self.happened;
        app.sale(
            &self.market,
            &format!("A-{n}"),
            "10.00",
            json!({ "promoCodes": ["SELLER"] }),
        )
        .await;
        let user = app.sign_up(&format!("applicant-{n}")).await;
        let partner = app.partner(&user, &format!("applicant-{n}")).await;
        let input = json!({
            "partnerId": partner.id, "programId": self.market.program.id, "message": "hello", "acceptedTermsVersion": 1,
        });
        let applied = app.done(&user, "applyToProgram", input, "application { id }").await;
        let about = json!({ "applicationId": applied["application"]["id"] });
        let input = json!({ "idempotencyKey": format!("m-{n}"), "about": about, "body": "hello" });
        app.done(&user, "sendMessage", input, "message { id }").await;
        let input = json!({
            "idempotencyKey": format!("p-{n}"), "partnershipId": self.seller.partnership, "currency": "EUR",
        });
        let owner = &self.market.owner;
        let made = app.done(owner, "createPayout", input, "payout { id }").await;
        let input = json!({ "idempotencyKey": format!("c-{n}"), "id": made["payout"]["id"], "reason": "test" });
        app.done(owner, "cancelPayout", input, "payout { state }").await;
        outbox::relay::drain(&app.app).await.unwrap();
    }

    /// Subscribes to some feeds on one socket.
    async fn watch(&self, served: &Served, token: &str, feeds: &[&str]) -> Socket {
        let mut socket = served.connect().await;
        socket.init(Some(token)).await;
        for (feed, argument, event) in FEEDS.iter().filter(|(feed, ..)| feeds.contains(feed)) {
            let document = format!(
                "subscription ($id: ID!) {{ {feed}({argument}: $id) {{ __typename ... on {event} {{ cursor }} }} }}"
            );
            socket
                .subscribe(feed, &document, json!({ "id": self.place(argument) }))
                .await;
        }
        assert!(socket.is_quiet(QUIET).await, "an old event came");
        socket
    }

    fn place(&self, argument: &str) -> &str {
        match argument {
            "brandId" => &self.market.brand.id,
            _ => &self.seller.partner.id,
        }
    }
}

/// Reads what one happening brings to these feeds.
async fn hear(socket: &mut Socket, feeds: &[&str]) {
    let mut heard: Vec<String> = Vec::new();
    let count = feeds.len() + usize::from(feeds.contains(&"payoutFeed"));
    for _ in 0..count {
        let message = socket.next().await;
        let feed = text(&message, "id");
        assert!(message["payload"]["data"][&feed]["cursor"].is_string(), "{message:#}");
        heard.push(feed);
    }
    assert!(
        feeds.iter().all(|feed| heard.iter().any(|heard| heard == feed)),
        "{heard:?}"
    );
}

/// Every feed ends with this code and without another event, and then there is silence.
async fn ends(socket: &mut Socket, feeds: &[&str], code: &str) {
    let (mut refused, mut completed) = (Vec::new(), Vec::new());
    while completed.len() < feeds.len() {
        let message = socket.next().await;
        let feed = text(&message, "id");
        if message["type"] == "complete" {
            assert!(refused.contains(&feed), "it ended without a word: {message:#}");
            completed.push(feed);
            continue;
        }
        assert_eq!(error_code(&message["payload"]), code, "{message:#}");
        assert_eq!(message["payload"]["data"][&feed], Value::Null, "{message:#}");
        refused.push(feed);
    }
    completed.sort_unstable();
    let mut wanted = feeds.to_vec();
    wanted.sort_unstable();
    assert_eq!(completed, wanted);
    assert!(socket.is_quiet(QUIET).await);
}

async fn db_leave_brand(app: &TestApp, user: &User) {
    let user: UserId = user.id.parse().unwrap();
    brand_member::Entity::delete_many()
        .filter(brand_member::Column::UserId.eq(user))
        .exec(app.db_writer())
        .await
        .unwrap();
}

async fn db_leave_partner(app: &TestApp, user: &User) {
    let user: UserId = user.id.parse().unwrap();
    partner_member::Entity::delete_many()
        .filter(partner_member::Column::UserId.eq(user))
        .exec(app.db_writer())
        .await
        .unwrap();
}

#[rstest]
#[tokio::test]
async fn who_leaves_a_team_hears_no_more(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let mut world = World::new(&app).await;
        let served = app.serve().await;
        let mut brand = world.watch(&served, &world.analyst.token, &BRAND_FEEDS).await;
        let mut partner = world.watch(&served, &world.assistant.token, &["earningsFeed"]).await;
        let document = "subscription ($id: ID!) { applicationFeed(brandId: $id) {
            ... on ApplicationFeedEvent { cursor } } }";
        let variables = json!({ "id": world.market.brand.id });
        let mut stream = served.event_stream(&world.analyst.token, document, variables).await;
        // It begins at the end of the log, and must be there before something happens.
        tokio::time::sleep(QUIET).await;
        world.happen(&app).await;
        hear(&mut brand, &BRAND_FEEDS).await;
        hear(&mut partner, &["earningsFeed"]).await;
        assert!(stream.next().await["data"]["applicationFeed"]["cursor"].is_string());

        db_leave_brand(&app, &world.analyst).await;
        db_leave_partner(&app, &world.assistant).await;
        world.happen(&app).await;
        ends(&mut brand, &BRAND_FEEDS, "NOT_FOUND").await;
        ends(&mut partner, &["earningsFeed"], "NOT_FOUND").await;
        let told = stream.next().await;
        assert_eq!(error_code(&told), "NOT_FOUND");
        assert_eq!(told["data"]["applicationFeed"], Value::Null);
        // What went on meanwhile is closed to them too.
        world.happen(&app).await;
        assert!(brand.is_quiet(QUIET).await);
        assert!(partner.is_quiet(QUIET).await);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_feed_ends_with_its_session(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let mut world = World::new(&app).await;
        let served = app.serve().await;
        let mut brand = world.watch(&served, &world.analyst.token, &BRAND_FEEDS).await;
        let mut partner = world.watch(&served, &world.assistant.token, &["earningsFeed"]).await;
        world.happen(&app).await;
        hear(&mut brand, &BRAND_FEEDS).await;
        hear(&mut partner, &["earningsFeed"]).await;
        for user in [&world.analyst, &world.assistant] {
            let input = json!({ "refreshToken": user.refresh_token });
            app.done(user, "signOut", input, "__typename").await;
        }
        world.happen(&app).await;
        ends(&mut brand, &BRAND_FEEDS, "UNAUTHENTICATED").await;
        ends(&mut partner, &["earningsFeed"], "UNAUTHENTICATED").await;
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_feed_ends_with_its_token_or_key(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let mut world = World::new(&app).await;
        let served = app.serve().await;
        let key = app.secret_key(&world.market.owner, &world.market.brand.id).await;
        let mut server = world.watch(&served, &key.secret, &["conversionFeed"]).await;
        let mut brand = world.watch(&served, &world.analyst.token, &BRAND_FEEDS).await;
        let mut partner = world.watch(&served, &world.assistant.token, &["earningsFeed"]).await;
        world.happen(&app).await;
        hear(&mut server, &["conversionFeed"]).await;
        hear(&mut brand, &BRAND_FEEDS).await;
        hear(&mut partner, &["earningsFeed"]).await;
        let input = json!({ "id": key.id });
        app.done(&world.market.owner, "revokeApiKey", input, "apiKey { id }")
            .await;
        world.happen(&app).await;
        ends(&mut server, &["conversionFeed"], "UNAUTHENTICATED").await;
        hear(&mut brand, &BRAND_FEEDS).await;
        hear(&mut partner, &["earningsFeed"]).await;

        // A token runs out in silence too.
        app.advance(TimeDelta::minutes(16));
        ends(&mut brand, &BRAND_FEEDS, "UNAUTHENTICATED").await;
        ends(&mut partner, &["earningsFeed"], "UNAUTHENTICATED").await;
        app.sign_in_again(&mut world.market.owner).await;
        world.happen(&app).await;
        assert!(brand.is_quiet(QUIET).await);
        assert!(partner.is_quiet(QUIET).await);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn an_admin_who_becomes_an_analyst_begins_anew(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let mut world = World::new(&app).await;
        let served = app.serve().await;
        let mut brand = world.watch(&served, &world.analyst.token, &BRAND_FEEDS).await;
        db_leave_brand(&app, &world.analyst).await;
        app.db_member(
            &world.market.brand.id,
            &world.analyst.id,
            brand_member::BrandRole::Analyst,
        )
        .await;
        world.happen(&app).await;
        ends(&mut brand, &BRAND_FEEDS, "FORBIDDEN").await;
    })
    .await;
}

const LAGGING: &str = "subscription ($brand: ID!, $after: String) { conversionFeed(brandId: $brand, after: $after) {
    __typename
    ... on ConversionFeedEvent { cursor conversion { order { externalId } } }
    ... on Advanced { cursor }
    ... on Lagged { cursor resumeFrom } } }";

async fn sales(app: &TestApp, market: &Market, orders: std::ops::Range<u32>) {
    for n in orders {
        app.sale(market, &format!("A-{n}"), "10.00", json!({})).await;
    }
    outbox::relay::drain(&app.app).await.unwrap();
}

async fn next_item(stream: &mut LazyEvents) -> Value {
    let answer = timeout(Duration::from_secs(10), stream.next()).await.unwrap().unwrap();
    assert!(error_codes(&answer).is_empty(), "{answer:#}");
    answer["data"]["conversionFeed"].clone()
}

/// Three events at a time, and ten positions of patience.
const IMPATIENT: Limits = Limits {
    batch: 3,
    max_live_lag: 10,
    advance_after: 1_000,
};

fn order_of(item: &Value) -> String {
    text(&item["conversion"]["order"], "externalId")
}

#[rstest]
#[tokio::test]
async fn a_slow_reader_is_told_to_resume(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app_and(database, IMPATIENT, |app| async move {
        let market = app.market("aurora").await;
        outbox::relay::drain(&app.app).await.unwrap();
        let variables = |after: Option<&str>| json!({ "brand": market.brand.id, "after": after });
        let mut stream = app.lazy_events(&market.owner.token, LAGGING, variables(None)).await;
        assert!(timeout(QUIET, stream.next()).await.is_err(), "an old event came");
        // Five are no lag; the reader takes the first and then its time.
        sales(&app, &market, 0..5).await;
        let mut seen = vec![order_of(&next_item(&mut stream).await)];
        sales(&app, &market, 5..30).await;
        let mut last = String::new();
        for _ in 1..3 {
            let item = next_item(&mut stream).await;
            last = text(&item, "cursor");
            seen.push(order_of(&item));
        }
        let lagged = next_item(&mut stream).await;
        assert_eq!(lagged["__typename"], "Lagged");
        assert_eq!(lagged["resumeFrom"], last.as_str());
        assert_eq!(
            timeout(QUIET, stream.next()).await.unwrap(),
            None,
            "a lagging feed ends"
        );

        // Behind the cursor comes the rest, each once; whoever catches up may take its time, and is live afterwards.
        let mut stream = app
            .lazy_events(&market.owner.token, LAGGING, variables(lagged["resumeFrom"].as_str()))
            .await;
        for _ in 3..30 {
            seen.push(order_of(&next_item(&mut stream).await));
        }
        assert!(timeout(QUIET, stream.next()).await.is_err(), "an event came twice");
        sales(&app, &market, 30..31).await;
        seen.push(order_of(&next_item(&mut stream).await));
        let all: Vec<String> = (0..31).map(|n| format!("A-{n}")).collect();
        assert_eq!(seen, all);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn what_others_do_is_no_lag(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app_and(database, IMPATIENT, |app| async move {
        let market = app.market("aurora").await;
        let other = app.market("borealis").await;
        outbox::relay::drain(&app.app).await.unwrap();
        let served = app.serve().await;
        let mut socket = served.connect().await;
        socket.init(Some(&market.owner.token)).await;
        socket
            .subscribe("feed", LAGGING, json!({ "brand": market.brand.id }))
            .await;
        assert!(socket.is_quiet(QUIET).await);
        // Far ahead at once, but hardly anything of it is this subscriber's.
        for n in 0..20 {
            app.sale(&other, &format!("B-{n}"), "10.00", json!({})).await;
        }
        sales(&app, &market, 0..2).await;
        for n in 0..2 {
            assert_eq!(
                order_of(&socket.next_data("feed").await["conversionFeed"]),
                format!("A-{n}")
            );
        }
        // As many of its own at once are one.
        sales(&app, &market, 2..20).await;
        let lagged = socket.next_data("feed").await["conversionFeed"].clone();
        assert_eq!(lagged["__typename"], "Lagged", "{lagged:#}");
        assert_eq!(socket.next().await["type"], "complete");
        let variables = json!({ "brand": market.brand.id, "after": lagged["resumeFrom"] });
        socket.subscribe("feed", LAGGING, variables).await;
        for n in 2..20 {
            assert_eq!(
                order_of(&socket.next_data("feed").await["conversionFeed"]),
                format!("A-{n}")
            );
        }
        assert!(socket.is_quiet(QUIET).await);
    })
    .await;
}

/// The events that a filter lets through of everything that ever happened, as `shown` of them.
async fn kept(
    socket: &mut Socket,
    (feed, argument, event): (&str, &str, &str),
    id: &str,
    filter: Value,
    selection: &str,
) -> Vec<Value> {
    let input = format!("{}Where", event.trim_end_matches("Event"));
    let document = format!(
        "subscription ($id: ID!, $after: String, $where: {input}) {{
            {feed}({argument}: $id, after: $after, where: $where) {{ ... on {event} {{ {selection} }} }} }}"
    );
    let variables = json!({ "id": id, "after": START, "where": filter });
    socket.subscribe("kept", &document, variables).await;
    let mut events = Vec::new();
    while let Ok(message) = timeout(QUIET, socket.next()).await {
        assert!(error_codes(&message["payload"]).is_empty(), "{message:#}");
        events.push(message["payload"]["data"][feed].clone());
    }
    socket.complete("kept").await;
    events
}

#[rstest]
#[tokio::test]
async fn filters_keep_what_they_name(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let mut world = World::new(&app).await;
        let (market, seller) = (world.market.clone(), world.seller.clone());
        let owner = &market.owner;
        let second = app.program(owner, &market.brand.id, "second", json!({})).await;
        let signup = app.rule(
            owner,
            &second.id,
            "SIGNUP",
            json!({ "fixed": { "amount": "1.00", "currency": "EUR" } }),
        );
        signup.await;
        let joined = app.join(&market, &second, &seller.user, &seller.partner, None).await;
        app.code(&joined, "SECOND", json!({})).await;
        // One credited sale a program, one uncredited, and a signup.
        world.happen(&app).await;
        let evidence = json!({ "promoCodes": ["SECOND"], "programId": second.id });
        let other = app.sale(&market, "B-1", "10.00", evidence).await;
        app.sale(&market, "B-2", "10.00", json!({ "programId": market.program.id }))
            .await;
        let body = json!({ "customerId": "carla", "programId": second.id, "promoCodes": ["SECOND"] });
        let (status, answer) = app.track(&market.key.secret, "signup", "s-1", body).await;
        assert_eq!(status, 201, "{answer:#}");
        app.approve(&market, &other).await;
        outbox::relay::drain(&app.app).await.unwrap();

        let served = app.serve().await;
        let mut socket = served.connect().await;
        socket.init(Some(&owner.token)).await;
        let [conversions, applications, payouts, _, earnings] = FEEDS;
        let brand = market.brand.id.as_str();
        let selection = "kind conversion { order { externalId } }";
        for (filter, wanted) in [
            (json!({ "events": ["SIGNUP"] }), json!([["RECORDED", null]])),
            (
                json!({ "kinds": ["APPROVED"] }),
                json!([["APPROVED", "A-0"], ["APPROVED", "B-1"]]),
            ),
            (
                json!({ "kinds": ["APPROVED"], "programId": second.id }),
                json!([["APPROVED", "B-1"]]),
            ),
            (json!({ "isCredited": false }), json!([["RECORDED", "B-2"]])),
            (
                json!({ "isCredited": true, "programId": market.program.id, "events": ["SALE", "LEAD"] }),
                json!([["RECORDED", "A-0"], ["APPROVED", "A-0"], ["RECORDED", "A-1"]]),
            ),
        ] {
            let events = kept(&mut socket, conversions, brand, filter.clone(), selection).await;
            let shown: Vec<Value> = events
                .iter()
                .map(|event| json!([event["kind"], event["conversion"]["order"]["externalId"]]))
                .collect();
            assert_eq!(json!(shown), wanted, "{filter}");
        }
        let filter = json!({ "kinds": ["SUBMITTED"], "programId": second.id });
        let events = kept(
            &mut socket,
            applications,
            brand,
            filter,
            "kind application { partner { handle } }",
        )
        .await;
        let wanted = json!([{ "kind": "SUBMITTED", "application": { "partner": { "handle": "seller" } } }]);
        assert_eq!(json!(events), wanted);
        // The state it came to, though it has another by now.
        let events = kept(
            &mut socket,
            payouts,
            brand,
            json!({ "states": ["DRAFT"] }),
            "payout { state }",
        )
        .await;
        assert_eq!(json!(events), json!([{ "payout": { "state": "CANCELLED" } }]));
        let events = kept(
            &mut socket,
            payouts,
            brand,
            json!({ "states": ["PAID"] }),
            "payout { state }",
        )
        .await;
        assert!(events.is_empty());

        let mut socket = served.connect().await;
        socket.init(Some(&seller.user.token)).await;
        let filter = json!({ "kinds": ["ACCRUED", "APPROVED"], "programId": second.id });
        let selection = "kind commission { amount { amount } }";
        let events = kept(&mut socket, earnings, &seller.partner.id, filter, selection).await;
        let shown: Vec<Value> = events
            .iter()
            .map(|event| json!([event["kind"], event["commission"]["amount"]["amount"]]))
            .collect();
        assert_eq!(
            json!(shown),
            json!([["ACCRUED", "1.00"], ["ACCRUED", "1.00"], ["APPROVED", "1.00"]])
        );

        // A filter that names nothing, or something that is no program, is refused.
        for filter in [json!({ "kinds": [] }), json!({ "programId": "nonsense" })] {
            let document = "subscription ($id: ID!, $where: EarningsFeedWhere) {
                earningsFeed(partnerId: $id, where: $where) { __typename } }";
            let variables = json!({ "id": seller.partner.id, "where": filter });
            socket.subscribe("refused", document, variables).await;
            let message = socket.next().await;
            let answer = match message["type"].as_str() {
                Some("error") => json!({ "errors": message["payload"] }),
                _ => message["payload"].clone(),
            };
            assert_eq!(error_code(&answer), "BAD_USER_INPUT", "{filter}");
            socket.complete("refused").await;
            while timeout(QUIET, socket.next()).await.is_ok() {}
        }
    })
    .await;
}

/// Five positions without news are worth a word.
const TALKATIVE: Limits = Limits {
    batch: 3,
    max_live_lag: 10,
    advance_after: 5,
};

#[rstest]
#[tokio::test]
async fn a_filtered_feed_moves_on_through_what_it_passes_over(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    const FILTERED: &str = "subscription ($brand: ID!, $after: String) {
        conversionFeed(brandId: $brand, after: $after, where: { isCredited: true }) {
            __typename
            ... on ConversionFeedEvent { cursor conversion { order { externalId } } }
            ... on Advanced { cursor } } }";
    with_app_and(database, TALKATIVE, |app| async move {
        let market = app.market("aurora").await;
        let seller = app.promoter(&market, "seller", None).await;
        app.code(&seller, "SELLER", json!({})).await;
        outbox::relay::drain(&app.app).await.unwrap();
        let variables = |after: Option<&str>| json!({ "brand": market.brand.id, "after": after });
        let mut stream = app.lazy_events(&market.owner.token, FILTERED, variables(None)).await;
        assert!(timeout(QUIET, stream.next()).await.is_err());
        // Four are passed over in silence, forty with a word on the way, and the feed neither ends nor tells them.
        sales(&app, &market, 0..4).await;
        assert!(timeout(QUIET, stream.next()).await.is_err());
        sales(&app, &market, 4..10).await;
        let advanced = next_item(&mut stream).await;
        assert_eq!(advanced["__typename"], "Advanced");
        let cursor = text(&advanced, "cursor");
        drop(stream);

        app.sale(&market, "B-1", "10.00", json!({ "promoCodes": ["SELLER"] }))
            .await;
        outbox::relay::drain(&app.app).await.unwrap();
        // Whoever resumes there reads on from there: only what came since is looked at.
        let mut stream = app
            .lazy_events(&market.owner.token, FILTERED, variables(Some(&cursor)))
            .await;
        let item = next_item(&mut stream).await;
        assert_eq!(item["__typename"], "ConversionFeedEvent", "{item:#}");
        assert_eq!(order_of(&item), "B-1");
        assert!(timeout(QUIET, stream.next()).await.is_err());
    })
    .await;
}
