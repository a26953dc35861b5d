//! Commissions in the transactions of conversions: accrue, approve, reject, reverse.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    TenantScoped,
    api_key::ApiKeyMode,
    brand,
    commission::{self, CommissionState},
    commission_rule::{self, ConversionEvent},
    conversion::{self, ConversionState},
    ids::{BrandId, CommissionId, ConversionId, OrderLineId, PartnerGroupId, PartnerId, PartnershipId, ProgramId},
    ledger_account::LedgerAccountKind,
    ledger_transfer::TransferKind,
    partner_group,
    partnership::{self, PartnershipState},
    program, referral_level,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::json;

use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    commissions::rules::{
        self, Ancestor, Conditions, Earning, Earnings, Holder, Level, Line as OrderLine, Rule, RuleLevel, Standing,
    },
    error::{ApiError, Fault},
    infra::db::INSERT_CHUNK,
    ledger::{
        balances,
        post::{self, Line, Owner, Posting},
    },
    money::{Currency, Money},
    outbox::{self, Fact, Topic},
    page::{self, Page, Slice},
    partnerships::service as partnerships,
    programs::service as programs,
};

/// A credited event whose earnings are to be found.
pub struct Credited<'a> {
    pub program: &'a program::Model,
    pub partnership: &'a partnership::Model,
    pub event: ConversionEvent,
    pub base: Option<Money>,
    /// What makes up the base, when its order came with lines.
    pub lines: &'a [OrderLine],
    pub occurred_at: DateTime<Utc>,
}

/// Earnings with the rows above the credited partnership, which name their partners.
#[derive(Clone, Debug)]
pub struct Assessed {
    pub earnings: Earnings,
    /// Until when all of it is held, overrides too.
    pub hold_until: DateTime<Utc>,
    upline: Vec<(i32, partnership::Model)>,
}

/// What events of some programs earn: their rules, groups, levels and referral trees as they stand.
#[derive(Default)]
pub struct Tariff {
    groups: HashMap<PartnerGroupId, partner_group::Model>,
    rules: HashMap<(ProgramId, ConversionEvent), Vec<(Standing, Rule)>>,
    levels: HashMap<ProgramId, Vec<Level>>,
    uplines: HashMap<PartnershipId, Vec<(i32, partnership::Model)>>,
}

fn fixed(amount_minor: Option<i64>, currency: Option<&String>) -> Result<Option<Money>, Fault> {
    match (amount_minor, currency) {
        (Some(amount), Some(currency)) => Ok(Some(Money::new(amount, currency.parse().map_err(Fault::new)?))),
        _ => Ok(None),
    }
}

fn rule_of(
    row: &commission_rule::Model,
    groups: &HashMap<PartnerGroupId, partner_group::Model>,
) -> Result<Rule, Fault> {
    let fixed = fixed(row.amount_minor, row.currency.as_ref())?;
    Ok(Rule {
        id: row.id.to_string(),
        level: match (row.partnership_id, row.group_id) {
            (Some(_), _) => RuleLevel::Partnership,
            (None, Some(id)) => RuleLevel::Group {
                id: id.to_string(),
                name: groups
                    .get(&id)
                    .map(|group| group.name.clone())
                    .ok_or_else(|| Fault::new("a rule of a group that is gone"))?,
            },
            (None, None) => RuleLevel::Program,
        },
        kind: row.kind,
        rate_ppm: row.rate_ppm,
        fixed,
        conditions: Conditions {
            product_ids: listed(row.product_ids.as_deref())?.into_iter().collect(),
            categories: listed(row.categories.as_deref())?
                .iter()
                .map(|category| rules::fold_category(category))
                .collect(),
        },
    })
}

fn listed(stored: Option<&str>) -> Result<Vec<String>, Fault> {
    stored.map_or_else(
        || Ok(Vec::new()),
        |stored| serde_json::from_str(stored).map_err(Fault::new),
    )
}

impl From<&partnership::Model> for Holder {
    fn from(row: &partnership::Model) -> Self {
        Self {
            partnership: row.id,
            group: row.group_id,
        }
    }
}

/// Where a stored rule stands.
pub(super) fn standing_of(row: &commission_rule::Model) -> Standing {
    Standing {
        id: row.id,
        partnership: row.partnership_id,
        group: row.group_id,
        position: row.position,
        valid_from: row.valid_from,
        valid_until: row.valid_until,
    }
}

