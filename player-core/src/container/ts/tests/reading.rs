//! Output of audio streams.

use std::time::Duration;

use super::*;
use crate::container::audio::id3::tests::tag;
use crate::container::ts::testmux::{MAP, map, pes};
use crate::container::{Codec, CodecConfig, MediaClock, PixelAspect, describe_samples, read_init};
use crate::model::MetadataBody;
use crate::time::MediaTime;

fn ticks(ticks: i64) -> MediaTime {
    MediaTime::from_ticks(ticks, 90_000)
}

fn config(outputs: &[DemuxOutput], track: u16) -> CodecConfig {
    let init = inits(outputs).pop().unwrap();
    init.tracks.iter().find(|found| found.id == u32::from(track)).unwrap().config.as_ref().clone()
}

#[test]
fn pictures_and_sound_come_out_with_their_times() {
    let outputs = read(&film(90_000).bytes, usize::MAX, None).unwrap();
    let all = inits(&outputs);
    assert_eq!((all.len(), all[0].clock, all[0].first), (1, MediaClock::Mpeg, Some(ticks(90_000))));
    assert!(matches!(outputs[0], DemuxOutput::Init(_)));
    let pictures = samples(&outputs, VIDEO);
    assert_eq!(pictures.len(), 10);
    for (index, picture) in pictures.iter().enumerate() {
        let time = 90_000 + 3600 * index as i64;
        assert_eq!((picture.dts, picture.pts), (ticks(time), ticks(time + 3600)), "{index}");
        assert_eq!((picture.duration, picture.key), (Duration::from_millis(40), index == 0), "{index}");
        assert!(picture.payload.0.starts_with(&[0, 0, 0, 2, 9, 0xf0]), "{index}");
    }
    let sound = samples(&outputs, SOUND);
    assert_eq!(sound.len(), 18);
    assert_eq!((sound[0].pts, sound[9].pts), (ticks(90_000), ticks(108_000)));
    assert_eq!(sound[2].pts.nanos_from(sound[0].pts), 42_666_667);
    assert_eq!((sound[8].payload.0.len(), sound[8].payload.0[0]), (108, 0));
    let video = config(&outputs, VIDEO);
    assert_eq!((video.width, video.height, &video.codec_string[..]), (Some(640), Some(360), "avc3.64001E"));
    let Codec::H264 { avcc, in_band: true } = video.codec else { unreachable!("H.264 was announced") };
    assert!(avcc.starts_with(&[1, 0x64, 0, 0x1e, 0xff, 0xe1, 0, SPS.len() as u8]));
    assert_eq!(config(&outputs, SOUND).codec, Codec::Aac { asc: Bytes::from_static(&[0x11, 0x90]) });
}

#[test]
fn a_segment_begins_with_its_earliest_unit_whichever_comes_first() {
    for (sound, first) in [(81_000, 81_000), (99_000, 90_000)] {
        let mut mux = Mux::new(ENTRIES);
        mux.packet(SOUND, Some((sound, sound)), &[adts(100, 1), adts(100, 2)].concat());
        for number in 0..2 {
            let picture = slice(number == 0, 0, number, number * 2, 300);
            let nals: &[&[u8]] = if number == 0 { &[SPS, PPS, &picture] } else { &[&picture] };
            let time = 90_000 + 3600 * u64::from(number);
            mux.packet(VIDEO, Some((time, time)), &byte_stream(nals));
        }
        let outputs = read(&mux.bytes, usize::MAX, None).unwrap();
        assert_eq!(inits(&outputs)[0].first, Some(ticks(first)), "{sound}");
    }
}

#[test]
fn the_clock_may_wrap_inside_a_segment() {
    let outputs = read(&film((1 << 33) - 10_000).bytes, usize::MAX, None).unwrap();
    let pictures = samples(&outputs, VIDEO);
    assert!(pictures.windows(2).all(|pair| pair[1].pts.nanos_from(pair[0].pts) == 40_000_000));
    assert!(samples(&outputs, SOUND)[9].pts > ticks(1 << 33));
}

