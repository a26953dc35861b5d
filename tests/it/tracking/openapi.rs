//! `docs/openapi.json` is what the doors take and answer, to the letter.

use axum::http::StatusCode;
use jsonschema::Validator;
use rstest::rstest;
use serde_json::{Value, json};
use tributary::http::tracking;

use crate::support::{
    app::{TestApp, with_app},
    builders::text,
    database::Database,
};

const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");

#[test]
fn the_committed_document_is_the_printed_one() {
    let committed = std::fs::read_to_string(COMMITTED).unwrap_or_default();
    assert!(
        committed == tracking::openapi(),
        "docs/openapi.json differs from the code; run: cargo run -- openapi > docs/openapi.json"
    );
}

/// What the document says of bodies and answers.
struct Document(Value);

impl Document {
    /// As it is served.
    async fn served(app: &TestApp) -> Self {
        let (status, document) = app.rest("GET", "/openapi.json", None, &[], Value::Null).await;
        assert_eq!(status, StatusCode::OK);
        Self(document)
    }

    fn schema(&self, pointer: &str) -> Validator {
        let found = self.0.pointer(pointer);
        let mut schema = found.unwrap_or_else(|| panic!("nothing is said at {pointer}")).clone();
        if let Some(response) = schema["$ref"].as_str().and_then(|name| name.strip_prefix('#')) {
            schema = self.0.pointer(response).unwrap().clone();
        }
        let mut schema = schema["content"]["application/json"]["schema"].clone();
        schema["components"] = self.0["components"].clone();
        jsonschema::draft202012::new(&schema).unwrap()
    }

    fn takes(&self, path: &str, body: &Value) -> bool {
        let path = path.replace('/', "~1");
        self.schema(&format!("/paths/{path}/post/requestBody")).is_valid(body)
    }

    fn check_answer(&self, path: &str, status: StatusCode, answer: &Value) {
        let path = path.replace('/', "~1");
        let schema = self.schema(&format!("/paths/{path}/post/responses/{}", status.as_u16()));
        if let Err(error) = schema.validate(answer) {
            panic!("{path} {status}: {error}\n{answer:#}");
        }
    }
}

