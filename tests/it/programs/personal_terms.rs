//! Rules of one partnership, before those of the program, and for a time.

use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{
    answer::{error_code, refusal},
    app::{TestApp, with_app},
    builders::text,
    database::Database,
    marketplace::{Market, Promoter, merged},
};

async fn personal(app: &TestApp, market: &Market, promoter: &Promoter, settings: Value) -> String {
    let input = merged(
        json!({
            "programId": market.program.id, "partnershipId": promoter.partnership, "event": "SALE",
            "earning": { "percent": "25" },
        }),
        settings,
    );
    let made = app
        .done(&market.owner, "createCommissionRule", input, "commissionRule { id }")
        .await;
    text(&made["commissionRule"], "id")
}

/// What a sale of 200 EUR earns, and why.
async fn earned(app: &TestApp, market: &Market, promoter: &Promoter, order: &str) -> (String, String) {
    let click = app.click(&app.link(promoter).await).await;
    let sale = app.sale(market, order, "200.00", json!({ "clickId": click })).await;
    let conversion = app.conversion(market, &sale).await;
    let amount = text(&conversion["commissions"][0]["amount"], "amount");
    (amount, text(&conversion, "earningExplanation"))
}

async fn effective(app: &TestApp, token: &str, promoter: &Promoter) -> Value {
    let query = "query ($id: ID!) { node(id: $id) { ... on Partnership { effectiveRules {
        percent validUntil partnership { id } } } } }";
    app.graphql_ok(
        Some(token),
        query,
        json!({ "id": promoter.partnership }),
        "node.effectiveRules",
    )
    .await
}

#[rstest]
#[tokio::test]
async fn personal_terms_go_before_the_programs_rules_while_they_count(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("acme").await;
        let mut favoured = app.promoter(&market, "favoured", None).await;
        let other = app.promoter(&market, "other", None).await;
        let until = (app.app.clock.now() + TimeDelta::days(1)).to_rfc3339();
        // However far back it stands among its like.
        let settings = json!({ "position": 10_000, "validUntil": until });
        let rule = personal(&app, &market, &favoured, settings).await;

        // 25 % and 10 % of 200.
        let by_own = "50.00 EUR earned at 1 level(s), by the personal terms of the partnership";
        let by_program = "20.00 EUR earned at 1 level(s), by a rule of the program";
        let expected = |amount: &str, why: &str| (amount.to_owned(), why.to_owned());
        assert_eq!(earned(&app, &market, &favoured, "one").await, expected("50.00", by_own));
        assert_eq!(
            earned(&app, &market, &other, "two").await,
            expected("20.00", by_program)
        );

        let rules = effective(&app, &favoured.user.token, &favoured).await;
        assert_eq!(rules.as_array().unwrap().len(), 2);
        assert_eq!(rules[0]["percent"], "25");
        assert_eq!(rules[0]["partnership"]["id"], favoured.partnership);
        assert_eq!(
            rules[1],
            json!({ "percent": "10", "validUntil": null, "partnership": null })
        );
        let rules = effective(&app, &other.user.token, &other).await;
        assert_eq!(
            rules,
            json!([{ "percent": "10", "validUntil": null, "partnership": null }])
        );

        // Personal terms are nobody else's business.
        let everyone = "query ($id: ID!) { program(id: $id) { commissionRules { percent } } }";
        let shown = app
            .graphql_ok(
                None,
                everyone,
                json!({ "id": market.program.id }),
                "program.commissionRules",
            )
            .await;
        assert_eq!(shown, json!([{ "percent": "10" }]));
        let node = "query ($id: ID!) { node(id: $id) { id } }";
        for (token, sees) in [
            (None, false),
            (Some(&other.user.token), false),
            (Some(&favoured.user.token), true),
            (Some(&market.owner.token), true),
        ] {
            let answer = app
                .graphql(token.map(String::as_str), node, json!({ "id": rule }))
                .await;
            assert_eq!(answer["data"]["node"]["id"] == rule.as_str(), sees, "{answer:#}");
        }

        app.advance(TimeDelta::days(1));
        let mut market = market;
        app.sign_in_again(&mut favoured.user).await;
        app.sign_in_again(&mut market.owner).await;
        assert_eq!(
            earned(&app, &market, &favoured, "three").await,
            expected("20.00", by_program),
            "the end itself is outside"
        );
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn what_cannot_be_personal_terms_is_refused(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("acme").await;
        let elsewhere = app.market("elsewhere").await;
        let promoter = app.promoter(&market, "promoter", None).await;
        let stranger = app.promoter(&elsewhere, "stranger", None).await;
        for _ in 0..20 {
            personal(&app, &market, &promoter, json!({})).await;
        }
        let before = app.digest().await;
        let attempt = async |input: Value| {
            let defaults = json!({
                "programId": market.program.id, "event": "SALE", "earning": { "percent": "25" },
            });
            app.mutation(
                Some(&market.owner.token),
                "createCommissionRule",
                merged(defaults, input),
                "commissionRule { id }",
            )
            .await
        };
        let excess = attempt(json!({ "partnershipId": promoter.partnership })).await;
        assert_eq!(refusal(&excess), "TOO_MANY_PERSONAL_RULES");
        let foreign = attempt(json!({ "partnershipId": stranger.partnership })).await;
        assert_eq!(error_code(&foreign), "NOT_FOUND");
        let now = app.app.clock.now().to_rfc3339();
        let empty = attempt(json!({ "validFrom": now, "validUntil": now })).await;
        assert_eq!(refusal(&empty), "VALIDITY_INVALID");
        assert_eq!(app.digest().await, before);
    })
    .await;
}
