//! A brand asks a partner in, asks again, or takes it back.

use chrono::TimeDelta;
use entity::{
    TenantScoped, brand,
    ids::{MailId, PartnerGroupId, PartnerId, ProgramId, ProgramInvitationId},
    mail::MailKind,
    partner, partner_member, partnership,
    program::{self, ProgramState},
    program_invitation::{self, Column, Entity, Model, ProgramInvitationState as State},
    user,
};
use sea_orm::{
    ActiveEnum, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, Select, sea_query::LockType,
};
use serde_json::json;

use super::{
    Result,
    apply::MAX_MESSAGE_CHARS,
    check_reason, group,
    offer::{self, Proposal},
    standing,
};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
        rules::email_key,
    },
    app::App,
    audit::{self, Change},
    error::{ApiError, Failure},
    mail::{self, Mail},
    outbox::{self, Fact, Topic},
    page::{self, Page, Slice},
    partnerships::error::PartnershipErrorCode as Code,
    programs::service as programs,
};

/// Days an invitation may be good for.
const VALID_DAYS: std::ops::RangeInclusive<i32> = 1..=90;
/// Open invitations of a brand, over all its programs.
const MAX_OPEN: u64 = 500;
/// Invitations that a brand sends, for the first time or again, in 24 hours.
const MAX_SENT_A_DAY: u64 = 100;
/// How often an invitation is sent at the most, the first time included.
const MAX_SENDINGS: i32 = 5;
/// Partners or addresses asked in one request.
const MAX_AT_ONCE: usize = 100;
/// People of an invited partner who are told by mail: those who have been there longest.
const MAX_NOTIFIED: u64 = 20;

/// Whom a brand asks in.
#[derive(Clone, Debug)]
pub enum Invitee {
    Partner(PartnerId),
    /// Whoever has this address, with or without an account.
    Email(String),
}

pub struct InviteToProgram {
    pub program: ProgramId,
    pub invitee: Invitee,
    /// Where the partner comes to; absent: to the program's default.
    pub group: Option<PartnerGroupId>,
    pub message: String,
    pub expires_in_days: i32,
    /// The terms that are offered with it.
    pub proposal: Option<Proposal>,
}

/// The same for several partners or addresses.
pub struct InviteManyToProgram {
    pub program: ProgramId,
    pub invitees: Vec<Invitee>,
    pub group: Option<PartnerGroupId>,
    pub message: String,
    pub expires_in_days: i32,
}

/// What becomes of one of many.
pub type Invited = Result<Model>;

/// Asks a partner in. Whether a mail address has an account makes no difference.
pub async fn invite_to_program(app: &App, actor: &Actor, command: InviteToProgram) -> Result<Model> {
    let (message, days) = (check_message(&command.message)?, command.expires_in_days);
    check_validity(days)?;
    let proposal = command
        .proposal
        .map(|proposal| offer::check_proposal(proposal, "terms."))
        .transpose()?;
    let tx = app.db.begin().await?;
    let program = lock_program_of_brand_in_tx(&tx, actor, Operation::InviteToProgram, command.program).await?;
    if let Some(group) = command.group {
        group::check_group_in_tx(&tx, actor, program.id, group).await?;
    }
    let row = new_invitation(app, &program, command.group, message, days);
    let row = invite_in_tx(&tx, app, actor, &program, row, command.invitee).await?;
    if let Some(proposal) = proposal {
        offer::propose_for_invitation_in_tx(&tx, app, actor, &row, proposal).await?;
    }
    app.commit(tx).await?;
    Ok(row)
}

