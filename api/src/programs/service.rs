//! Use cases of programs, their terms, rules and levels.

use entity::{
    TenantScoped,
    commission_rule::{self, ConversionEvent, RuleKind},
    ids::{BrandId, CommissionRuleId, ProgramId},
    program::{self, AttributionOrder, CustomerBinding, ProgramState},
    program_terms,
    referral_level::{self, ReferralLevelKind},
};
use rust_decimal::Decimal;
use sea_orm::{
    ActiveEnum, ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr,
    EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::LockType,
};

use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
        rules::clean_name,
    },
    app::App,
    audit::{self, Change},
    error::{ApiError, Failure},
    money::{Currency, Money},
    page::{self, Page, Slice},
    programs::{error::ProgramErrorCode as Code, rules},
};

type Result<T> = std::result::Result<T, Failure<Code>>;

/// Days a commission may stay pending.
const HOLD_DAYS: std::ops::RangeInclusive<i32> = 0..=365;
/// Days a touch may count for.
pub const WINDOW_DAYS: std::ops::RangeInclusive<i32> = 1..=365;
pub const BINDING_MONTHS: std::ops::RangeInclusive<i32> = 1..=120;
const POSITIONS: std::ops::RangeInclusive<i32> = 0..=10_000;
pub const MAX_DESCRIPTION_CHARS: usize = 5_000;
const MAX_TERMS_CHARS: usize = 50_000;
const MAX_TERMS_VERSIONS: i32 = 1_000;
const MAX_PROGRAMS_PER_BRAND: u64 = 200;
const MAX_RULES_PER_PROGRAM: u64 = 100;

/// Everything a brand sets about a program but its terms.
pub struct Settings {
    pub name: String,
    pub description: String,
    pub currencies: Vec<String>,
    pub destination_url: String,
    pub hold_days: i32,
    pub attribution_window_days: i32,
    pub attribution_order: AttributionOrder,
    pub customer_binding: CustomerBinding,
    pub customer_binding_months: Option<i32>,
    pub auto_approve_commissions: bool,
}

/// What to change; what is absent stays.
#[derive(Default)]
pub struct Patch {
    pub name: Option<String>,
    pub description: Option<String>,
    pub currencies: Option<Vec<String>>,
    pub destination_url: Option<String>,
    pub hold_days: Option<i32>,
    pub attribution_window_days: Option<i32>,
    pub attribution_order: Option<AttributionOrder>,
    pub customer_binding: Option<CustomerBinding>,
    /// `Some(None)` takes the months away.
    pub customer_binding_months: Option<Option<i32>>,
    pub auto_approve_commissions: Option<bool>,
    pub terms: Option<String>,
}

impl Patch {
    fn over(self, row: &program::Model) -> Settings {
        let customer_binding = self.customer_binding.unwrap_or(row.customer_binding);
        // Leaving MONTHS leaves its months behind, unless the patch speaks of them.
        let kept_months = row
            .customer_binding_months
            .filter(|_| customer_binding == CustomerBinding::Months);
        Settings {
            name: self.name.unwrap_or_else(|| row.name.clone()),
            description: self.description.unwrap_or_else(|| row.description.clone()),
            currencies: self
                .currencies
                .unwrap_or_else(|| row.currencies.split(',').map(str::to_owned).collect()),
            destination_url: self.destination_url.unwrap_or_else(|| row.destination_url.clone()),
            hold_days: self.hold_days.unwrap_or(row.hold_days),
            attribution_window_days: self.attribution_window_days.unwrap_or(row.attribution_window_days),
            attribution_order: self.attribution_order.unwrap_or(row.attribution_order),
            customer_binding,
            customer_binding_months: self.customer_binding_months.unwrap_or(kept_months),
            auto_approve_commissions: self.auto_approve_commissions.unwrap_or(row.auto_approve_commissions),
        }
    }
}

/// Active and paused programs are for everyone, any other for its brand's people.
#[must_use]
pub fn is_visible(actor: &Actor, row: &program::Model) -> bool {
    matches!(row.state, ProgramState::Active | ProgramState::Paused)
        || actor
            .authorise(Operation::SeePrograms, Place::brand(row.brand_id))
            .is_ok()
}

/// A rule that counts is seen with its program, an archived one by the brand's people.
#[must_use]
pub fn may_see_rule(actor: &Actor, program: &program::Model, rule: &commission_rule::Model) -> bool {
    let at_home = actor
        .authorise(Operation::SeePrograms, Place::brand(program.brand_id))
        .is_ok();
    at_home || (rule.archived_at.is_none() && is_visible(actor, program))
}

