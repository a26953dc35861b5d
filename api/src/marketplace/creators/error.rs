//! Why an operation on creators is refused.

crate::error_codes! {
    /// Why an operation on creators was refused.
    pub enum CreatorErrorCode shown as CreatorError {
        /// A headline has 1 to 120 characters on one line.
        HeadlineInvalid,
        /// A niche has 2 to 40 lower-case letters, digits or hyphens.
        NicheInvalid,
        /// A profile names at most 10 niches.
        TooManyNiches,
        /// A language is a tag of two or three lower-case letters such as `de`; of two letters only those of ISO 639-1.
        LanguageUnknown,
        /// A profile names at most 20 languages.
        TooManyLanguages,
        /// A profile has at most 5 media kits.
        TooManyMediaKits,
        /// An address names no user and no password.
        UrlInvalid,
        /// A latitude lies between -90 and 90, a longitude between -180 and 180.
        LocationInvalid,
        /// A handle has 1 to 100 characters without spaces.
        HandleInvalid,
        /// A channel has 0 to 2,000,000,000 followers.
        FollowersInvalid,
        /// An engagement lies between 0 and 100 percent.
        EngagementInvalid,
        /// The partner has a channel of this platform and handle.
        ChannelExists,
        /// A partner has at most 20 channels.
        TooManyChannels,
        /// There is no such country.
        CountryUnknown,
        /// Each country is named once.
        CountryTwice,
        /// An audience names at most 50 countries.
        TooManyCountries,
        /// A share lies above 0 and is at most 100 percent.
        ShareInvalid,
        /// The shares come to more than 100 percent.
        AudienceExceedsWhole,
        /// There is no such currency, or the amount does not fit it.
        RateInvalid,
        /// Each deliverable has one rate in a currency.
        RateTwice,
        /// A profile has at most 30 rates.
        TooManyRates,
        /// A profile is published with a niche and a channel at least.
        ProfileIncomplete,
        /// The state does not allow this; the message names both states.
        InvalidTransition,
        /// A reason has 1 to 500 characters.
        ReasonInvalid,
        /// The channel is verified.
        AlreadyVerified,
        /// The token was not asked for yet.
        VerificationNotRequested,
        /// The channel's address may not be read: http and https on their own ports and public addresses only.
        AddressNotAllowed,
        /// The channel's page could not be read.
        ChannelUnreachable,
        /// The token does not stand on the channel's page.
        TokenNotFound,
    }
}
