//! The mailer of tests: remembers what it was given, and fails when told to.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use serde_json::{Value, json};
use tributary::{
    infra::mail::{Letter, MailError, Mailer},
    jobs::{handlers, worker},
};

use super::app::TestApp;

#[derive(Default)]
pub struct RecordingMailer {
    sent: Mutex<Vec<Letter>>,
    answers: Mutex<VecDeque<MailError>>,
}

#[async_trait::async_trait]
impl Mailer for RecordingMailer {
    async fn send(&self, letter: &Letter) -> Result<(), MailError> {
        if let Some(error) = self.answers.lock().unwrap_or_else(PoisonError::into_inner).pop_front() {
            return Err(error);
        }
        self.sent.lock().unwrap().push(letter.clone());
        Ok(())
    }
}

impl RecordingMailer {
    /// The next mail meets this answer.
    pub fn fail_next(&self, error: MailError) {
        self.answers.lock().unwrap().push_back(error);
    }
}

const REQUEST_RESET: &str = "mutation ($input: RequestPasswordResetInput!) {
    requestPasswordReset(input: $input) { email userErrors { code message } }
}";

impl TestApp {
    pub async fn request_password_reset(&self, email: &str) -> Value {
        let input = json!({ "input": { "email": email } });
        self.graphql(None, REQUEST_RESET, input).await
    }

    /// Sends what is due now, and returns what left.
    pub async fn send_mails(&self) -> Vec<Letter> {
        worker::run_due(&self.app, &handlers()).await.unwrap();
        std::mem::take(&mut self.mailer.sent.lock().unwrap())
    }

    /// Sends what is due now; what behind `#` in the one mail to this address is the token of its link.
    pub async fn mailed_token(&self, email: &str) -> String {
        let letters: Vec<Letter> = self
            .send_mails()
            .await
            .into_iter()
            .filter(|letter| letter.to == email)
            .collect();
        let [letter] = letters.as_slice() else {
            panic!("one mail to {email} wanted: {letters:#?}");
        };
        token_of(letter)
    }
}

/// The token of the link in a mail.
pub fn token_of(letter: &Letter) -> String {
    let link = letter.text.lines().find_map(|line| line.split_once('#'));
    match link {
        Some((_, token)) => token.to_owned(),
        None => panic!("no link: {letter:#?}"),
    }
}
