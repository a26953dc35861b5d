//! What a method says: as it is checked, kept, masked and compared.

use entity::payout_method::PayoutMethodKind as Kind;
use iban::{Iban, IbanLike};
use serde::{Deserialize, Serialize};

use crate::{
    error::Failure, infra::rails::paypal::is_address, money::Currency,
    payouts::methods::error::PayoutMethodErrorCode as Code,
};

type Result<T> = std::result::Result<T, Failure<Code>>;

/// Longest name of a holder, in characters: what payment messages carry.
const MAX_HOLDER_CHARS: usize = 140;
/// The same where the account has an IBAN.
const MAX_IBAN_HOLDER_CHARS: usize = 70;
const INDIAN_HOLDER_CHARS: std::ops::RangeInclusive<usize> = 3..=120;
const ACCOUNT_NUMBER_CHARS: std::ops::RangeInclusive<usize> = 5..=35;
const UPI_CHARS: std::ops::RangeInclusive<usize> = 3..=100;
const STRIPE_CHARS: std::ops::RangeInclusive<usize> = 14..=64;
const ROUTING_CHARS: std::ops::RangeInclusive<usize> = 3..=20;
const MAX_BANK_NAME_CHARS: usize = 100;
/// The longest IBAN of any country is 34 without blanks.
const MAX_IBAN_LEN: usize = 64;
/// Signs at the end of a number that are shown.
const SHOWN: usize = 4;

/// Where money is to go. Sealed as JSON: a name that is once used keeps its meaning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Details {
    IndianBankAccount(IndianAccount),
    Upi { address: String },
    Paypal { email: String },
    Stripe { account: String },
    Iban(IbanAccount),
    OtherBank(BankAccount),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndianAccount {
    pub holder_name: String,
    pub account_number: String,
    pub ifsc: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IbanAccount {
    pub holder_name: String,
    pub iban: String,
    pub bic: Option<String>,
    /// ISO 4217.
    pub currency: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BankAccount {
    pub holder_name: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    pub account_number: String,
    pub routing_code: Option<String>,
    pub bic: Option<String>,
    pub bank_name: String,
    /// ISO 4217.
    pub currency: String,
}

impl Details {
    /// Checked, in the form that is kept.
    pub fn clean(self) -> Result<Self> {
        Ok(match self {
            Self::IndianBankAccount(account) => Self::IndianBankAccount(account.clean()?),
            Self::Upi { address } => Self::Upi {
                address: clean_upi(&address)?,
            },
            Self::Paypal { email } => Self::Paypal {
                email: clean_email(&email)?,
            },
            Self::Stripe { account } => Self::Stripe {
                account: clean_stripe(&account)?,
            },
            Self::Iban(account) => Self::Iban(account.clean()?),
            Self::OtherBank(account) => Self::OtherBank(account.clean()?),
        })
    }

    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::IndianBankAccount(_) => Kind::IndianBankAccount,
            Self::Upi { .. } => Kind::Upi,
            Self::Paypal { .. } => Kind::Paypal,
            Self::Stripe { .. } => Kind::Stripe,
            Self::Iban(_) => Kind::Iban,
            Self::OtherBank(_) => Kind::OtherBank,
        }
    }

    /// The one currency that it is kept in, where its holder names it.
    #[must_use]
    pub fn currency(&self) -> Option<&str> {
        match self {
            Self::Iban(account) => Some(&account.currency),
            Self::OtherBank(account) => Some(&account.currency),
            _ => None,
        }
    }

    /// What may be shown.
    #[must_use]
    pub fn masked(&self) -> String {
        match self {
            Self::IndianBankAccount(account) => {
                let bank: String = account.ifsc.chars().take(SHOWN).collect();
                format!("{bank} {}", last(&account.account_number))
            }
            Self::Upi { address } => mask_address(address),
            Self::Paypal { email } => mask_address(email),
            Self::Stripe { account } => format!("acct_{}", last(account)),
            Self::Iban(account) => {
                let country: String = account.iban.chars().take(2).collect();
                format!("{country}{}", last(&account.iban))
            }
            Self::OtherBank(account) => format!("{} {}", account.bank_name, last(&account.account_number)),
        }
    }

    /// The same for the same account, whoever names it however.
    #[must_use]
    pub fn identity(&self) -> String {
        match self {
            Self::IndianBankAccount(account) => format!("IN:{}:{}", account.ifsc, account.account_number),
            Self::Upi { address } => format!("UPI:{}", address.to_lowercase()),
            Self::Paypal { email } => format!("PAYPAL:{}", email.to_lowercase()),
            Self::Stripe { account } => format!("STRIPE:{account}"),
            Self::Iban(account) => format!("IBAN:{}", account.iban),
            Self::OtherBank(account) => {
                let bank = account.routing_code.as_ref().or(account.bic.as_ref());
                let bank = bank.map_or("", String::as_str);
                format!("BANK:{}:{bank}:{}", account.country, account.account_number)
            }
        }
    }
}

