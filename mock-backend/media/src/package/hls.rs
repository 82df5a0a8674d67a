//! HLS playlists (RFC 8216): a multivariant playlist and one media playlist for each rendition.

use std::fmt::Write;

use super::presentation::{Media, Presentation, TextRendition};
use super::segment;

/// Playlists with `EXT-X-MAP` outside I-frame playlists need 6; CMAF in practice announces 7.
const VERSION: u32 = 7;

/// The multivariant playlist.
pub(super) fn multivariant(presentation: &Presentation) -> String {
    let mut out = format!("#EXTM3U\n#EXT-X-VERSION:{VERSION}\n#EXT-X-INDEPENDENT-SEGMENTS\n");
    for (i, audio) in presentation.audio.iter().enumerate() {
        let default = if i == 0 { "YES" } else { "NO" };
        let name = distinct(&audio.label, presentation.audio[..i].iter().map(|a| &a.label));
        line(
            &mut out,
            format_args!(
                "\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"{name}\"{},DEFAULT={default},AUTOSELECT=YES,CHANNELS=\"2\",URI=\"audio/{}/playlist.m3u8\"",
                language(&audio.language),
                audio.name
            ),
        );
    }
    for (i, text) in presentation.text.iter().enumerate() {
        let name = distinct(&text.label, presentation.text[..i].iter().map(|t| &t.label));
        line(
            &mut out,
            format_args!(
                "\n#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"text\",NAME=\"{name}\"{},DEFAULT=NO,AUTOSELECT=YES,FORCED=NO,URI=\"text/{}/playlist.m3u8\"",
                language(&text.language),
                text.name
            ),
        );
    }
    let most = |rate: fn(&Media) -> u64| presentation.audio.iter().map(|a| rate(&a.media)).max().unwrap_or(0);
    let (audio_peak, audio_average) = (most(Media::peak_bps), most(Media::average_bps));
    for video in &presentation.video {
        let mut codecs = vec![video.media.codec.as_str()];
        codecs.extend(presentation.audio.first().map(|a| a.media.codec.as_str()));
        line(
            &mut out,
            format_args!(
                "\n#EXT-X-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={},CODECS=\"{}\",RESOLUTION={}x{},FRAME-RATE={:.3}{}{},CLOSED-CAPTIONS=NONE\nvideo/{}/playlist.m3u8",
                video.media.peak_bps() + audio_peak,
                video.media.average_bps() + audio_average,
                codecs.join(","),
                video.width,
                video.height,
                presentation.rate.fps(),
                if presentation.audio.is_empty() { "" } else { ",AUDIO=\"audio\"" },
                if presentation.text.is_empty() { "" } else { ",SUBTITLES=\"text\"" },
                video.name
            ),
        );
    }
    out.push('\n');
    out
}

/// The media playlist of a picture or sound rendition.
pub(super) fn media(media: &Media) -> String {
    let micros =
        |ticks: u64| (u128::from(ticks) * 1_000_000 + u128::from(media.timescale / 2)) / u128::from(media.timescale);
    let durations: Vec<u128> = media.segments.iter().map(|s| micros(s.duration)).collect();
    let mut out = opening(&durations);
    out.push_str("#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP:URI=\"init.mp4\"\n");
    entries(&mut out, &durations, segment::file_name);
    out
}

/// The media playlist of a subtitle rendition.
pub(super) fn text(text: &TextRendition) -> String {
    let durations: Vec<u128> = text.segments_ms.iter().map(|ms| u128::from(*ms) * 1000).collect();
    let mut out = opening(&durations);
    entries(&mut out, &durations, super::text::file_name);
    out
}

/// The tags that begin a media playlist. The target duration bounds every duration rounded to the nearest second (§4.3.3.1).
fn opening(micros: &[u128]) -> String {
    let target = micros.iter().map(|us| (us + 500_000) / 1_000_000).max().unwrap_or(1).max(1);
    format!(
        "#EXTM3U\n#EXT-X-VERSION:{VERSION}\n#EXT-X-TARGETDURATION:{target}\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n"
    )
}

fn entries(out: &mut String, micros: &[u128], name: impl Fn(usize) -> String) {
    for (i, us) in micros.iter().enumerate() {
        line(out, format_args!("#EXTINF:{}.{:06},\n{}\n", us / 1_000_000, us % 1_000_000, name(i)));
    }
    out.push_str("#EXT-X-ENDLIST\n");
}

fn language(tag: &str) -> String {
    if tag == "und" { String::new() } else { format!(",LANGUAGE=\"{tag}\"") }
}

/// Names within a group must differ (§4.3.4.1.1).
fn distinct<'a>(label: &str, earlier: impl Iterator<Item = &'a String>) -> String {
    match earlier.filter(|other| *other == label).count() {
        0 => label.to_owned(),
        n => format!("{label} {}", n + 1),
    }
}

/// Appending to a `String` cannot fail.
fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}
