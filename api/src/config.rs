//! Configuration: one flag or environment variable a choice, checked before anything starts.

mod rails;

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use ipnet::IpNet;
use url::{Host, Url};

use crate::{
    http::{client::parse_network, origins::Origin},
    infra::{
        db::DEFAULT_CONNECTIONS,
        mail::SmtpMailer,
        sealing::KeyRing,
        search::meilisearch::{MAX_PREFIX_CHARS, MeilisearchEngine},
    },
};

pub use self::rails::RailsConfig;

/// Partner-program software for brands, creators and the people who build their front ends.
#[derive(Debug, Parser)]
#[command(name = "tributary", version)]
pub struct Cli {
    #[command(flatten)]
    pub config: Config,
    #[command(subcommand)]
    pub command: Option<Command>,
}

impl Cli {
    /// One line that names what is off, when something is.
    pub fn check(&self) -> Result<(), String> {
        self.config.check()?;
        if self.config.environment == Environment::Production && matches!(self.command, Some(Command::Demo)) {
            return Err("demo: not in production, for its passwords are known to everyone".to_owned());
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Args)]
pub struct Config {
    /// `sqlite:PATH` or `postgres://user:password@host/database`.
    #[arg(
        long,
        global = true,
        env = "TRIBUTARY_DATABASE_URL",
        default_value = "sqlite:tributary.db"
    )]
    pub database_url: String,

    /// Connections to PostgreSQL, or readers of the SQLite file.
    #[arg(long, global = true, env = "TRIBUTARY_DATABASE_CONNECTIONS", default_value_t = DEFAULT_CONNECTIONS)]
    pub database_connections: u32,

    /// Address to serve on.
    #[arg(long, global = true, env = "TRIBUTARY_LISTEN", default_value = "127.0.0.1:4000")]
    pub listen: SocketAddr,

    /// Address to serve `/metrics` on, for Prometheus. Nobody is asked who they are there: keep it from the outside. When
    /// absent, there are none.
    #[arg(long, global = true, env = "TRIBUTARY_METRICS_LISTEN")]
    pub metrics_listen: Option<SocketAddr>,

    /// Proxies in front of this server, separated by commas: addresses, or networks such as `10.0.0.0/8`. From them, and
    /// only from them, `X-Forwarded-For` is believed.
    #[arg(
        long,
        global = true,
        env = "TRIBUTARY_TRUSTED_PROXIES",
        value_delimiter = ',',
        value_parser = parse_network
    )]
    pub trusted_proxies: Vec<IpNet>,

    /// Origins whose pages may read the answers of `/graphql`, separated by commas, such as `https://app.example`; `*` for
    /// any. When absent, only pages of this server may.
    #[arg(
        long,
        global = true,
        env = "TRIBUTARY_CORS_ORIGINS",
        value_delimiter = ',',
        value_parser = Origin::parse
    )]
    pub cors_origins: Vec<Origin>,

    /// Where the outside reaches this server; tracking links begin with it. Defaults to `http://` and the address.
    #[arg(long, global = true, env = "TRIBUTARY_PUBLIC_URL")]
    pub public_url: Option<Url>,

    /// At least 32 characters; signs access tokens and click ids. When absent, the installation makes one and keeps it
    /// in its database.
    #[arg(long, global = true, env = "TRIBUTARY_SECRET", hide_env_values = true)]
    pub secret: Option<String>,

    /// Secrets this installation had before, separated by commas: what they signed is good until it runs out; nothing new
    /// is signed with them.
    #[arg(
        long,
        global = true,
        env = "TRIBUTARY_PREVIOUS_SECRETS",
        hide_env_values = true,
        value_delimiter = ','
    )]
    pub previous_secrets: Vec<String>,

    /// Keys that partners' accounts and brands' credentials are sealed with in the database, separated by commas, each as `ID:KEY`, the key being 32
    /// random bytes in base64. The first seals, all of them open. When absent, one is derived from the secret.
    #[arg(
        long,
        global = true,
        env = "TRIBUTARY_ENCRYPTION_KEYS",
        hide_env_values = true,
        value_delimiter = ','
    )]
    pub encryption_keys: Vec<String>,

    /// Hours before the first payout to a method that a partner has just added or preferred; 0 for none.
    #[arg(
        long,
        global = true,
        env = "TRIBUTARY_PAYOUT_COOLING_OFF_HOURS",
        default_value_t = DEFAULT_COOLING_OFF_HOURS
    )]
    pub payout_cooling_off_hours: u32,

    #[command(flatten)]
    pub rails: RailsConfig,

    /// In production, what is only fit for trying things out keeps the program from starting.
    #[arg(long, global = true, env = "TRIBUTARY_ENVIRONMENT", value_enum, default_value_t = Environment::Development)]
    pub environment: Environment,

    /// The mail server: `smtp://user:password@host:587?tls=required` or `smtps://…`. When absent, mails are printed to the
    /// log.
    #[arg(long, global = true, env = "TRIBUTARY_SMTP_URL", hide_env_values = true)]
    pub smtp_url: Option<String>,

    /// Whom mails come from: an address, or `Name <address>`.
    #[arg(long, global = true, env = "TRIBUTARY_MAIL_FROM")]
    pub mail_from: Option<String>,

    /// A Meilisearch server that all processes of the installation search in, such as `http://127.0.0.1:7700`. When absent,
    /// each process that serves requests has an index of its own in its memory.
    #[arg(long, global = true, env = "TRIBUTARY_MEILISEARCH_URL")]
    pub meilisearch_url: Option<Url>,

    /// A key that may search, write and swap indexes there. When absent, the server is asked without one.
    #[arg(long, global = true, env = "TRIBUTARY_MEILISEARCH_KEY", hide_env_values = true)]
    pub meilisearch_key: Option<String>,

    /// What the names of the indexes begin with: letters, digits, hyphens and underscores. Two installations on one server
    /// need two.
    #[arg(long, global = true, env = "TRIBUTARY_MEILISEARCH_PREFIX", default_value = DEFAULT_PREFIX)]
    pub meilisearch_prefix: String,

    /// What this process does.
    #[arg(long, global = true, env = "TRIBUTARY_ROLE", value_enum, default_value_t = Role::All)]
    pub role: Role,

    /// Do not fill an empty database with the demo marketplace.
    #[arg(long, global = true, env = "TRIBUTARY_NO_DEMO")]
    pub no_demo: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Environment {
    /// To try things out: everything has a default.
    Development,
    /// Real users and money: what keeps them safe must be set.
    Production,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Requests and jobs.
    All,
    /// Requests only.
    Api,
    /// Jobs only.
    Worker,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Migrate the database and serve (the default).
    Serve,
    /// Bring the database's schema up to date.
    Migrate,
    /// Fill an empty database with a small demo marketplace and print its sign-ins.
    Demo,
    /// Print the GraphQL schema.
    Schema,
    /// Print what `/track` takes and answers, as OpenAPI.
    Openapi,
    /// Bring in data from files.
    #[command(subcommand)]
    Import(Import),
    /// Look after jobs that failed for good.
    #[command(subcommand)]
    Jobs(Jobs),
    /// Say who administers the platform.
    #[command(subcommand)]
    Admin(Admin),
    /// Build what search looks through anew from the database, beside what answers meanwhile.
    Reindex,
    /// Look after the ledger.
    #[command(subcommand)]
    Ledger(Ledger),
    /// Look after what is sealed in the database.
    #[command(subcommand)]
    Encryption(Encryption),
    /// Measure how fast this machine is.
    #[command(subcommand)]
    Bench(Bench),
}

