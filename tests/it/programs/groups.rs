//! Partner groups: terms between the program's and those of one partnership.

use chrono::TimeDelta;
use entity::{
    audit_entry,
    ids::{PartnerGroupId, PartnershipId},
};
use rstest::rstest;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};
use tributary::jobs::approve_due::approve_due;

use crate::support::{
    answer::{data_at, error_code, refusal},
    app::{TestApp, with_app},
    builders::{User, text},
    database::Database,
    marketplace::{Balances, Market, Promoter, merged},
};

async fn group(app: &TestApp, market: &Market, name: &str, settings: Value) -> String {
    let input = merged(json!({ "programId": market.program.id, "name": name }), settings);
    let made = app
        .done(&market.owner, "createPartnerGroup", input, "partnerGroup { id }")
        .await;
    text(&made["partnerGroup"], "id")
}

async fn put_into(app: &TestApp, market: &Market, promoter: &Promoter, group: Value) {
    let input = json!({ "partnershipId": promoter.partnership, "groupId": group });
    let moved = app
        .done(
            &market.owner,
            "setPartnershipGroup",
            input,
            "partnership { group { id } }",
        )
        .await;
    let now = &moved["partnership"]["group"];
    assert_eq!(now.get("id").unwrap_or(&Value::Null), &group);
}

async fn rule(app: &TestApp, market: &Market, percent: &str, settings: Value) -> String {
    let input = merged(
        json!({ "programId": market.program.id, "event": "SALE", "earning": { "percent": percent } }),
        settings,
    );
    let made = app
        .done(&market.owner, "createCommissionRule", input, "commissionRule { id }")
        .await;
    text(&made["commissionRule"], "id")
}

/// A sale of 200 EUR under a code of the promoter, as its brand sees it.
async fn sell(app: &TestApp, market: &Market, code: &str, order: &str) -> Value {
    let sale = app.sale(market, order, "200.00", json!({ "promoCodes": [code] })).await;
    app.conversion(market, &sale).await
}

/// What level 0 earned, and why.
fn earned(conversion: &Value) -> (String, String) {
    let amount = text(&conversion["commissions"][0]["amount"], "amount");
    let why = text(conversion, "earningExplanation");
    (amount, why.split_once("level(s), ").unwrap().1.to_owned())
}

fn expected(amount: &str, why: &str) -> (String, String) {
    (amount.to_owned(), why.to_owned())
}

const BY_PROGRAM: &str = "by a rule of the program";
const BY_GROUP: &str = "by a rule of the group Gold";
const BY_OWN: &str = "by the personal terms of the partnership";

