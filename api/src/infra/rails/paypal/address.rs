//! Mail addresses, as far as PayPal finds accounts by them.

use super::wire::MAX_RECEIVER_CHARS;

/// RFC 5321.
const MAX_LOCAL_CHARS: usize = 64;
/// RFC 1035.
const MAX_LABEL_CHARS: usize = 63;

/// Whether this can be the address of an account: one that cannot be makes PayPal refuse the whole batch that it stands in. ASCII,
/// unquoted, at most 127 characters, at a domain of two or more labels.
#[must_use]
pub fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    text.len() <= MAX_RECEIVER_CHARS
        && local.len() <= MAX_LOCAL_CHARS
        && local.split('.').all(is_atom)
        && is_domain(domain)
}

fn is_atom(part: &str) -> bool {
    let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    !part.is_empty() && part.bytes().all(is_sign)
}

fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        (1..=MAX_LABEL_CHARS).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // The last one is no number: that would be an address of the internet protocol.
    let has_top = domain
        .rsplit_once('.')
        .is_some_and(|(_, top)| top.starts_with(|sign: char| sign.is_ascii_alphabetic()));
    has_top && domain.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_plain_and_has_a_domain() {
        let long = format!("{}@{}.example", "a".repeat(64), "b".repeat(54));
        assert_eq!(long.len(), 127);
        for address in [
            "a@b.c",
            "Maya.Rao+payouts@mail.example.com",
            "o'neil_1!#$%&*/=?^`{|}~-@example.org",
            "1@2.example",
            "maya@xn--mller-kva.example",
            &long,
        ] {
            assert!(is_address(address), "{address}");
        }
        for text in [
            "",
            "maya",
            "@example.com",
            "maya@",
            "maya@example",
            "maya@@example.com",
            "maya@home@example.com",
            ".maya@example.com",
            "maya.@example.com",
            "maya..rao@example.com",
            "\"maya\"@example.com",
            "maya rao@example.com",
            "maya,rao@example.com",
            "maya;rao@example.com",
            "maya(rao)@example.com",
            "maya:rao@example.com",
            "<maya@example.com>",
            "maya\\rao@example.com",
            "müller@example.com",
            "maya@müller.example",
            "maya@example..com",
            "maya@.example.com",
            "maya@example.com.",
            "maya@-example.com",
            "maya@example-.com",
            "maya@exam_ple.com",
            "maya@[127.0.0.1]",
            "maya@127.0.0.1",
            "maya@example.com\n",
            &format!("{}@example.com", "a".repeat(65)),
            &format!("maya@{}.com", "b".repeat(64)),
            &format!("a{long}"),
            &format!("{}@{}.example", "a".repeat(64), "b".repeat(55)),
        ] {
            assert!(!is_address(text), "{text}");
        }
    }
}
