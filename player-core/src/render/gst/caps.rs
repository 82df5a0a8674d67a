//! Codec configurations as GStreamer capabilities. Pure: nothing here makes an element.

use gstreamer as gst;

use crate::container::{Codec, CodecConfig};

/// The capabilities of a track's samples as they are stored, or `None` for codecs that have no decoder here
/// (text, and what is not known).
pub(super) fn sample_caps(config: &CodecConfig) -> Option<gst::Caps> {
    let caps = match &config.codec {
        Codec::H264 { avcc, in_band } => video("video/x-h264", config)
            .field("stream-format", if *in_band { "avc3" } else { "avc" })
            .field("alignment", "au")
            .field("codec_data", record(avcc)),
        Codec::H265 { hvcc, in_band } => video("video/x-h265", config)
            .field("stream-format", if *in_band { "hev1" } else { "hvc1" })
            .field("alignment", "au")
            .field("codec_data", record(hvcc)),
        Codec::Av1 { av1c } => video("video/x-av1", config)
            .field("stream-format", "obu-stream")
            .field("alignment", "tu")
            .field("codec_data", record(av1c)),
        Codec::Vp9 { .. } => video("video/x-vp9", config).field("alignment", "super-frame"),
        Codec::Aac { asc } => audio("audio/mpeg", config)
            .field("mpegversion", 4i32)
            .field("stream-format", "raw")
            .field("framed", true)
            .field("codec_data", record(asc)),
        Codec::Mp3 => {
            audio("audio/mpeg", config).field("mpegversion", 1i32).field("layer", 3i32).field("parsed", false)
        }
        Codec::MpegAudio { layer } => audio("audio/mpeg", config)
            .field("mpegversion", 1i32)
            .field("layer", i32::from(*layer))
            .field("parsed", false),
        Codec::Ac3 => audio("audio/x-ac3", config).field("framed", true).field("alignment", "frame"),
        Codec::Eac3 => audio("audio/x-eac3", config).field("framed", true).field("alignment", "frame"),
        Codec::Opus { dops } => opus(dops)?,
        Codec::Flac { dfla } => {
            audio("audio/x-flac", config).field("framed", true).field("streamheader", flac_headers(dfla)?)
        }
        Codec::Wvtt | Codec::Stpp | Codec::Other(_) => return None,
    };
    Some(caps.build())
}

/// True when a decoder for one configuration goes on with the other after new capabilities; otherwise it is
/// drained and another one is put in its place.
pub(super) fn same_decoder(a: &CodecConfig, b: &CodecConfig) -> bool {
    std::mem::discriminant(&a.codec) == std::mem::discriminant(&b.codec)
        && a.sample_rate == b.sample_rate
        && a.channels == b.channels
        && matches!(a.codec, Codec::H264 { .. } | Codec::H265 { .. } | Codec::Av1 { .. } | Codec::Vp9 { .. })
}

type CapsBuilder = gst::caps::Builder<gst::caps::NoFeature>;

fn video(name: &str, config: &CodecConfig) -> CapsBuilder {
    let size = |pixels: Option<u32>| pixels.and_then(|pixels| i32::try_from(pixels).ok()).filter(|pixels| *pixels > 0);
    let aspect = config.pixel_aspect.and_then(|aspect| {
        let (horizontal, vertical) = (i32::try_from(aspect.horizontal).ok()?, i32::try_from(aspect.vertical).ok()?);
        (horizontal > 0 && vertical > 0).then(|| gst::Fraction::new(horizontal, vertical))
    });
    gst::Caps::builder(name)
        .field_if_some("width", size(config.width))
        .field_if_some("height", size(config.height))
        .field_if_some("pixel-aspect-ratio", aspect)
}

fn audio(name: &str, config: &CodecConfig) -> CapsBuilder {
    let positive = |value: Option<u32>| value.and_then(|value| i32::try_from(value).ok()).filter(|value| *value > 0);
    gst::Caps::builder(name)
        .field_if_some("rate", positive(config.sample_rate))
        .field_if_some("channels", positive(config.channels))
}

fn record(bytes: &bytes::Bytes) -> gst::Buffer {
    gst::Buffer::from_slice(bytes.clone())
}

/// The `OpusSpecificBox` (Encapsulation of Opus in ISO Base Media File Format §4.3.2): version, channel count,
/// pre-skip, input sample rate, gain, mapping family, and for families other than zero the mapping table.
fn opus(dops: &[u8]) -> Option<CapsBuilder> {
    let channels = i32::from(*dops.get(1)?);
    let family = i32::from(*dops.get(10)?);
    let caps = gst::Caps::builder("audio/x-opus")
        .field("rate", 48_000i32)
        .field("channels", channels)
        .field("channel-mapping-family", family);
    if family == 0 {
        let stereo = i32::from(channels == 2);
        return (1..=2).contains(&channels).then(|| caps.field("stream-count", 1i32).field("coupled-count", stereo));
    }
    let (streams, coupled) = (i32::from(*dops.get(11)?), i32::from(*dops.get(12)?));
    let mapping = dops.get(13..13 + usize::try_from(channels).ok()?)?;
    let mapping = gst::Array::new(mapping.iter().map(|channel| i32::from(*channel)));
    Some(caps.field("stream-count", streams).field("coupled-count", coupled).field("channel-mapping", mapping))
}

