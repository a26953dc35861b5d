//! Whether a partner may apply to a program now, and what stands in its way. Whoever applies is asked the same.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::{
    admission_policy,
    application::{self, ApplicationState, ReapplyPolicy},
    creator_channel,
    ids::{PartnerId, ProgramId, UserId},
    listing::{self, ListingState},
    partner, partnership,
    program::{self, ProgramState},
    user,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder,
    sea_query::{Expr, ExprTrait, Query},
};

use super::{Result, standing};
use crate::{
    accounts::{
        actor::{Actor, Identity, Place},
        permissions::Operation,
    },
    app::App,
    error::{ApiError, Failure},
    partnerships::{error::PartnershipErrorCode as Code, rules},
    programs::{
        rules::admission::{Again, Applicant, Obstacle, obstacles},
        service as programs,
    },
};

/// What stands in the way of an application: the code it would be refused with, and in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    pub code: Code,
    pub message: String,
    /// When time alone takes it away.
    pub until: Option<DateTime<Utc>>,
}

impl Reason {
    fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            until: None,
        }
    }
}

impl From<Reason> for Failure<Code> {
    fn from(reason: Reason) -> Self {
        match reason.code {
            Code::ProgramNotOpen => Self::refused_field(reason.code, "programId", reason.message),
            code => Self::refused(code, reason.message),
        }
    }
}

/// Whether somebody may ask this in a partner's name.
pub fn authorise_eligibility(actor: &Actor, partner: PartnerId) -> std::result::Result<(), ApiError> {
    actor.authorise(Operation::SeeEligibility, Place::partner(partner))
}

/// Everything that stands in the way of applications now, for each partner and program, by the account that asks.
pub async fn list_reasons_in_tx(
    conn: &impl ConnectionTrait,
    app: &App,
    actor: &Actor,
    wanted: &[(&program::Model, PartnerId)],
) -> std::result::Result<HashMap<(ProgramId, PartnerId), Vec<Reason>>, DbErr> {
    let user = match actor.identity {
        Identity::User(user) => Some(user),
        _ => None,
    };
    let programs: Vec<ProgramId> = wanted.iter().map(|(program, _)| program.id).collect();
    let listed = listing::Entity::find()
        .filter(listing::Column::ProgramId.is_in(programs.iter().copied()))
        .filter(listing::Column::State.eq(ListingState::Published))
        .all(conn)
        .await?;
    let policies = programs::list_admissions_in_tx(conn, &programs).await?;
    let pairs: Vec<(ProgramId, PartnerId)> = wanted.iter().map(|(program, partner)| (program.id, *partner)).collect();
    let joined = list_partnerships_in_tx(conn, &pairs).await?;
    let asked = list_last_applications_in_tx(conn, &pairs).await?;
    let people: Vec<(PartnerId, Option<UserId>)> = wanted.iter().map(|(_, partner)| (*partner, user)).collect();
    let applicants = list_applicants_in_tx(conn, &people).await?;
    let found = wanted.iter().map(|(program, partner)| {
        let policy = policies.get(&program.id);
        let policy = policy
            .cloned()
            .unwrap_or_else(|| programs::open_to_all(program.id, program.brand_id, program.created_at));
        let key = (program.id, *partner);
        let mut reasons = Vec::new();
        if program.state != ProgramState::Active || !listed.iter().any(|row| row.program_id == program.id) {
            reasons.push(Reason::new(
                Code::ProgramNotOpen,
                "this program takes no applications now",
            ));
        }
        let now = app.clock.now();
        let joined = joined.iter().find(|row| (row.program_id, row.partner_id) == key);
        reasons.extend(joined.and_then(|row| of_partnership(row, now)));
        let mine = asked.iter().filter(|row| (row.program_id, row.partner_id) == key);
        reasons.extend(of_applications(mine, &policy, now));
        let applicant = applicants.get(&(*partner, user)).cloned().unwrap_or_default();
        reasons.extend(of_requirements(&policy, &applicant));
        (key, reasons)
    });
    Ok(found.collect())
}

