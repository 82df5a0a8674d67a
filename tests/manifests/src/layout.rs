//! The parts of a text that have no meaning: white space, and decimals that are zero.

use std::time::Duration;

/// White space and zeros of a text. They never change what is described.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// For people, as the packager writes its files: each XML element on a line, indented by two spaces; a blank line in
    /// front of the first rendition or variant; at least six decimals in `EXTINF` and three in the durations of an MPD.
    Readable,
    /// For size, as the virtual film writes its files: elements within representations and templates share a line,
    /// nothing is indented; at least three decimals in `EXTINF` and none in the durations of an MPD.
    Compact,
}

/// Elements whose children stand on lines in [`Layout::Compact`].
const COMPACT_BLOCKS: [&str; 5] = ["MPD", "Patch", "Period", "EventStream", "AdaptationSet"];

impl Layout {
    pub(crate) const fn xml_declaration(self) -> &'static str {
        match self {
            Self::Readable => "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
            Self::Compact => "<?xml version=\"1.0\"?>\n",
        }
    }

    pub(crate) const fn indentation(self) -> usize {
        match self {
            Self::Readable => 2,
            Self::Compact => 0,
        }
    }

    /// Returns true if the children of an element stand on lines.
    pub(crate) fn is_block(self, element: &str) -> bool {
        self == Self::Readable || COMPACT_BLOCKS.contains(&element)
    }

    pub(crate) const fn after_header(self) -> &'static str {
        match self {
            Self::Readable => "\n",
            Self::Compact => "",
        }
    }

    /// Returns the seconds of an `EXTINF` tag.
    pub(crate) fn extinf(self, duration: Duration) -> String {
        match self {
            Self::Readable => seconds(duration, 6),
            Self::Compact => seconds(duration, 3),
        }
    }

    /// Returns an `xs:duration` in seconds.
    pub(crate) fn xs_duration(self, duration: Duration) -> String {
        match self {
            _ if duration.is_zero() => "PT0S".to_owned(),
            Self::Readable => format!("PT{}S", seconds(duration, 3)),
            Self::Compact => format!("PT{}S", seconds(duration, 0)),
        }
    }
}

/// Returns decimal seconds, exact to the nanosecond, with `least` decimals or as many more as are not zero.
fn seconds(duration: Duration, least: usize) -> String {
    let decimals = format!("{:09}", duration.subsec_nanos());
    let needed = decimals.trim_end_matches('0').len().max(least);
    match decimals.get(..needed).filter(|decimals| !decimals.is_empty()) {
        Some(decimals) => format!("{}.{decimals}", duration.as_secs()),
        None => duration.as_secs().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_decimal_is_lost() {
        let texts = |nanos| {
            let duration = Duration::from_nanos(nanos);
            [0, 3, 6].map(|least| seconds(duration, least))
        };
        assert_eq!(texts(4_000_000_000), ["4", "4.000", "4.000000"]);
        assert_eq!(texts(1_500_000_000), ["1.5", "1.500", "1.500000"]);
        assert_eq!(texts(2_002_000_001), ["2.002000001"; 3]);
        assert_eq!(texts(10), ["0.00000001"; 3]);
        assert_eq!(seconds(Duration::MAX, 0), "18446744073709551615.999999999");
        assert_eq!([Layout::Readable, Layout::Compact].map(|layout| layout.xs_duration(Duration::ZERO)), ["PT0S"; 2]);
    }
}
