//! The whole walk, as a brand and its partners take it: listed, found, joined, clicked, sold, refunded, approved, paid.

use axum::http::StatusCode;
use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{
    answer::{data_at, refusal},
    app::{TestApp, with_app},
    builders::text,
    database::Database,
    marketplace::{Balances, Market, Promoter},
};

/// The amounts of a list of commissions or items.
fn amounts(list: &Value, field: &str) -> Vec<String> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|item| text(&item[field], "amount"))
        .collect()
}

async fn found(app: &TestApp, filter: Value, order: Value) -> Vec<String> {
    let query = "query ($where: ListingWhere, $order: ListingOrder) {
        marketplaceListings(where: $where, orderBy: $order) { nodes { title } } }";
    let variables = json!({ "where": filter, "order": order });
    let nodes = app
        .graphql_ok(None, query, variables, "marketplaceListings.nodes")
        .await;
    nodes
        .as_array()
        .unwrap()
        .iter()
        .map(|node| text(node, "title"))
        .collect()
}

/// The brand's ledger in EUR, by kind of account.
async fn ledger(app: &TestApp, market: &Market) -> Value {
    let query = "query ($id: ID!) { brand(id: $id) { ledgerBalances { account balance { amount currency } } } }";
    let variables = json!({ "id": market.brand.id });
    let balances = app
        .graphql_ok(Some(&market.owner.token), query, variables, "brand.ledgerBalances")
        .await;
    let kinds = balances.as_array().unwrap().iter().map(|line| {
        assert_eq!(line["balance"]["currency"], "EUR");
        (text(line, "account"), line["balance"]["amount"].clone())
    });
    Value::Object(kinds.collect())
}

/// A program as the vision draws it: sales, signups and leads pay, and so does the tree above.
async fn open_market(app: &TestApp) -> Market {
    let market = app.market("aurora").await;
    let (owner, program) = (&market.owner, market.program.id.as_str());
    let fixed = |amount: &str| json!({ "fixed": { "amount": amount, "currency": "EUR" } });
    app.rule(owner, program, "SIGNUP", fixed("1.00")).await;
    app.rule(owner, program, "LEAD", fixed("0.50")).await;
    app.two_levels(owner, program).await;
    market
}

