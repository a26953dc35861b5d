//! A partner's profile.

use entity::{ids::PartnerId, partner};
use sea_orm::{ActiveModelTrait, EntityTrait, QuerySelect, sea_query::LockType};
use serde_json::json;

use super::{Code, Result};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
        rules,
    },
    app::App,
    audit::{self, Change},
    error::{ApiError, Failure},
    outbox::{self, Fact, Topic},
};

const MAX_BIO_CHARS: usize = 2_000;

/// The name as it will be shown. `prefix` says where in the input the fields stand.
pub(super) fn check_profile(display_name: &str, bio: Option<&str>, prefix: &str) -> Result<String> {
    let display_name = rules::clean_name(display_name).ok_or_else(|| {
        let field = format!("{prefix}displayName");
        Failure::refused_field(Code::NameInvalid, &field, "a name has 1 to 100 characters")
    })?;
    // PostgreSQL keeps no NUL.
    if bio.is_some_and(|bio| bio.chars().count() > MAX_BIO_CHARS || bio.contains('\0')) {
        return Err(Failure::refused_field(
            Code::BioTooLong,
            &format!("{prefix}bio"),
            "a profile text has at most 2,000 characters, and no NUL among them",
        ));
    }
    Ok(display_name)
}

/// What to change of a partner's profile; what is absent stays, and nothing in its place takes it away.
pub struct PartnerPatch {
    pub display_name: Option<String>,
    pub bio: Option<Option<String>>,
    pub country: Option<Option<String>>,
}

pub async fn update_partner(app: &App, actor: &Actor, id: PartnerId, patch: PartnerPatch) -> Result<partner::Model> {
    actor.authorise(Operation::UpdatePartner, Place::partner(id))?;
    let tx = app.db.begin().await?;
    let row = partner::Entity::find_by_id(id)
        .lock(LockType::NoKeyUpdate)
        .one(&tx)
        .await?
        .ok_or_else(|| ApiError::not_found("partner"))?;
    let bio = patch.bio.unwrap_or(row.bio);
    let display_name = patch.display_name.unwrap_or(row.display_name);
    let row = partner::Model {
        display_name: check_profile(&display_name, bio.as_deref(), "patch.")?,
        bio,
        country: patch.country.unwrap_or(row.country),
        ..row
    };
    partner::Entity::update(partner::ActiveModel::from(row.clone()).reset_all())
        .exec_without_returning(&tx)
        .await?;
    audit::record_in_tx(&tx, app, actor, Change::of_person("partner.updated", id, None)).await?;
    // Its name, text and country are what a creator is found by.
    let fact = Fact {
        topic: Topic::CreatorChanged,
        brand: None,
        partner: Some(id),
        subject: id.0,
        payload: json!({}),
    };
    outbox::enqueue_in_tx(&tx, app, fact).await?;
    app.commit(tx).await?;
    Ok(row)
}
