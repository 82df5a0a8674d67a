//! Cue settings (W3C TR webvtt1 §6.3) and region settings (§6.2). A setting that breaks its syntax is ignored.

use std::sync::Arc;

use super::timing::is_space;
use crate::text::{CueLayout, LineAlign, LinePosition, PositionAlign, Region, TextAlign, Vertical};

/// Characters of a region's name at most: every cue of the region shares it, but hostile files repeat it.
const MAX_NAME: usize = 256;

/// Reads the settings of a cue.
pub(super) fn parse(input: &str, regions: &[Arc<Region>]) -> CueLayout {
    let mut layout = CueLayout::default();
    for (name, value) in pairs(input) {
        // A setting that cannot be read changes nothing.
        let _ = apply(&mut layout, name, value, regions);
    }
    if layout.line != LinePosition::Auto || layout.size != 100.0 || layout.vertical.is_some() {
        layout.region = None;
    }
    layout
}

fn pairs(input: &str) -> impl Iterator<Item = (&str, &str)> {
    let words = input.split(is_space);
    words.filter_map(|word| word.split_once(':').filter(|(name, value)| !name.is_empty() && !value.is_empty()))
}

fn apply(layout: &mut CueLayout, name: &str, value: &str, regions: &[Arc<Region>]) -> Option<()> {
    match name {
        "region" => layout.region = regions.iter().rev().find(|region| region.id == value).cloned(),
        "vertical" => {
            layout.vertical = Some(match value {
                "rl" => Vertical::RightToLeft,
                "lr" => Vertical::LeftToRight,
                _ => return None,
            });
        }
        "line" => {
            let (position, align) = with_align(value);
            let align = match align {
                None | Some("start") => LineAlign::Start,
                Some("center") => LineAlign::Center,
                Some("end") => LineAlign::End,
                Some(_) => return None,
            };
            layout.line = line_position(position)?;
            layout.line_align = align;
        }
        "position" => {
            let (position, align) = with_align(value);
            let align = match align {
                None => PositionAlign::Auto,
                Some("line-left") => PositionAlign::LineLeft,
                Some("center") => PositionAlign::Center,
                Some("line-right") => PositionAlign::LineRight,
                Some(_) => return None,
            };
            layout.position = Some(percentage(position)?);
            layout.position_align = align;
        }
        "size" => layout.size = percentage(value)?,
        "align" => {
            layout.align = match value {
                "start" => TextAlign::Start,
                "center" => TextAlign::Center,
                "end" => TextAlign::End,
                "left" => TextAlign::Left,
                "right" => TextAlign::Right,
                _ => return None,
            };
        }
        _ => {}
    }
    Some(())
}

fn with_align(value: &str) -> (&str, Option<&str>) {
    match value.split_once(',') {
        Some((position, align)) => (position, Some(align)),
        None => (value, None),
    }
}

fn line_position(text: &str) -> Option<LinePosition> {
    if text.ends_with('%') {
        return percentage(text).map(LinePosition::Percent);
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    is_decimal(digits).then(|| text.parse().ok().map(LinePosition::Line))?
}

/// Digits, perhaps with a point between.
fn is_decimal(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    is_number(whole) && is_number(fraction)
}

/// Reads `0%` to `100%`; `None` outside that range.
pub(super) fn percentage(text: &str) -> Option<f64> {
    let number = text.strip_suffix('%').filter(|number| is_decimal(number))?;
    number.parse().ok().filter(|value| (0.0..=100.0).contains(value))
}

/// Reads the settings of a region.
pub(super) fn region(input: &str) -> Region {
    let mut region = Region {
        id: String::new(),
        width: 100.0,
        lines: 3,
        region_anchor: (0.0, 100.0),
        viewport_anchor: (0.0, 100.0),
        scroll_up: false,
    };
    for (name, value) in pairs(input) {
        let anchor = || {
            let (x, y) = value.split_once(',')?;
            Some((percentage(x)?, percentage(y)?))
        };
        match name {
            "id" => region.id = value.chars().take(MAX_NAME).collect(),
            "width" => region.width = percentage(value).unwrap_or(region.width),
            "lines" if value.bytes().all(|byte| byte.is_ascii_digit()) => {
                region.lines = value.parse().unwrap_or(region.lines);
            }
            "regionanchor" => region.region_anchor = anchor().unwrap_or(region.region_anchor),
            "viewportanchor" => region.viewport_anchor = anchor().unwrap_or(region.viewport_anchor),
            "scroll" if value == "up" => region.scroll_up = true,
            _ => {}
        }
    }
    region
}