/// A program by its id: anyone may ask, drafts and archived ones answer to their brand only.
pub async fn get_program(app: &App, actor: &Actor, id: ProgramId) -> std::result::Result<program::Model, ApiError> {
    get_program_in_tx(app.db.read(), id)
        .await
        .map_err(ApiError::internal)?
        .filter(|row| is_visible(actor, row))
        .ok_or_else(|| ApiError::not_found("program"))
}

pub async fn list_programs(
    app: &App,
    actor: &Actor,
    brand: BrandId,
    page: &Page,
) -> std::result::Result<Slice<program::Model>, ApiError> {
    actor.authorise(Operation::SeePrograms, Place::brand(brand))?;
    let select = program::Entity::find_within(&actor.reach()).filter(program::Column::BrandId.eq(brand));
    page::fetch(
        app.db.read(),
        select,
        program::Column::Id,
        |row: &program::Model| row.id.0,
        page,
    )
    .await
    .map_err(ApiError::internal)
}

/// Makes a draft with the first version of its terms.
pub async fn create_program(
    app: &App,
    actor: &Actor,
    brand: BrandId,
    settings: Settings,
    terms: &str,
) -> Result<program::Model> {
    actor.authorise(Operation::CreateProgram, Place::brand(brand))?;
    let settings = check_settings(settings, "")?;
    let terms = check_terms(terms, "terms")?;
    let now = app.clock.now();
    let tx = app.db.begin().await?;
    let made = program::Entity::find()
        .filter(program::Column::BrandId.eq(brand))
        .count(&tx)
        .await?;
    if made >= MAX_PROGRAMS_PER_BRAND {
        return Err(Failure::refused(
            Code::TooManyPrograms,
            format!("a brand may have at most {MAX_PROGRAMS_PER_BRAND} programs"),
        ));
    }
    let row = program::Model {
        id: app.ids.new_id(now),
        brand_id: brand,
        name: settings.name,
        description: settings.description,
        state: ProgramState::Draft,
        currencies: settings.currencies.join(","),
        destination_url: settings.destination_url,
        hold_days: settings.hold_days,
        attribution_window_days: settings.attribution_window_days,
        attribution_order: settings.attribution_order,
        customer_binding: settings.customer_binding,
        customer_binding_months: settings.customer_binding_months,
        auto_approve_commissions: settings.auto_approve_commissions,
        created_at: now,
    };
    program::Entity::insert(program::ActiveModel::from(row.clone()))
        .exec_without_returning(&tx)
        .await?;
    insert_terms_in_tx(&tx, app, &row, 1, terms).await?;
    audit::record_in_tx(&tx, app, actor, Change::of_fact(brand, "program.created", row.id)).await?;
    tx.commit().await?;
    Ok(row)
}

pub async fn update_program(app: &App, actor: &Actor, id: ProgramId, mut patch: Patch) -> Result<program::Model> {
    let tx = app.db.begin().await?;
    let row = lock_own_in_tx(&tx, actor, Operation::UpdateProgram, id).await?;
    let terms = patch.terms.take();
    let settings = check_settings(patch.over(&row), "patch.")?;
    refuse_currencies_in_use_in_tx(&tx, &row, &settings.currencies).await?;
    if let Some(terms) = terms {
        let body = check_terms(&terms, "patch.terms")?;
        let current = find_terms_in_tx(&tx, id).await?;
        let version = current.as_ref().map_or(0, |terms| terms.version);
        if version >= MAX_TERMS_VERSIONS {
            return Err(Failure::refused_field(
                Code::TooManyTermsVersions,
                "patch.terms",
                format!("a program may have at most {MAX_TERMS_VERSIONS} versions of its terms"),
            ));
        }
        // The same text again is no new version: partners would have to accept it anew for nothing.
        if current.is_none_or(|current| current.body != body) {
            insert_terms_in_tx(&tx, app, &row, version + 1, body).await?;
        }
    }
    let row = program::Model {
        name: settings.name,
        description: settings.description,
        currencies: settings.currencies.join(","),
        destination_url: settings.destination_url,
        hold_days: settings.hold_days,
        attribution_window_days: settings.attribution_window_days,
        attribution_order: settings.attribution_order,
        customer_binding: settings.customer_binding,
        customer_binding_months: settings.customer_binding_months,
        auto_approve_commissions: settings.auto_approve_commissions,
        ..row
    };
    program::Entity::update(program::ActiveModel::from(row.clone()).reset_all())
        .exec_without_returning(&tx)
        .await?;
    audit::record_in_tx(&tx, app, actor, Change::of_fact(row.brand_id, "program.updated", id)).await?;
    tx.commit().await?;
    Ok(row)
}

