//! Live playback as the controls show it: a bar whose right end is live, and how far behind the picture is.

use kinora_api::UnixMillis;
use player_core::model::PresentationKind;
use player_core::snapshot::LiveState;
use player_core::telemetry::{ClockSource, LiveDelivery};
use player_core::{MediaTime, Now, Snapshot};

use super::clock;

/// The bar over the window of a live presentation, in seconds of presentation time. Those may count from 1970, so that
/// only differences are for drawing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LiveBar {
    /// Start of the window.
    pub start: f64,
    /// Position of playback that is live: where the wanted latency is held.
    pub end: f64,
    /// Position of playback, between the two.
    pub position: f64,
    /// Seconds from the production of the picture on screen to now.
    pub behind: f64,
    /// The picture on screen is live: playback holds its latency and does not pause.
    pub is_live: bool,
    /// Universal time of presentation time zero, in milliseconds since 1970, if known.
    epoch_ms: Option<f64>,
}

impl LiveBar {
    /// Creates the bar of a snapshot at `now` of the player's clock, with playback at `position`; `None` on demand, and
    /// until the live edge is known.
    pub fn new(snapshot: &Snapshot, position: MediaTime, now: Now) -> Option<Self> {
        let live = snapshot.live.as_ref()?;
        let behind = behind(live, snapshot, now);
        let is_live = live.is_following && snapshot.play_when_ready;
        let position = position.as_secs_f64();
        // The latency may be by dates that are ahead of the edge; the target is a distance to the edge.
        let since = now.since(snapshot.taken_at).as_secs_f64();
        let held = live.edge.as_secs_f64() + since - live.target.as_secs_f64();
        let end = if is_live { position } else { held.max(position) };
        let start = live.window.start.as_secs_f64().min(position);
        let epoch_ms = live.epoch_unix_nanos.map(|nanos| nanos as f64 / 1e6);
        Some(Self { start, end, position, behind, is_live, epoch_ms })
    }

    /// Returns how far behind the present a time of the bar is, in seconds.
    pub fn behind_at(&self, seconds: f64) -> f64 {
        (self.behind + self.position - seconds).max(0.0)
    }

    /// Writes a time of the bar as a viewer reads it: by `time_of_day` from milliseconds since 1970 where the
    /// presentation has dates, else as `−0:42`.
    pub fn words(&self, seconds: f64, time_of_day: impl Fn(UnixMillis) -> String) -> String {
        match self.epoch_ms.map(|epoch| epoch + seconds * 1000.0).filter(|at| *at >= 0.0) {
            Some(at) => time_of_day(at as UnixMillis),
            None => format!("−{}", clock(self.behind_at(seconds))),
        }
    }
}

/// Returns the latency now, in seconds: that of the snapshot, which grows while playback stands still.
fn behind(live: &LiveState, snapshot: &Snapshot, now: Now) -> f64 {
    let since = now.since(snapshot.taken_at).as_secs_f64();
    (live.latency_nanos as f64 / 1e9 + since * (1.0 - snapshot.clock_rate)).max(0.0)
}

/// Returns true if what is loaded is live, whether its edge is known yet or not.
pub fn is_live(snapshot: &Snapshot) -> bool {
    snapshot.live.is_some() || snapshot.kind == Some(PresentationKind::Live)
}

/// Writes a distance to the present: `1.5 s behind`, `4 s behind`, `1:04 behind`.
pub fn behind_words(seconds: f64) -> String {
    if seconds < 2.75 {
        // Tenths would change with each picture.
        let halves = (seconds * 2.0).round() / 2.0;
        return if halves < 0.5 { "under 0.5 s behind".to_owned() } else { format!("{halves} s behind") };
    }
    let whole = seconds.round();
    if whole < 60.0 { format!("{whole} s behind") } else { format!("{} behind", clock(whole)) }
}