/// The same of one.
pub(super) async fn find_reasons_in_tx(
    conn: &impl ConnectionTrait,
    app: &App,
    actor: &Actor,
    program: &program::Model,
    partner: PartnerId,
) -> Result<Vec<Reason>> {
    let mut found = list_reasons_in_tx(conn, app, actor, &[(program, partner)]).await?;
    Ok(found.remove(&(program.id, partner)).unwrap_or_default())
}

/// The partnerships that partners have, or had, in programs.
async fn list_partnerships_in_tx(
    conn: &impl ConnectionTrait,
    pairs: &[(ProgramId, PartnerId)],
) -> std::result::Result<Vec<partnership::Model>, DbErr> {
    let wanted = pairs.iter().fold(Condition::any(), |wanted, (program, partner)| {
        wanted.add(
            Condition::all()
                .add(partnership::Column::ProgramId.eq(*program))
                .add(partnership::Column::PartnerId.eq(*partner)),
        )
    });
    partnership::Entity::find().filter(wanted).all(conn).await
}

/// What partners sent to programs: what is open, and of what was decided the last of each state. Newest first.
async fn list_last_applications_in_tx(
    conn: &impl ConnectionTrait,
    pairs: &[(ProgramId, PartnerId)],
) -> std::result::Result<Vec<application::Model>, DbErr> {
    use application::{Column, Entity};
    let wanted = pairs.iter().fold(Condition::any(), |wanted, (program, partner)| {
        wanted.add(
            Condition::all()
                .add(Column::ProgramId.eq(*program))
                .add(Column::PartnerId.eq(*partner)),
        )
    });
    let last = [Column::ProgramId, Column::PartnerId, Column::State].into_iter().fold(
        Query::select()
            .expr(Expr::col(("last", Column::DecidedAt)).max())
            .from_as(Entity, "last")
            .to_owned(),
        |mut query, column| {
            query
                .and_where(Expr::col(("last", column)).equals((Entity, column)))
                .to_owned()
        },
    );
    let is_last = Condition::any()
        .add(Column::DecidedAt.is_null())
        .add(Column::DecidedAt.in_subquery(last));
    Entity::find()
        .filter(wanted)
        .filter(is_last)
        .order_by_desc(Column::DecidedAt)
        .order_by_desc(Column::Id)
        .all(conn)
        .await
}

/// What is known of who applies: of each partner, by the account that does it.
pub(super) async fn list_applicants_in_tx(
    conn: &impl ConnectionTrait,
    people: &[(PartnerId, Option<UserId>)],
) -> std::result::Result<HashMap<(PartnerId, Option<UserId>), Applicant>, DbErr> {
    let partners = partner::Entity::find()
        .filter(partner::Column::Id.is_in(people.iter().map(|(partner, _)| *partner)))
        .all(conn)
        .await?;
    let users = user::Entity::find()
        .filter(user::Column::Id.is_in(people.iter().filter_map(|(_, user)| *user)))
        .all(conn)
        .await?;
    let channels: Vec<creator_channel::Model> = creator_channel::Entity::find()
        .filter(creator_channel::Column::PartnerId.is_in(people.iter().map(|(partner, _)| *partner)))
        .all(conn)
        .await?;
    let known = people.iter().map(|(partner, user)| {
        let account = user.and_then(|id| users.iter().find(|row| row.id == id));
        let country = partners.iter().find(|row| row.id == *partner);
        let of_partner = |verified_only: bool| {
            let counted = channels
                .iter()
                .filter(|row| row.partner_id == *partner && (!verified_only || row.verified_at.is_some()));
            counted.map(|row| row.followers).max()
        };
        let applicant = Applicant {
            country: country.and_then(|row| row.country.clone()),
            email: account.map(|row| row.email_key.clone()),
            email_is_proved: account.is_some_and(|row| row.email_verified_at.is_some()),
            followers: of_partner(false),
            verified_followers: of_partner(true),
        };
        ((*partner, *user), applicant)
    });
    Ok(known.collect())
}

