//! Everything wrong that may come through the two doors: each has its own code, and changes nothing.

use std::collections::BTreeSet;

use async_graphql::resolver_utils::EnumType;
use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use rstest::rstest;
use serde_json::{Value, json};
use tributary::conversions::error::ConversionErrorCode;

use crate::support::{
    answer::{error_codes, user_errors},
    app::{TestApp, with_app},
    database::Database,
    marketplace::{Market, Promoter, merged},
};

/// What is knocked on, and with what.
enum Knock {
    /// A `/track` door with a body as text.
    Track {
        door: &'static str,
        token: Option<String>,
        key: Option<String>,
        body: String,
    },
    Mutation {
        field: &'static str,
        token: Option<String>,
        input: Value,
    },
}

struct Case {
    what: String,
    knock: Knock,
    /// The code of the refusal or error.
    code: &'static str,
}

/// A brand with a held and credited sale `A-1`, an uncredited one `A-2`, a rejected one `A-3`, a refunded one `A-4`, an
/// authorised one `A-5`, and one `A-6` that was amended as often as it may be and has a chargeback `open`; `A-2` has as many
/// chargebacks as it may have, the authorised `A-7` as many captures, and `A-8` a single line.
struct World {
    market: Market,
    top: Promoter,
    seller: Promoter,
    held: String,
    uncredited: String,
    rejected: String,
    authorized: String,
    publishable: String,
    revoked: String,
    foreign: String,
    foreign_program: String,
    /// Came with a test key.
    tried: String,
    /// In the inbox, with its beginning only.
    cut: String,
}

async fn world(app: &TestApp) -> World {
    let market = app.market_with("aurora", json!({ "holdDays": 30 })).await;
    let top = app.promoter(&market, "top", None).await;
    let seller = app.promoter(&market, "seller", Some(&top)).await;
    app.code(&seller, "SELLER", json!({})).await;
    let held = app
        .sale(&market, "A-1", "100.00", json!({ "promoCodes": ["SELLER"] }))
        .await;
    let uncredited = app.sale(&market, "A-2", "100.00", json!({})).await;
    let rejected = app
        .sale(&market, "A-3", "100.00", json!({ "promoCodes": ["SELLER"] }))
        .await;
    let input = json!({ "idempotencyKey": "no", "id": rejected, "reason": "no" });
    app.done(&market.owner, "rejectConversion", input, "conversion { id }")
        .await;
    app.sale(&market, "A-4", "100.00", json!({})).await;
    app.refund(&market, "A-4", 1, "100.00").await;
    let authorized = json!({ "promoCodes": ["SELLER"], "capture": "AUTHORIZED" });
    let authorized = app.sale(&market, "A-5", "100.00", authorized).await;
    app.sale(&market, "A-6", "100.00", json!({})).await;
    let line = json!({ "lines": [{ "amount": "100.00" }] });
    app.sale(&market, "A-8", "100.00", line).await;
    for nth in 0..100 {
        let amount = if nth % 2 == 0 { "90.00" } else { "100.00" };
        let body = json!({ "orderId": "A-6", "amount": amount, "currency": "EUR" });
        let key = format!("amend-{nth}");
        app.track(&market.key.secret, "amend", &key, body).await;
    }
    let authorized_too = json!({ "capture": "AUTHORIZED" });
    app.sale(&market, "A-7", "300.00", authorized_too).await;
    for nth in 0..100 {
        let capture = json!({ "orderId": "A-7", "amount": "1.00", "currency": "EUR" });
        app.track(&market.key.secret, "capture", &format!("capture-{nth}"), capture)
            .await;
        let reference = format!("dispute-{nth}");
        let dispute = json!({ "orderId": "A-2", "reference": reference, "amount": "0.01", "currency": "EUR" });
        app.track(&market.key.secret, "chargeback", &reference, dispute).await;
    }
    let open = json!({ "orderId": "A-6", "reference": "open", "amount": "1.00", "currency": "EUR" });
    app.track(&market.key.secret, "chargeback", "open", open).await;
    let revoked = app.secret_key(&market.owner, &market.brand.id).await;
    app.done(
        &market.owner,
        "revokeApiKey",
        json!({ "id": revoked.id }),
        "apiKey { revokedAt }",
    )
    .await;
    let publishable = app.publishable_key(&market.owner, &market.brand.id).await.secret;
    let other = app.market("borealis").await;
    let long = json!({ "orderId": "cut", "clickId": "x".repeat(20_000) });
    app.track(&market.key.secret, "refund", "cut", long).await;
    let inbox = "query ($id: ID!) { brand(id: $id) { refusedEvents(where: { orderId: \"cut\" }) { nodes { id } } } }";
    let variables = json!({ "id": market.brand.id });
    let path = "brand.refusedEvents.nodes.0.id";
    let cut = app.graphql_ok(Some(&market.owner.token), inbox, variables, path).await;
    let test_key = json!({ "kind": "SECRET", "mode": "TEST" });
    let test_key = app.api_key(&market.owner, &market.brand.id, test_key).await.secret;
    let (_, tried) = app
        .track(&test_key, "signup", "tried", json!({ "customerId": "tried" }))
        .await;
    World {
        tried: tried["conversion"]["id"].as_str().unwrap().to_owned(),
        cut: cut.as_str().unwrap().to_owned(),
        market,
        top,
        seller,
        held,
        uncredited,
        rejected,
        authorized,
        publishable,
        revoked: revoked.secret,
        foreign: other.key.secret,
        foreign_program: other.program.id,
    }
}

