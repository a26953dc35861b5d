//! Use cases of partners' balances.

use entity::{
    TenantScoped,
    adjustment::{self, AdjustmentKind},
    api_key::ApiKeyMode,
    conversion,
    ids::{BrandId, CustomerId, OrderId, PartnerId, PartnershipId},
    ledger_account::LedgerAccountKind,
    ledger_transfer::TransferKind,
    order, partnership,
};
use rust_decimal::Decimal;
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, ExprTrait, Func},
};
use serde::Serialize;

use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
    },
    adjustments::error::AdjustmentErrorCode as Code,
    app::App,
    audit,
    commissions::service::release_all_in_tx,
    error::{ApiError, Failure, Fault},
    idempotency::{self, Begun, Key, Outcome},
    ledger::{
        balances,
        post::{self, Line, Owner, Posting},
    },
    money::{Currency, Money},
    page::{self, Page, Slice},
};

type Result<T> = std::result::Result<T, Failure<Code>>;

/// A change that somebody asks for.
#[derive(Clone, Debug)]
pub struct Change {
    /// Major units and the code of their currency.
    pub amount: (Decimal, String),
    pub reason: String,
    pub key: Key,
}

/// Which way a correction goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Credit,
    Debit,
}

#[derive(Serialize)]
struct Fingerprint<'a> {
    subject: String,
    amount_minor: i64,
    currency: &'a str,
    reason: &'a str,
}

/// What is to be made, checked as far as it can be without looking.
struct Asked {
    amount: Money,
    reason: String,
    key: Key,
}

impl Asked {
    fn check(change: Change) -> Result<Self> {
        let (amount, currency) = change.amount;
        let currency = check_currency(&currency, "amount.currency")?;
        let amount = Money::from_decimal(amount, currency)
            .map_err(|error| Failure::refused_field(Code::AmountInvalid, "amount.amount", error))?;
        if amount.amount_minor == 0 {
            return Err(Failure::refused_field(
                Code::AmountInvalid,
                "amount.amount",
                "an amount is above zero",
            ));
        }
        Ok(Self {
            amount,
            reason: check_reason(&change.reason)?,
            key: change.key,
        })
    }
}

fn check_currency(code: &str, field: &'static str) -> Result<Currency> {
    code.parse()
        .map_err(|error| Failure::refused_field(Code::CurrencyUnknown, field, error))
}

fn check_reason(reason: &str) -> Result<String> {
    audit::clean_reason(reason)
        .map(str::to_owned)
        .ok_or_else(|| Failure::refused_field(Code::ReasonInvalid, "reason", "a reason has 1 to 500 characters"))
}

async fn find_partnership_in_tx(
    tx: &DatabaseTransaction,
    actor: &Actor,
    operation: Operation,
    id: PartnershipId,
) -> Result<partnership::Model> {
    let row = partnership::Entity::find_within(&actor.reach())
        .filter(partnership::Column::Id.eq(id))
        .one(tx)
        .await?
        .ok_or_else(|| ApiError::not_found("partnership"))?;
    actor.authorise(operation, Place::brand(row.brand_id))?;
    Ok(row)
}

/// Gives a partner something beside its commissions, or takes it.
pub async fn adjust_balance(
    app: &App,
    actor: &Actor,
    id: PartnershipId,
    direction: Direction,
    change: Change,
) -> Result<Outcome<adjustment::Model>> {
    let asked = Asked::check(change)?;
    let tx = app.db.begin().await?;
    let partnership = find_partnership_in_tx(&tx, actor, Operation::AdjustBalance, id).await?;
    let amount_minor = match direction {
        Direction::Credit => asked.amount.amount_minor,
        Direction::Debit => -asked.amount.amount_minor,
    };
    let making = Making {
        operation: "adjustBalance",
        subject: id.to_string(),
        kind: AdjustmentKind::Correction,
        amount_minor,
        order: None,
    };
    make_in_tx(tx, app, actor, &partnership, making, asked, async |_| Ok(())).await
}

