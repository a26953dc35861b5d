//! A partner asks for a transfer.

use entity::{
    TenantScoped,
    ids::PartnershipId,
    partnership::{self, PartnershipState},
    store_credit_transfer::{self, StoreCreditTransferState},
};
use rust_decimal::Decimal;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter};
use serde::Serialize;

use super::{Code, Result, announce_in_tx, banned, check_amount, check_customer_id, check_words, find_customer_in_tx};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    audit::{self, Change},
    error::{ApiError, Failure},
    idempotency::{self, Begun, Key, Outcome},
    ledger::balances,
    money::Money,
    store_credit::rules::MAX_OPEN,
};

/// A request as it came in.
#[derive(Clone, Debug)]
pub struct RequestTransfer {
    pub partnership: PartnershipId,
    pub customer_external_id: String,
    /// Major units and the code of their currency.
    pub amount: (Decimal, String),
    pub note: Option<String>,
    pub idempotency_key: Key,
}

#[derive(Serialize)]
struct Fingerprint<'a> {
    customer: &'a str,
    amount_minor: i64,
    currency: &'a str,
    note: Option<&'a str>,
}

/// Asks that some of what a partnership has available becomes store credit of a customer. What is not there now is refused at
/// once; nothing is held for the rest.
pub async fn request_transfer(
    app: &App,
    actor: &Actor,
    command: RequestTransfer,
) -> Result<Outcome<store_credit_transfer::Model>> {
    check_customer_id(&command.customer_external_id)?;
    let amount = check_amount(&command.amount)?;
    let note = command
        .note
        .as_deref()
        .map(|note| check_words(note, Code::NoteInvalid, "note", "a note"))
        .transpose()?;
    let fingerprint = Fingerprint {
        customer: &command.customer_external_id,
        amount_minor: amount.amount_minor,
        currency: amount.currency.code(),
        note: note.as_deref(),
    };
    let tx = app.db.begin().await?;
    let partnership = partnership::Entity::find_within(&actor.reach())
        .filter(partnership::Column::Id.eq(command.partnership))
        .one(&tx)
        .await?
        .ok_or_else(|| ApiError::not_found("partnership"))?;
    let place = Place::shared(partnership.brand_id, partnership.partner_id);
    actor.authorise(Operation::RequestStoreCreditTransfer, place)?;
    // Partners of a brand know nothing of each other's keys.
    let (tenant, operation) = (partnership.id.0, "requestStoreCreditTransfer");
    let key = &command.idempotency_key;
    let begun =
        idempotency::begin_in_tx::<store_credit_transfer::Entity>(&tx, app, tenant, operation, key, &fingerprint);
    let pending = match begun.await? {
        Begun::Fresh(pending) => pending,
        Begun::Replay(value) => {
            tx.commit().await?;
            return Ok(Outcome { value, replayed: true });
        }
    };
    if partnership.state == PartnershipState::Banned {
        return Err(banned());
    }
    let customer = find_customer_in_tx(&tx, partnership.brand_id, &command.customer_external_id).await?;
    check_available_in_tx(&tx, partnership.id, amount).await?;
    check_room_in_tx(&tx, partnership.id).await?;
    let now = app.clock.now();
    let row = store_credit_transfer::Model {
        id: app.ids.new_id(now),
        brand_id: partnership.brand_id,
        program_id: partnership.program_id,
        partnership_id: partnership.id,
        partner_id: partnership.partner_id,
        customer_id: customer.id,
        customer_external_id: customer.external_id,
        state: StoreCreditTransferState::Requested,
        currency: amount.currency.code().to_owned(),
        amount_minor: amount.amount_minor,
        note,
        reason: None,
        adjustment_id: None,
        created_at: now,
        decided_at: None,
    };
    store_credit_transfer::Entity::insert(store_credit_transfer::ActiveModel::from(row.clone()))
        .exec_without_returning(&tx)
        .await?;
    let change = Change {
        reason: row.note.as_deref(),
        ..Change::of_fact(row.brand_id, "store_credit_transfer.requested", row.id)
    };
    audit::record_in_tx(&tx, app, actor, change).await?;
    announce_in_tx(&tx, app, &row).await?;
    pending.settle(&tx, row.id.0).await?;
    app.commit(tx).await?;
    Ok(Outcome {
        value: row,
        replayed: false,
    })
}

/// Locks what a partnership has available, and refuses what is more.
pub(super) async fn check_available_in_tx(
    tx: &DatabaseTransaction,
    partnership: PartnershipId,
    amount: Money,
) -> Result<()> {
    let currency = amount.currency.code();
    let available = balances::lock_available_in_tx(tx, partnership, currency).await?;
    if amount.amount_minor <= available {
        return Ok(());
    }
    if !balances::has_account_in_tx(tx, partnership, currency).await? {
        return Err(Failure::refused_field(
            Code::CurrencyNotHeld,
            "amount.currency",
            format!("this partnership has never held anything in {currency}"),
        ));
    }
    let available = Money::new(available, amount.currency);
    Err(Failure::refused_field(
        Code::InsufficientBalance,
        "amount.amount",
        format!("{available} is available"),
    ))
}

async fn check_room_in_tx(tx: &DatabaseTransaction, partnership: PartnershipId) -> Result<()> {
    let open = store_credit_transfer::Entity::find()
        .filter(store_credit_transfer::Column::PartnershipId.eq(partnership))
        .filter(store_credit_transfer::Column::State.eq(StoreCreditTransferState::Requested))
        .count(tx)
        .await?;
    if open < MAX_OPEN {
        return Ok(());
    }
    Err(Failure::refused(
        Code::TooManyRequests,
        format!("a partnership has at most {MAX_OPEN} requests that are open"),
    ))
}
