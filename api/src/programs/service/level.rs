//! What the levels of a program's referral tree earn.

use entity::{
    ids::ProgramId,
    program,
    referral_level::{self, ReferralLevelKind},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder};

use super::{
    Result,
    earning::{Earning, check_earning},
    lock_living_in_tx,
};
use crate::{
    accounts::{actor::Actor, permissions::Operation},
    app::App,
    audit::{self, Change},
    error::Failure,
    programs::{error::ProgramErrorCode as Code, rules},
};

/// Puts these levels in place of all the program had.
pub async fn set_levels(
    app: &App,
    actor: &Actor,
    id: ProgramId,
    levels: Vec<(i32, Earning)>,
) -> Result<program::Model> {
    let tx = app.db.begin().await?;
    let program = lock_living_in_tx(&tx, actor, Operation::SetReferralLevels, id).await?;
    let numbers: Vec<i32> = levels.iter().map(|(level, _)| *level).collect();
    if !rules::are_levels(&numbers) {
        return Err(Failure::refused_field(
            Code::LevelsInvalid,
            "levels",
            format!("levels are 1 to n without gaps, at most {}", rules::MAX_LEVELS),
        ));
    }
    let now = app.clock.now();
    let mut rows = Vec::with_capacity(levels.len());
    for (index, (level, earning)) in levels.into_iter().enumerate() {
        let kind = match earning {
            Earning::PercentOfSale(_) => ReferralLevelKind::PercentOfSale,
            Earning::PercentOfCommission(_) => ReferralLevelKind::PercentOfCommission,
            Earning::Fixed { .. } | Earning::FixedPerItem { .. } => ReferralLevelKind::Fixed,
        };
        let columns = check_earning(&program, earning, &format!("levels.{index}.earning"))?;
        rows.push(referral_level::ActiveModel {
            id: Set(app.ids.new_id(now)),
            program_id: Set(id),
            brand_id: Set(program.brand_id),
            level: Set(level),
            kind: Set(kind),
            rate_ppm: Set(columns.rate_ppm),
            amount_minor: Set(columns.amount_minor),
            currency: Set(columns.currency),
        });
    }
    referral_level::Entity::delete_many()
        .filter(referral_level::Column::ProgramId.eq(id))
        .exec(&tx)
        .await?;
    if !rows.is_empty() {
        referral_level::Entity::insert_many(rows)
            .exec_without_returning(&tx)
            .await?;
    }
    let change = Change::of_fact(program.brand_id, "program.referral_levels_set", id);
    audit::record_in_tx(&tx, app, actor, change).await?;
    tx.commit().await?;
    Ok(program)
}

/// What the levels of programs' referral trees earn, from level 1 up.
pub async fn list_levels_in_tx(
    conn: &impl ConnectionTrait,
    programs: &[ProgramId],
) -> std::result::Result<Vec<referral_level::Model>, DbErr> {
    referral_level::Entity::find()
        .filter(referral_level::Column::ProgramId.is_in(programs.iter().copied()))
        .order_by_asc(referral_level::Column::Level)
        .all(conn)
        .await
}