/// Charges whoever was credited with an order what sending it in vain has cost.
pub async fn charge_penalty(
    app: &App,
    actor: &Actor,
    id: OrderId,
    change: Change,
) -> Result<Outcome<adjustment::Model>> {
    let asked = Asked::check(change)?;
    let tx = app.db.begin().await?;
    let order = order::Entity::find_within(&actor.reach())
        .filter(order::Column::Id.eq(id))
        .lock_exclusive()
        .one(&tx)
        .await?
        .ok_or_else(|| ApiError::not_found("order"))?;
    actor.authorise(Operation::ChargeShippingPenalty, Place::brand(order.brand_id))?;
    let partnership = credited_in_tx(&tx, &order).await?;
    let making = Making {
        operation: "chargeShippingPenalty",
        subject: id.to_string(),
        kind: AdjustmentKind::ShippingPenalty,
        amount_minor: -asked.amount.amount_minor,
        order: Some(id),
    };
    let amount = asked.amount;
    make_in_tx(tx, app, actor, &partnership, making, asked, async |tx| {
        check_penalty_in_tx(tx, &order, amount).await
    })
    .await
}

/// Gives up what a partner owes.
pub async fn write_off_balance(
    app: &App,
    actor: &Actor,
    id: PartnershipId,
    change: Change,
) -> Result<Outcome<adjustment::Model>> {
    let asked = Asked::check(change)?;
    let tx = app.db.begin().await?;
    let partnership = find_partnership_in_tx(&tx, actor, Operation::WriteOffBalance, id).await?;
    let making = Making {
        operation: "writeOffBalance",
        subject: id.to_string(),
        kind: AdjustmentKind::WriteOff,
        amount_minor: asked.amount.amount_minor,
        order: None,
    };
    let amount = asked.amount;
    make_in_tx(tx, app, actor, &partnership, making, asked, async |tx| {
        let available = balances::lock_available_in_tx(tx, id, amount.currency.code()).await?;
        if amount.amount_minor > -available {
            return Err(Failure::refused_field(
                Code::NoSuchDebt,
                "amount.amount",
                format!(
                    "{} is available: there is no debt of {amount}",
                    Money::new(available, amount.currency)
                ),
            ));
        }
        Ok(())
    })
    .await
}

/// Releases what is kept in reserve of a partnership in a currency.
pub async fn release_reserve(
    app: &App,
    actor: &Actor,
    id: PartnershipId,
    currency: &str,
    reason: &str,
    key: &Key,
) -> Result<Outcome<partnership::Model>> {
    let currency = check_currency(currency, "currency")?;
    let reason = check_reason(reason)?;
    let tx = app.db.begin().await?;
    let row = find_partnership_in_tx(&tx, actor, Operation::ReleaseReserve, id).await?;
    let fingerprint = Fingerprint {
        subject: id.to_string(),
        amount_minor: 0,
        currency: currency.code(),
        reason: &reason,
    };
    let begun =
        idempotency::begin_in_tx::<partnership::Entity>(&tx, app, row.brand_id.0, "releaseReserve", key, &fingerprint);
    let pending = match begun.await? {
        Begun::Fresh(pending) => pending,
        Begun::Replay(value) => {
            tx.commit().await?;
            return Ok(Outcome { value, replayed: true });
        }
    };
    balances::lock_all_available_in_tx(&tx, [id]).await?;
    if release_all_in_tx(&tx, app, id, currency.code()).await? == 0 {
        return Err(Failure::refused_field(
            Code::NothingReserved,
            "currency",
            format!("nothing is kept in reserve in {currency}"),
        ));
    }
    let change = audit::Change {
        reason: Some(&reason),
        ..audit::Change::of_fact(row.brand_id, "reserve.released", row.id)
    };
    audit::record_in_tx(&tx, app, actor, change).await?;
    pending.settle(&tx, row.id.0).await?;
    app.commit(tx).await?;
    Ok(Outcome {
        value: row,
        replayed: false,
    })
}

