//! The people of a partner, who are all equal.

use entity::{
    ids::{PartnerId, PartnerMemberId, UserId},
    partner, partner_member,
};
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};

use super::{Code, Organisation, Result, invitations::revoke_invitations_of_in_tx};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    audit::{self, Change},
    error::{ApiError, Failure},
    page::{self, Page, Slice},
};

pub async fn list_partner_members(
    app: &App,
    actor: &Actor,
    partner: PartnerId,
    page: &Page,
) -> std::result::Result<Slice<partner_member::Model>, ApiError> {
    actor.authorise(Operation::SeeOwnMembers, Place::partner(partner))?;
    page::fetch(
        app.db.read(),
        partner_member::Entity::find().filter(partner_member::Column::PartnerId.eq(partner)),
        partner_member::Column::Id,
        |row: &partner_member::Model| row.id.0,
        page,
    )
    .await
    .map_err(ApiError::internal)
}

pub async fn remove_partner_member(app: &App, actor: &Actor, id: PartnerMemberId) -> Result<partner_member::Model> {
    let missing = || ApiError::not_found("member");
    let tx = app.db.begin().await?;
    let find = || partner_member::Entity::find_by_id(id);
    let partner = find().one(&tx).await?.ok_or_else(missing)?.partner_id;
    // Whose member it is says nothing to a stranger.
    actor
        .authorise(Operation::RemovePartnerMember, Place::partner(partner))
        .map_err(|error| match error {
            ApiError::NotFound(_) => missing(),
            other => other,
        })?;
    Organisation::Partner(partner)
        .enter_in_tx(&tx, actor, Operation::RemovePartnerMember)
        .await?;
    let member = find().one(&tx).await?.ok_or_else(missing)?;
    if member.user_id == actor.user()? {
        return Err(Failure::refused(
            Code::Yourself,
            "this is you: leave the partner account instead",
        ));
    }
    delete_in_tx(&tx, app, actor, partner, member.user_id, "partner_member.removed").await?;
    tx.commit().await?;
    Ok(member)
}

pub async fn leave_partner(app: &App, actor: &Actor, partner: PartnerId) -> Result<partner::Model> {
    actor.authorise(Operation::LeavePartner, Place::partner(partner))?;
    let of = Organisation::Partner(partner);
    let tx = app.db.begin().await?;
    of.enter_in_tx(&tx, actor, Operation::LeavePartner).await?;
    if of.count_members_in_tx(&tx).await? < 2 {
        return Err(Failure::refused(
            Code::LastMember,
            "a partner always has a member: ask somebody else in first",
        ));
    }
    delete_in_tx(&tx, app, actor, partner, actor.user()?, "partner_member.left").await?;
    let row = partner::Entity::find_by_id(partner)
        .one(&tx)
        .await?
        .ok_or_else(|| ApiError::not_found("partner"))?;
    tx.commit().await?;
    Ok(row)
}

async fn delete_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    partner: PartnerId,
    user: UserId,
    action: &'static str,
) -> Result<()> {
    partner_member::Entity::delete_many()
        .filter(partner_member::Column::PartnerId.eq(partner))
        .filter(partner_member::Column::UserId.eq(user))
        .exec(tx)
        .await?;
    let person = user.to_string();
    audit::record_in_tx(tx, app, actor, Change::of_person(action, partner, Some(&person))).await?;
    revoke_invitations_of_in_tx(tx, app, actor, Organisation::Partner(partner), user, None).await
}
