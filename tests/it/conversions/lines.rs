//! Orders with lines: each line by its own rule, at every level of the tree, and what becomes of them after the sale.

use axum::http::StatusCode;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{
    answer::{data_at, user_errors},
    app::{TestApp, with_app},
    builders::text,
    database::Database,
    marketplace::{Balances, Market, Promoter, merged},
};

/// A seller below three recruiters: 2 % of the sale one level up, 10 % of the seller's commission two levels up, 1.00 for the
/// event three levels up. `boots` earn 20 %, the category `Books` 5 %, each of `pens` 0.30, all else 10 %.
pub struct Shop {
    pub app: TestApp,
    pub market: Market,
    /// From the seller up.
    pub tree: [Promoter; 4],
}

impl Shop {
    pub async fn open(app: &TestApp) -> Self {
        let market = app.market("aurora").await;
        let program = &market.program.id;
        let one = |amount: &str| json!({ "amount": amount, "currency": "EUR" });
        let levels = json!({ "programId": program, "levels": [
            { "level": 1, "earning": { "percentOfSale": "2" } },
            { "level": 2, "earning": { "percentOfCommission": "10" } },
            { "level": 3, "earning": { "fixed": one("1.00") } },
        ] });
        app.done(&market.owner, "setReferralLevels", levels, "program { id }")
            .await;
        for (earning, conditions) in [
            (
                json!({ "percent": "20" }),
                json!({ "productIds": ["boots", "sandals"] }),
            ),
            (json!({ "percent": "5" }), json!({ "categories": ["Books"] })),
            (
                json!({ "fixedPerItem": one("0.30") }),
                json!({ "productIds": ["pens"] }),
            ),
        ] {
            rule(app, &market, json!({ "earning": earning, "conditions": conditions })).await;
        }
        let root = app.promoter(&market, "root", None).await;
        let top = app.promoter(&market, "top", Some(&root)).await;
        let middle = app.promoter(&market, "middle", Some(&top)).await;
        let seller = app.promoter(&market, "seller", Some(&middle)).await;
        app.code(&seller, "SELLER", json!({})).await;
        Self {
            app: app.clone(),
            market,
            tree: [seller, middle, top, root],
        }
    }

    pub async fn knock(&self, door: &str, key: &str, body: Value) -> (StatusCode, Value) {
        self.app.track(&self.market.key.secret, door, key, body).await
    }

    /// Reports something that must be accepted, and returns the answer.
    pub async fn report(&self, door: &str, key: &str, body: Value) -> Value {
        let (status, answer) = self.knock(door, key, body).await;
        assert_eq!(status, StatusCode::CREATED, "{door} {key}: {answer:#}");
        answer
    }

    /// Reports something that must be refused and change nothing; returns code, field and message.
    pub async fn refused(&self, door: &str, body: Value) -> [String; 3] {
        let before = self.app.books().await;
        let (status, answer) = self.knock(door, "refused", body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{door}: {answer:#}");
        assert_eq!(self.app.books().await, before, "{door} changed something");
        ["code", "field", "message"].map(|key| text(&answer["error"], key))
    }

    /// A sale of boots, a book and four pens, for 100.05 in all; returns the conversion.
    pub async fn sale(&self, order: &str, more: Value) -> String {
        let body = merged(cart(order), more);
        text(&self.report("purchase", order, body).await["conversion"], "id")
    }

    /// Pending balances from the seller up; nothing else is there.
    pub async fn expect_pending(&self, amounts: [&str; 4]) {
        for (promoter, amount) in self.tree.iter().zip(amounts) {
            let wanted = Balances::of(amount, "0.00", "0.00", "0.00");
            assert_eq!(self.app.balances(promoter).await, wanted, "of {amounts:?}");
        }
    }

    /// Available balances and reserves from the seller up; nothing is pending.
    pub async fn expect_earned(&self, amounts: [(&str, &str); 4]) {
        for (promoter, (available, reserve)) in self.tree.iter().zip(amounts) {
            let wanted = Balances::of("0.00", available, reserve, "0.00");
            assert_eq!(self.app.balances(promoter).await, wanted, "of {amounts:?}");
        }
    }

    pub async fn read(&self, token: &str, conversion: &str) -> Value {
        let query = "query ($id: ID!) { node(id: $id) { ... on Conversion { state earningExplanation
            amount { amount } refunded { amount }
            order { amount { amount } lines { lineId position productId name category quantity
                amount { amount currency } discount { amount } refunded { amount } } }
            commissions { level state amount { amount } reversed { amount } orderLine { lineId }
                explanation { rule arithmetic base { amount } } source { level orderLine { lineId } } } } } }";
        let variables = json!({ "id": conversion });
        self.app.graphql_ok(Some(token), query, variables, "node").await
    }

    pub async fn conversion(&self, id: &str) -> Value {
        self.read(&self.market.owner.token, id).await
    }

    /// What is gone of each line.
    pub async fn gone(&self, conversion: &str) -> Vec<String> {
        let row = self.conversion(conversion).await;
        let lines = row["order"]["lines"].as_array().unwrap();
        lines.iter().map(|line| text(&line["refunded"], "amount")).collect()
    }

    /// What is left of the commissions at level 0, line by line.
    pub async fn reversed(&self, conversion: &str) -> Vec<String> {
        let row = self.conversion(conversion).await;
        let rows = row["commissions"].as_array().unwrap();
        let bottom = rows.iter().filter(|row| row["level"] == 0);
        bottom.map(|row| text(&row["reversed"], "amount")).collect()
    }
}

