//! Audit of the account of video samples: each sample is received once, and departs for a reason that has a cause.

use std::collections::{BTreeMap, BTreeSet};

use super::requests::{Resource, resource};
use super::require;
use crate::command::Command;
use crate::container::{DemuxOutput, DemuxSetup, InitSegment};
use crate::engine::io::{FetchId, FetchRequest, Ingest, Input};
use crate::event::Event;
use crate::model::MediaKind;
use crate::render::RenderEvent;
use crate::snapshot::Snapshot;
use crate::telemetry::{FrameDiscards, FrameLosses};
use crate::time::{MediaTime, Now};

/// Part of a resource, by its place in the list of all that were requested.
type Place = usize;

/// Video samples that arrived since the load, and the causes so far for which samples may depart.
#[derive(Clone, Debug, Default)]
pub(super) struct Account {
    places: Vec<Resource>,
    /// Resource of each request.
    requests: BTreeMap<FetchId, Place>,
    /// Number of the video track in the files of a resource.
    tracks: BTreeMap<Place, u32>,
    /// Video samples that arrived since anything happened for which they may be fetched once more.
    arrived: BTreeSet<(Place, MediaTime)>,
    /// Number of those that arrived before.
    arrived_before: u64,
    was_moved: bool,
    was_switched: bool,
    was_replaced: bool,
    has_jumped: bool,
    /// Number of warnings of lost samples.
    announced: usize,
    /// Reasons for which samples were ever lost. A request that is repeated may take the loss back, not the warning.
    losses: [bool; 3],
}

impl Account {
    /// A presentation is loaded.
    pub(super) fn begin(&mut self, is_moved: bool) {
        *self = Self { was_moved: is_moved, ..Self::default() };
    }

    pub(super) fn on_fetch(&mut self, request: &FetchRequest) {
        let resource = resource(request);
        let place = self.places.iter().rposition(|known| *known == resource).unwrap_or_else(|| {
            self.places.push(resource);
            self.places.len() - 1
        });
        self.requests.insert(request.id, place);
        // Initialisation data from before a break is not sent again.
        let before = request.resume.and_then(|resume| self.requests.get(&resume.fetch));
        if let Some(track) = before.and_then(|before| self.tracks.get(before).copied()) {
            self.tracks.entry(place).or_insert(track);
        }
        if let Ingest::Media(DemuxSetup { init: Some(init), .. }) = &request.ingest {
            self.on_init(place, init);
        }
    }

    /// Samples may be fetched once more from now on.
    fn disturb(&mut self) {
        self.arrived_before += self.arrived.len() as u64;
        self.arrived.clear();
    }

    pub(super) fn on_input(&mut self, input: &Input) {
        match input {
            Input::Command { command, .. } => self.on_command(command),
            Input::Refresh => {
                self.was_replaced = true;
                self.disturb();
            }
            Input::Render(RenderEvent::TrackFailed { .. } | RenderEvent::FlushWanted { .. }) => self.disturb(),
            Input::FetchMedia { id, output, .. } => self.on_media(*id, output),
            _ => {}
        }
    }

    fn on_command(&mut self, command: &Command) {
        match command {
            Command::Seek { .. } | Command::SeekBy { .. } | Command::Play => self.was_moved = true,
            Command::SelectAudio(_) | Command::SelectQuality(_) | Command::SelectText(_) => self.was_switched = true,
            Command::SetOutputProtection(_) => self.was_replaced = true,
            _ => return,
        }
        self.disturb();
    }

    fn on_init(&mut self, place: Place, init: &InitSegment) {
        if let Some(video) = init.tracks.iter().find(|track| track.kind == MediaKind::Video) {
            self.tracks.insert(place, video.id);
        }
    }

    fn on_media(&mut self, id: FetchId, output: &DemuxOutput) {
        let Some(place) = self.requests.get(&id).copied() else { return };
        match output {
            DemuxOutput::Init(init) => self.on_init(place, init),
            DemuxOutput::Damage(damage) => self.arrived_before += damage.undecodable,
            // What it holds may be counted without ever arriving.
            DemuxOutput::Tail(_) => self.arrived_before = u64::MAX / 2,
            DemuxOutput::Fragment(fragment) if self.tracks.get(&place) == Some(&fragment.track) => {
                self.arrived.extend(fragment.samples.iter().map(|sample| (place, sample.dts)));
            }
            _ => {}
        }
    }

    pub(super) fn on_flush(&mut self) {
        self.disturb();
    }

    pub(super) fn on_event(&mut self, event: &Event) {
        match event {
            Event::GapSkipped { .. } => self.has_jumped = true,
            // A command may wait for its turn.
            Event::TracksChanged | Event::TimelineChanged | Event::SeekStarted { .. } => self.disturb(),
            Event::Warning { error } => self.announced += usize::from(error.message.starts_with("video samples")),
            _ => {}
        }
    }

    pub(super) fn check(&mut self, snapshot: &Snapshot, is_idle: bool, now: Now) {
        let account = snapshot.stats.account;
        let most = self.arrived_before + self.arrived.len() as u64;
        require(now, account.received <= most, || format!("{} samples received of {most}", account.received));
        // An author or a host that begins elsewhere moves playback too.
        self.was_moved |= snapshot.position > MediaTime::ZERO && !self.has_jumped && account.received == 0;
        let FrameDiscards { seek, switch, replaced, stopped } = account.discarded;
        let causes = [
            (seek, self.was_moved, "a move"),
            (switch, self.was_switched, "a choice"),
            (replaced, self.was_replaced, "another output"),
            (stopped, is_idle, "a stop"),
            (account.lost.late, self.has_jumped, "a jump"),
        ];
        for (count, has_cause, cause) in causes {
            require(now, count == 0 || has_cause, || format!("{count} samples depart for {cause} that was not"));
        }
        let FrameLosses { overlapped, outside_window, late, .. } = account.lost;
        for (known, count) in self.losses.iter_mut().zip([overlapped, outside_window, late]) {
            *known |= count > 0;
        }
        let reasons = self.losses.iter().filter(|known| **known).count();
        let is_over = is_idle || snapshot.error.is_some();
        require(now, reasons <= self.announced || is_over, || {
            format!("{:?} is lost and {} warnings announce it", account.lost, self.announced)
        });
    }
}
