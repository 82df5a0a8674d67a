//! A media playlist as the model's segments. How playlists are read is not known here.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use url::Url;

use super::date_ranges::DateMap;
use super::is_media;
use super::keys;
use super::lexer::{Lexer, Variables};
use super::live::HintKind;
use super::media::{self, Cut, MediaPlaylist, Segment, Start};
use super::unchanged::PlaylistText;
use crate::manifest::document::Warnings;
use crate::manifest::{ManifestError, ParsedIndex, codecs};
use crate::model::{
    AdaptationSet, ByteRange, ContainerFormat, ContentKinds, INHERITED, IndexSource, ListedPart, ListedSegment,
    LiveDescription, MediaKind, PartTraits, Period, PlaylistGrowth, Presentation, PresentationKind, Protocol,
    RenditionReport, Representation, RepresentationTraits, Resource, SegmentIndex, SegmentList, SegmentListing,
    Skipped, TimestampMapping, TrackId,
};
use crate::time::{MediaTime, WallClock};

/// Target duration of a playlist that grows and declares none.
const DEFAULT_TARGET: Duration = Duration::from_secs(6);
/// Target durations that are longer are believed only if segments are nearly as long.
const MOST_TARGET: Duration = Duration::from_secs(60);
/// No target duration is longer.
const LONGEST_TARGET: Duration = Duration::from_secs(3600);
/// Durations are rounded to the nearest second before they are compared with the target duration (§4.4.3.1).
const HALF_SECOND: Duration = Duration::from_millis(500);
/// No parts are shorter.
const LEAST_PART: Duration = Duration::from_millis(10);
/// No playlist is reloaded more often, whatever it declares.
const LEAST_TARGET: Duration = Duration::from_millis(200);

/// Reads the media playlist of a variant or rendition.
pub(in crate::manifest) fn parse_index(
    text: &str,
    source: &IndexSource,
    base: &Url,
    warnings: &mut Warnings,
) -> Result<ParsedIndex, ManifestError> {
    parse_with(text, None, source, base, None, warnings).map(|(parsed, _)| parsed)
}

/// Reads a media playlist again, of which `known` is the state before and `before` its text. `body` is the text as it
/// was received. Returns what to keep of the text for the next time, too.
///
/// Segments that are the same in both texts are not read again; what is returned leaves them out, as an update with
/// `EXT-X-SKIP` does.
pub(in crate::manifest) fn parse_update(
    (text, body): (&str, &Bytes),
    source: &IndexSource,
    base: &Url,
    known: &SegmentListing,
    before: Option<&PlaylistText>,
    warnings: &mut Warnings,
) -> Result<(ParsedIndex, Option<PlaylistText>), ManifestError> {
    let before = before.filter(|before| before.lists(known.raw_sequence(), known.len() as u64));
    let mut read = None;
    if let Some(cut) = before.and_then(|before| before.unchanged(text)) {
        let mut found = Warnings::default();
        let parsed = parse_with(text, Some(cut), source, base, Some(known), &mut found)?;
        if matches!(&parsed.0.segments, SegmentList::Listed(update) if known.fits(update)) {
            warnings.append(found);
            read = Some(parsed);
        }
    }
    let (parsed, state) = match read {
        Some(read) => read,
        None => parse_with(text, None, source, base, Some(known), warnings)?,
    };
    // Text that had to be decoded is another one than that which was received.
    let kept = state.filter(|_| text.len() == body.len());
    Ok((parsed, kept.map(|(sequence, segments)| PlaylistText::new(body.clone(), sequence, segments))))
}

/// Media sequence number and count of the segments of a text of which the next one may be the continuation.
type TextState = Option<(u64, u64)>;

