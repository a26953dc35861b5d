//! Pure checks of what creators say of themselves, and how it is stored.

use entity::creator_profile::Visibility;
use rust_decimal::{Decimal, prelude::ToPrimitive};

pub const MAX_NICHES: usize = 10;
pub const MAX_LANGUAGES: usize = 20;
pub const MAX_MEDIA_KITS: usize = 5;
pub const MAX_CHANNELS: u64 = 20;
pub const MAX_AUDIENCE_COUNTRIES: usize = 50;
pub const MAX_RATES: usize = 30;
/// Several times as many people as the largest channels have.
pub const MAX_FOLLOWERS: i64 = 2_000_000_000;
const MAX_HEADLINE_CHARS: usize = 120;
const MAX_HANDLE_CHARS: usize = 100;
/// Hundredths of a degree are about a kilometre.
const PLACE_DECIMALS: u32 = 2;
const MICRO: i64 = 1_000_000;

/// ISO 639-1.
const LANGUAGES: &str = "aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz \
    ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv \
    ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn \
    no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg \
    th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu";

/// ISO 3166-1, and `XK`, which is used for Kosovo.
const COUNTRIES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV \
    BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR \
    GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG \
    KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX \
    MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG \
    SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG \
    VI VN VU WF WS XK YE YT ZA ZM ZW";

/// What a creator makes for a brand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deliverable {
    Post,
    Story,
    ShortVideo,
    Video,
    LiveStream,
    Article,
    NewsletterMention,
    PodcastMention,
    Photo,
    Event,
    Other,
}

impl Deliverable {
    pub const ALL: [Self; 11] = [
        Self::Post,
        Self::Story,
        Self::ShortVideo,
        Self::Video,
        Self::LiveStream,
        Self::Article,
        Self::NewsletterMention,
        Self::PodcastMention,
        Self::Photo,
        Self::Event,
        Self::Other,
    ];

    /// As it is stored.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Story => "STORY",
            Self::ShortVideo => "SHORT_VIDEO",
            Self::Video => "VIDEO",
            Self::LiveStream => "LIVE_STREAM",
            Self::Article => "ARTICLE",
            Self::NewsletterMention => "NEWSLETTER_MENTION",
            Self::PodcastMention => "PODCAST_MENTION",
            Self::Photo => "PHOTO",
            Self::Event => "EVENT",
            Self::Other => "OTHER",
        }
    }
}

/// A part of an audience.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    pub country: String,
    pub ppm: i64,
}

/// What a deliverable costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rate {
    pub deliverable: Deliverable,
    pub currency: String,
    pub amount_minor: i64,
}

/// A place in millionths of a degree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub latitude_micro: i32,
    pub longitude_micro: i32,
}

impl Place {
    /// Absent where there is no such place on earth.
    #[must_use]
    pub fn new(latitude: Decimal, longitude: Decimal) -> Option<Self> {
        let micro = |angle: Decimal, most: i64| {
            let most = Decimal::from(most);
            let fits = -most <= angle && angle <= most;
            let micro = angle.checked_mul(Decimal::from(MICRO))?.round();
            micro.to_i32().filter(|_| fits)
        };
        Some(Self {
            latitude_micro: micro(latitude, 90)?,
            longitude_micro: micro(longitude, 180)?,
        })
    }

    /// As coarse as places of people are kept.
    #[must_use]
    pub fn coarse(latitude: Decimal, longitude: Decimal) -> Option<Self> {
        Self::new(latitude.round_dp(PLACE_DECIMALS), longitude.round_dp(PLACE_DECIMALS))
    }
}

/// An angle as it is shown.
#[must_use]
pub fn degrees(micro: i32) -> Decimal {
    Decimal::new(micro.into(), 6).normalize()
}

/// May a profile go from one to the other?
#[must_use]
pub fn may_go(from: Visibility, to: Visibility) -> bool {
    from != to
}

/// A headline as it will be shown: trimmed, on one line.
#[must_use]
pub fn clean_headline(headline: &str) -> Option<String> {
    let headline = headline.trim();
    let fits = !headline.is_empty()
        && headline.chars().count() <= MAX_HEADLINE_CHARS
        && !headline.chars().any(char::is_control);
    fits.then(|| headline.to_owned())
}

/// A handle as it will be shown: trimmed, without the sign in front of it.
#[must_use]
pub fn clean_handle(handle: &str) -> Option<String> {
    let handle = handle.trim().trim_start_matches('@');
    let fits = !handle.is_empty()
        && handle.chars().count() <= MAX_HANDLE_CHARS
        && !handle.chars().any(|c| c.is_control() || c.is_whitespace());
    fits.then(|| handle.to_owned())
}

/// By what handles are the same.
#[must_use]
pub fn fold_handle(handle: &str) -> String {
    handle.to_lowercase()
}