#[rstest]
#[tokio::test]
async fn from_the_listing_to_the_bank(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = open_market(&app).await;
        let patch = json!({ "title": "Aurora coffee roasters", "pitch": "Great beans", "category": "food" });
        let input = json!({ "id": market.program.listing, "patch": patch });
        app.done(&market.owner, "updateListing", input, "listing { title }")
            .await;
        app.advance(TimeDelta::minutes(1));
        app.program(&market.owner, &market.brand.id, "Later one", json!({}))
            .await;

        // Anyone finds it: by words, by category, and among the newest.
        let aurora = ["Aurora coffee roasters"];
        assert_eq!(
            found(&app, json!({ "text": "coffee BEANS" }), Value::Null).await,
            aurora
        );
        let food = json!({ "category": { "eq": "food" } });
        assert_eq!(found(&app, food, Value::Null).await, aurora);
        let newest = json!({ "field": "NEWEST" });
        let all = ["Later one", "Aurora coffee roasters"];
        assert_eq!(found(&app, json!({}), newest).await, all);

        outdated_terms_are_refused(&app, &market).await;

        // top recruited middle, middle recruited seller.
        let top = app.promoter(&market, "top", None).await;
        let middle = app.promoter(&market, "middle", Some(&top)).await;
        let seller = app.promoter(&market, "seller", Some(&middle)).await;

        let click = app.click(&app.link(&seller).await).await;
        let sale = app
            .sale(
                &market,
                "A-1",
                "200.00",
                json!({ "clickId": click, "customerId": "c1" }),
            )
            .await;
        a_credited_sale_explains_itself(&app, &market, &sale, [&seller, &middle, &top]).await;

        // 10 % of 200.00; 2 % of the sale; 10 % of 20.00.
        let everyone = [&seller, &middle, &top];
        let pending = |amount| Balances::of(amount, "0.00", "0.00", "0.00");
        expect(&app, everyone, [pending("20.00"), pending("4.00"), pending("2.00")]).await;

        // A quarter comes back while everything is pending: each level shrinks by a quarter.
        app.refund(&market, "A-1", 1, "50.00").await;
        expect(&app, everyone, [pending("15.00"), pending("3.00"), pending("1.50")]).await;

        // Approved: a tenth of what is left goes into the reserve.
        app.approve(&market, &sale).await;
        let settled = |available, reserve| Balances::of("0.00", available, reserve, "0.00");
        let approved = [
            settled("13.50", "1.50"),
            settled("2.70", "0.30"),
            settled("1.35", "0.15"),
        ];
        expect(&app, everyone, approved).await;

        // Another half: cumulative 3/4 of 20.00 is 15.00, less the 5.00 taken before, so 10.00: the reserve's 1.50
        // first, then 8.50. Above: 3.00 − 1.00 = 2.00 as 0.30 + 1.70; 1.50 − 0.50 = 1.00 as 0.15 + 0.85.
        app.refund(&market, "A-1", 2, "100.00").await;
        let left = [
            settled("5.00", "0.00"),
            settled("1.00", "0.00"),
            settled("0.50", "0.00"),
        ];
        expect(&app, everyone, left).await;
        let row = app.conversion(&market, &sale).await;
        assert_eq!(
            (row["state"].as_str(), row["refunded"]["amount"].as_str()),
            (Some("APPROVED"), Some("150.00"))
        );
        assert_eq!(amounts(&row["commissions"], "reversed"), ["15.00", "3.00", "1.50"]);
        assert_eq!(amounts(&row["order"]["refunds"], "amount"), ["50.00", "100.00"]);

        let payout = app.approved_payout(&market, &seller, "p1").await;
        assert_eq!(
            app.balances(&seller).await,
            Balances::of("0.00", "0.00", "0.00", "5.00")
        );
        app.mark_paid(&market, &payout, "SEPA-2026-77").await;
        assert_eq!(app.balances(&seller).await, settled("0.00", "0.00"));
        the_partner_sees_its_history(&app, &seller, &payout).await;
        assert_eq!(
            ledger(&app, &market).await,
            json!({
                // 6.50 was earned in the end, 5.00 of it left the bank, 1.50 is owed to middle and top.
                "COMMISSION_EXPENSE": "-6.50", "CASH_BANK": "5.00", "AVAILABLE": "1.50",
                "PENDING": "0.00", "RESERVE": "0.00", "IN_TRANSIT": "0.00",
            })
        );
    })
    .await;
}

async fn outdated_terms_are_refused(app: &TestApp, market: &Market) {
    let user = app.sign_up("hasty").await;
    let partner = app.partner(&user, "hasty").await;
    let input = json!({
        "partnerId": partner.id, "programId": market.program.id, "message": "", "acceptedTermsVersion": 2,
    });
    let answer = app
        .mutation(Some(&user.token), "applyToProgram", input, "application { id }")
        .await;
    assert_eq!(refusal(&answer), "TERMS_OUTDATED");
}

