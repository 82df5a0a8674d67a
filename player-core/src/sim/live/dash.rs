//! The MPD of a virtual live service, and patches of it.

use std::time::Duration;

use kinora_manifests::dash::{
    AdaptationSet, AvailabilityTimeOffset, BaseUrl, ContentSteering, ContentType, Descriptor, DynamicAttributes, Mpd,
    MpdType, Patch, PatchLocation, Period, PeriodElement, ProducerReferenceTime, ReferenceType, Representation, Resync,
    SegmentAddressing, SegmentTemplate, SegmentTiming, ServiceDescription, UrlTemplate, fold_timeline,
};
use kinora_manifests::{DateTime, Layout, ManifestError};

use super::film::{Emsg, LivePathway, MpdAddressing, Patching};
use super::media::{EVENTS, MPD_EVENTS};
use super::service::{Rendition, Service};
use super::timeline::{Segment, nanos};
use crate::model::MediaKind;

/// Name of an MPD, to which patches refer.
const MPD_ID: &str = "live";

/// Segments of a period, at least one, and whether it is announced before it has any.
struct Chapter {
    first: Segment,
    segments: Vec<Segment>,
    is_early: bool,
}

impl Chapter {
    /// Returns the name of the period and its folder.
    fn id(&self) -> String {
        chapter_id(&self.first)
    }
}

/// Returns the name of the period that a segment lies in.
pub(super) fn chapter_id(segment: &Segment) -> String {
    format!("p{}-{}", segment.chapter.0, segment.chapter.1)
}

impl Service {
    /// Returns the time from the beginning of a segment's first chunk to its end, for which it can be read while it is
    /// written.
    fn offset(&self) -> Duration {
        self.film.low_latency.map_or(Duration::ZERO, |it| self.film.segment.saturating_sub(it.part.max(it.audio_part)))
    }

    /// Returns the service time at which a segment is announced.
    fn announced_at(&self, rendition: &Rendition, segment: &Segment) -> u64 {
        match self.film.low_latency {
            None => self.completed_at(rendition, segment),
            Some(_) => self.chunks(rendition, segment).first().map_or(segment.end, |chunk| chunk.available),
        }
    }

    /// Returns the segments in the window, by period.
    fn chapters(&self, rendition: &Rendition, time: u64) -> Vec<Chapter> {
        let newest = self.last_before(time, |segment| self.announced_at(rendition, segment));
        let mut chapters: Vec<Chapter> = Vec::new();
        for segment in newest.map(|newest| self.window(newest, time)).unwrap_or_default() {
            match chapters.last_mut() {
                Some(chapter) if chapter.first.chapter == segment.chapter => chapter.segments.push(segment),
                _ => chapters.push(Chapter { first: segment, segments: vec![segment], is_early: false }),
            }
        }
        let running = self.timeline.at(time).filter(|segment| segment.start <= time);
        let early = running.and_then(|running| self.early(&running)).filter(|(_, at)| *at <= time);
        for (segment, is_early) in running.map(|it| (it, false)).into_iter().chain(early.map(|(it, _)| (it, true))) {
            if chapters.last().is_none_or(|chapter| chapter.first.chapter != segment.chapter) {
                chapters.push(Chapter { first: segment, segments: Vec::new(), is_early });
            }
        }
        chapters
    }

    /// Returns the first segment of the chapter after that of another one, and the service time at which it is announced
    /// as an early available period.
    fn early(&self, segment: &Segment) -> Option<(Segment, u64)> {
        let early = nanos(self.film.dash.early_period?);
        let end = segment.chapter_end.min(segment.run_span.1);
        let last = self.timeline.at((end < u64::MAX).then(|| end - 1)?)?;
        let next = self.timeline.after(&last).filter(|next| next.chapter != segment.chapter)?;
        Some((next, next.start.saturating_sub(early)))
    }

    /// Returns the date of the last change of the MPD up to a service time.
    pub(super) fn published(&self, time: u64) -> DateTime {
        self.date(self.changed_at(time))
    }

