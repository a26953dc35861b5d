//! Batches of brand rows. A brand's own fields are public; its lists are guarded where they are listed.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use entity::{
    TenantScoped, api_key, audit_entry, brand, brand_member,
    ids::{ApiKeyId, AuditEntryId, BrandId, BrandMemberId, UserId},
    user,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::{
    accounts::{actor::Place, permissions::Operation},
    brands::service,
    graphql::context::{Batch, LoadError},
};

impl Loader<BrandId> for Batch {
    type Value = brand::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[BrandId]) -> Result<HashMap<BrandId, brand::Model>, LoadError> {
        let rows = brand::Entity::find()
            .filter(brand::Column::Id.is_in(keys.iter().copied()))
            .all(self.app.db.read())
            .await?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}

/// Users, for lists of members that were authorised as lists.
impl Loader<UserId> for Batch {
    type Value = user::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[UserId]) -> Result<HashMap<UserId, user::Model>, LoadError> {
        let rows = user::Entity::find()
            .filter(user::Column::Id.is_in(keys.iter().copied()))
            .all(self.app.db.read())
            .await?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}

/// Members, for `node`: to whom their brand's list shows them.
impl Loader<BrandMemberId> for Batch {
    type Value = brand_member::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[BrandMemberId]) -> Result<HashMap<BrandMemberId, brand_member::Model>, LoadError> {
        let rows = brand_member::Entity::find_within(&self.actor.reach())
            .filter(brand_member::Column::Id.is_in(keys.iter().copied()))
            .all(self.app.db.read())
            .await?;
        let may_see = |brand| self.actor.authorise(Operation::SeeMembers, Place::brand(brand)).is_ok();
        Ok(rows
            .into_iter()
            .filter(|row| may_see(row.brand_id))
            .map(|row| (row.id, row))
            .collect())
    }
}

/// API keys, for `node`: to whom their brand's list shows them.
impl Loader<ApiKeyId> for Batch {
    type Value = api_key::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[ApiKeyId]) -> Result<HashMap<ApiKeyId, api_key::Model>, LoadError> {
        let rows = api_key::Entity::find_within(&self.actor.reach())
            .filter(api_key::Column::Id.is_in(keys.iter().copied()))
            .all(self.app.db.read())
            .await?;
        let may_see = |brand| self.actor.authorise(Operation::SeeApiKeys, Place::brand(brand)).is_ok();
        Ok(rows
            .into_iter()
            .filter(|row| may_see(row.brand_id))
            .map(|row| (row.id, row))
            .collect())
    }
}

/// Entries of audit logs, for `node`: to whom the log shows them.
impl Loader<AuditEntryId> for Batch {
    type Value = audit_entry::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[AuditEntryId]) -> Result<HashMap<AuditEntryId, audit_entry::Model>, LoadError> {
        let rows = audit_entry::Entity::find_within(&self.actor.reach())
            .filter(audit_entry::Column::Id.is_in(keys.iter().copied()))
            .all(self.app.db.read())
            .await?;
        Ok(rows
            .into_iter()
            .filter(|row| service::may_see_audit_entry(&self.actor, row))
            .map(|row| (row.id, row))
            .collect())
    }
}