impl IndianAccount {
    fn clean(self) -> Result<Self> {
        const IN: &str = "details.indianBankAccount";
        let holder_name = clean_line(&self.holder_name, *INDIAN_HOLDER_CHARS.end())
            .filter(|name| name.chars().count() >= *INDIAN_HOLDER_CHARS.start())
            .ok_or_else(|| {
                refuse(
                    Code::HolderNameInvalid,
                    &format!("{IN}.holderName"),
                    "the name of an Indian account's holder has 3 to 120 characters on one line",
                )
            })?;
        let ifsc = self.ifsc.trim().to_ascii_uppercase();
        if !is_ifsc(&ifsc) {
            return Err(refuse(
                Code::IfscInvalid,
                &format!("{IN}.ifsc"),
                "an IFSC has four letters, a zero, and six letters or digits, such as \"HDFC0000001\"",
            ));
        }
        Ok(Self {
            holder_name,
            account_number: clean_number(&self.account_number, &format!("{IN}.accountNumber"))?,
            ifsc,
        })
    }
}

impl IbanAccount {
    fn clean(self) -> Result<Self> {
        let iban: Option<Iban> = (self.iban.len() <= MAX_IBAN_LEN)
            .then(|| compact(&self.iban).parse().ok())
            .flatten();
        let iban = iban.ok_or_else(|| {
            refuse(
                Code::IbanInvalid,
                "details.iban.iban",
                "this is not an IBAN: its country, length or check digits are wrong",
            )
        })?;
        Ok(Self {
            holder_name: clean_holder(&self.holder_name, MAX_IBAN_HOLDER_CHARS, "details.iban.holderName")?,
            iban: iban.electronic_str().to_owned(),
            bic: clean_bic(self.bic, "details.iban.bic")?,
            currency: clean_currency(&self.currency, "details.iban.currency")?,
        })
    }
}

impl BankAccount {
    fn clean(self) -> Result<Self> {
        const IN: &str = "details.otherBank";
        let bank_name = clean_line(&self.bank_name, MAX_BANK_NAME_CHARS).ok_or_else(|| {
            refuse(
                Code::BankNameInvalid,
                &format!("{IN}.bankName"),
                "the name of a bank has 1 to 100 characters on one line",
            )
        })?;
        let routing_code = self
            .routing_code
            .map(|code| clean_routing(&code, &format!("{IN}.routingCode")))
            .transpose()?;
        let bic = clean_bic(self.bic, &format!("{IN}.bic"))?;
        if routing_code.is_none() && bic.is_none() {
            return Err(refuse(
                Code::BankNotIdentified,
                IN,
                "a BIC or a routing code has to say which bank it is",
            ));
        }
        Ok(Self {
            holder_name: clean_holder(&self.holder_name, MAX_HOLDER_CHARS, &format!("{IN}.holderName"))?,
            country: self.country,
            account_number: clean_number(&self.account_number, &format!("{IN}.accountNumber"))?,
            routing_code,
            bic,
            bank_name,
            currency: clean_currency(&self.currency, &format!("{IN}.currency"))?,
        })
    }
}

fn refuse(code: Code, field: &str, message: &str) -> Failure<Code> {
    Failure::refused_field(code, field, message)
}

