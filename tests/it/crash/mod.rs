//! The real program and its database, killed without warning again and again: what was acknowledged is there once, and all
//! ends where an undisturbed run ends.
//!
//! Killing a process says nothing about a machine that loses its power: that rests on `synchronous=FULL` and on
//! PostgreSQL's own settings.

mod database;
mod demo;
mod ending;
mod import;
mod mail;
mod plan;
mod server;
mod stop;
mod traffic;

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::support::{dice::Dice, program::command};

const SEED: u64 = 20_260_115;
/// Longest wait for anything that must happen; a lease of a killed process may have to run out first.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(10);
/// Below the ports that outgoing connections are given, which a stopped server could lose its own to.
const PORTS: std::ops::Range<u16> = 20_000..30_000;

/// A server that is killed, never stopped.
struct Server(Child);

impl Server {
    fn start(url: &str, address: SocketAddr) -> Self {
        Self::start_with(url, address, &["--no-demo"])
    }

    fn start_with(url: &str, address: SocketAddr, more: &[&str]) -> Self {
        let listen = address.to_string();
        let arguments = [&["serve", "--listen", &listen], more].concat();
        let child = command(url, &arguments).stdout(Stdio::null()).spawn().unwrap();
        Self(child)
    }

    fn kill(&mut self) {
        self.must_live();
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Server {
    /// It never ends by itself, whatever happens around it.
    fn must_live(&mut self) {
        if let Some(status) = self.0.try_wait().unwrap() {
            panic!("the server ended by itself: {status}");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_address(dice: &mut Dice) -> SocketAddr {
    for _ in 0..100 {
        let port = PORTS.start + u16::try_from(dice.below(u64::from(PORTS.end - PORTS.start))).unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
    panic!("no free port between {} and {}", PORTS.start, PORTS.end);
}

/// The whole answer to a request for a page; `None` when nobody gives one.
fn get(address: SocketAddr, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\nhost: {address}\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "waited {PATIENCE:?} in vain: {what}");
        thread::sleep(PAUSE);
    }
}
