//! Playlists (RFC 8216bis): the multivariant one, and those of the tracks, which grow.

use std::time::Duration;

use kinora_manifests::hls::{
    ClientValue, ClosedCaptions, ContentSteering, DateRange, HintType, IncompleteSegment, MediaPlaylist, Multivariant,
    MultivariantTag, Part, PreloadHint, Rendition, RenditionKind, RenditionReport, Segment, SegmentTag, ServerControl,
    Skip, Variant,
};
use kinora_manifests::{Layout, ManifestError};

use super::asked::{Answer, Asked, number};
use super::channel::{Inner, MILLI};
use super::manifests::{answered, distinct, plain};
use super::media::is_independent;
use super::steering;
use super::timeline::TrackId;

const AUDIO_GROUP: &str = "audio";
/// Class of the date ranges that programmes are.
const PROGRAMME_CLASS: &str = "kinora.programme";

/// Delivery directives (§6.2.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Directives {
    /// `_HLS_msn`, and `_HLS_part`.
    wanted: Option<(u64, Option<u64>)>,
    /// `_HLS_skip`; true if date ranges may be left out as well.
    skip: Option<bool>,
}

impl Directives {
    fn read(query: Option<&str>) -> Result<Self, &'static str> {
        let (mut msn, mut part, mut skip) = (None, None, None);
        for (name, value) in query.unwrap_or_default().split('&').filter_map(|pair| pair.split_once('=')) {
            match name {
                "_HLS_msn" => msn = Some(number(value).ok_or("_HLS_msn is no number")?),
                "_HLS_part" => part = Some(number(value).ok_or("_HLS_part is no number")?),
                "_HLS_skip" if value == "YES" => skip = Some(false),
                "_HLS_skip" if value == "v2" => skip = Some(true),
                _ => {}
            }
        }
        match (msn, part) {
            (None, Some(_)) => Err("_HLS_part without _HLS_msn"),
            (msn, part) => Ok(Self { wanted: msn.map(|msn| (msn, part)), skip }),
        }
    }
}

impl Inner {
    /// Returns the target duration, seconds.
    fn target_s(&self) -> u64 {
        MediaPlaylist::least_target_duration([Duration::from_nanos(self.longest_segment())])
    }

    /// Returns the part target duration, in whole milliseconds.
    fn part_target(&self) -> Option<Duration> {
        self.is_low_latency().then(|| Duration::from_millis(self.longest_part().div_ceil(MILLI)))
    }

    /// Returns the time at which a playlist has what a request waits for: a segment, or a part of it. Beyond the last part it is
    /// the first one of the next segment (§6.2.5.2).
    fn wanted_at(&self, track: TrackId, msn: u64, part: Option<u64>) -> u64 {
        let Some(part) = part else { return self.timeline.span(track, msn).end_ns };
        let cut = self.timeline.cut(track, msn);
        match usize::try_from(part).ok().and_then(|part| cut.get(part)) {
            Some((_, span)) => span.end_ns,
            None => self.timeline.cut(track, msn + 1).first().map_or(u64::MAX, |(_, span)| span.end_ns),
        }
    }

    /// Returns the playlist of a track.
    pub(super) fn playlist(&self, track: TrackId, asked: &Asked<'_>) -> Answer {
        let directives = match Directives::read(asked.query) {
            Ok(directives) => directives,
            Err(reason) => return Answer::Refused(reason),
        };
        let now_ns = self.since_epoch(asked.now_ms);
        let first = self.timeline.span(track, 0).end_ns;
        if now_ns < first {
            return Answer::Later(self.unix_ms(first));
        }
        let (complete, _) = self.timeline.edge(track, now_ns);
        let mut max_age = if self.is_low_latency() { 0 } else { 1 };
        if let Some((msn, part)) = directives.wanted {
            if msn > complete + 1 {
                return Answer::Refused("_HLS_msn is too far ahead");
            }
            let wanted = if msn < complete { 0 } else { self.wanted_at(track, msn, part) };
            if wanted > now_ns {
                return Answer::Later(self.unix_ms(wanted));
            }
            // Whoever asks for this state may have it: it is in the address.
            max_age = u32::try_from(self.target_s()).unwrap_or(1);
        }
        answered(self.playlist_at(track, now_ns, directives.skip), max_age)
    }