/// Returns the names and values of live playback for the statistics; none on demand.
pub fn live_lines(snapshot: &Snapshot, now: Now) -> Vec<(&'static str, String)> {
    let Some(live) = &snapshot.live else { return Vec::new() };
    let source = match live.clock {
        Some(ClockSource::UtcTiming) => "named by the stream",
        Some(ClockSource::Date) => "answers of the server",
        Some(ClockSource::Host) => "this computer",
        None => "none",
    };
    let error = live.clock_error.map(|error| format!(", ± {} ms", error.as_millis()));
    let delivery = match live.delivery {
        LiveDelivery::Segments => "whole segments",
        LiveDelivery::Parts => "parts",
        LiveDelivery::Chunks => "chunks",
    };
    let window = live.window.end.as_secs_f64() - live.window.start.as_secs_f64();
    let held = if live.is_following { "" } else { ", not held" };
    vec![
        ("Latency", format!("{:.2} s", behind(live, snapshot, now))),
        ("Target", format!("{:.2} s{held}", live.target.as_secs_f64())),
        ("Rate", format!("{:.3}×", live.rate)),
        ("Clock", format!("{source}{}", error.unwrap_or_default())),
        ("Delivery", delivery.to_owned()),
        ("Window", clock(window)),
    ]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use player_core::TimeRange;

    use super::*;

    /// A window of 100 s of a presentation whose times count from 1970, played `behind` seconds behind.
    fn snapshot(behind: f64, is_following: bool) -> (Snapshot, MediaTime) {
        let edge = 1_700_000_000.0;
        let at = MediaTime::from_secs_f64;
        let live = LiveState {
            window: TimeRange { start: at(edge - 100.0), end: at(edge) },
            edge: at(edge),
            latency_nanos: (behind * 1e9) as i64,
            target: Duration::from_secs(4),
            is_following,
            rate: 1.0,
            clock: Some(ClockSource::UtcTiming),
            clock_error: Some(Duration::from_millis(12)),
            epoch_unix_nanos: None,
            delivery: LiveDelivery::Chunks,
        };
        let snapshot = Snapshot { live: Some(live), play_when_ready: true, clock_rate: 1.0, ..Snapshot::default() };
        (snapshot, at(edge - behind))
    }

    #[test]
    fn the_right_end_of_the_bar_is_the_place_where_the_latency_is_held() {
        let (snapshot, position) = snapshot(64.0, false);
        let bar = LiveBar::new(&snapshot, position, Now::ZERO).expect("live");
        assert!((bar.end - bar.position - 60.0).abs() < 1e-5 && (bar.position - bar.start - 36.0).abs() < 1e-5);
        assert!(!bar.is_live && (bar.behind_at(bar.end) - 4.0).abs() < 1e-5);
        assert_eq!(bar.words(bar.end - 38.5, |_| unreachable!()), "−0:42");
    }

    #[test]
    fn playback_that_holds_its_latency_is_at_the_right_end_whatever_it_is_at_the_moment() {
        let (snapshot, position) = snapshot(5.5, true);
        let bar = LiveBar::new(&snapshot, position, Now::ZERO).expect("live");
        assert!(bar.is_live && bar.end == bar.position, "{bar:?}");
    }

    #[test]
    fn a_pause_falls_behind_with_time() {
        let (mut snapshot, position) = snapshot(4.0, true);
        snapshot.play_when_ready = false;
        snapshot.clock_rate = 0.0;
        let later = Now::ZERO + Duration::from_secs(70);
        let bar = LiveBar::new(&snapshot, position, later).expect("live");
        assert!(!bar.is_live && (bar.behind - 74.0).abs() < 1e-6 && (bar.end - bar.position - 70.0).abs() < 1e-5);
        assert_eq!(behind_words(bar.behind), "1:14 behind");
    }

    #[test]
    fn a_presentation_with_dates_shows_the_time_of_day() {
        let (mut snapshot, position) = snapshot(4.0, true);
        snapshot.live.as_mut().expect("live").epoch_unix_nanos = Some(90_000_000_000_000_000);
        let bar = LiveBar::new(&snapshot, position, Now::ZERO).expect("live");
        assert_eq!(bar.words(1_700_000_000.5, |ms| ms.to_string()), "1790000000500");
        assert_eq!(bar.words(-1e12, |ms| ms.to_string()).chars().next(), Some('−'), "no time before 1970");
    }

    #[test]
    fn distances_read_naturally() {
        let words = [0.1, 0.6, 1.45, 2.6, 3.9, 59.4, 59.6, 3700.0].map(behind_words);
        let want = [
            "under 0.5 s behind",
            "0.5 s behind",
            "1.5 s behind",
            "2.5 s behind",
            "4 s behind",
            "59 s behind",
            "1:00 behind",
            "1:01:40 behind",
        ];
        assert_eq!(words, want);
    }

    #[test]
    fn the_statistics_name_clock_and_delivery() {
        let (snapshot, _) = snapshot(4.0, false);
        let lines = live_lines(&snapshot, Now::ZERO);
        let has = |name: &str, value: &str| lines.iter().any(|line| line.0 == name && line.1 == value);
        assert!(has("Latency", "4.00 s") && has("Target", "4.00 s, not held"), "{lines:?}");
        assert!(has("Clock", "named by the stream, ± 12 ms") && has("Delivery", "chunks"), "{lines:?}");
        assert!(has("Window", "1:40") && has("Rate", "1.000×"), "{lines:?}");
        assert!(live_lines(&Snapshot::default(), Now::ZERO).is_empty());
    }
}