async fn a_credited_sale_explains_itself(app: &TestApp, market: &Market, sale: &str, upline: [&Promoter; 3]) {
    let row = app.conversion(market, sale).await;
    let attribution = &row["attribution"];
    assert_eq!(attribution["method"], "CLICK");
    assert_eq!(attribution["partnership"]["id"], upline[0].partnership);
    assert_eq!(
        attribution["explanation"],
        "Credited: the click wins: no valid code goes before it"
    );
    let touches = attribution["touches"].as_array().unwrap();
    assert_eq!(touches.len(), 1);
    assert_eq!(touches[0]["outcome"], "WON");
    assert_eq!(
        row["earningExplanation"],
        "20.00 EUR earned at 3 level(s), by a rule of the program"
    );
    let commissions = row["commissions"].as_array().unwrap();
    let arithmetic = [
        "10 % of 200.00 EUR = 20.00 EUR",
        "2 % of the sale of 200.00 EUR = 4.00 EUR",
        "10 % of the level-0 commission of 20.00 EUR = 2.00 EUR",
    ];
    assert_eq!(commissions.len(), 3);
    for (level, commission) in commissions.iter().enumerate() {
        assert_eq!(commission["level"], level);
        assert_eq!(commission["partnership"]["id"], upline[level].partnership);
        assert_eq!(commission["explanation"]["arithmetic"], arithmetic[level]);
        assert_eq!(commission["explanation"]["base"]["amount"], "200.00");
    }
}

async fn expect(app: &TestApp, promoters: [&Promoter; 3], wanted: [Balances; 3]) {
    for (level, (promoter, wanted)) in promoters.into_iter().zip(wanted).enumerate() {
        assert_eq!(app.balances(promoter).await, wanted, "level {level}");
    }
}

async fn the_partner_sees_its_history(app: &TestApp, seller: &Promoter, payout: &str) {
    let query = "query ($id: ID!) { partner(id: $id) {
        payouts { totalCount nodes { id state reference amount { amount } items { amount { amount } } } }
        commissions { nodes { state paid { amount } } } } }";
    let variables = json!({ "id": seller.partner.id });
    let partner = app
        .graphql_ok(Some(&seller.user.token), query, variables, "partner")
        .await;
    assert_eq!(
        partner["payouts"],
        json!({ "totalCount": 1, "nodes": [{
            "id": payout, "state": "PAID", "reference": "SEPA-2026-77", "amount": { "amount": "5.00" },
            "items": [{ "amount": { "amount": "5.00" } }],
        }] })
    );
    assert_eq!(
        partner["commissions"]["nodes"],
        json!([{ "state": "PAID", "paid": { "amount": "5.00" } }])
    );
}

/// ledger.md, first worked example: C 100.00, R 10.00, a third back three times.
#[rstest]
#[tokio::test]
async fn refunds_take_the_reserve_first_and_lose_no_cent(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = open_market(&app).await;
        let top = app.promoter(&market, "top", None).await;
        let middle = app.promoter(&market, "middle", Some(&top)).await;
        let seller = app.promoter(&market, "seller", Some(&middle)).await;
        app.code(&seller, "THIRDS", json!({})).await;
        let sale = app
            .sale(&market, "A-1", "1000.00", json!({ "promoCodes": ["thirds"] }))
            .await;
        app.approve(&market, &sale).await;
        let everyone = [&seller, &middle, &top];
        let settled = |available, reserve| Balances::of("0.00", available, reserve, "0.00");
        let approved = [
            settled("90.00", "10.00"),
            settled("18.00", "2.00"),
            settled("9.00", "1.00"),
        ];
        expect(&app, everyone, approved).await;

        // Level 0: 100.00 × 333.33 / 1000 = 33.333 → 33.33, of which the reserve gives 10.00 and the balance 23.33.
        // Level 1: 20.00 × … = 6.6666 → 6.67 = 2.00 + 4.67. Level 2: 10.00 × … = 3.3333 → 3.33 = 1.00 + 2.33.
        app.refund(&market, "A-1", 1, "333.33").await;
        let first = [
            settled("66.67", "0.00"),
            settled("13.33", "0.00"),
            settled("6.67", "0.00"),
        ];
        expect(&app, everyone, first).await;
        // Cumulative at 666.67: 66.67 (33.34 more), 13.33 (6.66 more), 6.67 (3.34 more).
        app.refund(&market, "A-1", 2, "333.34").await;
        let second = [
            settled("33.33", "0.00"),
            settled("6.67", "0.00"),
            settled("3.33", "0.00"),
        ];
        expect(&app, everyone, second).await;
        app.refund(&market, "A-1", 3, "333.33").await;
        let nothing = || settled("0.00", "0.00");
        expect(&app, everyone, [nothing(), nothing(), nothing()]).await;
        let row = app.conversion(&market, &sale).await;
        assert_eq!(row["state"], "REFUNDED");
        for commission in row["commissions"].as_array().unwrap() {
            assert_eq!(commission["state"], "REVERSED");
            assert_eq!(
                commission["reversed"],
                json!({ "amount": commission["amount"]["amount"] })
            );
        }
    })
    .await;
}

