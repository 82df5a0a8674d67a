//! Chains of refresh tokens: one for each sign-in, each token good for one use (RFC 9700 §4.14.2).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kinora_api::{DeviceInfo, ErrorCode, Secret, TokenPair};
use sha2::{Digest as _, Sha256};
use sqlx::{Sqlite, SqlitePool, Transaction};
use uuid::Uuid;

use super::tokens::Tokens;
use crate::http::problem::Problem;
use crate::keyfile;

/// Family, account, expiry, first use, revocation.
type TokenRow = (String, String, i64, Option<i64>, Option<i64>);

/// The sign-ins of all accounts.
pub struct SignIns {
    pool: SqlitePool,
    tokens: Tokens,
    refresh_lifetime_ms: i64,
}

impl SignIns {
    /// Sign-ins kept in `pool`; a refresh token lives for `refresh_lifetime_ms`.
    pub fn new(pool: SqlitePool, tokens: Tokens, refresh_lifetime_ms: i64) -> Self {
        Self { pool, tokens, refresh_lifetime_ms }
    }

    /// The checker of access tokens.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// Begins a chain for an account on a device. Chains that the same device had before are revoked.
    ///
    /// # Errors
    /// Of the database.
    pub async fn begin(&self, account: &str, device: &DeviceInfo, now_ms: i64) -> Result<TokenPair, Problem> {
        let family = Uuid::now_v7().to_string();
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query(
            "UPDATE token_families SET revoked_at = $1
             WHERE account_id = $2 AND device_id = $3 AND revoked_at IS NULL",
        )
        .bind(now_ms)
        .bind(account)
        .bind(device.id.as_str())
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "INSERT INTO token_families (id, account_id, device_id, device_name, platform, app_version, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&family)
        .bind(account)
        .bind(device.id.as_str())
        .bind(&device.name)
        .bind(&device.platform)
        .bind(&device.app_version)
        .bind(now_ms)
        .execute(&mut *transaction)
        .await?;
        let pair = self.issue(&mut transaction, account, &family, now_ms).await?;
        transaction.commit().await?;
        Ok(pair)
    }

    /// Trades a refresh token for a new pair. A token that was used before revokes its whole chain: either its thief or its
    /// owner comes second, and the chain cannot tell them apart.
    ///
    /// # Errors
    /// 7003 when the token is unknown, used, revoked or past its time.
    pub async fn rotate(&self, token: &Secret, now_ms: i64) -> Result<TokenPair, Problem> {
        let revoked = |why| Problem::new(ErrorCode::SignInRevoked, why);
        let digest = digest(token);
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let row: Option<TokenRow> = sqlx::query_as(
            "SELECT f.id, f.account_id, t.expires_at, t.used_at, f.revoked_at
             FROM refresh_tokens t JOIN token_families f ON f.id = t.family_id
             WHERE t.digest = $1",
        )
        .bind(&digest)
        .fetch_optional(&mut *transaction)
        .await?;
        let Some((family, account, expires_at, used_at, revoked_at)) = row else {
            return Err(revoked("the refresh token is not known"));
        };
        if revoked_at.is_some() {
            return Err(revoked("the device was signed out"));
        }
        if used_at.is_some() {
            revoke(&mut transaction, &family, now_ms).await?;
            transaction.commit().await?;
            tracing::warn!(family, "a refresh token was used twice: the sign-in is revoked");
            return Err(revoked("the refresh token was used twice: sign in again"));
        }
        if now_ms >= expires_at {
            return Err(revoked("the refresh token is past its time"));
        }
        sqlx::query("UPDATE refresh_tokens SET used_at = $1 WHERE digest = $2")
            .bind(now_ms)
            .bind(&digest)
            .execute(&mut *transaction)
            .await?;
        let pair = self.issue(&mut transaction, &account, &family, now_ms).await?;
        transaction.commit().await?;
        Ok(pair)
    }

    /// Revokes the chain of a refresh token. That there is none is no error.
    ///
    /// # Errors
    /// Of the database.
    pub async fn end(&self, token: &Secret, now_ms: i64) -> Result<(), Problem> {
        sqlx::query(
            "UPDATE token_families SET revoked_at = $1 WHERE revoked_at IS NULL AND id =
             (SELECT family_id FROM refresh_tokens WHERE digest = $2)",
        )
        .bind(now_ms)
        .bind(digest(token))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    async fn issue(
        &self,
        transaction: &mut Transaction<'_, Sqlite>,
        account: &str,
        family: &str,
        now_ms: i64,
    ) -> Result<TokenPair, Problem> {
        let random = keyfile::random::<32>().map_err(|error| Problem::internal(&error))?;
        let refresh_token = Secret::new(URL_SAFE_NO_PAD.encode(random));
        let refresh_expires_at = now_ms + self.refresh_lifetime_ms;
        sqlx::query("INSERT INTO refresh_tokens (digest, family_id, issued_at, expires_at) VALUES ($1, $2, $3, $4)")
            .bind(digest(&refresh_token))
            .bind(family)
            .bind(now_ms)
            .bind(refresh_expires_at)
            .execute(&mut **transaction)
            .await?;
        let (access_token, access_expires_at) = self.tokens.issue(account, family, now_ms)?;
        Ok(TokenPair {
            access_token,
            access_expires_at,
            access_expires_in_ms: u64::try_from(access_expires_at - now_ms).unwrap_or(0),
            refresh_token,
            refresh_expires_at,
        })
    }
}

async fn revoke(transaction: &mut Transaction<'_, Sqlite>, family: &str, now_ms: i64) -> Result<(), Problem> {
    sqlx::query("UPDATE token_families SET revoked_at = $1 WHERE id = $2")
        .bind(now_ms)
        .bind(family)
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

fn digest(token: &Secret) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(token.expose().as_bytes()))
}
