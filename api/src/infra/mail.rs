//! Mail on its way out: handed to an SMTP server, or printed to the log where none is configured.
//!
//! Called by the job that delivers, never inside a request.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use entity::ids::MailId;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
    transport::smtp,
};

/// How long a conversation with a mail server may take.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Answers about how we signed in, which say nothing about the mail: the configuration is wrong, and may be put right.
const SIGN_IN_ANSWERS: [&str; 4] = ["530", "534", "535", "538"];

/// A plain-text mail, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Becomes the Message-ID: a mail that is sent twice can be told by it.
    pub id: MailId,
    pub to: String,
    pub subject: String,
    pub text: String,
    pub written_at: DateTime<Utc>,
}

/// Why a mail did not leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailError {
    /// Worth another try: the server is away, busy, or does not like us now.
    Later(String),
    /// It will never leave: the server said so for good, or the address is none.
    Never(String),
}

#[async_trait]
pub trait Mailer: Send + Sync {
    async fn send(&self, letter: &Letter) -> Result<(), MailError>;
}

/// Prints mails to the log.
pub enum LogMailer {
    /// With their text, for whoever tries things out.
    Whole,
    /// Without it: a log is no place for links that open accounts.
    Outside,
}

#[async_trait]
impl Mailer for LogMailer {
    async fn send(&self, letter: &Letter) -> Result<(), MailError> {
        let Letter { to, subject, text, .. } = letter;
        match self {
            Self::Whole => tracing::info!(%to, %subject, "mail, printed because --smtp-url is not set\n{text}"),
            Self::Outside => tracing::warn!(%to, %subject, "mail not sent: --smtp-url is not set"),
        }
        Ok(())
    }
}

/// Hands mails to a server, one conversation each: mails are few, and a kept connection would be one more thing to break.
pub struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl SmtpMailer {
    /// To the server at `smtp://user:password@host:port?tls=required`, or `smtps://…`, in the name of `from`.
    pub fn new(url: &str, from: &str) -> Result<Self, String> {
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            .map_err(|error| format!("--smtp-url: {}", without_address(&error)))?;
        Ok(Self {
            transport: builder.timeout(Some(TIMEOUT)).build(),
            from: from
                .parse()
                .map_err(|_| "--mail-from must be an address, or `Name <address>`".to_owned())?,
        })
    }

    fn compose(&self, letter: &Letter) -> Result<Message, String> {
        let to = letter.to.parse().map_err(|_| "the address is none".to_owned())?;
        let domain = self.from.email.domain();
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .date(letter.written_at.into())
            .message_id(Some(format!("<{}@{domain}>", letter.id)))
            .subject(&*letter.subject)
            .header(ContentType::TEXT_PLAIN)
            .body(letter.text.clone())
            .map_err(|error| error.to_string())
    }
}

/// What is wrong with an address that may hold a password.
fn without_address(error: &smtp::Error) -> String {
    use std::error::Error;
    error
        .source()
        .map_or_else(|| error.to_string(), std::string::ToString::to_string)
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, letter: &Letter) -> Result<(), MailError> {
        let message = self.compose(letter).map_err(MailError::Never)?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_permanent() && !is_about_sign_in(&error) => Err(MailError::Never(error.to_string())),
            Err(error) => Err(MailError::Later(error.to_string())),
        }
    }
}

fn is_about_sign_in(error: &smtp::Error) -> bool {
    error
        .status()
        .is_some_and(|code| SIGN_IN_ANSWERS.contains(&code.to_string().as_str()))
}

#[cfg(test)]
mod tests {
    use entity::ids::TypedId;
    use uuid::Uuid;

    use super::*;

    fn letter(to: &str) -> Letter {
        Letter {
            id: MailId::from_uuid(Uuid::from_u128(1)),
            to: to.to_owned(),
            subject: "Grüße\r\nBcc: eve@example.org".to_owned(),
            text: "Hello,\n\nthis is a mail.\n".to_owned(),
            written_at: DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
        }
    }

    #[tokio::test]
    async fn a_letter_has_the_headers_that_tell_it_apart() {
        let mailer = SmtpMailer::new("smtp://127.0.0.1:25", "Tributary <no-reply@tributary.example>").unwrap();
        let text = String::from_utf8(mailer.compose(&letter("ada@example.org")).unwrap().formatted()).unwrap();
        let headers: Vec<&str> = text.split("\r\n\r\n").next().unwrap().split("\r\n").collect();
        for wanted in [
            "From: Tributary <no-reply@tributary.example>",
            "To: ada@example.org",
            "Date: Tue, 14 Nov 2023 22:13:20 +0000",
            "Content-Type: text/plain; charset=utf-8",
        ] {
            assert!(headers.contains(&wanted), "{wanted}: {text}");
        }
        let id = "Message-ID: <mail_00000000000000000000000001@tributary.example>";
        assert!(headers.contains(&id), "{text}");
        assert!(!headers.iter().any(|line| line.starts_with("Bcc")), "{text}");
        assert!(mailer.compose(&letter("not an address")).is_err());
    }

    #[tokio::test]
    async fn a_wrong_setting_is_named_without_its_password() {
        for (url, from, setting) in [
            ("http://user:hunter2@host", "a@b.org", "--smtp-url"),
            ("smtp://user:hunter2@host?tls=perhaps", "a@b.org", "--smtp-url"),
            ("not an address", "a@b.org", "--smtp-url"),
            ("smtp://host", "nobody", "--mail-from"),
        ] {
            let Err(line) = SmtpMailer::new(url, from) else {
                panic!("{url} was taken");
            };
            assert!(line.starts_with(setting) && !line.contains("hunter2"), "{line}");
        }
    }
}
