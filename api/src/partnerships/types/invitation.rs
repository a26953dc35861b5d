//! Invitations into programs as the schema shows them.

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, Object, OneofObject, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{
    ids::{BrandId, PartnerId, ProgramId},
    program_invitation,
};

use super::{TermsOffer, TermsProposalInput};
use crate::{
    connection,
    error::{ApiError, Failure, Refusal},
    graphql::{
        context::{ContextExt, parse_id},
        objects::{Partner, PartnerGroup, Partnership, Program},
    },
    messages::{loaders::ThreadFor, types::MessageThread},
    page,
    partnerships::{
        error::{PartnershipError, PartnershipErrorCode},
        loaders::{OffersOf, PartnershipFor},
        service::{self, Invitation, Invitee},
    },
    payload,
    programs::types::ProgramTerms,
};

/// Where an invitation into a program stands.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "program_invitation::ProgramInvitationState")]
pub enum ProgramInvitationState {
    /// Open: it can be accepted.
    Sent,
    /// The partner is in.
    Accepted,
    /// The partner does not want to.
    Declined,
    /// Nobody answered in time.
    Expired,
    /// The brand took it back.
    Revoked,
}

/// A brand asks a partner into a program.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct ProgramInvitation {
    /// Global id.
    pub id: ID,
    /// Where it was mailed to; absent of one that is for a certain partner.
    pub email: Option<String>,
    /// What the brand wrote; may be empty.
    pub message: String,
    /// Why it was declined, if the partner said so.
    pub decline_reason: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was sent last.
    pub sent_at: DateTime<Utc>,
    /// Until when it can be accepted.
    pub expires_at: DateTime<Utc>,
    /// When it was accepted, declined or revoked, or found to have expired.
    pub decided_at: Option<DateTime<Utc>>,
    #[graphql(skip)]
    pub row: program_invitation::Model,
}

impl From<program_invitation::Model> for ProgramInvitation {
    fn from(row: program_invitation::Model) -> Self {
        Self {
            id: row.id.to_string().into(),
            email: row.email.clone(),
            message: row.message.clone(),
            decline_reason: row.decline_reason.clone(),
            created_at: row.created_at,
            sent_at: row.sent_at,
            expires_at: row.expires_at,
            decided_at: row.decided_at,
            row,
        }
    }
}

#[ComplexObject]
impl ProgramInvitation {
    /// Where it stands now.
    async fn state(&self, ctx: &Context<'_>) -> ProgramInvitationState {
        self.row.state_at(ctx.app().clock.now()).into()
    }

    /// The program asked into.
    async fn program(&self, ctx: &Context<'_>) -> Result<Option<Program>, ApiError> {
        Ok(ctx.load(self.row.program_id).await?.map(Program::from))
    }

    /// Who is asked; of a mailed one, who accepted it.
    async fn partner(&self, ctx: &Context<'_>) -> Result<Option<Partner>, ApiError> {
        let Some(id) = self.row.partner_id else { return Ok(None) };
        Ok(ctx.load(id).await?.map(Partner::from))
    }

    /// The group the partner comes to. Absent when it is the program's default, and for whoever may not see the group:
    /// the brand may.
    async fn group(&self, ctx: &Context<'_>) -> Result<Option<PartnerGroup>, ApiError> {
        let Some(id) = self.row.group_id else { return Ok(None) };
        Ok(ctx.load(id).await?.map(PartnerGroup::from))
    }

    /// What was offered about its terms, oldest first. At most 10. For the partner, the brand's members, and whoever has the
    /// mailed link.
    async fn offers(&self, ctx: &Context<'_>) -> Result<Option<Vec<TermsOffer>>, ApiError> {
        let rows = ctx.load(OffersOf(service::Subject::Invitation(self.row.id))).await?;
        Ok(Some(rows.unwrap_or_default().into_iter().map(Into::into).collect()))
    }

    /// The version of the terms that was accepted with it; absent unless it was.
    async fn terms(&self, ctx: &Context<'_>) -> Result<Option<ProgramTerms>, ApiError> {
        let Some(id) = self.row.terms_id else { return Ok(None) };
        Ok(ctx.load(id).await?.map(ProgramTerms::from))
    }

    /// The partnership it led to; absent unless it was accepted.
    async fn partnership(&self, ctx: &Context<'_>) -> Result<Option<Partnership>, ApiError> {
        let accepted = self.row.state == program_invitation::ProgramInvitationState::Accepted;
        let Some(partner) = self.row.partner_id.filter(|_| accepted) else {
            return Ok(None);
        };
        let key = PartnershipFor(self.row.program_id, partner);
        Ok(ctx.load(key).await?.map(Partnership::from))
    }

