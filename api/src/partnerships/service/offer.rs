//! Terms that are proposed with an application or an invitation, and answered: taken, turned down, or countered. What is taken
//! becomes the partnership's personal rule as it begins.

use entity::{
    TenantScoped,
    application::{self, ApplicationState},
    commission_rule::ConversionEvent,
    ids::{ApplicationId, PartnerId, ProgramId, ProgramInvitationId},
    partnership,
    program::{self, ProgramState},
    program_invitation,
    terms_offer::{ActiveModel, Column, Entity, Model, OfferSide, OfferState},
};
use sea_orm::{
    ActiveEnum, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    Select, sea_query::LockType,
};

use super::{
    Result,
    apply::MAX_MESSAGE_CHARS,
    decide::{self, Joining},
    invite::refuse_decided,
};
use crate::{
    accounts::{
        actor::{Actor, Identity, Place},
        permissions::Operation,
    },
    app::App,
    audit::{self, Change},
    error::{ApiError, Failure},
    partnerships::error::PartnershipErrorCode as Code,
    programs::{
        rules::is_rate,
        service::{self as programs, CreateRule, Earning, RuleScope},
    },
};

/// Offers and counter-offers about one application or invitation, together.
pub const MAX_OFFERS: i32 = 10;

/// What offers are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    Application(ApplicationId),
    /// One of a partner that is named: who was asked by an address answers with it.
    Invitation(ProgramInvitationId),
}

/// Terms as somebody writes them down.
#[derive(Clone, Debug)]
pub struct Proposal {
    pub rate_ppm: i64,
    pub message: String,
}

/// A proposal within bounds.
pub(super) fn check_proposal(proposal: Proposal, path: &str) -> Result<Proposal> {
    if !is_rate(proposal.rate_ppm) {
        return Err(Failure::refused_field(
            Code::OfferOutOfRange,
            &format!("{path}percent"),
            "a percentage is above 0 and at most 100",
        ));
    }
    let message = proposal.message.trim().to_owned();
    if message.chars().count() > MAX_MESSAGE_CHARS {
        return Err(Failure::refused_field(
            Code::MessageTooLong,
            &format!("{path}message"),
            format!("a message has at most {MAX_MESSAGE_CHARS} characters"),
        ));
    }
    Ok(Proposal { message, ..proposal })
}

/// What an offer is about, as it stands, with the two sides.
struct About {
    subject: Subject,
    program: ProgramId,
    brand: entity::ids::BrandId,
    partner: Option<PartnerId>,
}

impl About {
    fn application(row: &application::Model) -> Self {
        Self {
            subject: Subject::Application(row.id),
            program: row.program_id,
            brand: row.brand_id,
            partner: Some(row.partner_id),
        }
    }

    fn invitation(row: &program_invitation::Model) -> Self {
        Self {
            subject: Subject::Invitation(row.id),
            program: row.program_id,
            brand: row.brand_id,
            partner: row.partner_id,
        }
    }

    fn text(&self) -> String {
        match self.subject {
            Subject::Application(id) => id.to_string(),
            Subject::Invitation(id) => id.to_string(),
        }
    }
}

fn find_about(subject: Subject) -> Select<Entity> {
    Entity::find().filter(match subject {
        Subject::Application(id) => Column::ApplicationId.eq(id),
        Subject::Invitation(id) => Column::InvitationId.eq(id),
    })
}

/// The first offer about an application that is being sent.
pub(super) async fn propose_for_application_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    row: &application::Model,
    proposal: Proposal,
) -> Result<()> {
    propose_in_tx(
        tx,
        app,
        actor,
        &About::application(row),
        (1, OfferSide::Partner),
        proposal,
    )
    .await?;
    Ok(())
}

/// The first offer about an invitation that is being sent.
pub(super) async fn propose_for_invitation_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    row: &program_invitation::Model,
    proposal: Proposal,
) -> Result<()> {
    propose_in_tx(tx, app, actor, &About::invitation(row), (1, OfferSide::Brand), proposal).await?;
    Ok(())
}

async fn propose_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    about: &About,
    (number, made_by): (i32, OfferSide),
    proposal: Proposal,
) -> Result<Model> {
    let now = app.clock.now();
    let (application_id, invitation_id) = match about.subject {
        Subject::Application(id) => (Some(id), None),
        Subject::Invitation(id) => (None, Some(id)),
    };
    let row = Model {
        id: app.ids.new_id(now),
        program_id: about.program,
        brand_id: about.brand,
        partner_id: about.partner,
        application_id,
        invitation_id,
        number,
        made_by,
        user_id: match actor.identity {
            Identity::User(user) => Some(user),
            _ => None,
        },
        rate_ppm: proposal.rate_ppm,
        message: proposal.message,
        state: OfferState::Open,
        created_at: now,
        answered_at: None,
    };
    Entity::insert(ActiveModel::from(row.clone()))
        .exec_without_returning(tx)
        .await?;
    let change = Change {
        to: Some(format!("{number}: {} ppm", row.rate_ppm)),
        ..Change::of_fact(about.brand, "terms_offer.made", about.text())
    };
    audit::record_in_tx(tx, app, actor, change).await?;
    Ok(row)
}

