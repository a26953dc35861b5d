//! A brand asks a partner into a program.

use chrono::TimeDelta;
use entity::{audit_entry, ids::PartnerId, program_invitation};
use rstest::rstest;
use sea_orm::{ActiveEnum, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};
use tributary::partnerships::service::expire_invitations;

use crate::support::{
    answer::{data_at, error_code, refusal},
    app::{TestApp, with_app},
    builders::{PartnerFixture, User, text},
    database::Database,
    mail::token_of,
    marketplace::{Market, merged},
};

const SEEN: &str = "programInvitation { id state email partner { handle } group { name } terms { version }
    declineReason decidedAt partnership { id state group { name } } }";

/// An invitation of the market's brand; returns its id.
async fn invite(app: &TestApp, market: &Market, invitee: Value, settings: Value) -> String {
    let input = merged(json!({ "programId": market.program.id, "invitee": invitee }), settings);
    let made = app.done(&market.owner, "inviteToProgram", input, SEEN).await;
    assert_eq!(made["programInvitation"]["state"], "SENT");
    text(&made["programInvitation"], "id")
}

/// What came to this address: the token of its link.
async fn token_to(app: &TestApp, email: &str) -> String {
    let letters = app.send_mails().await;
    let letters: Vec<_> = letters
        .iter()
        .filter(|letter| letter.to == email && letter.text.contains("/invitation#"))
        .collect();
    assert_eq!(letters.len(), 1, "{letters:#?}");
    token_of(letters[0])
}

async fn accept(app: &TestApp, user: &User, which: Value, partner: &PartnerFixture) -> Value {
    let input = json!({ "invitation": which, "partnerId": partner.id, "acceptedTermsVersion": 1 });
    app.mutation(Some(&user.token), "acceptProgramInvitation", input, SEEN)
        .await
}

async fn creator(app: &TestApp, name: &str) -> (User, PartnerFixture) {
    let user = app.sign_up(name).await;
    let partner = app.partner(&user, name).await;
    (user, partner)
}

async fn db_invitation(app: &TestApp, id: &str) -> program_invitation::Model {
    program_invitation::Entity::find_by_id(id.parse::<entity::ids::ProgramInvitationId>().unwrap())
        .one(app.db())
        .await
        .unwrap()
        .unwrap()
}

/// The states an invitation went through, as the audit log has them, with who did it.
async fn trail(app: &TestApp, id: &str) -> Vec<(String, String, Option<String>, Option<String>)> {
    let rows = audit_entry::Entity::find()
        .filter(audit_entry::Column::Subject.eq(id))
        .order_by_asc(audit_entry::Column::Id)
        .all(app.db())
        .await
        .unwrap();
    let line = |row: audit_entry::Model| (row.actor, row.action, row.from_state, row.to_state);
    rows.into_iter().map(line).collect()
}

