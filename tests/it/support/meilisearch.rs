//! The Meilisearch server that tests search in, if there is one: that of `MEILISEARCH_URL` (with `MEILISEARCH_KEY`), or a
//! throwaway one of the `meilisearch` on the PATH. Like PostgreSQL's, a watchdog takes it down however the process ends.

use std::{
    env, fs,
    io::Write,
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Mutex, OnceLock},
    thread::sleep,
    time::Duration,
};

use tributary::{ids::Ids, infra::search::meilisearch::MeilisearchEngine};

use super::postgres::spawn_watchdog;

const PROGRAM: &str = "meilisearch";
const KEY: &str = "tributary-test-key-for-all-of-it";
/// Looks whether the server takes connections, and how long between them.
const LOOKS: u32 = 600;
const PAUSE: Duration = Duration::from_millis(50);

/// A server, and how to speak to it.
pub struct Server {
    url: String,
    key: Option<String>,
    /// Absent where somebody else runs it.
    own: Option<Own>,
}

/// A throwaway server.
struct Own {
    home: PathBuf,
    port: u16,
    running: Mutex<Option<Child>>,
    /// Closed by the end of the process, and by nothing else.
    _lifeline: ChildStdin,
}

/// The server of the process; absent, and said loudly, where there is none.
pub fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    let server = SERVER.get_or_init(|| match env::var("MEILISEARCH_URL") {
        Ok(url) => Some(Server {
            url,
            key: env::var("MEILISEARCH_KEY").ok(),
            own: None,
        }),
        Err(_) => Some(Server::throwaway(&find()?)),
    });
    said(server.as_ref())
}

/// A server of one test, which may be killed and emptied; absent where only somebody else's is there.
pub fn own_server() -> Option<Server> {
    let Some(program) = find() else {
        said(None);
        return None;
    };
    Some(Server::throwaway(&program))
}

fn said(server: Option<&Server>) -> Option<&Server> {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let line = match server {
        Some(server) => format!("*** searching in Meilisearch at {}: {test} ***\n", server.url),
        None => format!("\n*** MEILISEARCH WAS NOT TESTED: no MEILISEARCH_URL, no program; skipped {test} ***\n"),
    };
    // Written to the stream itself: the test runner captures only what the print macros write.
    let _ = std::io::stderr().write_all(line.as_bytes());
    server
}

fn find() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(PROGRAM))
        .find(|program| program.is_file())
}

impl Server {
    /// An engine with indexes of its own.
    pub fn engine(&self) -> MeilisearchEngine {
        let bytes: [u8; 8] = Ids::from_os().secret();
        let random: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        self.engine_of(&format!("test-{random}-"))
    }

    /// Another one with the same indexes.
    pub fn engine_of(&self, prefix: &str) -> MeilisearchEngine {
        MeilisearchEngine::new(&self.url, self.key.as_deref(), prefix).unwrap()
    }

    /// One that comes with another key.
    pub fn engine_with_key(&self, key: &str) -> MeilisearchEngine {
        MeilisearchEngine::new(&self.url, Some(key), "test-").unwrap()
    }

    fn throwaway(program: &Path) -> Self {
        let home = tempfile::Builder::new()
            .prefix("tributary-meilisearch-")
            .tempdir()
            .unwrap()
            .keep();
        let pid = home.join("pid").display().to_string();
        let stop = ["sh", "-c", r#"kill -9 "$(cat "$0")""#, &pid].map(str::to_owned);
        let lifeline = spawn_watchdog(&home, &stop).unwrap();
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let own = Own {
            home,
            port,
            running: Mutex::default(),
            _lifeline: lifeline,
        };
        own.start(program);
        Self {
            url: format!("http://127.0.0.1:{port}"),
            key: Some(KEY.to_owned()),
            own: Some(own),
        }
    }

    /// Ends it as a crash would.
    pub fn crash(&self) {
        let own = self.own.as_ref().unwrap();
        let mut child = own.running.lock().unwrap().take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Starts it again over what it had written.
    pub fn recover(&self) {
        self.own.as_ref().unwrap().start(&find().unwrap());
    }

    /// Takes everything from a server that was ended.
    pub fn empty(&self) {
        fs::remove_dir_all(self.own.as_ref().unwrap().home.join("data")).unwrap();
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if let Some(mut child) = self.running.lock().unwrap().take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Own {
    /// Writes its process id down before it runs, so that there is no moment in which it could be left alone.
    fn start(&self, program: &Path) {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.home.join("log"))
            .unwrap();
        let child = Command::new("sh")
            .args(["-c", r#"echo $$ > "$0"; exec "$@""#])
            .arg(self.home.join("pid"))
            .arg(program)
            .args(["--no-analytics", "--env", "development", "--http-addr"])
            .arg(format!("127.0.0.1:{}", self.port))
            .arg("--db-path")
            .arg(self.home.join("data"))
            .args(["--master-key", KEY])
            .current_dir(&self.home)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .process_group(0)
            .spawn()
            .unwrap();
        *self.running.lock().unwrap() = Some(child);
        for _ in 0..LOOKS {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok() {
                return;
            }
            sleep(PAUSE);
        }
        let log = fs::read_to_string(self.home.join("log")).unwrap_or_default();
        panic!("Meilisearch does not start:\n{log}");
    }
}
