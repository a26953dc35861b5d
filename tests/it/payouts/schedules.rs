//! Schedules: batches drafted when a brand's day comes, and who is told.

use std::collections::BTreeSet;

use entity::brand_member::BrandRole;
use rstest::rstest;
use sea_orm::{ConnectionTrait, EntityTrait, PaginatorTrait};
use serde_json::json;
use tributary::{
    ledger::balances::lock_all_available_in_tx,
    payouts::{batches::service::draft_scheduled, methods::rules::Details},
};

use super::scene::{Scene, give, iban, join_paid_by, partnership_of};
use crate::support::{
    answer::refusal,
    app::{TestApp, with_app},
    builders::text,
    database::Database,
    mail::token_of,
    postgres::until_waiting,
};

impl Scene {
    /// Every Monday; it is Sunday the 18th of January 2026.
    async fn pay_on_mondays(&self, app: &TestApp) -> serde_json::Value {
        let input = json!({ "brandId": self.market.brand.id, "patch": { "payoutSchedule": "WEEKLY", "payoutDay": 1 } });
        let selection = "brand { payoutSettings { payoutSchedule payoutDay nextPayoutsAt } }";
        app.done(&self.market.owner, "updatePayoutSettings", input, selection)
            .await["brand"]["payoutSettings"]
            .clone()
    }

    async fn next_payouts_at(&self, app: &TestApp) -> serde_json::Value {
        self.ask(app, "payoutSettings { nextPayoutsAt }", "payoutSettings.nextPayoutsAt")
            .await
    }

    /// Another partner, with so much in each of these currencies.
    async fn owe(&self, app: &TestApp, n: usize, amounts: &[(i64, &str)]) {
        let like = partnership_of(app, &self.promoters[0]).await;
        let email = format!("payee{n}@example.com");
        let partnership = join_paid_by(app, &like, n, &Details::Paypal { email }).await;
        for (minor, currency) in amounts {
            give(app, partnership, money(*minor, currency)).await;
        }
    }
}

fn money(minor: i64, currency: &str) -> tributary::money::Money {
    tributary::money::Money::new(minor, currency.parse().unwrap())
}

#[rstest]
#[tokio::test]
async fn a_schedule_drafts_once_when_its_day_comes(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let mut scene = Scene::with(&app, &[iban()]).await;
        let wrong =
            json!({ "brandId": scene.market.brand.id, "patch": { "payoutSchedule": "WEEKLY", "payoutDay": 8 } });
        let token = Some(scene.market.owner.token.as_str());
        let wrong = app.mutation(token, "updatePayoutSettings", wrong, "brand { id }").await;
        assert_eq!(refusal(&wrong), "PAYOUT_DAY_OUT_OF_RANGE");
        assert_eq!(
            scene.pay_on_mondays(&app).await,
            json!({ "payoutSchedule": "WEEKLY", "payoutDay": 1, "nextPayoutsAt": "2026-01-19T00:00:00+00:00" })
        );
        assert_eq!(draft_scheduled(&app.app).await.unwrap(), 0);
        scene.wait(&app, 24).await;
        assert_eq!(draft_scheduled(&app.app).await.unwrap(), 1);
        assert_eq!(draft_scheduled(&app.app).await.unwrap(), 0);
        let batches = scene
            .ask(
                &app,
                "payoutBatches { nodes { state isScheduled } }",
                "payoutBatches.nodes",
            )
            .await;
        assert_eq!(batches, json!([{ "state": "DRAFT", "isScheduled": true }]));
        assert_eq!(scene.next_payouts_at(&app).await, "2026-01-26T00:00:00+00:00");
    })
    .await;
}

