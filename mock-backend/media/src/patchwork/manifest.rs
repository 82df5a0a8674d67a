//! The manifests of a patchwork: each patch is a Period of DASH, and in HLS the segments between two discontinuities.

use std::time::Duration;

use kinora_manifests::dash::{
    AdaptationSet, ContentType, FrameRate, Mpd, MpdType, Period, PeriodElement, Representation, SegmentAddressing,
    SegmentTemplate, SegmentTiming, UrlTemplate, fold_timeline,
};
use kinora_manifests::hls::{
    MediaPlaylist, Multivariant, MultivariantTag, PlaylistType, Rendition, RenditionKind, Segment, SegmentTag, Variant,
};
use kinora_manifests::{Layout, ManifestError};

use super::super::package::segment::file_name;
use super::{DASH, HLS, Part, Patched};

/// Declared length of a segment in milliseconds.
const SEGMENT_MS: u64 = 1000;
const AUDIO_GROUP: &str = "a";

/// Returns name and text of every manifest.
pub(super) fn all(patches: &[Patched]) -> Result<Vec<(String, String)>, ManifestError> {
    let video = playlist("video", patches, |patch| patch.video.as_ref());
    let audio = playlist("audio", patches, |patch| patch.audio.as_ref());
    Ok(vec![
        (DASH.to_owned(), mpd(patches).to_text(Layout::Readable)?),
        (HLS.to_owned(), multivariant(patches).to_text(Layout::Readable)?),
        ("video.m3u8".to_owned(), video.to_text(Layout::Readable)?),
        ("audio.m3u8".to_owned(), audio.to_text(Layout::Readable)?),
    ])
}

fn mpd(patches: &[Patched]) -> Mpd {
    let total: u64 = patches.iter().map(|patch| u64::from(patch.length_ms)).sum();
    let period = |(index, patch): (usize, &Patched)| {
        let (piece, (width, height)) = (patch.piece, patch.piece.size);
        let video = patch.video.as_ref().map(|part| {
            let frame_rate = Some(FrameRate { numerator: piece.fps, denominator: 1 });
            let shape =
                Representation { width: Some(width), height: Some(height), frame_rate, ..Representation::default() };
            set(ContentType::Video, "video", index, part, shape)
        });
        let audio = patch.audio.as_ref().map(|part| {
            let shape = Representation { audio_sampling_rate: Some(piece.sample_rate), ..Representation::default() };
            set(ContentType::Audio, "audio", index, part, shape)
        });
        PeriodElement::Inline(Period {
            id: Some(format!("p{index}")),
            duration: Some(Duration::from_millis(u64::from(patch.length_ms))),
            adaptation_sets: video.into_iter().chain(audio).collect(),
            ..Period::default()
        })
    };
    Mpd {
        profiles: "urn:mpeg:dash:profile:isoff-live:2011".to_owned(),
        mpd_type: MpdType::Static { media_presentation_duration: Duration::from_millis(total) },
        min_buffer_time: Duration::from_secs(1),
        declares_xlink: true,
        periods: patches.iter().enumerate().map(period).collect(),
        ..Mpd::default()
    }
}

/// Returns the set of a track of a patch; `shape` has what only this kind of media has.
fn set(content_type: ContentType, kind: &str, index: usize, part: &Part, shape: Representation) -> AdaptationSet {
    let folder = UrlTemplate::new(&format!("{kind}-{index}/"));
    let timing = SegmentTiming::Timeline(fold_timeline(part.segments.iter().map(|it| (it.start, it.duration))));
    let template = SegmentTemplate {
        initialization: Some(folder.clone().literal("init.mp4")),
        ..SegmentTemplate::new(part.timescale, folder.literal("seg-").number(5).literal(".m4s"), timing)
    };
    let representation =
        Representation { id: format!("{kind}-{index}"), codecs: Some(part.codec.clone()), bandwidth: 400_000, ..shape };
    AdaptationSet {
        segment_alignment: true,
        segments: Some(SegmentAddressing::Template(template)),
        representations: vec![representation],
        ..AdaptationSet::new(content_type, format!("{kind}/mp4"))
    }
}

fn multivariant(patches: &[Patched]) -> Multivariant {
    let parts = patches.iter().flat_map(|patch| [&patch.video, &patch.audio]).flatten();
    let mut codecs: Vec<String> = parts.map(|part| part.codec.clone()).collect();
    codecs.sort_unstable();
    codecs.dedup();
    let audio = Rendition {
        kind: RenditionKind::Audio { channels: None, uri: Some("audio.m3u8".to_owned()) },
        group_id: AUDIO_GROUP.to_owned(),
        name: "main".to_owned(),
        language: None,
        is_default: Some(true),
        is_autoselect: Some(true),
    };
    let variant = Variant {
        bandwidth: 600_000,
        codecs,
        resolution: Some(patches.first().map_or((0, 0), |patch| patch.piece.size)),
        audio: Some(AUDIO_GROUP.to_owned()),
        uri: "video.m3u8".to_owned(),
        ..Variant::default()
    };
    Multivariant {
        independent_segments: true,
        tags: vec![MultivariantTag::Media(audio), MultivariantTag::StreamInf(variant)],
        ..Multivariant::default()
    }
}

/// Returns the playlist of one kind of media. It has slots of a second; each has the segment that begins in it, and is a
/// gap when none does.
fn playlist<'a>(kind: &str, patches: &'a [Patched], part: impl Fn(&'a Patched) -> Option<&'a Part>) -> MediaPlaylist {
    let longest = patches.iter().filter(|patch| part(patch).is_some_and(|part| part.whole.is_some()));
    let target = longest.map(|patch| u64::from(patch.length_ms.div_ceil(1000))).max().unwrap_or(1);
    let mut segments: Vec<Segment> = Vec::new();
    for (index, patch) in patches.iter().enumerate() {
        let part = part(patch);
        let length = u64::from(patch.length_ms);
        let mut tags = Vec::new();
        if index > 0 {
            tags.push(SegmentTag::Discontinuity);
        }
        if let Some(file) = part.and_then(|part| part.whole.as_ref()) {
            let whole = Segment::new(format!("{kind}-{index}/{file}"), Duration::from_millis(length));
            segments.push(Segment { tags, ..whole });
            continue;
        }
        if part.is_some() {
            tags.push(SegmentTag::Map { uri: format!("{kind}-{index}/init.mp4"), byte_range: None });
        }
        for slot in 0..length.div_ceil(SEGMENT_MS) {
            let (begin, end) = (slot * SEGMENT_MS, (slot * SEGMENT_MS + SEGMENT_MS).min(length));
            let number = part.and_then(|part| {
                let nearest = |ticks: u64| (ticks * 1000 / u64::from(part.timescale) + 100) / SEGMENT_MS;
                part.segments.iter().position(|segment| nearest(segment.start) == slot)
            });
            let file = number.map_or_else(|| format!("gap-{slot}.m4s"), file_name);
            if number.is_none() {
                tags.push(SegmentTag::Gap);
            }
            let segment = Segment::new(format!("{kind}-{index}/{file}"), Duration::from_millis(end - begin));
            segments.push(Segment { tags: std::mem::take(&mut tags), ..segment });
        }
    }
    MediaPlaylist {
        target_duration: target,
        playlist_type: Some(PlaylistType::Vod),
        segments,
        is_ended: true,
        ..MediaPlaylist::default()
    }
}
