//! Every state of every object, and everything that could be done to it there: done, with one audit row and one
//! announcement; or refused, naming both states, with nothing changed at all.

use entity::{audit_entry, outbox_event};
use rstest::rstest;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{
    answer::{data_at, refusal, user_errors},
    app::{TestApp, with_app},
    builders::{PartnerFixture, User, text},
    database::Database,
    marketplace::{Market, Promoter, merged},
};

/// One thing that can be done to an object.
struct Step {
    mutation: &'static str,
    action: &'static str,
    starts: &'static [&'static str],
    leads_to: &'static str,
    /// Beside the id.
    input: Value,
    by: By,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Brand,
    Partner,
}

impl Step {
    fn brand(
        mutation: &'static str,
        action: &'static str,
        starts: &'static [&'static str],
        leads_to: &'static str,
    ) -> Self {
        Self {
            mutation,
            action,
            starts,
            leads_to,
            input: json!({}),
            by: By::Brand,
        }
    }

    fn with(self, input: Value) -> Self {
        Self { input, ..self }
    }

    fn by_partner(self) -> Self {
        Self {
            by: By::Partner,
            ..self
        }
    }

    /// How the mutation names the object.
    fn id_field(&self) -> &'static str {
        if self.mutation == "leaveProgram" {
            "partnershipId"
        } else {
            "id"
        }
    }
}

/// An object in some state, and its people.
struct Subject {
    id: String,
    owner: User,
    partner: Option<User>,
}

/// The parts of the audit log and the outbox that speak of an object.
async fn traces(app: &TestApp, id: &str) -> (Vec<audit_entry::Model>, u64) {
    let entries = audit_entry::Entity::find()
        .filter(audit_entry::Column::Subject.eq(id))
        .order_by_asc(audit_entry::Column::Id)
        .all(app.db())
        .await
        .unwrap();
    let (_, uuid): (String, Uuid) = entity::ids::split_id(id).unwrap();
    let events = outbox_event::Entity::find()
        .filter(outbox_event::Column::SubjectId.eq(uuid))
        .count(app.db())
        .await
        .unwrap();
    (entries, events)
}

/// What a field is called in words.
fn in_words(field: &str) -> String {
    let word = |letter: char| match letter {
        'A'..='Z' => format!(" {}", letter.to_ascii_lowercase()),
        other => other.to_string(),
    };
    field.chars().map(word).collect()
}

/// One step from one state.
async fn try_step(app: &TestApp, object: &str, state: &str, step: &Step, subject: &Subject) {
    let what = format!("{} of a {object} that is {state}", step.mutation);
    let user = match step.by {
        By::Brand => &subject.owner,
        By::Partner => subject.partner.as_ref().unwrap(),
    };
    let (told, announced) = traces(app, &subject.id).await;
    let before = app.digest().await;
    let input = merged(json!({ step.id_field(): subject.id }), step.input.clone());
    let selection = format!("{object} {{ id state }}");
    let answer = app.mutation(Some(&user.token), step.mutation, input, &selection).await;
    let (tells, announces) = traces(app, &subject.id).await;
    if step.starts.contains(&state) {
        let done = data_at(&answer, step.mutation);
        assert_eq!(done[object]["state"], step.leads_to, "{what}");
        assert_eq!(tells.len(), told.len() + 1, "{what}: one audit row");
        let entry = tells.last().unwrap();
        assert_eq!(entry.action, step.action, "{what}");
        assert_eq!(entry.from_state.as_deref(), Some(state), "{what}");
        assert_eq!(entry.to_state.as_deref(), Some(step.leads_to), "{what}");
        assert_eq!(entry.actor, user.id, "{what}");
        assert_eq!(entry.occurred_at, app.now(), "{what}");
        assert_eq!(announces, announced + 1, "{what}: one announcement");
    } else {
        assert_eq!(refusal(&answer), "INVALID_TRANSITION", "{what}");
        let article = if object.starts_with('a') { "an" } else { "a" };
        let object = in_words(object);
        let message = format!("{article} {object} cannot go from {state} to {}", step.leads_to);
        assert_eq!(user_errors(&answer)[0]["message"], message, "{what}");
        assert_eq!(app.digest().await, before, "{what}: nothing changes");
    }
}

/// Partners enough for every cell: a person may have ten.
struct Crowd<'a> {
    app: &'a TestApp,
    market: Market,
    user: Option<User>,
    made: usize,
}

impl<'a> Crowd<'a> {
    async fn new(app: &'a TestApp) -> Self {
        Self {
            app,
            market: app.market("acme").await,
            user: None,
            made: 0,
        }
    }

