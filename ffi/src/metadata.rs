//! Timed metadata and thumbnails for C: questions to a snapshot.

use std::ffi::{CString, c_char};
use std::sync::Arc;

use player_core::MediaTime;
use player_core::model::{MetadataBody, MetadataSource, TimedMetadata};

use crate::boundary::{c_string, give, guarded, shared};
use crate::sized::{Out, sized};
use crate::snapshot::kinora_snapshot;

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

    fn view(&self, metadata: &Arc<TimedMetadata>) -> kinora_metadata {
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

/// Reads piece number `index` of the timed metadata known so far, ordered by start. `*found` is 1, or 0 when there are
/// no more; `*out` is then as it was.
///
/// Thread-safety: any thread.
///
/// # Safety
/// `snapshot` is a live snapshot; `out` is valid for `out->struct_size` bytes; `found` is valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_snapshot_metadata(
    snapshot: *const kinora_snapshot,
    index: usize,
    out: *mut kinora_metadata,
    found: *mut u32,
) -> u32 {
    guarded(|| {
        // SAFETY: the caller's promise.
        let (snapshot, out) = unsafe { (shared(snapshot, "snapshot")?, Out::new(out, "out")?) };
        let piece = snapshot.metadata(index);
        // SAFETY: the caller's promise.
        unsafe { give(found, u32::from(piece.is_some()), "found") }?;
        if let Some((metadata, texts)) = piece {
            out.fill(&texts.view(metadata));
        }
        Ok(())
    })
}

