//! Language tags in their shortest form (RFC 5646 §4.5, rule 1), so that `deu`, `ger` and `de` are one language to
//! whoever compares them.

/// ISO 639-2 codes, terminological and bibliographic, and the ISO 639-1 code of the same language.
const SHORT: &[(&str, &str)] = &[
    ("afr", "af"),
    ("amh", "am"),
    ("ara", "ar"),
    ("aze", "az"),
    ("bel", "be"),
    ("ben", "bn"),
    ("bos", "bs"),
    ("bul", "bg"),
    ("cat", "ca"),
    ("ces", "cs"),
    ("cze", "cs"),
    ("cym", "cy"),
    ("wel", "cy"),
    ("dan", "da"),
    ("deu", "de"),
    ("ger", "de"),
    ("ell", "el"),
    ("gre", "el"),
    ("eng", "en"),
    ("epo", "eo"),
    ("est", "et"),
    ("eus", "eu"),
    ("baq", "eu"),
    ("fas", "fa"),
    ("per", "fa"),
    ("fin", "fi"),
    ("fra", "fr"),
    ("fre", "fr"),
    ("gle", "ga"),
    ("glg", "gl"),
    ("guj", "gu"),
    ("hat", "ht"),
    ("heb", "he"),
    ("hin", "hi"),
    ("hrv", "hr"),
    ("hun", "hu"),
    ("hye", "hy"),
    ("arm", "hy"),
    ("ind", "id"),
    ("isl", "is"),
    ("ice", "is"),
    ("ita", "it"),
    ("jpn", "ja"),
    ("kan", "kn"),
    ("kat", "ka"),
    ("geo", "ka"),
    ("kaz", "kk"),
    ("khm", "km"),
    ("kor", "ko"),
    ("lao", "lo"),
    ("lat", "la"),
    ("lav", "lv"),
    ("lit", "lt"),
    ("mal", "ml"),
    ("mar", "mr"),
    ("mkd", "mk"),
    ("mac", "mk"),
    ("mon", "mn"),
    ("msa", "ms"),
    ("may", "ms"),
    ("mya", "my"),
    ("bur", "my"),
    ("nep", "ne"),
    ("nld", "nl"),
    ("dut", "nl"),
    ("nno", "nn"),
    ("nob", "nb"),
    ("nor", "no"),
    ("pan", "pa"),
    ("pol", "pl"),
    ("por", "pt"),
    ("pus", "ps"),
    ("ron", "ro"),
    ("rum", "ro"),
    ("rus", "ru"),
    ("sin", "si"),
    ("slk", "sk"),
    ("slo", "sk"),
    ("slv", "sl"),
    ("som", "so"),
    ("spa", "es"),
    ("sqi", "sq"),
    ("alb", "sq"),
    ("srp", "sr"),
    ("swa", "sw"),
    ("swe", "sv"),
    ("tam", "ta"),
    ("tel", "te"),
    ("tgl", "tl"),
    ("tha", "th"),
    ("tur", "tr"),
    ("ukr", "uk"),
    ("urd", "ur"),
    ("uzb", "uz"),
    ("vie", "vi"),
    ("xho", "xh"),
    ("yid", "yi"),
    ("zho", "zh"),
    ("chi", "zh"),
    ("zul", "zu"),
];

/// The tag with its first part in the shortest form, the rest as written; `None` for an empty or undetermined one.
pub(super) fn canonical(tag: &str) -> Option<String> {
    let tag = tag.trim();
    let (primary, rest) = tag.split_at(tag.find(['-', '_']).unwrap_or(tag.len()));
    let primary = primary.to_ascii_lowercase();
    if primary.is_empty() || primary == "und" {
        return None;
    }
    let short = SHORT.iter().find(|(long, _)| *long == primary).map_or(primary.as_str(), |(_, short)| short);
    Some(format!("{short}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_code_names_the_language() {
        for (tag, expected) in
            [("deu", "de"), ("GER", "de"), ("en-US", "en-US"), ("zho-Hans", "zh-Hans"), ("qaa", "qaa")]
        {
            assert_eq!(canonical(tag).as_deref(), Some(expected));
        }
        assert_eq!(canonical("und"), None);
        assert_eq!(canonical(" "), None);
    }
}
