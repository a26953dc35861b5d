//! The people of a brand.

use std::time::Duration;

use chrono::TimeDelta;
use entity::{audit_entry, brand_member::BrandRole, member_invitation};
use rstest::rstest;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};
use tributary::outbox;

use crate::support::{
    answer::{error_code, error_codes, refusal, user_errors},
    app::{TestApp, with_app},
    builders::{User, text},
    database::Database,
};

const MEMBERS: &str = "query ($id: ID!, $first: Int, $after: String) {
    brand(id: $id) { members(first: $first, after: $after) {
        totalCount
        pageInfo { hasNextPage endCursor }
        nodes { role user { email } }
    } }
}";

#[rstest]
#[tokio::test]
async fn pages_newest_first(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let brand = app.brand(&ada, "acme").await;
        for (name, role) in [("bob", BrandRole::Analyst), ("eve", BrandRole::Developer)] {
            let user = app.sign_up(name).await;
            app.db_member(&brand.id, &user.id, role).await;
        }
        let variables = json!({ "id": brand.id, "first": 2 });
        let page = app
            .graphql_ok(Some(&ada.token), MEMBERS, variables, "brand.members")
            .await;
        assert_eq!(page["totalCount"], 3);
        assert_eq!(page["pageInfo"]["hasNextPage"], true);
        let nodes = json!([
            { "role": "DEVELOPER", "user": { "email": "eve@example.org" } },
            { "role": "ANALYST", "user": { "email": "bob@example.org" } },
        ]);
        assert_eq!(page["nodes"], nodes);

        let after = text(&page["pageInfo"], "endCursor");
        let variables = json!({ "id": brand.id, "first": 2, "after": after });
        let page = app
            .graphql_ok(Some(&ada.token), MEMBERS, variables, "brand.members")
            .await;
        assert_eq!(page["pageInfo"]["hasNextPage"], false);
        assert_eq!(
            page["nodes"],
            json!([{ "role": "OWNER", "user": { "email": "ada@example.org" } }])
        );
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn costs_the_same_statements_for_one_as_for_many(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let brand = app.brand(&ada, "acme").await;
        let query = || app.graphql(Some(&ada.token), MEMBERS, json!({ "id": brand.id }));
        let one = app.count_statements(query).await;
        for name in ["bob", "eve", "mia"] {
            let user = app.sign_up(name).await;
            app.db_member(&brand.id, &user.id, BrandRole::Analyst).await;
        }
        let four = app.count_statements(query).await;
        assert!(one > 0);
        assert_eq!(four, one);
    })
    .await;
}

const INVITED: &str = "created { token url invitation { id email role state expiresAt } }";
const ACCEPTED: &str = "invitation { state brand { slug } invitedBy { email } }";

/// Asks somebody in and returns the invitation's id and token.
async fn invite(app: &TestApp, by: &User, brand: &str, email: &str, role: &str) -> (String, String) {
    let input = json!({ "brandId": brand, "email": email, "role": role });
    let made = app.done(by, "inviteBrandMember", input, INVITED).await["created"].clone();
    (text(&made["invitation"], "id"), text(&made, "token"))
}

async fn accept(app: &TestApp, user: &User, token: &str) -> Value {
    app.mutation(
        Some(&user.token),
        "acceptMemberInvitation",
        json!({ "token": token }),
        ACCEPTED,
    )
    .await
}

/// The people of a brand as `role name`, oldest first.
async fn team(app: &TestApp, viewer: &User, brand: &str) -> Vec<String> {
    let nodes = app
        .graphql_ok(
            Some(&viewer.token),
            MEMBERS,
            json!({ "id": brand }),
            "brand.members.nodes",
        )
        .await;
    let name = |node: &Value| {
        let email = text(&node["user"], "email");
        format!("{} {}", text(node, "role"), email.trim_end_matches("@example.org"))
    };
    nodes.as_array().unwrap().iter().rev().map(name).collect()
}

/// A brand of ada, with the others in their roles; the ids of their memberships.
async fn staffed<const N: usize>(app: &TestApp, others: [(&str, BrandRole); N]) -> (User, String, [(User, String); N]) {
    let ada = app.sign_up("ada").await;
    let brand = app.brand(&ada, "acme").await.id;
    let mut members = Vec::new();
    for (name, role) in others {
        let user = app.sign_up(name).await;
        let id = app.db_member(&brand, &user.id, role).await;
        members.push((user, id));
    }
    let Ok(members) = members.try_into() else { panic!() };
    (ada, brand, members)
}

