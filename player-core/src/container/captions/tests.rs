//! Messages, tracks and damage, byte by byte.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::container::mp4::testmux::{boxed, full};
use crate::container::{
    CodecConfig, DemuxOutput, DemuxSetup, Fragment, InitSegment, MediaClock, Payload, SampleCrypto, Subsample, open,
};
use crate::model::ContainerFormat;
use crate::time::MediaTime;

fn h264() -> Codec {
    Codec::H264 { avcc: Bytes::from_static(&[1, 77, 64, 31, 0xff, 0xe0, 0]), in_band: false }
}

fn h265() -> Codec {
    let mut hvcc = vec![0; 23];
    hvcc[21] = 0x03;
    Codec::H265 { hvcc: hvcc.into(), in_band: false }
}

fn sample(at: i64, payload: Vec<u8>) -> Sample {
    let time = MediaTime::from_millis(at);
    Sample {
        pts: time,
        dts: time,
        duration: Duration::from_millis(40),
        key: false,
        payload: Payload(payload.into()),
        crypto: None,
    }
}

fn unit(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, body.len() as u8][..], body].concat()
}

fn atsc(triples: &[[u8; 3]]) -> Vec<u8> {
    let mut body = vec![0xb5, 0x00, 0x31, b'G', b'A', b'9', b'4', 3, 0xc0 | triples.len() as u8, 0xff];
    body.extend(triples.as_flattened());
    body.push(0xff);
    message(4, &body)
}

const A: [u8; 3] = [0xfc, 0x94, 0x20];
const B: [u8; 3] = [0xfd, 0x15, 0x2c];
const INVALID: [u8; 3] = [0xf8, 0x00, 0x00];

#[test]
fn several_messages_and_units_of_a_picture_are_read_and_padding_is_not() {
    let sei = [&[0x06][..], &message(1, &[7, 7]), &atsc(&[A, INVALID]), &message(5, &[0; 20]), &atsc(&[B]), &[0x80]];
    let payload = [unit(&[0x09, 0xf0]), unit(&sei.concat()), unit(&[0x65, 1, 2, 3]), unit(&[6])].concat();
    assert_eq!(triples(&sample(0, payload), &h264()), [A, B].concat());
    let sei = [&[0x4e, 0x01][..], &atsc(&[A]), &[0x80]];
    let payload = [unit(&[0x26, 0x01, 1]), unit(&sei.concat())].concat();
    assert_eq!(triples(&sample(0, payload.clone()), &h265()), A);
    assert_eq!(triples(&sample(0, payload), &Codec::Ac3), Vec::<u8>::new());
}

#[test]
fn the_configuration_tells_how_long_the_lengths_of_units_are() {
    let short = |codec: Codec| match codec {
        Codec::H264 { avcc, in_band } => {
            let mut avcc = avcc.to_vec();
            avcc[4] = 0xfd;
            Codec::H264 { avcc: avcc.into(), in_band }
        }
        Codec::H265 { hvcc, in_band } => {
            let mut hvcc = hvcc.to_vec();
            hvcc[21] = 0xfd;
            Codec::H265 { hvcc: hvcc.into(), in_band }
        }
        other => other,
    };
    for (codec, header) in [(h264(), &[0x06][..]), (h265(), &[0x4e, 0x01])] {
        let sei = [header, &atsc(&[A]), &[0x80]].concat();
        let payload = [&(sei.len() as u16).to_be_bytes()[..], &sei].concat();
        assert_eq!(triples(&sample(0, payload.clone()), &short(codec.clone())), A, "two bytes");
        assert_eq!(triples(&sample(0, payload), &codec), Vec::<u8>::new(), "four bytes");
    }
}

/// Initialisation data of pictures in this coding.
fn pictures(codec: Codec) -> DemuxOutput {
    let config = CodecConfig { codec, ..CodecConfig::for_tests("avc1") };
    let track = TrackInit { id: 1, kind: MediaKind::Video, timescale: 1000, language: None, config: Arc::new(config) };
    let init = InitSegment { tracks: vec![track], clock: MediaClock::default(), first: None, source: Bytes::new() };
    DemuxOutput::Init(Arc::new(init))
}

fn fragment(samples: Vec<Sample>) -> DemuxOutput {
    DemuxOutput::Fragment(Fragment { track: 1, samples })
}

/// Captions that a tap adds to these outputs: time in milliseconds, and the triples.
fn tapped(tap: &mut CaptionTap, mut outputs: Vec<DemuxOutput>, last: bool) -> Vec<(i64, Vec<u8>)> {
    let count = outputs.len();
    tap.look(&mut outputs, last);
    let added = outputs.split_off(count).into_iter().flat_map(|output| match output {
        DemuxOutput::Captions(packets) => packets,
        other => panic!("{other:?}"),
    });
    added.map(|packet| (packet.pts.as_nanos() / 1_000_000, packet.triples)).collect()
}

