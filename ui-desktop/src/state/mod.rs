//! What the app knows, as plain data, and how it changes: `update(state, message) → effects`.
//!
//! Nothing here draws, waits or talks to anybody. Views read [`AppState`]; [`crate::app`] carries out the
//! [`Effect`]s. Every rule of the interface is therefore testable without a window.

mod accounts;
mod ahead;
mod cards;
mod choices;
mod confirmation;
mod dialog;
mod elsewhere;
mod events;
mod film;
mod focus;
mod format;
mod home_pages;
mod kept;
mod keys;
mod language;
mod library;
mod live;
mod lru;
mod moment;
mod next_up;
mod on_air;
mod outage;
mod pages;
mod player;
mod preferences;
mod problem;
mod profile_editor;
mod profiles;
mod recent;
mod replies;
mod search;
mod service_words;
mod settings;
mod sign_in;
mod skips;
mod update;
mod waiting;
mod watching;

use kinora_api::{
    Account, Home, PlaybackGrant, ProfileId, Season, Secret, TitleCard, TitleDetail, TitleId, UnixMillis,
};
use player_core::command::LoadRequest;
use player_core::{Command, Event};
use url::Url;

use crate::api::{LastSeen, Reply, Request};
use crate::command::UiCommand;

pub use accounts::AccountPages;
pub use ahead::Ahead;
pub use cards::{episode_label, find_card, full_name, name_in_series, play_words, to_play};
pub use choices::{Choices, TitleChoice, TrackMark};
pub use dialog::{Dialog, DialogKind, FieldContent, FieldSpec, PIN_LENGTH};
pub use elsewhere::{Elsewhere, device_name};
pub use focus::{Focus, HeroButton};
pub use format::{bitrate, clock, runtime, time_left};
pub use home_pages::HomePages;
pub use kept::{KeptAnswer, KeptPage, on_screen as kept_page};
pub use keys::{VOLUME_STEP, player_command};
pub use language::language_name;
pub use library::Library;
pub use live::{LiveBar, behind_words, is_live, live_lines};
pub use lru::ByteLru;
pub use moment::Moment;
pub use next_up::{follows_by_itself, next_episode};
pub use on_air::{AirClock, Showing, showing};
pub use outage::Outage;
pub use player::{Flash, Menu, NextUp, PlayerState, RATES, Source, quality_menu, timeline, track_name};
pub use preferences::{Changed, CueLook, cue_look, settings as settings_in_force};
pub use problem::Problem;
pub use profile_editor::{MAX_NAME, MAX_PROFILES, ProfileEditor};
pub use profiles::last_chosen;
pub use recent::RecentSearches;
pub use search::{FilterGroup, SearchState, genres, recent as recent_searches};
pub use service_words::service_words;
pub use settings::{CueSize, DataSaver, Settings, WindowPlace};
pub use sign_in::{PhoneCode, PhoneSignIn, SignInForm, SignInPage};
pub use skips::{SkipOffer, chapter_at, chapters, skip_offer, to_seconds};
pub use update::{next_tick, start, update};
pub use waiting::{Waiting, next_change as next_wait_change, waiting};
pub use watching::watching;

/// Data that is asked for over the network.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Load<T> {
    /// Not asked for.
    #[default]
    Idle,
    /// On its way.
    Loading,
    /// Here.
    Ready(T),
    /// It could not be had.
    Failed(Problem),
}

impl<T> Load<T> {
    /// The data, when here.
    pub const fn ready(&self) -> Option<&T> {
        match self {
            Self::Ready(data) => Some(data),
            Self::Idle | Self::Loading | Self::Failed(_) => None,
        }
    }
}

/// Which page is on screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// A stored session is being looked for.
    Starting,
    /// The sign-in form.
    SignIn,
    /// Who watches.
    Profiles,
    /// A profile that is made or changed.
    EditProfile,
    /// The account: its address, its PIN, its devices.
    Account,
    /// Posters in rows.
    Home,
    /// Search as one types.
    Search,
    /// One title.
    Title(TitleId),
    /// The picture.
    Player,
}

/// Why the app was started.
#[derive(Clone, Debug)]
pub enum Launch {
    /// To play one address, without a backend.
    Address(Url),
    /// To browse a service.
    Service {
        /// Who signs in without being asked.
        credentials: Option<Credentials>,
    },
}

/// An address and a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The account's address.
    pub email: String,
    /// Its password.
    pub password: Secret,
    /// Code that was mailed because the sign-in is unusual; `None` unless the service asked for one.
    pub code: Option<Secret>,
}

/// The home screen.
#[derive(Clone, Debug, Default)]
pub struct HomeState {
    /// What there is to see.
    pub data: Load<Home>,
    /// Time at which the service answered so; `None` until it has.
    pub seen_at: Option<UnixMillis>,
    /// The gateway gave what is shown from what it had kept; `None` when the service itself answered.
    pub kept: Option<KeptAnswer>,
    /// Further rows and titles that have been asked for.
    pub pages: HomePages,
    /// Where the keyboard's focus is; `None` until a key is used.
    pub focus: Option<Focus>,
}

/// A title's page.
#[derive(Clone, Debug, Default)]
pub struct TitleState {
    /// Everything about the title.
    pub data: Load<TitleDetail>,
    /// What the poster wall knew, to draw at once.
    pub card: Option<TitleCard>,
    /// The gateway gave what is shown from what it had kept; `None` when the service itself answered.
    pub kept: Option<KeptPage>,
    /// Number of the season that the viewer looks at; `None` is that of the episode to play next.
    pub season: Option<u16>,
    /// Pages as they were last answered, the latest last, so that the way back finds them as they were left.
    seen: Vec<TitleDetail>,
}

