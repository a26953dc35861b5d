//! Who may apply, what a program decides by itself, and when somebody may ask again.

use chrono::TimeDelta;
use entity::audit_entry;
use rstest::rstest;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};
use tributary::jobs::{
    decide_applications::decide_applications,
    periodic::{self, run_when_due},
};

use crate::support::{
    answer::{data_at, refusal, user_errors},
    app::{TestApp, with_app},
    builders::{PartnerFixture, User, text},
    database::Database,
    marketplace::{Market, merged},
};

type Creator = (User, PartnerFixture);

async fn creator(app: &TestApp, name: &str) -> Creator {
    let user = app.sign_up(name).await;
    let partner = app.partner(&user, name).await;
    (user, partner)
}

async fn set_policy(app: &TestApp, market: &Market, more: Value) -> Value {
    let input = merged(json!({ "programId": market.program.id }), more);
    let selection = "program { admissionPolicy { allowedCountries excludedCountries allowedEmailDomains
        blockedEmailDomains decision approveAfterDays rejectIneligible afterRejection afterRejectionDays
        afterWithdrawal afterWithdrawalDays } }";
    app.mutation(Some(&market.owner.token), "setAdmissionPolicy", input, selection)
        .await
}

async fn policy(app: &TestApp, market: &Market, more: Value) -> Value {
    data_at(
        &set_policy(app, market, more).await,
        "setAdmissionPolicy.program.admissionPolicy",
    )
}

async fn move_to(app: &TestApp, who: &Creator, country: &str) {
    let input = json!({ "id": who.1.id, "patch": { "country": country } });
    app.done(&who.0, "updatePartner", input, "partner { country }").await;
}

async fn apply(app: &TestApp, market: &Market, who: &Creator) -> Value {
    let input = json!({
        "partnerId": who.1.id, "programId": market.program.id, "message": "hello", "acceptedTermsVersion": 1,
    });
    app.mutation(Some(&who.0.token), "applyToProgram", input, "application { id state }")
        .await
}

/// An application that is sent; its id and state.
async fn applied(app: &TestApp, market: &Market, who: &Creator) -> (String, String) {
    let application = data_at(&apply(app, market, who).await, "applyToProgram.application");
    (text(&application, "id"), text(&application, "state"))
}

async fn eligibility(app: &TestApp, market: &Market, who: &Creator) -> Value {
    let query = "query ($id: ID!, $partner: ID!) { program(id: $id) { eligibility(partnerId: $partner) {
        eligible reasons { code until } } } }";
    let variables = json!({ "id": market.program.id, "partner": who.1.id });
    app.graphql_ok(Some(&who.0.token), query, variables, "program.eligibility")
        .await
}

/// What stands in the way, asked before and found as it is tried: the same.
async fn obstacle(app: &TestApp, market: &Market, who: &Creator) -> String {
    let asked = eligibility(app, market, who).await;
    assert_eq!(asked["eligible"], false);
    let code = text(&asked["reasons"][0], "code");
    let before = app.digest().await;
    assert_eq!(refusal(&apply(app, market, who).await), code);
    assert_eq!(app.digest().await, before);
    code
}

async fn application(app: &TestApp, token: &str, id: &str) -> Value {
    let query = "query ($id: ID!) { node(id: $id) { ... on Application {
        state rejectionReason rejectionNote reapplyPolicy flaggedAt flagReason partnership { state } } } }";
    app.graphql_ok(Some(token), query, json!({ "id": id }), "node").await
}

/// Who did what to an application, and why.
async fn trail(app: &TestApp, id: &str) -> Vec<(String, String, Option<String>)> {
    let rows = audit_entry::Entity::find()
        .filter(audit_entry::Column::Subject.eq(id))
        .order_by_asc(audit_entry::Column::Id)
        .all(app.db())
        .await
        .unwrap();
    rows.into_iter()
        .map(|row| (row.actor, row.action, row.reason))
        .collect()
}

fn by_system(action: &str, reason: &str) -> (String, String, Option<String>) {
    ("system".to_owned(), action.to_owned(), Some(reason.to_owned()))
}

