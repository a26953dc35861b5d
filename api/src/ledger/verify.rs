//! `tributary ledger verify`: every invariant, one statement each (what the databases cannot count, page by page), and the first row that breaks one.

use std::fmt;

use entity::ids::CommissionId;
use sea_orm::{DatabaseConnection, DbErr, FromQueryResult, Statement};
use uuid::Uuid;

use crate::{app::App, money::proportion};

/// What was looked at, when everything holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    pub transfers: i64,
    pub entries: i64,
    pub accounts: i64,
}

impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ledger verified: {} transfers, {} entries, {} accounts",
            self.transfers, self.entries, self.accounts
        )
    }
}

#[derive(Debug)]
pub enum VerifyError {
    /// An invariant does not hold.
    Broken {
        invariant: &'static str,
        row: String,
    },
    Database(DbErr),
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken { invariant, row } => write!(f, "ledger broken: {invariant}: {row}"),
            Self::Database(error) => write!(f, "the ledger could not be read: {error}"),
        }
    }
}

impl From<DbErr> for VerifyError {
    fn from(error: DbErr) -> Self {
        Self::Database(error)
    }
}

/// Each statement selects, as text, the rows that break the invariant.
const CHECKS: &[(&str, &str)] = &[
    (
        "every transfer sums to zero",
        "SELECT t.transfer_key AS broken FROM ledger_transfers t
         LEFT JOIN ledger_entries e ON e.transfer_id = t.id
         GROUP BY t.transfer_key HAVING COALESCE(SUM(e.amount_minor), 0) <> 0 OR COUNT(e.id) < 2",
    ),
    (
        "an entry is in its transfer's currency and brand",
        "SELECT t.transfer_key AS broken FROM ledger_entries e
         JOIN ledger_transfers t ON t.id = e.transfer_id JOIN ledger_accounts a ON a.id = e.account_id
         WHERE a.currency <> t.currency OR a.brand_id <> t.brand_id",
    ),
    (
        "a cached balance equals the sum of its entries",
        "SELECT a.account_key AS broken FROM ledger_accounts a
         LEFT JOIN ledger_entries e ON e.account_id = a.id
         WHERE a.balance_minor IS NOT NULL
         GROUP BY a.account_key, a.balance_minor HAVING COALESCE(SUM(e.amount_minor), 0) <> a.balance_minor",
    ),
    (
        "only an available balance may be negative",
        "SELECT account_key AS broken FROM ledger_accounts WHERE kind <> 'AVAILABLE' AND balance_minor < 0",
    ),
    (
        "reversals of a commission never exceed it",
        "SELECT arithmetic AS broken FROM commissions
         WHERE reversed_minor < 0 OR reversed_minor > amount_minor OR reserve_left_minor < 0
            OR reserve_left_minor > reserve_minor OR reserve_left_minor > amount_minor - reversed_minor",
    ),
    (
        "a commission's pending and reserve entries say what its row says",
        "SELECT c.arithmetic AS broken FROM commissions c
         LEFT JOIN ledger_transfers t ON t.commission_id = c.id
         LEFT JOIN ledger_entries e ON e.transfer_id = t.id
         LEFT JOIN ledger_accounts a ON a.id = e.account_id
         WHERE c.mode = 'LIVE'
         GROUP BY c.id, c.arithmetic, c.state, c.amount_minor, c.reversed_minor, c.reserve_left_minor
         HAVING COALESCE(SUM(CASE WHEN a.kind = 'RESERVE' THEN e.amount_minor ELSE 0 END), 0) <> c.reserve_left_minor
             OR COALESCE(SUM(CASE WHEN a.kind = 'PENDING' THEN e.amount_minor ELSE 0 END), 0)
                <> CASE WHEN c.state IN ('PENDING', 'ON_HOLD') THEN c.amount_minor - c.reversed_minor ELSE 0 END",
    ),
    (
        "no test commission has a transfer",
        "SELECT c.arithmetic AS broken FROM commissions c JOIN ledger_transfers t ON t.commission_id = c.id
         WHERE c.mode <> 'LIVE'",
    ),
    (
        "no test commission is approved or paid",
        "SELECT c.arithmetic AS broken FROM commissions c WHERE c.mode <> 'LIVE'
         AND (c.state NOT IN ('PENDING', 'REVERSED') OR c.paid_minor <> 0 OR c.reserve_minor <> 0
              OR EXISTS (SELECT 1 FROM payout_items i WHERE i.commission_id = c.id))",
    ),
    (
        "what hangs on an event is of its mode",
        "SELECT c.attribution_explanation AS broken FROM conversions c
         LEFT JOIN orders o ON o.id = c.order_id LEFT JOIN customers k ON k.id = c.customer_id
         LEFT JOIN commissions m ON m.conversion_id = c.id
         WHERE o.mode <> c.mode OR k.mode <> c.mode OR m.mode <> c.mode",
    ),
    (
        "a payout's items add up to it",
        "SELECT COALESCE(p.reference, p.state) AS broken FROM payouts p
         LEFT JOIN payout_items i ON i.payout_id = p.id
         GROUP BY p.id, p.reference, p.state, p.amount_minor
         HAVING COALESCE(SUM(i.amount_minor), 0) <> p.amount_minor",
    ),
    (
        "money in transit belongs to an open payout",
        "SELECT COALESCE(p.reference, p.state) AS broken FROM payouts p
         LEFT JOIN ledger_transfers t ON t.payout_id = p.id
         LEFT JOIN ledger_entries e ON e.transfer_id = t.id
         LEFT JOIN ledger_accounts a ON a.id = e.account_id
         GROUP BY p.id, p.reference, p.state, p.amount_minor
         HAVING COALESCE(SUM(CASE WHEN a.kind = 'IN_TRANSIT' THEN e.amount_minor ELSE 0 END), 0)
                <> CASE WHEN p.state IN ('DRAFT', 'APPROVED', 'SUBMITTED', 'UNKNOWN') THEN p.amount_minor ELSE 0 END",
    ),
    (
        "what left of a payout is what was paid and has not come back",
        "SELECT COALESCE(p.reference, p.state) AS broken FROM payouts p
         LEFT JOIN ledger_transfers t ON t.payout_id = p.id
         LEFT JOIN ledger_entries e ON e.transfer_id = t.id
         LEFT JOIN ledger_accounts a ON a.id = e.account_id
         GROUP BY p.id, p.reference, p.state, p.amount_minor
         HAVING COALESCE(SUM(CASE WHEN a.kind LIKE 'CASH%' OR a.kind = 'PAYOUT_FEE_EXPENSE' THEN e.amount_minor ELSE 0 END), 0)
                <> CASE WHEN p.state = 'PAID' THEN p.amount_minor ELSE 0 END",
    ),
    (
        "a commission was paid what payouts that stand have paid of it",
        "SELECT c.arithmetic AS broken FROM commissions c
         LEFT JOIN payout_items i ON i.commission_id = c.id
         LEFT JOIN payouts p ON p.id = i.payout_id AND p.state = 'PAID'
         GROUP BY c.id, c.arithmetic, c.paid_minor
         HAVING COALESCE(SUM(CASE WHEN p.id IS NOT NULL THEN i.amount_minor ELSE 0 END), 0) <> c.paid_minor",
    ),
    (
        "an adjustment has moved what it says",
        "SELECT m.reason AS broken FROM adjustments m
         LEFT JOIN ledger_transfers t ON t.adjustment_id = m.id
         LEFT JOIN ledger_entries e ON e.transfer_id = t.id
         LEFT JOIN ledger_accounts a ON a.id = e.account_id
         GROUP BY m.id, m.reason, m.amount_minor
         HAVING COALESCE(SUM(CASE WHEN a.kind = 'AVAILABLE' THEN e.amount_minor ELSE 0 END), 0) <> m.amount_minor",
    ),
    (
        "an approved transfer to a customer has moved what it says",
        "SELECT s.customer_external_id AS broken FROM store_credit_transfers s
         LEFT JOIN adjustments m ON m.id = s.adjustment_id
         WHERE (s.state = 'APPROVED') <> (s.adjustment_id IS NOT NULL)
            OR (s.adjustment_id IS NOT NULL AND (m.kind <> 'STORE_CREDIT' OR m.amount_minor <> -s.amount_minor
                OR m.currency <> s.currency OR m.partnership_id <> s.partnership_id
                OR s.amount_minor <> (SELECT COALESCE(SUM(e.amount_minor), 0) FROM ledger_transfers t
                    JOIN ledger_entries e ON e.transfer_id = t.id JOIN ledger_accounts a ON a.id = e.account_id
                    WHERE t.adjustment_id = m.id AND a.kind = 'STORE_CREDIT' AND a.customer_id = s.customer_id)))",
    ),
    (
        "what was given to a customer was asked for",
        "SELECT m.reason AS broken FROM adjustments m WHERE m.kind = 'STORE_CREDIT'
         AND NOT EXISTS (SELECT 1 FROM store_credit_transfers s WHERE s.adjustment_id = m.id)",
    ),
    (
        "a redemption has moved what it says",
        "SELECT COALESCE(a.account_key, r.currency) AS broken FROM store_credit_redemptions r
         LEFT JOIN ledger_accounts a ON a.customer_id = r.customer_id AND a.currency = r.currency
             AND a.kind = 'STORE_CREDIT'
         WHERE r.amount_minor <> (SELECT COALESCE(-SUM(e.amount_minor), 0) FROM ledger_transfers t
             JOIN ledger_entries e ON e.transfer_id = t.id WHERE t.redemption_id = r.id AND e.account_id = a.id)",
    ),
    (
        "a customer has what transfers brought and redemptions left",
        "SELECT a.account_key AS broken FROM ledger_accounts a
         WHERE a.kind = 'STORE_CREDIT' AND (a.customer_id IS NULL OR a.balance_minor <>
             (SELECT COALESCE(SUM(s.amount_minor), 0) FROM store_credit_transfers s
              WHERE s.customer_id = a.customer_id AND s.currency = a.currency AND s.state = 'APPROVED')
             - (SELECT COALESCE(SUM(r.amount_minor), 0) FROM store_credit_redemptions r
                WHERE r.customer_id = a.customer_id AND r.currency = a.currency))",
    ),
    (
        "what is available is what commissions and adjustments brought, and no payout took",
        "SELECT a.account_key AS broken FROM ledger_accounts a
         WHERE a.kind = 'AVAILABLE' AND a.balance_minor <>
             (SELECT COALESCE(SUM(c.amount_minor - c.reversed_minor - c.reserve_left_minor), 0) FROM commissions c
              WHERE c.partnership_id = a.partnership_id AND c.currency = a.currency AND c.mode = 'LIVE'
                AND c.state IN ('APPROVED', 'IN_PAYOUT', 'PAID', 'REVERSED'))
             + (SELECT COALESCE(SUM(m.amount_minor), 0) FROM adjustments m
                WHERE m.partnership_id = a.partnership_id AND m.currency = a.currency)
             - (SELECT COALESCE(SUM(p.amount_minor), 0) FROM payouts p
                WHERE p.partnership_id = a.partnership_id AND p.currency = a.currency
                  AND p.state NOT IN ('CANCELLED', 'FAILED', 'RETURNED'))",
    ),
    (
        "an order's refunds, chargebacks and captures add up",
        "SELECT o.external_id AS broken FROM orders o
         WHERE o.refunded_minor <> (SELECT COALESCE(SUM(r.amount_minor), 0) FROM refunds r WHERE r.order_id = o.id)
            OR o.charged_back_minor <> (SELECT COALESCE(SUM(b.amount_minor), 0) FROM chargebacks b
                                        WHERE b.order_id = o.id AND b.state <> 'WON')
            OR o.captured_minor <> (SELECT COALESCE(SUM(k.amount_minor), 0) FROM captures k WHERE k.order_id = o.id)",
    ),
    (
        "no more of an order is gone than it came to",
        "SELECT o.external_id AS broken FROM orders o
         WHERE o.released_minor < 0 OR o.captured_minor > o.amount_minor - o.released_minor
            OR o.refunded_minor + o.charged_back_minor + o.released_minor > o.amount_minor",
    ),
    (
        "the lines of an order add up to it",
        "SELECT o.external_id AS broken FROM orders o JOIN order_lines l ON l.order_id = o.id
         GROUP BY o.id, o.external_id, o.amount_minor, o.refunded_minor, o.charged_back_minor, o.released_minor
         HAVING SUM(l.amount_minor) <> o.amount_minor
             OR SUM(l.refunded_minor + l.shared_minor)
                <> o.refunded_minor + o.charged_back_minor + o.released_minor",
    ),
    (
        "no more of a line is gone than it came to",
        "SELECT l.external_id AS broken FROM order_lines l
         WHERE l.refunded_minor < 0 OR l.shared_minor < 0 OR l.refunded_minor + l.shared_minor > l.amount_minor
            OR l.refunded_quantity < 0 OR l.refunded_quantity > l.quantity",
    ),
    (
        "a line's refunds add up",
        "SELECT l.external_id AS broken FROM order_lines l LEFT JOIN refund_lines r ON r.order_line_id = l.id
         GROUP BY l.id, l.external_id, l.refunded_minor, l.refunded_quantity
         HAVING COALESCE(SUM(r.amount_minor), 0) <> l.refunded_minor
             OR COALESCE(SUM(r.quantity), 0) <> l.refunded_quantity",
    ),
    (
        "a refund of lines is the sum of them",
        "SELECT o.external_id AS broken FROM refunds f JOIN orders o ON o.id = f.order_id
         JOIN refund_lines r ON r.refund_id = f.id
         GROUP BY f.id, o.external_id, f.amount_minor HAVING SUM(r.amount_minor) <> f.amount_minor",
    ),
    (
        "a commission is computed on what its line, or its order, came to",
        "SELECT c.arithmetic AS broken FROM commissions c JOIN conversions v ON v.id = c.conversion_id
         LEFT JOIN order_lines l ON l.id = c.order_line_id
         WHERE c.base_minor <> COALESCE(l.amount_minor, v.amount_minor)
            OR (l.id IS NOT NULL AND l.order_id <> v.order_id)
            OR (l.id IS NULL AND EXISTS (SELECT 1 FROM order_lines m WHERE m.order_id = v.order_id))",
    ),
    (
        "a conversion says what is gone of its order",
        "SELECT o.external_id AS broken FROM conversions c JOIN orders o ON o.id = c.order_id
         WHERE c.amount_minor <> o.amount_minor
            OR c.refunded_minor <> o.refunded_minor + o.charged_back_minor + o.released_minor",
    ),
];

