//! Partner groups as the schema shows them.

use async_graphql::{ComplexObject, Context, ID, InputObject, MaybeUndefined, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{
    ids::{PartnerGroupId, ProgramId},
    partner_group,
};

use super::{CommissionRule, Questionnaire};
use crate::{
    connection,
    error::ApiError,
    graphql::{
        context::ContextExt,
        objects::{PartnerGroup, Program},
    },
    payload,
    programs::{
        error::{ProgramError, ProgramErrorCode},
        loaders::{QuestionnaireOfGroup, RulesOfGroup},
    },
};

/// A group's own fields; the schema's `PartnerGroup` is merged in `graphql/objects.rs`.
#[derive(Clone, Debug, SimpleObject)]
#[graphql(complex)]
pub struct PartnerGroupFields {
    /// Global id.
    pub id: ID,
    /// The name people read; unique among the program's groups that are not archived, case does not matter.
    pub name: String,
    /// Days a commission of the group stays pending; absent: as many as the program has. Taken over as a commission is
    /// earned: later changes, also of the group, do not move it.
    pub hold_days: Option<i32>,
    /// Whether the group's commissions are approved by themselves after the hold; absent: as the program has it.
    pub auto_approve_commissions: Option<bool>,
    /// Whether an application that would lead into this group is approved as it is sent. Only while the group is the
    /// program's default, and only the first application of a partner.
    pub auto_approve_applications: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was taken out of use; absent while it is in use.
    pub archived_at: Option<DateTime<Utc>>,
    #[graphql(skip)]
    pub row_id: PartnerGroupId,
    #[graphql(skip)]
    pub program_id: ProgramId,
}

impl From<partner_group::Model> for PartnerGroupFields {
    fn from(row: partner_group::Model) -> Self {
        Self {
            id: row.id.to_string().into(),
            name: row.name,
            hold_days: row.hold_days,
            auto_approve_commissions: row.auto_approve_commissions,
            auto_approve_applications: row.auto_approve_applications,
            created_at: row.created_at,
            archived_at: row.archived_at,
            row_id: row.id,
            program_id: row.program_id,
        }
    }
}

#[ComplexObject]
impl PartnerGroupFields {
    /// The program it is part of.
    async fn program(&self, ctx: &Context<'_>) -> Result<Option<Program>, ApiError> {
        Ok(ctx.load(self.program_id).await?.map(Program::from))
    }

    /// Whether new partnerships of the program come to this group.
    async fn is_default(&self, ctx: &Context<'_>) -> Result<Option<bool>, ApiError> {
        let program = ctx.load(self.program_id).await?;
        Ok(program.map(|program| program.default_group_id == Some(self.row_id)))
    }

    /// What events earn for the partnerships of the group: its active rules in the order in which they are tried, by
    /// position, then the newest first. At most 50. They go before the program's rules and behind personal terms.
    async fn commission_rules(&self, ctx: &Context<'_>) -> Result<Option<Vec<CommissionRule>>, ApiError> {
        let rows = ctx.load(RulesOfGroup(self.row_id)).await?.unwrap_or_default();
        Ok(Some(rows.into_iter().map(CommissionRule::from).collect()))
    }

    /// What this group asks instead of what the program asks, while it is the program's default; no questions: nothing.
    /// Absent when it asks what the program asks.
    async fn questionnaire(&self, ctx: &Context<'_>) -> Result<Option<Questionnaire>, ApiError> {
        let found = ctx.load(QuestionnaireOfGroup(self.row_id)).await?;
        found.as_ref().map(Questionnaire::stored).transpose()
    }
}

connection! {
    /// Partner groups of a program.
    PartnerGroupConnection, PartnerGroupEdge of PartnerGroup
}

/// A new partner group.
#[derive(InputObject)]
pub struct CreatePartnerGroupInput {
    /// The program it is part of.
    pub program_id: ID,
    /// 1 to 100 characters, unlike any other group's of the program.
    pub name: String,
    /// Days a commission stays pending: 0 to 365. Absent: the program's.
    pub hold_days: Option<i32>,
    /// Whether commissions are approved by themselves after the hold. Absent: as the program has it.
    pub auto_approve_commissions: Option<bool>,
    /// Whether applications that would lead into this group are approved as they are sent.
    #[graphql(default = false)]
    pub auto_approve_applications: bool,
}

/// What to change of a partner group; what is absent stays.
#[derive(InputObject)]
pub struct PartnerGroupPatchInput {
    /// 1 to 100 characters, unlike any other group's of the program.
    pub name: MaybeUndefined<String>,
    /// Days a commission stays pending: 0 to 365. Null: the program's.
    pub hold_days: MaybeUndefined<i32>,
    /// Whether commissions are approved by themselves after the hold. Null: as the program has it.
    pub auto_approve_commissions: MaybeUndefined<bool>,
    /// Whether applications that would lead into this group are approved as they are sent.
    pub auto_approve_applications: MaybeUndefined<bool>,
}

/// A change of a partner group.
#[derive(InputObject)]
pub struct UpdatePartnerGroupInput {
    /// The group.
    pub id: ID,
    /// What to change.
    pub patch: PartnerGroupPatchInput,
}

/// A partner group to archive.
#[derive(InputObject)]
pub struct ArchivePartnerGroupInput {
    /// The group. Nobody may be in it, and it may not be the program's default.
    pub id: ID,
}

/// Where new partnerships come to.
#[derive(InputObject)]
pub struct SetDefaultPartnerGroupInput {
    /// The program.
    pub program_id: ID,
    /// A group of the program. Null, which must be said: no group.
    pub group_id: MaybeUndefined<ID>,
}

payload! {
    /// What `createPartnerGroup` answers.
    CreatePartnerGroupPayload {
        /// The new group.
        partner_group: PartnerGroup
    } refused by ProgramError, ProgramErrorCode
}

payload! {
    /// What `updatePartnerGroup` answers.
    UpdatePartnerGroupPayload {
        /// The group as it is now.
        partner_group: PartnerGroup
    } refused by ProgramError, ProgramErrorCode
}

payload! {
    /// What `archivePartnerGroup` answers.
    ArchivePartnerGroupPayload {
        /// The group, archived.
        partner_group: PartnerGroup
    } refused by ProgramError, ProgramErrorCode
}

payload! {
    /// What `setDefaultPartnerGroup` answers.
    SetDefaultPartnerGroupPayload {
        /// The program with its new default.
        program: Program
    } refused by ProgramError, ProgramErrorCode
}
