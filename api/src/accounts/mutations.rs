//! Account mutations.

use async_graphql::{Context, Object};

use crate::{
    accounts::{
        service,
        types::{
            ChangePasswordInput, ChangePasswordPayload, CreatePartnerInput, CreatePartnerPayload, RefreshSessionInput,
            RefreshSessionPayload, RevokeSessionInput, RevokeSessionPayload, SignInInput, SignInPayload, SignOutInput,
            SignOutPayload, SignUpInput, SignUpPayload, UpdatePartnerInput, UpdatePartnerPayload,
        },
    },
    error::ApiError,
    graphql::context::{ContextExt, not_null, parse_id},
};

#[derive(Default)]
pub struct AccountMutations;

#[Object]
impl AccountMutations {
    /// Makes an account and signs it in.
    async fn sign_up(&self, ctx: &Context<'_>, input: SignUpInput) -> Result<Option<SignUpPayload>, ApiError> {
        let command = service::SignUp {
            email: input.email,
            password: input.password,
            display_name: input.display_name,
        };
        SignUpPayload::of(service::sign_up(ctx.app(), command).await)
    }

    /// Signs in with e-mail address and password. After ten wrong ones for an address, or a hundred for any, the client
    /// waits up to fifteen minutes (`RATE_LIMITED`); others do not.
    async fn sign_in(&self, ctx: &Context<'_>, input: SignInInput) -> Result<Option<SignInPayload>, ApiError> {
        SignInPayload::of(service::sign_in(ctx.app(), &input.email, input.password, ctx.client()).await)
    }

    /// Exchanges a refresh token for new tokens; the old one is used up. Presenting a used one again, even at once, ends
    /// the session: it may have been stolen, and nobody can tell by whom.
    async fn refresh_session(
        &self,
        ctx: &Context<'_>,
        input: RefreshSessionInput,
    ) -> Result<Option<RefreshSessionPayload>, ApiError> {
        RefreshSessionPayload::of(service::refresh_session(ctx.app(), &input.refresh_token).await)
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
