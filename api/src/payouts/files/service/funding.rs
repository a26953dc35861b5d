//! Noting what a bank or a provider was given to pay out of.

use entity::{
    brand, ids::BrandId, ledger_account::LedgerAccountKind, ledger_transfer::TransferKind, payout::PayoutRail,
};
use rust_decimal::Decimal;
use sea_orm::ActiveEnum;
use serde::Serialize;

use super::{Code, Result};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    audit::{self, Change},
    error::Failure,
    idempotency::{self, Begun, Key, Outcome},
    ledger::post::{self, Line, Owner, Posting},
    money::{Currency, Money},
    payouts::service::cash,
};

const MAX_REFERENCE_CHARS: usize = 100;

#[derive(Serialize)]
struct Fingerprint<'a> {
    rail: String,
    amount_minor: i64,
    currency: &'a str,
    reference: &'a str,
}

/// Books money that was brought to a rail.
pub async fn record_funding(
    app: &App,
    actor: &Actor,
    brand: BrandId,
    rail: PayoutRail,
    (amount, currency): (Decimal, String),
    reference: &str,
    key: &Key,
) -> Result<Outcome<brand::Model>> {
    actor.authorise(Operation::RecordPayoutFunding, Place::brand(brand))?;
    let currency: Currency = currency
        .parse()
        .map_err(|error| Failure::refused_field(Code::CurrencyUnknown, "amount.currency", error))?;
    let amount = Money::from_decimal(amount, currency)
        .ok()
        .filter(|amount| amount.amount_minor > 0)
        .ok_or_else(|| Failure::refused_field(Code::AmountInvalid, "amount.amount", "an amount is above zero"))?;
    let reference = reference.trim();
    let chars = reference.chars().count();
    if !(1..=MAX_REFERENCE_CHARS).contains(&chars) || reference.chars().any(char::is_control) {
        return Err(Failure::refused_field(
            Code::ReferenceInvalid,
            "reference",
            "a reference has 1 to 100 characters",
        ));
    }
    let tx = app.db.begin().await?;
    let fingerprint = Fingerprint {
        rail: rail.to_value(),
        amount_minor: amount.amount_minor,
        currency: currency.code(),
        reference,
    };
    let begun = idempotency::begin_in_tx::<brand::Entity>(&tx, app, brand.0, "recordPayoutFunding", key, &fingerprint);
    let pending = match begun.await? {
        Begun::Fresh(pending) => pending,
        Begun::Replay(value) => {
            tx.commit().await?;
            return Ok(Outcome { value, replayed: true });
        }
    };
    let row = crate::payouts::queue::service::find_brand(&tx, brand).await?;
    let line = |kind, amount_minor| Line {
        owner: Owner::Brand,
        kind,
        amount_minor,
    };
    let posting = Posting {
        key: format!("{brand}:funded:{}", key.as_str()),
        kind: TransferKind::RailFunded,
        brand,
        currency,
        commission: None,
        payout: None,
        adjustment: None,
        redemption: None,
        occurred_at: app.clock.now(),
        lines: vec![
            line(cash(rail), -amount.amount_minor),
            line(LedgerAccountKind::Funding, amount.amount_minor),
        ],
    };
    post::post_in_tx(&tx, app, vec![posting]).await?;
    let reason = format!("{amount}: {reference}");
    let change = Change {
        reason: Some(&reason),
        ..Change::of_fact(brand, "payouts.funded", brand)
    };
    audit::record_in_tx(&tx, app, actor, change).await?;
    pending.settle(&tx, brand.0).await?;
    app.commit(tx).await?;
    Ok(Outcome {
        value: row,
        replayed: false,
    })
}
