//! The live feed of a brand's applications.

use async_graphql::{Context, ID, Subscription};
use entity::application;
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
    partnerships::{
        loaders,
        types::{
            Application, ApplicationFeedEvent, ApplicationFeedEventKind, ApplicationFeedItem, ApplicationFeedWhere,
        },
    },
};

#[derive(Default)]
pub struct PartnershipSubscriptions;

#[Subscription]
impl PartnershipSubscriptions {
    /// Who asks into a brand's programs, who looks at it, and what is decided. With `after`,
    /// first everything behind that cursor, then live, without gap or duplicate; without it, from now on.
    /// For the brand's members. Rights are checked again at delivery.
    async fn application_feed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The brand.")] brand_id: ID,
        #[graphql(desc = "The cursor of the last event seen.")] after: Option<String>,
        #[graphql(name = "where", desc = "Narrows the feed.")] filter: Option<ApplicationFeedWhere>,
    ) -> Result<impl Stream<Item = Result<ApplicationFeedItem, ApiError>> + use<>, ApiError> {
        let filter = filter.unwrap_or_default();
        let program = filter
            .program_id
            .as_ref()
            .map(|id| parse_id(id, "where.programId"))
            .transpose()?;
        let watch = Watch {
            operation: Operation::ApplicationFeed,
            place: Place::brand(parse_id(&brand_id, "brandId")?),
            topics: Topic::APPLICATIONS
                .into_iter()
                .filter(|topic| filter.wants(kind_of(topic.as_str())))
                .collect(),
        };
        let keep = move |event: &FeedEvent<application::Model>| {
            let holds = |row: &application::Model| program.is_none_or(|program| row.program_id == program);
            event.subject.as_ref().is_none_or(holds)
        };
        let items = feed::open(ctx.app(), ctx.actor(), watch, after, keep, loaders::by_subject).await?;
        Ok(items.map(|item| item.map(ApplicationFeedItem::from)))
    }
}

impl From<FeedItem<application::Model>> for ApplicationFeedItem {
    fn from(item: FeedItem<application::Model>) -> Self {
        match item {
            FeedItem::Event(event) => Self::Event(ApplicationFeedEvent {
                cursor: event.cursor,
                occurred_at: event.occurred_at,
                kind: kind_of(&event.topic),
                application: event.subject.map(Application::from),
            }),
            FeedItem::Advanced { cursor, occurred_at } => Self::Advanced(Advanced { cursor, occurred_at }),
            FeedItem::Lagged {
                resume_from,
                occurred_at,
            } => Self::Lagged(Lagged::new(resume_from, occurred_at)),
        }
    }
}

fn kind_of(topic: &str) -> ApplicationFeedEventKind {
    match topic {
        topic if topic == Topic::ApplicationInReview.as_str() => ApplicationFeedEventKind::InReview,
        topic if topic == Topic::ApplicationDecided.as_str() => ApplicationFeedEventKind::Decided,
        _ => ApplicationFeedEventKind::Submitted,
    }
}
