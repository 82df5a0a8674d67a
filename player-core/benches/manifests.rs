//! Measures the reading of manifests: long playlists, long timelines, and many of everything.
//!
//! `cargo bench -p player-core --no-default-features --bench manifests` measures time. With `KINORA_BENCH_ONCE=NAME` and
//! `KINORA_BENCH_TIMES=N` one case runs so often and nothing is measured, for `cargo xtask instructions`. With
//! `KINORA_BENCH_CORPUS=FOLDER` every manifest of a folder is read, and the slowest and largest are named.

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use player_core::manifest::{Patched, RemoteElements, parse, parse_index, parse_kept, read_playlist_again};
use player_core::model::{IndexSource, Resource, SegmentIndex, SegmentList, TimelineRuns};
use url::Url;

/// Twelve hours of two-second segments.
const SEGMENTS: usize = 21_600;

fn base() -> Url {
    Url::parse("https://cdn.example.com/film/1080p/index.m3u8?token=0123456789abcdef").expect("a constant address")
}

fn plain() -> String {
    let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MAP:URI=\"init.mp4\"\n");
    for number in 0..SEGMENTS {
        let _ = writeln!(text, "#EXTINF:2.000000,\nsegment-{number:08}.m4s");
    }
    text.push_str("#EXT-X-ENDLIST\n");
    text
}

/// The same with everything that long recordings have: dates, ranges, keys that change, discontinuities, events.
fn rich() -> String {
    let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MAP:URI=\"init.mp4\"\n");
    for number in 0..SEGMENTS {
        let (hour, minute, second) = (number / 1800, number / 30 % 60, number % 30 * 2);
        if number % 900 == 0 {
            let _ =
                writeln!(text, "#EXT-X-DISCONTINUITY\n#EXT-X-KEY:METHOD=AES-128,URI=\"k{number}\",IV=0x{number:032x}");
            let _ = writeln!(
                text,
                "#EXT-X-DATERANGE:ID=\"{number}\",CLASS=\"ad\",START-DATE=\"2024-01-01T{hour:02}:{minute:02}:{second:02}Z\",\
                 DURATION=30,SCTE35-OUT=0xFC302000000000000000FFF00F05000000017FFFFE"
            );
        }
        let _ = writeln!(
            text,
            "#EXT-X-PROGRAM-DATE-TIME:2024-01-01T{hour:02}:{minute:02}:{second:02}.000Z\n\
             #EXT-X-BYTERANGE:250000@{}\n#EXTINF:2.000000,title\nvideo.m4s",
            number * 250_000
        );
    }
    text.push_str("#EXT-X-ENDLIST\n");
    text
}

fn multivariant() -> String {
    let mut text = String::from("#EXTM3U\n");
    for language in 0..40 {
        for group in 0..3 {
            let _ = writeln!(
                text,
                "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a{group}\",NAME=\"L{language}\",LANGUAGE=\"l{language}\",\
                 AUTOSELECT=YES,CHANNELS=\"2\",URI=\"a/{group}/{language}.m3u8\""
            );
        }
    }
    for variant in 0..120 {
        let _ = writeln!(
            text,
            "#EXT-X-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={},CODECS=\"avc1.64001f,mp4a.40.2\",RESOLUTION=1280x720,\
             FRAME-RATE=25,AUDIO=\"a{}\",PATHWAY-ID=\"p{}\"\nv/{variant}.m3u8",
            1_000_000 + variant / 6 * 1000,
            900_000 + variant / 6 * 1000,
            variant % 3,
            variant % 2
        );
    }
    text
}

