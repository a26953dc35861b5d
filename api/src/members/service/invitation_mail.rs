//! The mail that brings an invitation to whom it is for. Its token is another than the one its sender was shown, made as the
//! mail is sent: no row ever holds one that works.

use entity::{
    brand, ids::MemberInvitationId, mail as mail_row, mail::MailKind, member_invitation,
    member_invitation::MemberInvitationState as State, partner, user,
};
use sea_orm::{ActiveEnum, ActiveValue::Set, DatabaseTransaction, DbErr, EntityTrait, QuerySelect};

use super::invitations::TOKEN_PREFIX;
use crate::{
    accounts::{service::MAILS_PER_ADDRESS_AND_HOUR, tokens},
    app::App,
    error::Fault,
    infra::mail::Letter,
    mail,
};

/// Queues the mail of an invitation, in its transaction.
pub(super) async fn enqueue_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    invitation: &member_invitation::Model,
) -> Result<(), Fault> {
    let about = Some(invitation.id.to_string());
    let to = invitation.email.clone();
    mail::enqueue_unwritten_in_tx(tx, app, None, MailKind::MemberInvitation, to, about).await?;
    Ok(())
}

/// The mail of an invitation, with a new token in it. None when there is nothing to send: the invitation is not open any
/// more, or the address got enough.
pub async fn write_invitation_mail(app: &App, mail: &mail_row::Model) -> Result<Option<Letter>, Fault> {
    let Some(id) = mail.about.as_deref().and_then(|id| id.parse().ok()) else {
        return Ok(None);
    };
    let now = app.clock.now();
    let tx = app.db.begin().await?;
    let Some(invitation) = open_in_tx(&tx, app, id, mail).await? else {
        tx.rollback().await?;
        return Ok(None);
    };
    let token = tokens::new_opaque(app, TOKEN_PREFIX);
    member_invitation::Entity::update(member_invitation::ActiveModel {
        id: Set(id),
        mailed_token_hash: Set(Some(tokens::fingerprint(&token))),
        ..Default::default()
    })
    .exec_without_returning(&tx)
    .await?;
    let (subject, text) = content_in_tx(&tx, app, &invitation, &token).await?;
    tx.commit().await?;
    Ok(Some(Letter {
        id: mail.id,
        to: mail.recipient.clone(),
        subject,
        text,
        written_at: now,
    }))
}

/// The invitation behind a mail, if it is to be sent at all. The invitation is locked: whoever revokes it comes before, and
/// nothing is sent, or after, and what was sent is worth nothing.
async fn open_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    id: MemberInvitationId,
    mail: &mail_row::Model,
) -> Result<Option<member_invitation::Model>, DbErr> {
    let row = member_invitation::Entity::find_by_id(id)
        .lock_exclusive()
        .one(tx)
        .await?;
    let open = row.filter(|row| row.state_at(app.clock.now()) == State::Sent);
    if open.is_none() || !mail::is_queued_in_tx(tx, mail.id).await? {
        return Ok(None);
    }
    let hour_ago = app.clock.now() - chrono::TimeDelta::hours(1);
    let sent = mail::count_sent_in_tx(tx, mail.kind, &mail.recipient_key, hour_ago).await?;
    Ok(open.filter(|_| sent < MAILS_PER_ADDRESS_AND_HOUR))
}

async fn content_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    invitation: &member_invitation::Model,
    token: &str,
) -> Result<(String, String), DbErr> {
    let brand = match invitation.brand_id {
        Some(id) => brand::Entity::find_by_id(id).one(tx).await?.map(|brand| brand.name),
        None => None,
    };
    let partner = match invitation.partner_id {
        Some(id) => partner::Entity::find_by_id(id)
            .one(tx)
            .await?
            .map(|partner| partner.display_name),
        None => None,
    };
    let organisation = brand.or(partner).unwrap_or_default();
    let inviter = user::Entity::find_by_id(invitation.invited_by).one(tx).await?;
    let inviter = inviter.map(|user| user.display_name).unwrap_or_default();
    let role = match invitation.role {
        Some(role) => format!(" as {}", role.to_value().to_lowercase()),
        None => String::new(),
    };
    let until = invitation.expires_at.format("%Y-%m-%d %H:%M UTC");
    let base = app.config.public_base();
    Ok((
        format!("{inviter} asks you into {organisation}"),
        format!(
            "Hello,\n\n{inviter} asks you to join {organisation}{role} on Tributary. Accept or decline here:\n\n\
             {base}/join#{token}\n\nYou sign in there with this address, or make an account with it. The link is good once, \
             until {until}. If you do not know what this is about, do nothing.\n"
        ),
    ))
}
