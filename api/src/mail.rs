//! Mail as a fact of a transaction: a row written with its cause, and a job (`jobs/send_mail.rs`) that sends it at least
//! once. End with `App::commit`, which wakes the worker.
//!
//! What would open an account never stands in a row: such a mail is queued without its text, which is written, with its
//! link, as it is sent. What a row does hold is wiped when the mail is sent or given up; the row itself goes after
//! [`KEPT_DAYS`].

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    ids::{MailId, UserId},
    mail::{self, MailKind, MailState},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, DatabaseTransaction, DbErr, EntityTrait, PaginatorTrait, QueryFilter,
    QuerySelect,
};
use serde_json::json;

use crate::{
    app::App,
    error::Fault,
    queue::{self, Job},
};

/// The kind of the jobs that send mail.
pub const SEND_MAIL: &str = "mail.send";
/// How long the row of a closed mail is kept.
pub const KEPT_DAYS: i64 = 30;
/// How long a mail may wait to be sent: far longer than its job tries.
const MAX_QUEUED_DAYS: i64 = 2;
/// Characters kept of what a server said.
const MAX_ERROR_CHARS: usize = 500;

/// A mail with its text.
pub struct Mail {
    /// Whose account it is about, where that is known.
    pub user: Option<UserId>,
    pub kind: MailKind,
    pub to: String,
    pub subject: String,
    pub text: String,
}

/// Queues a mail in the transaction of its cause.
pub async fn enqueue_in_tx(tx: &DatabaseTransaction, app: &App, mail: Mail) -> Result<MailId, Fault> {
    let content = Some((mail.subject, mail.text));
    insert_in_tx(tx, app, mail.user, mail.kind, mail.to, None, content).await
}

/// Queues a mail whose text is written as it is sent, from what it is about.
pub async fn enqueue_unwritten_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    user: Option<UserId>,
    kind: MailKind,
    to: String,
    about: Option<String>,
) -> Result<MailId, Fault> {
    insert_in_tx(tx, app, user, kind, to, about, None).await
}

async fn insert_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    user: Option<UserId>,
    kind: MailKind,
    to: String,
    about: Option<String>,
    content: Option<(String, String)>,
) -> Result<MailId, Fault> {
    let now = app.clock.now();
    let id: MailId = app.ids.new_id(now);
    let (subject, body) = content.unzip();
    mail::Entity::insert(mail::ActiveModel {
        id: Set(id),
        user_id: Set(user),
        kind: Set(kind),
        about: Set(about),
        recipient_key: Set(to.to_lowercase()),
        recipient: Set(to),
        subject: Set(subject),
        body: Set(body),
        state: Set(MailState::Queued),
        last_error: Set(None),
        created_at: Set(now),
        closed_at: Set(None),
    })
    .exec_without_returning(tx)
    .await?;
    let job = Job::new(SEND_MAIL, json!({ "mailId": id.to_string() }));
    queue::enqueue_in_tx(tx, app, job).await?;
    Ok(id)
}

/// Takes back what was queued for a user and not sent: the links it would bring must not come any more.
pub async fn drop_in_tx(
    tx: &DatabaseTransaction,
    user: UserId,
    kinds: &[MailKind],
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let of_user = Condition::all()
        .add(mail::Column::UserId.eq(user))
        .add(mail::Column::Kind.is_in(kinds.iter().copied()));
    close_where(tx, of_user, MailState::Dropped, None, now).await.map(drop)
}

/// Whether a mail is still to be sent; the row stays locked, so that it remains so until the transaction ends.
pub async fn is_queued_in_tx(tx: &DatabaseTransaction, id: MailId) -> Result<bool, DbErr> {
    let row = mail::Entity::find_by_id(id)
        .filter(mail::Column::State.eq(MailState::Queued))
        .lock_exclusive()
        .one(tx)
        .await?;
    Ok(row.is_some())
}

/// How many mails of a kind an address was sent since.
pub async fn count_sent_in_tx(
    tx: &DatabaseTransaction,
    kind: MailKind,
    recipient_key: &str,
    since: DateTime<Utc>,
) -> Result<u64, DbErr> {
    mail::Entity::find()
        .filter(mail::Column::RecipientKey.eq(recipient_key))
        .filter(mail::Column::Kind.eq(kind))
        .filter(mail::Column::State.eq(MailState::Sent))
        .filter(mail::Column::ClosedAt.gt(since))
        .count(tx)
        .await
}

/// The mail, while it is to be sent.
pub async fn find_queued(app: &App, id: MailId) -> Result<Option<mail::Model>, DbErr> {
    mail::Entity::find_by_id(id)
        .filter(mail::Column::State.eq(MailState::Queued))
        .one(app.db.read())
        .await
}

/// The mail is sent, dead or dropped: wipes what it said.
pub async fn close(app: &App, id: MailId, state: MailState, error: Option<&str>) -> Result<(), DbErr> {
    let tx = app.db.begin().await?;
    close_where(&tx, mail::Column::Id.eq(id).into(), state, error, app.clock.now()).await?;
    tx.commit().await
}

async fn close_where(
    tx: &DatabaseTransaction,
    which: Condition,
    state: MailState,
    error: Option<&str>,
    now: DateTime<Utc>,
) -> Result<u64, DbErr> {
    let closed = mail::Entity::update_many()
        .set(mail::ActiveModel {
            state: Set(state),
            subject: Set(None),
            body: Set(None),
            last_error: Set(error.map(shorten)),
            closed_at: Set(Some(now)),
            ..Default::default()
        })
        .filter(which)
        .filter(mail::Column::State.eq(MailState::Queued))
        .exec(tx)
        .await?;
    Ok(closed.rows_affected)
}

/// Gives up what no job sends any more, because its worker was killed once too often, and deletes the rows of mails
/// closed long ago.
pub async fn forget(app: &App) -> Result<(), DbErr> {
    let now = app.clock.now();
    let tx = app.db.begin().await?;
    let left_over = mail::Column::CreatedAt.lte(now - TimeDelta::days(MAX_QUEUED_DAYS));
    close_where(&tx, left_over.into(), MailState::Dead, Some("nobody sent it"), now).await?;
    mail::Entity::delete_many()
        .filter(mail::Column::ClosedAt.lte(now - TimeDelta::days(KEPT_DAYS)))
        .exec(&tx)
        .await?;
    tx.commit().await
}

fn shorten(error: &str) -> String {
    error.chars().take(MAX_ERROR_CHARS).collect()
}
