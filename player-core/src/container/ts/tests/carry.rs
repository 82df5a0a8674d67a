//! One stream in several segments, cut anywhere: the samples are those of the whole.

use super::*;
use crate::container::ts::packet::PACKET;
use crate::container::{CarriedState, SegmentTail};
use crate::time::MediaTime;

/// Reads segments one after the other, each with the state of the one before.
fn segments(parts: &[&[u8]], continues: bool) -> Vec<DemuxOutput> {
    let mut setup = DemuxSetup { keeps_tail: true, ..DemuxSetup::new(ContainerFormat::MpegTs, None) };
    let mut all = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let (outputs, tail) = segment(&setup, part);
        all.extend(outputs);
        if index + 1 == parts.len() || !continues {
            all.extend(tail.outputs);
        }
        setup.carried = Some(CarriedState { state: tail.state, continues });
    }
    all
}

fn segment(setup: &DemuxSetup, bytes: &[u8]) -> (Vec<DemuxOutput>, SegmentTail) {
    let mut demuxer = open(setup).unwrap();
    let mut outputs = demuxer.push(Bytes::copy_from_slice(bytes)).unwrap();
    outputs.extend(demuxer.finish().unwrap());
    let Some(DemuxOutput::Tail(tail)) = outputs.pop() else { unreachable!("it was asked for") };
    (outputs, tail)
}

/// Returns samples as a decoder and a clock see them; the length of a picture at the end of a segment is an estimate.
fn essence(outputs: &[DemuxOutput], track: u16) -> Vec<(i64, i64, bool, Bytes)> {
    let of = |sample: Sample| (sample.pts.as_nanos(), sample.dts.as_nanos(), sample.key, sample.payload.0);
    samples(outputs, track).into_iter().map(of).collect()
}

/// The film without the signs that a packet is the last one of a picture: its stuffing stays, its lengths go.
fn without_lengths(mut bytes: Vec<u8>) -> Vec<u8> {
    for packet in bytes.chunks_mut(PACKET) {
        let video = packet[1] & 0x5f == 0x41 && packet[2] == 1;
        let begin = if packet[3] & 0x20 != 0 { 5 + usize::from(packet[4]) } else { 4 };
        if video && packet[begin..].starts_with(&[0, 0, 1, 0xe0]) {
            packet[begin + 4..begin + 6].fill(0);
        }
    }
    bytes
}

#[test]
fn a_stream_cut_at_any_packet_gives_the_samples_of_the_whole() {
    for bytes in [film(90_000).bytes, without_lengths(film(90_000).bytes)] {
        let whole = read(&bytes, usize::MAX, None).unwrap();
        let packets = bytes.len() / PACKET;
        // Tables and the first picture's parameter sets stand in the first segment only.
        for cut in 4..packets {
            let (first, second) = bytes.split_at(cut * PACKET);
            for track in [VIDEO, SOUND] {
                let found = segments(&[first, second], true);
                assert_eq!(essence(&found, track), essence(&whole, track), "{track:#x} cut at packet {cut}");
            }
        }
        let thirds: Vec<_> = bytes.chunks(packets / 3 * PACKET).collect();
        let found = segments(&thirds, true);
        assert_eq!(essence(&found, VIDEO), essence(&whole, VIDEO));
        assert_eq!(inits(&found).len(), thirds.len(), "each segment announces its tracks");
    }
}

#[test]
fn a_stream_cut_inside_packets_gives_the_samples_of_the_whole() {
    let bytes = film(90_000).bytes;
    let whole = read(&bytes, usize::MAX, None).unwrap();
    for (before, after) in [(0, 0), (4, 0), (0, 16)] {
        let stride = before + PACKET + after;
        let one = |packet: &[u8]| [&vec![0x11; before], packet, &vec![0x22; after]].concat();
        let bytes: Vec<_> = bytes.chunks(PACKET).flat_map(one).collect();
        for cut in (4 * stride..bytes.len() - 4 * stride).step_by(if stride == PACKET { 5 } else { 31 }) {
            let (first, second) = bytes.split_at(cut);
            let found = segments(&[first, second], true);
            for track in [VIDEO, SOUND] {
                assert_eq!(essence(&found, track), essence(&whole, track), "{track:#x} of {stride}, cut at {cut}");
            }
        }
    }
    let pieces: Vec<_> = bytes.chunks(5 * PACKET + 99).collect();
    let found = segments(&pieces, true);
    assert_eq!(essence(&found, VIDEO), essence(&whole, VIDEO));
}

