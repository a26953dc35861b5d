//! Proving whose a channel is: a token that only its owner can place there.

use entity::{creator_channel, ids::CreatorChannelId};
use sea_orm::{ActiveModelTrait, EntityTrait};

use super::{
    error::CreatorErrorCode as Code,
    rules,
    service::{Channel, Result, own_channel_in_tx, store},
};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
        throttle::Client,
    },
    app::App,
    audit::Change,
    error::{ApiError, Failure},
    infra::web::WebError,
};

/// Random bytes of a token.
const TOKEN_BYTES: usize = 12;

/// What is to be placed on a channel; the same until the channel changes.
pub async fn request(app: &App, actor: &Actor, id: CreatorChannelId) -> Result<Channel> {
    let tx = app.db.begin().await?;
    let operation = Operation::RequestChannelVerification;
    let (profile, row) = own_channel_in_tx(&tx, app, actor, operation, id).await?;
    refuse_verified(&row)?;
    if row.verification_token.is_some() {
        return Ok(row);
    }
    let token = rules::verification_token(app.ids.secret::<TOKEN_BYTES>());
    let row = Channel {
        verification_token: Some(token),
        updated_at: app.clock.now(),
        ..row
    };
    creator_channel::Entity::update(creator_channel::ActiveModel::from(row.clone()).reset_all())
        .exec_without_returning(&tx)
        .await?;
    let change = Change::of_person("creator_channel.verification_requested", id, None);
    store(app, actor, tx, profile, change).await?;
    Ok(row)
}

/// Looks for the token where the channel is. The page is read outside of any transaction.
pub async fn verify(app: &App, actor: &Actor, client: Client, id: CreatorChannelId) -> Result<Channel> {
    let found = creator_channel::Entity::find_by_id(id).one(app.db.read()).await?;
    let seen = found.ok_or_else(|| ApiError::not_found("channel"))?;
    actor.authorise(Operation::VerifyChannel, Place::partner(seen.partner_id))?;
    refuse_verified(&seen)?;
    let token = seen.verification_token.as_deref().ok_or_else(|| {
        Failure::refused(
            Code::VerificationNotRequested,
            "ask for the token first (`requestChannelVerification`), and place it on the channel",
        )
    })?;
    app.channel_checks
        .attempt(&seen.partner_id.to_string(), client, app.clock.now())
        .map_err(ApiError::from)?;
    let page = app.web.read(&seen.url).await.map_err(|error| match error {
        WebError::NotAllowed(why) => Failure::refused(Code::AddressNotAllowed, why),
        WebError::Unreachable(why) => Failure::refused(
            Code::ChannelUnreachable,
            format!("the channel could not be read: {why}"),
        ),
    })?;
    if !page.contains(token) {
        return Err(Failure::refused(
            Code::TokenNotFound,
            "the token does not stand on the channel's page, as it is read without signing in and without scripts",
        ));
    }
    let tx = app.db.begin().await?;
    let (profile, row) = own_channel_in_tx(&tx, app, actor, Operation::VerifyChannel, id).await?;
    if row.url != seen.url || row.verification_token != seen.verification_token {
        return Err(ApiError::Conflict("the channel was changed meanwhile; look again".to_owned()).into());
    }
    let now = app.clock.now();
    let row = Channel {
        verified_at: row.verified_at.or(Some(now)),
        updated_at: now,
        ..row
    };
    creator_channel::Entity::update(creator_channel::ActiveModel::from(row.clone()).reset_all())
        .exec_without_returning(&tx)
        .await?;
    let change = Change::of_person("creator_channel.verified", id, None);
    store(app, actor, tx, profile, change).await?;
    Ok(row)
}

fn refuse_verified(row: &Channel) -> Result<()> {
    match row.verified_at {
        Some(_) => Err(Failure::refused(Code::AlreadyVerified, "this channel is verified")),
        None => Ok(()),
    }
}
