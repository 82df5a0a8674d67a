//! Drawn sessions of wider films: pathways and steering, manifests that are read again, several rates of audio, copy
//! protection, encryption of every kind, irregular shapes, real bytes, and a renderer that stands still.

use player_core::model::{MediaKind, Protocol};
use player_core::render::RenderEvent;
use player_core::sim::{Addressing, Film, Lock, LockKind, Outcome, Relisting, Shape, Sounds, World};
use player_core::{Command, ErrorCode, PlayerConfig, PlayerError};

use super::drawn::{Draw, command, fault, film as usual_film, sessions, trace};
use super::recorded::log;
use crate::support::{MINUTE, millis, seconds};

/// Answers of the steering server: another order, clones, one that names nothing known, one that cannot be read.
pub(crate) const ORDERS: [&str; 5] = [
    r#"{"VERSION":1,"TTL":10,"PATHWAY-PRIORITY":["two","one"]}"#,
    r#"{"VERSION":1,"TTL":20,"PATHWAY-PRIORITY":["made","one"],"PATHWAY-CLONES":[
        {"BASE-ID":"one","ID":"made","URI-REPLACEMENT":{"HOST":"three","PARAMS":{"t":"7"}}}]}"#,
    r#"{"VERSION":1,"TTL":15,"PATHWAY-PRIORITY":["kept","two"],"PATHWAY-CLONES":[
        {"BASE-ID":"two","ID":"kept","URI-REPLACEMENT":{"HOST":"nowhere","PER-VARIANT-URIS":{
        "s-480p":"http://three/film/v/480p/index.m3u8"}}}]}"#,
    r#"{"VERSION":1,"TTL":9,"PATHWAY-PRIORITY":["nil"],"RELOAD-URI":"http://three/orders.json"}"#,
    "orders",
];
const KEYS: [u8; 3] = [7, 9, 11];

pub(crate) fn shape(draw: &mut Draw) -> Shape {
    if draw.one_in(3) {
        return Shape::IRREGULAR;
    }
    Shape {
        first_number: draw.of(&[0, 3, (1 << 32) + 9]),
        first_audio_number: draw.of(&[0, 11]),
        uneven: draw.one_in(2),
        reordered: draw.one_in(2),
        opening_discontinuity: draw.one_in(3),
        announced_from: draw.of(&[None, Some(0), Some(2)]),
        late_audio: draw.below(3) * 20,
        media_away: draw.of(&[0, 1 << 33]),
        other_key_formats: draw.one_in(3),
        ..Shape::PLAIN
    }
}

pub(crate) fn locks(draw: &mut Draw, protocol: Protocol) -> Vec<Lock> {
    let kinds: &[LockKind] = match protocol {
        Protocol::Hls => {
            &[LockKind::Segments, LockKind::Segments, LockKind::Samples, LockKind::Samples, LockKind::Nothing]
        }
        Protocol::Dash => &[LockKind::Samples, LockKind::Samples, LockKind::Samples, LockKind::Nothing],
    };
    let mut first = 0;
    let mut locks = Vec::new();
    for key in KEYS.into_iter().take(1 + draw.below(3) as usize) {
        let kind = if draw.one_in(10) { LockKind::Foreign } else { draw.of(kinds) };
        locks.push(Lock { first, kind, key: [key; 16] });
        first += 1 + draw.below(4);
    }
    locks
}

fn film(draw: &mut Draw) -> Film {
    let mut film = usual_film(draw);
    film.shape = Shape { video: film.shape.video, audio: film.shape.audio, ..shape(draw) };
    if draw.one_in(4) {
        film = film.addressed(Addressing::Unannounced, Addressing::Unannounced);
    }
    if draw.one_in(3) {
        film.sounds = Sounds::new(&[64_000, 128_000, 256_000]);
        film.sounds.pairs = vec![("240p".to_owned(), vec![0]), ("1080p".to_owned(), vec![1, 2])];
    }
    if draw.one_in(3) {
        film.locks = locks(draw, film.protocol);
        film.licence_lacks = if draw.one_in(2) { vec![draw.below(3) as usize] } else { Vec::new() };
        film.licence_server = film.protocol == Protocol::Dash && !draw.one_in(5);
    }
    match film.protocol {
        Protocol::Hls => {
            film.stable_ids = draw.one_in(2);
            if draw.one_in(2) {
                film.pathways = vec!["one".to_owned(), "two".to_owned()];
                film.steering = (!draw.one_in(4)).then(|| draw.of(&ORDERS).to_owned());
            } else if draw.one_in(2) {
                film.rendition_host = Some("two".to_owned());
            }
            if draw.one_in(3) {
                film.hdcp_levels =
                    vec![("1080p".to_owned(), "TYPE-1".to_owned()), ("720p".to_owned(), "TYPE-0".to_owned())];
            }
            film.media_start = if draw.one_in(4) { Some(draw.of(&[5.0, -9.0])) } else { None };
        }
        Protocol::Dash => {
            film.remote_period = film.periods > 1 && draw.one_in(2);
            film.media_offset = seconds(draw.of(&[0, 0, 100]));
            film.at_once = draw.one_in(8);
            film.available_from = draw.one_in(8).then(|| "2026-01-01T00:00:20Z".to_owned());
        }
    }
    if draw.one_in(8) {
        film.duration = seconds(16);
        film.real_bytes = true;
        film.gaps.clear();
        film.missing.clear();
        film.locks.clear();
        film.event_messages = film.protocol == Protocol::Dash;
    }
    film
}

