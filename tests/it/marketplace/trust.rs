//! How programs and partners do: numbers from rows, worked by hand, and nothing where they would mislead.

use chrono::TimeDelta;
use entity::{click, partner_trust, program_trust, trust_day, trust_earning, trust_progress, trust_wait};
use rstest::rstest;
use sea_orm::{ActiveModelTrait, EntityTrait, QueryOrder};
use serde_json::{Value, json};
use tributary::{
    marketplace::trust::{self, measure},
    outbox::relay,
    tracking::clicks,
};

use crate::support::{
    answer::{data_at, error_code},
    app::{TestApp, with_app},
    builders::{User, text},
    database::Database,
    marketplace::{Market, Promoter},
};

const LISTING: &str = "query ($id: ID!) { node(id: $id) { ... on Listing { trust {
    earningsPerClick { amount currency sampleCount } conversionRate { percent sampleCount } approvalRate { percent sampleCount }
    reversalRate { percent sampleCount } daysToApprove { medianDays sampleCount } daysToPay { medianDays sampleCount } } } } }";
const PARTNER: &str = "query ($id: ID!) { node(id: $id) { ... on Partnership { partner { trust {
    salesCount conversionRate { percent sampleCount } reversalRate { percent sampleCount } programsJoinedCount } } } } }";

async fn measured(app: &TestApp) {
    clicks::flush(&app.app).await.unwrap();
    relay::drain(&app.app).await.unwrap();
    measure::measure(&app.app).await.unwrap();
}

async fn of_listing(app: &TestApp, listing: &str) -> Value {
    app.graphql_ok(None, LISTING, json!({ "id": listing }), "node.trust")
        .await
}

async fn of_partner(app: &TestApp, user: &User, partnership: &str) -> Value {
    let variables = json!({ "id": partnership });
    app.graphql_ok(Some(&user.token), PARTNER, variables, "node.partner.trust")
        .await
}

/// Two listings of a program each, of which one sells: 100 clicks, 25 sales of 10.00 by clicks and 5 by a code, each paying
/// 10 %. Of the clicked ones, one is rejected and one comes back by half.
struct Sold {
    market: Market,
    promoter: Promoter,
    conversions: Vec<String>,
}

async fn sold(app: &TestApp) -> Sold {
    let market = app.market("aurora").await;
    let promoter = app.promoter(&market, "mia", None).await;
    app.code(&promoter, "MIA", json!({})).await;
    let link = app.link(&promoter).await;
    let mut conversions = Vec::new();
    for n in 0..100 {
        let click = app.click(&link).await;
        if n < 25 {
            let evidence = json!({ "clickId": click, "customerId": format!("by-click-{n}") });
            conversions.push(app.sale(&market, &format!("C-{n}"), "10.00", evidence).await);
        }
    }
    for n in 0..5 {
        let evidence = json!({ "promoCodes": ["MIA"], "customerId": format!("by-code-{n}") });
        conversions.push(app.sale(&market, &format!("P-{n}"), "10.00", evidence).await);
    }
    let reject = json!({ "idempotencyKey": "no", "id": conversions[0], "reason": "a bot" });
    app.done(&market.owner, "rejectConversion", reject, "conversion { state }")
        .await;
    app.refund(&market, "C-1", 1, "5.00").await;
    Sold {
        market,
        promoter,
        conversions,
    }
}

