//! Mutations of an organisation's people.

use async_graphql::{Context, Object};

use crate::{
    error::ApiError,
    graphql::context::{ContextExt, parse_id},
    members::{
        service::{self, Invite, Kind, Organisation},
        types::{
            AcceptMemberInvitationInput, AcceptMemberInvitationPayload, ChangeBrandMemberRoleInput,
            ChangeBrandMemberRolePayload, DeclineMemberInvitationInput, DeclineMemberInvitationPayload,
            InviteBrandMemberInput, InviteBrandMemberPayload, InvitePartnerMemberInput, InvitePartnerMemberPayload,
            LeaveBrandInput, LeaveBrandPayload, LeavePartnerInput, LeavePartnerPayload, MemberInvitationLink,
            RemoveBrandMemberInput, RemoveBrandMemberPayload, RemovePartnerMemberInput, RemovePartnerMemberPayload,
            ResendBrandMemberInvitationInput, ResendBrandMemberInvitationPayload, ResendPartnerMemberInvitationInput,
            ResendPartnerMemberInvitationPayload, RevokeBrandMemberInvitationInput, RevokeBrandMemberInvitationPayload,
            RevokePartnerMemberInvitationInput, RevokePartnerMemberInvitationPayload, TransferBrandOwnershipInput,
            TransferBrandOwnershipPayload,
        },
    },
};

#[derive(Default)]
pub struct MemberMutations;

#[Object]
impl MemberMutations {
    /// Asks somebody into a brand: mails a link to the address, good for seven days. The answer has another, this once. At most
    /// 50 may be open at a time.
    async fn invite_brand_member(
        &self,
        ctx: &Context<'_>,
        input: InviteBrandMemberInput,
    ) -> Result<Option<InviteBrandMemberPayload>, ApiError> {
        let command = Invite {
            organisation: Organisation::Brand(parse_id(&input.brand_id, "brandId")?),
            email: input.email,
            role: Some(input.role.into()),
        };
        let made = service::invite(ctx.app(), ctx.actor(), command).await;
        InviteBrandMemberPayload::of(made.map(|made| MemberInvitationLink::new(ctx, made)))
    }

    /// Asks somebody into a partner account: mails a link to the address, good for seven days. The answer has another, this
    /// once.
    async fn invite_partner_member(
        &self,
        ctx: &Context<'_>,
        input: InvitePartnerMemberInput,
    ) -> Result<Option<InvitePartnerMemberPayload>, ApiError> {
        let command = Invite {
            organisation: Organisation::Partner(parse_id(&input.partner_id, "partnerId")?),
            email: input.email,
            role: None,
        };
        let made = service::invite(ctx.app(), ctx.actor(), command).await;
        InvitePartnerMemberPayload::of(made.map(|made| MemberInvitationLink::new(ctx, made)))
    }

