//! The server, asked to stop: load balancers hear of it first, and what is open is answered.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    process::Command,
    time::{Duration, Instant},
};

use super::{Dice, PAUSE, SEED, Server, free_address, get, wait_until};
use crate::support::{app::with_app, database::Database};

fn is_ready(address: SocketAddr) -> bool {
    get(address, "/readyz").is_some_and(|answer| answer.starts_with("HTTP/1.0 200"))
}

fn stop_and_watch(url: &str) {
    let address = free_address(&mut Dice(SEED + 6 + u64::from(std::process::id())));
    let mut server = Server::start(url, address);
    wait_until("the server is ready", || is_ready(address));
    // Half a request, whose other half comes when the server is stopping.
    let mut open = TcpStream::connect(address).unwrap();
    let body = r#"{"query":"{ __typename }"}"#;
    let length = body.len();
    write!(
        open,
        "POST /graphql HTTP/1.0\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{{"
    )
    .unwrap();
    let signal = Command::new("kill")
        .arg("-TERM")
        .arg(server.0.id().to_string())
        .status();
    assert!(signal.unwrap().success());
    wait_until("the server says that it is stopping", || !is_ready(address));
    let answer = get(address, "/readyz").unwrap();
    assert!(
        answer.starts_with("HTTP/1.0 503") && answer.contains("retry-after: 2"),
        "{answer}"
    );
    assert!(get(address, "/healthz").unwrap().starts_with("HTTP/1.0 200"));
    wait_until("no new connections are taken", || TcpStream::connect(address).is_err());
    open.write_all(&body.as_bytes()[1..]).unwrap();
    let mut answer = String::new();
    open.read_to_string(&mut answer).unwrap();
    assert!(answer.contains(r#""__typename":"Query""#), "{answer}");
    let end = Instant::now() + Duration::from_secs(12);
    let status = loop {
        if let Some(status) = server.0.try_wait().unwrap() {
            break status;
        }
        assert!(Instant::now() < end, "the server does not end");
        std::thread::sleep(PAUSE);
    };
    assert!(status.success(), "{status}");
}

#[tokio::test]
async fn a_server_that_is_asked_to_stop_says_so_and_answers_what_is_open() {
    with_app(Database::Sqlite, |app| async move {
        let url = app.app.config.database_url.clone();
        tokio::task::spawn_blocking(move || stop_and_watch(&url)).await.unwrap();
    })
    .await;
}
