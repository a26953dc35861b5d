//! What it means that a partnership is over, that a partner comes back, and that a program rests.

use rstest::rstest;
use serde_json::{Value, json};
use tributary::jobs::approve_due::approve_due;

use crate::support::{
    answer::{data_at, error_code, refusal, user_errors},
    app::{TestApp, with_app},
    builders::text,
    database::Database,
    marketplace::{Balances, Market, Promoter, merged},
};

async fn end(app: &TestApp, market: &Market, promoter: &Promoter, policy: &str) {
    let input = json!({ "id": promoter.partnership, "reapplyPolicy": policy });
    let ended = app
        .done(
            &market.owner,
            "endPartnership",
            input,
            "partnership { state endedBy reapplyPolicy }",
        )
        .await;
    let wanted = json!({ "state": "ENDED", "endedBy": "BRAND", "reapplyPolicy": policy });
    assert_eq!(ended["partnership"], wanted);
}

async fn leave(app: &TestApp, promoter: &Promoter) {
    let input = json!({ "partnershipId": promoter.partnership });
    let left = app
        .done(
            &promoter.user,
            "leaveProgram",
            input,
            "partnership { state endedBy reapplyPolicy }",
        )
        .await;
    let wanted = json!({ "state": "ENDED", "endedBy": "PARTNER", "reapplyPolicy": null });
    assert_eq!(left["partnership"], wanted);
}

async fn ban(app: &TestApp, market: &Market, promoter: &Promoter) {
    let input = json!({ "id": promoter.partnership, "reason": "FAKE_TRAFFIC", "note": "all from one address" });
    let banned = app
        .done(
            &market.owner,
            "banPartnership",
            input,
            "partnership { state banReason endedBy }",
        )
        .await;
    let wanted = json!({ "state": "BANNED", "banReason": "FAKE_TRAFFIC", "endedBy": null });
    assert_eq!(banned["partnership"], wanted);
}

/// Applies again with the first version of the terms.
async fn apply(app: &TestApp, market: &Market, promoter: &Promoter, more: Value) -> Value {
    let input = json!({
        "partnerId": promoter.partner.id, "programId": market.program.id, "message": "once more",
        "acceptedTermsVersion": 1,
    });
    app.mutation(
        Some(&promoter.user.token),
        "applyToProgram",
        merged(input, more),
        "application { id state }",
    )
    .await
}

/// Applies again, is approved, and answers the partnership.
async fn come_back(app: &TestApp, market: &Market, promoter: &Promoter, more: Value) -> Value {
    let applied = data_at(&apply(app, market, promoter, more).await, "applyToProgram.application");
    let approved = app
        .done(
            &market.owner,
            "approveApplication",
            json!({ "id": applied["id"] }),
            "application { partnership { id state referralCode referrer { id } endedBy reapplyPolicy } }",
        )
        .await;
    approved["application"]["partnership"].clone()
}

/// Who is credited with a sale that a code came with; what became of the code otherwise.
async fn credited(app: &TestApp, market: &Market, order: &str, code: &str) -> Result<String, String> {
    let sale = app.sale(market, order, "100.00", json!({ "promoCodes": [code] })).await;
    let attribution = app.conversion(market, &sale).await["attribution"].clone();
    match attribution["partnership"]["id"].as_str() {
        Some(id) => Ok(id.to_owned()),
        None => Err(text(&attribution["touches"][0], "rejection")),
    }
}

async fn payout(app: &TestApp, market: &Market, promoter: &Promoter, key: &str) -> Value {
    let input = json!({ "idempotencyKey": key, "partnershipId": promoter.partnership, "currency": "EUR" });
    app.mutation(
        Some(&market.owner.token),
        "createPayout",
        input,
        "payout { amount { amount } }",
    )
    .await
}