fn level_of(row: &referral_level::Model) -> Result<Level, Fault> {
    let fixed = fixed(row.amount_minor, row.currency.as_ref())?;
    Ok(Level {
        level: row.level,
        kind: row.kind,
        rate_ppm: row.rate_ppm,
        fixed,
    })
}

/// The currencies a program accepts.
pub fn accepted_currencies(program: &program::Model) -> Result<Vec<Currency>, Fault> {
    program
        .currencies
        .split(',')
        .map(|code| code.parse().map_err(Fault::new))
        .collect()
}

impl Tariff {
    /// Four statements, however many programs and partnerships, and whatever the depth of their trees.
    pub async fn load_in_tx(
        tx: &DatabaseTransaction,
        events: &[ConversionEvent],
        credited: &[&partnership::Model],
    ) -> Result<Self, Fault> {
        let mut tariff = Self::default();
        if credited.is_empty() {
            return Ok(tariff);
        }
        let programs: BTreeSet<ProgramId> = credited.iter().map(|row| row.program_id).collect();
        let programs: Vec<ProgramId> = programs.into_iter().collect();
        let partnerships: Vec<PartnershipId> = credited.iter().map(|row| row.id).collect();
        let (programs, partnerships) = (programs.as_slice(), partnerships.as_slice());
        let groups: BTreeSet<PartnerGroupId> = credited.iter().filter_map(|row| row.group_id).collect();
        let groups: Vec<PartnerGroupId> = groups.into_iter().collect();
        let rows = programs::list_groups_in_tx(tx, &groups).await?;
        tariff.groups = rows.into_iter().map(|row| (row.id, row)).collect();
        let rows = programs::list_rules_in_tx(tx, programs, &groups, partnerships).await?;
        for row in rows.into_iter().filter(|row| events.contains(&row.event)) {
            let rule = rule_of(&row, &tariff.groups)?;
            let rules = tariff.rules.entry((row.program_id, row.event)).or_default();
            rules.push((standing_of(&row), rule));
        }
        for row in programs::list_levels_in_tx(tx, programs).await? {
            tariff.levels.entry(row.program_id).or_default().push(level_of(&row)?);
        }
        if tariff.levels.is_empty() {
            return Ok(tariff);
        }
        for above in partnerships::list_uplines_in_tx(tx, partnerships).await? {
            let upline = tariff.uplines.entry(above.descendant).or_default();
            upline.push((above.level, above.ancestor));
        }
        Ok(tariff)
    }

    /// What a credited event earns.
    pub fn assess(&self, credited: &Credited<'_>) -> Result<Assessed, Fault> {
        let program = credited.program.id;
        let rules = self.rules.get(&(program, credited.event)).into_iter().flatten();
        let rules = rules::in_precedence(
            rules.map(|(standing, rule)| (*standing, rule)),
            Holder::from(credited.partnership),
            credited.occurred_at,
        );
        let levels = self.levels.get(&program).map_or(&[][..], Vec::as_slice);
        let upline = self.uplines.get(&credited.partnership.id).cloned().unwrap_or_default();
        let ancestors: Vec<Ancestor> = upline
            .iter()
            .map(|(level, row)| Ancestor {
                level: *level,
                partnership: row.id,
                is_active: row.state == PartnershipState::Active,
            })
            .collect();
        let earnings = rules::earn(
            credited.partnership.id,
            credited.base,
            credited.lines,
            &accepted_currencies(credited.program)?,
            &rules,
            levels,
            &ancestors,
        );
        let group = credited.partnership.group_id.and_then(|id| self.groups.get(&id));
        let hold_days = group
            .and_then(|group| group.hold_days)
            .unwrap_or(credited.program.hold_days);
        Ok(Assessed {
            earnings,
            hold_until: hold_until(hold_days, credited.occurred_at),
            upline,
        })
    }
}

/// A conversion whose commissions are to be written.
pub struct Accrual<'a> {
    pub conversion: &'a conversion::Model,
    pub program: &'a program::Model,
    pub partnership: &'a partnership::Model,
    pub assessed: &'a Assessed,
}

