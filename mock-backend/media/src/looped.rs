//! Scenes that are stored once and shown again and again: a long title whose files are those of a short one.
//!
//! A title with a loop has its video segments on disk once, as `video/<rung>/part-00001.m4s…`. Manifests name segments of the whole
//! length, `video/<rung>/seg-00001.m4s…`, which are made when they are asked for: those of a part with two numbers changed, the
//! sequence number and the decode time.

use serde::{Deserialize, Serialize};

/// Scenes of a title, in the order in which they are shown. Each lasts for a whole number of segments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loop {
    /// Duration of each segment, in ticks of the video's timescale.
    pub segment_ticks: u64,
    /// The scenes.
    pub scenes: Vec<LoopScene>,
}

/// A scene of a loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoopScene {
    /// Segments that are stored.
    pub segments: u32,
    /// Number of times that they are shown.
    pub times: u32,
}

impl Loop {
    /// Number of segments that are stored.
    pub fn stored(&self) -> u64 {
        self.scenes.iter().map(|scene| u64::from(scene.segments)).sum()
    }

    /// Number of segments that are shown.
    pub fn shown(&self) -> u64 {
        self.scenes.iter().map(|scene| u64::from(scene.segments) * u64::from(scene.times)).sum()
    }

    /// Returns the index of the stored segment that is shown as segment `index`, both from 0; `None` beyond the end.
    pub fn part(&self, index: u64) -> Option<u64> {
        let (mut first_stored, mut first_shown) = (0, 0);
        for scene in &self.scenes {
            let stored = u64::from(scene.segments);
            let shown = stored * u64::from(scene.times);
            if index - first_shown < shown {
                return Some(first_stored + (index - first_shown) % stored);
            }
            first_stored += stored;
            first_shown += shown;
        }
        None
    }
}

/// The file name of stored segment `index`, counted from 0.
pub(super) fn part_name(index: usize) -> String {
    format!("part-{:05}.m4s", index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn scenes_follow_one_another_and_end() {
        let scene = |segments, times| LoopScene { segments, times };
        let looped = Loop { segment_ticks: 10, scenes: vec![scene(2, 1), scene(3, 2), scene(0, 9), scene(1, 3)] };
        assert_eq!((looped.stored(), looped.shown()), (6, 11));
        let parts: Vec<_> = (0..12).map(|index| looped.part(index)).collect();
        let expected = [0, 1, 2, 3, 4, 2, 3, 4, 5, 5, 5].map(Some).into_iter().chain([None]).collect::<Vec<_>>();
        assert_eq!(parts, expected);
        assert_eq!(looped.part(u64::MAX), None);
    }

    proptest! {
        #[test]
        fn each_stored_segment_is_shown_as_often_as_its_scene(
            scenes in proptest::collection::vec((0_u32..6, 0_u32..5), 0..6),
        ) {
            let scenes: Vec<_> = scenes.into_iter().map(|(segments, times)| LoopScene { segments, times }).collect();
            let looped = Loop { segment_ticks: 1, scenes: scenes.clone() };
            let mut seen = vec![0; looped.stored() as usize];
            for index in 0..looped.shown() {
                seen[looped.part(index).unwrap_or(u64::MAX) as usize] += 1;
            }
            let expected: Vec<u32> =
                scenes.iter().flat_map(|scene| (0..scene.segments).map(|_| scene.times)).collect();
            prop_assert_eq!(seen, expected);
            prop_assert_eq!(looped.part(looped.shown()), None);
        }
    }
}
