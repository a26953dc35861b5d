//! Partnership mutations.

use async_graphql::{Context, Object};

use crate::{
    error::ApiError,
    graphql::{
        context::{ContextExt, parse_id, said_id},
        objects::Partnership,
        scalars::percent_to_ppm,
    },
    partnerships::{
        service::{
            self, AcceptInvitation, AcceptTerms, Apply, InviteManyToProgram, InviteToProgram, Proposal, Rejection,
        },
        types::{
            AcceptOfferInput, AcceptOfferPayload, AcceptProgramInvitationInput, AcceptProgramInvitationPayload,
            AcceptProgramTermsInput, AcceptProgramTermsPayload, ApplyToProgramInput, ApplyToProgramPayload,
            ApproveApplicationInput, ApproveApplicationPayload, BanPartnershipInput, BanPartnershipPayload,
            CounterOfferInput, CounterOfferPayload, DeclineOfferInput, DeclineOfferPayload,
            DeclineProgramInvitationInput, DeclineProgramInvitationPayload, EndPartnershipInput, EndPartnershipPayload,
            InviteManyToProgramInput, InviteManyToProgramPayload, InviteToProgramInput, InviteToProgramPayload,
            LeaveProgramInput, LeaveProgramPayload, ProgramInviteeInput, ReactivatePartnershipInput,
            ReactivatePartnershipPayload, RejectApplicationInput, RejectApplicationPayload,
            ResendProgramInvitationInput, ResendProgramInvitationPayload, RevokeProgramInvitationInput,
            RevokeProgramInvitationPayload, SetApplicationFlagInput, SetApplicationFlagPayload,
            SetPartnershipGroupInput, SetPartnershipGroupPayload, SetPartnershipGroupsInput,
            SetPartnershipGroupsPayload, SetPartnershipReferrerInput, SetPartnershipReferrerPayload,
            StartApplicationReviewInput, StartApplicationReviewPayload, SuspendPartnershipInput,
            SuspendPartnershipPayload, WithdrawApplicationInput, WithdrawApplicationPayload,
        },
    },
};

#[derive(Default)]
pub struct PartnershipMutations;

#[Object]
impl PartnershipMutations {
    /// Asks into a program in a partner's name. Refused for what `Program.eligibility` says, and for answers that are none.
    async fn apply_to_program(
        &self,
        ctx: &Context<'_>,
        input: ApplyToProgramInput,
    ) -> Result<Option<ApplyToProgramPayload>, ApiError> {
        let command = Apply {
            partner: parse_id(&input.partner_id, "partnerId")?,
            program: parse_id(&input.program_id, "programId")?,
            message: input.message,
            accepted_terms_version: input.accepted_terms_version,
            proposal: input.terms.map(|terms| terms.read("terms.percent")).transpose()?,
            answers: input.answers.into_iter().map(Into::into).collect(),
            referral_code: input.referral_code,
            client_address: client_address(ctx),
        };
        ApplyToProgramPayload::of(service::apply_to_program(ctx.app(), ctx.actor(), command).await)
    }

    /// Accepts the current version of a program's terms for an active or suspended partnership. Accepting it again changes
    /// nothing.
    async fn accept_program_terms(
        &self,
        ctx: &Context<'_>,
        input: AcceptProgramTermsInput,
    ) -> Result<Option<AcceptProgramTermsPayload>, ApiError> {
        let command = AcceptTerms {
            partnership: parse_id(&input.partnership_id, "partnershipId")?,
            version: input.version,
            client_address: client_address(ctx),
        };
        AcceptProgramTermsPayload::of(service::accept_program_terms(ctx.app(), ctx.actor(), command).await)
    }

