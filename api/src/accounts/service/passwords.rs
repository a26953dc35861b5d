//! Passwords: how they are kept, changed and, when forgotten, set anew.

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use entity::{account_link::LinkPurpose, mail::MailKind, user};
use sea_orm::{ActiveValue::Set, ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, QueryFilter, QuerySelect};

use super::{
    Result,
    email::request_link,
    get_viewer,
    links::{self, link_invalid},
    sessions::revoke_all_in_tx,
};
use crate::{
    accounts::{
        actor::{Actor, Place},
        error::AccountErrorCode as Code,
        permissions::Operation,
        rules,
        throttle::Client,
        tokens,
    },
    app::App,
    audit::{self, Change},
    error::{ApiError, Failure, Fault},
    mail::{self, Mail},
};

pub(super) fn check_password(password: &str, field: &str) -> Result<()> {
    if rules::PASSWORD_CHARS.contains(&password.chars().count()) {
        return Ok(());
    }
    Err(Failure::refused_field(
        Code::PasswordLength,
        field,
        format!(
            "a password has {} to {} characters",
            rules::PASSWORD_CHARS.start(),
            rules::PASSWORD_CHARS.end()
        ),
    ))
}

/// Counts an attempt at a password before it is checked.
pub(super) fn attempt_password(app: &App, tried: &str, client: Client) -> std::result::Result<(), ApiError> {
    app.passwords
        .attempt(tried, client, app.clock.now())
        .map_err(ApiError::from)
}

/// Whether this is the caller's password, counted like one of signing in: a stolen access token is no way around that. Gives
/// the caller when it is. Every account has a password: links in mails set one.
pub async fn confirm_password(
    app: &App,
    actor: &Actor,
    password: String,
    client: Client,
) -> std::result::Result<Option<user::Model>, ApiError> {
    let user = get_viewer(app, actor).await?;
    let tried = tokens::fingerprint(&user.email_key);
    attempt_password(app, &tried, client)?;
    if !verify_password(password, user.password_hash.clone()).await? {
        return Ok(None);
    }
    app.passwords.succeed(&tried, client);
    Ok(Some(user))
}

/// Whether the password that was confirmed is still the account's: it may have been changed while it was checked. A change
/// that comes next waits for this transaction.
pub async fn hold_password_in_tx(
    tx: &DatabaseTransaction,
    confirmed: &user::Model,
) -> std::result::Result<bool, DbErr> {
    let held = user::Entity::find_by_id(confirmed.id)
        .filter(user::Column::PasswordHash.eq(&*confirmed.password_hash))
        .lock_shared()
        .one(tx)
        .await?;
    Ok(held.is_some())
}

pub struct ChangePassword {
    pub current: String,
    pub new: String,
    pub client: Client,
}

/// Gives the caller another password and ends all their sessions but the one they ask with.
pub async fn change_password(app: &App, actor: &Actor, command: ChangePassword) -> Result<user::Model> {
    actor.authorise(Operation::ChangePassword, Place::default())?;
    let id = actor.user()?;
    check_password(&command.new, "newPassword")?;
    let refuse = || Failure::refused_field(Code::CredentialsInvalid, "currentPassword", "this is not your password");
    let user = confirm_password(app, actor, command.current, command.client)
        .await?
        .ok_or_else(refuse)?;
    let password_hash = hash_password(app, command.new).await?;
    let tx = app.db.begin().await?;
    // The checked hash is part of the condition: of two changes at once one wins.
    let changed = user::Entity::update_many()
        .set(user::ActiveModel {
            password_hash: Set(password_hash),
            ..Default::default()
        })
        .filter(user::Column::Id.eq(id))
        .filter(user::Column::PasswordHash.eq(&*user.password_hash))
        .exec(&tx)
        .await?;
    if changed.rows_affected == 0 {
        return Err(refuse());
    }
    let change = Change::of_person("user.password_changed", id, None);
    audit::record_in_tx(&tx, app, actor, change).await?;
    revoke_all_in_tx(
        &tx,
        app,
        actor,
        id,
        actor.session.as_slice(),
        "the password was changed",
    )
    .await?;
    links::revoke_in_tx(&tx, app, id).await?;
    enqueue_notice_in_tx(&tx, app, &user).await?;
    app.commit(tx).await?;
    Ok(user)
}

