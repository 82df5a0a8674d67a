//! Colours by name and by hexadecimal digits, as CSS and TTML have in common. Red, green, blue, alpha.

/// The names that caption files use, in lower case.
pub(super) fn named(name: &str) -> Option<[u8; 4]> {
    let [r, g, b] = match name {
        "transparent" => return Some([0; 4]),
        "aqua" | "cyan" => [0, 255, 255],
        "black" => [0, 0, 0],
        "blue" => [0, 0, 255],
        "brown" => [165, 42, 42],
        "fuchsia" | "magenta" => [255, 0, 255],
        "gold" => [255, 215, 0],
        "gray" | "grey" => [128, 128, 128],
        "green" => [0, 128, 0],
        "lime" => [0, 255, 0],
        "maroon" => [128, 0, 0],
        "navy" => [0, 0, 128],
        "olive" => [128, 128, 0],
        "orange" => [255, 165, 0],
        "papayawhip" => [255, 239, 213],
        "peachpuff" => [255, 218, 185],
        "pink" => [255, 192, 203],
        "purple" => [128, 0, 128],
        "red" => [255, 0, 0],
        "silver" => [192, 192, 192],
        "teal" => [0, 128, 128],
        "white" => [255, 255, 255],
        "yellow" => [255, 255, 0],
        _ => return None,
    };
    Some([r, g, b, 255])
}

/// Three, four, six or eight hexadecimal digits.
pub(super) fn hexadecimal(digits: &str) -> Option<[u8; 4]> {
    if digits.len() > 8 {
        return None;
    }
    let nibbles: Vec<u8> = digits
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|value| u8::try_from(value).ok()))
        .collect::<Option<_>>()?;
    Some(match *nibbles.as_slice() {
        [r, g, b] => [r * 17, g * 17, b * 17, 255],
        [r, g, b, a] => [r * 17, g * 17, b * 17, a * 17],
        [r, s, g, h, b, c] => [r * 16 + s, g * 16 + h, b * 16 + c, 255],
        [r, s, g, h, b, c, a, d] => [r * 16 + s, g * 16 + h, b * 16 + c, a * 16 + d],
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_css() {
        for (names, digits) in [
            ("aqua cyan", "00ffff"),
            ("black", "000000"),
            ("blue", "0000ff"),
            ("brown", "a52a2a"),
            ("fuchsia magenta", "ff00ff"),
            ("gold", "ffd700"),
            ("gray grey", "808080"),
            ("green", "008000"),
            ("lime", "00ff00"),
            ("maroon", "800000"),
            ("navy", "000080"),
            ("olive", "808000"),
            ("orange", "ffa500"),
            ("papayawhip", "ffefd5"),
            ("peachpuff", "ffdab9"),
            ("pink", "ffc0cb"),
            ("purple", "800080"),
            ("red", "ff0000"),
            ("silver", "c0c0c0"),
            ("teal", "008080"),
            ("white", "ffffff"),
            ("yellow", "ffff00"),
            ("transparent", "00000000"),
        ] {
            let color = hexadecimal(digits);
            assert!(color.is_some() && names.split(' ').all(|name| named(name) == color), "{names}");
        }
        assert_eq!([named("Red"), named("")], [None, None]);
    }

    #[test]
    fn digits_come_in_four_lengths() {
        assert_eq!(hexadecimal("123"), Some([0x11, 0x22, 0x33, 255]));
        assert_eq!(hexadecimal("fAc8"), Some([0xff, 0xaa, 0xcc, 0x88]));
        assert_eq!(hexadecimal("1234ab"), Some([0x12, 0x34, 0xab, 255]));
        assert_eq!(hexadecimal("1234aBc7"), Some([0x12, 0x34, 0xab, 0xc7]));
        for bad in ["", "1", "12", "12345", "1234567", "123456789", "12g", "-12"] {
            assert_eq!(hexadecimal(bad), None, "{bad}");
        }
    }
}
