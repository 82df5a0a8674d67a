//! Passwords: Argon2id (RFC 9106) with the parameters that OWASP recommends (19 MiB, two passes), off the async threads.

use std::sync::{Arc, LazyLock};

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use kinora_api::Secret;
use tokio::sync::Semaphore;

use crate::http::problem::Problem;

/// The longest password in bytes: what is hashed has to be bounded.
pub const MAX_PASSWORD: usize = 256;

/// Hashes that are computed at the same time; each takes 19 MiB and a core.
static PLACES: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(2)));

/// What an account that does not exist is compared with, so that its absence cannot be told from the time of the answer.
static NOBODY: LazyLock<Option<String>> = LazyLock::new(|| hash_now("nobody has this password").ok());

/// The PHC string of a password, with a salt of its own.
///
/// # Errors
/// When the system has no randomness to give.
pub async fn hash(password: &Secret) -> Result<String, Problem> {
    let password = password.clone();
    in_turn(move || hash_now(password.expose())).await?
}

/// Whether `password` is the one of `stored`; `None` stands for an account that does not exist, takes as long, and is never it.
///
/// # Errors
/// When the work could not be done.
pub async fn verify(password: &Secret, stored: Option<String>) -> Result<bool, Problem> {
    if password.expose().len() > MAX_PASSWORD {
        return Ok(false);
    }
    let password = password.clone();
    in_turn(move || {
        let exists = stored.is_some();
        let Some(against) = stored.or_else(|| NOBODY.clone()) else {
            return false;
        };
        let matches = PasswordHash::new(&against)
            .is_ok_and(|hash| Argon2::default().verify_password(password.expose().as_bytes(), &hash).is_ok());
        exists && matches
    })
    .await
}

fn hash_now(password: &str) -> Result<String, Problem> {
    Argon2::default()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| Problem::internal(&error))
}

async fn in_turn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    let place = Arc::clone(&PLACES).acquire_owned().await.map_err(|error| Problem::internal(&error))?;
    tokio::task::spawn_blocking(move || {
        let result = work();
        drop(place);
        result
    })
    .await
    .map_err(|error| Problem::internal(&error))
}

#[cfg(test)]
mod tests {
    use super::{hash, verify};

    #[tokio::test]
    async fn only_the_password_opens() {
        let stored = hash(&"correct horse".into()).await.expect("hashed");
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(verify(&"correct horse".into(), Some(stored.clone())).await.expect("verified"));
        assert!(!verify(&"wrong horse".into(), Some(stored.clone())).await.expect("verified"));
        assert!(!verify(&"nobody has this password".into(), None).await.expect("verified"));
        assert!(!verify(&"x".repeat(1000).into(), Some(stored)).await.expect("verified"));
    }
}
