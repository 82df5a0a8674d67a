//! State of playback: the state machine, the clock, the epoch in force and the answers that are awaited of the
//! renderer. It changes only by its methods.

use std::time::Duration;

use super::super::effects::Effects;
use super::super::licence::Keys;
use super::super::stats::Ledger;
use super::clock::Clock;
use super::feed::Feed;
use crate::command::SeekMode;
use crate::drm::DrmError;
use crate::engine::buffer::TrackBuffer;
use crate::engine::ids::ItemId;
use crate::error::PlayerError;
use crate::event::Event;
use crate::model::MediaKind;
use crate::render::{Epoch, RenderCommand};
use crate::snapshot::{BufferingReason, State};
use crate::time::{MediaTime, Now};

/// Time allowed to the renderer until the first picture of an epoch whose media it has.
pub(in crate::engine) const FIRST_PICTURE: Duration = Duration::from_secs(30);
/// Maximum time for which nothing more is requested while the renderer, which has all that it takes, makes the first picture.
/// On a fast link the next 40 s of media would come at once: receiving and reading them takes the two cores of a television
/// from linking and running the decoder, and the first picture was shown a fifth later. A slow link loses this time once.
const UNDISTURBED: Duration = Duration::from_millis(100);

/// A seek whose first picture is awaited.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Seeking {
    /// The target after clamping.
    pub to: MediaTime,
    /// Precision that was asked for.
    pub mode: SeekMode,
    /// Time at which it was asked for.
    pub since: Now,
}

/// Start of the epoch.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Start {
    /// The first instant to present.
    pub at: MediaTime,
    /// Precision that was asked for: exact, or at the key frame before.
    pub mode: SeekMode,
    /// It is where a gap that was jumped over ends.
    pub jumped: bool,
}

/// Settings that outlive a presentation.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Settings {
    /// Presentation seconds a second.
    pub rate: f64,
    /// Volume, from 0.0 to 1.0.
    pub volume: f64,
    /// True if audio is silent whatever the volume.
    pub muted: bool,
    /// Size of the area in which video is shown, in pixels.
    pub viewport: Option<(u32, u32)>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { rate: 1.0, volume: 1.0, muted: false, viewport: None }
    }
}

impl Settings {
    /// The rate in thousandths.
    pub(in crate::engine) fn permille(&self) -> u64 {
        (self.rate * 1000.0).round() as u64
    }
}

/// Playback of the item that is loaded.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Playback {
    state: State,
    /// Since when it does that.
    state_since: Now,
    /// Playback goes on as soon as it can.
    play_when_ready: bool,
    /// Last order to the renderer: play, or hold.
    renderer_plays: bool,
    clock: Clock,
    /// Samples and flushes that the renderer was given.
    feed: Feed,
    start: Start,
    /// The epoch has begun to be presented: its first video frame is on screen, or its first audio where it has none.
    first_shown: bool,
    /// The load or seek since which the first video frame is to be announced.
    frame_awaited: Option<Now>,
    /// The load or seek since which the first audio is to be announced, unless video comes first.
    audio_awaited: Option<Now>,
    /// The flush that the renderer has not answered, and when it was sent. Another waits for the answer, so that there
    /// is never more than one in the renderer's queue.
    flush_unanswered: Option<(Epoch, Now)>,
    /// The seek under way.
    seek: Option<Seeking>,
    /// Time at which the renderer's first picture is overdue.
    picture_due: Option<Now>,
    /// Time since which the renderer has had all that it takes to begin the epoch.
    supplied_since: Option<Now>,
    /// A stall is being counted.
    stalled: bool,
    /// Error by which playback failed.
    error: Option<PlayerError>,
}

impl Default for Playback {
    fn default() -> Self {
        Self {
            state: State::Idle,
            state_since: Now::ZERO,
            play_when_ready: false,
            renderer_plays: false,
            clock: Clock::default(),
            feed: Feed::default(),
            start: Start { at: MediaTime::ZERO, mode: SeekMode::Exact, jumped: false },
            first_shown: false,
            frame_awaited: None,
            audio_awaited: None,
            flush_unanswered: None,
            seek: None,
            picture_due: None,
            supplied_since: None,
            stalled: false,
            error: None,
        }
    }
}

