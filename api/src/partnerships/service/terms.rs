//! A partner accepts a program's terms: as it applies, and again when there is a new version.

use entity::{
    TenantScoped,
    ids::{PartnerId, PartnershipId},
    partnership::{self, PartnershipState},
    program_terms, terms_acceptance,
};
use sea_orm::{
    ActiveEnum, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, sea_query::OnConflict,
};

use super::{Result, lock_partnership_in_tx};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    audit::{self, Change},
    error::{ApiError, Failure},
    page::{self, Page, Slice},
    partnerships::error::PartnershipErrorCode as Code,
    programs::service as programs,
};

/// A partner's yes to a version of the terms of its partnership's program.
pub struct AcceptTerms {
    pub partnership: PartnershipId,
    pub version: i32,
    /// Where the request comes from.
    pub client_address: Option<String>,
}

/// Accepts the current version; a second time changes nothing. A partnership that accepted an older one goes on under it
/// until then.
pub async fn accept_program_terms(app: &App, actor: &Actor, command: AcceptTerms) -> Result<partnership::Model> {
    let tx = app.db.begin().await?;
    let row = lock_partnership_in_tx(&tx, actor, Operation::AcceptProgramTerms, command.partnership).await?;
    if !matches!(row.state, PartnershipState::Active | PartnershipState::Suspended) {
        return Err(Failure::refused_field(
            Code::PartnershipOver,
            "partnershipId",
            format!(
                "the partnership is {}: there is nothing to accept",
                row.state.to_value()
            ),
        ));
    }
    let terms = find_current_in_tx(&tx, &row).await?;
    refuse_outdated(&terms, command.version, "version")?;
    if record_in_tx(&tx, app, actor, &terms, row.partner_id, command.client_address).await? {
        let change = Change {
            to: Some(terms.version.to_string()),
            ..Change::of_fact(row.brand_id, "partnership.terms_accepted", row.id)
        };
        audit::record_in_tx(&tx, app, actor, change).await?;
    }
    tx.commit().await?;
    Ok(row)
}

async fn find_current_in_tx(tx: &impl ConnectionTrait, row: &partnership::Model) -> Result<program_terms::Model> {
    let terms = programs::find_terms_in_tx(tx, row.program_id).await?;
    Ok(terms.ok_or_else(|| ApiError::internal("a program without terms"))?)
}

/// Is the accepted version the current one?
pub(super) fn refuse_outdated(current: &program_terms::Model, accepted: i32, field: &str) -> Result<()> {
    if current.version == accepted {
        return Ok(());
    }
    Err(Failure::refused_field(
        Code::TermsOutdated,
        field,
        format!("the current version of the terms is {}", current.version),
    ))
}

/// Keeps that a partner accepted a version; whether it is new. The first time counts.
pub(super) async fn record_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    terms: &program_terms::Model,
    partner: PartnerId,
    client_address: Option<String>,
) -> Result<bool> {
    use terms_acceptance::{ActiveModel, Column, Entity, Model};
    let now = app.clock.now();
    let row = Model {
        id: app.ids.new_id(now),
        program_id: terms.program_id,
        brand_id: terms.brand_id,
        partner_id: partner,
        terms_id: terms.id,
        version: terms.version,
        user_id: actor.user().ok(),
        client_address,
        accepted_at: now,
    };
    let once = OnConflict::columns([Column::ProgramId, Column::PartnerId, Column::Version])
        .do_nothing()
        .to_owned();
    let inserted = Entity::insert(ActiveModel::from(row))
        .on_conflict(once)
        .exec_without_returning(tx)
        .await?;
    Ok(inserted > 0)
}

/// All versions that the partner of a partnership accepted, the newest first.
pub async fn list_acceptances(
    app: &App,
    actor: &Actor,
    partnership: &partnership::Model,
    page: &Page,
) -> std::result::Result<Slice<terms_acceptance::Model>, ApiError> {
    use terms_acceptance::{Column, Entity, Model};
    let place = Place::shared(partnership.brand_id, partnership.partner_id);
    actor.authorise(Operation::SeeTermsAcceptances, place)?;
    let select = Entity::find_within(&actor.reach())
        .filter(Column::ProgramId.eq(partnership.program_id))
        .filter(Column::PartnerId.eq(partnership.partner_id));
    page::fetch(app.db.read(), select, Column::Id, |row: &Model| row.id.0, page)
        .await
        .map_err(ApiError::internal)
}
