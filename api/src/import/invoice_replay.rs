//! Eight months of a brand, replayed: partners in a tree of three levels, customers who sign up at their first order, a
//! stated share of orders through links and codes, cancellations as refunds, and the due jobs by the invoices' own dates.
//!
//! Every choice is a seeded hash of the invoice, every event has its own idempotency key: a second run, or one after a
//! crash, asks for exactly the same and changes nothing.

use std::{
    collections::HashSet,
    io::{self, IsTerminal, Write},
    path::Path,
    sync::Arc,
};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use entity::{
    click,
    commission_rule::ConversionEvent,
    ids::{BrandId, ClickId, ProgramId},
    listing::PayoutMethods,
    order::CaptureState,
    partnership,
    program::{AttributionOrder, CustomerBinding},
    tracking_link,
};
use rust_decimal::Decimal;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    invoice_file::{self, Action, Line},
    invoice_report::{self, Tally},
};
use crate::{
    accounts::actor::Actor,
    app::App,
    brands::service::CreateBrand,
    conversions::service::{
        record::{self, RecordEvent},
        refund::{self, RecordRefund},
    },
    error::{Failure, Fault, RefusalCode},
    idempotency::Key,
    infra::clock::ManualClock,
    jobs::approve_due,
    marketplace::service::Content,
    money::Currency,
    outbox,
    programs::service::{Earning, Settings},
    seeding::{self, Offer, denied},
    tracking::{
        click_id::{self, ClickToken},
        clicks,
    },
};

pub const BRAND_SLUG: &str = "retail-replay";
const CURRENCY: &str = "GBP";
const SEED: &str = "tributary invoices v1";
/// Of a hundred orders, this many come through a link …
const LINK_PERCENT: u64 = 25;
/// … and this many with a promo code.
const CODE_PERCENT: u64 = 15;
/// Partners of each level of the tree, the top first.
const TREE: [usize; 3] = [1, 3, 9];
const PERCENT: i64 = 10_000;
const HOLD_DAYS: i32 = 30;
/// Lines between two looks of progress.
const PROGRESS_EVERY: usize = 500;

/// A partner with what it promotes with.
struct Promoter {
    partnership: partnership::Model,
    link: tracking_link::Model,
    code: String,
}

/// What stands before the first invoice.
struct World {
    owner: Actor,
    brand: BrandId,
    program: ProgramId,
    promoters: Vec<Promoter>,
}

/// Replays a file; `app` must run on `clock`. Returns the table to print.
pub async fn replay(app: &App, clock: &Arc<ManualClock>, file: &Path) -> Result<String, Fault> {
    let currency: Currency = CURRENCY.parse().map_err(Fault::new)?;
    let lines =
        invoice_file::read(file, currency).map_err(|error| Fault::new(format!("{}: {error}", file.display())))?;
    let Some(first) = lines.first() else {
        return Err(Fault::new(format!("{}: no invoices", file.display())));
    };
    clock.set(first.at - TimeDelta::days(1));
    let world = lay_ground(app).await?;

    let mut replay = Replay {
        app,
        world: &world,
        currency,
        signed_up: HashSet::new(),
        tally: Tally::default(),
    };
    let mut day = first.at.date_naive();
    for (line, done) in lines.iter().zip(1_usize..) {
        day = replay.turn_to(clock, line.at, day).await?;
        replay.play(line).await?;
        if done % PROGRESS_EVERY == 0 || done == lines.len() {
            show_progress(done, lines.len(), line.at);
        }
    }
    approve_due::approve_due(app).await.map_err(Fault::new)?;
    clicks::flush(app).await?;
    outbox::relay::drain(app).await?;
    let tally = replay.tally;
    invoice_report::write(app, world.brand, &tally).await
}

fn show_progress(done: usize, all: usize, at: DateTime<Utc>) {
    let mut out = io::stderr();
    let end = if out.is_terminal() && done < all { '\r' } else { '\n' };
    // Progress is for people; a closed terminal does not stop the replay.
    let _ = write!(out, "{done:>6} of {all} lines, {}{end}", at.format("%Y-%m-%d"));
    let _ = out.flush();
}

/// Brand, program and the tree of partners. All of it is found again by a second run.
async fn lay_ground(app: &App) -> Result<World, Fault> {
    let password = seeding::random_password(app);
    let owner_email = "owner@retail-replay.example";
    let owner = seeding::user(app, owner_email, "Retail Replay", &password).await?;
    let brand = seeding::brand(
        app,
        &owner,
        CreateBrand {
            slug: BRAND_SLUG.to_owned(),
            name: "Retail Replay".to_owned(),
            website_url: "https://retail-replay.example/".to_owned(),
            currency: CURRENCY.to_owned(),
            reserve_ppm: None,
            payout_minimum: None,
        },
    )
    .await?;
    let owner = seeding::user(app, owner_email, "Retail Replay", &password).await?;
    let program = seeding::program(app, &owner, brand.id, offer()).await?;
    let mut promoters: Vec<Promoter> = Vec::new();
    let mut above = 0..0;
    for (level, count) in TREE.into_iter().enumerate() {
        let start = promoters.len();
        for number in 0..count {
            let recruiter = above.clone().nth(number * above.len() / count);
            let code = recruiter
                .and_then(|at| promoters.get(at))
                .map(|up| up.partnership.referral_code.clone());
            let name = format!("replay-{}-{}", level + 1, number + 1);
            let promoter = join(app, &owner, &name, &password, program.id, code).await?;
            promoters.push(promoter);
        }
        above = start..promoters.len();
    }
    Ok(World {
        owner,
        brand: brand.id,
        program: program.id,
        promoters,
    })
}

