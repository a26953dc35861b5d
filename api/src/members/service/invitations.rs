//! Asking people in. One mechanism for brands and partners.

use chrono::TimeDelta;
use entity::{
    TenantScoped,
    brand_member::{self, BrandRole},
    ids::{MemberInvitationId, UserId},
    member_invitation::{self, MemberInvitationState as State},
    partner_member, user,
};
use sea_orm::{
    ActiveEnum, ActiveValue::Set, ColumnTrait, Condition, DatabaseTransaction, EntityTrait, PaginatorTrait,
    QueryFilter, Select,
};

use super::{
    Acting, Code, Kind, MAX_MEMBERS, Organisation, Result, check_room_of_user_in_tx, invitation_mail, role_above_yours,
};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
        rules::email_key,
        tokens,
    },
    app::App,
    audit::{self, Change},
    error::{ApiError, Failure},
    members::rules::may_manage,
    page::{self, Page, Slice},
};

/// How long an invitation is good for.
const VALID_DAYS: i64 = 7;
const MAX_OPEN: u64 = 50;
pub(super) const TOKEN_PREFIX: &str = "tri_";

/// An invitation with its token, which is shown this once.
#[derive(Debug)]
pub struct NewInvitation {
    pub invitation: member_invitation::Model,
    pub token: String,
}

pub struct Invite {
    pub organisation: Organisation,
    pub email: String,
    /// In a brand.
    pub role: Option<BrandRole>,
}

/// Asks somebody in, and mails them. Whether the address has an account makes no difference.
pub async fn invite(app: &App, actor: &Actor, command: Invite) -> Result<NewInvitation> {
    let organisation = command.organisation;
    let operation = match organisation {
        Organisation::Brand(_) => Operation::InviteBrandMember,
        Organisation::Partner(_) => Operation::InvitePartnerMember,
    };
    actor.authorise(operation, organisation.place())?;
    let email_key = email_key(&command.email)
        .ok_or_else(|| Failure::refused_field(Code::EmailInvalid, "email", "this is not an e-mail address"))?;
    let now = app.clock.now();
    let token = tokens::new_opaque(app, TOKEN_PREFIX);
    let place = organisation.place();
    let row = member_invitation::Model {
        id: app.ids.new_id(now),
        brand_id: place.brand,
        partner_id: place.partner,
        role: command.role,
        email: command.email.trim().to_owned(),
        email_key,
        token_hash: tokens::fingerprint(&token),
        mailed_token_hash: None,
        state: State::Sent,
        invited_by: actor.user()?,
        created_at: now,
        expires_at: now + TimeDelta::days(VALID_DAYS),
        decided_at: None,
    };
    let tx = app.db.begin().await?;
    let acting = organisation.enter_in_tx(&tx, actor, operation).await?;
    check_may_give(acting, row.role)?;
    check_wanted_in_tx(&tx, app, organisation, &row.email_key).await?;
    member_invitation::Entity::insert(member_invitation::ActiveModel::from(row.clone()))
        .exec_without_returning(&tx)
        .await?;
    record_in_tx(&tx, app, actor, &row, "member_invitation.sent", None, State::Sent).await?;
    invitation_mail::enqueue_in_tx(&tx, app, &row).await?;
    app.commit(tx).await?;
    Ok(NewInvitation { invitation: row, token })
}

fn check_may_give(acting: Acting, role: Option<BrandRole>) -> Result<()> {
    match (acting, role) {
        (Acting::InBrand(acting), Some(role)) if !may_manage(acting, role) => Err(role_above_yours()),
        _ => Ok(()),
    }
}

/// Refuses to ask in who is there, or was asked already.
async fn check_wanted_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    organisation: Organisation,
    email_key: &str,
) -> Result<()> {
    let holder = user::Entity::find()
        .filter(user::Column::EmailKey.eq(email_key))
        .one(tx)
        .await?;
    if let Some(holder) = holder
        && organisation.has_member_in_tx(tx, holder.id).await?
    {
        return Err(already_member());
    }
    let open = find_open(app, organisation);
    let same = member_invitation::Column::EmailKey.eq(email_key);
    if open.clone().filter(same).count(tx).await? > 0 {
        return Err(Failure::refused_field(
            Code::InvitationOpen,
            "email",
            "this address has an open invitation; resend or revoke that one",
        ));
    }
    if open.count(tx).await? >= MAX_OPEN {
        return Err(Failure::refused(
            Code::TooManyInvitations,
            format!("at most {MAX_OPEN} invitations may be open at a time"),
        ));
    }
    Ok(())
}

fn already_member() -> Failure<Code> {
    Failure::refused(Code::AlreadyMember, "this person is a member already")
}

fn find_open(app: &App, organisation: Organisation) -> Select<member_invitation::Entity> {
    let of = match organisation {
        Organisation::Brand(brand) => member_invitation::Column::BrandId.eq(brand),
        Organisation::Partner(partner) => member_invitation::Column::PartnerId.eq(partner),
    };
    member_invitation::Entity::find()
        .filter(of)
        .filter(member_invitation::Column::State.eq(State::Sent))
        .filter(member_invitation::Column::ExpiresAt.gt(app.clock.now()))
}

