//! Use cases of payout rails: what connects and disconnects them, and how others come to a rail. `events.rs` takes in what
//! providers send.

mod events;

use std::{collections::BTreeMap, fmt, sync::Arc};

use axum::http::HeaderMap;
use chrono::{DateTime, Utc};
use entity::{
    brand,
    ids::{BrandId, PayoutRailConnectionId},
    payout_rail_connection::{self, Column, Entity, Model, RailEnvironment, RailProvider},
    user,
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect, Select, sea_query::LockType,
};

pub use self::events::{Taken, forget, take_in};
use super::{
    error::PayoutRailErrorCode as Code,
    registry::Opened,
    rules::{self, Credentials},
};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
        service::{confirm_password, hold_password_in_tx},
    },
    app::App,
    audit::{self, Change},
    error::{ApiError, Failure, Fault},
    infra::{
        rails::{
            Rail, RailKind,
            webhook::{Event, WebhookError},
        },
        sealing,
    },
    payouts::{methods::service::Confirmation, reseal::reseals},
};

type Result<T> = std::result::Result<T, Failure<Code>>;

/// Whose credentials: `None` are the installation's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Holder(pub Option<BrandId>);

impl Holder {
    pub const INSTALLATION: Self = Self(None);

    #[must_use]
    pub fn brand(id: BrandId) -> Self {
        Self(Some(id))
    }
}

/// As it stands in rows: a brand's id, or `installation`.
impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(brand) => brand.fmt(f),
            None => f.write_str("installation"),
        }
    }
}

/// A rail under its holder's newest credentials.
pub struct Connection {
    pub holder: Holder,
    /// Absent for the installation's.
    pub connection_id: Option<PayoutRailConnectionId>,
    pub environment: RailEnvironment,
    /// The same for credentials of the same account at the provider, as far as they tell it. Whoever sends keeps it beside what was
    /// sent: what is not found under another account than it was sent from may well have been paid.
    pub account: String,
    pub rail: Arc<dyn Rail>,
}

/// Why what came to a door is not taken in.
#[derive(Debug)]
pub enum WebhookRefused {
    /// Nobody has connected this provider there.
    NotConnected,
    /// It is not believed.
    Refused(WebhookError),
    Fault(Fault),
}

impl From<WebhookError> for WebhookRefused {
    fn from(error: WebhookError) -> Self {
        Self::Refused(error)
    }
}

/// What a brand pays through now, by rail: its own credentials before the installation's.
pub async fn connected(
    app: &App,
    db: &impl ConnectionTrait,
    brand: BrandId,
) -> std::result::Result<BTreeMap<RailKind, Holder>, Fault> {
    let mut found: BTreeMap<RailKind, Holder> =
        app.rails.installed().map(|kind| (kind, Holder::INSTALLATION)).collect();
    let own: Vec<RailProvider> = standing(brand)
        .select_only()
        .column(Column::Rail)
        .into_tuple()
        .all(db)
        .await?;
    found.extend(own.into_iter().map(|rail| (rail.into(), Holder::brand(brand))));
    Ok(found)
}

/// The rail, to send or to follow what was sent under this holder's credentials; `None` when there are none. Those of a brand
/// that were taken away still open: what is on its way has to be followed. Not to be asked for within a transaction.
pub async fn open(app: &App, holder: Holder, rail: RailKind) -> std::result::Result<Option<Connection>, Fault> {
    let found = find_newest(app, holder, rail).await?;
    Ok(found.map(|(connection_id, opened)| Connection {
        holder,
        connection_id,
        environment: opened.environment,
        account: opened.account.clone(),
        rail: Arc::clone(&opened.rail),
    }))
}

/// Proves and reads what a provider sent to the installation's door or to a brand's own.
pub async fn read_webhook(
    app: &App,
    holder: Holder,
    rail: RailKind,
    headers: &HeaderMap,
    body: &[u8],
) -> std::result::Result<Event, WebhookRefused> {
    let found = find_newest(app, holder, rail).await.map_err(WebhookRefused::Fault)?;
    let (_, opened) = found.ok_or(WebhookRefused::NotConnected)?;
    let event = opened.read(headers, body).await?;
    Ok(events::check(event)?)
}

type Found = (Option<PayoutRailConnectionId>, Arc<Opened>);

