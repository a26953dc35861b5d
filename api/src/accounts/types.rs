//! Accounts as the schema shows them.

use async_graphql::{ComplexObject, Context, ID, InputObject, MaybeUndefined, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{ids::SessionId, partner, session, user};

use crate::{
    accounts::{
        error::{AccountError, AccountErrorCode},
        service::{self, SignedIn},
    },
    brands::types::Membership,
    connection,
    error::ApiError,
    graphql::{context::ContextExt, objects::Partner, scalars::CountryCode},
    page, payload,
};

/// A person who signs in.
#[derive(Clone, Debug, SimpleObject)]
pub struct User {
    /// Global id.
    pub id: ID,
    /// As its holder wrote it.
    pub email: String,
    /// How others see this person.
    pub display_name: String,
    /// When the account was made.
    pub created_at: DateTime<Utc>,
}

impl From<user::Model> for User {
    fn from(row: user::Model) -> Self {
        Self {
            id: row.id.to_string().into(),
            email: row.email,
            display_name: row.display_name,
            created_at: row.created_at,
        }
    }
}

/// A partner's own fields; the schema's `Partner` is merged in `graphql/objects.rs`.
#[derive(Clone, Debug, SimpleObject)]
pub struct PartnerFields {
    /// Global id.
    pub id: ID,
    /// Unique name in lower case, part of public addresses.
    pub handle: String,
    /// How others see this partner.
    pub display_name: String,
    /// What the partner says about itself.
    pub bio: Option<String>,
    /// Where the partner is.
    pub country: Option<CountryCode>,
    /// When the account was made.
    pub created_at: DateTime<Utc>,
}

impl From<partner::Model> for PartnerFields {
    fn from(row: partner::Model) -> Self {
        Self {
            id: row.id.to_string().into(),
            handle: row.handle,
            display_name: row.display_name,
            bio: row.bio,
            country: row.country.map(CountryCode),
            created_at: row.created_at,
        }
    }
}

/// The signed-in user with everything they act for.
pub struct Viewer(pub user::Model);

/// The signed-in user with everything they act for.
#[async_graphql::Object]
impl Viewer {
    /// The user.
    async fn user(&self) -> User {
        self.0.clone().into()
    }

    /// Whether the user proved their address with the link that was sent to it.
    async fn email_verified(&self) -> bool {
        self.0.email_verified_at.is_some()
    }

    /// The brands the user is a member of, with the role there. At most a few: not paged.
    async fn memberships(&self, ctx: &Context<'_>) -> Result<Option<Vec<Membership>>, ApiError> {
        let brands = ctx.actor().brands.clone();
        Ok(Some(
            brands
                .into_iter()
                .map(|(brand_id, role)| Membership {
                    brand_id,
                    role: role.into(),
                })
                .collect(),
        ))
    }

    /// The partner accounts the user acts for. At most ten.
    async fn partners(&self, ctx: &Context<'_>) -> Result<Option<Vec<Partner>>, ApiError> {
        let mut partners = Vec::new();
        for id in ctx.actor().partners.clone() {
            partners.extend(ctx.load(id).await?.map(Partner::from));
        }
        Ok(Some(partners))
    }

    /// Where the user is signed in, newest first; sessions that are over are left out.
    #[graphql(complexity = "page::cost(first, last, child_complexity)")]
    async fn sessions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, at most 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Items from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items in front of this cursor.")] before: Option<String>,
    ) -> Result<Option<UserSessionConnection>, ApiError> {
        let page = ctx.page(first, after, last, before)?;
        Ok(Some(
            service::list_sessions(ctx.app(), ctx.actor(), &page).await?.into(),
        ))
    }
}

/// A signed-in device of a user, without its tokens.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct UserSession {
    /// Global id.
    pub id: ID,
    /// When the user signed in.
    pub created_at: DateTime<Utc>,
    /// When a request last came in it, give or take a minute.
    pub last_used_at: DateTime<Utc>,
    /// What the client called itself (`User-Agent`) when it last got tokens; at most 300 characters.
    pub user_agent: Option<String>,
    /// The IP address it got them from; that of a proxy where there is one.
    pub client_address: Option<String>,
    /// When it ends for good.
    pub expires_at: DateTime<Utc>,
    /// When it was ended before its time; null while it was not.
    pub revoked_at: Option<DateTime<Utc>>,
    #[graphql(skip)]
    row_id: SessionId,
}

