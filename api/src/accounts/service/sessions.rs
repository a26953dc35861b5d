//! Sessions: new tokens for used-up ones, and how a session ends.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    ids::{SessionId, UserId},
    session, used_refresh_token, user,
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, DatabaseTransaction, DbErr, EntityTrait, QueryFilter, QuerySelect,
    sea_query::{Query, SelectStatement},
};

use super::{Result, SignedIn};
use crate::{
    accounts::{
        actor::{Actor, Device, Place},
        error::AccountErrorCode as Code,
        permissions::Operation,
        tokens,
    },
    app::App,
    audit::{self, Change},
    error::{ApiError, Failure},
    infra::db::INSERT_CHUNK,
    page::{self, Page, Slice},
};

const REFRESH_PREFIX: &str = "trs_";

/// Exchanges a refresh token for new tokens. The old one is used up: whoever presents it again, be it the honest client
/// a moment later, proves that two hold it, and the session ends for both. There is no grace.
pub async fn refresh_session(app: &App, refresh_token: &str, device: Device) -> Result<SignedIn> {
    let refuse = || Failure::refused(Code::RefreshTokenInvalid, "sign in again");
    let now = app.clock.now();
    let presented = tokens::fingerprint(refresh_token);
    let tx = app.db.begin().await?;
    let Some(session) = rotatable_in_tx(&tx, &presented, now).await? else {
        end_stolen_in_tx(&tx, app, &presented).await?;
        tx.commit().await?;
        return Err(refuse());
    };
    let user = user::Entity::find_by_id(session.user_id)
        .one(&tx)
        .await?
        .ok_or_else(refuse)?;
    let refresh_token = tokens::new_opaque(app, REFRESH_PREFIX);
    // The old hash is part of the condition: of two requests with the same token one wins.
    let rotated = session::Entity::update_many()
        .set(session::ActiveModel {
            refresh_hash: Set(tokens::fingerprint(&refresh_token)),
            last_used_at: Set(Some(now)),
            user_agent: Set(device.user_agent),
            client_address: Set(device.address.map(|address| address.to_string())),
            ..Default::default()
        })
        .filter(session::Column::Id.eq(session.id))
        .filter(session::Column::RefreshHash.eq(&*presented))
        .filter(session::Column::RevokedAt.is_null())
        .exec(&tx)
        .await?;
    if rotated.rows_affected == 0 {
        // The other one has committed by now, so its use can be seen.
        end_stolen_in_tx(&tx, app, &presented).await?;
        tx.commit().await?;
        return Err(refuse());
    }
    used_refresh_token::Entity::insert(used_refresh_token::ActiveModel {
        refresh_hash: Set(presented),
        session_id: Set(session.id),
        used_at: Set(now),
    })
    .exec_without_returning(&tx)
    .await?;
    let (access_token, access_expires_at) = tokens::sign_access(app, user.id, session.id)?;
    tx.commit().await?;
    Ok(SignedIn {
        user,
        access_token,
        access_expires_at,
        refresh_token,
        refresh_expires_at: session.expires_at,
    })
}

/// The living session whose current refresh token this is.
async fn rotatable_in_tx(
    tx: &DatabaseTransaction,
    refresh_hash: &str,
    now: DateTime<Utc>,
) -> std::result::Result<Option<session::Model>, DbErr> {
    session::Entity::find()
        .filter(session::Column::RefreshHash.eq(refresh_hash))
        .filter(alive(now))
        .one(tx)
        .await
}

/// What makes a session one that still counts.
fn alive(now: DateTime<Utc>) -> Condition {
    Condition::all()
        .add(session::Column::RevokedAt.is_null())
        .add(session::Column::ExpiresAt.gt(now))
}

