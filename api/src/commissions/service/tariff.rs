//! What credited events earn: rules, groups, levels and referral trees as they stand.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    commission_rule::{self, ConversionEvent},
    ids::{PartnerGroupId, PartnershipId, ProgramId},
    partner_group,
    partnership::{self, PartnershipState},
    program, referral_level,
};
use sea_orm::DatabaseTransaction;

use crate::{
    commissions::rules::{
        self, Ancestor, Conditions, Earnings, Holder, Level, Line as OrderLine, Rule, RuleLevel, Standing,
    },
    error::Fault,
    money::{Currency, Money},
    partnerships::service as partnerships,
    programs::service as programs,
};

/// A credited event whose earnings are to be found.
pub struct Credited<'a> {
    pub program: &'a program::Model,
    pub partnership: &'a partnership::Model,
    pub event: ConversionEvent,
    pub base: Option<Money>,
    /// What makes up the base, when its order came with lines.
    pub lines: &'a [OrderLine],
    pub occurred_at: DateTime<Utc>,
}

/// Earnings with the rows above the credited partnership, which name their partners.
#[derive(Clone, Debug)]
pub struct Assessed {
    pub earnings: Earnings,
    /// Until when all of it is held, overrides too.
    pub hold_until: DateTime<Utc>,
    pub(super) upline: Vec<(i32, partnership::Model)>,
}

/// What events of some programs earn: their rules, groups, levels and referral trees as they stand.
#[derive(Default)]
pub struct Tariff {
    groups: HashMap<PartnerGroupId, partner_group::Model>,
    rules: HashMap<(ProgramId, ConversionEvent), Vec<(Standing, Rule)>>,
    levels: HashMap<ProgramId, Vec<Level>>,
    uplines: HashMap<PartnershipId, Vec<(i32, partnership::Model)>>,
}

fn fixed(amount_minor: Option<i64>, currency: Option<&String>) -> Result<Option<Money>, Fault> {
    match (amount_minor, currency) {
        (Some(amount), Some(currency)) => Ok(Some(Money::new(amount, currency.parse().map_err(Fault::new)?))),
        _ => Ok(None),
    }
}

fn rule_of(
    row: &commission_rule::Model,
    groups: &HashMap<PartnerGroupId, partner_group::Model>,
) -> Result<Rule, Fault> {
    let fixed = fixed(row.amount_minor, row.currency.as_ref())?;
    Ok(Rule {
        id: row.id.to_string(),
        level: match (row.partnership_id, row.group_id) {
            (Some(_), _) => RuleLevel::Partnership,
            (None, Some(id)) => RuleLevel::Group {
                id: id.to_string(),
                name: groups
                    .get(&id)
                    .map(|group| group.name.clone())
                    .ok_or_else(|| Fault::new("a rule of a group that is gone"))?,
            },
            (None, None) => RuleLevel::Program,
        },
        kind: row.kind,
        rate_ppm: row.rate_ppm,
        fixed,
        conditions: Conditions {
            product_ids: listed(row.product_ids.as_deref())?.into_iter().collect(),
            categories: listed(row.categories.as_deref())?
                .iter()
                .map(|category| rules::fold_category(category))
                .collect(),
        },
    })
}

fn listed(stored: Option<&str>) -> Result<Vec<String>, Fault> {
    stored.map_or_else(
        || Ok(Vec::new()),
        |stored| serde_json::from_str(stored).map_err(Fault::new),
    )
}

impl From<&partnership::Model> for Holder {
    fn from(row: &partnership::Model) -> Self {
        Self {
            partnership: row.id,
            group: row.group_id,
        }
    }
}

/// Where a stored rule stands.
pub(in crate::commissions) fn standing_of(row: &commission_rule::Model) -> Standing {
    Standing {
        id: row.id,
        partnership: row.partnership_id,
        group: row.group_id,
        position: row.position,
        valid_from: row.valid_from,
        valid_until: row.valid_until,
    }
}

