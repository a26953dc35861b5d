//! Who may do what, proved over HTTP: every operation of the permission table, tried by every role and by strangers.
//!
//! Allowed means that no right was missing: the answer may still be a refusal, because earlier callers changed the world
//! (what was approved cannot be approved again); but somebody gets through, or the case proves nothing. Denied means one
//! of three codes, and a database in which nothing changed.

mod cases;
mod world;

use std::{collections::BTreeMap, net::SocketAddr};

use entity::api_key::ApiKeyMode;
use rstest::rstest;
use serde_json::{Value, json};
use tributary::{
    accounts::permissions::{Operation, Role},
    outbox,
};

use self::{
    cases::{Case, Transport, case},
    world::{Actor, World},
};
use crate::support::{
    answer::{error_codes, user_errors},
    app::{TestApp, with_rails_app},
    database::Database,
    schema::Schema,
    socket::Served,
};

/// The codes that mean "you may not".
const DENIALS: [&str; 3] = ["UNAUTHENTICATED", "FORBIDDEN", "NOT_FOUND"];

fn is_denial(code: &str) -> bool {
    DENIALS.contains(&code)
}

/// What is reached through `node` is simply not there for those who may not see it.
fn is_nothing(answer: &Value) -> bool {
    answer["data"].get("node").is_some_and(Value::is_null)
}

/// One application, its server, and what went wrong so far.
struct Trial<'a> {
    app: &'a TestApp,
    served: Served,
    wrong: Vec<String>,
    /// Requests sent so far.
    sent: u16,
}

