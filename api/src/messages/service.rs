//! Writing, reading, and who may.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    TenantScoped,
    application::{self, ApplicationState},
    ids::{
        ApplicationId, BrandId, MessageId, MessageThreadId, PartnerId, PartnershipId, ProgramId, ProgramInvitationId,
        TypedId,
    },
    message::{self, MessageSide},
    message_thread, partnership,
    program_invitation::{self, ProgramInvitationState},
    thread_read,
};
use sea_orm::{
    ActiveEnum,
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, QueryFilter, QuerySelect,
    sea_query::{LockType, OnConflict},
};
use serde::Serialize;
use serde_json::json;

use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    error::{ApiError, Failure},
    idempotency::{self, Begun, Key, Outcome},
    messages::{
        error::MessageErrorCode as Code,
        rules::{self, Dealings},
    },
    outbox::{self, Fact, Topic},
    page::{self, Page, Slice},
};

type Result<T> = std::result::Result<T, Failure<Code>>;

/// Messages of a thread.
const MAX_MESSAGES: i32 = 10_000;

/// What a message is about: each of them says which partner and which program.
#[derive(Clone, Copy, Debug)]
pub enum About {
    Thread(MessageThreadId),
    Partnership(PartnershipId),
    Application(ApplicationId),
    Invitation(ProgramInvitationId),
}

pub struct SendMessage {
    pub about: About,
    /// For whom it is written; absent: for whom the caller may write.
    pub side: Option<MessageSide>,
    pub body: String,
    pub idempotency_key: Key,
}

/// What "the same message" means.
#[derive(Serialize)]
struct Fingerprint<'a> {
    program: String,
    partner: String,
    side: String,
    body: &'a str,
}

/// A partner and a program, who write to each other.
#[derive(Clone, Copy, Debug)]
struct Parties {
    program: ProgramId,
    brand: BrandId,
    partner: PartnerId,
}

impl Parties {
    fn place(self, side: MessageSide) -> Place {
        match side {
            MessageSide::Brand => Place::brand(self.brand),
            MessageSide::Partner => Place::partner(self.partner),
        }
    }
}

/// Writes a message; the thread begins with the first one.
pub async fn send_message(app: &App, actor: &Actor, command: SendMessage) -> Result<Outcome<message::Model>> {
    let body = rules::clean_body(&command.body);
    let tx = app.db.begin().await?;
    let parties = find_parties_in_tx(&tx, actor, command.about).await?;
    let side = decide_side(actor, parties, command.side)?;
    let user = actor.user()?;
    let body = body.ok_or_else(|| {
        Failure::refused_field(
            Code::BodyInvalid,
            "body",
            "a message has 1 to 5,000 characters, and no control characters but tabs and line breaks",
        )
    })?;
    let fingerprint = Fingerprint {
        program: parties.program.to_string(),
        partner: parties.partner.to_string(),
        side: side.to_value(),
        body: &body,
    };
    // A key is its author's own: what two people send under the same one are two messages.
    let key = &command.idempotency_key;
    let pending =
        match idempotency::begin_in_tx::<message::Entity>(&tx, app, user.0, "sendMessage", key, &fingerprint).await? {
            Begun::Replay(value) => {
                tx.commit().await?;
                return Ok(Outcome { value, replayed: true });
            }
            Begun::Fresh(pending) => pending,
        };
    refuse_closed_in_tx(&tx, app, parties).await?;
    let thread = lock_thread_in_tx(&tx, app, parties).await?;
    if thread.message_count >= MAX_MESSAGES {
        let full = format!("a thread has at most {MAX_MESSAGES} messages");
        return Err(Failure::refused(Code::ThreadFull, full));
    }
    let now = app.clock.now();
    let row = message::Model {
        id: id_behind(app, now, &thread),
        thread_id: thread.id,
        brand_id: parties.brand,
        partner_id: parties.partner,
        side,
        user_id: user,
        body,
        created_at: now,
    };
    message::Entity::insert(message::ActiveModel::from(row.clone()))
        .exec_without_returning(&tx)
        .await?;
    message_thread::Entity::update(message_thread::ActiveModel {
        id: Set(thread.id),
        last_message_id: Set(row.id),
        last_message_at: Set(now),
        message_count: Set(thread.message_count + 1),
        ..Default::default()
    })
    .exec_without_returning(&tx)
    .await?;
    announce_in_tx(&tx, app, &row).await?;
    pending.settle(&tx, row.id.0).await?;
    app.commit(tx).await?;
    Ok(Outcome {
        value: row,
        replayed: false,
    })
}

