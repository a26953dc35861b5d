//! "My sale was not tracked": what was refused is found with its reason, corrected and recorded.

use axum::http::StatusCode;
use chrono::TimeDelta;
use entity::audit_entry;
use rstest::rstest;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};
use tributary::{conversions::inbox, jobs::forget};

use crate::support::{
    answer::{data_at, error_code, refusal, user_errors},
    app::{TestApp, with_app},
    builders::text,
    database::Database,
    marketplace::{Market, merged},
};

const LIST: &str = "query ($id: ID!, $where: RefusedEventWhere, $orderBy: RefusedEventOrder, $first: Int, $after: String) {
    brand(id: $id) { refusedEvents(where: $where, orderBy: $orderBy, first: $first, after: $after) {
        totalCount pageInfo { hasNextPage hasPreviousPage endCursor }
        nodes { id kind state source code message field body isBodyCut orderId customerId idempotencyKey attemptCount
            receivedAt lastRefusedAt closedAt dismissalReason apiKey { id } user { id } became { __typename id } } } } }";

/// The nodes of a brand's inbox, as its owner sees them.
async fn inbox(app: &TestApp, market: &Market, filter: Value) -> Vec<Value> {
    let variables = json!({ "id": market.brand.id, "where": filter, "first": 100 });
    let list = app
        .graphql_ok(Some(&market.owner.token), LIST, variables, "brand.refusedEvents")
        .await;
    assert_eq!(list["totalCount"], list["nodes"].as_array().unwrap().len());
    list["nodes"].as_array().unwrap().clone()
}

async fn only(app: &TestApp, market: &Market, filter: Value) -> Value {
    let found = inbox(app, market, filter).await;
    assert_eq!(found.len(), 1, "{found:#?}");
    found[0].clone()
}

async fn replay(app: &TestApp, market: &Market, input: Value) -> Value {
    let selection = "refusedEvent { id state attemptCount closedAt became { __typename id } } replayed";
    app.mutation(Some(&market.owner.token), "replayRefusedEvent", input, selection)
        .await
}

/// What the one refusal says.
fn message(answer: &Value) -> String {
    text(&user_errors(answer)[0], "message")
}

async fn db_audited(app: &TestApp) -> Vec<(String, String)> {
    let rows = audit_entry::Entity::find()
        .filter(audit_entry::Column::Action.starts_with("refused_event."))
        .order_by_asc(audit_entry::Column::Id)
        .all(app.db())
        .await
        .unwrap();
    rows.into_iter()
        .map(|row| (row.action, row.to_state.unwrap()))
        .collect()
}

