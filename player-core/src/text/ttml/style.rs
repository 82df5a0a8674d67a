//! Style of elements: declared in attributes (TTML2 §10.2), and computed with inheritance (§10.4.4).

use super::names::Namespace;
use super::tree::Element;
use super::value::{Length, Plane, Unit};
use crate::text::{DisplayAlign, EdgeKind, FontFamily, SpanStyle, TextAlign, TextEdge, color};

/// Red, green, blue, alpha.
pub(super) type Rgba = [u8; 4];

/// Declared properties. What is `None` was not declared.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Declared {
    pub color: Option<Rgba>,
    pub background: Option<Rgba>,
    pub rtl: Option<bool>,
    /// `display` is not `none`.
    pub displayed: Option<bool>,
    pub display_align: Option<DisplayAlign>,
    pub extent: Option<Pair>,
    pub origin: Option<Pair>,
    pub position: Option<Position>,
    /// Before, end, after, start.
    pub padding: Option<[Length; 4]>,
    pub font_family: Option<Option<FontFamily>>,
    pub font_size: Option<Length>,
    pub italic: Option<bool>,
    pub bold: Option<bool>,
    pub opacity: Option<f32>,
    pub ruby: Option<Ruby>,
    pub align: Option<TextAlign>,
    pub underline: Option<bool>,
    pub strike: Option<bool>,
    pub overline: Option<bool>,
    pub edge: Option<Option<Edge>>,
    pub visible: Option<bool>,
    pub wrap: Option<bool>,
    pub writing_mode: Option<WritingMode>,
    pub forced: Option<bool>,
}

/// `auto`, or two lengths.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Pair {
    Auto,
    Lengths(Length, Length),
}

/// Distance of a region from an edge: from the left and top edge, or from the opposite ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Position {
    pub horizontal: (bool, Length),
    pub vertical: (bool, Length),
}

/// A part of a ruby container (TTML2 §10.2.37).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ruby {
    Other,
    Text,
    TextContainer,
    Delimiter,
}

/// Direction of lines and letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum WritingMode {
    #[default]
    LeftRightTopBottom,
    RightLeftTopBottom,
    TopBottomRightLeft,
    TopBottomLeftRight,
}

/// An outline or a shadow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Edge {
    kind: EdgeKind,
    color: Option<Rgba>,
    thickness: Length,
}

impl Declared {
    /// Returns the properties that the attributes of an element declare.
    pub fn inline(element: &Element) -> Self {
        let mut declared = Self::default();
        for (name, value) in element.all(Namespace::Styling) {
            declared.read(name, value);
        }
        declared
    }

    fn read(&mut self, name: &str, value: &str) {
        match name {
            "color" => set(&mut self.color, rgba(value)),
            "backgroundColor" => set(&mut self.background, rgba(value)),
            "direction" => set(&mut self.rtl, choice(value, &[("ltr", false), ("rtl", true)])),
            "display" => {
                set(&mut self.displayed, choice(value, &[("auto", true), ("inlineBlock", true), ("none", false)]))
            }
            "displayAlign" => set(&mut self.display_align, display_align(value)),
            "extent" => set(&mut self.extent, pair(value)),
            "origin" => set(&mut self.origin, pair(value)),
            "position" => set(&mut self.position, Position::read(value)),
            "padding" => set(&mut self.padding, padding(value)),
            "fontFamily" => set(&mut self.font_family, Some(font_family(value))),
            "fontSize" => set(&mut self.font_size, font_size(value)),
            "fontStyle" => {
                set(&mut self.italic, choice(value, &[("normal", false), ("italic", true), ("oblique", true)]));
            }
            "fontWeight" => set(&mut self.bold, choice(value, &[("normal", false), ("bold", true)])),
            "opacity" => set(&mut self.opacity, value.parse().ok().map(|share: f32| share.clamp(0.0, 1.0))),
            "ruby" => set(&mut self.ruby, ruby(value)),
            "textAlign" => set(&mut self.align, text_align(value)),
            "textDecoration" => self.read_decoration(value),
            "textOutline" => set(&mut self.edge, Edge::outline(value)),
            "textShadow" => set(&mut self.edge, Edge::shadow(value)),
            "visibility" => set(&mut self.visible, choice(value, &[("visible", true), ("hidden", false)])),
            "wrapOption" => set(&mut self.wrap, choice(value, &[("wrap", true), ("noWrap", false)])),
            "writingMode" => set(&mut self.writing_mode, WritingMode::read(value)),
            "forcedDisplay" => set(&mut self.forced, choice(value, &[("true", true), ("false", false)])),
            _ => {}
        }
    }

