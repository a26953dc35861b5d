//! Connected accounts: made by us, filled in at Stripe by whom they belong to, paid when Stripe says so.

use reqwest::Method;
use serde_json::Value;
use url::{Url, form_urlencoded::Serializer};

use super::{StripeRail, Try, wire};
use crate::infra::rails::{Doubt, Refused};

/// Whose account is made.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Ours; also what Stripe tells a repetition by: one account a name.
    pub reference: String,
    /// ISO 3166-1, two letters.
    pub country: String,
    pub email: Option<String>,
}

/// What Stripe says of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub id: String,
    pub payouts_enabled: bool,
    /// `active`, `inactive`, `pending`; absent when it was not asked for.
    pub transfers: Option<String>,
    /// What its owner still has to tell Stripe, by Stripe's names.
    pub currently_due: Vec<String>,
}

impl Account {
    /// Whether money may be sent there.
    #[must_use]
    pub fn is_payable(&self) -> bool {
        self.payouts_enabled && self.transfers.as_deref() == Some("active")
    }
}

/// Where the owner of an account fills it in; good for a few minutes and one visit.
#[derive(Clone, PartialEq, Eq)]
pub struct AccountLink {
    pub url: String,
    /// Seconds since 1970.
    pub expires_at: i64,
}

/// Why there is no account to speak of. No money is moved here, so that an unclear answer is asked for again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnboardingError {
    Refused(Refused),
    Unclear(Doubt),
}

impl StripeRail {
    /// Makes an account; the same one again under the same reference, for a day.
    pub async fn create_account(&self, new: &NewAccount) -> Result<Account, OnboardingError> {
        let mut form = Serializer::new(String::new());
        form.append_pair("country", &new.country);
        if let Some(email) = &new.email {
            form.append_pair("email", email);
        }
        form.append_pair("controller[fees][payer]", "application")
            .append_pair("controller[losses][payments]", "application")
            .append_pair("controller[stripe_dashboard][type]", "express")
            .append_pair("capabilities[transfers][requested]", "true")
            .append_pair("metadata[reference]", &new.reference);
        let key = format!("account-{}", new.reference);
        let json = answered(self.post("v1/accounts", &key, &form.finish()).await.0)?;
        account(&json).ok_or_else(|| OnboardingError::Unclear(Doubt::unreadable("account")))
    }

    /// A new link every time: the old one may have been used.
    pub async fn create_account_link(
        &self,
        account: &str,
        refresh_url: &Url,
        return_url: &Url,
        key: &str,
    ) -> Result<AccountLink, OnboardingError> {
        let mut form = Serializer::new(String::new());
        form.append_pair("account", account)
            .append_pair("refresh_url", refresh_url.as_str())
            .append_pair("return_url", return_url.as_str())
            .append_pair("type", "account_onboarding");
        let json = answered(self.post("v1/account_links", key, &form.finish()).await.0)?;
        let url = json.get("url").and_then(Value::as_str);
        let expires_at = json.get("expires_at").and_then(Value::as_i64);
        match (url, expires_at) {
            (Some(url), Some(expires_at)) => Ok(AccountLink {
                url: url.to_owned(),
                expires_at,
            }),
            _ => Err(OnboardingError::Unclear(Doubt::unreadable("url"))),
        }
    }

    pub async fn read_account(&self, id: &str) -> Result<Account, OnboardingError> {
        let read = self.http.read(|| self.request(Method::GET, "v1/accounts", &[id])).await;
        let json = answered(read.map_or_else(Try::Lost, Try::Answered))?;
        account(&json).ok_or_else(|| OnboardingError::Unclear(Doubt::unreadable("account")))
    }
}

fn answered(came: Try) -> Result<Value, OnboardingError> {
    match came {
        Try::Answered(answer) if answer.is_success() => Ok(answer.json()),
        Try::Answered(answer) => {
            Err(wire::refusal(&answer).map_or_else(OnboardingError::Unclear, OnboardingError::Refused))
        }
        Try::Lost(doubt) => Err(OnboardingError::Unclear(doubt)),
    }
}

/// An account as it stands in an answer and in a webhook.
pub(in super::super) fn account(value: &Value) -> Option<Account> {
    if value.get("object").and_then(Value::as_str) != Some("account") {
        return None;
    }
    let due = value.pointer("/requirements/currently_due").and_then(Value::as_array);
    let due = due.into_iter().flatten().filter_map(Value::as_str);
    Some(Account {
        id: value.get("id")?.as_str()?.to_owned(),
        payouts_enabled: value.get("payouts_enabled")?.as_bool()?,
        transfers: value
            .pointer("/capabilities/transfers")
            .and_then(Value::as_str)
            .map(str::to_owned),
        currently_due: due.map(str::to_owned).collect(),
    })
}