#[rstest]
#[tokio::test]
async fn a_sale_that_was_not_tracked_is_found_corrected_and_recorded(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let seller = app.promoter(&market, "seller", None).await;
        app.code(&seller, "SELLER", json!({})).await;
        let body = json!({ "orderId": "A-1", "amount": "120.005", "currency": "EUR", "promoCodes": ["SELLER"] });
        for _ in 0..2 {
            app.advance(TimeDelta::seconds(1));
            let (status, _) = app.track(&market.key.secret, "purchase", "k-1", body.clone()).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        }

        let found = only(&app, &market, json!({ "orderId": "A-1" })).await;
        for (name, wanted) in [
            ("kind", json!("SALE")),
            ("state", json!("OPEN")),
            ("source", json!("/track/purchase")),
            ("code", json!("AMOUNT_TOO_PRECISE")),
            ("field", json!(["amount", "amount"])),
            ("isBodyCut", json!(false)),
            ("idempotencyKey", json!("k-1")),
            ("attemptCount", json!(2)),
            ("apiKey", json!({ "id": market.key.id })),
            ("became", Value::Null),
        ] {
            assert_eq!(found[name], wanted, "{name}");
        }
        assert_eq!(serde_json::from_str::<Value>(&text(&found, "body")).unwrap(), body);
        assert_ne!(found["receivedAt"], found["lastRefusedAt"]);

        // To another brand it is not there.
        let stranger = app.market("borealis").await;
        let variables = json!({ "id": market.brand.id });
        let answer = app.graphql(Some(&stranger.owner.token), LIST, variables).await;
        assert_eq!(error_code(&answer), "NOT_FOUND");
        assert_eq!(inbox(&app, &stranger, json!({})).await, Vec::<Value>::new());
        let answer = replay(&app, &stranger, json!({ "id": found["id"] })).await;
        assert_eq!(error_code(&answer), "NOT_FOUND");
        let node = "query ($id: ID!) { node(id: $id) { id } }";
        let answer = app
            .graphql(Some(&stranger.owner.token), node, json!({ "id": found["id"] }))
            .await;
        assert_eq!(answer["data"]["node"], Value::Null);

        // As it came it is refused again.
        let answer = replay(&app, &market, json!({ "id": found["id"] })).await;
        assert_eq!(refusal(&answer), "AMOUNT_TOO_PRECISE");
        let found = only(&app, &market, json!({ "orderId": "A-1" })).await;
        assert_eq!((&found["state"], &found["attemptCount"]), (&json!("OPEN"), &json!(3)));

        let corrected = merged(body, json!({ "amount": "120.00" }));
        let input = json!({ "id": found["id"], "body": corrected.to_string() });
        let answer = replay(&app, &market, input.clone()).await;
        let done = data_at(&answer, "replayRefusedEvent");
        assert_eq!(done["replayed"], false);
        assert_eq!(done["refusedEvent"]["state"], "REPLAYED");
        assert_eq!(done["refusedEvent"]["became"]["__typename"], "Conversion");
        let conversion = app
            .conversion(&market, &text(&done["refusedEvent"]["became"], "id"))
            .await;
        // 10 % of 120.00.
        assert_eq!(conversion["commissions"][0]["amount"]["amount"], "12.00");
        assert_eq!(conversion["order"]["externalId"], "A-1");
        assert_eq!(app.balances(&seller).await.pending, "12.00");

        // It happened under the sender's own key.
        let (status, answer) = app.track(&market.key.secret, "purchase", "k-1", corrected).await;
        assert_eq!(
            (status, &answer["conversion"]["id"]),
            (StatusCode::OK, &conversion["id"])
        );
        assert_eq!(
            inbox(&app, &market, json!({ "state": { "in": ["OPEN"] } })).await.len(),
            0
        );

        let answer = replay(&app, &market, input).await;
        assert_eq!(refusal(&answer), "INVALID_TRANSITION");
        assert!(message(&answer).contains("from REPLAYED to REPLAYED"), "{answer}");
        let input = json!({ "id": found["id"], "reason": "too late" });
        let owner = Some(&*market.owner.token);
        let answer = app
            .mutation(owner, "dismissRefusedEvent", input, "refusedEvent { id }")
            .await;
        assert_eq!(refusal(&answer), "INVALID_TRANSITION");
        assert!(message(&answer).contains("from REPLAYED to DISMISSED"), "{answer}");
        let audited = ("refused_event.replayed".to_owned(), "REPLAYED".to_owned());
        assert_eq!(db_audited(&app).await, [audited]);
        let log = "query ($id: ID!) { brand(id: $id) { auditLog(where: { subjectKind: REFUSED_EVENT }) { nodes {
            action subjectId fromState toState subject { __typename } } } } }";
        let variables = json!({ "id": market.brand.id });
        let told = app.graphql_ok(owner, log, variables, "brand.auditLog.nodes").await;
        let wanted = json!([{
            "action": "refused_event.replayed", "subjectId": found["id"], "fromState": "OPEN", "toState": "REPLAYED",
            "subject": { "__typename": "RefusedEvent" },
        }]);
        assert_eq!(told, wanted);
        assert_eq!(app.balances(&seller).await.pending, "12.00");
    })
    .await;
}

