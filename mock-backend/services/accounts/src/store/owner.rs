//! The account itself: made by a code, its password and address changed, erased.

use kinora_api::ErrorCode;
use kinora_api::events::AccountChange;
use kinora_kit::http::problem::Problem;
use kinora_store::{Connection, Outcome, Store, problem, query};

use super::codes::{self, Purpose};
use super::{changes, insert_or_update, profiles, sign_ins};
use crate::domain::NewAccount;
use crate::domain::attempts::Subject;

/// Makes the account that a code was mailed for, and returns its id.
///
/// # Errors
/// 7022 when the code was used meanwhile, or the address has an account by now.
pub async fn register(
    store: &Store,
    new: NewAccount,
    (password_hash, code_hash): (String, String),
    now_ms: i64,
) -> Result<String, Problem> {
    store
        .write((new, password_hash, code_hash, now_ms), |connection, (new, password_hash, code_hash, now_ms)| {
            Box::pin(async move {
                let taken = id_of(connection, &new.email).await?.is_some();
                if !codes::consume(connection, Purpose::Register, &new.email, code_hash).await? || taken {
                    return Err(codes::invalid().into());
                }
                insert_or_update(connection, new, password_hash, *now_ms).await?;
                let id = id_of(connection, &new.email).await?.ok_or_else(codes::invalid)?;
                changes::log(connection, (&id, None), AccountChange::Registered, *now_ms).await?;
                Ok(id)
            })
        })
        .await
}

async fn id_of(connection: &mut Connection, email: &str) -> Outcome<Option<String>> {
    Ok(query("SELECT id FROM accounts WHERE email = $1").bind(email).scalar(connection).await?)
}

/// Returns the hashes of an account's password and PIN, and its address.
///
/// # Errors
/// 7003 when it is gone.
pub async fn secrets(store: &Store, account: &str) -> Result<(String, Option<String>, String), Problem> {
    let row = query("SELECT password_hash, pin_hash, email FROM accounts WHERE id = $1")
        .bind(account)
        .row(store.reads())
        .await
        .map_err(problem)?;
    row.ok_or_else(|| Problem::new(ErrorCode::SignInRevoked, "the account has been closed"))
}

/// Sets the password and ends all sign-ins but `kept`.
///
/// # Errors
/// Of the database.
pub async fn set_password(
    store: &Store,
    account: &str,
    password_hash: String,
    kept: Option<String>,
    now_ms: i64,
) -> Result<(), Problem> {
    let state = (account.to_owned(), password_hash, kept, now_ms);
    store
        .write(state, |connection, (account, password_hash, kept, now_ms)| {
            Box::pin(
                async move { replace_password(connection, account, password_hash, kept.as_deref(), *now_ms).await },
            )
        })
        .await
}

async fn replace_password(
    connection: &mut Connection,
    account: &str,
    password_hash: &str,
    kept: Option<&str>,
    now_ms: i64,
) -> Outcome<()> {
    query("UPDATE accounts SET password_hash = $1 WHERE id = $2")
        .bind(password_hash)
        .bind(account)
        .execute(&mut *connection)
        .await?;
    // Whoever had the old password may have allowed a device meanwhile.
    query("DELETE FROM device_codes WHERE account_id = $1").bind(account).execute(&mut *connection).await?;
    changes::log(connection, (account, None), AccountChange::Password, now_ms).await?;
    Ok(sign_ins::end_all(connection, account, kept, now_ms).await?)
}

/// Sets the password by a code, and ends all sign-ins.
///
/// # Errors
/// 7022 when the code was used meanwhile.
pub async fn reset_password(
    store: &Store,
    email: &str,
    (password_hash, code_hash): (String, String),
    now_ms: i64,
) -> Result<(), Problem> {
    let state = (email.to_owned(), password_hash, code_hash, now_ms);
    store
        .write(state, |connection, (email, password_hash, code_hash, now_ms)| {
            Box::pin(async move {
                let account = id_of(connection, email).await?;
                let is_good = codes::consume(connection, Purpose::Reset, email, code_hash).await?;
                let Some(account) = account.filter(|_| is_good) else { return Err(codes::invalid().into()) };
                replace_password(connection, &account, password_hash, None, *now_ms).await
            })
        })
        .await
}

/// Sets the address by a code, and returns the one until then.
///
/// # Errors
/// 7022 when the code was used meanwhile, or the address has an account by now.
pub async fn set_email(
    store: &Store,
    account: &str,
    (email, code_hash): (String, String),
    now_ms: i64,
) -> Result<String, Problem> {
    store
        .write((account.to_owned(), email, code_hash, now_ms), |connection, (account, email, code_hash, now_ms)| {
            Box::pin(async move {
                let is_good = codes::consume(connection, Purpose::Email, account, code_hash).await?;
                if !is_good || id_of(connection, email).await?.is_some() {
                    return Err(codes::invalid().into());
                }
                let old: Option<String> =
                    query("SELECT email FROM accounts WHERE id = $1").bind(account).scalar(&mut *connection).await?;
                query("UPDATE accounts SET email = $1 WHERE id = $2")
                    .bind(email)
                    .bind(account)
                    .execute(&mut *connection)
                    .await?;
                // A code that was mailed to the address of before must not set the password of the account any more.
                query("DELETE FROM mailed_codes WHERE purpose = 'reset' AND subject = $1")
                    .bind(old.clone())
                    .execute(&mut *connection)
                    .await?;
                query(
                    "INSERT INTO earlier_addresses (account_id, email) VALUES ($1, $2)
                     ON CONFLICT (account_id, email) DO NOTHING",
                )
                .bind(account)
                .bind(old.clone())
                .execute(&mut *connection)
                .await?;
                changes::log(connection, (account, None), AccountChange::Address, *now_ms).await?;
                old.ok_or_else(|| codes::invalid().into())
            })
        })
        .await
}

/// Erases an account with all that is known of it here, and reports its profiles and sign-ins to those who have something of them.
///
/// # Errors
/// Of the database.
pub async fn erase(store: &Store, account: &str, email: &str, now_ms: i64) -> Result<(), Problem> {
    store
        .write((account.to_owned(), email.to_owned(), now_ms), |connection, (account, email, now_ms)| {
            Box::pin(async move {
                sign_ins::end_all(connection, account, None, *now_ms).await?;
                let ids: Vec<String> = query("SELECT id FROM profiles WHERE account_id = $1")
                    .bind(account)
                    .scalars(&mut *connection)
                    .await?;
                for profile in &ids {
                    changes::forget(connection, (account, Some(profile)), *now_ms).await?;
                }
                changes::forget(connection, (account, None), *now_ms).await?;
                profiles::report(connection, ids.into_iter().map(Into::into).collect(), true, *now_ms).await?;
                for sql in [
                    "DELETE FROM mailed_codes WHERE subject = $1 OR subject = $2",
                    "DELETE FROM mailed_codes WHERE purpose = 'email' AND (subject = $2 OR detail = $1)",
                ] {
                    query(sql).bind(email).bind(account).execute(&mut *connection).await?;
                }
                for kind in ["mail", "code"] {
                    super::paces::forget_in(connection, &Subject::new(kind, &[email])).await?;
                }
                // Profiles, sign-ins, tokens and codes of devices go with it.
                query("DELETE FROM accounts WHERE id = $1").bind(account).execute(connection).await?;
                Ok(())
            })
        })
        .await
}
