//! The client of the service: requests in, replies out, on a thread of its own.
//!
//! The interface never waits: it puts [`Request`]s into a bounded queue and takes [`Reply`]s from another. tokio and
//! reqwest live here and nowhere else in the app.

mod accounts;
mod client;
mod clock;
mod companion;
mod failure;
mod images;
mod position_outbox;
mod presence;
mod service;
mod session;
mod thumbnails;
mod title_change;
mod watch;

use std::collections::BTreeSet;
use std::sync::Arc;

use kinora_api::{
    Account, Heartbeat, Home, NowPlaying, PlaybackGrant, PlaybackSessionId, ProfileId, Row, SearchFilter,
    SearchResults, TitleDetail, TitleId, UnixMillis,
};

use client::Client;

pub use accounts::{AccountReply, AccountRequest, Told};
pub use failure::Failure;
pub use images::Picture;
pub use service::{Service, ServiceOptions};
pub use thumbnails::{Sprite, Sprites};
pub use title_change::TitleChange;

use crate::state::Credentials;

/// Called from any thread to say that there is something to draw. It must only wake.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// Tells where a playback is; called from the service's thread at every heartbeat.
pub type Probe = Arc<dyn Fn() -> Heartbeat + Send + Sync>;

/// A search: words, and what the titles are filtered by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchQuery {
    /// Words; empty finds all titles that pass the filters.
    pub text: String,
    /// The filters.
    pub filter: SearchFilter,
}

impl SearchQuery {
    /// Returns true if nothing is searched for.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.filter == SearchFilter::default()
    }
}

impl From<&str> for SearchQuery {
    fn from(text: &str) -> Self {
        Self { text: text.to_owned(), filter: SearchFilter::default() }
    }
}

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
    /// Further rows of the home screen, by the path in [`Home::next`]. Answered by [`Reply::MoreRows`].
    MoreRows(String),
    /// Further titles of a row of the home screen. Answered by [`Reply::MoreTitles`].
    MoreTitles {
        /// Id of the row.
        row: String,
        /// The path in [`Row::next`].
        path: String,
    },
    /// A title's page. Answered by [`Reply::Title`].
    Title(TitleId),
    /// Leave to play. Answered by [`Reply::Granted`].
    Authorize(TitleId),
    /// Leave to play in the place of another playback of the account, which ends. Answered by [`Reply::Granted`].
    AuthorizeInstead {
        /// Title to play.
        id: TitleId,
        /// The playback that ends.
        stop: PlaybackSessionId,
    },
    /// Take over a playback that runs on another device, or only its title when it runs no more. Answered by
    /// [`Reply::Granted`].
    TakeOver {
        /// Title that it plays.
        id: TitleId,
        /// The playback.
        session: PlaybackSessionId,
    },
    /// What the profile plays on the devices of the account. Answered by [`Reply::NowPlaying`], or not at all.
    NowPlaying,
    /// The titles that the profile has watched. Answered by [`Reply::Watched`], or not at all.
    Watched,
    /// Change what the profile keeps of a title. Answered by [`Reply::Changed`].
    Change(TitleId, TitleChange),
    /// Permission to play that is fetched before the viewer presses "Play". Answered by [`Reply::Prepared`].
    Prepare {
        /// Title of the page on screen.
        id: TitleId,
        /// Fetch the manifest too, so that the edge has it.
        manifest: bool,
    },
    /// Take the account's place for a film that begins with permission that was fetched ahead. Answered by
    /// [`Reply::Claimed`].
    Claim(PlaybackGrant),
    /// Give a leave back that nobody uses. Not answered.
    Abandon(PlaybackGrant),
    /// A picture by its path. Answered by [`Reply::Image`].
    Image(String),
    /// Ask everything from now on for this profile; `None` is the account's default. Answered by
    /// [`Reply::ProfileInUse`]; answers that were asked for another profile are dropped.
    UseProfile(Option<ProfileId>),
    /// Titles that match what the viewer typed and chose. Answered by [`Reply::Found`].
    Search(SearchQuery),
    /// Companion of the film on screen: its page and the pictures of its seek bar. Answered by
    /// [`Reply::Companion`], once with the page alone and again with the pictures, or not at all.
    Companion(TitleId),
    /// Something about the account, its profiles, its devices, or another way to sign in.
    Account(AccountRequest),
}

