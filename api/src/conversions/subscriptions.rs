//! The live feed of a brand's conversions.

use async_graphql::{Context, ID, Subscription};
use futures_util::{Stream, StreamExt};

use crate::{
    accounts::{actor::Place, permissions::Operation},
    conversions::{
        loaders,
        types::{ConversionFeedEvent, ConversionFeedEventKind, ConversionFeedItem},
    },
    error::ApiError,
    feed::{self, FeedItem, Watch},
    graphql::{
        context::{ContextExt, parse_id},
        feed::Lagged,
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
    ) -> Result<impl Stream<Item = Result<ConversionFeedItem, ApiError>> + use<>, ApiError> {
        let watch = Watch {
            operation: Operation::ConversionFeed,
            place: Place::brand(parse_id(&brand_id, "brandId")?),
            topics: &Topic::CONVERSIONS,
        };
        let items = feed::open(ctx.app(), ctx.actor(), watch, after, loaders::by_subject).await?;
        Ok(items.map(|item| item.map(ConversionFeedItem::from)))
    }
}

impl From<FeedItem<entity::conversion::Model>> for ConversionFeedItem {
    fn from(item: FeedItem<entity::conversion::Model>) -> Self {
        match item {
            FeedItem::Event(event) => Self::Event(ConversionFeedEvent {
                cursor: event.cursor,
                occurred_at: event.occurred_at,
                kind: kind_of(&event.topic),
                conversion: event.subject.map(Conversion::from),
            }),
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
