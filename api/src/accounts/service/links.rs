//! Links that are sent to a mailbox, and prove that whoever opens them has it.
//!
//! A token has 256 bits and is kept as its hash; it is made as its mail is sent, so nothing that opens an account waits
//! in a queue. It is found by its hash, so comparing takes the same time whatever it says; it is good once.

use chrono::TimeDelta;
use entity::{
    account_link::{self, LinkPurpose},
    ids::UserId,
    mail::{self as mail_row, MailKind},
    user,
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, QueryFilter, QuerySelect,
};

use super::Result;
use crate::{
    accounts::{error::AccountErrorCode as Code, tokens},
    app::App,
    error::{Failure, Fault},
    infra::mail::Letter,
    mail,
};

/// How long a link that proves an address is good for.
pub const VERIFY_HOURS: i64 = 24;
/// How long a link that sets a password is good for.
pub const RESET_HOURS: i64 = 1;
/// Mails of a kind that an address is sent in an hour, whoever asks for them and whichever process answers. Those that
/// came still hold good links, so nobody is shut out by a stranger who asks for more.
pub const MAILS_PER_ADDRESS_AND_HOUR: u64 = 5;

/// The mails that bring links.
const LINK_MAILS: [MailKind; 2] = [MailKind::EmailVerification, MailKind::PasswordReset];

pub(super) fn link_invalid() -> Failure<Code> {
    Failure::refused_field(
        Code::LinkInvalid,
        "token",
        "this link is unknown, was used or has run out; ask for another",
    )
}

/// The text of a mail that brings a link, with a new link in it. None when there is nothing to send: the account is not
/// there, the matter is settled, or the address got enough.
pub async fn write_link_mail(app: &App, mail: &mail_row::Model) -> std::result::Result<Option<Letter>, Fault> {
    let now = app.clock.now();
    let tx = app.db.begin().await?;
    let Some(user) = recipient_in_tx(&tx, app, mail).await? else {
        tx.rollback().await?;
        return Ok(None);
    };
    let (purpose, hours, prefix) = match mail.kind {
        MailKind::PasswordReset => (LinkPurpose::ResetPassword, RESET_HOURS, "trp_"),
        _ => (LinkPurpose::VerifyEmail, VERIFY_HOURS, "trv_"),
    };
    let token = tokens::new_opaque(app, prefix);
    account_link::Entity::insert(account_link::ActiveModel {
        token_hash: Set(tokens::fingerprint(&token)),
        user_id: Set(user.id),
        purpose: Set(purpose),
        email: Set(mail.recipient.clone()),
        email_key: Set(mail.recipient_key.clone()),
        created_at: Set(now),
        expires_at: Set(now + TimeDelta::hours(hours)),
    })
    .exec_without_returning(&tx)
    .await?;
    tx.commit().await?;
    let (subject, text) = content(&app.config.public_base(), purpose, &user.display_name, &token);
    Ok(Some(Letter {
        id: mail.id,
        to: mail.recipient.clone(),
        subject,
        text,
        written_at: now,
    }))
}

/// Whose account a link mail opens, if it is to be sent at all. The user is locked before the mail, as by whoever changes
/// the account and takes its mails back: what they took back is not sent, and what is sent they see.
async fn recipient_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    mail: &mail_row::Model,
) -> std::result::Result<Option<user::Model>, DbErr> {
    let user = match mail.kind {
        MailKind::EmailVerification => to_be_verified(tx, mail).await?,
        MailKind::PasswordReset => find_by_key(tx, &mail.recipient_key).await?,
        MailKind::AccountNotice
        | MailKind::MemberInvitation
        | MailKind::ProgramInvitation
        | MailKind::SavedSearch
        | MailKind::PayoutMethod
        | MailKind::PayoutsDrafted => None,
    };
    if user.is_none() || !mail::is_queued_in_tx(tx, mail.id).await? {
        return Ok(None);
    }
    let hour_ago = app.clock.now() - TimeDelta::hours(1);
    let sent = mail::count_sent_in_tx(tx, mail.kind, &mail.recipient_key, hour_ago).await?;
    Ok(user.filter(|_| sent < MAILS_PER_ADDRESS_AND_HOUR))
}

