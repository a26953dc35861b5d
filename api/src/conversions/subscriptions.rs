//! The live feed of a brand's conversions.

use async_graphql::{Context, ID, Subscription};
use entity::conversion;
use futures_util::{Stream, StreamExt};

use crate::{
    accounts::{actor::Place, permissions::Operation},
    conversions::{
        loaders,
        types::{ConversionFeedEvent, ConversionFeedEventKind, ConversionFeedItem, ConversionFeedWhere},
    },
    error::ApiError,
    feed::{self, FeedEvent, FeedItem, Watch},
    graphql::{
        context::{ContextExt, parse_id},
        feed::{Advanced, Lagged},
        objects::Conversion,
    },
    outbox::Topic,
};

#[derive(Default)]
pub struct ConversionSubscriptions;

#[Subscription]
impl ConversionSubscriptions {
    /// What happens to a brand's conversions. With `after`, first everything behind that cursor, then live, without gap
    /// or duplicate; without it, from now on. For the brand's members and its secret key; rights are checked again at
    /// delivery.
    async fn conversion_feed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The brand.")] brand_id: ID,
        #[graphql(desc = "The cursor of the last event seen.")] after: Option<String>,
        #[graphql(name = "where", desc = "Narrows the feed.")] filter: Option<ConversionFeedWhere>,
    ) -> Result<impl Stream<Item = Result<ConversionFeedItem, ApiError>> + use<>, ApiError> {
        let filter = filter.unwrap_or_default();
        let program = filter
            .program_id
            .as_ref()
            .map(|id| parse_id(id, "where.programId"))
            .transpose()?;
        let watch = Watch {
            operation: Operation::ConversionFeed,
            place: Place::brand(parse_id(&brand_id, "brandId")?),
            topics: Topic::CONVERSIONS
                .into_iter()
                .filter(|topic| filter.wants(kind_of(topic.as_str())))
                .collect(),
        };
        let keep = move |event: &FeedEvent<conversion::Model>| {
            let holds = |row: &conversion::Model| {
                program.is_none_or(|program| row.program_id == Some(program))
                    && filter
                        .events
                        .as_ref()
                        .is_none_or(|events| events.contains(&row.event.into()))
                    && filter
                        .is_credited
                        .is_none_or(|credited| row.partnership_id.is_some() == credited)
            };
            event.subject.as_ref().is_none_or(holds)
        };
        let items = feed::open(ctx.app(), ctx.actor(), watch, after, keep, loaders::by_subject).await?;
        Ok(items.map(|item| item.map(ConversionFeedItem::from)))
    }
}

impl From<FeedItem<conversion::Model>> for ConversionFeedItem {
    fn from(item: FeedItem<conversion::Model>) -> Self {
        match item {
            FeedItem::Event(event) => Self::Event(ConversionFeedEvent {
                cursor: event.cursor,
                occurred_at: event.occurred_at,
                kind: kind_of(&event.topic),
                conversion: event.subject.map(Conversion::from),
            }),
            FeedItem::Advanced { cursor, occurred_at } => Self::Advanced(Advanced { cursor, occurred_at }),
            FeedItem::Lagged {
                resume_from,
                occurred_at,
            } => Self::Lagged(Lagged::new(resume_from, occurred_at)),
        }
    }
}

fn kind_of(topic: &str) -> ConversionFeedEventKind {
    match topic {
        topic if topic == Topic::ConversionApproved.as_str() => ConversionFeedEventKind::Approved,
        topic if topic == Topic::ConversionRejected.as_str() => ConversionFeedEventKind::Rejected,
        topic if topic == Topic::ConversionRefunded.as_str() => ConversionFeedEventKind::Refunded,
        topic if topic == Topic::ConversionAmended.as_str() => ConversionFeedEventKind::Amended,
        topic if topic == Topic::ConversionCaptured.as_str() => ConversionFeedEventKind::Captured,
        topic if topic == Topic::ConversionChargedBack.as_str() => ConversionFeedEventKind::ChargedBack,
        topic if topic == Topic::ConversionChargebackWon.as_str() => ConversionFeedEventKind::ChargebackWon,
        topic if topic == Topic::ConversionChargebackLost.as_str() => ConversionFeedEventKind::ChargebackLost,
        _ => ConversionFeedEventKind::Recorded,
    }
}
