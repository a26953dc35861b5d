//! When a commission is paid, and when it is not any more. Amounts worked by hand: 10 % of a sale, a tenth of which stays in reserve.

use rstest::rstest;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use super::scene::{Scene, iban};
use crate::support::{
    app::{TestApp, with_app},
    builders::text,
    database::Database,
    marketplace::Balances,
    postgres::until_waiting,
};

impl Scene {
    /// The first partner's commissions, the oldest first: their states, and what was paid of each.
    async fn commissions(&self, app: &TestApp) -> Vec<(String, String)> {
        let query = "query ($id: ID!) { partner(id: $id) { commissions { nodes { id state paid { amount } } } } }";
        let promoter = &self.promoters[0];
        let nodes = app
            .graphql_ok(
                Some(&promoter.user.token),
                query,
                json!({ "id": promoter.partner.id }),
                "partner.commissions.nodes",
            )
            .await;
        let mut nodes = nodes.as_array().unwrap().clone();
        nodes.reverse();
        let read = |node: &Value| (text(node, "state"), text(&node["paid"], "amount"));
        nodes.iter().map(read).collect()
    }

    async fn draft(&self, app: &TestApp, key: &str) -> String {
        app.approved_payout(&self.market, &self.promoters[0], key).await
    }

    async fn unpay(&self, app: &TestApp, payout: &str) {
        let input = json!({ "idempotencyKey": format!("un{payout}"), "id": payout, "reason": "it came back" });
        app.done(&self.market.owner, "markPayoutUnpaid", input, "payout { state }")
            .await;
    }

    async fn report(&self, app: &TestApp, mutation: &str, more: Value) {
        let input = crate::support::marketplace::merged(
            json!({ "brandId": self.market.brand.id, "idempotencyKey": mutation, "orderId": "large-0", "reference": "d" }),
            more,
        );
        app.done(&self.market.owner, mutation, input, "chargeback { id }").await;
    }
}

fn is(state: &str, paid: &str) -> (String, String) {
    (state.to_owned(), paid.to_owned())
}

/// 10.00, of which 9.00 are paid; what is refunded takes the reserve first.
#[rstest]
#[case::in_part("90.00", "-8.00", "1.00", "APPROVED")]
#[case::whole("100.00", "-9.00", "0.00", "REVERSED")]
#[tokio::test]
async fn what_is_returned_of_a_refunded_commission_is_not_paid(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
    #[case] refunded: &'static str,
    #[case] owed: &'static str,
    #[case] left: &'static str,
    #[case] state: &'static str,
) {
    with_app(database, |app| async move {
        let scene = Scene::with(&app, &[iban()]).await;
        let payout = scene.draft(&app, "one").await;
        app.mark_paid(&scene.market, &payout, "UTR-1").await;
        assert_eq!(scene.commissions(&app).await, [is("PAID", "9.00")]);
        app.refund(&scene.market, "first-0", 1, refunded).await;
        assert_eq!(
            app.balances(&scene.promoters[0]).await,
            Balances::of("0.00", owed, "0.00", "0.00")
        );
        assert_eq!(scene.commissions(&app).await, [is("PAID", "9.00")]);
        scene.unpay(&app, &payout).await;
        assert_eq!(
            app.balances(&scene.promoters[0]).await,
            Balances::of("0.00", left, "0.00", "0.00")
        );
        assert_eq!(scene.commissions(&app).await, [is(state, "0.00")]);
    })
    .await;
}

/// 100.00 of 1,000.00. Half of it is charged back: the reserve's 10.00 and 40.00 more. It is won while the rest is being paid.
#[rstest]
#[tokio::test]
async fn what_became_due_while_a_payout_was_on_its_way_is_due_again(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let scene = Scene::with(&app, &[iban()]).await;
        let first = scene.draft(&app, "first").await;
        app.mark_paid(&scene.market, &first, "UTR-0").await;
        scene.earn(&app, 0, "large", "1000.00").await;
        let half = json!({ "amount": { "amount": "500.00", "currency": "EUR" } });
        scene.report(&app, "recordChargeback", half).await;
        let payout = scene.draft(&app, "half").await;
        scene
            .report(&app, "resolveChargeback", json!({ "outcome": "WON" }))
            .await;
        // The first sale's reserve of 1.00 stays.
        assert_eq!(
            app.balances(&scene.promoters[0]).await,
            Balances::of("0.00", "50.00", "1.00", "50.00")
        );
        assert_eq!(
            scene.commissions(&app).await,
            [is("PAID", "9.00"), is("IN_PAYOUT", "0.00")]
        );
        app.mark_paid(&scene.market, &payout, "UTR-1").await;
        assert_eq!(
            scene.commissions(&app).await,
            [is("PAID", "9.00"), is("APPROVED", "50.00")]
        );
        let payout = scene.draft(&app, "rest").await;
        assert_eq!(
            scene.commissions(&app).await,
            [is("PAID", "9.00"), is("IN_PAYOUT", "50.00")]
        );
        app.mark_paid(&scene.market, &payout, "UTR-2").await;
        assert_eq!(
            scene.commissions(&app).await,
            [is("PAID", "9.00"), is("PAID", "100.00")]
        );
    })
    .await;
}

/// A draft counts what is on its way and what was paid by two statements: between them nothing becomes paid.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_booked_as_paid_while_a_balance_is_counted() {
    with_app(Database::Postgres, |app| async move {
        let scene = Scene::with(&app, &[iban()]).await;
        let payout = scene.draft(&app, "one").await;
        let drafting = app.app.db.begin().await.unwrap();
        drafting
            .execute_unprepared("SELECT id FROM ledger_accounts WHERE kind = 'AVAILABLE' FOR UPDATE")
            .await
            .unwrap();
        let (payer, market) = (app.clone(), scene.market.clone());
        let mut paying = tokio::spawn(async move { payer.mark_paid(&market, &payout, "UTR-1").await });
        tokio::select! {
            _ = &mut paying => panic!("it was booked"),
            () = until_waiting(&app, 1) => {}
        }
        drafting
            .execute_unprepared("SELECT id FROM commissions FOR UPDATE NOWAIT")
            .await
            .unwrap();
        drafting.rollback().await.unwrap();
        paying.await.unwrap();
        assert_eq!(scene.commissions(&app).await, [is("PAID", "9.00")]);
    })
    .await;
}
