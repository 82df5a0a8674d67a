//! Media playlists as typed data (RFC 8216bis §4.4.3, §4.4.4). One pass over the lines; no addresses are resolved and
//! nothing is decided here. Date ranges and the tags of growing playlists have separate files.

use std::borrow::Cow;
use std::rc::Rc;
use std::time::Duration;

use super::attributes::{Attributes, SubRange, nanos};
use super::date_ranges::DateRanges;
use super::lexer::{Content, Lexer};
use super::live::{LiveTags, Skip};
use crate::manifest::ManifestError;
use crate::manifest::dates::instant;
use crate::manifest::document::{Warnings, clip};
use crate::model::{ByteRange, INHERITED, INHERITED_OFFSET};

/// More segments than this are no playlist: eleven days of one-second segments.
const MAX_SEGMENTS: usize = 1_000_000;

/// `EXT-X-KEY` or `EXT-X-SESSION-KEY` (§4.4.4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) method: String,
    pub(super) uri: Option<String>,
    pub(super) iv: Option<String>,
    /// Value of `KEYFORMAT`; `identity` by default.
    pub(super) key_format: String,
    pub(super) key_id: Option<String>,
}

impl Key {
    pub(super) fn parse(attributes: &Attributes<'_>) -> Option<Self> {
        Some(Self {
            method: attributes.filled("METHOD")?.to_owned(),
            uri: attributes.filled("URI").map(str::to_owned),
            iv: attributes.filled("IV").map(str::to_owned),
            key_format: attributes.filled("KEYFORMAT").unwrap_or("identity").to_owned(),
            key_id: attributes.filled("KEYID").map(str::to_owned),
        })
    }

    pub(super) fn is_none(&self) -> bool {
        self.method == "NONE"
    }
}

/// An initialisation section: `EXT-X-MAP` (§4.4.4.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Map<'a> {
    pub(super) uri: Cow<'a, str>,
    pub(super) range: Option<ByteRange>,
    /// Index into [`MediaPlaylist::key_sets`]; the set may be empty.
    pub(super) keys: u32,
}

/// A preferred start: `EXT-X-START` (§4.4.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Start {
    /// Nanoseconds from the beginning; negative from the end.
    pub(super) offset_nanos: i64,
    pub(super) precise: bool,
}

impl Start {
    pub(super) fn parse(attributes: &Attributes<'_>) -> Option<Self> {
        Some(Self { offset_nanos: nanos(attributes.text("TIME-OFFSET")?)?, precise: attributes.yes("PRECISE") })
    }
}

/// A complete segment: one address line.
#[derive(Clone, Debug)]
pub(super) struct Segment<'a> {
    pub(super) uri: Cow<'a, str>,
    /// Text after the comma of `EXTINF`.
    pub(super) title: &'a str,
    pub(super) duration: Duration,
    pub(super) sequence: u64,
    /// The tag stands right before it.
    pub(super) discontinuity: bool,
    pub(super) range: Option<ByteRange>,
    /// Index into [`MediaPlaylist::key_sets`]; the set may be empty.
    pub(super) keys: u32,
    /// Index into [`MediaPlaylist::maps`], if there is a map.
    pub(super) map: Option<u32>,
    /// `EXT-X-BITRATE` in force (§4.4.4.8); never for a sub-range.
    pub(super) bitrate_kbps: Option<u32>,
    pub(super) gap: bool,
    /// Nanoseconds since the Unix epoch, only where the tag stands.
    pub(super) program_date_time: Option<i64>,
}

/// Tags in force behind the last segment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Trailing {
    /// Index into [`MediaPlaylist::maps`], if there is a map.
    pub(super) map: Option<u32>,
    /// Index into [`MediaPlaylist::key_sets`]; the set may be empty.
    pub(super) keys: u32,
    /// The next segment begins with a discontinuity.
    pub(super) discontinuity: bool,
}

