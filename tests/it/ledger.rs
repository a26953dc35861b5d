//! The books: append-only, checkable, and right after whatever happened in whatever order.

use axum::http::StatusCode;
use entity::{commission, ledger_account, ledger_entry, ledger_transfer, order, order_line, refund_line};
use futures_util::future::join_all;
use rstest::rstest;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};
use serde_json::{Value, json};
use tributary::ledger::verify::{VerifyError, verify};

use crate::support::{
    answer::{data_at, user_errors},
    app::{TestApp, with_app},
    builders::text,
    database::Database,
    marketplace::{Market, Promoter, merged},
};

#[rstest]
#[tokio::test]
async fn the_database_refuses_to_change_what_was_posted(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let seller = app.promoter(&market, "seller", None).await;
        app.code(&seller, "SELLER", json!({})).await;
        app.sale(&market, "A-1", "100.00", json!({ "promoCodes": ["SELLER"] }))
            .await;
        let before = app.books().await;
        let mut statements = vec![
            "UPDATE ledger_entries SET amount_minor = amount_minor + 1",
            "UPDATE ledger_transfers SET transfer_key = 'other'",
            "DELETE FROM ledger_entries",
            "DELETE FROM ledger_transfers",
            "INSERT INTO ledger_entries SELECT * FROM ledger_entries WHERE 1 = 1
             ON CONFLICT (id) DO UPDATE SET amount_minor = 1",
        ];
        // Replacing is SQLite's own way around what refuses to delete.
        if matches!(database, Database::Sqlite) {
            statements.extend([
                "INSERT OR REPLACE INTO ledger_entries (id, transfer_id, account_id, amount_minor)
                 SELECT id, transfer_id, account_id, amount_minor + 1 FROM ledger_entries",
                "REPLACE INTO ledger_transfers (id, transfer_key, brand_id, kind, currency, occurred_at)
                 SELECT id, 'other', brand_id, kind, currency, occurred_at FROM ledger_transfers",
                "INSERT OR REPLACE INTO ledger_transfers (id, transfer_key, brand_id, kind, currency, occurred_at)
                 SELECT randomblob(16), transfer_key, brand_id, kind, currency, occurred_at FROM ledger_transfers",
                "UPDATE OR REPLACE ledger_entries SET amount_minor = amount_minor + 1",
            ]);
        }
        for statement in statements {
            let refused = app.db_writer().execute_unprepared(statement).await.unwrap_err();
            assert!(refused.to_string().contains("append-only"), "{statement}: {refused}");
        }
        assert_eq!(app.books().await, before);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn verifying_names_the_row_that_is_wrong(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let seller = app.promoter(&market, "seller", None).await;
        app.code(&seller, "SELLER", json!({})).await;
        app.sale(&market, "A-1", "100.00", json!({ "promoCodes": ["SELLER"] }))
            .await;
        let verified = verify(&app.app).await.unwrap();
        assert_eq!((verified.transfers, verified.entries), (1, 2));

        db_move_balance(&app, &seller, 1).await;
        let Err(VerifyError::Broken { invariant, row }) = verify(&app.app).await else {
            panic!("a wrong balance went unnoticed");
        };
        assert_eq!(invariant, "a cached balance equals the sum of its entries");
        assert_eq!(row, format!("{}:PENDING:EUR", seller.partnership));
        db_move_balance(&app, &seller, -1).await;
        verify(&app.app).await.unwrap();
    })
    .await;
}