    /// Returns the service time of the last change of the MPD.
    fn changed_at(&self, time: u64) -> u64 {
        if let Some(end) = self.ended_at().filter(|end| *end <= time) {
            return end;
        }
        let Some(current) = self.timeline.at(time) else { return 0 };
        let early = self.early(&current).map(|(_, at)| at).filter(|at| *at <= time);
        let begin = current.chapter_start.max(current.run_span.0).max(early.unwrap_or_default()).min(time);
        let is_lasting = self.film.chapter.is_none() && self.timeline.runs().len() == 1;
        if self.film.dash.addressing == MpdAddressing::Number && is_lasting {
            return begin;
        }
        // The timelines of all tracks change at different times within a few milliseconds.
        let announced = self.renditions().into_iter().filter_map(|rendition| {
            let announced_at = |segment: &Segment| self.announced_at(&rendition, segment);
            self.last_before(time, announced_at).as_ref().map(announced_at)
        });
        announced.max().unwrap_or(begin).max(begin)
    }

    /// Returns the MPD at a service time; `None` while it has no period.
    pub(super) fn mpd(&self, time: u64) -> Option<Mpd> {
        let (film, dash) = (&self.film, &self.film.dash);
        let published = self.changed_at(time);
        let periods = self.periods(time);
        if periods.is_empty() {
            return None;
        }
        let is_ended = self.has_ended(time);
        let end = self.timeline.at(time).map_or(0, |last| last.end);
        let begin = self.utc(0);
        let begin = if dash.cuts_start { begin.div_euclid(1_000_000_000) * 1_000_000_000 } else { begin };
        let mpd_type = if is_ended {
            MpdType::Static { media_presentation_duration: Duration::from_nanos(end) }
        } else {
            MpdType::Dynamic(DynamicAttributes {
                minimum_update_period: dash.minimum_update_period,
                time_shift_buffer_depth: film.window,
                suggested_presentation_delay: dash.suggested_delay,
                media_presentation_duration: None,
            })
        };
        let description = dash.description.map(|description| ServiceDescription {
            id: Some(0),
            latency: Some(description.latency),
            playback_rate: description.playback_rate,
        });
        let ttl = match dash.patching {
            Patching::Serves(ttl) => Some(ttl),
            Patching::None | Patching::Gone => None,
        };
        let has_patches = dash.patching != Patching::None && !is_ended;
        Some(Mpd {
            id: Some(MPD_ID.to_owned()),
            profiles: "urn:mpeg:dash:profile:isoff-live:2011".to_owned(),
            mpd_type,
            min_buffer_time: film.segment,
            max_segment_duration: Some(film.segment + film.audio_shift),
            availability_start_time: Some(DateTime::from_unix_nanos(begin).to_string()),
            publish_time: Some(self.date(published)),
            base_urls: self.base_urls(),
            locations: dash.location.iter().map(|path| format!("/live/{path}")).collect(),
            patch_locations: has_patches
                .then(|| PatchLocation { url: format!("/live/patch.mpp?from={published}"), ttl })
                .into_iter()
                .collect(),
            service_descriptions: description
                .filter(|_| dash.description.is_some_and(|it| !it.in_period))
                .into_iter()
                .collect(),
            content_steering: film.steering.as_ref().map(|steering| ContentSteering {
                url: "/live/orders.json".to_owned(),
                default_service_locations: film.pathways.first().map(|it| it.host.clone()).into_iter().collect(),
                query_before_start: steering.query_before_start,
            }),
            periods,
            utc_timings: self.utc_timings(time),
            ..Mpd::default()
        })
    }

    fn base_urls(&self) -> Vec<BaseUrl> {
        let film = &self.film;
        let offset = film.low_latency.filter(|_| film.dash.offset_on_base).map(|_| self.time_offset());
        let base = |url: String, service_location: Option<String>| BaseUrl {
            service_location,
            availability_time_offset: offset,
            availability_time_complete: offset.map(|_| false),
            ..BaseUrl::from(url)
        };
        if film.pathways.is_empty() {
            return vec![base("/live/".to_owned(), None)];
        }
        let of_host =
            |pathway: &LivePathway| base(format!("http://{}/live/", pathway.host), Some(pathway.host.clone()));
        film.pathways.iter().map(of_host).collect()
    }

    fn time_offset(&self) -> AvailabilityTimeOffset {
        AvailabilityTimeOffset::Span(self.offset())
    }

