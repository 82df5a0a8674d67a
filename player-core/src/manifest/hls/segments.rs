//! A media playlist as the model's segments. How playlists are read is not known here.

use std::time::Duration;

use url::Url;

use super::date_ranges::DateMap;
use super::is_media;
use super::keys;
use super::lexer::{Lexer, Variables};
use super::media::{self, MediaPlaylist, Start};
use crate::manifest::document::Warnings;
use crate::manifest::{ManifestError, ParsedIndex, codecs};
use crate::model::{
    AdaptationSet, ByteRange, ContainerFormat, ContentKinds, IndexSource, ListedSegment, MediaKind, Period,
    Presentation, PresentationKind, Protocol, Representation, RepresentationTraits, Resource, SegmentIndex,
    SegmentList, SegmentListing, TimestampMapping, TrackId,
};
use crate::time::{MediaTime, WallClock};

/// Reads the media playlist of a variant or rendition.
pub(in crate::manifest) fn parse_index(
    text: &str,
    source: &IndexSource,
    base: &Url,
    warnings: &mut Warnings,
) -> Result<ParsedIndex, ManifestError> {
    if !is_media(text) {
        let message = "expected a media playlist, found a multivariant playlist".to_owned();
        return Err(ManifestError::Malformed { message, line: None });
    }
    let imported: Variables = source.variables.iter().cloned().collect();
    let playlist = media::read(&mut Lexer::new(text, base, &imported), warnings)?;
    check(&playlist, warnings)?;
    let begin = source.period_start;
    let listing = listing(&playlist, base, begin, warnings);
    let metadata = playlist.date_ranges.timed(&dates(&playlist, begin), warnings);
    Ok(ParsedIndex {
        segments: SegmentList::Listed(Box::new(listing)),
        live: false,
        start: playlist.start.map(|start| begin + beginning(&playlist, start).since(MediaTime::ZERO)),
        epoch: epoch(&playlist),
        metadata,
        warnings: Vec::new(),
    })
}

/// Maps the dates of a playlist whose first segment begins at `begin`.
fn dates(playlist: &MediaPlaylist<'_>, begin: MediaTime) -> DateMap {
    DateMap::new(playlist.segments.iter().map(|segment| (segment.program_date_time, segment.duration)), begin)
}

/// A media playlist given as the entry: one period, one set, one representation.
pub(super) fn presentation(
    playlist: &MediaPlaylist<'_>,
    base: &Url,
    warnings: &mut Warnings,
) -> Result<Presentation, ManifestError> {
    check(playlist, warnings)?;
    let duration = playlist.duration();
    let format = format(playlist);
    let (kind, content) = match format {
        ContainerFormat::WebVtt | ContainerFormat::Ttml => (MediaKind::Text, Some(ContentKinds::only(MediaKind::Text))),
        _ => (MediaKind::Video, None),
    };
    let representation = Representation {
        id: "0".to_owned(),
        bandwidth: 0,
        average_bandwidth: None,
        codecs: Vec::new(),
        content,
        width: None,
        height: None,
        frame_rate: None,
        channels: None,
        sample_rate: None,
        format,
        audio_group: None,
        protection: keys::announced(playlist.key_sets.iter().flatten().map(AsRef::as_ref), base, warnings),
        traits: RepresentationTraits::default(),
        index: SegmentIndex::Known(SegmentList::Listed(Box::new(listing(playlist, base, MediaTime::ZERO, warnings)))),
    };
    let set = AdaptationSet {
        id: TrackId("main".to_owned()),
        kind,
        language: None,
        label: None,
        roles: Vec::new(),
        default: true,
        autoselect: true,
        forced: false,
        representations: vec![representation],
    };
    let period = Period::new("0".to_owned(), MediaTime::ZERO, Some(duration), vec![set]);
    Ok(Presentation {
        protocol: Protocol::Hls,
        kind: PresentationKind::OnDemand,
        duration: Some(duration),
        start: playlist.start.map(|start| beginning(playlist, start)),
        periods: vec![period],
        epoch: epoch(playlist),
        available_from: None,
        metadata: playlist.date_ranges.timed(&dates(playlist, MediaTime::ZERO), warnings),
        session_data: Vec::new(),
        steering: None,
        pathways: Vec::new(),
        weights: Vec::new(),
    })
}

/// §4.4.2.2: a negative offset counts from the end; one that lies outside means that end. Unless it is `PRECISE`,
/// the segment that holds it is presented from its beginning.
fn beginning(playlist: &MediaPlaylist<'_>, start: Start) -> MediaTime {
    let end = MediaTime::ZERO + playlist.duration();
    let offset = start.offset_nanos;
    let time = if offset < 0 { end.shifted(offset) } else { MediaTime::from_nanos(offset) };
    let time = time.clamp(MediaTime::ZERO, end);
    if start.precise {
        return time;
    }
    let mut begin = MediaTime::ZERO;
    for segment in &playlist.segments {
        if begin + segment.duration > time {
            break;
        }
        begin = begin + segment.duration;
    }
    begin
}

