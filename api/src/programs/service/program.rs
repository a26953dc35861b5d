//! What a brand sets about a program.

use entity::{
    commission_rule,
    ids::{BrandId, ProgramId},
    program::{self, AttributionOrder, CustomerBinding, ProgramState},
    referral_level,
};
use sea_orm::{ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, PaginatorTrait, QueryFilter};

use super::{Result, announce_in_tx, lock_living_in_tx, terms};
use crate::{
    accounts::{
        actor::{Actor, Place},
        permissions::Operation,
        rules::clean_name,
    },
    app::App,
    audit::{self, Change},
    error::Failure,
    programs::{error::ProgramErrorCode as Code, rules},
};

/// Days a commission may stay pending.
pub(super) const HOLD_DAYS: std::ops::RangeInclusive<i32> = 0..=365;
/// Days a touch may count for.
pub const WINDOW_DAYS: std::ops::RangeInclusive<i32> = 1..=365;
pub const BINDING_MONTHS: std::ops::RangeInclusive<i32> = 1..=120;
pub const MAX_DESCRIPTION_CHARS: usize = 5_000;
const MAX_PROGRAMS_PER_BRAND: u64 = 200;

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
    /// What is said about the commission where no rule says it.
    pub commission_note: Option<String>,
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
    /// `Some(None)` takes the note away.
    pub commission_note: Option<Option<String>>,
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
            commission_note: self.commission_note.unwrap_or_else(|| row.commission_note.clone()),
        }
    }
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
    let terms = terms::check_terms(terms, "terms")?;
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
        commission_note: settings.commission_note,
        default_group_id: None,
        created_at: now,
    };
    program::Entity::insert(program::ActiveModel::from(row.clone()))
        .exec_without_returning(&tx)
        .await?;
    terms::insert_terms_in_tx(&tx, app, &row, 1, terms).await?;
    audit::record_in_tx(&tx, app, actor, Change::of_fact(brand, "program.created", row.id)).await?;
    tx.commit().await?;
    Ok(row)
}

pub async fn update_program(app: &App, actor: &Actor, id: ProgramId, mut patch: Patch) -> Result<program::Model> {
    let tx = app.db.begin().await?;
    let row = lock_living_in_tx(&tx, actor, Operation::UpdateProgram, id).await?;
    let body = patch.terms.take();
    let settings = check_settings(patch.over(&row), "patch.")?;
    refuse_currencies_in_use_in_tx(&tx, &row, &settings.currencies).await?;
    if let Some(body) = body {
        terms::revise_in_tx(&tx, app, actor, &row, &body).await?;
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
        commission_note: settings.commission_note,
        ..row
    };
    program::Entity::update(program::ActiveModel::from(row.clone()).reset_all())
        .exec_without_returning(&tx)
        .await?;
    audit::record_in_tx(&tx, app, actor, Change::of_fact(row.brand_id, "program.updated", id)).await?;
    announce_in_tx(&tx, app, row.brand_id, row.id).await?;
    app.commit(tx).await?;
    Ok(row)
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
    let note = settings.commission_note.as_deref();
    let commission_note = note
        .map(|note| {
            rules::clean_note(note).map(str::to_owned).ok_or_else(|| {
                let message = format!(
                    "a commission note has 1 to {} characters on one line",
                    rules::MAX_NOTE_CHARS
                );
                refuse(Code::CommissionNoteInvalid, "commissionNote", &message)
            })
        })
        .transpose()?;
    Ok(Settings {
        name,
        commission_note,
        currencies: currencies.into_iter().map(str::to_owned).collect(),
        ..settings
    })
}
