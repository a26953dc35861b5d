//! What those who apply answer to a program's questions.

use std::collections::HashMap;

use entity::{program, questionnaire};
use sea_orm::DatabaseTransaction;
use serde::{Deserialize, Serialize};

use super::Result;
use crate::{
    error::{Failure, Fault},
    partnerships::error::PartnershipErrorCode as Code,
    programs::{
        rules::questions::{Question, WrongAnswer, check_answer},
        service as programs,
    },
};

/// What was answered to one question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The question's.
    pub key: String,
    pub values: Vec<String>,
}

/// The version that is asked now, and the answers to it as they are kept; none when nothing is asked.
pub(super) async fn check_answers_in_tx(
    tx: &DatabaseTransaction,
    program: &program::Model,
    answers: &[Answer],
) -> Result<Option<(questionnaire::Model, String)>> {
    let asked = programs::find_questionnaire_in_tx(tx, program).await?;
    let questions = match &asked {
        Some(asked) => programs::questions_of(asked)?,
        None => Vec::new(),
    };
    let checked = check_answers(&questions, answers)?;
    let Some(asked) = asked.filter(|_| !questions.is_empty()) else {
        return Ok(None);
    };
    let checked = serde_json::to_string(&checked).map_err(Fault::new)?;
    Ok(Some((asked, checked)))
}

/// Answers in the order of their questions. What is wrong is told of the first answer it is wrong with.
fn check_answers(questions: &[Question], answers: &[Answer]) -> Result<Vec<Answer>> {
    let mut given = HashMap::new();
    for (index, answer) in answers.iter().enumerate() {
        let field = format!("answers.{index}.key");
        let key = answer.key.as_str();
        if !questions.iter().any(|question| question.key == key) {
            let message = "no question of this program has this key now";
            return Err(Failure::refused_field(Code::AnswerUnknown, &field, message));
        }
        if given.insert(key, (index, answer)).is_some() {
            let message = "this question is answered twice";
            return Err(Failure::refused_field(Code::AnswerGivenTwice, &field, message));
        }
    }
    let mut checked = Vec::new();
    for question in questions {
        let found = given.get(question.key.as_str());
        let values = found.map_or(&[][..], |(_, answer)| &answer.values);
        let values = check_answer(question, values).map_err(|wrong| {
            // What is not there has no place of its own.
            let field = found.map_or("answers".to_owned(), |(index, _)| format!("answers.{index}.values"));
            let (code, message) = words(&question.key, wrong);
            Failure::refused_field(code, &field, message)
        })?;
        if !values.is_empty() {
            let key = question.key.clone();
            checked.push(Answer { key, values });
        }
    }
    Ok(checked)
}

fn words(key: &str, wrong: WrongAnswer) -> (Code, String) {
    match wrong {
        WrongAnswer::Missing => (Code::AnswerMissing, format!("`{key}` must be answered")),
        WrongAnswer::Malformed(what) => (Code::AnswerMalformed, format!("`{key}`: {what}")),
        WrongAnswer::NotAChoice => (
            Code::AnswerNotAChoice,
            format!("`{key}` takes its own choices only, each once"),
        ),
        WrongAnswer::OutOfBounds(bound) => (Code::AnswerOutOfBounds, format!("`{key}`: {bound}")),
    }
}

/// Answers as they are kept.
pub fn read_answers(stored: Option<&str>) -> std::result::Result<Vec<Answer>, Fault> {
    stored.map_or_else(
        || Ok(Vec::new()),
        |stored| serde_json::from_str(stored).map_err(Fault::new),
    )
}
