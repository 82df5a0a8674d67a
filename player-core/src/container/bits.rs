//! Reading bit fields of codec records and elementary streams, most significant bit first.

/// Bits that have not been read yet. Reading past the end gives `None`.
#[derive(Clone, Debug)]
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Bits<'a> {
    /// All bits of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// The next `count` bits, at most 32.
    pub fn take(&mut self, count: u32) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count.min(32) {
            let byte = *self.bytes.get(self.position / 8)?;
            value = (value << 1) + u32::from(byte >> (7 - self.position % 8) & 1);
            self.position += 1;
        }
        Some(value)
    }

    /// Passes over `count` bits.
    pub fn skip(&mut self, count: usize) -> Option<()> {
        self.position = self.position.checked_add(count).filter(|&end| end <= self.bytes.len() * 8)?;
        Some(())
    }

    /// The next bit as a flag.
    pub fn flag(&mut self) -> Option<bool> {
        self.take(1).map(|bit| bit == 1)
    }

    /// An unsigned Exp-Golomb code (ITU-T H.264 §9.1); `None` when it is longer than 32 bits.
    pub fn unsigned(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.take(1)? == 0 {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some((1 << zeros) - 1 + self.take(zeros)?)
    }

    /// A signed Exp-Golomb code (ITU-T H.264 §9.1.1).
    pub fn signed(&mut self) -> Option<i32> {
        let code = i64::from(self.unsigned()?);
        i32::try_from(if code & 1 == 1 { (code + 1) / 2 } else { -(code / 2) }).ok()
    }

    /// Bits that have been read or passed over.
    pub fn position(&self) -> usize {
        self.position
    }
}
