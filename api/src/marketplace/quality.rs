//! What a listing lacks: what keeps it from being published, and what would make it better.

use entity::listing::PayoutMethods;

use crate::marketplace::error::ListingErrorCode as Code;

/// Shorter titles say little.
const GOOD_TITLE_CHARS: usize = 15;
/// Shorter pitches say little.
const GOOD_PITCH_CHARS: usize = 120;

/// Something that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    ProgramActive,
    SomethingToEarn,
    RuleNotOnlyNote,
    Title,
    Pitch,
    PayoutMethods,
    ProgramDescription,
}

impl Check {
    /// In the order in which they are told: first what keeps it from being published.
    pub const ALL: [Self; 7] = [
        Self::ProgramActive,
        Self::SomethingToEarn,
        Self::RuleNotOnlyNote,
        Self::Title,
        Self::Pitch,
        Self::PayoutMethods,
        Self::ProgramDescription,
    ];

    /// Why publishing is refused without it; absent when it is only better with it.
    #[must_use]
    pub fn refusal(self) -> Option<Code> {
        match self {
            Self::ProgramActive => Some(Code::ProgramNotActive),
            Self::SomethingToEarn => Some(Code::ListingIncomplete),
            _ => None,
        }
    }

    /// What is missing, in words.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::ProgramActive => "activate the program before publishing its listing",
            Self::SomethingToEarn => {
                "the program has neither an active commission rule nor a commission note: nothing says what there is to earn"
            }
            Self::RuleNotOnlyNote => {
                "only a note says what there is to earn: conditions on the commission do not find this listing"
            }
            Self::Title => "the title has fewer than 15 characters: say what is promoted, and for whom",
            Self::Pitch => "the pitch has fewer than 120 characters: say why a partner should join",
            Self::PayoutMethods => "nothing says how partners are paid",
            Self::ProgramDescription => "the program has no description",
        }
    }

    fn passes(self, facts: &Facts<'_>) -> bool {
        match self {
            Self::ProgramActive => facts.program_active,
            Self::SomethingToEarn => facts.has_rule || facts.has_note,
            Self::RuleNotOnlyNote => facts.has_rule || !facts.has_note,
            Self::Title => facts.title.chars().count() >= GOOD_TITLE_CHARS,
            Self::Pitch => facts.pitch.chars().count() >= GOOD_PITCH_CHARS,
            Self::PayoutMethods => !facts.payout_methods.is_empty(),
            Self::ProgramDescription => !facts.description.trim().is_empty(),
        }
    }
}

/// What is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    pub program_active: bool,
    pub has_rule: bool,
    pub has_note: bool,
    pub title: &'a str,
    pub pitch: &'a str,
    pub payout_methods: PayoutMethods,
    pub description: &'a str,
}

/// What it lacks.
pub fn gaps(facts: &Facts<'_>) -> impl Iterator<Item = Check> {
    Check::ALL.into_iter().filter(|check| !check.passes(facts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_the_gravest_first() {
        let bare = Facts {
            program_active: false,
            has_rule: false,
            has_note: false,
            title: "Tea",
            pitch: "Good tea.",
            payout_methods: PayoutMethods::default(),
            description: " ",
        };
        let all: Vec<Check> = gaps(&bare).collect();
        assert_eq!(
            all,
            [
                Check::ProgramActive,
                Check::SomethingToEarn,
                Check::Title,
                Check::Pitch,
                Check::PayoutMethods,
                Check::ProgramDescription
            ]
        );
        let noted = Facts { has_note: true, ..bare };
        let all: Vec<Check> = gaps(&noted).collect();
        assert!(all.contains(&Check::RuleNotOnlyNote) && !all.contains(&Check::SomethingToEarn));
        let pitch = "x".repeat(120);
        let full = Facts {
            program_active: true,
            has_rule: true,
            has_note: true,
            title: "Tea for friends",
            pitch: &pitch,
            payout_methods: PayoutMethods::from_text("PAYPAL"),
            description: "All of our tea.",
        };
        assert_eq!(gaps(&full).count(), 0);
    }
}
