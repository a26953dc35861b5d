//! Mutations of messages.

use async_graphql::{Context, Object};

use crate::{
    error::ApiError,
    graphql::context::{ContextExt, parse_id},
    idempotency::Key,
    messages::{
        service::{self, SendMessage},
        types::{MarkThreadReadInput, MarkThreadReadPayload, SendMessageInput, SendMessagePayload},
    },
};

#[derive(Default)]
pub struct MessageMutations;

#[Object]
impl MessageMutations {
    /// Writes to the other side, about a partnership, an application or an invitation of a partner: all that a partner and a
    /// program have between them is one thread, which begins with the first message. What is over can be read and not written.
    async fn send_message(
        &self,
        ctx: &Context<'_>,
        input: SendMessageInput,
    ) -> Result<Option<SendMessagePayload>, ApiError> {
        let command = SendMessage {
            about: input.about.read()?,
            side: input.side.map(Into::into),
            body: input.body,
            idempotency_key: Key::parse(&input.idempotency_key)?,
        };
        SendMessagePayload::of(service::send_message(ctx.app(), ctx.actor(), command).await)
    }

    /// Remembers that the caller, and nobody else of their side, has read a thread up to a message. It never goes back.
    async fn mark_thread_read(
        &self,
        ctx: &Context<'_>,
        input: MarkThreadReadInput,
    ) -> Result<Option<MarkThreadReadPayload>, ApiError> {
        let thread = parse_id(&input.thread_id, "threadId")?;
        let message = parse_id(&input.message_id, "messageId")?;
        MarkThreadReadPayload::of(service::mark_thread_read(ctx.app(), ctx.actor(), thread, message).await)
    }
}
