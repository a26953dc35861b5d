//! What a conversion earns: as a whole, or line by line when its order has lines.
//!
//! Line by line, each line finds its own rule, and every level of the tree follows each line's commission. What a rule or a
//! level pays once an event is paid once, in parts on the lines that earn it. See `docs/decisions/0014`.

use std::collections::BTreeSet;

use entity::{commission_rule::RuleKind, ids::PartnershipId, referral_level::ReferralLevelKind};
use serde::{Deserialize, Serialize};

use super::{Ancestor, Earning, Earnings, Level, Line, Rule, RuleLevel};
use crate::{
    error::Fault,
    money::{Currency, MAX_AMOUNT_MINOR, Money, divide, parse_percent, percent_text, share},
};

const SALE: &str = "the sale of ";
const SOURCE: &str = "the level-0 commission of ";
/// Lines that an explanation names of those that fared alike.
const MAX_NAMED_LINES: usize = 5;

/// What is frozen of a rule or level.
#[derive(Serialize)]
struct Snapshot<'a> {
    rule: &'a str,
    /// Of a rule: PROGRAM, GROUP or PARTNERSHIP.
    #[serde(rename = "level", skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    #[serde(rename = "groupName", skip_serializing_if = "Option::is_none")]
    group_name: Option<&'a str>,
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    percent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fixed: Option<String>,
    /// The brand's id of the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<&'a str>,
    /// Of the products it is for, the line's.
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<&'a str>,
    /// Of the categories it is for, the line's.
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<&'a str>,
}

impl Snapshot<'_> {
    fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// What commissions are computed on: a line of an order, or an event as a whole.
#[derive(Clone, Copy)]
struct Piece<'a> {
    line: Option<&'a Line>,
    base: Option<Money>,
}

impl<'a> Piece<'a> {
    fn line_id(self) -> Option<&'a str> {
        self.line.map(|line| line.external_id.as_str())
    }

    fn weight(self) -> i64 {
        self.base.map_or(0, |base| base.amount_minor)
    }
}

/// What a rule pays on a piece.
enum Pay {
    /// By itself.
    Own(Money, String),
    /// Once, together with all the pieces that it pays on.
    Once(Money),
}

/// A piece with the rule that pays on it.
struct Found<'a> {
    piece: Piece<'a>,
    rule: &'a Rule,
    amount: Money,
    arithmetic: String,
}

fn kind_text(kind: RuleKind) -> &'static str {
    match kind {
        RuleKind::Percent => "PERCENT",
        RuleKind::Fixed => "FIXED",
        RuleKind::FixedPerItem => "FIXED_PER_ITEM",
    }
}

/// A share, rounded half-even, and its arithmetic. `what` says what the amount is.
fn percent_of(what: &str, amount: Money, rate_ppm: i64) -> (Money, String) {
    let share = Money::new(share(amount.amount_minor, rate_ppm), amount.currency);
    let arithmetic = format!("{} % of {what}{amount} = {share}", percent_text(rate_ppm));
    (share, arithmetic)
}

/// A fixed amount for each of a line's items, never above the largest amount there is.
fn for_each_item(fixed: Money, quantity: i32) -> (Money, String) {
    let all = fixed.amount_minor.saturating_mul(i64::from(quantity));
    let amount = Money::new(all.min(MAX_AMOUNT_MINOR), fixed.currency);
    let at_most = if all > MAX_AMOUNT_MINOR { ", at most" } else { " =" };
    (
        amount,
        format!("fixed {fixed} for each of {quantity} item(s){at_most} {amount}"),
    )
}

