//! Chains of refresh tokens: one for each sign-in, each token good for one use (RFC 9700 §4.14.2). A change that concerns what a
//! sign-in plays is written to the outbox with it.

use std::net::IpAddr;

use kinora_api::events::{AccountChange, LoggedEvent, ViewerEvent};
use kinora_api::internal::SignInChange;
use kinora_api::{Device, DeviceInfo, ErrorCode};
use kinora_kit::http::problem::Problem;
use kinora_store::{Connection, Error, Outcome, Store, events, outbox, problem, query};

use super::changes;

/// Topic of changes of sign-ins in the outbox.
pub const TOPIC: &str = "sign_in";

/// Family, account, its address, device, expiry, first use, revocation.
type TokenRow = (String, String, String, String, i64, Option<i64>, Option<i64>);

/// Sign-in whose refresh token was traded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// Account.
    pub account: String,
    /// Address of the account.
    pub email: String,
    /// Chain of tokens.
    pub family: String,
    /// Device.
    pub device: String,
}

/// A refresh token as it is stored.
#[derive(Clone, Debug)]
pub struct StoredToken {
    /// Digest of the token.
    pub digest: String,
    /// Expiry, milliseconds since the Unix epoch.
    pub expires_at: i64,
}

/// Begins a chain for an account on a device. Chains that the same device had before are revoked; what it plays goes on under the
/// new one.
///
/// # Errors
/// Of the database.
pub async fn begin(
    store: &Store,
    (family, account): (&str, &str),
    (device, peer): (&DeviceInfo, Option<IpAddr>),
    token: StoredToken,
    now_ms: i64,
) -> Result<(), Problem> {
    let state = (family.to_owned(), account.to_owned(), (device.clone(), peer), token, now_ms);
    store
        .write(state, |connection, (family, account, (device, peer), token, now_ms)| {
            Box::pin(async move {
                replace_chains(connection, (family, account), device, *now_ms).await?;
                insert_chain(connection, (family, account), device, *now_ms).await?;
                let event = signed_in(account, (device.id.as_str(), *peer, true), *now_ms);
                events::log(connection, &event).await?;
                Ok(insert_token(connection, family, token, *now_ms).await?)
            })
        })
        .await
}

fn signed_in(account: &str, (device, peer, accepted): (&str, Option<IpAddr>, bool), at: i64) -> LoggedEvent {
    let device = Some(device.to_owned()).filter(|device| !device.is_empty());
    let event = ViewerEvent::SignIn { device, address: peer.map(|peer| peer.to_string()), accepted };
    LoggedEvent { account: Some(account.to_owned()), profile: None, at, event }
}

/// Logs a sign-in to the account of an address that was refused. Does nothing if there is no such account.
///
/// # Errors
/// Of the database.
pub async fn log_refusal(
    store: &Store,
    (email, device, peer): (String, String, Option<IpAddr>),
    now_ms: i64,
) -> Result<(), Problem> {
    let Some((account, _)) = super::credentials(store, &email).await? else { return Ok(()) };
    store
        .write(signed_in(&account, (&device, peer, false), now_ms), |connection, event| {
            Box::pin(async move {
                // It may have been erased meanwhile.
                if super::is_there(connection, event.account.as_deref()).await? {
                    events::log(connection, event).await?;
                }
                Ok(())
            })
        })
        .await
}

/// Trades a refresh token for another one and returns its sign-in. A token that was used before revokes its whole chain:
/// either its thief or its owner comes second, and the chain cannot tell them apart.
///
/// # Errors
/// 7003 when the token is unknown, used, revoked or past its time.
pub async fn rotate(store: &Store, used: String, token: StoredToken, now_ms: i64) -> Result<Rotated, Problem> {
    // The inner result is committed either way: a refusal may have revoked the chain.
    store
        .write((used, token, now_ms), |connection, (used, token, now_ms)| {
            Box::pin(async move {
                let found = use_token(connection, used, *now_ms).await?;
                if let Ok(Rotated { family, .. }) = &found {
                    insert_token(connection, family, token, *now_ms).await?;
                    query("UPDATE token_families SET last_seen_at = $1 WHERE id = $2")
                        .bind(*now_ms)
                        .bind(family)
                        .execute(connection)
                        .await?;
                }
                Ok(found)
            })
        })
        .await?
}