/// Writes the commissions of conversions and accrues them in the ledger. What is to be announced of them comes back with
/// its conversion, in order.
pub async fn accrue_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    accruals: &[Accrual<'_>],
) -> Result<Vec<(ConversionId, Fact)>, Fault> {
    let mut rows: Vec<commission::Model> = Vec::new();
    for accrual in accruals {
        // The level-0 commission of each line, or of the event.
        let mut sources: HashMap<Option<OrderLineId>, CommissionId> = HashMap::new();
        for earning in &accrual.assessed.earnings.earnings {
            let row = new_row(app, accrual, earning, sources.get(&earning.line).copied())?;
            sources.entry(earning.line).or_insert(row.id);
            rows.push(row);
        }
    }
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    for chunk in rows.chunks(INSERT_CHUNK) {
        let models: Vec<commission::ActiveModel> = chunk.iter().cloned().map(Into::into).collect();
        commission::Entity::insert_many(models)
            .exec_without_returning(tx)
            .await?;
    }
    let mut facts = Vec::new();
    let mut postings = Vec::new();
    for row in &rows {
        let posting = posting(
            row,
            "accrued",
            TransferKind::CommissionAccrued,
            row.occurred_at,
            [
                (LedgerAccountKind::CommissionExpense, -row.amount_minor),
                (LedgerAccountKind::Pending, row.amount_minor),
            ],
        )?;
        let Some(posting) = posting else { continue };
        facts.extend(fact_of(&posting).map(|fact| (row.conversion_id, fact)));
        postings.push(posting);
    }
    post::post_in_tx(tx, app, postings).await?;
    Ok(facts)
}

fn partner_of(earning: &Earning, accrual: &Accrual<'_>) -> Result<PartnerId, Fault> {
    if earning.level == 0 {
        return Ok(accrual.partnership.partner_id);
    }
    accrual
        .assessed
        .upline
        .iter()
        .find(|(_, row)| row.id == earning.partnership)
        .map(|(_, row)| row.partner_id)
        .ok_or_else(|| Fault::new("an override for somebody who is not above"))
}

fn new_row(
    app: &App,
    accrual: &Accrual<'_>,
    earning: &Earning,
    source_id: Option<CommissionId>,
) -> Result<commission::Model, Fault> {
    let Accrual {
        conversion, program, ..
    } = accrual;
    let partner_id = partner_of(earning, accrual)?;
    let now = app.clock.now();
    Ok(commission::Model {
        id: app.ids.new_id(now),
        conversion_id: conversion.id,
        brand_id: conversion.brand_id,
        mode: conversion.mode,
        program_id: program.id,
        partnership_id: earning.partnership,
        partner_id,
        level: earning.level,
        order_line_id: earning.line,
        source_id,
        state: CommissionState::Pending,
        currency: earning.amount.currency.code().to_owned(),
        base_minor: earning.base.map_or(0, |base| base.amount_minor),
        amount_minor: earning.amount.amount_minor,
        reversed_minor: 0,
        reserve_minor: 0,
        reserve_left_minor: 0,
        paid_minor: 0,
        rule_snapshot: earning.snapshot.clone(),
        arithmetic: earning.arithmetic.clone(),
        hold_until: accrual.assessed.hold_until,
        occurred_at: conversion.occurred_at,
        created_at: now,
    })
}

/// Until when what was earned at `occurred_at` is held.
#[must_use]
pub fn hold_until(hold_days: i32, occurred_at: DateTime<Utc>) -> DateTime<Utc> {
    occurred_at + TimeDelta::days(i64::from(hold_days))
}

/// A transfer between accounts of a commission's partnership and its brand; `cause` makes the key unique. A commission that
/// only shows what would be earned moves nothing: this is the one place where that is asked.
pub(super) fn posting<const N: usize>(
    row: &commission::Model,
    cause: &str,
    kind: TransferKind,
    occurred_at: DateTime<Utc>,
    lines: [(LedgerAccountKind, i64); N],
) -> Result<Option<Posting>, Fault> {
    if row.mode == ApiKeyMode::Test {
        return Ok(None);
    }
    let partnership = Owner::Partnership {
        partnership: row.partnership_id,
        partner: row.partner_id,
    };
    let line = |(kind, amount_minor): (LedgerAccountKind, i64)| Line {
        owner: if kind == LedgerAccountKind::CommissionExpense {
            Owner::Brand
        } else {
            partnership
        },
        kind,
        amount_minor,
    };
    Ok(Some(Posting {
        key: format!("{}:{cause}", row.id),
        kind,
        brand: row.brand_id,
        currency: row.currency.parse().map_err(Fault::new)?,
        commission: Some(row.id),
        payout: None,
        adjustment: None,
        redemption: None,
        occurred_at,
        lines: lines.map(line).to_vec(),
    }))
}

