//! The files of a virtual film: how its segments are addressed, which tracks share a file, and what its edit lists cut.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use kinora_manifests::ByteRange as WrittenRange;
use kinora_manifests::dash::{MediaRange, SegmentAddressing, SegmentBase, SegmentList, SegmentTiming};
use kinora_manifests::hls::{SegmentRange, SegmentTag};

use super::captions::{self, Captions};
use super::film::{AUDIO_SCALE, Content, Film, LockKind, TRACK, VIDEO_SCALE};
use super::media::{self, Edit, Layout, RealTrack};
use super::shape::{Addressing, Muxed};
use crate::container::mp4::testmux::{self, TestCodec, TestTrack};
use crate::container::{self, DemuxOutput};
use crate::model::ByteRange;

/// Number of the audio track of a file that holds video too.
pub const SECOND_TRACK: u32 = 2;
/// Name of the file that holds all of a representation.
const WHOLE: &str = "media.mp4";
/// Longest part of a file that is made around its head.
const LONGEST_HEAD: u64 = 1 << 20;

/// Places in the file of a representation.
#[derive(Clone, Debug)]
pub(super) struct FileMap {
    /// Initialisation data, at offset zero.
    init: Bytes,
    /// The segment index after it.
    index: Bytes,
    /// Offset and size of each segment.
    segments: Vec<(u64, u64)>,
}

impl FileMap {
    /// The offset and size of a segment.
    pub fn segment(&self, place: u64) -> Option<(u64, u64)> {
        self.segments.get(usize::try_from(place).ok()?).copied()
    }

    fn place_at(&self, offset: u64) -> Option<u64> {
        // A segment without bytes begins where the one after it does.
        let begins = |(begin, size): &(u64, u64)| *begin == offset && *size > 0;
        self.segments.iter().position(begins).map(|place| place as u64)
    }

    fn head(&self) -> u64 {
        (self.init.len() + self.index.len()) as u64
    }

    fn end(&self) -> u64 {
        self.segments.last().map_or_else(|| self.head(), |(begin, size)| begin + size)
    }

    fn init_range(&self) -> WrittenRange {
        written((0, self.init.len() as u64))
    }

    fn index_range(&self) -> WrittenRange {
        written((self.init.len() as u64, self.index.len() as u64))
    }

    /// Returns the address and the range of a segment in an HLS playlist. Every second range goes on where the one
    /// before ends, even if that one is no longer listed.
    pub fn listed(&self, place: u64, is_first: bool) -> (String, Option<SegmentRange>) {
        let range = self.segment(place).map(|(offset, length)| match (place % 2 == 1, is_first) {
            (true, true) => SegmentRange::Orphan { length },
            (true, false) => SegmentRange::Next { length },
            (false, _) => SegmentRange::At(written((offset, length))),
        });
        (WHOLE.to_owned(), range)
    }

    /// The bytes of a range that begins before the media; the media itself is zeros.
    fn bytes(&self, range: ByteRange) -> Option<Bytes> {
        let end = self.end().min(range.length.map_or(u64::MAX, |length| range.offset.saturating_add(length)));
        let (begin, end) = (usize::try_from(range.offset).ok()?, usize::try_from(end.min(LONGEST_HEAD)).ok()?);
        let mut head = [&self.init[..], &self.index[..]].concat();
        head.resize(head.len().max(end), 0);
        Some(Bytes::copy_from_slice(head.get(begin..end)?))
    }
}

/// Returns a range as manifests hold it.
fn written((offset, length): (u64, u64)) -> WrittenRange {
    WrittenRange { offset, length }
}

/// A film with the maps of its files, each made once: a map needs the size of every segment.
#[derive(Clone, Debug)]
pub(super) struct FilmFiles {
    film: Film,
    /// Maps by group and name; `None` for a representation that does not exist.
    maps: BTreeMap<(String, String), Option<Arc<FileMap>>>,
}

