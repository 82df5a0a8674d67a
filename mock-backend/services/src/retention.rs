//! Retention of replaced versions: a version of a title stays for as long as a playback may ask for it.

use std::collections::HashSet;
use std::sync::Weak;
use std::time::Duration;

use sqlx::SqlitePool;
use tokio::sync::watch;

use super::{Backend, database};
use kinora_kit::http::problem::Problem;

/// Time from one sweep to the next when no title changes.
const EVERY: Duration = Duration::from_secs(3600);
/// Milliseconds after the expiry of its addresses for which a playback still counts, so that a wall clock that is a day ahead
/// takes nothing from those who play.
const GRACE_MS: i64 = 86_400_000;

/// Sweeps at once, whenever titles have changed, and every hour; ends with the backend.
pub async fn run(backend: Weak<Backend>, mut changes: watch::Receiver<u64>) {
    loop {
        let Some(backend) = backend.upgrade() else { return };
        if let Err(problem) = sweep(&backend).await {
            tracing::error!(error = %problem.error(), "replaced versions could not be removed");
        }
        drop(backend);
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

async fn sweep(backend: &Backend) -> Result<(), Problem> {
    let needed = needed_versions(backend.store.reads(), backend.clock.now_ms()).await?;
    backend.catalogue.sweep_versions(needed).await
}

/// Returns the versions, by title, of playbacks that have not ended and whose addresses have not expired for a day.
///
/// # Errors
/// Of the database.
pub async fn needed_versions(reads: &SqlitePool, now_ms: i64) -> Result<HashSet<(String, i64)>, Problem> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT DISTINCT title_id, title_version FROM playback_sessions WHERE stopped_at IS NULL AND expires_at > $1",
    )
    .bind(now_ms - GRACE_MS)
    .fetch_all(reads)
    .await
    .map_err(database::problem)?;
    Ok(rows.into_iter().collect())
}