    /// What the partner and the brand write to each other about the program. Absent before the first message, and of a mailed
    /// one that no partner has accepted.
    async fn message_thread(&self, ctx: &Context<'_>) -> Result<Option<MessageThread>, ApiError> {
        let Some(partner) = self.row.partner_id else {
            return Ok(None);
        };
        let key = ThreadFor(self.row.program_id, partner);
        Ok(ctx.load(key).await?.map(MessageThread::from))
    }
}

connection! {
    /// Invitations into programs.
    ProgramInvitationConnection, ProgramInvitationEdge of ProgramInvitation
}

/// Invitations' part of `Program`.
#[derive(Clone)]
pub struct InvitationsOfProgram {
    pub program: ProgramId,
    pub brand: BrandId,
}

#[Object]
impl InvitationsOfProgram {
    /// Whom the brand asked in, newest first. For the brand's members.
    #[graphql(complexity = "page::cost(first, last, child_complexity)")]
    async fn invitations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, at most 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Items from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items in front of this cursor.")] before: Option<String>,
    ) -> Result<Option<ProgramInvitationConnection>, ApiError> {
        let page = ctx.page(first, after, last, before)?;
        let slice =
            service::list_invitations_of_program(ctx.app(), ctx.actor(), self.brand, self.program, &page).await?;
        Ok(Some(slice.into()))
    }
}

/// Invitations' part of `Partner`.
#[derive(Clone)]
pub struct InvitationsOfPartner(pub PartnerId);

#[Object]
impl InvitationsOfPartner {
    /// Into which programs this partner was asked, newest first; mailed ones once they are accepted. For the partner.
    #[graphql(complexity = "page::cost(first, last, child_complexity)")]
    async fn program_invitations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Items from the front, at most 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only items behind this cursor.")] after: Option<String>,
        #[graphql(desc = "Items from the end, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only items in front of this cursor.")] before: Option<String>,
    ) -> Result<Option<ProgramInvitationConnection>, ApiError> {
        let page = ctx.page(first, after, last, before)?;
        let slice = service::list_invitations_of_partner(ctx.app(), ctx.actor(), self.0, &page).await?;
        Ok(Some(slice.into()))
    }
}

/// Whom a brand asks in: exactly one of these.
#[derive(OneofObject)]
pub enum ProgramInviteeInput {
    /// A partner, who is told by mail and finds it in `Partner.programInvitations`.
    PartnerId(ID),
    /// Whoever has this mail address, with or without an account: a link is mailed there.
    Email(String),
}

impl ProgramInviteeInput {
    pub fn read(self) -> Result<Invitee, ApiError> {
        Ok(match self {
            Self::PartnerId(id) => Invitee::Partner(parse_id(&id, "invitee.partnerId")?),
            Self::Email(email) => Invitee::Email(email),
        })
    }
}

/// Which invitation is answered: exactly one of these.
#[derive(OneofObject)]
pub enum ProgramInvitationRefInput {
    /// One for a partner of the caller.
    InvitationId(ID),
    /// What stands behind `#` in the link that was mailed.
    Token(String),
}

impl ProgramInvitationRefInput {
    pub fn read(self) -> Result<Invitation, ApiError> {
        Ok(match self {
            Self::InvitationId(id) => Invitation::Id(parse_id(&id, "invitation.invitationId")?),
            Self::Token(token) => Invitation::Token(token),
        })
    }
}

/// An invitation into a program.
#[derive(InputObject)]
pub struct InviteToProgramInput {
    /// The program, which is active.
    pub program_id: ID,
    /// Whom to ask.
    pub invitee: ProgramInviteeInput,
    /// The group the partner comes to; absent: the program's default.
    pub group_id: Option<ID>,
    /// What to say: at most 2,000 characters.
    #[graphql(default)]
    pub message: String,
    /// How long it can be accepted: 1 to 90 days.
    #[graphql(default = 30)]
    pub expires_in_days: i32,
    /// The terms that are offered instead of the program's: whoever accepts the invitation takes them, unless it counters.
    pub terms: Option<TermsProposalInput>,
}

