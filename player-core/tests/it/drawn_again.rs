//! Drawn sessions of several loads each: ladders, periods and runs of gaps of any kind, forced subtitles, scores, every
//! number of the configuration, every command, every fault, hosts that fail for one kind of file, a wall clock that is
//! set, and a renderer that reports at odd times.

use std::fmt::Write as _;
use std::time::Duration;

use player_core::command::{LoadRequest, QualityChoice, TrackChoice};
use player_core::config::{LiveConfig, RetryPolicies, RetryPolicy};
use player_core::drm::ContentKey;
use player_core::engine::io::{FetchKind, Output};
use player_core::model::{MediaKind, Protocol, TrackId};
use player_core::render::{Epoch, RenderCommand, RenderEvent};
use player_core::sim::{Addressing, Captions, Effect, Fault, Film, Missing, Outcome, Relisting, Rung, Sounds, World};
use player_core::time::WallClock;
use player_core::{Command, ErrorCode, MediaTime, PlayerConfig, PlayerError, SeekMode};

use super::drawn::{Draw, command as usual_command, fault as usual_fault, sessions, trace};
use super::drawn_wide::{ORDERS, locks, shape};
use super::recorded::log;
use crate::support::{MINUTE, millis, requests, seconds};

const HOSTS: [&str; 4] = ["one", "two", "three", "origin"];
const LEVELS: [abr::Hdcp; 3] = [abr::Hdcp::None, abr::Hdcp::Type0, abr::Hdcp::Type1];
/// 2026-01-01T00:00:00Z, at which a world begins.
const START: i64 = 1_767_225_600;
/// Numbers that are left out: more bytes count as wasted than were received (2040); locations are asked in turns without
/// end (2045); a segment without samples is requested from the same location again (2122).
const SET_ASIDE: [u64; 3] = [2040, 2045, 2122];

fn names(all: &[&str]) -> Vec<String> {
    all.iter().map(|name| (*name).to_owned()).collect()
}

/// Returns values for some of the rungs.
fn some<T>(draw: &mut Draw, all: &[Rung], value: impl Fn(&mut Draw) -> T) -> Vec<(String, T)> {
    let mut out = Vec::new();
    for rung in all {
        if !draw.one_in(3) {
            out.push((rung.id.clone(), value(draw)));
        }
    }
    out
}

/// Draws which segments are announced as missing: runs of up to six, of the lowest, the highest or any rungs and of
/// the audio.
fn gaps(draw: &mut Draw, film: &Film) -> Vec<(String, u64)> {
    let mut rungs: Vec<String> = film.ladder.iter().map(|rung| rung.id.clone()).collect();
    match draw.below(4) {
        0 => rungs.truncate(1 + draw.below(2) as usize),
        1 => drop(rungs.drain(..rungs.len().saturating_sub(1 + draw.below(2) as usize))),
        2 => rungs.retain(|_| draw.one_in(2)),
        _ => {}
    }
    if draw.one_in(3) {
        rungs.extend(film.voices.iter().take(1 + draw.below(2) as usize).map(|voice| voice.language.clone()));
    }
    let first = draw.below(8);
    let places = first..first + draw.of(&[1, 1, 2, 3, 5, 6]);
    rungs.iter().flat_map(|rung| places.clone().map(move |place| (rung.clone(), place))).collect()
}

fn missing(draw: &mut Draw) -> Missing {
    let from = draw.below(30_000);
    let until = from + draw.of(&[40, 500, 1_700, 5_000, 11_000]);
    Missing { pictures: draw.one_in(2), from: millis(from), until: millis(until) }
}

fn ladder(draw: &mut Draw, film: &mut Film) {
    match draw.below(6) {
        0 => film.ladder.truncate(1 + draw.below(3) as usize),
        1 => drop(film.ladder.drain(..2)),
        2 => film.ladder.iter_mut().for_each(|rung| rung.bitrate /= 3),
        3 => film.ladder.insert(3, Rung { id: "480p-b".into(), bitrate: 2_100_000, size: (854, 480) }),
        _ => {}
    }
}