    async fn partner(&mut self) -> (User, PartnerFixture) {
        let (app, made) = (self.app, self.made);
        if made % 10 == 0 {
            self.user = Some(app.sign_up(&format!("crowd-{made}")).await);
        }
        self.made += 1;
        let user = self.user.clone().unwrap();
        let partner = app.partner(&user, &format!("crowd-{made}")).await;
        (user, partner)
    }

    async fn promoter(&mut self) -> Promoter {
        let (user, partner) = self.partner().await;
        self.app
            .join(&self.market, &self.market.program, &user, &partner, None)
            .await
    }

    async fn done(&self, mutation: &str, input: Value, object: &str) {
        self.app
            .done(&self.market.owner, mutation, input, &format!("{object} {{ id }}"))
            .await;
    }

    fn subject(&self, id: String, partner: Option<User>) -> Subject {
        Subject {
            id,
            owner: self.market.owner.clone(),
            partner,
        }
    }

    async fn program(&self, state: &str) -> Subject {
        let brand = &self.market.brand.id;
        let id = self
            .app
            .draft_program(&self.market.owner, brand, state, json!({}))
            .await;
        let path: &[&str] = match state {
            "DRAFT" => &[],
            "ACTIVE" => &["activateProgram"],
            "PAUSED" => &["activateProgram", "pauseProgram"],
            "ARCHIVED" => &["archiveProgram"],
            other => panic!("{other}"),
        };
        for mutation in path {
            self.done(mutation, json!({ "id": id }), "program").await;
        }
        self.subject(id, None)
    }

    async fn listing(&self, state: &str) -> Subject {
        let (app, owner) = (self.app, &self.market.owner);
        let program = self.program("ACTIVE").await.id;
        app.rule(owner, &program, "SALE", json!({ "percent": "10" })).await;
        let id = app.draft_listing(owner, &program, json!({})).await;
        let path: &[&str] = match state {
            "DRAFT" => &[],
            "PUBLISHED" => &["publishListing"],
            "PAUSED" => &["publishListing", "pauseListing"],
            "ARCHIVED" => &["archiveListing"],
            other => panic!("{other}"),
        };
        for mutation in path {
            self.done(mutation, json!({ "id": id }), "listing").await;
        }
        self.subject(id, None)
    }

    async fn application(&mut self, state: &str) -> Subject {
        let (user, partner) = self.partner().await;
        let input = json!({
            "partnerId": partner.id, "programId": self.market.program.id, "message": "hello",
            "acceptedTermsVersion": 1,
        });
        let applied = self
            .app
            .done(&user, "applyToProgram", input, "application { id }")
            .await;
        let id = text(&applied["application"], "id");
        let one = json!({ "id": id });
        match state {
            "SUBMITTED" => {}
            "IN_REVIEW" => self.done("startApplicationReview", one, "application").await,
            "APPROVED" => self.done("approveApplication", one, "application").await,
            "REJECTED" => {
                let input = merged(one, json!({ "reason": "OTHER" }));
                self.done("rejectApplication", input, "application").await;
            }
            "WITHDRAWN" => {
                self.app
                    .done(&user, "withdrawApplication", one, "application { id }")
                    .await;
            }
            other => panic!("{other}"),
        }
        self.subject(id, Some(user))
    }

    async fn partnership(&mut self, state: &str) -> Subject {
        let promoter = self.promoter().await;
        let id = json!({ "id": promoter.partnership });
        match state {
            "ACTIVE" => {}
            "SUSPENDED" => {
                let input = merged(id, json!({ "reason": "a look" }));
                self.done("suspendPartnership", input, "partnership").await;
            }
            "ENDED" => self.done("endPartnership", id, "partnership").await,
            "BANNED" => {
                let input = merged(id, json!({ "reason": "SPAM" }));
                self.done("banPartnership", input, "partnership").await;
            }
            other => panic!("{other}"),
        }
        self.subject(promoter.partnership, Some(promoter.user))
    }

    /// Of a sale of 100 EUR.
    async fn conversion(&mut self, state: &str, seller: &str) -> Subject {
        let (app, order) = (self.app, format!("order-{}", self.made));
        self.made += 1;
        let evidence = json!({ "promoCodes": [seller] });
        let id = app.sale(&self.market, &order, "100.00", evidence).await;
        match state {
            "PENDING" => {}
            "APPROVED" => app.approve(&self.market, &id).await,
            "REJECTED" => {
                let input = json!({ "id": id, "idempotencyKey": id, "reason": "a test" });
                self.done("rejectConversion", input, "conversion").await;
            }
            "REFUNDED" => app.refund(&self.market, &order, 1, "100.00").await,
            other => panic!("{other}"),
        }
        self.subject(id, None)
    }