/// Posts, and tells the partners whose commissions moved.
pub(super) async fn post_and_announce_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    postings: Vec<Posting>,
) -> Result<(), Fault> {
    let facts = postings.iter().filter_map(fact_of).collect();
    post::post_in_tx(tx, app, postings).await?;
    outbox::enqueue_all_in_tx(tx, app, facts).await?;
    Ok(())
}

fn fact_of(posting: &Posting) -> Option<Fact> {
    let topic = match posting.kind {
        TransferKind::CommissionAccrued => Topic::CommissionAccrued,
        TransferKind::CommissionApproved => Topic::CommissionApproved,
        TransferKind::CommissionRejected => Topic::CommissionRejected,
        TransferKind::CommissionReversed | TransferKind::CommissionClawedBack => Topic::CommissionReversed,
        TransferKind::CommissionRestored => Topic::CommissionRestored,
        TransferKind::ReserveReleased => Topic::CommissionReleased,
        TransferKind::PayoutRequested
        | TransferKind::PayoutPaid
        | TransferKind::PayoutCancelled
        | TransferKind::PayoutFailed
        | TransferKind::PayoutReturned
        | TransferKind::PayoutFeeCharged
        | TransferKind::PayoutFeeRefunded
        | TransferKind::RailFunded
        | TransferKind::BalanceCorrected
        | TransferKind::PenaltyCharged
        | TransferKind::DebtWrittenOff
        | TransferKind::StoreCreditGiven
        | TransferKind::StoreCreditRedeemed => return None,
    };
    let partner = posting.lines.iter().find_map(|line| match line.owner {
        Owner::Partnership { partner, .. } => Some(partner),
        Owner::Customer { .. } | Owner::Brand => None,
    });
    Some(Fact {
        topic,
        brand: Some(posting.brand),
        partner,
        subject: posting.commission?.0,
        payload: json!({}),
    })
}

/// The commissions of a conversion by level and line, locked until the transaction ends; their partnerships' available balances
/// first.
pub async fn lock_of_conversion_in_tx(
    tx: &DatabaseTransaction,
    conversion: ConversionId,
) -> Result<Vec<commission::Model>, Fault> {
    let partnerships: Vec<PartnershipId> = commission::Entity::find()
        .select_only()
        .distinct()
        .column(commission::Column::PartnershipId)
        .filter(commission::Column::ConversionId.eq(conversion))
        .into_tuple()
        .all(tx)
        .await?;
    if partnerships.is_empty() {
        return Ok(Vec::new());
    }
    balances::lock_all_available_in_tx(tx, partnerships).await?;
    let rows = commission::Entity::find()
        .filter(commission::Column::ConversionId.eq(conversion))
        .order_by_asc(commission::Column::Level)
        .order_by_asc(commission::Column::Id)
        .lock_exclusive()
        .all(tx)
        .await?;
    Ok(rows)
}

/// Approves the pending commissions of a conversion: the reserve is put aside, the rest becomes available.
pub async fn approve_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    brand: BrandId,
    conversion: ConversionId,
) -> Result<(), Fault> {
    let reserve_ppm = brand::Entity::find_by_id(brand)
        .one(tx)
        .await?
        .ok_or_else(|| Fault::new("a conversion without its brand"))?
        .reserve_ppm;
    let now = app.clock.now();
    let mut postings = Vec::new();
    for row in lock_of_conversion_in_tx(tx, conversion).await? {
        if row.state != CommissionState::Pending {
            continue;
        }
        let left = row.amount_minor - row.reversed_minor;
        let reserve = rules::reserve_of(left, reserve_ppm);
        postings.extend(posting(
            &row,
            "approved",
            TransferKind::CommissionApproved,
            now,
            [
                (LedgerAccountKind::Pending, -left),
                (LedgerAccountKind::Reserve, reserve),
                (LedgerAccountKind::Available, left - reserve),
            ],
        )?);
        commission::Entity::update(commission::ActiveModel {
            id: Set(row.id),
            state: Set(CommissionState::Approved),
            reserve_minor: Set(reserve),
            reserve_left_minor: Set(reserve),
            ..Default::default()
        })
        .exec_without_returning(tx)
        .await?;
    }
    post_and_announce_in_tx(tx, app, postings).await
}

