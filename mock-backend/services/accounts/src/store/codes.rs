//! Codes that were mailed: one for each purpose and subject, short-lived, good for a few guesses.

use kinora_api::ErrorCode;
use kinora_kit::http::problem::Problem;
use kinora_store::{Connection, Error, Store, problem, query};

/// Time for which a code works, in milliseconds.
pub const LIFETIME_MS: i64 = 15 * 60_000;
/// Guesses that a code allows.
const MAX_GUESSES: i64 = 5;

/// Purpose of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A new account; the subject is its address.
    Register,
    /// Another password; the subject is the address.
    Reset,
    /// Another address; the subject is the account.
    Email,
    /// A sign-in at risk; the subject is the address.
    StepUp,
}

impl Purpose {
    /// Name in the store.
    pub fn name(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Reset => "reset",
            Self::Email => "email",
            Self::StepUp => "step_up",
        }
    }
}

/// Returns the refusal of a code, whatever is wrong with it.
pub fn invalid() -> Problem {
    Problem::new(ErrorCode::CodeInvalid, "the code is wrong or past its time: ask for another one")
}

/// Keeps a code in the place of an earlier one. `detail` is what is done when it comes back, as JSON.
///
/// # Errors
/// Of the database.
pub async fn put(
    store: &Store,
    (purpose, subject): (Purpose, &str),
    code_hash: String,
    detail: String,
    now_ms: i64,
) -> Result<(), Problem> {
    let state = (purpose, subject.to_owned(), code_hash, detail, now_ms + LIFETIME_MS);
    store
        .write(state, |connection, (purpose, subject, code_hash, detail, expires_at)| {
            Box::pin(async move {
                query(
                    "INSERT INTO mailed_codes (purpose, subject, code_hash, expires_at, failures, detail)
                     VALUES ($1, $2, $3, $4, 0, $5) ON CONFLICT (purpose, subject) DO UPDATE SET
                     code_hash = excluded.code_hash, expires_at = excluded.expires_at, failures = 0, detail = excluded.detail",
                )
                .bind(purpose.name())
                .bind(subject)
                .bind(code_hash)
                .bind(*expires_at)
                .bind(detail)
                .execute(connection)
                .await?;
                Ok(())
            })
        })
        .await
}

/// Takes a guess at a code before it is compared, and returns its hash and detail. `None`: there is no code to guess at.
///
/// # Errors
/// Of the database.
pub async fn guess(
    store: &Store,
    purpose: Purpose,
    subject: &str,
    now_ms: i64,
) -> Result<Option<(String, String)>, Problem> {
    store
        .write((purpose, subject.to_owned(), now_ms), |connection, (purpose, subject, now_ms)| {
            Box::pin(async move {
                let row = query(
                    "UPDATE mailed_codes SET failures = failures + 1
                     WHERE purpose = $1 AND subject = $2 AND expires_at > $3 AND failures < $4
                     RETURNING code_hash, detail",
                )
                .bind(purpose.name())
                .bind(subject)
                .bind(*now_ms)
                .bind(MAX_GUESSES)
                .row(connection)
                .await?;
                Ok(row)
            })
        })
        .await
}

/// Deletes a code that was right, as a part of the transaction of what it was for. Returns false if another request did so before,
/// or a later code took its place.
///
/// # Errors
/// Of the database.
pub async fn consume(
    connection: &mut Connection,
    purpose: Purpose,
    subject: &str,
    code_hash: &str,
) -> Result<bool, Error> {
    let deleted = query("DELETE FROM mailed_codes WHERE purpose = $1 AND subject = $2 AND code_hash = $3")
        .bind(purpose.name())
        .bind(subject)
        .bind(code_hash)
        .execute(connection)
        .await?;
    Ok(deleted == 1)
}

/// Deletes a code that was right. Returns false if another request did so before, or a later code took its place.
///
/// # Errors
/// Of the database.
pub async fn spend(store: &Store, (purpose, subject): (Purpose, &str), code_hash: &str) -> Result<bool, Problem> {
    let state = (purpose, subject.to_owned(), code_hash.to_owned());
    store
        .write(state, |connection, (purpose, subject, code_hash)| {
            Box::pin(async move { Ok(consume(connection, *purpose, subject, code_hash).await?) })
        })
        .await
}

/// Returns the addresses beside its own to which mails of an account went: that of a change under way, and those that it had. None
/// that another account has now.
///
/// # Errors
/// Of the database.
pub async fn addresses(store: &Store, account: &str) -> Result<Vec<String>, Problem> {
    query(
        "SELECT email FROM (SELECT detail AS email FROM mailed_codes WHERE purpose = 'email' AND subject = $1
                            UNION SELECT email FROM earlier_addresses WHERE account_id = $1) AS mailed
         WHERE email NOT IN (SELECT email FROM accounts WHERE id <> $1)",
    )
    .bind(account)
    .scalars(store.reads())
    .await
    .map_err(problem)
}
