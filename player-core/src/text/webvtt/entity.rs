//! Character references (HTML §13.5): numbers, the names that WebVTT itself defines, and those that captions use.

/// Names without ampersand and semicolon, sorted.
const NAMES: [(&str, &str); 66] = [
    ("Aacute", "Á"),
    ("Agrave", "À"),
    ("Aring", "Å"),
    ("Auml", "Ä"),
    ("Ccedil", "Ç"),
    ("Eacute", "É"),
    ("Egrave", "È"),
    ("Ntilde", "Ñ"),
    ("Oacute", "Ó"),
    ("Ouml", "Ö"),
    ("Uacute", "Ú"),
    ("Uuml", "Ü"),
    ("aacute", "á"),
    ("acirc", "â"),
    ("aelig", "æ"),
    ("agrave", "à"),
    ("amp", "&"),
    ("apos", "'"),
    ("aring", "å"),
    ("auml", "ä"),
    ("bull", "•"),
    ("ccedil", "ç"),
    ("cent", "¢"),
    ("copy", "©"),
    ("deg", "°"),
    ("eacute", "é"),
    ("ecirc", "ê"),
    ("egrave", "è"),
    ("euml", "ë"),
    ("euro", "€"),
    ("frac12", "½"),
    ("gt", ">"),
    ("hearts", "♥"),
    ("hellip", "…"),
    ("iacute", "í"),
    ("icirc", "î"),
    ("iexcl", "¡"),
    ("igrave", "ì"),
    ("iquest", "¿"),
    ("laquo", "«"),
    ("ldquo", "“"),
    ("lrm", "\u{200e}"),
    ("lsquo", "‘"),
    ("lt", "<"),
    ("mdash", "—"),
    ("middot", "·"),
    ("nbsp", "\u{a0}"),
    ("ndash", "–"),
    ("ntilde", "ñ"),
    ("oacute", "ó"),
    ("ocirc", "ô"),
    ("oelig", "œ"),
    ("oslash", "ø"),
    ("ouml", "ö"),
    ("pound", "£"),
    ("quot", "\""),
    ("raquo", "»"),
    ("rdquo", "”"),
    ("reg", "®"),
    ("rlm", "\u{200f}"),
    ("rsquo", "’"),
    ("shy", "\u{ad}"),
    ("szlig", "ß"),
    ("trade", "™"),
    ("uacute", "ú"),
    ("uuml", "ü"),
];

/// Characters of a reference at most, so that a stray ampersand costs little.
const LONGEST: usize = 12;

/// Reads a reference at the beginning of `text`, which begins with an ampersand. Appends what it stands for — or
/// the ampersand alone when it is none — and gives the rest.
pub(super) fn append<'a>(text: &'a str, out: &mut String) -> &'a str {
    let body = text.strip_prefix('&').unwrap_or(text);
    let end = body.bytes().take(LONGEST).position(|byte| byte == b';');
    if let Some((name, tail)) = end.and_then(|end| body.split_at_checked(end)) {
        let rest = tail.strip_prefix(';').unwrap_or(tail);
        if let Some(number) = name.strip_prefix('#') {
            if let Some(character) = numeric(number) {
                out.push(character);
                return rest;
            }
        } else if let Ok(found) = NAMES.binary_search_by_key(&name, |&(name, _)| name) {
            out.push_str(NAMES.get(found).map_or("", |&(_, value)| value));
            return rest;
        }
    }
    out.push('&');
    body
}

fn numeric(number: &str) -> Option<char> {
    let value = match number.strip_prefix(['x', 'X']) {
        Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok()?,
        None => number.parse().ok()?,
    };
    Some(char::from_u32(value).filter(|&character| character != '\0').unwrap_or('\u{fffd}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_so_that_each_is_found() {
        assert!(NAMES.is_sorted_by_key(|&(name, _)| name));
    }

    #[test]
    fn references_become_characters_and_stray_ampersands_stay() {
        for (text, expected, rest) in [
            ("&amp;x", "&", "x"),
            ("&#65;", "A", ""),
            ("&#x1F600;!", "😀", "!"),
            ("&#0;", "\u{fffd}", ""),
            ("&#xD800;", "\u{fffd}", ""),
            ("& b", "&", " b"),
            ("&nothing;", "&", "nothing;"),
            ("&é;", "&", "é;"),
        ] {
            let mut out = String::new();
            assert_eq!((append(text, &mut out), out.as_str()), (rest, expected), "{text}");
        }
    }

    #[test]
    fn every_name_stands_for_its_character_and_long_ones_for_nothing() {
        for (name, value) in NAMES {
            let mut out = String::new();
            assert_eq!((append(&format!("&{name};x"), &mut out), out.as_str()), ("x", value));
        }
        for (text, expected, rest) in [
            ("&#X41;", "A", ""),
            ("&#00000000065;", "&", "#00000000065;"),
            ("&#0000000065;", "A", ""),
            ("&#x110000;", "\u{fffd}", ""),
            ("&#;", "&", "#;"),
            ("&#x;", "&", "#x;"),
            ("&amp", "&", "amp"),
            ("&;", "&", ";"),
        ] {
            let mut out = String::new();
            assert_eq!((append(text, &mut out), out.as_str()), (rest, expected), "{text}");
        }
    }
}
