//! What becomes of an invitation into a program: accepted, declined, or expired. And the link it is answered by.

use chrono::TimeDelta;
use entity::{
    application::{self, ApplicationState},
    brand,
    ids::{PartnerId, ProgramInvitationId},
    mail::{self as mail_row, MailKind},
    program::{self, ProgramState},
    program_invitation::{self, Column, Entity, Model, ProgramInvitationState as State},
};
use sea_orm::{
    ActiveEnum, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::LockType,
};

use super::{
    Result, check_reason,
    decide::{self, Joining},
    group,
    invite::{decide_in_tx, quoted, refuse_decided},
    offer, terms,
};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
        tokens,
    },
    app::App,
    error::{ApiError, Failure, Fault},
    infra::mail::Letter,
    mail,
    partnerships::error::PartnershipErrorCode as Code,
    programs::service as programs,
};

const TOKEN_PREFIX: &str = "tpi_";
/// Mails with invitations that an address is sent in 24 hours, whichever brands ask.
const MAILS_PER_ADDRESS_AND_DAY: u64 = 10;
/// Invitations looked at in one go.
const BATCH: u64 = 100;

/// Which invitation is answered.
#[derive(Clone, Debug)]
pub enum Invitation {
    /// One of a partner of the caller.
    Id(ProgramInvitationId),
    /// The one whose link was mailed. Whoever has the link was asked.
    Token(String),
}

/// A partner's yes to an invitation, and to the terms.
pub struct AcceptInvitation {
    pub which: Invitation,
    pub partner: PartnerId,
    pub accepted_terms_version: i32,
    /// Where the request comes from.
    pub client_address: Option<String>,
}

/// The invitation whose link was mailed: whoever has the link may look at it.
pub async fn find_mailed_invitation(
    app: &App,
    actor: &Actor,
    token: &str,
) -> std::result::Result<Option<Model>, ApiError> {
    actor.authorise(Operation::SeeMailedInvitation, Place::default())?;
    Entity::find()
        .filter(Column::TokenHash.eq(tokens::fingerprint(token)))
        .one(app.db.read())
        .await
        .map_err(ApiError::internal)
}

/// Brings a partner in at once: below nobody, in the group it was asked into, with the terms as they stand.
pub async fn accept_invitation(app: &App, actor: &Actor, command: AcceptInvitation) -> Result<Model> {
    let AcceptInvitation { which, partner, .. } = command;
    actor.authorise(Operation::AcceptProgramInvitation, Place::partner(partner))?;
    let tx = app.db.begin().await?;
    let found = find_in_tx(&tx, actor, &which).await?;
    if found.partner_id.is_some_and(|asked| asked != partner) {
        return Err(invalid());
    }
    // An application comes before its program, as for whoever approves it.
    let open = application::Entity::find()
        .filter(application::Column::ProgramId.eq(found.program_id))
        .filter(application::Column::PartnerId.eq(partner))
        .filter(application::Column::State.is_in([ApplicationState::Submitted, ApplicationState::InReview]))
        .lock(LockType::NoKeyUpdate)
        .one(&tx)
        .await?;
    let program = lock_program_in_tx(&tx, &found).await?;
    let row = find_in_tx(&tx, actor, &which).await?;
    refuse_decided(app, &row, State::Accepted)?;
    let current = programs::find_terms_in_tx(&tx, program.id)
        .await?
        .ok_or_else(|| ApiError::internal("a program without terms"))?;
    if program.state != ProgramState::Active {
        return Err(Failure::refused(
            Code::ProgramNotOpen,
            format!("the program is {}: nobody joins it now", program.state.to_value()),
        ));
    }
    terms::refuse_outdated(&current, command.accepted_terms_version, "acceptedTermsVersion")?;
    terms::record_in_tx(&tx, app, actor, &current, partner, command.client_address).await?;
    let wanted = Model {
        state: State::Accepted,
        partner_id: Some(partner),
        terms_id: Some(current.id),
        ..row.clone()
    };
    let agreed = offer::agree_in_tx(&tx, app, actor, &row).await?;
    let row = decide_in_tx(&tx, app, actor, &row, wanted, None).await?;
    if let Some(open) = &open {
        offer::refuse_open_offer_in_tx(&tx, open.id).await?;
        // The brand has said yes already.
        let wanted = application::Model {
            state: ApplicationState::Approved,
            ..open.clone()
        };
        let action = "application.approved";
        decide::change_state_in_tx(&tx, app, actor, open, wanted, action, Some("invited by the brand")).await?;
    }
    let joining = Joining {
        program: program.id,
        brand: program.brand_id,
        partner,
        referrer: open.as_ref().and_then(|open| open.referrer_id),
        application: open.map(|open| open.id),
        group: row.group_id.or(program.default_group_id),
    };
    let joined = decide::open_partnership_in_tx(&tx, app, actor, &joining).await?;
    if let Some(agreed) = agreed {
        offer::make_rule_in_tx(&tx, app, actor, &program, &joined, &agreed).await?;
    }
    // One that comes back has the group it left with, unless it was asked into another.
    if row.group_id.is_some() {
        group::move_in_tx(&tx, app, actor, &[joined], row.group_id).await?;
    }
    app.commit(tx).await?;
    Ok(row)
}

