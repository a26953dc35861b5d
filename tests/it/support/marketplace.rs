//! A running program and everybody around it, made through the public doors.

use axum::http::StatusCode;
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{
    answer::{Answered, data_at},
    app::TestApp,
    builders::{BrandFixture, KeyFixture, PASSWORD, PartnerFixture, User, text},
};

/// A brand with an active program in EUR: 10 % of a sale, nothing held, listed in the marketplace.
#[derive(Clone, Debug)]
pub struct Market {
    pub owner: User,
    pub brand: BrandFixture,
    pub key: KeyFixture,
    pub program: ProgramFixture,
}

#[derive(Clone, Debug)]
pub struct ProgramFixture {
    pub id: String,
    pub listing: String,
}

/// A partner inside a program.
#[derive(Clone, Debug)]
pub struct Promoter {
    pub user: User,
    pub partner: PartnerFixture,
    pub partnership: String,
    pub referral_code: String,
}

/// A partnership's balances in EUR, as the API writes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balances {
    pub pending: String,
    pub available: String,
    pub reserve: String,
    pub in_transit: String,
}

/// What [`TestApp::conversion`] reads.
pub const CONVERSION: &str = "query ($id: ID!) { node(id: $id) { ... on Conversion {
    id event state rejectionReason earningExplanation amount { amount currency } refunded { amount }
    program { id } order { externalId refunded { amount } refunds { amount { amount } } } customer { externalId }
    attribution { method explanation partnership { id }
        touches { kind evidence touchedAt outcome rejection explanation partnership { id } } }
    commissions { id level state amount { amount currency } reversed { amount } reserve { amount } paid { amount }
        partnership { id } explanation { rule arithmetic base { amount } } }
} } }";

impl Balances {
    /// In the order pending, available, reserve, in transit.
    pub fn of(pending: &str, available: &str, reserve: &str, in_transit: &str) -> Self {
        let own = str::to_owned;
        Self {
            pending: own(pending),
            available: own(available),
            reserve: own(reserve),
            in_transit: own(in_transit),
        }
    }
}

/// `a` with the fields of `b` in place of its own.
pub fn merged(mut a: Value, b: Value) -> Value {
    let (Some(into), Value::Object(from)) = (a.as_object_mut(), b) else {
        panic!("objects wanted");
    };
    into.extend(from);
    a
}

fn pascal(field: &str) -> String {
    let (first, rest) = field.split_at(1);
    format!("{}{rest}", first.to_uppercase())
}

