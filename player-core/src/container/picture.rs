//! Length of a picture file that stands in front of media. Some servers hide segments behind a small picture so that
//! an image host carries them; the picture is skipped and the media after it is read.

/// Bytes within which a picture must end.
pub(super) const LONGEST: usize = 1 << 20;

/// Extent of a picture at the beginning of data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PictureExtent {
    /// The picture ends before this byte.
    Ends(usize),
    /// The picture goes on after the bytes that are there.
    Continues,
    /// The data is no picture, or one that breaks its format.
    Unknown,
}

/// Measures the PNG, JPEG, GIF, BMP, WebP or ICO file that `bytes` begin with.
pub(super) fn extent(bytes: &[u8]) -> PictureExtent {
    let end = match bytes {
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => png(bytes),
        [0xff, 0xd8, 0xff, ..] => jpeg(bytes),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => gif(bytes),
        [b'B', b'M', ..] => bmp(bytes),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => webp(bytes),
        [0, 0, 1, 0, ..] => ico(bytes),
        _ => Err(Broken),
    };
    match end {
        Ok(Some(end)) if end > LONGEST => PictureExtent::Unknown,
        Ok(Some(end)) if end <= bytes.len() => PictureExtent::Ends(end),
        Ok(_) if bytes.len() >= LONGEST => PictureExtent::Unknown,
        Ok(_) => PictureExtent::Continues,
        Err(Broken) => PictureExtent::Unknown,
    }
}

/// The data breaks the format of its picture.
struct Broken;

/// Returns the end of a picture; `None` when the bytes end first.
type End = Result<Option<usize>, Broken>;

fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

fn little(bytes: &[u8], at: usize) -> Option<usize> {
    number(bytes, at).and_then(|four| usize::try_from(u32::from_le_bytes(four)).ok())
}

/// Chunks of a length, a type, data and a checksum, up to `IEND` (ISO/IEC 15948 §5.3).
fn png(bytes: &[u8]) -> End {
    let mut at = 8;
    loop {
        let (Some(length), Some(kind)) = (number(bytes, at).map(u32::from_be_bytes), number::<4>(bytes, at + 4)) else {
            return Ok(None);
        };
        if !kind.iter().all(u8::is_ascii_alphabetic) {
            return Err(Broken);
        }
        at = usize::try_from(length).ok().and_then(|length| at.checked_add(12)?.checked_add(length)).ok_or(Broken)?;
        if &kind == b"IEND" || at > LONGEST {
            return Ok(Some(at));
        }
    }
}

/// Marker segments up to `EOI`; entropy-coded data has no marker but restarts and stuffed zeros (ISO/IEC 10918-1 §B.1).
fn jpeg(bytes: &[u8]) -> End {
    let mut at = 2;
    loop {
        match number::<2>(bytes, at) {
            None => return Ok(None),
            Some([0xff, 0xff]) => at += 1,
            Some([0xff, 0xd9]) => return Ok(Some(at + 2)),
            Some([0xff, 0x01 | 0xd0..=0xd7]) => at += 2,
            Some([0xff, 0xc0..=0xfe]) => {
                let Some(length) = number(bytes, at + 2).map(u16::from_be_bytes) else { return Ok(None) };
                let scan = bytes.get(at + 1) == Some(&0xda);
                at += 2 + usize::from(length.max(2));
                if scan {
                    let Some(rest) = bytes.get(at..) else { return Ok(None) };
                    let marker = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0 | 0xd0..=0xd7);
                    let Some(skipped) = rest.windows(2).position(marker) else { return Ok(None) };
                    at += skipped;
                }
            }
            Some(_) => return Err(Broken),
        }
        if at > LONGEST {
            return Err(Broken);
        }
    }
}

