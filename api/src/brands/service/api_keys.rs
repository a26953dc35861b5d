//! A brand's keys: made, listed, revoked.

use entity::{
    TenantScoped,
    api_key::{self, ApiKeyKind, ApiKeyMode},
    ids::{ApiKeyId, BrandId},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};

use super::{Code, Result};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
        rules, service as accounts, tokens,
    },
    app::App,
    audit::{self, Change},
    error::{ApiError, Failure},
    page::{self, Page, Slice},
};

const MAX_KEYS_PER_BRAND: u64 = 50;

/// A new key, whose text is shown this once.
#[derive(Debug)]
pub struct NewApiKey {
    pub key: api_key::Model,
    pub text: String,
}

pub struct CreateApiKey {
    pub brand: BrandId,
    pub kind: ApiKeyKind,
    pub mode: ApiKeyMode,
    pub name: String,
}

pub async fn create_api_key(app: &App, actor: &Actor, command: CreateApiKey) -> Result<NewApiKey> {
    let CreateApiKey {
        brand,
        kind,
        mode,
        name,
    } = command;
    actor.authorise(Operation::CreateApiKey, Place::brand(brand))?;
    let created_by = actor.user()?;
    let name = rules::clean_name(&name)
        .ok_or_else(|| Failure::refused_field(Code::NameInvalid, "name", "a name has 1 to 100 characters"))?;
    let now = app.clock.now();
    let tx = app.db.begin().await?;
    let in_use = api_key::Entity::find()
        .filter(api_key::Column::BrandId.eq(brand))
        .filter(api_key::Column::RevokedAt.is_null())
        .count(&tx)
        .await?;
    if in_use >= MAX_KEYS_PER_BRAND {
        return Err(Failure::refused(
            Code::TooManyApiKeys,
            "a brand may have at most 50 keys in use",
        ));
    }
    let text = tokens::new_opaque(app, accounts::key_prefix(kind, mode));
    let key = api_key::Model {
        id: app.ids.new_id(now),
        brand_id: brand,
        kind,
        mode,
        name,
        last_four: text.chars().skip(text.len() - 4).collect(),
        key_hash: tokens::fingerprint(&text),
        created_by,
        created_at: now,
        revoked_at: None,
    };
    api_key::Entity::insert(api_key::ActiveModel::from(key.clone()))
        .exec_without_returning(&tx)
        .await?;
    audit::record_in_tx(&tx, app, actor, Change::of_fact(brand, "api_key.created", key.id)).await?;
    tx.commit().await?;
    Ok(NewApiKey { key, text })
}

pub async fn revoke_api_key(app: &App, actor: &Actor, id: ApiKeyId) -> Result<api_key::Model> {
    let tx = app.db.begin().await?;
    let mut key = api_key::Entity::find_within(&actor.reach())
        .filter(api_key::Column::Id.eq(id))
        .one(&tx)
        .await?
        .ok_or_else(|| ApiError::not_found("API key"))?;
    actor.authorise(Operation::RevokeApiKey, Place::brand(key.brand_id))?;
    if key.revoked_at.is_some() {
        return Err(Failure::refused(Code::ApiKeyRevoked, "this key was revoked before"));
    }
    key.revoked_at = Some(app.clock.now());
    api_key::Entity::update(api_key::ActiveModel {
        id: Set(id),
        revoked_at: Set(key.revoked_at),
        ..Default::default()
    })
    .exec_without_returning(&tx)
    .await?;
    audit::record_in_tx(
        &tx,
        app,
        actor,
        Change::of_fact(key.brand_id, "api_key.revoked", key.id),
    )
    .await?;
    tx.commit().await?;
    Ok(key)
}

pub async fn list_api_keys(
    app: &App,
    actor: &Actor,
    brand: BrandId,
    page: &Page,
) -> std::result::Result<Slice<api_key::Model>, ApiError> {
    actor.authorise(Operation::SeeApiKeys, Place::brand(brand))?;
    let select = api_key::Entity::find_within(&actor.reach()).filter(api_key::Column::BrandId.eq(brand));
    page::fetch(
        app.db.read(),
        select,
        api_key::Column::Id,
        |row: &api_key::Model| row.id.0,
        page,
    )
    .await
    .map_err(ApiError::internal)
}
