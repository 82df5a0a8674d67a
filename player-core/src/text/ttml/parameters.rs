//! Parameters of a document (TTML2 §7.2): how it counts time, and what its lengths are measured on.

use super::names::Namespace::{Parameter, Styling};
use super::time::{Clock, DropMode};
use super::tree::Element;
use super::value::{Length, Plane, Unit};

/// The clock of a `tt` element.
pub(super) fn clock(tt: &Element) -> Clock {
    let number = |name| positive(tt.get(Parameter, name)?);
    let frame_rate = number("frameRate");
    let sub_frame_rate = number("subFrameRate").unwrap_or(1);
    let multiplier = tt.get(Parameter, "frameRateMultiplier").and_then(ratio).unwrap_or((1, 1));
    let tick_rate = number("tickRate").or_else(|| frame_rate?.checked_mul(sub_frame_rate)).unwrap_or(1);
    let drop_mode = match tt.get(Parameter, "dropMode") {
        Some("dropNTSC") => DropMode::Ntsc,
        Some("dropPAL") => DropMode::Pal,
        _ => DropMode::NonDrop,
    };
    let smpte = (tt.get(Parameter, "timeBase") == Some("smpte")).then_some(drop_mode);
    Clock { frame_rate: frame_rate.unwrap_or(30), multiplier, sub_frame_rate, tick_rate, smpte }
}

/// The root container of a `tt` element.
pub(super) fn plane(tt: &Element) -> Plane {
    let cells = tt.get(Parameter, "cellResolution").and_then(|text| {
        let (columns, rows) = text.split_once(char::is_whitespace)?;
        Some((f64::from(positive(columns)?), f64::from(positive(rows.trim())?)))
    });
    let pixels = tt.get(Styling, "extent").and_then(|text| match Length::list::<2>(text)? {
        ([Length { value: width, unit: Unit::Pixel }, Length { value: height, unit: Unit::Pixel }], 2) => {
            (width >= 1.0 && height >= 1.0).then_some((width, height))
        }
        _ => None,
    });
    Plane { pixels, cells: cells.unwrap_or(Plane::default().cells) }
}

fn positive(text: &str) -> Option<u32> {
    text.parse().ok().filter(|&number| number > 0)
}

/// `numerator denominator`; older documents have a colon between.
fn ratio(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split([' ', ':', '\t']).filter(|part| !part.is_empty()).map(positive);
    let ratio = (numbers.next()??, numbers.next().unwrap_or(Some(1))?);
    numbers.next().is_none().then_some(ratio)
}
