//! Use cases of payout methods: what changes them is here, `reseal.rs` seals them anew.

mod notice;
mod reseal;

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    ids::{PartnerId, PayoutMethodId},
    partner,
    payout_method::{self, Column, Entity, Model},
    payout_preference, user,
};
use sea_orm::{
    ActiveEnum,
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{LockType, OnConflict},
};

use self::notice::notify_in_tx;
pub use self::reseal::reseal_payout_methods;
use super::{
    error::PayoutMethodErrorCode as Code,
    rules::{self, Details, MAX_METHODS, Methods},
};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
        service::{confirm_password, hold_password_in_tx},
        throttle::Client,
    },
    app::App,
    audit::{self, Change},
    error::{ApiError, Failure, Fault},
    infra::sealing,
    money::Currency,
    page::{self, Page, Slice},
};

type Result<T> = std::result::Result<T, Failure<Code>>;

/// What fingerprints of methods are for.
const FINGERPRINT: &str = "payout method";

/// What every change takes: that it is the caller who asks, and not somebody with their session.
pub struct Confirmation {
    pub current_password: String,
    pub client: Client,
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

/// Where the details of a method stand.
fn place_of(id: PayoutMethodId) -> sealing::Place {
    sealing::Place {
        table: "payout_methods",
        column: "details",
        row: id.0,
    }
}

/// The methods that a partner has.
fn standing(partner: PartnerId) -> Select<Entity> {
    Entity::find()
        .filter(Column::PartnerId.eq(partner))
        .filter(Column::RemovedAt.is_null())
}

/// A partner's methods with what it prefers, to be changed: whoever changes them next waits.
struct Changing {
    partner: partner::Model,
    all: Vec<Model>,
    preferred: Vec<payout_preference::Model>,
}

impl Changing {
    async fn lock_in_tx(tx: &DatabaseTransaction, id: PartnerId, confirmed: &user::Model) -> Result<Self> {
        let partner = partner::Entity::find_by_id(id)
            .lock(LockType::NoKeyUpdate)
            .one(tx)
            .await?
            .ok_or_else(|| ApiError::not_found("partner"))?;
        if !hold_password_in_tx(tx, confirmed).await? {
            return Err(password_wrong());
        }
        let (all, preferred) = read_in_tx(tx, id).await?;
        Ok(Self {
            partner,
            all,
            preferred,
        })
    }

    fn as_methods(&self) -> Methods<'_> {
        Methods {
            all: &self.all,
            preferred: &self.preferred,
        }
    }
}

async fn read_in_tx(
    tx: &DatabaseTransaction,
    partner: PartnerId,
) -> std::result::Result<(Vec<Model>, Vec<payout_preference::Model>), Fault> {
    let all = standing(partner).order_by_asc(Column::Id).all(tx).await?;
    let preferred = payout_preference::Entity::find()
        .filter(payout_preference::Column::PartnerId.eq(partner))
        .all(tx)
        .await?;
    Ok((all, preferred))
}

/// Until when a method that is changed now cools off.
fn cooled_off(app: &App, now: DateTime<Utc>) -> DateTime<Utc> {
    now + TimeDelta::hours(i64::from(app.config.payout_cooling_off_hours))
}

/// Names another account of a partner.
pub async fn add_payout_method(
    app: &App,
    actor: &Actor,
    partner: PartnerId,
    details: Details,
    confirmation: Confirmation,
) -> Result<Model> {
    actor.authorise(Operation::AddPayoutMethod, Place::partner(partner))?;
    let details = details.clean()?;
    let confirmed = confirm(app, actor, confirmation).await?;
    let row = new_method(app, partner, &details)?;
    let tx = app.db.begin().await?;
    let before = Changing::lock_in_tx(&tx, partner, &confirmed).await?;
    let same = app.key_ring.fingerprints(FINGERPRINT, &details.identity())?;
    if before.all.iter().any(|method| same.contains(&method.fingerprint)) {
        return Err(Failure::refused_field(
            Code::AlreadyAdded,
            "details",
            "the partner has this account already",
        ));
    }
    if u64::try_from(before.all.len()).unwrap_or(u64::MAX) >= MAX_METHODS {
        return Err(Failure::refused(
            Code::TooManyMethods,
            format!("a partner has at most {MAX_METHODS} payout methods"),
        ));
    }
    Entity::insert(payout_method::ActiveModel::from(row.clone()))
        .exec_without_returning(&tx)
        .await?;
    record_in_tx(&tx, app, actor, "payout_method.added", &row, None).await?;
    let what = format!(
        "{} was added. No payout goes to it before {}.",
        notice::describe(&row),
        notice::moment(row.cooling_off_until)
    );
    notify_in_tx(&tx, app, &before.partner, &confirmed, &what).await?;
    app.commit(tx).await?;
    Ok(row)
}

