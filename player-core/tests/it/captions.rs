//! Captions inside the pictures: found, chosen, seeked in, and through changes of quality.

use player_core::engine::io::{FetchKind, Output};
use player_core::model::{MediaKind, Protocol, Role, TrackId};
use player_core::sim::{Captions, Effect, Fault, Film, Outcome, World, replay};
use player_core::text::Cue;
use player_core::{Command, Event, MediaTime, PlayerConfig, QualityChoice, SeekMode, TrackChoice};

use crate::support::{BOTH, MINUTE, assert_played, count, fast, millis, seconds, world};

fn film(protocol: Protocol) -> Film {
    let mut film = Film::plain(protocol, MINUTE);
    film.captions = Captions::Unannounced;
    film
}

fn choice(world: &World) -> Option<TrackId> {
    let snapshot = world.snapshot();
    let mut captions = snapshot.tracks.iter().filter(|track| track.roles == [Role::Caption]);
    captions.next().map(|track| track.id.clone())
}

fn choose(world: &mut World) {
    let id = choice(world).expect("captions are listed");
    world.command(Command::SelectText(TrackChoice::Track(id)));
}

fn at(world: &World, time: i64) -> Vec<String> {
    world.snapshot().cues_at(MediaTime::from_millis(time)).iter().map(Cue::plain_text).collect()
}

fn selected(world: &World) -> usize {
    let snapshot = world.snapshot();
    snapshot.tracks.iter().filter(|track| track.kind == MediaKind::Text && track.selected).count()
}

#[test]
fn captions_that_nobody_announced_are_listed_once_heard_and_shown_once_chosen() {
    for protocol in BOTH {
        let mut world = world(&film(protocol), fast(), Vec::new());
        world.load();
        world.run_for(seconds(10));
        assert!(world.snapshot().cues.is_empty(), "captions are off unless wanted");
        let requests = world.stats().requests;
        choose(&mut world);
        assert_eq!(world.stats().requests, requests, "choosing them fetches nothing");
        assert_eq!(selected(&world), 1);
        for segment in 0..3 {
            assert!(at(&world, segment * 4000 + 499).is_empty());
            assert_eq!(at(&world, segment * 4000 + 500), [format!("{segment:02}")]);
            assert_eq!(at(&world, segment * 4000 + 2499), [format!("{segment:02}")]);
            assert!(at(&world, segment * 4000 + 2500).is_empty());
        }
        world.command(Command::SelectText(TrackChoice::Off));
        assert!(world.snapshot().cues.is_empty() && selected(&world) == 0);
        choose(&mut world);
        assert_eq!(at(&world, 9000), ["02"]);
        assert_eq!(world.run_until_end(MINUTE * 2), Outcome::Ended);
        assert_played(&world, MINUTE);
        assert_eq!(at(&world, 57_000), ["14"]);
        assert_eq!(count(&world, |event| matches!(event, Event::Warning { .. })), 0);
    }
}

#[test]
fn another_language_is_heard_while_captions_are_shown() {
    for protocol in BOTH {
        let film = Film { captions: Captions::Unannounced, ..Film::new(protocol, MINUTE).voices(&["en", "de"]) };
        let mut world = world(&film, fast(), Vec::new());
        world.load();
        world.run_for(seconds(10));
        choose(&mut world);
        let snapshot = world.snapshot();
        let german = snapshot.tracks.iter().find(|track| track.language.as_deref() == Some("de")).unwrap();
        world.command(Command::SelectAudio(TrackChoice::Track(german.id.clone())));
        let heard =
            world.snapshot().tracks.iter().find(|track| track.kind == MediaKind::Audio && track.selected).cloned();
        assert_eq!(heard.and_then(|track| track.language).as_deref(), Some("de"), "{protocol:?}");
        assert_eq!(selected(&world), 1, "{protocol:?}");
        assert_eq!(world.run_until_end(MINUTE * 2), Outcome::Ended);
        assert_played(&world, MINUTE);
    }
}

#[test]
fn what_was_seen_long_ago_is_forgotten() {
    let mut film = film(Protocol::Dash);
    film.duration = MINUTE * 10;
    let mut world = world(&film, fast(), Vec::new());
    world.load();
    world.run_for(seconds(10));
    choose(&mut world);
    let outcome = world.run_until(seconds(500), |world| world.snapshot().cues.len() >= 40);
    assert_eq!(outcome, Outcome::TimeUp, "{} cues are held", world.snapshot().cues.len());
}

#[test]
fn seeks_forget_what_was_on_screen_and_find_what_is() {
    for protocol in BOTH {
        let mut film = film(protocol);
        film.duration = MINUTE * 10;
        let mut world = world(&film, fast(), Vec::new());
        world.load();
        world.run_for(seconds(10));
        choose(&mut world);
        for target in [300_000, 41_000, 585_000] {
            world.command(Command::Seek { to: MediaTime::from_millis(target), mode: SeekMode::Exact });
            world.run_for(seconds(2));
            let segment = target / 4000;
            assert_eq!(at(&world, segment * 4000 + 1000), [format!("{:02}", segment % 100)]);
            let cues = world.snapshot().cues.clone();
            assert!(cues.iter().all(|cue| cue.start.as_nanos() >= (segment - 1) * 4_000_000_000), "{cues:?}");
        }
    }
}

