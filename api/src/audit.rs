//! Who changed what, when and why. Every change of state writes one row, in its transaction.

use entity::{
    audit_entry::{ActiveModel, Entity},
    ids::BrandId,
};
use sea_orm::{ActiveEnum, ActiveValue::Set, DatabaseTransaction, DbErr, EntityTrait};

use crate::{accounts::actor::Actor, app::App};

/// Characters of a reason.
pub const MAX_REASON_CHARS: usize = 500;

/// A reason as it is kept: trimmed, 1 to 500 characters.
#[must_use]
pub fn clean_reason(reason: &str) -> Option<&str> {
    let reason = reason.trim();
    // PostgreSQL keeps no NUL.
    let fits = !reason.is_empty() && reason.chars().count() <= MAX_REASON_CHARS && !reason.contains('\0');
    fits.then_some(reason)
}

/// The words for a transition that does not exist, naming both states.
#[must_use]
pub fn impossible<S: ActiveEnum<Value = String>>(what: &str, from: &S, to: &S) -> String {
    format!("{what} cannot go from {} to {}", from.to_value(), to.to_value())
}

/// A change to be remembered.
pub struct Change<'a> {
    pub brand: Option<BrandId>,
    pub action: &'static str,
    pub subject: String,
    pub from: Option<String>,
    pub to: Option<String>,
    pub reason: Option<&'a str>,
}

impl<'a> Change<'a> {
    /// A transition between two states of the same enum.
    #[must_use]
    pub fn of_state<S: ActiveEnum<Value = String>>(
        brand: BrandId,
        action: &'static str,
        subject: impl ToString,
        from: &S,
        to: &S,
        reason: Option<&'a str>,
    ) -> Self {
        Self {
            brand: Some(brand),
            action,
            subject: subject.to_string(),
            from: Some(from.to_value()),
            to: Some(to.to_value()),
            reason,
        }
    }

    /// Something a person did to their own account: it belongs to no brand.
    #[must_use]
    pub fn of_person(action: &'static str, subject: impl ToString, reason: Option<&'a str>) -> Self {
        Self {
            brand: None,
            action,
            subject: subject.to_string(),
            from: None,
            to: None,
            reason,
        }
    }

    /// Something that came into being, or changed without a state.
    #[must_use]
    pub fn of_fact(brand: BrandId, action: &'static str, subject: impl ToString) -> Self {
        Self {
            brand: Some(brand),
            action,
            subject: subject.to_string(),
            from: None,
            to: None,
            reason: None,
        }
    }
}

pub async fn record_in_tx(tx: &DatabaseTransaction, app: &App, actor: &Actor, change: Change<'_>) -> Result<(), DbErr> {
    let now = app.clock.now();
    Entity::insert(ActiveModel {
        id: Set(app.ids.new_id(now)),
        brand_id: Set(change.brand),
        actor: Set(actor.audit_name()),
        action: Set(change.action.to_owned()),
        subject: Set(change.subject),
        from_state: Set(change.from),
        to_state: Set(change.to),
        reason: Set(change.reason.map(str::to_owned)),
        occurred_at: Set(now),
    })
    .exec_without_returning(tx)
    .await
    .map(drop)
}
