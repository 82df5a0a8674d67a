//! The frame counter and the flash that are burnt into the demo films, and how to read them back from decoded luma.
//!
//! All positions are fractions of the picture, so they survive scaling (down to 426×240).
//!
//! # Counter
//!
//! [`BOXES`] boxes stand in a row on a black bar in the upper left corner. Box `k` begins at `x = 0.02 + 0.03 k`, `y = 0.03` and is
//! 0.024 wide and 0.05 high; white is 1, black is 0. In order:
//!
//! | box | meaning |
//! |---|---|
//! | 0 | always white |
//! | 1–16 | frame number modulo 65 536, least significant bit first; the first frame is 0 |
//! | 17 | parity: white if an odd number of the boxes 1–16 is white |
//! | 18 | always black |
//!
//! A picture from another place, a grey one or a badly damaged one breaks the markers, the parity or the contrast and reads as `None`.
//!
//! # Flash
//!
//! A square in the upper right corner, `x = 0.93..0.97`, `y = 0.03..0.10`, is white for the first [`FLASH_FRAMES`] frames of every
//! second of media time and black otherwise. At the same media time a beep of 50 ms begins in every audio rendition.

/// Boxes in a row: a white marker, sixteen bits, the parity and a black marker.
pub const BOXES: u32 = 19;
/// Frames at the start of every second in which the flash is white.
pub const FLASH_FRAMES: u32 = 2;

const BITS: u32 = 16;
const LEFT: f64 = 0.02;
const PITCH: f64 = 0.03;
const BOX_WIDTH: f64 = 0.024;
const TOP: f64 = 0.03;
const BOX_HEIGHT: f64 = 0.05;
const FLASH: (f64, f64, f64, f64) = (0.93, 0.03, 0.04, 0.07);

/// Luma at or above which a box is white, and at or below which it is black (video range has white at 235 and black at 16).
const WHITE: u32 = 160;
const BLACK: u32 = 96;

/// One plane of 8-bit luma.
#[derive(Clone, Copy)]
struct Plane<'a> {
    luma: &'a [u8],
    stride: usize,
    width: usize,
    height: usize,
}

impl Plane<'_> {
    /// Mean of 3×3 pixels around a point given as fractions; `None` outside the plane or if the buffer is too short.
    fn around(&self, x: f64, y: f64) -> Option<u32> {
        let column = (x * self.width as f64) as usize;
        let row = (y * self.height as f64) as usize;
        if column < 1 || row < 1 || column + 1 >= self.width || row + 1 >= self.height || self.width > self.stride {
            return None;
        }
        let mut sum = 0;
        for r in row - 1..=row + 1 {
            let start = r.checked_mul(self.stride)?.checked_add(column - 1)?;
            let pixels = self.luma.get(start..start + 3)?;
            sum += pixels.iter().map(|&p| u32::from(p)).sum::<u32>();
        }
        Some(sum / 9)
    }

    /// White, black, or `None` for anything in between.
    fn bit(&self, x: f64, y: f64) -> Option<bool> {
        match self.around(x, y)? {
            v if v >= WHITE => Some(true),
            v if v <= BLACK => Some(false),
            _ => None,
        }
    }
}

/// The burnt-in frame number, modulo 65 536. `None` if the picture does not carry a readable counter.
pub fn read(luma: &[u8], stride: usize, width: usize, height: usize) -> Option<u32> {
    let plane = Plane { luma, stride, width, height };
    let bit = |k: u32| plane.bit(LEFT + PITCH * f64::from(k) + BOX_WIDTH / 2.0, TOP + BOX_HEIGHT / 2.0);
    if !bit(0)? || bit(BOXES - 1)? {
        return None;
    }
    let mut value = 0;
    for k in 0..BITS {
        value |= u32::from(bit(k + 1)?) << k;
    }
    let odd = value.count_ones() % 2 == 1;
    (bit(BITS + 1)? == odd).then_some(value)
}

/// Whether the flash is white in this picture. A picture without the flash area reads as false.
pub fn flash(luma: &[u8], stride: usize, width: usize, height: usize) -> bool {
    let plane = Plane { luma, stride, width, height };
    let (x, y, w, h) = FLASH;
    plane.bit(x + w / 2.0, y + h / 2.0) == Some(true)
}

/// Boxes of the twelve-bit counter of the foreign test material.
const PEER_BITS: u32 = 12;

/// The twelve-bit counter of the test material that another packager makes: box `k` is centred at `x = 0.05 + 0.08 k`, `y = 0.93`,
/// 0.06 wide and 0.10 high, least significant bit first, white is 1. It has no markers: `None` only for a grey box or a short buffer.
pub fn read_peer(luma: &[u8], stride: usize, width: usize, height: usize) -> Option<u32> {
    let plane = Plane { luma, stride, width, height };
    let mut value = 0;
    for k in 0..PEER_BITS {
        value |= u32::from(plane.bit(0.05 + 0.08 * f64::from(k), 0.93)?) << k;
    }
    Some(value)
}

