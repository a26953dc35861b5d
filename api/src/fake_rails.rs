//! `--fake-rails`: providers on this machine in place of the real ones, for trying payouts out. No money moves.
//!
//! They stand in for every address there is, so that nothing leaves, whatever credentials a brand connects. What they know is in the
//! memory of this process and goes with it.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use crate::{
    config::RailsConfig,
    infra::{
        clock::Clock,
        rails::{
            RailKind,
            fakes::{
                Events, Manner,
                paypal::{self, FakePayPal},
                razorpay::{self, FakeRazorpay},
                stripe::{self, FakeStripe},
            },
            webhook::paypal::Certificates,
        },
    },
    payouts::rails::rules::door,
};

/// How often what they were asked to pay goes on.
const STEP: Duration = Duration::from_secs(1);

/// One of each.
pub struct FakeRails {
    pub paypal: FakePayPal,
    pub razorpay: FakeRazorpay,
    pub stripe: FakeStripe,
}

impl FakeRails {
    pub async fn start(clock: &Arc<dyn Clock>) -> io::Result<Self> {
        Ok(Self {
            paypal: FakePayPal::start(Arc::clone(clock)).await?,
            razorpay: FakeRazorpay::start(Arc::clone(clock)).await?,
            stripe: FakeStripe::start(Arc::clone(clock)).await?,
        })
    }

    /// Has every rail be theirs, whoever's credentials it goes by.
    pub fn stand_in(&self, rails: &mut RailsConfig) {
        rails.paypal_url = self.paypal.base_url();
        rails.paypal_sandbox_url = self.paypal.base_url();
        rails.razorpayx_url = self.razorpay.base_url();
        rails.stripe_url = self.stripe.base_url();
    }

    /// Gives the installation what they take.
    pub fn give_credentials(&self, rails: &mut RailsConfig) {
        let paypal = self.paypal.credentials();
        // What they sign is of PayPal's sandbox.
        rails.paypal_sandbox = true;
        rails.paypal_client_id = Some(paypal.client_id);
        rails.paypal_client_secret = Some(paypal.secret);
        rails.paypal_webhook_id = Some(paypal::WEBHOOK_ID.to_owned());
        let razorpay = self.razorpay.credentials();
        rails.razorpayx_key_id = Some(razorpay.key_id);
        rails.razorpayx_key_secret = Some(razorpay.key_secret);
        rails.razorpayx_account_number = Some(razorpay::ACCOUNT_NUMBER.to_owned());
        rails.razorpayx_webhook_secret = Some(razorpay::WEBHOOK_SECRET.to_owned());
        rails.stripe_secret_key = Some(self.stripe.credentials().secret_key);
        rails.stripe_webhook_secret = Some(stripe::WEBHOOK_SECRET.to_owned());
    }

    /// Where what PayPal's fake signs with is had.
    #[must_use]
    pub fn certificates(&self) -> Arc<dyn Certificates> {
        self.paypal.certificates()
    }

    pub fn announce(&self) {
        tracing::warn!(
            paypal = self.paypal.base_url(),
            razorpayx = self.razorpay.base_url(),
            stripe = self.stripe.base_url(),
            "payouts go to providers on this machine: no money moves"
        );
    }

    /// Pays what it was asked to, a step a second, and tells the server that listens there, until told to stop.
    pub async fn run(&self, server: SocketAddr, stop: CancellationToken) {
        while !stop.is_cancelled() {
            self.step(&format!("http://{}", reachable(server))).await;
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(STEP) => {}
            }
        }
    }

    /// One step of each, and everything that there is to tell of it.
    pub async fn step(&self, server: &str) {
        self.paypal.tick();
        self.razorpay.tick();
        self.stripe.tick();
        for (kind, events) in [
            (RailKind::Paypal, self.paypal.events()),
            (RailKind::Razorpayx, self.razorpay.events()),
            (RailKind::Stripe, self.stripe.events()),
        ] {
            tell(kind, events, server).await;
        }
    }
}

/// At the installation's door: which brand's credentials something went by, they do not know.
async fn tell(kind: RailKind, events: &Events, server: &str) {
    let url = format!("{server}/webhooks/{}", door(kind));
    match events.tell(&url, Manner::default()).await {
        Ok(answers) => {
            for status in answers.into_iter().filter(|status| *status != 200) {
                tracing::warn!(
                    rail = kind.as_str(),
                    status,
                    "an event of a fake provider was not taken"
                );
            }
        }
        Err(error) => tracing::warn!(rail = kind.as_str(), error, "events of a fake provider were lost"),
    }
}

/// The same server, for whoever is on its machine.
fn reachable(mut server: SocketAddr) -> SocketAddr {
    if server.ip().is_unspecified() {
        server.set_ip(match server {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    server
}