/// ledger.md, second worked example: C 10.00 approved, its 9.00 paid, then everything refunded.
#[rstest]
#[tokio::test]
async fn a_refund_of_what_was_paid_is_earned_back(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let seller = app.promoter(&market, "seller", None).await;
        app.code(&seller, "SELLER", json!({})).await;
        let code = json!({ "promoCodes": ["SELLER"] });
        let sale = app.sale(&market, "A-1", "100.00", code.clone()).await;
        app.approve(&market, &sale).await;
        let payout = app.approved_payout(&market, &seller, "p1").await;
        app.mark_paid(&market, &payout, "SEPA-1").await;
        let settled = |available, reserve| Balances::of("0.00", available, reserve, "0.00");
        assert_eq!(app.balances(&seller).await, settled("0.00", "1.00"));

        app.refund(&market, "A-1", 1, "100.00").await;
        assert_eq!(app.balances(&seller).await, settled("-9.00", "0.00"));
        // What was paid stays paid; the clawback stands beside it.
        let row = app.conversion(&market, &sale).await;
        assert_eq!(row["commissions"][0]["state"], "PAID");
        assert_eq!(row["commissions"][0]["reversed"]["amount"], "10.00");
        let input = json!({ "idempotencyKey": "p2", "partnershipId": seller.partnership, "currency": "EUR" });
        let answer = app
            .mutation(Some(&market.owner.token), "createPayout", input, "payout { id }")
            .await;
        assert_eq!(refusal(&answer), "NOTHING_AVAILABLE");

        // A new sale of 200.00 earns 20.00: 2.00 reserved, 18.00 available, of which 9.00 makes good.
        let next = app.sale(&market, "A-2", "200.00", code).await;
        app.approve(&market, &next).await;
        assert_eq!(app.balances(&seller).await, settled("9.00", "2.00"));
        let payout = app.approved_payout(&market, &seller, "p3").await;
        app.mark_paid(&market, &payout, "SEPA-2").await;
        let seen = app.payout(&seller, &payout).await;
        assert_eq!(seen["amount"]["amount"], "9.00");
        assert_eq!(amounts(&seen["items"], "amount"), ["-9.00", "18.00"]);
        assert_eq!(app.balances(&seller).await, settled("0.00", "2.00"));
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_cancelled_payout_gives_the_money_back(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let seller = app.promoter(&market, "seller", None).await;
        app.code(&seller, "SELLER", json!({})).await;
        let sale = app
            .sale(&market, "A-1", "100.00", json!({ "promoCodes": ["SELLER"] }))
            .await;
        app.approve(&market, &sale).await;
        let payout = app.approved_payout(&market, &seller, "p1").await;
        let input = json!({ "idempotencyKey": "c1", "id": payout, "reason": "wrong account" });
        app.done(
            &market.owner,
            "cancelPayout",
            input,
            "payout { state cancelledAt } replayed",
        )
        .await;
        assert_eq!(
            app.balances(&seller).await,
            Balances::of("0.00", "9.00", "1.00", "0.00")
        );
        assert_eq!(app.payout(&seller, &payout).await["state"], "CANCELLED");
        assert_eq!(
            app.conversion(&market, &sale).await["commissions"][0]["state"],
            "APPROVED"
        );

        // It can no longer be paid, but the money can.
        let input = json!({ "idempotencyKey": "m1", "id": payout, "reference": "SEPA-1" });
        let answer = app
            .mutation(Some(&market.owner.token), "markPayoutPaid", input, "payout { id }")
            .await;
        assert_eq!(refusal(&answer), "INVALID_TRANSITION");
        let again = app.approved_payout(&market, &seller, "p2").await;
        app.mark_paid(&market, &again, "SEPA-2").await;
        assert_eq!(
            app.balances(&seller).await,
            Balances::of("0.00", "0.00", "1.00", "0.00")
        );
    })
    .await;
}