/// Reads a media playlist, of which segments that `known` has may be passed over.
fn parse_with<'a>(
    text: &'a str,
    cut: Option<Cut<'a>>,
    source: &IndexSource,
    base: &Url,
    known: Option<&SegmentListing>,
    warnings: &mut Warnings,
) -> Result<(ParsedIndex, TextState), ManifestError> {
    let base = &without_directives(base);
    if !is_media(text) {
        let message = "expected a media playlist, found a multivariant playlist".to_owned();
        return Err(ManifestError::Malformed { message, line: None });
    }
    let imported: Variables = source.variables.iter().cloned().collect();
    let playlist = media::read_with(&mut Lexer::new(text, base, &imported), cut, warnings)?;
    check(&playlist, warnings)?;
    let begin = source.period_start;
    let listing = listing(&playlist, base, begin, warnings);
    let is_delta = listing.skipped().is_some();
    let dates = match known.filter(|_| is_delta).map(|known| dates_onto(&playlist, &listing, known)) {
        Some(dates) => dates,
        None => dates(&playlist, begin),
    };
    let metadata = playlist.date_ranges.timed(&dates, warnings);
    let growth = growth(&playlist, base, warnings);
    let start = match &growth {
        // The end is another one by the time that it is used.
        Some(_) => playlist.start.map(|start| MediaTime::from_nanos(start.offset_nanos)),
        None => playlist.start.map(|start| begin + beginning(&playlist, start).since(MediaTime::ZERO)),
    };
    let is_whole = !is_delta || playlist.is_cut;
    let count = playlist.live.skipped().saturating_add(playlist.segments.len() as u64);
    let state = (is_whole && growth.is_some() && !playlist.is_whole_only).then_some((playlist.media_sequence, count));
    let parsed = ParsedIndex {
        segments: SegmentList::Listed(Box::new(listing)),
        growth: growth.map(Box::new),
        start,
        epoch: epoch(&playlist).filter(|_| !is_delta || known.is_none()),
        metadata,
        warnings: Vec::new(),
    };
    Ok((parsed, state))
}

/// Maps the dates of a playlist whose first segment begins at `begin`.
fn dates(playlist: &MediaPlaylist<'_>, begin: MediaTime) -> DateMap {
    DateMap::new(playlist.segments.iter().map(|segment| (segment.program_date_time, segment.duration)), begin)
}

/// Maps the dates of an update that leaves segments out, which `known` has, to times of the presentation.
fn dates_onto(playlist: &MediaPlaylist<'_>, listing: &SegmentListing, known: &SegmentListing) -> DateMap {
    let Some((shift, skipped)) = known.resumed_shift(listing).zip(listing.skipped()) else { return DateMap::default() };
    let tail = playlist.segments.iter().skip(playlist.head);
    let dates = tail.map(|segment| (segment.program_date_time, segment.duration));
    let resumed = skipped.start.shifted(shift);
    let mut map = DateMap::new(dates, resumed).with(known.date_before(resumed));
    // Ranges of before are placed by what was declared before them.
    for date in playlist.date_ranges.iter().filter_map(|range| range.start) {
        let near = map.place(date).and_then(|time| known.date_before(time));
        let later = near.filter(|(_, near)| near.as_unix_nanos() > date);
        let before = later.and_then(|(time, _)| known.date_before(time.shifted(-1)));
        map = map.with(before.or(near));
    }
    map
}

/// Removes the directives that reloads add to an address (RFC 8216bis §6.2.5): they are no part of it.
pub(super) fn without_directives(url: &Url) -> Cow<'_, Url> {
    let Some(query) = url.query().filter(|query| query.contains("_HLS_")) else { return Cow::Borrowed(url) };
    let kept: Vec<&str> = query.split('&').filter(|pair| !pair.starts_with("_HLS_")).collect();
    let mut url = url.clone();
    url.set_query((!kept.is_empty()).then(|| kept.join("&")).as_deref());
    Cow::Owned(url)
}

