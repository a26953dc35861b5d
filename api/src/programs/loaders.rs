//! Batches of program rows. They are reached through a row the caller may see (a listing, a partnership, an
//! application), and then the program with its rules and terms may be seen as well; the door of its own is
//! [`VisibleProgram`].

use std::{collections::HashMap, hash::Hash};

use async_graphql::dataloader::Loader;
use entity::{
    admission_policy, commission_rule,
    ids::{CommissionRuleId, PartnerGroupId, PartnerId, ProgramId, ProgramTermsId, QuestionnaireId},
    partner_group, partnership, program, program_terms, questionnaire, referral_level,
};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder,
    sea_query::{Expr, ExprTrait, Query},
};

use crate::{
    graphql::context::{Batch, LoadError},
    programs::service,
};

/// A program the caller may find by its id alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct VisibleProgram(pub ProgramId);

/// The active commission rules of a program for everybody in it, in the order in which they are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RulesOf(pub ProgramId);

/// The referral levels of a program, from 1 up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LevelsOf(pub ProgramId);

/// The current terms of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TermsOf(pub ProgramId);

impl Loader<ProgramId> for Batch {
    type Value = program::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[ProgramId]) -> Result<HashMap<ProgramId, program::Model>, LoadError> {
        let rows = program::Entity::find()
            .filter(program::Column::Id.is_in(keys.iter().copied()))
            .all(self.app.db.read())
            .await?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}

impl Loader<VisibleProgram> for Batch {
    type Value = program::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[VisibleProgram]) -> Result<HashMap<VisibleProgram, program::Model>, LoadError> {
        let rows = program::Entity::find()
            .filter(program::Column::Id.is_in(keys.iter().map(|key| key.0)))
            .all(self.app.db.read())
            .await?;
        Ok(rows
            .into_iter()
            .filter(|row| service::is_visible(&self.actor, row))
            .map(|row| (VisibleProgram(row.id), row))
            .collect())
    }
}

impl Loader<ProgramTermsId> for Batch {
    type Value = program_terms::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[ProgramTermsId]) -> Result<HashMap<ProgramTermsId, program_terms::Model>, LoadError> {
        let rows = program_terms::Entity::find()
            .filter(program_terms::Column::Id.is_in(keys.iter().copied()))
            .all(self.app.db.read())
            .await?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}

impl Loader<RulesOf> for Batch {
    type Value = Vec<commission_rule::Model>;
    type Error = LoadError;

    async fn load(&self, keys: &[RulesOf]) -> Result<HashMap<RulesOf, Vec<commission_rule::Model>>, LoadError> {
        let rows = commission_rule::Entity::find()
            .filter(commission_rule::Column::ProgramId.is_in(keys.iter().map(|key| key.0)))
            .filter(service::for_everybody())
            .filter(commission_rule::Column::ArchivedAt.is_null())
            .order_by_asc(commission_rule::Column::Position)
            .order_by_desc(commission_rule::Column::Id)
            .all(self.app.db.read())
            .await?;
        Ok(grouped(rows, |row| RulesOf(row.program_id)))
    }
}

/// Rules, for `node`: whoever may see a program may see what it pays. What it used to pay is its brand's business.
impl Loader<CommissionRuleId> for Batch {
    type Value = commission_rule::Model;
    type Error = LoadError;

