//! What tests of payouts share: a market whose partners are owed something, and what providers do.

use chrono::TimeDelta;
use entity::{
    ids::{PartnerId, PartnershipId, PayoutId, PayoutMethodId},
    partner, partnership, payout_method,
};
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};
use serde_json::{Value, json};
use tributary::{
    accounts::actor::Actor,
    adjustments::service::{Change, Direction, adjust_balance},
    fake_rails::FakeRails,
    idempotency::Key,
    infra::{rails::instruction::item_key, sealing},
    money::Money,
    payouts::{methods::rules::Details, sending::follow},
};

use crate::support::{
    answer::data_at,
    app::TestApp,
    builders::{PASSWORD, text},
    marketplace::{Market, Promoter, merged},
};

pub const IBAN: &str = "DE89370400440532013000";

/// A market whose partners have earned 9.00 each (a tenth of 100.00, of which a tenth stays in reserve), and are paid somewhere.
pub struct Scene {
    pub market: Market,
    pub promoters: Vec<Promoter>,
}

impl Scene {
    /// One partner for each of these, whom providers know; they have cooled off.
    pub async fn paid_by(app: &TestApp, fakes: &FakeRails, methods: &[Value]) -> Self {
        for method in methods {
            if let Some(account) = method["stripe"]["accountId"].as_str() {
                fakes.stripe.know(account);
            }
        }
        Self::with(app, methods).await
    }

    /// The same, where no provider is asked.
    pub async fn with(app: &TestApp, methods: &[Value]) -> Self {
        let market = app.market("aurora").await;
        let mut promoters = Vec::new();
        for (n, method) in methods.iter().enumerate() {
            let promoter = app.promoter(&market, &format!("seller{n}"), None).await;
            app.code(&promoter, &format!("SELLER{n}"), json!({})).await;
            if !method.is_null() {
                let input = json!({
                    "partnerId": promoter.partner.id, "details": method, "currentPassword": PASSWORD,
                });
                app.done(&promoter.user, "addPayoutMethod", input, "payoutMethod { id }")
                    .await;
            }
            promoters.push(promoter);
        }
        let mut scene = Self { market, promoters };
        scene.wait(app, 73).await;
        for n in 0..scene.promoters.len() {
            scene.earn(app, n, "first", "100.00").await;
        }
        scene
    }

    pub async fn earn(&self, app: &TestApp, n: usize, order: &str, amount: &str) -> String {
        let evidence = json!({ "promoCodes": [format!("SELLER{n}")] });
        let sale = app.sale(&self.market, &format!("{order}-{n}"), amount, evidence).await;
        app.approve(&self.market, &sale).await;
        sale
    }

    pub async fn wait(&mut self, app: &TestApp, hours: i64) {
        app.advance(TimeDelta::hours(hours));
        app.sign_in_again(&mut self.market.owner).await;
        for promoter in &mut self.promoters {
            app.sign_in_again(&mut promoter.user).await;
        }
    }

    pub async fn ask(&self, app: &TestApp, query: &str, path: &str) -> Value {
        let query = format!("query ($id: ID!) {{ brand(id: $id) {{ {query} }} }}");
        let variables = json!({ "id": self.market.brand.id });
        app.graphql_ok(
            Some(&self.market.owner.token),
            &query,
            variables,
            &format!("brand.{path}"),
        )
        .await
    }

    pub async fn try_batch(&self, app: &TestApp, key: &str, more: Value) -> Value {
        let input = merged(
            json!({ "idempotencyKey": key, "brandId": self.market.brand.id, "currency": "EUR" }),
            more,
        );
        let selection = "replayed batch { id state totals { rail state count amount { amount } } }";
        app.mutation(Some(&self.market.owner.token), "createPayoutBatch", input, selection)
            .await
    }

    pub async fn batch(&self, app: &TestApp, key: &str) -> String {
        let made = data_at(&self.try_batch(app, key, json!({})).await, "createPayoutBatch.batch");
        text(&made, "id")
    }

    pub async fn step(&self, app: &TestApp, mutation: &str, batch: &str) -> Value {
        let selection = "batch { id state totals { rail state count amount { amount } } }";
        let key = match mutation {
            "submitPayoutBatch" => json!({ "idempotencyKey": batch }),
            _ => json!({}),
        };
        let input = merged(json!({ "id": batch }), key);
        let made = app.done(&self.market.owner, mutation, input, selection).await;
        made["batch"].clone()
    }

    /// Drafted, approved and handed over.
    pub async fn submitted(&self, app: &TestApp, key: &str) -> String {
        let batch = self.batch(app, key).await;
        self.step(app, "approvePayoutBatch", &batch).await;
        self.step(app, "submitPayoutBatch", &batch).await;
        batch
    }

