//! What the app knows, as plain data, and how it changes: `update(state, message) → effects`.
//!
//! Nothing here draws, waits or talks to anybody. Views read [`AppState`]; [`crate::app`] carries out the
//! [`Effect`]s. Every rule of the interface is therefore testable without a window.

mod focus;
mod format;
mod keys;
mod language;
mod lru;
mod player;
mod problem;
mod settings;
mod update;

use kinora_api::{Account, Home, PlaybackGrant, Secret, TitleCard, TitleDetail, TitleId};
use player_core::command::LoadRequest;
use player_core::{Command, Event};
use url::Url;

use crate::api::{Reply, Request};
use crate::command::UiCommand;

pub use focus::{Focus, HeroButton};
pub use format::{bitrate, clock, runtime, time_left};
pub use keys::player_command;
pub use language::language_name;
pub use lru::ByteLru;
pub use player::{Flash, Menu, PlayerState, RATES, Source, quality_menu, seek_bar, timeline, track_name};
pub use problem::Problem;
pub use settings::{CueSize, DataSaver, Settings};
pub use update::{Moment, start, update};

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
    /// Posters in rows.
    Home,
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
}

/// The sign-in form.
#[derive(Clone, Debug, Default)]
pub struct SignInForm {
    /// What the e-mail field reads.
    pub email: String,
    /// What the password field reads.
    pub password: String,
    /// The password is shown as it is typed.
    pub shows_password: bool,
    /// An answer is awaited.
    pub busy: bool,
    /// Why it did not work.
    pub error: Option<String>,
}

/// The home screen.
#[derive(Clone, Debug, Default)]
pub struct HomeState {
    /// What there is to see.
    pub data: Load<Home>,
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
    /// The home screen.
    pub home: HomeState,
    /// The title page.
    pub title: TitleState,
    /// What plays, while something plays.
    pub player: Option<PlayerState>,
    /// What the viewer set.
    pub settings: Settings,
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
    /// Fill the screen, or not.
    Fullscreen(bool),
    /// Write the settings down.
    SaveSettings(Settings),
    /// Close the window.
    Quit,
}
