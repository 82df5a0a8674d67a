//! The DASH manifest of a virtual film.

use std::time::Duration;

use kinora_manifests::dash::{
    AdaptationSet, BaseUrl, ContentProtection, ContentType, Descriptor, Element, Event, EventStream, Mpd, MpdType,
    Period, PeriodElement, Representation, SegmentAddressing, SegmentTemplate, SegmentTiming, TimelineEntry,
    UrlTemplate,
};

use super::captions::Captions;
use super::film::{AUDIO_SCALE, Film, LockKind, VIDEO_SCALE};
use super::shape::Addressing;

impl Film {
    /// Returns the MPD.
    pub(super) fn mpd(&self) -> Mpd {
        let periods = (self.relisting.removed_periods..self.periods).map(|period| {
            if self.remote_period && period + 1 == self.periods {
                PeriodElement::Remote { href: "period.xml".to_owned() }
            } else {
                PeriodElement::Inline(self.period(period))
            }
        });
        Mpd {
            profiles: "urn:mpeg:dash:profile:isoff-live:2011".to_owned(),
            mpd_type: MpdType::Static { media_presentation_duration: Duration::from_secs(self.duration.as_secs()) },
            min_buffer_time: Duration::from_secs(2),
            availability_start_time: self.available_from.clone(),
            periods: periods.collect(),
            ..Mpd::default()
        }
    }

    /// Returns a period by its place.
    pub(super) fn period(&self, period: u32) -> Period {
        let length = self.period_length();
        let begin = u64::from(period) * length;
        let segment = self.segment.as_secs();
        let protections = self.protections(begin / segment, (begin + length).div_ceil(segment));
        let mut sets: Vec<_> =
            (!self.ladder.is_empty()).then(|| self.video_set(begin, &protections)).into_iter().collect();
        for (voice, id) in self.voices.iter().zip(2..) {
            let representation = |(name, rate): (String, u64)| Representation {
                bandwidth: rate,
                codecs: Some("mp4a.40.2".to_owned()),
                audio_sampling_rate: Some(AUDIO_SCALE),
                ..self.file_representation("a", &name, begin)
            };
            sets.push(AdaptationSet {
                id: Some(id),
                lang: Some(voice.language.clone()),
                content_protections: protections.clone(),
                segments: self.template("a", AUDIO_SCALE, begin),
                representations: self.sounds_of(voice).into_iter().map(representation).collect(),
                ..AdaptationSet::new(ContentType::Audio, "audio/mp4")
            });
        }
        Period {
            id: Some(format!("p{period}")),
            start: Some(Duration::from_secs(begin)),
            duration: Some(Duration::from_secs(length)),
            event_streams: if period == 0 { self.event_streams() } else { Vec::new() },
            adaptation_sets: sets,
            ..Period::default()
        }
    }

    fn video_set(&self, begin: u64, protections: &[ContentProtection]) -> AdaptationSet {
        let codecs = if self.muxed.is_some() { "avc1.4d401f,mp4a.40.2" } else { "avc1.4d401f" };
        let representations = self.ladder.iter().map(|rung| Representation {
            bandwidth: rung.bitrate,
            width: Some(rung.size.0.into()),
            height: Some(rung.size.1.into()),
            codecs: Some(codecs.to_owned()),
            ..self.file_representation("v", &rung.id, begin)
        });
        let accessibilities = match &self.captions {
            Captions::Announced(language) => {
                vec![Descriptor::new("urn:scte:dash:cc:cea-608:2015", format!("CC1={language}"))]
            }
            Captions::None | Captions::Unannounced | Captions::Denied => Vec::new(),
        };
        AdaptationSet {
            id: Some(1),
            content_protections: protections.to_vec(),
            accessibilities,
            segments: self.template("v", VIDEO_SCALE, begin),
            representations: representations.collect(),
            ..AdaptationSet::new(ContentType::Video, "video/mp4")
        }
    }