/// Gives an open invitation new tokens, another mail and seven more days; the old tokens are no longer good.
pub async fn resend_invitation(app: &App, actor: &Actor, kind: Kind, id: MemberInvitationId) -> Result<NewInvitation> {
    let operation = match kind {
        Kind::Brand => Operation::ResendBrandMemberInvitation,
        Kind::Partner => Operation::ResendPartnerMemberInvitation,
    };
    let tx = app.db.begin().await?;
    let row = open_own_in_tx(&tx, app, actor, (kind, operation), id, State::Sent).await?;
    let now = app.clock.now();
    let token = tokens::new_opaque(app, TOKEN_PREFIX);
    let row = member_invitation::Model {
        token_hash: tokens::fingerprint(&token),
        mailed_token_hash: None,
        expires_at: now + TimeDelta::days(VALID_DAYS),
        ..row
    };
    member_invitation::Entity::update(member_invitation::ActiveModel {
        id: Set(id),
        token_hash: Set(row.token_hash.clone()),
        mailed_token_hash: Set(None),
        expires_at: Set(row.expires_at),
        ..Default::default()
    })
    .exec_without_returning(&tx)
    .await?;
    record_in_tx(
        &tx,
        app,
        actor,
        &row,
        "member_invitation.resent",
        Some(State::Sent),
        State::Sent,
    )
    .await?;
    invitation_mail::enqueue_in_tx(&tx, app, &row).await?;
    app.commit(tx).await?;
    Ok(NewInvitation { invitation: row, token })
}

pub async fn revoke_invitation(
    app: &App,
    actor: &Actor,
    kind: Kind,
    id: MemberInvitationId,
) -> Result<member_invitation::Model> {
    let operation = match kind {
        Kind::Brand => Operation::RevokeBrandMemberInvitation,
        Kind::Partner => Operation::RevokePartnerMemberInvitation,
    };
    let tx = app.db.begin().await?;
    let row = open_own_in_tx(&tx, app, actor, (kind, operation), id, State::Revoked).await?;
    let row = decide_in_tx(&tx, app, actor, row, State::Revoked).await?;
    tx.commit().await?;
    Ok(row)
}

/// An open invitation of the caller's organisation, which is locked, on its way to another state.
async fn open_own_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    (kind, operation): (Kind, Operation),
    id: MemberInvitationId,
    to: State,
) -> Result<member_invitation::Model> {
    let of_kind = match kind {
        Kind::Brand => member_invitation::Column::BrandId.is_not_null(),
        Kind::Partner => member_invitation::Column::PartnerId.is_not_null(),
    };
    let find = || {
        member_invitation::Entity::find_within(&actor.reach())
            .filter(member_invitation::Column::Id.eq(id))
            .filter(of_kind.clone())
    };
    let missing = || ApiError::not_found("invitation");
    let organisation = Organisation::of(&find().one(tx).await?.ok_or_else(missing)?)?;
    actor.authorise(operation, organisation.place())?;
    let acting = organisation.enter_in_tx(tx, actor, operation).await?;
    let row = find().one(tx).await?.ok_or_else(missing)?;
    check_may_give(acting, row.role)?;
    match row.state_at(app.clock.now()) {
        State::Sent => Ok(row),
        state => Err(Failure::refused(
            Code::InvitationNotOpen,
            format!(
                "an invitation that is {} cannot become {}",
                state.to_value(),
                to.to_value()
            ),
        )),
    }
}

/// Brings the caller in. Every token that is not good gets the same answer, for whatever reason.
pub async fn accept_invitation(app: &App, actor: &Actor, token: &str) -> Result<member_invitation::Model> {
    actor.authorise(Operation::AcceptMemberInvitation, Place::default())?;
    let user = actor.user()?;
    let tx = app.db.begin().await?;
    let (row, organisation) = open_mine_in_tx(&tx, app, user, token).await?;
    if organisation.has_member_in_tx(&tx, user).await? {
        return Err(already_member());
    }
    if organisation.count_members_in_tx(&tx).await? >= MAX_MEMBERS {
        return Err(Failure::refused(
            Code::TooManyMembers,
            format!("a brand or partner may have at most {MAX_MEMBERS} members"),
        ));
    }
    check_room_of_user_in_tx(&tx, user, organisation, row.role).await?;
    insert_member_in_tx(&tx, app, actor, organisation, user, row.role).await?;
    let row = decide_in_tx(&tx, app, actor, row, State::Accepted).await?;
    tx.commit().await?;
    Ok(row)
}

pub async fn decline_invitation(app: &App, actor: &Actor, token: &str) -> Result<member_invitation::Model> {
    actor.authorise(Operation::DeclineMemberInvitation, Place::default())?;
    let tx = app.db.begin().await?;
    let (row, _) = open_mine_in_tx(&tx, app, actor.user()?, token).await?;
    let row = decide_in_tx(&tx, app, actor, row, State::Declined).await?;
    tx.commit().await?;
    Ok(row)
}