/// Rejects the pending commissions of a conversion: what they still held goes back to the brand.
pub async fn reject_in_tx(tx: &DatabaseTransaction, app: &App, conversion: ConversionId) -> Result<(), Fault> {
    let now = app.clock.now();
    let mut postings = Vec::new();
    for row in lock_of_conversion_in_tx(tx, conversion).await? {
        if row.state != CommissionState::Pending {
            continue;
        }
        let left = row.amount_minor - row.reversed_minor;
        postings.extend(posting(
            &row,
            "rejected",
            TransferKind::CommissionRejected,
            now,
            [
                (LedgerAccountKind::Pending, -left),
                (LedgerAccountKind::CommissionExpense, left),
            ],
        )?);
        commission::Entity::update(commission::ActiveModel {
            id: Set(row.id),
            state: Set(CommissionState::Rejected),
            ..Default::default()
        })
        .exec_without_returning(tx)
        .await?;
    }
    post_and_announce_in_tx(tx, app, postings).await
}

/// What commissions are computed on, and what of it is gone, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    pub base_minor: i64,
    pub gone_minor: i64,
}

/// The measures of a conversion's amount as a whole, and of its order's lines.
pub struct Measures {
    pub whole: Measure,
    pub lines: HashMap<OrderLineId, Measure>,
}

impl Measures {
    /// What a commission is measured by: its line, or without lines the whole.
    pub fn of(&self, row: &commission::Model) -> Result<Measure, Fault> {
        match row.order_line_id {
            None => Ok(self.whole),
            Some(line) => self
                .lines
                .get(&line)
                .copied()
                .ok_or_else(|| Fault::new("a commission on a line of another order")),
        }
    }
}

/// Brings every level in line with what is gone in all of the conversion's amount, or of each line of it. `cause` names what
/// changed it. When more is gone than before, each commission's share of it is taken back; when less is, because a
/// chargeback was won or an order amended upward, its share is restored.
pub async fn settle_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    conversion: &conversion::Model,
    measures: &Measures,
    cause: &str,
) -> Result<(), Fault> {
    // What was rejected earns nothing, whatever comes back.
    if conversion.state == ConversionState::Rejected {
        return Ok(());
    }
    let mut postings = Vec::new();
    for row in lock_of_conversion_in_tx(tx, conversion.id).await? {
        let gone = measures.of(&row)?.gone_minor;
        let cumulative = rules::cumulative_reversal(row.amount_minor, row.base_minor, gone);
        let settled = match cumulative - row.reversed_minor {
            _ if row.state == CommissionState::Rejected => continue,
            0 => continue,
            amount if amount > 0 => reverse(app, &row, amount, cause)?,
            amount => restore(app, &row, -amount, conversion.approved_at.is_some(), cause)?,
        };
        commission::Entity::update(commission::ActiveModel {
            id: Set(row.id),
            state: Set(settled.state),
            reversed_minor: Set(cumulative),
            reserve_left_minor: Set(row.reserve_left_minor - settled.from_reserve_minor),
            ..Default::default()
        })
        .exec_without_returning(tx)
        .await?;
        postings.extend(settled.posting);
    }
    post_and_announce_in_tx(tx, app, postings).await
}

/// A commission's part of a settlement.
struct Settled {
    /// None of a commission that only shows what would be earned.
    posting: Option<Posting>,
    state: CommissionState,
    from_reserve_minor: i64,
}

fn is_pending(row: &commission::Model) -> bool {
    matches!(row.state, CommissionState::Pending | CommissionState::OnHold)
}

/// Before approval the pending amount shrinks; after it, the reserve gives first and the available balance next.
fn reverse(app: &App, row: &commission::Model, amount_minor: i64, cause: &str) -> Result<Settled, Fault> {
    let pending = is_pending(row);
    let (from_reserve, from_available) = if pending {
        (0, 0)
    } else {
        rules::split_clawback(amount_minor, row.reserve_left_minor)
    };
    let kind = if pending {
        TransferKind::CommissionReversed
    } else {
        TransferKind::CommissionClawedBack
    };
    let posting = posting(
        row,
        &format!("reversed:{cause}"),
        kind,
        app.clock.now(),
        [
            (LedgerAccountKind::Pending, if pending { -amount_minor } else { 0 }),
            (LedgerAccountKind::Reserve, -from_reserve),
            (LedgerAccountKind::Available, -from_available),
            (LedgerAccountKind::CommissionExpense, amount_minor),
        ],
    )?;
    // A later clawback never changes PAID, nor a payout that is on its way.
    let ends =
        row.reversed_minor + amount_minor == row.amount_minor && (pending || row.state == CommissionState::Approved);
    Ok(Settled {
        posting,
        state: if ends { CommissionState::Reversed } else { row.state },
        from_reserve_minor: from_reserve,
    })
}

