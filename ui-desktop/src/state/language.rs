//! Names of languages for menus, each in its own language.

/// The name of a BCP 47 tag for a menu; a tag without a name here is shown as it is.
pub fn language_name(tag: &str) -> String {
    let primary = tag.split(['-', '_']).next().unwrap_or(tag).to_ascii_lowercase();
    let name = NAMES.iter().find(|(codes, _)| codes.split(' ').any(|code| code == primary)).map(|(_, name)| *name);
    match name {
        Some(name) if tag.len() > primary.len() => format!("{name} ({})", &tag[primary.len() + 1..]),
        Some(name) => name.to_owned(),
        None if primary == "und" || tag.is_empty() => "Unknown language".to_owned(),
        None => tag.to_owned(),
    }
}

/// ISO 639-1 and 639-2 codes, and the language's name for itself.
const NAMES: &[(&str, &str)] = &[
    ("ar ara", "العربية"),
    ("cs ces cze", "Čeština"),
    ("da dan", "Dansk"),
    ("de deu ger", "Deutsch"),
    ("el ell gre", "Ελληνικά"),
    ("en eng", "English"),
    ("es spa", "Español"),
    ("fi fin", "Suomi"),
    ("fr fra fre", "Français"),
    ("he heb", "עברית"),
    ("hi hin", "हिन्दी"),
    ("hu hun", "Magyar"),
    ("it ita", "Italiano"),
    ("ja jpn", "日本語"),
    ("ko kor", "한국어"),
    ("nb nob no nor", "Norsk"),
    ("nl nld dut", "Nederlands"),
    ("pl pol", "Polski"),
    ("pt por", "Português"),
    ("ro ron rum", "Română"),
    ("ru rus", "Русский"),
    ("sv swe", "Svenska"),
    ("tr tur", "Türkçe"),
    ("uk ukr", "Українська"),
    ("zh zho chi", "中文"),
];

#[cfg(test)]
mod tests {
    use super::language_name;

    #[test]
    fn tags_become_names_and_keep_what_distinguishes_them() {
        assert_eq!(language_name("de"), "Deutsch");
        assert_eq!(language_name("eng"), "English");
        assert_eq!(language_name("pt-BR"), "Português (BR)");
        assert_eq!(language_name("tlh"), "tlh");
        assert_eq!(language_name("und"), "Unknown language");
    }
}
