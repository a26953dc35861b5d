//! People and invitations as the schema shows them.

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{
    ids::{BrandId, PartnerId, UserId},
    member_invitation, partner_member,
};

use crate::{
    accounts::types::User,
    brands::types::{BrandMember, BrandRole},
    connection,
    error::ApiError,
    graphql::{
        context::ContextExt,
        objects::{Brand, Partner},
        scalars::Url,
    },
    members::{
        error::{MemberError, MemberErrorCode},
        service::{self, NewInvitation, Organisation},
    },
    page, payload,
};

/// Where an invitation of a member stands.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "member_invitation::MemberInvitationState")]
pub enum MemberInvitationState {
    /// It can be accepted.
    Sent,
    /// The person is in.
    Accepted,
    /// The person does not want to.
    Declined,
    /// Seven days went by.
    Expired,
    /// It was taken back, or whoever sent it may no longer do so.
    Revoked,
}

/// Somebody is asked, by mail address, into a brand's or a partner's account.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct MemberInvitation {
    /// Global id.
    pub id: ID,
    /// Who is asked. Only somebody who signs in with this address can accept.
    pub email: String,
    /// What the person will be in the brand; absent for a partner, whose people are all equal.
    pub role: Option<BrandRole>,
    /// When it was first sent.
    pub created_at: DateTime<Utc>,
    /// Until when it can be accepted: seven days from when it was last sent.
    pub expires_at: DateTime<Utc>,
    /// When it was accepted, declined or revoked.
    pub decided_at: Option<DateTime<Utc>>,
    #[graphql(skip)]
    row: member_invitation::Model,
}

impl From<member_invitation::Model> for MemberInvitation {
    fn from(row: member_invitation::Model) -> Self {
        Self {
            id: row.id.to_string().into(),
            email: row.email.clone(),
            role: row.role.map(Into::into),
            created_at: row.created_at,
            expires_at: row.expires_at,
            decided_at: row.decided_at,
            row,
        }
    }
}

#[ComplexObject]
impl MemberInvitation {
    /// Where it stands now.
    async fn state(&self, ctx: &Context<'_>) -> MemberInvitationState {
        self.row.state_at(ctx.app().clock.now()).into()
    }

    /// The brand that asks; absent when a partner does.
    async fn brand(&self, ctx: &Context<'_>) -> Result<Option<Brand>, ApiError> {
        match self.row.brand_id {
            Some(id) => Ok(ctx.load(id).await?.map(Brand::from)),
            None => Ok(None),
        }
    }

    /// The partner that asks; absent when a brand does.
    async fn partner(&self, ctx: &Context<'_>) -> Result<Option<Partner>, ApiError> {
        match self.row.partner_id {
            Some(id) => Ok(ctx.load(id).await?.map(Partner::from)),
            None => Ok(None),
        }
    }

    /// Who sent it.
    async fn invited_by(&self, ctx: &Context<'_>) -> Result<Option<User>, ApiError> {
        Ok(ctx.load(self.row.invited_by).await?.map(User::from))
    }
}

connection! {
    /// Invitations of members.
    MemberInvitationConnection, MemberInvitationEdge of MemberInvitation
}

/// An invitation with its link, which cannot be read again.
#[derive(Clone, Debug, SimpleObject)]
pub struct MemberInvitationLink {
    /// The invitation.
    pub invitation: MemberInvitation,
    /// Good once, for the invited person. Shown this once.
    pub token: String,
    /// Where the person goes; the token stands behind `#`.
    pub url: Url,
}

impl MemberInvitationLink {
    #[must_use]
    pub fn new(ctx: &Context<'_>, made: NewInvitation) -> Self {
        let base = ctx.app().config.public_base();
        Self {
            invitation: made.invitation.into(),
            // Browsers send what stands behind `#` to nobody, so no log has it.
            url: Url(format!("{base}/join#{}", made.token)),
            token: made.token,
        }
    }
}

/// Somebody who acts for a partner.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct PartnerMember {
    /// Global id.
    pub id: ID,
    /// Since when.
    pub created_at: DateTime<Utc>,
    #[graphql(skip)]
    user_id: UserId,
}