#[test]
fn frames_may_span_packets_and_packets_may_hold_many() {
    let mut mux = Mux::new(&[(0x0f, SOUND, &[])]);
    let frames: Vec<_> = (0..6).flat_map(|frame| adts(200, frame)).collect();
    mux.packet(SOUND, Some((900, 900)), &frames[..500]);
    mux.packet(SOUND, Some((9_000, 9_000)), &frames[500..700]);
    mux.packet(SOUND, None, &frames[700..]);
    let outputs = read(&mux.bytes, usize::MAX, None).unwrap();
    let sound = samples(&outputs, SOUND);
    assert_eq!(sound.iter().map(|frame| frame.payload.0[0]).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
    // The second packet's time is that of the first frame that begins in it.
    assert_eq!((sound[2].pts, sound[3].pts), (ticks(900) + Duration::from_nanos(42_666_667), ticks(9_000)));
}

#[test]
fn pictures_without_delimiters_are_told_apart_by_their_slices() {
    let mut mux = Mux::new(&[(0x1b, VIDEO, &[])]);
    let all: Vec<_> = (0..4).flat_map(|n| [slice(n == 0, 0, n, n * 2, 90), slice(n == 0, 40, n, n * 2, 90)]).collect();
    let mut nals = vec![SPS, PPS];
    nals.extend(all.iter().map(|slice| &slice[..]));
    // All in one packet, whose time is the first picture's.
    mux.packet(VIDEO, Some((9_000, 9_000)), &byte_stream(&nals));
    let pictures = samples(&read(&mux.bytes, usize::MAX, None).unwrap(), VIDEO);
    assert_eq!(
        pictures.iter().map(|picture| picture.pts).collect::<Vec<_>>(),
        [0, 1, 2, 3].map(|n| ticks(9_000 + n * 3600))
    );
    let report = describe_samples(&mux.bytes).unwrap();
    let sizes = report["tracks"][0]["samples"].as_array().unwrap().iter().map(|sample| sample[2].as_u64().unwrap());
    assert_eq!(sizes.sum::<u64>() as usize, byte_stream(&nals).len());
}

#[test]
fn tables_may_change() {
    let mut mux = Mux::new(&[(0x0f, SOUND, &[])]);
    mux.packet(SOUND, Some((0, 0)), &[adts(50, 1), adts(50, 2)].concat());
    // A map over several packets: many streams that are not read.
    let others: Vec<_> = (0..40u16).map(|n| (0x05u8, 0x300 + n, &[0x52u8, 1, 7][..])).collect();
    let entries: Vec<_> = ENTRIES.iter().copied().chain(others).collect();
    assert!(map(1, &entries, 1).len() > 300);
    mux.tables(&entries, 1);
    let picture = slice(true, 0, 0, 0, 90);
    mux.packet(VIDEO, Some((9_000, 9_000)), &byte_stream(&[&[9, 0xf0], SPS, PPS, &picture]));
    mux.packet(SOUND, Some((9_000, 9_000)), &[adts(50, 3), adts(50, 4)].concat());
    let outputs = read(&mux.bytes, usize::MAX, None).unwrap();
    assert_eq!((samples(&outputs, VIDEO).len(), samples(&outputs, SOUND).len()), (1, 4));
    assert_eq!(inits(&outputs).iter().map(|init| init.tracks.len()).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn a_change_of_configuration_is_announced_before_what_it_holds_for() {
    let mut mux = Mux::new(&[(0x0f, SOUND, &[])]);
    let mut mono = adts(60, 7);
    mono[3] = 0x40;
    mux.packet(SOUND, Some((0, 0)), &[adts(50, 1), adts(50, 2), mono].concat());
    let outputs = read(&mux.bytes, usize::MAX, None).unwrap();
    let order: Vec<_> = outputs.iter().map(|output| matches!(output, DemuxOutput::Init(_))).collect();
    assert_eq!(order, [true, false, true, false]);
    let channels: Vec<_> = inits(&outputs).iter().map(|init| init.tracks[0].config.channels).collect();
    assert_eq!(channels, [Some(2), Some(1)]);
}

/// Channels of the sound and number of frames that have them, as outputs tell them in order.
fn channels(outputs: &[DemuxOutput]) -> Vec<(Option<u32>, usize)> {
    let (mut told, mut found) = (None, Vec::new());
    for output in outputs {
        match output {
            DemuxOutput::Init(init) => {
                let sound = init.tracks.iter().find(|track| track.id == u32::from(SOUND));
                told = sound.and_then(|track| track.config.channels);
            }
            DemuxOutput::Fragment(fragment) if fragment.track == u32::from(SOUND) => {
                found.push((told, fragment.samples.len()));
            }
            _ => {}
        }
    }
    found
}

#[test]
fn sound_that_waits_for_pictures_keeps_the_configuration_before_a_change() {
    let mut mux = Mux::new(ENTRIES);
    let mut mono = adts(60, 7);
    mono[3] = 0x40 | mono[3] & 0x3f;
    mux.packet(SOUND, Some((0, 0)), &[adts(50, 1), adts(50, 2), mono].concat());
    let picture = slice(true, 0, 0, 0, 300);
    mux.packet(VIDEO, Some((9_000, 9_000)), &byte_stream(&[&[9, 0xf0], SPS, PPS, &picture]));
    let outputs = read(&mux.bytes, usize::MAX, None).unwrap();
    assert_eq!(channels(&outputs), [(Some(2), 2), (Some(1), 1)]);
    assert_eq!(samples(&outputs, VIDEO).len(), 1);
}

#[test]
fn sound_waits_five_seconds_for_the_first_picture() {
    let tracks = |later: u64| {
        let mut mux = Mux::new(ENTRIES);
        mux.packet(SOUND, Some((0, 0)), &[adts(50, 1), adts(50, 2)].concat());
        mux.packet(SOUND, Some((later, later)), &adts(50, 3));
        let picture = slice(true, 0, 0, 0, 300);
        mux.packet(VIDEO, Some((later, later)), &byte_stream(&[&[9, 0xf0], SPS, PPS, &picture]));
        let outputs = read(&mux.bytes, usize::MAX, None).unwrap();
        assert_eq!((samples(&outputs, VIDEO).len(), samples(&outputs, SOUND).len()), (1, 3), "{later}");
        inits(&outputs).iter().map(|init| init.tracks.len()).collect::<Vec<_>>()
    };
    assert_eq!(tracks(90_000), [2]);
    assert_eq!(tracks(449_999), [2]);
    assert_eq!(tracks(450_000), [1, 2]);
}

#[test]
fn tags_become_metadata() {
    let descriptor = [0x26, 13, 0xff, 0xff, b'I', b'D', b'3', b' ', 0xff, b'I', b'D', b'3', b' ', 0, 0x0f];
    let mut mux = Mux::new(&[(0x0f, SOUND, &[]), (0x15, 0x103, &descriptor)]);
    let tag = tag(&[(b"TXXX", b"\x03name\0value")]);
    mux.packet(0x103, Some((18_000, 18_000)), &tag);
    mux.packet(SOUND, Some((0, 0)), &[adts(50, 1), adts(50, 2)].concat());
    let outputs = read(&mux.bytes, usize::MAX, None).unwrap();
    let events = outputs.iter().filter_map(|output| match output {
        DemuxOutput::Metadata(events) => Some(events.clone()),
        _ => None,
    });
    let events: Vec<_> = events.flatten().collect();
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].start, &events[0].scheme[..]), (ticks(18_000), "https://aomedia.org/emsg/ID3"));
    assert_eq!(events[0].body, MetadataBody::Binary(tag.into()));
}

