//! Pure checks of what a program is made of.

pub mod admission;
pub mod questions;

use std::ops::RangeInclusive;

use entity::program::ProgramState;

use crate::money::{Currency, UnknownCurrency, WHOLE_PPM};

/// May a program go from one state to the other? One that runs is paused before it is archived: that is for good.
#[must_use]
pub fn may_go(from: ProgramState, to: ProgramState) -> bool {
    use ProgramState::{Active, Archived, Draft, Paused};
    matches!((from, to), (Draft | Paused, Active | Archived) | (Active, Paused))
}

/// How many currencies a program accepts.
pub const CURRENCIES: RangeInclusive<usize> = 1..=20;
/// The most levels of a referral tree that earn.
pub const MAX_LEVELS: usize = 10;

/// Longest commission note, in characters.
pub const MAX_NOTE_CHARS: usize = 200;

/// A commission note as it will be shown: trimmed, on one line.
#[must_use]
pub fn clean_note(note: &str) -> Option<&str> {
    let note = note.trim();
    let fits = !note.is_empty() && note.chars().count() <= MAX_NOTE_CHARS && !note.chars().any(char::is_control);
    fits.then_some(note)
}

/// Longest product id and category of an order's line, in characters.
const MAX_LINE_NAME_CHARS: usize = 200;

/// Can a line of an order have this product id or category?
#[must_use]
pub fn is_name_of_line(name: &str) -> bool {
    !name.is_empty()
        && name.chars().count() <= MAX_LINE_NAME_CHARS
        && !name.chars().any(char::is_control)
        && name.trim() == name
}

/// Codes as they are stored: known, sorted, each once.
pub fn normal_currencies(codes: &[String]) -> Result<Vec<&'static str>, UnknownCurrency> {
    let mut known = codes
        .iter()
        .map(|code| code.parse::<Currency>().map(Currency::code))
        .collect::<Result<Vec<_>, _>>()?;
    known.sort_unstable();
    known.dedup();
    Ok(known)
}

/// Is this one of the accepted currencies, as stored?
#[must_use]
pub fn accepts(stored: &str, code: &str) -> bool {
    stored.split(',').any(|accepted| accepted == code)
}

/// Is the rate above nothing and at most the whole?
#[must_use]
pub fn is_rate(ppm: i64) -> bool {
    (1..=WHOLE_PPM).contains(&ppm)
}

/// Are these the levels 1 to n, in any order, each once and not too many?
#[must_use]
pub fn are_levels(levels: &[i32]) -> bool {
    let mut sorted = levels.to_vec();
    sorted.sort_unstable();
    sorted.len() <= MAX_LEVELS && sorted.iter().zip(1..).all(|(level, wanted)| *level == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn currencies_are_known_sorted_and_stand_once() {
        let codes = |list: &[&str]| list.iter().map(|code| (*code).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            normal_currencies(&codes(&["USD", "EUR", "USD"])),
            Ok(vec!["EUR", "USD"])
        );
        assert!(normal_currencies(&codes(&["EUR", "QQQ"])).is_err());
        assert!(accepts("EUR,USD", "USD"));
        assert!(!accepts("EUR,USD", "EU"));
    }

    #[test]
    fn a_note_is_trimmed_and_bounded() {
        assert_eq!(clean_note(" 20-30% "), Some("20-30%"));
        assert_eq!(clean_note(&"ä".repeat(200)).map(str::len), Some(400));
        for wrong in ["", "  ", "two\nlines", "x".repeat(201).as_str()] {
            assert_eq!(clean_note(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_lines_names_are_bounded_and_stand_on_one_line() {
        assert!(is_name_of_line("Shoes, red") && is_name_of_line(&"ä".repeat(200)));
        for wrong in ["", " ", " a", "a ", "two\nlines", "a\0b", "x".repeat(201).as_str()] {
            assert!(!is_name_of_line(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn levels_have_no_gaps() {
        assert!(are_levels(&[]));
        assert!(are_levels(&[2, 1, 3]));
        for wrong in [&[0][..], &[2], &[1, 1], &[1, 3], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]] {
            assert!(!are_levels(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn a_rate_is_above_nothing_and_at_most_the_whole() {
        assert!(is_rate(1) && is_rate(WHOLE_PPM));
        assert!(!is_rate(0) && !is_rate(-1) && !is_rate(WHOLE_PPM + 1));
    }
}
