//! Arithmetic that gives the same bits on each machine: no function of the system's mathematics library.

/// A colour: red, green and blue from 0 to 1, as they are shown.
pub(crate) type Rgb = [f32; 3];

/// Reads a colour that is written as `0xRRGGBB`.
pub(crate) fn rgb(hex: u32) -> Rgb {
    [16, 8, 0].map(|shift| (hex >> shift & 0xff) as f32 / 255.0)
}

/// Returns the colour between two others; `t` goes from 0 to 1.
pub(crate) fn mix(a: Rgb, b: Rgb, t: f32) -> Rgb {
    [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t]
}

/// Returns a colour multiplied by a factor.
pub(crate) fn dim(colour: Rgb, factor: f32) -> Rgb {
    colour.map(|channel| channel * factor)
}

/// Returns the sine of an angle in turns, to within 0.001.
pub(crate) fn sin(turns: f32) -> f32 {
    let x = turns - (turns + 0.5).floor();
    let y = 8.0 * x - 16.0 * x * x.abs();
    y * (0.775 + 0.225 * y.abs())
}

/// Returns the cosine of an angle in turns.
pub(crate) fn cos(turns: f32) -> f32 {
    sin(turns + 0.25)
}

/// Returns 0 up to `from`, 1 beyond `to`, and a smooth way between.
pub(crate) fn smooth(from: f32, to: f32, x: f32) -> f32 {
    let t = ((x - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// Returns two to the power of `x`, to within a thousandth, for `x` from -60 to 60.
pub(crate) fn exp2(x: f32) -> f32 {
    let whole = x.floor();
    let part = x - whole;
    let curve = 1.0 + part * (0.695_976 + part * (0.224_494 + part * 0.079_53));
    curve * f32::from_bits(((whole.clamp(-126.0, 127.0) as i32 + 127) as u32) << 23)
}

/// Numbers from 0 to 1 that follow from a seed.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u32) -> Self {
        let mut dice = Self(u64::from(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d);
        let _ = dice.roll();
        dice
    }

    /// Returns the next number.
    pub(crate) fn roll(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1u32 << 24) as f32
    }

    /// Returns a number between two others.
    pub(crate) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.roll()
    }

    /// Returns one of a list that is not empty.
    pub(crate) fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[((self.roll() * list.len() as f32) as usize).min(list.len() - 1)]
    }
}

/// Returns a number from 0 to 1 for a pair of whole numbers.
pub(crate) fn hash(a: i32, b: i32) -> f32 {
    let mut x = (a as u32).wrapping_mul(0x9e37_79b1) ^ (b as u32).wrapping_mul(0x85eb_ca77);
    x ^= x >> 15;
    x = x.wrapping_mul(0x2c1b_3c6d);
    x ^= x >> 12;
    x = x.wrapping_mul(0x297a_2d39);
    x ^= x >> 15;
    (x >> 8) as f32 / (1u32 << 24) as f32
}

/// Returns smooth noise from 0 to 1 that repeats after `period` whole steps of `x`.
pub(crate) fn noise(x: f32, period: i32, seed: i32) -> f32 {
    let cell = x.floor();
    let t = x - cell;
    let at = |step: i32| hash((cell as i32 + step).rem_euclid(period.max(1)), seed);
    let (a, b) = (at(0), at(1));
    a + (b - a) * t * t * (3.0 - 2.0 * t)
}

/// Returns four octaves of [`noise`], from 0 to 1.
pub(crate) fn rough(x: f32, period: i32, seed: i32) -> f32 {
    let (mut sum, mut weight, mut scale) = (0.0, 0.53, 1);
    for octave in 0..4 {
        sum += weight * noise(x * scale as f32, period * scale, seed + octave * 101);
        weight *= 0.5;
        scale *= 2;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_are_near_the_real_ones() {
        for step in -400..400_i32 {
            let x = step as f32 / 100.0;
            assert!((sin(x) - (x * std::f32::consts::TAU).sin()).abs() < 0.002, "sin {x}");
            assert!((exp2(x) / x.exp2() - 1.0).abs() < 0.002, "exp2 {x}");
        }
    }

    #[test]
    fn noise_repeats_after_its_period() {
        for step in 0..40 {
            let x = step as f32 * 0.37;
            assert!((rough(x, 8, 3) - rough(x + 8.0, 8, 3)).abs() < 1e-4, "{x}");
            assert!((0.0..=1.0).contains(&rough(x, 8, 3)));
        }
    }
}