pub async fn activate_program(app: &App, actor: &Actor, id: ProgramId) -> Result<program::Model> {
    let transition = Transition {
        operation: Operation::ActivateProgram,
        action: "program.activated",
        from: &[ProgramState::Draft, ProgramState::Paused],
        to: ProgramState::Active,
    };
    change_state(app, actor, id, transition).await
}

pub async fn pause_program(app: &App, actor: &Actor, id: ProgramId) -> Result<program::Model> {
    let transition = Transition {
        operation: Operation::PauseProgram,
        action: "program.paused",
        from: &[ProgramState::Active],
        to: ProgramState::Paused,
    };
    change_state(app, actor, id, transition).await
}

struct Transition {
    operation: Operation,
    action: &'static str,
    from: &'static [ProgramState],
    to: ProgramState,
}

async fn change_state(app: &App, actor: &Actor, id: ProgramId, transition: Transition) -> Result<program::Model> {
    let tx = app.db.begin().await?;
    let mut row = lock_own_in_tx(&tx, actor, transition.operation, id).await?;
    if !transition.from.contains(&row.state) {
        return Err(Failure::refused(
            Code::InvalidTransition,
            format!(
                "a program cannot go from {} to {}",
                row.state.to_value(),
                transition.to.to_value()
            ),
        ));
    }
    let from = std::mem::replace(&mut row.state, transition.to);
    program::Entity::update(program::ActiveModel {
        id: Set(id),
        state: Set(row.state),
        ..Default::default()
    })
    .exec_without_returning(&tx)
    .await?;
    let change = Change::of_state(row.brand_id, transition.action, id, &from, &row.state, None);
    audit::record_in_tx(&tx, app, actor, change).await?;
    tx.commit().await?;
    Ok(row)
}

/// What a rule or a level pays.
pub enum Earning {
    /// Parts per million of a sale.
    PercentOfSale(i64),
    /// Parts per million of what the credited partnership earns: levels only.
    PercentOfCommission(i64),
    Fixed {
        amount: Decimal,
        currency: String,
    },
}

/// An earning as its columns.
struct Columns {
    rate_ppm: Option<i64>,
    amount_minor: Option<i64>,
    currency: Option<String>,
}

pub struct CreateRule {
    pub program: ProgramId,
    pub event: ConversionEvent,
    pub earning: Earning,
    pub position: i32,
}

pub async fn create_rule(app: &App, actor: &Actor, command: CreateRule) -> Result<commission_rule::Model> {
    let tx = app.db.begin().await?;
    let program = lock_own_in_tx(&tx, actor, Operation::CreateCommissionRule, command.program).await?;
    let kind = match command.earning {
        Earning::Fixed { .. } => RuleKind::Fixed,
        Earning::PercentOfSale(_) | Earning::PercentOfCommission(_) => RuleKind::Percent,
    };
    if kind == RuleKind::Percent && command.event != ConversionEvent::Sale {
        return Err(Failure::refused_field(
            Code::PercentNeedsSale,
            "earning.percent",
            "only a sale has an amount to take a percentage of",
        ));
    }
    if !POSITIONS.contains(&command.position) {
        return Err(Failure::refused_field(
            Code::PositionOutOfRange,
            "position",
            format!("a position is between {} and {}", POSITIONS.start(), POSITIONS.end()),
        ));
    }
    let columns = check_earning(&program, command.earning, "earning")?;
    let active = commission_rule::Entity::find()
        .filter(commission_rule::Column::ProgramId.eq(program.id))
        .filter(commission_rule::Column::ArchivedAt.is_null())
        .count(&tx)
        .await?;
    if active >= MAX_RULES_PER_PROGRAM {
        return Err(Failure::refused(
            Code::TooManyRules,
            format!("a program may have at most {MAX_RULES_PER_PROGRAM} active commission rules"),
        ));
    }
    let now = app.clock.now();
    let row = commission_rule::Model {
        id: app.ids.new_id(now),
        program_id: program.id,
        brand_id: program.brand_id,
        event: command.event,
        kind,
        rate_ppm: columns.rate_ppm,
        amount_minor: columns.amount_minor,
        currency: columns.currency,
        position: command.position,
        created_at: now,
        archived_at: None,
    };
    commission_rule::Entity::insert(commission_rule::ActiveModel::from(row.clone()))
        .exec_without_returning(&tx)
        .await?;
    let change = Change::of_fact(row.brand_id, "commission_rule.created", row.id);
    audit::record_in_tx(&tx, app, actor, change).await?;
    tx.commit().await?;
    Ok(row)
}

