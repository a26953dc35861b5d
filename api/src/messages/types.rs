//! Threads and messages as the schema shows them.

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, Object, OneofObject, SimpleObject, Union};
use chrono::{DateTime, Utc};
use entity::{
    ids::{BrandId, PartnerId, ProgramId},
    message, message_thread,
};

use crate::{
    connection,
    error::ApiError,
    graphql::{
        context::{ContextExt, parse_id},
        feed::{Advanced, Lagged},
        objects::{Brand, Partner, Partnership, Program},
    },
    messages::{
        error::{MessageError, MessageErrorCode},
        loaders::{OpenBetween, ThreadFor, UnreadIn},
        service::{self, About},
    },
    page,
    partnerships::loaders::PartnershipFor,
    payload,
};

/// For whom a message is written.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "message::MessageSide")]
pub enum MessageSide {
    /// For the brand, by one of its members.
    Brand,
    /// For the partner, by one of its people.
    Partner,
}

/// What a brand and a partner write to each other about a program: before, during and after the partnership.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct MessageThread {
    /// Global id.
    pub id: ID,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When the newest message was written.
    pub last_message_at: DateTime<Utc>,
    /// How many messages there are, at most 10,000.
    pub message_count: i32,
    #[graphql(skip)]
    pub row: message_thread::Model,
}

impl From<message_thread::Model> for MessageThread {
    fn from(row: message_thread::Model) -> Self {
        Self {
            id: row.id.to_string().into(),
            created_at: row.created_at,
            last_message_at: row.last_message_at,
            message_count: row.message_count,
            row,
        }
    }
}

#[ComplexObject]
impl MessageThread {
    /// The program it is about.
    async fn program(&self, ctx: &Context<'_>) -> Result<Option<Program>, ApiError> {
        Ok(ctx.load(self.row.program_id).await?.map(Program::from))
    }

    /// The brand of the program.
    async fn brand(&self, ctx: &Context<'_>) -> Result<Option<Brand>, ApiError> {
        Ok(ctx.load(self.row.brand_id).await?.map(Brand::from))
    }

    /// The partner.
    async fn partner(&self, ctx: &Context<'_>) -> Result<Option<Partner>, ApiError> {
        Ok(ctx.load(self.row.partner_id).await?.map(Partner::from))
    }

    /// The partnership of the two; absent when there is none yet.
    async fn partnership(&self, ctx: &Context<'_>) -> Result<Option<Partnership>, ApiError> {
        let key = PartnershipFor(self.row.program_id, self.row.partner_id);
        Ok(ctx.load(key).await?.map(Partnership::from))
    }

    /// The newest message.
    async fn last_message(&self, ctx: &Context<'_>) -> Result<Option<Message>, ApiError> {
        Ok(ctx.load(self.row.last_message_id).await?.map(Message::from))
    }

    /// How many messages of others the caller has not read, those of colleagues among them. `markThreadRead` says what was
    /// read.
    async fn unread_count(&self, ctx: &Context<'_>) -> Result<Option<i32>, ApiError> {
        let count = ctx.load(UnreadIn(self.row.id)).await?;
        Ok(count.map(|count| i32::try_from(count).unwrap_or(i32::MAX)))
    }

    /// Whether it can be written to now: the partnership goes on, or an application or an invitation is open, and the partner
    /// is not banned.
    async fn is_open(&self, ctx: &Context<'_>) -> Result<Option<bool>, ApiError> {
        ctx.load(OpenBetween(self.row.program_id, self.row.partner_id)).await
    }

    /// The messages, newest first. For the partner and the brand's members.
    #[graphql(complexity = "page::cost(first, last, child_complexity)")]
    async fn messages(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, at most 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Items from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items in front of this cursor.")] before: Option<String>,
    ) -> Result<Option<MessageConnection>, ApiError> {
        let page = ctx.page(first, after, last, before)?;
        let slice = service::list_messages(ctx.app(), ctx.actor(), &self.row, &page).await?;
        Ok(Some(slice.into()))
    }
}

connection! {
    /// Threads.
    MessageThreadConnection, MessageThreadEdge of MessageThread
}

/// Something one side wrote to the other. It stays as it is.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct Message {
    /// Global id.
    pub id: ID,
    /// For whom it was written.
    pub side: MessageSide,
    /// Plain text: show it as it stands, not as markup.
    pub body: String,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    #[graphql(skip)]
    pub row: message::Model,
}

impl From<message::Model> for Message {
    fn from(row: message::Model) -> Self {
        Self {
            id: row.id.to_string().into(),
            side: row.side.into(),
            body: row.body.clone(),
            created_at: row.created_at,
            row,
        }
    }
}

#[ComplexObject]
impl Message {
    /// The thread it is part of.
    async fn thread(&self, ctx: &Context<'_>) -> Result<Option<MessageThread>, ApiError> {
        Ok(ctx.load(self.row.thread_id).await?.map(MessageThread::from))
    }

    /// The display name of the person who wrote it.
    async fn author_name(&self, ctx: &Context<'_>) -> Result<Option<String>, ApiError> {
        Ok(ctx.load(self.row.user_id).await?.map(|row| row.display_name))
    }