    /// Of 0.01 EUR.
    async fn store_credit_transfer(&mut self, state: &str, promoter: &Promoter) -> Subject {
        let key = format!("transfer-{}", self.made);
        self.made += 1;
        let input = json!({
            "idempotencyKey": key, "partnershipId": promoter.partnership, "customerExternalId": "anna",
            "amount": { "amount": "0.01", "currency": "EUR" },
        });
        let selection = "storeCreditTransfer { id }";
        let made = self
            .app
            .done(&promoter.user, "requestStoreCreditTransfer", input, selection)
            .await;
        let id = text(&made["storeCreditTransfer"], "id");
        let one = json!({ "id": id });
        match state {
            "REQUESTED" => {}
            "APPROVED" => {
                let input = merged(one, json!({ "idempotencyKey": key }));
                self.done("approveStoreCreditTransfer", input, "storeCreditTransfer")
                    .await;
            }
            "REFUSED" => {
                let input = merged(one, json!({ "reason": "a test" }));
                self.done("refuseStoreCreditTransfer", input, "storeCreditTransfer")
                    .await;
            }
            "WITHDRAWN" => {
                self.app
                    .done(&promoter.user, "withdrawStoreCreditTransfer", one, selection)
                    .await;
            }
            other => panic!("{other}"),
        }
        self.subject(id, Some(promoter.user.clone()))
    }

    async fn payout(&mut self, state: &str, promoter: &Promoter, seller: &str) -> Subject {
        self.conversion("APPROVED", seller).await;
        let key = format!("payout-{}", self.made);
        let input = json!({
            "idempotencyKey": key, "partnershipId": promoter.partnership, "currency": "EUR",
        });
        let made = self
            .app
            .done(&self.market.owner, "createPayout", input, "payout { id }")
            .await;
        let id = text(&made["payout"], "id");
        if matches!(state, "APPROVED" | "PAID") {
            self.done("approvePayout", json!({ "id": id }), "payout").await;
        }
        match state {
            "DRAFT" | "APPROVED" => {}
            "PAID" => self.app.mark_paid(&self.market, &id, &key).await,
            "CANCELLED" => {
                let input = json!({ "id": id, "idempotencyKey": format!("{key}-cancel"), "reason": "a test" });
                self.done("cancelPayout", input, "payout").await;
            }
            other => panic!("{other}"),
        }
        self.subject(id, None)
    }
}

