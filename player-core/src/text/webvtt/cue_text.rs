//! Cue text (W3C TR webvtt1 §6.4): tags become styled spans.

use super::entity;
use super::style::{Node, StyleSheet};
use super::timing::{self, is_space};
use crate::text::{CueSpan, SpanStyle};
use crate::time::MediaTime;

/// Tags inside tags at most; deeper ones are ignored.
const MAX_DEPTH: usize = 32;
/// Classes of a span at most.
const MAX_CLASSES: usize = 16;
/// Characters of a class, a language or a voice at most.
const MAX_NAME: usize = 128;

/// Budget of one file for spans: each repeats the names that its style carries, so that deep nesting around many short
/// spans could otherwise cost far more than the file is long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    spans: usize,
    name_bytes: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { spans: 400_000, name_bytes: 8 << 20 }
    }
}

/// Reads the text of a cue.
pub(super) fn parse(text: &str, id: Option<&str>, sheet: &StyleSheet, budget: &mut Budget) -> Vec<CueSpan> {
    let mut root = SpanStyle::default();
    sheet.apply(&Node { element: "", id, classes: &[], voice: None, language: None }, &mut root);
    let mut builder = Builder {
        sheet,
        budget,
        open: Vec::new(),
        root,
        ignored: 0,
        from: None,
        spans: Vec::new(),
        text: String::new(),
    };
    let mut rest = text;
    while !rest.is_empty() {
        let plain = rest.find(['<', '&']).unwrap_or(rest.len());
        let (before, tail) = rest.split_at(plain);
        builder.text.push_str(before);
        rest = match tail.strip_prefix('<') {
            Some(tag) => {
                let (tag, after) = tag.split_once('>').unwrap_or((tag, ""));
                builder.tag(tag);
                after
            }
            None if tail.is_empty() => tail,
            None => entity::append(tail, &mut builder.text),
        };
    }
    builder.flush();
    builder.spans
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Element {
    Class,
    Italic,
    Bold,
    Underline,
    Ruby,
    RubyText,
    Voice,
    Language,
}

impl Element {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "c" => Self::Class,
            "i" => Self::Italic,
            "b" => Self::Bold,
            "u" => Self::Underline,
            "ruby" => Self::Ruby,
            "rt" => Self::RubyText,
            "v" => Self::Voice,
            "lang" => Self::Language,
            _ => return None,
        })
    }
}

struct Builder<'a> {
    sheet: &'a StyleSheet,
    budget: &'a mut Budget,
    open: Vec<(Element, SpanStyle)>,
    root: SpanStyle,
    /// Tags beyond the deepest.
    ignored: usize,
    from: Option<MediaTime>,
    spans: Vec<CueSpan>,
    /// Text that no span has yet.
    text: String,
}

impl Builder<'_> {
    fn style(&self) -> &SpanStyle {
        self.open.last().map_or(&self.root, |(_, style)| style)
    }

    /// Makes a span of the text so far.
    fn flush(&mut self) {
        if self.text.is_empty() {
            return;
        }
        let text = std::mem::take(&mut self.text);
        let mut style = SpanStyle { from: self.from, ..self.style().clone() };
        if let Some(last) = self.spans.last_mut()
            && (self.budget.spans == 0 || last.style == style)
        {
            last.text.push_str(&text);
            return;
        }
        let names = style.voice.iter().chain(&style.language).chain(&style.classes).map(String::len).sum::<usize>();
        match self.budget.name_bytes.checked_sub(names) {
            Some(left) => self.budget.name_bytes = left,
            None => (style.voice, style.language, style.classes) = (None, None, Vec::new()),
        }
        self.budget.spans = self.budget.spans.saturating_sub(1);
        self.spans.push(CueSpan { text, style });
    }

    /// Applies a tag: the text between `<` and `>`.
    fn tag(&mut self, tag: &str) {
        if let Some(name) = tag.strip_prefix('/') {
            self.close(name);
        } else if tag.starts_with(|first: char| first.is_ascii_digit()) {
            if let Some(time) = timing::timestamp(tag) {
                self.flush();
                self.from = Some(time);
            }
        } else {
            let (head, annotation) = tag.split_once(is_space).unwrap_or((tag, ""));
            let (name, classes) = head.split_once('.').unwrap_or((head, ""));
            if let Some(element) = Element::named(name) {
                self.begin(element, name, classes, annotation);
            }
        }
    }

    fn begin(&mut self, element: Element, name: &str, classes: &str, annotation: &str) {
        if element == Element::RubyText && self.open.last().is_none_or(|(open, _)| *open != Element::Ruby) {
            return;
        }
        if self.open.len() >= MAX_DEPTH {
            self.ignored += 1;
            return;
        }
        self.flush();
        let mut style = self.style().clone();
        let classes: Vec<_> =
            classes.split('.').filter(|class| !class.is_empty()).take(MAX_CLASSES).map(shortened).collect();
        let annotation = matches!(element, Element::Voice | Element::Language).then(|| annotated(annotation));
        match element {
            Element::Italic => style.italic = true,
            Element::Bold => style.bold = true,
            Element::Underline => style.underline = true,
            Element::Voice => style.voice = annotation.filter(|voice| !voice.is_empty()),
            Element::Language => style.language = annotation.filter(|language| !language.is_empty()),
            Element::RubyText => self.text.push('('),
            Element::Class | Element::Ruby => {}
        }
        let node = Node {
            element: name,
            id: None,
            classes: &classes,
            voice: style.voice.clone().filter(|_| element == Element::Voice),
            language: style.language.clone(),
        };
        self.sheet.apply(&node, &mut style);
        for class in classes {
            if style.classes.len() < MAX_CLASSES && !style.classes.contains(&class) {
                style.classes.push(class);
            }
        }
        self.open.push((element, style));
    }

    fn close(&mut self, name: &str) {
        let Some(element) = Element::named(name) else { return };
        if self.ignored > 0 {
            self.ignored -= 1;
            return;
        }
        match self.open.last() {
            Some((open, _)) if *open == element => self.end(),
            Some((Element::RubyText, _)) if element == Element::Ruby => {
                self.end();
                self.end();
            }
            _ => {}
        }
    }

    fn end(&mut self) {
        if matches!(self.open.last(), Some((Element::RubyText, _))) {
            self.text.push(')');
        }
        self.flush();
        self.open.pop();
    }
}

fn shortened(name: &str) -> String {
    name.chars().take(MAX_NAME).collect()
}

/// An annotation: references resolved, white space collapsed.
fn annotated(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text.split_at(text.floor_char_boundary(MAX_NAME)).0;
    while let Some(at) = rest.find('&') {
        let (before, tail) = rest.split_at(at);
        out.push_str(before);
        rest = entity::append(tail, &mut out);
    }
    out.push_str(rest);
    out.split(is_space).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}
