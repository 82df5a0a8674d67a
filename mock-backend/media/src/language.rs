//! Language tags: ISO 639-2 as containers store them, BCP 47 as manifests want them, and native names for menus.

/// `(ISO 639-1, ISO 639-2/T, ISO 639-2/B, native name)`.
const KNOWN: &[(&str, &str, &str, &str)] = &[
    ("ar", "ara", "ara", "العربية"),
    ("cs", "ces", "cze", "Čeština"),
    ("da", "dan", "dan", "Dansk"),
    ("de", "deu", "ger", "Deutsch"),
    ("el", "ell", "gre", "Ελληνικά"),
    ("en", "eng", "eng", "English"),
    ("es", "spa", "spa", "Español"),
    ("fi", "fin", "fin", "Suomi"),
    ("fr", "fra", "fre", "Français"),
    ("he", "heb", "heb", "עברית"),
    ("hi", "hin", "hin", "हिन्दी"),
    ("hu", "hun", "hun", "Magyar"),
    ("it", "ita", "ita", "Italiano"),
    ("ja", "jpn", "jpn", "日本語"),
    ("ko", "kor", "kor", "한국어"),
    ("nl", "nld", "dut", "Nederlands"),
    ("no", "nor", "nor", "Norsk"),
    ("pl", "pol", "pol", "Polski"),
    ("pt", "por", "por", "Português"),
    ("ro", "ron", "rum", "Română"),
    ("ru", "rus", "rus", "Русский"),
    ("sv", "swe", "swe", "Svenska"),
    ("tr", "tur", "tur", "Türkçe"),
    ("uk", "ukr", "ukr", "Українська"),
    ("vi", "vie", "vie", "Tiếng Việt"),
    ("zh", "zho", "chi", "中文"),
];

/// The BCP 47 tag for what a container says; `und` if it says nothing usable (RFC 5646 §4.1: the shortest code is the one to use).
pub(super) fn tag(raw: Option<&str>) -> String {
    let raw = raw.unwrap_or("und").trim().to_ascii_lowercase();
    let primary = raw.split(['-', '_']).next().unwrap_or_default();
    if let Some(known) = KNOWN.iter().find(|k| k.0 == primary || k.1 == primary || k.2 == primary) {
        return known.0.to_owned();
    }
    let usable = (2..=3).contains(&primary.len()) && primary.bytes().all(|b| b.is_ascii_lowercase());
    if usable { primary.to_owned() } else { "und".to_owned() }
}

/// The language's own name for itself; the tag when it is not known, and "Original" for `und`.
pub(super) fn name(tag: &str) -> String {
    match KNOWN.iter().find(|k| k.0 == tag) {
        Some(known) => known.3.to_owned(),
        None if tag == "und" => "Original".to_owned(),
        // No linguistic content (ISO 639-2).
        None if tag == "zxx" => "Music".to_owned(),
        None => tag.to_owned(),
    }
}

/// Directory names for streams in the given languages: `en`, `fr`, and `en-2` for a second English one.
pub(super) fn directories(tags: &[String]) -> Vec<String> {
    let mut taken: Vec<String> = Vec::with_capacity(tags.len());
    for tag in tags {
        let same = tags[..taken.len()].iter().filter(|t| *t == tag).count();
        taken.push(if same == 0 { tag.clone() } else { format!("{tag}-{}", same + 1) });
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn container_codes_become_bcp47() {
        let check = |raw: Option<&str>, expect: &str| assert_eq!(tag(raw), expect, "{raw:?}");
        check(Some("eng"), "en");
        check(Some("fre"), "fr");
        check(Some("fra"), "fr");
        check(Some("pt-BR"), "pt");
        check(Some("mis"), "mis");
        check(Some("../x"), "und");
        check(None, "und");
        assert_eq!(name("fr"), "Français");
        assert_eq!(name("und"), "Original");
    }

    #[test]
    fn two_streams_of_one_language_get_two_directories() {
        let tags = ["en", "fr", "en"].map(String::from);
        assert_eq!(directories(&tags), ["en", "fr", "en-2"]);
    }
}
