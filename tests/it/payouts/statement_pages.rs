//! A statement page by page: the balances are those of the account, whichever way the pages are read and whatever is left out.

use std::collections::{BTreeMap, HashMap};

use entity::{
    ids::{LedgerAccountId, LedgerEntryId, PartnershipId},
    ledger_account::{self, LedgerAccountKind},
    ledger_entry,
    ledger_transfer::{self, TransferKind},
};
use rstest::rstest;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::json;
use tributary::{
    ledger::entries::{Holder, Only, list_entries},
    page::Page,
};

use crate::support::{
    app::{TestApp, with_app},
    database::Database,
    marketplace::{Market, Promoter},
};

const SECOND: &str = "2026-01-16T00:00:00Z";
const THIRD: &str = "2026-01-17T00:00:00Z";

/// Three days of a partner, and of another one in between.
async fn history(app: &TestApp) -> PartnershipId {
    let mut market = app.market("aurora").await;
    let mut seller = app.promoter(&market, "seller", None).await;
    let mut other = app.promoter(&market, "other", None).await;
    app.code(&seller, "SELLER", json!({})).await;
    app.code(&other, "OTHER", json!({})).await;
    for day in 0..3 {
        for (name, amount) in [("SELLER", "100.00"), ("OTHER", "70.00"), ("SELLER", "33.30")] {
            let order = format!("{name}-{day}-{amount}");
            let evidence = json!({ "promoCodes": [name] });
            let sale = app.sale(&market, &order, amount, evidence).await;
            app.approve(&market, &sale).await;
            adjust(app, &market, &seller, &order, "1.50").await;
        }
        let users = [&mut market.owner, &mut seller.user, &mut other.user];
        app.advance_days(1, users).await;
    }
    app.refund(&market, "SELLER-1-100.00", 1, "40.00").await;
    let payout = app.approved_payout(&market, &seller, "payout").await;
    app.mark_paid(&market, &payout, "UTR-1").await;
    seller.partnership.parse().unwrap()
}

async fn adjust(app: &TestApp, market: &Market, seller: &Promoter, key: &str, amount: &str) {
    let input = json!({
        "idempotencyKey": key, "partnershipId": seller.partnership, "direction": "DEBIT",
        "amount": { "amount": amount, "currency": "EUR" }, "reason": "a sample",
    });
    app.done(&market.owner, "adjustBalance", input, "adjustment { id }")
        .await;
}

/// An entry, and what it has to have left.
struct Wanted {
    id: LedgerEntryId,
    account: LedgerAccountKind,
    transfer: ledger_transfer::Model,
    balance_minor: i64,
}

/// Everything, newest first, summed here.
async fn wanted(app: &TestApp, partnership: PartnershipId) -> Vec<Wanted> {
    let accounts: HashMap<LedgerAccountId, LedgerAccountKind> = ledger_account::Entity::find()
        .filter(ledger_account::Column::PartnershipId.eq(partnership))
        .all(app.db())
        .await
        .unwrap()
        .into_iter()
        .map(|row| (row.id, row.kind))
        .collect();
    let entries = ledger_entry::Entity::find()
        .filter(ledger_entry::Column::AccountId.is_in(accounts.keys().copied()))
        .order_by_asc(ledger_entry::Column::Id)
        .all(app.db())
        .await
        .unwrap();
    let transfers: HashMap<_, _> = ledger_transfer::Entity::find()
        .all(app.db())
        .await
        .unwrap()
        .into_iter()
        .map(|row| (row.id, row))
        .collect();
    let mut sums: BTreeMap<LedgerAccountId, i64> = BTreeMap::new();
    let mut all: Vec<Wanted> = entries
        .into_iter()
        .map(|entry| {
            let sum = sums.entry(entry.account_id).or_default();
            *sum += entry.amount_minor;
            Wanted {
                id: entry.id,
                account: accounts[&entry.account_id],
                transfer: transfers[&entry.transfer_id].clone(),
                balance_minor: *sum,
            }
        })
        .collect();
    all.reverse();
    all
}