/// Revokes the chain of a refresh token. That there is none is no error.
///
/// # Errors
/// Of the database.
pub async fn end(store: &Store, digest: String, now_ms: i64) -> Result<(), Problem> {
    store
        .write((digest, now_ms), |connection, (digest, now_ms)| {
            Box::pin(async move {
                let family: Option<String> = query("SELECT family_id FROM refresh_tokens WHERE digest = $1")
                    .bind(digest)
                    .scalar(&mut *connection)
                    .await?;
                if let Some(family) = family {
                    revoke(connection, &family, *now_ms).await?;
                }
                Ok(())
            })
        })
        .await
}

/// Returns true if a device has signed in to the account of an address before, with the right password.
///
/// # Errors
/// Of the database.
pub async fn is_known_device(store: &Store, email: &str, device: &str) -> Result<bool, Problem> {
    let known: Option<String> = query(
        "SELECT f.id FROM token_families f JOIN accounts a ON a.id = f.account_id
         WHERE a.email = $1 AND f.device_id = $2 LIMIT 1",
    )
    .bind(email)
    .bind(device)
    .scalar(store.reads())
    .await
    .map_err(problem)?;
    Ok(known.is_some())
}

/// Revokes the sign-ins of an account but `kept`, as a part of the transaction of a job.
///
/// # Errors
/// Of the database.
pub async fn end_all(connection: &mut Connection, account: &str, kept: Option<&str>, now_ms: i64) -> Result<(), Error> {
    let families: Vec<String> = query("SELECT id FROM token_families WHERE account_id = $1 AND revoked_at IS NULL")
        .bind(account)
        .scalars(&mut *connection)
        .await?;
    for family in families.iter().filter(|family| Some(family.as_str()) != kept) {
        revoke(connection, family, now_ms).await?;
    }
    Ok(())
}

/// Returns the devices of an account that are signed in, the one seen last first.
///
/// # Errors
/// Of the database.
pub async fn devices(store: &Store, account: &str, this: &str) -> Result<Vec<Device>, Problem> {
    let rows: Vec<(String, String, String, i64, i64)> = query(
        "SELECT id, device_name, platform, created_at, last_seen_at FROM token_families
         WHERE account_id = $1 AND revoked_at IS NULL ORDER BY last_seen_at DESC, id LIMIT 500",
    )
    .bind(account)
    .rows(store.reads())
    .await
    .map_err(problem)?;
    let device = |(id, name, platform, signed_in_at, last_seen_at): (String, String, String, i64, i64)| Device {
        this: id == this,
        id: id.into(),
        name,
        platform,
        signed_in_at,
        last_seen_at,
    };
    Ok(rows.into_iter().map(device).collect())
}

/// Revokes a sign-in of an account.
///
/// # Errors
/// 7028 when the account has no such sign-in, or it has ended.
pub async fn end_device(store: &Store, account: &str, family: &str, now_ms: i64) -> Result<(), Problem> {
    store
        .write((account.to_owned(), family.to_owned(), now_ms), |connection, (account, family, now_ms)| {
            Box::pin(async move {
                let found: Option<String> =
                    query("SELECT id FROM token_families WHERE id = $1 AND account_id = $2 AND revoked_at IS NULL")
                        .bind(family)
                        .bind(account)
                        .scalar(&mut *connection)
                        .await?;
                if found.is_none() {
                    let absent = Problem::new(ErrorCode::DeviceNotFound, "no such device is signed in");
                    return Err(absent.into());
                }
                Ok(revoke(connection, family, *now_ms).await?)
            })
        })
        .await
}