impl Playback {
    pub(in crate::engine) const fn state(&self) -> State {
        self.state
    }

    /// Returns the time at which the state was entered.
    pub(in crate::engine) const fn state_since(&self) -> Now {
        self.state_since
    }

    /// Returns true if playback goes on as soon as it can.
    pub(in crate::engine) const fn plays_when_ready(&self) -> bool {
        self.play_when_ready
    }

    pub(in crate::engine) const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Returns what the renderer was given.
    pub(in crate::engine) const fn feed(&self) -> &Feed {
        &self.feed
    }

    /// Returns where the epoch begins.
    pub(in crate::engine) const fn start(&self) -> Start {
        self.start
    }

    /// Returns true once the epoch has begun to be presented.
    pub(in crate::engine) const fn has_begun(&self) -> bool {
        self.first_shown
    }

    /// Returns the seek under way.
    pub(in crate::engine) const fn seek(&self) -> Option<Seeking> {
        self.seek
    }

    /// Returns the reason for which playback failed.
    pub(in crate::engine) const fn error(&self) -> Option<&PlayerError> {
        self.error.as_ref()
    }

    /// Returns true if the renderer has not answered the latest flush.
    pub(in crate::engine) const fn awaits_flush(&self) -> bool {
        self.flush_unanswered.is_some()
    }

    /// Returns the time at which the answer to the latest flush is overdue.
    pub(in crate::engine) fn flush_due(&self) -> Option<Now> {
        self.flush_unanswered.map(|(_, sent)| sent + FIRST_PICTURE)
    }

    /// Returns the time at which the renderer's first picture is overdue.
    pub(in crate::engine) const fn picture_due(&self) -> Option<Now> {
        self.picture_due
    }

    /// Returns true if a report belongs to the epoch that the renderer presents.
    pub(in crate::engine) fn is_current(&self, epoch: Epoch) -> bool {
        self.feed.is_flushed() && self.feed.epoch() == epoch
    }

    /// Begins to load an item. The number of the epoch goes on.
    pub(in crate::engine) fn load(&mut self, start: MediaTime, play_when_ready: bool, settings: Settings, now: Now) {
        *self = Self { feed: std::mem::take(&mut self.feed), play_when_ready, ..Self::default() };
        self.await_first(now);
        self.clock.set_rate(settings.rate, now);
        self.begin_at(start, SeekMode::Exact, now);
    }

    /// Sets whether playback goes on as soon as it can.
    pub(in crate::engine) const fn set_play_when_ready(&mut self, play: bool) {
        self.play_when_ready = play;
    }

    /// Plays at another rate from now on, in presentation seconds a second.
    pub(in crate::engine) fn set_rate(&mut self, rate: f64, now: Now, effects: &mut Effects) {
        self.clock.set_rate(rate, now);
        effects.render(RenderCommand::SetRate(rate));
    }

    /// Plays at `permille` thousandths of the viewer's rate from now on, to hold a latency.
    pub(in crate::engine) fn set_live_rate(&mut self, permille: i64, rate: f64, now: Now, effects: &mut Effects) {
        self.set_rate(rate * permille as f64 / 1000.0, now, effects);
    }

    /// Stands still at a position.
    pub(in crate::engine) fn hold(&mut self, position: MediaTime, now: Now) {
        self.clock.hold(position, now);
    }

    /// Takes a position that the renderer reported. It moves once playback has begun and the renderer was made to play.
    pub(in crate::engine) fn report(&mut self, epoch: Epoch, position: MediaTime, now: Now) {
        if self.is_current(epoch) && self.state != State::Ended {
            self.clock.report(position, now, self.renderer_plays && self.first_shown);
        }
    }

    /// Begins a seek whose first picture is to be announced.
    pub(in crate::engine) fn begin_seek(&mut self, seek: Seeking) {
        self.seek = Some(seek);
        self.await_first(seek.since);
    }