#[rstest]
#[tokio::test]
async fn programs_go_only_where_they_may(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let steps = [
        Step::brand("activateProgram", "program.activated", &["DRAFT", "PAUSED"], "ACTIVE"),
        Step::brand("pauseProgram", "program.paused", &["ACTIVE"], "PAUSED"),
        Step::brand("archiveProgram", "program.archived", &["DRAFT", "PAUSED"], "ARCHIVED"),
    ];
    with_app(database, |app| async move {
        let crowd = Crowd::new(&app).await;
        for state in ["DRAFT", "ACTIVE", "PAUSED", "ARCHIVED"] {
            for step in &steps {
                let subject = crowd.program(state).await;
                try_step(&app, "program", state, step, &subject).await;
            }
        }
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn listings_go_only_where_they_may(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    let steps = [
        Step::brand("publishListing", "listing.published", &["DRAFT", "PAUSED"], "PUBLISHED"),
        Step::brand("pauseListing", "listing.paused", &["PUBLISHED"], "PAUSED"),
        Step::brand("archiveListing", "listing.archived", &["DRAFT", "PAUSED"], "ARCHIVED"),
    ];
    with_app(database, |app| async move {
        let crowd = Crowd::new(&app).await;
        for state in ["DRAFT", "PUBLISHED", "PAUSED", "ARCHIVED"] {
            for step in &steps {
                let subject = crowd.listing(state).await;
                try_step(&app, "listing", state, step, &subject).await;
            }
        }
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn applications_go_only_where_they_may(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    const OPEN: &[&str] = &["SUBMITTED", "IN_REVIEW"];
    let steps = [
        Step::brand(
            "startApplicationReview",
            "application.review_started",
            &["SUBMITTED"],
            "IN_REVIEW",
        ),
        Step::brand("approveApplication", "application.approved", OPEN, "APPROVED"),
        Step::brand("rejectApplication", "application.rejected", OPEN, "REJECTED").with(json!({ "reason": "OTHER" })),
        Step::brand("withdrawApplication", "application.withdrawn", OPEN, "WITHDRAWN").by_partner(),
    ];
    with_app(database, |app| async move {
        let mut crowd = Crowd::new(&app).await;
        for state in ["SUBMITTED", "IN_REVIEW", "APPROVED", "REJECTED", "WITHDRAWN"] {
            for step in &steps {
                let subject = crowd.application(state).await;
                try_step(&app, "application", state, step, &subject).await;
            }
        }
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn partnerships_go_only_where_they_may(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    const HERE: &[&str] = &["ACTIVE", "SUSPENDED"];
    let steps = [
        Step::brand("suspendPartnership", "partnership.suspended", &["ACTIVE"], "SUSPENDED")
            .with(json!({ "reason": "a look" })),
        Step::brand(
            "reactivatePartnership",
            "partnership.reactivated",
            &["SUSPENDED"],
            "ACTIVE",
        ),
        Step::brand("endPartnership", "partnership.ended", HERE, "ENDED"),
        Step::brand("leaveProgram", "partnership.left", HERE, "ENDED").by_partner(),
        Step::brand(
            "banPartnership",
            "partnership.banned",
            &["ACTIVE", "SUSPENDED", "ENDED"],
            "BANNED",
        )
        .with(json!({ "reason": "FRAUD" })),
    ];
    with_app(database, |app| async move {
        let mut crowd = Crowd::new(&app).await;
        for state in ["ACTIVE", "SUSPENDED", "ENDED", "BANNED"] {
            for step in &steps {
                let subject = crowd.partnership(state).await;
                try_step(&app, "partnership", state, step, &subject).await;
            }
        }
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn conversions_go_only_where_they_may(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let mut crowd = Crowd::new(&app).await;
        let promoter = crowd.promoter().await;
        app.code(&promoter, "SELLER", json!({})).await;
        for state in ["PENDING", "APPROVED", "REJECTED", "REFUNDED"] {
            for (number, step) in [
                Step::brand("approveConversion", "conversion.approved", &["PENDING"], "APPROVED"),
                Step::brand("rejectConversion", "conversion.rejected", &["PENDING"], "REJECTED")
                    .with(json!({ "reason": "a test" })),
            ]
            .into_iter()
            .enumerate()
            {
                let subject = crowd.conversion(state, "SELLER").await;
                let key = json!({ "idempotencyKey": format!("{state}-{number}") });
                let input = merged(step.input.clone(), key);
                try_step(&app, "conversion", state, &step.with(input), &subject).await;
            }
        }
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn payouts_go_only_where_they_may(#[values(Database::Sqlite, Database::Postgres)] database: Database) {
    with_app(database, |app| async move {
        let mut crowd = Crowd::new(&app).await;
        let promoter = crowd.promoter().await;
        app.code(&promoter, "SELLER", json!({})).await;
        for state in ["DRAFT", "APPROVED", "PAID", "CANCELLED"] {
            for step in [
                Step::brand("approvePayout", "payout.approved", &["DRAFT"], "APPROVED"),
                Step::brand("markPayoutPaid", "payout.paid", &["APPROVED"], "PAID").with(json!({
                    "reference": "a test", "idempotencyKey": format!("{state}-paid"),
                })),
                Step::brand("cancelPayout", "payout.cancelled", &["DRAFT", "APPROVED"], "CANCELLED").with(json!({
                    "reason": "a test", "idempotencyKey": format!("{state}-cancelled"),
                })),
            ] {
                let subject = crowd.payout(state, &promoter, "SELLER").await;
                try_step(&app, "payout", state, &step, &subject).await;
            }
        }
    })
    .await;
}

#[rstest]
#[tokio::test]
async fn transfers_to_customers_go_only_where_they_may(
    #[values(Database::Sqlite, Database::Postgres)] database: Database,
) {
    const OPEN: &[&str] = &["REQUESTED"];
    with_app(database, |app| async move {
        let mut crowd = Crowd::new(&app).await;
        let promoter = crowd.promoter().await;
        app.code(&promoter, "SELLER", json!({})).await;
        crowd.conversion("APPROVED", "SELLER").await;
        let (status, answer) = app
            .track(
                &crowd.market.key.secret,
                "signup",
                "anna",
                json!({ "customerId": "anna" }),
            )
            .await;
        assert_eq!(status.as_u16(), 201, "{answer}");
        for state in ["REQUESTED", "APPROVED", "REFUSED", "WITHDRAWN"] {
            for step in [
                Step::brand(
                    "approveStoreCreditTransfer",
                    "store_credit_transfer.approved",
                    OPEN,
                    "APPROVED",
                )
                .with(json!({ "idempotencyKey": format!("{state}-approved") })),
                Step::brand(
                    "refuseStoreCreditTransfer",
                    "store_credit_transfer.refused",
                    OPEN,
                    "REFUSED",
                )
                .with(json!({ "reason": "a test" })),
                Step::brand(
                    "withdrawStoreCreditTransfer",
                    "store_credit_transfer.withdrawn",
                    OPEN,
                    "WITHDRAWN",
                )
                .by_partner(),
            ] {
                let subject = crowd.store_credit_transfer(state, &promoter).await;
                try_step(&app, "storeCreditTransfer", state, &step, &subject).await;
            }
        }
    })
    .await;
}
