//! Payout rails, as the schema shows them.

use async_graphql::{Context, Enum, ID, InputObject, Object, OneofObject};
use chrono::{DateTime, Utc};
use entity::{ids::BrandId, payout_rail_connection};

use super::{
    error::{PayoutRailError, PayoutRailErrorCode},
    rules::{self, Credentials},
    service::{self, Holder, Standing},
};
use crate::{
    error::ApiError,
    graphql::{context::ContextExt, scalars::Url},
    infra::rails::RailKind,
    payload,
};

/// A provider that payouts can go through.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "RailKind")]
pub enum PayoutProvider {
    /// PayPal Payouts.
    Paypal,
    /// RazorpayX, for accounts in India.
    Razorpayx,
    /// Transfers to connected accounts of Stripe.
    Stripe,
}

/// Whether money moves.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "payout_rail_connection::RailEnvironment")]
pub enum PayoutRailEnvironment {
    /// It does.
    Live,
    /// It does not: the provider's sandbox, or its test mode. Payouts count as paid all the same.
    Sandbox,
}

/// By whose credentials a brand pays.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
pub enum PayoutRailHolder {
    /// Those of the platform.
    Installation,
    /// The brand's own.
    Brand,
}

/// A provider as a brand sees it.
#[derive(Clone, Debug)]
pub struct BrandPayoutRail(Standing);

impl From<Standing> for BrandPayoutRail {
    fn from(standing: Standing) -> Self {
        Self(standing)
    }
}

/// A provider, and by what the brand pays through it. Credentials are encrypted and only shown masked.
#[Object]
impl BrandPayoutRail {
    /// Which provider.
    async fn provider(&self) -> PayoutProvider {
        self.0.kind.into()
    }

    /// By whose credentials the brand pays: its own, where it has connected some, else the platform's. Absent when it cannot pay
    /// through this provider.
    async fn holder(&self) -> Option<PayoutRailHolder> {
        Some(match self.0.used.as_ref()?.holder {
            Holder(None) => PayoutRailHolder::Installation,
            Holder(Some(_)) => PayoutRailHolder::Brand,
        })
    }

    /// Whether money moves; absent when the brand cannot pay through this provider.
    async fn environment(&self) -> Option<PayoutRailEnvironment> {
        Some(self.0.used.as_ref()?.environment.into())
    }

    /// What may be shown of the brand's own credentials: the last signs of PayPal's client, of the RazorpayX account, or of
    /// Stripe's key, such as `***3f9c`.
    async fn masked(&self) -> Option<&str> {
        let own = self.0.used.as_ref()?.own.as_ref()?;
        Some(&own.masked)
    }

    /// When the brand connected its own credentials.
    async fn connected_at(&self) -> Option<DateTime<Utc>> {
        Some(self.0.used.as_ref()?.own.as_ref()?.connected_at)
    }

    /// Where the provider sends its events, by the credentials in use; for a brand that cannot pay through it, where it would.
    async fn webhook_url(&self, ctx: &Context<'_>) -> Url {
        match &self.0.used {
            Some(used) => address(ctx, self.0.kind, used.holder),
            None => address(ctx, self.0.kind, Holder::brand(self.0.brand)),
        }
    }

    /// The address to enter at the provider with credentials of the brand's own, before they are connected here: the webhook it
    /// makes of it has the id or secret that `connectPayoutRail` takes.
    async fn own_webhook_url(&self, ctx: &Context<'_>) -> Url {
        address(ctx, self.0.kind, Holder::brand(self.0.brand))
    }
}

fn address(ctx: &Context<'_>, kind: RailKind, holder: Holder) -> Url {
    let base = ctx.app().config.public_base();
    let door = rules::door(kind);
    Url(match holder.0 {
        Some(brand) => format!("{base}/webhooks/{door}/{brand}"),
        None => format!("{base}/webhooks/{door}"),
    })
}

/// The rails' part of `Brand`.
#[derive(Clone)]
pub struct PayoutRailsOfBrand(pub BrandId);

