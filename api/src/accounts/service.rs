//! Signing up and in, partner accounts, and who a request comes from.

mod admins;
mod email;
mod keys;
mod links;
mod partners;
mod passwords;
mod sessions;

use chrono::{DateTime, Utc};
use entity::{
    api_key::ApiKeyMode,
    brand_member,
    ids::{PartnerId, SessionId, UserId},
    partner, partner_member, user,
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect,
    sea_query::OnConflict,
};

use crate::{
    accounts::{
        actor::{Actor, Device, Identity, Place},
        error::AccountErrorCode as Code,
        permissions::Operation,
        rules, tokens,
    },
    app::App,
    error::{ApiError, Failure},
};

pub use self::admins::{PlatformRole, list_platform_admins, set_platform_role};
use self::email::enqueue_verification_in_tx;
pub use self::email::{ChangeEmail, change_email, resend_verification, verify_email};
use self::keys::{identify_key, is_key, reload_key};
pub use self::keys::{key_prefix, scopes_of_key, write_keys_last_used};
pub use self::links::{MAILS_PER_ADDRESS_AND_HOUR, forget_links, write_link_mail};
use self::partners::check_profile;
pub use self::partners::{PartnerPatch, update_partner};
pub use self::passwords::{
    ChangePassword, change_password, confirm_password, hold_password_in_tx, request_password_reset, reset_password,
};
use self::passwords::{NOBODYS_HASH, attempt_password, check_password, hash_password, verify_password};
pub use self::sessions::{
    forget_sessions, list_sessions, refresh_session, revoke_other_sessions, revoke_session, sign_out,
    write_sessions_last_used,
};
use self::sessions::{holder_of, open_session_in_tx};

type Result<T> = std::result::Result<T, Failure<Code>>;

pub const MAX_PARTNERS_PER_USER: u64 = 10;

/// A signed-in user with the tokens of the session.
#[derive(Debug)]
pub struct SignedIn {
    pub user: user::Model,
    pub access_token: String,
    pub access_expires_at: DateTime<Utc>,
    pub refresh_token: String,
    pub refresh_expires_at: DateTime<Utc>,
}

pub struct SignUp {
    pub email: String,
    pub password: String,
    pub display_name: String,
}

/// Makes an account, sends a link that proves its address, and signs in at once.
pub async fn sign_up(app: &App, command: SignUp, device: Device) -> Result<SignedIn> {
    let row = new_user(app, command).await?;
    // Trying addresses to see which are taken is like trying passwords.
    app.passwords
        .attempt_of_client(device.client, app.clock.now())
        .map_err(ApiError::from)?;
    let tx = app.db.begin().await?;
    let inserted = insert_user_in_tx(&tx, &row).await;
    if !matches!(inserted, Err(Failure::Refused(_))) {
        app.passwords.succeed_of_client(device.client);
    }
    inserted?;
    enqueue_verification_in_tx(&tx, app, row.id, row.email.clone()).await?;
    let signed_in = open_session_in_tx(&tx, app, row, device).await?;
    app.commit(tx).await?;
    Ok(signed_in)
}

/// Makes a user without a session or a mail, whose address counts as proved: for the demo and imports, whose mailboxes
/// nobody has.
pub async fn enrol_user(app: &App, command: SignUp) -> Result<user::Model> {
    let row = user::Model {
        email_verified_at: Some(app.clock.now()),
        ..new_user(app, command).await?
    };
    let tx = app.db.begin().await?;
    insert_user_in_tx(&tx, &row).await?;
    tx.commit().await?;
    Ok(row)
}

async fn new_user(app: &App, command: SignUp) -> Result<user::Model> {
    let email_key = check_email(&command.email, "email")?;
    check_password(&command.password, "password")?;
    let display_name = rules::clean_name(&command.display_name)
        .ok_or_else(|| Failure::refused_field(Code::NameInvalid, "displayName", "a name has 1 to 100 characters"))?;
    let password_hash = hash_password(app, command.password).await?;
    let now = app.clock.now();
    Ok(user::Model {
        id: app.ids.new_id(now),
        email: command.email.trim().to_owned(),
        email_key,
        display_name,
        password_hash,
        platform_admin: false,
        email_verified_at: None,
        created_at: now,
    })
}

