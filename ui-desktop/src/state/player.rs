//! What the interface knows about the film on screen, and what the viewer's wishes mean for the player.

use kinora_api::{PlaybackGrant, PlaybackSessionId, Protocol, TitleCard, TitleId, TitleKind};
use player_core::command::{LoadRequest, QualityChoice, SeekMode, TrackChoice};
use player_core::drm::DrmConfig;
use player_core::model::MediaKind;
use player_core::snapshot::Track;
use player_core::{Command, MediaTime, Snapshot, State};
use url::Url;

use super::{Effect, LiveBar, Moment, Problem, Settings, TitleChoice, behind_words};
use crate::api::{Companion, Request};
use crate::command::{Begin, PlayerCommand};
use crate::theme::tokens::time;

/// A menu over the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Menu {
    /// Languages of the sound.
    Audio,
    /// Subtitles.
    Subtitles,
    /// Qualities.
    Quality,
    /// How fast the film plays.
    Speed,
    /// Chapters of the film.
    Chapters,
}

/// Where what plays came from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// An address from the command line.
    Address(Url),
    /// A title of the catalogue, with the leave to play it once it is here.
    Title {
        /// The title.
        card: Box<TitleCard>,
        /// Where it was to begin.
        begin: Begin,
        /// The leave to play.
        grant: Option<Box<PlaybackGrant>>,
    },
}

/// A short word over the picture that answers a key.
#[derive(Clone, Debug, PartialEq)]
pub struct Flash {
    /// What it says.
    pub text: String,
    /// When it came, in seconds of the interface's clock.
    pub since: f64,
}

/// Offer of the episode after the film.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum NextUp {
    /// The credits have not begun, or nothing follows.
    #[default]
    Hidden,
    /// The next episode begins after so many seconds in which the film plays.
    Counting {
        /// Seconds that are left.
        left: f64,
        /// Time of the interface's clock at which they were.
        at: f64,
    },
    /// The next episode is offered and begins when the viewer asks for it.
    Offered,
    /// The viewer watches the credits.
    Stopped,
}

impl NextUp {
    /// Returns true while the offer is on screen.
    pub const fn is_shown(self) -> bool {
        matches!(self, Self::Counting { .. } | Self::Offered)
    }
}

/// The film on screen.
#[derive(Clone, Debug)]
pub struct PlayerState {
    /// Where it came from.
    pub source: Source,
    /// Why it does not play.
    pub problem: Option<Problem>,
    /// The open menu.
    pub menu: Option<Menu>,
    /// The statistics are shown.
    pub stats: bool,
    /// When the viewer last moved or pressed something.
    pub last_activity: f64,
    /// The word over the picture.
    pub flash: Option<Flash>,
    /// The last subtitles chosen, for switching them off and on.
    pub last_text: Option<TrackChoice>,
    /// Where to go on after an error; set when one comes.
    pub resume_at: Option<MediaTime>,
    /// False once the player has found no device to play sound on.
    pub has_sound_device: bool,
    /// When a new leave to play was last asked for without the viewer's doing.
    pub renewed_at: Option<f64>,
    /// The last size told to the player.
    pub viewport: Option<(u32, u32)>,
    /// A picture has been on screen.
    pub started: bool,
    /// When the present wait began.
    pub waiting_since: Option<f64>,
    /// The title's page and the pictures of its seek bar, once they are here.
    pub companion: Option<Box<Companion>>,
    /// They have been asked for.
    pub companion_asked: bool,
    /// The tracks have been brought to what was chosen for the title.
    pub choice_applied: bool,
    /// What the seek bar spanned before an error.
    pub last_timeline: Option<(f64, f64)>,
    /// Time at which the error card tries again by itself; `None` when only the viewer can.
    pub retry_at: Option<f64>,
    /// Errors in a row without a picture between them.
    pub failures: u32,
    /// The playback that a new one was asked for in place of; its end explains what the edges refuse.
    pub last_session: Option<PlaybackSessionId>,
    /// Offer of the next episode.
    pub next: NextUp,
}