/// Takes a rule out of use. Commissions computed by it keep their frozen copy.
pub async fn archive_rule(app: &App, actor: &Actor, id: CommissionRuleId) -> Result<commission_rule::Model> {
    let tx = app.db.begin().await?;
    let mut row = commission_rule::Entity::find_within(&actor.reach())
        .filter(commission_rule::Column::Id.eq(id))
        .lock(LockType::NoKeyUpdate)
        .one(&tx)
        .await?
        .ok_or_else(|| ApiError::not_found("commission rule"))?;
    actor.authorise(Operation::ArchiveCommissionRule, Place::brand(row.brand_id))?;
    if row.archived_at.is_some() {
        return Err(Failure::refused(Code::RuleArchived, "this rule was archived before"));
    }
    row.archived_at = Some(app.clock.now());
    commission_rule::Entity::update(commission_rule::ActiveModel {
        id: Set(id),
        archived_at: Set(row.archived_at),
        ..Default::default()
    })
    .exec_without_returning(&tx)
    .await?;
    let change = Change::of_fact(row.brand_id, "commission_rule.archived", id);
    audit::record_in_tx(&tx, app, actor, change).await?;
    tx.commit().await?;
    Ok(row)
}

/// Puts these levels in place of all the program had.
pub async fn set_levels(
    app: &App,
    actor: &Actor,
    id: ProgramId,
    levels: Vec<(i32, Earning)>,
) -> Result<program::Model> {
    let tx = app.db.begin().await?;
    let program = lock_own_in_tx(&tx, actor, Operation::SetReferralLevels, id).await?;
    let numbers: Vec<i32> = levels.iter().map(|(level, _)| *level).collect();
    if !rules::are_levels(&numbers) {
        return Err(Failure::refused_field(
            Code::LevelsInvalid,
            "levels",
            format!("levels are 1 to n without gaps, at most {}", rules::MAX_LEVELS),
        ));
    }
    let now = app.clock.now();
    let mut rows = Vec::with_capacity(levels.len());
    for (index, (level, earning)) in levels.into_iter().enumerate() {
        let kind = match earning {
            Earning::PercentOfSale(_) => ReferralLevelKind::PercentOfSale,
            Earning::PercentOfCommission(_) => ReferralLevelKind::PercentOfCommission,
            Earning::Fixed { .. } => ReferralLevelKind::Fixed,
        };
        let columns = check_earning(&program, earning, &format!("levels.{index}.earning"))?;
        rows.push(referral_level::ActiveModel {
            id: Set(app.ids.new_id(now)),
            program_id: Set(id),
            brand_id: Set(program.brand_id),
            level: Set(level),
            kind: Set(kind),
            rate_ppm: Set(columns.rate_ppm),
            amount_minor: Set(columns.amount_minor),
            currency: Set(columns.currency),
        });
    }
    referral_level::Entity::delete_many()
        .filter(referral_level::Column::ProgramId.eq(id))
        .exec(&tx)
        .await?;
    if !rows.is_empty() {
        referral_level::Entity::insert_many(rows)
            .exec_without_returning(&tx)
            .await?;
    }
    let change = Change::of_fact(program.brand_id, "program.referral_levels_set", id);
    audit::record_in_tx(&tx, app, actor, change).await?;
    tx.commit().await?;
    Ok(program)
}

pub async fn get_program_in_tx(
    conn: &impl ConnectionTrait,
    id: ProgramId,
) -> std::result::Result<Option<program::Model>, DbErr> {
    program::Entity::find_by_id(id).one(conn).await
}