async fn refused(app: &TestApp, user: &User, field: &str, input: Value, selection: &str) -> String {
    let before = app.digest().await;
    let answer = app.mutation(Some(&user.token), field, input, selection).await;
    assert_eq!(app.digest().await, before, "{field} was refused and changed something");
    refusal(&answer)
}

#[rstest]
#[tokio::test]
async fn asks_somebody_in(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let brand = app.brand(&ada, "acme").await.id;
        // Whether the address has an account makes no difference to who invites.
        let input = json!({ "brandId": brand, "email": "Bob@Example.org", "role": "FINANCE" });
        let made = app.done(&ada, "inviteBrandMember", input.clone(), INVITED).await["created"].clone();
        let token = text(&made, "token");
        assert_eq!(
            text(&made, "url"),
            format!("{}/join#{token}", app.app.config.public_base())
        );
        let invitation = &made["invitation"];
        assert_eq!(
            *invitation,
            json!({
                "id": invitation["id"], "email": "Bob@Example.org", "role": "FINANCE", "state": "SENT",
                "expiresAt": "2026-01-22T12:00:00+00:00",
            })
        );
        assert_eq!(
            refused(&app, &ada, "inviteBrandMember", input, INVITED).await,
            "INVITATION_OPEN"
        );

        // Only the invited person may use it, and only once; all else gets one answer.
        let eve = app.sign_up("eve").await;
        let bob = app.sign_up("bob").await;
        let before = app.digest().await;
        let (stranger, unknown) = (
            accept(&app, &eve, &token).await,
            accept(&app, &bob, "tri_nothing").await,
        );
        assert_eq!(refusal(&stranger), "INVITATION_INVALID");
        assert_eq!(user_errors(&stranger), user_errors(&unknown));
        assert_eq!(app.digest().await, before);
        let accepted = accept(&app, &bob, &token).await;
        assert_eq!(
            accepted["data"]["acceptMemberInvitation"]["invitation"],
            json!({ "state": "ACCEPTED", "brand": { "slug": "acme" }, "invitedBy": { "email": "ada@example.org" } })
        );
        assert_eq!(team(&app, &bob, &brand).await, ["OWNER ada", "FINANCE bob"]);
        assert_eq!(user_errors(&accept(&app, &bob, &token).await), user_errors(&unknown));
        let again = json!({ "brandId": brand, "email": "bob@example.org", "role": "ADMIN" });
        assert_eq!(
            refused(&app, &ada, "inviteBrandMember", again, INVITED).await,
            "ALREADY_MEMBER"
        );

        let mut log: Vec<String> = audit_entry::Entity::find()
            .filter(audit_entry::Column::Action.contains("member"))
            .order_by_asc(audit_entry::Column::Id)
            .all(app.db())
            .await
            .unwrap()
            .into_iter()
            .map(|row| format!("{} {:?} {:?}", row.action, row.from_state, row.to_state))
            .collect();
        log.sort();
        assert_eq!(
            log,
            [
                r#"brand_member.added None Some("FINANCE")"#,
                r#"member_invitation.decided Some("SENT") Some("ACCEPTED")"#,
                r#"member_invitation.sent None Some("SENT")"#,
            ]
        );
    })
    .await;
}

/// The mail brings a link of its own; either is good, and both go together.
#[rstest]
#[tokio::test]
async fn an_invitation_is_mailed(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let brand = app.brand(&ada, "acme").await.id;
        let bob = app.sign_up("bob").await;
        app.send_mails().await;

        let (id, shown) = invite(&app, &ada, &brand, "bob@example.org", "FINANCE").await;
        let letters = app.send_mails().await;
        let [letter] = letters.as_slice() else {
            panic!("{letters:?}")
        };
        assert_eq!(letter.to, "bob@example.org");
        assert_eq!(letter.subject, "ada asks you into acme");
        assert!(letter.text.contains("to join acme as finance"), "{}", letter.text);
        assert!(letter.text.contains("until 2026-01-22 12:00 UTC"), "{}", letter.text);
        let link = format!("{}/join#", app.app.config.public_base());
        let mailed = letter
            .text
            .split(&link)
            .nth(1)
            .unwrap()
            .lines()
            .next()
            .unwrap()
            .to_owned();
        assert_ne!(mailed, shown);
        for row in member_invitation::Entity::find().all(app.db()).await.unwrap() {
            let row = format!("{row:?}");
            assert!(
                !row.contains(&mailed) && !row.contains(&shown),
                "a row opens the door: {row}"
            );
        }

        // Another mail, and what came before is worth nothing.
        app.done(&ada, "resendBrandMemberInvitation", json!({ "id": id }), INVITED)
            .await;
        assert_eq!(refusal(&accept(&app, &bob, &mailed).await), "INVITATION_INVALID");
        let mailed = app.mailed_token("bob@example.org").await;
        let accepted = accept(&app, &bob, &mailed).await;
        assert_eq!(
            accepted["data"]["acceptMemberInvitation"]["invitation"]["state"], "ACCEPTED",
            "{accepted}"
        );
        assert_eq!(refusal(&accept(&app, &bob, &mailed).await), "INVITATION_INVALID");

        // Taken back before it left.
        let (id, _) = invite(&app, &ada, &brand, "carla@example.org", "ANALYST").await;
        app.done(
            &ada,
            "revokeBrandMemberInvitation",
            json!({ "id": id }),
            "invitation { state }",
        )
        .await;
        assert!(app.send_mails().await.is_empty());
    })
    .await;
}

