//! Batches: who is due and why not, what leaves through which rail, and where the money is at each step. Amounts worked by hand.

use std::sync::Arc;

use chrono::TimeDelta;
use rstest::rstest;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use tributary::{
    fake_rails::FakeRails,
    ledger::verify::{VerifyError, verify},
    payouts::{batches::service::draft_scheduled, sending::follow},
};

use crate::support::{
    answer::{data_at, refusal, user_errors},
    app::{TestApp, with_app, with_rails_app},
    builders::{PASSWORD, User, text},
    database::Database,
    marketplace::{Balances, Market, Promoter, merged},
};

/// A market whose partners have earned 9.00 each (a tenth of 100.00, of which a tenth stays in reserve), and are paid somewhere.
pub struct Scene {
    pub market: Market,
    pub promoters: Vec<Promoter>,
}

const IBAN: &str = "DE89370400440532013000";

impl Scene {
    /// One partner for each of these; they have cooled off.
    /// The same, with providers that know their accounts.
    pub async fn paid_by(app: &TestApp, fakes: &FakeRails, methods: &[Value]) -> Self {
        for method in methods {
            if let Some(account) = method["stripe"]["accountId"].as_str() {
                fakes.stripe.know(account);
            }
        }
        Self::with(app, methods).await
    }

    pub async fn with(app: &TestApp, methods: &[Value]) -> Self {
        let market = app.market("aurora").await;
        let mut promoters = Vec::new();
        for (n, method) in methods.iter().enumerate() {
            let promoter = app.promoter(&market, &format!("seller{n}"), None).await;
            app.code(&promoter, &format!("SELLER{n}"), json!({})).await;
            if !method.is_null() {
                let input = json!({
                    "partnerId": promoter.partner.id, "details": method, "currentPassword": PASSWORD,
                });
                app.done(&promoter.user, "addPayoutMethod", input, "payoutMethod { id }")
                    .await;
            }
            promoters.push(promoter);
        }
        let mut scene = Self { market, promoters };
        scene.wait(app, 73).await;
        for n in 0..scene.promoters.len() {
            scene.earn(app, n, "first", "100.00").await;
        }
        scene
    }

    pub async fn earn(&self, app: &TestApp, n: usize, order: &str, amount: &str) -> String {
        let evidence = json!({ "promoCodes": [format!("SELLER{n}")] });
        let sale = app.sale(&self.market, &format!("{order}-{n}"), amount, evidence).await;
        app.approve(&self.market, &sale).await;
        sale
    }

    pub async fn wait(&mut self, app: &TestApp, hours: i64) {
        app.advance(TimeDelta::hours(hours));
        app.sign_in_again(&mut self.market.owner).await;
        for promoter in &mut self.promoters {
            app.sign_in_again(&mut promoter.user).await;
        }
    }

    pub async fn ask(&self, app: &TestApp, query: &str, path: &str) -> Value {
        let query = format!("query ($id: ID!) {{ brand(id: $id) {{ {query} }} }}");
        let variables = json!({ "id": self.market.brand.id });
        app.graphql_ok(
            Some(&self.market.owner.token),
            &query,
            variables,
            &format!("brand.{path}"),
        )
        .await
    }

    pub async fn try_batch(&self, app: &TestApp, key: &str, more: Value) -> Value {
        let input = merged(
            json!({ "idempotencyKey": key, "brandId": self.market.brand.id, "currency": "EUR" }),
            more,
        );
        let selection = "replayed batch { id state totals { rail state count amount { amount } } }";
        app.mutation(Some(&self.market.owner.token), "createPayoutBatch", input, selection)
            .await
    }

    pub async fn batch(&self, app: &TestApp, key: &str) -> String {
        let made = data_at(&self.try_batch(app, key, json!({})).await, "createPayoutBatch.batch");
        text(&made, "id")
    }

    pub async fn step(&self, app: &TestApp, mutation: &str, batch: &str) -> Value {
        let selection = "batch { id state totals { rail state count amount { amount } } }";
        let made = app
            .done(&self.market.owner, mutation, json!({ "id": batch }), selection)
            .await;
        made["batch"].clone()
    }

    /// Drafted, approved and handed over.
    pub async fn submitted(&self, app: &TestApp, key: &str) -> String {
        let batch = self.batch(app, key).await;
        self.step(app, "approvePayoutBatch", &batch).await;
        self.step(app, "submitPayoutBatch", &batch).await;
        batch
    }

