//! Other readers agree with ours on what they read properly: `m3u8-rs` on media playlists without its known defects,
//! `dash-mpd-core` on the attributes that it keeps.

use proptest::prelude::*;

use super::base;
use crate::manifest::describe;

/// A segment as both readers see it.
#[derive(Clone, Debug)]
struct Sample {
    millis: u32,
    title: String,
    uri: String,
    range: Option<(u32, u32)>,
    discontinuity: bool,
    key: bool,
}

fn sample() -> impl Strategy<Value = Sample> {
    let range = proptest::option::of((1..1_000_000_u32, 0..1_000_000_u32));
    ("[a-z]{0,8}", "[a-z][a-z0-9/._-]{0,20}", 0..20_000_u32, range, any::<bool>(), any::<bool>()).prop_map(
        |(title, uri, millis, range, discontinuity, key)| Sample { millis, title, uri, range, discontinuity, key },
    )
}

fn playlist(sequence: u32, samples: &[Sample]) -> String {
    let mut text = format!("#EXTM3U\n#EXT-X-VERSION:4\n#EXT-X-TARGETDURATION:20\n#EXT-X-MEDIA-SEQUENCE:{sequence}\n");
    for sample in samples {
        if sample.discontinuity {
            text.push_str("#EXT-X-DISCONTINUITY\n");
        }
        if sample.key {
            text.push_str("#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0x1\n");
        }
        if let Some((length, offset)) = sample.range {
            text.push_str(&format!("#EXT-X-BYTERANGE:{length}@{offset}\n"));
        }
        let seconds = format!("{}.{:03}", sample.millis / 1000, sample.millis % 1000);
        text.push_str(&format!("#EXTINF:{seconds},{}\n{}\n", sample.title, sample.uri));
    }
    text.push_str("#EXT-X-ENDLIST\n");
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 4))]

    #[test]
    fn media_playlists_are_read_as_m3u8_rs_reads_them(
        sequence in 0..1_000_000_u32,
        samples in proptest::collection::vec(sample(), 1..20),
    ) {
        let text = playlist(sequence, &samples);
        let (_, theirs) = m3u8_rs::parse_media_playlist(text.as_bytes()).expect("a clean playlist");
        let ours = describe(text.as_bytes(), &base(), None).expect("a clean playlist");
        prop_assert_eq!(&ours["warnings"], &serde_json::json!([]));
        prop_assert_eq!(ours["media_sequence"].as_u64(), Some(theirs.media_sequence));
        prop_assert_eq!(ours["ended"].as_bool(), Some(theirs.end_list));
        let segments = ours["segments"].as_array().expect("a list");
        prop_assert_eq!(segments.len(), theirs.segments.len());
        let mut keyed = false;
        for (ours, theirs) in segments.iter().zip(&theirs.segments) {
            prop_assert_eq!(ours["uri"].as_str(), Some(theirs.uri.as_str()));
            let difference = ours["duration_s"].as_f64().expect("a number") - f64::from(theirs.duration);
            prop_assert!(difference.abs() < 1e-5, "durations of m3u8-rs are single precision");
            prop_assert_eq!(ours["discontinuity"].as_bool(), Some(theirs.discontinuity));
            let range = theirs.byte_range.as_ref().map(|range| serde_json::json!([range.offset, range.length]));
            prop_assert_eq!(&ours["byte_range"], &serde_json::json!(range));
            // m3u8-rs does not carry keys forward.
            keyed |= theirs.key.is_some();
            prop_assert_eq!(!ours["key_method"].is_null(), keyed);
        }
    }
}

#[test]
fn manifests_are_read_as_dash_mpd_core_reads_them() {
    let text = r#"<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" profiles="p" mediaPresentationDuration="PT1H2M3.5S">
 <Period id="1" start="PT0S" duration="PT3723.5S"><AdaptationSet id="4" contentType="video" lang="en" mimeType="video/mp4">
 <Representation id="a" bandwidth="100" width="64" height="36" codecs="avc1.64001f"/><Representation id="b" bandwidth="200" width="128" height="72" codecs="avc1.64001f"/>
 </AdaptationSet><AdaptationSet id="5" mimeType="audio/mp4" lang="de"><Representation id="c" bandwidth="50" codecs="mp4a.40.2"/></AdaptationSet></Period></MPD>"#;
    let theirs = dash_mpd_core::parse(text).expect("a clean manifest");
    let ours = describe(text.as_bytes(), &base(), None).expect("a clean manifest");
    assert_eq!(ours["duration_s"].as_f64(), theirs.mediaPresentationDuration.map(|duration| duration.as_secs_f64()));
    assert_eq!(ours["type"].as_str(), theirs.mpdtype.as_deref());
    let periods = ours["periods"].as_array().expect("a list");
    assert_eq!(periods.len(), theirs.periods.len());
    for (ours, theirs) in periods.iter().zip(&theirs.periods) {
        assert_eq!(ours["id"].as_str(), theirs.id.as_deref());
        assert_eq!(ours["duration_s"].as_f64(), theirs.duration.map(|duration| duration.as_secs_f64()));
        let sets = ours["adaptation_sets"].as_array().expect("a list");
        assert_eq!(sets.len(), theirs.adaptations.len());
        for (ours, theirs) in sets.iter().zip(&theirs.adaptations) {
            assert_eq!(ours["id"].as_str(), theirs.id.as_deref());
            assert_eq!(ours["lang"].as_str(), theirs.lang.as_deref());
            assert_eq!(ours["mime_type"].as_str(), theirs.mimeType.as_deref());
            let representations = ours["representations"].as_array().expect("a list");
            assert_eq!(representations.len(), theirs.representations.len());
            for (ours, theirs) in representations.iter().zip(&theirs.representations) {
                assert_eq!(ours["id"].as_str(), theirs.id.as_deref());
                assert_eq!(ours["bandwidth"].as_u64(), theirs.bandwidth);
                assert_eq!(ours["width"].as_u64(), theirs.width);
                assert_eq!(ours["codecs"].as_str(), theirs.codecs.as_deref());
            }
        }
    }
}
