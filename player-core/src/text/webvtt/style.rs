//! Style sheets (W3C TR webvtt1 §8.2): `::cue` rules with one compound selector — element, classes, cue id,
//! voice or language — and the properties that a renderer here can show: colours, weight, slant, underline.
//! Everything else in a sheet is passed over.

use crate::text::{SpanStyle, color};

/// Rules of a file at most; every tag of every cue is compared with each.
const MAX_RULES: usize = 128;
/// Bytes of the selector of a rule at most.
const MAX_SELECTOR: usize = 256;

/// Node that a selector is compared with.
pub(super) struct Node<'a> {
    /// The tag; empty for the cue itself.
    pub element: &'a str,
    /// The cue's id, when the node is the cue itself.
    pub id: Option<&'a str>,
    pub classes: &'a [String],
    pub voice: Option<String>,
    pub language: Option<String>,
}

/// The rules of a file, weakest first.
#[derive(Clone, Debug, Default)]
pub(super) struct StyleSheet {
    rules: Vec<(Selector, Declarations)>,
}

/// Selector of a rule: the nodes it is about. The empty selector is the cue itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Selector {
    element: Option<String>,
    id: Option<String>,
    classes: Vec<String>,
    voice: Option<String>,
    language: Option<String>,
    /// `*` or an element, class or attribute: not the cue itself.
    inner: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Declarations {
    color: Option<[u8; 4]>,
    background: Option<[u8; 4]>,
    bold: Option<bool>,
    italic: Option<bool>,
    underline: Option<bool>,
}

impl StyleSheet {
    /// Adds the rules of a sheet.
    pub fn add(&mut self, sheet: &str) {
        let sheet = without_comments(sheet);
        let mut rest = sheet.as_str();
        while let Some((prelude, tail)) = rest.split_once('{') {
            let (body, after) = split_block(tail);
            rest = after;
            // Only the last statement before the block is its prelude: `@import …; ::cue {`.
            let prelude = prelude.rsplit(';').next().unwrap_or_default();
            let declarations = Declarations::parse(body);
            if prelude.len() > MAX_SELECTOR || declarations == Declarations::default() {
                continue;
            }
            for selector in selectors(prelude) {
                if self.rules.len() < MAX_RULES {
                    let strength = selector.specificity();
                    let at = self.rules.partition_point(|(other, _)| other.specificity() <= strength);
                    self.rules.insert(at, (selector, declarations));
                }
            }
        }
    }

    /// Gives `style` what the standard and the rules say about a node.
    pub fn apply(&self, node: &Node<'_>, style: &mut SpanStyle) {
        for class in node.classes {
            match class.strip_prefix("bg_") {
                Some(background) => style.background = default_class(background).or(style.background),
                None => style.color = default_class(class).or(style.color),
            }
        }
        for (_, declarations) in self.rules.iter().filter(|(selector, _)| selector.matches(node)) {
            declarations.apply(style);
        }
    }
}

impl Selector {
    fn specificity(&self) -> (usize, usize, usize) {
        let attributes = usize::from(self.voice.is_some()) + usize::from(self.language.is_some());
        (usize::from(self.id.is_some()), self.classes.len() + attributes, usize::from(self.element.is_some()))
    }

    fn matches(&self, node: &Node<'_>) -> bool {
        let is_cue = node.element.is_empty();
        self.inner != is_cue
            && self.element.as_ref().is_none_or(|element| element == node.element)
            && self.id.as_ref().is_none_or(|id| node.id == Some(id))
            && self.classes.iter().all(|class| node.classes.contains(class))
            && self.voice.as_ref().is_none_or(|voice| node.voice.as_ref() == Some(voice))
            && self.language.as_ref().is_none_or(|language| node.language.as_ref() == Some(language))
    }

    /// Reads what stands inside `::cue(…)`; `None` when it is more than one compound selector.
    fn parse(text: &str) -> Option<Self> {
        let mut selector = Self::default();
        let mut rest = text.trim();
        if let Some(universal) = rest.strip_prefix('*') {
            selector.inner = true;
            rest = universal;
        }
        while let Some(first) = rest.chars().next() {
            match first {
                '#' => selector.id = Some(name(rest.get(1..)?, &mut rest)?),
                '.' => {
                    selector.classes.push(name(rest.get(1..)?, &mut rest)?);
                    selector.inner = true;
                }
                '[' => {
                    let (attribute, after) = rest.get(1..)?.split_once(']')?;
                    let (key, value) = attribute.split_once('=')?;
                    let value = Some(value.trim().trim_matches(['"', '\'']).to_owned());
                    match key.trim() {
                        "voice" => selector.voice = value,
                        "lang" => selector.language = value,
                        _ => return None,
                    }
                    selector.inner = true;
                    rest = after;
                }
                _ if selector == Self::default() => {
                    selector.element = Some(name(rest, &mut rest)?);
                    selector.inner = true;
                }
                _ => return None,
            }
        }
        Some(selector)
    }
}

