//! Partner groups: terms that some of a program's partnerships share.

use entity::{
    TenantScoped,
    ids::{BrandId, PartnerGroupId, PartnerId, ProgramId},
    partner_group::{self, Column, Entity, Model},
    partnership, program,
    program_invitation::{self, ProgramInvitationState},
};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait,
    PaginatorTrait, QueryFilter, QuerySelect, sea_query::LockType,
};

use super::{Result, acts_for_any, announce_in_tx, lock_living_in_tx, program::HOLD_DAYS};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
        rules::clean_name,
    },
    app::App,
    audit::{self, Change},
    error::{ApiError, Failure},
    page::{self, Page, Slice},
    programs::error::ProgramErrorCode as Code,
};

/// Groups of a program that are not archived.
const MAX_GROUPS_PER_PROGRAM: u64 = 100;

pub struct CreateGroup {
    pub program: ProgramId,
    pub name: String,
    pub hold_days: Option<i32>,
    pub auto_approve_commissions: Option<bool>,
    pub auto_approve_applications: bool,
}

/// What to change; what is absent stays, and nothing in its place is the program's.
#[derive(Default)]
pub struct GroupPatch {
    pub name: Option<String>,
    pub hold_days: Option<Option<i32>>,
    pub auto_approve_commissions: Option<Option<bool>>,
    pub auto_approve_applications: Option<bool>,
}

/// The brand's people see all of a group, the partners in it what it means to them.
#[must_use]
pub fn may_see_group(actor: &Actor, group: &Model, partners: &[PartnerId]) -> bool {
    let place = Place::brand(group.brand_id);
    actor.authorise(Operation::SeePartnerGroups, place).is_ok() || acts_for_any(actor, partners)
}

pub async fn create_group(app: &App, actor: &Actor, command: CreateGroup) -> Result<Model> {
    let tx = app.db.begin().await?;
    let program = lock_living_in_tx(&tx, actor, Operation::CreatePartnerGroup, command.program).await?;
    let name = check_name(&command.name, "name")?;
    check_hold(command.hold_days, "holdDays")?;
    let open = Entity::find()
        .filter(Column::ProgramId.eq(program.id))
        .filter(Column::ArchivedAt.is_null());
    if open.count(&tx).await? >= MAX_GROUPS_PER_PROGRAM {
        return Err(Failure::refused(
            Code::TooManyGroups,
            format!("a program may have at most {MAX_GROUPS_PER_PROGRAM} partner groups that are not archived"),
        ));
    }
    let now = app.clock.now();
    let row = Model {
        id: app.ids.new_id(now),
        program_id: program.id,
        brand_id: program.brand_id,
        name_key: name.to_lowercase(),
        name,
        hold_days: command.hold_days,
        auto_approve_commissions: command.auto_approve_commissions,
        auto_approve_applications: command.auto_approve_applications,
        created_at: now,
        archived_at: None,
    };
    refuse_taken_name_in_tx(&tx, &row, "name").await?;
    Entity::insert(partner_group::ActiveModel::from(row.clone()))
        .exec_without_returning(&tx)
        .await?;
    let change = Change::of_fact(row.brand_id, "partner_group.created", row.id);
    audit::record_in_tx(&tx, app, actor, change).await?;
    tx.commit().await?;
    Ok(row)
}

pub async fn update_group(app: &App, actor: &Actor, id: PartnerGroupId, patch: GroupPatch) -> Result<Model> {
    let tx = app.db.begin().await?;
    let (program, row) = lock_group_in_tx(&tx, actor, Operation::UpdatePartnerGroup, id).await?;
    refuse_archived(&row)?;
    let name = match patch.name {
        Some(name) => check_name(&name, "patch.name")?,
        None => row.name.clone(),
    };
    let row = Model {
        name_key: name.to_lowercase(),
        name,
        hold_days: patch.hold_days.unwrap_or(row.hold_days),
        auto_approve_commissions: patch.auto_approve_commissions.unwrap_or(row.auto_approve_commissions),
        auto_approve_applications: patch.auto_approve_applications.unwrap_or(row.auto_approve_applications),
        ..row
    };
    check_hold(row.hold_days, "patch.holdDays")?;
    refuse_taken_name_in_tx(&tx, &row, "patch.name").await?;
    Entity::update(partner_group::ActiveModel::from(row.clone()).reset_all())
        .exec_without_returning(&tx)
        .await?;
    let change = Change::of_fact(row.brand_id, "partner_group.updated", id);
    audit::record_in_tx(&tx, app, actor, change).await?;
    announce_in_tx(&tx, app, program.brand_id, program.id).await?;
    app.commit(tx).await?;
    Ok(row)
}

/// Takes a group out of use, when nobody needs it any more. Its rules count for nothing then.
pub async fn archive_group(app: &App, actor: &Actor, id: PartnerGroupId) -> Result<Model> {
    let tx = app.db.begin().await?;
    let (program, row) = lock_group_in_tx(&tx, actor, Operation::ArchivePartnerGroup, id).await?;
    refuse_archived(&row)?;
    if program.default_group_id == Some(id) {
        return Err(Failure::refused(
            Code::GroupInUse,
            "this is the program's default group; set another one, or none, first",
        ));
    }
    let within = partnership::Entity::find()
        .filter(partnership::Column::GroupId.eq(id))
        .count(&tx)
        .await?;
    if within > 0 {
        return Err(Failure::refused(
            Code::GroupInUse,
            format!("{within} partnerships are in this group; move them first"),
        ));
    }
    let asked = program_invitation::Entity::find()
        .filter(program_invitation::Column::GroupId.eq(id))
        .filter(program_invitation::Column::State.eq(ProgramInvitationState::Sent))
        .filter(program_invitation::Column::ExpiresAt.gt(app.clock.now()))
        .count(&tx)
        .await?;
    if asked > 0 {
        return Err(Failure::refused(
            Code::GroupInUse,
            format!("{asked} open invitations lead into this group; revoke them first"),
        ));
    }
    let row = Model {
        archived_at: Some(app.clock.now()),
        ..row
    };
    Entity::update(partner_group::ActiveModel {
        id: Set(id),
        archived_at: Set(row.archived_at),
        ..Default::default()
    })
    .exec_without_returning(&tx)
    .await?;
    let change = Change::of_fact(row.brand_id, "partner_group.archived", id);
    audit::record_in_tx(&tx, app, actor, change).await?;
    tx.commit().await?;
    Ok(row)
}

