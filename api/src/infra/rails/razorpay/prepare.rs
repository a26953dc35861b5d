//! An instruction as a composite payout.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{
    BankMode, LowBalance, Settings,
    wire::{MAX_IMPS_PAISE, MAX_UPI_PAISE, MIN_PAISE, RTGS_ABOVE_PAISE},
};
use crate::{
    infra::rails::{
        Destination, Instruction, Prepared, Problem, ProblemCode, RailKind, Rejected, Request, instruction,
        transport::json_text,
    },
    money::Money,
};

/// A contact's name is shorter than an account's.
const MAX_CONTACT_CHARS: usize = 50;
const MAX_NAME_CHARS: usize = 120;
const MIN_NAME_CHARS: usize = 3;
const RUPEES: &str = "INR";

#[derive(Serialize)]
struct Body<'a> {
    account_number: &'a str,
    amount: i64,
    currency: &'static str,
    mode: &'static str,
    purpose: &'static str,
    fund_account: FundAccount<'a>,
    queue_if_low_balance: bool,
    reference_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    narration: &'a str,
}

#[derive(Serialize)]
struct FundAccount<'a> {
    account_type: &'static str,
    #[serde(flatten)]
    account: Account<'a>,
    contact: Contact,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Account<'a> {
    BankAccount {
        name: &'a str,
        ifsc: &'a str,
        account_number: &'a str,
    },
    Vpa {
        address: &'a str,
    },
}

#[derive(Serialize)]
struct Contact {
    name: String,
}

pub(super) fn prepare(settings: &Settings, instructions: &[Instruction]) -> Prepared {
    let mut prepared = Prepared::default();
    let mut seen = BTreeSet::new();
    for instruction in instructions {
        let key = instruction.key();
        let mut problems = Vec::new();
        instruction::check_key(instruction, &mut seen, &mut problems);
        instruction::check_narration(RailKind::Razorpayx, &instruction.narration, &mut problems);
        let is_upi = matches!(instruction.destination, Destination::Upi { .. });
        check_amount(instruction.amount, is_upi, &mut problems);
        let fund_account = fund_account(&instruction.destination, &mut problems);
        match fund_account {
            Some(fund_account) if problems.is_empty() => {
                let body = Body {
                    account_number: &settings.account_number,
                    amount: instruction.amount.amount_minor,
                    currency: RUPEES,
                    mode: mode(settings.bank_mode, instruction),
                    purpose: "payout",
                    fund_account,
                    queue_if_low_balance: settings.low_balance == LowBalance::Queue,
                    reference_id: &key,
                    narration: &instruction.narration,
                };
                prepared.requests.push(Request {
                    rail: RailKind::Razorpayx,
                    body: json_text(&body),
                    items: vec![key.clone()],
                    key,
                });
            }
            _ => prepared.rejected.push(Rejected { key, problems }),
        }
    }
    prepared
}

fn mode(bank_mode: BankMode, instruction: &Instruction) -> &'static str {
    match (&instruction.destination, bank_mode) {
        (Destination::Upi { .. }, _) => "UPI",
        (_, BankMode::Neft) => "NEFT",
        (_, BankMode::Immediate) if instruction.amount.amount_minor <= MAX_IMPS_PAISE => "IMPS",
        (_, BankMode::Immediate) => "RTGS",
    }
}

// What is too much for IMPS is enough for RTGS.
const _: () = assert!(MAX_IMPS_PAISE >= RTGS_ABOVE_PAISE);

/// What RazorpayX does not carry of an amount.
pub(super) fn check_amount(amount: Money, is_upi: bool, problems: &mut Vec<Problem>) {
    if amount.currency.code() != RUPEES {
        let message = format!("RazorpayX pays rupees, not {}", amount.currency);
        problems.push(Problem::new(ProblemCode::CurrencyNotCarried, message));
        return;
    }
    if amount.amount_minor < MIN_PAISE {
        let message = format!("RazorpayX pays {} or more", Money::new(MIN_PAISE, amount.currency));
        problems.push(Problem::new(ProblemCode::AmountBelowMinimum, message));
    }
    if is_upi && amount.amount_minor > MAX_UPI_PAISE {
        let message = format!("UPI carries at most {}", Money::new(MAX_UPI_PAISE, amount.currency));
        problems.push(Problem::new(ProblemCode::AmountAboveMaximum, message));
    }
}

fn fund_account<'a>(destination: &'a Destination, problems: &mut Vec<Problem>) -> Option<FundAccount<'a>> {
    let (name, account_type, account) = match destination {
        Destination::IndianBank {
            name,
            ifsc,
            account_number,
        } => {
            if !is_ifsc(ifsc) {
                let message = "an IFSC is four letters, a zero and six letters or digits";
                problems.push(Problem::new(ProblemCode::DestinationInvalid, message));
            }
            let is_plain = account_number.bytes().all(|byte| byte.is_ascii_alphanumeric());
            if !is_plain || !(5..=35).contains(&account_number.len()) {
                let message = "an account number is 5 to 35 letters and digits";
                problems.push(Problem::new(ProblemCode::DestinationInvalid, message));
            }
            let account = Account::BankAccount {
                name,
                ifsc,
                account_number,
            };
            (name, "bank_account", account)
        }
        Destination::Upi { name, address } => {
            if !is_upi(address) {
                let message = "an UPI address is a name, an at sign and a provider, of 3 to 100 characters";
                problems.push(Problem::new(ProblemCode::DestinationInvalid, message));
            }
            (name, "vpa", Account::Vpa { address })
        }
        Destination::PayPal { .. } | Destination::StripeAccount { .. } => {
            let message = "RazorpayX pays Indian bank accounts and UPI addresses";
            problems.push(Problem::new(ProblemCode::DestinationNotCarried, message));
            return None;
        }
    };
    let chars = name.trim().chars().count();
    if chars != name.chars().count() || !(MIN_NAME_CHARS..=MAX_NAME_CHARS).contains(&chars) {
        let message = format!("a name is {MIN_NAME_CHARS} to {MAX_NAME_CHARS} characters, without spaces around it");
        problems.push(Problem::new(ProblemCode::NameInvalid, message));
    }
    let contact: String = name.chars().take(MAX_CONTACT_CHARS).collect();
    Some(FundAccount {
        account_type,
        account,
        contact: Contact {
            name: contact.trim_end().to_owned(),
        },
    })
}

/// Four letters, a zero, six letters or digits.
fn is_ifsc(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 11
        && bytes[..4].iter().all(u8::is_ascii_uppercase)
        && bytes[4] == b'0'
        && bytes[5..]
            .iter()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

fn is_upi(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    (3..=100).contains(&text.len())
        && text.split_once('@').is_some_and(|(name, provider)| {
            !name.is_empty() && name.bytes().all(allowed) && !provider.is_empty() && provider.bytes().all(allowed)
        })
}