async fn find_newest(app: &App, holder: Holder, rail: RailKind) -> std::result::Result<Option<Found>, Fault> {
    let Some(brand) = holder.0 else {
        return Ok(app.rails.of_installation(rail).map(|opened| (None, opened)));
    };
    let newest = Entity::find()
        .filter(Column::BrandId.eq(brand))
        .filter(Column::Rail.eq(RailProvider::from(rail)))
        // The standing one first, whatever the clocks say of the others.
        .order_by_desc(Column::DisconnectedAt.is_null())
        .order_by_desc(Column::Id)
        .one(app.db.read())
        .await?;
    let Some(row) = newest else {
        return Ok(None);
    };
    let opened = match app.rails.known(row.id) {
        Some(opened) => opened,
        None => {
            let credentials = unseal(app, &row)?;
            let opened = app.rails.open(row.id, row.environment, &credentials);
            opened.map_err(|error| Fault::new(format!("{}: {error}", row.id)))?
        }
    };
    Ok(Some((Some(row.id), opened)))
}

/// The connections that a brand pays through.
fn standing(brand: BrandId) -> Select<Entity> {
    Entity::find()
        .filter(Column::BrandId.eq(brand))
        .filter(Column::DisconnectedAt.is_null())
}

/// Where the credentials of a connection stand.
fn place_of(id: PayoutRailConnectionId) -> sealing::Place {
    sealing::Place {
        table: "payout_rail_connections",
        column: "credentials",
        row: id.0,
    }
}

reseals! {
    /// Seals anew the credentials of every connection that another key than the first one of the ring sealed, former ones too.
    reseal_rail_connections of payout_rail_connection: Credentials, credentials, place_of
}

fn unseal(app: &App, row: &Model) -> std::result::Result<Credentials, Fault> {
    let text = app.key_ring.open(place_of(row.id), &row.credentials)?;
    // What does not read is not repeated.
    serde_json::from_str(&text).map_err(|_| Fault::new(format!("{}: not credentials", row.id)))
}

/// A rail as a brand sees it.
#[derive(Clone, Debug)]
pub struct Standing {
    pub brand: BrandId,
    pub kind: RailKind,
    /// What the brand pays by; absent when it cannot pay through this rail.
    pub used: Option<Used>,
}

#[derive(Clone, Debug)]
pub struct Used {
    pub holder: Holder,
    pub environment: RailEnvironment,
    /// Of the brand's own only.
    pub own: Option<Own>,
}

#[derive(Clone, Debug)]
pub struct Own {
    pub masked: String,
    pub connected_at: DateTime<Utc>,
}

/// Every rail there is, and by what the brand pays through it.
pub async fn list_payout_rails(
    app: &App,
    actor: &Actor,
    brand: BrandId,
) -> std::result::Result<Vec<Standing>, ApiError> {
    actor.authorise(Operation::SeePayoutRails, Place::brand(brand))?;
    let own = standing(brand).all(app.db.read()).await.map_err(ApiError::internal)?;
    let of = |kind: RailKind| own.iter().find(|row| RailKind::from(row.rail) == kind);
    Ok(rules::ALL
        .into_iter()
        .map(|kind| seen(app, brand, kind, of(kind)))
        .collect())
}

fn seen(app: &App, brand: BrandId, kind: RailKind, own: Option<&Model>) -> Standing {
    let used = match own {
        Some(row) => Some(Used {
            holder: Holder::brand(brand),
            environment: row.environment,
            own: Some(Own {
                masked: row.masked.clone(),
                connected_at: row.created_at,
            }),
        }),
        None => app.rails.of_installation(kind).map(|opened| Used {
            holder: Holder::INSTALLATION,
            environment: opened.environment,
            own: None,
        }),
    };
    Standing { brand, kind, used }
}

/// Whoever confirmed by their password, until the transaction ends.
async fn confirm(app: &App, actor: &Actor, confirmation: Confirmation) -> Result<user::Model> {
    let Confirmation {
        current_password,
        client,
    } = confirmation;
    confirm_password(app, actor, current_password, client)
        .await?
        .ok_or_else(password_wrong)
}

fn password_wrong() -> Failure<Code> {
    Failure::refused_field(Code::CredentialsInvalid, "currentPassword", "this is not your password")
}

