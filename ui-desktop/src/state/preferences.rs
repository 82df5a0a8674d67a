//! Settings as they hold now: those of this device, over which the profile's own go until the viewer changes them here.

use kinora_api::{Profile, SubtitleBackground, SubtitleColour, SubtitleSize, SubtitleStyle};
use player_core::command::TrackChoice;
use player_core::model::MediaKind;
use player_core::{Command, Snapshot};

use super::watching::watching;
use super::{AppState, CueSize, DataSaver, Effect, Settings};

/// Limit of a profile that saves data, unless this device has a lower one.
const SAVING: DataSaver = DataSaver::Medium;

/// Settings that the viewer has changed on this device since the profile came: the profile's no longer hold, until they
/// are changed in their turn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    flags: Flags,
    /// The profile's settings against which they were changed.
    against: Option<Own>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Flags {
    cue_size: bool,
    audio_language: bool,
    data_saver: bool,
}

/// A profile's own settings.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Own {
    style: Option<SubtitleStyle>,
    language: Option<String>,
    data_saver: bool,
}

impl Own {
    fn of(profile: &Profile) -> Self {
        Self { style: profile.subtitle_style, language: profile.language.clone(), data_saver: profile.data_saver }
    }
}

/// Returns which of the profile's settings no longer hold here.
fn changed(state: &AppState) -> Flags {
    let now = watching(state).map(Own::of);
    if state.changed_here.against == now { state.changed_here.flags } else { Flags::default() }
}

/// Look of subtitles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CueLook {
    /// Size of the letters.
    pub size: CueSize,
    /// Colour of letters that have none of their own.
    pub colour: SubtitleColour,
    /// Background of lines that have none of their own.
    pub background: SubtitleBackground,
}

/// Returns the settings as they hold for the profile that watches.
pub fn settings(state: &AppState) -> Settings {
    let mut settings = state.settings.clone();
    let Some(profile) = watching(state) else { return settings };
    let changed = changed(state);
    if let Some(style) = profile.subtitle_style.filter(|_| !changed.cue_size) {
        settings.cue_size = cue_size(style.size);
    }
    if let Some(language) = profile.language.as_ref().filter(|_| !changed.audio_language) {
        settings.audio_language = Some(language.clone());
    }
    if profile.data_saver && !changed.data_saver {
        let is_lower = |saver: DataSaver| saver.max_bitrate_bps() < SAVING.max_bitrate_bps();
        settings.data_saver =
            Some(settings.data_saver).filter(|own| *own != DataSaver::Off && is_lower(*own)).unwrap_or(SAVING);
    }
    settings
}

/// Returns the look of subtitles for the profile that watches.
pub fn cue_look(state: &AppState) -> CueLook {
    let SubtitleStyle { colour, background, .. } =
        watching(state).and_then(|profile| profile.subtitle_style).unwrap_or_default();
    CueLook { size: settings(state).cue_size, colour, background }
}

const fn cue_size(size: SubtitleSize) -> CueSize {
    match size {
        SubtitleSize::Small => CueSize::Small,
        SubtitleSize::Medium => CueSize::Medium,
        SubtitleSize::Large => CueSize::Large,
    }
}

/// Takes settings that the viewer has changed. Only what differs from what held before is a change: the profile's values
/// are not written down as this device's.
pub fn change(state: &mut AppState, wanted: Settings, effects: &mut Vec<Effect>) {
    let before = settings(state);
    let own = state.settings.clone();
    let mut changed = changed(state);
    changed.cue_size |= wanted.cue_size != before.cue_size;
    changed.audio_language |= wanted.audio_language != before.audio_language;
    changed.data_saver |= wanted.data_saver != before.data_saver;
    if wanted.data_saver != before.data_saver {
        effects.push(Effect::Player(Command::SetMaxBitrate(wanted.data_saver.max_bitrate_bps())));
    }
    let mut kept = wanted;
    if !changed.cue_size {
        kept.cue_size = own.cue_size;
    }
    if !changed.audio_language {
        kept.audio_language = own.audio_language;
    }
    if !changed.data_saver {
        kept.data_saver = own.data_saver;
    }
    state.changed_here = Changed { flags: changed, against: watching(state).map(Own::of) };
    state.settings = kept.clone();
    effects.push(Effect::SaveSettings(kept));
}

/// Returns the command that shows subtitles in the profile's language, for a film that is not spoken in it. The viewer's own
/// choice of subtitles goes before this.
pub fn subtitles_instead(state: &AppState, snapshot: &Snapshot) -> Option<Effect> {
    let settings = settings(state);
    let wanted = settings.audio_language.filter(|_| settings.text_language.is_none())?;
    let is_wanted = |language: &Option<String>| language.as_deref().is_some_and(|tag| primary(tag) == primary(&wanted));
    let mut audio = snapshot.tracks.iter().filter(|track| track.kind == MediaKind::Audio).peekable();
    if audio.peek().is_none() || audio.any(|track| is_wanted(&track.language)) {
        return None;
    }
    let text = |track: &&player_core::snapshot::Track| track.kind == MediaKind::Text && !track.forced;
    let track = snapshot.tracks.iter().filter(text).find(|track| is_wanted(&track.language))?;
    Some(Effect::Player(Command::SelectText(TrackChoice::Track(track.id.clone()))))
}

/// Returns the language of a BCP 47 tag without its region and script.
fn primary(tag: &str) -> String {
    tag.split(['-', '_']).next().unwrap_or(tag).to_ascii_lowercase()
}