impl Wanted {
    fn is_of(&self, only: &Only) -> bool {
        let occurred_at = self.transfer.occurred_at;
        only.accounts.as_ref().is_none_or(|kinds| kinds.contains(&self.account))
            && only
                .kinds
                .as_ref()
                .is_none_or(|kinds| kinds.contains(&self.transfer.kind))
            && only.from.is_none_or(|from| occurred_at >= from)
            && only.until.is_none_or(|until| occurred_at < until)
    }
}

type Read = Vec<(LedgerEntryId, i64)>;

/// All pages of a size from the newest entry on, or from the oldest one; in the order of the list either way.
async fn read_all(app: &TestApp, partnership: PartnershipId, only: &Only, size: i32, from_end: bool) -> Read {
    let mut read: Read = Vec::new();
    let mut cursor = None;
    loop {
        let page = if from_end {
            Page::new(None, None, Some(size), cursor, false)
        } else {
            Page::new(Some(size), cursor, None, None, false)
        };
        let slice = list_entries(
            &app.app,
            Holder::Partnership(partnership),
            "EUR",
            only.clone(),
            &page.unwrap(),
        )
        .await
        .unwrap();
        let lines = slice.items.iter().map(|(_, line)| (line.entry.id, line.balance_minor));
        if from_end {
            read.splice(0..0, lines);
            cursor = slice.items.first().map(|(cursor, _)| cursor.clone());
        } else {
            read.extend(lines);
            cursor = slice.items.last().map(|(cursor, _)| cursor.clone());
        }
        let more = if from_end {
            slice.has_previous_page
        } else {
            slice.has_next_page
        };
        if !more {
            return read;
        }
    }
}

#[rstest]
#[tokio::test]
async fn every_page_says_what_was_left_whichever_end_it_is_read_from(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let partnership = history(&app).await;
        let all = wanted(&app, partnership).await;
        assert!(all.len() > 30, "{} entries", all.len());
        let day = |text: &str| Some(text.parse().unwrap());
        for only in [
            Only::default(),
            Only {
                accounts: Some(vec![LedgerAccountKind::Available]),
                ..Only::default()
            },
            Only {
                from: day(SECOND),
                until: day(THIRD),
                ..Only::default()
            },
            Only {
                accounts: Some(vec![LedgerAccountKind::Available, LedgerAccountKind::Reserve]),
                until: day(THIRD),
                ..Only::default()
            },
            Only {
                kinds: Some(vec![TransferKind::BalanceCorrected, TransferKind::CommissionClawedBack]),
                from: day(SECOND),
                ..Only::default()
            },
        ] {
            let right: Read = all
                .iter()
                .filter(|entry| entry.is_of(&only))
                .map(|entry| (entry.id, entry.balance_minor))
                .collect();
            assert!(right.len() > 4, "{only:?}");
            for size in [1, 4, 100] {
                for from_end in [false, true] {
                    let read = read_all(&app, partnership, &only, size, from_end).await;
                    assert_eq!(read, right, "{only:?} by {size}, from the end: {from_end}");
                }
            }
        }
    })
    .await;
}

/// A page costs the same statements at either end of a history, and no more where it holds more.
#[rstest]
#[tokio::test]
async fn a_page_takes_four_statements(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let partnership = history(&app).await;
        let mut counts = Vec::new();
        for (first, last) in [(Some(1), None), (None, Some(1)), (Some(100), None), (None, Some(100))] {
            let page = Page::new(first, None, last, None, false).unwrap();
            let holder = Holder::Partnership(partnership);
            let statements = app.count_statements(async || {
                let read = list_entries(&app.app, holder, "EUR", Only::default(), &page).await;
                assert!(!read.unwrap().items.is_empty());
            });
            counts.push(statements.await);
        }
        assert_eq!(counts, [4, 4, 4, 4]);
    })
    .await;
}
