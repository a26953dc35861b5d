//! Where a partner is paid: what is taken and refused, what is shown of it, to whom, and who is told.

use rstest::rstest;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};
use tributary::accounts::throttle::FAILURES_PER_ACCOUNT;

use crate::support::{
    answer::{data_at, error_code, refusal, user_errors},
    app::{TestApp, with_app},
    builders::{PASSWORD, PartnerFixture, User, text},
    database::Database,
    digest,
};

const METHODS: &str = "query ($id: ID!) { partner(id: $id) { payoutMethods { totalCount nodes {
    id kind masked currencies preferredFor coolingOffUntil createdAt } } } }";

async fn maya(app: &TestApp) -> (User, PartnerFixture) {
    let maya = app.sign_up("maya").await;
    let partner = app.partner(&maya, "maya").await;
    (maya, partner)
}

async fn add(app: &TestApp, user: &User, partner: &PartnerFixture, details: Value) -> Value {
    let input = json!({ "partnerId": partner.id, "details": details, "currentPassword": PASSWORD });
    app.mutation(
        Some(&user.token),
        "addPayoutMethod",
        input,
        "payoutMethod { id kind masked coolingOffUntil }",
    )
    .await
}

async fn added(app: &TestApp, user: &User, partner: &PartnerFixture, details: Value) -> String {
    text(
        &data_at(&add(app, user, partner, details).await, "addPayoutMethod.payoutMethod"),
        "id",
    )
}

async fn methods(app: &TestApp, user: &User, partner: &PartnerFixture) -> Vec<Value> {
    let variables = json!({ "id": partner.id });
    let nodes = app
        .graphql_ok(Some(&user.token), METHODS, variables, "partner.payoutMethods.nodes")
        .await;
    nodes.as_array().unwrap().clone()
}

/// Of each kind, with its mask; and what must stand nowhere.
fn one_of_each() -> Vec<(Value, &'static str, &'static str, Vec<&'static str>)> {
    vec![
        (
            json!({ "indianBankAccount": {
                "holderName": "Maya Rao-Lindqvist", "accountNumber": "5010 0123 4567 89", "ifsc": "hdfc0001234",
            } }),
            "INDIAN_BANK_ACCOUNT",
            "HDFC ***6789",
            vec!["50100123456789", "HDFC0001234"],
        ),
        (
            json!({ "upi": { "address": "maya.rao@okhdfcbank" } }),
            "UPI",
            "m***@okhdfcbank",
            vec!["maya.rao@"],
        ),
        (
            json!({ "paypal": { "email": "Maya.Money@example.com" } }),
            "PAYPAL",
            "M***@example.com",
            vec!["maya.money"],
        ),
        (
            json!({ "stripe": { "accountId": "acct_1032D82eZvKYlo2C" } }),
            "STRIPE",
            "acct_***lo2C",
            vec!["1032D82eZvKYlo2C"],
        ),
        (
            json!({ "iban": { "holderName": "Maya Rao-Lindqvist", "iban": "DE89 3704 0044 0532 0130 00", "bic": "COBADEFFXXX" } }),
            "IBAN",
            "DE***3000",
            vec!["DE89370400440532013000", "COBADEFF"],
        ),
        (
            json!({ "otherBank": {
                "holderName": "Maya Rao-Lindqvist", "country": "US", "accountNumber": "000123456789",
                "routingCode": "021000021", "bankName": "First Bank", "currency": "USD",
            } }),
            "OTHER_BANK",
            "First Bank ***6789",
            vec!["000123456789", "021000021"],
        ),
    ]
}

