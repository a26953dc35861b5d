//! Platform administrators, made and unmade from the command line only: whoever can run it has the database anyway.

use entity::user;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{Failure, Result, find_user_by_email};
use crate::{
    accounts::actor::{Actor, Identity},
    app::App,
    audit::{self, Change},
    error::ApiError,
};

/// Administrators listed at the most.
const MAX_LISTED: u64 = 1_000;

/// What a user is to the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlatformRole {
    User,
    Administrator,
}

impl PlatformRole {
    fn of(user: &user::Model) -> Self {
        if user.platform_admin {
            Self::Administrator
        } else {
            Self::User
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::User => "USER",
            Self::Administrator => "PLATFORM_ADMINISTRATOR",
        }
    }
}

/// Makes the user with this address an administrator, or a user like any other again. Rights are read for every request,
/// so it holds from the next one on.
pub async fn set_platform_role(app: &App, actor: &Actor, email: &str, role: PlatformRole) -> Result<user::Model> {
    only_the_program(actor)?;
    let user = find_user_by_email(app, email)
        .await?
        .ok_or_else(|| ApiError::NotFound(format!("no account has the address {email}")))?;
    let from = PlatformRole::of(&user);
    let tx = app.db.begin().await?;
    let changed = user::Entity::update_many()
        .set(user::ActiveModel {
            platform_admin: Set(role == PlatformRole::Administrator),
            ..Default::default()
        })
        .filter(user::Column::Id.eq(user.id))
        .filter(user::Column::PlatformAdmin.eq(role != PlatformRole::Administrator))
        .exec(&tx)
        .await?;
    if changed.rows_affected == 0 {
        let (from, to) = (from.name(), role.name());
        return Err(ApiError::Conflict(format!("{}: {from} cannot become {to}", user.email)).into());
    }
    let change = Change {
        from: Some(from.name().to_owned()),
        to: Some(role.name().to_owned()),
        ..Change::of_person("user.platform_role_set", user.id, None)
    };
    audit::record_in_tx(&tx, app, actor, change).await?;
    tx.commit().await?;
    Ok(user)
}

/// All administrators, the oldest account first.
pub async fn list_platform_admins(app: &App, actor: &Actor) -> Result<Vec<user::Model>> {
    only_the_program(actor)?;
    user::Entity::find()
        .filter(user::Column::PlatformAdmin.eq(true))
        .order_by_asc(user::Column::Id)
        .limit(MAX_LISTED)
        .all(app.db.read())
        .await
        .map_err(Failure::from)
}

fn only_the_program(actor: &Actor) -> std::result::Result<(), ApiError> {
    if actor.identity == Identity::System {
        return Ok(());
    }
    Err(ApiError::Forbidden(
        "platform administrators are made from the command line".to_owned(),
    ))
}