    fn periods(&self, time: u64) -> Vec<PeriodElement> {
        let renditions = self.renditions();
        let by_rendition: Vec<_> = renditions.iter().map(|it| (it, self.chapters(it, time))).collect();
        let Some((_, chapters)) = by_rendition.first() else { return Vec::new() };
        let description = self.film.dash.description.filter(|it| it.in_period).map(|it| ServiceDescription {
            id: Some(0),
            latency: Some(it.latency),
            playback_rate: it.playback_rate,
        });
        let mut before: Option<String> = None;
        let mut periods = Vec::with_capacity(chapters.len());
        for chapter in chapters {
            let mut sets: Vec<AdaptationSet> = Vec::new();
            for (rendition, chapters) in &by_rendition {
                let segments = chapters.iter().find(|it| it.first.chapter == chapter.first.chapter);
                let segments = segments.map_or(&[][..], |it| it.segments.as_slice());
                let representation = self.representation(rendition);
                match sets.first_mut().filter(|_| rendition.group == "v") {
                    Some(set) => set.representations.push(representation),
                    None => {
                        let id = sets.len() as u32 + 1;
                        sets.push(AdaptationSet {
                            id: Some(id),
                            representations: vec![representation],
                            ..self.set(rendition, chapter, segments, before.as_deref(), time)
                        });
                    }
                }
            }
            periods.push(PeriodElement::Inline(Period {
                id: Some(chapter.id()),
                start: (!chapter.is_early).then(|| Duration::from_nanos(chapter.first.chapter_start)),
                adaptation_sets: sets,
                service_descriptions: description.clone().into_iter().collect(),
                ..Period::default()
            }));
            before = Some(chapter.id());
        }
        periods
    }

    fn representation(&self, rendition: &Rendition) -> Representation {
        let film = &self.film;
        let rung = film.ladder.iter().find(|rung| rendition.group == "v" && rung.id == rendition.name);
        let voice = film.voices.iter().find(|voice| rendition.group == "a" && voice.language == rendition.name);
        let codecs = match (rung, film.muxed) {
            (Some(_), None) => "avc1.4d401f",
            (Some(_), Some(_)) => "avc1.4d401f,mp4a.40.2",
            (None, _) => "mp4a.40.2",
        };
        Representation {
            id: rendition.name.clone(),
            codecs: Some(codecs.to_owned()),
            bandwidth: rung
                .map(|rung| rung.bitrate + film.muxed.unwrap_or(0))
                .or(voice.map(|it| it.bitrate))
                .unwrap_or(1),
            width: rendition.size.map(|(width, _)| width.into()),
            height: rendition.size.map(|(_, height)| height.into()),
            audio_sampling_rate: voice.map(|_| rendition.main().scale),
            ..Representation::default()
        }
    }

    fn set(
        &self,
        rendition: &Rendition,
        chapter: &Chapter,
        segments: &[Segment],
        before: Option<&str>,
        time: u64,
    ) -> AdaptationSet {
        let (film, main) = (&self.film, rendition.main());
        let is_video = main.kind == MediaKind::Video;
        let (content_type, mime_type) =
            if is_video { (ContentType::Video, "video/mp4") } else { (ContentType::Audio, "audio/mp4") };
        let lang = film.voices.iter().find(|voice| !is_video && voice.language == rendition.name);
        let continuity = before.filter(|_| film.dash.is_continuous && !film.from_zero);
        let events = match film.emsg {
            Emsg::Each => Some(Descriptor { scheme_id_uri: EVENTS.to_owned(), value: None }),
            Emsg::Updates => Some(Descriptor::new(MPD_EVENTS, "1")),
            Emsg::None => None,
        };
        let first = &chapter.first;
        let reference = ProducerReferenceTime {
            id: 0,
            inband: true,
            reference_type: ReferenceType::Captured,
            wall_clock_time: self.date(first.chapter_start),
            presentation_time: main.ticks_at(first, first.chapter_start),
            utc_timing: self.utc_timings(time).into_iter().next(),
        };
        let chunk = film.low_latency.map_or(0, |it| nanos(if is_video { it.part } else { it.audio_part }));
        let resync = Resync {
            sap_type: Some(0),
            d_t: Some((u128::from(chunk) * u128::from(main.scale) / 1_000_000_000) as u32),
            marker: true,
            ..Resync::default()
        };
        AdaptationSet {
            lang: lang.map(|voice| voice.language.clone()),
            segment_alignment: true,
            start_with_sap: Some(1),
            supplemental_properties: continuity
                .map(|before| Descriptor::new("urn:mpeg:dash:period-continuity:2015", before))
                .into_iter()
                .collect(),
            inband_event_streams: events.filter(|_| is_video).into_iter().collect(),
            producer_reference_times: film.prft.then_some(reference).into_iter().collect(),
            resyncs: (film.dash.resyncs && chunk > 0).then_some(resync).into_iter().collect(),
            segments: Some(SegmentAddressing::Template(self.template(rendition, chapter, segments))),
            ..AdaptationSet::new(content_type, mime_type)
        }
    }

