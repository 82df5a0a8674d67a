//! Retention of replaced versions: a version of a title stays for as long as a playback may ask for it.

use std::sync::Weak;
use std::time::Duration;

use kinora_api::ApiError;
use tokio::sync::watch;

use crate::shared::Shared;

/// Time from one sweep to the next when no title changes.
const EVERY: Duration = Duration::from_secs(3600);
/// Sweeps at once, whenever titles have changed, and every hour; ends with the service.
pub(crate) async fn run(shared: Weak<Shared>, mut changes: watch::Receiver<u64>) {
    loop {
        let Some(shared) = shared.upgrade() else { return };
        if let Err(error) = sweep(&shared).await {
            tracing::error!(%error, "replaced versions could not be removed");
        }
        drop(shared);
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

async fn sweep(shared: &Shared) -> Result<(), ApiError> {
    let needed = shared.deps.playback.needed_versions().await?;
    let needed = needed.into_iter().map(|needed| (needed.title, needed.version)).collect();
    Ok(shared.catalogue.sweep_versions(needed).await?)
}