    /// Payouts of a batch, the oldest first.
    pub async fn payouts(&self, app: &TestApp, batch: &str) -> Vec<Value> {
        let query = "query ($id: ID!) { node(id: $id) { ... on PayoutBatch { payouts(first: 100) { nodes {
            id rail state reference providerState attention failure { code reason } fee { amount currency }
            amount { amount } } } } } }";
        let nodes = app
            .graphql_ok(
                Some(&self.market.owner.token),
                query,
                json!({ "id": batch }),
                "node.payouts.nodes",
            )
            .await;
        let mut nodes = nodes.as_array().unwrap().clone();
        nodes.reverse();
        nodes
    }

    pub async fn states(&self, app: &TestApp, batch: &str) -> Vec<String> {
        let payouts = self.payouts(app, batch).await;
        payouts.iter().map(|payout| text(payout, "state")).collect()
    }

    /// The brand's ledger in EUR, by kind of account.
    pub async fn books(&self, app: &TestApp) -> Vec<(String, String)> {
        let balances = self
            .ask(
                app,
                "ledgerBalances { account balance { amount currency } }",
                "ledgerBalances",
            )
            .await;
        let of = |balance: &Value| (text(balance, "account"), text(&balance["balance"], "amount"));
        balances
            .as_array()
            .unwrap()
            .iter()
            .filter(|balance| balance["balance"]["currency"] == "EUR")
            .map(of)
            .collect()
    }

    pub async fn book(&self, app: &TestApp, account: &str) -> String {
        let books = self.books(app).await;
        books
            .into_iter()
            .find(|(kind, _)| kind == account)
            .map_or_else(|| "0.00".to_owned(), |(_, amount)| amount)
    }
}

pub fn iban() -> Value {
    json!({ "iban": { "holderName": "Maya Rao", "iban": IBAN, "bic": "COBADEFFXXX" } })
}

pub fn paypal(n: usize) -> Value {
    json!({ "paypal": { "email": format!("maya{n}@example.com") } })
}

pub fn stripe(n: usize) -> Value {
    json!({ "stripe": { "accountId": format!("acct_1032D82eZvKYlo{n:02}") } })
}

/// Everything that providers have to say, told until nothing is left.
pub async fn settle(fakes: &FakeRails) {
    for _ in 0..3 {
        fakes.paypal.tick();
        fakes.razorpay.tick();
        fakes.stripe.tick();
    }
}