#[test]
fn a_short_rest_of_a_packet_goes_on_whatever_it_looks_like() {
    let signatures: [&[u8]; 5] =
        [&[0xff, 0xf1, 0x4c, 0x80, 0x20, 0x1f, 0xfc], b"ID3\x04\0\0\0\0\0\x07", b"\xff\xd8\xff", b"BM", b"....moof"];
    for signature in signatures {
        // A last picture, in which the bytes at the beginning of a packet's payload look like another format.
        let mut mux = Mux::new(&ENTRIES[..1]);
        for number in 0..4u32 {
            let mut picture = slice(number == 0, 0, number, number * 2, 700);
            if number == 3 {
                let at = picture.len() - 320;
                picture[at..at + signature.len()].copy_from_slice(signature);
            }
            let mut nals: Vec<&[u8]> = vec![&[9, 0xf0], SPS, PPS];
            nals.push(&picture);
            let time = 90_000 + 3600 * u64::from(number);
            mux.packet(VIDEO, Some((time, time)), &byte_stream(&nals));
        }
        let bytes = mux.bytes;
        let whole = read(&bytes, usize::MAX, None).unwrap();
        let cut = bytes.windows(signature.len()).rposition(|found| found == signature).unwrap();
        assert!(bytes.len() - cut < 3 * PACKET && !(bytes.len() - cut).is_multiple_of(PACKET));
        let found = segments(&[&bytes[..cut], &bytes[cut..]], true);
        assert_eq!(essence(&found, VIDEO), essence(&whole, VIDEO), "{signature:?}");
    }
}

#[test]
fn the_beginning_of_a_packet_that_does_not_go_on_is_dropped() {
    let bytes = film(90_000).bytes;
    let whole = read(&bytes, usize::MAX, None).unwrap();
    let begins = |packet: &[u8]| packet[1] & 0x5f == 0x41 && packet[2] == 1;
    let start = bytes.chunks(PACKET).skip(9).position(begins).unwrap() + 9;
    // The second segment brings the packet once more, from its beginning on.
    for part in [1, 99, 187] {
        let (first, second) = (&bytes[..start * PACKET + part], &bytes[start * PACKET..]);
        let found = segments(&[first, second], true);
        assert_eq!(essence(&found, VIDEO), essence(&whole, VIDEO), "{part}");
        let setup = DemuxSetup { keeps_tail: true, ..DemuxSetup::new(ContainerFormat::MpegTs, None) };
        let (_, SegmentTail { state, .. }) = segment(&setup, first);
        let setup = DemuxSetup { carried: Some(CarriedState { state, continues: true }), ..setup };
        let page = [&b"<!DOCTYPE html><html>"[..], &[b' '; 400]].concat();
        let mut demuxer = open(&setup).unwrap();
        let read = demuxer.push(Bytes::from(page)).and_then(|_| demuxer.finish());
        assert!(read.is_err(), "a page is none: {read:?}");
    }
}

/// Ten pictures, the sixth of which is a key frame with the only parameter sets; gives where its first packet stands.
fn late_parameter_sets() -> (Vec<u8>, usize) {
    let mut mux = Mux::new(&ENTRIES[..1]);
    let mut cut = 0;
    for number in 0..10u32 {
        let time = 90_000 + 3600 * u64::from(number);
        let picture = slice(number == 5, 0, number, number * 2, 300);
        let mut nals: Vec<&[u8]> = vec![&[9, 0xf0]];
        if number == 5 {
            cut = mux.bytes.len();
            nals.extend([SPS, PPS]);
        }
        nals.push(&picture);
        mux.packet(VIDEO, Some((time, time)), &byte_stream(&nals));
    }
    (mux.bytes, cut)
}

#[test]
fn pictures_before_the_first_parameter_sets_come_with_the_segment_that_has_them() {
    let (bytes, cut) = late_parameter_sets();
    let (first, second) = bytes.split_at(cut);
    let setup = DemuxSetup { keeps_tail: true, ..DemuxSetup::new(ContainerFormat::MpegTs, None) };
    let (outputs, tail) = segment(&setup, first);
    assert_eq!((outputs, &tail.outputs[..], tail.waiting), (vec![], &[][..], 5));
    let found = essence(&segments(&[first, second], true), VIDEO);
    let keys: Vec<_> = found.iter().map(|(_, _, key, _)| *key).collect();
    assert_eq!(keys, (0..10).map(|number| number == 5).collect::<Vec<_>>());
    assert!(read(first, usize::MAX, None).is_err(), "nothing follows");
    // Playback that goes on elsewhere leaves them out.
    assert_eq!(essence(&segments(&[first, second], false), VIDEO).len(), 5);
}

