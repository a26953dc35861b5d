//! Account mutations.

use async_graphql::{Context, Object};

use crate::{
    accounts::{
        service,
        types::{
            ChangeEmailInput, ChangeEmailPayload, ChangePasswordInput, ChangePasswordPayload, CreatePartnerInput,
            CreatePartnerPayload, RefreshSessionInput, RefreshSessionPayload, RequestPasswordResetInput,
            RequestPasswordResetPayload, ResendVerificationInput, ResendVerificationPayload, ResetPasswordInput,
            ResetPasswordPayload, RevokeOtherSessionsInput, RevokeOtherSessionsPayload, RevokeSessionInput,
            RevokeSessionPayload, SignInInput, SignInPayload, SignOutInput, SignOutPayload, SignUpInput, SignUpPayload,
            UpdatePartnerInput, UpdatePartnerPayload, VerifyEmailInput, VerifyEmailPayload,
        },
    },
    error::ApiError,
    graphql::context::{ContextExt, not_null, parse_id},
};

#[derive(Default)]
pub struct AccountMutations;

#[Object]
impl AccountMutations {
    /// Makes an account and signs it in; a mail brings a link that proves the address (`verifyEmail`). After a hundred
    /// addresses that were taken the client waits up to fifteen minutes (`RATE_LIMITED`).
    async fn sign_up(&self, ctx: &Context<'_>, input: SignUpInput) -> Result<Option<SignUpPayload>, ApiError> {
        let command = service::SignUp {
            email: input.email,
            password: input.password,
            display_name: input.display_name,
        };
        SignUpPayload::of(service::sign_up(ctx.app(), command, ctx.device()).await)
    }

    /// Signs in with e-mail address and password. After ten wrong ones for an address, or a hundred for any, the client
    /// waits up to fifteen minutes (`RATE_LIMITED`); others do not.
    async fn sign_in(&self, ctx: &Context<'_>, input: SignInInput) -> Result<Option<SignInPayload>, ApiError> {
        SignInPayload::of(service::sign_in(ctx.app(), &input.email, input.password, ctx.device()).await)
    }

    /// Exchanges a refresh token for new tokens; the old one is used up. Presenting a used one again, even at once, ends
    /// the session: it may have been stolen, and nobody can tell by whom.
    async fn refresh_session(
        &self,
        ctx: &Context<'_>,
        input: RefreshSessionInput,
    ) -> Result<Option<RefreshSessionPayload>, ApiError> {
        RefreshSessionPayload::of(service::refresh_session(ctx.app(), &input.refresh_token, ctx.device()).await)
    }

    /// Ends the session of a refresh token, or the one the request comes in; its access tokens end with it.
    async fn sign_out(&self, ctx: &Context<'_>, input: SignOutInput) -> Result<Option<SignOutPayload>, ApiError> {
        let token = input.refresh_token.as_deref();
        SignOutPayload::of(service::sign_out(ctx.app(), ctx.actor(), token).await)
    }