async fn join(
    app: &App,
    owner: &Actor,
    name: &str,
    password: &str,
    program: ProgramId,
    referral_code: Option<String>,
) -> Result<Promoter, Fault> {
    let email = format!("{name}@retail-replay.example");
    let actor = seeding::user(app, &email, name, password).await?;
    let partner = seeding::partner(app, &actor, name, name, "A partner of the replay.").await?;
    let actor = seeding::user(app, &email, name, password).await?;
    let partnership = seeding::partnership(app, owner, &actor, partner.id, program, referral_code).await?;
    let link = seeding::link(app, &actor, &partnership, name).await?;
    let code = seeding::code(app, &actor, &partnership, &name.to_uppercase())
        .await?
        .code;
    Ok(Promoter {
        partnership,
        link,
        code,
    })
}

fn offer() -> Offer<'static> {
    Offer {
        settings: Settings {
            name: "Retail Replay partners".to_owned(),
            description: "Eight months of real invoices.".to_owned(),
            currencies: vec![CURRENCY.to_owned()],
            destination_url: "https://retail-replay.example/".to_owned(),
            hold_days: HOLD_DAYS,
            attribution_window_days: 30,
            attribution_order: AttributionOrder::CodeFirst,
            customer_binding: CustomerBinding::Forever,
            customer_binding_months: None,
            auto_approve_commissions: true,
            commission_note: None,
        },
        terms: "These partners are made up; the invoices are real.",
        rules: vec![
            (ConversionEvent::Sale, Earning::PercentOfSale(10 * PERCENT)),
            (
                ConversionEvent::Signup,
                Earning::Fixed {
                    amount: Decimal::ONE,
                    currency: CURRENCY.to_owned(),
                },
            ),
        ],
        levels: vec![
            (1, Earning::PercentOfSale(2 * PERCENT)),
            (2, Earning::PercentOfCommission(10 * PERCENT)),
        ],
        content: Content {
            title: "Retail Replay".to_owned(),
            pitch: "Eight months of real invoices, replayed.".to_owned(),
            category: "shopping".to_owned(),
            countries: Vec::new(),
            payout_methods: PayoutMethods::default(),
        },
    }
}

/// The promotion an order came through.
enum Touch<'a> {
    Nothing,
    Link(&'a Promoter),
    Code(&'a Promoter),
}

struct Replay<'a> {
    app: &'a App,
    world: &'a World,
    currency: Currency,
    signed_up: HashSet<String>,
    tally: Tally,
}

