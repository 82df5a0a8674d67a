//! The interest of one profile in one title, folded from events, and its worth.

use kinora_api::UnixMillis;
use kinora_api::events::{Rating, ViewerEvent};
use serde::{Deserialize, Serialize};

use super::model::UNIT;

/// Parts into which a title is divided to record what of it was watched.
pub const PARTS: usize = 100;

/// Share of a title, in hundredths, that must be watched before leaving it counts as half a success; below it as a dislike.
const SAMPLED: usize = 10;

/// Interest of one profile in one title.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interest {
    /// Number of times that the beginning of each hundredth was played, up to 255; empty if nothing was played.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    watched: Vec<u8>,
    /// Number of playbacks.
    #[serde(default)]
    pub plays: u32,
    /// Number of pauses.
    #[serde(default)]
    pub pauses: u32,
    /// Number of times that the viewer went back.
    #[serde(default)]
    pub rewinds: u32,
    /// Number of playbacks that were left before the end.
    #[serde(default)]
    pub abandons: u32,
    /// Number of times that it was played to the end, or marked as watched.
    #[serde(default)]
    pub finishes: u32,
    /// True if the latest playback was left before the end.
    #[serde(default)]
    pub is_left: bool,
    /// Opinion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating: Option<Rating>,
    /// True if it stands on the profile's list.
    #[serde(default)]
    pub listed: bool,
    /// Time of the latest event that came of watching; 0 if there was none.
    #[serde(default)]
    pub watched_at: UnixMillis,
}

/// Least number of hundredths of a title whose playing is watching it.
const LEAST_SEEN: usize = 2;

impl Interest {
    /// Returns the title that an event is about, if it is one that changes an interest.
    pub const fn title(event: &ViewerEvent) -> Option<&kinora_api::TitleId> {
        match event {
            ViewerEvent::Play { title, .. }
            | ViewerEvent::Watch { title, .. }
            | ViewerEvent::Pause { title, .. }
            | ViewerEvent::Rewind { title, .. }
            | ViewerEvent::Abandon { title, .. }
            | ViewerEvent::Finish { title, .. }
            | ViewerEvent::Rating { title, .. }
            | ViewerEvent::Listed { title, .. } => Some(title),
            _ => None,
        }
    }

    /// Takes an event of the title.
    pub fn take(&mut self, event: &ViewerEvent, at: UnixMillis) {
        match event {
            ViewerEvent::Play { .. } => {
                self.plays = self.plays.saturating_add(1);
                self.is_left = false;
            }
            ViewerEvent::Watch { from_ms, to_ms, duration_ms, .. } => {
                self.watch(*from_ms, *to_ms, *duration_ms);
                self.is_left = false;
            }
            ViewerEvent::Pause { .. } => self.pauses = self.pauses.saturating_add(1),
            ViewerEvent::Rewind { .. } => self.rewinds = self.rewinds.saturating_add(1),
            ViewerEvent::Abandon { .. } => {
                self.abandons = self.abandons.saturating_add(1);
                self.is_left = true;
            }
            ViewerEvent::Finish { .. } => {
                self.finishes = self.finishes.saturating_add(1);
                self.is_left = false;
            }
            ViewerEvent::Rating { rating, .. } => {
                self.rating = *rating;
                return;
            }
            ViewerEvent::Listed { listed, .. } => {
                self.listed = *listed;
                return;
            }
            _ => return,
        }
        self.watched_at = self.watched_at.max(at);
    }

    /// Counts each hundredth whose beginning lies within a stretch, so that heartbeats within one hundredth count once.
    fn watch(&mut self, from_ms: u64, to_ms: u64, duration_ms: u64) {
        let duration = u128::from(duration_ms);
        if duration == 0 || to_ms <= from_ms {
            return;
        }
        self.watched.resize(PARTS, 0);
        for (part, times) in self.watched.iter_mut().enumerate() {
            let begin = part as u128 * duration;
            if begin >= u128::from(from_ms) * PARTS as u128 && begin < u128::from(to_ms) * PARTS as u128 {
                *times = times.saturating_add(1);
            }
        }
    }

