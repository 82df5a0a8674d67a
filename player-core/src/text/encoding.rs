//! Encodings of text files: UTF-8 and UTF-16, recognised by a byte order mark or, in XML, by the first character.

use std::borrow::Cow;

/// The text of a file in UTF-8, or in UTF-16 with a byte order mark. Broken sequences become U+FFFD.
pub(super) fn decode(bytes: &[u8]) -> Cow<'_, str> {
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest),
        _ => String::from_utf8_lossy(bytes),
    }
}

/// The text of an XML document: also UTF-16 without a mark, and ISO 8859-1 where its declaration names that.
pub(super) fn decode_xml(bytes: &[u8]) -> Cow<'_, str> {
    match bytes {
        [b'<', 0, ..] => utf16(bytes, u16::from_le_bytes),
        [0, b'<', ..] => utf16(bytes, u16::from_be_bytes),
        _ if is_latin(bytes) => bytes.iter().map(|&byte| char::from(byte)).collect::<String>().into(),
        _ => decode(bytes),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Cow<'static, str> {
    let units = bytes.as_chunks::<2>().0.iter().map(|&pair| unit(pair));
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect::<String>().into()
}

/// True when the XML declaration names a Latin-1 encoding.
fn is_latin(bytes: &[u8]) -> bool {
    let Some(declaration) = bytes.strip_prefix(b"<?xml") else { return false };
    let end = declaration.iter().take(256).position(|&byte| byte == b'>').unwrap_or(0);
    let declaration = String::from_utf8_lossy(declaration.get(..end).unwrap_or_default()).to_ascii_lowercase();
    declaration.contains("iso-8859-1") || declaration.contains("windows-1252")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_and_first_characters_tell_the_encoding() {
        let text = "<tt>é😀</tt>";
        let wide = |unit: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(unit).collect::<Vec<u8>>();
        let (little, big) = (wide(u16::to_le_bytes), wide(u16::to_be_bytes));
        for bytes in [&little, &big, &text.as_bytes().to_vec()] {
            assert_eq!(decode_xml(bytes), text);
        }
        assert_eq!(decode(&[&[0xff, 0xfe], &little[..]].concat()), text);
        assert_eq!(decode(&[&[0xfe, 0xff], &big[..]].concat()), text);
        assert_eq!(decode(&[&[0xef, 0xbb, 0xbf], text.as_bytes()].concat()), text);
        let latin = b"<?xml version='1.0' encoding='ISO-8859-1'?><tt>\xe9</tt>";
        assert!(decode_xml(latin).ends_with("<tt>é</tt>"));
        assert_eq!(decode(b"a\xffb"), "a\u{fffd}b");
        assert_eq!(decode(&[0xff, 0xfe, 0x3d, 0xd8]), "\u{fffd}");
    }
}
