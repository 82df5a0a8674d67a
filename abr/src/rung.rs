//! An entry of the ladder, and the protection of the output that it may demand.

use serde::{Deserialize, Serialize};

/// Copy protection of a link to a display, weakest first.
///
/// The levels are those of the attribute `HDCP-LEVEL` of HLS (draft-pantos-hls-rfc8216bis §4.4.6.2). A licence that asks
/// for a version of HDCP asks for [`Type0`](Hdcp::Type0) below 2.2 and for [`Type1`](Hdcp::Type1) from there on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Hdcp {
    /// None, or nothing is known about it.
    #[default]
    None,
    /// Any version, also through repeaters of an older one.
    #[serde(rename = "type-0")]
    Type0,
    /// 2.2 or later on every hop.
    #[serde(rename = "type-1")]
    Type1,
}

impl Hdcp {
    /// Reads a value of `HDCP-LEVEL`; `None` for one that the draft does not name.
    #[must_use]
    pub fn parse(level: &str) -> Option<Self> {
        match level {
            "NONE" => Some(Self::None),
            "TYPE-0" => Some(Self::Type0),
            "TYPE-1" => Some(Self::Type1),
            _ => None,
        }
    }
}

/// Protection that a rung demands of the output, and that the output has.
///
/// The second is for the host to keep up to date, in every rung of the ladder, when a display is plugged in or out.
/// It is [`Hdcp::None`] until then: a rung that demands something is not fetched before the host has vouched for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Protection {
    /// Protection that the output must have before this rung may be shown.
    pub needed: Hdcp,
    /// Protection that the output has now.
    pub present: Hdcp,
}

impl Protection {
    /// Returns true if the output has the protection that the rung needs.
    #[must_use]
    pub const fn suffices(self) -> bool {
        self.needed as u8 <= self.present as u8
    }
}

/// One entry of the ladder. A ladder is sorted by ascending bitrate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rung {
    /// Average rate of the representation in bits per second; its peak if that is all the manifest declares.
    pub bitrate_bps: u64,
    /// Height of the picture in pixels, where known; [`Caps::max_height`] is compared with it.
    pub height: Option<u32>,
    /// Protection that it demands of the output, and that the output has.
    #[serde(default)]
    pub protection: Protection,
}

impl Rung {
    /// A rung of unknown picture size that any output may show.
    #[must_use]
    pub const fn new(bitrate_bps: u64) -> Self {
        let protection = Protection { needed: Hdcp::None, present: Hdcp::None };
        Self { bitrate_bps, height: None, protection }
    }

    /// The same with a picture of `height` pixels.
    #[must_use]
    pub const fn with_height(self, height: u32) -> Self {
        Self { height: Some(height), ..self }
    }

    /// The same, only for outputs that have `needed`.
    #[must_use]
    pub const fn protected_by(self, needed: Hdcp) -> Self {
        Self { protection: Protection { needed, ..self.protection }, ..self }
    }

    /// The same, on an output that has `present`.
    #[must_use]
    pub const fn shown_on(self, present: Hdcp) -> Self {
        Self { protection: Protection { present, ..self.protection }, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_read_as_manifests_write_them() {
        let read = ["NONE", "TYPE-0", "TYPE-1", "type-1", "2.2"].map(Hdcp::parse);
        assert_eq!(read, [Some(Hdcp::None), Some(Hdcp::Type0), Some(Hdcp::Type1), None, None]);
    }
}
