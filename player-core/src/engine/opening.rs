//! An item whose manifest is on its way: it is fetched and read, with the parts of it that lie in other files.

use bytes::Bytes;
use url::Url;

use super::context::{self, Context};
use super::failure::{self, Alternatives, Assessed};
use super::ids::ItemId;
use super::io::{FetchKind, FetchOutcome, Ingest};
use super::licence::Keys;
use super::requests::error_map;
use super::requests::recovery::{Action, Cause};
use super::requests::{Job, JobId, Purpose};
use crate::command::{LoadRequest, QualityChoice, TrackChoice};
use crate::engine::selection::TrackPreferences;
use crate::engine::source::{IncompleteManifest, Locations};
use crate::error::Stage;
use crate::manifest::PatchableManifest;
use crate::model::{Presentation, Resource};
use crate::time::{MediaTime, Now};

/// An item that is being opened.
#[derive(Debug)]
pub(super) struct Opening {
    item: ItemId,
    manifests: Vec<Url>,
    locations: Locations,
    preferences: TrackPreferences,
    /// Start position that the viewer chose.
    start: Option<MediaTime>,
    keys: Keys,
    output: abr::Hdcp,
    incomplete: Option<IncompleteManifest>,
    /// Manifest that names an address of its changes.
    patchable: Option<Box<PatchableManifest>>,
    /// Time at which the manifest was requested.
    asked_at: Now,
}

impl Opening {
    /// Creates an item from a load request.
    pub(super) fn new(item: ItemId, request: &LoadRequest, output: abr::Hdcp) -> Self {
        Self {
            item,
            manifests: request.locations.clone(),
            locations: Locations::new(&request.locations),
            preferences: TrackPreferences {
                audio_languages: request.audio_languages.clone(),
                text_languages: request.text_languages.clone(),
                audio: TrackChoice::Auto,
                text: TrackChoice::Auto,
                quality: QualityChoice::Auto,
            },
            start: request.start,
            keys: Keys::new(&request.drm),
            output,
            incomplete: None,
            patchable: None,
            asked_at: Now::ZERO,
        }
    }

    /// Returns the time at which the manifest was requested.
    pub(super) const fn asked_at(&self) -> Now {
        self.asked_at
    }

    /// Takes the manifest, if it is kept to be patched.
    pub(super) const fn take_patchable(&mut self) -> Option<Box<PatchableManifest>> {
        self.patchable.take()
    }

    /// Returns the name of the item.
    pub(super) const fn item(&self) -> ItemId {
        self.item
    }

    /// Returns the locations of the item.
    pub(super) fn locations(&self) -> &Locations {
        &self.locations
    }

    /// Returns the locations of the item, to record how they answer.
    pub(super) fn locations_mut(&mut self) -> &mut Locations {
        &mut self.locations
    }

    /// Returns what the viewer prefers.
    pub(super) fn preferences(&self) -> &TrackPreferences {
        &self.preferences
    }

    /// Returns the position at which the viewer wants playback to start, if any.
    pub(super) fn start(&self) -> Option<MediaTime> {
        self.start
    }

    /// Returns the keys that the host supplied.
    pub(super) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Returns the protection of the output.
    pub(super) fn output(&self) -> abr::Hdcp {
        self.output
    }

    /// Sets where playback starts.
    pub(super) fn start_at(&mut self, start: MediaTime) {
        self.start = Some(start);
    }

    /// Sets the protection of the output.
    pub(super) fn set_output(&mut self, output: abr::Hdcp) {
        self.output = output;
    }

    /// Requests the manifest from all locations of the item, best first.
    pub(super) fn fetch_manifest(&self, cx: &mut Context) {
        let resource = Resource { urls: self.manifests.clone(), range: None };
        cx.jobs.add(cx.now, Purpose::Manifest, FetchKind::Manifest, resource, Ingest::Body);
    }

    /// Takes the end of a request. Returns the presentation once it is known.
    pub(super) fn on_fetch_ended(
        &mut self,
        cx: &mut Context,
        job: JobId,
        outcome: FetchOutcome,
    ) -> Option<Presentation> {
        match outcome {
            FetchOutcome::Failed { bytes, error } => {
                context::count_bytes(cx, job, bytes);
                self.on_request_failed(cx, job, Cause::Fetch(&error))
            }
            FetchOutcome::Complete { bytes, body } => {
                context::count_bytes(cx, job, bytes);
                cx.jobs.measure(job, cx.now);
                cx.jobs.credit_location(job, &mut self.locations, cx.now, false);
                let found = cx.jobs.get(job)?;
                let (purpose, url) = (found.purpose, found.attempt()?.url.clone());
                match purpose {
                    Purpose::Manifest => self.on_manifest(cx, job, &body, &url),
                    _ => self.on_remote(cx, job, Some(&body)),
                }
            }
            FetchOutcome::Keys { bytes, .. } => {
                context::count_bytes(cx, job, bytes);
                cx.jobs.credit_location(job, &mut self.locations, cx.now, false);
                None
            }
        }
    }

