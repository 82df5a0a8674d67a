//! The tables of accounts, and every statement over them.
//!
//! * [`owner`], [`profiles`], [`sign_ins`] — the account and what belongs to it; [`codes`], [`device_codes`] — what waits for somebody;
//! * [`attempts`], [`paces`] — how often something was tried.

pub mod attempts;
mod changes;
pub mod codes;
pub mod device_codes;
pub mod owner;
pub mod paces;
pub mod profiles;
pub mod sign_ins;

use kinora_api::internal::Viewer;
use kinora_api::{Account, ErrorCode, Profile, ProfileId};
use kinora_kit::http::problem::Problem;
use kinora_store::expired;
use kinora_store::pruning::Rule;
use kinora_store::{Connection, Error, Migration, Schema, Store, problem, query};
use uuid::Uuid;

use crate::domain::{NewAccount, lock};

/// Tables of the service. The first three steps made the tables of playback as well, until the services came apart.
pub const SCHEMA: Schema = Schema {
    name: "accounts",
    is_first: true,
    tables: &[
        "accounts",
        "profiles",
        "token_families",
        "refresh_tokens",
        "sign_in_attempts",
        "mailed_codes",
        "paced_attempts",
        "device_codes",
        "earlier_addresses",
    ],
    migrations: MIGRATIONS,
};

/// Latest version of the tables that held those of playback, too.
pub const LAST_TOGETHER: i64 = 12;

/// Steps to the tables of today.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "accounts playback",
        sql: include_str!("../../migrations/0001_accounts_playback.sql"),
    },
    Migration {
        version: 2,
        name: "one writer revocation",
        sql: include_str!("../../migrations/0002_one_writer_revocation.sql"),
    },
    Migration { version: 12, name: "session version", sql: include_str!("../../migrations/0012_session_version.sql") },
    Migration { version: 13, name: "services apart", sql: include_str!("../../migrations/0013_services_apart.sql") },
    Migration { version: 14, name: "accounts whole", sql: include_str!("../../migrations/0014_accounts_whole.sql") },
    Migration {
        version: 15,
        name: "earlier addresses",
        sql: include_str!("../../migrations/0015_earlier_addresses.sql"),
    },
];

const DAY_MS: i64 = 86_400_000;

/// Rows that are deleted, and when.
pub const RULES: [Rule; 7] = [
    // Used tokens stay until they would have expired: their second use is how a theft is noticed.
    Rule { keep_ms: 7 * DAY_MS, delete: expired!("refresh_tokens", "digest", "expires_at") },
    // The latest sign-in of a device stays: by it the device is known.
    Rule {
        keep_ms: 7 * DAY_MS,
        delete: "DELETE FROM token_families WHERE id IN
                 (SELECT f.id FROM token_families f WHERE f.revoked_at < $1 AND EXISTS
                  (SELECT 1 FROM token_families g WHERE g.account_id = f.account_id AND g.device_id = f.device_id
                   AND g.id > f.id) LIMIT $2)",
    },
    Rule {
        keep_ms: 180 * DAY_MS,
        delete: "DELETE FROM token_families WHERE id IN
                 (SELECT f.id FROM token_families f WHERE f.created_at < $1 AND NOT EXISTS
                  (SELECT 1 FROM refresh_tokens t WHERE t.family_id = f.id) LIMIT $2)",
    },
    Rule { keep_ms: DAY_MS, delete: expired!("sign_in_attempts", "subject", "last_at") },
    // Each subject has one code for each purpose.
    Rule { keep_ms: DAY_MS, delete: expired!("mailed_codes", "code_hash", "expires_at") },
    Rule { keep_ms: 2 * DAY_MS, delete: expired!("paced_attempts", "subject", "last_at") },
    Rule { keep_ms: DAY_MS, delete: expired!("device_codes", "device_code", "expires_at") },
];

/// Makes an account, or sets the password of the one that has its address.
///
/// # Errors
/// Of the database.
pub async fn ensure(store: &Store, new: &NewAccount, hash: String, now_ms: i64) -> Result<(), Problem> {
    let made = (new.clone(), hash, now_ms);
    store
        .write(made, |connection, (new, hash, now_ms)| {
            Box::pin(async move { Ok(insert_or_update(connection, new, hash, *now_ms).await?) })
        })
        .await
}

/// Returns the id of an account and the hash of its password.
///
/// # Errors
/// Of the database.
pub async fn credentials(store: &Store, email: &str) -> Result<Option<(String, String)>, Problem> {
    let row = query("SELECT id, password_hash FROM accounts WHERE email = $1").bind(email).row(store.reads());
    row.await.map_err(problem)
}