impl FilmFiles {
    pub(super) const fn new(film: Film) -> Self {
        Self { film, maps: BTreeMap::new() }
    }

    fn map(&mut self, group: &str, name: &str) -> Option<Arc<FileMap>> {
        let Self { film, maps } = self;
        let made = || film.file_map(group, name).map(Arc::new);
        maps.entry((group.to_owned(), name.to_owned())).or_insert_with(made).clone()
    }

    /// Returns the content of a part of a file; see [`Film::part`].
    pub(super) fn part(&mut self, path: &str, range: Option<ByteRange>) -> Option<Content> {
        let Some((group, name)) = self.film.whole_file(path) else { return self.film.content(path) };
        let map = self.map(group, name)?;
        self.film.part_of((group, name), &map, range)
    }

    /// Returns the path of a part of a file as if each segment were a separate file, named by its place.
    pub(super) fn path_of_part(&mut self, path: &str, range: Option<ByteRange>) -> Option<String> {
        let Some((group, name)) = self.film.whole_file(path) else { return self.film.path_by_place(path) };
        let offset = range?.offset;
        let file = match self.map(group, name)?.place_at(offset) {
            Some(place) => format!("{place}.m4s"),
            None if offset == 0 => "init.mp4".to_owned(),
            None => "index.sidx".to_owned(),
        };
        Some(format!("/film/{group}/{name}/{file}"))
    }
}

impl Film {
    /// With audio in the files of the video, as real bytes, and no other.
    #[must_use]
    pub fn muxed(mut self, audio_first: bool) -> Self {
        self.muxed = Some(Muxed { audio_first, bitrate: 128_000 });
        self.voices.clear();
        self.real_bytes = true;
        self
    }

    /// With this addressing of video and audio.
    #[must_use]
    pub const fn addressed(mut self, video: Addressing, audio: Addressing) -> Self {
        (self.shape.video, self.shape.audio) = (video, audio);
        self
    }

    /// Returns the content of a part of a file; `None` when there is no such file, or the part is not one that the manifest or the
    /// index of the file names.
    pub fn part(&self, path: &str, range: Option<ByteRange>) -> Option<Content> {
        FilmFiles::new(self.clone()).part(path, range)
    }

    fn part_of(&self, (group, name): (&str, &str), map: &FileMap, range: Option<ByteRange>) -> Option<Content> {
        let range = range?;
        if range.offset < map.head() {
            return Some(Content::File { content_type: "video/mp4", bytes: map.bytes(range)? });
        }
        let place = map.place_at(range.offset)?;
        (range.length == Some(map.segment(place)?.1)).then(|| self.segment_content(group, name, place))?
    }

