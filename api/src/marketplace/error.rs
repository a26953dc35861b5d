//! Why a listing operation is refused.

crate::error_codes! {
    /// Why an operation on listings was refused.
    pub enum ListingErrorCode shown as ListingError {
        /// A title has 1 to 120 characters on one line.
        TitleInvalid,
        /// A pitch has 1 to 2,000 characters.
        PitchInvalid,
        /// A category has 2 to 40 lower-case letters, digits or hyphens.
        CategoryInvalid,
        /// A listing names at most 250 countries.
        TooManyCountries,
        /// The program has a listing that is not archived.
        ListingExists,
        /// The program has neither an active commission rule nor a commission note: nothing says what there is to earn.
        ListingIncomplete,
        /// The program is not active.
        ProgramNotActive,
        /// The listing's state does not allow this; the message names both states.
        InvalidTransition,
        /// The program is archived: it takes no new listing.
        ProgramArchived,
        /// The listing is archived: it stays as it is.
        ListingArchived,
        /// A listing is shown first from now until at most 366 days ahead.
        FeaturedUntilInvalid,
        /// Only a published listing can be shown first.
        ListingNotPublished,
        /// A reason has 1 to 500 characters.
        ReasonInvalid,
    }
}
