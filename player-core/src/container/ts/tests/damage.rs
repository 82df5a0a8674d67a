//! Damaged streams, and streams in pieces: no panic, and the same outcome however they arrive.

use super::*;
use crate::container::ts::packet::PACKET;
use crate::container::{CarriedState, TrackDamage, describe_samples};
use crate::model::MediaKind;

/// Initialisation data, pictures and sound.
type Flat = (Vec<InitSegment>, Vec<Sample>, Vec<Sample>);

/// Everything but the grouping of samples, which follows the pieces.
fn flat(read: &Read) -> Result<Flat, DemuxError> {
    let outputs = read.clone()?;
    Ok((inits(&outputs), samples(&outputs, VIDEO), samples(&outputs, SOUND)))
}

#[test]
fn the_size_of_pieces_changes_nothing() {
    let bytes = film(90_000).bytes;
    let whole = flat(&read(&bytes, bytes.len(), None));
    assert!(whole.as_ref().is_ok_and(|(_, pictures, _)| pictures.len() == 10));
    for piece in (1..400).chain([1000, 4096]) {
        assert_eq!(flat(&read(&bytes, piece, None)), whole, "{piece}");
    }
}

#[test]
fn every_cut_is_borne() {
    let bytes = film(90_000).bytes;
    let mut most = 0;
    for length in (0..bytes.len()).step_by(7) {
        let pictures = flat(&read(&bytes[..length], bytes.len(), None)).map_or(0, |(_, pictures, _)| pictures.len());
        assert!(pictures >= most, "{length}: {pictures} pictures, {most} before");
        most = pictures;
        let _ = describe_samples(&bytes[..length]);
    }
    assert_eq!(most, 10);
}

#[test]
fn wrong_bytes_are_borne() {
    let bytes = film(90_000).bytes;
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    for round in 0..300 {
        let mut damaged = bytes.clone();
        for _ in 0..1 + round % 20 {
            let (place, value) = (random(damaged.len()), random(256));
            damaged[place] = value as u8;
        }
        if round % 5 == 0 {
            let start = random(damaged.len() - 400);
            damaged.drain(start..start + 1 + random(300));
        }
        let whole = flat(&read(&damaged, damaged.len(), None));
        assert_eq!(flat(&read(&damaged, 1 + random(500), None)), whole, "round {round}");
        let _ = describe_samples(&damaged);
    }
}

/// All damage that the outputs announce, of video and of audio.
fn damage(outputs: &[DemuxOutput]) -> [TrackDamage; 2] {
    [MediaKind::Video, MediaKind::Audio].map(|kind| {
        let of = |output: &DemuxOutput| match output {
            DemuxOutput::Damage(damage) if damage.kind == kind => Some(*damage),
            _ => None,
        };
        outputs.iter().filter_map(of).fold(TrackDamage::none(kind), |sum, found| TrackDamage {
            kind,
            gaps: sum.gaps + found.gaps,
            incomplete: sum.incomplete + found.incomplete,
            undecodable: sum.undecodable + found.undecodable,
        })
    })
}

const NONE: [TrackDamage; 2] = [TrackDamage::none(MediaKind::Video), TrackDamage::none(MediaKind::Audio)];

fn pid(packet: &[u8]) -> u16 {
    u16::from(packet[1] & 0x1f) << 8 | u16::from(packet[2])
}

