//! Films play to the end however their files are made: byte ranges with and without an index, audio and video in one
//! file, edit lists, sizes that are announced and that are not.

use std::collections::BTreeSet;
use std::time::Duration;

use abr::link::{Row, Trace};
use player_core::engine::io::{FetchKind, Input, Output};
use player_core::model::{ByteRange, MediaKind, Protocol};
use player_core::render::RenderCommand;
use player_core::sim::{Addressing, Content, Effect, Fault, Film, Outcome, Recorded, Shape, World};
use player_core::{Command, ErrorCode, Event, MediaTime, PlayerConfig, SeekMode};

use crate::support::{
    BOTH, MINUTE, assert_played, count, events, fast, millis, play, requests, seconds, two_hosts, world,
};

const RANGES: [Addressing; 3] = [Addressing::Indexed, Addressing::Unannounced, Addressing::Listed];

/// Films of one quality whose representations are one file each.
fn ranged() -> impl Iterator<Item = (String, Film)> {
    BOTH.into_iter().flat_map(|protocol| {
        RANGES.into_iter().map(move |addressing| {
            let mut film = Film::new(protocol, MINUTE).addressed(addressing, addressing);
            film.ladder.truncate(1);
            (format!("{protocol:?} {addressing:?}"), film)
        })
    })
}
/// The parts of the files of a group that were requested as segments, in order.
fn parts(world: &World, group: &str) -> Vec<ByteRange> {
    let folder = format!("/film/{group}/");
    let segments = requests(world).filter(|request| request.kind == FetchKind::Segment);
    segments.filter(|request| request.url.path().starts_with(&folder)).filter_map(|request| request.range).collect()
}

/// Every picture of a minute is presented once, nothing is waited for and nothing is strange.
#[track_caller]
fn assert_whole(world: &World, name: &str) {
    let stats = world.stats();
    assert_eq!(stats.frames.presented, 60 * 24, "{name}");
    assert_eq!((stats.frames.dropped, stats.frames.repeated, stats.frames.corrupt), (0, 0, 0), "{name}");
    let account = stats.account;
    assert_eq!((account.received, account.decoder_input, account.departed()), (60 * 24, 60 * 24, 0), "{name}");
    assert_eq!(stats.stalls, [], "{name}");
    assert_eq!((stats.retries, stats.bytes_wasted), (0, 0), "{name}");
    let warnings = events(world, |event| matches!(event, Event::Warning { .. }));
    assert!(warnings.is_empty(), "{name}: {warnings:?}");
    assert_played(world, MINUTE);
}

#[test]
fn parts_of_a_file_are_fetched_once_each_and_play_like_files() {
    for (name, film) in ranged() {
        let mut world = world(&film, fast(), Vec::new());
        world.record();
        assert_eq!(play(&mut world), Outcome::Ended, "{name}");
        assert_whole(&world, &name);
        for group in ["v", "a"] {
            let parts = parts(&world, group);
            assert_eq!(parts.len(), 15, "{name} {group}");
            assert!(parts[0].offset > 1 << 32, "{name}: media lies far from the beginning of the file");
            assert!(parts.windows(2).all(|pair| pair[0].end() == pair[1].offset), "{name} {group}: {parts:?}");
        }
        let bytes: u64 = ["v", "a"].iter().flat_map(|group| parts(&world, group)).filter_map(|part| part.length).sum();
        let init: u64 = requests(&world)
            .filter(|request| request.kind == FetchKind::Init)
            .filter_map(|request| request.range?.length)
            .sum();
        assert_eq!(world.stats().bytes_media, bytes + init, "{name}");
    }
}

#[test]
fn periods_take_their_own_parts_of_a_file() {
    for addressing in RANGES {
        let mut film = Film::new(Protocol::Dash, MINUTE).addressed(addressing, addressing);
        film.ladder.truncate(1);
        film.periods = 3;
        let mut world = world(&film, fast(), Vec::new());
        world.record();
        assert_eq!(play(&mut world), Outcome::Ended, "{addressing:?}");
        assert_whole(&world, &format!("{addressing:?}"));
        for group in ["v", "a"] {
            let parts = parts(&world, group);
            assert_eq!(parts.len(), 15, "{addressing:?} {group}");
            assert!(parts.windows(2).all(|pair| pair[0].end() == pair[1].offset), "{parts:?}");
        }
    }
}

