//! HLS playlists of a virtual live service.

use std::time::Duration;

use kinora_manifests::hls::{
    ContentSteering, DateRange, HintType, IncompleteSegment, MediaPlaylist, Multivariant, MultivariantTag, Part,
    PlaylistType, PreloadHint, Rendition as AudioRendition, RenditionKind, RenditionReport, Segment as Listed,
    SegmentRange, SegmentTag, ServerControl, Skip, Variant,
};
use kinora_manifests::{ByteRange, DateTime};

use super::film::{Dates, LiveContainer, LivePathway, PartFiles};
use super::service::{Chunk, Rendition, Service};
use super::timeline::{Segment, nanos};
use super::troubles::SequenceFault;

/// Duration of a date range.
const RANGE: Duration = Duration::from_secs(2);
/// Target durations after which a delta update may leave segments out, and for which parts are listed.
const SKIP_TARGETS: u64 = 6;
const PART_TARGETS: u64 = 3;

/// Delta update that a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SkipRequest {
    /// `_HLS_skip=YES`: segments.
    Segments,
    /// `_HLS_skip=v2`: date ranges too.
    DateRanges,
}

/// End of a playlist: the last complete segment, and the one after it as far as it has parts.
struct Edge {
    last: Segment,
    incomplete: Option<(Segment, Vec<Chunk>)>,
}

impl Service {
    /// Returns the multivariant playlist.
    pub(super) fn multivariant(&self) -> Multivariant {
        let film = &self.film;
        let steering = film.steering.as_ref().map(|_| ContentSteering {
            server_uri: "orders.json".to_owned(),
            pathway_id: film.pathways.first().map(|pathway| pathway.host.clone()),
        });
        let places =
            film.pathways.iter().map(|pathway| (Some(&pathway.host), format!("http://{}/live/", pathway.host)));
        let only = film.pathways.is_empty().then(|| (None, String::new()));
        let mut tags = Vec::new();
        for (pathway, root) in places.chain(only) {
            let group = pathway.map_or_else(|| "aud".to_owned(), |pathway| format!("aud-{pathway}"));
            for (place, voice) in film.voices.iter().enumerate() {
                let uri = Some(format!("{root}a/{}/index.m3u8", voice.language));
                tags.push(MultivariantTag::Media(AudioRendition {
                    kind: RenditionKind::Audio { channels: Some("2".to_owned()), uri },
                    group_id: group.clone(),
                    name: voice.language.clone(),
                    language: Some(voice.language.clone()),
                    is_default: Some(place == 0),
                    is_autoselect: Some(true),
                }));
            }
            let sound = film.voices.first().map(|voice| voice.bitrate).or(film.muxed);
            let codecs = ["avc1.4d401f"].into_iter().chain(sound.map(|_| "mp4a.40.2")).map(str::to_owned);
            let codecs: Vec<String> = codecs.collect();
            tags.extend(film.ladder.iter().map(|rung| {
                MultivariantTag::StreamInf(Variant {
                    bandwidth: rung.bitrate + sound.unwrap_or(0),
                    codecs: codecs.clone(),
                    resolution: Some((rung.size.0.into(), rung.size.1.into())),
                    audio: film.voices.first().map(|_| group.clone()),
                    pathway_id: pathway.cloned(),
                    uri: format!("{root}v/{}/index.m3u8", rung.id),
                    ..Variant::default()
                })
            }));
        }
        Multivariant { independent_segments: true, content_steering: steering, tags, ..Multivariant::default() }
    }

    /// Returns the target duration in seconds.
    pub(super) fn target_duration(&self) -> u64 {
        let least = MediaPlaylist::least_target_duration([self.film.segment + self.film.audio_shift]);
        self.film.hls.target_duration.unwrap_or(least)
    }

    /// Returns the edge at a service time; `None` if no segment is complete.
    fn edge(&self, rendition: &Rendition, time: u64) -> Option<Edge> {
        let last = self.last_complete(rendition, time)?;
        let after = self.timeline.after(&last).filter(|_| self.film.low_latency.is_some());
        let incomplete = after.and_then(|segment| {
            let mut chunks = self.chunks(rendition, &segment);
            chunks.retain(|chunk| chunk.available <= time);
            (!chunks.is_empty()).then_some((segment, chunks))
        });
        Some(Edge { last, incomplete })
    }

