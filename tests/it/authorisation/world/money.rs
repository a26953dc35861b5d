//! What the partner is owed and paid: corrections, payouts, batches and store credit.

use sea_orm::ConnectionTrait;
use serde_json::json;
use tributary::payouts::sending::follow;

use super::{Maker, StoreCredit};
use crate::support::builders::{PASSWORD, User, text};

impl Maker<'_> {
    /// Something that the partner was given.
    pub(super) async fn adjustment(&self, partnership: &str) -> String {
        let input = json!({
            "idempotencyKey": "given", "partnershipId": partnership, "direction": "CREDIT",
            "amount": { "amount": "1.00", "currency": "EUR" }, "reason": "given",
        });
        self.manage("adjustBalance", "adjustment", input).await
    }

    /// Batches in a currency that nothing else here is paid in, each of something given for it; the last is handed over, with its file
    /// and what the bank says of it. Something is left for another one.
    pub(super) async fn batches(
        &self,
        creator: &User,
        partner: &str,
        partnership: &str,
    ) -> ([String; 4], String, String) {
        let iban = json!({ "holderName": "Maya", "iban": "DE89370400440532013000", "currency": "USD" });
        let input = json!({ "partnerId": partner, "details": { "iban": iban }, "currentPassword": PASSWORD });
        self.make(creator, "addPayoutMethod", "payoutMethod", input).await;
        self.app
            .db_writer()
            .execute_unprepared("UPDATE payout_methods SET cooling_off_until = created_at WHERE currency = 'USD'")
            .await
            .unwrap();
        let mut batches = Vec::new();
        for name in ["approve", "cancel", "submit", "export"] {
            self.give_dollar(partnership, name).await;
            let input = json!({ "idempotencyKey": name, "brandId": self.brand, "currency": "USD" });
            batches.push(self.manage("createPayoutBatch", "batch", input).await);
        }
        self.give_dollar(partnership, "left").await;
        for batch in &batches[2..] {
            self.manage("approvePayoutBatch", "batch", json!({ "id": batch })).await;
        }
        self.manage(
            "submitPayoutBatch",
            "batch",
            json!({ "idempotencyKey": "submitted", "id": batches[3] }),
        )
        .await;
        let input = json!({ "idempotencyKey": "file", "batchId": batches[3], "format": "NEUTRAL_CSV" });
        let file = self.manage("exportPayoutFile", "file", input).await;
        let query = "query ($id: ID!) { node(id: $id) { ... on PayoutFile { content } } }";
        let variables = json!({ "id": file });
        let content = self
            .app
            .graphql_ok(Some(&self.owner.token), query, variables, "node")
            .await;
        let line = text(&content, "content");
        let key = line.lines().nth(1).and_then(|line| line.split(',').next()).unwrap();
        let answer = format!("line_id,status,bank_reference\n{key},paid,R-1\n");
        (batches.try_into().unwrap(), file, answer)
    }

    /// A payout through a provider that has no money for it.
    pub(super) async fn queued_payout(&self, partnership: &str) -> String {
        self.app
            .db_writer()
            .execute_unprepared("UPDATE payout_methods SET cooling_off_until = created_at WHERE kind = 'UPI'")
            .await
            .unwrap();
        self.give(partnership, "rupees", "100.00", "INR").await;
        let input = json!({ "idempotencyKey": "queued", "brandId": self.brand, "currency": "INR" });
        let batch = self.manage("createPayoutBatch", "batch", input).await;
        self.manage("approvePayoutBatch", "batch", json!({ "id": batch })).await;
        let input = json!({ "idempotencyKey": "queued", "id": batch });
        self.manage("submitPayoutBatch", "batch", input).await;
        follow(&self.app.app).await.unwrap();
        let query = "query ($id: ID!) { node(id: $id) { ... on PayoutBatch { payouts { nodes { id } } } } }";
        let token = Some(self.owner.token.as_str());
        let path = "node.payouts.nodes.0";
        text(
            &self.app.graphql_ok(token, query, json!({ "id": batch }), path).await,
            "id",
        )
    }

    async fn give_dollar(&self, partnership: &str, name: &str) {
        self.give(partnership, &format!("dollar-{name}"), "1.00", "USD").await;
    }

    async fn give(&self, partnership: &str, key: &str, amount: &str, currency: &str) {
        let input = json!({
            "idempotencyKey": key, "partnershipId": partnership, "direction": "CREDIT",
            "amount": { "amount": amount, "currency": currency }, "reason": "given",
        });
        self.manage("adjustBalance", "adjustment", input).await;
    }

    pub(super) async fn store_credit(&self, creator: &User, partnership: &str) -> StoreCredit {
        let eur = |amount: &str| json!({ "amount": amount, "currency": "EUR" });
        let request = async |key: &str, amount: &str| {
            let input = json!({
                "idempotencyKey": key, "partnershipId": partnership, "customerExternalId": "customer",
                "amount": eur(amount),
            });
            self.make(creator, "requestStoreCreditTransfer", "storeCreditTransfer", input)
                .await
        };
        let requested = [
            request("withdrawn", "1.00").await,
            request("approved", "1.00").await,
            request("refused", "1.00").await,
        ];
        let approved = request("given", "2.00").await;
        let input = json!({ "idempotencyKey": "given", "id": approved });
        self.manage("approveStoreCreditTransfer", "storeCreditTransfer", input)
            .await;
        let input = json!({
            "idempotencyKey": "spent", "brandId": self.brand, "customerExternalId": "customer", "amount": eur("0.50"),
        });
        StoreCredit {
            requested,
            approved,
            redemption: self.manage("redeemStoreCredit", "storeCreditRedemption", input).await,
        }
    }

    /// A drafted payout of a sale made for it.
    pub(super) async fn payout(&self, program: &str, partnership: &str, name: &str) -> String {
        let conversion = self.sale(program, name).await;
        self.approve(&conversion).await;
        let input = json!({ "idempotencyKey": name, "partnershipId": partnership, "currency": "EUR" });
        self.manage("createPayout", "payout", input).await
    }
}
