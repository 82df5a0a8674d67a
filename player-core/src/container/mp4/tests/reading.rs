//! Well-formed media: what comes out is what went in.

use std::time::Duration;

use bytes::Bytes;

use super::super::testmux::{self, TestCodec, TestFragment, TestProtection, TestTrack, boxed, full};
use super::{AUDIO, VIDEO, cues, read, samples};
use crate::container::{Codec, DemuxError, DemuxOutput, Subsample, demuxer, describe_samples, read_init};
use crate::model::{ContainerFormat, MediaKind};
use crate::text::webvtt::TimestampMap;
use crate::time::MediaTime;

#[test]
fn initialisation_data_says_what_the_decoder_needs() {
    let audio = TestTrack { language: *b"deu", ..AUDIO };
    let init = read_init(testmux::init(&[VIDEO, audio])).unwrap();
    let [video, audio] = &init.tracks[..] else { panic!("two tracks: {init:?}") };
    assert_eq!((video.id, video.kind, video.timescale), (1, MediaKind::Video, 12_800));
    assert_eq!(video.config.codec_string, "avc1.4D401F");
    assert_eq!((video.config.width, video.config.height), (Some(640), Some(360)));
    assert_eq!((audio.config.codec_string.as_str(), audio.language.as_deref()), ("mp4a.40.2", Some("deu")));
    assert_eq!(audio.config.codec, Codec::Aac { asc: Bytes::from_static(&[0x11, 0x90]) });
    assert_eq!((audio.config.sample_rate, audio.config.channels), (Some(48_000), Some(2)));
}

#[test]
fn pieces_of_any_size_give_the_same_samples() {
    let init = read_init(testmux::init(&[VIDEO])).unwrap();
    let spec = [(512, 4000, true, 1024), (512, 0, false, 2048), (512, 700, false, -512), (512, 1, false, 0)];
    let segment = testmux::segment(1, 9, 12_800 * 4, &spec);
    let mut expected = None;
    for size in [1, 2, 3, 7, 97, 1021, 4099, segment.len()] {
        let found = samples(&read(Some(&init), &segment, size).unwrap(), 1);
        assert_eq!(found.len(), spec.len());
        assert_eq!(found[0].pts.as_nanos(), 4_080_000_000);
        assert_eq!(found[2].pts.as_nanos(), 4_040_000_000);
        assert_eq!(found[1].duration, Duration::from_millis(40));
        assert!(found[0].key && !found[1].key);
        for (index, sample) in found.iter().enumerate() {
            assert_eq!(sample.payload.0, testmux::payload(1, 9, index, spec[index].1));
        }
        assert_eq!(expected.get_or_insert_with(|| found.clone()), &found, "pieces of {size} bytes");
    }
}

#[test]
fn a_sample_comes_out_with_its_last_byte_and_is_not_copied() {
    let init = read_init(testmux::init(&[VIDEO])).unwrap();
    let segment = testmux::segment(1, 1, 0, &[(512, 2000, true, 0), (512, 3000, false, 0)]);
    let first_end = segment.len() - 3000;
    let mut demuxer = demuxer(ContainerFormat::Fmp4, Some(&init)).unwrap();
    assert!(demuxer.push(segment.slice(..first_end - 1)).unwrap().is_empty());
    let outputs = demuxer.push(segment.slice(first_end - 1..first_end)).unwrap();
    assert_eq!(samples(&outputs, 1).len(), 1);
    let outputs = demuxer.push(segment.slice(first_end..)).unwrap();
    let payload = samples(&outputs, 1).remove(0).payload.0;
    assert_eq!(payload.as_ptr(), segment.slice(first_end..).as_ptr());
    assert!(demuxer.finish().unwrap().is_empty());
}

#[test]
fn a_segment_may_carry_its_own_initialisation_data() {
    let mut file = testmux::init(&[VIDEO, AUDIO]).to_vec();
    file.extend(boxed(b"styp", b"msdh\0\0\0\0msdh"));
    file.extend(full(b"emsg", 0, 0, b"urn:x\0\0"));
    file.extend(testmux::segment(1, 1, 0, &[(512, 10, true, 0)]));
    file.extend(testmux::segment(2, 2, 0, &[(1024, 20, false, 0), (1024, 5, false, 0)]));
    for format in [ContainerFormat::Fmp4, ContainerFormat::Unknown] {
        let mut demuxer = demuxer(format, None).unwrap();
        let mut outputs = demuxer.push(file.clone().into()).unwrap();
        outputs.extend(demuxer.finish().unwrap());
        let DemuxOutput::Init(init) = &outputs[0] else { panic!("{outputs:?}") };
        assert_eq!(init.tracks.len(), 2);
        assert_eq!(read_init(init.source.clone()).unwrap().tracks, init.tracks);
        assert_eq!((samples(&outputs, 1).len(), samples(&outputs, 2).len()), (1, 2));
        assert!(samples(&outputs, 2).iter().all(|sample| sample.key), "every frame of sound stands alone");
    }
}