#[rstest]
#[tokio::test]
async fn a_listing_tells_how_its_program_does(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let mut sold = sold(&app).await;
        let listing = sold.market.program.listing.clone();
        assert_eq!(of_listing(&app, &listing).await, Value::Null, "nothing was counted yet");
        measured(&app).await;
        // 24 clicked sales pay 1.00 each, one of them only 0.50 any more: 23.50 over 100 clicks. 24 of 100 clicks won a sale
        // that stands. Of 29 sales that stand, one came back in part. Nothing to say of one decision.
        let first = of_listing(&app, &listing).await;
        assert_eq!(
            first,
            json!({
                "earningsPerClick": { "amount": "0.235", "currency": "EUR", "sampleCount": 100 },
                "conversionRate": { "percent": "24", "sampleCount": 100 },
                "approvalRate": null,
                "reversalRate": { "percent": "3.4483", "sampleCount": 29 },
                "daysToApprove": null, "daysToPay": null,
            })
        );
        // Approved after three days: 29 of 30 decided. Paid after five more, those by code too.
        app.advance_days(3, [&mut sold.market.owner, &mut sold.promoter.user])
            .await;
        for conversion in &sold.conversions[1..] {
            app.approve(&sold.market, conversion).await;
        }
        app.advance_days(5, [&mut sold.market.owner, &mut sold.promoter.user])
            .await;
        let payout = app.approved_payout(&sold.market, &sold.promoter, "first").await;
        app.mark_paid(&sold.market, &payout, "bank-1").await;
        measured(&app).await;
        let second = of_listing(&app, &listing).await;
        assert_eq!(second["earningsPerClick"], first["earningsPerClick"]);
        assert_eq!(
            second["approvalRate"],
            json!({ "percent": "96.6667", "sampleCount": 30 })
        );
        assert_eq!(second["daysToApprove"], json!({ "medianDays": 3, "sampleCount": 29 }));
        assert_eq!(second["daysToPay"], json!({ "medianDays": 5, "sampleCount": 29 }));

        let by_brand = of_partner(&app, &sold.market.owner, &sold.promoter.partnership).await;
        assert_eq!(
            by_brand,
            json!({ "salesCount": 29, "conversionRate": { "percent": "24", "sampleCount": 100 },
                "reversalRate": { "percent": "3.4483", "sampleCount": 29 }, "programsJoinedCount": 1 })
        );
        let by_itself = of_partner(&app, &sold.promoter.user, &sold.promoter.partnership).await;
        assert_eq!(by_itself, by_brand);

        // 89 days after the sales they are all there still; a day later they are forgotten, the approvals are not.
        app.advance_days(81, [&mut sold.market.owner]).await;
        measured(&app).await;
        assert_eq!(of_listing(&app, &listing).await, second);
        app.advance_days(1, [&mut sold.market.owner]).await;
        measured(&app).await;
        let third = of_listing(&app, &listing).await;
        for gone in ["earningsPerClick", "conversionRate", "approvalRate", "reversalRate"] {
            assert_eq!(third[gone], Value::Null, "{gone}");
        }
        assert_eq!(third["daysToApprove"], second["daysToApprove"]);
        let later = of_partner(&app, &sold.market.owner, &sold.promoter.partnership).await;
        assert_eq!(
            (&later["salesCount"], &later["programsJoinedCount"]),
            (&json!(0), &json!(1))
        );
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn counted_bit_by_bit_or_at_once_it_is_the_same(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let sold = sold(&app).await;
        measured(&app).await;
        // What tries things out does not count, and neither does it when it is looked at twice.
        let key = json!({ "kind": "SECRET", "mode": "TEST" });
        let key = app.api_key(&sold.market.owner, &sold.market.brand.id, key).await;
        let body =
            json!({ "orderId": "T-1", "amount": "10.00", "currency": "EUR", "customerId": "c", "promoCodes": ["MIA"] });
        app.track(&key.secret, "purchase", "t-1", body).await;
        for conversion in &sold.conversions[1..] {
            app.approve(&sold.market, conversion).await;
            measured(&app).await;
        }
        let before = program_trust::Entity::find().all(app.db()).await.unwrap();
        app.advance(TimeDelta::minutes(1));
        measured(&app).await;
        let counted = rows(&app).await;
        assert_eq!(
            program_trust::Entity::find().all(app.db()).await.unwrap(),
            before,
            "not measured anew"
        );
        db_forget(&app).await;
        measured(&app).await;
        assert_eq!(rows(&app).await, counted);
    })
    .await;
}

/// SQLite has one writer: there nothing is counted while a click is being written.
#[tokio::test]
async fn a_click_that_is_being_written_is_counted_later() {
    with_app(Database::Postgres, |app| async move {
        let market = app.market("aurora").await;
        let promoter = app.promoter(&market, "mia", None).await;
        let link = app.link(&promoter).await;
        app.click(&link).await;
        clicks::flush(&app.app).await.unwrap();
        let first = click::Entity::find().one(app.db()).await.unwrap().unwrap();
        let second = click::Model {
            id: app.app.ids.new_id(app.now()),
            ..first
        };
        let writing = app.app.db.begin().await.unwrap();
        let model = click::ActiveModel::from(second.clone()).reset_all();
        click::Entity::insert(model)
            .exec_without_returning(&writing)
            .await
            .unwrap();
        trust::stale_in_tx(&writing, &[second]).await.unwrap();
        measured(&app).await;
        assert_eq!(counted_clicks(&app).await, 1);
        writing.commit().await.unwrap();
        measured(&app).await;
        assert_eq!(counted_clicks(&app).await, 2);
    })
    .await;
}

async fn counted_clicks(app: &TestApp) -> i64 {
    let days = trust_day::Entity::find().all(app.db()).await.unwrap();
    days.iter().map(|day| day.clicks).sum()
}