fn level_of(row: &referral_level::Model) -> Result<Level, Fault> {
    let fixed = fixed(row.amount_minor, row.currency.as_ref())?;
    Ok(Level {
        level: row.level,
        kind: row.kind,
        rate_ppm: row.rate_ppm,
        fixed,
    })
}

/// The currencies a program accepts.
pub fn accepted_currencies(program: &program::Model) -> Result<Vec<Currency>, Fault> {
    program
        .currencies
        .split(',')
        .map(|code| code.parse().map_err(Fault::new))
        .collect()
}

impl Tariff {
    /// Four statements, however many programs and partnerships, and whatever the depth of their trees.
    pub async fn load_in_tx(
        tx: &DatabaseTransaction,
        events: &[ConversionEvent],
        credited: &[&partnership::Model],
    ) -> Result<Self, Fault> {
        let mut tariff = Self::default();
        if credited.is_empty() {
            return Ok(tariff);
        }
        let programs: BTreeSet<ProgramId> = credited.iter().map(|row| row.program_id).collect();
        let programs: Vec<ProgramId> = programs.into_iter().collect();
        let partnerships: Vec<PartnershipId> = credited.iter().map(|row| row.id).collect();
        let (programs, partnerships) = (programs.as_slice(), partnerships.as_slice());
        let groups: BTreeSet<PartnerGroupId> = credited.iter().filter_map(|row| row.group_id).collect();
        let groups: Vec<PartnerGroupId> = groups.into_iter().collect();
        let rows = programs::list_groups_in_tx(tx, &groups).await?;
        tariff.groups = rows.into_iter().map(|row| (row.id, row)).collect();
        let rows = programs::list_rules_in_tx(tx, programs, &groups, partnerships).await?;
        for row in rows.into_iter().filter(|row| events.contains(&row.event)) {
            let rule = rule_of(&row, &tariff.groups)?;
            let rules = tariff.rules.entry((row.program_id, row.event)).or_default();
            rules.push((standing_of(&row), rule));
        }
        for row in programs::list_levels_in_tx(tx, programs).await? {
            tariff.levels.entry(row.program_id).or_default().push(level_of(&row)?);
        }
        if tariff.levels.is_empty() {
            return Ok(tariff);
        }
        for above in partnerships::list_uplines_in_tx(tx, partnerships).await? {
            let upline = tariff.uplines.entry(above.descendant).or_default();
            upline.push((above.level, above.ancestor));
        }
        Ok(tariff)
    }

    /// What a credited event earns.
    pub fn assess(&self, credited: &Credited<'_>) -> Result<Assessed, Fault> {
        let program = credited.program.id;
        let rules = self.rules.get(&(program, credited.event)).into_iter().flatten();
        let rules = rules::in_precedence(
            rules.map(|(standing, rule)| (*standing, rule)),
            Holder::from(credited.partnership),
            credited.occurred_at,
        );
        let levels = self.levels.get(&program).map_or(&[][..], Vec::as_slice);
        let upline = self.uplines.get(&credited.partnership.id).cloned().unwrap_or_default();
        let ancestors: Vec<Ancestor> = upline
            .iter()
            .map(|(level, row)| Ancestor {
                level: *level,
                partnership: row.id,
                is_active: row.state == PartnershipState::Active,
            })
            .collect();
        let earnings = rules::earn(
            credited.partnership.id,
            credited.base,
            credited.lines,
            &accepted_currencies(credited.program)?,
            &rules,
            levels,
            &ancestors,
        );
        let group = credited.partnership.group_id.and_then(|id| self.groups.get(&id));
        let hold_days = group
            .and_then(|group| group.hold_days)
            .unwrap_or(credited.program.hold_days);
        Ok(Assessed {
            earnings,
            hold_until: hold_until(hold_days, credited.occurred_at),
            upline,
        })
    }
}

/// Until when what was earned at `occurred_at` is held.
#[must_use]
pub fn hold_until(hold_days: i32, occurred_at: DateTime<Utc>) -> DateTime<Utc> {
    occurred_at + TimeDelta::days(i64::from(hold_days))
}