#[must_use]
pub fn is_language(tag: &str) -> bool {
    match tag.len() {
        2 => LANGUAGES.split_ascii_whitespace().any(|known| known == tag),
        // ISO 639-2 and 639-3 know thousands.
        3 => tag.bytes().all(|byte| byte.is_ascii_lowercase()),
        _ => false,
    }
}

#[must_use]
pub fn is_country(code: &str) -> bool {
    code.len() == 2 && COUNTRIES.split_ascii_whitespace().any(|known| known == code)
}

/// What is placed on a channel: nobody writes it by chance, and everybody sees what it is for.
#[must_use]
pub fn verification_token<const N: usize>(secret: [u8; N]) -> String {
    let digits: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("tributary-{digits}")
}

/// An audience as it is stored: the greatest share first.
#[must_use]
pub fn write_audience(mut shares: Vec<Share>) -> String {
    shares.sort_by(|left, right| right.ppm.cmp(&left.ppm).then_with(|| left.country.cmp(&right.country)));
    let written = shares.iter().map(|share| format!("{}:{}", share.country, share.ppm));
    written.collect::<Vec<_>>().join(",")
}

#[must_use]
pub fn read_audience(stored: &str) -> Vec<Share> {
    let read = |part: &str| {
        let (country, ppm) = part.split_once(':')?;
        Some(Share {
            country: country.to_owned(),
            ppm: ppm.parse().ok()?,
        })
    };
    stored.split(',').filter_map(read).collect()
}

/// Rates as they are stored: in the order given.
#[must_use]
pub fn write_rates(rates: &[Rate]) -> String {
    let written = rates
        .iter()
        .map(|rate| format!("{}:{}:{}", rate.deliverable.word(), rate.currency, rate.amount_minor));
    written.collect::<Vec<_>>().join(",")
}

#[must_use]
pub fn read_rates(stored: &str) -> Vec<Rate> {
    let read = |part: &str| {
        let mut fields = part.split(':');
        let (word, currency, amount) = (fields.next()?, fields.next()?, fields.next()?);
        Some(Rate {
            deliverable: Deliverable::ALL.into_iter().find(|known| known.word() == word)?,
            currency: currency.to_owned(),
            amount_minor: amount.parse().ok()?,
        })
    };
    stored.split(',').filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_on_earth_and_coarse() {
        let place =
            |latitude: &str, longitude: &str| Place::coarse(latitude.parse().unwrap(), longitude.parse().unwrap());
        let berlin = place("52.520008", "13.404954").unwrap();
        assert_eq!(
            (berlin.latitude_micro, berlin.longitude_micro),
            (52_520_000, 13_400_000)
        );
        assert_eq!(degrees(berlin.longitude_micro).to_string(), "13.4");
        assert!(place("-90", "180").is_some());
        for (latitude, longitude) in [("90.01", "0"), ("0", "-180.5"), ("99999999999999999999", "0")] {
            assert_eq!(place(latitude, longitude), None, "{latitude} {longitude}");
        }
    }

    #[test]
    fn headlines_take_any_script_on_one_line() {
        for right in ["Kaffee ☕️ für alle", "قهوة في البيت", "x"] {
            assert_eq!(clean_headline(right).as_deref(), Some(right));
        }
        for wrong in ["", "  ", "two\nlines", "a\u{0}b", "x".repeat(121).as_str()] {
            assert_eq!(clean_headline(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn handles_lose_their_sign_and_take_no_spaces() {
        assert_eq!(clean_handle(" @Maya.Brews "), Some("Maya.Brews".to_owned()));
        assert_eq!(fold_handle("Maya.Brews"), "maya.brews");
        for wrong in ["", "@", "a b", "a\u{7}b", "x".repeat(101).as_str()] {
            assert_eq!(clean_handle(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn languages_and_countries_are_those_there_are() {
        assert!(is_language("de") && is_language("gsw"));
        assert!(is_country("DE") && is_country("XK"));
        for wrong in ["", "xx", "DE", "d", "de-AT", "dé"] {
            assert!(!is_language(wrong), "{wrong}");
        }
        for wrong in ["", "ZZ", "de", "DEU", "EU"] {
            assert!(!is_country(wrong), "{wrong}");
        }
    }

    #[test]
    fn what_is_stored_reads_back() {
        let share = |country: &str, ppm| Share {
            country: country.to_owned(),
            ppm,
        };
        let stored = write_audience(vec![share("FR", 250_000), share("DE", 400_000), share("AT", 250_000)]);
        assert_eq!(stored, "DE:400000,AT:250000,FR:250000");
        assert_eq!(read_audience(&stored).len(), 3);
        assert_eq!(read_audience(""), []);
        let rates = vec![Rate {
            deliverable: Deliverable::ShortVideo,
            currency: "EUR".to_owned(),
            amount_minor: 25_000,
        }];
        assert_eq!(read_rates(&write_rates(&rates)), rates);
        assert_eq!(read_rates(""), []);
    }
}