/// Refused through one door each: the door, the body, the code, the kind.
const DOORS: [(&str, &str, &str, &str); 12] = [
    ("signup", "{}", "CUSTOMER_ID_REQUIRED", "SIGNUP"),
    ("lead", "{\"customerId\": 7}", "BAD_USER_INPUT", "LEAD"),
    ("purchase", "{\"orderId\": \"A\", ", "BAD_USER_INPUT", "SALE"),
    (
        "purchase",
        "{\"orderId\": \"A\", \"amount\": \"1\", \"currency\": \"EUR\", \"key\": \"trk_secret_x\"}",
        "BAD_USER_INPUT",
        "SALE",
    ),
    (
        "purchase",
        "{\"orderId\": \"A\", \"amount\": \"99999999999\", \"currency\": \"EUR\"}",
        "AMOUNT_TOO_LARGE",
        "SALE",
    ),
    ("refund", "{\"orderId\": \"none\"}", "ORDER_NOT_FOUND", "REFUND"),
    (
        "amend",
        "{\"orderId\": \"none\", \"amount\": \"1\", \"currency\": \"EUR\"}",
        "ORDER_NOT_FOUND",
        "AMENDMENT",
    ),
    ("capture", "{\"orderId\": \"B\"}", "ALREADY_CAPTURED", "CAPTURE"),
    (
        "chargeback",
        "{\"orderId\": \"none\", \"reference\": \"r\"}",
        "ORDER_NOT_FOUND",
        "CHARGEBACK",
    ),
    (
        "chargeback/resolve",
        "{\"orderId\": \"B\", \"reference\": \"r\", \"outcome\": \"WON\"}",
        "CHARGEBACK_NOT_FOUND",
        "CHARGEBACK_RESOLUTION",
    ),
    ("bulk", "{\"events\": 7}", "BAD_USER_INPUT", "UNREADABLE"),
    ("bulk", "\u{0}trk_secret_abc", "BAD_USER_INPUT", "UNREADABLE"),
];