/// What an order's lines lost is checked against the order, and what was earned on them against them.
#[rstest]
#[tokio::test]
async fn verifying_names_the_line_that_is_wrong(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let seller = app.promoter(&market, "seller", None).await;
        app.code(&seller, "SELLER", json!({})).await;
        let lines = json!([{ "lineId": "one", "amount": "60.00" }, { "lineId": "two", "amount": "40.00" }]);
        app.sale(
            &market,
            "A-1",
            "100.00",
            json!({ "promoCodes": ["SELLER"], "lines": lines }),
        )
        .await;
        app.refund(&market, "A-1", 1, "10.00").await;
        verify(&app.app).await.unwrap();
        let order = order::Entity::find().one(app.db()).await.unwrap().unwrap().id;
        let line = order_line::Entity::find()
            .filter(order_line::Column::ExternalId.eq("one"))
            .one(app.db())
            .await
            .unwrap()
            .unwrap()
            .id;
        let commission = commission::Entity::find()
            .filter(commission::Column::OrderLineId.eq(line))
            .one(app.db())
            .await
            .unwrap()
            .unwrap()
            .id;
        for (one, two, wrong) in [
            (1, 0, format!("the lines of an order add up to it: {order} (A-1)")),
            (
                -601,
                601,
                format!("no more of a line is gone than it came to: {line} (A-1, line one)"),
            ),
            (
                10,
                -10,
                format!(
                    "a commission has lost its share of what is gone: {commission} \
                     (60 of 600: line one: 10 % of 60.00 EUR = 6.00 EUR)"
                ),
            ),
        ] {
            for way in [1, -1] {
                db_move_share(&app, "one", one * way).await;
                db_move_share(&app, "two", two * way).await;
                match (way, verify(&app.app).await) {
                    (1, Err(broken)) => assert_eq!(broken.to_string(), format!("ledger broken: {wrong}")),
                    (-1, Ok(_)) => {}
                    (_, other) => panic!("{wrong}: {other:?}"),
                }
            }
        }
    })
    .await;
}

/// Falsifies what a line lost with its order.
async fn db_move_share(app: &TestApp, line: &str, by: i64) {
    order_line::Entity::update_many()
        .col_expr(
            order_line::Column::SharedMinor,
            Expr::col(order_line::Column::SharedMinor).add(by),
        )
        .filter(order_line::Column::ExternalId.eq(line))
        .exec(app.db_writer())
        .await
        .unwrap();
}

/// Falsifies a partnership's cached pending balance.
async fn db_move_balance(app: &TestApp, promoter: &Promoter, by: i64) {
    let key = format!("{}:PENDING:EUR", promoter.partnership);
    ledger_account::Entity::update_many()
        .col_expr(
            ledger_account::Column::BalanceMinor,
            Expr::col(ledger_account::Column::BalanceMinor).add(by),
        )
        .filter(ledger_account::Column::AccountKey.eq(key))
        .exec(app.db_writer())
        .await
        .unwrap();
}

/// Refunds hold commissions and want balances, payouts hold balances and want commissions: neither may wait for the other
/// for ever.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn refunds_and_payouts_at_once_do_not_block_each_other(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    const ROUNDS: u32 = 3;
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let seller = app.promoter(&market, "seller", None).await;
        app.code(&seller, "SELLER", json!({})).await;
        for round in 0..ROUNDS {
            let orders: Vec<String> = (0..6).map(|n| format!("A-{round}-{n}")).collect();
            for order in &orders {
                let sale = app
                    .sale(&market, order, "100.00", json!({ "promoCodes": ["SELLER"] }))
                    .await;
                app.approve(&market, &sale).await;
            }
            let refunding = orders.into_iter().map(|order| {
                let (app, market) = (app.clone(), market.clone());
                tokio::spawn(async move {
                    for nth in 0..4 {
                        app.refund(&market, &order, nth, "20.00").await;
                    }
                })
            });
            let refunding: Vec<_> = refunding.collect();
            for nth in 0..6 {
                let key = format!("{round}-{nth}");
                let payout = app.approved_payout(&market, &seller, &key).await;
                let input = json!({ "idempotencyKey": key, "id": payout, "reason": "again" });
                app.done(&market.owner, "cancelPayout", input, "payout { state }").await;
            }
            for done in join_all(refunding).await {
                done.unwrap();
            }
            verify(&app.app).await.unwrap();
        }
    })
    .await;
}

/// Deterministic and good enough to choose what happens next (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let sides = u64::try_from(items.len()).unwrap();
        (sides > 0).then(|| &items[usize::try_from(self.roll(sides)).unwrap()])
    }
}

fn cents(minor: u64) -> String {
    format!("{}.{:02}", minor / 100, minor % 100)
}