/// The stream headers of FLAC: the marker with the first metadata block, then each further block by itself
/// (Encapsulation of FLAC in ISO Base Media File Format §3.3.2).
fn flac_headers(dfla: &[u8]) -> Option<gst::Array> {
    const MAX_BLOCKS: usize = 64;
    let mut headers = Vec::new();
    let mut rest = dfla;
    while let [kind, a, b, c, ..] = rest {
        let length = 4 + (usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c));
        let mut block = if headers.is_empty() { b"fLaC".to_vec() } else { Vec::new() };
        block.extend_from_slice(rest.get(..length)?);
        headers.push(gst::Buffer::from_mut_slice(block));
        rest = &rest[length..];
        if kind & 0x80 != 0 || headers.len() == MAX_BLOCKS {
            break;
        }
    }
    (!headers.is_empty()).then(|| gst::Array::new(headers))
}

#[cfg(test)]
pub(super) mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::container::PixelAspect;
    use bytes::Bytes;

    pub(in crate::render::gst) fn config(codec: Codec) -> CodecConfig {
        CodecConfig { codec, ..CodecConfig::for_tests("") }
    }

    #[test]
    fn h264_carries_its_record_and_shape() {
        gst::init().unwrap();
        let mut h264 = config(Codec::H264 { avcc: Bytes::from_static(&[1, 100, 0, 31]), in_band: false });
        (h264.width, h264.height) = (Some(1440), Some(1080));
        h264.pixel_aspect = Some(PixelAspect { horizontal: 4, vertical: 3 });
        let caps = sample_caps(&h264).unwrap();
        let s = caps.structure(0).unwrap();
        assert_eq!((s.name().as_str(), s.get::<&str>("stream-format").unwrap()), ("video/x-h264", "avc"));
        assert_eq!(s.get::<gst::Fraction>("pixel-aspect-ratio").unwrap(), gst::Fraction::new(4, 3));
        let record = s.get::<gst::Buffer>("codec_data").unwrap();
        assert_eq!(record.map_readable().unwrap().as_slice(), [1, 100, 0, 31]);
    }

    #[test]
    fn hostile_numbers_are_left_out() {
        gst::init().unwrap();
        let mut vp9 = config(Codec::Vp9 { vpcc: Bytes::new() });
        (vp9.width, vp9.height) = (Some(u32::MAX), Some(0));
        vp9.pixel_aspect = Some(PixelAspect { horizontal: u32::MAX, vertical: 0 });
        let caps = sample_caps(&vp9).unwrap();
        let s = caps.structure(0).unwrap();
        assert!(!s.has_field("width") && !s.has_field("height") && !s.has_field("pixel-aspect-ratio"));
    }

    #[test]
    fn opus_and_flac_records_are_read_within_their_bounds() {
        gst::init().unwrap();
        let dops = Bytes::from_static(&[0, 2, 1, 56, 0, 0, 187, 128, 0, 0, 0]);
        let caps = sample_caps(&config(Codec::Opus { dops })).unwrap();
        assert_eq!(caps.structure(0).unwrap().get::<i32>("coupled-count").unwrap(), 1);
        assert!(sample_caps(&config(Codec::Opus { dops: Bytes::from_static(&[0, 9]) })).is_none());
        let dops = Bytes::from_static(&[0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 1, 4, 2, 0, 1]);
        assert!(sample_caps(&config(Codec::Opus { dops })).is_none(), "the mapping table is cut off");

        let dfla = Bytes::from_static(&[0, 0, 0, 2, 7, 7, 0x84, 0, 0, 1, 9]);
        let caps = sample_caps(&config(Codec::Flac { dfla })).unwrap();
        let headers = caps.structure(0).unwrap().get::<gst::Array>("streamheader").unwrap();
        assert_eq!(headers.len(), 2);
        assert!(sample_caps(&config(Codec::Flac { dfla: Bytes::from_static(&[0, 255, 0, 0]) })).is_none());
    }

    #[test]
    fn text_has_no_capabilities() {
        assert!(sample_caps(&config(Codec::Wvtt)).is_none());
        assert!(sample_caps(&config(Codec::Other(*b"xxxx"))).is_none());
    }

    #[test]
    fn only_video_of_one_codec_keeps_its_decoder() {
        let avc = |byte| config(Codec::H264 { avcc: Bytes::copy_from_slice(&[byte]), in_band: false });
        assert!(same_decoder(&avc(1), &avc(2)));
        assert!(!same_decoder(&avc(1), &config(Codec::Vp9 { vpcc: Bytes::new() })));
        let aac = |rate| CodecConfig { sample_rate: Some(rate), ..config(Codec::Aac { asc: Bytes::new() }) };
        assert!(!same_decoder(&aac(44_100), &aac(48_000)));
    }
}