#[test]
fn tables_may_come_as_initialisation_data() {
    let tables = Mux::new(&[(0x0f, SOUND, &[])]);
    let init = read_init(tables.bytes.clone().into()).unwrap();
    assert_eq!((init.tracks.len(), init.clock), (0, MediaClock::Mpeg));
    let mut segment = Mux::default();
    segment.packet(SOUND, Some((0, 0)), &[adts(50, 1), adts(50, 2)].concat());
    let setup = DemuxSetup::new(ContainerFormat::MpegTs, Some(init.into()));
    let mut demuxer = open(&setup).unwrap();
    let mut outputs = demuxer.push(segment.bytes.into()).unwrap();
    outputs.extend(demuxer.finish().unwrap());
    assert_eq!(samples(&outputs, SOUND).len(), 2);
}

#[test]
fn a_segment_begins_with_its_own_bytes_whatever_its_tables_ended_with() {
    let tables = Mux::new(&[(0x0f, SOUND, &[])]);
    let mut segment = Mux::default();
    segment.packet(SOUND, Some((0, 0)), &[adts(50, 1), adts(50, 2)].concat());
    for rest in [0, 1, 100, 187] {
        let mut bytes = tables.bytes.clone();
        bytes.extend_from_slice(&tables.bytes[..rest]);
        let init = read_init(bytes.into()).unwrap();
        let setup = DemuxSetup::new(ContainerFormat::MpegTs, Some(init.into()));
        let mut demuxer = open(&setup).unwrap();
        let mut outputs = demuxer.push(segment.bytes.clone().into()).unwrap();
        outputs.extend(demuxer.finish().unwrap());
        assert_eq!(samples(&outputs, SOUND).len(), 2, "{rest}");
    }
    // Packets of the tables are none of the segment.
    let setup = DemuxSetup::new(ContainerFormat::MpegTs, Some(read_init(tables.bytes.into()).unwrap().into()));
    let error = open(&setup).unwrap().push(vec![0; (1 << 20) + 1000].into()).unwrap_err();
    assert!(matches!(error, DemuxError::Malformed { .. }), "{error}");
}

