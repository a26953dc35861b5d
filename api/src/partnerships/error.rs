//! Why an operation on applications or partnerships is refused.

crate::error_codes! {
    /// Why an operation on applications or partnerships was refused.
    pub enum PartnershipErrorCode shown as PartnershipError {
        /// A message has at most 2,000 characters.
        MessageTooLong,
        /// A note has at most 1,000 characters.
        NoteTooLong,
        /// A reason has 1 to 500 characters.
        ReasonInvalid,
        /// The program is not active, or, to apply, its listing is not published.
        ProgramNotOpen,
        /// The accepted version of the terms is not the current one, which the message names.
        TermsOutdated,
        /// The partnership is ended or banned.
        PartnershipOver,
        /// An application of this partner is still open.
        AlreadyApplied,
        /// The partner is in the program.
        AlreadyPartner,
        /// The last application was rejected or withdrawn, or the partnership ended, too short a time ago; the message names
        /// the time from which on it is possible.
        ReapplyTooEarly,
        /// The last application was rejected or withdrawn, or the partnership ended, for good.
        ReapplyNever,
        /// The partner was banned from the program.
        PartnerBanned,
        /// The program asks where its partners are from, and this one does not say.
        CountryMissing,
        /// The partner's country is none of those the program takes partners from.
        CountryNotAllowed,
        /// The program takes no partners from the partner's country.
        CountryExcluded,
        /// The program takes applications from proved addresses only, and the account's is not.
        EmailNotVerified,
        /// The domain of the account's address is none of those the program takes applications from.
        EmailDomainNotAllowed,
        /// The program takes no applications from addresses of the account's domain.
        EmailDomainBlocked,
        /// The program asks for more followers than the partner's greatest channel has.
        FollowersTooFew,
        /// The program asks for a verified channel.
        ChannelNotVerified,
        /// A question that must be answered is not.
        AnswerMissing,
        /// No question that is asked now has this key.
        AnswerUnknown,
        /// A question is answered twice.
        AnswerGivenTwice,
        /// The answer is not of the question's kind.
        AnswerMalformed,
        /// The answer is none of the question's choices, or names one twice.
        AnswerNotAChoice,
        /// The answer is too little or too much; the message names the bound.
        AnswerOutOfBounds,
        /// A percentage is above 0 and at most 100.
        OfferOutOfRange,
        /// There is no open offer of this number.
        OfferNotOpen,
        /// The offer is of the caller's own side: the other one answers it.
        OfferOwn,
        /// An offer about the terms is open, and answered first.
        OfferOpen,
        /// There are at most 10 offers about an application or invitation.
        TooManyOffers,
        /// The agreed terms cannot become a rule; the message says why.
        OfferImpossible,
        /// The application was decided before.
        ApplicationDecided,
        /// No active partnership of this program has this referral code.
        ReferralCodeUnknown,
        /// Nobody recruits themselves.
        ReferralCodeOwn,
        /// The referrer is in another program.
        ReferrerOfAnotherProgram,
        /// A partnership cannot stand above itself in the referral tree.
        ReferralCycle,
        /// The referral tree would become deeper than 10 levels.
        ReferralTooDeep,
        /// Not an e-mail address.
        EmailInvalid,
        /// There is no such partner.
        PartnerUnknown,
        /// An invitation is good for 1 to 90 days.
        ExpiryOutOfRange,
        /// An invitation of this partner or address into the program is open; resend or revoke that one.
        InvitationOpen,
        /// A brand may have at most 500 open invitations into its programs.
        TooManyInvitations,
        /// A brand may send at most 100 invitations into its programs in 24 hours.
        TooManyInvitationsADay,
        /// An invitation is sent at most five times.
        InvitationSentTooOften,
        /// There is no such invitation for this partner, or its link was replaced by a newer one.
        InvitationInvalid,
        /// Partnerships that change their group together are in one program.
        PartnershipOfAnotherProgram,
        /// The partner group is part of another program.
        GroupOfAnotherProgram,
        /// The partner group is archived.
        GroupArchived,
        /// The state does not allow this; the message names both states.
        InvalidTransition,
    }
}
