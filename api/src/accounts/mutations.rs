//! Account mutations.

use async_graphql::{Context, Object};

use crate::{
    accounts::{
        service,
        types::{
            CreatePartnerInput, CreatePartnerPayload, RefreshSessionInput, RefreshSessionPayload, SignInInput,
            SignInPayload, SignUpInput, SignUpPayload,
        },
    },
    error::ApiError,
    graphql::context::ContextExt,
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

    /// Signs in with e-mail address and password.
    async fn sign_in(&self, ctx: &Context<'_>, input: SignInInput) -> Result<Option<SignInPayload>, ApiError> {
        SignInPayload::of(service::sign_in(ctx.app(), &input.email, input.password).await)
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
}