/// What comes again goes where it would be: to the pending amount before approval, after it to the available balance. The
/// reserve, once taken, stays taken.
fn restore(
    app: &App,
    row: &commission::Model,
    amount_minor: i64,
    is_approved: bool,
    cause: &str,
) -> Result<Settled, Fault> {
    let (account, reopened) = if is_approved {
        (LedgerAccountKind::Available, CommissionState::Approved)
    } else {
        (LedgerAccountKind::Pending, CommissionState::Pending)
    };
    let posting = posting(
        row,
        &format!("restored:{cause}"),
        TransferKind::CommissionRestored,
        app.clock.now(),
        [
            (LedgerAccountKind::CommissionExpense, -amount_minor),
            (account, amount_minor),
        ],
    )?;
    Ok(Settled {
        posting,
        state: if row.state == CommissionState::Reversed {
            reopened
        } else {
            row.state
        },
        from_reserve_minor: 0,
    })
}

/// Raises what a conversion that is not approved yet comes to, and its lines: every level earns on the whole of it, by its
/// frozen rule. `cause` names the amendment.
pub async fn raise_base_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    conversion: ConversionId,
    measures: &Measures,
    cause: &str,
) -> Result<(), Fault> {
    let mut postings = Vec::new();
    let mut sources: HashMap<Option<OrderLineId>, Money> = HashMap::new();
    for row in lock_of_conversion_in_tx(tx, conversion).await? {
        let earned = Money::new(row.amount_minor, row.currency.parse().map_err(Fault::new)?);
        let base = Money::new(measures.of(&row)?.base_minor, earned.currency);
        if base.amount_minor == row.base_minor {
            // Of a raise over many lines nothing fell to this one.
            sources.entry(row.order_line_id).or_insert(earned);
            continue;
        }
        let source = sources.get(&row.order_line_id).copied().unwrap_or(earned);
        let raised = rules::earn_again(&row.rule_snapshot, base, source)?;
        let (amount, arithmetic) = raised.unwrap_or((earned, row.arithmetic.clone()));
        sources.entry(row.order_line_id).or_insert(amount);
        let more = amount.amount_minor - row.amount_minor;
        // A commission that rounding had reversed whole has something left again.
        let state = match row.state {
            CommissionState::Reversed if more > 0 => CommissionState::Pending,
            state => state,
        };
        commission::Entity::update(commission::ActiveModel {
            id: Set(row.id),
            state: Set(state),
            base_minor: Set(base.amount_minor),
            amount_minor: Set(amount.amount_minor),
            arithmetic: Set(arithmetic),
            ..Default::default()
        })
        .exec_without_returning(tx)
        .await?;
        postings.extend(posting(
            &row,
            &format!("accrued:{cause}"),
            TransferKind::CommissionAccrued,
            app.clock.now(),
            [
                (LedgerAccountKind::CommissionExpense, -more),
                (LedgerAccountKind::Pending, more),
            ],
        )?);
    }
    post_and_announce_in_tx(tx, app, postings).await
}

/// Whose commissions to list.
#[derive(Clone, Copy, Debug)]
pub enum Of {
    Brand(BrandId),
    Partner(PartnerId),
    Partnership {
        id: PartnershipId,
        brand: BrandId,
        partner: PartnerId,
    },
}

pub async fn list_commissions(
    app: &App,
    actor: &Actor,
    of: Of,
    states: &[CommissionState],
    page: &Page,
) -> Result<Slice<commission::Model>, ApiError> {
    let select = commission::Entity::find_within(&actor.reach());
    let mut select = match of {
        Of::Brand(brand) => {
            actor.authorise(Operation::SeeCommissions, Place::brand(brand))?;
            select.filter(commission::Column::BrandId.eq(brand))
        }
        Of::Partner(partner) => {
            actor.authorise(Operation::SeeOwnCommissions, Place::partner(partner))?;
            select.filter(commission::Column::PartnerId.eq(partner))
        }
        Of::Partnership { id, brand, partner } => {
            actor.authorise(Operation::SeeBalances, Place::shared(brand, partner))?;
            select.filter(commission::Column::PartnershipId.eq(id))
        }
    };
    if !states.is_empty() {
        select = select.filter(commission::Column::State.is_in(states.iter().copied()));
    }
    page::fetch(
        app.db.read(),
        select,
        commission::Column::Id,
        |row: &commission::Model| row.id.0,
        page,
    )
    .await
    .map_err(ApiError::internal)
}
