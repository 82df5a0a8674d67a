//! Sound with several rates: it follows the link without ever costing a picture, seldom changes, and is heard only with
//! the pictures that the manifest puts it together with.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use abr::link::{Row, Trace};
use abr::{Context, Decision, InFlight, Reason, Rule, Transfer, Verdict};
use player_core::model::Protocol;
use player_core::sim::{Addressing, Film, Missing, Outcome, Shape, Sounds, World};
use player_core::{Command, PlayerConfig, QualityChoice};

use crate::support::{HOUR, MINUTE, assert_played, fast, millis, play, requests, seconds};

const RATES: [u64; 3] = [64_000, 128_000, 256_000];

/// Rows of seconds and kilobits a second.
fn link(rows: &[(u64, u64)]) -> Trace {
    let row = |&(length, kbps): &(u64, u64)| Row {
        duration: seconds(length),
        bandwidth_bps: kbps * 1000,
        latency: millis(40),
    };
    Trace::from_rows(rows.iter().map(row).collect()).unwrap()
}

/// Segments of video and audio share their borders and are files that are numbered from zero: each has one counterpart.
fn aligned(protocol: Protocol, length: Duration) -> Film {
    let mut film = Film::new(protocol, length);
    film.shape = Shape { uneven: false, first_number: 0, first_audio_number: 0, ..film.shape };
    film.addressed(Addressing::Files, Addressing::Files)
}

fn film(protocol: Protocol, length: Duration) -> Film {
    Film { sounds: Sounds::new(&RATES), ..aligned(protocol, length) }
}

fn world(film: &Film, trace: Trace, config: PlayerConfig) -> World {
    let mut world = World::new(config, film, &["edge"], trace, Vec::new()).unwrap();
    world.record();
    world
}

/// The files of each segment as last asked for: rung of the pictures and rate of the sound, by the segment's number.
fn fetched(world: &World) -> (Vec<String>, Vec<u64>) {
    let (mut pictures, mut sound): (Vec<String>, Vec<u64>) = Default::default();
    for request in requests(world) {
        let path: Vec<&str> = request.url.path().split('/').collect();
        let ["", "film", kind, name, file] = path[..] else { continue };
        let Some(number) = file.strip_suffix(".m4s").and_then(|number| number.parse::<usize>().ok()) else { continue };
        if kind == "v" {
            pictures.truncate(number);
            pictures.push(name.to_owned());
        } else {
            sound.truncate(number);
            sound.push(name.rsplit('-').next().and_then(|rate| rate.parse().ok()).unwrap());
        }
    }
    (pictures, sound)
}

fn changes<T: PartialEq>(list: &[T]) -> usize {
    list.windows(2).filter(|pair| pair[0] != pair[1]).count()
}

#[test]
fn sound_follows_a_link_that_is_slow_then_fast_then_slow() {
    let played = |rates: &[u64]| {
        let film = Film { sounds: Sounds::new(rates), ..aligned(Protocol::Dash, MINUTE * 6) };
        let trace = link(&[(100, 560), (120, 12_000), (HOUR.as_secs(), 560)]);
        // The better sound must not cost seconds of buffer either, as it would with a budget that is used up.
        let config = PlayerConfig { buffer_bytes: 64 << 20, ..PlayerConfig::default() };
        let mut world = world(&film, trace, config);
        world.load();
        assert_eq!(world.run_until_end(HOUR), Outcome::Ended);
        world
    };
    let (world, least) = (played(&RATES), played(&RATES[..1]));
    assert_eq!(world.stats().stalls, least.stats().stalls, "sound never stalls the pictures");
    let (pictures, sound) = fetched(&world);
    let low = |list: &[String]| list.iter().filter(|name| *name == "240p").count();
    assert!(low(&pictures) <= low(&fetched(&least).0) + 1, "nor does it keep them low: {pictures:?}");
    assert_eq!((pictures.len(), sound.len()), (90, 90));
    assert_eq!(sound[5..20], [64_000; 15], "a slow link is for the pictures");
    assert_eq!(sound[45], 256_000, "a fast one has room for both");
    assert_eq!(sound[89], 64_000, "{sound:?}");
    assert!(changes(&sound) <= 4, "changes are heard: {sound:?}");
}

#[test]
fn a_fast_link_is_heard_soon_and_once() {
    let film = film(Protocol::Dash, MINUTE * 3);
    let mut world = world(&film, fast(), PlayerConfig::default());
    world.load();
    assert_eq!(world.run_until_end(HOUR), Outcome::Ended);
    let (_, sound) = fetched(&world);
    assert_eq!(sound[0], 64_000, "nothing is known");
    assert_eq!((sound[4], changes(&sound)), (256_000, 1), "{sound:?}");
}

