//! Title ids: what may be a directory name and a URL path segment without escaping.

/// Longest id, in bytes; leaves room for a collision suffix within common file name limits.
const MAX_LEN: usize = 80;

/// An id made from a human title: `"L'été, part 2"` becomes `l-ete-part-2`. A title with no usable letter becomes `title`.
pub(super) fn from_title(title: &str) -> String {
    let mut slug = String::with_capacity(title.len().min(MAX_LEN));
    for c in title.chars().flat_map(char::to_lowercase) {
        let c = plain(c);
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() >= MAX_LEN {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "title".to_owned() } else { slug.to_owned() }
}

/// Whether `id` is a slug: `[a-z0-9]+(-[a-z0-9]+)*`, at most 80 bytes. Such an id cannot climb out of its directory.
pub(super) fn is_valid(id: &str) -> bool {
    id.len() <= MAX_LEN
        && id
            .split('-')
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
}

/// The n-th choice for an id that is taken: `film`, `film-2`, `film-3`…
pub(super) fn candidate(id: &str, n: u32) -> String {
    if n <= 1 { id.to_owned() } else { format!("{id}-{n}") }
}

/// A Latin letter without its diacritic; anything else unchanged.
fn plain(c: char) -> char {
    match c {
        'à'..='å' => 'a',
        'ç' => 'c',
        'è'..='ë' => 'e',
        'ì'..='ï' => 'i',
        'ñ' => 'n',
        'ò'..='ö' | 'ø' => 'o',
        'ù'..='ü' => 'u',
        'ý' | 'ÿ' => 'y',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_become_path_segments() {
        let check = |title: &str, expect: &str| {
            let slug = from_title(title);
            assert_eq!(slug, expect, "{title:?}");
            assert!(is_valid(&slug), "{slug:?}");
        };
        check("The Infinite Coast", "the-infinite-coast");
        check("L'été — part 2!", "l-ete-part-2");
        check("  ../../etc/passwd ", "etc-passwd");
        check("夜行列車", "title");
        check(&"long ".repeat(100), &"long-".repeat(16)[..79]);
    }

    #[test]
    fn ids_that_could_leave_the_directory_are_refused() {
        for id in ["", "..", "a/b", "a--b", "-a", "a-", "A", "a b", "a.b", ".hidden"] {
            assert!(!is_valid(id), "{id:?}");
        }
        assert_eq!(candidate("film", 1), "film");
        assert_eq!(candidate("film", 3), "film-3");
    }
}