/// Refuses playlists that cannot be played yet, and empty ones.
fn check(playlist: &MediaPlaylist<'_>, warnings: &mut Warnings) -> Result<(), ManifestError> {
    let vod = playlist.playlist_type.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("VOD"));
    if !playlist.ended && vod {
        warnings.push(None, "the playlist says VOD and has no EXT-X-ENDLIST");
    } else if !playlist.ended {
        return Err(ManifestError::Unsupported { feature: "live HLS".to_owned() });
    }
    if playlist.segments.is_empty() {
        return Err(ManifestError::Empty { message: "the playlist has no segments".to_owned() });
    }
    Ok(())
}

/// Returns the format that data is read as which begins like nothing that is known. The first bytes of every segment
/// choose its reader: names mislead, and initialisation data may be the program tables of a transport stream.
fn format(playlist: &MediaPlaylist<'_>) -> ContainerFormat {
    let first = playlist.segments.iter().find(|segment| !segment.gap);
    match first.map(|first| codecs::format_of(&first.uri)) {
        Some(
            format @ (ContainerFormat::MpegTs
            | ContainerFormat::PackedAudio
            | ContainerFormat::WebVtt
            | ContainerFormat::Ttml),
        ) => format,
        _ => ContainerFormat::Unknown,
    }
}

/// Returns the wall-clock time of the beginning: the first declared date, counted back.
fn epoch(playlist: &MediaPlaylist<'_>) -> Option<WallClock> {
    let mut before = Duration::ZERO;
    for segment in &playlist.segments {
        if let Some(date) = segment.program_date_time {
            let before = i64::try_from(before.as_nanos()).unwrap_or(i64::MAX);
            return Some(WallClock::from_unix_nanos(date.saturating_sub(before)));
        }
        before = before.saturating_add(segment.duration);
    }
    None
}

/// Segments follow each other without holes: the sum of the durations before a segment is its beginning (§6.3.3).
/// Discontinuities are counted from the first segment: playlists on demand all begin at the same time, and those of a
/// variant and its renditions may begin to count elsewhere.
fn listing(playlist: &MediaPlaylist<'_>, base: &Url, begin: MediaTime, warnings: &mut Warnings) -> SegmentListing {
    let mut list = SegmentListing::new(vec![base.clone()]).numbered_from(playlist.media_sequence);
    let key_sets: Vec<Option<u32>> = playlist
        .key_sets
        .iter()
        .map(|keys| (!keys.is_empty()).then(|| list.add_keys(keys::segment_keys(keys, base, warnings))))
        .collect();
    let keys_at = |set: u32| key_sets.get(set as usize).copied().flatten();
    let inits: Vec<Option<u32>> = playlist
        .maps
        .iter()
        .map(|map| match base.join(&map.uri) {
            Ok(url) => Some(list.add_encrypted_init(Resource { urls: vec![url], range: map.range }, keys_at(map.keys))),
            Err(_) => {
                warnings.push(None, "the address of an EXT-X-MAP cannot be used");
                None
            }
        })
        .collect();
    let mut start = begin;
    let mut discontinuities = 0;
    for (at, segment) in playlist.segments.iter().enumerate() {
        discontinuities += u64::from(segment.discontinuity && at > 0);
        // A request cannot ask for an empty range (RFC 9110 §14.1.2): a server would send the whole file.
        let is_empty = segment.range.is_some_and(ByteRange::is_empty);
        if is_empty && !segment.gap {
            warnings.push(None, format!("segment {} has no bytes: it becomes a gap", segment.sequence));
        }
        let mut entry = ListedSegment {
            start,
            duration: segment.duration,
            uri: &segment.uri,
            range: segment.range,
            init: segment.map.and_then(|map| inits.get(map as usize).copied().flatten()),
            mapping: TimestampMapping::Discontinuity(discontinuities),
            gap: segment.gap || is_empty,
            encryption: keys_at(segment.keys),
            program_date_time: segment.program_date_time.map(WallClock::from_unix_nanos),
            bitrate_bps: segment.bitrate_kbps.map(|kilobits| u64::from(kilobits) * 1000),
        };
        if !list.push(&entry) {
            warnings
                .push(None, format!("the address of segment {} cannot be used: it becomes a gap", segment.sequence));
            entry.uri = "";
            entry.gap = true;
            list.push(&entry);
        }
        start = start + segment.duration;
    }
    list
}