async fn rule(app: &TestApp, market: &Market, more: Value) -> Value {
    let input = merged(json!({ "programId": market.program.id, "event": "SALE" }), more);
    let selection = "commissionRule { percent fixed { amount } fixedPerItem { amount }
        conditions { productIds categories } }";
    app.done(&market.owner, "createCommissionRule", input, selection).await["commissionRule"].take()
}

fn cart(order: &str) -> Value {
    json!({ "orderId": order, "currency": "EUR", "promoCodes": ["SELLER"], "lines": [
        { "lineId": "L1", "productId": "boots", "name": "Red boots", "amount": "50.00", "discount": "9.99" },
        { "lineId": "L2", "productId": "atlas", "category": "books", "amount": "30.05" },
        { "lineId": "L3", "productId": "pens", "quantity": 4, "amount": "20.00" },
    ] })
}

/// 20 % of 50.00, 5 % of 30.05 (1.5025), 4 × 0.30. Above: 2 % of each (0.601); a tenth of each; 1.00 divided as 50.00 to 30.05
/// to 20.00.
#[rstest]
#[tokio::test]
async fn each_line_earns_by_its_own_rule_at_every_level(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let shop = Shop::open(&app).await;
        let sale = shop.sale("A-1", json!({})).await;
        shop.expect_pending(["12.70", "2.00", "1.27", "1.00"]).await;
        let row = shop.conversion(&sale).await;
        assert_eq!(row["amount"]["amount"], "100.05");
        assert_eq!(
            row["earningExplanation"],
            "12.70 EUR earned at 4 level(s), line by line: L1, L2, L3 by a rule of the program"
        );
        let earned: Vec<String> = row["commissions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| {
                let (amount, base) = (&row["amount"]["amount"], &row["explanation"]["base"]["amount"]);
                let source = if row["level"] == 0 { Value::Null } else { json!({ "level": 0, "orderLine": row["orderLine"] }) };
                assert_eq!(row["source"], source);
                format!("{} {} {amount} of {base}", row["level"], row["orderLine"]["lineId"]).replace('"', "")
            })
            .collect();
        assert_eq!(
            earned,
            [
                "0 L1 10.00 of 50.00",
                "0 L2 1.50 of 30.05",
                "0 L3 1.20 of 20.00",
                "1 L1 1.00 of 50.00",
                "1 L2 0.60 of 30.05",
                "1 L3 0.40 of 20.00",
                "2 L1 1.00 of 50.00",
                "2 L2 0.15 of 30.05",
                "2 L3 0.12 of 20.00",
                "3 L1 0.50 of 50.00",
                "3 L2 0.30 of 30.05",
                "3 L3 0.20 of 20.00",
            ]
        );
        let explanation = |index: usize| row["commissions"][index]["explanation"].clone();
        assert_eq!(explanation(0)["arithmetic"], "line L1: 20 % of 50.00 EUR = 10.00 EUR");
        assert_eq!(
            explanation(2)["arithmetic"],
            "line L3: fixed 0.30 EUR for each of 4 item(s) = 1.20 EUR"
        );
        assert_eq!(
            explanation(10)["arithmetic"],
            "line L2: fixed 1.00 EUR for the event, 0.30 EUR of it for this line"
        );
        let frozen: Value = serde_json::from_str(explanation(1)["rule"].as_str().unwrap()).unwrap();
        assert_eq!((&frozen["line"], &frozen["category"]), (&json!("L2"), &json!("books")));
        assert_eq!(
            row["order"]["lines"][0],
            json!({
                "lineId": "L1", "position": 1, "productId": "boots", "name": "Red boots", "category": null, "quantity": 1,
                "amount": { "amount": "50.00", "currency": "EUR" }, "discount": { "amount": "9.99" },
                "refunded": { "amount": "0.00" },
            })
        );
        // Whoever recruited the seller sees its own commissions, but not what was bought.
        let of = |promoter: &Promoter| promoter.user.token.clone();
        let seen = shop.read(&of(&shop.tree[0]), &sale).await;
        assert_eq!(seen["commissions"].as_array().unwrap().len(), 3);
        assert_eq!(seen["commissions"][0]["orderLine"]["lineId"], "L1");
        assert!(seen["order"].is_null());
        let query = "query ($id: ID!) { node(id: $id) { ... on Partner {
            commissions { nodes { level orderLine { lineId } } } } } }";
        let variables = json!({ "id": shop.tree[1].partner.id });
        let path = "node.commissions.nodes";
        let nodes = app.graphql_ok(Some(&of(&shop.tree[1])), query, variables, path).await;
        assert_eq!(nodes, json!(vec![json!({ "level": 1, "orderLine": null }); 3]));
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn the_nearest_rule_that_fits_a_line_pays_for_it(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let shop = Shop::open(&app).await;
        // Both lists must name the line: this one is for boots that are books.
        let both = json!({ "productIds": ["boots", "boots"], "categories": ["Books", "Maps"] });
        let made = rule(
            &app,
            &shop.market,
            json!({ "earning": { "percent": "90" }, "conditions": both }),
        )
        .await;
        assert_eq!(
            made["conditions"],
            json!({ "productIds": ["boots"], "categories": ["Books", "Maps"] })
        );
        // The seller's own terms pay 7.00 for the event, for books only; once, however many there are.
        let own = json!({
            "partnershipId": shop.tree[0].partnership, "conditions": { "categories": ["BOOKS"] },
            "earning": { "fixed": { "amount": "7.00", "currency": "EUR" } },
        });
        let made = rule(&app, &shop.market, own).await;
        assert_eq!(
            (&made["fixed"]["amount"], &made["fixedPerItem"]),
            (&json!("7.00"), &Value::Null)
        );
        let lines = json!([
            { "category": "Books", "amount": "10.00" },
            { "category": "books", "amount": "20.00" },
            { "category": "bookshelves", "amount": "10.00" },
            { "productId": "boots", "amount": "5.00" },
            { "productId": "pens", "amount": "0.00" },
        ]);
        // 7.00 as 1 to 2 is 2.33 and 4.67; 10 % of 10.00; 20 % of 5.00; 0.30 of a pen for nothing.
        let sale = shop.sale("A-1", json!({ "lines": lines, "amount": "45.00" })).await;
        let row = shop.conversion(&sale).await;
        let bottom: Vec<&Value> = row["commissions"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|row| row["level"] == 0)
            .map(|row| &row["amount"]["amount"])
            .collect();
        assert_eq!(bottom, ["2.33", "4.67", "1.00", "1.00", "0.30"]);
        assert_eq!(
            row["earningExplanation"],
            "9.30 EUR earned at 4 level(s), line by line: 1, 2 by the personal terms of the partnership; \
             3, 4, 5 by a rule of the program"
        );
    })
    .await;
}

