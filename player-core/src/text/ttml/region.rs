//! Regions (TTML2 §11.1): where text stands.

use super::style::{Computed, Declared, Pair, WritingMode};
use super::styling::TimedStyle;
use super::time::Nanos;
use super::tree::Element;
use super::value::{Length, Plane};
use crate::text::{Area, Vertical};

/// Characters of a region's name that are kept.
const MAX_NAME: usize = 128;

/// A region of the head.
#[derive(Debug)]
pub(super) struct Region {
    pub id: String,
    pub declared: Declared,
    /// Start of the time in which it exists.
    pub begin: Nanos,
    pub end: Nanos,
    /// Animations that change it meanwhile.
    pub sets: Vec<TimedStyle>,
}

impl Region {
    /// The name of a `region` element.
    pub fn name(element: &Element) -> String {
        element.id().unwrap_or_default().chars().take(MAX_NAME).collect()
    }
}

/// The area that declared properties describe; `computed` are those of the region, for ems and its colour.
pub(super) fn area(id: &str, declared: &Declared, computed: &Computed, plane: &Plane) -> Area {
    let em = computed.em(plane);
    let x = |length: Length, whole: f64| plane.horizontal(length, whole, em);
    let y = |length: Length, whole: f64| plane.vertical(length, whole, em);
    let lengths = |pair: Option<Pair>| match pair {
        Some(Pair::Lengths(first, second)) => Some((x(first, 100.0)?, y(second, 100.0)?)),
        Some(Pair::Auto) | None => None,
    };
    let extent = lengths(declared.extent).filter(|&(width, height)| width >= 0.0 && height >= 0.0);
    let (width, height) = extent.unwrap_or((100.0, 100.0));
    let positioned = declared.position.and_then(|position| {
        let place = |(from_end, offset): (bool, f64), free: f64| if from_end { free - offset } else { offset };
        let (horizontal, vertical) = (position.horizontal, position.vertical);
        Some((
            place((horizontal.0, x(horizontal.1, 100.0 - width)?), 100.0 - width),
            place((vertical.0, y(vertical.1, 100.0 - height)?), 100.0 - height),
        ))
    });
    Area {
        id: id.to_owned(),
        origin: positioned.or_else(|| lengths(declared.origin)).unwrap_or((0.0, 0.0)),
        extent: (width, height),
        padding: padding(declared, (width, height), x, y),
        display_align: declared.display_align.unwrap_or_default(),
        background: declared.background.filter(|colour| colour[3] > 0).map(|colour| computed.seen(colour)),
    }
}

/// Before, end, after and start become top, right, bottom and left.
fn padding(
    declared: &Declared,
    (width, height): (f64, f64),
    x: impl Fn(Length, f64) -> Option<f64>,
    y: impl Fn(Length, f64) -> Option<f64>,
) -> [f64; 4] {
    let Some([before, end, after, start]) = declared.padding else { return [0.0; 4] };
    let [top, right, bottom, left] = match declared.writing_mode.unwrap_or_default() {
        WritingMode::LeftRightTopBottom => [before, end, after, start],
        WritingMode::RightLeftTopBottom => [before, start, after, end],
        WritingMode::TopBottomRightLeft => [start, before, end, after],
        WritingMode::TopBottomLeftRight => [start, after, end, before],
    };
    let across = |length| x(length, width).unwrap_or(0.0).max(0.0);
    let down = |length| y(length, height).unwrap_or(0.0).max(0.0);
    [down(top), across(right), down(bottom), across(left)]
}

/// Returns the direction of a region's lines, if it is not from the top down.
pub(super) fn vertical(mode: Option<WritingMode>) -> Option<Vertical> {
    match mode? {
        WritingMode::TopBottomRightLeft => Some(Vertical::RightToLeft),
        WritingMode::TopBottomLeftRight => Some(Vertical::LeftToRight),
        WritingMode::LeftRightTopBottom | WritingMode::RightLeftTopBottom => None,
    }
}