    fn read_decoration(&mut self, value: &str) {
        for word in value.split_ascii_whitespace() {
            let (which, on) = match word {
                "none" => {
                    (self.underline, self.strike, self.overline) = (Some(false), Some(false), Some(false));
                    continue;
                }
                "underline" => (&mut self.underline, true),
                "noUnderline" => (&mut self.underline, false),
                "lineThrough" => (&mut self.strike, true),
                "noLineThrough" => (&mut self.strike, false),
                "overline" => (&mut self.overline, true),
                "noOverline" => (&mut self.overline, false),
                _ => continue,
            };
            *which = Some(on);
        }
    }

    /// Adds what `other`, which is stronger, declares.
    pub fn overlay(&mut self, other: &Self) {
        set(&mut self.color, other.color);
        set(&mut self.background, other.background);
        set(&mut self.rtl, other.rtl);
        set(&mut self.displayed, other.displayed);
        set(&mut self.display_align, other.display_align);
        set(&mut self.extent, other.extent);
        set(&mut self.origin, other.origin);
        set(&mut self.position, other.position);
        set(&mut self.padding, other.padding);
        set(&mut self.font_family, other.font_family);
        set(&mut self.font_size, other.font_size);
        set(&mut self.italic, other.italic);
        set(&mut self.bold, other.bold);
        set(&mut self.opacity, other.opacity);
        set(&mut self.ruby, other.ruby);
        set(&mut self.align, other.align);
        set(&mut self.underline, other.underline);
        set(&mut self.strike, other.strike);
        set(&mut self.overline, other.overline);
        set(&mut self.edge, other.edge);
        set(&mut self.visible, other.visible);
        set(&mut self.wrap, other.wrap);
        set(&mut self.writing_mode, other.writing_mode);
        set(&mut self.forced, other.forced);
    }
}

/// The properties that text has in the end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Computed {
    pub color: Option<Rgba>,
    pub rtl: Option<bool>,
    pub font_family: Option<FontFamily>,
    /// Percent of the height; `None` if it is not declared.
    pub font_size: Option<f64>,
    pub italic: bool,
    pub bold: bool,
    pub underline: bool,
    pub strike: bool,
    pub overline: bool,
    pub edge: Option<TextEdge>,
    pub align: Option<TextAlign>,
    pub visible: bool,
    pub wrap: bool,
    pub forced: bool,
    /// Not inherited, but nothing shows through what is not displayed.
    pub displayed: bool,
    /// Of all elements around together.
    pub opacity: f32,
    /// The innermost colour behind it; not inherited either, but what is behind shows through.
    pub background: Option<Rgba>,
}

impl Default for Computed {
    fn default() -> Self {
        Self {
            color: None,
            rtl: None,
            font_family: None,
            font_size: None,
            italic: false,
            bold: false,
            underline: false,
            strike: false,
            overline: false,
            edge: None,
            align: None,
            visible: true,
            wrap: true,
            forced: false,
            displayed: true,
            opacity: 1.0,
            background: None,
        }
    }
}

impl Computed {
    /// Returns the style of an element that declares this and is a child of `self`.
    pub fn child(&self, declared: &Declared, plane: &Plane) -> Self {
        let em = self.em(plane);
        let font_size = declared.font_size.and_then(|size| plane.vertical(size, em, em)).or(self.font_size);
        let edge = |edge: Option<Edge>| edge.map(|edge| edge.computed(plane, font_size.unwrap_or(em)));
        Self {
            color: declared.color.or(self.color),
            rtl: declared.rtl.or(self.rtl),
            font_family: declared.font_family.unwrap_or(self.font_family),
            font_size,
            italic: declared.italic.unwrap_or(self.italic),
            bold: declared.bold.unwrap_or(self.bold),
            underline: declared.underline.unwrap_or(self.underline),
            strike: declared.strike.unwrap_or(self.strike),
            overline: declared.overline.unwrap_or(self.overline),
            edge: declared.edge.map_or(self.edge, edge),
            align: declared.align.or(self.align),
            visible: declared.visible.unwrap_or(self.visible),
            wrap: declared.wrap.unwrap_or(self.wrap),
            forced: declared.forced.unwrap_or(self.forced),
            displayed: self.displayed && declared.displayed.unwrap_or(true),
            opacity: self.opacity * declared.opacity.unwrap_or(1.0),
            background: declared.background.filter(|colour| colour[3] > 0).or(self.background),
        }
    }

