//! What is heard of payouts, from whomever: booked once, whatever order it comes in.

use entity::{
    ids::PayoutId,
    payout::{self, PayoutState},
    payout_request::{self, PayoutRequestState},
};
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect, sea_query::Expr};

use super::rail_of;
use crate::{
    accounts::actor::Actor,
    app::App,
    error::Fault,
    infra::rails::{
        Item, RailKind, Status,
        instruction::parse_item_key,
        webhook::{About, Event},
    },
    money::Money,
    payouts::{
        rails::Holder,
        service::{
            move_in_tx,
            settle::{Undone, charge_fee_in_tx, pay_in_tx, undo_in_tx},
            write_in_tx,
        },
    },
};

/// What an event was to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It is about a payout of ours.
    Taken,
    /// It is about nothing that was sent under these credentials.
    NotOurs,
}

/// Takes in what a provider sent by itself to whoever holds the credentials.
pub async fn take_event_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    holder: Holder,
    rail: RailKind,
    event: &Event,
) -> Result<Heard, Fault> {
    match &event.about {
        About::Item(item) => match find_payout_in_tx(tx, holder, rail, item).await? {
            Some(mut row) => {
                take_item_in_tx(tx, app, &mut row, item).await?;
                Ok(Heard::Taken)
            }
            None => Ok(Heard::NotOurs),
        },
        About::Batch { provider_id, .. } => look_soon_in_tx(tx, app, holder, rail, provider_id).await,
        About::Account(_) | About::Nothing => Ok(Heard::NotOurs),
    }
}

/// The requests that were sent under these credentials.
fn sent_under(holder: Holder, rail: RailKind) -> sea_orm::Select<payout_request::Entity> {
    let select = payout_request::Entity::find().filter(payout_request::Column::Rail.eq(rail_of(rail)));
    match holder.0 {
        Some(brand) => select.filter(payout_request::Column::HolderId.eq(brand)),
        None => select.filter(payout_request::Column::HolderId.is_null()),
    }
}

/// The payout of an item, locked. Whose credentials an event came under decides what it can be about.
async fn find_payout_in_tx(
    tx: &DatabaseTransaction,
    holder: Holder,
    rail: RailKind,
    item: &Item,
) -> Result<Option<payout::Model>, Fault> {
    let id = match item.key.as_deref().and_then(parse_item_key) {
        Some((payout, _)) => Some(PayoutId(payout)),
        None => {
            payout::Entity::find()
                .select_only()
                .column(payout::Column::Id)
                .filter(payout::Column::Rail.eq(rail_of(rail)))
                .filter(payout::Column::ProviderId.eq(item.provider_id.as_str()))
                .into_tuple()
                .one(tx)
                .await?
        }
    };
    let Some(id) = id else { return Ok(None) };
    let Some(row) = payout::Entity::find_by_id(id).lock_exclusive().one(tx).await? else {
        return Ok(None);
    };
    let Some(request) = row.request_id else { return Ok(None) };
    let is_ours = sent_under(holder, rail)
        .filter(payout_request::Column::Id.eq(request))
        .one(tx)
        .await?
        .is_some();
    Ok(is_ours.then_some(row))
}

/// An event of a batch says nothing of its items, but that they are worth a look.
async fn look_soon_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    holder: Holder,
    rail: RailKind,
    provider_id: &str,
) -> Result<Heard, Fault> {
    let request = sent_under(holder, rail)
        .filter(payout_request::Column::ProviderId.eq(provider_id))
        .filter(payout_request::Column::State.eq(PayoutRequestState::Accepted))
        .one(tx)
        .await?;
    let Some(request) = request else {
        return Ok(Heard::NotOurs);
    };
    payout_request::Entity::update_many()
        .col_expr(payout_request::Column::NextAt, Expr::value(app.clock.now()))
        .filter(payout_request::Column::Id.eq(request.id))
        .exec(tx)
        .await?;
    Ok(Heard::Taken)
}

/// Books what is said of a payout, whose row is locked.
pub(super) async fn take_item_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    row: &mut payout::Model,
    item: &Item,
) -> Result<(), Fault> {
    let before = row.clone();
    if !item.provider_id.is_empty() {
        row.provider_id = Some(item.provider_id.clone());
    }
    let is_open = matches!(row.state, PayoutState::Submitted | PayoutState::Unknown);
    if is_open && item.status != Status::Waiting {
        // Whatever a person was asked to find out has been found out.
        row.attention = None;
    }
    match (&item.status, row.state) {
        (Status::Waiting, _) if is_open => {
            row.provider_state = Some(item.state.clone());
            if row.state == PayoutState::Unknown {
                return move_in_tx(tx, app, &Actor::system(), row, PayoutState::Submitted, None).await;
            }
        }
        (Status::Paid { fee, reference }, _) if is_open => {
            row.provider_state = Some(item.state.clone());
            row.reference = reference.clone().or_else(|| row.provider_id.clone());
            note_partial(row, item);
            return pay_in_tx(tx, app, &Actor::system(), row, known(fee.as_ref())).await;
        }
        (Status::Paid { fee, reference }, PayoutState::Paid) => {
            row.provider_state = Some(item.state.clone());
            // The bank's reference is known later than that it was paid, and so may be what it cost.
            if let Some(reference) = reference {
                row.reference = Some(reference.clone());
            }
            note_partial(row, item);
            if let Some(fee) = known(fee.as_ref())
                && row.fee_minor.is_none()
            {
                charge_fee_in_tx(tx, app, row, fee).await?;
            }
        }
        (Status::Failed { code, reason }, state) if is_open || state == PayoutState::Paid => {
            say_why(row, item, code, reason);
            let undone = if is_open { Undone::Failed } else { Undone::Returned };
            return undo_in_tx(tx, app, &Actor::system(), row, undone, Some(code), None).await;
        }
        (Status::Returned { code, reason, fee }, state) if is_open || state == PayoutState::Paid => {
            say_why(row, item, code, reason);
            return undo_in_tx(tx, app, &Actor::system(), row, Undone::Returned, Some(code), *fee).await;
        }
        (Status::Paid { .. }, PayoutState::Failed) => {
            // Its money is available again, and may be on its way a second time: nobody but a person can tell.
            tracing::error!(payout = %row.id, state = item.state, "a provider says that it paid what it had failed");
            row.attention = Some(format!(
                "the provider says {} of a payout that it had given up: the partner may have been paid",
                item.state
            ));
        }
        // What is older than what is known, or the same again.
        _ => {}
    }
    if *row == before {
        return Ok(());
    }
    write_in_tx(tx, row).await
}

/// A fee of nothing is not one.
fn known(fee: Option<&Money>) -> Option<Money> {
    fee.copied().filter(|fee| fee.amount_minor > 0)
}

fn note_partial(row: &mut payout::Model, item: &Item) {
    if item.state == "partially_reversed" {
        row.attention = Some("the provider took a part of it back: adjust the partner's balance".to_owned());
    }
}

fn say_why(row: &mut payout::Model, item: &Item, code: &str, reason: &str) {
    row.provider_state = Some(item.state.clone());
    row.failure_code = Some(code.to_owned());
    row.failure_reason = Some(reason.to_owned());
}