/// Parts of a fixed amount that is paid once, and the arithmetic of each.
fn in_parts(fixed: Money, pieces: &[Piece<'_>]) -> Vec<(Money, String)> {
    let weights: Vec<i64> = pieces.iter().map(|piece| piece.weight()).collect();
    let parts = divide(fixed.amount_minor, &weights);
    let part = |part: i64| {
        let part = Money::new(part, fixed.currency);
        let whole = format!("fixed {fixed} for the event");
        let arithmetic = match pieces {
            [_] => whole,
            _ => format!("{whole}, {part} of it for this line"),
        };
        (part, arithmetic)
    };
    parts.into_iter().map(part).collect()
}

fn on_line(line: Option<&str>, arithmetic: String) -> String {
    match line {
        Some(line) => format!("line {line}: {arithmetic}"),
        None => arithmetic,
    }
}

/// What a rule pays on a piece, when it fits: a percentage needs a base, a fixed amount the event's currency where it has
/// one, a condition its line.
fn pay(rule: &Rule, piece: Piece<'_>) -> Option<Pay> {
    let is_for = match piece.line {
        Some(line) => rule.conditions.hold_for(line),
        None => !rule.needs_lines(),
    };
    if !is_for {
        return None;
    }
    if rule.kind == RuleKind::Percent {
        let (amount, arithmetic) = percent_of("", piece.base?, rule.rate_ppm?);
        return Some(Pay::Own(amount, arithmetic));
    }
    let fixed = rule.fixed?;
    if piece.base.is_some_and(|base| base.currency != fixed.currency) {
        return None;
    }
    match piece.line {
        Some(line) if rule.kind == RuleKind::FixedPerItem => {
            let (amount, arithmetic) = for_each_item(fixed, line.quantity);
            Some(Pay::Own(amount, arithmetic))
        }
        _ => Some(Pay::Once(fixed)),
    }
}

/// The first rule that fits each piece, and the pieces that none fits.
fn find<'a>(pieces: &[Piece<'a>], rules: &[&'a Rule]) -> (Vec<Found<'a>>, Vec<Piece<'a>>) {
    let mut found = Vec::new();
    let mut left = Vec::new();
    // Places in `found` that one rule pays once for all.
    let mut once: Vec<(&Rule, Money, Vec<usize>)> = Vec::new();
    for piece in pieces {
        let Some((rule, pay)) = rules.iter().find_map(|rule| pay(rule, *piece).map(|pay| (*rule, pay))) else {
            left.push(*piece);
            continue;
        };
        let (amount, arithmetic) = match pay {
            Pay::Own(amount, arithmetic) => (amount, arithmetic),
            Pay::Once(fixed) => {
                match once.iter_mut().find(|(other, ..)| other.id == rule.id) {
                    Some((.., places)) => places.push(found.len()),
                    None => once.push((rule, fixed, vec![found.len()])),
                }
                (fixed, String::new())
            }
        };
        found.push(Found {
            piece: *piece,
            rule,
            amount,
            arithmetic,
        });
    }
    for (_, fixed, places) in once {
        let pieces: Vec<Piece<'_>> = places.iter().map(|place| found[*place].piece).collect();
        for (place, (amount, arithmetic)) in places.into_iter().zip(in_parts(fixed, &pieces)) {
            found[place].amount = amount;
            found[place].arithmetic = arithmetic;
        }
    }
    (found, left)
}

/// What a level of the tree earns on each piece that earned at level 0.
fn earn_at_level(level: &Level, earned: &[&Found<'_>]) -> Option<(&'static str, Vec<(Money, String)>)> {
    Some(match level.kind {
        ReferralLevelKind::PercentOfSale => {
            let rate = level.rate_ppm?;
            let on = |found: &&Found<'_>| found.piece.base.map(|base| percent_of(SALE, base, rate));
            ("PERCENT_OF_SALE", earned.iter().map(on).collect::<Option<_>>()?)
        }
        ReferralLevelKind::PercentOfCommission => {
            let rate = level.rate_ppm?;
            let on = |found: &&Found<'_>| percent_of(SOURCE, found.amount, rate);
            ("PERCENT_OF_COMMISSION", earned.iter().map(on).collect())
        }
        ReferralLevelKind::Fixed => {
            let fixed = level.fixed?;
            let pieces: Vec<Piece<'_>> = earned.iter().map(|found| found.piece).collect();
            let is_paid = earned.iter().all(|found| found.amount.currency == fixed.currency);
            is_paid.then(|| ("FIXED", in_parts(fixed, &pieces)))?
        }
    })
}

/// What a conversion of `credited` earns, on `base` as a whole or on each of the `lines` that make it up. `rules` come in
/// their order of precedence; `accepted` are the currencies of the program. An amount of zero is no commission.
#[must_use]
pub fn earn(
    credited: PartnershipId,
    base: Option<Money>,
    lines: &[Line],
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
    let pieces: Vec<Piece<'_>> = if lines.is_empty() {
        vec![Piece { line: None, base }]
    } else {
        let on = |line| Piece {
            line: Some(line),
            base: Some(line.base),
        };
        lines.iter().map(on).collect()
    };
    let (found, left) = find(&pieces, rules);
    let earned: Vec<&Found<'_>> = found.iter().filter(|found| found.amount.amount_minor > 0).collect();
    let mut earnings: Vec<Earning> = earned.iter().map(|found| at_the_bottom(credited, found)).collect();
    for ancestor in upline
        .iter()
        .filter(|ancestor| ancestor.is_active && !earned.is_empty())
    {
        let Some(level) = levels.iter().find(|level| level.level == ancestor.level) else {
            continue;
        };
        if let Some((kind, paid)) = earn_at_level(level, &earned) {
            let above = earned.iter().zip(paid).map(|(found, (amount, arithmetic))| {
                let snapshot = Snapshot {
                    rule: &format!("level {}", level.level),
                    scope: None,
                    group: None,
                    group_name: None,
                    kind,
                    percent: level.rate_ppm.map(percent_text),
                    fixed: level.fixed.map(|money| money.to_string()),
                    line: found.piece.line_id(),
                    product: None,
                    category: None,
                };
                new_earning(
                    ancestor.level,
                    ancestor.partnership,
                    found.piece,
                    amount,
                    &snapshot,
                    arithmetic,
                )
            });
            earnings.extend(above.filter(|earning| earning.amount.amount_minor > 0));
        }
    }
    let explanation = if lines.is_empty() {
        explain_whole(&found, &earnings, rules)
    } else {
        explain_lines(&found, &left, &earnings)
    };
    Earnings { earnings, explanation }
}

