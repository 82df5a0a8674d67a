//! What the viewer asked for. Views send these and nothing else; only [`crate::state`] acts on them.

use kinora_api::events::Rating;
use kinora_api::{PlaybackSessionId, ProfileId, ProfileRequest, SearchFilter, TitleId};
use player_core::command::{QualityChoice, TrackChoice};

use crate::state::{DialogKind, FilterGroup, Focus, Menu, Settings, SignInPage};

/// Where a title begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// Where the profile left off.
    Resume,
    /// At the beginning.
    Start,
}

/// A change of the viewer's own zoom factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zoom {
    /// Larger by a tenth.
    In,
    /// Smaller by a tenth.
    Out,
    /// As large as the window asks for.
    Reset,
}

/// A change of what the profile keeps of titles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LibraryCommand {
    /// Put a title on the list of the profile, or take it off.
    List(TitleId, bool),
    /// Mark a title as watched, or as never begun.
    MarkWatched(TitleId, bool),
    /// Rate a title, or take the rating back.
    Rate(TitleId, Option<Rating>),
    /// Remove a title from "Continue watching".
    RemoveFromContinue(TitleId),
    /// Take the removal back that the notice tells of.
    Undo,
    /// Let presses on cards of "Continue watching" remove them, or no longer.
    EditContinue(bool),
}

/// One wish of the viewer.
#[derive(Clone, Debug, PartialEq)]
pub enum UiCommand {
    /// The e-mail field now reads so.
    EditEmail(String),
    /// The password field now reads so.
    EditPassword(String),
    /// Show the password as it is typed, or hide it.
    ShowPassword(bool),
    /// Send the form before the sign-in.
    SignIn,
    /// Forget the session.
    SignOut,
    /// Show the home screen.
    GoHome,
    /// Show what was shown before.
    Back,
    /// Ask for the page's data again.
    Reload,
    /// Show a title's page.
    OpenTitle(TitleId),
    /// Play a title.
    Play(TitleId, Begin),
    /// The end of the home screen is near: show further rows.
    MoreRows,
    /// The end of the row with this id is near: show further titles.
    MoreTitles(String),
    /// The keyboard's focus on the home screen is here now.
    FocusAt(Focus),
    /// Open or close the settings.
    ToggleSettings,
    /// Use these settings from now on.
    ChangeSettings(Settings),
    /// Make everything larger or smaller.
    Zoom(Zoom),
    /// Close the notice.
    DismissNotice,
    /// Open the search page, or put the focus into its field.
    OpenSearch,
    /// Something about the search.
    Search(SearchCommand),
    /// Show a season of the series by its number.
    ShowSeason(u16),
    /// Ask who watches.
    SwitchProfile,
    /// Go on with this profile.
    ChooseProfile(ProfileId),
    /// Ask the service again now, while it is away.
    RetryNow,
    /// Show or hide the technical part of the error card.
    ToggleDetails,
    /// Put a text on the clipboard.
    Copy(String),
    /// Change what the profile keeps of titles.
    Library(LibraryCommand),
    /// Go on here with a playback of another device.
    TakeOver(PlaybackSessionId),
    /// End a playback of the account, and begin the film that was refused in its place.
    StopOther(PlaybackSessionId),
    /// Something about the account, its profiles, or another way to sign in.
    Account(AccountCommand),
    /// Something about the player.
    Player(PlayerCommand),
}

/// One wish of the viewer about the search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SearchCommand {
    /// The field now reads so.
    Edit(String),
    /// Search for what the field reads: it is a search to remember.
    Submit,
    /// Show the values of a group of filters, or hide them.
    ToggleGroup(FilterGroup),
    /// Search with these filters.
    Filter(SearchFilter),
    /// Search without filters.
    ClearFilters,
    /// Search again for a text.
    Recall(String),
    /// Forget a recent search.
    Forget(String),
    /// Forget all recent searches of the profile.
    ForgetAll,
}

/// One wish of the viewer about the account.
#[derive(Clone, Debug, PartialEq)]
pub enum AccountCommand {
    /// Show another page before the sign-in.
    ShowSignIn(SignInPage),
    /// The name field of a new account now reads so.
    EditName(String),
    /// The field for a mailed code now reads so.
    EditCode(String),
    /// Mail another code.
    SendAgain,
    /// Ask for another code for the phone.
    NewCode,
    /// Show the account page.
    Open,
    /// A press on a profile changes it from now on, or goes on with it again.
    EditProfiles(bool),
    /// Show the page of a new profile.
    NewProfile,
    /// Show the page on which a profile is changed.
    EditProfile(ProfileId),
    /// The settings on that page are these now.
    ChangeProfile(Box<ProfileRequest>),
    /// Save them.
    SaveProfile,
    /// Leave that page.
    LeaveProfile,
    /// Open a dialog.
    Ask(DialogKind),
    /// A field of the dialog, counted from 0, now reads so.
    EditField(usize, String),
    /// Show the passwords of the dialog as they are typed, or hide them.
    ShowPasswords(bool),
    /// Add a digit, 0–9, to the PIN.
    Digit(u8),
    /// Take the last digit of the PIN away.
    EraseDigit,
    /// Do what the dialog is about.
    Confirm,
    /// Close the dialog.
    Cancel,
}

/// One wish of the viewer about what plays.
#[derive(Clone, Debug, PartialEq)]
pub enum PlayerCommand {
    /// Play when paused, pause when playing, play again when ended.
    TogglePlay,
    /// Go by so many milliseconds.
    SeekBy(i64),
    /// Go to a place in seconds.
    SeekTo {
        /// The target on the presentation timeline.
        seconds: f64,
        /// The viewer is still dragging: nearby is good enough.
        scrubbing: bool,
    },
    /// Go to the live edge and play there.
    GoLive,
    /// Go to so many tenths of the length.
    SeekToTenth(u8),
    /// One picture forwards or back, while paused.
    StepFrame {
        /// Forwards.
        forward: bool,
    },
    /// Put the volume slider here (0–1).
    SetVolume(f32),
    /// Move the volume slider by so much.
    ChangeVolume(f32),
    /// Silence on or off.
    ToggleMute,
    /// Full screen on or off.
    ToggleFullscreen,
    /// Faster or slower by one step.
    ChangeRate {
        /// Faster.
        faster: bool,
    },
    /// Play at this speed, 1 being the film's own.
    SetRate(f64),
    /// Show or hide a menu.
    ToggleMenu(Menu),
    /// Choose the audio.
    SelectAudio(TrackChoice),
    /// Choose the subtitles.
    SelectText(TrackChoice),
    /// Subtitles on or off.
    ToggleText,
    /// Choose the quality.
    SelectQuality(QualityChoice),
    /// Go to the next chapter, or to the previous one.
    TurnChapter {
        /// The next one.
        forward: bool,
    },
    /// Go to a chapter by its number from 0.
    GoToChapter(usize),
    /// Skip the part that is offered to be skipped, or the credits before the next episode.
    Skip,
    /// Play the next episode now.
    PlayNext,
    /// Watch the credits: the next episode is not to begin by itself.
    StopNext,
    /// Show or hide the statistics.
    ToggleStats,
    /// The pointer moved or a key was pressed.
    Activity,
    /// Close the menu, else leave full screen, else leave the player.
    Escape,
    /// Leave the player.
    Leave,
    /// Try again after an error.
    Retry,
    /// The size in physical pixels at which video is shown.
    Viewport {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
}
