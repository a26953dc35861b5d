//! The people of a brand: their roles, and their going.

use entity::{
    TenantScoped, brand,
    brand_member::{self, BrandRole},
    ids::{BrandId, BrandMemberId, UserId},
};
use sea_orm::{
    ActiveEnum, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter,
    QuerySelect, sea_query::LockType,
};

use super::{
    Acting, Code, Organisation, Result, check_may_own_in_tx, invitations::revoke_invitations_of_in_tx, role_above_yours,
};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    audit::{self, Change},
    error::{ApiError, Failure},
    members::rules::may_manage,
};

/// A member as it stands behind the brand's lock, and what the caller is there.
struct Managed {
    member: brand_member::Model,
    acting: BrandRole,
    caller: UserId,
}

async fn manage_in_tx(
    tx: &DatabaseTransaction,
    actor: &Actor,
    operation: Operation,
    id: BrandMemberId,
) -> Result<Managed> {
    let find = || brand_member::Entity::find_within(&actor.reach()).filter(brand_member::Column::Id.eq(id));
    let missing = || ApiError::not_found("member");
    let brand = find().one(tx).await?.ok_or_else(missing)?.brand_id;
    actor.authorise(operation, Place::brand(brand))?;
    let acting = enter_brand_in_tx(tx, actor, operation, brand).await?;
    Ok(Managed {
        member: find().one(tx).await?.ok_or_else(missing)?,
        acting,
        caller: actor.user()?,
    })
}

async fn enter_brand_in_tx(
    tx: &DatabaseTransaction,
    actor: &Actor,
    operation: Operation,
    brand: BrandId,
) -> Result<BrandRole> {
    match Organisation::Brand(brand).enter_in_tx(tx, actor, operation).await? {
        Acting::InBrand(role) => Ok(role),
        Acting::InPartner => Err(ApiError::not_found("brand").into()),
    }
}

pub async fn change_brand_member_role(
    app: &App,
    actor: &Actor,
    id: BrandMemberId,
    role: BrandRole,
) -> Result<brand_member::Model> {
    let tx = app.db.begin().await?;
    let Managed { member, acting, .. } = manage_in_tx(&tx, actor, Operation::ChangeBrandMemberRole, id).await?;
    if !may_manage(acting, member.role) || !may_manage(acting, role) {
        return Err(role_above_yours());
    }
    if member.role == role {
        return Err(Failure::refused_field(
            Code::RoleUnchanged,
            "role",
            format!("this member is {} already", role.to_value()),
        ));
    }
    if role == BrandRole::Owner {
        check_owner_room_in_tx(&tx, member.user_id).await?;
    } else {
        check_not_last_owner_in_tx(&tx, &member).await?;
    }
    let member = set_role_in_tx(&tx, app, actor, member, role).await?;
    tx.commit().await?;
    Ok(member)
}

async fn check_owner_room_in_tx(tx: &DatabaseTransaction, user: UserId) -> Result<()> {
    entity::user::Entity::find_by_id(user)
        .lock(LockType::NoKeyUpdate)
        .one(tx)
        .await?;
    check_may_own_in_tx(tx, user).await
}

async fn check_not_last_owner_in_tx(tx: &DatabaseTransaction, member: &brand_member::Model) -> Result<()> {
    if member.role != BrandRole::Owner {
        return Ok(());
    }
    let owners = brand_member::Entity::find()
        .filter(brand_member::Column::BrandId.eq(member.brand_id))
        .filter(brand_member::Column::Role.eq(BrandRole::Owner))
        .count(tx)
        .await?;
    if owners > 1 {
        Ok(())
    } else {
        Err(Failure::refused(
            Code::LastOwner,
            "a brand always has an owner: make somebody else one first",
        ))
    }
}