#[rstest]
#[tokio::test]
async fn a_partner_that_accepts_is_in_at_once(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("acme").await;
        let (user, partner) = creator(&app, "asked").await;
        app.send_mails().await;
        let input = json!({ "programId": market.program.id, "name": "Gold", "holdDays": 3 });
        let gold = app
            .done(&market.owner, "createPartnerGroup", input, "partnerGroup { id }")
            .await;
        let gold = text(&gold["partnerGroup"], "id");
        let settings = json!({ "groupId": gold, "message": "We like what you do.\nJoin us!" });
        let id = invite(&app, &market, json!({ "partnerId": partner.id }), settings).await;

        // The partner's people are told, without a link: they find it signed in.
        let letters = app.send_mails().await;
        let [letter] = letters.as_slice() else {
            panic!("one mail wanted: {letters:#?}")
        };
        assert_eq!(letter.to, user.email);
        assert!(
            letter.text.contains("> We like what you do.\n> Join us!"),
            "{letter:#?}"
        );
        assert!(!letter.text.contains('#'), "{letter:#?}");
        let query = "query ($id: ID!) { partner(id: $id) { programInvitations { totalCount
            nodes { id message program { name } } } } }";
        let found = app
            .graphql_ok(
                Some(&user.token),
                query,
                json!({ "id": partner.id }),
                "partner.programInvitations",
            )
            .await;
        assert_eq!(found["totalCount"], 1);
        assert_eq!(found["nodes"][0]["id"], id.as_str());
        assert_eq!(found["nodes"][0]["program"]["name"], "acme");
        // While it is open, its group stays.
        let archive = json!({ "id": gold });
        let answer = app
            .mutation(Some(&market.owner.token), "archivePartnerGroup", archive, "__typename")
            .await;
        assert_eq!(refusal(&answer), "GROUP_IN_USE");

        let accepted = accept(&app, &user, json!({ "invitationId": id }), &partner).await;
        let accepted = data_at(&accepted, "acceptProgramInvitation.programInvitation");
        assert_eq!(accepted["state"], "ACCEPTED");
        assert_eq!(accepted["terms"]["version"], 1);
        assert_eq!(accepted["partnership"]["state"], "ACTIVE");
        assert_eq!(accepted["partnership"]["group"]["name"], "Gold");
        assert_eq!(
            trail(&app, &id)
                .await
                .into_iter()
                .map(|line| line.1)
                .collect::<Vec<_>>(),
            ["program_invitation.sent", "program_invitation.accepted"]
        );
        // In it has all that an approved one has: it sells at once.
        let code = json!({ "partnershipId": accepted["partnership"]["id"], "code": "ASKED" });
        app.done(&user, "createPromoCode", code, "promoCode { code }").await;
        let sale = app
            .sale(&market, "A", "100.00", json!({ "promoCodes": ["ASKED"] }))
            .await;
        let sale = app.conversion(&market, &sale).await;
        assert_eq!(sale["commissions"][0]["amount"]["amount"], "10.00");
        let query = "query ($id: ID!) { program(id: $id) { invitations { totalCount nodes { state } } } }";
        let seen = app
            .graphql_ok(
                Some(&market.owner.token),
                query,
                json!({ "id": market.program.id }),
                "program.invitations",
            )
            .await;
        assert_eq!(seen, json!({ "totalCount": 1, "nodes": [{ "state": "ACCEPTED" }] }));
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_mailed_link_is_good_for_whoever_has_it_until_a_newer_one_is_sent(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("acme").await;
        app.send_mails().await;
        let id = invite(&app, &market, json!({ "email": " New@Creator.example " }), json!({})).await;
        assert_eq!(
            db_invitation(&app, &id).await.token_hash,
            None,
            "no link before the mail"
        );
        let first = token_to(&app, "New@Creator.example").await;
        assert!(!format!("{:?}", db_invitation(&app, &id).await).contains(&first));

        let again = json!({ "id": id, "expiresInDays": 2 });
        app.done(&market.owner, "resendProgramInvitation", again.clone(), SEEN)
            .await;
        let (user, partner) = creator(&app, "newcomer").await;
        let old = accept(&app, &user, json!({ "token": first }), &partner).await;
        assert_eq!(refusal(&old), "INVITATION_INVALID");
        let second = token_to(&app, "New@Creator.example").await;
        let expiry = db_invitation(&app, &id).await.expires_at;
        assert_eq!(expiry, app.now() + TimeDelta::days(2));
        // Three more, and it was sent five times.
        for _ in 0..3 {
            app.done(&market.owner, "resendProgramInvitation", again.clone(), SEEN)
                .await;
        }
        let answer = app
            .mutation(Some(&market.owner.token), "resendProgramInvitation", again, SEEN)
            .await;
        assert_eq!(refusal(&answer), "INVITATION_SENT_TOO_OFTEN");
        // Only the last of the mails that waited is sent.
        let last = token_to(&app, "New@Creator.example").await;
        let old = accept(&app, &user, json!({ "token": second }), &partner).await;
        assert_eq!(refusal(&old), "INVITATION_INVALID");
        // The address of the account is another one.
        let accepted = accept(&app, &user, json!({ "token": last }), &partner).await;
        let accepted = data_at(&accepted, "acceptProgramInvitation.programInvitation");
        assert_eq!(accepted["partner"]["handle"], "newcomer");
        assert_eq!(accepted["partnership"]["state"], "ACTIVE");
        let twice = accept(&app, &user, json!({ "token": last }), &partner).await;
        assert_eq!(refusal(&twice), "INVALID_TRANSITION");
    })
    .await;
}

