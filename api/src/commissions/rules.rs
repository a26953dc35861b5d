//! How much: pure arithmetic over plain values.

use std::cmp::Reverse;

use chrono::{DateTime, Utc};
use entity::{
    commission_rule::RuleKind,
    ids::{CommissionRuleId, PartnershipId},
    referral_level::ReferralLevelKind,
};
use serde::Serialize;

use crate::money::{Currency, Money, percent_text, proportion, share};

/// Where a rule stands among the rules of its program, and when it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub id: CommissionRuleId,
    /// Whose personal terms it is part of; absent: for everybody in the program.
    pub partnership: Option<PartnershipId>,
    pub position: i32,
    /// Inclusive.
    pub valid_from: Option<DateTime<Utc>>,
    /// Exclusive.
    pub valid_until: Option<DateTime<Utc>>,
}

impl Standing {
    fn counts_for(&self, partnership: PartnershipId, occurred_at: DateTime<Utc>) -> bool {
        self.partnership.is_none_or(|holder| holder == partnership)
            && self.valid_from.is_none_or(|from| from <= occurred_at)
            && self.valid_until.is_none_or(|until| occurred_at < until)
    }
}

/// What counts for an event of a partnership, in order of precedence: personal terms before the program's rules, and within
/// a level the lower position, then the newer rule (ids grow with creation).
pub fn in_precedence<T>(
    rules: impl IntoIterator<Item = (Standing, T)>,
    partnership: PartnershipId,
    occurred_at: DateTime<Utc>,
) -> Vec<T> {
    let mut counting: Vec<(Standing, T)> = rules
        .into_iter()
        .filter(|(standing, _)| standing.counts_for(partnership, occurred_at))
        .collect();
    counting.sort_by_key(|(standing, _)| (standing.partnership.is_none(), standing.position, Reverse(standing.id)));
    counting.into_iter().map(|(_, rule)| rule).collect()
}

/// At which level a rule stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleLevel {
    Program,
    Partnership,
}

