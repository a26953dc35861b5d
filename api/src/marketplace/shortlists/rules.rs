//! Pure decisions about marks.

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Characters of a note.
pub const MAX_NOTE_CHARS: usize = 2_000;

/// Since when a mark stands, and its place in the list of such marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Since {
    pub at: DateTime<Utc>,
    pub place: Uuid,
}

/// Everything an owner says about one listing or creator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    pub saved: Option<Since>,
    pub hidden: Option<Since>,
    pub note: Option<String>,
    pub noted: Option<Since>,
}

/// What to change; what is absent stays, and nothing in the note's place takes it away.
#[derive(Clone, Debug, Default)]
pub struct MarkPatch {
    pub saved: Option<bool>,
    pub hidden: Option<bool>,
    pub note: Option<Option<String>>,
}

impl Marks {
    /// The marks after a change. What was so before keeps its time; `next` makes a new one.
    #[must_use]
    pub fn changed(self, patch: MarkPatch, mut next: impl FnMut() -> Since) -> Self {
        let mut since = |before: Option<Since>, wanted: Option<bool>| match wanted {
            None => before,
            Some(true) => before.or_else(|| Some(next())),
            Some(false) => None,
        };
        let saved = since(self.saved, patch.saved);
        let hidden = since(self.hidden, patch.hidden);
        let note = patch.note.unwrap_or_else(|| self.note.clone());
        // Other words are a new note.
        let before = self.noted.filter(|_| note == self.note);
        let noted = since(before, Some(note.is_some()));
        Self {
            saved,
            hidden,
            note,
            noted,
        }
    }

    #[must_use]
    pub fn says_nothing(&self) -> bool {
        self.saved.is_none() && self.hidden.is_none() && self.note.is_none()
    }
}

/// A note as it is kept: trimmed, with plain line breaks.
#[must_use]
pub fn clean_note(note: &str) -> Option<String> {
    let note = note.trim().replace("\r\n", "\n");
    let plain = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
    let fits = !note.is_empty() && note.chars().count() <= MAX_NOTE_CHARS && note.chars().all(plain);
    fits.then_some(note)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Since {
        Since {
            at: DateTime::from_timestamp(second, 0).unwrap(),
            place: Uuid::from_u128(u128::try_from(second).unwrap()),
        }
    }

    fn note(text: &str) -> MarkPatch {
        MarkPatch {
            note: Some(Some(text.to_owned())),
            ..MarkPatch::default()
        }
    }

    #[test]
    fn marking_again_changes_nothing() {
        let patch = || MarkPatch {
            saved: Some(true),
            ..note("call them")
        };
        let first = Marks::default().changed(patch(), || at(1));
        assert_eq!(
            (first.saved, first.hidden, first.noted),
            (Some(at(1)), None, Some(at(1)))
        );
        assert_eq!(first.clone().changed(patch(), || at(2)), first);
        assert_eq!(first.clone().changed(MarkPatch::default(), || at(2)), first);
    }

    #[test]
    fn other_words_are_a_new_note_and_none_are_none() {
        let marks = Marks::default().changed(note("one"), || at(1));
        let marks = marks.changed(note("two"), || at(2));
        assert_eq!((marks.note.as_deref(), marks.noted), (Some("two"), Some(at(2))));
        let gone = MarkPatch {
            note: Some(None),
            ..MarkPatch::default()
        };
        let marks = marks.changed(gone, || at(3));
        assert_eq!(marks, Marks::default());
        assert!(marks.says_nothing());
    }

    #[test]
    fn saved_anew_stands_in_front_again() {
        let saved = |wanted| MarkPatch {
            saved: Some(wanted),
            ..MarkPatch::default()
        };
        let marks = Marks::default().changed(saved(true), || at(1));
        let marks = marks.changed(saved(false), || at(2)).changed(saved(true), || at(3));
        assert_eq!(marks.saved, Some(at(3)));
    }

    #[test]
    fn notes_are_plain_and_bounded() {
        assert_eq!(clean_note("  a\r\nb\tc 🚀 "), Some("a\nb\tc 🚀".to_owned()));
        assert_eq!(
            clean_note(&"ä".repeat(2_000)).map(|note| note.chars().count()),
            Some(2_000)
        );
        for wrong in ["", " \n ", "a\u{0}b", "a\u{1b}[1m", "x".repeat(2_001).as_str()] {
            assert_eq!(clean_note(wrong), None, "{wrong:?}");
        }
    }
}