    fn event_streams(&self) -> Vec<EventStream> {
        if self.events.is_empty() {
            return Vec::new();
        }
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let events = self.events.iter().zip(0..).map(|((begin, length), id)| Event {
            id,
            presentation_time: millis(*begin),
            duration: millis(*length),
            message: "e".to_owned(),
        });
        vec![EventStream {
            scheme_id_uri: "urn:example:events".to_owned(),
            value: Some("1".to_owned()),
            timescale: 1000,
            events: events.collect(),
        }]
    }

    /// Returns a representation with its id and the addressing of its file, if it is one file.
    fn file_representation(&self, group: &str, name: &str, begin: u64) -> Representation {
        let (base_urls, segments) = self.file_addressing(group, name, begin).unzip();
        Representation {
            id: name.to_owned(),
            base_urls: base_urls.into_iter().map(BaseUrl::from).collect(),
            segments,
            ..Representation::default()
        }
    }

    /// Returns the template of the addresses of segments, if each is a file.
    fn template(&self, group: &str, scale: u32, begin: u64) -> Option<SegmentAddressing> {
        if self.addressing(group) != Addressing::Files {
            return None;
        }
        let segment = self.segment.as_secs();
        let first = begin / segment;
        let folder = UrlTemplate::new(group).literal("/").representation_id();
        let close = begin + self.period_length();
        let timing = if self.shape.uneven {
            let present = (first..self.segments()).filter(|place| !self.is_hole(group, *place));
            let spans = present.map(|place| self.span_of(group, place)).take_while(|(start, _)| *start < close);
            SegmentTiming::Timeline(self.timeline(scale, spans))
        } else {
            SegmentTiming::Duration(u64::from(scale) * segment)
        };
        let media = folder.clone().literal("/").number(1).literal(".m4s");
        Some(SegmentAddressing::Template(SegmentTemplate {
            initialization: (!self.at_once).then(|| folder.literal("/init.mp4")),
            start_number: self.number_of(group, first),
            presentation_time_offset: Some(begin * u64::from(scale) + self.ahead(scale)),
            ..SegmentTemplate::new(scale, media, timing)
        }))
    }

    /// Returns an entry for each of some spans in seconds, so that none depends on the one before it.
    pub(super) fn timeline(&self, scale: u32, spans: impl Iterator<Item = (u64, u64)>) -> Vec<TimelineEntry> {
        let entry = |(start, end): (u64, u64)| TimelineEntry {
            t: Some(start * u64::from(scale) + self.ahead(scale)),
            d: (end - start) * u64::from(scale),
            r: 0,
        };
        spans.map(entry).collect()
    }

    /// Returns the protection of the segments from `begin` to `end`, each key once.
    fn protections(&self, begin: u64, end: u64) -> Vec<ContentProtection> {
        let mut ids = Vec::new();
        let mut protections = Vec::new();
        let locks = (begin..end)
            .filter_map(|number| self.lock(number))
            .filter(|lock| matches!(lock.kind, LockKind::Samples | LockKind::Foreign));
        for lock in locks {
            let id = lock.id();
            if ids.contains(&id) {
                continue;
            }
            ids.push(id);
            protections.push(ContentProtection {
                descriptor: Descriptor::new("urn:mpeg:dash:mp4protection:2011", "cenc"),
                default_kid: Some(id.to_string()),
                content: None,
            });
            let system = |uuid: &str, content| ContentProtection {
                descriptor: Descriptor { scheme_id_uri: format!("urn:uuid:{uuid}"), value: None },
                default_kid: None,
                content,
            };
            if self.shape.other_key_formats && lock.kind == LockKind::Samples {
                for other in ["9a04f079-9840-4286-ab92-e65be0885f95", "edef8ba9-79d6-4ace-a3c8-27dcd51d21ed"] {
                    protections.push(system(other, None));
                }
            }
            let uuid = match lock.kind {
                LockKind::Foreign => "edef8ba9-79d6-4ace-a3c8-27dcd51d21ed",
                LockKind::Nothing | LockKind::Segments | LockKind::Samples => "e2719d58-a985-b3c9-781a-b030af78d30e",
            };
            let server = self.licence_server.then(|| Element::new("Laurl").text("/film/licence"));
            protections.push(system(uuid, Some(server.into_iter().collect())));
        }
        protections
    }
}