impl RuleLevel {
    fn text(self) -> &'static str {
        match self {
            Self::Program => "by a rule of the program",
            Self::Partnership => "by the personal terms of the partnership",
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

/// What is frozen of a rule or level.
#[derive(Serialize)]
struct Snapshot<'a> {
    rule: &'a str,
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    percent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fixed: Option<String>,
}

fn snapshot(rule: &str, kind: &str, rate_ppm: Option<i64>, fixed: Option<Money>) -> String {
    let frozen = Snapshot {
        rule,
        kind,
        percent: rate_ppm.map(percent_text),
        fixed: fixed.map(|money| money.to_string()),
    };
    serde_json::to_string(&frozen).unwrap_or_default()
}

/// The first rule that fits: a percentage needs a base, a fixed amount the event's currency where it has one.
fn earn_from_rule(rule: &Rule, base: Option<Money>) -> Option<(Money, &'static str, String)> {
    match (rule.kind, base) {
        (RuleKind::Percent, Some(base)) => {
            let rate = rule.rate_ppm?;
            let amount = Money::new(share(base.amount_minor, rate), base.currency);
            Some((
                amount,
                "PERCENT",
                format!("{} % of {base} = {amount}", percent_text(rate)),
            ))
        }
        (RuleKind::Percent, None) => None,
        (RuleKind::Fixed, base) => {
            let fixed = rule.fixed?;
            let fits = base.is_none_or(|base| base.currency == fixed.currency);
            fits.then(|| (fixed, "FIXED", format!("fixed {fixed} for the event")))
        }
    }
}

fn earn_from_level(level: &Level, base: Option<Money>, source: Money) -> Option<(Money, &'static str, String)> {
    match level.kind {
        ReferralLevelKind::PercentOfSale => {
            let (rate, base) = (level.rate_ppm?, base?);
            let amount = Money::new(share(base.amount_minor, rate), base.currency);
            Some((
                amount,
                "PERCENT_OF_SALE",
                format!("{} % of the sale of {base} = {amount}", percent_text(rate)),
            ))
        }
        ReferralLevelKind::PercentOfCommission => {
            let rate = level.rate_ppm?;
            let amount = Money::new(share(source.amount_minor, rate), source.currency);
            let text = format!(
                "{} % of the level-0 commission of {source} = {amount}",
                percent_text(rate)
            );
            Some((amount, "PERCENT_OF_COMMISSION", text))
        }
        ReferralLevelKind::Fixed => {
            let fixed = level.fixed?;
            (fixed.currency == source.currency).then(|| (fixed, "FIXED", format!("fixed {fixed} for the event")))
        }
    }
}

/// What a conversion of `credited` earns. `rules` come in their order of precedence; `accepted` are the currencies of
/// the program. An amount of zero is no commission.
#[must_use]
pub fn earn(
    credited: PartnershipId,
    base: Option<Money>,
    accepted: &[Currency],
    rules: &[&Rule],
    levels: &[Level],
    upline: &[Ancestor],
) -> Earnings {
    let nothing = |why: String| Earnings {
        earnings: Vec::new(),
        explanation: why,
    };
    if let Some(base) = base
        && !accepted.contains(&base.currency)
    {
        return nothing(format!(
            "CURRENCY_NOT_ACCEPTED: the program does not accept {}",
            base.currency
        ));
    }
    let Some((rule, (source, kind, arithmetic))) = rules
        .iter()
        .find_map(|rule| earn_from_rule(rule, base).map(|earned| (*rule, earned)))
    else {
        return nothing(
            "NO_RULE: no commission rule of the program fits this event, and nothing but a rule pays".to_owned(),
        );
    };
    if source.amount_minor == 0 {
        return nothing(format!("ZERO: {arithmetic}"));
    }
    let mut earnings = vec![Earning {
        level: 0,
        partnership: credited,
        amount: source,
        snapshot: snapshot(&rule.id, kind, rule.rate_ppm, rule.fixed),
        arithmetic,
    }];
    for ancestor in upline.iter().filter(|ancestor| ancestor.is_active) {
        let Some(level) = levels.iter().find(|level| level.level == ancestor.level) else {
            continue;
        };
        let Some((amount, kind, arithmetic)) = earn_from_level(level, base, source) else {
            continue;
        };
        if amount.amount_minor > 0 {
            earnings.push(Earning {
                level: ancestor.level,
                partnership: ancestor.partnership,
                amount,
                snapshot: snapshot(&format!("level {}", level.level), kind, level.rate_ppm, level.fixed),
                arithmetic,
            });
        }
    }
    let explanation = format!("{source} earned at {} level(s), {}", earnings.len(), rule.level.text());
    Earnings { earnings, explanation }
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

    fn eur(minor: i64) -> Money {
        Money::new(minor, "EUR".parse().unwrap())
    }

    fn who(n: u128) -> PartnershipId {
        PartnershipId(Uuid::from_u128(n))
    }

    fn percent(rate_ppm: i64) -> Rule {
        Rule {
            id: "r".to_owned(),
            level: RuleLevel::Program,
            kind: RuleKind::Percent,
            rate_ppm: Some(rate_ppm),
            fixed: None,
        }
    }

    #[test]
    fn the_tree_earns_level_by_level_and_skips_the_inactive() {
        let levels = [
            Level {
                level: 1,
                kind: ReferralLevelKind::PercentOfSale,
                rate_ppm: Some(20_000),
                fixed: None,
            },
            Level {
                level: 2,
                kind: ReferralLevelKind::PercentOfCommission,
                rate_ppm: Some(100_000),
                fixed: None,
            },
            Level {
                level: 3,
                kind: ReferralLevelKind::Fixed,
                rate_ppm: None,
                fixed: Some(eur(50)),
            },
        ];
        let upline = [
            Ancestor {
                level: 1,
                partnership: who(1),
                is_active: true,
            },
            Ancestor {
                level: 2,
                partnership: who(2),
                is_active: false,
            },
            Ancestor {
                level: 3,
                partnership: who(3),
                is_active: true,
            },
        ];
        // 12.5 % of 80.04 is 10.005, which rounds half-even to 10.00; 2 % of 80.04 is 1.6008.
        let earned = earn(
            who(0),
            Some(eur(8_004)),
            &[eur(0).currency],
            &[&percent(125_000)],
            &levels,
            &upline,
        );
        let amounts: Vec<(i32, i64)> = earned
            .earnings
            .iter()
            .map(|e| (e.level, e.amount.amount_minor))
            .collect();
        assert_eq!(amounts, [(0, 1_000), (1, 160), (3, 50)]);
    }

    #[test]
    fn a_currency_the_program_does_not_accept_earns_nothing() {
        let earned = earn(
            who(0),
            Some(eur(100)),
            &["USD".parse().unwrap()],
            &[&percent(100_000)],
            &[],
            &[],
        );
        assert!(earned.earnings.is_empty());
        assert!(earned.explanation.starts_with("CURRENCY_NOT_ACCEPTED"));
    }

    #[test]
    fn the_first_fitting_rule_counts() {
        let fixed = Rule {
            id: "f".to_owned(),
            level: RuleLevel::Program,
            kind: RuleKind::Fixed,
            rate_ppm: None,
            fixed: Some(eur(500)),
        };
        let accepted = [eur(0).currency];
        let lead = earn(who(0), None, &accepted, &[&percent(100_000), &fixed], &[], &[]);
        assert_eq!(lead.earnings[0].amount, eur(500));
        let sale = earn(
            who(0),
            Some(eur(1_000)),
            &accepted,
            &[&percent(100_000), &fixed],
            &[],
            &[],
        );
        assert_eq!(sale.earnings[0].amount, eur(100));
    }

    #[test]
    fn the_nearest_level_goes_first_then_the_position_then_the_newest() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        let standing = |id, partnership: Option<u128>, position| Standing {
            id: CommissionRuleId(Uuid::from_u128(id)),
            partnership: partnership.map(who),
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
        let rules = [
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
            assert_eq!(in_precedence(rules, who(7), at(seconds)), [own, program].concat());
        }
        assert_eq!(in_precedence(rules, who(9), at(0)), program);
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
