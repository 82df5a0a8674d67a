//! Rules of accounts: addresses, passwords, and (in [`attempts`]) how often a sign-in may be tried. Pure.

pub mod attempts;

use kinora_api::{ErrorCode, Secret};
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
