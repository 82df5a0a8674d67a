//! Bodies of the fuzz targets. A panic is a defect; so is a difference that only the size of the pieces explains.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use player_core::container::captions::CaptionQueue;
use player_core::container::{
    CaptionPacket, CarriedState, Codec, DemuxError, DemuxOutput, DemuxSetup, Payload, Sample, SampleKey,
    describe_samples, mp4, open, read_init,
};
use player_core::manifest::{IndexPiece, IndexReading, RemoteElements};
use player_core::model::{
    ByteRange, CaptionService, ContainerFormat, IndexFormat, IndexSource, Protocol, Resource, SegmentIndex,
    SegmentList, TimedMetadata, TimestampMapping,
};
use player_core::text::Cue;
use player_core::text::captions::{CaptionDecoder, CaptionScout};
use player_core::{MediaTime, WallClock, manifest, text};
use url::Url;

/// Media: the first byte chooses the size of the pieces. Whole or in pieces, the verdict is the same.
pub fn mp4(data: &[u8]) {
    let Some((&first, data)) = data.split_first() else { return };
    let bytes = Bytes::copy_from_slice(data);
    let whole = demux(&bytes, bytes.len().max(1));
    let pieces = demux(&bytes, usize::from(first).max(1));
    assert_eq!(whole.1, pieces.1, "the verdict depends on the pieces");
    if whole.1.is_none() {
        assert_eq!(samples(&whole.0), samples(&pieces.0), "the samples depend on the pieces");
    }
    let _ = read_init(bytes);
    let _ = mp4::sidx::read(data, 0);
    let _ = describe_samples(data);
}

/// A transport stream: the first byte chooses the size of the pieces and whether there is a key.
pub fn ts(data: &[u8]) {
    pieces_agree(data, ContainerFormat::MpegTs);
}

/// Reads packed audio, likewise.
pub fn packed(data: &[u8]) {
    pieces_agree(data, ContainerFormat::PackedAudio);
}

fn pieces_agree(data: &[u8], format: ContainerFormat) {
    let Some((&first, data)) = data.split_first() else { return };
    let mut setup = DemuxSetup::new(format, None);
    setup.sample_key = (first & 1 == 1).then_some(SampleKey { key_id: [1; 16], iv: [2; 16] });
    let bytes = Bytes::copy_from_slice(data);
    let whole = demux_with(&setup, &bytes, bytes.len().max(1));
    let pieces = demux_with(&setup, &bytes, usize::from(first).max(1));
    assert_eq!(whole.1, pieces.1, "the verdict depends on the pieces");
    if whole.1.is_none() {
        assert_eq!(samples(&whole.0), samples(&pieces.0), "the samples depend on the pieces");
    }
    in_two_segments(&setup, &bytes, usize::from(first) << 4);
    let _ = read_init(bytes);
    let _ = describe_samples(data);
}

/// The same bytes as two segments of one rendition, the second of which begins with the state of the first.
fn in_two_segments(setup: &DemuxSetup, bytes: &Bytes, at: usize) {
    let at = at.min(bytes.len());
    let first = DemuxSetup { keeps_tail: true, ..setup.clone() };
    let (outputs, _) = demux_with(&first, &bytes.slice(..at), at.max(1));
    for continues in [true, false] {
        let tail = outputs.iter().find_map(|output| match output {
            DemuxOutput::Tail(tail) => Some(tail.state.clone()),
            _ => None,
        });
        let carried = tail.map(|state| CarriedState { state, continues });
        let second = DemuxSetup { carried, keeps_tail: true, ..setup.clone() };
        let _ = demux_with(&second, &bytes.slice(at..), bytes.len().max(1));
    }
}

fn demux(bytes: &Bytes, size: usize) -> (Vec<DemuxOutput>, Option<DemuxError>) {
    demux_with(&DemuxSetup::new(ContainerFormat::Unknown, None), bytes, size)
}

fn demux_with(setup: &DemuxSetup, bytes: &Bytes, size: usize) -> (Vec<DemuxOutput>, Option<DemuxError>) {
    let mut outputs = Vec::new();
    let mut run = || {
        let mut demuxer = open(setup)?;
        for start in (0..bytes.len()).step_by(size) {
            outputs.extend(demuxer.push(bytes.slice(start..bytes.len().min(start + size)))?);
        }
        outputs.extend(demuxer.finish()?);
        Ok(())
    };
    let verdict = run().err();
    (outputs, verdict)
}

