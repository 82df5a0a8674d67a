//! The manifests of a patchwork: one DASH Period, or one run between discontinuities, a patch.

use std::fmt::Write as _;

use super::super::package::segment::file_name;
use super::{DASH, HLS, Part, Patched};

/// Length of a segment that is announced, milliseconds.
const SEGMENT_MS: u64 = 1000;

/// Name and text of every manifest.
pub(super) fn all(patches: &[Patched]) -> Vec<(String, String)> {
    let mut files = vec![(DASH.to_owned(), mpd(patches)), (HLS.to_owned(), multivariant(patches))];
    files.push(("video.m3u8".to_owned(), playlist("video", patches, |patch| patch.video.as_ref())));
    files.push(("audio.m3u8".to_owned(), playlist("audio", patches, |patch| patch.audio.as_ref())));
    files
}

// Appending to a `String` cannot fail, so what `write!` gives is dropped throughout.

fn mpd(patches: &[Patched]) -> String {
    let seconds = |ms: u64| format!("PT{}.{:03}S", ms / 1000, ms % 1000);
    let total: u64 = patches.iter().map(|patch| u64::from(patch.length_ms)).sum();
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" \
         profiles=\"urn:mpeg:dash:profile:isoff-live:2011\" minBufferTime=\"PT1S\" mediaPresentationDuration=\"{}\">\n",
        seconds(total)
    );
    for (index, patch) in patches.iter().enumerate() {
        let _ = writeln!(text, " <Period id=\"p{index}\" duration=\"{}\">", seconds(u64::from(patch.length_ms)));
        if let Some(part) = &patch.video {
            let (width, height) = patch.piece.size;
            let shape = format!("width=\"{width}\" height=\"{height}\" frameRate=\"{}\"", patch.piece.fps);
            set(&mut text, "video", index, part, &shape);
        }
        if let Some(part) = &patch.audio {
            set(&mut text, "audio", index, part, &format!("audioSamplingRate=\"{}\"", patch.piece.sample_rate));
        }
        text.push_str(" </Period>\n");
    }
    text.push_str("</MPD>\n");
    text
}

fn set(text: &mut String, kind: &str, index: usize, part: &Part, shape: &str) {
    let _ = writeln!(
        text,
        "  <AdaptationSet contentType=\"{kind}\" mimeType=\"{kind}/mp4\" segmentAlignment=\"true\">\n   \
         <SegmentTemplate timescale=\"{}\" initialization=\"{kind}-{index}/init.mp4\" \
         media=\"{kind}-{index}/seg-$Number%05d$.m4s\" startNumber=\"1\">\n    <SegmentTimeline>",
        part.timescale
    );
    for segment in &part.segments {
        let _ = writeln!(text, "     <S t=\"{}\" d=\"{}\"/>", segment.start, segment.duration);
    }
    let _ = writeln!(
        text,
        "    </SegmentTimeline>\n   </SegmentTemplate>\n   \
         <Representation id=\"{kind}-{index}\" bandwidth=\"400000\" codecs=\"{}\" {shape}/>\n  </AdaptationSet>",
        part.codec
    );
}

fn multivariant(patches: &[Patched]) -> String {
    let mut codecs: Vec<&str> = patches
        .iter()
        .flat_map(|patch| [&patch.video, &patch.audio])
        .flatten()
        .map(|part| part.codec.as_str())
        .collect();
    codecs.sort_unstable();
    codecs.dedup();
    let (width, height) = patches.first().map_or((0, 0), |patch| patch.piece.size);
    format!(
        "#EXTM3U\n#EXT-X-VERSION:8\n#EXT-X-INDEPENDENT-SEGMENTS\n\
         #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"main\",DEFAULT=YES,AUTOSELECT=YES,URI=\"audio.m3u8\"\n\
         #EXT-X-STREAM-INF:BANDWIDTH=600000,CODECS=\"{}\",RESOLUTION={width}x{height},AUDIO=\"a\"\nvideo.m3u8\n",
        codecs.join(",")
    )
}

/// Slots of a second; each has the segment that begins in it, and is a gap when none does.
fn playlist<'a>(kind: &str, patches: &'a [Patched], part: impl Fn(&'a Patched) -> Option<&'a Part>) -> String {
    let longest = patches.iter().filter(|patch| part(patch).is_some_and(|part| part.whole.is_some()));
    let target = longest.map(|patch| patch.length_ms.div_ceil(1000)).max().unwrap_or(1);
    let mut text = format!("#EXTM3U\n#EXT-X-VERSION:8\n#EXT-X-TARGETDURATION:{target}\n#EXT-X-PLAYLIST-TYPE:VOD\n");
    for (index, patch) in patches.iter().enumerate() {
        if index > 0 {
            text.push_str("#EXT-X-DISCONTINUITY\n");
        }
        let part = part(patch);
        if let Some(file) = part.and_then(|part| part.whole.as_ref()) {
            let (seconds, millis) = (patch.length_ms / 1000, patch.length_ms % 1000);
            let _ = writeln!(text, "#EXTINF:{seconds}.{millis:03},\n{kind}-{index}/{file}");
            continue;
        }
        if part.is_some() {
            let _ = writeln!(text, "#EXT-X-MAP:URI=\"{kind}-{index}/init.mp4\"");
        }
        let length = u64::from(patch.length_ms);
        for slot in 0..length.div_ceil(SEGMENT_MS) {
            let (begin, end) = (slot * SEGMENT_MS, (slot * SEGMENT_MS + SEGMENT_MS).min(length));
            let number = part.and_then(|part| {
                let nearest = |ticks: u64| (ticks * 1000 / u64::from(part.timescale) + 100) / SEGMENT_MS;
                part.segments.iter().position(|segment| nearest(segment.start) == slot)
            });
            let span = format!("{}.{:03}", (end - begin) / 1000, (end - begin) % 1000);
            match number {
                Some(number) => {
                    let _ = writeln!(text, "#EXTINF:{span},\n{kind}-{index}/{}", file_name(number));
                }
                None => {
                    let _ = writeln!(text, "#EXT-X-GAP\n#EXTINF:{span},\n{kind}-{index}/gap-{slot}.m4s");
                }
            }
        }
    }
    text.push_str("#EXT-X-ENDLIST\n");
    text
}
