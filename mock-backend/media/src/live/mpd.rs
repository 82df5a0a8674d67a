//! The MPD (ISO/IEC 23009-1) of a channel, and patches of it.
//!
//! Where all segments of a programme have one duration, and a client must know of them before they are complete, a period has
//! `$Number$` and a nominal duration: the MPD changes with the programme only. Other channels have timelines, which patches extend.
//! With discontinuities each programme is a period.

use std::time::Duration;

use kinora_manifests::dash::{
    AdaptationSet, AvailabilityTimeOffset, ContentType, Descriptor, DynamicAttributes, Event, EventStream, FrameRate,
    Latency, Mpd, MpdType, Patch, PatchLocation, PatchOperation, Period, PeriodElement, PlaybackRate,
    ProducerReferenceTime, ReferenceType, Representation, Resync, SegmentAddressing, SegmentTemplate, SegmentTiming,
    Selector, ServiceDescription, UrlTemplate, UtcScheme, UtcTiming, fold_timeline,
};
use kinora_manifests::{DateTime, Layout, ManifestError};

use super::asked::Answer;
use super::channel::{Inner, MILLI};
use super::manifests::answered;
use super::timeline::{TrackId, nanoseconds};

/// Scheme of the events that programmes are.
const PROGRAMME_SCHEME: &str = "urn:kinora:programme:2026";
/// Time after which a client looks whether an MPD has changed that names no segment.
const SETTLED_UPDATE: Duration = Duration::from_secs(10);
/// Time before its beginning at which a programme has its period, nanoseconds: two looks, and one that fails.
const ANNOUNCED_NS: u64 = 30_000_000_000;
/// Time for which an MPD can be patched.
const PATCHED_FOR: Duration = Duration::from_secs(60);

impl Inner {
    /// Returns true if segments follow from the clock: those of each programme have one duration, and either timestamps run through
    /// or a client has to know of a segment before it is complete.
    fn is_numbered(&self) -> bool {
        let is_even = |index| self.nominal_ticks(index).is_some();
        let is_wanted = self.is_low_latency() || !self.timeline.has_discontinuities();
        is_wanted && (0..self.timeline.programmes.len()).all(is_even)
    }

    /// Returns the duration of all segments of a programme, in ticks of the video; `None` if they differ.
    fn nominal_ticks(&self, programme: usize) -> Option<u64> {
        let starts = &self.timeline.programmes.get(programme)?.starts;
        let mut durations = starts.windows(2).map(|pair| pair[1] - pair[0]);
        let first = durations.next()?;
        durations.all(|duration| duration == first).then_some(first)
    }

    /// Returns the first and the last programme that have a period with numbers at a time: the next one is named early.
    fn numbered(&self, now_ns: u64) -> (u64, u64) {
        let first = self.timeline.occurrence_at(now_ns.saturating_sub(self.window_ns()));
        (first, self.timeline.occurrence_at(now_ns.saturating_add(ANNOUNCED_NS)))
    }

    /// Returns the time at which what an MPD says was so first, in whole milliseconds of the Unix time.
    fn published_ms(&self, now_ns: u64) -> i64 {
        self.unix_ms(self.published(now_ns))
    }

    fn published(&self, now_ns: u64) -> u64 {
        if self.is_numbered() {
            if !self.timeline.has_discontinuities() {
                return self.timeline.start_of(self.timeline.occurrence_at(now_ns));
            }
            let (first, last) = self.numbered(now_ns);
            let dropped = if first > 0 { self.timeline.start_of(first) + self.window_ns() } else { 0 };
            return dropped.max(self.timeline.start_of(last).saturating_sub(ANNOUNCED_NS));
        }
        let last = |track| {
            let (complete, _) = self.timeline.edge(track, now_ns);
            complete.checked_sub(1).map_or(0, |number| self.timeline.span(track, number).end_ns)
        };
        self.tracks().map(last).max().unwrap_or(0)
    }

    /// Writes the MPD as it is at a time, with or without the address of patches.
    pub(super) fn mpd(&self, now_ns: u64, is_patchable: bool) -> Result<String, ManifestError> {
        let mut mpd = self.mpd_at(now_ns);
        if !is_patchable {
            mpd.patch_locations.clear();
        }
        mpd.to_text(Layout::Readable)
    }