#[test]
fn what_cannot_be_read_is_named() {
    let only = |kind: u8, info: &[u8]| {
        let mut mux = Mux::new(&[(kind, VIDEO, info)]);
        mux.packet(VIDEO, Some((0, 0)), &[1; 100]);
        read(&mux.bytes, usize::MAX, None).unwrap_err().to_string()
    };
    assert_eq!(only(0x02, &[]), "a transport stream with MPEG-2 video only is not supported");
    assert_eq!(only(0x06, &[0x59, 0]), "a transport stream with subtitles only is not supported");
    assert_eq!(only(0x8a, &[]), "a transport stream with DTS sound only is not supported");
    let page = read(b"<!DOCTYPE html><html><body>not found</body></html>", usize::MAX, None).unwrap_err();
    assert_eq!(page.to_string(), "expected media, found an HTML page at byte 0");
    let mut no_tables = Mux::default();
    no_tables.packet(SOUND, Some((0, 0)), &adts(50, 1));
    let error = read(&no_tables.bytes, usize::MAX, None).unwrap_err();
    assert_eq!(error.to_string(), "a transport stream without a program map at byte 0");
    let mut scrambled = Mux::new(&[(0x0f, SOUND, &[])]);
    let start = scrambled.bytes.len();
    scrambled.packet(SOUND, Some((0, 0)), &adts(50, 1));
    scrambled.bytes[start + 3] |= 0x80;
    let error = read(&scrambled.bytes, usize::MAX, None).unwrap_err();
    assert_eq!(error.to_string(), "a scrambled transport stream is not supported");
}

#[test]
fn a_repeated_packet_is_read_once_and_a_lost_one_is_borne() {
    let mut mux = Mux::new(&[(0x0f, SOUND, &[])]);
    let frames: Vec<_> = (0..20).flat_map(|frame| adts(180, frame)).collect();
    mux.packet(SOUND, Some((0, 0)), &frames);
    let count = |bytes: &[u8]| samples(&read(bytes, usize::MAX, None).unwrap(), SOUND).len();
    assert_eq!(count(&mux.bytes), 20);
    let third = 188 * 4..188 * 5;
    let repeated = [&mux.bytes[..third.end], &mux.bytes[third.clone()], &mux.bytes[third.end..]].concat();
    assert_eq!(count(&repeated), 20);
    let lost = [&mux.bytes[..third.start], &mux.bytes[third.end..]].concat();
    assert!((17..20).contains(&count(&lost)), "{}", count(&lost));
}

