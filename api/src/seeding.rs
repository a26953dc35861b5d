//! Finding or making what a demo or a replay stands on, through the same services that requests use. Everything is
//! looked up by its natural key first, so that a second run, or one after a crash, makes nothing twice.

use std::fmt::Debug;

use entity::{
    application::{self, ApplicationState},
    brand, commission_rule, creator_channel,
    creator_profile::{self, Visibility},
    ids::{BrandId, PartnerId, ProgramId},
    listing::{self, ListingState},
    partner, partnership,
    program::{self, ProgramState},
    promo_code, referral_level, tracking_link, user,
};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};

use crate::{
    accounts::{
        actor::Actor,
        service::{self as accounts, CreatePartner, SignUp},
    },
    app::App,
    brands::service::{self as brands, CreateBrand},
    error::{ApiError, Failure, Fault, RefusalCode},
    marketplace::{
        creators::service::{self as creators, ChannelContent, ProfilePatch},
        service::{self as marketplace, Content},
    },
    partnerships::service::{
        apply::{self, Apply},
        decide,
    },
    programs::service::{self as programs, Conditions, CreateRule, Earning, RuleScope, Settings},
    tracking::service::{self as tracking, CreateCode, CreateLink},
};

/// Why the ground could not be laid: anything a service says is a fault here.
pub fn fault<C: RefusalCode + Debug>(failure: Failure<C>) -> Fault {
    match failure {
        Failure::Refused(refusal) => Fault::new(format!("{}: {}", refusal.code.as_str(), refusal.message)),
        Failure::Api(error) => denied(error),
    }
}

/// The same for answers without refusals.
pub fn denied(error: ApiError) -> Fault {
    Fault::new(error.log_text())
}

/// For users as whom nobody signs in: as good as none.
pub fn random_password(app: &App) -> String {
    app.ids
        .secret::<16>()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The user with this address, as an actor with the rights it has now.
pub async fn user(app: &App, email: &str, name: &str, password: &str) -> Result<Actor, Fault> {
    let known: Option<user::Model> = accounts::find_user_by_email(app, email).await?;
    let id = match known {
        Some(user) => user.id,
        None => {
            let command = SignUp {
                email: email.to_owned(),
                password: password.to_owned(),
                display_name: name.to_owned(),
            };
            accounts::enrol_user(app, command).await.map_err(fault)?.id
        }
    };
    accounts::act_as(app, id).await.map_err(denied)
}

pub async fn brand(app: &App, owner: &Actor, command: CreateBrand) -> Result<brand::Model, Fault> {
    let known = brand::Entity::find()
        .filter(brand::Column::Slug.eq(&command.slug))
        .one(app.db.read())
        .await?;
    match known {
        Some(brand) => Ok(brand),
        None => brands::create_brand(app, owner, command).await.map_err(fault),
    }
}

pub async fn partner(app: &App, actor: &Actor, handle: &str, name: &str, bio: &str) -> Result<partner::Model, Fault> {
    let known = partner::Entity::find()
        .filter(partner::Column::Handle.eq(handle))
        .one(app.db.read())
        .await?;
    if let Some(partner) = known {
        return Ok(partner);
    }
    let command = CreatePartner {
        handle: handle.to_owned(),
        display_name: name.to_owned(),
        bio: Some(bio.to_owned()),
        country: None,
    };
    accounts::create_partner(app, actor, command).await.map_err(fault)
}

/// The partner's profile with a channel, public.
pub async fn creator(
    app: &App,
    actor: &Actor,
    partner: PartnerId,
    profile: ProfilePatch,
    channel: ChannelContent,
) -> Result<(), Fault> {
    let known = creator_profile::Entity::find()
        .filter(creator_profile::Column::PartnerId.eq(partner))
        .one(app.db.read())
        .await?;
    if known.is_some_and(|row| row.visibility == Visibility::Public) {
        return Ok(());
    }
    creators::update_profile(app, actor, partner, profile)
        .await
        .map_err(fault)?;
    let channels = creator_channel::Entity::find()
        .filter(creator_channel::Column::PartnerId.eq(partner))
        .count(app.db.read())
        .await?;
    if channels == 0 {
        creators::add_channel(app, actor, partner, channel)
            .await
            .map_err(fault)?;
    }
    creators::publish_profile(app, actor, partner).await.map_err(fault)?;
    Ok(())
}

/// A program with what it earns and how it looks in the marketplace.
pub struct Offer<'a> {
    pub settings: Settings,
    pub terms: &'a str,
    pub rules: Vec<(commission_rule::ConversionEvent, Earning)>,
    pub levels: Vec<(i32, Earning)>,
    pub content: Content,
}

/// The brand's program of this name, active and published.
pub async fn program(app: &App, actor: &Actor, brand: BrandId, offer: Offer<'_>) -> Result<program::Model, Fault> {
    let known = program::Entity::find()
        .filter(program::Column::BrandId.eq(brand))
        .filter(program::Column::Name.eq(&offer.settings.name))
        .one(app.db.read())
        .await?;
    complete_program(app, actor, brand, known, offer).await
}