/// Whoever else connects or disconnects for this brand waits.
async fn lock_in_tx(tx: &DatabaseTransaction, brand: BrandId, confirmed: &user::Model) -> Result<()> {
    brand::Entity::find_by_id(brand)
        .lock(LockType::NoKeyUpdate)
        .one(tx)
        .await?
        .ok_or_else(|| ApiError::not_found("brand"))?;
    if hold_password_in_tx(tx, confirmed).await? {
        Ok(())
    } else {
        Err(password_wrong())
    }
}

/// Takes the standing connection away, if there is one.
async fn end_in_tx(
    tx: &DatabaseTransaction,
    brand: BrandId,
    rail: RailProvider,
    now: DateTime<Utc>,
) -> Result<Option<Model>> {
    let row = standing(brand).filter(Column::Rail.eq(rail)).one(tx).await?;
    if let Some(row) = &row {
        Entity::update(payout_rail_connection::ActiveModel {
            id: Set(row.id),
            disconnected_at: Set(Some(now)),
            ..Default::default()
        })
        .exec_without_returning(tx)
        .await?;
    }
    Ok(row)
}

/// Has a brand pay by credentials of its own; what it had before is replaced.
pub async fn connect_payout_rail(
    app: &App,
    actor: &Actor,
    brand: BrandId,
    environment: RailEnvironment,
    credentials: Credentials,
    confirmation: Confirmation,
) -> Result<Standing> {
    actor.authorise(Operation::ConnectPayoutRail, Place::brand(brand))?;
    let kind = credentials.kind();
    credentials.check_of(environment).map_err(|wrong| {
        let field = format!("credentials.{}.{}", rules::word(kind), wrong.field);
        Failure::refused_field(wrong.code, &field, wrong.message)
    })?;
    let confirmed = confirm(app, actor, confirmation).await?;
    let now = app.clock.now();
    let id: PayoutRailConnectionId = app.ids.new_id(now);
    let text = serde_json::to_string(&credentials).map_err(Fault::new)?;
    let row = Model {
        id,
        brand_id: brand,
        rail: kind.into(),
        environment,
        masked: credentials.masked(),
        credentials: app.key_ring.seal(&app.ids, place_of(id), &text)?,
        created_at: now,
        created_by: confirmed.id,
        disconnected_at: None,
    };
    let tx = app.db.begin().await?;
    lock_in_tx(&tx, brand, &confirmed).await?;
    let before = end_in_tx(&tx, brand, row.rail, now).await?;
    Entity::insert(payout_rail_connection::ActiveModel::from(row.clone()))
        .exec_without_returning(&tx)
        .await?;
    record_in_tx(&tx, app, actor, "payout_rail.connected", &row, before.map(|row| row.id)).await?;
    app.commit(tx).await?;
    Ok(seen(app, brand, kind, Some(&row)))
}

/// Nothing new is sent by the brand's own credentials any more. Their row stays, sealed: what is on its way is followed by it.
pub async fn disconnect_payout_rail(
    app: &App,
    actor: &Actor,
    brand: BrandId,
    kind: RailKind,
    confirmation: Confirmation,
) -> Result<Standing> {
    actor.authorise(Operation::DisconnectPayoutRail, Place::brand(brand))?;
    let confirmed = confirm(app, actor, confirmation).await?;
    let tx = app.db.begin().await?;
    lock_in_tx(&tx, brand, &confirmed).await?;
    let row = end_in_tx(&tx, brand, kind.into(), app.clock.now()).await?;
    let row = row.ok_or_else(|| {
        let message = format!("the brand has no credentials of its own for {}", kind.as_str());
        Failure::refused_field(Code::NotConnected, "provider", message)
    })?;
    record_in_tx(&tx, app, actor, "payout_rail.disconnected", &row, None).await?;
    app.commit(tx).await?;
    Ok(seen(app, brand, kind, None))
}

async fn record_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    action: &'static str,
    row: &Model,
    replaces: Option<PayoutRailConnectionId>,
) -> Result<()> {
    let environment = match row.environment {
        RailEnvironment::Live => "LIVE",
        RailEnvironment::Sandbox => "SANDBOX",
    };
    let rail = RailKind::from(row.rail).as_str();
    let reason = match replaces {
        Some(before) => format!("{rail}, {environment}, {}, in place of {before}", row.masked),
        None => format!("{rail}, {environment}, {}", row.masked),
    };
    let change = Change {
        reason: Some(&reason),
        ..Change::of_fact(row.brand_id, action, row.id)
    };
    audit::record_in_tx(tx, app, actor, change).await?;
    Ok(())
}
