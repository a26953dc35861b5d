//! Providers of payouts: where they are, and what they gave the installation to pay through them.

use clap::Args;

use crate::{
    infra::rails::{paypal, razorpay, stripe, transport::parse_base},
    payouts::rails::rules::{Credentials, word},
};

/// Credentials are given whole or not at all: half of them would pay, and not believe what the provider says of it.
#[derive(Clone, Args)]
pub struct RailsConfig {
    /// Where PayPal moves money.
    #[arg(long, global = true, env = "TRIBUTARY_PAYPAL_URL", default_value = paypal::LIVE)]
    pub paypal_url: String,

    /// Where PayPal only looks as if it did.
    #[arg(long, global = true, env = "TRIBUTARY_PAYPAL_SANDBOX_URL", default_value = paypal::SANDBOX)]
    pub paypal_sandbox_url: String,

    /// The PayPal credentials below are of its sandbox. The keys of the other providers tell it themselves.
    #[arg(long, global = true, env = "TRIBUTARY_PAYPAL_SANDBOX")]
    pub paypal_sandbox: bool,

    /// PayPal's client id, to pay through PayPal for every brand that has none of its own.
    #[arg(long, global = true, env = "TRIBUTARY_PAYPAL_CLIENT_ID")]
    pub paypal_client_id: Option<String>,

    /// The secret that goes with it.
    #[arg(long, global = true, env = "TRIBUTARY_PAYPAL_CLIENT_SECRET", hide_env_values = true)]
    pub paypal_client_secret: Option<String>,

    /// PayPal's id of the webhook `/webhooks/paypal`.
    #[arg(long, global = true, env = "TRIBUTARY_PAYPAL_WEBHOOK_ID")]
    pub paypal_webhook_id: Option<String>,

    /// Where RazorpayX is, for live keys and for those to test with.
    #[arg(long, global = true, env = "TRIBUTARY_RAZORPAYX_URL", default_value = razorpay::LIVE)]
    pub razorpayx_url: String,

    /// Razorpay's key id (`rzp_live_…`, `rzp_test_…`), to pay through RazorpayX for every brand that has none of its own.
    #[arg(long, global = true, env = "TRIBUTARY_RAZORPAYX_KEY_ID")]
    pub razorpayx_key_id: Option<String>,

    /// The secret that goes with it.
    #[arg(long, global = true, env = "TRIBUTARY_RAZORPAYX_KEY_SECRET", hide_env_values = true)]
    pub razorpayx_key_secret: Option<String>,

    /// The RazorpayX account that is paid from.
    #[arg(
        long,
        global = true,
        env = "TRIBUTARY_RAZORPAYX_ACCOUNT_NUMBER",
        hide_env_values = true
    )]
    pub razorpayx_account_number: Option<String>,

    /// The secret of the webhook `/webhooks/razorpay`.
    #[arg(
        long,
        global = true,
        env = "TRIBUTARY_RAZORPAYX_WEBHOOK_SECRET",
        hide_env_values = true
    )]
    pub razorpayx_webhook_secret: Option<String>,

    /// Where Stripe is, for live keys and for those to test with.
    #[arg(long, global = true, env = "TRIBUTARY_STRIPE_URL", default_value = stripe::LIVE)]
    pub stripe_url: String,

    /// Stripe's secret or restricted key (`sk_live_…`, `rk_test_…`), to pay through Stripe for every brand that has none of its
    /// own.
    #[arg(long, global = true, env = "TRIBUTARY_STRIPE_SECRET_KEY", hide_env_values = true)]
    pub stripe_secret_key: Option<String>,

    /// The signing secret (`whsec_…`) of the webhook `/webhooks/stripe`.
    #[arg(long, global = true, env = "TRIBUTARY_STRIPE_WEBHOOK_SECRET", hide_env_values = true)]
    pub stripe_webhook_secret: Option<String>,

    /// Pay through providers on this machine that move no money, to try payouts out. Not in production.
    #[arg(long, global = true, env = "TRIBUTARY_FAKE_RAILS")]
    pub fake_rails: bool,
}

