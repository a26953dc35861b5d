//! What partners give to customers and what customers spend of it: amounts worked by hand, what every side reads, and that no more
//! is spent than there is.

use entity::{ledger_account, ledger_entry, store_credit_redemption, store_credit_transfer};
use futures_util::future::join_all;
use rstest::rstest;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};
use tributary::ledger::verify::{VerifyError, verify};

use crate::support::{
    answer::{Answered, data_at, error_code, error_codes, refusal, user_errors},
    app::{TestApp, with_app},
    builders::{User, text},
    database::Database,
    marketplace::{Balances, Market, Promoter, merged},
};

const TRANSFER: &str =
    "storeCreditTransfer { id state customerExternalId note reason decidedAt amount { amount currency }
    customer { externalId } adjustment { kind reason amount { amount } } }";
const REDEMPTION: &str = "storeCreditRedemption { id orderExternalId amount { amount } left { amount currency }
    customer { externalId } }";

/// A seller with an approved sale of 100.00 to anna: 9.00 available and 1.00 in reserve.
struct Scene {
    market: Market,
    seller: Promoter,
    sale: String,
}

async fn scene(app: &TestApp) -> Scene {
    let market = app.market("aurora").await;
    let seller = app.promoter(&market, "seller", None).await;
    app.code(&seller, "SELLER", json!({})).await;
    let evidence = json!({ "promoCodes": ["SELLER"], "customerId": "anna" });
    let sale = app.sale(&market, "A-1", "100.00", evidence).await;
    app.approve(&market, &sale).await;
    assert_eq!(
        app.balances(&seller).await,
        Balances::of("0.00", "9.00", "1.00", "0.00")
    );
    Scene { market, seller, sale }
}

fn eur(amount: &str) -> Value {
    json!({ "amount": amount, "currency": "EUR" })
}

impl Scene {
    /// Of the partner for anna, unless it says otherwise.
    async fn try_request(&self, app: &TestApp, key: &str, change: Value) -> Value {
        let input = json!({
            "idempotencyKey": key, "partnershipId": self.seller.partnership, "customerExternalId": "anna",
            "amount": eur("4.00"),
        });
        let selection = format!("replayed {TRANSFER}");
        let token = Some(self.seller.user.token.as_str());
        app.mutation(token, "requestStoreCreditTransfer", merged(input, change), &selection)
            .await
    }

    /// Asks for so much, and returns the request's id.
    async fn request(&self, app: &TestApp, key: &str, amount: &str) -> String {
        let answer = self.try_request(app, key, json!({ "amount": eur(amount) })).await;
        let made = data_at(&answer, "requestStoreCreditTransfer.storeCreditTransfer");
        assert_eq!(made["state"], "REQUESTED");
        text(&made, "id")
    }

    async fn try_approve(&self, app: &TestApp, id: &str) -> Value {
        let input = json!({ "idempotencyKey": id, "id": id });
        let selection = format!("replayed {TRANSFER}");
        let token = Some(self.market.owner.token.as_str());
        app.mutation(token, "approveStoreCreditTransfer", input, &selection)
            .await
    }

    async fn given(&self, app: &TestApp, key: &str, amount: &str) {
        let id = self.request(app, key, amount).await;
        data_at(&self.try_approve(app, &id).await, "approveStoreCreditTransfer");
    }

    async fn try_redeem(&self, app: &TestApp, key: &str, change: Value) -> Value {
        let input = json!({
            "idempotencyKey": key, "brandId": self.market.brand.id, "customerExternalId": "anna", "amount": eur("1.50"),
        });
        let selection = format!("replayed {REDEMPTION}");
        let token = Some(self.market.key.secret.as_str());
        app.mutation(token, "redeemStoreCredit", merged(input, change), &selection)
            .await
    }

