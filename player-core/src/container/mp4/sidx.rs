//! The segment index box (ISO/IEC 14496-12 §8.16.3): where the subsegments of a file lie. DASH's `SegmentBase`
//! points at one; inside media it is skipped.

use super::boxes::{Children, malformed};
use crate::container::DemuxError;

/// Target of a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferenceKind {
    /// Media: one or more movie fragments.
    Media,
    /// Another segment index box.
    Index,
}

/// One entry of a segment index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Kind of its target.
    pub kind: ReferenceKind,
    /// First byte, in the file.
    pub offset: u64,
    /// Size of the target in bytes.
    pub size: u32,
    /// Start of the target, in ticks of the index's timescale, on the presentation timeline of the file (edit lists
    /// applied).
    pub time: u64,
    /// Its length in ticks.
    pub duration: u32,
    /// It begins with a stream access point.
    pub starts_with_sap: bool,
}

/// A segment index box (§8.16.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sidx {
    /// The track it is about.
    pub track: u32,
    /// Ticks per second; never zero.
    pub timescale: u32,
    /// Presentation time of the first reference, in ticks.
    pub earliest_presentation_time: u64,
    /// In order, one after the other without holes.
    pub references: Vec<Reference>,
}

/// Reads the first `sidx` box in `bytes`, other boxes before it are skipped. `first_byte_offset` is where
/// `bytes` begin in the file, as references count from the end of the box.
///
/// # Errors
/// [`DemuxError::Malformed`] when there is none or it is damaged; offsets in errors are offsets in the file.
pub fn read(bytes: &[u8], first_byte_offset: u64) -> Result<Sidx, DemuxError> {
    let Some(end) = first_byte_offset.checked_add(bytes.len() as u64) else {
        return Err(malformed("a segment index beyond the largest offset", first_byte_offset));
    };
    let mut boxes = Children::new(bytes, first_byte_offset);
    let body = loop {
        match boxes.next().transpose()? {
            Some(body) if &body.kind == b"sidx" => break body,
            Some(_) => {}
            None => return Err(malformed("no segment index", end)),
        }
    };
    let (version, _, mut fields) = body.full()?;
    let track = fields.u32()?;
    let timescale = fields.u32()?;
    if timescale == 0 {
        return Err(malformed("a segment index with a timescale of zero", body.offset));
    }
    let earliest_presentation_time = fields.u32_or_u64(version > 0)?;
    let first_offset = fields.u32_or_u64(version > 0)?;
    fields.take(2)?;
    let count = usize::from(fields.u16()?);
    let overflow = || malformed("a segment index beyond the largest offset", body.offset);
    let box_end = body.offset + body.bytes.len() as u64;
    let mut offset = box_end.checked_add(first_offset).ok_or_else(overflow)?;
    let mut time = earliest_presentation_time;
    let mut references = Vec::with_capacity(count.min(body.bytes.len() / 12));
    for _ in 0..count {
        let (word, duration, sap) = (fields.u32()?, fields.u32()?, fields.u32()?);
        let size = word & 0x7fff_ffff;
        references.push(Reference {
            kind: if word >> 31 == 0 { ReferenceKind::Media } else { ReferenceKind::Index },
            offset,
            size,
            time,
            duration,
            starts_with_sap: sap >> 31 == 1,
        });
        offset = offset.checked_add(u64::from(size)).ok_or_else(overflow)?;
        time = time.checked_add(u64::from(duration)).ok_or_else(overflow)?;
    }
    Ok(Sidx { track, timescale, earliest_presentation_time, references })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn index(version: u8, references: &[(u32, u32, u32)]) -> Vec<u8> {
        let mut body = vec![version, 0, 0, 0];
        body.extend(7u32.to_be_bytes());
        body.extend(1000u32.to_be_bytes());
        if version == 0 {
            body.extend(500u32.to_be_bytes());
            body.extend(10u32.to_be_bytes());
        } else {
            body.extend(500u64.to_be_bytes());
            body.extend(10u64.to_be_bytes());
        }
        body.extend([0, 0]);
        body.extend((references.len() as u16).to_be_bytes());
        for &(size, duration, sap) in references {
            body.extend(size.to_be_bytes());
            body.extend(duration.to_be_bytes());
            body.extend(sap.to_be_bytes());
        }
        let mut out = (body.len() as u32 + 8).to_be_bytes().to_vec();
        out.extend(b"sidx");
        out.extend(body);
        out
    }

    #[test]
    fn references_follow_the_box_one_after_the_other() {
        for version in [0, 1] {
            let bytes = index(version, &[(100, 2000, 0x9000_0000), (0x8000_0040, 1500, 0)]);
            let mut file = vec![0, 0, 0, 8];
            file.extend(b"free");
            file.extend(&bytes);
            let sidx = read(&file, 1000).unwrap();
            let media = 1000 + 8 + bytes.len() as u64 + 10;
            assert_eq!((sidx.track, sidx.timescale, sidx.earliest_presentation_time), (7, 1000, 500));
            let expected = [
                (ReferenceKind::Media, media, 100, 500, 2000, true),
                (ReferenceKind::Index, media + 100, 64, 2500, 1500, false),
            ];
            let found: Vec<_> = sidx
                .references
                .iter()
                .map(|r| (r.kind, r.offset, r.size, r.time, r.duration, r.starts_with_sap))
                .collect();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn damage_is_told_with_its_place() {
        let bytes = index(0, &[(100, 2000, 0)]);
        for length in 0..bytes.len() {
            assert!(matches!(read(&bytes[..length], 0), Err(DemuxError::Malformed { .. })), "{length}");
        }
        assert!(read(&bytes, u64::MAX - 5).is_err());
        let mut lying = bytes.clone();
        let at = lying.len() - 13;
        lying[at] = 9;
        assert!(matches!(read(&lying, 0), Err(DemuxError::Malformed { offset, .. }) if offset == lying.len() as u64));
    }
}