async fn insert_user_in_tx(tx: &DatabaseTransaction, row: &user::Model) -> Result<()> {
    let inserted = user::Entity::insert(user::ActiveModel::from(row.clone()))
        .on_conflict(OnConflict::column(user::Column::EmailKey).do_nothing().to_owned())
        .exec_without_returning(tx)
        .await?;
    if inserted == 0 {
        return Err(email_taken("email"));
    }
    Ok(())
}

fn check_email(email: &str, field: &str) -> Result<String> {
    rules::email_key(email)
        .ok_or_else(|| Failure::refused_field(Code::EmailInvalid, field, "this is not an e-mail address"))
}

fn email_taken(field: &str) -> Failure<Code> {
    Failure::refused_field(Code::EmailTaken, field, "this address already has an account")
}

pub async fn sign_in(app: &App, email: &str, password: String, device: Device) -> Result<SignedIn> {
    let client = device.client;
    let refuse = || Failure::refused(Code::CredentialsInvalid, "e-mail address or password is wrong");
    let email_key = rules::email_key(email);
    // What is no address is counted as it stands: it gets the same answers.
    let tried = tokens::fingerprint(email_key.as_deref().unwrap_or(email));
    attempt_password(app, &tried, client)?;
    let found = match email_key {
        Some(key) => {
            user::Entity::find()
                .filter(user::Column::EmailKey.eq(key))
                .one(app.db.read())
                .await?
        }
        None => None,
    };
    // An unknown address costs the same work as a wrong password, so that time does not tell them apart.
    let hash = match &found {
        Some(user) => user.password_hash.clone(),
        None => NOBODYS_HASH.to_owned(),
    };
    let fits = verify_password(password, hash).await?;
    let user = found.filter(|_| fits).ok_or_else(refuse)?;
    app.passwords.succeed(&tried, client);
    let tx = app.db.begin().await?;
    // The password may have been changed while it was checked. The lock makes a change that comes next wait for the new
    // session, so that it ends with the others.
    let user = user::Entity::find_by_id(user.id)
        .filter(user::Column::PasswordHash.eq(user.password_hash))
        .lock_shared()
        .one(&tx)
        .await?
        .ok_or_else(refuse)?;
    let signed_in = open_session_in_tx(&tx, app, user, device).await?;
    tx.commit().await?;
    Ok(signed_in)
}

pub struct CreatePartner {
    pub handle: String,
    pub display_name: String,
    pub bio: Option<String>,
    pub country: Option<String>,
}

/// Makes a partner account whose first member is the caller.
pub async fn create_partner(app: &App, actor: &Actor, command: CreatePartner) -> Result<partner::Model> {
    actor.authorise(Operation::CreatePartner, Place::default())?;
    let user = actor.user()?;
    if !rules::is_handle(&command.handle) {
        return Err(Failure::refused_field(
            Code::HandleInvalid,
            "handle",
            "a handle has 3 to 30 lower-case letters, digits or hyphens and begins with a letter",
        ));
    }
    let display_name = check_profile(&command.display_name, command.bio.as_deref(), "")?;
    let now = app.clock.now();
    let tx = app.db.begin().await?;
    let mine = partner_member::Entity::find()
        .filter(partner_member::Column::UserId.eq(user))
        .count(&tx)
        .await?;
    if mine >= MAX_PARTNERS_PER_USER {
        return Err(Failure::refused(
            Code::TooManyPartners,
            "a user may have at most 10 partner accounts",
        ));
    }
    let row = partner::Model {
        id: app.ids.new_id(now),
        handle: command.handle,
        display_name,
        bio: command.bio,
        country: command.country,
        created_at: now,
    };
    let inserted = partner::Entity::insert(partner::ActiveModel::from(row.clone()))
        .on_conflict(OnConflict::column(partner::Column::Handle).do_nothing().to_owned())
        .exec_without_returning(&tx)
        .await?;
    if inserted == 0 {
        return Err(Failure::refused_field(
            Code::HandleTaken,
            "handle",
            "this handle belongs to somebody else",
        ));
    }
    partner_member::Entity::insert(partner_member::ActiveModel {
        id: Set(app.ids.new_id(now)),
        partner_id: Set(row.id),
        user_id: Set(user),
        created_at: Set(now),
    })
    .exec_without_returning(&tx)
    .await?;
    tx.commit().await?;
    Ok(row)
}

