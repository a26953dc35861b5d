//! What changes balances beside commissions and payouts: amounts worked by hand, and what the partner reads of them.

use chrono::TimeDelta;
use entity::adjustment;
use rstest::rstest;
use sea_orm::{ConnectionTrait, EntityTrait};
use serde_json::{Value, json};
use tributary::{
    commissions::service::release_due,
    ledger::verify::{VerifyError, verify},
};

use crate::support::{
    answer::{data_at, error_code, refusal, user_errors},
    app::{TestApp, with_app},
    builders::text,
    database::Database,
    marketplace::{Balances, Market, Promoter, merged},
};

/// A seller with a promo code, and its approved sale of 100.00: 9.00 available and 1.00 in reserve.
struct Scene {
    market: Market,
    seller: Promoter,
    sale: String,
}

async fn scene(app: &TestApp) -> Scene {
    let market = app.market("aurora").await;
    let seller = app.promoter(&market, "seller", None).await;
    app.code(&seller, "SELLER", json!({})).await;
    let sale = sold(app, &market, "A-1", "100.00").await;
    assert_eq!(
        app.balances(&seller).await,
        Balances::of("0.00", "9.00", "1.00", "0.00")
    );
    Scene { market, seller, sale }
}

async fn sold(app: &TestApp, market: &Market, order: &str, amount: &str) -> String {
    let sale = app
        .sale(market, order, amount, json!({ "promoCodes": ["SELLER"] }))
        .await;
    app.approve(market, &sale).await;
    sale
}

impl Scene {
    async fn try_to(&self, app: &TestApp, mutation: &str, input: Value) -> Value {
        let selection = match mutation {
            "releaseReserve" => "replayed partnership { id }",
            _ => "replayed adjustment { id kind reason amount { amount } }",
        };
        let input = merged(json!({ "idempotencyKey": mutation, "reason": "because" }), input);
        app.mutation(Some(&self.market.owner.token), mutation, input, selection)
            .await
    }

    async fn done(&self, app: &TestApp, mutation: &str, input: Value) -> Value {
        data_at(&self.try_to(app, mutation, input).await, mutation)
    }

    fn eur(&self, amount: &str) -> Value {
        json!({ "partnershipId": self.seller.partnership, "amount": { "amount": amount, "currency": "EUR" } })
    }

    async fn available(&self, app: &TestApp) -> String {
        app.balances(&self.seller).await.available
    }

    async fn order(&self, app: &TestApp) -> String {
        let query = "query ($id: ID!) { node(id: $id) { ... on Conversion { order { id } } } }";
        let token = Some(self.market.owner.token.as_str());
        let order = app
            .graphql_ok(token, query, json!({ "id": self.sale }), "node.order")
            .await;
        text(&order, "id")
    }

    /// The items of a payout: what each pays, and of what.
    async fn items(&self, app: &TestApp, payout: &str) -> Vec<(String, String)> {
        let query = "query ($id: ID!) { node(id: $id) { ... on Payout { items {
            amount { amount } commission { id } adjustment { kind } } } } }";
        let token = Some(self.seller.user.token.as_str());
        let items = app
            .graphql_ok(token, query, json!({ "id": payout }), "node.items")
            .await;
        let item = |item: &Value| {
            let of = match &item["adjustment"] {
                Value::Null => "COMMISSION".to_owned(),
                adjustment => text(adjustment, "kind"),
            };
            (text(&item["amount"], "amount"), of)
        };
        items.as_array().unwrap().iter().map(item).collect()
    }

    async fn commission(&self, app: &TestApp) -> Value {
        app.conversion(&self.market, &self.sale).await["commissions"][0].clone()
    }

    async fn later(&mut self, app: &TestApp, days: i64) {
        app.advance_days(days, [&mut self.market.owner, &mut self.seller.user])
            .await;
    }
}

