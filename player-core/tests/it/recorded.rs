//! Whole sessions compared with a record: every request, every command to the renderer, every event and the report.
//!
//! A record pins what the engine does where no scenario asserts it. A change that means to behave differently writes it
//! anew with `KINORA_RECORD=1`, and its author reads the difference.

use std::fmt::Write as _;
use std::path::Path;

use abr::link::Trace;
use player_core::command::{QualityChoice, TrackChoice};
use player_core::engine::io::{FetchRequest, Output};
use player_core::model::{Protocol, TrackId};
use player_core::render::RenderCommand;
use player_core::sim::record;
use player_core::sim::{Addressing, Captions, Effect, Fault, Film, Lock, LockKind, Missing, World};
use player_core::{Command, MediaTime, SeekMode};

use crate::support::{MINUTE, fast, millis, seconds, two_hosts, world};

fn request(request: &FetchRequest) -> String {
    let range = request.range.map_or(String::new(), |range| {
        format!(" {}+{}", range.offset, range.length.map_or("".to_owned(), |length| length.to_string()))
    });
    let cipher = if request.cipher.is_some() { " encrypted" } else { "" };
    let resume =
        request.resume.map_or(String::new(), |resume| format!(" after {} of {}", resume.received, resume.fetch.0));
    format!(
        "fetch {} {:?} {}{range}{cipher}{resume} within {:?} and {:?}",
        request.id.0, request.kind, request.url, request.first_byte_timeout, request.stall_timeout
    )
}

fn render(command: &RenderCommand) -> String {
    match command {
        RenderCommand::Append { track, samples, epoch } => {
            let keys = samples.iter().filter(|sample| sample.key).count();
            let first = samples.iter().map(|sample| sample.pts).min();
            let last = samples.iter().map(player_core::container::Sample::end).max();
            format!("append {epoch:?} {track:?} {} samples, {keys} keys, {first:?} to {last:?}", samples.len())
        }
        RenderCommand::Configure { track, config, window, epoch } => {
            format!("configure {epoch:?} {track:?} {} {window:?}", config.codec_string)
        }
        other => format!("{other:?}"),
    }
}

/// Returns all that a session did, a line each, and its report.
pub(super) fn log(world: &World) -> String {
    let (_, outputs) = world.recorded().unwrap();
    let mut log = world.events().iter();
    let mut out = String::new();
    for output in outputs {
        match output {
            Output::Fetch(found) => writeln!(out, "{}", request(found)),
            Output::Cancel(id) => writeln!(out, "cancel {}", id.0),
            Output::Render(command) => writeln!(out, "{}", render(command)),
            Output::Event(_) => {
                let entry = log.next().unwrap();
                let event = serde_json::to_string(&entry.event).unwrap();
                writeln!(out, "{:?} at {:?}: {event}", entry.at, entry.position)
            }
        }
        .unwrap();
    }
    let mut stats = serde_json::to_value(world.stats()).unwrap();
    // The size of structures is not the same on every machine.
    assert!(stats.as_object_mut().unwrap().remove("memory").is_some());
    writeln!(out, "{stats:#}").unwrap();
    out
}

#[track_caller]
fn compare(name: &str, world: &World) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded").join(format!("{name}.txt"));
    record::compare(&path, &log(world));
}

/// Small segments keep the record short.
fn film(protocol: Protocol, length: u64) -> Film {
    Film::new(protocol, seconds(length)).voices(&["en", "de"])
}

fn run(mut world: World) -> World {
    world.record();
    world.load();
    world.run_until_end(MINUTE * 10);
    world
}

fn at(time: u64, commands: &mut World, command: Command) {
    commands.at(millis(time), command);
}

fn to(time: i64, mode: SeekMode) -> Command {
    Command::Seek { to: MediaTime::from_millis(time), mode }
}

#[test]
fn a_viewer_who_tries_everything() {
    let mut film = film(Protocol::Hls, 80);
    film.subtitles = vec!["en".to_owned(), "fr".to_owned()];
    film.captions = Captions::Announced("en".to_owned());
    let mut world = world(&film, fast(), Vec::new());
    at(3_000, &mut world, Command::SetRate(1.5));
    at(5_000, &mut world, to(40_500, SeekMode::Exact));
    at(7_000, &mut world, Command::Pause);
    at(8_000, &mut world, Command::SelectAudio(TrackChoice::Track(TrackId("audio-de".to_owned()))));
    at(9_000, &mut world, Command::SelectText(TrackChoice::Track(TrackId("text-fr".to_owned()))));
    at(10_000, &mut world, Command::Play);
    at(14_000, &mut world, Command::SelectQuality(QualityChoice::MaxHeight(360)));
    at(16_000, &mut world, Command::SeekBy { millis: -9_000, mode: SeekMode::Keyframe });
    at(18_000, &mut world, Command::SetMaxBitrate(Some(900_000)));
    at(20_000, &mut world, Command::SelectText(TrackChoice::Off));
    at(21_000, &mut world, Command::SetBufferGoal(seconds(8)));
    at(22_000, &mut world, Command::SelectAudio(TrackChoice::Off));
    at(24_000, &mut world, Command::SelectAudio(TrackChoice::Auto));
    at(26_000, &mut world, Command::SelectQuality(QualityChoice::Auto));
    at(27_000, &mut world, Command::SetMaxBitrate(None));
    at(28_000, &mut world, to(79_990, SeekMode::Exact));
    compare("viewer", &run(world));
}