#[rstest]
#[tokio::test]
async fn the_queue_says_who_is_due_and_why_not(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        // Nobody has connected a provider: PayPal goes by file, Stripe not at all.
        let methods = [iban(), paypal(1), stripe(2), Value::Null, iban(), iban()];
        let scene = Scene::with(&app, &methods).await;
        let hold = json!({ "partnershipId": scene.promoters[4].partnership, "reason": "under review" });
        app.done(&scene.market.owner, "holdPayouts", hold, "partnership { id }").await;
        // All of it comes back after it was approved: 9.00 − 10.00, and the reserve's 1.00 is gone first.
        app.refund(&scene.market, "first-5", 1, "100.00").await;
        let taken = json!({
            "idempotencyKey": "minus", "partnershipId": scene.promoters[5].partnership, "direction": "DEBIT",
            "amount": { "amount": "2.00", "currency": "EUR" }, "reason": "a fine",
        });
        app.done(&scene.market.owner, "adjustBalance", taken, "adjustment { id }").await;

        let nodes = scene
            .ask(
                &app,
                "payoutQueue(currency: \"EUR\", first: 100) { totalCount nodes { available { amount } due { amount } rail
                     method { masked } partnership { partner { handle } } blocks { code message } } }",
                "payoutQueue.nodes",
            )
            .await;
        let mut seen: Vec<(String, String, Value, Vec<String>)> = nodes
            .as_array()
            .unwrap()
            .iter()
            .map(|node| {
                let blocks = node["blocks"].as_array().unwrap();
                (
                    text(&node["partnership"]["partner"], "handle"),
                    text(&node["due"], "amount"),
                    node["rail"].clone(),
                    blocks.iter().map(|block| text(block, "code")).collect(),
                )
            })
            .collect();
        seen.sort_by(|a, b| a.0.cmp(&b.0));
        let row = |handle: &str, due: &str, rail: Value, blocks: &[&str]| {
            let blocks = blocks.iter().map(|code| (*code).to_owned()).collect();
            (handle.to_owned(), due.to_owned(), rail, blocks)
        };
        assert_eq!(
            seen,
            [
                row("seller0", "9.00", json!("BANK_FILE"), &[]),
                row("seller1", "9.00", json!("BANK_FILE"), &[]),
                row("seller2", "9.00", Value::Null, &["NO_RAIL"]),
                row("seller3", "9.00", Value::Null, &["NO_METHOD"]),
                row("seller4", "9.00", json!("BANK_FILE"), &["ON_HOLD"]),
                row("seller5", "-2.00", json!("BANK_FILE"), &["NEGATIVE"]),
            ]
        );

        let preview = scene
            .ask(
                &app,
                "payoutPreview(input: { currency: \"EUR\" }) { payoutCount amount { amount } isComplete
                     rails { rail payoutCount amount { amount } } blocked { code partnershipCount } }",
                "payoutPreview",
            )
            .await;
        assert_eq!(
            preview,
            json!({
                "payoutCount": 2, "amount": { "amount": "18.00" }, "isComplete": true,
                "rails": [{ "rail": "BANK_FILE", "payoutCount": 2, "amount": { "amount": "18.00" } }],
                "blocked": [
                    { "code": "NEGATIVE", "partnershipCount": 1 }, { "code": "ON_HOLD", "partnershipCount": 1 },
                    { "code": "NO_METHOD", "partnershipCount": 1 }, { "code": "NO_RAIL", "partnershipCount": 1 },
                ],
            })
        );

        // The partner sees the same of its own.
        let withdrawable = async |promoter: &Promoter| {
            let query = "query ($id: ID!) { node(id: $id) { ... on Partnership { withdrawableBalances {
                amount { amount } blocks { code message } } } } }";
            let variables = json!({ "id": promoter.partnership });
            app.graphql_ok(Some(&promoter.user.token), query, variables, "node.withdrawableBalances")
                .await
        };
        assert_eq!(
            withdrawable(&scene.promoters[0]).await,
            json!([{ "amount": { "amount": "9.00" }, "blocks": [] }])
        );
        assert_eq!(
            withdrawable(&scene.promoters[4]).await,
            json!([{ "amount": { "amount": "0.00" }, "blocks": [
                { "code": "ON_HOLD", "message": "payouts are held: under review" },
            ] }])
        );
        let let_go = json!({ "partnershipId": scene.promoters[4].partnership });
        app.done(&scene.market.owner, "releasePayoutHold", let_go.clone(), "partnership { id }")
            .await;
        assert_eq!(
            withdrawable(&scene.promoters[4]).await,
            json!([{ "amount": { "amount": "9.00" }, "blocks": [] }])
        );
        let token = Some(scene.market.owner.token.as_str());
        let again = app.mutation(token, "releasePayoutHold", let_go, "partnership { id }").await;
        assert_eq!(refusal(&again), "PAYOUTS_NOT_HELD");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_batch_is_drafted_approved_and_paid_through_every_rail(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_rails_app(database, |app, fakes| async move {
        let scene = Scene::paid_by(&app, &fakes, &[paypal(0), stripe(1), iban(), paypal(3)]).await;
        let answer = scene.try_batch(&app, "may", json!({})).await;
        let drafted = data_at(&answer, "createPayoutBatch.batch");
        assert_eq!(
            drafted["totals"],
            json!([
                { "rail": "BANK_FILE", "state": "DRAFT", "count": 1, "amount": { "amount": "9.00" } },
                { "rail": "PAYPAL", "state": "DRAFT", "count": 2, "amount": { "amount": "18.00" } },
                { "rail": "STRIPE", "state": "DRAFT", "count": 1, "amount": { "amount": "9.00" } },
            ])
        );
        let again = scene.try_batch(&app, "may", json!({})).await;
        assert_eq!(data_at(&again, "createPayoutBatch")["replayed"], true);
        assert_eq!(data_at(&again, "createPayoutBatch.batch")["id"], drafted["id"]);
        assert_eq!(
            app.balances(&scene.promoters[0]).await,
            Balances::of("0.00", "0.00", "1.00", "9.00")
        );
        let batch = text(&drafted, "id");
        let payouts = scene.payouts(&app, &batch).await;
        let token = Some(scene.market.owner.token.as_str());
        let alone = app
            .mutation(
                token,
                "approvePayout",
                json!({ "id": payouts[0]["id"] }),
                "payout { id }",
            )
            .await;
        assert_eq!(refusal(&alone), "PAYOUT_IN_BATCH");
        // One is left out, and is due again.
        let left_out = json!({ "idempotencyKey": "left-out", "id": payouts[3]["id"], "reason": "not this time" });
        app.done(&scene.market.owner, "cancelPayout", left_out, "payout { state }")
            .await;
        assert_eq!(
            app.balances(&scene.promoters[3]).await,
            Balances::of("0.00", "9.00", "1.00", "0.00")
        );
        scene.step(&app, "approvePayoutBatch", &batch).await;
        assert_eq!(
            scene.states(&app, &batch).await,
            ["APPROVED", "APPROVED", "APPROVED", "CANCELLED"]
        );
        assert!(fakes.paypal.book().is_empty());
        scene.step(&app, "submitPayoutBatch", &batch).await;
        assert_eq!(
            scene.states(&app, &batch).await,
            ["SUBMITTED", "SUBMITTED", "SUBMITTED", "CANCELLED"]
        );

        // Stripe answers with what it did; PayPal says later what became of it.
        follow(&app.app).await.unwrap();
        assert_eq!(
            scene.states(&app, &batch).await,
            ["SUBMITTED", "PAID", "SUBMITTED", "CANCELLED"]
        );
        settle(&fakes).await;
        app.advance(TimeDelta::minutes(2));
        follow(&app.app).await.unwrap();
        assert_eq!(
            scene.states(&app, &batch).await,
            ["PAID", "PAID", "SUBMITTED", "CANCELLED"]
        );
        let paid = |book: Vec<tributary::infra::rails::fakes::Movement>| -> Vec<i64> {
            book.iter().map(|movement| movement.amount_minor).collect()
        };
        assert_eq!(paid(fakes.paypal.book()), [900]);
        assert_eq!(paid(fakes.stripe.book()), [900]);

        // The bank's part goes by file, and is paid when the bank says so.
        let file = exported(&app, &scene, &batch, "NEUTRAL_CSV", json!({})).await;
        let file = data_at(&file, "exportPayoutFile.file");
        assert_eq!(
            (&file["lineCount"], &file["total"]["amount"]),
            (&json!(1), &json!("9.00"))
        );
        let content = text(&file, "content");
        let line = content.lines().nth(1).unwrap();
        assert!(line.contains(IBAN) && line.contains("Maya Rao,DE,"), "{content}");
        let key = line.split(',').next().unwrap();
        let results = format!("line_id,status,bank_reference\n{key},paid,BANK-77\n");
        let imported = imported(&app, &scene, &results).await;
        let imported = data_at(&imported, "importPayoutResults");
        assert_eq!(imported["results"]["results"][0]["outcome"], "PAID");
        assert_eq!(scene.states(&app, &batch).await, ["PAID", "PAID", "PAID", "CANCELLED"]);

        // Three times 9.00 left, and PayPal took a fiftieth of its 9.00 beside.
        let payouts = scene.payouts(&app, &batch).await;
        assert_eq!(payouts[0]["fee"], json!({ "amount": "0.18", "currency": "EUR" }));
        assert_eq!(payouts[2]["reference"], "BANK-77");
        assert_eq!(scene.book(&app, "CASH_PAYPAL").await, "9.18");
        assert_eq!(scene.book(&app, "CASH_STRIPE").await, "9.00");
        assert_eq!(scene.book(&app, "CASH_BANK").await, "9.00");
        assert_eq!(scene.book(&app, "PAYOUT_FEE_EXPENSE").await, "-0.18");
        for promoter in &scene.promoters[..3] {
            assert_eq!(
                app.balances(promoter).await,
                Balances::of("0.00", "0.00", "1.00", "0.00")
            );
        }
    })
    .await;
}

