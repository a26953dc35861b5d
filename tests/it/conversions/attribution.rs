//! Who is credited, and what every touch that was not says about itself.

use axum::http::StatusCode;
use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{
    app::{TestApp, with_app},
    builders::text,
    database::Database,
    marketplace::{Balances, Market, Promoter},
};

/// Two partners of one program, each with a code and a click.
struct Rivals {
    market: Market,
    clicker: Promoter,
    coder: Promoter,
    click: String,
}

const CODE: &str = "CODER10";

async fn rivals(app: &TestApp, settings: Value) -> Rivals {
    let market = app.market_with("aurora", settings).await;
    let clicker = app.promoter(&market, "clicker", None).await;
    let coder = app.promoter(&market, "coder", None).await;
    app.code(&coder, CODE, json!({})).await;
    let click = app.click(&app.link(&clicker).await).await;
    Rivals {
        market,
        clicker,
        coder,
        click,
    }
}

/// Kind, outcome and reason of every touch, in their order.
fn fates(conversion: &Value) -> Vec<String> {
    let touches = conversion["attribution"]["touches"].as_array().unwrap();
    let fate = |touch: &Value| {
        assert!(!text(touch, "explanation").is_empty());
        match touch["rejection"].as_str() {
            None => format!("{} {}", text(touch, "kind"), text(touch, "outcome")),
            Some(reason) => {
                assert_eq!(touch["outcome"], "REJECTED");
                format!("{} {reason}", text(touch, "kind"))
            }
        }
    };
    touches.iter().map(fate).collect()
}

fn credited(conversion: &Value) -> Option<&str> {
    conversion["attribution"]["partnership"]["id"].as_str()
}

/// Records a sale and reads it back as the brand.
async fn sold(app: &TestApp, market: &Market, order: &str, evidence: Value) -> Value {
    let id = app.sale(market, order, "100.00", evidence).await;
    app.conversion(market, &id).await
}

/// The sale is kept with its order, and nobody earns.
async fn uncredited(app: &TestApp, market: &Market, order: &str, evidence: Value, wanted: &[&str]) {
    let row = sold(app, market, order, evidence).await;
    assert_eq!(fates(&row), wanted, "{row:#}");
    assert_eq!(credited(&row), None);
    assert_eq!(row["order"]["externalId"], order);
    assert_eq!(row["commissions"], json!([]));
    assert_eq!(row["state"], "PENDING");
    assert!(
        text(&row["attribution"], "explanation").starts_with("Nobody is credited"),
        "{row:#}"
    );
}