#[test]
fn an_edit_list_moves_the_beginning_to_zero() {
    let priming = TestTrack { media_time: 1024, ..AUDIO };
    let init = read_init(testmux::init(&[priming])).unwrap();
    let segment = testmux::segment(2, 1, 0, &[(1024, 8, true, 0), (1024, 8, true, 0)]);
    let found = samples(&read(Some(&init), &segment, 64).unwrap(), 2);
    assert_eq!(found[0].pts, MediaTime::from_ticks(-1024, 48_000));
    assert_eq!((found[0].end(), found[1].pts), (MediaTime::from_nanos(0), MediaTime::ZERO));
}

#[test]
fn without_a_decoding_time_the_fragment_continues_the_one_before() {
    let init = testmux::init(&[VIDEO]);
    let first = testmux::segment(1, 1, 25_600, &[(512, 10, true, 0)]).to_vec();
    let mut second = testmux::segment(1, 2, 0, &[(512, 10, false, 0)]).to_vec();
    let at = second.windows(4).position(|window| window == b"tfdt").unwrap();
    second[at..at + 4].copy_from_slice(b"free");
    let media = [init.to_vec(), first, second].concat().into();
    let found = samples(&read(None, &media, 100).unwrap(), 1);
    assert_eq!(found[1].dts, MediaTime::from_ticks(25_600 + 512, 12_800));
}

#[test]
fn an_explicit_base_counts_from_the_file_or_from_the_fragment() {
    let init = read_init(testmux::init(&[VIDEO])).unwrap();
    // The same fragment, declared to lie at byte 5000 of its file: a range request gives it from its own beginning.
    let plain = testmux::segment(1, 1, 0, &[(512, 10, true, 0)]);
    let build = |base: u64| {
        let tfhd = full(b"tfhd", 0, 1, &[1u32.to_be_bytes().to_vec(), base.to_be_bytes().to_vec()].concat());
        let at = plain.windows(4).position(|window| window == b"tfhd").unwrap() - 4;
        let mut out = [&plain[..at], &tfhd, &plain[at + 16..]].concat();
        // The sizes of `moof` and of `traf`, which follows the 16 bytes of `mfhd`.
        for place in [0, 24] {
            let size = u32::from_be_bytes(out[place..place + 4].try_into().unwrap()) + 8;
            out[place..place + 4].copy_from_slice(&size.to_be_bytes());
        }
        let run = out.windows(4).position(|window| window == b"trun").unwrap() + 12;
        let offset = u32::from_be_bytes(out[run..run + 4].try_into().unwrap()) + 8;
        out[run..run + 4].copy_from_slice(&offset.to_be_bytes());
        Bytes::from(out)
    };
    for base in [0, 5000] {
        let found = samples(&read(Some(&init), &build(base), 50).unwrap(), 1);
        assert_eq!(found[0].payload.0, testmux::payload(1, 1, 0, 10), "base {base}");
    }
}