/// The token stands behind `#`: a browser sends that part to nobody, so no log has it.
fn content(base: &str, purpose: LinkPurpose, name: &str, token: &str) -> (String, String) {
    match purpose {
        LinkPurpose::VerifyEmail => (
            "Confirm your e-mail address".to_owned(),
            format!(
                "Hello {name},\n\nplease confirm that this address is yours:\n\n{base}/verify-email#{token}\n\nThe link is \
                 good once, for {VERIFY_HOURS} hours. If you did not ask for it, do nothing.\n"
            ),
        ),
        LinkPurpose::ResetPassword => (
            "Set a new password".to_owned(),
            format!(
                "Hello {name},\n\nhere you set a new password:\n\n{base}/reset-password#{token}\n\nThe link is good once, \
                 for {RESET_HOURS} hour. If you did not ask for it, do nothing: your password stays as it is.\n"
            ),
        ),
    }
}

/// The user whose address this is to be proved to be: the one who wanted it, or its holder when nobody in particular did.
/// Not when it is proved already, nor when it is somebody else's.
async fn to_be_verified(
    tx: &DatabaseTransaction,
    mail: &mail_row::Model,
) -> std::result::Result<Option<user::Model>, DbErr> {
    let holder = find_by_key(tx, &mail.recipient_key).await?;
    match (holder, mail.user_id) {
        (Some(holder), None) => Ok(Some(holder).filter(is_unproved)),
        (Some(holder), Some(id)) => Ok(Some(holder).filter(|holder| holder.id == id && is_unproved(holder))),
        (None, Some(id)) => user::Entity::find_by_id(id).lock_shared().one(tx).await,
        (None, None) => Ok(None),
    }
}

fn is_unproved(user: &user::Model) -> bool {
    user.email_verified_at.is_none()
}

async fn find_by_key(tx: &DatabaseTransaction, email_key: &str) -> std::result::Result<Option<user::Model>, DbErr> {
    user::Entity::find()
        .filter(user::Column::EmailKey.eq(email_key))
        .lock_shared()
        .one(tx)
        .await
}

/// The link of a token, while it is good.
pub(super) async fn find<C: ConnectionTrait>(
    app: &App,
    connection: &C,
    purpose: LinkPurpose,
    token: &str,
) -> std::result::Result<Option<account_link::Model>, DbErr> {
    account_link::Entity::find_by_id(tokens::fingerprint(token))
        .filter(account_link::Column::Purpose.eq(purpose))
        .filter(account_link::Column::ExpiresAt.gt(app.clock.now()))
        .one(connection)
        .await
}

/// Uses a link up, and locks its user: of two at once with the same one wins.
pub(super) async fn spend_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    purpose: LinkPurpose,
    token: &str,
) -> Result<(account_link::Model, user::Model)> {
    let link = find(app, tx, purpose, token).await?.ok_or_else(link_invalid)?;
    let user = user::Entity::find_by_id(link.user_id)
        .lock_exclusive()
        .one(tx)
        .await?
        .ok_or_else(link_invalid)?;
    let spent = account_link::Entity::delete_by_id(&*link.token_hash).exec(tx).await?;
    if spent.rows_affected == 0 {
        return Err(link_invalid());
    }
    Ok((link, user))
}

/// Makes all links of a user worthless, and takes back those not sent yet: who has the account may be another now.
pub(super) async fn revoke_in_tx(tx: &DatabaseTransaction, app: &App, user: UserId) -> std::result::Result<(), DbErr> {
    mail::drop_in_tx(tx, user, &LINK_MAILS, app.clock.now()).await?;
    account_link::Entity::delete_many()
        .filter(account_link::Column::UserId.eq(user))
        .exec(tx)
        .await
        .map(drop)
}

/// Deletes the links that have run out.
pub async fn forget_links(app: &App) -> std::result::Result<(), DbErr> {
    let now = app.clock.now();
    let tx = app.db.begin().await?;
    account_link::Entity::delete_many()
        .filter(account_link::Column::ExpiresAt.lte(now))
        .exec(&tx)
        .await?;
    tx.commit().await
}
