//! The live feed of a brand's applications.

use async_graphql::{Context, ID, Subscription};
use futures_util::{Stream, StreamExt};

use crate::{
    accounts::{actor::Place, permissions::Operation},
    error::ApiError,
    feed::{self, FeedItem, Watch},
    graphql::{
        context::{ContextExt, parse_id},
        feed::Lagged,
    },
    outbox::Topic,
    partnerships::{
        loaders,
        types::{Application, ApplicationFeedEvent, ApplicationFeedEventKind, ApplicationFeedItem},
    },
};

#[derive(Default)]
pub struct PartnershipSubscriptions;

#[Subscription]
impl PartnershipSubscriptions {
    /// Who asks into a brand's programs, and what is decided. With `after`,
    /// first everything behind that cursor, then live, without gap or duplicate; without it, from now on.
    /// For the brand's members. Rights are checked again at delivery.
    async fn application_feed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The brand.")] brand_id: ID,
        #[graphql(desc = "The cursor of the last event seen.")] after: Option<String>,
    ) -> Result<impl Stream<Item = Result<ApplicationFeedItem, ApiError>> + use<>, ApiError> {
        let watch = Watch {
            operation: Operation::ApplicationFeed,
            place: Place::brand(parse_id(&brand_id, "brandId")?),
            topics: &Topic::APPLICATIONS,
        };
        let items = feed::open(ctx.app(), ctx.actor(), watch, after, loaders::by_subject).await?;
        Ok(items.map(|item| item.map(ApplicationFeedItem::from)))
    }
}

impl From<FeedItem<entity::application::Model>> for ApplicationFeedItem {
    fn from(item: FeedItem<entity::application::Model>) -> Self {
        match item {
            FeedItem::Event(event) => Self::Event(ApplicationFeedEvent {
                cursor: event.cursor,
                occurred_at: event.occurred_at,
                kind: kind_of(&event.topic),
                application: event.subject.map(Application::from),
            }),
            FeedItem::Lagged {
                resume_from,
                occurred_at,
            } => Self::Lagged(Lagged::new(resume_from, occurred_at)),
        }
    }
}

fn kind_of(topic: &str) -> ApplicationFeedEventKind {
    match topic {
        topic if topic == Topic::ApplicationDecided.as_str() => ApplicationFeedEventKind::Decided,
        _ => ApplicationFeedEventKind::Submitted,
    }
}