    /// Takes an open application back.
    async fn withdraw_application(
        &self,
        ctx: &Context<'_>,
        input: WithdrawApplicationInput,
    ) -> Result<Option<WithdrawApplicationPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        WithdrawApplicationPayload::of(
            service::withdraw_application(ctx.app(), ctx.actor(), id, input.reason.as_deref()).await,
        )
    }

    /// Says that somebody is looking at an application that was submitted.
    async fn start_application_review(
        &self,
        ctx: &Context<'_>,
        input: StartApplicationReviewInput,
    ) -> Result<Option<StartApplicationReviewPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        let reason = input.reason.as_deref();
        StartApplicationReviewPayload::of(service::start_application_review(ctx.app(), ctx.actor(), id, reason).await)
    }

    /// Approves an open application into an active program; a partnership begins, or an ended one comes back.
    async fn approve_application(
        &self,
        ctx: &Context<'_>,
        input: ApproveApplicationInput,
    ) -> Result<Option<ApproveApplicationPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        ApproveApplicationPayload::of(
            service::approve_application(ctx.app(), ctx.actor(), id, input.reason.as_deref()).await,
        )
    }

    /// Rejects an open application, saying why and when the partner may ask again.
    async fn reject_application(
        &self,
        ctx: &Context<'_>,
        input: RejectApplicationInput,
    ) -> Result<Option<RejectApplicationPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        let rejection = Rejection {
            reason: input.reason.into(),
            note: input.note,
            reapply_policy: input.reapply_policy.map(Into::into),
        };
        RejectApplicationPayload::of(service::reject_application(ctx.app(), ctx.actor(), id, rejection).await)
    }

    /// Answers the open offer of the other side about an application or an invitation with another one, which that side
    /// answers. There are at most 10 offers about each.
    async fn counter_offer(
        &self,
        ctx: &Context<'_>,
        input: CounterOfferInput,
    ) -> Result<Option<CounterOfferPayload>, ApiError> {
        let subject = input.subject.read()?;
        let proposal = Proposal {
            rate_ppm: percent_to_ppm(input.percent, "percent")?,
            message: input.message,
        };
        let made = service::counter_offer(ctx.app(), ctx.actor(), subject, input.number, proposal).await;
        CounterOfferPayload::of(made)
    }

    /// Takes the open offer of the other side. An application is approved with it, and the terms become the partnership's own
    /// rule, before all others; an invitation is accepted by its partner as ever, on these terms.
    async fn accept_offer(
        &self,
        ctx: &Context<'_>,
        input: AcceptOfferInput,
    ) -> Result<Option<AcceptOfferPayload>, ApiError> {
        let subject = input.subject.read()?;
        AcceptOfferPayload::of(service::accept_offer(ctx.app(), ctx.actor(), subject, input.number).await)
    }

    /// Turns the open offer of the other side down. The application or invitation stays open, on the program's terms.
    async fn decline_offer(
        &self,
        ctx: &Context<'_>,
        input: DeclineOfferInput,
    ) -> Result<Option<DeclineOfferPayload>, ApiError> {
        let subject = input.subject.read()?;
        DeclineOfferPayload::of(service::decline_offer(ctx.app(), ctx.actor(), subject, input.number).await)
    }

    /// Says of an open application that a person must look at it, so that nothing decides about it by itself; or that one did.
    async fn set_application_flag(
        &self,
        ctx: &Context<'_>,
        input: SetApplicationFlagInput,
    ) -> Result<Option<SetApplicationFlagPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        let reason = input.reason.as_deref();
        let flagged = service::set_application_flag(ctx.app(), ctx.actor(), id, input.flagged, reason).await;
        SetApplicationFlagPayload::of(flagged)
    }

    /// Suspends an active partnership: it earns nothing until it is reactivated.
    async fn suspend_partnership(
        &self,
        ctx: &Context<'_>,
        input: SuspendPartnershipInput,
    ) -> Result<Option<SuspendPartnershipPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        SuspendPartnershipPayload::of(service::suspend_partnership(ctx.app(), ctx.actor(), id, &input.reason).await)
    }

    /// Reactivates a suspended partnership.
    async fn reactivate_partnership(
        &self,
        ctx: &Context<'_>,
        input: ReactivatePartnershipInput,
    ) -> Result<Option<ReactivatePartnershipPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        let reason = input.reason.as_deref();
        ReactivatePartnershipPayload::of(service::reactivate_partnership(ctx.app(), ctx.actor(), id, reason).await)
    }

    /// Ends an active or suspended partnership in the brand's name: it earns nothing more, and keeps what it earned. What
    /// is pending is decided as ever, what is available can be paid.
    async fn end_partnership(
        &self,
        ctx: &Context<'_>,
        input: EndPartnershipInput,
    ) -> Result<Option<EndPartnershipPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        let (policy, reason) = (input.reapply_policy.into(), input.reason.as_deref());
        EndPartnershipPayload::of(service::end_partnership(ctx.app(), ctx.actor(), id, policy, reason).await)
    }

    /// Ends an active or suspended partnership in the partner's name, who keeps what it earned and may apply again.
    async fn leave_program(
        &self,
        ctx: &Context<'_>,
        input: LeaveProgramInput,
    ) -> Result<Option<LeaveProgramPayload>, ApiError> {
        let id = parse_id(&input.partnership_id, "partnershipId")?;
        LeaveProgramPayload::of(service::leave_program(ctx.app(), ctx.actor(), id, input.reason.as_deref()).await)
    }

    /// Throws a partner out of a program for good, also one whose partnership is over: it cannot apply again. Its pending
    /// commissions are no longer approved by themselves, and it is not paid while one of them is undecided.
    async fn ban_partnership(
        &self,
        ctx: &Context<'_>,
        input: BanPartnershipInput,
    ) -> Result<Option<BanPartnershipPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        let (reason, note) = (input.reason.into(), input.note.as_deref());
        BanPartnershipPayload::of(service::ban_partnership(ctx.app(), ctx.actor(), id, reason, note).await)
    }

    /// Asks a partner into an active program. It is mailed: a link to an address, the news to a partner's people. The answer
    /// is the same whether or not an address has an account. At most 500 of a brand are open, and 100 are sent in 24 hours.
    async fn invite_to_program(
        &self,
        ctx: &Context<'_>,
        input: InviteToProgramInput,
    ) -> Result<Option<InviteToProgramPayload>, ApiError> {
        let command = InviteToProgram {
            program: parse_id(&input.program_id, "programId")?,
            invitee: input.invitee.read()?,
            group: input.group_id.map(|id| parse_id(&id, "groupId")).transpose()?,
            message: input.message,
            expires_in_days: input.expires_in_days,
            proposal: input.terms.map(|terms| terms.read("terms.percent")).transpose()?,
        };
        InviteToProgramPayload::of(service::invite_to_program(ctx.app(), ctx.actor(), command).await)
    }

    /// The same for up to 100 partners or addresses, with a result for each: whoever cannot be asked is passed over. The limits
    /// are those of `inviteToProgram`.
    async fn invite_many_to_program(
        &self,
        ctx: &Context<'_>,
        input: InviteManyToProgramInput,
    ) -> Result<Option<InviteManyToProgramPayload>, ApiError> {
        let invitees = input.invitees.into_iter().map(ProgramInviteeInput::read);
        let command = InviteManyToProgram {
            program: parse_id(&input.program_id, "programId")?,
            invitees: invitees.collect::<Result<_, _>>()?,
            group: input.group_id.map(|id| parse_id(&id, "groupId")).transpose()?,
            message: input.message,
            expires_in_days: input.expires_in_days,
        };
        InviteManyToProgramPayload::of(service::invite_many_to_program(ctx.app(), ctx.actor(), command).await)
    }

    /// Sends an open invitation again, with more time and another link: the one mailed before is no longer good.
    async fn resend_program_invitation(
        &self,
        ctx: &Context<'_>,
        input: ResendProgramInvitationInput,
    ) -> Result<Option<ResendProgramInvitationPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        let sent = service::resend_invitation(ctx.app(), ctx.actor(), id, input.expires_in_days).await;
        ResendProgramInvitationPayload::of(sent)
    }

    /// Takes an open invitation back.
    async fn revoke_program_invitation(
        &self,
        ctx: &Context<'_>,
        input: RevokeProgramInvitationInput,
    ) -> Result<Option<RevokeProgramInvitationPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        let revoked = service::revoke_invitation(ctx.app(), ctx.actor(), id, input.reason.as_deref()).await;
        RevokeProgramInvitationPayload::of(revoked)
    }

    /// Accepts an open invitation for a partner, which is in at once. An application it has open into the program is
    /// approved with it, an ended partnership comes back.
    async fn accept_program_invitation(
        &self,
        ctx: &Context<'_>,
        input: AcceptProgramInvitationInput,
    ) -> Result<Option<AcceptProgramInvitationPayload>, ApiError> {
        let command = AcceptInvitation {
            which: input.invitation.read()?,
            partner: parse_id(&input.partner_id, "partnerId")?,
            accepted_terms_version: input.accepted_terms_version,
            client_address: client_address(ctx),
        };
        AcceptProgramInvitationPayload::of(service::accept_invitation(ctx.app(), ctx.actor(), command).await)
    }

    /// Declines an open invitation.
    async fn decline_program_invitation(
        &self,
        ctx: &Context<'_>,
        input: DeclineProgramInvitationInput,
    ) -> Result<Option<DeclineProgramInvitationPayload>, ApiError> {
        let which = input.invitation.read()?;
        let declined = service::decline_invitation(ctx.app(), ctx.actor(), which, input.reason.as_deref()).await;
        DeclineProgramInvitationPayload::of(declined)
    }

    /// Puts a partnership into a group of its program, or into none. What it earns from then on it earns by the rules and
    /// with the hold of that group.
    async fn set_partnership_group(
        &self,
        ctx: &Context<'_>,
        input: SetPartnershipGroupInput,
    ) -> Result<Option<SetPartnershipGroupPayload>, ApiError> {
        let id = parse_id(&input.partnership_id, "partnershipId")?;
        let group = said_id(&input.group_id, "groupId", "say which group, or null for none")?;
        SetPartnershipGroupPayload::of(service::set_group(ctx.app(), ctx.actor(), id, group).await)
    }

    /// The same for up to 100 partnerships of one program: all of them or none.
    async fn set_partnership_groups(
        &self,
        ctx: &Context<'_>,
        input: SetPartnershipGroupsInput,
    ) -> Result<Option<SetPartnershipGroupsPayload>, ApiError> {
        let ids = input.partnership_ids.iter();
        let ids: Vec<_> = ids.map(|id| parse_id(id, "partnershipIds")).collect::<Result<_, _>>()?;
        let group = said_id(&input.group_id, "groupId", "say which group, or null for none")?;
        let moved = service::set_groups(ctx.app(), ctx.actor(), &ids, group).await;
        let moved = moved.map(|rows| rows.into_iter().map(Partnership::from).collect::<Vec<_>>());
        SetPartnershipGroupsPayload::of(moved)
    }

    /// Moves a partnership, with all it recruited, to another place in the referral tree. Commissions already computed
    /// keep the upline they were computed with.
    async fn set_partnership_referrer(
        &self,
        ctx: &Context<'_>,
        input: SetPartnershipReferrerInput,
    ) -> Result<Option<SetPartnershipReferrerPayload>, ApiError> {
        let id = parse_id(&input.partnership_id, "partnershipId")?;
        let whom = "say who the referrer is, or null for nobody";
        let referrer = said_id(&input.referrer_id, "referrerId", whom)?;
        SetPartnershipReferrerPayload::of(service::set_referrer(ctx.app(), ctx.actor(), id, referrer).await)
    }
}

/// Where the request comes from, as it is kept.
fn client_address(ctx: &Context<'_>) -> Option<String> {
    ctx.device().address.map(|address| address.to_string())
}