fn film(draw: &mut Draw) -> Film {
    let protocol = draw.of(&[Protocol::Hls, Protocol::Dash]);
    let segment = draw.of(&[2, 4, 4, 4, 6]);
    let periods = if protocol == Protocol::Dash { draw.of(&[1, 1, 2, 3, 4]) } else { 1 };
    let length = segment * periods * (16 + draw.below(24)).div_ceil(segment * periods);
    let mut film = Film::plain(protocol, seconds(length));
    film.segment = seconds(segment);
    film.periods = u32::try_from(periods).unwrap();
    film.shape = shape(draw);
    film.shape.edit_lists = draw.one_in(2);
    film.media_offset = seconds(draw.of(&[0, 0, 100, 60 * 3600]));
    ladder(draw, &mut film);
    film = film.voices(draw.of(&[&["en", "de"][..], &["en", "de", "fr"], &["fr"], &["de", "en"], &[]]));
    let addressing =
        [Addressing::Files, Addressing::Files, Addressing::Indexed, Addressing::Listed, Addressing::Unannounced];
    film = film.addressed(draw.of(&addressing), draw.of(&addressing));
    film.subtitles = names(draw.of(&[&[][..], &["en"], &["en", "fr"], &["de", "fr", "en"]]));
    film.forced = names(draw.of(&[&[][..], &["en"], &["de", "en"], &["fr"]]));
    film.captions = draw.of(&[
        Captions::None,
        Captions::None,
        Captions::Announced("en".to_owned()),
        Captions::Announced("de".to_owned()),
        Captions::Unannounced,
        Captions::Denied,
    ]);
    if draw.one_in(3) {
        film.missing = (0..1 + draw.below(3)).map(|_| missing(draw)).collect();
    }
    if draw.one_in(2) {
        film.gaps = (0..1 + draw.below(2)).flat_map(|_| gaps(draw, &film)).collect();
    }
    film.audio_short = millis(draw.of(&[0, 0, 0, 300, 3_000, 9_000]));
    if draw.one_in(4) && !film.voices.is_empty() {
        film.sounds = Sounds::new(draw.of(&[&[96_000][..], &[64_000, 128_000, 256_000], &[128_000, 384_000]]));
        film.sounds.pairs = film.ladder.iter().take(2).map(|rung| (rung.id.clone(), vec![0])).collect();
    }
    if draw.one_in(4) {
        film.locks = locks(draw, protocol);
        film.licence_lacks = (0..3).filter(|_| draw.one_in(4)).collect();
        film.locked_init = draw.one_in(2);
        film.licence_server = protocol == Protocol::Dash && !draw.one_in(4);
    }
    match protocol {
        Protocol::Hls => of_hls(draw, &mut film),
        Protocol::Dash => of_dash(draw, &mut film),
    }
    if draw.one_in(9) {
        film.duration = film.segment * 4 * film.periods;
        film.real_bytes = true;
        film.event_messages = draw.one_in(2);
        // Decoding times of real bytes begin at zero or later.
        film.media_offset = film.media_offset.max(seconds(100));
        (film.gaps, film.missing, film.locks, film.captions) = <_>::default();
        if draw.one_in(2) && !film.ladder.is_empty() {
            film.sounds = Sounds::default();
            film = film.muxed(draw.one_in(2));
        }
    }
    film
}

fn of_hls(draw: &mut Draw, film: &mut Film) {
    let ladder = film.ladder.clone();
    film.stable_ids = draw.one_in(2);
    match draw.below(4) {
        0 => film.scores = some(draw, &ladder, |draw| draw.of(&[0.0, 1.0, 1.0, 2.5, 9.0])),
        1 => film.scores = ladder.iter().zip(0_u8..).map(|(rung, place)| (rung.id.clone(), f64::from(place))).collect(),
        _ => {}
    }
    if draw.one_in(2) {
        film.hdcp_levels = some(draw, &ladder, |draw| draw.of(&["TYPE-1", "TYPE-0", "NONE", "TYPE-9"]).to_owned());
    }
    match draw.below(4) {
        0 | 1 => {
            film.pathways = names(draw.of(&[&["one", "two"][..], &["two", "one", "three"], &["three"]]));
            film.steering = draw.one_in(2).then(|| draw.of(&ORDERS).to_owned());
        }
        2 => film.rendition_host = Some(draw.of(&HOSTS).to_owned()),
        _ => {}
    }
    film.authored_start = draw.of(&[None, None, Some(0.0), Some(7.9), Some(-4.0), Some(-99.0)]);
    film.media_start = draw.of(&[None, None, Some(3.2), Some(-6.0)]);
}