    /// Writes the playlist of a track as it is at a time; with `skip` without what a client has.
    pub(super) fn playlist_at(&self, track: TrackId, now_ns: u64, skip: Option<bool>) -> Result<String, ManifestError> {
        let timeline = &self.timeline;
        let (complete, parts) = timeline.edge(track, now_ns);
        let end_ns = timeline.span(track, complete.saturating_sub(1)).end_ns;
        let target_ns = self.target_s() * 1_000 * MILLI;
        let first =
            timeline.first_after(track, end_ns.saturating_sub(self.window_ns())).min(complete.saturating_sub(1));
        let can_skip = (self.window_ns() > 6 * target_ns).then_some(6 * target_ns);
        let boundary = can_skip.map_or(0, |until| end_ns.saturating_sub(until));
        let first_kept = match skip {
            Some(_) if can_skip.is_some() => {
                timeline.first_after(track, boundary).clamp(first, complete.saturating_sub(1))
            }
            _ => first,
        };
        let skipped = first_kept - first;
        let skips_ranges = skip == Some(true) && skipped > 0;
        let window_start = timeline.span(track, first).start_ns;
        let segments = (first_kept..complete).map(|msn| {
            let span = timeline.span(track, msn);
            let lists_parts = self.is_low_latency() && span.end_ns + 3 * target_ns > end_ns;
            Segment {
                tags: self.tags(track, msn, msn == first && skipped == 0),
                parts: if lists_parts { self.parts(track, msn, usize::MAX) } else { Vec::new() },
                ..Segment::new(format!("seg-{msn}.m4s"), Duration::from_nanos(span.end_ns - span.start_ns))
            }
        });
        let incomplete = (parts > 0).then(|| IncompleteSegment {
            tags: self.tags(track, complete, false),
            parts: self.parts(track, complete, parts),
        });
        let playlist = MediaPlaylist {
            target_duration: self.target_s(),
            media_sequence: Some(first),
            discontinuity_sequence: timeline.has_discontinuities().then(|| self.discontinuities_before(first)),
            independent_segments: true,
            server_control: Some(ServerControl {
                can_skip_until: can_skip.map(Duration::from_nanos),
                can_skip_dateranges: can_skip.is_some(),
                hold_back: Some(Duration::from_nanos(3 * target_ns)),
                part_hold_back: self.part_target().map(|target| 3 * target),
                can_block_reload: true,
            }),
            part_target: self.part_target(),
            skip: (skipped > 0).then(|| Skip {
                skipped_segments: skipped,
                recently_removed_dateranges: skips_ranges.then(|| self.removed_ranges(window_start, can_skip)),
            }),
            date_ranges: self.date_ranges(if skips_ranges { boundary } else { window_start }, now_ns, skips_ranges),
            segments: segments.collect(),
            incomplete_segment: incomplete,
            preload_hints: if self.is_low_latency() { self.hints(complete, parts) } else { Vec::new() },
            rendition_reports: if self.is_low_latency() { self.reports(track, now_ns) } else { Vec::new() },
            ..MediaPlaylist::default()
        };
        playlist.to_text(Layout::Readable)
    }

    /// Returns true if a discontinuity lies in front of a segment.
    fn is_discontinuous(&self, msn: u64) -> bool {
        msn > 0 && self.timeline.has_discontinuities() && self.timeline.place(msn).index == 0
    }

    /// Returns the number of discontinuities in front of a playlist that begins with a segment. That in front of the segment
    /// itself is in the playlist.
    fn discontinuities_before(&self, msn: u64) -> u64 {
        self.timeline.place(msn).occurrence - u64::from(self.is_discontinuous(msn))
    }

    fn tags(&self, track: TrackId, msn: u64, is_first: bool) -> Vec<SegmentTag> {
        let is_discontinuous = self.is_discontinuous(msn);
        let mut tags = Vec::new();
        if is_discontinuous {
            tags.push(SegmentTag::Discontinuity);
        }
        if is_discontinuous || is_first {
            tags.push(SegmentTag::Map { uri: self.init_name(msn), byte_range: None });
        }
        tags.push(SegmentTag::ProgramDateTime(self.date_of(self.timeline.span(track, msn).start_ns)));
        tags
    }

    fn init_name(&self, msn: u64) -> String {
        format!("init-{}.mp4", self.timeline.place(msn).programme)
    }

    fn parts(&self, track: TrackId, msn: u64, count: usize) -> Vec<Part> {
        let cut = self.timeline.cut(track, msn);
        let part = |(index, (samples, span)): (usize, &(Vec<_>, super::timeline::Span))| Part {
            uri: format!("seg-{msn}.{index}.m4s"),
            duration: Duration::from_nanos(span.end_ns - span.start_ns),
            is_independent: is_independent(samples),
            ..Part::default()
        };
        cut.iter().enumerate().take(count).map(part).collect()
    }

    /// Returns the hints at what comes next: a part, and the initialisation that it needs if that is another one.
    fn hints(&self, msn: u64, part: usize) -> Vec<PreloadHint> {
        let begins = part == 0 && self.is_discontinuous(msn);
        let map = begins.then(|| PreloadHint::new(HintType::Map, self.init_name(msn)));
        let part = PreloadHint::new(HintType::Part, format!("seg-{msn}.{part}.m4s"));
        map.into_iter().chain([part]).collect()
    }

