//! Playlists as texts, and what cannot be written.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use super::*;
use crate::{ByteRange, Layout, ManifestError};

fn audio(group_id: &str, name: &str) -> Rendition {
    Rendition {
        kind: RenditionKind::Audio { channels: None, uri: None },
        group_id: group_id.to_owned(),
        name: name.to_owned(),
        language: None,
        is_default: None,
        is_autoselect: None,
    }
}

fn variant() -> Variant {
    Variant { bandwidth: 1, uri: "v.m3u8".to_owned(), ..Variant::default() }
}

fn error(renditions: &[Rendition], variants: &[Variant]) -> Option<ManifestError> {
    let renditions = renditions.iter().cloned().map(MultivariantTag::Media);
    let variants = variants.iter().cloned().map(MultivariantTag::StreamInf);
    let playlist = Multivariant { tags: renditions.chain(variants).collect(), ..Multivariant::default() };
    playlist.to_text(Layout::Readable).err()
}

fn on_demand(segments: Vec<Segment>) -> MediaPlaylist {
    let playlist_type = Some(PlaylistType::Vod);
    MediaPlaylist { target_duration: 4, playlist_type, segments, is_ended: true, ..MediaPlaylist::default() }
}

fn media_error(segments: Vec<Segment>) -> Option<ManifestError> {
    on_demand(segments).to_text(Layout::Readable).err()
}

fn segment() -> Segment {
    Segment::new("a.mp4", Duration::from_secs(4))
}

#[test]
fn a_playlist_has_its_tags_in_order() {
    let range = ByteRange { offset: 0, length: 10 };
    let key = KeyAttributes {
        method: EncryptionMethod::SampleAes,
        uri: "skd://x".to_owned(),
        key_format: Some("com.x".to_owned()),
        key_format_versions: vec![1, 5],
        key_id: Some([0xab; 16]),
    };
    let tags = vec![
        SegmentTag::Key(Key::Encrypted(key)),
        SegmentTag::Map { uri: "a.mp4".to_owned(), byte_range: Some(range) },
        SegmentTag::Discontinuity,
        SegmentTag::Gap,
        SegmentTag::Bitrate(900),
    ];
    let first = Segment { tags, byte_range: Some(SegmentRange::At(ByteRange { offset: 10, length: 5 })), ..segment() };
    let tags = vec![SegmentTag::Key(Key::None)];
    let second = Segment { tags, byte_range: Some(SegmentRange::Next { length: 0 }), ..segment() };
    let playlist = MediaPlaylist {
        media_sequence: Some(u64::MAX),
        discontinuity_sequence: Some(2),
        start_time_offset: Some(-0.5),
        independent_segments: true,
        ..on_demand(vec![first, second])
    };
    let expected = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:18446744073709551615\n\
                    #EXT-X-DISCONTINUITY-SEQUENCE:2\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-START:TIME-OFFSET=-0.5\n\
                    #EXT-X-INDEPENDENT-SEGMENTS\n\
                    #EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://x\",KEYFORMAT=\"com.x\",KEYFORMATVERSIONS=\"1/5\",\
                    KEYID=0xabababababababababababababababab\n\
                    #EXT-X-MAP:URI=\"a.mp4\",BYTERANGE=\"10@0\"\n#EXT-X-DISCONTINUITY\n#EXT-X-GAP\n#EXT-X-BITRATE:900\n\
                    #EXTINF:4.000,\n#EXT-X-BYTERANGE:5@10\na.mp4\n#EXT-X-KEY:METHOD=NONE\n\
                    #EXTINF:4.000,\n#EXT-X-BYTERANGE:0\na.mp4\n#EXT-X-ENDLIST\n";
    assert_eq!(playlist.to_text(Layout::Compact).unwrap(), expected);
}

