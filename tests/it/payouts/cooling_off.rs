//! Payouts wait after a partner changed where it is paid, and say where they go.

use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};
use tributary::config::Config;

use crate::support::{
    answer::{data_at, refusal, user_errors},
    app::{TestApp, with_app},
    builders::{PASSWORD, User, text},
    database::Database,
    marketplace::{Market, Promoter},
};

const METHOD: &str = "query ($id: ID!) { node(id: $id) { ... on Payout { state method {
    kind masked payoutMethod { id coolingOffUntil } } } } }";

struct World {
    market: Market,
    maya: Promoter,
    /// Sales so far.
    sales: u32,
}

impl World {
    async fn new(app: &TestApp) -> Self {
        let market = app.market("aurora").await;
        let maya = app.promoter(&market, "maya", None).await;
        Self { market, maya, sales: 0 }
    }

    /// Lets so much time pass that everyone has to sign in again.
    async fn wait(&mut self, app: &TestApp, hours: i64) {
        app.advance(TimeDelta::hours(hours));
        app.sign_in_again(&mut self.market.owner).await;
        app.sign_in_again(&mut self.maya.user).await;
    }

    /// Earns 9.00: a tenth of 100.00, of which a tenth stays in the reserve.
    async fn earn(&mut self, app: &TestApp) {
        self.sales += 1;
        let click = app.click(&app.link(&self.maya).await).await;
        let order = format!("A-{}", self.sales);
        let sale = app
            .sale(&self.market, &order, "100.00", json!({ "clickId": click }))
            .await;
        app.approve(&self.market, &sale).await;
    }

    async fn draft(&self, app: &TestApp) -> Value {
        let input = json!({
            "idempotencyKey": format!("payout-{}", self.sales), "partnershipId": self.maya.partnership, "currency": "EUR",
        });
        let selection = "payout { id amount { amount } method { kind masked } }";
        app.mutation(Some(&self.market.owner.token), "createPayout", input, selection)
            .await
    }

    async fn drafted(&mut self, app: &TestApp) -> Value {
        let payout = data_at(&self.draft(app).await, "createPayout.payout");
        assert_eq!(payout["amount"]["amount"], "9.00");
        payout
    }

    async fn add(&self, app: &TestApp, details: Value) -> String {
        let input = json!({ "partnerId": self.maya.partner.id, "details": details, "currentPassword": PASSWORD });
        let made = app
            .done(&self.maya.user, "addPayoutMethod", input, "payoutMethod { id }")
            .await;
        text(&made["payoutMethod"], "id")
    }

    async fn add_iban(&self, app: &TestApp) -> String {
        let iban = json!({ "holderName": "Maya", "iban": "DE89370400440532013000" });
        self.add(app, json!({ "iban": iban })).await
    }

    async fn add_paypal(&self, app: &TestApp) -> String {
        self.add(app, json!({ "paypal": { "email": "maya@example.com" } }))
            .await
    }

    async fn refused_until(&self, app: &TestApp, until: &str) {
        let before = app.digest().await;
        let answer = self.draft(app).await;
        assert_eq!(refusal(&answer), "PAYOUT_METHOD_COOLING_OFF");
        let said = text(&user_errors(&answer)[0], "message");
        assert!(said.ends_with(&format!("no payout before {until}")), "{said}");
        assert_eq!(app.digest().await, before);
    }
}

async fn method_of(app: &TestApp, user: &User, payout: &Value) -> Value {
    let variables = json!({ "id": payout["id"] });
    app.graphql_ok(Some(&user.token), METHOD, variables, "node.method")
        .await
}

