//! Rules of accounts. Pure.
//!
//! * [`attempts`], [`pace`] — how often something may be tried; [`code`] — codes that people type;
//! * [`lock`] — who may use which profile.

pub mod attempts;
pub mod code;
pub mod lock;
pub mod pace;

use kinora_api::{AVATARS, ErrorCode, ProfileRequest, Secret};
use kinora_kit::http::problem::Problem;

/// Maximum length of a password in bytes: the time of a hash has to be bounded.
pub const MAX_PASSWORD: usize = 256;

/// What a new account consists of.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// The address to sign in with.
    pub email: String,
    /// The password.
    pub password: Secret,
    /// The name shown in clients.
    pub display_name: String,
    /// How many playbacks may run at the same time.
    pub max_streams: u32,
    /// Names of its profiles with their age limits; at least one.
    pub profiles: Vec<(String, Option<u8>)>,
}

/// Returns the form in which addresses are compared. Only what could never be one is refused: mail decides about the rest.
///
/// # Errors
/// 7013 for what could not be one.
pub fn normal_email(email: &str) -> Result<String, Problem> {
    let email = email.trim().to_lowercase();
    let well_formed = email.len() <= 254
        && email.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
        && !email.chars().any(|c| c.is_control() || c.is_whitespace());
    well_formed.then_some(email).ok_or_else(|| Problem::new(ErrorCode::InvalidRequest, "that is not an e-mail address"))
}

/// Refuses what cannot be a password.
///
/// # Errors
/// 7013 when it is empty or longer than 256 bytes.
pub fn check_password(password: &Secret) -> Result<(), Problem> {
    match password.expose().len() {
        1..=MAX_PASSWORD => Ok(()),
        _ => Err(Problem::new(ErrorCode::InvalidRequest, "a password has 1 to 256 bytes")),
    }
}

/// Maximum number of profiles of an account.
pub const MAX_PROFILES: usize = 5;

fn refused(message: &str) -> Problem {
    Problem::new(ErrorCode::InvalidRequest, message)
}

/// Returns the form in which an address is compared, if a mail can be sent to it as it is: without characters that mean something
/// in a header (RFC 5322 §3.2.3).
///
/// # Errors
/// 7013 for any other.
pub fn mailable(email: &str) -> Result<String, Problem> {
    let email = normal_email(email)?;
    match email.contains(['(', ')', '<', '>', '[', ']', ':', ';', ',', '\\', '"']) {
        true => Err(refused("that is not an e-mail address")),
        false => Ok(email),
    }
}

/// Returns a name as it is kept.
///
/// # Errors
/// 7013 unless it has 1 to 40 characters.
pub fn check_name(name: &str) -> Result<String, Problem> {
    let name = name.trim();
    let fits = (1..=40).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    fits.then(|| name.to_owned()).ok_or_else(|| refused("a name has 1 to 40 characters"))
}

/// Returns the settings of a profile as they are kept.
///
/// # Errors
/// 7013 when one is out of its range.
pub fn check_profile(request: &ProfileRequest) -> Result<ProfileRequest, Problem> {
    let name = check_name(&request.name)?;
    if request.max_age.is_some_and(|age| age > 21) {
        return Err(refused("an age limit is 0 to 21"));
    }
    if request.avatar.as_deref().is_some_and(|avatar| !AVATARS.contains(&avatar)) {
        return Err(refused("there is no such avatar"));
    }
    let is_tag = |tag: &str| {
        (2..=35).contains(&tag.len())
            && tag
                .split('-')
                .all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
    };
    if request.language.as_deref().is_some_and(|tag| !is_tag(tag)) {
        return Err(refused("a language is a BCP 47 tag"));
    }
    Ok(ProfileRequest { name, authority: None, ..request.clone() })
}

/// Refuses what cannot be a PIN.
///
/// # Errors
/// 7013 unless it has 4 to 8 digits.
pub fn check_pin(pin: &Secret) -> Result<(), Problem> {
    let pin = pin.expose();
    let is_pin = (4..=8).contains(&pin.len()) && pin.bytes().all(|byte| byte.is_ascii_digit());
    is_pin.then_some(()).ok_or_else(|| refused("a PIN has 4 to 8 digits"))
}
