//! What is alike, how much it counts, and how that is said.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use crate::{
    infra::search::{
        Document, Field,
        document::Value,
        schema::{creators, listings},
    },
    marketplace::{creators::rules::Share, trust::rules::MIN_CONVERSIONS},
    money::{WHOLE_PPM, proportion},
};

/// Why something matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReasonCode {
    Category,
    Performance,
    SharedPartners,
    Countries,
    Terms,
    Size,
}

/// What one thing in common counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    pub code: ReasonCode,
    pub points: i64,
    pub message: String,
}

/// What a listing is compared by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    pub category: String,
    /// Empty: everywhere.
    pub countries: BTreeSet<String>,
    pub commissions: BTreeSet<String>,
    pub sale_ppm: Option<i64>,
}

impl Offer {
    #[must_use]
    pub fn of(document: &Document) -> Self {
        Self {
            category: words(document, listings::CATEGORY)
                .into_iter()
                .next()
                .unwrap_or_default(),
            countries: words(document, listings::COUNTRIES),
            commissions: words(document, listings::COMMISSIONS),
            sale_ppm: match document.get(listings::SALE_PPM) {
                Some(Value::Number(ppm)) => Some(*ppm),
                _ => None,
            },
        }
    }
}

/// What a partner is compared by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Promoter {
    /// What it says it is about.
    pub niches: BTreeSet<String>,
    /// Where it says its audience is.
    pub audience: BTreeSet<String>,
    pub country: Option<String>,
    /// Categories of the programs it is in.
    pub joined: BTreeSet<String>,
    /// What it sold lately, by category.
    pub sold: BTreeMap<String, i64>,
}

impl Promoter {
    /// What its public profile says; none says nothing.
    #[must_use]
    pub fn of(profile: Option<&Document>) -> Self {
        let Some(profile) = profile else { return Self::default() };
        Self {
            niches: words(profile, creators::NICHES),
            audience: words(profile, creators::AUDIENCE),
            country: words(profile, creators::COUNTRY).into_iter().next(),
            ..Self::default()
        }
    }
}

fn words(document: &Document, field: Field) -> BTreeSet<String> {
    match document.get(field) {
        Some(Value::Keywords(words)) => words.iter().cloned().collect(),
        _ => BTreeSet::new(),
    }
}

/// Of a percentage that is given in parts per million.
const PERCENT_DECIMALS: u32 = 4;
/// More partners in common tell no more.
const MAX_SHARED: i64 = 5;

/// What makes one listing like another.
#[must_use]
pub fn similar(base: &Offer, other: &Offer, shared: i64) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if base.category == other.category {
        reasons.push(reason(
            ReasonCode::Category,
            40,
            format!("both are about {}", base.category),
        ));
    }
    reasons.push(of_shared(shared, 30));
    let countries = match (base.countries.is_empty(), other.countries.is_empty()) {
        (true, true) => (15, "both are open everywhere".to_owned()),
        (false, false) => {
            let common = base.countries.intersection(&other.countries).count();
            let smaller = base.countries.len().min(other.countries.len());
            (
                part(15, common, smaller),
                format!("open in {common} of the same countries"),
            )
        }
        _ => (
            8,
            "one of them is open everywhere, the other in some countries".to_owned(),
        ),
    };
    reasons.push(reason(ReasonCode::Countries, countries.0, countries.1));
    let common = base.commissions.intersection(&other.commissions).count();
    let all = base.commissions.union(&other.commissions).count();
    let close = match (base.sale_ppm, other.sale_ppm) {
        (Some(a), Some(b)) => proportion(5, a.min(b), a.max(b)),
        _ => 0,
    };
    reasons.push(reason(
        ReasonCode::Terms,
        part(10, common, all) + close,
        "they pay for the same, and about as much".to_owned(),
    ));
    told(reasons)
}

/// What makes a listing one for a partner; `shared` counts the partners who are in this program and in one of its own.
#[must_use]
pub fn for_promoter(promoter: &Promoter, offer: &Offer, shared: i64) -> Vec<Reason> {
    let category = &offer.category;
    let mut reasons = Vec::new();
    if promoter.niches.contains(category) {
        reasons.push(reason(ReasonCode::Category, 35, format!("you are about {category}")));
    } else if promoter.joined.contains(category) {
        reasons.push(reason(
            ReasonCode::Category,
            20,
            format!("you are in a program about {category}"),
        ));
    }
    let all: i64 = promoter.sold.values().sum();
    let here = promoter.sold.get(category).copied().unwrap_or(0);
    reasons.push(reason(
        ReasonCode::Performance,
        proportion(25, here, all),
        format!("{here} of your {all} sales of the last 90 days were of {category}"),
    ));
    reasons.push(of_shared(shared, 15));
    let countries = if offer.countries.is_empty() {
        (15, "it is open everywhere".to_owned())
    } else if !promoter.audience.is_empty() {
        let common = promoter.audience.intersection(&offer.countries).count();
        let all = promoter.audience.len();
        (
            part(25, common, all),
            format!("it is open in {common} of the {all} countries of your audience"),
        )
    } else if promoter
        .country
        .as_ref()
        .is_some_and(|country| offer.countries.contains(country))
    {
        (15, "it is open in your country".to_owned())
    } else {
        (0, String::new())
    };
    reasons.push(reason(ReasonCode::Countries, countries.0, countries.1));
    told(reasons)
}

