//! Names of manifests without the representations that a device cannot play: `master.h480_b3000_cavc1.m3u8` is `master.m3u8`
//! with at most 480 lines, 3000 kbit/s and the codec `avc1`.
//!
//! The service of playback writes such names into its grants and the origin of media reads them. A filter has one spelling, and
//! limits are of a short list, so that caches keep few copies; media have their present names, and are shared by all devices.

use std::collections::BTreeSet;

/// Maximum heights that names have, in lines.
const HEIGHTS: [u32; 9] = [144, 240, 360, 480, 720, 1080, 1440, 2160, 4320];
/// Maximum bitrates that names have, in 1000 bits per second.
const RATES: [u64; 15] =
    [100, 200, 300, 500, 800, 1_200, 1_800, 2_500, 3_500, 5_000, 7_000, 10_000, 15_000, 20_000, 40_000];
/// Codecs of video by their first part (RFC 6381); others are not compared.
const VIDEO: [&str; 9] = ["av01", "avc1", "avc3", "dvh1", "dvhe", "hev1", "hvc1", "vp08", "vp09"];
/// Codecs of audio by their first part; others are not compared.
const AUDIO: [&str; 6] = ["ac-3", "ac-4", "ec-3", "flac", "mp4a", "opus"];
/// Maximum length of a filter in a name, in bytes.
const MAX_TEXT: usize = 128;

/// Limits that representations have to keep.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ManifestFilter {
    /// Maximum height in lines.
    max_height: Option<u32>,
    /// Maximum bitrate in 1000 bits per second, video and audio together.
    max_rate: Option<u64>,
    /// First parts of the codecs that may stay.
    codecs: BTreeSet<&'static str>,
}

/// Representation of video to be compared with a filter; what is not known keeps every limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VideoTraits<'a> {
    /// Height in lines.
    pub height: Option<u32>,
    /// Bits per second with the audio of the highest rate.
    pub bandwidth: Option<u64>,
    /// RFC 6381 string.
    pub codec: Option<&'a str>,
}

/// Returns the name of a codec's family as filters spell it; `None` for one that they do not know.
fn family(codec: &str) -> Option<&'static str> {
    let first = codec.trim().split('.').next().unwrap_or_default();
    let known = |name: &&&str| name.eq_ignore_ascii_case(first);
    VIDEO.iter().chain(&AUDIO).find(known).copied()
}

/// Returns true if an RFC 6381 string names audio.
pub fn is_audio(codec: &str) -> bool {
    family(codec).is_some_and(|name| AUDIO.contains(&name))
}

impl ManifestFilter {
    /// Returns the filter of a device. A limit is taken as the next lower one of the list that names have.
    ///
    /// # Errors
    /// `Err` if a limit is below the lowest of its list: such a device plays nothing.
    pub fn new(max_height: Option<u32>, max_bitrate: Option<u64>, codecs: &[String]) -> Result<Self, BelowAll> {
        let lower = |limit: u32| HEIGHTS.into_iter().rev().find(|height| *height <= limit).ok_or(BelowAll);
        let lower_rate = |limit: u64| RATES.into_iter().rev().find(|rate| *rate * 1000 <= limit).ok_or(BelowAll);
        Ok(Self {
            max_height: max_height.map(lower).transpose()?,
            max_rate: max_bitrate.map(lower_rate).transpose()?,
            codecs: codecs.iter().filter_map(|codec| family(codec)).collect(),
        })
    }

    /// Returns the same filter without limits that all of these representations keep; one that leaves all of them is empty.
    pub fn reduced(mut self, video: &[VideoTraits<'_>], audio: &[&str]) -> Self {
        let keep_height = |video: &VideoTraits<'_>| video.height.is_none_or(|height| self.is_height(height));
        if video.iter().all(keep_height) {
            self.max_height = None;
        }
        if video.iter().all(|video| video.bandwidth.is_none_or(|bandwidth| self.is_rate(bandwidth))) {
            self.max_rate = None;
        }
        let offered: BTreeSet<&str> =
            video.iter().filter_map(|video| video.codec).chain(audio.iter().copied()).filter_map(family).collect();
        if offered.iter().all(|codec| self.allows_codec(codec)) {
            self.codecs.clear();
        }
        self.codecs.retain(|codec| offered.contains(codec));
        self
    }

    /// Returns true if nothing is left out.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn is_height(&self, height: u32) -> bool {
        self.max_height.is_none_or(|limit| height <= limit)
    }

    fn is_rate(&self, bandwidth: u64) -> bool {
        self.max_rate.is_none_or(|limit| bandwidth <= limit.saturating_mul(1000))
    }

    /// Returns true if a representation of video may stay.
    pub fn allows_video(&self, video: VideoTraits<'_>) -> bool {
        video.height.is_none_or(|height| self.is_height(height))
            && video.bandwidth.is_none_or(|bandwidth| self.is_rate(bandwidth))
            && video.codec.is_none_or(|codec| self.allows_codec(codec))
    }

    /// Returns true if a codec may stay: it is listed, or none of its kind is. A codec that filters do not know may stay.
    pub fn allows_codec(&self, codec: &str) -> bool {
        let Some(name) = family(codec) else { return true };
        let of_kind = |listed: &&str| AUDIO.contains(listed) == AUDIO.contains(&name);
        self.codecs.contains(name) || !self.codecs.iter().any(of_kind)
    }