impl Trial<'_> {
    async fn send(&mut self, case: &Case, actor: &Actor) -> Value {
        let (document, variables) = (&case.document, case.variables.clone());
        // Each from an address of its own: what a client may do at most is not what is tried here.
        self.sent += 1;
        let [high, low] = self.sent.to_be_bytes();
        let app = self.app.at_address(SocketAddr::from(([10, 0, high, low], 50_000)));
        match case.transport {
            Transport::Http => app.graphql(actor.token.as_deref(), document, variables).await,
            Transport::Door => {
                let token = actor.token.as_deref();
                let (_, answer) = app.rest("POST", document, token, &[], variables).await;
                match answer.get("error") {
                    Some(error) => json!({ "errors": [{ "extensions": { "code": error["code"] } }] }),
                    None => json!({ "data": answer }),
                }
            }
            Transport::Socket => {
                let mut socket = self.served.connect().await;
                socket.init(actor.token.as_deref()).await;
                socket.subscribe("1", document, variables).await;
                let message = socket.next().await;
                match message["type"].as_str() {
                    Some("next") => message["payload"].clone(),
                    Some("error") => json!({ "errors": message["payload"] }),
                    _ => panic!("an answer wanted: {message:#}"),
                }
            }
        }
    }

    /// One operation by everyone: first those who may not, while there is still something to do.
    async fn try_operation(&mut self, operation: Operation, world: &World) {
        let case = case(operation, world);
        let (allowed, denied): (Vec<&Actor>, Vec<&Actor>) = world.actors.iter().partition(|actor| actor.may(operation));
        let before = self.app.digest().await;
        for actor in denied {
            let answer = self.send(&case, actor).await;
            let what = format!("{} by {}", operation.name(), actor.name);
            if !error_codes(&answer).iter().any(|code| is_denial(code)) && !is_nothing(&answer) {
                self.wrong.push(format!("{what}: not denied: {answer}"));
            }
            self.expect_unchanged(&what, &before).await;
        }
        let mut succeeded = false;
        let mut refusals = Vec::new();
        for actor in allowed {
            let answer = self.send(&case, actor).await;
            if !error_codes(&answer).is_empty() || is_nothing(&answer) {
                let what = format!("{} by {}", operation.name(), actor.name);
                self.wrong.push(format!("{what}: allowed, but: {answer}"));
            }
            succeeded |= user_errors(&answer).is_empty();
            refusals.extend(user_errors(&answer));
        }
        if !succeeded {
            let name = operation.name();
            self.wrong.push(format!("{name}: everyone was refused: {refusals:?}"));
        }
    }

    async fn expect_unchanged(&mut self, what: &str, before: &BTreeMap<String, (u64, u64)>) {
        let after = self.app.digest().await;
        let changed: Vec<&String> = after
            .iter()
            .filter(|(table, content)| before.get(*table) != Some(content))
            .map(|(table, _)| table)
            .collect();
        if !changed.is_empty() {
            self.wrong.push(format!("{what}: denied, but {changed:?} changed"));
        }
    }

    /// The HTTP doors of the recording operations. A secret key says by itself which brand it speaks for, so only keys
    /// come in, and one of another brand stays in its own.
    async fn try_track(&mut self, world: &World) {
        let event = json!({ "customerId": "tracked", "promoCodes": [] });
        let purchase = json!({ "orderId": "tracked", "amount": "100.00", "currency": "EUR", "customerId": "tracked" });
        let refund = json!({ "orderId": "tracked" });
        let amend = json!({ "orderId": "tracked", "amount": "90.00", "currency": "EUR" });
        let capture = json!({ "orderId": "capture", "amount": "2.00", "currency": "EUR" });
        let chargeback = json!({ "orderId": "tracked", "reference": "tracked", "amount": "5.00", "currency": "EUR" });
        let redeem = json!({ "customerId": "customer", "amount": "0.10", "currency": "EUR" });
        let resolve = json!({ "orderId": "tracked", "reference": "tracked", "outcome": "WON" });
        let doors = [
            (Operation::RecordSignup, "/track/signup", event.clone()),
            (Operation::RecordLead, "/track/lead", event),
            (Operation::RecordSale, "/track/purchase", purchase),
            (Operation::AmendOrder, "/track/amend", amend),
            (Operation::RecordCapture, "/track/capture", capture),
            (Operation::RecordChargeback, "/track/chargeback", chargeback),
            (Operation::ResolveChargeback, "/track/chargeback/resolve", resolve),
            (Operation::RecordRefund, "/track/refund", refund),
            (Operation::RedeemStoreCredit, "/track/redeem", redeem),
        ];
        // An order of one's own to capture, for those who only try things out.
        for actor in world.actors.iter().filter(|actor| actor.mode == ApiKeyMode::Test) {
            let authorised = json!({
                "orderId": "capture", "amount": "100.00", "currency": "EUR", "capture": "AUTHORIZED",
            });
            let headers = [("idempotency-key", "authorised")];
            let token = actor.token.as_deref();
            self.app
                .rest("POST", "/track/purchase", token, &headers, authorised)
                .await;
        }
        for (operation, path, body) in doors {
            let may = |actor: &Actor| actor.may(operation) && actor.roles.contains(&Role::SecretKey);
            let keyless = world
                .actors
                .iter()
                .filter(|actor| !may(actor) && !actor.roles.is_empty());
            let before = self.app.digest().await;
            for actor in keyless {
                let (status, answer) = self.track(path, actor, &body).await;
                let what = format!("{path} by {}", actor.name);
                let code = answer["error"]["code"].as_str().unwrap_or_default().to_owned();
                if !is_denial(&code) || ![401, 403, 404].contains(&status) {
                    self.wrong.push(format!("{what}: not denied: {status} {answer}"));
                }
                self.expect_unchanged(&what, &before).await;
            }
            for actor in world.actors.iter().filter(|actor| may(actor)) {
                let (status, answer) = self.track(path, actor, &body).await;
                // A second key reports the same event again.
                if ![200, 201].contains(&status) {
                    self.wrong
                        .push(format!("{path} by {}: allowed, but: {status} {answer}", actor.name));
                }
            }
        }
        // The other brand has no such order.
        let before = self.app.books().await;
        let elsewhere = world.actors.iter().find(|actor| actor.roles.is_empty()).unwrap();
        let refund = json!({ "orderId": "whole" });
        let (status, answer) = self.track("/track/refund", elsewhere, &refund).await;
        if status != 422 || answer["error"]["code"] != "ORDER_NOT_FOUND" {
            self.wrong
                .push(format!("/track/refund by {}: {status} {answer}", elsewhere.name));
        }
        if self.app.books().await != before {
            self.wrong
                .push("/track/refund of another brand's order changed something".to_owned());
        }
    }

    async fn track(&self, path: &str, actor: &Actor, body: &Value) -> (u16, Value) {
        let headers = [("idempotency-key", path)];
        let token = actor.token.as_deref();
        let (status, answer) = self.app.rest("POST", path, token, &headers, body.clone()).await;
        (status.as_u16(), answer)
    }

    /// An id opens no door that its lists keep shut.
    async fn try_nodes(&mut self, world: &World, nodes: Vec<Seen<'_>>) {
        for (kind, id, doors) in nodes {
            for actor in &world.actors {
                let document = "query ($id: ID!) { node(id: $id) { __typename id } }";
                let answer = self
                    .app
                    .graphql(actor.token.as_deref(), document, json!({ "id": id }))
                    .await;
                let may = doors.iter().any(|operation| actor.may(*operation));
                let wanted = if may {
                    json!({ "__typename": kind, "id": id })
                } else {
                    Value::Null
                };
                if answer["data"]["node"] != wanted || !error_codes(&answer).is_empty() {
                    self.wrong
                        .push(format!("node of a {kind} by {}: wanted {wanted}: {answer}", actor.name));
                }
            }
        }
    }
}

