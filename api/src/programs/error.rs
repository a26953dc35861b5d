//! Why a program operation is refused.

crate::error_codes! {
    /// Why an operation on programs was refused.
    pub enum ProgramErrorCode shown as ProgramError {
        /// The name is empty or longer than 100 characters.
        NameInvalid,
        /// Longer than 5,000 characters.
        DescriptionTooLong,
        /// A program accepts 1 to 20 currencies.
        CurrenciesInvalid,
        /// Not a currency of ISO 4217.
        CurrencyUnknown,
        /// The currency is not one the program accepts.
        CurrencyNotAccepted,
        /// A commission rule or a referral level still pays in the currency to be removed.
        CurrencyInUse,
        /// The hold is not between 0 and 365 days.
        HoldDaysOutOfRange,
        /// The attribution window is not between 1 and 365 days.
        AttributionWindowOutOfRange,
        /// `MONTHS` needs 1 to 120 months; the other bindings take none.
        CustomerBindingMonthsInvalid,
        /// A commission note has 1 to 200 characters on one line.
        CommissionNoteInvalid,
        /// Terms have 1 to 50,000 characters.
        TermsInvalid,
        /// A program may have at most 1,000 versions of its terms.
        TooManyTermsVersions,
        /// A brand may have at most 200 programs.
        TooManyPrograms,
        /// The program's state does not allow this; the message names both states.
        InvalidTransition,
        /// The program is archived: it stays as it is.
        ProgramArchived,
        /// A reason has 1 to 500 characters.
        ReasonInvalid,
        /// A percentage is above 0 and at most 100.
        PercentOutOfRange,
        /// A percentage needs a sale: nothing else has an amount to take it of.
        PercentNeedsSale,
        /// Products, categories and items need a sale: nothing else has lines.
        LinesNeedSale,
        /// A condition names at most 100 products or categories of 1 to 200 characters each.
        ConditionInvalid,
        /// The amount is not positive, too large or finer than its currency.
        AmountInvalid,
        /// A position is between 0 and 10,000.
        PositionOutOfRange,
        /// A program may have at most 100 active commission rules.
        TooManyRules,
        /// A partnership may have at most 20 active commission rules of its own.
        TooManyPersonalRules,
        /// A partner group may have at most 50 active commission rules.
        TooManyGroupRules,
        /// A program may have at most 100 partner groups that are not archived.
        TooManyGroups,
        /// Another partner group of the program has this name.
        GroupNameTaken,
        /// The partner group was archived before.
        GroupArchived,
        /// Partnerships, open invitations or the program's default still need the partner group.
        GroupInUse,
        /// A rule ends after it begins.
        ValidityInvalid,
        /// The rule was archived before.
        RuleArchived,
        /// A questionnaire has at most 20 questions.
        TooManyQuestions,
        /// A program may have at most 1,000 versions of its questionnaires.
        TooManyQuestionnaireVersions,
        /// A key has 1 to 40 small letters, digits, hyphens or underscores, and begins with a letter.
        QuestionKeyInvalid,
        /// Another question of the questionnaire has this key.
        QuestionKeyTaken,
        /// A label has 1 to 200 characters on one line.
        QuestionLabelInvalid,
        /// A help has at most 1,000 characters.
        QuestionHelpInvalid,
        /// A choice is made among 2 to 50 different ones of 1 to 100 characters; other questions have none.
        QuestionChoicesInvalid,
        /// The least is above the most, or the kind of question does not allow such bounds.
        QuestionBoundsInvalid,
        /// A list names at most 250 countries.
        TooManyCountries,
        /// A list names at most 100 e-mail domains.
        TooManyEmailDomains,
        /// Not a domain such as `example.org`.
        EmailDomainInvalid,
        /// A least number of followers is 1 at least.
        MinimumFollowersInvalid,
        /// `APPROVE_AFTER_DAYS` needs 1 to 90 days; the other policies take none.
        ApproveAfterDaysInvalid,
        /// `AFTER_DAYS` needs 1 to 365 days; the others take none.
        AskAgainDaysInvalid,
        /// Levels are 1 to n without gaps, and at most 10.
        LevelsInvalid,
    }
}
