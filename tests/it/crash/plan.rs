//! What the senders do: the same steps in every run, each always with the same key.

use serde_json::{Value, json};

use super::{Dice, SEED};
use crate::support::marketplace::Promoter;

/// Senders at once; each has its own customers, so that what one waits for never changes what another finds.
const LANES: u64 = 3;
/// Customers of a lane: each signs up, buys twice, sends one order back in part, and has credited sales reviewed.
const CUSTOMERS: u64 = 18;

/// Something a sender does and must have acknowledged.
#[derive(Clone)]
pub struct Step {
    /// Unique in the plan, and the idempotency key.
    pub key: String,
    pub act: Act,
}

#[derive(Clone)]
pub enum Act {
    /// An event for `/track`.
    Track { door: &'static str, body: Value },
    /// A mutation by the brand's owner, about what an earlier step made.
    Mutate {
        field: &'static str,
        input: Value,
        about: Option<String>,
    },
}

impl Step {
    /// What the conversion feed tells of it, and which step's conversion that is about.
    pub fn announced(&self) -> Option<(&'static str, String)> {
        match &self.act {
            Act::Track { door: "refund", body } => {
                let order = body["orderId"].as_str().unwrap_or_default();
                Some(("REFUNDED", format!("sale-{order}")))
            }
            Act::Track { .. } => Some(("RECORDED", self.key.clone())),
            Act::Mutate { field, about, .. } => {
                let kind = match *field {
                    "approveConversion" => "APPROVED",
                    "rejectConversion" => "REJECTED",
                    _ => return None,
                };
                about.clone().map(|about| (kind, about))
            }
        }
    }

    pub fn makes_a_conversion(&self) -> bool {
        matches!(&self.act, Act::Track { door, .. } if *door != "refund")
    }
}

/// Lanes run beside each other; a stage begins when all lanes of the one before it are through, so that a payout finds the
/// same commissions in every run.
pub type Stage = Vec<Vec<Step>>;

pub fn stages(promoters: &[Promoter]) -> Vec<Stage> {
    let mut dice = Dice(SEED);
    let sales = (0..LANES)
        .map(|lane| {
            (0..CUSTOMERS)
                .flat_map(|n| customer(&mut dice, &format!("{lane}-{n}")))
                .collect()
        })
        .collect();
    vec![sales, promoters.iter().map(payouts).collect()]
}

/// One customer from sign-up to the review of what a partner is credited with.
fn customer(dice: &mut Dice, name: &str) -> Vec<Step> {
    let codes = match dice.below(3) {
        0 => json!([]),
        1 => json!(["TOP"]),
        _ => json!(["BELOW"]),
    };
    let is_credited = codes != json!([]);
    let mut steps = vec![track(
        "signup",
        format!("signup-{name}"),
        json!({ "customerId": name, "promoCodes": codes }),
    )];
    for nth in 1..=2 {
        let order = format!("{name}-{nth}");
        let amount = format!("{}.{:02}", 20 + dice.below(200), dice.below(100));
        steps.push(track(
            "purchase",
            format!("sale-{order}"),
            json!({
                "customerId": name, "orderId": order, "amount": amount, "currency": "EUR", "promoCodes": codes,
            }),
        ));
    }
    let order = format!("{name}-{}", 1 + dice.below(2));
    let amount = format!("{}.{:02}", 1 + dice.below(19), dice.below(100));
    steps.push(track(
        "refund",
        format!("refund-{order}"),
        json!({ "orderId": order, "amount": amount, "currency": "EUR" }),
    ));
    if is_credited {
        let approved = 1 + dice.below(2);
        let sale = |nth| Some(format!("sale-{name}-{nth}"));
        steps.push(mutate(
            &format!("approve-{name}"),
            "approveConversion",
            json!({}),
            sale(approved),
        ));
        let second = match dice.below(3) {
            0 => mutate(
                &format!("reject-{name}"),
                "rejectConversion",
                json!({ "reason": "bought by the partner" }),
                sale(3 - approved),
            ),
            _ => mutate(
                &format!("approve-{name}-too"),
                "approveConversion",
                json!({}),
                sale(3 - approved),
            ),
        };
        steps.push(second);
    }
    steps
}

/// A payout that is taken back, and one that is paid.
fn payouts(promoter: &Promoter) -> Vec<Step> {
    let name = &promoter.partnership;
    let create = |key: &str| {
        mutate(
            key,
            "createPayout",
            json!({ "partnershipId": name, "currency": "EUR" }),
            None,
        )
    };
    let (first, second) = (format!("first-{name}"), format!("second-{name}"));
    vec![
        create(&first),
        mutate(
            &format!("cancel-{name}"),
            "cancelPayout",
            json!({ "reason": "the wrong month" }),
            Some(first),
        ),
        create(&second),
        mutate(
            &format!("release-{name}"),
            "approvePayout",
            json!({}),
            Some(second.clone()),
        ),
        mutate(
            &format!("pay-{name}"),
            "markPayoutPaid",
            json!({ "reference": "SEPA-1" }),
            Some(second),
        ),
    ]
}

fn track(door: &'static str, key: String, body: Value) -> Step {
    let act = Act::Track { door, body };
    Step { key, act }
}

fn mutate(key: &str, field: &'static str, mut input: Value, about: Option<String>) -> Step {
    // Releasing takes no key: done twice, it is refused and changes nothing.
    if field != "approvePayout" {
        input["idempotencyKey"] = json!(key);
    }
    Step {
        key: key.to_owned(),
        act: Act::Mutate { field, input, about },
    }
}
