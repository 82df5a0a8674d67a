//! DASH (profile isoff-live): an MPD with exact segment timelines, and one with `$Number$` and a nominal duration.

use std::time::Duration;

use kinora_manifests::dash::{
    AdaptationSet, ContentType, Descriptor, FrameRate, Mpd, MpdType, Period, PeriodElement, Representation,
    SegmentAddressing, SegmentTemplate, SegmentTiming, UrlTemplate, fold_timeline,
};
use kinora_manifests::{Layout, ManifestError};

use super::presentation::{AudioRendition, Media, Presentation, TextRendition, VideoRendition, rescale};

/// How segments are addressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Addressing {
    /// `SegmentTimeline` (§5.3.9.6): the duration of every segment.
    Timeline,
    /// `@duration` (§5.3.9.5.3): one nominal duration for all.
    Number,
}

/// Returns the whole MPD.
pub(super) fn mpd(presentation: &Presentation, addressing: Addressing) -> Result<String, ManifestError> {
    let longest = presentation.video.iter().map(|video| {
        let ticks = video.media.segments.iter().map(|segment| segment.duration).max().unwrap_or(0);
        rescale(ticks, 1000, video.media.timescale)
    });
    let longest = Duration::from_millis(longest.max().unwrap_or(0).max(1));
    // With numbers the duration decides how many segments there are, so it is that of the video: audio that is longer by a
    // part of a frame would ask for a segment that does not exist.
    let duration = match (addressing, presentation.video.first()) {
        (Addressing::Number, Some(video)) => video.media.duration_ms(),
        _ => presentation.duration_ms(),
    };
    let nominal = presentation.video.first().map(|video| (presentation.nominal_ticks, video.media.timescale));
    let nominal = nominal.unwrap_or((2, 1));
    let audio = presentation.audio.iter().zip(0..).map(|(audio, index)| audio_set(audio, index, addressing, nominal));
    let text = presentation.text.iter().zip(0..).map(|(text, index)| text_set(text, index));
    let period = Period {
        id: Some("0".to_owned()),
        start: Some(Duration::ZERO),
        adaptation_sets: video_set(presentation, addressing).into_iter().chain(audio).chain(text).collect(),
        ..Period::default()
    };
    let mpd = Mpd {
        profiles: "urn:mpeg:dash:profile:isoff-live:2011".to_owned(),
        mpd_type: MpdType::Static { media_presentation_duration: Duration::from_millis(duration) },
        min_buffer_time: longest,
        max_segment_duration: Some(longest),
        declares_xlink: true,
        periods: vec![PeriodElement::Inline(period)],
        ..Mpd::default()
    };
    mpd.to_text(Layout::Readable)
}

/// Returns the set of all rungs; `None` if there are none.
fn video_set(presentation: &Presentation, addressing: Addressing) -> Option<AdaptationSet> {
    let top = presentation.video.last()?;
    let divisor = gcd(top.width, top.height).max(1);
    let folder = UrlTemplate::new("video/").representation_id();
    let representation = |rung: &VideoRendition| Representation {
        id: rung.name.clone(),
        codecs: Some(rung.media.codec.clone()),
        bandwidth: rung.media.peak_bps(),
        width: Some(rung.width),
        height: Some(rung.height),
        sar: Some((1, 1)),
        ..Representation::default()
    };
    Some(AdaptationSet {
        id: Some(1),
        segment_alignment: true,
        start_with_sap: Some(1),
        par: Some((top.width / divisor, top.height / divisor)),
        max_width: Some(top.width),
        max_height: Some(top.height),
        frame_rate: Some(FrameRate { numerator: presentation.rate.num, denominator: presentation.rate.den }),
        roles: vec![role("main")],
        segments: Some(template(&top.media, &folder, addressing, presentation.nominal_ticks)),
        representations: presentation.video.iter().map(representation).collect(),
        ..AdaptationSet::new(ContentType::Video, "video/mp4")
    })
}

fn audio_set(audio: &AudioRendition, index: u32, addressing: Addressing, nominal: (u64, u32)) -> AdaptationSet {
    let media = &audio.media;
    let ticks = rescale(nominal.0, u64::from(media.timescale), nominal.1);
    let channels = Descriptor::new("urn:mpeg:dash:23003:3:audio_channel_configuration:2011", "2");
    let representation = Representation {
        id: format!("audio-{}", audio.name),
        codecs: Some(media.codec.clone()),
        bandwidth: media.peak_bps(),
        audio_sampling_rate: Some(media.timescale),
        audio_channel_configurations: vec![channels],
        ..Representation::default()
    };
    AdaptationSet {
        id: Some(10 + index),
        lang: Some(audio.language.clone()),
        segment_alignment: true,
        start_with_sap: Some(1),
        labels: vec![audio.label.clone()],
        roles: vec![role(if index == 0 { "main" } else { "dub" })],
        segments: Some(template(media, &UrlTemplate::new("audio/").literal(&audio.name), addressing, ticks)),
        representations: vec![representation],
        ..AdaptationSet::new(ContentType::Audio, "audio/mp4")
    }
}

/// Returns the set of WebVTT outside of the media, as one file (§5.3.9.1: a `BaseURL` and nothing else is one segment).
fn text_set(text: &TextRendition, index: u32) -> AdaptationSet {
    let ms: u64 = text.segments_ms.iter().sum();
    let representation = Representation {
        id: format!("text-{}", text.name),
        bandwidth: (text.bytes * 8 * 1000).div_ceil(ms.max(1)).max(1),
        base_urls: vec![format!("text/{}/{}", text.name, super::text::WHOLE).into()],
        ..Representation::default()
    };
    AdaptationSet {
        id: Some(20 + index),
        lang: Some(text.language.clone()),
        labels: vec![text.label.clone()],
        roles: vec![role("subtitle")],
        representations: vec![representation],
        ..AdaptationSet::new(ContentType::Text, "text/vtt")
    }
}

fn role(value: &str) -> Descriptor {
    Descriptor::new("urn:mpeg:dash:role:2011", value)
}

fn template(media: &Media, folder: &UrlTemplate, addressing: Addressing, nominal: u64) -> SegmentAddressing {
    let segments = media.segments.iter().map(|segment| (segment.start, segment.duration));
    let timing = match addressing {
        Addressing::Number => SegmentTiming::Duration(nominal),
        Addressing::Timeline => SegmentTiming::Timeline(fold_timeline(segments)),
    };
    let files = folder.clone().literal("/seg-").number(5).literal(".m4s");
    SegmentAddressing::Template(SegmentTemplate {
        initialization: Some(folder.clone().literal("/init.mp4")),
        ..SegmentTemplate::new(media.timescale, files, timing)
    })
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}