#[Object]
impl PayoutRailsOfBrand {
    /// Every provider that payouts can go through, and by what the brand pays through it. For those who see money.
    async fn payout_rails(&self, ctx: &Context<'_>) -> Result<Option<Vec<BrandPayoutRail>>, ApiError> {
        let rails = service::list_payout_rails(ctx.app(), ctx.actor(), self.0).await?;
        Ok(Some(rails.into_iter().map(BrandPayoutRail::from).collect()))
    }
}

/// What PayPal gave: a REST app with the right to pay out.
#[derive(InputObject)]
pub struct PaypalCredentialsInput {
    /// The app's client id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// The id of the app's webhook to `BrandPayoutRail.ownWebhookUrl`.
    pub webhook_id: String,
}

/// What Razorpay gave.
#[derive(InputObject)]
pub struct RazorpayxCredentialsInput {
    /// `rzp_live_…` or `rzp_test_…`.
    pub key_id: String,
    /// The key's secret.
    pub key_secret: String,
    /// The RazorpayX account to pay from.
    pub account_number: String,
    /// The secret of the webhook to `BrandPayoutRail.ownWebhookUrl`.
    pub webhook_secret: String,
}

/// What Stripe gave.
#[derive(InputObject)]
pub struct StripeCredentialsInput {
    /// A secret or restricted key: `sk_live_…`, `rk_test_…`.
    pub secret_key: String,
    /// The signing secret, `whsec_…`, of the webhook to `BrandPayoutRail.ownWebhookUrl`.
    pub webhook_secret: String,
}

/// A brand's own credentials: exactly one of these.
#[derive(OneofObject)]
pub enum PayoutRailCredentialsInput {
    /// For PayPal.
    Paypal(PaypalCredentialsInput),
    /// For RazorpayX.
    Razorpayx(RazorpayxCredentialsInput),
    /// For Stripe.
    Stripe(StripeCredentialsInput),
}

impl From<PayoutRailCredentialsInput> for Credentials {
    fn from(input: PayoutRailCredentialsInput) -> Self {
        use PayoutRailCredentialsInput as Input;
        match input {
            Input::Paypal(given) => Self::Paypal {
                client_id: given.client_id,
                client_secret: given.client_secret,
                webhook_id: given.webhook_id,
            },
            Input::Razorpayx(given) => Self::Razorpayx {
                key_id: given.key_id,
                key_secret: given.key_secret,
                account_number: given.account_number,
                webhook_secret: given.webhook_secret,
            },
            Input::Stripe(given) => Self::Stripe {
                secret_key: given.secret_key,
                webhook_secret: given.webhook_secret,
            },
        }
    }
}

/// Credentials to pay by.
#[derive(InputObject)]
pub struct ConnectPayoutRailInput {
    /// The brand.
    pub brand_id: ID,
    /// Whether they move money. Keys of RazorpayX and Stripe tell it too, and must tell the same.
    pub environment: PayoutRailEnvironment,
    /// What the provider gave.
    pub credentials: PayoutRailCredentialsInput,
    /// The caller's password.
    pub current_password: String,
}

/// Credentials to take away.
#[derive(InputObject)]
pub struct DisconnectPayoutRailInput {
    /// The brand.
    pub brand_id: ID,
    /// Those for this one.
    pub provider: PayoutProvider,
    /// The caller's password.
    pub current_password: String,
}

payload! {
    /// What `connectPayoutRail` answers.
    ConnectPayoutRailPayload {
        /// The provider, with what the brand pays by now.
        payout_rail: BrandPayoutRail
    } refused by PayoutRailError, PayoutRailErrorCode
}

payload! {
    /// What `disconnectPayoutRail` answers.
    DisconnectPayoutRailPayload {
        /// The provider, with what the brand pays by now.
        payout_rail: BrandPayoutRail
    } refused by PayoutRailError, PayoutRailErrorCode
}
