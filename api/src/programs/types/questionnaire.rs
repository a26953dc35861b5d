//! What those who apply are asked, as the schema shows it.

use async_graphql::{Enum, ID, InputObject, MaybeUndefined, SimpleObject};
use chrono::{DateTime, Utc};
use entity::questionnaire;

use crate::{
    error::ApiError,
    graphql::{objects::Program, scalars::Decimal},
    payload,
    programs::{
        error::{ProgramError, ProgramErrorCode},
        rules::questions,
        service,
    },
};

/// What is an answer to a question.
#[derive(Clone, Copy, Debug, Enum, PartialEq, Eq)]
#[graphql(remote = "questions::QuestionKind")]
pub enum QuestionKind {
    /// One line of at most 200 characters.
    ShortText,
    /// At most 5,000 characters.
    LongText,
    /// One of the choices.
    SingleChoice,
    /// Some of the choices, each once.
    MultipleChoice,
    /// A decimal number such as `12.5`.
    Number,
    /// An absolute http or https address of at most 2,048 bytes.
    Url,
    /// `YES` or `NO`.
    YesNo,
}

/// A question.
#[derive(Clone, Debug, SimpleObject)]
pub struct Question {
    /// Names it among the questions of its questionnaire; answers say it.
    pub key: String,
    /// The question itself, as people read it.
    pub label: String,
    /// More about it.
    pub help: Option<String>,
    /// What is an answer.
    pub kind: QuestionKind,
    /// Whether it must be answered.
    pub required: bool,
    /// What can be chosen; none unless it is a choice.
    pub choices: Vec<String>,
    /// The least: of a number its value, of a text its characters, of `MULTIPLE_CHOICE` how many.
    pub minimum: Option<Decimal>,
    /// The most, measured alike.
    pub maximum: Option<Decimal>,
}

impl From<questions::Question> for Question {
    fn from(question: questions::Question) -> Self {
        Self {
            key: question.key,
            label: question.label,
            help: question.help,
            kind: question.kind.into(),
            required: question.required,
            choices: question.choices,
            minimum: question.minimum.map(Decimal),
            maximum: question.maximum.map(Decimal),
        }
    }
}

/// One version of what those who apply are asked. Never changed: other questions are a new version, and an application
/// keeps the version it answered.
#[derive(Clone, Debug, SimpleObject)]
pub struct Questionnaire {
    /// Counts over all questionnaires of a program, from 1.
    pub version: i32,
    /// The questions in their order: at most 20.
    pub questions: Vec<Question>,
    /// When this version was written.
    pub created_at: DateTime<Utc>,
}

impl Questionnaire {
    pub fn stored(row: &questionnaire::Model) -> Result<Self, ApiError> {
        Ok(Self {
            version: row.version,
            questions: service::questions_of(row)?.into_iter().map(Question::from).collect(),
            created_at: row.created_at,
        })
    }
}

/// A question to ask.
#[derive(InputObject)]
pub struct QuestionInput {
    /// Names it among the questions: 1 to 40 small letters, digits, hyphens or underscores, beginning with a letter.
    pub key: String,
    /// The question itself: 1 to 200 characters on one line.
    pub label: String,
    /// More about it: at most 1,000 characters.
    pub help: Option<String>,
    /// What is an answer.
    pub kind: QuestionKind,
    /// Whether it must be answered.
    #[graphql(default = false)]
    pub required: bool,
    /// What can be chosen: 2 to 50 different ones of 1 to 100 characters each. None unless it is a choice.
    #[graphql(default)]
    pub choices: Vec<String>,
    /// The least: of a number its value, of a text its characters, of `MULTIPLE_CHOICE` how many. Other kinds take none.
    pub minimum: Option<Decimal>,
    /// The most, measured alike and within what the kind allows.
    pub maximum: Option<Decimal>,
}

impl From<QuestionInput> for questions::Question {
    fn from(input: QuestionInput) -> Self {
        Self {
            key: input.key,
            label: input.label,
            help: input.help,
            kind: input.kind.into(),
            required: input.required,
            choices: input.choices,
            minimum: input.minimum.map(|bound| bound.0),
            maximum: input.maximum.map(|bound| bound.0),
        }
    }
}

/// What to ask those who apply, in place of what was asked.
#[derive(InputObject)]
pub struct SetQuestionnaireInput {
    /// The program.
    pub program_id: ID,
    /// A group of it, which then asks this instead of what the program asks. Counts while the group is the program's default.
    pub group_id: Option<ID>,
    /// At most 20; none of them: nothing is asked. Null, which must be said, takes a group's questionnaire away, so that it
    /// asks what the program asks.
    pub questions: MaybeUndefined<Vec<QuestionInput>>,
}

payload! {
    /// What `setQuestionnaire` answers.
    SetQuestionnairePayload {
        /// The program with what it asks now.
        program: Program
    } refused by ProgramError, ProgramErrorCode
}