    /// The type size in percent of the height.
    pub fn em(&self, plane: &Plane) -> f64 {
        self.font_size.unwrap_or_else(|| plane.cell_height())
    }

    /// A colour as it is seen: through the opacity, and not at all when hidden.
    pub fn seen(&self, [red, green, blue, alpha]: Rgba) -> Rgba {
        let share = if self.visible { self.opacity } else { 0.0 };
        [red, green, blue, (f32::from(alpha) * share).round() as u8]
    }

    /// The style of a span.
    pub fn span(&self, language: Option<&str>) -> SpanStyle {
        let plain = self.visible && self.opacity >= 1.0;
        let color = if plain { self.color } else { Some(self.seen(self.color.unwrap_or([255; 4]))) };
        SpanStyle {
            bold: self.bold,
            italic: self.italic,
            underline: self.underline,
            strike: self.strike,
            overline: self.overline,
            color,
            background: self.background.map(|colour| self.seen(colour)),
            language: language.map(str::to_owned),
            font_size: self.font_size,
            font_family: self.font_family,
            edge: self.edge,
            ..SpanStyle::default()
        }
    }
}

impl Position {
    /// One to four words (TTML2 §10.2.35): edges, each perhaps with an offset, or offsets from the left and the top.
    fn read(text: &str) -> Option<Self> {
        let words: Vec<&str> = text.split_ascii_whitespace().take(5).collect();
        if words.is_empty() || words.len() > 4 {
            return None;
        }
        let middle = (false, Length { value: 50.0, unit: Unit::Percent });
        let (mut horizontal, mut vertical) = (None, None);
        let mut words = words.iter().copied().enumerate().peekable();
        let edges_have_offsets = words.len() > 2;
        while let Some((at, word)) = words.next() {
            let mut offset = || {
                let next = words.peek().filter(|_| edges_have_offsets).and_then(|(_, next)| Length::read(next));
                if next.is_some() {
                    words.next();
                }
                next.unwrap_or(Length::ZERO)
            };
            match word {
                "left" | "right" => horizontal = Some((word == "right", offset())),
                "top" | "bottom" => vertical = Some((word == "bottom", offset())),
                "center" if at == 0 && words.peek().is_some_and(|(_, next)| Length::read(next).is_some()) => {
                    horizontal = Some(middle);
                }
                "center" => {}
                length => {
                    let slot = if horizontal.is_none() { &mut horizontal } else { &mut vertical };
                    *slot = Some((false, Length::read(length)?));
                }
            }
        }
        Some(Self { horizontal: horizontal.unwrap_or(middle), vertical: vertical.unwrap_or(middle) })
    }
}

impl WritingMode {
    fn read(text: &str) -> Option<Self> {
        choice(
            text,
            &[
                ("lrtb", Self::LeftRightTopBottom),
                ("lr", Self::LeftRightTopBottom),
                ("rltb", Self::RightLeftTopBottom),
                ("rl", Self::RightLeftTopBottom),
                ("tbrl", Self::TopBottomRightLeft),
                ("tb", Self::TopBottomRightLeft),
                ("tblr", Self::TopBottomLeftRight),
            ],
        )
    }
}

impl Edge {
    /// `none`, or a colour, a thickness and a blur radius, of which the first and the last may be missing.
    fn outline(text: &str) -> Option<Option<Self>> {
        if text == "none" {
            return Some(None);
        }
        let mut words = words_of(text);
        let first = words.next()?;
        let (color, thickness) = match rgba(first) {
            Some(color) => (Some(color), words.next()?),
            None => (None, first),
        };
        Some(Some(Self { kind: EdgeKind::Uniform, color, thickness: Length::read(thickness)? }))
    }