#[rstest]
#[tokio::test]
async fn the_first_method_cools_off_and_is_written_on_the_payout(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let mut world = World::new(&app).await;
        // Without one a person pays as ever.
        world.earn(&app).await;
        let by_hand = world.drafted(&app).await;
        assert_eq!(by_hand["method"], Value::Null);

        world.earn(&app).await;
        let iban = world.add_iban(&app).await;
        world.refused_until(&app, "2026-01-18T12:00:00Z").await;
        world.wait(&app, 71).await;
        app.advance(TimeDelta::minutes(5));
        world.refused_until(&app, "2026-01-18T12:00:00Z").await;
        world.wait(&app, 1).await;
        let payout = world.drafted(&app).await;
        assert_eq!(payout["method"], json!({ "kind": "IBAN", "masked": "DE***3000" }));
        let seen = method_of(&app, &world.maya.user, &payout).await;
        assert_eq!(seen["payoutMethod"], json!({ "id": iban, "coolingOffUntil": null }));
        let seen = method_of(&app, &world.market.owner, &payout).await;
        assert_eq!(
            seen,
            json!({ "kind": "IBAN", "masked": "DE***3000", "payoutMethod": null }),
            "a brand sees where it pays to, masked, and nothing of the partner's"
        );
        assert_eq!(method_of(&app, &world.market.owner, &by_hand).await, Value::Null);

        // Removed, it still stands on the payout, which is paid.
        let remove = json!({ "id": iban, "currentPassword": PASSWORD });
        app.done(&world.maya.user, "removePayoutMethod", remove, "partner { id }")
            .await;
        let seen = method_of(&app, &world.maya.user, &payout).await;
        assert_eq!(
            seen,
            json!({ "kind": "IBAN", "masked": "DE***3000", "payoutMethod": null })
        );
        let id = text(&payout, "id");
        app.done(
            &world.market.owner,
            "approvePayout",
            json!({ "id": id }),
            "payout { state }",
        )
        .await;
        app.mark_paid(&world.market, &id, "SEPA-1").await;
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn whatever_money_goes_to_anew_cools_off(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let mut world = World::new(&app).await;
        let iban = world.add_iban(&app).await;
        world.wait(&app, 72).await;
        // A second one changes nothing for euros, which go to the oldest.
        let paypal = world.add_paypal(&app).await;
        world.earn(&app).await;
        assert_eq!(world.drafted(&app).await["method"]["kind"], "IBAN");
        // Saying what holds already changes nothing either.
        let prefer = |id: &str| json!({ "id": id, "currency": "EUR", "currentPassword": PASSWORD });
        app.done(
            &world.maya.user,
            "setPreferredPayoutMethod",
            prefer(&iban),
            "payoutMethod { id }",
        )
        .await;
        world.earn(&app).await;
        assert_eq!(world.drafted(&app).await["method"]["kind"], "IBAN");

        // Long cooled off, PayPal is preferred: what is paid next waits from now on, at 12:00 on the 25th.
        world.wait(&app, 7 * 24).await;
        world.earn(&app).await;
        let preferred = app
            .done(
                &world.maya.user,
                "setPreferredPayoutMethod",
                prefer(&paypal),
                "payoutMethod { preferredFor coolingOffUntil }",
            )
            .await;
        assert_eq!(
            preferred["payoutMethod"],
            json!({ "preferredFor": ["EUR"], "coolingOffUntil": "2026-01-28T12:00:00+00:00" })
        );
        world.refused_until(&app, "2026-01-28T12:00:00Z").await;
        world.wait(&app, 72).await;
        assert_eq!(world.drafted(&app).await["method"]["kind"], "PAYPAL");

        // Removed, euros go to the bank again, and wait.
        world.earn(&app).await;
        let remove = json!({ "id": paypal, "currentPassword": PASSWORD });
        app.done(&world.maya.user, "removePayoutMethod", remove, "partner { id }")
            .await;
        world.refused_until(&app, "2026-01-31T12:00:00Z").await;
        world.wait(&app, 72).await;
        assert_eq!(world.drafted(&app).await["method"]["masked"], "DE***3000");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn an_installation_may_wait_for_nothing(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let config = Config {
            payout_cooling_off_hours: 0,
            ..app.app.config.clone()
        };
        let patient = app.clone();
        let app = TestApp::configured(config).await;
        let mut world = World::new(&app).await;
        world.add_paypal(&app).await;
        // Another currency than the account receives is paid by hand.
        world.earn(&app).await;
        assert_eq!(world.drafted(&app).await["method"]["masked"], "m***@example.com");
        app.app.db.close().await.unwrap();
        patient.check_invariants().await;
    })
    .await;
}
