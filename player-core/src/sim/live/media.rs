//! Media of a virtual live service: the samples of a chunk made directly, or real bytes read by the real demuxer.

use std::sync::Arc;

use bytes::Bytes;

use super::super::film::{AUDIO_SCALE, Content};
use super::film::{Emsg, LiveContainer};
use super::service::{Chunk, Rendition, Service};
use super::timeline::Segment;
use super::track::{Span, Track};
use super::truth;
use crate::container::mp4::testmux::{self, TestCodec, TestFragment, TestTrack};
use crate::container::{self, DemuxOutput, Fragment, InitSegment, MediaClock, Sample};
use crate::model::{ContainerFormat, MediaKind, MetadataBody, MetadataSource, TimedMetadata};
use crate::time::{MediaTime, duration_from_ticks};

/// Scheme of events that announce a new MPD (ISO/IEC 23009-1 §5.10.4).
pub(super) const MPD_EVENTS: &str = "urn:mpeg:dash:event:2012";
/// Scheme of all other events.
pub(super) const EVENTS: &str = "urn:example:inband";
/// Seconds from the epoch of NTP to that of Unix.
pub(super) const NTP_EPOCH: u64 = 2_208_988_800;

impl Service {
    /// Returns the initialisation data of a rendition.
    pub(super) fn init(&self, rendition: &Rendition) -> Bytes {
        let track = |track: &Track| {
            let codec = match rendition.size.filter(|_| track.kind == MediaKind::Video) {
                Some((width, height)) => TestCodec::H264 { width, height },
                None => TestCodec::Aac { sample_rate: AUDIO_SCALE, channels: 2 },
            };
            TestTrack::new(track.number, track.scale, codec)
        };
        testmux::init(&rendition.tracks.iter().map(track).collect::<Vec<_>>())
    }

    /// Returns the bytes of some chunks of a segment, each with its length, if the service has real ones.
    pub(super) fn bytes(&self, rendition: &Rendition, segment: &Segment, chunks: &[Chunk]) -> Vec<Bytes> {
        chunks.iter().enumerate().map(|(place, chunk)| self.chunk_bytes(rendition, segment, chunk, place)).collect()
    }

    /// Returns the number of bytes of each chunk of a segment.
    pub(super) fn sizes(&self, rendition: &Rendition, segment: &Segment, chunks: &[Chunk]) -> Vec<u64> {
        if self.film.real_bytes {
            return self.bytes(rendition, segment, chunks).iter().map(|bytes| bytes.len() as u64).collect();
        }
        let size = |span: &Span| (span.last - span.first) * span.track.bytes as u64;
        chunks.iter().map(|chunk| chunk.spans.iter().map(size).sum()).collect()
    }

    /// Returns the media of some chunks of a segment, from `first` up to `last`, exclusively.
    pub(super) fn content(
        &self,
        rendition: &Rendition,
        segment: &Segment,
        (first, last): (usize, usize),
    ) -> Option<Content> {
        let chunks = self.chunks(rendition, segment);
        let chunks = chunks.get(first..last)?;
        if self.film.real_bytes {
            return self.read(rendition, segment, first, chunks);
        }
        let mut size = 0;
        let mut pieces = Vec::with_capacity(chunks.len());
        for (chunk, bytes) in chunks.iter().zip(self.sizes(rendition, segment, chunks)) {
            let mut outputs = Vec::new();
            if self.film.container == LiveContainer::Ts && pieces.is_empty() {
                outputs.push(DemuxOutput::Init(Arc::new(self.program(rendition, segment)?)));
            }
            if first + pieces.len() == 0 {
                outputs.extend(self.message(rendition, segment).map(|message| DemuxOutput::Metadata(vec![message])));
            }
            outputs.extend(chunk.spans.iter().map(|span| self.fragment(segment, span)));
            size += bytes;
            pieces.push((size, outputs));
        }
        Some(Content::Media { size, pieces })
    }

    /// Returns the tables of a transport stream.
    fn program(&self, rendition: &Rendition, segment: &Segment) -> Option<InitSegment> {
        let init = container::read_init(self.init(rendition)).ok()?;
        let main = rendition.main();
        let first = self.timestamp(segment, main, main.whole(segment).first);
        Some(InitSegment { clock: MediaClock::Mpeg, first: Some(first), source: Bytes::new(), ..init })
    }

    /// Returns the timestamp of a sample, which begins anew within 26.5 hours in a transport stream, but not inside of a
    /// segment.
    fn timestamp(&self, segment: &Segment, track: &Track, number: u64) -> MediaTime {
        let time = track.media_time(track.ticks_of(segment, number));
        if self.film.container == LiveContainer::Cmaf {
            return time;
        }
        let first = track.media_time(track.ticks_of(segment, track.whole(segment).first)).as_nanos();
        time.shifted(first.rem_euclid(MediaClock::TURN) - first)
    }