impl World {
    fn track(&self, what: &str, door: &'static str, body: &Value, code: &'static str) -> Case {
        Case {
            what: format!("{door}: {what}"),
            knock: Knock::Track {
                door,
                token: Some(self.market.key.secret.clone()),
                key: Some("fresh".to_owned()),
                body: body.to_string(),
            },
            code,
        }
    }

    fn mutation(&self, what: &str, field: &'static str, input: Value, code: &'static str) -> Case {
        let money = matches!(field, "recordSignup" | "recordLead" | "recordSale" | "recordRefund");
        let token = if money {
            &self.market.key.secret
        } else {
            &self.market.owner.token
        };
        Case {
            what: format!("{field}: {what}"),
            knock: Knock::Mutation {
                field,
                token: Some(token.clone()),
                input,
            },
            code,
        }
    }
}

fn purchase(changes: Value) -> Value {
    merged(
        json!({ "orderId": "B-1", "amount": "10.00", "currency": "EUR" }),
        changes,
    )
}

fn refund(order: &str, changes: Value) -> Value {
    merged(
        json!({ "orderId": order, "amount": "10.00", "currency": "EUR" }),
        changes,
    )
}

/// The `/track` body of a purchase or refund as the input of its mutation.
fn as_input(world: &World, body: &Value) -> Value {
    let mut input = body.clone();
    let fields = input.as_object_mut().unwrap();
    if let (Some(amount), Some(currency)) = (fields.remove("amount"), fields.remove("currency")) {
        let money = |amount: &Value| json!({ "amount": amount, "currency": currency });
        for line in fields
            .get_mut("lines")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            if line.get("amount").is_some() {
                line["amount"] = money(&line["amount"]);
            }
        }
        if !amount.is_null() {
            fields.insert("amount".to_owned(), money(&amount));
        }
    }
    merged(
        input,
        json!({ "brandId": world.market.brand.id, "idempotencyKey": "fresh" }),
    )
}