    fn whole_file<'p>(&self, path: &'p str) -> Option<(&'p str, &'p str)> {
        let (group, rest) = path.strip_prefix("/film/")?.split_once('/')?;
        let name = rest.strip_suffix(WHOLE)?.strip_suffix('/')?;
        (self.addressing(group) != Addressing::Files).then_some((group, name))
    }

    pub(super) const fn addressing(&self, group: &str) -> Addressing {
        match group.as_bytes() {
            b"v" => self.shape.video,
            b"a" => self.shape.audio,
            _ => Addressing::Files,
        }
    }

    /// The places in the file of a representation; `None` when there is no such representation.
    pub(super) fn file_map(&self, group: &str, name: &str) -> Option<FileMap> {
        let scale = if group == "v" { VIDEO_SCALE } else { AUDIO_SCALE };
        let init = testmux::init(&self.tracks(group, name)?);
        let sizes: Option<Vec<u64>> = (0..self.segments()).map(|place| self.segment_size(group, name, place)).collect();
        let sizes = sizes?;
        let entry = |(place, size): (u64, &u64)| {
            let (begin, end) = self.span_of(group, place);
            (u32::try_from(*size).unwrap_or(u32::MAX), u32::try_from(end - begin).unwrap_or(u32::MAX) * scale)
        };
        let entries: Vec<(u32, u32)> = (0..).zip(&sizes).map(entry).collect();
        let away = self.shape.media_away;
        let index = Bytes::from(testmux::index(TRACK, scale, self.ahead(scale), away, &entries));
        let mut offset = (init.len() + index.len()) as u64 + away;
        let place = |size| {
            offset += size;
            (offset - size, size)
        };
        let segments = sizes.into_iter().map(place).collect();
        Some(FileMap { init, index, segments })
    }

    /// Returns the address of the file of a representation in an MPD, and the addressing of the segments in it; `None` if
    /// each segment is a file.
    pub(super) fn file_addressing(&self, group: &str, name: &str, begin: u64) -> Option<(String, SegmentAddressing)> {
        let addressing = self.addressing(group);
        if addressing == Addressing::Files {
            return None;
        }
        let map = self.file_map(group, name)?;
        let timescale = if group == "v" { VIDEO_SCALE } else { AUDIO_SCALE };
        let presentation_time_offset = Some(begin * u64::from(timescale) + self.ahead(timescale));
        let initialization = Some(map.init_range());
        let index =
            SegmentBase { timescale, presentation_time_offset, index_range: Some(map.index_range()), initialization };
        let segments = match addressing {
            Addressing::Files | Addressing::Indexed => SegmentAddressing::Base(index),
            Addressing::Unannounced => {
                SegmentAddressing::Base(SegmentBase { index_range: None, initialization: None, ..index })
            }
            Addressing::Listed => {
                let close = begin + self.period_length();
                let places = (0..self.segments()).filter(|place| {
                    let (start, _) = self.span_of(group, *place);
                    (begin..close).contains(&start) && !self.is_gap(name, *place)
                });
                let places: Vec<u64> = places.collect();
                let range = |(offset, length)| match length {
                    0 => MediaRange::Backward { offset },
                    length => MediaRange::Bytes(WrittenRange { offset, length }),
                };
                let spans = places.iter().map(|place| self.span_of(group, *place));
                SegmentAddressing::List(SegmentList {
                    timescale,
                    presentation_time_offset,
                    initialization,
                    timing: SegmentTiming::Timeline(self.timeline(timescale, spans)),
                    media_ranges: places.iter().filter_map(|place| map.segment(*place)).map(range).collect(),
                })
            }
        };
        Some((format!("{group}/{name}/{WHOLE}"), segments))
    }

    /// Returns the tag of an HLS playlist that names initialisation data.
    pub(super) fn map_tag(map: Option<&FileMap>) -> SegmentTag {
        match map {
            Some(map) => SegmentTag::Map { uri: WHOLE.to_owned(), byte_range: Some(map.init_range()) },
            None => SegmentTag::Map { uri: "init.mp4".to_owned(), byte_range: None },
        }
    }

    /// True when a segment is announced as missing.
    pub(super) fn is_gap(&self, name: &str, place: u64) -> bool {
        self.gaps.iter().any(|(rung, gap)| rung == name && *gap == place)
    }

    /// The tracks of the files of a representation, in the order of their `trak` boxes: the other way round than in
    /// the fragments.
    pub(super) fn tracks(&self, group: &str, name: &str) -> Option<Vec<TestTrack>> {
        let audio = |id| TestTrack::new(id, AUDIO_SCALE, TestCodec::Aac { sample_rate: AUDIO_SCALE, channels: 2 });
        let mut tracks = Vec::new();
        if group == "v" {
            let (width, height) = self.ladder.iter().find(|rung| rung.id == name)?.size;
            tracks.push(TestTrack::new(TRACK, VIDEO_SCALE, TestCodec::H264 { width, height }));
        } else {
            self.sound_rate(name)?;
            tracks.push(audio(TRACK));
        }
        if let Some(muxed) = self.muxed.filter(|_| group == "v") {
            tracks.push(audio(SECOND_TRACK));
            if !muxed.audio_first {
                tracks.reverse();
            }
        }
        for track in &mut tracks {
            let edit = self.edit(track.timescale);
            (track.media_time, track.empty_edit) = (edit.media_time, edit.empty_millis);
        }
        Some(tracks)
    }

    /// Effect of the edit list of a track. Media timestamps run far enough ahead to make up for an empty edit.
    fn edit(&self, scale: u32) -> Edit {
        let edit = match scale {
            VIDEO_SCALE => Edit { empty_millis: 40, media_time: 2 * VIDEO_SCALE / 24 },
            _ => Edit { empty_millis: 1500, media_time: 2112 },
        };
        if self.shape.edit_lists && self.ahead(scale) >= edit.empty_ticks(scale) { edit } else { Edit::default() }
    }

    fn rate(&self, group: &str, name: &str) -> Option<u64> {
        match group {
            "v" => self.ladder.iter().find(|rung| rung.id == name).map(|rung| rung.bitrate),
            _ => self.sound_rate(name),
        }
    }

    fn layout(&self, group: &str, place: u64, rate: u64) -> Layout {
        if group == "v" { self.video_layout(place, rate) } else { self.audio_layout(self.span_of("a", place), rate) }
    }

    fn segment_size(&self, group: &str, name: &str, place: u64) -> Option<u64> {
        if self.real_bytes {
            let tracks = self.real_tracks(group, name, place)?;
            return Some(media::real_size(&tracks, place, self.has_message(group)));
        }
        let layout = self.layout(group, place, self.rate(group, name)?);
        Some(layout.size(|number| self.lacks(group == "v", &layout, number)))
    }

    fn has_message(&self, group: &str) -> bool {
        self.event_messages && group == "v"
    }

    /// The tracks of a segment of real bytes, in the order of the fragments.
    fn real_tracks(&self, group: &str, name: &str, place: u64) -> Option<Vec<RealTrack>> {
        let layout = self.layout(group, place, self.rate(group, name)?);
        let real = |number, layout: Layout| {
            let (ahead, edit) = (self.ahead(layout.scale), self.edit(layout.scale));
            RealTrack { number, layout, ahead, edit }
        };
        let mut tracks = vec![real(TRACK, layout)];
        if let Some(muxed) = self.muxed.filter(|_| group == "v") {
            tracks.push(real(SECOND_TRACK, self.audio_layout(self.span_of("v", place), muxed.bitrate)));
            if muxed.audio_first {
                tracks.reverse();
            }
        }
        Some(tracks)
    }

    /// The media of a segment.
    pub(super) fn segment_content(&self, group: &str, name: &str, number: u64) -> Option<Content> {
        let layout = self.layout(group, number, self.rate(group, name)?);
        let ahead = self.ahead(layout.scale);
        let init = || container::read_init(testmux::init(&self.tracks(group, name)?)).ok();
        if self.real_bytes {
            let tracks = self.real_tracks(group, name, number)?;
            return media::read(media::real_bytes(&tracks, number, self.has_message(group)), &init()?);
        }
        let mut content = media::direct(&layout, ahead, |number| self.lacks(group == "v", &layout, number));
        if let Content::Media { pieces, .. } = &mut content
            && group == "v"
            && self.captions != Captions::None
        {
            captions::weave(pieces, number);
        }
        if let Content::Media { size, pieces } = &mut content
            && self.at_once
            && group == "v"
        {
            let media = std::mem::take(pieces).into_iter().flat_map(|(_, outputs)| outputs);
            *pieces = vec![(*size, [DemuxOutput::Init(Arc::new(init()?))].into_iter().chain(media).collect())];
        }
        Some(match self.lock(number) {
            Some(lock) if matches!(lock.kind, LockKind::Samples | LockKind::Foreign) => {
                media::locked(content, lock.id().0)
            }
            _ => content,
        })
    }

    /// True when a sample is missing, or what it depends on.
    fn lacks(&self, pictures: bool, layout: &Layout, number: u64) -> bool {
        if self.missing.is_empty() {
            return false;
        }
        let number = layout.order.shown_at(number);
        let (at, group) = (layout.time_of(number), layout.time_of(number / layout.key_every * layout.key_every));
        let spans = self.missing.iter().filter(|missing| missing.pictures == pictures);
        spans.into_iter().any(|missing| missing.from <= at && group < missing.until)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kinora_manifests::Layout;

    use super::*;
    use crate::model::Protocol;

    #[test]
    fn the_sizes_of_a_file_are_those_of_its_segments() {
        let film = Film::new(Protocol::Dash, Duration::from_secs(24));
        let mut messages = Film { real_bytes: true, ..film.clone() };
        messages.event_messages = true;
        let mut lacking = film.clone();
        lacking.missing =
            vec![super::super::Missing { pictures: true, from: Duration::from_secs(7), until: Duration::from_secs(9) }];
        for film in [film.clone(), film.clone().muxed(true), film.muxed(false), messages, lacking] {
            let film = film.addressed(Addressing::Indexed, Addressing::Indexed);
            let map = film.file_map("v", "240p").expect("a representation");
            assert_eq!(map.segments.len(), 6);
            for (place, (offset, size)) in (0..).zip(&map.segments) {
                let Some(Content::Media { size: found, pieces }) = film.segment_content("v", "240p", place) else {
                    panic!("media")
                };
                assert_eq!((found, pieces.last().map(|(at, _)| *at)), (*size, Some(*size)), "{place}");
                let range = |length| Some(ByteRange { offset: *offset, length: Some(length) });
                assert!(film.part("/film/v/240p/media.mp4", range(*size)).is_some());
                assert!(film.part("/film/v/240p/media.mp4", range(*size - 1)).is_none(), "no part of a segment");
            }
        }
    }

    #[test]
    fn every_second_range_of_a_playlist_has_an_offset() {
        for removed in 0..5 {
            let mut film = Film::new(Protocol::Hls, Duration::from_secs(24)).voices(&["en"]);
            film.relisting.removed_segments = removed;
            let map = film.file_map("a", "en").expect("a representation");
            let playlist = film.playlist("a", "en");
            let ranges = playlist.segments.iter().map(|segment| segment.byte_range);
            let expected = (removed..6).map(|place| {
                let (offset, length) = map.segment(place)?;
                Some(match place % 2 {
                    0 => SegmentRange::At(WrittenRange { offset, length }),
                    _ if place == removed => SegmentRange::Orphan { length },
                    _ => SegmentRange::Next { length },
                })
            });
            assert_eq!(ranges.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
            assert!(playlist.to_text(Layout::Compact).is_ok());
        }
    }

    #[test]
    fn the_head_of_a_file_is_initialisation_data_and_an_index() {
        let film = Film::new(Protocol::Dash, Duration::from_secs(24));
        let film = film.addressed(Addressing::Unannounced, Addressing::Indexed);
        let map = film.file_map("v", "240p").expect("a representation");
        let range = ByteRange { offset: 0, length: Some(16 << 10) };
        let Some(Content::File { bytes, .. }) = film.part("/film/v/240p/media.mp4", Some(range)) else {
            panic!("a file")
        };
        assert_eq!(bytes.len(), 16 << 10);
        let init = container::read_init(bytes.slice(..map.init.len())).expect("initialisation data");
        assert_eq!(init.tracks.len(), 1);
        let index = container::mp4::sidx::read(&bytes, 0).expect("an index");
        assert_eq!(index.earliest_presentation_time, 60 * 3600 * u64::from(VIDEO_SCALE));
        let found: Vec<(u64, u64)> =
            index.references.iter().map(|reference| (reference.offset, u64::from(reference.size))).collect();
        assert_eq!(found, map.segments);
        let seconds = index.references.iter().map(|reference| reference.duration / VIDEO_SCALE);
        assert_eq!(seconds.collect::<Vec<_>>(), [6, 2, 6, 2, 4, 4]);
    }
}