/// Asks several in, and says of each what became of it: whom it cannot ask it passes over. The limits are those of asking them
/// one by one.
pub async fn invite_many_to_program(app: &App, actor: &Actor, command: InviteManyToProgram) -> Result<Vec<Invited>> {
    if command.invitees.is_empty() || command.invitees.len() > MAX_AT_ONCE {
        let message = format!("1 to {MAX_AT_ONCE} partners or addresses are asked at a time");
        return Err(ApiError::bad_field("invitees", message).into());
    }
    let (message, days) = (check_message(&command.message)?, command.expires_in_days);
    check_validity(days)?;
    let tx = app.db.begin().await?;
    let program = lock_program_of_brand_in_tx(&tx, actor, Operation::InviteManyToProgram, command.program).await?;
    if let Some(group) = command.group {
        group::check_group_in_tx(&tx, actor, program.id, group).await?;
    }
    let mut results = Vec::with_capacity(command.invitees.len());
    for invitee in command.invitees {
        let row = new_invitation(app, &program, command.group, message.clone(), days);
        // What is refused is refused before anything of it is written.
        match invite_in_tx(&tx, app, actor, &program, row, invitee).await {
            Err(Failure::Api(ApiError::NotFound(message))) => {
                let field = "invitee.partnerId";
                results.push(Err(Failure::refused_field(Code::PartnerUnknown, field, message)));
            }
            Err(Failure::Api(error)) => return Err(error.into()),
            result => results.push(result),
        }
    }
    app.commit(tx).await?;
    Ok(results)
}

fn check_message(message: &str) -> Result<String> {
    let message = message.trim();
    if message.chars().count() > MAX_MESSAGE_CHARS {
        return Err(Failure::refused_field(
            Code::MessageTooLong,
            "message",
            format!("a message has at most {MAX_MESSAGE_CHARS} characters"),
        ));
    }
    Ok(message.to_owned())
}

/// An invitation for nobody yet.
fn new_invitation(
    app: &App,
    program: &program::Model,
    group_id: Option<PartnerGroupId>,
    message: String,
    expires_in_days: i32,
) -> Model {
    let now = app.clock.now();
    Model {
        id: app.ids.new_id(now),
        program_id: program.id,
        brand_id: program.brand_id,
        partner_id: None,
        email: None,
        email_key: None,
        group_id,
        message,
        state: State::Sent,
        mail_id: None,
        token_hash: None,
        terms_id: None,
        decline_reason: None,
        created_at: now,
        sent_at: now,
        sent_count: 1,
        expires_at: now + TimeDelta::days(i64::from(expires_in_days)),
        decided_at: None,
    }
}

/// Sends an invitation to somebody. Its program and brand are locked.
async fn invite_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    program: &program::Model,
    mut row: Model,
    invitee: Invitee,
) -> Result<Model> {
    match invitee {
        Invitee::Partner(partner) => {
            check_partner_in_tx(tx, program, partner).await?;
            row.partner_id = Some(partner);
        }
        Invitee::Email(email) => {
            let key = email_key(&email).ok_or_else(|| {
                Failure::refused_field(Code::EmailInvalid, "invitee.email", "this is not an e-mail address")
            })?;
            row.email = Some(email.trim().to_owned());
            row.email_key = Some(key);
        }
    }
    refuse_second_in_tx(tx, app, &row).await?;
    refuse_excess_in_tx(tx, app, &row).await?;
    row.mail_id = send_in_tx(tx, app, program, &row).await?;
    Entity::insert(program_invitation::ActiveModel::from(row.clone()))
        .exec_without_returning(tx)
        .await?;
    record_in_tx(tx, app, actor, &row, "program_invitation.sent", None, None).await?;
    Ok(row)
}

/// Sends an open invitation again, with a new link and time to answer from now on; the old link is no longer good.
pub async fn resend_invitation(
    app: &App,
    actor: &Actor,
    id: ProgramInvitationId,
    expires_in_days: i32,
) -> Result<Model> {
    check_validity(expires_in_days)?;
    let tx = app.db.begin().await?;
    let (program, row) = lock_own_in_tx(&tx, actor, Operation::ResendProgramInvitation, id).await?;
    refuse_decided(app, &row, State::Sent)?;
    refuse_resting(&program)?;
    if row.sent_count >= MAX_SENDINGS {
        return Err(Failure::refused(
            Code::InvitationSentTooOften,
            format!("an invitation is sent at most {MAX_SENDINGS} times"),
        ));
    }
    let now = app.clock.now();
    refuse_excess_in_tx(&tx, app, &row).await?;
    let row = Model {
        mail_id: send_in_tx(&tx, app, &program, &row).await?,
        token_hash: None,
        sent_at: now,
        sent_count: row.sent_count + 1,
        expires_at: now + TimeDelta::days(i64::from(expires_in_days)),
        ..row
    };
    Entity::update(program_invitation::ActiveModel {
        id: Set(id),
        mail_id: Set(row.mail_id),
        token_hash: Set(None),
        sent_at: Set(row.sent_at),
        sent_count: Set(row.sent_count),
        expires_at: Set(row.expires_at),
        ..Default::default()
    })
    .exec_without_returning(&tx)
    .await?;
    let from = Some(State::Sent);
    record_in_tx(&tx, app, actor, &row, "program_invitation.resent", from, None).await?;
    app.commit(tx).await?;
    Ok(row)
}