/// A timeline whose every segment is written out, for five qualities.
fn timeline() -> String {
    let mut text = String::from(
        "<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" mediaPresentationDuration=\"PT12H\"><Period>\
         <AdaptationSet mimeType=\"video/mp4\"><SegmentTemplate timescale=\"90000\" media=\"$RepresentationID$/$Time$.m4s\" \
         initialization=\"$RepresentationID$/init.mp4\"><SegmentTimeline>",
    );
    for number in 0..SEGMENTS {
        let _ = writeln!(text, "<S t=\"{}\" d=\"{}\"/>", number * 180_000, 180_000 - number % 2);
    }
    text.push_str("</SegmentTimeline></SegmentTemplate>");
    for quality in 1..=5 {
        let _ =
            writeln!(text, "<Representation id=\"v{quality}\" bandwidth=\"{quality}00000\" codecs=\"avc1.64001f\"/>");
    }
    text.push_str("</AdaptationSet></Period></MPD>");
    text
}

/// Live windows to which a patch comes every two seconds, in segments: a minute and a day.
const WINDOWS: [(&str, u64); 2] = [("dash_patch_minute", 30), ("dash_patch_day", 43_200)];

/// Applies patches, one after the other, to a live manifest of two timelines whose every segment is written out. Each
/// takes a segment away and adds one.
fn patched(segments: u64, times: u64) {
    const START: &str = "/MPD/Period/AdaptationSet";
    let published = |at: u64| format!("1970-01-02T{:02}:{:02}:{:02}Z", at / 3600, at / 60 % 60, at % 60);
    let entries: String = (0..segments).map(|at| format!("<S t=\"{}\" d=\"2000\"/>", at * 2001)).collect();
    let set = |kind: &str| {
        format!(
            "<AdaptationSet mimeType=\"{kind}/mp4\"><SegmentTemplate timescale=\"1000\" media=\"{kind}$Time$.m4s\">\
             <SegmentTimeline>{entries}</SegmentTimeline></SegmentTemplate><Representation id=\"{kind}\" \
             bandwidth=\"1\"/></AdaptationSet>"
        )
    };
    let text = format!(
        "<MPD type=\"dynamic\" publishTime=\"{}\" availabilityStartTime=\"1970-01-01T00:00:00Z\"><PatchLocation>p\
         </PatchLocation><Period start=\"PT0S\">{}{}</Period></MPD>",
        published(0),
        set("video"),
        set("audio")
    );
    let kept = parse_kept(text.as_bytes(), &base(), None, &RemoteElements::default()).expect("a manifest of ours");
    let (parsed, Some(mut kept)) = kept else { panic!("it names patches") };
    let templates = parsed.presentation.periods.iter().flat_map(|period| &period.adaptation_sets);
    let mut timelines: Vec<TimelineRuns> = templates
        .filter_map(|set| match &set.representations.first()?.index {
            SegmentIndex::Known(SegmentList::Template(template)) => Some(template.timeline.as_ref().clone()),
            _ => None,
        })
        .collect();
    for at in 0..times {
        let time = (segments + at) * 2001;
        let sets: String = (1..=2)
            .map(|set| {
                let timeline = format!("{START}[{set}]/SegmentTemplate/SegmentTimeline");
                format!(
                    "<remove sel=\"{timeline}/S[1]\"/><add sel=\"{timeline}/S[{}]\" pos=\"after\"><S t=\"{time}\" \
                     d=\"2000\"/></add>",
                    segments - 1
                )
            })
            .collect();
        let patch = format!(
            "<Patch originalPublishTime=\"{}\"><replace sel=\"/MPD/@publishTime\">{}</replace>{sets}</Patch>",
            published(at * 2),
            published(at * 2 + 2)
        );
        let patched = kept.patch(black_box(patch.as_bytes())).expect("a patch of ours fits");
        let Patched::Timelines { changes, .. } = patched else { panic!("only the ends change") };
        for runs in &mut timelines {
            let source = runs.source().map(|source| source.element);
            assert!(changes.iter().any(|change| Some(change.source) == source && runs.change(change)));
        }
    }
    black_box(timelines);
}