#[test]
fn changes_of_quality_and_repeated_requests_show_every_caption_once() {
    for protocol in BOTH {
        let faults = vec![Fault::new("/v/", Effect::Truncate(600)).of(FetchKind::Segment).times(6)];
        let mut world = world(&film(protocol), fast(), faults);
        world.load();
        world.run_for(seconds(6));
        choose(&mut world);
        for quality in ["240p", "1080p", "480p"] {
            world.command(Command::SelectQuality(QualityChoice::Representation(quality.into())));
            world.run_for(seconds(7));
            let cues = world.snapshot().cues.clone();
            let starts: Vec<i64> = cues.iter().map(|cue| cue.start.as_nanos() / 1_000_000).collect();
            assert!(starts.windows(2).all(|two| two[0] < two[1]), "{starts:?}");
            assert!(starts.iter().all(|start| start % 4000 == 500), "{starts:?}");
        }
        assert_eq!(world.run_until_end(MINUTE * 3), Outcome::Ended);
        assert_eq!(at(&world, 57_000), ["14"]);
    }
}

#[test]
fn announced_captions_follow_the_wanted_language() {
    for protocol in BOTH {
        let mut film = Film::new(protocol, MINUTE);
        film.captions = Captions::Announced("en".into());
        let mut world = world(&film, fast(), Vec::new());
        let mut request = world.request();
        request.text_languages = vec!["de".into(), "en-GB".into()];
        world.command(Command::Load(request));
        world.run_for(seconds(10));
        assert_eq!(at(&world, 1000), ["00"]);
        assert_eq!(selected(&world), 1);
        let snapshot = world.snapshot();
        let track = snapshot.tracks.iter().find(|track| track.kind == MediaKind::Text).expect("listed");
        assert_eq!((track.language.as_deref(), track.roles.as_slice()), (Some("en"), [Role::Caption].as_slice()));
    }
}

#[test]
fn subtitles_in_the_wanted_language_come_before_captions_and_go_when_captions_are_chosen() {
    let mut film = Film::new(Protocol::Hls, MINUTE);
    film.captions = Captions::Announced("en".into());
    film.subtitles = vec!["de".into(), "en".into()];
    let mut world = world(&film, fast(), Vec::new());
    let mut request = world.request();
    request.text_languages = vec!["en".into()];
    world.command(Command::Load(request));
    world.run_for(seconds(10));
    assert_eq!(at(&world, 1000), ["en 0"], "subtitles in the language come first");
    choose(&mut world);
    world.run_for(millis(500));
    assert_eq!(at(&world, 1000), ["00"], "and go when captions are chosen");
    assert_eq!(selected(&world), 1);
    world.command(Command::SelectText(TrackChoice::Auto));
    world.run_for(seconds(1));
    assert_eq!(at(&world, 13_000), ["en 3"]);
    assert_eq!(selected(&world), 1);
}

#[test]
fn a_recorded_session_with_captions_replays() {
    let mut world = world(&film(Protocol::Hls), fast(), Vec::new());
    world.record();
    world.load();
    world.run_for(seconds(5));
    choose(&mut world);
    world.run_for(seconds(20));
    let (inputs, outputs) = world.recorded().expect("it was recorded");
    let again = replay(PlayerConfig::default(), inputs).expect("it can be replayed");
    assert!(again == outputs, "the outputs differ");
    let cues = outputs.iter().filter(|output| matches!(output, Output::Event(Event::CuesChanged))).count();
    assert!(cues > 0);
}

#[test]
fn captions_that_the_manifest_denies_are_not_looked_for() {
    let mut film = Film::new(Protocol::Hls, MINUTE);
    film.captions = Captions::Denied;
    let mut world = world(&film, fast(), Vec::new());
    world.load();
    world.run_for(seconds(10));
    assert_eq!(choice(&world), None);
}

#[test]
fn captions_go_with_the_pictures_that_a_seek_drops() {
    for protocol in BOTH {
        let mut world = world(&film(protocol), fast(), Vec::new());
        world.load();
        world.run_for(seconds(10));
        choose(&mut world);
        assert!(!world.snapshot().cues.is_empty());
        let changes = count(&world, |event| matches!(event, Event::CuesChanged));
        world.command(Command::Seek { to: MediaTime::from_millis(55_000), mode: SeekMode::Exact });
        assert!(world.snapshot().cues.is_empty(), "{:?}", world.snapshot().cues);
        assert!(count(&world, |event| matches!(event, Event::CuesChanged)) > changes);
    }
}
