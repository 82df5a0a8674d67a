//! Changes of a live manifest in place of the whole (ISO/IEC 23009-1 §5.15), and the addresses of its next state
//! (§5.3.9.2, `Location`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::Source;
use crate::engine::ids::RepKey;
use crate::manifest::{Parsed, PatchError, PatchableManifest, Patched};
use crate::model::{LiveDescription, SegmentIndex, SegmentList, SegmentTemplate, TimelineChange, TimelineRuns};
use crate::time::WallClock;

/// After so many patches in a row that could not be used no more are asked for.
const MOST_FAILED: u32 = 3;

/// Manifest that is kept, to be patched.
#[derive(Clone, Debug, Default)]
pub(super) struct Patching {
    manifest: Option<Box<PatchableManifest>>,
    /// Patches in a row that could not be used.
    failed: u32,
}

/// Result of a patch.
#[derive(Debug)]
pub(in crate::engine) enum PatchOutcome {
    /// Segments were added to timelines or removed from them.
    Changed {
        /// Segments were added.
        has_grown: bool,
    },
    /// The presentation is another one, and takes the place of what is known.
    Presentation(Box<Parsed>),
}

impl Source {
    /// Keeps a manifest that names an address of its changes; `None` if it names none.
    pub(in crate::engine) fn keep_manifest(&mut self, manifest: Option<Box<PatchableManifest>>) {
        self.patching.manifest = manifest;
    }

    /// Applies a patch to the manifest.
    ///
    /// # Errors
    /// A patch that does not fit. The whole manifest must be fetched then.
    pub(in crate::engine) fn patch(&mut self, bytes: &[u8]) -> Result<PatchOutcome, PatchError> {
        let Some(mut manifest) = self.patching.manifest.take() else { return Err(PatchError::Stale) };
        self.patching.failed += 1;
        let outcome = match manifest.patch(bytes)? {
            Patched::Presentation(parsed) => PatchOutcome::Presentation(parsed),
            Patched::Timelines { changes, live } => match self.change_timelines(&changes, &live) {
                Some(has_grown) => PatchOutcome::Changed { has_grown },
                None => PatchOutcome::Presentation(Box::new(manifest.read()?)),
            },
        };
        self.patching = Patching { manifest: Some(manifest), failed: 0 };
        Ok(outcome)
    }

    /// Changes the ends of timelines. Returns true if segments were added; `None` if a change does not fit, and what is
    /// known must be replaced.
    fn change_timelines(&mut self, changes: &[TimelineChange], live: &LiveDescription) -> Option<bool> {
        let keys: Vec<RepKey> = self.presentation.all_reps().collect();
        let mut has_grown = false;
        for change in changes {
            let mut renewed: BTreeMap<usize, Arc<TimelineRuns>> = BTreeMap::new();
            // Representations share a timeline: it is changed once, in place.
            let mut sharing: Vec<(RepKey, usize)> = Vec::new();
            for key in &keys {
                let Some(template) = template_mut(self.presentation.index_mut(*key)) else { continue };
                let is_of = template.timeline.source().is_some_and(|source| source.element == change.source);
                if !is_of {
                    continue;
                }
                // Keys follow from the numbers of segments, and an end number cuts the list off.
                if !template.crypto.is_empty() || template.count != template.timeline.count() {
                    return None;
                }
                let runs = std::mem::replace(&mut template.timeline, TimelineRuns::none());
                let address = Arc::as_ptr(&runs).addr();
                renewed.entry(address).or_insert(runs);
                sharing.push((*key, address));
            }
            if sharing.is_empty() {
                // A representation that is not played may have it to itself; one that was skipped may be playable now.
                return None;
            }
            let mut fits = true;
            for runs in renewed.values_mut() {
                let end = |runs: &TimelineRuns| runs.iter().next_back().map(|run| (run.time, run.count));
                let before = end(runs);
                fits &= Arc::make_mut(runs).change(change);
                has_grown |= end(runs) != before;
            }
            for (key, address) in sharing {
                let template = template_mut(self.presentation.index_mut(key));
                if let (Some(template), Some(runs)) = (template, renewed.get(&address)) {
                    template.timeline = Arc::clone(runs);
                    template.count = runs.count();
                    template.start_number = change.start_number.unwrap_or(template.start_number);
                }
            }
            if !fits {
                return None;
            }
        }
        self.presentation.set_live(live.clone());
        self.measure();
        Some(has_grown)
    }

    /// Names the addresses at which the manifest is asked for next: that of its changes while they are available, then
    /// those that the manifest names. `utc` is the time now.
    pub(in crate::engine) fn name_updates(&mut self, utc: Option<WallClock>) {
        let mut urls: Vec<Url> = Vec::new();
        if let Some(live) = &self.presentation.live {
            let patch = live.patch.as_ref().filter(|_| self.patching.manifest.is_some());
            let patch = patch.filter(|_| self.patching.failed < MOST_FAILED);
            urls.extend(patch.filter(|patch| is_in_time(patch.ttl, live, utc)).map(|patch| patch.url.clone()));
            urls.extend(live.locations.iter().cloned());
        }
        self.locations.set_updates(urls);
    }
}

/// Returns true while a patch of a manifest can be had, as far as that is known.
fn is_in_time(ttl: Option<Duration>, live: &LiveDescription, utc: Option<WallClock>) -> bool {
    let (Some(ttl), Some(published), Some(utc)) = (ttl, live.published, utc) else { return true };
    let age = i128::from(utc.as_unix_nanos()) - i128::from(published.as_unix_nanos());
    age <= i128::try_from(ttl.as_nanos()).unwrap_or(i128::MAX)
}

fn template_mut(index: Option<&mut SegmentIndex>) -> Option<&mut SegmentTemplate> {
    match index {
        Some(SegmentIndex::Known(SegmentList::Template(template))) => Some(template),
        _ => None,
    }
}

#[cfg(test)]
#[path = "patch_tests.rs"]
mod tests;
