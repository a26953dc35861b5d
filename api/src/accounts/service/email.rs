//! Addresses: proving one, and moving to another.
//!
//! One kind of link does both: it proves the address it was sent to, which becomes its user's when it is not yet.

use entity::{
    account_link::{self, LinkPurpose},
    ids::UserId,
    mail::MailKind,
    user,
};
use sea_orm::{ActiveValue::Set, DatabaseTransaction, EntityTrait, SqlErr};

use super::{Result, check_email, confirm_password, email_taken, get_viewer, hold_password_in_tx, links};
use crate::{
    accounts::{
        actor::{Actor, Place},
        error::AccountErrorCode as Code,
        permissions::Operation,
        throttle::Client,
        tokens,
    },
    app::App,
    audit::{self, Change},
    error::{ApiError, Failure, Fault},
    mail::{self, Mail},
};

/// Queues the mail that proves an address to be the user's.
pub(super) async fn enqueue_verification_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    user: UserId,
    to: String,
) -> std::result::Result<(), Fault> {
    mail::enqueue_unwritten_in_tx(tx, app, Some(user), MailKind::EmailVerification, to, None)
        .await
        .map(drop)
}

/// Counts a link that somebody asks for before it is sent.
fn attempt_link(app: &App, email_key: &str, client: Client) -> std::result::Result<(), ApiError> {
    app.link_mails
        .attempt(&tokens::fingerprint(email_key), client, app.clock.now())
        .map_err(ApiError::from)
}

/// Sends another link that proves an address, if it has an account and is not proved. Both are found out when the mail is
/// written: the request does the same work and answers the same for any address.
pub async fn resend_verification(app: &App, email: &str, client: Client) -> Result<String> {
    request_link(app, email, client, MailKind::EmailVerification).await
}

/// Queues a mail with a link to whoever has an account with this address, if anybody has.
pub(super) async fn request_link(app: &App, email: &str, client: Client, kind: MailKind) -> Result<String> {
    let email_key = check_email(email, "email")?;
    attempt_link(app, &email_key, client)?;
    let email = email.trim().to_owned();
    let tx = app.db.begin().await?;
    mail::enqueue_unwritten_in_tx(&tx, app, None, kind, email.clone(), None).await?;
    app.commit(tx).await?;
    Ok(email)
}

pub struct ChangeEmail {
    pub new_email: String,
    pub current_password: String,
    pub client: Client,
}

/// Sends a link to another address; opened, it makes that address the caller's. The answer is the same when the address
/// has an account: then its mailbox is sent nothing.
pub async fn change_email(app: &App, actor: &Actor, command: ChangeEmail) -> Result<user::Model> {
    actor.authorise(Operation::ChangeEmail, Place::default())?;
    let email_key = check_email(&command.new_email, "newEmail")?;
    let user = get_viewer(app, actor).await?;
    if email_key == user.email_key {
        return Err(Failure::refused_field(
            Code::EmailUnchanged,
            "newEmail",
            "this is your address already",
        ));
    }
    let refuse = || Failure::refused_field(Code::CredentialsInvalid, "currentPassword", "this is not your password");
    let user = confirm_password(app, actor, command.current_password, command.client)
        .await?
        .ok_or_else(refuse)?;
    attempt_link(app, &email_key, command.client)?;
    let tx = app.db.begin().await?;
    // A change of the password that comes next finds this mail and takes it back.
    if !hold_password_in_tx(&tx, &user).await? {
        return Err(refuse());
    }
    enqueue_verification_in_tx(&tx, app, user.id, command.new_email.trim().to_owned()).await?;
    let change = Change::of_person("user.email_change_requested", user.id, None);
    audit::record_in_tx(&tx, app, actor, change).await?;
    app.commit(tx).await?;
    Ok(user)
}

/// Takes the proof of a link: its address is the user's, and proved.
pub async fn verify_email(app: &App, token: &str) -> Result<user::Model> {
    let tx = app.db.begin().await?;
    let (link, user) = links::spend_in_tx(&tx, app, LinkPurpose::VerifyEmail, token).await?;
    let proved = user::Model {
        email_verified_at: Some(app.clock.now()),
        ..user.clone()
    };
    let proved = if link.email_key == user.email_key {
        prove_in_tx(&tx, app, proved).await?
    } else {
        move_in_tx(&tx, app, &user, proved, link).await?
    };
    links::revoke_in_tx(&tx, app, user.id).await?;
    app.commit(tx).await?;
    Ok(proved)
}

async fn prove_in_tx(tx: &DatabaseTransaction, app: &App, proved: user::Model) -> Result<user::Model> {
    user::Entity::update(user::ActiveModel {
        id: Set(proved.id),
        email_verified_at: Set(proved.email_verified_at),
        ..Default::default()
    })
    .exec_without_returning(tx)
    .await?;
    let change = Change::of_person("user.email_verified", proved.id, None);
    audit::record_in_tx(tx, app, &Actor::anonymous(), change).await?;
    Ok(proved)
}

/// Gives the user the link's address, and tells the old one.
async fn move_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    user: &user::Model,
    proved: user::Model,
    link: account_link::Model,
) -> Result<user::Model> {
    let moved = user::Model {
        email: link.email,
        email_key: link.email_key,
        ..proved
    };
    user::Entity::update(user::ActiveModel {
        id: Set(moved.id),
        email: Set(moved.email.clone()),
        email_key: Set(moved.email_key.clone()),
        email_verified_at: Set(moved.email_verified_at),
        ..Default::default()
    })
    .exec_without_returning(tx)
    .await
    .map_err(|error| match error.sql_err() {
        // Who opens the link has the mailbox: they may know.
        Some(SqlErr::UniqueConstraintViolation(_)) => email_taken("token"),
        _ => error.into(),
    })?;
    let change = Change {
        from: Some(user.email.clone()),
        to: Some(moved.email.clone()),
        ..Change::of_person("user.email_changed", user.id, None)
    };
    audit::record_in_tx(tx, app, &Actor::anonymous(), change).await?;
    let text = format!(
        "Hello {},\n\nyour account now has the address {}; this one no longer signs in.\n\nIf it was not you, somebody knows \
         your password: write to us at once.\n",
        user.display_name, moved.email
    );
    let notice = Mail {
        user: Some(user.id),
        kind: MailKind::AccountNotice,
        to: user.email.clone(),
        subject: "Your e-mail address was changed".to_owned(),
        text,
    };
    mail::enqueue_in_tx(tx, app, notice).await?;
    Ok(moved)
}
