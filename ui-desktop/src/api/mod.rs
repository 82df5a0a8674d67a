//! The client of the service: requests in, replies out, on a thread of its own.
//!
//! The interface never waits: it puts [`Request`]s into a bounded queue and takes [`Reply`]s from another. tokio and
//! reqwest live here and nowhere else in the app.

mod client;
mod failure;
mod images;
mod service;
mod session;
mod watch;

use std::sync::Arc;

use kinora_api::{Account, Heartbeat, Home, PlaybackGrant, TitleDetail, TitleId};

use client::Client;

pub use failure::Failure;
pub use images::Picture;
pub use service::{Service, ServiceOptions};

use crate::state::Credentials;

/// Called from any thread to say that there is something to draw. It must only wake.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// Tells where a playback is; called from the service's thread at every heartbeat.
pub type Probe = Arc<dyn Fn() -> Heartbeat + Send + Sync>;

/// What the interface asks of the service.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Go on with the session of the last start, if there is one. Answered by [`Reply::Restored`].
    Restore,
    /// Sign in. Answered by [`Reply::SignedIn`].
    SignIn {
        /// Who.
        credentials: Credentials,
        /// Keep trying for some seconds when nobody answers: the service may still be starting.
        patient: bool,
    },
    /// Revoke this device's tokens. Answered by [`Reply::SignedOut`].
    SignOut,
    /// The home screen. Answered by [`Reply::Home`].
    Home,
    /// A title's page. Answered by [`Reply::Title`].
    Title(TitleId),
    /// Leave to play. Answered by [`Reply::Granted`].
    Authorize(TitleId),
    /// Give a leave back that nobody uses. Not answered.
    Abandon(PlaybackGrant),
    /// A picture by its path. Answered by [`Reply::Image`].
    Image(String),
}

/// What the service answered.
#[derive(Clone, Debug)]
pub enum Reply {
    /// The session of the last start goes on, or there is none.
    Restored(Option<Account>),
    /// The outcome of a sign-in.
    SignedIn(Result<Account, Failure>),
    /// Nobody is signed in any more.
    SignedOut,
    /// The session ended without the viewer's doing; only signing in again helps.
    SessionLost,
    /// The home screen.
    Home(Result<Home, Failure>),
    /// A title's page.
    Title(TitleId, Result<TitleDetail, Failure>),
    /// The outcome of asking for leave to play.
    Granted(TitleId, Result<PlaybackGrant, Failure>),
    /// The last position of a playback has arrived.
    PlaybackStopped,
    /// Where the sign-in is kept on this computer, and what the viewer should know of it, once.
    SecretsAt {
        /// The end of the sentence "Your sign-in is kept …".
        place: &'static str,
        /// A sentence, when the place is not the one to be expected.
        notice: Option<String>,
    },
    /// A picture, or none.
    Image {
        /// Its path.
        path: String,
        /// The picture; `None` when it could not be had.
        picture: Option<Picture>,
    },
}
