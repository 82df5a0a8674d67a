//! Running the packager from a command: off the async threads, with progress, ended by a signal.

use kinora_kit::http::signal::Termination;
use kinora_media::{Cancel, IngestError};

use super::progress::Display;

/// Runs `work` with a progress display. A signal raises its cancel flag; the work then ends by itself, having tidied up.
///
/// # Errors
/// Those of the work; [`IngestError::Cancelled`] after a signal.
pub async fn run<T: Send + 'static>(
    termination: &mut Termination,
    work: impl FnOnce(&Display, &Cancel) -> Result<T, IngestError> + Send + 'static,
) -> anyhow::Result<T> {
    let cancel = Cancel::new();
    let flag = cancel.clone();
    let mut working = tokio::task::spawn_blocking(move || work(&Display::new(), &flag));
    let result = tokio::select! {
        result = &mut working => result,
        () = termination.wait() => {
            cancel.cancel();
            working.await
        }
    };
    Ok(result??)
}