/// A node's type and id, and the operations any of which lets an actor see it.
type Seen<'a> = (&'static str, &'a str, Vec<Operation>);

/// One of every kind.
fn nodes(world: &World) -> Vec<Seen<'_>> {
    use Operation as O;
    let sale = &world.sale;
    vec![
        ("Brand", &world.brand, vec![O::SeeBrand]),
        ("Partner", &world.partner, vec![O::SeePartner, O::SeePartnerships]),
        (
            "CreatorProfile",
            &world.profile,
            vec![O::SeePartner, O::SeePartnerships],
        ),
        (
            "CreatorChannel",
            &world.channel,
            vec![O::SeePartner, O::SeePartnerships],
        ),
        ("Program", &world.program, vec![O::SeeProgram]),
        ("Program", &world.hidden_program, vec![O::SeePrograms]),
        ("Listing", &world.listing, vec![O::SearchListings]),
        ("Listing", &world.hidden_listing, vec![O::SeePrograms]),
        (
            "Application",
            &world.application,
            vec![O::SeeApplications, O::SeeOwnApplications],
        ),
        (
            "Partnership",
            &world.partnership,
            vec![O::SeePartnerships, O::SeeOwnPartnerships],
        ),
        (
            "MessageThread",
            &world.thread,
            vec![O::SeeMessageThreads, O::SeeOwnMessageThreads],
        ),
        (
            "Message",
            &world.message,
            vec![O::SeeMessageThreads, O::SeeOwnMessageThreads],
        ),
        ("TrackingLink", &world.link, vec![O::SeeLinks]),
        ("PromoCode", &world.code, vec![O::SeePromoCodes]),
        // A server watches conversions; what it is told there it may look up.
        (
            "Conversion",
            &sale.conversion,
            vec![O::SeeConversions, O::SeeOwnConversions, O::ConversionFeed],
        ),
        ("Order", &sale.order, vec![O::SeeConversions, O::ConversionFeed]),
        ("Customer", &sale.customer, vec![O::SeeConversions, O::ConversionFeed]),
        ("Refund", &sale.refund, vec![O::SeeConversions, O::ConversionFeed]),
        (
            "OrderAmendment",
            &world.dispute.amendment,
            vec![O::SeeConversions, O::ConversionFeed],
        ),
        (
            "Chargeback",
            &world.dispute.chargeback,
            vec![O::SeeConversions, O::ConversionFeed],
        ),
        (
            "Capture",
            &world.dispute.capture,
            vec![O::SeeConversions, O::ConversionFeed],
        ),
        (
            "Commission",
            &sale.commission,
            vec![O::SeeCommissions, O::SeeOwnCommissions, O::ConversionFeed],
        ),
        ("Payout", &world.payouts[0], vec![O::SeePayouts, O::SeeOwnPayouts]),
        ("PayoutBatch", &world.batches[0], vec![O::SeePayoutBatches]),
        ("PayoutFile", &world.payout_file, vec![O::ExportPayoutFile]),
        ("PayoutMethod", &world.payout_methods[0], vec![O::SeePayoutMethods]),
        ("Adjustment", &world.adjustment, vec![O::SeeAdjustments]),
        (
            "StoreCreditTransfer",
            &world.store_credit.approved,
            vec![O::SeeStoreCreditTransfers, O::SeeStoreCreditTransfersOfPartnership],
        ),
        (
            "StoreCreditRedemption",
            &world.store_credit.redemption,
            vec![O::SeeStoreCreditStatement],
        ),
        ("CommissionRule", &world.rule, vec![O::SeeProgram]),
        ("CommissionRule", &world.hidden_rule, vec![O::SeePrograms]),
        (
            "ProgramInvitation",
            &world.invitations[0],
            vec![O::SeeProgramInvitations, O::SeeOwnProgramInvitations],
        ),
        (
            "PartnerGroup",
            &world.group,
            vec![O::SeePartnerGroups, O::SeeOwnPartnerships],
        ),
        ("PartnerGroup", &world.draft_group, vec![O::SeePartnerGroups]),
        ("BrandMember", &world.member, vec![O::SeeMembers]),
        (
            "MemberInvitation",
            &world.people.brand_invitation,
            vec![O::SeeMemberInvitations],
        ),
        (
            "MemberInvitation",
            &world.people.partner_invitation,
            vec![O::SeeOwnMemberInvitations],
        ),
        ("PartnerMember", &world.people.partner_member, vec![O::SeeOwnMembers]),
        ("RefusedEvent", &world.refused[0], vec![O::SeeRefusedEvents]),
        ("Job", &world.dead_jobs[0], vec![O::SeeDeadJobs]),
        ("ApiKey", &world.spare_key, vec![O::SeeApiKeys]),
        ("AuditEntry", &world.audit_entry, vec![O::SeeAuditLog]),
    ]
}

