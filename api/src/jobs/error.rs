//! Why an operation on dead jobs is refused.

crate::error_codes! {
    /// Why an operation on dead jobs was refused.
    pub enum DeadJobErrorCode shown as DeadJobError {
        /// The job is not dead; the message names both states.
        InvalidTransition,
    }
}
