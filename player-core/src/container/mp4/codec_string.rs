//! RFC 6381 codec strings from codec records (ISO/IEC 14496-15 annex E, the AV1 and VP9 bindings §5).

use std::fmt::Write as _;

use super::boxes::{FourCc, name};
use crate::container::Codec;

/// The string of a video codec; `None` when its record is too short.
pub(in crate::container) fn video(codec: &Codec, entry: FourCc) -> Option<String> {
    let prefix = name(entry);
    match codec {
        Codec::H264 { avcc, .. } => {
            let [profile, constraints, level] = *avcc.get(1..4)?.first_chunk()?;
            Some(format!("{prefix}.{profile:02X}{constraints:02X}{level:02X}"))
        }
        Codec::H265 { hvcc, .. } => hevc(hvcc, &prefix),
        Codec::Av1 { av1c } => {
            let [first, second] = *av1c.get(1..3)?.first_chunk()?;
            let tier = if second & 0x80 == 0 { 'M' } else { 'H' };
            let depth = match (second & 0x40 != 0, second & 0x20 != 0) {
                (false, _) => 8,
                (true, false) => 10,
                (true, true) => 12,
            };
            Some(format!("{prefix}.{}.{:02}{tier}.{depth:02}", first >> 5, first & 0x1f))
        }
        Codec::Vp9 { vpcc } => {
            let [profile, level, depth] = *vpcc.first_chunk()?;
            Some(format!("{prefix}.{profile:02}.{level:02}.{:02}", depth >> 4))
        }
        _ => Some(prefix),
    }
}

fn hevc(record: &[u8], prefix: &str) -> Option<String> {
    let profile = *record.get(1)?;
    let compatibility = u32::from_be_bytes(*record.get(2..6)?.first_chunk()?).reverse_bits();
    let constraints: &[u8; 6] = record.get(6..12)?.first_chunk()?;
    let level = *record.get(12)?;
    let space = match profile >> 6 {
        0 => "",
        1 => "A",
        2 => "B",
        _ => "C",
    };
    let tier = if profile & 0x20 == 0 { 'L' } else { 'H' };
    let mut out = format!("{prefix}.{space}{}.{compatibility:X}.{tier}{level}", profile & 0x1f);
    let used = constraints.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    for byte in constraints.iter().take(used) {
        // Writing to a string cannot fail.
        let _ = write!(out, ".{byte:X}");
    }
    Some(out)
}
