//! What a bank says of payouts: taken in whole or not at all, and once.

use std::collections::{BTreeMap, BTreeSet};

use entity::{
    ids::{BrandId, PayoutId},
    payout::{self, PayoutRail, PayoutState},
    payout_import,
};
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Code, MAX_NAMED, Result};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    audit::{self, Change},
    error::{Failure, Fault},
    idempotency::{Outcome, hex},
    infra::{
        db::INSERT_CHUNK,
        rails::{
            files::results::{self, Outcome as Said, ResultLine},
            instruction::parse_item_key,
        },
    },
    ledger::balances,
    payouts::service::settle::{Undone, pay_in_tx, undo_in_tx},
};

/// Lines of one answer: of a few batches.
const MAX_LINES: usize = 5_000;
/// What is written on a payout that the bank sent back.
const RETURNED_BY_BANK: &str = "the bank sent it back";

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LineOutcome {
    Paid,
    Returned,
    /// It stood so already.
    Unchanged,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportLine {
    /// Its line in the file; the headings are line 1.
    pub row: u64,
    /// The payout's id, as text.
    pub payout: String,
    pub outcome: LineOutcome,
}

/// What a file came to.
#[derive(Clone, Debug)]
pub struct Import {
    pub row: payout_import::Model,
    pub lines: Vec<ImportLine>,
}

impl Import {
    fn read(row: payout_import::Model) -> std::result::Result<Self, Fault> {
        let lines = serde_json::from_str(&row.outcomes).map_err(Fault::new)?;
        Ok(Self { row, lines })
    }
}

/// Takes in what a bank did. The same bytes again change nothing and answer the same.
pub async fn import_results(app: &App, actor: &Actor, brand: BrandId, content: &str) -> Result<Outcome<Import>> {
    actor.authorise(Operation::ImportPayoutResults, Place::brand(brand))?;
    let lines = results::read(content.as_bytes()).map_err(|errors| {
        let words: Vec<String> = errors
            .iter()
            .take(MAX_NAMED)
            .map(|error| {
                let about = error.row.map_or("the file".to_owned(), |row| format!("line {row}"));
                format!("{about}: {} ({})", error.message, error.code.as_str())
            })
            .collect();
        Failure::refused_field(Code::ResultsInvalid, "content", words.join("; "))
    })?;
    if lines.len() > MAX_LINES {
        return Err(Failure::refused_field(
            Code::ResultsInvalid,
            "content",
            format!("a file has at most {MAX_LINES} rows"),
        ));
    }
    let sha256 = hex(&Sha256::digest(content.as_bytes()));
    let tx = app.db.begin().await?;
    if let Some(value) = find_import_in_tx(&tx, brand, &sha256).await? {
        tx.commit().await?;
        return Ok(Outcome {
            value: Import::read(value)?,
            replayed: true,
        });
    }
    let payouts = lock_named_in_tx(&tx, brand, &lines).await?;
    // A twin that came first holds the payouts, and has noted itself by now.
    if let Some(value) = find_import_in_tx(&tx, brand, &sha256).await? {
        tx.commit().await?;
        return Ok(Outcome {
            value: Import::read(value)?,
            replayed: true,
        });
    }
    check(&lines, &payouts)?;
    balances::lock_all_available_in_tx(&tx, payouts.values().map(|payout| payout.partnership_id)).await?;
    let outcomes = take_in_tx(&tx, app, actor, &lines, payouts).await?;
    let now = app.clock.now();
    let row = payout_import::Model {
        id: app.ids.new_id(now),
        brand_id: brand,
        sha256,
        outcomes: serde_json::to_string(&outcomes).map_err(Fault::new)?,
        created_by: actor.user().ok(),
        created_at: now,
    };
    payout_import::Entity::insert(row.clone().into_active_model())
        .exec_without_returning(&tx)
        .await?;
    audit::record_in_tx(
        &tx,
        app,
        actor,
        Change::of_fact(brand, "payout_results.imported", brand),
    )
    .await?;
    app.commit(tx).await?;
    Ok(Outcome {
        value: Import { row, lines: outcomes },
        replayed: false,
    })
}

async fn find_import_in_tx(
    tx: &DatabaseTransaction,
    brand: BrandId,
    sha256: &str,
) -> std::result::Result<Option<payout_import::Model>, Fault> {
    let row = payout_import::Entity::find()
        .filter(payout_import::Column::BrandId.eq(brand))
        .filter(payout_import::Column::Sha256.eq(sha256))
        .one(tx)
        .await?;
    Ok(row)
}

/// The payout of a line's key.
fn payout_of(line: &ResultLine) -> Option<PayoutId> {
    parse_item_key(&line.key).map(|(payout, _)| PayoutId(payout))
}

/// Those of the brand's payouts that are named, locked, the oldest first.
async fn lock_named_in_tx(
    tx: &DatabaseTransaction,
    brand: BrandId,
    lines: &[ResultLine],
) -> std::result::Result<BTreeMap<PayoutId, payout::Model>, Fault> {
    let mut ids: Vec<PayoutId> = lines.iter().filter_map(payout_of).collect();
    ids.sort_unstable();
    let mut rows = BTreeMap::new();
    for chunk in ids.chunks(INSERT_CHUNK) {
        let locked = payout::Entity::find()
            .filter(payout::Column::Id.is_in(chunk.iter().copied()))
            .filter(payout::Column::BrandId.eq(brand))
            .order_by_asc(payout::Column::Id)
            .lock_exclusive()
            .all(tx)
            .await?;
        rows.extend(locked.into_iter().map(|row| (row.id, row)));
    }
    Ok(rows)
}

/// Names every line that cannot be.
fn check(lines: &[ResultLine], payouts: &BTreeMap<PayoutId, payout::Model>) -> Result<()> {
    let mut wrong = Vec::new();
    let mut named = BTreeSet::new();
    for line in lines {
        let payout = payout_of(line).and_then(|id| payouts.get(&id));
        let problem = match payout {
            // A key has a number of its own for each try: two of them name one payout.
            Some(row) if !named.insert(row.id) => Some(format!("{} stands in the file twice", row.id)),
            None => Some("no payout of this brand has this line_id".to_owned()),
            Some(row) if !matches!(row.rail, PayoutRail::BankFile | PayoutRail::Manual) => {
                Some(format!("{} is paid by a provider", row.id))
            }
            Some(row) => (!goes(row.state, line.outcome)).then(|| {
                let said = match line.outcome {
                    Said::Paid => "paid",
                    Said::Returned => "returned",
                };
                format!("{} is {:?} and cannot be {said}", row.id, row.state)
            }),
        };
        wrong.extend(problem.map(|problem| format!("line {}: {problem}", line.row)));
    }
    if wrong.is_empty() {
        return Ok(());
    }
    wrong.truncate(MAX_NAMED);
    Err(Failure::refused_field(
        Code::ResultsInvalid,
        "content",
        wrong.join("; "),
    ))
}

/// Whether a payout may come to this from there, or is there.
fn goes(from: PayoutState, said: Said) -> bool {
    match said {
        Said::Paid => matches!(from, PayoutState::Approved | PayoutState::Submitted | PayoutState::Paid),
        Said::Returned => matches!(from, PayoutState::Submitted | PayoutState::Paid | PayoutState::Returned),
    }
}

async fn take_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    lines: &[ResultLine],
    payouts: BTreeMap<PayoutId, payout::Model>,
) -> Result<Vec<ImportLine>> {
    let mut payouts = payouts;
    let mut outcomes = Vec::with_capacity(lines.len());
    for line in lines {
        let Some(row) = payout_of(line).and_then(|id| payouts.get_mut(&id)) else {
            continue;
        };
        let outcome = match (line.outcome, row.state) {
            (Said::Paid, PayoutState::Paid) | (Said::Returned, PayoutState::Returned) => LineOutcome::Unchanged,
            (Said::Paid, _) => {
                row.reference = Some(line.bank_reference.clone());
                pay_in_tx(tx, app, actor, row, None).await?;
                LineOutcome::Paid
            }
            (Said::Returned, _) => {
                row.failure_reason = Some(RETURNED_BY_BANK.to_owned());
                undo_in_tx(tx, app, actor, row, Undone::Returned, Some(RETURNED_BY_BANK), None).await?;
                LineOutcome::Returned
            }
        };
        outcomes.push(ImportLine {
            row: line.row,
            payout: row.id.to_string(),
            outcome,
        });
    }
    Ok(outcomes)
}
