//! What those who apply are asked, and what is an answer.

use std::collections::HashSet;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::money::parse_decimal;

/// Questions of a questionnaire.
pub const MAX_QUESTIONS: usize = 20;
/// Longest key of a question, in characters.
pub const MAX_KEY_CHARS: usize = 40;
/// Longest label of a question, in characters.
pub const MAX_LABEL_CHARS: usize = 200;
/// Longest help of a question, in characters.
pub const MAX_HELP_CHARS: usize = 1_000;
/// Choices of a question.
pub const CHOICES: std::ops::RangeInclusive<usize> = 2..=50;
/// Longest choice, in characters.
pub const MAX_CHOICE_CHARS: usize = 100;
/// Longest answer of one line, in characters.
pub const MAX_SHORT_CHARS: usize = 200;
/// Longest answer of several lines, in characters.
pub const MAX_LONG_CHARS: usize = 5_000;
/// Longest answer that is an address, in bytes.
pub const MAX_URL_LEN: usize = 2_048;

/// What is an answer to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum QuestionKind {
    ShortText,
    LongText,
    SingleChoice,
    MultipleChoice,
    Number,
    Url,
    YesNo,
}

impl QuestionKind {
    fn has_choices(self) -> bool {
        matches!(self, Self::SingleChoice | Self::MultipleChoice)
    }

    /// What bounds may be: none for kinds that have none.
    fn bounds(self, choices: usize) -> Option<(Decimal, Decimal)> {
        let up_to = |max: usize| Some((Decimal::ZERO, Decimal::from(max)));
        match self {
            Self::ShortText => up_to(MAX_SHORT_CHARS),
            Self::LongText => up_to(MAX_LONG_CHARS),
            Self::MultipleChoice => up_to(choices),
            Self::Number => Some((Decimal::MIN, Decimal::MAX)),
            Self::SingleChoice | Self::Url | Self::YesNo => None,
        }
    }
}

/// One question, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    pub key: String,
    pub label: String,
    pub help: Option<String>,
    pub kind: QuestionKind,
    pub required: bool,
    pub choices: Vec<String>,
    /// Of a number its value, of a text its characters, of a choice of several how many.
    pub minimum: Option<Decimal>,
    pub maximum: Option<Decimal>,
}

/// What is wrong with a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrongQuestion {
    Key,
    KeyTaken,
    Label,
    Help,
    Choices,
    Bounds,
}

impl WrongQuestion {
    /// The part of the question it is about.
    #[must_use]
    pub fn field(self) -> &'static str {
        match self {
            Self::Key | Self::KeyTaken => "key",
            Self::Label => "label",
            Self::Help => "help",
            Self::Choices => "choices",
            Self::Bounds => "minimum",
        }
    }
}

/// On one line, without what nobody sees.
fn is_line(text: &str, max: usize) -> bool {
    !text.is_empty() && text.chars().count() <= max && !text.chars().any(char::is_control)
}

/// Several lines; no other control characters, of which PostgreSQL keeps no NUL.
fn is_text(text: &str, max: usize) -> bool {
    let breaks = |c: char| matches!(c, '\n' | '\r' | '\t');
    text.chars().count() <= max && !text.chars().any(|c| c.is_control() && !breaks(c))
}

fn is_key(key: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
    key.len() <= MAX_KEY_CHARS && key.starts_with(|c: char| c.is_ascii_lowercase()) && key.bytes().all(plain)
}

/// Questions as they are kept, or the number of the first that is none and why. How many there are is the caller's to say.
pub fn check_questions(questions: Vec<Question>) -> Result<Vec<Question>, (usize, WrongQuestion)> {
    let mut keys = HashSet::new();
    let mut checked = Vec::with_capacity(questions.len());
    for (index, question) in questions.into_iter().enumerate() {
        let question = check_question(question).map_err(|wrong| (index, wrong))?;
        if !keys.insert(question.key.clone()) {
            return Err((index, WrongQuestion::KeyTaken));
        }
        checked.push(question);
    }
    Ok(checked)
}