#[test]
fn what_is_known_of_the_network_is_heard_from_the_beginning() {
    let film = film(Protocol::Dash, MINUTE);
    for (hint, rate) in [(500_000, 64_000), (20_000_000, 256_000)] {
        let config = PlayerConfig { bandwidth_hint_bps: Some(hint), ..PlayerConfig::default() };
        let mut world = world(&film, fast(), config);
        world.load();
        world.run_for(seconds(3));
        assert_eq!(fetched(&world).1[0], rate);
    }
}

#[test]
fn a_data_saver_bounds_pictures_and_sound_together() {
    for (total, protocol) in
        [700_000, 1_700_000, 3_300_000].into_iter().flat_map(|total| [(total, Protocol::Dash), (total, Protocol::Hls)])
    {
        let film = film(protocol, MINUTE * 3);
        let config = PlayerConfig { max_bitrate_bps: Some(total), ..PlayerConfig::default() };
        let mut world = world(&film, fast(), config);
        world.load();
        assert_eq!(world.run_until_end(HOUR), Outcome::Ended);
        let (pictures, sound) = fetched(&world);
        for (name, sound) in pictures.iter().zip(&sound) {
            let rate = film.ladder.iter().find(|rung| rung.id == *name).unwrap().bitrate;
            assert!(rate + sound <= total, "{protocol:?} {total}: {rate} and {sound}");
        }
        let highest = |rate: u64| film.ladder.iter().rfind(|rung| rung.bitrate + rate <= total).unwrap();
        assert_eq!(*pictures.last().unwrap(), highest(64_000).id, "{protocol:?} {total}: sound costs no rung");
    }
}

#[test]
fn a_data_saver_set_in_mid_play_bounds_what_is_fetched_from_then_on() {
    let film = film(Protocol::Dash, MINUTE * 5);
    let mut world = world(&film, fast(), PlayerConfig::default());
    world.load();
    world.run_for(seconds(60));
    world.command(Command::SetMaxBitrate(Some(700_000)));
    let (before, _) = fetched(&world);
    world.run_for(seconds(90));
    world.command(Command::SetMaxBitrate(None));
    let (until, _) = fetched(&world);
    assert_eq!(world.run_until_end(HOUR), Outcome::Ended);
    let (pictures, sound) = fetched(&world);
    assert_eq!((before.last().unwrap().as_str(), sound[before.len() - 1]), ("1080p", 256_000));
    let saved = before.len() + 1..until.len();
    assert!(saved.len() > 15);
    assert!(pictures[saved.clone()].iter().all(|name| name == "240p"), "{pictures:?}");
    assert!(sound[saved].iter().all(|rate| *rate == 64_000), "{sound:?}");
    assert_eq!((pictures[74].as_str(), sound[74]), ("1080p", 256_000), "it is lifted");
    assert_eq!(world.stats().stalls, []);
}

/// Every segment is heard with pictures that name its group.
#[track_caller]
fn assert_paired(film: &Film, (pictures, sound): &(Vec<String>, Vec<u64>)) {
    assert_eq!(pictures.len(), sound.len());
    for (number, (name, rate)) in pictures.iter().zip(sound).enumerate() {
        let (_, places) = film.sounds.pairs.iter().find(|(rung, _)| rung == name).unwrap();
        let place = RATES.iter().position(|known| known == rate).unwrap();
        assert!(places.contains(&place), "{name} with {rate} at {number}");
    }
}

/// The low pictures name the least sound, the top the best, those between two.
fn grouped(length: Duration) -> Film {
    let pairs = [("240p", vec![0]), ("360p", vec![0]), ("480p", vec![0, 1]), ("720p", vec![1, 2]), ("1080p", vec![2])];
    let pairs = pairs.map(|(rung, places)| (rung.to_owned(), places)).to_vec();
    Film { sounds: Sounds { rates: RATES.to_vec(), pairs }, ..aligned(Protocol::Hls, length) }
}

#[test]
fn sound_is_heard_with_pictures_that_name_its_group() {
    for rows in [
        vec![(60, 560), (60, 12_000), (HOUR.as_secs(), 700)],
        vec![(15, 9000), (6, 300)],
        vec![(20, 1900), (20, 3600), (9, 600)],
    ] {
        let film = grouped(MINUTE * 4);
        let mut world = world(&film, link(&rows), PlayerConfig::default());
        world.load();
        assert_eq!(world.run_until_end(HOUR), Outcome::Ended);
        let fetched = fetched(&world);
        assert_paired(&film, &fetched);
        assert!(changes(&fetched.0) > 1, "{rows:?}: there was something to follow");
        assert_eq!(world.stats().frames.presented, 240 * 24, "{rows:?}");
    }
}

