//! Sums over all profiles for one title. Everything is a count, so that taking a profile away leaves what would
//! be there without it.

use std::collections::BTreeMap;

use kinora_api::UnixMillis;

use super::interest::{Interest, PARTS};

/// Days for which the latest viewing of a profile counts as recent.
pub const RECENT_DAYS: i64 = 30;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// Sums over all profiles for a title.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audience {
    /// Profiles that began it.
    pub viewers: u32,
    /// Profiles that saw its end.
    pub finished: u32,
    /// Profiles that left it and did not take it up again.
    pub left: u32,
    /// Profiles that liked it.
    pub liked: u32,
    /// Profiles that did not.
    pub disliked: u32,
    /// Profiles by the day of their latest viewing, days since the Unix epoch.
    days: BTreeMap<i64, u32>,
    /// Profiles that played each hundredth.
    reached: Vec<u32>,
    /// Times that each hundredth was played again.
    again: Vec<u64>,
}

/// Figures of how a title is watched.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Insights {
    /// Profiles that began it.
    pub viewers: u32,
    /// Profiles that saw its end.
    pub finished: u32,
    /// Profiles that left it and did not take it up again.
    pub left: u32,
    /// Share of those that played anything of it who played each hundredth: 100 values from 0 to 1; empty if none did.
    pub completion: Vec<f64>,
    /// Times that each hundredth was played again, for each profile that played it: 100 values; empty if none did.
    pub rewatched: Vec<f64>,
}

impl Audience {
    /// Takes one profile's interest away.
    pub fn remove(&mut self, interest: &Interest) {
        self.count(interest, false);
    }

    /// Adds one profile's interest.
    pub fn add(&mut self, interest: &Interest) {
        self.count(interest, true);
    }

    /// Returns the profiles whose latest viewing is of the last [`RECENT_DAYS`] days.
    pub fn recent(&self, now: UnixMillis) -> u32 {
        let today = now.div_euclid(DAY_MS);
        self.days.range(today - RECENT_DAYS + 1..).map(|(_, profiles)| profiles).sum()
    }

    /// Returns true if no profile has anything to do with the title.
    pub fn is_empty(&self) -> bool {
        self.viewers == 0 && self.liked == 0 && self.disliked == 0
    }

    /// Returns how it is watched.
    pub fn insights(&self) -> Insights {
        let played = self.reached.iter().copied().max().unwrap_or(0);
        let share = |part: f64, whole: u32| if whole == 0 { 0.0 } else { part / f64::from(whole) };
        #[expect(clippy::cast_precision_loss, reason = "counts below 2^53")]
        let rewatched = self.again.iter().zip(&self.reached).map(|(again, by)| share(*again as f64, *by)).collect();
        Insights {
            viewers: self.viewers,
            finished: self.finished,
            left: self.left,
            completion: self.reached.iter().map(|by| share(f64::from(*by), played)).collect(),
            rewatched,
        }
    }

    fn count(&mut self, interest: &Interest, adds: bool) {
        use kinora_api::events::Rating;
        let step = |count: &mut u32, counts: bool| {
            if counts {
                *count = if adds { count.saturating_add(1) } else { count.saturating_sub(1) };
            }
        };
        step(&mut self.viewers, interest.is_begun());
        step(&mut self.finished, interest.is_finished());
        step(&mut self.left, interest.is_left);
        step(&mut self.liked, interest.rating == Some(Rating::Up));
        step(&mut self.disliked, matches!(interest.rating, Some(Rating::Down | Rating::NotInterested)));
        if interest.is_begun() {
            let day = interest.watched_at.div_euclid(DAY_MS);
            let profiles = self.days.entry(day).or_default();
            step(profiles, true);
            if *profiles == 0 {
                self.days.remove(&day);
            }
        }
        if !interest.watched().is_empty() {
            self.reached.resize(PARTS, 0);
            self.again.resize(PARTS, 0);
            for (part, times) in interest.watched().iter().enumerate() {
                step(&mut self.reached[part], *times > 0);
                let more = u64::from(times.saturating_sub(1));
                self.again[part] = if adds { self.again[part] + more } else { self.again[part].saturating_sub(more) };
            }
            if self.reached.iter().all(|by| *by == 0) {
                self.reached.clear();
                self.again.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use kinora_api::TitleId;
    use kinora_api::events::ViewerEvent;

    use super::{Audience, DAY_MS};
    use crate::domain::interest::Interest;

    fn seen(stretches: &[(u64, u64)], at: i64) -> Interest {
        let mut interest = Interest::default();
        for &(from_ms, to_ms) in stretches {
            let title = TitleId::new("t");
            interest.take(&ViewerEvent::Watch { title, playback: "p".into(), from_ms, to_ms, duration_ms: 100 }, at);
        }
        interest
    }

    #[test]
    fn the_curve_falls_where_viewers_left_and_the_map_rises_where_they_went_back() {
        let mut audience = Audience::default();
        audience.add(&seen(&[(0, 100)], 0));
        audience.add(&seen(&[(0, 50), (40, 50), (40, 50)], 0));
        let insights = audience.insights();
        assert_eq!(insights.viewers, 2);
        assert!((insights.completion[49] - 1.0).abs() < 1e-12 && (insights.completion[50] - 0.5).abs() < 1e-12);
        assert!((insights.rewatched[40] - 1.0).abs() < 1e-12 && insights.rewatched[39].abs() < 1e-12);
    }

    #[test]
    fn a_viewing_of_a_month_ago_is_not_recent() {
        let mut audience = Audience::default();
        audience.add(&seen(&[(0, 100)], 5 * DAY_MS + 3));
        assert_eq!(audience.recent(5 * DAY_MS), 1);
        assert_eq!(audience.recent(34 * DAY_MS + DAY_MS - 1), 1);
        assert_eq!(audience.recent(35 * DAY_MS), 0);
    }

    #[test]
    fn what_is_taken_away_leaves_nothing() {
        let (one, other) = (seen(&[(0, 70), (10, 20)], 7), seen(&[(30, 90)], DAY_MS * 3));
        let mut audience = Audience::default();
        audience.add(&one);
        let alone = audience.clone();
        audience.add(&other);
        audience.remove(&other);
        assert_eq!(audience, alone);
        audience.remove(&one);
        assert_eq!(audience, Audience::default());
        assert!(audience.is_empty());
        assert!(audience.insights().completion.is_empty());
    }
}
