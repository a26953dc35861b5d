//! Batches of what is told of programs and partners. A program's is public with its listing; a partner's is for whoever
//! may ask for it (`types.rs`).

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use entity::{
    ids::{PartnerId, ProgramId},
    partner_trust,
    partnership::{self, PartnershipState},
    program_trust,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use crate::graphql::context::{Batch, LoadError};

/// What a program's days come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProgramTrustOf(pub ProgramId);

/// What a partner's days come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PartnerTrustOf(pub PartnerId);

/// In how many programs a partner is active.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProgramsJoinedBy(pub PartnerId);

impl Loader<ProgramTrustOf> for Batch {
    type Value = program_trust::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[ProgramTrustOf]) -> Result<HashMap<ProgramTrustOf, program_trust::Model>, LoadError> {
        let rows = program_trust::Entity::find()
            .filter(program_trust::Column::ProgramId.is_in(keys.iter().map(|key| key.0)))
            .all(self.app.db.read())
            .await?;
        Ok(rows
            .into_iter()
            .map(|row| (ProgramTrustOf(row.program_id), row))
            .collect())
    }
}

impl Loader<PartnerTrustOf> for Batch {
    type Value = partner_trust::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[PartnerTrustOf]) -> Result<HashMap<PartnerTrustOf, partner_trust::Model>, LoadError> {
        let rows = partner_trust::Entity::find()
            .filter(partner_trust::Column::PartnerId.is_in(keys.iter().map(|key| key.0)))
            .all(self.app.db.read())
            .await?;
        Ok(rows
            .into_iter()
            .map(|row| (PartnerTrustOf(row.partner_id), row))
            .collect())
    }
}

impl Loader<ProgramsJoinedBy> for Batch {
    type Value = i64;
    type Error = LoadError;

    async fn load(&self, keys: &[ProgramsJoinedBy]) -> Result<HashMap<ProgramsJoinedBy, i64>, LoadError> {
        let rows: Vec<(PartnerId, i64)> = partnership::Entity::find()
            .select_only()
            .column(partnership::Column::PartnerId)
            .column_as(partnership::Column::Id.count(), "count")
            .filter(partnership::Column::PartnerId.is_in(keys.iter().map(|key| key.0)))
            .filter(partnership::Column::State.eq(PartnershipState::Active))
            .group_by(partnership::Column::PartnerId)
            .into_tuple()
            .all(self.app.db.read())
            .await?;
        Ok(rows
            .into_iter()
            .map(|(partner, count)| (ProgramsJoinedBy(partner), count))
            .collect())
    }
}