#[rstest]
#[tokio::test]
async fn the_nearest_level_that_has_a_match_pays(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let mut market = app.market("acme").await;
        app.two_levels(&market.owner, &market.program.id).await;
        app.rule(
            &market.owner,
            &market.program.id,
            "LEAD",
            json!({ "fixed": { "amount": "5.00", "currency": "EUR" } }),
        )
        .await;
        let mut above = app.promoter(&market, "above", None).await;
        let seller = app.promoter(&market, "seller", Some(&above)).await;
        app.code(&seller, "SELLER", json!({})).await;
        let gold = group(&app, &market, "Gold", json!({})).await;
        let tomorrow = (app.now() + TimeDelta::days(1)).to_rfc3339();
        let of_gold = |settings: Value| merged(json!({ "groupId": gold }), settings);
        rule(&app, &market, "12", of_gold(json!({ "position": 5 }))).await;
        rule(&app, &market, "13", of_gold(json!({ "position": 5 }))).await;
        let dated = json!({ "position": 4, "validUntil": tomorrow });
        rule(&app, &market, "14", of_gold(dated)).await;

        // 10 % of 200; the one above gets 2 % of the sale whatever the level of the rule.
        let sale = sell(&app, &market, "SELLER", "one").await;
        assert_eq!(earned(&sale), expected("20.00", BY_PROGRAM));
        assert_eq!(sale["commissions"][1]["amount"]["amount"], "4.00");
        // The group of the one above says nothing about overrides.
        put_into(&app, &market, &above, json!(gold)).await;
        put_into(&app, &market, &seller, json!(gold)).await;
        // 14 %: the lower position.
        let sale = sell(&app, &market, "SELLER", "two").await;
        assert_eq!(earned(&sale), expected("28.00", BY_GROUP));
        assert_eq!(sale["commissions"][1]["amount"]["amount"], "4.00");
        let frozen = text(&sale["commissions"][0]["explanation"], "rule");
        let frozen: Value = serde_json::from_str(&frozen).unwrap();
        assert_eq!(
            (
                &frozen["level"],
                &frozen["group"],
                &frozen["groupName"],
                &frozen["percent"]
            ),
            (&json!("GROUP"), &json!(gold), &json!("Gold"), &json!("14"))
        );
        let over = text(&sale["commissions"][1]["explanation"], "rule");
        assert!(!over.contains("group"), "{over}");
        // The group has no rule for leads: the program's pays.
        let lead = json!({
            "brandId": market.brand.id, "idempotencyKey": "lead", "customerId": "lead", "promoCodes": ["SELLER"],
        });
        let lead = app.done(&market.owner, "recordLead", lead, "conversion { id }").await;
        let lead = app.conversion(&market, &text(&lead["conversion"], "id")).await;
        assert_eq!(earned(&lead), expected("5.00", BY_PROGRAM));

        let own = json!({ "partnershipId": seller.partnership, "position": 10_000, "validFrom": tomorrow });
        let own = rule(&app, &market, "25", own).await;
        assert_eq!(
            earned(&sell(&app, &market, "SELLER", "three").await),
            expected("28.00", BY_GROUP),
            "personal terms that do not count yet are passed over"
        );
        app.advance_days(1, [&mut market.owner, &mut above.user]).await;
        assert_eq!(
            earned(&sell(&app, &market, "SELLER", "four").await),
            expected("50.00", BY_OWN)
        );
        app.done(
            &market.owner,
            "archiveCommissionRule",
            json!({ "id": own }),
            "commissionRule { id }",
        )
        .await;
        // 14 % is over; of the two at position 5 the newer, 13 %.
        assert_eq!(
            earned(&sell(&app, &market, "SELLER", "five").await),
            expected("26.00", BY_GROUP)
        );
        put_into(&app, &market, &seller, Value::Null).await;
        assert_eq!(
            earned(&sell(&app, &market, "SELLER", "six").await),
            expected("20.00", BY_PROGRAM)
        );

        // 20 + 28 + 5 + 28 + 50 + 26 + 20, and 2 % of six sales of 200.
        let balances = app.balances(&above).await;
        assert_eq!(balances, Balances::of("24.00", "0.00", "0.00", "0.00"));
        let query = "query ($id: ID!) { node(id: $id) { ... on Partnership { balances { pending { amount } } } } }";
        let id = json!({ "id": seller.partnership });
        let pending = app
            .graphql_ok(Some(&market.owner.token), query, id, "node.balances.0.pending.amount")
            .await;
        assert_eq!(pending, "177.00");
    })
    .await;
}

async fn hold_of(app: &TestApp, owner: &User, conversion: &Value) -> Vec<String> {
    let query = "query ($id: ID!) { node(id: $id) { ... on Conversion { commissions { holdUntil } } } }";
    let holds = app
        .graphql_ok(
            Some(&owner.token),
            query,
            json!({ "id": conversion["id"] }),
            "node.commissions",
        )
        .await;
    let days = |hold: &Value| text(hold, "holdUntil")[..10].to_owned();
    holds.as_array().unwrap().iter().map(days).collect()
}

