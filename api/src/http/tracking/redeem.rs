//! `POST /track/redeem`: a checkout asks whether store credit can be spent, and has spent it when the answer is yes. What is
//! refused is not kept in the inbox: the checkout has gone on without it.

use axum::{body::Body, extract::State, http::HeaderMap, response::Response};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    KeyHeader, MAX_BODY,
    answer::{CreditRedeemed, TrackError},
    arrived::Arrived,
    server_of,
};
use crate::{
    app::App,
    conversions::body::amount,
    idempotency::Key,
    store_credit::service::{self, Redeem},
};

/// Store credit to spend.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = Redemption)]
struct RedeemBody {
    /// Your id of the customer.
    #[schema(max_length = 200)]
    customer_id: String,
    /// A decimal in units of the currency, such as "12.50": above zero, and no more than the customer has.
    #[schema(example = "12.50")]
    amount: String,
    /// ISO 4217.
    #[schema(example = "EUR")]
    currency: String,
    /// Your id of the order it is spent on, which need not be recorded yet.
    #[schema(nullable = false, max_length = 200)]
    order_id: Option<String>,
}

/// A customer spends store credit
///
/// As much as is asked, or nothing.
#[utoipa::path(post, path = "/track/redeem", request_body = RedeemBody, params(KeyHeader), responses(
    (status = 201, description = "Spent.", body = CreditRedeemed),
    (status = 200, description = "Spent before, under the same key.", body = CreditRedeemed),
))]
pub async fn redeem(State(app): State<App>, headers: HeaderMap, body: Body) -> Result<Response, TrackError> {
    let (actor, brand) = server_of(&app, &headers).await?;
    let mut arrived = Arrived::read(&headers, body, MAX_BODY, "a redemption").await;
    let (key, body): (Key, RedeemBody) = arrived.event()?;
    let command = Redeem {
        brand,
        customer_external_id: body.customer_id,
        amount: amount(&body.amount, body.currency)?,
        order_external_id: body.order_id,
        idempotency_key: key,
    };
    let outcome = service::redeem(&app, &actor, command).await?;
    Ok(CreditRedeemed::of(&outcome)?)
}
