//! Pure checks of saved searches.

use chrono::{DateTime, TimeDelta, Utc};
use entity::saved_search::Notify;
use serde_json::Value;

/// Longest name.
const MAX_NAME_CHARS: usize = 80;
/// Longest conditions, as JSON.
pub const MAX_QUERY_BYTES: usize = 10_000;

/// A name as it will be shown: trimmed, on one line.
#[must_use]
pub fn clean_name(name: &str) -> Option<String> {
    let name = name.trim();
    let fits = !name.is_empty() && name.chars().count() <= MAX_NAME_CHARS && !name.chars().any(char::is_control);
    fits.then(|| name.to_owned())
}

/// How long it is not looked at again. What nobody is mailed about is counted daily all the same.
#[must_use]
pub fn pause(notify: Notify) -> TimeDelta {
    match notify {
        Notify::AtOnce => TimeDelta::minutes(10),
        Notify::Never | Notify::Daily => TimeDelta::days(1),
        Notify::Weekly => TimeDelta::days(7),
    }
}

/// Is a listing that a search did not know new to it? Where more is found than is looked at, an old one may slide in behind one
/// that went: it is new only when it was published about when the search was last looked at, or later.
#[must_use]
pub fn is_new(published_at: Option<DateTime<Utc>>, last_look: Option<DateTime<Utc>>, is_cut: bool) -> bool {
    /// How long an engine may take to find what was published, at the very most.
    const LAG: TimeDelta = TimeDelta::days(1);
    !is_cut
        || match (published_at, last_look) {
            (Some(published), Some(look)) => published >= look - LAG,
            _ => true,
        }
}

/// The conditions without those that were left out.
#[must_use]
pub fn given(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, given(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(given).collect(),
        other => other,
    }
}

/// What a mail says: how many, and which.
#[must_use]
pub fn letter(person: &str, search: &str, titles: &[(String, String)], count: usize) -> (String, String) {
    let what = if count == 1 {
        "1 new listing".to_owned()
    } else {
        format!("{count} new listings")
    };
    let mut text = format!("Hello {person},\n\n{what} for your saved search \"{search}\":\n\n");
    for (title, brand) in titles {
        text.push_str(&format!("- {title} ({brand})\n"));
    }
    if count > titles.len() {
        text.push_str(&format!("- and {} more\n", count - titles.len()));
    }
    text.push_str("\nSign in to see them, or to change how often you are told.\n");
    (format!("{what}: {search}"), text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_left_out_is_not_kept() {
        let all = json!({ "text": "tea", "category": null, "or": [{ "country": null, "recurring": false }] });
        assert_eq!(given(all), json!({ "text": "tea", "or": [{ "recurring": false }] }));
    }

    #[test]
    fn a_letter_names_some_and_counts_all() {
        let titles = [("Tea".to_owned(), "North".to_owned())];
        let (subject, text) = letter("Mia", "Hot", &titles, 1);
        assert_eq!(subject, "1 new listing: Hot");
        assert!(text.contains("- Tea (North)\n") && !text.contains("more"));
        let (subject, text) = letter("Mia", "Hot", &titles, 12);
        assert_eq!(subject, "12 new listings: Hot");
        assert!(text.contains("- and 11 more\n"));
    }

    #[test]
    fn what_slides_in_is_not_new() {
        let look = DateTime::UNIX_EPOCH + TimeDelta::days(100);
        let day = TimeDelta::days(1);
        for (published, is_cut, wanted) in [
            (look - day * 2, false, true),
            (look - day * 2, true, false),
            (look - day, true, true),
            (look + day, true, true),
        ] {
            assert_eq!(
                is_new(Some(published), Some(look), is_cut),
                wanted,
                "{published} {is_cut}"
            );
        }
    }

    #[test]
    fn names_are_on_one_line() {
        assert_eq!(clean_name(" Tea "), Some("Tea".to_owned()));
        for wrong in ["", " ", "a\nb", &"x".repeat(81)] {
            assert_eq!(clean_name(wrong), None, "{wrong:?}");
        }
    }
}