/// Output of a reader, in order, however it was cut into outputs: samples with their times and bytes by track,
/// and cues, events and captions.
#[derive(Debug, Default, PartialEq)]
pub struct Content {
    /// Samples of each track in decoding order.
    pub samples: BTreeMap<u32, Vec<Sample>>,
    /// Cues in order.
    pub cues: Vec<Cue>,
    /// Events in order.
    pub metadata: Vec<TimedMetadata>,
    /// Captions inside the video.
    pub captions: Vec<CaptionPacket>,
}

fn samples(outputs: &[DemuxOutput]) -> Content {
    let mut content = Content::default();
    for output in outputs {
        match output {
            DemuxOutput::Fragment(fragment) => {
                content.samples.entry(fragment.track).or_default().extend(fragment.samples.iter().cloned());
            }
            DemuxOutput::Cues { cues, .. } => content.cues.extend(cues.iter().cloned()),
            DemuxOutput::Metadata(events) => content.metadata.extend(events.iter().cloned()),
            DemuxOutput::Captions(packets) => content.captions.extend(packets.iter().cloned()),
            DemuxOutput::Init(_) | DemuxOutput::Protection(_) | DemuxOutput::Damage(_) | DemuxOutput::Tail(_) => {}
        }
    }
    content
}

/// Reads media whole, the first byte aside, as the targets do: for replays that compare with what is on record.
pub fn media(data: &[u8], format: ContainerFormat) -> (Content, Option<DemuxError>) {
    let Some((&first, data)) = data.split_first() else { return (Content::default(), None) };
    let mut setup = DemuxSetup::new(format, None);
    let has_key = format != ContainerFormat::Unknown && first & 1 == 1;
    setup.sample_key = has_key.then_some(SampleKey { key_id: [1; 16], iv: [2; 16] });
    let bytes = Bytes::copy_from_slice(data);
    let (outputs, verdict) = demux_with(&setup, &bytes, bytes.len().max(1));
    (samples(&outputs), verdict)
}

/// Captions: the first byte chooses between the triples of `cc_data()`, which come six a picture, and a sample with
/// messages in it. Every channel and some services are read.
pub fn captions(data: &[u8]) {
    let Some((&kind, data)) = data.split_first() else { return };
    let sample = |bytes: &[u8]| Sample {
        pts: MediaTime::ZERO,
        dts: MediaTime::ZERO,
        duration: Duration::from_millis(40),
        key: false,
        payload: Payload(Bytes::copy_from_slice(bytes)),
        crypto: None,
    };
    let codecs = [
        Codec::H264 { avcc: Bytes::new(), in_band: false },
        Codec::H265 { hvcc: Bytes::new(), in_band: false },
        Codec::Other(*b"c608"),
        Codec::Other(*b"c708"),
    ];
    match codecs.get(usize::from(kind % 8)) {
        Some(codec) => {
            let mut queue = CaptionQueue::default();
            queue.add(&sample(data), codec);
            queue.finish().iter().for_each(|packet| read_captions(&packet.triples));
        }
        None => read_captions(data),
    }
}

fn read_captions(triples: &[u8]) {
    let services = (1..=4).map(CaptionService::Cea608).chain([1, 2, 63].map(CaptionService::Cea708));
    let mut decoders: Vec<CaptionDecoder> = services.map(CaptionDecoder::new).collect();
    let mut scout = CaptionScout::default();
    let mut cues = Vec::new();
    for (picture, triples) in triples.chunks(18).enumerate() {
        scout.push(triples);
        for decoder in &mut decoders {
            decoder.push(MediaTime::from_millis(picture as i64 * 40), triples, &mut cues);
            assert!(decoder.shown().len() <= 15);
        }
    }
    assert!(cues.iter().all(|cue| cue.start < cue.end && !cue.plain_text().trim().is_empty()));
}

/// Reads subtitles in WebVTT.
pub fn webvtt(data: &[u8]) {
    let _ = text::webvtt::parse(data);
    let _ = text::describe(data);
}

/// TTML, whole and as a body in an ordinary document, which random data hardly ever is. Cues last some time and say
/// something.
pub fn ttml(data: &[u8]) {
    let _ = text::read(data);
    for document in [data.to_vec(), [b"<tt><body><div><p>", data, b"</p></div></body></tt>"].concat()] {
        if let Ok(document) = text::ttml::parse(&document) {
            assert!(document.cues.iter().all(|cue| cue.start < cue.end && !cue.plain_text().is_empty()));
        }
    }
}