/// Everything that was counted, whenever that was.
async fn rows(app: &TestApp) -> String {
    let days = trust_day::Entity::find()
        .order_by_asc(trust_day::Column::Day)
        .all(app.db())
        .await
        .unwrap();
    let earned = trust_earning::Entity::find().all(app.db()).await.unwrap();
    let waits = trust_wait::Entity::find().all(app.db()).await.unwrap();
    let mut programs = program_trust::Entity::find().all(app.db()).await.unwrap();
    let mut partners = partner_trust::Entity::find().all(app.db()).await.unwrap();
    programs.iter_mut().for_each(|row| row.measured_at = app.now());
    partners.iter_mut().for_each(|row| row.measured_at = app.now());
    assert_eq!((days.len(), programs.len(), partners.len()), (1, 1, 1));
    format!("{days:#?} {earned:#?} {waits:#?} {programs:#?} {partners:#?}")
}

/// As if nothing had been counted yet. Clicks are named when they are written; the log names their day again.
async fn db_forget(app: &TestApp) {
    let db = app.db_writer();
    trust_day::Entity::delete_many().exec(db).await.unwrap();
    trust_earning::Entity::delete_many().exec(db).await.unwrap();
    trust_wait::Entity::delete_many().exec(db).await.unwrap();
    program_trust::Entity::delete_many().exec(db).await.unwrap();
    partner_trust::Entity::delete_many().exec(db).await.unwrap();
    trust_progress::Entity::delete_many().exec(db).await.unwrap();
}

#[rstest]
#[tokio::test]
async fn listings_are_found_by_what_a_click_earns(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let sold = sold(&app).await;
        app.program(&sold.market.owner, &sold.market.brand.id, "unknown", json!({}))
            .await;
        app.index().await;
        measured(&app).await;
        // The index looks for what was measured every ten seconds.
        app.advance(TimeDelta::seconds(10));
        app.index().await;
        let found = async |filter: Value, order: Value| {
            let query = "query ($where: ListingWhere, $orderBy: ListingOrder) {
                marketplaceListings(where: $where, orderBy: $orderBy) { degraded nodes { title } } }";
            let answer = app
                .graphql(None, query, json!({ "where": filter, "orderBy": order }))
                .await;
            let page = data_at(&answer, "marketplaceListings");
            assert_eq!(page["degraded"], false);
            let nodes = page["nodes"].as_array().unwrap();
            nodes.iter().map(|node| text(node, "title")).collect::<Vec<_>>()
        };
        let earning = |gte: &str| json!({ "earningsPerClick": { "currency": "EUR", "gte": gte } });
        assert_eq!(found(earning("0.2349999"), Value::Null).await, ["aurora"]);
        assert_eq!(found(earning("0.235"), Value::Null).await, ["aurora"]);
        assert_eq!(found(earning("0.2350001"), Value::Null).await, [""; 0]);
        let dollars = json!({ "earningsPerClick": { "currency": "USD", "gte": "0" } });
        assert_eq!(found(dollars, Value::Null).await, [""; 0]);
        let rate = json!({ "conversionRate": { "gte": "24", "lte": "24" }, "reversalRate": { "lte": "3.5" } });
        assert_eq!(found(rate, Value::Null).await, ["aurora"]);
        let by_click = json!({ "field": "EARNINGS_PER_CLICK", "currency": "EUR" });
        assert_eq!(found(json!({}), by_click).await, ["aurora"]);
        // Where the order does not leave out, what is not known comes last.
        assert_eq!(
            found(json!({}), json!({ "field": "APPROVAL_RATE" })).await,
            ["unknown", "aurora"]
        );

        for order in [
            json!({ "field": "EARNINGS_PER_CLICK" }),
            json!({ "field": "NEWEST", "currency": "EUR" }),
        ] {
            let query = "query ($orderBy: ListingOrder) { marketplaceListings(orderBy: $orderBy) { nodes { id } } }";
            let answer = app.graphql(None, query, json!({ "orderBy": order })).await;
            assert_eq!(error_code(&answer), "BAD_USER_INPUT");
            assert_eq!(answer["errors"][0]["extensions"]["field"], "orderBy.currency");
        }
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn how_a_partner_does_is_not_for_other_partners(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let recruiter = app.promoter(&market, "mia", None).await;
        let recruit = app.promoter(&market, "leo", Some(&recruiter)).await;
        let query = "query ($id: ID!) { node(id: $id) { ... on Partnership { recruits { nodes {
            partner { handle trust { salesCount } } } } } } }";
        let variables = json!({ "id": recruiter.partnership });
        let answer = app.graphql(Some(&recruiter.user.token), query, variables.clone()).await;
        let nodes = data_at(&answer, "node.recruits.nodes");
        assert_eq!(nodes, json!([{ "partner": { "handle": "leo", "trust": null } }]));
        let answer = app.graphql(Some(&market.owner.token), query, variables).await;
        let nodes = data_at(&answer, "node.recruits.nodes");
        assert_eq!(nodes[0]["partner"]["trust"], json!({ "salesCount": 0 }));
        let own = of_partner(&app, &recruit.user, &recruit.partnership).await;
        assert_eq!(own["salesCount"], 0);
    })
    .await;
}
