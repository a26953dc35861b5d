//! Mails to a partner's people about where they are paid.

use chrono::{DateTime, Utc};
use entity::{mail::MailKind, partner, partner_member, payout_method::Model, user};
use sea_orm::{ColumnTrait, Condition, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::{
    app::App,
    error::Fault,
    mail::{self, Mail},
    payouts::methods::rules::{Notice, kind_name},
};

/// People of a partner who are told, at most.
const MAX_NOTIFIED: u64 = 50;

/// A method as people read it: `IBAN DE***3000`.
pub fn describe(row: &Model) -> String {
    format!("{} {}", kind_name(row.kind), row.masked)
}

pub fn moment(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// Tells those of the partner's people whose address is proved, and whoever did it in any case.
pub async fn notify_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    partner: &partner::Model,
    by: &user::Model,
    what: &str,
) -> Result<(), Fault> {
    let members = partner_member::Entity::find()
        .filter(partner_member::Column::PartnerId.eq(partner.id))
        .order_by_asc(partner_member::Column::Id)
        .limit(MAX_NOTIFIED)
        .all(tx)
        .await?;
    let proved = Condition::all()
        .add(user::Column::Id.is_in(members.iter().map(|member| member.user_id)))
        .add(user::Column::EmailVerifiedAt.is_not_null());
    let people = user::Entity::find()
        .filter(Condition::any().add(proved).add(user::Column::Id.eq(by.id)))
        .order_by_asc(user::Column::Id)
        .all(tx)
        .await?;
    for person in people {
        let notice = Notice {
            person: &person.display_name,
            partner: &partner.display_name,
            by: &by.display_name,
            what,
        };
        let mail = Mail {
            user: Some(person.id),
            kind: MailKind::PayoutMethod,
            subject: format!("Where {} is paid was changed", partner.display_name),
            text: notice.text(),
            to: person.email,
        };
        mail::enqueue_in_tx(tx, app, mail).await?;
    }
    Ok(())
}
