//! The rails that are open: the installation's from the start, those of brands since they were first asked for.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use axum::http::HeaderMap;
use entity::{ids::PayoutRailConnectionId, payout_rail_connection::RailEnvironment};

use super::rules::{Credentials, word};
use crate::{
    config::RailsConfig,
    infra::{
        clock::Clock,
        rails::{
            Rail, RailKind,
            pace::{Pace, RealPace},
            paypal::{self, PayPalRail},
            razorpay::{self, BankMode, LowBalance, RazorpayRail},
            stripe::{self, StripeRail},
            transport::{Patience, Surroundings},
            webhook::{
                Event, WebhookError,
                paypal::{Certificates, FromPayPal, PayPalWebhooks, World},
                razorpay::RazorpayWebhooks,
                stripe::StripeWebhooks,
            },
        },
    },
};

/// What PayPal writes above its mail to receivers.
const EMAIL_SUBJECT: &str = "You have been paid";
/// Brands' rails that are kept open: each has connections to its provider. Another one more lets go of all of them.
const MAX_OPEN: usize = 200;

/// What rails stand on, where it is not the world.
#[derive(Clone)]
pub struct Outside {
    pub pace: Arc<dyn Pace>,
    pub patience: Patience,
    /// In place of PayPal's own.
    pub certificates: Option<Arc<dyn Certificates>>,
}

impl Default for Outside {
    fn default() -> Self {
        Self {
            pace: Arc::new(RealPace::default()),
            patience: Patience::default(),
            certificates: None,
        }
    }
}

/// Every rail of the process.
pub struct Rails {
    urls: Urls,
    around: Surroundings,
    certificates: Option<Arc<dyn Certificates>>,
    installation: BTreeMap<RailKind, Arc<Opened>>,
    /// A connection is never changed, so that what was opened of it stays right.
    of_brands: Mutex<HashMap<PayoutRailConnectionId, Arc<Opened>>>,
}

struct Urls {
    paypal: String,
    paypal_sandbox: String,
    razorpayx: String,
    stripe: String,
}

/// A rail under somebody's credentials, and what proves events with them.
pub(super) struct Opened {
    pub rail: Arc<dyn Rail>,
    pub environment: RailEnvironment,
    /// The same for credentials of the same account.
    pub account: String,
    webhooks: Webhooks,
}

enum Webhooks {
    PayPal(PayPalWebhooks),
    Razorpay(RazorpayWebhooks),
    Stripe(StripeWebhooks),
}

impl fmt::Debug for Rails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rails")
            .field("installation", &self.installation.keys())
            .finish_non_exhaustive()
    }
}

impl Opened {
    pub async fn read(&self, headers: &HeaderMap, body: &[u8]) -> Result<Event, WebhookError> {
        match &self.webhooks {
            Webhooks::PayPal(webhooks) => webhooks.read(headers, body).await,
            Webhooks::Razorpay(webhooks) => webhooks.read(headers, body),
            Webhooks::Stripe(webhooks) => webhooks.read(headers, body),
        }
    }
}

impl Rails {
    /// Opens what the installation is configured with; an error names the flag.
    pub fn new(config: &RailsConfig, clock: Arc<dyn Clock>, outside: Outside) -> Result<Self, String> {
        let mut rails = Self {
            urls: Urls {
                paypal: config.paypal_url.clone(),
                paypal_sandbox: config.paypal_sandbox_url.clone(),
                razorpayx: config.razorpayx_url.clone(),
                stripe: config.stripe_url.clone(),
            },
            around: Surroundings {
                clock,
                pace: outside.pace,
                patience: outside.patience,
            },
            certificates: outside.certificates,
            installation: BTreeMap::new(),
            of_brands: Mutex::default(),
        };
        for credentials in config.credentials()? {
            let environment = credentials.environment().unwrap_or(if config.paypal_sandbox {
                RailEnvironment::Sandbox
            } else {
                RailEnvironment::Live
            });
            let kind = credentials.kind();
            let opened = rails
                .make(environment, &credentials)
                .map_err(|error| format!("--{}-url: {error}", word(kind)))?;
            rails.installation.insert(kind, Arc::new(opened));
        }
        Ok(rails)
    }