/// Asking and taking back again and again fills nobody's mailbox.
#[rstest]
#[tokio::test]
async fn a_mailbox_is_not_flooded(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let ada = app.sign_up("ada").await;
        let brand = app.brand(&ada, "acme").await.id;
        app.send_mails().await;
        let mut sent = 0;
        for _ in 0..7 {
            let (id, _) = invite(&app, &ada, &brand, "carla@example.org", "ANALYST").await;
            sent += app.send_mails().await.len();
            app.done(
                &ada,
                "revokeBrandMemberInvitation",
                json!({ "id": id }),
                "invitation { state }",
            )
            .await;
        }
        assert_eq!(sent, 5);
        app.advance(TimeDelta::hours(1));
        let ada = app.sign_in(&ada).await;
        invite(&app, &ada, &brand, "carla@example.org", "ANALYST").await;
        assert_eq!(app.send_mails().await.len(), 1);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn an_invitation_ends(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let (mut ada, brand, []) = staffed(&app, []).await;
        let mut bob = app.sign_up("bob").await;
        let (id, first) = invite(&app, &ada, &brand, "bob@example.org", "ANALYST").await;
        // Sent again, the old link is dead.
        let resent = app
            .done(&ada, "resendBrandMemberInvitation", json!({ "id": id }), INVITED)
            .await;
        let second = text(&resent["created"], "token");
        assert_eq!(refusal(&accept(&app, &bob, &first).await), "INVITATION_INVALID");
        let declined = app
            .done(
                &bob,
                "declineMemberInvitation",
                json!({ "token": second }),
                "invitation { state }",
            )
            .await;
        assert_eq!(declined["invitation"]["state"], "DECLINED");
        assert_eq!(refusal(&accept(&app, &bob, &second).await), "INVITATION_INVALID");

        let (revoked, token) = invite(&app, &ada, &brand, "bob@example.org", "ANALYST").await;
        let input = json!({ "id": revoked });
        app.done(
            &ada,
            "revokeBrandMemberInvitation",
            input.clone(),
            "invitation { state }",
        )
        .await;
        assert_eq!(refusal(&accept(&app, &bob, &token).await), "INVITATION_INVALID");
        let answer = app
            .mutation(Some(&ada.token), "resendBrandMemberInvitation", input, INVITED)
            .await;
        assert_eq!(refusal(&answer), "INVITATION_NOT_OPEN");
        assert_eq!(
            user_errors(&answer)[0]["message"],
            "an invitation that is REVOKED cannot become SENT"
        );

        let (late, token) = invite(&app, &ada, &brand, "bob@example.org", "ANALYST").await;
        app.advance_days(7, [&mut ada, &mut bob]).await;
        assert_eq!(refusal(&accept(&app, &bob, &token).await), "INVITATION_INVALID");
        let input = json!({ "id": late });
        let revoke = app.mutation(
            Some(&ada.token),
            "revokeBrandMemberInvitation",
            input,
            "invitation { id }",
        );
        assert_eq!(
            user_errors(&revoke.await)[0]["message"],
            "an invitation that is EXPIRED cannot become REVOKED"
        );
        let query = "query ($id: ID!) { brand(id: $id) { memberInvitations { nodes { state } } } }";
        let nodes = app
            .graphql_ok(
                Some(&ada.token),
                query,
                json!({ "id": brand }),
                "brand.memberInvitations.nodes",
            )
            .await;
        let states: Vec<&Value> = nodes.as_array().unwrap().iter().map(|node| &node["state"]).collect();
        assert_eq!(states, ["EXPIRED", "REVOKED", "DECLINED"]);
        assert_eq!(team(&app, &ada, &brand).await, ["OWNER ada"]);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn admins_keep_their_hands_off_owners(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let others = [
            ("amy", BrandRole::Admin),
            ("olga", BrandRole::Owner),
            ("dan", BrandRole::Developer),
        ];
        let (ada, brand, [(amy, amy_id), (_, olga_id), (dan, dan_id)]) = staffed(&app, others).await;
        let role = |id: &str, role: &str| json!({ "id": id, "role": role });
        for (field, input, selection) in [
            ("changeBrandMemberRole", role(&olga_id, "ADMIN"), "member { id }"),
            ("changeBrandMemberRole", role(&dan_id, "OWNER"), "member { id }"),
            ("changeBrandMemberRole", role(&amy_id, "OWNER"), "member { id }"),
            ("removeBrandMember", json!({ "id": olga_id }), "member { id }"),
            (
                "inviteBrandMember",
                json!({ "brandId": brand, "email": "new@example.org", "role": "OWNER" }),
                INVITED,
            ),
        ] {
            assert_eq!(
                refused(&app, &amy, field, input, selection).await,
                "ROLE_ABOVE_YOURS",
                "{field}"
            );
        }
        let same = role(&dan_id, "DEVELOPER");
        assert_eq!(
            refused(&app, &amy, "changeBrandMemberRole", same, "member { id }").await,
            "ROLE_UNCHANGED"
        );
        assert_eq!(
            refused(
                &app,
                &amy,
                "removeBrandMember",
                json!({ "id": amy_id }),
                "member { id }"
            )
            .await,
            "YOURSELF"
        );
        app.done(&amy, "changeBrandMemberRole", role(&dan_id, "MANAGER"), "member { id }")
            .await;
        // What somebody sent falls with their right to send it.
        let (_, token) = invite(&app, &amy, &brand, "new@example.org", "ANALYST").await;
        app.done(&ada, "changeBrandMemberRole", role(&amy_id, "ANALYST"), "member { id }")
            .await;
        let newcomer = app.sign_up("new").await;
        assert_eq!(refusal(&accept(&app, &newcomer, &token).await), "INVITATION_INVALID");
        app.done(&dan, "leaveBrand", json!({ "brandId": brand }), "brand { slug }")
            .await;
        assert_eq!(
            team(&app, &ada, &brand).await,
            ["OWNER ada", "ANALYST amy", "OWNER olga"]
        );
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_brand_keeps_an_owner(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let (ada, brand, [(bob, bob_id)]) = staffed(&app, [("bob", BrandRole::Admin)]).await;
        let page = app
            .graphql_ok(
                Some(&ada.token),
                "query ($id: ID!) { brand(id: $id) { members(last: 1) { nodes { id } } } }",
                json!({ "id": brand }),
                "brand.members.nodes.0",
            )
            .await;
        let ada_id = text(&page, "id");
        let leave = json!({ "brandId": brand });
        assert_eq!(
            refused(&app, &ada, "leaveBrand", leave.clone(), "brand { id }").await,
            "LAST_OWNER"
        );
        let demote = json!({ "id": ada_id, "role": "ADMIN" });
        assert_eq!(
            refused(&app, &ada, "changeBrandMemberRole", demote, "member { id }").await,
            "LAST_OWNER"
        );
        let heir = json!({ "id": bob_id });
        let made = app
            .done(&ada, "transferBrandOwnership", heir, "member { role user { email } }")
            .await;
        assert_eq!(
            made["member"],
            json!({ "role": "OWNER", "user": { "email": "bob@example.org" } })
        );
        assert_eq!(team(&app, &bob, &brand).await, ["ADMIN ada", "OWNER bob"]);
        app.done(&ada, "leaveBrand", leave, "brand { id }").await;
        assert_eq!(team(&app, &bob, &brand).await, ["OWNER bob"]);
        let answer = app.graphql(Some(&ada.token), MEMBERS, json!({ "id": brand })).await;
        assert_eq!(error_code(&answer), "NOT_FOUND");
    })
    .await;
}

/// Two owners remove each other at the same moment, or both leave: one owner is left, each time.
#[rstest]
#[tokio::test]
async fn two_owners_at_once_leave_one(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        for round in 0..4 {
            let (ann, bea) = (
                app.sign_up(&format!("ann{round}")).await,
                app.sign_up(&format!("bea{round}")).await,
            );
            let brand = app.brand(&ann, &format!("acme-{round}")).await.id;
            let bea_id = app.db_member(&brand, &bea.id, BrandRole::Owner).await;
            let nodes = app
                .graphql_ok(
                    Some(&ann.token),
                    "query ($id: ID!) { brand(id: $id) { members { nodes { id } } } }",
                    json!({ "id": brand }),
                    "brand.members.nodes",
                )
                .await;
            let ann_id = text(&nodes[1], "id");
            if round % 2 == 0 {
                let (selection, field) = ("member { id }", "removeBrandMember");
                tokio::join!(
                    app.mutation(Some(&ann.token), field, json!({ "id": bea_id }), selection),
                    app.mutation(Some(&bea.token), field, json!({ "id": ann_id }), selection),
                );
            } else {
                let (selection, input) = ("brand { id }", json!({ "brandId": brand }));
                tokio::join!(
                    app.mutation(Some(&ann.token), "leaveBrand", input.clone(), selection),
                    app.mutation(Some(&bea.token), "leaveBrand", input.clone(), selection),
                );
            }
            let mut left = Vec::new();
            for owner in [&ann, &bea] {
                let answer = app.graphql(Some(&owner.token), MEMBERS, json!({ "id": brand })).await;
                left.extend(answer["data"]["brand"]["members"]["totalCount"].as_i64());
            }
            assert_eq!(left, [1], "round {round}");
        }
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_removed_member_hears_nothing_more(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let bob = app.sign_up("bob").await;
        let member = app.db_member(&market.brand.id, &bob.id, BrandRole::Analyst).await;
        let served = app.serve().await;
        let mut socket = served.connect().await;
        socket.init(Some(&bob.token)).await;
        let feed = "subscription ($brand: ID!) { conversionFeed(brandId: $brand) {
            ... on ConversionFeedEvent { conversion { id } } } }";
        socket
            .subscribe("feed", feed, json!({ "brand": market.brand.id }))
            .await;
        assert!(socket.is_quiet(Duration::from_millis(300)).await);
        let sale = app.sale(&market, "A-1", "10.00", json!({})).await;
        outbox::relay::drain(&app.app).await.unwrap();
        let event = socket.next_data("feed").await;
        assert_eq!(event["conversionFeed"]["conversion"]["id"], sale);

        app.done(
            &market.owner,
            "removeBrandMember",
            json!({ "id": member }),
            "member { id }",
        )
        .await;
        app.sale(&market, "A-2", "10.00", json!({})).await;
        outbox::relay::drain(&app.app).await.unwrap();
        let told = socket.next().await;
        assert_eq!(error_code(&told["payload"]), "NOT_FOUND", "{told}");
    })
    .await;
}