/// The open invitation of a token, for this user, with its organisation locked.
async fn open_mine_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    user: UserId,
    token: &str,
) -> Result<(member_invitation::Model, Organisation)> {
    let invalid = || {
        Failure::refused_field(
            Code::InvitationInvalid,
            "token",
            "this invitation is unknown, used, expired or revoked, or for another address",
        )
    };
    let hash = tokens::fingerprint(token);
    let either = Condition::any()
        .add(member_invitation::Column::TokenHash.eq(&*hash))
        .add(member_invitation::Column::MailedTokenHash.eq(&*hash));
    let find = || member_invitation::Entity::find().filter(either.clone());
    let organisation = Organisation::of(&find().one(tx).await?.ok_or_else(invalid)?)?;
    organisation.lock_in_tx(tx).await?;
    let row = find().one(tx).await?.ok_or_else(invalid)?;
    let person = user::Entity::find_by_id(user).one(tx).await?;
    let mine = person.is_some_and(|person| person.email_key == row.email_key);
    if mine && row.state_at(app.clock.now()) == State::Sent {
        Ok((row, organisation))
    } else {
        Err(invalid())
    }
}

async fn insert_member_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    organisation: Organisation,
    user: UserId,
    role: Option<BrandRole>,
) -> Result<()> {
    let now = app.clock.now();
    let (action, subject) = match (organisation, role) {
        (Organisation::Brand(brand), Some(role)) => {
            let row = brand_member::Model {
                id: app.ids.new_id(now),
                brand_id: brand,
                user_id: user,
                role,
                created_at: now,
            };
            brand_member::Entity::insert(brand_member::ActiveModel::from(row.clone()))
                .exec_without_returning(tx)
                .await?;
            ("brand_member.added", row.id.to_string())
        }
        (Organisation::Partner(partner), None) => {
            let row = partner_member::Model {
                id: app.ids.new_id(now),
                partner_id: partner,
                user_id: user,
                created_at: now,
            };
            partner_member::Entity::insert(partner_member::ActiveModel::from(row.clone()))
                .exec_without_returning(tx)
                .await?;
            ("partner_member.added", row.id.to_string())
        }
        _ => return Err(ApiError::internal("people have a role in a brand, and none in a partner").into()),
    };
    let change = Change {
        brand: organisation.place().brand,
        action,
        subject,
        from: None,
        to: role.map(|role| role.to_value()),
        reason: None,
    };
    audit::record_in_tx(tx, app, actor, change).await?;
    Ok(())
}

/// The last step of an open invitation whose organisation is locked.
async fn decide_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    mut row: member_invitation::Model,
    to: State,
) -> Result<member_invitation::Model> {
    row.state = to;
    row.decided_at = Some(app.clock.now());
    member_invitation::Entity::update(member_invitation::ActiveModel {
        id: Set(row.id),
        state: Set(row.state),
        decided_at: Set(row.decided_at),
        ..Default::default()
    })
    .exec_without_returning(tx)
    .await?;
    record_in_tx(tx, app, actor, &row, "member_invitation.decided", Some(State::Sent), to).await?;
    Ok(row)
}

/// Takes back what somebody sent and may no longer send; they have no role any more when it is absent.
pub(super) async fn revoke_invitations_of_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    organisation: Organisation,
    user: UserId,
    role: Option<BrandRole>,
) -> Result<()> {
    let sent = find_open(app, organisation)
        .filter(member_invitation::Column::InvitedBy.eq(user))
        .all(tx)
        .await?;
    for row in sent {
        let stands = matches!((role, row.role), (Some(acting), Some(given)) if may_manage(acting, given));
        if !stands {
            decide_in_tx(tx, app, actor, row, State::Revoked).await?;
        }
    }
    Ok(())
}

async fn record_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    row: &member_invitation::Model,
    action: &'static str,
    from: Option<State>,
    to: State,
) -> Result<()> {
    let change = Change {
        brand: row.brand_id,
        action,
        subject: row.id.to_string(),
        from: from.map(|state| state.to_value()),
        to: Some(to.to_value()),
        reason: None,
    };
    audit::record_in_tx(tx, app, actor, change).await?;
    Ok(())
}

pub async fn list_invitations(
    app: &App,
    actor: &Actor,
    organisation: Organisation,
    page: &Page,
) -> std::result::Result<Slice<member_invitation::Model>, ApiError> {
    let select = member_invitation::Entity::find_within(&actor.reach());
    let select = match organisation {
        Organisation::Brand(brand) => {
            actor.authorise(Operation::SeeMemberInvitations, organisation.place())?;
            select.filter(member_invitation::Column::BrandId.eq(brand))
        }
        Organisation::Partner(partner) => {
            actor.authorise(Operation::SeeOwnMemberInvitations, organisation.place())?;
            select.filter(member_invitation::Column::PartnerId.eq(partner))
        }
    };
    page::fetch(
        app.db.read(),
        select,
        member_invitation::Column::Id,
        |row: &member_invitation::Model| row.id.0,
        page,
    )
    .await
    .map_err(ApiError::internal)
}