/// What is wrong with the content is refused alike at both doors.
fn contents(world: &World) -> Vec<Case> {
    let long = "x".repeat(201);
    let future = "2026-01-15T12:05:00.000001Z";
    let sales = [
        (
            "a currency in small letters",
            json!({ "currency": "eur" }),
            "BAD_CURRENCY",
        ),
        (
            "a currency of four letters",
            json!({ "currency": "EURO" }),
            "BAD_CURRENCY",
        ),
        (
            "a currency nobody has",
            json!({ "currency": "ZZZ" }),
            "CURRENCY_UNKNOWN",
        ),
        ("a negative amount", json!({ "amount": "-0.01" }), "AMOUNT_NEGATIVE"),
        ("half a cent", json!({ "amount": "10.005" }), "AMOUNT_TOO_PRECISE"),
        (
            "half a yen",
            json!({ "amount": "10.5", "currency": "JPY" }),
            "AMOUNT_TOO_PRECISE",
        ),
        (
            "a cent too much",
            json!({ "amount": "10000000000.01" }),
            "AMOUNT_TOO_LARGE",
        ),
        (
            "far too much",
            json!({ "amount": format!("1{}", "0".repeat(27)) }),
            "AMOUNT_TOO_LARGE",
        ),
        ("1e30", json!({ "amount": "1e30" }), "BAD_USER_INPUT"),
        (
            "31 digits",
            json!({ "amount": format!("1{}", "0".repeat(30)) }),
            "BAD_USER_INPUT",
        ),
        // Read carelessly, this is 10.00 exactly.
        (
            "more decimals than can be read",
            json!({ "amount": format!("10.{}1", "0".repeat(30)) }),
            "BAD_USER_INPUT",
        ),
        ("digits in groups", json!({ "amount": "1_000" }), "BAD_USER_INPUT"),
        ("a number in words", json!({ "amount": "ten" }), "BAD_USER_INPUT"),
        ("no amount at all", json!({ "amount": "" }), "BAD_USER_INPUT"),
        ("an amount that is a float", json!({ "amount": 10.5 }), "BAD_USER_INPUT"),
        ("an empty order id", json!({ "orderId": "" }), "ORDER_ID_INVALID"),
        ("an overlong order id", json!({ "orderId": long }), "ORDER_ID_INVALID"),
        (
            "a blank in front of the order id",
            json!({ "orderId": " B-1" }),
            "ORDER_ID_INVALID",
        ),
        (
            "a NUL in the order id",
            json!({ "orderId": "B\u{0}1" }),
            "ORDER_ID_INVALID",
        ),
        (
            "an empty customer id",
            json!({ "customerId": "" }),
            "CUSTOMER_ID_INVALID",
        ),
        (
            "an overlong customer id",
            json!({ "customerId": long }),
            "CUSTOMER_ID_INVALID",
        ),
        (
            "eleven promo codes",
            json!({ "promoCodes": vec!["SELLER"; 11] }),
            "TOO_MANY_PROMO_CODES",
        ),
        (
            "an overlong promo code",
            json!({ "promoCodes": ["x".repeat(65)] }),
            "TOUCH_TOO_LONG",
        ),
        (
            "an overlong click id",
            json!({ "clickId": "x".repeat(129) }),
            "TOUCH_TOO_LONG",
        ),
        (
            "neither amount nor lines",
            json!({ "amount": null, "currency": "EUR" }),
            "AMOUNT_REQUIRED",
        ),
        (
            "a line too many",
            json!({ "lines": vec![json!({ "amount": "0.10" }); 101] }),
            "TOO_MANY_LINES",
        ),
        (
            "a line without a name of its own",
            json!({ "lines": [{ "lineId": "", "amount": "10.00" }] }),
            "LINE_ID_INVALID",
        ),
        (
            "two lines of one name",
            json!({ "lines": [{ "lineId": "a", "amount": "5.00" }, { "lineId": "a", "amount": "5.00" }] }),
            "LINE_ID_REPEATED",
        ),
        (
            "a line of no product",
            json!({ "lines": [{ "productId": "", "amount": "10.00" }] }),
            "LINE_TEXT_INVALID",
        ),
        (
            "a line of nothing",
            json!({ "lines": [{ "quantity": 0, "amount": "10.00" }] }),
            "QUANTITY_INVALID",
        ),
        (
            "lines that come to something else",
            json!({ "lines": [{ "amount": "9.99" }] }),
            "LINES_DO_NOT_ADD_UP",
        ),
        ("the future", json!({ "occurredAt": future }), "OCCURRED_IN_FUTURE"),
        (
            "a time before any calendar",
            json!({ "occurredAt": "-9999-01-01T00:00:00Z" }),
            "BAD_USER_INPUT",
        ),
        ("no time at all", json!({ "occurredAt": "yesterday" }), "BAD_USER_INPUT"),
        ("an unknown field", json!({ "discount": "1.00" }), "BAD_USER_INPUT"),
        (
            "another brand's program",
            json!({ "programId": world.foreign_program }),
            "PROGRAM_NOT_FOUND",
        ),
        (
            "a program id of another kind",
            json!({ "programId": world.held }),
            "BAD_USER_INPUT",
        ),
        ("no program id", json!({ "programId": "42" }), "BAD_USER_INPUT"),
        ("a known order", json!({ "orderId": "A-1" }), "ORDER_ALREADY_RECORDED"),
    ];
    let mut cases = Vec::new();
    for (what, changes, code) in sales {
        let body = purchase(changes);
        // In GraphQL a currency's form is the scalar's business, and no text at all may hold a NUL.
        let (track, graphql) = match code {
            "BAD_CURRENCY" => ("CURRENCY_UNKNOWN", "BAD_USER_INPUT"),
            // What the schema does not know fails validation there.
            code if what == "an unknown field" => (code, "GRAPHQL_VALIDATION_FAILED"),
            code if what.contains("NUL") => (code, "BAD_USER_INPUT"),
            code => (code, code),
        };
        cases.push(world.track(what, "purchase", &body, track));
        cases.push(world.mutation(what, "recordSale", as_input(world, &body), graphql));
    }
    let refunds = [
        ("an unknown order", refund("nowhere", json!({})), "ORDER_NOT_FOUND"),
        (
            "more than the sale",
            refund("A-1", json!({ "amount": "100.01" })),
            "REFUND_EXCEEDS_SALE",
        ),
        (
            "what is gone",
            refund("A-4", json!({ "amount": "0.01" })),
            "REFUND_EXCEEDS_SALE",
        ),
        (
            "another currency",
            refund("A-1", json!({ "currency": "USD" })),
            "CURRENCY_MISMATCH",
        ),
        ("nothing", refund("A-1", json!({ "amount": "0.00" })), "AMOUNT_ZERO"),
        (
            "less than nothing",
            refund("A-1", json!({ "amount": "-1.00" })),
            "AMOUNT_NEGATIVE",
        ),
        (
            "half a cent",
            refund("A-1", json!({ "amount": "0.005" })),
            "AMOUNT_TOO_PRECISE",
        ),
        (
            "a currency nobody has",
            refund("A-1", json!({ "currency": "ZZZ" })),
            "CURRENCY_UNKNOWN",
        ),
        (
            "a line of an order without lines",
            refund("A-1", json!({ "lines": [{ "lineId": "1" }] })),
            "LINE_NOT_FOUND",
        ),
        (
            "more than the line",
            refund("A-8", json!({ "lines": [{ "lineId": "1", "amount": "100.01" }] })),
            "REFUND_EXCEEDS_LINE",
        ),
        ("an empty order id", refund("", json!({})), "ORDER_ID_INVALID"),
        (
            "an empty reason",
            refund("A-1", json!({ "reason": " " })),
            "REASON_INVALID",
        ),
        (
            "an overlong reason",
            refund("A-1", json!({ "reason": "x".repeat(501) })),
            "REASON_INVALID",
        ),
        (
            "a NUL in the reason",
            refund("A-1", json!({ "reason": "a\u{0}b" })),
            "REASON_INVALID",
        ),
        (
            "the future",
            refund("A-1", json!({ "occurredAt": future })),
            "OCCURRED_IN_FUTURE",
        ),
    ];
    for (what, body, code) in refunds {
        cases.push(world.track(what, "refund", &body, code));
        let graphql = if what.contains("NUL") { "BAD_USER_INPUT" } else { code };
        cases.push(world.mutation(what, "recordRefund", as_input(world, &body), graphql));
    }
    for (door, field) in [("signup", "recordSignup"), ("lead", "recordLead")] {
        let body = json!({ "customerId": "" });
        cases.push(world.track("an empty customer id", door, &body, "CUSTOMER_ID_INVALID"));
        cases.push(world.mutation(
            "an empty customer id",
            field,
            as_input(world, &body),
            "CUSTOMER_ID_INVALID",
        ));
        cases.push(world.track("no customer id", door, &json!({}), "CUSTOMER_ID_REQUIRED"));
        cases.push(world.mutation(
            "no customer id",
            field,
            as_input(world, &json!({})),
            "GRAPHQL_VALIDATION_FAILED",
        ));
    }
    cases
}