/// One partnership at a time; and the end of the last one respected.
fn of_partnership(row: &partnership::Model, now: DateTime<Utc>) -> Option<Reason> {
    let since = row.state_since.unwrap_or(row.created_at);
    match standing::may_ask_again(row) {
        Ok(policy) => impatient(again(policy, since), now, "the partnership was ended"),
        Err(Failure::Refused(refusal)) => Some(Reason::new(refusal.code, refusal.message)),
        Err(Failure::Api(_)) => None,
    }
}

/// One open application; and the last rejection and the last withdrawal respected. The newest come first.
fn of_applications<'a>(
    rows: impl Iterator<Item = &'a application::Model> + Clone,
    policy: &admission_policy::Model,
    now: DateTime<Utc>,
) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let is_open = |row: &&application::Model| row.decided_at.is_none();
    if rows.clone().any(|row| is_open(&row)) {
        reasons.push(Reason::new(Code::AlreadyApplied, ALREADY_APPLIED));
    }
    // A later application that was withdrawn does not wipe out an earlier rejection.
    let last = |state| rows.clone().find(|row| row.state == state);
    if let Some(rejected) = last(ApplicationState::Rejected) {
        let since = rejected.decided_at.unwrap_or(rejected.created_at);
        let from = rejected.reapply_policy.map_or_else(
            || programs::again_after_rejection(policy, since),
            |said| again(said, since),
        );
        reasons.extend(impatient(from, now, "the last application was rejected"));
    }
    if let Some(withdrawn) = last(ApplicationState::Withdrawn) {
        let since = withdrawn.decided_at.unwrap_or(withdrawn.created_at);
        let from = programs::again_after_withdrawal(policy, since);
        reasons.extend(impatient(from, now, "the last application was withdrawn"));
    }
    reasons
}

pub(super) const ALREADY_APPLIED: &str = "an application of this partner into this program is still open";

fn again(policy: ReapplyPolicy, since: DateTime<Utc>) -> Again {
    match policy {
        ReapplyPolicy::AtOnce => Again::Now,
        ReapplyPolicy::After30Days => Again::From(rules::reapply_from(since)),
        ReapplyPolicy::Never => Again::Never,
    }
}

/// Must somebody of whom this was said wait?
fn impatient(from: Again, now: DateTime<Utc>, what: &str) -> Option<Reason> {
    match from {
        Again::Now => None,
        Again::Never => Some(Reason::new(Code::ReapplyNever, format!("{what} for good"))),
        Again::From(from) if from <= now => None,
        Again::From(from) => Some(Reason {
            until: Some(from),
            ..Reason::new(
                Code::ReapplyTooEarly,
                format!("{what}: apply again from {} on", from.format("%Y-%m-%dT%H:%M:%SZ")),
            )
        }),
    }
}

/// What the program asks of everybody who applies.
pub(super) fn of_requirements(policy: &admission_policy::Model, applicant: &Applicant) -> Vec<Reason> {
    let admission = programs::admission_of(policy);
    let words = |obstacle| match obstacle {
        Obstacle::CountryMissing => (
            Code::CountryMissing,
            "this program asks where its partners are from: say the partner's country first",
        ),
        Obstacle::CountryNotAllowed => (
            Code::CountryNotAllowed,
            "this program does not take partners from this country",
        ),
        Obstacle::CountryExcluded => (
            Code::CountryExcluded,
            "this program takes no partners from this country",
        ),
        Obstacle::EmailNotVerified => (
            Code::EmailNotVerified,
            "this program takes applications from proved addresses: follow the link that was mailed to yours first",
        ),
        Obstacle::EmailDomainNotAllowed => (
            Code::EmailDomainNotAllowed,
            "this program does not take applications from addresses of this domain",
        ),
        Obstacle::EmailDomainBlocked => (
            Code::EmailDomainBlocked,
            "this program takes no applications from addresses of this domain",
        ),
        Obstacle::ChannelNotVerified => (Code::ChannelNotVerified, "this program asks for a verified channel"),
        Obstacle::FollowersTooFew => (
            Code::FollowersTooFew,
            "this program asks for more followers than the greatest channel that counts has",
        ),
    };
    obstacles(&admission, applicant)
        .into_iter()
        .map(words)
        .map(|(code, message)| Reason::new(code, message))
        .collect()
}