impl Default for RailsConfig {
    /// The providers' own addresses, and no credentials.
    fn default() -> Self {
        Self {
            paypal_url: paypal::LIVE.to_owned(),
            paypal_sandbox_url: paypal::SANDBOX.to_owned(),
            paypal_sandbox: false,
            paypal_client_id: None,
            paypal_client_secret: None,
            paypal_webhook_id: None,
            razorpayx_url: razorpay::LIVE.to_owned(),
            razorpayx_key_id: None,
            razorpayx_key_secret: None,
            razorpayx_account_number: None,
            razorpayx_webhook_secret: None,
            stripe_url: stripe::LIVE.to_owned(),
            stripe_secret_key: None,
            stripe_webhook_secret: None,
            fake_rails: false,
        }
    }
}

impl std::fmt::Debug for RailsConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RailsConfig(…)")
    }
}

/// A flag without its hyphens, and what it was given.
type Given<'a> = (&'static str, &'a Option<String>);

impl RailsConfig {
    pub(super) fn check(&self) -> Result<(), String> {
        for (flag, url) in [
            ("paypal-url", &self.paypal_url),
            ("paypal-sandbox-url", &self.paypal_sandbox_url),
            ("razorpayx-url", &self.razorpayx_url),
            ("stripe-url", &self.stripe_url),
        ] {
            parse_base(url).map_err(|error| format!("--{flag}: {error}"))?;
        }
        let credentials = self.credentials()?;
        if self.paypal_sandbox && self.paypal_client_id.is_none() {
            return Err("--paypal-sandbox is of no use without --paypal-client-id".to_owned());
        }
        match credentials.first() {
            Some(given) if self.fake_rails => Err(format!(
                "--fake-rails brings credentials of its own: leave those of --{}-… away",
                word(given.kind())
            )),
            _ => Ok(()),
        }
    }

    /// What the installation pays through; an error names the flag that is missing or wrong.
    pub fn credentials(&self) -> Result<Vec<Credentials>, String> {
        let mut all = Vec::new();
        if let Some([client_id, client_secret, webhook_id]) = whole([
            ("paypal-client-id", &self.paypal_client_id),
            ("paypal-client-secret", &self.paypal_client_secret),
            ("paypal-webhook-id", &self.paypal_webhook_id),
        ])? {
            all.push(Credentials::Paypal {
                client_id,
                client_secret,
                webhook_id,
            });
        }
        if let Some([key_id, key_secret, account_number, webhook_secret]) = whole([
            ("razorpayx-key-id", &self.razorpayx_key_id),
            ("razorpayx-key-secret", &self.razorpayx_key_secret),
            ("razorpayx-account-number", &self.razorpayx_account_number),
            ("razorpayx-webhook-secret", &self.razorpayx_webhook_secret),
        ])? {
            all.push(Credentials::Razorpayx {
                key_id,
                key_secret,
                account_number,
                webhook_secret,
            });
        }
        if let Some([secret_key, webhook_secret]) = whole([
            ("stripe-secret-key", &self.stripe_secret_key),
            ("stripe-webhook-secret", &self.stripe_webhook_secret),
        ])? {
            all.push(Credentials::Stripe {
                secret_key,
                webhook_secret,
            });
        }
        for credentials in &all {
            credentials
                .check()
                .map_err(|wrong| format!("{} {}", flag_of(credentials, wrong.field), wrong.message))?;
        }
        Ok(all)
    }
}

/// All of what belongs together, or nothing of it.
fn whole<const N: usize>(given: [Given<'_>; N]) -> Result<Option<[String; N]>, String> {
    let Some((one, _)) = given.iter().find(|(_, value)| value.is_some()) else {
        return Ok(None);
    };
    let missing: Vec<String> = given
        .iter()
        .filter(|(_, value)| value.is_none())
        .map(|(flag, _)| format!("--{flag}"))
        .collect();
    match &missing[..] {
        [] => Ok(Some(given.map(|(_, value)| value.clone().unwrap_or_default()))),
        [only] => Err(format!("{only} is needed with --{one}")),
        several => Err(format!("{} are needed with --{one}", several.join(" and "))),
    }
}

/// `clientSecret` of PayPal is `--paypal-client-secret`.
fn flag_of(credentials: &Credentials, field: &str) -> String {
    let mut flag = format!("--{}-", word(credentials.kind()));
    for sign in field.chars() {
        if sign.is_ascii_uppercase() {
            flag.push('-');
        }
        flag.push(sign.to_ascii_lowercase());
    }
    flag
}
