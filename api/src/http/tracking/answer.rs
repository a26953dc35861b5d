//! What the doors answer: what was recorded, or why not.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use entity::{
    api_key::ApiKeyMode,
    capture,
    chargeback::{self, ChargebackState},
    commission_rule::ConversionEvent,
    conversion::{self, ConversionState},
    conversion_touch::TouchKind,
    order_amendment, refund,
    refused_event::EventKind,
    store_credit_redemption,
};
use sea_orm::ActiveEnum;
use serde::Serialize;
use serde_json::Value;
use utoipa::{
    ToSchema,
    openapi::{Object, ObjectBuilder, Type},
};

use crate::{
    conversions::{
        inbox::{self, keep::Refused},
        service::bulk::{Made, Row},
    },
    error::{ApiError, Failure, RefusalCode},
    http::status_of,
    idempotency::Outcome,
    money::Money,
};

/// An amount of money.
#[derive(Serialize, ToSchema)]
#[schema(as = Money)]
pub struct MoneyAnswer {
    /// A decimal in units of the currency.
    #[schema(example = "49.90")]
    amount: String,
    /// ISO 4217.
    #[schema(example = "EUR")]
    currency: String,
}

impl MoneyAnswer {
    fn new(amount_minor: i64, currency: &str) -> Result<Self, ApiError> {
        let money = Money::new(amount_minor, currency.parse().map_err(ApiError::internal)?);
        Ok(Self {
            amount: money.to_decimal().to_string(),
            currency: currency.to_owned(),
        })
    }
}

/// Who is credited, and why.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Attribution)]
struct AttributionAnswer {
    /// `partnership_…`; null when nobody is.
    partnership_id: Option<String>,
    /// What decided it; null when nobody is credited.
    #[schema(schema_with = optional_values::<TouchKind>)]
    method: Option<String>,
    /// The same in words.
    explanation: String,
}

/// An event worth something, credited or not.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Conversion)]
pub struct ConversionAnswer {
    /// `conversion_…`: ask GraphQL's `node` for more of it.
    id: String,
    #[schema(schema_with = values::<ConversionEvent>)]
    event: String,
    /// Whether it counts: `TEST` when it came with a test key.
    #[schema(schema_with = values::<ApiKeyMode>)]
    mode: String,
    #[schema(schema_with = values::<ConversionState>)]
    state: String,
    /// Null for what has none.
    amount: Option<MoneyAnswer>,
    occurred_at: DateTime<Utc>,
    attribution: AttributionAnswer,
    /// Why commissions were or were not computed.
    earning_explanation: String,
}

/// Money of an order that went back.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RecordedRefund)]
pub struct RefundAnswer {
    id: String,
    amount: MoneyAnswer,
    occurred_at: DateTime<Utc>,
}

/// A change of what an order comes to.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrderAmendment)]
pub struct AmendmentAnswer {
    id: String,
    /// Counts the order's amendments from 1.
    number: i32,
    previous_amount: MoneyAnswer,
    amount: MoneyAnswer,
    occurred_at: DateTime<Utc>,
}

/// Money taken of an authorised order.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RecordedCapture)]
pub struct CaptureAnswer {
    id: String,
    amount: MoneyAnswer,
    is_final: bool,
    occurred_at: DateTime<Utc>,
}

/// A dispute.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RecordedChargeback)]
pub struct ChargebackAnswer {
    id: String,
    reference: String,
    #[schema(schema_with = values::<ChargebackState>)]
    state: String,
    amount: MoneyAnswer,
    occurred_at: DateTime<Utc>,
}

/// Store credit that was spent.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StoreCreditRedemption)]
pub struct RedemptionAnswer {
    id: String,
    amount: MoneyAnswer,
    /// What the customer had left in this currency then.
    left: MoneyAnswer,
    created_at: DateTime<Utc>,
}

/// A click that was recorded.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RecordedClick)]
pub struct ClickAnswer {
    /// Send it with the events that follow from this visit.
    pub click_id: String,
}

/// What became of each event, in their order.
#[derive(Serialize, ToSchema)]
#[schema(as = BulkAnswer)]
pub struct BulkAnswer {
    pub results: Vec<RowAnswer>,
}

