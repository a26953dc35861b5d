//! Use cases of an organisation's people.

mod brand_members;
mod invitation_mail;
mod invitations;
mod partner_members;

use entity::{
    brand,
    brand_member::{self, BrandRole},
    ids::{BrandId, PartnerId, UserId},
    member_invitation, partner, partner_member, user,
};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect, sea_query::LockType,
};

pub use self::{
    brand_members::{change_brand_member_role, leave_brand, remove_brand_member, transfer_brand_ownership},
    invitation_mail::write_invitation_mail,
    invitations::{
        Invite, NewInvitation, accept_invitation, decline_invitation, invite, list_invitations, resend_invitation,
        revoke_invitation,
    },
    partner_members::{leave_partner, list_partner_members, remove_partner_member},
};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::{Operation, Role},
        service::MAX_PARTNERS_PER_USER,
    },
    brands::service::MAX_BRANDS_PER_USER,
    error::{ApiError, Failure, Fault},
    members::error::MemberErrorCode as Code,
};

type Result<T> = std::result::Result<T, Failure<Code>>;

const MAX_MEMBERS: u64 = 200;
/// Brands a user may be a member of, in whatever role.
const MAX_MEMBERSHIPS_PER_USER: u64 = 50;

/// Of what sort the organisation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Brand,
    Partner,
}

/// Whose people they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Organisation {
    Brand(BrandId),
    Partner(PartnerId),
}

impl Organisation {
    /// The one that asks somebody in.
    fn of(invitation: &member_invitation::Model) -> std::result::Result<Self, Fault> {
        match (invitation.brand_id, invitation.partner_id) {
            (Some(brand), None) => Ok(Self::Brand(brand)),
            (None, Some(partner)) => Ok(Self::Partner(partner)),
            _ => Err(Fault::new("an invitation is of one brand or one partner")),
        }
    }

    fn place(self) -> Place {
        match self {
            Self::Brand(brand) => Place::brand(brand),
            Self::Partner(partner) => Place::partner(partner),
        }
    }

    /// Lets changes of its people happen one after the other.
    async fn lock_in_tx(self, tx: &DatabaseTransaction) -> std::result::Result<(), DbErr> {
        match self {
            Self::Brand(id) => brand::Entity::find_by_id(id)
                .lock(LockType::NoKeyUpdate)
                .one(tx)
                .await
                .map(drop),
            Self::Partner(id) => partner::Entity::find_by_id(id)
                .lock(LockType::NoKeyUpdate)
                .one(tx)
                .await
                .map(drop),
        }
    }

    /// Locks, and asks again whether the caller may: the rights of the request were read before.
    async fn enter_in_tx(self, tx: &DatabaseTransaction, actor: &Actor, operation: Operation) -> Result<Acting> {
        self.lock_in_tx(tx).await?;
        let user = actor.user()?;
        let (acting, role) = match self {
            Self::Brand(brand) => {
                let member = brand_member::Entity::find()
                    .filter(brand_member::Column::BrandId.eq(brand))
                    .filter(brand_member::Column::UserId.eq(user))
                    .one(tx)
                    .await?
                    .ok_or_else(|| ApiError::not_found("brand"))?;
                (Acting::InBrand(member.role), Role::from(member.role))
            }
            Self::Partner(partner) => {
                partner_member::Entity::find()
                    .filter(partner_member::Column::PartnerId.eq(partner))
                    .filter(partner_member::Column::UserId.eq(user))
                    .one(tx)
                    .await?
                    .ok_or_else(|| ApiError::not_found("partner"))?;
                (Acting::InPartner, Role::PartnerMember)
            }
        };
        if operation.allowed().contains(&role) {
            Ok(acting)
        } else {
            Err(ApiError::Forbidden(format!("your role does not allow `{}`", operation.name())).into())
        }
    }

    async fn count_members_in_tx(self, tx: &DatabaseTransaction) -> std::result::Result<u64, DbErr> {
        match self {
            Self::Brand(brand) => {
                brand_member::Entity::find()
                    .filter(brand_member::Column::BrandId.eq(brand))
                    .count(tx)
                    .await
            }
            Self::Partner(partner) => {
                partner_member::Entity::find()
                    .filter(partner_member::Column::PartnerId.eq(partner))
                    .count(tx)
                    .await
            }
        }
    }

    async fn has_member_in_tx(self, tx: &DatabaseTransaction, user: UserId) -> std::result::Result<bool, DbErr> {
        let found = match self {
            Self::Brand(brand) => {
                brand_member::Entity::find()
                    .filter(brand_member::Column::BrandId.eq(brand))
                    .filter(brand_member::Column::UserId.eq(user))
                    .count(tx)
                    .await?
            }
            Self::Partner(partner) => {
                partner_member::Entity::find()
                    .filter(partner_member::Column::PartnerId.eq(partner))
                    .filter(partner_member::Column::UserId.eq(user))
                    .count(tx)
                    .await?
            }
        };
        Ok(found > 0)
    }
}

/// What the caller is in the organisation, read behind its lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Acting {
    InBrand(BrandRole),
    InPartner,
}

fn role_above_yours() -> Failure<Code> {
    Failure::refused(Code::RoleAboveYours, "only owners make, change and remove owners")
}

/// Refuses what would put a user into more organisations than anybody may be in. The user's row is locked, behind the
/// organisation's.
async fn check_room_of_user_in_tx(
    tx: &DatabaseTransaction,
    user: UserId,
    organisation: Organisation,
    role: Option<BrandRole>,
) -> Result<()> {
    user::Entity::find_by_id(user)
        .lock(LockType::NoKeyUpdate)
        .one(tx)
        .await?;
    match organisation {
        Organisation::Brand(_) => {
            let mine = brand_member::Entity::find().filter(brand_member::Column::UserId.eq(user));
            if mine.clone().count(tx).await? >= MAX_MEMBERSHIPS_PER_USER {
                return Err(Failure::refused(
                    Code::TooManyBrands,
                    format!("a user may be a member of at most {MAX_MEMBERSHIPS_PER_USER} brands"),
                ));
            }
            if role == Some(BrandRole::Owner) {
                check_may_own_in_tx(tx, user).await?;
            }
        }
        Organisation::Partner(_) => {
            let mine = partner_member::Entity::find().filter(partner_member::Column::UserId.eq(user));
            if mine.count(tx).await? >= MAX_PARTNERS_PER_USER {
                return Err(Failure::refused(
                    Code::TooManyPartners,
                    format!("a user may have at most {MAX_PARTNERS_PER_USER} partner accounts"),
                ));
            }
        }
    }
    Ok(())
}

async fn check_may_own_in_tx(tx: &DatabaseTransaction, user: UserId) -> Result<()> {
    let owned = brand_member::Entity::find()
        .filter(brand_member::Column::UserId.eq(user))
        .filter(brand_member::Column::Role.eq(BrandRole::Owner))
        .count(tx)
        .await?;
    if owned < MAX_BRANDS_PER_USER {
        Ok(())
    } else {
        Err(Failure::refused(
            Code::TooManyBrands,
            format!("a user may own at most {MAX_BRANDS_PER_USER} brands"),
        ))
    }
}