    /// Whether the caller wrote it.
    async fn is_own(&self, ctx: &Context<'_>) -> bool {
        ctx.actor().user().is_ok_and(|user| user == self.row.user_id)
    }
}

connection! {
    /// Messages.
    MessageConnection, MessageEdge of Message
}

/// What messages add to `Brand`.
#[derive(Clone)]
pub struct ThreadsOfBrand(pub BrandId);

#[Object]
impl ThreadsOfBrand {
    /// What the brand and its partners write to each other, the thread with the newest message first. For the brand's
    /// members.
    #[graphql(complexity = "page::cost(first, last, child_complexity)")]
    async fn message_threads(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, at most 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Items from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items in front of this cursor.")] before: Option<String>,
    ) -> Result<Option<MessageThreadConnection>, ApiError> {
        let page = ctx.page(first, after, last, before)?;
        let slice = service::list_threads_of_brand(ctx.app(), ctx.actor(), self.0, &page).await?;
        Ok(Some(slice.into()))
    }
}

/// What messages add to `Partner`.
#[derive(Clone)]
pub struct ThreadsOfPartner(pub PartnerId);

#[Object]
impl ThreadsOfPartner {
    /// What the partner and brands write to each other, the thread with the newest message first. For the partner.
    #[graphql(complexity = "page::cost(first, last, child_complexity)")]
    async fn message_threads(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, at most 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Items from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items in front of this cursor.")] before: Option<String>,
    ) -> Result<Option<MessageThreadConnection>, ApiError> {
        let page = ctx.page(first, after, last, before)?;
        let slice = service::list_threads_of_partner(ctx.app(), ctx.actor(), self.0, &page).await?;
        Ok(Some(slice.into()))
    }
}

/// What messages add to `Partnership`.
#[derive(Clone)]
pub struct ThreadOfPartnership {
    pub program: ProgramId,
    pub partner: PartnerId,
}

#[Object]
impl ThreadOfPartnership {
    /// What the two write to each other; absent before the first message. For the partner and the brand's members; absent for
    /// others.
    async fn message_thread(&self, ctx: &Context<'_>) -> Result<Option<MessageThread>, ApiError> {
        let key = ThreadFor(self.program, self.partner);
        Ok(ctx.load(key).await?.map(MessageThread::from))
    }
}

/// What a message is about. A partner and a program have one thread, whichever is named.
#[derive(OneofObject)]
pub enum MessageSubjectInput {
    /// A thread that has begun.
    ThreadId(ID),
    /// A partnership.
    PartnershipId(ID),
    /// An application.
    ApplicationId(ID),
    /// An invitation that is for a certain partner, or that one has accepted.
    ProgramInvitationId(ID),
}

impl MessageSubjectInput {
    pub(super) fn read(&self) -> Result<About, ApiError> {
        Ok(match self {
            Self::ThreadId(id) => About::Thread(parse_id(id, "about.threadId")?),
            Self::PartnershipId(id) => About::Partnership(parse_id(id, "about.partnershipId")?),
            Self::ApplicationId(id) => About::Application(parse_id(id, "about.applicationId")?),
            Self::ProgramInvitationId(id) => About::Invitation(parse_id(id, "about.programInvitationId")?),
        })
    }
}

/// A message to the other side.
#[derive(InputObject)]
pub struct SendMessageInput {
    /// 1 to 128 printable ASCII characters, unique an author.
    pub idempotency_key: String,
    /// What it is about.
    pub about: MessageSubjectInput,
    /// For whom the caller writes; it must be said by whoever is of both sides.
    pub side: Option<MessageSide>,
    /// Plain text of 1 to 5,000 characters, without control characters but tabs and line breaks.
    pub body: String,
}

/// How far a thread was read.
#[derive(InputObject)]
pub struct MarkThreadReadInput {
    /// The thread.
    pub thread_id: ID,
    /// The last message of it that was read.
    pub message_id: ID,
}

payload! {
    /// What `sendMessage` answers.
    replayable SendMessagePayload {
        /// The message.
        message: Message
    } refused by MessageError, MessageErrorCode
}

payload! {
    /// What `markThreadRead` answers.
    MarkThreadReadPayload {
        /// The thread, with its unread messages counted anew.
        message_thread: MessageThread
    } refused by MessageError, MessageErrorCode
}

/// Something was written.
#[derive(SimpleObject)]
pub struct MessageFeedEvent {
    /// Where it lies in the feed; give it to `after` to go on behind it. Opaque.
    pub cursor: String,
    /// When it was written.
    pub occurred_at: DateTime<Utc>,
    /// The message.
    pub message: Option<Message>,
}

/// Narrows the messages feed; every field given must hold.
#[derive(Default, InputObject)]
pub struct MessageFeedWhere {
    /// Only messages of this thread.
    pub thread_id: Option<ID>,
}

/// An item of the messages feed.
#[derive(Union)]
#[allow(
    clippy::large_enum_variant,
    reason = "one item at a time lives, and the library's union takes no box"
)]
pub enum MessageFeedItem {
    Event(MessageFeedEvent),
    Advanced(Advanced),
    Lagged(Lagged),
}