/// A media playlist given as the entry: one period, one set, one representation.
pub(super) fn presentation(
    playlist: &MediaPlaylist<'_>,
    base: &Url,
    warnings: &mut Warnings,
) -> Result<Presentation, ManifestError> {
    check(playlist, warnings)?;
    let growth = growth(playlist, base, warnings);
    let duration = growth.is_none().then(|| playlist.duration());
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
        availability: None,
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
    let period = Period::new("0".to_owned(), MediaTime::ZERO, duration, vec![set]);
    let kind = if growth.is_some() { PresentationKind::Live } else { PresentationKind::OnDemand };
    let start = match &growth {
        Some(_) => playlist.start.map(|start| MediaTime::from_nanos(start.offset_nanos)),
        None => playlist.start.map(|start| beginning(playlist, start)),
    };
    Ok(Presentation {
        protocol: Protocol::Hls,
        kind,
        duration,
        start,
        periods: vec![period],
        epoch: epoch(playlist),
        available_from: None,
        metadata: playlist.date_ranges.timed(&dates(playlist, MediaTime::ZERO), warnings),
        session_data: Vec::new(),
        steering: None,
        pathways: Vec::new(),
        weights: Vec::new(),
        live: growth
            .map(|growth| Box::new(LiveDescription { playlist: Some(Box::new(growth)), ..LiveDescription::default() })),
    })
}

/// Returns the declarations of a playlist that grows; `None` if it is complete. One without `EXT-X-ENDLIST` that calls
/// itself VOD is complete (§4.4.3.5).
fn growth(playlist: &MediaPlaylist<'_>, base: &Url, warnings: &mut Warnings) -> Option<PlaylistGrowth> {
    if playlist.ended || is_vod(playlist) {
        return None;
    }
    let (tags, control) = (&playlist.live, playlist.live.server_control.unwrap_or_default());
    let target_duration = target_duration(playlist, warnings);
    let part_target = tags.part_target.filter(|target| *target >= LEAST_PART);
    if part_target != tags.part_target {
        warnings.push(None, "PART-TARGET is too short to play by");
    }
    let mut at_least = |name: &str, declared: Option<Duration>, least: Duration| {
        if declared.is_some_and(|declared| declared < least) {
            warnings.push(None, format!("{name} is less than the {} s that are needed", least.as_secs_f64()));
        }
        declared.map(|declared| declared.max(least))
    };
    let hold_back = at_least("HOLD-BACK", control.hold_back, target_duration * 3);
    let part_hold_back = control.part_hold_back.filter(|_| part_target.is_some());
    let part_hold_back = at_least("PART-HOLD-BACK", part_hold_back, part_target.unwrap_or_default() * 2);
    let next_sequence = playlist.next_sequence();
    let parts = tags.parts.iter().filter(|part| part.sequence == next_sequence);
    let reports = tags.rendition_reports.iter().filter_map(|report| {
        let url = base.join(&report.uri).ok()?;
        Some(RenditionReport { url, last_sequence: report.last_sequence, last_part: report.last_part })
    });
    Some(PlaylistGrowth {
        target_duration,
        hold_back,
        part_target,
        part_hold_back,
        can_block_reload: control.can_block_reload,
        can_skip_until: control.can_skip_until,
        can_skip_date_ranges: control.can_skip_date_ranges,
        next_sequence,
        next_part: parts.map(|part| part.index.saturating_add(1)).max().unwrap_or(0),
        skipped: tags.skipped(),
        removed_date_ranges: tags.skip.as_ref().map(|skip| skip.removed_date_ranges.clone()).unwrap_or_default(),
        discontinuity_sequence: playlist.declares_discontinuities.then_some(playlist.discontinuity_sequence),
        reports: reports.collect(),
    })
}

