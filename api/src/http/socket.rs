//! GraphQL over WebSocket, protocol `graphql-transport-ws` and no other.
//!
//! One task owns the socket; each operation runs in its own and hands its answers over a bounded queue, so that a slow
//! client slows its own operations and nothing else.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_graphql::ServerError;
use axum::{
    extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade},
    http::{HeaderMap, request::Parts},
    response::Response,
};
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout},
};
use tokio_util::{
    sync::CancellationToken,
    task::{AbortOnDropHandle, TaskTracker},
};
use tracing::Instrument;

use crate::{
    accounts::{actor::Actor, service as accounts},
    error::ApiError,
    graphql::executor::{Answer, Caller, Outcome},
    http::{
        Edge,
        client::ClientAddress,
        graphql::{MAX_BODY, parameters},
        identity::{RequestId, actor_of, bearer, user_agent},
    },
};

pub const PROTOCOL: &str = "graphql-transport-ws";

/// Within this a client must have sent `connection_init`.
const INIT_TIMEOUT: Duration = Duration::from_secs(3);
/// Operations of one socket at a time.
const MAX_OPERATIONS: usize = 100;
/// Longest id of an operation, in bytes.
const MAX_ID_LEN: usize = 128;
/// Answers that wait for the client to read, before its operations wait too.
const MAX_WAITING: usize = 32;
/// How often the server asks whether the client is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Without a sign of life for this long the client is gone.
const MAX_SILENCE: Duration = Duration::from_secs(45);
/// A client that does not take a message for this long is gone.
const SEND_TIMEOUT: Duration = Duration::from_secs(20);
/// How long the closing handshake may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// Bytes a close frame has for its reason, with room to spare.
const MAX_REASON_LEN: usize = 120;

/// Why the server ends a connection: the protocol's codes.
struct Close(u16, &'static str);

const GOING_AWAY: Close = Close(1001, "The server is shutting down");
const INTERNAL: Close = Close(1011, "Internal error");
const INVALID: Close = Close(4400, "Invalid message");
const UNAUTHORIZED: Close = Close(4401, "Unauthorized");
const FORBIDDEN: Close = Close(4403, "Forbidden");
const WRONG_PROTOCOL: Close = Close(4406, "Subprotocol not acceptable");
const INIT_TOO_LATE: Close = Close(4408, "Connection initialisation timeout");
const ALREADY_SUBSCRIBED: Close = Close(4409, "Subscriber already exists");
const TOO_MANY_INITS: Close = Close(4429, "Too many initialisation requests");

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ClientMessage {
    ConnectionInit { payload: Option<Value> },
    Ping { payload: Option<Value> },
    Pong {},
    Subscribe { id: String, payload: Value },
    Complete { id: String },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ServerMessage<'a> {
    ConnectionAck,
    Pong {
        #[serde(skip_serializing_if = "Option::is_none")]
        payload: Option<Value>,
    },
    Next {
        id: &'a str,
        payload: &'a Answer,
    },
    Error {
        id: &'a str,
        payload: &'a [ServerError],
    },
    Complete {
        id: &'a str,
    },
}

impl ServerMessage<'_> {
    fn write(&self) -> Result<Option<String>, Close> {
        serde_json::to_string(self).map(Some).map_err(|error| {
            tracing::error!(%error, "a message could not be written");
            INTERNAL
        })
    }
}

/// How whoever runs the server ends its sockets, and waits for them. Without one they end with their clients.
#[derive(Clone, Default)]
pub struct Shutdown {
    /// The end is announced: load balancers are told, everything still works.
    pub announced: CancellationToken,
    pub stop: CancellationToken,
    pub open: TaskTracker,
}