    async fn load(
        &self,
        keys: &[CommissionRuleId],
    ) -> Result<HashMap<CommissionRuleId, commission_rule::Model>, LoadError> {
        let rules = commission_rule::Entity::find()
            .filter(commission_rule::Column::Id.is_in(keys.iter().copied()))
            .all(self.app.db.read())
            .await?;
        let programs = program::Entity::find()
            .filter(program::Column::Id.is_in(rules.iter().map(|rule| rule.program_id)))
            .all(self.app.db.read())
            .await?;
        let mine = partnership::Entity::find()
            .filter(partnership::Column::PartnerId.is_in(self.actor.partners.iter().copied()))
            .filter(
                Condition::any()
                    .add(partnership::Column::Id.is_in(rules.iter().filter_map(|rule| rule.partnership_id)))
                    .add(partnership::Column::GroupId.is_in(rules.iter().filter_map(|rule| rule.group_id))),
            )
            .all(self.app.db.read())
            .await?;
        let may_see = |rule: &commission_rule::Model| {
            let program = programs.iter().find(|program| program.id == rule.program_id);
            let holds = |row: &&partnership::Model| {
                rule.partnership_id == Some(row.id) || (rule.group_id.is_some() && rule.group_id == row.group_id)
            };
            let holders: Vec<PartnerId> = mine.iter().filter(holds).map(|row| row.partner_id).collect();
            program.is_some_and(|program| service::may_see_rule(&self.actor, program, rule, &holders))
        };
        Ok(rules.into_iter().filter(may_see).map(|rule| (rule.id, rule)).collect())
    }
}

/// The active commission rules of a partner group, in the order in which they are tried. The door is the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RulesOfGroup(pub PartnerGroupId);

impl Loader<RulesOfGroup> for Batch {
    type Value = Vec<commission_rule::Model>;
    type Error = LoadError;

    async fn load(
        &self,
        keys: &[RulesOfGroup],
    ) -> Result<HashMap<RulesOfGroup, Vec<commission_rule::Model>>, LoadError> {
        let rows = commission_rule::Entity::find()
            .filter(commission_rule::Column::GroupId.is_in(keys.iter().map(|key| key.0)))
            .filter(commission_rule::Column::ArchivedAt.is_null())
            .order_by_asc(commission_rule::Column::Position)
            .order_by_desc(commission_rule::Column::Id)
            .all(self.app.db.read())
            .await?;
        Ok(rows.into_iter().fold(HashMap::new(), |mut groups, row| {
            if let Some(group) = row.group_id {
                groups.entry(RulesOfGroup(group)).or_insert_with(Vec::new).push(row);
            }
            groups
        }))
    }
}

/// Partner groups, for the brand's people and the partners in them.
impl Loader<PartnerGroupId> for Batch {
    type Value = partner_group::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[PartnerGroupId]) -> Result<HashMap<PartnerGroupId, partner_group::Model>, LoadError> {
        let rows = partner_group::Entity::find()
            .filter(partner_group::Column::Id.is_in(keys.iter().copied()))
            .all(self.app.db.read())
            .await?;
        let mine = partnership::Entity::find()
            .filter(partnership::Column::PartnerId.is_in(self.actor.partners.iter().copied()))
            .filter(partnership::Column::GroupId.is_in(keys.iter().copied()))
            .all(self.app.db.read())
            .await?;
        let may_see = |group: &partner_group::Model| {
            let within = mine.iter().filter(|row| row.group_id == Some(group.id));
            let partners: Vec<PartnerId> = within.map(|row| row.partner_id).collect();
            service::may_see_group(&self.actor, group, &partners)
        };
        Ok(rows.into_iter().filter(may_see).map(|row| (row.id, row)).collect())
    }
}

impl Loader<LevelsOf> for Batch {
    type Value = Vec<referral_level::Model>;
    type Error = LoadError;

    async fn load(&self, keys: &[LevelsOf]) -> Result<HashMap<LevelsOf, Vec<referral_level::Model>>, LoadError> {
        let rows = referral_level::Entity::find()
            .filter(referral_level::Column::ProgramId.is_in(keys.iter().map(|key| key.0)))
            .order_by_asc(referral_level::Column::Level)
            .all(self.app.db.read())
            .await?;
        Ok(grouped(rows, |row| LevelsOf(row.program_id)))
    }
}