/// What an operation makes.
struct Making {
    operation: &'static str,
    /// What it was asked for.
    subject: String,
    kind: AdjustmentKind,
    /// What is added to the available balance.
    amount_minor: i64,
    order: Option<OrderId>,
}

async fn make_in_tx(
    tx: DatabaseTransaction,
    app: &App,
    actor: &Actor,
    partnership: &partnership::Model,
    making: Making,
    asked: Asked,
    check: impl AsyncFnOnce(&DatabaseTransaction) -> Result<()>,
) -> Result<Outcome<adjustment::Model>> {
    let fingerprint = Fingerprint {
        subject: making.subject,
        amount_minor: making.amount_minor,
        currency: asked.amount.currency.code(),
        reason: &asked.reason,
    };
    let tenant = partnership.brand_id.0;
    let begun =
        idempotency::begin_in_tx::<adjustment::Entity>(&tx, app, tenant, making.operation, &asked.key, &fingerprint);
    let pending = match begun.await? {
        Begun::Fresh(pending) => pending,
        Begun::Replay(value) => {
            tx.commit().await?;
            return Ok(Outcome { value, replayed: true });
        }
    };
    check(&tx).await?;
    let now = app.clock.now();
    let row = adjustment::Model {
        id: app.ids.new_id(now),
        brand_id: partnership.brand_id,
        program_id: partnership.program_id,
        partnership_id: partnership.id,
        partner_id: partnership.partner_id,
        order_id: making.order,
        kind: making.kind,
        currency: asked.amount.currency.code().to_owned(),
        amount_minor: making.amount_minor,
        reason: asked.reason,
        created_at: now,
    };
    write_in_tx(&tx, app, actor, &row, asked.amount.currency, Owner::Brand).await?;
    pending.settle(&tx, row.id.0).await?;
    app.commit(tx).await?;
    Ok(Outcome {
        value: row,
        replayed: false,
    })
}

/// Takes of what a partner has available what a customer is given as store credit. Whoever calls has locked the balance, and
/// found that it is there.
pub async fn give_store_credit_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    partnership: &partnership::Model,
    customer: CustomerId,
    amount: Money,
    reason: String,
) -> std::result::Result<adjustment::Model, Fault> {
    let now = app.clock.now();
    let row = adjustment::Model {
        id: app.ids.new_id(now),
        brand_id: partnership.brand_id,
        program_id: partnership.program_id,
        partnership_id: partnership.id,
        partner_id: partnership.partner_id,
        order_id: None,
        kind: AdjustmentKind::StoreCredit,
        currency: amount.currency.code().to_owned(),
        amount_minor: -amount.amount_minor,
        reason,
        created_at: now,
    };
    write_in_tx(tx, app, actor, &row, amount.currency, Owner::Customer { customer }).await?;
    Ok(row)
}

/// Writes a change, moves what it says from or to whoever is on the other side of it, and remembers who did it.
async fn write_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    row: &adjustment::Model,
    currency: Currency,
    other: Owner,
) -> std::result::Result<(), Fault> {
    adjustment::Entity::insert(adjustment::ActiveModel::from(row.clone()))
        .exec_without_returning(tx)
        .await?;
    post::post_in_tx(tx, app, vec![posting(row, currency, other)]).await?;
    let change = audit::Change {
        reason: Some(&row.reason),
        ..audit::Change::of_fact(row.brand_id, action(row.kind), row.id)
    };
    audit::record_in_tx(tx, app, actor, change).await?;
    Ok(())
}

fn action(kind: AdjustmentKind) -> &'static str {
    match kind {
        AdjustmentKind::Correction => "balance.adjusted",
        AdjustmentKind::ShippingPenalty => "balance.penalised",
        AdjustmentKind::WriteOff => "balance.written_off",
        AdjustmentKind::StoreCredit => "balance.given_as_store_credit",
    }
}