#[test]
fn every_missing_packet_is_noticed() {
    let bytes = film(90_000).bytes;
    let whole = read(&bytes, usize::MAX, None).unwrap();
    assert_eq!(damage(&whole), NONE);
    let packets: Vec<_> = bytes.chunks(PACKET).collect();
    let last = |of: u16| packets.iter().rposition(|packet| pid(packet) == of).unwrap();
    let first = |of: u16| packets.iter().position(|packet| pid(packet) == of).unwrap();
    for missing in 3..packets.len() {
        let of = pid(packets[missing]);
        if missing == first(of) || missing == last(of) {
            // Nothing shows that there was one.
            continue;
        }
        let rest: Vec<_> = [&packets[..missing], &packets[missing + 1..]].concat().concat();
        let outputs = read(&rest, 1000, None).unwrap();
        let [video, audio] = damage(&outputs);
        assert_eq!((video.gaps, audio.gaps), if of == VIDEO { (1, 0) } else { (0, 1) }, "packet {missing}");
        let pictures = samples(&outputs, VIDEO);
        let payloads: Vec<_> = samples(&whole, VIDEO).into_iter().map(|sample| sample.payload).collect();
        let harmed = video.incomplete + video.undecodable;
        let begins = packets[missing][1] & 0x40 != 0;
        assert_eq!(harmed, u64::from(of == VIDEO), "packet {missing}");
        assert_eq!(video.undecodable, u64::from(of == VIDEO && begins), "packet {missing}");
        assert_eq!(pictures.len() as u64, 10 - video.undecodable, "packet {missing}");
        let intact = pictures.iter().filter(|picture| payloads.contains(&picture.payload)).count();
        assert_eq!(intact, if of == VIDEO { 9 } else { 10 }, "packet {missing}");
        // A packet that its sender marked as damaged is as good as missing.
        let mut marked = bytes.clone();
        marked[missing * PACKET + 1] |= 0x80;
        let outputs = read(&marked, 1000, None).unwrap();
        assert_eq!(damage(&outputs), [video, audio], "packet {missing}");
        assert_eq!(samples(&outputs, VIDEO), pictures);
    }
}

#[test]
fn a_last_packet_that_is_marked_as_damaged_is_noticed() {
    let mut bytes = film(90_000).bytes;
    let last = bytes.chunks(PACKET).rposition(|packet| pid(packet) == VIDEO).unwrap();
    bytes[last * PACKET + 1] |= 0x80;
    let [video, _] = damage(&read(&bytes, 1000, None).unwrap());
    assert_eq!((video.gaps, video.incomplete), (1, 1));
}

#[test]
fn missing_whole_pictures_are_noticed_and_harm_no_other() {
    let bytes = film(90_000).bytes;
    let whole = samples(&read(&bytes, usize::MAX, None).unwrap(), VIDEO);
    let packets: Vec<_> = bytes.chunks(PACKET).collect();
    let starts: Vec<_> =
        (0..packets.len()).filter(|at| pid(packets[*at]) == VIDEO && packets[*at][1] & 0x40 != 0).collect();
    let gone = |at: usize| pid(packets[at]) == VIDEO && (starts[3]..starts[5]).contains(&at);
    let rest: Vec<_> = (0..packets.len()).filter(|at| !gone(*at)).map(|at| packets[at]).collect();
    let outputs = read(&rest.concat(), 1000, None).unwrap();
    let [video, _] = damage(&outputs);
    assert_eq!(video, TrackDamage { gaps: 1, ..TrackDamage::none(MediaKind::Video) });
    let found: Vec<_> = samples(&outputs, VIDEO).into_iter().map(|sample| sample.payload).collect();
    let expected: Vec<_> = [&whole[..3], &whole[5..]].concat().into_iter().map(|sample| sample.payload).collect();
    assert_eq!(found, expected);
}

#[test]
fn what_counters_may_do_is_no_damage() {
    let bytes = film(90_000).bytes;
    let whole = read(&bytes, usize::MAX, None).unwrap();
    let packets: Vec<_> = bytes.chunks(PACKET).collect();
    let twice: Vec<_> = packets.iter().flat_map(|packet| [*packet, *packet]).collect();
    let constant = bytes.chunks(PACKET).flat_map(|packet| {
        let mut packet = packet.to_vec();
        packet[3] &= 0xf0;
        packet
    });
    // Counters begin anew after a packet without payload that announces it.
    let half = packets.iter().rposition(|packet| pid(packet) == SOUND && packet[1] & 0x40 != 0).unwrap();
    let announced = packets.iter().enumerate().flat_map(|(at, packet)| {
        let mut packet = packet.to_vec();
        let mut before = Vec::new();
        if at >= half {
            packet[3] = packet[3] & 0xf0 | (packet[3] + 7) & 15;
        }
        if at == half {
            for of in [VIDEO, SOUND] {
                let [high, low] = of.to_be_bytes();
                before.extend([0x47, high, low, 0x20, 183, 0x80]);
                before.extend([0xff; PACKET - 6]);
            }
        }
        [before, packet].concat()
    });
    let cases = [("twice", twice.concat()), ("constant", constant.collect()), ("announced", announced.collect())];
    for (name, bytes) in cases {
        let outputs = read(&bytes, 1000, None).unwrap();
        assert_eq!(damage(&outputs), NONE, "{name}");
        assert_eq!(
            (samples(&outputs, VIDEO), samples(&outputs, SOUND)),
            (samples(&whole, VIDEO), samples(&whole, SOUND))
        );
    }
}

