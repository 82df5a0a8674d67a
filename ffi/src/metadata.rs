//! Timed metadata and thumbnails for C: questions to a snapshot.

use std::ffi::{CString, c_char};
use std::sync::Arc;

use player_core::model::{MetadataBody, MetadataSource, TimedMetadata};

use crate::sized::sized;
use crate::strings::c_string;

/// Mechanism that carried a piece of timed metadata.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum kinora_metadata_source {
    /// A date range of a playlist (EXT-X-DATERANGE).
    DateRange = 0,
    /// An event stream of a manifest.
    EventStream = 1,
    /// An event message in the media (emsg).
    EventMessage = 2,
    /// An ID3 tag in the media.
    Id3 = 3,
}

/// A piece of timed metadata. Pointers live as long as the snapshot.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct kinora_metadata {
    /// Set it to the size of this structure as you compiled it, before the call.
    pub struct_size: usize,
    /// Mechanism that carried it.
    pub source: kinora_metadata_source,
    /// Scheme that identifies its kind; empty when not declared.
    pub scheme: *const c_char,
    /// Sub-type of the scheme; empty when not declared.
    pub value: *const c_char,
    /// Identifier within scheme and value; empty when not declared.
    pub id: *const c_char,
    /// First time at which it holds.
    pub start_ns: i64,
    /// For how long; -1 when not known.
    pub duration_ns: i64,
    /// Content in the format that the scheme names; text is UTF-8, attributes are a JSON object's pairs.
    pub body: *const u8,
    /// Number of bytes at `body`.
    pub body_length: usize,
    /// All of it as JSON; bytes are in hexadecimal.
    pub json: *const c_char,
}

sized!(kinora_metadata, { struct_size, source, scheme, value, id, start_ns, duration_ns, body, body_length, json });

/// A picture for the seek bar.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct kinora_thumbnail {
    /// Set it to the size of this structure as you compiled it, before the call.
    pub struct_size: usize,
    /// First time that it stands for.
    pub start_ns: i64,
    /// Duration in nanoseconds.
    pub duration_ns: i64,
    /// First byte of the picture's file at the address.
    pub range_offset: u64,
    /// Bytes of it; 0 is all that follow.
    pub range_length: u64,
    /// Left edge of the tile in the picture, in pixels.
    pub x: u32,
    /// Upper edge of the tile in the picture, in pixels.
    pub y: u32,
    /// Width of the tile in pixels; 0 is the whole picture.
    pub width: u32,
    /// Height of the tile in pixels; 0 is the whole picture.
    pub height: u32,
    /// Bytes of the address of the picture's file, without the final NUL.
    pub url_length: usize,
}

sized!(kinora_thumbnail, { struct_size, start_ns, duration_ns, range_offset, range_length, x, y, width, height, url_length });

/// Texts that the pointers of a piece of metadata lead to.
pub struct MetadataTexts {
    scheme: CString,
    value: CString,
    id: CString,
    attributes: Option<String>,
    json: CString,
}

impl MetadataTexts {
    /// Makes the texts of a piece of metadata.
    pub fn of(metadata: &TimedMetadata) -> Self {
        let attributes = match &metadata.body {
            MetadataBody::Attributes(pairs) => serde_json::to_string(pairs).ok(),
            MetadataBody::Text(_) | MetadataBody::Binary(_) => None,
        };
        Self {
            scheme: c_string(&metadata.scheme),
            value: c_string(&metadata.value),
            id: c_string(&metadata.id),
            attributes,
            json: c_string(&serde_json::to_string(metadata).unwrap_or_default()),
        }
    }

    /// Returns the piece of metadata with pointers to these texts.
    pub fn view(&self, metadata: &Arc<TimedMetadata>) -> kinora_metadata {
        let body: &[u8] = match &metadata.body {
            MetadataBody::Attributes(_) => self.attributes.as_deref().unwrap_or_default().as_bytes(),
            MetadataBody::Text(text) => text.as_bytes(),
            MetadataBody::Binary(bytes) => bytes,
        };
        kinora_metadata {
            struct_size: size_of::<kinora_metadata>(),
            source: match metadata.source {
                MetadataSource::DateRange => kinora_metadata_source::DateRange,
                MetadataSource::EventStream => kinora_metadata_source::EventStream,
                MetadataSource::EventMessage => kinora_metadata_source::EventMessage,
                MetadataSource::Id3 => kinora_metadata_source::Id3,
            },
            scheme: self.scheme.as_ptr(),
            value: self.value.as_ptr(),
            id: self.id.as_ptr(),
            start_ns: metadata.start.as_nanos(),
            duration_ns: metadata
                .duration
                .map_or(-1, |duration| i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)),
            body: body.as_ptr(),
            body_length: body.len(),
            json: self.json.as_ptr(),
        }
    }
}