    fn fragment(&self, segment: &Segment, span: &Span) -> DemuxOutput {
        let Span { track, first, last } = span;
        let duration = duration_from_ticks(u64::from(track.tick), track.scale);
        let sample = |number: u64| {
            let pts = self.timestamp(segment, track, number);
            let key = track.is_key(segment, number);
            let payload = truth::payload(track.time_of(segment, number), track.bytes);
            Sample { pts, dts: pts, duration, key, payload, crypto: None }
        };
        DemuxOutput::Fragment(Fragment { track: track.number, samples: (*first..*last).map(sample).collect() })
    }

    /// Returns the scheme, value and content of the event message of a segment of video.
    fn message_of(&self, rendition: &Rendition, segment: &Segment) -> Option<(&'static str, &'static str, Vec<u8>)> {
        if rendition.group != "v" {
            return None;
        }
        match self.film.emsg {
            Emsg::None => None,
            Emsg::Each => Some((EVENTS, "", b"data".to_vec())),
            Emsg::Updates => {
                let after = self.timeline.after(segment);
                let is_last = after.is_none_or(|after| after.chapter != segment.chapter);
                is_last.then(|| (MPD_EVENTS, "1", self.published(segment.start).to_string().into_bytes()))
            }
        }
    }

    fn message(&self, rendition: &Rendition, segment: &Segment) -> Option<TimedMetadata> {
        let (scheme, value, body) = self.message_of(rendition, segment)?;
        let main = rendition.main();
        let start = self.timestamp(segment, main, main.whole(segment).first);
        let half = self.film.segment / 2;
        Some(TimedMetadata {
            source: MetadataSource::EventMessage,
            scheme: scheme.to_owned(),
            value: value.to_owned(),
            id: segment.number.to_string(),
            start: start + half,
            duration: Some(half),
            body: MetadataBody::Binary(body.into()),
        })
    }

    fn chunk_bytes(&self, rendition: &Rendition, segment: &Segment, chunk: &Chunk, place: usize) -> Bytes {
        let mut file = Vec::new();
        if self.film.prft
            && let Some(span) = chunk.spans.first()
        {
            file.extend(self.reference_time(segment, span));
        }
        if place == 0
            && let Some((scheme, value, body)) = self.message_of(rendition, segment)
        {
            let half = u32::try_from(self.film.segment.as_millis() / 2).unwrap_or(u32::MAX);
            let texts = [scheme.as_bytes(), b"\0", value.as_bytes(), b"\0"].concat();
            let words = [1000, half, half, segment.number as u32].map(u32::to_be_bytes).concat();
            file.extend(testmux::full(b"emsg", 0, 0, &[texts, words, body].concat()));
        }
        let sequence = (segment.number as u32).wrapping_mul(64).wrapping_add(place as u32);
        let samples = |span: &Span| {
            let spec = |number| (span.track.tick, span.track.bytes as u32, span.track.is_key(segment, number), 0);
            (span.first..span.last).map(spec).collect::<Vec<_>>()
        };
        let samples: Vec<_> = chunk.spans.iter().map(samples).collect();
        let fragment = |span: &Span| TestFragment {
            track: span.track.number,
            sequence,
            base_decode_time: span.track.ticks_of(segment, span.first),
            boxes: &[],
        };
        let parts: Vec<_> =
            chunk.spans.iter().zip(&samples).map(|(span, samples)| (fragment(span), samples.as_slice())).collect();
        let media = |span: &Span| {
            let Span { track, first, last } = *span;
            let payload = move |number| truth::real_payload(track.time_of(segment, number), track.bytes);
            (first..last).flat_map(payload)
        };
        let media: Vec<u8> = chunk.spans.iter().flat_map(media).collect();
        file.extend(testmux::fragment_of(&parts, &media));
        file.into()
    }

    /// Returns a `prft` box (ISO/IEC 14496-12 §8.16.5): the time at which the first sample of a chunk was captured.
    fn reference_time(&self, segment: &Segment, span: &Span) -> Vec<u8> {
        let unix = self.utc(span.track.time_of(segment, span.first)).max(0).unsigned_abs();
        let fraction = (u128::from(unix % 1_000_000_000) << 32) / 1_000_000_000;
        let ntp = (unix / 1_000_000_000 + NTP_EPOCH) << 32 | fraction as u64;
        let time = span.track.ticks_of(segment, span.first);
        let content = [&span.track.number.to_be_bytes()[..], &ntp.to_be_bytes(), &time.to_be_bytes()].concat();
        testmux::full(b"prft", 1, 24, &content)
    }

    /// Reads real bytes with the real demuxer; its outputs at the end of each chunk are those that the engine gets.
    fn read(&self, rendition: &Rendition, segment: &Segment, first: usize, chunks: &[Chunk]) -> Option<Content> {
        let init = container::read_init(self.init(rendition)).ok()?;
        let mut demuxer = container::demuxer(ContainerFormat::Fmp4, Some(&init)).ok()?;
        let mut size = 0;
        let mut pieces = Vec::with_capacity(chunks.len() + 1);
        for (place, chunk) in chunks.iter().enumerate() {
            let bytes = self.chunk_bytes(rendition, segment, chunk, first + place);
            size += bytes.len() as u64;
            pieces.push((size, demuxer.push(bytes).ok()?));
        }
        pieces.push((size, demuxer.finish().ok()?));
        Some(Content::Media { size, pieces })
    }
}