fn of_dash(draw: &mut Draw, film: &mut Film) {
    film.remote_period = draw.one_in(2);
    // Files of audio would lack their initialisation data.
    film.at_once = film.shape.audio != Addressing::Files && draw.one_in(5);
    film.events = (0..draw.below(4)).map(|_| (millis(draw.below(30_000)), millis(draw.below(9_000)))).collect();
    film.available_from = draw.of(&[
        None,
        None,
        Some("2026-01-01T00:00:20Z".to_owned()),
        Some("2026-01-01T00:01:30Z".to_owned()),
        Some("2025-12-31T23:00:00Z".to_owned()),
    ]);
    if draw.one_in(12) {
        film.ladder.clear();
        if film.voices.is_empty() {
            *film = film.clone().voices(&["en"]);
        }
    }
}

/// Returns the film as its manifest is written at another time.
fn relisted(draw: &mut Draw, film: &Film) -> Film {
    let relisting = Relisting {
        order: draw.one_in(2).then(|| draw.below(1000)),
        removed_segments: draw.of(&[0, 1, 2, 4]),
        removed_periods: if draw.one_in(3) { film.periods - 1 } else { 0 },
        is_nameless: draw.one_in(3),
    };
    let mut film = Film { relisting, ..film.clone() };
    if draw.one_in(3) && film.ladder.len() > 1 {
        drop(film.ladder.remove(draw.below(film.ladder.len() as u64) as usize));
    }
    if draw.one_in(4) {
        film.available_from = Some("2026-01-01T00:00:40Z".to_owned());
    }
    film
}

fn effect(draw: &mut Draw) -> Effect {
    match draw.below(14) {
        0 => Effect::Untrusted,
        1 => Effect::StallAt { after_bytes: draw.below(90_000), pause: Some(millis(100 + draw.below(6_000))) },
        2 => Effect::StallAt { after_bytes: draw.below(200_000), pause: None },
        3 => Effect::ResetAt { after_bytes: 1 + draw.below(200_000) },
        4 => Effect::Shorten { after_bytes: draw.below(3_000) },
        5 => Effect::CorruptAt { from: draw.below(2_000), every: draw.of(&[1, 100, 10_000]) },
        6 => Effect::Redirect(draw.of(&["one", "two", "three", "nowhere"]).to_owned()),
        7 | 8 => Effect::Busy(draw.of(&[429, 503]), seconds(draw.of(&[0, 1, 4, 15, 90]))),
        9 => Effect::Status(draw.of(&[400, 401, 404, 408, 416, 425, 451, 502, 504])),
        10 => Effect::Delay(millis(draw.below(9_000))),
        11 => Effect::WholeFile,
        12 => Effect::Parts(2 + draw.below(6) as u32),
        _ => draw.of(&[Effect::Refuse, Effect::Silence, Effect::Reset, Effect::Html]),
    }
}