    /// The same at the checkout's door.
    async fn redeem(&self, app: &TestApp, key: &str, amount: &str) -> Answered {
        let body = json!({ "customerId": "anna", "amount": amount, "currency": "EUR", "orderId": "A-3" });
        app.track(&self.market.key.secret, "redeem", key, body).await
    }

    async fn available(&self, app: &TestApp) -> String {
        app.balances(&self.seller).await.available
    }

    /// What anna has, and what came and went, as somebody of the brand reads it.
    async fn anna(&self, app: &TestApp, user: &User) -> Value {
        let query = "query ($id: ID!) { node(id: $id) { ... on Conversion { customer { storeCredit { amount currency }
            storeCreditStatement(currency: \"EUR\", first: 10) { totalCount nodes { kind amount { amount } balance { amount }
                transfer { state note } redemption { orderExternalId } } } } } } }";
        app.graphql(Some(&user.token), query, json!({ "id": self.sale })).await
    }

    async fn credit(&self, app: &TestApp) -> Value {
        let anna = self.anna(app, &self.market.owner).await;
        data_at(&anna, "node.customer")["storeCredit"].clone()
    }
}

/// Rows of a list, each as the texts at these paths.
fn rows<const N: usize>(list: &Value, paths: [&str; N]) -> Vec<[String; N]> {
    let cell = |row: &Value, path: &str| {
        let value = path.split('.').fold(row, |value, step| &value[step]);
        value.as_str().unwrap_or("-").to_owned()
    };
    let list = list.as_array().unwrap();
    list.iter().map(|row| paths.map(|path| cell(row, path))).collect()
}

#[rstest]
#[tokio::test]
async fn a_partner_gives_and_a_customer_spends(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let scene = scene(&app).await;
        let asked = scene
            .try_request(&app, "asked", json!({ "note": " for the photos " }))
            .await;
        let asked = data_at(&asked, "requestStoreCreditTransfer");
        let transfer = &asked["storeCreditTransfer"];
        assert_eq!(
            (&transfer["state"], &transfer["note"], &transfer["customerExternalId"]),
            (&json!("REQUESTED"), &json!("for the photos"), &json!("anna"))
        );
        assert!(transfer["customer"].is_null(), "partners see no customers");
        let again = scene
            .try_request(&app, "asked", json!({ "note": "for the photos" }))
            .await;
        let again = data_at(&again, "requestStoreCreditTransfer");
        assert_eq!(
            (&again["replayed"], &again["storeCreditTransfer"]),
            (&json!(true), transfer)
        );
        let other = scene.try_request(&app, "asked", json!({ "amount": eur("4.01") })).await;
        assert_eq!(error_code(&other), "IDEMPOTENCY_KEY_REUSED");
        assert_eq!(scene.available(&app).await, "9.00", "a request holds nothing");

        // 4.00 of 9.00.
        let id = text(transfer, "id");
        let approved = data_at(&scene.try_approve(&app, &id).await, "approveStoreCreditTransfer");
        let transfer = &approved["storeCreditTransfer"];
        assert_eq!(transfer["state"], "APPROVED");
        assert_eq!(transfer["customer"]["externalId"], "anna");
        assert_eq!(
            transfer["adjustment"],
            json!({ "kind": "STORE_CREDIT", "reason": "store credit for anna", "amount": { "amount": "-4.00" } })
        );
        assert_eq!(scene.available(&app).await, "5.00");
        let again = data_at(&scene.try_approve(&app, &id).await, "approveStoreCreditTransfer");
        assert_eq!(again["replayed"], true);
        assert_eq!(scene.available(&app).await, "5.00");
        assert_eq!(scene.credit(&app).await, json!([eur("4.00")]));
        verify(&app.app).await.unwrap();

        // 1.50 of 4.00, and then the other 2.50.
        let order = json!({ "orderExternalId": "A-2" });
        let spent = data_at(
            &scene.try_redeem(&app, "spent", order.clone()).await,
            "redeemStoreCredit",
        );
        let redemption = &spent["storeCreditRedemption"];
        assert_eq!(redemption["left"], eur("2.50"));
        assert_eq!(redemption["orderExternalId"], "A-2");
        assert!(
            redemption["customer"]["externalId"].is_string(),
            "the server may look up customers"
        );
        let (status, all) = scene.redeem(&app, "all", "2.50").await;
        assert_eq!(status.as_u16(), 201, "{all}");
        assert_eq!(all["storeCreditRedemption"]["left"], eur("0.00"));
        let again = data_at(&scene.try_redeem(&app, "spent", order).await, "redeemStoreCredit");
        assert_eq!(
            (&again["replayed"], &again["storeCreditRedemption"]),
            (&json!(true), redemption),
            "what was left then, not now"
        );
        let (status, again) = scene.redeem(&app, "all", "2.50").await;
        assert_eq!((status.as_u16(), &again["replayed"]), (200, &json!(true)));
        let (status, reused) = scene.redeem(&app, "all", "2.49").await;
        assert_eq!(
            (status.as_u16(), &reused["error"]["code"]),
            (422, &json!("IDEMPOTENCY_KEY_REUSED"))
        );

        // Not a cent more, and nothing is kept of the attempt.
        let before = app.digest().await;
        let (status, more) = scene.redeem(&app, "more", "0.01").await;
        assert_eq!(
            (status.as_u16(), &more["error"]["code"]),
            (422, &json!("INSUFFICIENT_STORE_CREDIT"))
        );
        let more = scene.try_redeem(&app, "more", json!({})).await;
        assert_eq!(refusal(&more), "INSUFFICIENT_STORE_CREDIT");
        assert_eq!(
            user_errors(&more)[0]["message"],
            "this customer has 0.00 EUR of store credit"
        );
        assert_eq!(app.digest().await, before);
        verify(&app.app).await.unwrap();

        every_side_reads_it(&app, &scene).await;
        a_payout_nets_it(&app, &scene).await;
    })
    .await;
}