/// Locks a program until the transaction ends: whoever changes something that must hold across its rows (its referral
/// tree, its rules) queues here. Not the strongest lock, so that rows that merely refer to the program can be written
/// meanwhile. On SQLite writers queue anyway.
pub async fn lock_program_in_tx(
    tx: &DatabaseTransaction,
    id: ProgramId,
) -> std::result::Result<Option<program::Model>, DbErr> {
    program::Entity::find_by_id(id)
        .lock(LockType::NoKeyUpdate)
        .one(tx)
        .await
}

/// The active rules of programs for events, in the order in which they are tried: by position, then the newest first.
pub async fn list_rules_in_tx(
    conn: &impl ConnectionTrait,
    programs: &[ProgramId],
    events: &[ConversionEvent],
) -> std::result::Result<Vec<commission_rule::Model>, DbErr> {
    commission_rule::Entity::find()
        .filter(commission_rule::Column::ProgramId.is_in(programs.iter().copied()))
        .filter(commission_rule::Column::Event.is_in(events.iter().copied()))
        .filter(commission_rule::Column::ArchivedAt.is_null())
        .order_by_asc(commission_rule::Column::Position)
        .order_by_desc(commission_rule::Column::Id)
        .all(conn)
        .await
}

/// What the levels of programs' referral trees earn, from level 1 up.
pub async fn list_levels_in_tx(
    conn: &impl ConnectionTrait,
    programs: &[ProgramId],
) -> std::result::Result<Vec<referral_level::Model>, DbErr> {
    referral_level::Entity::find()
        .filter(referral_level::Column::ProgramId.is_in(programs.iter().copied()))
        .order_by_asc(referral_level::Column::Level)
        .all(conn)
        .await
}

/// Does anything in this program earn?
pub async fn has_active_rule_in_tx(
    conn: &impl ConnectionTrait,
    program: ProgramId,
) -> std::result::Result<bool, DbErr> {
    let rule = commission_rule::Entity::find()
        .filter(commission_rule::Column::ProgramId.eq(program))
        .filter(commission_rule::Column::ArchivedAt.is_null())
        .one(conn)
        .await?;
    Ok(rule.is_some())
}

/// The current terms of a program.
pub async fn find_terms_in_tx(
    conn: &impl ConnectionTrait,
    program: ProgramId,
) -> std::result::Result<Option<program_terms::Model>, DbErr> {
    program_terms::Entity::find()
        .filter(program_terms::Column::ProgramId.eq(program))
        .order_by_desc(program_terms::Column::Version)
        .one(conn)
        .await
}

async fn lock_own_in_tx(
    tx: &DatabaseTransaction,
    actor: &Actor,
    operation: Operation,
    id: ProgramId,
) -> Result<program::Model> {
    let row = program::Entity::find_within(&actor.reach())
        .filter(program::Column::Id.eq(id))
        .lock(LockType::NoKeyUpdate)
        .one(tx)
        .await?
        .ok_or_else(|| ApiError::not_found("program"))?;
    actor.authorise(operation, Place::brand(row.brand_id))?;
    Ok(row)
}

async fn insert_terms_in_tx(
    tx: &DatabaseTransaction,
    app: &App,
    program: &program::Model,
    version: i32,
    body: &str,
) -> std::result::Result<(), DbErr> {
    let now = app.clock.now();
    program_terms::Entity::insert(program_terms::ActiveModel {
        id: Set(app.ids.new_id(now)),
        program_id: Set(program.id),
        brand_id: Set(program.brand_id),
        version: Set(version),
        body: Set(body.to_owned()),
        created_at: Set(now),
    })
    .exec_without_returning(tx)
    .await
    .map(drop)
}

/// A currency that a rule or level pays in cannot be removed: the amount would be in a currency nobody accepts.
async fn refuse_currencies_in_use_in_tx(
    tx: &DatabaseTransaction,
    program: &program::Model,
    wanted: &[String],
) -> Result<()> {
    let removed: Vec<&str> = program
        .currencies
        .split(',')
        .filter(|code| !wanted.iter().any(|kept| kept == code))
        .collect();
    if removed.is_empty() {
        return Ok(());
    }
    let rules = commission_rule::Entity::find()
        .filter(commission_rule::Column::ProgramId.eq(program.id))
        .filter(commission_rule::Column::ArchivedAt.is_null())
        .filter(commission_rule::Column::Currency.is_in(removed.iter().copied()))
        .count(tx)
        .await?;
    let levels = referral_level::Entity::find()
        .filter(referral_level::Column::ProgramId.eq(program.id))
        .filter(referral_level::Column::Currency.is_in(removed.iter().copied()))
        .count(tx)
        .await?;
    if rules + levels > 0 {
        return Err(Failure::refused_field(
            Code::CurrencyInUse,
            "patch.currencies",
            "a commission rule or referral level still pays in a currency to be removed",
        ));
    }
    Ok(())
}