fn check_question(question: Question) -> Result<Question, WrongQuestion> {
    let label = question.label.trim().to_owned();
    let help = question.help.map(|help| help.trim().to_owned());
    let help = help.filter(|help| !help.is_empty());
    let choices: Vec<String> = question.choices.iter().map(|choice| choice.trim().to_owned()).collect();
    if !is_key(&question.key) {
        return Err(WrongQuestion::Key);
    }
    if !is_line(&label, MAX_LABEL_CHARS) {
        return Err(WrongQuestion::Label);
    }
    if help.as_ref().is_some_and(|help| !is_text(help, MAX_HELP_CHARS)) {
        return Err(WrongQuestion::Help);
    }
    let distinct: HashSet<&String> = choices.iter().collect();
    let choices_fit = if question.kind.has_choices() {
        CHOICES.contains(&choices.len())
            && distinct.len() == choices.len()
            && choices.iter().all(|choice| is_line(choice, MAX_CHOICE_CHARS))
    } else {
        choices.is_empty()
    };
    if !choices_fit {
        return Err(WrongQuestion::Choices);
    }
    let given = [question.minimum, question.maximum];
    let mut said = given.iter().flatten().peekable();
    if said.peek().is_some() {
        let (least, most) = question.kind.bounds(choices.len()).ok_or(WrongQuestion::Bounds)?;
        let is_whole = |bound: &Decimal| question.kind == QuestionKind::Number || bound.fract().is_zero();
        let fits = said.all(|bound| *bound >= least && *bound <= most && is_whole(bound));
        let ordered = !matches!(given, [Some(least), Some(most)] if least > most);
        if !fits || !ordered {
            return Err(WrongQuestion::Bounds);
        }
    }
    Ok(Question {
        label,
        help,
        choices,
        ..question
    })
}

/// Why something is no answer to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WrongAnswer {
    /// Nothing was said, and something must be.
    Missing,
    /// Not of the question's kind.
    Malformed(&'static str),
    /// None of the choices, or one of them twice.
    NotAChoice,
    /// Too little or too much; in words.
    OutOfBounds(String),
}

/// An answer as it is kept; empty when nothing was said where nothing must be.
pub fn check_answer(question: &Question, values: &[String]) -> Result<Vec<String>, WrongAnswer> {
    let values: Vec<String> = values
        .iter()
        .map(|value| value.trim().to_owned())
        .filter(|value| !value.is_empty())
        .collect();
    if values.is_empty() {
        return if question.required {
            Err(WrongAnswer::Missing)
        } else {
            Ok(values)
        };
    }
    if question.kind == QuestionKind::MultipleChoice {
        let distinct: HashSet<&String> = values.iter().collect();
        if distinct.len() != values.len() || !values.iter().all(|value| question.choices.contains(value)) {
            return Err(WrongAnswer::NotAChoice);
        }
        check_bounds(question, Decimal::from(values.len()), "choices")?;
        // In the order of the choices: which was ticked first means nothing.
        let chosen = question.choices.iter().filter(|choice| values.contains(choice));
        return Ok(chosen.cloned().collect());
    }
    let [value] = values.as_slice() else {
        return Err(WrongAnswer::Malformed("this question takes one value"));
    };
    let chars = Decimal::from(value.chars().count());
    match question.kind {
        QuestionKind::ShortText => {
            if value.chars().any(char::is_control) {
                return Err(WrongAnswer::Malformed("this question takes one line of text"));
            }
            check_length(value, MAX_SHORT_CHARS)?;
            check_bounds(question, chars, "characters")?;
        }
        QuestionKind::LongText => {
            check_length(value, MAX_LONG_CHARS)?;
            if !is_text(value, MAX_LONG_CHARS) {
                return Err(WrongAnswer::Malformed("a text has no control characters"));
            }
            check_bounds(question, chars, "characters")?;
        }
        QuestionKind::SingleChoice if !question.choices.contains(value) => return Err(WrongAnswer::NotAChoice),
        QuestionKind::Number => {
            let number = parse_decimal(value);
            let number = number.ok_or(WrongAnswer::Malformed("this question takes a number such as `12.5`"))?;
            check_bounds(question, number, "")?;
            return Ok(vec![number.normalize().to_string()]);
        }
        QuestionKind::Url if !is_address(value) => {
            return Err(WrongAnswer::Malformed(
                "this question takes an absolute http or https address",
            ));
        }
        QuestionKind::YesNo if !matches!(value.as_str(), "YES" | "NO") => {
            return Err(WrongAnswer::Malformed("this question takes `YES` or `NO`"));
        }
        QuestionKind::SingleChoice | QuestionKind::MultipleChoice | QuestionKind::Url | QuestionKind::YesNo => {}
    }
    Ok(values)
}

fn is_address(text: &str) -> bool {
    let parsed = (text.len() <= MAX_URL_LEN)
        .then(|| url::Url::parse(text).ok())
        .flatten();
    parsed.is_some_and(|url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some())
}

fn check_length(value: &str, max: usize) -> Result<(), WrongAnswer> {
    if value.chars().count() > max {
        return Err(WrongAnswer::OutOfBounds(format!("at most {max} characters")));
    }
    Ok(())
}