fn new_earning(
    level: i32,
    partnership: PartnershipId,
    piece: Piece<'_>,
    amount: Money,
    snapshot: &Snapshot<'_>,
    arithmetic: String,
) -> Earning {
    Earning {
        level,
        partnership,
        line: piece.line.map(|line| line.id),
        base: piece.base,
        amount,
        snapshot: snapshot.text(),
        arithmetic: on_line(piece.line_id(), arithmetic),
    }
}

fn at_the_bottom(credited: PartnershipId, found: &Found<'_>) -> Earning {
    let Found { piece, rule, .. } = found;
    let product = piece.line.and_then(|line| line.product_id.as_deref());
    let category = piece.line.and_then(|line| line.category.as_deref());
    let (scope, group, group_name) = rule.level.snapshot();
    let snapshot = Snapshot {
        rule: &rule.id,
        scope: Some(scope),
        group,
        group_name,
        kind: kind_text(rule.kind),
        percent: rule.rate_ppm.map(percent_text),
        fixed: rule.fixed.map(|money| money.to_string()),
        line: piece.line_id(),
        product: product.filter(|_| !rule.conditions.product_ids.is_empty()),
        category: category.filter(|_| !rule.conditions.categories.is_empty()),
    };
    new_earning(0, credited, *piece, found.amount, &snapshot, found.arithmetic.clone())
}

fn count_levels(earnings: &[Earning]) -> usize {
    earnings
        .iter()
        .map(|earning| earning.level)
        .collect::<BTreeSet<_>>()
        .len()
}