fn check_settings(settings: Settings, path: &str) -> Result<Settings> {
    let refuse = |code, field: &str, message: &str| Failure::refused_field(code, &format!("{path}{field}"), message);
    let name = clean_name(&settings.name)
        .ok_or_else(|| refuse(Code::NameInvalid, "name", "a name has 1 to 100 characters"))?;
    if settings.description.chars().count() > MAX_DESCRIPTION_CHARS {
        return Err(refuse(
            Code::DescriptionTooLong,
            "description",
            "a description has at most 5,000 characters",
        ));
    }
    if !rules::CURRENCIES.contains(&settings.currencies.len()) {
        return Err(refuse(
            Code::CurrenciesInvalid,
            "currencies",
            "a program accepts 1 to 20 currencies",
        ));
    }
    let currencies = rules::normal_currencies(&settings.currencies)
        .map_err(|error| refuse(Code::CurrencyUnknown, "currencies", &error.to_string()))?;
    if !HOLD_DAYS.contains(&settings.hold_days) {
        return Err(refuse(
            Code::HoldDaysOutOfRange,
            "holdDays",
            "the hold is between 0 and 365 days",
        ));
    }
    if !WINDOW_DAYS.contains(&settings.attribution_window_days) {
        return Err(refuse(
            Code::AttributionWindowOutOfRange,
            "attributionWindowDays",
            "the attribution window is between 1 and 365 days",
        ));
    }
    let months_fit = match settings.customer_binding {
        CustomerBinding::Months => settings
            .customer_binding_months
            .is_some_and(|months| BINDING_MONTHS.contains(&months)),
        CustomerBinding::Forever | CustomerBinding::Never => settings.customer_binding_months.is_none(),
    };
    if !months_fit {
        return Err(refuse(
            Code::CustomerBindingMonthsInvalid,
            "customerBindingMonths",
            "MONTHS needs 1 to 120 months; the other bindings take none",
        ));
    }
    Ok(Settings {
        name,
        currencies: currencies.into_iter().map(str::to_owned).collect(),
        ..settings
    })
}

fn check_terms<'a>(terms: &'a str, field: &str) -> Result<&'a str> {
    let terms = terms.trim();
    if terms.is_empty() || terms.chars().count() > MAX_TERMS_CHARS {
        return Err(Failure::refused_field(
            Code::TermsInvalid,
            field,
            "terms have 1 to 50,000 characters",
        ));
    }
    Ok(terms)
}

fn check_earning(program: &program::Model, earning: Earning, field: &str) -> Result<Columns> {
    let (amount, currency) = match earning {
        Earning::PercentOfSale(ppm) | Earning::PercentOfCommission(ppm) => {
            if !rules::is_rate(ppm) {
                return Err(Failure::refused_field(
                    Code::PercentOutOfRange,
                    field,
                    "a percentage is above 0 and at most 100",
                ));
            }
            return Ok(Columns {
                rate_ppm: Some(ppm),
                amount_minor: None,
                currency: None,
            });
        }
        Earning::Fixed { amount, currency } => (amount, currency),
    };
    let currency: Currency = currency
        .parse()
        .map_err(|error| Failure::refused_field(Code::CurrencyUnknown, &format!("{field}.fixed.currency"), error))?;
    if !rules::accepts(&program.currencies, currency.code()) {
        return Err(Failure::refused_field(
            Code::CurrencyNotAccepted,
            &format!("{field}.fixed.currency"),
            format!(
                "this program does not accept {currency}; it accepts {}",
                program.currencies
            ),
        ));
    }
    let amount_field = format!("{field}.fixed.amount");
    let money = Money::from_decimal(amount, currency)
        .map_err(|error| Failure::refused_field(Code::AmountInvalid, &amount_field, error))?;
    if money.amount_minor == 0 {
        return Err(Failure::refused_field(
            Code::AmountInvalid,
            &amount_field,
            "a fixed amount is above 0",
        ));
    }
    Ok(Columns {
        rate_ppm: None,
        amount_minor: Some(money.amount_minor),
        currency: Some(currency.code().to_owned()),
    })
}