/// What a program looks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// None while nothing is published of it.
    pub category: Option<String>,
    /// Empty: everywhere.
    pub countries: BTreeSet<String>,
}

/// What a creator is compared by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candidate {
    /// What it says it is about.
    pub niches: Vec<String>,
    /// Where it says its audience is.
    pub audience: Vec<Share>,
    pub country: Option<String>,
    /// Of the channel that has most of them, as it says.
    pub followers: i64,
    /// Other programs that it is in, and partners of this one too.
    pub shared: i64,
    /// What it sold lately in the programs it is in, of the category that is wanted and in all.
    pub sold: (i64, i64),
}

/// What makes a creator one for a program.
#[must_use]
pub fn for_program(wanted: &Wanted, creator: &Candidate) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if let Some(category) = &wanted.category {
        if creator.niches.contains(category) {
            reasons.push(reason(ReasonCode::Category, 30, format!("it is about {category}")));
        }
        let (here, all) = creator.sold;
        // Of fewer nothing is said of a partner anywhere.
        if all >= MIN_CONVERSIONS {
            reasons.push(reason(
                ReasonCode::Performance,
                proportion(25, here, all),
                format!("{here} of its {all} sales of the last 90 days were of {category}"),
            ));
        }
    }
    let programs = match creator.shared {
        1 => "1 program".to_owned(),
        MAX_SHARED.. => format!("{MAX_SHARED} or more programs"),
        some => format!("{some} programs"),
    };
    reasons.push(reason(
        ReasonCode::SharedPartners,
        of_most_shared(creator.shared, 15),
        format!("it is in {programs} with partners of yours"),
    ));
    let countries = if wanted.countries.is_empty() {
        (10, "the program is open everywhere".to_owned())
    } else if !creator.audience.is_empty() {
        let here = creator
            .audience
            .iter()
            .filter(|share| wanted.countries.contains(&share.country));
        let ppm: i64 = here.map(|share| share.ppm).sum();
        (
            proportion(20, ppm, WHOLE_PPM),
            format!(
                "{} % of its audience is where the program is open",
                Decimal::new(ppm, PERCENT_DECIMALS).normalize()
            ),
        )
    } else if creator
        .country
        .as_ref()
        .is_some_and(|country| wanted.countries.contains(country))
    {
        (10, "it is where the program is open".to_owned())
    } else {
        (0, String::new())
    };
    reasons.push(reason(ReasonCode::Countries, countries.0, countries.1));
    let size = match creator.followers {
        1_000_000.. => 10,
        100_000.. => 8,
        10_000.. => 6,
        1_000.. => 3,
        _ => 0,
    };
    reasons.push(reason(
        ReasonCode::Size,
        size,
        format!("{} follow its greatest channel, as it says", creator.followers),
    ));
    told(reasons)
}

/// All points together.
#[must_use]
pub fn points(reasons: &[Reason]) -> i64 {
    reasons.iter().map(|reason| reason.points).sum()
}

fn of_shared(shared: i64, most: i64) -> Reason {
    // More than counts is nobody's to know: how many partners a program has is its brand's business.
    let partners = match shared {
        1 => "1 partner is".to_owned(),
        MAX_SHARED.. => format!("{MAX_SHARED} or more partners are"),
        some => format!("{some} partners are"),
    };
    reason(
        ReasonCode::SharedPartners,
        of_most_shared(shared, most),
        format!("{partners} in both"),
    )
}

fn of_most_shared(shared: i64, most: i64) -> i64 {
    proportion(most, shared.min(MAX_SHARED), MAX_SHARED)
}

fn reason(code: ReasonCode, points: i64, message: String) -> Reason {
    Reason { code, points, message }
}

fn part(most: i64, some: usize, all: usize) -> i64 {
    let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    proportion(most, count(some), count(all))
}

