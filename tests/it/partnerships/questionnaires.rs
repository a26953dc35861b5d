//! What partners are asked as they apply, and what they answer.

use entity::audit_entry;
use rstest::rstest;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};

use crate::support::{
    answer::{data_at, error_code, refusal, user_errors},
    app::{TestApp, with_app},
    builders::{PartnerFixture, User, text},
    database::Database,
    marketplace::{Market, merged},
};

async fn ask(app: &TestApp, market: &Market, more: Value) -> Value {
    let input = merged(json!({ "programId": market.program.id }), more);
    let selection = "program { questionnaire { version questions { key } } ownQuestionnaire { version } }";
    app.mutation(Some(&market.owner.token), "setQuestionnaire", input, selection)
        .await
}

async fn asked(app: &TestApp, market: &Market, more: Value) -> Value {
    data_at(&ask(app, market, more).await, "setQuestionnaire.program")
}

/// One question of each kind.
fn questions() -> Value {
    json!([
        { "key": "name", "label": "What shall we call you?", "kind": "SHORT_TEXT", "required": true, "maximum": "20" },
        { "key": "why", "label": "Why us?", "help": "In a few words.", "kind": "LONG_TEXT", "minimum": "5" },
        { "key": "size", "label": "How many read you?", "kind": "NUMBER", "minimum": "1", "maximum": "1000000" },
        { "key": "where", "label": "Where?", "kind": "SINGLE_CHOICE", "choices": ["Blog", "Video"], "required": true },
        { "key": "what", "label": "About what?", "kind": "MULTIPLE_CHOICE", "choices": ["Food", "Art", "Cars"], "maximum": "2" },
        { "key": "site", "label": "Your site?", "kind": "URL" },
        { "key": "adult", "label": "Are you of age?", "kind": "YES_NO", "required": true },
    ])
}

fn full() -> Vec<(&'static str, Vec<&'static str>)> {
    vec![
        // In any order.
        ("adult", vec!["YES"]),
        ("name", vec![" Ada "]),
        ("why", vec!["Because\nI like it."]),
        ("size", vec!["1200.50"]),
        ("where", vec!["Video"]),
        ("what", vec!["Cars", "Food"]),
        ("site", vec!["https://ada.example/about"]),
    ]
}

fn as_input(answers: &[(&str, Vec<&str>)]) -> Value {
    answers
        .iter()
        .map(|(key, values)| json!({ "key": key, "values": values }))
        .collect()
}

async fn apply(app: &TestApp, market: &Market, who: &(User, PartnerFixture), answers: Value) -> Value {
    let input = json!({
        "partnerId": who.1.id, "programId": market.program.id, "message": "hello", "acceptedTermsVersion": 1,
        "answers": answers,
    });
    let selection = "application { id answers { key label kind values } questionnaire { version } }";
    app.mutation(Some(&who.0.token), "applyToProgram", input, selection)
        .await
}

async fn creator(app: &TestApp, name: &str) -> (User, PartnerFixture) {
    let user = app.sign_up(name).await;
    let partner = app.partner(&user, name).await;
    (user, partner)
}

