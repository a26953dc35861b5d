//! What providers' credentials are: which are taken, of which environment they are, what is shown of them.

use std::fmt;

use entity::payout_rail_connection::{RailEnvironment, RailProvider};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::PayoutRailErrorCode as Code;
use crate::{idempotency::hex, infra::rails::RailKind, payouts::methods::rules::details::last};

/// Longer than any key that a provider gives out.
pub const MAX_CHARS: usize = 255;
/// Every rail there is, in the order they are shown.
pub const ALL: [RailKind; 3] = [RailKind::Paypal, RailKind::Razorpayx, RailKind::Stripe];

impl From<RailProvider> for RailKind {
    fn from(rail: RailProvider) -> Self {
        match rail {
            RailProvider::Paypal => Self::Paypal,
            RailProvider::Razorpayx => Self::Razorpayx,
            RailProvider::Stripe => Self::Stripe,
        }
    }
}

impl From<RailKind> for RailProvider {
    fn from(kind: RailKind) -> Self {
        match kind {
            RailKind::Paypal => Self::Paypal,
            RailKind::Razorpayx => Self::Razorpayx,
            RailKind::Stripe => Self::Stripe,
        }
    }
}

/// How the rail is called in addresses and flags.
#[must_use]
pub fn word(kind: RailKind) -> &'static str {
    match kind {
        RailKind::Paypal => "paypal",
        RailKind::Razorpayx => "razorpayx",
        RailKind::Stripe => "stripe",
    }
}

/// How the provider is called in the address it sends its events to. Its payouts have a name of their own, its events have not.
#[must_use]
pub fn door(kind: RailKind) -> &'static str {
    match kind {
        RailKind::Paypal => "paypal",
        RailKind::Razorpayx => "razorpay",
        RailKind::Stripe => "stripe",
    }
}

/// The rail whose provider sends its events there.
#[must_use]
pub fn of_door(name: &str) -> Option<RailKind> {
    ALL.into_iter().find(|kind| door(*kind) == name)
}

/// What a provider gave somebody to pay through it, and to prove what it sends. Never printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "rail", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
pub enum Credentials {
    Paypal {
        client_id: String,
        client_secret: String,
        /// Of the address that events go to: it is part of what PayPal signs.
        webhook_id: String,
    },
    Razorpayx {
        key_id: String,
        key_secret: String,
        /// Of the account that is paid from.
        account_number: String,
        webhook_secret: String,
    },
    Stripe {
        secret_key: String,
        /// The whole text, `whsec_` included.
        webhook_secret: String,
    },
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({})", self.kind().as_str())
    }
}

/// What is wrong with one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Which, as the schema calls it.
    pub field: &'static str,
    pub code: Code,
    /// In words; repeats nothing of what was given.
    pub message: String,
}

impl Credentials {
    #[must_use]
    pub fn kind(&self) -> RailKind {
        match self {
            Self::Paypal { .. } => RailKind::Paypal,
            Self::Razorpayx { .. } => RailKind::Razorpayx,
            Self::Stripe { .. } => RailKind::Stripe,
        }
    }

    /// Everything in it, as the schema calls it.
    #[must_use]
    pub fn fields(&self) -> Vec<(&'static str, &str)> {
        match self {
            Self::Paypal {
                client_id,
                client_secret,
                webhook_id,
            } => vec![
                ("clientId", client_id),
                ("clientSecret", client_secret),
                ("webhookId", webhook_id),
            ],
            Self::Razorpayx {
                key_id,
                key_secret,
                account_number,
                webhook_secret,
            } => vec![
                ("keyId", key_id),
                ("keySecret", key_secret),
                ("accountNumber", account_number),
                ("webhookSecret", webhook_secret),
            ],
            Self::Stripe {
                secret_key,
                webhook_secret,
            } => vec![("secretKey", secret_key), ("webhookSecret", webhook_secret)],
        }
    }