#[test]
fn a_first_packet_that_is_missing_in_a_segment_is_noticed() {
    let bytes = film(90_000).bytes;
    let packets: Vec<_> = bytes.chunks(PACKET).collect();
    let begins = |at: &usize| pid(packets[*at]) == VIDEO && packets[*at][1] & 0x40 != 0;
    let cut = (0..packets.len()).filter(begins).nth(4).unwrap();
    let setup = DemuxSetup { keeps_tail: true, ..DemuxSetup::new(ContainerFormat::MpegTs, None) };
    let mut carried = None;
    let mut found = Vec::new();
    for part in [&bytes[..cut * PACKET], &bytes[(cut + 1) * PACKET..]] {
        let setup = DemuxSetup { carried: carried.take(), ..setup.clone() };
        let mut demuxer = open(&setup).unwrap();
        found.extend(demuxer.push(Bytes::copy_from_slice(part)).unwrap());
        found.extend(demuxer.finish().unwrap());
        let Some(DemuxOutput::Tail(tail)) = found.pop() else { unreachable!("it was asked for") };
        carried = Some(CarriedState { state: tail.state, continues: true });
    }
    let [video, _] = damage(&found);
    assert_eq!((video.gaps, video.incomplete, video.undecodable), (1, 0, 1));
    assert_eq!(samples(&found, VIDEO).len(), 9);
}

#[test]
fn counters_that_begin_anew_with_a_segment_are_no_damage() {
    let setup = DemuxSetup { keeps_tail: true, ..DemuxSetup::new(ContainerFormat::MpegTs, None) };
    let mut carried = None;
    for (number, origin) in [90_000, 126_000, 162_000].into_iter().enumerate() {
        let setup = DemuxSetup { carried: carried.take(), ..setup.clone() };
        let mut demuxer = open(&setup).unwrap();
        let mut outputs = demuxer.push(Bytes::from(film(origin).bytes)).unwrap();
        outputs.extend(demuxer.finish().unwrap());
        let Some(DemuxOutput::Tail(tail)) = outputs.pop() else { unreachable!("it was asked for") };
        assert_eq!((damage(&outputs), damage(&tail.outputs)), (NONE, NONE), "segment {number}");
        assert_eq!(samples(&outputs, VIDEO).len(), 10);
        carried = Some(CarriedState { state: tail.state, continues: true });
    }
}

#[test]
fn a_missing_begin_behind_a_picture_that_fills_its_packets_harms_one_picture() {
    let mut mux = Mux::new(&[(0x1b, VIDEO, &[])]);
    let mut begins = Vec::new();
    for n in 0..6_u32 {
        let mut size = 300;
        let es = loop {
            let nal = slice(n == 0, 0, n, 2 * n, size);
            let es = if n == 0 { byte_stream(&[&[9, 0xf0], SPS, PPS, &nal]) } else { byte_stream(&[&[9, 0xf0], &nal]) };
            if (14 + es.len()) % 184 == 0 {
                break es;
            }
            size += 1;
        };
        begins.push(mux.bytes.len());
        let time = 90_000 + 3600 * u64::from(n);
        mux.packet(VIDEO, Some((time, time)), &es);
    }
    let whole = samples(&read(&mux.bytes, 1000, None).unwrap(), VIDEO);
    let mut bytes = mux.bytes.clone();
    bytes.drain(begins[3]..begins[3] + PACKET);
    let outputs = read(&bytes, 1000, None).unwrap();
    let [video, _] = damage(&outputs);
    let left = samples(&outputs, VIDEO);
    let intact = left.iter().filter(|picture| whole.iter().any(|other| other.payload == picture.payload)).count();
    assert_eq!((whole.len(), video.gaps, video.incomplete, video.undecodable, left.len(), intact), (6, 1, 0, 1, 5, 5));
}