/// What commissions are reversed by, and how much they are, page by page; what was rejected is not settled any more.
const REVERSALS: &str = "SELECT c.id, c.arithmetic, c.amount_minor, c.base_minor, c.reversed_minor,
        COALESCE(l.refunded_minor + l.shared_minor, v.refunded_minor) AS gone_minor
    FROM commissions c JOIN conversions v ON v.id = c.conversion_id LEFT JOIN order_lines l ON l.id = c.order_line_id
    WHERE c.state <> 'REJECTED' AND v.state <> 'REJECTED' AND c.id > $1 ORDER BY c.id LIMIT 1000";

#[derive(FromQueryResult)]
struct Reversal {
    id: CommissionId,
    arithmetic: String,
    amount_minor: i64,
    base_minor: i64,
    reversed_minor: i64,
    gone_minor: i64,
}

impl Reversal {
    /// round-half-even(C × r / B): the product is too large for the arithmetic of the databases.
    fn is_right(&self) -> bool {
        let gone = self.gone_minor.min(self.base_minor);
        self.reversed_minor == proportion(self.amount_minor, gone, self.base_minor)
    }
}

async fn verify_reversals(connection: &DatabaseConnection) -> Result<(), VerifyError> {
    let mut last = CommissionId(Uuid::nil());
    loop {
        let statement = Statement::from_sql_and_values(connection.get_database_backend(), REVERSALS, [last.into()]);
        let rows = Reversal::find_by_statement(statement).all(connection).await?;
        if let Some(row) = rows.iter().find(|row| !row.is_right()) {
            return Err(VerifyError::Broken {
                invariant: "a commission has lost its share of what is gone",
                row: format!("{} of {}: {}", row.reversed_minor, row.amount_minor, row.arithmetic),
            });
        }
        match rows.last() {
            Some(row) => last = row.id,
            None => return Ok(()),
        }
    }
}

