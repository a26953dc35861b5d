//! Partnership mutations.

use async_graphql::{Context, MaybeUndefined, Object};

use crate::{
    error::ApiError,
    graphql::context::{ContextExt, parse_id},
    partnerships::{
        service::{self, AcceptTerms, Apply, Rejection},
        types::{
            AcceptProgramTermsInput, AcceptProgramTermsPayload, ApplyToProgramInput, ApplyToProgramPayload,
            ApproveApplicationInput, ApproveApplicationPayload, BanPartnershipInput, BanPartnershipPayload,
            EndPartnershipInput, EndPartnershipPayload, LeaveProgramInput, LeaveProgramPayload,
            ReactivatePartnershipInput, ReactivatePartnershipPayload, RejectApplicationInput, RejectApplicationPayload,
            SetPartnershipReferrerInput, SetPartnershipReferrerPayload, StartApplicationReviewInput,
            StartApplicationReviewPayload, SuspendPartnershipInput, SuspendPartnershipPayload,
            WithdrawApplicationInput, WithdrawApplicationPayload,
        },
    },
};

#[derive(Default)]
pub struct PartnershipMutations;

#[Object]
impl PartnershipMutations {
    /// Asks into a program in a partner's name.
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
            reapply_policy: input.reapply_policy.into(),
        };
        RejectApplicationPayload::of(service::reject_application(ctx.app(), ctx.actor(), id, rejection).await)
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

    /// Moves a partnership, with all it recruited, to another place in the referral tree. Commissions already computed
    /// keep the upline they were computed with.
    async fn set_partnership_referrer(
        &self,
        ctx: &Context<'_>,
        input: SetPartnershipReferrerInput,
    ) -> Result<Option<SetPartnershipReferrerPayload>, ApiError> {
        let id = parse_id(&input.partnership_id, "partnershipId")?;
        let referrer = match &input.referrer_id {
            MaybeUndefined::Value(referrer) => Some(parse_id(referrer, "referrerId")?),
            MaybeUndefined::Null => None,
            MaybeUndefined::Undefined => {
                return Err(ApiError::bad_field(
                    "referrerId",
                    "say who the referrer is, or null for nobody",
                ));
            }
        };
        SetPartnershipReferrerPayload::of(service::set_referrer(ctx.app(), ctx.actor(), id, referrer).await)
    }
}

/// Where the request comes from, as it is kept.
fn client_address(ctx: &Context<'_>) -> Option<String> {
    ctx.device().address.map(|address| address.to_string())
}