/// A payout that only nets a commission off must not let go of it when it is cancelled.
#[rstest]
#[tokio::test]
async fn cancelling_a_later_payout_leaves_the_earlier_one_alone(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let seller = app.promoter(&market, "seller", None).await;
        app.code(&seller, "SELLER", json!({})).await;
        let code = json!({ "promoCodes": ["SELLER"] });
        let first = app.sale(&market, "A-1", "100.00", code.clone()).await;
        app.approve(&market, &first).await;
        let earlier = app.approved_payout(&market, &seller, "p1").await;
        // Half comes back while the 9.00 are on their way: 5.00 = 1.00 of the reserve + 4.00.
        app.refund(&market, "A-1", 1, "50.00").await;
        let second = app.sale(&market, "A-2", "100.00", code).await;
        app.approve(&market, &second).await;
        let later = app.approved_payout(&market, &seller, "p2").await;
        assert_eq!(
            amounts(&app.payout(&seller, &later).await["items"], "amount"),
            ["-4.00", "9.00"]
        );
        let input = json!({ "idempotencyKey": "c1", "id": later, "reason": "not yet" });
        app.done(&market.owner, "cancelPayout", input, "payout { state }").await;

        let state = async |sale: &str| app.conversion(&market, sale).await["commissions"][0]["state"].clone();
        assert_eq!(state(&first).await, "IN_PAYOUT");
        assert_eq!(state(&second).await, "APPROVED");
        app.mark_paid(&market, &earlier, "SEPA-1").await;
        assert_eq!(state(&first).await, "PAID");
        assert_eq!(
            app.balances(&seller).await,
            Balances::of("0.00", "5.00", "1.00", "0.00")
        );
    })
    .await;
}