#[rstest]
#[tokio::test]
async fn what_is_asked_is_answered_and_kept_as_it_was_asked(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("acme").await;
        let now = asked(&app, &market, json!({ "questions": questions() })).await;
        assert_eq!(now["questionnaire"]["version"], 1);
        // The same again is no new version.
        let again = asked(&app, &market, json!({ "questions": questions() })).await;
        assert_eq!(again["questionnaire"]["version"], 1);
        // Whoever sees the listing sees the questions, signed in or not.
        let query = "query ($id: ID!) { program(id: $id) { questionnaire { version questions {
            key label help kind required choices minimum maximum } } } }";
        let seen = app
            .graphql_ok(None, query, json!({ "id": market.program.id }), "program.questionnaire")
            .await;
        assert_eq!(
            seen["questions"][4],
            json!({
                "key": "what", "label": "About what?", "help": null, "kind": "MULTIPLE_CHOICE", "required": false,
                "choices": ["Food", "Art", "Cars"], "minimum": null, "maximum": "2",
            })
        );

        let ada = creator(&app, "ada").await;
        let applied = apply(&app, &market, &ada, as_input(&full())).await;
        let applied = data_at(&applied, "applyToProgram.application");
        let kept = json!([
            { "key": "name", "label": "What shall we call you?", "kind": "SHORT_TEXT", "values": ["Ada"] },
            { "key": "why", "label": "Why us?", "kind": "LONG_TEXT", "values": ["Because\nI like it."] },
            { "key": "size", "label": "How many read you?", "kind": "NUMBER", "values": ["1200.5"] },
            { "key": "where", "label": "Where?", "kind": "SINGLE_CHOICE", "values": ["Video"] },
            { "key": "what", "label": "About what?", "kind": "MULTIPLE_CHOICE", "values": ["Food", "Cars"] },
            { "key": "site", "label": "Your site?", "kind": "URL", "values": ["https://ada.example/about"] },
            { "key": "adult", "label": "Are you of age?", "kind": "YES_NO", "values": ["YES"] },
        ]);
        assert_eq!(applied["answers"], kept);

        // Other questions from now on: who applied keeps what it answered, in the partnership too.
        let other = json!({ "questions": [{ "key": "name", "label": "And now?", "kind": "URL" }] });
        assert_eq!(asked(&app, &market, other).await["questionnaire"]["version"], 2);
        let approve = json!({ "id": applied["id"] });
        let approved = app
            .done(
                &market.owner,
                "approveApplication",
                approve,
                "application { questionnaire { version } partnership { id answers { key label kind values } } }",
            )
            .await;
        assert_eq!(approved["application"]["questionnaire"]["version"], 1);
        assert_eq!(approved["application"]["partnership"]["answers"], kept);
        let query = "query ($id: ID!) { node(id: $id) { ... on Partnership { answers { key label kind values } } } }";
        let id = text(&approved["application"]["partnership"], "id");
        let theirs = app
            .graphql_ok(Some(&ada.0.token), query, json!({ "id": id }), "node.answers")
            .await;
        assert_eq!(theirs, kept);

        // A list that is empty asks nothing; answers to nothing are refused.
        let nothing = asked(&app, &market, json!({ "questions": [] })).await;
        assert_eq!(nothing["questionnaire"], Value::Null);
        let leo = creator(&app, "leo").await;
        let refused = apply(&app, &market, &leo, as_input(&[("name", vec!["Leo"])])).await;
        assert_eq!(refusal(&refused), "ANSWER_UNKNOWN");
        let applied = apply(&app, &market, &leo, json!([])).await;
        let applied = data_at(&applied, "applyToProgram.application");
        assert_eq!(
            (&applied["answers"], &applied["questionnaire"]),
            (&json!([]), &Value::Null)
        );

        let log = audit_entry::Entity::find()
            .filter(audit_entry::Column::Action.eq("program.questionnaire_set"))
            .order_by_asc(audit_entry::Column::Id)
            .all(app.db())
            .await
            .unwrap();
        let versions: Vec<_> = log.into_iter().map(|row| (row.from_state, row.to_state)).collect();
        let some = |version: &str| Some(version.to_owned());
        assert_eq!(
            versions,
            [(None, some("1")), (some("1"), some("2")), (some("2"), some("3"))]
        );
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn what_is_no_answer_is_refused_where_it_stands(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("acme").await;
        asked(&app, &market, json!({ "questions": questions() })).await;
        let ada = creator(&app, "ada").await;
        let before = app.digest().await;
        for (key, values, code) in [
            ("name", vec![], "ANSWER_MISSING"),
            ("name", vec!["  "], "ANSWER_MISSING"),
            ("name", vec!["a\nb"], "ANSWER_MALFORMED"),
            ("name", vec!["a", "b"], "ANSWER_MALFORMED"),
            ("name", vec!["twenty-one characters"], "ANSWER_OUT_OF_BOUNDS"),
            ("why", vec!["four"], "ANSWER_OUT_OF_BOUNDS"),
            ("why", vec!["a\u{7}bcde"], "ANSWER_MALFORMED"),
            ("size", vec!["many"], "ANSWER_MALFORMED"),
            ("size", vec!["0.5"], "ANSWER_OUT_OF_BOUNDS"),
            ("size", vec!["1000000.1"], "ANSWER_OUT_OF_BOUNDS"),
            ("where", vec!["Radio"], "ANSWER_NOT_A_CHOICE"),
            ("what", vec!["Food", "Food"], "ANSWER_NOT_A_CHOICE"),
            ("what", vec!["Food", "Radio"], "ANSWER_NOT_A_CHOICE"),
            ("what", vec!["Food", "Art", "Cars"], "ANSWER_OUT_OF_BOUNDS"),
            ("site", vec!["javascript:alert(1)"], "ANSWER_MALFORMED"),
            ("site", vec!["ada.example"], "ANSWER_MALFORMED"),
            ("adult", vec!["yes"], "ANSWER_MALFORMED"),
        ] {
            let mut answers = full();
            let index = answers.iter().position(|(known, _)| *known == key).unwrap();
            answers[index].1 = values.clone();
            let answer = apply(&app, &market, &ada, as_input(&answers)).await;
            assert_eq!(refusal(&answer), code, "{key}: {values:?}");
            let path = json!(["answers", index.to_string(), "values"]);
            assert_eq!(user_errors(&answer)[0]["field"], path, "{key}: {values:?}");
        }
        // What is not there has no place of its own.
        let answer = apply(&app, &market, &ada, as_input(&full()[..6][1..])).await;
        assert_eq!(refusal(&answer), "ANSWER_MISSING");
        let error = &user_errors(&answer)[0];
        assert_eq!(
            (&error["field"], &error["message"]),
            (&json!(["answers"]), &json!("`adult` must be answered"))
        );
        let mut unknown = full();
        unknown.push(("shoe", vec!["42"]));
        let mut twice = full();
        twice.push(("adult", vec!["NO"]));
        for (answers, code) in [(unknown, "ANSWER_UNKNOWN"), (twice, "ANSWER_GIVEN_TWICE")] {
            let answer = apply(&app, &market, &ada, as_input(&answers)).await;
            assert_eq!(refusal(&answer), code);
            assert_eq!(user_errors(&answer)[0]["field"], json!(["answers", "7", "key"]));
        }
        assert_eq!(app.digest().await, before);
        let applied = apply(&app, &market, &ada, as_input(&full())).await;
        data_at(&applied, "applyToProgram.application");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_group_asks_its_own_while_it_is_the_default(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("acme").await;
        let input = json!({ "programId": market.program.id, "name": "Gold" });
        let gold = app
            .done(&market.owner, "createPartnerGroup", input, "partnerGroup { id }")
            .await;
        let gold = text(&gold["partnerGroup"], "id");
        let one = |key: &str| json!([{ "key": key, "label": "?", "kind": "YES_NO" }]);
        asked(&app, &market, json!({ "questions": one("program") })).await;
        // Versions count over all of the program's, and those of the program still hold: the group is not the default.
        let of_gold = |questions: Value| json!({ "groupId": gold, "questions": questions });
        let now = asked(&app, &market, of_gold(one("gold"))).await;
        assert_eq!(
            now["questionnaire"],
            json!({ "version": 1, "questions": [{ "key": "program" }] })
        );
        let default = json!({ "programId": market.program.id, "groupId": gold });
        let now = app
            .done(
                &market.owner,
                "setDefaultPartnerGroup",
                default,
                "program { questionnaire { version questions { key } } ownQuestionnaire { version }
                    defaultGroup { questionnaire { version } } }",
            )
            .await["program"]
            .clone();
        assert_eq!(
            now,
            json!({
                "questionnaire": { "version": 2, "questions": [{ "key": "gold" }] },
                "ownQuestionnaire": { "version": 1 },
                "defaultGroup": { "questionnaire": { "version": 2 } },
            })
        );
        // A group that asks nothing asks nothing; one without a questionnaire asks what the program asks.
        let now = asked(&app, &market, of_gold(json!([]))).await;
        assert_eq!(now["questionnaire"], Value::Null);
        let ada = creator(&app, "ada").await;
        let applied = apply(&app, &market, &ada, json!([])).await;
        data_at(&applied, "applyToProgram.application");
        let now = asked(&app, &market, of_gold(Value::Null)).await;
        assert_eq!(now["questionnaire"]["version"], 1);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn what_cannot_be_asked_is_named(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("acme").await;
        let question = |more: Value| merged(json!({ "key": "q", "label": "Q?", "kind": "SHORT_TEXT" }), more);
        let many: Value = (0..21).map(|n| question(json!({ "key": format!("q{n}") }))).collect();
        let choices: Vec<String> = (0..51).map(|n| n.to_string()).collect();
        let before = app.digest().await;
        for (questions, code, field) in [
            (many, "TOO_MANY_QUESTIONS", json!(["questions"])),
            (
                json!([question(json!({ "key": "Q" }))]),
                "QUESTION_KEY_INVALID",
                json!(["questions", "0", "key"]),
            ),
            (
                json!([question(json!({})), question(json!({}))]),
                "QUESTION_KEY_TAKEN",
                json!(["questions", "1", "key"]),
            ),
            (
                json!([question(json!({ "label": "x".repeat(201) }))]),
                "QUESTION_LABEL_INVALID",
                json!(["questions", "0", "label"]),
            ),
            (
                json!([question(json!({ "help": "x".repeat(1_001) }))]),
                "QUESTION_HELP_INVALID",
                json!(["questions", "0", "help"]),
            ),
            (
                json!([question(json!({ "kind": "SINGLE_CHOICE", "choices": choices }))]),
                "QUESTION_CHOICES_INVALID",
                json!(["questions", "0", "choices"]),
            ),
            (
                json!([question(json!({ "minimum": "3", "maximum": "2" }))]),
                "QUESTION_BOUNDS_INVALID",
                json!(["questions", "0", "minimum"]),
            ),
        ] {
            let answer = ask(&app, &market, json!({ "questions": questions })).await;
            assert_eq!(refusal(&answer), code);
            assert_eq!(user_errors(&answer)[0]["field"], field, "{code}");
        }
        let unsaid = ask(&app, &market, json!({})).await;
        assert_eq!(error_code(&unsaid), "BAD_USER_INPUT");
        assert_eq!(app.digest().await, before);
    })
    .await;
}
