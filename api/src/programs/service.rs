//! Use cases of programs: one file a noun, and here who sees programs and how they are found.

mod admission;
mod earning;
mod group;
mod level;
mod program;
mod questionnaire;
mod rule;
mod state;
mod terms;

use entity::{
    TenantScoped, commission_rule,
    ids::{BrandId, PartnerId, ProgramId},
    program::{Column, Entity, Model, ProgramState},
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, QueryFilter, QuerySelect,
    sea_query::LockType,
};
use serde_json::json;

pub use self::{
    admission::{
        SetAdmission, admission_of, again_after_rejection, again_after_withdrawal, find_admission_in_tx,
        list_admissions_in_tx, may_see_admission, open_to_all, set_admission, split_list,
    },
    earning::Earning,
    group::{
        CreateGroup, GroupPatch, archive_group, create_group, find_open_group_in_tx, list_groups, list_groups_in_tx,
        may_see_group, set_default_group, update_group,
    },
    level::{list_levels_in_tx, set_levels},
    program::{BINDING_MONTHS, MAX_DESCRIPTION_CHARS, Patch, Settings, WINDOW_DAYS, create_program, update_program},
    questionnaire::{
        SetQuestionnaire, current as current_questionnaires, find_questionnaire_in_tx, pick as pick_questionnaire,
        questions_of, set_questionnaire, whose as whose_questionnaire,
    },
    rule::{
        Conditions, CreateRule, RuleScope, archive_rule, create_rule, create_rule_in_tx, for_everybody,
        has_active_rule_in_tx, list_rules_in_tx,
    },
    state::{activate_program, archive_program, pause_program},
    terms::find_terms_in_tx,
};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    error::{ApiError, Failure},
    outbox::{self, Fact, Topic},
    page::{self, Page, Slice},
    programs::error::ProgramErrorCode as Code,
};

type Result<T> = std::result::Result<T, Failure<Code>>;

/// Active and paused programs are for everyone, any other for its brand's people.
#[must_use]
pub fn is_visible(actor: &Actor, row: &Model) -> bool {
    matches!(row.state, ProgramState::Active | ProgramState::Paused)
        || actor
            .authorise(Operation::SeePrograms, Place::brand(row.brand_id))
            .is_ok()
}

/// A rule that counts is seen with its program; one of a group or of personal terms by the partners it is for (`holders`)
/// only; an archived one by the brand's people.
#[must_use]
pub fn may_see_rule(actor: &Actor, program: &Model, rule: &commission_rule::Model, holders: &[PartnerId]) -> bool {
    let at_home = actor
        .authorise(Operation::SeePrograms, Place::brand(program.brand_id))
        .is_ok();
    let is_open = match (rule.partnership_id, rule.group_id) {
        (None, None) => is_visible(actor, program),
        _ => acts_for_any(actor, holders),
    };
    at_home || (rule.archived_at.is_none() && is_open)
}

/// Whether the actor may see what one of these partners sees.
fn acts_for_any(actor: &Actor, partners: &[PartnerId]) -> bool {
    partners.iter().any(|partner| {
        actor
            .authorise(Operation::SeeOwnPartnerships, Place::partner(*partner))
            .is_ok()
    })
}

/// A program by its id: anyone may ask, drafts and archived ones answer to their brand only.
pub async fn get_program(app: &App, actor: &Actor, id: ProgramId) -> std::result::Result<Model, ApiError> {
    get_program_in_tx(app.db.read(), id)
        .await
        .map_err(ApiError::internal)?
        .filter(|row| is_visible(actor, row))
        .ok_or_else(|| ApiError::not_found("program"))
}

/// Announces that what a program says or pays is another now: search reads it again.
pub async fn announce_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    brand: BrandId,
    program: ProgramId,
) -> std::result::Result<(), DbErr> {
    let fact = Fact {
        topic: Topic::ProgramChanged,
        brand: Some(brand),
        partner: None,
        subject: program.0,
        payload: json!({}),
    };
    outbox::enqueue_in_tx(tx, app, fact).await
}

pub async fn list_programs(
    app: &App,
    actor: &Actor,
    brand: BrandId,
    page: &Page,
) -> std::result::Result<Slice<Model>, ApiError> {
    actor.authorise(Operation::SeePrograms, Place::brand(brand))?;
    let select = Entity::find_within(&actor.reach()).filter(Column::BrandId.eq(brand));
    page::fetch(app.db.read(), select, Column::Id, |row: &Model| row.id.0, page)
        .await
        .map_err(ApiError::internal)
}

pub async fn get_program_in_tx(
    conn: &impl ConnectionTrait,
    id: ProgramId,
) -> std::result::Result<Option<Model>, DbErr> {
    Entity::find_by_id(id).one(conn).await
}

/// Locks a program until the transaction ends: whoever changes something that must hold across its rows (its referral
/// tree, its rules) queues here. Not the strongest lock, so that rows that merely refer to the program can be written
/// meanwhile. On SQLite writers queue anyway.
pub async fn lock_program_in_tx(tx: &DatabaseTransaction, id: ProgramId) -> std::result::Result<Option<Model>, DbErr> {
    Entity::find_by_id(id).lock(LockType::NoKeyUpdate).one(tx).await
}

async fn lock_own_in_tx(tx: &DatabaseTransaction, actor: &Actor, operation: Operation, id: ProgramId) -> Result<Model> {
    let row = Entity::find_within(&actor.reach())
        .filter(Column::Id.eq(id))
        .lock(LockType::NoKeyUpdate)
        .one(tx)
        .await?
        .ok_or_else(|| ApiError::not_found("program"))?;
    actor.authorise(operation, Place::brand(row.brand_id))?;
    Ok(row)
}

/// The same for what changes what a program says: an archived one stays as it is.
async fn lock_living_in_tx(
    tx: &DatabaseTransaction,
    actor: &Actor,
    operation: Operation,
    id: ProgramId,
) -> Result<Model> {
    let row = lock_own_in_tx(tx, actor, operation, id).await?;
    if row.state == ProgramState::Archived {
        return Err(Failure::refused(
            Code::ProgramArchived,
            "this program is ARCHIVED: it stays as it is",
        ));
    }
    Ok(row)
}