/// What the service answered.
#[derive(Clone, Debug)]
pub enum Reply {
    /// The session of the last start goes on, or there is none.
    Restored(Option<Account>),
    /// The service is away, so that it is not known whether the session of the last start goes on. The stored sign-in
    /// stays as it is.
    Offline {
        /// Failure of the request to the service.
        failure: Failure,
        /// The account as it was last seen, when its tokens are stored.
        account: Option<Account>,
        /// The account's home screens as they were last seen.
        homes: Vec<LastSeen>,
    },
    /// The service no longer answers; noticed without a request of the interface.
    Unreachable,
    /// The outcome of a sign-in.
    SignedIn(Result<Account, Failure>),
    /// Nobody is signed in any more.
    SignedOut,
    /// The session ended without the viewer's doing; only signing in again helps.
    SessionLost,
    /// The home screen.
    Home(Result<Home, Failure>),
    /// The home screen as a gateway had kept it, because the service behind it is silent.
    KeptHome {
        /// The answer.
        home: Home,
        /// Seconds since the service gave it.
        age_s: u64,
    },
    /// Further rows of the home screen, and the path that they were asked for by.
    MoreRows(String, Result<Home, Failure>),
    /// Further titles of a row of the home screen.
    MoreTitles {
        /// Id of the row.
        row: String,
        /// The path that they were asked for by.
        path: String,
        /// The row with only these titles.
        result: Result<Row, Failure>,
    },
    /// A title's page.
    Title(TitleId, Result<Box<TitleDetail>, Failure>),
    /// The outcome of asking for leave to play.
    Granted(TitleId, Result<PlaybackGrant, Failure>),
    /// The outcome of fetching permission ahead.
    Prepared(TitleId, Result<PlaybackGrant, Failure>),
    /// The outcome of taking a place.
    Claimed(PlaybackGrant, Result<(), Failure>),
    /// Another device took the place of a playback of this one.
    Displaced(PlaybackSessionId),
    /// Playbacks of the profile on the devices of the account.
    NowPlaying(Vec<NowPlaying>),
    /// The service's clock, if it differs from the one told before.
    ServiceClock {
        /// Milliseconds by which it is ahead of this computer's.
        ahead_ms: i64,
    },
    /// Titles that the profile has watched.
    Watched(BTreeSet<TitleId>),
    /// The outcome of a change.
    Changed(TitleId, TitleChange, Result<(), Failure>),
    /// An answer as a gateway had kept it, because the service behind it is silent.
    Kept {
        /// The answer.
        reply: Box<Reply>,
        /// Seconds since the service gave it.
        age_s: u64,
    },
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
    /// Answers from here on are for this profile.
    ProfileInUse(Option<ProfileId>),
    /// The titles that match a query, the best first.
    Found(SearchQuery, Result<SearchResults, Failure>),
    /// Companion of a film on screen.
    Companion(TitleId, Box<Companion>),
    /// The answer to [`Request::Account`].
    Account(AccountReply),
}

impl Reply {
    /// Returns true when the answer depends on the profile that asked: for another profile it is dropped.
    pub fn is_of_a_profile(&self) -> bool {
        match self {
            Self::Kept { reply, .. } => reply.is_of_a_profile(),
            Self::Home(_)
            | Self::KeptHome { .. }
            | Self::MoreRows(..)
            | Self::MoreTitles { .. }
            | Self::Title(..)
            | Self::Found(..)
            | Self::NowPlaying(_)
            | Self::Watched(_)
            | Self::Changed(..)
            | Self::Companion(..) => true,
            Self::Restored(_)
            | Self::Offline { .. }
            | Self::Unreachable
            | Self::SignedIn(_)
            | Self::SignedOut
            | Self::SessionLost
            | Self::Granted(..)
            | Self::Prepared(..)
            | Self::Claimed(..)
            | Self::Displaced(_)
            | Self::PlaybackStopped
            | Self::ServiceClock { .. }
            | Self::SecretsAt { .. }
            | Self::Image { .. }
            | Self::Account(_)
            | Self::ProfileInUse(_) => false,
        }
    }
}

/// A home screen as it was last seen, from the disk.
#[derive(Clone, Debug, PartialEq)]
pub struct LastSeen {
    /// The profile that saw it; `None` is the account's default.
    pub profile: Option<ProfileId>,
    /// Time of the answer, by this computer's clock.
    pub seen_at: UnixMillis,
    /// The home screen.
    pub home: Home,
}

/// Companion of a film on screen: the title's page and pictures.
#[derive(Clone, Debug, PartialEq)]
pub struct Companion {
    /// The title's page.
    pub detail: TitleDetail,
    /// The pictures of the seek bar; empty when the title has none or they cannot be read.
    pub sprites: Sprites,
}