    /// Takes the higher count of each hundredth.
    pub(super) fn absorb_watched(&mut self, other: &Self) {
        if self.watched.len() < other.watched.len() {
            self.watched.resize(PARTS, 0);
        }
        for (times, others) in self.watched.iter_mut().zip(&other.watched) {
            *times = (*times).max(*others);
        }
    }

    /// Returns how often each hundredth was played; empty if nothing was.
    pub fn watched(&self) -> &[u8] {
        &self.watched
    }

    /// Returns how many hundredths were played at least once.
    pub fn seen(&self) -> usize {
        self.watched.iter().filter(|times| **times > 0).count()
    }

    /// Returns true if the title was watched, or marked as watched. A playback that was given back at once is no watching: two
    /// hundredths of the title are the least.
    pub fn is_begun(&self) -> bool {
        self.finishes > 0 || self.seen() >= LEAST_SEEN
    }

    /// Returns true if it was seen to the end.
    pub const fn is_finished(&self) -> bool {
        self.finishes > 0
    }

    /// Returns true if the viewer does not want it: by an opinion, or because it was left at once and not taken up again.
    pub fn is_unwanted(&self) -> bool {
        match self.rating {
            Some(Rating::Down | Rating::NotInterested) => true,
            Some(_) => false,
            None => self.is_left && self.finishes == 0 && self.seen() < SAMPLED,
        }
    }

    /// Returns what it is worth, 0 to [`UNIT`]: an opinion before all else; then a title that was seen to its end, and more if
    /// parts of it were seen again; then the share that was watched, halved if it was left. To go back is a sign of interest, and
    /// so is a pause after which the viewer went on; a title on the list is one that was chosen.
    pub fn weight(&self) -> u8 {
        if self.is_unwanted() {
            return 0;
        }
        if self.rating == Some(Rating::Up) {
            return UNIT;
        }
        let signs = 2 * self.rewinds.min(4) + if self.is_left { 0 } else { self.pauses.min(4) };
        let again = self.finishes > 1;
        let watched = if self.finishes > 0 {
            if again { 60 } else { 52 }
        } else {
            let share = u32::try_from(self.seen() * 44 / PARTS).unwrap_or(44);
            if self.is_left { share / 2 } else { share }
        };
        let chosen = if self.listed { 10 } else { 0 };
        let signs = if watched > 0 { signs } else { 0 };
        u8::try_from((watched + signs + chosen).min(u32::from(UNIT))).unwrap_or(UNIT)
    }
}

#[cfg(test)]
mod tests {
    use kinora_api::TitleId;
    use kinora_api::events::{Rating, ViewerEvent};
    use proptest::prelude::*;

    use super::{Interest, PARTS, UNIT};

    fn title() -> TitleId {
        TitleId::new("t")
    }

    fn watch(from_ms: u64, to_ms: u64) -> ViewerEvent {
        ViewerEvent::Watch { title: title(), playback: "p".into(), from_ms, to_ms, duration_ms: 100_000 }
    }

    fn abandon(position_ms: u64) -> ViewerEvent {
        ViewerEvent::Abandon { title: title(), playback: "p".into(), position_ms, duration_ms: 100_000 }
    }

    fn folded(events: &[ViewerEvent]) -> Interest {
        let mut interest = Interest::default();
        (1..).zip(events).for_each(|(at, event)| interest.take(event, at));
        interest
    }

    #[test]
    fn stretches_within_a_hundredth_count_it_once_and_a_second_viewing_twice() {
        let interest =
            folded(&[watch(0, 300), watch(300, 700), watch(700, 1_000), watch(1_000, 2_500), watch(0, 1_000)]);
        assert_eq!(interest.watched()[..4], [2, 1, 1, 0]);
        assert_eq!(interest.seen(), 3);
    }

    #[test]
    fn the_whole_title_is_all_hundredths_and_nonsense_is_none() {
        let interest = folded(&[watch(0, 100_000)]);
        assert!(interest.watched().iter().all(|times| *times == 1));
        let strange = ViewerEvent::Watch { title: title(), playback: "p".into(), from_ms: 5, to_ms: 9, duration_ms: 0 };
        assert_eq!(folded(&[strange, watch(500, 400)]).seen(), 0);
        assert_eq!(folded(&[watch(99_001, u64::MAX)]).seen(), 0);
    }