async fn set_role_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    mut member: brand_member::Model,
    role: BrandRole,
) -> Result<brand_member::Model> {
    let (brand, id) = (member.brand_id, member.id);
    let change = Change::of_state(brand, "brand_member.role_changed", id, &member.role, &role, None);
    audit::record_in_tx(tx, app, actor, change).await?;
    member.role = role;
    brand_member::Entity::update(brand_member::ActiveModel {
        id: Set(id),
        role: Set(role),
        ..Default::default()
    })
    .exec_without_returning(tx)
    .await?;
    let of = Organisation::Brand(brand);
    revoke_invitations_of_in_tx(tx, app, actor, of, member.user_id, Some(role)).await?;
    Ok(member)
}

pub async fn remove_brand_member(app: &App, actor: &Actor, id: BrandMemberId) -> Result<brand_member::Model> {
    let tx = app.db.begin().await?;
    let Managed { member, acting, caller } = manage_in_tx(&tx, actor, Operation::RemoveBrandMember, id).await?;
    if member.user_id == caller {
        return Err(Failure::refused(Code::Yourself, "this is you: leave the brand instead"));
    }
    if !may_manage(acting, member.role) {
        return Err(role_above_yours());
    }
    delete_in_tx(&tx, app, actor, &member, "brand_member.removed").await?;
    tx.commit().await?;
    Ok(member)
}

pub async fn leave_brand(app: &App, actor: &Actor, brand: BrandId) -> Result<brand::Model> {
    actor.authorise(Operation::LeaveBrand, Place::brand(brand))?;
    let tx = app.db.begin().await?;
    enter_brand_in_tx(&tx, actor, Operation::LeaveBrand, brand).await?;
    let missing = || ApiError::not_found("brand");
    let member = brand_member::Entity::find()
        .filter(brand_member::Column::BrandId.eq(brand))
        .filter(brand_member::Column::UserId.eq(actor.user()?))
        .one(&tx)
        .await?
        .ok_or_else(missing)?;
    delete_in_tx(&tx, app, actor, &member, "brand_member.left").await?;
    let row = brand::Entity::find_by_id(brand).one(&tx).await?.ok_or_else(missing)?;
    tx.commit().await?;
    Ok(row)
}

async fn delete_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    member: &brand_member::Model,
    action: &'static str,
) -> Result<()> {
    check_not_last_owner_in_tx(tx, member).await?;
    brand_member::Entity::delete_by_id(member.id).exec(tx).await?;
    let change = Change {
        // The row is gone: the log keeps whose it was.
        reason: Some(&member.user_id.to_string()),
        from: Some(member.role.to_value()),
        ..Change::of_fact(member.brand_id, action, member.id)
    };
    audit::record_in_tx(tx, app, actor, change).await?;
    let of = Organisation::Brand(member.brand_id);
    revoke_invitations_of_in_tx(tx, app, actor, of, member.user_id, None).await
}

/// Makes another member an owner in the caller's place; the caller stays as an admin.
pub async fn transfer_brand_ownership(app: &App, actor: &Actor, id: BrandMemberId) -> Result<brand_member::Model> {
    let tx = app.db.begin().await?;
    let Managed { member, caller, .. } = manage_in_tx(&tx, actor, Operation::TransferBrandOwnership, id).await?;
    if member.role == BrandRole::Owner {
        return Err(Failure::refused(Code::RoleUnchanged, "this member is OWNER already"));
    }
    check_owner_room_in_tx(&tx, member.user_id).await?;
    let mine = brand_member::Entity::find()
        .filter(brand_member::Column::BrandId.eq(member.brand_id))
        .filter(brand_member::Column::UserId.eq(caller))
        .one(&tx)
        .await?
        .ok_or_else(|| ApiError::not_found("brand"))?;
    let member = set_role_in_tx(&tx, app, actor, member, BrandRole::Owner).await?;
    set_role_in_tx(&tx, app, actor, mine, BrandRole::Admin).await?;
    tx.commit().await?;
    Ok(member)
}