#[rstest]
#[tokio::test]
async fn the_code_goes_before_the_click_unless_the_program_says_otherwise(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let Rivals {
            mut market,
            clicker,
            coder,
            click,
        } = rivals(&app, json!({ "customerBinding": "NEVER" })).await;
        let both = json!({ "clickId": click, "promoCodes": [CODE] });
        let row = sold(&app, &market, "A-1", both.clone()).await;
        assert_eq!(fates(&row), ["CLICK OUTRANKED", "PROMO_CODE WON"]);
        assert_eq!(credited(&row), Some(coder.partnership.as_str()));
        assert_eq!(row["attribution"]["method"], "PROMO_CODE");

        let input = json!({ "id": market.program.id, "patch": { "attributionOrder": "CLICK_FIRST" } });
        app.done(&market.owner, "updateProgram", input, "program { attributionOrder }")
            .await;
        let row = sold(&app, &market, "A-2", both.clone()).await;
        assert_eq!(fates(&row), ["CLICK WON", "PROMO_CODE OUTRANKED"]);
        assert_eq!(credited(&row), Some(clicker.partnership.as_str()));

        // A click outside its window leaves the credit to the code, also where clicks go first.
        app.advance_days(31, [&mut market.owner]).await;
        let row = sold(&app, &market, "A-3", both).await;
        assert_eq!(fates(&row), ["CLICK OUTSIDE_WINDOW", "PROMO_CODE WON"]);
        assert_eq!(credited(&row), Some(coder.partnership.as_str()));
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_customer_stays_with_whoever_brought_it_first(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let Rivals {
            mut market,
            clicker,
            coder,
            click,
        } = rivals(&app, json!({})).await;
        let customer = |evidence: Value| crate::support::marketplace::merged(json!({ "customerId": "c1" }), evidence);
        let row = sold(&app, &market, "A-1", customer(json!({ "clickId": click }))).await;
        assert_eq!(fates(&row), ["CLICK WON"]);

        // A year later, without any touch: the binding credits.
        app.advance_days(365, [&mut market.owner]).await;
        let row = sold(&app, &market, "A-2", customer(json!({}))).await;
        assert_eq!(fates(&row), ["CUSTOMER_BINDING WON"]);
        assert_eq!(credited(&row), Some(clicker.partnership.as_str()));
        assert_eq!(row["customer"]["externalId"], "c1");

        // Another partner's code wins an order, and the customer stays where it is.
        let row = sold(&app, &market, "A-3", customer(json!({ "promoCodes": [CODE] }))).await;
        assert_eq!(fates(&row), ["PROMO_CODE WON", "CUSTOMER_BINDING OUTRANKED"]);
        assert_eq!(credited(&row), Some(coder.partnership.as_str()));
        let row = sold(&app, &market, "A-4", customer(json!({}))).await;
        assert_eq!(credited(&row), Some(clicker.partnership.as_str()));

        // Somebody else's order is nobody's.
        uncredited(&app, &market, "A-5", json!({ "customerId": "c2" }), &[]).await;
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_binding_ends_when_the_program_says(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let settings = json!({ "customerBinding": "MONTHS", "customerBindingMonths": 2 });
        let Rivals {
            mut market,
            clicker,
            coder,
            click,
        } = rivals(&app, settings).await;
        let event = json!({ "customerId": "c1", "clickId": click });
        let (status, _) = app.track(&market.key.secret, "signup", "s1", event).await;
        assert_eq!(status, StatusCode::CREATED);

        // Bound on January 15 at noon, until March 15 at noon: 59 days.
        app.advance(TimeDelta::days(59) - TimeDelta::microseconds(1));
        app.sign_in_again(&mut market.owner).await;
        let row = sold(&app, &market, "A-1", json!({ "customerId": "c1" })).await;
        assert_eq!(credited(&row), Some(clicker.partnership.as_str()));
        app.advance(TimeDelta::microseconds(1));
        let none = json!({ "customerId": "c1" });
        uncredited(&app, &market, "A-2", none, &["CUSTOMER_BINDING BINDING_EXPIRED"]).await;

        // Free again: the next one to bring the customer keeps it.
        let code = json!({ "customerId": "c1", "promoCodes": [CODE] });
        let row = sold(&app, &market, "A-3", code).await;
        assert_eq!(fates(&row), ["PROMO_CODE WON", "CUSTOMER_BINDING BINDING_EXPIRED"]);
        let row = sold(&app, &market, "A-4", json!({ "customerId": "c1" })).await;
        assert_eq!(credited(&row), Some(coder.partnership.as_str()));
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_bad_touch_never_loses_the_sale(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let Rivals {
            mut market,
            mut clicker,
            coder,
            click,
        } = rivals(&app, json!({})).await;
        let click_of = |id: &str| json!({ "clickId": id });
        let code_of = |code: &str| json!({ "promoCodes": [code] });

        // Codes.
        uncredited(
            &app,
            &market,
            "unknown-code",
            code_of("NOSUCH"),
            &["PROMO_CODE CODE_UNKNOWN"],
        )
        .await;
        uncredited(
            &app,
            &market,
            "no-code",
            code_of("50% off!"),
            &["PROMO_CODE CODE_UNKNOWN"],
        )
        .await;
        uncredited(&app, &market, "empty-code", code_of(""), &["PROMO_CODE CODE_UNKNOWN"]).await;
        let soon = app.now() + TimeDelta::hours(1);
        app.code(&coder, "SHORT", json!({ "expiresAt": soon })).await;
        app.code(&coder, "ONCE", json!({ "usageLimit": 1 })).await;
        let row = sold(&app, &market, "in-time", code_of("SHORT")).await;
        assert_eq!(fates(&row), ["PROMO_CODE WON"]);
        let row = sold(&app, &market, "once", code_of("once")).await;
        assert_eq!(fates(&row), ["PROMO_CODE WON"]);
        uncredited(&app, &market, "twice", code_of("ONCE"), &["PROMO_CODE CODE_EXHAUSTED"]).await;
        app.advance(TimeDelta::hours(1));
        app.sign_in_again(&mut market.owner).await;
        app.sign_in_again(&mut clicker.user).await;
        uncredited(
            &app,
            &market,
            "too-late",
            code_of("SHORT"),
            &["PROMO_CODE CODE_EXPIRED"],
        )
        .await;

        // Clicks.
        uncredited(&app, &market, "nonsense", click_of("nonsense"), &["CLICK CLICK_FORGED"]).await;
        let (front, last) = click.split_at(click.len() - 2);
        let forged = format!("{front}{}", if last == "AA" { "BB" } else { "AA" });
        uncredited(&app, &market, "forged", click_of(&forged), &["CLICK CLICK_FORGED"]).await;
        let other = app.market("borealis").await;
        let stranger = app.promoter(&other, "stranger", None).await;
        let theirs = app.click(&app.link(&stranger).await).await;
        uncredited(
            &app,
            &market,
            "elsewhere",
            click_of(&theirs),
            &["CLICK CLICK_UNKNOWN_LINK"],
        )
        .await;
        let past = json!({ "clickId": click, "occurredAt": app.now() - TimeDelta::days(1) });
        uncredited(&app, &market, "click-after-sale", past, &["CLICK OUTSIDE_WINDOW"]).await;

        // Two codes: the first valid one wins, wherever it stands.
        let codes = json!({ "promoCodes": ["NOSUCH", CODE, "SHORT"] });
        let row = sold(&app, &market, "two-codes", codes).await;
        assert_eq!(
            fates(&row),
            ["PROMO_CODE CODE_UNKNOWN", "PROMO_CODE WON", "PROMO_CODE CODE_EXPIRED"]
        );
        app.code(&clicker, "RIVAL", json!({})).await;
        let row = sold(&app, &market, "first-wins", json!({ "promoCodes": ["RIVAL", CODE] })).await;
        assert_eq!(fates(&row), ["PROMO_CODE WON", "PROMO_CODE OUTRANKED"]);
        assert_eq!(credited(&row), Some(clicker.partnership.as_str()));

        // Partnership and program at rest.
        let input = json!({ "id": coder.partnership, "reason": "under review" });
        app.done(&market.owner, "suspendPartnership", input, "partnership { state }")
            .await;
        let rejected = ["PROMO_CODE PARTNERSHIP_NOT_ACTIVE"];
        uncredited(&app, &market, "suspended", code_of(CODE), &rejected).await;
        let input = json!({ "id": market.program.id });
        app.done(&market.owner, "pauseProgram", input, "program { state }")
            .await;
        uncredited(&app, &market, "paused", click_of(&click), &["CLICK PROGRAM_NOT_ACTIVE"]).await;
        app.advance_days(31, [&mut market.owner]).await;
        let input = json!({ "id": market.program.id });
        app.done(&market.owner, "activateProgram", input, "program { state }")
            .await;
        uncredited(&app, &market, "window", click_of(&click), &["CLICK OUTSIDE_WINDOW"]).await;
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_touch_speaks_for_its_own_program_only(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let Rivals { market, click, .. } = rivals(&app, json!({})).await;
        let second = app.program(&market.owner, &market.brand.id, "second", json!({})).await;
        let evidence = json!({ "programId": second.id, "clickId": click, "promoCodes": [CODE] });
        let rejected = ["CLICK OTHER_PROGRAM", "PROMO_CODE OTHER_PROGRAM"];
        uncredited(&app, &market, "A-1", evidence, &rejected).await;
        // Nobody said which program, and two are active: the sale belongs to none.
        let row = sold(&app, &market, "A-2", json!({})).await;
        assert_eq!(row["program"], Value::Null);
        // The click says which.
        let row = sold(&app, &market, "A-3", json!({ "clickId": click })).await;
        assert_eq!(row["program"]["id"], market.program.id);
        assert_eq!(fates(&row), ["CLICK WON"]);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn an_inactive_recruiter_earns_nothing_and_nobody_takes_its_level(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        app.two_levels(&market.owner, &market.program.id).await;
        let top = app.promoter(&market, "top", None).await;
        let middle = app.promoter(&market, "middle", Some(&top)).await;
        let seller = app.promoter(&market, "seller", Some(&middle)).await;
        app.code(&seller, "SELLER", json!({})).await;
        let input = json!({ "id": middle.partnership, "reason": "under review" });
        app.done(&market.owner, "suspendPartnership", input, "partnership { state }")
            .await;
        let row = sold(&app, &market, "A-1", json!({ "promoCodes": ["SELLER"] })).await;
        let levels: Vec<_> = row["commissions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|commission| {
                (
                    commission["level"].as_i64().unwrap(),
                    text(&commission["amount"], "amount"),
                )
            })
            .collect();
        // 10 % of 100.00; nothing at level 1; level 2 keeps its own 10 % of 10.00 and does not get the 2 %.
        assert_eq!(levels, [(0, "10.00".to_owned()), (2, "1.00".to_owned())]);
        let none = Balances::of("0.00", "0.00", "0.00", "0.00");
        assert_eq!(app.balances(&middle).await, none);

        // Back again, it earns from then on; what was frozen stays.
        let input = json!({ "id": middle.partnership });
        app.done(&market.owner, "reactivatePartnership", input, "partnership { state }")
            .await;
        sold(&app, &market, "A-2", json!({ "promoCodes": ["SELLER"] })).await;
        assert_eq!(app.balances(&middle).await.pending, "2.00");
        assert_eq!(app.balances(&top).await.pending, "2.00");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn another_currency_is_credited_and_earns_nothing(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let Rivals { market, coder, .. } = rivals(&app, json!({})).await;
        let body = json!({ "orderId": "A-1", "amount": "100.00", "currency": "USD", "promoCodes": [CODE] });
        let (status, answer) = app.track(&market.key.secret, "purchase", "k1", body).await;
        assert_eq!(status, StatusCode::CREATED);
        let row = app
            .conversion(&market, answer["conversion"]["id"].as_str().unwrap())
            .await;
        assert_eq!(credited(&row), Some(coder.partnership.as_str()));
        assert_eq!(row["amount"], json!({ "amount": "100.00", "currency": "USD" }));
        assert_eq!(row["commissions"], json!([]));
        assert_eq!(
            row["earningExplanation"],
            "CURRENCY_NOT_ACCEPTED: the program does not accept USD"
        );
    })
    .await;
}
