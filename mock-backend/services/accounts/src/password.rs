//! Passwords: Argon2id (RFC 9106) with the parameters that OWASP recommends (19 MiB, two passes).
//!
//! One thread of low priority computes all hashes in one block of memory, which it allocates once. A crowd of sign-ins therefore
//! waits for itself: it takes neither the processors from playback nor more memory. The queue is bounded; beyond it the service
//! answers 429.

use std::panic::{AssertUnwindSafe, catch_unwind};

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use kinora_api::{ErrorCode, Secret};
use tokio::sync::{mpsc, oneshot};

use super::domain::MAX_PASSWORD;
use kinora_kit::http::problem::Problem;
use kinora_kit::keyfile;

/// Maximum number of passwords that wait to be hashed.
const QUEUE: usize = 64;
/// Steps by which the thread's priority is lowered (`nice`).
const NICENESS: i32 = 10;
/// Maximum memory of a stored hash in KiB, so that a damaged row cannot claim all of it.
const MAX_MEMORY_KIB: u32 = 256 * 1024;

enum Task {
    Hash { password: Secret, reply: oneshot::Sender<Result<String, Problem>> },
    Verify { password: Secret, stored: Option<String>, reply: oneshot::Sender<bool> },
}

/// The thread that hashes passwords. Cloning is cheap; the thread ends when the last clone is gone.
#[derive(Clone, Debug)]
pub struct Passwords {
    tasks: mpsc::Sender<Task>,
}

impl Passwords {
    /// Starts the thread.
    ///
    /// # Errors
    /// Of the system, if it gives no thread.
    pub fn start() -> std::io::Result<Self> {
        let (tasks, mut receiver) = mpsc::channel(QUEUE);
        std::thread::Builder::new().name("argon2".to_owned()).spawn(move || {
            // On Linux this is the priority of the calling thread alone.
            if let Err(error) = rustix::process::nice(NICENESS) {
                tracing::warn!(%error, "passwords are hashed at normal priority");
            }
            let mut memory = Vec::new();
            while let Some(task) = receiver.blocking_recv() {
                if catch_unwind(AssertUnwindSafe(|| work(task, &mut memory))).is_err() {
                    tracing::error!("hashing a password panicked");
                }
            }
        })?;
        Ok(Self { tasks })
    }

    /// Returns the PHC string of a password, with a salt of its own.
    ///
    /// # Errors
    /// 7004 when too many wait; when the system has no randomness to give.
    pub async fn hash(&self, password: &Secret) -> Result<String, Problem> {
        let (reply, wait) = oneshot::channel();
        self.queue(Task::Hash { password: password.clone(), reply })?;
        wait.await.map_err(|error| Problem::internal(&error))?
    }

    /// Returns true if `password` is the one of `stored`. `None` stands for an account that does not exist: it takes as long and
    /// is always false.
    ///
    /// # Errors
    /// 7004 when too many wait.
    pub async fn verify(&self, password: &Secret, stored: Option<String>) -> Result<bool, Problem> {
        if password.expose().len() > MAX_PASSWORD {
            return Ok(false);
        }
        let (reply, wait) = oneshot::channel();
        self.queue(Task::Verify { password: password.clone(), stored, reply })?;
        wait.await.map_err(|error| Problem::internal(&error))
    }

    fn queue(&self, task: Task) -> Result<(), Problem> {
        self.tasks.try_send(task).map_err(|_| {
            Problem::new(ErrorCode::TooManyAttempts, "too many people sign in at the moment").with_retry_after_ms(1_000)
        })
    }
}

fn work(task: Task, memory: &mut Vec<Block>) {
    // Whoever asked may have hung up, and then nothing needs to be computed.
    match task {
        Task::Hash { reply, .. } if reply.is_closed() => {}
        Task::Verify { reply, .. } if reply.is_closed() => {}
        Task::Hash { password, reply } => {
            let _ = reply.send(hash_now(password.expose(), memory));
        }
        Task::Verify { password, stored, reply } => {
            let _ = reply.send(matches(password.expose(), stored.as_deref(), memory));
        }
    }
}

fn hash_now(password: &str, memory: &mut Vec<Block>) -> Result<String, Problem> {
    let salt = keyfile::random::<{ Salt::RECOMMENDED_LENGTH }>().map_err(|error| Problem::internal(&error))?;
    let params = Params::default();
    let mut out = [0_u8; Params::DEFAULT_OUTPUT_LEN];
    compute(&params, Version::default(), password, &salt, &mut out, memory)
        .map_err(|error| Problem::internal(&error))?;
    let hash = PasswordHash {
        algorithm: ARGON2ID_IDENT,
        version: Some(Version::default().into()),
        params: ParamsString::try_from(&params).map_err(|error| Problem::internal(&error))?,
        salt: Some(Salt::new(&salt).map_err(|error| Problem::internal(&error))?),
        hash: Some(Output::new(&out).map_err(|error| Problem::internal(&error))?),
    };
    Ok(hash.to_string())
}