/// A media playlist as typed data.
#[derive(Clone, Debug, Default)]
pub(super) struct MediaPlaylist<'a> {
    pub(super) version: Option<u64>,
    pub(super) target_duration: Option<Duration>,
    pub(super) media_sequence: u64,
    pub(super) discontinuity_sequence: u64,
    /// `EXT-X-DISCONTINUITY-SEQUENCE` is declared.
    pub(super) declares_discontinuities: bool,
    /// Index into [`MediaPlaylist::maps`] of the map in front of `EXT-X-SKIP`, for tools: the skipped segments may have
    /// another.
    pub(super) map_before_skip: Option<u32>,
    /// State of the tags behind the last segment, which holds for the parts of the next one.
    pub(super) trailing: Trailing,
    /// Number of segments in front of those that are left out, if there are such.
    pub(super) head: usize,
    /// The segments that are left out are those of the text before, with their parts.
    pub(super) is_cut: bool,
    /// Variables are defined, or addresses stand without `EXTINF`: the text cannot be continued from its middle.
    pub(super) is_whole_only: bool,
    /// `VOD` or `EVENT` as written.
    pub(super) playlist_type: Option<String>,
    pub(super) ended: bool,
    pub(super) i_frames_only: bool,
    pub(super) independent_segments: bool,
    pub(super) start: Option<Start>,
    pub(super) segments: Vec<Segment<'a>>,
    /// Keys in force together, one per KEYFORMAT; the first set is empty.
    pub(super) key_sets: Vec<Vec<Rc<Key>>>,
    pub(super) maps: Vec<Map<'a>>,
    pub(super) date_ranges: DateRanges,
    pub(super) live: LiveTags,
}

impl MediaPlaylist<'_> {
    /// The keys in force for a segment; empty for clear media.
    pub(super) fn keys(&self, segment: &Segment<'_>) -> &[Rc<Key>] {
        self.key_sets.get(segment.keys as usize).map_or(&[], Vec::as_slice)
    }

    /// Media sequence number of the first listed segment.
    pub(super) fn first_sequence(&self) -> u64 {
        self.media_sequence.saturating_add(if self.head == 0 { self.live.skipped() } else { 0 })
    }

    /// Media sequence number of the segment that follows the last listed one.
    pub(super) fn next_sequence(&self) -> u64 {
        self.media_sequence.saturating_add(self.live.skipped()).saturating_add(self.segments.len() as u64)
    }

    /// Number of segments that are left out behind the first listed ones.
    pub(super) fn left_out(&self) -> u64 {
        if self.head > 0 { self.live.skipped() } else { 0 }
    }

    /// The sum of all segments' durations.
    pub(super) fn duration(&self) -> Duration {
        self.segments.iter().fold(Duration::ZERO, |sum, segment| sum.saturating_add(segment.duration))
    }
}

/// Properties of a segment from the tags before its address line.
#[derive(Default)]
struct Pending<'a> {
    duration: Option<Duration>,
    title: &'a str,
    range: Option<SubRange>,
    discontinuity: bool,
    gap: bool,
    program_date_time: Option<i64>,
}

/// Segments in the middle of a text that are those of the text before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut<'a> {
    /// Number of segments after the first that are passed over.
    pub(super) segments: u64,
    /// Text behind them.
    pub(super) rest: &'a str,
    /// Lines in front of `rest`.
    pub(super) lines: u32,
}

struct Reader<'a, 'w> {
    playlist: MediaPlaylist<'a>,
    pending: Pending<'a>,
    map: Option<u32>,
    /// The keys in force, and the index of the same set in the playlist once a segment has used it.
    keys: Vec<Rc<Key>>,
    key_set: Option<u32>,
    bitrate: Option<u32>,
    last_range_end: u64,
    warnings: &'w mut Warnings,
}

/// Reads a media playlist to its end, live or not.
///
/// # Errors When a limit is exceeded. Any other fault gives a warning and is skipped.
pub(super) fn read<'a>(lexer: &mut Lexer<'a>, warnings: &mut Warnings) -> Result<MediaPlaylist<'a>, ManifestError> {
    read_with(lexer, None, warnings)
}