/// With other rights an open feed ends too: what it shows was resolved with those of its beginning.
#[rstest]
#[tokio::test]
async fn a_feed_ends_with_the_rights_it_began_with(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let bob = app.sign_up("bob").await;
        let member = app.db_member(&market.brand.id, &bob.id, BrandRole::Finance).await;
        let served = app.serve().await;
        let feed = "subscription ($brand: ID!) { conversionFeed(brandId: $brand, after: \"AAAAAAAAAAA\") {
            ... on ConversionFeedEvent { conversion { id } } } }";
        let mut stream = served
            .event_stream(&bob.token, feed, json!({ "brand": market.brand.id }))
            .await;
        app.sale(&market, "A-1", "10.00", json!({})).await;
        outbox::relay::drain(&app.app).await.unwrap();
        assert!(error_codes(&stream.next().await).is_empty());
        let input = json!({ "id": member, "role": "ANALYST" });
        app.done(&market.owner, "changeBrandMemberRole", input, "member { id }")
            .await;
        // Nothing happens, but time passes.
        app.advance(TimeDelta::seconds(15));
        assert_eq!(error_code(&stream.next().await), "FORBIDDEN");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn fifty_invitations_are_open_at_a_time(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let (ada, brand, []) = staffed(&app, []).await;
        for nth in 0..50 {
            invite(&app, &ada, &brand, &format!("p{nth}@example.org"), "ANALYST").await;
        }
        let input = json!({ "brandId": brand, "email": "p50@example.org", "role": "ANALYST" });
        let code = refused(&app, &ada, "inviteBrandMember", input, INVITED).await;
        assert_eq!(code, "TOO_MANY_INVITATIONS");
    })
    .await;
}