impl From<partner_member::Model> for PartnerMember {
    fn from(row: partner_member::Model) -> Self {
        Self {
            id: row.id.to_string().into(),
            created_at: row.created_at,
            user_id: row.user_id,
        }
    }
}

#[ComplexObject]
impl PartnerMember {
    /// The person.
    async fn user(&self, ctx: &Context<'_>) -> Result<Option<User>, ApiError> {
        Ok(ctx.load(self.user_id).await?.map(User::from))
    }
}

connection! {
    /// People of a partner.
    PartnerMemberConnection, PartnerMemberEdge of PartnerMember
}

/// What this room says about a brand.
#[derive(Clone)]
pub struct MembersOfBrand(pub BrandId);

#[Object]
impl MembersOfBrand {
    /// Whom the brand asked in, newest first, those who came included. For owners and admins.
    #[graphql(complexity = "page::cost(first, last, child_complexity)")]
    async fn member_invitations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, at most 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Items from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items in front of this cursor.")] before: Option<String>,
    ) -> Result<Option<MemberInvitationConnection>, ApiError> {
        let page = ctx.page(first, after, last, before)?;
        let of = Organisation::Brand(self.0);
        let invitations = service::list_invitations(ctx.app(), ctx.actor(), of, &page).await?;
        Ok(Some(invitations.into()))
    }
}

/// What this room says about a partner.
#[derive(Clone)]
pub struct MembersOfPartner(pub PartnerId);

#[Object]
impl MembersOfPartner {
    /// The people who act for the partner, newest first. For themselves.
    #[graphql(complexity = "page::cost(first, last, child_complexity)")]
    async fn members(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, at most 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Items from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items in front of this cursor.")] before: Option<String>,
    ) -> Result<Option<PartnerMemberConnection>, ApiError> {
        let page = ctx.page(first, after, last, before)?;
        let members = service::list_partner_members(ctx.app(), ctx.actor(), self.0, &page).await?;
        Ok(Some(members.into()))
    }

    /// Whom the partner asked in, newest first, those who came included. For its people.
    #[graphql(complexity = "page::cost(first, last, child_complexity)")]
    async fn member_invitations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, at most 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Items from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items in front of this cursor.")] before: Option<String>,
    ) -> Result<Option<MemberInvitationConnection>, ApiError> {
        let page = ctx.page(first, after, last, before)?;
        let of = Organisation::Partner(self.0);
        let invitations = service::list_invitations(ctx.app(), ctx.actor(), of, &page).await?;
        Ok(Some(invitations.into()))
    }
}

/// Somebody to ask into a brand.
#[derive(InputObject)]
pub struct InviteBrandMemberInput {
    /// The brand.
    pub brand_id: ID,
    /// The address to ask: the person signs in, or up, with it.
    pub email: String,
    /// What the person will be there. Owners are made by owners only.
    pub role: BrandRole,
}

/// Somebody to ask into a partner account.
#[derive(InputObject)]
pub struct InvitePartnerMemberInput {
    /// The partner.
    pub partner_id: ID,
    /// The address to ask: the person signs in, or up, with it.
    pub email: String,
}

/// An invitation of a brand to send again.
#[derive(InputObject)]
pub struct ResendBrandMemberInvitationInput {
    /// The invitation.
    pub id: ID,
}

/// An invitation of a partner to send again.
#[derive(InputObject)]
pub struct ResendPartnerMemberInvitationInput {
    /// The invitation.
    pub id: ID,
}

/// An invitation of a brand to take back.
#[derive(InputObject)]
pub struct RevokeBrandMemberInvitationInput {
    /// The invitation.
    pub id: ID,
}

/// An invitation of a partner to take back.
#[derive(InputObject)]
pub struct RevokePartnerMemberInvitationInput {
    /// The invitation.
    pub id: ID,
}

/// An invitation to accept.
#[derive(InputObject)]
pub struct AcceptMemberInvitationInput {
    /// What stands behind `#` in the link.
    pub token: String,
}

/// An invitation to decline.
#[derive(InputObject)]
pub struct DeclineMemberInvitationInput {
    /// What stands behind `#` in the link.
    pub token: String,
}