impl PlayerState {
    /// A film that is about to be asked for.
    pub fn new(source: Source, now: f64) -> Self {
        Self {
            source,
            problem: None,
            menu: None,
            stats: false,
            last_activity: now,
            flash: None,
            last_text: None,
            resume_at: None,
            has_sound_device: true,
            renewed_at: None,
            viewport: None,
            started: false,
            waiting_since: Some(now),
            companion: None,
            companion_asked: false,
            choice_applied: false,
            last_timeline: None,
            retry_at: None,
            failures: 0,
            last_session: None,
            next: NextUp::Hidden,
        }
    }

    /// Returns the card of the title that plays; `None` for an address.
    pub fn card(&self) -> Option<&TitleCard> {
        match &self.source {
            Source::Title { card, .. } => Some(card),
            Source::Address(_) => None,
        }
    }

    /// Returns true when this title plays, or is about to.
    pub fn is_title(&self, id: &TitleId) -> bool {
        matches!(&self.source, Source::Title { card, .. } if card.id == *id)
    }

    /// Returns what the seek bar shows, in seconds: start, end and position. While a film is loaded again after an
    /// error it shows the span and the place from before; `None` while nothing is known.
    pub fn bar(&self, snapshot: &Snapshot, position: MediaTime) -> Option<(f64, f64, f64)> {
        match timeline(snapshot) {
            Some((start, end)) => Some((start, end, position.as_secs_f64())),
            None => {
                let (start, end) = self.last_timeline?;
                Some((start, end, self.resume_at.map_or(start, MediaTime::as_secs_f64)))
            }
        }
    }

    /// The name to show over the picture.
    pub fn name(&self) -> String {
        match &self.source {
            Source::Title { card, .. } => super::full_name(card),
            Source::Address(url) => {
                let file = url.path_segments().and_then(|mut parts| parts.rfind(|part| !part.is_empty()));
                file.or(url.host_str()).unwrap_or("Stream").to_owned()
            }
        }
    }

    /// True while the controls are to be seen.
    pub fn controls_visible(&self, snapshot: &Snapshot, now: f64) -> bool {
        !snapshot.is_playing() || self.menu.is_some() || now - self.last_activity < time::OVERLAY_IDLE
    }

    /// What the player is to load for a title, now that it may. Addresses that cannot be read are left out.
    /// What was chosen for the title goes before the settings.
    pub fn load_request(&self, settings: &Settings, choice: Option<&TitleChoice>) -> Option<LoadRequest> {
        let (locations, start) = match &self.source {
            Source::Address(url) => (vec![url.clone()], None),
            Source::Title { card, begin, grant } => {
                let grant = grant.as_deref()?;
                let urls = [Protocol::Hls, Protocol::Dash].map(|protocol| grant.urls(protocol));
                let urls = urls.into_iter().find(|urls| !urls.is_empty()).unwrap_or_default();
                // A channel has no position to come back to.
                let resumes = *begin == Begin::Resume && card.kind != TitleKind::Live;
                let start = (resumes && grant.resume_position_ms > 0)
                    .then(|| MediaTime::from_millis(grant.resume_position_ms.try_into().unwrap_or(i64::MAX)));
                (urls.iter().filter_map(|url| Url::parse(url).ok()).collect(), start)
            }
        };
        let audio = choice.and_then(|choice| choice.audio.as_ref()).and_then(|mark| mark.language.clone());
        let audio = audio.or_else(|| settings.audio_language.clone());
        let text = match choice.and_then(|choice| choice.text.as_ref()) {
            Some(text) => text.as_ref().and_then(|mark| mark.language.clone()),
            None => settings.text_language.clone(),
        };
        Some(LoadRequest {
            locations,
            start: self.resume_at.or(start),
            play_when_ready: true,
            audio_languages: audio.into_iter().collect(),
            text_languages: text.into_iter().collect(),
            drm: DrmConfig::default(),
        })
    }

