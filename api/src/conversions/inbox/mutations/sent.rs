//! What came by mutation: its input is read again, when it is refused, as its `/track` endpoint would have had it.

use async_graphql::Context;
use entity::{ids::BrandId, refused_event::EventKind};
use serde_json::Value;

use crate::{
    accounts::permissions::Operation,
    conversions::{
        error::ConversionErrorCode as Code,
        inbox::{
            keep::{self, Door, Refused},
            rules,
        },
        service::bulk::Row,
    },
    error::Failure,
    graphql::context::ContextExt,
};

/// Hands a result on; a refusal for what the event said is kept first.
pub async fn kept<T>(
    ctx: &Context<'_>,
    operation: Operation,
    kind: EventKind,
    result: Result<T, Failure<Code>>,
) -> Result<T, Failure<Code>> {
    if let Err(failure) = &result
        && let Some(input) = input_of(ctx)
        && let Some(brand) = brand_of(&input)
    {
        let refused = Refused::of(failure, kind, rules::body_of_input(&input), key_of(&input));
        keep_all(ctx, operation, brand, refused.into_iter().collect()).await;
    }
    result
}

/// Keeps those of many events that were refused for what they said.
pub async fn keep_rows(ctx: &Context<'_>, brand: BrandId, rows: &[Row]) {
    let failed = |row: &Row| row.result.as_ref().is_err_and(rules::is_of_content);
    if !rows.iter().any(failed) {
        return;
    }
    let Some(Value::Object(mut input)) = input_of(ctx) else {
        return;
    };
    let Some(Value::Array(events)) = input.remove("events") else {
        return;
    };
    let refused = rows.iter().zip(events).filter_map(|(row, event)| {
        let failure = row.result.as_ref().err()?;
        let (name, event) = event.as_object()?.iter().next()?;
        let kind = match name.as_str() {
            "signup" => EventKind::Signup,
            "lead" => EventKind::Lead,
            "sale" => EventKind::Sale,
            _ => EventKind::Refund,
        };
        Refused::of(failure, kind, rules::body_of_input(event), key_of(event))
    });
    keep_all(ctx, Operation::RecordEvents, brand, refused.collect()).await;
}

async fn keep_all(ctx: &Context<'_>, operation: Operation, brand: BrandId, refused: Vec<Refused>) {
    let door = Door {
        app: ctx.app(),
        actor: ctx.actor(),
        brand,
        operation,
        name: ctx.field().name(),
    };
    keep::keep(&door, refused).await;
}

/// The field's `input` as it was sent, its variables put in.
fn input_of(ctx: &Context<'_>) -> Option<Value> {
    let arguments = ctx.field().arguments().ok()?;
    let (_, input) = arguments.into_iter().find(|(name, _)| name == "input")?;
    input.into_json().ok()
}

fn brand_of(input: &Value) -> Option<BrandId> {
    input.get("brandId")?.as_str()?.parse().ok()
}

fn key_of(input: &Value) -> Option<String> {
    input.get("idempotencyKey")?.as_str().map(str::to_owned)
}