    /// `none`, or shadows of which the first counts: two offsets, perhaps a blur radius, perhaps a colour.
    fn shadow(text: &str) -> Option<Option<Self>> {
        if text == "none" {
            return Some(None);
        }
        let mut words = words_of(text);
        let (x, y) = (Length::read(words.next()?)?, Length::read(words.next()?.trim_end_matches(','))?);
        let color = words.take(2).find_map(|word| rgba(word.trim_end_matches(',')));
        let kind = if x.value < 0.0 { EdgeKind::ShadowLeft } else { EdgeKind::ShadowRight };
        Some(Some(Self { kind, color, thickness: Length { value: y.value.abs(), unit: y.unit } }))
    }

    fn computed(self, plane: &Plane, em: f64) -> TextEdge {
        TextEdge { kind: self.kind, color: self.color, thickness: plane.vertical(self.thickness, em, em) }
    }
}

fn set<T: Copy>(to: &mut Option<T>, from: Option<T>) {
    *to = from.or(*to);
}

fn choice<T: Copy>(value: &str, among: &[(&str, T)]) -> Option<T> {
    among.iter().find(|(name, _)| *name == value).map(|&(_, meaning)| meaning)
}

/// Words, white space inside parentheses not counted.
fn words_of(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    let words = text.split(move |c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && c.is_ascii_whitespace()
    });
    words.filter(|word| !word.is_empty())
}

/// `<color>` (TTML2 §10.3.5): digits, `rgb()`, `rgba()` with an alpha up to 255, or a name.
fn rgba(text: &str) -> Option<Rgba> {
    if let Some(digits) = text.strip_prefix('#') {
        return color::hexadecimal(digits).filter(|_| matches!(digits.len(), 6 | 8));
    }
    let (arguments, count) = match (text.strip_prefix("rgba("), text.strip_prefix("rgb(")) {
        (Some(arguments), _) => (arguments, 4),
        (None, Some(arguments)) => (arguments, 3),
        (None, None) => return color::named(&text.get(..text.len().min(24))?.to_ascii_lowercase()),
    };
    let mut channels = [0, 0, 0, 255];
    let mut given = 0;
    for channel in arguments.strip_suffix(')')?.split(',') {
        *channels.get_mut(given)? = channel.trim().parse().ok()?;
        given += 1;
    }
    (given == count).then_some(channels)
}

fn display_align(value: &str) -> Option<DisplayAlign> {
    choice(
        value,
        &[
            ("before", DisplayAlign::Before),
            ("center", DisplayAlign::Center),
            ("after", DisplayAlign::After),
            ("justify", DisplayAlign::Before),
        ],
    )
}

fn text_align(value: &str) -> Option<TextAlign> {
    choice(
        value,
        &[
            ("start", TextAlign::Start),
            ("center", TextAlign::Center),
            ("end", TextAlign::End),
            ("left", TextAlign::Left),
            ("right", TextAlign::Right),
            ("justify", TextAlign::Start),
        ],
    )
}

fn ruby(value: &str) -> Option<Ruby> {
    choice(
        value,
        &[
            ("text", Ruby::Text),
            ("textContainer", Ruby::TextContainer),
            ("delimiter", Ruby::Delimiter),
            ("container", Ruby::Other),
            ("base", Ruby::Other),
            ("baseContainer", Ruby::Other),
            ("none", Ruby::Other),
        ],
    )
}

fn pair(value: &str) -> Option<Pair> {
    if value == "auto" {
        return Some(Pair::Auto);
    }
    let ([first, second], count) = Length::list::<2>(value)?;
    (count == 2).then_some(Pair::Lengths(first, second))
}

/// One to four lengths, as in CSS: before, end, after, start.
fn padding(value: &str) -> Option<[Length; 4]> {
    let ([a, b, c, d], count) = Length::list::<4>(value)?;
    Some(match count {
        1 => [a; 4],
        2 => [a, b, a, b],
        3 => [a, b, c, b],
        _ => [a, b, c, d],
    })
}

/// One length, or two: the second is the height.
fn font_size(value: &str) -> Option<Length> {
    let ([first, second], count) = Length::list::<2>(value)?;
    Some(if count == 2 { second } else { first }).filter(|size| size.value > 0.0)
}

