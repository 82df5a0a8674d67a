//! Details of a snapshot for C: positions of cues, timed metadata, thumbnails, and the request that playback waits for.
//! Their elements are defined in modules that know no snapshot.

use std::ffi::c_char;

use player_core::MediaTime;

use super::kinora_snapshot;
use crate::boundary::{give, guarded, shared};
use crate::cue::kinora_cue_layout;
use crate::live::{self, kinora_live_info};
use crate::metadata::{kinora_metadata, kinora_thumbnail};
use crate::retry::kinora_pending_retry;
use crate::sized::Out;
use crate::strings::c_string;

/// Gives the position of the `index`th cue that is on screen at `time_ns`, and its styled runs of text; `*layout` is
/// NULL when there are no more. Its memory belongs to the snapshot and lives as long as that. Read its fields through
/// the pointer and do not copy the structures whole: later versions add fields at their ends.
///
/// Thread-safety: any thread.
///
/// # Safety
/// `snapshot` is a live snapshot; `layout` is valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_snapshot_cue_layout(
    snapshot: *const kinora_snapshot,
    time_ns: i64,
    index: usize,
    layout: *mut *const kinora_cue_layout,
) -> u32 {
    guarded(|| {
        // SAFETY: the caller's promise.
        unsafe { give(layout, std::ptr::null(), "layout") }?;
        // SAFETY: the caller's promise.
        let snapshot = unsafe { shared(snapshot, "snapshot") }?;
        let found = snapshot.cue_at(time_ns, index).map_or(std::ptr::null(), |(_, view)| &raw const *view.layout);
        // SAFETY: `layout` was written through above.
        unsafe { give(layout, found, "layout") }
    })
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

/// Reads the failed request that playback depends on most. `*found` is 1, or 0 while nothing is being tried again;
/// `*out` is then as it was.
///
/// Thread-safety: any thread.
///
/// # Safety
/// `snapshot` is a live snapshot; `out` is valid for `out->struct_size` bytes; `found` is valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_snapshot_pending_retry(
    snapshot: *const kinora_snapshot,
    out: *mut kinora_pending_retry,
    found: *mut u32,
) -> u32 {
    guarded(|| {
        // SAFETY: the caller's promise.
        let (snapshot, out) = unsafe { (shared(snapshot, "snapshot")?, Out::new(out, "out")?) };
        let retry = snapshot.retry();
        // SAFETY: the caller's promise.
        unsafe { give(found, u32::from(retry.is_some()), "found") }?;
        if let Some(retry) = retry {
            retry.fill(out);
        }
        Ok(())
    })
}