/// 10 % of 100.05 is 10.005, which is 10.00.
#[rstest]
#[tokio::test]
async fn an_order_without_lines_earns_as_a_whole_and_says_what_it_passed_over(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let shop = Shop::open(&app).await;
        let sale = shop.sale("A-1", json!({ "lines": [], "amount": "100.05" })).await;
        shop.expect_pending(["10.00", "2.00", "1.00", "1.00"]).await;
        let row = shop.conversion(&sale).await;
        assert_eq!(
            row["earningExplanation"],
            "10.00 EUR earned at 4 level(s), by a rule of the program; 3 rule(s) for products, categories or items were \
             passed over: there are no lines"
        );
        assert_eq!(row["order"]["lines"], json!([]));
        assert!(row["commissions"].as_array().unwrap().iter().all(|row| row["orderLine"].is_null()));
        app.refund(&shop.market, "A-1", 1, "50.00").await;
        // 10.00 × 50.00 / 100.05 is 4.9975.
        shop.expect_pending(["5.00", "1.00", "0.50", "0.50"]).await;
    })
    .await;
}

/// 10.01 of 100.05 falls on the lines as 50.00, 30.05 and 20.00 do: 5.00, 3.01 and 2.00. Of 10.00 a tenth comes back, of 1.50
/// × 3.01 / 30.05 = 0.15, of 1.20 a tenth. What is left comes back to the last cent.
#[rstest]
#[tokio::test]
async fn a_refund_of_an_amount_falls_on_the_lines_and_adds_up(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let shop = Shop::open(&app).await;
        let sale = shop.sale("A-1", json!({})).await;
        app.refund(&shop.market, "A-1", 1, "10.01").await;
        assert_eq!(shop.gone(&sale).await, ["5.00", "3.01", "2.00"]);
        assert_eq!(shop.reversed(&sale).await, ["1.00", "0.15", "0.12"]);
        // Above: 0.10, 0.06, 0.04 of 2.00; 0.10, 0.02, 0.01 of 1.27; 0.05, 0.03, 0.02 of 1.00.
        shop.expect_pending(["11.43", "1.80", "1.14", "0.90"]).await;
        app.refund(&shop.market, "A-1", 2, "0.01").await;
        assert_eq!(shop.gone(&sale).await, ["5.01", "3.01", "2.00"]);
        shop.report("refund", "rest", json!({ "orderId": "A-1" })).await;
        assert_eq!(shop.gone(&sale).await, ["50.00", "30.05", "20.00"]);
        shop.expect_pending(["0.00", "0.00", "0.00", "0.00"]).await;
        assert_eq!(shop.conversion(&sale).await["state"], "REFUNDED");
    })
    .await;
}