impl Replay<'_> {
    /// Moves the clock to a line; when a day begins, the jobs that are due by then run first.
    async fn turn_to(&mut self, clock: &ManualClock, at: DateTime<Utc>, day: NaiveDate) -> Result<NaiveDate, Fault> {
        let today = at.date_naive();
        if today > day {
            clock.set(today.and_time(chrono::NaiveTime::MIN).and_utc());
            approve_due::approve_due(self.app).await.map_err(Fault::new)?;
            clicks::flush(self.app).await?;
        }
        clock.set(at);
        Ok(today.max(day))
    }

    async fn play(&mut self, line: &Line) -> Result<(), Fault> {
        match &line.action {
            Action::Refuse(refused) => {
                self.tally.refuse(line, refused.code());
                Ok(())
            }
            Action::Order { amount_minor } => self.order(line, *amount_minor).await,
            Action::Refund { parts, unmatched_minor } => {
                for (order, amount_minor) in parts {
                    self.refund(line, order, *amount_minor).await?;
                }
                if *unmatched_minor > 0 {
                    self.tally.partly_unmatched(*unmatched_minor);
                }
                Ok(())
            }
        }
    }

    async fn order(&mut self, line: &Line, amount_minor: i64) -> Result<(), Fault> {
        let touch = self.touch(&line.invoice);
        let (click, promo_codes) = match &touch {
            Touch::Nothing => (None, Vec::new()),
            Touch::Link(promoter) => (Some(self.visit(promoter, line)?), Vec::new()),
            Touch::Code(promoter) => (None, vec![promoter.code.clone()]),
        };
        if let Some(customer) = &line.customer
            && self.signed_up.insert(customer.clone())
        {
            let key = key(&format!("signup:{customer}"))?;
            let signup = self.event(ConversionEvent::Signup, line, promo_codes.clone(), click.as_ref(), key);
            self.record(line, signup).await?;
        }
        let key = key(&format!("invoice:{}", line.invoice))?;
        let sale = RecordEvent {
            order_id: Some(line.invoice.clone()),
            amount: Some((Decimal::new(amount_minor, self.currency.scale()), CURRENCY.to_owned())),
            ..self.event(ConversionEvent::Sale, line, promo_codes, click.as_ref(), key)
        };
        let is_new = self.record(line, sale).await?;
        // The visit of an order that was there before was written then.
        if let (true, Some((_, row))) = (is_new, click) {
            self.app.clicks.push(row);
        }
        Ok(())
    }

    fn event(
        &self,
        event: ConversionEvent,
        line: &Line,
        promo_codes: Vec<String>,
        click: Option<&(String, click::Model)>,
        idempotency_key: Key,
    ) -> RecordEvent {
        RecordEvent {
            brand: self.world.brand,
            event,
            program: Some(self.world.program),
            customer_id: line.customer.clone(),
            order_id: None,
            amount: None,
            lines: Vec::new(),
            capture: CaptureState::Captured,
            promo_codes,
            click_id: click.map(|(text, _)| text.clone()),
            occurred_at: Some(line.at),
            idempotency_key,
        }
    }

    /// Records an event; true when it was not there before.
    async fn record(&mut self, line: &Line, command: RecordEvent) -> Result<bool, Fault> {
        match record::record_conversion(self.app, &self.world.owner, command).await {
            Ok(outcome) => {
                self.tally.recorded(outcome.replayed);
                Ok(!outcome.replayed)
            }
            Err(Failure::Refused(refusal)) => {
                self.tally.refuse(line, refusal.code.as_str());
                Ok(false)
            }
            Err(Failure::Api(error)) => Err(denied(error)),
        }
    }

    async fn refund(&mut self, line: &Line, order: &str, amount_minor: i64) -> Result<(), Fault> {
        let command = RecordRefund {
            brand: self.world.brand,
            order_id: order.to_owned(),
            amount: Some((Decimal::new(amount_minor, self.currency.scale()), CURRENCY.to_owned())),
            lines: Vec::new(),
            reason: Some(format!("cancellation {}", line.invoice)),
            occurred_at: Some(line.at),
            idempotency_key: key(&format!("cancel:{}:{order}", line.invoice))?,
        };
        match refund::record_refund(self.app, &self.world.owner, command).await {
            Ok(outcome) => self.tally.recorded(outcome.replayed),
            Err(Failure::Refused(refusal)) => self.tally.refuse(line, refusal.code.as_str()),
            Err(Failure::Api(error)) => return Err(denied(error)),
        }
        Ok(())
    }

    /// How an order came: by the hash of its number, the same in every run.
    fn touch(&self, invoice: &str) -> Touch<'_> {
        let draw = hash(invoice);
        let promoter = &self.world.promoters[usize::try_from(draw.1).unwrap_or(0) % self.world.promoters.len()];
        match draw.0 % 100 {
            percent if percent < LINK_PERCENT => Touch::Link(promoter),
            percent if percent < LINK_PERCENT + CODE_PERCENT => Touch::Code(promoter),
            _ => Touch::Nothing,
        }
    }

    /// A visit an hour before the order. Its id is the order's hash, so that a second run asks for the same.
    fn visit(&self, promoter: &Promoter, line: &Line) -> Result<(String, click::Model), Fault> {
        let digest = Sha256::digest(format!("{SEED} click {}", line.invoice));
        let click = ClickId(Uuid::from_slice(&digest[..16]).map_err(Fault::new)?);
        let clicked_at = line.at - TimeDelta::hours(1);
        let token = ClickToken {
            link: promoter.link.id,
            click,
            clicked_at,
        };
        let text = click_id::sign(&self.app.keys.click_id, &token).ok_or_else(|| Fault::new("no key for click ids"))?;
        let row = click::Model {
            id: click,
            link_id: promoter.link.id,
            partnership_id: promoter.partnership.id,
            program_id: promoter.partnership.program_id,
            brand_id: promoter.partnership.brand_id,
            partner_id: promoter.partnership.partner_id,
            occurred_at: clicked_at,
            referer: None,
            user_agent: None,
            page_url: None,
        };
        Ok((text, row))
    }
}

fn key(text: &str) -> Result<Key, Fault> {
    Key::parse(text).map_err(denied)
}

/// Two draws from a seeded hash.
fn hash(text: &str) -> (u64, u64) {
    let digest = Sha256::digest(format!("{SEED} {text}"));
    let draw = |from: usize| {
        digest[from..from + 8]
            .iter()
            .fold(0, |sum: u64, byte| (sum << 8) | u64::from(*byte))
    };
    (draw(0), draw(8))
}