#[test]
fn a_playlist_that_slides_has_neither_type_nor_end() {
    let sliding = MediaPlaylist { playlist_type: None, is_ended: false, ..on_demand(vec![segment()]) };
    let text = sliding.to_text(Layout::Compact).unwrap();
    assert_eq!(text, "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:4\n#EXTINF:4.000,\na.mp4\n");
    let growing = MediaPlaylist { playlist_type: Some(PlaylistType::Event), ..sliding.clone() };
    assert!(growing.to_text(Layout::Compact).unwrap().contains("#EXT-X-PLAYLIST-TYPE:EVENT\n"));
    let endless = MediaPlaylist { playlist_type: Some(PlaylistType::Vod), ..sliding };
    assert!(matches!(endless.to_text(Layout::Compact), Err(ManifestError::Contradiction { .. })));
}

#[test]
fn no_segment_is_longer_than_the_target_duration() {
    let lasting = |millis| Segment::new("a", Duration::from_millis(millis));
    assert_eq!(media_error(vec![lasting(4499)]), None, "rounded to whole seconds");
    let too_long = ManifestError::SegmentTooLong { duration: Duration::from_millis(4500), target_duration: 4 };
    assert_eq!(media_error(vec![lasting(1), lasting(4500)]), Some(too_long));
    let least =
        |millis: &[u64]| MediaPlaylist::least_target_duration(millis.iter().copied().map(Duration::from_millis));
    assert_eq!([least(&[]), least(&[10]), least(&[2499, 1500]), least(&[2500])], [1, 1, 2, 3]);
    assert_eq!(MediaPlaylist::least_target_duration([Duration::MAX]), u64::MAX);
}

#[test]
fn a_range_without_an_offset_follows_a_range_of_its_file() {
    let at = |uri: &str| Segment {
        byte_range: Some(SegmentRange::At(ByteRange { offset: 7, length: 1 })),
        ..Segment::new(uri, Duration::ZERO)
    };
    let next = |uri: &str| Segment { byte_range: Some(SegmentRange::Next { length: 1 }), ..at(uri) };
    assert_eq!(media_error(vec![at("a"), next("a"), next("a")]), None);
    let orphan = Segment { byte_range: Some(SegmentRange::Orphan { length: 1 }), ..at("a") };
    assert_eq!(media_error(vec![orphan, next("a")]), None);
    let whole = Segment::new("a", Duration::ZERO);
    for segments in [vec![next("a")], vec![at("b"), next("a")], vec![whole, next("a")]] {
        let error = media_error(segments);
        assert!(matches!(error, Some(ManifestError::Contradiction { place: "EXT-X-BYTERANGE", .. })), "{error:?}");
    }
}

#[test]
fn a_segment_has_a_tag_of_state_once_and_keys_more_often() {
    let tagged = |tags: &[SegmentTag]| media_error(vec![Segment { tags: tags.to_vec(), ..segment() }]);
    let key = || SegmentTag::Key(Key::None);
    assert_eq!(tagged(&[key(), SegmentTag::Gap, key()]), None);
    for tag in [SegmentTag::Gap, SegmentTag::Discontinuity, SegmentTag::Bitrate(1)] {
        let error = tagged(&[tag.clone(), key(), tag]);
        assert!(matches!(error, Some(ManifestError::Contradiction { place: "segment tags", .. })), "{error:?}");
    }
}

#[test]
fn lines_that_are_addresses_are_no_tags_and_do_not_break() {
    for (uri, character) in [("#EXT-X-ENDLIST", '#'), ("a\n#EXT-X-ENDLIST", '\n'), ("a b", ' '), (" a", ' ')] {
        let error = Some(ManifestError::Character { place: "URI line", character });
        assert_eq!(media_error(vec![Segment::new(uri, Duration::ZERO)]), error);
        assert_eq!(self::error(&[], &[Variant { uri: uri.to_owned(), ..variant() }]), error);
    }
    let empty = Some(ManifestError::Empty { place: "URI line" });
    assert_eq!(media_error(vec![Segment::new("", Duration::ZERO)]), empty);
}