async fn every_side_reads_it(app: &TestApp, scene: &Scene) {
    let anna = data_at(&scene.anna(app, &scene.market.owner).await, "node.customer");
    assert_eq!(anna["storeCredit"], json!([eur("0.00")]));
    let statement = &anna["storeCreditStatement"];
    assert_eq!(statement["totalCount"], 3);
    let paths = [
        "kind",
        "amount.amount",
        "balance.amount",
        "redemption.orderExternalId",
        "transfer.note",
    ];
    let wanted = [
        ["STORE_CREDIT_REDEEMED", "-2.50", "0.00", "A-3", "-"],
        ["STORE_CREDIT_REDEEMED", "-1.50", "2.50", "A-2", "-"],
        ["STORE_CREDIT_GIVEN", "4.00", "4.00", "-", "for the photos"],
    ];
    assert_eq!(
        rows(&statement["nodes"], paths),
        wanted.map(|row| row.map(str::to_owned))
    );
    // Who manages partners sees the customer, and not its money.
    let manager = app.sign_up("manager").await;
    app.db_member(
        &scene.market.brand.id,
        &manager.id,
        entity::brand_member::BrandRole::Manager,
    )
    .await;
    let answer = scene.anna(app, &manager).await;
    assert_eq!(error_codes(&answer), ["FORBIDDEN", "FORBIDDEN"]);

    let query = "query ($id: ID!) { node(id: $id) { ... on Partnership {
        statement(currency: \"EUR\", where: { accounts: [AVAILABLE] }) { nodes { kind amount { amount } balance { amount } } }
        storeCreditTransfers(where: { state: { in: [APPROVED] } }) { totalCount nodes { state amount { amount } } } } } }";
    let token = Some(scene.seller.user.token.as_str());
    let partnership = app
        .graphql_ok(token, query, json!({ "id": scene.seller.partnership }), "node")
        .await;
    let wanted = [
        ["STORE_CREDIT_GIVEN", "-4.00", "5.00"],
        ["COMMISSION_APPROVED", "9.00", "9.00"],
    ];
    assert_eq!(
        rows(
            &partnership["statement"]["nodes"],
            ["kind", "amount.amount", "balance.amount"]
        ),
        wanted.map(|row| row.map(str::to_owned))
    );
    assert_eq!(
        partnership["storeCreditTransfers"],
        json!({ "totalCount": 1, "nodes": [{ "state": "APPROVED", "amount": { "amount": "4.00" } }] })
    );

    let query = "query ($id: ID!) { brand(id: $id) { ledgerBalances { account balance { amount } } } }";
    let token = Some(scene.market.owner.token.as_str());
    let books = app
        .graphql_ok(token, query, json!({ "id": scene.market.brand.id }), "brand")
        .await;
    let mut books = rows(&books["ledgerBalances"], ["account", "balance.amount"]);
    books.retain(|[_, amount]| amount != "0.00");
    books.sort();
    let wanted = [
        ["AVAILABLE", "5.00"],
        ["COMMISSION_EXPENSE", "-10.00"],
        ["RESERVE", "1.00"],
        ["STORE_CREDIT_REDEEMED", "4.00"],
    ];
    assert_eq!(books, wanted.map(|row| row.map(str::to_owned)));
}