#[derive(Debug, Subcommand)]
pub enum Bench {
    /// Write generated listings and creators into a SQLite file of its own, index them in this process, and print how long
    /// finding and recommending take. The file goes when it is done; the configured database is not touched.
    Search {
        /// How many of each.
        #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        documents: u32,
    },
}

#[derive(Debug, Subcommand)]
pub enum Import {
    /// Replay a retailer's invoices (CSV, plain or gzipped) as orders of a brand with partners.
    Invoices {
        /// `InvoiceNo,InvoiceDate,CustomerID,Country,Quantity,UnitPrice`, in time order.
        file: PathBuf,
    },
    /// Import published facts about programs (JSON lines, plain or gzipped) as brands with programs and listings.
    Programs {
        /// One object a line: `slug`, `name`, `url`, `category`, `summary`, `commission_type`, `commission_rate` and so on.
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub enum Jobs {
    /// List dead jobs, the youngest first.
    Dead,
    /// Queue a dead job again, with all its attempts before it.
    Retry {
        /// `job_…`
        id: String,
    },
    /// Delete a dead job: what it was to do is not done.
    Discard {
        /// `job_…`
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum Admin {
    /// Make the user with this address a platform administrator.
    Grant {
        /// The e-mail address of the account.
        email: String,
    },
    /// Make a platform administrator a user like any other.
    Revoke {
        /// The e-mail address of the account.
        email: String,
    },
    /// List the platform administrators.
    List,
}

#[derive(Debug, Subcommand)]
pub enum Ledger {
    /// Check every invariant of the ledger and name the first row that breaks one.
    Verify,
}

#[derive(Debug, Subcommand)]
pub enum Encryption {
    /// Seal anew, under the first key, everything that another one sealed. May be cut off and run again.
    Rotate,
}

/// Hours before the first payout to another account: three days, as is usual.
const DEFAULT_COOLING_OFF_HOURS: u32 = 72;
/// Longer would keep partners from their money.
const MAX_COOLING_OFF_HOURS: u32 = 30 * 24;
/// Shortest secret accepted, in characters.
const MIN_SECRET_LEN: usize = 32;
/// Secrets that are still believed beside the current one: each is one more that may have leaked.
const MAX_PREVIOUS_SECRETS: usize = 5;
/// What the names of indexes begin with.
const DEFAULT_PREFIX: &str = "tributary-";
/// Connections that leave a database room for others.
const MAX_CONNECTIONS: u32 = 500;

impl Config {
    /// The defaults, for tests and commands that are given a database.
    #[must_use]
    pub fn for_database(url: &str) -> Self {
        Self {
            database_url: url.to_owned(),
            database_connections: DEFAULT_CONNECTIONS,
            listen: SocketAddr::from(([127, 0, 0, 1], 4000)),
            metrics_listen: None,
            trusted_proxies: Vec::new(),
            cors_origins: Vec::new(),
            public_url: None,
            secret: None,
            previous_secrets: Vec::new(),
            encryption_keys: Vec::new(),
            payout_cooling_off_hours: DEFAULT_COOLING_OFF_HOURS,
            rails: RailsConfig::default(),
            environment: Environment::Development,
            smtp_url: None,
            mail_from: None,
            meilisearch_url: None,
            meilisearch_key: None,
            meilisearch_prefix: DEFAULT_PREFIX.to_owned(),
            role: Role::All,
            no_demo: true,
        }
    }

    /// One line that names the setting, when something is off.
    pub fn check(&self) -> Result<(), String> {
        if !self.database_url.starts_with("sqlite:")
            && !self.database_url.starts_with("postgres://")
            && !self.database_url.starts_with("postgresql://")
        {
            return Err("--database-url must begin with sqlite: or postgres://".to_owned());
        }
        if !(1..=MAX_CONNECTIONS).contains(&self.database_connections) {
            return Err(format!(
                "--database-connections must be between 1 and {MAX_CONNECTIONS}"
            ));
        }
        self.check_secrets()?;
        KeyRing::parse(&self.encryption_keys).map_err(|error| format!("--encryption-keys {error}"))?;
        if self.payout_cooling_off_hours > MAX_COOLING_OFF_HOURS {
            return Err(format!(
                "--payout-cooling-off-hours may be at most {MAX_COOLING_OFF_HOURS}"
            ));
        }
        self.rails.check()?;
        if self.rails.fake_rails && self.role != Role::All {
            return Err(
                "--fake-rails needs --role all: what they were told is in the memory of one process".to_owned(),
            );
        }
        if let Some(url) = &self.public_url
            && (!matches!(url.scheme(), "http" | "https") || url.query().is_some() || url.fragment().is_some())
        {
            return Err("--public-url must be an http or https address without query".to_owned());
        }
        match (&self.smtp_url, &self.mail_from) {
            (Some(url), Some(from)) => SmtpMailer::new(url, from).map(drop)?,
            (Some(_), None) => return Err("--mail-from is needed with --smtp-url".to_owned()),
            (None, _) => {}
        }
        self.check_meilisearch()?;
        match self.environment {
            Environment::Development => Ok(()),
            Environment::Production => self.check_production(),
        }
    }

    fn check_secrets(&self) -> Result<(), String> {
        let is_short = |secret: &String| secret.chars().count() < MIN_SECRET_LEN;
        if self.secret.as_ref().is_some_and(is_short) {
            return Err(format!("--secret must have at least {MIN_SECRET_LEN} characters"));
        }
        if self.previous_secrets.iter().any(is_short) {
            return Err(format!(
                "--previous-secrets must have at least {MIN_SECRET_LEN} characters each"
            ));
        }
        if self.previous_secrets.len() > MAX_PREVIOUS_SECRETS {
            return Err(format!("--previous-secrets may be at most {MAX_PREVIOUS_SECRETS}"));
        }
        if self.secret.is_none() && !self.previous_secrets.is_empty() {
            return Err("--previous-secrets are of no use without --secret".to_owned());
        }
        Ok(())
    }

    fn check_meilisearch(&self) -> Result<(), String> {
        let prefix = &self.meilisearch_prefix;
        let is_sign = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if prefix.is_empty() || prefix.len() > MAX_PREFIX_CHARS || !prefix.chars().all(is_sign) {
            return Err(format!(
                "--meilisearch-prefix must have 1 to {MAX_PREFIX_CHARS} letters, digits, hyphens or underscores"
            ));
        }
        let Some(url) = &self.meilisearch_url else {
            if self.meilisearch_key.is_some() {
                return Err("--meilisearch-key is of no use without --meilisearch-url".to_owned());
            }
            return Ok(());
        };
        let is_bare = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        if !matches!(url.scheme(), "http" | "https") || !is_bare || url.password().is_some() {
            return Err("--meilisearch-url must be an http or https address without query or password".to_owned());
        }
        self.meilisearch().map(drop)
    }

    /// The search server to speak to, if one is configured.
    pub fn meilisearch(&self) -> Result<Option<MeilisearchEngine>, String> {
        let Some(url) = &self.meilisearch_url else {
            return Ok(None);
        };
        MeilisearchEngine::new(url.as_str(), self.meilisearch_key.as_deref(), &self.meilisearch_prefix)
            .map(Some)
            .map_err(|error| format!("--meilisearch-key {error}"))
    }

    /// What is only fit for trying things out.
    fn check_production(&self) -> Result<(), String> {
        if self.secret.is_none() {
            return Err("--secret must be set in production: it signs the tokens of your users".to_owned());
        }
        let in_clear = match &self.public_url {
            Some(url) => url.scheme() == "http" && !is_loopback(url),
            None => !self.listen.ip().is_loopback(),
        };
        if in_clear {
            return Err("--public-url must begin with https:// in production: links and tokens go there".to_owned());
        }
        if self.rails.fake_rails {
            return Err("--fake-rails: not in production, for no money moves".to_owned());
        }
        if !self.no_demo {
            return Err("--no-demo must be set in production: the demo's passwords are known to everyone".to_owned());
        }
        Ok(())
    }

    /// The public address without a trailing slash.
    #[must_use]
    pub fn public_base(&self) -> String {
        self.public_url.as_ref().map_or_else(
            || format!("http://{}", self.listen),
            |url| url.as_str().trim_end_matches('/').to_owned(),
        )
    }
}

/// Whether only this machine reaches it.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `tributary` says to these arguments before it starts anything.
    fn check(arguments: &[&str]) -> Result<(), String> {
        let program = ["tributary"];
        let cli = Cli::try_parse_from(program.iter().chain(arguments)).map_err(|error| error.to_string())?;
        cli.check()
    }

    const SECRET: &str = "--secret=0123456789abcdef0123456789abcdef";
    const PRODUCTION: &str = "--environment=production";

    #[test]
    fn production_refuses_what_is_for_trying_things_out() {
        assert_eq!(check(&[]), Ok(()));
        let https = "--public-url=https://tributary.example";
        assert_eq!(check(&[PRODUCTION, SECRET, https, "--no-demo"]), Ok(()));
        assert_eq!(
            check(&[PRODUCTION, SECRET, "--no-demo"]),
            Ok(()),
            "on this machine only"
        );
        assert_eq!(
            check(&[PRODUCTION, SECRET, "--public-url=http://[::1]:80", "--no-demo"]),
            Ok(())
        );
        for (arguments, setting) in [
            (vec![PRODUCTION, https, "--no-demo"], "--secret"),
            (vec![PRODUCTION, SECRET, https], "--no-demo"),
            (vec![PRODUCTION, SECRET, https, "--no-demo", "demo"], "demo"),
            (
                vec![PRODUCTION, SECRET, "--public-url=http://tributary.example", "--no-demo"],
                "--public-url",
            ),
            (
                vec![PRODUCTION, SECRET, "--listen=0.0.0.0:4000", "--no-demo"],
                "--public-url",
            ),
        ] {
            let line = check(&arguments).unwrap_err();
            assert!(
                line.starts_with(setting) && !line.contains('\n'),
                "{arguments:?}: {line}"
            );
        }
    }

    #[test]
    fn a_search_server_is_checked_before_anything_starts() {
        let url = "--meilisearch-url=http://127.0.0.1:7700";
        assert_eq!(check(&[url]), Ok(()));
        assert_eq!(
            check(&[url, "--meilisearch-key=secret", "--meilisearch-prefix=shop_1-"]),
            Ok(())
        );
        let long = format!("--meilisearch-prefix={}", "x".repeat(MAX_PREFIX_CHARS + 1));
        for (arguments, setting) in [
            (vec!["--meilisearch-url=ftp://search.example"], "--meilisearch-url"),
            (vec!["--meilisearch-url=http://a:b@search.example"], "--meilisearch-url"),
            (vec!["--meilisearch-url=http://search.example?x"], "--meilisearch-url"),
            (vec!["--meilisearch-key=secret"], "--meilisearch-key"),
            (vec![url, "--meilisearch-key=two\nlines"], "--meilisearch-key"),
            (vec![url, "--meilisearch-prefix=a/b"], "--meilisearch-prefix"),
            (vec![url, "--meilisearch-prefix="], "--meilisearch-prefix"),
            (vec![url, long.as_str()], "--meilisearch-prefix"),
        ] {
            let line = check(&arguments).unwrap_err();
            assert!(
                line.starts_with(setting) && !line.contains('\n'),
                "{arguments:?}: {line}"
            );
        }
    }

    #[test]
    fn providers_are_checked_before_anything_starts() {
        let paypal = [
            "--paypal-client-id=AbC",
            "--paypal-client-secret=s",
            "--paypal-webhook-id=WH-1",
        ];
        let stripe = [
            "--stripe-secret-key=sk_live_0123456789",
            "--stripe-webhook-secret=whsec_1",
        ];
        assert_eq!(check(&[&paypal[..], &stripe, &["--paypal-sandbox"]].concat()), Ok(()));
        assert_eq!(check(&["--fake-rails"]), Ok(()));
        for (arguments, setting) in [
            (&paypal[1..], "--paypal-client-id is needed with --paypal-client-secret"),
            (
                &paypal[..1],
                "--paypal-client-secret and --paypal-webhook-id are needed with --paypal-client-id",
            ),
            (
                &stripe[1..],
                "--stripe-secret-key is needed with --stripe-webhook-secret",
            ),
            (
                &[
                    "--razorpayx-key-id=rzp_live_1",
                    "--razorpayx-key-secret=s",
                    "--razorpayx-webhook-secret=s",
                ],
                "--razorpayx-account-number is needed with --razorpayx-key-id",
            ),
            (
                &["--stripe-secret-key=pk_live_0123456789", stripe[1]],
                "--stripe-secret-key begins with",
            ),
            (
                &[stripe[0], "--stripe-webhook-secret=secret"],
                "--stripe-webhook-secret begins with",
            ),
            (
                &["--paypal-url=http://paypal.example"],
                "--paypal-url: its address must be https",
            ),
            (
                &["--paypal-sandbox-url=https://a:b@paypal.example"],
                "--paypal-sandbox-url: ",
            ),
            (&["--razorpayx-url=no-address"], "--razorpayx-url: its address"),
            (&["--stripe-url=https://stripe.example?x"], "--stripe-url: "),
            (&["--paypal-sandbox"], "--paypal-sandbox is of no use"),
            (
                &["--fake-rails", stripe[0], stripe[1]],
                "--fake-rails brings credentials of its own",
            ),
            (&["--fake-rails", "--role=api"], "--fake-rails needs --role all"),
            (
                &["--fake-rails", PRODUCTION, SECRET, "--no-demo"],
                "--fake-rails: not in production",
            ),
        ] as [(&[&str], &str); 14]
        {
            let line = check(arguments).unwrap_err();
            assert!(line.starts_with(setting), "{arguments:?}: {line}");
            let told = arguments.iter().filter(|argument| **argument != PRODUCTION);
            for given in told.filter_map(|argument| argument.split_once('=')) {
                assert!(
                    given.1.len() < 8 || !line.contains(given.1),
                    "{line} repeats what was given"
                );
            }
        }
    }

    #[test]
    fn secrets_and_mail_are_checked_before_anything_starts() {
        let previous = "--previous-secrets=fedcba9876543210fedcba9876543210,0123456789abcdef0123456789abcde2";
        assert_eq!(check(&[SECRET, previous]), Ok(()));
        let from = "--mail-from=Tributary <no-reply@tributary.example>";
        for (arguments, setting) in [
            (vec!["--secret=short"], "--secret"),
            (vec![SECRET, "--previous-secrets=short"], "--previous-secrets"),
            (vec![previous], "--previous-secrets"),
            (vec!["--encryption-keys=a:c2hvcnQ="], "--encryption-keys"),
            (vec!["--payout-cooling-off-hours=721"], "--payout-cooling-off-hours"),
            (vec!["--smtp-url=smtp://mail.example"], "--mail-from"),
            (vec!["--smtp-url=http://mail.example", from], "--smtp-url"),
            (
                vec!["--smtp-url=smtp://mail.example", "--mail-from=nobody"],
                "--mail-from",
            ),
        ] {
            let line = check(&arguments).unwrap_err();
            assert!(line.starts_with(setting), "{arguments:?}: {line}");
        }
    }
}
