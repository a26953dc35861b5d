//! Who sees applications and partnerships, and what becomes of them.

mod answer;
pub mod apply;
mod automatic;
pub mod decide;
mod eligibility;
mod group;
mod invite;
mod offer;
mod questions;
mod standing;
mod terms;
pub mod tree;

use entity::{
    TenantScoped,
    application::{self, ApplicationState},
    ids::{ApplicationId, BrandId, PartnerId, PartnershipId, ProgramId},
    partnership::{self, PartnershipState},
    program_invitation,
};
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect, sea_query::LockType};

pub use self::{
    answer::{
        AcceptInvitation, Invitation, accept_invitation, decline_invitation, expire_invitations,
        find_mailed_invitation, write_invitation_mail,
    },
    apply::{Apply, apply_to_program, withdraw_application},
    automatic::{approve_due_application, reject_ineligible_application, set_application_flag},
    decide::{Rejection, approve_application, reject_application, start_application_review},
    eligibility::{Reason, authorise_eligibility, list_reasons_in_tx},
    group::{list_partnerships_of_group, set_group, set_groups},
    invite::{
        InviteManyToProgram, InviteToProgram, Invited, Invitee, invite_many_to_program, invite_to_program,
        list_invitations_of_partner, list_invitations_of_program, resend_invitation, revoke_invitation,
    },
    offer::{Proposal, Subject, accept_offer, counter_offer, decline_offer},
    questions::{Answer, read_answers},
    standing::{ban_partnership, end_partnership, leave_program, reactivate_partnership, suspend_partnership},
    terms::{AcceptTerms, accept_program_terms, list_acceptances},
    tree::{Above, list_uplines_in_tx, set_referrer},
};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    audit,
    error::{ApiError, Failure},
    page::{self, Page, Slice},
    partnerships::error::PartnershipErrorCode as Code,
};

type Result<T> = std::result::Result<T, Failure<Code>>;

fn check_reason<'a>(reason: &'a str, field: &str) -> Result<&'a str> {
    audit::clean_reason(reason)
        .ok_or_else(|| Failure::refused_field(Code::ReasonInvalid, field, "a reason has 1 to 500 characters"))
}

/// Which rows of a list to show.
pub struct Filter<S> {
    /// Any of these; all when absent.
    pub states: Option<Vec<S>>,
    pub program: Option<ProgramId>,
}

/// Reach is not enough: a key reaches its brand's rows too, but people's applications are not what keys are for.
#[must_use]
pub fn may_see_application(actor: &Actor, row: &application::Model) -> bool {
    actor
        .authorise(Operation::SeeApplications, Place::brand(row.brand_id))
        .is_ok()
        || actor
            .authorise(Operation::SeeOwnApplications, Place::partner(row.partner_id))
            .is_ok()
}

/// That a brand looks closer is not said to whom it looks at.
#[must_use]
pub fn may_see_flag(actor: &Actor, row: &application::Model) -> bool {
    let place = Place::brand(row.brand_id);
    actor.authorise(Operation::SeeApplications, place).is_ok()
}

#[must_use]
pub fn may_see_invitation(actor: &Actor, row: &program_invitation::Model) -> bool {
    actor
        .authorise(Operation::SeeProgramInvitations, Place::brand(row.brand_id))
        .is_ok()
        || row.partner_id.is_some_and(|partner| {
            actor
                .authorise(Operation::SeeOwnProgramInvitations, Place::partner(partner))
                .is_ok()
        })
}

#[must_use]
pub fn may_see_partnership(actor: &Actor, row: &partnership::Model) -> bool {
    actor
        .authorise(Operation::SeePartnerships, Place::brand(row.brand_id))
        .is_ok()
        || actor
            .authorise(Operation::SeeOwnPartnerships, Place::partner(row.partner_id))
            .is_ok()
}

pub async fn list_applications_of_brand(
    app: &App,
    actor: &Actor,
    brand: BrandId,
    filter: Filter<ApplicationState>,
    page: &Page,
) -> std::result::Result<Slice<application::Model>, ApiError> {
    actor.authorise(Operation::SeeApplications, Place::brand(brand))?;
    let select = application::Entity::find_within(&actor.reach()).filter(application::Column::BrandId.eq(brand));
    fetch_applications(app, select, filter, page).await
}

