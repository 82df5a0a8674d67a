//! `cc_data()` in user data registered by ITU-T T.35 (ATSC A/53 Part 4 §6.2.3; ANSI/CTA-708-E §4.4), in its ATSC form
//! and in the older one of DirecTV.

/// `itu_t_t35_country_code` of the United States.
const UNITED_STATES: u8 = 0xb5;
/// `user_data_type_code` of caption data.
const CAPTIONS: u8 = 3;

/// Appends the valid triples of a message.
pub(super) fn read(message: &[u8], triples: &mut Vec<u8>) {
    match message {
        [UNITED_STATES, 0x00, 0x31, b'G', b'A', b'9', b'4', CAPTIONS, data @ ..] => cc_data(data, triples),
        // A length stands where the ATSC form has none.
        [UNITED_STATES, 0x00, 0x2f, CAPTIONS, _, data @ ..] => cc_data(data, triples),
        _ => {}
    }
}

/// `cc_data()` from its flags on. Truncated data gives what is whole.
fn cc_data(data: &[u8], triples: &mut Vec<u8>) {
    let [flags, _, data @ ..] = data else { return };
    // `process_cc_data_flag`
    if flags & 0x40 != 0 {
        valid(data, usize::from(flags & 0x1f), triples);
    }
}

/// Appends those of `count` triples that are valid (`cc_valid`).
pub(super) fn valid(data: &[u8], count: usize, triples: &mut Vec<u8>) {
    for triple in data.as_chunks::<3>().0.iter().take(count).filter(|triple| triple[0] & 0x04 != 0) {
        triples.extend_from_slice(triple);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_data_that_is_marked_as_captions_is_taken() {
        let of = |flags: u8| {
            let triples = [0xfc, 1, 2, 0xf8, 3, 4, 0xfd, 5, 6];
            let mut found = vec![9];
            let head = [UNITED_STATES, 0, 0x31, b'G', b'A', b'9', b'4', CAPTIONS, flags, 0xff];
            read(&[&head[..], &triples].concat(), &mut found);
            found
        };
        // The flag, then the number of triples; the second one is not valid.
        assert_eq!(of(0x43), [9, 0xfc, 1, 2, 0xfd, 5, 6]);
        assert_eq!(of(0x42), [9, 0xfc, 1, 2]);
        assert_eq!(of(0xdf), [9, 0xfc, 1, 2, 0xfd, 5, 6], "fewer than announced");
        for without in [0x03, 0x83, 0xbf] {
            assert_eq!(of(without), [9], "{without:#x}");
        }
    }
}
