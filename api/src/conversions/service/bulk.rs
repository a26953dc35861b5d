//! Many events of one brand in one request. They have their effects in their order: events between two refunds are one
//! transaction, each refund is its own. What was done is not done again when the request is repeated.

use entity::{commission_rule::ConversionEvent, conversion, ids::BrandId, refund};

use super::{
    Code, Result, check_external_id,
    record::{self, OnRefusal, RecordEvent},
    refund::{RecordRefund, record_refund},
};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    error::{ApiError, Failure},
    idempotency::Outcome,
};

/// Events of one request.
pub const MAX_EVENTS: usize = 1_000;
/// Lines of all its sales and refunds together.
const MAX_LINES: usize = 5_000;

/// One event of a request.
#[derive(Clone, Debug)]
pub enum BulkEvent {
    Conversion(RecordEvent),
    Refund(RecordRefund),
}

impl BulkEvent {
    fn count_lines(&self) -> usize {
        match self {
            Self::Conversion(event) => event.lines.len(),
            Self::Refund(refund) => refund.lines.len(),
        }
    }
}

/// What it made.
#[derive(Clone, Debug)]
pub enum Made {
    Conversion(conversion::Model),
    Refund(refund::Model),
}

/// What becomes of a request with events that are refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ErrorPolicy {
    /// Nothing is recorded. Takes no refunds: whether one is possible depends on the events before it.
    RejectEverything,
    /// The others are recorded.
    #[default]
    RejectFailedRows,
    /// The others are recorded, and an event whose evidence alone is at fault is recorded without that evidence.
    IgnoreFailed,
}

/// What became of one event.
pub struct Row {
    pub result: Result<Outcome<Made>>,
    /// Fields that were left out because of [`ErrorPolicy::IgnoreFailed`].
    pub ignored: Vec<&'static str>,
}

/// Records events in their order, and says what became of each. An event that could not even be read comes as its error.
pub async fn record_events(
    app: &App,
    actor: &Actor,
    brand: BrandId,
    events: Vec<std::result::Result<BulkEvent, ApiError>>,
    policy: ErrorPolicy,
) -> Result<Vec<Row>> {
    actor.authorise(Operation::RecordEvents, Place::brand(brand))?;
    if events.len() > MAX_EVENTS {
        return Err(Failure::refused_field(
            Code::TooManyEvents,
            "events",
            "a request takes at most 1,000 events",
        ));
    }
    if events.iter().flatten().map(BulkEvent::count_lines).sum::<usize>() > MAX_LINES {
        return Err(Failure::refused_field(
            Code::TooManyLines,
            "events",
            "the events of a request have at most 5,000 lines together",
        ));
    }
    let is_refund = |event: &std::result::Result<BulkEvent, ApiError>| matches!(event, Ok(BulkEvent::Refund(_)));
    if policy == ErrorPolicy::RejectEverything {
        if events.iter().any(is_refund) {
            let message = "REJECT_EVERYTHING takes no refunds: whether one is possible depends on what precedes it";
            return Err(ApiError::bad_field("errorPolicy", message).into());
        }
        if events.iter().any(std::result::Result::is_err) {
            return Ok(events.into_iter().map(reject_whole).collect());
        }
    }
    let mut bulk = Bulk {
        app,
        actor,
        brand,
        policy,
        waiting: Vec::new(),
        rows: Vec::new(),
    };
    for event in events {
        bulk.take(event).await;
    }
    bulk.flush().await;
    let rows: Vec<Row> = bulk.rows.into_iter().flatten().collect();
    rows.iter().for_each(Row::log_fault);
    Ok(rows)
}

fn reject_whole(event: std::result::Result<BulkEvent, ApiError>) -> Row {
    Row::refused(event.err().unwrap_or_else(record::neighbour_refused))
}

impl Row {
    /// A fault is told to nobody outside; the log has it.
    fn log_fault(&self) {
        if let Err(Failure::Api(error @ ApiError::Internal(_))) = &self.result {
            tracing::error!(cause = error.log_text(), "an event of many could not be recorded");
        }
    }

    fn refused(error: ApiError) -> Self {
        Self {
            result: Err(error.into()),
            ignored: Vec::new(),
        }
    }
}

struct Waiting {
    event: RecordEvent,
    /// What was left out of it.
    ignored: Vec<&'static str>,
    position: usize,
}

/// A request while it is worked through.
struct Bulk<'a> {
    app: &'a App,
    actor: &'a Actor,
    brand: BrandId,
    policy: ErrorPolicy,
    /// Events that are to be recorded together.
    waiting: Vec<Waiting>,
    /// In the order of the events; those that wait have none yet.
    rows: Vec<Option<Row>>,
}

impl Bulk<'_> {
    async fn take(&mut self, event: std::result::Result<BulkEvent, ApiError>) {
        match event {
            Ok(BulkEvent::Conversion(mut event)) => {
                let ignored = match self.policy {
                    ErrorPolicy::IgnoreFailed => leave_out_faulty(&mut event),
                    ErrorPolicy::RejectEverything | ErrorPolicy::RejectFailedRows => Vec::new(),
                };
                self.waiting.push(Waiting {
                    event,
                    ignored,
                    position: self.rows.len(),
                });
                self.rows.push(None);
            }
            Ok(BulkEvent::Refund(refund)) => {
                self.flush().await;
                let result = record_refund(self.app, self.actor, refund).await;
                self.rows.push(Some(Row {
                    result: result.map(|outcome| outcome.map(Made::Refund)),
                    ignored: Vec::new(),
                }));
            }
            Err(error) => self.rows.push(Some(Row::refused(error))),
        }
    }

    /// Records what waits, in one transaction.
    async fn flush(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        if waiting.is_empty() {
            return;
        }
        let on_refusal = match self.policy {
            ErrorPolicy::RejectEverything => OnRefusal::RefuseAll,
            ErrorPolicy::RejectFailedRows | ErrorPolicy::IgnoreFailed => OnRefusal::LeaveItOut,
        };
        let events = waiting.iter().map(|row| row.event.clone()).collect();
        let recorded = record::record_conversions(self.app, self.actor, self.brand, events, on_refusal).await;
        let recordings = match recorded {
            Ok(recordings) => recordings,
            Err(error) => waiting.iter().map(|_| Err(error.clone().into())).collect(),
        };
        for (row, recording) in waiting.into_iter().zip(recordings) {
            self.rows[row.position] = Some(Row {
                result: recording.map(|outcome| outcome.map(Made::Conversion)),
                ignored: row.ignored,
            });
        }
    }
}

/// Takes out of an event what would have it refused and only says how it came about; the fields it took.
fn leave_out_faulty(event: &mut RecordEvent) -> Vec<&'static str> {
    let mut ignored = Vec::new();
    let codes = event.promo_codes.len();
    event.promo_codes.retain(|code| record::is_kept_code(code));
    event.promo_codes.truncate(record::MAX_PROMO_CODES);
    if event.promo_codes.len() < codes {
        ignored.push("promoCodes");
    }
    if event.click_id.take_if(|id| !record::is_kept_click(id)).is_some() {
        ignored.push("clickId");
    }
    let faulty = |id: &mut String| check_external_id(id, Code::CustomerIdInvalid, "customerId", "").is_err();
    if event.event == ConversionEvent::Sale && event.customer_id.take_if(faulty).is_some() {
        ignored.push("customerId");
    }
    ignored
}
