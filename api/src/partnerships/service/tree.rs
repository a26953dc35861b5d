//! The referral tree: reading an upline, moving a partnership with all below it.

use entity::{
    TenantScoped,
    ids::{PartnershipId, ProgramId},
    partnership, partnership_ancestor,
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, JoinType, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait, Query},
};

use super::{Result, lock_partnership_in_tx};
use crate::{
    accounts::{actor::Actor, permissions::Operation},
    app::App,
    audit::{self, Change},
    error::{ApiError, Failure, Fault},
    partnerships::{error::PartnershipErrorCode as Code, rules},
    programs::service as programs,
};

/// Somebody above a partnership.
#[derive(Clone, Debug)]
pub struct Above {
    pub descendant: PartnershipId,
    /// 1 is the direct referrer.
    pub level: i32,
    pub ancestor: partnership::Model,
}

/// Everyone above some partnerships, each from its direct referrer up. One statement, whatever the depth.
pub async fn list_uplines_in_tx(
    conn: &impl ConnectionTrait,
    ids: &[PartnershipId],
) -> std::result::Result<Vec<Above>, DbErr> {
    use partnership_ancestor::{Column, Entity};
    let to_ancestor = Entity::belongs_to(partnership::Entity)
        .from(Column::AncestorId)
        .to(partnership::Column::Id)
        .into();
    let rows = Entity::find()
        .join(JoinType::InnerJoin, to_ancestor)
        .select_also(partnership::Entity)
        .filter(Column::DescendantId.is_in(ids.iter().copied()))
        .order_by_asc(Column::Level)
        .all(conn)
        .await?;
    let above = rows.into_iter().filter_map(|(edge, ancestor)| {
        Some(Above {
            descendant: edge.descendant_id,
            level: edge.level,
            ancestor: ancestor?,
        })
    });
    Ok(above.collect())
}

/// Puts a partnership, with all it recruited, below another referrer or below nobody.
pub async fn set_referrer(
    app: &App,
    actor: &Actor,
    id: PartnershipId,
    referrer: Option<PartnershipId>,
) -> Result<partnership::Model> {
    let tx = app.db.begin().await?;
    let program = lock_tree_in_tx(&tx, actor, id).await?;
    let row = lock_partnership_in_tx(&tx, actor, Operation::SetPartnershipReferrer, id).await?;
    if let Some(referrer) = referrer {
        check_referrer_in_tx(&tx, actor, program, referrer).await?;
    }
    let row = move_in_tx(&tx, app, actor, &row, referrer, "referrerId").await?;
    tx.commit().await?;
    Ok(row)
}

/// Moves a partnership of a program that is locked; `field` names the referrer where it is refused.
pub(super) async fn move_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    row: &partnership::Model,
    referrer: Option<PartnershipId>,
    field: &str,
) -> Result<partnership::Model> {
    let upline = match referrer {
        Some(referrer) => new_upline_in_tx(tx, row.id, referrer, field).await?,
        None => Vec::new(),
    };
    detach_in_tx(tx, row.id).await?;
    attach_in_tx(tx, row.id, &upline).await?;
    partnership::Entity::update(partnership::ActiveModel {
        id: Set(row.id),
        referrer_id: Set(referrer),
        ..Default::default()
    })
    .exec_without_returning(tx)
    .await?;
    let change = Change {
        from: row.referrer_id.map(|id| id.to_string()),
        to: referrer.map(|id| id.to_string()),
        ..Change::of_fact(row.brand_id, "partnership.referrer_set", row.id)
    };
    audit::record_in_tx(tx, app, actor, change).await?;
    Ok(partnership::Model {
        referrer_id: referrer,
        ..row.clone()
    })
}

/// Whoever changes an edge of a program's tree queues at the program's row: two moves at once, each harmless by itself,
/// could otherwise close a cycle.
async fn lock_tree_in_tx(tx: &DatabaseTransaction, actor: &Actor, id: PartnershipId) -> Result<ProgramId> {
    let found = partnership::Entity::find_within(&actor.reach())
        .filter(partnership::Column::Id.eq(id))
        .one(tx)
        .await?
        .ok_or_else(|| ApiError::not_found("partnership"))?;
    programs::lock_program_in_tx(tx, found.program_id).await?;
    Ok(found.program_id)
}

/// Is that a partnership of the same program, within reach?
async fn check_referrer_in_tx(
    tx: &DatabaseTransaction,
    actor: &Actor,
    program: ProgramId,
    referrer: PartnershipId,
) -> Result<()> {
    let above = partnership::Entity::find_within(&actor.reach())
        .filter(partnership::Column::Id.eq(referrer))
        .one(tx)
        .await?
        .ok_or_else(|| ApiError::not_found("referrer"))?;
    if above.program_id != program {
        return Err(Failure::refused_field(
            Code::ReferrerOfAnotherProgram,
            "referrerId",
            "a referrer is a partnership of the same program",
        ));
    }
    Ok(())
}