async fn knock(app: &TestApp, door: &str, headers: &[(&str, &str)], body: String) -> (StatusCode, Value) {
    let mut request = axum::http::Request::post(format!("/track/{door}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (status, _, bytes) = app.send(request.body(body.into()).unwrap()).await;
    (status, serde_json::from_slice(&bytes).unwrap())
}

#[rstest]
#[tokio::test]
async fn every_door_keeps_what_it_refuses(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        app.sale(&market, "B", "10.00", json!({})).await;
        let bearer = format!("Bearer {}", market.key.secret);
        let json_type = ("content-type", "application/json");
        let headers = [json_type, ("authorization", &bearer), ("idempotency-key", "k")];
        for (door, body, code, kind) in DOORS {
            app.advance(TimeDelta::seconds(1));
            let (_, answer) = knock(&app, door, &headers, body.to_owned()).await;
            assert_eq!(answer["error"]["code"], code, "{door} {body}");
            let found = &inbox(&app, &market, json!({})).await[0];
            assert_eq!(
                (&found["kind"], &found["code"]),
                (&json!(kind), &json!(code)),
                "{door} {body}"
            );
            assert_eq!(found["source"], format!("/track/{door}"));
            assert!(!found.to_string().contains("trk_secret"), "{found}");
        }
        assert_eq!(inbox(&app, &market, json!({})).await.len(), DOORS.len());

        // No key, a bad one, no JSON, too much.
        let body = "{\"orderId\": \"C\"}".to_owned();
        knock(&app, "refund", &headers[..2], body.clone()).await;
        let bad_key = [headers[0], headers[1], ("idempotency-key", "with space")];
        knock(&app, "amend", &bad_key, body.clone()).await;
        let text_type = [("content-type", "text/plain"), headers[1], headers[2]];
        assert_eq!(
            knock(&app, "capture", &text_type, body).await.0,
            StatusCode::UNSUPPORTED_MEDIA_TYPE
        );
        let found = inbox(
            &app,
            &market,
            json!({ "orderId": "C", "code": { "in": ["BAD_USER_INPUT"] } }),
        )
        .await;
        let keys: Vec<&Value> = found.iter().map(|node| &node["idempotencyKey"]).collect();
        assert_eq!(keys, [&json!("k"), &Value::Null, &Value::Null]);
        let much = format!("{{\"orderId\": \"{}\"", "x".repeat(70_000));
        assert_eq!(
            knock(&app, "refund", &headers, much).await.0,
            StatusCode::PAYLOAD_TOO_LARGE
        );
        let kept = &inbox(&app, &market, json!({ "kind": { "in": ["REFUND"] } })).await[0];
        assert_eq!(
            (kept["isBodyCut"].clone(), text(kept, "body").len()),
            (json!(true), 16_384)
        );

        // Refused at the door, or a page's visit: whose they are nobody knows, and anyone could send them.
        let before = app.digest().await;
        let publishable = app.publishable_key(&market.owner, &market.brand.id).await.secret;
        let after_key = app.digest().await;
        let public = format!("Bearer {publishable}");
        for headers in [
            vec![json_type],
            vec![json_type, ("authorization", "Bearer trk_secret_none")],
            vec![json_type, ("authorization", &public)],
        ] {
            for door in ["purchase", "bulk"] {
                knock(&app, door, &headers, "{}".to_owned()).await;
            }
        }
        knock(
            &app,
            "click",
            &[json_type, ("authorization", &public)],
            "{\"link\": \"none\"}".to_owned(),
        )
        .await;
        let input = json!({ "brandId": market.brand.id, "idempotencyKey": " ", "orderId": "D" });
        app.mutation(None, "recordRefund", input, "__typename").await;
        assert_eq!(app.digest().await, after_key);
        assert_eq!(before["refused_events"], after_key["refused_events"]);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn what_came_by_mutation_is_kept_as_its_endpoint_takes_it(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let eur = |amount: &str| json!({ "amount": amount, "currency": "EUR" });
        let owner = Some(&*market.owner.token);
        for (field, more, kind) in [
            ("recordSignup", json!({ "customerId": "" }), "SIGNUP"),
            ("recordLead", json!({ "customerId": "" }), "LEAD"),
            (
                "recordSale",
                json!({ "orderId": "A", "amount": eur("-1"), "capture": "AUTHORIZED" }),
                "SALE",
            ),
            ("recordRefund", json!({ "orderId": "A", "amount": eur("1") }), "REFUND"),
            ("amendOrder", json!({ "orderId": "A", "amount": eur("1") }), "AMENDMENT"),
            ("recordCapture", json!({ "orderId": "A", "isFinal": true }), "CAPTURE"),
            (
                "recordChargeback",
                json!({ "orderId": "A", "reference": "r" }),
                "CHARGEBACK",
            ),
            (
                "resolveChargeback",
                json!({ "orderId": "A", "reference": "r", "outcome": "WON" }),
                "CHARGEBACK_RESOLUTION",
            ),
        ] {
            app.advance(TimeDelta::seconds(1));
            let input = merged(json!({ "brandId": market.brand.id, "idempotencyKey": field }), more);
            let answer = app.mutation(owner, field, input, "__typename").await;
            let code = refusal(&answer);
            let found = &inbox(&app, &market, json!({})).await[0];
            assert_eq!((&found["kind"], &found["code"]), (&json!(kind), &json!(code)));
            assert_eq!(
                (&found["source"], &found["idempotencyKey"]),
                (&json!(field), &json!(field))
            );
            assert_eq!(found["user"]["id"], json!(market.owner.id));
            // The endpoint finds the same fault in it.
            let answer = replay(&app, &market, json!({ "id": found["id"] })).await;
            assert_eq!(refusal(&answer), code, "{field}");
        }
        let sale = only(&app, &market, json!({ "kind": { "in": ["SALE"] } })).await;
        let body: Value = serde_json::from_str(&text(&sale, "body")).unwrap();
        let wanted = json!({ "orderId": "A", "amount": "-1", "currency": "EUR", "capture": "AUTHORIZED" });
        assert_eq!(body, wanted);

        let rows = json!([
            { "signup": { "idempotencyKey": "1", "customerId": "ann" } },
            { "sale": { "idempotencyKey": "2", "orderId": "B", "amount": eur("1.001") } },
            { "refund": { "idempotencyKey": "3", "orderId": "none" } },
        ]);
        let input = json!({ "brandId": market.brand.id, "events": rows });
        app.mutation(owner, "recordEvents", input, "results { status }").await;
        let sale = only(&app, &market, json!({ "orderId": "B" })).await;
        assert_eq!(
            (&sale["source"], &sale["idempotencyKey"]),
            (&json!("recordEvents"), &json!("2"))
        );
        let refund = only(&app, &market, json!({ "orderId": "none" })).await;
        assert_eq!(
            (&refund["kind"], &refund["code"]),
            (&json!("REFUND"), &json!("ORDER_NOT_FOUND"))
        );
    })
    .await;
}

/// `count` sales whose amounts are too precise.
fn refused_rows(prefix: &str, count: usize) -> Vec<Value> {
    (0..count)
        .map(|n| {
            json!({
                "type": "purchase", "idempotencyKey": format!("{prefix}-{n}"), "orderId": format!("{prefix}-{n}"),
                "amount": "1.001", "currency": "EUR",
            })
        })
        .collect()
}

async fn bulk(app: &TestApp, market: &Market, events: Vec<Value>) {
    let body = json!({ "events": events });
    let (status, answer) = app
        .rest("POST", "/track/bulk", Some(&market.key.secret), &[], body)
        .await;
    assert_eq!(status, StatusCode::OK, "{answer:#}");
}

fn good_rows(prefix: &str, count: usize) -> Vec<Value> {
    let rows = refused_rows(prefix, count).into_iter();
    rows.map(|row| merged(row, json!({ "amount": "1.00" }))).collect()
}

#[rstest]
#[tokio::test]
async fn one_bad_of_a_thousand_leaves_one_row(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let mut events = good_rows("good", 999);
        events.insert(500, refused_rows("bad", 1).remove(0));
        bulk(&app, &market, events).await;
        let found = only(&app, &market, json!({})).await;
        assert_eq!((&found["orderId"], &found["kind"]), (&json!("bad-0"), &json!("SALE")));
        let answer = replay(
            &app,
            &market,
            json!({ "id": found["id"], "body": "{\"orderId\":\"bad-0\",\"amount\":\"1.00\",\"currency\":\"EUR\"}" }),
        )
        .await;
        assert_eq!(data_at(&answer, "replayRefusedEvent.refusedEvent.state"), "REPLAYED");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_good_event_pays_nothing_and_many_refused_ones_pay_once(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let count = async |events: Vec<Value>| app.count_statements(async || bulk(&app, &market, events).await).await;
        let good = count(good_rows("a", 3)).await;
        let one = count(refused_rows("b", 1)).await;
        let many = count(refused_rows("c", 400)).await;
        assert_eq!(one, many);
        // Who asks, and two for the inbox; nothing of it was worth a look into the books.
        let identified = app
            .count_statements(async || {
                let (status, _) = app
                    .rest(
                        "POST",
                        "/track/bulk",
                        Some(&market.key.secret),
                        &[],
                        json!({ "events": [] }),
                    )
                    .await;
                assert_eq!(status, StatusCode::OK);
            })
            .await;
        assert!(one - identified <= 4, "{one} for one refused, {identified} to be known");
        // As good events among themselves.
        let mut mixed = good_rows("d", 3);
        mixed.extend(refused_rows("e", 3));
        assert_eq!(count(mixed).await, good + one - identified);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_full_inbox_forgets_what_is_closed_and_then_what_is_oldest(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        for n in 0..10 {
            app.advance(TimeDelta::seconds(1));
            bulk(&app, &market, refused_rows(&format!("r{n}"), 1_000)).await;
        }
        let total = async |filter: Value| {
            let variables = json!({ "id": market.brand.id, "where": filter, "first": 1 });
            let path = "brand.refusedEvents.totalCount";
            app.graphql_ok(Some(&market.owner.token), LIST, variables, path).await
        };
        assert_eq!(total(json!({})).await, inbox::keep::MAX_KEPT);
        let closed = only(&app, &market, json!({ "orderId": "r9-7" })).await;
        let input = json!({ "id": closed["id"], "reason": "a test of ours" });
        app.done(&market.owner, "dismissRefusedEvent", input, "refusedEvent { state }")
            .await;
        app.advance(TimeDelta::seconds(1));
        bulk(&app, &market, refused_rows("last", 3)).await;
        assert_eq!(total(json!({})).await, inbox::keep::MAX_KEPT);
        assert_eq!(total(json!({ "orderId": "r9-7" })).await, 0);
        // The dismissed one and two of the oldest.
        let first: Value = json!({ "refusedUntil": "2026-01-15T12:00:02Z" });
        assert_eq!(total(first).await, 998);
        assert_eq!(total(json!({ "orderId": "last-2" })).await, 1);

        // Nobody asked for them for ninety days.
        app.advance(TimeDelta::days(inbox::close::KEPT_DAYS) - TimeDelta::seconds(1));
        forget::forget(&app.app).await.unwrap();
        let mut owner = market.owner.clone();
        app.sign_in_again(&mut owner).await;
        let left = Market { owner, ..market };
        assert_eq!(inbox_orders(&app, &left).await, ["last-2", "last-1", "last-0"]);
        app.advance(TimeDelta::seconds(1));
        forget::forget(&app.app).await.unwrap();
        assert_eq!(inbox_orders(&app, &left).await, Vec::<String>::new());
    })
    .await;
}

async fn inbox_orders(app: &TestApp, market: &Market) -> Vec<String> {
    let mut orders: Vec<String> = inbox(app, market, json!({}))
        .await
        .iter()
        .map(|node| text(node, "orderId"))
        .collect();
    orders.sort();
    orders.reverse();
    orders
}

#[rstest]
#[tokio::test]
async fn what_its_sender_got_through_later_closes_itself(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let secret = &market.key.secret;
        let refund = json!({ "orderId": "A-1", "amount": "4.00", "currency": "EUR" });
        app.track(secret, "refund", "refund-1", refund.clone()).await;
        let sale = json!({ "orderId": "A-1", "amount": "9.999", "currency": "EUR" });
        app.track(secret, "purchase", "sale-1", sale.clone()).await;
        app.track(secret, "refund", "refund-2", json!({ "orderId": "A-2" }))
            .await;
        // The sale under another key than at first, the refund under its own.
        app.sale(&market, "A-1", "9.99", json!({})).await;
        let (status, _) = app.track(secret, "refund", "refund-1", refund).await;
        assert_eq!(status, StatusCode::CREATED);
        // A used key says nothing about its second content.
        let (status, _) = app.track(secret, "purchase", "sale-A-1", sale).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);

        inbox::close::close_recorded(&app.app).await.unwrap();
        let state = async |filter: Value| {
            let found = only(&app, &market, filter).await;
            (text(&found, "state"), found["became"]["__typename"].clone())
        };
        let kind = |kind: &str, order: &str| json!({ "kind": { "in": [kind] }, "orderId": order });
        let later = "RECORDED_LATER".to_owned();
        assert_eq!(state(kind("REFUND", "A-1")).await, (later.clone(), json!("Refund")));
        let precise = json!({ "code": { "in": ["AMOUNT_TOO_PRECISE"] }, "idempotencyKey": "sale-1" });
        assert_eq!(state(precise).await, (later, Value::Null));
        assert_eq!(state(kind("REFUND", "A-2")).await, ("OPEN".to_owned(), Value::Null));
        let before = app.digest().await;
        inbox::close::close_recorded(&app.app).await.unwrap();
        assert_eq!(app.digest().await, before);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn dying_between_recording_and_closing_is_harmless(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let seller = app.promoter(&market, "seller", None).await;
        app.code(&seller, "SELLER", json!({})).await;
        let body = json!({ "orderId": "A-1", "amount": "1.001", "currency": "EUR", "promoCodes": ["SELLER"] });
        app.track(&market.key.secret, "purchase", "k", body.clone()).await;
        let found = only(&app, &market, json!({})).await;
        // What a replay that died has done: the event under its key, and the refused one still open.
        let corrected = merged(body, json!({ "amount": "50.00" }));
        let (status, made) = app.track(&market.key.secret, "purchase", "k", corrected.clone()).await;
        assert_eq!(status, StatusCode::CREATED);
        let answer = replay(
            &app,
            &market,
            json!({ "id": found["id"], "body": corrected.to_string() }),
        )
        .await;
        let done = data_at(&answer, "replayRefusedEvent");
        assert_eq!(done["replayed"], true);
        assert_eq!(done["refusedEvent"]["became"]["id"], made["conversion"]["id"]);
        assert_eq!(app.balances(&seller).await.pending, "5.00");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn many_are_replayed_oldest_first_and_each_by_itself(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let seller = app.promoter(&market, "seller", None).await;
        app.code(&seller, "SELLER", json!({})).await;
        let secret = &market.key.secret;
        for (order, amount) in [("A-1", "30.00"), ("A-2", "1.00"), ("A-1", "20.00")] {
            let refund = json!({ "orderId": order, "amount": amount, "currency": "EUR" });
            app.track(secret, "refund", &format!("{order}-{amount}"), refund).await;
        }
        app.sale(&market, "A-1", "100.00", json!({ "promoCodes": ["SELLER"] }))
            .await;
        let selection = "results { refusedEvent { orderId state attemptCount } error { code } }";
        let input = json!({ "brandId": market.brand.id, "where": { "code": { "in": ["ORDER_NOT_FOUND"] } } });
        let token = Some(&*market.owner.token);
        let answer = app
            .mutation(token, "replayRefusedEvents", input.clone(), selection)
            .await;
        let results = data_at(&answer, "replayRefusedEvents.results");
        let entry = |order: &str, state: &str, attempts: i32, error: Value| {
            let event = json!({ "orderId": order, "state": state, "attemptCount": attempts });
            json!({ "refusedEvent": event, "error": error })
        };
        let missing = json!({ "code": "ORDER_NOT_FOUND" });
        assert_eq!(
            results,
            json!([
                entry("A-1", "REPLAYED", 1, Value::Null),
                entry("A-2", "OPEN", 2, missing.clone()),
                entry("A-1", "REPLAYED", 1, Value::Null),
            ])
        );
        // 10 % of what is left of 100.00.
        assert_eq!(app.balances(&seller).await.pending, "5.00");
        let answer = app.mutation(token, "replayRefusedEvents", input, selection).await;
        let results = data_at(&answer, "replayRefusedEvents.results");
        assert_eq!(results, json!([entry("A-2", "OPEN", 3, missing)]));

        let id = only(&app, &market, json!({ "orderId": "A-2" })).await["id"].clone();
        let ids = json!({ "brandId": market.brand.id, "ids": [id] });
        let answer = app.mutation(token, "replayRefusedEvents", ids, selection).await;
        assert_eq!(
            data_at(&answer, "replayRefusedEvents.results.0.error.code"),
            "ORDER_NOT_FOUND"
        );
        let many = json!({ "brandId": market.brand.id, "ids": vec![id.clone(); 101] });
        let answer = app.mutation(token, "replayRefusedEvents", many, selection).await;
        assert_eq!(refusal(&answer), "TOO_MANY_EVENTS");
        let both = json!({ "brandId": market.brand.id, "ids": [id], "where": {} });
        let answer = app.mutation(token, "replayRefusedEvents", both, selection).await;
        assert_eq!(error_code(&answer), "BAD_USER_INPUT");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_cut_body_and_a_used_key_are_replayed_with_others(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let secret = &market.key.secret;
        let body = json!({ "orderId": "A-1", "amount": "5.00", "currency": "EUR", "clickId": "x".repeat(20_000) });
        app.track(secret, "purchase", "long", body).await;
        let found = only(&app, &market, json!({ "orderId": "A-1" })).await;
        assert_eq!(found["isBodyCut"], true);
        let answer = replay(&app, &market, json!({ "id": found["id"] })).await;
        assert_eq!(refusal(&answer), "BODY_INCOMPLETE");
        let whole = json!({ "orderId": "A-1", "amount": "5.00", "currency": "EUR" }).to_string();
        let answer = replay(&app, &market, json!({ "id": found["id"], "body": whole })).await;
        assert_eq!(data_at(&answer, "replayRefusedEvent.refusedEvent.state"), "REPLAYED");

        let other = json!({ "orderId": "A-2", "amount": "5.00", "currency": "EUR" });
        app.track(secret, "purchase", "long", other).await;
        let found = only(&app, &market, json!({ "code": { "in": ["IDEMPOTENCY_KEY_REUSED"] } })).await;
        let answer = replay(&app, &market, json!({ "id": found["id"] })).await;
        assert_eq!(error_code(&answer), "IDEMPOTENCY_KEY_REUSED");
        let answer = replay(&app, &market, json!({ "id": found["id"], "idempotencyKey": "fresh" })).await;
        let done = data_at(&answer, "replayRefusedEvent.refusedEvent");
        assert_eq!((&done["state"], &done["attemptCount"]), (&json!("REPLAYED"), &json!(2)));

        // One of many that did not say what it was says it now. It came without a key: its own id is one.
        bulk(&app, &market, vec![json!({ "type": "sell", "orderId": "A-3" })]).await;
        let found = only(&app, &market, json!({ "orderId": "A-3" })).await;
        assert_eq!(
            (&found["kind"], &found["field"]),
            (&json!("UNREADABLE"), &json!(["type"]))
        );
        let body = json!({ "type": "purchase", "orderId": "A-3", "amount": "5.00", "currency": "EUR" }).to_string();
        let answer = replay(&app, &market, json!({ "id": found["id"], "body": body })).await;
        assert_eq!(
            data_at(&answer, "replayRefusedEvent.refusedEvent.became.__typename"),
            "Conversion"
        );
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn the_inbox_is_paged_from_either_end(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        for n in 0..5 {
            app.track(
                &market.key.secret,
                "refund",
                "k",
                json!({ "orderId": format!("A-{n}") }),
            )
            .await;
        }
        for (direction, wanted) in [
            ("ASC", ["A-0", "A-1", "A-2", "A-3", "A-4"]),
            ("DESC", ["A-4", "A-3", "A-2", "A-1", "A-0"]),
        ] {
            let (mut seen, mut after) = (Vec::new(), Value::Null);
            loop {
                let order = json!({ "field": "RECEIVED_AT", "direction": direction });
                let variables = json!({ "id": market.brand.id, "orderBy": order, "first": 2, "after": after });
                let path = "brand.refusedEvents";
                let page = app.graphql_ok(Some(&market.owner.token), LIST, variables, path).await;
                seen.extend(
                    page["nodes"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(|node| text(node, "orderId")),
                );
                assert_eq!(page["pageInfo"]["hasPreviousPage"], !after.is_null());
                if page["pageInfo"]["hasNextPage"] == false {
                    break;
                }
                after = page["pageInfo"]["endCursor"].clone();
            }
            assert_eq!(seen, wanted);
        }
    })
    .await;
}
