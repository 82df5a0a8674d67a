//! QR codes: a text as dark and light squares.

use qrcodegen::{QrCode, QrCodeEcc};

/// Squares of a QR code, without the light frame around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QrSquares {
    side: usize,
    dark: Vec<bool>,
}

impl QrSquares {
    /// Number of light squares around a code that readers need (ISO/IEC 18004, 6.3.8).
    pub const QUIET_ZONE: usize = 4;

    /// Returns the code of a text; `None` when it is too long for one.
    pub fn of(text: &str) -> Option<Self> {
        let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
        let side = code.size();
        let dark = (0..side).flat_map(|y| (0..side).map(move |x| (x, y))).map(|(x, y)| code.get_module(x, y)).collect();
        Some(Self { side: usize::try_from(side).ok()?, dark })
    }

    /// Number of squares along a side.
    pub const fn side(&self) -> usize {
        self.side
    }

    /// Returns the runs of dark squares: row, first column, length.
    pub fn runs(&self) -> impl Iterator<Item = (usize, usize, usize)> + '_ {
        self.dark.chunks(self.side.max(1)).enumerate().flat_map(|(y, row)| {
            let mut runs: Vec<(usize, usize, usize)> = Vec::new();
            for (x, _) in row.iter().enumerate().filter(|(_, dark)| **dark) {
                match runs.last_mut() {
                    Some((_, start, length)) if *start + *length == x => *length += 1,
                    _ => runs.push((y, x, 1)),
                }
            }
            runs
        })
    }
}

#[cfg(test)]
mod tests {
    use super::QrSquares;

    #[test]
    fn a_code_has_its_three_eyes_and_is_as_wide_as_high() {
        let code = QrSquares::of("http://192.0.2.7:8000/link?code=BCDF-GHJK").expect("it fits");
        let (side, runs) = (code.side(), code.runs().collect::<Vec<_>>());
        assert!((21..=177).contains(&side) && (side - 21) % 4 == 0, "{side}");
        for eye in [(0, 0, 7), (0, side - 7, 7), (side - 7, 0, 7), (side - 1, 0, 7)] {
            assert!(runs.contains(&eye), "{eye:?} among {runs:?}");
        }
        assert!(runs.iter().all(|(y, x, length)| *y < side && x + length <= side));
        assert_eq!(QrSquares::of(&"x".repeat(5000)), None);
    }
}
