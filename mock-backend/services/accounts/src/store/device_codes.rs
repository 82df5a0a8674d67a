//! Sign-ins by code that are under way (RFC 8628).

use kinora_api::{DeviceInfo, ErrorCode};
use kinora_kit::http::problem::Problem;
use kinora_store::{Connection, Error, Outcome, Store, query};

/// Time for which the codes work, in milliseconds.
pub const LIFETIME_MS: i64 = 10 * 60_000;
/// Time between two questions of a device at first, in milliseconds; each one that comes too early adds as much.
pub const INTERVAL_MS: i64 = 5_000;
/// Earliness of a question that is excused, in milliseconds: the network does not keep time.
const EXCUSED_MS: i64 = 500;
/// Maximum number of sign-ins by code that are under way; further ones are refused.
const MAX_WAITING: i64 = 10_000;

/// Device, decision, account, expiry, interval, time of the question before.
type Row = (String, Option<String>, Option<String>, i64, i64, i64);

/// Keeps the codes of a device, as digests.
///
/// # Errors
/// 7004 when too many are under way.
pub async fn begin(
    store: &Store,
    (device_code, user_code): (String, String),
    device: &DeviceInfo,
    now_ms: i64,
) -> Result<(), Problem> {
    let device = serde_json::to_string(device).map_err(|error| Problem::internal(&error))?;
    store
        .write((device_code, user_code, device, now_ms), |connection, (device_code, user_code, device, now_ms)| {
            Box::pin(async move {
                query("DELETE FROM device_codes WHERE expires_at < $1")
                    .bind(*now_ms - LIFETIME_MS)
                    .execute(&mut *connection)
                    .await?;
                let waiting: Option<i64> =
                    query("SELECT CAST(count(*) AS BIGINT) FROM device_codes").scalar(&mut *connection).await?;
                if waiting.unwrap_or(0) >= MAX_WAITING {
                    let busy = Problem::new(ErrorCode::TooManyAttempts, "too many devices are being signed in");
                    return Err(busy.with_retry_after_ms(60_000).into());
                }
                query(
                    "INSERT INTO device_codes (device_code, user_code, device, expires_at, interval_ms, asked_at)
                     VALUES ($1, $2, $3, $4, $5, 0)",
                )
                .bind(device_code)
                .bind(user_code)
                .bind(device)
                .bind(*now_ms + LIFETIME_MS)
                .bind(INTERVAL_MS)
                .execute(connection)
                .await?;
                Ok(())
            })
        })
        .await
}

/// Answers a device that asks for the outcome: the account and the device to sign in, once.
///
/// # Errors
/// 7024 to 7027, as RFC 8628 §3.5 has them.
pub async fn ask(store: &Store, device_code: String, now_ms: i64) -> Result<(String, DeviceInfo), Problem> {
    // The inner result is committed either way: a refusal may have changed the interval.
    store
        .write((device_code, now_ms), |connection, (device_code, now_ms)| {
            Box::pin(async move { outcome(connection, device_code, *now_ms).await })
        })
        .await?
}

async fn outcome(
    connection: &mut Connection,
    device_code: &str,
    now_ms: i64,
) -> Outcome<Result<(String, DeviceInfo), Problem>> {
    let refused = |code, message: &str| Ok(Err(Problem::new(code, message)));
    let row: Option<Row> = query(
        "SELECT device, decision, account_id, expires_at, interval_ms, asked_at FROM device_codes WHERE device_code = $1",
    )
    .bind(device_code)
    .row(&mut *connection)
    .await?;
    let Some((device, decision, account, expires_at, interval, asked_at)) = row else {
        return refused(ErrorCode::ExpiredToken, "the code is past its time, or was used");
    };
    if now_ms >= expires_at {
        return refused(ErrorCode::ExpiredToken, "the code is past its time, or was used");
    }
    let early = asked_at != 0 && now_ms < asked_at + interval - EXCUSED_MS;
    query("UPDATE device_codes SET asked_at = $1, interval_ms = $2 WHERE device_code = $3")
        .bind(now_ms)
        .bind(if early { interval + INTERVAL_MS } else { interval })
        .bind(device_code)
        .execute(&mut *connection)
        .await?;
    if early {
        return refused(ErrorCode::SlowDown, "asked too early: wait five seconds longer from now on");
    }
    match (decision.as_deref(), account) {
        (Some("allowed"), Some(account)) => {
            query("DELETE FROM device_codes WHERE device_code = $1").bind(device_code).execute(connection).await?;
            let device = serde_json::from_str(&device).map_err(|error| Error::Decode(error.into()))?;
            Ok(Ok((account, device)))
        }
        (Some(_), _) => {
            query("DELETE FROM device_codes WHERE device_code = $1").bind(device_code).execute(connection).await?;
            refused(ErrorCode::AccessDenied, "the sign-in was refused")
        }
        (None, _) => refused(ErrorCode::AuthorizationPending, "nobody has allowed the sign-in yet"),
    }
}

/// Gives the page of an account a ticket with which it decides about a user code, and returns the device. A ticket of an earlier
/// page is worth nothing then. `None`: there is no such code that waits.
///
/// # Errors
/// Of the database.
pub async fn look(
    store: &Store,
    user_code: String,
    account: &str,
    ticket: String,
    now_ms: i64,
) -> Result<Option<DeviceInfo>, Problem> {
    let state = (user_code, account.to_owned(), ticket, now_ms);
    store
        .write(state, |connection, (user_code, account, ticket, now_ms)| {
            Box::pin(async move {
                let device: Option<String> = query(
                    "UPDATE device_codes SET ticket = $1, account_id = $2
                     WHERE user_code = $3 AND decision IS NULL AND expires_at > $4 RETURNING device",
                )
                .bind(ticket)
                .bind(account)
                .bind(user_code)
                .bind(*now_ms)
                .scalar(connection)
                .await?;
                let device = device.map(|device| serde_json::from_str(&device)).transpose();
                Ok(device.map_err(|error| Error::Decode(error.into()))?)
            })
        })
        .await
}

/// Decides with a ticket. Returns false if the ticket is not good any more.
///
/// # Errors
/// Of the database.
pub async fn decide(store: &Store, ticket: String, is_allowed: bool, now_ms: i64) -> Result<bool, Problem> {
    store
        .write((ticket, is_allowed, now_ms), |connection, (ticket, is_allowed, now_ms)| {
            Box::pin(async move {
                let changed = query(
                    "UPDATE device_codes SET decision = $1, ticket = NULL
                     WHERE ticket = $2 AND decision IS NULL AND expires_at > $3",
                )
                .bind(if *is_allowed { "allowed" } else { "denied" })
                .bind(ticket)
                .bind(*now_ms)
                .execute(connection)
                .await?;
                Ok(changed == 1)
            })
        })
        .await
}
