//! Segments of an indexed file: finds segment index boxes, follows them through their levels, and puts the segments on
//! the presentation timeline. `container::mp4` reads the box itself.

use std::time::Duration;

use url::Url;

use super::document::Warnings;
use super::{IndexPiece, ManifestError};
use crate::container::DemuxError;
use crate::container::mp4::{self, sidx};
use crate::model::{ByteRange, IndexSource, ListedSegment, Resource, SegmentList, SegmentListing, TimestampMapping};
use crate::time::{MediaTime, duration_from_ticks};

/// Boxes in front of an index; more are hostile.
const MAX_BOXES: usize = 64;
/// Maximum number of levels of indexes.
const MAX_DEPTH: usize = 8;
/// Index boxes of one file.
const MAX_INDEXES: usize = 256;
/// Segments of one file: a day of half-second ones.
const MAX_SEGMENTS: usize = 200_000;
/// Bytes that are asked for where an index is looked for, or a further level begins.
const PROBE: u64 = 16 << 10;
/// A movie or an index box larger than this is hostile.
const MAX_BOX: u64 = 32 << 20;

/// Progress of reading.
#[derive(Debug)]
pub(super) enum Reading {
    /// All segments are known.
    Known(SegmentList),
    /// These bytes are needed, too.
    More(ByteRange),
}

/// Reads the index of a file as far as its pieces reach.
///
/// # Errors When it is damaged, or there is none and the length of the file is unknown.
pub(super) fn read(
    pieces: &[IndexPiece],
    source: &IndexSource,
    base: &Url,
    warnings: &mut Warnings,
) -> Result<Reading, ManifestError> {
    let mut reader = Reader { pieces, segments: Vec::new(), indexes: 0, warnings };
    let announced = source.resource.range.map(|range| range.offset);
    let found = match announced {
        Some(offset) => match reader.find(offset)? {
            Found::None => {
                reader.warnings.push(None, "there is no segment index where it is announced: it is looked for");
                reader.find(0)?
            }
            found => found,
        },
        None => reader.find(0)?,
    };
    match found {
        Found::More(range) => Ok(Reading::More(range)),
        Found::None => whole_file(&reader, source, base).map(Reading::Known),
        Found::At(offset) => {
            if let Some(range) = reader.level(offset, 0)? {
                return Ok(Reading::More(range));
            }
            let segments = std::mem::take(&mut reader.segments);
            list(&segments, offset, source, base).map(Reading::Known)
        }
    }
}

enum Found {
    At(u64),
    None,
    More(ByteRange),
}

/// A segment as an index describes it.
#[derive(Clone, Copy, Debug)]
struct Indexed {
    time: MediaTime,
    duration: Duration,
    range: ByteRange,
}

struct Reader<'r> {
    pieces: &'r [IndexPiece],
    segments: Vec<Indexed>,
    indexes: usize,
    warnings: &'r mut Warnings,
}

