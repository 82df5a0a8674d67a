//! The decoder configuration that tests complete: a test names the fields that it is about and takes the others from here.

use super::{Codec, CodecConfig};

impl CodecConfig {
    /// Returns a configuration of AC-3, which has no codec record, unencrypted and without dimensions or a sampling rate.
    pub(crate) fn for_tests(codec_string: &str) -> Self {
        Self {
            codec: Codec::Ac3,
            codec_string: codec_string.to_owned(),
            width: None,
            height: None,
            pixel_aspect: None,
            rotation: 0,
            sample_rate: None,
            channels: None,
            protection_scheme: None,
        }
    }
}
