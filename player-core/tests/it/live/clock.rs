//! Universal time and the window: sources of time, dates ahead of it, the end of a service, and seeks by date.

use kinora_manifests::dash::UtcScheme;
use player_core::model::Protocol;
use player_core::sim::Outcome;
use player_core::sim::live::{ClockSource as Source, DateHeader, Dates, LiveFilm, MpdAddressing, UtcBody};
use player_core::telemetry::ClockSource;
use player_core::time::WallClock;
use player_core::{Command, ErrorCode, SeekMode};

use super::*;
use crate::support::BOTH;

const BEGIN: i64 = 1_767_225_600_000_000_000;

fn with_clock(scheme: UtcScheme, value: UtcBody) -> LiveFilm {
    let mut film = plain(Protocol::Dash);
    film.dash.clocks = vec![Source { scheme, value }];
    film
}

#[test]
fn each_source_of_time_is_used() {
    for scheme in [UtcScheme::Direct, UtcScheme::HttpHead, UtcScheme::HttpXsDate, UtcScheme::HttpIso] {
        let mut world = start(&with_clock(scheme, UtcBody::Right));
        world.set_clock_off(-600_000_000_000);
        play_on(&mut world, seconds(12));
        assert_eq!(live(&world).clock, Some(ClockSource::UtcTiming), "{scheme:?}");
        assert_latency(&world, 3000, 8000);
    }
}

#[test]
fn without_a_source_the_dates_of_answers_count() {
    let empty = [UtcBody::Empty, UtcBody::Missing, UtcBody::Gone];
    let films = empty.map(|value| with_clock(UtcScheme::HttpIso, value));
    let mut none = plain(Protocol::Dash);
    none.dash.clocks.clear();
    for film in films.into_iter().chain([none, plain(Protocol::Hls)]) {
        for off in [-600_000_000_000, 600_000_000_000] {
            let mut world = start(&film);
            world.set_clock_off(off);
            play_on(&mut world, seconds(12));
            assert_eq!(live(&world).clock, Some(ClockSource::Date), "{:?}", film.dash.clocks);
            assert_latency(&world, 3000, 8500);
        }
    }
}

#[test]
fn without_dates_the_clock_of_the_host_counts() {
    for protocol in BOTH {
        let mut film = plain(protocol);
        film.dash.clocks.clear();
        film.troubles.date = DateHeader::Absent;
        let mut world = start(&film);
        play_on(&mut world, seconds(12));
        assert_eq!(live(&world).clock, Some(ClockSource::Host));
    }
}

#[test]
fn dates_that_lie_ahead_of_the_clock_do_not_count() {
    for film in [plain(Protocol::Hls), low_latency(Protocol::Hls)] {
        let mut film = film;
        film.hls.dates_ahead = 13_000_000_000;
        let mut world = start(&film);
        play_on(&mut world, seconds(15));
        assert!(live(&world).latency_nanos > 0, "{:?}", live(&world));
        assert_latency(&world, 1000, 8000);
        film.hls.dates = Dates::None;
        let mut world = start(&film);
        go_on(&mut world, seconds(15));
        assert_latency(&world, 1000, 8000);
    }
}

#[test]
fn the_window_slides_and_takes_seeks() {
    for protocol in BOTH {
        let mut world = start(&plain(protocol));
        play_on(&mut world, seconds(8));
        let before = live(&world).window;
        go_on(&mut world, seconds(10));
        let after = live(&world).window;
        for (before, after) in [(before.start, after.start), (before.end, after.end)] {
            let moved = after.since(before);
            assert!((seconds(8)..=seconds(12)).contains(&moved), "{protocol:?}: {moved:?}");
        }
        let back = after.start + seconds(20);
        world.command(Command::Seek { to: back, mode: SeekMode::Exact });
        go_on(&mut world, seconds(5));
        assert!(!live(&world).is_following);
        assert!(world.live_latency().unwrap() > seconds(30), "{:?}", world.live_latency());
        agree(&world, "after the seek");
        world.command(Command::GoLive);
        go_on(&mut world, seconds(8));
        assert_latency(&world, 3000, 8000);
        assert!(live(&world).is_following);
    }
}

#[test]
fn a_seek_by_date_finds_what_was_captured_then() {
    for protocol in BOTH {
        let mut world = start(&plain(protocol));
        play_on(&mut world, seconds(6));
        let utc = WallClock::from_unix_nanos(BEGIN - 20_000_000_000);
        world.command(Command::SeekToDate { utc, mode: SeekMode::Exact });
        world.run_until(seconds(3), |world| world.snapshot().state == State::Ready);
        let captured = at(world.now()) - world.live_latency().unwrap().min(at(world.now()));
        let latency = world.live_latency().unwrap();
        let expected = seconds(20) + at(world.now());
        assert!(latency.abs_diff(expected) < millis(1500), "{latency:?}, not {expected:?} ({captured:?})");
    }
}

#[test]
fn a_service_that_ends_is_played_to_its_end() {
    for protocol in BOTH {
        for film in [plain(protocol), low_latency(protocol)] {
            let mut film = LiveFilm { ends_at: Some(seconds(25)), ..film };
            film.dash.addressing = MpdAddressing::Time;
            let mut world = start(&film);
            let outcome = world.run_until_end(seconds(60));
            assert_eq!(outcome, Outcome::Ended, "{protocol:?}: {}", last_events(&world));
            assert!(at(world.now()) < seconds(36), "{:?}", world.now());
            let stalled: Duration = world.stats().stalls.iter().map(|stall| stall.duration).sum();
            assert!(stalled < millis(500), "{:?}", world.stats().stalls);
        }
    }
}

#[test]
fn a_service_that_stops_moving_is_an_error_after_what_is_buffered() {
    for film in [plain(Protocol::Hls), low_latency(Protocol::Hls), {
        let mut film = plain(Protocol::Dash);
        film.dash.addressing = MpdAddressing::Time;
        film
    }] {
        let mut film = film;
        film.troubles.stops_moving_at = Some(seconds(20));
        let mut world = start(&film);
        let outcome = world.run_until_end(seconds(300));
        let Outcome::Failed(error) = outcome else { panic!("{:?} {outcome:?}", film.protocol) };
        assert_eq!(error.code, ErrorCode::LiveStopped, "{error:?}");
        let played = world.stats().played;
        assert!(played > seconds(18), "what was announced is played first: {played:?}");
    }
}

#[test]
fn numbers_of_ten_digits_and_times_beyond_46_bits_are_played() {
    for addressing in [MpdAddressing::Number, MpdAddressing::Time, MpdAddressing::TimelineNumber] {
        let mut film = LiveFilm { age: LiveFilm::SINCE_1970, segment: seconds(1), ..plain(Protocol::Dash) };
        film.dash.addressing = addressing;
        for film in [film.clone(), film.with_bytes()] {
            let mut world = start(&film);
            play_on(&mut world, seconds(10));
        }
    }
    let mut world = start(&LiveFilm { age: LiveFilm::SINCE_1970, ..plain(Protocol::Hls) });
    play_on(&mut world, seconds(10));
}