/// Draws a host, a kind of file or a run of segments that fails from a time on.
fn fault(draw: &mut Draw) -> Fault {
    if draw.one_in(3) {
        return usual_fault(draw, &HOSTS);
    }
    let host = draw.of(&["//one/film", "//two/film", "//three/film", "/film"]);
    let part = draw.of(&[
        "",
        "/a/",
        "/a/",
        "/v/",
        "/t/",
        "/key/",
        "/period.xml",
        "/orders.json",
        "/manifest.mpd",
        "/v/1080p",
        "/v/240p",
        "/v/720p/",
        "/a/de",
    ]);
    let effect = effect(draw);
    let mut fault = Fault::new(&format!("{host}{part}"), effect);
    let kinds =
        [FetchKind::Segment, FetchKind::Index, FetchKind::Init, FetchKind::Text, FetchKind::Key, FetchKind::Manifest];
    if draw.one_in(2) {
        fault = fault.of(draw.of(&kinds));
    }
    let from = draw.of(&[0, 0, 1_000, 4_000, 15_000]);
    fault = fault.from(millis(from));
    match draw.below(3) {
        0 => fault.until(millis(from + 1_000 + draw.below(15_000))),
        1 => fault.times(1 + draw.below(7) as u32),
        _ => fault,
    }
}

fn retries(draw: &mut Draw) -> RetryPolicy {
    RetryPolicy {
        first_delay: millis(draw.of(&[50, 250, 1_000])),
        longest_delay: millis(draw.of(&[500, 4_000])),
        deadline: draw.of(&[None, None, Some(seconds(1)), Some(seconds(6))]),
        most_retries: draw.of(&[None, None, Some(0), Some(3)]),
    }
}

fn config(draw: &mut Draw, number: u64) -> PlayerConfig {
    let usual = PlayerConfig::default();
    let load_errors = if draw.one_in(3) {
        RetryPolicies {
            unreachable_at_start: retries(draw),
            unreachable: retries(draw),
            silent: retries(draw),
            busy: retries(draw),
            damaged: retries(draw),
        }
    } else {
        usual.load_errors
    };
    PlayerConfig {
        buffer_goal: seconds(draw.of(&[3, 8, 30, 60])),
        buffer_bytes: draw.of(&[64 << 20, 64 << 20, 6 << 20, 1 << 20]),
        back_buffer: seconds(draw.of(&[0, 0, 4, 10])),
        renderer_lead: millis(draw.of(&[500, 2_000, 5_000])),
        start_threshold: millis(draw.of(&[0, 400, 3_000])),
        resume_threshold: millis(draw.of(&[500, 2_000, 6_000])),
        abr_rule: draw.of(&["default", "default", "default", "dynamic", "bola-e", "highest", "fixed:1"]).to_owned(),
        bandwidth_hint_bps: draw.of(&[None, None, Some(500_000), Some(9_000_000)]),
        max_height: draw.of(&[None, None, None, Some(480), Some(100)]),
        max_bitrate_bps: draw.of(&[None, None, Some(1_500_000)]),
        output_protection: draw.of(&LEVELS),
        first_byte_timeout: millis(draw.of(&[1_500, 6_000, 6_000])),
        stall_timeout: millis(draw.of(&[1_000, 4_000, 4_000])),
        retry_deadline: seconds(draw.of(&[4, 10, 30])),
        load_errors,
        live: LiveConfig::default(),
        seed: number,
    }
}

fn load_request(draw: &mut Draw, world: &World, film: &Film) -> LoadRequest {
    let languages = [&[][..], &["en"], &["de", "en"], &["fr", "xx"], &["xx"]];
    let mut request = LoadRequest {
        start: draw.of(&[None, None, Some(0), Some(9_300), Some(21_000), Some(900_000)]).map(MediaTime::from_millis),
        play_when_ready: !draw.one_in(4),
        audio_languages: names(draw.of(&languages)),
        text_languages: names(draw.of(&languages)),
        ..world.request()
    };
    if draw.one_in(3) {
        request.locations.reverse();
    }
    for lock in &film.locks {
        if draw.one_in(2) {
            request.drm.keys.insert(lock.id(), ContentKey::new(&lock.key).unwrap());
        }
    }
    if draw.one_in(4) {
        request.drm.licence_servers.push("http://two/film/licence".parse().unwrap());
    }
    request
}