/// An offer that waits for the other side, with all that it is about locked.
struct Waiting {
    about: About,
    application: Option<application::Model>,
    program: program::Model,
    offer: Model,
}

/// The offer of this number, when it is open and the caller's side is the one to answer it.
async fn lock_offer_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    operation: Operation,
    (subject, number): (Subject, i32),
) -> Result<(Waiting, OfferSide)> {
    let (about, application) = match subject {
        Subject::Application(id) => {
            let row = super::lock_application_in_tx(tx, actor, operation, id).await?;
            (About::application(&row), Some(row))
        }
        Subject::Invitation(id) => {
            let row = program_invitation::Entity::find_within(&actor.reach())
                .filter(program_invitation::Column::Id.eq(id))
                .one(tx)
                .await?
                .ok_or_else(|| ApiError::not_found("invitation"))?;
            let place = Place {
                brand: Some(row.brand_id),
                partner: row.partner_id,
            };
            actor.authorise(operation, place)?;
            (About::invitation(&row), None)
        }
    };
    let program = decide::lock_program_in_tx(tx, about.program).await?;
    refuse_closed_in_tx(tx, app, &about, application.as_ref()).await?;
    let offer = find_about(subject)
        .order_by_desc(Column::Number)
        .lock(LockType::NoKeyUpdate)
        .one(tx)
        .await?;
    let offer = offer
        .filter(|offer| offer.number == number && offer.state == OfferState::Open)
        .ok_or_else(|| {
            let message = "there is no open offer of this number: read the newest one first";
            Failure::refused_field(Code::OfferNotOpen, "number", message)
        })?;
    // Whoever acts for both sides answers for the one that did not make it.
    let side = match offer.made_by {
        OfferSide::Brand => OfferSide::Partner,
        OfferSide::Partner => OfferSide::Brand,
    };
    let place = match (side, about.partner) {
        (OfferSide::Brand, _) => Some(Place::brand(about.brand)),
        (OfferSide::Partner, partner) => partner.map(Place::partner),
    };
    if place.is_none_or(|place| actor.authorise(operation, place).is_err()) {
        return Err(Failure::refused(
            Code::OfferOwn,
            "this offer is your own side's: the other one answers it",
        ));
    }
    let waiting = Waiting {
        about,
        application,
        program,
        offer,
    };
    Ok((waiting, side))
}

/// What is decided is no longer negotiated.
async fn refuse_closed_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    about: &About,
    application: Option<&application::Model>,
) -> Result<()> {
    if application.is_some_and(|row| row.decided_at.is_some()) {
        return Err(Failure::refused(
            Code::ApplicationDecided,
            "this application was decided before",
        ));
    }
    if let Subject::Invitation(id) = about.subject {
        // Read again behind the lock of its program.
        let row = program_invitation::Entity::find_by_id(id)
            .one(tx)
            .await?
            .ok_or_else(|| ApiError::not_found("invitation"))?;
        refuse_decided(app, &row, program_invitation::ProgramInvitationState::Accepted)?;
    }
    Ok(())
}

/// The only place where an offer's state changes.
async fn answer_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    about: &About,
    offer: &Model,
    state: OfferState,
) -> Result<Model> {
    let answered_at = Some(app.clock.now());
    Entity::update(ActiveModel {
        id: Set(offer.id),
        state: Set(state),
        answered_at: Set(answered_at),
        ..Default::default()
    })
    .exec_without_returning(tx)
    .await?;
    let action = match state {
        OfferState::Open | OfferState::Countered => "terms_offer.countered",
        OfferState::Accepted => "terms_offer.accepted",
        OfferState::Declined => "terms_offer.declined",
    };
    let said = format!("{}: {} ppm", offer.number, offer.rate_ppm);
    let (from, to) = (&offer.state, &state);
    let change = Change::of_state(about.brand, action, about.text(), from, to, Some(&said));
    audit::record_in_tx(tx, app, actor, change).await?;
    Ok(Model {
        state,
        answered_at,
        ..offer.clone()
    })
}

/// Proposes other terms in place of those of the other side.
pub async fn counter_offer(
    app: &App,
    actor: &Actor,
    subject: Subject,
    number: i32,
    proposal: Proposal,
) -> Result<Model> {
    let proposal = check_proposal(proposal, "")?;
    let tx = app.db.begin().await?;
    let (waiting, side) = lock_offer_in_tx(&tx, app, actor, Operation::CounterOffer, (subject, number)).await?;
    if number >= MAX_OFFERS {
        return Err(Failure::refused(
            Code::TooManyOffers,
            format!("there are at most {MAX_OFFERS} offers: accept this one, or decline it"),
        ));
    }
    let Waiting { about, offer, .. } = &waiting;
    answer_in_tx(&tx, app, actor, about, offer, OfferState::Countered).await?;
    let offer = propose_in_tx(&tx, app, actor, about, (number + 1, side), proposal).await?;
    app.commit(tx).await?;
    Ok(offer)
}