/// Ends the session that used up this token, if any did. A token nobody ever had does nothing.
async fn end_stolen_in_tx(tx: &DatabaseTransaction, app: &App, refresh_hash: &str) -> std::result::Result<(), DbErr> {
    let used = used_refresh_token::Entity::find_by_id(refresh_hash).one(tx).await?;
    if let Some(used) = used {
        let reason = "a used refresh token was presented again";
        revoke_session_in_tx(tx, app, &Actor::anonymous(), used.session_id, reason).await?;
    }
    Ok(())
}

/// Ends a session once. None when it was over before.
async fn revoke_session_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    id: SessionId,
    reason: &str,
) -> std::result::Result<Option<session::Model>, DbErr> {
    let now = app.clock.now();
    let revoked = session::Entity::update_many()
        .set(session::ActiveModel {
            revoked_at: Set(Some(now)),
            ..Default::default()
        })
        .filter(session::Column::Id.eq(id))
        .filter(alive(now))
        .exec(tx)
        .await?;
    if revoked.rows_affected == 0 {
        return Ok(None);
    }
    let change = Change::of_person("session.revoked", id, Some(reason));
    audit::record_in_tx(tx, app, actor, change).await?;
    session::Entity::find_by_id(id).one(tx).await
}

/// Ends all living sessions of a user but those kept: one statement and one audit row, however many. Returns how many.
pub(super) async fn revoke_all_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    user: UserId,
    kept: &[SessionId],
    reason: &str,
) -> std::result::Result<u64, DbErr> {
    let now = app.clock.now();
    let others = alive(now)
        .add(session::Column::UserId.eq(user))
        .add(session::Column::Id.is_not_in(kept.iter().copied()));
    let revoked = session::Entity::update_many()
        .set(session::ActiveModel {
            revoked_at: Set(Some(now)),
            ..Default::default()
        })
        .filter(others)
        .exec(tx)
        .await?;
    if revoked.rows_affected > 0 {
        let change = Change::of_person("sessions.revoked", user, Some(reason));
        audit::record_in_tx(tx, app, actor, change).await?;
    }
    Ok(revoked.rows_affected)
}

/// Ends the session of a refresh token, or the one the caller asks with. A used-up token will do: it can only mean that
/// session, and who presents it wants it gone or has stolen it.
pub async fn sign_out(app: &App, actor: &Actor, refresh_token: Option<&str>) -> Result<session::Model> {
    actor.authorise(Operation::SignOut, Place::default())?;
    let tx = app.db.begin().await?;
    let (id, refuse) = match refresh_token {
        Some(token) => {
            let refuse = || Failure::refused(Code::RefreshTokenInvalid, "there is no such session to sign out of");
            let id = session_of_token_in_tx(&tx, &tokens::fingerprint(token)).await?;
            (id.ok_or_else(refuse)?, refuse())
        }
        None => {
            actor.user()?;
            let id = actor.session.ok_or_else(session_not_found)?;
            (id, session_not_found())
        }
    };
    let ended = revoke_session_in_tx(&tx, app, actor, id, "signed out")
        .await?
        .ok_or(refuse)?;
    tx.commit().await?;
    Ok(ended)
}

async fn session_of_token_in_tx(
    tx: &DatabaseTransaction,
    refresh_hash: &str,
) -> std::result::Result<Option<SessionId>, DbErr> {
    let current = session::Entity::find()
        .filter(session::Column::RefreshHash.eq(refresh_hash))
        .one(tx)
        .await?;
    if let Some(session) = current {
        return Ok(Some(session.id));
    }
    let used = used_refresh_token::Entity::find_by_id(refresh_hash).one(tx).await?;
    Ok(used.map(|used| used.session_id))
}

/// Somebody else's session is as if it did not exist.
fn session_not_found() -> Failure<Code> {
    Failure::refused(Code::SessionNotFound, "you have no such session, or it is over")
}