/// Says no, for a partner of the caller or with the mailed link.
pub async fn decline_invitation(app: &App, actor: &Actor, which: Invitation, reason: Option<&str>) -> Result<Model> {
    actor.authorise(Operation::DeclineProgramInvitation, Place::default())?;
    let reason = reason.map(|reason| check_reason(reason, "reason")).transpose()?;
    let tx = app.db.begin().await?;
    let found = find_in_tx(&tx, actor, &which).await?;
    lock_program_in_tx(&tx, &found).await?;
    let row = find_in_tx(&tx, actor, &which).await?;
    let wanted = Model {
        state: State::Declined,
        decline_reason: reason.map(str::to_owned),
        ..row.clone()
    };
    let row = decide_in_tx(&tx, app, actor, &row, wanted, reason).await?;
    app.commit(tx).await?;
    Ok(row)
}

fn invalid() -> Failure<Code> {
    Failure::refused_field(
        Code::InvitationInvalid,
        "invitation",
        "there is no such invitation for this partner, or its link was replaced by a newer one",
    )
}

/// The invitation, when it is the caller's to answer.
async fn find_in_tx(tx: &DatabaseTransaction, actor: &Actor, which: &Invitation) -> Result<Model> {
    let select = match which {
        Invitation::Id(id) => Entity::find()
            .filter(Column::Id.eq(*id))
            .filter(Column::PartnerId.is_in(actor.partners.iter().copied())),
        Invitation::Token(token) => Entity::find().filter(Column::TokenHash.eq(tokens::fingerprint(token))),
    };
    select.one(tx).await?.ok_or_else(invalid)
}

async fn lock_program_in_tx(tx: &DatabaseTransaction, row: &Model) -> Result<program::Model> {
    programs::lock_program_in_tx(tx, row.program_id)
        .await?
        .ok_or_else(|| ApiError::internal("an invitation without its program").into())
}

/// Writes down what time has brought about; returns of how many.
pub async fn expire_invitations(app: &App) -> std::result::Result<usize, String> {
    let mut expired = 0;
    let mut after = None;
    loop {
        let mut due = Entity::find()
            .filter(Column::State.eq(State::Sent))
            .filter(Column::ExpiresAt.lte(app.clock.now()));
        if let Some(after) = after {
            due = due.filter(Column::Id.gt(after));
        }
        let due: Vec<Model> = due
            .order_by_asc(Column::Id)
            .limit(BATCH)
            .all(app.db.read())
            .await
            .map_err(|error| error.to_string())?;
        let Some(last) = due.last() else { return Ok(expired) };
        after = Some(last.id);
        for row in due {
            match expire(app, row.id).await {
                Ok(true) => expired += 1,
                // Sent again or answered meanwhile: that stands.
                Ok(false) | Err(Failure::Refused(_)) => {}
                Err(Failure::Api(error)) => return Err(error.log_text()),
            }
        }
    }
}

async fn expire(app: &App, id: ProgramInvitationId) -> Result<bool> {
    let tx = app.db.begin().await?;
    let Some(found) = Entity::find_by_id(id).one(&tx).await? else {
        return Ok(false);
    };
    lock_program_in_tx(&tx, &found).await?;
    let Some(row) = Entity::find_by_id(id).one(&tx).await? else {
        return Ok(false);
    };
    if row.state != State::Sent || row.state_at(app.clock.now()) != State::Expired {
        return Ok(false);
    }
    let wanted = Model {
        state: State::Expired,
        ..row.clone()
    };
    decide_in_tx(&tx, app, &Actor::system(), &row, wanted, None).await?;
    app.commit(tx).await?;
    Ok(true)
}

/// The text of a mail that brings an invitation, with a new link in it. None when there is nothing to send any more, or the
/// address got enough.
pub async fn write_invitation_mail(app: &App, mail: &mail_row::Model) -> std::result::Result<Option<Letter>, Fault> {
    let now = app.clock.now();
    let tx = app.db.begin().await?;
    let row = Entity::find()
        .filter(Column::MailId.eq(mail.id))
        .lock(LockType::NoKeyUpdate)
        .one(&tx)
        .await?
        .filter(|row| row.state_at(now) == State::Sent);
    let day_ago = now - TimeDelta::days(1);
    let kind = MailKind::ProgramInvitation;
    let (Some(row), true) = (row, mail::is_queued_in_tx(&tx, mail.id).await?) else {
        tx.rollback().await?;
        return Ok(None);
    };
    if mail::count_sent_in_tx(&tx, kind, &mail.recipient_key, day_ago).await? >= MAILS_PER_ADDRESS_AND_DAY {
        tx.rollback().await?;
        return Ok(None);
    }
    let token = tokens::new_opaque(app, TOKEN_PREFIX);
    Entity::update(program_invitation::ActiveModel {
        id: Set(row.id),
        token_hash: Set(Some(tokens::fingerprint(&token))),
        ..Default::default()
    })
    .exec_without_returning(&tx)
    .await?;
    let brand = brand::Entity::find_by_id(row.brand_id).one(&tx).await?;
    let brand = brand.ok_or_else(|| Fault::new("an invitation without its brand"))?.name;
    let program = program::Entity::find_by_id(row.program_id).one(&tx).await?;
    let program = program
        .ok_or_else(|| Fault::new("an invitation without its program"))?
        .name;
    tx.commit().await?;
    // The token stands behind `#`: a browser sends that part to nobody, so no log has it.
    let text = format!(
        "Hello,\n\n{brand} asks you to become a partner in its program {program}.\n\n{}Here you answer:\n\n\
         {}/invitation#{token}\n\nThe link is good until {}. If you do not want this, do nothing.\n",
        quoted(&row.message),
        app.config.public_base(),
        row.expires_at.format("%Y-%m-%d"),
    );
    Ok(Some(Letter {
        id: mail.id,
        to: mail.recipient.clone(),
        subject: format!("{brand} asks you into its program"),
        text,
        written_at: now,
    }))
}