impl<'r> Reader<'r> {
    /// The bytes from an offset on, as far as one piece has them.
    fn at(&self, offset: u64) -> &'r [u8] {
        let from = |piece: &'r IndexPiece| {
            let skip = usize::try_from(offset.checked_sub(piece.offset)?).ok()?;
            piece.bytes.get(skip..)
        };
        self.pieces.iter().filter_map(from).max_by_key(|bytes| bytes.len()).unwrap_or_default()
    }

    /// True when the file is known to end at or before an offset.
    fn ends_before(&self, offset: u64) -> bool {
        self.pieces.iter().any(|piece| piece.is_last && piece.offset.saturating_add(piece.bytes.len() as u64) <= offset)
    }

    /// Type and size of the box at an offset.
    fn header(&self, offset: u64) -> Result<Option<([u8; 4], u64)>, ManifestError> {
        let Some((head, rest)) = self.at(offset).split_first_chunk::<8>() else { return Ok(None) };
        let [a, b, c, d, kind @ ..] = *head;
        let size = match u32::from_be_bytes([a, b, c, d]) {
            0 => u64::MAX - offset,
            1 => match rest.split_first_chunk::<8>() {
                Some((size, _)) => u64::from_be_bytes(*size),
                None => return Ok(None),
            },
            size => size.into(),
        };
        if size < 8 || offset.checked_add(size).is_none() {
            return Err(malformed("a box of impossible size"));
        }
        Ok(Some((kind, size)))
    }

    /// Walks boxes from an offset to the first index.
    fn find(&self, offset: u64) -> Result<Found, ManifestError> {
        if self.at(0).starts_with(&[0x1A, 0x45, 0xDF, 0xA3]) || self.at(offset).starts_with(&[0x1C, 0x53, 0xBB, 0x6B]) {
            return Err(ManifestError::Unsupported { feature: "WebM".to_owned() });
        }
        let mut position = offset;
        for _ in 0..MAX_BOXES {
            if self.ends_before(position) {
                return Ok(Found::None);
            }
            let Some((kind, size)) = self.header(position)? else {
                return Ok(match self.ends_before(position.saturating_add(8)) {
                    true => Found::None,
                    false => Found::More(ByteRange { offset: position, length: Some(PROBE) }),
                });
            };
            match &kind {
                b"sidx" => return Ok(Found::At(position)),
                b"moof" | b"mdat" => return Ok(Found::None),
                b"moov"
                    if size <= MAX_BOX
                        && offset == 0
                        && (self.at(position).len() as u64) < size
                        && !self.ends_before(position.saturating_add(size)) =>
                {
                    // The answer gives the length of the file, should there be no index.
                    return Ok(Found::More(ByteRange { offset: position, length: Some(size + PROBE) }));
                }
                _ if !kind.iter().all(|byte| (0x20..0x7f).contains(byte)) => return Ok(Found::None),
                _ => {}
            }
            position = position.saturating_add(size);
        }
        Ok(Found::None)
    }

    /// Reads the index at an offset and those below it. Gives the bytes that are missing.
    fn level(&mut self, offset: u64, depth: usize) -> Result<Option<ByteRange>, ManifestError> {
        self.indexes += 1;
        if self.indexes > MAX_INDEXES || depth >= MAX_DEPTH {
            return Err(too_large("the segment indexes of a file", MAX_INDEXES));
        }
        let bytes = self.at(offset);
        let Some((_, size)) = self.header(offset)? else {
            return Ok(Some(ByteRange { offset, length: Some(PROBE) }));
        };
        if size > MAX_BOX {
            return Err(too_large("a segment index", MAX_BOX as usize));
        }
        let Some(bytes) = usize::try_from(size).ok().and_then(|size| bytes.get(..size)) else {
            if self.ends_before(offset.saturating_add(size)) {
                return Err(malformed("it ends early"));
            }
            return Ok(Some(ByteRange { offset, length: Some(size) }));
        };
        let index = sidx::read(bytes, offset).map_err(|error| damaged(&error))?;
        for reference in &index.references {
            let here = self.header(reference.offset)?.map(|(kind, _)| kind);
            let deeper = reference.kind == sidx::ReferenceKind::Index;
            match here {
                None if deeper && self.ends_before(reference.offset.saturating_add(8)) => {
                    return Err(malformed("it points behind the end of the file"));
                }
                None if deeper => return Ok(Some(ByteRange { offset: reference.offset, length: Some(PROBE) })),
                Some(kind) if deeper && &kind == b"sidx" => {
                    if let Some(range) = self.level(reference.offset, depth + 1)? {
                        return Ok(Some(range));
                    }
                }
                _ => {
                    if deeper {
                        self.warnings.push(None, "the segment index calls media an index");
                    }
                    self.add(reference, index.timescale)?;
                }
            }
        }
        Ok(None)
    }

    fn add(&mut self, reference: &sidx::Reference, timescale: u32) -> Result<(), ManifestError> {
        if reference.duration == 0 || reference.size == 0 {
            self.warnings.push(None, "the segment index holds a segment without duration or bytes");
            return Ok(());
        }
        if self.segments.len() >= MAX_SEGMENTS {
            return Err(too_large("the segments of an index", MAX_SEGMENTS));
        }
        self.segments.push(Indexed {
            time: MediaTime::from_ticks(i64::try_from(reference.time).unwrap_or(i64::MAX), timescale),
            duration: duration_from_ticks(reference.duration.into(), timescale),
            range: ByteRange { offset: reference.offset, length: Some(reference.size.into()) },
        });
        Ok(())
    }
}

