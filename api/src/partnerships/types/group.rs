//! Partnerships in their groups.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object};
use entity::ids::{BrandId, PartnerGroupId};

use super::PartnershipConnection;
use crate::{
    error::ApiError,
    graphql::{context::ContextExt, objects::Partnership},
    page,
    partnerships::{
        error::{PartnershipError, PartnershipErrorCode},
        service,
    },
    payload,
};

/// What the partnerships slice adds to `PartnerGroup`.
#[derive(Clone)]
pub struct PartnershipsOfGroup {
    pub group: PartnerGroupId,
    pub brand: BrandId,
}

#[Object]
impl PartnershipsOfGroup {
    /// The partnerships in the group, newest first, whatever their state. For the brand's members.
    #[graphql(complexity = "page::cost(first, last, child_complexity)")]
    async fn partnerships(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, at most 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Items from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items in front of this cursor.")] before: Option<String>,
    ) -> Result<Option<PartnershipConnection>, ApiError> {
        let page = ctx.page(first, after, last, before)?;
        let slice = service::list_partnerships_of_group(ctx.app(), ctx.actor(), self.brand, self.group, &page).await?;
        Ok(Some(slice.into()))
    }
}

/// Another group for a partnership.
#[derive(InputObject)]
pub struct SetPartnershipGroupInput {
    /// The partnership.
    pub partnership_id: ID,
    /// A group of its program. Null, which must be said: no group.
    pub group_id: MaybeUndefined<ID>,
}

/// Another group for partnerships of one program.
#[derive(InputObject)]
pub struct SetPartnershipGroupsInput {
    /// The partnerships: 1 to 100, all of one program.
    pub partnership_ids: Vec<ID>,
    /// A group of the program. Null, which must be said: no group.
    pub group_id: MaybeUndefined<ID>,
}

payload! {
    /// What `setPartnershipGroup` answers.
    SetPartnershipGroupPayload {
        /// The partnership in its group.
        partnership: Partnership
    } refused by PartnershipError, PartnershipErrorCode
}

payload! {
    /// What `setPartnershipGroups` answers.
    SetPartnershipGroupsPayload {
        /// The partnerships in their group, in the order in which they were named.
        partnerships: Vec<Partnership>
    } refused by PartnershipError, PartnershipErrorCode
}