/// What was refunded whole while its payout was open is reversed, not approved, once the payout is cancelled.
#[rstest]
#[tokio::test]
async fn what_was_refunded_whole_is_reversed_when_its_payout_is_cancelled(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let seller = app.promoter(&market, "seller", None).await;
        app.code(&seller, "SELLER", json!({})).await;
        let sale = app
            .sale(&market, "A-1", "100.00", json!({ "promoCodes": ["SELLER"] }))
            .await;
        app.approve(&market, &sale).await;
        let payout = app.approved_payout(&market, &seller, "p1").await;
        app.refund(&market, "A-1", 1, "100.00").await;
        assert_eq!(
            app.balances(&seller).await,
            Balances::of("0.00", "-9.00", "0.00", "9.00")
        );
        let input = json!({ "idempotencyKey": "c1", "id": payout, "reason": "refunded" });
        app.done(&market.owner, "cancelPayout", input, "payout { state }").await;
        assert_eq!(
            app.conversion(&market, &sale).await["commissions"][0]["state"],
            "REVERSED"
        );
        assert_eq!(
            app.balances(&seller).await,
            Balances::of("0.00", "0.00", "0.00", "0.00")
        );
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_rejection_takes_pending_money_back(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = open_market(&app).await;
        let top = app.promoter(&market, "top", None).await;
        let middle = app.promoter(&market, "middle", Some(&top)).await;
        let seller = app.promoter(&market, "seller", Some(&middle)).await;
        app.code(&seller, "SELLER", json!({})).await;
        let sale = app
            .sale(&market, "A-1", "200.00", json!({ "promoCodes": ["SELLER"] }))
            .await;
        app.refund(&market, "A-1", 1, "50.00").await;
        let input = json!({ "idempotencyKey": "no", "id": sale, "reason": "bought by the partner" });
        app.done(&market.owner, "rejectConversion", input, "conversion { state }")
            .await;
        let nothing = || Balances::of("0.00", "0.00", "0.00", "0.00");
        expect(&app, [&seller, &middle, &top], [nothing(), nothing(), nothing()]).await;
        let row = app.conversion(&market, &sale).await;
        assert_eq!(row["state"], "REJECTED");
        assert_eq!(row["rejectionReason"], "bought by the partner");
        // The rest of the order may still come back; there is nothing left to take.
        app.refund(&market, "A-1", 2, "150.00").await;
        assert_eq!(
            ledger(&app, &market).await,
            json!({ "COMMISSION_EXPENSE": "0.00", "PENDING": "0.00" })
        );
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn signups_and_leads_pay_their_fixed_amounts(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = open_market(&app).await;
        let top = app.promoter(&market, "top", None).await;
        let seller = app.promoter(&market, "seller", Some(&top)).await;
        let click = app.click(&app.link(&seller).await).await;
        for (door, event, amount) in [("signup", "SIGNUP", "1.00"), ("lead", "LEAD", "0.50")] {
            let body = json!({ "customerId": "c1", "clickId": click });
            let (status, answer) = app.track(&market.key.secret, door, door, body).await;
            assert_eq!(status, StatusCode::CREATED, "{answer:#}");
            let row = app
                .conversion(&market, answer["conversion"]["id"].as_str().unwrap())
                .await;
            assert_eq!(row["event"], event);
            assert_eq!(amounts(&row["commissions"], "amount"), [amount]);
        }
        // Level 1 is paid by the sale, and there was none.
        assert_eq!(
            app.balances(&seller).await,
            Balances::of("1.50", "0.00", "0.00", "0.00")
        );
        assert_eq!(app.balances(&top).await, Balances::of("0.00", "0.00", "0.00", "0.00"));
    })
    .await;
}

/// The mutations are the same doors as `/track`.
#[rstest]
#[tokio::test]
async fn the_mutations_record_the_same(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = open_market(&app).await;
        let seller = app.promoter(&market, "seller", None).await;
        app.code(&seller, "SELLER", json!({})).await;
        let secret = Some(market.key.secret.as_str());
        let event = |key: &str| {
            json!({
                "brandId": market.brand.id, "idempotencyKey": key, "customerId": "c1", "promoCodes": ["SELLER"],
            })
        };
        for (field, amount) in [("recordSignup", "1.00"), ("recordLead", "0.50")] {
            let answer = app
                .mutation(
                    secret,
                    field,
                    event(field),
                    "replayed conversion { commissions { amount { amount } } }",
                )
                .await;
            let payload = data_at(&answer, field);
            assert_eq!(payload["replayed"], false);
            assert_eq!(amounts(&payload["conversion"]["commissions"], "amount"), [amount]);
        }
        let money = |amount: &str| json!({ "amount": amount, "currency": "EUR" });
        let mut sale = event("sale");
        sale["orderId"] = json!("A-1");
        sale["amount"] = money("80.00");
        let answer = app
            .mutation(
                secret,
                "recordSale",
                sale,
                "conversion { id state amount { amount currency } }",
            )
            .await;
        let made = data_at(&answer, "recordSale.conversion");
        assert_eq!(made["amount"], money("80.00"));
        let refund = json!({
            "brandId": market.brand.id, "idempotencyKey": "refund", "orderId": "A-1", "amount": money("20.00"),
        });
        let answer = app
            .mutation(
                secret,
                "recordRefund",
                refund,
                "refund { amount { amount } order { externalId } }",
            )
            .await;
        let made = data_at(&answer, "recordRefund.refund");
        assert_eq!(
            made,
            json!({ "amount": { "amount": "20.00" }, "order": { "externalId": "A-1" } })
        );
        // 1.00 + 0.50 + 8.00 − 2.00
        assert_eq!(app.balances(&seller).await.pending, "7.50");
    })
    .await;
}