/// What became of one event of many.
#[derive(Serialize, ToSchema)]
#[serde(tag = "status", rename_all = "lowercase")]
#[schema(as = BulkResult)]
pub enum RowAnswer {
    /// Recorded now.
    Recorded(MadeAnswer),
    /// Recorded before, under the same idempotency key: the original result.
    Replayed(MadeAnswer),
    /// Not recorded; the others are.
    Refused(Problem),
}

/// What one event of many made.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = BulkMade)]
pub enum MadeAnswer {
    Conversion { conversion: ConversionAnswer },
    Refund { refund: RefundAnswer },
}

/// Why something was not recorded. Nothing of it was.
#[derive(Serialize, ToSchema)]
pub struct Problem {
    /// Stable; those of a refused event are `ConversionErrorCode` in `/schema.graphql`, of a redemption `StoreCreditErrorCode`.
    #[schema(value_type = String, example = "ORDER_NOT_FOUND")]
    code: &'static str,
    /// For people; may change.
    message: String,
    /// The field at fault, when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    field: Option<String>,
}

/// A refused request.
#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
pub struct ErrorAnswer {
    error: Problem,
}

/// What a refusal of either kind looks like here.
pub struct TrackError {
    pub status: StatusCode,
    pub problem: Problem,
    /// It is the event's own fault.
    pub of_content: bool,
}

impl TrackError {
    /// A request that was not fit to be read.
    pub fn unfit(status: StatusCode, message: String) -> Self {
        Self {
            status,
            problem: Problem {
                code: "BAD_USER_INPUT",
                message,
                field: None,
            },
            of_content: true,
        }
    }

    /// What the inbox keeps of it.
    pub fn refused(&self, kind: EventKind, body: Value, idempotency_key: Option<String>) -> Refused {
        Refused {
            kind,
            body,
            idempotency_key,
            code: self.problem.code,
            message: self.problem.message.clone(),
            field: self.problem.field.clone(),
        }
    }
}

impl From<ApiError> for TrackError {
    fn from(error: ApiError) -> Self {
        if let ApiError::Internal(_) = &error {
            tracing::error!(cause = error.log_text(), "an event could not be recorded");
        }
        let status = status_of(&error);
        let field = match &error {
            ApiError::BadUserInput { field, .. } => field.clone(),
            _ => None,
        };
        let problem = Problem {
            code: error.code(),
            message: error.public_message(),
            field,
        };
        Self {
            status,
            problem,
            of_content: inbox::is_error_of_content(&error),
        }
    }
}

impl<C: RefusalCode> From<Failure<C>> for TrackError {
    fn from(failure: Failure<C>) -> Self {
        match failure {
            Failure::Api(error) => error.into(),
            Failure::Refused(refusal) => Self {
                status: StatusCode::UNPROCESSABLE_ENTITY,
                problem: Problem {
                    code: refusal.code.as_str(),
                    message: refusal.message,
                    field: refusal.field,
                },
                of_content: true,
            },
        }
    }
}

impl IntoResponse for TrackError {
    fn into_response(self) -> Response {
        (self.status, Json(ErrorAnswer { error: self.problem })).into_response()
    }
}

/// Something recorded under the name of its kind, and whether it was before.
macro_rules! recorded {
    ($($answer:ident { $field:ident: $made:ident } of $row:ty;)+) => {$(
        #[derive(Serialize, ToSchema)]
        #[serde(rename_all = "camelCase")]
        pub struct $answer {
            $field: $made,
            /// The idempotency key was used before: this is the original result.
            replayed: bool,
        }

        impl $answer {
            /// 201, or 200 for a result of before.
            pub fn of(outcome: &Outcome<$row>) -> Result<Response, ApiError> {
                let replayed = outcome.replayed;
                let status = if replayed { StatusCode::OK } else { StatusCode::CREATED };
                let $field = $made::of(&outcome.value)?;
                Ok((status, Json(Self { $field, replayed })).into_response())
            }
        }
    )+};
}