/// Answers the upgrade.
pub fn accept(edge: Edge, upgrade: WebSocketUpgrade, parts: &Parts) -> Response {
    let upgrade = upgrade
        .protocols([PROTOCOL])
        .max_message_size(MAX_BODY)
        .max_frame_size(MAX_BODY);
    let spoken = upgrade.selected_protocol().is_some();
    let connection = Connection {
        headers: parts.headers.clone(),
        caller: Caller {
            actor: Actor::anonymous(),
            peer: ClientAddress::of(&parts.extensions),
            user_agent: user_agent(&parts.headers),
            request_id: RequestId::of(&parts.extensions, &edge.app).text(),
        },
        edge,
        acknowledged: false,
        operations: HashMap::new(),
        serial: 0,
    };
    let Shutdown { stop, open, .. } = parts.extensions.get::<Shutdown>().cloned().unwrap_or_default();
    let span = tracing::Span::current();
    upgrade.on_upgrade(move |socket| {
        open.track_future(async move {
            if spoken {
                connection.serve(socket, stop).await;
            } else {
                close(socket, WRONG_PROTOCOL).await;
            }
        })
        .instrument(span)
    })
}

/// What an operation hands to the socket. The serial tells it from an earlier operation with the same id.
struct Outgoing {
    id: Arc<str>,
    serial: u64,
    event: Event,
}

enum Event {
    Answer(Box<Answer>),
    End,
}

struct Operation {
    serial: u64,
    /// Ends the operation when it is dropped.
    _task: AbortOnDropHandle<()>,
}

struct Connection {
    edge: Edge,
    headers: HeaderMap,
    caller: Caller,
    acknowledged: bool,
    operations: HashMap<Arc<str>, Operation>,
    serial: u64,
}

impl Connection {
    async fn serve(mut self, mut socket: WebSocket, stop: CancellationToken) {
        let (queue, mut outgoing) = mpsc::channel(MAX_WAITING);
        let init_by = Instant::now() + INIT_TIMEOUT;
        let mut heard_at = Instant::now();
        let mut keep_alive = interval_at(heard_at + KEEP_ALIVE, KEEP_ALIVE);
        keep_alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let ended = loop {
            let replies = tokio::select! {
                () = stop.cancelled() => break Some(GOING_AWAY),
                () = sleep_until(init_by), if !self.acknowledged => break Some(INIT_TOO_LATE),
                received = socket.recv() => {
                    heard_at = Instant::now();
                    match received {
                        Some(Ok(Message::Text(text))) => match self.receive(text.as_str(), &queue).await {
                            Ok(reply) => reply.map(Message::text),
                            Err(reason) => break Some(reason),
                        },
                        Some(Ok(Message::Binary(_))) => break Some(INVALID),
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => None,
                        Some(Ok(Message::Close(_)) | Err(_)) | None => break None,
                    }
                }
                Some(event) = outgoing.recv() => match self.message_of(event) {
                    Ok(message) => message.map(Message::text),
                    Err(reason) => break Some(reason),
                },
                _ = keep_alive.tick() => {
                    if heard_at.elapsed() > MAX_SILENCE {
                        break None;
                    }
                    Some(Message::Ping(Vec::new().into()))
                }
            };
            if let Some(message) = replies
                && !send(&mut socket, message).await
            {
                break None;
            }
        };
        self.operations.clear();
        match ended {
            Some(reason) => close(socket, reason).await,
            None => finish(socket).await,
        }
    }

    /// Takes one message; answers with at most one.
    async fn receive(&mut self, text: &str, queue: &mpsc::Sender<Outgoing>) -> Result<Option<String>, Close> {
        match serde_json::from_str(text).map_err(|_| INVALID)? {
            ClientMessage::ConnectionInit { .. } if self.acknowledged => Err(TOO_MANY_INITS),
            ClientMessage::ConnectionInit { payload } => {
                self.caller.actor = self.identify(payload.as_ref()).await.map_err(|error| match error {
                    ApiError::Internal(fault) => {
                        tracing::error!(cause = %fault, "a socket could not be opened");
                        INTERNAL
                    }
                    _ => FORBIDDEN,
                })?;
                self.acknowledged = true;
                ServerMessage::ConnectionAck.write()
            }
            ClientMessage::Ping { payload } => ServerMessage::Pong { payload }.write(),
            ClientMessage::Pong {} => Ok(None),
            ClientMessage::Subscribe { .. } if !self.acknowledged => Err(UNAUTHORIZED),
            ClientMessage::Subscribe { id, payload } => self.subscribe(id, payload, queue).await,
            ClientMessage::Complete { id } => {
                self.operations.remove(id.as_str());
                Ok(None)
            }
        }
    }

