//! Use cases of store credit: one file a verb, and here what they share.

mod decide;
mod redeem;
mod request;

use chrono::{DateTime, Utc};
use entity::{
    TenantScoped, customer,
    ids::{BrandId, CustomerId, PartnerId, PartnershipId},
    store_credit_redemption,
    store_credit_transfer::{self, StoreCreditTransferState},
};
use rust_decimal::Decimal;
use sea_orm::{ActiveEnum, ColumnTrait, DatabaseTransaction, QueryFilter};
use serde_json::json;

pub use self::{
    decide::{approve_transfer, refuse_transfer, withdraw_transfer},
    redeem::{Redeem, redeem},
    request::{RequestTransfer, request_transfer},
};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    audit,
    error::{ApiError, Failure, Fault},
    ledger::entries::{self, Holder, Line, Only},
    money::Money,
    outbox::{self, Fact, Topic},
    page::{self, Page, Slice},
    store_credit::error::StoreCreditErrorCode as Code,
};

type Result<T> = std::result::Result<T, Failure<Code>>;

/// Longest id of the brand's own, in characters.
const MAX_EXTERNAL_ID_CHARS: usize = 200;

/// An id of the brand's own: not empty, not overlong, no control characters.
fn check_external_id(text: &str, code: Code, field: &str, what: &str) -> Result<()> {
    let fits = !text.is_empty()
        && text.chars().count() <= MAX_EXTERNAL_ID_CHARS
        && !text.chars().any(char::is_control)
        && text.trim() == text;
    if fits {
        return Ok(());
    }
    let message = format!("{what} has 1 to 200 characters and no spaces around it");
    Err(Failure::refused_field(code, field, message))
}

fn check_customer_id(text: &str) -> Result<()> {
    check_external_id(text, Code::CustomerIdInvalid, "customerExternalId", "a customer id")
}

/// An amount with its currency as they came in: above zero.
fn check_amount((amount, currency): &(Decimal, String)) -> Result<Money> {
    let currency = currency
        .parse()
        .map_err(|error| Failure::refused_field(Code::CurrencyUnknown, "amount.currency", error))?;
    let amount = Money::from_decimal(*amount, currency)
        .map_err(|error| Failure::refused_field(Code::AmountInvalid, "amount.amount", error))?;
    if amount.amount_minor == 0 {
        let message = "an amount is above zero";
        return Err(Failure::refused_field(Code::AmountInvalid, "amount.amount", message));
    }
    Ok(amount)
}

/// Something people say, trimmed.
fn check_words(words: &str, code: Code, field: &str, what: &str) -> Result<String> {
    audit::clean_reason(words)
        .map(str::to_owned)
        .ok_or_else(|| Failure::refused_field(code, field, format!("{what} has 1 to 500 characters")))
}

/// A customer of the brand. One that was only tried is none: nobody can be given money that is none.
async fn find_customer_in_tx(tx: &DatabaseTransaction, brand: BrandId, external_id: &str) -> Result<customer::Model> {
    customer::Entity::find_live()
        .filter(customer::Column::BrandId.eq(brand))
        .filter(customer::Column::ExternalId.eq(external_id))
        .one(tx)
        .await?
        .ok_or_else(|| {
            let message = "the brand has recorded no such customer";
            Failure::refused_field(Code::CustomerNotFound, "customerExternalId", message)
        })
}

fn banned() -> Failure<Code> {
    Failure::refused(Code::PartnershipBanned, "this partner was banned from the program")
}

/// Tells the outside what state a request is in now.
async fn announce_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    row: &store_credit_transfer::Model,
) -> std::result::Result<(), Fault> {
    let fact = Fact {
        topic: Topic::StoreCreditTransferChanged,
        brand: Some(row.brand_id),
        partner: Some(row.partner_id),
        subject: row.id.0,
        payload: json!({ "state": row.state.to_value() }),
    };
    outbox::enqueue_in_tx(tx, app, fact).await?;
    Ok(())
}

/// Reach is not enough: not everyone in a brand sees money.
#[must_use]
pub fn may_see_transfer(actor: &Actor, row: &store_credit_transfer::Model) -> bool {
    let place = Place::shared(row.brand_id, row.partner_id);
    actor
        .authorise(Operation::SeeStoreCreditTransfersOfPartnership, place)
        .is_ok()
}

#[must_use]
pub fn may_see_redemption(actor: &Actor, row: &store_credit_redemption::Model) -> bool {
    let place = Place::brand(row.brand_id);
    actor.authorise(Operation::SeeStoreCreditStatement, place).is_ok()
}

/// Whose transfers to list.
#[derive(Clone, Copy, Debug)]
pub enum Of {
    Brand(BrandId),
    Partnership {
        partnership: PartnershipId,
        brand: BrandId,
        partner: PartnerId,
    },
}

pub async fn list_transfers(
    app: &App,
    actor: &Actor,
    of: Of,
    states: &[StoreCreditTransferState],
    page: &Page,
) -> std::result::Result<Slice<store_credit_transfer::Model>, ApiError> {
    use store_credit_transfer::{Column, Entity, Model};
    let select = Entity::find_within(&actor.reach());
    let mut select = match of {
        Of::Brand(brand) => {
            actor.authorise(Operation::SeeStoreCreditTransfers, Place::brand(brand))?;
            select.filter(Column::BrandId.eq(brand))
        }
        Of::Partnership {
            partnership,
            brand,
            partner,
        } => {
            let place = Place::shared(brand, partner);
            actor.authorise(Operation::SeeStoreCreditTransfersOfPartnership, place)?;
            select.filter(Column::PartnershipId.eq(partnership))
        }
    };
    if !states.is_empty() {
        select = select.filter(Column::State.is_in(states.iter().copied()));
    }
    page::fetch(app.db.read(), select, Column::Id, |row: &Model| row.id.0, page)
        .await
        .map_err(ApiError::internal)
}

/// When it happened: not before `from`, before `until`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Between {
    pub from: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
}

/// A page of what came to a customer's account and went from it in a currency, newest first.
pub async fn list_statement(
    app: &App,
    actor: &Actor,
    (brand, customer): (BrandId, CustomerId),
    currency: &str,
    between: Between,
    page: &Page,
) -> std::result::Result<Slice<Line>, ApiError> {
    actor.authorise(Operation::SeeStoreCreditStatement, Place::brand(brand))?;
    let only = Only {
        from: between.from,
        until: between.until,
        ..Only::default()
    };
    entries::list_entries(app, Holder::Customer(customer), currency, only, page)
        .await
        .map_err(ApiError::from)
}