    pub(super) fn mpd_at(&self, now_ns: u64) -> Mpd {
        let longest = whole_ms(Duration::from_nanos(self.longest_segment()));
        let is_numbered = self.is_numbered();
        let periods = match (is_numbered, self.timeline.has_discontinuities()) {
            (false, _) => self.timed_periods(now_ns),
            (true, false) => vec![self.numbered_period(0, self.programmes_around(now_ns))],
            (true, true) => {
                let (first, last) = self.numbered(now_ns);
                let period = |occurrence| {
                    let event = self.event(occurrence, self.timeline.start_of(occurrence));
                    self.numbered_period(occurrence, vec![event])
                };
                (first..=last).map(period).collect()
            }
        };
        let published_ms = self.published_ms(now_ns);
        let patch =
            (!is_numbered).then(|| PatchLocation { url: format!("patch-{published_ms}.mpp"), ttl: Some(PATCHED_FOR) });
        let part = Duration::from_nanos(self.longest_part());
        // Without chunks nothing is there before its segment is complete.
        let delay =
            if self.is_low_latency() && !is_numbered { (3 * longest).max(self.latency()) } else { self.latency() };
        let is_chunked = is_numbered && self.is_low_latency();
        let low_latency = is_chunked.then(|| ServiceDescription {
            id: Some(0),
            latency: Some(Latency {
                reference_id: Some(0),
                target: Some(whole_ms(self.latency())),
                min: Some(whole_ms((2 * part).min(self.latency()))),
                max: Some(whole_ms(2 * self.latency())),
            }),
            playback_rate: Some(PlaybackRate { min: Some(0.96), max: Some(1.04) }),
        });
        Mpd {
            id: Some(self.record.id.clone()),
            profiles: "urn:mpeg:dash:profile:isoff-live:2011".to_owned(),
            mpd_type: MpdType::Dynamic(DynamicAttributes {
                minimum_update_period: Some(if is_numbered { SETTLED_UPDATE } else { longest }),
                time_shift_buffer_depth: Some(Duration::from_nanos(self.window_ns())),
                suggested_presentation_delay: Some(delay),
                media_presentation_duration: None,
            }),
            min_buffer_time: if is_chunked { 2 * part } else { longest },
            max_segment_duration: Some(longest),
            availability_start_time: Some(DateTime::from_unix_millis(self.record.epoch.as_millisecond()).to_string()),
            publish_time: Some(DateTime::from_unix_millis(published_ms)),
            patch_locations: patch.into_iter().collect(),
            service_descriptions: low_latency.into_iter().collect(),
            periods: periods.into_iter().map(PeriodElement::Inline).collect(),
            utc_timings: vec![UtcTiming::new(UtcScheme::HttpIso, "time"), UtcTiming::new(UtcScheme::HttpHead, "time")],
            ..Mpd::default()
        }
    }

    /// Returns the programme on the air and its neighbours, as events of the one period of a channel that runs through.
    fn programmes_around(&self, now_ns: u64) -> Vec<Event> {
        let now = self.timeline.occurrence_at(now_ns);
        (now.saturating_sub(1)..=now + 1).map(|occurrence| self.event(occurrence, 0)).collect()
    }

    /// Returns a period whose segments follow from the clock: that of a programme, or number 0 for all if timestamps run through.
    fn numbered_period(&self, occurrence: u64, events: Vec<Event>) -> Period {
        let first = self.timeline.first_of(occurrence);
        let programme = self.timeline.place(first).programme;
        let timescale = self.timeline.programmes[programme].timescale;
        let ticks = self.nominal_ticks(programme).unwrap_or(1);
        let segments = |track: TrackId| {
            let own = self.timeline.track(programme, track).timescale;
            let duration = u128::from(ticks) * u128::from(own) / u128::from(timescale);
            let offset = self.is_low_latency().then(|| {
                let ahead = nanoseconds(ticks, timescale).saturating_sub(self.lengths[&track].part_ns);
                AvailabilityTimeOffset::Span(Duration::from_millis(ahead / MILLI))
            });
            SegmentTemplate {
                start_number: first,
                availability_time_offset: offset,
                availability_time_complete: offset.map(|_| false),
                ..self.template(track, programme, SegmentTiming::Duration(duration as u64))
            }
        };
        Period {
            id: Some(occurrence.to_string()),
            start: Some(Duration::from_nanos(self.timeline.start_of(occurrence))),
            event_streams: vec![stream(events)],
            adaptation_sets: self.sets(programme, segments),
            ..Period::default()
        }
    }