    /// Payouts of a batch, the oldest first.
    pub async fn payouts(&self, app: &TestApp, batch: &str) -> Vec<Value> {
        let query = "query ($id: ID!) { node(id: $id) { ... on PayoutBatch { payouts(first: 100) { nodes {
            id rail state reference providerState attention failure { code reason } fee { amount currency }
            amount { amount } } } } } }";
        let nodes = app
            .graphql_ok(
                Some(&self.market.owner.token),
                query,
                json!({ "id": batch }),
                "node.payouts.nodes",
            )
            .await;
        let mut nodes = nodes.as_array().unwrap().clone();
        nodes.reverse();
        nodes
    }

    pub async fn states(&self, app: &TestApp, batch: &str) -> Vec<String> {
        let payouts = self.payouts(app, batch).await;
        payouts.iter().map(|payout| text(payout, "state")).collect()
    }

    /// The brand's ledger in EUR, by kind of account.
    pub async fn books(&self, app: &TestApp) -> Vec<(String, String)> {
        let balances = self
            .ask(
                app,
                "ledgerBalances { account balance { amount currency } }",
                "ledgerBalances",
            )
            .await;
        let of = |balance: &Value| (text(balance, "account"), text(&balance["balance"], "amount"));
        balances
            .as_array()
            .unwrap()
            .iter()
            .filter(|balance| balance["balance"]["currency"] == "EUR")
            .map(of)
            .collect()
    }

    pub async fn book(&self, app: &TestApp, account: &str) -> String {
        let books = self.books(app).await;
        books
            .into_iter()
            .find(|(kind, _)| kind == account)
            .map_or_else(|| "0.00".to_owned(), |(_, amount)| amount)
    }
}

pub fn iban() -> Value {
    json!({ "iban": { "holderName": "Maya Rao", "iban": IBAN, "bic": "COBADEFFXXX" } })
}

pub fn paypal(n: usize) -> Value {
    json!({ "paypal": { "email": format!("maya{n}@example.com") } })
}

pub fn stripe(n: usize) -> Value {
    json!({ "stripe": { "accountId": format!("acct_1032D82eZvKYlo{n:02}") } })
}

/// Everything that providers have to say, told until nothing is left.
pub async fn settle(fakes: &FakeRails) {
    for _ in 0..3 {
        fakes.paypal.tick();
        fakes.razorpay.tick();
        fakes.stripe.tick();
    }
}

/// Lets time pass until the next look, and looks.
pub async fn look(app: &TestApp) {
    app.advance(TimeDelta::minutes(2));
    follow(&app.app).await.unwrap();
}

/// The key that a provider knows a payout by.
pub fn key_of(payout: &Value) -> String {
    let id: PayoutId = text(payout, "id").parse().unwrap();
    item_key(id.0, 1)
}

pub async fn exported(app: &TestApp, scene: &Scene, batch: &str, format: &str, more: Value) -> Value {
    let input = merged(
        json!({ "idempotencyKey": format!("file-{format}"), "batchId": batch, "format": format }),
        more,
    );
    let selection = "replayed file { id format sha256 lineCount total { amount } content }";
    app.mutation(Some(&scene.market.owner.token), "exportPayoutFile", input, selection)
        .await
}

pub async fn imported(app: &TestApp, scene: &Scene, content: &str) -> Value {
    let input = json!({ "brandId": scene.market.brand.id, "content": content });
    let selection = "replayed results { sha256 results { position payoutId outcome } }";
    app.mutation(Some(&scene.market.owner.token), "importPayoutResults", input, selection)
        .await
}

pub async fn partnership_of(app: &TestApp, promoter: &Promoter) -> partnership::Model {
    let id: PartnershipId = promoter.partnership.parse().unwrap();
    let row = partnership::Entity::find_by_id(id).one(app.db()).await.unwrap();
    row.unwrap()
}

/// Another partner in a program, whose account has cooled off: what people would do, without their passwords.
pub async fn join_paid_by(app: &TestApp, like: &partnership::Model, n: usize, details: &Details) -> PartnershipId {
    let now = app.now();
    let partner: PartnerId = app.app.ids.new_id(now);
    let row = partner::Model {
        id: partner,
        handle: format!("payee{n}"),
        display_name: format!("Payee Number {n}"),
        bio: None,
        country: None,
        created_at: now,
    };
    insert(app, row).await;
    let id: PartnershipId = app.app.ids.new_id(now);
    let row = partnership::Model {
        id,
        partner_id: partner,
        referral_code: format!("PAYEE{n}"),
        application_id: None,
        ..like.clone()
    };
    insert(app, row).await;
    let method: PayoutMethodId = app.app.ids.new_id(now);
    let place = sealing::Place {
        table: "payout_methods",
        column: "details",
        row: method.0,
    };
    let sealed = serde_json::to_string(&details).unwrap();
    let row = payout_method::Model {
        id: method,
        partner_id: partner,
        kind: details.kind(),
        currency: details.currency().map(str::to_owned),
        masked: details.masked(),
        details: app.app.key_ring.seal(&app.app.ids, place, &sealed).unwrap(),
        fingerprint: format!("payee{n}"),
        cooling_off_until: now,
        created_at: now,
        removed_at: None,
    };
    insert(app, row).await;
    id
}

async fn insert<A>(app: &TestApp, row: impl IntoActiveModel<A>)
where
    A: ActiveModelTrait,
{
    A::Entity::insert(row.into_active_model())
        .exec_without_returning(app.db_writer())
        .await
        .unwrap();
}

/// Credits a partnership.
pub async fn give(app: &TestApp, partnership: PartnershipId, amount: Money) {
    let change = Change {
        amount: (amount.to_decimal(), amount.currency.code().to_owned()),
        reason: "earned".to_owned(),
        key: Key::parse(&format!("given-{partnership}-{}", amount.currency.code())).unwrap(),
    };
    adjust_balance(&app.app, &Actor::system(), partnership, Direction::Credit, change)
        .await
        .unwrap();
}