/// Turns terms down. The application or invitation stays as it is, on the program's terms.
pub async fn decline_offer(app: &App, actor: &Actor, subject: Subject, number: i32) -> Result<Model> {
    let tx = app.db.begin().await?;
    let (waiting, _) = lock_offer_in_tx(&tx, app, actor, Operation::DeclineOffer, (subject, number)).await?;
    let Waiting { about, offer, .. } = &waiting;
    let offer = answer_in_tx(&tx, app, actor, about, offer, OfferState::Declined).await?;
    app.commit(tx).await?;
    Ok(offer)
}

/// Takes terms. With them an application is approved at once; the partner of an invitation accepts it next.
pub async fn accept_offer(app: &App, actor: &Actor, subject: Subject, number: i32) -> Result<Model> {
    let tx = app.db.begin().await?;
    let (waiting, side) = lock_offer_in_tx(&tx, app, actor, Operation::AcceptOffer, (subject, number)).await?;
    let Waiting {
        about,
        application,
        program,
        offer,
    } = &waiting;
    let offer = answer_in_tx(&tx, app, actor, about, offer, OfferState::Accepted).await?;
    if let Some(row) = application {
        if program.state != ProgramState::Active {
            return Err(Failure::refused(
                Code::ProgramNotOpen,
                format!("the program is {}: nobody joins it now", program.state.to_value()),
            ));
        }
        let wanted = application::Model {
            state: ApplicationState::Approved,
            ..row.clone()
        };
        let by = match side {
            OfferSide::Brand => "the brand took the partner's terms",
            OfferSide::Partner => "the partner took the brand's terms",
        };
        let action = "application.approved";
        let decided = decide::change_state_in_tx(&tx, app, actor, row, wanted, action, Some(by)).await?;
        let joining = Joining::by(&decided, program.default_group_id);
        let joined = decide::open_partnership_in_tx(&tx, app, actor, &joining).await?;
        make_rule_in_tx(&tx, app, actor, program, &joined, &offer).await?;
    }
    app.commit(tx).await?;
    Ok(offer)
}

/// What was agreed about an invitation that its partner accepts: the terms both sides took, or the brand's that are open,
/// which it takes with it. Its own open ones wait for the brand.
pub(super) async fn agree_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    row: &program_invitation::Model,
) -> Result<Option<Model>> {
    let newest = find_about(Subject::Invitation(row.id))
        .order_by_desc(Column::Number)
        .one(tx)
        .await?;
    match newest {
        Some(offer) if offer.state == OfferState::Open && offer.made_by == OfferSide::Partner => {
            Err(offer_open("your own offer waits for the brand's answer"))
        }
        Some(offer) if offer.state == OfferState::Open => {
            let about = About::invitation(row);
            let offer = answer_in_tx(tx, app, actor, &about, &offer, OfferState::Accepted).await?;
            Ok(Some(offer))
        }
        Some(offer) if offer.state == OfferState::Accepted => Ok(Some(offer)),
        _ => Ok(None),
    }
}

/// An application about whose terms nobody answered is not decided past them.
pub(super) async fn refuse_open_offer_in_tx(tx: &DatabaseTransaction, application: ApplicationId) -> Result<()> {
    if has_open_offer_in_tx(tx, application).await? {
        return Err(offer_open("an offer about its terms is open: it is answered first"));
    }
    Ok(())
}

pub(super) async fn has_open_offer_in_tx(tx: &DatabaseTransaction, application: ApplicationId) -> Result<bool> {
    let open = find_about(Subject::Application(application))
        .filter(Column::State.eq(OfferState::Open))
        .one(tx)
        .await?;
    Ok(open.is_some())
}

fn offer_open(message: &str) -> Failure<Code> {
    Failure::refused(Code::OfferOpen, message)
}

/// Makes agreed terms the partnership's own. Its program is locked.
pub(super) async fn make_rule_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    actor: &Actor,
    program: &program::Model,
    joined: &partnership::Model,
    offer: &Model,
) -> Result<()> {
    let command = CreateRule {
        program: program.id,
        scope: RuleScope::Partnership(joined.id),
        event: ConversionEvent::Sale,
        earning: Earning::PercentOfSale(offer.rate_ppm),
        conditions: programs::Conditions::default(),
        position: 0,
        valid_from: None,
        valid_until: None,
    };
    match programs::create_rule_in_tx(tx, app, actor, program, command).await {
        Ok(_) => Ok(()),
        Err(Failure::Api(error)) => Err(error.into()),
        // One that comes back may have as many as there can be.
        Err(Failure::Refused(refusal)) => Err(Failure::refused(Code::OfferImpossible, refusal.message)),
    }
}