#[test]
fn video_that_never_gets_parameter_sets_is_refused() {
    let mut mux = Mux::new(&ENTRIES[..1]);
    for number in 0..300u32 {
        let time = 90_000 + 3600 * u64::from(number);
        mux.packet(VIDEO, Some((time, time)), &byte_stream(&[&[9, 0xf0], &slice(false, 0, number % 16, 0, 300)]));
    }
    let (first, second) = mux.bytes.split_at(PACKET * 502);
    let setup = DemuxSetup { keeps_tail: true, ..DemuxSetup::new(ContainerFormat::MpegTs, None) };
    let (_, tail) = segment(&setup, first);
    assert_eq!(tail.waiting, 250);
    let setup = DemuxSetup { carried: Some(CarriedState { state: tail.state, continues: true }), ..setup };
    let mut demuxer = open(&setup).unwrap();
    let refused = demuxer.push(Bytes::copy_from_slice(second)).and_then(|_| demuxer.finish());
    let expected = DemuxError::Malformed { what: "video without parameter sets".to_owned(), offset: 0 };
    assert_eq!(refused, Err(expected));
}

#[test]
fn a_segment_that_ends_whole_holds_nothing_back() {
    let bytes = film(90_000).bytes;
    let setup = DemuxSetup { keeps_tail: true, ..DemuxSetup::new(ContainerFormat::MpegTs, None) };
    let (outputs, tail) = segment(&setup, &bytes);
    assert_eq!(tail.outputs, []);
    assert_eq!(essence(&outputs, VIDEO).len(), 10);
}

#[test]
fn after_a_jump_tables_and_parameter_sets_stay_and_units_do_not() {
    let bytes = film(90_000).bytes;
    let whole = read(&bytes, usize::MAX, None).unwrap();
    let begins = |packet: &[u8]| packet[1] & 0x5f == 0x41 && packet[2] == 1;
    let starts: Vec<_> =
        bytes.chunks(PACKET).enumerate().filter(|(_, packet)| begins(packet)).map(|(at, _)| at).collect();
    // The first segment ends inside the fourth picture; the second one begins with the eighth.
    let (first, second) = (&bytes[..(starts[3] + 1) * PACKET], &bytes[starts[7] * PACKET..]);
    let found = segments(&[first, second], false);
    let (found, whole) = (essence(&found, VIDEO), essence(&whole, VIDEO));
    assert_eq!(found[..3], whole[..3]);
    assert!(found[3].3.len() < whole[3].3.len(), "what came of the fourth");
    assert_eq!(found[4..], whole[7..]);
}

#[test]
fn the_rest_of_another_unit_is_not_added() {
    let bytes = without_lengths(film(90_000).bytes);
    let whole = read(&bytes, usize::MAX, None).unwrap();
    let begins = |packet: &[u8]| packet[1] & 0x5f == 0x41 && packet[2] == 1;
    let starts: Vec<_> =
        bytes.chunks(PACKET).enumerate().filter(|(_, packet)| begins(packet)).map(|(at, _)| at).collect();
    // The counter of the packet that the second segment begins with does not go on.
    let (first, second) = (&bytes[..(starts[3] + 1) * PACKET], &bytes[(starts[6] + 1) * PACKET..]);
    let found = essence(&segments(&[first, second], true), VIDEO);
    let whole = essence(&whole, VIDEO);
    assert!(whole[3].3.starts_with(&found[3].3[..4]) && found[3].3.len() < whole[3].3.len());
    assert_eq!(found[4..], whole[7..]);
}

/// Bytes that a state holds back, as recordings write them.
fn held(tail: &SegmentTail) -> u64 {
    serde_json::to_value(&tail.state).unwrap().as_u64().unwrap()
}

#[test]
fn a_state_holds_the_bytes_that_are_not_given_out() {
    let setup = DemuxSetup { keeps_tail: true, ..DemuxSetup::new(ContainerFormat::MpegTs, None) };
    let bytes_of = |size: usize, packets: Option<usize>| {
        let mut mux = Mux::new(&ENTRIES[..1]);
        mux.packet(VIDEO, Some((0, 0)), &byte_stream(&[&[9, 0xf0], SPS, PPS, &slice(true, 0, 0, 0, 300)]));
        let begin = mux.bytes.len();
        mux.packet(VIDEO, Some((3600, 3600)), &byte_stream(&[&[9, 0xf0], &slice(false, 0, 1, 2, size)]));
        let bytes = without_lengths(mux.bytes);
        let end = packets.map_or(bytes.len(), |packets| begin + packets * PACKET);
        held(&segment(&setup, &bytes[..end]).1)
    };
    // A picture without a sign that it is whole waits, and its bytes count: 184 in each further packet.
    let (two, three) = (bytes_of(2000, Some(2)), bytes_of(2000, Some(3)));
    assert_eq!(three - two, 184);
    assert!((200..400).contains(&two), "{two}");
}

