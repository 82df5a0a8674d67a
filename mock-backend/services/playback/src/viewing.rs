//! Events of viewers by the reports of their players. Pure.

use kinora_api::PlaybackPhase;
use kinora_api::events::ViewerEvent;

/// Highest rate of a player. A position that is further ahead was sought.
const MAX_RATE: u64 = 4;
/// Milliseconds by which a position may differ from the one that time gives.
const TOLERANCE_MS: u64 = 2_000;
/// Milliseconds by which a position has to be earlier to count as gone back to.
const REWIND_MS: u64 = 1_000;

/// A playback, as its events name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Played {
    pub(crate) title: String,
    pub(crate) playback: String,
    pub(crate) duration_ms: u64,
}

/// A report of a player.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) phase: PlaybackPhase,
    pub(crate) position_ms: u64,
    /// Time of its arrival, milliseconds since the Unix epoch.
    pub(crate) at: i64,
}

impl Played {
    pub(crate) fn play(&self, position_ms: u64) -> ViewerEvent {
        let (title, playback) = (self.title.as_str().into(), self.playback.clone());
        ViewerEvent::Play { title, playback, position_ms, duration_ms: self.duration_ms }
    }

    /// Returns the end of a playback whose player does not report any more: none if it had reached the end of the title.
    pub(crate) fn left(&self, last: Report) -> Option<ViewerEvent> {
        match last.phase {
            PlaybackPhase::Ended | PlaybackPhase::Stopped => None,
            _ => Some(self.end(last.position_ms)),
        }
    }

    fn end(&self, position_ms: u64) -> ViewerEvent {
        let (title, playback) = (self.title.as_str().into(), self.playback.clone());
        // As for positions: the rest are credits.
        if u128::from(position_ms) * 100 >= u128::from(self.duration_ms) * 95 {
            return ViewerEvent::Finish { title, playback: Some(playback) };
        }
        ViewerEvent::Abandon { title, playback, position_ms, duration_ms: self.duration_ms }
    }

    /// Returns what a viewer has done between two reports. `before` is the one before, or the beginning.
    pub(crate) fn between(&self, before: Report, now: Report) -> Vec<ViewerEvent> {
        if matches!(before.phase, PlaybackPhase::Ended | PlaybackPhase::Stopped) && now.phase == PlaybackPhase::Stopped
        {
            return Vec::new();
        }
        let (from_ms, to_ms) = (before.position_ms, now.position_ms.min(self.duration_ms));
        let (title, playback) = (|| self.title.as_str().into(), || self.playback.clone());
        let elapsed = u64::try_from(now.at - before.at).unwrap_or(0);
        let mut events = Vec::new();
        if to_ms.saturating_add(REWIND_MS) < from_ms {
            events.push(ViewerEvent::Rewind { title: title(), playback: playback(), from_ms, to_ms });
        } else if to_ms > from_ms.saturating_add(elapsed.saturating_mul(MAX_RATE)).saturating_add(TOLERANCE_MS) {
            events.push(ViewerEvent::Seek { title: title(), playback: playback(), from_ms, to_ms });
        } else if to_ms > from_ms {
            let (title, playback, duration_ms) = (title(), playback(), self.duration_ms);
            events.push(ViewerEvent::Watch { title, playback, from_ms, to_ms, duration_ms });
        }
        match now.phase {
            PlaybackPhase::Paused if before.phase != PlaybackPhase::Paused => {
                events.push(ViewerEvent::Pause { title: title(), playback: playback(), position_ms: to_ms });
            }
            PlaybackPhase::Ended if before.phase != PlaybackPhase::Ended => {
                events.push(ViewerEvent::Finish { title: title(), playback: Some(playback()) });
            }
            PlaybackPhase::Stopped => events.push(self.end(to_ms)),
            _ => {}
        }
        events
    }
}

#[cfg(test)]
mod tests {
    use super::{Played, Report};
    use kinora_api::PlaybackPhase::{Buffering, Ended, Paused, Playing, Stopped};
    use kinora_api::events::ViewerEvent;
    use kinora_api::{PlaybackPhase, TitleId};
    use proptest::prelude::*;

    fn played() -> Played {
        Played { title: "t".to_owned(), playback: "s".to_owned(), duration_ms: 100_000 }
    }

    /// Events between two reports that are ten seconds apart, by their names.
    fn between(before: (PlaybackPhase, u64), now: (PlaybackPhase, u64)) -> Vec<String> {
        let report = |(phase, position_ms): (PlaybackPhase, u64), at| Report { phase, position_ms, at };
        let events = played().between(report(before, 0), report(now, 10_000));
        let name = |event| serde_json::to_value(event).ok()?["event"].as_str().map(str::to_owned);
        events.into_iter().filter_map(name).collect()
    }

    #[test]
    fn reports_give_what_the_viewer_did() {
        for (before, now, expected) in [
            ((Playing, 10_000), (Playing, 20_000), &["watch"][..]),
            ((Playing, 10_000), (Playing, 50_000), &["watch"]),
            ((Playing, 10_000), (Playing, 60_000), &["seek"]),
            ((Playing, 10_000), (Playing, 8_000), &["rewind"]),
            ((Playing, 10_000), (Playing, 9_500), &[]),
            ((Playing, 10_000), (Paused, 14_000), &["watch", "pause"]),
            ((Paused, 14_000), (Paused, 14_000), &[]),
            ((Paused, 14_000), (Playing, 15_000), &["watch"]),
            ((Buffering, 0), (Playing, 10_000), &["watch"]),
            ((Playing, 95_000), (Ended, 100_000), &["watch", "finish"]),
            ((Ended, 100_000), (Stopped, 0), &[]),
            ((Playing, 40_000), (Stopped, 41_000), &["watch", "abandon"]),
            ((Playing, 94_000), (Stopped, 96_000), &["watch", "finish"]),
            ((Ended, 100_000), (Playing, 0), &["rewind"]),
        ] {
            assert_eq!(between(before, now), expected, "{before:?} {now:?}");
        }
    }

    #[test]
    fn a_stretch_has_both_ends_and_stays_within_the_title() {
        let at = |position_ms, at| Report { phase: Playing, position_ms, at };
        let events = played().between(at(98_000, 0), at(120_000, 10_000));
        let (title, playback) = (TitleId::from("t"), "s".to_owned());
        let stretch = ViewerEvent::Watch { title, playback, from_ms: 98_000, to_ms: 100_000, duration_ms: 100_000 };
        assert_eq!(events, [stretch]);
        assert_eq!(played().left(Report { phase: Ended, ..at(1, 1) }), None);
        assert!(matches!(played().left(at(1, 1)), Some(ViewerEvent::Abandon { position_ms: 1, .. })));
    }

    proptest! {
        #[test]
        fn no_report_gives_more_than_one_way_and_one_state(
            from in 0..200_000_u64, to in any::<u64>(), elapsed in any::<i64>(),
        ) {
            let report = |position_ms, at| Report { phase: Playing, position_ms, at };
            prop_assert!(played().between(report(from, 0), report(to, elapsed.saturating_abs())).len() <= 1);
        }
    }
}