    fn reports(&self, own: TrackId, now_ns: u64) -> Vec<RenditionReport> {
        let report = |track: TrackId| {
            let (complete, parts) = self.timeline.edge(track, now_ns);
            let (msn, part) = match (complete, parts) {
                (msn, 1..) => (msn, parts - 1),
                (0, 0) => return None,
                (msn, 0) => (msn - 1, self.timeline.cut(track, msn - 1).len() - 1),
            };
            Some(RenditionReport {
                uri: format!("../../{}/playlist.m3u8", self.folder(track)),
                last_msn: Some(msn),
                last_part: Some(part as u64),
            })
        };
        self.tracks().filter(|track| *track != own).filter_map(report).collect()
    }

    fn range_id(occurrence: u64) -> String {
        format!("programme-{occurrence}")
    }

    /// Returns the programmes that are on the air between two times; with `begins` those alone that begin after the first.
    fn date_ranges(&self, from_ns: u64, to_ns: u64, begins: bool) -> Vec<DateRange> {
        let occurrences = self.timeline.occurrence_at(from_ns)..=self.timeline.occurrence_at(to_ns);
        let occurrences = occurrences.filter(|occurrence| !begins || self.timeline.start_of(*occurrence) >= from_ns);
        let range = |occurrence| {
            let start = self.timeline.start_of(occurrence);
            let record = &self.timeline.programme(occurrence).record;
            let text = |name: &str, text: &str| (name.to_owned(), ClientValue::Text(plain(text)));
            DateRange {
                id: Self::range_id(occurrence),
                class: Some(PROGRAMME_CLASS.to_owned()),
                start_date: Some(self.date_of(start)),
                duration: Some(Duration::from_nanos(self.timeline.start_of(occurrence + 1) - start)),
                client_attributes: vec![text("X-TITLE", &record.title), text("X-TITLE-ID", &record.id)],
                ..DateRange::default()
            }
        };
        occurrences.map(range).collect()
    }

    /// Returns the programmes that left the playlist within the time for which a client's copy may be updated.
    fn removed_ranges(&self, window_start_ns: u64, can_skip: Option<u64>) -> Vec<String> {
        let since = window_start_ns.saturating_sub(can_skip.unwrap_or(0));
        let gone = self.timeline.occurrence_at(since)..self.timeline.occurrence_at(window_start_ns);
        gone.map(Self::range_id).collect()
    }

    /// Writes the multivariant playlist; with a steering server if there are edges to choose from.
    pub(super) fn multivariant(&self, is_steered: bool) -> Result<String, ManifestError> {
        let programmes = &self.timeline.programmes;
        let audio = |name: &str| {
            let all = programmes.iter().flat_map(|programme| programme.record.audio.iter());
            all.filter(|audio| audio.name == name).collect::<Vec<_>>()
        };
        let renditions = self.languages.iter().enumerate().filter_map(|(index, name)| {
            let first = *audio(name).first()?;
            Some(Rendition {
                kind: RenditionKind::Audio {
                    channels: Some("2".to_owned()),
                    uri: Some(format!("audio/{name}/playlist.m3u8")),
                },
                group_id: AUDIO_GROUP.to_owned(),
                name: if first.label.is_empty() { name.clone() } else { plain(&first.label) },
                language: (first.language != "und").then(|| first.language.clone()),
                is_default: Some(index == 0),
                is_autoselect: Some(true),
            })
        });
        let audio_bps =
            self.languages.iter().flat_map(|name| audio(name)).map(|audio| audio.peak_bps).max().unwrap_or(0);
        let audio_codecs: Vec<_> =
            self.languages.iter().flat_map(|name| audio(name)).map(|audio| audio.codec.as_str()).collect();
        let variants = self.rungs.iter().filter_map(|name| {
            let all = programmes.iter().flat_map(|programme| programme.record.rungs.iter());
            let rungs: Vec<_> = all.filter(|rung| rung.name == *name).collect();
            let first = rungs.first()?;
            let codecs = rungs.iter().map(|rung| rung.codec.as_str()).chain(audio_codecs.iter().copied());
            Some(Variant {
                bandwidth: rungs.iter().map(|rung| rung.peak_bps).max().unwrap_or(0) + audio_bps,
                average_bandwidth: rungs.iter().map(|rung| rung.average_bps).max().map(|bps| bps + audio_bps),
                codecs: distinct(codecs),
                resolution: Some((first.width, first.height)),
                frame_rate: programmes.first().map(|programme| programme.record.frame_rate.fps()),
                audio: (!self.languages.is_empty()).then(|| AUDIO_GROUP.to_owned()),
                closed_captions: Some(ClosedCaptions::None),
                pathway_id: is_steered.then(|| steering::HERE.to_owned()),
                uri: format!("video/{name}/playlist.m3u8"),
                ..Variant::default()
            })
        });
        let playlist = Multivariant {
            independent_segments: true,
            content_steering: is_steered.then(|| ContentSteering {
                server_uri: steering::FILE.to_owned(),
                pathway_id: Some(steering::HERE.to_owned()),
            }),
            tags: renditions.map(MultivariantTag::Media).chain(variants.map(MultivariantTag::StreamInf)).collect(),
            ..Multivariant::default()
        };
        playlist.to_text(Layout::Readable)
    }
}
