//! Who may apply to a program. What is known of an applicant stands in [`Applicant`]; a further requirement is a field
//! there, one of [`Admission`], and a line in [`obstacles`].

use std::ops::RangeInclusive;

use chrono::{DateTime, TimeDelta, Utc};
use entity::admission_policy::AskAgain;

/// Days until an application is approved by itself.
pub const APPROVE_AFTER_DAYS: RangeInclusive<i32> = 1..=90;
/// Days until a partner may ask again.
pub const ASK_AGAIN_DAYS: RangeInclusive<i32> = 1..=365;
/// Countries a policy may name in a list: as many as there are, nearly.
pub const MAX_COUNTRIES: usize = 250;
/// E-mail domains a policy may name in a list.
pub const MAX_DOMAINS: usize = 100;
/// Longest domain (RFC 1035).
const MAX_DOMAIN_LEN: usize = 253;

/// What a program asks of those who apply. An empty list of what is allowed allows all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admission {
    pub allowed_countries: Vec<String>,
    pub excluded_countries: Vec<String>,
    pub allowed_domains: Vec<String>,
    pub blocked_domains: Vec<String>,
    pub minimum_followers: Option<i32>,
    /// Only verified channels count, and there must be one.
    pub requires_verified_channel: bool,
}

/// What is known of who applies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applicant {
    /// The partner's.
    pub country: Option<String>,
    /// Folded; of the account that applies. Absent when nobody knows which one did.
    pub email: Option<String>,
    /// Whether its holder proved that address.
    pub email_is_proved: bool,
    /// Of the partner's greatest channel; absent when it names none.
    pub followers: Option<i64>,
    /// The same of its verified ones.
    pub verified_followers: Option<i64>,
}

/// A requirement that is not met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    CountryMissing,
    CountryNotAllowed,
    CountryExcluded,
    EmailNotVerified,
    EmailDomainNotAllowed,
    EmailDomainBlocked,
    FollowersTooFew,
    ChannelNotVerified,
}

/// Every requirement that an applicant does not meet.
#[must_use]
pub fn obstacles(admission: &Admission, applicant: &Applicant) -> Vec<Obstacle> {
    country(admission, applicant.country.as_deref())
        .into_iter()
        .chain(email(admission, applicant))
        .chain(followers(admission, applicant))
        .collect()
}

fn country(admission: &Admission, country: Option<&str>) -> Option<Obstacle> {
    let (allowed, excluded) = (&admission.allowed_countries, &admission.excluded_countries);
    if allowed.is_empty() && excluded.is_empty() {
        return None;
    }
    // Saying nothing is no way around it.
    let Some(country) = country else {
        return Some(Obstacle::CountryMissing);
    };
    let names = |list: &[String]| list.iter().any(|named| named == country);
    if names(excluded) {
        Some(Obstacle::CountryExcluded)
    } else if !allowed.is_empty() && !names(allowed) {
        Some(Obstacle::CountryNotAllowed)
    } else {
        None
    }
}

fn followers(admission: &Admission, applicant: &Applicant) -> Option<Obstacle> {
    let counted = if admission.requires_verified_channel {
        applicant.verified_followers
    } else {
        applicant.followers
    };
    if admission.requires_verified_channel && counted.is_none() {
        return Some(Obstacle::ChannelNotVerified);
    }
    let least = i64::from(admission.minimum_followers?);
    (counted.unwrap_or(0) < least).then_some(Obstacle::FollowersTooFew)
}

fn email(admission: &Admission, applicant: &Applicant) -> Option<Obstacle> {
    // Of an application that nobody's account stands behind, this is for a person to judge.
    let (_, domain) = applicant.email.as_deref()?.rsplit_once('@')?;
    let names = |list: &[String]| list.iter().any(|named| is_within(domain, named));
    if names(&admission.blocked_domains) {
        return Some(Obstacle::EmailDomainBlocked);
    }
    if admission.allowed_domains.is_empty() {
        return None;
    }
    if !names(&admission.allowed_domains) {
        return Some(Obstacle::EmailDomainNotAllowed);
    }
    // Anybody can write down an address of a domain; who reads its mail is of it.
    (!applicant.email_is_proved).then_some(Obstacle::EmailNotVerified)
}

