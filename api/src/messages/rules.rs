//! Pure decisions about messages.

use entity::partnership::PartnershipState;

/// Characters of a message.
pub const MAX_BODY_CHARS: usize = 5_000;

/// What there is between a partner and a program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dealings {
    pub partnership: Option<PartnershipState>,
    pub open_application: bool,
    pub open_invitation: bool,
}

impl Dealings {
    /// May they write to each other? Whoever was banned may not, whatever else is open; whoever left may, once it asks or is
    /// asked again.
    #[must_use]
    pub fn may_write(self) -> bool {
        match self.partnership {
            Some(PartnershipState::Banned) => false,
            Some(PartnershipState::Active | PartnershipState::Suspended) => true,
            Some(PartnershipState::Ended) | None => self.open_application || self.open_invitation,
        }
    }
}

/// A message as it is kept: trimmed, with plain line breaks.
#[must_use]
pub fn clean_body(body: &str) -> Option<String> {
    let body = body.trim().replace("\r\n", "\n");
    let plain = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
    let fits = !body.is_empty() && body.chars().count() <= MAX_BODY_CHARS && body.chars().all(plain);
    fits.then_some(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_is_not_written_to() {
        use PartnershipState::{Active, Banned, Ended, Suspended};
        for (partnership, alone, with_application) in [
            (None, false, true),
            (Some(Active), true, true),
            (Some(Suspended), true, true),
            (Some(Ended), false, true),
            (Some(Banned), false, false),
        ] {
            let dealings = Dealings {
                partnership,
                ..Dealings::default()
            };
            assert_eq!(dealings.may_write(), alone, "{partnership:?}");
            let open_application = Dealings {
                open_application: true,
                ..dealings
            };
            let open_invitation = Dealings {
                open_invitation: true,
                ..dealings
            };
            assert_eq!(open_application.may_write(), with_application, "{partnership:?}");
            assert_eq!(open_invitation.may_write(), with_application, "{partnership:?}");
        }
    }

    #[test]
    fn messages_are_plain_and_bounded() {
        assert_eq!(clean_body(" Hi,\r\n\tall 🚀 \n"), Some("Hi,\n\tall 🚀".to_owned()));
        assert!(clean_body(&"ä".repeat(5_000)).is_some());
        for wrong in ["", " \r\n ", "a\u{0}", "a\u{1b}[2J", "a\rb", "x".repeat(5_001).as_str()] {
            assert_eq!(clean_body(wrong), None, "{wrong:?}");
        }
    }
}