impl TestApp {
    /// Runs one mutation and returns the whole answer.
    pub async fn mutation(&self, token: Option<&str>, field: &str, input: Value, selection: &str) -> Value {
        let input_type = match field {
            "recordSignup" | "recordLead" => "RecordEvent".to_owned(),
            other => pascal(other),
        };
        let query = format!(
            "mutation ($input: {input_type}Input!) {{ {field}(input: $input) {{
                {selection} userErrors {{ code field message }} }} }}"
        );
        self.graphql(token, &query, json!({ "input": input })).await
    }

    /// Runs one mutation that must succeed, and returns its payload.
    pub async fn done(&self, user: &User, field: &str, input: Value, selection: &str) -> Value {
        let answer = self.mutation(Some(&user.token), field, input, selection).await;
        data_at(&answer, field)
    }

    /// A fresh access token, after the clock moved.
    pub async fn sign_in_again(&self, user: &mut User) {
        let input = json!({ "email": user.email, "password": PASSWORD });
        let answer = self
            .mutation(None, "signIn", input, "session { accessToken refreshToken }")
            .await;
        let session = data_at(&answer, "signIn.session");
        user.token = text(&session, "accessToken");
        user.refresh_token = text(&session, "refreshToken");
    }

    /// Moves the clock and signs everyone in again whose token ran out meanwhile.
    pub async fn advance_days<const N: usize>(&self, days: i64, users: [&mut User; N]) {
        self.advance(TimeDelta::days(days));
        for user in users {
            self.sign_in_again(user).await;
        }
    }

    pub async fn market(&self, slug: &str) -> Market {
        self.market_with(slug, json!({})).await
    }

    /// A market whose program has other settings.
    pub async fn market_with(&self, slug: &str, settings: Value) -> Market {
        let owner = self.sign_up(&format!("{slug}-owner")).await;
        let brand = self.brand(&owner, slug).await;
        let key = self.secret_key(&owner, &brand.id).await;
        let program = self.program(&owner, &brand.id, slug, settings).await;
        Market {
            owner,
            brand,
            key,
            program,
        }
    }

    /// An active program that pays 10 % of a sale, and its published listing, both called `name`.
    pub async fn program(&self, owner: &User, brand: &str, name: &str, settings: Value) -> ProgramFixture {
        let program = self.draft_program(owner, brand, name, settings).await;
        self.rule(owner, &program, "SALE", json!({ "percent": "10" })).await;
        let listing = self.draft_listing(owner, &program, json!({ "title": name })).await;
        self.done(owner, "activateProgram", json!({ "id": program }), "program { state }")
            .await;
        self.done(owner, "publishListing", json!({ "id": listing }), "listing { state }")
            .await;
        ProgramFixture { id: program, listing }
    }

    pub async fn draft_program(&self, owner: &User, brand: &str, name: &str, settings: Value) -> String {
        let defaults = json!({
            "brandId": brand, "name": name, "description": "for tests", "currencies": ["EUR"],
            "destinationUrl": "https://shop.example/", "holdDays": 0, "terms": "be fair",
        });
        let made = self
            .done(owner, "createProgram", merged(defaults, settings), "program { id }")
            .await;
        text(&made["program"], "id")
    }

    pub async fn draft_listing(&self, owner: &User, program: &str, settings: Value) -> String {
        let defaults = json!({
            "programId": program, "title": "Listing", "pitch": "Join us.", "category": "general", "countries": [],
        });
        let made = self
            .done(owner, "createListing", merged(defaults, settings), "listing { id }")
            .await;
        text(&made["listing"], "id")
    }

    pub async fn rule(&self, owner: &User, program: &str, event: &str, earning: Value) -> String {
        let input = json!({ "programId": program, "event": event, "earning": earning });
        let made = self
            .done(owner, "createCommissionRule", input, "commissionRule { id }")
            .await;
        text(&made["commissionRule"], "id")
    }

    /// Level 1 earns 2 % of the sale, level 2 earns 10 % of the level-0 commission.
    pub async fn two_levels(&self, owner: &User, program: &str) {
        let input = json!({ "programId": program, "levels": [
            { "level": 1, "earning": { "percentOfSale": "2" } },
            { "level": 2, "earning": { "percentOfCommission": "10" } },
        ] });
        self.done(owner, "setReferralLevels", input, "program { id }").await;
    }

    /// A new partner that applies and is approved; below a recruiter when its code is given.
    pub async fn promoter(&self, market: &Market, name: &str, recruiter: Option<&Promoter>) -> Promoter {
        let user = self.sign_up(name).await;
        let partner = self.partner(&user, name).await;
        self.join(market, &market.program, &user, &partner, recruiter).await
    }

    /// Applies to a program of the market and is approved.
    pub async fn join(
        &self,
        market: &Market,
        program: &ProgramFixture,
        user: &User,
        partner: &PartnerFixture,
        recruiter: Option<&Promoter>,
    ) -> Promoter {
        let input = json!({
            "partnerId": partner.id, "programId": program.id, "message": "hello", "acceptedTermsVersion": 1,
            "referralCode": recruiter.map(|recruiter| &recruiter.referral_code),
        });
        let applied = self.done(user, "applyToProgram", input, "application { id }").await;
        let input = json!({ "id": applied["application"]["id"] });
        let approved = self
            .done(
                &market.owner,
                "approveApplication",
                input,
                "application { state partnership { id referralCode } }",
            )
            .await;
        let partnership = &approved["application"]["partnership"];
        Promoter {
            user: user.clone(),
            partner: partner.clone(),
            partnership: text(partnership, "id"),
            referral_code: text(partnership, "referralCode"),
        }
    }

    /// A tracking link; returns its slug.
    pub async fn link(&self, promoter: &Promoter) -> String {
        let input = json!({ "partnershipId": promoter.partnership });
        let made = self
            .done(
                &promoter.user,
                "createTrackingLink",
                input,
                "trackingLink { slug url destinationUrl }",
            )
            .await;
        text(&made["trackingLink"], "slug")
    }

    /// Follows a link and returns the click id it puts on the address.
    pub async fn click(&self, slug: &str) -> String {
        let request = axum::http::Request::get(format!("/r/{slug}"))
            .body(axum::body::Body::empty())
            .unwrap();
        let (status, headers, _) = self.send(request).await;
        assert_eq!(status, StatusCode::FOUND);
        let location = headers["location"].to_str().unwrap();
        let (_, click) = location.split_once("tcid=").unwrap();
        click.to_owned()
    }

    pub async fn code(&self, promoter: &Promoter, code: &str, settings: Value) {
        let input = merged(json!({ "partnershipId": promoter.partnership, "code": code }), settings);
        self.done(&promoter.user, "createPromoCode", input, "promoCode { code }")
            .await;
    }

    /// Knocks at one of the doors for a brand's server.
    pub async fn track(&self, secret: &str, door: &str, key: &str, body: Value) -> Answered {
        let path = format!("/track/{door}");
        self.rest("POST", &path, Some(secret), &[("Idempotency-Key", key)], body)
            .await
    }

    /// Records a sale in EUR under its order id, and returns the conversion's id.
    pub async fn sale(&self, market: &Market, order: &str, amount: &str, evidence: Value) -> String {
        let body = merged(
            json!({ "orderId": order, "amount": amount, "currency": "EUR" }),
            evidence,
        );
        let (status, answer) = self
            .track(&market.key.secret, "purchase", &format!("sale-{order}"), body)
            .await;
        assert_eq!(status, StatusCode::CREATED, "{answer:#}");
        text(&answer["conversion"], "id")
    }

    /// Records a refund in EUR; `nth` tells the refunds of an order apart.
    pub async fn refund(&self, market: &Market, order: &str, nth: u32, amount: &str) {
        let body = json!({ "orderId": order, "amount": amount, "currency": "EUR", "reason": "came back" });
        let (status, answer) = self
            .track(&market.key.secret, "refund", &format!("refund-{order}-{nth}"), body)
            .await;
        assert_eq!(status, StatusCode::CREATED, "{answer:#}");
    }

    pub async fn approve(&self, market: &Market, conversion: &str) {
        self.done(
            &market.owner,
            "approveConversion",
            json!({ "idempotencyKey": format!("approve-{conversion}"), "id": conversion }),
            "conversion { state }",
        )
        .await;
    }

    /// A conversion as its brand sees it.
    pub async fn conversion(&self, market: &Market, id: &str) -> Value {
        self.graphql_ok(Some(&market.owner.token), CONVERSION, json!({ "id": id }), "node")
            .await
    }

    /// A partnership's balances in EUR as its partner sees them.
    pub async fn balances(&self, promoter: &Promoter) -> Balances {
        let query = "query ($id: ID!) { node(id: $id) { ... on Partnership { balances {
            currency pending { amount } available { amount } reserve { amount } inTransit { amount } } } } }";
        let variables = json!({ "id": promoter.partnership });
        let balances = self
            .graphql_ok(Some(&promoter.user.token), query, variables, "node.balances")
            .await;
        let Some(eur) = balances
            .as_array()
            .and_then(|all| all.iter().find(|balance| balance["currency"] == "EUR"))
        else {
            return Balances::of("0.00", "0.00", "0.00", "0.00");
        };
        let amount = |kind: &str| text(&eur[kind], "amount");
        Balances {
            pending: amount("pending"),
            available: amount("available"),
            reserve: amount("reserve"),
            in_transit: amount("inTransit"),
        }
    }

    /// A payout of all that is available in EUR, approved; returns its id.
    pub async fn approved_payout(&self, market: &Market, promoter: &Promoter, key: &str) -> String {
        let input = json!({ "idempotencyKey": key, "partnershipId": promoter.partnership, "currency": "EUR" });
        let made = self.done(&market.owner, "createPayout", input, "payout { id }").await;
        let id = text(&made["payout"], "id");
        self.done(
            &market.owner,
            "approvePayout",
            json!({ "id": id }),
            "payout { state approvedAt }",
        )
        .await;
        id
    }

    pub async fn mark_paid(&self, market: &Market, payout: &str, reference: &str) {
        let input = json!({ "idempotencyKey": reference, "id": payout, "reference": reference });
        self.done(&market.owner, "markPayoutPaid", input, "payout { state }")
            .await;
    }

    /// A payout as its partner sees it, with the items' amounts in their order.
    pub async fn payout(&self, promoter: &Promoter, id: &str) -> Value {
        let query = "query ($id: ID!) { node(id: $id) { ... on Payout { id state reference amount { amount currency }
            paidAt items { amount { amount } commission { id state paid { amount } } } } } }";
        self.graphql_ok(Some(&promoter.user.token), query, json!({ "id": id }), "node")
            .await
    }
}
