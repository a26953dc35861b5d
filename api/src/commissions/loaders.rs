//! Batches of commissions. Scoped: a partner sees its own, also inside somebody else's conversion.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use entity::{
    TenantScoped, commission, commission_rule,
    ids::{CommissionId, ConversionId, ProgramId},
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use crate::{
    app::App,
    commissions::{
        rules::{self, Holder},
        service,
    },
    error::ApiError,
    graphql::context::{Batch, LoadError},
    programs::service as programs,
};

impl Loader<CommissionId> for Batch {
    type Value = commission::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[CommissionId]) -> Result<HashMap<CommissionId, Self::Value>, LoadError> {
        let rows = commission::Entity::find_within_any_mode(&self.actor.reach())
            .filter(commission::Column::Id.is_in(keys.iter().copied()))
            .all(self.app.db.read())
            .await?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}

/// The commissions of a conversion by level and line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CommissionsOf(pub ConversionId);

impl Loader<CommissionsOf> for Batch {
    type Value = Vec<commission::Model>;
    type Error = LoadError;

    async fn load(&self, keys: &[CommissionsOf]) -> Result<HashMap<CommissionsOf, Self::Value>, LoadError> {
        let rows = commission::Entity::find_within_any_mode(&self.actor.reach())
            .filter(commission::Column::ConversionId.is_in(keys.iter().map(|key| key.0)))
            .order_by_asc(commission::Column::ConversionId)
            .order_by_asc(commission::Column::Level)
            .order_by_asc(commission::Column::Id)
            .all(self.app.db.read())
            .await?;
        let mut commissions: HashMap<CommissionsOf, Self::Value> = HashMap::new();
        for row in rows {
            commissions
                .entry(CommissionsOf(row.conversion_id))
                .or_default()
                .push(row);
        }
        Ok(commissions)
    }
}

/// The rules that count for a partnership of a program now, in order of precedence. The door is the partnership.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EffectiveRules {
    pub program: ProgramId,
    pub holder: Holder,
}

impl Loader<EffectiveRules> for Batch {
    type Value = Vec<commission_rule::Model>;
    type Error = LoadError;

    async fn load(&self, keys: &[EffectiveRules]) -> Result<HashMap<EffectiveRules, Self::Value>, LoadError> {
        let programs: Vec<_> = keys.iter().map(|key| key.program).collect();
        let groups: Vec<_> = keys.iter().filter_map(|key| key.holder.group).collect();
        let partnerships: Vec<_> = keys.iter().map(|key| key.holder.partnership).collect();
        let rows = programs::list_rules_in_tx(self.app.db.read(), &programs, &groups, &partnerships).await?;
        let now = self.app.clock.now();
        let of = |key: &EffectiveRules| {
            let rules = rows.iter().filter(|row| row.program_id == key.program);
            let standing = rules.map(|row| (service::standing_of(row), row.clone()));
            (*key, rules::in_precedence(standing, key.holder, now))
        };
        Ok(keys.iter().map(of).collect())
    }
}

/// The rows that feed events are about. The feed has authorised its tenant, and its events are that tenant's own.
pub async fn by_subject(app: App, ids: Vec<Uuid>) -> Result<HashMap<Uuid, commission::Model>, ApiError> {
    let rows = commission::Entity::find()
        .filter(commission::Column::Id.is_in(ids))
        .all(app.db.read())
        .await
        .map_err(ApiError::internal)?;
    Ok(rows.into_iter().map(|row| (row.id.0, row)).collect())
}