/// Playlists, with and without the signature, which random data hardly ever has; as manifests and as the indexes that
/// a manifest leads to; and the orders of steering servers.
pub fn m3u8(data: &[u8]) {
    let signed = [b"#EXTM3U\n", data].concat();
    for text in [data, &signed] {
        manifest(text);
        playlist_index(text);
    }
    orders(data);
}

fn playlist_index(data: &[u8]) {
    let Ok(base) = Url::parse("http://example.com/path/index?q=1") else { return };
    let source = IndexSource {
        variables: vec![("v".to_owned(), "w".to_owned())],
        ..IndexSource::playlist(Resource::new(base.clone()))
    };
    let Ok(index) = manifest::parse_index(data, &source, &base) else { return };
    let segments = index.segments;
    assert_eq!(segments.get(segments.len()), None);
    if let Some(last) = segments.len().checked_sub(1) {
        let last = segments.get(last).expect("every segment that is counted can be asked for");
        assert_eq!(segments.end(), Some(last.end()));
        assert!(!last.resource.urls.is_empty());
    }
    // The same playlist later: without some of its beginning.
    let later = [b"#EXTM3U\n", data.get(data.len() / 2..).unwrap_or_default()].concat();
    if let Ok(later) = manifest::parse_index(&later, &source, &base) {
        merge(&segments, &later.segments);
    }
    merge(&segments, &segments);
}

/// States of one playlist that follow each other, separated by lines of `=`: each is read onto what the one before made
/// of the list, and by what changed in the text. A list that took all states holds together.
pub fn m3u8_live(data: &[u8]) {
    let Ok(base) = Url::parse("http://example.com/path/index?q=1") else { return };
    let source = IndexSource::playlist(Resource::new(base.clone()));
    let text = String::from_utf8_lossy(data);
    let mut states = text.split("\n=\n").map(|state| Bytes::from(format!("#EXTM3U\n{state}")));
    let Some(Ok(first)) = states.next().map(|first| manifest::parse_index(&first, &source, &base)) else { return };
    let mut index = SegmentIndex::Known(first.segments);
    let mut kept = None;
    for state in states.take(50) {
        let SegmentIndex::Known(list) = &index else { unreachable!("a list stays known") };
        let before = list.len();
        let SegmentList::Listed(known) = list else { unreachable!("a playlist lists its segments") };
        let Ok((parsed, text)) = manifest::read_playlist_again(&state, &source, &base, known, kept.as_ref()) else {
            continue;
        };
        let changes = index.merge(SegmentIndex::Known(parsed.segments));
        let SegmentIndex::Known(list) = &index else { unreachable!("a list stays known") };
        if changes.agreement.is_refused() {
            assert_eq!(list.len(), before);
            continue;
        }
        kept = text;
        let mut end = None;
        for position in 0..list.len() {
            let segment = list.get(position).expect("every segment that is counted can be asked for");
            assert_eq!(list.position(segment.id), Some(position), "names are unique");
            assert!(end.is_none_or(|end| segment.start >= end), "segments follow each other");
            end = Some(segment.start);
        }
    }
}

/// Lists that are read again are merged, in either order: what comes of it is as long as the newer one, and no more is
/// counted than there is.
fn merge(one: &SegmentList, other: &SegmentList) {
    for (known, update) in [(one, other), (other, one)] {
        let mut index = SegmentIndex::Known(known.clone());
        let changes = index.merge(SegmentIndex::Known(update.clone()));
        assert!(changes.added <= update.len());
        assert!(changes.removed_in_front.saturating_add(changes.removed_at_end) <= known.len());
        let SegmentIndex::Known(merged) = &index else { unreachable!("a list stays known") };
        let is_part = matches!(update, SegmentList::Listed(listing) if listing.skipped().is_some());
        if changes.agreement.is_refused() {
            assert_eq!(merged.len(), known.len());
        } else if !is_part {
            assert_eq!(merged.len(), update.len());
        }
        for position in [0, merged.len() / 2, merged.len().saturating_sub(1)] {
            let _ = merged.id(position).and_then(|id| merged.position(id));
        }
    }
}

