//! The report of a session whose numbers are known in advance: start, stall, change of quality, failover, seek and rate
//! happen at chosen times, over a link that costs 100 ms a request and nothing else.

use std::collections::BTreeMap;
use std::time::Duration;

use abr::link::Trace;
use abr::{Context, Decision, InFlight, Reason, Rule, Transfer, Verdict};
use player_core::model::Protocol;
use player_core::render::RenderEvent;
use player_core::sim::{Content, Effect, Fault, Film, Outcome, World};
use player_core::telemetry::{self, ProcessUsage, SessionReport};
use player_core::{Command, MediaTime, PlayerConfig, SeekMode};
use serde_json::{Value, json};

use crate::support::{HOUR, MINUTE, millis, seconds};

/// Position of the seek in seconds: a quarter of a frame after a frame, and half a second after the arrival of the
/// segment at 48 s.
const SEEK_FROM: f64 = 45.51;
/// Media ahead, in seconds, below which playback stops.
const MARGIN: f64 = 0.08;
/// Length of the stall in seconds: the segment comes 5.1 s after it is asked for, 3 s before it is needed.
const STALL: f64 = 2.1 + MARGIN;

/// The first five segments in the lowest quality, the others in the next.
struct Scripted;

impl Rule for Scripted {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn select(&mut self, context: &Context<'_>) -> Decision {
        let late = context.segments_left.is_some_and(|left| left <= 10);
        Decision::new(usize::from(late), Reason::Throughput)
    }

    fn on_transfer(&mut self, _: &Transfer) {}

    fn on_progress(&mut self, _: &InFlight, _: &Context<'_>) -> Verdict {
        Verdict::Continue
    }

    fn on_seek(&mut self) {}

    fn estimate_bps(&self) -> Option<u64> {
        None
    }
}

fn film() -> Film {
    let mut film = Film::plain(Protocol::Dash, MINUTE);
    film.ladder.truncate(2);
    film
}

fn size(film: &Film, path: &str) -> u64 {
    match film.content(path) {
        Some(Content::Media { size, .. }) => size,
        Some(Content::File { bytes, .. }) => bytes.len() as u64,
        None => panic!("{path}"),
    }
}

/// Plays the session and checks what ends each part of it.
fn played() -> World {
    let config = PlayerConfig {
        buffer_goal: seconds(3),
        // All media goes to the renderer as soon as it is there.
        renderer_lead: seconds(20),
        ..PlayerConfig::default()
    };
    let faults = vec![
        Fault::new("/v/360p/7.m4s", Effect::Delay(seconds(5))).times(1),
        Fault::new("http://one/film/v/360p/10.m4s", Effect::Refuse).times(1),
    ];
    let link = Trace::constant(1_000_000_000, millis(100));
    let mut world = World::new(config, &film(), &["one", "two"], link, faults).unwrap();
    world.load();
    world.set_rule(Box::new(Scripted));
    world.run_for(seconds(1));
    for nanos in [3_000_000, -12_000_000, 5_000_000] {
        world.report(RenderEvent::AvSync { nanos });
    }
    let seek_at = 0.3 + STALL + SEEK_FROM;
    world.run_for(Duration::from_secs_f64(seek_at - 1.0));
    assert!((world.snapshot().position.as_secs_f64() - SEEK_FROM).abs() < 1e-4, "{:?}", world.stats());
    world.command(Command::Seek { to: MediaTime::from_millis(52_000), mode: SeekMode::Exact });
    // The answer takes 100 ms, then two seconds are played.
    world.run_for(millis(2100));
    assert!((world.snapshot().position.as_secs_f64() - 54.0).abs() < 1e-3, "{:?}", world.snapshot().position);
    world.command(Command::SetRate(2.0));
    assert_eq!(world.run_until_end(HOUR), Outcome::Ended);
    assert_eq!(world.faults_fired().len(), 2);
    world
}

/// Compares with a tolerance of a few microseconds in what is measured in milliseconds.
fn differences(found: &Value, expected: &Value, path: &str, out: &mut Vec<String>) {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            let names: BTreeMap<&String, ()> = found.keys().chain(expected.keys()).map(|name| (name, ())).collect();
            for name in names.into_keys() {
                let of = |object: &serde_json::Map<String, Value>| object.get(name).cloned().unwrap_or(json!("absent"));
                differences(&of(found), &of(expected), &format!("{path}.{name}"), out);
            }
        }
        (Value::Array(found), Value::Array(expected)) if found.len() == expected.len() => {
            for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
                differences(found, expected, &format!("{path}[{at}]"), out);
            }
        }
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            if (a - b).abs() > 1e-4 * b.abs().max(1.0) {
                out.push(format!("{path}: {a} instead of {b}"));
            }
        }
        (found, expected) if found != expected => out.push(format!("{path}: {found} instead of {expected}")),
        _ => {}
    }
}

/// Mean of the media ahead while playing, from the positions between which the end of the media was known; not while
/// all of it is there.
fn mean_ahead() -> f64 {
    let mut spans = vec![(0.0, 1.1, 4.0)];
    // Each segment is asked for 3 s before it is needed, and here 100 ms later.
    spans.extend((1..6).map(f64::from).map(|place| (4.0 * place - 2.9, 4.0 * place + 1.1, 4.0 * place + 4.0)));
    spans.extend([(21.1, 28.0 - MARGIN, 28.0), (28.0 - MARGIN, 29.1, 32.0), (29.1, 33.1, 36.0), (33.1, 37.105, 40.0)]);
    spans.extend([(37.105, 41.1, 44.0), (41.1, 45.1, 48.0), (45.1, SEEK_FROM, 52.0), (52.0, 53.1, 56.0)]);
    let area: f64 = spans.iter().map(|(from, to, end)| (to - from) * (end - (from + to) / 2.0)).sum();
    area / spans.iter().map(|(from, to, _)| to - from).sum::<f64>()
}

