//! The live feed of messages.

use async_graphql::{Context, ID, Subscription};
use entity::{ids::MessageThreadId, message};
use futures_util::{Stream, StreamExt};

use crate::{
    accounts::{actor::Place, permissions::Operation},
    error::ApiError,
    feed::{self, FeedEvent, FeedItem, Watch},
    graphql::{
        context::{ContextExt, parse_id},
        feed::{Advanced, Lagged},
    },
    messages::{
        loaders,
        types::{Message, MessageFeedEvent, MessageFeedItem, MessageFeedWhere},
    },
    outbox::Topic,
};

#[derive(Default)]
pub struct MessageSubscriptions;

#[Subscription]
impl MessageSubscriptions {
    /// What is written in the threads of a brand or of a partner, by either side. With `after`,
    /// first everything behind that cursor, then live, without gap or duplicate; without it, from now on.
    /// For the brand's members or the partner's people. Rights are checked again at delivery.
    async fn message_feed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The brand whose threads they are; this or `partnerId`.")] brand_id: Option<ID>,
        #[graphql(desc = "The partner whose threads they are; this or `brandId`.")] partner_id: Option<ID>,
        #[graphql(desc = "The cursor of the last event seen.")] after: Option<String>,
        #[graphql(name = "where", desc = "Narrows the feed.")] filter: Option<MessageFeedWhere>,
    ) -> Result<impl Stream<Item = Result<MessageFeedItem, ApiError>> + use<>, ApiError> {
        let (operation, place) = match (brand_id, partner_id) {
            (Some(brand), None) => (Operation::MessageFeed, Place::brand(parse_id(&brand, "brandId")?)),
            (None, Some(partner)) => {
                let place = Place::partner(parse_id(&partner, "partnerId")?);
                (Operation::SeeOwnMessageThreads, place)
            }
            _ => return Err(ApiError::bad_field("brandId", "say either `brandId` or `partnerId`")),
        };
        let thread: Option<MessageThreadId> = filter
            .and_then(|filter| filter.thread_id)
            .map(|id| parse_id(&id, "where.threadId"))
            .transpose()?;
        let watch = Watch {
            operation,
            place,
            topics: Topic::MESSAGES.to_vec(),
        };
        let keep = move |event: &FeedEvent<message::Model>| {
            let holds = |row: &message::Model| thread.is_none_or(|thread| row.thread_id == thread);
            event.subject.as_ref().is_none_or(holds)
        };
        let items = feed::open(ctx.app(), ctx.actor(), watch, after, keep, loaders::by_subject).await?;
        Ok(items.map(|item| item.map(MessageFeedItem::from)))
    }
}

impl From<FeedItem<message::Model>> for MessageFeedItem {
    fn from(item: FeedItem<message::Model>) -> Self {
        match item {
            FeedItem::Event(event) => Self::Event(MessageFeedEvent {
                cursor: event.cursor,
                occurred_at: event.occurred_at,
                message: event.subject.map(Message::from),
            }),
            FeedItem::Advanced { cursor, occurred_at } => Self::Advanced(Advanced { cursor, occurred_at }),
            FeedItem::Lagged {
                resume_from,
                occurred_at,
            } => Self::Lagged(Lagged::new(resume_from, occurred_at)),
        }
    }
}