/// Reads a media playlist, of which segments that are known may be passed over.
///
/// # Errors
/// As [`read`].
pub(super) fn read_with<'a>(
    lexer: &mut Lexer<'a>,
    mut cut: Option<Cut<'a>>,
    warnings: &mut Warnings,
) -> Result<MediaPlaylist<'a>, ManifestError> {
    let playlist = MediaPlaylist { key_sets: vec![Vec::new()], ..MediaPlaylist::default() };
    let mut reader = Reader {
        playlist,
        pending: Pending::default(),
        map: None,
        keys: Vec::new(),
        key_set: Some(0),
        bitrate: None,
        last_range_end: 0,
        warnings,
    };
    while let Some(line) = lexer.next(reader.warnings)? {
        match line.content {
            Content::Uri(uri) => {
                reader.address(line.number, uri)?;
                if let Some(cut) = cut.take_if(|_| !reader.playlist.segments.is_empty()) {
                    lexer.jump(cut.rest, cut.lines);
                    reader.playlist.is_cut = true;
                    reader.skip(Skip { segments: cut.segments, removed_date_ranges: Vec::new() });
                }
            }
            Content::Tag { name, value } => reader.tag(line.number, name, value),
        }
    }
    reader.playlist.trailing =
        Trailing { map: reader.map, keys: reader.key_set(), discontinuity: reader.pending.discontinuity };
    reader.playlist.is_whole_only |= lexer.has_variables();
    if reader.playlist.target_duration.is_none() {
        reader.warnings.push(None, "EXT-X-TARGETDURATION is missing");
    }
    Ok(reader.playlist)
}