#[test]
fn encrypted_samples_keep_what_a_decryptor_needs() {
    let protection = TestProtection { scheme: *b"cenc", key_id: [3; 16], iv_size: 8, pattern: (0, 0) };
    let track = TestTrack { protection: Some(protection), ..VIDEO };
    let init = read_init(testmux::init(&[track])).unwrap();
    assert_eq!(init.tracks[0].config.protection_scheme, Some(*b"cenc"));
    assert_eq!(init.tracks[0].config.codec_string, "avc1.4D401F");
    let mut senc = 2u32.to_be_bytes().to_vec();
    for iv in [5u8, 6] {
        senc.extend([iv; 8]);
        senc.extend([0, 2, 0, 4, 0, 0, 0, 32, 0, 1, 0, 0, 0, 3]);
    }
    let boxes = full(b"senc", 0, 2, &senc);
    let fragment = TestFragment { track: 1, sequence: 1, base_decode_time: 0, boxes: &boxes };
    let segment = fragment.build(&[(512, 40, true, 0), (512, 40, false, 0)], &[9; 80]);
    let found = samples(&read(Some(&init), &segment, 33).unwrap(), 1);
    let crypto = found[1].crypto.as_ref().unwrap();
    assert_eq!((crypto.scheme, crypto.key_id, crypto.pattern), (*b"cenc", [3; 16], (0, 0)));
    assert_eq!(crypto.iv, [6; 8]);
    assert_eq!(crypto.subsamples, [Subsample { clear: 4, encrypted: 32 }, Subsample { clear: 1, encrypted: 3 }]);
    let bare = testmux::segment(1, 1, 0, &[(512, 40, true, 0)]);
    assert!(matches!(read(Some(&init), &bare, 99), Err(DemuxError::Malformed { .. })), "vectors are missing");
}

#[test]
fn initialisation_data_names_its_keys_unless_it_is_clear() {
    let protection = TestProtection { scheme: *b"cbcs", key_id: [3; 16], iv_size: 0, pattern: (1, 9) };
    let named = |track: TestTrack| crate::container::protection_of(&testmux::init(&[track]));
    assert_eq!(named(VIDEO), None);
    let found = named(TestTrack { protection: Some(protection), ..VIDEO }).unwrap();
    assert_eq!(found.key_ids, [crate::drm::KeyId([3; 16])]);
    assert_eq!(crate::container::protection_of(b"no boxes at all"), None);
}

#[test]
fn key_groups_override_the_defaults_of_the_track() {
    let protection = TestProtection { scheme: *b"cbcs", key_id: [3; 16], iv_size: 0, pattern: (1, 9) };
    let track = TestTrack { protection: Some(protection), ..VIDEO };
    let init = read_init(testmux::init(&[track])).unwrap();
    let clear = [vec![0, 0, 0, 0], vec![0; 16]].concat();
    let other = [vec![0, 0x19, 1, 0], vec![4; 16], vec![8], vec![2; 8]].concat();
    let mut groups = b"seig\0\0\0\0\0\0\0\x02".to_vec();
    for entry in [&clear, &other] {
        groups.extend((entry.len() as u32).to_be_bytes());
        groups.extend(entry);
    }
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<_>>();
    let runs = [b"seig".to_vec(), words(&[2, 1, 0x1_0001, 1, 0x1_0002])].concat();
    let boxes = [full(b"sgpd", 1, 0, &groups), full(b"sbgp", 0, 0, &runs)].concat();
    let fragment = TestFragment { track: 1, sequence: 1, base_decode_time: 0, boxes: &boxes };
    let segment = fragment.build(&[(512, 4, true, 0), (512, 4, false, 0), (512, 4, false, 0)], &[9; 12]);
    let found = samples(&read(Some(&init), &segment, 4096).unwrap(), 1);
    let keys: Vec<_> = found.iter().map(|sample| sample.crypto.as_ref().map(|c| (c.key_id[0], c.iv.clone()))).collect();
    assert_eq!(keys, [None, Some((4, vec![2; 8])), Some((3, vec![7; 16]))]);
    assert_eq!(found[2].crypto.as_ref().unwrap().pattern, (1, 9));
}

#[test]
fn text_samples_become_cues_in_media_time() {
    let init = read_init(testmux::init(&[TestTrack::new(3, 1000, TestCodec::WebVtt)])).unwrap();
    let cue = |boxes: Vec<u8>| boxed(b"vttc", &boxes);
    let first = [
        cue([boxed(b"iden", b"7"), boxed(b"sttg", b"line:0"), boxed(b"payl", b"<i>Hello</i>")].concat()),
        cue(boxed(b"payl", b"there")),
    ]
    .concat();
    let nothing = boxed(b"vtte", b"");
    let media = [first.clone(), nothing.clone()].concat();
    let spec = [(1500, first.len() as u32, true, 0), (500, nothing.len() as u32, true, 0)];
    let outputs = read(Some(&init), &testmux::segment_of(3, 1, 10_000, &spec, &media), 11).unwrap();
    let found = cues(&outputs);
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].start, found[0].end), (MediaTime::from_millis(10_000), MediaTime::from_millis(11_500)));
    assert_eq!((found[0].id.as_deref(), found[0].plain_text().as_str()), (Some("7"), "Hello"));
    assert!(found[0].spans[0].style.italic);
    let identity = Some(TimestampMap { mpegts: 900_000, local: MediaTime::from_millis(10_000) });
    assert!(matches!(&outputs[0], DemuxOutput::Cues { timestamp_map, .. } if *timestamp_map == identity));
}