    /// Takes the manifest. Parts of it that lie in other files are fetched before it is read.
    fn on_manifest(&mut self, cx: &mut Context, job: JobId, body: &Bytes, url: &Url) -> Option<Presentation> {
        self.asked_at = cx.jobs.get(job).and_then(Job::attempt).map_or(cx.now, |attempt| attempt.sent);
        let manifest = IncompleteManifest::new(body, url);
        let missing = match manifest.missing() {
            Ok(missing) => missing,
            Err(error) => return self.on_request_failed(cx, job, Cause::Manifest(&error)),
        };
        if missing.is_empty() {
            return self.read_manifest(cx, Some(job), &manifest);
        }
        self.note_manifest_location(cx, job, url);
        cx.jobs.remove(job, cx.now);
        self.incomplete = Some(manifest);
        fetch_remotes(cx, missing);
        None
    }

    /// Takes a part of the manifest; `None` if it is unavailable.
    fn on_remote(&mut self, cx: &mut Context, job: JobId, body: Option<&Bytes>) -> Option<Presentation> {
        let done = cx.jobs.remove(job, cx.now)?;
        let mut incomplete = self.incomplete.take()?;
        incomplete.add_remote(done.resource.urls, body);
        if cx.jobs.of_purpose(Purpose::Remote).is_some() {
            self.incomplete = Some(incomplete);
            return None;
        }
        let missing = incomplete.missing().unwrap_or_default();
        if missing.is_empty() {
            return self.read_manifest(cx, None, &incomplete);
        }
        self.incomplete = Some(incomplete);
        fetch_remotes(cx, missing);
        None
    }

    fn read_manifest(
        &mut self,
        cx: &mut Context,
        job: Option<JobId>,
        manifest: &IncompleteManifest,
    ) -> Option<Presentation> {
        let url = manifest.url();
        let (parsed, patchable) = match (manifest.read(), job) {
            (Ok(parsed), _) => parsed,
            (Err(error), Some(job)) => return self.on_request_failed(cx, job, Cause::Manifest(&error)),
            (Err(error), None) => {
                context::fail(cx, error_map::describe(FetchKind::Manifest, Cause::Manifest(&error), Some(url)));
                return None;
            }
        };
        if let Some(job) = job {
            self.note_manifest_location(cx, job, url);
            cx.jobs.remove(job, cx.now);
        }
        cx.ledger.phase("manifest", cx.now);
        cx.effects.warn_about(parsed.warnings, Stage::Manifest, url);
        self.patchable = patchable;
        Some(parsed.presentation)
    }

    /// Notes the location that the manifest was read from, at `url` after redirects.
    fn note_manifest_location(&mut self, cx: &Context, job: JobId, url: &Url) {
        if let Some(attempt) = cx.jobs.get(job).and_then(Job::attempt) {
            self.locations.manifest_came_from(&attempt.candidate.place, url);
        }
    }

    /// Takes a failed request. Returns the presentation if it is complete without what was requested.
    pub(super) fn on_request_failed(&mut self, cx: &mut Context, id: JobId, cause: Cause<'_>) -> Option<Presentation> {
        let purpose = cx.jobs.get(id)?.purpose;
        let assessed = failure::assess(cx, &self.locations, id, cause, Alternatives::default());
        let Assessed::Decided(assessment) = assessed else { return None };
        match assessment.action {
            Action::RetryAfter(delay) => assessment.retry(cx, id, delay),
            Action::OtherLocation { exclude_for } => {
                assessment.move_on(cx, &mut self.locations, id, exclude_for, &[]);
            }
            // The rest of the manifest may do without it.
            Action::Fatal if purpose == Purpose::Remote => {
                cx.effects.warn(assessment.error);
                return self.on_remote(cx, id, None);
            }
            Action::OtherRepresentation { .. } | Action::SkipSegment | Action::Fatal => {
                cx.jobs.remove(id, cx.now);
                context::fail(cx, assessment.error);
            }
        }
        None
    }
}