/// Two hundred periods of some sets each.
fn periods() -> String {
    let mut text = String::from(
        "<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" mediaPresentationDuration=\"PT2000S\">",
    );
    for period in 0..200 {
        let _ = write!(text, "<Period id=\"p{period}\" duration=\"PT10S\">");
        for set in 0..4 {
            let _ = write!(
                text,
                "<AdaptationSet id=\"{set}\" contentType=\"audio\" mimeType=\"audio/mp4\" lang=\"l{set}\"><SegmentTemplate \
                 duration=\"2\" media=\"$RepresentationID$/$Number$.m4s\"/><Representation id=\"a{set}\" bandwidth=\"1\" \
                 codecs=\"mp4a.40.2\"/><Representation id=\"b{set}\" bandwidth=\"2\" codecs=\"mp4a.40.2\"/></AdaptationSet>"
            );
        }
        text.push_str("</Period>");
    }
    text.push_str("</MPD>");
    text
}

/// Makes the text of a manifest.
type Maker = fn() -> String;

const CASES: [(&str, Maker); 5] = [
    ("hls_21600_segments", plain),
    ("hls_21600_segments_rich", rich),
    ("hls_multivariant", multivariant),
    ("dash_timeline_21600", timeline),
    ("dash_200_periods", periods),
];

fn measured(text: &str, base: &Url) {
    black_box(parse(black_box(text.as_bytes()), base, None).expect("a manifest of ours can be read"));
}

#[divan::bench(args = CASES.map(|(name, _)| name))]
fn read(bencher: divan::Bencher<'_, '_>, name: &str) {
    let (base, text) = (base(), text_of(name));
    bencher.counter(divan::counter::BytesCount::of_str(&text)).bench_local(|| measured(&text, &base));
}

#[divan::bench]
fn read_as_index(bencher: divan::Bencher<'_, '_>) {
    let (base, text) = (base(), plain());
    let source = IndexSource::playlist(Resource::new(base.clone()));
    bencher.bench_local(|| parse_index(black_box(text.as_bytes()), &source, &base));
}

/// Text of a live playlist of `window` segments, the last of which is `last`; `skipped` of them are left out.
fn live(window: u64, last: u64, skipped: u64) -> Bytes {
    let first = last + 1 - window;
    let mut text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{first}\n");
    match skipped {
        0 => text.push_str("#EXT-X-MAP:URI=\"init.mp4\"\n"),
        _ => drop(writeln!(text, "#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}")),
    }
    for number in first + skipped..=last {
        let _ = writeln!(text, "#EXTINF:2.000000,\nsegment-{number:08}.m4s");
    }
    Bytes::from(text)
}

/// Live playlists that are read again: segments of the window, and whether the update leaves known ones out.
const RELOADS: [(&str, u64, bool); 4] = [
    ("reload_delta_minute", 30, true),
    ("reload_delta_day", 43_200, true),
    ("reload_whole_minute", 30, false),
    ("reload_whole_day", 43_200, false),
];

/// Reads a live playlist so often again. One that was read is there before, and so is the text of each state.
fn reload(window: u64, is_delta: bool, times: u64) {
    const MOST: u64 = 4;
    let (base, start) = (base(), window + 9);
    let source = IndexSource::playlist(Resource::new(base.clone()));
    let first = parse_index(&live(window, start, 0), &source, &base).expect("a playlist of ours can be read");
    let mut index = SegmentIndex::Known(first.segments);
    let mut kept = None;
    let skipped = |at: u64| if is_delta && at > 0 { window - 6 } else { 0 };
    let states: Vec<Bytes> = (0..=MOST).map(|at| live(window, start + at, skipped(at))).collect();
    // The first one makes the text known.
    for body in states.iter().take(usize::try_from(times.min(MOST)).unwrap_or(0) + 1) {
        let SegmentIndex::Known(SegmentList::Listed(known)) = &index else { unreachable!("what was read") };
        let read = read_playlist_again(body, &source, &base, known, kept.as_ref());
        let (parsed, text) = read.expect("a playlist of ours can be read");
        black_box(index.merge(SegmentIndex::Known(parsed.segments)));
        kept = text;
    }
}

