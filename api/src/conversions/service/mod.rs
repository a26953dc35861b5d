//! Use cases of conversions: one file a verb.

pub mod amend;
pub mod book;
pub mod bulk;
pub mod capture;
mod change;
pub mod chargeback;
pub mod clear;
pub mod lines;
pub mod record;
pub mod refund;
pub mod refund_lines;
pub mod review;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use entity::{
    TenantScoped,
    api_key::ApiKeyMode,
    conversion,
    ids::{BrandId, PartnerId},
};
use sea_orm::{ColumnTrait, QueryFilter};

use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    error::{ApiError, Failure},
    money::{AmountError, Money},
    page::{self, Page, Slice},
};

use super::error::ConversionErrorCode as Code;

type Result<T> = std::result::Result<T, Failure<Code>>;

/// Longest id of the brand's own, in characters.
const MAX_EXTERNAL_ID_CHARS: usize = 200;
/// Longest reason, in characters.
const MAX_REASON_CHARS: usize = 500;
/// How far a sender's clock may run ahead.
const MAX_CLOCK_SKEW_SECONDS: i64 = 300;

/// An id of the brand's own: not empty, not overlong, no control characters.
fn check_external_id(text: &str, code: Code, field: &str, what: &str) -> Result<()> {
    let fits = !text.is_empty()
        && text.chars().count() <= MAX_EXTERNAL_ID_CHARS
        && !text.chars().any(char::is_control)
        && text.trim() == text;
    if fits {
        Ok(())
    } else {
        Err(Failure::refused_field(
            code,
            field,
            format!("{what} has 1 to 200 characters and no spaces around it"),
        ))
    }
}

/// An amount with its currency as they came in, checked.
fn check_amount(amount: rust_decimal::Decimal, currency: &str) -> Result<Money> {
    check_amount_at(amount, currency, "amount")
}

/// The same of an amount that stands at another place of the input.
fn check_amount_at(amount: rust_decimal::Decimal, currency: &str, field: &str) -> Result<Money> {
    let currency = currency
        .parse()
        .map_err(|error| Failure::refused_field(Code::CurrencyUnknown, &format!("{field}.currency"), error))?;
    Money::from_decimal(amount, currency).map_err(|error| {
        let code = match error {
            AmountError::Negative => Code::AmountNegative,
            AmountError::TooManyDecimals { .. } => Code::AmountTooPrecise,
            AmountError::TooLarge => Code::AmountTooLarge,
        };
        Failure::refused_field(code, &format!("{field}.amount"), error)
    })
}

/// When an event happened: now unless it says so, never in the future, and not so long ago that a database could not
/// store it.
fn check_occurred_at(app: &App, occurred_at: Option<DateTime<Utc>>) -> Result<DateTime<Utc>> {
    let now = app.clock.now();
    let occurred_at = occurred_at.map_or(now, |at| at.trunc_subsecs(6));
    if occurred_at > now + TimeDelta::seconds(MAX_CLOCK_SKEW_SECONDS) {
        return Err(Failure::refused_field(
            Code::OccurredInFuture,
            "occurredAt",
            "the event lies in the future",
        ));
    }
    if occurred_at < DateTime::UNIX_EPOCH {
        return Err(ApiError::bad_field("occurredAt", "the event lies before 1970").into());
    }
    Ok(occurred_at)
}

/// A reason people give.
pub fn check_reason(reason: &str) -> Result<String> {
    let reason = reason.trim();
    // PostgreSQL keeps no NUL.
    let fits = !reason.is_empty() && reason.chars().count() <= MAX_REASON_CHARS && !reason.contains('\0');
    fits.then(|| reason.to_owned())
        .ok_or_else(|| Failure::refused_field(Code::ReasonInvalid, "reason", "a reason has 1 to 500 characters"))
}

/// Whose conversions to list.
#[derive(Clone, Copy, Debug)]
pub enum Of {
    Brand(BrandId),
    Partner(PartnerId),
}

/// What narrows a list of conversions.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub states: Vec<conversion::ConversionState>,
    pub events: Vec<entity::commission_rule::ConversionEvent>,
    pub is_credited: Option<bool>,
    /// Those that count unless it says otherwise.
    pub mode: Option<ApiKeyMode>,
}

pub async fn list_conversions(
    app: &App,
    actor: &Actor,
    of: Of,
    filter: Filter,
    page: &Page,
) -> std::result::Result<Slice<conversion::Model>, ApiError> {
    let mode = filter.mode.unwrap_or(ApiKeyMode::Live);
    let rows = conversion::Entity::find_within_any_mode(&actor.reach());
    let select = conversion::Entity::of_mode(rows, mode);
    let mut select = match of {
        Of::Brand(brand) => {
            actor.authorise(Operation::SeeConversions, Place::brand(brand))?;
            select.filter(conversion::Column::BrandId.eq(brand))
        }
        Of::Partner(partner) => {
            actor.authorise(Operation::SeeOwnConversions, Place::partner(partner))?;
            select.filter(conversion::Column::PartnerId.eq(partner))
        }
    };
    if !filter.states.is_empty() {
        select = select.filter(conversion::Column::State.is_in(filter.states));
    }
    if !filter.events.is_empty() {
        select = select.filter(conversion::Column::Event.is_in(filter.events));
    }
    select = match filter.is_credited {
        Some(true) => select.filter(conversion::Column::PartnershipId.is_not_null()),
        Some(false) => select.filter(conversion::Column::PartnershipId.is_null()),
        None => select,
    };
    page::fetch(
        app.db.read(),
        select,
        conversion::Column::Id,
        |row: &conversion::Model| row.id.0,
        page,
    )
    .await
    .map_err(ApiError::internal)
}
