//! What one statement finds: the rows that break an invariant, and how they are named.

use std::fmt::Display;

use entity::ids::{
    AdjustmentId, CommissionId, ConversionId, OrderId, OrderLineId, PayoutId, RefundId, StoreCreditRedemptionId,
    StoreCreditTransferId,
};
use sea_orm::{DbErr, QueryResult, TryGetable};

/// An invariant, and a statement that selects the rows that break it. Its first column is what they are ordered by.
pub(super) struct Check {
    pub invariant: &'static str,
    pub name: fn(&QueryResult) -> Result<String, DbErr>,
    pub sql: &'static str,
}

/// Accounts and transfers have keys that say what they are.
fn key(row: &QueryResult) -> Result<String, DbErr> {
    row.try_get("", "name")
}

/// Anything else has an id, and something beside it that a person knows. The databases keep ids in forms of their own, so none is
/// made text by them.
fn id<Id: TryGetable + Display>(row: &QueryResult) -> Result<String, DbErr> {
    let id: Id = row.try_get("", "id")?;
    let beside: String = row.try_get("", "beside")?;
    Ok(format!("{id} ({beside})"))
}

pub(super) const CHECKS: &[Check] = &[
    Check {
        invariant: "every transfer sums to zero",
        name: key,
        sql: "SELECT t.transfer_key AS name FROM ledger_transfers t
         LEFT JOIN ledger_entries e ON e.transfer_id = t.id
         GROUP BY t.transfer_key HAVING COALESCE(SUM(e.amount_minor), 0) <> 0 OR COUNT(e.id) < 2",
    },
    Check {
        invariant: "an entry is in its transfer's currency and brand",
        name: key,
        sql: "SELECT t.transfer_key AS name FROM ledger_entries e
         JOIN ledger_transfers t ON t.id = e.transfer_id JOIN ledger_accounts a ON a.id = e.account_id
         WHERE a.currency <> t.currency OR a.brand_id <> t.brand_id",
    },
    Check {
        invariant: "an account of a partner or of a customer has a balance",
        name: key,
        sql: "SELECT account_key AS name FROM ledger_accounts
         WHERE balance_minor IS NULL AND (partnership_id IS NOT NULL OR customer_id IS NOT NULL)",
    },
    Check {
        invariant: "a cached balance equals the sum of its entries",
        name: key,
        sql: "SELECT a.account_key AS name FROM ledger_accounts a
         LEFT JOIN ledger_entries e ON e.account_id = a.id
         WHERE a.balance_minor IS NOT NULL
         GROUP BY a.account_key, a.balance_minor HAVING COALESCE(SUM(e.amount_minor), 0) <> a.balance_minor",
    },
    Check {
        invariant: "only an available balance may be negative",
        name: key,
        sql: "SELECT account_key AS name FROM ledger_accounts WHERE kind <> 'AVAILABLE' AND balance_minor < 0",
    },
    Check {
        invariant: "reversals of a commission never exceed it",
        name: id::<CommissionId>,
        sql: "SELECT id, arithmetic AS beside FROM commissions
         WHERE reversed_minor < 0 OR reversed_minor > amount_minor OR reserve_left_minor < 0
            OR reserve_left_minor > reserve_minor OR reserve_left_minor > amount_minor - reversed_minor",
    },
    Check {
        invariant: "a commission moves money of its own partner, in its own currency",
        name: id::<CommissionId>,
        sql: "SELECT c.id, c.arithmetic AS beside FROM commissions c
         JOIN ledger_transfers t ON t.commission_id = c.id
         JOIN ledger_entries e ON e.transfer_id = t.id JOIN ledger_accounts a ON a.id = e.account_id
         WHERE a.partnership_id <> c.partnership_id OR a.currency <> c.currency",
    },
    Check {
        invariant: "what a commission has pending, in reserve and available is what its row says",
        name: id::<CommissionId>,
        sql: "SELECT c.id, c.arithmetic AS beside FROM commissions c
         LEFT JOIN ledger_transfers t ON t.commission_id = c.id
         LEFT JOIN ledger_entries e ON e.transfer_id = t.id
         LEFT JOIN ledger_accounts a ON a.id = e.account_id
         WHERE c.mode = 'LIVE'
         GROUP BY c.id, c.arithmetic, c.state, c.amount_minor, c.reversed_minor, c.reserve_left_minor
         HAVING COALESCE(SUM(CASE WHEN a.kind = 'RESERVE' THEN e.amount_minor ELSE 0 END), 0) <> c.reserve_left_minor
             OR COALESCE(SUM(CASE WHEN a.kind = 'PENDING' THEN e.amount_minor ELSE 0 END), 0)
                <> CASE WHEN c.state IN ('PENDING', 'ON_HOLD') THEN c.amount_minor - c.reversed_minor ELSE 0 END
             OR COALESCE(SUM(CASE WHEN a.kind IN ('PENDING', 'RESERVE', 'AVAILABLE') THEN e.amount_minor ELSE 0 END), 0)
                <> CASE WHEN c.state = 'REJECTED' THEN 0 ELSE c.amount_minor - c.reversed_minor END",
    },
    Check {
        invariant: "no test commission has a transfer",
        name: id::<CommissionId>,
        sql: "SELECT c.id, c.arithmetic AS beside FROM commissions c JOIN ledger_transfers t ON t.commission_id = c.id
         WHERE c.mode <> 'LIVE'",
    },
    Check {
        invariant: "no test commission is approved or paid",
        name: id::<CommissionId>,
        sql: "SELECT c.id, c.arithmetic AS beside FROM commissions c WHERE c.mode <> 'LIVE'
         AND (c.state NOT IN ('PENDING', 'REVERSED') OR c.paid_minor <> 0 OR c.reserve_minor <> 0
              OR EXISTS (SELECT 1 FROM payout_items i WHERE i.commission_id = c.id))",
    },
    Check {
        invariant: "what hangs on an event is of its mode",
        name: id::<ConversionId>,
        sql: "SELECT c.id, c.attribution_explanation AS beside FROM conversions c
         LEFT JOIN orders o ON o.id = c.order_id LEFT JOIN customers k ON k.id = c.customer_id
         LEFT JOIN commissions m ON m.conversion_id = c.id
         WHERE o.mode <> c.mode OR k.mode <> c.mode OR m.mode <> c.mode",
    },
    Check {
        invariant: "a payout's items add up to it",
        name: id::<PayoutId>,
        sql: "SELECT p.id, COALESCE(p.reference, p.state) AS beside FROM payouts p
         LEFT JOIN payout_items i ON i.payout_id = p.id
         GROUP BY p.id, p.reference, p.state, p.amount_minor
         HAVING COALESCE(SUM(i.amount_minor), 0) <> p.amount_minor",
    },
    Check {
        // What a rail takes beside it may be in another currency, and is the brand's.
        invariant: "a payout moves money of its own partner, in its own currency",
        name: id::<PayoutId>,
        sql: "SELECT p.id, COALESCE(p.reference, p.state) AS beside FROM payouts p
         JOIN ledger_transfers t ON t.payout_id = p.id
         JOIN ledger_entries e ON e.transfer_id = t.id JOIN ledger_accounts a ON a.id = e.account_id
         WHERE a.partnership_id <> p.partnership_id OR (a.partnership_id IS NOT NULL AND a.currency <> p.currency)",
    },
    Check {
        invariant: "money in transit belongs to an open payout",
        name: id::<PayoutId>,
        sql: "SELECT p.id, COALESCE(p.reference, p.state) AS beside FROM payouts p
         LEFT JOIN ledger_transfers t ON t.payout_id = p.id
         LEFT JOIN ledger_entries e ON e.transfer_id = t.id
         LEFT JOIN ledger_accounts a ON a.id = e.account_id
         GROUP BY p.id, p.reference, p.state, p.amount_minor
         HAVING COALESCE(SUM(CASE WHEN a.kind = 'IN_TRANSIT' THEN e.amount_minor ELSE 0 END), 0)
                <> CASE WHEN p.state IN ('DRAFT', 'APPROVED', 'SUBMITTED', 'UNKNOWN') THEN p.amount_minor ELSE 0 END",
    },
    Check {
        invariant: "what left of a payout is what was paid and has not come back",
        name: id::<PayoutId>,
        sql: "SELECT p.id, COALESCE(p.reference, p.state) AS beside FROM payouts p
         LEFT JOIN ledger_transfers t ON t.payout_id = p.id
         LEFT JOIN ledger_entries e ON e.transfer_id = t.id
         LEFT JOIN ledger_accounts a ON a.id = e.account_id
         GROUP BY p.id, p.reference, p.state, p.amount_minor
         HAVING COALESCE(SUM(CASE WHEN a.kind LIKE 'CASH%' OR a.kind = 'PAYOUT_FEE_EXPENSE' THEN e.amount_minor ELSE 0 END), 0)
                <> CASE WHEN p.state = 'PAID' THEN p.amount_minor ELSE 0 END",
    },
    Check {
        invariant: "a commission was paid what payouts that stand have paid of it",
        name: id::<CommissionId>,
        sql: "SELECT c.id, c.arithmetic AS beside FROM commissions c
         LEFT JOIN payout_items i ON i.commission_id = c.id
         LEFT JOIN payouts p ON p.id = i.payout_id AND p.state = 'PAID'
         GROUP BY c.id, c.arithmetic, c.paid_minor
         HAVING COALESCE(SUM(CASE WHEN p.id IS NOT NULL THEN i.amount_minor ELSE 0 END), 0) <> c.paid_minor",
    },
    Check {
        invariant: "a commission in a payout is in one that is open",
        name: id::<CommissionId>,
        sql: "SELECT c.id, c.arithmetic AS beside FROM commissions c WHERE c.state = 'IN_PAYOUT'
         AND NOT EXISTS (SELECT 1 FROM payout_items i JOIN payouts p ON p.id = i.payout_id
             WHERE i.commission_id = c.id AND i.amount_minor > 0
               AND p.state IN ('DRAFT', 'APPROVED', 'SUBMITTED', 'UNKNOWN'))",
    },
    Check {
        invariant: "an adjustment moves money of its own partner, in its own currency",
        name: id::<AdjustmentId>,
        sql: "SELECT m.id, m.reason AS beside FROM adjustments m
         JOIN ledger_transfers t ON t.adjustment_id = m.id
         JOIN ledger_entries e ON e.transfer_id = t.id JOIN ledger_accounts a ON a.id = e.account_id
         WHERE a.partnership_id <> m.partnership_id OR a.currency <> m.currency",
    },
    Check {
        invariant: "an adjustment has moved what it says",
        name: id::<AdjustmentId>,
        sql: "SELECT m.id, m.reason AS beside FROM adjustments m
         LEFT JOIN ledger_transfers t ON t.adjustment_id = m.id
         LEFT JOIN ledger_entries e ON e.transfer_id = t.id
         LEFT JOIN ledger_accounts a ON a.id = e.account_id
         GROUP BY m.id, m.reason, m.amount_minor
         HAVING COALESCE(SUM(CASE WHEN a.kind = 'AVAILABLE' THEN e.amount_minor ELSE 0 END), 0) <> m.amount_minor",
    },
    Check {
        invariant: "payouts that stand pay no more of an adjustment than it is",
        name: id::<AdjustmentId>,
        sql: "SELECT m.id, m.reason AS beside FROM adjustments m
         JOIN payout_items i ON i.adjustment_id = m.id
         JOIN payouts p ON p.id = i.payout_id AND p.state NOT IN ('CANCELLED', 'FAILED', 'RETURNED')
         GROUP BY m.id, m.reason, m.amount_minor
         HAVING SUM(i.amount_minor) < CASE WHEN m.amount_minor < 0 THEN m.amount_minor ELSE 0 END
             OR SUM(i.amount_minor) > CASE WHEN m.amount_minor > 0 THEN m.amount_minor ELSE 0 END",
    },
    Check {
        invariant: "an approved transfer to a customer has moved what it says",
        name: id::<StoreCreditTransferId>,
        sql: "SELECT s.id, s.customer_external_id AS beside FROM store_credit_transfers s
         LEFT JOIN adjustments m ON m.id = s.adjustment_id
         LEFT JOIN ledger_transfers t ON t.adjustment_id = m.id
         LEFT JOIN ledger_entries e ON e.transfer_id = t.id
         LEFT JOIN ledger_accounts a ON a.id = e.account_id
         GROUP BY s.id, m.id
         HAVING (s.state = 'APPROVED') <> (s.adjustment_id IS NOT NULL)
             OR (s.adjustment_id IS NOT NULL AND (m.kind <> 'STORE_CREDIT' OR m.amount_minor <> -s.amount_minor
                 OR m.currency <> s.currency OR m.partnership_id <> s.partnership_id
                 OR SUM(CASE WHEN a.kind = 'STORE_CREDIT' AND a.customer_id = s.customer_id THEN e.amount_minor
                             ELSE 0 END) <> s.amount_minor))",
    },
    Check {
        invariant: "what was given to a customer was asked for",
        name: id::<AdjustmentId>,
        sql: "SELECT m.id, m.reason AS beside FROM adjustments m WHERE m.kind = 'STORE_CREDIT'
         AND NOT EXISTS (SELECT 1 FROM store_credit_transfers s WHERE s.adjustment_id = m.id)",
    },
    Check {
        invariant: "a redemption has moved what it says",
        name: id::<StoreCreditRedemptionId>,
        sql: "SELECT r.id, COALESCE(a.account_key, r.currency) AS beside FROM store_credit_redemptions r
         LEFT JOIN ledger_accounts a ON a.customer_id = r.customer_id AND a.currency = r.currency
             AND a.kind = 'STORE_CREDIT'
         LEFT JOIN ledger_transfers t ON t.redemption_id = r.id
         LEFT JOIN ledger_entries e ON e.transfer_id = t.id
         GROUP BY r.id, a.id
         HAVING COALESCE(-SUM(CASE WHEN e.account_id = a.id THEN e.amount_minor ELSE 0 END), 0) <> r.amount_minor",
    },
    Check {
        invariant: "a customer has what transfers brought and redemptions left",
        name: key,
        sql: "SELECT a.account_key AS name FROM ledger_accounts a
         WHERE a.kind = 'STORE_CREDIT' AND (a.customer_id IS NULL OR a.balance_minor <>
             (SELECT COALESCE(SUM(s.amount_minor), 0) FROM store_credit_transfers s
              WHERE s.customer_id = a.customer_id AND s.currency = a.currency AND s.state = 'APPROVED')
             - (SELECT COALESCE(SUM(r.amount_minor), 0) FROM store_credit_redemptions r
                WHERE r.customer_id = a.customer_id AND r.currency = a.currency))",
    },
    Check {
        invariant: "what is available is what commissions and adjustments brought, and no payout took",
        name: key,
        sql: "SELECT a.account_key AS name FROM ledger_accounts a
         WHERE a.kind = 'AVAILABLE' AND a.balance_minor <>
             (SELECT COALESCE(SUM(c.amount_minor - c.reversed_minor - c.reserve_left_minor), 0) FROM commissions c
              WHERE c.partnership_id = a.partnership_id AND c.currency = a.currency AND c.mode = 'LIVE'
                AND c.state IN ('APPROVED', 'IN_PAYOUT', 'PAID', 'REVERSED'))
             + (SELECT COALESCE(SUM(m.amount_minor), 0) FROM adjustments m
                WHERE m.partnership_id = a.partnership_id AND m.currency = a.currency)
             - (SELECT COALESCE(SUM(p.amount_minor), 0) FROM payouts p
                WHERE p.partnership_id = a.partnership_id AND p.currency = a.currency
                  AND p.state NOT IN ('CANCELLED', 'FAILED', 'RETURNED'))",
    },
    Check {
        invariant: "an order's refunds, chargebacks and captures add up",
        name: id::<OrderId>,
        sql: "SELECT o.id, o.external_id AS beside FROM orders o
         WHERE o.refunded_minor <> (SELECT COALESCE(SUM(r.amount_minor), 0) FROM refunds r WHERE r.order_id = o.id)
            OR o.charged_back_minor <> (SELECT COALESCE(SUM(b.amount_minor), 0) FROM chargebacks b
                                        WHERE b.order_id = o.id AND b.state <> 'WON')
            OR o.captured_minor <> (SELECT COALESCE(SUM(k.amount_minor), 0) FROM captures k WHERE k.order_id = o.id)",
    },
    Check {
        invariant: "no more of an order is gone than it came to",
        name: id::<OrderId>,
        sql: "SELECT o.id, o.external_id AS beside FROM orders o
         WHERE o.released_minor < 0 OR o.captured_minor > o.amount_minor - o.released_minor
            OR o.refunded_minor + o.charged_back_minor + o.released_minor > o.amount_minor",
    },
    Check {
        invariant: "the lines of an order add up to it",
        name: id::<OrderId>,
        sql: "SELECT o.id, o.external_id AS beside FROM orders o JOIN order_lines l ON l.order_id = o.id
         GROUP BY o.id, o.external_id, o.amount_minor, o.refunded_minor, o.charged_back_minor, o.released_minor
         HAVING SUM(l.amount_minor) <> o.amount_minor
             OR SUM(l.refunded_minor + l.shared_minor)
                <> o.refunded_minor + o.charged_back_minor + o.released_minor",
    },
    Check {
        invariant: "no more of a line is gone than it came to",
        name: id::<OrderLineId>,
        sql: "SELECT l.id, o.external_id || ', line ' || l.external_id AS beside
         FROM order_lines l JOIN orders o ON o.id = l.order_id
         WHERE l.refunded_minor < 0 OR l.shared_minor < 0 OR l.refunded_minor + l.shared_minor > l.amount_minor
            OR l.refunded_quantity < 0 OR l.refunded_quantity > l.quantity",
    },
    Check {
        invariant: "a line's refunds add up",
        name: id::<OrderLineId>,
        sql: "SELECT l.id, o.external_id || ', line ' || l.external_id AS beside
         FROM order_lines l JOIN orders o ON o.id = l.order_id LEFT JOIN refund_lines r ON r.order_line_id = l.id
         GROUP BY l.id, o.external_id, l.external_id, l.refunded_minor, l.refunded_quantity
         HAVING COALESCE(SUM(r.amount_minor), 0) <> l.refunded_minor
             OR COALESCE(SUM(r.quantity), 0) <> l.refunded_quantity",
    },
    Check {
        invariant: "a refund of lines is the sum of them",
        name: id::<RefundId>,
        sql: "SELECT f.id, o.external_id AS beside FROM refunds f JOIN orders o ON o.id = f.order_id
         JOIN refund_lines r ON r.refund_id = f.id
         GROUP BY f.id, o.external_id, f.amount_minor HAVING SUM(r.amount_minor) <> f.amount_minor",
    },
    Check {
        invariant: "a commission is computed on what its line, or its order, came to",
        name: id::<CommissionId>,
        sql: "SELECT c.id, c.arithmetic AS beside FROM commissions c JOIN conversions v ON v.id = c.conversion_id
         LEFT JOIN order_lines l ON l.id = c.order_line_id
         WHERE c.base_minor <> COALESCE(l.amount_minor, v.amount_minor)
            OR (l.id IS NOT NULL AND l.order_id <> v.order_id)
            OR (l.id IS NULL AND EXISTS (SELECT 1 FROM order_lines m WHERE m.order_id = v.order_id))",
    },
    Check {
        invariant: "a conversion says what is gone of its order",
        name: id::<ConversionId>,
        sql: "SELECT c.id, o.external_id AS beside FROM conversions c JOIN orders o ON o.id = c.order_id
         WHERE c.amount_minor <> o.amount_minor
            OR c.refunded_minor <> o.refunded_minor + o.charged_back_minor + o.released_minor",
    },
];
