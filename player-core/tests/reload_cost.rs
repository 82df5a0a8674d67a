//! Cost of reading a live playlist again: it follows what changed, not what is listed. Allocations and segments that are
//! read are counted; no clock is asked.

#![expect(unsafe_code, reason = "a counting allocator is a global allocator")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fmt::Write as _;

use bytes::Bytes;
use player_core::manifest::{PlaylistText, parse_index, read_playlist_again};
use player_core::model::{Agreement, IndexSource, Resource, SegmentIndex, SegmentList};
use url::Url;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static ALLOCATED: Cell<u64> = const { Cell::new(0) };
}

fn note(bytes: usize) {
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
    let _ = ALLOCATED.try_with(|count| count.set(count.get() + bytes as u64));
}

// SAFETY: every call is handed to the system's allocator unchanged; counting touches thread-local cells only.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on; `System` allocated `pointer`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Text of a playlist of `window` two-second segments, the last of which is `last`; `skipped` of them are left out.
fn text(window: u64, last: u64, skipped: u64) -> Bytes {
    let first = last + 1 - window;
    let mut text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{first}\n");
    match skipped {
        0 => text.push_str("#EXT-X-MAP:URI=\"init.mp4\"\n"),
        _ => drop(writeln!(text, "#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}")),
    }
    for number in first + skipped..=last {
        let _ = writeln!(text, "#EXTINF:2.000,\nsegment-{number:08}.m4s");
    }
    Bytes::from(text)
}

/// Cost of some reloads in a row.
#[derive(Debug, Default)]
struct Cost {
    /// Most allocations of one reload.
    allocations: u64,
    /// Bytes allocated by all.
    bytes: u64,
    /// Most segments that one reload read.
    read: u64,
}

fn reload(window: u64, reloads: u64, is_delta: bool) -> Cost {
    let url: Url = "http://h/live/list.m3u8".parse().expect("a constant address");
    let source = IndexSource::playlist(Resource::new(url.clone()));
    let start = window + 9;
    let first = parse_index(&text(window, start, 0), &source, &url).expect("a playlist of ours");
    let mut index = SegmentIndex::Known(first.segments);
    let mut kept: Option<PlaylistText> = None;
    let mut cost = Cost::default();
    for at in 0..=reloads {
        let body = text(window, start + at, if is_delta { window - 6 } else { 0 });
        let (allocations, bytes) = (ALLOCATIONS.get(), ALLOCATED.get());
        let SegmentIndex::Known(SegmentList::Listed(known)) = &index else { panic!("a playlist lists its segments") };
        let (parsed, text) =
            read_playlist_again(&body, &source, &url, known, kept.as_ref()).expect("a playlist of ours");
        let read = parsed.segments.len();
        let changes = index.merge(SegmentIndex::Known(parsed.segments));
        kept = text;
        assert_eq!((changes.agreement, changes.changed), (Agreement::Names, 0));
        // The first one has no text to compare with.
        if at > 0 {
            cost.allocations = cost.allocations.max(ALLOCATIONS.get() - allocations);
            cost.bytes += ALLOCATED.get() - bytes;
            cost.read = cost.read.max(read);
        }
    }
    let SegmentIndex::Known(list) = &index else { panic!("it was read") };
    assert_eq!(list.len(), window);
    cost
}

#[test]
fn a_day_costs_as_much_to_read_again_as_a_minute() {
    for is_delta in [false, true] {
        let [minute, day] = [30, 43_200].map(|window| reload(window, 40, is_delta));
        assert!(day.read <= 7 && minute.read <= 7, "{minute:?} {day:?}");
        assert!(day.allocations <= minute.allocations + 4, "{minute:?} {day:?}");
        // The list itself is not copied: it alone has more than five million bytes.
        assert!(day.bytes < 40 * 64_000, "{minute:?} {day:?}");
    }
}