#[test]
fn every_field_of_the_report_is_what_was_played() {
    let film = film();
    let world = played();
    let usage = ProcessUsage { peak_rss_bytes: Some(77), cpu_s: Some(1.25) };
    let report = SessionReport::new(telemetry::Outcome::Ended, None, &world.stats(), true, usage);
    let mut report = serde_json::to_value(&report).unwrap();
    let played = SEEK_FROM + 8.0;
    let played_wall = SEEK_FROM + 2.0 + 3.0;
    // Means are of what is looked at with each report, 100 ms apart.
    let mean = report["buffer_s"]["mean"].take().as_f64().unwrap();
    assert!((mean - mean_ahead()).abs() < 0.1, "{mean} instead of {}", mean_ahead());
    let shown = report["bitrate_bps"]["shown"].take().as_f64().unwrap();
    let of_shown = |low: f64| (low * 400_000.0 + (played - low) * 800_000.0) / played;
    assert!((of_shown(20.0)..of_shown(19.9)).contains(&shown), "{shown} instead of {}", of_shown(20.0));
    // Wall time counts from the first report on after each of four starts: the load, the stall, the seek, the rate.
    let ratio = report["rebuffer_ratio"].take().as_f64().unwrap();
    let of_ratio = |late: f64| STALL / (STALL + played_wall - late);
    assert!((of_ratio(0.0)..of_ratio(0.4)).contains(&ratio), "{ratio} instead of {}", of_ratio(0.0));

    // Peaks depend on the instants at which samples arrive.
    let memory = report["memory"].take();
    let bytes = |name: &str| memory[name].as_u64().unwrap();
    let largest = (5..15).map(|place| size(&film, &format!("/film/v/360p/{place}.m4s"))).max().unwrap();
    assert!((largest..largest * 2).contains(&bytes("in_flight_peak")), "one segment of each kind: {memory}");
    assert!((largest..largest * 6).contains(&bytes("media_peak")), "ten seconds behind, eight ahead: {memory}");
    let rest = ["metadata", "indexes", "manifest"].map(bytes);
    assert_eq!((rest[0], rest[1] > 0, rest[2] > 0), (0, true, true), "{memory}");
    let sum = bytes("media_peak") + bytes("in_flight_peak") + rest.iter().sum::<u64>();
    assert!((bytes("media_peak") + rest[1]..=sum).contains(&bytes("total_peak")), "{memory}");

    let place_sizes = |group: &str, places: std::ops::Range<u64>| -> u64 {
        places.map(|place| size(&film, &format!("/film/{group}/{place}.m4s"))).sum()
    };
    let media = place_sizes("v/240p", 0..5) + place_sizes("v/360p", 5..15) + place_sizes("a/en", 0..15);
    let init: u64 =
        ["v/240p", "v/360p", "a/en"].iter().map(|folder| size(&film, &format!("/film/{folder}/init.mp4"))).sum();
    // A quarter of a frame after the last one that was presented; then two segments.
    let presented = (SEEK_FROM * 24.0) as u64 + 1 + 8 * 24;
    let unseen = 15 * 96 - presented;
    // Nothing of the segment of video at 48 s was on screen; that of audio reaches past the target and is kept.
    let wasted = place_sizes("v/360p", 12..13);
    let expected = json!({
        "outcome": "ended",
        "error": null,
        "startup_ms": 300.0,
        // The tenth frame is due after 375 ms, and reports come every 100 ms.
        "moving_ms": 700.0,
        "startup_phases": { "manifest": 100.0, "init": 200.0, "first_media": 300.0, "first_frame": 300.0 },
        "played_s": played,
        "stalls": [{ "at_s": 28.0 - MARGIN, "duration_ms": STALL * 1000.0, "reason": "network_too_slow" }],
        "stall_ms_total": STALL * 1000.0,
        "rebuffer_ratio": null,
        "switches": [{ "at_s": 20.0, "from": "240p", "to": "360p", "reason": "throughput" }],
        "bitrate_bps": { "fetched": (5.0 * 400_000.0 + 10.0 * 800_000.0) / 15.0, "shown": null },
        "frames": {
            "received": 15 * 96, "decoder_input": 15 * 96,
            "presented": presented, "dropped": 0, "repeated": 0, "corrupt": 0,
            "lost": { "undecodable": 0, "overlapped": 0, "outside_window": 0, "late": 0 },
            "discarded": { "seek": unseen, "switch": 0, "replaced": 0, "stopped": 0 },
        },
        "seeks": [{ "to_s": 52.0, "latency_ms": 100.0, "error_ms": 0.0 }],
        "bytes": { "media": media + init, "manifest": size(&film, film.manifest_path()), "wasted": wasted },
        "memory": null,
        // The refused segment, and the audio that was on its way from the same server, are asked for once more.
        "requests": 1 + 3 + 15 + 15 + 2,
        "retries": 2,
        "failovers": [{
            // The refusal takes 5 ms.
            "at_s": 37.005, "from": "http://one", "to": "http://two",
            "reason": "NetworkUnreachable (1001): connection refused: in the virtual network",
        }],
        "av_sync_ms": { "p50": 5.0, "p99": 12.0 },
        "buffer_s": { "mean": null, "min": MARGIN },
        "live": null,
        "peak_rss_bytes": 77,
        "cpu_s": 1.25,
    });
    let mut wrong = Vec::new();
    differences(&report, &expected, "report", &mut wrong);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