    /// Shows a word over the picture.
    pub fn flash(&mut self, text: impl Into<String>, now: f64) {
        self.flash = Some(Flash { text: text.into(), since: now });
    }
}

/// The seconds that a loaded film spans.
pub fn timeline(snapshot: &Snapshot) -> Option<(f64, f64)> {
    if let Some(range) = snapshot.seekable {
        return Some((range.start.as_secs_f64(), range.end.as_secs_f64()));
    }
    snapshot.duration.map(|duration| (0.0, duration.as_secs_f64()))
}

/// Carries a wish out. `Leave`, `Escape` on the picture and `Retry` of a service title concern more than the player
/// and are told by the answer.
pub fn handle(
    player: &mut PlayerState,
    settings: &mut Settings,
    command: PlayerCommand,
    moment: &Moment,
    effects: &mut Vec<Effect>,
) {
    if !matches!(command, PlayerCommand::Viewport { .. }) {
        player.last_activity = moment.now;
    }
    match command {
        PlayerCommand::TogglePlay => toggle_play(player, moment, effects),
        PlayerCommand::SeekBy(millis) => {
            let sign = if millis < 0 { '−' } else { '+' };
            player.flash(format!("{sign}{} s", millis.abs() / 1000), moment.now);
            effects.push(Effect::Player(Command::SeekBy { millis, mode: SeekMode::Exact }));
        }
        PlayerCommand::SeekTo { seconds, scrubbing } => {
            let mode = if scrubbing { SeekMode::Keyframe } else { SeekMode::Exact };
            effects.push(seek(seconds, mode));
        }
        PlayerCommand::GoLive => go_live(player, moment, effects),
        PlayerCommand::SeekToTenth(tenth) if super::is_live(&moment.snapshot) => {
            if let Some(bar) = LiveBar::new(&moment.snapshot, moment.position, moment.snapshot.taken_at) {
                let to = bar.start + (bar.end - bar.start) * f64::from(tenth.min(9)) / 10.0;
                player.flash(behind_words(bar.behind_at(to)), moment.now);
                effects.push(seek(to, SeekMode::Exact));
            }
        }
        PlayerCommand::SeekToTenth(tenth) => {
            if let Some((start, end)) = timeline(&moment.snapshot) {
                player.flash(format!("{}0 %", tenth.min(9)).trim_start_matches("00").to_owned(), moment.now);
                effects.push(seek(start + (end - start) * f64::from(tenth.min(9)) / 10.0, SeekMode::Exact));
            }
        }
        PlayerCommand::StepFrame { forward } => step_frame(&moment.snapshot, forward, effects),
        PlayerCommand::SetVolume(volume) => set_volume(player, settings, volume, moment, effects),
        PlayerCommand::ChangeVolume(by) => {
            let volume = settings.volume + by;
            set_volume(player, settings, volume, moment, effects);
            player.flash(format!("Volume {:.0} %", settings.volume * 100.0), moment.now);
        }
        PlayerCommand::ToggleMute => {
            settings.muted = !settings.muted;
            player.flash(
                match (player.has_sound_device, settings.muted) {
                    (false, _) => "No sound device",
                    (true, true) => "Muted",
                    (true, false) => "Sound on",
                },
                moment.now,
            );
            effects.push(Effect::Player(Command::SetMuted(settings.muted)));
            effects.push(Effect::SaveSettings(settings.clone()));
        }
        PlayerCommand::ChangeRate { faster } => change_rate(player, faster, moment, effects),
        PlayerCommand::SetRate(rate) => {
            player.menu = None;
            set_rate(player, rate, moment, effects);
        }
        PlayerCommand::ToggleMenu(menu) => player.menu = (player.menu != Some(menu)).then_some(menu),
        PlayerCommand::SelectAudio(choice) => {
            player.menu = None;
            effects.push(Effect::Player(Command::SelectAudio(choice)));
        }
        PlayerCommand::SelectText(choice) => {
            player.menu = None;
            select_text(player, choice, effects);
        }
        PlayerCommand::ToggleText => toggle_text(player, moment, effects),
        PlayerCommand::SelectQuality(choice) => {
            player.menu = None;
            effects.push(Effect::Player(Command::SelectQuality(choice)));
        }
        PlayerCommand::ToggleStats => player.stats = !player.stats,
        PlayerCommand::Viewport { width, height } => {
            if player.viewport != Some((width, height)) {
                player.viewport = Some((width, height));
                effects.push(Effect::Player(Command::SetViewport { width, height }));
            }
        }
        PlayerCommand::Activity => {}
        PlayerCommand::ToggleFullscreen
        | PlayerCommand::Escape
        | PlayerCommand::Leave
        | PlayerCommand::TurnChapter { .. }
        | PlayerCommand::GoToChapter(_)
        | PlayerCommand::Skip
        | PlayerCommand::StopNext
        | PlayerCommand::PlayNext
        | PlayerCommand::Retry => {
            debug_assert!(false, "these concern the window or the route and are handled by `update`");
        }
    }
}