fn command(draw: &mut Draw, world: &World, film: &Film) -> Command {
    let mode = draw.of(&[SeekMode::Exact, SeekMode::Keyframe]);
    let to = |to: MediaTime| Command::Seek { to, mode };
    let end = MediaTime::ZERO + film.duration;
    let position = world.snapshot().position;
    match draw.below(20) {
        0 => Command::SetOutputProtection(draw.of(&LEVELS)),
        1 => Command::SetViewport { width: draw.of(&[0, 320, 1280, 4000]), height: draw.of(&[180, 720, 2000]) },
        2 => Command::Load(load_request(draw, world, film)),
        3 => Command::Stop,
        4 => Command::SetVolume(draw.of(&[0.0, 0.3, 1.0, 1.5])),
        5 | 6 => {
            let qualities = &world.snapshot().qualities;
            let id = qualities.get(draw.below(6) as usize).map_or("none", |quality| &quality.id);
            Command::SelectQuality(QualityChoice::Representation(id.to_owned()))
        }
        7 | 8 => {
            let tracks = &world.snapshot().tracks;
            let Some(track) = tracks.get(draw.below(6) as usize) else { return Command::SelectText(TrackChoice::Auto) };
            let choice = TrackChoice::Track(TrackId(track.id.0.clone()));
            if track.kind == MediaKind::Text { Command::SelectText(choice) } else { Command::SelectAudio(choice) }
        }
        9 => to(end),
        10 => to(end - millis(draw.of(&[1, 40, 700]))),
        11 => to(position - millis(draw.of(&[100, 1_500, 5_000, 20_000]))),
        12 => to(position + millis(draw.of(&[0, 100, 2_500, 9_000]))),
        13 => Command::SetBufferGoal(seconds(draw.of(&[0, 1, 3, 600]))),
        14 => Command::SetMaxBitrate(draw.of(&[None, Some(1), Some(500_000), Some(1_700_000)])),
        15 => Command::SetRate(draw.of(&[0.25, 0.75, 1.0, 3.0])),
        _ => usual_command(draw),
    }
}

/// Returns the epoch of the last flush.
fn epoch(world: &World) -> Epoch {
    let (_, outputs) = world.recorded().unwrap();
    let epochs = outputs.iter().rev().filter_map(|output| match output {
        Output::Render(RenderCommand::Flush { epoch, .. }) => Some(*epoch),
        _ => None,
    });
    epochs.into_iter().next().unwrap_or_default()
}

fn report(draw: &mut Draw, world: &World) -> RenderEvent {
    let epoch = epoch(world);
    let track = draw.of(&[MediaKind::Video, MediaKind::Audio]);
    let codes = [ErrorCode::DecoderFailed, ErrorCode::DecoderUnavailable, ErrorCode::AudioDeviceUnavailable];
    let position = world.snapshot().position;
    match draw.below(9) {
        0 => RenderEvent::FlushWanted { reason: "a device went away".into() },
        1 | 2 => RenderEvent::TrackFailed { track, error: PlayerError::fatal(draw.of(&codes), "drawn") },
        3 => RenderEvent::FirstAudio { epoch: Epoch(epoch.0.saturating_sub(1)), pts: position },
        4 => RenderEvent::AvSync { nanos: draw.below(400_000_000) as i64 - 200_000_000 },
        5 => RenderEvent::Warning(PlayerError::warning(draw.of(&codes), "drawn")),
        6 => RenderEvent::Reconfigured { track, from: position },
        7 => RenderEvent::FirstFrame { epoch: Epoch(epoch.0.saturating_sub(draw.below(2))), pts: position },
        _ => RenderEvent::Position { epoch: Epoch(epoch.0.saturating_sub(1)), position: MediaTime::ZERO },
    }
}