/// Returns the target duration to go by. The declared one counts, unless no segment is nearly as long, or one is longer
/// by more than rounding (§4.4.3.1): reloads and the distance from the end follow from it.
fn target_duration(playlist: &MediaPlaylist<'_>, warnings: &mut Warnings) -> Duration {
    let longest = playlist.segments.iter().map(|segment| segment.duration).max().filter(|longest| !longest.is_zero());
    let Some(declared) = playlist.target_duration.filter(|declared| *declared >= LEAST_TARGET) else {
        return longest.unwrap_or(DEFAULT_TARGET).clamp(LEAST_TARGET, MOST_TARGET);
    };
    let Some(longest) = longest else { return declared.clamp(LEAST_TARGET, MOST_TARGET) };
    let (is_short, is_long) = (longest >= declared + HALF_SECOND, declared > MOST_TARGET && declared > longest * 4);
    // An update that leaves segments out does not show the longest one.
    if is_long || is_short {
        let [declared, longest] = [declared, longest].map(|duration| duration.as_secs_f64());
        warnings.push(None, format!("EXT-X-TARGETDURATION is {declared} s, and the longest segment has {longest} s"));
    }
    let target = match (is_long, is_short) {
        (true, _) => longest,
        (false, true) => longest.min(declared.saturating_mul(3)),
        (false, false) => declared,
    };
    target.clamp(LEAST_TARGET, LONGEST_TARGET)
}

fn is_vod(playlist: &MediaPlaylist<'_>) -> bool {
    playlist.playlist_type.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("VOD"))
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

