//! Manifests without the representations that a device cannot play. The rest of a manifest stays as it is, byte for byte, so that
//! its addresses lead to the same media.

mod dash;
mod hls;

use kinora_kit::filter::ManifestFilter;

/// Maximum number of bytes of a manifest that is filtered.
pub const MAX_MANIFEST: usize = 8 << 20;
/// Maximum number of variants, or of representations, of a manifest that is filtered.
const MAX_ENTRIES: usize = 4096;

/// Reason why a manifest was not filtered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterError {
    /// No representation of video, or of audio, would be left.
    #[error("no representation is within the limits")]
    NothingLeft,
    /// The manifest is none that can be filtered: a media playlist, or damaged.
    #[error("the manifest cannot be filtered")]
    Unreadable,
    /// The manifest is too large.
    #[error("the manifest is too large to be filtered")]
    TooLarge,
}

/// Returns a manifest, which its name tells to be a multivariant playlist or an MPD, without what a filter leaves out.
///
/// # Errors
/// [`FilterError`].
pub fn apply(name: &str, text: &str, filter: &ManifestFilter) -> Result<String, FilterError> {
    if text.len() > MAX_MANIFEST {
        return Err(FilterError::TooLarge);
    }
    match name.rsplit_once('.') {
        Some((_, "m3u8")) => hls::apply(text, filter),
        Some((_, "mpd")) => dash::apply(text, filter),
        _ => Err(FilterError::Unreadable),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::{FilterError, MAX_MANIFEST, apply};
    use kinora_kit::filter::ManifestFilter;

    const HLS: &str = "#EXTM3U\n#EXT-X-VERSION:7\r\n
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"low\",NAME=\"A, B\",URI=\"audio/low.m3u8\"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"high\",NAME=\"A\",URI=\"audio/high.m3u8\"
#EXT-X-STREAM-INF:BANDWIDTH=400000,CODECS=\"avc1.640015,mp4a.40.2\",RESOLUTION=426x240,AUDIO=\"low\"
video/240p.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=1400000,CODECS=\"avc1.64001e,mp4a.40.2\",RESOLUTION=854x480,AUDIO=\"low\"
# a comment
video/480p.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=3000000,CODECS=\"hvc1.1.6,ec-3\",RESOLUTION=1280x720,AUDIO=\"high\"
video/720p.m3u8
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=90000,CODECS=\"hvc1.1.6\",RESOLUTION=1280x720,URI=\"i.m3u8\"
";

    const DASH: &str = r#"<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011">
  <Period>
    <AdaptationSet mimeType="video/mp4" codecs="avc1.640015">
      <SegmentTemplate media="a-$Number$.m4s"/>
      <Representation id="240" bandwidth="350000" height="240"/>
      <Representation id="720" bandwidth="2950000" height="720"><BaseURL>x/</BaseURL></Representation>
    </AdaptationSet>
    <AdaptationSet contentType="video">
      <Representation id="h" mimeType="video/mp4" codecs="hvc1.1.6" bandwidth="300000" height="480"></Representation>
    </AdaptationSet>
    <AdaptationSet mimeType="audio/mp4"><Representation id="a" codecs="mp4a.40.2" bandwidth="50000"/></AdaptationSet>
    <AdaptationSet mimeType="audio/mp4"><Representation id="e" codecs="ec-3" bandwidth="40000"/></AdaptationSet>
    <AdaptationSet mimeType="text/vtt"><Representation id="t" bandwidth="9"/></AdaptationSet>
  </Period>
</MPD>
"#;

    fn filtered(name: &str, text: &str, filter: &str) -> Result<String, FilterError> {
        apply(name, text, &ManifestFilter::parse(filter).unwrap())
    }

    /// Parts of a manifest that are still there, of `all`.
    fn left<'a>(text: &str, all: &[&'a str]) -> Vec<&'a str> {
        all.iter().copied().filter(|part| text.contains(part)).collect()
    }

    #[test]
    fn a_multivariant_playlist_loses_variants_and_what_only_they_use() {
        let parts = ["240p.m3u8", "480p.m3u8", "720p.m3u8", "i.m3u8", "audio/low", "audio/high"];
        let of = |filter| left(&filtered("master.m3u8", HLS, filter).unwrap(), &parts);
        assert_eq!(of("h480"), ["240p.m3u8", "480p.m3u8", "audio/low"]);
        assert_eq!(of("b1200"), ["240p.m3u8", "i.m3u8", "audio/low"]);
        assert_eq!(of("chvc1"), ["720p.m3u8", "i.m3u8", "audio/high"]);
        assert_eq!(of("cmp4a"), ["240p.m3u8", "480p.m3u8", "i.m3u8", "audio/low"]);
        assert_eq!(filtered("master.m3u8", HLS, "h720").unwrap(), HLS, "what leaves out nothing changes nothing");
        assert!(!filtered("master.m3u8", HLS, "h240").unwrap().contains("# a comment"), "it belongs to the variant");
        for nothing in ["h144", "b300", "cav01", "h720_cflac"] {
            assert_eq!(filtered("master.m3u8", HLS, nothing), Err(FilterError::NothingLeft), "{nothing}");
        }
    }

    #[test]
    fn an_mpd_loses_representations_and_sets_without_any() {
        let parts = ["\"240\"", "\"720\"", "\"h\"", "\"a\"", "\"e\"", "\"t\"", "BaseURL"];
        let of = |filter| left(&filtered("manifest.mpd", DASH, filter).unwrap(), &parts);
        assert_eq!(of("h480"), ["\"240\"", "\"h\"", "\"a\"", "\"e\"", "\"t\""]);
        assert_eq!(of("b2500"), ["\"240\"", "\"h\"", "\"a\"", "\"e\"", "\"t\""]);
        assert_eq!(of("cavc1_cec-3"), ["\"240\"", "\"720\"", "\"e\"", "\"t\"", "BaseURL"]);
        let text = filtered("manifest.mpd", DASH, "cavc1").unwrap();
        assert_eq!((text.matches("<AdaptationSet").count(), text.matches("</AdaptationSet>").count()), (4, 4));
        assert_eq!(filtered("manifest.mpd", DASH, "h720").unwrap(), DASH);
        for nothing in ["h144", "b300", "cav01", "cflac"] {
            assert_eq!(filtered("manifest.mpd", DASH, nothing), Err(FilterError::NothingLeft), "{nothing}");
        }
    }

    #[test]
    fn what_is_no_such_manifest_is_refused() {
        let cut = &DASH[..DASH.len() - 8];
        for (name, text) in [
            ("a.m3u8", ""),
            ("a.m3u8", "#EXTM3U\n#EXTINF:2,\na.m4s\n"),
            ("a.m3u8", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n"),
            ("a.mpd", ""),
            ("a.mpd", "<MPD/>"),
            ("a.mpd", cut),
            ("a.json", "{}"),
        ] {
            assert_eq!(filtered(name, text, "h480"), Err(FilterError::Unreadable), "{text}");
        }
        let large = " ".repeat(MAX_MANIFEST + 1);
        assert_eq!(filtered("a.m3u8", &large, "h480"), Err(FilterError::TooLarge));
        let many = format!("#EXTM3U\n{}", "#EXT-X-STREAM-INF:BANDWIDTH=1\na\n".repeat(5000));
        assert_eq!(filtered("a.m3u8", &many, "h480"), Err(FilterError::TooLarge));
    }
}