/// Says where new partnerships of a program come to: a group of it, or none.
pub async fn set_default_group(
    app: &App,
    actor: &Actor,
    id: ProgramId,
    group: Option<PartnerGroupId>,
) -> Result<program::Model> {
    let tx = app.db.begin().await?;
    let program = lock_living_in_tx(&tx, actor, Operation::SetDefaultPartnerGroup, id).await?;
    if let Some(group) = group {
        find_open_group_in_tx(&tx, id, group).await?;
    }
    program::Entity::update(program::ActiveModel {
        id: Set(id),
        default_group_id: Set(group),
        ..Default::default()
    })
    .exec_without_returning(&tx)
    .await?;
    let change = Change {
        from: program.default_group_id.map(|id| id.to_string()),
        to: group.map(|id| id.to_string()),
        ..Change::of_fact(program.brand_id, "program.default_group_set", id)
    };
    audit::record_in_tx(&tx, app, actor, change).await?;
    announce_in_tx(&tx, app, program.brand_id, program.id).await?;
    app.commit(tx).await?;
    Ok(program::Model {
        default_group_id: group,
        ..program
    })
}

/// A group of a program that is not archived. While the program is locked, it stays so.
pub async fn find_open_group_in_tx(tx: &DatabaseTransaction, program: ProgramId, id: PartnerGroupId) -> Result<Model> {
    let row = Entity::find_by_id(id)
        .filter(Column::ProgramId.eq(program))
        .one(tx)
        .await?
        .ok_or_else(|| ApiError::not_found("partner group"))?;
    refuse_archived(&row)?;
    Ok(row)
}

/// Groups by their ids.
pub async fn list_groups_in_tx(
    conn: &impl ConnectionTrait,
    ids: &[PartnerGroupId],
) -> std::result::Result<Vec<Model>, DbErr> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Entity::find()
        .filter(Column::Id.is_in(ids.iter().copied()))
        .all(conn)
        .await
}

/// The groups of a program that are in use, newest first.
pub async fn list_groups(
    app: &App,
    actor: &Actor,
    brand: BrandId,
    program: ProgramId,
    page: &Page,
) -> std::result::Result<Slice<Model>, ApiError> {
    actor.authorise(Operation::SeePartnerGroups, Place::brand(brand))?;
    let select = Entity::find_within(&actor.reach())
        .filter(Column::ProgramId.eq(program))
        .filter(Column::ArchivedAt.is_null());
    page::fetch(app.db.read(), select, Column::Id, |row: &Model| row.id.0, page)
        .await
        .map_err(ApiError::internal)
}

/// A group within reach with its program locked, behind which everybody queues who changes its groups.
async fn lock_group_in_tx(
    tx: &DatabaseTransaction,
    actor: &Actor,
    operation: Operation,
    id: PartnerGroupId,
) -> Result<(program::Model, Model)> {
    let find = || Entity::find_within(&actor.reach()).filter(Column::Id.eq(id));
    let missing = || ApiError::not_found("partner group");
    let found = find().one(tx).await?.ok_or_else(missing)?;
    let program = lock_living_in_tx(tx, actor, operation, found.program_id).await?;
    let row = find().lock(LockType::NoKeyUpdate).one(tx).await?.ok_or_else(missing)?;
    Ok((program, row))
}

fn refuse_archived(row: &Model) -> Result<()> {
    if row.archived_at.is_some() {
        return Err(Failure::refused(
            Code::GroupArchived,
            "this partner group was archived before",
        ));
    }
    Ok(())
}

fn check_name(name: &str, field: &str) -> Result<String> {
    clean_name(name).ok_or_else(|| Failure::refused_field(Code::NameInvalid, field, "a name has 1 to 100 characters"))
}

fn check_hold(days: Option<i32>, field: &str) -> Result<()> {
    if days.is_some_and(|days| !HOLD_DAYS.contains(&days)) {
        return Err(Failure::refused_field(
            Code::HoldDaysOutOfRange,
            field,
            "the hold is between 0 and 365 days",
        ));
    }
    Ok(())
}

/// The program is locked, so nobody takes the name meanwhile.
async fn refuse_taken_name_in_tx(tx: &DatabaseTransaction, row: &Model, field: &str) -> Result<()> {
    let taken = Entity::find()
        .filter(Column::ProgramId.eq(row.program_id))
        .filter(Column::NameKey.eq(&row.name_key))
        .filter(Column::ArchivedAt.is_null())
        .filter(Column::Id.ne(row.id))
        .count(tx)
        .await?;
    if taken > 0 {
        return Err(Failure::refused_field(
            Code::GroupNameTaken,
            field,
            "another partner group of this program has this name",
        ));
    }
    Ok(())
}
