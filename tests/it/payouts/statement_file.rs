//! A statement as a file, to the byte.

use std::collections::HashMap;

use axum::{
    body::Body,
    http::{HeaderMap, Request, StatusCode, header},
};
use entity::{
    brand_member::BrandRole,
    ids::{LedgerTransferId, PartnershipId},
    ledger_account, ledger_entry, ledger_transfer,
};
use rstest::rstest;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};
use tributary::{
    accounts::actor::Actor,
    ledger::entries::Only,
    payouts::statement::export::{self, NoExport},
};

use crate::support::{
    app::{TestApp, with_app},
    database::Database,
    marketplace::{Market, Promoter},
};

const HEADINGS: &str =
    "occurred_at,account,kind,amount,balance,currency,details,commission_id,payout_id,adjustment_id,entry_id\r\n";
/// The day of the sale, and the day after.
const FIRST: &str = "2026-01-15T12:00:00Z";
const SECOND: &str = "2026-01-16T12:00:00Z";

/// What happened: when, on which account, what, how much, what it left, and in whose words.
const HISTORY: [[&str; 6]; 9] = [
    // 10 % of 100.00.
    [FIRST, "PENDING", "COMMISSION_ACCRUED", "10.00", "10.00", ""],
    // A tenth of it is kept.
    [FIRST, "PENDING", "COMMISSION_APPROVED", "-10.00", "0.00", ""],
    [FIRST, "RESERVE", "COMMISSION_APPROVED", "1.00", "1.00", ""],
    [FIRST, "AVAILABLE", "COMMISSION_APPROVED", "9.00", "9.00", ""],
    // What a spreadsheet would compute is text; an amount below zero is a number.
    [
        FIRST,
        "AVAILABLE",
        "BALANCE_CORRECTED",
        "-12.00",
        "-3.00",
        "\"'=HYPERLINK(\"\"https://x.example\"\"), sorry\"",
    ],
    [SECOND, "AVAILABLE", "BALANCE_CORRECTED", "5.00", "2.00", "für Anna"],
    [SECOND, "AVAILABLE", "PAYOUT_REQUESTED", "-2.00", "0.00", "UTR-1"],
    [SECOND, "IN_TRANSIT", "PAYOUT_REQUESTED", "2.00", "2.00", "UTR-1"],
    [SECOND, "IN_TRANSIT", "PAYOUT_PAID", "-2.00", "0.00", "UTR-1"],
];

async fn history(app: &TestApp) -> (Market, Promoter) {
    let mut market = app.market("aurora").await;
    let mut seller = app.promoter(&market, "seller", None).await;
    app.code(&seller, "SELLER", json!({})).await;
    let evidence = json!({ "promoCodes": ["SELLER"] });
    let sale = app.sale(&market, "A-1", "100.00", evidence).await;
    app.approve(&market, &sale).await;
    adjust(
        app,
        &market,
        &seller,
        "DEBIT",
        "12.00",
        "=HYPERLINK(\"https://x.example\"), sorry",
    )
    .await;
    app.advance_days(1, [&mut market.owner, &mut seller.user]).await;
    adjust(app, &market, &seller, "CREDIT", "5.00", "für Anna").await;
    let payout = app.approved_payout(&market, &seller, "payout").await;
    app.mark_paid(&market, &payout, "UTR-1").await;
    (market, seller)
}

async fn adjust(app: &TestApp, market: &Market, seller: &Promoter, direction: &str, amount: &str, reason: &str) {
    let input = json!({
        "idempotencyKey": direction, "partnershipId": seller.partnership, "direction": direction,
        "amount": { "amount": amount, "currency": "EUR" }, "reason": reason,
    });
    app.done(&market.owner, "adjustBalance", input, "adjustment { id }")
        .await;
}