/// After approval of 12.70, 2.00, 1.27 and 1.00 with a tenth of each commission in reserve. A chargeback of half takes half of
/// every line; won, it is available again, and the reserve stays spent.
#[rstest]
#[tokio::test]
async fn a_chargeback_takes_its_share_of_each_line_and_gives_it_again(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let shop = Shop::open(&app).await;
        let body = json!({ "lines": [
            { "productId": "boots", "amount": "50.00" },
            { "category": "books", "amount": "30.00" },
            { "productId": "pens", "quantity": 4, "amount": "20.00" },
        ] });
        let sale = shop.sale("A-1", body).await;
        app.approve(&shop.market, &sale).await;
        // Reserves: 1.00, 0.15 and 0.12; 0.10, 0.06 and 0.04; 0.10, 0.02 (0.015) and 0.01; 0.05, 0.03 and 0.02.
        shop.expect_earned([("11.43", "1.27"), ("1.80", "0.20"), ("1.14", "0.13"), ("0.90", "0.10")])
            .await;
        let half = json!({ "orderId": "A-1", "reference": "cb", "amount": "50.00", "currency": "EUR" });
        shop.report("chargeback", "cb", half).await;
        assert_eq!(shop.gone(&sale).await, ["25.00", "15.00", "10.00"]);
        // Back come 5.00, 0.75 and 0.60, the reserves first; of 0.15 two levels up 0.08 (0.075).
        shop.expect_earned([("6.35", "0.00"), ("1.00", "0.00"), ("0.63", "0.00"), ("0.50", "0.00")])
            .await;
        let won = json!({ "orderId": "A-1", "reference": "cb", "outcome": "WON" });
        shop.report("chargeback/resolve", "won", won).await;
        assert_eq!(shop.gone(&sale).await, ["0.00", "0.00", "0.00"]);
        shop.expect_earned([("12.70", "0.00"), ("2.00", "0.00"), ("1.27", "0.00"), ("1.00", "0.00")])
            .await;
    })
    .await;
}