#[test]
fn ttml_samples_show_what_lies_in_their_own_time() {
    let mut init = testmux::init(&[TestTrack::new(3, 1000, TestCodec::WebVtt)]).to_vec();
    let at = init.windows(4).position(|window| window == b"wvtt").unwrap();
    init[at..at + 4].copy_from_slice(b"stpp");
    let init = read_init(init.into()).unwrap();
    let document = b"<tt xmlns='http://www.w3.org/ns/ttml'><body><div><p begin='9s' end='10.5s'>a</p>\
        <p begin='11s'>b</p><p begin='1s' end='10s'>before</p><p begin='12s'>after</p></div></body></tt>\x89PNG";
    let media = [&document[..], &[0; 4], b"<tt/>"].concat();
    let sizes = [document.len() as u32, 4, 5];
    let spec = sizes.map(|size| (2000, size, true, 0));
    let outputs = read(Some(&init), &testmux::segment_of(3, 1, 10_000, &spec, &media), 11).unwrap();
    let found: Vec<_> = cues(&outputs).iter().map(|cue| (cue.start, cue.end, cue.plain_text())).collect();
    let cue = |start, end, text: &str| (MediaTime::from_millis(start), MediaTime::from_millis(end), text.to_owned());
    assert_eq!(found, [cue(10_000, 10_500, "a"), cue(11_000, 12_000, "b")]);
    let broken = testmux::segment_of(3, 1, 0, &[(2000, 4, true, 0)], b"<tt>");
    assert!(matches!(read(Some(&init), &broken, 11), Err(DemuxError::Malformed { .. })));
}

#[test]
fn a_report_lists_what_the_demuxer_gives() {
    let mut file = testmux::init(&[VIDEO]).to_vec();
    file.extend(testmux::segment(1, 1, 0, &[(512, 10, true, 0), (512, 7, false, 512)]));
    let report = describe_samples(&file).unwrap();
    let expected = serde_json::json!([[0, true, 10], [80_000, false, 7]]);
    assert_eq!(report["tracks"][0]["samples"], expected);
    assert_eq!(report["tracks"][0]["codec"], "avc1.4D401F");
    for (bytes, fits) in [(17, true), (16, false), (10, false)] {
        let spec = [(512, 10, true, 0), (512, 7, false, 512)];
        let file = [testmux::init(&[VIDEO]).to_vec(), testmux::segment_of(1, 1, 0, &spec, &vec![0; bytes]).to_vec()];
        let report = describe_samples(&file.concat());
        assert_eq!(matches!(report, Err(DemuxError::Malformed { .. })), !fits, "{bytes}: {report:?}");
    }
}

#[test]
fn a_report_rounds_times_down_also_before_time_zero() {
    // One tick of 48 000 is 20.83 microseconds.
    for (cut, times) in [(0, [0, 20_000]), (1, [-21, 19_979]), (961, [-20_021, -21])] {
        let mut file = testmux::init(&[TestTrack { media_time: cut, ..AUDIO }]).to_vec();
        file.extend(testmux::segment(2, 1, 0, &[(960, 10, true, 0), (960, 10, true, 0)]));
        let report = describe_samples(&file).unwrap();
        let found = [0, 1].map(|at| report["tracks"][0]["samples"][at][0].as_i64().unwrap());
        assert_eq!(found, times, "{cut}");
    }
}

#[test]
fn decoding_may_begin_before_time_zero() {
    let init = read_init(testmux::init(&[TestTrack { media_time: 100, ..AUDIO }])).unwrap();
    let segment = testmux::segment(2, 1, (-336_i64).cast_unsigned(), &[(960, 10, true, 0), (960, 10, true, 0)]);
    let found = samples(&read(Some(&init), &segment, 50).unwrap(), 2);
    assert_eq!(found[0].pts, MediaTime::from_ticks(-436, 48_000));
    assert_eq!(found[1].dts, MediaTime::from_ticks(524, 48_000));
}