/// What only one of the doors has.
fn one_sided(world: &World) -> Vec<Case> {
    let mut cases = vec![
        world.track(
            "half an amount",
            "refund",
            &json!({ "orderId": "A-1", "amount": "1.00" }),
            "BAD_USER_INPUT",
        ),
        world.track(
            "no order id",
            "purchase",
            &json!({ "amount": "1.00", "currency": "EUR" }),
            "BAD_USER_INPUT",
        ),
        world.track(
            "too many events",
            "bulk",
            &json!({ "events": vec![json!({}); 1_001] }),
            "TOO_MANY_EVENTS",
        ),
        world.track("no events", "bulk", &json!({ "event": [] }), "BAD_USER_INPUT"),
        world.track("a list", "purchase", &json!([]), "BAD_USER_INPUT"),
        world.mutation(
            "before the hold is over",
            "approveConversion",
            json!({ "idempotencyKey": "fresh", "id": world.held }),
            "HOLD_NOT_OVER",
        ),
        world.mutation(
            "what nobody is credited with",
            "approveConversion",
            json!({ "idempotencyKey": "fresh", "id": world.uncredited }),
            "NOT_CREDITED",
        ),
        world.mutation(
            "what was rejected",
            "approveConversion",
            json!({ "idempotencyKey": "fresh", "id": world.rejected }),
            "INVALID_TRANSITION",
        ),
        world.mutation(
            "without a reason",
            "rejectConversion",
            json!({ "idempotencyKey": "fresh", "id": world.held, "reason": "" }),
            "REASON_INVALID",
        ),
        world.mutation(
            "a partnership below itself",
            "setPartnershipReferrer",
            json!({ "partnershipId": world.top.partnership, "referrerId": world.top.partnership }),
            "REFERRAL_CYCLE",
        ),
        world.mutation(
            "a recruiter below its recruit",
            "setPartnershipReferrer",
            json!({ "partnershipId": world.top.partnership, "referrerId": world.seller.partnership }),
            "REFERRAL_CYCLE",
        ),
    ];
    for (what, body) in [
        ("no JSON", "{"),
        ("half a string", "{\"orderId\": \"B"),
        ("nothing", ""),
        (
            "a field twice",
            "{\"orderId\":\"B-1\",\"orderId\":\"B-2\",\"amount\":\"1\",\"currency\":\"EUR\"}",
        ),
    ] {
        let mut case = world.track(what, "purchase", &json!({}), "BAD_USER_INPUT");
        if let Knock::Track { body: text, .. } = &mut case.knock {
            body.clone_into(text);
        }
        cases.push(case);
    }
    cases
}