#[test]
fn qualities_change_between_parts_of_different_files() {
    let row = |length, kbps: u64| Row { duration: seconds(length), bandwidth_bps: kbps * 1000, latency: millis(30) };
    for protocol in BOTH {
        for addressing in RANGES {
            let film = Film::new(protocol, MINUTE * 3).addressed(addressing, addressing);
            let trace = Trace::from_rows(vec![row(25, 20_000), row(40, 1_200), row(500, 20_000)]).unwrap();
            let mut world = world(&film, trace, Vec::new());
            assert_eq!(play(&mut world), Outcome::Ended, "{protocol:?} {addressing:?}");
            let stats = world.stats();
            assert!(stats.switches.len() >= 3, "{protocol:?} {addressing:?}: {:?}", stats.switches);
            assert_eq!(stats.frames.presented, 180 * 24, "{protocol:?} {addressing:?}");
            assert_eq!(stats.account.departed(), stats.account.discarded.switch + stats.account.discarded.replaced);
            assert_played(&world, MINUTE * 3);
        }
    }
}

#[test]
fn a_seek_fetches_the_part_that_holds_the_target() {
    for (name, film) in ranged() {
        let mut world = world(&film, Trace::constant(1_500, millis(30)), Vec::new());
        world.record();
        world.load();
        world.run_for(seconds(3));
        let before = parts(&world, "v").len();
        world.command(Command::Seek { to: MediaTime::from_millis(47_100), mode: SeekMode::Exact });
        world.run_for(seconds(4));
        let target = (0..15).find(|place| (film.span_of("v", *place).0..film.span_of("v", *place).1).contains(&47));
        let mut whole = crate::support::world(&film, fast(), Vec::new());
        whole.record();
        play(&mut whole);
        let wanted = parts(&whole, "v")[target.unwrap() as usize];
        assert_eq!(parts(&world, "v")[before], wanted, "{name}");
        let landed = events(&world, |event| matches!(event, Event::SeekCompleted { error_nanos: 0, .. }));
        assert_eq!(landed.len(), 1, "{name}: {:?}", world.events());
        assert_eq!(world.run_until_end(MINUTE), Outcome::Ended, "{name}");
    }
}

#[test]
fn a_part_that_nobody_has_is_jumped_over() {
    for (name, film) in ranged() {
        let missing = Fault::new("/7.m4s", Effect::Status(404)).of(FetchKind::Segment);
        let mut world = world(&film, fast(), vec![missing]);
        assert_eq!(play(&mut world), Outcome::Ended, "{name}");
        let gaps = events(&world, |event| matches!(event, Event::GapSkipped { .. }));
        assert_eq!(gaps.len(), 1, "{name}");
        let (begin, end) = film.span_of("v", 7);
        let left = (60 - (end - begin)) * 24;
        let presented = world.stats().frames.presented;
        assert!((left - 3..=left).contains(&presented), "{name}: {presented} of {left}");
        assert_eq!(world.stats().account.received, presented, "{name}");
        assert_played(&world, MINUTE);
    }
}

#[test]
fn announced_gaps_are_never_fetched() {
    let listed = |protocol| Film::new(protocol, MINUTE).addressed(Addressing::Listed, Addressing::Listed);
    // A template with a timeline leaves the segment out, and `$Number$` goes on without it.
    let template = Film::new(Protocol::Dash, MINUTE).addressed(Addressing::Files, Addressing::Files);
    for mut film in [Film::new(Protocol::Hls, MINUTE), listed(Protocol::Hls), listed(Protocol::Dash), template] {
        film.ladder.truncate(1);
        film.gaps =
            [6, 7].into_iter().flat_map(|place| [("240p".to_owned(), place), ("en".to_owned(), place)]).collect();
        let mut world = world(&film, fast(), Vec::new());
        world.record();
        assert_eq!(play(&mut world), Outcome::Ended);
        let segments = requests(&world).filter(|request| request.kind == FetchKind::Segment).count();
        assert_eq!(segments, 26);
        let (begin, end) = (film.span_of("v", 6).0, film.span_of("v", 7).1);
        let gaps = events(&world, |event| matches!(event, Event::GapSkipped { .. }));
        assert_eq!(gaps.len(), 1);
        let presented = world.stats().frames.presented;
        let left = (60 - (end - begin)) * 24;
        assert!((left - 3..=left).contains(&presented), "{presented} of {left}");
        assert_eq!(world.stats().account.received, presented);
        assert_eq!(world.stats().stalls, []);
        assert_played(&world, MINUTE);
    }
}

#[test]
fn a_location_that_dies_leaves_the_rest_of_the_file_to_another() {
    for (name, film) in ranged() {
        let dead = Fault::new("http://one", Effect::Refuse).from(seconds(2));
        let mut world = two_hosts(&film, Trace::constant(3_000, millis(30)), vec![dead]);
        world.record();
        assert_eq!(play(&mut world), Outcome::Ended, "{name}");
        assert_eq!(world.stats().frames.presented, 60 * 24, "{name}");
        assert_eq!(world.stats().failovers.len(), 1, "{name}");
        let distinct: BTreeSet<u64> = parts(&world, "v").iter().map(|part| part.offset).collect();
        assert_eq!(distinct.len(), 15, "{name}: the same parts exist there");
    }
}

