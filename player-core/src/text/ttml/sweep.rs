//! From the pieces of a paragraph to cues: one for each span of time in which the paragraph shows the same.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::TtmlError;
use super::time::{INDEFINITE, Nanos};
use crate::text::{Cue, CueLayout, CueSpan, MAX_CUES, SpanStyle};
use crate::time::MediaTime;

/// Spans of all cues at most; words that appear one by one repeat those before them.
const MAX_SPANS: usize = 200_000;
/// Bytes of text of all cues at most.
const MAX_TEXT: usize = 8 << 20;

/// Looks at pieces of text at most, over all instants at which a paragraph changes.
const MAX_VISITS: usize = 4_000_000;

/// Style and position of a piece.
#[derive(Debug, PartialEq)]
pub(super) struct Look {
    pub style: SpanStyle,
    pub layout: CueLayout,
    pub forced: bool,
}

/// Text in one look for a span of time.
#[derive(Debug)]
pub(super) struct Piece<'a> {
    pub begin: Nanos,
    pub end: Nanos,
    pub text: PieceText<'a>,
    pub look: Rc<Look>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum PieceText<'a> {
    Flowing(&'a str),
    /// Shown as it is (`xml:space="preserve"`).
    Preserved(&'a str),
    Break,
}

/// The cues so far.
#[derive(Debug, Default)]
pub(super) struct Cues {
    pub cues: Vec<Cue>,
    spans: usize,
    text: usize,
    visits: usize,
}

impl Cues {
    /// Takes the pieces of a paragraph that stand in one region, in document order.
    pub fn paragraph(&mut self, id: Option<&str>, pieces: &[Piece<'_>]) -> Result<(), TtmlError> {
        let first = self.cues.len();
        let mut edges: Vec<(Nanos, bool, usize)> = Vec::with_capacity(pieces.len() * 2);
        for (at, piece) in pieces.iter().enumerate() {
            edges.push((piece.begin, true, at));
            edges.push((piece.end, false, at));
        }
        edges.sort_unstable_by_key(|&(time, begins, at)| (time, begins, at));
        let mut active: BTreeSet<usize> = BTreeSet::new();
        let mut edges = edges.into_iter().peekable();
        while let Some((time, begins, at)) = edges.next() {
            if begins {
                active.insert(at);
            } else {
                active.remove(&at);
            }
            let until = match edges.peek() {
                Some(&(next, _, _)) if next > time => next,
                _ => continue,
            };
            let shown = active.iter().filter_map(|&at| pieces.get(at));
            self.show(id, (time, until), shown, first)?;
        }
        Ok(())
    }

    /// Adds the cue of an interval, or lengthens the one before it when that shows the same.
    fn show<'p, 'a: 'p>(
        &mut self,
        id: Option<&str>,
        (begin, end): (Nanos, Nanos),
        pieces: impl Iterator<Item = &'p Piece<'a>>,
        first: usize,
    ) -> Result<(), TtmlError> {
        let mut line = Line::default();
        for piece in pieces {
            self.visits += 1;
            if self.visits > MAX_VISITS {
                return Err(TtmlError::TooLarge { what: "steps of timing", limit: MAX_VISITS });
            }
            line.add(piece);
            if self.spans + line.spans.len() > MAX_SPANS {
                return Err(TtmlError::TooLarge { what: "styled runs of text", limit: MAX_SPANS });
            }
            if self.text + line.text > MAX_TEXT {
                return Err(TtmlError::TooLarge { what: "bytes of text", limit: MAX_TEXT });
            }
        }
        // Work counts even when nothing comes of it.
        self.text += line.text;
        let Some((spans, layout, forced)) = line.finish() else { return Ok(()) };
        let start = MediaTime::from_nanos(begin);
        let end = if end == INDEFINITE { MediaTime::MAX } else { MediaTime::from_nanos(end) };
        if let Some(last) = self.cues.get_mut(first..).and_then(<[Cue]>::last_mut)
            && last.end == start
            && (&last.spans, &last.layout, last.forced) == (&spans, &layout, forced)
        {
            last.end = end;
            return Ok(());
        }
        if self.cues.len() == MAX_CUES {
            return Err(TtmlError::TooLarge { what: "cues", limit: MAX_CUES });
        }
        self.spans += spans.len();
        self.cues.push(Cue { id: id.map(str::to_owned), start, end, spans, layout, forced });
        Ok(())
    }
}

/// A cue being written, white space handled as TTML2 §10.2.45 has it.
#[derive(Default)]
struct Line {
    spans: Vec<CueSpan>,
    /// The look of the last span.
    look: Option<Rc<Look>>,
    text: usize,
    /// A space that is written if something follows it on its line, in this look.
    space: Option<Rc<Look>>,
    /// Something stands on the line.
    begun: bool,
    /// The layout of the first piece that shows something, and whether all that do are forced.
    shown: Option<(CueLayout, bool)>,
}

impl Line {
    fn add(&mut self, piece: &Piece<'_>) {
        match piece.text {
            PieceText::Break => {
                self.space = None;
                self.begun = false;
                self.write("\n", &piece.look);
            }
            PieceText::Preserved(text) => {
                self.write_space();
                self.write(text, &piece.look);
                self.begun = !text.ends_with('\n');
                self.note_shown(text, piece);
            }
            PieceText::Flowing(text) => {
                let mut words = text.split(is_space);
                let mut next = words.next();
                while let Some(word) = next {
                    if !word.is_empty() {
                        self.write_space();
                        self.write(word, &piece.look);
                        self.begun = true;
                    }
                    next = words.next();
                    if next.is_some() && self.begun && self.space.is_none() {
                        self.space = Some(Rc::clone(&piece.look));
                    }
                }
                self.note_shown(text, piece);
            }
        }
    }

    fn note_shown(&mut self, text: &str, piece: &Piece<'_>) {
        if text.chars().all(is_space) {
            return;
        }
        match &mut self.shown {
            Some((_, forced)) => *forced &= piece.look.forced,
            None => self.shown = Some((piece.look.layout.clone(), piece.look.forced)),
        }
    }

    fn write_space(&mut self) {
        if let Some(look) = self.space.take() {
            self.write(" ", &look);
        }
    }

    fn write(&mut self, text: &str, look: &Rc<Look>) {
        self.text += text.len();
        let same = self.look.as_ref().is_some_and(|last| Rc::ptr_eq(last, look) || last.style == look.style);
        match self.spans.last_mut().filter(|_| same) {
            Some(last) => last.text.push_str(text),
            None => {
                self.spans.push(CueSpan { text: text.to_owned(), style: look.style.clone() });
                self.look = Some(Rc::clone(look));
            }
        }
    }

    /// `None` when nothing is shown. A break at the very end begins no line.
    fn finish(mut self) -> Option<(Vec<CueSpan>, CueLayout, bool)> {
        let (layout, forced) = self.shown?;
        let last = self.spans.last_mut()?;
        if last.text.ends_with('\n') {
            last.text.pop();
        }
        self.spans.retain(|span| !span.text.is_empty());
        Some((self.spans, layout, forced))
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}