/// 100.00 as 50.00, 30.00 and 20.00. At 80.00 a fifth of each line is gone; at 150.00 each is half as much again, and what is
/// fixed stays: 15.00, 2.25 and 1.20. Of what is authorised, the last capture leaves 60.00: two fifths of each.
#[rstest]
#[tokio::test]
async fn amendments_and_captures_fall_on_the_lines(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let shop = Shop::open(&app).await;
        let lines = json!([
            { "productId": "boots", "amount": "50.00" },
            { "category": "books", "amount": "30.00" },
            { "productId": "pens", "quantity": 4, "amount": "20.00" },
        ]);
        let sale = shop.sale("A-1", json!({ "lines": lines })).await;
        let amend = |amount: &str| json!({ "orderId": "A-1", "amount": amount, "currency": "EUR" });
        shop.report("amend", "to-80", amend("80.00")).await;
        assert_eq!(shop.gone(&sale).await, ["10.00", "6.00", "4.00"]);
        assert_eq!(shop.reversed(&sale).await, ["2.00", "0.30", "0.24"]);
        shop.report("amend", "to-150", amend("150.00")).await;
        assert_eq!(shop.gone(&sale).await, ["0.00", "0.00", "0.00"]);
        let row = shop.conversion(&sale).await;
        let amounts: Vec<String> = row["order"]["lines"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| text(&line["amount"], "amount"))
            .collect();
        assert_eq!(amounts, ["75.00", "45.00", "30.00"]);
        // 2 % of 150.00; a tenth of 15.00, 2.25 (0.225 is 0.22) and 1.20; 1.00 as it was.
        shop.expect_pending(["18.45", "3.00", "1.84", "1.00"]).await;
        assert_eq!(
            row["commissions"][1]["explanation"]["arithmetic"],
            "line 2: 5 % of 45.00 EUR = 2.25 EUR"
        );
        let input = json!({ "idempotencyKey": "n", "id": sale, "reason": "enough" });
        app.done(&shop.market.owner, "rejectConversion", input, "conversion { id }")
            .await;
        shop.expect_pending(["0.00", "0.00", "0.00", "0.00"]).await;

        let sale = shop
            .sale("A-2", json!({ "lines": lines, "capture": "AUTHORIZED" }))
            .await;
        let last = json!({ "orderId": "A-2", "amount": "60.00", "currency": "EUR", "isFinal": true });
        shop.report("capture", "last", last).await;
        assert_eq!(shop.gone(&sale).await, ["20.00", "12.00", "8.00"]);
        // Left are 6.00, 0.90 and 0.72; 0.60, 0.36 and 0.24; 0.60, 0.09 and 0.07; 0.30, 0.18 and 0.12.
        shop.expect_pending(["7.62", "1.20", "0.76", "0.60"]).await;
    })
    .await;
}

