//! Streams of another packager, 120 seconds with a burnt-in counter: `./test --peers` with PEERS_HOME set.

use std::path::PathBuf;

use player_core::{Event, LoadRequest, PlayerConfig};

use crate::support::servers::python;
use crate::support::show::{Counter, Show};

/// Frames of the film: 120 s at 24 a second.
const FRAMES: u32 = 2880;

fn plays_every_frame(path: &str) {
    // Asked for by an option of ./test, so without it nothing is left out.
    let Some(home) =
        std::env::var_os("PEERS_HOME").filter(|_| std::env::var_os("KINORA_PEERS").is_some_and(|v| v == "1"))
    else {
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
    plays_every_frame("fmp4/master.m3u8");
}

#[test]
fn dash_with_a_timeline() {
    plays_every_frame("fmp4/manifest.mpd");
}

#[test]
fn dash_with_numbers() {
    plays_every_frame("dashnum/manifest.mpd");
}