/// The commission's 9.00 less the 4.00 given.
async fn a_payout_nets_it(app: &TestApp, scene: &Scene) {
    let payout = app.approved_payout(&scene.market, &scene.seller, "paid").await;
    let query = "query ($id: ID!) { node(id: $id) { ... on Payout { amount { amount } items {
        amount { amount } adjustment { kind } } } } }";
    let token = Some(scene.seller.user.token.as_str());
    let paid = app.graphql_ok(token, query, json!({ "id": payout }), "node").await;
    assert_eq!(paid["amount"]["amount"], "5.00");
    let wanted = [["9.00", "-"], ["-4.00", "STORE_CREDIT"]];
    assert_eq!(
        rows(&paid["items"], ["amount.amount", "adjustment.kind"]),
        wanted.map(|row| row.map(str::to_owned))
    );
    app.mark_paid(&scene.market, &payout, "paid").await;
    assert_eq!(scene.available(app).await, "0.00");
    verify(&app.app).await.unwrap();
}

#[rstest]
#[tokio::test]
async fn what_counts_is_what_is_there_when_it_is_approved(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let scene = scene(&app).await;
        // Each is within 9.00, both together are not.
        let first = scene.request(&app, "first", "6.00").await;
        let second = scene.request(&app, "second", "6.00").await;
        data_at(&scene.try_approve(&app, &first).await, "approveStoreCreditTransfer");
        let before = app.digest().await;
        let late = scene.try_approve(&app, &second).await;
        assert_eq!(refusal(&late), "INSUFFICIENT_BALANCE");
        assert_eq!(user_errors(&late)[0]["message"], "3.00 EUR is available");
        assert_eq!(app.digest().await, before, "it stays open");
        // Another sale brings 9.00, and the same key is good for it.
        let evidence = json!({ "promoCodes": ["SELLER"], "customerId": "anna" });
        let sale = app.sale(&scene.market, "A-2", "100.00", evidence).await;
        app.approve(&scene.market, &sale).await;
        data_at(&scene.try_approve(&app, &second).await, "approveStoreCreditTransfer");
        assert_eq!(scene.available(&app).await, "6.00");
        assert_eq!(scene.credit(&app).await, json!([eur("12.00")]));

        let token = Some(scene.market.owner.token.as_str());
        let refuse = async |id: &str, reason: &str| {
            let input = json!({ "id": id, "reason": reason });
            app.mutation(token, "refuseStoreCreditTransfer", input, TRANSFER).await
        };
        let third = scene.request(&app, "third", "1.00").await;
        assert_eq!(refusal(&refuse(&third, " ").await), "REASON_INVALID");
        let refused = data_at(
            &refuse(&third, "anna has left").await,
            "refuseStoreCreditTransfer.storeCreditTransfer",
        );
        assert_eq!(
            (&refused["state"], &refused["reason"]),
            (&json!("REFUSED"), &json!("anna has left"))
        );
        let fourth = scene.request(&app, "fourth", "1.00").await;
        let withdrawn = app
            .done(
                &scene.seller.user,
                "withdrawStoreCreditTransfer",
                json!({ "id": fourth }),
                TRANSFER,
            )
            .await;
        assert_eq!(withdrawn["storeCreditTransfer"]["state"], "WITHDRAWN");
        assert_eq!(scene.available(&app).await, "6.00", "neither moved anything");

        let query = "query ($id: ID!, $states: [StoreCreditTransferState!]!) { brand(id: $id) {
            storeCreditTransfers(where: { state: { in: $states } }) { nodes { state reason amount { amount } } } } }";
        let variables = json!({ "id": scene.market.brand.id, "states": ["REFUSED", "WITHDRAWN"] });
        let listed = app.graphql_ok(token, query, variables, "brand").await;
        let wanted = [["WITHDRAWN", "-"], ["REFUSED", "anna has left"]];
        assert_eq!(
            rows(&listed["storeCreditTransfers"]["nodes"], ["state", "reason"]),
            wanted.map(|row| row.map(str::to_owned))
        );
        let query = "query ($id: ID!) { node(id: $id) { ... on StoreCreditTransfer { reason } } }";
        let token = Some(scene.seller.user.token.as_str());
        let read = app.graphql_ok(token, query, json!({ "id": third }), "node").await;
        assert_eq!(read["reason"], "anna has left", "the partner reads why");
        verify(&app.app).await.unwrap();
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn what_cannot_be_is_refused(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let scene = scene(&app).await;
        let elsewhere = app.market("borealis").await;
        let signup = |customer: &str| json!({ "customerId": customer });
        let (status, _) = app
            .track(&elsewhere.key.secret, "signup", "carla", signup("carla"))
            .await;
        assert_eq!(status.as_u16(), 201);
        let test = app
            .api_key(
                &scene.market.owner,
                &scene.market.brand.id,
                json!({ "kind": "SECRET", "mode": "TEST" }),
            )
            .await
            .secret;
        let (status, _) = app.track(&test, "signup", "tina", signup("tina")).await;
        assert_eq!(status.as_u16(), 201);
        scene.given(&app, "given", "4.00").await;
        let open = scene.request(&app, "open", "1.00").await;

        let before = app.digest().await;
        let of = |customer: &str| json!({ "customerExternalId": customer });
        let usd = json!({ "amount": { "amount": "1.00", "currency": "USD" } });
        let wrong_amounts = ["0", "-1", "1.001", "99999999999999999"];
        for amount in wrong_amounts {
            let change = json!({ "amount": eur(amount) });
            let asked = scene.try_request(&app, "wrong", change.clone()).await;
            assert_eq!(refusal(&asked), "AMOUNT_INVALID", "{amount}");
            let spent = scene.try_redeem(&app, "wrong", change).await;
            assert_eq!(refusal(&spent), "AMOUNT_INVALID", "{amount}");
        }
        for (change, code) in [
            (of("nobody"), "CUSTOMER_NOT_FOUND"),
            (of("carla"), "CUSTOMER_NOT_FOUND"),
            (of("tina"), "CUSTOMER_NOT_FOUND"),
            (of(" anna"), "CUSTOMER_ID_INVALID"),
            (of(""), "CUSTOMER_ID_INVALID"),
            (json!({ "note": " " }), "NOTE_INVALID"),
            (usd.clone(), "CURRENCY_NOT_HELD"),
            (json!({ "amount": eur("5.01") }), "INSUFFICIENT_BALANCE"),
        ] {
            let asked = scene.try_request(&app, "wrong", change.clone()).await;
            assert_eq!(refusal(&asked), code, "{change}");
        }
        for (change, code) in [
            (of("nobody"), "CUSTOMER_NOT_FOUND"),
            (of("carla"), "CUSTOMER_NOT_FOUND"),
            (of("tina"), "CUSTOMER_NOT_FOUND"),
            (of("a\u{7}"), "CUSTOMER_ID_INVALID"),
            (json!({ "orderExternalId": "" }), "ORDER_ID_INVALID"),
            (usd, "INSUFFICIENT_STORE_CREDIT"),
            (json!({ "amount": eur("4.01") }), "INSUFFICIENT_STORE_CREDIT"),
        ] {
            let spent = scene.try_redeem(&app, "wrong", change.clone()).await;
            assert_eq!(refusal(&spent), code, "{change}");
        }
        let body = json!({ "customerId": "anna", "amount": "1.00", "currency": "EUR" });
        for (secret, status, code) in [
            (elsewhere.key.secret.as_str(), 422, "CUSTOMER_NOT_FOUND"),
            (test.as_str(), 403, "FORBIDDEN"),
        ] {
            let (answered, answer) = app.track(secret, "redeem", "wrong", body.clone()).await;
            assert_eq!((answered.as_u16(), &answer["error"]["code"]), (status, &json!(code)));
        }
        assert_eq!(app.digest().await, before, "nothing was written");

        let ban = json!({ "id": scene.seller.partnership, "reason": "SPAM" });
        app.done(&scene.market.owner, "banPartnership", ban, "partnership { state }")
            .await;
        let before = app.digest().await;
        let asked = scene
            .try_request(&app, "banned", json!({ "amount": eur("1.00") }))
            .await;
        assert_eq!(refusal(&asked), "PARTNERSHIP_BANNED");
        assert_eq!(refusal(&scene.try_approve(&app, &open).await), "PARTNERSHIP_BANNED");
        assert_eq!(app.digest().await, before);
        // What anna was given stays hers.
        let (status, _) = scene.redeem(&app, "still", "1.00").await;
        assert_eq!(status.as_u16(), 201);
        let refuse = json!({ "id": open, "reason": "banned" });
        app.done(&scene.market.owner, "refuseStoreCreditTransfer", refuse, TRANSFER)
            .await;
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_partnership_has_so_many_open_requests(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let scene = scene(&app).await;
        let mut first = String::new();
        for number in 0..100 {
            first = scene.request(&app, &format!("request-{number}"), "0.01").await;
        }
        let more = json!({ "amount": eur("0.01") });
        assert_eq!(
            refusal(&scene.try_request(&app, "more", more.clone()).await),
            "TOO_MANY_REQUESTS"
        );
        data_at(&scene.try_approve(&app, &first).await, "approveStoreCreditTransfer");
        data_at(
            &scene.try_request(&app, "more", more).await,
            "requestStoreCreditTransfer",
        );
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn nobody_spends_or_gives_more_than_there_is(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let scene = scene(&app).await;
        // Four times 3.00 of 9.00, at once.
        let mut asked = Vec::new();
        for number in 0..4 {
            asked.push(scene.request(&app, &format!("request-{number}"), "3.00").await);
        }
        let answers = join_all(asked.iter().map(|id| scene.try_approve(&app, id))).await;
        let refused: Vec<&Value> = answers
            .iter()
            .filter(|answer| !user_errors(answer).is_empty())
            .collect();
        assert_eq!(refused.len(), 1, "{answers:#?}");
        assert_eq!(refusal(refused[0]), "INSUFFICIENT_BALANCE");
        assert_eq!(scene.available(&app).await, "0.00");
        assert_eq!(scene.credit(&app).await, json!([eur("9.00")]));

        // Twelve times 2.00 of 9.00: four fit, and 1.00 is left.
        let keys: Vec<String> = (0..12).map(|number| format!("redeem-{number}")).collect();
        let answers = join_all(keys.iter().map(|key| scene.redeem(&app, key, "2.00"))).await;
        let made = answers.iter().filter(|(status, _)| status.as_u16() == 201).count();
        let short = answers
            .iter()
            .filter(|(_, answer)| answer["error"]["code"] == "INSUFFICIENT_STORE_CREDIT")
            .count();
        assert_eq!((made, short), (4, 8), "{answers:#?}");
        assert_eq!(scene.credit(&app).await, json!([eur("1.00")]));

        // Six twins of one redemption.
        let answers = join_all((0..6).map(|_| scene.redeem(&app, "twin", "0.60"))).await;
        let made = answers.iter().filter(|(status, _)| status.as_u16() == 201).count();
        let replayed = answers.iter().filter(|(_, answer)| answer["replayed"] == true).count();
        assert_eq!((made, replayed), (1, 5), "{answers:#?}");
        assert_eq!(scene.credit(&app).await, json!([eur("0.40")]));
        verify(&app.app).await.unwrap();
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn verifying_names_what_is_wrong(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let scene = scene(&app).await;
        scene.given(&app, "given", "4.00").await;
        let (status, _) = scene.redeem(&app, "spent", "1.00").await;
        assert_eq!(status.as_u16(), 201);
        verify(&app.app).await.unwrap();
        let run = async |statement: &str| {
            app.db_writer().execute_unprepared(statement).await.unwrap();
        };
        let transfer = store_credit_transfer::Entity::find()
            .one(app.db())
            .await
            .unwrap()
            .unwrap();
        let customer = transfer.customer_id;
        let transfer = format!("{} ({})", transfer.id, transfer.customer_external_id);
        let redemption = store_credit_redemption::Entity::find()
            .one(app.db())
            .await
            .unwrap()
            .unwrap();
        let redemption = format!("{} ({customer}:STORE_CREDIT:EUR)", redemption.id);
        for (breaks, mends, invariant, row) in [
            (
                "UPDATE store_credit_transfers SET amount_minor = 401",
                "UPDATE store_credit_transfers SET amount_minor = 400",
                "an approved transfer to a customer has moved what it says",
                &transfer,
            ),
            (
                "UPDATE store_credit_transfers SET state = 'REFUSED'",
                "UPDATE store_credit_transfers SET state = 'APPROVED'",
                "an approved transfer to a customer has moved what it says",
                &transfer,
            ),
            (
                "UPDATE store_credit_redemptions SET amount_minor = 99",
                "UPDATE store_credit_redemptions SET amount_minor = 100",
                "a redemption has moved what it says",
                &redemption,
            ),
            (
                "UPDATE ledger_accounts SET customer_id = NULL WHERE kind = 'AVAILABLE' OR kind = 'STORE_CREDIT'",
                "UPDATE ledger_accounts SET customer_id = (SELECT customer_id FROM store_credit_redemptions)
                 WHERE kind = 'STORE_CREDIT'",
                "an approved transfer to a customer has moved what it says",
                &transfer,
            ),
        ] {
            run(breaks).await;
            match verify(&app.app).await {
                Err(VerifyError::Broken {
                    invariant: found,
                    row: named,
                }) => assert_eq!((found, &named), (invariant, row), "{breaks}"),
                other => panic!("{breaks}: {other:?}"),
            }
            run(mends).await;
            verify(&app.app).await.unwrap();
        }
        let accounts = ledger_account::Entity::find()
            .filter(ledger_account::Column::CustomerId.is_not_null())
            .all(app.db())
            .await
            .unwrap();
        assert_eq!(accounts.len(), 1);
        assert_eq!(accounts[0].balance_minor, Some(300));
        let entries = ledger_entry::Entity::find()
            .filter(ledger_entry::Column::AccountId.eq(accounts[0].id))
            .count(app.db())
            .await
            .unwrap();
        assert_eq!(entries, 2);
    })
    .await;
}