    /// Returns the media playlist of a rendition at a service time; `None` if no segment is complete.
    pub(super) fn playlist(
        &self,
        rendition: &Rendition,
        time: u64,
        skip: Option<SkipRequest>,
        pathway: &LivePathway,
    ) -> Option<MediaPlaylist> {
        let film = &self.film;
        let edge = self.edge(rendition, time)?;
        let all = self.window(edge.last, time);
        let first = *all.first()?;
        let end = edge.incomplete.as_ref().map_or(edge.last.end, |(segment, _)| segment.end);
        let target = self.target_duration() * 1_000_000_000;
        let boundary = end.saturating_sub(SKIP_TARGETS * target);
        let gaps = self.young_gaps(&all);
        let media_sequence = self.media_sequence(rendition, &first, gaps.len() as u64, time, pathway);
        let skipped = all.iter().filter(|segment| segment.end < boundary).count();
        let skip = skip.filter(|_| film.hls.skips && skipped > 0 && media_sequence.is_some() && gaps.is_empty());
        let listed = |segment: &Segment| {
            let parts_begin = end.saturating_sub(PART_TARGETS * target);
            self.listed(rendition, segment, segment.ordinal == first.ordinal, segment.end >= parts_begin)
        };
        let kept = all.iter().skip(if skip.is_some() { skipped } else { 0 }).map(listed);
        let is_ended = self.has_ended(time) && self.timeline.after(&edge.last).is_none();
        let (date_ranges, gone) = self.date_ranges(first.start, time, boundary, skip);
        let part_target = film.low_latency.map(|_| Duration::from_nanos(Self::part_target(rendition)));
        Some(MediaPlaylist {
            target_duration: self.target_duration(),
            media_sequence,
            discontinuity_sequence: film
                .hls
                .discontinuity_sequence
                .then(|| first.breaks - u64::from(first.is_break))
                .filter(|_| film.chapter.is_some() || self.timeline.runs().len() > 1),
            playlist_type: film.hls.is_event.then_some(PlaylistType::Event),
            server_control: self.server_control(part_target),
            part_target,
            skip: skip.map(|skip| Skip {
                skipped_segments: skipped as u64,
                recently_removed_dateranges: (skip == SkipRequest::DateRanges).then_some(gone),
            }),
            date_ranges,
            segments: gaps.into_iter().chain(kept).collect(),
            incomplete_segment: edge.incomplete.as_ref().filter(|_| !is_ended).map(|(segment, chunks)| {
                IncompleteSegment {
                    tags: self.tags(rendition, segment, false),
                    parts: self.parts(rendition, segment, chunks),
                }
            }),
            preload_hints: if is_ended { Vec::new() } else { self.hints(rendition, &edge) },
            rendition_reports: if is_ended { Vec::new() } else { self.reports(rendition, time, pathway) },
            is_ended,
            ..MediaPlaylist::default()
        })
    }

    /// Returns `EXT-X-SERVER-CONTROL`, if the service has any of its attributes.
    fn server_control(&self, part_target: Option<Duration>) -> Option<ServerControl> {
        let hls = &self.film.hls;
        let control = ServerControl {
            can_skip_until: hls.skips.then(|| Duration::from_secs(SKIP_TARGETS * self.target_duration())),
            can_skip_dateranges: hls.skips && hls.date_range_every.is_some(),
            hold_back: hls.hold_back,
            part_hold_back: part_target.map(|target| hls.part_hold_back.unwrap_or(target * 3)),
            can_block_reload: hls.blocks_reload,
        };
        (control != ServerControl::default()).then_some(control)
    }

    /// Returns `EXT-X-MEDIA-SEQUENCE` of a playlist that begins with a segment, or with gaps in front of it.
    fn media_sequence(
        &self,
        rendition: &Rendition,
        first: &Segment,
        gaps: u64,
        time: u64,
        pathway: &LivePathway,
    ) -> Option<u64> {
        let age = self.film.age;
        let faults = self.film.troubles.sequences.iter();
        let is_now = |from: &Duration, until: &Duration| (nanos(age + *from)..nanos(age + *until)).contains(&time);
        let mut sequence = Some((first.sequence + pathway.sequence_offset).saturating_sub(gaps));
        for (from, _, fault) in faults.filter(|(from, until, _)| is_now(from, until)) {
            sequence = match fault {
                SequenceFault::Missing => None,
                SequenceFault::Off(off) => sequence.map(|number| number.saturating_add_signed(*off)),
                SequenceFault::Frozen => {
                    let from = nanos(age + *from);
                    let last = self.last_complete(rendition, from);
                    let window = last.map(|last| self.window(last, from)).unwrap_or_default();
                    window.first().map(|first| first.sequence + pathway.sequence_offset)
                }
            };
        }
        sequence
    }