    /// Returns the filter as it stands in names and in the store; empty if nothing is left out.
    pub fn text(&self) -> String {
        let height = self.max_height.map(|height| format!("h{height}"));
        let rate = self.max_rate.map(|rate| format!("b{rate}"));
        let codecs = self.codecs.iter().map(|codec| format!("c{codec}"));
        height.into_iter().chain(rate).chain(codecs).collect::<Vec<_>>().join("_")
    }

    /// Reads a filter as [`Self::text`] writes it. `None` for every other text, the empty one among them.
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() || text.len() > MAX_TEXT {
            return None;
        }
        let mut filter = Self::default();
        for part in text.split('_') {
            let (kind, value) = part.split_at_checked(1)?;
            match kind {
                "h" => filter.max_height = HEIGHTS.into_iter().find(|height| height.to_string() == value),
                "b" => filter.max_rate = RATES.into_iter().find(|rate| rate.to_string() == value),
                "c" => drop(filter.codecs.insert(family(value)?)),
                _ => return None,
            }
        }
        // One spelling only, or one manifest would have many names in caches.
        (filter.text() == text).then_some(filter)
    }

    /// Returns the name of a manifest behind this filter: the same if it leaves out nothing.
    pub fn name(&self, manifest: &str) -> String {
        match manifest.rsplit_once('.') {
            Some((stem, extension)) if !self.is_empty() => format!("{stem}.{}.{extension}", self.text()),
            _ => manifest.to_owned(),
        }
    }

    /// Returns the manifest and the filter of a name, as [`Self::name`] writes it; `None` for a name without a filter.
    pub fn split(name: &str) -> Option<(String, Self)> {
        let (rest, extension) = name.rsplit_once('.').filter(|(_, end)| matches!(*end, "m3u8" | "mpd"))?;
        let (stem, filter) = rest.rsplit_once('.').filter(|(stem, _)| !stem.is_empty())?;
        Some((format!("{stem}.{extension}"), Self::parse(filter)?))
    }
}

/// A limit is lower than every representation may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the limits of the device are below those of every representation")]
pub struct BelowAll;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::{ManifestFilter, VideoTraits};

    fn filter(height: u32, bitrate: u64, codecs: &[&str]) -> ManifestFilter {
        let codecs: Vec<String> = codecs.iter().map(|codec| (*codec).to_owned()).collect();
        ManifestFilter::new(Some(height), Some(bitrate), &codecs).unwrap()
    }

    #[test]
    fn a_filter_has_one_name() {
        let filter = filter(600, 3_600_000, &["mp4a.40.2", "AVC1", "avc1.64001e", "theora"]);
        assert_eq!(filter.name("master.m3u8"), "master.h480_b3500_cavc1_cmp4a.m3u8");
        assert_eq!(
            ManifestFilter::split("master.h480_b3500_cavc1_cmp4a.m3u8"),
            Some(("master.m3u8".to_owned(), filter))
        );
        assert_eq!(ManifestFilter::default().name("manifest.mpd"), "manifest.mpd");
        for other in [
            "master.m3u8",
            "master..m3u8",
            ".h480.m3u8",
            "master.h481.m3u8",
            "master.h0480.m3u8",
            "master.b3500_h480.m3u8",
            "master.cmp4a_cavc1.m3u8",
            "master.h480_h480.m3u8",
            "master.cAVC1.m3u8",
            "master.ctheora.mpd",
            "master.h480.mp4",
            "master.h480_.m3u8",
            "master.é.m3u8",
            "master.x.m3u8",
            "h480.m3u8",
        ] {
            assert_eq!(ManifestFilter::split(other), None, "{other}");
        }
    }

    #[test]
    fn codecs_are_compared_within_their_kind() {
        let audio = filter(4320, 40_000_000, &["mp4a"]);
        assert!(audio.allows_codec("avc1.64001e") && audio.allows_codec("mp4a.40.2") && !audio.allows_codec("ec-3"));
        let unknown = filter(4320, 40_000_000, &["theora"]);
        assert!(unknown.allows_codec("avc1.64001e") && unknown.allows_codec("wvtt"));
    }

    #[test]
    fn a_filter_keeps_only_the_limits_that_leave_something_out() {
        let rung = |height, bandwidth| VideoTraits {
            height: Some(height),
            bandwidth: Some(bandwidth),
            codec: Some("avc1.64001e"),
        };
        let video = [rung(240, 400_000), rung(720, 3_000_000)];
        let reduced = |filter: ManifestFilter| filter.reduced(&video, &["mp4a.40.2"]).text();
        assert_eq!(reduced(filter(1080, 10_000_000, &["avc1", "mp4a"])), "");
        assert_eq!(reduced(filter(500, 10_000_000, &["avc1", "hvc1"])), "h480");
        assert_eq!(reduced(filter(720, 2_000_000, &[])), "b1800");
        assert_eq!(reduced(filter(720, 4_000_000, &["avc1", "ec-3"])), "cavc1", "and no audio is left");
        assert!(
            ManifestFilter::new(Some(100), None, &[]).is_err() && ManifestFilter::new(None, Some(99_999), &[]).is_err()
        );
    }
}
