//! Figures of how each title is watched, for the operator: how far viewers come, and what they watch again.
//!
//! Episodes count for themselves here.

use std::collections::BTreeMap;

use kinora_api::TitleId;
use serde::Serialize;

use super::interest::{Interest, PARTS};
use super::memory::Memory;

/// Marks of the completion curve: each twentieth of a title.
pub const MARKS: usize = 20;

/// Hundredths of a title from one mark to the next.
const STEP: usize = PARTS / MARKS;

/// Figures of how a title is watched.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TitleInsights {
    /// Number of playbacks.
    pub plays: u64,
    /// Profiles that began it, or marked it as watched.
    pub viewers: u32,
    /// Profiles that saw its end, or marked it as watched.
    pub finished: u32,
    /// Number of playbacks that were left before the end.
    pub abandons: u64,
    /// Profiles that left it and did not take it up again.
    pub left: u32,
    /// Number of pauses.
    pub pauses: u64,
    /// Number of times that a viewer went back.
    pub rewinds: u64,
    /// Share of the viewers that came to 5 %, 10 %, … 100 % of the title: 20 values from 0 to 1, none higher than the one before.
    pub completion: Vec<f64>,
    /// Times that each hundredth was played again, all viewers together: 100 values.
    pub rewatched: Vec<u64>,
}

#[derive(Default)]
struct Sum {
    insights: TitleInsights,
    /// Viewers that came to each mark.
    reached: [u32; MARKS],
}

impl Sum {
    fn add(&mut self, interest: &Interest) {
        let of = &mut self.insights;
        of.plays += u64::from(interest.plays);
        of.abandons += u64::from(interest.abandons);
        of.pauses += u64::from(interest.pauses);
        of.rewinds += u64::from(interest.rewinds);
        of.rewatched.resize(PARTS, 0);
        for (again, times) in of.rewatched.iter_mut().zip(interest.watched()) {
            *again += u64::from(times.saturating_sub(1));
        }
        if !interest.is_begun() {
            return;
        }
        of.viewers += 1;
        of.finished += u32::from(interest.is_finished());
        of.left += u32::from(interest.is_left);
        // Who saw the end came everywhere, though the player may not have reported the last stretch.
        let furthest = interest.watched().iter().rposition(|times| *times > 0).map_or(0, |part| part + 1);
        let furthest = if interest.is_finished() { PARTS } else { furthest };
        for reached in self.reached.iter_mut().take(furthest / STEP) {
            *reached += 1;
        }
    }

    fn insights(self) -> TitleInsights {
        let viewers = f64::from(self.insights.viewers.max(1));
        let completion = self.reached.iter().map(|reached| f64::from(*reached) / viewers).collect();
        TitleInsights { completion, ..self.insights }
    }
}

/// Returns how each title is watched of which anything is remembered.
pub fn of_titles(memory: &Memory) -> BTreeMap<TitleId, TitleInsights> {
    let mut sums: BTreeMap<&TitleId, Sum> = BTreeMap::new();
    for (title, interest) in memory.all_recorded() {
        sums.entry(title).or_default().add(interest);
    }
    sums.into_iter().map(|(title, sum)| (title.clone(), sum.insights())).collect()
}

#[cfg(test)]
mod tests {
    use kinora_api::events::{LoggedEvent, ViewerEvent};
    use kinora_api::{ProfileId, TitleId};
    use proptest::prelude::*;

    use super::{MARKS, of_titles};
    use crate::domain::memory::Memory;

    fn watch(memory: &mut Memory, profile: u32, from_ms: u64, to_ms: u64) {
        let (title, playback) = (TitleId::new("t"), String::from("s"));
        let event = ViewerEvent::Watch { title, playback, from_ms, to_ms, duration_ms: 1_000 };
        memory.take(&LoggedEvent { account: None, profile: Some(ProfileId::new(format!("p{profile}"))), at: 1, event });
    }

    #[test]
    fn the_curve_is_the_share_of_viewers_that_came_so_far() {
        let mut memory = Memory::default();
        watch(&mut memory, 1, 0, 1_000);
        watch(&mut memory, 2, 0, 500);
        watch(&mut memory, 2, 400, 500);
        watch(&mut memory, 3, 0, 40);
        let finish = ViewerEvent::Finish { title: TitleId::new("t"), playback: None };
        memory.take(&LoggedEvent { account: None, profile: Some(ProfileId::new("p4")), at: 1, event: finish });
        let all = of_titles(&memory);
        let of = &all[&TitleId::new("t")];
        assert_eq!((of.viewers, of.finished), (4, 1));
        let expected: Vec<f64> = (1..=MARKS).map(|mark| if mark <= 10 { 0.75 } else { 0.5 }).collect();
        assert!(of.completion.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-12), "{:?}", of.completion);
        assert_eq!(
            of.rewatched.iter().enumerate().filter(|(_, times)| **times > 0).map(|(part, _)| part).collect::<Vec<_>>(),
            (40..50).collect::<Vec<_>>()
        );
    }

    proptest! {
        #[test]
        fn no_mark_is_reached_by_more_than_the_one_before(
            stretches in prop::collection::vec((0_u32..5, 0_u64..1_000, 0_u64..1_000), 1..40),
        ) {
            let mut memory = Memory::default();
            for (profile, from, to) in &stretches {
                watch(&mut memory, *profile, *from, *to);
            }
            for of in of_titles(&memory).values() {
                prop_assert_eq!((of.completion.len(), of.rewatched.len()), (20, 100));
                prop_assert!(of.completion.windows(2).all(|pair| pair[0] >= pair[1]));
                prop_assert!(of.completion.iter().all(|share| (0.0..=1.0).contains(share)));
            }
        }
    }
}
