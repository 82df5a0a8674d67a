//! The body: resolves the time of every element (TTML2 §12.2) and hands each paragraph's text, cut where its look
//! changes, to `sweep`.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::names::{Namespace, Tag};
use super::region::{self, Region};
use super::style::{self, Computed, Declared, Ruby};
use super::styling::{Styling, TimedStyle};
use super::sweep::{Cues, Look, Piece, PieceText};
use super::time::{Clock, INDEFINITE, Nanos};
use super::tree::{Element, Node};
use super::value::Plane;
use super::{Document, TtmlError, parameters};
use crate::text::{Area, CueLayout, TextAlign};

/// Pieces of text of a document at most.
const MAX_PIECES: usize = 400_000;
/// Comparisons of pieces of text with `set` elements at most.
const MAX_ANIMATION: usize = 4_000_000;
/// Characters of an id or a language that are kept.
const MAX_NAME: usize = 128;

/// Active time of an element by its own attributes.
#[derive(Clone, Copy, Debug)]
struct Interval {
    begin: Nanos,
    /// `None` when its content decides.
    end: Option<Nanos>,
}

/// An open element of the body.
struct Level<'a> {
    tag: Tag,
    declared: Declared,
    sets: Vec<TimedStyle>,
    region: Option<usize>,
    preserve: bool,
    language: Option<&'a str>,
    /// Its content is in parentheses already, or will be.
    in_ruby_text: bool,
    /// The look of text directly inside, when no `set` changes it.
    look: Option<Option<Rc<Look>>>,
}

/// The state of the walk.
struct Walker<'a> {
    clock: Clock,
    plane: Plane,
    styling: Styling,
    regions: Vec<Region>,
    by_id: HashMap<&'a str, usize>,
    /// Areas of regions that nothing changes.
    areas: Vec<Option<Arc<Area>>>,
    language: Option<&'a str>,
    /// Open elements, the body first.
    open: Vec<Level<'a>>,
    /// Pieces of the open paragraph, with their regions.
    pieces: Vec<(Option<usize>, Piece<'a>)>,
    piece_count: usize,
    animation: usize,
    cues: Cues,
    images: usize,
}

/// Reads a `tt` element.
pub(super) fn read(tt: &Element) -> Result<Document, TtmlError> {
    let styling = tt.first(Tag::Head).map(Styling::read).unwrap_or_default();
    let mut walker = Walker {
        clock: parameters::clock(tt),
        plane: parameters::plane(tt),
        styling,
        regions: Vec::new(),
        by_id: HashMap::new(),
        areas: Vec::new(),
        language: tt.get(Namespace::Xml, "lang"),
        open: Vec::new(),
        pieces: Vec::new(),
        piece_count: 0,
        animation: 0,
        cues: Cues::default(),
        images: 0,
    };
    let layouts = tt.elements().filter(|head| head.tag == Tag::Head).flat_map(Element::elements);
    for region in layouts.filter(|layout| layout.tag == Tag::Layout).flat_map(Element::elements) {
        if region.tag == Tag::Region {
            walker.add_region(region);
        }
    }
    if let Some(body) = tt.first(Tag::Body) {
        let preserve = tt.get(Namespace::Xml, "space") == Some("preserve");
        walker.element(body, 0, (0, INDEFINITE), preserve)?;
    }
    Ok(Document { cues: walker.cues.cues, images: walker.images })
}

impl<'a> Walker<'a> {
    fn add_region(&mut self, element: &'a Element) {
        let Some(id) = element.id() else { return };
        let (interval, sequential) = self.interval(element, 0);
        let (sets, _) = self.sets(element, interval.begin, sequential);
        let declared = self.styling.declared(element);
        let end = interval.end.unwrap_or(INDEFINITE);
        let region = Region { id: Region::name(element), declared, begin: interval.begin, end, sets };
        let number = self.regions.len();
        if *self.by_id.entry(id).or_insert(number) == number {
            self.regions.push(region);
            self.areas.push(None);
        }
        if style::is_image(element) {
            self.images += 1;
        }
    }