#[rstest]
#[tokio::test]
async fn a_reserve_is_released_once_when_its_days_are_over(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let mut scene = scene(&app).await;
        let first = app.approved_payout(&scene.market, &scene.seller, "first").await;
        app.mark_paid(&scene.market, &first, "first").await;
        assert_eq!(scene.commission(&app).await["state"], "PAID");

        scene.later(&app, 30).await;
        app.advance(-TimeDelta::seconds(60));
        assert_eq!(release_due(&app.app).await.unwrap(), 0, "a minute is missing");
        app.advance(TimeDelta::seconds(60));
        assert_eq!(release_due(&app.app).await.unwrap(), 1);
        assert_eq!(release_due(&app.app).await.unwrap(), 0);
        let balances = app.balances(&scene.seller).await;
        assert_eq!(balances, Balances::of("0.00", "1.00", "0.00", "0.00"));

        // What was released is the rest of the same commission, which was paid already.
        let second = app.approved_payout(&scene.market, &scene.seller, "second").await;
        assert_eq!(
            scene.items(&app, &second).await,
            [("1.00".to_owned(), "COMMISSION".to_owned())]
        );
        app.mark_paid(&scene.market, &second, "second").await;
        let commission = scene.commission(&app).await;
        assert_eq!(
            (&commission["state"], &commission["paid"]["amount"]),
            (&json!("PAID"), &json!("10.00"))
        );
        // Nothing is left in reserve to give first.
        app.refund(&scene.market, "A-1", 1, "100.00").await;
        let balances = app.balances(&scene.seller).await;
        assert_eq!(balances, Balances::of("0.00", "-10.00", "0.00", "0.00"));
        verify(&app.app).await.unwrap();
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_reserve_is_released_by_hand_while_a_payout_is_on_its_way(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let scene = scene(&app).await;
        let first = app.approved_payout(&scene.market, &scene.seller, "first").await;
        let input = json!({ "partnershipId": scene.seller.partnership, "currency": "EUR" });
        let released = scene.done(&app, "releaseReserve", input.clone()).await;
        assert_eq!(released["replayed"], false);
        assert_eq!(
            scene.done(&app, "releaseReserve", input.clone()).await["replayed"],
            true
        );
        let again = merged(input, json!({ "idempotencyKey": "again" }));
        assert_eq!(
            refusal(&scene.try_to(&app, "releaseReserve", again).await),
            "NOTHING_RESERVED"
        );
        assert_eq!(
            app.balances(&scene.seller).await,
            Balances::of("0.00", "1.00", "0.00", "9.00")
        );

        // Taking back the second payout leaves the commission to the first.
        let second = app.approved_payout(&scene.market, &scene.seller, "second").await;
        let cancel = json!({ "idempotencyKey": "cancel", "id": second, "reason": "too small" });
        app.done(&scene.market.owner, "cancelPayout", cancel, "payout { state }")
            .await;
        assert_eq!(scene.commission(&app).await["state"], "IN_PAYOUT");
        app.mark_paid(&scene.market, &first, "first").await;
        assert_eq!(scene.commission(&app).await["state"], "PAID");
        assert_eq!(scene.available(&app).await, "1.00");
        verify(&app.app).await.unwrap();
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn balances_are_adjusted_penalised_and_written_off(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let scene = scene(&app).await;
        let bonus = merged(
            scene.eur("5.00"),
            json!({ "direction": "CREDIT", "reason": " a bonus " }),
        );
        let made = scene.done(&app, "adjustBalance", bonus.clone()).await;
        assert_eq!(made["adjustment"]["reason"], "a bonus");
        assert_eq!(made["adjustment"]["amount"]["amount"], "5.00");
        let again = scene.done(&app, "adjustBalance", bonus).await;
        assert_eq!(
            (&again["replayed"], &again["adjustment"]),
            (&json!(true), &made["adjustment"])
        );
        assert_eq!(scene.available(&app).await, "14.00");

        let order = scene.order(&app).await;
        let eur = |amount: &str| json!({ "amount": amount, "currency": "EUR" });
        let penalty = scene
            .done(
                &app,
                "chargeShippingPenalty",
                json!({ "orderId": order, "amount": eur("4.50") }),
            )
            .await;
        assert_eq!(penalty["adjustment"]["amount"]["amount"], "-4.50");
        assert_eq!(scene.available(&app).await, "9.50");
        // The order came to 100.00, and 4.50 of it is charged.
        let more = json!({ "orderId": order, "amount": eur("95.51"), "idempotencyKey": "more" });
        let more = scene.try_to(&app, "chargeShippingPenalty", more).await;
        assert_eq!(refusal(&more), "PENALTY_TOO_LARGE");
        assert_eq!(user_errors(&more)[0]["message"], "at most 95.50 EUR more");

        let taken = merged(
            scene.eur("20.00"),
            json!({ "direction": "DEBIT", "idempotencyKey": "taken" }),
        );
        scene.done(&app, "adjustBalance", taken).await;
        assert_eq!(scene.available(&app).await, "-10.50", "carried forward");
        let payout = json!({ "idempotencyKey": "early", "partnershipId": scene.seller.partnership, "currency": "EUR" });
        let token = Some(scene.market.owner.token.as_str());
        let early = app.mutation(token, "createPayout", payout, "payout { id }").await;
        assert_eq!(refusal(&early), "NOTHING_AVAILABLE");

        let too_much = merged(scene.eur("10.51"), json!({ "idempotencyKey": "too-much" }));
        assert_eq!(
            refusal(&scene.try_to(&app, "writeOffBalance", too_much).await),
            "NO_SUCH_DEBT"
        );
        scene.done(&app, "writeOffBalance", scene.eur("10.50")).await;
        assert_eq!(scene.available(&app).await, "0.00");

        // 200.00 earn 20.00, of which 2.00 are kept. What was given and taken before is in the payout, and adds up to zero.
        sold(&app, &scene.market, "A-2", "200.00").await;
        let payout = app.approved_payout(&scene.market, &scene.seller, "paid").await;
        let wanted = [
            ("9.00", "COMMISSION"),
            ("18.00", "COMMISSION"),
            ("5.00", "CORRECTION"),
            ("-4.50", "SHIPPING_PENALTY"),
            ("-20.00", "CORRECTION"),
            ("10.50", "WRITE_OFF"),
        ];
        let wanted = wanted.map(|(amount, of)| (amount.to_owned(), of.to_owned()));
        assert_eq!(scene.items(&app, &payout).await, wanted);
        app.mark_paid(&scene.market, &payout, "paid").await;

        // Commissions of 30.00, 5.00 given and 20.00 taken; the reserve is a tenth of 30.00.
        let query = "query ($id: ID!) { brand(id: $id) { ledgerBalances { account balance { amount } } } }";
        let books = app
            .graphql_ok(
                token,
                query,
                json!({ "id": scene.market.brand.id }),
                "brand.ledgerBalances",
            )
            .await;
        let mut books: Vec<(String, String)> = books
            .as_array()
            .unwrap()
            .iter()
            .map(|line| (text(line, "account"), text(&line["balance"], "amount")))
            .filter(|(_, amount)| amount != "0.00")
            .collect();
        books.sort();
        let wanted = [
            ("BAD_DEBT", "-10.50"),
            ("CASH_BANK", "18.00"),
            ("COMMISSION_EXPENSE", "-15.00"),
            ("PENALTY_INCOME", "4.50"),
            ("RESERVE", "3.00"),
        ];
        assert_eq!(
            books,
            wanted.map(|(account, amount)| (account.to_owned(), amount.to_owned()))
        );
        verify(&app.app).await.unwrap();

        statement_reads_back(&app, &scene).await;
    })
    .await;
}

