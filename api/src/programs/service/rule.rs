//! The commission rules of a program.

use entity::{
    TenantScoped,
    commission_rule::{self, ConversionEvent, RuleKind},
    ids::{CommissionRuleId, ProgramId},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, sea_query::LockType,
};

use super::{
    Result,
    earning::{Earning, check_earning},
    lock_own_in_tx,
};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    audit::{self, Change},
    error::{ApiError, Failure},
    programs::error::ProgramErrorCode as Code,
};

const POSITIONS: std::ops::RangeInclusive<i32> = 0..=10_000;
const MAX_RULES_PER_PROGRAM: u64 = 100;

pub struct CreateRule {
    pub program: ProgramId,
    pub event: ConversionEvent,
    pub earning: Earning,
    pub position: i32,
}

pub async fn create_rule(app: &App, actor: &Actor, command: CreateRule) -> Result<commission_rule::Model> {
    let tx = app.db.begin().await?;
    let program = lock_own_in_tx(&tx, actor, Operation::CreateCommissionRule, command.program).await?;
    let kind = match command.earning {
        Earning::Fixed { .. } => RuleKind::Fixed,
        Earning::PercentOfSale(_) | Earning::PercentOfCommission(_) => RuleKind::Percent,
    };
    if kind == RuleKind::Percent && command.event != ConversionEvent::Sale {
        return Err(Failure::refused_field(
            Code::PercentNeedsSale,
            "earning.percent",
            "only a sale has an amount to take a percentage of",
        ));
    }
    if !POSITIONS.contains(&command.position) {
        return Err(Failure::refused_field(
            Code::PositionOutOfRange,
            "position",
            format!("a position is between {} and {}", POSITIONS.start(), POSITIONS.end()),
        ));
    }
    let columns = check_earning(&program, command.earning, "earning")?;
    let active = commission_rule::Entity::find()
        .filter(commission_rule::Column::ProgramId.eq(program.id))
        .filter(commission_rule::Column::ArchivedAt.is_null())
        .count(&tx)
        .await?;
    if active >= MAX_RULES_PER_PROGRAM {
        return Err(Failure::refused(
            Code::TooManyRules,
            format!("a program may have at most {MAX_RULES_PER_PROGRAM} active commission rules"),
        ));
    }
    let now = app.clock.now();
    let row = commission_rule::Model {
        id: app.ids.new_id(now),
        program_id: program.id,
        brand_id: program.brand_id,
        event: command.event,
        kind,
        rate_ppm: columns.rate_ppm,
        amount_minor: columns.amount_minor,
        currency: columns.currency,
        position: command.position,
        created_at: now,
        archived_at: None,
    };
    commission_rule::Entity::insert(commission_rule::ActiveModel::from(row.clone()))
        .exec_without_returning(&tx)
        .await?;
    let change = Change::of_fact(row.brand_id, "commission_rule.created", row.id);
    audit::record_in_tx(&tx, app, actor, change).await?;
    tx.commit().await?;
    Ok(row)
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
    tx.commit().await?;
    Ok(row)
}

/// The active rules of programs for events, in the order in which they are tried: by position, then the newest first.
pub async fn list_rules_in_tx(
    conn: &impl ConnectionTrait,
    programs: &[ProgramId],
    events: &[ConversionEvent],
) -> std::result::Result<Vec<commission_rule::Model>, DbErr> {
    commission_rule::Entity::find()
        .filter(commission_rule::Column::ProgramId.is_in(programs.iter().copied()))
        .filter(commission_rule::Column::Event.is_in(events.iter().copied()))
        .filter(commission_rule::Column::ArchivedAt.is_null())
        .order_by_asc(commission_rule::Column::Position)
        .order_by_desc(commission_rule::Column::Id)
        .all(conn)
        .await
}

/// Does anything in this program earn?
pub async fn has_active_rule_in_tx(
    conn: &impl ConnectionTrait,
    program: ProgramId,
) -> std::result::Result<bool, DbErr> {
    let rule = commission_rule::Entity::find()
        .filter(commission_rule::Column::ProgramId.eq(program))
        .filter(commission_rule::Column::ArchivedAt.is_null())
        .one(conn)
        .await?;
    Ok(rule.is_some())
}