#[rstest]
#[tokio::test]
async fn who_is_out_earns_nothing_more_and_keeps_what_it_earned(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let settings = json!({ "holdDays": 1, "autoApproveCommissions": true });
        let mut market = app.market_with("aurora", settings).await;
        let mut ended = app.promoter(&market, "ended", None).await;
        let mut banned = app.promoter(&market, "banned", None).await;
        app.code(&ended, "ENDED", json!({})).await;
        app.code(&banned, "BANNED", json!({})).await;
        let slug = app.link(&banned).await;
        assert_eq!(
            credited(&app, &market, "A-1", "ENDED").await,
            Ok(ended.partnership.clone())
        );
        let sale = json!({ "promoCodes": ["BANNED"] });
        let sale = app.sale(&market, "A-2", "100.00", sale).await;

        end(&app, &market, &ended, "AT_ONCE").await;
        ban(&app, &market, &banned).await;
        let out = Err("PARTNERSHIP_NOT_ACTIVE".to_owned());
        assert_eq!(credited(&app, &market, "A-3", "ENDED").await, out);
        assert_eq!(credited(&app, &market, "A-4", "BANNED").await, out);
        // A visitor gets to the shop all the same.
        app.click(&slug).await;

        // 10 % of 100.00 each, pending; the reserve is a tenth of it.
        let pending = Balances::of("10.00", "0.00", "0.00", "0.00");
        let available = Balances::of("0.00", "9.00", "1.00", "0.00");
        assert_eq!(app.balances(&ended).await, pending);
        assert_eq!(app.balances(&banned).await, pending);
        let users = [&mut market.owner, &mut ended.user, &mut banned.user];
        app.advance_days(2, users).await;
        assert_eq!(approve_due(&app.app).await, Ok(1), "what the banned one earned waits");
        assert_eq!(app.balances(&ended).await, available);
        assert_eq!(app.balances(&banned).await, pending);
        let paid = payout(&app, &market, &ended, "ended").await;
        assert_eq!(data_at(&paid, "createPayout.payout.amount.amount"), "9.00");

        let waits = payout(&app, &market, &banned, "banned").await;
        assert_eq!(refusal(&waits), "PARTNERSHIP_NOT_PAYABLE");
        app.approve(&market, &sale).await;
        assert_eq!(app.balances(&banned).await, available);
        let paid = payout(&app, &market, &banned, "banned").await;
        assert_eq!(data_at(&paid, "createPayout.payout.amount.amount"), "9.00");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_recruiter_who_is_out_earns_nothing_and_nobody_takes_its_level(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        app.two_levels(&market.owner, &market.program.id).await;
        let top = app.promoter(&market, "top", None).await;
        let middle = app.promoter(&market, "middle", Some(&top)).await;
        let seller = app.promoter(&market, "seller", Some(&middle)).await;
        app.code(&seller, "SELLER", json!({})).await;
        let earned = async |order: &str| {
            let sale = json!({ "promoCodes": ["SELLER"] });
            let sale = app.sale(&market, order, "100.00", sale).await;
            let commissions = app.conversion(&market, &sale).await["commissions"].clone();
            let levels = commissions.as_array().unwrap().iter().map(|commission| {
                (
                    commission["level"].as_i64().unwrap(),
                    text(&commission["amount"], "amount"),
                )
            });
            levels.collect::<Vec<_>>()
        };
        let level = |level: i64, amount: &str| (level, amount.to_owned());
        // 10 % of 100.00; level 1 2 % of it, level 2 10 % of the 10.00.
        let all = [level(0, "10.00"), level(1, "2.00"), level(2, "1.00")];
        assert_eq!(earned("A-1").await, all);
        leave(&app, &middle).await;
        assert_eq!(earned("A-2").await, [level(0, "10.00"), level(2, "1.00")]);
        ban(&app, &market, &top).await;
        assert_eq!(earned("A-3").await, [level(0, "10.00")]);
        come_back(&app, &market, &middle, json!({})).await;
        assert_eq!(earned("A-4").await, [level(0, "10.00"), level(1, "2.00")]);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_partner_comes_back_when_it_may_and_is_the_same(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let mut market = app.market("aurora").await;
        let mut promoter = app.promoter(&market, "promoter", None).await;
        app.code(&promoter, "CODE", json!({})).await;
        let slug = app.link(&promoter).await;
        let here = apply(&app, &market, &promoter, json!({})).await;
        assert_eq!(refusal(&here), "ALREADY_PARTNER");

        leave(&app, &promoter).await;
        let link = json!({ "partnershipId": promoter.partnership });
        let link = app
            .mutation(
                Some(&promoter.user.token),
                "createTrackingLink",
                link,
                "trackingLink { id }",
            )
            .await;
        assert_eq!(refusal(&link), "PARTNERSHIP_NOT_ACTIVE");
        let back = come_back(&app, &market, &promoter, json!({})).await;
        let wanted = json!({
            "id": promoter.partnership, "state": "ACTIVE", "referralCode": promoter.referral_code, "referrer": null,
            "endedBy": null, "reapplyPolicy": null,
        });
        assert_eq!(back, wanted, "the same one");
        assert_eq!(
            credited(&app, &market, "A-1", "CODE").await,
            Ok(promoter.partnership.clone())
        );
        let click = app.click(&slug).await;
        let sale = app.sale(&market, "A-2", "50.00", json!({ "clickId": click })).await;
        let sale = app.conversion(&market, &sale).await;
        assert_eq!(sale["attribution"]["partnership"]["id"], promoter.partnership);

        end(&app, &market, &promoter, "AFTER_30_DAYS").await;
        app.advance_days(29, [&mut market.owner, &mut promoter.user]).await;
        let early = apply(&app, &market, &promoter, json!({})).await;
        assert_eq!(refusal(&early), "REAPPLY_TOO_EARLY");
        app.advance_days(1, [&mut market.owner, &mut promoter.user]).await;
        come_back(&app, &market, &promoter, json!({})).await;

        end(&app, &market, &promoter, "NEVER").await;
        app.advance_days(365, [&mut market.owner, &mut promoter.user]).await;
        let never = apply(&app, &market, &promoter, json!({})).await;
        assert_eq!(refusal(&never), "REAPPLY_NEVER");
        // Fraud is often found late.
        ban(&app, &market, &promoter).await;
        let banned = apply(&app, &market, &promoter, json!({})).await;
        assert_eq!(refusal(&banned), "PARTNER_BANNED");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn who_is_banned_while_asking_again_stays_out(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let promoter = app.promoter(&market, "promoter", None).await;
        leave(&app, &promoter).await;
        let asked = apply(&app, &market, &promoter, json!({})).await;
        let asked = data_at(&asked, "applyToProgram.application.id");
        ban(&app, &market, &promoter).await;
        let before = app.digest().await;
        let answer = app
            .mutation(
                Some(&market.owner.token),
                "approveApplication",
                json!({ "id": asked }),
                "application { id }",
            )
            .await;
        assert_eq!(refusal(&answer), "PARTNER_BANNED");
        assert_eq!(app.digest().await, before);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn who_comes_back_keeps_its_place_unless_it_names_another_recruiter(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let top = app.promoter(&market, "top", None).await;
        let other = app.promoter(&market, "other", None).await;
        let middle = app.promoter(&market, "middle", Some(&top)).await;
        let below = app.promoter(&market, "below", Some(&middle)).await;
        leave(&app, &middle).await;
        let back = come_back(&app, &market, &middle, json!({})).await;
        assert_eq!(back["referrer"]["id"], top.partnership);
        leave(&app, &middle).await;
        // Whom it recruited itself cannot stand above it.
        let cycle = apply(&app, &market, &middle, json!({ "referralCode": below.referral_code })).await;
        assert_eq!(refusal(&cycle), "REFERRAL_CYCLE");
        let back = come_back(&app, &market, &middle, json!({ "referralCode": other.referral_code })).await;
        assert_eq!(back["referrer"]["id"], other.partnership);
        let recruits = "query ($id: ID!) { node(id: $id) { ... on Partnership { recruits { nodes { id } } } } }";
        let variables = json!({ "id": middle.partnership });
        let recruits = app
            .graphql_ok(Some(&market.owner.token), recruits, variables, "node.recruits.nodes")
            .await;
        assert_eq!(recruits, json!([{ "id": below.partnership }]), "with all it recruited");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn nobody_joins_a_program_that_does_not_run(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let owner = &market.owner;
        let user = app.sign_up("asking").await;
        let partner = app.partner(&user, "asking").await;
        let input = json!({
            "partnerId": partner.id, "programId": market.program.id, "message": "hello", "acceptedTermsVersion": 1,
        });
        let applied = app
            .done(&user, "applyToProgram", input.clone(), "application { id }")
            .await;
        let application = json!({ "id": applied["application"]["id"] });
        let program = json!({ "id": market.program.id });
        app.done(owner, "pauseProgram", program.clone(), "program { state }")
            .await;
        for (mutation, state) in [("pauseProgram", "PAUSED"), ("archiveProgram", "ARCHIVED")] {
            if state == "ARCHIVED" {
                app.done(owner, mutation, program.clone(), "program { state }").await;
            }
            let before = app.digest().await;
            let answer = app
                .mutation(
                    Some(&owner.token),
                    "approveApplication",
                    application.clone(),
                    "application { id }",
                )
                .await;
            assert_eq!(refusal(&answer), "PROGRAM_NOT_OPEN");
            let message = format!("the program is {state}: nobody joins it now");
            assert_eq!(user_errors(&answer)[0]["message"], message);
            let answer = app
                .mutation(Some(&user.token), "applyToProgram", input.clone(), "application { id }")
                .await;
            if state == "PAUSED" {
                assert_eq!(refusal(&answer), "PROGRAM_NOT_OPEN");
            } else {
                assert_eq!(error_code(&answer), "NOT_FOUND");
            }
            assert_eq!(app.digest().await, before);
        }
        // It can still be turned down.
        let input = merged(application, json!({ "reason": "OTHER" }));
        app.done(owner, "rejectApplication", input, "application { state }")
            .await;
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn an_archived_program_is_gone_from_sight_and_stays_as_it_is(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let (owner, program) = (&market.owner, &market.program.id);
        let promoter = app.promoter(&market, "promoter", None).await;
        app.code(&promoter, "CODE", json!({})).await;
        credited(&app, &market, "A-1", "CODE").await.unwrap();
        let sees = async |token: Option<&str>| {
            let query = "query ($program: ID!, $listing: ID!) {
                marketplaceListings { nodes { id } } program(id: $program) { state } node(id: $listing) { id } }";
            let variables = json!({ "program": program, "listing": market.program.listing });
            let answer = app.graphql(token, query, variables).await["data"].clone();
            let found = answer["marketplaceListings"]["nodes"].as_array().unwrap().len();
            (found, answer["program"]["state"].clone(), answer["node"].is_object())
        };
        assert_eq!(sees(None).await, (1, json!("ACTIVE"), true));
        app.done(owner, "pauseProgram", json!({ "id": program }), "program { state }")
            .await;
        assert_eq!(sees(None).await, (0, json!("PAUSED"), false));
        assert_eq!(sees(Some(&owner.token)).await, (0, json!("PAUSED"), true));
        assert_eq!(
            credited(&app, &market, "A-2", "CODE").await,
            Err("PROGRAM_NOT_ACTIVE".to_owned())
        );
        app.done(owner, "archiveProgram", json!({ "id": program }), "program { state }")
            .await;
        assert_eq!(sees(None).await, (0, Value::Null, false));
        assert_eq!(sees(Some(&owner.token)).await, (0, json!("ARCHIVED"), true));
        assert_eq!(
            credited(&app, &market, "A-3", "CODE").await,
            Err("PROGRAM_NOT_ACTIVE".to_owned())
        );
        // 10 % of the one sale that counted.
        assert_eq!(
            app.balances(&promoter).await,
            Balances::of("10.00", "0.00", "0.00", "0.00")
        );
        // Its partners still see what they were in.
        let query = "query ($id: ID!) { node(id: $id) { ... on Partnership { program { state } } } }";
        let variables = json!({ "id": promoter.partnership });
        let seen = app
            .graphql_ok(Some(&promoter.user.token), query, variables, "node.program.state")
            .await;
        assert_eq!(seen, "ARCHIVED");

        let before = app.digest().await;
        let listing = json!({ "programId": program, "title": "T", "pitch": "P", "category": "travel" });
        let rule = json!({ "programId": program, "event": "SALE", "earning": { "percent": "5" } });
        for (mutation, input, object) in [
            (
                "updateProgram",
                json!({ "id": program, "patch": { "name": "new" } }),
                "program",
            ),
            ("createCommissionRule", rule, "commissionRule"),
            (
                "setReferralLevels",
                json!({ "programId": program, "levels": [] }),
                "program",
            ),
            ("createListing", listing, "listing"),
        ] {
            let answer = app
                .mutation(Some(&owner.token), mutation, input, &format!("{object} {{ id }}"))
                .await;
            assert_eq!(refusal(&answer), "PROGRAM_ARCHIVED", "{mutation}");
        }
        assert_eq!(app.digest().await, before);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_program_gets_another_listing_when_its_first_one_is_over(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let (owner, listing) = (&market.owner, json!({ "id": market.program.listing }));
        let second = json!({
            "programId": market.program.id, "title": "Second", "pitch": "Better.", "category": "travel",
        });
        let selection = "listing { id state }";
        app.done(owner, "pauseListing", listing.clone(), selection).await;
        let answer = app
            .mutation(Some(&owner.token), "createListing", second.clone(), selection)
            .await;
        assert_eq!(refusal(&answer), "LISTING_EXISTS");
        app.done(owner, "archiveListing", listing.clone(), selection).await;
        let patch = merged(listing, json!({ "patch": { "title": "Changed" } }));
        let answer = app
            .mutation(Some(&owner.token), "updateListing", patch, selection)
            .await;
        assert_eq!(refusal(&answer), "LISTING_ARCHIVED");
        let made = app.done(owner, "createListing", second, selection).await;
        let id = made["listing"]["id"].clone();
        app.done(owner, "publishListing", json!({ "id": id }), selection).await;
        let query = "query ($id: ID!) { program(id: $id) { listing { id } } }";
        let shown = app
            .graphql_ok(None, query, json!({ "id": market.program.id }), "program.listing.id")
            .await;
        assert_eq!(shown, id);
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_reason_is_said_in_bounds_and_kept(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("aurora").await;
        let promoter = app.promoter(&market, "promoter", None).await;
        let before = app.digest().await;
        let (program, listing) = (
            json!({ "id": market.program.id }),
            json!({ "id": market.program.listing }),
        );
        let partnership = json!({ "id": promoter.partnership });
        for said in [String::new(), " ".to_owned(), "x".repeat(501)] {
            for (mutation, input, object, field) in [
                ("pauseProgram", &program, "program", "reason"),
                ("pauseListing", &listing, "listing", "reason"),
                ("endPartnership", &partnership, "partnership", "reason"),
                ("suspendPartnership", &partnership, "partnership", "reason"),
                (
                    "banPartnership",
                    &merged(partnership.clone(), json!({ "reason": "SPAM" })),
                    "partnership",
                    "note",
                ),
            ] {
                let input = merged(input.clone(), json!({ field: said }));
                let answer = app
                    .mutation(
                        Some(&market.owner.token),
                        mutation,
                        input,
                        &format!("{object} {{ id }}"),
                    )
                    .await;
                assert_eq!(refusal(&answer), "REASON_INVALID", "{mutation}");
                assert_eq!(user_errors(&answer)[0]["field"], json!([field]), "{mutation}");
            }
        }
        assert_eq!(app.digest().await, before);
    })
    .await;
}