    /// Ends the seek under way, and returns it.
    pub(in crate::engine) const fn take_seek(&mut self) -> Option<Seeking> {
        self.seek.take()
    }

    /// Moves the target of the seek under way into the presentation.
    pub(in crate::engine) const fn move_seek(&mut self, to: MediaTime) {
        if let Some(seek) = &mut self.seek {
            seek.to = to;
        }
    }

    /// Moves the start of an epoch that the renderer does not know yet.
    pub(in crate::engine) fn move_start(&mut self, at: MediaTime, now: Now) {
        self.start.at = at;
        self.clock.hold(at, now);
    }

    /// Notes that the epoch to come begins at the end of a gap: the renderer keeps its last picture until then.
    pub(in crate::engine) const fn note_jump(&mut self) {
        self.start.jumped = true;
    }

    /// Returns the position in the time of an item.
    pub(in crate::engine) fn position(&self, item: ItemId, now: Now) -> MediaTime {
        self.feed.time_in(item, self.clock.position(now))
    }

    /// Lets an item follow the present one without a flush; see [`Feed::announce_next`].
    #[cfg_attr(not(test), expect(dead_code, reason = "the seam of the queue: its command calls this"))]
    pub(in crate::engine) fn announce_next(&mut self, item: ItemId) {
        self.feed.announce_next(item);
    }

    /// Goes on with the item that was announced; see [`Feed::follow`].
    pub(in crate::engine) fn follow(&mut self, item: ItemId, start: MediaTime, kinds: &[MediaKind]) -> bool {
        self.feed.follow(item, start, kinds)
    }

    /// Sends the flush with which an epoch begins.
    pub(in crate::engine) fn send_flush(
        &mut self,
        item: ItemId,
        start: MediaTime,
        kinds: &[MediaKind],
        now: Now,
        effects: &mut Effects,
    ) {
        effects.render(self.feed.begin(item, start, kinds, !self.start.jumped));
        self.flush_unanswered = Some((self.feed.epoch(), now));
        self.picture_due = Some(now + FIRST_PICTURE);
    }

    /// Takes the answer to a flush. Answers to older ones are ignored.
    pub(in crate::engine) fn on_flushed(&mut self, epoch: Epoch) {
        self.flush_unanswered.take_if(|(sent, _)| *sent == epoch);
    }

    /// The first video frame is on screen. Returns the time of the load or seek since which it was awaited.
    pub(in crate::engine) const fn on_first_frame(&mut self) -> Option<Now> {
        self.audio_awaited = None;
        self.frame_awaited.take()
    }

    /// The first audio is presented, and no video. Returns the time of the load or seek since which it was awaited.
    pub(in crate::engine) const fn on_first_audio(&mut self) -> Option<Now> {
        self.audio_awaited.take()
    }

    /// Notes that the epoch is presented. Returns true the first time.
    pub(in crate::engine) const fn begin_presentation(&mut self) -> bool {
        if self.first_shown {
            return false;
        }
        self.first_shown = true;
        (self.picture_due, self.supplied_since) = (None, None);
        true
    }

    /// Notes that the renderer has all that it takes to begin the epoch.
    pub(in crate::engine) fn note_supplied(&mut self, now: Now) {
        if !self.first_shown {
            self.supplied_since.get_or_insert(now);
        }
    }

    /// Returns the time until which decoding the first picture has the machine to itself, if it is awaited and the renderer
    /// has all that it takes.
    pub(in crate::engine) fn undisturbed_until(&self) -> Option<Now> {
        self.supplied_since.map(|since| since + UNDISTURBED)
    }

    /// Nothing more of the presentation is to be announced.
    pub(in crate::engine) const fn stop_awaiting(&mut self) {
        (self.frame_awaited, self.audio_awaited) = (None, None);
    }