    /// The interval of an element whose time counts from `origin`, and whether its children follow each other.
    fn interval(&self, element: &Element, origin: Nanos) -> (Interval, bool) {
        let time = |name| element.core(name).and_then(|text| self.clock.read(text));
        let begin = origin.saturating_add(time("begin").unwrap_or(0));
        let by_duration = time("dur").map(|duration| begin.saturating_add(duration));
        let by_end = time("end").map(|end| origin.saturating_add(end));
        let end = match (by_duration, by_end) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        (Interval { begin, end }, element.core("timeContainer") == Some("seq"))
    }

    /// The `set` elements of an element, and the end of the last one.
    fn sets(&self, element: &Element, begin: Nanos, sequential: bool) -> (Vec<TimedStyle>, Option<Nanos>) {
        let mut sets = Vec::new();
        let mut last = None;
        for set in element.elements().filter(|set| set.tag == Tag::Set) {
            let origin = if sequential { last.unwrap_or(begin) } else { begin };
            let (interval, _) = self.interval(set, origin);
            let end = interval.end.unwrap_or(if sequential { interval.begin } else { INDEFINITE });
            sets.push(TimedStyle { begin: interval.begin, end, declared: self.styling.declared(set) });
            last = Some(end);
        }
        (sets, last)
    }

    /// Walks an element of the body whose time counts from `origin`, shown only inside `clip`. Gives its end.
    fn element(
        &mut self,
        element: &'a Element,
        origin: Nanos,
        clip: (Nanos, Nanos),
        preserve: bool,
    ) -> Result<Nanos, TtmlError> {
        let (interval, sequential) = self.interval(element, origin);
        let begin = interval.begin;
        let clip = (clip.0.max(begin), clip.1.min(interval.end.unwrap_or(INDEFINITE)));
        let (sets, after_sets) = self.sets(element, begin, sequential);
        if style::is_image(element) {
            self.images += 1;
        }
        let level = self.level(element, sets, preserve);
        let preserve = level.preserve;
        let ruby = level.declared.ruby;
        let parenthesised = matches!(ruby, Some(Ruby::Text | Ruby::TextContainer)) && !level.in_ruby_text;
        self.open.push(Level { in_ruby_text: level.in_ruby_text || parenthesised, ..level });
        if parenthesised {
            self.text(PieceText::Preserved("("), clip)?;
        }
        let mut last = after_sets;
        let mut end = after_sets.unwrap_or(begin).max(begin);
        for child in element.children.iter().filter(|_| ruby != Some(Ruby::Delimiter)) {
            let origin = if sequential { last.unwrap_or(begin) } else { begin };
            let anonymous = if sequential { origin } else { INDEFINITE };
            let child_end = match child {
                Node::Text(text) => {
                    let text = if preserve { PieceText::Preserved(text) } else { PieceText::Flowing(text) };
                    self.text(text, (clip.0.max(origin), clip.1.min(anonymous)))?;
                    anonymous
                }
                Node::Element(child) => match (element.tag, child.tag) {
                    (Tag::Body | Tag::Div, Tag::Div | Tag::P) | (Tag::P | Tag::Span, Tag::Span) => {
                        self.element(child, origin, clip, preserve)?
                    }
                    (Tag::P | Tag::Span, Tag::Br) => {
                        self.text(PieceText::Break, (clip.0.max(origin), clip.1.min(anonymous)))?;
                        anonymous
                    }
                    (_, Tag::Image) => {
                        self.images += 1;
                        continue;
                    }
                    _ => continue,
                },
            };
            last = Some(child_end);
            end = if sequential { child_end } else { end.max(child_end) };
        }
        if parenthesised {
            self.text(PieceText::Preserved(")"), clip)?;
        }
        self.open.pop();
        if element.tag == Tag::P {
            self.finish_paragraph(element)?;
        }
        Ok(interval.end.unwrap_or(end))
    }