/// Asks again for what failed, from where it failed.
pub fn retry(player: &mut PlayerState, settings: &Settings, moment: &Moment, effects: &mut Vec<Effect>) {
    player.problem = None;
    player.retry_at = None;
    player.menu = None;
    player.waiting_since = Some(moment.now);
    match &mut player.source {
        Source::Address(_) => {
            if let Some(request) = player.load_request(settings, None) {
                effects.push(Effect::Load(request));
            }
        }
        Source::Title { card, grant, .. } => {
            if let Some(grant) = grant.take() {
                player.last_session = Some(grant.session_id);
                effects.push(Effect::EndPlayback);
            }
            effects.push(Effect::Api(Request::Authorize(card.id.clone())));
            // What did not come the first time may come now.
            player.companion_asked = player.companion.is_some();
        }
    }
}

fn toggle_play(player: &mut PlayerState, moment: &Moment, effects: &mut Vec<Effect>) {
    let snapshot = &moment.snapshot;
    if player.problem.is_some() {
        return;
    }
    if snapshot.state == State::Ended {
        let start = timeline(snapshot).map_or(0.0, |(start, _)| start);
        effects.push(seek(start, SeekMode::Exact));
        effects.push(Effect::Player(Command::Play));
    } else if snapshot.play_when_ready {
        let behind = LiveBar::new(snapshot, moment.position, snapshot.taken_at).map(|bar| behind_words(bar.behind));
        player.flash(behind.map_or("Paused".to_owned(), |behind| format!("Paused, {behind}")), moment.now);
        effects.push(Effect::Player(Command::Pause));
    } else {
        player.flash("Playing", moment.now);
        effects.push(Effect::Player(Command::Play));
    }
}

fn go_live(player: &mut PlayerState, moment: &Moment, effects: &mut Vec<Effect>) {
    if player.problem.is_none() && moment.snapshot.live.is_some() {
        player.flash("Live", moment.now);
        effects.push(Effect::Player(Command::GoLive));
    }
}

/// The frame rate is not told to hosts, so a step is 1/24 s: at most one picture is missed at higher rates, and an
/// exact seek shows the picture that belongs to the time.
fn step_frame(snapshot: &Snapshot, forward: bool, effects: &mut Vec<Effect>) {
    const STEP_NANOS: i64 = 41_666_667;
    if !snapshot.play_when_ready {
        let to = snapshot.position.shifted(if forward { STEP_NANOS } else { -STEP_NANOS });
        effects.push(Effect::Player(Command::Seek { to, mode: SeekMode::Exact }));
    }
}