    /// Ends one of the caller's sessions; its access tokens end with it.
    async fn revoke_session(
        &self,
        ctx: &Context<'_>,
        input: RevokeSessionInput,
    ) -> Result<Option<RevokeSessionPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        RevokeSessionPayload::of(service::revoke_session(ctx.app(), ctx.actor(), id).await)
    }

    /// Ends all of the caller's sessions but the one the request comes in, and one more where it is named; their access
    /// tokens end with them.
    async fn revoke_other_sessions(
        &self,
        ctx: &Context<'_>,
        input: RevokeOtherSessionsInput,
    ) -> Result<Option<RevokeOtherSessionsPayload>, ApiError> {
        let keep = input.keep_id.map(|id| parse_id(&id, "keepId")).transpose()?;
        RevokeOtherSessionsPayload::of(service::revoke_other_sessions(ctx.app(), ctx.actor(), keep).await)
    }

    /// Changes the caller's password and ends all their sessions but the one the request comes in.
    async fn change_password(
        &self,
        ctx: &Context<'_>,
        input: ChangePasswordInput,
    ) -> Result<Option<ChangePasswordPayload>, ApiError> {
        let command = service::ChangePassword {
            current: input.current_password,
            new: input.new_password,
            client: ctx.client(),
        };
        ChangePasswordPayload::of(service::change_password(ctx.app(), ctx.actor(), command).await)
    }

    /// Sends a link that sets a new password to an address, if it has an account. The answer is the same whether it has; an
    /// address is sent at most five an hour, and a client may ask five times an hour for one, fifty times for all
    /// (`RATE_LIMITED`).
    async fn request_password_reset(
        &self,
        ctx: &Context<'_>,
        input: RequestPasswordResetInput,
    ) -> Result<Option<RequestPasswordResetPayload>, ApiError> {
        RequestPasswordResetPayload::of(service::request_password_reset(ctx.app(), &input.email, ctx.client()).await)
    }

    /// Sets the password of a link's account, and ends all its sessions.
    async fn reset_password(
        &self,
        ctx: &Context<'_>,
        input: ResetPasswordInput,
    ) -> Result<Option<ResetPasswordPayload>, ApiError> {
        ResetPasswordPayload::of(service::reset_password(ctx.app(), &input.token, input.new_password).await)
    }

    /// Takes a link's proof that its address is its user's. After `changeEmail` the address becomes the user's by it.
    async fn verify_email(
        &self,
        ctx: &Context<'_>,
        input: VerifyEmailInput,
    ) -> Result<Option<VerifyEmailPayload>, ApiError> {
        VerifyEmailPayload::of(service::verify_email(ctx.app(), &input.token).await)
    }

    /// Sends another link that proves an address, if it has an account and is not proved. The answer is the same whether it
    /// has. Limited like `requestPasswordReset`, and together with it.
    async fn resend_verification(
        &self,
        ctx: &Context<'_>,
        input: ResendVerificationInput,
    ) -> Result<Option<ResendVerificationPayload>, ApiError> {
        ResendVerificationPayload::of(service::resend_verification(ctx.app(), &input.email, ctx.client()).await)
    }

    /// Sends a link to another address, which becomes the caller's when the link is opened (`verifyEmail`); the old one is
    /// told. The answer is the same when the address has an account already. Limited like `requestPasswordReset`.
    async fn change_email(
        &self,
        ctx: &Context<'_>,
        input: ChangeEmailInput,
    ) -> Result<Option<ChangeEmailPayload>, ApiError> {
        let command = service::ChangeEmail {
            new_email: input.new_email,
            current_password: input.current_password,
            client: ctx.client(),
        };
        ChangeEmailPayload::of(service::change_email(ctx.app(), ctx.actor(), command).await)
    }

    /// Makes a partner account of the signed-in user.
    async fn create_partner(
        &self,
        ctx: &Context<'_>,
        input: CreatePartnerInput,
    ) -> Result<Option<CreatePartnerPayload>, ApiError> {
        let command = service::CreatePartner {
            handle: input.handle,
            display_name: input.display_name,
            bio: input.bio,
            country: input.country.map(|country| country.0),
        };
        CreatePartnerPayload::of(service::create_partner(ctx.app(), ctx.actor(), command).await)
    }

    /// Changes a partner's profile.
    async fn update_partner(
        &self,
        ctx: &Context<'_>,
        input: UpdatePartnerInput,
    ) -> Result<Option<UpdatePartnerPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        let patch = service::PartnerPatch {
            display_name: not_null(input.patch.display_name, "patch.displayName")?,
            bio: input.patch.bio.into(),
            country: input.patch.country.map_value(|country| country.0).into(),
        };
        UpdatePartnerPayload::of(service::update_partner(ctx.app(), ctx.actor(), id, patch).await)
    }
}