async fn exported(app: &TestApp, scene: &Scene, batch: &str, format: &str, more: Value) -> Value {
    let input = merged(
        json!({ "idempotencyKey": format!("file-{format}"), "batchId": batch, "format": format }),
        more,
    );
    let selection = "replayed file { id format sha256 lineCount total { amount } content }";
    app.mutation(Some(&scene.market.owner.token), "exportPayoutFile", input, selection)
        .await
}

async fn imported(app: &TestApp, scene: &Scene, content: &str) -> Value {
    let input = json!({ "brandId": scene.market.brand.id, "content": content });
    let selection = "replayed results { sha256 results { position payoutId outcome } }";
    app.mutation(Some(&scene.market.owner.token), "importPayoutResults", input, selection)
        .await
}

#[rstest]
#[tokio::test]
async fn files_carry_each_payout_once_and_banks_are_believed_in_whole(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let scene = Scene::with(&app, &[iban(), iban(), paypal(2)]).await;
        let batch = scene.batch(&app, "files").await;
        let early = exported(&app, &scene, &batch, "NEUTRAL_CSV", json!({})).await;
        assert_eq!(refusal(&early), "BATCH_NOT_SUBMITTED");
        scene.step(&app, "approvePayoutBatch", &batch).await;
        scene.step(&app, "submitPayoutBatch", &batch).await;

        assert_eq!(
            refusal(&exported(&app, &scene, &batch, "SEPA_XML", json!({})).await),
            "DEBTOR_MISSING"
        );
        let debtor = |iban: &str| {
            json!({ "debtor": { "name": "Aurora", "iban": iban, "bic": "COBADEFFXXX", "executionDate": "2026-01-20" } })
        };
        let wrong = exported(&app, &scene, &batch, "SEPA_XML", debtor("DE00370400440532013000")).await;
        assert_eq!(refusal(&wrong), "LINES_INVALID");
        let sepa = exported(&app, &scene, &batch, "SEPA_XML", debtor(IBAN)).await;
        let file = data_at(&sepa, "exportPayoutFile.file");
        assert_eq!((&file["lineCount"], &file["total"]["amount"]), (&json!(2), &json!("18.00")));
        assert!(text(&file, "content").contains("<CtrlSum>18.00</CtrlSum>"));
        let again = exported(&app, &scene, &batch, "SEPA_XML", debtor(IBAN)).await;
        assert_eq!(data_at(&again, "exportPayoutFile")["replayed"], true);
        assert_eq!(data_at(&again, "exportPayoutFile.file")["content"], file["content"]);
        // They stand in a file; what is left goes to PayPal.
        let left = exported(&app, &scene, &batch, "NEUTRAL_CSV", json!({})).await;
        assert_eq!(refusal(&left), "NOTHING_TO_EXPORT");
        let paypal = exported(&app, &scene, &batch, "PAYPAL_CSV", json!({})).await;
        let paypal = data_at(&paypal, "exportPayoutFile.file");
        assert!(text(&paypal, "content").starts_with("maya2@example.com,9.00,EUR,"), "{paypal}");
        // The rows hold neither.
        let stored: String = crate::support::digest::contents(app.db())
            .await
            .into_iter()
            .map(|(_, text)| text)
            .collect();
        assert!(!stored.contains(IBAN) && !stored.contains("maya2@example.com"));

        let payouts = scene.payouts(&app, &batch).await;
        let key = |n: usize| {
            let id: entity::ids::PayoutId = text(&payouts[n], "id").parse().unwrap();
            tributary::infra::rails::instruction::item_key(id.0, 1)
        };
        let head = "line_id,status,bank_reference\n";
        let before = app.books().await;
        let unknown = "0193a5b000007000800000000000ffff-1";
        for content in [
            format!("{head}{},paid,R1\n{unknown},paid,R2\n", key(0)),
            format!("{head}{},paid,R1\n{},perhaps,R2\n", key(0), key(1)),
            format!("{head}{},paid,R1\n{},paid,R2\n", key(0), key(0)),
        ] {
            let answer = imported(&app, &scene, &content).await;
            assert_eq!(refusal(&answer), "RESULTS_INVALID");
            let message = text(&user_errors(&answer)[0], "message");
            assert!(message.contains("line 3"), "{message}");
        }
        assert_eq!(app.books().await, before);

        let results = format!("{head}{},paid,R1\n{},returned,R2\n", key(0), key(1));
        for replayed in [false, true] {
            let answer = data_at(&imported(&app, &scene, &results).await, "importPayoutResults");
            assert_eq!(answer["replayed"], replayed);
            let outcomes: Vec<&Value> = answer["results"]["results"]
                .as_array()
                .unwrap()
                .iter()
                .map(|line| &line["outcome"])
                .collect();
            assert_eq!(outcomes, ["PAID", "RETURNED"]);
        }
        assert_eq!(scene.states(&app, &batch).await, ["PAID", "RETURNED", "SUBMITTED"]);
        assert_eq!(scene.book(&app, "CASH_BANK").await, "9.00");
        assert_eq!(
            app.balances(&scene.promoters[1]).await,
            Balances::of("0.00", "9.00", "1.00", "0.00")
        );
        // The bank takes the first one back, after all: what it paid is owed again, and is paid by the next batch.
        let results = format!("{head}{},returned,R3\n", key(0));
        data_at(&imported(&app, &scene, &results).await, "importPayoutResults.results");
        assert_eq!(scene.book(&app, "CASH_BANK").await, "0.00");
        let next = scene.batch(&app, "next").await;
        let amounts: Vec<String> = scene
            .payouts(&app, &next)
            .await
            .iter()
            .map(|payout| text(&payout["amount"], "amount"))
            .collect();
        assert_eq!(amounts, ["9.00", "9.00"]);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn whoever_drafts_does_not_release_where_two_are_demanded(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let scene = Scene::with(&app, &[iban()]).await;
        let finance = app.sign_up("finance").await;
        let member = entity::brand_member::BrandRole::Finance;
        app.db_member(&scene.market.brand.id, &user_id(&app, &finance).await, member)
            .await;
        let settings = json!({ "brandId": scene.market.brand.id, "patch": { "needsSecondPerson": true } });
        app.done(&scene.market.owner, "updatePayoutSettings", settings, "brand { id }")
            .await;
        let batch = scene.batch(&app, "two").await;
        let token = Some(scene.market.owner.token.as_str());
        let input = json!({ "id": batch });
        let own = app
            .mutation(token, "approvePayoutBatch", input.clone(), "batch { state }")
            .await;
        assert_eq!(refusal(&own), "SECOND_PERSON_REQUIRED");
        // Switching it off does not release what was drafted under it.
        let settings = json!({ "brandId": scene.market.brand.id, "patch": { "needsSecondPerson": false } });
        app.done(&scene.market.owner, "updatePayoutSettings", settings, "brand { id }")
            .await;
        let own = app
            .mutation(token, "approvePayoutBatch", input.clone(), "batch { state }")
            .await;
        assert_eq!(refusal(&own), "SECOND_PERSON_REQUIRED");
        let approved = app.done(&finance, "approvePayoutBatch", input, "batch { state }").await;
        assert_eq!(approved["batch"]["state"], "APPROVED");
        let twice = app
            .mutation(
                Some(&finance.token),
                "approvePayoutBatch",
                json!({ "id": batch }),
                "batch { state }",
            )
            .await;
        assert_eq!(refusal(&twice), "INVALID_TRANSITION");
        assert_eq!(
            text(&user_errors(&twice)[0], "message"),
            "a payout batch cannot go from APPROVED to APPROVED"
        );
    })
    .await;
}

