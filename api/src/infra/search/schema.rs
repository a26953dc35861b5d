//! What is indexed, described once for every engine.

use sha2::{Digest, Sha256};

/// How a field is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Words to be found; a match in a heavier field counts for more.
    Text {
        weight: u8,
    },
    /// Whole values to filter by and to count; any number of them.
    Keyword,
    /// One integer to filter and sort by, absent where nothing is known.
    Number,
    Flag,
    /// A place on earth.
    Point,
}

/// A field of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Field {
    pub name: &'static str,
    pub kind: Kind,
}

impl Field {
    const fn text(name: &'static str, weight: u8) -> Self {
        Self {
            name,
            kind: Kind::Text { weight },
        }
    }

    const fn keyword(name: &'static str) -> Self {
        Self {
            name,
            kind: Kind::Keyword,
        }
    }

    const fn number(name: &'static str) -> Self {
        Self {
            name,
            kind: Kind::Number,
        }
    }

    const fn flag(name: &'static str) -> Self {
        Self { name, kind: Kind::Flag }
    }

    const fn point(name: &'static str) -> Self {
        Self {
            name,
            kind: Kind::Point,
        }
    }
}

/// The three things that are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Index {
    Listings,
    Brands,
    Creators,
}

impl Index {
    pub const ALL: [Self; 3] = [Self::Listings, Self::Brands, Self::Creators];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Listings => "listings",
            Self::Brands => "brands",
            Self::Creators => "creators",
        }
    }

    #[must_use]
    pub const fn fields(self) -> &'static [Field] {
        match self {
            Self::Listings => listings::FIELDS,
            Self::Brands => brands::FIELDS,
            Self::Creators => creators::FIELDS,
        }
    }

    /// The texts, the heaviest first.
    #[must_use]
    pub fn texts(self) -> Vec<(Field, u8)> {
        let mut texts: Vec<(Field, u8)> = self
            .fields()
            .iter()
            .filter_map(|field| match field.kind {
                Kind::Text { weight } => Some((*field, weight)),
                _ => None,
            })
            .collect();
        texts.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
        texts
    }
}

/// Words that say nothing about what is looked for.
pub const STOP_WORDS: &[&str] = &[
    "a", "an", "and", "at", "by", "for", "from", "in", "is", "of", "on", "or", "the", "to", "with", "your",
];

/// Words that stand for each other.
pub const SYNONYMS: &[&[&str]] = &[
    &["clothing", "apparel", "clothes"],
    &["cosmetics", "beauty", "makeup"],
    &["crypto", "cryptocurrency", "bitcoin"],
    &["saas", "software"],
    &["hosting", "webhosting"],
    &["travel", "trips", "holiday"],
    &["jewelry", "jewellery"],
    &["fitness", "gym"],
];

/// The other words that stand for this one.
pub fn synonyms(word: &str) -> impl Iterator<Item = &'static str> {
    let group = SYNONYMS.iter().find(|group| group.contains(&word));
    let word = word.to_owned();
    group
        .into_iter()
        .flat_map(|group| group.iter().copied())
        .filter(move |other| *other != word)
}

/// Raised when words are cut or rows are described in another way than before, though the fields are the same.
const DESCRIBED: u32 = 2;

