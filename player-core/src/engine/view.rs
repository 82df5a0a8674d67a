//! Views of the engine for hosts: makes the snapshot and the counters, and decides whether a snapshot is news
//! (`docs/adr/0021`).

use std::sync::Arc;
use std::time::Duration;

use super::context::Context;
use super::item::Item;
use super::session::Session;
use crate::command::{QualityChoice, TrackChoice};
use crate::model::{ThumbnailSpan, TimedMetadata};
use crate::snapshot::{PendingRetry, Quality, Snapshot, State, Track};
use crate::telemetry::SessionStats;
use crate::text::Cue;
use crate::time::{MediaTime, Now, TimeRange};

/// Distance of the position from the one that a host computes from the last announced snapshot, from which on it is news:
/// one picture at 50 Hz.
const DRIFT: Duration = Duration::from_millis(20);

/// The parts of an engine that hosts see.
#[derive(Clone, Copy)]
pub(super) struct View<'e> {
    /// Parts that outlive an item.
    pub cx: &'e Context,
    /// The loaded item.
    pub item: Option<&'e Item>,
}

impl View<'_> {
    fn session(&self) -> Option<&Session> {
        self.item.and_then(Item::session)
    }

    /// Returns where playback is going by a seek that waits for its turn; for hosts it has begun.
    fn going_to(&self) -> Option<MediaTime> {
        self.cx.pending.seek().waiting().map(|seek| seek.to)
    }

    fn position(&self, now: Now) -> MediaTime {
        self.going_to().unwrap_or_else(|| self.cx.playback.clock().position(now))
    }

    /// Returns the presentation seconds a second by which the position moves: 0 while held.
    fn clock_rate(&self) -> f64 {
        let clock = self.cx.playback.clock();
        let moves = self.cx.playback.state() == State::Ready && clock.is_running() && self.going_to().is_none();
        if moves { clock.rate() } else { 0.0 }
    }

    fn audio_choice(&self) -> Option<&TrackChoice> {
        self.cx.pending.audio().waiting().or(self.item.map(|item| &item.preferences().audio))
    }

    fn text_choice(&self) -> Option<&TrackChoice> {
        self.cx.pending.text().waiting().or(self.item.map(|item| &item.preferences().text))
    }

    fn quality_choice(&self) -> Option<&QualityChoice> {
        self.cx.pending.quality().waiting().or(self.item.map(|item| &item.preferences().quality))
    }

    /// Returns everything that a host needs to draw a player.
    pub(super) fn snapshot(&self, now: Now) -> Snapshot {
        let Context { playback, settings, jobs, .. } = self.cx;
        let session = self.session();
        Snapshot {
            state: playback.state(),
            play_when_ready: playback.plays_when_ready(),
            position: self.position(now),
            taken_at: now,
            clock_rate: self.clock_rate(),
            rate: settings.rate,
            duration: session.and_then(Session::duration),
            protocol: session.map(|session| session.presentation().protocol),
            kind: session.map(|session| session.presentation().kind),
            seekable: session.and_then(|session| session.seekable(self.cx)),
            live: session.and_then(|session| session.live_state(self.cx)),
            buffered: session.map(|session| session.buffered(&session.kinds().unwrap_or_default())).unwrap_or_default(),
            tracks: session.map(Session::tracks).unwrap_or_default(),
            qualities: session.map(Session::qualities).unwrap_or_default(),
            audio_choice: self.audio_choice().cloned(),
            text_choice: self.text_choice().cloned(),
            quality_choice: self.quality_choice().cloned(),
            volume: settings.volume,
            muted: settings.muted,
            cues: session.map(Session::cues).unwrap_or_default(),
            metadata: session.map(Session::metadata).unwrap_or_default(),
            thumbnails: session.map(Session::thumbnails).unwrap_or_default(),
            error: playback.error().cloned(),
            pending_retry: jobs.pending_retry(),
            stats: Arc::new(self.stats(now)),
        }
    }

    /// Returns the counters of the session.
    pub(super) fn stats(&self, now: Now) -> SessionStats {
        let Context { playback, ledger, rule, .. } = self.cx;
        let position = playback.clock().position(now);
        let ahead = self
            .session()
            .map_or(Duration::ZERO, |session| session.held_ahead(&session.kinds().unwrap_or_default(), position));
        let mut stats = ledger.stats(now, ahead, rule.estimate_bps());
        if let Some(session) = self.session() {
            stats.account = session.account().counts();
        }
        // Decoders do not notice every picture of which bytes are missing.
        stats.frames.corrupt = stats.frames.corrupt.max(stats.account.incomplete);
        stats
    }

    fn drawn(&self) -> Drawn {
        let Context { playback, settings, jobs, .. } = self.cx;
        let session = self.session();
        let lists = session.map(|session| Lists {
            tracks: session.tracks(),
            qualities: session.qualities(),
            cues: session.cues(),
            metadata: session.metadata(),
            thumbnails: session.thumbnails(),
        });
        Drawn {
            state: playback.state(),
            play_when_ready: playback.plays_when_ready(),
            has_failed: playback.error().is_some(),
            going_to: self.going_to(),
            rates: [settings.rate, self.clock_rate(), settings.volume],
            is_muted: settings.muted,
            duration: session.and_then(Session::duration),
            seekable: session.filter(|session| session.live_state(self.cx).is_none()).and_then(|s| s.seekable(self.cx)),
            following: session.and_then(|session| session.live_state(self.cx)).map(|live| live.is_following),
            choices: (self.audio_choice().cloned(), self.text_choice().cloned(), self.quality_choice().cloned()),
            lists,
            pending_retry: jobs.pending_retry(),
        }
    }
}