impl Loader<TermsOf> for Batch {
    type Value = program_terms::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[TermsOf]) -> Result<HashMap<TermsOf, program_terms::Model>, LoadError> {
        use program_terms::{Column, Entity};
        // A text may be long and have many versions: the database picks the newest, instead of sending all of them.
        let newest = Query::select()
            .expr(Expr::col(("newest", Column::Version)).max())
            .from_as(Entity, "newest")
            .and_where(Expr::col(("newest", Column::ProgramId)).equals((Entity, Column::ProgramId)))
            .to_owned();
        let rows = Entity::find()
            .filter(Column::ProgramId.is_in(keys.iter().map(|key| key.0)))
            .filter(Column::Version.in_subquery(newest))
            .all(self.app.db.read())
            .await?;
        Ok(rows.into_iter().map(|row| (TermsOf(row.program_id), row)).collect())
    }
}

/// What is asked of those who would come into a group of a program, or into none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct QuestionnaireFor(pub ProgramId, pub Option<PartnerGroupId>);

impl Loader<QuestionnaireFor> for Batch {
    type Value = questionnaire::Model;
    type Error = LoadError;

    async fn load(
        &self,
        keys: &[QuestionnaireFor],
    ) -> Result<HashMap<QuestionnaireFor, questionnaire::Model>, LoadError> {
        let wanted = keys.iter().fold(Condition::any(), |wanted, key| {
            let wanted = wanted.add(service::whose_questionnaire(key.0, None));
            match key.1 {
                Some(group) => wanted.add(service::whose_questionnaire(key.0, Some(group))),
                None => wanted,
            }
        });
        let rows = service::current_questionnaires(wanted).all(self.app.db.read()).await?;
        let found = keys.iter().filter_map(|key| {
            let of_program = rows.iter().filter(|row| row.program_id == key.0).cloned();
            service::pick_questionnaire(of_program, key.1).map(|row| (*key, row))
        });
        Ok(found.collect())
    }
}

/// A group's own questionnaire. The door is the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct QuestionnaireOfGroup(pub PartnerGroupId);

impl Loader<QuestionnaireOfGroup> for Batch {
    type Value = questionnaire::Model;
    type Error = LoadError;

    async fn load(
        &self,
        keys: &[QuestionnaireOfGroup],
    ) -> Result<HashMap<QuestionnaireOfGroup, questionnaire::Model>, LoadError> {
        let groups = questionnaire::Column::GroupId.is_in(keys.iter().map(|key| key.0));
        let rows = service::current_questionnaires(Condition::all().add(groups))
            .all(self.app.db.read())
            .await?;
        let own = rows.into_iter().filter(|row| row.questions.is_some());
        Ok(own
            .filter_map(|row| row.group_id.map(|group| (QuestionnaireOfGroup(group), row)))
            .collect())
    }
}

/// A version that was answered. The door is the application.
impl Loader<QuestionnaireId> for Batch {
    type Value = questionnaire::Model;
    type Error = LoadError;

    async fn load(
        &self,
        keys: &[QuestionnaireId],
    ) -> Result<HashMap<QuestionnaireId, questionnaire::Model>, LoadError> {
        let rows = questionnaire::Entity::find()
            .filter(questionnaire::Column::Id.is_in(keys.iter().copied()))
            .all(self.app.db.read())
            .await?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}

/// How partners come into a program. The door asks who may see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AdmissionOf(pub ProgramId);

impl Loader<AdmissionOf> for Batch {
    type Value = admission_policy::Model;
    type Error = LoadError;

    async fn load(&self, keys: &[AdmissionOf]) -> Result<HashMap<AdmissionOf, admission_policy::Model>, LoadError> {
        let rows = admission_policy::Entity::find()
            .filter(admission_policy::Column::ProgramId.is_in(keys.iter().map(|key| key.0)))
            .all(self.app.db.read())
            .await?;
        Ok(rows.into_iter().map(|row| (AdmissionOf(row.program_id), row)).collect())
    }
}

fn grouped<K: Eq + Hash, R>(rows: Vec<R>, key: impl Fn(&R) -> K) -> HashMap<K, Vec<R>> {
    let mut groups: HashMap<K, Vec<R>> = HashMap::new();
    for row in rows {
        groups.entry(key(&row)).or_default().push(row);
    }
    groups
}
