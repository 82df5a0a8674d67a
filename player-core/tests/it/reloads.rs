//! The manifest is read again in mid-play and describes the same film otherwise: in another order, with other numbers, without
//! its oldest periods and segments. Nothing is fetched twice, and nothing that was chosen, excluded or held is lost.

use std::collections::BTreeMap;

use player_core::command::{QualityChoice, TrackChoice};
use player_core::engine::io::FetchKind;
use player_core::model::{MediaKind, Protocol};
use player_core::sim::{Effect, Fault, Film, Outcome, Relisting, Shape, World};
use player_core::telemetry::{FrameDiscards, FrameLosses};
use player_core::time::WallClock;
use player_core::{Command, ErrorCode, Event, MediaTime, SeekMode, State};
use proptest::prelude::*;

use crate::support::{
    self, BOTH, MINUTE, assert_played, audit_in_long_runs, count, events, fast, millis, seconds, world,
};

fn film(protocol: Protocol) -> Film {
    let film = Film::new(protocol, seconds(80)).voices(&["en", "de"]);
    Film { periods: if protocol == Protocol::Dash { 4 } else { 1 }, ..film }
}

fn relisted(film: &Film, relisting: Relisting) -> Film {
    Film { relisting, ..film.clone() }
}

/// Loads a film and lets it play for some time, with all outputs recorded.
fn begun(film: &Film, time: u64) -> World {
    let mut world = world(film, fast(), Vec::new());
    world.record();
    world.load();
    world.run_for(millis(time));
    world
}

fn renew(world: &mut World, film: &Film) {
    world.replace_film("edge", film);
    world.refresh();
}

/// Segments that were loaded, by kind and start, with the number of times.
fn loaded(world: &World) -> BTreeMap<(String, i64), u32> {
    let mut all = BTreeMap::new();
    for entry in world.events() {
        if let Event::SegmentLoaded { kind, start, .. } = &entry.event {
            *all.entry((format!("{kind:?}"), start.as_nanos())).or_insert(0) += 1;
        }
    }
    all
}

/// Requests of a kind.
fn requests(world: &World, kind: FetchKind) -> Vec<String> {
    let requests = support::requests(world).filter(|request| request.kind == kind);
    requests.map(|request| format!("{} {:?}", request.url, request.range)).collect()
}

/// The film was presented to its end, each of its segments was fetched once, and nothing is said to be wrong.
#[track_caller]
fn assert_undisturbed(world: &World, film: &Film) {
    let twice: Vec<_> = loaded(world).into_iter().filter(|(_, times)| *times > 1).collect();
    assert_eq!(twice, [], "fetched twice");
    for kind in [FetchKind::Segment, FetchKind::Init] {
        let mut urls = requests(world, kind);
        let all = urls.len();
        urls.sort();
        urls.dedup();
        assert_eq!(urls.len(), all, "{kind:?}");
    }
    let warnings = events(world, |event| matches!(event, Event::Warning { .. }));
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_played(world, film.duration);
    let stats = world.stats();
    assert_eq!((stats.stalls.len(), stats.bytes_wasted, stats.failovers.len()), (0, 0, 0));
    assert_eq!((stats.account.lost, stats.account.discarded), (FrameLosses::default(), FrameDiscards::default()));
}

fn whole() -> [Relisting; 4] {
    let order = |seed| Relisting { order: Some(seed), ..Relisting::default() };
    [order(1), order(2), order(77), Relisting::default()]
}

#[test]
fn the_same_manifest_in_another_order_changes_nothing() {
    for protocol in BOTH {
        for relisting in whole() {
            let film = film(protocol);
            let mut world = begun(&film, 9_000);
            let (position, buffered) = (world.snapshot().position, world.snapshot().buffered.clone());
            renew(&mut world, &relisted(&film, relisting.clone()));
            assert_eq!((world.snapshot().position, world.snapshot().buffered.clone()), (position, buffered));
            assert_eq!(world.run_until_end(MINUTE * 5), Outcome::Ended, "{protocol:?} {relisting:?}");
            assert_eq!(requests(&world, FetchKind::Manifest).len(), 2);
            assert_undisturbed(&world, &film);
        }
    }
}

