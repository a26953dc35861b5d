//! What partners answer as they apply, and whether they may, as the schema shows it.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{application, ids::ProgramId};

use super::Application;
use crate::{
    error::ApiError,
    graphql::context::{ContextExt, parse_id},
    partnerships::{
        error::{PartnershipError, PartnershipErrorCode},
        loaders::ReasonsFor,
        service,
    },
    payload,
    programs::{service as programs, types::QuestionKind},
};

/// What was answered to a question, with the question as it was asked then.
#[derive(Clone, Debug, SimpleObject)]
pub struct ApplicationAnswer {
    /// The key of the question.
    pub key: String,
    /// The question, as it was read.
    pub label: String,
    /// What was an answer to it.
    pub kind: QuestionKind,
    /// What was answered: one text, a number such as `12.5`, an address, `YES` or `NO`; of `MULTIPLE_CHOICE` each choice, in
    /// the order of the question.
    pub values: Vec<String>,
}

/// The answers of an application, in the order of the questions it answered.
pub(super) async fn load_answers(
    ctx: &Context<'_>,
    row: &application::Model,
) -> Result<Vec<ApplicationAnswer>, ApiError> {
    let Some(id) = row.questionnaire_id else {
        return Ok(Vec::new());
    };
    let Some(asked) = ctx.load(id).await? else {
        return Ok(Vec::new());
    };
    let questions = programs::questions_of(&asked)?;
    let answers = service::read_answers(row.answers.as_deref())?;
    let shown = answers.into_iter().filter_map(|answer| {
        let question = questions.iter().find(|question| question.key == answer.key)?;
        Some(ApplicationAnswer {
            key: answer.key,
            label: question.label.clone(),
            kind: question.kind.into(),
            values: answer.values,
        })
    });
    Ok(shown.collect())
}

/// An answer to a question of the program.
#[derive(InputObject)]
pub struct ApplicationAnswerInput {
    /// The key of the question.
    pub key: String,
    /// One text, a number such as `12.5`, an address, `YES` or `NO`; of `MULTIPLE_CHOICE` each choice. Empty where nothing is
    /// answered.
    pub values: Vec<String>,
}

impl From<ApplicationAnswerInput> for service::Answer {
    fn from(input: ApplicationAnswerInput) -> Self {
        Self {
            key: input.key,
            values: input.values,
        }
    }
}

/// Something that stands in the way of an application.
#[derive(Clone, Debug, SimpleObject)]
pub struct EligibilityReason {
    /// The code with which `applyToProgram` refuses for it.
    pub code: PartnershipErrorCode,
    /// In words, for people.
    pub message: String,
    /// From when on it no longer does; absent when time alone does not help.
    pub until: Option<DateTime<Utc>>,
}

/// Whether a partner may apply to a program now.
#[derive(Clone, Debug, SimpleObject)]
pub struct Eligibility {
    /// Whether nothing stands in the way: what is left are the current terms and the program's questions.
    pub eligible: bool,
    /// All that stands in the way; none when nothing does.
    pub reasons: Vec<EligibilityReason>,
}

impl From<Vec<service::Reason>> for Eligibility {
    fn from(reasons: Vec<service::Reason>) -> Self {
        let shown = |reason: service::Reason| EligibilityReason {
            code: reason.code,
            message: reason.message,
            until: reason.until,
        };
        Self {
            eligible: reasons.is_empty(),
            reasons: reasons.into_iter().map(shown).collect(),
        }
    }
}

/// What applicants may ask of a `Program`.
#[derive(Clone)]
pub struct EligibilityOfProgram(pub ProgramId);

#[Object]
impl EligibilityOfProgram {
    /// Whether a partner may apply now, sent by whoever asks: its account counts too. For the partner.
    async fn eligibility(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The partner that would apply.")] partner_id: ID,
    ) -> Result<Option<Eligibility>, ApiError> {
        let partner = parse_id(&partner_id, "partnerId")?;
        service::authorise_eligibility(ctx.actor(), partner)?;
        Ok(ctx.load(ReasonsFor(self.0, partner)).await?.map(Eligibility::from))
    }
}

/// An application that a person must look at, or that one did.
#[derive(InputObject)]
pub struct SetApplicationFlagInput {
    /// The application, which is open.
    pub id: ID,
    /// Whether a person must look at it: while so, nothing decides about it by itself.
    pub flagged: bool,
    /// Why, for the brand and its audit log: 1 to 500 characters. It must be said when the application is flagged.
    pub reason: Option<String>,
}

payload! {
    /// What `setApplicationFlag` answers.
    SetApplicationFlagPayload {
        /// The application, flagged or not.
        application: Application
    } refused by PartnershipError, PartnershipErrorCode
}
