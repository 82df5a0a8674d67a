//! Ends the app in order when the system asks for it, so that the last position is stored.

use std::time::Duration;

use eframe::egui::{self, ViewportCommand};

/// Time that the window has to close by itself.
const PATIENCE: Duration = Duration::from_secs(6);

/// Closes the window on SIGTERM, SIGINT or SIGHUP. A second signal, or a window that does not close in time, ends the
/// process.
///
/// # Errors
/// The thread or its runtime could not be made; the signals then end the process at once, as ever.
#[cfg(unix)]
pub fn close_on_signal(ctx: &egui::Context) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ctx = ctx.clone();
    let serve = async move {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut hang_up = signal(SignalKind::hangup())?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hang_up.recv() => {}
        }
        ctx.send_viewport_cmd(ViewportCommand::Close);
        ctx.request_repaint_after(Duration::from_millis(1));
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = tokio::time::sleep(PATIENCE) => {}
        }
        tracing::warn!("the window did not close in time");
        std::process::exit(1);
    };
    std::thread::Builder::new().name("kinora-signals".to_owned()).spawn(move || {
        let outcome: std::io::Result<()> = runtime.block_on(serve);
        if let Err(error) = outcome {
            tracing::warn!(%error, "signals end the app without storing the last position");
        }
    })?;
    Ok(())
}

/// Does nothing: other systems close the window themselves.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn close_on_signal(_ctx: &egui::Context) -> std::io::Result<()> {
    Ok(())
}