/// The ffmpeg filters that draw the counter and the flash on a film of `fps` (whole) frames a second.
pub fn filters(fps: u32) -> String {
    filters_from(fps, 0)
}

/// The same for a piece of a film whose first frame has the number `first`.
pub fn filters_from(fps: u32, first: u32) -> String {
    let fill = |x: f64, y: f64, w: f64, h: f64, colour: &str| {
        format!("drawbox=x=iw*{x:.4}:y=ih*{y:.4}:w=iw*{w:.4}:h=ih*{h:.4}:t=fill:color={colour}")
    };
    let at = |k: u32| fill(LEFT + PITCH * f64::from(k), TOP, BOX_WIDTH, BOX_HEIGHT, "white");
    let bit = |k: u32| format!("mod(floor((n+{first})/{})\\,2)", 1u32 << k);
    let bar = PITCH * f64::from(BOXES) + 0.01;
    let mut all = vec![fill(LEFT - 0.008, TOP - 0.014, bar, BOX_HEIGHT + 0.028, "black"), at(0)];
    all.extend((0..BITS).map(|k| format!("{}:enable={}", at(k + 1), bit(k))));
    let ones: Vec<String> = (0..BITS).map(bit).collect();
    all.push(format!("{}:enable=mod({}\\,2)", at(BITS + 1), ones.join("+")));
    let (x, y, w, h) = FLASH;
    all.push(fill(x - 0.004, y - 0.007, w + 0.008, h + 0.014, "black"));
    all.push(format!("{}:enable=lt(mod(n\\,{fps})\\,{FLASH_FRAMES})", fill(x, y, w, h, "white")));
    all.join(",")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// Paints the layout as documented, independently of the filter strings.
    fn painted(width: usize, height: usize, boxes: &[u8]) -> Vec<u8> {
        let mut luma = vec![120; width * height];
        for (k, &value) in boxes.iter().enumerate() {
            let x0 = ((LEFT + PITCH * k as f64) * width as f64) as usize;
            let x1 = ((LEFT + PITCH * k as f64 + BOX_WIDTH) * width as f64) as usize;
            for y in (TOP * height as f64) as usize..((TOP + BOX_HEIGHT) * height as f64) as usize {
                luma[y * width + x0..y * width + x1].fill(value);
            }
        }
        luma
    }

    fn boxes(value: u32) -> Vec<u8> {
        let bits = (0..BITS).map(|k| value >> k & 1 == 1);
        let all = std::iter::once(true).chain(bits).chain([value.count_ones() % 2 == 1, false]);
        all.map(|on| if on { 235 } else { 16 }).collect()
    }

    #[test]
    fn every_bit_reads_back_at_the_smallest_size() {
        let values = (0..BITS).map(|k| 1 << k).chain([0, 0xffff, 0x5555, 12_345]);
        for value in values {
            let luma = painted(426, 240, &boxes(value));
            assert_eq!(read(&luma, 426, 426, 240), Some(value), "{value}");
        }
    }

    #[test]
    fn a_wrong_picture_is_not_a_number() {
        let (w, h) = (426, 240);
        for grey in [0, 16, 128, 235, 255] {
            assert_eq!(read(&vec![grey; w * h], w, w, h), None, "{grey}");
        }
        for k in 0..BOXES as usize {
            let mut damaged = boxes(1234);
            damaged[k] = if damaged[k] == 16 { 235 } else { 16 };
            assert_eq!(read(&painted(w, h, &damaged), w, w, h), None, "box {k} flipped");
        }
        let whole = painted(w, h, &boxes(7));
        assert_eq!(read(&whole[..w * 5], w, w, h), None, "short buffer");
        assert_eq!(read(&whole, w / 2, w, h), None, "stride below width");
        assert!(!flash(&whole, w, w, h));
        assert!(flash(&vec![235; w * h], w, w, h));
        assert!(!flash(&[], 0, 0, 0));
    }

    #[test]
    fn the_peer_layout_is_read() {
        let (w, h) = (640usize, 360usize);
        let value = 0b1010_0110_0011u32;
        let mut luma = vec![16u8; w * h];
        for k in (0..12).filter(|k| value >> k & 1 == 1) {
            for y in h * 88 / 100..h * 98 / 100 {
                luma[y * w + w * (2 + 8 * k) / 100..y * w + w * (8 + 8 * k) / 100].fill(235);
            }
        }
        assert_eq!(read_peer(&luma, w, w, h).unwrap(), value);
        assert_eq!(read_peer(&vec![128; w * h], w, w, h), None);
    }
}
