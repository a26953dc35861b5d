//! Batches of people and invitations, for `node`: each to whom its list shows it.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use entity::{
    TenantScoped,
    ids::{MemberInvitationId, PartnerMemberId},
    member_invitation, partner_member,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::{
    accounts::{actor::Place, permissions::Operation},
    graphql::context::{Batch, LoadError},
};

impl Loader<PartnerMemberId> for Batch {
    type Value = partner_member::Model;
    type Error = LoadError;

    async fn load(
        &self,
        keys: &[PartnerMemberId],
    ) -> Result<HashMap<PartnerMemberId, partner_member::Model>, LoadError> {
        let rows = partner_member::Entity::find()
            .filter(partner_member::Column::Id.is_in(keys.iter().copied()))
            .all(self.app.db.read())
            .await?;
        let may_see = |partner| {
            self.actor
                .authorise(Operation::SeeOwnMembers, Place::partner(partner))
                .is_ok()
        };
        Ok(rows
            .into_iter()
            .filter(|row| may_see(row.partner_id))
            .map(|row| (row.id, row))
            .collect())
    }
}

impl Loader<MemberInvitationId> for Batch {
    type Value = member_invitation::Model;
    type Error = LoadError;

    async fn load(
        &self,
        keys: &[MemberInvitationId],
    ) -> Result<HashMap<MemberInvitationId, member_invitation::Model>, LoadError> {
        let rows = member_invitation::Entity::find_within(&self.actor.reach())
            .filter(member_invitation::Column::Id.is_in(keys.iter().copied()))
            .all(self.app.db.read())
            .await?;
        let may_see = |row: &member_invitation::Model| match (row.brand_id, row.partner_id) {
            (Some(brand), _) => self
                .actor
                .authorise(Operation::SeeMemberInvitations, Place::brand(brand))
                .is_ok(),
            (None, Some(partner)) => self
                .actor
                .authorise(Operation::SeeOwnMemberInvitations, Place::partner(partner))
                .is_ok(),
            (None, None) => false,
        };
        Ok(rows.into_iter().filter(may_see).map(|row| (row.id, row)).collect())
    }
}