#[test]
fn a_link_that_rises_falls_and_stops() {
    let trace =
        "duration_ms,bandwidth_kbps,latency_ms\n9000,6000,40\n8000,900,80\n6000,300,200\n4000,0,0\n60000,4000,40\n";
    for (name, protocol) in [("link-hls", Protocol::Hls), ("link-dash", Protocol::Dash)] {
        let film = film(protocol, 72);
        compare(name, &run(world(&film, Trace::parse(trace).unwrap(), Vec::new())));
    }
}

#[test]
fn servers_that_fail_and_files_that_are_damaged() {
    let faults = || {
        vec![
            Fault::new("http://one", Effect::Refuse).from(seconds(12)).until(seconds(40)),
            Fault::new("/3.m4s", Effect::Truncate(500)).times(2),
            Fault::new("/4.m4s", Effect::Busy(503, seconds(2))).times(1),
            Fault::new("/6.m4s", Effect::Stall(300)).times(1),
            Fault::new("/7.m4s", Effect::Corrupt(400)).times(3),
            Fault::new("/9.m4s", Effect::Status(404)),
            Fault::new("/11.m4s", Effect::Html).times(2),
            Fault::new("/13.m4s", Effect::Reset).times(3),
        ]
    };
    for (name, protocol) in [("faults-hls", Protocol::Hls), ("faults-dash", Protocol::Dash)] {
        let film = film(protocol, 72);
        compare(name, &run(two_hosts(&film, fast(), faults())));
    }
}

#[test]
fn pathways_that_are_steered() {
    let mut film = film(Protocol::Hls, 60);
    film.pathways = vec!["one".to_owned(), "two".to_owned()];
    film.steering = Some(
        r#"{"VERSION":1,"TTL":15,"PATHWAY-PRIORITY":["two","one"],"PATHWAY-CLONES":[{"BASE-ID":"one","ID":"three","URI-REPLACEMENT":{"HOST":"two"}}]}"#
            .to_owned(),
    );
    let faults = vec![Fault::new("http://two", Effect::Silence).from(seconds(20)).until(seconds(30))];
    compare("pathways", &run(two_hosts(&film, fast(), faults)));
}

#[test]
fn periods_gaps_events_and_an_end_without_audio() {
    let mut dash = film(Protocol::Dash, 72);
    dash.periods = 3;
    dash.remote_period = true;
    dash.audio_short = seconds(3);
    dash.events = vec![(seconds(2), seconds(1)), (seconds(11), millis(500))];
    dash.missing = vec![Missing { pictures: true, from: seconds(30), until: seconds(31) }];
    dash.media_offset = seconds(7);
    let mut session = world(&dash, fast(), Vec::new());
    at(20_000, &mut session, to(65_000, SeekMode::Keyframe));
    at(22_000, &mut session, to(10_000, SeekMode::Keyframe));
    compare("periods", &run(session));
    let mut hls = film(Protocol::Hls, 60);
    hls.gaps = vec![("720p".to_owned(), 5), ("en".to_owned(), 8)];
    hls.authored_start = Some(-45.0);
    hls.missing = vec![Missing { pictures: false, from: seconds(41), until: seconds(44) }];
    compare("gaps", &run(world(&hls, fast(), Vec::new())));
}

#[test]
fn keys_that_rotate_and_one_that_is_lacking() {
    for (name, protocol) in [("keys-hls", Protocol::Hls), ("keys-dash", Protocol::Dash)] {
        let mut film = film(protocol, 60);
        film.ladder.iter_mut().for_each(|rung| rung.bitrate /= 80);
        film.voices.iter_mut().for_each(|voice| voice.bitrate /= 8);
        film.locks = [(0, [0x11; 16]), (4, [0x22; 16]), (9, [0x33; 16])]
            .map(|(first, key)| Lock { first, kind: LockKind::Samples, key })
            .into();
        film.licence_server = true;
        film.licence_lacks = vec![2];
        let faults = vec![Fault::new("key", Effect::Delay(seconds(3))).times(1)];
        compare(name, &run(world(&film, fast(), faults)));
    }
}

#[test]
fn files_of_the_real_container_with_both_tracks() {
    let mut film = Film::new(Protocol::Dash, seconds(40)).muxed(true);
    film.real_bytes = true;
    film.event_messages = true;
    let mut session = world(&film, fast(), vec![Fault::new("/5.m4s", Effect::Truncate(700)).times(1)]);
    at(6_000, &mut session, to(25_300, SeekMode::Exact));
    compare("muxed", &run(session));
    let ranges =
        Film::new(Protocol::Hls, seconds(40)).voices(&["en"]).addressed(Addressing::Indexed, Addressing::Listed);
    compare("ranges", &run(world(&ranges, fast(), vec![Fault::new("/3.m4s", Effect::WholeFile).times(2)])));
}