/// Takes an open invitation back.
pub async fn revoke_invitation(
    app: &App,
    actor: &Actor,
    id: ProgramInvitationId,
    reason: Option<&str>,
) -> Result<Model> {
    let reason = reason.map(|reason| check_reason(reason, "reason")).transpose()?;
    let tx = app.db.begin().await?;
    let (_, row) = lock_own_in_tx(&tx, actor, Operation::RevokeProgramInvitation, id).await?;
    let wanted = Model {
        state: State::Revoked,
        ..row.clone()
    };
    let row = decide_in_tx(&tx, app, actor, &row, wanted, reason).await?;
    app.commit(tx).await?;
    Ok(row)
}

pub async fn list_invitations_of_program(
    app: &App,
    actor: &Actor,
    brand: entity::ids::BrandId,
    program: ProgramId,
    page: &Page,
) -> std::result::Result<Slice<Model>, ApiError> {
    actor.authorise(Operation::SeeProgramInvitations, Place::brand(brand))?;
    let select = Entity::find_within(&actor.reach()).filter(Column::ProgramId.eq(program));
    fetch(app, select, page).await
}

pub async fn list_invitations_of_partner(
    app: &App,
    actor: &Actor,
    partner: PartnerId,
    page: &Page,
) -> std::result::Result<Slice<Model>, ApiError> {
    actor.authorise(Operation::SeeOwnProgramInvitations, Place::partner(partner))?;
    let select = Entity::find_within(&actor.reach()).filter(Column::PartnerId.eq(partner));
    fetch(app, select, page).await
}

async fn fetch(app: &App, select: Select<Entity>, page: &Page) -> std::result::Result<Slice<Model>, ApiError> {
    page::fetch(app.db.read(), select, Column::Id, |row: &Model| row.id.0, page)
        .await
        .map_err(ApiError::internal)
}

fn check_validity(days: i32) -> Result<()> {
    if VALID_DAYS.contains(&days) {
        return Ok(());
    }
    let (least, most) = (VALID_DAYS.start(), VALID_DAYS.end());
    Err(Failure::refused_field(
        Code::ExpiryOutOfRange,
        "expiresInDays",
        format!("an invitation is good for {least} to {most} days"),
    ))
}

fn refuse_resting(program: &program::Model) -> Result<()> {
    if program.state == ProgramState::Active {
        return Ok(());
    }
    Err(Failure::refused(
        Code::ProgramNotOpen,
        format!("the program is {}: nobody joins it now", program.state.to_value()),
    ))
}

/// An active program with its brand, both locked: whoever sends invitations of a brand queues here, so that its limits
/// hold.
async fn lock_program_of_brand_in_tx(
    tx: &DatabaseTransaction,
    actor: &Actor,
    operation: Operation,
    id: ProgramId,
) -> Result<program::Model> {
    let missing = || ApiError::not_found("program");
    let found = program::Entity::find_within(&actor.reach())
        .filter(program::Column::Id.eq(id))
        .one(tx)
        .await?
        .ok_or_else(missing)?;
    actor.authorise(operation, Place::brand(found.brand_id))?;
    lock_brand_in_tx(tx, &found).await?;
    let program = programs::lock_program_in_tx(tx, id).await?.ok_or_else(missing)?;
    refuse_resting(&program)?;
    Ok(program)
}

