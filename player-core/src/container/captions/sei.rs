//! Supplemental enhancement information: its messages (ITU-T H.264 §7.3.2.3.1, H.265 §7.3.5), of which only user
//! data registered by ITU-T T.35 matters here.

use std::borrow::Cow;

use super::user_data;

/// `user_data_registered_itu_t_t35` (H.264 §D.1.6, H.265 §D.2.6).
const REGISTERED_USER_DATA: usize = 4;

/// Appends the caption triples of all messages of a NAL unit, given without its header.
pub(super) fn read(payload: &[u8], triples: &mut Vec<u8>) {
    let payload = without_emulation_prevention(payload);
    let mut rest: &[u8] = &payload;
    // Two bytes are the least that a message needs; what is left then is the trailing bit.
    while rest.len() > 2 {
        let Some((kind, size)) = number(&mut rest).zip(number(&mut rest)) else { return };
        let Some((message, after)) = rest.split_at_checked(size) else { return };
        if kind == REGISTERED_USER_DATA {
            user_data::read(message, triples);
        }
        rest = after;
    }
}

/// A number written as any count of `0xff` and one more byte, which are added up.
fn number(rest: &mut &[u8]) -> Option<usize> {
    let mut sum = 0_usize;
    loop {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        sum = sum.checked_add(usize::from(byte))?;
        if byte != 0xff {
            return Some(sum);
        }
    }
}

/// The raw byte sequence of a NAL unit: the third byte of every `00 00 03` goes (H.264 §7.4.1).
fn without_emulation_prevention(bytes: &[u8]) -> Cow<'_, [u8]> {
    if !bytes.windows(3).any(|three| three == [0, 0, 3]) {
        return Cow::Borrowed(bytes);
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut zeros = 0;
    for &byte in bytes {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        out.push(byte);
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emulation_prevention_is_removed_wherever_it_stands() {
        for (bytes, rest) in [
            (&[0, 0, 3][..], &[0, 0][..]),
            (&[0, 0, 3, 1], &[0, 0, 1]),
            (&[9, 0, 0, 3, 0, 0, 3, 0, 3], &[9, 0, 0, 0, 0, 0, 3]),
            (&[0, 3, 0, 0, 2], &[0, 3, 0, 0, 2]),
            (&[0, 0], &[0, 0]),
        ] {
            assert_eq!(&*without_emulation_prevention(bytes), rest, "{bytes:?}");
        }
    }
}