/// Refuses complete playlists that are empty. One that grows may be empty still.
fn check(playlist: &MediaPlaylist<'_>, warnings: &mut Warnings) -> Result<(), ManifestError> {
    let is_vod = is_vod(playlist);
    if !playlist.ended && is_vod {
        warnings.push(None, "the playlist says VOD and has no EXT-X-ENDLIST");
    }
    if playlist.segments.is_empty() && playlist.live.skipped() == 0 && (playlist.ended || is_vod) {
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
/// variant and its renditions may begin to count elsewhere. Playlists that grow begin anywhere, and count from what they
/// declare (§4.4.3.3).
fn listing(playlist: &MediaPlaylist<'_>, base: &Url, begin: MediaTime, warnings: &mut Warnings) -> SegmentListing {
    let mut list = SegmentListing::new(vec![base.clone()]).numbered_from(playlist.first_sequence());
    let key_sets: Vec<Option<u32>> = playlist
        .key_sets
        .iter()
        .map(|keys| (!keys.is_empty()).then(|| list.add_keys(keys::segment_keys(keys, base, warnings))))
        .collect();
    let keys_at = |set: u32| inherited(set).or_else(|| key_sets.get(set as usize).copied().flatten());
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
    let map_at = |map: Option<u32>| map.and_then(|map| inherited(map).or_else(|| inits.get(map as usize).copied()?));
    let mut start = begin;
    let is_complete = playlist.ended || is_vod(playlist);
    let is_delta = playlist.live.skipped() > 0;
    let mut discontinuities = if is_complete && !is_delta { 0 } else { playlist.discontinuity_sequence };
    let mut skipped = None;
    for (at, segment) in playlist.segments.iter().enumerate() {
        if is_delta && at == playlist.head {
            skipped = Some((start, discontinuities));
        }
        discontinuities += u64::from(segment.discontinuity && (at > 0 || is_delta));
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
            init: map_at(segment.map),
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
    if is_delta {
        let (start, discontinuity) = skipped.unwrap_or((start, discontinuities));
        list = list.after_skipped(Skipped {
            head: playlist.head as u64,
            segments: playlist.live.skipped(),
            start,
            discontinuity,
            keeps_parts: playlist.is_cut,
        });
    }
    if !is_complete {
        list = list.open();
        let is_inside = is_delta || !playlist.segments.is_empty();
        let next = discontinuities + u64::from(playlist.trailing.discontinuity && is_inside);
        let trailing = PartState {
            init: map_at(playlist.trailing.map),
            keys: keys_at(playlist.trailing.keys),
            discontinuity: next,
        };
        add_parts(&mut list, playlist, begin, start, trailing, |segment| (map_at(segment.map), keys_at(segment.keys)));
    }
    list
}

/// Number of what is in force from before the text, as it is.
const fn inherited(number: u32) -> Option<u32> {
    if number == INHERITED { Some(number) } else { None }
}

/// State in force for a part.
#[derive(Clone, Copy, Debug)]
struct PartState {
    init: Option<u32>,
    keys: Option<u32>,
    discontinuity: u64,
}

/// Adds the parts of the last segments, those of the segment that is being written, and the hint for the next one.
/// `begin` and `end` are those of the listed segments; `state` gives the initialisation data and keys of a segment.
fn add_parts(
    list: &mut SegmentListing,
    playlist: &MediaPlaylist<'_>,
    begin: MediaTime,
    end: MediaTime,
    trailing: PartState,
    state: impl Fn(&Segment<'_>) -> (Option<u32>, Option<u32>),
) {
    let starts_at = playlist.segments.first().map_or(0, |first| first.sequence);
    let is_delta = playlist.live.skipped() > 0;
    let mut starts = Vec::with_capacity(playlist.segments.len());
    let (mut start, mut discontinuity) = (begin, playlist.discontinuity_sequence);
    for (at, segment) in playlist.segments.iter().enumerate() {
        discontinuity += u64::from(segment.discontinuity && (at > 0 || is_delta));
        starts.push((start, discontinuity));
        start = start + segment.duration;
    }
    let place = |sequence: u64| {
        let at = sequence.checked_sub(starts_at)?;
        let at = if at < playlist.head as u64 { at } else { at.checked_sub(playlist.left_out())? };
        let at = usize::try_from(at).ok()?;
        let (start, discontinuity) = *starts.get(at)?;
        let (init, keys) = state(playlist.segments.get(at)?);
        Some((start, PartState { init, keys, discontinuity }))
    };
    let mut cursor: Option<(u64, MediaTime)> = None;
    for part in &playlist.live.parts {
        let (begin, state) = place(part.sequence).unwrap_or((end, trailing));
        let start = cursor.filter(|(sequence, _)| *sequence == part.sequence).map_or(begin, |(_, time)| time);
        cursor = Some((part.sequence, start + part.duration));
        let traits = PartTraits { independent: part.independent, ..PartTraits::default() };
        push_part(
            list,
            part.sequence,
            part.index,
            start,
            part.duration,
            &part.uri,
            part.range,
            part.gap,
            state,
            traits,
        );
    }
    let hint = playlist.live.preload_hints.iter().find(|hint| hint.kind == HintKind::Part);
    let (Some(hint), Some(target)) = (hint, playlist.live.part_target) else { return };
    let sequence = playlist.next_sequence();
    let last = playlist.live.parts.last().filter(|part| part.sequence == sequence);
    let index = last.map_or(0, |part| part.index.saturating_add(1));
    let start = cursor.filter(|(of, _)| *of == sequence).map_or(end, |(_, time)| time);
    let ranged = hint.start > 0 || hint.length.is_some();
    let range = ranged.then_some(ByteRange { offset: hint.start, length: hint.length });
    let is_rest = ranged && hint.length.is_none();
    let traits = PartTraits { independent: index == 0, is_hinted: true, is_rest };
    push_part(list, sequence, index, start, target, &hint.uri, range, false, trailing, traits);
}

#[expect(clippy::too_many_arguments, reason = "the fields of one part")]
fn push_part(
    list: &mut SegmentListing,
    sequence: u64,
    index: u32,
    start: MediaTime,
    duration: Duration,
    uri: &str,
    range: Option<ByteRange>,
    gap: bool,
    state: PartState,
    traits: PartTraits,
) {
    let part = ListedPart {
        sequence,
        index,
        start,
        duration,
        uri,
        range,
        init: state.init,
        mapping: TimestampMapping::Discontinuity(state.discontinuity),
        gap,
        encryption: state.keys,
        traits,
    };
    if !list.push_part(&part) {
        list.push_part(&ListedPart { uri: "", gap: true, ..part });
    }
}