#[test]
fn a_segment_that_begins_at_a_packet_after_one_that_ended_at_one_is_cut_nowhere() {
    let setup = DemuxSetup { keeps_tail: true, ..DemuxSetup::new(ContainerFormat::MpegTs, None) };
    let bytes = film(90_000).bytes;
    let whole = read(&bytes, usize::MAX, None).unwrap();
    for after in [0, 16] {
        let stride = PACKET + after;
        let wide: Vec<u8> = bytes.chunks(PACKET).flat_map(|packet| [packet, &vec![0x22; after][..]].concat()).collect();
        let cut = 12 * stride;
        let (_, tail) = segment(&setup, &wide[..cut]);
        let carried = Some(CarriedState { state: tail.state, continues: true });
        // The rest is as long as one packet: too little to find packets anew.
        let (outputs, _) = segment(&DemuxSetup { carried, ..setup.clone() }, &wide[cut..cut + stride]);
        assert!(samples(&outputs, VIDEO).len() + samples(&outputs, SOUND).len() < 12, "{after}");
        let found = segments(&[&wide[..cut], &wide[cut..]], true);
        assert_eq!(essence(&found, VIDEO), essence(&whole, VIDEO), "{after}");
    }
}

/// Sound at `time`, and the first packet of a picture that goes on.
fn begun(time: u64) -> (Vec<u8>, Vec<u8>) {
    let mut mux = Mux::new(ENTRIES);
    mux.packet(SOUND, Some((time, time)), &[adts(50, 1), adts(50, 2)].concat());
    let cut = mux.bytes.len() + PACKET;
    mux.packet(VIDEO, Some((time, time)), &byte_stream(&[&[9, 0xf0], SPS, PPS, &slice(true, 0, 0, 0, 900)]));
    mux.packet(SOUND, Some((time + 9000, time + 9000)), &[adts(50, 3), adts(50, 4)].concat());
    let rest = mux.bytes.split_off(cut);
    (mux.bytes, rest)
}

#[test]
fn sound_waits_for_a_picture_that_has_begun_unless_playback_goes_on_elsewhere() {
    let setup = DemuxSetup { keeps_tail: true, ..DemuxSetup::new(ContainerFormat::MpegTs, None) };
    let (first, rest) = begun(0);
    let (outputs, tail) = segment(&setup, &first);
    assert_eq!(outputs, [], "neither sound nor tracks without the picture's configuration");
    assert_eq!((samples(&tail.outputs, SOUND).len(), samples(&tail.outputs, VIDEO).len()), (2, 1), "nothing follows");
    let carried = |continues: bool| Some(CarriedState { state: tail.state.clone(), continues });
    let (outputs, _) = segment(&DemuxSetup { carried: carried(true), ..setup.clone() }, &rest);
    assert_eq!(inits(&outputs).iter().map(|init| init.tracks.len()).collect::<Vec<_>>(), [2]);
    assert_eq!((samples(&outputs, SOUND).len(), samples(&outputs, VIDEO).len()), (4, 1));
    let elsewhere = film(900_000).bytes;
    let alone = read(&elsewhere, usize::MAX, None).unwrap();
    let (outputs, _) = segment(&DemuxSetup { carried: carried(false), ..setup }, &elsewhere);
    for track in [VIDEO, SOUND] {
        assert_eq!(essence(&outputs, track), essence(&alone, track), "{track:#x}");
    }
}

#[test]
fn times_after_a_jump_are_not_put_near_those_before_it() {
    // The counter of 33 bits ends with the first segment: going on means another turn, and a jump does not.
    let (late, early) = (film((1 << 33) - 90_000).bytes, film(90_000).bytes);
    for (first, second) in [(&late, &early), (&early, &late)] {
        let alone = essence(&read(second, usize::MAX, None).unwrap(), VIDEO);
        let pictures = |continues: bool| essence(&segments(&[first, second], continues), VIDEO).split_off(10);
        assert_eq!(pictures(false), alone);
        let turn = MediaTime::from_ticks(1 << 33, 90_000).as_nanos();
        let apart = pictures(true)[0].1 - alone[0].1;
        assert!((apart.abs() - turn).abs() <= 1, "{apart} is a turn but for rounding");
    }
}