impl TitleState {
    /// Maximum pages that are kept for the way back.
    const MAX_SEEN: usize = 16;

    /// Begins the page of a title that is opened anew.
    fn open(&mut self, card: Option<TitleCard>) {
        self.data = Load::Loading;
        self.card = card;
        self.kept = None;
        self.season = None;
    }

    /// Begins the page of a title that is returned to, with what it showed.
    fn reopen(&mut self, id: &TitleId, card: Option<TitleCard>) {
        self.open(card);
        if let Some(seen) = self.seen.iter().find(|detail| detail.card.id == *id) {
            self.data = Load::Ready(seen.clone());
        }
    }

    /// Returns the season that is shown of a series.
    pub fn season<'a>(&self, detail: &'a TitleDetail) -> Option<&'a Season> {
        let next = detail.up_next.as_ref().and_then(|card| card.episode.as_ref()).map(|place| place.season);
        let is_it = |number: u16| detail.seasons.iter().find(move |season| season.number == number);
        self.season.and_then(is_it).or_else(|| next.and_then(is_it)).or(detail.seasons.first())
    }

    /// Takes an answer.
    fn take(&mut self, detail: TitleDetail) {
        self.seen.retain(|seen| seen.card.id != detail.card.id);
        self.seen.push(detail.clone());
        let excess = self.seen.len().saturating_sub(Self::MAX_SEEN);
        self.seen.drain(..excess);
        self.data = Load::Ready(detail);
    }
}

/// A line at the bottom of a page that goes away by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// What it says.
    pub text: String,
    /// When it came, in seconds of the interface's clock.
    pub since: f64,
}

/// Everything the views draw from, apart from the player's own snapshot.
#[derive(Clone, Debug)]
pub struct AppState {
    /// Which page is on screen.
    pub route: Route,
    /// Pages to go back to, the latest last; short, because titles lead only to titles.
    pub history: Vec<Route>,
    /// Who is signed in.
    pub account: Option<Account>,
    /// The sign-in form.
    pub sign_in: SignInForm,
    /// The account page, profiles that are changed, and dialogs about them.
    pub accounts: AccountPages,
    /// The home screen.
    pub home: HomeState,
    /// The title page.
    pub title: TitleState,
    /// The service's clock, by which channels show their programmes.
    pub air: AirClock,
    /// The title that the app was started for, until its page is here: a channel then plays at once.
    pub opens: Option<TitleId>,
    /// Permission to play that the title page fetches ahead.
    pub ahead: Ahead,
    /// The search page.
    pub search: SearchState,
    /// What the profile keeps of titles.
    pub library: Library,
    /// What plays on the account's other devices.
    pub elsewhere: Elsewhere,
    /// The profile that watches; `None` is the account's default.
    pub profile: Option<ProfileId>,
    /// Answers on their way were asked for another profile and are dropped.
    pub profile_pending: bool,
    /// The service is away.
    pub outage: Option<Outage>,
    /// The request that opens the session, until the service has answered it.
    pub opening: Option<Request>,
    /// Home screens from the disk, to be shown while the service is away.
    pub last_seen: Vec<LastSeen>,
    /// What was chosen for titles.
    pub choices: Choices,
    /// Recent searches of all profiles.
    pub recent: RecentSearches,
    /// The error card shows its technical part.
    pub details_open: bool,
    /// What plays, while something plays.
    pub player: Option<PlayerState>,
    /// What the viewer set.
    pub settings: Settings,
    /// Settings that the viewer has changed here since the profile came.
    pub changed_here: Changed,
    /// The settings are open.
    pub settings_open: bool,
    /// A line to read.
    pub notice: Option<Notice>,
    /// The window fills the screen.
    pub fullscreen: bool,
    /// There is no service to go home to.
    pub standalone: bool,
    /// Where the sign-in is kept on this computer.
    pub secrets_place: Option<&'static str>,
}

impl AppState {
    /// Returns true while the settings or a dialog lie over the page.
    pub const fn has_sheet(&self) -> bool {
        self.settings_open || self.accounts.dialog.is_some()
    }

    /// Returns the title of the window: what plays, and the app's name.
    pub fn window_title(&self) -> String {
        match &self.player {
            Some(player) => format!("{} – Kinora", player.name()),
            None => "Kinora".to_owned(),
        }
    }
}

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Message {
    /// The viewer asked for something.
    Ui(UiCommand),
    /// The service answered.
    Api(Box<Reply>),
    /// The player announced something.
    Player(Event),
    /// The player could not be made or did not take a command.
    PlayerRefused(player_core::PlayerError),
    /// The window has been moved or resized.
    WindowAt(WindowPlace),
    /// Time has passed.
    Tick,
}

/// Something to be done outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Ask the service.
    Api(Request),
    /// Make a player when there is none, and load this.
    Load(LoadRequest),
    /// Tell the player.
    Player(Command),
    /// Report on this playback to the service until it ends.
    Watch(PlaybackGrant),
    /// Report the last position of the playback and let the player go.
    EndPlayback,
    /// Report that the film was seen to its end, and let the player go.
    FinishPlayback,
    /// Fill the screen, or not.
    Fullscreen(bool),
    /// Write the settings down.
    SaveSettings(Settings),
    /// Write down what was chosen for titles.
    SaveChoices,
    /// Write down the recent searches.
    SaveRecent,
    /// Put a text on the clipboard.
    Copy(String),
    /// Close the window.
    Quit,
}