#[test]
fn captions_wait_for_pictures_of_the_next_piece_that_are_presented_before_theirs() {
    let mut tap = CaptionTap::default();
    let sei = |triple| unit(&[&[0x06][..], &atsc(&[triple]), &[0x80]].concat());
    let first = vec![pictures(h264()), fragment(vec![sample(120, sei(B))])];
    assert_eq!(tapped(&mut tap, first, false), []);
    let second = vec![fragment(vec![sample(40, sei(A))])];
    assert_eq!(tapped(&mut tap, second, true), [(40, A.to_vec()), (120, B.to_vec())]);
}

#[test]
fn captions_are_read_by_the_configuration_that_is_in_force() {
    let mut tap = CaptionTap::default();
    let h264_sei = unit(&[&[0x06][..], &atsc(&[A]), &[0x80]].concat());
    let h265_sei = unit(&[&[0x4e, 0x01][..], &atsc(&[B]), &[0x80]].concat());
    let outputs = vec![
        pictures(h264()),
        fragment(vec![sample(0, h264_sei)]),
        pictures(h265()),
        fragment(vec![sample(40, h265_sei)]),
    ];
    assert_eq!(tapped(&mut tap, outputs, true), [(0, A.to_vec()), (40, B.to_vec())]);
}

#[test]
fn emulation_prevention_is_undone() {
    // Two zeros of the data are followed by a byte that the encoder put there.
    let triple = [0xfc, 0x00, 0x00];
    let mut sei = [&[0x06][..], &atsc(&[triple, [0x00, 0x01, 0x02], A]), &[0x80]].concat();
    let at = sei.windows(3).position(|three| three == [0, 0, 0]).unwrap();
    sei.insert(at + 2, 3);
    assert_eq!(triples(&sample(0, unit(&sei)), &h264()), [triple, A].concat());
}

#[test]
fn the_older_form_has_a_length() {
    let body = [&[0xb5, 0x00, 0x2f, 3, 8, 0xc2, 0xff][..], &A, &B].concat();
    let sei = [&[0x06][..], &message(4, &body), &[0x80]].concat();
    assert_eq!(triples(&sample(0, unit(&sei)), &h264()), [A, B].concat());
}

#[test]
fn only_what_is_in_the_clear_is_read_of_an_encrypted_sample() {
    let sei = unit(&[&[0x06][..], &atsc(&[A]), &[0x80]].concat());
    let slice = unit(&[0x65; 100]);
    let crypto =
        |subsamples| SampleCrypto { scheme: *b"cenc", key_id: [1; 16], iv: vec![0; 8], subsamples, pattern: (0, 0) };
    let read = |subsamples| {
        let mut sample = sample(0, [&sei[..], &slice, &sei].concat());
        sample.crypto = Some(Arc::new(crypto(subsamples)));
        triples(&sample, &h264()).len() / 3
    };
    let (sei, slice) = (sei.len() as u32, slice.len() as u32);
    let part = |clear, encrypted| Subsample { clear, encrypted };
    assert_eq!(read(vec![]), 0, "encrypted as a whole");
    assert_eq!(read(vec![part(sei + 5, slice - 5), part(sei, 0)]), 2);
    assert_eq!(read(vec![part(10, sei - 10), part(5, slice - 5), part(sei, 0)]), 1, "the first is encrypted");
    assert_eq!(read(vec![part(sei, slice), part(sei, 0)]), 1, "nothing is known behind a length that is encrypted");
}

#[test]
fn captions_come_in_the_order_of_presentation() {
    let mut queue = CaptionQueue::default();
    let with = |at: i64| {
        let sei = [&[0x06][..], &atsc(&[[0xfc, at as u8, 0]]), &[0x80]].concat();
        sample(at * 40, unit(&sei))
    };
    let mut given = Vec::new();
    // Groups of four, each led by the picture that is presented last.
    for group in 0..10 {
        for at in [3, 1, 0, 2] {
            queue.add(&with(group * 4 + at), &h264());
            given.extend(queue.take());
        }
    }
    assert_eq!(given.len(), 40 - REORDER, "the last wait for pictures that could precede them");
    given.extend(queue.finish());
    let order: Vec<u8> = given.iter().map(|packet| packet.triples[1]).collect();
    assert_eq!(order, (0..40).collect::<Vec<u8>>());
}

#[test]
fn pairs_of_a_caption_track_are_spread_over_its_samples() {
    let payload = [boxed(b"cdat", &[1, 2, 3, 4]), boxed(b"cdt2", &[5, 6]), boxed(b"free", &[0])].concat();
    let mut queue = CaptionQueue::default();
    queue.add(&sample(1000, payload), &Codec::Other(*b"c608"));
    let packets = queue.finish();
    let expected = [(1000, vec![0xfc, 1, 2, 0xfd, 5, 6]), (1020, vec![0xfc, 3, 4])];
    let expected = expected.map(|(at, triples)| CaptionPacket { pts: MediaTime::from_millis(at), triples });
    assert_eq!(packets, expected);
}

