//! A customer spends store credit.

use entity::{
    ids::BrandId,
    ledger_account::LedgerAccountKind,
    ledger_transfer::TransferKind,
    store_credit_redemption::{ActiveModel, Entity, Model},
};
use rust_decimal::Decimal;
use sea_orm::EntityTrait;
use serde::Serialize;

use super::{Code, Result, check_amount, check_customer_id, check_external_id, find_customer_in_tx};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    app::App,
    audit::{self, Change},
    error::Failure,
    idempotency::{self, Begun, Key, Outcome},
    ledger::{
        balances,
        post::{self, Line, Owner, Posting},
    },
    money::{Currency, Money},
};

/// What is to be spent, as it came in.
#[derive(Clone, Debug)]
pub struct Redeem {
    pub brand: BrandId,
    pub customer_external_id: String,
    /// Major units and the code of their currency.
    pub amount: (Decimal, String),
    pub order_external_id: Option<String>,
    pub idempotency_key: Key,
}

#[derive(Serialize)]
struct Fingerprint<'a> {
    customer: &'a str,
    amount_minor: i64,
    currency: &'a str,
    order: Option<&'a str>,
}

/// Takes store credit of a customer: all that is asked for, or nothing.
pub async fn redeem(app: &App, actor: &Actor, command: Redeem) -> Result<Outcome<Model>> {
    actor.authorise(Operation::RedeemStoreCredit, Place::brand(command.brand))?;
    check_customer_id(&command.customer_external_id)?;
    if let Some(order) = &command.order_external_id {
        check_external_id(order, Code::OrderIdInvalid, "orderExternalId", "an order id")?;
    }
    let amount = check_amount(&command.amount)?;
    let fingerprint = Fingerprint {
        customer: &command.customer_external_id,
        amount_minor: amount.amount_minor,
        currency: amount.currency.code(),
        order: command.order_external_id.as_deref(),
    };
    let tx = app.db.begin().await?;
    let (tenant, key) = (command.brand.0, &command.idempotency_key);
    let begun = idempotency::begin_in_tx::<Entity>(&tx, app, tenant, "redeemStoreCredit", key, &fingerprint);
    let pending = match begun.await? {
        Begun::Fresh(pending) => pending,
        Begun::Replay(value) => {
            tx.commit().await?;
            return Ok(Outcome { value, replayed: true });
        }
    };
    let customer = find_customer_in_tx(&tx, command.brand, &command.customer_external_id).await?;
    let there = balances::lock_store_credit_in_tx(&tx, customer.id, amount.currency.code()).await?;
    if amount.amount_minor > there {
        let there = Money::new(there, amount.currency);
        return Err(Failure::refused_field(
            Code::InsufficientStoreCredit,
            "amount.amount",
            format!("this customer has {there} of store credit"),
        ));
    }
    let now = app.clock.now();
    let row = Model {
        id: app.ids.new_id(now),
        brand_id: command.brand,
        customer_id: customer.id,
        order_external_id: command.order_external_id,
        currency: amount.currency.code().to_owned(),
        amount_minor: amount.amount_minor,
        left_minor: there - amount.amount_minor,
        created_at: now,
    };
    Entity::insert(ActiveModel::from(row.clone()))
        .exec_without_returning(&tx)
        .await?;
    post::post_in_tx(&tx, app, vec![posting(&row, amount.currency)]).await?;
    let change = Change::of_fact(row.brand_id, "store_credit.redeemed", row.id);
    audit::record_in_tx(&tx, app, actor, change).await?;
    pending.settle(&tx, row.id.0).await?;
    app.commit(tx).await?;
    Ok(Outcome {
        value: row,
        replayed: false,
    })
}

fn posting(row: &Model, currency: Currency) -> Posting {
    let customer = Owner::Customer {
        customer: row.customer_id,
    };
    let line = |owner, kind, amount_minor| Line {
        owner,
        kind,
        amount_minor,
    };
    Posting {
        key: row.id.to_string(),
        kind: TransferKind::StoreCreditRedeemed,
        brand: row.brand_id,
        currency,
        commission: None,
        payout: None,
        adjustment: None,
        redemption: Some(row.id),
        occurred_at: row.created_at,
        lines: vec![
            line(customer, LedgerAccountKind::StoreCredit, -row.amount_minor),
            line(Owner::Brand, LedgerAccountKind::StoreCreditRedeemed, row.amount_minor),
        ],
    }
}