    /// Gives an open invitation of a brand other links, one by mail, and seven more days.
    async fn resend_brand_member_invitation(
        &self,
        ctx: &Context<'_>,
        input: ResendBrandMemberInvitationInput,
    ) -> Result<Option<ResendBrandMemberInvitationPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        let made = service::resend_invitation(ctx.app(), ctx.actor(), Kind::Brand, id).await;
        ResendBrandMemberInvitationPayload::of(made.map(|made| MemberInvitationLink::new(ctx, made)))
    }

    /// Takes an open invitation of a brand back.
    async fn revoke_brand_member_invitation(
        &self,
        ctx: &Context<'_>,
        input: RevokeBrandMemberInvitationInput,
    ) -> Result<Option<RevokeBrandMemberInvitationPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        let revoked = service::revoke_invitation(ctx.app(), ctx.actor(), Kind::Brand, id).await;
        RevokeBrandMemberInvitationPayload::of(revoked)
    }

    /// Gives an open invitation of a partner other links, one by mail, and seven more days.
    async fn resend_partner_member_invitation(
        &self,
        ctx: &Context<'_>,
        input: ResendPartnerMemberInvitationInput,
    ) -> Result<Option<ResendPartnerMemberInvitationPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        let made = service::resend_invitation(ctx.app(), ctx.actor(), Kind::Partner, id).await;
        ResendPartnerMemberInvitationPayload::of(made.map(|made| MemberInvitationLink::new(ctx, made)))
    }

    /// Takes an open invitation of a partner back.
    async fn revoke_partner_member_invitation(
        &self,
        ctx: &Context<'_>,
        input: RevokePartnerMemberInvitationInput,
    ) -> Result<Option<RevokePartnerMemberInvitationPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        let revoked = service::revoke_invitation(ctx.app(), ctx.actor(), Kind::Partner, id).await;
        RevokePartnerMemberInvitationPayload::of(revoked)
    }

    /// Makes the caller a member. A token that is not good, for whatever reason, is `INVITATION_INVALID`.
    async fn accept_member_invitation(
        &self,
        ctx: &Context<'_>,
        input: AcceptMemberInvitationInput,
    ) -> Result<Option<AcceptMemberInvitationPayload>, ApiError> {
        AcceptMemberInvitationPayload::of(service::accept_invitation(ctx.app(), ctx.actor(), &input.token).await)
    }

    /// Declines an invitation of the caller. A token that is not good, for whatever reason, is `INVITATION_INVALID`.
    async fn decline_member_invitation(
        &self,
        ctx: &Context<'_>,
        input: DeclineMemberInvitationInput,
    ) -> Result<Option<DeclineMemberInvitationPayload>, ApiError> {
        DeclineMemberInvitationPayload::of(service::decline_invitation(ctx.app(), ctx.actor(), &input.token).await)
    }

    /// Gives a member another role. Admins neither make owners nor touch them; the last owner stays one.
    async fn change_brand_member_role(
        &self,
        ctx: &Context<'_>,
        input: ChangeBrandMemberRoleInput,
    ) -> Result<Option<ChangeBrandMemberRolePayload>, ApiError> {
        let (id, role) = (parse_id(&input.id, "id")?, input.role.into());
        ChangeBrandMemberRolePayload::of(service::change_brand_member_role(ctx.app(), ctx.actor(), id, role).await)
    }

    /// Removes a member, whose rights end at once. Only owners remove owners.
    async fn remove_brand_member(
        &self,
        ctx: &Context<'_>,
        input: RemoveBrandMemberInput,
    ) -> Result<Option<RemoveBrandMemberPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        RemoveBrandMemberPayload::of(service::remove_brand_member(ctx.app(), ctx.actor(), id).await)
    }

    /// Leaves a brand. The last owner cannot.
    async fn leave_brand(
        &self,
        ctx: &Context<'_>,
        input: LeaveBrandInput,
    ) -> Result<Option<LeaveBrandPayload>, ApiError> {
        let id = parse_id(&input.brand_id, "brandId")?;
        LeaveBrandPayload::of(service::leave_brand(ctx.app(), ctx.actor(), id).await)
    }

    /// Makes another member an owner in the caller's place; the caller stays as an admin.
    async fn transfer_brand_ownership(
        &self,
        ctx: &Context<'_>,
        input: TransferBrandOwnershipInput,
    ) -> Result<Option<TransferBrandOwnershipPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        TransferBrandOwnershipPayload::of(service::transfer_brand_ownership(ctx.app(), ctx.actor(), id).await)
    }

    /// Removes somebody from a partner account, whose rights end at once.
    async fn remove_partner_member(
        &self,
        ctx: &Context<'_>,
        input: RemovePartnerMemberInput,
    ) -> Result<Option<RemovePartnerMemberPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        RemovePartnerMemberPayload::of(service::remove_partner_member(ctx.app(), ctx.actor(), id).await)
    }

    /// Leaves a partner account. The last member cannot.
    async fn leave_partner(
        &self,
        ctx: &Context<'_>,
        input: LeavePartnerInput,
    ) -> Result<Option<LeavePartnerPayload>, ApiError> {
        let id = parse_id(&input.partner_id, "partnerId")?;
        LeavePartnerPayload::of(service::leave_partner(ctx.app(), ctx.actor(), id).await)
    }
}