/// Returns the film as its manifest is written at another time.
fn relisted(draw: &mut Draw, film: &Film) -> Film {
    let relisting = Relisting {
        order: draw.one_in(2).then(|| draw.below(100)),
        removed_segments: draw.of(&[0, 0, 1, 2]),
        removed_periods: u32::from(film.periods > 1 && draw.one_in(3)),
        is_nameless: draw.one_in(3),
    };
    Film { relisting, ..film.clone() }
}

fn wide_command(draw: &mut Draw, world: &World) -> Command {
    match draw.below(9) {
        0 => Command::SetOutputProtection(draw.of(&[abr::Hdcp::None, abr::Hdcp::Type0, abr::Hdcp::Type1])),
        1 => Command::SetViewport { width: draw.of(&[320, 1280]), height: draw.of(&[180, 720]) },
        2 => Command::Load(world.request()),
        _ => command(draw),
    }
}

/// Returns the log of the session of a number.
fn session(number: u64) -> String {
    let draw = &mut Draw(number);
    let film = film(draw);
    let hosts: &[&str] = draw.of(&[&["one"][..], &["one", "two"][..], &["origin", "one"][..]]);
    let mirrors: Vec<&str> = ["one", "two", "three"].into_iter().filter(|host| !hosts.contains(host)).collect();
    let faults = (0..draw.below(6)).map(|_| fault(draw, &["one", "two", "three"])).collect();
    let config = PlayerConfig {
        buffer_goal: seconds(draw.of(&[10, 30])),
        buffer_bytes: draw.of(&[64 << 20, 3 << 20]),
        back_buffer: seconds(draw.of(&[0, 10])),
        output_protection: draw.of(&[abr::Hdcp::None, abr::Hdcp::Type1]),
        max_bitrate_bps: draw.of(&[None, None, Some(1_500_000)]),
        seed: number,
        ..PlayerConfig::default()
    };
    let mut world = World::with_mirrors(config, &film, hosts, &mirrors, trace(draw), faults).unwrap();
    world.record();
    world.load();
    for _ in 0..2 + draw.below(9) {
        world.run_for(millis(draw.of(&[0, 40, 500, 2_000, 5_000])));
        match draw.below(8) {
            0 | 1 => {
                let film = relisted(draw, &film);
                ["origin", "one", "two", "three"].iter().for_each(|host| world.replace_film(host, &film));
                world.refresh();
            }
            2 => world.hold_renderer(),
            3 => world.release_renderer(),
            4 => {
                let track = draw.of(&[MediaKind::Video, MediaKind::Audio]);
                let code = draw.of(&[ErrorCode::DecoderFailed, ErrorCode::DecoderUnavailable]);
                world.report(match draw.below(3) {
                    0 => RenderEvent::FlushWanted { reason: "a device went away".into() },
                    _ => RenderEvent::TrackFailed { track, error: PlayerError::fatal(code, "drawn") },
                });
            }
            _ => {
                let command = wide_command(draw, &world);
                world.command(command);
            }
        }
    }
    // So that every session comes to an end.
    world.release_renderer();
    world.command(Command::Play);
    let outcome = match world.run_until_end(MINUTE * 3) {
        Outcome::Failed(error) => format!("Failed with {:?}", error.code),
        other => format!("{other:?}"),
    };
    format!("{outcome}\n{}", log(&world))
}

#[test]
fn wide_sessions_1_to_30_give_what_is_on_record() {
    sessions("drawn-wide-1", 1001..1031, session);
}

#[test]
fn wide_sessions_31_to_60_give_what_is_on_record() {
    sessions("drawn-wide-2", 1031..1061, session);
}