/// A yen has no parts, a dinar has a thousand.
#[rstest]
#[tokio::test]
async fn lines_have_the_scale_of_their_currency(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market_with("aurora", json!({ "currencies": ["JPY", "KWD"] })).await;
        let seller = app.promoter(&market, "seller", None).await;
        app.code(&seller, "SELLER", json!({})).await;
        // 10 % of 105 and 95 yen: 10 (10.5) and 10 (9.5), half-even. 101 of 200 refunded: 53 and 48, of 10 each 5.
        // 10 % of 1.005 and 0.995 dinars: 0.100 (0.1005) and 0.100 (0.0995). 0.001 of 2.000: of the first line.
        for (currency, one, two, refund, gone, reversed) in [
            ("JPY", "105", "95", "101", ["53", "48"], ["5", "5"]),
            ("KWD", "1.005", "0.995", "0.001", ["0.001", "0.000"], ["0.000", "0.000"]),
        ] {
            let body = json!({ "orderId": currency, "currency": currency, "promoCodes": ["SELLER"],
                "lines": [{ "amount": one }, { "amount": two }] });
            let (status, answer) = app.track(&market.key.secret, "purchase", currency, body).await;
            assert_eq!(status, StatusCode::CREATED, "{answer:#}");
            let body = json!({ "orderId": currency, "amount": refund, "currency": currency });
            let (status, answer) = app.track(&market.key.secret, "refund", currency, body).await;
            assert_eq!(status, StatusCode::CREATED, "{answer:#}");
            let query = "query ($id: ID!) { node(id: $id) { ... on Brand { conversions(first: 1) { nodes {
                order { lines { refunded { amount } } } commissions { amount { amount } reversed { amount } } } } } } }";
            let variables = json!({ "id": market.brand.id });
            let answer = app.graphql(Some(&market.owner.token), query, variables).await;
            let row = &data_at(&answer, "node.conversions.nodes")[0];
            let one_ten = if currency == "JPY" { "10" } else { "0.100" };
            for (index, (gone, reversed)) in gone.into_iter().zip(reversed).enumerate() {
                assert_eq!(row["order"]["lines"][index]["refunded"]["amount"], gone, "{currency}");
                assert_eq!(row["commissions"][index]["amount"]["amount"], one_ten, "{currency}");
                assert_eq!(row["commissions"][index]["reversed"]["amount"], reversed, "{currency}");
            }
        }
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn lines_that_are_wrong_are_named_and_nothing_is_recorded(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let shop = Shop::open(&app).await;
        let line = |more: Value| merged(json!({ "amount": "5.00" }), more);
        let long = "x".repeat(201);
        for (lines, more, code, field) in [
            (
                json!([line(json!({ "amount": "-0.01" }))]),
                json!({}),
                "AMOUNT_NEGATIVE",
                "lines.0.amount.amount",
            ),
            (
                json!([line(json!({})), line(json!({ "amount": "0.005" }))]),
                json!({}),
                "AMOUNT_TOO_PRECISE",
                "lines.1.amount.amount",
            ),
            (
                json!([line(json!({ "discount": "-1" }))]),
                json!({}),
                "AMOUNT_NEGATIVE",
                "lines.0.discount.amount",
            ),
            (json!(vec![line(json!({})); 101]), json!({}), "TOO_MANY_LINES", "lines"),
            (
                json!([line(json!({ "lineId": "" }))]),
                json!({}),
                "LINE_ID_INVALID",
                "lines.0.lineId",
            ),
            (
                json!([line(json!({ "lineId": "a" })), line(json!({ "lineId": "a" }))]),
                json!({}),
                "LINE_ID_REPEATED",
                "lines.1.lineId",
            ),
            (
                json!([line(json!({ "lineId": "2" })), line(json!({}))]),
                json!({}),
                "LINE_ID_REPEATED",
                "lines.1.lineId",
            ),
            (
                json!([line(json!({ "productId": " boots" }))]),
                json!({}),
                "LINE_TEXT_INVALID",
                "lines.0.productId",
            ),
            (
                json!([line(json!({ "name": long }))]),
                json!({}),
                "LINE_TEXT_INVALID",
                "lines.0.name",
            ),
            (
                json!([line(json!({ "category": "" }))]),
                json!({}),
                "LINE_TEXT_INVALID",
                "lines.0.category",
            ),
            (
                json!([line(json!({ "quantity": 0 }))]),
                json!({}),
                "QUANTITY_INVALID",
                "lines.0.quantity",
            ),
            (
                json!([line(json!({ "quantity": 1_000_001 }))]),
                json!({}),
                "QUANTITY_INVALID",
                "lines.0.quantity",
            ),
            (
                json!([line(json!({})), line(json!({}))]),
                json!({ "amount": "10.01" }),
                "LINES_DO_NOT_ADD_UP",
                "lines",
            ),
            (json!([]), json!({}), "AMOUNT_REQUIRED", "amount"),
        ] {
            let body = merged(merged(cart("B-1"), json!({ "lines": lines })), more);
            let [refused, place, message] = shop.refused("purchase", body).await;
            assert_eq!((refused.as_str(), place.as_str()), (code, field), "{message}");
            if code == "LINES_DO_NOT_ADD_UP" {
                assert_eq!(message, "the lines add up to 10.00 EUR, but the amount is 10.01 EUR");
            }
        }
        // In GraphQL each amount has a currency of its own.
        let money = |currency: &str| json!({ "amount": "5.00", "currency": currency });
        for (amount, discount, field) in [
            ("USD", "EUR", "lines.1.amount.currency"),
            ("EUR", "USD", "lines.1.discount.currency"),
        ] {
            let input = json!({
                "brandId": shop.market.brand.id, "idempotencyKey": "k", "orderId": "B-1",
                "lines": [{ "amount": money("EUR") }, { "amount": money(amount), "discount": money(discount) }],
            });
            let answer = app
                .mutation(Some(&shop.market.key.secret), "recordSale", input, "conversion { id }")
                .await;
            let refused = &user_errors(&answer)[0];
            assert_eq!(refused["code"], "CURRENCY_MISMATCH");
            let path: Vec<&str> = field.split('.').collect();
            assert_eq!(refused["field"], json!(path));
        }
        // Many small orders may not be one that is too large.
        let orders: Vec<Value> = (0..51)
            .map(|n| {
                json!({ "type": "purchase", "idempotencyKey": format!("k{n}"), "orderId": format!("B-{n}"),
                "currency": "EUR", "lines": vec![json!({ "amount": "1" }); 99] })
            })
            .collect();
        let body = json!({ "events": orders });
        let (status, answer) = app
            .rest("POST", "/track/bulk", Some(&shop.market.key.secret), &[], body)
            .await;
        assert_eq!(
            (status, &answer["error"]["code"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("TOO_MANY_LINES"))
        );
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn rules_for_lines_are_for_sales_and_bounded(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let one = json!({ "amount": "1.00", "currency": "EUR" });
        let many: Vec<String> = (0..101).map(|n| n.to_string()).collect();
        for (event, earning, conditions, code) in [
            (
                "LEAD",
                json!({ "fixed": one }),
                json!({ "productIds": ["a"] }),
                "LINES_NEED_SALE",
            ),
            ("SIGNUP", json!({ "fixedPerItem": one }), json!({}), "LINES_NEED_SALE"),
            (
                "SALE",
                json!({ "percent": "5" }),
                json!({ "categories": [""] }),
                "CONDITION_INVALID",
            ),
            (
                "SALE",
                json!({ "percent": "5" }),
                json!({ "productIds": many }),
                "CONDITION_INVALID",
            ),
            (
                "SALE",
                json!({ "fixedPerItem": { "amount": "0", "currency": "EUR" } }),
                json!({}),
                "AMOUNT_INVALID",
            ),
            (
                "SALE",
                json!({ "fixedPerItem": { "amount": "1", "currency": "USD" } }),
                json!({}),
                "CURRENCY_NOT_ACCEPTED",
            ),
        ] {
            let input = json!({
                "programId": market.program.id, "event": event, "earning": earning, "conditions": conditions,
            });
            let token = Some(market.owner.token.as_str());
            let answer = app
                .mutation(token, "createCommissionRule", input, "commissionRule { id }")
                .await;
            assert_eq!(user_errors(&answer)[0]["code"], code, "{answer:#}");
        }
    })
    .await;
}

