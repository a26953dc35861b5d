//! Sends a mail. Run again, it sends again only what is not known to have left.

use std::time::Duration;

use entity::{
    ids::MailId,
    job,
    mail::{self, MailKind, MailState},
};
use serde::Deserialize;
use tokio::time::timeout;

use crate::{
    accounts::service as accounts,
    app::App,
    error::Fault,
    infra::mail::{Letter, MailError},
    jobs::worker::JobError,
    mail as mails,
    members::service as members,
    partnerships::service as partnerships,
};

/// How long sending one may take.
const LIMIT: Duration = Duration::from_secs(60);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    mail_id: String,
}

pub async fn run(app: App, job: job::Model) -> Result<(), JobError> {
    let payload: Payload = serde_json::from_str(&job.payload).map_err(JobError::hopeless)?;
    let id: MailId = payload.mail_id.parse().map_err(JobError::hopeless)?;
    let Some(mail) = mails::find_queued(&app, id).await? else {
        return Ok(());
    };
    let Some(letter) = write(&app, &mail).await? else {
        mails::close(&app, id, MailState::Dropped, None).await?;
        return Ok(());
    };
    let sent = timeout(LIMIT, app.mailer.send(&letter))
        .await
        .unwrap_or_else(|_| Err(MailError::Later(format!("no answer within {} s", LIMIT.as_secs()))));
    match sent {
        Ok(()) => mails::close(&app, id, MailState::Sent, None).await?,
        // A mistyped address is nobody's work: the mail says it, and the job is done.
        Err(MailError::Never(error)) => {
            mails::close(&app, id, MailState::Dead, Some(&error)).await?;
            tracing::warn!(mail = %id, error, "a mail was refused for good");
        }
        Err(MailError::Later(error)) => {
            if job.attempts >= job.max_attempts {
                mails::close(&app, id, MailState::Dead, Some(&error)).await?;
            }
            return Err(JobError::Retry(error));
        }
    }
    Ok(())
}

/// What the mail says: what stands in its row, or what its subject makes of it now.
async fn write(app: &App, mail: &mail::Model) -> Result<Option<Letter>, Fault> {
    match (&mail.subject, &mail.body) {
        (Some(subject), Some(text)) => Ok(Some(Letter {
            id: mail.id,
            to: mail.recipient.clone(),
            subject: subject.clone(),
            text: text.clone(),
            written_at: app.clock.now(),
        })),
        _ => match mail.kind {
            MailKind::MemberInvitation => members::write_invitation_mail(app, mail).await,
            MailKind::ProgramInvitation => partnerships::write_invitation_mail(app, mail).await,
            MailKind::EmailVerification
            | MailKind::PasswordReset
            | MailKind::AccountNotice
            | MailKind::SavedSearch
            | MailKind::PayoutMethod
            | MailKind::PayoutsDrafted => accounts::write_link_mail(app, mail).await,
        },
    }
}
