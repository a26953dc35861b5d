//! How much: pure arithmetic over plain values. What a conversion earns is in `rules/earn.rs`.

mod earn;

use std::{cmp::Reverse, collections::BTreeSet};

use chrono::{DateTime, Utc};
use entity::{
    commission_rule::RuleKind,
    ids::{CommissionRuleId, OrderLineId, PartnerGroupId, PartnershipId},
    referral_level::ReferralLevelKind,
};

pub use self::earn::{earn, earn_again};
use crate::money::{Money, proportion, share};

/// Where a rule stands among the rules of its program, and when it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub id: CommissionRuleId,
    /// Whose personal terms it is part of. Without it and a group, it is for everybody in the program.
    pub partnership: Option<PartnershipId>,
    /// For the partnerships of this group.
    pub group: Option<PartnerGroupId>,
    pub position: i32,
    /// Inclusive.
    pub valid_from: Option<DateTime<Utc>>,
    /// Exclusive.
    pub valid_until: Option<DateTime<Utc>>,
}

/// Whose rules are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Holder {
    pub partnership: PartnershipId,
    pub group: Option<PartnerGroupId>,
}

impl Standing {
    fn counts_for(&self, holder: Holder, occurred_at: DateTime<Utc>) -> bool {
        self.partnership
            .is_none_or(|partnership| partnership == holder.partnership)
            && self.group.is_none_or(|group| Some(group) == holder.group)
            && self.valid_from.is_none_or(|from| from <= occurred_at)
            && self.valid_until.is_none_or(|until| occurred_at < until)
    }

    /// The nearest level first: personal terms, the group, the program.
    fn distance(&self) -> u8 {
        match (self.partnership, self.group) {
            (Some(_), _) => 0,
            (None, Some(_)) => 1,
            (None, None) => 2,
        }
    }
}

/// What counts for an event of a partnership, in order of precedence: its personal terms, then the rules of its group, then
/// those of the program, and within a level the lower position, then the newer rule (ids grow with creation).
pub fn in_precedence<T>(
    rules: impl IntoIterator<Item = (Standing, T)>,
    holder: Holder,
    occurred_at: DateTime<Utc>,
) -> Vec<T> {
    let mut counting: Vec<(Standing, T)> = rules
        .into_iter()
        .filter(|(standing, _)| standing.counts_for(holder, occurred_at))
        .collect();
    counting.sort_by_key(|(standing, _)| (standing.distance(), standing.position, Reverse(standing.id)));
    counting.into_iter().map(|(_, rule)| rule).collect()
}

/// At which level a rule stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleLevel {
    Program,
    Group {
        id: String,
        /// As it is called when it pays.
        name: String,
    },
    Partnership,
}

impl RuleLevel {
    fn text(&self) -> String {
        match self {
            Self::Program => "by a rule of the program".to_owned(),
            Self::Group { name, .. } => format!("by a rule of the group {name}"),
            Self::Partnership => "by the personal terms of the partnership".to_owned(),
        }
    }

    /// What is frozen of it.
    fn snapshot(&self) -> (&'static str, Option<&str>, Option<&str>) {
        match self {
            Self::Program => ("PROGRAM", None, None),
            Self::Group { id, name } => ("GROUP", Some(id), Some(name)),
            Self::Partnership => ("PARTNERSHIP", None, None),
        }
    }
}

/// A rule of a program, as it stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub id: String,
    pub level: RuleLevel,
    pub kind: RuleKind,
    pub rate_ppm: Option<i64>,
    pub fixed: Option<Money>,
    pub conditions: Conditions,
}

impl Rule {
    /// Whether it says nothing about an order without lines.
    fn needs_lines(&self) -> bool {
        self.kind == RuleKind::FixedPerItem || !self.conditions.is_empty()
    }
}

/// Which lines a rule is for; every list given must name the line's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// The brand's ids; none: any product.
    pub product_ids: BTreeSet<String>,
    /// Folded; none: any category.
    pub categories: BTreeSet<String>,
}

impl Conditions {
    fn is_empty(&self) -> bool {
        self.product_ids.is_empty() && self.categories.is_empty()
    }

    fn hold_for(&self, line: &Line) -> bool {
        let names = |names: &BTreeSet<String>, name: Option<&String>| {
            names.is_empty() || name.is_some_and(|name| names.contains(name))
        };
        names(&self.product_ids, line.product_id.as_ref()) && names(&self.categories, line.category.as_ref())
    }
}

/// A category as it is compared.
#[must_use]
pub fn fold_category(category: &str) -> String {
    category.to_lowercase()
}

/// A line of an order, as rules look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub id: OrderLineId,
    /// The brand's id of it.
    pub external_id: String,
    pub product_id: Option<String>,
    /// Folded.
    pub category: Option<String>,
    pub quantity: i32,
    pub base: Money,
}

/// A level of the referral tree, as it stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Level {
    pub level: i32,
    pub kind: ReferralLevelKind,
    pub rate_ppm: Option<i64>,
    pub fixed: Option<Money>,
}