/// What random steps act on.
struct Books {
    app: TestApp,
    market: Market,
    promoters: Vec<Promoter>,
    sales: Vec<(String, String)>,
    payouts: Vec<String>,
    /// Requests sent before, to be sent again.
    sent: Vec<(&'static str, String, Value)>,
}

impl Books {
    async fn open(app: &TestApp) -> Self {
        let market = app.market("aurora").await;
        app.two_levels(&market.owner, &market.program.id).await;
        let top = app.promoter(&market, "top", None).await;
        let middle = app.promoter(&market, "middle", Some(&top)).await;
        let seller = app.promoter(&market, "seller", Some(&middle)).await;
        app.code(&seller, "SELLER", json!({})).await;
        app.code(&middle, "MIDDLE", json!({})).await;
        // Rules for some of the lines that orders may have.
        let fixed = |amount: &str| json!({ "amount": amount, "currency": "EUR" });
        for (earning, conditions) in [
            (json!({ "percent": "15.5" }), json!({ "productIds": ["a"] })),
            (json!({ "fixedPerItem": fixed("0.25") }), json!({ "productIds": ["b"] })),
            (json!({ "fixed": fixed("2.00") }), json!({ "categories": ["c"] })),
        ] {
            let input = json!({ "programId": market.program.id, "event": "SALE", "earning": earning,
                "conditions": conditions });
            app.done(&market.owner, "createCommissionRule", input, "commissionRule { id }")
                .await;
        }
        Self {
            app: app.clone(),
            market,
            promoters: vec![seller, middle, top],
            sales: Vec::new(),
            payouts: Vec::new(),
            sent: Vec::new(),
        }
    }

    /// A request to `/track`, which may be refused but not fail.
    async fn track(&mut self, door: &'static str, key: String, body: Value) -> Value {
        let (status, answer) = self.app.track(&self.market.key.secret, door, &key, body.clone()).await;
        assert!(
            status.is_success() || status == StatusCode::UNPROCESSABLE_ENTITY,
            "{door} {body}: {status} {answer}"
        );
        self.sent.push((door, key, body));
        answer
    }

    /// A mutation, which may be refused but not fail.
    async fn mutate(&self, field: &str, input: Value, selection: &str) -> Option<Value> {
        let answer = self
            .app
            .mutation(Some(&self.market.owner.token), field, input, selection)
            .await;
        assert!(answer.get("errors").is_none_or(Value::is_null), "{field}: {answer:#}");
        user_errors(&answer).is_empty().then(|| data_at(&answer, field))
    }

    /// What a sale comes to: an amount, or up to four lines.
    fn cart(dice: &mut Dice) -> Value {
        let count = dice.roll(8);
        if count == 0 || count > 4 {
            return json!({ "amount": cents(dice.roll(100_000)) });
        }
        let line = |dice: &mut Dice| {
            json!({
                "productId": dice.pick(&["a", "b", "x"]), "category": dice.pick(&["c", "d", "d"]),
                "quantity": 1 + dice.roll(5), "amount": cents(dice.roll(25_000)),
            })
        };
        json!({ "lines": (0..count).map(|_| line(dice)).collect::<Vec<Value>>() })
    }

    /// What is refunded: all, an amount, or of some lines, which may not be there.
    fn refund_of(dice: &mut Dice) -> Value {
        let line = |dice: &mut Dice, number: u64| {
            let line = json!({ "lineId": number.to_string() });
            merged(
                line,
                match dice.roll(4) {
                    0 => json!({}),
                    1 => json!({ "quantity": 1 + dice.roll(3) }),
                    _ => json!({ "amount": cents(1 + dice.roll(8_000)) }),
                },
            )
        };
        match dice.roll(8) {
            0 => json!({}),
            1 | 2 => json!({ "amount": cents(1 + dice.roll(40_000)), "currency": "EUR" }),
            3 => json!({ "lines": [line(dice, 1), line(dice, 2)], "currency": "EUR" }),
            _ => {
                let number = 1 + dice.roll(3);
                json!({ "lines": [line(dice, number)], "currency": "EUR" })
            }
        }
    }

    /// Something that becomes of an order after its sale.
    async fn change_order(&mut self, dice: &mut Dice, number: u32) {
        let Some((order, _)) = dice.pick(&self.sales).cloned() else {
            return;
        };
        // Few references, so that disputes meet again.
        let reference = format!("D-{}", dice.roll(3));
        match dice.roll(6) {
            0 | 1 => {
                let amount = cents(1 + dice.roll(40_000));
                let body = json!({ "orderId": order, "reference": reference, "amount": amount, "currency": "EUR" });
                self.track("chargeback", format!("c{number}"), body).await;
            }
            2 | 3 => {
                let outcome = dice.pick(&["WON", "LOST"]).copied();
                let body = json!({ "orderId": order, "reference": reference, "outcome": outcome });
                self.track("chargeback/resolve", format!("d{number}"), body).await;
            }
            4 => {
                let body = json!({ "orderId": order, "amount": cents(dice.roll(120_000)), "currency": "EUR" });
                self.track("amend", format!("e{number}"), body).await;
            }
            _ => {
                let is_final = dice.roll(2) == 0;
                let amount = cents(dice.roll(60_000));
                let body = json!({ "orderId": order, "amount": amount, "currency": "EUR", "isFinal": is_final });
                self.track("capture", format!("k{number}"), body).await;
            }
        }
    }