/// Compares a password with a stored hash. Without one, or with one that cannot be read, the same work is done for nothing.
fn matches(password: &str, stored: Option<&str>, memory: &mut Vec<Block>) -> bool {
    let parsed = stored.and_then(read);
    let exists = parsed.is_some();
    let (params, version, salt, expected) =
        parsed.unwrap_or_else(|| (Params::default(), Version::default(), vec![0; 16], vec![0; 32]));
    let mut out = vec![0_u8; expected.len()];
    match compute(&params, version, password, &salt, &mut out, memory) {
        Ok(()) => exists && verify_slices_are_equal(&out, &expected).is_ok(),
        Err(error) => {
            tracing::error!(%error, "a stored password hash cannot be compared with");
            false
        }
    }
}

/// Parameters, version, salt and hash of a PHC string.
fn read(stored: &str) -> Option<(Params, Version, Vec<u8>, Vec<u8>)> {
    let hash = PasswordHash::new(stored).ok().filter(|hash| hash.algorithm == ARGON2ID_IDENT)?;
    let params = Params::try_from(&hash).ok().filter(|params| params.m_cost() <= MAX_MEMORY_KIB)?;
    let version = hash.version.map_or(Ok(Version::default()), Version::try_from).ok()?;
    Some((params, version, hash.salt?.as_ref().to_vec(), hash.hash?.as_bytes().to_vec()))
}

fn compute(
    params: &Params,
    version: Version,
    password: &str,
    salt: &[u8],
    out: &mut [u8],
    memory: &mut Vec<Block>,
) -> Result<(), argon2::Error> {
    let blocks = params.block_count();
    if memory.len() < blocks {
        memory.resize(blocks, Block::default());
    }
    Argon2::new(Algorithm::Argon2id, version, params.clone()).hash_password_into_with_memory(
        password.as_bytes(),
        salt,
        out,
        &mut memory[..blocks],
    )
}

#[cfg(test)]
mod tests {
    use super::{Passwords, QUEUE};
    use futures_util::future::join_all;
    use kinora_api::{ErrorCode, Secret};

    #[tokio::test]
    async fn only_the_password_opens() {
        let passwords = Passwords::start().expect("a thread");
        let stored = passwords.hash(&"correct horse".into()).await.expect("hashed");
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        let verify = async |password: &Secret, stored: Option<String>| {
            passwords.verify(password, stored).await.expect("compared")
        };
        assert!(verify(&"correct horse".into(), Some(stored.clone())).await);
        assert!(!verify(&"wrong horse".into(), Some(stored.clone())).await);
        assert!(!verify(&"correct horse".into(), None).await);
        assert!(!verify(&"correct horse".into(), Some("damaged".to_owned())).await);
        assert!(!verify(&"x".repeat(1000).into(), Some(stored)).await);
    }

    #[tokio::test]
    async fn hashes_of_other_parameters_and_other_programs_are_compared() {
        let passwords = Passwords::start().expect("a thread");
        // Test vector of the reference implementation (phc-winner-argon2, src/test.c).
        let stored = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        assert!(passwords.verify(&"password".into(), Some(stored.to_owned())).await.expect("compared"));
        assert!(!passwords.verify(&"passwore".into(), Some(stored.to_owned())).await.expect("compared"));
    }

    #[tokio::test]
    async fn a_crowd_beyond_the_queue_is_refused_and_the_rest_served() {
        let passwords = Passwords::start().expect("a thread");
        let password = Secret::new("x");
        let tries = (0..QUEUE * 2).map(|_| passwords.verify(&password, None));
        let results = join_all(tries).await;
        let refused = results.iter().filter_map(|result| result.as_ref().err());
        assert!(refused.clone().all(|problem| problem.error().kind() == Some(ErrorCode::TooManyAttempts)));
        // The queue and what the thread took meanwhile.
        let served = results.iter().filter(|result| result.is_ok()).count();
        assert!((QUEUE..QUEUE * 2).contains(&served), "{served} served");
        assert_eq!(refused.count() + served, QUEUE * 2);
        assert!(!passwords.verify(&password, None).await.expect("the queue is empty again"));
    }
}