/// The caller's own partner account.
pub async fn get_partner(app: &App, actor: &Actor, id: PartnerId) -> std::result::Result<partner::Model, ApiError> {
    actor.authorise(Operation::SeePartner, Place::partner(id))?;
    partner::Entity::find_by_id(id)
        .one(app.db.read())
        .await
        .map_err(ApiError::internal)?
        .ok_or_else(|| ApiError::not_found("partner"))
}

/// The signed-in user.
pub async fn get_viewer(app: &App, actor: &Actor) -> std::result::Result<user::Model, ApiError> {
    actor.authorise(Operation::SeeViewer, Place::default())?;
    user::Entity::find_by_id(actor.user()?)
        .one(app.db.read())
        .await
        .map_err(ApiError::internal)?
        .ok_or(ApiError::Unauthenticated("this account is gone"))
}

/// Who sends a request, from what stands behind `Bearer`. No token is anonymous; a wrong one is an error, so that a
/// client notices.
pub async fn identify(app: &App, bearer: Option<&str>) -> std::result::Result<Actor, ApiError> {
    let Some(token) = bearer else {
        return Ok(Actor::anonymous());
    };
    if is_key(token) {
        return identify_key(app, token).await;
    }
    let access = tokens::verify_access(app, token).ok_or(ApiError::Unauthenticated(
        "the access token is not valid, or no longer; refresh the session",
    ))?;
    let actor = load_actor(app, access.user, Some(access.session)).await?;
    app.sessions_in_use.note(access.session);
    Ok(Actor {
        valid_until: Some(access.expires_at),
        ..actor
    })
}

/// Reads a user's rights: three small statements by index. Within a session, only while it lives.
async fn load_actor(app: &App, id: UserId, session: Option<SessionId>) -> std::result::Result<Actor, ApiError> {
    let fault = |error: DbErr| ApiError::internal(error);
    let connection = app.db.read();
    let mut select = user::Entity::find_by_id(id);
    if let Some(session) = session {
        select = select.filter(user::Column::Id.in_subquery(holder_of(session, app.clock.now())));
    }
    let user = select
        .one(connection)
        .await
        .map_err(fault)?
        .ok_or(ApiError::Unauthenticated("this session is over; sign in again"))?;
    let brands = brand_member::Entity::find()
        .filter(brand_member::Column::UserId.eq(id))
        .all(connection)
        .await
        .map_err(fault)?;
    let partners = partner_member::Entity::find()
        .filter(partner_member::Column::UserId.eq(id))
        .all(connection)
        .await
        .map_err(fault)?;
    Ok(Actor {
        identity: Identity::User(id),
        session,
        valid_until: None,
        mode: ApiKeyMode::Live,
        platform_admin: user.platform_admin,
        brands: brands
            .into_iter()
            .map(|member| (member.brand_id, member.role))
            .collect(),
        partners: partners.into_iter().map(|member| member.partner_id).collect(),
    })
}

/// Reads the actor's rights again: for whoever lives longer than a request.
pub async fn reload(app: &App, actor: &Actor) -> std::result::Result<Actor, ApiError> {
    match actor.identity {
        Identity::User(_) if actor.valid_until.is_some_and(|until| until <= app.clock.now()) => Err(
            ApiError::Unauthenticated("the access token has ended; refresh the session and resume"),
        ),
        Identity::User(user) => {
            let fresh = load_actor(app, user, actor.session).await?;
            Ok(Actor {
                valid_until: actor.valid_until,
                ..fresh
            })
        }
        Identity::SecretKey { key, .. } | Identity::PublishableKey { key, .. } => reload_key(app, key).await,
        Identity::Anonymous | Identity::System => Ok(actor.clone()),
    }
}

/// For the demo and imports: a user whose mail address is known not to be taken, or the one that has it.
pub async fn find_user_by_email(app: &App, email: &str) -> std::result::Result<Option<user::Model>, DbErr> {
    let Some(key) = rules::email_key(email) else {
        return Ok(None);
    };
    user::Entity::find()
        .filter(user::Column::EmailKey.eq(key))
        .one(app.db.read())
        .await
}

/// The actor a user is, read afresh: for commands that act in a user's name.
pub async fn act_as(app: &App, user: UserId) -> std::result::Result<Actor, ApiError> {
    load_actor(app, user, None).await
}