#[rstest]
#[tokio::test]
async fn a_commission_keeps_the_hold_of_the_group_it_was_earned_in(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let mut market = app.market_with("acme", json!({ "holdDays": 10 })).await;
        app.two_levels(&market.owner, &market.program.id).await;
        let above = app.promoter(&market, "above", None).await;
        let mut fast = app.promoter(&market, "fast", Some(&above)).await;
        let mut slow = app.promoter(&market, "slow", None).await;
        app.code(&fast, "FAST", json!({})).await;
        app.code(&slow, "SLOW", json!({})).await;
        let settings = json!({ "holdDays": 3, "autoApproveCommissions": true });
        let gold = group(&app, &market, "Gold", settings).await;
        let silver = group(&app, &market, "Silver", json!({})).await;
        put_into(&app, &market, &fast, json!(gold)).await;
        put_into(&app, &market, &slow, json!(silver)).await;

        // Everything begins on 15 January.
        let first = sell(&app, &market, "FAST", "one").await;
        assert_eq!(hold_of(&app, &market.owner, &first).await, ["2026-01-18", "2026-01-18"]);
        let second = sell(&app, &market, "SLOW", "two").await;
        assert_eq!(hold_of(&app, &market.owner, &second).await, ["2026-01-25"]);

        // Neither a change of the group nor leaving it moves what was earned.
        let patch = json!({ "id": gold, "patch": { "holdDays": 5, "name": "Platinum" } });
        app.done(
            &market.owner,
            "updatePartnerGroup",
            patch,
            "partnerGroup { name holdDays }",
        )
        .await;
        let third = sell(&app, &market, "FAST", "three").await;
        assert_eq!(hold_of(&app, &market.owner, &third).await, ["2026-01-20", "2026-01-20"]);
        assert_eq!(hold_of(&app, &market.owner, &first).await, ["2026-01-18", "2026-01-18"]);
        put_into(&app, &market, &fast, json!(silver)).await;
        let fourth = sell(&app, &market, "FAST", "four").await;
        assert_eq!(
            hold_of(&app, &market.owner, &fourth).await,
            ["2026-01-25", "2026-01-25"]
        );
        put_into(&app, &market, &fast, json!(gold)).await;

        // 20.00 each, of which a tenth is reserved. The program approves nothing by itself; the group does.
        app.advance(TimeDelta::days(3));
        assert_eq!(approve_due(&app.app).await, Ok(1));
        app.advance(TimeDelta::days(7));
        assert_eq!(approve_due(&app.app).await, Ok(2));
        app.advance_days(0, [&mut market.owner, &mut fast.user, &mut slow.user])
            .await;
        assert_eq!(app.balances(&fast).await, Balances::of("0.00", "54.00", "6.00", "0.00"));
        assert_eq!(app.balances(&slow).await, Balances::of("20.00", "0.00", "0.00", "0.00"));

        // The other way round: the program approves, the group does not.
        let patch = json!({ "id": market.program.id, "patch": { "autoApproveCommissions": true } });
        app.done(&market.owner, "updateProgram", patch, "program { id }").await;
        let patch = json!({ "id": silver, "patch": { "autoApproveCommissions": false } });
        app.done(&market.owner, "updatePartnerGroup", patch, "partnerGroup { id }")
            .await;
        assert_eq!(approve_due(&app.app).await, Ok(0));
        let patch = json!({ "id": silver, "patch": { "autoApproveCommissions": null } });
        app.done(&market.owner, "updatePartnerGroup", patch, "partnerGroup { id }")
            .await;
        assert_eq!(approve_due(&app.app).await, Ok(1));
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_group_is_seen_by_its_brand_and_who_is_in_it(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("acme").await;
        let inside = app.promoter(&market, "inside", None).await;
        let outside = app.promoter(&market, "outside", None).await;
        let gold = group(&app, &market, "Gold", json!({})).await;
        let rule = rule(&app, &market, "12", json!({ "groupId": gold })).await;
        put_into(&app, &market, &inside, json!(gold)).await;

        let node = "query ($id: ID!) { node(id: $id) { id } }";
        for (token, sees) in [
            (None, false),
            (Some(&outside.user.token), false),
            (Some(&inside.user.token), true),
            (Some(&market.owner.token), true),
        ] {
            for id in [&gold, &rule] {
                let answer = app.graphql(token.map(String::as_str), node, json!({ "id": id })).await;
                assert_eq!(answer["data"]["node"]["id"] == id.as_str(), sees, "{answer:#}");
            }
        }
        let query = "query ($id: ID!) { node(id: $id) { ... on Partnership { group { name }
            effectiveRules { level percent group { name } partnership { id } } } } }";
        let variables = json!({ "id": inside.partnership });
        assert_eq!(
            app.graphql_ok(Some(&inside.user.token), query, variables, "node").await,
            json!({ "group": { "name": "Gold" }, "effectiveRules": [
                { "level": "GROUP", "percent": "12", "group": { "name": "Gold" }, "partnership": null },
                { "level": "PROGRAM", "percent": "10", "group": null, "partnership": null },
            ] })
        );
        let variables = json!({ "id": outside.partnership });
        assert_eq!(
            app.graphql_ok(Some(&outside.user.token), query, variables, "node")
                .await,
            json!({ "group": null, "effectiveRules": [
                { "level": "PROGRAM", "percent": "10", "group": null, "partnership": null },
            ] })
        );
        // Rules of a group are no rules of the program.
        let query = "query ($id: ID!) { program(id: $id) { commissionRules { percent }
            groups { totalCount nodes { name isDefault commissionRules { percent }
                partnerships { totalCount nodes { id } } } } } }";
        let variables = json!({ "id": market.program.id });
        let seen = app
            .graphql_ok(Some(&market.owner.token), query, variables.clone(), "program")
            .await;
        assert_eq!(
            seen,
            json!({ "commissionRules": [{ "percent": "10" }], "groups": { "totalCount": 1, "nodes": [{
                "name": "Gold", "isDefault": false, "commissionRules": [{ "percent": "12" }],
                "partnerships": { "totalCount": 1, "nodes": [{ "id": inside.partnership }] },
            }] } })
        );
        let answer = app.graphql(Some(&inside.user.token), query, variables).await;
        assert_eq!(answer["data"]["program"]["groups"], Value::Null);
        assert_eq!(error_code(&answer), "NOT_FOUND");
    })
    .await;
}

