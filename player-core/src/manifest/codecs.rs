//! Media properties from the strings of RFC 6381 and from file names. No bytes of media are read.

use crate::model::{ContainerFormat, ContentKinds, FrameRate, MediaKind};

const VIDEO: &[&str] = &[
    "avc1", "avc2", "avc3", "avc4", "hvc1", "hev1", "dvh1", "dvhe", "dva1", "dvav", "dav1", "av01", "vp8", "vp08",
    "vp9", "vp09", "vvc1", "vvi1", "mp4v", "s263", "theora", "encv", "apch", "apcn",
];
const AUDIO: &[&str] = &[
    "mp4a", "ac-3", "ec-3", "ec+3", "ac-4", "opus", "flac", "alac", "mp3", "dtsc", "dtse", "dtsh", "dtsl", "dtsx",
    "mha1", "mha2", "mhm1", "mhm2", "vorbis", "iamf", "samr", "sawb", "enca", "aac", "ipcm", "fpcm",
];
const TEXT: &[&str] = &["wvtt", "stpp", "tx3g", "c608", "c708", "vtt", "ttml", "im1t"];

/// Codecs whose samples no reader here gives to a decoder.
const UNREADABLE: &[&str] = &[
    "dvh1", "dvhe", "dva1", "dvav", "dav1", "vvc1", "vvi1", "vp8", "vp08", "s263", "theora", "apch", "apcn", "ac-4",
    "alac", "dtsc", "dtse", "dtsh", "dtsl", "dtsx", "mha1", "mha2", "mhm1", "mhm2", "vorbis", "iamf", "samr", "sawb",
];

/// True for a codec that is known and cannot be played here. Unknown codecs may turn out to be readable.
pub(super) fn is_unreadable(codec: &str) -> bool {
    let name = codec.split('.').next().unwrap_or(codec).trim().to_ascii_lowercase();
    UNREADABLE.contains(&name.as_str())
}

/// Returns the kind of media that a codec string names; `None` for strings that are not known.
pub(super) fn kind_of(codec: &str) -> Option<MediaKind> {
    let name = codec.split('.').next().unwrap_or(codec).trim().to_ascii_lowercase();
    let is = |list: &[&str]| list.contains(&name.as_str());
    // `mp4a.40.34`, `mp4a.6B` and friends are audio too; `mp4v.20.9` is not.
    match () {
        () if is(VIDEO) => Some(MediaKind::Video),
        () if is(AUDIO) => Some(MediaKind::Audio),
        () if is(TEXT) => Some(MediaKind::Text),
        () => None,
    }
}

/// The codec strings of a `CODECS` list.
pub(super) fn split(list: &str) -> Vec<String> {
    list.split(',').map(str::trim).filter(|codec| !codec.is_empty()).map(str::to_owned).collect()
}

/// Returns the kinds of media in a list of codecs; `None` if it is empty or one of them is unknown.
pub(super) fn contents(codecs: &[String]) -> Option<ContentKinds> {
    let mut kinds = ContentKinds::default();
    for codec in codecs {
        match kind_of(codec)? {
            MediaKind::Video => kinds.video = true,
            MediaKind::Audio => kinds.audio = true,
            MediaKind::Text => kinds.text = true,
        }
    }
    (!codecs.is_empty()).then_some(kinds)
}

/// Returns the format that the extension of an address names.
pub(super) fn format_of(address: &str) -> ContainerFormat {
    let path = address.split(['?', '#']).next().unwrap_or(address);
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).unwrap_or_default();
    match extension.as_str() {
        "mp4" | "m4s" | "m4v" | "m4a" | "m4f" | "cmfv" | "cmfa" | "cmft" | "cmfm" | "ismv" | "isma" | "fmp4" => {
            ContainerFormat::Fmp4
        }
        "ts" | "m2ts" | "mts" | "tsv" | "tsa" => ContainerFormat::MpegTs,
        "aac" | "mp3" | "ac3" | "ec3" | "eac3" => ContainerFormat::PackedAudio,
        "webm" | "mkv" => ContainerFormat::WebM,
        "vtt" | "webvtt" => ContainerFormat::WebVtt,
        "ttml" | "dfxp" | "imsc" => ContainerFormat::Ttml,
        "jpg" | "jpeg" | "png" => ContainerFormat::Image,
        _ => ContainerFormat::Unknown,
    }
}