/// Who asks an address in learns nothing about it: neither from the answer nor from what is refused.
#[rstest]
#[tokio::test]
async fn inviting_an_address_does_not_tell_whether_it_has_an_account(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("acme").await;
        let member = app.promoter(&market, "member", None).await;
        let banned = app.promoter(&market, "banned", None).await;
        let ban = json!({ "id": banned.partnership, "reason": "FRAUD" });
        app.done(&market.owner, "banPartnership", ban, "partnership { state }")
            .await;
        let outsider = app.sign_up("outsider").await;
        let mut answers = Vec::new();
        for email in [
            &member.user.email,
            &banned.user.email,
            &outsider.email,
            "nobody@example.org",
        ] {
            let input = json!({ "programId": market.program.id, "invitee": { "email": email } });
            let selection = "programInvitation { state message partner { id } partnership { id } }";
            let answer = app
                .mutation(Some(&market.owner.token), "inviteToProgram", input, selection)
                .await;
            answers.push(answer["data"].clone());
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
        // What the brand knows itself, its own partnerships, is said when it names a partner.
        let letters = app.send_mails().await;
        for (promoter, code) in [(&member, "ALREADY_PARTNER"), (&banned, "PARTNER_BANNED")] {
            let input = json!({ "programId": market.program.id, "invitee": { "partnerId": promoter.partner.id } });
            let answer = app
                .mutation(Some(&market.owner.token), "inviteToProgram", input, SEEN)
                .await;
            assert_eq!(refusal(&answer), code);
            // And when it is too late to be said before.
            let mailed = letters
                .iter()
                .find(|letter| letter.to == promoter.user.email && letter.text.contains("/invitation#"));
            let token = token_of(mailed.unwrap());
            let answer = accept(&app, &promoter.user, json!({ "token": token }), &promoter.partner).await;
            assert_eq!(refusal(&answer), code);
        }
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn accepting_approves_an_open_application_and_brings_an_ended_partnership_back(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("acme").await;
        let (user, partner) = creator(&app, "eager").await;
        let input = json!({
            "partnerId": partner.id, "programId": market.program.id, "message": "hello", "acceptedTermsVersion": 1,
        });
        let applied = app.done(&user, "applyToProgram", input, "application { id }").await;
        let id = invite(&app, &market, json!({ "partnerId": partner.id }), json!({})).await;
        accept(&app, &user, json!({ "invitationId": id }), &partner).await;
        let query = "query ($id: ID!) { node(id: $id) { ... on Application { state partnership { id } } } }";
        let application = app
            .graphql_ok(
                Some(&user.token),
                query,
                json!({ "id": applied["application"]["id"] }),
                "node",
            )
            .await;
        assert_eq!(application["state"], "APPROVED");
        let partnership = text(&application["partnership"], "id");

        // Ended for good by the brand, which changes its mind.
        let end = json!({ "id": partnership, "reapplyPolicy": "NEVER" });
        app.done(&market.owner, "endPartnership", end, "partnership { state }")
            .await;
        let id = invite(&app, &market, json!({ "partnerId": partner.id }), json!({})).await;
        let back = accept(&app, &user, json!({ "invitationId": id }), &partner).await;
        let back = data_at(&back, "acceptProgramInvitation.programInvitation.partnership");
        assert_eq!(back, json!({ "id": partnership, "state": "ACTIVE", "group": null }));
    })
    .await;
}

/// An invitation in some state, with the people around it.
struct Asked {
    id: String,
    user: User,
    partner: PartnerFixture,
}

async fn asked(app: &TestApp, market: &Market, name: &str, state: &str) -> Asked {
    let (user, partner) = creator(app, name).await;
    let id = invite(app, market, json!({ "partnerId": partner.id }), json!({})).await;
    match state {
        "ACCEPTED" => drop(accept(app, &user, json!({ "invitationId": id }), &partner).await),
        "DECLINED" => {
            let input = json!({ "invitation": { "invitationId": id }, "reason": "No time." });
            let declined = app.done(&user, "declineProgramInvitation", input, SEEN).await;
            assert_eq!(declined["programInvitation"]["declineReason"], "No time.");
        }
        "REVOKED" => {
            let input = json!({ "id": id, "reason": "A mistake." });
            app.done(&market.owner, "revokeProgramInvitation", input, SEEN).await;
        }
        _ => {}
    }
    Asked { id, user, partner }
}