    #[test]
    fn worth_goes_up_with_what_was_watched_and_down_when_it_was_left() {
        let third = folded(&[watch(0, 33_000)]);
        let left = folded(&[watch(0, 33_000), abandon(33_000)]);
        let on_list = folded(&[ViewerEvent::Listed { title: title(), listed: true }]);
        let done = folded(&[watch(0, 100_000), ViewerEvent::Finish { title: title(), playback: None }]);
        assert!(left.weight() < third.weight() && third.weight() < done.weight());
        assert!(on_list.weight() > 0 && !on_list.is_begun());
        let play = ViewerEvent::Play { title: title(), playback: "p".into(), position_ms: 0, duration_ms: 100_000 };
        let given_back = folded(&[play.clone(), watch(0, 300), abandon(300)]);
        assert!(!given_back.is_begun() && folded(&[play, watch(0, 2_000)]).is_begun());
        let taken_up = folded(&[watch(0, 33_000), abandon(33_000), watch(33_000, 34_000)]);
        assert!(taken_up.weight() > left.weight(), "a title that was taken up again is not a title that was left");
    }

    #[test]
    fn going_back_and_pausing_are_signs_of_interest_unless_the_title_was_left() {
        let rewind = ViewerEvent::Rewind { title: title(), playback: "p".into(), from_ms: 9, to_ms: 1 };
        let pause = ViewerEvent::Pause { title: title(), playback: "p".into(), position_ms: 9 };
        let plain = folded(&[watch(0, 50_000)]);
        assert!(folded(&[watch(0, 50_000), rewind]).weight() > plain.weight());
        assert!(folded(&[watch(0, 50_000), pause.clone()]).weight() > plain.weight());
        let left = folded(&[watch(0, 50_000), abandon(50_000)]);
        assert_eq!(folded(&[watch(0, 50_000), pause, abandon(50_000)]).weight(), left.weight());
    }

    #[test]
    fn a_title_that_was_left_at_once_is_unwanted_until_it_is_taken_up_again() {
        let mut interest = folded(&[watch(0, 5_000), abandon(5_000)]);
        assert!(interest.is_unwanted());
        assert_eq!(interest.weight(), 0);
        interest.take(&watch(5_000, 40_000), 9);
        assert!(!interest.is_unwanted());
        assert!(interest.weight() > 0);
    }

    #[test]
    fn an_opinion_is_before_all_else() {
        let rated = |rating| ViewerEvent::Rating { title: title(), rating };
        let finish = ViewerEvent::Finish { title: title(), playback: None };
        assert_eq!(folded(&[abandon(0), rated(Some(Rating::Up))]).weight(), UNIT);
        for no in [Rating::Down, Rating::NotInterested] {
            let interest = folded(&[finish.clone(), rated(Some(no))]);
            assert_eq!((interest.weight(), interest.is_unwanted()), (0, true));
        }
        assert!(folded(&[finish, rated(Some(Rating::Down)), rated(None)]).weight() > 0);
    }

    proptest! {
        #[test]
        fn no_stretch_counts_a_hundredth_twice(from in 0_u64..200_000, length in 0_u64..200_000, duration in 0_u64..150_000) {
            let mut interest = Interest::default();
            interest.watch(from, from + length, duration);
            prop_assert!(interest.watched().len() == PARTS || interest.watched().is_empty());
            prop_assert!(interest.watched().iter().all(|times| *times <= 1));
        }

        #[test]
        fn stretches_that_meet_count_what_the_whole_counts(cuts in prop::collection::vec(0_u64..100_000, 0..20)) {
            let mut cuts = cuts;
            cuts.extend([0, 100_000]);
            cuts.sort_unstable();
            let mut parts = Interest::default();
            cuts.windows(2).for_each(|pair| parts.watch(pair[0], pair[1], 100_000));
            prop_assert!(parts.watched().iter().all(|times| *times == 1));
        }
    }
}