    fn template(&self, rendition: &Rendition, chapter: &Chapter, segments: &[Segment]) -> SegmentTemplate {
        let (film, main, first) = (&self.film, rendition.main(), &chapter.first);
        let folder = || UrlTemplate::new(rendition.group).literal("/").representation_id();
        let files = folder().literal(&format!("/{}/", chapter.id()));
        // Places in a timeline are numbers, so that nothing can be left out of it.
        let is_counted = film.dash.addressing == MpdAddressing::TimelineNumber;
        let present = || segments.iter().filter(|segment| is_counted || !self.has_gap(rendition, segment));
        let spans = present().map(|segment| {
            let span = main.whole(segment);
            (main.ticks_of(segment, span.first), (span.last - span.first) * u64::from(main.tick))
        });
        let listed = segments.first().map_or(first.sequence, |segment| segment.sequence);
        let (media, start_number, timing) = match film.dash.addressing {
            MpdAddressing::Number => {
                let ticks = film.segment.as_nanos() * u128::from(main.scale) / 1_000_000_000;
                (files.number(1), first.chapter_number, SegmentTiming::Duration(ticks as u64))
            }
            MpdAddressing::Time => (files.time(), first.chapter_number, SegmentTiming::Timeline(fold_timeline(spans))),
            MpdAddressing::TimelineNumber => (files.number(1), listed, SegmentTiming::Timeline(fold_timeline(spans))),
        };
        let is_chunked = film.low_latency.is_some() && !film.dash.offset_on_base;
        SegmentTemplate {
            initialization: Some(folder().literal("/init.mp4")),
            start_number,
            presentation_time_offset: Some(main.ticks_at(first, first.chapter_start)),
            availability_time_offset: is_chunked.then(|| self.time_offset()),
            availability_time_complete: is_chunked.then_some(false),
            ..SegmentTemplate::new(main.scale, media.literal(".m4s"), timing)
        }
    }

    /// Returns the segment that an MPD addresses by the folder of its period and a number or a time; `None` if there is
    /// none, at any time.
    pub(super) fn addressed(&self, rendition: &Rendition, chapter: &str, file: u64) -> Option<Segment> {
        let (run, chapter) = chapter.strip_prefix('p')?.split_once('-')?;
        let chapter: (usize, u64) = (run.parse().ok()?, chapter.parse().ok()?);
        let first = self.timeline.chapter(chapter)?;
        let ordinal = match self.film.dash.addressing {
            MpdAddressing::Number => (first.ordinal + file).checked_sub(first.number)?,
            MpdAddressing::TimelineNumber => {
                let by_clock = (first.ordinal + file).checked_sub(first.sequence)?;
                let mut segment = self.timeline.segment(by_clock).filter(|it| it.sequence <= file).unwrap_or(first);
                while segment.sequence < file && segment.chapter == chapter {
                    segment = self.timeline.after(&segment)?;
                }
                segment.ordinal
            }
            MpdAddressing::Time => {
                let main = rendition.main();
                let since = file.checked_sub(main.ticks_at(&first, first.chapter_start))?;
                let nanos_since = u128::from(since) * 1_000_000_000 / u128::from(main.scale);
                let places = (nanos_since / self.film.segment.as_nanos().max(1)) as u64;
                let near = first.ordinal - (first.number - first.chapter_number) + places;
                let is_it = |ordinal: &u64| {
                    let segment = self.timeline.segment(*ordinal);
                    segment.is_some_and(|it| main.ticks_of(&it, main.whole(&it).first) == file)
                };
                (near.saturating_sub(1)..near + 2).find(is_it)?
            }
        };
        self.timeline.segment(ordinal).filter(|segment| segment.chapter == chapter)
    }

    /// Returns the text of the patch from the MPD of one service time to that of another.
    ///
    /// # Errors
    /// As [`Patch::between`].
    pub(super) fn patch(&self, from: u64, time: u64) -> Option<Result<String, ManifestError>> {
        let (old, new) = (self.mpd(from)?, self.mpd(time)?);
        Some(Patch::between(&old, &new, Layout::Compact).and_then(|patch| patch.to_text(Layout::Compact)))
    }
}