#[rstest]
#[tokio::test]
async fn who_may_not_apply_is_told_why_before_and_then(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("acme").await;
        let ada = creator(&app, "ada").await;
        let free = json!({ "eligible": true, "reasons": [] });
        assert_eq!(eligibility(&app, &market, &ada).await, free);
        let set = policy(
            &app,
            &market,
            json!({
                "allowedCountries": ["FR", "DE", "FR"], "excludedCountries": ["FR"],
                "blockedEmailDomains": [" @Spam.Example "],
            }),
        )
        .await;
        assert_eq!(
            set,
            json!({
                "allowedCountries": ["DE", "FR"], "excludedCountries": ["FR"], "allowedEmailDomains": [],
                "blockedEmailDomains": ["spam.example"], "decision": "MANUAL", "approveAfterDays": null,
                "rejectIneligible": false, "afterRejection": "AT_ONCE", "afterRejectionDays": null,
                "afterWithdrawal": "AT_ONCE", "afterWithdrawalDays": null,
            })
        );
        assert_eq!(obstacle(&app, &market, &ada).await, "COUNTRY_MISSING");
        for (country, code) in [("FR", "COUNTRY_EXCLUDED"), ("US", "COUNTRY_NOT_ALLOWED")] {
            move_to(&app, &ada, country).await;
            assert_eq!(obstacle(&app, &market, &ada).await, code);
        }
        move_to(&app, &ada, "DE").await;
        assert_eq!(eligibility(&app, &market, &ada).await, free);

        // Everybody is of example.org.
        policy(&app, &market, json!({ "blockedEmailDomains": ["example.org"] })).await;
        assert_eq!(obstacle(&app, &market, &ada).await, "EMAIL_DOMAIN_BLOCKED");
        policy(&app, &market, json!({ "allowedEmailDomains": ["school.example"] })).await;
        assert_eq!(obstacle(&app, &market, &ada).await, "EMAIL_DOMAIN_NOT_ALLOWED");
        policy(&app, &market, json!({ "allowedEmailDomains": ["example.org"] })).await;
        assert_eq!(obstacle(&app, &market, &ada).await, "EMAIL_NOT_VERIFIED");
        let token = app.mailed_token(&ada.0.email).await;
        app.done(&ada.0, "verifyEmail", json!({ "token": token }), "user { id }")
            .await;
        let (_, state) = applied(&app, &market, &ada).await;
        assert_eq!(state, "SUBMITTED");
        assert_eq!(obstacle(&app, &market, &ada).await, "ALREADY_APPLIED");
        // All that stands in the way at once.
        policy(
            &app,
            &market,
            json!({ "excludedCountries": ["DE"], "blockedEmailDomains": ["example.org"] }),
        )
        .await;
        let reasons = eligibility(&app, &market, &ada).await["reasons"].clone();
        let codes: Vec<&Value> = reasons
            .as_array()
            .unwrap()
            .iter()
            .map(|reason| &reason["code"])
            .collect();
        assert_eq!(codes, ["ALREADY_APPLIED", "COUNTRY_EXCLUDED", "EMAIL_DOMAIN_BLOCKED"]);

        // An invitation passes it by: the brand asked.
        let leo = creator(&app, "leo").await;
        let input = json!({ "programId": market.program.id, "invitee": { "partnerId": leo.1.id } });
        let invited = app
            .done(&market.owner, "inviteToProgram", input, "programInvitation { id }")
            .await;
        let input = json!({
            "invitation": { "invitationId": invited["programInvitation"]["id"] }, "partnerId": leo.1.id,
            "acceptedTermsVersion": 1,
        });
        let accepted = app
            .done(
                &leo.0,
                "acceptProgramInvitation",
                input,
                "programInvitation { partnership { state answers { key } } }",
            )
            .await;
        let partnership = &accepted["programInvitation"]["partnership"];
        assert_eq!(*partnership, json!({ "state": "ACTIVE", "answers": null }));
        assert_eq!(
            eligibility(&app, &market, &leo).await["reasons"][0]["code"],
            "ALREADY_PARTNER"
        );
        app.done(
            &market.owner,
            "pauseProgram",
            json!({ "id": market.program.id }),
            "program { state }",
        )
        .await;
        let eve = creator(&app, "eve").await;
        assert_eq!(obstacle(&app, &market, &eve).await, "PROGRAM_NOT_OPEN");
        // How the brand works is its own business.
        let query = "query ($id: ID!) { program(id: $id) { admissionPolicy { decision } } }";
        let seen = app
            .graphql_ok(Some(&eve.0.token), query, json!({ "id": market.program.id }), "program")
            .await;
        assert_eq!(seen, json!({ "admissionPolicy": null }));
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn what_a_policy_cannot_be_is_named(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("acme").await;
        let domains: Vec<String> = (0..101).map(|n| format!("d{n}.example")).collect();
        let before = app.digest().await;
        for (wrong, code, field) in [
            (
                json!({ "decision": "APPROVE_AFTER_DAYS" }),
                "APPROVE_AFTER_DAYS_INVALID",
                json!(["approveAfterDays"]),
            ),
            (
                json!({ "decision": "APPROVE_AFTER_DAYS", "approveAfterDays": 91 }),
                "APPROVE_AFTER_DAYS_INVALID",
                json!(["approveAfterDays"]),
            ),
            (
                json!({ "approveAfterDays": 1 }),
                "APPROVE_AFTER_DAYS_INVALID",
                json!(["approveAfterDays"]),
            ),
            (
                json!({ "afterRejection": "AFTER_DAYS", "afterRejectionDays": 0 }),
                "ASK_AGAIN_DAYS_INVALID",
                json!(["afterRejectionDays"]),
            ),
            (
                json!({ "afterWithdrawal": "NEVER", "afterWithdrawalDays": 1 }),
                "ASK_AGAIN_DAYS_INVALID",
                json!(["afterWithdrawalDays"]),
            ),
            (
                json!({ "allowedEmailDomains": domains }),
                "TOO_MANY_EMAIL_DOMAINS",
                json!(["allowedEmailDomains"]),
            ),
            (
                json!({ "blockedEmailDomains": ["a.example", "a,b.example"] }),
                "EMAIL_DOMAIN_INVALID",
                json!(["blockedEmailDomains", "1"]),
            ),
            (
                json!({ "allowedCountries": vec!["DE"; 251] }),
                "TOO_MANY_COUNTRIES",
                json!(["allowedCountries"]),
            ),
        ] {
            let answer = set_policy(&app, &market, wrong).await;
            assert_eq!(refusal(&answer), code);
            assert_eq!(user_errors(&answer)[0]["field"], field, "{code}");
        }
        assert_eq!(app.digest().await, before);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_program_lets_in_at_once_or_after_days_and_says_by_which_rule(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let mut market = app.market("acme").await;
        policy(&app, &market, json!({ "decision": "APPROVE_AT_ONCE" })).await;
        let ada = creator(&app, "ada").await;
        let (id, state) = applied(&app, &market, &ada).await;
        assert_eq!(state, "APPROVED");
        let rule = "APPROVE_AT_ONCE: the program approves applications as they are sent";
        assert_eq!(trail(&app, &id).await[1], by_system("application.approved", rule));
        assert_eq!(
            application(&app, &ada.0.token, &id).await["partnership"]["state"],
            "ACTIVE"
        );

        policy(
            &app,
            &market,
            json!({ "decision": "APPROVE_AFTER_DAYS", "approveAfterDays": 7 }),
        )
        .await;
        let mut waiting = Vec::new();
        for name in ["waiting", "looked-at", "flagged", "decided"] {
            let who = creator(&app, name).await;
            let (id, state) = applied(&app, &market, &who).await;
            assert_eq!(state, "SUBMITTED");
            waiting.push((id, who));
        }
        let [(plain, _), (reviewed, _), (flagged, suspect), (rejected, again)] = waiting.try_into().unwrap();
        let owner = market.owner.clone();
        app.done(
            &owner,
            "startApplicationReview",
            json!({ "id": reviewed }),
            "application { state }",
        )
        .await;
        let unsaid = json!({ "id": flagged, "flagged": true });
        let refused = app
            .mutation(Some(&owner.token), "setApplicationFlag", unsaid, "__typename")
            .await;
        assert_eq!(refusal(&refused), "REASON_INVALID");
        let flag = json!({ "id": flagged, "flagged": true, "reason": "Known elsewhere." });
        let seen = app
            .done(
                &owner,
                "setApplicationFlag",
                flag.clone(),
                "application { flagReason flaggedAt }",
            )
            .await;
        assert_eq!(seen["application"]["flagReason"], "Known elsewhere.");
        // Said again, nothing changes.
        let before = app.digest().await;
        app.done(&owner, "setApplicationFlag", flag, "application { id }").await;
        assert_eq!(app.digest().await, before);
        let theirs = application(&app, &suspect.0.token, &flagged).await;
        assert_eq!(
            (&theirs["flaggedAt"], &theirs["flagReason"]),
            (&Value::Null, &Value::Null)
        );
        let reject = json!({ "id": rejected, "reason": "OTHER" });
        app.done(&owner, "rejectApplication", reject, "application { reapplyPolicy }")
            .await;
        // Who was rejected asks again: that is for people to look at.
        let (second, _) = applied(&app, &market, &again).await;
        let decided = json!({ "id": rejected, "flagged": true, "reason": "late" });
        let refused = app
            .mutation(Some(&owner.token), "setApplicationFlag", decided, "__typename")
            .await;
        assert_eq!(refusal(&refused), "APPLICATION_DECIDED");

        app.advance(TimeDelta::days(7) - TimeDelta::microseconds(1));
        assert_eq!(decide_applications(&app.app).await, Ok(0));
        app.advance(TimeDelta::microseconds(1));
        // By the lease, as it runs beside requests.
        let run = periodic::ALL
            .iter()
            .find(|run| run.name == "decide-applications")
            .unwrap();
        assert_eq!(run_when_due(&app.app, run).await, Ok(true));
        assert_eq!(run_when_due(&app.app, run).await, Ok(false));
        app.sign_in_again(&mut market.owner).await;
        let token = &market.owner.token;
        let rule = "APPROVE_AFTER_DAYS: the program approves what is not decided after 7 days";
        for id in [&plain, &reviewed] {
            assert_eq!(application(&app, token, id).await["state"], "APPROVED");
            assert_eq!(
                trail(&app, id).await.last().unwrap(),
                &by_system("application.approved", rule)
            );
        }
        for (id, state) in [(&flagged, "SUBMITTED"), (&second, "SUBMITTED"), (&rejected, "REJECTED")] {
            assert_eq!(application(&app, token, id).await["state"], state);
        }
        // A look, and it goes its way.
        let looked = json!({ "id": flagged, "flagged": false });
        app.done(&market.owner, "setApplicationFlag", looked, "application { flaggedAt }")
            .await;
        app.done(
            &market.owner,
            "pauseProgram",
            json!({ "id": market.program.id }),
            "program { state }",
        )
        .await;
        assert_eq!(
            decide_applications(&app.app).await,
            Ok(0),
            "nobody joins a program that rests"
        );
        app.done(
            &market.owner,
            "activateProgram",
            json!({ "id": market.program.id }),
            "program { state }",
        )
        .await;
        assert_eq!(decide_applications(&app.app).await, Ok(1));
        assert_eq!(application(&app, token, &flagged).await["state"], "APPROVED");
        let actions: Vec<String> = trail(&app, &flagged).await.into_iter().map(|line| line.1).collect();
        assert_eq!(
            actions,
            [
                "application.submitted",
                "application.flagged",
                "application.unflagged",
                "application.approved"
            ]
        );
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn who_may_not_apply_any_more_is_not_let_in_and_rejected_where_that_is_the_policy(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let mut market = app.market("acme").await;
        let mut people = Vec::new();
        for name in ["ada", "leo", "eve"] {
            let who = creator(&app, name).await;
            move_to(&app, &who, if name == "eve" { "FR" } else { "US" }).await;
            let (id, _) = applied(&app, &market, &who).await;
            people.push((id, who));
        }
        let [(ada, who), (leo, _), (eve, _)] = people.try_into().unwrap();
        let flag = json!({ "id": leo, "flagged": true, "reason": "a look" });
        app.done(&market.owner, "setApplicationFlag", flag, "application { id }")
            .await;
        let wanted = json!({ "allowedCountries": ["FR"], "decision": "APPROVE_AFTER_DAYS", "approveAfterDays": 1 });
        policy(&app, &market, wanted.clone()).await;
        app.advance_days(1, [&mut market.owner]).await;
        assert_eq!(decide_applications(&app.app).await, Ok(1));
        let token = market.owner.token.clone();
        assert_eq!(application(&app, &token, &eve).await["state"], "APPROVED");
        assert_eq!(application(&app, &token, &ada).await["state"], "SUBMITTED");

        let again = json!({ "rejectIneligible": true, "afterRejection": "AFTER_DAYS", "afterRejectionDays": 90 });
        policy(&app, &market, merged(wanted, again)).await;
        assert_eq!(decide_applications(&app.app).await, Ok(1));
        assert_eq!(decide_applications(&app.app).await, Ok(0));
        let rejected = application(&app, &token, &ada).await;
        assert_eq!(
            rejected,
            json!({
                "state": "REJECTED", "rejectionReason": "DOES_NOT_MEET_REQUIREMENTS",
                "rejectionNote": "this program does not take partners from this country", "reapplyPolicy": null,
                "flaggedAt": null, "flagReason": null, "partnership": null,
            })
        );
        assert_eq!(
            trail(&app, &ada).await.last().unwrap(),
            &by_system("application.rejected", "REJECT_INELIGIBLE: COUNTRY_NOT_ALLOWED")
        );
        assert_eq!(application(&app, &token, &leo).await["state"], "SUBMITTED", "flagged");
        // It may be eligible now, and waits as the program says.
        let mut who = who;
        app.sign_in_again(&mut who.0).await;
        move_to(&app, &who, "FR").await;
        assert_eq!(obstacle(&app, &market, &who).await, "REAPPLY_TOO_EARLY");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn who_was_rejected_or_withdrew_asks_again_when_the_program_says(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let mut market = app.market("acme").await;
        let mut ada = creator(&app, "ada").await;
        let waits = json!({
            "afterRejection": "AFTER_DAYS", "afterRejectionDays": 10, "afterWithdrawal": "AFTER_DAYS",
            "afterWithdrawalDays": 3,
        });
        policy(&app, &market, waits).await;
        let reject = |id: String, more: Value| merged(json!({ "id": id, "reason": "OTHER" }), more);
        let said = "application { reapplyPolicy }";

        // What a rejection says itself goes before what the program says.
        let (id, _) = applied(&app, &market, &ada).await;
        let at_once = json!({ "reapplyPolicy": "AT_ONCE" });
        app.done(&market.owner, "rejectApplication", reject(id, at_once), said)
            .await;
        let (id, _) = applied(&app, &market, &ada).await;
        let rejected = app
            .done(&market.owner, "rejectApplication", reject(id, json!({})), said)
            .await;
        assert_eq!(rejected["application"]["reapplyPolicy"], Value::Null);
        let answer = apply(&app, &market, &ada).await;
        assert_eq!(refusal(&answer), "REAPPLY_TOO_EARLY");
        assert_eq!(
            user_errors(&answer)[0]["message"],
            "the last application was rejected: apply again from 2026-01-25T12:00:00Z on"
        );
        let asked = eligibility(&app, &market, &ada).await;
        let until: chrono::DateTime<chrono::Utc> = text(&asked["reasons"][0], "until").parse().unwrap();
        assert_eq!(until, app.now() + TimeDelta::days(10));

        app.advance_days(10, [&mut market.owner, &mut ada.0]).await;
        let (id, _) = applied(&app, &market, &ada).await;
        app.done(
            &ada.0,
            "withdrawApplication",
            json!({ "id": id }),
            "application { state }",
        )
        .await;
        let answer = apply(&app, &market, &ada).await;
        assert_eq!(refusal(&answer), "REAPPLY_TOO_EARLY");
        assert_eq!(
            user_errors(&answer)[0]["message"],
            "the last application was withdrawn: apply again from 2026-01-28T12:00:00Z on"
        );
        policy(
            &app,
            &market,
            json!({ "afterRejection": "NEVER", "afterWithdrawal": "NEVER" }),
        )
        .await;
        assert_eq!(obstacle(&app, &market, &ada).await, "REAPPLY_NEVER");
        // The policy is the program's of now: it forgives, too.
        policy(&app, &market, json!({})).await;
        assert_eq!(applied(&app, &market, &ada).await.1, "SUBMITTED");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn programs_may_ask_for_followers_and_a_proved_channel(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("acme").await;
        let ada = creator(&app, "ada").await;
        let wrong = set_policy(&app, &market, json!({ "minimumFollowersCount": 0 })).await;
        assert_eq!(refusal(&wrong), "MINIMUM_FOLLOWERS_INVALID");
        policy(&app, &market, json!({ "minimumFollowersCount": 1_000 })).await;
        assert_eq!(obstacle(&app, &market, &ada).await, "FOLLOWERS_TOO_FEW");
        let url = "https://ada.example/";
        let input = json!({
            "partnerId": ada.1.id, "platform": "WEBSITE", "handle": "ada", "url": url, "followersCount": 999,
        });
        let selection = "creatorChannel { id }";
        let channel = app.done(&ada.0, "addCreatorChannel", input, selection).await["creatorChannel"].clone();
        assert_eq!(obstacle(&app, &market, &ada).await, "FOLLOWERS_TOO_FEW");
        let id = text(&channel, "id");
        let input = json!({ "id": id, "patch": { "followersCount": 1_000 } });
        app.done(&ada.0, "updateCreatorChannel", input, selection).await;
        assert_eq!(eligibility(&app, &market, &ada).await["eligible"], true);

        policy(
            &app,
            &market,
            json!({ "minimumFollowersCount": 1_000, "requireVerifiedChannel": true }),
        )
        .await;
        assert_eq!(obstacle(&app, &market, &ada).await, "CHANNEL_NOT_VERIFIED");
        let input = json!({ "id": id });
        let selection = "verification { token }";
        let asked = app
            .done(&ada.0, "requestChannelVerification", input.clone(), selection)
            .await;
        app.pages.put(url, &text(&asked["verification"], "token"));
        app.done(&ada.0, "verifyChannel", input, "creatorChannel { id }").await;
        assert_eq!(applied(&app, &market, &ada).await.1, "SUBMITTED");
    })
    .await;
}
