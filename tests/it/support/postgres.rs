//! One throwaway PostgreSQL cluster for the test process, and a database of its own for every test.
//!
//! The cluster lives in a temporary directory and dies with the process, however that ends: a watchdog shell waits on a
//! pipe that only this process holds open, so even a killed process (which runs no destructor) leaves nothing behind.

use std::{
    collections::BTreeSet,
    env, fs,
    io::Write,
    net::{Ipv4Addr, TcpListener},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{ChildStdin, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};
use tokio::sync::OnceCell;
use tributary::infra::db::Db;

use super::app::TestApp;

/// Set to `1` where a run without PostgreSQL must not count as a run.
const REQUIRE: &str = "TRIBUTARY_REQUIRE_POSTGRES";
const SUPERUSER: &str = "tributary";
const TEMPLATE: &str = "tributary_template";
const PROGRAMS: [&str; 3] = ["initdb", "pg_ctl", "postgres"];
/// A port found free may be taken before the server binds it.
const MAX_START_ATTEMPTS: u32 = 5;

/// Safety is for data that is kept: this one is thrown away.
const SETTINGS: &str = "
fsync = off
full_page_writes = off
max_connections = 400
listen_addresses = '127.0.0.1'
logging_collector = off
";

/// Whether what was committed outlives the server's violent end. The machine's is another matter.
#[derive(Clone, Copy)]
enum Commits {
    Forgetful,
    Kept,
}

impl Commits {
    fn setting(self) -> &'static str {
        match self {
            Self::Forgetful => "synchronous_commit = off\n",
            Self::Kept => "synchronous_commit = on\n",
        }
    }
}

/// The running cluster.
pub struct Cluster {
    port: u16,
    runner: Runner,
    migrated: OnceCell<()>,
    /// Closed by the end of the process, and by nothing else.
    _lifeline: ChildStdin,
}

enum Trouble {
    /// No server binaries on this machine.
    Absent,
    /// Binaries, but no running server: never passed over in silence.
    Broken(String),
}

/// A database of one test.
pub struct TestDatabase {
    cluster: &'static Cluster,
    name: String,
}

/// Makes a migrated database; `None` when this machine has no PostgreSQL and need not have it.
pub async fn create() -> Option<TestDatabase> {
    Some(shared_cluster()?.create().await)
}

/// One without tables.
pub async fn create_empty() -> Option<TestDatabase> {
    Some(shared_cluster()?.create_empty().await)
}

fn shared_cluster() -> Option<&'static Cluster> {
    static SHARED: OnceLock<Result<Cluster, Trouble>> = OnceLock::new();
    cluster(&SHARED, Commits::Forgetful)
}

/// A cluster of one test, which may be stopped violently and forgets nothing that was committed.
pub fn own_cluster() -> Option<&'static Cluster> {
    static OWN: OnceLock<Result<Cluster, Trouble>> = OnceLock::new();
    cluster(&OWN, Commits::Kept)
}

impl TestDatabase {
    pub fn url(&self) -> String {
        self.cluster.url(&self.name)
    }

    pub async fn drop(self) {
        self.cluster
            .administer(&format!("DROP DATABASE {} WITH (FORCE)", self.name))
            .await;
    }
}

