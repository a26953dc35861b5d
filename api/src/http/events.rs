//! GraphQL over Server-Sent Events, in the distinct connections mode of graphql-sse: one request, one stream.

use std::{convert::Infallible, time::Duration};

use axum::response::{
    IntoResponse, Response,
    sse::{Event, KeepAlive, Sse},
};
use futures_util::{
    FutureExt, StreamExt,
    stream::{self, BoxStream},
};
use tokio_util::sync::CancellationToken;

use crate::graphql::executor::{Answer, Outcome};

/// How often a silent stream shows that it is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(12);

/// Opens the stream. Errors of the operation are events like any other: clients of this protocol take a status of 400 for
/// a broken line and come again. Whoever is out of points is handed back, for coming again later is right then.
pub fn open(answers: BoxStream<'static, Answer>, stop: CancellationToken) -> Result<Response, Box<Answer>> {
    let mut answers = answers.fuse();
    // Points are counted before anything waits, so the refusal is there at the first look.
    let first = match answers.next().now_or_never().flatten() {
        Some(answer) if matches!(answer.outcome, Outcome::RateLimited { .. }) => return Err(Box::new(answer)),
        first => first,
    };
    let events = stream::iter(first)
        .chain(answers)
        .map(next)
        .chain(stream::iter([Ok(complete())]))
        // Without `complete`: a server that stops has not finished, and the client is to come back.
        .take_until(stop.cancelled_owned());
    Ok(Sse::new(events)
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response())
}

/// An event without a line of data would not be dispatched by a browser's EventSource; the writer leaves out empty
/// text, so the data is one line break.
fn complete() -> Event {
    Event::default().event("complete").data("\n")
}

fn next(answer: Answer) -> Result<Event, Infallible> {
    let event = Event::default().event("next");
    Ok(event.json_data(answer).unwrap_or_else(|error| {
        tracing::error!(%error, "an answer could not be written");
        Event::default().comment("an answer was lost")
    }))
}