/// Blocks up to the trailer (GIF89a §17–§27).
fn gif(bytes: &[u8]) -> End {
    let table = |flags: u8| if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
    let Some(&flags) = bytes.get(10) else { return Ok(None) };
    let mut at = 13 + table(flags);
    loop {
        at = match bytes.get(at) {
            None => return Ok(None),
            Some(0x3b) => return Ok(Some(at + 1)),
            Some(0x21) => at + 2,
            Some(0x2c) => {
                let Some(&flags) = bytes.get(at + 9) else { return Ok(None) };
                at + 11 + table(flags)
            }
            Some(_) => return Err(Broken),
        };
        loop {
            let Some(&length) = bytes.get(at) else { return Ok(None) };
            at += 1 + usize::from(length);
            if length == 0 {
                break;
            }
        }
    }
}

/// The header gives the size of the file.
fn bmp(bytes: &[u8]) -> End {
    match (little(bytes, 2), little(bytes, 10)) {
        (Some(size), Some(pixels)) if pixels >= 26 && size >= pixels => Ok(Some(size)),
        (Some(_), Some(_)) => Err(Broken),
        _ => Ok(None),
    }
}

/// The RIFF header gives the size of what follows it, padded to an even number.
fn webp(bytes: &[u8]) -> End {
    Ok(little(bytes, 4).and_then(|size| size.checked_add(8 + size % 2)))
}

