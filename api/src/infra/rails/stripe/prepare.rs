//! An instruction as a transfer.

use std::collections::BTreeSet;

use url::form_urlencoded::Serializer;

use crate::{
    infra::rails::{
        Destination, Instruction, Prepared, Problem, ProblemCode, RailKind, Rejected, Request, instruction,
    },
    money::Money,
};

/// Stripe counts these by another unit than ISO 4217 does.
const COUNTED_OTHERWISE: [&str; 3] = ["ISK", "MGA", "UGX"];

pub(super) fn prepare(instructions: &[Instruction]) -> Prepared {
    let mut prepared = Prepared::default();
    let mut seen = BTreeSet::new();
    for instruction in instructions {
        let key = instruction.key();
        let mut problems = Vec::new();
        instruction::check_key(instruction, &mut seen, &mut problems);
        instruction::check_narration(RailKind::Stripe, &instruction.narration, &mut problems);
        check_amount(instruction.amount, &mut problems);
        match account(&instruction.destination, &mut problems) {
            Some(account) if problems.is_empty() => prepared.requests.push(Request {
                rail: RailKind::Stripe,
                body: body(instruction, account, &key),
                items: vec![key.clone()],
                key,
            }),
            _ => prepared.rejected.push(Rejected { key, problems }),
        }
    }
    prepared
}

fn body(instruction: &Instruction, account: &str, key: &str) -> String {
    let mut form = Serializer::new(String::new());
    form.append_pair("amount", &instruction.amount.amount_minor.to_string())
        .append_pair("currency", &instruction.amount.currency.code().to_ascii_lowercase())
        .append_pair("destination", account)
        .append_pair("transfer_group", key);
    if !instruction.narration.is_empty() {
        form.append_pair("description", &instruction.narration);
    }
    form.append_pair("metadata[payout]", &instruction.payout.to_string());
    form.finish()
}

/// What Stripe does not carry of an amount.
pub(super) fn check_amount(amount: Money, problems: &mut Vec<Problem>) {
    let code = amount.currency.code();
    if COUNTED_OTHERWISE.contains(&code) || amount.currency.scale() > 3 {
        let message = format!("Stripe counts {code} by another unit");
        problems.push(Problem::new(ProblemCode::CurrencyNotCarried, message));
    }
    if amount.amount_minor < 1 {
        let message = "an amount is above zero";
        problems.push(Problem::new(ProblemCode::AmountBelowMinimum, message));
    }
    if amount.currency.scale() == 3 && amount.amount_minor % 10 != 0 {
        let message = format!("Stripe takes no third decimal of {code} but zero");
        problems.push(Problem::new(ProblemCode::AmountTooFine, message));
    }
}

fn account<'a>(destination: &'a Destination, problems: &mut Vec<Problem>) -> Option<&'a str> {
    let Destination::StripeAccount { account } = destination else {
        let message = "Stripe pays connected accounts";
        problems.push(Problem::new(ProblemCode::DestinationNotCarried, message));
        return None;
    };
    if !super::wire::is_account(account) {
        let message = "a connected account is named acct_ and letters and digits";
        problems.push(Problem::new(ProblemCode::DestinationInvalid, message));
    }
    Some(account)
}
