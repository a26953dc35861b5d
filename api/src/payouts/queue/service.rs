//! Looking through the queue.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use entity::{
    TenantScoped, brand,
    commission::{self, CommissionState},
    ids::{BrandId, LedgerAccountId, PartnerId, PartnershipId},
    ledger_account::{self, LedgerAccountKind},
    partnership::{self, PartnershipState},
    payout::PayoutRail,
    payout_method,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, Func},
};

use super::rules::{self, Block, BlockCode, Standing};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    error::{ApiError, Fault},
    infra::rails::RailKind,
    money::{Currency, Money},
    page::{self, Page, Slice},
    payouts::{
        methods::service::find_chosen,
        rails,
        rules::{self as amounts, Item},
        service::draft::find_items,
    },
};

/// Payouts of one batch.
pub const MAX_BATCH: usize = 1_000;
/// Balances looked at for one batch or one preview.
const MAX_SEEN: usize = 20_000;
/// Balances looked at at a time.
const STEP: u64 = 500;
/// Partnerships that are named one by one.
pub const MAX_NAMED: usize = 1_000;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Scope {
    pub currency: Currency,
    /// What became available later is left for the next time.
    pub cutoff: Option<DateTime<Utc>>,
    /// Only these; empty for all.
    pub include: BTreeSet<PartnershipId>,
    /// Not these.
    pub exclude: BTreeSet<PartnershipId>,
}

impl Scope {
    #[must_use]
    pub fn all_of(currency: Currency, cutoff: Option<DateTime<Utc>>) -> Self {
        Self {
            currency,
            cutoff,
            include: BTreeSet::new(),
            exclude: BTreeSet::new(),
        }
    }
}

/// A partner with a balance, and what the queue says of it.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub partnership: partnership::Model,
    pub available: Money,
    /// What a payout now would pay.
    pub due: Money,
    pub method: Option<payout_method::Model>,
    pub rail: Option<PayoutRail>,
    pub blocks: Vec<Block>,
    /// What it would pay it of; only where it was asked for.
    pub items: Vec<Item>,
}

/// An available balance that is not zero.
pub type Account = (LedgerAccountId, PartnershipId, i64);

/// What is said of balances needs to know what they are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    Amounts,
    Items,
}

/// What the queue says of these balances, in their order.
pub async fn look(
    app: &App,
    db: &impl ConnectionTrait,
    brand: &brand::Model,
    scope: &Scope,
    accounts: &[Account],
    depth: Depth,
) -> Result<Vec<Candidate>, Fault> {
    let currency = scope.currency;
    let ids: Vec<PartnershipId> = accounts.iter().map(|(_, partnership, _)| *partnership).collect();
    let rows = partnership::Entity::find()
        .filter(partnership::Column::Id.is_in(ids.iter().copied()))
        .all(db)
        .await?;
    let mut partnerships: HashMap<PartnershipId, partnership::Model> =
        rows.into_iter().map(|row| (row.id, row)).collect();
    let partners: BTreeSet<PartnerId> = partnerships.values().map(|row| row.partner_id).collect();
    let methods = find_chosen(db, partners, currency.code()).await?;
    let connected: BTreeSet<RailKind> = rails::connected(app, db, brand.id).await?.into_keys().collect();
    let undecided = count_undecided(db, partnerships.values()).await?;
    let mut items = if depth == Depth::Items || scope.cutoff.is_some() {
        find_items(db, &ids, currency).await?
    } else {
        HashMap::new()
    };
    let minimum = amounts::minimum(brand, currency);
    let mut candidates = Vec::with_capacity(accounts.len());
    for (_, id, available_minor) in accounts {
        let Some(partnership) = partnerships.remove(id) else {
            return Err(Fault::new(format!("a balance of {id}, which is gone")));
        };
        let items = amounts::until(items.remove(id).unwrap_or_default(), scope.cutoff);
        let available = Money::new(*available_minor, currency);
        let due = match scope.cutoff {
            Some(_) => Money::new(items.iter().map(|item| item.amount_minor).sum(), currency),
            None => available,
        };
        let method = methods.get(&partnership.partner_id).cloned();
        let rail = method
            .as_ref()
            .and_then(|method| rules::rail_to(method.kind, &connected));
        let blocks = rules::blocks(&Standing {
            partnership: &partnership,
            available,
            due,
            minimum,
            method: method.as_ref(),
            rail,
            undecided: undecided.get(id).copied().unwrap_or(0),
            now: app.clock.now(),
        });
        candidates.push(Candidate {
            partnership,
            available,
            due,
            method,
            rail,
            blocks,
            items,
        });
    }
    Ok(candidates)
}