/// Frames per second given as a decimal: the broadcast rates become their exact fractions.
pub(super) fn frame_rate(rate: f64) -> Option<FrameRate> {
    if !(rate > 0.0 && rate <= 1000.0) {
        return None;
    }
    let whole = rate.round();
    if (rate - whole).abs() < 0.000_5 {
        return Some(FrameRate { numerator: whole as u32, denominator: 1 });
    }
    let ntsc = (rate * 1.001).round();
    if (ntsc / 1.001 - rate).abs() < 0.006 {
        return Some(FrameRate { numerator: ntsc as u32 * 1000, denominator: 1001 });
    }
    Some(FrameRate { numerator: (rate * 1000.0).round() as u32, denominator: 1000 })
}

/// Frames per second as DASH writes them: `25`, `30000/1001`, and the decimals that some writers give.
pub(super) fn frame_rate_text(text: &str) -> Option<FrameRate> {
    match text.split_once('/') {
        Some((numerator, denominator)) => {
            let denominator: u32 = denominator.trim().parse().ok().filter(|value| *value > 0)?;
            Some(FrameRate { numerator: numerator.trim().parse().ok()?, denominator })
        }
        None => frame_rate(text.trim().parse().ok()?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codecs_have_kinds() {
        assert_eq!(kind_of("avc1.64001f"), Some(MediaKind::Video));
        assert_eq!(kind_of("Opus"), Some(MediaKind::Audio));
        assert_eq!(kind_of("stpp.ttml.im1t"), Some(MediaKind::Text));
        assert_eq!(kind_of("xyz1"), None);
        let muxed = contents(&split("avc1.4d401e, mp4a.40.2,"));
        assert_eq!(muxed, Some(ContentKinds { video: true, audio: true, text: false }));
        assert_eq!(contents(&split("avc1.4d401e,xyz1")), None);
        assert_eq!(contents(&[]), None);
    }

    #[test]
    fn extensions_tell_the_container() {
        assert_eq!(format_of("a/b.mp4/c.TS?x=.mp4"), ContainerFormat::MpegTs);
        assert_eq!(format_of("segment"), ContainerFormat::Unknown);
    }

    #[test]
    fn broadcast_rates_are_exact() {
        assert_eq!(frame_rate(23.976), Some(FrameRate { numerator: 24_000, denominator: 1001 }));
        assert_eq!(frame_rate(29.97), Some(FrameRate { numerator: 30_000, denominator: 1001 }));
        assert_eq!(frame_rate(25.0), Some(FrameRate { numerator: 25, denominator: 1 }));
        assert_eq!(frame_rate(12.5), Some(FrameRate { numerator: 12_500, denominator: 1000 }));
        assert_eq!(frame_rate(479.52), Some(FrameRate { numerator: 480_000, denominator: 1001 }));
        assert_eq!(frame_rate(1000.0), Some(FrameRate { numerator: 1000, denominator: 1 }));
        assert_eq!((frame_rate(1000.1), frame_rate(0.0), frame_rate(-25.0)), (None, None, None));
        assert_eq!(frame_rate(24.9996), Some(FrameRate { numerator: 25, denominator: 1 }));
        assert_eq!(frame_rate(f64::NAN), None);
        assert_eq!(frame_rate_text("30000/1001"), Some(FrameRate { numerator: 30_000, denominator: 1001 }));
        assert_eq!(frame_rate_text("1/0"), None);
    }
}