    /// Whether they can be a provider's at all. Whether it takes them, only the provider knows.
    pub fn check(&self) -> Result<(), Wrong> {
        let wrong = |field, message: String| Wrong {
            field,
            code: Code::ProviderCredentialsInvalid,
            message,
        };
        let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        for (field, text) in self.fields() {
            if text.is_empty() || text.len() > MAX_CHARS || !is_plain(text) {
                let message = format!("has 1 to {MAX_CHARS} printable signs without blanks");
                return Err(wrong(field, message));
            }
        }
        match self {
            Self::Razorpayx { account_number, .. }
                if !account_number.bytes().all(|byte| byte.is_ascii_alphanumeric()) =>
            {
                Err(wrong("accountNumber", "has letters and digits only".to_owned()))
            }
            Self::Razorpayx { key_id, .. } if told(key_id, &["rzp"]).is_none() => {
                Err(wrong("keyId", "begins with rzp_live_ or rzp_test_".to_owned()))
            }
            // A restricted key may do for payouts, a publishable one never.
            Self::Stripe { secret_key, .. } if told(secret_key, &["sk", "rk"]).is_none() => {
                let message = "begins with sk_live_, sk_test_, rk_live_ or rk_test_".to_owned();
                Err(wrong("secretKey", message))
            }
            Self::Stripe { webhook_secret, .. } if !webhook_secret.starts_with("whsec_") => {
                Err(wrong("webhookSecret", "begins with whsec_".to_owned()))
            }
            _ => Ok(()),
        }
    }

    /// The environment that they tell of themselves; PayPal's tell none.
    #[must_use]
    pub fn environment(&self) -> Option<RailEnvironment> {
        match self {
            Self::Paypal { .. } => None,
            Self::Razorpayx { key_id, .. } => told(key_id, &["rzp"]),
            Self::Stripe { secret_key, .. } => told(secret_key, &["sk", "rk"]),
        }
    }