/// Ends one of the caller's sessions; it may be the one they ask with.
pub async fn revoke_session(app: &App, actor: &Actor, id: SessionId) -> Result<session::Model> {
    actor.authorise(Operation::RevokeSession, Place::default())?;
    let user = actor.user()?;
    let tx = app.db.begin().await?;
    let own = session::Entity::find_by_id(id)
        .filter(session::Column::UserId.eq(user))
        .one(&tx)
        .await?
        .ok_or_else(session_not_found)?;
    let ended = revoke_session_in_tx(&tx, app, actor, own.id, "revoked by its user")
        .await?
        .ok_or_else(session_not_found)?;
    tx.commit().await?;
    Ok(ended)
}

/// Ends all of the caller's sessions but the one they ask with and the one they want to keep; returns how many.
pub async fn revoke_other_sessions(app: &App, actor: &Actor, keep: Option<SessionId>) -> Result<i32> {
    actor.authorise(Operation::RevokeOtherSessions, Place::default())?;
    let user = actor.user()?;
    let tx = app.db.begin().await?;
    if let Some(keep) = keep {
        session::Entity::find_by_id(keep)
            .filter(session::Column::UserId.eq(user))
            .filter(alive(app.clock.now()))
            .one(&tx)
            .await?
            .ok_or_else(session_not_found)?;
    }
    let kept: Vec<SessionId> = actor.session.into_iter().chain(keep).collect();
    let revoked = revoke_all_in_tx(&tx, app, actor, user, &kept, "revoked by its user").await?;
    tx.commit().await?;
    Ok(i32::try_from(revoked).unwrap_or(i32::MAX))
}

/// Writes when the sessions that came in lately were used: now, as far as a session list needs to know.
pub async fn write_sessions_last_used(app: &App) -> std::result::Result<(), DbErr> {
    let now = app.clock.now();
    let used = app.sessions_in_use.take();
    for chunk in used.chunks(INSERT_CHUNK) {
        let tx = app.db.begin().await?;
        session::Entity::update_many()
            .set(session::ActiveModel {
                last_used_at: Set(Some(now)),
                ..Default::default()
            })
            .filter(session::Column::Id.is_in(chunk.iter().copied()))
            .filter(alive(now))
            .exec(&tx)
            .await?;
        tx.commit().await?;
    }
    Ok(())
}

/// The caller's living sessions, newest first.
pub async fn list_sessions(
    app: &App,
    actor: &Actor,
    page: &Page,
) -> std::result::Result<Slice<session::Model>, ApiError> {
    actor.authorise(Operation::SeeSessions, Place::default())?;
    let select = session::Entity::find()
        .filter(session::Column::UserId.eq(actor.user()?))
        .filter(alive(app.clock.now()));
    page::fetch(
        app.db.read(),
        select,
        session::Column::Id,
        |row: &session::Model| row.id.0,
        page,
    )
    .await
    .map_err(ApiError::internal)
}

/// The user of a session, while it lives.
pub(super) fn holder_of(id: SessionId, now: DateTime<Utc>) -> SelectStatement {
    Query::select()
        .column(session::Column::UserId)
        .from(session::Entity)
        .and_where(session::Column::Id.eq(id))
        .cond_where(alive(now))
        .to_owned()
}

/// A new session of a user whose credentials were checked.
pub(super) async fn open_session_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    user: user::Model,
    device: Device,
) -> Result<SignedIn> {
    let now = app.clock.now();
    forget_used_tokens_in_tx(tx, user.id, now).await?;
    let id: SessionId = app.ids.new_id(now);
    let refresh_token = tokens::new_opaque(app, REFRESH_PREFIX);
    let refresh_expires_at = now + TimeDelta::days(tokens::REFRESH_DAYS);
    session::Entity::insert(session::ActiveModel {
        id: Set(id),
        user_id: Set(user.id),
        refresh_hash: Set(tokens::fingerprint(&refresh_token)),
        created_at: Set(now),
        expires_at: Set(refresh_expires_at),
        revoked_at: Set(None),
        last_used_at: Set(None),
        user_agent: Set(device.user_agent),
        client_address: Set(device.address.map(|address| address.to_string())),
    })
    .exec_without_returning(tx)
    .await?;
    let (access_token, access_expires_at) = tokens::sign_access(app, user.id, id)?;
    Ok(SignedIn {
        user,
        access_token,
        access_expires_at,
        refresh_token,
        refresh_expires_at,
    })
}