/// The same from wherever an earlier run stopped: `known` is the program it made, if it came that far.
pub async fn complete_program(
    app: &App,
    actor: &Actor,
    brand: BrandId,
    known: Option<program::Model>,
    offer: Offer<'_>,
) -> Result<program::Model, Fault> {
    let program = match known {
        Some(program) => program,
        None => programs::create_program(app, actor, brand, offer.settings, offer.terms)
            .await
            .map_err(fault)?,
    };
    // Each rule is a transaction of its own: a run that was killed may have made the first few of them.
    let rules = commission_rule::Entity::find()
        .filter(commission_rule::Column::ProgramId.eq(program.id))
        .count(app.db.read())
        .await?;
    for (event, earning) in offer
        .rules
        .into_iter()
        .skip(usize::try_from(rules).unwrap_or(usize::MAX))
    {
        let command = CreateRule {
            program: program.id,
            scope: RuleScope::Program,
            event,
            earning,
            conditions: Conditions::default(),
            position: 0,
            valid_from: None,
            valid_until: None,
        };
        programs::create_rule(app, actor, command).await.map_err(fault)?;
    }
    let levels = referral_level::Entity::find()
        .filter(referral_level::Column::ProgramId.eq(program.id))
        .count(app.db.read())
        .await?;
    if levels == 0 && !offer.levels.is_empty() {
        programs::set_levels(app, actor, program.id, offer.levels)
            .await
            .map_err(fault)?;
    }
    let program = if program.state == ProgramState::Draft {
        programs::activate_program(app, actor, program.id, None)
            .await
            .map_err(fault)?
    } else {
        program
    };
    publish(app, actor, program.id, offer.content).await?;
    Ok(program)
}

async fn publish(app: &App, actor: &Actor, program: ProgramId, content: Content) -> Result<(), Fault> {
    let known = listing::Entity::find()
        .filter(listing::Column::ProgramId.eq(program))
        .one(app.db.read())
        .await?;
    let listing = match known {
        Some(listing) => listing,
        None => marketplace::create_listing(app, actor, program, content)
            .await
            .map_err(fault)?,
    };
    if listing.state == ListingState::Draft {
        marketplace::publish_listing(app, actor, listing.id, None)
            .await
            .map_err(fault)?;
    }
    Ok(())
}

/// A partner's place in a program: applied for by the partner, approved by the brand, below its recruiter.
pub async fn partnership(
    app: &App,
    brand_actor: &Actor,
    partner_actor: &Actor,
    partner: PartnerId,
    program: ProgramId,
    referral_code: Option<String>,
) -> Result<partnership::Model, Fault> {
    let find = || {
        partnership::Entity::find()
            .filter(partnership::Column::ProgramId.eq(program))
            .filter(partnership::Column::PartnerId.eq(partner))
    };
    if let Some(partnership) = find().one(app.db.read()).await? {
        return Ok(partnership);
    }
    let waiting = application::Entity::find()
        .filter(application::Column::ProgramId.eq(program))
        .filter(application::Column::PartnerId.eq(partner))
        .filter(application::Column::State.eq(ApplicationState::Submitted))
        .one(app.db.read())
        .await?;
    let application = match waiting {
        Some(application) => application,
        None => {
            let command = Apply {
                partner,
                program,
                message: "I would like to promote this program.".to_owned(),
                accepted_terms_version: 1,
                proposal: None,
                answers: Vec::new(),
                client_address: None,
                referral_code,
            };
            apply::apply_to_program(app, partner_actor, command)
                .await
                .map_err(fault)?
        }
    };
    decide::approve_application(app, brand_actor, application.id, None)
        .await
        .map_err(fault)?;
    find()
        .one(app.db.read())
        .await?
        .ok_or_else(|| Fault::new("an approved application without its partnership"))
}

pub async fn link(
    app: &App,
    actor: &Actor,
    partnership: &partnership::Model,
    slug: &str,
) -> Result<tracking_link::Model, Fault> {
    let known = tracking_link::Entity::find()
        .filter(tracking_link::Column::Slug.eq(slug))
        .one(app.db.read())
        .await?;
    if let Some(link) = known {
        return Ok(link);
    }
    let command = CreateLink {
        partnership: partnership.id,
        destination_url: None,
        slug: Some(slug.to_owned()),
        name: None,
    };
    tracking::create_tracking_link(app, actor, command).await.map_err(fault)
}

pub async fn code(
    app: &App,
    actor: &Actor,
    partnership: &partnership::Model,
    code: &str,
) -> Result<promo_code::Model, Fault> {
    let known = promo_code::Entity::find()
        .filter(promo_code::Column::BrandId.eq(partnership.brand_id))
        .filter(promo_code::Column::Code.eq(code))
        .one(app.db.read())
        .await?;
    if let Some(code) = known {
        return Ok(code);
    }
    let command = CreateCode {
        partnership: partnership.id,
        code: code.to_owned(),
        expires_at: None,
        usage_limit: None,
    };
    tracking::create_promo_code(app, actor, command).await.map_err(fault)
}
