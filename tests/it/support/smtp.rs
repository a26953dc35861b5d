//! A mail server of a few lines: takes what it is sent, and answers a mail's data as it was told to.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};
use tokio_util::task::AbortOnDropHandle;

pub struct SmtpServer {
    pub address: SocketAddr,
    state: Arc<State>,
    _serving: AbortOnDropHandle<()>,
}

#[derive(Default)]
struct State {
    taken: Mutex<Vec<Taken>>,
    answers: Mutex<VecDeque<&'static str>>,
    pause: Mutex<Duration>,
}

/// A mail as the server saw it.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    pub from: String,
    pub to: String,
    pub data: String,
}

impl SmtpServer {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        let serving = tokio::spawn({
            let state = Arc::clone(&state);
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    // A client that hangs up in the middle is its own affair.
                    let _ = converse(stream, &state).await;
                }
            }
        });
        Self {
            address,
            state,
            _serving: AbortOnDropHandle::new(serving),
        }
    }

    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// The data of the next mail gets this answer in place of "250".
    pub fn answer_next(&self, line: &'static str) {
        self.state.answers.lock().unwrap().push_back(line);
    }

    /// Takes its time over every mail, so that a client may be gone before the answer.
    pub fn answer_after(&self, pause: Duration) {
        *self.state.pause.lock().unwrap() = pause;
    }

    pub fn taken(&self) -> Vec<Taken> {
        self.state.taken.lock().unwrap().clone()
    }
}

async fn converse(stream: TcpStream, state: &State) -> std::io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    let mut mail = Taken::default();
    writer.write_all(b"220 test ESMTP\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let answer = match line.split([' ', ':']).next().unwrap_or_default() {
            "EHLO" => "250-test\r\n250 8BITMIME",
            "MAIL" => {
                mail.from = line;
                "250 ok"
            }
            "RCPT" => {
                mail.to = line;
                "250 ok"
            }
            "DATA" => {
                writer.write_all(b"354 go on\r\n").await?;
                while let Some(line) = lines.next_line().await?
                    && line != "."
                {
                    mail.data.push_str(&line);
                    mail.data.push('\n');
                }
                let answer = state.answers.lock().unwrap().pop_front();
                if answer.is_none() {
                    state.taken.lock().unwrap().push(std::mem::take(&mut mail));
                }
                let pause = *state.pause.lock().unwrap();
                tokio::time::sleep(pause).await;
                answer.unwrap_or("250 taken")
            }
            "QUIT" => {
                writer.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => "500 what?",
        };
        writer.write_all(answer.as_bytes()).await?;
        writer.write_all(b"\r\n").await?;
    }
    Ok(())
}
