//! Chooses the elements that decode a codec: the parser by name, the decoder by rank among those that take the parser's
//! output and give pictures or audio in system memory.

use gstreamer as gst;
use gstreamer::prelude::*;

use super::caps::sample_caps;
use crate::container::{Codec, CodecConfig};

/// The parser of a codec, where it has one that earns its place: it fixes stream formats, finds parameter sets
/// in the samples, and adds colorimetry to the capabilities.
pub(super) fn parser_name(codec: &Codec) -> Option<&'static str> {
    match codec {
        Codec::H264 { .. } => Some("h264parse"),
        Codec::H265 { .. } => Some("h265parse"),
        Codec::Av1 { .. } => Some("av1parse"),
        Codec::Vp9 { .. } => Some("vp9parse"),
        Codec::Aac { .. } => Some("aacparse"),
        Codec::Mp3 | Codec::MpegAudio { .. } => Some("mpegaudioparse"),
        Codec::Ac3 | Codec::Eac3 => Some("ac3parse"),
        Codec::Opus { .. } => Some("opusparse"),
        Codec::Flac { .. } => Some("flacparse"),
        Codec::Wvtt | Codec::Stpp | Codec::Other(_) => None,
    }
}

/// Decoders for a codec, the preferred one first. Hardware decoders come by their rank like all others; one that
/// gives only its own kind of memory is left out, because pictures are handed over as planes.
pub(super) fn candidates(codec: &Codec) -> Vec<gst::ElementFactory> {
    let Some(caps) = decoder_caps(codec) else { return Vec::new() };
    let mut decoders: Vec<_> =
        gst::ElementFactory::factories_with_type(gst::ElementFactoryType::DECODER, gst::Rank::MARGINAL)
            .into_iter()
            .filter(|factory| factory.can_sink_any_caps(&caps) && gives_plain_memory(factory))
            .collect();
    decoders.sort_by(|a, b| b.rank().cmp(&a.rank()).then_with(|| a.name().cmp(&b.name())));
    decoders
}

/// A short name of a codec for messages.
pub(super) fn describe(config: &CodecConfig) -> String {
    if config.codec_string.is_empty() { codec_word(&config.codec).to_owned() } else { config.codec_string.clone() }
}

fn codec_word(codec: &Codec) -> &'static str {
    match codec {
        Codec::H264 { .. } => "H.264",
        Codec::H265 { .. } => "H.265",
        Codec::Av1 { .. } => "AV1",
        Codec::Vp9 { .. } => "VP9",
        Codec::Aac { .. } => "AAC",
        Codec::Opus { .. } => "Opus",
        Codec::Ac3 => "AC-3",
        Codec::Eac3 => "Enhanced AC-3",
        Codec::Flac { .. } => "FLAC",
        Codec::Mp3 => "MP3",
        Codec::MpegAudio { .. } => "MPEG audio",
        Codec::Wvtt => "WebVTT",
        Codec::Stpp => "TTML",
        Codec::Other(_) => "an unknown codec",
    }
}

/// Returns the input of the codec's decoders, without the details that only some of them mention.
fn decoder_caps(codec: &Codec) -> Option<gst::Caps> {
    let config = CodecConfig {
        codec: codec.clone(),
        codec_string: String::new(),
        width: None,
        height: None,
        pixel_aspect: None,
        rotation: 0,
        sample_rate: None,
        channels: None,
        protection_scheme: None,
    };
    let mut caps = sample_caps(&config)?;
    for structure in caps.make_mut().iter_mut() {
        structure.remove_fields(["stream-format", "alignment", "codec_data", "parsed", "framed", "streamheader"]);
        if matches!(codec, Codec::Mp3 | Codec::MpegAudio { .. }) {
            structure.remove_field("mpegversion");
            structure.set("mpegversion", 1i32);
        }
    }
    Some(caps)
}

fn gives_plain_memory(factory: &gst::ElementFactory) -> bool {
    factory.static_pad_templates().iter().filter(|template| template.direction() == gst::PadDirection::Src).any(
        |template| {
            template.caps().iter_with_features().any(|(structure, features)| {
                let raw = matches!(structure.name().as_str(), "video/x-raw" | "audio/x-raw");
                raw && features.is_equal(gst::CAPS_FEATURES_MEMORY_SYSTEM_MEMORY.as_ref())
            })
        },
    )
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use bytes::Bytes;

    #[test]
    fn h264_prefers_the_decoder_that_loses_no_frame() {
        gst::init().unwrap();
        let names: Vec<_> = candidates(&Codec::H264 { avcc: Bytes::from_static(&[1]), in_band: false })
            .iter()
            .map(|factory| factory.name().to_string())
            .collect();
        let rank = |name: &str| names.iter().position(|candidate| candidate == name);
        if let (Some(libav), Some(openh264)) = (rank("avdec_h264"), rank("openh264dec")) {
            assert!(libav < openh264, "{names:?}");
        }
        assert!(!names.is_empty());
    }

    #[test]
    fn every_codec_has_decoders_of_its_own_kind() {
        gst::init().unwrap();
        let aac = candidates(&Codec::Aac { asc: Bytes::from_static(&[0x11, 0x90]) });
        assert!(aac.iter().any(|factory| factory.name() == "avdec_aac"), "{aac:?}");
        assert!(candidates(&Codec::Other(*b"zzzz")).is_empty());
        assert!(candidates(&Codec::Stpp).is_empty());
    }
}