/// Remembers that the caller has read a thread up to a message. It never goes back, and again changes nothing.
pub async fn mark_thread_read(
    app: &App,
    actor: &Actor,
    thread: MessageThreadId,
    message: MessageId,
) -> Result<message_thread::Model> {
    use thread_read::{ActiveModel, Column, Entity, Model};
    let tx = app.db.begin().await?;
    let thread = find_thread_in_tx(&tx, actor, thread).await?;
    actor.authorise(
        Operation::MarkThreadRead,
        Place::shared(thread.brand_id, thread.partner_id),
    )?;
    let user = actor.user()?;
    message::Entity::find_by_id(message)
        .filter(message::Column::ThreadId.eq(thread.id))
        .one(&tx)
        .await?
        .ok_or_else(|| ApiError::not_found("message"))?;
    let row = Model {
        thread_id: thread.id,
        user_id: user,
        message_id: message,
        read_at: app.clock.now(),
    };
    let inserted = Entity::insert(ActiveModel::from(row.clone()))
        .on_conflict(
            OnConflict::columns([Column::ThreadId, Column::UserId])
                .do_nothing()
                .to_owned(),
        )
        .exec_without_returning(&tx)
        .await?;
    if inserted == 0 {
        // Two devices may report at once: the one that has read further is right.
        Entity::update_many()
            .set(ActiveModel {
                message_id: Set(row.message_id),
                read_at: Set(row.read_at),
                ..Default::default()
            })
            .filter(Column::ThreadId.eq(thread.id))
            .filter(Column::UserId.eq(user))
            .filter(Column::MessageId.lt(message))
            .exec(&tx)
            .await?;
    }
    tx.commit().await?;
    Ok(thread)
}

#[must_use]
pub fn may_see_thread(actor: &Actor, brand: BrandId, partner: PartnerId) -> bool {
    actor
        .authorise(Operation::SeeMessageThreads, Place::brand(brand))
        .is_ok()
        || actor
            .authorise(Operation::SeeOwnMessageThreads, Place::partner(partner))
            .is_ok()
}

pub async fn list_threads_of_brand(
    app: &App,
    actor: &Actor,
    brand: BrandId,
    page: &Page,
) -> std::result::Result<Slice<message_thread::Model>, ApiError> {
    actor.authorise(Operation::SeeMessageThreads, Place::brand(brand))?;
    let select = message_thread::Entity::find_within(&actor.reach()).filter(message_thread::Column::BrandId.eq(brand));
    fetch_threads(app, select, page).await
}

pub async fn list_threads_of_partner(
    app: &App,
    actor: &Actor,
    partner: PartnerId,
    page: &Page,
) -> std::result::Result<Slice<message_thread::Model>, ApiError> {
    actor.authorise(Operation::SeeOwnMessageThreads, Place::partner(partner))?;
    let select =
        message_thread::Entity::find_within(&actor.reach()).filter(message_thread::Column::PartnerId.eq(partner));
    fetch_threads(app, select, page).await
}

/// The one with the newest message first.
async fn fetch_threads(
    app: &App,
    select: sea_orm::Select<message_thread::Entity>,
    page: &Page,
) -> std::result::Result<Slice<message_thread::Model>, ApiError> {
    page::fetch(
        app.db.read(),
        select,
        message_thread::Column::LastMessageId,
        |row: &message_thread::Model| row.last_message_id.0,
        page,
    )
    .await
    .map_err(ApiError::internal)
}

pub async fn list_messages(
    app: &App,
    actor: &Actor,
    thread: &message_thread::Model,
    page: &Page,
) -> std::result::Result<Slice<message::Model>, ApiError> {
    actor.authorise(
        Operation::SeeMessages,
        Place::shared(thread.brand_id, thread.partner_id),
    )?;
    let select = message::Entity::find_within(&actor.reach()).filter(message::Column::ThreadId.eq(thread.id));
    page::fetch(
        app.db.read(),
        select,
        message::Column::Id,
        |row: &message::Model| row.id.0,
        page,
    )
    .await
    .map_err(ApiError::internal)
}