/// Keys of both kinds: idempotency, and who may knock at all.
fn keys(world: &World) -> Vec<Case> {
    let mut cases = Vec::new();
    for (what, key) in [
        ("no idempotency key", None),
        ("an empty idempotency key", Some(String::new())),
        ("an overlong idempotency key", Some("k".repeat(129))),
        ("a blank in the idempotency key", Some("a b".to_owned())),
    ] {
        let mut input = as_input(world, &purchase(json!({})));
        match &key {
            Some(key) => input["idempotencyKey"] = json!(key),
            None => {
                input.as_object_mut().unwrap().remove("idempotencyKey");
            }
        }
        let code = if key.is_some() {
            "BAD_USER_INPUT"
        } else {
            "GRAPHQL_VALIDATION_FAILED"
        };
        cases.push(world.mutation(what, "recordSale", input, code));
        let mut case = world.track(what, "purchase", &purchase(json!({})), "BAD_USER_INPUT");
        if let Knock::Track { key: sent, .. } = &mut case.knock {
            *sent = key;
        }
        cases.push(case);
    }
    // The key of sale A-1, with other content.
    let mut case = world.track("a used key", "purchase", &purchase(json!({})), "IDEMPOTENCY_KEY_REUSED");
    if let Knock::Track { key, .. } = &mut case.knock {
        *key = Some("sale-A-1".to_owned());
    }
    cases.push(case);
    let reused = merged(
        as_input(world, &purchase(json!({}))),
        json!({ "idempotencyKey": "sale-A-1" }),
    );
    cases.push(world.mutation("a used key", "recordSale", reused, "IDEMPOTENCY_KEY_REUSED"));

    let tokens = [
        ("nobody", None, "UNAUTHENTICATED", "UNAUTHENTICATED"),
        (
            "a made-up key",
            Some("tsk_nonsense".to_owned()),
            "UNAUTHENTICATED",
            "UNAUTHENTICATED",
        ),
        (
            "a revoked key",
            Some(world.revoked.clone()),
            "UNAUTHENTICATED",
            "UNAUTHENTICATED",
        ),
        (
            "a publishable key",
            Some(world.publishable.clone()),
            "FORBIDDEN",
            "FORBIDDEN",
        ),
        // Under /track a key speaks for its own brand, which knows neither this program nor this order.
        (
            "another brand's key",
            Some(world.foreign.clone()),
            "PROGRAM_NOT_FOUND",
            "NOT_FOUND",
        ),
        (
            "a partner",
            Some(world.seller.user.token.clone()),
            "FORBIDDEN",
            "NOT_FOUND",
        ),
    ];
    for (who, token, track, graphql) in tokens {
        let body = purchase(json!({ "programId": world.market.program.id }));
        for (mut case, code) in [
            (world.track(who, "purchase", &body, track), track),
            (
                world.mutation(who, "recordSale", as_input(world, &body), graphql),
                graphql,
            ),
        ] {
            case.code = code;
            match &mut case.knock {
                Knock::Track { token: sent, .. } | Knock::Mutation { token: sent, .. } => sent.clone_from(&token),
            }
            cases.push(case);
        }
    }
    cases
}