/// Of banned partners, how many commissions nobody has decided on.
async fn count_undecided(
    db: &impl ConnectionTrait,
    partnerships: impl Iterator<Item = &partnership::Model>,
) -> Result<HashMap<PartnershipId, u64>, DbErr> {
    let banned: Vec<PartnershipId> = partnerships
        .filter(|row| row.state == PartnershipState::Banned)
        .map(|row| row.id)
        .collect();
    if banned.is_empty() {
        return Ok(HashMap::new());
    }
    let counts: Vec<(PartnershipId, i64)> = commission::Entity::find_live()
        .select_only()
        .column(commission::Column::PartnershipId)
        .column_as(
            Func::count(Expr::col(commission::Column::Id)).cast_as("bigint"),
            "count",
        )
        .filter(commission::Column::PartnershipId.is_in(banned))
        .filter(commission::Column::State.eq(CommissionState::Pending))
        .group_by(commission::Column::PartnershipId)
        .into_tuple()
        .all(db)
        .await?;
    Ok(counts
        .into_iter()
        .map(|(partnership, count)| (partnership, u64::try_from(count).unwrap_or(0)))
        .collect())
}

/// Available balances of a brand in a currency that are not zero.
fn balances(brand: BrandId, currency: Currency) -> sea_orm::Select<ledger_account::Entity> {
    ledger_account::Entity::find()
        .filter(ledger_account::Column::BrandId.eq(brand))
        .filter(ledger_account::Column::Kind.eq(LedgerAccountKind::Available))
        .filter(ledger_account::Column::Currency.eq(currency.code()))
        .filter(ledger_account::Column::BalanceMinor.ne(0))
}

fn account(row: &ledger_account::Model) -> Option<Account> {
    Some((row.id, row.partnership_id?, row.balance_minor?))
}

/// One page of the queue.
pub async fn list_candidates(
    app: &App,
    actor: &Actor,
    brand: BrandId,
    currency: Currency,
    cutoff: Option<DateTime<Utc>>,
    page: &Page,
) -> Result<Slice<Candidate>, ApiError> {
    actor.authorise(Operation::SeePayoutQueue, Place::brand(brand))?;
    let db = app.db.read();
    let slice = page::fetch(
        db,
        balances(brand, currency),
        ledger_account::Column::Id,
        |row: &ledger_account::Model| row.id.0,
        page,
    )
    .await
    .map_err(ApiError::internal)?;
    let brand = find_brand(db, brand).await.map_err(ApiError::internal)?;
    let accounts: Vec<Account> = slice.items.iter().filter_map(|(_, row)| account(row)).collect();
    let scope = Scope::all_of(currency, cutoff);
    let candidates = look(app, db, &brand, &scope, &accounts, Depth::Amounts)
        .await
        .map_err(ApiError::internal)?;
    let cursors = slice.items.into_iter().map(|(cursor, _)| cursor);
    Ok(Slice {
        items: cursors.zip(candidates).collect(),
        has_previous_page: slice.has_previous_page,
        has_next_page: slice.has_next_page,
        total: slice.total,
    })
}

pub(in crate::payouts) async fn find_brand(db: &impl ConnectionTrait, id: BrandId) -> Result<brand::Model, Fault> {
    brand::Entity::find_by_id(id)
        .one(db)
        .await?
        .ok_or_else(|| Fault::new("a brand is gone"))
}

/// What a look through the whole queue came to.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Those that would be paid, the oldest balance first, at most as many as a batch has.
    pub due: Vec<Candidate>,
    /// How many are not, for each reason; somebody with two reasons counts for both.
    pub blocked: BTreeMap<BlockCode, usize>,
    /// Nobody was left out for their number.
    pub is_complete: bool,
}

/// Looks through the queue for a batch.
pub async fn look_through(
    app: &App,
    db: &impl ConnectionTrait,
    brand: &brand::Model,
    scope: &Scope,
) -> Result<Seen, Fault> {
    let mut seen = Seen::default();
    let mut after: Option<LedgerAccountId> = None;
    let mut count = 0;
    loop {
        let mut select = balances(brand.id, scope.currency)
            .order_by_asc(ledger_account::Column::Id)
            .limit(STEP);
        if let Some(after) = after {
            select = select.filter(ledger_account::Column::Id.gt(after));
        }
        if !scope.include.is_empty() {
            select = select.filter(ledger_account::Column::PartnershipId.is_in(scope.include.iter().copied()));
        }
        let rows = select.all(db).await?;
        let Some(last) = rows.last() else {
            seen.is_complete = true;
            return Ok(seen);
        };
        after = Some(last.id);
        count += rows.len();
        let accounts: Vec<Account> = rows
            .iter()
            .filter_map(account)
            .filter(|(_, partnership, _)| !scope.exclude.contains(partnership))
            .collect();
        for candidate in look(app, db, brand, scope, &accounts, Depth::Amounts).await? {
            for block in &candidate.blocks {
                *seen.blocked.entry(block.code).or_default() += 1;
            }
            if candidate.blocks.is_empty() {
                if seen.due.len() == MAX_BATCH {
                    return Ok(seen);
                }
                seen.due.push(candidate);
            }
        }
        if count >= MAX_SEEN {
            return Ok(seen);
        }
    }
}

/// What a batch would be.
pub async fn preview(app: &App, actor: &Actor, brand: BrandId, scope: &Scope) -> Result<Seen, ApiError> {
    actor.authorise(Operation::PreviewPayouts, Place::brand(brand))?;
    let db = app.db.read();
    let brand = find_brand(db, brand).await.map_err(ApiError::internal)?;
    look_through(app, db, &brand, scope).await.map_err(ApiError::internal)
}
