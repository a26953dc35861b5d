//! Why an event or a review is refused.

crate::error_codes! {
    /// Why an event could not be recorded, or a conversion not reviewed.
    pub enum ConversionErrorCode shown as ConversionError {
        /// The brand has no such program.
        ProgramNotFound,
        /// A customer id has 1 to 200 characters.
        CustomerIdInvalid,
        /// A signup or lead needs the customer it is about.
        CustomerIdRequired,
        /// An order id has 1 to 200 characters.
        OrderIdInvalid,
        /// The brand has recorded this order before, under another idempotency key.
        OrderAlreadyRecorded,
        /// The brand has recorded no such order.
        OrderNotFound,
        /// Not a currency of ISO 4217.
        CurrencyUnknown,
        /// The amount is in another currency than its sale.
        CurrencyMismatch,
        /// The amount is negative.
        AmountNegative,
        /// The amount has more decimals than its currency.
        AmountTooPrecise,
        /// The amount is above 10^12 minor units.
        AmountTooLarge,
        /// A sale needs its amount, or lines that add up to it.
        AmountRequired,
        /// A refund or chargeback of nothing.
        AmountZero,
        /// More would come back than is left of the sale; the message says how much is.
        RefundExceedsSale,
        /// The order has no line of this id.
        LineNotFound,
        /// More would come back than is left of the line; the message names both.
        RefundExceedsLine,
        /// An order has at most 100 lines, and a request at most 5,000.
        TooManyLines,
        /// A line's id has 1 to 200 characters.
        LineIdInvalid,
        /// Two lines of the order, or of a refund, have the same id.
        LineIdRepeated,
        /// A line's product id, name and category have 1 to 200 characters on one line.
        LineTextInvalid,
        /// A line has 1 to 1,000,000 items.
        QuantityInvalid,
        /// The lines do not add up to the amount; the message names both.
        LinesDoNotAddUp,
        /// An order takes at most 100 amendments, 100 captures and 100 chargebacks.
        TooManyChanges,
        /// The order comes to this amount already.
        AmendmentChangesNothing,
        /// Less than was refunded, charged back or captured already; the message says how much that is.
        AmendmentBelowSettled,
        /// The order was captured already, with its sale or by a final capture.
        AlreadyCaptured,
        /// More would be captured than is left of the order; the message says how much is.
        CaptureExceedsOrder,
        /// The order is only authorised: it can be approved after its final capture.
        NotCaptured,
        /// A chargeback's reference has 1 to 200 characters.
        ReferenceInvalid,
        /// The order has this chargeback already, under another idempotency key.
        ChargebackAlreadyRecorded,
        /// The order has no chargeback with this reference.
        ChargebackNotFound,
        /// A request takes at most 1,000 events.
        TooManyEvents,
        /// At most 10 promo codes come with an event.
        TooManyPromoCodes,
        /// A promo code or click id is overlong.
        TouchTooLong,
        /// The event lies in the future.
        OccurredInFuture,
        /// A reason has 1 to 500 characters.
        ReasonInvalid,
        /// The conversion is not in a state from which this is possible; the message names both states.
        InvalidTransition,
        /// A test conversion earns nothing, so it is neither approved nor rejected.
        TestNotReviewed,
        /// Only the beginning of a refused event was kept: it is replayed with its whole body.
        BodyIncomplete,
        /// Nobody is credited, so there is nothing to approve.
        NotCredited,
        /// The hold period is not over; the message says until when it lasts.
        HoldNotOver,
    }
}