#[derive(FromQueryResult)]
struct Broken {
    broken: String,
}

#[derive(FromQueryResult)]
struct Counts {
    transfers: i64,
    entries: i64,
    accounts: i64,
}

/// Checks every invariant on the live data.
pub async fn verify(app: &App) -> Result<Verified, VerifyError> {
    let connection = app.db.read();
    let backend = connection.get_database_backend();
    for (invariant, sql) in CHECKS {
        let statement = Statement::from_string(backend, format!("{sql} LIMIT 1"));
        if let Some(row) = Broken::find_by_statement(statement).one(connection).await? {
            return Err(VerifyError::Broken {
                invariant,
                row: row.broken,
            });
        }
    }
    verify_reversals(connection).await?;
    let statement = Statement::from_string(
        backend,
        "SELECT (SELECT COUNT(*) FROM ledger_transfers) AS transfers, (SELECT COUNT(*) FROM ledger_entries) AS entries,
                (SELECT COUNT(*) FROM ledger_accounts) AS accounts",
    );
    let counts = Counts::find_by_statement(statement)
        .one(connection)
        .await?
        .ok_or_else(|| DbErr::RecordNotFound("counts".to_owned()))?;
    Ok(Verified {
        transfers: counts.transfers,
        entries: counts.entries,
        accounts: counts.accounts,
    })
}