/// The first family of a list whose kind is known; a list of others is the host's choice.
fn font_family(value: &str) -> Option<FontFamily> {
    value.split(',').take(16).find_map(|name| {
        let name = name.trim().trim_matches(['"', '\'']);
        let name = name.get(..name.len().min(24))?.to_ascii_lowercase();
        Some(match name.as_str() {
            "monospace" | "monospaceserif" => FontFamily::MonospaceSerif,
            "monospacesansserif" => FontFamily::MonospaceSansSerif,
            "serif" | "proportionalserif" => FontFamily::ProportionalSerif,
            "sansserif" | "sans-serif" | "proportionalsansserif" => FontFamily::ProportionalSansSerif,
            "cursive" => FontFamily::Cursive,
            name if name.starts_with("courier") => FontFamily::MonospaceSerif,
            name if name.starts_with("times") => FontFamily::ProportionalSerif,
            "arial" | "helvetica" | "verdana" | "tahoma" | "roboto" => FontFamily::ProportionalSansSerif,
            _ => return None,
        })
    })
}

/// True when an attribute names a picture instead of text.
pub(super) fn is_image(element: &Element) -> bool {
    let named = |namespace| element.get(namespace, "backgroundImage");
    [Namespace::Smpte, Namespace::Styling].into_iter().filter_map(named).any(|value| value != "none")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_have_three_forms() {
        assert_eq!(rgba("#ff000080"), Some([255, 0, 0, 128]));
        assert_eq!(rgba("rgb( 1,2 ,3)"), Some([1, 2, 3, 255]));
        assert_eq!(rgba("rgba(1,2,3,4)"), Some([1, 2, 3, 4]));
        assert_eq!(rgba("Lime"), Some([0, 255, 0, 255]));
        assert_eq!(rgba("transparent"), Some([0; 4]));
        for bad in
            ["", "#fff", "#12345", "rgb(1,2)", "rgb(1,2,3,4)", "rgba(1,2,3)", "rgb(256,0,0)", "rgb(1,2,3", "no such"]
        {
            assert_eq!(rgba(bad), None, "{bad}");
        }
    }

    #[test]
    fn positions_name_edges_or_offsets() {
        let percent = |value| Length { value, unit: Unit::Percent };
        let read = |text| Position::read(text).map(|position| (position.horizontal, position.vertical));
        let middle = (false, percent(50.0));
        assert_eq!(read("center"), Some((middle, middle)));
        assert_eq!(read("10% 20%"), Some(((false, percent(10.0)), (false, percent(20.0)))));
        assert_eq!(read("right"), Some(((true, Length::ZERO), middle)));
        assert_eq!(read("bottom left"), Some(((false, Length::ZERO), (true, Length::ZERO))));
        assert_eq!(read("center 20%"), Some((middle, (false, percent(20.0)))));
        assert_eq!(read("left 10%"), Some(((false, Length::ZERO), (false, percent(10.0)))), "the second is no offset");
        assert_eq!(read("right 10%"), Some(((true, Length::ZERO), (false, percent(10.0)))));
        assert_eq!(read("10% bottom"), Some(((false, percent(10.0)), (true, Length::ZERO))));
        assert_eq!(read("right 10% bottom 5%"), Some(((true, percent(10.0)), (true, percent(5.0)))));
        assert_eq!(read("center bottom 5%"), Some((middle, (true, percent(5.0)))));
        for bad in ["", "up", "1% 2% 3% 4% 5%"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn outlines_and_shadows_have_optional_parts() {
        let length = |value| Length { value, unit: Unit::Pixel };
        let red = Some([255, 0, 0, 255]);
        let edge = |kind, color, value| Some(Some(Edge { kind, color, thickness: length(value) }));
        assert_eq!(Edge::outline("none"), Some(None));
        assert_eq!(Edge::outline("2px"), edge(EdgeKind::Uniform, None, 2.0));
        assert_eq!(Edge::outline("rgba(255, 0, 0, 255) 2px 1px"), edge(EdgeKind::Uniform, red, 2.0));
        assert_eq!(Edge::shadow("1px 2px 3px red, 1px 1px"), edge(EdgeKind::ShadowRight, red, 2.0));
        assert_eq!(Edge::shadow("-1px 2px, 1px 1px"), edge(EdgeKind::ShadowLeft, None, 2.0));
        assert_eq!((Edge::outline("red"), Edge::shadow("1px")), (None, None));
    }
}