/// Reads the state of live playback. `*found` is 1, or 0 on demand and until the live edge is known; `*out` is then as
/// it was.
///
/// Thread-safety: any thread.
///
/// # Safety
/// `snapshot` is a live snapshot; `out` is valid for `out->struct_size` bytes; `found` is valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kinora_snapshot_live(
    snapshot: *const kinora_snapshot,
    out: *mut kinora_live_info,
    found: *mut u32,
) -> u32 {
    guarded(|| {
        // SAFETY: the caller's promise.
        let (snapshot, out) = unsafe { (shared(snapshot, "snapshot")?, Out::new(out, "out")?) };
        let live = snapshot.inner().live.as_ref();
        // SAFETY: the caller's promise.
        unsafe { give(found, u32::from(live.is_some()), "found") }?;
        if let Some(live) = live {
            live::fill(live, out);
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;
    use std::mem::MaybeUninit;
    use std::sync::Arc;
    use std::time::Duration;

    use player_core::error::{ErrorCode, PlayerError, Stage};
    use player_core::model::PresentationKind;
    use player_core::snapshot::{BufferingReason, LiveState};
    use player_core::telemetry::{ClockSource, LiveDelivery};
    use player_core::{Now, PendingRetry, Snapshot, State, TimeRange, manifest};

    use super::*;
    use crate::live::{kinora_buffering_reason, kinora_clock_source, kinora_live_delivery};
    use crate::metadata::kinora_metadata_source;
    use crate::snapshot::{kinora_snapshot_info, kinora_snapshot_state};

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

    fn at(seconds: u64) -> Now {
        Now::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn a_host_reads_the_state_of_live_playback() {
        let nanos = MediaTime::from_nanos;
        let state = LiveState {
            window: TimeRange { start: nanos(10), end: nanos(90) },
            edge: nanos(95),
            latency_nanos: -4,
            target: Duration::from_nanos(7),
            is_following: true,
            rate: 1.02,
            clock: Some(ClockSource::Date),
            clock_error: None,
            epoch_unix_nanos: Some(1_700_000_000_000_000_000),
            delivery: LiveDelivery::Parts,
        };
        let snapshot = |live| {
            let state = State::Buffering(BufferingReason::LiveEdge);
            let kind = Some(PresentationKind::Live);
            let snapshot = Snapshot { state, kind, live, ..Snapshot::default() };
            kinora_snapshot::new(Arc::new(snapshot), MediaTime::ZERO, Now::ZERO)
        };
        let (known, unknown) = (snapshot(Some(state)), snapshot(None));
        let (mut read, mut info, mut found) = (empty::<kinora_live_info>(), empty::<kinora_snapshot_info>(), 9);
        // SAFETY: everything lives on this stack.
        unsafe {
            assert_eq!(kinora_snapshot_live(&raw const unknown, &raw mut read, &raw mut found), 0);
            assert_eq!((found, read.edge_ns), (0, 0));
            assert_eq!(kinora_snapshot_live(&raw const known, &raw mut read, &raw mut found), 0);
            assert_eq!(kinora_snapshot_state(&raw const known, &raw mut info), 0);
        }
        assert_eq!((found, read.window_start_ns, read.window_end_ns, read.edge_ns), (1, 10, 90, 95));
        assert_eq!((read.latency_ns, read.target_ns, read.is_following), (-4, 7, 1));
        let words = (kinora_clock_source::Date as u32, kinora_live_delivery::Parts as u32);
        assert_eq!((read.clock, read.delivery), words);
        assert_eq!((read.clock_error_ns, read.rate.to_bits()), (-1, 1.02_f64.to_bits()));
        assert_eq!((read.has_dates, read.epoch_unix_ns), (1, 1_700_000_000_000_000_000));
        assert_eq!((info.is_live, info.buffering_reason), (1, kinora_buffering_reason::LiveEdge as u32));
    }

    #[test]
    fn a_host_reads_what_it_waits_for() {
        let retry = PendingRetry {
            stage: Stage::Segment,
            host: "http://h:80".to_owned(),
            error: PlayerError::warning(ErrorCode::NetworkUnreachable, "refused"),
            attempt: 3,
            next_attempt_at: at(12),
            gives_up_at: at(40),
        };
        let snapshot = |retry| Arc::new(Snapshot { pending_retry: retry, ..Snapshot::default() });
        let waits = kinora_snapshot::new(snapshot(Some(retry.clone())), MediaTime::ZERO, at(10));
        let runs = kinora_snapshot::new(snapshot(Some(retry)), MediaTime::ZERO, at(15));
        let plays = kinora_snapshot::new(snapshot(None), MediaTime::ZERO, at(10));
        let ask = |snapshot: &kinora_snapshot| {
            let mut out = std::mem::MaybeUninit::<kinora_pending_retry>::zeroed();
            let mut found = 9;
            // SAFETY: everything lives on this stack; zero is a value of each field, and the size is set first.
            let (code, out) = unsafe {
                out.as_mut_ptr().cast::<usize>().write(size_of::<kinora_pending_retry>());
                let code =
                    kinora_snapshot_pending_retry(std::ptr::from_ref(snapshot), out.as_mut_ptr(), &raw mut found);
                (code, out.assume_init())
            };
            assert_eq!(code, 0);
            (found, out)
        };
        let second = 1_000_000_000;
        let (found, out) = ask(&waits);
        // SAFETY: the strings live as long as the snapshot.
        let texts = unsafe { [out.stage, out.host, out.message].map(|text| CStr::from_ptr(text).to_bytes().to_vec()) };
        assert_eq!((found, texts), (1, [b"segment".to_vec(), b"http://h:80".to_vec(), b"refused".to_vec()]));
        assert_eq!((out.error, out.attempt), (u32::from(ErrorCode::NetworkUnreachable.number()), 3));
        assert_eq!((out.next_attempt_ns, out.gives_up_ns), (2 * second, 30 * second));
        let (found, out) = ask(&runs);
        assert_eq!((found, out.next_attempt_ns, out.gives_up_ns), (1, 0, 25 * second));
        assert_eq!(ask(&plays).0, 0);
    }
}