#[rstest]
#[tokio::test]
async fn every_kind_is_shown_masked_and_stands_nowhere_in_clear(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let (maya, partner) = maya(&app).await;
        let mut secrets = vec!["Rao-Lindqvist"];
        for (details, kind, masked, secret) in one_of_each() {
            let answer = add(&app, &maya, &partner, details).await;
            let method = data_at(&answer, "addPayoutMethod.payoutMethod");
            assert_eq!((&method["kind"], &method["masked"]), (&json!(kind), &json!(masked)));
            assert_eq!(method["coolingOffUntil"], "2026-01-18T12:00:00+00:00");
            secrets.extend(secret);
        }
        let listed = methods(&app, &maya, &partner).await;
        let kinds: Vec<&str> = listed.iter().map(|method| method["kind"].as_str().unwrap()).collect();
        assert_eq!(
            kinds,
            ["OTHER_BANK", "IBAN", "STRIPE", "PAYPAL", "UPI", "INDIAN_BANK_ACCOUNT"]
        );
        let currencies: Vec<Value> = listed.iter().map(|method| method["currencies"].clone()).collect();
        assert_eq!(currencies[0], json!(["USD"]));
        assert_eq!(currencies[1], json!(["EUR"]));
        assert_eq!(currencies[2], Value::Null);
        assert_eq!(currencies[3].as_array().unwrap().len(), 24);
        assert_eq!(currencies[4..], [json!(["INR"]), json!(["INR"])]);

        let letters = app.send_mails().await;
        assert_eq!(letters.len(), 7, "one that proves the address, and one for each");
        let mut written: Vec<(String, String)> = digest::contents(app.db()).await;
        written.extend(letters.into_iter().map(|letter| ("mail".to_owned(), letter.text)));
        written.push(("answers".to_owned(), json!(listed).to_string()));
        if let Some(path) = app.app.config.database_url.strip_prefix("sqlite:") {
            let path = path.split('?').next().unwrap();
            for file in [path.to_owned(), format!("{path}-wal")] {
                let bytes = std::fs::read(&file).unwrap_or_default();
                written.push((file, String::from_utf8_lossy(&bytes).into_owned()));
            }
        }
        assert!(
            written.iter().any(|(_, text)| text.contains("DE***3000")),
            "the rows are read"
        );
        for (place, text) in written {
            let text = text.to_lowercase();
            for secret in &secrets {
                assert!(!text.contains(&secret.to_lowercase()), "{secret} stands in {place}");
            }
        }
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn what_is_wrong_is_named_and_changes_nothing(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    let indian = |name: &str, number: &str, ifsc: &str| json!({ "indianBankAccount": { "holderName": name, "accountNumber": number, "ifsc": ifsc } });
    let iban = |name: &str, iban: &str, bic: Value, currency: &str| json!({ "iban": { "holderName": name, "iban": iban, "bic": bic, "currency": currency } });
    let other = |bank: &str, number: &str, routing: Value, bic: Value| {
        json!({ "otherBank": { "holderName": "Maya", "country": "US", "accountNumber": number, "routingCode": routing,
            "bic": bic, "bankName": bank, "currency": "USD" } })
    };
    let good = "GB29 NWBK 6016 1331 9268 19";
    let (long, none) = ("x".repeat(141), Value::Null);
    let cases = vec![
        (
            indian("Ma", "50100123456789", "HDFC0001234"),
            "HOLDER_NAME_INVALID",
            "indianBankAccount.holderName",
        ),
        (
            indian("Maya", "1234", "HDFC0001234"),
            "ACCOUNT_NUMBER_INVALID",
            "indianBankAccount.accountNumber",
        ),
        (
            indian("Maya", "१२३४५६", "HDFC0001234"),
            "ACCOUNT_NUMBER_INVALID",
            "indianBankAccount.accountNumber",
        ),
        (
            indian("Maya", "50100123456789", "HDFC1001234"),
            "IFSC_INVALID",
            "indianBankAccount.ifsc",
        ),
        (
            indian("Maya", "50100123456789", "HDF00001234"),
            "IFSC_INVALID",
            "indianBankAccount.ifsc",
        ),
        (
            indian("Maya", "50100123456789", "HDFC000123"),
            "IFSC_INVALID",
            "indianBankAccount.ifsc",
        ),
        (
            json!({ "upi": { "address": "maya@bank.example" } }),
            "UPI_ADDRESS_INVALID",
            "upi.address",
        ),
        (
            json!({ "upi": { "address": "maya" } }),
            "UPI_ADDRESS_INVALID",
            "upi.address",
        ),
        (
            json!({ "paypal": { "email": "maya" } }),
            "EMAIL_INVALID",
            "paypal.email",
        ),
        (
            json!({ "paypal": { "email": "maya..rao@example.com" } }),
            "EMAIL_INVALID",
            "paypal.email",
        ),
        (
            json!({ "paypal": { "email": format!("{}@example.com", "m".repeat(116)) } }),
            "EMAIL_INVALID",
            "paypal.email",
        ),
        (
            json!({ "stripe": { "accountId": "cus_1032D82eZvKYlo2C" } }),
            "STRIPE_ACCOUNT_INVALID",
            "stripe.accountId",
        ),
        (
            json!({ "stripe": { "accountId": "acct_1032D82eZvKYlo2C'--" } }),
            "STRIPE_ACCOUNT_INVALID",
            "stripe.accountId",
        ),
        (
            iban("Maya", "GB29 NWBK 6016 1331 9268 18", none.clone(), "EUR"),
            "IBAN_INVALID",
            "iban.iban",
        ),
        (
            iban("Maya", "GB29 NWBK 6016 1331 9268 1", none.clone(), "EUR"),
            "IBAN_INVALID",
            "iban.iban",
        ),
        (iban("Maya", "", none.clone(), "EUR"), "IBAN_INVALID", "iban.iban"),
        (
            iban(&"x".repeat(71), good, none.clone(), "EUR"),
            "HOLDER_NAME_INVALID",
            "iban.holderName",
        ),
        (
            iban("two\nlines", good, none.clone(), "EUR"),
            "HOLDER_NAME_INVALID",
            "iban.holderName",
        ),
        (iban("Maya", good, json!("NWBKGB"), "EUR"), "BIC_INVALID", "iban.bic"),
        (
            iban("Maya", good, none.clone(), "XQQ"),
            "CURRENCY_UNKNOWN",
            "iban.currency",
        ),
        (
            other("", "12345678", json!("021000021"), none.clone()),
            "BANK_NAME_INVALID",
            "otherBank.bankName",
        ),
        (
            other(&long, "12345678", json!("021000021"), none.clone()),
            "BANK_NAME_INVALID",
            "otherBank.bankName",
        ),
        (
            other("Bank", "12345678", json!("a/b"), none.clone()),
            "ROUTING_CODE_INVALID",
            "otherBank.routingCode",
        ),
        (
            other("Bank", "12345678", none.clone(), none.clone()),
            "BANK_NOT_IDENTIFIED",
            "otherBank",
        ),
        (
            other("Bank", "\u{7}12345678", none, json!("CHASUS33")),
            "ACCOUNT_NUMBER_INVALID",
            "otherBank.accountNumber",
        ),
    ];
    with_app(database, |app| async move {
        let (maya, partner) = maya(&app).await;
        let before = app.digest().await;
        for (details, code, field) in cases {
            let answer = add(&app, &maya, &partner, details.clone()).await;
            assert_eq!(refusal(&answer), code, "{details}");
            let path: Vec<&str> = std::iter::once("details").chain(field.split('.')).collect();
            assert_eq!(user_errors(&answer)[0]["field"], json!(path), "{details}");
        }
        let two = json!({ "upi": { "address": "maya@upi" }, "paypal": { "email": "maya@example.com" } });
        for none_or_two in [json!({}), two] {
            let answer = add(&app, &maya, &partner, none_or_two).await;
            assert!(answer["errors"].is_array(), "{answer}");
        }
        assert_eq!(app.digest().await, before);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn every_change_takes_the_password(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let (maya, partner) = maya(&app).await;
        let upi = json!({ "upi": { "address": "maya@okbank" } });
        let id = added(&app, &maya, &partner, upi).await;
        let details = json!({ "upi": { "address": "thief@okbank" } });
        let with = |password: &str| {
            [
                (
                    "addPayoutMethod",
                    json!({ "partnerId": partner.id, "details": details, "currentPassword": password }),
                ),
                (
                    "setPreferredPayoutMethod",
                    json!({ "id": id, "currency": "INR", "currentPassword": password }),
                ),
                ("removePayoutMethod", json!({ "id": id, "currentPassword": password })),
            ]
        };
        let before = app.digest().await;
        for round in 0..=FAILURES_PER_ACCOUNT / 3 {
            for (at, (mutation, input)) in with("a wrong password").into_iter().enumerate() {
                let answer = app.mutation(Some(&maya.token), mutation, input, "").await;
                if round * 3 + u32::try_from(at).unwrap() < FAILURES_PER_ACCOUNT {
                    assert_eq!(refusal(&answer), "CREDENTIALS_INVALID");
                    assert_eq!(user_errors(&answer)[0]["field"], json!(["currentPassword"]));
                } else {
                    assert_eq!(error_code(&answer), "RATE_LIMITED");
                }
            }
        }
        // Guessing here is guessing there: the right one does not help any more, from this address.
        for (mutation, input) in with(PASSWORD) {
            let answer = app.mutation(Some(&maya.token), mutation, input, "").await;
            assert_eq!(error_code(&answer), "RATE_LIMITED", "{mutation}");
        }
        assert_eq!(app.digest().await, before);
        let elsewhere = app.elsewhere();
        for (mutation, input) in with(PASSWORD) {
            let answer = elsewhere.mutation(Some(&maya.token), mutation, input, "").await;
            assert!(
                user_errors(&answer).is_empty() && error_codes_are_none(&answer),
                "{answer}"
            );
        }
    })
    .await;
}

fn error_codes_are_none(answer: &Value) -> bool {
    answer.get("errors").is_none_or(Value::is_null)
}

#[rstest]
#[tokio::test]
async fn one_account_is_named_once_and_ten_are_enough(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let (maya, partner) = maya(&app).await;
        let iban = |text: &str, name: &str| json!({ "iban": { "holderName": name, "iban": text } });
        let first = added(&app, &maya, &partner, iban("DE89 3704 0044 0532 0130 00", "Maya")).await;
        let before = app.digest().await;
        for again in ["DE89370400440532013000", "de89-3704-0044-0532-0130-00"] {
            let answer = add(&app, &maya, &partner, iban(again, "Somebody Else")).await;
            assert_eq!(refusal(&answer), "ALREADY_ADDED");
        }
        assert_eq!(app.digest().await, before);

        // Another partner may name it; whoever looks into abuse finds both.
        let leo = app.sign_up("leo").await;
        let other = app.partner(&leo, "leo").await;
        added(&app, &leo, &other, iban("DE89370400440532013000", "Leo")).await;
        let rows = entity::payout_method::Entity::find().all(app.db()).await.unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].fingerprint, rows[1].fingerprint);
        assert_ne!(rows[0].details, rows[1].details);

        for number in 2..=10 {
            added(
                &app,
                &maya,
                &partner,
                json!({ "upi": { "address": format!("m{number}@okbank") } }),
            )
            .await;
        }
        let eleventh = json!({ "upi": { "address": "m11@okbank" } });
        assert_eq!(
            refusal(&add(&app, &maya, &partner, eleventh.clone()).await),
            "TOO_MANY_METHODS"
        );
        let removed = json!({ "id": first, "currentPassword": PASSWORD });
        app.done(&maya, "removePayoutMethod", removed.clone(), "partner { handle }")
            .await;
        let answer = app
            .mutation(Some(&maya.token), "removePayoutMethod", removed, "partner { id }")
            .await;
        assert_eq!(error_code(&answer), "NOT_FOUND", "once");
        added(&app, &maya, &partner, eleventh).await;
        let listed = methods(&app, &maya, &partner).await;
        assert!(listed.len() == 10 && listed.iter().all(|method| method["id"] != json!(first)));
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn only_the_partners_people_see_and_change_them(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let (maya, partner) = maya(&app).await;
        let leo = app.sign_up("leo").await;
        app.partner(&leo, "leo").await;
        let id = added(
            &app,
            &maya,
            &partner,
            json!({ "paypal": { "email": "maya@example.com" } }),
        )
        .await;
        let root = app.sign_up("root").await;
        app.db_platform_admin(&root.id).await;
        let before = app.digest().await;
        let tokens = [&leo.token, &market.owner.token, &root.token, &market.key.secret];
        for token in tokens {
            let node = "query ($id: ID!) { node(id: $id) { id ... on PayoutMethod { masked } } }";
            let seen = app.graphql(Some(token), node, json!({ "id": id })).await;
            assert_eq!(seen["data"]["node"], Value::Null);
            let listed = app.graphql(Some(token), METHODS, json!({ "id": partner.id })).await;
            assert!(
                listed["errors"].is_array() && !listed.to_string().contains("***"),
                "{listed}"
            );
            for (mutation, input) in [
                ("removePayoutMethod", json!({ "id": id, "currentPassword": PASSWORD })),
                (
                    "setPreferredPayoutMethod",
                    json!({ "id": id, "currency": "EUR", "currentPassword": PASSWORD }),
                ),
            ] {
                let answer = app.mutation(Some(token), mutation, input, "").await;
                assert_eq!(error_code(&answer), "NOT_FOUND", "{mutation}");
            }
            let upi = json!({ "upi": { "address": "thief@okbank" } });
            let input = json!({ "partnerId": partner.id, "details": upi, "currentPassword": PASSWORD });
            let answer = app.mutation(Some(token), "addPayoutMethod", input, "").await;
            assert!(
                ["NOT_FOUND", "FORBIDDEN"].contains(&error_code(&answer).as_str()),
                "{answer}"
            );
        }
        assert_eq!(app.digest().await, before);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn the_partners_people_are_told_and_the_log_remembers(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let (maya, partner) = maya(&app).await;
        let nina = app.sign_up("nina").await;
        let stranger = app.sign_up("unproved").await;
        let letters = app.send_mails().await;
        for user in [&nina] {
            let letter = letters.iter().find(|letter| letter.to == user.email).unwrap();
            let token = crate::support::mail::token_of(letter);
            app.done(user, "verifyEmail", json!({ "token": token }), "user { id }")
                .await;
        }
        app.db_partner_member(&partner.id, &nina.id).await;
        app.db_partner_member(&partner.id, &stranger.id).await;

        let paypal = json!({ "paypal": { "email": "maya@example.com" } });
        let id = added(&app, &maya, &partner, paypal).await;
        let said = async |app: &TestApp| -> Vec<(String, String)> {
            let mut said: Vec<(String, String)> = app
                .send_mails()
                .await
                .into_iter()
                .inspect(|letter| assert_eq!(letter.subject, "Where maya is paid was changed"))
                .map(|letter| (letter.to, letter.text))
                .collect();
            said.sort();
            said
        };
        let told = said(&app).await;
        let to: Vec<&str> = told.iter().map(|(to, _)| to.as_str()).collect();
        assert_eq!(to, ["maya@example.org", "nina@example.org"]);
        assert!(
            told[1].1.starts_with(
                "Hello nina,\n\nmaya changed where maya is paid: PayPal m***@example.com was added. \
                 No payout goes to it before 2026-01-18 12:00 UTC.\n"
            ),
            "{}",
            told[1].1
        );
        let prefer = json!({ "id": id, "currency": "USD", "currentPassword": PASSWORD });
        let preferred = app
            .done(
                &maya,
                "setPreferredPayoutMethod",
                prefer,
                "payoutMethod { preferredFor }",
            )
            .await;
        assert_eq!(preferred["payoutMethod"]["preferredFor"], json!(["USD"]));
        let told = said(&app).await;
        assert!(
            told[0]
                .1
                .contains("payouts in USD go to PayPal m***@example.com from now on"),
            "{}",
            told[0].1
        );
        let wrong = json!({ "id": id, "currency": "INR", "currentPassword": PASSWORD });
        let answer = app
            .mutation(Some(&maya.token), "setPreferredPayoutMethod", wrong, "")
            .await;
        assert_eq!(refusal(&answer), "CURRENCY_NOT_RECEIVED");
        let remove = json!({ "id": id, "currentPassword": PASSWORD });
        app.done(&maya, "removePayoutMethod", remove, "partner { id }").await;
        let told = said(&app).await;
        assert!(
            told[1].1.contains("PayPal m***@example.com was removed."),
            "{}",
            told[1].1
        );

        let entries = entity::audit_entry::Entity::find()
            .filter(entity::audit_entry::Column::Subject.eq(&id))
            .order_by_asc(entity::audit_entry::Column::Id)
            .all(app.db())
            .await
            .unwrap();
        let read: Vec<(&str, String)> = entries
            .iter()
            .map(|entry| {
                assert_eq!((&entry.actor, entry.brand_id), (&maya.id, None));
                (entry.action.as_str(), entry.reason.clone().unwrap())
            })
            .collect();
        assert_eq!(
            read,
            [
                ("payout_method.added", format!("{}: PAYPAL", partner.id)),
                ("payout_method.preferred", format!("{}: PAYPAL for USD", partner.id)),
                ("payout_method.removed", format!("{}: PAYPAL", partner.id)),
            ]
        );
    })
    .await;
}