fn shift(source: &IndexSource) -> i64 {
    match source.mapping {
        TimestampMapping::Offset(nanos) => nanos,
        TimestampMapping::Discontinuity(_) => source.period_start.as_nanos(),
    }
}

fn bases(source: &IndexSource, base: &Url) -> Vec<Url> {
    if !source.media.is_empty() {
        return source.media.clone();
    }
    let mut bases = vec![base.clone()];
    bases.extend(source.resource.urls.iter().filter(|url| *url != base).cloned());
    bases
}

/// The segments of the period; those before or after it belong to another one.
fn list(segments: &[Indexed], index: u64, source: &IndexSource, base: &Url) -> Result<SegmentList, ManifestError> {
    let bases = bases(source, base);
    // The bytes before the index initialise the media if nothing else in the file declares them.
    let before = Resource { urls: bases.clone(), range: Some(ByteRange { offset: 0, length: Some(index) }) };
    let implied = (index > 0 && source.media.is_empty()).then_some(before);
    // §8.16.3.3: references count from the first byte after the index; in a separate file from the media's first.
    let away = if source.media.is_empty() { 0 } else { segments.first().map_or(0, |first| first.range.offset) };
    let mut listing = SegmentListing::new(bases);
    let init = source.init.clone().or(implied).map(|init| listing.add_init(init));
    let end = source.period_duration.map(|duration| source.period_start + duration);
    let mut last = MediaTime::from_nanos(i64::MIN);
    for segment in segments {
        let start = segment.time.shifted(shift(source)).max(last);
        let behind = end.is_some_and(|end| start >= end);
        if start + segment.duration <= source.period_start || behind {
            continue;
        }
        last = start;
        let room = end.map_or(Duration::MAX, |end| end.since(start));
        listing.push(&ListedSegment {
            start,
            duration: segment.duration.min(room),
            uri: "",
            range: Some(ByteRange { offset: segment.range.offset - away, ..segment.range }),
            init,
            mapping: source.mapping,
            gap: false,
            encryption: None,
            program_date_time: None,
            bitrate_bps: None,
        });
    }
    if listing.is_empty() {
        return Err(ManifestError::Empty { message: "the segment index has no segments".to_owned() });
    }
    Ok(SegmentList::Listed(Box::new(listing)))
}

/// A file without an index is one segment that brings its own initialisation.
fn whole_file(reader: &Reader<'_>, source: &IndexSource, base: &Url) -> Result<SegmentList, ManifestError> {
    let told = || mp4::movie_duration(reader.at(0));
    let Some(duration) = source.period_duration.or_else(told).filter(|duration| !duration.is_zero()) else {
        return Err(malformed("there is none, and nothing tells how long the file is"));
    };
    let mut listing = SegmentListing::new(bases(source, base));
    let apart = source.init.clone().filter(|init| init.range.is_none());
    let init = apart.map(|init| listing.add_init(init));
    listing.push(&ListedSegment {
        start: source.period_start,
        duration,
        uri: "",
        range: None,
        init,
        mapping: source.mapping,
        gap: false,
        encryption: None,
        program_date_time: None,
        bitrate_bps: None,
    });
    Ok(SegmentList::Listed(Box::new(listing)))
}

fn damaged(error: &DemuxError) -> ManifestError {
    malformed(&error.to_string())
}

fn malformed(what: &str) -> ManifestError {
    ManifestError::Malformed { message: format!("segment index: {what}"), line: None }
}