#[test]
fn periods_and_segments_that_are_gone_in_front_are_not_missed() {
    let hls = |removed_segments| Relisting { removed_segments, order: Some(5), ..Relisting::default() };
    let dash = |removed_periods, is_nameless| Relisting {
        removed_periods,
        is_nameless,
        order: Some(6),
        ..Relisting::default()
    };
    for (protocol, relisting, at) in [
        (Protocol::Hls, hls(2), 12_000),
        (Protocol::Hls, hls(6), 30_000),
        (Protocol::Dash, dash(1, false), 25_000),
        (Protocol::Dash, dash(2, false), 43_000),
        (Protocol::Dash, dash(1, true), 25_000),
    ] {
        let film = film(protocol);
        // A film without ids has none from the beginning.
        let first = relisted(&film, Relisting { is_nameless: relisting.is_nameless, ..Relisting::default() });
        let mut world = begun(&first, at);
        renew(&mut world, &relisted(&film, relisting.clone()));
        assert_eq!(world.run_until_end(MINUTE * 5), Outcome::Ended, "{relisting:?}");
        assert_undisturbed(&world, &film);
    }
}

#[test]
fn numbers_that_count_from_elsewhere_name_the_same_segments() {
    for protocol in BOTH {
        let film = film(protocol);
        let shape = Shape { first_number: 7, first_audio_number: 900, ..film.shape };
        let mut world = begun(&film, 9_000);
        renew(&mut world, &Film { shape, ..film.clone() });
        assert_eq!(world.run_until_end(MINUTE * 5), Outcome::Ended, "{protocol:?}");
        // A playlist that counts anew is understood, and the host learns of it; DASH numbers mean nothing.
        let renumbered = count(
            &world,
            |event| matches!(event, Event::Warning { error } if error.code == ErrorCode::ManifestMalformed),
        );
        assert_eq!(renumbered > 0, protocol == Protocol::Hls);
        let twice: Vec<_> = loaded(&world).into_iter().filter(|(_, times)| *times > 1).collect();
        assert_eq!(twice, [], "{protocol:?}");
        assert_played(&world, film.duration);
        assert_eq!((world.stats().stalls.len(), world.stats().bytes_wasted), (0, 0));
    }
}

#[test]
fn choices_outlive_the_names_that_readers_make() {
    for protocol in BOTH {
        let film = film(protocol);
        let mut world = begun(&film, 5_000);
        let snapshot = world.snapshot();
        let chosen = snapshot.qualities.iter().find(|quality| quality.height == Some(480)).unwrap().id.clone();
        world.command(Command::SelectQuality(QualityChoice::Representation(chosen.clone())));
        let german = snapshot.tracks.iter().find(|track| track.language.as_deref() == Some("de")).unwrap().id.clone();
        world.command(Command::SelectAudio(TrackChoice::Track(german.clone())));
        world.run_for(seconds(10));
        let before = world.snapshot();
        let number = world.events().len();
        renew(&mut world, &relisted(&film, Relisting { order: Some(3), ..Relisting::default() }));
        world.run_for(seconds(10));
        let after = world.snapshot();
        assert_eq!(after.quality_choice, Some(QualityChoice::Representation(chosen.clone())));
        let selected = |kind| {
            let tracks = after.tracks.iter().filter(|track| track.kind == kind && track.selected);
            tracks.map(|track| track.id.0.clone()).collect::<Vec<_>>()
        };
        assert_eq!(selected(MediaKind::Audio), [german.0]);
        let by_id = |snapshot: &player_core::Snapshot| {
            let qualities =
                snapshot.qualities.iter().map(|quality| (quality.id.clone(), quality.height, quality.shown));
            qualities.collect::<Vec<_>>()
        };
        assert_eq!(by_id(&after), by_id(&before), "{protocol:?}");
        assert_eq!(world.run_until_end(MINUTE * 5), Outcome::Ended);
        let later = &world.events()[number..];
        let switched = later.iter().any(|entry| matches!(entry.event, Event::QualityChanged { .. }));
        assert!(!switched, "{protocol:?}: what is shown stays what was chosen");
        assert!(later.iter().all(|entry| match &entry.event {
            Event::SegmentLoaded { kind: MediaKind::Video, representation, .. } => *representation == chosen,
            _ => true,
        }));
    }
}

#[test]
fn what_is_excluded_stays_excluded() {
    for protocol in BOTH {
        let film = film(protocol);
        let broken = Fault::new("/v/1080p/", Effect::Status(404)).of(FetchKind::Segment);
        let mut world = world(&film, fast(), vec![broken]);
        world.load();
        world.run_for(seconds(15));
        let struck = world.faults_fired().len();
        assert!(struck > 0, "{protocol:?}: the best quality was tried");
        let available = |world: &World| {
            let snapshot = world.snapshot();
            snapshot
                .qualities
                .iter()
                .filter(|quality| quality.available)
                .map(|quality| quality.id.clone())
                .collect::<Vec<_>>()
        };
        let before = available(&world);
        assert_eq!(before.len(), 4);
        renew(&mut world, &relisted(&film, Relisting { order: Some(9), ..Relisting::default() }));
        world.run_for(millis(500));
        assert_eq!((available(&world), world.faults_fired().len()), (before, struck), "{protocol:?}");
    }
}

