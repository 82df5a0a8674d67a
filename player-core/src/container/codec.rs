//! Configuration of a decoder, needed before the first sample.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// A codec with its configuration record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Codec {
    /// ITU-T H.264 with an `AVCDecoderConfigurationRecord` (ISO/IEC 14496-15 §5.3.3.1); `in_band` for `avc3`.
    H264 {
        /// The `AVCDecoderConfigurationRecord` (ISO/IEC 14496-15 §5.3.3.1).
        avcc: Bytes,
        /// Parameter sets may also come in the samples.
        in_band: bool,
    },
    /// ITU-T H.265 with an `HEVCDecoderConfigurationRecord` (ISO/IEC 14496-15 §8.3.3.1); `in_band` for `hev1`.
    H265 {
        /// The `HEVCDecoderConfigurationRecord` (ISO/IEC 14496-15 §8.3.3.1).
        hvcc: Bytes,
        /// Parameter sets may also come in the samples.
        in_band: bool,
    },
    /// AV1 with an `AV1CodecConfigurationRecord`.
    Av1 {
        /// The `AV1CodecConfigurationRecord`.
        av1c: Bytes,
    },
    /// VP9 with a `VPCodecConfigurationRecord`.
    Vp9 {
        /// The `VPCodecConfigurationRecord`.
        vpcc: Bytes,
    },
    /// AAC with an `AudioSpecificConfig` (ISO/IEC 14496-3 §1.6.2.1).
    Aac {
        /// The `AudioSpecificConfig` (ISO/IEC 14496-3 §1.6.2.1).
        asc: Bytes,
    },
    /// Opus with the body of its `dOps` box.
    Opus {
        /// The body of the `dOps` box.
        dops: Bytes,
    },
    /// AC-3 (ETSI TS 102 366).
    Ac3,
    /// Enhanced AC-3 (ETSI TS 102 366 annex E).
    Eac3,
    /// FLAC with the metadata blocks of its `dfLa` box.
    Flac {
        /// The metadata blocks of `dfLa`.
        dfla: Bytes,
    },
    /// MPEG-1 or MPEG-2 audio layer III.
    Mp3,
    /// MPEG-1 or MPEG-2 audio of another layer.
    MpegAudio {
        /// Layer 1 or 2, for I or II.
        layer: u8,
    },
    /// WebVTT in ISO media files (ISO/IEC 14496-30 §7).
    Wvtt,
    /// TTML in ISO media files (ISO/IEC 14496-30 §6).
    Stpp,
    /// Something else: its sample entry type.
    Other([u8; 4]),
}

/// The shape of a pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PixelAspect {
    /// Relative width; never zero.
    pub horizontal: u32,
    /// Relative height; never zero.
    pub vertical: u32,
}

/// A decoder's configuration. Two equal configurations need no new decoder and no new caps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodecConfig {
    /// The codec and its record.
    pub codec: Codec,
    /// RFC 6381, for reports.
    pub codec_string: String,
    /// Coded width in pixels; video only.
    pub width: Option<u32>,
    /// Coded height in pixels; video only.
    pub height: Option<u32>,
    /// Shape of a pixel, if declared.
    pub pixel_aspect: Option<PixelAspect>,
    /// Clockwise rotation to apply before showing: 0, 90, 180 or 270 degrees (track header matrix).
    pub rotation: u16,
    /// Samples per second; audio only.
    pub sample_rate: Option<u32>,
    /// Number of channels; audio only.
    pub channels: Option<u32>,
    /// The protection scheme of the sample entry (`cenc`, `cbcs`, …), when encrypted.
    pub protection_scheme: Option<[u8; 4]>,
}
