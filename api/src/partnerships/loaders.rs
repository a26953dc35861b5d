//! Batches of application and partnership rows, each within what the caller may see.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use entity::{
    TenantScoped, application,
    creator_profile::{self, Visibility},
    ids::{ApplicationId, PartnerId, PartnershipId, ProgramId, ProgramInvitationId},
    partner, partnership, program, program_invitation, terms_acceptance, terms_offer,
};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait, Query},
};
use uuid::Uuid;

use crate::{
    app::App,
    error::ApiError,
    graphql::context::{Batch, LoadError},
    partnerships::service,
};

/// The partnership of a partner in a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PartnershipFor(pub ProgramId, pub PartnerId);

/// The newest version of a program's terms that a partner accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AcceptedBy(pub ProgramId, pub PartnerId);

/// A partner the caller may find by its id alone: its own, one that deals with a brand of the caller, and for the people of
/// brands one with a public profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VisiblePartner(pub PartnerId);

impl Loader<ApplicationId> for Batch {
    type Value = application::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[ApplicationId]) -> Result<HashMap<ApplicationId, application::Model>, LoadError> {
        let rows = application::Entity::find_within(&self.actor.reach())
            .filter(application::Column::Id.is_in(keys.iter().copied()))
            .all(self.app.db.read())
            .await?;
        Ok(rows
            .into_iter()
            .filter(|row| service::may_see_application(&self.actor, row))
            .map(|row| (row.id, row))
            .collect())
    }
}

impl Loader<PartnershipId> for Batch {
    type Value = partnership::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[PartnershipId]) -> Result<HashMap<PartnershipId, partnership::Model>, LoadError> {
        let rows = partnership::Entity::find_within(&self.actor.reach())
            .filter(partnership::Column::Id.is_in(keys.iter().copied()))
            .all(self.app.db.read())
            .await?;
        Ok(rows
            .into_iter()
            .filter(|row| service::may_see_partnership(&self.actor, row))
            .map(|row| (row.id, row))
            .collect())
    }
}

impl Loader<ProgramInvitationId> for Batch {
    type Value = program_invitation::Model;
    type Error = LoadError;

    async fn load(
        &self,
        keys: &[ProgramInvitationId],
    ) -> Result<HashMap<ProgramInvitationId, program_invitation::Model>, LoadError> {
        let rows = program_invitation::Entity::find_within(&self.actor.reach())
            .filter(program_invitation::Column::Id.is_in(keys.iter().copied()))
            .all(self.app.db.read())
            .await?;
        Ok(rows
            .into_iter()
            .filter(|row| service::may_see_invitation(&self.actor, row))
            .map(|row| (row.id, row))
            .collect())
    }
}

impl Loader<PartnershipFor> for Batch {
    type Value = partnership::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[PartnershipFor]) -> Result<HashMap<PartnershipFor, partnership::Model>, LoadError> {
        // Pair by pair, as SQLite and PostgreSQL write lists of pairs differently; each is one look into the unique index.
        let pairs = keys.iter().fold(Condition::any(), |pairs, key| {
            pairs.add(
                Condition::all()
                    .add(partnership::Column::ProgramId.eq(key.0))
                    .add(partnership::Column::PartnerId.eq(key.1)),
            )
        });
        let rows = partnership::Entity::find_within(&self.actor.reach())
            .filter(pairs)
            .all(self.app.db.read())
            .await?;
        Ok(rows
            .into_iter()
            .filter(|row| service::may_see_partnership(&self.actor, row))
            .map(|row| (PartnershipFor(row.program_id, row.partner_id), row))
            .collect())
    }
}

/// Acceptances are reached through a partnership that the caller may see, or one below it.
impl Loader<AcceptedBy> for Batch {
    type Value = terms_acceptance::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[AcceptedBy]) -> Result<HashMap<AcceptedBy, terms_acceptance::Model>, LoadError> {
        use terms_acceptance::{Column, Entity};
        let newest = Query::select()
            .expr(Expr::col(("newest", Column::Version)).max())
            .from_as(Entity, "newest")
            .and_where(Expr::col(("newest", Column::ProgramId)).equals((Entity, Column::ProgramId)))
            .and_where(Expr::col(("newest", Column::PartnerId)).equals((Entity, Column::PartnerId)))
            .to_owned();
        let rows = Entity::find_within(&self.actor.reach())
            .filter(Column::ProgramId.is_in(keys.iter().map(|key| key.0)))
            .filter(Column::PartnerId.is_in(keys.iter().map(|key| key.1)))
            .filter(Column::Version.in_subquery(newest))
            .all(self.app.db.read())
            .await?;
        Ok(rows
            .into_iter()
            .map(|row| (AcceptedBy(row.program_id, row.partner_id), row))
            .collect())
    }
}