/// Lists that snapshots share. Two are equal if they are the same ones, because a list that changes is replaced.
#[derive(Clone, Debug)]
struct Lists {
    tracks: Arc<Vec<Track>>,
    qualities: Arc<Vec<Quality>>,
    cues: Arc<Vec<Cue>>,
    metadata: Arc<Vec<Arc<TimedMetadata>>>,
    thumbnails: Arc<Vec<ThumbnailSpan>>,
}

impl PartialEq for Lists {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.tracks, &other.tracks)
            && Arc::ptr_eq(&self.qualities, &other.qualities)
            && Arc::ptr_eq(&self.cues, &other.cues)
            && Arc::ptr_eq(&self.metadata, &other.metadata)
            && Arc::ptr_eq(&self.thumbnails, &other.thumbnails)
    }
}

/// State that a host draws, but for the position. Buffered ranges and counters change with every input; hosts find them in the
/// next snapshot.
#[derive(Clone, Debug, PartialEq)]
struct Drawn {
    state: State,
    play_when_ready: bool,
    has_failed: bool,
    going_to: Option<MediaTime>,
    /// Rate that was chosen, rate of the clock, volume.
    rates: [f64; 3],
    is_muted: bool,
    duration: Option<Duration>,
    /// That of a live presentation moves with time, which is no news.
    seekable: Option<TimeRange>,
    following: Option<bool>,
    choices: (Option<TrackChoice>, Option<TrackChoice>, Option<QualityChoice>),
    lists: Option<Lists>,
    pending_retry: Option<PendingRetry>,
}

/// Announcement of snapshots to hosts.
#[derive(Clone, Debug, Default)]
pub(super) struct News {
    version: u64,
    announced: Option<(Drawn, MediaTime, Now)>,
}

impl News {
    /// Returns the number of the latest news.
    pub(super) const fn version(&self) -> u64 {
        self.version
    }

    /// Counts a piece of news if a host would draw something else than what it computes from the last one.
    ///
    /// Every report of a position and every piece of media is an input. If each were news, a host would be woken 18 times
    /// a second without anything to draw but the time, which it can carry on by itself (`Snapshot::position_at`).
    pub(super) fn note(&mut self, view: View<'_>, now: Now) {
        let (drawn, position) = (view.drawn(), view.position(now));
        let is_known = self.announced.as_ref().is_some_and(|(known, from, at)| {
            let [_, clock_rate, _] = known.rates;
            let expected = *from + now.since(*at).mul_f64(clock_rate);
            *known == drawn && expected.since(position).max(position.since(expected)) <= DRIFT
        });
        if !is_known {
            self.version += 1;
            self.announced = Some((drawn, position, now));
        }
    }
}

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;