fn orders(data: &[u8]) {
    let Ok(orders) = manifest::parse_steering(data) else { return };
    assert!(!orders.priority.is_empty() && !orders.ttl.is_zero());
    let Ok(url) = Url::parse("http://example.com/path/1.ts?q=1") else { return };
    for clone in &orders.clones {
        let _ = clone.rewrite(&url);
    }
    let _ = manifest::steering_request(Protocol::Hls, &url, orders.priority.first().map(String::as_str), Some(1));
}

/// Media presentation descriptions; the same bytes serve as every remote element and as a segment index, whole and in
/// pieces.
pub fn mpd(data: &[u8]) {
    manifest(data);
    let Ok(base) = Url::parse("http://example.com/path/manifest") else { return };
    let mut remotes = RemoteElements::default();
    for _ in 0..4 {
        let Ok(missing) = manifest::missing(data, &base, &remotes) else { break };
        for url in missing {
            remotes.insert(url, Some(Bytes::copy_from_slice(data)));
        }
    }
    let _ = manifest::parse_with(data, &base, None, &remotes);
    index(data, None);
    index(data, Some(ByteRange { offset: 0, length: Some(64) }));
}

/// Live MPD that the patches change.
const PATCHED: &str = r#"<MPD type="dynamic" id="m" publishTime="2026-01-01T00:00:00Z"
    availabilityStartTime="1970-01-01T00:00:00Z"><PatchLocation>p</PatchLocation><Period id="a" start="PT0S">
    <AdaptationSet id="1" contentType="video" mimeType="video/mp4"><SegmentTemplate timescale="10" media="$Time$">
    <SegmentTimeline><S t="5" d="20" r="3"/><S d="21"/><S d="20"/></SegmentTimeline></SegmentTemplate>
    <Representation id="v" bandwidth="1"/></AdaptationSet></Period></MPD>"#;

/// A patch of an MPD. Changed ends of a timeline give what the whole document gives.
pub fn patch(data: &[u8]) {
    let Ok(base) = Url::parse("http://example.com/live/manifest.mpd") else { return };
    let kept = manifest::parse_kept(PATCHED.as_bytes(), &base, None, &RemoteElements::default());
    let Ok((before, Some(mut kept))) = kept else { panic!("the manifest is kept") };
    let Ok(manifest::Patched::Timelines { changes, .. }) = kept.patch(data) else { return };
    let template = |parsed: &manifest::Parsed| {
        let set = parsed.presentation.periods.first()?.adaptation_sets.first()?;
        match &set.representations.first()?.index {
            SegmentIndex::Known(SegmentList::Template(template)) => Some((**template).clone()),
            _ => None,
        }
    };
    let Some(mut known) = template(&before) else { return };
    let runs = std::sync::Arc::make_mut(&mut known.timeline);
    if changes.iter().all(|change| runs.change(change)) {
        let whole = kept.read().ok().and_then(|parsed| template(&parsed));
        assert_eq!(whole.map(|whole| whole.timeline), Some(known.timeline), "the patch gives another timeline");
    }
}

/// Follows a segment index through the file.
fn index(file: &[u8], range: Option<ByteRange>) {
    let Ok(url) = Url::parse("http://example.com/v.mp4") else { return };
    let source = IndexSource {
        resource: Resource { urls: vec![url.clone()], range },
        format: IndexFormat::Sidx,
        init: None,
        mapping: TimestampMapping::Offset(0),
        period_start: MediaTime::ZERO,
        period_duration: None,
        media: Vec::new(),
        variables: Vec::new(),
    };
    let mut wanted = source.first_request().range;
    let mut pieces = Vec::new();
    for _ in 0..400 {
        let Some(part) = wanted else { return };
        let from = usize::try_from(part.offset).unwrap_or(usize::MAX).min(file.len());
        let length = usize::try_from(part.length.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
        let to = from.saturating_add(length).min(file.len());
        pieces.push(IndexPiece::new(wanted, Bytes::copy_from_slice(&file[from..to])));
        match manifest::read_index(&pieces, &source, &url) {
            Ok(IndexReading::More(more)) => wanted = Some(more),
            Ok(IndexReading::Known(_)) | Err(_) => return,
        }
    }
    panic!("the index never ends");
}

fn manifest(data: &[u8]) {
    let Ok(base) = Url::parse("http://example.com/path/manifest") else { return };
    let now = Some(WallClock::from_unix_nanos(1_700_000_000_000_000_000));
    let _ = manifest::parse(data, &base, now);
    let _ = manifest::describe(data, &base, now);
}
