//! A payout of one partner that a person will pay.

use chrono::SecondsFormat;
use entity::{
    TenantScoped, brand,
    commission::{self, CommissionState},
    ids::PartnershipId,
    partnership::{self, PartnershipState},
    payout::{self, PayoutRail},
    payout_method,
};
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter};

use super::{
    Code, Fingerprint, Result,
    draft::{Draft, Drafting, draft_in_tx, find_items},
};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    audit::{self, Change},
    error::{ApiError, Failure, Fault},
    idempotency::{self, Begun, Key, Outcome},
    ledger::balances,
    money::{Currency, Money},
    payouts::{methods::service as methods, rules},
};

#[derive(Clone, Debug)]
pub struct CreatePayout {
    pub partnership: PartnershipId,
    pub currency: String,
    pub idempotency_key: Key,
}

/// Drafts a payout of everything a partnership has available in a currency.
pub async fn create_payout(app: &App, actor: &Actor, command: CreatePayout) -> Result<Outcome<payout::Model>> {
    let currency: Currency = command
        .currency
        .parse()
        .map_err(|error| Failure::refused_field(Code::CurrencyUnknown, "currency", error))?;
    let tx = app.db.begin().await?;
    let partnership = partnership::Entity::find_within(&actor.reach())
        .filter(partnership::Column::Id.eq(command.partnership))
        .one(&tx)
        .await?
        .ok_or_else(|| ApiError::not_found("partnership"))?;
    actor.authorise(Operation::CreatePayout, Place::brand(partnership.brand_id))?;
    let fingerprint = Fingerprint {
        subject: command.partnership.to_string(),
        detail: currency.code().to_owned(),
    };
    let begun = idempotency::begin_in_tx::<payout::Entity>(
        &tx,
        app,
        partnership.brand_id.0,
        "createPayout",
        &command.idempotency_key,
        &fingerprint,
    );
    let pending = match begun.await? {
        Begun::Replay(value) => {
            tx.commit().await?;
            return Ok(Outcome { value, replayed: true });
        }
        Begun::Fresh(pending) => pending,
    };
    refuse_held(&partnership)?;
    refuse_unreviewed_in_tx(&tx, &partnership).await?;
    let available = balances::lock_available_in_tx(&tx, partnership.id, currency.code()).await?;
    let available = Money::new(available, currency);
    let brand = brand::Entity::find_by_id(partnership.brand_id)
        .one(&tx)
        .await?
        .ok_or_else(|| Fault::new("a partnership without its brand"))?;
    check_payable(&brand, available)?;
    let method = find_method_in_tx(&tx, app, &partnership, currency).await?;
    let items = find_items(&tx, &[partnership.id], currency).await?;
    let drafting = Drafting {
        actor,
        batch: None,
        needs_second_person: brand.payouts_need_two,
    };
    let draft = Draft {
        items: items.into_values().flatten().collect(),
        partnership,
        amount: available,
        rail: PayoutRail::Manual,
        method,
    };
    let drafted = draft_in_tx(&tx, app, &drafting, vec![draft]).await?;
    let row = drafted
        .into_iter()
        .next()
        .ok_or_else(|| Fault::new("a draft came to nothing"))?;
    audit::record_in_tx(&tx, app, actor, Change::of_fact(row.brand_id, "payout.drafted", row.id)).await?;
    pending.settle(&tx, row.id.0).await?;
    app.commit(tx).await?;
    Ok(Outcome {
        value: row,
        replayed: false,
    })
}

/// What was earned is owed, also when the partnership is over. Whoever was banned is not paid before somebody has decided
/// on all that is pending.
async fn refuse_unreviewed_in_tx(tx: &DatabaseTransaction, partnership: &partnership::Model) -> Result<()> {
    if partnership.state != PartnershipState::Banned {
        return Ok(());
    }
    let pending = commission::Entity::find_live()
        .filter(commission::Column::PartnershipId.eq(partnership.id))
        .filter(commission::Column::State.eq(CommissionState::Pending))
        .count(tx)
        .await?;
    if pending > 0 {
        return Err(Failure::refused_field(
            Code::PartnershipNotPayable,
            "partnershipId",
            format!("this partner was banned: approve or reject its {pending} pending commissions first"),
        ));
    }
    Ok(())
}

fn refuse_held(partnership: &partnership::Model) -> Result<()> {
    match &partnership.payouts_held_for {
        None => Ok(()),
        Some(reason) => Err(Failure::refused_field(
            Code::PayoutsHeld,
            "partnershipId",
            format!("payouts to this partner are held: {reason}"),
        )),
    }
}

fn check_payable(brand: &brand::Model, available: Money) -> Result<()> {
    if available.amount_minor <= 0 {
        return Err(Failure::refused(
            Code::NothingAvailable,
            format!("{available} is available"),
        ));
    }
    let minimum = rules::minimum(brand, available.currency);
    if available.amount_minor < minimum.amount_minor {
        return Err(Failure::refused(
            Code::BelowMinimum,
            format!("{available} is available, the smallest payout is {minimum}"),
        ));
    }
    Ok(())
}

/// Where the partner wants it. Whoever has changed that a moment ago may have been a thief: its people have been told, and
/// have some days to undo it.
async fn find_method_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    partnership: &partnership::Model,
    currency: Currency,
) -> Result<Option<payout_method::Model>> {
    let method = methods::find_chosen_in_tx(tx, partnership.partner_id, currency.code()).await?;
    if let Some(method) = &method
        && method.cooling_off_until > app.clock.now()
    {
        let until = method.cooling_off_until.to_rfc3339_opts(SecondsFormat::Secs, true);
        return Err(Failure::refused_field(
            Code::PayoutMethodCoolingOff,
            "partnershipId",
            format!("this partner changed where it is paid in {currency}: no payout before {until}"),
        ));
    }
    Ok(method)
}
