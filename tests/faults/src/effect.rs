//! Effects of a fault on a request.

use std::time::Duration;

/// Effect on a request. A share of the body is in thousandths (‰).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The host refuses the connection. A server that has accepted one resets it.
    Refuse,
    /// The name of the host cannot be resolved. Not possible at a server.
    Unresolved,
    /// The network has no route to the host. Not possible at a server.
    NoRoute,
    /// The certificate of the host is refused. Not possible at a server.
    Untrusted,
    /// The connection is reset before the answer.
    Reset,
    /// The head of the answer cannot be read as HTTP.
    Garbled,
    /// The host takes the request and never answers.
    Silence,
    /// An HTTP error status, 400–599.
    Status(u16),
    /// An HTTP error status, and the delay of its `Retry-After`.
    Busy(u16, Duration),
    /// The answer begins later by this much. Delays of several faults add up.
    Delay(Duration),
    /// The body stops for good after this share of it.
    Stall(u32),
    /// The body stops after these bytes of it, for `pause` or, if that is `None`, for good.
    StallAt {
        /// Bytes of the body before the pause.
        after_bytes: u64,
        /// Length of the pause.
        pause: Option<Duration>,
    },
    /// The connection ends after this share of the body.
    Truncate(u32),
    /// The connection ends after these bytes of the body.
    ResetAt {
        /// Bytes of the body that are sent; at least 1, because 0 is [`Effect::Reset`].
        after_bytes: u64,
    },
    /// A complete answer of this many bytes: its length is that of the shorter body.
    Shorten {
        /// Bytes of the body that are kept.
        after_bytes: u64,
    },
    /// Every byte after this share of the body is changed; the length stays.
    Corrupt(u32),
    /// Bytes are changed in place; the length stays.
    CorruptAt {
        /// Offset in the file of the first changed byte.
        from: u64,
        /// Distance between changed bytes, at least 1.
        every: u64,
    },
    /// A page of HTML instead of the file.
    Html,
    /// An empty body.
    Empty,
    /// A redirect to the same path on this host.
    Redirect(String),
    /// The whole file in answer to a request for a part of it.
    WholeFile,
    /// A part of the range that was requested; the client needs this many requests for the range, if each is answered so.
    /// A server answers each with the first of so many parts of the range.
    Parts(u32),
}

impl Effect {
    /// Bits that a corruption flips in each byte that it changes.
    pub const CHANGED_BITS: u8 = 0xa5;

    /// Returns the bytes that a share in thousandths of `size` bytes has, rounded down; `size` if the share is above 1000.
    #[must_use]
    pub fn share(size: u64, permille: u32) -> u64 {
        let bytes = u128::from(size) * u128::from(permille.min(1000)) / 1000;
        u64::try_from(bytes).unwrap_or(size)
    }

    /// Returns the effect on a body of `length` bytes that begins at `offset` of its file, with shares as bytes. Bytes that the
    /// file has are changed by their offset in it, so that the same ones are wrong in every range.
    #[must_use]
    pub fn in_bytes(self, offset: u64, length: u64) -> Self {
        match self {
            Self::Stall(permille) => Self::StallAt { after_bytes: Self::share(length, permille), pause: None },
            Self::Truncate(permille) => Self::ResetAt { after_bytes: Self::share(length, permille) },
            Self::Corrupt(permille) => {
                Self::CorruptAt { from: offset.saturating_add(Self::share(length, permille)), every: 1 }
            }
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Effect;

    #[test]
    fn shares_are_of_the_body_and_corruption_is_of_the_file() {
        assert_eq!([0, 1, 333, 1000, 1001].map(|share| Effect::share(1001, share)), [0, 1, 333, 1001, 1001]);
        assert_eq!(Effect::share(u64::MAX, 500), u64::MAX / 2);
        assert_eq!(Effect::Stall(250).in_bytes(50, 400), Effect::StallAt { after_bytes: 100, pause: None });
        assert_eq!(Effect::Truncate(250).in_bytes(50, 400), Effect::ResetAt { after_bytes: 100 });
        assert_eq!(Effect::Corrupt(250).in_bytes(50, 400), Effect::CorruptAt { from: 150, every: 1 });
        assert_eq!(Effect::Corrupt(1).in_bytes(u64::MAX, 4000), Effect::CorruptAt { from: u64::MAX, every: 1 });
        assert_eq!(Effect::Html.in_bytes(50, 400), Effect::Html);
    }
}