/// Returns true if there is an account, as a part of the transaction of a job.
///
/// # Errors
/// Of the database.
pub async fn is_there(connection: &mut Connection, account: Option<&str>) -> Result<bool, Error> {
    let found: Option<String> =
        query("SELECT id FROM accounts WHERE id = $1").bind(account.map(str::to_owned)).scalar(connection).await?;
    Ok(found.is_some())
}

/// Columns of [`ProfileRow`] of the table `p`.
macro_rules! profile_columns {
    () => {
        "p.id, p.name, p.max_age, p.language, p.avatar, p.subtitle_style, p.data_saver"
    };
}

/// Returns true if an account has a PIN.
///
/// # Errors
/// Of the database.
pub async fn has_pin(store: &Store, id: &str) -> Result<bool, Problem> {
    let found = query("SELECT id FROM accounts WHERE id = $1 AND pin_hash IS NOT NULL").bind(id);
    let found: Option<String> = found.scalar(store.reads()).await.map_err(problem)?;
    Ok(found.is_some())
}

/// Returns an account with its profiles, as a sign-in sees it that has entered none of them.
///
/// # Errors
/// 7003 when it is gone.
pub async fn account(store: &Store, id: &str) -> Result<Account, Problem> {
    let row: Option<(String, String, i64, Option<String>)> =
        query("SELECT email, display_name, max_streams, pin_hash FROM accounts WHERE id = $1")
            .bind(id)
            .row(store.reads())
            .await
            .map_err(problem)?;
    let Some((email, display_name, max_streams, pin)) = row else {
        return Err(Problem::new(ErrorCode::SignInRevoked, "the account has been closed"));
    };
    let rows: Vec<ProfileRow> =
        query(concat!("SELECT ", profile_columns!(), " FROM profiles p WHERE p.account_id = $1 ORDER BY p.position"))
            .bind(id)
            .rows(store.reads())
            .await
            .map_err(problem)?;
    let mut profiles: Vec<Profile> = rows.into_iter().map(profile).collect();
    lock::mark(&mut profiles, pin.is_some(), None);
    let max_streams = places(max_streams);
    Ok(Account { id: id.into(), email, display_name, max_streams, has_pin: pin.is_some(), profiles })
}

/// Returns the bearer of an access token in one statement, because each request asks for it.
///
/// # Errors
/// 7003 when the sign-in was revoked or the account is gone.
pub async fn viewer(store: &Store, account: String, sign_in: String) -> Result<Viewer, Problem> {
    let rows: Vec<ViewerRow> = query(concat!(
        "SELECT a.max_streams, f.device_name, CAST(CASE WHEN a.pin_hash IS NULL THEN 0 ELSE 1 END AS BIGINT), f.entered_profile, ",
        profile_columns!(),
        " FROM token_families f JOIN accounts a ON a.id = f.account_id JOIN profiles p ON p.account_id = a.id
         WHERE f.id = $1 AND f.account_id = $2 AND f.revoked_at IS NULL ORDER BY p.position"
    ))
    .bind(&sign_in)
    .bind(&account)
    .rows(store.reads())
    .await
    .map_err(problem)?;
    let Some((max_streams, device_name, has_pin, entered, ..)) = rows.first() else {
        return Err(Problem::new(ErrorCode::SignInRevoked, "the device was signed out"));
    };
    let (places, device_name) = (places(*max_streams), device_name.clone());
    let (has_pin, entered) = (*has_pin != 0, entered.clone().map(ProfileId::from));
    let mut profiles: Vec<Profile> = rows
        .into_iter()
        .map(|(_, _, _, _, id, name, age, language, avatar, style, saver)| {
            profile((id, name, age, language, avatar, style, saver))
        })
        .collect();
    lock::mark(&mut profiles, has_pin, entered.as_ref());
    Ok(Viewer { account, sign_in, places, device_name, profiles, entered })
}

/// Sets how many playbacks the account of an address may run at the same time. Those that run go on.
///
/// # Errors
/// 7013 when there is no such account.
pub async fn set_max_streams(store: &Store, email: String, max_streams: u32) -> Result<(), Problem> {
    store
        .write((email, max_streams), |connection, (email, max_streams)| {
            Box::pin(async move {
                let changed = query("UPDATE accounts SET max_streams = $1 WHERE email = $2")
                    .bind(i64::from(*max_streams))
                    .bind(email)
                    .execute(connection)
                    .await?;
                if changed == 0 {
                    return Err(Problem::new(ErrorCode::InvalidRequest, "there is no such account").into());
                }
                Ok(())
            })
        })
        .await
}