async fn replace_chains(
    connection: &mut Connection,
    (family, account): (&str, &str),
    device: &DeviceInfo,
    now_ms: i64,
) -> Result<(), Error> {
    let sign_ins: Vec<String> = query(
        "UPDATE token_families SET revoked_at = $1 WHERE account_id = $2 AND device_id = $3 AND revoked_at IS NULL
         RETURNING id",
    )
    .bind(now_ms)
    .bind(account)
    .bind(device.id.as_str())
    .scalars(&mut *connection)
    .await?;
    if sign_ins.is_empty() {
        return Ok(());
    }
    report(connection, &SignInChange::Replaced { sign_ins, by: family.to_owned(), at: now_ms }, now_ms).await
}

async fn insert_chain(
    connection: &mut Connection,
    (family, account): (&str, &str),
    device: &DeviceInfo,
    now_ms: i64,
) -> Result<(), Error> {
    query(
        "INSERT INTO token_families (id, account_id, device_id, device_name, platform, app_version, created_at, last_seen_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
    )
    .bind(family)
    .bind(account)
    .bind(device.id.as_str())
    .bind(&device.name)
    .bind(&device.platform)
    .bind(&device.app_version)
    .bind(now_ms)
    .execute(connection)
    .await?;
    Ok(())
}

/// Marks a refresh token as used and returns its sign-in, or the reason why it is refused.
async fn use_token(connection: &mut Connection, digest: &str, now_ms: i64) -> Outcome<Result<Rotated, Problem>> {
    let revoked = |why| Ok(Err(Problem::new(ErrorCode::SignInRevoked, why)));
    let row: Option<TokenRow> = query(
        "SELECT f.id, f.account_id, a.email, f.device_id, t.expires_at, t.used_at, f.revoked_at
         FROM refresh_tokens t JOIN token_families f ON f.id = t.family_id JOIN accounts a ON a.id = f.account_id
         WHERE t.digest = $1",
    )
    .bind(digest)
    .row(&mut *connection)
    .await?;
    let Some((family, account, email, device, expires_at, used_at, revoked_at)) = row else {
        return revoked("the refresh token is not known");
    };
    if revoked_at.is_some() {
        return revoked("the device was signed out");
    }
    if used_at.is_some() {
        revoke(connection, &family, now_ms).await?;
        tracing::warn!(family, "a refresh token was used twice: the sign-in is revoked");
        return revoked("the refresh token was used twice: sign in again");
    }
    if now_ms >= expires_at {
        return revoked("the refresh token is past its time");
    }
    query("UPDATE refresh_tokens SET used_at = $1 WHERE digest = $2")
        .bind(now_ms)
        .bind(digest)
        .execute(connection)
        .await?;
    Ok(Ok(Rotated { account, email, family, device }))
}

/// Revokes a sign-in, and reports it to those who have something of it.
async fn revoke(connection: &mut Connection, family: &str, now_ms: i64) -> Result<(), Error> {
    let account: Option<String> =
        query("UPDATE token_families SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL RETURNING account_id")
            .bind(now_ms)
            .bind(family)
            .scalar(&mut *connection)
            .await?;
    let Some(account) = account else { return Ok(()) };
    changes::log(connection, (&account, None), AccountChange::SignedOut, now_ms).await?;
    report(connection, &SignInChange::Revoked { sign_in: family.to_owned(), at: now_ms }, now_ms).await
}

async fn report(connection: &mut Connection, change: &SignInChange, now_ms: i64) -> Result<(), Error> {
    let payload = serde_json::to_string(change).map_err(|error| Error::Encode(error.into()))?;
    outbox::append(connection, TOPIC, &payload, now_ms).await
}

async fn insert_token(
    connection: &mut Connection,
    family: &str,
    token: &StoredToken,
    now_ms: i64,
) -> Result<(), Error> {
    query("INSERT INTO refresh_tokens (digest, family_id, issued_at, expires_at) VALUES ($1, $2, $3, $4)")
        .bind(&token.digest)
        .bind(family)
        .bind(now_ms)
        .bind(token.expires_at)
        .execute(connection)
        .await?;
    Ok(())
}