/// May this partnership stand below that referrer? Answers its new upline.
async fn new_upline_in_tx(
    tx: &DatabaseTransaction,
    id: PartnershipId,
    referrer: PartnershipId,
    field: &str,
) -> Result<Vec<(i32, PartnershipId)>> {
    let upline = upline_below_in_tx(tx, referrer).await?;
    if upline.iter().any(|(_, ancestor)| *ancestor == id) {
        return Err(Failure::refused_field(
            Code::ReferralCycle,
            field,
            "the referrer is this partnership itself, or stands below it",
        ));
    }
    if !rules::fits(&upline, height_in_tx(tx, id).await?) {
        return Err(Failure::refused_field(
            Code::ReferralTooDeep,
            field,
            format!("the referral tree would become deeper than {} levels", rules::MAX_DEPTH),
        ));
    }
    Ok(upline)
}

/// The upline that a recruit of this partnership has.
pub(super) async fn upline_below_in_tx(
    tx: &DatabaseTransaction,
    referrer: PartnershipId,
) -> std::result::Result<Vec<(i32, PartnershipId)>, DbErr> {
    use partnership_ancestor::{Column, Entity};
    let above: Vec<(i32, PartnershipId)> = Entity::find()
        .filter(Column::DescendantId.eq(referrer))
        .order_by_asc(Column::Level)
        .all(tx)
        .await?
        .into_iter()
        .map(|edge| (edge.level, edge.ancestor_id))
        .collect();
    Ok(rules::upline_below(referrer, &above))
}

/// How many levels lie below a partnership.
async fn height_in_tx(tx: &DatabaseTransaction, id: PartnershipId) -> std::result::Result<i32, DbErr> {
    use partnership_ancestor::{Column, Entity};
    let height: Option<Option<i32>> = Entity::find()
        .filter(Column::AncestorId.eq(id))
        .select_only()
        .column_as(Column::Level.max(), "height")
        .into_tuple()
        .one(tx)
        .await?;
    Ok(height.flatten().unwrap_or(0))
}

/// Everyone below a partnership, and the partnership itself, forget everyone above it.
async fn detach_in_tx(tx: &DatabaseTransaction, id: PartnershipId) -> std::result::Result<(), DbErr> {
    use partnership_ancestor::{Column, Entity};
    let above: Vec<PartnershipId> = Entity::find()
        .filter(Column::DescendantId.eq(id))
        .all(tx)
        .await?
        .into_iter()
        .map(|edge| edge.ancestor_id)
        .collect();
    if above.is_empty() {
        return Ok(());
    }
    let below = Entity::find()
        .select_only()
        .column(Column::DescendantId)
        .filter(Column::AncestorId.eq(id))
        .into_query();
    Entity::delete_many()
        .filter(Column::AncestorId.is_in(above))
        .filter(Column::DescendantId.eq(id).or(Column::DescendantId.in_subquery(below)))
        .exec(tx)
        .await
        .map(drop)
}

/// Everyone below a partnership, and the partnership itself, learn everyone who now stands above it. The database copies
/// the subtree, one statement for each of the at most ten ancestors: it may be large.
pub(super) async fn attach_in_tx(
    tx: &DatabaseTransaction,
    id: PartnershipId,
    upline: &[(i32, PartnershipId)],
) -> std::result::Result<(), Fault> {
    use partnership_ancestor::{ActiveModel, Column, Entity};
    if upline.is_empty() {
        return Ok(());
    }
    for (level, ancestor) in upline {
        let below = Query::select()
            .column(Column::DescendantId)
            .expr(Expr::col(Column::Level).add(*level))
            .expr(Expr::value(*ancestor))
            .from(Entity)
            .and_where(Expr::col(Column::AncestorId).eq(id))
            .to_owned();
        let copy = Query::insert()
            .into_table(Entity)
            .columns([Column::DescendantId, Column::Level, Column::AncestorId])
            .select_from(below)
            .map_err(Fault::new)?
            .to_owned();
        tx.execute(&copy).await?;
    }
    Entity::insert_many(upline.iter().map(|(level, ancestor)| ActiveModel {
        descendant_id: Set(id),
        level: Set(*level),
        ancestor_id: Set(*ancestor),
    }))
    .exec_without_returning(tx)
    .await?;
    Ok(())
}
