//! The same film, described otherwise: manifests that list the same things in another order, without their oldest
//! periods and segments, or without ids.

use kinora_manifests::dash::{Mpd, PeriodElement};
use kinora_manifests::hls::Multivariant;

/// Differences of a manifest from the simplest one that describe the same film.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Relisting {
    /// Seed of the order of sets and representations, variants and renditions; `None` is the order of the film.
    pub order: Option<u64>,
    /// Segments that HLS playlists no longer list at their beginning.
    pub removed_segments: u64,
    /// Periods that a DASH manifest no longer lists at its beginning.
    pub removed_periods: u32,
    /// Periods and sets of a DASH manifest have no ids.
    pub is_nameless: bool,
}

impl Relisting {
    /// Returns an MPD with the same meaning.
    pub(super) fn mpd(&self, mut mpd: Mpd) -> Mpd {
        let mut seed = self.order;
        for period in &mut mpd.periods {
            let PeriodElement::Inline(period) = period else { continue };
            if self.is_nameless {
                period.id = None;
                period.adaptation_sets.iter_mut().for_each(|set| set.id = None);
            }
            if let Some(seed) = &mut seed {
                for set in &mut period.adaptation_sets {
                    shuffle(&mut set.representations, seed);
                }
                shuffle(&mut period.adaptation_sets, seed);
            }
        }
        mpd
    }

    /// Returns a multivariant playlist with the same meaning.
    pub(super) fn multivariant(&self, mut playlist: Multivariant) -> Multivariant {
        if let Some(mut seed) = self.order {
            shuffle(&mut playlist.tags, &mut seed);
        }
        playlist
    }
}

/// Puts elements in an order that follows from a seed, which moves on.
fn shuffle<T>(elements: &mut [T], seed: &mut u64) {
    for last in (1..elements.len()).rev() {
        // Constants of Knuth's MMIX.
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        elements.swap(last, (*seed >> 33) as usize % (last + 1));
    }
}
