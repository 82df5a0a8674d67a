//! Live HLS: reloads, discontinuities, malformed sequences, delta updates, parts, hints and reports.

use player_core::Event;
use player_core::model::Protocol;
use player_core::sim::live::{LiveFilm, PartFiles, SequenceFault};
use player_core::telemetry::LiveDelivery;

use super::*;

fn hls() -> LiveFilm {
    plain(Protocol::Hls)
}

#[test]
fn a_playlist_is_reloaded_about_once_a_target_duration() {
    let mut world = start(&LiveFilm { ladder: hls().ladder[..1].to_vec(), ..hls() });
    play_on(&mut world, seconds(40));
    for path in ["/v/360p/index.m3u8", "/a/en/index.m3u8"] {
        let count = asked(&world, path).len();
        assert!((15..=30).contains(&count), "{count} reloads of {path} in 20 target durations");
    }
}

#[test]
fn discontinuities_are_crossed_without_a_stop() {
    for is_counted in [true, false] {
        for from_zero in [true, false] {
            for film in [hls(), low_latency(Protocol::Hls), hls().in_ts()] {
                let window = Some(seconds(16));
                let mut film = LiveFilm { chapter: Some(5), from_zero, window, ..film };
                film.hls.discontinuity_sequence = is_counted;
                let mut world = start(&film);
                play_on(&mut world, seconds(50));
            }
        }
    }
}

#[test]
fn malformed_sequences_are_repaired() {
    for fault in [SequenceFault::Off(100), SequenceFault::Off(-1000), SequenceFault::Frozen, SequenceFault::Missing] {
        for until in [seconds(22), seconds(1000)] {
            let mut film = hls();
            film.troubles.sequences.push((seconds(12), until, fault));
            let mut world = start(&film);
            go_on(&mut world, seconds(60));
            assert_plays(&mut world);
            let stalled: Duration = world.stats().stalls.iter().map(|stall| stall.duration).sum();
            assert!(stalled < seconds(6), "{fault:?} until {until:?}: {:?}", world.stats().stalls);
        }
    }
}

#[test]
fn parts_are_asked_for_ahead_and_reloads_block() {
    for parts in [PartFiles::Whole, PartFiles::Ranges] {
        let mut film = LiveFilm { ladder: hls().ladder[..1].to_vec(), ..low_latency(Protocol::Hls) };
        film.hls.parts = parts;
        let mut world = start(&film);
        play_on(&mut world, seconds(30));
        assert_eq!(live(&world).delivery, LiveDelivery::Parts);
        assert_latency(&world, 1000, 2200);
        let reloads = asked(&world, "/v/360p/index.m3u8");
        let blocking =
            reloads.iter().filter(|request| request.url.query().is_some_and(|it| it.contains("_HLS_msn"))).count();
        assert!(blocking + 3 >= reloads.len(), "{blocking} of {} block", reloads.len());
        assert!((50..=75).contains(&reloads.len()), "one for each of 60 parts: {}", reloads.len());
    }
}

#[test]
fn audio_of_other_boundaries_stays_with_the_video() {
    let low = low_latency(Protocol::Hls);
    let parts = player_core::sim::live::LowLatency { part: millis(500), audio_part: millis(350) };
    for film in [hls(), low.clone(), LiveFilm { low_latency: Some(parts), ..low }] {
        let mut world = start(&LiveFilm { audio_shift: millis(170), ..film });
        play_on(&mut world, seconds(30));
    }
}

#[test]
fn a_young_playlist_of_gaps_is_joined() {
    let mut film = LiveFilm { age: seconds(4), first_number: 20, window: Some(seconds(14)), ..hls() };
    film.hls.young_gaps = true;
    let mut world = start(&film);
    go_on(&mut world, seconds(20));
    assert_plays(&mut world);
}

#[test]
fn a_window_of_everything_is_joined_at_its_end() {
    let mut film = LiveFilm { window: None, ..hls() };
    film.hls.is_event = true;
    let mut world = start(&film);
    play_on(&mut world, seconds(20));
    assert_latency(&world, 3000, 8000);
}

#[test]
fn a_playlist_that_goes_back_is_waited_out() {
    for film in [hls(), low_latency(Protocol::Hls)] {
        let mut film = film;
        film.troubles.stale.push((seconds(20), seconds(23), seconds(6)));
        let mut world = start(&film);
        go_on(&mut world, seconds(50));
        assert_plays(&mut world);
        assert!(world.stats().stalls.iter().map(|stall| stall.duration).sum::<Duration>() < seconds(4));
    }
}

fn both() -> [LiveFilm; 2] {
    [hls(), low_latency(Protocol::Hls)]
}

#[test]
fn date_ranges_of_updates_that_leave_them_out_stay_in_their_places() {
    let mut film = LiveFilm { window: Some(seconds(600)), ..low_latency(Protocol::Hls) };
    film.hls.date_range_every = Some(seconds(5));
    film.audio_shift = millis(170);
    let mut world = start(&film);
    play_on(&mut world, seconds(30));
    let ended = crate::support::count(&world, |event| matches!(event, Event::MetadataEnded { .. }));
    assert!((5..=7).contains(&ended), "{ended} ranges of 30 s end");
}

#[test]
fn missing_parts_are_passed_over() {
    for gaps in [(20_000, 24_000), (20_300, 21_400), (21_000, 21_500)] {
        let mut world = start(&LiveFilm { gaps: vec![(millis(gaps.0), millis(gaps.1))], ..low_latency(Protocol::Hls) });
        go_on(&mut world, seconds(50));
        assert_plays(&mut world);
    }
}

#[test]
fn an_origin_that_counts_anew_is_followed() {
    for mut film in both() {
        film.troubles.restarts.push((seconds(20), 5));
        let mut world = start(&film);
        go_on(&mut world, seconds(60));
        assert_plays(&mut world);
        assert_latency(&world, 1000, 9000);
    }
}

#[test]
fn half_an_hour_of_sleep_ends_at_the_edge() {
    for film in both() {
        let mut world = start(&film);
        play_on(&mut world, seconds(15));
        world.suspend(seconds(1800));
        go_on(&mut world, seconds(20));
        assert_plays(&mut world);
        assert_latency(&world, 1000, 9000);
    }
}

#[test]
fn parts_cross_discontinuities_whose_times_begin_at_zero() {
    for window in [None, Some(seconds(60)), Some(seconds(20))] {
        let mut world = start(&LiveFilm { chapter: Some(5), from_zero: true, window, ..low_latency(Protocol::Hls) });
        play_on(&mut world, seconds(45));
    }
}

#[test]
fn numbers_of_segments_that_have_parts_are_repaired() {
    for fault in [SequenceFault::Off(100), SequenceFault::Off(-1000), SequenceFault::Frozen, SequenceFault::Missing] {
        let mut film = low_latency(Protocol::Hls);
        film.troubles.sequences.push((seconds(10), seconds(20), fault));
        let mut world = start(&film);
        go_on(&mut world, seconds(40));
        assert_plays(&mut world);
    }
}
