//! What `tributary ledger verify` notices, and how it names it.

use entity::{adjustment, commission, payout};
use rstest::rstest;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::json;
use tributary::ledger::verify::{VerifyError, verify};

use crate::support::{
    app::{TestApp, with_app},
    database::Database,
    marketplace::{Market, Promoter},
};

/// What is broken, how it is mended, what verifying says to it, and which row it names.
type Case = (String, String, &'static str, String);

const OWN_MONEY: [&str; 3] = [
    "a commission moves money of its own partner, in its own currency",
    "a payout moves money of its own partner, in its own currency",
    "an adjustment moves money of its own partner, in its own currency",
];

/// One partner has earned: 10.00 are pending, 20.00 and 30.00 approved, and a payout of them was cancelled. Another one was given
/// 5.00 and 3.00, and paid.
struct Scene {
    market: Market,
    one: Promoter,
    two: Promoter,
}

impl Scene {
    async fn set(app: &TestApp) -> Self {
        let market = app.market("aurora").await;
        let one = app.promoter(&market, "one", None).await;
        let two = app.promoter(&market, "two", None).await;
        app.code(&one, "ONE", json!({})).await;
        let mut sales = Vec::new();
        for (order, amount) in [("A-1", "100.00"), ("A-2", "200.00"), ("A-3", "300.00")] {
            sales.push(app.sale(&market, order, amount, json!({ "promoCodes": ["ONE"] })).await);
        }
        app.approve(&market, &sales[1]).await;
        app.approve(&market, &sales[2]).await;
        let payout = app.approved_payout(&market, &one, "cancelled").await;
        let input = json!({ "idempotencyKey": "cancel", "id": payout, "reason": "too early" });
        app.done(&market.owner, "cancelPayout", input, "payout { state }").await;
        let scene = Self { market, one, two };
        scene.give(app, "five", "5.00").await;
        scene.give(app, "three", "3.00").await;
        let payout = app.approved_payout(&scene.market, &scene.two, "paid").await;
        app.mark_paid(&scene.market, &payout, "UTR-1").await;
        scene
    }

    async fn give(&self, app: &TestApp, reason: &str, amount: &str) {
        let input = json!({
            "idempotencyKey": reason, "partnershipId": self.two.partnership, "direction": "CREDIT",
            "amount": { "amount": amount, "currency": "EUR" }, "reason": reason,
        });
        app.done(&self.market.owner, "adjustBalance", input, "adjustment { id }")
            .await;
    }
}

/// A commission by what it came to, as it is named.
async fn commission_of(app: &TestApp, amount_minor: i64) -> String {
    let row = commission::Entity::find()
        .filter(commission::Column::AmountMinor.eq(amount_minor))
        .one(app.db())
        .await
        .unwrap()
        .unwrap();
    format!("{} ({})", row.id, row.arithmetic)
}

async fn adjustment_because(app: &TestApp, reason: &str) -> String {
    let row = adjustment::Entity::find()
        .filter(adjustment::Column::Reason.eq(reason))
        .one(app.db())
        .await
        .unwrap()
        .unwrap();
    format!("{} ({reason})", row.id)
}

async fn cancelled_payout(app: &TestApp) -> String {
    let row = payout::Entity::find()
        .filter(payout::Column::State.eq(payout::PayoutState::Cancelled))
        .one(app.db())
        .await
        .unwrap()
        .unwrap();
    format!("{} (CANCELLED)", row.id)
}

async fn notices(app: &TestApp, cases: Vec<Case>) {
    for (breaks, mends, invariant, row) in cases {
        app.db_writer().execute_unprepared(&breaks).await.unwrap();
        match verify(&app.app).await {
            Err(VerifyError::Broken {
                invariant: found,
                row: named,
            }) => assert_eq!((found, named), (invariant, row), "{breaks}"),
            other => panic!("{breaks}: {other:?}"),
        }
        app.db_writer().execute_unprepared(&mends).await.unwrap();
        if let Err(broken) = verify(&app.app).await {
            panic!("{mends}: {broken}");
        }
    }
}

/// A statement and what undoes it: sets a column of these rows to one value, and back to the other.
fn sets(table: &str, rows: &str, column: &str, [to, back]: [&str; 2]) -> (String, String) {
    let set = |value: &str| format!("UPDATE {table} SET {column} = {value} WHERE {rows}");
    (set(to), set(back))
}

#[rstest]
#[tokio::test]
async fn what_moves_money_of_others_is_named(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        Scene::set(&app).await;
        let currencies = ["'USD'", "'EUR'"];
        // The pending one and the cancelled payout are in no sum of what is available.
        let one = "(SELECT partnership_id FROM commissions WHERE amount_minor = 2000)";
        let two = "(SELECT partnership_id FROM payouts WHERE state = 'PAID')";
        let commission = commission_of(&app, 1000).await;
        let payout = cancelled_payout(&app).await;
        let adjustment = adjustment_because(&app, "five").await;
        let mut cases: Vec<Case> = Vec::new();
        for (table, rows, partners, invariant, row) in [
            (
                "commissions",
                "amount_minor = 1000",
                [two, one],
                OWN_MONEY[0],
                commission,
            ),
            ("payouts", "state = 'CANCELLED'", [two, one], OWN_MONEY[1], payout),
            ("adjustments", "reason = 'five'", [one, two], OWN_MONEY[2], adjustment),
        ] {
            for (column, values) in [("currency", currencies), ("partnership_id", partners)] {
                let (breaks, mends) = sets(table, rows, column, values);
                cases.push((breaks, mends, invariant, row.clone()));
            }
        }
        notices(&app, cases).await;
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn commissions_that_say_something_else_than_their_entries_are_named(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        Scene::set(&app).await;
        let named = commission_of(&app, 2000).await;
        let (rejected, approved) = sets("commissions", "amount_minor = 2000", "state", ["'REJECTED'", "'APPROVED'"]);
        let (in_payout, out) = sets("commissions", "amount_minor = 2000", "state", ["'IN_PAYOUT'", "'APPROVED'"]);
        // What both have together stays what it was.
        let shift = |one: i64| {
            format!(
                "UPDATE commissions SET amount_minor = amount_minor + CASE WHEN base_minor = 20000 THEN {one} ELSE {} END
                 WHERE base_minor IN (20000, 30000)",
                -one
            )
        };
        let moved = "what a commission has pending, in reserve and available is what its row says";
        let mut cases = vec![
            (rejected, approved, moved, named.clone()),
            (shift(1), shift(-1), moved, named.clone()),
            (in_payout, out, "a commission in a payout is in one that is open", named),
        ];
        // Of several the first is named, in whatever order the database finds them.
        let rows = commission::Entity::find()
            .order_by_asc(commission::Column::Id)
            .all(app.db())
            .await
            .unwrap();
        for last in 0..rows.len() {
            let touched = &rows[last..];
            let amounts: Vec<String> = touched.iter().rev().map(|row| row.amount_minor.to_string()).collect();
            let of = format!("amount_minor IN ({})", amounts.join(", "));
            let (breaks, mends) = sets("commissions", &of, "reversed_minor", ["-1", "0"]);
            let name = format!("{} ({})", touched[0].id, touched[0].arithmetic);
            cases.push((breaks, mends, "reversals of a commission never exceed it", name));
        }
        notices(&app, cases).await;
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn accounts_that_are_not_what_they_are_called_are_named(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let scene = Scene::set(&app).await;
        let called = "an account's key says whose it is, of what kind and currency";
        let pending = format!("{}:PENDING:EUR", scene.one.partnership);
        let reserve = format!("{}:RESERVE:EUR", scene.one.partnership);
        let is = |key: &str| format!("account_key = '{key}'");
        let of_one = "(SELECT partnership_id FROM payouts WHERE state = 'CANCELLED')";
        let wrong = format!("{pending}O");
        let no_balance = sets("ledger_accounts", &is(&pending), "balance_minor", ["NULL", "1000"]);
        let no_owner = sets("ledger_accounts", &is(&reserve), "partnership_id", ["NULL", of_one]);
        let funding = format!("{}:FUNDING:EUR", scene.market.brand.id);
        let expense = format!("{}:COMMISSION_EXPENSE:EUR", scene.market.brand.id);
        let other_kind = sets(
            "ledger_accounts",
            &is(&expense),
            "kind",
            ["'FUNDING'", "'COMMISSION_EXPENSE'"],
        );
        let cases = vec![
            (
                no_balance.0,
                no_balance.1,
                "an account of a partner or of a customer has a balance",
                pending.clone(),
            ),
            (
                format!(
                    "UPDATE ledger_accounts SET account_key = '{wrong}' WHERE {}",
                    is(&pending)
                ),
                format!(
                    "UPDATE ledger_accounts SET account_key = '{pending}' WHERE {}",
                    is(&wrong)
                ),
                called,
                format!("{wrong} (it is {pending})"),
            ),
            (
                no_owner.0,
                no_owner.1,
                called,
                format!("{reserve} (it is RESERVE of somebody else)"),
            ),
            (
                other_kind.0,
                other_kind.1,
                called,
                format!("{expense} (it is {funding})"),
            ),
        ];
        notices(&app, cases).await;
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn adjustments_that_are_paid_twice_are_named(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        Scene::set(&app).await;
        // The payout stays what it was.
        let shift = |five: i64| {
            format!(
                "UPDATE payout_items SET amount_minor = amount_minor
                     + CASE WHEN adjustment_id = (SELECT id FROM adjustments WHERE reason = 'five') THEN {five} ELSE {} END
                 WHERE adjustment_id IS NOT NULL",
                -five
            )
        };
        let invariant = "payouts that stand pay no more of an adjustment than it is";
        let [five, three] = ["five", "three"].map(|reason| adjustment_because(&app, reason));
        let (five, three) = (five.await, three.await);
        // Below zero and above it at once: ids are ordered as their texts are.
        let first = five.clone().min(three.clone());
        let cases = vec![
            (shift(1), shift(-1), invariant, five),
            (shift(-4), shift(4), invariant, three),
            (shift(-501), shift(501), invariant, first),
        ];
        notices(&app, cases).await;
    })
    .await;
}
