//! The loop of one session: waits for events, makes the seeks that were asked for, and knows when to end.

use std::time::Duration;

use player_core::error::{ErrorCode, PlayerError, Severity};
use player_core::model::MediaKind;
use player_core::telemetry::{Outcome, SessionStats};
use player_core::text::Cue;
use player_core::{Command, Event, LoadRequest, MediaTime, Now, PendingRetry, Player, SeekMode, TrackChoice};

use super::output::Outputs;
use crate::cli::{PlayOptions, Seek};

/// Time between two looks at the snapshot while no event comes and cues are written.
const TICK: Duration = Duration::from_millis(50);

/// The same time without cues: only a retry that the player waits for is written then.
const SLOW_TICK: Duration = Duration::from_millis(200);

/// How a session ended.
#[derive(Debug)]
pub struct Ended {
    /// Which way.
    pub outcome: Outcome,
    /// Why, when it failed.
    pub error: Option<PlayerError>,
    /// The engine's counters at the end.
    pub stats: SessionStats,
}

/// Plays `request` to whichever end comes first.
pub fn run(
    player: &Player,
    request: LoadRequest,
    options: &PlayOptions,
    outputs: &mut Outputs,
) -> Result<Ended, PlayerError> {
    let mut seeks = options.seek.clone();
    seeks.sort_by_key(|seek| seek.at);
    let mut session = Session {
        player,
        options,
        seeks: seeks.into(),
        loaded: player.now(),
        started: false,
        trouble: None,
        text: options.text.as_deref(),
        on_screen: Vec::new(),
        retry: None,
    };
    if let Some(rate) = options.rate {
        player.send(Command::SetRate(rate))?;
    }
    player.send(Command::Load(request))?;
    loop {
        if let Some(event) = player.wait_event(session.patience()) {
            outputs.event(player.now(), &event);
            if let Some(ended) = session.after(event) {
                return Ok(ended);
            }
        }
        session.choose_text()?;
        session.tell_cues(outputs);
        session.write_retry(outputs);
        session.seek_when_due()?;
        if let Some(ended) = session.time_up() {
            return Ok(ended);
        }
    }
}

struct Session<'a> {
    player: &'a Player,
    options: &'a PlayOptions,
    seeks: std::collections::VecDeque<Seek>,
    loaded: Now,
    started: bool,
    /// What went wrong last on the way to the first picture.
    trouble: Option<PlayerError>,
    /// The text track to choose, until it was.
    text: Option<&'a str>,
    /// The cues that were on screen at the last look.
    on_screen: Vec<String>,
    /// The retry that was written last.
    retry: Option<PendingRetry>,
}

impl Session<'_> {
    fn elapsed(&self) -> Duration {
        self.player.now().since(self.loaded)
    }

    fn patience(&self) -> Duration {
        let elapsed = self.elapsed();
        let seek = self.seeks.front().map(|seek| seek.at.saturating_sub(elapsed));
        let end = self.options.seconds.map(|end| end.saturating_sub(elapsed));
        let tick = if self.options.text.is_some() { TICK } else { SLOW_TICK };
        [seek, end].into_iter().flatten().fold(tick, Duration::min)
    }

    fn ended(&self, outcome: Outcome, error: Option<PlayerError>) -> Ended {
        Ended { outcome, error, stats: (*self.player.snapshot().stats).clone() }
    }

    fn after(&mut self, event: Event) -> Option<Ended> {
        match event {
            Event::FirstFrame { .. } | Event::FirstAudio { .. } => self.started = true,
            Event::Warning { error } if !self.started => self.trouble = Some(error),
            // A seek that is still to come goes on from the end.
            Event::Ended if self.seeks.is_empty() => return Some(self.ended(Outcome::Ended, None)),
            Event::Failed { error } | Event::Reply { error: Some(error), .. } => {
                return Some(self.ended(Outcome::Failed, Some(error)));
            }
            _ => {}
        }
        None
    }

    /// Chooses the text track that was asked for once it is listed.
    fn choose_text(&mut self) -> Result<(), PlayerError> {
        let Some(wanted) = self.text else { return Ok(()) };
        let snapshot = self.player.snapshot();
        let mut tracks = snapshot.tracks.iter().filter(|track| track.kind == MediaKind::Text);
        let Some(track) = tracks.find(|track| track.id.0 == wanted || track.label.as_deref() == Some(wanted)) else {
            return Ok(());
        };
        self.text = None;
        self.player.send(Command::SelectText(TrackChoice::Track(track.id.clone()))).map(drop)
    }

    /// Tells what is on screen when it changed.
    fn tell_cues(&mut self, outputs: &mut Outputs) {
        let snapshot = self.player.snapshot();
        let now = self.player.now();
        let at = snapshot.position_at(now);
        let cues: Vec<String> = snapshot.cues_at(at).iter().map(Cue::plain_text).collect();
        if cues != self.on_screen {
            outputs.cues(now, at, &cues);
            self.on_screen = cues;
        }
    }

    /// Writes what the player waits for when that has changed.
    fn write_retry(&mut self, outputs: &mut Outputs) {
        let retry = self.player.snapshot().pending_retry.clone();
        if retry != self.retry {
            outputs.retry(self.player.now(), retry.as_ref());
            self.retry = retry;
        }
    }

    fn seek_when_due(&mut self) -> Result<(), PlayerError> {
        while let Some(seek) = self.seeks.front().filter(|seek| seek.at <= self.elapsed()) {
            let to = MediaTime::ZERO + seek.to;
            self.player.seek_to(to, SeekMode::Exact)?;
            self.seeks.pop_front();
        }
        Ok(())
    }

    fn time_up(&self) -> Option<Ended> {
        let elapsed = self.elapsed();
        let wall = self.options.seconds.is_some_and(|limit| elapsed >= limit);
        if !self.started && (wall || elapsed >= self.options.start_timeout) {
            return Some(self.ended(Outcome::Failed, Some(self.nothing_came(elapsed))));
        }
        let film = self.options.play_seconds.is_some_and(|limit| self.player.snapshot().stats.played >= limit);
        (wall || film).then(|| self.ended(Outcome::Stopped, None))
    }

    /// Why nothing was shown: what went wrong last, or just the time.
    fn nothing_came(&self, elapsed: Duration) -> PlayerError {
        let message = format!("nothing playable came within {:.1} s", elapsed.as_secs_f64());
        match &self.trouble {
            None => PlayerError::fatal(ErrorCode::NetworkTimeout, message),
            Some(error) => {
                let mut error = error.clone().with_severity(Severity::Fatal);
                error.message = format!("{message}: {}", error.message);
                error
            }
        }
    }
}
