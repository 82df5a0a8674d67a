//! Words of a text, as they are indexed and looked for.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Characters of a word that count.
const MAX_WORD: usize = 40;

/// Returns the words of a text: runs of letters and digits, in lower case, Latin letters without their marks, so that a viewer
/// without that key finds the title too. Scripts that are written without spaces give each pair of neighbouring characters.
pub fn words(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for run in plain(text).split(|c: char| !c.is_alphanumeric()).filter(|run| !run.is_empty()) {
        let mut rest = run;
        while let Some(first) = rest.chars().next() {
            let joined = is_written_without_spaces(first);
            let end = rest.find(|c| is_written_without_spaces(c) != joined).unwrap_or(rest.len());
            let (part, behind) = rest.split_at(end);
            if joined {
                pairs(part, &mut found);
            } else {
                found.push(part.chars().take(MAX_WORD).collect());
            }
            rest = behind;
        }
    }
    found
}

/// Returns a text in the form in which it is compared: decomposed for compatibility (Unicode Standard Annex 15, NFKD), without
/// combining marks, in lower case, with the letters that do not decompose spelled out.
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase) {
        match c {
            'ß' => plain.push_str("ss"),
            'æ' => plain.push_str("ae"),
            'œ' => plain.push_str("oe"),
            'ø' => plain.push('o'),
            'ł' => plain.push('l'),
            'đ' | 'ð' => plain.push('d'),
            'þ' => plain.push_str("th"),
            'ı' => plain.push('i'),
            // A word stays one at its apostrophe.
            '\'' | '’' => {}
            other => plain.push(other),
        }
    }
    plain
}

/// Adds each pair of neighbours, and the last character alone, so that each character begins a word.
fn pairs(run: &str, found: &mut Vec<String>) {
    let characters: Vec<char> = run.chars().collect();
    found.extend(characters.windows(2).map(|pair| pair.iter().collect::<String>()));
    found.extend(characters.last().map(char::to_string));
}

/// Returns true for characters of scripts that are written without spaces: Thai, Lao, Myanmar, Khmer, Kana and Han.
pub const fn is_written_without_spaces(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}'
        | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3134f}')
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn words_are_compared_without_marks_in_every_latin_language() {
        assert_eq!(words("Über den Wolken"), ["uber", "den", "wolken"]);
        assert_eq!(words("Żółć, Ærø & Straße"), ["zolc", "aero", "strasse"]);
        assert_eq!(words("Ocean's 11"), ["oceans", "11"]);
        assert_eq!(words("ﬁnal ½"), ["final", "1", "2"]);
        assert_eq!(words("ΟΔΥΣΣΕΙΑ Война"), ["οδυσσεια", "воина"]);
    }

    #[test]
    fn scripts_without_spaces_give_pairs() {
        assert_eq!(words("千と千尋"), ["千と", "と千", "千尋", "尋"]);
        assert_eq!(words("東京2020"), ["東京", "京", "2020"]);
        assert_eq!(words("한국 영화"), words("한국").into_iter().chain(words("영화")).collect::<Vec<_>>());
    }

    #[test]
    fn punctuation_is_no_word() {
        assert!(words(" ?! — … ").is_empty());
        assert!(words("").is_empty());
        assert_eq!(words(&"x".repeat(500))[0].len(), 40);
    }
}