/// Why an event without lines earns what it earns. Rules that look at lines and stood before the one that paid are told of.
fn explain_whole(found: &[Found<'_>], earnings: &[Earning], rules: &[&Rule]) -> String {
    let paying = found.first().map(|found| found.rule.id.as_str());
    let before = rules.iter().take_while(|rule| Some(rule.id.as_str()) != paying);
    let passed = match before.filter(|rule| rule.needs_lines()).count() {
        0 => String::new(),
        passed => format!("; {passed} rule(s) for products, categories or items were passed over: there are no lines"),
    };
    match found.first() {
        None => {
            format!("NO_RULE: no commission rule of the program fits this event, and nothing but a rule pays{passed}")
        }
        Some(found) if earnings.is_empty() => format!("ZERO: {}{passed}", found.arithmetic),
        Some(found) => {
            let levels = count_levels(earnings);
            format!(
                "{} earned at {levels} level(s), {}{passed}",
                found.amount,
                found.rule.level.text()
            )
        }
    }
}

/// Why an order's lines earn what they earn: who fared alike is named together.
fn explain_lines(found: &[Found<'_>], left: &[Piece<'_>], earnings: &[Earning]) -> String {
    let is_paid = |found: &&Found<'_>| found.amount.amount_minor > 0;
    // By whose rule, in the order of the lines.
    let mut paid: Vec<(&RuleLevel, Vec<Piece<'_>>)> = Vec::new();
    for found in found.iter().filter(is_paid) {
        match paid.iter_mut().find(|(level, _)| **level == found.rule.level) {
            Some((_, pieces)) => pieces.push(found.piece),
            None => paid.push((&found.rule.level, vec![found.piece])),
        }
    }
    let mut fates: Vec<String> = paid
        .iter()
        .map(|(level, pieces)| format!("{} {}", named(pieces), level.text()))
        .collect();
    let zero: Vec<Piece<'_>> = found
        .iter()
        .filter(|found| !is_paid(found))
        .map(|found| found.piece)
        .collect();
    if !zero.is_empty() {
        fates.push(format!("ZERO for {}", named(&zero)));
    }
    if !left.is_empty() {
        fates.push(format!("NO_RULE for {}", named(left)));
    }
    let fates = fates.join("; ");
    let Some(first) = found.iter().find(is_paid) else {
        return if found.is_empty() {
            "NO_RULE: no commission rule of the program fits a line of this order, and nothing but a rule pays"
                .to_owned()
        } else {
            format!("ZERO: no line of this order earns anything: {fates}")
        };
    };
    let total = found.iter().map(|found| found.amount.amount_minor).sum();
    let total = Money::new(total, first.amount.currency);
    format!(
        "{total} earned at {} level(s), line by line: {fates}",
        count_levels(earnings)
    )
}

fn named(pieces: &[Piece<'_>]) -> String {
    let names: Vec<&str> = pieces
        .iter()
        .filter_map(|piece| piece.line_id())
        .take(MAX_NAMED_LINES)
        .collect();
    let names = names.join(", ");
    match pieces.len().saturating_sub(MAX_NAMED_LINES) {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}

/// What is read of a frozen rule.
#[derive(Deserialize)]
struct Frozen {
    kind: String,
    percent: Option<String>,
    line: Option<String>,
}

/// What a frozen rule or level earns on another base, and its arithmetic; `source` is the level-0 commission on that base.
/// Absent when the base makes no difference to it.
pub fn earn_again(snapshot: &str, base: Money, source: Money) -> Result<Option<(Money, String)>, Fault> {
    let frozen: Frozen = serde_json::from_str(snapshot).map_err(Fault::new)?;
    let Some(percent) = frozen.percent else { return Ok(None) };
    let rate = parse_percent(&percent).ok_or_else(|| Fault::new(format!("a frozen rate of {percent} %")))?;
    let again = match frozen.kind.as_str() {
        "PERCENT" => Some(percent_of("", base, rate)),
        "PERCENT_OF_SALE" => Some(percent_of(SALE, base, rate)),
        "PERCENT_OF_COMMISSION" => Some(percent_of(SOURCE, source, rate)),
        _ => None,
    };
    Ok(again.map(|(amount, arithmetic)| (amount, on_line(frozen.line.as_deref(), arithmetic))))
}

#[cfg(test)]
mod tests {
    use entity::ids::OrderLineId;
    use uuid::Uuid;

    use super::{super::Conditions, *};

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
            conditions: Conditions::default(),
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
            &[],
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
            &[],
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
            conditions: Conditions::default(),
        };
        let accepted = [eur(0).currency];
        let lead = earn(who(0), None, &[], &accepted, &[&percent(100_000), &fixed], &[], &[]);
        assert_eq!(lead.earnings[0].amount, eur(500));
        let sale = earn(
            who(0),
            Some(eur(1_000)),
            &[],
            &accepted,
            &[&percent(100_000), &fixed],
            &[],
            &[],
        );
        assert_eq!(sale.earnings[0].amount, eur(100));
    }

    fn line(n: u128, product: &str, quantity: i32, minor: i64) -> Line {
        Line {
            id: OrderLineId(Uuid::from_u128(n)),
            external_id: format!("L{n}"),
            product_id: Some(product.to_owned()),
            category: Some("shoes".to_owned()),
            quantity,
            base: eur(minor),
        }
    }

    fn fixed(id: &str, kind: RuleKind, minor: i64, product: Option<&str>) -> Rule {
        Rule {
            id: id.to_owned(),
            level: RuleLevel::Program,
            kind,
            rate_ppm: None,
            fixed: Some(eur(minor)),
            conditions: Conditions {
                product_ids: product.map(str::to_owned).into_iter().collect(),
                categories: BTreeSet::new(),
            },
        }
    }

    fn level(level: i32, kind: ReferralLevelKind, rate_ppm: Option<i64>, minor: Option<i64>) -> Level {
        Level {
            level,
            kind,
            rate_ppm,
            fixed: minor.map(eur),
        }
    }

    /// What is paid once an event is paid once, in parts by what the lines came to.
    #[test]
    fn what_is_fixed_for_the_event_is_divided_over_its_lines() {
        let lines = [line(1, "a", 3, 4_000), line(2, "b", 1, 1_001), line(3, "c", 1, 2_002)];
        let per_item = fixed("i", RuleKind::FixedPerItem, 150, Some("a"));
        let once = fixed("e", RuleKind::Fixed, 500, None);
        let levels = [level(1, ReferralLevelKind::Fixed, None, Some(100))];
        let upline = [Ancestor {
            level: 1,
            partnership: who(1),
            is_active: true,
        }];
        let accepted = [eur(0).currency];
        let base = Some(eur(7_003));
        let earned = earn(who(0), base, &lines, &accepted, &[&per_item, &once], &levels, &upline);
        let amounts: Vec<(i32, u128, i64)> = earned
            .earnings
            .iter()
            .map(|e| (e.level, e.line.unwrap().0.as_u128(), e.amount.amount_minor))
            .collect();
        // 3 × 1.50; 5.00 as 1 to 2: 1.67 and 3.33; 1.00 as 40.00 to 10.01 to 20.02: 0.57, 0.14 and 0.29.
        assert_eq!(
            amounts,
            [
                (0, 1, 450),
                (0, 2, 167),
                (0, 3, 333),
                (1, 1, 57),
                (1, 2, 14),
                (1, 3, 29)
            ]
        );
        assert_eq!(
            earned.explanation,
            "9.50 EUR earned at 2 level(s), line by line: L1, L2, L3 by a rule of the program"
        );
        assert_eq!(
            earned.earnings[1].arithmetic,
            "line L2: fixed 5.00 EUR for the event, 1.67 EUR of it for this line"
        );
    }

    #[test]
    fn a_rule_that_looks_at_lines_says_nothing_without_them() {
        let per_item = fixed("i", RuleKind::FixedPerItem, 150, None);
        let product = fixed("p", RuleKind::Fixed, 500, Some("a"));
        let accepted = [eur(0).currency];
        let base = Some(eur(1_000));
        let passed = "; 2 rule(s) for products, categories or items were passed over: there are no lines";
        let nothing = earn(who(0), base, &[], &accepted, &[&per_item, &product], &[], &[]);
        assert!(nothing.earnings.is_empty());
        assert!(nothing.explanation.starts_with("NO_RULE") && nothing.explanation.ends_with(passed));
        let rules = [&per_item, &product, &percent(100_000)];
        let earned = earn(who(0), base, &[], &accepted, &rules, &[], &[]);
        assert_eq!(earned.earnings[0].amount, eur(100));
        assert_eq!(
            earned.explanation,
            format!("1.00 EUR earned at 1 level(s), by a rule of the program{passed}")
        );
    }

    #[test]
    fn a_line_without_a_rule_earns_nothing_and_is_named() {
        let lines: Vec<Line> = (1..=8)
            .map(|n| line(n, if n == 1 { "a" } else { "b" }, 1, 1_000))
            .collect();
        let product = fixed("p", RuleKind::Fixed, 500, Some("a"));
        let accepted = [eur(0).currency];
        let earned = earn(who(0), Some(eur(8_000)), &lines, &accepted, &[&product], &[], &[]);
        assert_eq!(earned.earnings.len(), 1);
        assert_eq!(earned.earnings[0].base, Some(eur(1_000)));
        assert_eq!(
            earned.explanation,
            "5.00 EUR earned at 1 level(s), line by line: L1 by a rule of the program; \
             NO_RULE for L2, L3, L4, L5, L6 and 2 more"
        );
        let other = fixed("o", RuleKind::Fixed, 500, Some("z"));
        let nothing = earn(who(0), Some(eur(8_000)), &lines, &accepted, &[&other], &[], &[]);
        assert!(nothing.explanation.starts_with("NO_RULE: "), "{}", nothing.explanation);
    }

    #[test]
    fn items_never_earn_more_than_any_amount_may_be() {
        let (amount, arithmetic) = for_each_item(eur(MAX_AMOUNT_MINOR / 2), 3);
        assert_eq!(amount, eur(MAX_AMOUNT_MINOR));
        assert!(arithmetic.contains(", at most 10000000000.00 EUR"), "{arithmetic}");
    }
}
