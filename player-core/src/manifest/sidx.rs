//! The segment index box (ISO/IEC 14496-12 §8.16.3). No other box is read here.

use url::Url;

use super::ManifestError;
use super::document::Warnings;
use crate::model::{ByteRange, IndexSource, ListedSegment, SegmentList, SegmentListing, TimestampMapping};
use crate::time::{MediaTime, duration_from_ticks};

/// Boxes in front of the index; more are hostile.
const MAX_BOXES: usize = 64;

/// Reads the index at the beginning of `bytes`, behind any other boxes.
///
/// # Errors
/// When there is none, it is damaged, or it points to further indexes.
pub(super) fn parse(
    bytes: &[u8],
    source: &IndexSource,
    base: &Url,
    warnings: &mut Warnings,
) -> Result<SegmentList, ManifestError> {
    let (body, end) = find(bytes)?;
    let origin = source.resource.range.map_or(0, |range| range.offset);
    // §8.16.3.3: the anchor is the first byte after the box.
    let anchor = origin.saturating_add(end as u64);
    let mut reader = Reader { bytes: body };
    let version = reader.take::<1>()?[0];
    reader.take::<3>()?;
    reader.take::<4>()?;
    let timescale = reader.u32()?;
    if timescale == 0 {
        return Err(malformed("a timescale of zero"));
    }
    let (earliest, first_offset) =
        if version == 0 { (reader.u32()?.into(), reader.u32()?.into()) } else { (reader.u64()?, reader.u64()?) };
    reader.take::<2>()?;
    let count = u16::from_be_bytes(reader.take::<2>()?);
    let shift = match source.mapping {
        TimestampMapping::Offset(nanos) => nanos,
        TimestampMapping::Discontinuity(_) => source.period_start.as_nanos(),
    };
    let mut bases = vec![base.clone()];
    bases.extend(source.resource.urls.iter().filter(|url| *url != base).cloned());
    let mut listing = SegmentListing::new(bases);
    let init = source.init.clone().map(|init| listing.add_init(init));
    let mut offset = anchor.saturating_add(first_offset);
    let mut time = earliest;
    for _ in 0..count {
        let reference = reader.u32()?;
        let duration = reader.u32()?;
        reader.take::<4>()?;
        if reference >> 31 == 1 {
            return Err(ManifestError::Unsupported { feature: "a hierarchical segment index".to_owned() });
        }
        let size = u64::from(reference & 0x7FFF_FFFF);
        if duration == 0 {
            warnings.push(None, "the segment index holds a segment without duration");
        } else {
            let media = MediaTime::from_ticks(i64::try_from(time).unwrap_or(i64::MAX), timescale);
            listing.push(&ListedSegment {
                start: media.shifted(shift),
                duration: duration_from_ticks(duration.into(), timescale),
                uri: "",
                range: Some(ByteRange { offset, length: Some(size) }),
                init,
                mapping: source.mapping,
                gap: false,
                encryption: None,
                program_date_time: None,
                bitrate_bps: None,
            });
        }
        offset = offset.saturating_add(size);
        time = time.saturating_add(duration.into());
    }
    if listing.is_empty() {
        return Err(ManifestError::Empty { message: "the segment index has no segments".to_owned() });
    }
    Ok(SegmentList::Listed(Box::new(listing)))
}

/// The body of the first `sidx` and the offset of its end.
fn find(bytes: &[u8]) -> Result<(&[u8], usize), ManifestError> {
    let mut at = 0_usize;
    for _ in 0..MAX_BOXES {
        let mut reader = Reader { bytes: bytes.get(at..).unwrap_or_default() };
        let short = usize::try_from(reader.u32()?).unwrap_or(usize::MAX);
        let kind = reader.take::<4>()?;
        let (size, header) = match short {
            0 => (bytes.len() - at, 8),
            1 => (usize::try_from(reader.u64()?).unwrap_or(usize::MAX), 16),
            size => (size, 8),
        };
        let end =
            at.checked_add(size).filter(|_| size >= header).ok_or_else(|| malformed("a box of impossible size"))?;
        if &kind == b"sidx" {
            let body = bytes.get(at + header..end).ok_or_else(|| malformed("it ends early"))?;
            return Ok((body, end));
        }
        at = end;
    }
    Err(malformed("there is none"))
}

fn malformed(what: &str) -> ManifestError {
    ManifestError::Malformed { message: format!("segment index: {what}"), line: None }
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], ManifestError> {
        let (head, tail) = self.bytes.split_first_chunk::<N>().ok_or_else(|| malformed("it ends early"))?;
        self.bytes = tail;
        Ok(*head)
    }

    fn u32(&mut self) -> Result<u32, ManifestError> {
        self.take().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Result<u64, ManifestError> {
        self.take().map(u64::from_be_bytes)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::model::{IndexFormat, Resource};
    use std::time::Duration;

    fn source() -> IndexSource {
        IndexSource {
            resource: Resource {
                urls: vec!["http://h/v.mp4".parse().unwrap()],
                range: Some(ByteRange { offset: 800, length: Some(100) }),
            },
            format: IndexFormat::Sidx,
            init: None,
            mapping: TimestampMapping::Offset(5_000_000_000),
            period_start: MediaTime::ZERO,
            variables: Vec::new(),
        }
    }

    fn sidx(references: &[(u32, u32)]) -> Vec<u8> {
        let mut body = vec![0, 0, 0, 0, 0, 0, 0, 1];
        for value in [1000_u32, 500, 7] {
            body.extend(value.to_be_bytes());
        }
        body.extend([0, 0]);
        body.extend(u16::try_from(references.len()).unwrap().to_be_bytes());
        for (size, duration) in references {
            body.extend(size.to_be_bytes());
            body.extend(duration.to_be_bytes());
            body.extend(0x9000_0000_u32.to_be_bytes());
        }
        let mut out = b"\0\0\0\x0Cstyp\0\0\0\0".to_vec();
        out.extend(u32::try_from(body.len() + 8).unwrap().to_be_bytes());
        out.extend(b"sidx");
        out.extend(body);
        out
    }

    #[test]
    fn references_become_byte_ranges_behind_the_box() {
        let bytes = sidx(&[(100, 2000), (50, 1000)]);
        let base = "http://h/v.mp4".parse().unwrap();
        let list = parse(&bytes, &source(), &base, &mut Warnings::default()).unwrap();
        let second = list.get(1).unwrap();
        assert_eq!(list.len(), 2);
        assert_eq!((second.start, second.duration), (MediaTime::from_millis(7500), Duration::from_secs(1)));
        let offset = 800 + bytes.len() as u64 + 7 + 100;
        assert_eq!(second.resource.range, Some(ByteRange { offset, length: Some(50) }));
        assert_eq!(second.resource.urls, [base]);
    }

    #[test]
    fn damage_and_hierarchies_are_typed_errors() {
        let base = "http://h/v.mp4".parse().unwrap();
        let bytes = sidx(&[(100, 2000)]);
        for cut in 0..bytes.len() {
            let result = parse(&bytes[..cut], &source(), &base, &mut Warnings::default());
            assert!(matches!(result, Err(ManifestError::Malformed { .. })), "cut at {cut}: {result:?}");
        }
        let nested = parse(&sidx(&[(0x8000_0064, 1)]), &source(), &base, &mut Warnings::default());
        assert!(matches!(nested, Err(ManifestError::Unsupported { .. })), "{nested:?}");
    }
}