    /// The same, and also that they are of that environment.
    pub fn check_of(&self, environment: RailEnvironment) -> Result<(), Wrong> {
        self.check()?;
        match self.environment() {
            Some(told) if told != environment => Err(Wrong {
                field: if self.kind() == RailKind::Stripe {
                    "secretKey"
                } else {
                    "keyId"
                },
                code: Code::EnvironmentMismatch,
                message: "is a key of the other environment".to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// What may be shown of them.
    #[must_use]
    pub fn masked(&self) -> String {
        match self {
            Self::Paypal { client_id, .. } => last(client_id),
            Self::Razorpayx { account_number, .. } => last(account_number),
            Self::Stripe { secret_key, .. } => {
                let kind: String = secret_key.chars().take("sk_live_".len()).collect();
                format!("{kind}{}", last(&secret_key[kind.len()..]))
            }
        }
    }

    /// The same for credentials of the same account, as far as they tell: PayPal's by their client, RazorpayX's by the account
    /// that is paid from, Stripe's only when they are the same.
    #[must_use]
    pub fn account(&self, environment: RailEnvironment) -> String {
        let identity = match self {
            Self::Paypal { client_id, .. } => client_id,
            Self::Razorpayx { account_number, .. } => account_number,
            Self::Stripe { secret_key, .. } => secret_key,
        };
        let environment = match environment {
            RailEnvironment::Live => "LIVE",
            RailEnvironment::Sandbox => "SANDBOX",
        };
        let whole = format!("{}\0{environment}\0{identity}", self.kind().as_str());
        hex(&Sha256::digest(whole.as_bytes())[..16])
    }
}

/// The environment that a key tells, which begins with one of the words.
fn told(key: &str, words: &[&str]) -> Option<RailEnvironment> {
    let (word, rest) = key.split_once('_')?;
    let (environment, rest) = rest.split_once('_')?;
    if rest.is_empty() || !words.contains(&word) {
        return None;
    }
    match environment {
        "live" => Some(RailEnvironment::Live),
        "test" => Some(RailEnvironment::Sandbox),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stripe(secret_key: &str, webhook_secret: &str) -> Credentials {
        Credentials::Stripe {
            secret_key: secret_key.to_owned(),
            webhook_secret: webhook_secret.to_owned(),
        }
    }

    fn razorpay(key_id: &str, account_number: &str) -> Credentials {
        Credentials::Razorpayx {
            key_id: key_id.to_owned(),
            key_secret: "secret".to_owned(),
            account_number: account_number.to_owned(),
            webhook_secret: "webhook".to_owned(),
        }
    }

    fn paypal(client_id: &str, client_secret: &str) -> Credentials {
        Credentials::Paypal {
            client_id: client_id.to_owned(),
            client_secret: client_secret.to_owned(),
            webhook_id: "WH-1".to_owned(),
        }
    }

    #[test]
    fn what_can_be_none_is_named_and_not_repeated() {
        for good in [
            stripe("sk_live_0123456789", "whsec_1"),
            stripe("rk_test_0123456789", "whsec_1"),
            razorpay("rzp_live_abc", "7878780080316316"),
            paypal("AbC-1_2", "s"),
        ] {
            assert_eq!(good.check(), Ok(()), "{good:?}");
        }
        let long = "x".repeat(MAX_CHARS + 1);
        for (bad, field) in [
            (stripe("pk_live_0123456789", "whsec_1"), "secretKey"),
            (stripe("sk_live_", "whsec_1"), "secretKey"),
            (stripe("sk_prod_0123456789", "whsec_1"), "secretKey"),
            (stripe("sk_live_01234 6789", "whsec_1"), "secretKey"),
            (stripe("sk_live_0123456789", "secret"), "webhookSecret"),
            (razorpay("key_live_abc", "7878780080316316"), "keyId"),
            (razorpay("rzp_live_abc", "7878-7800"), "accountNumber"),
            (razorpay("rzp_live_abc", ""), "accountNumber"),
            (paypal("AbC", "zwei\nZeilen"), "clientSecret"),
            (paypal("ü", "s"), "clientId"),
            (paypal(&long, "s"), "clientId"),
        ] {
            let wrong = bad.check().unwrap_err();
            assert_eq!((wrong.field, wrong.code), (field, Code::ProviderCredentialsInvalid));
            assert!(
                bad.fields()
                    .iter()
                    // Beginnings of keys are no secret.
                    .all(|(_, text)| text.len() < 9 || !wrong.message.contains(text))
            );
        }
    }

    #[test]
    fn a_key_of_the_other_environment_is_none_of_this() {
        let test = stripe("sk_test_0123456789", "whsec_1");
        assert_eq!(test.check_of(RailEnvironment::Sandbox), Ok(()));
        let wrong = test.check_of(RailEnvironment::Live).unwrap_err();
        assert_eq!((wrong.field, wrong.code), ("secretKey", Code::EnvironmentMismatch));
        let live = razorpay("rzp_live_abc", "7878780080316316");
        assert_eq!(live.check_of(RailEnvironment::Sandbox).unwrap_err().field, "keyId");
        for environment in [RailEnvironment::Live, RailEnvironment::Sandbox] {
            assert_eq!(paypal("AbC", "s").check_of(environment), Ok(()), "PayPal's tell none");
        }
    }

    #[test]
    fn little_is_shown() {
        assert_eq!(
            stripe("sk_live_0123456789abcdef", "whsec_1").masked(),
            "sk_live_***cdef"
        );
        assert_eq!(razorpay("rzp_live_abc", "7878780080316316").masked(), "***6316");
        assert_eq!(paypal("AbCdEfGhIjKl", "s").masked(), "***IjKl");
        assert_eq!(format!("{:?}", paypal("AbCdEfGhIjKl", "s")), "Credentials(PAYPAL)");
    }

    #[test]
    fn an_account_is_the_same_under_new_keys_of_it() {
        let live = RailEnvironment::Live;
        let account = |credentials: Credentials| credentials.account(live);
        assert_eq!(account(paypal("A", "old")), account(paypal("A", "new")));
        assert_ne!(account(paypal("A", "old")), account(paypal("B", "old")));
        assert_ne!(
            account(paypal("A", "old")),
            paypal("A", "old").account(RailEnvironment::Sandbox)
        );
        assert_eq!(
            account(razorpay("rzp_live_a", "78787")),
            account(razorpay("rzp_live_b", "78787"))
        );
        assert_ne!(
            account(razorpay("rzp_live_a", "78787")),
            account(razorpay("rzp_live_a", "78788"))
        );
        assert_eq!(
            account(stripe("sk_live_a", "whsec_1")),
            account(stripe("sk_live_a", "whsec_2"))
        );
        assert_ne!(
            account(stripe("sk_live_a", "whsec_1")),
            account(stripe("sk_live_b", "whsec_1"))
        );
    }

    #[test]
    fn doors_are_called_by_their_provider() {
        for kind in ALL {
            assert_eq!(of_door(door(kind)), Some(kind));
        }
        assert_eq!(of_door("razorpay"), Some(RailKind::Razorpayx));
        assert_eq!(of_door("bank"), None);
    }
}
