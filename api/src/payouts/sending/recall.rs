//! Taking back from a provider what has not reached anybody.

use entity::{
    TenantScoped,
    ids::PayoutId,
    payout::{self, PayoutState},
    payout_request,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, sea_query::Expr};

use super::{news::take_item_in_tx, provider};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    audit::{self, Change},
    error::{ApiError, Failure, Fault},
    infra::rails::Cancelled,
    payouts::{
        error::PayoutErrorCode as Code,
        rails::{self, Connection, Holder},
    },
};

type Result<T> = std::result::Result<T, Failure<Code>>;

/// Asks a payout's provider to take it back. What the provider says is booked as if it had said so by itself.
pub async fn recall_payout(app: &App, actor: &Actor, id: PayoutId) -> Result<payout::Model> {
    let row = payout::Entity::find_within(&actor.reach())
        .filter(payout::Column::Id.eq(id))
        .one(app.db.read())
        .await?
        .ok_or_else(|| ApiError::not_found("payout"))?;
    actor.authorise(Operation::RecallPayout, Place::brand(row.brand_id))?;
    if !matches!(row.state, PayoutState::Submitted | PayoutState::Unknown) {
        return Err(Failure::refused_field(
            Code::InvalidTransition,
            "id",
            audit::impossible("a payout", &row.state, &PayoutState::Cancelled),
        ));
    }
    let connection = connection_of(app, &row).await?;
    let Some(provider_id) = &row.provider_id else {
        return Err(Failure::refused_field(
            Code::RecallNotPossible,
            "id",
            "the provider has not said yet what it calls this payout",
        ));
    };
    match connection.rail.cancel(provider_id).await {
        Cancelled::Done(item) => {
            let tx = app.db.begin().await?;
            let mut row = payout::Entity::find_by_id(id)
                .lock_exclusive()
                .one(&tx)
                .await?
                .ok_or_else(|| Fault::new("a payout is gone"))?;
            let change = Change::of_fact(row.brand_id, "payout.recalled", row.id);
            audit::record_in_tx(&tx, app, actor, change).await?;
            take_item_in_tx(&tx, app, &mut row, &item).await?;
            app.commit(tx).await?;
            Ok(row)
        }
        Cancelled::Refused(refused) => Err(Failure::refused_field(
            Code::RecallRefused,
            "id",
            format!("{}: {}", refused.code, refused.message),
        )),
        Cancelled::NotOffered => Err(Failure::refused_field(
            Code::RecallNotPossible,
            "id",
            format!("{} takes nothing back", connection.rail.kind().as_str()),
        )),
        Cancelled::Unclear(doubt) => {
            look_soon(app, &row).await?;
            Err(Failure::refused_field(
                Code::RecallUnclear,
                "id",
                format!("{}: {}; it is being looked up", doubt.code, doubt.message),
            ))
        }
    }
}

/// The account that a payout was sent from.
async fn connection_of(app: &App, row: &payout::Model) -> Result<Connection> {
    let not_possible = |message: &str| Failure::refused_field(Code::RecallNotPossible, "id", message);
    let kind = provider(row.rail).ok_or_else(|| not_possible("no provider pays this payout"))?;
    let request = match row.request_id {
        Some(request) => payout_request::Entity::find_by_id(request).one(app.db.read()).await?,
        None => None,
    };
    let request = request.ok_or_else(|| Fault::new(format!("{} was handed over without a request", row.id)))?;
    let connection = rails::open(app, Holder(request.holder_id), kind)
        .await?
        .ok_or_else(|| not_possible("its provider is not connected any more"))?;
    if request
        .account
        .as_ref()
        .is_some_and(|account| *account != connection.account)
    {
        return Err(not_possible(
            "it was sent from another account than the one that is connected",
        ));
    }
    Ok(connection)
}

async fn look_soon(app: &App, row: &payout::Model) -> std::result::Result<(), Fault> {
    let tx = app.db.begin().await?;
    payout_request::Entity::update_many()
        .col_expr(payout_request::Column::NextAt, Expr::value(app.clock.now()))
        .filter(payout_request::Column::Id.eq(row.request_id))
        .exec(&tx)
        .await?;
    app.commit(tx).await?;
    Ok(())
}