fn check_bounds(question: &Question, measured: Decimal, unit: &str) -> Result<(), WrongAnswer> {
    let say = |word: &str, bound: Decimal| {
        let text = format!("{word} {} {unit}", bound.normalize());
        WrongAnswer::OutOfBounds(text.trim_end().to_owned())
    };
    match (question.minimum, question.maximum) {
        (Some(least), _) if measured < least => Err(say("at least", least)),
        (_, Some(most)) if measured > most => Err(say("at most", most)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(kind: QuestionKind) -> Question {
        Question {
            key: "q".to_owned(),
            label: "Q?".to_owned(),
            help: None,
            kind,
            required: false,
            choices: Vec::new(),
            minimum: None,
            maximum: None,
        }
    }

    fn bounded(kind: QuestionKind, minimum: i64, maximum: i64) -> Question {
        Question {
            minimum: Some(minimum.into()),
            maximum: Some(maximum.into()),
            ..question(kind)
        }
    }

    fn with_choices(kind: QuestionKind, choices: &[&str]) -> Question {
        Question {
            choices: choices.iter().map(|choice| (*choice).to_owned()).collect(),
            ..question(kind)
        }
    }

    fn answer(question: &Question, values: &[&str]) -> Result<Vec<String>, WrongAnswer> {
        let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        check_answer(question, &values)
    }

    #[test]
    fn questions_are_named_once_and_fit_their_kind() {
        let refused = |wanted: Question| check_questions(vec![wanted]).unwrap_err().1;
        for key in ["", "Q", "1q", "q q", "q".repeat(41).as_str()] {
            let wrong = Question {
                key: key.to_owned(),
                ..question(QuestionKind::Url)
            };
            assert_eq!(refused(wrong), WrongQuestion::Key, "{key}");
        }
        let twice = vec![question(QuestionKind::Url), question(QuestionKind::Number)];
        assert_eq!(check_questions(twice), Err((1, WrongQuestion::KeyTaken)));
        let choices = [&["a"][..], &["a", "a "], &["a", ""], &["a", "b\nc"]];
        for wrong in choices {
            let wrong = with_choices(QuestionKind::SingleChoice, wrong);
            assert_eq!(refused(wrong), WrongQuestion::Choices);
        }
        let unasked = with_choices(QuestionKind::YesNo, &["a", "b"]);
        assert_eq!(refused(unasked), WrongQuestion::Choices);
        for wrong in [
            bounded(QuestionKind::Number, 2, 1),
            bounded(QuestionKind::YesNo, 0, 1),
            bounded(QuestionKind::ShortText, 0, 201),
            bounded(QuestionKind::LongText, -1, 10),
        ] {
            assert_eq!(refused(wrong), WrongQuestion::Bounds);
        }
        assert!(check_questions(vec![bounded(QuestionKind::Number, -2, -1)]).is_ok());
    }

    #[test]
    fn answers_are_kept_as_they_are_compared() {
        let many = with_choices(QuestionKind::MultipleChoice, &["a", "b", "c"]);
        assert_eq!(answer(&many, &["c", " a "]), Ok(vec!["a".to_owned(), "c".to_owned()]));
        for wrong in [&["d"][..], &["a", "a"]] {
            assert_eq!(answer(&many, wrong), Err(WrongAnswer::NotAChoice));
        }
        let number = bounded(QuestionKind::Number, 1, 10);
        assert_eq!(answer(&number, &["2.50"]), Ok(vec!["2.5".to_owned()]));
        let most = WrongAnswer::OutOfBounds("at most 10".to_owned());
        assert_eq!(answer(&number, &["10.01"]), Err(most));
        assert!(matches!(answer(&number, &["ten"]), Err(WrongAnswer::Malformed(_))));
        assert!(matches!(answer(&number, &["1", "2"]), Err(WrongAnswer::Malformed(_))));
        assert_eq!(answer(&number, &[" "]), Ok(Vec::new()));
        for wrong in ["ftp://a.example", "a.example", "javascript:alert(1)"] {
            let wrong = answer(&question(QuestionKind::Url), &[wrong]);
            assert!(matches!(wrong, Err(WrongAnswer::Malformed(_))));
        }
        assert!(matches!(
            answer(&question(QuestionKind::YesNo), &["yes"]),
            Err(WrongAnswer::Malformed(_))
        ));
        let required = Question {
            required: true,
            ..question(QuestionKind::LongText)
        };
        assert_eq!(answer(&required, &[]), Err(WrongAnswer::Missing));
        assert!(answer(&required, &["two\nlines"]).is_ok());
        assert!(answer(&question(QuestionKind::ShortText), &["two\nlines"]).is_err());
    }
}