/// Finds the thumbnail for `time_ns`, of tiles at least `width` pixels wide when there are such. `*found` is 1, or 0
/// when there is none; `*out` is then as it was. The address of the picture's file is written to `url`, a buffer of
/// `url_size` bytes, with a final NUL; a buffer that is too small (see `url_length`) is left empty. `url` may be NULL
/// when `url_size` is 0.
///
/// Thread-safety: any thread.
///
/// # Safety
/// As kinora_snapshot_metadata(); `url_size` bytes at `url` are valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_snapshot_thumbnail_at(
    snapshot: *const kinora_snapshot,
    time_ns: i64,
    width: u32,
    out: *mut kinora_thumbnail,
    url: *mut c_char,
    url_size: usize,
    found: *mut u32,
) -> u32 {
    guarded(|| {
        // SAFETY: the caller's promise.
        let (snapshot, out) = unsafe { (shared(snapshot, "snapshot")?, Out::new(out, "out")?) };
        // SAFETY: the caller's promise.
        unsafe { give(found, 0, "found") }?;
        if url_size > 0 {
            // SAFETY: the caller's promise.
            unsafe { give(url, 0, "url") }?;
        }
        let picture = snapshot.inner().thumbnail_at(MediaTime::from_nanos(time_ns), width);
        let picture = picture.and_then(|picture| Some((picture.resource.urls.first().cloned()?, picture)));
        let Some((address, picture)) = picture else { return Ok(()) };
        // SAFETY: `found` was written through above.
        unsafe { give(found, 1, "found") }?;
        out.fill(&kinora_thumbnail {
            struct_size: size_of::<kinora_thumbnail>(),
            start_ns: picture.start.as_nanos(),
            duration_ns: i64::try_from(picture.duration.as_nanos()).unwrap_or(i64::MAX),
            range_offset: picture.resource.range.map_or(0, |range| range.offset),
            range_length: picture.resource.range.and_then(|range| range.length).unwrap_or(0),
            x: picture.x,
            y: picture.y,
            width: picture.width,
            height: picture.height,
            url_length: address.as_str().len(),
        });
        let address = c_string(address.as_str()).into_bytes_with_nul();
        if address.len() <= url_size {
            // SAFETY: it is not NULL, for it was written through above; the bytes fit into the buffer that the caller
            // promises, and what was made here cannot overlap it.
            unsafe { std::ptr::copy_nonoverlapping(address.as_ptr(), url.cast::<u8>(), address.len()) };
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;
    use std::mem::MaybeUninit;
    use std::time::Duration;

    use player_core::Snapshot;
    use player_core::error::ErrorCode;
    use player_core::manifest;

    use super::*;

    /// An out-structure in which only its size is set.
    fn empty<T: crate::sized::CallerSized>() -> T {
        let mut out = MaybeUninit::<T>::zeroed();
        // SAFETY: zero is a value of every field, and the size comes first.
        unsafe {
            out.as_mut_ptr().cast::<usize>().write(size_of::<T>());
            out.assume_init()
        }
    }

    /// The snapshot that a manifest would give.
    fn snapshot(mpd: &str) -> kinora_snapshot {
        let base = "http://h/m.mpd".parse().expect("a valid address");
        let parsed = manifest::parse(mpd.as_bytes(), &base, None).expect("a valid manifest");
        let snapshot = Snapshot {
            metadata: Arc::new(parsed.presentation.metadata.iter().cloned().map(Arc::new).collect()),
            thumbnails: Arc::new(player_core::model::ThumbnailSpan::all(&parsed.presentation)),
            ..Snapshot::default()
        };
        kinora_snapshot::new(Arc::new(snapshot), MediaTime::ZERO, player_core::Now::ZERO)
    }

    const MPD: &str = "<MPD mediaPresentationDuration='PT20S'><Period>\
        <EventStream schemeIdUri='urn:x' value='1'><Event presentationTime='3' duration='2' id='7'>hi</Event></EventStream>\
        <AdaptationSet mimeType='video/mp4'><SegmentTemplate duration='10' media='$Number$'/>\
        <Representation id='v' bandwidth='1'/></AdaptationSet>\
        <AdaptationSet mimeType='image/png'><SegmentTemplate duration='10' media='t$Number$'/>\
        <Representation id='t' bandwidth='1' width='200' height='50'>\
        <EssentialProperty schemeIdUri='http://dashif.org/guidelines/thumbnail_tile' value='2x1'/></Representation>\
        </AdaptationSet></Period></MPD>";

    /// A manifest with neither metadata nor thumbnails.
    const PLAIN: &str = "<MPD mediaPresentationDuration='PT20S'><Period>\
        <AdaptationSet mimeType='video/mp4'><SegmentTemplate duration='10' media='$Number$'/>\
        <Representation id='v' bandwidth='1'/></AdaptationSet></Period></MPD>";

    #[test]
    fn metadata_is_read_piece_by_piece() {
        let snapshot = snapshot(MPD);
        let (mut read, mut found) = (empty::<kinora_metadata>(), 9);
        // SAFETY: everything lives on this stack.
        assert_eq!(unsafe { kinora_snapshot_metadata(&raw const snapshot, 0, &raw mut read, &raw mut found) }, 0);
        assert_eq!(found, 1);
        // SAFETY: written, as `found` states; its pointers live as long as the snapshot.
        let (scheme, body) =
            unsafe { (CStr::from_ptr(read.scheme), std::slice::from_raw_parts(read.body, read.body_length)) };
        assert_eq!((scheme.to_str(), body), (Ok("urn:x"), &b"hi"[..]));
        assert_eq!(read.source, kinora_metadata_source::EventStream);
        let second = i64::try_from(Duration::from_secs(1).as_nanos()).expect("small");
        assert_eq!((read.start_ns, read.duration_ns), (3 * second, 2 * second));
        // SAFETY: as above.
        assert_eq!(unsafe { kinora_snapshot_metadata(&raw const snapshot, 1, &raw mut read, &raw mut found) }, 0);
        assert_eq!(found, 0);
    }

    #[test]
    fn bad_pointers_are_refused_whatever_there_is_to_find() {
        let (snapshot, nothing) = (snapshot(MPD), snapshot(PLAIN));
        let (mut metadata, mut thumbnail) = (empty::<kinora_metadata>(), empty::<kinora_thumbnail>());
        let (mut found, mut none) = (9, std::ptr::null_mut::<u32>());
        let invalid = u32::from(ErrorCode::InvalidArgument.number());
        for snapshot in [&raw const snapshot, &raw const nothing] {
            // SAFETY: everything is NULL or lives on this stack.
            unsafe {
                let null = std::ptr::null_mut();
                assert_eq!(kinora_snapshot_metadata(snapshot, 0, null, &raw mut found), invalid);
                assert_eq!(kinora_snapshot_metadata(snapshot, 0, &raw mut metadata, none), invalid);
                let null = std::ptr::null_mut();
                assert_eq!(kinora_snapshot_thumbnail_at(snapshot, 0, 0, null, none.cast(), 0, &raw mut found), invalid);
                let mut ask = |size, found| {
                    kinora_snapshot_thumbnail_at(snapshot, 0, 0, &raw mut thumbnail, std::ptr::null_mut(), size, found)
                };
                assert_eq!((ask(0, none), ask(8, &raw mut found)), (invalid, invalid));
            }
        }
        none = &raw mut found;
        // SAFETY: as above.
        assert_eq!(unsafe { kinora_snapshot_metadata(&raw const nothing, 0, &raw mut metadata, none) }, 0);
        assert_eq!(found, 0);
    }

    #[test]
    fn a_thumbnail_comes_with_its_address_when_that_fits() {
        let snapshot = snapshot(MPD);
        let (mut read, mut found, mut url) = (empty::<kinora_thumbnail>(), 9, [1 as c_char; 64]);
        let mut ask = |size: usize, time: i64| {
            // SAFETY: everything lives on this stack; `size` is at most the buffer's.
            let code = unsafe {
                kinora_snapshot_thumbnail_at(
                    &raw const snapshot,
                    time,
                    0,
                    &raw mut read,
                    url.as_mut_ptr(),
                    size,
                    &raw mut found,
                )
            };
            // SAFETY: a NUL was written, or the buffer was not touched and is not read.
            let text = if size > 0 { unsafe { CStr::from_ptr(url.as_ptr()) }.to_bytes().to_vec() } else { Vec::new() };
            (code, found, text)
        };
        assert_eq!(ask(64, 16_000_000_000), (0, 1, b"http://h/t2".to_vec()));
        assert_eq!(ask(11, 16_000_000_000), (0, 1, Vec::new()), "it does not fit");
        assert_eq!(ask(0, 16_000_000_000), (0, 1, Vec::new()));
        assert_eq!(ask(1, 99_000_000_000), (0, 0, Vec::new()));
        assert_eq!((read.x, read.width, read.height, read.url_length), (100, 100, 50, 11));
    }
}
