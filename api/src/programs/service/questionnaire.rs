//! What a program, or one of its groups, asks those who apply.

use entity::{
    ids::{PartnerGroupId, ProgramId},
    program,
    questionnaire::{ActiveModel, Column, Entity, Model},
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{Expr, ExprTrait, Query},
};

use super::{Result, group, lock_living_in_tx};
use crate::{
    accounts::{actor::Actor, permissions::Operation},
    app::App,
    audit::{self, Change},
    error::{Failure, Fault},
    programs::{
        error::ProgramErrorCode as Code,
        rules::questions::{self, Question, WrongQuestion},
    },
};

const MAX_VERSIONS: i32 = 1_000;

pub struct SetQuestionnaire {
    pub program: ProgramId,
    /// Whose it is; absent: the program's own.
    pub group: Option<PartnerGroupId>,
    /// Absent: a group asks what the program asks, a program nothing.
    pub questions: Option<Vec<Question>>,
}

/// Asks something else from now on, as a new version, unless it is what is asked already. Who applied keeps what it
/// answered.
pub async fn set_questionnaire(app: &App, actor: &Actor, command: SetQuestionnaire) -> Result<program::Model> {
    let questions = command.questions.map(check).transpose()?;
    let tx = app.db.begin().await?;
    let program = lock_living_in_tx(&tx, actor, Operation::SetQuestionnaire, command.program).await?;
    if let Some(group) = command.group {
        group::find_open_group_in_tx(&tx, program.id, group).await?;
    }
    let current = current(whose(program.id, command.group)).one(&tx).await?;
    if current.as_ref().and_then(|row| row.questions.as_ref()) == questions.as_ref() {
        tx.commit().await?;
        return Ok(program);
    }
    let version = Entity::find()
        .select_only()
        .column_as(Column::Version.max(), "newest")
        .filter(Column::ProgramId.eq(program.id))
        .into_tuple::<Option<i32>>()
        .one(&tx)
        .await?
        .flatten()
        .unwrap_or(0)
        + 1;
    if version > MAX_VERSIONS {
        return Err(Failure::refused(
            Code::TooManyQuestionnaireVersions,
            format!("a program may have at most {MAX_VERSIONS} versions of its questionnaires"),
        ));
    }
    let now = app.clock.now();
    let row = Model {
        id: app.ids.new_id(now),
        program_id: program.id,
        brand_id: program.brand_id,
        group_id: command.group,
        version,
        questions,
        created_at: now,
    };
    Entity::insert(ActiveModel::from(row))
        .exec_without_returning(&tx)
        .await?;
    let fact = match command.group {
        Some(group) => Change::of_fact(program.brand_id, "partner_group.questionnaire_set", group),
        None => Change::of_fact(program.brand_id, "program.questionnaire_set", program.id),
    };
    let change = Change {
        from: current.map(|row| row.version.to_string()),
        to: Some(version.to_string()),
        ..fact
    };
    audit::record_in_tx(&tx, app, actor, change).await?;
    tx.commit().await?;
    Ok(program)
}

/// Questions as they are kept.
fn check(questions: Vec<Question>) -> Result<String> {
    if questions.len() > questions::MAX_QUESTIONS {
        let max = questions::MAX_QUESTIONS;
        return Err(Failure::refused_field(
            Code::TooManyQuestions,
            "questions",
            format!("a questionnaire has at most {max} questions"),
        ));
    }
    let questions = questions::check_questions(questions).map_err(|(index, wrong)| {
        let (code, message) = words(wrong);
        Failure::refused_field(code, &format!("questions.{index}.{}", wrong.field()), message)
    })?;
    serde_json::to_string(&questions).map_err(|error| Fault::new(error).into())
}

fn words(wrong: WrongQuestion) -> (Code, String) {
    use questions::{CHOICES, MAX_CHOICE_CHARS, MAX_HELP_CHARS, MAX_KEY_CHARS, MAX_LABEL_CHARS};
    match wrong {
        WrongQuestion::Key => (
            Code::QuestionKeyInvalid,
            format!(
                "a key has 1 to {MAX_KEY_CHARS} small letters, digits, hyphens or underscores, and begins with a letter"
            ),
        ),
        WrongQuestion::KeyTaken => (
            Code::QuestionKeyTaken,
            "another question of this questionnaire has this key".to_owned(),
        ),
        WrongQuestion::Label => (
            Code::QuestionLabelInvalid,
            format!("a label has 1 to {MAX_LABEL_CHARS} characters on one line"),
        ),
        WrongQuestion::Help => (
            Code::QuestionHelpInvalid,
            format!("a help has at most {MAX_HELP_CHARS} characters"),
        ),
        WrongQuestion::Choices => (
            Code::QuestionChoicesInvalid,
            format!(
                "a choice is made among {} to {} different ones of 1 to {MAX_CHOICE_CHARS} characters; other questions \
                 have none",
                CHOICES.start(),
                CHOICES.end()
            ),
        ),
        WrongQuestion::Bounds => (
            Code::QuestionBoundsInvalid,
            "the least is above the most, or this kind of question does not allow such bounds".to_owned(),
        ),
    }
}

/// The questions of a stored version, none where it has none of its own.
pub fn questions_of(row: &Model) -> std::result::Result<Vec<Question>, Fault> {
    let questions = row.questions.as_deref().unwrap_or("[]");
    serde_json::from_str(questions).map_err(Fault::new)
}

/// The program's own, or that of a group.
pub fn whose(program: ProgramId, group: Option<PartnerGroupId>) -> Condition {
    let own = match group {
        Some(group) => Column::GroupId.eq(group),
        None => Column::GroupId.is_null(),
    };
    Condition::all().add(Column::ProgramId.eq(program)).add(own)
}

/// The newest versions of those that a condition names.
pub fn current(wanted: Condition) -> Select<Entity> {
    let newest = Query::select()
        .expr(Expr::col(("newest", Column::Version)).max())
        .from_as(Entity, "newest")
        .and_where(Expr::col(("newest", Column::ProgramId)).equals((Entity, Column::ProgramId)))
        .group_by_col(("newest", Column::GroupId))
        .to_owned();
    Entity::find()
        .filter(wanted)
        .filter(Column::Version.in_subquery(newest))
        .order_by_asc(Column::Version)
}

/// What is asked of those who would come into a group, or into none: the group's own questions, else the program's.
pub fn pick(rows: impl IntoIterator<Item = Model>, group: Option<PartnerGroupId>) -> Option<Model> {
    let (of_groups, own): (Vec<Model>, Vec<Model>) = rows
        .into_iter()
        .filter(|row| row.questions.is_some())
        .partition(|row| row.group_id.is_some());
    let of_group = of_groups.into_iter().find(|row| row.group_id == group);
    of_group.or_else(|| own.into_iter().next())
}

/// What those who apply to a program now are asked.
pub async fn find_questionnaire_in_tx(
    conn: &impl ConnectionTrait,
    program: &program::Model,
) -> std::result::Result<Option<Model>, sea_orm::DbErr> {
    let mut wanted = Condition::any().add(whose(program.id, None));
    if program.default_group_id.is_some() {
        wanted = wanted.add(whose(program.id, program.default_group_id));
    }
    let rows = current(wanted).all(conn).await?;
    Ok(pick(rows, program.default_group_id))
}
