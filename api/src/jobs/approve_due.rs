//! Approves conversions whose hold period is over, in programs that ask for it.

use entity::{
    TenantScoped,
    conversion::{self, ConversionState},
    ids::ConversionId,
    order::{self, CaptureState},
    partner_group,
    partnership::{self, PartnershipState},
    program,
};
use sea_orm::{ColumnTrait, Condition, DbErr, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect};

use crate::{app::App, conversions::service::review, error::Failure};

/// Conversions looked at in one go.
const BATCH: u64 = 500;

/// Approves everything that is due by the clock; returns how many.
pub async fn approve_due(app: &App) -> Result<usize, String> {
    let mut approved = 0;
    let mut after = None;
    loop {
        let due = list_due(app, after).await.map_err(|error| error.to_string())?;
        let Some(last) = due.last() else { return Ok(approved) };
        after = Some(*last);
        for id in due {
            match review::approve_due_conversion(app, id).await {
                Ok(_) => approved += 1,
                // Somebody decided meanwhile: that decision stands.
                Err(Failure::Refused(_)) => {}
                Err(Failure::Api(error)) => return Err(error.log_text()),
            }
        }
    }
}

/// The next batch of due conversions, in the order of their ids.
async fn list_due(app: &App, after: Option<ConversionId>) -> Result<Vec<ConversionId>, DbErr> {
    let mut select = conversion::Entity::find_live()
        .select_only()
        .column(conversion::Column::Id)
        .join(
            JoinType::InnerJoin,
            conversion::Entity::belongs_to(program::Entity)
                .from(conversion::Column::ProgramId)
                .to(program::Column::Id)
                .into(),
        )
        .join(
            JoinType::LeftJoin,
            conversion::Entity::belongs_to(order::Entity)
                .from(conversion::Column::OrderId)
                .to(order::Column::Id)
                .into(),
        )
        .join(
            JoinType::InnerJoin,
            conversion::Entity::belongs_to(partnership::Entity)
                .from(conversion::Column::PartnershipId)
                .to(partnership::Column::Id)
                .into(),
        )
        .join(
            JoinType::LeftJoin,
            partnership::Entity::belongs_to(partner_group::Entity)
                .from(partnership::Column::GroupId)
                .to(partner_group::Column::Id)
                .into(),
        )
        // What a banned partner is credited with waits for a person.
        .filter(partnership::Column::State.ne(PartnershipState::Banned))
        // What is only authorised waits for its final capture.
        .filter(
            Condition::any()
                .add(order::Column::Id.is_null())
                .add(order::Column::CaptureState.eq(CaptureState::Captured)),
        )
        .filter(conversion::Column::State.eq(ConversionState::Pending))
        .filter(conversion::Column::HoldUntil.lte(app.clock.now()))
        .filter(approves_by_itself());
    if let Some(after) = after {
        select = select.filter(conversion::Column::Id.gt(after));
    }
    select
        .order_by_asc(conversion::Column::Id)
        .limit(BATCH)
        .into_tuple()
        .all(app.db.read())
        .await
}

/// As the group of the partnership has it now, or else the program.
fn approves_by_itself() -> Condition {
    let of_group = partner_group::Column::AutoApproveCommissions;
    Condition::any().add(of_group.eq(true)).add(
        Condition::all()
            .add(of_group.is_null())
            .add(program::Column::AutoApproveCommissions.eq(true)),
    )
}