#[rstest]
#[tokio::test]
async fn every_answer_in_every_state(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let mut market = app.market("acme").await;
        let steps = [
            ("accept", "ACCEPTED"),
            ("decline", "DECLINED"),
            ("revoke", "REVOKED"),
            ("resend", "SENT"),
        ];
        let states = ["EXPIRED", "SENT", "ACCEPTED", "DECLINED", "REVOKED"];
        let mut due = Vec::new();
        for (step, _) in steps {
            due.push(asked(&app, &market, &format!("{step}-expired"), "EXPIRED").await);
        }
        app.advance_days(30, [&mut market.owner]).await;
        // Time decides; the job only writes it down, once.
        assert_eq!(db_invitation(&app, &due[0].id).await.state.to_value(), "SENT");
        for written in [false, true] {
            if written {
                assert_eq!(expire_invitations(&app.app).await, Ok(4));
                assert_eq!(expire_invitations(&app.app).await, Ok(0));
                assert_eq!(db_invitation(&app, &due[0].id).await.state.to_value(), "EXPIRED");
                let last = trail(&app, &due[0].id).await.pop().unwrap();
                let some = |text: &str| Some(text.to_owned());
                assert_eq!(
                    last,
                    (
                        "system".to_owned(),
                        "program_invitation.expired".to_owned(),
                        some("SENT"),
                        some("EXPIRED")
                    )
                );
            }
            for state in states {
                for (index, (step, leads_to)) in steps.into_iter().enumerate() {
                    let name = format!("{step}-{}-{}", state.to_lowercase(), u8::from(written));
                    let mut subject = if state == "EXPIRED" {
                        let Asked { id, user, partner } = &due[index];
                        Asked {
                            id: id.clone(),
                            user: user.clone(),
                            partner: partner.clone(),
                        }
                    } else {
                        asked(&app, &market, &name, state).await
                    };
                    if state == "EXPIRED" {
                        app.sign_in_again(&mut subject.user).await;
                    }
                    let before = app.digest().await;
                    let which = json!({ "id": subject.id });
                    let invitation = json!({ "invitationId": subject.id });
                    let by = |user: &User| user.token.clone();
                    let (token, field, input) = match step {
                        "accept" => {
                            let input = json!({
                                "invitation": invitation, "partnerId": subject.partner.id, "acceptedTermsVersion": 1,
                            });
                            (by(&subject.user), "acceptProgramInvitation", input)
                        }
                        "decline" => {
                            let input = json!({ "invitation": invitation });
                            (by(&subject.user), "declineProgramInvitation", input)
                        }
                        "revoke" => (by(&market.owner), "revokeProgramInvitation", which),
                        _ => (by(&market.owner), "resendProgramInvitation", which),
                    };
                    let answer = app.mutation(Some(&token), field, input, SEEN).await;
                    if state == "SENT" {
                        let now = data_at(&answer, &format!("{field}.programInvitation.state"));
                        assert_eq!(now, leads_to, "{name}");
                        let last = trail(&app, &subject.id).await.pop().unwrap();
                        assert_eq!((last.2.as_deref(), last.3.as_deref()), (Some("SENT"), Some(leads_to)));
                    } else {
                        assert_eq!(refusal(&answer), "INVALID_TRANSITION", "{name}");
                        let message = answer["data"][field]["userErrors"][0]["message"].as_str().unwrap();
                        assert_eq!(message, format!("an invitation cannot go from {state} to {leads_to}"));
                        assert_eq!(app.digest().await, before, "{name}");
                    }
                }
            }
        }
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn what_cannot_be_invited_is_named_and_changes_nothing(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let mut market = app.market("acme").await;
        let (user, partner) = creator(&app, "asked").await;
        let (other, other_partner) = creator(&app, "other").await;
        let paused = app.program(&market.owner, &market.brand.id, "paused", json!({})).await;
        let draft = app
            .draft_program(&market.owner, &market.brand.id, "draft", json!({}))
            .await;
        let into_paused = Market {
            program: paused.clone(),
            ..market.clone()
        };
        let resting = invite(&app, &into_paused, json!({ "partnerId": partner.id }), json!({})).await;
        app.done(
            &market.owner,
            "pauseProgram",
            json!({ "id": paused.id }),
            "program { state }",
        )
        .await;
        let foreign = json!({ "programId": paused.id, "name": "Elsewhere" });
        let foreign = app
            .done(&market.owner, "createPartnerGroup", foreign, "partnerGroup { id }")
            .await;
        let gone = json!({ "programId": market.program.id, "name": "Gone" });
        let gone = app
            .done(&market.owner, "createPartnerGroup", gone, "partnerGroup { id }")
            .await;
        app.done(
            &market.owner,
            "archivePartnerGroup",
            json!({ "id": gone["partnerGroup"]["id"] }),
            "__typename",
        )
        .await;
        let open = invite(&app, &market, json!({ "partnerId": partner.id }), json!({})).await;
        invite(&app, &market, json!({ "email": "a@b.example" }), json!({})).await;
        let absent = PartnerId(app.app.ids.uuid(app.now())).to_string();

        let before = app.digest().await;
        let ask = |settings: Value| {
            merged(
                json!({ "programId": market.program.id, "invitee": { "partnerId": other_partner.id } }),
                settings,
            )
        };
        let invitee = |invitee: Value| ask(json!({ "invitee": invitee }));
        let refusals = [
            (ask(json!({ "message": "x".repeat(2_001) })), "MESSAGE_TOO_LONG"),
            (ask(json!({ "expiresInDays": 0 })), "EXPIRY_OUT_OF_RANGE"),
            (ask(json!({ "expiresInDays": 91 })), "EXPIRY_OUT_OF_RANGE"),
            (ask(json!({ "programId": paused.id })), "PROGRAM_NOT_OPEN"),
            (ask(json!({ "programId": draft })), "PROGRAM_NOT_OPEN"),
            (
                ask(json!({ "groupId": foreign["partnerGroup"]["id"] })),
                "GROUP_OF_ANOTHER_PROGRAM",
            ),
            (ask(json!({ "groupId": gone["partnerGroup"]["id"] })), "GROUP_ARCHIVED"),
            (invitee(json!({ "email": "nobody" })), "EMAIL_INVALID"),
            (invitee(json!({ "email": "A@B.example" })), "INVITATION_OPEN"),
            (invitee(json!({ "partnerId": partner.id })), "INVITATION_OPEN"),
        ];
        for (input, code) in refusals {
            let answer = app
                .mutation(Some(&market.owner.token), "inviteToProgram", input.clone(), SEEN)
                .await;
            assert_eq!(refusal(&answer), code, "{input}");
        }
        let answer = app
            .mutation(
                Some(&market.owner.token),
                "inviteToProgram",
                invitee(json!({ "partnerId": absent })),
                SEEN,
            )
            .await;
        assert_eq!(error_code(&answer), "NOT_FOUND");
        let resend = json!({ "id": resting });
        let answer = app
            .mutation(Some(&market.owner.token), "resendProgramInvitation", resend, SEEN)
            .await;
        assert_eq!(refusal(&answer), "PROGRAM_NOT_OPEN");
        let answer = accept(&app, &user, json!({ "invitationId": resting }), &partner).await;
        assert_eq!(refusal(&answer), "PROGRAM_NOT_OPEN");
        // Nobody answers for somebody else, by id or with a token that was never mailed.
        for which in [json!({ "invitationId": open }), json!({ "token": "tpi_made-up" })] {
            let answer = accept(&app, &other, which.clone(), &other_partner).await;
            assert_eq!(refusal(&answer), "INVITATION_INVALID");
            let input = json!({ "invitation": which });
            let answer = app
                .mutation(Some(&other.token), "declineProgramInvitation", input, SEEN)
                .await;
            assert_eq!(refusal(&answer), "INVITATION_INVALID");
        }
        let outdated = json!({
            "invitation": { "invitationId": open }, "partnerId": partner.id, "acceptedTermsVersion": 2,
        });
        let answer = app
            .mutation(Some(&user.token), "acceptProgramInvitation", outdated, SEEN)
            .await;
        assert_eq!(refusal(&answer), "TERMS_OUTDATED");
        let too_long = json!({ "invitation": { "invitationId": open }, "reason": "x".repeat(501) });
        let answer = app
            .mutation(Some(&user.token), "declineProgramInvitation", too_long, SEEN)
            .await;
        assert_eq!(refusal(&answer), "REASON_INVALID");
        assert_eq!(app.digest().await, before);

        // Three were sent today; ninety-seven more are the most.
        for n in 0..97 {
            invite(&app, &market, json!({ "email": format!("{n}@b.example") }), json!({})).await;
        }
        let answer = app
            .mutation(Some(&market.owner.token), "inviteToProgram", ask(json!({})), SEEN)
            .await;
        assert_eq!(refusal(&answer), "TOO_MANY_INVITATIONS_A_DAY");
        for _ in 0..4 {
            app.advance_days(1, [&mut market.owner]).await;
            for n in 0..100 {
                let email = format!("{n}@{}.example", app.now().timestamp());
                invite(&app, &market, json!({ "email": email }), json!({})).await;
            }
        }
        app.advance_days(1, [&mut market.owner]).await;
        let answer = app
            .mutation(Some(&market.owner.token), "inviteToProgram", ask(json!({})), SEEN)
            .await;
        assert_eq!(refusal(&answer), "TOO_MANY_INVITATIONS");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn many_are_asked_at_once_with_a_result_for_each(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let mut market = app.market("acme").await;
        let member = app.promoter(&market, "member", None).await;
        let (user, partner) = creator(&app, "asked").await;
        app.send_mails().await;
        let absent = PartnerId(app.app.ids.uuid(app.now())).to_string();
        let selection = "results { programInvitation { state email partner { handle } message } error { code field } }";
        let ask =
            |invitees: Value| json!({ "programId": market.program.id, "invitees": invitees, "message": "Join us!" });
        let some = json!([
            { "partnerId": partner.id },
            { "email": "one@b.example" },
            { "email": "nobody" },
            { "partnerId": member.partner.id },
            { "email": "ONE@b.example" },
            { "partnerId": absent },
            { "email": "two@b.example" },
        ]);
        let asked = app
            .done(&market.owner, "inviteManyToProgram", ask(some), selection)
            .await;
        let sent = |email: Value, partner: Value| {
            json!({
                "programInvitation": { "state": "SENT", "email": email, "partner": partner, "message": "Join us!" },
                "error": null,
            })
        };
        let refused =
            |code: &str, field: Value| json!({ "programInvitation": null, "error": { "code": code, "field": field } });
        assert_eq!(
            asked["results"],
            json!([
                sent(Value::Null, json!({ "handle": "asked" })),
                sent(json!("one@b.example"), Value::Null),
                refused("EMAIL_INVALID", json!(["invitee", "email"])),
                refused("ALREADY_PARTNER", Value::Null),
                refused("INVITATION_OPEN", json!(["invitee"])),
                refused("PARTNER_UNKNOWN", json!(["invitee", "partnerId"])),
                sent(json!("two@b.example"), Value::Null),
            ])
        );
        let mut told: Vec<String> = app.send_mails().await.into_iter().map(|letter| letter.to).collect();
        told.sort();
        assert_eq!(told, [user.email.as_str(), "one@b.example", "two@b.example"]);

        // As a whole: nobody, too many, a program that is not there for the caller.
        let addresses = |from: usize, to: usize| -> Value {
            (from..to)
                .map(|n| json!({ "email": format!("a{n}@b.example") }))
                .collect()
        };
        let before = app.digest().await;
        let token = market.owner.token.clone();
        for wrong in [json!([]), addresses(0, 101)] {
            let answer = app
                .mutation(Some(&token), "inviteManyToProgram", ask(wrong), selection)
                .await;
            assert_eq!(error_code(&answer), "BAD_USER_INPUT");
        }
        let too_long = merged(ask(addresses(0, 1)), json!({ "message": "x".repeat(2_001) }));
        let answer = app
            .mutation(Some(&token), "inviteManyToProgram", too_long, selection)
            .await;
        assert_eq!(refusal(&answer), "MESSAGE_TOO_LONG");
        assert_eq!(app.digest().await, before);

        // Three were sent today: of a hundred more, ninety-seven are.
        let selection = "results { error { code } }";
        let asked = app
            .done(&market.owner, "inviteManyToProgram", ask(addresses(0, 100)), selection)
            .await;
        let results = asked["results"].as_array().unwrap();
        assert!(results[..97].iter().all(|result| result["error"].is_null()));
        let over = json!({ "error": { "code": "TOO_MANY_INVITATIONS_A_DAY" } });
        assert_eq!(results[97..], [over.clone(), over.clone(), over]);
        app.advance_days(1, [&mut market.owner]).await;
        let ask = json!({ "programId": market.program.id, "invitees": addresses(97, 100) });
        let asked = app.done(&market.owner, "inviteManyToProgram", ask, selection).await;
        assert_eq!(
            asked["results"],
            json!([{ "error": null }, { "error": null }, { "error": null }])
        );
    })
    .await;
}
