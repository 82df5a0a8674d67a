//! HLS playlists (RFC 8216bis) and DASH manifests (ISO/IEC 23009-1) as values, and the one writer of their text. No I/O.
//!
//! The packager, the patchworks of its tests and the virtual film of the player's tests describe their media with these
//! types. The fields bear the standards' names. Quoting and escaping happen here and nowhere else. A value that its place
//! cannot hold, such as a quotation mark in a name of HLS, is a [`ManifestError`]; so is a combination that the standard
//! forbids and the types cannot rule out.
//!
//! ```
//! use kinora_manifests::Layout;
//! use kinora_manifests::hls::{MediaPlaylist, PlaylistType, Segment};
//! use std::time::Duration;
//!
//! let segment = Segment::new("a.m4s", Duration::from_millis(2002));
//! let playlist = MediaPlaylist {
//!     target_duration: 2,
//!     playlist_type: Some(PlaylistType::Vod),
//!     segments: vec![segment],
//!     is_ended: true,
//!     ..MediaPlaylist::default()
//! };
//! let text = playlist.to_text(Layout::Compact)?;
//! assert!(text.ends_with("#EXTINF:2.002,\na.m4s\n#EXT-X-ENDLIST\n"));
//! # Ok::<(), kinora_manifests::ManifestError>(())
//! ```

#![warn(missing_docs, unreachable_pub)]

pub mod dash;
mod date_time;
mod error;
pub mod hls;
mod layout;
mod range;
mod uri;

pub use date_time::DateTime;
pub use error::ManifestError;
pub use layout::Layout;
pub use range::ByteRange;