async fn user_id(app: &TestApp, user: &User) -> String {
    let viewer = app
        .graphql_ok(
            Some(&user.token),
            "{ viewer { user { id } } }",
            json!({}),
            "viewer.user",
        )
        .await;
    text(&viewer, "id")
}

#[rstest]
#[tokio::test]
async fn a_cut_off_leaves_what_came_later(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let mut scene = Scene::with(&app, &[iban(), iban()]).await;
        let cutoff = app.now().to_rfc3339();
        scene.wait(&app, 24).await;
        // 18.00 more for the first, and a fine that counts whenever it came; only something new for neither.
        scene.earn(&app, 0, "second", "200.00").await;
        let fine = json!({
            "idempotencyKey": "fine", "partnershipId": scene.promoters[0].partnership, "direction": "DEBIT",
            "amount": { "amount": "4.00", "currency": "EUR" }, "reason": "a fine",
        });
        app.done(&scene.market.owner, "adjustBalance", fine, "adjustment { id }")
            .await;
        let future = (app.now() + TimeDelta::hours(1)).to_rfc3339();
        let answer = scene.try_batch(&app, "future", json!({ "cutoffAt": future })).await;
        assert_eq!(refusal(&answer), "CUTOFF_IN_FUTURE");

        let answer = scene.try_batch(&app, "cut", json!({ "cutoffAt": cutoff })).await;
        let batch = text(&data_at(&answer, "createPayoutBatch.batch"), "id");
        let amounts = async |batch: &str| -> Vec<String> {
            let payouts = scene.payouts(&app, batch).await;
            payouts.iter().map(|payout| text(&payout["amount"], "amount")).collect()
        };
        // 9.00 − 4.00, and 9.00.
        assert_eq!(amounts(&batch).await, ["5.00", "9.00"]);
        assert_eq!(
            app.balances(&scene.promoters[0]).await,
            Balances::of("0.00", "18.00", "3.00", "5.00")
        );
        let cancelled = json!({ "id": batch, "reason": "the wrong day" });
        app.done(&scene.market.owner, "cancelPayoutBatch", cancelled, "batch { state }")
            .await;
        let only = json!({ "include": [scene.promoters[0].partnership] });
        let answer = scene.try_batch(&app, "only", only).await;
        let batch = text(&data_at(&answer, "createPayoutBatch.batch"), "id");
        assert_eq!(amounts(&batch).await, ["23.00"]);
        let not = json!({ "exclude": [scene.promoters[1].partnership] });
        let answer = scene.try_batch(&app, "not", not).await;
        assert_eq!(refusal(&answer), "NOTHING_DUE");
        let both = json!({
            "include": [scene.promoters[1].partnership], "exclude": [scene.promoters[1].partnership],
        });
        assert_eq!(
            refusal(&scene.try_batch(&app, "both", both).await),
            "PARTNERSHIPS_INVALID"
        );
        let nonsense = scene.try_batch(&app, "xyz", json!({ "currency": "XYZ" })).await;
        assert_eq!(refusal(&nonsense), "CURRENCY_UNKNOWN");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_schedule_drafts_once_when_its_day_comes(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let mut scene = Scene::with(&app, &[iban()]).await;
        let patch = |day: i32| {
            json!({ "brandId": scene.market.brand.id, "patch": { "payoutSchedule": "WEEKLY", "payoutDay": day } })
        };
        let token = Some(scene.market.owner.token.as_str());
        let wrong = app
            .mutation(token, "updatePayoutSettings", patch(8), "brand { id }")
            .await;
        assert_eq!(refusal(&wrong), "PAYOUT_DAY_OUT_OF_RANGE");
        let selection = "brand { payoutSettings { payoutSchedule payoutDay nextPayoutsAt } }";
        let set = app
            .done(&scene.market.owner, "updatePayoutSettings", patch(1), selection)
            .await;
        // It is Sunday the 18th of January 2026.
        assert_eq!(
            set["brand"]["payoutSettings"],
            json!({ "payoutSchedule": "WEEKLY", "payoutDay": 1, "nextPayoutsAt": "2026-01-19T00:00:00+00:00" })
        );
        assert_eq!(draft_scheduled(&app.app).await.unwrap(), 0);
        scene.wait(&app, 24).await;
        assert_eq!(draft_scheduled(&app.app).await.unwrap(), 1);
        assert_eq!(draft_scheduled(&app.app).await.unwrap(), 0);
        let batches = scene
            .ask(
                &app,
                "payoutBatches { nodes { state isScheduled } } payoutSettings { nextPayoutsAt }",
                "payoutBatches.nodes",
            )
            .await;
        assert_eq!(batches, json!([{ "state": "DRAFT", "isScheduled": true }]));
        let next = scene
            .ask(&app, "payoutSettings { nextPayoutsAt }", "payoutSettings.nextPayoutsAt")
            .await;
        assert_eq!(next, "2026-01-26T00:00:00+00:00");
    })
    .await;
}