impl Loader<VisiblePartner> for Batch {
    type Value = partner::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[VisiblePartner]) -> Result<HashMap<VisiblePartner, partner::Model>, LoadError> {
        let mut select = partner::Entity::find().filter(partner::Column::Id.is_in(keys.iter().map(|key| key.0)));
        if !self.actor.platform_admin {
            let brands: Vec<_> = self.actor.brands.iter().map(|(brand, _)| *brand).collect();
            let applied = application::Entity::find()
                .select_only()
                .column(application::Column::PartnerId)
                .filter(application::Column::BrandId.is_in(brands.iter().copied()))
                .into_query();
            let joined = partnership::Entity::find()
                .select_only()
                .column(partnership::Column::PartnerId)
                .filter(partnership::Column::BrandId.is_in(brands.iter().copied()))
                .into_query();
            let public = creator_profile::Entity::find()
                .select_only()
                .column(creator_profile::Column::PartnerId)
                .filter(creator_profile::Column::Visibility.eq(Visibility::Public))
                .into_query();
            select = select.filter(
                Condition::any()
                    .add(partner::Column::Id.is_in(self.actor.partners.iter().copied()))
                    .add(partner::Column::Id.in_subquery(applied))
                    .add(partner::Column::Id.in_subquery(joined))
                    .add_option((!brands.is_empty()).then(|| partner::Column::Id.in_subquery(public))),
            );
        }
        let rows = select.all(self.app.db.read()).await?;
        Ok(rows.into_iter().map(|row| (VisiblePartner(row.id), row)).collect())
    }
}

/// What stands in the way of an application into a program by a partner of the caller, who was asked whether it may know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReasonsFor(pub ProgramId, pub PartnerId);

impl Loader<ReasonsFor> for Batch {
    type Value = Vec<service::Reason>;
    type Error = LoadError;

    async fn load(&self, keys: &[ReasonsFor]) -> Result<HashMap<ReasonsFor, Vec<service::Reason>>, LoadError> {
        let conn = self.app.db.read();
        let programs = program::Entity::find()
            .filter(program::Column::Id.is_in(keys.iter().map(|key| key.0)))
            .all(conn)
            .await?;
        let wanted = keys.iter().filter_map(|key| {
            let program = programs.iter().find(|program| program.id == key.0);
            program.map(|program| (program, key.1))
        });
        let wanted: Vec<_> = wanted.collect();
        let found = service::list_reasons_in_tx(conn, &self.app, &self.actor, &wanted).await?;
        Ok(found
            .into_iter()
            .map(|((program, partner), reasons)| (ReasonsFor(program, partner), reasons))
            .collect())
    }
}

/// The offers about an application or an invitation, oldest first. The door is what they are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OffersOf(pub service::Subject);

impl Loader<OffersOf> for Batch {
    type Value = Vec<terms_offer::Model>;
    type Error = LoadError;

    async fn load(&self, keys: &[OffersOf]) -> Result<HashMap<OffersOf, Vec<terms_offer::Model>>, LoadError> {
        let applications = keys.iter().filter_map(|key| match key.0 {
            service::Subject::Application(id) => Some(id),
            service::Subject::Invitation(_) => None,
        });
        let invitations = keys.iter().filter_map(|key| match key.0 {
            service::Subject::Invitation(id) => Some(id),
            service::Subject::Application(_) => None,
        });
        let wanted = Condition::any()
            .add(terms_offer::Column::ApplicationId.is_in(applications))
            .add(terms_offer::Column::InvitationId.is_in(invitations));
        let rows = terms_offer::Entity::find()
            .filter(wanted)
            .order_by_asc(terms_offer::Column::Number)
            .all(self.app.db.read())
            .await?;
        let mut found: HashMap<OffersOf, Vec<terms_offer::Model>> = HashMap::new();
        for row in rows {
            let subject = match (row.application_id, row.invitation_id) {
                (Some(id), _) => service::Subject::Application(id),
                (None, Some(id)) => service::Subject::Invitation(id),
                (None, None) => continue,
            };
            found.entry(OffersOf(subject)).or_default().push(row);
        }
        Ok(found)
    }
}

/// The rows that feed events are about. The feed has authorised its tenant, and its events are that tenant's own.
pub async fn by_subject(app: App, ids: Vec<Uuid>) -> Result<HashMap<Uuid, application::Model>, ApiError> {
    let rows = application::Entity::find()
        .filter(application::Column::Id.is_in(ids))
        .all(app.db.read())
        .await
        .map_err(ApiError::internal)?;
    Ok(rows.into_iter().map(|row| (row.id.0, row)).collect())
}