async fn lock_brand_in_tx(tx: &DatabaseTransaction, program: &program::Model) -> Result<()> {
    brand::Entity::find_by_id(program.brand_id)
        .lock(LockType::NoKeyUpdate)
        .one(tx)
        .await?;
    Ok(())
}

/// An invitation of a brand in which the caller may do this, with its brand and program locked.
async fn lock_own_in_tx(
    tx: &DatabaseTransaction,
    actor: &Actor,
    operation: Operation,
    id: ProgramInvitationId,
) -> Result<(program::Model, Model)> {
    let missing = || ApiError::not_found("invitation");
    let find = || Entity::find_within(&actor.reach()).filter(Column::Id.eq(id));
    let found = find().one(tx).await?.ok_or_else(missing)?;
    // The partner it is for sees it, and is refused.
    let place = Place {
        brand: Some(found.brand_id),
        partner: found.partner_id,
    };
    actor.authorise(operation, place)?;
    brand::Entity::find_by_id(found.brand_id)
        .lock(LockType::NoKeyUpdate)
        .one(tx)
        .await?;
    let program = programs::lock_program_in_tx(tx, found.program_id)
        .await?
        .ok_or_else(missing)?;
    let row = find().one(tx).await?.ok_or_else(missing)?;
    Ok((program, row))
}

/// The partner is there, and neither in the program nor banned from it.
async fn check_partner_in_tx(tx: &DatabaseTransaction, program: &program::Model, id: PartnerId) -> Result<()> {
    partner::Entity::find_by_id(id)
        .one(tx)
        .await?
        .ok_or_else(|| ApiError::not_found("partner"))?;
    let joined = partnership::Entity::find()
        .filter(partnership::Column::ProgramId.eq(program.id))
        .filter(partnership::Column::PartnerId.eq(id))
        .one(tx)
        .await?;
    if let Some(joined) = joined {
        // When it may ask by itself does not matter: it is asked.
        standing::may_ask_again(&joined)?;
    }
    Ok(())
}

fn find_open(app: &App) -> Select<Entity> {
    Entity::find()
        .filter(Column::State.eq(State::Sent))
        .filter(Column::ExpiresAt.gt(app.clock.now()))
}

/// One open invitation for a partner, and one for an address. The program is locked.
async fn refuse_second_in_tx(tx: &DatabaseTransaction, app: &App, row: &Model) -> Result<()> {
    let same = match (row.partner_id, &row.email_key) {
        (Some(partner), _) => Column::PartnerId.eq(partner),
        (None, key) => Column::EmailKey.eq(key.clone()),
    };
    let open = find_open(app)
        .filter(Column::ProgramId.eq(row.program_id))
        .filter(same)
        .count(tx)
        .await?;
    if open > 0 {
        return Err(Failure::refused_field(
            Code::InvitationOpen,
            "invitee",
            "an invitation into this program is open there; resend or revoke that one",
        ));
    }
    Ok(())
}

async fn refuse_excess_in_tx(tx: &DatabaseTransaction, app: &App, row: &Model) -> Result<()> {
    let others = |select: Select<Entity>| {
        select
            .filter(Column::BrandId.eq(row.brand_id))
            .filter(Column::Id.ne(row.id))
    };
    if others(find_open(app)).count(tx).await? >= MAX_OPEN {
        return Err(Failure::refused(
            Code::TooManyInvitations,
            format!("a brand may have at most {MAX_OPEN} open invitations into its programs"),
        ));
    }
    let since = app.clock.now() - TimeDelta::days(1);
    let sent = others(Entity::find())
        .filter(Column::SentAt.gt(since))
        .count(tx)
        .await?;
    if sent >= MAX_SENT_A_DAY {
        return Err(Failure::refused(
            Code::TooManyInvitationsADay,
            format!("a brand may send at most {MAX_SENT_A_DAY} invitations into its programs in 24 hours"),
        ));
    }
    Ok(())
}

