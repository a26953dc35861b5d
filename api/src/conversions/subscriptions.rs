//! The live feed of a brand's conversions.

use async_graphql::{Context, ID, Subscription};
use futures_util::{Stream, StreamExt};

use crate::{
    conversions::{
        service::feed::{self, FeedItem},
        types::{ConversionFeedEvent, ConversionFeedEventKind, ConversionFeedItem, Lagged},
    },
    error::ApiError,
    graphql::{
        context::{ContextExt, parse_id},
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
        let brand = parse_id(&brand_id, "brandId")?;
        let items = feed::open(ctx.app(), ctx.actor(), brand, after).await?;
        Ok(items.map(|item| item.map(ConversionFeedItem::from)))
    }
}

impl From<FeedItem> for ConversionFeedItem {
    fn from(item: FeedItem) -> Self {
        match item {
            FeedItem::Event {
                topic,
                cursor,
                occurred_at,
                conversion,
            } => Self::Event(ConversionFeedEvent {
                cursor,
                occurred_at,
                kind: kind_of(&topic),
                conversion: conversion.map(|row| Conversion::from(*row)),
            }),
            FeedItem::Lagged {
                resume_from,
                occurred_at,
            } => Self::Lagged(Lagged {
                cursor: resume_from.clone(),
                occurred_at,
                resume_from,
            }),
        }
    }
}

fn kind_of(topic: &str) -> ConversionFeedEventKind {
    match topic {
        topic if topic == Topic::ConversionApproved.as_str() => ConversionFeedEventKind::Approved,
        topic if topic == Topic::ConversionRejected.as_str() => ConversionFeedEventKind::Rejected,
        topic if topic == Topic::ConversionRefunded.as_str() => ConversionFeedEventKind::Refunded,
        _ => ConversionFeedEventKind::Recorded,
    }
}
