//! Accounts and their profiles.

use kinora_api::{Account, ErrorCode, Profile, ProfileId, Secret};
use sqlx::SqliteConnection;
use uuid::Uuid;

use super::database::{self, Store};
use super::password::{self, Passwords};
use kinora_kit::http::problem::Problem;

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

/// The accounts of the service.
#[derive(Clone)]
pub struct Accounts {
    store: Store,
    passwords: Passwords,
}

impl Accounts {
    /// Accounts kept in `store`.
    pub fn new(store: Store, passwords: Passwords) -> Self {
        Self { store, passwords }
    }

    /// Makes an account, or leaves the one of that address as it is but for its password, which is set to the given one.
    ///
    /// # Errors
    /// 7013 when address or password cannot be one.
    pub async fn ensure(&self, new: &NewAccount, now_ms: i64) -> Result<(), Problem> {
        let email = normal_email(&new.email)?;
        let length = new.password.expose().len();
        if length == 0 || length > password::MAX_PASSWORD {
            return Err(Problem::new(ErrorCode::InvalidRequest, "a password has 1 to 256 bytes"));
        }
        let hash = self.passwords.hash(&new.password).await?;
        let new = new.clone();
        self.store
            .write(move |connection| {
                Box::pin(async move { Ok(insert_or_update(connection, &email, &hash, &new, now_ms).await?) })
            })
            .await
    }

    /// The account that address and password open.
    ///
    /// # Errors
    /// 7001 when they open none.
    pub async fn authenticate(&self, email: &str, password: &Secret) -> Result<Account, Problem> {
        let row: Option<(String, String)> = match normal_email(email) {
            Ok(email) => sqlx::query_as("SELECT id, password_hash FROM accounts WHERE email = $1")
                .bind(email)
                .fetch_optional(self.store.reads())
                .await
                .map_err(database::problem)?,
            Err(_) => None,
        };
        let (id, hash) = row.unzip();
        match (self.passwords.verify(password, hash).await?, id) {
            (true, Some(id)) => self.account(&id).await,
            _ => Err(Problem::new(ErrorCode::InvalidCredentials, "address or password is wrong")),
        }
    }

    /// An account with its profiles.
    ///
    /// # Errors
    /// 7003 when it is gone.
    pub async fn account(&self, id: &str) -> Result<Account, Problem> {
        let row: Option<(String, String, i64)> =
            sqlx::query_as("SELECT email, display_name, max_streams FROM accounts WHERE id = $1")
                .bind(id)
                .fetch_optional(self.store.reads())
                .await
                .map_err(database::problem)?;
        let Some((email, display_name, max_streams)) = row else {
            return Err(Problem::new(ErrorCode::SignInRevoked, "the account has been closed"));
        };
        Ok(Account {
            id: id.into(),
            email,
            display_name,
            max_streams: u32::try_from(max_streams).unwrap_or(u32::MAX),
            profiles: self.profiles(id).await?,
        })
    }

    /// Maximum number of playbacks that an account runs at the same time.
    ///
    /// # Errors
    /// 7003 when it is gone.
    pub async fn max_streams(&self, id: &str) -> Result<u32, Problem> {
        let places: Option<i64> = sqlx::query_scalar("SELECT max_streams FROM accounts WHERE id = $1")
            .bind(id)
            .fetch_optional(self.store.reads())
            .await
            .map_err(database::problem)?;
        let places = places.ok_or_else(|| Problem::new(ErrorCode::SignInRevoked, "the account has been closed"))?;
        Ok(u32::try_from(places).unwrap_or(u32::MAX))
    }

    /// Sets how many playbacks the account of an address may run at the same time. Those that run go on.
    ///
    /// # Errors
    /// 7013 when there is no such account.
    pub async fn set_max_streams(&self, email: &str, max_streams: u32) -> Result<(), Problem> {
        let email = normal_email(email)?;
        self.store
            .write(move |connection| {
                Box::pin(async move {
                    let changed = sqlx::query("UPDATE accounts SET max_streams = $1 WHERE email = $2")
                        .bind(i64::from(max_streams))
                        .bind(email)
                        .execute(connection)
                        .await?;
                    if changed.rows_affected() == 0 {
                        return Err(Problem::new(ErrorCode::InvalidRequest, "there is no such account").into());
                    }
                    Ok(())
                })
            })
            .await
    }

    /// The profiles of an account, the default first.
    ///
    /// # Errors
    /// Of the database.
    pub async fn profiles(&self, account: &str) -> Result<Vec<Profile>, Problem> {
        let rows: Vec<(String, String, Option<i64>, Option<String>)> =
            sqlx::query_as("SELECT id, name, max_age, language FROM profiles WHERE account_id = $1 ORDER BY position")
                .bind(account)
                .fetch_all(self.store.reads())
                .await
                .map_err(database::problem)?;
        Ok(rows
            .into_iter()
            .map(|(id, name, max_age, language)| Profile {
                id: id.into(),
                name,
                max_age: max_age.and_then(|age| u8::try_from(age).ok()),
                language,
            })
            .collect())
    }

    /// The profile that a request names, or the account's default one.
    ///
    /// # Errors
    /// 7009 when the account has no such profile.
    pub async fn profile(&self, account: &str, wanted: Option<&ProfileId>) -> Result<Profile, Problem> {
        choose(self.profiles(account).await?, wanted)
    }
}

/// Returns the profile that a request names, or the first one of an account.
///
/// # Errors
/// 7009 when it is not among them.
pub fn choose(profiles: Vec<Profile>, wanted: Option<&ProfileId>) -> Result<Profile, Problem> {
    let mut profiles = profiles.into_iter();
    match wanted {
        None => profiles.next(),
        Some(id) => profiles.find(|profile| &profile.id == id),
    }
    .ok_or_else(|| Problem::new(ErrorCode::ProfileNotFound, "the account has no such profile"))
}

async fn insert_or_update(
    connection: &mut SqliteConnection,
    email: &str,
    hash: &str,
    new: &NewAccount,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    let made = sqlx::query(
        "INSERT INTO accounts (id, email, display_name, password_hash, max_streams, created_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (email) DO NOTHING",
    )
    .bind(Uuid::now_v7().to_string())
    .bind(email)
    .bind(&new.display_name)
    .bind(hash)
    .bind(i64::from(new.max_streams))
    .bind(now_ms)
    .execute(&mut *connection)
    .await?
    .rows_affected();
    if made == 0 {
        sqlx::query("UPDATE accounts SET password_hash = $1 WHERE email = $2")
            .bind(hash)
            .bind(email)
            .execute(connection)
            .await?;
        return Ok(());
    }
    for (position, (name, max_age)) in (0_i64..).zip(&new.profiles) {
        sqlx::query(
            "INSERT INTO profiles (id, account_id, position, name, max_age)
             VALUES ($1, (SELECT id FROM accounts WHERE email = $2), $3, $4, $5)",
        )
        .bind(Uuid::now_v7().to_string())
        .bind(email)
        .bind(position)
        .bind(name)
        .bind(max_age.map(i64::from))
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// The form in which addresses are compared. Only what could never be one is refused: mail decides about the rest.
pub fn normal_email(email: &str) -> Result<String, Problem> {
    let email = email.trim().to_lowercase();
    let well_formed = email.len() <= 254
        && email.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
        && !email.chars().any(|c| c.is_control() || c.is_whitespace());
    well_formed.then_some(email).ok_or_else(|| Problem::new(ErrorCode::InvalidRequest, "that is not an e-mail address"))
}