fn new_method(app: &App, partner: PartnerId, details: &Details) -> std::result::Result<Model, Fault> {
    let now = app.clock.now();
    let id: PayoutMethodId = app.ids.new_id(now);
    let text = serde_json::to_string(details).map_err(Fault::new)?;
    Ok(Model {
        id,
        partner_id: partner,
        kind: details.kind(),
        currency: details.currency().map(str::to_owned),
        masked: details.masked(),
        details: app.key_ring.seal(&app.ids, place_of(id), &text)?,
        fingerprint: app.key_ring.fingerprint(FINGERPRINT, &details.identity())?,
        cooling_off_until: cooled_off(app, now),
        created_at: now,
        removed_at: None,
    })
}

/// Has payouts in a currency go to a method.
pub async fn set_preferred_payout_method(
    app: &App,
    actor: &Actor,
    id: PayoutMethodId,
    currency: &str,
    confirmation: Confirmation,
) -> Result<Model> {
    let currency: Currency = currency
        .parse()
        .map_err(|error| Failure::refused_field(Code::CurrencyUnknown, "currency", error))?;
    let partner = find_own(app, actor, Operation::SetPreferredPayoutMethod, id).await?;
    let confirmed = confirm(app, actor, confirmation).await?;
    let tx = app.db.begin().await?;
    let before = Changing::lock_in_tx(&tx, partner, &confirmed).await?;
    let row = find_standing(&before.all, id)?;
    if !rules::receives(row, currency.code()) {
        return Err(Failure::refused_field(
            Code::CurrencyNotReceived,
            "currency",
            format!("{} does not receive {currency}", notice::describe(row)),
        ));
    }
    let preference = payout_preference::Model {
        partner_id: partner,
        currency: currency.code().to_owned(),
        payout_method_id: id,
        created_at: app.clock.now(),
    };
    let mut preferred = before.preferred.clone();
    preferred.retain(|other| other.currency != preference.currency);
    preferred.push(preference.clone());
    write_preference_in_tx(&tx, preference).await?;
    let after = Methods {
        all: &before.all,
        preferred: &preferred,
    };
    cool_off_in_tx(&tx, app, before.as_methods(), after).await?;
    let row = standing(partner)
        .filter(Column::Id.eq(id))
        .one(&tx)
        .await?
        .ok_or_else(|| ApiError::not_found("payout method"))?;
    record_in_tx(&tx, app, actor, "payout_method.preferred", &row, Some(currency.code())).await?;
    let what = format!(
        "payouts in {currency} go to {} from now on, but none before {}.",
        notice::describe(&row),
        notice::moment(row.cooling_off_until)
    );
    notify_in_tx(&tx, app, &before.partner, &confirmed, &what).await?;
    app.commit(tx).await?;
    Ok(row)
}