async fn insert_or_update(connection: &mut Connection, new: &NewAccount, hash: &str, now_ms: i64) -> Result<(), Error> {
    let id = Uuid::now_v7().to_string();
    let made = query(
        "INSERT INTO accounts (id, email, display_name, password_hash, max_streams, created_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (email) DO NOTHING",
    )
    .bind(&id)
    .bind(&new.email)
    .bind(&new.display_name)
    .bind(hash)
    .bind(i64::from(new.max_streams))
    .bind(now_ms)
    .execute(&mut *connection)
    .await?;
    if made == 0 {
        query("UPDATE accounts SET password_hash = $1 WHERE email = $2")
            .bind(hash)
            .bind(&new.email)
            .execute(connection)
            .await?;
        return Ok(());
    }
    for (position, (name, max_age)) in (0_i64..).zip(&new.profiles) {
        query("INSERT INTO profiles (id, account_id, position, name, max_age) VALUES ($1, $2, $3, $4, $5)")
            .bind(Uuid::now_v7().to_string())
            .bind(&id)
            .bind(position)
            .bind(name)
            .bind(max_age.map(i64::from))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Places of the account, name of the device, 1 if it has a PIN, profile that was entered, then a profile as in [`ProfileRow`].
type ViewerRow = (
    i64,
    String,
    i64,
    Option<String>,
    String,
    String,
    Option<i64>,
    Option<String>,
    Option<String>,
    Option<String>,
    i64,
);
/// Id, name, age limit, language, avatar, style of subtitles as JSON, 1 for little data.
type ProfileRow = (String, String, Option<i64>, Option<String>, Option<String>, Option<String>, i64);

fn profile((id, name, max_age, language, avatar, style, data_saver): ProfileRow) -> Profile {
    Profile {
        id: id.into(),
        name,
        max_age: max_age.and_then(|age| u8::try_from(age).ok()),
        language,
        avatar,
        subtitle_style: style.and_then(|style| serde_json::from_str(&style).ok()),
        data_saver: data_saver != 0,
        locked: false,
    }
}

fn places(max_streams: i64) -> u32 {
    u32::try_from(max_streams).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::{DAY_MS, RULES, SCHEMA};
    use kinora_store::pruning::prune;
    use kinora_store::{Location, Store, query};

    async fn names(store: &Store, sql: &'static str) -> Vec<String> {
        query(sql).scalars(store.reads()).await.expect("the table reads")
    }

    #[tokio::test]
    async fn what_is_of_no_use_goes_and_the_rest_stays() {
        let (store, _writer) = kinora_store::open(&Location::Memory, &SCHEMA).await.expect("it opens");
        let seed = store.write((), |connection, ()| {
            Box::pin(async move {
                for sql in [
                    "INSERT INTO accounts (id, email, display_name, password_hash, max_streams, created_at)
                     VALUES ('a', 'a@b', 'A', 'h', 1, 0)",
                    "INSERT INTO token_families (id, account_id, device_id, device_name, platform, app_version, created_at,
                     revoked_at) VALUES ('f1', 'a', 'd', '', '', '', 0, 1), ('f2', 'a', 'd', '', '', '', 0, 1),
                     ('f3', 'a', 'e', '', '', '', 0, NULL)",
                    "INSERT INTO refresh_tokens VALUES ('old', 'f3', 0, 1, 1), ('new', 'f3', 0, 35 * 86400000, NULL)",
                    "INSERT INTO sign_in_attempts VALUES ('x', 1, 0), ('y', 1, 39 * 86400000)",
                ] {
                    query(sql).execute(&mut *connection).await?;
                }
                Ok(())
            })
        });
        seed.await.expect("the rows are written");
        assert_eq!(
            prune(&store, &RULES, DAY_MS).await.expect("pruned"),
            0,
            "a clock that is a day ahead deletes nothing"
        );
        assert_eq!(prune(&store, &RULES, 39 * DAY_MS).await.expect("pruned"), 3);
        assert_eq!(names(&store, "SELECT digest FROM refresh_tokens").await, ["new"]);
        let families = names(&store, "SELECT id FROM token_families ORDER BY id").await;
        assert_eq!(families, ["f2", "f3"], "the latest of each device stays");
        assert_eq!(names(&store, "SELECT subject FROM sign_in_attempts").await, ["y"]);
        assert_eq!(prune(&store, &RULES, 39 * DAY_MS).await.expect("pruned"), 0);
    }
}