#[test]
fn a_refresh_that_fails_is_a_warning() {
    for protocol in BOTH {
        for body in [Effect::Status(404), Effect::Refuse, Effect::Silence] {
            let film = film(protocol);
            let fault = Fault::new(film.manifest_path(), body.clone()).from(seconds(9));
            let mut world = world(&film, fast(), vec![fault]);
            world.load();
            world.run_for(seconds(9));
            world.refresh();
            assert_eq!(world.run_until_end(MINUTE * 5), Outcome::Ended, "{protocol:?} {body:?}");
            assert!(count(&world, |event| matches!(event, Event::Warning { .. })) > 0);
            assert_played(&world, film.duration);
            assert_eq!(world.stats().stalls.len(), 0);
        }
    }
}

#[test]
fn a_presentation_that_is_not_available_yet_begins_when_it_is() {
    let film = Film { available_from: Some("2026-01-01T00:00:30Z".to_owned()), ..film(Protocol::Dash) };
    let mut world = world(&film, fast(), Vec::new());
    world.record();
    world.load();
    world.run_for(millis(29_900));
    assert_eq!(requests(&world, FetchKind::Segment).len() + requests(&world, FetchKind::Init).len(), 0);
    assert_eq!(world.snapshot().state, State::Loading);
    assert_eq!(count(&world, |event| matches!(event, Event::Warning { .. })), 1, "it says why");
    world.run_for(seconds(3));
    assert_eq!(world.snapshot().state, State::Ready);
    assert_eq!(world.run_until_end(MINUTE * 5), Outcome::Ended);
}

#[test]
fn a_refresh_before_a_presentation_is_available_does_not_make_it_so() {
    let film = Film { available_from: Some("2026-01-01T00:00:30Z".to_owned()), ..film(Protocol::Dash) };
    let mut world = begun(&film, 5000);
    renew(&mut world, &film);
    world.run_for(seconds(1));
    // The streams forget that they wait, and ask again whether there is anything.
    world.command(Command::Seek { to: MediaTime::from_millis(20_000), mode: SeekMode::Exact });
    world.run_for(seconds(23));
    assert_eq!(requests(&world, FetchKind::Manifest).len(), 2);
    assert_eq!(requests(&world, FetchKind::Segment).len() + requests(&world, FetchKind::Init).len(), 0);
    world.run_for(seconds(4));
    assert_eq!(world.snapshot().state, State::Ready);
}

#[test]
fn a_wall_clock_that_is_set_ends_the_wait() {
    let film = Film { available_from: Some("2026-01-01T01:00:00Z".to_owned()), ..film(Protocol::Dash) };
    let mut world = world(&film, fast(), Vec::new());
    world.record();
    world.load();
    world.run_for(seconds(5));
    assert_eq!(requests(&world, FetchKind::Init).len(), 0);
    // A clock that was never set counts for nothing.
    world.set_utc(WallClock::from_unix_nanos(0));
    world.run_for(seconds(5));
    assert_eq!(requests(&world, FetchKind::Init).len(), 0);
    world.set_utc(WallClock::from_unix_nanos(1_767_229_200_000_000_000));
    world.run_for(seconds(5));
    assert_eq!(world.snapshot().state, State::Ready);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 8))]

    /// Any number of reloads at any time, each in another order and without more of the beginning.
    #[test]
    fn reloads_at_any_time_disturb_nothing(
        is_hls in any::<bool>(),
        is_nameless in any::<bool>(),
        reloads in proptest::collection::vec((200_u64..20_000, any::<u64>(), 0_u64..4), 1..5),
    ) {
        let protocol = if is_hls { Protocol::Hls } else { Protocol::Dash };
        let film = film(protocol);
        let mut world = begun(&relisted(&film, Relisting { is_nameless, ..Relisting::default() }), 200);
        audit_in_long_runs(&mut world);
        for (after, seed, removed) in reloads {
            if !world.is_alive() || count(&world, |event| matches!(event, Event::Ended)) > 0 {
                break;
            }
            world.run_for(millis(after));
            let seconds = world.snapshot().position.as_secs_f64();
            // What is removed lies wholly before the playhead.
            let removed_segments = (seconds / 12.0) as u64 * removed / 4 * 2;
            let removed_periods = (seconds / 20.0) as u32 * (removed > 1) as u32;
            let relisting = Relisting { order: Some(seed), removed_segments, removed_periods, is_nameless };
            renew(&mut world, &relisted(&film, relisting));
        }
        prop_assert_eq!(world.run_until_end(MINUTE * 10), Outcome::Ended);
        assert_undisturbed(&world, &film);
    }
}