/// What a provider says may come twice and in any order, by webhook and by look-up; it is booked once.
#[rstest]
#[tokio::test]
async fn what_came_back_is_owed_again(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_rails_app(database, |app, fakes| async move {
        let scene = Scene::paid_by(&app, &fakes, &[paypal(0), paypal(1), stripe(2)]).await;
        let batch = scene.submitted(&app, "back").await;
        follow(&app.app).await.unwrap();
        settle(&fakes).await;
        look(&app).await;
        assert_eq!(scene.states(&app, &batch).await, ["PAID", "PAID", "PAID"]);
        assert_eq!(scene.book(&app, "CASH_PAYPAL").await, "18.36");

        let payouts = scene.payouts(&app, &batch).await;
        let key = |n: usize| {
            let id: entity::ids::PayoutId = text(&payouts[n], "id").parse().unwrap();
            tributary::infra::rails::instruction::item_key(id.0, 1)
        };
        assert!(fakes.paypal.settle(&key(0), "RETURNED", None));
        let served = app.serve().await;
        for _ in 0..2 {
            fakes.step(&format!("http://{}", served.address)).await;
        }
        assert_eq!(scene.states(&app, &batch).await, ["RETURNED", "PAID", "PAID"]);
        let mut scene = scene;
        scene.wait(&app, 24).await;
        follow(&app.app).await.unwrap();
        assert_eq!(scene.book(&app, "IN_TRANSIT").await, "0.00");
        assert_eq!(
            app.balances(&scene.promoters[0]).await,
            Balances::of("0.00", "9.00", "1.00", "0.00")
        );
        let commissions = app
            .graphql_ok(
                Some(&scene.promoters[0].user.token),
                "query ($id: ID!) { partner(id: $id) { commissions { nodes { state paid { amount } } } } }",
                json!({ "id": scene.promoters[0].partner.id }),
                "partner.commissions.nodes",
            )
            .await;
        assert_eq!(
            commissions,
            json!([{ "state": "APPROVED", "paid": { "amount": "0.00" } }])
        );
        // It is due again, and only it.
        let next = scene.submitted(&app, "next").await;
        follow(&app.app).await.unwrap();
        settle(&fakes).await;
        look(&app).await;
        assert_eq!(scene.states(&app, &next).await, ["PAID"]);
        assert_eq!(fakes.paypal.book().len(), 3);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn what_nobody_claims_is_recalled(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_rails_app(database, |app, fakes| async move {
        let scene = Scene::paid_by(&app, &fakes, &[paypal(0), stripe(1)]).await;
        let batch = scene.submitted(&app, "recall").await;
        let payouts = scene.payouts(&app, &batch).await;
        let recall = async |n: usize| {
            let input = json!({ "id": payouts[n]["id"] });
            let token = Some(scene.market.owner.token.as_str());
            app.mutation(token, "recallPayout", input, "payout { state }").await
        };
        // Nobody knows yet what PayPal calls it.
        assert_eq!(refusal(&recall(0).await), "RECALL_NOT_POSSIBLE");
        follow(&app.app).await.unwrap();
        let id: entity::ids::PayoutId = text(&payouts[0], "id").parse().unwrap();
        let key = tributary::infra::rails::instruction::item_key(id.0, 1);
        assert!(fakes.paypal.settle(&key, "UNCLAIMED", None));
        look(&app).await;
        assert_eq!(scene.states(&app, &batch).await, ["SUBMITTED", "PAID"]);
        assert_eq!(refusal(&recall(1).await), "INVALID_TRANSITION");

        let recalled = recall(0).await;
        assert_eq!(data_at(&recalled, "recallPayout.payout")["state"], "RETURNED");
        assert_eq!(
            app.balances(&scene.promoters[0]).await,
            Balances::of("0.00", "9.00", "1.00", "0.00")
        );
        assert_eq!(scene.book(&app, "CASH_PAYPAL").await, "0.00");
        assert_eq!(refusal(&recall(0).await), "INVALID_TRANSITION");
    })
    .await;
}

/// Lets time pass until the next look, and looks.
async fn look(app: &TestApp) {
    app.advance(TimeDelta::minutes(2));
    follow(&app.app).await.unwrap();
}

#[rstest]
#[tokio::test]
async fn a_payout_by_hand_is_marked_and_unmarked(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let scene = Scene::with(&app, &[iban()]).await;
        let promoter = &scene.promoters[0];
        let payout = app.approved_payout(&scene.market, promoter, "one").await;
        let unpaid = |key: &str| json!({ "idempotencyKey": key, "id": payout, "reason": "the account was closed" });
        let token = Some(scene.market.owner.token.as_str());
        let early = app
            .mutation(token, "markPayoutUnpaid", unpaid("early"), "payout { state }")
            .await;
        assert_eq!(refusal(&early), "INVALID_TRANSITION");
        let paid = json!({ "idempotencyKey": "paid", "id": payout, "reference": "UTR-1" });
        app.done(&scene.market.owner, "markPayoutPaid", paid, "payout { state }")
            .await;
        assert_eq!(scene.book(&app, "CASH_BANK").await, "9.00");
        let selection = "replayed payout { state failure { code reason } returnedAt }";
        for replayed in [false, true] {
            let answer = app
                .done(&scene.market.owner, "markPayoutUnpaid", unpaid("late"), selection)
                .await;
            assert_eq!(answer["replayed"], replayed);
            assert_eq!(answer["payout"]["state"], "RETURNED");
            assert_eq!(
                answer["payout"]["failure"],
                json!({ "code": null, "reason": "the account was closed" })
            );
        }
        assert_eq!(scene.book(&app, "CASH_BANK").await, "0.00");
        assert_eq!(
            app.balances(promoter).await,
            Balances::of("0.00", "9.00", "1.00", "0.00")
        );
        let funded = json!({
            "idempotencyKey": "fund", "brandId": scene.market.brand.id, "rail": "PAYPAL",
            "amount": { "amount": "500.00", "currency": "EUR" }, "reference": "TOP-UP 1",
        });
        for _ in 0..2 {
            app.done(
                &scene.market.owner,
                "recordPayoutFunding",
                funded.clone(),
                "brand { id }",
            )
            .await;
        }
        assert_eq!(scene.book(&app, "CASH_PAYPAL").await, "-500.00");
        assert_eq!(scene.book(&app, "FUNDING").await, "500.00");
    })
    .await;
}

/// What a fake does is asked of it by the tests of each rail; here, that nothing of it is lost on the way to the books.
#[rstest]
#[tokio::test]
async fn what_is_unclear_is_found_out(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_rails_app(database, |app, fakes: Arc<FakeRails>| async move {
        use tributary::infra::rails::fakes::{Fault, Place};
        let scene = Scene::paid_by(&app, &fakes, &[paypal(0), stripe(1)]).await;
        for faults in [fakes.paypal.faults(), fakes.stripe.faults()] {
            faults.add(Place::Create, Fault::ErrorAfter);
        }
        let batch = scene.submitted(&app, "unclear").await;
        follow(&app.app).await.unwrap();
        settle(&fakes).await;
        assert_eq!(
            fakes.paypal.book().len() + fakes.stripe.book().len(),
            2,
            "both were paid"
        );
        let mut scene = scene;
        scene.wait(&app, 0).await;
        assert_eq!(scene.states(&app, &batch).await, ["SUBMITTED", "UNKNOWN"]);
        // PayPal was sent the same again at once, and said what it has. Stripe keeps its first answer, an error, under the key, and is
        // asked once three repetitions have brought nothing else.
        for hours in [1, 1, 1, 2, 2] {
            scene.wait(&app, hours).await;
            follow(&app.app).await.unwrap();
        }
        assert_eq!(scene.states(&app, &batch).await, ["PAID", "PAID"]);
        assert_eq!(fakes.paypal.book().len() + fakes.stripe.book().len(), 2);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn verifying_names_the_payout_that_is_wrong(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let scene = Scene::with(&app, &[iban()]).await;
        let payout = app.approved_payout(&scene.market, &scene.promoters[0], "one").await;
        app.mark_paid(&scene.market, &payout, "UTR-1").await;
        verify(&app.app).await.unwrap();
        let run = async |statement: &str| {
            app.db_writer().execute_unprepared(statement).await.unwrap();
        };
        for (wrong, right, invariant) in [
            (
                "UPDATE payouts SET state = 'RETURNED'",
                "UPDATE payouts SET state = 'PAID'",
                "what left of a payout is what was paid and has not come back",
            ),
            (
                "UPDATE commissions SET paid_minor = paid_minor - 1",
                "UPDATE commissions SET paid_minor = paid_minor + 1",
                "a commission was paid what payouts that stand have paid of it",
            ),
        ] {
            run(wrong).await;
            match verify(&app.app).await {
                Err(VerifyError::Broken { invariant: named, .. }) => assert_eq!(named, invariant),
                other => panic!("{wrong}: {other:?}"),
            }
            run(right).await;
        }
    })
    .await;
}
