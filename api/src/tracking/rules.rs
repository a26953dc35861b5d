//! Who is credited: pure decisions over touches that were looked up before.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    conversion_touch::{TouchKind, TouchRejection},
    ids::PartnershipId,
    program::AttributionOrder,
};
use url::Url;

/// A candidate for credit, with all that the decision needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub kind: TouchKind,
    /// The code or click id as sent, or the binding in words.
    pub evidence: String,
    /// Whom it speaks for; absent when nobody could be found behind it.
    pub partnership: Option<PartnershipId>,
    pub touched_at: Option<DateTime<Utc>>,
    /// Why it cannot win, when that was clear from looking it up.
    pub rejection: Option<TouchRejection>,
}

/// What becomes of one candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Won,
    Outranked,
    Rejected(TouchRejection),
}

/// Is a click at `clicked_at` inside the window of an event at `occurred_at`? A click after its event never is.
#[must_use]
pub fn in_window(clicked_at: DateTime<Utc>, occurred_at: DateTime<Utc>, window_days: i32) -> bool {
    clicked_at <= occurred_at && occurred_at - clicked_at <= TimeDelta::days(i64::from(window_days))
}

fn rank(kind: TouchKind, order: AttributionOrder) -> u8 {
    match (kind, order) {
        (TouchKind::PromoCode, AttributionOrder::CodeFirst) | (TouchKind::Click, AttributionOrder::ClickFirst) => 0,
        (TouchKind::Click, AttributionOrder::CodeFirst) | (TouchKind::PromoCode, AttributionOrder::ClickFirst) => 1,
        (TouchKind::CustomerBinding, _) => 2,
    }
}

/// One verdict a candidate: the best-ranked one that can win does; among codes the first in the order they were sent.
#[must_use]
pub fn decide(candidates: &[Candidate], order: AttributionOrder) -> Vec<Verdict> {
    let winner = candidates
        .iter()
        .enumerate()
        .filter(|(_, candidate)| candidate.rejection.is_none() && candidate.partnership.is_some())
        .min_by_key(|(position, candidate)| (rank(candidate.kind, order), *position))
        .map(|(position, _)| position);
    candidates
        .iter()
        .enumerate()
        .map(|(position, candidate)| match candidate.rejection {
            Some(rejection) => Verdict::Rejected(rejection),
            None if Some(position) == winner => Verdict::Won,
            None => Verdict::Outranked,
        })
        .collect()
}

/// A touch's fate in words.
#[must_use]
pub fn explain(candidate: &Candidate, verdict: Verdict, order: AttributionOrder) -> String {
    let what = match candidate.kind {
        TouchKind::PromoCode => format!("promo code {}", candidate.evidence),
        TouchKind::Click => "the click".to_owned(),
        TouchKind::CustomerBinding => "the customer's binding".to_owned(),
    };
    let why = match verdict {
        Verdict::Won => match (candidate.kind, order) {
            (TouchKind::PromoCode, AttributionOrder::CodeFirst) => "wins: a code goes before everything else here",
            (TouchKind::PromoCode, AttributionOrder::ClickFirst) => "wins: no valid click goes before it",
            (TouchKind::Click, AttributionOrder::ClickFirst) => "wins: a click goes before everything else here",
            (TouchKind::Click, AttributionOrder::CodeFirst) => "wins: no valid code goes before it",
            (TouchKind::CustomerBinding, _) => "wins: no valid code or click came with the event",
        },
        Verdict::Outranked => "was valid, but another touch goes before it",
        Verdict::Rejected(rejection) => match rejection {
            TouchRejection::CodeUnknown => "is not a code of this brand",
            TouchRejection::CodeExpired => "had expired",
            TouchRejection::CodeExhausted => "had been used as often as allowed",
            TouchRejection::ClickForged => "is not a genuine click id",
            TouchRejection::ClickUnknownLink => "came through a link that is not this brand's",
            TouchRejection::OutsideWindow => "lies outside the attribution window",
            TouchRejection::BindingExpired => "had run out",
            TouchRejection::PartnershipNotActive => "belongs to a partnership that is not active",
            TouchRejection::ProgramNotActive => "belongs to a program that is not active",
            TouchRejection::OtherProgram => "belongs to another program than the event's",
        },
    };
    format!("{what} {why}")
}