#[test]
fn answers_in_several_parts_and_whole_files_play_the_same() {
    for (name, mut film) in ranged() {
        film.shape.media_away = 100_000;
        for (effect, warned) in [(Effect::Parts(3), 0), (Effect::WholeFile, 1)] {
            let of_segments = Fault::new("", effect.clone()).of(FetchKind::Segment);
            let mut world = world(&film, fast(), vec![of_segments]);
            world.record();
            assert_eq!(play(&mut world), Outcome::Ended, "{name} {effect:?}");
            assert_eq!(world.faults_fired().len(), 30, "{name} {effect:?}");
            let stats = world.stats();
            assert_eq!(stats.frames.presented, 60 * 24, "{name} {effect:?}");
            assert_eq!((stats.retries, stats.account.departed()), (0, 0), "{name} {effect:?}");
            let parts = [parts(&world, "v"), parts(&world, "a")].concat();
            let bytes: u64 = parts.iter().filter_map(|part| part.length).sum();
            assert!(stats.bytes_media.abs_diff(bytes) < 2000, "{name} {effect:?}: what is cut off does not count");
            let ignored =
                |event: &Event| matches!(event, Event::Warning { error } if error.code == ErrorCode::RangeIgnored);
            assert_eq!(count(&world, ignored), warned, "{name} {effect:?}: once a session");
            assert_eq!(count(&world, |event| matches!(event, Event::Warning { .. })), warned, "{name} {effect:?}");
        }
    }
}

/// Samples handed to the renderer, by kind, with the first byte of each.
fn appended(world: &World, kind: MediaKind) -> Vec<(MediaTime, u8)> {
    let (_, outputs) = world.recorded().unwrap();
    let samples = outputs.iter().filter_map(|output| match output {
        Output::Render(RenderCommand::Append { track, samples, .. }) if *track == kind => Some(samples),
        _ => None,
    });
    samples.flatten().map(|sample| (sample.pts, sample.payload.0[0])).collect()
}

#[test]
fn audio_and_video_of_one_file_are_told_apart_whichever_comes_first() {
    for protocol in BOTH {
        for audio_first in [true, false] {
            for addressing in [Addressing::Files, Addressing::Indexed, Addressing::Listed] {
                for edit_lists in [true, false] {
                    let name = format!("{protocol:?} audio first: {audio_first} {addressing:?} edits: {edit_lists}");
                    let mut film = Film::new(protocol, MINUTE).muxed(audio_first);
                    film.ladder.truncate(1);
                    film.shape.edit_lists = edit_lists;
                    film = film.addressed(addressing, addressing);
                    let mut world = world(&film, fast(), Vec::new());
                    world.record();
                    assert_eq!(play(&mut world), Outcome::Ended, "{name}");
                    assert_whole(&world, &name);
                    let (video, audio) = (appended(&world, MediaKind::Video), appended(&world, MediaKind::Audio));
                    assert_eq!(video.len(), 60 * 24, "{name}");
                    assert!(video.iter().all(|(_, byte)| *byte == 1) && audio.iter().all(|(_, byte)| *byte == 2));
                    // 60 s hold 2812 whole frames of 1024 samples, and the film lacks the first two.
                    assert_eq!(audio.len(), 2812 - 2, "{name}");
                    let frame = |number: u64| Duration::from_nanos(number * 1024 * 1_000_000_000 / 48_000);
                    let off = |(pts, number): (MediaTime, u64)| pts.nanos_from(MediaTime::ZERO + frame(number));
                    let worst = audio.iter().map(|(pts, _)| *pts).zip(2..).map(off).map(i64::abs).max();
                    assert!(worst.unwrap() < 1000, "{name}: audio is {worst:?} ns off");
                    let first = video.iter().map(|(pts, _)| *pts).min();
                    assert_eq!(first.map(|pts| pts.as_nanos().abs() < 1000), Some(true), "{name}: {first:?}");
                }
            }
        }
    }
}

#[test]
fn seeks_and_other_qualities_keep_audio_and_video_of_one_file_together() {
    for protocol in BOTH {
        for audio_first in [true, false] {
            let mut film = Film::new(protocol, MINUTE).muxed(audio_first);
            film.ladder.truncate(2);
            let mut world = world(&film, fast(), Vec::new());
            world.load();
            world.run_for(seconds(2));
            world.command(Command::SelectQuality(player_core::QualityChoice::MaxHeight(240)));
            world.command(Command::Seek { to: MediaTime::from_millis(31_300), mode: SeekMode::Exact });
            assert_eq!(world.run_until_end(MINUTE), Outcome::Ended);
            let landed = events(&world, |event| matches!(event, Event::SeekCompleted { error_nanos: 0, .. }));
            assert_eq!(landed.len(), 1);
            assert_eq!(world.stats().stalls, []);
            let stats = world.stats();
            let (frames, account) = (stats.frames, stats.account);
            let sum = frames.presented - account.repeated + frames.dropped + account.departed();
            assert_eq!(account.received, sum, "{frames:?} {account:?}");
            assert_eq!(account.lost, player_core::telemetry::FrameLosses::default());
        }
    }
}

