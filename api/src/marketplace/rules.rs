//! Pure checks of listings, and cursors of ranked lists.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use entity::listing::ListingState;

const MAX_TITLE_CHARS: usize = 120;
const MAX_PITCH_CHARS: usize = 2_000;

/// May a listing go from one state to the other? A published one is paused before it is archived: that is for good.
#[must_use]
pub fn may_go(from: ListingState, to: ListingState) -> bool {
    use ListingState::{Archived, Draft, Paused, Published};
    matches!((from, to), (Draft | Paused, Published | Archived) | (Published, Paused))
}

/// A title as it will be shown: trimmed, on one line.
#[must_use]
pub fn clean_title(title: &str) -> Option<String> {
    let title = title.trim();
    let fits = !title.is_empty() && title.chars().count() <= MAX_TITLE_CHARS && !title.chars().any(char::is_control);
    fits.then(|| title.to_owned())
}

/// A pitch as it will be shown: trimmed.
#[must_use]
pub fn clean_pitch(pitch: &str) -> Option<String> {
    let pitch = pitch.trim();
    let fits = !pitch.is_empty() && pitch.chars().count() <= MAX_PITCH_CHARS;
    fits.then(|| pitch.to_owned())
}

/// A category: 2 to 40 lower-case letters, digits or hyphens.
#[must_use]
pub fn is_category(text: &str) -> bool {
    (2..=40).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// A list of codes as it is stored: sorted, each once, comma-separated.
#[must_use]
pub fn joined(mut codes: Vec<String>) -> String {
    codes.sort_unstable();
    codes.dedup();
    codes.join(",")
}

/// The cursor behind the first `offset` items of a ranked list. Ranks have no key to continue from, so it counts.
#[must_use]
pub fn encode_offset(offset: u64) -> String {
    URL_SAFE_NO_PAD.encode(format!("rank:{offset}"))
}

#[must_use]
pub fn decode_offset(cursor: &str) -> Option<u64> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    std::str::from_utf8(&bytes).ok()?.strip_prefix("rank:")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn categories_are_slugs() {
        assert!(is_category("home-garden2"));
        for wrong in ["a", "Home", "home garden", "häuser", "a".repeat(41).as_str()] {
            assert!(!is_category(wrong), "{wrong}");
        }
    }

    #[test]
    fn texts_are_trimmed_and_bounded() {
        assert_eq!(clean_title("  Coffee  "), Some("Coffee".to_owned()));
        assert_eq!(clean_title("two\nlines"), None);
        assert_eq!(clean_title(&"x".repeat(121)), None);
        assert_eq!(clean_pitch(" \n "), None);
        assert_eq!(clean_pitch("two\nlines"), Some("two\nlines".to_owned()));
    }

    #[test]
    fn codes_stand_sorted_and_once() {
        let codes = ["FR", "DE", "FR"].map(str::to_owned).to_vec();
        assert_eq!(joined(codes), "DE,FR");
        assert_eq!(joined(Vec::new()), "");
    }

    #[test]
    fn a_cursor_reads_back() {
        assert_eq!(decode_offset(&encode_offset(40)), Some(40));
        for wrong in ["", "40", "cmFuazo", "!"] {
            assert_eq!(decode_offset(wrong), None, "{wrong}");
        }
    }
}