/// Trimmed, on one line, not empty.
fn clean_line(text: &str, max_chars: usize) -> Option<String> {
    let text = text.trim();
    let fits = !text.is_empty() && text.chars().count() <= max_chars && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
}

fn clean_holder(name: &str, max_chars: usize, field: &str) -> Result<String> {
    clean_line(name, max_chars).ok_or_else(|| {
        let message = format!("the name of an account's holder has 1 to {max_chars} characters on one line");
        refuse(Code::HolderNameInvalid, field, &message)
    })
}

/// In capitals, without what people write between groups.
fn compact(text: &str) -> String {
    text.chars()
        .filter(|sign| !matches!(sign, ' ' | '\u{a0}' | '-'))
        .map(|sign| sign.to_ascii_uppercase())
        .collect()
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn clean_number(number: &str, field: &str) -> Result<String> {
    let number = compact(number);
    if ACCOUNT_NUMBER_CHARS.contains(&number.len()) && is_plain(&number) {
        return Ok(number);
    }
    Err(refuse(
        Code::AccountNumberInvalid,
        field,
        "an account number has 5 to 35 letters or digits",
    ))
}

/// The bank's four letters, a zero that is kept for later, and the branch.
fn is_ifsc(code: &str) -> bool {
    code.len() == 11
        && is_plain(code)
        && code.bytes().take(4).all(|byte| byte.is_ascii_uppercase())
        && code.as_bytes()[4] == b'0'
}

/// `name@handle`: letters, digits, dots, hyphens and underscores; the handle has no dot, unlike that of a mail address.
fn clean_upi(address: &str) -> Result<String> {
    let address = address.trim();
    let fits = address.split_once('@').is_some_and(|(name, handle)| {
        let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        !name.is_empty()
            && name.bytes().all(is_sign)
            && handle.starts_with(|c: char| c.is_ascii_alphabetic())
            && is_plain(handle)
    });
    if fits && UPI_CHARS.contains(&address.len()) {
        return Ok(address.to_owned());
    }
    Err(refuse(
        Code::UpiAddressInvalid,
        "details.upi.address",
        "a UPI address has 3 to 100 characters, such as \"maya@okbank\"",
    ))
}

fn clean_email(email: &str) -> Result<String> {
    let email = email.trim();
    if is_address(email) {
        return Ok(email.to_owned());
    }
    Err(refuse(
        Code::EmailInvalid,
        "details.paypal.email",
        "the address of a PayPal account is an e-mail address of at most 127 plain characters",
    ))
}

fn clean_stripe(account: &str) -> Result<String> {
    let account = account.trim();
    let fits = account
        .strip_prefix("acct_")
        .is_some_and(|rest| STRIPE_CHARS.contains(&rest.len()) && is_plain(rest));
    if fits {
        return Ok(account.to_owned());
    }
    Err(refuse(
        Code::StripeAccountInvalid,
        "details.stripe.accountId",
        "the id of a Stripe account is \"acct_\" and 14 to 64 letters or digits",
    ))
}

/// ISO 9362: four signs of the institution, the country, two of the place, and three of the branch or none.
fn clean_bic(bic: Option<String>, field: &str) -> Result<Option<String>> {
    let Some(bic) = bic else {
        return Ok(None);
    };
    let bic = compact(&bic);
    let fits =
        matches!(bic.len(), 8 | 11) && is_plain(&bic) && bic.bytes().take(6).all(|byte| byte.is_ascii_uppercase());
    if fits {
        return Ok(Some(bic));
    }
    Err(refuse(
        Code::BicInvalid,
        field,
        "a BIC has 8 or 11 letters and digits, the first six of them letters",
    ))
}

fn clean_routing(code: &str, field: &str) -> Result<String> {
    let code: String = code.trim().to_ascii_uppercase().replace(' ', "");
    let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if ROUTING_CHARS.contains(&code.len()) && code.bytes().all(is_sign) {
        return Ok(code);
    }
    Err(refuse(
        Code::RoutingCodeInvalid,
        field,
        "a routing code has 3 to 20 letters, digits or hyphens",
    ))
}

fn clean_currency(code: &str, field: &str) -> Result<String> {
    let currency: Currency = code
        .parse()
        .map_err(|error| Failure::refused_field(Code::CurrencyUnknown, field, error))?;
    Ok(currency.code().to_owned())
}

/// The last four signs, and never more than half.
pub(in crate::payouts) fn last(number: &str) -> String {
    let count = number.chars().count();
    let shown: String = number.chars().skip(count - SHOWN.min(count / 2)).collect();
    format!("***{shown}")
}

/// The first sign, and what stands behind the at sign.
fn mask_address(address: &str) -> String {
    let (name, place) = address.rsplit_once('@').unwrap_or((address, ""));
    let first: String = name.chars().take(1).collect();
    format!("{first}***@{place}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn iban(iban: &str) -> Details {
        Details::Iban(IbanAccount {
            holder_name: "Maya Lind".to_owned(),
            iban: iban.to_owned(),
            bic: None,
            currency: "EUR".to_owned(),
        })
    }

    fn code(details: Details) -> &'static str {
        details.clean().unwrap_err().code()
    }

    /// Examples of the IBAN registry.
    const IBANS: [&str; 8] = [
        "DE89 3704 0044 0532 0130 00",
        "GB29 NWBK 6016 1331 9268 19",
        "FR14 2004 1010 0505 0001 3M02 606",
        "NL91 ABNA 0417 1643 00",
        "NO93 8601 1117 947",
        "MT84 MALT 0110 0001 2345 MTLC AST0 01S",
        "CH93 0076 2011 6238 5295 7",
        "AE07 0331 2345 6789 0123 456",
    ];

    #[test]
    fn ibans_of_the_registry_pass_and_one_wrong_sign_does_not() {
        for good in IBANS {
            let Details::Iban(account) = iban(&good.to_lowercase()).clean().unwrap() else {
                panic!("an IBAN");
            };
            assert_eq!(account.iban, good.replace(' ', ""));
            // Misread digits break the checksum.
            let wrong = account.iban.replace('3', "4");
            if wrong != account.iban {
                assert_eq!(code(iban(&wrong)), "IBAN_INVALID", "{wrong}");
            }
            assert_eq!(code(iban(&good[..good.len() - 1])), "IBAN_INVALID");
        }
        for wrong in [
            "",
            "DE",
            "XX89370400440532013000",
            "DE89 3704 0044 0532 0130 0",
            &"DE".repeat(40),
        ] {
            assert_eq!(code(iban(wrong)), "IBAN_INVALID", "{wrong}");
        }
    }

    #[test]
    fn upi_addresses() {
        for good in ["maya@okhdfcbank", "9876543210@ybl", "a.b-c_d@upi", "ab@a1"] {
            assert!(clean_upi(good).is_ok(), "{good}");
        }
        for wrong in [
            "",
            "maya",
            "@upi",
            "maya@",
            "maya@bank.example",
            "ma ya@upi",
            "a@b@c",
            "maya@1up",
            &format!("{}@upi", "x".repeat(97)),
        ] {
            assert!(clean_upi(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn masks_show_the_end_and_never_more_than_half() {
        assert_eq!(last("50100123456789"), "***6789");
        assert_eq!(last("12345"), "***45");
        assert_eq!(mask_address("ada@example.com"), "a***@example.com");
        let masked = |details: Details| details.clean().unwrap().masked();
        assert_eq!(masked(iban(IBANS[0])), "DE***3000");
        let account = "acct_1032D82eZvKYlo2C".to_owned();
        assert_eq!(masked(Details::Stripe { account }), "acct_***lo2C");
    }

    #[test]
    fn one_account_is_one_however_it_is_written() {
        let identity = |details: Details| details.clean().unwrap().identity();
        assert_eq!(identity(iban("de89370400440532013000")), identity(iban(IBANS[0])));
        let email = |text: &str| Details::Paypal { email: text.to_owned() };
        assert_eq!(identity(email("Ada@Example.com")), identity(email(" ada@example.com")));
        assert_ne!(identity(iban(IBANS[0])), identity(iban(IBANS[1])));
    }
}
