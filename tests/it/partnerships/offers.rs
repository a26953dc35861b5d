//! Terms that one side proposes, and what the other says.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{
    answer::{data_at, error_code, refusal},
    app::{TestApp, with_app},
    builders::{PartnerFixture, User, text},
    database::Database,
    marketplace::{Market, merged},
};

const OFFER: &str = "offer { number madeBy percent message state author answeredAt }";

type Creator = (User, PartnerFixture);

async fn creator(app: &TestApp, name: &str) -> Creator {
    let user = app.sign_up(name).await;
    let partner = app.partner(&user, name).await;
    (user, partner)
}

/// An application with terms of its own; its id.
async fn applied(app: &TestApp, market: &Market, who: &Creator, percent: &str) -> String {
    let input = json!({
        "partnerId": who.1.id, "programId": market.program.id, "message": "hello", "acceptedTermsVersion": 1,
        "terms": { "percent": percent, "message": "I sell a lot." },
    });
    let applied = app
        .done(&who.0, "applyToProgram", input, "application { id state }")
        .await;
    assert_eq!(applied["application"]["state"], "SUBMITTED");
    text(&applied["application"], "id")
}

async fn answer(app: &TestApp, user: &User, how: &str, subject: &Value, number: i32, more: Value) -> Value {
    let input = merged(json!({ "subject": subject, "number": number }), more);
    app.mutation(Some(&user.token), how, input, OFFER).await
}

/// Number, side, percent and state of all that was offered, as somebody sees it.
async fn history(app: &TestApp, user: &User, subject: &Value) -> Vec<(i64, String, String, String)> {
    let id = subject.as_object().unwrap().values().next().unwrap();
    let query = "query ($id: ID!) { node(id: $id) {
        ... on Application { offers { number madeBy percent state } }
        ... on ProgramInvitation { offers { number madeBy percent state } } } }";
    let offers = app
        .graphql_ok(Some(&user.token), query, json!({ "id": id }), "node.offers")
        .await;
    let line = |offer: &Value| {
        let number = offer["number"].as_i64().unwrap();
        (
            number,
            text(offer, "madeBy"),
            text(offer, "percent"),
            text(offer, "state"),
        )
    };
    offers.as_array().unwrap().iter().map(line).collect()
}

fn line(number: i64, side: &str, percent: &str, state: &str) -> (i64, String, String, String) {
    (number, side.to_owned(), percent.to_owned(), state.to_owned())
}

/// What a sale of 100 EUR earns the partner in this partnership.
async fn earns(app: &TestApp, market: &Market, who: &Creator, partnership: &str, code: &str) -> Value {
    let input = json!({ "partnershipId": partnership, "code": code });
    app.done(&who.0, "createPromoCode", input, "promoCode { code }").await;
    let sale = app.sale(market, code, "100.00", json!({ "promoCodes": [code] })).await;
    let sale = app.conversion(market, &sale).await;
    sale["commissions"][0]["amount"]["amount"].clone()
}

async fn partnership_of(app: &TestApp, user: &User, application: &str) -> Value {
    let query = "query ($id: ID!) { node(id: $id) { ... on Application { state partnership {
        id effectiveRules { percent level } } } } }";
    app.graphql_ok(Some(&user.token), query, json!({ "id": application }), "node")
        .await
}

