//! From Y′CbCr numbers to R′G′B′ (ITU-T H.273 §8.3, ITU-R BT.601, BT.709, BT.2020).

use player_core::render::{Colorimetry, PixelLayout};

/// `rgb = matrix · sample + offset`, with samples and colours in 0–1. Rows are red, green and blue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ColourTransform {
    /// Rows of the matrix.
    pub matrix: [[f32; 3]; 3],
    /// Added after the multiplication.
    pub offset: [f32; 3],
}

impl ColourTransform {
    /// The colour of a sample, for tests and for processors that must do it themselves.
    pub fn apply(&self, sample: [f32; 3]) -> [f32; 3] {
        let row = |index: usize| {
            let products = self.matrix[index].iter().zip(sample).map(|(factor, value)| factor * value);
            (products.sum::<f32>() + self.offset[index]).clamp(0.0, 1.0)
        };
        [row(0), row(1), row(2)]
    }

    /// Column by column, as OpenGL takes it.
    pub fn columns(&self) -> [f32; 9] {
        let m = &self.matrix;
        [m[0][0], m[1][0], m[2][0], m[0][1], m[1][1], m[2][1], m[0][2], m[1][2], m[2][2]]
    }
}

/// The transform of a picture. An unknown matrix is taken as BT.709 from 720 lines on and as BT.601 below, as
/// decoders and displays commonly do.
pub fn transform(colorimetry: Colorimetry, layout: PixelLayout, height: u32) -> ColourTransform {
    let (kr, kb) = luma_weights(colorimetry.matrix, height);
    let bits = match layout {
        PixelLayout::I420P10 => 10,
        _ => 8,
    };
    let (y_zero, y_span, c_span) = ranges(colorimetry.full_range, bits);
    let c_zero = f64::from(1_u32 << (bits - 1)) / max_value(bits);
    let kg = 1.0 - kr - kb;
    let y = 1.0 / y_span;
    let red = 2.0 * (1.0 - kr) / c_span;
    let blue = 2.0 * (1.0 - kb) / c_span;
    let green_of_cb = -2.0 * kb * (1.0 - kb) / kg / c_span;
    let green_of_cr = -2.0 * kr * (1.0 - kr) / kg / c_span;
    let rows = [[y, 0.0, red], [y, green_of_cb, green_of_cr], [y, blue, 0.0]];
    let offset = rows.map(|row| -(row[0] * y_zero + (row[1] + row[2]) * c_zero));
    ColourTransform { matrix: rows.map(|row| row.map(|value| value as f32)), offset: offset.map(|value| value as f32) }
}

/// Weights of red and blue in luma by MatrixCoefficients (H.273 table 4).
fn luma_weights(matrix: u8, height: u32) -> (f64, f64) {
    const BT709: (f64, f64) = (0.2126, 0.0722);
    const BT601: (f64, f64) = (0.299, 0.114);
    match matrix {
        1 => BT709,
        4 => (0.30, 0.11),
        5 | 6 => BT601,
        7 => (0.212, 0.087),
        9 | 10 => (0.2627, 0.0593),
        _ if height >= 720 => BT709,
        _ => BT601,
    }
}

/// Where black lies, and the spans of luma and of chroma, as shares of the largest number.
fn ranges(full: bool, bits: u32) -> (f64, f64, f64) {
    if full {
        return (0.0, 1.0, 1.0);
    }
    let scale = f64::from(1_u32 << (bits - 8)) / max_value(bits);
    (16.0 * scale, 219.0 * scale, 224.0 * scale)
}

fn max_value(bits: u32) -> f64 {
    f64::from((1_u32 << bits) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn colorimetry(matrix: u8, full_range: bool) -> Colorimetry {
        Colorimetry { matrix, transfer: 1, primaries: 1, full_range }
    }

    fn check(matrix: u8, full: bool, layout: PixelLayout, code: [u32; 3], want: [u8; 3]) {
        let max = if layout == PixelLayout::I420P10 { 1023.0 } else { 255.0 };
        let sample = code.map(|value| value as f32 / max);
        let got = transform(colorimetry(matrix, full), layout, 1080).apply(sample);
        let got = got.map(|value| (value * 255.0).round() as i32);
        let close = got.iter().zip(want).all(|(got, want)| (got - i32::from(want)).abs() <= 1);
        assert!(close, "matrix {matrix}, full {full}, {layout:?}, {code:?}: {got:?} is not {want:?}");
    }

    /// Code values of the 100 % colour bars: BT.709 (SMPTE RP 219 arithmetic), BT.601 (BT.801), BT.2020.
    #[test]
    fn reference_colours_come_out_right() {
        let eight = PixelLayout::I420;
        let ten = PixelLayout::I420P10;
        check(1, false, eight, [16, 128, 128], [0, 0, 0]);
        check(1, false, eight, [235, 128, 128], [255, 255, 255]);
        check(1, false, eight, [63, 102, 240], [255, 0, 0]);
        check(1, false, eight, [173, 42, 26], [0, 255, 0]);
        check(1, false, eight, [32, 240, 118], [0, 0, 255]);
        check(6, false, eight, [81, 90, 240], [255, 0, 0]);
        check(6, false, eight, [145, 54, 34], [0, 255, 0]);
        check(5, false, eight, [41, 240, 110], [0, 0, 255]);
        check(9, false, ten, [294, 387, 960], [255, 0, 0]);
        check(9, false, ten, [64, 512, 512], [0, 0, 0]);
        check(9, false, ten, [940, 512, 512], [255, 255, 255]);
        check(5, true, eight, [76, 85, 255], [254, 0, 0]);
        check(5, true, eight, [255, 128, 128], [255, 255, 255]);
        check(1, true, PixelLayout::Nv12, [0, 128, 128], [0, 0, 0]);
    }

    #[test]
    fn an_untold_matrix_goes_by_the_size_of_the_picture() {
        let unknown = colorimetry(2, false);
        assert_eq!(transform(unknown, PixelLayout::I420, 1080), transform(colorimetry(1, false), PixelLayout::I420, 0));
        assert_eq!(transform(unknown, PixelLayout::I420, 480), transform(colorimetry(6, false), PixelLayout::I420, 0));
    }

    #[test]
    fn columns_are_the_transpose() {
        let transform = transform(colorimetry(1, false), PixelLayout::I420, 1080);
        let columns = transform.columns();
        for row in 0..3 {
            for column in 0..3 {
                assert!((columns[column * 3 + row] - transform.matrix[row][column]).abs() < f32::EPSILON);
            }
        }
    }
}
