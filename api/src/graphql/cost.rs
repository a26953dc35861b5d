//! What a request costs, and how much of it an actor may ask for in a minute.
//!
//! Points are the schema's complexity: one a field, times the page size. They are charged by what was asked, after
//! validation and before execution. The windows live in the process: with several API processes an actor has the limit
//! once in each, which is enough against floods and needs no store that could fail.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use async_graphql::{
    Name, Response, ServerError, ValidationResult, Value, Variables, async_trait,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute, NextParseQuery, NextValidation},
    indexmap::IndexMap,
    parser::types::ExecutableDocument,
};
use chrono::{DateTime, SecondsFormat, Utc};
use entity::ids::{ApiKeyId, UserId};

use crate::{
    accounts::actor::{Actor, Identity},
    graphql::guard::{count_fields, refuse, set_code},
};

/// Points an actor may spend in one minute.
pub const POINTS_PER_MINUTE: u64 = 100_000;
/// Actors remembered within a minute. Beyond, an earlier one is forgotten and starts afresh.
const MAX_ACTORS: usize = 50_000;
/// Points of one operation: a page of 100 with pages of 20 of a few fields fits.
pub const MAX_COMPLEXITY: usize = 20_000;
/// Fields inside each other. The standard introspection query needs 15.
pub const MAX_DEPTH: usize = 16;
/// What a request costs that was refused before its points were known.
const LEAST_COST: u64 = 1;
const SECONDS_PER_WINDOW: i64 = 60;

/// Whose points are spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Payer {
    User(UserId),
    Key(ApiKeyId),
    Address(IpAddr),
    /// Without a token and without a known address.
    Unknown,
}

impl Payer {
    #[must_use]
    pub fn of(actor: &Actor, peer: Option<IpAddr>) -> Self {
        match actor.identity {
            Identity::User(user) => Self::User(user),
            Identity::SecretKey { key, .. } | Identity::PublishableKey { key, .. } => Self::Key(key),
            Identity::Anonymous | Identity::System => {
                peer.map_or(Self::Unknown, |address| Self::Address(network_of(address)))
            }
        }
    }
}

/// What stands for a client: of an IPv6 address the half that its holder was given: the other half is theirs to change at will.
#[must_use]
pub fn network_of(address: IpAddr) -> IpAddr {
    const HOLDERS_HALF: u128 = u64::MAX as u128;
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !HOLDERS_HALF).into(),
        address @ IpAddr::V4(_) => address,
    }
}

/// Where a payer stands in the current minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub limit: u64,
    pub remaining: u64,
    pub reset_at: DateTime<Utc>,
}

impl Standing {
    /// For `Retry-After`.
    #[must_use]
    pub fn seconds_left(&self, now: DateTime<Utc>) -> i64 {
        (self.reset_at - now).num_seconds().clamp(1, SECONDS_PER_WINDOW)
    }
}

/// Fixed windows of a minute, the same for everyone, so that starting a new one is forgetting the old.
pub struct Throttle {
    limit: u64,
    minute: Mutex<Minute>,
}

#[derive(Default)]
struct Minute {
    number: i64,
    spent: HashMap<Payer, u64>,
}

impl Default for Throttle {
    fn default() -> Self {
        Self::with_limit(POINTS_PER_MINUTE)
    }
}

impl Throttle {
    #[must_use]
    pub fn with_limit(limit: u64) -> Self {
        Self {
            limit,
            minute: Mutex::default(),
        }
    }

    /// Spends points. When they are not there, nothing is spent and the standing is the error.
    pub fn charge(&self, payer: Payer, points: u64, now: DateTime<Utc>) -> Result<Standing, Standing> {
        let number = now.timestamp().div_euclid(SECONDS_PER_WINDOW);
        let mut minute = self.minute.lock().unwrap_or_else(PoisonError::into_inner);
        if minute.number != number {
            minute.number = number;
            minute.spent.clear();
        }
        let spent = minute.spent.get(&payer).copied().unwrap_or(0);
        let after = spent.saturating_add(points);
        let fits = after <= self.limit;
        if fits && points > 0 {
            if minute.spent.len() >= MAX_ACTORS
                && !minute.spent.contains_key(&payer)
                && let Some(forgotten) = minute.spent.keys().next().copied()
            {
                minute.spent.remove(&forgotten);
            }
            minute.spent.insert(payer, after);
        }
        let standing = Standing {
            limit: self.limit,
            remaining: self.limit - if fits { after } else { spent },
            reset_at: DateTime::from_timestamp((number + 1) * SECONDS_PER_WINDOW, 0).unwrap_or(now),
        };
        if fits { Ok(standing) } else { Err(standing) }
    }

    /// The standing without spending.
    #[must_use]
    pub fn look(&self, payer: Payer, now: DateTime<Utc>) -> Standing {
        self.charge(payer, 0, now).unwrap_or_else(|standing| standing)
    }
}

/// One request's account, shared by the executor and the extension that sees its phases.
pub struct Meter {
    throttle: Arc<Throttle>,
    payer: Payer,
    now: DateTime<Utc>,
    requested: AtomicU64,
    charged: AtomicBool,
    executed: AtomicBool,
    limited: AtomicBool,
}

impl Meter {
    #[must_use]
    pub fn new(throttle: Arc<Throttle>, payer: Payer, now: DateTime<Utc>) -> Self {
        Self {
            throttle,
            payer,
            now,
            requested: AtomicU64::new(0),
            charged: AtomicBool::new(false),
            executed: AtomicBool::new(false),
            limited: AtomicBool::new(false),
        }
    }

    /// Notes what an operation asks for.
    fn weigh(&self, complexity: usize) {
        let points = u64::try_from(complexity).unwrap_or(u64::MAX).max(LEAST_COST);
        self.requested.store(points, Ordering::Relaxed);
    }

