//! Content of a manifest besides the sets that are presented: captions inside the video, thumbnails, data for the host.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use super::{Resource, Role, TrackId};
use crate::time::MediaTime;

/// Channel or service of captions inside the video stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaptionService {
    /// ANSI/CTA-608 channel, 1 to 4 (`CC1` to `CC4`).
    Cea608(u8),
    /// ANSI/CTA-708 service, 1 to 63.
    Cea708(u8),
}

/// Captions that come inside the video: chosen like a text track, but nothing more is fetched for it
/// (HLS `TYPE=CLOSED-CAPTIONS`; DASH `Accessibility` with `urn:scte:dash:cc:cea-608:2015` or `…cea-708:2015`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptionTrack {
    /// The same in every period for the same track.
    pub id: TrackId,
    /// Channel or service inside the video stream.
    pub service: CaptionService,
    /// BCP 47 tag; `None` if the manifest declares none.
    pub language: Option<String>,
    /// Name for menus; `None` if the manifest declares none.
    pub label: Option<String>,
    /// Chosen if the viewer makes no choice.
    pub default: bool,
    /// May be chosen without being asked for, when the language matches.
    pub autoselect: bool,
}

/// Sound inside the files of the pictures that can be chosen like a separate one (an HLS rendition without address,
/// RFC 8216bis §4.4.6.2.1): nothing more is fetched for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MuxedAudio {
    /// As that of a set.
    pub id: TrackId,
    /// BCP 47 tag; `None` if the manifest declares none.
    pub language: Option<String>,
    /// Name for menus; `None` if the manifest declares none.
    pub label: Option<String>,
    /// Purposes of the track; empty means main.
    pub roles: Vec<Role>,
    /// Chosen if the viewer makes no choice.
    pub default: bool,
    /// May be chosen without being asked for, when the language matches.
    pub autoselect: bool,
}

/// Servers that hold all of the presentation, to be used, left and steered to as one (RFC 8216bis §7.1 "pathway";
/// ISO/IEC 23009-1 `serviceLocation`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pathway {
    /// Its name: `PATHWAY-ID`, `serviceLocation`, or one made up for redundant streams that have none.
    pub id: String,
    /// Addresses that begin with one of these belong to it; of several pathways the longest beginning decides.
    pub prefixes: Vec<Url>,
}

/// A picture of a thumbnail track: a tile of a larger one, or all of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thumbnail {
    /// The picture that holds it.
    pub resource: Resource,
    /// Its left edge in that picture, in pixels.
    pub x: u32,
    /// Its upper edge in that picture, in pixels.
    pub y: u32,
    /// Width of the tile in pixels; 0 if not declared, which means the whole picture.
    pub width: u32,
    /// Height of the tile in pixels; 0 if not declared, which means the whole picture.
    pub height: u32,
    /// From when on it stands for the presentation.
    pub start: MediaTime,
    /// Time for which it stands from then on.
    pub duration: Duration,
}

/// Data for the host that the presentation carries as a whole (RFC 8216bis §4.4.6.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionData {
    /// Its name, in reverse-DNS form.
    pub data_id: String,
    /// The data itself, when it stands in the manifest.
    pub value: Option<String>,
    /// Address of the data, if it is not in the manifest.
    pub resource: Option<Resource>,
    /// Format of the data at that address (`FORMAT`): `JSON` or `RAW`.
    pub format: Option<String>,
    /// BCP 47 tag; `None` if the manifest declares none.
    pub language: Option<String>,
}

/// Preference for a place that serves a part of the presentation (`BaseURL` with `@dvb:priority` and `@dvb:weight`, DVB
/// A168 §10.8.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseWeight {
    /// Prefix of the addresses of that place, up to the last slash.
    pub base: Url,
    /// Lower ones are asked first.
    pub priority: u32,
    /// Share of the random choice among places of equal priority; at least 1.
    pub weight: u32,
}

/// A server that orders the pathways (RFC 8216bis §7; ETSI TS 103 998 for DASH).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentSteering {
    /// Address of the steering manifest.
    pub server: Resource,
    /// Pathway (service location) to begin with, if declared.
    pub pathway: Option<String>,
}