/// Lets one thing happen to the session. Notes in `is_loaded` if a film is loaded or stopped.
fn act(draw: &mut Draw, world: &mut World, film: &mut Film, is_loaded: &mut bool) {
    match draw.below(12) {
        0 | 1 => {
            *film = relisted(draw, film);
            HOSTS.iter().for_each(|host| world.replace_film(host, film));
            world.refresh();
        }
        2 => world.hold_renderer(),
        3 => world.release_renderer(),
        4 => {
            let event = report(draw, world);
            world.report(event);
        }
        5 => world.add_fault(fault(draw)),
        6 if draw.one_in(2) => {
            let away = draw.of(&[-30, 0, 10, 45, 200]);
            world.set_utc(WallClock::from_unix_nanos((START + away) * 1_000_000_000));
        }
        7 if draw.one_in(2) => {
            world.command(Command::Pause);
            world.run_for(seconds(draw.of(&[20, 90])));
        }
        _ => {
            let command = command(draw, world, film);
            match &command {
                Command::Load(_) => *is_loaded = true,
                Command::Stop => *is_loaded = false,
                _ => {}
            }
            world.command(command);
        }
    }
}

/// Returns the log of the session of a number.
fn session(number: u64) -> String {
    let draw = &mut Draw(number);
    let mut film = film(draw);
    let hosts = draw.of(&[&["one"][..], &["one", "two"], &["one", "two", "three"], &["origin", "two"]]);
    let mirrors: Vec<&str> = HOSTS.into_iter().filter(|host| !hosts.contains(host)).collect();
    let faults = (0..draw.below(6)).map(|_| fault(draw)).collect();
    let mut world = World::with_mirrors(config(draw, number), &film, hosts, &mirrors, trace(draw), faults).unwrap();
    world.record();
    if draw.one_in(4) {
        world.watch_closely();
    }
    let mut outcomes = Vec::new();
    let mut is_loaded = false;
    for _ in 0..2 + draw.below(2) {
        let request = load_request(draw, &world, &film);
        world.command(Command::Load(request));
        is_loaded = true;
        for _ in 0..1 + draw.below(9) {
            world.run_for(millis(draw.of(&[0, 0, 40, 500, 2_000, 5_000, 9_000])));
            act(draw, &mut world, &mut film, &mut is_loaded);
        }
        world.release_renderer();
        // Half of the loads are played to their end.
        if draw.one_in(2) {
            outcomes.push("cut short".to_owned());
            continue;
        }
        outcomes.push(end(&mut world, is_loaded));
        if draw.one_in(3) {
            outcomes.push(again(draw, &mut world));
        }
    }
    outcomes.push(end(&mut world, is_loaded));
    let mut log = format!("{}\n{}", outcomes.join(", "), log(&world));
    for request in requests(&world) {
        if let Some(cipher) = &request.cipher {
            writeln!(log, "vector of {}: {:?} {:02x?}", request.id.0, cipher.mode, cipher.iv).unwrap();
        }
    }
    log
}

/// Plays what is loaded to its end.
fn end(world: &mut World, is_loaded: bool) -> String {
    world.command(Command::SetRate(1.0));
    world.command(Command::Play);
    match world.run_until_end(MINUTE * 10) {
        Outcome::Failed(error) => format!("failed with {:?}", error.code),
        Outcome::Ended => "ended".to_owned(),
        Outcome::Hung if !is_loaded => "stopped".to_owned(),
        other => panic!("{other:?}"),
    }
}

/// Goes back after the end.
fn again(draw: &mut Draw, world: &mut World) -> String {
    let back = draw.of(&[100, 3_000, 30_000]);
    world.command(Command::SeekBy { millis: -back, mode: SeekMode::Exact });
    world.run_for(Duration::from_millis(draw.below(9_000)));
    format!("back by {back}")
}

/// Returns numbers from which a session comes to an end without a finding of the auditor.
fn numbers(all: std::ops::Range<u64>) -> impl Iterator<Item = u64> {
    all.filter(|number| !SET_ASIDE.contains(number))
}

#[test]
fn further_sessions_1_to_60_give_what_is_on_record() {
    sessions("drawn-again-1", numbers(2001..2061), session);
}

#[test]
fn further_sessions_61_to_120_give_what_is_on_record() {
    sessions("drawn-again-2", numbers(2061..2121), session);
}

#[test]
fn further_sessions_121_to_180_give_what_is_on_record() {
    sessions("drawn-again-3", numbers(2121..2181), session);
}