#[ComplexObject]
impl UserSession {
    /// Whether this very request comes in it.
    async fn current(&self, ctx: &Context<'_>) -> bool {
        ctx.actor().session == Some(self.row_id)
    }
}

impl From<session::Model> for UserSession {
    fn from(row: session::Model) -> Self {
        Self {
            id: row.id.to_string().into(),
            created_at: row.created_at,
            last_used_at: row.last_used_at.unwrap_or(row.created_at),
            user_agent: row.user_agent,
            client_address: row.client_address,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
            row_id: row.id,
        }
    }
}

connection! {
    /// Sessions of a user.
    UserSessionConnection, UserSessionEdge of UserSession
}

/// Tokens of a session.
#[derive(Clone, Debug, SimpleObject)]
pub struct Session {
    /// Who is signed in.
    pub user: User,
    /// Send it as `Authorization: Bearer …`.
    pub access_token: String,
    /// When the access token ends: 15 minutes after it was made.
    pub access_token_expires_at: DateTime<Utc>,
    /// Exchange it for new tokens with `refreshSession`. Good for one exchange: a second one
    /// ends the session.
    pub refresh_token: String,
    /// When the session ends for good.
    pub refresh_token_expires_at: DateTime<Utc>,
}

impl From<SignedIn> for Session {
    fn from(signed_in: SignedIn) -> Self {
        Self {
            user: signed_in.user.into(),
            access_token: signed_in.access_token,
            access_token_expires_at: signed_in.access_expires_at,
            refresh_token: signed_in.refresh_token,
            refresh_token_expires_at: signed_in.refresh_expires_at,
        }
    }
}

/// A new account.
#[derive(InputObject)]
pub struct SignUpInput {
    /// The e-mail address to sign in with.
    pub email: String,
    /// 10 to 200 characters.
    pub password: String,
    /// How others see this person: 1 to 100 characters.
    pub display_name: String,
}

/// Credentials.
#[derive(InputObject)]
pub struct SignInInput {
    /// The e-mail address of the account.
    pub email: String,
    /// Its password.
    pub password: String,
}

/// A session to go on with.
#[derive(InputObject)]
pub struct RefreshSessionInput {
    /// The refresh token of the session.
    pub refresh_token: String,
}

/// What to sign out of.
#[derive(InputObject)]
pub struct SignOutInput {
    /// A refresh token of the session to end; without one it is the session the request comes in.
    pub refresh_token: Option<String>,
}

/// A session to end.
#[derive(InputObject)]
pub struct RevokeSessionInput {
    /// The id of one of the caller's sessions.
    pub id: ID,
}

/// Another password.
#[derive(InputObject)]
pub struct ChangePasswordInput {
    /// The password so far.
    pub current_password: String,
    /// 10 to 200 characters.
    pub new_password: String,
}

/// Whose password was forgotten.
#[derive(InputObject)]
pub struct RequestPasswordResetInput {
    /// The e-mail address of the account.
    pub email: String,
}

/// A new password in place of a forgotten one.
#[derive(InputObject)]
pub struct ResetPasswordInput {
    /// What stands behind `#` in the link from the mail. Good once, for an hour.
    pub token: String,
    /// 10 to 200 characters.
    pub new_password: String,
}

/// The proof of an address.
#[derive(InputObject)]
pub struct VerifyEmailInput {
    /// What stands behind `#` in the link from the mail. Good once, for 24 hours.
    pub token: String,
}

/// Which address to prove.
#[derive(InputObject)]
pub struct ResendVerificationInput {
    /// The e-mail address of the account.
    pub email: String,
}