/// The file as it has to be: the rows of these numbers, with the ids that were given to them.
async fn expected(app: &TestApp, seller: &Promoter, numbers: &[usize]) -> String {
    let partnership: PartnershipId = seller.partnership.parse().unwrap();
    let accounts: Vec<_> = ledger_account::Entity::find()
        .filter(ledger_account::Column::PartnershipId.eq(partnership))
        .all(app.db())
        .await
        .unwrap()
        .into_iter()
        .map(|row| row.id)
        .collect();
    let entries = ledger_entry::Entity::find()
        .filter(ledger_entry::Column::AccountId.is_in(accounts))
        .order_by_asc(ledger_entry::Column::Id)
        .all(app.db())
        .await
        .unwrap();
    assert_eq!(entries.len(), HISTORY.len());
    let transfers: HashMap<LedgerTransferId, ledger_transfer::Model> = ledger_transfer::Entity::find()
        .all(app.db())
        .await
        .unwrap()
        .into_iter()
        .map(|row| (row.id, row))
        .collect();
    let mut text = HEADINGS.to_owned();
    for number in numbers {
        let [at, account, kind, amount, balance, details] = HISTORY[*number];
        let entry = &entries[*number];
        let transfer = &transfers[&entry.transfer_id];
        let commission = transfer.commission_id.map(|id| id.to_string()).unwrap_or_default();
        let payout = transfer.payout_id.map(|id| id.to_string()).unwrap_or_default();
        let adjustment = transfer.adjustment_id.map(|id| id.to_string()).unwrap_or_default();
        text += &format!(
            "{at},{account},{kind},{amount},{balance},EUR,{details},{commission},{payout},{adjustment},{}\r\n",
            entry.id
        );
    }
    text
}

async fn get(app: &TestApp, token: Option<&str>, path: &str) -> (StatusCode, HeaderMap, String) {
    let mut request = Request::get(path);
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let (status, headers, bytes) = app.send(request.body(Body::empty()).unwrap()).await;
    (status, headers, String::from_utf8(bytes.to_vec()).unwrap())
}

#[rstest]
#[tokio::test]
async fn a_statement_is_a_file_to_the_byte(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let (market, seller) = history(&app).await;
        let path = format!("/statements/{}.csv?currency=EUR", seller.partnership);
        let token = Some(seller.user.token.as_str());
        let (status, headers, text) = get(&app, token, &path).await;
        assert_eq!(status, StatusCode::OK, "{text}");
        assert_eq!(text, expected(&app, &seller, &[0, 1, 2, 3, 4, 5, 6, 7, 8]).await);
        assert_eq!(headers[header::CONTENT_TYPE], "text/csv; charset=utf-8; header=present");
        assert_eq!(headers[header::CACHE_CONTROL], "no-store");
        assert_eq!(
            headers[header::CONTENT_DISPOSITION],
            format!("attachment; filename=\"statement-{}-EUR.csv\"", seller.partnership)
        );
        // Narrowed, balances are still those of the account.
        for (filter, numbers) in [
            ("&accounts=AVAILABLE&from=2026-01-16", vec![5, 6]),
            ("&accounts=AVAILABLE,RESERVE&until=2026-01-16", vec![2, 3, 4]),
            ("&kinds=BALANCE_CORRECTED,PAYOUT_PAID", vec![4, 5, 8]),
            (
                "&from=2026-01-16T13:00:00%2B01:00&until=2026-01-16T12:00:01Z",
                vec![5, 6, 7, 8],
            ),
            ("&from=2026-01-16T12:00:01Z", vec![]),
            ("&accounts=PENDING&kinds=PAYOUT_PAID", vec![]),
        ] {
            let (status, _, text) = get(&app, token, &format!("{path}{filter}")).await;
            assert_eq!(status, StatusCode::OK, "{filter}: {text}");
            assert_eq!(text, expected(&app, &seller, &numbers).await, "{filter}");
        }
        let (status, _, text) = get(&app, token, &path.replace("EUR", "USD")).await;
        assert_eq!((status, text.as_str()), (StatusCode::OK, HEADINGS));

        only_who_reads_pages_reads_files(&app, &market, &seller, &path).await;
        a_file_has_an_end(&app, &seller).await;
        many_rows_come_in_pieces(&app, &market, &seller, &path).await;
    })
    .await;
}