    async fn step(&mut self, dice: &mut Dice, number: u32) {
        match dice.roll(17) {
            0..=3 => {
                let order = format!("O-{number}");
                let code = dice.pick(&["SELLER", "MIDDLE", "NOBODY"]).copied();
                let cart = Self::cart(dice);
                let capture = if dice.roll(4) == 0 { "AUTHORIZED" } else { "CAPTURED" };
                let body = json!({ "orderId": order, "currency": "EUR", "promoCodes": [code], "capture": capture });
                let body = merged(body, cart);
                let answer = self.track("purchase", format!("s{number}"), body).await;
                self.sales.push((order, text(&answer["conversion"], "id")));
            }
            4 | 5 => {
                let Some((order, _)) = dice.pick(&self.sales).cloned() else {
                    return;
                };
                let body = merged(json!({ "orderId": order }), Self::refund_of(dice));
                self.track("refund", format!("r{number}"), body).await;
            }
            6 | 7 => {
                if let Some((_, id)) = dice.pick(&self.sales) {
                    let input = json!({ "idempotencyKey": format!("a{number}"), "id": id });
                    self.mutate("approveConversion", input, "conversion { id }").await;
                }
            }
            8 => {
                if let Some((_, id)) = dice.pick(&self.sales) {
                    let input = json!({ "idempotencyKey": format!("n{number}"), "id": id, "reason": "by chance" });
                    self.mutate("rejectConversion", input, "conversion { id }").await;
                }
            }
            9 => {
                let Some(promoter) = dice.pick(&self.promoters) else {
                    return;
                };
                let input = json!({
                    "idempotencyKey": format!("p{number}"), "partnershipId": promoter.partnership, "currency": "EUR",
                });
                if let Some(made) = self.mutate("createPayout", input, "payout { id }").await {
                    self.payouts.push(text(&made["payout"], "id"));
                }
            }
            10 => {
                let Some(id) = dice.pick(&self.payouts).cloned() else {
                    return;
                };
                let key = format!("m{number}");
                match dice.roll(3) {
                    0 => {
                        let input = json!({ "idempotencyKey": key, "id": id, "reason": "by chance" });
                        self.mutate("cancelPayout", input, "payout { id }").await;
                    }
                    1 => {
                        self.mutate("approvePayout", json!({ "id": id }), "payout { id }").await;
                    }
                    _ => {
                        self.mutate("approvePayout", json!({ "id": id }), "payout { id }").await;
                        let input = json!({ "idempotencyKey": key, "id": id, "reference": key });
                        self.mutate("markPayoutPaid", input, "payout { id }").await;
                    }
                }
            }
            12..=15 => self.change_order(dice, number).await,
            _ => {
                if let Some((door, key, body)) = dice.pick(&self.sent).cloned() {
                    self.track(door, key, body).await;
                }
            }
        }
    }
}

#[rstest]
#[case::one(1)]
#[case::two(20_261_121)]
#[tokio::test]
async fn whatever_happens_the_books_balance(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[case] seed: u64,
) {
    const STEPS: u32 = 400;
    with_app(database, |app| async move {
        println!("seed {seed}");
        let mut books = Books::open(&app).await;
        let mut dice = Dice(seed);
        for number in 1..=STEPS {
            books.step(&mut dice, number).await;
            // A minute has a budget of points, and time makes the ids differ.
            app.advance(chrono::TimeDelta::seconds(1));
            if number % 10 == 0
                && let Err(broken) = verify(&app.app).await
            {
                panic!("seed {seed}, step {number}: {broken}");
            }
        }
        assert!(books.payouts.len() > 5, "seed {seed} hardly paid anything");
        let refunded = refund_line::Entity::find().count(app.db()).await.unwrap();
        assert!(refunded > 5, "seed {seed} hardly refunded a line");
        let transfers = ledger_transfer::Entity::find().all(app.db()).await.unwrap().len();
        let entries = ledger_entry::Entity::find().all(app.db()).await.unwrap().len();
        println!("{} sales, {transfers} transfers, {entries} entries", books.sales.len());
    })
    .await;
}