/// Which sessions to keep.
#[derive(InputObject)]
pub struct RevokeOtherSessionsInput {
    /// One of the caller's sessions to keep beside the one the request comes in.
    pub keep_id: Option<ID>,
}

/// Another address.
#[derive(InputObject)]
pub struct ChangeEmailInput {
    /// The address to sign in with from then on.
    pub new_email: String,
    /// The account's password.
    pub current_password: String,
}

/// A new partner account of the signed-in user.
#[derive(InputObject)]
pub struct CreatePartnerInput {
    /// Unique: 3 to 30 lower-case letters, digits or hyphens, beginning with a letter.
    pub handle: String,
    /// How others see this partner: 1 to 100 characters.
    pub display_name: String,
    /// At most 2,000 characters.
    pub bio: Option<String>,
    /// Where the partner is.
    pub country: Option<CountryCode>,
}

payload! {
    /// What `signUp` answers.
    SignUpPayload {
        /// The new session.
        session: Session
    } refused by AccountError, AccountErrorCode
}

payload! {
    /// What `signIn` answers.
    SignInPayload {
        /// The new session.
        session: Session
    } refused by AccountError, AccountErrorCode
}

payload! {
    /// What `refreshSession` answers.
    RefreshSessionPayload {
        /// The session with new tokens.
        session: Session
    } refused by AccountError, AccountErrorCode
}

payload! {
    /// What `signOut` answers.
    SignOutPayload {
        /// The session that is over.
        session: UserSession
    } refused by AccountError, AccountErrorCode
}

payload! {
    /// What `revokeSession` answers.
    RevokeSessionPayload {
        /// The session that is over.
        session: UserSession
    } refused by AccountError, AccountErrorCode
}

payload! {
    /// What `revokeOtherSessions` answers.
    RevokeOtherSessionsPayload {
        /// How many sessions are over.
        revoked_count: i32
    } refused by AccountError, AccountErrorCode
}

payload! {
    /// What `requestPasswordReset` answers.
    RequestPasswordResetPayload {
        /// The address as it was given; it is sent a link if it has an account.
        email: String
    } refused by AccountError, AccountErrorCode
}

payload! {
    /// What `resetPassword` answers.
    ResetPasswordPayload {
        /// The user with the new password, who is signed in nowhere.
        user: User
    } refused by AccountError, AccountErrorCode
}

payload! {
    /// What `verifyEmail` answers.
    VerifyEmailPayload {
        /// The user with the proved address.
        user: User
    } refused by AccountError, AccountErrorCode
}

payload! {
    /// What `resendVerification` answers.
    ResendVerificationPayload {
        /// The address as it was given; it is sent a link if it has an account and is not proved.
        email: String
    } refused by AccountError, AccountErrorCode
}

payload! {
    /// What `changeEmail` answers.
    ChangeEmailPayload {
        /// The user with the address that is theirs until the link is opened.
        user: User
    } refused by AccountError, AccountErrorCode
}

payload! {
    /// What `changePassword` answers.
    ChangePasswordPayload {
        /// The user with the new password.
        user: User
    } refused by AccountError, AccountErrorCode
}

/// What to change of a partner's profile; what is absent stays.
#[derive(InputObject)]
pub struct PartnerPatchInput {
    /// 1 to 100 characters.
    pub display_name: MaybeUndefined<String>,
    /// At most 2,000 characters. Null takes it away.
    pub bio: MaybeUndefined<String>,
    /// Where the partner is. Null takes it away.
    pub country: MaybeUndefined<CountryCode>,
}

/// A partner to change.
#[derive(InputObject)]
pub struct UpdatePartnerInput {
    /// The partner.
    pub id: ID,
    /// What to change.
    pub patch: PartnerPatchInput,
}

payload! {
    /// What `updatePartner` answers.
    UpdatePartnerPayload {
        /// The partner with its new profile.
        partner: Partner
    } refused by AccountError, AccountErrorCode
}

payload! {
    /// What `createPartner` answers.
    CreatePartnerPayload {
        /// The new partner.
        partner: Partner
    } refused by AccountError, AccountErrorCode
}
