//! Streams of another packager, 120 seconds with a burnt-in counter: `./test --peers` with PEERS_HOME set.

use std::path::PathBuf;

use player_core::{Event, LoadRequest, PlayerConfig};

use crate::support::servers::python;
use crate::support::show::{Counter, Show};
use crate::support::skip;

/// Frames of the film: 120 s at 24 a second.
const FRAMES: u32 = 2880;

fn plays_every_frame(test: &str, path: &str) {
    // `./test` runs these tests only with `--peers`.
    let Some(home) = std::env::var_os("PEERS_HOME") else {
        skip(test, "PEERS_HOME names no folder of streams");
        return;
    };
    let server = python(&PathBuf::from(home).join("www"));
    let show = Show::new(PlayerConfig::default(), Counter::Peer);
    show.load(LoadRequest::new(server.url.join(path).unwrap()));
    show.until("end", |event| matches!(event, Event::Ended));
    assert_eq!(show.runs(), [(0, FRAMES)], "{path}");
    assert!(show.player.snapshot().stats.stalls.is_empty());
}

#[test]
fn hls_with_four_second_segments() {
    plays_every_frame("packagers::hls_with_four_second_segments", "fmp4/master.m3u8");
}

#[test]
fn dash_with_a_timeline() {
    plays_every_frame("packagers::dash_with_a_timeline", "fmp4/manifest.mpd");
}

#[test]
fn dash_with_numbers() {
    plays_every_frame("packagers::dash_with_numbers", "dashnum/manifest.mpd");
}
