//! Languages: chosen at the start and changed in mid-play.

use abr::link::Trace;
use player_core::engine::io::Output;
use player_core::model::{MediaKind, Protocol, TrackId};
use player_core::render::RenderCommand;
use player_core::sim::{Film, Outcome, World};
use player_core::{Command, Event, MediaTime, State, TrackChoice};

use crate::support::{BOTH, MINUTE, assert_played, count, fast, millis, play, seconds, world};

fn selected(world: &World, kind: MediaKind) -> Option<String> {
    let snapshot = world.snapshot();
    let track = snapshot.tracks.iter().find(|track| track.kind == kind && track.selected)?;
    track.language.clone()
}

fn track(world: &World, kind: MediaKind, language: &str) -> TrackId {
    let snapshot = world.snapshot();
    let found = snapshot.tracks.iter().find(|t| t.kind == kind && t.language.as_deref() == Some(language));
    found.map(|track| track.id.clone()).unwrap()
}

#[test]
fn the_wanted_language_is_chosen_at_the_start() {
    for protocol in BOTH {
        let film = Film::new(protocol, MINUTE).voices(&["en", "de", "fr"]);
        let mut world = world(&film, fast(), Vec::new());
        let mut request = world.request();
        request.audio_languages = vec!["it".into(), "de-AT".into()];
        world.command(Command::Load(request));
        assert_eq!(world.run_until_end(MINUTE * 2), Outcome::Ended);
        assert_eq!(selected(&world, MediaKind::Audio).as_deref(), Some("de"));
        let fetched = count(&world, |event| matches!(event, Event::SegmentLoaded { kind: MediaKind::Audio, .. }));
        assert_eq!(fetched, 15, "only one language is fetched");
    }
}

#[test]
fn another_language_in_mid_play_costs_no_stall_and_no_picture() {
    for protocol in BOTH {
        let film = Film::new(protocol, MINUTE).voices(&["en", "de"]);
        let mut world = world(&film, fast(), Vec::new());
        world.load();
        world.run_for(seconds(20));
        let german = track(&world, MediaKind::Audio, "de");
        world.command(Command::SelectAudio(TrackChoice::Track(german)));
        assert_eq!(selected(&world, MediaKind::Audio).as_deref(), Some("de"));
        assert_eq!(world.run_until_end(MINUTE * 2), Outcome::Ended, "{protocol:?}");
        assert_eq!(world.stats().stalls, [], "{protocol:?}");
        assert_eq!(world.stats().frames.presented, 60 * 24);
        assert!(world.stats().bytes_wasted > 0, "the old language was dropped unheard");
        assert_played(&world, MINUTE);
    }
}

#[test]
fn sound_can_be_turned_off_and_on_again() {
    let film = Film::new(Protocol::Dash, MINUTE);
    let mut world = world(&film, fast(), Vec::new());
    world.load();
    world.run_for(seconds(10));
    world.command(Command::SelectAudio(TrackChoice::Off));
    world.run_for(seconds(10));
    assert_eq!(selected(&world, MediaKind::Audio), None);
    assert_eq!(world.snapshot().state, State::Ready);
    world.command(Command::SelectAudio(TrackChoice::Auto));
    world.run_for(seconds(5));
    assert_eq!(selected(&world, MediaKind::Audio).as_deref(), Some("en"));
    assert_eq!(world.run_until_end(MINUTE * 2), Outcome::Ended);
    assert_eq!(world.stats().stalls, []);
    assert_played(&world, MINUTE);
}

#[test]
fn subtitles_come_when_wanted_and_follow_seeks() {
    let mut film = Film::new(Protocol::Hls, MINUTE);
    film.subtitles = vec!["en".into(), "de".into()];
    let mut world = world(&film, fast(), Vec::new());
    let mut request = world.request();
    request.text_languages = vec!["de".into()];
    world.command(Command::Load(request));
    world.run_for(seconds(10));
    let at = |world: &World, millis| {
        let cues = world.snapshot().cues_at(MediaTime::from_millis(millis));
        cues.iter().map(player_core::text::Cue::plain_text).collect::<Vec<_>>()
    };
    assert_eq!(at(&world, 5000), ["de 1"]);
    assert_eq!(at(&world, 6500), Vec::<String>::new());
    let english = track(&world, MediaKind::Text, "en");
    world.command(Command::SelectText(TrackChoice::Track(english)));
    world.run_for(seconds(1));
    assert_eq!(at(&world, 13_000), ["en 3"]);
    world.command(Command::Seek { to: MediaTime::from_millis(50_000), mode: player_core::SeekMode::Exact });
    world.run_for(seconds(1));
    assert_eq!(at(&world, 53_000), ["en 13"]);
    world.command(Command::SelectText(TrackChoice::Off));
    assert!(world.snapshot().cues.is_empty());
    assert_eq!(world.run_until_end(MINUTE), Outcome::Ended);
}

#[test]
fn subtitles_that_cannot_be_had_cost_a_warning_and_nothing_else() {
    let mut film = Film::new(Protocol::Hls, MINUTE);
    film.subtitles = vec!["en".into()];
    let fault = player_core::sim::Fault::new("/t/", player_core::sim::Effect::Status(404));
    let mut world = world(&film, fast(), vec![fault]);
    let mut request = world.request();
    request.text_languages = vec!["en".into()];
    world.command(Command::Load(request));
    assert_eq!(world.run_until_end(MINUTE * 2), Outcome::Ended);
    assert!(count(&world, |event| matches!(event, Event::Warning { .. })) > 0);
    assert_eq!(world.stats().stalls, []);
}

#[test]
fn the_first_language_is_listed_with_the_others() {
    let film = Film::new(Protocol::Dash, MINUTE).voices(&["en", "de"]);
    let mut world = world(&film, fast(), Vec::new());
    play(&mut world);
    let snapshot = world.snapshot();
    let languages: Vec<_> = snapshot.tracks.iter().filter_map(|track| track.language.as_deref()).collect();
    assert_eq!(languages, ["en", "de"]);
    assert_eq!(snapshot.qualities.len(), 5);
}

#[test]
fn nothing_of_another_language_is_handed_out_before_the_old_one_ends() {
    for protocol in BOTH {
        let film = Film::new(protocol, MINUTE).voices(&["en", "de"]);
        let mut world = world(&film, Trace::constant(3_000, millis(200)), Vec::new());
        world.record();
        world.load();
        world.run_for(seconds(10));
        let before = world.recorded().unwrap_or_default().1.len();
        let german = track(&world, MediaKind::Audio, "de");
        world.command(Command::SelectAudio(TrackChoice::Track(german)));
        world.run_for(seconds(10));
        let audio = |output: &Output| match output {
            Output::Render(RenderCommand::FlushTrack { track: MediaKind::Audio, .. }) => Some("flush"),
            Output::Render(RenderCommand::Append { track: MediaKind::Audio, .. }) => Some("samples"),
            _ => None,
        };
        let outputs = world.recorded().unwrap_or_default().1.get(before..).unwrap_or_default();
        let given: Vec<&str> = outputs.iter().filter_map(audio).collect();
        assert_eq!(given.first(), Some(&"flush"), "{protocol:?}: {given:?}");
        assert_eq!(given.iter().filter(|given| **given == "flush").count(), 1, "{protocol:?}: {given:?}");
        assert!(given.contains(&"samples"), "{protocol:?}");
    }
}