    fn level(&self, element: &'a Element, sets: Vec<TimedStyle>, preserve: bool) -> Level<'a> {
        let parent = self.open.last();
        let named = element.core("region").and_then(|id| self.by_id.get(id).copied());
        let language = element.get(Namespace::Xml, "lang").map(|language| {
            Some(language).filter(|language| Some(*language) != self.language && language.len() <= MAX_NAME)
        });
        Level {
            tag: element.tag,
            declared: self.styling.declared(element),
            sets,
            region: named.or(parent.and_then(|parent| parent.region)),
            preserve: element.get(Namespace::Xml, "space").map_or(preserve, |space| space == "preserve"),
            language: language.unwrap_or(parent.and_then(|parent| parent.language)),
            in_ruby_text: parent.is_some_and(|parent| parent.in_ruby_text),
            look: None,
        }
    }

    /// Adds text directly inside the innermost element, cut where its look changes.
    fn text(&mut self, text: PieceText<'a>, clip: (Nanos, Nanos)) -> Result<(), TtmlError> {
        let Some(level) = self.open.last() else { return Ok(()) };
        let number = level.region;
        let region = number.and_then(|number| self.regions.get(number));
        let (begin, end) = region.map_or(clip, |region| (clip.0.max(region.begin), clip.1.min(region.end)));
        if begin >= end {
            return Ok(());
        }
        let sets: Vec<(Nanos, Nanos)> = self.all_sets(number).map(|set| (set.begin, set.end)).collect();
        if sets.is_empty() {
            let look = match &level.look {
                Some(look) => look.clone(),
                None => self.look(number, begin),
            };
            if let Some(level) = self.open.last_mut() {
                level.look = Some(look.clone());
            }
            return self.add(number, text, (begin, end), look);
        }
        let mut cuts: Vec<Nanos> = sets.iter().flat_map(|&(from, to)| [from, to]).collect();
        cuts.retain(|&cut| begin < cut && cut < end);
        cuts.extend([begin, end]);
        cuts.sort_unstable();
        cuts.dedup();
        for pair in cuts.windows(2) {
            let &[from, to] = pair else { continue };
            self.animation += sets.len();
            if self.animation > MAX_ANIMATION {
                return Err(TtmlError::TooLarge { what: "steps of animation", limit: MAX_ANIMATION });
            }
            let look = self.look(number, from);
            self.add(number, text, (from, to), look)?;
        }
        Ok(())
    }

    fn all_sets(&self, region: Option<usize>) -> impl Iterator<Item = &TimedStyle> {
        let region = region.and_then(|number| self.regions.get(number)).map(|region| &region.sets);
        region.into_iter().chain(self.open.iter().map(|level| &level.sets)).flatten()
    }

    fn add(
        &mut self,
        region: Option<usize>,
        text: PieceText<'a>,
        (begin, end): (Nanos, Nanos),
        look: Option<Rc<Look>>,
    ) -> Result<(), TtmlError> {
        let Some(look) = look else { return Ok(()) };
        self.piece_count += 1;
        if self.piece_count > MAX_PIECES {
            return Err(TtmlError::TooLarge { what: "pieces of text", limit: MAX_PIECES });
        }
        self.pieces.push((region, Piece { begin, end, text, look }));
        Ok(())
    }

    /// Returns the style of text in the innermost element at a time; `None` if it is not displayed.
    fn look(&mut self, number: Option<usize>, at: Nanos) -> Option<Rc<Look>> {
        let region = number.and_then(|number| self.regions.get(number));
        let initial = &self.styling.initial;
        // What is not inherited is initial for every element, not only for the outermost.
        let local = Declared {
            background: initial.background,
            opacity: initial.opacity,
            displayed: initial.displayed,
            ..Declared::default()
        };
        let now = |declared: &Declared, sets: &[TimedStyle]| {
            let mut all = local;
            all.overlay(declared);
            for set in sets.iter().filter(|set| set.begin <= at && at < set.end) {
                all.overlay(&set.declared);
            }
            all
        };
        let inherited = Declared { opacity: None, displayed: None, ..*initial };
        let mut computed = Computed::default().child(&inherited, &self.plane);
        let mut place = *initial;
        if let Some(region) = region {
            let declared = now(&region.declared, &region.sets);
            computed = computed.child(&declared, &self.plane);
            place.overlay(&declared);
        }
        let in_region = computed;
        computed.background = None;
        let mut layout = CueLayout::default();
        let mut placed = Declared::default();
        for level in &self.open {
            let declared = now(&level.declared, &level.sets);
            computed = computed.child(&declared, &self.plane);
            match level.tag {
                Tag::Span => {}
                _ => placed.overlay(&places(&declared)),
            }
            if level.tag == Tag::P {
                layout = block(&computed, &place, region.is_some());
                computed.background = None;
            }
        }
        if !computed.displayed {
            return None;
        }
        let style = computed.span(self.open.last().and_then(|level| level.language));
        layout.area = self.area(number, &mut place, &placed, &in_region);
        Some(Rc::new(Look { style, layout, forced: computed.forced }))
    }

    /// The area of a region, or the one that content declares for itself.
    fn area(
        &mut self,
        number: Option<usize>,
        place: &mut Declared,
        placed: &Declared,
        computed: &Computed,
    ) -> Option<Arc<Area>> {
        let own = placed.origin.is_some() || placed.extent.is_some() || placed.position.is_some();
        if own {
            place.overlay(placed);
        }
        let region = number.and_then(|number| self.regions.get(number));
        if region.is_none() && !own {
            return None;
        }
        let id = region.map_or("", |region| region.id.as_str());
        let fixed = !own && region.is_some_and(|region| region.sets.is_empty());
        let cached = number.filter(|_| fixed).and_then(|number| self.areas.get_mut(number));
        match cached {
            Some(Some(area)) => Some(Arc::clone(area)),
            Some(slot) => {
                let area = Arc::new(region::area(id, place, computed, &self.plane));
                *slot = Some(Arc::clone(&area));
                Some(area)
            }
            None => Some(Arc::new(region::area(id, place, computed, &self.plane))),
        }
    }

    /// Hands the pieces of a paragraph on, those of each region apart.
    fn finish_paragraph(&mut self, element: &Element) -> Result<(), TtmlError> {
        let mut pieces = std::mem::take(&mut self.pieces);
        let id = element.id().filter(|id| id.len() <= MAX_NAME);
        // Stable: the order of the document stays.
        pieces.sort_by_key(|(region, _)| *region);
        let mut rest: Vec<Piece<'a>> = Vec::new();
        let mut current = None;
        for (region, piece) in pieces.drain(..) {
            if current != Some(region) {
                self.cues.paragraph(id, &rest)?;
                rest.clear();
                current = Some(region);
            }
            rest.push(piece);
        }
        self.cues.paragraph(id, &rest)?;
        self.pieces = pieces;
        Ok(())
    }
}

/// Returns the properties of position that an element of the body may declare.
fn places(declared: &Declared) -> Declared {
    Declared {
        origin: declared.origin,
        extent: declared.extent,
        position: declared.position,
        display_align: declared.display_align,
        ..Declared::default()
    }
}

/// The layout of a paragraph. Without a region it stands where subtitles are expected: at the bottom, centred.
fn block(computed: &Computed, place: &Declared, in_region: bool) -> CueLayout {
    let align = computed.align.unwrap_or(if in_region { TextAlign::Start } else { TextAlign::Center });
    let rtl = computed.rtl.unwrap_or(place.writing_mode == Some(style::WritingMode::RightLeftTopBottom));
    let align = match align {
        TextAlign::Start if rtl => TextAlign::Right,
        TextAlign::End if rtl => TextAlign::Left,
        other => other,
    };
    CueLayout {
        align,
        vertical: region::vertical(place.writing_mode),
        wrap: computed.wrap,
        background: computed.background.map(|colour| computed.seen(colour)),
        ..CueLayout::default()
    }
}