/// Of these partners in these programs, those who may write and be written to now: three statements, however many there
/// are. They are reached through something that the caller may see.
pub async fn find_open(
    connection: &impl ConnectionTrait,
    now: DateTime<Utc>,
    pairs: &[(ProgramId, PartnerId)],
) -> std::result::Result<HashSet<(ProgramId, PartnerId)>, DbErr> {
    let programs = || pairs.iter().map(|pair| pair.0);
    let partners = || pairs.iter().map(|pair| pair.1);
    let mut dealings: HashMap<(ProgramId, PartnerId), Dealings> = HashMap::new();
    let joined = partnership::Entity::find()
        .filter(partnership::Column::ProgramId.is_in(programs()))
        .filter(partnership::Column::PartnerId.is_in(partners()))
        .all(connection)
        .await?;
    for row in joined {
        dealings
            .entry((row.program_id, row.partner_id))
            .or_default()
            .partnership = Some(row.state);
    }
    let applied = application::Entity::find()
        .filter(application::Column::ProgramId.is_in(programs()))
        .filter(application::Column::PartnerId.is_in(partners()))
        .filter(application::Column::State.is_in([ApplicationState::Submitted, ApplicationState::InReview]))
        .all(connection)
        .await?;
    for row in applied {
        dealings
            .entry((row.program_id, row.partner_id))
            .or_default()
            .open_application = true;
    }
    let invited = program_invitation::Entity::find()
        .filter(program_invitation::Column::ProgramId.is_in(programs()))
        .filter(program_invitation::Column::PartnerId.is_in(partners()))
        .filter(program_invitation::Column::State.eq(ProgramInvitationState::Sent))
        .filter(program_invitation::Column::ExpiresAt.gt(now))
        .all(connection)
        .await?;
    for row in invited {
        if let Some(partner) = row.partner_id {
            dealings.entry((row.program_id, partner)).or_default().open_invitation = true;
        }
    }
    Ok(dealings
        .into_iter()
        .filter(|(_, dealings)| dealings.may_write())
        .map(|(pair, _)| pair)
        .collect())
}

async fn find_thread_in_tx(
    tx: &DatabaseTransaction,
    actor: &Actor,
    id: MessageThreadId,
) -> Result<message_thread::Model> {
    let row = message_thread::Entity::find_within(&actor.reach())
        .filter(message_thread::Column::Id.eq(id))
        .one(tx)
        .await?;
    Ok(row.ok_or_else(|| ApiError::not_found("message thread"))?)
}

/// Who is meant, found within reach.
async fn find_parties_in_tx(tx: &DatabaseTransaction, actor: &Actor, about: About) -> Result<Parties> {
    let reach = actor.reach();
    let (program, brand, partner) = match about {
        About::Thread(id) => {
            let row = find_thread_in_tx(tx, actor, id).await?;
            (row.program_id, row.brand_id, row.partner_id)
        }
        About::Partnership(id) => {
            let row = partnership::Entity::find_within(&reach)
                .filter(partnership::Column::Id.eq(id))
                .one(tx)
                .await?
                .ok_or_else(|| ApiError::not_found("partnership"))?;
            (row.program_id, row.brand_id, row.partner_id)
        }
        About::Application(id) => {
            let row = application::Entity::find_within(&reach)
                .filter(application::Column::Id.eq(id))
                .one(tx)
                .await?
                .ok_or_else(|| ApiError::not_found("application"))?;
            (row.program_id, row.brand_id, row.partner_id)
        }
        About::Invitation(id) => {
            let row = program_invitation::Entity::find_within(&reach)
                .filter(program_invitation::Column::Id.eq(id))
                .one(tx)
                .await?
                .ok_or_else(|| ApiError::not_found("invitation"))?;
            let place = Place {
                brand: Some(row.brand_id),
                partner: row.partner_id,
            };
            actor.authorise(Operation::SendMessage, place)?;
            let partner = row.partner_id.ok_or_else(|| {
                Failure::refused_field(
                    Code::NobodyInvited,
                    "about.programInvitationId",
                    "this invitation was mailed to an address, and no partner has accepted it",
                )
            })?;
            (row.program_id, row.brand_id, partner)
        }
    };
    Ok(Parties {
        program,
        brand,
        partner,
    })
}