/// What the partner reads of all that.
async fn statement_reads_back(app: &TestApp, scene: &Scene) {
    const STATEMENT: &str = "query ($id: ID!, $where: StatementWhere, $first: Int, $after: String) {
        node(id: $id) { ... on Partnership {
            adjustments(first: 2) { totalCount nodes { kind } }
            statement(currency: \"EUR\", where: $where, first: $first, after: $after) {
                totalCount pageInfo { hasNextPage endCursor }
                nodes { kind account amount { amount } balance { amount } payout { reference } adjustment { reason }
                    commission { id } } } } } }";
    let read = async |variables: Value| {
        let variables = merged(json!({ "id": scene.seller.partnership }), variables);
        let token = Some(scene.seller.user.token.as_str());
        app.graphql_ok(token, STATEMENT, variables, "node").await
    };
    let lines = |page: &Value| -> Vec<(String, String, String)> {
        let nodes = page["statement"]["nodes"].as_array().unwrap();
        let line = |line: &Value| {
            let amount = |field: &str| text(&line[field], "amount");
            (text(line, "kind"), amount("amount"), amount("balance"))
        };
        nodes.iter().map(line).collect()
    };
    let wanted = |all: &[(&str, &str, &str)]| -> Vec<(String, String, String)> {
        let own =
            |(kind, amount, balance): &(&str, &str, &str)| (kind.to_string(), amount.to_string(), balance.to_string());
        all.iter().map(own).collect()
    };
    let available = json!({ "accounts": ["AVAILABLE"] });
    let first = read(json!({ "where": available, "first": 4 })).await;
    assert_eq!(
        first["adjustments"],
        json!({ "totalCount": 4, "nodes": [{ "kind": "WRITE_OFF" }, { "kind": "CORRECTION" }] })
    );
    assert_eq!(first["statement"]["totalCount"], 7);
    assert_eq!(
        lines(&first),
        wanted(&[
            ("PAYOUT_REQUESTED", "-18.00", "0.00"),
            ("COMMISSION_APPROVED", "18.00", "18.00"),
            ("DEBT_WRITTEN_OFF", "10.50", "0.00"),
            ("BALANCE_CORRECTED", "-20.00", "-10.50"),
        ])
    );
    assert_eq!(first["statement"]["nodes"][0]["payout"]["reference"], "paid");
    assert_eq!(first["statement"]["nodes"][3]["adjustment"]["reason"], "because");
    let after = first["statement"]["pageInfo"]["endCursor"].clone();
    let second = read(json!({ "where": available, "first": 4, "after": after })).await;
    assert_eq!(second["statement"]["pageInfo"]["hasNextPage"], false);
    assert_eq!(
        lines(&second),
        wanted(&[
            ("PENALTY_CHARGED", "-4.50", "9.50"),
            ("BALANCE_CORRECTED", "5.00", "14.00"),
            ("COMMISSION_APPROVED", "9.00", "9.00"),
        ])
    );
    // Narrowed, balances are still those of the account.
    let corrections = read(json!({ "where": { "kinds": ["BALANCE_CORRECTED"] } })).await;
    assert_eq!(
        lines(&corrections),
        wanted(&[
            ("BALANCE_CORRECTED", "-20.00", "-10.50"),
            ("BALANCE_CORRECTED", "5.00", "14.00")
        ])
    );
    let reserve = read(json!({ "where": { "accounts": ["RESERVE"] } })).await;
    assert_eq!(
        lines(&reserve),
        wanted(&[
            ("COMMISSION_APPROVED", "2.00", "3.00"),
            ("COMMISSION_APPROVED", "1.00", "1.00")
        ])
    );
    assert!(reserve["statement"]["nodes"][0]["commission"]["id"].is_string());
    let later = read(json!({ "where": { "from": "2027-01-01T00:00:00Z" } })).await;
    assert_eq!(lines(&later), wanted(&[]));
}

