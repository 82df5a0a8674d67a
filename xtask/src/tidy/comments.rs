//! Finds the comments of a Rust source: string literals that hold slashes are no comments.

/// Kind of a line comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `///`
    Outer,
    /// `//!`
    Inner,
    /// `//`, also after code.
    Plain,
}

/// One line comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Line, counted from 1.
    pub line: usize,
    pub kind: Kind,
    /// Text after the slashes, without spaces around it.
    pub text: String,
}

/// Returns the line comments in order. Block comments are skipped, nested ones too.
pub fn find(source: &str) -> Vec<Comment> {
    let mut comments = Vec::new();
    let mut line = 1;
    let mut rest = source;
    let mut before = ' ';
    while let Some(first) = rest.chars().next() {
        // Text up to the next character that may begin a comment or a literal holds neither.
        let plain = rest.find(|it| "/\"'rbc".contains(it)).unwrap_or(rest.len());
        let length = if plain > 0 {
            plain
        } else if rest.starts_with("//") {
            let text = rest.lines().next().unwrap_or_default();
            comments.push(comment(line, text));
            text.len()
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if first == '"' {
            string(rest)
        } else if let Some(length) = raw_string(rest).filter(|_| !is_word(before)) {
            length
        } else if first == '\'' {
            character(rest)
        } else {
            first.len_utf8()
        };
        let (passed, remaining) = rest.split_at(length);
        line += passed.matches('\n').count();
        before = passed.chars().next_back().unwrap_or(before);
        rest = remaining;
    }
    comments
}

fn comment(line: usize, text: &str) -> Comment {
    let (kind, text) = match (text.strip_prefix("///"), text.strip_prefix("//!")) {
        (Some(text), _) if !text.starts_with('/') => (Kind::Outer, text),
        (_, Some(text)) => (Kind::Inner, text),
        _ => (Kind::Plain, text.trim_start_matches('/')),
    };
    Comment { line, kind, text: text.trim().to_owned() }
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Returns the length of a raw string that begins here.
fn raw_string(text: &str) -> Option<usize> {
    let after = text.strip_prefix("br").or_else(|| text.strip_prefix("cr")).or_else(|| text.strip_prefix('r'))?;
    let hashes = after.bytes().take_while(|byte| *byte == b'#').count();
    let body = after[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let start = text.len() - body.len();
    Some(body.find(&end).map_or(text.len(), |at| start + at + end.len()))
}

/// Returns the length of a character literal, or 1 for the quote of a lifetime.
fn character(text: &str) -> usize {
    let mut characters = text.char_indices().skip(1);
    match (characters.next(), characters.next()) {
        (Some((_, '\\')), Some((at, escape))) => {
            let body = at + escape.len_utf8();
            text[body..].find('\'').map_or(1, |end| body + end + 1)
        }
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_found_and_literals_are_not() {
        let source = "//! Top.\nlet a = \"http://host\"; // after code\nlet b = r#\"// \"raw\" \"#;\n/// Doc's.\n\
                      let c = ('\"', '\\'', '\\u{2f}', b'/'); //// ruler\n/* // /* nested */ */ fn f<'a>() {} // end\n\
                      let d = \"two\n// lines\";\n// last";
        let found: Vec<(usize, Kind, String)> =
            find(source).into_iter().map(|comment| (comment.line, comment.kind, comment.text)).collect();
        let expected = [
            (1, Kind::Inner, "Top."),
            (2, Kind::Plain, "after code"),
            (4, Kind::Outer, "Doc's."),
            (5, Kind::Plain, "ruler"),
            (6, Kind::Plain, "end"),
            (9, Kind::Plain, "last"),
        ];
        assert_eq!(found, expected.map(|(line, kind, text)| (line, kind, text.to_owned())));
    }
}