/// Knocks, and returns the code and the message.
async fn knock(app: &TestApp, knock: &Knock) -> (String, String, Value) {
    match knock {
        Knock::Track { door, token, key, body } => {
            let mut request = Request::post(format!("/track/{door}")).header("content-type", "application/json");
            if let Some(token) = token {
                request = request.header("authorization", format!("Bearer {token}"));
            }
            if let Some(key) = key {
                request = request.header("idempotency-key", key);
            }
            let (status, _, bytes) = app.send(request.body(Body::from(body.clone())).unwrap()).await;
            let answer: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
            let text = |key: &str| answer["error"][key].as_str().unwrap_or_default().to_owned();
            let expected = match text("code").as_str() {
                "UNAUTHENTICATED" => StatusCode::UNAUTHORIZED,
                "FORBIDDEN" => StatusCode::FORBIDDEN,
                "BAD_USER_INPUT" => StatusCode::BAD_REQUEST,
                _ => StatusCode::UNPROCESSABLE_ENTITY,
            };
            if status != expected {
                return (format!("{} as {status}", text("code")), text("message"), answer);
            }
            (text("code"), text("message"), answer)
        }
        Knock::Mutation { field, token, input } => {
            let answer = app.mutation(token.as_deref(), field, input.clone(), "__typename").await;
            let (code, message) = match user_errors(&answer).first() {
                Some(refused) => (refused["code"].clone(), refused["message"].clone()),
                None => (
                    json!(error_codes(&answer).first()),
                    answer["errors"][0]["message"].clone(),
                ),
            };
            let text = |value: Value| value.as_str().unwrap_or_default().to_owned();
            (text(code), text(message), answer)
        }
    }
}