/// For whom the caller writes. Who is of both says it.
fn decide_side(
    actor: &Actor,
    parties: Parties,
    wanted: Option<MessageSide>,
) -> std::result::Result<MessageSide, ApiError> {
    let may = |side| actor.authorise(Operation::SendMessage, parties.place(side));
    if let Some(side) = wanted {
        return may(side).map(|()| side);
    }
    match (may(MessageSide::Brand).is_ok(), may(MessageSide::Partner).is_ok()) {
        (true, false) => Ok(MessageSide::Brand),
        (false, true) => Ok(MessageSide::Partner),
        (true, true) => Err(ApiError::bad_field(
            "side",
            "you are of the brand and of the partner: say for which of them you write",
        )),
        // Neither: the answer is that of the place that is both.
        (false, false) => actor
            .authorise(Operation::SendMessage, Place::shared(parties.brand, parties.partner))
            .map(|()| MessageSide::Brand),
    }
}

/// Whoever bans or ends the partnership meanwhile waits, or has done it.
async fn refuse_closed_in_tx(tx: &DatabaseTransaction, app: &App, parties: Parties) -> Result<()> {
    partnership::Entity::find()
        .filter(partnership::Column::ProgramId.eq(parties.program))
        .filter(partnership::Column::PartnerId.eq(parties.partner))
        .lock(LockType::NoKeyUpdate)
        .one(tx)
        .await?;
    let pair = (parties.program, parties.partner);
    if find_open(tx, app.clock.now(), &[pair]).await?.contains(&pair) {
        return Ok(());
    }
    Err(Failure::refused(
        Code::ThreadClosed,
        "there is no partnership that goes on, and neither an open application nor an open invitation",
    ))
}

/// The thread, new when there is none, locked: messages of a thread are written one after the other.
async fn lock_thread_in_tx(tx: &DatabaseTransaction, app: &App, parties: Parties) -> Result<message_thread::Model> {
    use message_thread::{ActiveModel, Column, Entity, Model};
    let now = app.clock.now();
    let new = Model {
        id: app.ids.new_id(now),
        program_id: parties.program,
        brand_id: parties.brand,
        partner_id: parties.partner,
        // Of no message yet: the first one is written in this transaction.
        last_message_id: app.ids.new_id(now),
        last_message_at: now,
        message_count: 0,
        created_at: now,
    };
    Entity::insert(ActiveModel::from(new))
        .on_conflict(
            OnConflict::columns([Column::ProgramId, Column::PartnerId])
                .do_nothing()
                .to_owned(),
        )
        .exec_without_returning(tx)
        .await?;
    let row = Entity::find()
        .filter(Column::ProgramId.eq(parties.program))
        .filter(Column::PartnerId.eq(parties.partner))
        .lock(LockType::NoKeyUpdate)
        .one(tx)
        .await?;
    Ok(row.ok_or_else(|| ApiError::internal("a message thread vanished while it was held"))?)
}

/// An id behind all others of the thread. Another process, whose clock is ahead, may have written the last message.
fn id_behind(app: &App, now: DateTime<Utc>, thread: &message_thread::Model) -> MessageId {
    let id: MessageId = app.ids.new_id(now);
    if id > thread.last_message_id {
        return id;
    }
    let last = thread
        .last_message_id
        .uuid()
        .get_timestamp()
        .map_or((0, 0), |time| time.to_unix());
    let last = i64::try_from(last.0)
        .ok()
        .and_then(|seconds| DateTime::from_timestamp(seconds, last.1))
        .unwrap_or(now);
    app.ids.new_id(last + TimeDelta::milliseconds(1))
}

async fn announce_in_tx(tx: &DatabaseTransaction, app: &App, row: &message::Model) -> Result<()> {
    let fact = Fact {
        topic: Topic::MessageSent,
        brand: Some(row.brand_id),
        partner: Some(row.partner_id),
        subject: row.id.0,
        payload: json!({ "side": row.side.to_value(), "threadId": row.thread_id.to_string() }),
    };
    Ok(outbox::enqueue_in_tx(tx, app, fact).await?)
}
