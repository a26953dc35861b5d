//! Reading what happened in a brand.

use chrono::{DateTime, Utc};
use entity::{
    TenantScoped,
    audit_entry::{Column, Entity, Model},
    ids::BrandId,
};
use sea_orm::{ColumnTrait, Condition, QueryFilter};

use crate::{
    accounts::{
        actor::{ANONYMOUS_NAME, Actor, Place, SYSTEM_NAME},
        permissions::Operation,
    },
    app::App,
    error::ApiError,
    page::{self, Page, Slice},
};

/// Who did something, in kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActorKind {
    User,
    ApiKey,
    System,
    Anonymous,
}

impl ActorKind {
    /// Of an actor as the log names it.
    #[must_use]
    pub fn of(actor: &str) -> Self {
        match actor.split_once('_') {
            Some(("user", _)) => Self::User,
            Some(("key", _)) => Self::ApiKey,
            _ if actor == SYSTEM_NAME => Self::System,
            _ => Self::Anonymous,
        }
    }

    fn condition(self) -> Condition {
        let condition = Condition::all();
        match self {
            Self::User => condition.add(Column::Actor.starts_with("user_")),
            Self::ApiKey => condition.add(Column::Actor.starts_with("key_")),
            Self::System => condition.add(Column::Actor.eq(SYSTEM_NAME)),
            Self::Anonymous => condition.add(Column::Actor.eq(ANONYMOUS_NAME)),
        }
    }
}

/// Which entries to list; every condition must hold.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// The id of what it happened to.
    pub subject: Option<String>,
    /// The prefix of such ids.
    pub subject_prefix: Option<&'static str>,
    /// Any of these.
    pub actions: Option<Vec<String>>,
    /// The id of a user or a key.
    pub actor: Option<String>,
    pub actor_kind: Option<ActorKind>,
    pub from: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
}

impl AuditFilter {
    fn condition(self) -> Condition {
        // A prefix has no wildcard in it: letters only. The underscore behind it is one, which stands for itself here.
        let of_kind = |prefix: &str| Column::Subject.starts_with(format!("{prefix}_"));
        Condition::all()
            .add_option(self.subject.map(|id| Column::Subject.eq(id)))
            .add_option(self.subject_prefix.map(of_kind))
            .add_option(self.actions.map(|any| Column::Action.is_in(any)))
            .add_option(self.actor.map(|id| Column::Actor.eq(id)))
            .add_option(self.actor_kind.map(ActorKind::condition))
            .add_option(self.from.map(|from| Column::OccurredAt.gte(from)))
            .add_option(self.until.map(|until| Column::OccurredAt.lt(until)))
    }
}

#[must_use]
pub fn may_see_audit_entry(actor: &Actor, row: &Model) -> bool {
    row.brand_id
        .is_some_and(|brand| actor.authorise(Operation::SeeAuditLog, Place::brand(brand)).is_ok())
}

/// A brand's audit log, newest first.
pub async fn list_audit_entries(
    app: &App,
    actor: &Actor,
    brand: BrandId,
    filter: AuditFilter,
    page: &Page,
) -> Result<Slice<Model>, ApiError> {
    actor.authorise(Operation::SeeAuditLog, Place::brand(brand))?;
    let select = Entity::find_within(&actor.reach())
        .filter(Column::BrandId.eq(brand))
        .filter(filter.condition());
    page::fetch(app.db.read(), select, Column::Id, |row: &Model| row.id.0, page)
        .await
        .map_err(ApiError::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_is_told_by_its_id() {
        for (actor, kind) in [
            ("user_01h455vb4pex5vsknk084sn02q", ActorKind::User),
            ("key_01h455vb4pex5vsknk084sn02q", ActorKind::ApiKey),
            ("system", ActorKind::System),
            ("anonymous", ActorKind::Anonymous),
        ] {
            assert_eq!(ActorKind::of(actor), kind, "{actor}");
        }
        assert_eq!(Actor::system().audit_name(), SYSTEM_NAME);
        assert_eq!(Actor::anonymous().audit_name(), ANONYMOUS_NAME);
    }
}
