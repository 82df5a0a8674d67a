//! Values of style attributes: lengths (TTML2 §10.3.23), and the plane that they are measured on. Colours are read by
//! `text::color`.

/// A length with its unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Length {
    pub value: f64,
    pub unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Pixel,
    /// Of what depends on the property.
    Percent,
    Cell,
    Em,
    /// Percentages of the root container's height (`rh`, `vh`).
    RootHeight,
    /// Percentages of its width (`rw`, `vw`).
    RootWidth,
}

/// Larger numbers than this say nothing.
const LARGEST: f64 = 1e6;

impl Length {
    pub const ZERO: Self = Self { value: 0.0, unit: Unit::Percent };

    /// A number and a unit, without white space; `0` needs no unit.
    pub fn read(text: &str) -> Option<Self> {
        let end = text.find(|c: char| c.is_ascii_alphabetic() || c == '%').unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let value = number_of(number)?;
        let unit = match unit {
            "px" => Unit::Pixel,
            "%" => Unit::Percent,
            "c" => Unit::Cell,
            "em" => Unit::Em,
            "rh" | "vh" => Unit::RootHeight,
            "rw" | "vw" => Unit::RootWidth,
            "" if value == 0.0 => Unit::Percent,
            _ => return None,
        };
        Some(Self { value, unit })
    }

    /// One to `N` lengths; `None` when one of them is none.
    pub fn list<const N: usize>(text: &str) -> Option<([Self; N], usize)> {
        let mut found = [Self::ZERO; N];
        let mut count = 0;
        for word in text.split_ascii_whitespace() {
            *found.get_mut(count)? = Self::read(word)?;
            count += 1;
        }
        (count > 0).then_some((found, count))
    }
}

/// A decimal number with an optional sign.
fn number_of(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) || fraction.is_empty() || digits.is_empty() {
        return None;
    }
    text.parse().ok().filter(|value: &f64| value.abs() <= LARGEST)
}

/// Size and shape of the root container.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Plane {
    /// Width and height in pixels, if declared; positive.
    pub pixels: Option<(f64, f64)>,
    /// Columns and rows of cells; positive.
    pub cells: (f64, f64),
}

impl Default for Plane {
    fn default() -> Self {
        Self { pixels: None, cells: (32.0, 15.0) }
    }
}

impl Plane {
    /// Returns width divided by height; 16:9 if it is not declared.
    pub fn aspect(&self) -> f64 {
        self.pixels.map_or(16.0 / 9.0, |(width, height)| width / height)
    }

    /// The height of a cell, in percent of the height: the initial type size.
    pub fn cell_height(&self) -> f64 {
        100.0 / self.cells.1
    }

    /// A vertical length in percent of the height. Percentages are of `whole` and ems of `em`, both of that unit.
    pub fn vertical(&self, length: Length, whole: f64, em: f64) -> Option<f64> {
        let Length { value, unit } = length;
        Some(match unit {
            Unit::Pixel => value * 100.0 / self.pixels?.1,
            Unit::Percent => value * whole / 100.0,
            Unit::Cell => value * self.cell_height(),
            Unit::Em => value * em,
            Unit::RootHeight => value,
            Unit::RootWidth => value * self.aspect(),
        })
    }

    /// A horizontal length in percent of the width. Percentages are of `whole`, of that unit; `em` is in percent of
    /// the height.
    pub fn horizontal(&self, length: Length, whole: f64, em: f64) -> Option<f64> {
        let Length { value, unit } = length;
        Some(match unit {
            Unit::Pixel => value * 100.0 / self.pixels?.0,
            Unit::Percent => value * whole / 100.0,
            Unit::Cell => value * 100.0 / self.cells.0,
            Unit::Em => value * em / self.aspect(),
            Unit::RootHeight => value / self.aspect(),
            Unit::RootWidth => value,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_need_a_number_and_a_known_unit() {
        let read = |text| Length::read(text).map(|length| (length.value, length.unit));
        assert_eq!(read("12px"), Some((12.0, Unit::Pixel)));
        assert_eq!(read("-1.5c"), Some((-1.5, Unit::Cell)));
        assert_eq!(read(".5em"), Some((0.5, Unit::Em)));
        assert_eq!(read("5rh"), Some((5.0, Unit::RootHeight)));
        assert_eq!(read("0"), Some((0.0, Unit::Percent)));
        for bad in ["", "px", "1", "1.em", "1pt", "e5px", "1e5px", "--1px", "1 px", "%", "99999999px", "."] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert_eq!(Length::list::<2>("1px 2px").map(|(_, count)| count), Some(2));
        assert_eq!(Length::list::<2>("1px 2px 3px"), None);
        assert_eq!(Length::list::<2>(" "), None);
    }

    #[test]
    fn lengths_become_shares_of_the_picture() {
        let plane = Plane { pixels: Some((640.0, 480.0)), cells: (40.0, 24.0) };
        let length = |text| Length::read(text).unwrap_or(Length::ZERO);
        assert_eq!(plane.vertical(length("48px"), 100.0, 5.0), Some(10.0));
        assert_eq!(plane.horizontal(length("64px"), 100.0, 5.0), Some(10.0));
        assert_eq!(plane.vertical(length("50%"), 50.0, 5.0), Some(25.0));
        assert_eq!(plane.horizontal(length("4c"), 100.0, 5.0), Some(10.0));
        assert_eq!(plane.vertical(length("2em"), 100.0, 5.0), Some(10.0));
        assert_eq!(plane.horizontal(length("2em"), 100.0, 6.0), Some(9.0));
        assert_eq!(Plane::default().vertical(length("3px"), 100.0, 5.0), None);
    }
}
