//! Chains of refresh tokens: one for each sign-in, each token good for one use (RFC 9700 §4.14.2).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kinora_api::{DeviceInfo, ErrorCode, Secret, TokenPair};
use sha2::{Digest as _, Sha256};
use sqlx::SqliteConnection;
use uuid::Uuid;

use super::database::{self, Store};
use super::revocation;
use super::tokens::Tokens;
use super::writer::WriteError;
use kinora_kit::http::problem::Problem;
use kinora_kit::keyfile;

/// Family, account, expiry, first use, revocation.
type TokenRow = (String, String, i64, Option<i64>, Option<i64>);

/// The sign-ins of all accounts.
pub struct SignIns {
    store: Store,
    tokens: Tokens,
    refresh_lifetime_ms: i64,
}

/// A refresh token that is to be stored.
struct NewToken {
    secret: Secret,
    digest: String,
    expires_at: i64,
}

impl SignIns {
    /// Sign-ins kept in `store`; a refresh token lives for `refresh_lifetime_ms`.
    pub fn new(store: Store, tokens: Tokens, refresh_lifetime_ms: i64) -> Self {
        Self { store, tokens, refresh_lifetime_ms }
    }

    /// The checker of access tokens.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// Begins a chain for an account on a device. Chains that the same device had before are revoked; what it plays goes on under
    /// the new one.
    ///
    /// # Errors
    /// Of the database.
    pub async fn begin(&self, account: &str, device: &DeviceInfo, now_ms: i64) -> Result<TokenPair, Problem> {
        let family = Uuid::now_v7().to_string();
        let token = self.new_token(now_ms)?;
        let stored = (token.digest.clone(), token.expires_at);
        let (chain, owner, device) = (family.clone(), account.to_owned(), device.clone());
        self.store
            .write(move |connection| {
                Box::pin(async move {
                    begin_chain(connection, &chain, &owner, &device, now_ms).await?;
                    Ok(insert_token(connection, &chain, &stored, now_ms).await?)
                })
            })
            .await?;
        self.pair(account, &family, token, now_ms)
    }

    /// Trades a refresh token for a new pair. A token that was used before revokes its whole chain: either its thief or its
    /// owner comes second, and the chain cannot tell them apart.
    ///
    /// # Errors
    /// 7003 when the token is unknown, used, revoked or past its time.
    pub async fn rotate(&self, token: &Secret, now_ms: i64) -> Result<TokenPair, Problem> {
        let used = digest(token);
        let token = self.new_token(now_ms)?;
        let stored = (token.digest.clone(), token.expires_at);
        // The inner result is committed either way: a refusal may have revoked the chain.
        let (account, family) = self
            .store
            .write(move |connection| {
                Box::pin(async move {
                    let found = use_token(connection, &used, now_ms).await?;
                    if let Ok((_, family)) = &found {
                        insert_token(connection, family, &stored, now_ms).await?;
                    }
                    Ok(found)
                })
            })
            .await??;
        self.pair(&account, &family, token, now_ms)
    }