/// Owners and finance people release money; whoever else there is, and whose address nobody has proved, is not told.
#[rstest]
#[tokio::test]
async fn those_who_release_money_are_told_what_waits_for_them(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let mut scene = Scene::with(&app, &[iban()]).await;
        let people = [
            app.sign_up("fiona").await,
            app.sign_up("anna").await,
            app.sign_up("unproved").await,
        ];
        let letters = app.send_mails().await;
        for user in people.iter().take(2).chain([&scene.market.owner]) {
            let letter = letters.iter().find(|letter| letter.to == user.email).unwrap();
            app.done(user, "verifyEmail", json!({ "token": token_of(letter) }), "user { id }")
                .await;
        }
        for (user, role) in people
            .iter()
            .zip([BrandRole::Finance, BrandRole::Analyst, BrandRole::Finance])
        {
            app.db_member(&scene.market.brand.id, &user.id, role).await;
        }
        scene.owe(&app, 1, &[(1_250, "USD"), (700, "EUR")]).await;
        scene.pay_on_mondays(&app).await;
        app.send_mails().await;
        scene.wait(&app, 24).await;

        assert_eq!(draft_scheduled(&app.app).await.unwrap(), 2);
        let batches = scene
            .ask(&app, "payoutBatches { nodes { id currency } }", "payoutBatches.nodes")
            .await;
        let id_in = |currency: &str| {
            let batches = batches.as_array().unwrap();
            text(
                batches.iter().find(|batch| batch["currency"] == currency).unwrap(),
                "id",
            )
        };
        let letters = app.send_mails().await;
        let told: BTreeSet<&str> = letters.iter().map(|letter| letter.to.as_str()).collect();
        assert_eq!(told, BTreeSet::from([&*people[0].email, &*scene.market.owner.email]));
        assert_eq!(letters.len(), 2);
        for letter in &letters {
            assert_eq!(letter.subject, "Payouts of aurora wait for approval");
            // 9.00 of the sale and the 7.00 given.
            let lines = format!(
                "{}: 2 payouts, 16.00 EUR\n{}: 1 payout, 12.50 USD\n",
                id_in("EUR"),
                id_in("USD")
            );
            assert!(letter.text.contains(&lines), "{}", letter.text);
        }
        // A week later nobody is due, and nobody hears of it.
        scene.wait(&app, 24 * 7).await;
        assert_eq!(draft_scheduled(&app.app).await.unwrap(), 0);
        assert_eq!(scene.next_payouts_at(&app).await, "2026-02-02T00:00:00+00:00");
        assert!(app.send_mails().await.is_empty());
    })
    .await;
}

/// A batch has a thousand payouts; a schedule pays everybody.
#[tokio::test]
async fn a_schedule_drafts_as_many_batches_as_it_takes() {
    with_app(Database::Sqlite, |app| async move {
        let mut scene = Scene::with(&app, &[iban()]).await;
        for n in 1..=1_000 {
            scene.owe(&app, n, &[(1_000, "EUR")]).await;
        }
        scene.pay_on_mondays(&app).await;
        scene.wait(&app, 24).await;
        assert_eq!(draft_scheduled(&app.app).await.unwrap(), 2);
        let batches = scene
            .ask(
                &app,
                "payoutBatches { nodes { totals { count } } }",
                "payoutBatches.nodes",
            )
            .await;
        let counts: Vec<i64> = batches
            .as_array()
            .unwrap()
            .iter()
            .map(|batch| {
                batch["totals"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|total| total["count"].as_i64().unwrap())
                    .sum()
            })
            .collect();
        assert_eq!(counts, [1, 1_000], "the newest first");
        let paid = entity::payout::Entity::find().count(app.db()).await.unwrap();
        assert_eq!(paid, 1_001);
    })
    .await;
}

/// A refund locks the balances of everyone who earned of its sale in the order of their accounts, whatever their currencies: a
/// schedule that waits for a balance in one currency holds none in another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schedule_holds_no_balance_while_it_waits_for_one_in_another_currency() {
    with_app(Database::Postgres, |app| async move {
        let mut scene = Scene::with(&app, &[iban()]).await;
        scene.owe(&app, 1, &[(1_250, "USD")]).await;
        scene.pay_on_mondays(&app).await;
        scene.wait(&app, 24).await;

        let refund = app.app.db.begin().await.unwrap();
        refund
            .execute_unprepared(
                "SELECT id FROM ledger_accounts WHERE kind = 'AVAILABLE' AND currency = 'USD' FOR UPDATE",
            )
            .await
            .unwrap();
        let scheduler = app.clone();
        let drafting = tokio::spawn(async move { draft_scheduled(&scheduler.app).await });
        until_waiting(&app, 1).await;
        let seller = scene.promoters[0].partnership.parse().unwrap();
        // And whoever posts names the brand.
        refund
            .execute_unprepared("SELECT id FROM brands FOR KEY SHARE NOWAIT")
            .await
            .unwrap();
        refund
            .execute_unprepared("SET LOCAL lock_timeout = '1s'")
            .await
            .unwrap();
        lock_all_available_in_tx(&refund, [seller]).await.unwrap();
        refund.rollback().await.unwrap();
        assert_eq!(drafting.await.unwrap().unwrap(), 2);
    })
    .await;
}