/// May a link lead there? Only to the program's own host or a subdomain of it, so that a link is no open redirect.
#[must_use]
pub fn is_allowed_destination(destination: &Url, program_url: &Url) -> bool {
    let (Some(host), Some(home)) = (destination.host_str(), program_url.host_str()) else {
        return false;
    };
    let home = home.trim_start_matches("www.");
    matches!(destination.scheme(), "http" | "https")
        && destination.username().is_empty()
        && destination.password().is_none()
        && (host == home || host.strip_suffix(home).is_some_and(|front| front.ends_with('.')))
}

/// A code folded for comparison: trimmed, upper case. `None` when it has not the form of a code.
#[must_use]
pub fn code_key(code: &str) -> Option<String> {
    let code = code.trim();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    ((3..=40).contains(&code.len()) && code.bytes().all(plain)).then(|| code.to_ascii_uppercase())
}

/// Evidence as it can be stored: PostgreSQL keeps no NUL, and no sale is lost for one.
#[must_use]
pub fn storable(text: &str) -> String {
    text.replace('\0', "\u{FFFD}")
}

/// A link's slug: 4 to 40 letters, digits or hyphens.
#[must_use]
pub fn is_slug(slug: &str) -> bool {
    (4..=40).contains(&slug.len()) && slug.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn candidate(kind: TouchKind, who: u128, rejection: Option<TouchRejection>) -> Candidate {
        Candidate {
            kind,
            evidence: "X".to_owned(),
            partnership: Some(PartnershipId(Uuid::from_u128(who))),
            touched_at: None,
            rejection,
        }
    }

    #[test]
    fn the_chain_is_code_click_binding_or_click_first() {
        let all = [
            candidate(TouchKind::Click, 1, None),
            candidate(TouchKind::PromoCode, 2, None),
            candidate(TouchKind::PromoCode, 3, None),
            candidate(TouchKind::CustomerBinding, 4, None),
        ];
        let code_first = decide(&all, AttributionOrder::CodeFirst);
        assert_eq!(
            code_first,
            [Verdict::Outranked, Verdict::Won, Verdict::Outranked, Verdict::Outranked]
        );
        let click_first = decide(&all, AttributionOrder::ClickFirst);
        assert_eq!(click_first[0], Verdict::Won);
    }

    #[test]
    fn a_rejected_touch_never_wins() {
        let all = [
            candidate(TouchKind::PromoCode, 1, Some(TouchRejection::CodeExpired)),
            candidate(TouchKind::CustomerBinding, 2, None),
        ];
        let verdicts = decide(&all, AttributionOrder::CodeFirst);
        assert_eq!(verdicts, [Verdict::Rejected(TouchRejection::CodeExpired), Verdict::Won]);
        assert_eq!(
            decide(&all[..1], AttributionOrder::CodeFirst),
            [Verdict::Rejected(TouchRejection::CodeExpired)]
        );
    }

    #[test]
    fn the_window_is_closed_on_both_sides() {
        let event = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        assert!(in_window(event - TimeDelta::days(30), event, 30));
        assert!(!in_window(
            event - TimeDelta::days(30) - TimeDelta::microseconds(1),
            event,
            30
        ));
        assert!(!in_window(event + TimeDelta::microseconds(1), event, 30));
    }

    #[test]
    fn links_stay_on_the_programs_site() {
        let home: Url = "https://www.aurora.example/shop".parse().unwrap();
        for (address, allowed) in [
            ("https://aurora.example/x", true),
            ("https://shop.aurora.example/", true),
            ("https://evilaurora.example/", false),
            ("https://aurora.example.evil.org/", false),
            ("https://user@aurora.example/", false),
        ] {
            assert_eq!(
                is_allowed_destination(&address.parse().unwrap(), &home),
                allowed,
                "{address}"
            );
        }
    }
}