    /// Revokes the chain of a refresh token and ends what it plays. That there is none is no error.
    ///
    /// # Errors
    /// Of the database.
    pub async fn end(&self, token: &Secret, now_ms: i64) -> Result<(), Problem> {
        let digest = digest(token);
        self.store
            .write(move |connection| {
                Box::pin(async move {
                    let family: Option<String> =
                        sqlx::query_scalar("SELECT family_id FROM refresh_tokens WHERE digest = $1")
                            .bind(digest)
                            .fetch_optional(&mut *connection)
                            .await?;
                    if let Some(family) = family {
                        revocation::revoke_family(connection, &family, now_ms).await?;
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
    pub async fn is_known_device(&self, email: &str, device: &str) -> Result<bool, Problem> {
        let known: Option<i64> = sqlx::query_scalar(
            "SELECT 1 FROM token_families f JOIN accounts a ON a.id = f.account_id
             WHERE a.email = $1 AND f.device_id = $2 LIMIT 1",
        )
        .bind(email)
        .bind(device)
        .fetch_optional(self.store.reads())
        .await
        .map_err(database::problem)?;
        Ok(known.is_some())
    }

    fn new_token(&self, now_ms: i64) -> Result<NewToken, Problem> {
        let random = keyfile::random::<32>().map_err(|error| Problem::internal(&error))?;
        let secret = Secret::new(URL_SAFE_NO_PAD.encode(random));
        Ok(NewToken { digest: digest(&secret), secret, expires_at: now_ms + self.refresh_lifetime_ms })
    }

    fn pair(&self, account: &str, family: &str, token: NewToken, now_ms: i64) -> Result<TokenPair, Problem> {
        let (access_token, access_expires_at) = self.tokens.issue(account, family, now_ms)?;
        Ok(TokenPair {
            access_token,
            access_expires_at,
            access_expires_in_ms: u64::try_from(access_expires_at - now_ms).unwrap_or(0),
            refresh_token: token.secret,
            refresh_expires_at: token.expires_at,
        })
    }
}

async fn begin_chain(
    connection: &mut SqliteConnection,
    family: &str,
    account: &str,
    device: &DeviceInfo,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE playback_sessions SET family_id = $1 WHERE stopped_at IS NULL AND family_id IN
         (SELECT id FROM token_families WHERE account_id = $2 AND device_id = $3 AND revoked_at IS NULL)",
    )
    .bind(family)
    .bind(account)
    .bind(device.id.as_str())
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "UPDATE token_families SET revoked_at = $1 WHERE account_id = $2 AND device_id = $3 AND revoked_at IS NULL",
    )
    .bind(now_ms)
    .bind(account)
    .bind(device.id.as_str())
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "INSERT INTO token_families (id, account_id, device_id, device_name, platform, app_version, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
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

/// Marks a refresh token as used and returns its account and chain, or the reason why it is refused.
async fn use_token(
    connection: &mut SqliteConnection,
    digest: &str,
    now_ms: i64,
) -> Result<Result<(String, String), Problem>, WriteError> {
    let revoked = |why| Ok(Err(Problem::new(ErrorCode::SignInRevoked, why)));
    let row: Option<TokenRow> = sqlx::query_as(
        "SELECT f.id, f.account_id, t.expires_at, t.used_at, f.revoked_at
         FROM refresh_tokens t JOIN token_families f ON f.id = t.family_id
         WHERE t.digest = $1",
    )
    .bind(digest)
    .fetch_optional(&mut *connection)
    .await?;
    let Some((family, account, expires_at, used_at, revoked_at)) = row else {
        return revoked("the refresh token is not known");
    };
    if revoked_at.is_some() {
        return revoked("the device was signed out");
    }
    if used_at.is_some() {
        revocation::revoke_family(connection, &family, now_ms).await?;
        tracing::warn!(family, "a refresh token was used twice: the sign-in is revoked");
        return revoked("the refresh token was used twice: sign in again");
    }
    if now_ms >= expires_at {
        return revoked("the refresh token is past its time");
    }
    sqlx::query("UPDATE refresh_tokens SET used_at = $1 WHERE digest = $2")
        .bind(now_ms)
        .bind(digest)
        .execute(connection)
        .await?;
    Ok(Ok((account, family)))
}

async fn insert_token(
    connection: &mut SqliteConnection,
    family: &str,
    (digest, expires_at): &(String, i64),
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO refresh_tokens (digest, family_id, issued_at, expires_at) VALUES ($1, $2, $3, $4)")
        .bind(digest)
        .bind(family)
        .bind(now_ms)
        .bind(expires_at)
        .execute(connection)
        .await?;
    Ok(())
}

fn digest(token: &Secret) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(token.expose().as_bytes()))
}