#[rstest]
#[tokio::test]
async fn the_table_is_what_happens(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_rails_app(database, |app, fakes| async move {
        // What is sent through it waits, and can be asked back.
        fakes.razorpay.set_balance(0);
        let world = World::build(&app).await;
        // Stamps what happened so far, so that the feed has something to tell.
        outbox::relay::drain(&app.app).await.unwrap();
        let mut trial = Trial {
            app: &app,
            served: app.serve().await,
            wrong: Vec::new(),
            sent: 0,
        };
        trial.try_nodes(&world, nodes(&world)).await;
        for operation in Operation::ALL.iter().copied() {
            trial.try_operation(operation, &world).await;
        }
        trial.try_track(&world).await;
        // By now its program has been public, and the rule is archived.
        let archived_rule = ("CommissionRule", &*world.draft_rule, vec![Operation::SeePrograms]);
        trial.try_nodes(&world, vec![archived_rule]).await;
        assert!(trial.wrong.is_empty(), "{}", trial.wrong.join("\n"));
    })
    .await;
}

#[tokio::test]
async fn every_root_field_is_an_operation() {
    let schema = Schema::load().await;
    let named: Vec<&str> = Operation::ALL.iter().map(|operation| operation.name()).collect();
    let mut missing = Vec::new();
    for root in &schema.roots {
        for field in &schema.get(root).fields {
            let path = format!("{root}.{}", field.name);
            if !named.contains(&path.as_str()) {
                missing.push(path);
            }
        }
    }
    assert!(missing.is_empty(), "root fields that nobody guards: {missing:?}");
    let gone: Vec<&str> = named
        .into_iter()
        .filter(|path| !path.starts_with("Track.") && !schema.has_field(path))
        .collect();
    assert!(gone.is_empty(), "operations that guard no field: {gone:?}");
}