impl<'a> Reader<'a, '_> {
    fn address(&mut self, line: u32, uri: Cow<'a, str>) -> Result<(), ManifestError> {
        let pending = std::mem::take(&mut self.pending);
        let Some(duration) = pending.duration else {
            self.warnings.push(line, "an address without EXTINF");
            self.playlist.is_whole_only = true;
            // What stood before it belongs to the next segment.
            self.pending = pending;
            return Ok(());
        };
        if self.playlist.segments.len() >= MAX_SEGMENTS {
            return Err(ManifestError::TooLarge {
                what: "the number of segments".to_owned(),
                limit: MAX_SEGMENTS as u64,
            });
        }
        let range = pending.range.map(|range| range.at(self.last_range_end));
        self.last_range_end = range.map_or(0, ByteRange::end);
        let segment = Segment {
            uri,
            title: pending.title,
            duration,
            sequence: self.next_sequence(),
            discontinuity: pending.discontinuity,
            range,
            keys: self.key_set(),
            map: self.map,
            bitrate_kbps: self.bitrate.filter(|_| range.is_none()),
            gap: pending.gap,
            program_date_time: pending.program_date_time,
        };
        self.playlist.segments.push(segment);
        Ok(())
    }

    /// Passes over segments that are known. What is in force behind them is not in this text.
    fn skip(&mut self, skip: Skip) {
        if self.playlist.live.skip.is_some() {
            return self.warnings.push(None, "EXT-X-SKIP stands twice");
        }
        if skip.segments > 0 {
            self.playlist.head = self.playlist.segments.len();
            self.playlist.map_before_skip = self.map;
            (self.map, self.bitrate) = (Some(INHERITED), Some(INHERITED));
            self.keys.clear();
            self.key_set = Some(INHERITED);
            self.last_range_end = INHERITED_OFFSET;
        }
        self.playlist.live.skip = Some(skip);
    }

    /// The media sequence number of the segment that the tags under way are about.
    fn next_sequence(&self) -> u64 {
        self.playlist.next_sequence()
    }

    fn tag(&mut self, line: u32, name: &str, value: Cow<'a, str>) {
        match name {
            "EXTINF" => {
                self.pending.duration = Some(self.duration(line, &value));
                if let Cow::Borrowed(value) = value {
                    self.pending.title = value.split_once(',').map_or("", |(_, title)| title.trim());
                }
            }
            "EXT-X-BYTERANGE" => {
                self.pending.range = SubRange::parse(&value);
                if self.pending.range.is_none() {
                    self.warnings.push(line, "EXT-X-BYTERANGE cannot be read");
                }
            }
            "EXT-X-DISCONTINUITY" => self.pending.discontinuity = true,
            "EXT-X-GAP" => self.pending.gap = true,
            "EXT-X-PROGRAM-DATE-TIME" => {
                self.pending.program_date_time = instant(&value);
                if self.pending.program_date_time.is_none() {
                    self.warnings.push(line, format!("{} is no date", clip(&value)));
                }
            }
            "EXT-X-BITRATE" => self.bitrate = value.trim().parse().ok(),
            "EXT-X-KEY" => self.key(line, &value),
            "EXT-X-MAP" => self.map(line, &value),
            "EXT-X-SKIP" => {
                if let Some(skip) = Skip::parse(line, &value, self.warnings) {
                    self.skip(skip);
                }
            }
            "EXT-X-DATERANGE" => self.playlist.date_ranges.take(line, &value, self.warnings),
            _ => {
                // Unknown tags are to be ignored (§6.3.1).
                let sequence = self.next_sequence();
                let _known = self.header(line, name, &value)
                    || self.playlist.live.take(line, name, &value, sequence, self.warnings);
            }
        }
    }

    /// §4.4.4.1. A duration that cannot be read counts as zero; a negative one too.
    fn duration(&mut self, line: u32, value: &str) -> Duration {
        let text = value.split_once(',').map_or(value, |(duration, _)| duration);
        let text = text.split_whitespace().next().unwrap_or_default();
        match nanos(text).map(u64::try_from) {
            Some(Ok(nanos)) => Duration::from_nanos(nanos),
            _ => {
                self.warnings.push(line, format!("EXTINF {} is no duration", clip(text)));
                Duration::ZERO
            }
        }
    }

    /// Tags of the whole playlist (§4.4.1 to §4.4.3). False when `name` is none of them.
    fn header(&mut self, line: u32, name: &str, value: &str) -> bool {
        let value = value.trim();
        let list = &mut self.playlist;
        match name {
            "EXT-X-VERSION" => list.version = value.parse().ok(),
            "EXT-X-TARGETDURATION" => {
                list.target_duration =
                    nanos(value).and_then(|nanos| u64::try_from(nanos).ok()).map(Duration::from_nanos);
            }
            "EXT-X-MEDIA-SEQUENCE" => self.sequence(line, value, |list| &mut list.media_sequence),
            "EXT-X-DISCONTINUITY-SEQUENCE" => {
                list.declares_discontinuities = true;
                self.sequence(line, value, |list| &mut list.discontinuity_sequence);
            }
            "EXT-X-PLAYLIST-TYPE" => list.playlist_type = Some(value.to_owned()),
            "EXT-X-ENDLIST" => list.ended = true,
            "EXT-X-I-FRAMES-ONLY" => list.i_frames_only = true,
            "EXT-X-INDEPENDENT-SEGMENTS" => list.independent_segments = true,
            "EXT-X-START" => {
                list.start = Start::parse(&Attributes::parse(value));
                if list.start.is_none() {
                    self.warnings.push(line, "EXT-X-START without TIME-OFFSET");
                }
            }
            _ => return false,
        }
        true
    }

    fn sequence(&mut self, line: u32, value: &str, field: for<'l> fn(&'l mut MediaPlaylist<'a>) -> &'l mut u64) {
        match value.parse() {
            Ok(number) => *field(&mut self.playlist) = number,
            Err(_) => self.warnings.push(line, format!("{} is no sequence number", clip(value))),
        }
        if !self.playlist.segments.is_empty() {
            self.warnings.push(line, "a sequence number after the first segment");
        }
    }

    /// A key replaces the one of the same KEYFORMAT; `NONE` ends all.
    fn key(&mut self, line: u32, value: &str) {
        let Some(key) = Key::parse(&Attributes::parse(value)) else {
            self.warnings.push(line, "EXT-X-KEY without METHOD");
            return;
        };
        self.key_set = None;
        if key.is_none() {
            self.keys.clear();
            self.key_set = Some(0);
            return;
        }
        self.keys.retain(|known| known.key_format != key.key_format);
        // Unknown formats could otherwise be piled up without end.
        self.keys.truncate(15);
        self.keys.push(Rc::new(key));
    }

    /// The index of the keys in force, written down when a segment uses them first.
    fn key_set(&mut self) -> u32 {
        *self.key_set.get_or_insert_with(|| {
            self.playlist.key_sets.push(self.keys.clone());
            u32::try_from(self.playlist.key_sets.len() - 1).unwrap_or(0)
        })
    }

    fn map(&mut self, line: u32, value: &str) {
        let attributes = Attributes::parse(value);
        let Some(uri) = attributes.filled("URI") else {
            self.warnings.push(line, "EXT-X-MAP without URI");
            return;
        };
        let range = attributes.text("BYTERANGE").and_then(SubRange::parse).map(|range| range.at(0));
        if range.is_some_and(ByteRange::is_empty) {
            self.warnings.push(line, "EXT-X-MAP has no bytes");
            self.map = None;
            return;
        }
        let map = Map { uri: Cow::Owned(uri.to_owned()), range, keys: self.key_set() };
        if self.playlist.maps.last() != Some(&map) {
            self.playlist.maps.push(map);
        }
        self.map = u32::try_from(self.playlist.maps.len() - 1).ok();
    }
}