/// A session that is over cannot be stolen: its used tokens go, so that a user keeps only those of living sessions.
async fn forget_used_tokens_in_tx(
    tx: &DatabaseTransaction,
    user: UserId,
    now: DateTime<Utc>,
) -> std::result::Result<(), DbErr> {
    let over = Query::select()
        .column(session::Column::Id)
        .from(session::Entity)
        .and_where(session::Column::UserId.eq(user))
        .cond_where(alive(now).not())
        .to_owned();
    used_refresh_token::Entity::delete_many()
        .filter(used_refresh_token::Column::SessionId.in_subquery(over))
        .exec(tx)
        .await
        .map(drop)
}

/// How long a session is kept after its end: long enough for whoever looks into what happened.
const KEPT_DAYS: i64 = 30;
/// Rows that are deleted in one transaction, and how often that is done in one go.
const FORGOTTEN_AT_ONCE: u64 = 500;
const MAX_BATCHES: usize = 100;

/// Deletes used refresh tokens of sessions that are over, and sessions that have been over for long; returns how many rows
/// that were. What happened to a session stands in the audit log.
pub async fn forget_sessions(app: &App) -> std::result::Result<u64, DbErr> {
    let now = app.clock.now();
    let mut forgotten = 0;
    for _ in 0..MAX_BATCHES {
        let tokens = forget_used_tokens(app, now).await?;
        let sessions = forget_sessions_over_since(app, now - TimeDelta::days(KEPT_DAYS)).await?;
        if tokens + sessions == 0 {
            break;
        }
        forgotten += tokens + sessions;
    }
    Ok(forgotten)
}

async fn forget_used_tokens(app: &App, now: DateTime<Utc>) -> std::result::Result<u64, DbErr> {
    let over = Query::select()
        .column(session::Column::Id)
        .from(session::Entity)
        .cond_where(alive(now).not())
        .to_owned();
    let hashes: Vec<String> = used_refresh_token::Entity::find()
        .select_only()
        .column(used_refresh_token::Column::RefreshHash)
        .filter(used_refresh_token::Column::SessionId.in_subquery(over))
        .limit(FORGOTTEN_AT_ONCE)
        .into_tuple()
        .all(app.db.read())
        .await?;
    if hashes.is_empty() {
        return Ok(0);
    }
    let tx = app.db.begin().await?;
    let deleted = used_refresh_token::Entity::delete_many()
        .filter(used_refresh_token::Column::RefreshHash.is_in(hashes))
        .exec(&tx)
        .await?;
    tx.commit().await?;
    Ok(deleted.rows_affected)
}

async fn forget_sessions_over_since(app: &App, since: DateTime<Utc>) -> std::result::Result<u64, DbErr> {
    let ids: Vec<SessionId> = session::Entity::find()
        .select_only()
        .column(session::Column::Id)
        .filter(
            Condition::any()
                .add(session::Column::RevokedAt.lte(since))
                .add(session::Column::ExpiresAt.lte(since)),
        )
        .limit(FORGOTTEN_AT_ONCE)
        .into_tuple()
        .all(app.db.read())
        .await?;
    if ids.is_empty() {
        return Ok(0);
    }
    let tx = app.db.begin().await?;
    used_refresh_token::Entity::delete_many()
        .filter(used_refresh_token::Column::SessionId.is_in(ids.iter().copied()))
        .exec(&tx)
        .await?;
    let deleted = session::Entity::delete_many()
        .filter(session::Column::Id.is_in(ids))
        .exec(&tx)
        .await?;
    tx.commit().await?;
    Ok(deleted.rows_affected)
}