    /// Begins a stall for want of media, and counts it.
    pub(in crate::engine) fn start_stall(
        &mut self,
        reason: BufferingReason,
        now: Now,
        ledger: &mut Ledger,
        effects: &mut Effects,
    ) {
        let name = match reason {
            BufferingReason::Starting => "starting",
            BufferingReason::NetworkTooSlow => "network_too_slow",
            BufferingReason::Failover => "failover",
            BufferingReason::TrackChange => "track_change",
            BufferingReason::WaitingForKey => "waiting_for_key",
            BufferingReason::LiveEdge => "live_edge",
        };
        let at = self.clock.position(now);
        self.set_renderer_playing(false, now, effects);
        self.stalled = true;
        ledger.stall_started(at, name, now);
        self.set_state(State::Buffering(reason), now, effects);
        effects.emit(Event::StallStarted { at, reason: name.to_owned() });
    }

    /// Notes that a stall for want of media waits for a key from now on. The stall stays the same one, with the reason of
    /// its beginning in the statistics, and the patience with failed requests goes on to count from there.
    pub(in crate::engine) fn note_key_awaited(&mut self, now: Now, effects: &mut Effects) {
        if self.stalled && self.state == State::Buffering(BufferingReason::NetworkTooSlow) {
            let since = self.state_since;
            self.set_state(State::Buffering(BufferingReason::WaitingForKey), now, effects);
            self.state_since = since;
        }
    }

    /// Hands media of one kind to the renderer; see [`Feed::hand_out`].
    pub(in crate::engine) fn hand_out(
        &mut self,
        (buffer, keys, kind): (&mut TrackBuffer, &Keys, MediaKind),
        limits: (MediaTime, MediaTime),
        ended: bool,
        effects: &mut Effects,
    ) -> Option<DrmError> {
        self.feed.hand_out(buffer, keys, kind, limits, ended, &mut |command| effects.render(command))
    }

    /// Gives the renderer nothing of a kind until that track is restarted.
    pub(in crate::engine) fn suspend_track(&mut self, kind: MediaKind) {
        self.feed.suspend_track(kind);
    }

    /// Begins one track of the epoch again at a time.
    pub(in crate::engine) fn restart_track(&mut self, kind: MediaKind, from: MediaTime, effects: &mut Effects) {
        effects.render(self.feed.restart_track(kind, from));
    }

    /// A new epoch begins at a place; the renderer hears of it when it can begin.
    pub(in crate::engine) fn begin_at(&mut self, at: MediaTime, mode: SeekMode, now: Now) {
        self.feed.reset();
        self.clock.hold(at, now);
        self.start = Start { at, mode, jumped: false };
        self.first_shown = false;
        (self.picture_due, self.supplied_since) = (None, None);
    }

    /// Changes the state, and announces that.
    pub(in crate::engine) fn set_state(&mut self, state: State, now: Now, effects: &mut Effects) {
        if self.state != state {
            self.state = state;
            self.state_since = now;
            effects.emit(Event::StateChanged { state });
        }
    }

    /// Makes the renderer play or hold, unless it does so already. Held, the position stands where it is.
    pub(in crate::engine) fn set_renderer_playing(&mut self, playing: bool, now: Now, effects: &mut Effects) {
        if self.renderer_plays != playing {
            self.renderer_plays = playing;
            if !playing {
                self.clock.hold(self.clock.position(now), now);
            }
            effects.render(RenderCommand::SetPlaying(playing));
        }
    }

    /// Ends the stall that is being counted, if there is one.
    pub(in crate::engine) fn end_stall(&mut self, now: Now, ledger: &mut Ledger, effects: &mut Effects) {
        if std::mem::take(&mut self.stalled) {
            let at = self.clock.position(now);
            if let Some(duration) = ledger.stall_ended(now) {
                effects.emit(Event::StallEnded { at, duration });
            }
        }
    }

    /// Ends playback by an error. The renderer lets go, and the position stands where it is.
    pub(in crate::engine) fn fail(&mut self, error: PlayerError, now: Now, effects: &mut Effects) {
        self.flush_unanswered = None;
        self.clock.hold(self.clock.position(now), now);
        self.renderer_plays = false;
        self.error = Some(error.clone());
        effects.render(RenderCommand::Stop);
        self.set_state(State::Failed, now, effects);
        effects.emit(Event::Failed { error });
    }

