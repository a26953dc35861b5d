//! Mutations of refused events.

pub mod sent;

use async_graphql::{Context, Object};

use super::{
    close,
    replay::{self, Replay, Which},
    types::{
        DismissRefusedEventInput, DismissRefusedEventPayload, ReplayRefusedEventInput, ReplayRefusedEventPayload,
        ReplayRefusedEventsInput, ReplayRefusedEventsPayload,
    },
};
use crate::{
    error::ApiError,
    graphql::context::{ContextExt, parse_id},
    idempotency::Key,
};

#[derive(Default)]
pub struct InboxMutations;

#[Object]
impl InboxMutations {
    /// Records a refused event after all, corrected or as it came, by the same code as its `/track` endpoint and under the
    /// idempotency key it came with. Refused again, it stays open and counts an attempt. It takes the right to record it.
    async fn replay_refused_event(
        &self,
        ctx: &Context<'_>,
        input: ReplayRefusedEventInput,
    ) -> Result<Option<ReplayRefusedEventPayload>, ApiError> {
        let replay = Replay {
            id: parse_id(&input.id, "id")?,
            body: input.body,
            key: input.idempotency_key.as_deref().map(Key::parse).transpose()?,
        };
        ReplayRefusedEventPayload::of(replay::replay_refused_event(ctx.app(), ctx.actor(), replay).await)
    }

    /// Records up to 100 refused events after all, as they came, each by itself and the oldest first.
    async fn replay_refused_events(
        &self,
        ctx: &Context<'_>,
        input: ReplayRefusedEventsInput,
    ) -> Result<Option<ReplayRefusedEventsPayload>, ApiError> {
        let brand = parse_id(&input.brand_id, "brandId")?;
        let which = match (input.ids, input.r#where) {
            (Some(ids), None) => Which::These(ids.iter().map(|id| parse_id(id, "ids")).collect::<Result<_, _>>()?),
            (None, Some(filter)) => Which::Oldest(filter.into()),
            _ => return Err(ApiError::bad_field("ids", "say either `ids` or `where`")),
        };
        let rows = replay::replay_refused_events(ctx.app(), ctx.actor(), brand, which).await;
        ReplayRefusedEventsPayload::of(rows)
    }

    /// Puts a refused event aside: it is not recorded.
    async fn dismiss_refused_event(
        &self,
        ctx: &Context<'_>,
        input: DismissRefusedEventInput,
    ) -> Result<Option<DismissRefusedEventPayload>, ApiError> {
        let id = parse_id(&input.id, "id")?;
        let dismissed = close::dismiss_refused_event(ctx.app(), ctx.actor(), id, &input.reason).await;
        DismissRefusedEventPayload::of(dismissed)
    }
}