    /// Charges a valid operation before it is executed.
    fn charge(&self) -> Result<(), ServerError> {
        let points = self.requested.load(Ordering::Relaxed);
        self.charged.store(true, Ordering::Relaxed);
        self.throttle
            .charge(self.payer, points, self.now)
            .map(drop)
            .map_err(|standing| {
                self.limited.store(true, Ordering::Relaxed);
                refuse(
                    "RATE_LIMITED",
                    format!(
                        "this costs {points} points and {} of {} are left in this minute",
                        standing.remaining, standing.limit
                    ),
                )
            })
    }

    /// Charges the least for a request that was refused before it was charged: refusing is work too.
    pub fn charge_refused(&self) {
        if !self.charged.swap(true, Ordering::Relaxed) {
            self.requested.fetch_max(LEAST_COST, Ordering::Relaxed);
            // Whoever is out of points is told so by the next valid request.
            let _ = self.throttle.charge(self.payer, LEAST_COST, self.now);
        }
    }

    /// Whether fields were resolved: only then does an answer have `data`.
    #[must_use]
    pub fn executed(&self) -> bool {
        self.executed.load(Ordering::Relaxed)
    }

    #[must_use]
    pub fn limited(&self) -> bool {
        self.limited.load(Ordering::Relaxed)
    }

    #[must_use]
    pub fn standing(&self) -> Standing {
        self.throttle.look(self.payer, self.now)
    }

    #[must_use]
    pub fn seconds_left(&self) -> i64 {
        self.standing().seconds_left(self.now)
    }

    /// `extensions.cost` of an answer.
    #[must_use]
    pub fn report(&self, data: &Value) -> Value {
        let standing = self.standing();
        let object = |fields: Vec<(&str, Value)>| {
            Value::Object(
                fields
                    .into_iter()
                    .map(|(name, value)| (Name::new(name), value))
                    .collect::<IndexMap<_, _>>(),
            )
        };
        object(vec![
            ("requested", self.requested.load(Ordering::Relaxed).into()),
            ("actual", count_fields(data).into()),
            (
                "throttle",
                object(vec![
                    ("limit", standing.limit.into()),
                    ("remaining", standing.remaining.into()),
                    (
                        "resetAt",
                        standing.reset_at.to_rfc3339_opts(SecondsFormat::Secs, true).into(),
                    ),
                ]),
            ),
        ])
    }
}

/// Sees a request pass its phases: gives each phase's errors their code, holds the limits on cost and depth, and charges
/// the [`Meter`] found in the request's data.
pub struct Metering;

impl ExtensionFactory for Metering {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait::async_trait]
impl Extension for Metering {
    async fn parse_query(
        &self,
        ctx: &ExtensionContext<'_>,
        query: &str,
        variables: &Variables,
        next: NextParseQuery<'_>,
    ) -> Result<ExecutableDocument, ServerError> {
        // The document arrives parsed, so what fails here are limits: aliases, directives, recursion.
        next.run(ctx, query, variables).await.map_err(|mut error| {
            set_code(&mut error, "QUERY_TOO_COMPLEX");
            error
        })
    }

    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        let result = next.run(ctx).await.map_err(|mut errors| {
            for error in &mut errors {
                set_code(error, "GRAPHQL_VALIDATION_FAILED");
            }
            errors
        })?;
        let meter = ctx.data_opt::<Arc<Meter>>();
        if let Some(meter) = meter {
            meter.weigh(result.complexity);
        }
        if result.depth > MAX_DEPTH {
            let message = format!("fields nest {} deep; at most {MAX_DEPTH} are allowed", result.depth);
            return Err(vec![refuse("QUERY_TOO_COMPLEX", message)]);
        }
        if result.complexity > MAX_COMPLEXITY {
            let message = format!(
                "the operation costs {} points; at most {MAX_COMPLEXITY} are allowed: ask for smaller pages",
                result.complexity
            );
            return Err(vec![refuse("QUERY_TOO_COMPLEX", message)]);
        }
        if let Some(meter) = meter {
            meter.charge().map_err(|error| vec![error])?;
        }
        Ok(result)
    }

    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        if let Some(meter) = ctx.data_opt::<Arc<Meter>>() {
            meter.executed.store(true, Ordering::Relaxed);
        }
        next.run(ctx, operation_name).await
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn noon() -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_040, 0).unwrap()
    }

    fn address(last: u8) -> Payer {
        Payer::Address(IpAddr::from([127, 0, 0, last]))
    }

    #[test]
    fn points_run_out_and_come_back_with_the_next_minute() {
        let throttle = Throttle::with_limit(100);
        assert_eq!(throttle.charge(address(1), 60, noon()).unwrap().remaining, 40);
        let refused = throttle.charge(address(1), 60, noon()).unwrap_err();
        assert_eq!(refused.remaining, 40, "a refusal spends nothing");
        assert_eq!(refused.seconds_left(noon() + TimeDelta::seconds(20)), 40);
        assert!(throttle.charge(address(1), 40, noon()).is_ok());
        assert!(throttle.charge(address(2), 100, noon()).is_ok(), "each has its own");
        let later = noon() + TimeDelta::seconds(60);
        assert_eq!(throttle.charge(address(1), 1, later).unwrap().remaining, 99);
    }

    #[test]
    fn memory_is_bounded() {
        let throttle = Throttle::with_limit(10);
        for number in 0..(u32::try_from(MAX_ACTORS).unwrap() + 100) {
            let _ = throttle.charge(Payer::Address(IpAddr::from(number.to_be_bytes())), 1, noon());
        }
        assert_eq!(throttle.minute.lock().unwrap().spent.len(), MAX_ACTORS);
    }
}
