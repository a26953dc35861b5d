//! Why a change of how a brand pays is refused.

crate::error_codes! {
    /// Why a change of how a brand pays was refused.
    pub enum PayoutSettingsErrorCode shown as PayoutSettingsError {
        /// The reserve is not between 0 and 50 %.
        ReserveOutOfRange,
        /// A reserve is kept 0 to 365 days.
        ReserveDaysOutOfRange,
        /// Not an amount of the brand's currency.
        PayoutMinimumInvalid,
        /// Not a day of the schedule: 1 to 7 of a week, 1 to 13 twice a month, 1 to 28 of a month.
        PayoutDayOutOfRange,
    }
}
