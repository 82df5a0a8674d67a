//! HLS: a multivariant playlist and one media playlist for each rendition.

use std::time::Duration;

use kinora_manifests::hls::{
    ClosedCaptions, MediaPlaylist, Multivariant, MultivariantTag, PlaylistType, Rendition, RenditionKind, SegmentTag,
    Variant,
};
use kinora_manifests::{Layout, ManifestError, hls};

use super::presentation::{AudioRendition, Media, Presentation, TextRendition, VideoRendition};
use super::segment;

const AUDIO_GROUP: &str = "audio";
const TEXT_GROUP: &str = "text";

/// Returns the multivariant playlist.
pub(super) fn multivariant(presentation: &Presentation) -> Result<String, ManifestError> {
    let audio = presentation.audio.iter().enumerate().map(|(index, audio)| {
        let name = distinct(&audio.label, presentation.audio[..index].iter().map(|audio| &audio.label));
        audio_rendition(audio, name, index == 0)
    });
    let text = presentation.text.iter().enumerate().map(|(index, text)| {
        let name = distinct(&text.label, presentation.text[..index].iter().map(|text| &text.label));
        text_rendition(text, name)
    });
    let variants = presentation.video.iter().map(|video| variant(presentation, video));
    let renditions = audio.chain(text).map(MultivariantTag::Media);
    let playlist = Multivariant {
        independent_segments: true,
        tags: renditions.chain(variants.map(MultivariantTag::StreamInf)).collect(),
        ..Multivariant::default()
    };
    playlist.to_text(Layout::Readable)
}

fn audio_rendition(audio: &AudioRendition, name: String, is_default: bool) -> Rendition {
    let uri = format!("audio/{}/playlist.m3u8", audio.name);
    Rendition {
        kind: RenditionKind::Audio { channels: Some("2".to_owned()), uri: Some(uri) },
        group_id: AUDIO_GROUP.to_owned(),
        name,
        language: language(&audio.language),
        is_default: Some(is_default),
        is_autoselect: Some(true),
    }
}

fn text_rendition(text: &TextRendition, name: String) -> Rendition {
    let uri = format!("text/{}/playlist.m3u8", text.name);
    Rendition {
        kind: RenditionKind::Subtitles { is_forced: Some(false), uri },
        group_id: TEXT_GROUP.to_owned(),
        name,
        language: language(&text.language),
        is_default: Some(false),
        is_autoselect: Some(true),
    }
}

fn variant(presentation: &Presentation, video: &VideoRendition) -> Variant {
    let highest =
        |rate: fn(&Media) -> u64| presentation.audio.iter().map(|audio| rate(&audio.media)).max().unwrap_or(0);
    let audio = presentation.audio.first();
    Variant {
        bandwidth: video.media.peak_bps() + highest(Media::peak_bps),
        average_bandwidth: Some(video.media.average_bps() + highest(Media::average_bps)),
        codecs: [Some(&video.media), audio.map(|audio| &audio.media)]
            .into_iter()
            .flatten()
            .map(|m| m.codec.clone())
            .collect(),
        resolution: Some((video.width, video.height)),
        frame_rate: Some(presentation.rate.fps()),
        audio: audio.map(|_| AUDIO_GROUP.to_owned()),
        subtitles: presentation.text.first().map(|_| TEXT_GROUP.to_owned()),
        closed_captions: Some(ClosedCaptions::None),
        uri: format!("video/{}/playlist.m3u8", video.name),
        ..Variant::default()
    }
}

/// Returns the media playlist of a video or audio rendition.
pub(super) fn media(media: &Media) -> Result<String, ManifestError> {
    let timescale = u128::from(media.timescale);
    let micros = |ticks: u64| (u128::from(ticks) * 1_000_000 + timescale / 2) / timescale;
    let duration = |ticks| Duration::from_micros(u64::try_from(micros(ticks)).unwrap_or(u64::MAX));
    let durations = media.segments.iter().map(|segment| duration(segment.duration));
    let mut playlist = on_demand(durations, segment::file_name);
    playlist.independent_segments = true;
    if let Some(first) = playlist.segments.first_mut() {
        first.tags.push(SegmentTag::Map { uri: "init.mp4".to_owned(), byte_range: None });
    }
    playlist.to_text(Layout::Readable)
}

/// Returns the media playlist of a subtitle rendition.
pub(super) fn text(text: &TextRendition) -> Result<String, ManifestError> {
    let durations = text.segments_ms.iter().copied().map(Duration::from_millis);
    on_demand(durations, super::text::file_name).to_text(Layout::Readable)
}

fn on_demand(durations: impl Iterator<Item = Duration>, name: impl Fn(usize) -> String) -> MediaPlaylist {
    let segments = durations.enumerate().map(|(index, duration)| hls::Segment::new(name(index), duration));
    let segments: Vec<hls::Segment> = segments.collect();
    MediaPlaylist {
        target_duration: MediaPlaylist::least_target_duration(segments.iter().map(|segment| segment.duration)),
        media_sequence: Some(0),
        playlist_type: Some(PlaylistType::Vod),
        segments,
        is_ended: true,
        ..MediaPlaylist::default()
    }
}

/// Returns the language that a playlist declares: none if it is not known.
fn language(tag: &str) -> Option<String> {
    (tag != "und").then(|| tag.to_owned())
}

/// Returns a label that differs from those of the same group before it (RFC 8216bis §4.4.6.1.1).
fn distinct<'a>(label: &str, earlier: impl Iterator<Item = &'a String>) -> String {
    match earlier.filter(|other| *other == label).count() {
        0 => label.to_owned(),
        n => format!("{label} {}", n + 1),
    }
}
