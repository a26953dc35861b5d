//! Proposed terms, as the schema shows them.

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, OneofObject, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{ids::UserId, terms_offer};

use crate::{
    error::ApiError,
    graphql::{
        context::{ContextExt, parse_id},
        scalars::{Decimal, percent_to_ppm, ppm_to_percent},
    },
    partnerships::{
        error::{PartnershipError, PartnershipErrorCode},
        service::{Proposal, Subject},
    },
    payload,
};

/// A side of an application or invitation.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "terms_offer::OfferSide")]
pub enum OfferSide {
    /// The brand.
    Brand,
    /// The partner.
    Partner,
}

/// Where an offer stands.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "terms_offer::OfferState")]
pub enum OfferState {
    /// Waits for the other side.
    Open,
    /// The other side offered something else.
    Countered,
    /// Agreed.
    Accepted,
    /// Turned down: the program's terms count.
    Declined,
}

/// Terms that one side proposed, and what the other said. Never changed otherwise.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct TermsOffer {
    /// Counts from 1 within an application or invitation; answers name it.
    pub number: i32,
    /// Whose it is. The other side answers it.
    pub made_by: OfferSide,
    /// Percent of each sale that the partner would earn.
    pub percent: Decimal,
    /// What was said with it.
    pub message: String,
    /// Where it stands.
    pub state: OfferState,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When the other side answered; absent while it is open.
    pub answered_at: Option<DateTime<Utc>>,
    #[graphql(skip)]
    user_id: Option<UserId>,
}

impl From<terms_offer::Model> for TermsOffer {
    fn from(row: terms_offer::Model) -> Self {
        Self {
            number: row.number,
            made_by: row.made_by.into(),
            percent: ppm_to_percent(row.rate_ppm),
            message: row.message,
            state: row.state.into(),
            created_at: row.created_at,
            answered_at: row.answered_at,
            user_id: row.user_id,
        }
    }
}

#[ComplexObject]
impl TermsOffer {
    /// The display name of the person who made it in that side's name.
    async fn author(&self, ctx: &Context<'_>) -> Result<Option<String>, ApiError> {
        let Some(id) = self.user_id else { return Ok(None) };
        Ok(ctx.load(id).await?.map(|row| row.display_name))
    }
}

/// Terms to propose.
#[derive(InputObject)]
pub struct TermsProposalInput {
    /// Percent of each sale: above 0, at most 100, with at most four decimals.
    pub percent: Decimal,
    /// What to say with it: at most 2,000 characters.
    #[graphql(default)]
    pub message: String,
}

impl TermsProposalInput {
    pub fn read(self, field: &str) -> Result<Proposal, ApiError> {
        Ok(Proposal {
            rate_ppm: percent_to_ppm(self.percent, field)?,
            message: self.message,
        })
    }
}

/// What an offer is about: exactly one of these.
#[derive(OneofObject)]
pub enum OfferSubjectInput {
    /// An open application.
    ApplicationId(ID),
    /// An open invitation of a partner.
    InvitationId(ID),
}

impl OfferSubjectInput {
    pub fn read(self) -> Result<Subject, ApiError> {
        Ok(match self {
            Self::ApplicationId(id) => Subject::Application(parse_id(&id, "subject.applicationId")?),
            Self::InvitationId(id) => Subject::Invitation(parse_id(&id, "subject.invitationId")?),
        })
    }
}

/// An offer to answer with another one.
#[derive(InputObject)]
pub struct CounterOfferInput {
    /// What it is about.
    pub subject: OfferSubjectInput,
    /// The number of the open offer, which is the other side's.
    pub number: i32,
    /// Percent of each sale: above 0, at most 100, with at most four decimals.
    pub percent: Decimal,
    /// What to say with it: at most 2,000 characters.
    #[graphql(default)]
    pub message: String,
}

/// An offer to take.
#[derive(InputObject)]
pub struct AcceptOfferInput {
    /// What it is about.
    pub subject: OfferSubjectInput,
    /// The number of the open offer, which is the other side's.
    pub number: i32,
}

/// An offer to turn down.
#[derive(InputObject)]
pub struct DeclineOfferInput {
    /// What it is about.
    pub subject: OfferSubjectInput,
    /// The number of the open offer, which is the other side's.
    pub number: i32,
}

payload! {
    /// What `counterOffer` answers.
    CounterOfferPayload {
        /// The new offer, which the other side answers.
        offer: TermsOffer
    } refused by PartnershipError, PartnershipErrorCode
}

payload! {
    /// What `acceptOffer` answers.
    AcceptOfferPayload {
        /// The offer, accepted.
        offer: TermsOffer
    } refused by PartnershipError, PartnershipErrorCode
}

payload! {
    /// What `declineOffer` answers.
    DeclineOfferPayload {
        /// The offer, declined.
        offer: TermsOffer
    } refused by PartnershipError, PartnershipErrorCode
}
