//! A rate on request: what a note says, and that it pays nothing.

use rstest::rstest;
use serde_json::json;

use crate::support::{answer::refusal, app::with_app, database::Database, marketplace::ProgramFixture};

#[rstest]
#[tokio::test]
async fn a_note_lists_a_program_and_pays_nothing(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let market = app.market("acme").await;
        let owner = &market.owner;
        let note = json!({ "commissionNote": "  20-30%  " });
        let program = app.draft_program(owner, &market.brand.id, "On request", note).await;
        let listing = app.draft_listing(owner, &program, json!({})).await;
        app.done(owner, "activateProgram", json!({ "id": program }), "program { state }")
            .await;
        let published = app
            .done(
                owner,
                "publishListing",
                json!({ "id": listing }),
                "listing { state program { commissionNote commissionRules { id } } }",
            )
            .await;
        let expected = json!({
            "state": "PUBLISHED", "program": { "commissionNote": "20-30%", "commissionRules": [] },
        });
        assert_eq!(published["listing"], expected);

        let user = app.sign_up("bobo").await;
        let partner = app.partner(&user, "bobo").await;
        let program = ProgramFixture { id: program, listing };
        let promoter = app.join(&market, &program, &user, &partner, None).await;
        let click = app.click(&app.link(&promoter).await).await;
        let sale = app
            .sale(&market, "order-1", "100.00", json!({ "clickId": click }))
            .await;
        let conversion = app.conversion(&market, &sale).await;
        assert_eq!(conversion["attribution"]["partnership"]["id"], promoter.partnership);
        assert_eq!(conversion["commissions"], json!([]));
        assert_eq!(
            conversion["earningExplanation"],
            "NO_RULE: no commission rule of the program fits this event, and nothing but a rule pays"
        );
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn a_listing_without_rule_and_note_is_refused(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let owner = app.sign_up("ada").await;
        let brand = app.brand(&owner, "acme").await;
        let note = json!({ "commissionNote": "varies" });
        let program = app.draft_program(&owner, &brand.id, "On request", note).await;
        let listing = app.draft_listing(&owner, &program, json!({})).await;
        app.done(&owner, "activateProgram", json!({ "id": program }), "program { state }")
            .await;

        let before = app.digest().await;
        for wrong in ["", "two\nlines", &"x".repeat(201)] {
            let input = json!({ "id": program, "patch": { "commissionNote": wrong } });
            let answer = app
                .mutation(Some(&owner.token), "updateProgram", input, "program { id }")
                .await;
            assert_eq!(refusal(&answer), "COMMISSION_NOTE_INVALID");
        }
        assert_eq!(app.digest().await, before);

        let kept = json!({ "id": program, "patch": { "holdDays": 7 } });
        let kept = app
            .done(&owner, "updateProgram", kept, "program { commissionNote }")
            .await;
        assert_eq!(kept["program"]["commissionNote"], "varies");
        let removed = json!({ "id": program, "patch": { "commissionNote": null } });
        let removed = app
            .done(&owner, "updateProgram", removed, "program { commissionNote }")
            .await;
        assert_eq!(removed["program"]["commissionNote"], json!(null));

        let before = app.digest().await;
        let answer = app
            .mutation(
                Some(&owner.token),
                "publishListing",
                json!({ "id": listing }),
                "listing { id }",
            )
            .await;
        assert_eq!(refusal(&answer), "LISTING_INCOMPLETE");
        assert_eq!(app.digest().await, before);
    })
    .await;
}