/// A cluster of the process, started by the first test that wants it.
fn cluster(place: &'static OnceLock<Result<Cluster, Trouble>>, commits: Commits) -> Option<&'static Cluster> {
    match place.get_or_init(|| Cluster::start(commits)) {
        Ok(cluster) => Some(cluster),
        Err(Trouble::Broken(why)) => panic!("PostgreSQL does not start: {why}"),
        Err(Trouble::Absent) if env::var_os(REQUIRE).is_some_and(|value| value == "1") => {
            panic!("{REQUIRE}=1, and there are no PostgreSQL server binaries on this machine")
        }
        Err(Trouble::Absent) => {
            // Written to the stream itself: the test runner captures only what the print macros write.
            let thread = std::thread::current();
            let test = thread.name().unwrap_or("a test");
            let line = format!("\n*** POSTGRESQL WAS NOT TESTED: no server binaries found; skipped {test} ***\n");
            let _ = std::io::stderr().write_all(line.as_bytes());
            None
        }
    }
}

impl Cluster {
    fn start(commits: Commits) -> Result<Self, Trouble> {
        let binaries = find_binaries().ok_or(Trouble::Absent)?;
        Self::start_with(&binaries, commits).map_err(Trouble::Broken)
    }

    fn start_with(binaries: &Path, commits: Commits) -> Result<Self, String> {
        let home = tempfile::Builder::new()
            .prefix("tributary-pg-")
            .tempdir()
            .map_err(|error| error.to_string())?
            .keep();
        let runner = Runner::new(binaries, &home)?;
        let data = runner.data();
        let stop = runner.argv("pg_ctl", &["stop", "-D", &data, "-m", "immediate", "-w"]);
        // Before the server starts, so that there is no moment in which it could be left alone.
        let lifeline = spawn_watchdog(&home, &stop)?;

        runner.run(
            "initdb",
            &[
                "-D",
                &data,
                "-U",
                SUPERUSER,
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C",
                "--no-sync",
            ],
        )?;
        let mut last = String::new();
        for attempt in 1..=MAX_START_ATTEMPTS {
            let port = free_port()?;
            let log = home.join(format!("log-{attempt}"));
            let configuration = format!(
                "{SETTINGS}{}port = {port}\nunix_socket_directories = '{}'\n",
                commits.setting(),
                home.display()
            );
            append(&home.join("data/postgresql.conf"), &configuration)?;
            match runner.start_server(&log) {
                Ok(()) => {
                    return Ok(Self {
                        port,
                        runner,
                        migrated: OnceCell::const_new(),
                        _lifeline: lifeline,
                    });
                }
                Err(error) => last = format!("{error}\n{}", fs::read_to_string(&log).unwrap_or_default()),
            }
        }
        Err(last)
    }

    /// A migrated database.
    pub async fn create(&'static self) -> TestDatabase {
        self.migrate_template().await;
        self.create_from(TEMPLATE).await
    }

    /// One without tables.
    pub async fn create_empty(&'static self) -> TestDatabase {
        self.create_from("template0").await
    }

    async fn create_from(&'static self, template: &str) -> TestDatabase {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("t_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.administer(&format!("CREATE DATABASE {name} TEMPLATE {template}"))
            .await;
        TestDatabase { cluster: self, name }
    }

    /// Ends the server as a crash would: no session is asked, and nothing is written any more.
    pub fn crash(&self) {
        let data = self.runner.data();
        self.runner
            .run("pg_ctl", &["stop", "-D", &data, "-m", "immediate", "-w"])
            .unwrap();
    }

    /// Starts the server again, which first recovers from its log.
    pub fn recover(&self) {
        self.runner.start_server(&self.runner.home.join("log-again")).unwrap();
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://{SUPERUSER}@127.0.0.1:{}/{database}", self.port)
    }

    async fn administer(&self, statement: &str) {
        let connection = self.connect("postgres").await;
        connection.execute_unprepared(statement).await.unwrap();
        connection.close().await.unwrap();
    }

    async fn connect(&self, database: &str) -> DatabaseConnection {
        let mut options = ConnectOptions::new(self.url(database));
        options.max_connections(1).sqlx_logging(false);
        Database::connect(options).await.unwrap()
    }

    /// Migrating takes many times as long as copying a migrated database.
    async fn migrate_template(&self) {
        self.migrated
            .get_or_init(|| async {
                self.administer(&format!("CREATE DATABASE {TEMPLATE}")).await;
                let db = Db::connect(&self.url(TEMPLATE), 1).await.unwrap();
                Migrator::up(db.schema_connection(), None).await.unwrap();
                // A database with sessions cannot be a template.
                db.close().await.unwrap();
            })
            .await;
    }
}

/// Runs the server's programs, as somebody else when this process is root: PostgreSQL refuses to run as root.
struct Runner {
    binaries: PathBuf,
    home: PathBuf,
    user: Option<String>,
    has_runuser: bool,
}

impl Runner {
    fn new(binaries: &Path, home: &Path) -> Result<Self, String> {
        let root = output("id", &["-u"]).is_some_and(|uid| uid == "0");
        let user = root.then(|| match output("id", &["-u", "postgres"]) {
            Some(_) => "postgres".to_owned(),
            None => "nobody".to_owned(),
        });
        if let Some(user) = &user {
            let home = home.display().to_string();
            output("chown", &[user, &home]).ok_or_else(|| format!("cannot give {home} to {user}"))?;
        }
        Ok(Self {
            binaries: binaries.to_owned(),
            home: home.to_owned(),
            user,
            has_runuser: output("runuser", &["--version"]).is_some(),
        })
    }

    fn argv(&self, program: &str, arguments: &[&str]) -> Vec<String> {
        let program = self.binaries.join(program).display().to_string();
        let plain = std::iter::once(program).chain(arguments.iter().map(|argument| (*argument).to_owned()));
        match &self.user {
            None => plain.collect(),
            Some(user) if self.has_runuser => ["runuser", "-u", user, "--"]
                .map(str::to_owned)
                .into_iter()
                .chain(plain)
                .collect(),
            Some(user) => {
                let line: Vec<String> = plain.map(|word| format!("'{}'", word.replace('\'', r"'\''"))).collect();
                ["su", "-s", "/bin/sh", user, "-c", &line.join(" ")]
                    .map(str::to_owned)
                    .to_vec()
            }
        }
    }

    fn data(&self) -> String {
        self.home.join("data").display().to_string()
    }

    fn start_server(&self, log: &Path) -> Result<(), String> {
        let (data, log) = (self.data(), log.display().to_string());
        self.run("pg_ctl", &["start", "-D", &data, "-l", &log, "-w", "-t", "60"])
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<(), String> {
        let argv = self.argv(program, arguments);
        // Into a file, not a pipe: the server inherits it, and a pipe would then stay open as long as the server runs.
        let said = self.home.join(format!("{program}.out"));
        let out = fs::File::create(&said).map_err(|error| error.to_string())?;
        let err = out.try_clone().map_err(|error| error.to_string())?;
        let status = Command::new(&argv[0])
            .args(&argv[1..])
            .current_dir(&self.home)
            .env_remove("PGDATA")
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .status()
            .map_err(|error| format!("{argv:?}: {error}"))?;
        if status.success() {
            return Ok(());
        }
        Err(format!(
            "{argv:?}: {status}\n{}",
            fs::read_to_string(&said).unwrap_or_default()
        ))
    }
}

/// Waits for the end of its input, which is the end of this process, then stops the server and removes `home`.
pub fn spawn_watchdog(home: &Path, stop: &[String]) -> Result<ChildStdin, String> {
    let mut watchdog = Command::new("sh");
    watchdog
        .args(["-c", r#"trap '' HUP INT TERM; read _; "$@"; rm -rf -- "$0""#])
        .arg(home)
        .args(stop)
        // `pg_ctl` run as another user must be able to stand where it starts.
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // A Ctrl-C for the tests is not for the one who tidies up behind them.
        .process_group(0);
    let child = watchdog.spawn().map_err(|error| format!("sh: {error}"))?;
    child.stdin.ok_or_else(|| "the watchdog has no input".to_owned())
}

fn free_port() -> Result<u16, String> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| error.to_string())
}

fn append(file: &Path, text: &str) -> Result<(), String> {
    fs::OpenOptions::new()
        .append(true)
        .open(file)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| format!("{}: {error}", file.display()))
}

/// What a program prints, trimmed; `None` when it is missing or fails.
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// The folder of the server's programs, wherever packagers put it.
fn find_binaries() -> Option<PathBuf> {
    let configured = output("pg_config", &["--bindir"]).map(PathBuf::from);
    let path = env::var_os("PATH").unwrap_or_default();
    let packaged = [
        ("/usr/lib/postgresql", "bin"),
        ("/usr/local/lib/postgresql", "bin"),
        ("/opt/homebrew/opt", "bin"),
        ("/usr/local/opt", "bin"),
        ("/Applications/Postgres.app/Contents/Versions", "bin"),
    ];
    configured
        .into_iter()
        .chain(env::split_paths(&path).collect::<Vec<_>>())
        .chain(
            packaged
                .into_iter()
                .flat_map(|(parent, leaf)| newest_first(parent, leaf)),
        )
        .find(|folder| PROGRAMS.iter().all(|program| folder.join(program).is_file()))
}

/// `parent/*/leaf`, highest version first.
fn newest_first(parent: &str, leaf: &str) -> Vec<PathBuf> {
    let version = |path: &Path| -> u32 {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let digits: String = name
            .chars()
            .skip_while(|c| !c.is_ascii_digit())
            .take_while(char::is_ascii_digit)
            .collect();
        digits.parse().unwrap_or(0)
    };
    let found: BTreeSet<(u32, PathBuf)> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| (version(&entry.path()), entry.path().join(leaf)))
        .collect();
    found.into_iter().rev().map(|(_, path)| path).collect()
}

/// Until so many transactions of a test's database wait for locks of others.
pub async fn until_waiting(app: &TestApp, transactions: usize) {
    let waiting = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let waiting = Statement::from_string(DbBackend::Postgres, waiting);
    while app.db().query_all_raw(waiting.clone()).await.unwrap().len() < transactions {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