    /// Returns the gaps that fill up the playlist of a service that is younger than its window.
    fn young_gaps(&self, segments: &[Segment]) -> Vec<Listed> {
        let first = segments.first().filter(|first| self.film.hls.young_gaps && first.ordinal == 0);
        let Some((first, window)) = first.zip(self.film.window) else { return Vec::new() };
        let missing = (nanos(window) / nanos(self.film.segment)).saturating_sub(segments.len() as u64);
        let gap = |_| Listed { tags: vec![SegmentTag::Gap], ..Listed::new("gap.m4s", self.film.segment) };
        (0..missing.min(first.sequence)).map(gap).collect()
    }

    /// Returns the tags of a segment.
    fn tags(&self, rendition: &Rendition, segment: &Segment, is_first: bool) -> Vec<SegmentTag> {
        let hls = &self.film.hls;
        let mut tags = Vec::new();
        if is_first && self.film.container == LiveContainer::Cmaf {
            tags.push(SegmentTag::Map { uri: "init.mp4".to_owned(), byte_range: None });
        }
        if segment.is_break {
            tags.push(SegmentTag::Discontinuity);
        }
        if let Dates::Every(count) = hls.dates
            && (segment.is_break || segment.number.is_multiple_of(count.max(1)))
        {
            let main = rendition.main();
            let begin = self.utc(main.time_of(segment, main.whole(segment).first));
            tags.push(SegmentTag::ProgramDateTime(DateTime::from_unix_nanos(begin.saturating_add(hls.dates_ahead))));
        }
        tags
    }

