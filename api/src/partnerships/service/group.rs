//! In which group of its program a partnership is.

use std::collections::HashMap;

use entity::{
    TenantScoped,
    ids::{BrandId, PartnerGroupId, PartnershipId, ProgramId},
    partner_group, partnership,
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::LockType,
};

use super::{Filter, Result, fetch_partnerships};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    audit::{self, Change},
    error::{ApiError, Failure},
    page::{Page, Slice},
    partnerships::error::PartnershipErrorCode as Code,
    programs::service as programs,
};

/// Partnerships that change their group in one request.
pub const MAX_AT_ONCE: usize = 100;

/// Puts a partnership into a group of its program, or into none.
pub async fn set_group(
    app: &App,
    actor: &Actor,
    id: PartnershipId,
    group: Option<PartnerGroupId>,
) -> Result<partnership::Model> {
    let mut rows = change_groups(app, actor, Operation::SetPartnershipGroup, &[id], group).await?;
    rows.pop()
        .ok_or_else(|| ApiError::internal("a partnership without an answer").into())
}

/// The same for partnerships of one program: all of them or none.
pub async fn set_groups(
    app: &App,
    actor: &Actor,
    ids: &[PartnershipId],
    group: Option<PartnerGroupId>,
) -> Result<Vec<partnership::Model>> {
    change_groups(app, actor, Operation::SetPartnershipGroups, ids, group).await
}

/// What was earned keeps the rule and the hold it was earned with.
async fn change_groups(
    app: &App,
    actor: &Actor,
    operation: Operation,
    ids: &[PartnershipId],
    group: Option<PartnerGroupId>,
) -> Result<Vec<partnership::Model>> {
    if ids.is_empty() || ids.len() > MAX_AT_ONCE {
        let message = format!("1 to {MAX_AT_ONCE} partnerships change their group at a time");
        return Err(ApiError::bad_field("partnershipIds", message).into());
    }
    let tx = app.db.begin().await?;
    let program = lock_program_of_in_tx(&tx, actor, operation, ids).await?;
    if let Some(group) = group {
        check_group_in_tx(&tx, actor, program, group).await?;
    }
    let rows = partnership::Entity::find()
        .filter(partnership::Column::Id.is_in(ids.iter().copied()))
        .order_by_asc(partnership::Column::Id)
        .lock(LockType::NoKeyUpdate)
        .all(&tx)
        .await?;
    move_in_tx(&tx, app, actor, &rows, group).await?;
    app.commit(tx).await?;
    let rows: HashMap<PartnershipId, partnership::Model> = rows
        .into_iter()
        .map(|row| (row.id, partnership::Model { group_id: group, ..row }))
        .collect();
    Ok(ids.iter().filter_map(|id| rows.get(id).cloned()).collect())
}

/// Moves those that are not there yet. Their program is locked.
pub(super) async fn move_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    rows: &[partnership::Model],
    group: Option<PartnerGroupId>,
) -> Result<()> {
    let moved: Vec<&partnership::Model> = rows.iter().filter(|row| row.group_id != group).collect();
    if moved.is_empty() {
        return Ok(());
    }
    partnership::Entity::update_many()
        .set(partnership::ActiveModel {
            group_id: Set(group),
            ..Default::default()
        })
        .filter(partnership::Column::Id.is_in(moved.iter().map(|row| row.id)))
        .exec(tx)
        .await?;
    for row in moved {
        let change = Change {
            from: row.group_id.map(|id| id.to_string()),
            to: group.map(|id| id.to_string()),
            ..Change::of_fact(row.brand_id, "partnership.group_set", row.id)
        };
        audit::record_in_tx(tx, app, actor, change).await?;
    }
    Ok(())
}

/// The one program of these partnerships, locked: its groups stay as they are meanwhile.
async fn lock_program_of_in_tx(
    tx: &DatabaseTransaction,
    actor: &Actor,
    operation: Operation,
    ids: &[PartnershipId],
) -> Result<ProgramId> {
    let rows = partnership::Entity::find_within(&actor.reach())
        .filter(partnership::Column::Id.is_in(ids.iter().copied()))
        .all(tx)
        .await?;
    for row in &rows {
        actor.authorise(operation, Place::shared(row.brand_id, row.partner_id))?;
    }
    let Some(first) = rows.first() else {
        return Err(ApiError::not_found("partnership").into());
    };
    if let Some(missing) = ids.iter().find(|id| !rows.iter().any(|row| row.id == **id)) {
        return Err(ApiError::not_found(format!("partnership {missing}")).into());
    }
    if rows.iter().any(|row| row.program_id != first.program_id) {
        return Err(Failure::refused_field(
            Code::PartnershipOfAnotherProgram,
            "partnershipIds",
            "these partnerships are not all in one program",
        ));
    }
    programs::lock_program_in_tx(tx, first.program_id).await?;
    Ok(first.program_id)
}

pub(super) async fn check_group_in_tx(
    tx: &DatabaseTransaction,
    actor: &Actor,
    program: ProgramId,
    id: PartnerGroupId,
) -> Result<partner_group::Model> {
    let group = partner_group::Entity::find_within(&actor.reach())
        .filter(partner_group::Column::Id.eq(id))
        .one(tx)
        .await?
        .ok_or_else(|| ApiError::not_found("partner group"))?;
    if group.program_id != program {
        return Err(Failure::refused_field(
            Code::GroupOfAnotherProgram,
            "groupId",
            "this group is part of another program",
        ));
    }
    if group.archived_at.is_some() {
        return Err(Failure::refused_field(
            Code::GroupArchived,
            "groupId",
            "this partner group is archived",
        ));
    }
    Ok(group)
}

pub async fn list_partnerships_of_group(
    app: &App,
    actor: &Actor,
    brand: BrandId,
    group: PartnerGroupId,
    page: &Page,
) -> std::result::Result<Slice<partnership::Model>, ApiError> {
    actor.authorise(Operation::SeePartnershipsOfGroup, Place::brand(brand))?;
    let select = partnership::Entity::find_within(&actor.reach()).filter(partnership::Column::GroupId.eq(group));
    let everything = Filter {
        states: None,
        program: None,
    };
    fetch_partnerships(app, select, everything, page).await
}
