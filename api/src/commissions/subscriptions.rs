//! The live feed of a partner's earnings.

use async_graphql::{Context, ID, Subscription};
use entity::commission;
use futures_util::{Stream, StreamExt};

use crate::{
    accounts::{actor::Place, permissions::Operation},
    commissions::{
        loaders,
        types::{Commission, EarningsFeedEvent, EarningsFeedEventKind, EarningsFeedItem, EarningsFeedWhere},
    },
    error::ApiError,
    feed::{self, FeedEvent, FeedItem, Watch},
    graphql::{
        context::{ContextExt, parse_id},
        feed::{Advanced, Lagged},
    },
    outbox::Topic,
};

#[derive(Default)]
pub struct CommissionSubscriptions;

#[Subscription]
impl CommissionSubscriptions {
    /// What happens to a partner's commissions, over all its programs and at every level of the tree. With `after`,
    /// first everything behind that cursor, then live, without gap or duplicate; without it, from now on.
    /// For the partner. Rights are checked again at delivery.
    async fn earnings_feed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The partner.")] partner_id: ID,
        #[graphql(desc = "The cursor of the last event seen.")] after: Option<String>,
        #[graphql(name = "where", desc = "Narrows the feed.")] filter: Option<EarningsFeedWhere>,
    ) -> Result<impl Stream<Item = Result<EarningsFeedItem, ApiError>> + use<>, ApiError> {
        let filter = filter.unwrap_or_default();
        let program = filter
            .program_id
            .as_ref()
            .map(|id| parse_id(id, "where.programId"))
            .transpose()?;
        let watch = Watch {
            operation: Operation::EarningsFeed,
            place: Place::partner(parse_id(&partner_id, "partnerId")?),
            topics: Topic::EARNINGS
                .into_iter()
                .filter(|topic| filter.wants(kind_of(topic.as_str())))
                .collect(),
        };
        let keep = move |event: &FeedEvent<commission::Model>| {
            let holds = |row: &commission::Model| program.is_none_or(|program| row.program_id == program);
            event.subject.as_ref().is_none_or(holds)
        };
        let items = feed::open(ctx.app(), ctx.actor(), watch, after, keep, loaders::by_subject).await?;
        Ok(items.map(|item| item.map(EarningsFeedItem::from)))
    }
}

impl From<FeedItem<commission::Model>> for EarningsFeedItem {
    fn from(item: FeedItem<commission::Model>) -> Self {
        match item {
            FeedItem::Event(event) => Self::Event(EarningsFeedEvent {
                cursor: event.cursor,
                occurred_at: event.occurred_at,
                kind: kind_of(&event.topic),
                commission: event.subject.map(Commission::from),
            }),
            FeedItem::Advanced { cursor, occurred_at } => Self::Advanced(Advanced { cursor, occurred_at }),
            FeedItem::Lagged {
                resume_from,
                occurred_at,
            } => Self::Lagged(Lagged::new(resume_from, occurred_at)),
        }
    }
}

fn kind_of(topic: &str) -> EarningsFeedEventKind {
    match topic {
        topic if topic == Topic::CommissionApproved.as_str() => EarningsFeedEventKind::Approved,
        topic if topic == Topic::CommissionRejected.as_str() => EarningsFeedEventKind::Rejected,
        topic if topic == Topic::CommissionReversed.as_str() => EarningsFeedEventKind::Reversed,
        topic if topic == Topic::CommissionRestored.as_str() => EarningsFeedEventKind::Restored,
        topic if topic == Topic::CommissionReleased.as_str() => EarningsFeedEventKind::Released,
        topic if topic == Topic::CommissionPaid.as_str() => EarningsFeedEventKind::Paid,
        _ => EarningsFeedEventKind::Accrued,
    }
}