async fn only_who_reads_pages_reads_files(app: &TestApp, market: &Market, seller: &Promoter, path: &str) {
    let finance = app.sign_up("finance").await;
    app.db_member(&market.brand.id, &finance.id, BrandRole::Finance).await;
    let manager = app.sign_up("manager").await;
    app.db_member(&market.brand.id, &manager.id, BrandRole::Manager).await;
    let stranger = app.sign_up("stranger").await;
    let (status, _, text) = get(app, Some(&finance.token), path).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(text.lines().count(), 1 + HISTORY.len());
    for (token, status, code) in [
        (None, StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"),
        (Some("nonsense"), StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"),
        (Some(stranger.token.as_str()), StatusCode::NOT_FOUND, "NOT_FOUND"),
        (Some(manager.token.as_str()), StatusCode::FORBIDDEN, "FORBIDDEN"),
        (Some(market.key.secret.as_str()), StatusCode::FORBIDDEN, "FORBIDDEN"),
    ] {
        let (answered, _, text) = get(app, token, path).await;
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (answered, &answer["error"]["code"]),
            (status, &json!(code)),
            "{token:?}"
        );
    }
    let token = Some(seller.user.token.as_str());
    for (path, status) in [
        (path.replace(".csv", ""), StatusCode::NOT_FOUND),
        (path.replace("pship_", "brand_"), StatusCode::NOT_FOUND),
        (path.replace("?currency=EUR", ""), StatusCode::BAD_REQUEST),
        (path.replace("EUR", "euro"), StatusCode::BAD_REQUEST),
        (format!("{path}&to=2026-01-16"), StatusCode::BAD_REQUEST),
        (format!("{path}&from=yesterday"), StatusCode::BAD_REQUEST),
        (format!("{path}&accounts=SAVINGS"), StatusCode::BAD_REQUEST),
        (format!("{path}&kinds="), StatusCode::BAD_REQUEST),
    ] {
        let (answered, _, text) = get(app, token, &path).await;
        assert_eq!(answered, status, "{path}: {text}");
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert!(answer["error"]["message"].is_string(), "{path}: {text}");
    }
}

async fn a_file_has_an_end(app: &TestApp, seller: &Promoter) {
    let (partnership, currency) = (seller.partnership.parse().unwrap(), "EUR".parse().unwrap());
    let open = async |max_rows| {
        let only = Only::default();
        export::open(&app.app, &Actor::system(), partnership, currency, only, max_rows).await
    };
    assert!(open(9).await.is_ok());
    let Err(NoExport::TooManyRows { count, at_most }) = open(8).await else {
        panic!("nine rows in a file of eight");
    };
    assert_eq!((count, at_most), (9, 8));
}

/// A thousand sales of 1.00 bring 0.10 each: more rows than one statement reads.
async fn many_rows_come_in_pieces(app: &TestApp, market: &Market, seller: &Promoter, path: &str) {
    let sale = |number: usize| {
        json!({
            "type": "purchase", "idempotencyKey": format!("many-{number}"), "orderId": format!("M-{number}"),
            "amount": "1.00", "currency": "EUR", "promoCodes": ["SELLER"],
        })
    };
    let events: Vec<Value> = (0..1_000).map(sale).collect();
    let (status, _) = app
        .track(&market.key.secret, "bulk", "many", json!({ "events": events }))
        .await;
    assert_eq!(status, StatusCode::OK);
    let token = Some(seller.user.token.as_str());
    let (_, _, text) = get(app, token, path).await;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 1 + HISTORY.len() + 1_000);
    // In the order in which they were posted, each once, and the balance runs.
    for (number, line) in lines[1 + HISTORY.len()..].iter().enumerate() {
        let balance = format!("{}.{}0", (number + 1) / 10, (number + 1) % 10);
        let wanted = format!("{SECOND},PENDING,COMMISSION_ACCRUED,0.10,{balance},EUR,,comm_");
        assert!(line.starts_with(&wanted), "{number}: {line}");
    }
    let (_, _, text) = get(app, token, &format!("{path}&accounts=RESERVE")).await;
    assert_eq!(text.lines().count(), 2);
}

#[rstest]
#[tokio::test]
async fn a_yen_has_no_decimals(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market_with("sakura", json!({ "currencies": ["JPY"] })).await;
        let seller = app.promoter(&market, "seller", None).await;
        app.code(&seller, "SELLER", json!({})).await;
        let sale = json!({ "orderId": "A-1", "amount": "1000", "currency": "JPY", "promoCodes": ["SELLER"] });
        let (status, answer) = app.track(&market.key.secret, "purchase", "sale", sale).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
        let path = format!("/statements/{}.csv?currency=JPY", seller.partnership);
        let (_, _, text) = get(&app, Some(&seller.user.token), &path).await;
        let row = text.lines().nth(1).unwrap();
        assert!(
            row.starts_with(&format!("{FIRST},PENDING,COMMISSION_ACCRUED,100,100,JPY,,comm_")),
            "{row}"
        );
    })
    .await;
}