#[test]
fn edit_lists_with_empty_edits_change_no_time() {
    for protocol in BOTH {
        let film = Film { real_bytes: true, ..Film::new(protocol, seconds(40)) };
        let mut cut = film.clone();
        cut.shape.edit_lists = false;
        let play_of = |mut film: Film| {
            film.ladder.truncate(1);
            let mut world = world(&film, fast(), Vec::new());
            world.record();
            assert_eq!(play(&mut world), Outcome::Ended);
            [MediaKind::Video, MediaKind::Audio].map(|kind| appended(&world, kind))
        };
        assert!(film.shape.edit_lists);
        let (with, without) = (play_of(film), play_of(cut));
        for (with, without) in with.iter().zip(&without) {
            assert_eq!(with.len(), without.len());
            let apart = with.iter().zip(without).map(|(a, b)| a.0.nanos_from(b.0).abs()).max();
            assert!(apart.unwrap() < 1000, "{protocol:?}: {apart:?} ns");
        }
    }
}

#[test]
fn rates_that_are_announced_late_are_estimates_from_there_on() {
    let mut film = Film::new(Protocol::Hls, MINUTE);
    film.shape = Shape { announced_from: Some(5), ..film.shape };
    let mut world = world(&film, fast(), Vec::new());
    assert_eq!(play(&mut world), Outcome::Ended);
    assert_eq!(world.stats().frames.presented, 60 * 24);
    assert_eq!(world.stats().stalls, []);
}

#[test]
fn a_manifest_that_was_redirected_is_the_base_of_its_addresses() {
    for protocol in BOTH {
        let film = Film::new(protocol, MINUTE);
        let moved = Fault::new("http://edge", Effect::Redirect("mirror".to_owned())).of(FetchKind::Manifest);
        let config = PlayerConfig::default();
        let mut world = World::with_mirrors(config, &film, &["edge"], &["mirror"], fast(), vec![moved]).unwrap();
        world.record();
        assert_eq!(play(&mut world), Outcome::Ended, "{protocol:?}");
        assert_whole(&world, &format!("{protocol:?}"));
        assert_eq!(world.faults_fired().len(), 1, "{protocol:?}");
        for request in requests(&world) {
            let host = if request.kind == FetchKind::Manifest { "edge" } else { "mirror" };
            assert_eq!(request.url.host_str(), Some(host), "{protocol:?}: {}", request.url);
        }
    }
}

#[test]
fn a_redirected_playlist_leads_to_the_segments_beside_it() {
    let film = Film::new(Protocol::Hls, MINUTE);
    let moved = Fault::new("/a/en/index", Effect::Redirect("mirror".to_owned()));
    let config = PlayerConfig::default();
    let mut world = World::with_mirrors(config, &film, &["edge"], &["mirror"], fast(), vec![moved]).unwrap();
    world.record();
    assert_eq!(play(&mut world), Outcome::Ended);
    assert_whole(&world, "a playlist");
    for request in requests(&world).filter(|request| request.kind == FetchKind::Segment) {
        let host = if request.url.path().starts_with("/film/a/") { "mirror" } else { "edge" };
        assert_eq!(request.url.host_str(), Some(host), "{}", request.url);
    }
}

/// The sizes that answers announce are those of the ranges.
#[test]
fn the_answer_to_a_part_is_as_long_as_the_part() {
    for (name, film) in ranged() {
        let mut world = world(&film, fast(), Vec::new());
        world.record();
        play(&mut world);
        let (inputs, _) = world.recorded().unwrap();
        let mut checked = 0;
        for input in inputs {
            if let Recorded::Input(_, input) = input
                && let Input::FetchStarted { id, head, .. } = input.as_ref()
                && let Some(request) = requests(&world).find(|request| request.id == *id)
                && request.kind == FetchKind::Segment
            {
                assert_eq!(head.status, 206, "{name}");
                assert_eq!(head.content_length, request.range.unwrap().length, "{name}");
                let Some(Content::Media { size, .. }) = film.part(request.url.path(), request.range) else {
                    panic!("{name}: media")
                };
                assert_eq!(head.content_length, Some(size));
                checked += 1;
            }
        }
        assert_eq!(checked, 30, "{name}");
    }
}
