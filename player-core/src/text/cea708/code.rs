//! Splits a service block into codes (ANSI/CTA-708-E §7.1).

/// The codes of a block. A code that the block does not hold as a whole ends it.
pub(super) fn codes(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = block;
    std::iter::from_fn(move || {
        let (code, after) = rest.split_at_checked(length(rest)?)?;
        rest = after;
        Some(code)
    })
}

/// Bytes of the first code.
fn length(bytes: &[u8]) -> Option<usize> {
    Some(match bytes.first()? {
        0x10 => extended(bytes.get(1..)?)? + 1,
        // C0: one byte, then two, then three.
        0x00..=0x0f => 1,
        0x11..=0x17 => 2,
        0x18..=0x1f => 3,
        // C1.
        0x88..=0x8d => 2,
        0x90 | 0x92 => 3,
        0x91 => 4,
        0x97 => 5,
        0x98..=0x9f => 7,
        // Characters, and the commands without parameters.
        0x20..=0x87 | 0x8e | 0x8f | 0x93..=0x96 | 0xa0..=0xff => 1,
    })
}

/// Bytes of a code of the extended sets, without the byte that leads to them.
fn extended(bytes: &[u8]) -> Option<usize> {
    Some(match bytes.first()? {
        // C2: none to three bytes of parameters.
        0x00..=0x07 => 1,
        0x08..=0x0f => 2,
        0x10..=0x17 => 3,
        0x18..=0x1f => 4,
        // C3: fixed lengths, then a byte with the length.
        0x80..=0x87 => 5,
        0x88..=0x8f => 6,
        0x90..=0x9f => usize::from(bytes.get(1)? & 0x1f) + 2,
        // G2 and G3.
        0x20..=0x7f | 0xa0..=0xff => 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_the_length_of_its_group() {
        for (first, last, length) in [
            (0x00, 0x0f, 1),
            (0x11, 0x17, 2),
            (0x18, 0x1f, 3),
            (0x20, 0x87, 1),
            (0x88, 0x8d, 2),
            (0x8e, 0x8f, 1),
            (0x90, 0x90, 3),
            (0x91, 0x91, 4),
            (0x92, 0x92, 3),
            (0x93, 0x96, 1),
            (0x97, 0x97, 5),
            (0x98, 0x9f, 7),
            (0xa0, 0xff, 1),
        ] {
            for code in first..=last {
                let block = [&[code][..], &[b'x'; 9]].concat();
                assert_eq!(codes(&block).next().map(<[u8]>::len), Some(length), "{code:#x}");
                assert_eq!(codes(&block[..length]).count(), 1, "{code:#x} ends the block");
                assert_eq!(codes(&block[..length - 1]).count(), 0, "{code:#x} is not there as a whole");
            }
        }
    }

    #[test]
    fn extended_codes_follow_one_byte() {
        for (first, last, length) in [
            (0x00, 0x07, 2),
            (0x08, 0x0f, 3),
            (0x10, 0x17, 4),
            (0x18, 0x1f, 5),
            (0x20, 0x7f, 2),
            (0x80, 0x87, 6),
            (0x88, 0x8f, 7),
            (0xa0, 0xff, 2),
        ] {
            for code in first..=last {
                let block = [&[0x10, code][..], &[b'x'; 9]].concat();
                assert_eq!(codes(&block).next().map(<[u8]>::len), Some(length), "{code:#x}");
            }
        }
        // The length of the rest stands in five bits of the second byte.
        for (count, length) in [(0, 3), (1, 4), (5, 8), (0xe3, 6)] {
            let block = [&[0x10, 0x95, count][..], &[b'x'; 9]].concat();
            assert_eq!(codes(&block).next().map(<[u8]>::len), Some(length), "{count}");
        }
        assert_eq!([codes(&[0x10]).count(), codes(&[0x10, 0x95]).count()], [0, 0]);
    }
}
