//! Pure checks of what people write about themselves.

/// Longest display name, in characters.
pub const MAX_NAME_CHARS: usize = 100;
/// Longest e-mail address (RFC 5321).
const MAX_EMAIL_LEN: usize = 254;
/// Bounds of a password, in characters.
pub const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 10..=200;

/// The address folded for comparison, when it looks like one: something, an at sign, a domain with a dot.
#[must_use]
pub fn email_key(email: &str) -> Option<String> {
    let email = email.trim();
    let (local, domain) = email.rsplit_once('@')?;
    let plain = |part: &str| !part.is_empty() && !part.chars().any(|c| c.is_whitespace() || c.is_control());
    let dotted = domain.contains('.') && !domain.starts_with('.') && !domain.ends_with('.');
    (email.len() <= MAX_EMAIL_LEN && plain(local) && plain(domain) && dotted && !local.contains('@'))
        .then(|| email.to_lowercase())
}

/// A name as it will be shown: trimmed, not empty, not overlong, without control characters.
#[must_use]
pub fn clean_name(name: &str) -> Option<String> {
    let name = name.trim();
    let fits = !name.is_empty() && name.chars().count() <= MAX_NAME_CHARS && !name.chars().any(char::is_control);
    fits.then(|| name.to_owned())
}

/// A handle or slug: 3 to 30 lower-case letters, digits or hyphens, beginning with a letter.
#[must_use]
pub fn is_handle(text: &str) -> bool {
    (3..=30).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_folded_or_refused() {
        assert_eq!(email_key(" Ada@Example.ORG "), Some("ada@example.org".to_owned()));
        for wrong in [
            "",
            "ada",
            "@example.org",
            "ada@org",
            "a da@example.org",
            "a@b@example.org",
            "ada@.org",
        ] {
            assert_eq!(email_key(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn handles_are_plain() {
        assert!(is_handle("ada-l"));
        for wrong in ["ab", "Ada", "1ada", "ada_l", "a".repeat(31).as_str()] {
            assert!(!is_handle(wrong), "{wrong}");
        }
    }
}
