//! Marking a payout as paid that a person has paid.

use entity::{
    ids::PayoutId,
    payout::{self, PayoutRail, PayoutState},
};

use super::{Code, Doing, Result, check_move, do_once, settle::pay_in_tx};
use crate::{
    accounts::{actor::Actor, permissions::Operation},
    app::App,
    error::Failure,
    idempotency::{Key, Outcome},
};

const MAX_REFERENCE_CHARS: usize = 100;

/// Records that a person has paid an approved payout, with the bank's reference.
pub async fn mark_payout_paid(
    app: &App,
    actor: &Actor,
    id: PayoutId,
    reference: &str,
    key: &Key,
) -> Result<Outcome<payout::Model>> {
    let reference = reference.trim();
    if reference.is_empty()
        || reference.chars().count() > MAX_REFERENCE_CHARS
        || reference.chars().any(char::is_control)
    {
        return Err(Failure::refused_field(
            Code::ReferenceInvalid,
            "reference",
            "a reference has 1 to 100 characters",
        ));
    }
    let doing = Doing {
        permission: Operation::MarkPayoutPaid,
        name: "markPayoutPaid",
        detail: reference,
        key,
    };
    do_once(app, actor, id, doing, async |tx, row| {
        refuse_of_provider(row)?;
        check_move(row, &[PayoutState::Approved, PayoutState::Submitted], PayoutState::Paid)?;
        row.reference = Some(reference.to_owned());
        pay_in_tx(tx, app, actor, row, None).await?;
        Ok(())
    })
    .await
}

/// What a provider pays is known from the provider alone.
pub(super) fn refuse_of_provider(row: &payout::Model) -> Result<()> {
    match row.rail {
        PayoutRail::Manual | PayoutRail::BankFile => Ok(()),
        PayoutRail::Razorpayx | PayoutRail::Paypal | PayoutRail::Stripe => Err(Failure::refused_field(
            Code::PaidByProvider,
            "id",
            "a provider pays this payout, and says itself what became of it",
        )),
    }
}