    /// The token of `connection_init`, or else of the upgrade's own headers.
    async fn identify(&self, payload: Option<&Value>) -> Result<Actor, ApiError> {
        let authorization = payload
            .and_then(|payload| payload.get("Authorization").or_else(|| payload.get("authorization")))
            .filter(|value| !value.is_null());
        match authorization {
            None => actor_of(&self.edge.app, &self.headers).await,
            Some(value) => {
                let text = value.as_str().unwrap_or_default();
                crate::accounts::service::identify(&self.edge.app, Some(bearer(text)?)).await
            }
        }
    }

    async fn subscribe(
        &mut self,
        id: String,
        payload: Value,
        queue: &mpsc::Sender<Outgoing>,
    ) -> Result<Option<String>, Close> {
        if id.is_empty() || id.len() > MAX_ID_LEN {
            return Err(INVALID);
        }
        if self.operations.contains_key(id.as_str()) {
            return Err(ALREADY_SUBSCRIBED);
        }
        if self.operations.len() >= MAX_OPERATIONS {
            let message = format!("a socket carries at most {MAX_OPERATIONS} operations at a time");
            let answer = self.edge.guarded.refuse(
                &self.caller,
                ApiError::RateLimited {
                    message,
                    retry_after_seconds: None,
                },
            );
            return error_message(&id, &answer);
        }
        let request = parameters(payload).map_err(|_| INVALID)?;
        // A socket outlives the request it began with: its session may be over, and rights may have changed.
        match accounts::reload(&self.edge.app, &self.caller.actor).await {
            Ok(actor) => self.caller.actor = actor,
            Err(error) => return error_message(&id, &self.edge.guarded.refuse(&self.caller, error)),
        }
        let id: Arc<str> = id.into();
        self.serial += 1;
        let (serial, queue) = (self.serial, queue.clone());
        let mut answers = self.edge.guarded.execute_stream(self.caller.clone(), request);
        let of = Arc::clone(&id);
        let task = async move {
            let outgoing = |event| Outgoing {
                id: Arc::clone(&of),
                serial,
                event,
            };
            while let Some(answer) = answers.next().await {
                if queue.send(outgoing(Event::Answer(Box::new(answer)))).await.is_err() {
                    return;
                }
            }
            // When nobody listens any more, there is nobody to tell.
            let _ = queue.send(outgoing(Event::End)).await;
        };
        let task = AbortOnDropHandle::new(tokio::spawn(task.in_current_span()));
        self.operations.insert(id, Operation { serial, _task: task });
        Ok(None)
    }

    /// What to send for an event; nothing when its operation has ended in the meantime.
    fn message_of(&mut self, outgoing: Outgoing) -> Result<Option<String>, Close> {
        let Outgoing { id, serial, event } = outgoing;
        if self
            .operations
            .get(&id)
            .is_none_or(|operation| operation.serial != serial)
        {
            return Ok(None);
        }
        match event {
            Event::Answer(answer) if answer.outcome == Outcome::Executed => {
                let (id, payload) = (&*id, &*answer);
                ServerMessage::Next { id, payload }.write()
            }
            // A refused operation ends with its `error`; no `complete` follows.
            Event::Answer(answer) => {
                self.operations.remove(&id);
                error_message(&id, &answer)
            }
            Event::End => {
                self.operations.remove(&id);
                ServerMessage::Complete { id: &id }.write()
            }
        }
    }
}

fn error_message(id: &str, answer: &Answer) -> Result<Option<String>, Close> {
    let payload = &answer.response.errors;
    ServerMessage::Error { id, payload }.write()
}

async fn send(socket: &mut WebSocket, message: Message) -> bool {
    matches!(timeout(SEND_TIMEOUT, socket.send(message)).await, Ok(Ok(())))
}

async fn close(mut socket: WebSocket, Close(code, reason): Close) {
    debug_assert!(reason.len() <= MAX_REASON_LEN);
    let frame = CloseFrame {
        code,
        reason: reason.into(),
    };
    if send(&mut socket, Message::Close(Some(frame))).await {
        finish(socket).await;
    }
}

/// Sees the closing handshake through, so that the last frames are not lost with the connection.
async fn finish(mut socket: WebSocket) {
    let _ = timeout(CLOSE_TIMEOUT, async { while let Some(Ok(_)) = socket.recv().await {} }).await;
}