/// What becomes of an order after its sale.
fn changes(world: &World) -> Vec<Case> {
    let amend = |order: &str, amount: &str, code| {
        let body = json!({ "orderId": order, "amount": amount, "currency": "EUR" });
        world.track(&format!("{order} to {amount}"), "amend", &body, code)
    };
    let capture = |order: &str, code| {
        let body = json!({ "orderId": order, "amount": "100.01", "currency": "EUR" });
        world.track(order, "capture", &body, code)
    };
    let chargeback = |order: &str, reference: &str, code| {
        let body = json!({ "orderId": order, "reference": reference, "amount": "1.00", "currency": "EUR" });
        world.track(reference, "chargeback", &body, code)
    };
    let unknown = json!({ "orderId": "A-6", "reference": "unknown", "outcome": "WON" });
    let early = json!({ "idempotencyKey": "fresh", "id": world.authorized });
    vec![
        amend("A-1", "100.00", "AMENDMENT_CHANGES_NOTHING"),
        amend("A-4", "99.99", "AMENDMENT_BELOW_SETTLED"),
        amend("A-6", "90.00", "TOO_MANY_CHANGES"),
        amend("A-9", "90.00", "ORDER_NOT_FOUND"),
        capture("A-1", "ALREADY_CAPTURED"),
        capture("A-5", "CAPTURE_EXCEEDS_ORDER"),
        capture("A-7", "TOO_MANY_CHANGES"),
        chargeback("A-2", "one more", "TOO_MANY_CHANGES"),
        world.mutation("only authorised", "approveConversion", early, "NOT_CAPTURED"),
        world.mutation(
            "only tried",
            "approveConversion",
            json!({ "idempotencyKey": "fresh", "id": world.tried }),
            "TEST_NOT_REVIEWED",
        ),
        world.mutation(
            "cut off",
            "replayRefusedEvent",
            json!({ "id": world.cut }),
            "BODY_INCOMPLETE",
        ),
        chargeback("A-6", "", "REFERENCE_INVALID"),
        chargeback("A-6", "open", "CHARGEBACK_ALREADY_RECORDED"),
        world.track("unknown", "chargeback/resolve", &unknown, "CHARGEBACK_NOT_FOUND"),
    ]
}

#[rstest]
#[tokio::test]
async fn all_bad_input_is_named_and_changes_nothing(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let world = world(&app).await;
        let cases: Vec<Case> = [contents(&world), one_sided(&world), changes(&world), keys(&world)]
            .into_iter()
            .flatten()
            .collect();
        let before = app.books().await;
        let mut wrong = Vec::new();
        let mut seen = BTreeSet::new();
        for case in &cases {
            let (code, message, answer) = knock(&app, &case.knock).await;
            if code != case.code || message.is_empty() {
                wrong.push(format!("{}: {} wanted: {answer}", case.what, case.code));
            }
            seen.insert(code);
            if app.books().await != before {
                panic!("{} changed something: {answer}", case.what);
            }
        }
        assert!(
            wrong.is_empty(),
            "{} of {}:\n{}",
            wrong.len(),
            cases.len(),
            wrong.join("\n")
        );
        let missing: Vec<&str> = ConversionErrorCode::items()
            .iter()
            .map(|item| item.name)
            .filter(|name| !seen.contains(*name))
            .collect();
        assert!(missing.is_empty(), "codes that nothing here brings about: {missing:?}");
    })
    .await;
}

/// Strange, but no reason to lose a sale.
#[rstest]
#[tokio::test]
async fn odd_touches_are_kept_as_evidence(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let odd = json!({ "promoCodes": ["A\u{0}B", "😀", "'; --"], "clickId": "\u{0}" });
        let id = app.sale(&market, "B-1", "10.00", odd).await;
        let row = app.conversion(&market, &id).await;
        let touches = row["attribution"]["touches"].as_array().unwrap();
        assert_eq!(touches.len(), 4);
        assert!(
            touches.iter().all(|touch| touch["outcome"] == "REJECTED"),
            "{touches:?}"
        );
        assert_eq!(touches[2]["evidence"], "😀");
    })
    .await;
}