fn too_large(what: &str, limit: usize) -> ManifestError {
    ManifestError::TooLarge { what: what.to_owned(), limit: limit as u64 }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::container::mp4::testmux::{boxed, full};
    use crate::model::IndexFormat;
    use bytes::Bytes;

    const FILE: &str = "http://h/v.mp4";

    fn source(range: Option<(u64, u64)>) -> IndexSource {
        IndexSource {
            resource: Resource {
                urls: vec![FILE.parse().unwrap()],
                range: range.map(|(offset, length)| ByteRange { offset, length: Some(length) }),
            },
            format: IndexFormat::Sidx,
            init: None,
            mapping: TimestampMapping::Offset(5_000_000_000),
            period_start: MediaTime::ZERO,
            period_duration: None,
            media: Vec::new(),
            variables: Vec::new(),
        }
    }

    /// An index in thousandths of a second, of references with their sizes and durations.
    fn index(begin: u32, references: &[(u32, u32)]) -> Vec<u8> {
        let words = |words: &[u32]| words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<u8>>();
        let mut body = words(&[1, 1000, begin, 0, u32::try_from(references.len()).unwrap()]);
        for (size, duration) in references {
            body.extend(words(&[*size, *duration, 0x9000_0000]));
        }
        full(b"sidx", 0, 0, &body)
    }

    /// Reads a file by fetching what is asked for.
    fn fetch(file: &[u8], source: &IndexSource) -> (Result<SegmentList, ManifestError>, usize) {
        let mut wanted = source.resource.range.unwrap_or(ByteRange { offset: 0, length: Some(PROBE) });
        let mut pieces = Vec::new();
        let mut warnings = Warnings::default();
        loop {
            let from = usize::try_from(wanted.offset).unwrap().min(file.len());
            let to = (wanted.offset + wanted.length.unwrap()).min(file.len() as u64) as usize;
            pieces.push(IndexPiece::new(Some(wanted), Bytes::copy_from_slice(&file[from..to])));
            assert!(pieces.len() < 400, "it never ends");
            match read(&pieces, source, &FILE.parse().unwrap(), &mut warnings) {
                Ok(Reading::More(range)) => wanted = range,
                Ok(Reading::Known(list)) => return (Ok(list), pieces.len()),
                Err(error) => return (Err(error), pieces.len()),
            }
        }
    }

    fn spans(list: &SegmentList) -> Vec<(i64, u64, u64)> {
        let all = (0..list.len()).map(|at| list.get(at).unwrap());
        all.map(|segment| {
            let offset = segment.resource.range.map_or(0, |range| range.offset);
            (segment.start.as_nanos() / 1_000_000, segment.duration.as_millis() as u64, offset)
        })
        .collect()
    }

    #[test]
    fn references_become_byte_ranges_behind_the_box_and_what_stands_before_initialises() {
        let head = boxed(b"ftyp", &[0; 12]);
        let index = index(500, &[(100, 2000), (50, 1000)]);
        let file = [head.clone(), index.clone(), vec![0; 150]].concat();
        let after = (head.len() + index.len()) as u64;
        let (list, fetched) = fetch(&file, &source(Some((head.len() as u64, index.len() as u64))));
        let list = list.unwrap();
        assert_eq!((spans(&list), fetched), (vec![(5500, 2000, after), (7500, 1000, after + 100)], 1));
        let init = list.get(0).unwrap().init.unwrap();
        assert_eq!(init.range, Some(ByteRange { offset: 0, length: Some(head.len() as u64) }));
        let (searched, _) = fetch(&file, &source(None));
        assert_eq!(searched.unwrap(), list, "it is found without being told where");
        let (wrong, _) = fetch(&file, &source(Some((after, 100))));
        assert_eq!(wrong.unwrap(), list, "a wrong place is searched around");
    }

    /// Returns the range that is asked for after the first piece of a file.
    fn asked(first: &[u8], is_last: bool, range: Option<(u64, u64)>) -> Option<ByteRange> {
        let offset = range.map_or(0, |(offset, _)| offset);
        let asked = if is_last { first.len() as u64 + 1 } else { first.len() as u64 };
        let wanted = ByteRange { offset, length: Some(asked) };
        let pieces = [IndexPiece::new(Some(wanted), Bytes::copy_from_slice(first))];
        match read(&pieces, &source(range), &FILE.parse().unwrap(), &mut Warnings::default()) {
            Ok(Reading::More(range)) => Some(range),
            Ok(Reading::Known(_)) | Err(_) => None,
        }
    }

    #[test]
    fn a_movie_box_in_front_is_fetched_whole_unless_it_is_hostile() {
        let head = boxed(b"ftyp", &[0; 12]);
        let at = head.len() as u64;
        let moov = |size: u32| [&head[..], &size.to_be_bytes(), b"moov", &[0; 100]].concat();
        assert_eq!(asked(&moov(50_000), false, None), Some(ByteRange { offset: at, length: Some(50_000 + PROBE) }));
        let largest = MAX_BOX as u32;
        assert_eq!(asked(&moov(largest), false, None), Some(ByteRange { offset: at, length: Some(MAX_BOX + PROBE) }));
        let behind = |size: u32| Some(ByteRange { offset: at + u64::from(size), length: Some(PROBE) });
        assert_eq!(asked(&moov(largest + 1), false, None), behind(largest + 1), "a hostile one is passed over");
        assert_eq!(asked(&moov(108), false, None), behind(108), "it is here");
        // Where the place of the index is announced, the length of the file is of no interest.
        let announced = moov(50_000)[head.len()..].to_vec();
        let next = Some(ByteRange { offset: 900 + 50_000, length: Some(PROBE) });
        assert_eq!(asked(&announced, false, Some((900, 108))), next);
        assert_eq!(asked(&moov(50_000), true, None), None, "the file ends inside it");
    }

    #[test]
    fn an_index_beyond_the_limit_is_refused_before_it_is_fetched() {
        let head = |size: u64| [&u32::try_from(size).unwrap().to_be_bytes()[..], b"sidx", &[0; 100]].concat();
        let asked = |size| asked(&head(size), false, Some((900, 108)));
        assert_eq!(asked(MAX_BOX), Some(ByteRange { offset: 900, length: Some(MAX_BOX) }));
        assert_eq!([MAX_BOX + 1, MAX_BOX + 2].map(asked), [None; 2]);
    }

    #[test]
    fn levels_are_followed_wherever_they_lie() {
        let low = [index(0, &[(10, 1000), (20, 1000)]), index(2000, &[(30, 1000)])];
        let media = 40_000;
        let sizes = low.each_ref().map(Vec::len);
        let second = media + 30;
        let top = index(0, &[(0x8000_0000 | u32::try_from(second).unwrap(), 2000), (0x8000_0000 | 200, 1000)]);
        let mut file = top.clone();
        file.extend(&low[0]);
        file.resize(top.len() + second, 0);
        file.extend(&low[1]);
        file.resize(file.len() + 100, 0);
        let (list, fetched) = fetch(&file, &source(Some((0, top.len() as u64))));
        let first = (top.len() + sizes[0]) as u64;
        let third = (top.len() + second + sizes[1]) as u64;
        assert_eq!(spans(&list.unwrap()), [(5000, 1000, first), (6000, 1000, first + 10), (7000, 1000, third)]);
        assert_eq!(fetched, 3);
    }

    #[test]
    fn a_reference_that_calls_media_an_index_is_media() {
        let index = index(0, &[(16, 1000), (0x8000_0010, 1000)]);
        let file = [index.clone(), boxed(b"moof", &[0; 8]), boxed(b"moof", &[0; 8])].concat();
        let (list, _) = fetch(&file, &source(Some((0, index.len() as u64))));
        assert_eq!(list.unwrap().len(), 2);
    }

    #[test]
    fn a_loop_of_indexes_and_other_damage_end_in_typed_errors() {
        let mut deep = Vec::new();
        for _ in 0..20 {
            deep.extend(index(0, &[(0x8000_0100, 1)]));
        }
        let (endless, _) = fetch(&deep, &source(Some((0, 44))));
        assert!(matches!(endless, Err(ManifestError::TooLarge { .. })), "{endless:?}");
        let whole = index(0, &[(100, 2000)]);
        for cut in 0..whole.len() {
            let (verdict, _) = fetch(&whole[..cut], &source(Some((0, whole.len() as u64))));
            assert!(matches!(verdict, Err(ManifestError::Malformed { .. })), "cut at {cut}: {verdict:?}");
        }
        let (webm, _) = fetch(&[0x1A, 0x45, 0xDF, 0xA3, 0, 0, 0, 0], &source(None));
        assert!(matches!(webm, Err(ManifestError::Unsupported { .. })), "{webm:?}");
    }

    #[test]
    fn a_level_that_is_longer_than_what_was_asked_for_is_fetched_whole() {
        let low = index(0, &vec![(8, 1000); 2000]);
        assert!(low.len() as u64 > PROBE);
        let top = index(0, &[(0x8000_0000 | u32::try_from(low.len()).unwrap(), 2_000_000), (8, 1000)]);
        let file = [top.clone(), low, vec![0; 16_008]].concat();
        let (list, fetched) = fetch(&file, &source(Some((0, top.len() as u64))));
        assert_eq!((list.unwrap().len(), fetched), (2001, 3));
    }

    #[test]
    fn ranges_of_an_index_in_a_file_of_its_own_count_from_the_media() {
        let index = index(0, &[(10, 1000), (20, 1000)]);
        let media: Url = "http://h/media.mp4".parse().unwrap();
        let apart = IndexSource { media: vec![media.clone()], ..source(Some((0, index.len() as u64))) };
        let (list, _) = fetch(&index, &apart);
        let list = list.unwrap();
        assert_eq!(spans(&list), [(5000, 1000, 0), (6000, 1000, 10)]);
        let first = list.get(0).unwrap();
        assert_eq!((first.resource.urls, first.init), (vec![media], None), "nothing of the index initialises it");
    }

    #[test]
    fn segments_keep_the_other_addresses_of_the_file() {
        let index = index(0, &[(10, 1000)]);
        let file = [index.clone(), vec![0; 10]].concat();
        let mut source = source(Some((0, index.len() as u64)));
        let other: Url = "http://other/v.mp4".parse().unwrap();
        source.resource.urls.push(other.clone());
        let (list, _) = fetch(&file, &source);
        assert_eq!(list.unwrap().get(0).unwrap().resource.urls, [FILE.parse().unwrap(), other]);
    }

    #[test]
    fn as_many_indexes_are_read_as_the_limit_says() {
        for (below, fits) in [(MAX_INDEXES - 1, true), (MAX_INDEXES, false)] {
            let low = index(0, &[(8, 1000)]);
            let size = u32::try_from(low.len()).unwrap();
            let top = index(0, &vec![(0x8000_0000 | size, 1000); below]);
            let file = [top.clone(), low.repeat(below), vec![0; 8]].concat();
            let (list, _) = fetch(&file, &source(Some((0, top.len() as u64))));
            match list {
                Ok(list) => assert!(fits && list.len() == below as u64, "{} of {below}", list.len()),
                Err(error) => assert!(!fits && matches!(error, ManifestError::TooLarge { .. }), "{error:?}"),
            }
        }
    }

    #[test]
    fn a_file_without_an_index_is_one_segment_and_a_period_takes_its_part_of_one() {
        let file = [boxed(b"ftyp", &[0; 12]), boxed(b"moof", &[0; 8]), vec![0; 50]].concat();
        let told = IndexSource { period_duration: Some(Duration::from_secs(9)), ..source(None) };
        let (list, _) = fetch(&file, &told);
        assert_eq!(spans(&list.unwrap()), [(0, 9000, 0)]);
        let fields = [0, 0, 1000, 7000].iter().flat_map(|word: &u32| word.to_be_bytes());
        let head = full(b"mvhd", 0, 0, &fields.chain([0; 80]).collect::<Vec<u8>>());
        let movie = [boxed(b"ftyp", &[0; 12]), boxed(b"moov", &head), boxed(b"moof", &[0; 8])].concat();
        let length = |source: &IndexSource| fetch(&movie, source).0.map(|list| spans(&list)[0].1);
        assert_eq!((length(&source(None)).unwrap(), length(&told).unwrap()), (7000, 9000), "the period's comes first");
        let (nothing, _) = fetch(&file, &source(None));
        assert!(matches!(nothing, Err(ManifestError::Malformed { .. })), "{nothing:?}");
        let index = index(0, &[(10, 2000); 5]);
        let part = IndexSource {
            mapping: TimestampMapping::Offset(6_000_000_000),
            period_start: MediaTime::from_millis(10_000),
            period_duration: Some(Duration::from_millis(3000)),
            ..source(Some((0, index.len() as u64)))
        };
        let (list, _) = fetch(&[index.clone(), vec![0; 50]].concat(), &part);
        let first = index.len() as u64 + 20;
        assert_eq!(spans(&list.unwrap()), [(10_000, 2000, first), (12_000, 1000, first + 10)]);
    }
}