/// A domain itself, or one below it.
fn is_within(domain: &str, named: &str) -> bool {
    domain
        .strip_suffix(named)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// A domain as it is compared: `example.org`.
#[must_use]
pub fn clean_domain(typed: &str) -> Option<String> {
    let domain = typed.trim().trim_start_matches('@').to_lowercase();
    let label = |label: &str| {
        !label.is_empty()
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let fits = domain.len() <= MAX_DOMAIN_LEN && domain.contains('.') && domain.split('.').all(label);
    fits.then_some(domain)
}

/// From when somebody may ask again: absent when at once, the far end of time when never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    Now,
    From(DateTime<Utc>),
    Never,
}

/// When somebody of whom this was said then may ask again.
#[must_use]
pub fn ask_again(policy: AskAgain, days: Option<i32>, since: DateTime<Utc>) -> Again {
    match (policy, days) {
        (AskAgain::Never, _) => Again::Never,
        (AskAgain::AfterDays, Some(days)) => Again::From(since + TimeDelta::days(i64::from(days))),
        (AskAgain::AtOnce | AskAgain::AfterDays, _) => Again::Now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(items: &[&str]) -> Vec<String> {
        items.iter().map(|item| (*item).to_owned()).collect()
    }

    fn applicant(country: Option<&str>, email: &str, email_is_proved: bool) -> Applicant {
        Applicant {
            country: country.map(str::to_owned),
            email: Some(email.to_owned()),
            email_is_proved,
            followers: None,
            verified_followers: None,
        }
    }

    #[test]
    fn the_greatest_channel_counts() {
        let admission = Admission {
            minimum_followers: Some(1_000),
            ..Admission::default()
        };
        for (followers, wanted) in [
            (None, Some(Obstacle::FollowersTooFew)),
            (Some(999), Some(Obstacle::FollowersTooFew)),
            (Some(1_000), None),
        ] {
            let applicant = Applicant {
                followers,
                ..Applicant::default()
            };
            assert_eq!(
                obstacles(&admission, &applicant).first().copied(),
                wanted,
                "{followers:?}"
            );
        }
        let admission = Admission {
            requires_verified_channel: true,
            ..admission
        };
        for (verified_followers, wanted) in [
            (None, Some(Obstacle::ChannelNotVerified)),
            (Some(999), Some(Obstacle::FollowersTooFew)),
            (Some(1_000), None),
        ] {
            let applicant = Applicant {
                followers: Some(50_000),
                verified_followers,
                ..Applicant::default()
            };
            assert_eq!(obstacles(&admission, &applicant).first().copied(), wanted);
        }
    }

    #[test]
    fn whoever_asks_for_nothing_takes_everybody() {
        assert_eq!(obstacles(&Admission::default(), &Applicant::default()), []);
        let somebody = applicant(None, "a@b.example", false);
        assert_eq!(obstacles(&Admission::default(), &somebody), []);
    }

    #[test]
    fn countries_are_named_by_what_is_allowed_and_by_what_is_not() {
        let admission = Admission {
            allowed_countries: list(&["DE", "FR"]),
            excluded_countries: list(&["FR"]),
            ..Admission::default()
        };
        for (country, wanted) in [
            (Some("DE"), None),
            (Some("FR"), Some(Obstacle::CountryExcluded)),
            (Some("US"), Some(Obstacle::CountryNotAllowed)),
            (None, Some(Obstacle::CountryMissing)),
        ] {
            let found = obstacles(&admission, &applicant(country, "a@b.example", true));
            assert_eq!(found.first().copied(), wanted, "{country:?}");
        }
        let admission = Admission {
            excluded_countries: list(&["FR"]),
            ..Admission::default()
        };
        assert_eq!(obstacles(&admission, &applicant(Some("US"), "a@b.example", true)), []);
    }

    #[test]
    fn a_domain_speaks_for_those_below_it_and_counts_when_it_is_proved() {
        let admission = Admission {
            allowed_domains: list(&["school.example"]),
            blocked_domains: list(&["spam.school.example"]),
            ..Admission::default()
        };
        for (email, proved, wanted) in [
            ("a@school.example", true, None),
            ("a@art.school.example", true, None),
            ("a@school.example", false, Some(Obstacle::EmailNotVerified)),
            ("a@myschool.example", true, Some(Obstacle::EmailDomainNotAllowed)),
            ("a@spam.school.example", true, Some(Obstacle::EmailDomainBlocked)),
        ] {
            let found = obstacles(&admission, &applicant(None, email, proved));
            assert_eq!(found.first().copied(), wanted, "{email}");
        }
    }

    #[test]
    fn domains_are_plain() {
        assert_eq!(clean_domain(" @Example.ORG "), Some("example.org".to_owned()));
        for wrong in [
            "",
            "example",
            "a..b",
            "-a.example",
            "a,b.example",
            "a b.example",
            "*.example",
        ] {
            assert_eq!(clean_domain(wrong), None, "{wrong}");
        }
    }
}