#[test]
fn a_distribution_packet_gives_its_caption_section() {
    let section = [&[0x72, 0xe2][..], &[0xff, 0x02, 0x21], &[0xfe, 0x01, 0x02], &[0x74, 0, 0, 0]].concat();
    let expected = [0xff, 0x02, 0x21, 0xfe, 0x01, 0x02];
    for (flags, time_code) in [(0x43, &[][..]), (0xc3, &[0x71, 0, 0, 0, 0])] {
        let packet = [&[0x96, 0x69, 0, 0x4f, flags, 0, 1][..], time_code, &section].concat();
        let packets = track::read(&sample(0, boxed(b"ccdp", &packet)));
        assert_eq!(packets.iter().map(|packet| packet.triples.as_slice()).collect::<Vec<_>>(), [expected]);
    }
}

#[test]
fn damaged_data_gives_what_is_whole() {
    let sei = [&[0x06][..], &atsc(&[A, B]), &[0x80]].concat();
    let good = [unit(&sei), unit(&[0x65, 1])].concat();
    for cut in 0..good.len() {
        let got = triples(&sample(0, good[..cut].to_vec()), &h264());
        assert!(got.is_empty() || got == [A, B].concat());
    }
    let endless = [&[0x06, 4][..], &[0xff; 5000]].concat();
    assert_eq!(triples(&sample(0, unit(&endless)), &h264()), Vec::<u8>::new());
    let many: Vec<u8> = [&[0x06][..], &atsc(&[A; 31]).repeat(50)].concat();
    assert_eq!(triples(&sample(0, unit(&many)), &h264()).len(), MOST_TRIPLES * 3);
    for broken in [&[0, 0, 0, 0][..], &[0, 0, 0, 7, b'c', b'd', b'a', b't'], &[0xff; 30], &[0, 0, 0, 8]] {
        assert_eq!(track::read(&sample(0, broken.to_vec())), []);
    }
    let empty = Codec::H264 { avcc: Bytes::new(), in_band: false };
    assert_eq!(triples(&sample(0, good), &empty), [A, B].concat());
}

/// A file with one track of captions, as QuickTime writes it.
fn caption_file(pairs: &[u8]) -> Vec<u8> {
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<u8>>();
    let sample = boxed(b"cdat", pairs);
    let entry = boxed(b"c608", &[0, 0, 0, 0, 0, 0, 0, 1]);
    let tables = |offset: u32| {
        let stbl = [
            full(b"stsd", 0, 0, &[words(&[1]), entry.clone()].concat()),
            full(b"stts", 0, 0, &words(&[1, 1, 1000])),
            full(b"stsc", 0, 0, &words(&[1, 1, 1, 1])),
            full(b"stsz", 0, 0, &words(&[sample.len() as u32, 1])),
            full(b"stco", 0, 0, &words(&[1, offset])),
        ];
        let mdia = [
            full(b"mdhd", 0, 0, &words(&[0, 0, 1000, 1000, 0x55c4_0000])),
            full(b"hdlr", 0, 0, &[&[0; 4][..], b"clcp", &[0; 13]].concat()),
            boxed(b"minf", &boxed(b"stbl", &stbl.concat())),
        ];
        let mvhd = full(b"mvhd", 0, 0, &[words(&[0, 0, 1000, 1000]), vec![0; 80]].concat());
        let tkhd = full(b"tkhd", 0, 3, &[words(&[0, 0, 1, 0, 1000]), vec![0; 60]].concat());
        boxed(b"moov", &[mvhd, boxed(b"trak", &[tkhd, boxed(b"mdia", &mdia.concat())].concat())].concat())
    };
    let offset = tables(0).len() as u32 + 8;
    [tables(offset), boxed(b"mdat", &sample)].concat()
}

#[test]
fn a_demuxer_gives_captions_when_they_are_wanted() {
    let file = caption_file(&[0x94, 0x20, 0x80, 0x80]);
    let read = |captions| {
        let setup = DemuxSetup { captions, ..DemuxSetup::new(ContainerFormat::Unknown, None) };
        let mut demuxer = open(&setup).unwrap();
        let mut outputs = demuxer.push(file.clone().into()).unwrap();
        outputs.extend(demuxer.finish().unwrap());
        outputs.retain(|output| !matches!(output, DemuxOutput::Init(_)));
        outputs
    };
    assert_eq!(read(false), []);
    let outputs = read(true);
    let [DemuxOutput::Captions(packets)] = outputs.as_slice() else { panic!("{outputs:?}") };
    assert_eq!(packets.len(), 2);
    assert_eq!((packets[1].pts, packets[1].triples.as_slice()), (MediaTime::from_millis(500), &[0xfc, 0x80, 0x80][..]));
}