/// Another role for a member.
#[derive(InputObject)]
pub struct ChangeBrandMemberRoleInput {
    /// The member.
    pub id: ID,
    /// The role from now on.
    pub role: BrandRole,
}

/// A member to remove.
#[derive(InputObject)]
pub struct RemoveBrandMemberInput {
    /// The member.
    pub id: ID,
}

/// A brand to leave.
#[derive(InputObject)]
pub struct LeaveBrandInput {
    /// The brand.
    pub brand_id: ID,
}

/// Who is to own a brand in the caller's place.
#[derive(InputObject)]
pub struct TransferBrandOwnershipInput {
    /// The member.
    pub id: ID,
}

/// A person of a partner to remove.
#[derive(InputObject)]
pub struct RemovePartnerMemberInput {
    /// The member.
    pub id: ID,
}

/// A partner account to leave.
#[derive(InputObject)]
pub struct LeavePartnerInput {
    /// The partner.
    pub partner_id: ID,
}

payload! {
    /// What `inviteBrandMember` answers.
    InviteBrandMemberPayload {
        /// The invitation and, this once, its link.
        created: MemberInvitationLink
    } refused by MemberError, MemberErrorCode
}

payload! {
    /// What `invitePartnerMember` answers.
    InvitePartnerMemberPayload {
        /// The invitation and, this once, its link.
        created: MemberInvitationLink
    } refused by MemberError, MemberErrorCode
}

payload! {
    /// What `resendBrandMemberInvitation` answers.
    ResendBrandMemberInvitationPayload {
        /// The invitation and, this once, its new link; the old one is no longer good.
        created: MemberInvitationLink
    } refused by MemberError, MemberErrorCode
}

payload! {
    /// What `resendPartnerMemberInvitation` answers.
    ResendPartnerMemberInvitationPayload {
        /// The invitation and, this once, its new link; the old one is no longer good.
        created: MemberInvitationLink
    } refused by MemberError, MemberErrorCode
}

payload! {
    /// What `revokeBrandMemberInvitation` answers.
    RevokeBrandMemberInvitationPayload {
        /// The invitation, revoked.
        invitation: MemberInvitation
    } refused by MemberError, MemberErrorCode
}

payload! {
    /// What `revokePartnerMemberInvitation` answers.
    RevokePartnerMemberInvitationPayload {
        /// The invitation, revoked.
        invitation: MemberInvitation
    } refused by MemberError, MemberErrorCode
}

payload! {
    /// What `acceptMemberInvitation` answers.
    AcceptMemberInvitationPayload {
        /// The invitation, accepted; the caller is a member.
        invitation: MemberInvitation
    } refused by MemberError, MemberErrorCode
}

payload! {
    /// What `declineMemberInvitation` answers.
    DeclineMemberInvitationPayload {
        /// The invitation, declined.
        invitation: MemberInvitation
    } refused by MemberError, MemberErrorCode
}

payload! {
    /// What `changeBrandMemberRole` answers.
    ChangeBrandMemberRolePayload {
        /// The member with the new role.
        member: BrandMember
    } refused by MemberError, MemberErrorCode
}

payload! {
    /// What `removeBrandMember` answers.
    RemoveBrandMemberPayload {
        /// Who is a member no more.
        member: BrandMember
    } refused by MemberError, MemberErrorCode
}

payload! {
    /// What `leaveBrand` answers.
    LeaveBrandPayload {
        /// The brand, which the caller has left.
        brand: Brand
    } refused by MemberError, MemberErrorCode
}

payload! {
    /// What `transferBrandOwnership` answers.
    TransferBrandOwnershipPayload {
        /// The new owner; the caller is an admin now.
        member: BrandMember
    } refused by MemberError, MemberErrorCode
}

payload! {
    /// What `removePartnerMember` answers.
    RemovePartnerMemberPayload {
        /// Who is a member no more.
        member: PartnerMember
    } refused by MemberError, MemberErrorCode
}

payload! {
    /// What `leavePartner` answers.
    LeavePartnerPayload {
        /// The partner, which the caller has left.
        partner: Partner
    } refused by MemberError, MemberErrorCode
}