#[rstest]
#[tokio::test]
async fn every_door_takes_and_answers_what_is_said(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let seller = app.promoter(&market, "seller", None).await;
        app.code(&seller, "SELLER", json!({})).await;
        let slug = app.link(&seller).await;
        // So that there is something to spend: 4.00 of the 9.00 that a sale brought.
        let evidence = json!({ "promoCodes": ["SELLER"], "customerId": "bert" });
        let sale = app.sale(&market, "S", "100.00", evidence).await;
        app.approve(&market, &sale).await;
        let input = json!({
            "idempotencyKey": "given", "partnershipId": seller.partnership, "customerExternalId": "bert",
            "amount": { "amount": "4.00", "currency": "EUR" },
        });
        let asked = app
            .done(&seller.user, "requestStoreCreditTransfer", input, "storeCreditTransfer { id }")
            .await;
        let input = json!({ "idempotencyKey": "given", "id": asked["storeCreditTransfer"]["id"] });
        app.done(&market.owner, "approveStoreCreditTransfer", input, "storeCreditTransfer { id }")
            .await;
        let document = Document::served(&app).await;
        let order = json!({ "orderId": "A", "amount": "100.00", "currency": "EUR", "promoCodes": ["SELLER"] });
        let authorised = json!({ "orderId": "B", "amount": "10", "currency": "EUR", "capture": "AUTHORIZED" });
        let in_lines = json!({ "orderId": "L", "currency": "EUR", "lines": [
            { "lineId": "1", "productId": "boots", "category": "shoes", "quantity": 2, "amount": "20.00", "discount": "1" },
        ] });
        let of_lines = json!({ "orderId": "L", "currency": "EUR", "lines": [{ "lineId": "1", "amount": "1.00" }] });
        let dispute = json!({ "orderId": "A", "reference": "D", "amount": "5.00", "currency": "EUR" });
        let rows = json!({ "events": [
            { "type": "signup", "idempotencyKey": "b1", "customerId": "anna" },
            { "type": "purchase", "idempotencyKey": "b2", "orderId": "C", "amount": "1.00", "currency": "EUR" },
            { "type": "refund", "idempotencyKey": "b3", "orderId": "C" },
            { "type": "refund", "idempotencyKey": "b4", "orderId": "nowhere" },
            { "type": "signup", "idempotencyKey": "b1", "customerId": "anna" },
        ] });
        let requests = [
            (
                "/track/click",
                json!({ "link": slug, "url": "https://shop.example/" }),
                201,
            ),
            ("/track/click", json!({ "url": "https://shop.example/" }), 400),
            (
                "/track/signup",
                json!({ "customerId": "carla", "occurredAt": "2026-01-01T00:00:00Z" }),
                201,
            ),
            ("/track/lead", json!({ "customerId": "dan" }), 201),
            ("/track/purchase", order.clone(), 201),
            ("/track/purchase", order, 200),
            ("/track/purchase", authorised, 201),
            ("/track/purchase", in_lines, 201),
            ("/track/refund", of_lines, 201),
            (
                "/track/refund",
                json!({ "orderId": "L", "lines": [{ "lineId": "1", "quantity": 1 }] }),
                201,
            ),
            (
                "/track/refund",
                json!({ "orderId": "A", "amount": "20.00", "currency": "EUR", "reason": "back" }),
                201,
            ),
            ("/track/refund", json!({ "orderId": "nowhere" }), 422),
            ("/track/refund", json!({ "orderId": "A", "amount": "1.00" }), 400),
            (
                "/track/amend",
                json!({ "orderId": "A", "amount": "90.00", "currency": "EUR" }),
                201,
            ),
            ("/track/capture", json!({ "orderId": "B", "isFinal": true }), 201),
            ("/track/chargeback", dispute, 201),
            (
                "/track/chargeback/resolve",
                json!({ "orderId": "A", "reference": "D", "outcome": "WON" }),
                201,
            ),
            ("/track/bulk", rows, 200),
            (
                "/track/redeem",
                json!({ "customerId": "bert", "amount": "1.00", "currency": "EUR", "orderId": "S-2" }),
                201,
            ),
            (
                "/track/redeem",
                json!({ "customerId": "carla", "amount": "99.00", "currency": "EUR" }),
                422,
            ),
            ("/track/redeem", json!({ "customerId": "carla", "amount": "much", "currency": "EUR" }), 400),
        ];
        for (number, (path, body, expected)) in requests.into_iter().enumerate() {
            assert!(document.takes(path, &body), "{path} {body}");
            // The same order again is the same event.
            let key = format!(
                "{path}-{}",
                if path == "/track/purchase" {
                    text(&body, "orderId")
                } else {
                    number.to_string()
                }
            );
            let headers = [("idempotency-key", key.as_str())];
            let (status, answer) = app.rest("POST", path, Some(&market.key.secret), &headers, body).await;
            assert_eq!(status.as_u16(), expected, "{path}: {answer}");
            document.check_answer(path, status, &answer);
        }
        for (path, body) in [
            (
                "/track/purchase",
                json!({ "orderId": "A", "amount": 100, "currency": "EUR" }),
            ),
            ("/track/lead", json!({ "customer": "anna" })),
            ("/track/bulk", json!({ "events": [], "policy": "none" })),
        ] {
            assert!(!document.takes(path, &body), "{path} {body}");
            let headers = [("idempotency-key", "unfit")];
            let (status, answer) = app
                .rest("POST", path, Some(&market.key.secret), &headers, body.clone())
                .await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{path} {body}: {answer}");
            document.check_answer(path, status, &answer);
            let (status, answer) = app.rest("POST", path, None, &headers, body).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED);
            document.check_answer(path, status, &answer);
        }
    })
    .await;
}
