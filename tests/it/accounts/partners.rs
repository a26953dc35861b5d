//! Partner accounts.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{
    answer::{error_code, refusal, user_errors},
    app::with_app,
    database::Database,
};

const CREATE: &str = "mutation ($input: CreatePartnerInput!) {
    createPartner(input: $input) { partner { handle displayName bio country } userErrors { code field message } }
}";

#[rstest]
#[tokio::test]
async fn shows_a_partner_to_its_people(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let eve = app.sign_up("eve").await;
        let partner = app.partner(&ada, "ada-writes").await;
        let query = "query ($id: ID!) { partner(id: $id) { handle } }";
        let variables = json!({ "id": partner.id });
        let handle = app
            .graphql_ok(Some(&ada.token), query, variables.clone(), "partner.handle")
            .await;
        assert_eq!(handle, "ada-writes");
        let answer = app.graphql(Some(&eve.token), query, variables).await;
        assert_eq!(error_code(&answer), "NOT_FOUND");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn refuses_a_taken_handle(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        app.partner(&ada, "ada-writes").await;
        let before = app.digest().await;
        let input = json!({ "input": { "handle": "ada-writes", "displayName": "Ada" } });
        let answer = app.graphql(Some(&ada.token), CREATE, input).await;
        assert_eq!(refusal(&answer), "HANDLE_TAKEN");
        assert_eq!(app.digest().await, before);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn people_of_a_partner_come_and_go(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let (ada, bob) = (app.sign_up("ada").await, app.sign_up("bob").await);
        let partner = app.partner(&ada, "ada-writes").await.id;
        let leave = json!({ "partnerId": partner });
        let before = app.digest().await;
        let answer = app
            .mutation(Some(&ada.token), "leavePartner", leave.clone(), "partner { id }")
            .await;
        assert_eq!(refusal(&answer), "LAST_MEMBER");
        assert_eq!(app.digest().await, before);

        let input = json!({ "partnerId": partner, "email": "bob@example.org" });
        let selection = "created { token invitation { role partner { handle } } }";
        let made = app.done(&ada, "invitePartnerMember", input, selection).await["created"].clone();
        assert_eq!(
            made["invitation"],
            json!({ "role": null, "partner": { "handle": "ada-writes" } })
        );
        let token = json!({ "token": made["token"] });
        app.done(&bob, "acceptMemberInvitation", token, "invitation { state }")
            .await;
        let members = "query ($id: ID!) { partner(id: $id) { members { nodes { id user { email } } } } }";
        let nodes = app
            .graphql_ok(
                Some(&bob.token),
                members,
                json!({ "id": partner }),
                "partner.members.nodes",
            )
            .await;
        let emails: Vec<&Value> = nodes
            .as_array()
            .unwrap()
            .iter()
            .map(|node| &node["user"]["email"])
            .collect();
        assert_eq!(emails, ["bob@example.org", "ada@example.org"]);

        // All are equal: the newcomer may remove the founder, whose rights end at once.
        let input = json!({ "id": nodes[1]["id"] });
        app.done(&bob, "removePartnerMember", input, "member { id }").await;
        let answer = app.graphql(Some(&ada.token), members, json!({ "id": partner })).await;
        assert_eq!(error_code(&answer), "NOT_FOUND");
        let answer = app
            .mutation(Some(&bob.token), "leavePartner", leave, "partner { id }")
            .await;
        assert_eq!(refusal(&answer), "LAST_MEMBER");
    })
    .await;
}

/// Two people of a partner leave at the same moment: one stays.
#[rstest]
#[tokio::test]
async fn two_at_once_leave_one(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let (ada, bob) = (app.sign_up("ada").await, app.sign_up("bob").await);
        let partner = app.partner(&ada, "ada-writes").await.id;
        app.db_partner_member(&partner, &bob.id).await;
        let leave = |user: String| {
            let (app, input) = (app.clone(), json!({ "partnerId": partner }));
            async move { app.mutation(Some(&user), "leavePartner", input, "partner { id }").await }
        };
        let (one, other) = tokio::join!(leave(ada.token.clone()), leave(bob.token.clone()));
        let refused: Vec<Value> = [one, other].iter().flat_map(user_errors).collect();
        assert_eq!(refused.len(), 1, "{refused:?}");
        assert_eq!(refused[0]["code"], "LAST_MEMBER");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn changes_a_profile_as_told(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let partner = app.partner(&ada, "ada-writes").await.id;
        let selection = "partner { handle displayName bio country }";
        let input = json!({ "id": partner, "patch": { "displayName": " Ada ", "bio": "I write.", "country": "PT" } });
        app.done(&ada, "updatePartner", input, selection).await;
        // What is absent stays; null takes away.
        let input = json!({ "id": partner, "patch": { "bio": null } });
        let changed = app.done(&ada, "updatePartner", input, selection).await;
        assert_eq!(
            changed["partner"],
            json!({ "handle": "ada-writes", "displayName": "Ada", "bio": null, "country": "PT" })
        );
        let before = app.digest().await;
        for (patch, code) in [
            (json!({ "displayName": " " }), "NAME_INVALID"),
            (json!({ "bio": "b".repeat(2_001) }), "BIO_TOO_LONG"),
        ] {
            let input = json!({ "id": partner, "patch": patch });
            let answer = app.mutation(Some(&ada.token), "updatePartner", input, selection).await;
            assert_eq!(refusal(&answer), code);
        }
        assert_eq!(app.digest().await, before);
    })
    .await;
}