    /// Returns true if nothing is loaded that could play.
    pub(in crate::engine) const fn is_over(&self) -> bool {
        matches!(self.state, State::Idle | State::Failed)
    }

    /// The first video frame or audio of a load or a seek is to be announced.
    fn await_first(&mut self, since: Now) {
        self.frame_awaited = Some(since);
        self.audio_awaited = Some(since);
    }

    /// Everything but the epoch's number is forgotten.
    pub(in crate::engine) fn forget(&mut self) {
        let mut feed = std::mem::take(&mut self.feed);
        feed.forget();
        *self = Self { feed, ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_counted_in_thousandths() {
        for (rate, expected) in [(0.0, 0), (0.25, 250), (1.0, 1000), (1.1, 1100), (2.0, 2000), (0.333_4, 333)] {
            assert_eq!(Settings { rate, ..Settings::default() }.permille(), expected, "{rate}");
        }
    }

    #[test]
    fn what_is_loaded_is_measured_at_the_rate_of_the_settings() {
        let mut playback = Playback::default();
        playback.load(MediaTime::ZERO, true, Settings { rate: 1.5, ..Settings::default() }, Now::ZERO);
        assert!((playback.clock().rate() - 1.5).abs() < 1e-9, "{}", playback.clock().rate());
    }

    #[test]
    fn after_the_first_picture_no_first_sound_is_announced() {
        let now = Now::ZERO + Duration::from_secs(2);
        let load = || {
            let mut playback = Playback::default();
            playback.load(MediaTime::ZERO, true, Settings::default(), now);
            playback
        };
        let mut pictures = load();
        assert_eq!((pictures.on_first_frame(), pictures.on_first_audio()), (Some(now), None));
        assert_eq!(pictures.on_first_frame(), None, "it comes once");
        let mut sound = load();
        assert_eq!((sound.on_first_audio(), sound.on_first_frame()), (Some(now), Some(now)));
    }

    #[test]
    fn a_picture_is_overdue_only_in_the_epoch_that_was_begun() {
        let mut playback = Playback::default();
        playback.load(MediaTime::ZERO, true, Settings::default(), Now::ZERO);
        let (item, mut effects) = (ItemId::default(), Effects::default());
        playback.send_flush(item, MediaTime::ZERO, &[MediaKind::Video], Now::ZERO, &mut effects);
        assert_eq!(playback.picture_due(), Some(Now::ZERO + FIRST_PICTURE));
        let later = Now::ZERO + Duration::from_secs(7);
        playback.send_flush(item, MediaTime::ZERO, &[MediaKind::Video], later, &mut effects);
        assert_eq!(playback.picture_due(), Some(later + FIRST_PICTURE), "it was begun anew");
        playback.begin_at(MediaTime::from_millis(5000), SeekMode::Exact, Now::ZERO);
        assert_eq!(playback.picture_due(), None, "nothing is flushed yet");
        playback.send_flush(item, MediaTime::ZERO, &[MediaKind::Video], Now::ZERO, &mut effects);
        assert!(playback.begin_presentation());
        assert_eq!(playback.picture_due(), None, "it is here");
    }

    #[test]
    fn decoding_the_first_picture_is_undisturbed_once_an_epoch() {
        let (mut playback, at) = (Playback::default(), |millis| Now::ZERO + Duration::from_millis(millis));
        playback.note_supplied(at(40));
        playback.note_supplied(at(90));
        assert_eq!(playback.undisturbed_until(), Some(at(140)), "since it was supplied first");
        playback.begin_at(MediaTime::from_millis(5000), SeekMode::Exact, at(100));
        assert_eq!(playback.undisturbed_until(), None, "another epoch");
        playback.note_supplied(at(110));
        assert!(playback.begin_presentation());
        assert_eq!(playback.undisturbed_until(), None, "the picture is here");
        playback.note_supplied(at(120));
        assert_eq!(playback.undisturbed_until(), None);
    }

    #[test]
    fn the_first_picture_and_the_first_sound_of_a_seek_are_announced_with_the_time_of_the_seek() {
        let at = |seconds| Now::ZERO + Duration::from_secs(seconds);
        let mut playback = Playback::default();
        playback.load(MediaTime::ZERO, true, Settings::default(), at(1));
        assert_eq!(playback.on_first_frame(), Some(at(1)));
        playback.begin_seek(Seeking { to: MediaTime::ZERO, mode: SeekMode::Exact, since: at(5) });
        assert_eq!((playback.on_first_audio(), playback.on_first_frame()), (Some(at(5)), Some(at(5))));
        playback.begin_seek(Seeking { to: MediaTime::ZERO, mode: SeekMode::Exact, since: at(7) });
        playback.stop_awaiting();
        assert_eq!((playback.on_first_audio(), playback.on_first_frame()), (None, None));
    }

    #[test]
    fn a_report_before_the_first_picture_does_not_make_the_position_run() {
        let mut playback = Playback::default();
        let mut effects = Effects::default();
        let at = |millis| Now::ZERO + Duration::from_millis(millis);
        playback.load(MediaTime::ZERO, true, Settings::default(), at(0));
        playback.send_flush(ItemId::default(), MediaTime::ZERO, &[MediaKind::Video], at(0), &mut effects);
        playback.set_renderer_playing(true, at(0), &mut effects);
        let report = |playback: &mut Playback, millis| {
            playback.report(playback.feed().epoch(), MediaTime::from_millis(millis), at(0));
            playback.clock().position(at(100))
        };
        assert_eq!(report(&mut playback, 1000), MediaTime::from_millis(1000));
        playback.begin_presentation();
        assert_eq!(report(&mut playback, 2000), MediaTime::from_millis(2100));
    }

    #[test]
    fn only_a_stall_that_is_counted_becomes_one_for_a_key() {
        for stalled in [false, true] {
            let mut playback = Playback::default();
            let mut effects = Effects::default();
            let mut ledger = Ledger::new(Now::ZERO);
            let reason = BufferingReason::NetworkTooSlow;
            if stalled {
                playback.start_stall(reason, Now::ZERO, &mut ledger, &mut effects);
            }
            playback.set_state(State::Buffering(reason), Now::ZERO, &mut effects);
            playback.note_key_awaited(Now::ZERO, &mut effects);
            let expected = if stalled { BufferingReason::WaitingForKey } else { reason };
            assert_eq!(playback.state(), State::Buffering(expected));
        }
    }

    #[test]
    fn only_the_epoch_that_begins_at_the_end_of_a_gap_is_a_jump() {
        let mut playback = Playback::default();
        playback.begin_at(MediaTime::from_millis(4000), SeekMode::Exact, Now::ZERO);
        playback.note_jump();
        assert!(playback.start().jumped);
        playback.begin_at(MediaTime::from_millis(9000), SeekMode::Exact, Now::ZERO);
        assert!(!playback.start().jumped);
    }

    #[test]
    fn the_position_stands_where_playback_failed() {
        let ms = MediaTime::from_millis;
        let mut playback = Playback::default();
        let mut effects = Effects::default();
        playback.load(MediaTime::ZERO, true, Settings::default(), Now::ZERO);
        playback.send_flush(ItemId::default(), MediaTime::ZERO, &[MediaKind::Video], Now::ZERO, &mut effects);
        playback.begin_presentation();
        playback.set_renderer_playing(true, Now::ZERO, &mut effects);
        playback.report(playback.feed().epoch(), ms(1000), Now::ZERO);
        let at = |millis| Now::ZERO + Duration::from_millis(millis);
        assert_eq!(playback.clock().position(at(100)), ms(1100));
        playback.fail(PlayerError::fatal(crate::error::ErrorCode::RendererFailed, "gone"), at(200), &mut effects);
        assert_eq!(playback.clock().position(at(400)), ms(1200));
        assert!(playback.is_over() && playback.flush_due().is_none());
    }
}