#[rstest]
#[tokio::test]
async fn terms_of_an_application_are_countered_until_somebody_takes_them(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("acme").await;
        // Nothing is decided past an offer, by policy neither.
        let policy = json!({ "programId": market.program.id, "decision": "APPROVE_AT_ONCE" });
        app.done(&market.owner, "setAdmissionPolicy", policy, "program { id }")
            .await;
        let ada = creator(&app, "ada").await;
        let id = applied(&app, &market, &ada, "20").await;
        let subject = json!({ "applicationId": id });
        let approve = json!({ "id": id });
        let refused = app
            .mutation(Some(&market.owner.token), "approveApplication", approve, "__typename")
            .await;
        assert_eq!(refusal(&refused), "OFFER_OPEN");
        let stranger = app.sign_up("stranger").await;
        // One does not answer one's own.
        let before = app.digest().await;
        for how in ["acceptOffer", "declineOffer"] {
            let own = answer(&app, &ada.0, how, &subject, 1, json!({})).await;
            assert_eq!(refusal(&own), "OFFER_OWN");
            let other = answer(&app, &market.owner, how, &subject, 2, json!({})).await;
            assert_eq!(refusal(&other), "OFFER_NOT_OPEN");
        }
        let wrong = json!({ "percent": "100.0001" });
        let wrong = answer(&app, &market.owner, "counterOffer", &subject, 1, wrong).await;
        assert_eq!(refusal(&wrong), "OFFER_OUT_OF_RANGE");
        let unseen = answer(&app, &stranger, "acceptOffer", &subject, 1, json!({})).await;
        assert_eq!(error_code(&unseen), "NOT_FOUND");
        assert_eq!(app.digest().await, before);

        let less = json!({ "percent": "12", "message": "We pay 12." });
        let countered = answer(&app, &market.owner, "counterOffer", &subject, 1, less).await;
        assert_eq!(
            data_at(&countered, "counterOffer.offer"),
            json!({
                "number": 2, "madeBy": "BRAND", "percent": "12", "message": "We pay 12.", "state": "OPEN",
                "author": "acme-owner", "answeredAt": null,
            })
        );
        let more = json!({ "percent": "15.5" });
        data_at(
            &answer(&app, &ada.0, "counterOffer", &subject, 2, more).await,
            "counterOffer.offer",
        );
        let taken = answer(&app, &market.owner, "acceptOffer", &subject, 3, json!({})).await;
        assert_eq!(data_at(&taken, "acceptOffer.offer")["state"], "ACCEPTED");
        let all = [
            line(1, "PARTNER", "20", "COUNTERED"),
            line(2, "BRAND", "12", "COUNTERED"),
            line(3, "PARTNER", "15.5", "ACCEPTED"),
        ];
        assert_eq!(history(&app, &ada.0, &subject).await, all);
        assert_eq!(history(&app, &market.owner, &subject).await, all);
        let now = partnership_of(&app, &ada.0, &id).await;
        assert_eq!(now["state"], "APPROVED");
        assert_eq!(
            now["partnership"]["effectiveRules"],
            json!([{ "percent": "15.5", "level": "PARTNERSHIP" }, { "percent": "10", "level": "PROGRAM" }])
        );
        let partnership = text(&now["partnership"], "id");
        assert_eq!(earns(&app, &market, &ada, &partnership, "ADA").await, "15.50");
        let late = answer(&app, &ada.0, "declineOffer", &subject, 3, json!({})).await;
        assert_eq!(refusal(&late), "APPLICATION_DECIDED");

        // Turned down, the program's terms count, and it is decided as ever.
        let leo = creator(&app, "leo").await;
        let id = applied(&app, &market, &leo, "30").await;
        let subject = json!({ "applicationId": id });
        let declined = answer(&app, &market.owner, "declineOffer", &subject, 1, json!({})).await;
        assert_eq!(data_at(&declined, "declineOffer.offer")["state"], "DECLINED");
        let approve = json!({ "id": id });
        app.done(&market.owner, "approveApplication", approve, "application { state }")
            .await;
        let now = partnership_of(&app, &leo.0, &id).await;
        assert_eq!(
            now["partnership"]["effectiveRules"],
            json!([{ "percent": "10", "level": "PROGRAM" }])
        );

        // Ten offers are the most.
        let eve = creator(&app, "eve").await;
        let id = applied(&app, &market, &eve, "30").await;
        let subject = json!({ "applicationId": id });
        for number in 1..10 {
            let user = if number % 2 == 1 { &market.owner } else { &eve.0 };
            let made = answer(&app, user, "counterOffer", &subject, number, json!({ "percent": "11" })).await;
            data_at(&made, "counterOffer.offer");
        }
        let over = answer(&app, &eve.0, "counterOffer", &subject, 10, json!({ "percent": "11" })).await;
        assert_eq!(refusal(&over), "TOO_MANY_OFFERS");
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn an_invitation_brings_terms_that_its_partner_takes_or_counters(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    with_app(database, |app| async move {
        let market = app.market("acme").await;
        let invite = async |invitee: Value, percent: &str| {
            let input = json!({
                "programId": market.program.id, "invitee": invitee, "terms": { "percent": percent },
            });
            let invited = app
                .done(&market.owner, "inviteToProgram", input, "programInvitation { id }")
                .await;
            text(&invited["programInvitation"], "id")
        };
        let accept = async |who: &Creator, id: &str| {
            let input = json!({
                "invitation": { "invitationId": id }, "partnerId": who.1.id, "acceptedTermsVersion": 1,
            });
            let selection = "programInvitation { partnership { id } offers { number state } }";
            app.mutation(Some(&who.0.token), "acceptProgramInvitation", input, selection)
                .await
        };
        // Accepted as it came.
        let ada = creator(&app, "ada").await;
        let id = invite(json!({ "partnerId": ada.1.id }), "18").await;
        let accepted = data_at(&accept(&ada, &id).await, "acceptProgramInvitation.programInvitation");
        assert_eq!(accepted["offers"], json!([{ "number": 1, "state": "ACCEPTED" }]));
        let partnership = text(&accepted["partnership"], "id");
        assert_eq!(earns(&app, &market, &ada, &partnership, "ADA").await, "18.00");

        // Countered: the brand answers first.
        let leo = creator(&app, "leo").await;
        let id = invite(json!({ "partnerId": leo.1.id }), "18").await;
        let subject = json!({ "invitationId": id });
        let more = json!({ "percent": "25" });
        data_at(
            &answer(&app, &leo.0, "counterOffer", &subject, 1, more).await,
            "counterOffer.offer",
        );
        assert_eq!(refusal(&accept(&leo, &id).await), "OFFER_OPEN");
        data_at(
            &answer(&app, &market.owner, "acceptOffer", &subject, 2, json!({})).await,
            "acceptOffer.offer",
        );
        let accepted = data_at(&accept(&leo, &id).await, "acceptProgramInvitation.programInvitation");
        let partnership = text(&accepted["partnership"], "id");
        assert_eq!(earns(&app, &market, &leo, &partnership, "LEO").await, "25.00");
        assert_eq!(
            history(&app, &market.owner, &subject).await,
            [
                line(1, "BRAND", "18", "COUNTERED"),
                line(2, "PARTNER", "25", "ACCEPTED")
            ]
        );
        let late = answer(&app, &market.owner, "declineOffer", &subject, 2, json!({})).await;
        assert_eq!(refusal(&late), "INVALID_TRANSITION");

        // Turned down, it is accepted on the program's terms.
        let eve = creator(&app, "eve").await;
        let id = invite(json!({ "partnerId": eve.1.id }), "1").await;
        let subject = json!({ "invitationId": id });
        data_at(
            &answer(&app, &eve.0, "declineOffer", &subject, 1, json!({})).await,
            "declineOffer.offer",
        );
        let accepted = data_at(&accept(&eve, &id).await, "acceptProgramInvitation.programInvitation");
        let partnership = text(&accepted["partnership"], "id");
        assert_eq!(earns(&app, &market, &eve, &partnership, "EVE").await, "10.00");
    })
    .await;
}
