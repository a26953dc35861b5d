//! Published facts about programs, made into brands, programs and listings through the same services that requests use.
//!
//! Every line is a brand with one program and its listing. Each service commits its own transaction; whatever an earlier
//! run left half made is found by its natural key (the brand by its handle and the importing user, the program as that
//! brand's first) and completed. What is there is never changed: its people may have changed it since.

use std::path::Path;

use entity::{
    brand,
    brand_member::{self, BrandRole},
    commission_rule::ConversionEvent,
    ids::{BrandId, ProgramId, UserId},
    listing::{self, ListingState, PayoutMethods},
    program::{self, AttributionOrder, ProgramState},
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::{
    program_file::{self, Facts, Rate, Reason, Refused},
    program_report::{Report, Tally},
};
use crate::{
    accounts::actor::Actor,
    app::App,
    brands::service::{self as brands, CreateBrand},
    error::Fault,
    marketplace::service::Content,
    outbox,
    programs::service::{Earning, Settings},
    seeding::{self, Offer},
};

/// The user that owns every imported brand; nobody signs in as it.
pub const OWNER_EMAIL: &str = "programs@import.example";
/// The facts do not say how long a commission waits: what most programs do.
const HOLD_DAYS: i32 = 30;

/// Imports a file; every line that is understood is there afterwards.
pub async fn import(app: &App, file: &Path) -> Result<Report, Fault> {
    let lines = program_file::read(file).map_err(|error| Fault::new(format!("{}: {error}", file.display())))?;
    if lines.is_empty() {
        return Err(Fault::new(format!("{}: no programs", file.display())));
    }
    if lines.iter().all(|line| line.facts.is_err()) {
        let mut tally = Tally::default();
        for line in lines {
            if let Err(refused) = line.facts {
                tally.refuse(line.number, &refused);
            }
        }
        return Ok(tally.report());
    }
    let password = seeding::random_password(app);
    let owner = seeding::user(app, OWNER_EMAIL, "Imported programs", &password).await?;
    let import = Import {
        app,
        platform: Actor::system(),
        owner: owner.user().map_err(seeding::denied)?,
        source: file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
    };
    let mut tally = Tally::default();
    for line in lines {
        match line.facts {
            Err(refused) => tally.refuse(line.number, &refused),
            Ok(facts) => match import.find_place(&facts).await? {
                Place::Taken => tally.refuse(line.number, &Refused::new(Reason::HandleTaken, &facts.slug)),
                Place::There => tally.already_there += 1,
                Place::Free(handle) => {
                    let brand = import.create_brand(&facts, handle).await?;
                    tally.imported += 1;
                    tally.on_request += u64::from(matches!(facts.rate, Rate::OnRequest(_)));
                    import.complete(facts, brand, None).await?;
                }
                Place::Begun(brand, program) => {
                    import.complete(facts, brand, program).await?;
                    tally.completed += 1;
                }
            },
        }
    }
    outbox::relay::drain(app).await?;
    Ok(tally.report())
}

/// How far a line has come before.
enum Place {
    /// Not at all; the handle its brand will have.
    Free(String),
    Begun(BrandId, Option<program::Model>),
    There,
    /// Other brands have every handle it could have.
    Taken,
}

struct Import<'a> {
    app: &'a App,
    platform: Actor,
    owner: UserId,
    source: String,
}

impl Import<'_> {
    async fn find_place(&self, facts: &Facts) -> Result<Place, Fault> {
        let mut free = None;
        for handle in program_file::handles(&facts.slug) {
            let known = brand::Entity::find()
                .filter(brand::Column::Slug.eq(&handle))
                .one(self.app.db.read())
                .await?;
            match known {
                Some(brand) if self.is_ours(brand.id).await? => return self.find_progress(brand.id).await,
                Some(_) => {}
                // A later handle may still be ours: the first one was taken then, and has become free since.
                None => free = free.or(Some(handle)),
            }
        }
        Ok(free.map_or(Place::Taken, Place::Free))
    }

    async fn is_ours(&self, brand: BrandId) -> Result<bool, Fault> {
        let member = brand_member::Entity::find()
            .filter(brand_member::Column::BrandId.eq(brand))
            .filter(brand_member::Column::UserId.eq(self.owner))
            .filter(brand_member::Column::Role.eq(BrandRole::Owner))
            .one(self.app.db.read())
            .await?;
        Ok(member.is_some())
    }

    async fn find_progress(&self, brand: BrandId) -> Result<Place, Fault> {
        let program = program::Entity::find()
            .filter(program::Column::BrandId.eq(brand))
            .order_by_asc(program::Column::Id)
            .one(self.app.db.read())
            .await?;
        let Some(program) = program else {
            return Ok(Place::Begun(brand, None));
        };
        // Paused or archived: somebody has taken it in hand, and it is not ours to publish.
        let at_rest = !matches!(program.state, ProgramState::Draft | ProgramState::Active);
        Ok(if at_rest || self.is_listed(program.id).await? {
            Place::There
        } else {
            Place::Begun(brand, Some(program))
        })
    }

    async fn is_listed(&self, program: ProgramId) -> Result<bool, Fault> {
        let listing = listing::Entity::find()
            .filter(listing::Column::ProgramId.eq(program))
            .one(self.app.db.read())
            .await?;
        Ok(listing.is_some_and(|listing| listing.state != ListingState::Draft))
    }

    async fn create_brand(&self, facts: &Facts, handle: String) -> Result<BrandId, Fault> {
        let command = CreateBrand {
            slug: handle,
            name: facts.name.clone(),
            website_url: facts.url.clone(),
            currency: facts.payout_currency.code().to_owned(),
            reserve_ppm: None,
            payout_minimum: facts.payout_minimum,
        };
        let brand = brands::create_brand_for(self.app, &self.platform, self.owner, command)
            .await
            .map_err(seeding::fault)?;
        Ok(brand.id)
    }

    async fn complete(&self, facts: Facts, brand: BrandId, known: Option<program::Model>) -> Result<(), Fault> {
        let terms = self.terms(&facts);
        let (earning, commission_note) = match facts.rate {
            Rate::Percent(ppm) => (Some(Earning::PercentOfSale(ppm)), None),
            Rate::Fixed(money) => {
                let (amount, currency) = (money.to_decimal(), money.currency.code().to_owned());
                (Some(Earning::Fixed { amount, currency }), None)
            }
            Rate::OnRequest(note) => (None, Some(note)),
        };
        let offer = Offer {
            settings: Settings {
                name: facts.name,
                description: facts.pitch.clone(),
                currencies: vec![facts.currency.code().to_owned()],
                destination_url: facts.url,
                hold_days: HOLD_DAYS,
                attribution_window_days: facts.window_days,
                attribution_order: AttributionOrder::CodeFirst,
                customer_binding: facts.binding,
                customer_binding_months: facts.binding_months,
                auto_approve_commissions: false,
                commission_note,
            },
            terms: &terms,
            rules: earning
                .into_iter()
                .map(|earning| (ConversionEvent::Sale, earning))
                .collect(),
            levels: Vec::new(),
            content: Content {
                title: facts.title,
                pitch: facts.pitch,
                category: facts.category,
                countries: Vec::new(),
                payout_methods: PayoutMethods::default(),
            },
        };
        seeding::complete_program(self.app, &self.platform, brand, known, offer)
            .await
            .map(drop)
    }

    fn terms(&self, facts: &Facts) -> String {
        format!(
            "These are published facts about the program of {}, imported from {}. The brand has not confirmed them; what \
             counts is what it publishes itself.\n\n{}",
            facts.name, self.source, facts.stated
        )
    }
}
