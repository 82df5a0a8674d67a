//! DASH manifests (ISO/IEC 23009-1, profile isoff-live): one with exact segment timelines, one with `$Number$` and a nominal duration.

use std::fmt::Write;

use super::presentation::{AudioRendition, Media, Presentation, TextRendition, rescale};
use super::segment::Segment;

/// How segments are addressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Addressing {
    /// `SegmentTimeline` (§5.3.9.6): the duration of every segment.
    Timeline,
    /// `@duration` (§5.3.9.5.3): one nominal duration for all.
    Number,
}

/// The whole MPD.
pub(super) fn mpd(presentation: &Presentation, addressing: Addressing) -> String {
    let longest = presentation.video.iter().map(|v| {
        let ticks = v.media.segments.iter().map(|s| s.duration).max().unwrap_or(0);
        rescale(ticks, 1000, v.media.timescale)
    });
    let longest = longest.max().unwrap_or(0);
    // With numbers the duration decides how many segments there are, so it is the picture's: sound that is longer by a part of a frame
    // would ask for a segment that does not exist.
    let duration = match (addressing, presentation.video.first()) {
        (Addressing::Number, Some(video)) => video.media.duration_ms(),
        _ => presentation.duration_ms(),
    };
    let duration = seconds(duration);
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" profiles=\"urn:mpeg:dash:profile:isoff-live:2011\" type=\"static\" \
         mediaPresentationDuration=\"{duration}\" minBufferTime=\"{0}\" maxSegmentDuration=\"{0}\">\n  <Period id=\"0\" start=\"PT0S\">\n",
        seconds(longest.max(1))
    );
    video(&mut out, presentation, addressing);
    let nominal = presentation.video.first().map(|v| (presentation.nominal_ticks, v.media.timescale));
    for (i, rendition) in presentation.audio.iter().enumerate() {
        audio(&mut out, rendition, i, addressing, nominal.unwrap_or((2, 1)));
    }
    for (i, rendition) in presentation.text.iter().enumerate() {
        text(&mut out, rendition, i);
    }
    out.push_str("  </Period>\n</MPD>\n");
    out
}

fn video(out: &mut String, presentation: &Presentation, addressing: Addressing) {
    let Some(top) = presentation.video.last() else { return };
    let rate = presentation.rate;
    let rate = if rate.den == 1 { rate.num.to_string() } else { format!("{}/{}", rate.num, rate.den) };
    let divisor = gcd(top.width, top.height).max(1);
    put(
        out,
        format_args!(
            "    <AdaptationSet id=\"1\" contentType=\"video\" mimeType=\"video/mp4\" segmentAlignment=\"true\" startWithSAP=\"1\" \
             par=\"{}:{}\" maxWidth=\"{}\" maxHeight=\"{}\" frameRate=\"{rate}\">\n      \
             <Role schemeIdUri=\"urn:mpeg:dash:role:2011\" value=\"main\"/>\n",
            top.width / divisor,
            top.height / divisor,
            top.width,
            top.height
        ),
    );
    template(out, &top.media, "video/$RepresentationID$", addressing, presentation.nominal_ticks);
    for rung in &presentation.video {
        put(
            out,
            format_args!(
                "      <Representation id=\"{}\" codecs=\"{}\" bandwidth=\"{}\" width=\"{}\" height=\"{}\" sar=\"1:1\"/>\n",
                rung.name,
                rung.media.codec,
                rung.media.peak_bps(),
                rung.width,
                rung.height
            ),
        );
    }
    out.push_str("    </AdaptationSet>\n");
}

fn audio(out: &mut String, rendition: &AudioRendition, index: usize, addressing: Addressing, nominal: (u64, u32)) {
    let media = &rendition.media;
    let role = if index == 0 { "main" } else { "dub" };
    put(
        out,
        format_args!(
            "    <AdaptationSet id=\"{}\" contentType=\"audio\" mimeType=\"audio/mp4\" lang=\"{}\" segmentAlignment=\"true\" startWithSAP=\"1\">\n      \
             <Label>{}</Label>\n      <Role schemeIdUri=\"urn:mpeg:dash:role:2011\" value=\"{role}\"/>\n",
            10 + index,
            rendition.language,
            escaped(&rendition.label)
        ),
    );
    let ticks = rescale(nominal.0, u64::from(media.timescale), nominal.1);
    template(out, media, &format!("audio/{}", rendition.name), addressing, ticks);
    put(
        out,
        format_args!(
            "      <Representation id=\"audio-{}\" codecs=\"{}\" bandwidth=\"{}\" audioSamplingRate=\"{}\">\n        \
             <AudioChannelConfiguration schemeIdUri=\"urn:mpeg:dash:23003:3:audio_channel_configuration:2011\" value=\"2\"/>\n      \
             </Representation>\n    </AdaptationSet>\n",
            rendition.name,
            media.codec,
            media.peak_bps(),
            media.timescale
        ),
    );
}

/// WebVTT beside the media, as one file (§5.3.9.1: a `BaseURL` and nothing else is a single segment).
fn text(out: &mut String, rendition: &TextRendition, index: usize) {
    let ms: u64 = rendition.segments_ms.iter().sum();
    put(
        out,
        format_args!(
            "    <AdaptationSet id=\"{}\" contentType=\"text\" mimeType=\"text/vtt\" lang=\"{}\">\n      \
             <Label>{}</Label>\n      <Role schemeIdUri=\"urn:mpeg:dash:role:2011\" value=\"subtitle\"/>\n      \
             <Representation id=\"text-{}\" bandwidth=\"{}\">\n        <BaseURL>text/{}/{}</BaseURL>\n      \
             </Representation>\n    </AdaptationSet>\n",
            20 + index,
            rendition.language,
            escaped(&rendition.label),
            rendition.name,
            (rendition.bytes * 8 * 1000).div_ceil(ms.max(1)).max(1),
            rendition.name,
            super::text::WHOLE
        ),
    );
}

fn template(out: &mut String, media: &Media, directory: &str, addressing: Addressing, nominal: u64) {
    put(
        out,
        format_args!(
            "      <SegmentTemplate timescale=\"{}\" initialization=\"{directory}/init.mp4\" \
             media=\"{directory}/seg-$Number%05d$.m4s\" startNumber=\"1\"",
            media.timescale
        ),
    );
    match addressing {
        Addressing::Number => put(out, format_args!(" duration=\"{nominal}\"/>\n")),
        Addressing::Timeline => {
            out.push_str(">\n        <SegmentTimeline>\n");
            timeline(out, &media.segments);
            out.push_str("        </SegmentTimeline>\n      </SegmentTemplate>\n");
        }
    }
}

/// `S` elements with equal neighbours folded into `@r`. Segments are contiguous, so `@t` is needed only once.
fn timeline(out: &mut String, segments: &[Segment]) {
    for run in segments.chunk_by(|a, b| a.duration == b.duration) {
        out.push_str("          <S");
        if run[0].start == segments[0].start {
            put(out, format_args!(" t=\"{}\"", run[0].start));
        }
        put(out, format_args!(" d=\"{}\"", run[0].duration));
        if run.len() > 1 {
            put(out, format_args!(" r=\"{}\"", run.len() - 1));
        }
        out.push_str("/>\n");
    }
}

/// An `xs:duration`.
fn seconds(ms: u64) -> String {
    format!("PT{}.{:03}S", ms / 1000, ms % 1000)
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// Appending to a `String` cannot fail.
fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}
