//! The commission rules of a program.

use chrono::{DateTime, Utc};
use entity::{
    TenantScoped,
    commission_rule::{self, ConversionEvent, RuleKind},
    ids::{CommissionRuleId, PartnerGroupId, PartnershipId, ProgramId},
    partnership, program,
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, PaginatorTrait,
    QueryFilter, QuerySelect, sea_query::LockType,
};

use super::{
    Result, announce_in_tx,
    earning::{Earning, check_earning},
    group, lock_living_in_tx,
};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    audit::{self, Change},
    error::{ApiError, Failure, Fault},
    programs::{error::ProgramErrorCode as Code, rules},
};

const POSITIONS: std::ops::RangeInclusive<i32> = 0..=10_000;
/// For everybody in the program; those of groups and personal ones are counted apart.
const MAX_RULES_PER_PROGRAM: u64 = 100;
const MAX_RULES_PER_GROUP: u64 = 50;
const MAX_RULES_PER_PARTNERSHIP: u64 = 20;
const MAX_NAMES_PER_CONDITION: usize = 100;

/// Which lines of orders a rule is for: those that every list given names.
#[derive(Clone, Debug, Default)]
pub struct Conditions {
    /// The brand's ids; none: any product.
    pub product_ids: Vec<String>,
    /// None: any category.
    pub categories: Vec<String>,
}

/// Whom a rule is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleScope {
    /// Everybody in the program.
    Program,
    Group(PartnerGroupId),
    /// Part of the personal terms of one partnership.
    Partnership(PartnershipId),
}

pub struct CreateRule {
    pub program: ProgramId,
    pub scope: RuleScope,
    pub event: ConversionEvent,
    pub earning: Earning,
    pub conditions: Conditions,
    pub position: i32,
    pub valid_from: Option<DateTime<Utc>>,
    pub valid_until: Option<DateTime<Utc>>,
}

pub async fn create_rule(app: &App, actor: &Actor, command: CreateRule) -> Result<commission_rule::Model> {
    let tx = app.db.begin().await?;
    let program = lock_living_in_tx(&tx, actor, Operation::CreateCommissionRule, command.program).await?;
    let row = create_rule_in_tx(&tx, app, actor, &program, command).await?;
    app.commit(tx).await?;
    Ok(row)
}

/// The same for whoever has the right by other means. The program is locked.
pub async fn create_rule_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    program: &program::Model,
    command: CreateRule,
) -> Result<commission_rule::Model> {
    let kind = match command.earning {
        Earning::Fixed { .. } => RuleKind::Fixed,
        Earning::FixedPerItem { .. } => RuleKind::FixedPerItem,
        Earning::PercentOfSale(_) | Earning::PercentOfCommission(_) => RuleKind::Percent,
    };
    if kind == RuleKind::Percent && command.event != ConversionEvent::Sale {
        return Err(Failure::refused_field(
            Code::PercentNeedsSale,
            "earning.percent",
            "only a sale has an amount to take a percentage of",
        ));
    }
    let product_ids = check_names(command.conditions.product_ids, "conditions.productIds")?;
    let categories = check_names(command.conditions.categories, "conditions.categories")?;
    let looks_at_lines = kind == RuleKind::FixedPerItem || product_ids.is_some() || categories.is_some();
    if looks_at_lines && command.event != ConversionEvent::Sale {
        return Err(Failure::refused_field(
            Code::LinesNeedSale,
            "event",
            "only a sale has lines, with products, categories and items",
        ));
    }
    if !POSITIONS.contains(&command.position) {
        return Err(Failure::refused_field(
            Code::PositionOutOfRange,
            "position",
            format!("a position is between {} and {}", POSITIONS.start(), POSITIONS.end()),
        ));
    }
    if command
        .valid_from
        .zip(command.valid_until)
        .is_some_and(|(from, until)| until <= from)
    {
        return Err(Failure::refused_field(
            Code::ValidityInvalid,
            "validUntil",
            "a rule ends after it begins",
        ));
    }
    let columns = check_earning(program, command.earning, "earning")?;
    let (group_id, partnership_id) = check_scope_in_tx(tx, program, command.scope).await?;
    let now = app.clock.now();
    let row = commission_rule::Model {
        id: app.ids.new_id(now),
        program_id: program.id,
        brand_id: program.brand_id,
        partnership_id,
        group_id,
        event: command.event,
        kind,
        rate_ppm: columns.rate_ppm,
        amount_minor: columns.amount_minor,
        currency: columns.currency,
        product_ids,
        categories,
        position: command.position,
        valid_from: command.valid_from,
        valid_until: command.valid_until,
        created_at: now,
        archived_at: None,
    };
    commission_rule::Entity::insert(commission_rule::ActiveModel::from(row.clone()))
        .exec_without_returning(tx)
        .await?;
    let change = Change::of_fact(row.brand_id, "commission_rule.created", row.id);
    audit::record_in_tx(tx, app, actor, change).await?;
    announce_in_tx(tx, app, row.brand_id, row.program_id).await?;
    Ok(row)
}