    pub(super) fn of_installation(&self, kind: RailKind) -> Option<Arc<Opened>> {
        self.installation.get(&kind).cloned()
    }

    /// What the installation pays through.
    pub(super) fn installed(&self) -> impl Iterator<Item = RailKind> {
        self.installation.keys().copied()
    }

    /// A connection of a brand, if it was opened before.
    pub(super) fn known(&self, id: PayoutRailConnectionId) -> Option<Arc<Opened>> {
        let kept = self.of_brands.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&id).cloned()
    }

    /// Opens a connection of a brand; an error says what is wrong with its credentials, and repeats nothing of them.
    pub(super) fn open(
        &self,
        id: PayoutRailConnectionId,
        environment: RailEnvironment,
        credentials: &Credentials,
    ) -> Result<Arc<Opened>, String> {
        let opened = Arc::new(self.make(environment, credentials)?);
        let mut kept = self.of_brands.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_OPEN {
            kept.clear();
        }
        // Whoever opened it meanwhile has the rights to ask that PayPal gave: two would be one too many.
        Ok(Arc::clone(kept.entry(id).or_insert(opened)))
    }

    fn make(&self, environment: RailEnvironment, credentials: &Credentials) -> Result<Opened, String> {
        let (rail, webhooks) = match credentials {
            Credentials::Paypal {
                client_id,
                client_secret,
                webhook_id,
            } => self.paypal(environment, client_id, client_secret, webhook_id)?,
            Credentials::Razorpayx {
                key_id,
                key_secret,
                account_number,
                webhook_secret,
            } => {
                let settings = razorpay::Settings {
                    base_url: self.urls.razorpayx.clone(),
                    credentials: razorpay::Credentials {
                        key_id: key_id.clone(),
                        key_secret: key_secret.clone(),
                    },
                    account_number: account_number.clone(),
                    bank_mode: BankMode::Immediate,
                    // Until it is funded or taken back, instead of failing one by one.
                    low_balance: LowBalance::Queue,
                };
                let rail: Arc<dyn Rail> = Arc::new(RazorpayRail::new(settings, self.around.clone())?);
                (rail, Webhooks::Razorpay(RazorpayWebhooks::new(webhook_secret)))
            }
            Credentials::Stripe {
                secret_key,
                webhook_secret,
            } => {
                let settings = stripe::Settings {
                    base_url: self.urls.stripe.clone(),
                    credentials: stripe::Credentials {
                        secret_key: secret_key.clone(),
                    },
                };
                let rail: Arc<dyn Rail> = Arc::new(StripeRail::new(settings, self.around.clone())?);
                let webhooks = StripeWebhooks::new(webhook_secret, Arc::clone(&self.around.clock));
                (rail, Webhooks::Stripe(webhooks))
            }
        };
        Ok(Opened {
            rail,
            environment,
            account: credentials.account(environment),
            webhooks,
        })
    }

    fn paypal(
        &self,
        environment: RailEnvironment,
        client_id: &str,
        client_secret: &str,
        webhook_id: &str,
    ) -> Result<(Arc<dyn Rail>, Webhooks), String> {
        let (base_url, world) = match environment {
            RailEnvironment::Live => (&self.urls.paypal, World::Live),
            RailEnvironment::Sandbox => (&self.urls.paypal_sandbox, World::Sandbox),
        };
        let credentials = paypal::Credentials {
            client_id: client_id.to_owned(),
            secret: client_secret.to_owned(),
        };
        let settings = paypal::Settings::new(base_url, credentials, EMAIL_SUBJECT);
        let certificates = match &self.certificates {
            Some(certificates) => Arc::clone(certificates),
            None => Arc::new(FromPayPal::new()?) as Arc<dyn Certificates>,
        };
        let clock = Arc::clone(&self.around.clock);
        let webhooks = PayPalWebhooks::new(webhook_id, world, certificates, clock);
        Ok((
            Arc::new(PayPalRail::new(settings, self.around.clone())?),
            Webhooks::PayPal(webhooks),
        ))
    }
}
