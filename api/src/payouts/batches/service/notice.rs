//! A mail to those who release a brand's money: what its schedule has drafted waits for them.

use entity::{
    brand,
    brand_member::{self, BrandRole},
    ids::PayoutBatchId,
    mail::MailKind,
    payout,
    payout_batch::{self, PayoutBatchState},
    user,
};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, Iterable, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait, Func},
};

use crate::{
    accounts::permissions::Operation,
    app::App,
    error::Fault,
    mail::{self, Mail},
    money::Money,
};

/// People who are told, at most.
const MAX_NOTIFIED: u64 = 50;

/// One batch as the mail names it.
struct Drafted {
    id: PayoutBatchId,
    total: Money,
    count: i64,
}

/// Names the batches drafted for the day that has come and still waiting, if there are any.
pub(super) async fn tell_in_tx(tx: &DatabaseTransaction, app: &App, brand: &brand::Model) -> Result<(), Fault> {
    let drafted = list_drafted_in_tx(tx, brand).await?;
    if drafted.is_empty() {
        return Ok(());
    }
    for person in list_releasers_in_tx(tx, brand).await? {
        let mail = Mail {
            user: Some(person.id),
            kind: MailKind::PayoutsDrafted,
            subject: format!("Payouts of {} wait for approval", brand.name),
            text: text(&person.display_name, &brand.name, &drafted),
            to: person.email,
        };
        mail::enqueue_in_tx(tx, app, mail).await?;
    }
    Ok(())
}

async fn list_drafted_in_tx(tx: &DatabaseTransaction, brand: &brand::Model) -> Result<Vec<Drafted>, Fault> {
    let batches: Vec<PayoutBatchId> = payout_batch::Entity::find()
        .select_only()
        .column(payout_batch::Column::Id)
        .filter(payout_batch::Column::BrandId.eq(brand.id))
        .filter(payout_batch::Column::State.eq(PayoutBatchState::Draft))
        .filter(payout_batch::Column::IsScheduled.eq(true))
        .filter(payout_batch::Column::CreatedAt.gte(brand.next_payouts_at))
        .into_tuple()
        .all(tx)
        .await?;
    let sums: Vec<(PayoutBatchId, String, i64, i64)> = payout::Entity::find()
        .select_only()
        .column(payout::Column::BatchId)
        .column(payout::Column::Currency)
        .column_as(
            Func::sum(Expr::col(payout::Column::AmountMinor)).cast_as("bigint"),
            "amount_minor",
        )
        .column_as(Func::count(Expr::col(payout::Column::Id)).cast_as("bigint"), "count")
        .filter(payout::Column::BatchId.is_in(batches))
        .group_by(payout::Column::BatchId)
        .group_by(payout::Column::Currency)
        .order_by_asc(payout::Column::BatchId)
        .into_tuple()
        .all(tx)
        .await?;
    let drafted = |(id, currency, amount_minor, count): (PayoutBatchId, String, i64, i64)| {
        let total = Money::new(amount_minor, currency.parse().map_err(Fault::new)?);
        Ok(Drafted { id, total, count })
    };
    sums.into_iter().map(drafted).collect()
}

/// Members who may release it and whose address is proved.
async fn list_releasers_in_tx(tx: &DatabaseTransaction, brand: &brand::Model) -> Result<Vec<user::Model>, DbErr> {
    let allowed = Operation::ApprovePayoutBatch.allowed();
    let roles = BrandRole::iter().filter(|role| allowed.contains(&(*role).into()));
    let members = brand_member::Entity::find()
        .select_only()
        .column(brand_member::Column::UserId)
        .filter(brand_member::Column::BrandId.eq(brand.id))
        .filter(brand_member::Column::Role.is_in(roles));
    user::Entity::find()
        .filter(user::Column::Id.in_subquery(members.into_query()))
        .filter(user::Column::EmailVerifiedAt.is_not_null())
        .order_by_asc(user::Column::Id)
        .limit(MAX_NOTIFIED)
        .all(tx)
        .await
}

fn text(person: &str, brand: &str, drafted: &[Drafted]) -> String {
    let lines: String = drafted
        .iter()
        .map(|batch| {
            let payouts = if batch.count == 1 { "payout" } else { "payouts" };
            format!("{}: {} {payouts}, {}\n", batch.id, batch.count, batch.total)
        })
        .collect();
    format!(
        "Hello {person},\n\nthe schedule of {brand} has drafted what is due:\n\n{lines}\nNothing leaves before somebody approves and \
         submits it.\n"
    )
}
