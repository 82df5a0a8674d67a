//! Profiles: made, changed, deleted, entered.

use kinora_api::events::AccountChange;
use kinora_api::internal::ProfilesDeleted;
use kinora_api::{ErrorCode, ProfileId, ProfileRequest};
use kinora_kit::http::problem::Problem;
use kinora_store::{Connection, Error, Outcome, Store, outbox, query};
use uuid::Uuid;

use super::changes;
use crate::domain::MAX_PROFILES;

/// Topic of deleted profiles in the outbox.
pub const TOPIC: &str = "profiles_deleted";

fn absent() -> Problem {
    Problem::new(ErrorCode::ProfileNotFound, "the account has no such profile")
}

fn style(settings: &ProfileRequest) -> Result<Option<String>, Error> {
    let style = settings.subtitle_style.map(|style| serde_json::to_string(&style)).transpose();
    style.map_err(|error| Error::Encode(error.into()))
}

/// Makes a profile and returns its id.
///
/// # Errors
/// 7023 when the account has as many as it may.
pub async fn add(store: &Store, account: &str, settings: ProfileRequest, now_ms: i64) -> Result<ProfileId, Problem> {
    let id = Uuid::now_v7().to_string();
    let made = (id.clone(), account.to_owned(), settings, now_ms);
    store
        .write(made, |connection, (id, account, settings, now_ms)| {
            Box::pin(async move {
                insert(connection, id, account, settings).await?;
                Ok(changes::log(connection, (account, Some(id)), AccountChange::ProfileAdded, *now_ms).await?)
            })
        })
        .await?;
    Ok(id.into())
}

async fn insert(connection: &mut Connection, id: &str, account: &str, settings: &ProfileRequest) -> Outcome<()> {
    let places: Vec<i64> = query("SELECT position FROM profiles WHERE account_id = $1 ORDER BY position")
        .bind(account)
        .scalars(&mut *connection)
        .await?;
    if places.len() >= MAX_PROFILES {
        return Err(Problem::new(ErrorCode::ProfileLimit, "the account has five profiles already").into());
    }
    query(
        "INSERT INTO profiles (id, account_id, position, name, max_age, language, avatar, subtitle_style, data_saver)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(id)
    .bind(account)
    .bind(places.last().map_or(0, |last| last + 1))
    .bind(&settings.name)
    .bind(settings.max_age.map(i64::from))
    .bind(settings.language.clone())
    .bind(settings.avatar.clone())
    .bind(style(settings)?)
    .bind(i64::from(settings.data_saver))
    .execute(connection)
    .await?;
    Ok(())
}

/// Replaces the settings of a profile. `max_age` is that of the profile when the change was allowed.
///
/// # Errors
/// 7009 when it is gone, or its age limit has changed meanwhile.
pub async fn set(
    store: &Store,
    (account, id): (&str, &str),
    (max_age, settings): (Option<u8>, ProfileRequest),
    now_ms: i64,
) -> Result<(), Problem> {
    let state = (account.to_owned(), id.to_owned(), max_age, settings, now_ms);
    store
        .write(state, |connection, (account, id, max_age, settings, now_ms)| {
            Box::pin(async move {
                let changed = query(
                    "UPDATE profiles SET name = $1, max_age = $2, language = $3, avatar = $4, subtitle_style = $5,
                     data_saver = $6 WHERE id = $7 AND account_id = $8 AND COALESCE(max_age, -1) = $9",
                )
                .bind(&settings.name)
                .bind(settings.max_age.map(i64::from))
                .bind(settings.language.clone())
                .bind(settings.avatar.clone())
                .bind(style(settings)?)
                .bind(i64::from(settings.data_saver))
                .bind(id)
                .bind(account)
                .bind(max_age.map_or(-1, i64::from))
                .execute(&mut *connection)
                .await?;
                if changed != 1 {
                    return Err(absent().into());
                }
                Ok(changes::log(connection, (account, Some(id)), AccountChange::ProfileEdited, *now_ms).await?)
            })
        })
        .await
}

/// Deletes a profile, and reports it to those who have something of it.
///
/// # Errors
/// 7009 when there is none, 7023 when it is the last one.
pub async fn delete(store: &Store, account: &str, id: &str, now_ms: i64) -> Result<(), Problem> {
    store
        .write((account.to_owned(), id.to_owned(), now_ms), |connection, (account, id, now_ms)| {
            Box::pin(async move {
                let profiles: Vec<String> = query("SELECT id FROM profiles WHERE account_id = $1")
                    .bind(account)
                    .scalars(&mut *connection)
                    .await?;
                if !profiles.contains(id) {
                    return Err(absent().into());
                }
                if profiles.len() == 1 {
                    return Err(Problem::new(ErrorCode::ProfileLimit, "an account has at least one profile").into());
                }
                query("DELETE FROM profiles WHERE id = $1").bind(id).execute(&mut *connection).await?;
                changes::log(connection, (account, None), AccountChange::ProfileDeleted, *now_ms).await?;
                changes::forget(connection, (account, Some(id)), *now_ms).await?;
                Ok(report(connection, vec![id.as_str().into()], false, *now_ms).await?)
            })
        })
        .await
}

/// Reports deleted profiles, as a part of the transaction of a job.
///
/// # Errors
/// Of the database.
pub async fn report(
    connection: &mut Connection,
    profiles: Vec<ProfileId>,
    erased: bool,
    now_ms: i64,
) -> Result<(), Error> {
    let deleted = ProfilesDeleted { profiles, at: now_ms, erased };
    let payload = serde_json::to_string(&deleted).map_err(|error| Error::Encode(error.into()))?;
    outbox::append(connection, TOPIC, &payload, now_ms).await
}

/// Notes which profile a sign-in has entered.
///
/// # Errors
/// 7003 when the sign-in was revoked.
pub async fn enter(store: &Store, sign_in: &str, profile: &str) -> Result<(), Problem> {
    store
        .write((sign_in.to_owned(), profile.to_owned()), |connection, (sign_in, profile)| {
            Box::pin(async move {
                let changed =
                    query("UPDATE token_families SET entered_profile = $1 WHERE id = $2 AND revoked_at IS NULL")
                        .bind(profile)
                        .bind(sign_in)
                        .execute(connection)
                        .await?;
                let revoked = || Problem::new(ErrorCode::SignInRevoked, "the device was signed out");
                if changed == 1 { Ok(()) } else { Err(revoked().into()) }
            })
        })
        .await
}

/// Sets or removes the PIN of an account. No sign-in has entered a profile afterwards.
///
/// # Errors
/// Of the database.
pub async fn set_pin(store: &Store, account: &str, pin_hash: Option<String>, now_ms: i64) -> Result<(), Problem> {
    store
        .write((account.to_owned(), pin_hash, now_ms), |connection, (account, pin_hash, now_ms)| {
            Box::pin(async move {
                query("UPDATE accounts SET pin_hash = $1 WHERE id = $2")
                    .bind(pin_hash.clone())
                    .bind(account)
                    .execute(&mut *connection)
                    .await?;
                query("UPDATE token_families SET entered_profile = NULL WHERE account_id = $1")
                    .bind(account)
                    .execute(&mut *connection)
                    .await?;
                Ok(changes::log(connection, (account, None), AccountChange::Pin, *now_ms).await?)
            })
        })
        .await
}