fn text_of(name: &str) -> String {
    let (_, make) = CASES.iter().find(|(known, _)| *known == name).expect("a case of this bench");
    make()
}

/// Duration of the quickest of some readings, and the most memory that one held beyond its text.
struct Measure {
    name: String,
    quickest: Duration,
    peak: usize,
}

/// Reads every manifest below a folder and names the five that are slowest and the five that are largest.
fn corpus(folder: &Path) {
    let base = base();
    let mut measures = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder that can be read").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "m3u8" || kind == "mpd") {
                let text = std::fs::read(&path).expect("a file that can be read");
                measures.push(measure(path.display().to_string(), &text, &base));
            }
        }
    }
    println!("{} manifests", measures.len());
    measures.sort_by_key(|measure| std::cmp::Reverse(measure.quickest));
    measures.iter().take(5).for_each(print);
    measures.sort_by_key(|measure| std::cmp::Reverse(measure.peak));
    measures.iter().take(5).for_each(print);
}

fn print(Measure { name, quickest, peak }: &Measure) {
    println!("{:>8.2} ms {:>8.2} MB  {name}", quickest.as_secs_f64() * 1e3, *peak as f64 / 1e6);
}

#[expect(clippy::disallowed_methods, reason = "what a bench is for")]
fn measure(name: String, text: &[u8], base: &Url) -> Measure {
    let mut measure = Measure { name, quickest: Duration::MAX, peak: 0 };
    for _ in 0..5 {
        let before = heap::restart();
        let start = Instant::now();
        let read = black_box(parse(black_box(text), base, None));
        measure.quickest = measure.quickest.min(start.elapsed());
        measure.peak = heap::peak().saturating_sub(before);
        drop(read);
    }
    measure
}

/// Counts allocated memory and its peak.
mod heap {
    use std::alloc::{GlobalAlloc, Layout, System};
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    struct Counting;

    static HELD: AtomicUsize = AtomicUsize::new(0);
    static PEAK: AtomicUsize = AtomicUsize::new(0);

    #[global_allocator]
    static ALLOCATOR: Counting = Counting;

    fn grow(bytes: usize) {
        PEAK.fetch_max(HELD.fetch_add(bytes, Relaxed) + bytes, Relaxed);
    }

    #[expect(unsafe_code, reason = "an allocator is unsafe to write; this one only counts around the system's")]
    // SAFETY: every call goes to the system's allocator with the caller's layout.
    unsafe impl GlobalAlloc for Counting {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            grow(layout.size());
            // SAFETY: the caller keeps the contract of `alloc`, which is the system's too.
            unsafe { System.alloc(layout) }
        }

        unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
            HELD.fetch_sub(layout.size(), Relaxed);
            // SAFETY: `alloc`, that is the system, gave the pointer, with this layout.
            unsafe { System.dealloc(pointer, layout) }
        }
    }

    /// Forgets the most that was held; how much is held now.
    pub fn restart() -> usize {
        let held = HELD.load(Relaxed);
        PEAK.store(held, Relaxed);
        held
    }

    /// The most that was held since.
    pub fn peak() -> usize {
        PEAK.load(Relaxed)
    }
}

fn main() {
    if let Some(folder) = std::env::var_os("KINORA_BENCH_CORPUS") {
        return corpus(Path::new(&folder));
    }
    match std::env::var("KINORA_BENCH_ONCE") {
        Ok(name) => {
            let times = std::env::var("KINORA_BENCH_TIMES").ok().and_then(|times| times.parse().ok()).unwrap_or(1);
            if let Some((_, window, is_delta)) = RELOADS.iter().find(|(known, ..)| *known == name) {
                return reload(*window, *is_delta, times);
            }
            if let Some((_, segments)) = WINDOWS.iter().find(|(known, _)| *known == name) {
                return patched(*segments, times);
            }
            let (text, base) = (text_of(&name), base());
            for _ in 0..times {
                measured(&text, &base);
            }
        }
        Err(_) => divan::main(),
    }
}