#[test]
fn names_are_unique_in_a_group_and_groups_exist() {
    assert_eq!(error(&[audio("a", "x"), audio("b", "x"), audio("a", "y")], &[]), None);
    let duplicate = ManifestError::Duplicate { place: "NAME", name: "x".to_owned() };
    assert_eq!(error(&[audio("a", "x"), audio("a", "x")], &[]), Some(duplicate));
    let captions =
        Rendition { kind: RenditionKind::ClosedCaptions { instream_id: "CC1".to_owned() }, ..audio("a", "x") };
    assert_eq!(error(&[audio("a", "x"), captions.clone()], &[]), None, "of another type");
    let of = |group: &str| Variant { audio: Some(group.to_owned()), ..variant() };
    assert_eq!(error(&[audio("a", "x")], &[of("a")]), None);
    let unknown = |place| Some(ManifestError::UnknownGroup { place, name: "a".to_owned() });
    assert_eq!(error(&[captions], &[of("a")]), unknown("AUDIO"));
    assert_eq!(
        error(&[audio("a", "x")], &[Variant { subtitles: Some("a".to_owned()), ..variant() }]),
        unknown("SUBTITLES")
    );
    let captioned = Variant { closed_captions: Some(ClosedCaptions::Group("a".to_owned())), ..variant() };
    assert_eq!(error(&[audio("a", "x")], &[captioned]), unknown("CLOSED-CAPTIONS"));
}

#[test]
fn a_group_has_one_default_which_may_be_selected() {
    let default = |name: &str| Rendition { is_default: Some(true), ..audio("a", name) };
    assert_eq!(error(&[default("x"), audio("a", "y")], &[]), None);
    let two = error(&[default("x"), default("y")], &[]);
    assert!(matches!(two, Some(ManifestError::Contradiction { place: "DEFAULT", .. })), "{two:?}");
    let denied = error(&[Rendition { is_autoselect: Some(false), ..default("x") }], &[]);
    assert!(matches!(denied, Some(ManifestError::Contradiction { place: "AUTOSELECT", .. })), "{denied:?}");
}

#[test]
fn all_variants_deny_captions_or_none() {
    let denying = || Variant { closed_captions: Some(ClosedCaptions::None), ..variant() };
    assert_eq!(error(&[], &[denying(), denying()]), None);
    let some = error(&[], &[denying(), variant()]);
    assert!(matches!(some, Some(ManifestError::Contradiction { place: "CLOSED-CAPTIONS", .. })), "{some:?}");
}

#[test]
fn values_are_of_their_kinds() {
    let channel = |id: &str| {
        let kind = RenditionKind::ClosedCaptions { instream_id: id.to_owned() };
        error(&[Rendition { kind, ..audio("a", "x") }], &[]).is_none()
    };
    assert!(["CC1", "CC4", "SERVICE1", "SERVICE63"].into_iter().all(channel));
    assert!(!["CC0", "CC5", "CC01", "CC+1", "SERVICE64", "SERVICE", "", "X"].into_iter().any(channel));
    let of = |change: &dyn Fn(&mut Variant)| {
        let mut variant = variant();
        change(&mut variant);
        error(&[], &[variant])
    };
    let character = |place, character| Some(ManifestError::Character { place, character });
    assert_eq!(of(&|it| it.codecs = vec!["a,b".to_owned()]), character("CODECS", ','));
    assert_eq!(of(&|it| it.pathway_id = Some("a b".to_owned())), character("PATHWAY-ID", ' '));
    assert_eq!(of(&|it| it.stable_variant_id = Some("é".to_owned())), character("STABLE-VARIANT-ID", 'é'));
    assert_eq!(of(&|it| it.hdcp_level = Some("A,B=C".to_owned())), character("HDCP-LEVEL", ','));
    let nan = ManifestError::OutOfRange { place: "FRAME-RATE", value: "NaN".to_owned() };
    assert_eq!(of(&|it| it.frame_rate = Some(f64::NAN)), Some(nan));
    let negative = ManifestError::OutOfRange { place: "SCORE", value: "-1".to_owned() };
    assert_eq!(of(&|it| it.score = Some(-1.0)), Some(negative));
    let infinite = Multivariant { start_time_offset: Some(f64::INFINITY), ..Multivariant::default() };
    let expected = ManifestError::OutOfRange { place: "TIME-OFFSET", value: "inf".to_owned() };
    assert_eq!(infinite.to_text(Layout::Compact), Err(expected));
    let huge = Multivariant { start_time_offset: Some(1e300), ..Multivariant::default() };
    assert!(!huge.to_text(Layout::Compact).unwrap().contains('e'), "a decimal has no exponent");
}
