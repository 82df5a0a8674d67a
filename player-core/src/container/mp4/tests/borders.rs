//! Values at the borders between two readings of a movie box.

use std::time::Duration;

use crate::container::DemuxError;
use crate::container::mp4::testmux::{boxed, full};
use crate::container::mp4::{limits, movie_duration};

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