#[test]
fn packets_are_looked_for_in_the_first_mebibyte() {
    let mut mux = Mux::new(&[(0x0f, SOUND, &[])]);
    mux.packet(SOUND, Some((0, 0)), &(0..20).flat_map(|frame| adts(180, frame)).collect::<Vec<_>>());
    let is_read = |garbage: usize| read(&[vec![0x11; garbage], mux.bytes.clone()].concat(), 4096, None).is_ok();
    // Up to the end of the first packet.
    assert_eq!([(1 << 20) - 188, (1 << 20) - 187].map(is_read), [true, false]);
    let error = |garbage: usize| read(&vec![0x11; garbage], 1 << 19, None).unwrap_err().to_string();
    assert_eq!(error(1 << 20), error(1 << 21), "nothing but garbage has the same error at any length");
}

#[test]
fn the_shape_of_a_pixel_is_read() {
    // x264, 720 × 576 with 64:45.
    let sps = [
        0x67, 0xf4, 0x00, 0x1e, 0x91, 0x9b, 0x28, 0x16, 0x82, 0x4d, 0xff, 0x80, 0x20, 0x00, 0x16, 0x88, 0x00, 0x00,
        0x03, 0x00, 0x08, 0x00, 0x00, 0x03, 0x01, 0x90, 0x78, 0xb1, 0x6c, 0xb0,
    ];
    let mut mux = Mux::new(&[(0x1b, VIDEO, &[])]);
    mux.packet(VIDEO, Some((0, 0)), &byte_stream(&[&[9, 0xf0], &sps, PPS, &slice(true, 0, 0, 0, 50)]));
    let video = config(&read(&mux.bytes, usize::MAX, None).unwrap(), VIDEO);
    assert_eq!((video.width, video.height), (Some(720), Some(576)));
    assert_eq!(video.pixel_aspect, Some(PixelAspect { horizontal: 64, vertical: 45 }));
}

#[test]
fn a_packet_without_a_length_ends_where_the_next_begins() {
    let mut mux = Mux::new(&[(0x0f, SOUND, &[])]);
    for number in 0..3u64 {
        let mut packet = pes(Some((number * 9_000, number * 9_000)), &[adts(50, 1), adts(50, 2)].concat());
        (packet[4], packet[5]) = (0, 0);
        mux.unit(SOUND, &packet, false);
    }
    assert_eq!(samples(&read(&mux.bytes, usize::MAX, None).unwrap(), SOUND).len(), 6);
    assert!(mux.bytes.len() > usize::from(MAP));
}

#[test]
fn a_segment_that_is_cut_anywhere_loses_nothing() {
    let bytes = film(90_000).bytes;
    let tables = &bytes[..2 * 188];
    // The tables and the first parameter sets come after the first pictures.
    let mut mux = film(90_000);
    let rest = mux.bytes.split_off(2 * 188);
    let late = [&rest[..], tables].concat();
    assert_eq!(samples(&read(&late, 100, None).unwrap(), VIDEO).len(), 10);
    let mut mux = Mux::new(&[(0x1b, VIDEO, &[])]);
    for number in 3..9u32 {
        let picture = slice(number == 6, 0, number, number * 2, 50);
        let sets: &[&[u8]] = if number == 6 { &[&[9, 0xf0], SPS, PPS, &picture] } else { &[&[9, 0xf0], &picture] };
        let time = u64::from(number) * 3600;
        mux.packet(VIDEO, Some((time, time)), &byte_stream(sets));
    }
    let pictures = samples(&read(&mux.bytes, 100, None).unwrap(), VIDEO);
    assert_eq!(
        pictures.iter().map(|picture| picture.key).collect::<Vec<_>>(),
        [false, false, false, true, false, false]
    );
}
