//! Why a message is refused.

crate::error_codes! {
    /// Why an operation on messages was refused.
    pub enum MessageErrorCode shown as MessageError {
        /// A message has 1 to 5,000 characters, and no control characters but tabs and line breaks.
        BodyInvalid,
        /// There is neither a partnership that goes on, nor an open application, nor an open invitation; or the partner was
        /// banned.
        ThreadClosed,
        /// The invitation was mailed to an address, and no partner has accepted it.
        NobodyInvited,
        /// A thread has at most 10,000 messages.
        ThreadFull,
    }
}