/// A CSS identifier with its escapes at the beginning of `text`; `rest` becomes what follows.
fn name<'a>(text: &'a str, rest: &mut &'a str) -> Option<String> {
    let mut out = String::new();
    let mut characters = text.chars();
    loop {
        *rest = characters.as_str();
        match characters.next() {
            Some('\\') => {
                let escape = characters.as_str();
                let width = escape.bytes().take(6).take_while(u8::is_ascii_hexdigit).count();
                let (code, tail) = escape.split_at_checked(width)?;
                if width == 0 {
                    out.push(characters.next()?);
                } else {
                    out.push(u32::from_str_radix(code, 16).ok().and_then(char::from_u32)?);
                    characters = tail.strip_prefix(' ').unwrap_or(tail).chars();
                }
            }
            Some(c) if c.is_alphanumeric() || matches!(c, '-' | '_') || !c.is_ascii() => out.push(c),
            _ => return Some(out).filter(|name| !name.is_empty()),
        }
    }
}

/// The selectors of a rule's prelude that are about cues.
fn selectors(prelude: &str) -> Vec<Selector> {
    let mut found = Vec::new();
    let mut depth = 0usize;
    let list = prelude.split(|c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    });
    for part in list {
        let part = part.trim();
        let part = part.strip_prefix("video").unwrap_or(part).strip_prefix("::cue");
        match part {
            Some("") => found.push(Selector::default()),
            Some(inner) => {
                let inner = inner.strip_prefix('(').and_then(|inner| inner.strip_suffix(')'));
                found.extend(inner.into_iter().flat_map(|inner| inner.split(',')).filter_map(Selector::parse));
            }
            None => {}
        }
    }
    found
}

impl Declarations {
    fn parse(body: &str) -> Self {
        let mut out = Self::default();
        for (property, value) in body.split(';').filter_map(|declaration| declaration.split_once(':')) {
            let value = value.trim().trim_end_matches("!important").trim().to_ascii_lowercase();
            match property.trim().to_ascii_lowercase().as_str() {
                "color" => out.color = color(&value).or(out.color),
                "background-color" => out.background = color(&value).or(out.background),
                "background" => {
                    let found = color(&value).or_else(|| value.split_whitespace().find_map(color));
                    out.background = found.or(out.background);
                }
                "font-weight" => {
                    out.bold = match value.as_str() {
                        "bold" | "bolder" => Some(true),
                        "normal" | "lighter" => Some(false),
                        number => number.parse().ok().map(|weight: f32| weight >= 600.0).or(out.bold),
                    };
                }
                "font-style" => out.italic = Some(value.starts_with("italic") || value.starts_with("oblique")),
                "text-decoration" | "text-decoration-line" => {
                    out.underline = Some(value.split_whitespace().any(|word| word == "underline"));
                }
                _ => {}
            }
        }
        out
    }

    fn apply(&self, style: &mut SpanStyle) {
        style.color = self.color.or(style.color);
        style.background = self.background.or(style.background);
        style.bold = self.bold.unwrap_or(style.bold);
        style.italic = self.italic.unwrap_or(style.italic);
        style.underline = self.underline.unwrap_or(style.underline);
    }
}

fn without_comments(sheet: &str) -> String {
    let mut out = String::with_capacity(sheet.len());
    let mut rest = sheet;
    while let Some((before, comment)) = rest.split_once("/*") {
        out.push_str(before);
        rest = comment.split_once("*/").map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    out
}

/// The content of a block whose opening brace was read, and what follows its closing one.
fn split_block(text: &str) -> (&str, &str) {
    let mut depth = 0usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 0 => {
                let (body, after) = text.split_at(at);
                return (body, after.get(1..).unwrap_or_default());
            }
            b'}' => depth -= 1,
            _ => {}
        }
    }
    (text, "")
}

/// Returns the colour of the eight classes that have one (W3C TR webvtt1 §5.1).
fn default_class(name: &str) -> Option<[u8; 4]> {
    let [r, g, b] = match name {
        "white" => [255, 255, 255],
        "lime" => [0, 255, 0],
        "cyan" => [0, 255, 255],
        "red" => [255, 0, 0],
        "yellow" => [255, 255, 0],
        "magenta" => [255, 0, 255],
        "blue" => [0, 0, 255],
        "black" => [0, 0, 0],
        _ => return None,
    };
    Some([r, g, b, 255])
}

/// A CSS colour in lower case: a name, hexadecimal digits, `rgb()` or `rgba()`.
fn color(text: &str) -> Option<[u8; 4]> {
    if let Some(digits) = text.strip_prefix('#') {
        return color::hexadecimal(digits);
    }
    if let Some(arguments) = text.strip_prefix("rgba").or_else(|| text.strip_prefix("rgb")) {
        return functional(arguments.trim().strip_prefix('(')?.strip_suffix(')')?);
    }
    color::named(text)
}

fn functional(arguments: &str) -> Option<[u8; 4]> {
    let mut out = [0, 0, 0, 255];
    let mut count = 0;
    for (channel, text) in arguments.split([',', '/', ' ']).filter(|text| !text.is_empty()).enumerate() {
        let place = out.get_mut(channel)?;
        let scale = if channel == 3 { 255.0 } else { 1.0 };
        let value = match text.strip_suffix('%') {
            Some(percent) => percent.parse::<f32>().ok()? * 2.55,
            None => text.parse::<f32>().ok()? * scale,
        };
        *place = value.round().clamp(0.0, 255.0) as u8;
        count += 1;
    }
    (count >= 3).then_some(out)
}
