//! The live feed of a brand's payouts.

use async_graphql::{Context, ID, Subscription};
use entity::payout;
use futures_util::{Stream, StreamExt};

use crate::{
    accounts::{actor::Place, permissions::Operation},
    error::ApiError,
    feed::{self, FeedEvent, FeedItem, Watch},
    graphql::{
        context::{ContextExt, parse_id},
        feed::{Advanced, Lagged},
    },
    outbox::Topic,
    payouts::{
        loaders, service,
        types::{Payout, PayoutFeedEvent, PayoutFeedItem, PayoutFeedWhere},
    },
};

#[derive(Default)]
pub struct PayoutSubscriptions;

#[Subscription]
impl PayoutSubscriptions {
    /// Every payout of a brand that is drafted or changes its state. With `after`,
    /// first everything behind that cursor, then live, without gap or duplicate; without it, from now on.
    /// For those who see money. Rights are checked again at delivery.
    async fn payout_feed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The brand.")] brand_id: ID,
        #[graphql(desc = "The cursor of the last event seen.")] after: Option<String>,
        #[graphql(name = "where", desc = "Narrows the feed.")] filter: Option<PayoutFeedWhere>,
    ) -> Result<impl Stream<Item = Result<PayoutFeedItem, ApiError>> + use<>, ApiError> {
        let watch = Watch {
            operation: Operation::PayoutFeed,
            place: Place::brand(parse_id(&brand_id, "brandId")?),
            topics: Topic::PAYOUTS.to_vec(),
        };
        let states: Option<Vec<_>> = filter.unwrap_or_default().states.map(|states| {
            states
                .into_iter()
                .map(|state| service::announced(state.into()).to_string())
                .collect()
        });
        // The state it came to, whatever became of it since.
        let keep = move |event: &FeedEvent<payout::Model>| {
            states.as_ref().is_none_or(|states| states.contains(&event.payload))
        };
        let items = feed::open(ctx.app(), ctx.actor(), watch, after, keep, loaders::by_subject).await?;
        Ok(items.map(|item| item.map(PayoutFeedItem::from)))
    }
}

impl From<FeedItem<payout::Model>> for PayoutFeedItem {
    fn from(item: FeedItem<payout::Model>) -> Self {
        match item {
            FeedItem::Event(event) => Self::Event(PayoutFeedEvent {
                cursor: event.cursor,
                occurred_at: event.occurred_at,
                payout: event.subject.map(Payout::from),
            }),
            FeedItem::Advanced { cursor, occurred_at } => Self::Advanced(Advanced { cursor, occurred_at }),
            FeedItem::Lagged {
                resume_from,
                occurred_at,
            } => Self::Lagged(Lagged::new(resume_from, occurred_at)),
        }
    }
}