    /// Returns the periods of a channel with timelines: one for each programme, or one for all if timestamps run through.
    fn timed_periods(&self, now_ns: u64) -> Vec<Period> {
        let edges: Vec<_> = self.tracks().map(|track| (track, self.timeline.edge(track, now_ns).0)).collect();
        let window_start = self.published(now_ns).saturating_sub(self.window_ns());
        let range = |track: TrackId| {
            let complete = edges.iter().find(|(own, _)| *own == track).map_or(0, |(_, complete)| *complete);
            let first = self.timeline.first_after(track, window_start).min(complete);
            first..complete
        };
        let has_discontinuities = self.timeline.has_discontinuities();
        let all: Vec<_> = self.tracks().map(range).collect();
        let first = all.iter().map(|range| range.start).min().unwrap_or(0);
        let last = all.iter().map(|range| range.end.saturating_sub(1)).max().unwrap_or(0);
        let (from, to) = (self.timeline.place(first).occurrence, self.timeline.place(last).occurrence);
        let occurrences = if has_discontinuities { from..=to } else { 0..=0 };
        let period = |occurrence: u64| {
            let whole = self.timeline.first_of(occurrence)..self.timeline.first_of(occurrence + 1);
            let within = |track| {
                let range = range(track);
                if has_discontinuities {
                    range.start.max(whole.start)..range.end.min(whole.end).max(range.start.max(whole.start))
                } else {
                    range
                }
            };
            let programme = self.timeline.place(whole.start).programme;
            let segments = |track: TrackId| {
                let numbers = within(track);
                let start_number = numbers.start;
                let spans = numbers.map(|number| self.timeline.span(track, number));
                let timeline = fold_timeline(spans.map(|span| (span.start, span.end - span.start)));
                let timing = SegmentTiming::Timeline(timeline);
                SegmentTemplate { start_number, ..self.template(track, programme, timing) }
            };
            let start = self.timeline.start_of(occurrence);
            let events = match has_discontinuities {
                true => vec![self.event(occurrence, start)],
                false => (from..=to).map(|occurrence| self.event(occurrence, 0)).collect(),
            };
            Period {
                id: Some(occurrence.to_string()),
                start: Some(Duration::from_nanos(if has_discontinuities { start } else { 0 })),
                event_streams: vec![stream(events)],
                adaptation_sets: self.sets(programme, segments),
                ..Period::default()
            }
        };
        occurrences.map(period).collect()
    }

    fn template(&self, track: TrackId, programme: usize, timing: SegmentTiming) -> SegmentTemplate {
        let folder = match track {
            TrackId::Video(_) => UrlTemplate::new("video/").representation_id(),
            TrackId::Audio(_) => UrlTemplate::new(self.folder(track)),
        };
        SegmentTemplate {
            initialization: Some(folder.clone().literal(&format!("/init-{programme}.mp4"))),
            ..SegmentTemplate::new(
                self.timeline.track(programme, track).timescale,
                folder.literal("/seg-").number(0).literal(".m4s"),
                timing,
            )
        }
    }

    /// Returns the sets of a programme: the rungs together, and each language.
    fn sets(&self, programme: usize, segments: impl Fn(TrackId) -> SegmentTemplate) -> Vec<AdaptationSet> {
        let record = &self.timeline.programmes[programme].record;
        let rungs = self.rungs.iter().filter_map(|name| record.rungs.iter().find(|rung| rung.name == *name));
        let representations: Vec<_> = rungs
            .map(|rung| Representation {
                id: rung.name.clone(),
                codecs: Some(rung.codec.clone()),
                bandwidth: rung.peak_bps.max(1),
                width: Some(rung.width),
                height: Some(rung.height),
                sar: Some((1, 1)),
                ..Representation::default()
            })
            .collect();
        let rate = record.frame_rate;
        let video = AdaptationSet {
            id: Some(1),
            segment_alignment: true,
            start_with_sap: Some(1),
            max_width: representations.iter().filter_map(|rung| rung.width).max(),
            max_height: representations.iter().filter_map(|rung| rung.height).max(),
            frame_rate: Some(FrameRate { numerator: rate.num, denominator: rate.den }),
            roles: vec![Descriptor::new("urn:mpeg:dash:role:2011", "main")],
            segments: Some(SegmentAddressing::Template(segments(TrackId::Video(0)))),
            representations,
            ..AdaptationSet::new(ContentType::Video, "video/mp4")
        };
        let audio = self.languages.iter().enumerate().filter_map(|(index, name)| {
            let audio = record.audio.iter().find(|audio| audio.name == *name)?;
            let track = TrackId::Audio(index);
            let channels = Descriptor::new("urn:mpeg:dash:23003:3:audio_channel_configuration:2011", "2");
            let representation = Representation {
                id: format!("audio-{name}"),
                codecs: Some(audio.codec.clone()),
                bandwidth: audio.peak_bps.max(1),
                audio_sampling_rate: Some(self.timeline.track(programme, track).timescale),
                audio_channel_configurations: vec![channels],
                ..Representation::default()
            };
            Some(AdaptationSet {
                id: Some(10 + index as u32),
                lang: Some(audio.language.clone()),
                segment_alignment: true,
                start_with_sap: Some(1),
                labels: vec![audio.label.clone()],
                roles: vec![Descriptor::new("urn:mpeg:dash:role:2011", if index == 0 { "main" } else { "dub" })],
                segments: Some(SegmentAddressing::Template(segments(track))),
                representations: vec![representation],
                ..AdaptationSet::new(ContentType::Audio, "audio/mp4")
            })
        });
        let mut sets: Vec<_> = [video].into_iter().chain(audio).collect();
        if self.is_low_latency() && self.is_numbered() {
            for (set, track) in sets.iter_mut().zip([TrackId::Video(0)].into_iter().chain((0..).map(TrackId::Audio))) {
                self.describe_chunks(set, track);
            }
        }
        sets
    }

