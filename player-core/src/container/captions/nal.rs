//! NAL units of a sample, as far as they lie in the clear.

use crate::container::Sample;

/// The parts of a sample that are not encrypted: ranges of bytes, ascending.
#[derive(Debug)]
pub(super) enum Clear {
    /// All of the sample.
    Everything,
    /// These ranges of bytes.
    Ranges(Vec<(usize, usize)>),
}

impl Clear {
    /// Returns the readable part of a sample (ISO/IEC 23001-7 §9.5: a sample without subsamples is encrypted as a
    /// whole).
    pub fn of(sample: &Sample) -> Self {
        let Some(crypto) = &sample.crypto else { return Self::Everything };
        let mut ranges = Vec::new();
        let mut at = 0_usize;
        for part in &crypto.subsamples {
            let end = at.saturating_add(part.clear as usize);
            if end > at {
                ranges.push((at, end));
            }
            at = end.saturating_add(part.encrypted as usize);
        }
        Self::Ranges(ranges)
    }

    fn holds(&self, from: usize, to: usize) -> bool {
        match self {
            Self::Everything => true,
            Self::Ranges(ranges) => {
                let at = ranges.partition_point(|(_, end)| *end < to);
                ranges.get(at).is_some_and(|(start, end)| *start <= from && to <= *end)
            }
        }
    }
}

/// The units of a sample of length-prefixed NAL units (ISO/IEC 14496-15 §5.3.4.2) that lie in the clear as a whole.
/// Ends at the first length that cannot be.
pub(super) fn units<'a>(data: &'a [u8], prefix: usize, clear: &'a Clear) -> impl Iterator<Item = &'a [u8]> {
    let mut at = 0_usize;
    std::iter::from_fn(move || {
        loop {
            let start = at.checked_add(prefix)?;
            if !clear.holds(at, start) {
                return None;
            }
            let length = data.get(at..start)?.iter().fold(0_usize, |sum, byte| (sum << 8) + usize::from(*byte));
            let end = start.checked_add(length)?;
            let unit = data.get(start..end)?;
            at = end;
            if clear.holds(start, end) {
                return Some(unit);
            }
        }
    })
}

/// Supplemental enhancement information (ITU-T H.264 table 7-1: type 6).
pub(super) fn is_h264_sei(unit: &[u8]) -> bool {
    unit.first().is_some_and(|byte| byte & 0x1f == 6)
}

/// Supplemental enhancement information before or after the picture (ITU-T H.265 table 7-1: types 39 and 40).
pub(super) fn is_h265_sei(unit: &[u8]) -> bool {
    unit.first().is_some_and(|byte| matches!((byte >> 1) & 0x3f, 39 | 40))
}