/// Invitations into a program.
#[derive(InputObject)]
pub struct InviteManyToProgramInput {
    /// The program, which is active.
    pub program_id: ID,
    /// Whom to ask: 1 to 100.
    pub invitees: Vec<ProgramInviteeInput>,
    /// The group the partners come to; absent: the program's default.
    pub group_id: Option<ID>,
    /// What to say to each: at most 2,000 characters.
    #[graphql(default)]
    pub message: String,
    /// How long they can be accepted: 1 to 90 days.
    #[graphql(default = 30)]
    pub expires_in_days: i32,
}

/// What became of one of many invitations: it was sent, or there is an error.
#[derive(SimpleObject)]
pub struct ProgramInvitationResult {
    /// The new invitation; absent when it was not sent.
    pub program_invitation: Option<ProgramInvitation>,
    /// Why it was not sent; absent when it was. `field` is a path within the one of `invitees` that it is about.
    pub error: Option<PartnershipError>,
}

/// What `inviteManyToProgram` answers.
#[derive(SimpleObject)]
pub struct InviteManyToProgramPayload {
    /// One for each of `invitees`, in their order; absent when the request was refused as a whole.
    pub results: Option<Vec<ProgramInvitationResult>>,
    /// Why the request was refused as a whole; empty when it was worked through.
    pub user_errors: Vec<PartnershipError>,
}

impl InviteManyToProgramPayload {
    pub fn of(result: Result<Vec<service::Invited>, Failure<PartnershipErrorCode>>) -> Result<Option<Self>, ApiError> {
        let refused = |refusal: Refusal<PartnershipErrorCode>| Self {
            results: None,
            user_errors: vec![refusal.into()],
        };
        let invited = match result {
            Ok(invited) => invited,
            Err(Failure::Refused(refusal)) => return Ok(Some(refused(refusal))),
            Err(Failure::Api(error)) => return Err(error),
        };
        let results = invited.into_iter().map(|one| match one {
            Ok(row) => Ok(ProgramInvitationResult {
                program_invitation: Some(row.into()),
                error: None,
            }),
            Err(Failure::Refused(refusal)) => Ok(ProgramInvitationResult {
                program_invitation: None,
                error: Some(refusal.into()),
            }),
            Err(Failure::Api(error)) => Err(error),
        });
        Ok(Some(Self {
            results: Some(results.collect::<Result<_, _>>()?),
            user_errors: Vec::new(),
        }))
    }
}

/// An invitation to send again.
#[derive(InputObject)]
pub struct ResendProgramInvitationInput {
    /// The invitation, which is open.
    pub id: ID,
    /// How long it can be accepted from now on: 1 to 90 days.
    #[graphql(default = 30)]
    pub expires_in_days: i32,
}

/// An invitation to take back.
#[derive(InputObject)]
pub struct RevokeProgramInvitationInput {
    /// The invitation.
    pub id: ID,
    /// Why, for the audit log: 1 to 500 characters.
    pub reason: Option<String>,
}

/// An invitation to accept.
#[derive(InputObject)]
pub struct AcceptProgramInvitationInput {
    /// Which one.
    pub invitation: ProgramInvitationRefInput,
    /// The partner that comes in.
    pub partner_id: ID,
    /// The version of the terms the partner read and accepts; it must be the current one.
    pub accepted_terms_version: i32,
}

/// An invitation to decline.
#[derive(InputObject)]
pub struct DeclineProgramInvitationInput {
    /// Which one.
    pub invitation: ProgramInvitationRefInput,
    /// Why, for the brand: 1 to 500 characters.
    pub reason: Option<String>,
}

payload! {
    /// What `inviteToProgram` answers.
    InviteToProgramPayload {
        /// The new invitation.
        program_invitation: ProgramInvitation
    } refused by PartnershipError, PartnershipErrorCode
}

payload! {
    /// What `resendProgramInvitation` answers.
    ResendProgramInvitationPayload {
        /// The invitation, sent again.
        program_invitation: ProgramInvitation
    } refused by PartnershipError, PartnershipErrorCode
}

payload! {
    /// What `revokeProgramInvitation` answers.
    RevokeProgramInvitationPayload {
        /// The invitation, revoked.
        program_invitation: ProgramInvitation
    } refused by PartnershipError, PartnershipErrorCode
}

payload! {
    /// What `acceptProgramInvitation` answers.
    AcceptProgramInvitationPayload {
        /// The invitation, accepted; its `partnership` is active.
        program_invitation: ProgramInvitation
    } refused by PartnershipError, PartnershipErrorCode
}

payload! {
    /// What `declineProgramInvitation` answers.
    DeclineProgramInvitationPayload {
        /// The invitation, declined.
        program_invitation: ProgramInvitation
    } refused by PartnershipError, PartnershipErrorCode
}