fn set_volume(
    player: &mut PlayerState,
    settings: &mut Settings,
    volume: f32,
    moment: &Moment,
    effects: &mut Vec<Effect>,
) {
    settings.volume = volume.clamp(0.0, 1.0);
    if settings.muted && settings.volume > 0.0 {
        settings.muted = false;
        effects.push(Effect::Player(Command::SetMuted(false)));
    }
    player.last_activity = moment.now;
    effects.push(Effect::Player(Command::SetVolume(settings.loudness())));
    effects.push(Effect::SaveSettings(settings.clone()));
}

/// Speeds that keys and the menu offer, ascending.
pub const RATES: [f64; 7] = [0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0];

fn change_rate(player: &mut PlayerState, faster: bool, moment: &Moment, effects: &mut Vec<Effect>) {
    let now = moment.snapshot.rate;
    let next = if faster {
        RATES.into_iter().find(|rate| *rate > now + 0.01)
    } else {
        RATES.into_iter().rev().find(|rate| *rate < now - 0.01)
    };
    set_rate(player, next.unwrap_or(now), moment, effects);
}

fn set_rate(player: &mut PlayerState, rate: f64, moment: &Moment, effects: &mut Vec<Effect>) {
    player.flash(format!("Speed {rate}×"), moment.now);
    effects.push(Effect::Player(Command::SetRate(rate)));
}

fn select_text(player: &mut PlayerState, choice: TrackChoice, effects: &mut Vec<Effect>) {
    if choice != TrackChoice::Off {
        player.last_text = Some(choice.clone());
    }
    effects.push(Effect::Player(Command::SelectText(choice)));
}

fn toggle_text(player: &mut PlayerState, moment: &Moment, effects: &mut Vec<Effect>) {
    let text_tracks = || moment.snapshot.tracks.iter().filter(|track| track.kind == MediaKind::Text);
    if let Some(shown) = text_tracks().find(|track| track.selected) {
        player.last_text = Some(TrackChoice::Track(shown.id.clone()));
        player.flash("Subtitles off", moment.now);
        effects.push(Effect::Player(Command::SelectText(TrackChoice::Off)));
        return;
    }
    let first = text_tracks().find(|track| !track.forced).map(|track| TrackChoice::Track(track.id.clone()));
    match player.last_text.clone().or(first) {
        Some(choice) => {
            let name = text_tracks().find(|track| choice == TrackChoice::Track(track.id.clone())).map(track_name);
            player.flash(format!("Subtitles: {}", name.unwrap_or_else(|| "on".to_owned())), moment.now);
            select_text(player, choice, effects);
        }
        None => player.flash("No subtitles", moment.now),
    }
}

/// A track's name for a menu: its label, else its language.
pub fn track_name(track: &Track) -> String {
    match (&track.label, &track.language) {
        (Some(label), _) if !label.trim().is_empty() => label.clone(),
        (_, Some(language)) => super::language_name(language),
        _ => format!("Track {}", track.id.0),
    }
}

/// The qualities that a menu offers: one for each height, the best of each, descending.
pub fn quality_menu(snapshot: &Snapshot) -> Vec<(QualityChoice, String, String, bool)> {
    let mut lines: Vec<(u32, u64, String, bool)> = Vec::new();
    for quality in snapshot.qualities.iter() {
        lines.push((quality.height.unwrap_or(0), quality.bitrate, quality.id.clone(), quality.available));
    }
    lines.sort_by_key(|line| std::cmp::Reverse((line.0, line.1)));
    lines
        .into_iter()
        .map(|(height, rate, id, available)| {
            let name = if height > 0 { format!("{height}p") } else { super::bitrate(rate) };
            (QualityChoice::Representation(id), name, super::bitrate(rate), available)
        })
        .collect()
}

fn seek(seconds: f64, mode: SeekMode) -> Effect {
    Effect::Player(Command::Seek { to: MediaTime::from_secs_f64(seconds), mode })
}