fn posting(row: &adjustment::Model, currency: Currency, other: Owner) -> Posting {
    let (kind, account) = match row.kind {
        AdjustmentKind::Correction => (TransferKind::BalanceCorrected, LedgerAccountKind::CommissionExpense),
        AdjustmentKind::ShippingPenalty => (TransferKind::PenaltyCharged, LedgerAccountKind::PenaltyIncome),
        AdjustmentKind::WriteOff => (TransferKind::DebtWrittenOff, LedgerAccountKind::BadDebt),
        AdjustmentKind::StoreCredit => (TransferKind::StoreCreditGiven, LedgerAccountKind::StoreCredit),
    };
    let partner = Owner::Partnership {
        partnership: row.partnership_id,
        partner: row.partner_id,
    };
    let line = |owner, kind, amount_minor| Line {
        owner,
        kind,
        amount_minor,
    };
    Posting {
        key: row.id.to_string(),
        kind,
        brand: row.brand_id,
        currency,
        commission: None,
        payout: None,
        adjustment: Some(row.id),
        redemption: None,
        occurred_at: row.created_at,
        lines: vec![
            line(other, account, -row.amount_minor),
            line(partner, LedgerAccountKind::Available, row.amount_minor),
        ],
    }
}

/// Who was credited with an order.
async fn credited_in_tx(tx: &DatabaseTransaction, order: &order::Model) -> Result<partnership::Model> {
    let credited: Option<PartnershipId> = conversion::Entity::find()
        .select_only()
        .column(conversion::Column::PartnershipId)
        .filter(conversion::Column::OrderId.eq(order.id))
        .filter(conversion::Column::Mode.eq(ApiKeyMode::Live))
        .filter(conversion::Column::PartnershipId.is_not_null())
        .into_tuple()
        .one(tx)
        .await?;
    let refused = || Failure::refused_field(Code::OrderNotCredited, "orderId", "nobody was credited with this order");
    let row = partnership::Entity::find_by_id(credited.ok_or_else(refused)?)
        .one(tx)
        .await?;
    Ok(row.ok_or_else(|| Fault::new("a credited partnership is gone"))?)
}

/// All penalties of an order come to no more than it did.
async fn check_penalty_in_tx(tx: &DatabaseTransaction, order: &order::Model, amount: Money) -> Result<()> {
    if amount.currency.code() != order.currency {
        return Err(Failure::refused_field(
            Code::AmountInvalid,
            "amount.currency",
            format!("the order is in {}", order.currency),
        ));
    }
    let earlier: Option<Option<i64>> = adjustment::Entity::find()
        .select_only()
        .column_as(
            Func::sum(Expr::col(adjustment::Column::AmountMinor)).cast_as("bigint"),
            "sum",
        )
        .filter(adjustment::Column::OrderId.eq(order.id))
        .into_tuple()
        .one(tx)
        .await?;
    let left = order.amount_minor + earlier.flatten().unwrap_or(0);
    if amount.amount_minor > left {
        return Err(Failure::refused_field(
            Code::PenaltyTooLarge,
            "amount.amount",
            format!("at most {} more", Money::new(left, amount.currency)),
        ));
    }
    Ok(())
}

/// Reach is not enough: not everyone in a brand sees money.
#[must_use]
pub fn may_see_adjustment(actor: &Actor, row: &adjustment::Model) -> bool {
    let place = Place::shared(row.brand_id, row.partner_id);
    actor.authorise(Operation::SeeAdjustments, place).is_ok()
}

pub async fn list_adjustments(
    app: &App,
    actor: &Actor,
    partnership: PartnershipId,
    (brand, partner): (BrandId, PartnerId),
    page: &Page,
) -> std::result::Result<Slice<adjustment::Model>, ApiError> {
    actor.authorise(Operation::SeeAdjustments, Place::shared(brand, partner))?;
    let select =
        adjustment::Entity::find_within(&actor.reach()).filter(adjustment::Column::PartnershipId.eq(partnership));
    page::fetch(
        app.db.read(),
        select,
        adjustment::Column::Id,
        |row: &adjustment::Model| row.id.0,
        page,
    )
    .await
    .map_err(ApiError::internal)
}