/// Somebody above the credited partnership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ancestor {
    pub level: i32,
    pub partnership: PartnershipId,
    pub is_active: bool,
}

/// What one partnership earns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earning {
    pub level: i32,
    pub partnership: PartnershipId,
    /// The line it is earned on; absent without lines.
    pub line: Option<OrderLineId>,
    /// What it is earned on: that line's amount, or the whole; absent for events without an amount.
    pub base: Option<Money>,
    pub amount: Money,
    /// The rule or level, frozen as JSON.
    pub snapshot: String,
    pub arithmetic: String,
}

/// What a conversion earns, and why in one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earnings {
    pub earnings: Vec<Earning>,
    pub explanation: String,
}

/// How much of a commission `amount` on `base` has come back in all, after refunds of `refunded` in total.
#[must_use]
pub fn cumulative_reversal(amount_minor: i64, base_minor: i64, refunded_minor: i64) -> i64 {
    proportion(amount_minor, refunded_minor.min(base_minor), base_minor)
}

/// The reserved share of a commission at its approval.
#[must_use]
pub fn reserve_of(amount_minor: i64, reserve_ppm: i64) -> i64 {
    share(amount_minor, reserve_ppm)
}

/// Where a clawback comes from: the commission's own reserve first, then the available balance.
#[must_use]
pub fn split_clawback(amount_minor: i64, reserve_left_minor: i64) -> (i64, i64) {
    let from_reserve = amount_minor.min(reserve_left_minor);
    (from_reserve, amount_minor - from_reserve)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn who(n: u128) -> PartnershipId {
        PartnershipId(Uuid::from_u128(n))
    }

    #[test]
    fn the_nearest_level_goes_first_then_the_position_then_the_newest() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        let club = |n: u128| PartnerGroupId(Uuid::from_u128(n));
        let standing = |id, partnership: Option<u128>, position| Standing {
            id: CommissionRuleId(Uuid::from_u128(id)),
            partnership: partnership.map(who),
            group: None,
            position,
            valid_from: None,
            valid_until: None,
        };
        let from = |seconds, standing| Standing {
            valid_from: Some(at(seconds)),
            ..standing
        };
        let until = |seconds, standing| Standing {
            valid_until: Some(at(seconds)),
            ..standing
        };
        let of_group = |group, standing| Standing {
            group: Some(club(group)),
            ..standing
        };
        let holder = |partnership, group: Option<u128>| Holder {
            partnership: who(partnership),
            group: group.map(club),
        };
        let rules = [
            (of_group(1, standing(9, None, 5)), "group, old"),
            (of_group(1, standing(10, None, 5)), "group, new"),
            (of_group(1, standing(11, None, 4)), "group, lower"),
            (from(100, of_group(1, standing(12, None, 0))), "group, from 100"),
            (until(100, of_group(1, standing(13, None, 1))), "group, until 100"),
            (of_group(2, standing(14, None, 0)), "another group's"),
            (standing(1, None, 0), "program, old"),
            (standing(2, None, 0), "program, new"),
            (standing(3, None, -1), "program, lower"),
            (standing(4, Some(7), 9), "own, higher"),
            (standing(5, Some(7), 8), "own, lower"),
            (standing(6, Some(8), 0), "somebody else's"),
            (from(100, standing(7, Some(7), 0)), "own, from 100"),
            (until(100, standing(8, Some(7), 1)), "own, until 100"),
        ];
        let program = ["program, lower", "program, new", "program, old"];
        for (seconds, own) in [
            (99, ["own, until 100", "own, lower", "own, higher"]),
            (100, ["own, from 100", "own, lower", "own, higher"]),
        ] {
            assert_eq!(
                in_precedence(rules, holder(7, None), at(seconds)),
                [own, program].concat()
            );
            let group = if seconds < 100 {
                "group, until 100"
            } else {
                "group, from 100"
            };
            let group = [group, "group, lower", "group, new", "group, old"];
            assert_eq!(
                in_precedence(rules, holder(7, Some(1)), at(seconds)),
                [&own[..], &group, &program].concat()
            );
            assert_eq!(
                in_precedence(rules, holder(9, Some(1)), at(seconds)),
                [&group[..], &program].concat()
            );
        }
        assert_eq!(in_precedence(rules, holder(9, None), at(0)), program);
    }

    #[test]
    fn thirds_come_back_as_the_design_works_them() {
        // C 100.00 on B 300.00, a third refunded each time: 33.33, 33.34, 33.33.
        let cumulative: Vec<i64> = [10_000, 20_000, 30_000]
            .iter()
            .map(|refunded| cumulative_reversal(10_000, 30_000, *refunded))
            .collect();
        assert_eq!(cumulative, [3_333, 6_667, 10_000]);
        assert_eq!(split_clawback(3_333, 1_000), (1_000, 2_333));
        assert_eq!(split_clawback(3_334, 0), (0, 3_334));
        assert_eq!(reserve_of(10_000, 100_000), 1_000);
    }
}
