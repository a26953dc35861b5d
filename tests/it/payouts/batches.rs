//! Batches: what is drafted and released, what leaves through which rail, and where the money is at each step. Amounts worked by
//! hand.

use chrono::TimeDelta;
use entity::commission;
use rstest::rstest;
use sea_orm::{ConnectionTrait, EntityTrait};
use serde_json::json;
use tributary::{
    ledger::verify::{VerifyError, verify},
    payouts::sending::follow,
};

use super::scene::{IBAN, Scene, exported, iban, imported, paypal, settle, stripe};
use crate::support::{
    answer::{data_at, refusal, user_errors},
    app::{TestApp, with_app, with_rails_app},
    builders::{User, text},
    database::Database,
    marketplace::Balances,
};

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
        let cancelled = json!({ "idempotencyKey": "cancelled", "id": batch, "reason": "the wrong day" });
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
        let commission = commission::Entity::find().one(app.db()).await.unwrap().unwrap();
        for (wrong, right, invariant, row) in [
            (
                "UPDATE payouts SET state = 'RETURNED'",
                "UPDATE payouts SET state = 'PAID'",
                "what left of a payout is what was paid and has not come back",
                format!("{payout} (UTR-1)"),
            ),
            (
                "UPDATE commissions SET paid_minor = paid_minor - 1",
                "UPDATE commissions SET paid_minor = paid_minor + 1",
                "a commission was paid what payouts that stand have paid of it",
                format!("{} ({})", commission.id, commission.arithmetic),
            ),
        ] {
            run(wrong).await;
            match verify(&app.app).await {
                Err(VerifyError::Broken {
                    invariant: found,
                    row: named,
                }) => assert_eq!((found, named), (invariant, row)),
                other => panic!("{wrong}: {other:?}"),
            }
            run(right).await;
        }
    })
    .await;
}