#[rstest]
#[tokio::test]
async fn what_cannot_be_is_refused(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let scene = scene(&app).await;
        let before = app.books().await;
        for (change, code) in [
            (json!({ "reason": " " }), "REASON_INVALID"),
            (
                json!({ "amount": { "amount": "0", "currency": "EUR" } }),
                "AMOUNT_INVALID",
            ),
            (
                json!({ "amount": { "amount": "-1", "currency": "EUR" } }),
                "AMOUNT_INVALID",
            ),
            (
                json!({ "amount": { "amount": "1.001", "currency": "EUR" } }),
                "AMOUNT_INVALID",
            ),
            (
                json!({ "amount": { "amount": "99999999999999999", "currency": "EUR" } }),
                "AMOUNT_INVALID",
            ),
        ] {
            let input = merged(
                merged(scene.eur("1.00"), json!({ "direction": "CREDIT" })),
                change.clone(),
            );
            assert_eq!(
                refusal(&scene.try_to(&app, "adjustBalance", input).await),
                code,
                "{change}"
            );
        }
        let order = scene.order(&app).await;
        let dollars = json!({ "orderId": order, "amount": { "amount": "1.00", "currency": "USD" } });
        let refused = scene.try_to(&app, "chargeShippingPenalty", dollars).await;
        assert_eq!(refusal(&refused), "AMOUNT_INVALID");
        assert_eq!(app.books().await, before, "nothing was written");
        // Nobody sold this one.
        let nobody = app
            .sale(&scene.market, "A-9", "10.00", json!({ "customerId": "c" }))
            .await;
        let nobody = app.conversion(&scene.market, &nobody).await;
        assert!(nobody["attribution"]["partnership"].is_null());
        let query = "query ($id: ID!) { node(id: $id) { ... on Conversion { order { id } } } }";
        let token = Some(scene.market.owner.token.as_str());
        let order = app
            .graphql_ok(token, query, json!({ "id": nobody["id"] }), "node.order")
            .await;
        let input = json!({ "orderId": order["id"], "amount": { "amount": "1.00", "currency": "EUR" } });
        let refused = scene.try_to(&app, "chargeShippingPenalty", input).await;
        assert_eq!(refusal(&refused), "ORDER_NOT_CREDITED");
        let dollars = json!({ "partnershipId": scene.seller.partnership, "currency": "USD" });
        assert_eq!(
            refusal(&scene.try_to(&app, "releaseReserve", dollars).await),
            "NOTHING_RESERVED"
        );
        // Another key with the same name is another operation's; another content under the same key is refused.
        let one = merged(scene.eur("1.00"), json!({ "direction": "CREDIT" }));
        scene.done(&app, "adjustBalance", one.clone()).await;
        let other = merged(one, json!({ "direction": "DEBIT" }));
        let reused = scene.try_to(&app, "adjustBalance", other).await;
        assert_eq!(error_code(&reused), "IDEMPOTENCY_KEY_REUSED");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_brand_says_what_it_keeps_and_how_long(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let scene = scene(&app).await;
        let settings = "brand { payoutSettings { reservePercent reserveDays payoutMinimum { amount currency } } }";
        let brand = scene.market.brand.id.clone();
        let change = async |patch: Value| {
            let input = json!({ "brandId": brand, "patch": patch });
            let token = Some(scene.market.owner.token.as_str());
            app.mutation(token, "updatePayoutSettings", input, settings).await
        };
        let read = |answer: &Value| data_at(answer, "updatePayoutSettings.brand.payoutSettings");
        let changed = change(json!({ "reservePercent": "20.5", "payoutMinimum": "12.50" })).await;
        assert_eq!(
            read(&changed),
            json!({ "reservePercent": "20.5", "reserveDays": 30, "payoutMinimum": { "amount": "12.50", "currency": "EUR" } })
        );
        // 20.5 % of 10.00 for what is approved from now on.
        sold(&app, &scene.market, "A-2", "100.00").await;
        assert_eq!(
            app.balances(&scene.seller).await,
            Balances::of("0.00", "16.95", "3.05", "0.00")
        );
        assert_eq!(release_due(&app.app).await.unwrap(), 0);
        change(json!({ "reserveDays": 0 })).await;
        assert_eq!(release_due(&app.app).await.unwrap(), 2);
        assert_eq!(scene.available(&app).await, "20.00");
        for (patch, code) in [
            (json!({ "reservePercent": "50.1" }), "RESERVE_OUT_OF_RANGE"),
            (json!({ "reserveDays": 366 }), "RESERVE_DAYS_OUT_OF_RANGE"),
            (json!({ "reserveDays": -1 }), "RESERVE_DAYS_OUT_OF_RANGE"),
            (json!({ "payoutMinimum": "0.001" }), "PAYOUT_MINIMUM_INVALID"),
        ] {
            assert_eq!(refusal(&change(patch.clone()).await), code, "{patch}");
        }
        verify(&app.app).await.unwrap();
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn verifying_names_the_adjustment_that_is_wrong(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let scene = scene(&app).await;
        let input = merged(scene.eur("5.00"), json!({ "direction": "CREDIT", "reason": "a bonus" }));
        scene.done(&app, "adjustBalance", input).await;
        verify(&app.app).await.unwrap();
        let adjustment = adjustment::Entity::find().one(app.db()).await.unwrap().unwrap();
        let name = format!("{} (a bonus)", adjustment.id);
        let broken_by = async |statement: &str| {
            app.db_writer().execute_unprepared(statement).await.unwrap();
            match verify(&app.app).await {
                Err(VerifyError::Broken { invariant, row }) => (invariant, row),
                other => panic!("{statement}: {other:?}"),
            }
        };
        // The row says more than was moved.
        let (invariant, row) = broken_by("UPDATE adjustments SET amount_minor = amount_minor + 1").await;
        assert_eq!(
            (invariant, row.as_str()),
            ("an adjustment has moved what it says", name.as_str())
        );
        app.db_writer()
            .execute_unprepared("UPDATE adjustments SET amount_minor = amount_minor - 1")
            .await
            .unwrap();
        // It was of another currency: the books are right in themselves, and it has moved none of its own.
        let (invariant, row) = broken_by("UPDATE adjustments SET currency = 'USD'").await;
        assert_eq!(
            (invariant, row),
            (
                "an adjustment moves money of its own partner, in its own currency",
                name
            )
        );
        app.db_writer()
            .execute_unprepared("UPDATE adjustments SET currency = 'EUR'")
            .await
            .unwrap();
    })
    .await;
}
