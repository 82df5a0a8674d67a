//! Values at the borders between two readings of a movie box.

use std::time::Duration;

use crate::container::mp4::boxes::BoxBody;
use crate::container::mp4::testmux::{self, boxed, full};
use crate::container::mp4::{entry, limits, movie_duration};
use crate::container::{DemuxError, DemuxOutput, read_init};
use crate::model::MediaKind;

use super::{VIDEO, read, samples};

fn movie(version: u8, timescale: u32, duration: u64, fragments: Option<(u8, u64)>) -> Vec<u8> {
    let number = |version: u8, value: u64| match version {
        0 => u32::try_from(value).unwrap().to_be_bytes().to_vec(),
        _ => value.to_be_bytes().to_vec(),
    };
    let times = [number(version, 7), number(version, 8)].concat();
    let mvhd =
        full(b"mvhd", version, 0, &[times, timescale.to_be_bytes().to_vec(), number(version, duration)].concat());
    let mehd = fragments.map(|(version, ticks)| boxed(b"mvex", &full(b"mehd", version, 0, &number(version, ticks))));
    [boxed(b"free", b"xx"), boxed(b"moov", &[mvhd, mehd.unwrap_or_default()].concat())].concat()
}

#[test]
fn a_movie_lasts_as_long_as_its_header_or_its_fragments_say() {
    let long = u64::from(u32::MAX) + 9;
    for (version, timescale, duration, fragments, expected) in [
        (0, 1000, 2500, None, Some(2500)),
        (1, 1000, 2500, None, Some(2500)),
        (1, 1000, long, None, Some(long)),
        (0, 0, 2500, None, None),
        (0, 1, 3, None, Some(3000)),
        (0, 1000, 0, None, None),
        (0, 1000, u64::from(u32::MAX), None, None),
        (1, 1000, u64::MAX, None, None),
        (0, 1000, 2500, Some((0, 4000)), Some(4000)),
        (0, 1000, 0, Some((1, 4000)), Some(4000)),
        (0, 1000, 2500, Some((1, long)), Some(long)),
        (0, 1000, 2500, Some((0, 0)), Some(2500)),
    ] {
        let found = movie_duration(&movie(version, timescale, duration, fragments));
        assert_eq!(found, expected.map(Duration::from_millis), "{version} {timescale} {duration} {fragments:?}");
    }
    assert_eq!(movie_duration(&boxed(b"free", b"")), None);
}

#[test]
fn a_limit_itself_is_within_the_limit() {
    assert!(limits::check("it", 7, 7, 3).is_ok());
    let error = limits::check("it", 8, 7, 3).unwrap_err();
    assert_eq!(error, DemuxError::Limit { what: "it".to_owned(), limit: 7, offset: 3 });
}

#[test]
fn a_scheme_that_is_not_known_hides_no_other_of_the_same_entry() {
    let tenc = [&[0, 0, 1, 8][..], &[3; 16]].concat();
    let sinf = |scheme: &[u8; 4]| {
        let scheme = full(b"schm", 0, 0, &[&scheme[..], &[0, 1, 0, 0]].concat());
        boxed(b"sinf", &[boxed(b"frma", b"avc1"), scheme, boxed(b"schi", &full(b"tenc", 0, 0, &tenc))].concat())
    };
    let found = |schemes: &[&[u8; 4]]| {
        let sets = [0xe1, 0, 4, 0x67, 0x4d, 0x40, 0x1f, 1, 0, 2, 0x68, 0xce];
        let avcc = boxed(b"avcC", &[&[1, 0x4d, 0x40, 0x1f, 0xff][..], &sets].concat());
        let schemes: Vec<u8> = schemes.iter().flat_map(|scheme| sinf(scheme)).collect();
        let encrypted = boxed(b"encv", &[&[0; 78][..], &avcc, &schemes].concat());
        let bytes = [&[0; 8][..], &encrypted].concat();
        let entries = entry::read_all(&BoxBody { kind: *b"stsd", bytes: &bytes, offset: 8 }, MediaKind::Video, 0);
        entries.map(|entries| entries[0].protection.as_ref().map(|protection| protection.scheme))
    };
    assert_eq!(found(&[b"cbcs", b"cenc"]), Ok(Some(*b"cbcs")), "the first that is known");
    assert_eq!(found(&[b"odkm", b"cenc"]), Ok(Some(*b"cenc")));
    assert_eq!(found(&[b"odkm", b"adkm", b"cbcs"]), Ok(Some(*b"cbcs")));
    let unknown = |name: &str| Err(DemuxError::Unsupported { feature: format!("protection scheme '{name}'") });
    assert_eq!(found(&[b"odkm", b"adkm"]), unknown("adkm"));
    assert!(matches!(found(&[]), Err(DemuxError::Malformed { .. })), "none at all");
}

#[test]
fn an_event_message_above_the_limit_is_passed_over() {
    let init = read_init(testmux::init(&[VIDEO])).unwrap();
    let found = |size: u64| {
        let mut content = testmux::event_message("urn:x", 1, 0, 5000);
        content.resize(usize::try_from(size).unwrap() + 8, b'.');
        content[..4].copy_from_slice(&u32::try_from(size + 8).unwrap().to_be_bytes());
        content.extend(testmux::segment(1, 1, 0, &[(512, 10, true, 0)]));
        let outputs = read(Some(&init), &content.into(), 1 << 16).unwrap();
        let events = |output: &DemuxOutput| if let DemuxOutput::Metadata(all) = output { all.len() } else { 0 };
        (outputs.iter().map(events).sum::<usize>(), samples(&outputs, 1).len())
    };
    assert_eq!(found(64), (1, 1));
    assert_eq!(found(limits::EVENT_BYTES), (1, 1));
    assert_eq!(found(limits::EVENT_BYTES + 1), (0, 1));
}