/// The same content is the same lines, in their order.
#[rstest]
#[tokio::test]
async fn a_key_stands_for_its_lines_too(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let shop = Shop::open(&app).await;
        let first = shop.report("purchase", "k", cart("A-1")).await;
        let before = app.books().await;
        // The sum says nothing new.
        for body in [cart("A-1"), merged(cart("A-1"), json!({ "amount": "100.05" }))] {
            let (status, again) = shop.knock("purchase", "k", body).await;
            assert_eq!((status, &again["replayed"]), (StatusCode::OK, &json!(true)));
            assert_eq!(again["conversion"]["id"], first["conversion"]["id"]);
        }
        for (field, value) in [
            ("lineId", json!("L9")),
            ("productId", json!("shoes")),
            ("name", json!("Boots")),
            ("category", json!("Shoes")),
            ("quantity", json!(2)),
            ("discount", json!("1.00")),
        ] {
            let mut other = cart("A-1");
            other["lines"][0][field] = value;
            let (_, answer) = shop.knock("purchase", "k", other).await;
            assert_eq!(answer["error"]["code"], "IDEMPOTENCY_KEY_REUSED", "{field}: {answer}");
        }
        let mut whole = merged(cart("A-1"), json!({ "amount": "100.05" }));
        whole.as_object_mut().unwrap().remove("lines");
        let (_, answer) = shop.knock("purchase", "k", whole).await;
        assert_eq!(answer["error"]["code"], "IDEMPOTENCY_KEY_REUSED");
        assert_eq!(app.books().await, before);
    })
    .await;
}
