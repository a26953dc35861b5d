//! What partners accepted, as the schema shows it.

use async_graphql::{ComplexObject, Context, ID, InputObject, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{
    ids::{ProgramTermsId, UserId},
    terms_acceptance,
};

use crate::{
    accounts::{actor::Place, permissions::Operation},
    connection,
    error::ApiError,
    graphql::{context::ContextExt, objects::Partnership},
    partnerships::error::{PartnershipError, PartnershipErrorCode},
    payload,
    programs::types::ProgramTerms,
};

/// A partner accepted one version of a program's terms. Never changed: accepting it again adds nothing.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct TermsAcceptance {
    /// The version that was accepted.
    pub version: i32,
    /// When.
    pub accepted_at: DateTime<Utc>,
    #[graphql(skip)]
    terms_id: ProgramTermsId,
    #[graphql(skip)]
    user_id: Option<UserId>,
    #[graphql(skip)]
    client_address: Option<String>,
    #[graphql(skip)]
    places: [Place; 2],
}

impl From<terms_acceptance::Model> for TermsAcceptance {
    fn from(row: terms_acceptance::Model) -> Self {
        Self {
            version: row.version,
            accepted_at: row.accepted_at,
            terms_id: row.terms_id,
            user_id: row.user_id,
            client_address: row.client_address,
            places: [Place::brand(row.brand_id), Place::partner(row.partner_id)],
        }
    }
}

#[ComplexObject]
impl TermsAcceptance {
    /// The text that was accepted.
    async fn terms(&self, ctx: &Context<'_>) -> Result<Option<ProgramTerms>, ApiError> {
        Ok(ctx.load(self.terms_id).await?.map(ProgramTerms::from))
    }

    /// The display name of the person who did it in the partner's name. Absent where nobody wrote it down.
    async fn accepted_by(&self, ctx: &Context<'_>) -> Result<Option<String>, ApiError> {
        let Some(id) = self.user_id else {
            return Ok(None);
        };
        Ok(ctx.load(id).await?.map(|row| row.display_name))
    }

    /// The IP address it was done from; that of a proxy where there is one. For the partner, and the brand's owners and
    /// admins; absent for others, and where nobody wrote it down.
    async fn client_address(&self, ctx: &Context<'_>) -> Option<String> {
        let [brand, partner] = self.places;
        let may_see = ctx.actor().authorise(Operation::SeeAuditLog, brand).is_ok()
            || ctx.actor().authorise(Operation::SeeOwnMembers, partner).is_ok();
        self.client_address.clone().filter(|_| may_see)
    }
}

connection! {
    /// What a partner accepted, the newest first.
    TermsAcceptanceConnection, TermsAcceptanceEdge of TermsAcceptance
}

/// A partner's yes to the current terms.
#[derive(InputObject)]
pub struct AcceptProgramTermsInput {
    /// The partner's partnership in the program.
    pub partnership_id: ID,
    /// The version the partner read and accepts; it must be the current one.
    pub version: i32,
}

payload! {
    /// What `acceptProgramTerms` answers.
    AcceptProgramTermsPayload {
        /// The partnership, with what is accepted now.
        partnership: Partnership
    } refused by PartnershipError, PartnershipErrorCode
}