/// Sends a link that sets a password, if the address has an account. Whether it has one is found out when the mail is
/// written: the request does the same work and answers the same for any address.
pub async fn request_password_reset(app: &App, email: &str, client: Client) -> Result<String> {
    request_link(app, email, client, MailKind::PasswordReset).await
}

/// Sets the password of a link's account, ends all its sessions and makes its other links worthless. Opening the link
/// proves the address too.
pub async fn reset_password(app: &App, token: &str, new_password: String) -> Result<user::Model> {
    check_password(&new_password, "newPassword")?;
    // Before the costly hash: a made-up link shall cost nobody anything.
    links::find(app, app.db.read(), LinkPurpose::ResetPassword, token)
        .await?
        .ok_or_else(link_invalid)?;
    let password_hash = hash_password(app, new_password).await?;
    let now = app.clock.now();
    let tx = app.db.begin().await?;
    // A user who moved to another address had their links taken away: the link's address is theirs.
    let (_, mut user) = links::spend_in_tx(&tx, app, LinkPurpose::ResetPassword, token).await?;
    user.email_verified_at = user.email_verified_at.or(Some(now));
    user::Entity::update(user::ActiveModel {
        id: Set(user.id),
        password_hash: Set(password_hash),
        email_verified_at: Set(user.email_verified_at),
        ..Default::default()
    })
    .exec_without_returning(&tx)
    .await?;
    let actor = Actor::anonymous();
    let change = Change::of_person("user.password_reset", user.id, None);
    audit::record_in_tx(&tx, app, &actor, change).await?;
    revoke_all_in_tx(&tx, app, &actor, user.id, &[], "the password was reset").await?;
    links::revoke_in_tx(&tx, app, user.id).await?;
    enqueue_notice_in_tx(&tx, app, &user).await?;
    app.commit(tx).await?;
    Ok(user)
}

/// Tells the holder of an account that its password is another one.
async fn enqueue_notice_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    user: &user::Model,
) -> std::result::Result<(), Fault> {
    let text = format!(
        "Hello {},\n\nthe password of your account was changed, and other devices were signed out.\n\n\
         If it was not you, set a new password at once: ask for a link where you sign in.\n",
        user.display_name
    );
    let notice = Mail {
        user: Some(user.id),
        kind: MailKind::AccountNotice,
        to: user.email.clone(),
        subject: "Your password was changed".to_owned(),
        text,
    };
    mail::enqueue_in_tx(tx, app, notice).await.map(drop)
}

/// The hash of a password nobody has.
pub(super) const NOBODYS_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5LW5vYm9keQ$8Vb0p8nYF0rJwBz2Xq1m8mXb3D5cVn1o0aZq3h8sP1k";

/// Argon2id with the library's parameters (19 MiB, two passes), on a thread where it blocks nobody.
pub(super) async fn hash_password(app: &App, password: String) -> std::result::Result<String, Fault> {
    let salt = app.ids.secret::<16>();
    tokio::task::spawn_blocking(move || {
        let hash = Argon2::default()
            .hash_password_with_salt(password.as_bytes(), &salt)
            .map_err(Fault::new)?;
        Ok(hash.to_string())
    })
    .await
    .map_err(Fault::new)?
}

pub(super) async fn verify_password(password: String, hash: String) -> std::result::Result<bool, Fault> {
    tokio::task::spawn_blocking(move || {
        let parsed = PasswordHash::new(&hash).map_err(Fault::new)?;
        Ok(Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok())
    })
    .await
    .map_err(Fault::new)?
}