/// The directory gives size and place of every picture.
fn ico(bytes: &[u8]) -> End {
    let Some(count) = number(bytes, 4).map(u16::from_le_bytes) else { return Ok(None) };
    if count == 0 || count > 64 {
        return Err(Broken);
    }
    let mut end = 6 + 16 * usize::from(count);
    for entry in 0..usize::from(count) {
        let (Some(size), Some(place)) = (little(bytes, 14 + 16 * entry), little(bytes, 18 + 16 * entry)) else {
            return Ok(None);
        };
        end = end.max(place.checked_add(size).ok_or(Broken)?);
    }
    Ok(Some(end))
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// One small picture of each kind.
    pub(in crate::container) fn pictures() -> Vec<(&'static str, Vec<u8>)> {
        let png = [
            b"\x89PNG\r\n\x1a\n".as_slice(),
            b"\0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89",
            b"\0\0\0\x0dIDATx\x9cc\xf8\xff\xff?\0\x05\xfe\x02\xfe\xa75\x81\x84\0",
            b"\0\0\0\0IEND\xaeB`\x82",
        ];
        let jpeg = [
            b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0".as_slice(),
            b"\xff\xdb\0\x04\xff\xd9\xff\xff\xda\0\x03\x01\x12\xff\x00\x34\xff\xd3\x56\x78\xff\xd9",
        ];
        let gif = [
            b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff".as_slice(),
            b"\x21\xf9\x04\x01\0\0\0\0\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;",
        ];
        let bmp = [b"BM\x3a\0\0\0\0\0\0\0\x36\0\0\0".as_slice(), &[0; 44]];
        let webp = [b"RIFF\x0d\0\0\0WEBPVP8 \x01\0\0\0\x07\0".as_slice()];
        let ico = [b"\0\0\x01\0\x01\0\x01\x01\0\0\x01\0\x18\0\x05\0\0\0\x16\0\0\0abcde".as_slice()];
        vec![
            ("png", png.concat()),
            ("jpeg", jpeg.concat()),
            ("gif", gif.concat()),
            ("bmp", bmp.concat()),
            ("webp", webp.concat()),
            ("ico", ico.concat()),
        ]
    }

    #[test]
    fn pictures_end_where_their_format_says() {
        for (name, picture) in pictures() {
            let with_media = [picture.as_slice(), &[0x47; 600]].concat();
            assert_eq!(extent(&with_media), PictureExtent::Ends(picture.len()), "{name}");
            for length in 14..picture.len() {
                assert_eq!(extent(&picture[..length]), PictureExtent::Continues, "{name} cut at {length}");
            }
        }
    }

    #[test]
    fn an_icon_has_up_to_sixty_four_pictures_in_any_order() {
        for (count, is_whole) in [(1_u8, true), (63, true), (64, true), (65, false)] {
            let begin = 6 + 16 * u32::from(count);
            let mut icon = vec![0, 0, 1, 0, count, 0];
            for number in (0..u32::from(count)).rev() {
                icon.extend([1, 1, 0, 0, 1, 0, 24, 0]);
                icon.extend(5_u32.to_le_bytes());
                icon.extend((begin + 5 * number).to_le_bytes());
            }
            icon.resize(icon.len() + 5 * usize::from(count), 7);
            let with_media = [icon.as_slice(), &[0x47; 600]].concat();
            let whole = extent(&with_media) == PictureExtent::Ends(icon.len());
            assert_eq!(whole, is_whole, "{count}");
        }
    }

    #[test]
    fn initialisation_data_is_read_after_the_pictures_in_front_of_it() {
        let mut mux = crate::container::testmux::Mux::default();
        mux.tables(&[(0x1b, 0x101, &[])], 0);
        for (name, picture) in pictures() {
            let source = [picture.as_slice(), &picture, &mux.bytes].concat();
            let init = crate::container::read_init(source.into());
            assert_eq!(init.map(|init| init.clock).ok(), Some(crate::container::MediaClock::Mpeg), "{name}");
        }
    }

    #[test]
    fn what_is_no_picture_or_too_long_has_no_extent() {
        let endless = [b"\xff\xd8\xff\xda\0\x02".as_slice(), &vec![1; LONGEST]].concat();
        let large = b"BM\xff\xff\xff\x7f\0\0\0\0\x36\0\0\0";
        let broken = b"\x89PNG\r\n\x1a\n\0\0\0\x01\x01\x02\x03\x04";
        for data in [endless.as_slice(), large, broken, b"GIF89a\0\0\0\0\0\0\0Z", b"\x47\x40\0", b""] {
            assert_eq!(extent(data), PictureExtent::Unknown, "{:?}", data.get(..10));
        }
    }

    #[test]
    fn a_gif_is_measured_by_its_colour_tables_and_blocks() {
        let header = |flags: u8| [b"GIF89a\x01\0\x01\0".as_slice(), &[flags, 0, 0]].concat();
        let image = |flags: u8| [b"\x2c\0\0\0\0\x01\0\x01\0".as_slice(), &[flags]].concat();
        let data = b"\x02\x02\x3b\x2c\x01\x21\0";
        for (global, local) in [(0x00, 0x00), (0x07, 0x47), (0x80, 0x00), (0x00, 0x80), (0xf2, 0x83), (0x87, 0xc0)] {
            let table = |flags: u8| {
                let colours = if flags & 0x80 == 0 { 0 } else { 2 << (flags & 7) };
                vec![0x3b; 3 * colours]
            };
            // Two images, and a comment of two blocks between them.
            let one = [image(local), table(local), data.to_vec()].concat();
            let comment = b"\x21\xfe\x03\x3b\x2c\x21\x01\x3b\0";
            let file = [header(global), table(global), one.clone(), comment.to_vec(), one, vec![0x3b]].concat();
            let more = [file.as_slice(), &[0x47; 300]].concat();
            assert_eq!(extent(&more), PictureExtent::Ends(file.len()), "{global:#x} {local:#x}");
            for length in 6..file.len() {
                assert_eq!(extent(&file[..length]), PictureExtent::Continues, "{global:#x} {local:#x} {length}");
            }
        }
    }

    proptest! {
        #[test]
        fn damage_never_panics_nor_ends_after_the_data(
            which in 0usize..6, at in 0usize..64, byte: u8, rest in proptest::collection::vec(any::<u8>(), 0..400),
        ) {
            let mut data = pictures().swap_remove(which).1;
            if let Some(damaged) = data.get_mut(at) {
                *damaged = byte;
            }
            data.extend(rest);
            if let PictureExtent::Ends(end) = extent(&data) {
                prop_assert!(end <= data.len());
            }
        }
    }
}