    /// Says of a set that chunks bear the time of their production, and how long they are.
    fn describe_chunks(&self, set: &mut AdaptationSet, track: TrackId) {
        set.producer_reference_times = vec![ProducerReferenceTime {
            id: 0,
            inband: true,
            reference_type: ReferenceType::Captured,
            wall_clock_time: self.date_of(0),
            presentation_time: 0,
            utc_timing: Some(UtcTiming::new(UtcScheme::HttpIso, "time")),
        }];
        let timescale = u128::from(self.timeline.track(0, track).timescale);
        let ticks = u128::from(self.lengths[&track].part_ns) * timescale / 1_000_000_000;
        set.resyncs = vec![Resync { sap_type: Some(0), d_t: u32::try_from(ticks).ok(), ..Resync::default() }];
    }

    /// Returns the event that a programme is, in a period that starts at a time.
    fn event(&self, occurrence: u64, period_ns: u64) -> Event {
        let (start, end) = (self.timeline.start_of(occurrence), self.timeline.start_of(occurrence + 1));
        Event {
            id: (occurrence & u64::from(u32::MAX)) as u32,
            presentation_time: start.saturating_sub(period_ns) / MILLI,
            duration: (end - start) / MILLI,
            message: self.timeline.programme(occurrence).record.title.clone(),
        }
    }

    /// Returns the changes of the MPD since a time of publication, which is a Unix time in milliseconds.
    pub(super) fn patch(&self, from: u64, now_ns: u64) -> Answer {
        let Ok(from) = i64::try_from(from) else { return Answer::Absent };
        let from_ns = self.since_epoch(from);
        if self.is_numbered() || from_ns > now_ns || self.published_ms(from_ns) != from {
            return Answer::Absent;
        }
        if now_ns - from_ns > 2 * PATCHED_FOR.as_nanos() as u64 {
            return Answer::Gone;
        }
        let patch = Patch::between(&self.mpd_at(from_ns), &self.mpd_at(now_ns), Layout::Readable);
        answered(patch.and_then(|patch| with_places(patch).to_text(Layout::Readable)), 0)
    }
}

/// Names the one `PatchLocation` by its place: Shaka Player 5.2 takes what has none for an element to add.
pub(super) fn with_places(mut patch: Patch) -> Patch {
    let unplaced = Selector::mpd().child("PatchLocation");
    for operation in &mut patch.operations {
        if let PatchOperation::Replace { selector, .. } = operation
            && *selector == unplaced
        {
            *selector = Selector::mpd().child_at("PatchLocation", 1);
        }
    }
    patch
}

fn stream(events: Vec<Event>) -> EventStream {
    EventStream { scheme_id_uri: PROGRAMME_SCHEME.to_owned(), value: None, timescale: 1000, events }
}

/// Rounds to whole milliseconds, up.
fn whole_ms(duration: Duration) -> Duration {
    Duration::from_millis(u64::try_from(duration.as_nanos().div_ceil(u128::from(MILLI))).unwrap_or(u64::MAX))
}