    fn extension(&self) -> &'static str {
        if self.film.container == LiveContainer::Ts { "ts" } else { "m4s" }
    }

    fn listed(&self, rendition: &Rendition, segment: &Segment, is_first: bool, has_parts: bool) -> Listed {
        let mut tags = self.tags(rendition, segment, is_first);
        if self.has_gap(rendition, segment) {
            tags.push(SegmentTag::Gap);
        }
        let parts = if has_parts && self.film.low_latency.is_some() {
            self.parts(rendition, segment, &self.chunks(rendition, segment))
        } else {
            Vec::new()
        };
        let duration = Duration::from_nanos(rendition.main().whole(segment).duration());
        Listed { tags, parts, ..Listed::new(format!("{}.{}", segment.ordinal, self.extension()), duration) }
    }

    fn parts(&self, rendition: &Rendition, segment: &Segment, chunks: &[Chunk]) -> Vec<Part> {
        let sizes = match self.film.hls.parts {
            PartFiles::Ranges => self.sizes(rendition, segment, chunks),
            PartFiles::Whole => Vec::new(),
        };
        let mut offset = 0;
        let part = |(place, chunk): (usize, &Chunk)| {
            let byte_range = sizes.get(place).map(|length| {
                offset += length;
                SegmentRange::At(ByteRange { offset: offset - length, length: *length })
            });
            Part {
                uri: self.part_name(segment, place),
                duration: Duration::from_nanos(chunk.spans.first().map_or(0, |span| span.duration())),
                byte_range,
                is_independent: chunk.is_independent,
                is_gap: chunk.is_gap,
            }
        };
        chunks.iter().enumerate().map(part).collect()
    }

    /// Returns the name of the file that holds a part.
    fn part_name(&self, segment: &Segment, place: usize) -> String {
        match self.film.hls.parts {
            PartFiles::Whole => format!("{}.{place}.{}", segment.ordinal, self.extension()),
            PartFiles::Ranges => format!("{}.{}", segment.ordinal, self.extension()),
        }
    }

    /// Returns the hint at the part after the last one that is listed.
    fn hints(&self, rendition: &Rendition, edge: &Edge) -> Vec<PreloadHint> {
        if !self.film.hls.hints || self.film.low_latency.is_none() {
            return Vec::new();
        }
        let next = match &edge.incomplete {
            Some((segment, chunks)) => Some((*segment, chunks.clone())),
            None => self.timeline.after(&edge.last).map(|segment| (segment, Vec::new())),
        };
        let hint = |(segment, chunks): (Segment, Vec<Chunk>)| {
            let start = match self.film.hls.parts {
                PartFiles::Ranges => Some(self.sizes(rendition, &segment, &chunks).iter().sum::<u64>()),
                PartFiles::Whole => None,
            };
            let name = self.part_name(&segment, chunks.len());
            PreloadHint { byterange_start: start.filter(|at| *at > 0), ..PreloadHint::new(HintType::Part, name) }
        };
        next.map(hint).into_iter().collect()
    }

    /// Returns the reports on all other playlists.
    fn reports(&self, rendition: &Rendition, time: u64, pathway: &LivePathway) -> Vec<RenditionReport> {
        if !self.film.hls.reports {
            return Vec::new();
        }
        let others = self.renditions().into_iter();
        let others = others.filter(|other| (other.group, &other.name) != (rendition.group, &rendition.name));
        let report = |other: Rendition| {
            let edge = self.edge(&other, time)?;
            let (segment, parts) = match &edge.incomplete {
                Some((segment, chunks)) => (*segment, chunks.len()),
                None => (edge.last, self.chunks(&other, &edge.last).len()),
            };
            Some(RenditionReport {
                uri: format!("../../{}/{}/index.m3u8", other.group, other.name),
                last_msn: Some(segment.sequence + pathway.sequence_offset),
                last_part: self.film.low_latency.map(|_| parts.saturating_sub(1) as u64),
            })
        };
        others.filter_map(report).collect()
    }

    /// Returns the date ranges of a playlist, and the ids of those that left it not long ago.
    fn date_ranges(
        &self,
        begin: u64,
        time: u64,
        boundary: u64,
        skip: Option<SkipRequest>,
    ) -> (Vec<DateRange>, Vec<String>) {
        let Some(every) = self.film.hls.date_range_every.map(nanos).filter(|every| *every > 0) else {
            return Default::default();
        };
        let first = if skip == Some(SkipRequest::DateRanges) { begin.max(boundary) } else { begin };
        let range = |number: u64| DateRange {
            id: format!("r{number}"),
            start_date: Some(self.date(number * every)),
            duration: Some(RANGE),
            ..DateRange::default()
        };
        let recent = begin.saturating_sub(SKIP_TARGETS * self.target_duration() * 1_000_000_000);
        let gone = recent.div_ceil(every)..begin.div_ceil(every);
        let there = first.div_ceil(every)..time / every + 1;
        (there.map(range).collect(), gone.map(|number| format!("r{number}")).collect())
    }

    /// Returns the service time at which a playlist with a segment, or a part of it, can be sent to a request that arrived
    /// at `time`; or the status of a refusal, and the time of that.
    pub(super) fn blocked_until(
        &self,
        rendition: &Rendition,
        (mut msn, mut part): (u64, Option<u64>),
        time: u64,
        pathway: &LivePathway,
    ) -> Result<u64, (u16, u64)> {
        let place = |part: Option<u64>| part.map(|part| usize::try_from(part).unwrap_or(usize::MAX));
        let longest = time + PART_TARGETS * self.target_duration() * 1_000_000_000;
        let Some(mut segment) = self.timeline.at(time) else { return Err((404, time)) };
        let number = |segment: &Segment| segment.sequence + pathway.sequence_offset;
        if msn > number(&segment) + 2 {
            return Err((400, time));
        }
        while number(&segment) < msn {
            match self.timeline.after(&segment) {
                Some(after) => segment = after,
                // What there will never be is answered with the end.
                None => return Ok(time.max(self.completed_at(rendition, &segment))),
            }
        }
        // A part beyond the last one is the first one of the next segment (RFC 8216bis §6.2.5.2).
        let named = if number(&segment) == msn { Some(segment) } else { self.timeline.before(&segment) };
        let named = named.filter(|named| number(named) == msn);
        if let Some((named, place)) = named.zip(place(part))
            && place >= self.chunks(rendition, &named).len()
        {
            (msn, part) = (msn + 1, Some(0));
            segment = self.timeline.after(&named).unwrap_or(named);
        }
        if number(&segment) != msn {
            return Ok(time);
        }
        let ready = match place(part).and_then(|place| self.chunks(rendition, &segment).get(place).cloned()) {
            Some(chunk) => chunk.available,
            None => self.completed_at(rendition, &segment),
        };
        let stops = self.film.troubles.stops_moving_at.map(|end| nanos(self.film.age + end));
        if ready > longest || stops.is_some_and(|stops| ready > stops && ready > time) {
            return Err((503, longest));
        }
        Ok(ready.max(time))
    }
}