async fn apply(app: &TestApp, market: &Market, user: &User, partner: &str) -> Value {
    let input = json!({
        "partnerId": partner, "programId": market.program.id, "message": "hello", "acceptedTermsVersion": 1,
    });
    let selection = "application { id state partnership { group { name } } }";
    app.done(user, "applyToProgram", input, selection).await["application"].clone()
}

#[rstest]
#[tokio::test]
async fn new_partnerships_come_to_the_default_group_and_may_be_let_in_at_once(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("acme").await;
        let rejected = app.sign_up("rejected").await;
        let rejected_partner = app.partner(&rejected, "rejected").await.id;
        let application = apply(&app, &market, &rejected, &rejected_partner).await;
        let no = json!({ "id": application["id"], "reason": "OTHER" });
        app.done(&market.owner, "rejectApplication", no, "application { state }")
            .await;

        let gold = group(&app, &market, "Gold", json!({})).await;
        let input = json!({ "programId": market.program.id, "groupId": gold });
        let set = app
            .done(
                &market.owner,
                "setDefaultPartnerGroup",
                input,
                "program { defaultGroup { name isDefault } }",
            )
            .await;
        assert_eq!(
            set["program"]["defaultGroup"],
            json!({ "name": "Gold", "isDefault": true })
        );
        let looked_at = app.promoter(&market, "looked-at", None).await;
        let query = "query ($id: ID!) { node(id: $id) { ... on Partnership { group { name } } } }";
        let variables = json!({ "id": looked_at.partnership });
        let group = app
            .graphql_ok(Some(&market.owner.token), query, variables, "node.group.name")
            .await;
        assert_eq!(group, "Gold");

        let patch = json!({ "id": gold, "patch": { "autoApproveApplications": true } });
        app.done(&market.owner, "updatePartnerGroup", patch, "partnerGroup { id }")
            .await;
        let user = app.sign_up("at-once").await;
        let partner = app.partner(&user, "at-once").await.id;
        let application = apply(&app, &market, &user, &partner).await;
        assert_eq!(application["state"], "APPROVED");
        assert_eq!(application["partnership"]["group"]["name"], "Gold");
        let by = audit_entry::Entity::find()
            .filter(audit_entry::Column::Action.eq("application.approved"))
            .filter(audit_entry::Column::Subject.eq(application["id"].as_str().unwrap()))
            .one(app.db())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(by.actor, "system");
        // Somebody said no before: somebody looks again.
        let again = apply(&app, &market, &rejected, &rejected_partner).await;
        assert_eq!(again["state"], "SUBMITTED");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn partnerships_change_their_group_together_and_leave_a_trail(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("acme").await;
        let one = app.promoter(&market, "one", None).await;
        let two = app.promoter(&market, "two", None).await;
        let gold = group(&app, &market, "Gold", json!({})).await;
        put_into(&app, &market, &one, json!(gold)).await;
        let input = json!({ "partnershipIds": [two.partnership, one.partnership], "groupId": gold });
        let moved = app
            .done(
                &market.owner,
                "setPartnershipGroups",
                input.clone(),
                "partnerships { id group { name } }",
            )
            .await;
        let both = [&two, &one].map(|promoter| json!({ "id": promoter.partnership, "group": { "name": "Gold" } }));
        assert_eq!(moved["partnerships"], json!(both));
        let before = app.digest().await;
        app.done(&market.owner, "setPartnershipGroups", input, "partnerships { id }")
            .await;
        assert_eq!(app.digest().await, before, "who is there stays there");
        put_into(&app, &market, &one, Value::Null).await;

        let trail = audit_entry::Entity::find()
            .filter(audit_entry::Column::Action.eq("partnership.group_set"))
            .order_by_asc(audit_entry::Column::Id)
            .all(app.db())
            .await
            .unwrap();
        let trail: Vec<_> = trail
            .into_iter()
            .map(|row| (row.subject, row.from_state, row.to_state))
            .collect();
        let (id, gold) = (|promoter: &Promoter| promoter.partnership.clone(), Some(gold));
        assert_eq!(
            trail,
            [
                (id(&one), None, gold.clone()),
                (id(&two), None, gold.clone()),
                (id(&one), gold, None),
            ]
        );
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn what_cannot_be_done_with_groups_is_named_and_changes_nothing(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("acme").await;
        let elsewhere = app.market("elsewhere").await;
        let promoter = app.promoter(&market, "promoter", None).await;
        let stranger = app.promoter(&elsewhere, "stranger", None).await;
        let full = group(&app, &market, "Full", json!({})).await;
        for _ in 0..50 {
            rule(&app, &market, "12", json!({ "groupId": full })).await;
        }
        let gold = group(&app, &market, "Gold", json!({})).await;
        put_into(&app, &market, &promoter, json!(gold)).await;
        let default = group(&app, &market, "Default", json!({})).await;
        let input = json!({ "programId": market.program.id, "groupId": default });
        app.done(&market.owner, "setDefaultPartnerGroup", input, "program { id }")
            .await;
        let gone = group(&app, &market, "Gone", json!({})).await;
        app.done(
            &market.owner,
            "archivePartnerGroup",
            json!({ "id": gone }),
            "partnerGroup { archivedAt }",
        )
        .await;
        // The name is free again.
        let gone_too = group(&app, &market, "GONE", json!({})).await;
        let foreign = group(&app, &elsewhere, "Gold", json!({})).await;
        let second = app.program(&market.owner, &market.brand.id, "second", json!({})).await;
        let sibling = Market {
            program: second,
            ..market.clone()
        };
        let of_sibling = group(&app, &sibling, "Gold", json!({})).await;
        let in_sibling = app.promoter(&sibling, "in-sibling", None).await;
        let absent = PartnerGroupId(app.app.ids.uuid(app.now())).to_string();
        let nobody = PartnershipId(app.app.ids.uuid(app.now())).to_string();
        // Two programs are full: at most 100 groups.
        for n in 0..99 {
            group(&app, &sibling, &format!("Group {n}"), json!({})).await;
        }

        let before = app.digest().await;
        let create = |settings: Value| merged(json!({ "programId": market.program.id, "name": "New" }), settings);
        let patch = |settings: Value| json!({ "id": gold, "patch": settings });
        let rule = |settings: Value| {
            let whole = json!({ "programId": market.program.id, "event": "SALE", "earning": { "percent": "9" } });
            merged(whole, settings)
        };
        let put = |partnership: &str, group: &str| json!({ "partnershipId": partnership, "groupId": group });
        let refusals = [
            ("createPartnerGroup", create(json!({ "name": " " })), "NAME_INVALID"),
            (
                "createPartnerGroup",
                create(json!({ "name": "gOLD" })),
                "GROUP_NAME_TAKEN",
            ),
            (
                "createPartnerGroup",
                create(json!({ "holdDays": 366 })),
                "HOLD_DAYS_OUT_OF_RANGE",
            ),
            (
                "createPartnerGroup",
                create(json!({ "programId": sibling.program.id })),
                "TOO_MANY_GROUPS",
            ),
            (
                "updatePartnerGroup",
                patch(json!({ "name": "DEFAULT" })),
                "GROUP_NAME_TAKEN",
            ),
            (
                "updatePartnerGroup",
                patch(json!({ "holdDays": -1 })),
                "HOLD_DAYS_OUT_OF_RANGE",
            ),
            (
                "updatePartnerGroup",
                json!({ "id": gone, "patch": { "name": "Back" } }),
                "GROUP_ARCHIVED",
            ),
            ("archivePartnerGroup", json!({ "id": gone }), "GROUP_ARCHIVED"),
            ("archivePartnerGroup", json!({ "id": gold }), "GROUP_IN_USE"),
            ("archivePartnerGroup", json!({ "id": default }), "GROUP_IN_USE"),
            (
                "createCommissionRule",
                rule(json!({ "groupId": full })),
                "TOO_MANY_GROUP_RULES",
            ),
            (
                "createCommissionRule",
                rule(json!({ "groupId": gone })),
                "GROUP_ARCHIVED",
            ),
            (
                "setDefaultPartnerGroup",
                json!({ "programId": market.program.id, "groupId": gone }),
                "GROUP_ARCHIVED",
            ),
            (
                "setPartnershipGroup",
                put(&promoter.partnership, &gone),
                "GROUP_ARCHIVED",
            ),
            (
                "setPartnershipGroup",
                put(&promoter.partnership, &of_sibling),
                "GROUP_OF_ANOTHER_PROGRAM",
            ),
            (
                "setPartnershipGroups",
                json!({ "partnershipIds": [promoter.partnership, in_sibling.partnership], "groupId": null }),
                "PARTNERSHIP_OF_ANOTHER_PROGRAM",
            ),
        ];
        for (field, input, code) in refusals {
            let answer = app
                .mutation(Some(&market.owner.token), field, input.clone(), "__typename")
                .await;
            assert_eq!(refusal(&answer), code, "{field} {input}");
        }
        let errors = [
            ("createCommissionRule", rule(json!({ "groupId": foreign })), "NOT_FOUND"),
            (
                "createCommissionRule",
                rule(json!({ "groupId": of_sibling })),
                "NOT_FOUND",
            ),
            (
                "createCommissionRule",
                rule(json!({ "groupId": gold, "partnershipId": promoter.partnership })),
                "BAD_USER_INPUT",
            ),
            ("updatePartnerGroup", json!({ "id": absent, "patch": {} }), "NOT_FOUND"),
            ("updatePartnerGroup", patch(json!({ "name": null })), "BAD_USER_INPUT"),
            ("archivePartnerGroup", json!({ "id": foreign }), "NOT_FOUND"),
            (
                "setDefaultPartnerGroup",
                json!({ "programId": market.program.id }),
                "BAD_USER_INPUT",
            ),
            ("setPartnershipGroup", put(&promoter.partnership, &foreign), "NOT_FOUND"),
            (
                "setPartnershipGroup",
                put(&stranger.partnership, &gone_too),
                "NOT_FOUND",
            ),
            (
                "setPartnershipGroup",
                json!({ "partnershipId": promoter.partnership }),
                "BAD_USER_INPUT",
            ),
            (
                "setPartnershipGroups",
                json!({ "partnershipIds": [], "groupId": gone_too }),
                "BAD_USER_INPUT",
            ),
            (
                "setPartnershipGroups",
                json!({ "partnershipIds": vec![&promoter.partnership; 101], "groupId": gone_too }),
                "BAD_USER_INPUT",
            ),
            (
                "setPartnershipGroups",
                json!({ "partnershipIds": [promoter.partnership, nobody], "groupId": gone_too }),
                "NOT_FOUND",
            ),
        ];
        for (field, input, code) in errors {
            let answer = app
                .mutation(Some(&market.owner.token), field, input.clone(), "__typename")
                .await;
            assert_eq!(error_code(&answer), code, "{field} {input}");
        }
        assert_eq!(app.digest().await, before);

        put_into(&app, &market, &promoter, Value::Null).await;
        let answer = app
            .mutation(
                Some(&market.owner.token),
                "archivePartnerGroup",
                json!({ "id": gold }),
                "partnerGroup { name }",
            )
            .await;
        assert_eq!(data_at(&answer, "archivePartnerGroup.partnerGroup.name"), "Gold");
    })
    .await;
}