pub(super) fn fetch_remotes(cx: &mut Context, missing: Vec<Url>) {
    for url in missing {
        cx.jobs.add(cx.now, Purpose::Remote, FetchKind::Manifest, Resource::new(url), Ingest::Body);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::config::PlayerConfig;

    const REMOTE: &str = r#"<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" xmlns:xlink="http://www.w3.org/1999/xlink"
        type="static" profiles="urn:mpeg:dash:profile:full:2011" minBufferTime="PT2S">
        <Period xlink:href="a.xml" xlink:actuate="onLoad"/><Period xlink:href="b.xml" xlink:actuate="onLoad"/></MPD>"#;

    #[test]
    fn a_part_that_refers_to_another_part_is_followed() {
        let url: Url = "http://h/manifest.mpd".parse().unwrap();
        let config = PlayerConfig::default();
        let rule = context::make_rule(&config).unwrap();
        let mut cx = Context::new(config, rule);
        let mut opening = Opening::new(ItemId::default(), &LoadRequest::new(url.clone()), abr::Hdcp::None);
        let manifest = IncompleteManifest::new(&Bytes::from_static(REMOTE.as_bytes()), &url);
        fetch_remotes(&mut cx, manifest.missing().unwrap());
        opening.incomplete = Some(manifest);
        let jobs = cx.jobs.ids();
        let nested = r#"<Period xmlns="urn:mpeg:dash:schema:mpd:2011" xmlns:xlink="http://www.w3.org/1999/xlink">
            <AdaptationSet xlink:href="c.xml" xlink:actuate="onLoad"/></Period>"#;
        let nested = Bytes::from_static(nested.as_bytes());
        assert!(opening.on_remote(&mut cx, jobs[0], Some(&nested)).is_none());
        assert!(opening.on_remote(&mut cx, jobs[1], None).is_none());
        let asked: Vec<_> = cx.jobs.ids().iter().map(|id| cx.jobs.get(*id).unwrap().resource.urls[0].clone()).collect();
        assert_eq!(asked, ["http://h/c.xml".parse::<Url>().unwrap()]);
        assert!(opening.incomplete.is_some());
    }

    #[test]
    fn a_location_that_answers_is_no_longer_excluded() {
        let urls = ["http://a/m.mpd", "http://b/m.mpd"].map(|url| url.parse::<Url>().unwrap());
        let config = PlayerConfig::default();
        let rule = context::make_rule(&config).unwrap();
        let mut cx = Context::new(config, rule);
        let request = LoadRequest { locations: urls.to_vec(), ..LoadRequest::new(urls[0].clone()) };
        let mut opening = Opening::new(ItemId::default(), &request, abr::Hdcp::None);
        let places = opening.locations.manifest_candidates();
        for candidate in &places {
            opening.locations.exclude(&candidate.place, std::time::Duration::from_secs(60), cx.now);
        }
        fetch_remotes(&mut cx, vec![urls[1].clone()]);
        let job = cx.jobs.ids()[0];
        cx.jobs.send(job, places[1].clone(), &cx.config, cx.now);
        let outcome = FetchOutcome::Complete { bytes: 1, body: Bytes::from_static(b"x") };
        assert!(opening.on_fetch_ended(&mut cx, job, outcome).is_none());
        let excluded = places.iter().map(|candidate| opening.locations.is_excluded(&candidate.place, cx.now));
        assert_eq!(excluded.collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn a_manifest_is_read_once_all_of_its_parts_are_here_or_unavailable() {
        let url: Url = "http://h/manifest.mpd".parse().unwrap();
        let config = PlayerConfig::default();
        let rule = context::make_rule(&config).unwrap();
        let mut cx = Context::new(config, rule);
        let mut opening = Opening::new(ItemId::default(), &LoadRequest::new(url.clone()), abr::Hdcp::None);
        let manifest = IncompleteManifest::new(&Bytes::from_static(REMOTE.as_bytes()), &url);
        let missing = manifest.missing().unwrap();
        assert_eq!(missing.len(), 2);
        opening.incomplete = Some(manifest);
        fetch_remotes(&mut cx, missing);
        let jobs = cx.jobs.ids();
        assert!(opening.on_remote(&mut cx, jobs[0], None).is_none());
        assert_eq!(cx.jobs.ids(), jobs[1..], "the first part is not asked for again");
        assert!(opening.incomplete.is_some(), "the manifest waits for the second");
        opening.on_remote(&mut cx, jobs[1], None);
        assert!(opening.incomplete.is_none() && cx.jobs.ids().is_empty());
    }
}