/// Names of a condition as they are stored; none when it is not one.
fn check_names(mut names: Vec<String>, field: &str) -> Result<Option<String>> {
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return Ok(None);
    }
    if names.len() > MAX_NAMES_PER_CONDITION {
        return Err(Failure::refused_field(
            Code::ConditionInvalid,
            field,
            format!("a condition names at most {MAX_NAMES_PER_CONDITION} products or categories"),
        ));
    }
    if !names.iter().all(|name| rules::is_name_of_line(name)) {
        return Err(Failure::refused_field(
            Code::ConditionInvalid,
            field,
            "a product id or category has 1 to 200 characters on one line",
        ));
    }
    serde_json::to_string(&names)
        .map(Some)
        .map_err(|error| Fault::new(error).into())
}

/// The group or the partnership a rule is for: there, of the program, and with room for one more rule.
async fn check_scope_in_tx(
    tx: &DatabaseTransaction,
    program: &program::Model,
    scope: RuleScope,
) -> Result<(Option<PartnerGroupId>, Option<PartnershipId>)> {
    use commission_rule::Column;
    let active = commission_rule::Entity::find()
        .filter(Column::ProgramId.eq(program.id))
        .filter(Column::ArchivedAt.is_null());
    let (columns, siblings, max, excess, what) = match scope {
        RuleScope::Program => (
            (None, None),
            active.filter(for_everybody()),
            MAX_RULES_PER_PROGRAM,
            Code::TooManyRules,
            "a program may have at most 100 active commission rules for everybody",
        ),
        RuleScope::Group(id) => {
            group::find_open_group_in_tx(tx, program.id, id).await?;
            (
                (Some(id), None),
                active.filter(Column::GroupId.eq(id)),
                MAX_RULES_PER_GROUP,
                Code::TooManyGroupRules,
                "a partner group may have at most 50 active commission rules",
            )
        }
        RuleScope::Partnership(id) => {
            partnership::Entity::find_by_id(id)
                .filter(partnership::Column::ProgramId.eq(program.id))
                .one(tx)
                .await?
                .ok_or_else(|| ApiError::not_found("partnership"))?;
            (
                (None, Some(id)),
                active.filter(Column::PartnershipId.eq(id)),
                MAX_RULES_PER_PARTNERSHIP,
                Code::TooManyPersonalRules,
                "a partnership may have at most 20 active commission rules of its own",
            )
        }
    };
    if siblings.count(tx).await? >= max {
        return Err(Failure::refused(excess, what));
    }
    Ok(columns)
}

/// Neither of a group nor of one partnership.
pub fn for_everybody() -> Condition {
    Condition::all()
        .add(commission_rule::Column::GroupId.is_null())
        .add(commission_rule::Column::PartnershipId.is_null())
}

/// Takes a rule out of use. Commissions computed by it keep their frozen copy.
pub async fn archive_rule(app: &App, actor: &Actor, id: CommissionRuleId) -> Result<commission_rule::Model> {
    let tx = app.db.begin().await?;
    let mut row = commission_rule::Entity::find_within(&actor.reach())
        .filter(commission_rule::Column::Id.eq(id))
        .lock(LockType::NoKeyUpdate)
        .one(&tx)
        .await?
        .ok_or_else(|| ApiError::not_found("commission rule"))?;
    actor.authorise(Operation::ArchiveCommissionRule, Place::brand(row.brand_id))?;
    if row.archived_at.is_some() {
        return Err(Failure::refused(Code::RuleArchived, "this rule was archived before"));
    }
    row.archived_at = Some(app.clock.now());
    commission_rule::Entity::update(commission_rule::ActiveModel {
        id: Set(id),
        archived_at: Set(row.archived_at),
        ..Default::default()
    })
    .exec_without_returning(&tx)
    .await?;
    let change = Change::of_fact(row.brand_id, "commission_rule.archived", id);
    audit::record_in_tx(&tx, app, actor, change).await?;
    announce_in_tx(&tx, app, row.brand_id, row.program_id).await?;
    app.commit(tx).await?;
    Ok(row)
}

/// The active rules of programs, for everybody in them, and for some of their groups and partnerships; which of them count
/// for an event is decided in `commissions`.
pub async fn list_rules_in_tx(
    conn: &impl ConnectionTrait,
    programs: &[ProgramId],
    groups: &[PartnerGroupId],
    partnerships: &[PartnershipId],
) -> std::result::Result<Vec<commission_rule::Model>, DbErr> {
    let mine = Condition::any()
        .add(for_everybody())
        .add(commission_rule::Column::GroupId.is_in(groups.iter().copied()))
        .add(commission_rule::Column::PartnershipId.is_in(partnerships.iter().copied()));
    commission_rule::Entity::find()
        .filter(commission_rule::Column::ProgramId.is_in(programs.iter().copied()))
        .filter(commission_rule::Column::ArchivedAt.is_null())
        .filter(mine)
        .all(conn)
        .await
}

/// Does anything in this program earn, for everybody, now or later?
pub async fn has_active_rule_in_tx(
    conn: &impl ConnectionTrait,
    program: ProgramId,
    now: DateTime<Utc>,
) -> std::result::Result<bool, DbErr> {
    let is_not_over = Condition::any()
        .add(commission_rule::Column::ValidUntil.is_null())
        .add(commission_rule::Column::ValidUntil.gt(now));
    let rule = commission_rule::Entity::find()
        .filter(commission_rule::Column::ProgramId.eq(program))
        .filter(for_everybody())
        .filter(commission_rule::Column::ArchivedAt.is_null())
        .filter(is_not_over)
        .one(conn)
        .await?;
    Ok(rule.is_some())
}