/// Mails an invitation: to an address a link, which is made as the mail is sent; to a partner's people the news.
async fn send_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    program: &program::Model,
    row: &Model,
) -> Result<Option<MailId>> {
    let kind = MailKind::ProgramInvitation;
    if let Some(email) = &row.email {
        let mail = mail::enqueue_unwritten_in_tx(tx, app, None, kind, email.clone(), None).await?;
        return Ok(Some(mail));
    }
    let brand = brand::Entity::find_by_id(row.brand_id)
        .one(tx)
        .await?
        .ok_or_else(|| ApiError::internal("an invitation without its brand"))?;
    let members = partner_member::Entity::find()
        .filter(partner_member::Column::PartnerId.eq(row.partner_id))
        .order_by_asc(partner_member::Column::Id)
        .limit(MAX_NOTIFIED)
        .all(tx)
        .await?;
    let people = user::Entity::find()
        .filter(user::Column::Id.is_in(members.iter().map(|member| member.user_id)))
        .all(tx)
        .await?;
    for person in people {
        let text = format!(
            "Hello {},\n\n{} asks you to become a partner in its program {}.\n\n{}Sign in to accept or decline it, until \
             {}.\n",
            person.display_name,
            brand.name,
            program.name,
            quoted(&row.message),
            row.expires_at.format("%Y-%m-%d")
        );
        let mail = Mail {
            user: Some(person.id),
            kind,
            to: person.email,
            subject: format!("{} asks you into its program", brand.name),
            text,
        };
        mail::enqueue_in_tx(tx, app, mail).await?;
    }
    Ok(None)
}

/// A message as it stands in a mail; nothing when there is none.
pub(super) fn quoted(message: &str) -> String {
    let lines: Vec<String> = message.lines().map(|line| format!("> {line}")).collect();
    if lines.is_empty() {
        return String::new();
    }
    format!("{}\n\n", lines.join("\n"))
}

pub(super) fn refuse_decided(app: &App, row: &Model, to: State) -> Result<()> {
    match row.state_at(app.clock.now()) {
        State::Sent => Ok(()),
        state => Err(Failure::refused(
            Code::InvalidTransition,
            audit::impossible("an invitation", &state, &to),
        )),
    }
}

/// The only place where an invitation's state changes. Its program is locked.
pub(super) async fn decide_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    row: &Model,
    wanted: Model,
    reason: Option<&str>,
) -> Result<Model> {
    // Expiring is time's own doing: it is written only when it has come about.
    if wanted.state != State::Expired {
        refuse_decided(app, row, wanted.state)?;
    }
    let wanted = Model {
        decided_at: Some(app.clock.now()),
        ..wanted
    };
    Entity::update(program_invitation::ActiveModel {
        id: Set(row.id),
        state: Set(wanted.state),
        partner_id: Set(wanted.partner_id),
        terms_id: Set(wanted.terms_id),
        decline_reason: Set(wanted.decline_reason.clone()),
        decided_at: Set(wanted.decided_at),
        ..Default::default()
    })
    .exec_without_returning(tx)
    .await?;
    let action = match wanted.state {
        State::Sent => "program_invitation.sent",
        State::Accepted => "program_invitation.accepted",
        State::Declined => "program_invitation.declined",
        State::Expired => "program_invitation.expired",
        State::Revoked => "program_invitation.revoked",
    };
    record_in_tx(tx, app, actor, &wanted, action, Some(State::Sent), reason).await?;
    Ok(wanted)
}

/// Says to the audit log and the outside what state an invitation is in now.
async fn record_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    row: &Model,
    action: &'static str,
    from: Option<State>,
    reason: Option<&str>,
) -> Result<()> {
    let change = Change {
        brand: Some(row.brand_id),
        action,
        subject: row.id.to_string(),
        from: from.map(|state| state.to_value()),
        to: Some(row.state.to_value()),
        reason,
    };
    audit::record_in_tx(tx, app, actor, change).await?;
    let fact = Fact {
        topic: Topic::ProgramInvitationChanged,
        brand: Some(row.brand_id),
        partner: row.partner_id,
        subject: row.id.0,
        payload: json!({ "state": row.state.to_value() }),
    };
    outbox::enqueue_in_tx(tx, app, fact).await?;
    Ok(())
}