async fn write_preference_in_tx(tx: &DatabaseTransaction, preference: payout_preference::Model) -> Result<()> {
    use payout_preference::{ActiveModel, Column, Entity};
    let instead = OnConflict::columns([Column::PartnerId, Column::Currency])
        .update_columns([Column::PayoutMethodId, Column::CreatedAt])
        .to_owned();
    Entity::insert(ActiveModel::from(preference))
        .on_conflict(instead)
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

/// Takes a method away. Its row stays, sealed: payouts name it.
pub async fn remove_payout_method(
    app: &App,
    actor: &Actor,
    id: PayoutMethodId,
    confirmation: Confirmation,
) -> Result<PartnerId> {
    let partner = find_own(app, actor, Operation::RemovePayoutMethod, id).await?;
    let confirmed = confirm(app, actor, confirmation).await?;
    let tx = app.db.begin().await?;
    let before = Changing::lock_in_tx(&tx, partner, &confirmed).await?;
    let row = find_standing(&before.all, id)?;
    let now = app.clock.now();
    payout_preference::Entity::delete_many()
        .filter(payout_preference::Column::PayoutMethodId.eq(id))
        .exec(&tx)
        .await?;
    Entity::update(payout_method::ActiveModel {
        id: Set(id),
        removed_at: Set(Some(now)),
        ..Default::default()
    })
    .exec_without_returning(&tx)
    .await?;
    let all: Vec<Model> = before.all.iter().filter(|other| other.id != id).cloned().collect();
    let preferred: Vec<payout_preference::Model> = before
        .preferred
        .iter()
        .filter(|preference| preference.payout_method_id != id)
        .cloned()
        .collect();
    let after = Methods {
        all: &all,
        preferred: &preferred,
    };
    cool_off_in_tx(&tx, app, before.as_methods(), after).await?;
    record_in_tx(&tx, app, actor, "payout_method.removed", row, None).await?;
    let what = format!("{} was removed.", notice::describe(row));
    notify_in_tx(&tx, app, &before.partner, &confirmed, &what).await?;
    app.commit(tx).await?;
    Ok(partner)
}

/// Whose method it is, for whoever may do this to it; to others there is none.
async fn find_own(app: &App, actor: &Actor, operation: Operation, id: PayoutMethodId) -> Result<PartnerId> {
    let row = Entity::find_by_id(id)
        .filter(Column::RemovedAt.is_null())
        .one(app.db.read())
        .await?;
    row.filter(|row| actor.authorise(operation, Place::partner(row.partner_id)).is_ok())
        .map(|row| row.partner_id)
        .ok_or_else(|| not_found().into())
}

fn not_found() -> ApiError {
    ApiError::not_found("payout method")
}

/// It may have been removed while the password was checked.
fn find_standing(all: &[Model], id: PayoutMethodId) -> Result<&Model> {
    all.iter()
        .find(|method| method.id == id)
        .ok_or_else(|| not_found().into())
}

/// Whatever money goes to anew cools off, wherever it came from: nobody who got in has it at once.
async fn cool_off_in_tx(tx: &DatabaseTransaction, app: &App, before: Methods<'_>, after: Methods<'_>) -> Result<()> {
    let ids = rules::newly_chosen(before, after);
    if ids.is_empty() {
        return Ok(());
    }
    Entity::update_many()
        .set(payout_method::ActiveModel {
            cooling_off_until: Set(cooled_off(app, app.clock.now())),
            ..Default::default()
        })
        .filter(Column::Id.is_in(ids))
        .exec(tx)
        .await?;
    Ok(())
}

async fn record_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    action: &'static str,
    row: &Model,
    currency: Option<&str>,
) -> Result<()> {
    let partner = row.partner_id.to_string();
    let reason = match currency {
        Some(currency) => format!("{partner}: {} for {currency}", row.kind.to_value()),
        None => format!("{partner}: {}", row.kind.to_value()),
    };
    audit::record_in_tx(tx, app, actor, Change::of_person(action, row.id, Some(&reason))).await?;
    Ok(())
}

/// A partner's methods, the newest first.
pub async fn list_payout_methods(
    app: &App,
    actor: &Actor,
    partner: PartnerId,
    page: &Page,
) -> std::result::Result<Slice<Model>, ApiError> {
    actor.authorise(Operation::SeePayoutMethods, Place::partner(partner))?;
    page::fetch(
        app.db.read(),
        standing(partner),
        Column::Id,
        |row: &Model| row.id.0,
        page,
    )
    .await
    .map_err(ApiError::internal)
}

/// Where a payout to a partner in a currency goes; `None` when the partner has named nothing that receives it.
pub async fn find_chosen_in_tx(
    tx: &DatabaseTransaction,
    partner: PartnerId,
    currency: &str,
) -> std::result::Result<Option<Model>, Fault> {
    Ok(find_chosen(tx, [partner].into(), currency).await?.remove(&partner))
}

/// The same for several partners; those that have named nothing are left out.
pub async fn find_chosen(
    db: &impl ConnectionTrait,
    partners: BTreeSet<PartnerId>,
    currency: &str,
) -> std::result::Result<HashMap<PartnerId, Model>, Fault> {
    let mut all: HashMap<PartnerId, Vec<Model>> = HashMap::new();
    let methods = Entity::find()
        .filter(Column::PartnerId.is_in(partners.iter().copied()))
        .filter(Column::RemovedAt.is_null())
        .order_by_asc(Column::Id);
    for method in methods.all(db).await? {
        all.entry(method.partner_id).or_default().push(method);
    }
    let preferred = payout_preference::Entity::find()
        .filter(payout_preference::Column::PartnerId.is_in(partners))
        .filter(payout_preference::Column::Currency.eq(currency))
        .all(db)
        .await?;
    let chosen = all.iter().filter_map(|(partner, all)| {
        let own = preferred.iter().filter(|preference| preference.partner_id == *partner);
        let preferred: Vec<payout_preference::Model> = own.cloned().collect();
        let methods = Methods {
            all,
            preferred: &preferred,
        };
        Some((*partner, methods.chosen(currency)?.clone()))
    });
    Ok(chosen.collect())
}

/// What a method says, opened.
pub fn open_details(app: &App, row: &Model) -> std::result::Result<Details, Fault> {
    let text = app.key_ring.open(place_of(row.id), &row.details)?;
    serde_json::from_str(&text).map_err(Fault::new)
}
