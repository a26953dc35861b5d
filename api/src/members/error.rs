//! Why an operation on an organisation's people is refused.

crate::error_codes! {
    /// Why an operation on the people of a brand or partner was refused.
    pub enum MemberErrorCode shown as MemberError {
        /// Not an e-mail address.
        EmailInvalid,
        /// This person is a member already.
        AlreadyMember,
        /// The address has an open invitation; resend or revoke that one.
        InvitationOpen,
        /// At most 50 invitations may be open at a time.
        TooManyInvitations,
        /// A brand or partner may have at most 200 members.
        TooManyMembers,
        /// The invitation is unknown, used, expired or revoked, or for another address.
        InvitationInvalid,
        /// The invitation is no longer open.
        InvitationNotOpen,
        /// Only owners make, change and remove owners.
        RoleAboveYours,
        /// The member has this role already.
        RoleUnchanged,
        /// A brand always has an owner.
        LastOwner,
        /// A partner always has a member.
        LastMember,
        /// The caller is this member; leaving is another operation.
        Yourself,
        /// A user may own at most 10 brands and be a member of at most 50.
        TooManyBrands,
        /// A user may have at most 10 partner accounts.
        TooManyPartners,
    }
}
