//! Pictures before the start of an epoch that no other picture refers to: a decoder need not see them.
//!
//! An exact seek decodes from the key picture before its target, up to two seconds or more of pictures that are not
//! shown. With two B pictures between the others two thirds of them are referred to by none.

use super::feeder::Entry;
use crate::container::Codec;
use crate::time::MediaTime;

/// Nanoseconds before the start within which every picture is decoded: one of them may be on screen at the start,
/// though its stated end lies before it.
const MARGIN: i64 = 250_000_000;

/// Returns true if a picture ends well before `start`, and no other picture refers to it. Known of H.264 only: its
/// slices have `nal_ref_idc` 0 (ITU-T H.264 §7.4.1).
pub(super) fn is_unneeded(entry: &Entry, start: MediaTime) -> bool {
    let Codec::H264 { avcc, .. } = &entry.config.codec else { return false };
    let sample = &entry.sample;
    // `lengthSizeMinusOne` (ISO/IEC 14496-15 §5.3.3.1.2).
    let Some(length_size) = avcc.get(4).map(|byte| usize::from(byte & 3) + 1) else { return false };
    !sample.key && sample.end().shifted(MARGIN) <= start && refers_to_none(&sample.payload.0, length_size)
}

/// Returns true if all slices of an access unit have `nal_ref_idc` 0. False if it has no slice or cannot be read.
fn refers_to_none(unit: &[u8], length_size: usize) -> bool {
    let mut rest = unit;
    let mut slices = false;
    while !rest.is_empty() {
        let Some((length, after)) = rest.split_at_checked(length_size) else { return false };
        let length = length.iter().fold(0_usize, |all, byte| all << 8 | usize::from(*byte));
        let Some((nal, after)) = after.split_at_checked(length) else { return false };
        rest = after;
        let Some(header) = nal.first() else { continue };
        // Coded slices, whole or in partitions (ITU-T H.264 table 7-1).
        if (1..=5).contains(&(header & 0x1f)) {
            if header & 0x60 != 0 {
                return false;
            }
            slices = true;
        }
    }
    slices
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::container::{CodecConfig, Payload, Sample};
    use crate::render::Window;

    /// NAL units with lengths of `size` bytes.
    fn unit(size: usize, nals: &[&[u8]]) -> Vec<u8> {
        nals.iter().flat_map(|nal| [&nal.len().to_be_bytes()[8 - size..], nal].concat()).collect()
    }

    #[test]
    fn slices_say_whether_others_refer_to_their_picture() {
        // A delimiter, supplemental information, and slices of type 1.
        let (delimiter, sei, free, used) = (&[9_u8, 16][..], &[6_u8, 1][..], &[1_u8, 2, 3][..], &[0x21_u8, 2][..]);
        for size in [1, 2, 4] {
            assert!(refers_to_none(&unit(size, &[delimiter, sei, free, free]), size));
            assert!(!refers_to_none(&unit(size, &[delimiter, free, used]), size), "a second slice is referred to");
            assert!(!refers_to_none(&unit(size, &[delimiter, sei]), size), "there is no slice");
            assert!(!refers_to_none(&unit(size, &[free])[..size + 2], size), "it is cut");
        }
        assert!(!refers_to_none(&unit(4, &[&[0x65, 1]]), 4), "a key picture");
        assert!(refers_to_none(&unit(4, &[&[2, 1], &[3, 1], &[4, 1], &[]]), 4), "partitions");
        assert!(!refers_to_none(&[], 4));
    }

    #[test]
    fn only_what_ends_well_before_the_start_is_left_out() {
        let payload = Payload(unit(4, &[&[1, 2, 3]]).into());
        let sample = Sample {
            pts: MediaTime::from_millis(1000),
            dts: MediaTime::from_millis(900),
            duration: Duration::from_millis(40),
            key: false,
            payload,
            crypto: None,
        };
        let codec = |codec: Codec| Arc::new(CodecConfig { codec, ..CodecConfig::for_tests("avc1") });
        let avcc = bytes::Bytes::from_static(&[1, 100, 0, 31, 0xff]);
        let entry = Entry { sample, config: codec(Codec::H264 { avcc, in_band: false }), window: Window::ALL };
        let at = |entry: &Entry, millis| is_unneeded(entry, MediaTime::from_millis(millis));
        assert_eq!([1000, 1040, 1289, 1290].map(|start| at(&entry, start)), [false, false, false, true]);
        let key = Entry { sample: Sample { key: true, ..entry.sample.clone() }, ..entry.clone() };
        assert!(!at(&key, 9000));
        let other = Entry { config: codec(Codec::H265 { hvcc: bytes::Bytes::new(), in_band: false }), ..entry.clone() };
        assert!(!at(&other, 9000));
        let none = Entry { config: codec(Codec::H264 { avcc: bytes::Bytes::new(), in_band: false }), ..entry };
        assert!(!at(&none, 9000), "without a record");
    }
}