/// Two entries for one track: the codecs of `a` and `b`, in this order.
fn two_entries(a: TestTrack, b: TestTrack) -> Bytes {
    let (first, second) = (testmux::init(&[a]), testmux::init(&[b]));
    let entry = |init: &Bytes| {
        let at = init.windows(4).position(|four| four == b"stsd").unwrap();
        let size = u32::from_be_bytes(*init[at - 4..].first_chunk().unwrap()) as usize;
        (at - 4, init[at + 12..at - 4 + size].to_vec())
    };
    let ((at, _), (_, more)) = (entry(&first), entry(&second));
    let mut bytes = first.to_vec();
    let end = at + u32::from_be_bytes(*bytes[at..].first_chunk().unwrap()) as usize;
    bytes.splice(end..end, more.iter().copied());
    bytes[at + 15] = 2;
    // Every box around the list grows with it.
    for kind in [b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"] {
        let place = bytes.windows(4).position(|four| four == kind).unwrap() - 4;
        let size = u32::from_be_bytes(*bytes[place..].first_chunk().unwrap()) + more.len() as u32;
        bytes[place..place + 4].copy_from_slice(&size.to_be_bytes());
    }
    bytes.into()
}

/// A fragment whose track fragments name sample entries, each with separate samples.
fn fragment_of_entries(base: u64, entries: &[u32]) -> Bytes {
    let words = |words: &[u32]| -> Vec<u8> { words.iter().flat_map(|word| word.to_be_bytes()).collect() };
    let build = |offset: u32| {
        let mut moof = full(b"mfhd", 0, 0, &words(&[1]));
        for (index, entry) in entries.iter().enumerate() {
            let mut traf = full(b"tfhd", 0, 0x2_0002, &words(&[1, *entry]));
            traf.extend(full(b"tfdt", 1, 0, &(base + 1024 * index as u64).to_be_bytes()));
            let place = offset + 20 * index as u32;
            let run = words(&[2, place, 512, 10, 0x0200_0000, 512, 10, 0x0101_0000]);
            traf.extend(full(b"trun", 0, 0x701, &run));
            moof.extend(boxed(b"traf", &traf));
        }
        boxed(b"moof", &moof)
    };
    let length = build(0).len() as u32;
    let mut out = build(length + 8);
    out.extend(boxed(b"mdat", &vec![7; 20 * entries.len()]));
    out.into()
}

#[test]
fn sample_entries_may_change_between_fragments_and_inside_one() {
    let other = TestTrack::new(1, 12_800, TestCodec::H264 { width: 320, height: 180 });
    let init = read_init(two_entries(VIDEO, other)).unwrap();
    let widths = |media: Bytes, piece: usize| -> Vec<(u32, usize)> {
        let mut found = Vec::new();
        let mut width = init.tracks[0].config.width.unwrap();
        for output in read(Some(&init), &media, piece).unwrap() {
            match output {
                DemuxOutput::Init(init) => width = init.tracks[0].config.width.unwrap(),
                DemuxOutput::Fragment(fragment) => match found.last_mut() {
                    Some((known, count)) if *known == width => *count += fragment.samples.len(),
                    _ => found.push((width, fragment.samples.len())),
                },
                _ => {}
            }
        }
        found
    };
    for piece in [1, 33, usize::MAX >> 1] {
        assert_eq!(widths(fragment_of_entries(0, &[1]), piece), [(640, 2)]);
        assert_eq!(widths(fragment_of_entries(0, &[2]), piece), [(320, 2)]);
        assert_eq!(widths(fragment_of_entries(0, &[1, 2, 2, 1]), piece), [(640, 2), (320, 4), (640, 2)], "{piece}");
        assert_eq!(
            widths(fragment_of_entries(0, &[9]), piece),
            [(640, 2)],
            "a number without an entry names the first"
        );
    }
}

#[test]
fn the_entry_that_fragments_have_by_default_is_announced() {
    let other = TestTrack::new(1, 12_800, TestCodec::H264 { width: 320, height: 180 });
    let mut bytes = two_entries(VIDEO, other).to_vec();
    let trex = bytes.windows(4).position(|four| four == b"trex").unwrap();
    bytes[trex + 15] = 2;
    let init = read_init(bytes.into()).unwrap();
    assert_eq!(init.tracks[0].config.width, Some(320));
    let segment = testmux::segment(1, 1, 0, &[(512, 10, true, 0)]);
    let outputs = read(Some(&init), &segment, 9).unwrap();
    assert!(matches!(&outputs[..], [DemuxOutput::Fragment(_)]), "nothing changes: {outputs:?}");
}