pub async fn list_applications_of_partner(
    app: &App,
    actor: &Actor,
    partner: PartnerId,
    filter: Filter<ApplicationState>,
    page: &Page,
) -> std::result::Result<Slice<application::Model>, ApiError> {
    actor.authorise(Operation::SeeOwnApplications, Place::partner(partner))?;
    let select = application::Entity::find_within(&actor.reach()).filter(application::Column::PartnerId.eq(partner));
    fetch_applications(app, select, filter, page).await
}

async fn fetch_applications(
    app: &App,
    mut select: sea_orm::Select<application::Entity>,
    filter: Filter<ApplicationState>,
    page: &Page,
) -> std::result::Result<Slice<application::Model>, ApiError> {
    if let Some(states) = filter.states {
        select = select.filter(application::Column::State.is_in(states));
    }
    if let Some(program) = filter.program {
        select = select.filter(application::Column::ProgramId.eq(program));
    }
    page::fetch(
        app.db.read(),
        select,
        application::Column::Id,
        |row: &application::Model| row.id.0,
        page,
    )
    .await
    .map_err(ApiError::internal)
}

pub async fn list_partnerships_of_brand(
    app: &App,
    actor: &Actor,
    brand: BrandId,
    filter: Filter<PartnershipState>,
    page: &Page,
) -> std::result::Result<Slice<partnership::Model>, ApiError> {
    actor.authorise(Operation::SeePartnerships, Place::brand(brand))?;
    let select = partnership::Entity::find_within(&actor.reach()).filter(partnership::Column::BrandId.eq(brand));
    fetch_partnerships(app, select, filter, page).await
}

pub async fn list_partnerships_of_partner(
    app: &App,
    actor: &Actor,
    partner: PartnerId,
    filter: Filter<PartnershipState>,
    page: &Page,
) -> std::result::Result<Slice<partnership::Model>, ApiError> {
    actor.authorise(Operation::SeeOwnPartnerships, Place::partner(partner))?;
    let select = partnership::Entity::find_within(&actor.reach()).filter(partnership::Column::PartnerId.eq(partner));
    fetch_partnerships(app, select, filter, page).await
}

/// The direct recruits. They belong to other partners, outside a partner's reach: what is authorised is the recruiter.
pub async fn list_recruits(
    app: &App,
    actor: &Actor,
    recruiter: &partnership::Model,
    page: &Page,
) -> std::result::Result<Slice<partnership::Model>, ApiError> {
    actor.authorise(
        Operation::SeeRecruits,
        Place::shared(recruiter.brand_id, recruiter.partner_id),
    )?;
    let select = partnership::Entity::find().filter(partnership::Column::ReferrerId.eq(recruiter.id));
    let everything = Filter {
        states: None,
        program: None,
    };
    fetch_partnerships(app, select, everything, page).await
}

async fn fetch_partnerships(
    app: &App,
    mut select: sea_orm::Select<partnership::Entity>,
    filter: Filter<PartnershipState>,
    page: &Page,
) -> std::result::Result<Slice<partnership::Model>, ApiError> {
    if let Some(states) = filter.states {
        select = select.filter(partnership::Column::State.is_in(states));
    }
    if let Some(program) = filter.program {
        select = select.filter(partnership::Column::ProgramId.eq(program));
    }
    page::fetch(
        app.db.read(),
        select,
        partnership::Column::Id,
        |row: &partnership::Model| row.id.0,
        page,
    )
    .await
    .map_err(ApiError::internal)
}

/// An application within reach, locked until the transaction ends, by somebody who may do this to it.
async fn lock_application_in_tx(
    tx: &DatabaseTransaction,
    actor: &Actor,
    operation: Operation,
    id: ApplicationId,
) -> Result<application::Model> {
    let row = application::Entity::find_within(&actor.reach())
        .filter(application::Column::Id.eq(id))
        .lock(LockType::NoKeyUpdate)
        .one(tx)
        .await?
        .ok_or_else(|| ApiError::not_found("application"))?;
    actor.authorise(operation, Place::shared(row.brand_id, row.partner_id))?;
    Ok(row)
}

/// A partnership within reach, locked until the transaction ends, by somebody who may do this to it.
async fn lock_partnership_in_tx(
    tx: &DatabaseTransaction,
    actor: &Actor,
    operation: Operation,
    id: PartnershipId,
) -> Result<partnership::Model> {
    let row = partnership::Entity::find_within(&actor.reach())
        .filter(partnership::Column::Id.eq(id))
        .lock(LockType::NoKeyUpdate)
        .one(tx)
        .await?
        .ok_or_else(|| ApiError::not_found("partnership"))?;
    actor.authorise(operation, Place::shared(row.brand_id, row.partner_id))?;
    Ok(row)
}