recorded! {
    ConversionRecorded { conversion: ConversionAnswer } of conversion::Model;
    RefundRecorded { refund: RefundAnswer } of refund::Model;
    AmendmentRecorded { order_amendment: AmendmentAnswer } of order_amendment::Model;
    CaptureRecorded { capture: CaptureAnswer } of capture::Model;
    ChargebackRecorded { chargeback: ChargebackAnswer } of chargeback::Model;
    CreditRedeemed { store_credit_redemption: RedemptionAnswer } of store_credit_redemption::Model;
}

impl ConversionAnswer {
    fn of(row: &conversion::Model) -> Result<Self, ApiError> {
        let amount = row
            .currency
            .as_deref()
            .map(|currency| MoneyAnswer::new(row.amount_minor, currency))
            .transpose()?;
        Ok(Self {
            id: row.id.to_string(),
            event: row.event.to_value(),
            mode: row.mode.to_value(),
            state: row.state.to_value(),
            amount,
            occurred_at: row.occurred_at,
            attribution: AttributionAnswer {
                partnership_id: row.partnership_id.map(|id| id.to_string()),
                method: row.attribution_method.map(|method| method.to_value()),
                explanation: row.attribution_explanation.clone(),
            },
            earning_explanation: row.earning_explanation.clone(),
        })
    }
}

impl RefundAnswer {
    fn of(row: &refund::Model) -> Result<Self, ApiError> {
        Ok(Self {
            id: row.id.to_string(),
            amount: MoneyAnswer::new(row.amount_minor, &row.currency)?,
            occurred_at: row.occurred_at,
        })
    }
}

impl AmendmentAnswer {
    fn of(row: &order_amendment::Model) -> Result<Self, ApiError> {
        Ok(Self {
            id: row.id.to_string(),
            number: row.number,
            previous_amount: MoneyAnswer::new(row.from_minor, &row.currency)?,
            amount: MoneyAnswer::new(row.to_minor, &row.currency)?,
            occurred_at: row.occurred_at,
        })
    }
}

impl CaptureAnswer {
    fn of(row: &capture::Model) -> Result<Self, ApiError> {
        Ok(Self {
            id: row.id.to_string(),
            amount: MoneyAnswer::new(row.amount_minor, &row.currency)?,
            is_final: row.is_final,
            occurred_at: row.occurred_at,
        })
    }
}

impl ChargebackAnswer {
    fn of(row: &chargeback::Model) -> Result<Self, ApiError> {
        Ok(Self {
            id: row.id.to_string(),
            reference: row.reference.clone(),
            state: row.state.to_value(),
            amount: MoneyAnswer::new(row.amount_minor, &row.currency)?,
            occurred_at: row.occurred_at,
        })
    }
}

impl RedemptionAnswer {
    fn of(row: &store_credit_redemption::Model) -> Result<Self, ApiError> {
        Ok(Self {
            id: row.id.to_string(),
            amount: MoneyAnswer::new(row.amount_minor, &row.currency)?,
            left: MoneyAnswer::new(row.left_minor, &row.currency)?,
            created_at: row.created_at,
        })
    }
}

impl RowAnswer {
    pub fn of(row: Row) -> Result<Self, ApiError> {
        let outcome = match row.result {
            Ok(outcome) => outcome,
            Err(failure) => {
                return Ok(Self::Refused(Problem {
                    code: failure.code(),
                    message: failure.public_message(),
                    field: failure.field().map(str::to_owned),
                }));
            }
        };
        let made = match &outcome.value {
            Made::Conversion(row) => MadeAnswer::Conversion {
                conversion: ConversionAnswer::of(row)?,
            },
            Made::Refund(row) => MadeAnswer::Refund {
                refund: RefundAnswer::of(row)?,
            },
        };
        Ok(if outcome.replayed {
            Self::Replayed(made)
        } else {
            Self::Recorded(made)
        })
    }
}

/// The values an enum of the database has outside.
fn values<E: ActiveEnum<Value = String>>() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(E::values()))
        .build()
}

/// The same where it may be null.
fn optional_values<E: ActiveEnum<Value = String>>() -> Object {
    let values = E::values().into_iter().map(serde_json::Value::String);
    ObjectBuilder::new()
        .schema_type(utoipa::openapi::schema::SchemaType::from_iter([
            Type::String,
            Type::Null,
        ]))
        .enum_values(Some(values.chain([serde_json::Value::Null])))
        .build()
}