/// What counts, the most first.
fn told(mut reasons: Vec<Reason>) -> Vec<Reason> {
    reasons.retain(|reason| reason.points > 0);
    reasons.sort_by(|a, b| b.points.cmp(&a.points).then(a.code.cmp(&b.code)));
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(words: &[&str]) -> BTreeSet<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    fn offer(category: &str, countries: &[&str], commissions: &[&str], sale_ppm: Option<i64>) -> Offer {
        Offer {
            category: category.to_owned(),
            countries: set(countries),
            commissions: set(commissions),
            sale_ppm,
        }
    }

    fn counted(reasons: &[Reason]) -> Vec<(ReasonCode, i64)> {
        reasons.iter().map(|reason| (reason.code, reason.points)).collect()
    }

    #[test]
    fn twins_have_all_points_and_strangers_none() {
        let tea = offer("food", &[], &["SALE_PERCENT"], Some(100_000));
        let all = similar(&tea, &tea, 9);
        assert_eq!(points(&all), 100);
        assert_eq!(all[1].message, "5 or more partners are in both");
        let bank = offer("finance", &["US"], &["LEAD_FIXED"], None);
        let some = similar(&offer("food", &["DE"], &["SALE_PERCENT"], Some(1)), &bank, 0);
        assert_eq!(some, Vec::new());
    }

    #[test]
    fn parts_count_in_part() {
        let base = offer("food", &["DE", "FR"], &["SALE_PERCENT", "LEAD_FIXED"], Some(100_000));
        let other = offer("food", &["FR", "IT", "ES"], &["SALE_PERCENT"], Some(50_000));
        // Countries: 15 × 1/2 = 7.5, half-even 8. Terms: 10 × 1/2 + 5 × 50/100 = 5 + 2.5, half-even 2. Shared: 30 × 2/5.
        assert_eq!(
            counted(&similar(&base, &other, 2)),
            [
                (ReasonCode::Category, 40),
                (ReasonCode::SharedPartners, 12),
                (ReasonCode::Countries, 8),
                (ReasonCode::Terms, 7)
            ]
        );
    }

    #[test]
    fn a_partner_is_matched_by_what_it_is_about_and_sells() {
        let mut promoter = Promoter {
            niches: set(&["food"]),
            audience: set(&["DE", "AT", "CH", "FR"]),
            joined: set(&["travel"]),
            sold: [("food".to_owned(), 3), ("travel".to_owned(), 9)].into(),
            ..Promoter::default()
        };
        // Performance: 25 × 3/12 = 6.25. Countries: 25 × 3/4 = 18.75.
        let dach = offer("food", &["DE", "AT", "CH"], &[], None);
        assert_eq!(
            counted(&for_promoter(&promoter, &dach, 1)),
            [
                (ReasonCode::Category, 35),
                (ReasonCode::Countries, 19),
                (ReasonCode::Performance, 6),
                (ReasonCode::SharedPartners, 3)
            ]
        );
        let travel = offer("travel", &[], &[], None);
        let reasons = for_promoter(&promoter, &travel, 0);
        assert_eq!(
            counted(&reasons),
            [
                (ReasonCode::Category, 20),
                (ReasonCode::Performance, 19),
                (ReasonCode::Countries, 15)
            ]
        );
        assert_eq!(
            reasons[1].message,
            "9 of your 12 sales of the last 90 days were of travel"
        );
        promoter.audience.clear();
        promoter.country = Some("DE".to_owned());
        assert!(counted(&for_promoter(&promoter, &dach, 0)).contains(&(ReasonCode::Countries, 15)));
        assert_eq!(for_promoter(&Promoter::default(), &dach, 0), Vec::new());
    }

    #[test]
    fn a_creator_is_matched_by_what_it_says_and_sells() {
        let share = |country: &str, ppm| Share {
            country: country.to_owned(),
            ppm,
        };
        let mut creator = Candidate {
            niches: vec!["food".to_owned()],
            audience: vec![share("DE", 410_000), share("US", 300_000), share("AT", 25_000)],
            country: Some("US".to_owned()),
            followers: 120_000,
            shared: 2,
            sold: (9, 24),
        };
        let wanted = Wanted {
            category: Some("food".to_owned()),
            countries: set(&["DE", "AT", "CH"]),
        };
        // Performance: 25 × 9/24 = 9.375. Shared: 15 × 2/5. Countries: 20 × 43.5/100 = 8.7.
        let reasons = for_program(&wanted, &creator);
        assert_eq!(
            counted(&reasons),
            [
                (ReasonCode::Category, 30),
                (ReasonCode::Performance, 9),
                (ReasonCode::Countries, 9),
                (ReasonCode::Size, 8),
                (ReasonCode::SharedPartners, 6),
            ]
        );
        let said: Vec<&str> = reasons.iter().map(|reason| reason.message.as_str()).collect();
        assert_eq!(
            said,
            [
                "it is about food",
                "9 of its 24 sales of the last 90 days were of food",
                "43.5 % of its audience is where the program is open",
                "120000 follow its greatest channel, as it says",
                "it is in 2 programs with partners of yours",
            ]
        );
        // Of 19 sales nothing is said, and nothing of where an audience is that nobody told of: it is itself abroad.
        creator.sold = (19, 19);
        creator.audience.clear();
        creator.shared = 0;
        let fewer = [(ReasonCode::Category, 30), (ReasonCode::Size, 8)];
        assert_eq!(counted(&for_program(&wanted, &creator)), fewer);
        creator.country = Some("CH".to_owned());
        assert!(counted(&for_program(&wanted, &creator)).contains(&(ReasonCode::Countries, 10)));

        let most = Candidate {
            audience: vec![share("DE", 1_000_000)],
            followers: 1_000_000,
            shared: 9,
            sold: (20, 20),
            ..creator
        };
        assert_eq!(points(&for_program(&wanted, &most)), 100);
        let nothing = Wanted {
            countries: set(&["DE"]),
            ..Wanted::default()
        };
        assert_eq!(for_program(&nothing, &Candidate::default()), Vec::new());
    }
}