/// What decides how documents are indexed, condensed: an index that was built by another is of no use.
#[must_use]
pub fn fingerprint() -> String {
    let mut hash = Sha256::new();
    hash.update(DESCRIBED.to_be_bytes());
    for index in Index::ALL {
        hash.update(format!("{}{:?}", index.name(), index.fields()));
    }
    hash.update(format!("{SYNONYMS:?}"));
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Open listings of running programs.
pub mod listings {
    use super::Field;

    pub const TITLE: Field = Field::text("title", 8);
    pub const BRAND: Field = Field::text("brand", 8);
    pub const PROGRAM: Field = Field::text("program", 6);
    pub const CATEGORY_NAME: Field = Field::text("categoryName", 4);
    pub const PITCH: Field = Field::text("pitch", 2);
    pub const CATEGORY: Field = Field::keyword("category");
    /// Countries it is open to; none when it is open to all of them.
    pub const COUNTRIES: Field = Field::keyword("countries");
    pub const EVERYWHERE: Field = Field::flag("everywhere");
    /// What pays and how: `SALE_PERCENT`, `LEAD_FIXED`, ….
    pub const COMMISSIONS: Field = Field::keyword("commissions");
    /// The most that a sale pays, in parts per million of it.
    pub const SALE_PPM: Field = Field::number("salePpm");
    /// The most that one event pays at a fixed amount, in minor units of its currency.
    pub const FIXED_MINOR: Field = Field::number("fixedMinor");
    pub const FIXED_CURRENCY: Field = Field::keyword("fixedCurrency");
    pub const CURRENCIES: Field = Field::keyword("currencies");
    pub const WINDOW_DAYS: Field = Field::number("windowDays");
    pub const HOLD_DAYS: Field = Field::number("holdDays");
    /// Later orders of a customer pay too.
    pub const RECURRING: Field = Field::flag("recurring");
    pub const AUTO_APPROVAL: Field = Field::flag("autoApproval");
    pub const PAYOUT_METHODS: Field = Field::keyword("payoutMethods");
    /// Microseconds since 1970; absent when it never was shown first.
    pub const FEATURED_UNTIL: Field = Field::number("featuredUntil");
    /// What a click earns, in millionths of the minor unit of its currency.
    pub const CLICK_MICRO: Field = Field::number("clickMicro");
    pub const CLICK_CURRENCY: Field = Field::keyword("clickCurrency");
    /// Shares, in parts per million.
    pub const CONVERSION_PPM: Field = Field::number("conversionPpm");
    pub const APPROVAL_PPM: Field = Field::number("approvalPpm");
    pub const REVERSAL_PPM: Field = Field::number("reversalPpm");
    pub const APPROVE_DAYS: Field = Field::number("approveDays");
    pub const PAY_DAYS: Field = Field::number("payDays");
    /// Microseconds since 1970.
    pub const PUBLISHED_AT: Field = Field::number("publishedAt");

    pub const FIELDS: &[Field] = &[
        TITLE,
        BRAND,
        PROGRAM,
        CATEGORY_NAME,
        PITCH,
        CATEGORY,
        COUNTRIES,
        EVERYWHERE,
        COMMISSIONS,
        SALE_PPM,
        FIXED_MINOR,
        FIXED_CURRENCY,
        CURRENCIES,
        WINDOW_DAYS,
        HOLD_DAYS,
        RECURRING,
        AUTO_APPROVAL,
        PAYOUT_METHODS,
        FEATURED_UNTIL,
        CLICK_MICRO,
        CLICK_CURRENCY,
        CONVERSION_PPM,
        APPROVAL_PPM,
        REVERSAL_PPM,
        APPROVE_DAYS,
        PAY_DAYS,
        PUBLISHED_AT,
    ];
}

/// Brands that have an open listing.
pub mod brands {
    use super::Field;

    pub const NAME: Field = Field::text("name", 8);
    pub const CATEGORY_NAMES: Field = Field::text("categoryNames", 2);
    pub const CATEGORIES: Field = Field::keyword("categories");
    pub const COUNTRIES: Field = Field::keyword("countries");
    pub const EVERYWHERE: Field = Field::flag("everywhere");
    pub const LISTINGS: Field = Field::number("listings");
    /// Microseconds since 1970.
    pub const CREATED_AT: Field = Field::number("createdAt");

    pub const FIELDS: &[Field] = &[
        NAME,
        CATEGORY_NAMES,
        CATEGORIES,
        COUNTRIES,
        EVERYWHERE,
        LISTINGS,
        CREATED_AT,
    ];
}

/// Partners with a public profile.
pub mod creators {
    use super::Field;

    pub const NAME: Field = Field::text("name", 8);
    pub const HANDLES: Field = Field::text("handles", 8);
    pub const HEADLINE: Field = Field::text("headline", 6);
    pub const NICHE_NAMES: Field = Field::text("nicheNames", 4);
    pub const BIO: Field = Field::text("bio", 2);
    pub const NICHES: Field = Field::keyword("niches");
    pub const PLATFORMS: Field = Field::keyword("platforms");
    pub const COUNTRY: Field = Field::keyword("country");
    pub const AUDIENCE: Field = Field::keyword("audience");
    pub const LANGUAGES: Field = Field::keyword("languages");
    pub const AVAILABILITY: Field = Field::keyword("availability");
    pub const VETTING: Field = Field::keyword("vetting");
    /// Of the channel that has most of them.
    pub const FOLLOWERS: Field = Field::number("followers");
    /// Parts per million, of the channel that has most of it.
    pub const ENGAGEMENT: Field = Field::number("engagement");
    /// One of the channels is.
    pub const VERIFIED: Field = Field::flag("verified");
    pub const LOCATION: Field = Field::point("location");
    /// Microseconds since 1970.
    pub const CREATED_AT: Field = Field::number("createdAt");

    pub const FIELDS: &[Field] = &[
        NAME,
        HANDLES,
        HEADLINE,
        NICHE_NAMES,
        BIO,
        NICHES,
        PLATFORMS,
        COUNTRY,
        AUDIENCE,
        LANGUAGES,
        AVAILABILITY,
        VETTING,
        FOLLOWERS,
        ENGAGEMENT,
        VERIFIED,
        LOCATION,
        CREATED_AT,
    ];
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn fields_have_names_of_their_own() {
        for index in Index::ALL {
            let names: HashSet<&str> = index.fields().iter().map(|field| field.name).collect();
            assert_eq!(names.len(), index.fields().len(), "{}", index.name());
        }
    }

    #[test]
    fn a_word_has_one_group_of_synonyms() {
        let words: Vec<&str> = SYNONYMS.iter().flat_map(|group| group.iter().copied()).collect();
        assert_eq!(words.iter().collect::<HashSet<_>>().len(), words.len());
        assert_eq!(synonyms("saas").collect::<Vec<_>>(), ["software"]);
        assert_eq!(synonyms("tea").count(), 0);
    }
}