#[test]
fn pictures_chosen_by_hand_bring_their_sound() {
    let film = grouped(MINUTE * 2);
    let mut world = world(&film, fast(), PlayerConfig::default());
    world.load();
    world.run_for(seconds(30));
    assert_eq!(world.stats().bytes_wasted, 0, "no sound is fetched before its pictures are decided on");
    let id = |world: &World, height| {
        let qualities = world.snapshot().qualities;
        qualities.iter().find(|quality| quality.height == Some(height)).map(|quality| quality.id.clone()).unwrap()
    };
    let low = id(&world, 240);
    world.command(Command::SelectQuality(QualityChoice::Representation(low)));
    world.run_for(seconds(20));
    world.command(Command::SelectQuality(QualityChoice::Auto));
    assert_eq!(world.run_until_end(HOUR), Outcome::Ended);
    let fetched = fetched(&world);
    assert_paired(&film, &fetched);
    let sounds: std::collections::BTreeSet<u64> = fetched.1.iter().copied().collect();
    assert!(sounds.contains(&64_000) && sounds.contains(&256_000), "{fetched:?}");
    assert_eq!(world.stats().stalls, []);
}

#[test]
fn where_all_groups_go_with_all_pictures_sound_is_a_choice_of_its_own() {
    let film = film(Protocol::Hls, MINUTE * 6);
    let mut world = world(&film, link(&[(100, 600), (120, 12_000), (HOUR.as_secs(), 600)]), PlayerConfig::default());
    world.load();
    assert_eq!(world.run_until_end(HOUR), Outcome::Ended);
    let (pictures, sound) = fetched(&world);
    assert_eq!((pictures.len(), sound.len()), (90, 90));
    assert_eq!((sound[15], sound[45], sound[89]), (64_000, 256_000, 64_000), "{sound:?}");
    assert!(changes(&sound) <= 4, "changes are heard: {sound:?}");
    assert_eq!(pictures[45], "1080p");
}

/// Stays on one rung of the pictures, with an estimate that the test sets, in bits per second.
struct Pinned {
    rung: usize,
    estimate: Arc<AtomicU64>,
}

impl Rule for Pinned {
    fn name(&self) -> &'static str {
        "pinned"
    }

    fn select(&mut self, _: &Context<'_>) -> Decision {
        Decision::new(self.rung, Reason::Throughput)
    }

    fn on_transfer(&mut self, _: &Transfer) {}

    fn on_progress(&mut self, _: &InFlight, _: &Context<'_>) -> Verdict {
        Verdict::Continue
    }

    fn on_seek(&mut self) {}

    fn estimate_bps(&self) -> Option<u64> {
        Some(self.estimate.load(Ordering::Relaxed))
    }
}

#[test]
fn sound_falls_at_once_only_when_the_pictures_cannot() {
    // Segments that are asked for after the link has become narrow, before the sound comes down.
    for (rung, kept) in [(0, 0), (1, 2)] {
        let film = film(Protocol::Dash, MINUTE * 3);
        let estimate = Arc::new(AtomicU64::new(20_000_000));
        let mut world = world(&film, fast(), PlayerConfig::default());
        world.load();
        world.set_rule(Box::new(Pinned { rung, estimate: Arc::clone(&estimate) }));
        world.run_for(seconds(60));
        let asked = fetched(&world).1.len();
        estimate.store(600_000, Ordering::Relaxed);
        world.run_for(seconds(30));
        let (pictures, sound) = fetched(&world);
        assert!(pictures.iter().all(|name| *name == film.ladder[rung].id), "{pictures:?}");
        assert!(world.stats().buffer_now > seconds(5), "the buffer is no reason");
        assert_eq!((sound[asked - 1], *sound.last().unwrap()), (256_000, 64_000), "{sound:?}");
        let late = sound[asked..].iter().take_while(|rate| **rate == 256_000).count();
        assert_eq!(late, kept, "rung {rung}: {:?}", &sound[asked..]);
    }
}

/// A buffer that is full with a segment in which the audio ends early: the pictures need no more, and audio of the next
/// segment has none to go with.
#[test]
fn audio_that_ends_early_waits_for_no_pictures_that_are_full() {
    for early in [29, 30, 31] {
        let mut film = film(Protocol::Hls, MINUTE);
        film.sounds.pairs = vec![("240p".to_owned(), vec![0]), ("1080p".to_owned(), vec![1, 2])];
        film.missing = vec![Missing { pictures: false, from: seconds(early), until: seconds(32) }];
        let config = PlayerConfig { buffer_goal: seconds(1), ..PlayerConfig::default() };
        let mut world = world(&film, fast(), config);
        assert_eq!(play(&mut world), Outcome::Ended);
        assert_played(&world, MINUTE);
    }
}
